"""Signals in the middle of work: clients that are slow, look-ups that wait and configurations that are wrong."""

import contextlib
import signal
import socket
import sqlite3
import threading
import time

from support.daemon import Daemon
from support.wire import answers

SEED = {"version": 2, "provider": "Example", "domains": [{"name": "example.com"}],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
                     "user_name": "%EMAILADDRESS%", "authentication": "plain"}]}
QUESTION = b"GET /mail/config-v1.1.xml?emailaddress=a@%s HTTP/1.1\r\nHost: a\r\n\r\n"
STOP_SECONDS = 5.5  # 5 by the manual, and a moment for this machine


def receive(connection):
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def test_sigterm_while_clients_are_slow_and_lookups_wait():
    """Who waits for a look-up gets an answer; who has not asked to the end, or does not read, holds nobody up."""
    config = {"lookup_timeout": "2s", "lookup_workers": 2, "http_threads": 2}
    with Daemon(config, seed=SEED, allow=["locked", "WARNING", "ERROR"]) as daemon, contextlib.ExitStack() as stack:
        def connect(data):
            connection = stack.enter_context(socket.create_connection(daemon.address, timeout=20))
            connection.sendall(data)
            return connection

        def read_to_end():
            """That all threads have read what was sent before: their new connections come after it."""
            for _ in range(8):
                assert daemon.get("/healthz").status == 200

        for _ in range(20):
            connect(b"")
            connect(b"GET / HTTP/1.1\r\nHo")
            connect(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        for _ in range(4):  # that never read
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(daemon.address)
            deaf.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                deaf.send(QUESTION % b"example.com" * 20000)
        holder = stack.enter_context(contextlib.closing(sqlite3.connect(daemon.database, isolation_level=None)))
        holder.execute("BEGIN EXCLUSIVE")
        waiting = [connect(QUESTION % b"n%d.example" % number) for number in range(20)]
        read_to_end()
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        for connection in waiting:
            (answer,) = answers(receive(connection))
            assert answer.status == 503 and answer.headers["connection"] == "close"
        assert daemon.process.wait(20) == 0
        assert time.monotonic() - began < STOP_SECONDS


def test_sighup_with_wrong_configurations_under_load():
    wrong = ["[automx2]\nwrong = 1\n", "[automx2]\nlisten\n", "no section\n", "", "[automx2]\ndb_uri = oracle://x\n",
             "[automx2]\nprofile_certificate = /nonexistent\n", "[automx2]\naccounts = /nonexistent\n", "\0\xff" * 1000,
             "[automx2]\ntrusted_proxies = x\n"]
    with Daemon({"loglevel": "WARNING"}, seed=SEED, allow=["."]) as daemon:
        done, faults, served = threading.Event(), [], [0] * 2

        def ask(number):
            question = QUESTION % (b"example.com" if number % 2 else b"nothere.example")
            with socket.create_connection(daemon.address, timeout=20) as connection:
                while not done.is_set():
                    connection.sendall(question)
                    received = b""
                    while not answers(received):
                        chunk = connection.recv(65536)
                        if not chunk:
                            break
                        received += chunk
                    if not received or answers(received)[0].status != (200 if number % 2 else 404):
                        faults.append(received)
                        return
                    served[number] += 1

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(served))]
        for thread in threads:
            thread.start()
        try:
            for text in wrong * 3:
                before, kept = served[:], daemon.stderr().count("the old configuration stays")
                daemon.write_config(text)
                daemon.signal(signal.SIGHUP)
                end = time.monotonic() + 20
                ready = False
                while not ready or any(now == then for now, then in zip(served, before)):
                    assert time.monotonic() < end and not faults, (text, faults, served, daemon.stderr()[-500:])
                    with contextlib.suppress(TimeoutError):
                        ready = ready or b"READY=1" in daemon.notify.recv(4096)
                assert daemon.stderr().count("the old configuration stays") == kept + 1, text
        finally:
            done.set()
            for thread in threads:
                thread.join()
        assert not faults
        daemon.write_config({"loglevel": "WARNING"})
        daemon.signal(signal.SIGHUP)
        assert daemon.autoconfig("a@example.com").status == 200
