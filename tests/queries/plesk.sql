-- The part of Plesk's schema (database psa) that the queries need, and two people.
CREATE TABLE domains (id INTEGER PRIMARY KEY, name VARCHAR(255));
CREATE TABLE domain_aliases (id INTEGER PRIMARY KEY, name VARCHAR(255), dom_id INTEGER, mail VARCHAR(5) NOT NULL);
CREATE TABLE mail (id INTEGER PRIMARY KEY, mail_name VARCHAR(245), dom_id INTEGER, postbox VARCHAR(5) NOT NULL);
CREATE TABLE mail_aliases (id INTEGER PRIMARY KEY, mn_id INTEGER, alias VARCHAR(245));
INSERT INTO domains VALUES (1, 'own.example');
INSERT INTO domain_aliases VALUES (1, 'alias.example', 1, 'true');
INSERT INTO domain_aliases VALUES (2, 'off.example', 1, 'false');
INSERT INTO mail VALUES (1, 'jane', 1, 'true');
INSERT INTO mail_aliases VALUES (1, 1, 'sales');
