"""automxctl from outside: its commands, what it prints, and its exit codes."""

import base64
import hashlib
import json
import os
import plistlib
import re
import sqlite3
import subprocess

import pytest

from support import automx2_schema
from support.daemon import AUTOMXCTL

ACCOUNTS = {
    "version": 3,
    "providers": [{"name": "Example Inc.", "servers": [
        {"type": "imap", "name": "imap.%EMAILDOMAIN%"},
        {"type": "smtp", "name": "smtp.%EMAILDOMAIN%"},
        {"type": "caldav", "url": "https://dav.example.com/cal/"},
    ]}],
    "domains": ["example.com", "*.example.net"],
}
RECORD = re.compile(r'_ua-auto-config\.example\.com\. IN TXT "v=UAAC1; a=sha256; d=([A-Za-z0-9+/]{43}=)"')


class Tool:
    """A configuration with an SQLite database that is not there yet."""

    def __init__(self, directory):
        self.directory = directory
        self.database = directory / "accounts.sqlite"
        self.configure({"db_uri": f"sqlite:///{self.database}"})

    def configure(self, settings):
        lines = [f"{key} = {value}" for key, value in settings.items()]
        (self.directory / "automx2.conf").write_text("\n".join(["[automx2]", *lines, ""]))

    def write(self, name, content):
        path = self.directory / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return str(path)

    def run(self, *words, code=0, text=True, stdin=None):
        result = subprocess.run([AUTOMXCTL, "--config", str(self.directory / "automx2.conf"), *words],
                                input=stdin, capture_output=True, text=text, timeout=60)
        assert result.returncode == code, (result.returncode, result.stdout, result.stderr)
        return result

    def sql(self, script):
        with sqlite3.connect(self.database) as connection:
            return connection.executescript(script)


@pytest.fixture
def tool(tmp_path):
    return Tool(tmp_path)


@pytest.fixture
def filled(tool):
    tool.run("import", tool.write("accounts.json", ACCOUNTS))
    return tool


@pytest.mark.parametrize("words, message", [
    ([], "which command"),
    (["rendr"], "did you mean 'render'?"),
    (["frobnicate"], "see 'automxctl --help'"),
    (["--confg", "x"], "did you mean '--config'?"),
    (["render"], "needs an address or a domain"),
    (["render", "a@example.com", "--format", "mobilconfig"], "did you mean 'mobileconfig'?"),
    (["render", "a@example.com", "--format", "zzz"], "there are: autoconfig, autodiscover,"),
    (["render", "a@example.com", "b@example.com"], "'b@example.com' is a second one"),
    (["render", "example.com", "--format", "qr"], "needs an address"),
    (["pacc", "example.com", "example.net"], "does not know what to do with 'example.net'"),
    (["pacc", "exa mple.com"], "domain name"),
    (["render", "a@@example.com"], "e-mail address"),
])
def test_wrong_usage_is_told(filled, words, message):
    result = filled.run(*words, code=2)
    assert result.stderr.startswith("automxctl: ") and result.stderr.count("\n") == 1
    assert message in result.stderr
    assert result.stdout == ""


def test_help_and_version(tool):
    assert re.fullmatch(r"automxctl \d+\.\d+\.\d+\n", tool.run("--version").stdout)
    commands = re.findall(r"^  (\w+) ", tool.run("--help").stdout, re.M)
    assert commands == ["export", "import", "lookup", "pacc", "render", "upgrade"]
    for command in commands:
        assert f"automxctl [--config FILE] {command}" in tool.run(command, "--help").stdout


def test_a_wrong_configuration_is_told_with_its_place(tool):
    tool.configure({"db_url": "x"})
    result = tool.run("lookup", "example.com", code=2)
    assert "automx2.conf:2: " in result.stderr and "did you mean 'db_uri'?" in result.stderr


def test_import_fills_an_empty_database_once(tool):
    accounts = tool.write("accounts.json", ACCOUNTS)
    first = tool.run("import", accounts)
    assert "2 domains imported" in first.stdout
    assert "old: none" in first.stdout and RECORD.search(first.stdout)
    again = tool.run("import", accounts, code=1)
    assert "nothing was written" in again.stderr and again.stdout == ""


def test_import_reads_the_standard_input(tool):
    assert "2 domains imported" in tool.run("import", "-", stdin=json.dumps(ACCOUNTS)).stdout


@pytest.mark.parametrize("content, message", [
    ('{"version": 3,\n "providers": [{"name": 7}]}', "line 2: providers[0].name"),
    ("{", "line 1"),
    ("", "is empty"),
])
def test_a_broken_file_writes_nothing(tool, content, message):
    result = tool.run("import", tool.write("broken.json", content), code=1)
    assert "broken.json" in result.stderr and message in result.stderr
    with sqlite3.connect(tool.database) as connection:
        assert connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone() == (0,)


def test_nothing_is_written_to_a_database_that_ends_with_the_program(tool):
    accounts = tool.write("accounts.json", ACCOUNTS)
    for settings in ({}, {"db_uri": "sqlite:///:memory:"}, {"accounts": accounts}):
        tool.configure(settings)
        for words in (["import", accounts], ["upgrade"]):
            assert "db_uri" in (error := tool.run(*words, code=2).stderr) or "SIGHUP" in error


def test_pacc_prints_the_digest_of_what_is_served(filled):
    document = filled.run("render", "Example.COM", "--format", "pacc", text=False).stdout
    digest = base64.b64encode(hashlib.sha256(document).digest()).decode()
    printed = filled.run("pacc", "example.com").stdout
    assert f"digest    {digest}\n" in printed and f"({len(document)} bytes)" in printed
    assert RECORD.search(printed)[1] == digest
    assert json.loads(document)["protocols"]["imap"] == {"host": "imap.example.com"}


def test_what_is_not_there_fails(filled):
    for words in (["pacc", "example.org"], ["render", "a@example.org"], ["lookup", "example.org"]):
        result = filled.run(*words, code=1)
        assert "the domain example.org is not served" in result.stderr
    filled.sql("DELETE FROM server WHERE type = 'smtp'")
    result = filled.run("render", "a@example.com", "--format", "mobileconfig", code=1)
    assert "has no outgoing mail server" in result.stderr and result.stdout == ""


def test_render_knows_every_format(filled):
    assert "<hostname>imap.example.com</hostname>" in filled.run("render", "joe@example.com").stdout
    assert "<Type>IMAP</Type>" in filled.run("render", "joe@example.com", "--format", "autodiscover").stdout
    url = "https://config.example.com"
    answer = json.loads(filled.run("render", "joe@example.com", "--format", "autodiscover2", "--base-url", url).stdout)
    assert answer["Protocol"] == "AutodiscoverV1" and answer["Url"].startswith(url)
    code = json.loads(filled.run("render", "joe@example.com", "ann@mail.example.net", "--format", "qr").stdout)
    assert [part[1] for part in code[2::2]] == ["imap.example.com", "imap.mail.example.net"]
    profile = plistlib.loads(filled.run("render", "joe@example.com", "ann@mail.example.net", "--name", "Jo",
                                        "--format", "mobileconfig", text=False).stdout)
    mails = [part for part in profile["PayloadContent"] if part["PayloadType"] == "com.apple.mail.managed"]
    assert [mail["EmailAddress"] for mail in mails] == ["joe@example.com", "ann@mail.example.net"]
    assert [mail["EmailAccountName"] for mail in mails] == ["Jo", "Jo"]


def test_profiles_are_signed_and_verify(filled, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "30", "-subj", "/CN=example.com"],
                   check=True, capture_output=True)
    key.chmod(0o600)
    filled.configure({"db_uri": f"sqlite:///{filled.database}"})
    plain = filled.run("render", "joe@example.com", "--format", "mobileconfig", text=False).stdout
    filled.configure({"db_uri": f"sqlite:///{filled.database}", "profile_certificate": certificate,
                      "profile_key": key})
    signed = bytearray(filled.run("render", "joe@example.com", "--format", "mobileconfig", text=False).stdout)

    def verify(data):
        return subprocess.run(["openssl", "cms", "-verify", "-inform", "DER", "-CAfile", certificate, "-purpose",
                               "any"], input=bytes(data), capture_output=True)

    result = verify(signed)
    assert result.returncode == 0, result.stderr
    assert result.stdout == plain
    signed[signed.index(b"joe@example.com")] ^= 1
    assert verify(signed).returncode != 0
    key.chmod(0o644)
    assert "chmod" in filled.run("render", "joe@example.com", "--format", "mobileconfig", code=2).stderr


def test_lookup_shows_each_step(filled):
    filled.sql("CREATE TABLE mailbox (address TEXT, login TEXT, name TEXT);"
               "INSERT INTO mailbox VALUES ('joe@example.com', 'u0007', 'Joe Doe')")
    query = "SELECT login, name FROM mailbox WHERE address = :address"
    settings = {"db_uri": f"sqlite:///{filled.database}", "user_query": query}
    filled.configure(settings)
    steps = filled.run("lookup", "joe@example.com").stdout
    assert f"sqlite:///{filled.database}" in steps and "row 'example.com'" in steps and query in steps
    assert re.search(r"login u0007, full name Joe Doe  \[\d+ ms\]", steps)
    assert re.search(r"^imap +imap\.example\.com:993 SSL, user u0007, password-cleartext \(server \d+", steps, re.M)
    assert re.search(r"nobody.*\[\d+ ms\]", filled.run("lookup", "ann@example.com").stdout)
    assert "row '*.example.net'" in filled.run("lookup", "mail.example.net").stdout

    filled.configure({**settings, "unknown_users": "refuse"})
    assert "nobody has the address" in filled.run("lookup", "ann@example.com", code=1).stderr
    filled.configure({**settings, "publish_names": "no"})
    assert "kept back" in filled.run("lookup", "joe@example.com").stdout
    assert "Joe Doe" not in filled.run("render", "joe@example.com", "--format", "autodiscover").stdout
    filled.sql("DROP TABLE mailbox")
    broken = filled.run("lookup", "joe@example.com", code=1)
    assert re.search(r"failed: user_query.*mailbox", broken.stdout) and broken.stderr == ""
    assert "user joe@example.com" in broken.stdout


def test_lookup_tells_where_a_domain_went(tool):
    domains = [{"name": "old.example", "moved_to": "new.example"},
               {"name": "away.example", "redirect_url": "https://autodiscover.example.net/autodiscover.xml"}]
    tool.run("import", tool.write("accounts.json", {**ACCOUNTS, "domains": domains}))
    assert re.search("^moved +addresses moved to new.example$", tool.run("lookup", "old.example").stdout, re.M)
    steps = tool.run("lookup", "joe@away.example").stdout
    assert re.search("^redirect +Autodiscover clients are sent to https://autodiscover.example.net/", steps, re.M)


def test_render_answers_generally_while_the_look_up_fails(tool):
    """As the daemon does; the administrator is told."""
    tool.run("import", tool.write("accounts.json", {
        **ACCOUNTS, "ldapservers": [{"id": 1, "name": "127.0.0.1", "port": 1, "search_base": "dc=example"}],
        "domains": [{"name": "example.com", "ldapserver": 1}]}))
    failing = tool.run("render", "joe@example.com")
    assert re.fullmatch("automxctl: .*the user look-up failed, so this is the general answer: .*LDAP server.*\n", failing.stderr)
    tool.sql("UPDATE domain SET ldapserver_id = NULL")
    general = tool.run("render", "joe@example.com")
    assert (general.stdout, general.stderr) == (failing.stdout, "")


def test_a_document_leaves_the_prompt_on_a_line_of_its_own(filled):
    """On a terminal; elsewhere the bytes are those that are sent."""
    plain = filled.run("render", "example.com", "--format", "pacc", text=False).stdout
    assert not plain.endswith(b"\n")
    master, slave = os.openpty()
    try:
        result = subprocess.run([AUTOMXCTL, "--config", str(filled.directory / "automx2.conf"), "render", "example.com",
                                 "--format", "pacc"], stdout=slave, stderr=subprocess.PIPE)
        shown = os.read(master, 65536)
    finally:
        os.close(slave)
        os.close(master)
    assert result.returncode == 0
    assert shown.replace(b"\r\n", b"\n") == plain + b"\n"


def test_upgrade_says_what_it_does(tool):
    tool.sql(automx2_schema.tables("sqlite") + automx2_schema.rows("sqlite"))
    first = tool.run("upgrade")
    assert "add column" in first.stdout and "are up to date now" in first.stdout
    assert tool.run("upgrade").stdout.endswith("nothing was changed.\n")
    assert "imap1.example.com" in tool.run("render", "joe@example.com").stdout


def test_output_that_cannot_be_written_is_no_success(filled):
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([AUTOMXCTL, "--config", str(filled.directory / "automx2.conf"), "pacc", "example.com"],
                                stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "could not be written" in result.stderr
