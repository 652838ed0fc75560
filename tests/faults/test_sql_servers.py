"""PostgreSQL and MariaDB, real ones: the cases of every database, TLS, and servers that die, freeze or dawdle."""

import os
import subprocess
import time

import pytest

from support.daemon import BUILD
from support.databases import mariadb, postgresql

PROGRAM = os.path.join(BUILD, "tests", "unit", "test_sql_driver")
# Answers under a sanitizer on a busy machine; what is measured against it is the deadline of a second.
SLACK_MS = 700


class Session:
    """A connection that obeys one command after the other; the answer is (status, milliseconds, text)."""

    def __init__(self, uri, timeout=1000):
        self.process = subprocess.Popen([PROGRAM, uri, str(timeout)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, bufsize=1)

    def __call__(self, line):
        self.process.stdin.write(line + "\n")
        status, elapsed, text = self.process.stdout.readline().rstrip("\n").split(" ", 2)
        return status, int(elapsed), text

    def good(self, line):
        status, _, text = self(line)
        assert status == "ok", f"{line}: {status} {text}"
        return text

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.process.stdin.close()
        self.process.stdout.close()
        # A leak is found by the sanitizer, which then exits with its own code.
        assert self.process.wait(30) == 0


@pytest.fixture(scope="module", params=[postgresql, mariadb], ids=["postgresql", "mariadb"])
def server(request):
    with request.param(tls=True) as running:
        running.is_mariadb = request.param is mariadb
        yield running


def ca_options(server, ca):
    return f"?ssl_ca={ca}" if server.is_mariadb else f"?sslmode=verify-full&sslrootcert={ca}"


def test_cases_of_every_database(server):
    server.create("cases")
    for uri in (server.uri("cases"), server.socket_uri("cases"),
                server.uri("cases", ca_options(server, server.certificates.ca))):
        done = subprocess.run([PROGRAM], env={**os.environ, "AUTOMXD_TEST_DB_URI": uri}, capture_output=True, text=True)
        assert done.returncode == 0, f"{uri}\n{done.stdout}\n{done.stderr}"


def test_certificate_of_another_ca_is_refused(server):
    with Session(server.uri(options=ca_options(server, server.certificates.other_ca))) as session:
        status, _, text = session("open")
        assert status == "backend"
        assert "certificate" in text


def test_unknown_tls_option_stops(server):
    """A slip must not end in an unencrypted connection."""
    with Session(server.uri(options="?sslrootcertificate=/nowhere")) as session:
        status, _, text = session("open")
        assert status == "invalid"
        assert "sslrootcertificate" in text


def test_connection_is_encrypted_when_told(server):
    question = ("ask SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'ssl_version'"
                if server.is_mariadb else "ask SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    with Session(server.uri(options=ca_options(server, server.certificates.ca))) as session:
        assert session.good(question).startswith("TLSv1.")


def test_wrong_password_is_told_without_it(server):
    uri = server.uri().replace(":p%40ss", ":Xx%40ss")
    with Session(uri) as session:
        status, _, text = session("open")
        assert status == "backend"
        assert "automxd" in text and "@ss" not in text and "%40ss" not in text


def test_nobody_listens():
    for uri in ("postgresql://u:pw1234@127.0.0.1:1/d", "mysql://u:pw1234@127.0.0.1:1/d",
                "mysql://u:pw1234@localhost/d?unix_socket=/nowhere/socket", "postgresql://u@/d?host=/nowhere"):
        with Session(uri) as session:
            status, elapsed, text = session("open")
            assert status == "backend", uri
            assert elapsed < 1000 + SLACK_MS
            assert "pw1234" not in text


def test_reconnects_after_a_crash(server):
    with Session(server.uri()) as session:
        assert session.good("ask SELECT 41 + 1") == "42"
        server.kill()
        try:
            status, elapsed, _ = session("ask SELECT 41 + 1")
            assert status == "backend"
            assert elapsed < 1000 + SLACK_MS
        finally:
            server.start()
        assert session.good("ask SELECT 41 + 1") == "42"


def test_notices_no_restart_between_two_questions(server):
    with Session(server.uri(), timeout=5000) as session:
        assert session.good("ask SELECT 41 + 1") == "42"
        server.kill()
        server.start()
        assert session.good("ask SELECT 41 + 1") == "42"


def test_never_goes_on_with_a_transaction_on_a_new_connection(server):
    server.sql("CREATE TABLE half (a INTEGER)")
    with Session(server.uri(), timeout=5000) as session:
        session.good("begin")
        session.good("run INSERT INTO half VALUES (1)")
        server.kill()
        server.start()
        assert session("run INSERT INTO half VALUES (2)")[0] == "backend"
        assert session("run INSERT INTO half VALUES (3)")[0] == "backend"
        assert session("commit")[0] == "backend"
        session.good("rollback")
        assert session.good("ask SELECT count(*) FROM half") == "0"


def test_failed_transaction_is_not_called_committed(server):
    server.sql("CREATE TABLE whole (a INTEGER PRIMARY KEY)")
    with Session(server.uri()) as session:
        session.good("begin")
        session.good("run INSERT INTO whole VALUES (1)")
        assert session("run INSERT INTO whole VALUES (1)")[0] == "invalid"
        if server.is_mariadb:
            session.good("rollback")
        else:
            assert session("commit")[0] == "backend"
            session.good("rollback")
        assert session.good("ask SELECT count(*) FROM whole") == "0"


def test_frozen_server_holds_nobody_past_the_deadline(server):
    with Session(server.uri()) as session, Session(server.uri()) as late:
        assert session.good("ask SELECT 41 + 1") == "42"
        server.freeze()
        try:
            for question in ("ask SELECT 41 + 1", "ask SELECT 41 + 1", "ask SELECT 5", "run SELECT 5"):
                status, elapsed, text = session(question)
                assert status == "backend", text
                assert elapsed < 1000 + SLACK_MS
            status, elapsed, _ = late("open")
            assert status == "backend"
            assert elapsed < 1000 + SLACK_MS
        finally:
            server.thaw()
        assert session.good("ask SELECT 41 + 1") == "42"
        assert late.good("ask SELECT 41 + 1") == "42"


def test_slow_statement_ends_here_and_in_the_server(server):
    running = ("SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'SELECT SLEEP(30%'"
               if server.is_mariadb
               else "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(30%' AND state = 'active'")
    with Session(server.uri(), timeout=400) as session:
        status, elapsed, text = session("ask SELECT " + ("SLEEP(30)" if server.is_mariadb else "pg_sleep(30)"))
        assert status == "backend"
        assert "400 ms" in text
        assert 390 <= elapsed < 400 + SLACK_MS
        assert session.good("ask SELECT 41 + 1") == "42"
        end = time.monotonic() + 10
        while server.sql(running).strip() != "0":
            assert time.monotonic() < end, "the statement still runs in the server"
            time.sleep(0.1)
        # A longer deadline reaches the server too.
        session.good("timeout 5000")
        session.good("ask SELECT " + ("SLEEP(2)" if server.is_mariadb else "pg_sleep(2)"))


def test_missing_right_is_refused(server):
    server.sql("CREATE TABLE closed (a INTEGER)")
    if server.is_mariadb:
        server.sql("CREATE USER reader@'%' IDENTIFIED BY 'pw'; GRANT SELECT ON automxd.* TO reader@'%'")
        uri = f"mysql://reader:pw@127.0.0.1:{server.port}/automxd"
    else:
        server.sql("CREATE USER reader PASSWORD 'pw'; GRANT SELECT ON closed TO reader")
        uri = f"postgresql://reader:pw@127.0.0.1:{server.port}/postgres"
    with Session(uri) as session:
        assert session.good("ask SELECT count(*) FROM closed") == "0"
        assert session("run INSERT INTO closed VALUES (1)")[0] == "refused"


def test_value_of_the_wrong_type_is_not_repeated(server):
    """It may be somebody's address, and the message goes to the log."""
    server.sql("CREATE TABLE typed (a INTEGER)")
    with Session(server.uri()) as session:
        status, _, text = session("ask SELECT a FROM typed WHERE a = ?")
        assert status in ("ok", "invalid")
        assert "value" not in text or "a value does not fit" in text


def test_bits_are_numbers(server):
    """MariaDB sends BIT as bytes, and user databases have BIT(1) for yes and no."""
    wide = "BIT(12)" if server.is_mariadb else "INTEGER"
    server.sql(f"CREATE TABLE bits (a BIT(1), b {wide})")
    server.sql("INSERT INTO bits VALUES (b'1', " + ("b'100000000011')" if server.is_mariadb else "2051)"))
    with Session(server.uri(), timeout=5000) as session:
        assert session.good("ask SELECT a FROM bits") == "1"
        assert session.good("ask SELECT b FROM bits") == "2051"
