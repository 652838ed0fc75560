"""Clients that connect and do harm by doing little: slow ones, idle ones, too many of them, and those that hide one
request in another."""

import contextlib
import os
import re
import resource
import socket
import subprocess
import sys
import time

import pytest

if __name__ == "__main__":  # the part that runs in a network of its own
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.daemon import AUTOMXD, ROOT, Daemon
from support.proxies import apache, nginx
from support.wire import answers

SEED = {"version": 2, "provider": "Example", "domains": [{"name": "example.com"}],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
                     "user_name": "%EMAILADDRESS%", "authentication": "plain"}]}
QUESTION = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n"
# A sanitized daemon on a busy machine; somebody who waits for another's time-out waits much longer.
SOON = 2.0


def eventually(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


@contextlib.contextmanager
def idle_connections(daemon, count, data=b"", host="127.0.0.1"):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = []
    try:
        for _ in range(count):
            connection = socket.create_connection((host, daemon.port), timeout=20)
            connections.append(connection)
            if data:
                connection.sendall(data)
        yield connections
    finally:
        for connection in connections:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def is_closed(connection):
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def served_soon(daemon):
    began = time.monotonic()
    assert daemon.autoconfig("a@example.com").status == 200
    return time.monotonic() - began < SOON


def test_thousands_of_idle_connections():
    with Daemon({"idle_timeout": "4s", "loglevel": "WARNING"}, seed=SEED) as daemon:
        assert served_soon(daemon)
        with idle_connections(daemon, 2500) as silent, idle_connections(daemon, 2500, b"GET / HTTP/1.1\r\nHo") as half:
            assert all(served_soon(daemon) for _ in range(50))
            eventually(lambda: all(map(is_closed, silent + half)))
        assert served_soon(daemon)


def test_more_connections_than_there_may_be():
    """Those past the limit wait until one of the idle ones is closed."""
    with Daemon({"idle_timeout": "1s", "connections": 16, "http_threads": 2}, seed=SEED) as daemon:
        with idle_connections(daemon, 60):
            assert daemon.autoconfig("a@example.com").status == 200
        assert daemon.autoconfig("a@example.com").status == 200


def test_a_slow_writer_is_served_and_holds_up_nobody():
    with Daemon({"idle_timeout": "10s", "http_threads": 1}, seed=SEED) as daemon:
        with socket.create_connection(daemon.address, timeout=20) as slow:
            for byte in QUESTION:
                slow.sendall(bytes([byte]))
                assert served_soon(daemon)
            received = b""
            while not answers(received):
                received += slow.recv(65536)
            assert answers(received)[0].status == 200


def test_slow_readers_hold_up_nobody_and_get_everything():
    with Daemon({"idle_timeout": "10s", "http_threads": 1, "loglevel": "WARNING"}, seed=SEED) as daemon:
        count = 4000
        with idle_connections(daemon, 4) as readers:
            for reader in readers:
                reader.setblocking(False)
            sent = [0] * len(readers)
            for _ in range(50):  # until the buffers on the way are full of answers that nobody fetches
                for i, reader in enumerate(readers):
                    with contextlib.suppress(BlockingIOError):
                        sent[i] += reader.send((QUESTION * count)[sent[i]:sent[i] + 20000])
                assert served_soon(daemon)
            for i, reader in enumerate(readers):
                reader.settimeout(20)
                complete = sent[i] // len(QUESTION)
                received = b""
                while received.count(b"</clientConfig>") < complete:
                    chunk = reader.recv(1 << 20)
                    assert chunk, (complete, received.count(b"</clientConfig>"))
                    received += chunk
                found = answers(received)
                assert len(found) == complete and {answer.status for answer in found} == {200}


def flood():
    """In a network of our own, in which addresses of "outside" lead to the daemon. That of loopback is not counted."""
    subprocess.run("ip link set lo up".split(), check=True)
    for address in ("198.51.100.1/32", "198.51.100.2/32", "198.51.100.3/32", "2001:db8::1/128", "2001:db8::2/128",
                    "2001:db8:0:1::1/128"):
        subprocess.run(["ip", "addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else [])], check=True)
    flood_past_the_limit()
    flood_without_a_limit()
    flood_from_a_network()


def connect(daemon, address):
    return socket.create_connection((address, daemon.port), timeout=10, source_address=(address, 0))


def held(connections):
    return sum(not is_closed(connection) for connection in connections)


def is_served(daemon, address):
    with connect(daemon, address) as connection:
        try:
            connection.sendall(QUESTION)
            return connection.recv(4096).startswith(b"HTTP/1.1 200 ")
        except ConnectionError:
            return False


def flood_past_the_limit():
    with Daemon({"connections_per_address": 10, "idle_timeout": "60s", "loglevel": "WARNING"}, seed=SEED,
                args=["--host", "0.0.0.0"]) as daemon:
        flooding = [connect(daemon, "198.51.100.1") for _ in range(300)]
        eventually(lambda: held(flooding) == 10)
        assert all(is_served(daemon, "198.51.100.2") for _ in range(20))
        assert served_soon(daemon)
        for connection in flooding:
            connection.close()
        eventually(lambda: is_served(daemon, "198.51.100.1"))


def flood_without_a_limit():
    """Nobody takes more than is left for the others: a half, and then a half of the rest."""
    with Daemon({"connections": 64, "idle_timeout": "60s", "loglevel": "WARNING"}, seed=SEED,
                args=["--host", "0.0.0.0"]) as daemon:
        first = [connect(daemon, "198.51.100.1") for _ in range(200)]
        eventually(lambda: held(first) == 32)
        assert all(is_served(daemon, "198.51.100.2") for _ in range(20))
        second = [connect(daemon, "198.51.100.2") for _ in range(200)]
        eventually(lambda: held(second) == 16)
        assert all(is_served(daemon, "198.51.100.3") for _ in range(20))
        assert served_soon(daemon)
        assert not is_served(daemon, "198.51.100.1") and not is_served(daemon, "198.51.100.2")
        for connection in first + second:
            connection.close()
        eventually(lambda: is_served(daemon, "198.51.100.1") and is_served(daemon, "198.51.100.2"))


def flood_from_a_network():
    """Two addresses of one customer's network are one."""
    with Daemon({"connections": 64, "idle_timeout": "60s", "db_uri": None,
                 "accounts": os.path.join(ROOT, "examples/accounts.json")}, args=["--host", "::"]) as daemon:
        network = [connect(daemon, address) for address in ("2001:db8::1", "2001:db8::2") * 100]
        eventually(lambda: held(network) == 32)
        assert not is_served(daemon, "2001:db8::2")
        assert all(is_served(daemon, "2001:db8:0:1::1") for _ in range(20))
        for connection in network:
            connection.close()


def test_a_flood_from_one_address():
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    result = subprocess.run(["unshare", "--net", *user, sys.executable, os.path.abspath(__file__)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    assert result.returncode == 0, result.stdout


def test_fewer_descriptors_than_connections():
    """The last ones are left for databases, and nobody spins while more want to connect."""
    config = {"loglevel": "WARNING", "cache_ttl": "0s", "http_threads": 2}
    with Daemon(config, seed=SEED, wrap=["prlimit", "--nofile=128"], allow=["only 44 connections can be open at once"]) as daemon:
        with socket.create_connection(daemon.address, timeout=20) as early, idle_connections(daemon, 200):
            for _ in range(10):
                early.sendall(QUESTION)
                received = b""
                while not answers(received):
                    received += early.recv(65536)
                assert answers(received)[0].status == 200
            used = cpu_seconds(daemon.process.pid)
            time.sleep(0.5)
            assert cpu_seconds(daemon.process.pid) - used < 0.3, "the daemon spins while it cannot accept"
        eventually(lambda: served_soon(daemon))
        assert all(served_soon(daemon) for _ in range(20))


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


PROXIES = {"nginx": nginx, "apache": apache}
INNER = b"DELETE /initdb/ HTTP/1.1\r\nHost: localhost\r\n\r\n"


def smugglers():
    """Requests in which a careless pair of servers would find INNER as a second one, as the daemon's own client."""
    head = b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\n"
    chunk = b"%x\r\n" % len(INNER) + INNER + b"\r\n0\r\n\r\n"
    for transfer in (b"Transfer-Encoding: chunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: xchunked",
                     b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x", b"X: x\nTransfer-Encoding: chunked",
                     b" Transfer-Encoding: chunked", b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding\x00: chunked"):
        for length in (4, 5, len(chunk), len(chunk) + 5, 0):
            yield head + b"Content-Length: %d\r\n" % length + transfer + b"\r\n\r\n0\r\n\r\n" + INNER
            yield head + transfer + b"\r\nContent-Length: %d\r\n\r\n" % length + chunk + INNER
    for length in (b"0\r\nContent-Length: 47", b"0, 47", b"+0", b"-0", b" 0\x0b", b"0x0", b"00"):
        yield head + b"Content-Length: " + length + b"\r\n\r\n" + INNER
    yield head.replace(b"POST", b"GET") + b"Content-Length: %d\r\n\r\n" % len(INNER) + INNER
    yield head.replace(b"POST", b"HEAD") + b"Content-Length: %d\r\n\r\n" % len(INNER) + INNER
    yield head + b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n" + INNER
    yield head + b"Transfer-Encoding: chunked\r\n\r\n0\r\nHost: localhost\r\n\r\n" + INNER
    yield head + b"Transfer-Encoding: chunked\r\n\r\n0;\n\r\n\r\n" + INNER
    yield b"GET / HTTP/1.1\r\nHost: autoconfig.example.com\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + INNER
    for path in (b"/initdb", b"//initdb/", b"/%69nitdb", b"/x/../initdb", b"/INITDB/", b"http://localhost/initdb", b"/initdb?x",
                 b"/./initdb", b"/initdb%2f", b"/%2finitdb", b"/autodiscover/..%2finitdb", b"/initdb;x", b"/initdb#x"):
        for extra in (b"", b"X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Host: localhost\r\n",
                      b"Connection: close, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto\r\n"):
            for host in (b"autoconfig.example.com", b"localhost"):
                yield b"DELETE " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + extra + b"\r\n"
    yield b"GET /a HTTP/1.1\r\nHost: autoconfig.example.com\r\nX: a\r" + INNER + b"\r\n"


@pytest.mark.parametrize("server", PROXIES)
def test_smuggling_behind_proxies(server):
    with Daemon({"proxy_count": 1, "trusted_proxies": "127.0.0.1"}, seed=SEED) as daemon, \
            PROXIES[server](daemon.port) as proxy:
        for data in smugglers():
            with socket.create_connection(("127.0.0.1", proxy.http_port), timeout=20) as connection:
                with contextlib.suppress(ConnectionError):
                    connection.sendall(data + b"GET / HTTP/1.0\r\n\r\n")
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass
            good = proxy.request("GET", "/mail/config-v1.1.xml", "autoconfig.example.com")
            assert good.status == 200 and "imap.example.com" in good.text, data
        assert daemon.stderr().count("path=/autodiscover/autodiscover.xml") > 4  # most they refuse themselves
        lines = re.findall(r"path=/initdb.* status=(\d+)", daemon.stderr())
        assert lines[0] == "200" and set(lines[1:]) <= {"403", "405"}, lines  # the first one is the test's own


if __name__ == "__main__":
    assert os.path.exists(AUTOMXD)
    flood()
