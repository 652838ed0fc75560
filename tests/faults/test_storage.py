"""Databases that cannot be written, are cut short or are no databases, and writers that are killed in the middle: what was
there stays, and what is wrong is said."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from support.daemon import AUTOMXCTL, AUTOMXD, Daemon, request

SERVERS = [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL", "user_name": "%EMAILADDRESS%",
            "authentication": "plain"}]


def seed(provider, count):
    return {"version": 2, "provider": provider, "domains": [{"name": f"d{number}.{provider.lower()}.example"}
                                                            for number in range(count)], "servers": SERVERS}


def content(database):
    with sqlite3.connect(database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        has_tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'provider'").fetchone()[0]
        found = ([row[0] for row in connection.execute("SELECT name FROM provider")],
                 connection.execute("SELECT count(*) FROM domain").fetchone()[0]) if has_tables else ([], 0)
    connection.close()
    return found


def autoconfig(daemon, domain):
    return daemon.get(f"/mail/config-v1.1.xml?emailaddress=a@{domain}", f"autoconfig.{domain}")


def eventually(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def journal_size(database):
    return sum(os.path.getsize(database + end) for end in ("", "-journal", "-wal") if os.path.exists(database + end))


@pytest.mark.parametrize("after", [0, 0.002, 0.01, 0.03, 0.1])
def test_killed_while_initdb_writes(after):
    count = 5000
    body = json.dumps(seed("New", count))
    with Daemon({"lookup_timeout": "30s"}, seed=seed("Old", 1)) as daemon:
        assert daemon.request("DELETE", "/initdb/").status == 200
        before = journal_size(daemon.database)
        asker = threading.Thread(target=lambda: ignore_errors(daemon.address, body))
        asker.start()
        eventually(lambda: journal_size(daemon.database) > before)
        time.sleep(after)
        daemon.signal(signal.SIGKILL)
        asker.join()
        daemon.process.wait(10)
        assert content(daemon.database) in (([], 0), (["New"], count))
        served = content(daemon.database)[1] > 0
        daemon.seed = None
        daemon.start()
        assert autoconfig(daemon, "d7.new.example").status == (200 if served else 404)
        if not served:
            assert daemon.post("/initdb/", body, timeout=60).status == 200
        assert autoconfig(daemon, "d7.new.example").status == 200


def ignore_errors(address, body):
    try:
        request(address, "POST", "/initdb/", body=body)
    except OSError:
        pass
    except Exception as error:  # an answer cut short
        assert "closed connection" in str(error) or "Remote end" in str(error), error


@pytest.mark.parametrize("after", [0, 0.002, 0.01, 0.03, 0.1])
def test_killed_while_import_writes(tmp_path, after):
    count = 5000
    file = tmp_path / "new.json"
    file.write_text(json.dumps(seed("New", count)))
    with Daemon({"cache_ttl": "0s"}, seed=seed("Old", 3)) as daemon:
        before = journal_size(daemon.database)
        importer = subprocess.Popen([AUTOMXCTL, "--config", daemon.config_path, "import", file, "--replace"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: journal_size(daemon.database) > before or importer.poll() is not None)
        time.sleep(after)
        importer.kill()
        importer.wait()
        found = content(daemon.database)
        assert found in ((["Old"], 3), (["New"], count))
        assert autoconfig(daemon, "d1.old.example").status == (200 if found[1] == 3 else 404)
        assert autoconfig(daemon, "d1.new.example").status == (404 if found[1] == 3 else 200)


def test_disk_full(tmp_path):
    """On a file system of 256 KiB that only the daemon sees."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    mount = tmp_path / "small"
    mount.mkdir()
    wrap = ["unshare", "--mount", *user, "sh", "-c", f'mount -t tmpfs -o size=256k,mode=777 tmpfs {mount} && exec "$@"', "sh"]
    with Daemon({"db_uri": f"sqlite:///{mount}/db", "cache_ttl": "0s", "lookup_timeout": "10s"}, wrap=wrap,
                seed=seed("Old", 2), allow=["full", "WARNING"]) as daemon:
        assert daemon.request("DELETE", "/initdb/").status == 200
        answer = daemon.post("/initdb/", json.dumps(seed("New", 8000)), timeout=60)
        assert answer.status == 503 and "full" in answer.text and answer.headers["Retry-After"], answer
        # whoever failed is left alone for a moment
        eventually(lambda: autoconfig(daemon, "d1.new.example").status == 404)
        eventually(lambda: daemon.get("/readyz").status == 200)
        eventually(lambda: daemon.post("/initdb/", json.dumps(seed("Small", 2))).status == 200)
        eventually(lambda: autoconfig(daemon, "d1.small.example").status == 200)


def test_no_database_at_all(tmp_path):
    file = tmp_path / "db"
    file.write_bytes(b"This is a text about databases. " * 200)
    with Daemon({"db_uri": f"sqlite:///{file}"}, allow=["."]) as daemon:
        answer = autoconfig(daemon, "example.com")
        assert answer.status == 503 and answer.headers["Retry-After"]
        assert daemon.get("/readyz").status == 503
        log = daemon.stderr()
    assert f"{file}: the file is no SQLite database" in log, log
    check = subprocess.run([AUTOMXD, "--config", config(tmp_path, file), "--check-config"], capture_output=True, text=True,
                           timeout=20, check=False)
    assert check.returncode in (1, 2) and "no SQLite database" in check.stderr, check
    assert file.read_bytes() == b"This is a text about databases. " * 200


def config(directory, database):
    path = directory / "automxd.conf"
    path.write_text(f"[automx2]\ndb_uri = sqlite:///{database}\n")
    return path


@pytest.mark.parametrize("damage", ["zeros", "noise", "cut"])
def test_a_database_damaged_while_it_is_served(tmp_path, damage):
    """What was there, or 503 and a reason; and all is well once the file is back. Of a file that was cut SQLite says that
    rows are missing, which nobody can tell from an edit."""
    with Daemon({"cache_ttl": "0s", "stale_ttl": "0s"}, seed=seed("Old", 2000), allow=["."]) as daemon:
        good = tmp_path / "good"
        shutil.copy(daemon.database, good)
        size = os.path.getsize(good)
        with open(daemon.database, "r+b") as file:
            if damage == "cut":
                file.truncate(size // 2)
            else:
                file.seek(4096)
                file.write(b"\0" * (size - 4096) if damage == "zeros" else os.urandom(size - 4096))
        touch_header(daemon.database)
        statuses = set()
        for number in range(0, 2000, 100):
            answer = autoconfig(daemon, f"d{number}.old.example")
            assert answer.status in (200, 503) or (answer.status == 404 and damage == "cut"), answer
            assert answer.status != 200 or "imap.example.com" in answer.text, answer
            statuses.add(answer.status)
        if damage != "cut":
            assert 503 in statuses and "the database is damaged" in daemon.stderr(), daemon.stderr()
        shutil.copy(good, daemon.database)
        touch_header(daemon.database)
        eventually(lambda: autoconfig(daemon, "d7.old.example").status == 200)


def touch_header(database):
    """The change counter: SQLite forgets the pages that it has kept."""
    with open(database, "r+b") as file:
        file.seek(24)
        counter = int.from_bytes(file.read(4), "big")
        file.seek(24)
        file.write((counter + 1).to_bytes(4, "big"))


def test_sighup_storm():
    with Daemon({"loglevel": "WARNING"}, seed=seed("Old", 3), allow=["was not read again"]) as daemon:
        def descriptors():
            return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))

        assert autoconfig(daemon, "d1.old.example").status == 200
        before = descriptors()
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for _ in range(5):
                daemon.signal(signal.SIGHUP)
            assert autoconfig(daemon, "d1.old.example").status == 200
        eventually(lambda: descriptors() <= before + 2)


def test_sigterm_under_load_cuts_no_answer():
    """Whoever was promised an answer gets it whole; a connection may be closed between two."""
    import socket

    from support.wire import answers
    question = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.d1.old.example\r\n\r\n"
    with Daemon({"loglevel": "WARNING"}, seed=seed("Old", 3)) as daemon:
        faults, served, ready = [], [], threading.Barrier(9)

        def ask():
            with socket.create_connection(daemon.address, timeout=20) as connection:
                ready.wait()
                while True:
                    received = b""
                    try:
                        connection.sendall(question)
                        while not answers(received):
                            chunk = connection.recv(65536)
                            if not chunk:
                                break
                            received += chunk
                    except ConnectionError:
                        pass
                    found = answers(received)
                    if not found:
                        if received:
                            faults.append(received)
                        return
                    served.append(found[0].status)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        ready.wait()
        eventually(lambda: len(served) > 500)
        daemon.signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert daemon.process.wait(10) == 0
        assert not faults and set(served) == {200}
