"""Whoever writes to an SQLite file gets his turn, however many domains are looked up in it meanwhile."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import time

from support.daemon import RELEASE_BUILD, ROOT, Daemon

DOMAINS = 400
WRITES = 25
SEED = {"version": 2, "provider": "Example", "domains": [{"name": f"d{number}.example"} for number in range(DOMAINS)],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL", "user_name": "%EMAILADDRESS%",
                     "authentication": "plain"}]}


@contextlib.contextmanager
def load(daemon):
    """Asks for domains at random, as fast as the daemon answers."""
    process = subprocess.Popen(
        ["wrk", "-t", "2", "-c", "32", "-d", "120s", "-s", f"{ROOT}/bench/wrk.lua", f"http://{daemon.address[0]}:{daemon.address[1]}",
         "--", "GET", "/mail/config-v1.1.xml?emailaddress=a@d@N@.example", "x.example", "-", str(DOMAINS)],
        stdout=subprocess.PIPE, text=True)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        output = process.communicate()[0]
    result = json.loads(next(line[7:] for line in output.splitlines() if line.startswith("RESULT ")))
    assert result["requests"] > 0 and result["status"] == 0 and result["broken"] == 0


def busy_ticks(daemon):
    """How much processor time it has used, in hundredths of a second."""
    with open(f"/proc/{daemon.process.pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def test_writers_have_their_turn():
    # The program as it is installed: the sanitizers' one is slow enough to leave gaps by itself.
    config = {"cache_ttl": "0s", "http_threads": 2, "lookup_timeout": "20s", "loglevel": "WARNING"}
    with Daemon(config, seed=SEED, program=os.path.join(RELEASE_BUILD, "automxd")) as daemon:
        with load(daemon), contextlib.closing(sqlite3.connect(daemon.database, timeout=5, isolation_level=None)) as database:
            for number in range(WRITES):
                before = busy_ticks(daemon)
                while busy_ticks(daemon) < before + 5:  # it looks up some thousand domains
                    time.sleep(0.01)
                database.execute("UPDATE provider SET name = ?", (f"Example {number}",))  # raises when it is locked for 5 s
        assert f"<displayName>Example {WRITES - 1}<" in daemon.get("/mail/config-v1.1.xml?emailaddress=a@d1.example").text
