"""The web as a client sees it: host names that lead to automxd behind its TLS proxy, and others that lead nowhere."""

import http.client
import io
import re
import socket
import urllib.parse
from dataclasses import dataclass, field

URL = re.compile(r"(https?)://([^/?#]+)([^#]*)")
PEER = "192.0.2.7"


class NoAnswer(Exception):
    """No such host, nothing listens, no certificate."""


@dataclass
class Answer:
    method: str
    url: str
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def content_type(self):
        return self.headers.get("Content-Type", "")


@dataclass(frozen=True)
class Who:
    """A person at a client, with the address as it was typed."""

    local: str
    typed_domain: str
    domain: str  # as A-labels

    @property
    def typed(self):
        return f"{self.local}@{self.typed_domain}"

    @property
    def ascii(self):
        return f"{self.local}@{self.domain}"


@dataclass
class Web:
    """address: where automxd listens. reach(scheme, host): whether that host leads to it. mx: base domain of the MX, by
    mail domain. Requests look as the reverse proxy of our guides passes them on: automxd runs with proxy_count = 1.
    """

    address: tuple
    reach: callable
    mx: dict = field(default_factory=dict)
    answers: list = field(default_factory=list)

    @property
    def log(self):
        return [(answer.method, answer.url, answer.status) for answer in self.answers]

    def fetch(self, method, url, headers=None, body=None, absolute_form=False, redirects=5):
        """headers: as the client sends them, nothing is added but Host, Content-Length and the proxy's own."""
        scheme, host, target = URL.fullmatch(url).groups()
        if not self.reach(scheme, host):
            raise NoAnswer(url)
        target = url if absolute_form else target or "/"
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}", f"X-Forwarded-For: {PEER}",
                 f"X-Forwarded-Proto: {scheme}", f"X-Forwarded-Host: {host}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        request = "\r\n".join(lines + ["", ""]).encode() + (body or b"")
        answer = self._exchange(url, method, request)
        self.answers.append(answer)
        location = answer.headers.get("Location")
        if answer.status in (301, 302, 303, 307, 308) and location and redirects > 0:
            assert location.startswith("http"), f"Delta Chat follows absolute redirects only, not {location!r}"
            keeps = answer.status in (307, 308)
            return self.fetch(method if keeps else "GET", location, headers, body if keeps else None, absolute_form,
                              redirects - 1)
        return answer

    def _exchange(self, url, method, request):
        with socket.create_connection(self.address, timeout=20) as connection:
            connection.sendall(request)
            answer = http.client.HTTPResponse(connection, method=method)
            answer.begin()
            return Answer(method, url, answer.status, answer.headers, answer.read())

    def get(self, url, headers=None, **options):
        return self.fetch("GET", url, headers, **options)

    def first(self, urls, good, **options):
        """The first answer for which good(answer) holds, or None. What fails to answer is passed over."""
        for url in urls:
            try:
                answer = self.get(url, **options)
            except NoAnswer:
                continue
            if good(answer):
                return answer
        return None


def component(text):
    """encodeURIComponent, as Thunderbird and most do it."""
    return urllib.parse.quote(text, safe="!'()*")


def form(text):
    """URLSearchParams: a blank is a plus."""
    return urllib.parse.quote_plus(text, safe="*")


def raw(text):
    """Put into a URL as it is: the HTTP libraries encode only what a URL cannot hold."""
    return urllib.parse.quote(text, safe="!$&'()*+,-./:;=?@[]^_`{|}~%")


def headers_of(text):
    """A block of header lines as a client sends it."""
    return dict(http.client.parse_headers(io.BytesIO(text.strip().replace("\n", "\r\n").encode() + b"\r\n\r\n")))
