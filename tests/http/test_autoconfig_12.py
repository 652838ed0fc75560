"""Autoconfig with the draft's elements of version 1.2, in a form that no known client chokes on."""

import pytest
from support.documents import Site, autoconfig, eventually, hosts, mail_servers

PROVIDER = {
    "name": "Größe & <Söhne> \"Ltd.\"", "short_name": "G&S",
    "links": [
        {"kind": "webmail", "url": "https://webmail.example.com/?a=1&b=2", "language": "en"},
        {"kind": "documentation", "url": "https://help.example.com/", "language": "en", "text": "How to <set up>"},
        {"kind": "documentation", "url": "https://help.example.com/", "language": "de", "text": "Einrichten & los"},
        {"kind": "documentation", "url": "https://help.example.com/%EMAILDOMAIN%"},
        {"kind": "developer", "url": "https://dev.example.com/"},
    ],
    "oauth2": {"issuer": "https://id.example.com/realms/x/", "scope": "mail calendar", "client_id": "mail-app",
               "auth_url": "https://id.example.com/auth", "token_url": "https://id.example.com/token"},
}

FULL = {"version": 3, "providers": [PROVIDER], "domains": [{"name": "example.com", "servers": [
    {"type": "managesieve", "name": "sieve.example.com"},
    {"type": "webdav", "url": "https://files.example.com/dav/%EMAILADDRESS%"},
    {"type": "carddav", "url": "https://dav.example.com/card/"},
    {"type": "caldav", "url": "https://dav.example.com/cal/", "authentication": ["OAuth2", "plain"]},
    {"type": "activesync", "url": "https://eas.example.com/Microsoft-Server-ActiveSync"},
    {"type": "ews", "url": "https://ews.example.com/EWS/Exchange.asmx"},
    {"type": "jmap", "url": "https://jmap.example.com/session", "authentication": ["OAuth2", "password-cleartext"]},
    {"type": "smtp", "name": "smtp.example.com", "port": 465, "authentication": ["OAuth2", "plain"]},
    {"type": "smtp", "name": "smtp2.example.com", "port": 587, "prio": 20},
    {"type": "pop3", "name": "pop.example.com"},
    {"type": "imap", "name": "imap.example.com", "authentication": ["OAuth2", "password-cleartext", "CRAM-MD5"]},
]}]}


@pytest.fixture(scope="module")
def full():
    with Site(FULL) as daemon:
        yield daemon


def test_mail_servers_first_with_all_methods_in_order(full):
    user = "%EMAILADDRESS%"
    assert mail_servers(autoconfig(full.autoconfig("a@example.com"), "example.com"))[:4] == [
        ("imap", "imap.example.com", 993, "SSL", ["OAuth2", "password-cleartext", "password-encrypted"], user),
        ("pop3", "pop.example.com", 995, "SSL", ["password-cleartext"], user),
        ("smtp", "smtp.example.com", 465, "SSL", ["OAuth2", "password-cleartext"], user),
        ("smtp", "smtp2.example.com", 587, "STARTTLS", ["password-cleartext"], user)]


def test_new_elements(full):
    root = autoconfig(full.autoconfig("a@example.com"))
    assert [child.tag for child in root] == ["emailProvider", "calendar", "addressbook", "fileShare", "setupServer",
                                             "oAuth2", "webMail"]
    found = {server.get("type"): server for server in root.iter() if server.find("url") is not None}
    assert set(found) == {"jmap", "ews", "activeSync", "caldav", "carddav", "webdav"}
    for kind, url in {"jmap": "https://jmap.example.com/session", "ews": "https://ews.example.com/EWS/Exchange.asmx",
                      "activeSync": "https://eas.example.com/Microsoft-Server-ActiveSync",
                      "caldav": "https://dav.example.com/cal/", "carddav": "https://dav.example.com/card/",
                      "webdav": "https://files.example.com/dav/a%40example.com"}.items():
        assert found[kind].findtext("url") == url
        assert found[kind].find("username").text == "%EMAILADDRESS%"
        for method in found[kind].iterfind("authentication"):
            assert (method.text, method.get("system")) in [("Basic", "http"), ("OAuth2", None)]
        assert found[kind].find("authentication") is not None
    assert [method.text for method in found["jmap"].iterfind("authentication")] == ["OAuth2", "Basic"]
    assert [method.text for method in found["caldav"].iterfind("authentication")] == ["OAuth2", "Basic"]
    (sieve,) = root.findall("setupServer")
    assert sieve.get("type") == "managesieve" and sieve.findtext("hostname") == "sieve.example.com"
    assert sieve.findtext("port") == "4190" and sieve.findtext("socketType") == "STARTTLS"


def test_provider_names_oauth2_and_links(full):
    root = autoconfig(full.autoconfig("a@example.com"))
    assert root.findtext(".//displayName") == PROVIDER["name"]
    assert root.findtext(".//displayShortName") == "G&S"
    assert {child.tag: child.text for child in root.find("oAuth2")} == {
        "authURL": "https://id.example.com/auth", "tokenURL": "https://id.example.com/token",
        "issuer": "https://id.example.com/realms/x/", "scope": "mail calendar", "clientID": "mail-app"}
    pages = [(page.get("url"), [(text.get("lang"), text.text) for text in page])
             for page in root.iterfind("emailProvider/documentation")]
    assert pages == [("https://help.example.com/", [("en", "How to <set up>"), ("de", "Einrichten & los")]),
                     ("https://help.example.com/example.com", [])]
    assert root.find("webMail/loginPage").get("url") == "https://webmail.example.com/?a=1&b=2"
    assert b"dev.example.com" not in full.autoconfig("a@example.com").body


def test_every_user_name_is_that_of_the_mail_servers(full):
    users = [name.text for name in autoconfig(full.autoconfig("a@example.com")).iter("username")]
    assert set(users) == {"%EMAILADDRESS%"}, "FairEmail takes the last of the document"


@pytest.mark.parametrize("path", ["/v1.1/example.com", "/v1.1/Example.COM/", "/V1.1/example.com"])
def test_like_an_ispdb(full, path):
    answer = full.get(path, host="ispdb.example.org")
    root = autoconfig(answer, "example.com")
    assert hosts(root) == ["imap.example.com"]
    assert answer.headers["Cache-Control"] != "no-store"
    assert full.request("HEAD", path).status == 200


def test_ispdb_without_such_a_domain(full):
    for path in ("/v1.1/example.org", "/v1.1/", "/v1.1", "/v1.1/a@b", "/v1.1/%00", "/v1.1/../etc", "/v1.1/a/b",
                 "/v1.1/" + "a" * 300):
        answer = full.get(path)
        assert answer.status in (400, 404) and answer.content_type.startswith("text/plain"), path
    assert full.post("/v1.1/example.com", "x").status == 405


def test_same_question_same_bytes(full):
    first = full.autoconfig("a@example.com").body
    assert first == full.autoconfig("a@example.com").body
    assert full.autoconfig("b@example.com").body == first.replace(b"a%40example.com", b"b%40example.com")
    assert b"\t" not in first and b"\r" not in first and first.endswith(b"</clientConfig>\n")


MINIMAL = [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com", "port": 465}]


def one(*servers, provider=None):
    return {"version": 3, "providers": [provider or {"name": "Example Inc."}],
            "domains": [{"name": "example.com", "servers": list(servers)}]}


def test_a_document_for_nobody_in_particular_may_be_cached_and_one_for_somebody_not():
    with Site(one(*MINIMAL)) as daemon:
        assert "no-store" not in daemon.get("/mail/config-v1.1.xml", host="autoconfig.example.com") \
            .headers["Cache-Control"]
    with Site(one({"type": "imap", "name": "%EMAILLOCALPART%.example.com"}, *MINIMAL)) as daemon:
        assert daemon.autoconfig("joe@example.com").headers["Cache-Control"] == "no-store"
        assert hosts(autoconfig(daemon.autoconfig("ann@example.com")))[0] == "ann.example.com"


@pytest.mark.parametrize("bad", ["NTLM", "GSSAPI", "none", "TLS-client-cert", ["GSSAPI", "NTLM"]])
def test_a_server_that_spoils_the_format_goes_when_another_is_left(bad):
    spoiler = {"type": "imap", "name": "kerberos.example.com", "prio": 1, "authentication": bad}
    with Site(one(spoiler, *MINIMAL), allow=["kerberos", "WARNING"]) as daemon:
        assert hosts(autoconfig(daemon.autoconfig("a@example.com"))) == ["imap.example.com"]
    with Site(one(spoiler, MINIMAL[1]), allow=["WARNING"]) as daemon:
        root = autoconfig(daemon.autoconfig("a@example.com"), last_resort=True)
        assert hosts(root) == ["kerberos.example.com"]
        assert eventually(lambda: daemon.stderr().count("autoconfig")) >= 1
        daemon.autoconfig("b@example.com")
        assert daemon.stderr().count("autoconfig cannot say") <= 1, "said once"


def test_plain_servers_need_allow_plain():
    servers = [{"type": "imap", "name": "plain.example.com", "socket_type": "plain", "prio": 1}, *MINIMAL]
    with Site(one(*servers), allow=["allow_plain"]) as daemon:
        assert hosts(autoconfig(daemon.autoconfig("a@example.com"))) == ["imap.example.com"]
        assert eventually(lambda: "allow_plain" in daemon.stderr())
    with Site(one(servers[0], MINIMAL[1]), {"allow_plain": "yes"}, allow=["WARNING"]) as daemon:
        (imap, _) = mail_servers(autoconfig(daemon.autoconfig("a@example.com"), last_resort=True))
        assert imap[:4] == ("imap", "plain.example.com", 143, "plain")


def test_long_names_and_odd_names():
    provider = {"name": "  An Exceedingly Long Provider Name that Goes on and on, Beyond all Reason and Measure  ",
                "short_name": "A Rather Long Short Name Here"}
    with Site(one(*MINIMAL, provider=provider)) as daemon:
        root = autoconfig(daemon.autoconfig("a@example.com"))
        assert 0 < len(root.findtext(".//displayName")) <= 60 and 0 < len(root.findtext(".//displayShortName")) <= 20


def test_url_services_without_mail_servers():
    """A JMAP-only domain is a whole account; a calendar alone is none."""
    with Site(one({"type": "jmap", "url": "https://jmap.example.com/session"})) as daemon:
        root = autoconfig(daemon.autoconfig("a@example.com"))
        assert root.find(".//incomingServer").get("type") == "jmap"
    with Site(one({"type": "caldav", "url": "https://dav.example.com/cal/"})) as daemon:
        assert daemon.autoconfig("a@example.com").status == 404
