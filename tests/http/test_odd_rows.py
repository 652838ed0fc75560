"""Whatever stands in the tables: every answer is a whole document or a 404, and --check-config finds the fault."""

import subprocess

import pytest
import schemas
from support.daemon import AUTOMXD, Daemon, run_sql

SEED = {"version": 3, "providers": [
    {"name": "Example Inc.", "links": [{"kind": "webmail", "url": "https://webmail.example.com/"}],
     "consents": [{"text": "Yes."}], "oauth2": {"issuer": "https://id.example.com/"}}], "domains": [
    {"name": "example.com", "servers": [
        {"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com", "port": 465},
        {"type": "caldav", "url": "https://dav.example.com/cal/"},
        {"type": "jmap", "url": "https://jmap.example.com/session"}]},
    {"name": "alias.example", "alias_of": "example.com"}, {"name": "target.example", "alias_of": "example.com"}]}

# A statement, and a word of the fault that is found then (None: nothing is wrong with it).
ROWS = {
    "provider name with control characters": ("UPDATE provider SET name = 'a' || char(7) || 'b'", "name"),
    "provider name of blanks": ("UPDATE provider SET name = '   ', short_name = ''", None),
    "provider name with bytes that are no UTF-8": ("UPDATE provider SET name = CAST(x'c3' AS TEXT)", "UTF-8"),
    "provider name with XML": ("UPDATE provider SET name = '</displayName><x a=\"1\">&amp;]]>'", None),
    "provider name with a NUL": ("UPDATE provider SET name = 'a' || char(0) || 'b'", None),
    "endless provider name": ("UPDATE provider SET name = printf('%.*c', 100000, 'x')", "name"),
    "name in emojis": ("UPDATE provider SET name = '📧📧📧', short_name = '📧'", None),
    "no provider": ("DELETE FROM provider", "provider"),
    "host with blanks": ("UPDATE server SET name = 'imap example.com'", "host name"),
    "host with underscore": ("UPDATE server SET name = 'imap_1.example.com'", "host name"),
    "host with XML": ("UPDATE server SET name = '<imap>&.example.com'", "host name"),
    "host in UTF-8": ("UPDATE server SET name = 'imap.müller.example' WHERE type = 'imap'", None),
    "host with a colon": ("UPDATE server SET name = 'imap.example.com:993' WHERE type = 'imap'", "host name"),
    "host is an address": ("UPDATE server SET name = '2001:db8::1' WHERE type = 'imap'", None),
    "empty host": ("UPDATE server SET name = ''", "host name"),
    "host of placeholders": ("UPDATE server SET name = '%EMAILDOMAIN%%EMAILDOMAIN%' WHERE type = 'imap'", None),
    "host of an unknown placeholder": ("UPDATE server SET name = '%WHAT%.example.com'", "host name"),
    "port 0": ("UPDATE server SET port = 0", "port"),
    "negative port": ("UPDATE server SET port = -1", "port"),
    "huge port": ("UPDATE server SET port = 99999999999", "port"),
    "port in words": ("UPDATE server SET port = 'imaps'", "port"),
    "unknown type": ("UPDATE server SET type = 'nntp'", "nntp"),
    "type in other words": ("UPDATE server SET type = ' IMAP ' WHERE type = 'imap'", None),
    "unknown security": ("UPDATE server SET socket_type = 'maybe'", "maybe"),
    "unknown method": ("UPDATE server SET authentication = 'telepathy'", "telepathy"),
    "many methods": ("UPDATE server SET auth_methods = 'OAuth2, GSSAPI,NTLM, plain ,plain, cram-md5, none'", None),
    "methods of commas": ("UPDATE server SET auth_methods = ', ,'", "authentication"),
    "no user name": ("UPDATE server SET user_name = ''", None),
    "user name with a line break": ("UPDATE server SET user_name = 'a' || char(10) || 'b'", "user_name"),
    "user name with XML": ("UPDATE server SET user_name = '<%EMAILLOCALPART%>&\"'", None),
    "user name of digits": ("UPDATE server SET user_name = '007'", "number"),
    "odd priorities": ("UPDATE server SET prio = 'x'; UPDATE davserver SET prio = -5", None),
    "DAV URL that is none": ("UPDATE davserver SET url = 'dav.example.com'", "https://"),
    "DAV URL with a script": ("UPDATE davserver SET url = 'javascript:alert(1)'", "https://"),
    "DAV URL with a line break": (
        "UPDATE davserver SET url = 'https://dav.example.com/' || char(13) || char(10) || 'X: y'", "davserver"),
    "DAV URL with a user": ("UPDATE davserver SET url = 'https://a:b@dav.example.com/'", "user"),
    "DAV URL in UTF-8": ("UPDATE davserver SET url = 'https://dav.müller.example/käse'", None),
    "DAV port": ("UPDATE davserver SET port = 70000", "port"),
    "service without a URL": ("UPDATE service SET url = NULL", "url"),
    "service of a mail type": ("UPDATE service SET type = 'imap', name = 'second.example.com', url = NULL", None),
    "alias of itself": ("UPDATE domain SET alias_of = id", "alias_of"),
    "aliases in a circle": ("UPDATE domain SET alias_of = 1 + id % 3", "alias_of"),
    "alias of nothing": ("UPDATE domain SET alias_of = 999 WHERE name = 'alias.example'", "alias_of"),
    "unknown type switched off": ("UPDATE domain SET types_off = 'pop, nntp'", "nntp"),
    "everything switched off": ("UPDATE domain SET types_off = 'imap,pop,smtp,jmap,caldav'", None),
    "moved to no domain": ("UPDATE domain SET moved_to = 'a b'", "moved_to"),
    "redirected by http": ("UPDATE domain SET redirect_url = 'http://example.org/'", "redirect_url"),
    "name that is none": ("UPDATE domain SET name = 'exa mple.com' WHERE name = 'target.example'", "exa mple"),
    "issuer that is none": ("UPDATE provider_oauth2 SET issuer = 'https://id.example.com/?x'", "issuer"),
    "link with a script": ("UPDATE provider_link SET url = 'javascript:alert(1)'", "provider_link"),
    "link of an unknown kind": ("UPDATE provider_link SET kind = 'fax'", "fax"),
    "consent in no language": ("UPDATE provider_consent SET language = '<de>'", "provider_consent"),
    "consent of nothing": ("UPDATE provider_consent SET text = ''", "provider_consent"),
    "two hundred servers": (
        "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 300) INSERT INTO server (id, prio, "
        "name, port, type, socket_type, user_name, authentication) SELECT i, i, 'imap' || i || '.example.com', 993, "
        "'imap', 'SSL', '%EMAILADDRESS%', 'plain' FROM n; INSERT INTO server_domain SELECT id, 1 FROM server "
        "WHERE id >= 100", "more than"),
    "a server that is not there": ("INSERT INTO server_domain VALUES (999, 1)", "999"),
    "a directory that is not there": ("UPDATE domain SET ldapserver_id = 999", "999"),
}


def check_all(daemon, domain):
    address = "joe+x@" + domain
    answers = {
        "autoconfig": daemon.autoconfig(address), "host": daemon.get("/mail/config-v1.1.xml", host=domain),
        "pox": daemon.pox(address), "profile": daemon.get("/mobileconfig?emailaddress=" + address),
        "pacc": daemon.get("/.well-known/user-agent-configuration.json", host="ua-auto-config." + domain),
        "caldav": daemon.request("PROPFIND", "/.well-known/caldav", domain),
    }
    for name, answer in answers.items():
        assert answer.status in (200, 404, 307), (name, answer)
        if answer.status == 404:
            assert answer.content_type.startswith("text/plain") and len(answer.body) < 600
    checks = {"autoconfig": lambda body: schemas.check_autoconfig(body, last_resort=True), "pox": schemas.check_pox,
              "profile": schemas.check_profile, "pacc": schemas.check_pacc}
    checks["host"] = checks["autoconfig"]
    for name, check in checks.items():
        if answers[name].status == 200:
            check(answers[name].body)
    return {name: answer.status for name, answer in answers.items()}


@pytest.mark.parametrize("name", ROWS)
def test_odd_rows(name):
    script, word = ROWS[name]
    with Daemon({"cache_ttl": "0s"}, seed=SEED, allow=["WARNING"]) as daemon:
        assert set(check_all(daemon, "example.com").values()) == {200, 307}
        run_sql(daemon.database, script)
        for domain in ("example.com", "alias.example"):
            check_all(daemon, domain)
        check = subprocess.run([AUTOMXD, "--config", daemon.config_path, "--check-config"], capture_output=True,
                               text=True, timeout=30)
        faults = [line for line in check.stdout.splitlines() if line.startswith("fault: ")]
        assert check.returncode == (1 if faults else 0)
        warnings = [line for line in check.stderr.splitlines() if "WARNING" in line]
        assert not (faults and warnings), "said twice"
        faults += warnings
        assert (word is None) == (not faults), faults
        assert word is None or any(word in line for line in faults), faults
