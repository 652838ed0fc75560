"""Reads the documents that automxd writes and refuses whatever one of the known clients would choke on."""

import json
import os
import plistlib
import re
import time

from lxml import etree

from support.daemon import Daemon

HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
POX = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"
POX_ROOT = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
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


def parse_xml(body):
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n'), body[:80]
    assert b"<!DOCTYPE" not in body
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    for element in root.iter():
        text = element.text or ""
        if len(element) == 0 and element.tag.rsplit("}")[-1] != "DebugData":
            assert element.attrib or text, f"{element.tag} is empty"
            assert text == text.strip(), f"{element.tag} has blanks around its text"
    return root


def autoconfig(answer, domain=None):
    """The root of an autoconfig document that all of the clients take."""
    assert answer.status == 200, answer
    assert answer.content_type == "text/xml; charset=utf-8"
    root = parse_xml(answer.body)
    assert root.tag == "clientConfig" and root.attrib == {"version": "1.1"}
    (provider,) = root.findall("emailProvider")
    (name,) = provider.findall("domain")
    assert provider.attrib == {"id": name.text} and HOST.fullmatch(name.text)
    assert domain is None or name.text == domain
    kinds = [child.tag for child in provider]
    assert kinds.index("domain") < kinds.index("displayName") < kinds.index("displayShortName")
    assert provider.findtext("displayName")
    for server in provider.iter("incomingServer", "outgoingServer"):
        assert list(server.attrib) == ["type"], "Evolution refuses other attributes"
        if server.get("type") not in ("imap", "pop3", "smtp"):
            continue
        assert [child.tag for child in server if child.tag != "authentication"] == \
            ["hostname", "port", "socketType", "username"]
        assert HOST.fullmatch(server.findtext("hostname")) and 0 < int(server.findtext("port")) < 65536
        assert server.findtext("socketType") in ("SSL", "STARTTLS", "plain")
        assert server.find("authentication") is not None
        assert all(not child.attrib and len(child) == 0 for child in server)
    types = [server.get("type") for server in provider.iter("incomingServer", "outgoingServer")]
    order = ["imap", "pop3", "smtp", "jmap", "ews", "activeSync"]
    assert types == sorted(types, key=order.index), "FairEmail and Geary want imap first"
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
    root = parse_xml(answer.body)
    assert root.tag == POX_ROOT + "Autodiscover"
    (response,) = root
    assert response.tag == POX + "Response", etree.tostring(response)
    account = response.find(POX + "Account")
    assert account is not None
    assert account[0].tag == POX + "AccountType" and account[0].text == "email" and account[1].tag == POX + "Action"
    types = [protocol.findtext(POX + "Type") for protocol in account.iter(POX + "Protocol")]
    assert len(types) == len(set(types)), "FairEmail takes the last of a type, others the first"
    assert types == sorted(types, key=["IMAP", "POP3", "SMTP", "CalDAV", "CardDAV"].index)
    return account


def protocols(account):
    return {protocol.findtext(POX + "Type"): {child.tag[len(POX):]: child.text for child in protocol}
            for protocol in account.iter(POX + "Protocol")}


def pox_error(answer):
    """The number of an Autodiscover error."""
    assert answer.status == 200, answer
    root = parse_xml(answer.body)
    error = root.find(f"{POX_ROOT}Response/{POX_ROOT}Error")
    assert error is not None, answer.body
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{7}", error.get("Time")) and error.get("Id").isdigit()
    assert [child.tag for child in error] == [POX_ROOT + tag for tag in ("ErrorCode", "Message", "DebugData")]
    return int(error.findtext(POX_ROOT + "ErrorCode"))


def profile(answer):
    """The dictionary of an unsigned configuration profile."""
    assert answer.status == 200, answer
    assert answer.content_type == "application/x-apple-aspen-config"
    return profile_of(answer.body)


def profile_of(body):
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC '
                           b'"-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n')
    root = plistlib.loads(body)
    assert root["PayloadType"] == "Configuration" and root["PayloadContent"]
    every = [root] + root["PayloadContent"]
    for payload in every:
        assert payload["PayloadVersion"] == 1 and payload["PayloadType"]
        assert re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", payload["PayloadUUID"])
    for key in ("PayloadIdentifier", "PayloadUUID"):
        assert len({payload[key].lower() for payload in every}) == len(every), f"{key} is not unique"
    return root


def payloads(root, kind):
    return [payload for payload in root["PayloadContent"] if payload["PayloadType"] == kind]
