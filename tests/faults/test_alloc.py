"""Memory that runs out at every point of a request: the answer is right or 503 or the connection ends, never a crash, and
the next request is served."""

import json
import os
import struct
import time

import pytest

from support import preload
from support.certificates import Authority
from support.daemon import AUTOMXD, Daemon, pox_request
from support.databases import Slapd, mariadb, postgresql, slapd
from support.wire import answers, exchange

RELEASE = os.environ.get("AUTOMXD_RELEASE_BUILD")
PROGRAM = os.path.join(RELEASE, "automxd") if RELEASE else AUTOMXD
SERVERS = [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
            "user_name": "%EMAILADDRESS%", "authentication": "plain"},
           {"name": "smtp.example.com", "port": 465, "type": "smtp", "socket_type": "SSL"},
           {"url": "https://dav.example.com/", "type": "caldav"}, {"url": "https://eas.example.com/", "type": "activesync"}]
SEED = {"version": 3, "providers": [{"name": "Example", "domains": [{"name": "example.com"}], "servers": SERVERS}]}
MOBILESYNC = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"


def get(path, host):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()


def post(path, host, body):
    return f"POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def pox(schema=None):
    return post("/autodiscover/autodiscover.xml", "autodiscover.example.com", pox_request("a@example.com", schema))


PERSON = get("/mail/config-v1.1.xml?emailaddress=a@example.com", "autoconfig.example.com")
REQUESTS = {
    "autoconfig": PERSON,
    "host": get("/mail/config-v1.1.xml", "autoconfig.example.com"),
    "unknown": get("/mail/config-v1.1.xml?emailaddress=a@m%C3%BCller.example", "autoconfig.example.com"),
    "profile": get("/mobileconfig?emailaddress=a@example.com&name=Zoe", "autoconfig.example.com"),
    "pox": pox(),
    "mobilesync": pox(MOBILESYNC),
    "v2": get("/autodiscover/autodiscover.json?Email=a@example.com&Protocol=ActiveSync", "autodiscover.example.com"),
    "v2 refused": get("/autodiscover/autodiscover.json?Email=a@example.com&Protocol=REST", "autodiscover.example.com"),
    "pacc": get("/.well-known/user-agent-configuration.json", "ua-auto-config.example.com"),
    "caldav": get("/.well-known/caldav", "example.com"),
    "page": get("/", "a"),
    "ready": get("/readyz", "a"),
}
EMPTY = b"DELETE /initdb/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
FILL = post("/initdb/", "localhost", json.dumps(SEED).encode())
NORMAL = {"unknown": 404, "v2 refused": 400, "caldav": 307}  # the rest is 200


@pytest.fixture(scope="module")
def libraries(tmp_path_factory):
    with open(PROGRAM, "rb") as file:
        assert b"__asan_init" not in file.read(), "needs a build without sanitizers: AUTOMXD_RELEASE_BUILD"
    directory = str(tmp_path_factory.mktemp("alloc"))
    return preload.Library("alloc_fail", directory), preload.Library("clock_shift", directory)


class Order(preload.Page):
    """Which allocations fail: from, to; and how many there were."""

    def living(self):
        """How many there are that were not freed, once the last connection is closed."""
        def count():
            time.sleep(0.01)
            return struct.unpack("=i", self.map[12:16])[0]

        return min(count() for _ in range(10))


class Starved(Daemon):
    """A daemon whose every allocation can be made to fail, and for which time passes when it has to."""

    def __init__(self, libraries, directory, config, **options):
        self.order, self.clock, self.leapt = Order(str(directory), "III"), preload.Page(str(directory), "qq"), 0
        config = {"loglevel": "INFO", "lookup_timeout": "2s", "lookup_workers": 1, **config}
        environment = preload.environment(dict(zip(libraries, (self.order, self.clock))))
        super().__init__(config, program=PROGRAM, env=environment, allow=["."], **options)

    def ask_starved(self, data, first=0, last=0):
        """The answer to a request, of which the allocations of these numbers fail, or None when the connection just
        ended; and how many allocations it took."""
        self.order.write(0, last, 0)
        self.order.write(first, last, 0)
        found = answers(exchange(self.address, data))
        count = self.order.read()[2]
        self.order.write(0, 0, 0)
        assert len(found) < 2, found
        return found[0] if found else None, count

    def ask_well(self, data, good):
        """The good answer, and how many allocations it took. What failed is not asked again at once."""
        end = time.monotonic() + 30
        while time.monotonic() < end:
            answer, count = self.ask_starved(data)
            if answer and good(answer):
                return answer, count
            self.leapt += 3
            self.clock.write(0, self.leapt)
            time.sleep(0.01)
        raise AssertionError((answer, self.stderr()[-2000:]))

    def try_every_point(self, data, good, from_there_on, tolerable=lambda answer: False):
        """good: whether an answer is what there is when nothing fails; tolerable: whether it may be given when something
        does. Returns the number of points."""
        self.ask_well(data, good)
        _, points = self.ask_well(data, good)
        assert points > 5
        living = []
        for _ in range(3):
            for point in range(1, points + 1):
                answer, _ = self.ask_starved(data, point, 2 ** 32 - 1 if from_there_on else point)
                assert self.process.poll() is None, (point, self.stderr()[-2000:])
                assert not answer or answer.status == 503 or good(answer) or tolerable(answer), (point, answer)
                self.ask_well(data, good)
            living.append(self.order.living())
        assert not living[0] < living[1] < living[2], ("every time something is left", living)
        return points


def same(normal):
    return lambda answer: answer.status == normal.status and answer.body == normal.body


HOW = pytest.mark.parametrize("from_there_on", [False, True], ids=["one", "all"])


@HOW
@pytest.mark.parametrize("cached", [True, False], ids=["cached", "asked"])
def test_every_allocation_of_a_request(libraries, tmp_path, cached, from_there_on):
    with Starved(libraries, tmp_path, {"cache_ttl": "1h" if cached else "0s"}, seed=SEED) as daemon:
        for name, data in REQUESTS.items():
            normal, _ = daemon.ask_well(data, lambda answer: answer.status == NORMAL.get(name, 200))
            print(name, daemon.try_every_point(data, same(normal), from_there_on))


@HOW
def test_every_allocation_of_a_signature(libraries, tmp_path, from_there_on):
    authority = Authority(str(tmp_path))
    certificate, key = authority.issue("signer")

    def good(answer):
        return answer.status == 200 and b"imap.example.com" in (authority.verify(answer.body, str(tmp_path)) or b"")

    config = {"cache_ttl": "1h", "profile_certificate": certificate, "profile_key": key, "profile_chain": authority.chain}
    with Starved(libraries, tmp_path, config, seed=SEED) as daemon:
        print(daemon.try_every_point(REQUESTS["profile"], good, from_there_on))


def try_points_of_filling(daemon, from_there_on, step=1):
    """All or nothing, and nothing but what is meant. step: 1 tries every allocation."""
    def is_filled(answer):
        return answer.status == 200

    def is_empty(answer):
        return answer.status == 404

    daemon.ask_well(EMPTY, is_filled)
    _, points = daemon.ask_well(FILL, is_filled)
    whole, _ = daemon.ask_well(PERSON, is_filled)
    for point in range(1, points + 1, step):
        daemon.ask_well(EMPTY, is_filled)
        answer, _ = daemon.ask_starved(FILL, point, 2 ** 32 - 1 if from_there_on else point)
        assert daemon.process.poll() is None, (point, daemon.stderr()[-2000:])
        assert not answer or answer.status in (200, 503), (point, answer)
        found, _ = daemon.ask_well(PERSON, lambda answer: is_filled(answer) or is_empty(answer))
        assert same(whole)(found) or (is_empty(found) and not (answer and is_filled(answer))), (point, answer, found)
    daemon.ask_well(FILL, is_filled)
    print("filling", points)


@HOW
def test_every_allocation_of_filling(libraries, tmp_path, from_there_on):
    with Starved(libraries, tmp_path, {"cache_ttl": "0s", "db_uri": "sqlite:///:memory:"}, seed=SEED) as daemon:
        try_points_of_filling(daemon, from_there_on, 7 if from_there_on else 1)


def has_login(answer):
    return answer.status == 200 and b"<username>u123</username>" in answer.body


def is_general(answer):
    """Somebody whose login is not known now is answered as everybody is."""
    return answer.status == 200 and b"<username>%EMAILADDRESS%</username>" in answer.body


@HOW
def test_every_allocation_of_a_directory(libraries, tmp_path, from_there_on):
    ldif = (f"dn: cn=Jane,{Slapd.base}\nobjectClass: inetOrgPerson\ncn: Jane\nsn: x\nuid: u123\nmail: a@example.com\n\n")
    with slapd(ldif=ldif) as server:
        row = {"id": 1, "name": "127.0.0.1", "port": server.port, "use_ssl": False, "search_base": Slapd.base,
               "search_filter": "(mail={0})", "bind_user": Slapd.admin, "bind_password": Slapd.password}
        seed = {"version": 3, "ldapservers": [row], "providers": [
            {"name": "Example", "servers": SERVERS, "domains": [{"name": "example.com", "ldapserver": 1}]}]}
        config = {"cache_ttl": "1h", "user_cache_ttl": "0s"}
        with Starved(libraries, tmp_path, config, seed=seed) as daemon:
            print(daemon.try_every_point(PERSON, has_login, from_there_on, is_general))


DATABASES = {"postgresql": postgresql, "mariadb": mariadb}


@pytest.fixture(scope="module", params=DATABASES)
def server(request):
    with DATABASES[request.param]() as running:
        yield running


@HOW
def test_every_allocation_of_a_database(libraries, server, tmp_path, from_there_on):
    name = "all" + str(int(from_there_on))
    server.create(name)
    config = {"cache_ttl": "0s", "db_uri": server.uri(name), "lookup_timeout": "10s"}
    with Starved(libraries, tmp_path, config, seed=SEED) as daemon:
        for request in ("autoconfig", "unknown", "ready"):
            data = REQUESTS[request]
            normal, _ = daemon.ask_well(data, lambda answer: answer.status == NORMAL.get(request, 200))
            print(request, daemon.try_every_point(data, same(normal), from_there_on))
        try_points_of_filling(daemon, from_there_on, 7)


@HOW
def test_every_allocation_of_a_query(libraries, server, tmp_path, from_there_on):
    name = "query" + str(int(from_there_on))
    server.create(name)
    server.sql("CREATE TABLE mailbox (address VARCHAR(99), login VARCHAR(99)); INSERT INTO mailbox VALUES ('a@example.com', 'u123')",
               name)
    config = {"cache_ttl": "1h", "user_cache_ttl": "0s", "user_db_uri": server.uri(name),
              "user_query": "SELECT login FROM mailbox WHERE address = :address"}
    with Starved(libraries, tmp_path, config, seed=SEED) as daemon:
        print(daemon.try_every_point(PERSON, has_login, from_there_on, is_general))
