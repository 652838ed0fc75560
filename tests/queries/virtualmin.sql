-- Postfix's virtual map as a table, as Webmin keeps it, and two people.
CREATE TABLE virtual (id INTEGER PRIMARY KEY, name VARCHAR(255), value TEXT);
INSERT INTO virtual VALUES (1, 'own.example', 'own.example');
INSERT INTO virtual VALUES (2, 'alias.example', 'alias.example');
INSERT INTO virtual VALUES (3, 'jane@own.example', 'jane@own.example');
INSERT INTO virtual VALUES (4, 'sales@own.example', 'jane@own.example');
INSERT INTO virtual VALUES (5, 'all@own.example', 'jane@own.example,joe@own.example');
