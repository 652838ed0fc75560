"""People and domains of a mail server's own tables on SQLite, PostgreSQL and MariaDB: the same answers on all three,
from the store's own database and from another one; and what connects to databases: TLS, sockets, passwords."""

import json
import plistlib
import re
import subprocess
import urllib.parse

import pytest
from lxml import etree

from support.daemon import AUTOMXCTL, AUTOMXD, Daemon
from support.databases import mariadb, postgresql, sqlite

OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
TABLES = """
CREATE TABLE mailbox (address VARCHAR(200), local_part VARCHAR(100), dom VARCHAR(100), uid VARCHAR(64), cn VARCHAR(64),
                      home VARCHAR(64), number INTEGER);
INSERT INTO mailbox VALUES
    ('jane@example.com', 'jane', 'example.com', 'u123', 'Jane Doe & <Co>', 'imap7', 7),
    ('jöe@example.com', 'jöe', 'example.com', 'jöe@example.com', 'Jöe', 'imap8', 8),
    ('local@example.com', 'local', 'example.com', 'local', NULL, 'imap9', 9),
    ('null@example.com', 'null', 'example.com', NULL, NULL, NULL, NULL),
    ('empty@example.com', 'empty', 'example.com', '', '', '', 0),
    ('evil@example.com', 'evil', 'example.com', 'u666', 'Evil', 'imap/../x?', 5),
    ('twice@example.com', 'twice', 'example.com', 'a', 'A', 'x', 1),
    ('twice@example.com', 'twice', 'example.com', 'b', 'B', 'x', 1),
    ('o''neil@example.com', 'o''neil', 'example.com', 'oneil', 'O', 'imap1', 1),
    ('jane@own.example', 'jane', 'own.example', 'owned', 'Jane Own', 'imap2', 2);
CREATE TABLE mail_domain (dom VARCHAR(100), hoster VARCHAR(100));
INSERT INTO mail_domain VALUES ('own.example', 'Second Inc.'), ('short.example', 'Sec'), ('default.example', NULL),
    ('blank.example', ''), ('nobodys.example', 'Nobody Inc.'), ('first.example', 'Second Inc.'),
    ('www.wild.example', 'Second Inc.'), ('xn--mller-kva.example', 'Second Inc.');
"""
USER_QUERY = """SELECT uid AS login, cn AS {name}, home AS home_server, number AS Pin FROM mailbox
    WHERE address = :address AND local_part = :local AND dom = :domain"""
DOMAIN_QUERY = "SELECT hoster AS provider FROM mail_domain WHERE dom = :domain"
ACCOUNTS = {"version": 3, "providers": [
    {"name": "First Inc.", "servers": [
        {"type": "imap", "name": "%{home_server}.example.com", "user_name": "%EMAILLOCALPART%"},
        {"type": "smtp", "name": "smtp%{pin}.example.com"},
        {"type": "pop3", "name": "pop.example.com"},
        {"type": "caldav", "url": "https://dav.example.com/%{home_server}/%EMAILADDRESS%/"}],
     "domains": ["example.com", "first.example", "*.wild.example"]},
    {"name": "Second Inc.", "short_name": "Sec", "servers": [
        {"type": "imap", "name": "imap.second.example"},
        {"type": "smtp", "name": "smtp.second.example", "user_name": "%{home_server}\\\\%EMAILLOCALPART%"}]}]}


@pytest.fixture(scope="module", params=[sqlite, postgresql, mariadb], ids=["sqlite", "postgresql", "mariadb"])
def server(request):
    with request.param() as found:
        for database in ("people", "store"):
            found.create(database)
        found.sql(TABLES, "people")
        yield found


def user_query(server):
    # MariaDB takes double quotes for a text unless told otherwise.
    return " ".join(USER_QUERY.format(name="`name`" if server.dialect == "mariadb" else '"name"').split())


def settings(server, where):
    people = server.uri("people")
    found = {"user_query": user_query(server), "domain_query": DOMAIN_QUERY, "domain_provider": "First Inc.",
             "loglevel": "DEBUG", "db_echo": "yes"}
    if where == "own":
        return {"db_uri": people, **found}
    return {"db_uri": server.uri("store"), "user_db_uri": people, **found}


@pytest.fixture(scope="module", params=["own", "other"])
def daemon(server, request):
    """The store's tables lie beside the mail server's, or in a database of their own."""
    with Daemon(settings(server, request.param), seed=ACCOUNTS, allow=[
            r"provider 'Nobody Inc\.'", r"server 1: .*no host name", r"davserver 1: .*no URL", NO_PROVIDER]) as found:
        yield found
        log = found.stderr()
        # db_echo and DEBUG show statements, no values and no passwords.
        for text in (getattr(server, "password", "p@ss/w"), "p%40ss", "u123", "jane@", "'jane'"):
            assert text not in log, text
        assert "mailbox" in log
        assert found.request("DELETE", "/initdb/").status == 200


def servers(answer):
    assert answer.status == 200, answer
    return [(element.get("type"), element.findtext("hostname"), element.findtext("username"))
            for element in etree.fromstring(answer.body).iter("incomingServer", "outgoingServer")]


# Said at a start with a store that is still empty.
NO_PROVIDER = r"domain_provider: no provider has 'First Inc\.'"
POP = "pop.example.com"


@pytest.mark.parametrize("address, expected", [
    ("jane@example.com", [("imap", "imap7.example.com", "u123"), ("pop3", POP, "u123"),
                          ("smtp", "smtp7.example.com", "u123")]),
    ("jöe@example.com", [("imap", "imap8.example.com", "%EMAILADDRESS%"), ("pop3", POP, "%EMAILADDRESS%"),
                         ("smtp", "smtp8.example.com", "%EMAILADDRESS%")]),
    ("local@example.com", [("imap", "imap9.example.com", "%EMAILLOCALPART%"), ("pop3", POP, "%EMAILLOCALPART%"),
                           ("smtp", "smtp9.example.com", "%EMAILLOCALPART%")]),
    # A server that needs what is not known is left out.
    ("null@example.com", [("pop3", POP, "%EMAILADDRESS%")]),
    ("empty@example.com", [("pop3", POP, "%EMAILADDRESS%"), ("smtp", "smtp0.example.com", "%EMAILADDRESS%")]),
    ("nobody@example.com", [("pop3", POP, "%EMAILADDRESS%")]),
    ("twice@example.com", [("pop3", POP, "%EMAILADDRESS%")]),
    # What is no host name is none, whoever wrote it into the row.
    ("evil@example.com", [("pop3", POP, "u666"), ("smtp", "smtp5.example.com", "u666")]),
    ("o'neil@example.com", [("imap", "imap1.example.com", "oneil"), ("pop3", POP, "oneil"),
                            ("smtp", "smtp1.example.com", "oneil")]),
    ("%@example.com", [("pop3", POP, "%EMAILADDRESS%")]),
    ("\"' or '1'='1\"@example.com", [("pop3", POP, "%EMAILADDRESS%")]),
    ("\"\\' or 1=1 -- \"@example.com", [("pop3", POP, "%EMAILADDRESS%")]),
    (None, [("pop3", POP, "%EMAILADDRESS%")]),
])
def test_people(daemon, address, expected):
    assert servers(daemon.autoconfig(address, host="autoconfig.example.com")) == expected


@pytest.mark.parametrize("name, expected", [
    ("own.example", "imap.second.example"),
    ("OWN.example", "imap.second.example"),
    ("short.example", "imap.second.example"),
    ("müller.example", "imap.second.example"),
    ("default.example", POP),
    ("blank.example", POP),
    # Our own row goes before the query, a wildcard comes behind it.
    ("first.example", POP),
    ("www.wild.example", "imap.second.example"),
    ("ftp.wild.example", POP),
    ("nobodys.example", None),
    ("unknown.example", None),
])
def test_domains(daemon, name, expected):
    answer = daemon.autoconfig(f"somebody@{name}", host="autoconfig.example.net")
    if expected is None:
        assert answer.status == 404
    else:
        assert servers(answer)[0][1] == expected


def test_login_replaces_templates_and_literals(daemon):
    assert servers(daemon.autoconfig("jane@own.example")) == [("imap", "imap.second.example", "owned"),
                                                              ("smtp", "smtp.second.example", "owned")]


def test_every_format(daemon):
    document = etree.fromstring(daemon.pox("jane@example.com").body)
    assert document.findtext(f".//{OUTLOOK}DisplayName") == "Jane Doe & <Co>"
    assert {element.text for element in document.iter(OUTLOOK + "LoginName")} == {"u123"}
    assert {element.text for element in document.iter(OUTLOOK + "Server")} >= {"imap7.example.com", "smtp7.example.com"}
    answer = daemon.get("/mobileconfig?emailaddress=" + urllib.parse.quote("jane@example.com"),
                        host="autoconfig.example.com")
    payloads = {payload["PayloadType"]: payload for payload in plistlib.loads(answer.body)["PayloadContent"]}
    mail, calendar = payloads["com.apple.mail.managed"], payloads["com.apple.caldav.account"]
    assert mail["IncomingMailServerHostName"] == "imap7.example.com" and mail["IncomingMailServerUsername"] == "u123"
    assert mail["EmailAccountName"] == "Jane Doe & <Co>"
    assert "/imap7/jane%40example.com/" in calendar["CalDAVPrincipalURL"] and calendar["CalDAVUsername"] == "u123"


def test_names_and_strangers(server):
    with Daemon({**settings(server, "other"), "publish_names": "no", "unknown_users": "refuse"}, seed=ACCOUNTS,
                allow=[NO_PROVIDER]) as found:
        answer = found.pox("jane@example.com")
        assert "<LoginName>u123" in answer.text and "Jane" not in answer.text
        for address in ("nobody@example.com", "twice@example.com"):
            assert found.autoconfig(address).status == 404
        assert found.autoconfig(None, host="autoconfig.example.com").status == 200
        assert found.request("DELETE", "/initdb/").status == 200


def test_answers_are_kept_for_user_cache_ttl(server):
    def user(one, address):
        return servers(one.autoconfig(address))[-1][2]

    with Daemon(settings(server, "other"), seed=ACCOUNTS, allow=[NO_PROVIDER]) as found, \
            Daemon({**settings(server, "other"), "user_cache_ttl": "0s"}, allow=[NO_PROVIDER]) as forgetful:
        for one in (found, forgetful):
            assert user(one, "jane@own.example") == "owned" and user(one, "late@own.example") == "%EMAILADDRESS%"
        server.sql("UPDATE mailbox SET uid = 'edited' WHERE address = 'jane@own.example';"
                   "INSERT INTO mailbox (address, local_part, dom, uid) "
                   "VALUES ('late@own.example', 'late', 'own.example', 'later');", "people")
        try:
            assert user(found, "jane@own.example") == "owned" and user(found, "late@own.example") == "%EMAILADDRESS%"
            assert user(forgetful, "jane@own.example") == "edited" and user(forgetful, "late@own.example") == "later"
        finally:
            server.sql("UPDATE mailbox SET uid = 'owned' WHERE address = 'jane@own.example';"
                       "DELETE FROM mailbox WHERE address = 'late@own.example';", "people")
        assert found.request("DELETE", "/initdb/").status == 200


@pytest.mark.parametrize("changes, reason", [
    ({"user_query": "SELECT nowhere AS login FROM mailbox WHERE address = :address"}, "nowhere"),
    ({"user_query": "SELECT uid FROM mailbox"}, "none of :address, :local, :domain"),
    ({"user_query": "SELECT uid AS login FROM mailbox WHERE address = :adress"}, "adress"),
    ({"user_query": "DELETE FROM mailbox WHERE address = :address"}, "columns"),
    ({"domain_query": "SELECT nowhere FROM mail_domain WHERE dom = :domain"}, "nowhere"),
])
def test_queries_that_cannot_work_stop_the_start(server, changes, reason, tmp_path):
    config = tmp_path / "automxd.conf"
    config.write_text("[automx2]\n" + "".join(
        f"{key} = {value}\n".replace("%", "%%") for key, value in {**settings(server, "other"), **changes}.items()))
    result = subprocess.run([AUTOMXD, "--config", config, "--port", "1"], capture_output=True, text=True, timeout=30)
    assert result.returncode == 2 and reason in result.stdout + result.stderr
    assert "p%40ss" not in result.stdout + result.stderr and "p@ss" not in result.stdout + result.stderr


class Tool:
    def __init__(self, folder, uri, **extra):
        self.config = folder / "automxd.conf"
        lines = {"db_uri": uri, **extra}
        self.config.write_text("[automx2]\n" + "".join(f"{key} = {str(value).replace('%', '%%')}\n"
                                                       for key, value in lines.items()))

    def run(self, *words, program=AUTOMXCTL):
        result = subprocess.run([program, "--config", self.config, *words], capture_output=True, text=True, timeout=60)
        assert "p%40ss" not in result.stdout + result.stderr and "p@ss" not in result.stdout + result.stderr
        return result


def test_import_upgrade_check_and_lookup(server, tmp_path):
    server.create("tools")
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps(ACCOUNTS))
    tool = Tool(tmp_path, server.uri("tools"), user_db_uri=server.uri("people"), user_query=user_query(server),
                domain_query=DOMAIN_QUERY)
    assert tool.run("import", accounts).returncode == 0
    assert tool.run("import", accounts).returncode == 1, "nothing is imported over what is there"
    upgraded = tool.run("upgrade")
    assert upgraded.returncode == 0 and upgraded.stdout.endswith("nothing was changed.\n")
    checked = tool.run("--check-config", program=AUTOMXD)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    if server.dialect != "sqlite":
        shown = re.findall(r"^(?:user_)?db_uri = (.*)$", checked.stdout, re.M)
        assert len(shown) == 2 and all("***" in uri and "automxd" in uri for uri in shown), checked.stdout
    steps = tool.run("lookup", "jane@example.com").stdout
    assert "row 'example.com'" in steps and user_query(server)[:30] in steps
    assert re.search(r"login u123, full name Jane Doe & <Co>, home_server = imap7, pin = 7  \[\d+ ms\]", steps), steps
    assert re.search(r"^imap +imap7\.example\.com:993 SSL, user u123", steps, re.M)
    assert "nobody, or more than one" in tool.run("lookup", "twice@example.com").stdout
    assert re.search(r"^imap +imap\.second\.example", tool.run("lookup", "x@own.example").stdout, re.M)
    with Daemon({"db_uri": server.uri("tools"), "user_db_uri": server.uri("people"), "user_query": user_query(server)}) as one:
        assert servers(one.autoconfig("jane@example.com"))[0] == ("imap", "imap7.example.com", "u123")


SMALL = {"provider": "Example Inc.", "domains": ["example.com"], "servers": [{"type": "imap", "name": "imap.example.com"}]}


@pytest.fixture(scope="module", params=[postgresql, mariadb], ids=["postgresql", "mariadb"])
def secure(request):
    with request.param(tls=True) as found:
        found.create("secure")
        with Daemon({"db_uri": found.uri("secure")}, seed=SMALL):
            pass
        yield found


def test_ways_to_connect(secure, tmp_path):
    ca, other = secure.certificates.ca, secure.certificates.other_ca
    password = tmp_path / "password"
    password.write_text(secure.password + "\n")
    password.chmod(0o600)
    bare = re.sub(r":p%40[^@]*@", "@", secure.uri("secure"))
    maria = secure.dialect == "mariadb"
    good = {"plain": {"db_uri": secure.uri("secure")},
            "socket": {"db_uri": secure.socket_uri("secure")},
            "file": {"db_uri": bare, "db_password_file": password}}
    bad = {"no password": {"db_uri": bare}, "wrong password": {"db_uri": secure.uri("secure").replace("p%40ss", "Xx%40ss")}}
    if maria:
        good.update({"ca": {"db_uri": secure.uri("secure", f"?charset=utf8mb4&ssl_ca={ca}")},
                     "name": {"db_uri": secure.uri("secure", f"?ssl_ca={ca}&ssl_verify_identity=true")},
                     "any name": {"db_uri": secure.uri("secure", f"?ssl_ca={ca}&ssl_verify_identity=false")},
                     "unchecked": {"db_uri": secure.uri("secure", f"?ssl_ca={other}&ssl_verify_cert=false")}})
        bad.update({"other ca": {"db_uri": secure.uri("secure", f"?ssl_ca={other}")},
                    "other ca, any name": {"db_uri": secure.uri("secure", f"?ssl_ca={other}&ssl_verify_identity=false")}})
    else:
        good.update({"ca": {"db_uri": secure.uri("secure", f"?sslmode=verify-full&sslrootcert={ca}")},
                     "required": {"db_uri": secure.uri("secure", "?sslmode=require")}})
        bad.update({"other ca": {"db_uri": secure.uri("secure", f"?sslmode=verify-full&sslrootcert={other}")},
                    "missing ca": {"db_uri": secure.uri("secure", "?sslmode=verify-full&sslrootcert=/nowhere")}})
    for name, lines in good.items():
        with Daemon({**lines, "loglevel": "DEBUG", "db_echo": "yes"}) as found:
            assert found.autoconfig("a@example.com").status == 200, name
            assert "p@ss" not in found.stderr() and "p%40" not in found.stderr()
    for name, lines in bad.items():
        with Daemon({**lines, "loglevel": "DEBUG", "db_echo": "yes"}, allow=[r"ERROR|WARNING"]) as found:
            answer = found.autoconfig("a@example.com")
            assert answer.status == 503 and answer.headers["Retry-After"], name
            log = found.stderr()
            assert re.search(r"ERROR.*(assword|certificate|Access denied|/nowhere)", log), (name, log)
            assert "@ss" not in log and "%40ss" not in log
    password.chmod(0o644)
    result = Tool(tmp_path, bare, db_password_file=password).run("--check-config", program=AUTOMXD)
    assert result.returncode == 2 and "chmod" in result.stderr + result.stdout
    slip = Tool(tmp_path, secure.uri("secure", "?sslca=/nowhere")).run("--check-config", program=AUTOMXD)
    assert slip.returncode == 2 and "sslca" in slip.stderr + slip.stdout
