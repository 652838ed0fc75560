"""A daemon that may have little memory: big bodies from many clients at once cost them their answers, not the others'. And
one that has had many clients gives back what they took."""

import contextlib
import os
import socket
import time

import pytest

from support.daemon import AUTOMXD, Daemon
from support.wire import answers

RELEASE = os.environ.get("AUTOMXD_RELEASE_BUILD")
PROGRAM = os.path.join(RELEASE, "automxd") if RELEASE else AUTOMXD
SEED = {"version": 2, "provider": "Example", "domains": [{"name": "example.com"}],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
                     "user_name": "%EMAILADDRESS%", "authentication": "plain"}]}
# Of the address space: two threads' stacks and heaps, the libraries, and a little.
LIMIT = 400 << 20
SIZE = 1 << 20
HEAD = b"POST /initdb/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % SIZE


@pytest.fixture(autouse=True)
def without_sanitizers():
    with open(PROGRAM, "rb") as file:
        assert b"__asan_init" not in file.read(), "needs a build without sanitizers: AUTOMXD_RELEASE_BUILD"


def resident_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def test_a_crowd_leaves_nothing_behind():
    with Daemon({"idle_timeout": "60s"}, seed=SEED, program=PROGRAM) as daemon:
        assert daemon.autoconfig("a@example.com").status == 200
        before = resident_kib(daemon.process.pid)
        with contextlib.ExitStack() as crowd:
            clients = [crowd.enter_context(socket.create_connection(daemon.address, timeout=20)) for _ in range(900)]
            for client in clients:
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            for client in clients:
                assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            taken = resident_kib(daemon.process.pid) - before
            assert 900 * 20 < taken < 900 * 32, taken
        end = time.monotonic() + 20
        while resident_kib(daemon.process.pid) > before + taken / 4:
            assert time.monotonic() < end, resident_kib(daemon.process.pid)
            time.sleep(0.05)


def test_memory_runs_out_and_comes_back():
    config = {"http_threads": 2, "lookup_workers": 2, "loglevel": "WARNING", "idle_timeout": "30s"}
    with Daemon(config, seed=SEED, program=PROGRAM, wrap=["prlimit", f"--as={LIMIT}"], allow=["."]) as daemon:
        assert daemon.autoconfig("a@example.com").status == 200
        clients, cut = [], 0
        try:
            for _ in range(600):
                client = socket.create_connection(daemon.address, timeout=20)
                clients.append(client)
                try:
                    client.sendall(HEAD + b"x" * (SIZE - 1))  # all but one byte: the body is kept
                except ConnectionError:
                    cut += 1
            assert daemon.process.poll() is None
            statuses = set()
            for client in clients:
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"x")
                    received = b""
                    while not answers(received) and (chunk := client.recv(65536)):
                        received += chunk
                    statuses.update(answer.status for answer in answers(received))
            assert 503 in statuses or cut > 0, "memory was never short"
            assert statuses <= {200, 400, 503}, statuses
        finally:
            for client in clients:
                client.close()
        assert daemon.process.poll() is None
        end = time.monotonic() + 10
        while daemon.autoconfig("a@example.com").status != 200:
            assert time.monotonic() < end
            time.sleep(0.02)
