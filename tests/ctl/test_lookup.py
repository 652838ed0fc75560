"""automxctl lookup: which rule, database, query and directory gave what, in how many ms; never a password."""

import json
import re
import subprocess

import pytest

from support.daemon import AUTOMXCTL, run_sql
from support.databases import Slapd, postgresql, slapd

LDIF = f"""dn: cn=Jane Doe,{Slapd.base}
objectClass: inetOrgPerson
cn: Jane Doe
sn: x
uid: u123
mail: jane@example.com

dn: cn=Twice 1,{Slapd.base}
objectClass: inetOrgPerson
cn: Twice 1
sn: x
mail: twice@example.com

dn: cn=Twice 2,{Slapd.base}
objectClass: inetOrgPerson
cn: Twice 2
sn: x
mail: twice@example.com

"""
MS = r"  \[\d+ ms\]$"
SECRETS = (Slapd.password + "-no", "p@ss", "p%40ss", "bind-s3cret")


@pytest.fixture(scope="module")
def directory():
    with slapd(ldif=LDIF, tls=True) as running:
        yield running


class Tool:
    def __init__(self, folder, directory, ldap=None, **settings):
        row = {"id": 7, "name": "127.0.0.1", "port": directory.port, "use_ssl": False, "search_base": Slapd.base,
               "bind_user": Slapd.admin, "bind_password": Slapd.password, **(ldap or {})}
        accounts = {"version": 3, "ldapservers": [row], "providers": [{
            "name": "Example Inc.", "short_name": "Ex", "servers": [{"type": "imap", "name": "imap.example.com"},
                                                                    {"type": "caldav", "url": "https://dav.example.com/"}],
            "domains": [{"name": "example.com", "ldapserver": 7}, "*.example.net"]}]}
        self.accounts = folder / "accounts.json"
        self.accounts.write_text(json.dumps(accounts))
        self.config = folder / "automxd.conf"
        lines = {"accounts": self.accounts, **settings}
        self.config.write_text("[automx2]\n" + "".join(f"{key} = {str(value).replace('%', '%%')}\n"
                                                       for key, value in lines.items()))

    def lookup(self, address, code=0):
        result = subprocess.run([AUTOMXCTL, "--config", self.config, "lookup", address], capture_output=True, text=True,
                                timeout=60)
        assert result.returncode == code, result
        assert not any(secret in result.stdout + result.stderr for secret in SECRETS)
        return result.stdout


def has(steps, pattern):
    assert re.search(pattern, steps, re.M), (pattern, steps)


def test_directory(directory, tmp_path):
    tool = Tool(tmp_path, directory)
    steps = tool.lookup("jane@example.com")
    has(steps, f"^settings +{tool.config}$")
    has(steps, f"^database +{tool.accounts}{MS}")
    has(steps, f"^address +jane@example\\.com{MS}")
    has(steps, r"^rule +row 'example\.com'")
    has(steps, r"^provider +Example Inc\. \(Ex, id \d+\)$")
    has(steps, rf"^ldap +ldap://127\.0\.0\.1 port {directory.port}, base {Slapd.base}, filter \(mail=\{{0\}}\) "
               r"\(ldapserver 7\)$")
    has(steps, f"^ +login u123, full name Jane Doe{MS}")
    has(steps, r"^imap +imap\.example\.com:993 SSL, user u123, ")
    has(steps, r"^caldav +https://dav\.example\.com/, user u123, ")
    for address in ("nobody@example.com", "twice@example.com"):
        steps = tool.lookup(address)
        has(steps, f"^ +nobody, or more than one.*{MS}")
        has(steps, f"^imap .* user {address}, ")
    assert "ldap" not in tool.lookup("example.com")
    steps = tool.lookup("x@y.example.net")
    has(steps, r"^rule +row '\*\.example\.net' .* which answers for y\.example\.net$")
    has(steps, "^user +no LDAP server and no user_query")


@pytest.mark.parametrize("ldap, shown, reason", [
    ({"bind_password": "bind-s3cret"}, r"ldap://127\.0\.0\.1 port \d+, ", "Invalid credentials"),
    ({"port": 1}, r"ldap://127\.0\.0\.1 port 1, ", "Can't contact LDAP server"),
    ({"starttls": True}, r"ldap://127\.0\.0\.1 port \d+ with StartTLS, ", "certificate"),
    ({"name": "ldap://127.0.0.1:1"}, r"ldap://127\.0\.0\.1:1, ", "Can't contact LDAP server"),
    ({"name": "127.0.0.1:1 127.0.0.1:2"}, r"ldap://127\.0\.0\.1:1 127\.0\.0\.1:2 port \d+, ", "Can't contact LDAP server"),
    ({"bind_password": "file:/nowhere"}, "ldap://.*", "cannot open /nowhere"),
])
def test_directory_that_fails(directory, tmp_path, ldap, shown, reason):
    steps = Tool(tmp_path, directory, ldap).lookup("jane@example.com", code=1)
    has(steps, rf"^ldap +{shown}base")
    has(steps, rf"^ +failed: ldapserver 7: .*{reason}.*{MS}")
    has(steps, r"^imap .* user jane@example\.com, ")


def test_directory_that_hangs_ends_in_time(directory, tmp_path):
    tool = Tool(tmp_path, directory, lookup_timeout="700ms")
    directory.freeze()
    try:
        steps = tool.lookup("jane@example.com", code=1)
    finally:
        directory.thaw()
    waited = int(re.search(r"failed: .*\[(\d+) ms\]$", steps, re.M)[1])
    assert 600 <= waited < 1700


def test_directory_and_query(directory, tmp_path):
    users = tmp_path / "users.sqlite"
    run_sql(users, "CREATE TABLE users (address TEXT, uid TEXT, home TEXT);"
                   "INSERT INTO users VALUES ('jane@example.com', 'other', 'imap3')")
    query = "SELECT uid AS login, home FROM users WHERE address = :address"
    steps = Tool(tmp_path, directory, user_db_uri=f"sqlite:///{users}", user_query=query).lookup("jane@example.com")
    has(steps, f"^user_query +{re.escape(query)}$")
    has(steps, f"^ +login other, full name not given, home = imap3{MS}")
    has(steps, f"^ +login u123, full name Jane Doe{MS}")
    has(steps, "^imap .* user u123, ")


def test_database_is_named_without_its_password(directory, tmp_path):
    with postgresql() as server:
        server.sql("CREATE TABLE users (address TEXT, uid TEXT)")
        tool = Tool(tmp_path, directory, user_db_uri=server.uri(),
                    user_query="SELECT uid AS login FROM users WHERE address = :address")
        has(tool.lookup("jane@example.com"), rf"^user_query .*\n +asks postgresql://\S*@127\.0\.0\.1:{server.port}/postgres$")
        server.stop()
        steps = tool.lookup("jane@example.com", code=1)
        has(steps, f"^ +failed: user_query: .*{MS}")
        has(steps, r"^imap .* user jane@example\.com, ")
