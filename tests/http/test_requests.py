"""Addresses, targets, methods, headers and limits: what clients send, and what nobody should."""

import re
import socket
import urllib.parse

import pytest
from support.daemon import Daemon
from support.documents import Site, autoconfig, eventually, hosts, pox, protocols

ACCOUNTS = {"version": 3, "providers": [{"name": "Example Inc."}], "domains": [
    {"name": name, "servers": [
        {"type": "imap", "name": "imap.%EMAILDOMAIN%"}, {"type": "smtp", "name": "smtp.example.com", "port": 465}]}
    for name in ("example.com", "müller.example", "autoconfig.net")]}
PATHS = ["/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml", "/v1.1/mail/config-v1.1.xml",
         "/.well-known/mail-v1.xml"]
HOST = "autoconfig.example.com"


@pytest.fixture(scope="module")
def site():
    with Site(ACCOUNTS) as daemon:
        yield daemon


# -- Addresses --

GOOD_ADDRESSES = {
    "joe@example.com": "joe@example.com", "JoE@EXAMPLE.com": "JoE@example.com", "joe@example.com.": "joe@example.com",
    "joe+tag@example.com": "joe+tag@example.com", "a.b-c_d@example.com": "a.b-c_d@example.com",
    '"joe doe"@example.com': '"joe doe"@example.com', '"a@b"@example.com': '"a@b"@example.com',
    '"<&>"@example.com': '"<&>"@example.com', "o'neil@example.com": "o'neil@example.com",
    "üser@example.com": "üser@example.com", "joe@müller.example": "joe@xn--mller-kva.example",
    "joe@MÜLLER.example": "joe@xn--mller-kva.example", "joe@xn--mller-kva.example": "joe@xn--mller-kva.example",
    " joe@example.com ": "joe@example.com", "<joe@example.com>": "joe@example.com",
    "EVOLUTIONUSER@example.com": "EVOLUTIONUSER@example.com", "joe.@example.com": "joe.@example.com",
    "x" * 64 + "@example.com": "x" * 64 + "@example.com",
}


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_addresses_are_kept_as_given(site, address):
    domain = GOOD_ADDRESSES[address].rpartition("@")[2]
    root = autoconfig(site.autoconfig(address, host=HOST), domain)
    assert hosts(root) == ["imap." + domain]
    found = protocols(pox(site.pox(address, host=HOST)))
    assert found["IMAP"]["LoginName"] == GOOD_ADDRESSES[address]


BAD_ADDRESSES = ["a@b@example.com", "@example.com", "joe@", "joe@-example.com", "joe@exa mple.com", "joe@example..com",
                 "joe@192.0.2.1", "joe@[192.0.2.1]", 'jo"e@example.com', '"joe@example.com', "joe@example.com\n",
                 "j\x00oe@example.com", "j\x1boe@example.com", "jo\u0085e@example.com", "x" * 300 + "@example.com",
                 "joe@" + "x" * 64 + ".com", "joe@" + "a." * 130 + "com", "joe@exam<ple.com"]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_what_is_no_address_is_a_400(site, address):
    answer = site.autoconfig(address.replace("\n", "\r\nX"), host=HOST)
    assert answer.status == 400 and answer.content_type.startswith("text/plain") and len(answer.body) < 300
    assert site.get("/mobileconfig?emailaddress=" + urllib.parse.quote(address.replace("\n", "\r\nX"))).status == 400


@pytest.mark.parametrize("query", ["", "?", "?emailaddress", "?emailaddress=", "?emailaddress=%20", "?other=1",
                                   "?emailaddress=joe", "?emailaddress=%25EMAILADDRESS%25", "?emailmd5=0123"])
@pytest.mark.parametrize("path", PATHS)
def test_without_an_address_the_host_decides(site, path, query):
    root = autoconfig(site.get(path + query, host=HOST), "example.com")
    assert hosts(root) == ["imap.example.com"]


@pytest.mark.parametrize("host,domain", [("example.com", "example.com"), ("autoconfig.net", "autoconfig.net"),
                                         ("autoconfig.autoconfig.net", "autoconfig.net"),
                                         ("autodiscover.example.com.:80", "example.com"),
                                         ("ua-auto-config.example.com", "example.com"),
                                         ("autoconfig.xn--mller-kva.example", "xn--mller-kva.example")])
def test_the_domain_of_a_host(site, host, domain):
    autoconfig(site.get(PATHS[0], host=host), domain)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]:80", "www.example.com", "", "a b", "..", "x" * 300, "autoconfig.",
                                  "autoconfig.autoconfig.example.com", "example.com:port"])
def test_hosts_without_a_domain_of_ours(site, host):
    assert site.get(PATHS[0], host=host).status in (400, 404)


@pytest.mark.parametrize("query", ["emailaddress=a+b@example.com", "emailaddress=a%2Bb%40example.com",
                                   "EmailAddress=a%2bb@example.com", "x=1&emailaddress=a+b@example.com&emailmd5=0",
                                   "&&emailaddress=a+b@example.com&"])
def test_plus_is_kept(site, query):
    assert site.get(PATHS[0] + "?" + query, host="autoconfig.other.test").status == 200
    answer = site.get("/mobileconfig?" + query)
    assert answer.status == 200 and b">a+b@example.com<" in answer.body


def test_a_raw_address_in_utf_8(site):
    raw = (b"GET /mail/config-v1.1.xml?emailaddress=joe@m\xc3\xbcller.example HTTP/1.1\r\nHost: x\r\n"
           b"Connection: close\r\n\r\n")
    assert b"xn--mller-kva.example" in site.raw(raw)


# -- Targets and methods --


@pytest.mark.parametrize("path", PATHS)
def test_any_case_and_a_final_slash(site, path):
    for form in (path.upper(), path.title(), path + "/", path.replace(".", "%2E").replace("m", "%6d")):
        autoconfig(site.get(form + "?emailaddress=joe@example.com", host=HOST), "example.com")


def test_absolute_form(site):
    for scheme in ("http", "https", "HTTPS"):
        answer = site.get(f"{scheme}://autoconfig.example.com/mail/config-v1.1.xml", host="127.0.0.1")
        autoconfig(answer, "example.com")
    assert site.get("ftp://autoconfig.example.com/mail/config-v1.1.xml").status == 400
    assert site.get("https://user@autoconfig.example.com/mail/config-v1.1.xml").status == 400


def test_head_is_get_without_a_body(site):
    for path in ("/", "/healthz", "/readyz", "/mobileconfig?emailaddress=a@example.com", "/v1.1/example.com",
                 "/autodiscover/autodiscover.xml", "/autodiscover/autodiscover.json?Email=a@example.com&Protocol=x",
                 "/.well-known/user-agent-configuration.json", *PATHS):
        head, get = site.request("HEAD", path, HOST), site.get(path, host=HOST)
        assert (head.status, head.body, head.content_type) == (get.status, b"", get.content_type), path
        assert head.headers.get("Content-Length") == str(len(get.body)), path


def test_other_methods(site):
    for path, allowed in {PATHS[0]: "GET, HEAD", "/": "GET, HEAD", "/autodiscover/autodiscover.xml": "GET, HEAD, POST",
                          "/mobileconfig": "GET, HEAD"}.items():
        for method in ("PUT", "DELETE", "PATCH", "TRACE", "BREW"):
            answer = site.request(method, path, HOST)
            assert answer.status == 405 and answer.headers["Allow"] == allowed, (path, method)
    assert site.get("/nothing").status == 404 and site.get("/mail").status == 404


def test_the_page(site):
    answer = site.get("/")
    assert answer.status == 200 and answer.content_type.startswith("text/html")
    assert "automxd" in answer.text and "mobileconfig" in answer.text and "config-v1.1.xml" in answer.text
    assert "<script" not in answer.text and "Content-Security-Policy" in answer.headers


def test_health(site):
    assert site.get("/healthz").status == 200 and site.get("/readyz").status == 200


# -- Limits and malformed input --


def raw(site, text, status):
    answer = site.raw(text if isinstance(text, bytes) else text.encode())
    assert re.match(rb"HTTP/1\.[01] (%s)" % "|".join(str(code) for code in status).encode(), answer) or \
        (not answer and 0 in status), answer[:200]


def test_malformed_requests(site):
    for text, status in {
            "GET\r\n\r\n": (400, 0), "\r\n\r\n\r\n": (400, 0), "GET / HTTP/9.9\r\n\r\n": (200, 400, 505, 0),
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n": (400,), "GET / HTTP/1.1\r\n\r\n": (200, 400),
            "GET / HTTP/1.1\r\nHost: a\r\nBad Header\r\n\r\n": (200, 400),
            "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n": (400, 404),
            "GET * HTTP/1.1\r\nHost: a\r\n\r\n": (400, 404),
            "GET /mail/config-v1.1.xml?emailaddress=%zz%4@%example.com HTTP/1.1\r\nHost: a\r\n\r\n": (400, 404),
            "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n": (400, 413, 0),
            "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n":
                (400, 413, 0),
            "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n":
                (400, 0),
            "\x00\x01\x02\x03": (400, 0), "\x16\x03\x01\x02\x00\x01\x00": (400, 0)}.items():
        raw(site, text, status)
    assert site.get("/healthz").status == 200


def test_limits(site):
    assert site.get("/" + "a" * 20000).status in (414, 431)
    assert site.get(PATHS[0] + "?emailaddress=" + "a" * 20000).status in (400, 414, 431)
    assert site.get("/", headers={"X-Long": "a" * 20000}).status == 431
    assert site.get("/", headers={f"X-{i}": "a" * 100 for i in range(300)}).status == 431
    for path in ("/autodiscover/autodiscover.xml",):
        assert site.post(path, b"x" * (64 * 1024 + 1)).status == 413
        assert site.post(path, b" " * (64 * 1024)).status == 200
    chunk = b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + \
        (b"4000\r\n" + b"x" * 0x4000 + b"\r\n") * 5 + b"0\r\n\r\n"
    assert b" 413 " in site.raw(chunk).split(b"\r\n")[0]
    assert site.get("/healthz").status == 200


def test_keep_alive_and_pipelines(site):
    one = b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n"
    answer = site.raw(one * 5)
    assert answer.count(b"HTTP/1.1 200") == 5 and answer.count(b"</clientConfig>") == 5


def test_a_request_that_expects_100_for_no_body_is_answered(site):
    """libmicrohttpd takes the next request for its body, if that is there already."""
    request = b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n%s\r\n"
    for length in (b"", b"Content-Length: 0\r\n"):
        assert site.raw(request % length * 2).startswith(b"HTTP/1.1 200 OK\r\n")


def test_many_at_once(site):
    connections = [socket.create_connection(site.address) for _ in range(100)]
    for connection in connections:
        connection.sendall(b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n"
                           b"Connection: close\r\n\r\n")
    for connection in connections:
        data = b""
        while part := connection.recv(65536):
            data += part
        connection.close()
        assert data.startswith(b"HTTP/1.1 200") and data.endswith(b"</clientConfig>\n")


# -- Who asks, and what is written down --


def test_one_access_line_a_request_without_anything_personal(site):
    before = len(site.stderr().splitlines())
    site.get(PATHS[0] + "?emailaddress=secretname%2Btag@example.com&password=hunter2", host=HOST,
             headers={"Authorization": "Basic aHVudGVyMg==", "User-Agent": "x\x1b[31m"})
    site.get("/mobileconfig?emailaddress=secretname@example.com&name=Secret+Person", host=HOST)
    site.pox("secretname@example.com", host=HOST)
    site.get("/autodiscover/autodiscover.json/v1.0/secretname@example.com?Protocol=AutodiscoverV1", host=HOST)
    site.get("/v1.1/secretname@example.com", host=HOST)
    site.get("/secretname@example.com", host=HOST)
    site.get("/healthz", host="secretname%40example.com")

    def lines():
        return site.stderr().splitlines()[before:]
    assert eventually(lambda: len(lines()), 7) == 7
    text = "\n".join(lines())
    for secret in ("secretname", "hunter2", "aHVudGVyMg", "Secret", "\x1b"):
        assert secret not in text
    assert all("status=" in line and "domain=" in line or "status=40" in line for line in lines()), text


def test_forwarding_headers_are_nothing_without_a_proxy_in_the_configuration(site):
    answer = site.get(PATHS[0], host=HOST, headers={"X-Forwarded-Host": "autoconfig.xn--mller-kva.example",
                                                    "X-Forwarded-For": "203.0.113.7"})
    autoconfig(answer, "example.com")
    assert "203.0.113.7" not in site.stderr()


PROXIES = {
    "one": ({"proxy_count": 1}, {"X-Forwarded-For": "198.51.100.1, 203.0.113.7",
                                 "X-Forwarded-Host": "evil.test, autoconfig.example.com"}, "203.0.113.7"),
    "two": ({"proxy_count": 2}, {"X-Forwarded-For": "198.51.100.1, 203.0.113.7, 10.0.0.1",
                                 "X-Forwarded-Host": "evil.test, autoconfig.example.com, inner.test"}, "203.0.113.7"),
    "networks": ({"trusted_proxies": "127.0.0.0/8, 10.0.0.0/8"},
                 {"X-Forwarded-For": "198.51.100.1, 203.0.113.7, 10.0.0.1",
                  "X-Forwarded-Host": "evil.test, autoconfig.example.com, inner.test"}, "203.0.113.7"),
    "not trusted": ({"trusted_proxies": "192.0.2.0/24", "proxy_count": 1},
                    {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Host": "evil.test"}, "127.0.0.1"),
}


@pytest.mark.parametrize("name", PROXIES)
def test_proxies(name):
    settings, headers, client = PROXIES[name]
    host = HOST if name == "not trusted" else "internal.test"
    with Site(ACCOUNTS, settings) as daemon:
        autoconfig(daemon.get(PATHS[0], host=host, headers=headers), "example.com")

        def lines():
            return [line for line in daemon.stderr().splitlines() if "status=200" in line]
        assert eventually(lambda: len(lines()), 1) == 1 and f"peer={client} " in lines()[0]


# -- Caching --


def test_cache_control(site):
    shared = site.get(PATHS[0], host=HOST).headers["Cache-Control"]
    assert "no-store" not in shared and "max-age" in shared
    assert "no-store" not in site.autoconfig("joe@example.com").headers["Cache-Control"]
    for answer in (site.pox("joe@example.com"), site.get("/mobileconfig?emailaddress=joe@example.com"),
                   site.get("/mail/config-v1.1.xml", host="autoconfig.unknown.test"), site.get("/nothing")):
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_database_without_tables_serves_nothing_and_says_so():
    with Daemon(allow=["no tables"]) as daemon:
        assert daemon.autoconfig("a@example.com").status == 404
        assert eventually(lambda: "/initdb/" in daemon.stderr())
