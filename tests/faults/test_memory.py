"""A daemon that may have little memory: big bodies from many clients at once cost them their answers, not the others'."""

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


def test_memory_runs_out_and_comes_back():
    with open(PROGRAM, "rb") as file:
        if b"__asan_init" in file.read():
            pytest.skip("needs a build without sanitizers: AUTOMXD_RELEASE_BUILD")
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
