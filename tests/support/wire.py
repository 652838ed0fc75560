"""HTTP as bytes: sends what no client library would, and takes the answers apart strictly."""

import errno
import re
import socket

STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9]) [\x20-\x7e]*\r\n")
HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\x20-\x7e]*)\r\n")


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers  # names in lower case
        self.body = body

    @property
    def content_type(self):
        return self.headers.get("content-type", "").split(";")[0]

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:200]!r}>"


PATIENCE_SECONDS = 0.03


def exchange(address, data, method="GET", timeout=20):
    """Sends the bytes, then reads to the end of the connection, which it half closes when there is an answer, or when
    there is none for a while: libmicrohttpd notices this only when it comes after everything else was read. A reset ends
    it, too: the daemon may hang up on what is too long while it is still being sent. address: (ip, port) or the path of a
    unix socket."""
    received = b""
    half_closed = False
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(address)
        try:
            connection.sendall(data)
            connection.settimeout(PATIENCE_SECONDS)
            while True:
                try:
                    chunk = connection.recv(65536)
                    if not chunk:
                        break
                    received += chunk
                    done = bool(answers(received, [method]))
                except socket.timeout:
                    assert not half_closed, f"no end within {timeout} s: {data[:300]!r}"
                    done = True
                if done and not half_closed:
                    half_closed = True
                    connection.settimeout(timeout)
                    connection.shutdown(socket.SHUT_WR)
        except (ConnectionResetError, BrokenPipeError):
            pass
        except OSError as error:
            if error.errno != errno.ENOTCONN:
                raise
    return received


def answers(data, methods=()):
    """All answers in a stream of bytes; whatever is no HTTP/1.1 answer is an AssertionError. methods: of the requests in
    turn, because an answer to HEAD has no body; an answer cut off by a reset is left out."""
    found = []
    at = 0
    while at < len(data):
        line = STATUS_LINE.match(data, at)
        if not line:
            assert b"\r\n" not in data[at:], f"no status line: {data[at:at + 100]!r}"
            break
        status = int(line.group(1))
        at = line.end()
        headers = {}
        while line := HEADER_LINE.match(data, at):
            name = line.group(1).decode().lower()
            assert name not in headers or name == "vary", f"{name} twice"
            headers[name] = line.group(2).decode()
            at = line.end()
        if b"\r\n" not in data[at:]:
            break
        assert data[at:at + 2] == b"\r\n", f"a bad header: {data[at:at + 100]!r}"
        at += 2
        if status == 100:
            continue
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        length = int(headers.get("content-length", 0))
        if method == "HEAD" or status in (204, 304):
            length = 0
        found.append(Answer(status, headers, data[at:at + length]))
        if at + length > len(data):
            found.pop()
        at += length
    return found
