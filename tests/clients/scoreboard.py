#!/usr/bin/python3
"""Lets every client look for every kind of domain with every form of address, and says who ends up set up right.

With --markdown it prints the table of docs/clients.md.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
for _folder in (HERE, os.path.dirname(HERE)):
    if _folder not in sys.path:
        sys.path.insert(0, _folder)

from clients import CLIENTS  # noqa: E402
from domains import FORMS, HOSTER, KINDS, WORLDS  # noqa: E402
from found import Refused  # noqa: E402
from support.daemon import Daemon  # noqa: E402
import schemas  # noqa: E402
from web import Web  # noqa: E402

MX = {"customer.example": HOSTER}


@contextlib.contextmanager
def serving():
    """The daemons behind every domain, as a function from a kind to a web."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="automxd-test-"))
        with open(os.path.join(directory, "people.sqlite"), "wb"):
            pass  # the query reads no table
        addresses = {}
        for world, (accounts, settings) in WORLDS.items():
            path = os.path.join(directory, f"{world}.json")
            with open(path, "w", encoding="utf-8") as file:
                json.dump(accounts, file)
            config = {"proxy_count": 1, "rate_limit": 0, "db_uri": "sqlite:///:memory:", "accounts": path}
            config.update((key, value.replace("{directory}", directory)) for key, value in settings.items())
            # Servers that some format leaves out are warned of; that is not what is looked at here.
            addresses[world] = stack.enter_context(Daemon(config, allow=[r" WARNING "])).address
        yield lambda kind: Web(addresses[kind.world], kind.reach, MX)


def cannot(client, kind, form):
    """Why this client, by its own rules, finds nothing there whatever a server does; or None."""
    if form == "none" and not client.unnamed:
        return "its request needs an address"
    if kind.hosts == "mx" and "MX" not in client.name:
        return "does not look at the MX here"
    if kind.hosts != "mx" and "MX" in client.name:
        return "looks at the MX when there is nothing else"
    if kind.hosts == "own" and not client.well_known:
        return "does not ask the domain's own host name"
    if kind.hosts == "http" and not client.plain_http:
        return "asks by https alone"
    if kind.moves_to and not client.moves:
        return "does not follow an address that moved"
    if client.pacc and kind.world == "lookup":
        return "its document has no place for the logins of a look-up"
    if kind.served and not client.only_groupware and not usable(client, kind):
        return "has no use for these servers"
    return None


def usable(client, kind):
    """The servers that the client could be set up with."""
    servers = [server for server in kind.servers if server.type == "smtp" or server.type in client.incoming]
    if client.pacc:  # fixed ports, TLS from the start, the address as the user name
        fixed = {"imap": 993, "pop3": 995, "smtp": 465}
        servers = [server for server in servers if server.security == "TLS" and server.port == fixed[server.type]]
        return servers if kind.user == "%EMAILADDRESS%" else []
    incoming = [server for server in servers if server.type != "smtp"]
    return servers if incoming and len(incoming) < len(servers) else []


def logins(client, kind, who, form):
    """The user names that are right; empty when the client cannot take this one over."""
    named = client.names and form != "none"
    template = kind.login if kind.login and named else kind.user
    bare = template in ("%EMAILADDRESS%", "%EMAILLOCALPART%")
    if client.users == "none" or (not bare and client.users == "bare") or (
            not bare and "%" in template and client.users == "literal"):
        return set()
    addresses = {(who.typed, who.typed_domain), (who.ascii, who.domain)}
    if kind.moves_to:
        addresses.add((f"{who.local}@{kind.moves_to}", kind.moves_to))
    return {template.replace("%EMAILADDRESS%", address).replace("%EMAILLOCALPART%", who.local)
            .replace("%EMAILDOMAIN%", domain) for address, domain in addresses}


def fault_of_server(server, client, kind, who, form):
    for expected in usable(client, kind):
        if server.place() == expected.place():
            break
    else:
        return f"{server} is none of the domain's"
    if server.security not in (None, expected.security):
        return f"{server.place()} with {server.security}"
    users = logins(client, kind, who, form)
    if server.user is not None and users and server.user not in users:
        return f"{server.place()} with the user {server.user!r}"
    if server.auth is not None and server.auth not in kind.auths:
        return f"{server.place()} with the method {server.auth}"
    return None


def fault(client, kind, form, found, who):
    """What is wrong with what the client found, or None."""
    if not kind.served:
        return None if found is None else f"found {found} where nothing is"
    if client.only_groupware:
        url = found.dav.get("activesync") if found else None
        return None if url == kind.dav.get("activesync") else f"ActiveSync at {url}"
    if found is None:
        return "found nothing"
    if not found.incoming() and not client.pacc:
        return "no server for incoming mail"
    if not found.outgoing() and not client.pacc:
        return "no server for outgoing mail"
    if found.incoming() and any(server.type == "imap" for server in usable(client, kind)) \
            and found.incoming()[0].type != "imap":
        return f"prefers {found.incoming()[0]}"
    for name, url in found.dav.items():
        if kind.dav.get(name) != url:
            return f"{name} at {url}"
    if client.name in ("eM Client", "Apple Mail"):
        for name in ("caldav", "carddav"):
            if name in kind.dav and name not in found.dav:
                return f"no {name}"
    faults = [fault_of_server(server, client, kind, who, form) for server in found.servers]
    return next((text for text in faults if text), None)


def check_document(answer):
    """Whatever was answered with 200 obeys our own strict schema."""
    content_type, body = answer.content_type.partition(";")[0], answer.body
    if content_type == "application/x-apple-aspen-config":
        schemas.check_profile(body)
    elif "ua-auto-config." in answer.url:
        schemas.check_pacc(body)
    elif content_type == "application/json":
        schemas.check_v2(body)
    elif b"<clientConfig" in body:
        schemas.check_autoconfig(body)
    elif b"<ErrorCode>" in body:
        schemas.check_pox_error(body, 601)
    elif b"autodiscover/mobilesync" in body:
        schemas.check_mobilesync(body)
    else:
        schemas.check_pox(body)


def play(web, client, kind, form):
    """("passed" | "cannot" | "failed", why)."""
    reason = cannot(client, kind, form)
    if reason:
        return "cannot", reason
    who = kind.who(form)
    try:
        found = client.ask(web, who, form != "none")
        for answer in web.answers:
            if answer.status == 200:
                check_document(answer)
    except (Refused, AssertionError) as refusal:
        return "failed", f"refused: {refusal}; {web.log}"
    text = fault(client, kind, form, found, who)
    broken = [entry for entry in web.log if entry[2] >= 500 or entry[2] == 401]  # never on a public route
    if broken:
        return "failed", f"{broken}"
    return ("failed", f"{text}; {web.log}") if text else ("passed", "")


def markdown():
    lines = ["| client | asks by | " + " | ".join(FORMS) + " |", "|---|---|" + "---|" * len(FORMS)]
    bad = []
    with serving() as web_of:
        for client in CLIENTS:
            cells = []
            for form in FORMS:
                results = [(kind, *play(web_of(kind), client, kind, form)) for kind in KINDS]
                counted = [result for result in results if result[1] != "cannot"]
                good = [result for result in counted if result[1] == "passed"]
                bad += [f"{client.name}, {kind.name}, {form}: {why}" for kind, outcome, why in results
                        if outcome == "failed"]
                cells.append(f"{len(good)} of {len(counted)}" if counted else "-")
            lines.append(f"| {client.name} | {client.asks} | " + " | ".join(cells) + " |")
    print("\n".join(lines))
    for line in bad:
        print(line, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--markdown", action="store_true", required=True)
    parser.parse_args()
    sys.exit(markdown())
