"""Databases and directories that are killed, frozen and brought back while automxd is asked: what was known goes on being
served, nobody waits for what is not there, and what works is not held up by what does not."""

import http.client
import statistics
import threading
import time

import pytest

from support.daemon import Daemon
from support.databases import mariadb, postgresql, slapd

SERVERS = [
    {"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL", "user_name": "%EMAILADDRESS%",
     "authentication": "plain"},
    {"name": "smtp.example.com", "port": 465, "type": "smtp", "socket_type": "SSL", "user_name": "%EMAILADDRESS%",
     "authentication": "plain"},
]
DOMAINS = [f"d{number}.example" for number in range(40)]
# lookup_timeout is 2.5 s; the rest is what a busy machine may take.
ANSWERED_SECONDS = 4
RECOVERY_SECONDS = 6
# What the trouble may say on stderr.
TROUBLE = (r"look-ups (fail|work)", r"postgresql|mysql|mariadb|ldap|LDAP|database|server")


def seed(**extra):
    return {"version": 2, "provider": "Example", "domains": [{"name": name} for name in DOMAINS], "servers": SERVERS,
            **extra}


def timed(question):
    begun = time.monotonic()
    answer = question()
    return answer, time.monotonic() - begun


def soon(question, status, seconds):
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer.status == status or time.monotonic() > end:
            return answer
        time.sleep(0.05)


class Load:
    """Asks for known domains without a pause on kept connections, and keeps every answer's status and time."""

    def __init__(self, daemon, domains, threads=2):
        self.daemon = daemon
        self.domains = domains
        self.stopping = threading.Event()
        self.statuses = []
        self.seconds = []
        self.threads = [threading.Thread(target=self.run) for _ in range(threads)]

    def run(self):
        connection = http.client.HTTPConnection(*self.daemon.address, timeout=30)
        turn = 0
        while not self.stopping.is_set():
            domain = self.domains[turn % len(self.domains)]
            turn += 1
            begun = time.monotonic()
            connection.request("GET", f"/mail/config-v1.1.xml?emailaddress=a@{domain}", headers={"Host": domain})
            answer = connection.getresponse()
            answer.read()
            self.statuses.append(answer.status)
            self.seconds.append(time.monotonic() - begun)
        connection.close()

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def tail(self):
        """The 99th percentile of what was answered until now, in seconds."""
        return statistics.quantiles(self.seconds, n=100)[98]


@pytest.fixture(params=[postgresql, mariadb], ids=["postgresql", "mariadb"])
def server(request):
    with request.param() as running:
        running.create("outage")
        yield running


def database_daemon(server, **settings):
    return Daemon({"db_uri": server.uri("outage"), "cache_ttl": "500ms", "loglevel": "WARNING", **settings}, seed=seed(),
                  allow=TROUBLE)


def test_database_killed_under_load(server):
    known = DOMAINS[:20]
    with database_daemon(server) as daemon:
        for domain in known:
            assert daemon.autoconfig(f"a@{domain}").status == 200
        with Load(daemon, known) as load:
            time.sleep(0.3)
            server.kill()
            end = time.monotonic() + 3
            while time.monotonic() < end:
                answer, seconds = timed(lambda: daemon.autoconfig(f"a@{DOMAINS[20]}"))
                assert (answer.status, bool(answer.headers["Retry-After"])) == (503, True), answer
                assert seconds < ANSWERED_SECONDS
            assert daemon.get("/readyz").status == 503
            assert daemon.get("/healthz").status == 200
            server.start()
            answer, seconds = timed(lambda: soon(lambda: daemon.autoconfig(f"a@{DOMAINS[21]}"), 200, 20))
            assert answer.status == 200 and seconds < RECOVERY_SECONDS, (answer, seconds)
            assert soon(lambda: daemon.get("/readyz"), 200, RECOVERY_SECONDS).status == 200
            time.sleep(0.3)
        assert set(load.statuses) == {200}
        assert len(load.statuses) > 100
        # what is asked for after the return is what the database says then
        server.sql(f"DELETE FROM server_domain WHERE domain_id = (SELECT id FROM domain WHERE name = '{known[0]}'); "
                   f"DELETE FROM domain WHERE name = '{known[0]}'", "outage")
        assert soon(lambda: daemon.autoconfig(f"a@{known[0]}"), 404, RECOVERY_SECONDS).status == 404


def test_database_frozen(server):
    with database_daemon(server) as daemon:
        known = DOMAINS[:3]
        for domain in known:
            assert daemon.autoconfig(f"a@{domain}").status == 200
        server.freeze()
        try:
            time.sleep(0.6)  # past cache_ttl
            for domain in known * 3:
                answer, seconds = timed(lambda: daemon.autoconfig(f"a@{domain}"))
                assert answer.status == 200 and seconds < ANSWERED_SECONDS, (domain, answer, seconds)
            # known to be down now: nobody waits for it
            for domain in known * 3:
                answer, seconds = timed(lambda: daemon.autoconfig(f"a@{domain}"))
                assert answer.status == 200 and seconds < 0.5, (domain, answer, seconds)
            answer, seconds = timed(lambda: daemon.autoconfig(f"a@{DOMAINS[10]}"))
            assert answer.status == 503 and answer.headers["Retry-After"] and seconds < ANSWERED_SECONDS
        finally:
            server.thaw()
        assert soon(lambda: daemon.autoconfig(f"a@{DOMAINS[11]}"), 200, RECOVERY_SECONDS).status == 200


LDIF = "".join(f"""
dn: cn=User {number},dc=example,dc=com
objectClass: inetOrgPerson
cn: User {number}
sn: {number}
uid: login{number}
mail: user{number}@people.example
""" for number in range(200)).lstrip("\n")


@pytest.fixture
def directory():
    with slapd(ldif=LDIF) as running:
        yield running


def people_daemon(directory, **settings):
    accounts = seed(ldapservers=[{
        "id": 1, "name": "127.0.0.1", "port": directory.port, "use_ssl": False, "search_base": directory.base,
        "search_filter": "(mail={0})", "attr_uid": "uid", "attr_cn": "cn", "bind_user": directory.admin,
        "bind_password": directory.password}])
    accounts["domains"].append({"name": "people.example", "ldapserver_id": 1})
    return Daemon({"user_cache_ttl": "500ms", "loglevel": "WARNING", **settings}, seed=accounts, allow=TROUBLE)


def asks(daemon, number):
    return daemon.autoconfig(f"user{number}@people.example")


def test_directory_frozen_holds_up_nobody_else(directory):
    with people_daemon(directory) as daemon:
        assert "login1" in asks(daemon, 1).text
        with Load(daemon, DOMAINS) as before:
            time.sleep(3)
        directory.freeze()
        try:
            answers = []

            def ask_for(number):
                answers.append(timed(lambda: asks(daemon, number)))

            with Load(daemon, DOMAINS) as during:
                threads = [threading.Thread(target=ask_for, args=(number,)) for number in range(2, 12)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            for answer, seconds in answers:
                assert answer.status == 200 and "login" not in answer.text and seconds < ANSWERED_SECONDS
            assert "imap.example.com" in answers[0][0].text
            # who was known stays known
            answer, seconds = timed(lambda: asks(daemon, 1))
            assert "login1" in answer.text and seconds < ANSWERED_SECONDS
        finally:
            directory.thaw()
        assert set(before.statuses) == set(during.statuses) == {200}
        # A busy machine makes single answers late, so this is not the 10 % of the design; what the test is for, somebody
        # waiting for the directory, would show as seconds.
        assert during.tail() < before.tail() * 3 + 0.05, (before.tail(), during.tail())
        end = time.monotonic() + RECOVERY_SECONDS
        while "login20" not in asks(daemon, 20).text:
            assert time.monotonic() < end
            time.sleep(0.2)


@pytest.mark.parametrize("refuse", ["general", "refuse"])
def test_directory_stopped(directory, refuse):
    """A directory that is down refuses nobody."""
    with people_daemon(directory, unknown_users=refuse) as daemon:
        assert "login1" in asks(daemon, 1).text
        unknown = asks(daemon, 9999)
        assert unknown.status == (200 if refuse == "general" else 404)
        directory.stop()
        answer, seconds = timed(lambda: asks(daemon, 2))
        assert answer.status == 200 and "imap.example.com" in answer.text and seconds < ANSWERED_SECONDS
        time.sleep(0.6)  # past user_cache_ttl
        assert "login1" in asks(daemon, 1).text
        directory.start()
        end = time.monotonic() + RECOVERY_SECONDS
        while "login3" not in asks(daemon, 3).text:
            assert time.monotonic() < end
            time.sleep(0.2)
