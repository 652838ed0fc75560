"""The same questions to automx2's own tables on SQLite, PostgreSQL and MariaDB: the same answers."""

import json
import os
import subprocess
import time

import pytest

from support import automx2_schema
from support.daemon import AUTOMXCTL, Daemon
from support.databases import mariadb, postgresql, sqlite

SEEN_SECONDS = 20


@pytest.fixture(scope="module", params=[sqlite, postgresql, mariadb], ids=["sqlite", "postgresql", "mariadb"])
def server(request):
    with request.param() as found:
        yield found


@pytest.fixture(scope="module")
def odd(server):
    """A daemon on automx2's own tables with the odd rows."""
    server.create("odd")
    server.sql(automx2_schema.tables(server.dialect), "odd")
    server.sql(automx2_schema.rows(server.dialect), "odd")
    with Daemon({"db_uri": server.uri("odd"), "cache_ttl": "200ms"}, allow=automx2_schema.FAULTS) as daemon:
        yield daemon


def soon(question, expected, seconds=SEEN_SECONDS):
    """Asks again until the answer is the expected one: an edit is seen within cache_ttl, not at once."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer == expected or time.monotonic() > end:
            return answer
        time.sleep(0.02)


def servers(text):
    from lxml import etree

    found = []
    for element in etree.fromstring(text.encode()).iter("incomingServer", "outgoingServer"):
        found.append((element.get("type"), element.findtext("hostname"), int(element.findtext("port")),
                      element.findtext("socketType"), [e.text for e in element.findall("authentication")],
                      element.findtext("username")))
    return found


CLEAR = ["password-cleartext"]
EXPECTED = {
    "joe@example.com": [("imap", "imap1.example.com", 993, "SSL", CLEAR, "%EMAILADDRESS%"),
                        ("imap", "imap2.example.com", 143, "STARTTLS", CLEAR, "%EMAILADDRESS%"),
                        ("pop3", "pop.example.com", 995, "SSL", CLEAR, "%EMAILADDRESS%"),
                        ("smtp", "smtp.example.com", 587, "STARTTLS", CLEAR, "%EMAILLOCALPART%")],
    "joe@MIXED.example.net": [("imap", "imap1.example.com", 993, "SSL", CLEAR, "%EMAILADDRESS%"),
                              ("smtp", "smtp.example.com", 587, "STARTTLS", CLEAR, "%EMAILLOCALPART%")],
    "joe@müller.example": [("imap", "imap1.example.com", 993, "SSL", CLEAR, "%EMAILADDRESS%"),
                           ("smtp", "smtp.example.com", 587, "STARTTLS", CLEAR, "%EMAILLOCALPART%")],
    "joe@words.example": [("imap", "imap.words.example", 993, "SSL", ["password-encrypted"], "%EMAILADDRESS%"),
                          ("smtp", "smtp.words.example", 465, "SSL", ["password-encrypted"], "%EMAILADDRESS%")],
    "joe@odd.example": [("imap", "imap.odd.example", 143, "STARTTLS", CLEAR, "literal"),
                        ("smtp", "smtp.odd.example", 587, "STARTTLS", CLEAR, "literal")],
    "joe@serverless.example": [],
}


@pytest.mark.parametrize("address", EXPECTED)
def test_autoconfig(odd, address):
    answer = odd.autoconfig(address, host="autoconfig.example.com")
    if EXPECTED[address]:
        assert answer.status == 200 and servers(answer.text) == EXPECTED[address]
    else:
        assert answer.status == 404


def test_provider_names_are_escaped(odd):
    from lxml import etree

    document = etree.fromstring(odd.autoconfig("joe@example.com").body)
    assert document.findtext(".//displayName") == 'Ham & <Eggs> "Ltd." ü'
    assert document.findtext(".//displayShortName") == "H&E"


def test_pox_has_the_best_of_each_type(odd):
    from lxml import etree

    space = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
    document = etree.fromstring(odd.pox("joe@example.com").body)
    found = [[protocol.findtext(space + name) for name in ("Type", "Server", "Port", "LoginName", "SSL", "Encryption")]
             for protocol in document.iter(space + "Protocol")]
    assert found[:3] == [["IMAP", "imap1.example.com", "993", "joe@example.com", "on", "SSL"],
                         ["POP3", "pop.example.com", "995", "joe@example.com", "on", "SSL"],
                         ["SMTP", "smtp.example.com", "587", "joe", "on", "TLS"]]


def test_profile_has_mail_and_dav(odd):
    import plistlib

    answer = odd.get("/mobileconfig?emailaddress=joe%40example.com&name=Joe%20Doe", host="autoconfig.example.com")
    payloads = {payload["PayloadType"]: payload for payload in plistlib.loads(answer.body)["PayloadContent"]}
    mail = payloads["com.apple.mail.managed"]
    assert mail["IncomingMailServerHostName"] == "imap1.example.com" and mail["IncomingMailServerPortNumber"] == 993
    assert mail["OutgoingMailServerUsername"] == "joe" and mail["EmailAccountName"] == "Joe Doe"
    caldav, carddav = payloads["com.apple.caldav.account"], payloads["com.apple.carddav.account"]
    assert caldav["CalDAVHostName"] == "dav.example.com" and caldav["CalDAVUseSSL"] is True
    assert caldav["CalDAVUsername"] == "joe@example.com" and carddav["CardDAVPort"] == 8443


def test_edits_by_plain_sql_are_seen(odd, server):
    assert odd.autoconfig("joe@new.example").status == 404
    server.sql("INSERT INTO domain(id, name, provider_id) VALUES (99, 'new.example', 2); "
               "INSERT INTO server_domain(server_id, domain_id) VALUES (21, 99), (22, 99);", "odd")
    assert soon(lambda: odd.autoconfig("joe@new.example").status, 200) == 200
    server.sql("DELETE FROM server_domain WHERE domain_id = 99; DELETE FROM domain WHERE id = 99;", "odd")
    assert soon(lambda: odd.autoconfig("joe@new.example").status, 404) == 404


def test_two_daemons_on_one_database_see_each_others_edits(server):
    server.create("two")
    seed = {"version": 2, "provider": "First Inc.", "domains": [{"name": "first.example"}],
            "servers": [{"type": "imap", "name": "imap.first.example"}, {"type": "smtp", "name": "smtp.first.example"}]}
    settings = {"db_uri": server.uri("two"), "cache_ttl": "200ms"}
    with Daemon(settings) as one, Daemon(settings) as two:
        assert two.autoconfig("a@first.example").status == 404
        assert one.post("/initdb/", json.dumps(seed)).status == 200
        assert one.autoconfig("a@first.example").status == 200, "an edit through automxd is seen at once"
        assert soon(lambda: two.autoconfig("a@first.example").status, 200) == 200
        assert two.request("DELETE", "/initdb/").status == 200
        assert two.autoconfig("a@first.example").status == 404
        assert soon(lambda: one.autoconfig("a@first.example").status, 404) == 404
        assert one.get("/initdb/").status == 200
        assert soon(lambda: two.autoconfig("a@example.com").status, 200) == 200


def test_bad_seed_changes_nothing(server):
    server.create("bad")
    good = {"provider": "First Inc.", "domains": ["first.example"], "servers": [{"type": "imap", "name": "i.example"}]}
    with Daemon({"db_uri": server.uri("bad")}, seed=good) as daemon:
        assert daemon.request("DELETE", "/initdb/").status == 200
        bad = dict(good, servers=[{"type": "imap", "name": "i.example"}, {"type": "gopher", "name": "g.example"}])
        answer = daemon.post("/initdb/", json.dumps(bad, indent=1))
        assert answer.status == 400 and "gopher" in answer.text and "servers[1].type" in answer.text
        assert daemon.autoconfig("a@first.example").status == 404
        assert daemon.post("/initdb/", json.dumps(good)).status == 200
        assert daemon.autoconfig("a@first.example").status == 200


def test_upgrade_keeps_what_automx2_needs(server):
    server.create("old")
    server.sql(automx2_schema.tables(server.dialect), "old")
    server.sql(automx2_schema.rows(server.dialect), "old")
    config = os.path.join(str(os.environ.get("TMPDIR", "/tmp")), f"automxd-upgrade-{os.getpid()}.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write("[automx2]\ndb_uri = " + server.uri("old").replace("%", "%%") + "\n")
    try:
        first = subprocess.run([AUTOMXCTL, "--config", config, "upgrade"], capture_output=True, text=True)
        assert first.returncode == 0, first.stderr
        assert "provider_server" in first.stdout
        second = subprocess.run([AUTOMXCTL, "--config", config, "upgrade"], capture_output=True, text=True)
        assert second.returncode == 0 and "provider_server" not in second.stdout
    finally:
        os.unlink(config)
    # The statements with which automx2 inserts: they name automx2's columns only.
    server.sql("INSERT INTO server (id, prio, name, port, type, socket_type, user_name, authentication) VALUES "
               "(77, 10, 'imap.back.example', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'); "
               "INSERT INTO domain (id, name, provider_id, ldapserver_id) VALUES (77, 'back.example', 2, NULL); "
               "INSERT INTO server_domain (server_id, domain_id) VALUES (77, 77), (22, 77);", "old")
    with Daemon({"db_uri": server.uri("old")}, allow=automx2_schema.FAULTS) as daemon:
        assert servers(daemon.autoconfig("joe@example.com").text) == EXPECTED["joe@example.com"]
        assert servers(daemon.autoconfig("joe@back.example").text)[0][1] == "imap.back.example"
