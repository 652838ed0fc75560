"""user_query on real PostgreSQL and MariaDB servers that stop, freeze and come back."""

import pytest

from support.databases import mariadb, postgresql
from support.people import People

QUERY = ("SELECT uid AS login, cn AS \"name\", home AS home_server FROM mailbox"
         " WHERE address = :address AND domain = :domain AND (local_part = :local OR note = ':local?')")
SCHEMA = """
CREATE TABLE mailbox (address VARCHAR(200), local_part VARCHAR(100), domain VARCHAR(100), uid VARCHAR(64), cn VARCHAR(64),
                      home VARCHAR(64), note VARCHAR(64));
INSERT INTO mailbox VALUES ('jane.doe+x@example.com', 'jane.doe+x', 'example.com', 'u123', 'Jane Döe', 'imap7', ''),
                           ('twice@example.com', 'twice', 'example.com', 'a', 'A', 'x', ''),
                           ('twice@example.com', 'twice', 'example.com', 'b', 'B', 'x', ''),
                           ('o''neil@example.com', 'o''neil', 'example.com', 'oneil', NULL, NULL, '');
"""


@pytest.fixture(scope="module", params=[postgresql, mariadb], ids=["postgresql", "mariadb"])
def server(request):
    with request.param() as running:
        running.sql(SCHEMA)
        # MariaDB takes double quotes for a text unless told otherwise.
        running.query = QUERY.replace('"', "`") if request.param is mariadb else QUERY
        yield running


def test_finds(server):
    with People(user_query=server.query, user_db_uri=server.uri()) as people:
        assert people.finds()[3] == "Jane Döe"
        assert people.finds("o'neil", "oneil")[3] == ""
        for local in ("nobody", "' OR '1'='1", "%", "\\", "jane.doe+x' -- "):
            assert people.ask(local)[0] == "not_found", local
        assert people.ask("twice")[:1] + people.ask("twice")[2:] == ("not_found", "", "", "")
        assert {answer[2] for answer in people.ask("jane.doe+x", threads=8)} == {"u123"}


def test_password_file(server, tmp_path):
    password = tmp_path / "password"
    password.write_text(server.password + "\n")
    password.chmod(0o600)
    uri = server.uri().replace(":p%40ss%2Fw:o+rd%251", "")
    assert "automxd@" in uri
    with People(user_query=server.query, user_db_uri=uri, user_db_password_file=password) as people:
        people.finds()


def test_killed_and_started(server):
    with People(user_query=server.query, user_db_uri=server.uri()) as people:
        people.finds()
        server.kill()
        try:
            people.fails()
            assert people.ask("jane.doe+x")[1] < 200
        finally:
            server.start()
        people.recovers()


def test_restart_between_two_questions_is_not_noticed(server):
    with People(user_query=server.query, user_db_uri=server.uri()) as people:
        people.finds()
        server.kill()
        server.start()
        people.finds()


def test_frozen(server):
    with People(user_query=server.query, user_db_uri=server.uri()) as people:
        people.finds()
        server.freeze()
        try:
            people.fails()
            people.fails()
        finally:
            server.thaw()
        people.recovers()


def test_server_may_be_down_at_the_start(server):
    server.kill()
    try:
        people = People(user_query=server.query, user_db_uri=server.uri())
        people.fails()
    finally:
        server.start()
    people.recovers()
    people.close()
    assert people.stderr.count("it is tried again") == 1
    assert "p@ss" not in people.stderr and "p%40" not in people.stderr
