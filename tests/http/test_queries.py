"""The ready-made queries of contrib/queries, each against the part of the mail server's schema that it needs."""

import json
import os

import pytest

from support.daemon import ROOT, Daemon
from support.databases import mariadb, postgresql

QUERIES = os.path.join(ROOT, "contrib", "queries")
NAMES = sorted(name.removesuffix(".conf") for name in os.listdir(QUERIES) if name.endswith(".conf"))
WITHOUT_ALIAS_DOMAINS = {"vpopmail", "virtual-mail"}
WITHOUT_NAMES = {"plesk", "virtualmin", "virtual-mail"}
ACCOUNTS = {"version": 3, "providers": [{
    "name": "Hoster", "servers": [{"type": "imap", "name": "imap.%EMAILDOMAIN%"}, {"type": "smtp", "name": "smtp.hoster.example"}]}]}


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


# The mail servers that also run on PostgreSQL, and what their columns are called there.
ON_POSTGRESQL = {"postfixadmin": [("TINYINT NOT NULL DEFAULT 1", "BOOLEAN NOT NULL DEFAULT TRUE"), (", 0)", ", FALSE)")],
                 "modoboa": [], "mailu": [], "iredmail": [], "virtual-mail": []}
ON_MARIADB = {"mailu": [('"user"', "`user`")]}


PAIRS = [("mariadb", name) for name in NAMES] + [("postgresql", name) for name in ON_POSTGRESQL]


@pytest.fixture(scope="module")
def servers():
    with mariadb() as one, postgresql() as other:
        one.words = {name: [] for name in NAMES} | ON_MARIADB
        other.words = ON_POSTGRESQL
        yield {"mariadb": one, "postgresql": other}


def in_its_words(server, name, text):
    for word, its in server.words[name]:
        text = text.replace(word, its)
    return text


@pytest.fixture(params=PAIRS, ids=["-".join(pair) for pair in PAIRS])
def daemon(request, servers, tmp_path):
    kind, name = request.param
    database = servers[kind]
    schema = in_its_words(database, name, read(os.path.join(ROOT, "tests", "queries", name + ".sql")))
    database_name = name.replace("-", "_")
    database.create(database_name)
    database.sql(schema, database_name)
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps(ACCOUNTS), encoding="utf-8")
    queries = in_its_words(database, name, read(os.path.join(QUERIES, name + ".conf")))
    config = (f"[automx2]\nloglevel = INFO\naccounts = {accounts}\ndomain_provider = Hoster\n"
              f"user_db_uri = {database.uri(database_name).replace('%', '%%')}\n{queries}")
    with Daemon(config) as running:
        running.name = name
        yield running


def test_domains_logins_and_aliases(daemon):
    host = "autodiscover.own.example"
    answer = daemon.pox("jane@own.example", host)
    assert answer.status == 200 and "<LoginName>jane@own.example</LoginName>" in answer.text
    assert "<Server>imap.own.example</Server>" in answer.text
    alias = daemon.pox("sales@own.example", host)
    assert alias.status == 200 and "<LoginName>jane@own.example</LoginName>" in alias.text
    assert ("<DisplayName>Jane Doe</DisplayName>" in answer.text) == (daemon.name not in WITHOUT_NAMES)
    # Nobody is told who exists: an unknown person gets the domain's general answer.
    assert "<LoginName>nobody@own.example</LoginName>" in daemon.pox("nobody@own.example", host).text
    assert daemon.pox("jane@foreign.example", host).status == 404
    assert daemon.pox("jane@off.example", host).status == 404
    alias_domain = daemon.autoconfig("jane@alias.example").status
    assert alias_domain == (404 if daemon.name in WITHOUT_ALIAS_DOMAINS else 200)


def test_every_query_has_its_schema_and_its_row_in_the_list():
    listed = read(os.path.join(QUERIES, "README.md"))
    for name in NAMES:
        assert os.path.exists(os.path.join(ROOT, "tests", "queries", name + ".sql"))
        assert f"| {name}.conf |" in listed
