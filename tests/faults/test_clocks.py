"""Clocks that jump: the wall clock either way, as when a machine learns the time after its start, and the monotonic one
forward, as when a frozen machine goes on."""

import contextlib
import datetime
import re
import signal
import socket
import sqlite3
import time

import pytest

from support import preload
from support.certificates import Authority
from support.daemon import Daemon, pox_request
from support.wire import answers

SEED = {"version": 2, "provider": "Example", "domains": [{"name": "example.com"}, {"name": "example.org"}],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
                     "user_name": "%EMAILADDRESS%", "authentication": "plain"},
                    {"name": "smtp.example.com", "port": 465, "type": "smtp", "socket_type": "SSL"}]}
DAY = 86400
YEAR = 366 * DAY
SOON = 3.0  # a sanitized daemon on a busy machine
PROXY = {"X-Forwarded-For": "203.0.113.1"}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return preload.Library("clock_shift", str(tmp_path_factory.mktemp("clock")))


@pytest.fixture
def page(tmp_path):
    return preload.Page(str(tmp_path), "qq")


def shifted(library, page, config, **options):
    return Daemon(config, seed=SEED, env=preload.environment({library: page}), **options)


def ask(daemon, domain, status, headers=None):
    began = time.monotonic()
    answer = daemon.get(f"/mail/config-v1.1.xml?emailaddress=a@{domain}", headers=headers)
    assert answer.status == status and time.monotonic() - began < SOON, (answer, time.monotonic() - began)


def eventually(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.02)


def reload(daemon):
    daemon.signal(signal.SIGHUP)
    end = time.monotonic() + 20
    said = b""
    while b"READY=1" not in said:
        assert time.monotonic() < end, daemon.stderr()[-500:]
        with contextlib.suppress(TimeoutError):
            said = daemon.notify.recv(4096)


# Also before 1970, and past what 32 bits hold.
JUMPS = [DAY, -DAY, 10 * YEAR, -10 * YEAR, 100 * YEAR, -70 * YEAR, 0]


def test_wall_clock(library, page):
    """Nothing but the dates in the log goes by it."""
    config = {"cache_ttl": "1h", "rate_limit": 1, "trusted_proxies": "127.0.0.1", "lookup_timeout": "2s"}
    with shifted(library, page, config) as daemon:
        ask(daemon, "example.com", 200)
        for number in range(300):  # all that this client may
            ask(daemon, f"n{number}.example", 404, PROXY)
        ask(daemon, "example.com", 429, PROXY)
        with contextlib.closing(sqlite3.connect(daemon.database)) as connection, connection:
            connection.execute("DELETE FROM domain WHERE name = 'example.com'")
        with socket.create_connection(daemon.address, timeout=20) as kept:
            for number, jump in enumerate(JUMPS):
                page.write(jump, 0)
                ask(daemon, "example.com", 200)  # what the cache knows, it knows on
                ask(daemon, f"jump{number}.example", 404)  # what it does not know is asked for
                ask(daemon, "example.com", 429, PROXY)
                answer = daemon.post("/autodiscover/autodiscover.xml", pox_request("a@example.com", "urn:nothing"))
                assert answer.status == 200 and re.search(r'Time="\d\d:\d\d:\d\d\.\d{7}"', answer.text), answer.text
                kept.sendall(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
                assert answers(kept.recv(65536))[0].status == 200
                year = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=jump)).year
                assert f"\n{year}-" in daemon.stderr(), daemon.stderr()[-500:]


def test_wall_clock_at_start_and_reload(library, page):
    for jump in JUMPS:
        page.write(jump, 0)
        with shifted(library, page, {}) as daemon:
            ask(daemon, "example.com", 200)
            page.write(-jump, 0)
            reload(daemon)
            ask(daemon, "example.com", 200)
            ask(daemon, "unknown.example", 404)


def test_a_signature_goes_by_the_date(library, page, tmp_path):
    certificate, key = Authority(str(tmp_path)).issue("signer")
    config = {"profile_certificate": certificate, "profile_key": key}
    with shifted(library, page, config, allow=["the certificate ended", "not valid yet"]) as daemon:
        for jump in JUMPS:
            page.write(jump, 0)
            answer = daemon.get("/mobileconfig?emailaddress=a@example.com")
            assert answer.status == (200 if abs(jump) < DAY + 1 else 503), (jump, answer)
            assert answer.status == 200 or "certificate" in answer.text


def test_wall_clock_while_a_directory_is_waited_for(library, page):
    """One that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        mute.settimeout(20)
        seed = {"version": 3, "ldapservers": [{"id": 1, "name": "127.0.0.1", "port": mute.getsockname()[1], "use_ssl": False,
                                               "search_base": "dc=example", "search_filter": "(mail={address})"}],
                "providers": [{"name": "Example", "servers": SEED["servers"],
                               "domains": [{"name": "example.com", "ldapserver": 1}]}]}
        config = {"lookup_timeout": "1s", "user_cache_ttl": "0s", "cache_ttl": "1h"}
        for jump in JUMPS:
            page.write(0, 0)
            with Daemon(config, seed=seed, env=preload.environment({library: page}), allow=["WARNING", "ERROR"]) as daemon, \
                    socket.create_connection(daemon.address, timeout=20) as asking:
                asking.sendall(b"GET /mail/config-v1.1.xml?emailaddress=a@example.com HTTP/1.1\r\nHost: a\r\n\r\n")
                with mute.accept()[0]:
                    page.write(jump, 0)
                    began = time.monotonic()
                    assert answers(asking.recv(65536))[0].status == 200, "the domain's own answer"
                    assert time.monotonic() - began < 1 + SOON


def test_monotonic_clock(library, page):
    """All deadlines have passed at once; then all goes on."""
    config = {"cache_ttl": "1h", "stale_ttl": "0s", "rate_limit": 1, "trusted_proxies": "127.0.0.1", "lookup_timeout": "2s",
              "idle_timeout": "1h", "http_threads": 1, "lookup_workers": 1}
    allow = ["database is locked", "WARNING", "ERROR"]
    with shifted(library, page, config, allow=allow) as daemon:
        total = 0
        for leap in (6 * 3600, 30 * DAY, 10 * YEAR):
            ask(daemon, "example.com", 200)
            for number in range(300):
                ask(daemon, f"n{number}.example", 404, PROXY)
            ask(daemon, "example.com", 429, PROXY)
            holder = sqlite3.connect(daemon.database, isolation_level=None)
            holder.execute("BEGIN EXCLUSIVE")
            with socket.create_connection(daemon.address, timeout=20) as idle, \
                    socket.create_connection(daemon.address, timeout=20) as waiting:
                idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                assert answers(idle.recv(65536))[0].status == 200
                waiting.sendall(f"GET /mail/config-v1.1.xml?emailaddress=a@w{leap}.example HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                assert daemon.get("/healthz").status == 200  # the only thread has read that now
                total += leap
                page.write(0, total)
                began = time.monotonic()
                assert answers(waiting.recv(65536))[0].status == 503
                assert time.monotonic() - began < 2 + SOON
                assert idle.recv(65536) == b"", "it has been idle for very long"
            holder.close()
            eventually(lambda: daemon.get("/readyz").status == 200)
            ask(daemon, "example.com", 200)
            ask(daemon, "example.com", 200, PROXY)
        reload(daemon)
        ask(daemon, "example.org", 200)
