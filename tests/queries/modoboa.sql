-- The part of Modoboa's schema that the queries need, and two people.
CREATE TABLE core_user (id INTEGER PRIMARY KEY, username VARCHAR(254), email VARCHAR(254), first_name VARCHAR(30), last_name VARCHAR(30), is_active BOOLEAN NOT NULL);
CREATE TABLE admin_domain (id INTEGER PRIMARY KEY, name VARCHAR(100), enabled BOOLEAN NOT NULL);
CREATE TABLE admin_domainalias (id INTEGER PRIMARY KEY, name VARCHAR(255), target_id INTEGER, enabled BOOLEAN NOT NULL);
CREATE TABLE admin_mailbox (id INTEGER PRIMARY KEY, address VARCHAR(252), domain_id INTEGER, user_id INTEGER);
CREATE TABLE admin_alias (id INTEGER PRIMARY KEY, address VARCHAR(254), domain_id INTEGER, enabled BOOLEAN NOT NULL);
CREATE TABLE admin_aliasrecipient (id INTEGER PRIMARY KEY, address VARCHAR(254), alias_id INTEGER, r_mailbox_id INTEGER);
INSERT INTO core_user VALUES (1, 'jane@own.example', 'jane@own.example', 'Jane', 'Doe', TRUE);
INSERT INTO admin_domain VALUES (1, 'own.example', TRUE);
INSERT INTO admin_domain VALUES (2, 'off.example', FALSE);
INSERT INTO admin_domainalias VALUES (1, 'alias.example', 1, TRUE);
INSERT INTO admin_mailbox VALUES (1, 'jane', 1, 1);
INSERT INTO admin_alias VALUES (1, 'jane@own.example', 1, TRUE);
INSERT INTO admin_aliasrecipient VALUES (1, 'jane@own.example', 1, 1);
INSERT INTO admin_alias VALUES (2, 'sales@own.example', 1, TRUE);
INSERT INTO admin_aliasrecipient VALUES (2, 'jane@own.example', 2, 1);
