"""Reads the documents that automxd writes and refuses whatever one of the known clients would choke on."""

import json
import os
import time

import schemas
from support.daemon import Daemon

POX = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
MOBILESYNC = "{http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006}"
MOBILESYNC_SCHEMA = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
PATIENCE_SECONDS = 15


class Site(Daemon):
    """A daemon whose accounts are the text (or the object, written as JSON) of one file."""

    def __init__(self, accounts, config=None, **options):
        super().__init__({"accounts": "accounts.json", "db_uri": None, "cache_ttl": "200ms", **(config or {})},
                         **options)
        self.accounts_path = os.path.join(self.directory, "accounts.json")
        self.write_accounts(accounts)

    def write_accounts(self, accounts):
        text = accounts if isinstance(accounts, str) else json.dumps(accounts, indent=1, ensure_ascii=False)
        with open(self.accounts_path, "w", encoding="utf-8") as file:
            file.write(text)


def eventually(question, expected=True, seconds=PATIENCE_SECONDS):
    """Asks until the answer is the expected one, and returns the last answer."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer == expected or time.monotonic() > end:
            return answer
        time.sleep(0.02)


def autoconfig(answer, domain=None, last_resort=False):
    """The root of an autoconfig document that all of the clients take; last_resort: that some do not."""
    assert answer.status == 200, answer
    assert answer.content_type == "text/xml; charset=utf-8"
    root = schemas.check_autoconfig(answer.body, last_resort)
    assert domain is None or root.findtext("emailProvider/domain") == domain
    return root


def mail_servers(root):
    return [(server.get("type"), server.findtext("hostname"), int(server.findtext("port")),
             server.findtext("socketType"), [method.text for method in server.findall("authentication")],
             server.findtext("username"))
            for server in root.iter("incomingServer", "outgoingServer") if server.find("hostname") is not None]


def hosts(root, kind="imap"):
    return [server[1] for server in mail_servers(root) if server[0] == kind]


def pox(answer):
    """The Account element of an answer in the Outlook schema."""
    assert answer.status == 200, answer
    assert answer.content_type in ("text/xml; charset=utf-8", "application/xml; charset=utf-8")
    account = schemas.check_pox(answer.body).find(f"{POX}Response/{POX}Account")
    types = [protocol.findtext(POX + "Type") for protocol in account.iter(POX + "Protocol")]
    assert len(types) == len(set(types)), "FairEmail takes the last of a type, others the first"
    assert types == sorted(types, key=["IMAP", "POP3", "SMTP", "CalDAV", "CardDAV"].index)
    return account


def protocols(account):
    return {protocol.findtext(POX + "Type"): {child.tag[len(POX):]: child.text for child in protocol}
            for protocol in account.iter(POX + "Protocol")}


def pox_error(answer, code):
    assert answer.status == 200, answer
    schemas.check_pox_error(answer.body, code)


def mobilesync(answer):
    assert answer.status == 200 and answer.content_type in ("text/xml; charset=utf-8", "application/xml; charset=utf-8")
    return schemas.check_mobilesync(answer.body)


def profile(answer):
    """The dictionary of an unsigned configuration profile."""
    assert answer.status == 200, answer
    assert answer.content_type == "application/x-apple-aspen-config"
    return schemas.check_profile(answer.body)


def payloads(root, kind):
    return [payload for payload in root["PayloadContent"] if payload["PayloadType"] == kind]
