"""Clients that never stop, but never get on either: a byte now and then keeps no connection open. Those that do get on
are left alone, however slow."""

import concurrent.futures
import contextlib
import socket
import time

from support.daemon import Daemon
from support.wire import answers

SEED = {"version": 2, "provider": "Example", "domains": [{"name": "example.com"}],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
                     "user_name": "%EMAILADDRESS%", "authentication": "plain"}]}
# Together 6 s, and a second more until somebody looks.
LIMITS = {"idle_timeout": "3s", "request_timeout": "1s", "lookup_timeout": "2s", "http_threads": 1}
LIMIT = 6
PAUSE = 0.25
QUESTION = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n"
POST = b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\n"


def trickle(connection, start, byte):
    """Sends the start, then a byte at a time until the daemon hangs up; what it said, and after how many seconds."""
    began = time.monotonic()
    connection.settimeout(PAUSE)
    received = b""
    connection.sendall(start)
    while time.monotonic() - began < 20:
        try:
            chunk = connection.recv(65536)
            if not chunk:
                break
            received += chunk
        except socket.timeout:
            with contextlib.suppress(ConnectionError):  # there may still be an answer
                connection.sendall(byte)
        except ConnectionError:
            break
    return received, time.monotonic() - began


def cut(daemon, start, byte):
    with socket.create_connection(daemon.address, timeout=20) as connection:
        received, seconds = trickle(connection, start, byte)
    # on however busy a machine
    assert LIMIT - 1 < seconds < 18, seconds
    return [answer.status for answer in answers(received)]


def test_a_request_a_byte_at_a_time():
    cases = [
        (b"GET /", b"a", []),
        (b"", b"\r\n", []),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"a", []),
        (POST + b"Content-Length: 1000\r\n\r\n", b"a", [408]),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n", [408]),
        (POST + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n", b"a", [408]),
        (QUESTION + b"GET /", b"a", [200]),
    ]
    with Daemon(LIMITS, seed=SEED) as daemon, concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
        for (start, byte, statuses), found in zip(cases, pool.map(lambda case: cut(daemon, *case[:2]), cases)):
            assert found == statuses, (start, byte)
        assert daemon.stderr().count(" status=408 bytes=0 ") == 3
        assert daemon.autoconfig("a@example.com").status == 200


def test_answers_a_byte_at_a_time():
    with Daemon(LIMITS, seed=SEED) as daemon, socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(20)
        reader.connect(daemon.address)
        reader.setblocking(False)
        questions, sent, refused = QUESTION * 100, 0, 0
        while refused < 20:  # until nothing moves: all buffers on the way are full
            try:
                sent += reader.send(questions[sent % len(QUESTION):])
                refused = 0
            except BlockingIOError:
                refused += 1
                time.sleep(0.05)
        reader.settimeout(20)
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while reader.recv(1):
                assert time.monotonic() - began < 18, "it is still served"
                time.sleep(PAUSE)
                # what the system itself still holds may be read to its end; the daemon has hung up
                if "aborted=yes" in daemon.stderr():
                    break
        assert daemon.autoconfig("a@example.com").status == 200


def test_who_gets_on_is_left_alone():
    """Each request at the slowest that is allowed, for several times the limit."""
    with Daemon(LIMITS, seed=SEED) as daemon, socket.create_connection(daemon.address, timeout=20) as slow:
        end = time.monotonic() + 2 * LIMIT
        while time.monotonic() < end:
            received = b""
            for start in range(0, len(QUESTION), 20):
                slow.sendall(QUESTION[start:start + 20])
                time.sleep(PAUSE)
            while not answers(received):
                chunk = slow.recv(65536)
                assert chunk, "it was cut off"
                received += chunk
            assert answers(received)[0].status == 200
            time.sleep(0.5)
