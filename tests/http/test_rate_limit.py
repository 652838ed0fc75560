"""The setting rate_limit: who asks for too much that costs something is answered 429, nobody else notices."""

import time

import pytest

from support.certificates import Authority
from support.daemon import Daemon

SEED = {"version": 2, "provider": "Example", "domains": [{"name": "example.com"}, {"name": "example.org"}],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
                     "user_name": "%EMAILADDRESS%", "authentication": "plain"},
                    {"name": "smtp.example.com", "port": 465, "type": "smtp", "socket_type": "SSL"}]}
BURST = 300
# Ten minutes for one: a slow machine gives nobody a second chance within a test.
PROXIED = {"trusted_proxies": "127.0.0.1", "rate_limit": 1}


def asker(daemon, client):
    def ask(path="/mail/config-v1.1.xml", host="autoconfig.example.com", method="GET", **options):
        return daemon.request(method, path, host, headers={"X-Forwarded-For": client}, **options)
    return ask


def unknown(ask, number):
    return ask(f"/mail/config-v1.1.xml?emailaddress=a@unknown{number}.example")


def spend(ask):
    """Asks for what is not there until the client is told to wait; returns how often it was served, and the refusal."""
    for number in range(BURST * 2):
        answer = unknown(ask, number)
        if answer.status == 429:
            return number, answer
        assert answer.status == 404
    raise AssertionError("nobody was limited")


def test_a_client_that_asks_for_too_much():
    with Daemon(PROXIED, seed=SEED) as daemon:
        greedy, neighbour = asker(daemon, "203.0.113.1"), asker(daemon, "203.0.113.2")
        served, refusal = spend(greedy)
        assert served == BURST
        assert 1 <= int(refusal.headers["Retry-After"]) <= 60
        assert refusal.content_type.startswith("text/plain") and refusal.headers["Cache-Control"] == "no-store"
        assert greedy("/").status == 429
        assert greedy("/autodiscover/autodiscover.xml", method="POST", body=b"<a/>").status == 429
        assert neighbour().status == 200
        assert unknown(neighbour, 1).status == 404
        # this machine's own monitoring goes on
        assert daemon.get("/healthz").status == 200


def test_a_network_of_ipv6_is_one_client():
    with Daemon(PROXIED, seed=SEED) as daemon:
        spend(asker(daemon, "2001:db8:1:2::1"))
        assert asker(daemon, "2001:db8:1:2:abcd::ffff")().status == 429
        assert asker(daemon, "2001:db8:1:3::1")().status == 200


def test_what_the_cache_knows_costs_nothing():
    with Daemon(PROXIED, seed=SEED) as daemon:
        ask = asker(daemon, "203.0.113.1")
        assert {ask().status for _ in range(BURST * 3)} == {200}
        assert {ask("/").status for _ in range(BURST * 2)} == {200}
        assert unknown(ask, 1).status == 404


def test_a_signature_costs(tmp_path):
    certificate, key = Authority(str(tmp_path)).issue("signer", key="P-256")
    profile = "/mobileconfig?emailaddress=a@example.com"
    for signed in (False, True):
        with Daemon({**PROXIED, **({"profile_certificate": certificate, "profile_key": key} if signed else {})},
                    seed=SEED) as daemon:
            ask = asker(daemon, "203.0.113.1")
            assert ask().status == 200  # the only one that is not cached
            statuses = [ask(profile).status for _ in range(BURST + 20)]
            assert statuses == ([200] * (BURST - 1) + [429] * 21 if signed else [200] * (BURST + 20))


def test_it_is_paid_back():
    with Daemon({**PROXIED, "rate_limit": 600}, seed=SEED) as daemon:  # ten a second
        ask = asker(daemon, "203.0.113.1")
        spend(ask)
        end = time.monotonic() + 20
        while ask().status != 200:
            assert time.monotonic() < end


@pytest.mark.parametrize("config, headers", [
    ({"rate_limit": 0, "trusted_proxies": "127.0.0.1"}, {"X-Forwarded-For": "203.0.113.1"}),
    ({"rate_limit": 1}, {}),                                            # a process on this machine
    ({"rate_limit": 1}, {"X-Forwarded-For": "203.0.113.1"}),            # a proxy on it that nobody told us of
    ({"rate_limit": 1, "trusted_proxies": "127.0.0.1"}, {}),            # one that does not say who asks
    ({"rate_limit": 1, "trusted_proxies": "127.0.0.1, 203.0.113.0/24"}, {"X-Forwarded-For": "203.0.113.1"}),
], ids=["off", "loopback", "unknown proxy", "silent proxy", "outer proxy"])
def test_who_is_not_limited(config, headers):
    with Daemon(config, seed=SEED) as daemon:
        for number in range(BURST * 2):
            assert daemon.get(f"/nothing{number}", headers=headers).status == 404


def test_the_default_lets_a_mail_client_try_everything():
    with Daemon({"trusted_proxies": "127.0.0.1"}, seed=SEED) as daemon:
        ask = asker(daemon, "203.0.113.1")
        assert {unknown(ask, number).status for number in range(30)} == {404}


def test_sighup_changes_the_limit():
    with Daemon({**PROXIED, "rate_limit": 0}, seed=SEED) as daemon:
        ask = asker(daemon, "203.0.113.1")
        assert {unknown(ask, number).status for number in range(BURST * 2)} == {404}
        daemon.write_config(PROXIED)
        daemon.signal(1)
        end = time.monotonic() + 10
        while unknown(ask, 1).status != 429:
            assert time.monotonic() < end
