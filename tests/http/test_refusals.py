"""What the daemon does not do, and whom it tells so: bodies, heads, web pages, proxies, redirections to https."""

import json
import re
import socket

import pytest
from support.daemon import Daemon, pox_request
from support.documents import Site, eventually

SEED = {"provider": "Example Inc.", "domains": ["example.com", "example.net"],
        "servers": [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com"}]}
POX = "/autodiscover/autodiscover.xml"


@pytest.fixture(scope="module")
def site():
    with Daemon(seed=SEED, allow=["WARNING"]) as daemon:
        yield daemon


def raw_status(daemon, text):
    found = re.match(rb"HTTP/1\.1 (\d+)", daemon.raw(text.encode() if isinstance(text, str) else text))
    return int(found.group(1)) if found else None


# /initdb is for this machine alone

@pytest.mark.parametrize("headers", [
    {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Host": "localhost"},
    {"X-Forwarded-Anything": ""}, {"Forwarded": "for=127.0.0.1"}, {"Via": "1.1 a"}, {"X-Real-IP": "127.0.0.1"},
    {"x-real-ip": "::1"}, {"CF-Connecting-IP": "127.0.0.1"}, {"True-Client-IP": "127.0.0.1"},
    {"X-Cluster-Client-IP": "127.0.0.1"}, {"Origin": "http://127.0.0.1"}, {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
def test_initdb_refuses_proxies_and_web_pages(site, headers):
    for method in ("GET", "HEAD", "DELETE"):
        assert site.request(method, "/initdb/", headers=headers).status == 403
    assert site.autoconfig("a@example.com").status == 200, "nothing was deleted"


@pytest.mark.parametrize("head", [
    "DELETE /initdb/ HTTP/1.0\r\nHost: 127.0.0.1\r\n",  # nginx with nothing but proxy_pass
    "DELETE /initdb/ HTTP/1.1\r\n", "DELETE /initdb/ HTTP/1.1\r\nHost:\r\n",
    "DELETE http://127.0.0.1/initdb/ HTTP/1.1\r\nHost: evil.test\r\n",
    "DELETE http://evil.test/initdb/ HTTP/1.1\r\nHost: 127.0.0.1\r\n",
    "DELETE /initdb/ HTTP/1.1\r\nHost: 127.0.0.1.evil.test\r\n",
    "DELETE /%69nitdb HTTP/1.1\r\nHost: evil.test\r\n"])
def test_initdb_refuses_by_head(site, head):
    # HTTP/1.1 without a host is refused whatever it asks for.
    expected = 400 if head.endswith("HTTP/1.1\r\n") else 403
    assert raw_status(site, head + "Connection: close\r\n\r\n") == expected
    assert site.autoconfig("a@example.com").status == 200


def test_a_refused_seed_may_not_be_longer_than_others(site):
    body = b" " * (100 * 1024)
    assert site.post("/initdb/", body, headers={"Via": "1.1 a"}).status == 413
    assert site.post("/initdb/", body).status == 400


def test_a_long_seed_is_taken():
    seed = dict(SEED, domains=[f"domain-{i}.example" for i in range(10000)])
    assert 64 * 1024 < len(json.dumps(seed)) < 1024 * 1024
    with Daemon({"lookup_timeout": "30s"}, seed=seed) as daemon:
        assert daemon.autoconfig("a@domain-9999.example").status == 200


def test_the_cache_forgets_at_an_edit():
    with Daemon({"cache_ttl": "1h"}, allow=["WARNING"]) as daemon:
        assert daemon.autoconfig("a@example.com").status == 404
        assert daemon.post("/initdb/", json.dumps(SEED)).status == 200
        assert daemon.autoconfig("a@example.com").status == 200
        assert daemon.request("DELETE", "/initdb/").status == 200
        assert daemon.autoconfig("a@example.com").status == 404


# Heads and bodies

def test_a_head_of_just_less_than_16_kib_is_taken(site):
    assert site.get("/healthz", headers={"X-Long": "a" * (16 * 1024 - 200)}).status == 200
    assert site.get("/healthz", headers={"X-Long": "a" * (16 * 1024 + 1)}).status == 431
    assert site.get("/mail/config-v1.1.xml?x=" + "a" * 4000 + "&emailaddress=a@example.com").status == 200


def test_chunks(site):
    head = b"POST " + POX.encode() + b" HTTP/1.1\r\nHost: autodiscover.example.com\r\n" + \
        b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    body = pox_request("a+b@example.com")
    chunks = b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in body) + b"0\r\nTrailer: x\r\n\r\n"
    answer = site.raw(head + chunks)
    assert answer.startswith(b"HTTP/1.1 200") and b"<LoginName>a+b@example.com</LoginName>" in answer


def test_an_endless_body_is_cut_off(site):
    with socket.create_connection(site.address, timeout=20) as connection:
        connection.sendall(b"POST " + POX.encode() + b" HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with pytest.raises(OSError):
            while sent < 64 * 1024 * 1024:
                connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 0x10000
    assert sent < 64 * 1024 * 1024
    assert site.get("/healthz").status == 200


def test_an_announced_giant_is_refused_at_once(site):
    with socket.create_connection(site.address, timeout=20) as connection:
        connection.sendall(b"POST " + POX.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n"
                           b"Expect: 100-continue\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("lengths", ["Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                                     "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
                                     "Content-Length: 5\r\nContent-Length: 50\r\n"])
def test_a_body_of_two_lengths_is_refused_and_the_connection_closed(site, lengths):
    answer = site.raw(f"POST {POX} HTTP/1.1\r\nHost: a\r\n{lengths}\r\n0\r\n\r\n"
                      "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1


def test_what_the_library_answers_is_in_the_log(site):
    assert site.get("/healthz", headers={f"X-{i}": "a" * 100 for i in range(400)}).status == 431
    assert eventually(lambda: re.search(r"path=/healthz .* status=431 ", site.stderr()) is not None)


def test_a_body_with_a_get_is_no_matter(site):
    assert site.request("GET", "/mail/config-v1.1.xml", "autoconfig.example.com", body=b"x" * 1000).status == 200
    answer = site.raw(b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nGET /GET /healthz HTTP/1.1\r\n"
                      b"Host: a\r\nConnection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200") == 2, "the body is no request"


def test_head_has_the_headers_of_get(site):
    for path in ("/", "/mail/config-v1.1.xml", "/mobileconfig?emailaddress=a@example.com", POX, "/healthz", "/nothing",
                 "/mail/config-v1.1.xml?emailaddress=a@unknown.test"):
        get, head = (site.request(method, path, "autoconfig.example.com") for method in ("GET", "HEAD"))
        assert get.status == head.status and head.body == b""
        names = set(get.headers) - {"Date"}
        assert names == set(head.headers) - {"Date"}
        assert all(get.headers[name] == head.headers[name] for name in names), path
        assert get.headers["X-Content-Type-Options"] == "nosniff"


# Addresses in profiles

def test_profiles_of_several_addresses(site):
    def ask(query):
        return site.get("/mobileconfig?" + query)

    several = ask("emailaddress=a@example.com&emailaddress=b@example.net&name=Jo+Doe")
    assert several.status == 200 and several.body.count(b"com.apple.mail.managed") == 2
    assert several.body.count(b"<string>Jo Doe</string>") == 2
    assert several.headers["Content-Disposition"] == 'attachment; filename="example.com.mobileconfig"'
    assert ask("emailaddress=a@example.com&emailaddress=a@EXAMPLE.com").body.count(b"com.apple.mail.managed") == 1
    assert ask("&".join(f"emailaddress=a{i}@example.com" for i in range(8))).status == 200
    assert ask("&".join(f"emailaddress=a{i}@example.com" for i in range(9))).status == 400
    assert ask("emailaddress=a@example.com&emailaddress=b@unknown.test").status == 404
    assert ask("emailaddress=a@example.com&emailaddress=b@c@example.com").status == 400
    assert ask("emailaddress=a@example.com&name=" + "x" * 129).status == 400
    assert ask("emailaddress=a@example.com&name=a%0Ab").status == 400
    assert ask("emailaddress=a@example.com&name=%FF").status == 400
    assert ask("").status == 400


# Redirection to https

def test_https_redirect_only_when_a_trusted_proxy_says_http():
    seed = {"version": 3, "providers": [{"name": "Example Inc."}], "domains": [
        {"name": "example.com", "servers": [{"type": "imap", "name": "imap.example.com"},
                                            {"type": "smtp", "name": "smtp.example.com"}]}]}
    with Site(json.dumps(seed), {"https_redirect": "yes", "trusted_proxies": "127.0.0.1"}) as site:
        host = "autodiscover.example.com"
        http = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http"}
        answer = site.get("/AutoDiscover/AutoDiscover.xml?a=b", host, headers=http)
        assert answer.status == 302
        assert answer.headers["Location"] == "https://autodiscover.example.com/autodiscover/autodiscover.xml"
        assert site.get(POX, host, headers=dict(http, **{"X-Forwarded-Proto": "https"})).status == 200
        assert site.get(POX, host).status == 200
        assert site.post(POX, pox_request("a@example.com"), host, headers=http).status == 200
        for evil in ("evil.test/x", "a b", "[::1]", "example.com\t.evil"):
            assert site.get(POX, evil, headers=http).status == 404
    with Site(json.dumps(seed), {"https_redirect": "yes"}) as site:
        assert site.get(POX, host, headers=http).status == 200, "anybody can write that header"
