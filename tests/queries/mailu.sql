-- The part of Mailu's schema that the queries need, and two people.
CREATE TABLE domain (name VARCHAR(80) PRIMARY KEY);
CREATE TABLE alternative (name VARCHAR(80) PRIMARY KEY, domain_name VARCHAR(80));
CREATE TABLE "user" (email VARCHAR(255) PRIMARY KEY, localpart VARCHAR(80), domain_name VARCHAR(80), displayed_name VARCHAR(160), enabled BOOLEAN NOT NULL);
CREATE TABLE alias (email VARCHAR(255) PRIMARY KEY, localpart VARCHAR(80), domain_name VARCHAR(80), destination VARCHAR(1023));
INSERT INTO domain VALUES ('own.example');
INSERT INTO alternative VALUES ('alias.example', 'own.example');
INSERT INTO "user" VALUES ('jane@own.example', 'jane', 'own.example', 'Jane Doe', TRUE);
INSERT INTO alias VALUES ('sales@own.example', 'sales', 'own.example', 'jane@own.example');
