"""What the servers are asked about: databases with very many domains, and a directory with very many persons."""

import json

import servers
from support import databases

PERSONS = 10_000
DOMAIN = "/mail/config-v1.1.xml?emailaddress=user@d@N@.example"
PERSON = "/mail/config-v1.1.xml?emailaddress=person@N@@people.example"

SERVERS = [
    {"type": "imap", "name": "imap.example.com", "port": 993},
    {"type": "smtp", "name": "smtp.example.com", "port": 465},
]
ACCOUNTS = {"provider": "Example Inc.", "domains": ["example.com"], "servers": SERVERS}

# The numbers from 0 below {count}.
NUMBERS = {
    "sqlite": "(WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < {count}) "
              "SELECT n FROM number WHERE n < {count}) AS number",
    "postgresql": "generate_series(0, {count} - 1) AS number(n)",
    "mariadb": "(SELECT seq AS n FROM seq_0_to_{count} WHERE seq < {count}) AS number",
}
BEFORE = {"sqlite": "", "postgresql": "", "mariadb": "SET sql_mode = 'PIPES_AS_CONCAT';"}
AFTER = {"sqlite": "", "postgresql": "VACUUM ANALYZE;", "mariadb": "ANALYZE TABLE domain, server_domain;"}


def post_accounts(place, db_uri, accounts):
    server = servers.start_automxd(place.directory, place.cpus, place.build, db_uri)
    try:
        status, _, text = servers.fetch(server.port, "POST", "/initdb/", "127.0.0.1", json.dumps(accounts),
                                        "application/json")
    finally:
        server.stop()
    if status != 200:
        raise SystemExit(f"bench: initdb: {status} {text!r}")


def make_domains(place, database_server, count):
    """Makes a database with example.com and so many domains more that share its servers; returns its URI."""
    name, dialect = f"domains{count}", database_server.dialect
    database_server.create(name)
    uri = database_server.uri(name) if dialect == "sqlite" else database_server.socket_uri(name)
    post_accounts(place, uri, ACCOUNTS)
    database_server.sql(f"""{BEFORE[dialect]}
        INSERT INTO domain (id, name, provider_id)
        SELECT 1000 + n, 'd' || n || '.example', example.provider_id
        FROM (SELECT provider_id FROM domain WHERE name = 'example.com') AS example,
             {NUMBERS[dialect].format(count=count)};
        INSERT INTO server_domain (server_id, domain_id)
        SELECT link.server_id, domain.id FROM domain, server_domain AS link
        WHERE domain.id >= 1000 AND link.domain_id = (SELECT id FROM domain WHERE name = 'example.com');
        """, name)
    if AFTER[dialect]:
        database_server.sql(AFTER[dialect], name)
    return uri


def start_directory():
    """A slapd with so many persons."""
    return databases.Slapd(ldif="".join(
        f"dn: uid=u{number},{databases.Slapd.base}\nobjectClass: inetOrgPerson\nuid: u{number}\ncn: Person {number}\n"
        f"sn: {number}\nmail: person{number}@people.example\n\n" for number in range(PERSONS)))


def make_people(place, directory):
    """Makes a database whose domain people.example asks the directory; returns its URI."""
    database = place.database("sqlite")
    post_accounts(place, database.uri("people"), {
        "version": 3,
        "ldapservers": [{"id": 1, "name": "127.0.0.1", "port": directory.port, "use_ssl": False,
                         "search_base": directory.base, "search_filter": "(mail={0})", "attr_uid": "uid",
                         "attr_cn": "cn", "bind_user": directory.admin, "bind_password": directory.password}],
        "providers": [{"name": "Example Inc.", "servers": SERVERS,
                       "domains": [{"name": "people.example", "ldapserver": 1}]}],
    })
    return database.uri("people")
