-- The part of vpopmail's schema that the queries need, and two people. It has no alias domains in SQL.
CREATE TABLE vpopmail (pw_name VARCHAR(32), pw_domain VARCHAR(96), pw_gecos VARCHAR(48), PRIMARY KEY (pw_name, pw_domain));
CREATE TABLE valias (alias VARCHAR(32), domain VARCHAR(96), valias_line TEXT);
INSERT INTO vpopmail VALUES ('jane', 'own.example', 'Jane Doe');
INSERT INTO valias VALUES ('sales', 'own.example', '&jane@own.example');
