-- The part of Postfixadmin's schema that the queries need, and two people.
CREATE TABLE domain (domain VARCHAR(255) PRIMARY KEY, description VARCHAR(255), active TINYINT NOT NULL DEFAULT 1);
CREATE TABLE alias_domain (alias_domain VARCHAR(255) PRIMARY KEY, target_domain VARCHAR(255), active TINYINT NOT NULL DEFAULT 1);
CREATE TABLE mailbox (username VARCHAR(255) PRIMARY KEY, password VARCHAR(255), name VARCHAR(255), local_part VARCHAR(255), domain VARCHAR(255), active TINYINT NOT NULL DEFAULT 1);
CREATE TABLE alias (address VARCHAR(255) PRIMARY KEY, goto TEXT, domain VARCHAR(255), active TINYINT NOT NULL DEFAULT 1);
INSERT INTO domain (domain) VALUES ('own.example');
INSERT INTO domain (domain, active) VALUES ('off.example', 0);
INSERT INTO alias_domain (alias_domain, target_domain) VALUES ('alias.example', 'own.example');
INSERT INTO mailbox (username, name, domain) VALUES ('jane@own.example', 'Jane Doe', 'own.example');
INSERT INTO alias (address, goto, domain) VALUES ('jane@own.example', 'jane@own.example', 'own.example');
INSERT INTO alias (address, goto, domain) VALUES ('sales@own.example', 'jane@own.example', 'own.example');
