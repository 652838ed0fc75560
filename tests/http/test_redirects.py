"""/.well-known/caldav, carddav and jmap send clients to the service, and /ask tells Caddy which hosts are ours."""

import pytest
from support.documents import Site

MAIL = [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com", "port": 465}]
ACCOUNTS = {"version": 3, "providers": [{"name": "Example Inc."}], "domains": [
    {"name": "example.com", "servers": MAIL + [
        {"type": "caldav", "url": "https://dav.%EMAILDOMAIN%/cal/?a=b&c"},
        {"type": "caldav", "url": "https://second.example.com/cal/", "prio": 20},
        {"type": "carddav", "url": "https://dav.example.com:8443/card/"},
        {"type": "jmap", "url": "https://jmap.example.com/session"}]},
    {"name": "mail.example", "servers": MAIL},
    {"name": "*.wild.example", "servers": [{"type": "carddav", "url": "https://dav.%EMAILDOMAIN%/card/"}]},
    {"name": "loop.example", "servers": [{"type": "caldav", "url": "https://loop.example/.well-known/caldav"}]},
    {"name": "person.example", "servers": [{"type": "caldav", "url": "https://dav.example.com/%EMAILADDRESS%/"}]},
]}
TARGETS = {
    ("example.com", "caldav"): "https://dav.example.com/cal/?a=b&c",
    ("example.com", "carddav"): "https://dav.example.com:8443/card/",
    ("example.com", "jmap"): "https://jmap.example.com/session",
    ("EXAMPLE.com.:443", "jmap"): "https://jmap.example.com/session",
    ("autoconfig.example.com", "caldav"): "https://dav.example.com/cal/?a=b&c",
    ("x.y.wild.example", "carddav"): "https://dav.x.y.wild.example/card/",
}


@pytest.fixture(scope="module")
def site():
    with Site(ACCOUNTS, {"trusted_proxies": "127.0.0.1", "proxy_count": 1}, allow=["WARNING"]) as daemon:
        yield daemon


@pytest.mark.parametrize("method", ["GET", "HEAD", "PROPFIND", "OPTIONS", "REPORT", "POST"])
@pytest.mark.parametrize("host,name", TARGETS)
def test_redirects_keep_the_method(site, host, name, method):
    body = b"<propfind xmlns='DAV:'><prop><current-user-principal/></prop></propfind>" if method == "PROPFIND" else None
    for path in (f"/.well-known/{name}", f"/.well-known/{name}/", f"/.Well-Known/{name}"):
        answer = site.request(method, path, host, body=body, headers={"Depth": "0"})
        assert answer.status == 307 and answer.headers["Location"] == TARGETS[host, name]


@pytest.mark.parametrize("host,name", [("mail.example", "caldav"), ("mail.example", "jmap"),
                                       ("unknown.test", "carddav"), ("127.0.0.1", "caldav"), ("loop.example", "caldav"),
                                       ("person.example", "caldav"), ("", "jmap")])
def test_where_there_is_nothing_to_go_to(site, host, name):
    for method in ("GET", "PROPFIND"):
        answer = site.request(method, f"/.well-known/{name}", host)
        assert answer.status == 404 and answer.content_type.startswith("text/plain")


def test_no_address_in_the_query_changes_the_target(site):
    answer = site.get("/.well-known/jmap?emailaddress=x@unknown.test%0d%0aX:%20y", "example.com")
    assert answer.status == 307 and answer.headers["Location"] == "https://jmap.example.com/session"


ASKED = {"example.com": 200, "autoconfig.example.com": 200, "autodiscover.example.com": 200,
         "ua-auto-config.example.com": 200, "AutoConfig.Example.COM": 200, "autoconfig.mail.example": 200,
         "autoconfig.x.wild.example": 200, "example.org": 404, "autoconfig.example.org": 404,
         "www.example.com": 404, "evil.autoconfig.example.com": 404, "wild.example": 404, "": 404, "a%00b": 404,
         "..": 404, "*.example.com": 404}


@pytest.mark.parametrize("domain", ASKED)
def test_ask(site, domain):
    for host in ("127.0.0.1", "automxd.internal"):
        assert site.get(f"/ask?domain={domain}", host=host).status in ({ASKED[domain]} if domain else {400, 404})


def test_ask_is_not_for_those_behind_a_proxy(site):
    for headers in ({"X-Forwarded-For": "203.0.113.7"}, {"Forwarded": "for=203.0.113.7"}, {"Via": "1.1 proxy"}):
        answer = site.get("/ask?domain=example.com", headers=headers)
        assert answer.status == 403 and "example.com" not in answer.text
    assert site.get("/ask").status == 400
    assert site.post("/ask?domain=example.com", "").status == 405
