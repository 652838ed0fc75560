"""Apple's configuration profiles: what is in them, and their signatures."""

import os
import shutil
import signal
import subprocess
import urllib.parse

import pytest
import schemas
from support.certificates import Authority, openssl
from support.daemon import AUTOMXD
from support.documents import Site, eventually, payloads, profile

MAIL = "com.apple.mail.managed"
CALDAV, CARDDAV, EAS = "com.apple.caldav.account", "com.apple.carddav.account", "com.apple.eas.account"
SERVERS = [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com", "port": 587}]
ACCOUNTS = {"version": 3, "providers": [
    {"name": "Example Mail", "short_name": "Example", "organization": "Example Holding & Co.",
     "consents": [{"text": "You agree to %EMAILDOMAIN%'s <terms>."}, {"language": "de", "text": "Sie stimmen zu."}]},
    {"name": "Other Ltd.", "short_name": "Other"}], "domains": [
    {"name": "example.com", "provider": "Example Mail", "servers": SERVERS + [
        {"type": "caldav", "url": "https://dav.example.com/cal/%EMAILADDRESS%/"},
        {"type": "carddav", "url": "https://dav.example.com:8443/card/"},
        {"type": "activesync", "url": "https://eas.example.com/Microsoft-Server-ActiveSync"}]},
    {"name": "example.org", "provider": "Other", "servers": SERVERS},
    {"name": "pop.example", "provider": "Other", "servers": [
        {"type": "pop3", "name": "pop.example.com", "authentication": "CRAM-MD5"},
        {"type": "smtp", "name": "relay.example.com", "port": 465, "authentication": "none"}]},
    {"name": "oauth.example", "provider": "Other", "servers": [
        {"type": "imap", "name": "imap.example.com", "authentication": "OAuth2"},
        {"type": "smtp", "name": "smtp.example.com", "authentication": "OAuth2"}]},
    {"name": "halfoauth.example", "provider": "Other", "servers": [
        {"type": "imap", "name": "oauth.example.com", "prio": 1, "authentication": "OAuth2"},
        {"type": "imap", "name": "imap.example.com", "prio": 2, "authentication": ["OAuth2", "NTLM"]},
        {"type": "smtp", "name": "smtp.example.com", "authentication": ["OAuth2", "plain"]}]},
    {"name": "noimap.example", "provider": "Other", "servers": SERVERS[1:]},
    {"name": "best.example", "provider": "Other", "servers": [
        {"type": "imap", "name": "plain.example.com", "socket_type": "plain", "prio": 1},
        {"type": "imap", "name": "third.example.com", "prio": 30},
        {"type": "imap", "name": "second.example.com", "prio": 20}, SERVERS[1]]},
]}


@pytest.fixture(scope="module")
def site():
    with Site(ACCOUNTS, {"allow_plain": "yes"}, allow=["WARNING"]) as daemon:
        yield daemon


def ask(daemon, *addresses, name=None, **options):
    query = [("emailaddress", address) for address in addresses] + ([("name", name)] if name else [])
    return daemon.get("/mobileconfig?" + urllib.parse.urlencode(query), host="autoconfig.example.com", **options)


def test_mail(site):
    answer = ask(site, "joe+x@Example.COM", name="Joe <D> Doe")
    root = profile(answer)
    assert root["PayloadDisplayName"] == "Example Mail"
    assert root["PayloadOrganization"] == "Example Holding & Co."
    assert root["ConsentText"] == {"default": "You agree to example.com's <terms>.", "de": "Sie stimmen zu."}
    assert root["PayloadRemovalDisallowed"] is False
    (mail,) = payloads(root, MAIL)
    expected = {
        "EmailAccountType": "EmailTypeIMAP", "EmailAddress": "joe+x@example.com", "EmailAccountName": "Joe <D> Doe",
        "IncomingMailServerAuthentication": "EmailAuthPassword", "IncomingMailServerHostName": "imap.example.com",
        "IncomingMailServerPortNumber": 993, "IncomingMailServerUseSSL": True,
        "IncomingMailServerUsername": "joe+x@example.com", "OutgoingMailServerAuthentication": "EmailAuthPassword",
        "OutgoingMailServerHostName": "smtp.example.com", "OutgoingMailServerPortNumber": 587,
        "OutgoingMailServerUseSSL": True, "OutgoingMailServerUsername": "joe+x@example.com"}
    assert {key: mail[key] for key in expected} == expected
    assert not any("Password" in key and "SameAs" not in key for key in mail)


def test_headers(site):
    answer = ask(site, "joe@example.com")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="example.com.mobileconfig"'
    assert answer.headers["Cache-Control"] == "no-store"
    head = site.request("HEAD", "/MobileConfig/?emailaddress=joe@example.com")
    assert head.status == 200 and head.body == b"" and head.content_type == answer.content_type


def test_the_provider_is_never_the_sender(site):
    root = profile(ask(site, "joe@example.com"))
    (mail,) = payloads(root, MAIL)
    assert "Example" not in mail.get("EmailAccountName", "")
    assert mail["EmailAccountDescription"] == "joe@example.com"


def test_plus_and_blanks_in_the_query(site):
    answer = site.get("/mobileconfig?name=Joe+Doe&emailaddress=a+b@example.com")
    (mail,) = payloads(profile(answer), MAIL)
    assert mail["EmailAddress"] == "a+b@example.com" and mail["EmailAccountName"] == "Joe Doe"


def test_dav_and_activesync(site):
    root = profile(ask(site, "joe@example.com"))
    (caldav,), (carddav,), (eas,) = payloads(root, CALDAV), payloads(root, CARDDAV), payloads(root, EAS)
    assert caldav["CalDAVHostName"] == "dav.example.com" and caldav["CalDAVPort"] == 443
    assert caldav["CalDAVUseSSL"] is True and caldav["CalDAVUsername"] == "joe@example.com"
    assert caldav["CalDAVPrincipalURL"].endswith("/cal/joe%40example.com/")
    assert carddav["CardDAVHostName"] == "dav.example.com" and carddav["CardDAVPort"] == 8443
    assert carddav["CardDAVUseSSL"] is True and carddav["CardDAVUsername"] == "joe@example.com"
    assert eas["Host"] == "eas.example.com" and eas["SSL"] is True and eas["EmailAddress"] == "joe@example.com"


def test_pop_and_other_methods(site):
    (mail,) = payloads(profile(ask(site, "joe@pop.example")), MAIL)
    assert mail["EmailAccountType"] == "EmailTypePOP"
    assert mail["IncomingMailServerAuthentication"] == "EmailAuthCRAMMD5"
    assert mail["OutgoingMailServerAuthentication"] == "EmailAuthNone"
    (mail,) = payloads(profile(ask(site, "joe@halfoauth.example")), MAIL)
    assert mail["IncomingMailServerHostName"] == "imap.example.com"
    assert mail["IncomingMailServerAuthentication"] == "EmailAuthNTLM"
    assert mail["OutgoingMailServerAuthentication"] == "EmailAuthPassword"


def test_the_best_encrypted_server_of_lowest_prio(site):
    (mail,) = payloads(profile(ask(site, "joe@best.example")), MAIL)
    assert mail["IncomingMailServerHostName"] == "second.example.com"


def test_what_cannot_be_a_profile_is_said_in_a_sentence(site):
    for address, word in {"joe@oauth.example": "OAuth2", "joe@noimap.example": "IMAP",
                          "joe@unknown.example": "not served"}.items():
        answer = ask(site, address)
        assert answer.status == 404 and answer.content_type.startswith("text/plain"), address
        assert word in answer.text and "joe" not in answer.text
    for query in ("", "?emailaddress=", "?emailaddress=joe", "?name=Joe"):
        answer = site.get("/mobileconfig" + query, host="autoconfig.example.com")
        assert answer.status == 400 and "emailaddress" in answer.text
    assert ask(site, "a@b@c").status == 400
    assert ask(site, "joe@example.com", name="a\nb").status == 400


def test_several_addresses_in_one_profile(site):
    addresses = ["joe@example.com", "sales@example.org", "joe@pop.example"]
    root = profile(ask(site, *addresses))
    assert [mail["EmailAddress"] for mail in payloads(root, MAIL)] == addresses
    assert len(payloads(root, CALDAV)) == 1
    again = profile(ask(site, *addresses, addresses[0]))
    assert [mail["EmailAddress"] for mail in payloads(again, MAIL)] == addresses
    one = profile(ask(site, addresses[0]))
    assert one["PayloadIdentifier"] != root["PayloadIdentifier"]
    assert payloads(one, MAIL)[0]["PayloadUUID"] == payloads(root, MAIL)[0]["PayloadUUID"], "the same account"
    assert profile(ask(site, *reversed(addresses)))["PayloadUUID"] == root["PayloadUUID"], "the same set"
    assert ask(site, "joe@example.com", "joe@unknown.example").status == 404
    assert ask(site, *[f"a{i}@example.com" for i in range(200)]).status == 400


LOCAL_PARTS = ["a+b", "a.b", "a_b", "a-b", "ab", "A.B", "a..b", '"a b"', '"a.b"', "a=b", "a-2eb", "ü", "u-c3-bc",
               "a%b", "a/b", "mail", "profile", "a.mail", "x" * 64]


def identities(daemon):
    found = {}
    for local in LOCAL_PARTS:
        root = profile(ask(daemon, local + "@example.com"))
        found[local] = [(payload["PayloadIdentifier"], payload["PayloadUUID"])
                        for payload in [root] + root["PayloadContent"]]
    return found


def test_identities_never_collide_and_never_change(site):
    first = identities(site)
    every = [identity for each in first.values() for identity in each]
    for index in (0, 1):
        assert len({identity[index].lower() for identity in every if True}) == len(every)
    for identifier, _ in every:
        assert identifier.isascii() and not set(identifier) - set("abcdefghijklmnopqrstuvwxyz0123456789.-")
    assert identities(site) == first
    with Site(ACCOUNTS, allow=["WARNING"]) as another:
        assert identities(another) == first, "neither a restart nor another machine changes them"


def test_unsigned_profiles_are_the_same_bytes(site):
    assert ask(site, "joe@example.com").body == ask(site, "joe@example.com").body


# -- Signatures --


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(str(tmp_path_factory.mktemp("authority")))


def signing(authority, certificate, key, **more):
    return {"profile_certificate": certificate, "profile_key": key, "profile_chain": authority.chain, **more}


@pytest.mark.parametrize("kind", ["rsa:2048", "rsa:4096", "P-256", "P-384"])
def test_signed(authority, tmp_path, kind):
    certificate, key = authority.issue("kind" + kind.replace(":", ""), key=kind)
    with Site(ACCOUNTS, signing(authority, certificate, key), allow=["PACC|allow_plain|plain|WARNING"]) as daemon:
        answer = ask(daemon, "joe@example.com")
        assert answer.status == 200 and answer.content_type == "application/x-apple-aspen-config"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="example.com.mobileconfig"'
        content = authority.verify(answer.body, str(tmp_path))
        assert content is not None, "the chain leads to the root"
        (mail,) = payloads(schemas.check_profile(content), MAIL)
        assert mail["EmailAddress"] == "joe@example.com"
        place = answer.body.index(b"joe@example.com")
        for changed in (place, len(answer.body) - 20, place - 300):
            broken = bytearray(answer.body)
            broken[changed] ^= 1
            assert authority.verify(bytes(broken), str(tmp_path)) is None, changed
        text = subprocess.run(["openssl", "cms", "-cmsout", "-print", "-inform", "DER"], input=answer.body,
                              capture_output=True).stdout.decode()
        assert "Test Intermediate" in text and "sha256" in text and "pkcs7-data" in text
        answers = {authority.verify(ask(daemon, "joe@example.com").body, str(tmp_path)) for _ in range(3)}
        assert answers == {content}


@pytest.mark.parametrize("chain", [False, True])
def test_a_certificate_file_that_holds_the_chain_too(authority, tmp_path, chain):
    """Let's Encrypt's fullchain.pem, with or without its chain.pem beside."""
    certificate, key = authority.issue(f"full{chain}")
    full = tmp_path / "fullchain.pem"
    full.write_bytes(b"".join(open(path, "rb").read() for path in (certificate, authority.chain)))
    settings = signing(authority, str(full), key)
    for other in (authority.chain, str(full)) if chain else (None,):
        with Site(ACCOUNTS, dict(settings, profile_chain=other), allow=["WARNING"]) as daemon:
            assert authority.verify(ask(daemon, "joe@example.com").body, str(tmp_path)) is not None


def test_encrypted_key_with_a_password_file(authority, tmp_path):
    certificate, key = authority.issue("locked", password="a secret: %$ü")
    password = tmp_path / "password"
    password.write_text("a secret: %$ü\n", encoding="utf-8")
    password.chmod(0o600)
    settings = signing(authority, certificate, key, profile_key_password_file=str(password))
    with Site(ACCOUNTS, settings, allow=["WARNING"]) as daemon:
        assert authority.verify(ask(daemon, "joe@example.com").body, str(tmp_path)) is not None
    for wrong in (dict(settings, profile_key_password_file=None), None):
        if wrong is None:
            password.write_text("another\n", encoding="utf-8")
            wrong = settings
        output = refused(wrong)
        assert os.path.basename(key) in output and "password" in output
        assert "a secret" not in output and "another" not in output


def refused(settings):
    site = Site(ACCOUNTS, settings)
    try:
        outputs = []
        for arguments in (["--port", "0"], ["--check-config"]):
            done = subprocess.run([AUTOMXD, "--config", site.config_path, *arguments], capture_output=True, text=True,
                                  timeout=30, stdin=subprocess.DEVNULL, cwd=site.directory)
            assert done.returncode == 2, done.stderr
            outputs.append(done.stderr)
        return outputs[0] + outputs[1]
    finally:
        site.close()


def test_key_files_that_are_refused(authority, tmp_path):
    certificate, key = authority.issue("plainkey")
    _, other_key = authority.issue("otherkey")
    readable = tmp_path / "readable.key"
    shutil.copy(key, readable)
    readable.chmod(0o644)
    assert "readable.key" in refused(signing(authority, certificate, str(readable)))
    assert "otherkey.key" in refused(signing(authority, certificate, other_key))
    assert "missing.key" in refused(signing(authority, certificate, str(tmp_path / "missing.key")))
    assert "chain.pem" in refused(dict(signing(authority, certificate, key), profile_chain=str(tmp_path / "chain.pem")))
    assert "plainkey.key" in refused(signing(authority, key, key)), "no certificate in there"
    assert "profile_key" in refused(signing(authority, certificate, None))
    assert "profile_certificate" in refused(signing(authority, None, key))
    edwards = str(tmp_path / "ed.key")
    openssl("genpkey", "-algorithm", "ed25519", "-out", edwards)
    os.chmod(edwards, 0o600)
    assert "ed.key" in refused(signing(authority, certificate, edwards))
    readable.chmod(0o640)
    with Site(ACCOUNTS, signing(authority, certificate, str(readable)), allow=["WARNING"]) as daemon:
        assert ask(daemon, "joe@example.com").status == 200, "the group may read it: ssl-cert of Debian"


def test_an_ended_certificate_is_a_503_with_a_sentence(authority):
    certificate, key = authority.issue("ended", begins=-30, ends=-1)
    with Site(ACCOUNTS, signing(authority, certificate, key), allow=["WARNING"]) as daemon:
        answer = ask(daemon, "joe@example.com")
        assert answer.status == 503 and answer.content_type.startswith("text/plain")
        assert "certificate" in answer.text and "joe" not in answer.text
        assert answer.headers["Retry-After"]
        assert "ended.pem" in daemon.stderr()
        assert daemon.autoconfig("joe@example.com").status == 200
        assert ask(daemon, "joe@unknown.example").status == 404


def test_a_certificate_that_is_not_valid_yet(authority):
    certificate, key = authority.issue("early", begins=2, ends=30)
    with Site(ACCOUNTS, signing(authority, certificate, key), allow=["WARNING"]) as daemon:
        assert ask(daemon, "joe@example.com").status == 503


@pytest.mark.parametrize("days", [13, 15])
def test_the_end_is_said_14_days_before(authority, days):
    certificate, key = authority.issue(f"soon{days}", ends=days)
    with Site(ACCOUNTS, signing(authority, certificate, key), allow=["WARNING"]) as daemon:
        assert ask(daemon, "joe@example.com").status == 200
        assert (f"soon{days}.pem" in daemon.stderr()) == (days < 14)


def test_sighup_takes_a_renewed_certificate_and_keeps_the_old_one_when_the_new_one_is_broken(authority, tmp_path):
    certificate, key = str(tmp_path / "live.pem"), str(tmp_path / "live.key")

    def install(name, **options):
        for source, target in zip(authority.issue(name, **options), (certificate, key)):
            shutil.copy(source, target)

    install("first", begins=-30, ends=-1)
    with Site(ACCOUNTS, signing(authority, certificate, key), allow=["WARNING", "live"]) as daemon:
        assert ask(daemon, "joe@example.com").status == 503
        install("second", key="P-256")
        daemon.signal(signal.SIGHUP)
        assert eventually(lambda: ask(daemon, "joe@example.com").status, 200) == 200
        assert authority.verify(ask(daemon, "joe@example.com").body, str(tmp_path)) is not None
        os.chmod(key, 0o644)
        daemon.signal(signal.SIGHUP)
        assert eventually(lambda: "ERROR" in daemon.stderr() and "live.key" in daemon.stderr())
        assert authority.verify(ask(daemon, "joe@example.com").body, str(tmp_path)) is not None
