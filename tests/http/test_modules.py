"""Modules: what is not used is not in memory, and what is missing is said."""

import os
import re
import shutil
import subprocess

import pytest

from support.certificates import Authority
from support.daemon import AUTOMXCTL, AUTOMXD, BUILD, RELEASE_BUILD, Daemon, free_port
from support.databases import mariadb, postgresql, sqlite
from support.documents import eventually

# Each is the client library of something that a site may never use.
LIBRARIES = {"libpq", "libmariadb", "libldap", "libcrypto"}
SERVERS = [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com"}]
SEED = {"provider": "Example Inc.", "domains": ["example.com"], "servers": SERVERS}
IDLE_KIB = 10 * 1024


def directory_seed():
    """A directory that nobody serves: asking it fails, but not before libldap is there."""
    row = {"id": 1, "name": "127.0.0.1", "port": free_port(), "use_ssl": False, "search_base": "dc=example,dc=com",
           "search_filter": "(mail={0})"}
    return {"version": 3, "ldapservers": [row],
            "providers": [{"name": "Example Inc.", "servers": SERVERS,
                           "domains": [{"name": "example.com", "ldapserver": 1}]}]}


def mapped(daemon):
    with open(f"/proc/{daemon.process.pid}/maps", encoding="utf-8") as maps:
        return LIBRARIES & set(re.findall(r"/(lib[a-z]+)[-.][^/]*$", maps.read(), re.MULTILINE))


@pytest.mark.parametrize("database, loaded", [(sqlite, set()), (mariadb, {"libmariadb", "libcrypto"}),
                                              (postgresql, {"libpq", "libcrypto", "libldap"})],  # libpq needs them
                         ids=["sqlite", "mariadb", "postgresql"])
def test_a_database_loads_its_own_library_alone(database, loaded):
    with database() as server:
        server.create("modules")
        with Daemon({"db_uri": server.uri("modules"), "lookup_timeout": "30s"}, seed=SEED) as daemon:
            assert daemon.autoconfig("joe@example.com").status == 200
            assert daemon.get("/", host="autoconfig.example.com").status == 200  # hashes its style
            assert daemon.get("/mobileconfig?emailaddress=joe@example.com").status == 200  # hashes its identifiers
            assert mapped(daemon) == loaded


def test_idle_memory_is_small():
    with Daemon(seed=SEED, program=os.path.join(RELEASE_BUILD, "automxd")) as daemon:
        assert daemon.autoconfig("joe@example.com").status == 200
        with open(f"/proc/{daemon.process.pid}/status", encoding="utf-8") as status:
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status.read())[1])
        assert resident < IDLE_KIB, f"{resident} KiB"


def test_ldap_is_loaded_by_the_first_question_of_a_person():
    with Daemon(seed=directory_seed(), allow=["ldapserver 1", "user look-ups"]) as daemon:
        assert daemon.autoconfig(host="autoconfig.example.com").status == 200
        assert mapped(daemon) == set()
        assert daemon.autoconfig("joe@example.com").status == 200
        assert "libldap" in mapped(daemon)


def test_the_signer_is_loaded_where_a_certificate_is_set(tmp_path):
    certificate, key = Authority(str(tmp_path)).issue("signer")
    with Daemon({"profile_certificate": certificate, "profile_key": key}, seed=SEED) as daemon:
        assert mapped(daemon) == {"libcrypto"}


@pytest.fixture
def bare(tmp_path):
    """The programs in a directory whose modules are not installed."""
    (tmp_path / "modules").mkdir()
    for program in (AUTOMXD, AUTOMXCTL):
        shutil.copy2(program, tmp_path)
    return tmp_path


def refusal(directory, configuration, command=("automxd",)):
    path = directory / "a.conf"
    path.write_text("[automx2]\n" + configuration)
    program, *rest = command
    done = subprocess.run([directory / program, "--config", path, *rest], capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done
    return done.stderr


@pytest.mark.parametrize("command", [("automxd",), ("automxd", "--check-config"), ("automxctl", "lookup", "example.com")],
                         ids=["automxd", "check-config", "automxctl"])
def test_a_missing_driver_stops_the_start(bare, command):
    program, *rest = command
    for scheme, module in (("postgresql", "postgresql"), ("mysql", "mariadb"), ("mariadb", "mariadb")):
        said = refusal(bare, f"db_uri = {scheme}://automxd:secret@127.0.0.1/mail\n", (program, *rest))
        assert f"module for {module} " in said and "install the package" in said
        assert f"{bare}/modules/{module}.so: cannot open shared object file: No such file" in said
        assert "secret" not in said


def test_a_missing_driver_of_the_query_stops_the_start(bare):
    said = refusal(bare, "user_db_uri = mysql://127.0.0.1/mail\nuser_query = SELECT login FROM users WHERE mail = :address\n")
    assert "module for mariadb " in said and "user_query" in said


def test_a_missing_signer_stops_the_start(bare):
    certificate, key = Authority(str(bare)).issue("signer")
    said = refusal(bare, f"profile_certificate = {certificate}\nprofile_key = {key}\n")
    assert "module for signer " in said and f"{bare}/modules/signer.so: cannot open" in said


def test_a_module_of_another_version_is_refused(bare):
    for code, sentence in (('const struct { const char *version; const void *calls; } automxd_module = {"0.0.9", 0};',
                            r"of version 0\.0\.9, and this is automxd \d+\.\d+\.\d+; install the same version"),
                           ("int nothing;", "undefined symbol: automxd_module")):
        subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", bare / "modules/postgresql.so", "-"],
                       input=code, text=True, check=True)
        assert re.search(sentence, refusal(bare, "db_uri = postgresql://127.0.0.1/mail\n"))


def test_without_ldap_everybody_gets_the_general_answer(bare):
    """It is said once in the log, and installing the module is all that it takes to put it right."""
    with Daemon({"cache_ttl": "100ms"}, seed=directory_seed(), allow=["ldapserver 1", "user look-ups"],
                program=str(bare / "automxd")) as daemon:
        answer = daemon.autoconfig("joe@example.com")
        assert answer.status == 200 and "%EMAILADDRESS%" in answer.text
        assert "ldapserver 1: automxd's module for ldap cannot be loaded" in daemon.stderr()
        assert f"{bare}/modules/ldap.so: cannot open shared object file" in daemon.stderr()
        shutil.copy2(os.path.join(BUILD, "modules", "ldap.so"), bare / "modules")

        def loaded():
            assert daemon.autoconfig("joe@example.com").status == 200
            return "libldap" in mapped(daemon)
        assert eventually(loaded)
