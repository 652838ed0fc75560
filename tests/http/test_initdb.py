"""/initdb: what automx2's scripts send, in one transaction each, and from this machine only."""

import json
import os
import sqlite3

import pytest
from support.daemon import Daemon
from support.documents import autoconfig, hosts, mail_servers, payloads, pox, profile, protocols

SEED_1 = {"provider": "Example Inc.", "domains": ["Example.COM", "example.net"], "servers": [
    {"type": "imap", "name": "imap.example.com"}, {"type": "pop", "name": "pop.example.com", "prio": 5},
    {"type": "smtp", "name": "smtp.example.com"},
    {"type": "smtp", "name": "smtp2.example.com", "port": 587, "prio": 20},
    {"type": "caldav", "url": "https://dav.example.com/cal/"}, {"type": "carddav", "url": "http://dav.example.com/"}]}
SEED_2 = {"version": 2, "_comment": "x", "provider": "Example Inc.", "domains": [
    {"name": "example.com", "ldapserver_id": 42, "_why": "x"}, {"name": "example.net"}], "ldapservers": [
    {"id": 42, "name": "ldap.invalid", "search_base": "dc=example", "bind_user": "cn=x", "bind_password": "y",
     "use_ssl": "no", "port": 389, "_comment": "x"}], "servers": SEED_1["servers"][:3]}


def rows(daemon, query):
    with sqlite3.connect(daemon.database) as connection:
        return connection.execute(query).fetchall()


def test_sample_data_as_automx2_has_it():
    with Daemon(allow=["WARNING"]) as daemon:
        assert daemon.autoconfig("a@example.com").status == 404
        answer = daemon.get("/initdb/")
        assert answer.status == 200 and "prepared" in answer.text
        assert "already contains" in daemon.get("/initdb").text
        names = {row[0] for row in rows(daemon, "SELECT name FROM provider")}
        assert names == {"Big Corporation, Inc.", "Ham & Eggs", "Some Other Provider"}
        for domain, incoming in {"example.com": "imap", "example.net": "imap", "example.org": "pop3"}.items():
            root = autoconfig(daemon.autoconfig("a@" + domain), domain)
            found = mail_servers(root)
            assert [(kind, port, socket) for kind, _, port, socket, _, _ in found] == [
                (incoming, 143, "STARTTLS"), ("smtp", 587, "STARTTLS")], found
            assert all(server[5] == "%EMAILADDRESS%" for server in found)
            assert root.findtext(".//displayShortName") == "BigCorp"
        assert daemon.autoconfig("a@serverless.tld").status == 404
        kinds = {payload["PayloadType"] for payload in
                 profile(daemon.get("/mobileconfig?emailaddress=a@example.com"))["PayloadContent"]}
        assert {"com.apple.mail.managed", "com.apple.caldav.account", "com.apple.carddav.account"} <= kinds
        assert daemon.request("DELETE", "/initdb/").status == 200
        assert daemon.autoconfig("a@example.com").status == 404, "an edit through automxd is seen at once"
        assert rows(daemon, "SELECT count(*) FROM server") == [(0,)]
        assert daemon.get("/initdb/").status == 200 and daemon.autoconfig("a@example.com").status == 200


@pytest.mark.parametrize("seed", [SEED_1, SEED_2])
def test_formats_1_and_2(seed):
    with Daemon(seed=seed, allow=["WARNING", "ERROR"]) as daemon:
        assert rows(daemon, "SELECT name, short_name FROM provider") == [("Example Inc.", "Example")]
        found = mail_servers(autoconfig(daemon.autoconfig("a@example.net"), "example.net"))
        assert found[0] == ("imap", "imap.example.com", 993, "SSL", ["password-cleartext"], "%EMAILADDRESS%")
        assert ("smtp", "smtp.example.com", 465, "SSL", ["password-cleartext"], "%EMAILADDRESS%") in found
        again = daemon.post("/initdb/", json.dumps(seed))
        assert again.status == 200 and "already" in again.text, "what is there is kept"
        assert hosts(autoconfig(daemon.autoconfig("a@example.com"))) == ["imap.example.com"], "the directory is down"


BAD = {
    "empty": "", "no JSON": "{", "no object": "[]", "string": '"x"', "null": "null",
    "no provider": json.dumps({key: SEED_1[key] for key in ("domains", "servers")}),
    "no domains": json.dumps(dict(SEED_1, domains=[])), "no servers": json.dumps(dict(SEED_1, servers=[])),
    "no mail server": json.dumps(dict(SEED_1, servers=SEED_1["servers"][4:])),
    "unknown type": json.dumps(dict(SEED_1, servers=[{"type": "nntp", "name": "n.example.com"}])),
    "no name": json.dumps(dict(SEED_1, servers=[{"type": "imap"}])),
    "port": json.dumps(dict(SEED_1, servers=[{"type": "imap", "name": "i.example.com", "port": "many"}])),
    "unknown directory": json.dumps(dict(SEED_2, domains=[{"name": "example.com", "ldapserver_id": 1}])),
    "version": json.dumps(dict(SEED_1, version=99)), "NUL": json.dumps(dict(SEED_1, provider="a\0b")),
    "no UTF-8": b'{"provider": "\xff"}', "deep": "[" * 30000, "control": json.dumps(dict(SEED_1, provider="a\nb")),
    "twice": '{"provider": "a", "provider": "b", "domains": ["a.example"], "servers": []}',
}


def test_bad_json_is_refused_with_a_place_and_a_reason_and_writes_nothing():
    with Daemon(seed=SEED_1, allow=["WARNING"]) as daemon:
        assert daemon.request("DELETE", "/initdb/").status == 200
        for name, body in BAD.items():
            answer = daemon.post("/initdb/", body)
            assert answer.status == 400 and answer.content_type.startswith("text/plain"), name
            assert "othing was written" in answer.text and len(answer.text) > 40, name
            for table in ("provider", "domain", "server"):
                assert rows(daemon, f"SELECT count(*) FROM {table}") == [(0,)], name
        servers = [{"type": "imap", "name": "i.example.com"}, {"type": "gopher"}]
        text = json.dumps(dict(SEED_1, servers=servers), indent=1)
        answer = daemon.post("/initdb/", text)
        line = text[:text.index('"gopher"')].count("\n") + 1
        assert f"line {line}" in answer.text and "servers[1].type" in answer.text and "gopher" in answer.text
        assert daemon.post("/initdb/", json.dumps(SEED_1), headers={"Content-Type": "text/plain"}).status == 200


REFUSED = {
    "another host": {"host": "autoconfig.example.com"}, "public address": {"host": "192.0.2.1"},
    "rebinding": {"host": "localhost.evil.test"}, "no loopback name": {"host": "127.0.0.1.evil.test"},
    "forwarded": {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    "forwarded host": {"headers": {"X-Forwarded-Host": "localhost"}},
    "standard header": {"headers": {"Forwarded": "for=127.0.0.1"}}, "via": {"headers": {"Via": "1.1 x"}},
    "old header": {"headers": {"X-Forwarded": "for=127.0.0.1"}},
    "real address": {"headers": {"X-Real-IP": "127.0.0.1"}},
    "web page": {"headers": {"Origin": "https://evil.test"}},
}


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_only_for_processes_on_this_machine(method):
    with Daemon(seed=SEED_1, allow=["WARNING"]) as daemon:
        for name, options in REFUSED.items():
            body = json.dumps(SEED_1) if method == "POST" else None
            answer = daemon.request(method, "/initdb/", body=body, **options)
            assert answer.status == 403 and answer.content_type.startswith("text/plain"), name
            assert len(answer.text) > 40, "says why"
            assert rows(daemon, "SELECT count(*) FROM domain") == [(2,)]
        for host in ("localhost", "LOCALHOST:4243", "127.0.0.1:1", "127.1.2.3", "[::1]", "[::1]:4243"):
            assert daemon.get("/initdb/", host=host).status == 200, host
        body = "{}" if method == "POST" else None
        absolute = daemon.request(method, "http://autoconfig.example.com/initdb/", body=body)
        assert absolute.status == 403, "the authority of an absolute target counts"
        assert rows(daemon, "SELECT count(*) FROM domain") == [(2,)]


def test_turned_off():
    with Daemon({"initdb": "off"}, allow=["WARNING"]) as daemon:
        for method in ("GET", "DELETE", "HEAD"):
            assert daemon.request(method, "/initdb/").status == 403
        assert daemon.post("/initdb/", json.dumps(SEED_1)).status == 403
        assert daemon.request("PUT", "/initdb/").status == 405


def test_head_changes_nothing():
    with Daemon(allow=["WARNING"]) as daemon:
        assert daemon.request("HEAD", "/initdb/").status == 200
        assert daemon.autoconfig("a@example.com").status == 404


def test_a_database_that_is_read_only_is_served_and_not_changed():
    with Daemon(seed=SEED_1, allow=["WARNING"]) as daemon:
        daemon.stop()
        os.chmod(daemon.database, 0o444)
        os.chmod(daemon.directory, 0o555 if os.geteuid() else 0o755)
        daemon.seed = None
        if os.geteuid() == 0:
            for folder, _, files in os.walk(daemon.directory):
                os.chmod(folder, 0o755)
                for file in files:
                    os.chmod(os.path.join(folder, file), 0o444)
            daemon.wrap = ["setpriv", "--reuid=65534", "--clear-groups"]
        daemon.start()
        try:
            assert daemon.autoconfig("a@example.com").status == 200
            answer = daemon.request("DELETE", "/initdb/")
            assert answer.status == 403 and "read-only" in answer.text
            assert daemon.autoconfig("a@example.com").status == 200
        finally:
            os.chmod(daemon.directory, 0o755)


def test_format_3_goes_into_the_database_and_comes_out_in_every_format():
    seed = {"version": 3, "providers": [{"name": "Example Inc.", "servers": SEED_1["servers"][:3]}],
            "domains": ["example.com", {"name": "*.example.com"}, {"name": "gone.example", "moved_to": "example.com"}]}
    with Daemon(seed=seed) as daemon:
        assert protocols(pox(daemon.pox("a@example.com")))["IMAP"]["Server"] == "imap.example.com"
        assert payloads(profile(daemon.get("/mobileconfig?emailaddress=a@x.example.com")), "com.apple.mail.managed")
        daemon.stop()
        daemon.seed = None
        daemon.start()
        assert hosts(autoconfig(daemon.autoconfig("a@x.example.com"))) == ["imap.example.com"]
