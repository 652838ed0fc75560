"""Autodiscover: the Outlook and MobileSync schemas, version 2, redirections, and requests of every shape."""

import pytest
import schemas
from support.daemon import Daemon, pox_request, run_sql
from support.documents import (MOBILESYNC, MOBILESYNC_SCHEMA, POX, Site, eventually, mobilesync, pox, pox_error,
                               protocols)

OUTLOOK_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
EAS = "https://eas.example.com/Microsoft-Server-ActiveSync"
MAIL = [{"type": "imap", "name": "imap.example.com"},
        {"type": "smtp", "name": "smtp.example.com", "port": 587},
        {"type": "pop3", "name": "pop.example.com"}]
ACCOUNTS = {"version": 3, "providers": [{"name": "Example & Sons", "short_name": "Example"}], "domains": [
    {"name": "example.com", "servers": MAIL},
    {"name": "eas.example", "servers": MAIL + [{"type": "activesync", "url": EAS},
                                               {"type": "ews", "url": "https://ews.example.com/EWS/Exchange.asmx"}]},
    {"name": "dav.example", "servers": MAIL + [{"type": "caldav", "url": "https://dav.example.com/cal/"},
                                               {"type": "carddav", "url": "https://dav.example.com:8443/card/"}]},
    {"name": "moved.example", "servers": MAIL, "moved_to": "Example.COM"},
    {"name": "away.example", "servers": MAIL, "redirect_url": "https://other.test/autodiscover/autodiscover.xml"},
    {"name": "both.example", "moved_to": "example.com", "redirect_url": "https://other.test/a.xml"},
    {"name": "methods.example", "servers": [
        {"type": "imap", "name": "ntlm.example.com", "authentication": "NTLM"},
        {"type": "smtp", "name": "relay.example.com", "port": 587, "authentication": "none"}]},
]}


@pytest.fixture(scope="module")
def site():
    with Site(ACCOUNTS, {"trusted_proxies": "127.0.0.1", "proxy_count": 1, "https_redirect": "yes"},
              allow=["WARNING"]) as daemon:
        yield daemon


def test_everything_that_outlook_has_a_wrong_default_for_is_said(site):
    found = protocols(pox(site.pox("joe+x@example.com")))
    assert found["IMAP"] == {"Type": "IMAP", "Server": "imap.example.com", "Port": "993",
                             "LoginName": "joe+x@example.com", "DomainRequired": "off", "SPA": "off", "SSL": "on",
                             "Encryption": "SSL", "AuthRequired": "on"}
    assert found["POP3"]["Port"] == "995"
    assert found["SMTP"] == {"Type": "SMTP", "Server": "smtp.example.com", "Port": "587",
                             "LoginName": "joe+x@example.com", "DomainRequired": "off", "SPA": "off", "SSL": "on",
                             "Encryption": "TLS", "AuthRequired": "on", "UsePOPAuth": "off", "SMTPLast": "off"}


def test_methods(site):
    found = protocols(pox(site.pox("joe@methods.example")))
    assert found["IMAP"]["SPA"] == "on" and found["SMTP"]["AuthRequired"] == "off"


def test_dav_for_em_client_after_the_mail_protocols(site):
    account = pox(site.pox("joe@dav.example"))
    found = protocols(account)
    assert list(found) == ["IMAP", "POP3", "SMTP", "CalDAV", "CardDAV"]
    assert found["CalDAV"]["Server"] == "https://dav.example.com/cal/"
    assert found["CardDAV"]["Server"] == "https://dav.example.com:8443/card/"
    assert found["CalDAV"]["LoginName"] == "joe@dav.example"


@pytest.mark.parametrize("path", ["/autodiscover/autodiscover.xml", "/Autodiscover/Autodiscover.xml",
                                  "/AutoDiscover/AutoDiscover.xml/", "/AUTODISCOVER/AUTODISCOVER.XML?x=1"])
@pytest.mark.parametrize("content_type", ["text/xml; charset=utf-8", "application/x-www-form-urlencoded", None])
def test_any_letter_case_and_any_content_type(site, path, content_type):
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = site.post(path, pox_request("joe@example.com"), "autodiscover.example.com",
                       headers={**headers, "Authorization": "Basic c2VjcmV0OnNlY3JldA==", "X-MapiHttpCapability": "1"})
    assert protocols(pox(answer))["IMAP"]["Server"] == "imap.example.com"
    assert "c2VjcmV0" not in site.stderr() and "joe@" not in site.stderr()


def body(inner, space="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006", head=""):
    return f'{head}<Autodiscover xmlns="{space}"><Request>{inner}</Request></Autodiscover>'


SCHEMA = f"<AcceptableResponseSchema>{OUTLOOK_SCHEMA}</AcceptableResponseSchema>"
MAILBOX = "<EMailAddress>joe@example.com</EMailAddress>"
LEGACY = "<LegacyDN>/o=First/ou=Group/cn=Recipients/cn=joe</LegacyDN>"
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
GOOD_BODIES = {
    "usual": body(MAILBOX + SCHEMA, head=DECLARATION),
    "schema first": body(SCHEMA + MAILBOX),
    "https namespaces": body(MAILBOX + SCHEMA.replace("http:", "https:")).replace("http:", "https:"),
    "LegacyDN beside": body(MAILBOX + LEGACY + SCHEMA),
    "LegacyDN in front": body(LEGACY + MAILBOX + SCHEMA),
    "comments": body("<!-- a > b -->" + MAILBOX.replace("joe", "<!-- -->joe<!-- x -->") + "<!-- " + "y" * 500 + " -->"
                     + SCHEMA, head=DECLARATION + "<!-- before -->\n"),
    "byte order mark and blanks": "\ufeff" + body(MAILBOX + SCHEMA, head=DECLARATION),
    "leading blanks": "\r\n  " + body(MAILBOX + SCHEMA, head=DECLARATION),
    "blanks around": body(MAILBOX.replace("joe@example.com", "\n  joe@example.com\n ") + SCHEMA),
    "prefix": '<a:Autodiscover xmlns:a="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">'
              f"<a:Request><a:EMailAddress>joe@example.com</a:EMailAddress><a:AcceptableResponseSchema>{OUTLOOK_SCHEMA}"
              "</a:AcceptableResponseSchema></a:Request></a:Autodiscover>",
    "CDATA": body("<EMailAddress><![CDATA[joe@example.com]]></EMailAddress>" + SCHEMA),
    "unknown elements": body("<Extra a='1'><Deep>x</Deep></Extra>" + MAILBOX + SCHEMA),
    "UTF-16 declared, UTF-8 sent": body(MAILBOX + SCHEMA, head='<?xml version="1.0" encoding="utf-16"?>'),
    "UTF-16": body(MAILBOX + SCHEMA, head='<?xml version="1.0" encoding="utf-16"?>').encode("utf-16"),
    "odd name of the encoding": body(MAILBOX + SCHEMA, head='<?xml version="1.0" encoding="UTF8"?>'),
    "no namespace": body(MAILBOX + SCHEMA).replace(
        ' xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"', ""),
}


@pytest.mark.parametrize("shape", GOOD_BODIES)
def test_requests_of_every_shape(site, shape):
    answer = site.post("/autodiscover/autodiscover.xml", GOOD_BODIES[shape], "autodiscover.example.com")
    assert protocols(pox(answer))["IMAP"]["LoginName"] == "joe@example.com"


def test_the_address_as_thunderbird_writes_it(site):
    """Unescaped, so that it is no XML; never worse than an error, and at best the answer."""
    answer = site.post("/autodiscover/autodiscover.xml", body("<EMailAddress>a&b@example.com</EMailAddress>" + SCHEMA),
                       "autodiscover.example.com")
    if b"<Error" in answer.body:
        pox_error(answer, 600)
    else:
        assert protocols(pox(answer))["IMAP"]["LoginName"] == "a&b@example.com"


def test_legacy_dn_alone_is_answered_for_the_host(site):
    answer = site.post("/autodiscover/autodiscover.xml", body(LEGACY + SCHEMA), "autodiscover.example.com")
    assert protocols(pox(answer))["IMAP"]["Server"] == "imap.example.com"
    answer = site.post("/autodiscover/autodiscover.xml", body(LEGACY + SCHEMA), "autodiscover.unknown.test")
    pox_error(answer, 600)


BAD_BODIES = {
    "nothing": "", "no XML": "hello", "cut off": body(MAILBOX + SCHEMA)[:-20],
    "no address": body("<EMailAddress>joe</EMailAddress>" + SCHEMA),
    "two requests": body(MAILBOX + SCHEMA).replace("</Request>", f"</Request><Request>{MAILBOX}{SCHEMA}</Request>"),
    "entity": '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>'
              + body("<EMailAddress>&e;</EMailAddress>" + SCHEMA),
    "bomb": '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            + body("<EMailAddress>&b;@example.com</EMailAddress>" + SCHEMA),
    "deep": "<a>" * 5000,
    "not UTF-8": body(MAILBOX + SCHEMA).encode().replace(b"joe", b"j\xff\xfe"),
    "NUL": body(MAILBOX + SCHEMA).replace("joe", "j\0e"),
}


@pytest.mark.parametrize("shape", BAD_BODIES)
def test_requests_that_are_none(site, shape):
    answer = site.post("/autodiscover/autodiscover.xml", BAD_BODIES[shape], "autodiscover.unknown.test")
    pox_error(answer, 600)
    assert b"passwd" not in answer.body and b"root:" not in answer.body


def test_another_schema_has_no_provider(site):
    answer = site.post("/autodiscover/autodiscover.xml", body(MAILBOX + SCHEMA.replace("2006a", "2010")),
                       "autodiscover.example.com")
    pox_error(answer, 601)


def test_mobilesync(site):
    pox_error(site.pox("joe@example.com", schema=MOBILESYNC_SCHEMA), 601)
    answer = site.pox("joe@eas.example", schema=MOBILESYNC_SCHEMA)
    response = mobilesync(answer).find(MOBILESYNC + "Response")
    assert [child.tag for child in response] == [MOBILESYNC + tag for tag in ("Culture", "User", "Action")]
    server = response.find(f"{MOBILESYNC}Action/{MOBILESYNC}Settings/{MOBILESYNC}Server")
    assert [(child.tag, child.text) for child in server] == [(MOBILESYNC + "Type", "MobileSync"),
                                                             (MOBILESYNC + "Url", EAS), (MOBILESYNC + "Name", EAS)]
    assert response.findtext(f"{MOBILESYNC}User/{MOBILESYNC}EMailAddress") == "joe@eas.example"
    assert "IMAP" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert site.pox("joe@unknown.test", schema=MOBILESYNC_SCHEMA).status == 404


def test_moved_domains(site):
    account = pox(site.pox("a.b+c@moved.example"))
    assert [child.tag for child in account] == [POX + tag for tag in ("AccountType", "Action", "RedirectAddr")]
    assert account[1].text == "redirectAddr" and account[2].text == "a.b+c@example.com"
    account = pox(site.pox("joe@away.example"))
    assert account[1].text == "redirectUrl" and account[2].tag == POX + "RedirectUrl"
    assert account[2].text == "https://other.test/autodiscover/autodiscover.xml"
    assert pox(site.pox("joe@both.example"))[1].text == "redirectAddr", "Thunderbird follows an address only"
    root = mobilesync(site.pox("joe@moved.example", schema=MOBILESYNC_SCHEMA))
    assert root.findtext(f".//{MOBILESYNC}Redirect") == "joe@example.com"


def test_a_domain_that_moved_to_itself_or_below_its_own_rule_is_served():
    with Daemon({"cache_ttl": "100ms"}, seed=ACCOUNTS, allow=["WARNING"]) as daemon:
        assert pox(daemon.pox("joe@moved.example"))[1].text == "redirectAddr"
        run_sql(daemon.database, "UPDATE domain SET moved_to = 'MOVED.example' WHERE name = 'moved.example'; "
                                 "INSERT INTO domain (name, provider_id, alias_of, moved_to) SELECT '*.wild.example', "
                                 "1, id, 'new.wild.example' FROM domain WHERE name = 'example.com'")
        assert eventually(lambda: pox(daemon.pox("joe@moved.example"))[1].text, "settings") == "settings"
        assert "names the domain itself" in daemon.stderr()
        account = pox(daemon.pox("joe@old.wild.example"))
        assert account[2].text == "joe@new.wild.example"
        assert pox(daemon.pox("joe@new.wild.example"))[1].text == "settings"


def test_get_is_answered_for_the_host(site):
    for host in ("autodiscover.example.com", "example.com", "AutoDiscover.Example.com:443"):
        answer = site.get("/Autodiscover/Autodiscover.xml", host=host)
        assert protocols(pox(answer))["SMTP"]["Server"] == "smtp.example.com"
    assert site.get("/autodiscover/autodiscover.xml", host="autodiscover.unknown.test").status == 404
    assert site.get("/autodiscover/autodiscover.xml", host="127.0.0.1").status == 404


def test_http_is_sent_to_https_when_a_trusted_proxy_says_so(site):
    proxy = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Host": "autodiscover.example.com"}
    for method in ("GET", "HEAD"):
        answer = site.request(method, "/Autodiscover/Autodiscover.xml", "127.0.0.1",
                              headers={**proxy, "X-Forwarded-Proto": "http"})
        assert answer.status == 302
        assert answer.headers["Location"] == "https://autodiscover.example.com/autodiscover/autodiscover.xml"
    assert site.get("/autodiscover/autodiscover.xml", headers={**proxy, "X-Forwarded-Proto": "https"}).status == 200
    post = site.post("/autodiscover/autodiscover.xml", pox_request("joe@example.com"),
                     headers={**proxy, "X-Forwarded-Proto": "http"})
    assert post.status == 200, "Thunderbird's own POST by http is answered"
    assert site.get("/mail/config-v1.1.xml", headers={**proxy, "X-Forwarded-Proto": "http"}).status == 200


def test_nobody_else_says_so():
    headers = {"X-Forwarded-For": "203.0.113.5", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.test"}
    for settings in ({"https_redirect": "yes"}, {"trusted_proxies": "127.0.0.1"},
                     {"https_redirect": "yes", "trusted_proxies": "192.0.2.1"}):
        with Site(ACCOUNTS, settings, allow=["WARNING"]) as daemon:
            host = "evil.test" if settings.get("trusted_proxies") == "127.0.0.1" else None
            answer = daemon.get("/autodiscover/autodiscover.xml", host="autodiscover.example.com", headers=headers)
            assert answer.status == (404 if host else 200)


V2 = "/autodiscover/autodiscover.json"
V2_PATHS = [V2 + "?Email=joe%2Bx@example.com&Protocol=AutodiscoverV1&RedirectCount=1",
            V2 + "?email=joe+x%40example.com&protocol=autodiscoverv1",
            V2 + "?Protocol=AUTODISCOVERV1&Email=joe@Example.COM&x=y&RedirectCount=99",
            "/Autodiscover/Autodiscover.json/v1.0/joe+x@example.com?Protocol=Autodiscoverv1&RedirectCount=1",
            "/autodiscover/autodiscover.json/V1.0/joe%2Bx%40example.com?Protocol=AutodiscoverV1",
            "/autodiscover/autodiscover.json/v1.0/joe%40example.com/?Protocol=Autodiscoverv1"]


@pytest.mark.parametrize("path", V2_PATHS)
def test_version_2(site, path):
    answer = site.get(path, host="autodiscover.example.com")
    assert answer.status == 200 and answer.content_type.startswith("application/json")
    assert schemas.check_v2(answer.body) == {"Protocol": "AutodiscoverV1",
                                             "Url": "https://autodiscover.example.com/autodiscover/autodiscover.xml"}
    assert answer.headers["Cache-Control"] == "no-store" and "joe" not in answer.text
    assert site.request("HEAD", path).status == 200


def test_version_2_knows_what_is_configured(site):
    assert site.get(V2 + "?Email=a@eas.example&Protocol=activesync").json() == {"Protocol": "ActiveSync", "Url": EAS}
    assert site.get(V2 + "?Email=a@eas.example&Protocol=EWS").json() == {
        "Protocol": "Ews", "Url": "https://ews.example.com/EWS/Exchange.asmx"}


V2_ERRORS = {
    V2 + "?Email=a@example.com&Protocol=ActiveSync": ("ProtocolNotSupported", "InvalidProtocol"),
    V2 + "?Email=a@example.com&Protocol=Ews": ("ProtocolNotSupported", "InvalidProtocol"),
    V2 + "?Email=a@example.com&Protocol=Rest": ("ProtocolNotSupported", "InvalidProtocol"),
    V2 + "?Email=a@example.com&Protocol=zzREFLECTzz": ("ProtocolNotSupported", "InvalidProtocol"),
    V2 + "?Email=a@example.com&Protocol=AutodiscoverV1%00x": ("ProtocolNotSupported", "InvalidProtocol"),
    V2 + "?Email=a@example.com": ("MissingProtocol",),
    V2 + "?Email=a@example.com&Protocol=": ("MissingProtocol",),
    V2 + "/v1.0/a@example.com": ("MissingProtocol",),
    V2 + "?Protocol=AutodiscoverV1": ("MandatoryParameterMissing",),
    V2: ("MandatoryParameterMissing",),
    V2 + "?Email=zzREFLECTzz&Protocol=AutodiscoverV1": ("MandatoryParameterMissing",),
    V2 + "/v1.0/zzREFLECTzz?Protocol=AutodiscoverV1": ("MandatoryParameterMissing",),
}


@pytest.mark.parametrize("path", V2_ERRORS)
def test_version_2_errors(site, path):
    answer = site.get(path, host="autodiscover.example.com")
    assert answer.status == 400 and answer.content_type.startswith("application/json"), answer
    document = schemas.check_v2_error(answer.body)
    assert document["ErrorCode"] in V2_ERRORS[path]
    assert "REFLECT" not in answer.text
    assert "AutodiscoverV1" in answer.text or document["ErrorCode"] not in ("ProtocolNotSupported", "InvalidProtocol")


@pytest.mark.parametrize("path", [V2 + "?Email=joe@zzreflectzz.test&Protocol=AutodiscoverV1",
                                  V2 + "/v1.0/joe@zzreflectzz.test?Protocol=zzreflectzz"])
def test_version_2_for_a_domain_that_is_not_served(site, path):
    answer = site.get(path, host="autodiscover.zzreflectzz.test")
    assert answer.status in (400, 404) and "reflect" not in answer.text.lower()


def test_methods_that_are_not_taken(site):
    for path, methods in {"/autodiscover/autodiscover.xml": ("PUT", "DELETE", "OPTIONS"), V2: ("POST", "PUT")}.items():
        for method in methods:
            answer = site.request(method, path, body=b"")
            assert answer.status == 405 and "GET" in answer.headers["Allow"] and answer.headers["Allow"]
    assert site.get("/autodiscover/autodiscover.svc").status == 404


def test_a_database_holds_all_of_this_too():
    with Daemon(seed=dict(ACCOUNTS), allow=["WARNING"]) as daemon:
        assert protocols(pox(daemon.pox("joe@example.com")))["IMAP"]["Server"] == "imap.example.com"
        assert pox(daemon.pox("joe@moved.example"))[1].text == "redirectAddr"
