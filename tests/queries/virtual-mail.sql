-- The three tables of many tutorials, and two people.
CREATE TABLE virtual_domains (id INTEGER PRIMARY KEY, name VARCHAR(50));
CREATE TABLE virtual_users (id INTEGER PRIMARY KEY, domain_id INTEGER, email VARCHAR(100), password VARCHAR(150));
CREATE TABLE virtual_aliases (id INTEGER PRIMARY KEY, domain_id INTEGER, source VARCHAR(100), destination VARCHAR(100));
INSERT INTO virtual_domains VALUES (1, 'own.example');
INSERT INTO virtual_users VALUES (1, 1, 'jane@own.example', 'x');
INSERT INTO virtual_aliases VALUES (1, 1, 'sales@own.example', 'jane@own.example');
