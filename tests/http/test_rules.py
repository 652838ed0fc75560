"""Which rule serves a domain, whose servers it gets, and what placeholders become."""

import plistlib
import subprocess

import pytest
from support.daemon import AUTOMXD, Daemon, run_sql
from support.documents import (Site, autoconfig, eventually, hosts, mail_servers, payloads, pox, profile, protocols)


def mail(imap, smtp="smtp.example.net"):
    return [{"type": "imap", "name": imap}, {"type": "smtp", "name": smtp, "port": 465}]


PROVIDERS = [{"name": "Defaults Ltd.", "short_name": "Defaults",
              "servers": mail("imap.default.test", "smtp.default.test") + [
                  {"type": "pop3", "name": "pop.default.test"},
                  {"type": "caldav", "url": "https://dav.default.test/cal/"}]},
             {"name": "Bare Ltd.", "short_name": "Bare"}]

RULES = {"version": 3, "providers": PROVIDERS, "domains": [
    {"name": "exact.example.com", "provider": "Bare", "servers": mail("exact.test")},
    {"name": "*.example.com", "provider": "Bare", "servers": mail("suffix.test")},
    {"name": "*.deep.example.com", "provider": "Bare", "servers": mail("deep.test")},
    {"name": "*.müller.example", "provider": "Bare", "servers": mail("umlaut.test")},
    {"name": "Case.Example.NET.", "provider": "Bare", "servers": mail("case.test")},
    {"name": "*", "provider": "Bare", "servers": mail("star.test")},
]}

WHO_ANSWERS = {
    "exact.example.com": "exact.test",
    "EXACT.Example.COM": "exact.test",
    "other.example.com": "suffix.test",
    "a.b.example.com": "suffix.test",
    "x.exact.example.com": "suffix.test",
    "deep.example.com": "suffix.test",
    "x.deep.example.com": "deep.test",
    "x.y.z.deep.example.com": "deep.test",
    "example.com": "star.test",
    "notexample.com": "star.test",
    "post.xn--mller-kva.example": "umlaut.test",
    "post.MÜLLER.example": "umlaut.test",
    "xn--mller-kva.example": "star.test",
    "case.example.net": "case.test",
    "elsewhere.test": "star.test",
}


@pytest.fixture(scope="module")
def rules():
    with Site(RULES) as daemon:
        yield daemon


def a_label(domain):
    return ".".join(label.encode("idna").decode() if not label.isascii() else label.lower()
                    for label in domain.split("."))


@pytest.mark.parametrize("domain", WHO_ANSWERS)
def test_exact_name_then_longest_suffix_then_star(rules, domain):
    root = autoconfig(rules.autoconfig("a@" + domain, host="autoconfig.example.org"), a_label(domain))
    assert hosts(root) == [WHO_ANSWERS[domain]]


@pytest.mark.parametrize("prefix", ["autoconfig.", "AutoConfig.", "autodiscover.", ""])
@pytest.mark.parametrize("domain", [name for name in WHO_ANSWERS if name.isascii()])
def test_rules_work_from_the_host_alone(rules, domain, prefix):
    root = autoconfig(rules.get("/mail/config-v1.1.xml", host=f"{prefix}{domain}:8080"), a_label(domain))
    assert hosts(root) == [WHO_ANSWERS[domain]]
    assert mail_servers(root)[0][5] == "%EMAILADDRESS%"


def test_wildcard_domains_in_every_format(rules):
    domain = "x.deep.example.com"
    answers = [rules.autoconfig("joe@" + domain), rules.pox("joe@" + domain),
               rules.get("/autodiscover/autodiscover.xml", host="autodiscover." + domain),
               rules.get("/mobileconfig?emailaddress=joe@" + domain),
               rules.get("/.well-known/user-agent-configuration.json", host="ua-auto-config." + domain),
               rules.get("/v1.1/" + domain)]
    for answer in answers:
        assert answer.status == 200 and "deep.test" in answer.text, answer
        assert "*" not in answer.text
        for other in ("exact", "suffix", "umlaut", "star", "case", "Defaults"):
            assert other not in answer.text, "an answer names only the domain asked for"


def test_no_rule_no_answer():
    site = dict(RULES, domains=RULES["domains"][:3])
    with Site(site) as daemon:
        for answer in (daemon.autoconfig("a@example.com"), daemon.pox("a@example.org"),
                       daemon.get("/mail/config-v1.1.xml", host="autoconfig.example.org"),
                       daemon.get("/mobileconfig?emailaddress=a@example.org"),
                       daemon.get("/v1.1/example.org")):
            assert answer.status == 404 and answer.content_type.startswith("text/plain")
            assert len(answer.body) < 200 and "<" not in answer.text


def test_default_domain():
    site = {"version": 3, "providers": PROVIDERS, "domains": [
        {"name": "example.com", "provider": "Bare", "servers": mail("imap.%EMAILDOMAIN%")},
        {"name": "*.example.net", "provider": "Bare", "servers": mail("suffix.test")}]}
    with Site(site, {"default_domain": "Example.COM"}) as daemon:
        assert hosts(autoconfig(daemon.autoconfig("a@unknown.test"), "unknown.test")) == ["imap.unknown.test"]
        assert hosts(autoconfig(daemon.autoconfig("a@x.example.net"))) == ["suffix.test"]
        root = autoconfig(daemon.get("/mail/config-v1.1.xml", host="autoconfig.unknown.test"), "unknown.test")
        assert hosts(root) == ["imap.unknown.test"]


def test_default_domain_that_does_not_exist_is_found_at_the_start():
    with Site(dict(RULES, domains=RULES["domains"][:1]), {"default_domain": "typo.test"},
              allow=["default_domain"]) as daemon:
        assert eventually(lambda: "typo.test" in daemon.stderr())
        assert daemon.autoconfig("a@other.test").status == 404


DEFAULTS = {"version": 3, "providers": PROVIDERS, "domains": [
    {"name": "plain.test", "provider": "Defaults"},
    {"name": "own.test", "provider": "Defaults",
     "servers": [{"type": "imap", "name": "imap2.own.test", "prio": 20}, {"type": "imap", "name": "imap1.own.test"}]},
    {"name": "dav.test", "provider": "Defaults", "servers": [{"type": "caldav", "url": "https://own.test/cal/"}]},
    {"name": "nopop.test", "provider": "Defaults", "types_off": ["POP", "caldav"]},
    {"name": "nothing.test", "provider": "Defaults", "types_off": ["imap", "pop3", "smtp"]},
]}


@pytest.fixture(scope="module")
def defaults():
    with Site(DEFAULTS) as daemon:
        yield daemon


def by_type(root):
    return {kind: hosts(root, kind) for kind in ("imap", "pop3", "smtp") if hosts(root, kind)}


def test_a_domain_without_servers_gets_those_of_its_provider(defaults):
    root = autoconfig(defaults.autoconfig("a@plain.test"), "plain.test")
    assert by_type(root) == {"imap": ["imap.default.test"], "pop3": ["pop.default.test"],
                             "smtp": ["smtp.default.test"]}
    assert root.findtext("calendar/url") == "https://dav.default.test/cal/"


def test_own_servers_replace_the_default_ones_of_their_type(defaults):
    root = autoconfig(defaults.autoconfig("a@own.test"))
    assert by_type(root) == {"imap": ["imap1.own.test", "imap2.own.test"], "pop3": ["pop.default.test"],
                             "smtp": ["smtp.default.test"]}
    assert protocols(pox(defaults.pox("a@own.test")))["IMAP"]["Server"] == "imap1.own.test"
    root = autoconfig(defaults.autoconfig("a@dav.test"))
    assert hosts(root) == ["imap.default.test"]
    assert [url.text for url in root.iterfind("calendar/url")] == ["https://own.test/cal/"]


def test_types_that_are_switched_off_appear_nowhere(defaults):
    root = autoconfig(defaults.autoconfig("a@nopop.test"))
    assert by_type(root) == {"imap": ["imap.default.test"], "smtp": ["smtp.default.test"]}
    assert root.find("calendar") is None
    assert set(protocols(pox(defaults.pox("a@nopop.test")))) == {"IMAP", "SMTP"}
    answer = defaults.get("/mobileconfig?emailaddress=a@nopop.test")
    assert not payloads(profile(answer), "com.apple.caldav.account")
    pacc = defaults.get("/.well-known/user-agent-configuration.json", host="ua-auto-config.nopop.test").json()
    assert set(pacc["protocols"]) == {"imap", "submit"}
    assert defaults.get("/.well-known/caldav", host="nopop.test").status == 404
    assert defaults.get("/.well-known/caldav", host="plain.test").status == 307
    assert defaults.autoconfig("a@nothing.test").status == 404
    assert defaults.pox("a@nothing.test").status == 404


ALIASES = {"version": 3, "providers": PROVIDERS, "domains": [
    {"name": "main.test", "provider": "Bare", "types_off": ["pop"],
     "servers": mail("imap.%EMAILDOMAIN%", "smtp.main.test") + [{"type": "pop3", "name": "pop.main.test"}]},
    {"name": "alias.test", "alias_of": "main.test"},
    {"name": "second.test", "alias_of": "alias.test"},
    {"name": "*.wild.test", "alias_of": "main.test"},
]}


@pytest.mark.parametrize("domain", ["alias.test", "second.test", "x.wild.test"])
def test_an_alias_is_served_as_the_other_domain_under_its_own_name(domain):
    with Site(ALIASES) as daemon:
        answer = daemon.autoconfig("joe@" + domain)
        assert by_type(autoconfig(answer, domain)) == {"imap": ["imap." + domain], "smtp": ["smtp.main.test"]}
        found = protocols(pox(daemon.pox("joe@" + domain)))
        assert found["SMTP"]["Server"] == "smtp.main.test" and found["SMTP"]["LoginName"] == "joe@" + domain
        assert hosts(autoconfig(daemon.get("/mail/config-v1.1.xml", host=domain), domain)) == ["imap." + domain]


PLACEHOLDERS = {"version": 3, "providers": [{"name": "Mail of %EMAILDOMAIN%", "short_name": "Mail"}], "domains": [
    {"name": "*.example.com", "servers": [
        {"type": "imap", "name": "imap.%EMAILDOMAIN%", "user_name": "%EMAILLOCALPART%"},
        {"type": "smtp", "name": "%EMAILDOMAIN%", "port": 465, "user_name": "u-%EMAILLOCALPART%-%EMAILDOMAIN%"},
        {"type": "caldav", "url": "https://dav.%EMAILDOMAIN%/cal/%EMAILADDRESS%/"},
        {"type": "carddav", "url": "https://dav.%EMAILDOMAIN%/card/"}]},
    {"name": "personal.test", "servers": [
        {"type": "imap", "name": "%EMAILLOCALPART%.personal.test"},
        {"type": "imap", "name": "all.personal.test", "prio": 20},
        {"type": "smtp", "name": "smtp.personal.test"}]}]}


@pytest.fixture(scope="module")
def placeholders():
    with Site(PLACEHOLDERS, allow=["personal"]) as daemon:
        yield daemon


def test_placeholders_in_hosts_are_expanded_by_us(placeholders):
    for answer in (placeholders.autoconfig("joe@a.example.com"),
                   placeholders.get("/mail/config-v1.1.xml", host="autoconfig.a.example.com")):
        root = autoconfig(answer, "a.example.com")
        assert hosts(root) == ["imap.a.example.com"] and hosts(root, "smtp") == ["a.example.com"]
        assert mail_servers(root)[0][5] == "%EMAILLOCALPART%"
        assert root.findtext(".//displayName") == "Mail of a.example.com"
        assert root.findtext("addressbook/url") == "https://dav.a.example.com/card/"


def test_addresses_in_urls_are_encoded(placeholders):
    root = autoconfig(placeholders.autoconfig("a+b&c/d?e#f%g@a.example.com"))
    expected = "https://dav.a.example.com/cal/a%2Bb%26c%2Fd%3Fe%23f%25g%40a.example.com/"
    assert root.findtext("calendar/url") == expected
    found = protocols(pox(placeholders.pox("a+b&c/d?e#f%g@a.example.com")))
    assert found["CalDAV"]["Server"] == expected
    assert found["IMAP"]["LoginName"] == "a+b&c/d?e#f%g"
    assert found["SMTP"]["LoginName"] == "u-a+b&c/d?e#f%g-a.example.com"


def test_what_comes_out_of_a_placeholder_is_not_expanded_again(placeholders):
    found = protocols(pox(placeholders.pox("%EMAILDOMAIN%@a.example.com")))
    assert found["IMAP"]["LoginName"] == "%EMAILDOMAIN%"
    assert found["SMTP"]["LoginName"] == "u-%EMAILDOMAIN%-a.example.com"
    answer = placeholders.get("/mobileconfig?emailaddress=%25EMAILDOMAIN%25@a.example.com")
    (payload,) = payloads(plistlib.loads(answer.body), "com.apple.mail.managed")
    assert payload["IncomingMailServerUsername"] == "%EMAILDOMAIN%"


def test_a_host_that_needs_the_person_is_left_out_when_nobody_is_named(placeholders):
    assert hosts(autoconfig(placeholders.autoconfig("joe@personal.test"))) == ["joe.personal.test", "all.personal.test"]
    assert hosts(autoconfig(placeholders.get("/mail/config-v1.1.xml", host="autoconfig.personal.test"))) == \
        ["all.personal.test"]
    for local in ("a b", "<script>", "a/b", "ü"):
        answer = placeholders.autoconfig(f'"{local}"@personal.test', host="autoconfig.personal.test")
        assert hosts(autoconfig(answer)) == ["all.personal.test"], "what comes out is no host name"


def test_host_fallback():
    site = {"version": 3, "providers": PROVIDERS, "domains": [
        {"name": "hoster.test", "provider": "Bare", "servers": mail("imap.hoster.test")}]}
    with Site(site) as daemon:
        assert daemon.autoconfig("a@customer.test", host="autoconfig.hoster.test").status == 404
    with Site(site, {"host_fallback": "yes"}) as daemon:
        for _ in range(2):
            answer = daemon.autoconfig("a@customer.test", host="autoconfig.hoster.test")
            assert hosts(autoconfig(answer, "customer.test")) == ["imap.hoster.test"]
            assert hosts(autoconfig(daemon.autoconfig("a@hoster.test"), "hoster.test")) == ["imap.hoster.test"]
            assert protocols(pox(daemon.pox("a@customer.test", host="autodiscover.hoster.test")))["IMAP"]["LoginName"] \
                == "a@customer.test"
            assert daemon.autoconfig("a@customer.test", host="autoconfig.other.test").status == 404
            # Who names a domain means that one. With the host's answer, Caddy would get certificates for any name.
            for path in ("/ask?domain=autoconfig.customer.test", "/v1.1/customer.test"):
                assert daemon.request("GET", path, "autoconfig.hoster.test").status == 404, path
            assert daemon.request("GET", "/ask?domain=autoconfig.hoster.test", "autoconfig.hoster.test").status == 200


def test_a_new_domain_is_one_row_and_seen_within_cache_ttl():
    with Daemon({"cache_ttl": "300ms"}, seed=dict(DEFAULTS, domains=DEFAULTS["domains"][:1])) as daemon:
        assert daemon.autoconfig("a@new.test").status == 404
        run_sql(daemon.database, "INSERT INTO domain (name, provider_id) "
                                 "SELECT 'new.test', id FROM provider WHERE short_name = 'Defaults'")
        assert eventually(lambda: daemon.autoconfig("a@new.test").status, 200, seconds=2) == 200
        assert hosts(autoconfig(daemon.autoconfig("a@new.test"), "new.test")) == ["imap.default.test"]
        run_sql(daemon.database, "INSERT INTO domain (name, provider_id) SELECT '*.new.test', id FROM provider "
                                 "WHERE short_name = 'Defaults'; UPDATE domain SET types_off = 'pop' "
                                 "WHERE name = 'new.test'")
        assert eventually(lambda: daemon.autoconfig("a@sub.new.test").status, 200, seconds=2) == 200
        assert eventually(lambda: "pop3" in by_type(autoconfig(daemon.autoconfig("a@new.test"))), False, 2) is False


def test_an_own_row_that_is_broken_is_not_replaced_by_a_default():
    with Daemon({"cache_ttl": "100ms"}, seed=DEFAULTS, allow=["socket_type"]) as daemon:
        assert "pop3" in by_type(autoconfig(daemon.autoconfig("a@own.test")))
        run_sql(daemon.database, "UPDATE server SET socket_type = 'maybe' WHERE name LIKE 'imap%.own.test'")
        assert eventually(lambda: "imap" in by_type(autoconfig(daemon.autoconfig("a@own.test"))), False) is False
        assert "maybe" in daemon.stderr()


def test_default_domain_that_is_no_domain_stops_the_start():
    daemon = Site(RULES, {"default_domain": "not a domain"})
    try:
        done = subprocess.run([AUTOMXD, "--config", daemon.config_path, "--port", "0"], capture_output=True, text=True,
                              cwd=daemon.directory, timeout=30)
        assert done.returncode == 2 and "default_domain" in done.stderr, done.stderr
    finally:
        daemon.close()
