"""The real Thunderbird's own look-up against automxd: what its account wizard would fill in."""

import contextlib

import pytest

from support import proxies
from support.daemon import Daemon
from support.socks import Socks
from support.thunderbird import Thunderbird

# The numbers of Thunderbird's AccountConfig: socketType 2 is STARTTLS, 3 TLS; auth 3 is a password in clear text.
STARTTLS, TLS, PASSWORD = 2, 3, 3

SQL = """
CREATE TABLE provider (id INTEGER PRIMARY KEY, name VARCHAR(128) NOT NULL, short_name VARCHAR(32) NOT NULL);
CREATE TABLE server (id INTEGER PRIMARY KEY, prio INTEGER NOT NULL DEFAULT 10, name VARCHAR(128) NOT NULL,
    port INTEGER NOT NULL, type VARCHAR(32) NOT NULL, socket_type VARCHAR(32) NOT NULL,
    user_name VARCHAR(64) NOT NULL, authentication VARCHAR(32) NOT NULL);
CREATE TABLE ldapserver (id INTEGER PRIMARY KEY, name VARCHAR(128) NOT NULL, port INTEGER NOT NULL,
    use_ssl BOOLEAN NOT NULL, search_base VARCHAR(128) NOT NULL, search_filter VARCHAR(128) NOT NULL,
    attr_uid VARCHAR(32) NOT NULL, attr_cn VARCHAR(32), bind_password VARCHAR(128), bind_user VARCHAR(128));
CREATE TABLE domain (id INTEGER PRIMARY KEY, name VARCHAR(128) NOT NULL UNIQUE,
    provider_id INTEGER NOT NULL REFERENCES provider(id), ldapserver_id INTEGER REFERENCES ldapserver(id));
CREATE TABLE server_domain (server_id INTEGER NOT NULL, domain_id INTEGER NOT NULL, PRIMARY KEY (server_id, domain_id));
INSERT INTO provider VALUES (1, 'Ham & Eggs', 'H+E');
INSERT INTO domain(id, name, provider_id) VALUES (1, 'plus.example', 1), (2, 'wellknown.example', 1), (3, 'poponly.example', 1);
INSERT INTO server(id, name, port, type, socket_type, user_name, authentication) VALUES
    (1, 'imap.plus.example', 993, 'imap', 'SSL', '%EMAILADDRESS%', 'plain'),
    (2, 'smtp.plus.example', 587, 'smtp', 'STARTTLS', '%EMAILADDRESS%', 'plain'),
    (3, 'mail.wellknown.example', 143, 'imap', 'STARTTLS', '%EMAILLOCALPART%', 'plain'),
    (4, 'mail.wellknown.example', 465, 'smtp', 'SSL', '%EMAILLOCALPART%', 'plain'),
    (5, 'pop.poponly.example', 995, 'pop', 'SSL', '%EMAILADDRESS%', 'plain');
INSERT INTO server_domain VALUES (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (2, 3);
"""


@pytest.fixture(scope="module")
def wizard():
    with contextlib.ExitStack() as stack:
        daemon = stack.enter_context(Daemon({"proxy_count": 1}, sql=SQL))
        proxy = stack.enter_context(proxies.nginx(daemon.port))
        both = {80: ("127.0.0.1", proxy.http_port), 443: ("127.0.0.1", proxy.https_port)}
        routes = {"autoconfig.plus.example": both,
                  # Its web site's own proxy rule would do this: only the domain itself leads to automxd, on plain http.
                  "wellknown.example": {80: ("127.0.0.1", daemon.port)},
                  "autodiscover.poponly.example": both, "autoconfig.unknown.example": both}
        socks = stack.enter_context(Socks(routes))
        yield stack.enter_context(Thunderbird(socks.port)), socks


def test_address_with_a_plus_sign(wizard):
    thunderbird, _ = wizard
    found = thunderbird.find_config("jane+news@plus.example")
    assert found["found"], found
    assert found["incoming"] == {"type": "imap", "hostname": "imap.plus.example", "port": 993, "socketType": TLS,
                                 "auth": PASSWORD, "username": "jane+news@plus.example"}
    assert found["outgoing"] == {"type": "smtp", "hostname": "smtp.plus.example", "port": 587, "socketType": STARTTLS,
                                 "auth": PASSWORD, "username": "jane+news@plus.example"}
    assert found["displayName"] == "Ham & Eggs"


def test_domain_that_is_served_by_well_known_only(wizard):
    thunderbird, socks = wizard
    found = thunderbird.find_config("joe@wellknown.example")
    assert found["found"], found
    assert ("autoconfig.wellknown.example", 80) in socks.asked
    assert found["incoming"] == {"type": "imap", "hostname": "mail.wellknown.example", "port": 143,
                                 "socketType": STARTTLS, "auth": PASSWORD, "username": "joe"}
    assert found["outgoing"]["port"] == 465 and found["outgoing"]["socketType"] == TLS


def test_domain_that_only_autodiscover_leads_to(wizard):
    found = wizard[0].find_config("joe@poponly.example")
    assert found["found"], found
    assert found["incoming"]["type"] == "pop3" and found["incoming"]["port"] == 995
    assert found["incoming"]["username"] == "joe@poponly.example" and found["incoming"]["socketType"] == TLS


def test_unknown_domain_ends_without_a_configuration(wizard):
    found = wizard[0].find_config("joe@unknown.example")
    assert not found["found"] and "error" not in found, found
