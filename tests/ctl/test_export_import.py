"""automxctl export and import --replace: nothing is lost on the way out and in again, on every database."""

import copy
import json
import os
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import time

import pytest

from support.daemon import AUTOMXCTL, ROOT
from support.databases import mariadb, postgresql, sqlite

# Written so that nothing is left to what is presumed: the export must say the same.
ACCOUNTS = {
    "version": 3,
    "ldapservers": [
        {"id": 7, "name": "ldap.example.com", "port": 636, "use_ssl": True, "search_base": "dc=example,dc=com",
         "search_filter": "(mail={0})", "scope": "sub", "attr_uid": "uid", "attr_cn": "cn", "bind_method": "simple",
         "bind_user": "cn=reader", "bind_password": " a \"secret\" of \u00fcmlauts "},
        {"id": 9, "name": "other.example.com", "port": 389, "use_ssl": False, "starttls": True, "verify": False,
         "ca_file": "/etc/ca.pem", "search_base": "dc=x", "search_filter": "(uid={local})", "scope": "one",
         "attr_uid": "login", "attr_cn": None, "bind_method": "anonymous"},
    ],
    "servers": [
        {"id": "imap", "type": "imap", "name": "imap.example.com", "port": 993, "socket_type": "SSL"},
        {"id": "unused", "type": "pop3", "name": "pop.example.com", "port": 110, "socket_type": "STARTTLS"},
        {"id": "sieve", "type": "managesieve", "name": "sieve.example.com", "port": 4190, "socket_type": "STARTTLS"},
        {"id": "dav", "type": "caldav", "url": "https://dav.example.com:8443/c/", "domain_required": True, "prio": 3},
    ],
    "providers": [
        {"name": "Ham & <Eggs> \"Ltd.\" \u00fc", "short_name": "H&E", "organization": "Ham Eggs",
         "servers": ["imap", "dav",
                     {"type": "smtp", "name": "smtp.%EMAILDOMAIN%", "port": 587, "socket_type": "STARTTLS", "prio": 20,
                      "user_name": "%EMAILLOCALPART%", "authentication": ["OAuth2", "password-cleartext"]},
                     {"type": "jmap", "url": "https://jmap.example.com/", "authentication": "OAuth2"}],
         "links": [{"kind": "webmail", "url": "https://webmail.example.com/"},
                   {"kind": "logo", "url": "https://example.com/logo.png", "media_type": "image/png", "width": 64,
                    "height": 32, "language": "en", "text": "The logo"}],
         "oauth2": {"issuer": "https://id.example.com/", "scope": "mail", "auth_url": "https://id.example.com/a",
                    "token_url": "https://id.example.com/t", "client_id": "client"},
         "consents": [{"language": "default", "text": "We set up your mail."}],
         "domains": ["example.com", "*.example.com",
                     {"name": "own.example", "ldapserver": 7,
                      "servers": ["sieve", {"type": "imap", "name": "own.example", "port": 143,
                                            "socket_type": "STARTTLS", "authentication": "password-encrypted"}]},
                     {"name": "alias.example", "alias_of": "far.example"},
                     {"name": "moved.example", "moved_to": "example.com", "redirect_url": "https://example.com/a",
                      "types_off": ["pop3", "caldav"]}]},
        {"name": "Second", "short_name": "Second", "servers": ["imap", "sieve"],
         "domains": [{"name": "far.example", "ldapserver": 9}, "xn--mller-kva.example"]},
    ],
}


def spelled_out(accounts):
    """The same content in one form: shared servers stand where they are used, lists without a meaning in their order
    are sorted."""
    accounts = copy.deepcopy(accounts)
    shared = {server["id"]: {key: value for key, value in server.items() if key != "id"}
              for server in accounts.get("servers", [])}

    def text(value):
        return json.dumps(value, sort_keys=True)

    def settle(owner):
        owner["servers"] = sorted((shared[server] if isinstance(server, str) else server
                                   for server in owner.get("servers", [])), key=text)

    used = {server for provider in accounts["providers"] for owner in [provider, *provider.get("domains", [])]
            if isinstance(owner, dict) for server in owner.get("servers", []) if isinstance(server, str)}
    for provider in accounts["providers"]:
        settle(provider)
        provider["domains"] = [{"name": domain} if isinstance(domain, str) else domain
                               for domain in provider.get("domains", [])]
        for domain in provider["domains"]:
            settle(domain)
        provider["domains"].sort(key=text)
    accounts["servers"] = sorted((server for key, server in shared.items() if key not in used), key=text)
    accounts.setdefault("ldapservers", [])
    return accounts


@pytest.fixture(scope="module", params=[sqlite, postgresql, mariadb], ids=["sqlite", "postgresql", "mariadb"])
def server(request):
    with request.param() as found:
        yield found


class Tool:
    def __init__(self, directory, uri):
        self.directory = directory
        self.config = directory / "automx2.conf"
        escaped = uri.replace("%", "%%")
        self.config.write_text(f"[automx2]\ndb_uri = {escaped}\n", encoding="utf-8")

    def command(self, *words):
        return [AUTOMXCTL, "--config", str(self.config), *words]

    def run(self, *words, code=0, stdin=None):
        result = subprocess.run(self.command(*words), input=stdin, capture_output=True, text=True, timeout=300)
        assert result.returncode == code, (result.returncode, result.stdout[:2000], result.stderr[:2000])
        return result

    def load(self, accounts, *words, code=0):
        return self.run("import", "-", *words, code=code, stdin=json.dumps(accounts))

    def export(self):
        return json.loads(self.run("export").stdout)


@pytest.fixture
def tool(server, request, tmp_path):
    database = re.sub(r"\W", "_", request.node.name.partition("[")[0])[-40:].lower()
    server.create(database)
    found = Tool(tmp_path, server.uri(database))
    found.database = database
    return found


def small(name="small.example", host="imap.small.example"):
    return {"version": 3, "providers": [{"name": "Small", "short_name": "Small", "servers": [
        {"type": "imap", "name": host, "port": 993, "socket_type": "SSL"}], "domains": [name]}]}


def test_what_is_imported_is_exported(tool):
    tool.load(ACCOUNTS)
    exported = tool.export()
    assert spelled_out(exported) == spelled_out(ACCOUNTS)
    assert list(exported) == ["version", "ldapservers", "servers", "providers"]


def test_the_example_comes_out_as_it_went_in(tool):
    with open(os.path.join(ROOT, "examples", "accounts.json"), encoding="utf-8") as file:
        tool.load(json.load(file))
    names = ["example.com", "example.net", "a.example.org", "alias.example", "small.example"]

    def documents():
        return [tool.run("render", f"joe@{name}", "--format", form).stdout
                for name in names for form in ("autoconfig", "autodiscover")]

    before, exported = documents(), tool.export()
    tool.load(exported, "--replace")
    assert documents() == before
    assert spelled_out(tool.export()) == spelled_out(exported)


def test_replace_leaves_nothing_of_the_old_content(tool):
    tool.load(ACCOUNTS)
    tool.load(small(), "--replace")
    assert spelled_out(tool.export()) == spelled_out(small())
    tool.load(ACCOUNTS, "--replace")
    assert spelled_out(tool.export()) == spelled_out(ACCOUNTS)


def test_replace_fills_an_empty_database(tool):
    tool.load(small(), "--replace")
    assert spelled_out(tool.export()) == spelled_out(small())


def test_replace_takes_the_older_formats(tool):
    tool.load(ACCOUNTS)
    tool.load({"provider": "Old", "domains": ["old.example"], "servers": [{"type": "imap", "name": "imap.old.example"}]},
              "--replace")
    assert [provider["domains"] for provider in tool.export()["providers"]] == [
        [{"name": "old.example", "servers": [{"type": "imap", "name": "imap.old.example", "port": 993,
                                              "socket_type": "SSL"}]}]]


def test_bad_json_changes_nothing(tool):
    tool.load(small())
    broken = copy.deepcopy(ACCOUNTS)
    broken["providers"][1]["domains"][0]["ldapserver"] = 8
    result = tool.load(broken, "--replace", code=1)
    assert "providers[1].domains[0].ldapserver" in result.stderr and "nothing was written" in result.stderr
    assert spelled_out(tool.export()) == spelled_out(small())


def records(name, text):
    return re.findall(rf'(old|new): (none|_ua-auto-config\.{re.escape(name)}\. IN TXT "v=UAAC1; a=sha256; d=\S+="\n)',
                      text)


def test_each_digest_that_changes_is_told(tool):
    tool.load(small())
    old = tool.run("pacc", "small.example").stdout.partition("record    ")[2]
    changed = small(host="mail.small.example")
    changed["providers"][0]["domains"].append("new.example")

    tried = tool.load(changed, "--replace", "--dry-run")
    assert "would change" in tried.stdout and "would be in" in tried.stdout
    assert tool.run("pacc", "small.example").stdout.partition("record    ")[2] == old

    done = tool.load(changed, "--replace")
    new = tool.run("pacc", "small.example").stdout.partition("record    ")[2]
    assert old != new
    for result in (tried, done):
        lines = result.stdout
        assert f"  old: {old}  new: {new}" in lines
        assert re.search(r"  old: none\n  new: _ua-auto-config\.new\.example\. ", lines)
        assert lines.count("  old: ") == 2

    gone = tool.load(small("other.example"), "--replace").stdout
    assert f"  old: {new}  new: none\n" in gone
    assert "  none\n" in tool.load(small("other.example"), "--replace").stdout


WRITES = {
    "postgresql": "SELECT COUNT(*) FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND granted",
    "mariadb": "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0",
}


def is_writing(server, database):
    if server.dialect == "sqlite":
        journal = server.path(database) + "-journal"
        return os.path.exists(journal) and os.path.getsize(journal) > 0
    if server.dialect == "mariadb":
        time.sleep(0.15)  # whoever looks more often than each 0.1 s is shown what was before
    return int(server.sql(WRITES[server.dialect], database)) > 0


def test_killed_in_the_middle_the_old_content_stays(tool, server, tmp_path):
    tool.load(ACCOUNTS)
    many = small()
    many["providers"][0]["domains"] = [
        {"name": f"d{i}.example", "servers": [{"type": "imap", "name": f"imap.d{i}.example"}]} for i in range(20000)]
    path = tmp_path / "many.json"
    path.write_text(json.dumps(many), encoding="utf-8")
    process = subprocess.Popen(tool.command("import", "--replace", str(path)), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    while not is_writing(server, tool.database):
        assert process.poll() is None, "it was done before it was seen to write"
    time.sleep(0.05)  # somewhere in the middle
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert spelled_out(tool.export()) == spelled_out(ACCOUNTS)
    assert "imap.example.com" in tool.run("render", "joe@example.com").stdout
    tool.load(small(), "--replace")
    assert spelled_out(tool.export()) == spelled_out(small())


# What follows is the same on every database.


@pytest.fixture
def single(tmp_path):
    found = Tool(tmp_path, f"sqlite:///{tmp_path}/a.sqlite")
    found.load(ACCOUNTS)
    return found


def test_passwords_leave_only_for_a_file_of_its_owner_or_with_a_note(single, tmp_path):
    printed = single.run("export")
    assert "passwords of LDAP servers are in this output" in printed.stderr
    path = tmp_path / "export.json"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    old_mask = os.umask(0)
    try:
        written = single.run("export", "--output", str(path))
    finally:
        os.umask(old_mask)
    assert written.stdout == written.stderr == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text(encoding="utf-8") == printed.stdout
    assert sorted(os.listdir(tmp_path)) == ["a.sqlite", "automx2.conf", "export.json"]

    single.load({**ACCOUNTS, "ldapservers": [{**ldap, "bind_password": "file:/run/secret"}
                                             for ldap in ACCOUNTS["ldapservers"]]}, "--replace")
    assert single.run("export").stderr == ""


def test_an_output_that_cannot_be_written_fails(single, tmp_path):
    for path in ("/dev/null", str(tmp_path), str(tmp_path / "no" / "file")):
        assert path in single.run("export", "--output", path, code=1).stderr
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_an_output_that_does_not_fit_leaves_the_old_one(single, tmp_path):
    """As on a disk that is full: here, no file of this process may grow past 64 KiB."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))

    single.load({"version": 3, "providers": [{"name": "x", "domains": [f"d{i}.{'x' * 40}.example" for i in range(1500)]}]},
                "--replace")
    path = tmp_path / "export.json"
    path.write_text("old", encoding="utf-8")
    done = subprocess.run(single.command("export", "--output", str(path)), preexec_fn=limit, capture_output=True, text=True)
    assert done.returncode == 1 and f"{path} cannot be written: File too large" in done.stderr, done
    assert path.read_text(encoding="utf-8") == "old"
    assert sorted(os.listdir(tmp_path)) == ["a.sqlite", "automx2.conf", "export.json"]
    single.run("export", "--output", str(path))
    assert len(json.loads(path.read_text(encoding="utf-8"))["providers"][0]["domains"]) == 1500


def test_a_file_that_cannot_be_read_is_told(single, tmp_path):
    for path, reason in ((tmp_path / "absent", "No such file"), (tmp_path, "Is a directory")):
        error = single.run("import", str(path), code=1).stderr
        assert f"{path} cannot be read: {reason}" in error


def test_rows_that_cannot_be_right_are_left_out_and_told(single, tmp_path):
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.executescript("""
            INSERT INTO server(id, name, port, type, socket_type, user_name, authentication) VALUES
                (900, 'x.example.com', 993, 'nonsense', 'SSL', 'x', 'plain');
            INSERT INTO server_domain VALUES (900, (SELECT id FROM domain WHERE name = 'example.com'));
            INSERT INTO domain(id, name, provider_id) VALUES (901, 'a b', 1), (902, 'lost.example', 99),
                (903, 'OWN.example', 1), (904, 'Twice.example', 1), (905, 'twice.example', 1);
            INSERT INTO domain(id, name, provider_id, alias_of, types_off, redirect_url) VALUES
                (906, 'circle1.example', 1, 907, 'nonsense', 'http://x'), (907, 'circle2.example', 1, 906, '', '');
            INSERT INTO server_domain SELECT server_id, (SELECT id FROM domain WHERE name = 'alias.example')
                FROM server_domain WHERE domain_id = (SELECT id FROM domain WHERE name = 'own.example');
            """)
    result = single.run("export", code=1)
    for message in ("server 900 is left out: type 'nonsense'", "domain 901 is left out", "domain 902 is left out",
                    "domain 903 is left out: another row means own.example",
                    "domain 904 is left out: another row means twice.example", "domain 906: types_off",
                    "domain 906: redirect_url", "domain 906: alias_of is left out", "domain 907: alias_of is left out",
                    "its servers are left out"):
        assert message in result.stderr
    expected = copy.deepcopy(ACCOUNTS)
    expected["providers"][0]["domains"] += ["twice.example", "circle1.example", "circle2.example"]
    assert spelled_out(json.loads(result.stdout)) == spelled_out(expected)


def test_what_no_file_can_hold_is_refused(single, tmp_path):
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("INSERT INTO provider(name, short_name) VALUES ('Second', 'x')")
    assert "are both called 'Second'" in single.run("export", code=1).stderr
    with sqlite3.connect(tmp_path / "a.sqlite") as connection:
        connection.execute("DELETE FROM provider WHERE short_name = 'x'")
        connection.execute("UPDATE server SET user_name = ? WHERE name = 'own.example'", ["x" * 65])
    result = single.run("export", code=1)
    assert "import would not take" in result.stderr and "user_name" in result.stderr and result.stdout == ""


def test_an_empty_database_has_nothing_to_export(tmp_path):
    assert "nothing to export" in Tool(tmp_path, f"sqlite:///{tmp_path}/b.sqlite").run("export", code=1).stderr


def test_an_automx2_database_is_exported_as_it_is_served(tmp_path):
    from support import automx2_schema

    with sqlite3.connect(tmp_path / "c.sqlite") as connection:
        connection.executescript(automx2_schema.tables("sqlite") + automx2_schema.rows("sqlite"))
    old = Tool(tmp_path, f"sqlite:///{tmp_path}/c.sqlite")
    exported = old.run("export", code=1).stdout  # there are odd rows
    documents = [old.run("render", f"joe@{name}").stdout for name in ("example.com", "mixed.example.net")]
    (tmp_path / "new").mkdir()
    new = Tool(tmp_path / "new", f"sqlite:///{tmp_path}/new/d.sqlite")
    new.run("import", "-", stdin=exported)
    assert [new.run("render", f"joe@{name}").stdout for name in ("example.com", "mixed.example.net")] == documents
