"""Many requests in one stream of bytes, bodies where none belong, and clients that ask before they send: each request gets
its own answer, in its turn, and nobody's body is taken for a request."""

import socket
import threading

import pytest

from support.daemon import Daemon, pox_request
from support.wire import answers, exchange

SEED = {"version": 2, "provider": "Example", "domains": [{"name": "example.com"}],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
                     "user_name": "%EMAILADDRESS%", "authentication": "plain"}]}
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
HIDDEN = b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"
POX = pox_request("a@example.com")


@pytest.fixture(scope="module")
def daemon():
    with Daemon({"loglevel": "WARNING"}, seed=SEED) as running:
        yield running


def test_thousands_of_requests_in_one_write(daemon):
    """Every third one is in the cache, the others have to be asked for."""
    domains = [f"n{number}.example" if number % 3 else "example.com" for number in range(4000)]
    stream = b"".join(b"GET /mail/config-v1.1.xml?emailaddress=a@%s HTTP/1.1\r\nHost: a\r\n\r\n" % domain.encode()
                      for domain in domains)
    with socket.create_connection(daemon.address, timeout=60) as connection:
        writer = threading.Thread(target=connection.sendall, args=(stream,))
        writer.start()
        received, ended = bytearray(), 0
        while ended < len(domains):
            chunk = connection.recv(1 << 20)
            assert chunk, (ended, len(domains))
            received += chunk
            ended = received.count(b"</clientConfig>") + received.count(b"is not served here")
        writer.join()
        if not received.endswith(b"\n"):
            received += connection.recv(65536)
    found = answers(bytes(received))
    assert len(found) == len(domains)
    for domain, answer in zip(domains, found):
        assert answer.status == (200 if domain == "example.com" else 404) and domain.encode() in answer.body


def length(body):
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunks(body):
    return b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%c\r\n" % (1, byte) for byte in body) + b"0\r\n\r\n"


@pytest.mark.parametrize("framed", [length, chunks])
@pytest.mark.parametrize("line, status", [(b"GET /mail/config-v1.1.xml", 200), (b"HEAD /healthz", 200), (b"GET /nowhere", 404),
                                          (b"DELETE /healthz", 405), (b"OPTIONS /healthz", 405)])
def test_a_body_where_none_belongs(daemon, framed, line, status):
    data = line + b" HTTP/1.1\r\nHost: autoconfig.example.com\r\n" + framed(HIDDEN * 3) + HEALTH
    method = line.split()[0].decode()
    found = answers(exchange(daemon.address, data, method), [method])
    assert [answer.status for answer in found] == [status, 200] and found[1].body == b"ok\n"


@pytest.mark.parametrize("line, size, status", [
    (b"POST /autodiscover/autodiscover.xml", len(POX), 200),
    (b"POST /autodiscover/autodiscover.xml", 70000, 413),
    (b"POST /autodiscover/autodiscover.xml", 99999999, 413),
    (b"POST /healthz", 10, 405),
    (b"POST /nowhere", 10, 404),
    (b"POST /initdb/", 10, 403),
])
def test_a_client_that_asks_before_it_sends(daemon, line, size, status):
    """It is told to go on, and then why not; or at once when nobody would read that much. What it never sent is not waited
    for."""
    head = line + b" HTTP/1.1\r\nHost: autodiscover.example.com\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size
    with socket.create_connection(daemon.address, timeout=20) as connection:
        connection.sendall(head)
        received = connection.recv(65536)
        if received.startswith(b"HTTP/1.1 100 "):
            assert size < 99999999
            connection.sendall(POX if size == len(POX) else b"x" * size)
            received = received.partition(b"\r\n\r\n")[2]
        while not answers(received):
            chunk = connection.recv(65536)
            assert chunk, received
            received += chunk
    (answer,) = answers(received)
    assert answer.status == status


def test_an_expectation_that_nobody_knows(daemon):
    data = b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n" + length(POX) + HEALTH
    found = answers(exchange(daemon.address, data))
    assert [answer.status for answer in found] in ([200, 200], [417])
