"""accounts = FILE: the whole configuration of a small site in one text, with its faults found and never served."""

import json
import os
import re
import signal
import subprocess

import jsonschema
import pytest
from support.daemon import AUTOMXD, ROOT, Daemon, run_sql
from support.documents import Site, autoconfig, eventually, hosts

GOOD = {"version": 3, "providers": [{"name": "Example Inc."}], "domains": [
    {"name": "example.com", "servers": [{"type": "imap", "name": "imap.example.com"},
                                        {"type": "smtp", "name": "smtp.example.com"}]}]}


def text_with(old, new):
    text = json.dumps(GOOD, indent=1)
    assert old in text
    return text.replace(old, new)


def line_of(text, part):
    return text[:text.index(part)].count("\n") + 1


# What is written instead of what, where the fault is, and what must be said of it.
FAULTS = {
    "no JSON": ('"version": 3,', '"version": 3', '"providers"', "expected"),
    "unknown member": ('"type": "imap"', '"typ": "imap"', '"typ"', "typ"),
    "unknown type": ('"type": "imap"', '"type": "gopher"', '"gopher"', "gopher"),
    "unknown format": ('"version": 3', '"version": 4', '"version"', "1, 2 and 3"),
    "no host name": ('"imap.example.com"', '"imap_.example..com"', '"imap_', "host name"),
    "unknown method": ('"type": "imap"', '"type": "imap", "authentication": "telepathy"', "telepathy", "telepathy"),
    "unknown security": ('"type": "imap"', '"type": "imap", "socket_type": "maybe"', "maybe", "SSL, STARTTLS or plain"),
    "port": ('"type": "imap"', '"type": "imap", "port": 65536', "65536", "65535"),
    "no domain": ('"name": "example.com"', '"name": "exa mple.com"', '"exa mple.com"', "domain name"),
    "alias of itself": ('"name": "example.com",', '"name": "example.com", "alias_of": "example.com",', '"alias_of"',
                        "alias"),
    "alias of nothing": ('"name": "example.com",', '"name": "example.com", "alias_of": "example.org",', '"alias_of"',
                         "example.org"),
    "twice": ('"domains": [', '"domains": [ "example.com",', '"name": "example.com"', "twice"),
    "moved to itself": ('"name": "example.com",', '"name": "example.com", "moved_to": "EXAMPLE.com",', '"moved_to"',
                        "itself"),
    "issuer": ('"name": "Example Inc."', '"name": "Example Inc.", "oauth2": {"issuer": "http://id.example.com"}',
               '"issuer"', "https://"),
    "language of a link": ('"name": "Example Inc."', '"name": "Example Inc.", "links": [{"kind": "webmail", '
                           '"url": "https://example.com/", "language": "de_DE"}]', '"language"', "de_DE"),
    "language of a consent": ('"name": "Example Inc."', '"name": "Example Inc.", "consents": [{"text": "Yes.", '
                              '"language": "<de>"}]', '"language"', "<de>"),
    "secret": ('"name": "Example Inc."',
               '"name": "Example Inc.", "oauth2": {"issuer": "https://id.example.com", "client_secret": "x"}',
               '"client_secret"', "client_secret"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("check", [False, True])
def test_a_broken_file_stops_the_start_and_says_where_and_why(fault, check):
    old, new, place, reason = FAULTS[fault]
    text = text_with(old, new)
    site = Site(text)
    try:
        command = [AUTOMXD, "--config", site.config_path] + (["--check-config"] if check else ["--port", "0"])
        done = subprocess.run(command, capture_output=True, text=True, cwd=site.directory, timeout=30)
        output = done.stderr + done.stdout
        assert done.returncode == 2, output
        assert f"accounts.json:{line_of(text, place)}" in output and reason in output, output
    finally:
        site.close()


ISSUERS_BAD = ["https://user@id.example.com", "https://id.example.com/?", "https://id.example.com/#",
               "https://id.example.com/?a=b", "https://id.example.com/a/../b", "https://id.example.com/./",
               "https://id.example.com/%61", "id.example.com", "HTTPS://id.example.com", "https://",
               "https://id.example.com/ ", "https://id.example.com/%zz"]
ISSUERS_GOOD = ["https://id.example.com", "https://id.example.com/", "https://id.example.com/realms/a%20b",
                "https://id.example.com:8443/x", "https://id.example.com/A/..b"]


def schema():
    with open(os.path.join(ROOT, "examples", "accounts.schema.json"), encoding="utf-8") as file:
        return jsonschema.Draft7Validator(json.load(file))


def test_the_schema_refuses_what_can_be_told_without_the_daemon():
    assert schema().is_valid(GOOD)
    for fault in ("unknown member", "unknown type", "unknown format", "unknown method", "unknown security", "port",
                  "issuer", "secret", "language of a link", "language of a consent"):
        old, new, _, _ = FAULTS[fault]
        assert not schema().is_valid(json.loads(text_with(old, new))), fault


@pytest.mark.parametrize("issuer", ISSUERS_BAD + ISSUERS_GOOD)
def test_issuers(issuer):
    site = dict(GOOD, providers=[{"name": "Example Inc.", "oauth2": {"issuer": issuer}}])
    assert schema().is_valid(site) == (issuer in ISSUERS_GOOD)
    if issuer in ISSUERS_GOOD:
        with Site(site) as daemon:
            assert autoconfig(daemon.autoconfig("a@example.com")).findtext("oAuth2/issuer") == issuer
        return
    broken = Site(site)
    try:
        done = subprocess.run([AUTOMXD, "--config", broken.config_path, "--check-config"], capture_output=True,
                              text=True, cwd=broken.directory, timeout=30)
        assert done.returncode == 2 and "issuer" in done.stderr, done.stderr
    finally:
        broken.close()


def test_a_file_that_is_missing_or_a_directory_stops_the_start():
    site = Site(GOOD)
    try:
        for make in (os.unlink, os.mkdir):
            if os.path.isfile(site.accounts_path):
                os.unlink(site.accounts_path)
            if make is os.mkdir:
                os.mkdir(site.accounts_path)
            done = subprocess.run([AUTOMXD, "--config", site.config_path, "--port", "0"], capture_output=True,
                                  text=True, cwd=site.directory, timeout=30)
            assert done.returncode == 2 and "accounts.json" in done.stderr, done.stderr
    finally:
        site.close()


FORMATS = {
    1: {"provider": "Example Inc.", "domains": ["example.com"],
        "servers": [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com"}]},
    2: {"version": 2, "provider": "Example Inc.", "_comment": "ignored", "domains": [{"name": "example.com"}],
        "servers": [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com"}]},
    3: GOOD,
}


@pytest.mark.parametrize("version", FORMATS)
def test_all_formats(version):
    with Site(FORMATS[version]) as daemon:
        assert hosts(autoconfig(daemon.autoconfig("a@example.com"))) == ["imap.example.com"]


def test_a_file_from_windows():
    with Site("\ufeff" + json.dumps(GOOD, indent=1).replace("\n", "\r\n")) as daemon:
        assert daemon.autoconfig("a@example.com").status == 200


def test_comments_anywhere():
    text = json.dumps(GOOD, indent=1).replace("{", '{ "_comment": ["x", {"y": 1}],')
    with Site(text) as daemon:
        assert daemon.autoconfig("a@example.com").status == 200


def test_sighup_takes_a_good_file_over():
    with Site(GOOD, {"cache_ttl": "1h"}) as daemon:
        assert hosts(autoconfig(daemon.autoconfig("a@example.com"))) == ["imap.example.com"]
        assert daemon.autoconfig("a@example.org").status == 404
        daemon.write_accounts(text_with("example.com", "example.org"))
        daemon.signal(signal.SIGHUP)
        assert eventually(lambda: daemon.autoconfig("a@example.org").status, 200) == 200
        assert daemon.autoconfig("a@example.com").status == 404


@pytest.mark.parametrize("fault", ["no JSON", "unknown type", "alias of itself"])
def test_sighup_with_a_broken_file_keeps_the_old_content_and_says_where_the_fault_is(fault):
    old, new, place, reason = FAULTS[fault]
    text = text_with(old, new)
    with Site(GOOD, allow=["accounts.json"]) as daemon:
        daemon.write_accounts(text)
        daemon.signal(signal.SIGHUP)
        wanted = re.compile(r"ERROR.*accounts\.json:%d\b.*%s" % (line_of(text, place), re.escape(reason)))
        assert eventually(lambda: bool(wanted.search(daemon.stderr()))), daemon.stderr()
        assert hosts(autoconfig(daemon.autoconfig("a@example.com"))) == ["imap.example.com"]
        daemon.write_accounts(text_with("imap.example.com", "imap2.example.com"))
        daemon.signal(signal.SIGHUP)
        assert eventually(lambda: hosts(autoconfig(daemon.autoconfig("a@example.com"))), ["imap2.example.com"]) == \
            ["imap2.example.com"]


def test_initdb_does_not_change_what_the_file_says():
    with Site(GOOD) as daemon:
        for method in ("GET", "DELETE"):
            assert daemon.request(method, "/initdb/").status == 403
        answer = daemon.post("/initdb/", json.dumps(FORMATS[1]).replace("example.com", "example.org"))
        assert answer.status == 403 and "accounts" in answer.text
        assert daemon.autoconfig("a@example.com").status == 200
        assert daemon.autoconfig("a@example.org").status == 404


FAULTY_ROWS = """
UPDATE server SET socket_type = 'perhaps' WHERE type = 'smtp';
INSERT INTO server (id, prio, name, port, type, socket_type, user_name, authentication)
    VALUES (77, 10, 'no host', 143, 'imap', 'STARTTLS', '%EMAILADDRESS%', 'plain');
INSERT INTO domain (id, name, provider_id) VALUES (88, 'orphan.example', 999);
"""
FAULTY_WORDS = ["perhaps", "server 77", "domain 88"]


def test_every_fault_of_a_database_is_found_at_the_start_and_by_check_config():
    with Daemon(seed=FORMATS[1]) as daemon:
        daemon.stop()
        run_sql(daemon.database, FAULTY_ROWS)
        daemon.seed = None
        daemon.allow = [re.compile("WARNING")]
        daemon.start()
        for word in FAULTY_WORDS:
            assert eventually(lambda: word in daemon.stderr()), word
        done = subprocess.run([AUTOMXD, "--config", daemon.config_path, "--check-config"], capture_output=True,
                              text=True, timeout=30)
        for word in FAULTY_WORDS:
            assert word in done.stdout + done.stderr, word
        assert done.returncode == 1, "nothing is wrong with the configuration, but not all is well"


# What a format has to say of a server, found before somebody asks for the document.
COMPLAINTS = {
    "GSSAPI only": ('"type": "imap"', '"type": "imap", "authentication": "GSSAPI"', {}, "GSSAPI"),
    "plain only": ('"type": "imap"', '"type": "imap", "socket_type": "plain"', {"allow_plain": "yes"}, "encryption"),
}


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_what_spoils_a_document_is_said_at_the_start_and_by_check_config(complaint):
    old, new, settings, word = COMPLAINTS[complaint]
    with Site(text_with(old, new), settings, allow=["WARNING.*server 1"]) as daemon:
        assert eventually(lambda: "WARNING" in daemon.stderr() and word in daemon.stderr())
        done = subprocess.run([AUTOMXD, "--config", daemon.config_path, "--check-config"], capture_output=True,
                              text=True, cwd=daemon.directory, timeout=30)
        assert word in done.stderr, done.stderr


@pytest.mark.parametrize("key,value", [("trusted_proxies", "10.0.0.0/33"), ("trusted_proxies", "proxy.example.com"),
                                       ("listen", "nowhere"), ("listen", "127.0.0.1:99999"),
                                       ("default_domain", "a b"), ("user_query", "SELECT"), ("cache_ttl", "soon"),
                                       ("db_uri", "oracle://x/y"), ("domain_query", "SELECT nothing FROM nowhere")])
def test_check_config_finds_what_the_start_would_refuse(key, value):
    site = Site(GOOD, {key: value, **({"accounts": None} if key == "db_uri" else {})})
    try:
        for arguments in (["--check-config"], [] if key == "listen" else ["--port", "0"]):
            done = subprocess.run([AUTOMXD, "--config", site.config_path, *arguments], capture_output=True, text=True,
                                  cwd=site.directory, timeout=30)
            assert done.returncode == 2 and key in done.stderr, (arguments, done.stderr)
    finally:
        site.close()
