-- The part of iRedMail's schema (database vmail) that the queries need, and two people.
CREATE TABLE domain (domain VARCHAR(255) PRIMARY KEY, active SMALLINT NOT NULL DEFAULT 1);
CREATE TABLE alias_domain (alias_domain VARCHAR(255), target_domain VARCHAR(255), active SMALLINT NOT NULL DEFAULT 1);
CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, name VARCHAR(255), domain VARCHAR(255), active SMALLINT NOT NULL DEFAULT 1);
CREATE TABLE forwardings (id INTEGER PRIMARY KEY, address VARCHAR(255), forwarding VARCHAR(255), is_alias SMALLINT NOT NULL DEFAULT 0, is_forwarding SMALLINT NOT NULL DEFAULT 0, active SMALLINT NOT NULL DEFAULT 1);
INSERT INTO domain VALUES ('own.example', 1);
INSERT INTO domain VALUES ('off.example', 0);
INSERT INTO alias_domain VALUES ('alias.example', 'own.example', 1);
INSERT INTO mailbox VALUES ('jane@own.example', 'Jane Doe', 'own.example', 1);
INSERT INTO forwardings VALUES (1, 'jane@own.example', 'jane@own.example', 0, 1, 1);
INSERT INTO forwardings VALUES (2, 'sales@own.example', 'jane@own.example', 1, 0, 1);
