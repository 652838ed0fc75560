"""automx2's tables as it creates them itself on each database, and one set of odd but legal rows."""

SERIAL = {"sqlite": "INTEGER NOT NULL", "postgresql": "SERIAL NOT NULL", "mariadb": "INTEGER NOT NULL AUTO_INCREMENT"}
OPTIONS = {"sqlite": "", "postgresql": "", "mariadb": " CHARACTER SET utf8mb4"}

TABLES = """
CREATE TABLE provider (id {serial}, name VARCHAR(128) NOT NULL, short_name VARCHAR(32) NOT NULL, PRIMARY KEY (id)){options};
CREATE TABLE server (id {serial}, prio INTEGER DEFAULT '10' NOT NULL, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL,
    type VARCHAR(32) NOT NULL, socket_type VARCHAR(32) NOT NULL, user_name VARCHAR(64) NOT NULL,
    authentication VARCHAR(32) NOT NULL, PRIMARY KEY (id)){options};
CREATE TABLE davserver (id {serial}, url VARCHAR(128) NOT NULL, port INTEGER NOT NULL, type VARCHAR(32) NOT NULL,
    use_ssl BOOLEAN NOT NULL, domain_required BOOLEAN NOT NULL, user_name VARCHAR(64), PRIMARY KEY (id)){options};
CREATE TABLE ldapserver (id {serial}, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL, use_ssl BOOLEAN NOT NULL,
    search_base VARCHAR(128) NOT NULL, search_filter VARCHAR(128) NOT NULL, attr_uid VARCHAR(32) NOT NULL,
    attr_cn VARCHAR(32), bind_password VARCHAR(128), bind_user VARCHAR(128), PRIMARY KEY (id)){options};
CREATE TABLE domain (id {serial}, name VARCHAR(128) NOT NULL, provider_id INTEGER NOT NULL, ldapserver_id INTEGER,
    PRIMARY KEY (id), UNIQUE (name), FOREIGN KEY(provider_id) REFERENCES provider (id),
    FOREIGN KEY(ldapserver_id) REFERENCES ldapserver (id)){options};
CREATE TABLE server_domain (server_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, PRIMARY KEY (server_id, domain_id),
    FOREIGN KEY(server_id) REFERENCES server (id), FOREIGN KEY(domain_id) REFERENCES domain (id)){options};
CREATE TABLE davserver_domain (davserver_id INTEGER NOT NULL, domain_id INTEGER NOT NULL,
    PRIMARY KEY (davserver_id, domain_id), FOREIGN KEY(davserver_id) REFERENCES davserver (id),
    FOREIGN KEY(domain_id) REFERENCES domain (id)){options};
"""

# Written as administrators write it: explicit ids, one transaction, DELETE first.
ROWS = """
BEGIN;
DELETE FROM server_domain;
DELETE FROM davserver_domain;
DELETE FROM domain;
DELETE FROM server;
DELETE FROM davserver;
DELETE FROM provider;
INSERT INTO provider(id, name, short_name) VALUES (1, 'Ham & <Eggs> "Ltd." ü', 'H&E');
INSERT INTO provider(id, name, short_name) VALUES (2, 'Plain Provider', 'Plain');
INSERT INTO domain(id, name, provider_id) VALUES (10, 'example.com', 1);
INSERT INTO domain(id, name, provider_id) VALUES (11, 'Mixed.Example.NET', 1);
INSERT INTO domain(id, name, provider_id) VALUES (12, 'xn--mller-kva.example', 2);
INSERT INTO domain(id, name, provider_id) VALUES (13, 'serverless.example', 2);
INSERT INTO domain(id, name, provider_id) VALUES (14, 'words.example', 2);
INSERT INTO domain(id, name, provider_id) VALUES (15, 'odd.example', 2);
INSERT INTO server(id, prio, name, port, type, socket_type, user_name, authentication) VALUES
    (20, 20, 'imap2.example.com', 143, 'imap', 'STARTTLS', '%EMAILADDRESS%', 'plain'),
    (21, 10, 'imap1.example.com', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'),
    (22, 10, 'smtp.example.com', 587, 'smtp', 'STARTTLS', '%EMAILLOCALPART%', 'plain'),
    (23, 10, 'pop.example.com', 995, 'pop', 'SSL', '%EMAILADDRESS%', 'plain'),
    (24, 5, 'imap.words.example', 993, 'imap', 'ssl', '%EMAILADDRESS%', 'password-encrypted'),
    (25, 5, 'smtp.words.example', 465, 'smtp', 'TLS', '%EMAILADDRESS%', 'secure'),
    (26, 10, 'broken.odd.example', 993, 'imap', 'bogus', '%EMAILADDRESS%', 'plain'),
    (27, 10, 'imap.odd.example', 143, 'IMAP', 'starttls', 'literal', 'PLAIN'),
    (28, 10, 'nosuch.odd.example', 25, 'INVALID', 'STARTTLS', '%EMAILADDRESS%', 'plain'),
    (29, 10, 'smtp.odd.example', 587, 'smtp', 'STARTTLS', 'literal', 'plain');
INSERT INTO server_domain(server_id, domain_id) VALUES (20, 10), (21, 10), (22, 10), (23, 10), (21, 11), (22, 11),
    (21, 12), (22, 12), (24, 14), (25, 14), (26, 15), (27, 15), (28, 15), (29, 15);
INSERT INTO davserver(id, url, port, type, use_ssl, domain_required, user_name) VALUES
    (30, 'https://dav.example.com/cal/', 0, 'caldav', {true}, {true}, '%EMAILADDRESS%'),
    (31, 'https://dav.example.com/card/', 8443, 'carddav', {true}, {false}, NULL);
INSERT INTO davserver_domain(davserver_id, domain_id) VALUES (30, 10), (31, 10);
COMMIT;
"""

# What the odd rows must say on stderr, once each.
FAULTS = (r"server 26\b.*bogus", r"server 28\b.*INVALID", r"serverless\.example\) has no servers")


def tables(dialect):
    return TABLES.format(serial=SERIAL[dialect], options=OPTIONS[dialect])


def rows(dialect):
    words = ("TRUE", "FALSE") if dialect == "postgresql" else ("1", "0")
    return ROWS.format(true=words[0], false=words[1])
