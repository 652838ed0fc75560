"""The daemon serves all that it serves without: in its own sandbox, and under the system calls of the systemd unit."""

import glob
import json
import os
import signal
import sqlite3
import sys

import pytest
from support.certificates import Authority
from support.daemon import RELEASE_BUILD, ROOT, Daemon, request
from support.databases import Slapd, mariadb, postgresql, slapd
from support.documents import Site, eventually

SERVERS = [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com"}]
SEED = {"provider": "Example Inc.", "domains": ["example.com"], "servers": SERVERS}
ACCOUNTS = {"version": 3, "providers": [{"name": "Example Inc.", "servers": SERVERS, "domains": ["example.com"]}]}
MANY = 5000
# More than SQLite keeps in memory: it goes to a file of its own.
LARGE_QUERY = ("WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 40000) "
               "SELECT uid AS login FROM mailbox WHERE address = :address "
               "AND (SELECT count(DISTINCT hex(randomblob(100))) FROM number) > 0")


@pytest.fixture(params=["sandbox", "unit"])
def confined(request):
    """Options for Daemon. The unit is for what is installed: sanitizers make calls of their own."""
    if request.param == "sandbox":
        return {}
    return {"program": os.path.join(RELEASE_BUILD, "automxd"),
            "wrap": [sys.executable, os.path.join(ROOT, "tests/support/unit.py"),
                     os.path.join(RELEASE_BUILD, "contrib/automxd.service")]}


def reloaded(daemon):
    before = daemon.stderr().count("again")
    daemon.signal(signal.SIGHUP)
    return eventually(lambda: daemon.stderr().count("again") > before)


def has_login(daemon, login, address="jane@example.com"):
    return daemon.autoconfig(address).text.count(f"<username>{login}</username>") == 2


def test_sqlite_and_a_unix_socket(confined, tmp_path):
    people = tmp_path / "people.sqlite"
    path = tmp_path / "automxd.sock"
    with sqlite3.connect(people) as connection:
        connection.executescript("CREATE TABLE mailbox (address TEXT, uid TEXT);"
                                 "INSERT INTO mailbox VALUES ('jane@example.com', 'u123');")
    settings = {"sandbox": "yes", "cache_ttl": "0", "user_cache_ttl": "0", "user_db_uri": f"sqlite:///{people}",
                "user_query": LARGE_QUERY, "lookup_timeout": "20s"}
    many = dict(SEED, domains=[f"example{i}.com" for i in range(MANY)] + ["example.com"])
    with Daemon({**settings, "listen": f"unix:{path}"}, listening=True, **confined) as daemon:
        assert request(str(path), "GET", "/initdb/").status == 200
        os.chmod(daemon.database, 0o660)  # which the journal gets, too
        assert request(str(path), "DELETE", "/initdb/").status == 200
        assert request(str(path), "POST", "/initdb/", body=json.dumps(many)).status == 200
        assert request(str(path), "GET", "/readyz").status == 200
        answer = request(str(path), "GET", "/mail/config-v1.1.xml?emailaddress=jane@example.com")
        assert answer.text.count("<username>u123</username>") == 2
        # Another program's write-ahead log is another two files.
        with sqlite3.connect(daemon.database) as connection:
            connection.executescript("PRAGMA journal_mode = WAL; UPDATE provider SET name = 'Renamed'")
            answer = request(str(path), "GET", "/mail/config-v1.1.xml?emailaddress=jane@example.com")
            assert "Renamed" in answer.text
        assert reloaded(daemon)
        assert request(str(path), "DELETE", "/initdb/").status == 200
    assert not path.exists(), "removed at the end"


@pytest.fixture(scope="module", params=[postgresql, mariadb], ids=["postgresql", "mariadb"])
def server(request):
    with request.param(tls=True) as running:
        yield running


def test_database_servers_by_name_with_tls_and_by_socket(confined, server):
    ca = server.certificates.ca
    tls = f"?ssl_ca={ca}" if server.dialect == "mariadb" else f"?sslmode=verify-full&sslrootcert={ca}"
    name = "confined" + ("unit" if confined else "")
    server.create(name)
    for uri in (server.uri(name, tls).replace("127.0.0.1", "localhost"), server.socket_uri(name)):
        with Daemon({"sandbox": "yes", "db_uri": uri, "cache_ttl": "0", "lookup_timeout": "20s"}, seed=SEED, **confined) as daemon:
            assert daemon.autoconfig("joe@example.com").status == 200
            assert daemon.get("/readyz").status == 200
            server.sql("UPDATE provider SET name = 'Renamed'", name)
            assert "Renamed" in daemon.autoconfig("joe@example.com").text
            assert reloaded(daemon)
            assert daemon.autoconfig("joe@example.com").status == 200
            assert daemon.request("DELETE", "/initdb/").status == 200


@pytest.fixture(scope="module")
def directory():
    person = f"dn: cn=Jane,{Slapd.base}\nobjectClass: inetOrgPerson\nsn: x\nuid: u123\nmail: jane@example.com\n"
    with slapd(ldif=person, tls=True) as running:
        yield running


def directory_accounts(directory):
    row = {"id": 1, "name": "127.0.0.1", "port": directory.tls_port, "use_ssl": True, "search_base": directory.base,
           "search_filter": "(mail={0})", "bind_user": directory.admin, "bind_password": directory.password, "verify": True,
           "ca_file": directory.certificates.ca}
    return {"version": 3, "ldapservers": [row], "providers": [
        {"name": "Example Inc.", "servers": SERVERS, "domains": [{"name": "example.com", "ldapserver": 1}]}]}


def test_directory_with_the_authority_that_sandbox_read_names(confined, directory):
    config = {"sandbox": "yes", "sandbox_read": f"{directory.certificates.ca}, /var", "user_cache_ttl": "0"}
    with Site(directory_accounts(directory), config, **confined) as daemon:
        assert has_login(daemon, "u123")
        assert reloaded(daemon)
        assert has_login(daemon, "u123")


def test_directory_with_an_authority_out_of_reach(directory):
    with Site(directory_accounts(directory), {"sandbox": "yes"}, allow=["ldapserver 1|user look-up"]) as daemon:
        assert has_login(daemon, "%EMAILADDRESS%"), "the general answer"
        assert f"is {directory.certificates.ca} a readable file of certificates?" in daemon.stderr()


def test_accounts_and_certificates_are_renewed(confined, tmp_path):
    authority = Authority(str(tmp_path))
    old, new = authority.issue("old"), authority.issue("new")
    settings = {"sandbox": "yes", "profile_certificate": old[0], "profile_key": old[1], "profile_chain": authority.chain}

    def signed(daemon):
        answer = daemon.get("/mobileconfig?emailaddress=joe@example.com", host="autoconfig.example.com")
        assert authority.verify(answer.body, str(tmp_path)) is not None
        return answer.body

    with Site(ACCOUNTS, settings, **confined) as daemon:
        before = signed(daemon)
        assert signed(daemon) == before
        # As programs that edit and renew do: another file takes the name.
        for source, target in zip(new, old):
            os.replace(source, target)
        accounts = json.dumps(ACCOUNTS).replace("Example Inc.", "Renamed")
        with open(daemon.accounts_path + ".new", "w", encoding="utf-8") as file:
            file.write(accounts)
        os.replace(daemon.accounts_path + ".new", daemon.accounts_path)
        assert reloaded(daemon)
        assert "Renamed" in daemon.autoconfig("joe@example.com").text
        assert signed(daemon) != before


def status_lines(daemon):
    """Of each thread, without the blanks."""
    for path in glob.glob(f"/proc/{daemon.process.pid}/task/*/status"):
        with open(path, encoding="utf-8") as file:
            yield dict(line.replace("\t", "").rstrip("\n").split(":", 1) for line in file if ":" in line)


def test_every_thread_has_given_up_what_it_does_not_need():
    with Daemon({"sandbox": "yes"}, seed=SEED) as daemon:
        threads = list(status_lines(daemon))
        assert len(threads) > 3
        for status in threads:
            assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
            assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}, status
            if os.geteuid() == 0:
                assert status["CapBnd"] == "0" * 16, status
    with Daemon(seed=SEED) as daemon:
        assert {status["Seccomp"] for status in status_lines(daemon)} == {"0"}, "nobody asked for it"


OLD_KERNEL = """
import errno, os, sys
sys.path.insert(0, sys.argv[1])
from support.unit import ALLOW, Filter, refuse
calls = Filter(ALLOW)
calls.add(refuse(errno.ENOSYS), "landlock_create_ruleset")
calls.load()
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_kernel_without_landlock_is_told_and_the_rest_holds():
    wrap = [sys.executable, "-c", OLD_KERNEL, os.path.join(ROOT, "tests")]
    with Daemon({"sandbox": "yes"}, seed=SEED, wrap=wrap, allow=["sandbox: this kernel has no landlock"]) as daemon:
        assert daemon.stderr().count("this kernel has no landlock (Function not implemented)") == 1
        assert daemon.autoconfig("joe@example.com").status == 200
        for status in status_lines(daemon):
            assert status["Seccomp_filters"] == "2" and status["CapPrm"] == "0" * 16, status


@pytest.mark.parametrize("way", ["database", "accounts", "sandbox_read"])
def test_reload_says_what_is_out_of_reach_and_keeps_the_old(tmp_path, way):
    (tmp_path / "accounts.json").write_text(json.dumps(ACCOUNTS))
    changed = {"database": {"db_uri": f"sqlite:///{tmp_path}/db.sqlite"}, "sandbox_read": {"sandbox_read": tmp_path},
               "accounts": {"db_uri": None, "accounts": tmp_path / "accounts.json"}}[way]
    with Daemon({"sandbox": "yes"}, seed=SEED, allow=["the old configuration stays"]) as daemon:
        daemon.write_config({"sandbox": "yes", **changed})
        daemon.signal(signal.SIGHUP)
        assert eventually(lambda: "the old configuration stays" in daemon.stderr())
        assert f"closed {tmp_path} off at the start; restart automxd" in daemon.stderr()
        assert daemon.autoconfig("joe@example.com").status == 200
        assert not (tmp_path / "db.sqlite").exists()
        # And then it works.
        daemon.stop()
        daemon.seed = None
        daemon.start()
        assert daemon.get("/readyz").status == 200


def test_a_change_of_the_setting_needs_a_restart():
    with Daemon({"sandbox": "yes"}, seed=SEED, allow=["'sandbox' has changed"]) as daemon:
        daemon.write_config({"sandbox": "no"})
        daemon.signal(signal.SIGHUP)
        assert eventually(lambda: "'sandbox' has changed" in daemon.stderr())


def test_a_path_that_does_not_exist_is_told():
    with Daemon({"sandbox": "yes", "sandbox_read": "/nowhere/at/all"}, allow=["sandbox_read: /nowhere/at/all"]) as daemon:
        assert "sandbox_read: /nowhere/at/all: No such file" in daemon.stderr()
