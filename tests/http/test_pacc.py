"""PACC: the same bytes for everybody, fit services only, and a digest for the DNS."""

import base64
import hashlib
import subprocess

import pytest
import schemas
from support.daemon import AUTOMXCTL, run_sql
from support.documents import Site, eventually

PATH = "/.well-known/user-agent-configuration.json"
MAIL = [{"type": "imap", "name": "imap.example.com"}, {"type": "pop3", "name": "pop.example.com"},
        {"type": "smtp", "name": "smtp.example.com", "port": 465}]
PROVIDER = {"name": "Example  Mail & Co.", "short_name": "Example", "links": [
    {"kind": "documentation", "url": "https://help.example.com/"},
    {"kind": "developer", "url": "https://dev.example.com/"},
    {"kind": "contact", "url": "mailto:dev@example.com"},
    {"kind": "logo", "url": "https://example.com/logo.png", "media_type": "image/png", "width": 128, "height": 128}],
    "oauth2": {"issuer": "https://id.example.com/"}}


def site(*servers, provider=None, **domain):
    return {"version": 3, "providers": [provider or {"name": "Example Inc."}],
            "domains": [{"name": "example.com", "servers": list(servers), **domain}]}


def ask(daemon, domain="example.com", **options):
    return daemon.get(PATH, host="ua-auto-config." + domain, **options)


FULL = [dict(server, authentication=["OAuth2", "plain"]) for server in MAIL] + [
    {"type": "caldav", "url": "https://dav.example.com/cal/", "authentication": ["OAuth2", "plain"]},
    {"type": "carddav", "url": "https://dav.example.com:443/card/", "authentication": ["OAuth2", "plain"]},
    {"type": "jmap", "url": "https://jmap.example.com/session", "authentication": ["OAuth2", "plain"]}]
FULL_DOCUMENT = {
    "authentication": {"oauth-public": {"issuer": "https://id.example.com/"}, "password": True},
    "info": {"help": {"contact": ["mailto:dev@example.com"], "developer": "https://dev.example.com/",
                      "documentation": "https://help.example.com/"},
             "provider": {"logo": [{"content-type": "image/png", "height": 128, "url": "https://example.com/logo.png",
                                    "width": 128}],
                          "name": "Example Mail & Co.", "shortName": "Example"}},
    "protocols": {"caldav": {"url": "https://dav.example.com/cal/"},
                  "carddav": {"url": "https://dav.example.com/card/"},
                  "imap": {"host": "imap.example.com"}, "jmap": {"url": "https://jmap.example.com/session"},
                  "pop3": {"host": "pop.example.com"}, "submit": {"host": "smtp.example.com"}},
}


def test_everything():
    with Site(site(*FULL, provider=PROVIDER)) as daemon:
        answer = ask(daemon)
        assert answer.status == 200 and answer.content_type == "application/json"
        assert schemas.check_pacc(answer.body) == FULL_DOCUMENT
        cache = answer.headers["Cache-Control"]
        assert "max-age=300" in cache and "no-store" not in cache
        for headers in ({"X-Whatever": "1"}, {"Authorization": "Basic YTpi"}, {"Accept-Language": "de"}):
            assert ask(daemon, headers=headers).body == answer.body
        assert daemon.get(PATH + "?emailaddress=joe@example.com&x", host="UA-Auto-Config.Example.COM.:443").body == \
            answer.body
        first = answer.body
    with Site(site(*reversed(FULL), provider=PROVIDER)) as daemon:
        assert ask(daemon).body == first, "neither a restart nor the order of rows changes a byte"


def test_a_document_of_others_and_its_digest():
    """The digest that another implementation publishes for this document, which has to come out byte for byte."""
    both = {"authentication": ["OAuth2", "password-cleartext"]}
    accounts = {"version": 3, "providers": [{
        "name": "Example Provider", "short_name": "Example", "oauth2": {"issuer": "https://identity.example.test/"},
        "links": [{"kind": "documentation", "url": "https://support.example.test/mail"}]}], "domains": [
        {"name": "example.test", "servers": [
            {"type": "imap", "name": "imap.example.test", **both}, {"type": "pop3", "name": "pop.example.test", **both},
            {"type": "smtp", "name": "smtp.example.test", "port": 465, **both},
            {"type": "jmap", "url": "https://jmap.example.test/session", **both},
            {"type": "caldav", "url": "https://sync.example.test/calendar/", **both}]}]}
    with Site(accounts) as daemon:
        body = ask(daemon, "example.test").body
        assert len(body) == 455
        assert base64.b64encode(hashlib.sha256(body).digest()) == b"Yv17O1u1N+KeOhLF0eZv/RNE2t6o6NHAYCskZubeISE="


def test_etag():
    with Site(site(*MAIL)) as daemon:
        answer = ask(daemon)
        tag = answer.headers["ETag"]
        assert tag.startswith('"') and tag.endswith('"')
        for value in (tag, "*", f'"other", {tag}', "W/" + tag):
            known = ask(daemon, headers={"If-None-Match": value})
            assert known.status == 304 and known.body == b"", value
            assert known.headers["ETag"] == tag and "max-age=300" in known.headers["Cache-Control"]
            # RFC 9110 section 8.6: that of the 200, or none.
            assert known.headers["Content-Length"] == answer.headers["Content-Length"]
        assert ask(daemon, headers={"If-None-Match": '"other"'}).status == 200
        head = daemon.request("HEAD", PATH, "ua-auto-config.example.com")
        assert head.status == 200 and head.headers["ETag"] == tag
    with Site(site(*MAIL)) as daemon:
        assert ask(daemon).headers["ETag"] == tag


def test_domains():
    with Site(site(*MAIL)) as daemon:
        assert ask(daemon, "example.org").status == 404
        assert daemon.get(PATH, host="example.com").status in (200, 404)
        assert daemon.get(PATH, host="127.0.0.1").status == 404
        assert daemon.post(PATH, "x", host="ua-auto-config.example.com").status == 405


# What does not fit, and a word of the reason.
MISFITS = {
    "STARTTLS": ({"type": "imap", "name": "i.example.com", "port": 143, "socket_type": "STARTTLS"}, "TLS"),
    "port": ({"type": "imap", "name": "i.example.com", "port": 9993, "socket_type": "SSL"}, "port"),
    "user name": ({"type": "imap", "name": "i.example.com", "user_name": "%EMAILLOCALPART%"}, "user name"),
    "OAuth2 without an issuer": ({"type": "imap", "name": "i.example.com", "authentication": "OAuth2"}, "issuer"),
    "method": ({"type": "imap", "name": "i.example.com", "authentication": "GSSAPI"}, "password"),
    "bare origin": ({"type": "caldav", "url": "https://dav.example.com/"}, "path"),
    "DAV port": ({"type": "carddav", "url": "https://dav.example.com:8443/x/"}, "port"),
    "personal URL": ({"type": "caldav", "url": "https://dav.example.com/%EMAILADDRESS%/"}, "URL"),
    "personal host": ({"type": "imap", "name": "%EMAILLOCALPART%.example.com"}, "host"),
}


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_is_left_out_with_a_reason_in_the_log(misfit):
    server, reason = MISFITS[misfit]
    others = [other for other in MAIL if other["type"] != server["type"]]
    with Site(site(server, *others), allow=["WARNING"]) as daemon:
        answer = ask(daemon)
        document = schemas.check_pacc(answer.body)
        assert answer.status == 200 and "pop3" in document["protocols"]
        assert server["type"] not in document["protocols"]
        lines = [line for line in daemon.stderr().splitlines() if "PACC" in line]
        assert lines and any(reason in line for line in lines), daemon.stderr()
        ask(daemon)
        assert len([line for line in daemon.stderr().splitlines() if "PACC" in line]) == len(lines), "said once"


def test_reasons_are_said_at_load():
    with Site(site(MISFITS["port"][0], *MAIL[1:]), allow=["WARNING"]) as daemon:
        assert eventually(lambda: "PACC" in daemon.stderr()), "nobody need ask for it first"


def test_the_first_that_fits_is_taken():
    servers = [dict(MISFITS["STARTTLS"][0], prio=1), *MAIL]
    with Site(site(*servers)) as daemon:
        assert ask(daemon).json()["protocols"]["imap"] == {"host": "imap.example.com"}


def test_nothing_fits():
    with Site(site(MISFITS["port"][0]), allow=["WARNING"]) as daemon:
        answer = ask(daemon)
        assert answer.status == 404 and answer.content_type.startswith("text/plain")


def test_oauth_only():
    provider = {"name": "Example Inc.", "oauth2": {"issuer": "https://id.example.com"}}
    servers = [dict(server, authentication="OAuth2") for server in MAIL]
    with Site(site(*servers, provider=provider), allow=["WARNING"]) as daemon:
        assert ask(daemon).json()["authentication"] == {"oauth-public": {"issuer": "https://id.example.com"},
                                                        "password": False}


def test_a_domain_whose_logins_are_looked_up_has_none(tmp_path):
    """The document has no user name, so clients take the address."""
    users = str(tmp_path / "users.sqlite")
    run_sql(users, "CREATE TABLE users (address TEXT, uid TEXT); INSERT INTO users VALUES ('joe@example.com', 'u17')")
    with Site(site(*MAIL), {"user_db_uri": f"sqlite:///{users}",
                            "user_query": "SELECT uid AS login FROM users WHERE address = :address"}) as daemon:
        assert "<LoginName>u17</LoginName>" in daemon.pox("joe@example.com").text
        assert ask(daemon).status == 404
        assert "PACC" in daemon.stderr() and "user name" in daemon.stderr()


def test_wildcards_and_placeholders():
    accounts = {"version": 3, "providers": [{"name": "Example Inc."}], "domains": [
        {"name": "*.example.com", "servers": [{"type": "imap", "name": "imap.%EMAILDOMAIN%"}]}]}
    with Site(accounts) as daemon:
        assert ask(daemon, "a.example.com").json()["protocols"] == {"imap": {"host": "imap.a.example.com"}}


def test_automxctl_prints_the_digest_of_what_is_served():
    with Site(site(*FULL, provider=PROVIDER)) as daemon:
        body = ask(daemon).body
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        done = subprocess.run([AUTOMXCTL, "--config", daemon.config_path, "pacc", "example.com"], capture_output=True,
                              text=True, timeout=30, cwd=daemon.directory)
        assert done.returncode == 0, done.stderr
        assert digest in done.stdout
        assert f"v=UAAC1; a=sha256; d={digest}" in done.stdout
        assert "_ua-auto-config.example.com" in done.stdout and "TXT" in done.stdout
        missing = subprocess.run([AUTOMXCTL, "--config", daemon.config_path, "pacc", "example.org"],
                                 capture_output=True, text=True, timeout=30, cwd=daemon.directory)
        assert missing.returncode == 1 and "example.org" in missing.stderr
