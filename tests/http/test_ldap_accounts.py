"""What clients are told of people in a directory: a real slapd behind the daemon, asked in every format."""

import os
import plistlib
import socket
import time
import urllib.parse

import pytest
from lxml import etree

from support.daemon import RELEASE_BUILD, Daemon
from support.databases import Slapd, slapd

BASE = Slapd.base
ANSWERED_SECONDS = 3
WRONG_PASSWORD = "Wr0ngPassw0rd"
MANY = 10000
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"


def entry(name, **attributes):
    escaped = name.replace("<", "\\<").replace(">", "\\>")
    lines = [f"dn: cn={escaped},{BASE}", "objectClass: inetOrgPerson", f"cn: {name}", "sn: x"]
    for attribute, value in attributes.items():
        for one in value if isinstance(value, list) else [value]:
            lines.append(f"{attribute}:{'' if one.startswith(':') else ' '}{one}")
    return "\n".join(lines) + "\n\n"


LDIF = (entry("Jane Doe & <Co>", uid="u123", mail=["jane@example.com", "j.doe@example.com"])
        + entry("Same", uid="same@example.com", mail="same@example.com")
        + entry("Local", uid="local", mail="local@example.com")
        + entry("Without login", mail="nologin@example.com")
        + entry("Twice 1", uid="twice1", mail="twice@example.com")
        + entry("Twice 2", uid="twice2", mail="twice@example.com")
        + entry("Star", uid="star", mail="*@example.com")
        + entry("Quoted", uid="quoted", mail='"*)(uid=*"@example.com')
        + entry("Department", uid="u123", mail="jane.d@example.com", departmentNumber="parts.example")
        # As in Active Directory: binary values, several of each, and references to other partitions.
        + entry("Binary", uid="binary", mail="binary@example.com", jpegPhoto=[": /9j/4AAQSkZJRgAB", ": AAECAwQ="])
        + entry("Evil", uid=": bG9nCmlu", mail="evil@example.com")
        + f"dn: dc=forest,{BASE}\nobjectClass: referral\nobjectClass: extensibleObject\ndc: forest\n"
          f"ref: ldap://127.0.0.1:1/dc=forest,{BASE}\n\n"
        + "".join(entry(f"Number {i}", uid=f"n{i}", mail=f"user{i}@example.com") for i in range(MANY)))

SERVERS = [{"type": "imap", "name": "imap.example.com"},
           {"type": "smtp", "name": "smtp.example.com", "user_name": "%EMAILLOCALPART%"},
           {"type": "caldav", "url": "https://dav.example.com/cal/"},
           {"type": "carddav", "url": "https://dav.example.com/card/"}]


class Silent:
    """A host that accepts connections, answers nothing, and counts those who come."""

    def __init__(self):
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(50)
        self.port = self.socket.getsockname()[1]

    def visitors(self):
        self.socket.settimeout(0)
        count = 0
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture(scope="module")
def server():
    with slapd(ldif=LDIF, tls=True) as running:
        os.chmod(os.path.join(running.directory, "ldapi"), 0o777)
        yield running


@pytest.fixture(scope="module")
def silent():
    found = Silent()
    yield found
    found.socket.close()


@pytest.fixture(scope="module")
def secrets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("passwords")
    for name, mode in (("kept", 0o600), ("open", 0o644)):
        path = folder / name
        path.write_text(Slapd.password + "\n")
        path.chmod(mode)
    return folder


def seed(server, directories):
    """One domain for each directory, named like it; every person has an address in example.com only."""
    rows = []
    for number, fields in enumerate(directories.values(), 1):
        row = {"id": number, "name": "127.0.0.1", "port": server.port, "use_ssl": False, "search_base": BASE,
               "search_filter": "(mail={local}@example.com)", "bind_user": Slapd.admin, "bind_password": Slapd.password}
        row.update(fields)
        rows.append({name: value for name, value in row.items() if value != ""})
    domains = [{"name": name, "ldapserver": number} for number, name in enumerate(directories, 1)]
    return {"version": 3, "ldapservers": rows,
            "providers": [{"name": "Example Inc.", "servers": SERVERS, "domains": [*domains, "general.example"]}]}


def running(server, directories, **settings):
    return Daemon({"loglevel": "DEBUG", "db_echo": "yes", **settings}, seed=seed(server, directories),
                  allow=(r"ldapserver \d+", r"user look-ups"))


@pytest.fixture(scope="module")
def daemon(server):
    with running(server, {"example.com": {}}) as found:
        yield found


def users(daemon, address):
    begun = time.monotonic()
    answer = daemon.autoconfig(address)
    assert time.monotonic() - begun < ANSWERED_SECONDS
    assert answer.status == 200, answer
    document = etree.fromstring(answer.body)
    return [element.findtext("username") for element in document.iter("incomingServer", "outgoingServer")]


GENERAL = ["%EMAILADDRESS%", "%EMAILLOCALPART%"]


@pytest.mark.parametrize("address, expected", [
    ("jane@example.com", ["u123", "u123"]),
    ("JANE@Example.COM", ["u123", "u123"]),
    ("j.doe@example.com", ["u123", "u123"]),
    ("same@example.com", ["%EMAILADDRESS%"] * 2),
    ("local@example.com", ["%EMAILLOCALPART%"] * 2),
    ("nologin@example.com", GENERAL),
    ("nobody@example.com", GENERAL),
    ("twice@example.com", GENERAL),
    ("evil@example.com", GENERAL),
    ("user7777@example.com", ["n7777", "n7777"]),
    # What means something in a filter is a value.
    ("*@example.com", ["star", "star"]),
    ("jan*@example.com", GENERAL),
    ('"*)(uid=*"@example.com', ["quoted", "quoted"]),
    ('"*)(uid=\\*"@example.com', GENERAL),
    ('"jane@example.com)(|(uid=*"@example.com', GENERAL),
    ('"\\2a"@example.com', GENERAL),
    ('"\\"@example.com', None),
    ("*)(uid=*@example.com", None),
    ("\\2a@example.com", None),
    ("a)(b@example.com", None),
    ("(@example.com", None),
    ("jane@example.com\0", None),
    ("jane\0@example.com", None),
    ("\0@example.com", None),
])
def test_logins(daemon, address, expected):
    if expected is None:
        assert daemon.autoconfig(address, host="autoconfig.example.com").status == 400
    else:
        assert users(daemon, address) == expected


def pox_protocols(answer):
    document = etree.fromstring(answer.body)
    return [protocol.findtext(OUTLOOK + "LoginName") for protocol in document.iter(OUTLOOK + "Protocol")
            if protocol.findtext(OUTLOOK + "LoginName")]


def test_autodiscover(daemon):
    answer = daemon.pox("jane@example.com")
    assert set(pox_protocols(answer)) == {"u123"}
    assert etree.fromstring(answer.body).findtext(f".//{OUTLOOK}DisplayName") == "Jane Doe & <Co>"
    unknown = daemon.pox("nobody@example.com")
    assert pox_protocols(unknown)[:2] == ["nobody@example.com", "nobody"]
    assert "Jane" not in unknown.text


def profile(daemon, address):
    answer = daemon.get("/mobileconfig?emailaddress=" + urllib.parse.quote(address, safe=""), host="autoconfig.example.com")
    assert answer.status == 200, answer
    return {payload["PayloadType"]: payload for payload in plistlib.loads(answer.body)["PayloadContent"]}


def test_profile(daemon):
    payloads = profile(daemon, "jane@example.com")
    mail = payloads["com.apple.mail.managed"]
    assert mail["IncomingMailServerUsername"] == mail["OutgoingMailServerUsername"] == "u123"
    assert mail["EmailAccountName"] == "Jane Doe & <Co>" and mail["EmailAddress"] == "jane@example.com"
    assert payloads["com.apple.caldav.account"]["CalDAVUsername"] == "u123"
    assert payloads["com.apple.carddav.account"]["CardDAVUsername"] == "u123"


def test_names_are_kept_back(server):
    with running(server, {"example.com": {}}, publish_names="no") as found:
        answer = found.pox("jane@example.com")
        assert set(pox_protocols(answer)) == {"u123"} and "Jane" not in answer.text
        assert "Jane" not in str(profile(found, "jane@example.com"))


def test_no_name_is_asked_for(server):
    with running(server, {"example.com": {"attr_cn": None}}) as found:
        answer = found.pox("jane@example.com")
        assert set(pox_protocols(answer)) == {"u123"} and "Jane" not in answer.text


def test_unknown_people_are_refused(server):
    with running(server, {"example.com": {}, "down.example": {"port": 1}}, unknown_users="refuse") as found:
        assert users(found, "jane@example.com") == ["u123", "u123"]
        for address in ("nobody@example.com", "twice@example.com"):
            assert found.autoconfig(address).status == 404
        assert found.autoconfig(None, host="autoconfig.example.com").status == 200, "nobody was asked for"
        assert users(found, "jane@down.example") == GENERAL, "a directory that is down refuses nobody"


def test_without_an_address_nobody_is_asked(server, silent):
    with running(server, {"silent.example": {"port": silent.port}, "example.com": {}}) as found:
        answer = found.autoconfig(None, host="autoconfig.silent.example")
        assert answer.status == 200 and "%EMAILADDRESS%" in answer.text and "Silent" not in answer.text
        found.get("/.well-known/user-agent-configuration.json", host="silent.example")
        assert found.get("/autodiscover/autodiscover.json?Protocol=AutodiscoverV1&Email=a@silent.example",
                         host="autodiscover.silent.example").status == 200
        assert silent.visitors() == 0
        assert users(found, "jane@general.example") == GENERAL and silent.visitors() == 0
        assert users(found, "jane@silent.example") == GENERAL and silent.visitors() > 0


def test_every_way_to_connect_and_to_fail(server, secrets, silent):
    """A wrong directory costs its own domain the logins; the log says why, with no password in it."""
    ca, other_ca = server.certificates.ca, server.certificates.other_ca
    ldaps = {"use_ssl": True, "port": server.tls_port}
    url = "ldapi://" + server.directory.replace("/", "%2F") + "%2Fldapi"
    good = {
        "plain.example": {},
        "ldaps.example": {**ldaps, "ca_file": ca},
        "starttls.example": {"starttls": True, "ca_file": ca},
        "unchecked.example": {**ldaps, "verify": False},
        "anonymous.example": {"bind_user": "", "bind_password": ""},
        "anonymous2.example": {"bind_method": "anonymous"},
        "external.example": {"name": url, "bind_method": "external", "bind_user": "", "bind_password": ""},
        "file.example": {"bind_password": f"file:{secrets}/kept"},
        "second.example": {"name": f"127.0.0.1:1 127.0.0.1:{server.port}"},
        "silentfirst.example": {"name": f"127.0.0.1:{silent.port}, 127.0.0.1:{server.port}"},
        "parts.example": {"search_filter": "(&(mail={local}@example.com)(!(mail={0}))(departmentNumber={domain}))"},
        "binary.example": {"attr_cn": "jpegPhoto"},
        "one.example": {"scope": "one"},
    }
    bad = {
        "wrongca.example": ({**ldaps, "ca_file": other_ca}, "certificate"),
        "noca.example": (ldaps, "certificate"),
        "starttlsca.example": ({"starttls": True, "ca_file": other_ca}, "certificate"),
        "password.example": ({"bind_password": WRONG_PASSWORD}, "Invalid credentials"),
        "mode.example": ({"bind_password": f"file:{secrets}/open"}, "chmod"),
        "missing.example": ({"bind_password": f"file:{secrets}/missing"}, "cannot open"),
        "down.example": ({"port": 1}, "Can't contact LDAP server"),
        "silent.example": ({"port": silent.port}, "Timed out"),
        "filter.example": ({"search_filter": "(mail={0}"}, "ilter"),
        "base.example": ({"search_base": "dc=nowhere,dc=com"}, "search_base dc=nowhere,dc=com does not exist"),
        "baseonly.example": ({"scope": "base"}, None),
    }
    directories = {**good, **{name: fields for name, (fields, _) in bad.items()}}
    reasons = {}
    with running(server, directories) as found:
        for name in good:
            local = "jane.d" if name == "parts.example" else "jane"
            assert users(found, f"{local}@{name}") == ["u123", "u123"], name
        answer = found.pox("binary@binary.example")
        assert set(pox_protocols(answer)) == {"binary"}
        assert etree.fromstring(answer.body).findtext(f".//{OUTLOOK}DisplayName") != "Binary"
        for name, (_, reason) in bad.items():
            assert users(found, f"jane@{name}") == GENERAL, name
            number = list(directories).index(name) + 1
            reasons[name] = reason is None or told(found, f"ldapserver {number}: ", reason)
        log = found.stderr()
        assert log.count("the certificate is not checked") == 1
        assert WRONG_PASSWORD not in log
        assert Slapd.password not in log.replace("holds a secret", "")
    assert all(reasons.values()), f"{reasons}\n{log}"


def told(daemon, *parts):
    """Whether a line of the log has all parts; one about a time-out comes a moment after the answer."""
    end = time.monotonic() + ANSWERED_SECONDS
    while not any(all(part in line for part in parts) for line in daemon.stderr().splitlines()):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def resident_kib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmRSS:")).split()[1])


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def test_neither_memory_nor_descriptors_grow(server):
    """Every question is asked anew; the answers come from all the ways a look-up can end, and from a server that goes
    away and comes back."""
    directories = {"example.com": {}, "tls.example": {"starttls": True, "ca_file": server.certificates.ca},
                   "wrongca.example": {"starttls": True, "ca_file": server.certificates.other_ca},
                   "down.example": {"port": 1}}
    daemon = Daemon({"user_cache_ttl": "0s", "stale_ttl": "0s", "cache_entries": 16}, seed=seed(server, directories),
                    program=os.path.join(RELEASE_BUILD, "automxd"), allow=(r"ldapserver \d+", r"user look-ups"))

    def ask(turns):
        for turn in range(turns):
            person = turn * 37 % MANY
            assert users(daemon, f"user{person}@example.com") == [f"n{person}"] * 2
            for address in ("nobody@example.com", "twice@example.com", f"user{person}@wrongca.example",
                            f"user{person}@down.example"):
                assert users(daemon, address) == GENERAL
            assert users(daemon, f"user{person}@tls.example") == [f"n{person}"] * 2

    def outage():
        server.kill()
        assert users(daemon, "jane@example.com") == GENERAL
        server.start()
        recovers(daemon)

    with daemon:
        ask(60)
        outage()
        ask(60)
        before = descriptors(daemon), resident_kib(daemon)
        ask(60)
        for _ in range(2):
            outage()
        ask(60)
        assert descriptors(daemon) <= before[0] + 8, "as many connections as one directory may keep"
        assert resident_kib(daemon) < before[1] + 1024


def recovers(daemon, login="u123", address="jane@example.com"):
    end = time.monotonic() + 5
    while users(daemon, address) != [login, login]:
        assert time.monotonic() < end, "no recovery within 5 s"
        time.sleep(0.05)


@pytest.mark.parametrize("way", ["plain", "ldaps", "starttls"])
def test_stopped_frozen_and_restarted(server, way):
    fields = {"plain": {}, "ldaps": {"use_ssl": True, "port": server.tls_port}, "starttls": {"starttls": True}}[way]
    with running(server, {"example.com": {**fields, "ca_file": server.certificates.ca}}, user_cache_ttl="0s",
                 stale_ttl="0s") as found:
        assert users(found, "jane@example.com") == ["u123", "u123"]
        for end, begin in ((server.freeze, server.thaw), (server.kill, server.start)):
            end()
            try:
                for person in range(4):
                    assert users(found, f"user{person}@example.com") == GENERAL
            finally:
                begin()
            recovers(found)
            recovers(found, "n5", "user5@example.com")
        # Gone and back between two questions: nobody notices.
        server.kill()
        server.start()
        assert users(found, "user6@example.com") == ["n6", "n6"]


def test_answers_are_kept_for_user_cache_ttl(server):
    """Also that there is nobody: neither costs the directory a second question."""
    with running(server, {"example.com": {}}, stale_ttl="0s") as found, \
            running(server, {"example.com": {}}, stale_ttl="0s", user_cache_ttl="0s") as forgetful:
        for one in (found, forgetful):
            assert users(one, "jane@example.com") == ["u123", "u123"] and users(one, "nobody@example.com") == GENERAL
        server.kill()
        try:
            assert users(found, "jane@example.com") == ["u123", "u123"]
            assert users(found, "nobody@example.com") == GENERAL
            assert "user look-ups fail" not in found.stderr()
            assert users(forgetful, "nobody@example.com") == GENERAL
            assert "user look-ups fail" in forgetful.stderr()
        finally:
            server.start()
