"""With very many domains, every statement of a look-up uses an index, on every database.

The statements are those that a look-up really sends (db_echo), so that the test follows the code. automxctl makes the
same look-up as automxd, and reads nothing else beside it."""

import contextlib
import json
import re
import sqlite3
import subprocess

import pytest

from support import automx2_schema
from support.daemon import AUTOMXCTL
from support.databases import mariadb, postgresql, sqlite

DOMAINS = 100_000
MANY = 20_000  # rows of the other tables: PostgreSQL reads one of a thousand rows sooner than its index
FEW = 10       # servers of automx2's own tables, where each serves many domains

ACCOUNTS = {
    "version": 3,
    "ldapservers": [{"id": 1, "name": "127.0.0.1", "port": 1, "use_ssl": False, "search_base": "dc=x"}],
    "providers": [{
        "name": "Example", "servers": [
            {"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com"},
            {"type": "caldav", "url": "https://dav.example.com/c/"}, {"type": "jmap", "url": "https://jmap.example.com/"}],
        "links": [{"kind": "webmail", "url": "https://webmail.example.com/"}],
        "oauth2": {"issuer": "https://id.example.com"},
        "consents": [{"text": "Yes?"}],
        "domains": ["other.example", {"name": "ldap.example", "ldapserver": 1}, "*.wild.example",
                    {"name": "alias.example", "alias_of": "other.example"}],
    }],
}
NAMES = ["d76.example", f"d{DOMAINS}.example", "other.example", "ldap.example", "x.wild.example", "alias.example",
         "nobody.test", "a.b.c.d.e.f.g.h.i.nobody.test"]

# Numbers from 1 to DOMAINS.
NUMBERS = {
    "sqlite": f"(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {DOMAINS}) SELECT i FROM n) n",
    "postgresql": f"generate_series(1, {DOMAINS}) AS n(i)",
    "mariadb": f"(SELECT seq AS i FROM seq_1_to_{DOMAINS}) n",
}
ANALYZE = {
    "sqlite": dict.fromkeys(["ours", "automx2"], "ANALYZE;"),
    "postgresql": dict.fromkeys(["ours", "automx2"], "ANALYZE;"),
    "mariadb": {
        "automx2": "ANALYZE TABLE domain, server, davserver, server_domain, davserver_domain, provider, ldapserver;",
        "ours": "ANALYZE TABLE domain, server, davserver, server_domain, davserver_domain, provider, ldapserver, service, "
                "service_domain, provider_server, provider_davserver, provider_service, provider_link, provider_oauth2, "
                "provider_consent;",
    },
}
CONCATENATED = {"sqlite": "'d' || i || '.example'", "postgresql": "'d' || i || '.example'",
                "mariadb": "CONCAT('d', i, '.example')"}


def filling(dialect, ours):
    """Every domain has a server of its own, and no table is small."""
    name, servers = CONCATENATED[dialect], MANY if ours else FEW

    def insert(into, values, condition):
        return f"INSERT INTO {into} SELECT {values} FROM {NUMBERS[dialect]} WHERE {condition};"

    def provide(count, table, columns, values):
        return insert(f"{table} ({columns})", values, f"i <= {count}")

    script = (provide(servers, "server", "id, name, port, type, socket_type, user_name, authentication",
                      "1000 + i, 'imap.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'")
              + provide(servers, "davserver", "id, url, port, type, use_ssl, domain_required, user_name",
                        "1000 + i, 'https://dav.example.com/', 443, 'caldav', (1=1), (1=0), '%EMAILADDRESS%'")
              + provide(MANY, "provider", "id, name, short_name", "1000 + i, 'Other', 'Other'")
              + provide(MANY, "ldapserver", "id, name, port, use_ssl, search_base, search_filter, attr_uid",
                        "1000 + i, 'ldap.example.com', 636, (1=1), 'dc=x', '(mail={0})', 'uid'")
              + provide(DOMAINS, "domain", "id, name, provider_id", f"1000 + i, {name}, 1001 + i % {MANY}")
              + insert("server_domain (server_id, domain_id)", f"1001 + i % {servers}, 1000 + i", "i % 2 = 0")
              + insert("davserver_domain (davserver_id, domain_id)", f"1001 + i % {servers}, 1000 + i", "i % 2 = 1"))
    if ours:
        script += (provide(MANY, "service", "id, type, url", "1000 + i, 'jmap', 'https://jmap.example.com/'")
                   + insert("service_domain (service_id, domain_id)", f"1001 + i % {MANY}, 1000 + i", "i % 3 = 0")
                   + provide(MANY, "provider_link", "provider_id, kind, url", "1000 + i, 'webmail', 'https://w.example/'")
                   + provide(MANY, "provider_oauth2", "provider_id, issuer", "1000 + i, 'https://id.example.com'")
                   + provide(MANY, "provider_consent", "provider_id, language, text", "1000 + i, 'default', 'Yes?'")
                   + "".join(provide(MANY, f"provider_{table}", f"{table}_id, provider_id", "1000 + i, 1000 + i")
                             for table in ("server", "davserver", "service")))
    else:
        script += "INSERT INTO domain (id, name, provider_id, ldapserver_id) VALUES (1, 'ldap.example', 1001, 1001);"
    return script + ANALYZE[dialect]["ours" if ours else "automx2"]


def control(config, *words, stdin=None):
    return subprocess.run([AUTOMXCTL, "--config", str(config), *words], input=stdin, text=True, capture_output=True,
                          timeout=120)


@pytest.fixture(scope="module", params=[sqlite, postgresql, mariadb], ids=["sqlite", "postgresql", "mariadb"])
def server(request):
    with request.param() as found:
        yield found


class Database:
    def __init__(self, server, kind, directory):
        self.server, self.kind, self.name = server, kind, f"plans_{kind}"
        self.config = directory / "automx2.conf"
        server.create(self.name)
        uri = server.uri(self.name).replace("%", "%%")
        self.config.write_text(f"[automx2]\ndb_uri = {uri}\ndb_echo = yes\nlookup_timeout = 20s\n", encoding="utf-8")
        if kind == "ours":
            imported = control(self.config, "import", "-", stdin=json.dumps(ACCOUNTS))
            assert imported.returncode == 0, imported.stderr
        else:
            server.sql(automx2_schema.tables(server.dialect), self.name)
        server.sql(filling(server.dialect, kind == "ours"), self.name)

    def statements(self, name):
        """What is asked to find a domain; not what tells which tables there are."""
        result = control(self.config, "lookup", name)
        lines = [line.partition(" sql: ")[2] for line in result.stderr.splitlines() if " sql: " in line]
        return [text for text in lines if text.startswith("SELECT")
                and not re.search(r"sqlite_master|pragma_|information_schema|pg_|to_regclass", text)]


@pytest.fixture(scope="module", params=["ours", "automx2"])
def database(request, server, tmp_path_factory):
    """With all our tables, and with automx2's alone."""
    return Database(server, request.param, tmp_path_factory.mktemp("plans"))


# Each shows a plan: as a text for people, and the names in the statement of the tables that are read whole.


def plan_of_sqlite(database, statement):
    with contextlib.closing(sqlite3.connect(database.server.path(database.name))) as connection:
        rows = [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + statement, (1,) * statement.count("?"))]
    return "\n".join(rows), [row.split()[1] for row in rows if row.startswith("SCAN ")]


def plan_of_postgresql(database, statement):
    # The plan that a prepared statement gets for all values: it cannot look at them.
    count = statement.count("?")
    numbers = iter(range(1, count + 1))
    text = re.sub(r"\?", lambda _: f"${next(numbers)}", statement)
    values = f"({', '.join(['NULL'] * count)})" if count else ""
    shown = database.server.sql(f"SET plan_cache_mode = force_generic_plan; PREPARE asked AS {text}; "
                                f"EXPLAIN EXECUTE asked{values}", database.name)
    return shown, re.findall(r"Seq Scan on (?:\w+ )?(\w+?)(?:_\d+)?  ", shown)


def plan_of_mariadb(database, statement):
    text = re.sub(r"name IN \([?, ]+\)", "name IN ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h')", statement)
    text = text.replace("?", "1500")
    shown = json.loads(database.server.sql("EXPLAIN FORMAT=JSON " + text, database.name).replace("\\n", " "))
    tables, nodes = [], [shown]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict) and "table_name" in node:
            tables.append(node)
        if isinstance(node, (dict, list)):
            nodes.extend(node.values() if isinstance(node, dict) else node)
    tables = [table for table in tables if not table["table_name"].startswith("<")]  # what a UNION collects
    assert tables
    return json.dumps(tables, indent=1), [table["table_name"] for table in tables
                                          if table.get("access_type") in ("ALL", "index")]


PLANS = {"sqlite": plan_of_sqlite, "postgresql": plan_of_postgresql, "mariadb": plan_of_mariadb}

# The list of names that are stored in another spelling than they are asked for, read once within cache_ttl at most.
ODD_NAMES = re.compile(r"^SELECT id, name FROM domain WHERE .* LIMIT \d+$")


def kept_whole(database):
    """automx2's tables between have an index that begins with the server: there, its few servers are read."""
    return {"s"} if database.kind == "automx2" else set()


@pytest.mark.parametrize("name", NAMES)
def test_no_statement_of_a_look_up_reads_a_table_whole(database, name):
    statements = database.statements(name)
    assert any("FROM domain d" in statement for statement in statements), statements
    for statement in statements:
        if ODD_NAMES.match(statement):
            continue
        plan, scans = PLANS[database.server.dialect](database, statement)
        assert not set(scans) - kept_whole(database), f"{statement}\n{plan}"


def test_the_statements_of_a_domain_are_few(database):
    for name in ("d76.example", "nobody.test"):
        statements = [text for text in database.statements(name) if not ODD_NAMES.match(text)]
        assert len(statements) <= 4, statements


def test_a_plan_without_an_index_is_noticed(database):
    """What the tests above look for is there when it should be."""
    statement = "SELECT d.id FROM domain d WHERE d.moved_to = ?" if database.kind == "ours" else \
        "SELECT d.id FROM domain d WHERE d.ldapserver_id + 0 = ?"
    assert PLANS[database.server.dialect](database, statement)[1] == ["d"]
