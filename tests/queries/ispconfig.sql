-- The part of ISPConfig's schema that the queries need, and two people.
CREATE TABLE mail_domain (domain_id INTEGER PRIMARY KEY, domain VARCHAR(255), active VARCHAR(1) NOT NULL);
CREATE TABLE mail_user (mailuser_id INTEGER PRIMARY KEY, email VARCHAR(255), login VARCHAR(255), name VARCHAR(255), postfix VARCHAR(1) NOT NULL);
CREATE TABLE mail_forwarding (forwarding_id INTEGER PRIMARY KEY, source VARCHAR(255), destination TEXT, type VARCHAR(20), active VARCHAR(1) NOT NULL);
INSERT INTO mail_domain VALUES (1, 'own.example', 'y');
INSERT INTO mail_domain VALUES (2, 'off.example', 'n');
INSERT INTO mail_user VALUES (1, 'jane@own.example', 'jane@own.example', 'Jane Doe', 'y');
INSERT INTO mail_forwarding VALUES (1, '@alias.example', '@own.example', 'aliasdomain', 'y');
INSERT INTO mail_forwarding VALUES (2, 'sales@own.example', 'jane@own.example', 'alias', 'y');
