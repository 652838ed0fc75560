"""automxd behind the real nginx and the real Apache, configured as contrib/ ships them."""

import contextlib
import re

import pytest

from support import proxies
from support.daemon import Daemon, pox_request

PROXIES = {"nginx": proxies.nginx, "apache": proxies.apache}
SEED = {"provider": "Example Inc.", "domains": ["example.com"],
        "servers": [{"type": "imap", "name": "imap.example.com"},
                    {"type": "smtp", "name": "smtp.example.com", "port": 587}]}


@pytest.fixture(scope="module", params=PROXIES)
def behind(request):
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(Daemon({"proxy_count": 1, "trusted_proxies": "127.0.0.1, ::1"}, seed=SEED))
        proxy = stack.enter_context(PROXIES[request.param](daemon.port))
        yield daemon, proxy


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("path", ["/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml",
                                  "/MAIL/Config-v1.1.xml/"])
def test_autoconfig_over_http_and_https(behind, secure, path):
    answer = behind[1].request("GET", path + "?emailaddress=a+b%40example.com", "autoconfig.example.com", secure)
    assert answer.status == 200
    assert "<hostname>imap.example.com</hostname>" in answer.text


def test_domain_comes_from_the_host_that_the_client_asked(behind):
    answer = behind[1].request("GET", "/mail/config-v1.1.xml", "autoconfig.example.com")
    assert answer.status == 200 and "<domain>example.com</domain>" in answer.text


def test_pox(behind):
    answer = behind[1].request("POST", "/AutoDiscover/AutoDiscover.xml", "autodiscover.example.com", True,
                               {"Content-Type": "text/xml"}, pox_request("joe@example.com"))
    assert answer.status == 200 and "<LoginName>joe@example.com</LoginName>" in answer.text


@pytest.mark.parametrize("path", ["/initdb", "/initdb/", "/InitDB/", "//initdb/", "/%69nitdb/", "/./initdb/", "/x/../initdb/"])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_initdb_stays_inside(behind, method, path):
    answer = behind[1].request(method, path, "127.0.0.1")
    assert answer.status in (403, 404)
    assert behind[1].request("GET", "/mail/config-v1.1.xml", "autoconfig.example.com").status == 200


def test_initdb_stays_inside_for_hosts_that_are_served(behind):
    assert behind[1].request("DELETE", "/initdb/", "autoconfig.example.com").status in (403, 404)


def test_access_line_names_the_client_not_the_proxy_and_forged_headers_do_not_count(behind):
    daemon, proxy = behind
    proxy.request("GET", "/mail/config-v1.1.xml?emailaddress=forger%40example.com", "autoconfig.example.com",
                  headers={"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "autoconfig.evil.example",
                           "Authorization": "Basic c2VjcmV0"})
    lines = [line for line in daemon.stderr().splitlines() if "/mail/config" in line]
    assert lines and "203.0.113.9" not in "".join(lines) and "evil.example" not in "".join(lines)
    assert "forger" not in daemon.stderr() and "c2VjcmV0" not in daemon.stderr()
    assert re.search(r"\b127\.0\.0\.1\b", lines[-1])


def test_body_past_the_limit_is_refused(behind):
    answer = behind[1].request("POST", "/autodiscover/autodiscover.xml", "autodiscover.example.com",
                               body=b"<a>" + b"x" * 70000)
    assert answer.status == 413
