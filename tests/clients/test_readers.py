"""The readers of the scoreboard refuse and misread what the real clients refuse and misread."""

import pytest

import autoconfig_readers as autoconfig
import autodiscover_readers as autodiscover
import scoreboard
from clients import CLIENTS
from domains import KINDS
from found import Found, Refused, Server
from web import Who, form, raw

WHO = Who("joe", "example.test", "example.test")
CONFIG = b"""<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.test">
    <domain>example.test</domain>
    <displayName>Example Mail</displayName>
    <incomingServer type="imap">
      <hostname>imap.example.test</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <incomingServer type="pop3">
      <hostname>pop.example.test</hostname>
      <port>995</port>
      <socketType>SSL</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.example.test</hostname>
      <port>587</port>
      <socketType>STARTTLS</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>
    </outgoingServer>
  </emailProvider>
</clientConfig>
"""
POX = b"""<?xml version="1.0" encoding="UTF-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
      <Protocol>
        <Type>IMAP</Type>
        <Server>imap.example.test</Server>
        <Port>143</Port>
        <LoginName>joe@example.test</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>TLS</Encryption>
      </Protocol>
      <Protocol>
        <Type>SMTP</Type>
        <Server>smtp.example.test</Server>
        <Port>465</Port>
        <LoginName>joe@example.test</LoginName>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>SSL</Encryption>
      </Protocol>
    </Account>
  </Response>
</Autodiscover>
"""
AUTOCONFIG_READERS = [autoconfig.thunderbird, autoconfig.android, autoconfig.evolution, autoconfig.kmail,
                      autoconfig.geary, autoconfig.online_accounts, autoconfig.fairemail, autoconfig.delta_chat,
                      autoconfig.nextcloud, autoconfig.horde, autoconfig.mailspring]
POX_READERS = [autodiscover.thunderbird, autodiscover.fairemail, autodiscover.delta_chat, autodiscover.outlook,
               autodiscover.em_client]


@pytest.mark.parametrize("read", AUTOCONFIG_READERS, ids=lambda read: read.__name__)
def test_a_good_document_is_taken(read):
    found = read(CONFIG, WHO)
    assert found.incoming()[0].place() == ("imap", "imap.example.test", 993)
    assert found.incoming()[0].security == "TLS"
    assert found.incoming()[0].user in (None, "joe@example.test")
    assert found.outgoing()[0].place() == ("smtp", "smtp.example.test", 587)
    assert found.outgoing()[0].security in (None, "STARTTLS")


@pytest.mark.parametrize("read", POX_READERS, ids=lambda read: read.__name__)
def test_a_good_answer_is_taken(read):
    found = read(POX, WHO)
    assert found.incoming()[0].place() == ("imap", "imap.example.test", 143)
    assert found.incoming()[0].security in (None, "STARTTLS")
    assert found.outgoing()[0].place() == ("smtp", "smtp.example.test", 465)
    assert found.outgoing()[0].security in (None, "TLS")


IMAP_BLOCK = CONFIG[CONFIG.index(b'    <incomingServer type="imap"'):CONFIG.index(b'    <incomingServer type="pop3"')]


@pytest.mark.parametrize("read, old, new", [
    (autoconfig.thunderbird, b"<hostname>smtp.", b"<hostname>smtp_1."),
    (autoconfig.thunderbird, b"password-cleartext", b"OAuth2"),
    (autoconfig.thunderbird, b'id="example.test"', b'id="Example Mail"'),
    (autoconfig.thunderbird, b"SSL", b"ssl"),
    (autoconfig.thunderbird, b"<clientConfig version", b'<x:clientConfig xmlns:x="urn:x" version'),
    (autoconfig.android, b">STARTTLS<", b">plain<"),
    (autoconfig.android, b"password-cleartext", b"NTLM"),
    (autoconfig.android, b"<username>%EMAILADDRESS%</username>", b""),
    (autoconfig.android, b"<hostname>imap.example.test", b"<hostname> imap.example.test"),
    (autoconfig.evolution, b'type="imap"', b'type="imap" priority="1"'),
    (autoconfig.evolution, b"<?xml", b"\xef\xbb\xbf<?xml"),
    (autoconfig.geary, IMAP_BLOCK, b""),
    (autoconfig.fairemail, IMAP_BLOCK, b""),
    (autoconfig.mailspring, b"<authentication>", b'<authentication system="x">'),
    (autoconfig.nextcloud, IMAP_BLOCK, b""),
    (autodiscover.thunderbird, b"<Type>IMAP", b"<Type>imap"),
    (autodiscover.fairemail, b"      <AccountType>email</AccountType>\n", b""),
    (autodiscover.outlook, b"outlook/responseschema/2006a", b"mobilesync/responseschema/2006"),
    (autodiscover.outlook, b"<SSL>on</SSL>", b"<SSL>yes</SSL>"),
])
def test_a_spoilt_document_is_refused(read, old, new):
    document = CONFIG if read.__module__ == "autoconfig_readers" else POX
    assert old in document
    if new.startswith(b"<x:"):
        document = document.replace(b"</clientConfig>", b"</x:clientConfig>")
    with pytest.raises(Refused):
        read(document.replace(old, new), WHO)


LOGIN = b"        <LoginName>joe@example.test</LoginName>\n"


@pytest.mark.parametrize("read, old, new, name, value", [
    (autodiscover.thunderbird, b"<SSL>on", b"<SSL>off", "security", "plain"),
    (autodiscover.delta_chat, b"<SSL>on", b"<SSL>off", "security", "plain"),
    (autodiscover.outlook, b"        <SPA>off</SPA>\n", b"", "auth", "secure"),
    (autodiscover.outlook, LOGIN, b"", "user", "joe"),
    (autoconfig.thunderbird, b"%EMAILADDRESS%", b"007", "user", "7"),
    (autoconfig.thunderbird, b">%EMAILADDRESS%<", b"><", "user", "true"),
    (autoconfig.thunderbird, b"<username>%EMAILADDRESS%</username>", b"", "user", "undefined"),
    (autoconfig.online_accounts, b"%EMAILADDRESS%", b"u7", "user", None),
    (autoconfig.mailspring, b"%EMAILADDRESS%", b"u7", "user", "joe@example.test"),
    (autoconfig.geary, b"<hostname>imap.example.test", b"<hostname>imap.%EMAILDOMAIN%", "host", "imap.%EMAILDOMAIN%"),
    (autoconfig.geary, b"SSL", b"ssl", "security", "plain"),
    (autoconfig.fairemail, b"</emailProvider>", b"<x><username>x</username></x></emailProvider>", "user", "x"),
    (autoconfig.evolution, IMAP_BLOCK, IMAP_BLOCK + IMAP_BLOCK.replace(b"imap.e", b"b.e"), "host", "b.example.test"),
    (autoconfig.kmail, IMAP_BLOCK, IMAP_BLOCK + IMAP_BLOCK.replace(b"imap.e", b"b.e"), "host", "imap.example.test"),
])
def test_a_document_is_misread_as_the_client_does(read, old, new, name, value):
    document = CONFIG if read.__module__ == "autoconfig_readers" else POX
    assert old in document
    assert getattr(read(document.replace(old, new), WHO).incoming()[0], name) == value


def test_an_address_that_moved_is_noticed():
    moved = POX.replace(b"settings</Action>", b"redirectAddr</Action><RedirectAddr>joe@new.test</RedirectAddr>")
    for read in (autodiscover.thunderbird, autodiscover.outlook):
        with pytest.raises(autodiscover.Redirected, match="joe@new.test"):
            read(moved, WHO)


def test_addresses_are_encoded_as_the_clients_do():
    address = '"j doe"+x@example.com'
    assert form(address) == "%22j+doe%22%2Bx%40example.com"
    assert raw(address) == "%22j%20doe%22+x@example.com"


def test_the_judge_finds_fault():
    """Each thing that a person could be set up with wrongly is noticed."""
    client = next(client for client in CLIENTS if client.name == "Thunderbird")
    kind = next(kind for kind in KINDS if kind.name == "exact name")
    who = kind.who("plus")
    imap = Server("imap", "imap.hoster.example", 993, "TLS", who.ascii, "password")
    smtp = Server("smtp", "smtp.hoster.example", 587, "STARTTLS", who.ascii, "password")

    def fault(*servers):
        return scoreboard.fault(client, kind, "plus", Found(list(servers)), who)

    assert fault(imap, smtp) is None
    assert fault(smtp) and fault(imap)
    for name, value in (("host", "other.example"), ("port", 143), ("security", "plain"), ("user", "jane"),
                        ("user", "jane news@exact.example"), ("auth", "secure")):
        assert fault(Server(**{**imap.__dict__, name: value}), smtp), (name, value)
    assert scoreboard.fault(client, kind, "plus", None, who) == "found nothing"
    unknown = next(kind for kind in KINDS if not kind.served)
    assert scoreboard.fault(client, unknown, "plus", Found([imap, smtp]), who)
