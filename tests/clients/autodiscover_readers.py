"""How each client reads Autodiscover's answers (docs/clients.md). Refused where the client refuses."""

import json
import plistlib

from autoconfig_readers import demand, tree
from found import Found, Refused, Server

ROOT_NS = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK_NS = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
MOBILESYNC_NS = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
TYPES = {"IMAP": "imap", "POP3": "pop3", "SMTP": "smtp"}
STARTTLS_PORTS = (143, 110, 25, 587)


class Redirected(Exception):
    """The account element of a domain that moved: the new address."""


def _text(protocol, name):
    return protocol.findtext(f"{{*}}{name}")


def thunderbird(body, who):
    """Plain names without namespaces; security by the port, unless one of SSL and Encryption says none."""
    root = tree(body)
    demand(root.findtext("{*}Response/{*}Error/{*}ErrorCode") is None, "error")
    address = root.findtext("{*}Response/{*}Account/{*}RedirectAddr")
    if address:
        raise Redirected(address)
    servers = []
    for protocol in root.iterfind("{*}Response/{*}Account/{*}Protocol"):
        type_, host, port = (_text(protocol, name) for name in ("Type", "Server", "Port"))
        if type_ not in TYPES or not host or not port:
            continue
        if _text(protocol, "SSL") == "off" or _text(protocol, "Encryption") == "None":
            security = "plain"
        else:
            security = "STARTTLS" if int(port) in STARTTLS_PORTS else "TLS"
        auth = "secure" if _text(protocol, "SPA") == "on" else "password"
        servers.append(Server(TYPES[type_], host, int(port), security, _text(protocol, "LoginName"), auth))
    demand(any(server.type != "smtp" for server in servers), "neither IMAP nor POP3")
    return Found(servers)


def fairemail(body, who):
    """AccountType and Action first; the last protocol of a type; security by the port alone."""
    root = tree(body)
    account = root.find("{*}Response/{*}Account")
    demand(account is not None, "no account")
    names = [child.tag.split("}")[1] for child in account]
    demand(names[:2] == ["AccountType", "Action"], f"begins with {names[:2]}")
    demand(_text(account, "AccountType") == "email" and _text(account, "Action") == "settings", "no settings")
    last = {}
    for protocol in account.iterfind("{*}Protocol"):
        type_ = _text(protocol, "Type")
        if type_ in ("IMAP", "SMTP"):
            port = int(_text(protocol, "Port"))
            last[type_] = Server(TYPES[type_], _text(protocol, "Server"), port,
                                 "STARTTLS" if port in (143, 587) else "TLS")
    demand(set(last) == {"IMAP", "SMTP"}, f"only {sorted(last)}")
    return Found(list(last.values()))


def delta_chat(body, who):
    """LoginName and Encryption are not read; SSL off is no encryption at all."""
    root = tree(body)
    servers = []
    for protocol in root.iter("{*}Protocol"):
        type_ = (_text(protocol, "Type") or "").lower()
        if type_ in ("imap", "smtp") and _text(protocol, "Server") and _text(protocol, "Port"):
            security = "plain" if _text(protocol, "SSL") == "off" else None
            servers.append(Server(type_, _text(protocol, "Server"), int(_text(protocol, "Port")), security))
    return Found(servers)


def outlook(body, who, dav=False):
    """By Microsoft's documents: namespaces, order, and the defaults for what is absent."""
    root = tree(body)
    demand(root.tag == f"{{{ROOT_NS}}}Autodiscover", f"the root is {root.tag}")
    response = root.find(f"{{{OUTLOOK_NS}}}Response")
    demand(response is not None, "no Response in Outlook's namespace")
    account = response.find(f"{{{OUTLOOK_NS}}}Account")
    demand(account is not None, "no Account")
    names = [child.tag.split("}")[1] for child in account]
    demand(names[:2] == ["AccountType", "Action"], f"begins with {names[:2]}")
    demand(_text(account, "AccountType") == "email", "AccountType")
    if _text(account, "Action") == "redirectAddr":
        raise Redirected(_text(account, "RedirectAddr"))
    demand(_text(account, "Action") == "settings", f"Action {_text(account, 'Action')}")
    servers, urls = [], {}
    for protocol in account.iterfind(f"{{{OUTLOOK_NS}}}Protocol"):
        type_ = _text(protocol, "Type")
        demand(_text(protocol, "Server"), "Server is required")
        if type_ in ("CalDAV", "CardDAV") and dav:
            urls[type_.lower()] = _text(protocol, "Server")
        if type_ not in TYPES:
            continue
        for name in ("SSL", "SPA", "AuthRequired", "DomainRequired"):
            demand(_text(protocol, name) in (None, "on", "off"), f"{name} is {_text(protocol, name)!r}")
        security = {"None": "plain", "SSL": "TLS", "TLS": "STARTTLS"}.get(_text(protocol, "Encryption"))
        if security is None:
            security = "plain" if _text(protocol, "SSL") == "off" else "TLS"
        auth = "password" if _text(protocol, "SPA") == "off" else "secure"
        user = _text(protocol, "LoginName") or who.local
        servers.append(Server(TYPES[type_], _text(protocol, "Server"), int(_text(protocol, "Port")), security, user,
                              auth))
    return Found(servers, urls)


def em_client(body, who):
    return outlook(body, who, dav=True)


def mobilesync(body, who):
    """Where ActiveSync is; None for the error that says there is none."""
    root = tree(body)
    demand(root.tag == f"{{{ROOT_NS}}}Autodiscover", f"the root is {root.tag}")
    if root.findtext("{*}Response/{*}Error/{*}ErrorCode") == "601":
        return None
    response = root.find(f"{{{MOBILESYNC_NS}}}Response")
    demand(response is not None, f"{body[:300]!r} is no MobileSync answer")
    redirect = response.findtext("{*}Action/{*}Redirect")
    if redirect:
        raise Redirected(redirect)
    server = response.find("{*}Action/{*}Settings/{*}Server")
    demand(server is not None and _text(server, "Type") == "MobileSync", "no MobileSync server")
    return Found([], {"activesync": _text(server, "Url")})


def json_url(answer, protocol):
    """The URL of a protocol; None for the error that says it is not there."""
    value = json.loads(answer.body)
    if answer.status == 400:
        demand(value["ErrorCode"] in ("InvalidProtocol", "ProtocolNotSupported"), f"error {value}")
        return None
    demand(answer.status == 200, f"status {answer.status}")
    demand(value["Protocol"].lower() == protocol.lower(), f"Protocol {value['Protocol']}")
    return value["Url"]


def apple(body, who):
    """What Apple's published lists demand of a profile and its accounts."""
    demand(body.startswith(b"<?xml") and b"-//Apple//DTD PLIST 1.0//EN" in body[:300], "no property list")
    profile = plistlib.loads(body)
    required = {"PayloadType", "PayloadVersion", "PayloadIdentifier", "PayloadUUID"}
    demand(required | {"PayloadContent"} <= set(profile), "top level")
    demand(profile["PayloadType"] == "Configuration" and profile["PayloadVersion"] == 1, "top level")
    servers, urls = [], {}
    for payload in profile["PayloadContent"]:
        demand(required <= set(payload), f"{payload}")
        if payload["PayloadType"] == "com.apple.mail.managed":
            servers += _apple_mail(payload, who)
        for kind, name in (("caldav", "CalDAV"), ("carddav", "CardDAV")):
            if payload["PayloadType"] == f"com.apple.{kind}.account":
                demand(payload[f"{name}UseSSL"] is True and payload[f"{name}Username"], "DAV")
                urls[kind] = payload.get(f"{name}PrincipalURL") or f"https://{payload[f'{name}HostName']}/"
        if payload["PayloadType"] == "com.apple.eas.account":
            urls["activesync"] = f"https://{payload['Host']}/Microsoft-Server-ActiveSync"
    return Found(servers, urls)


def _apple_mail(payload, who):
    demand(payload["EmailAddress"] == who.ascii, f"EmailAddress {payload['EmailAddress']}")
    servers = []
    incoming = {"EmailTypeIMAP": "imap", "EmailTypePOP": "pop3"}[payload["EmailAccountType"]]
    for side, type_ in (("Incoming", incoming), ("Outgoing", "smtp")):
        port = payload[f"{side}MailServerPortNumber"]
        demand(type(port) is int, "port")
        # True is TLS or STARTTLS; the port decides. False is Apple's default, and no encryption.
        tls = payload.get(f"{side}MailServerUseSSL", False)
        security = "plain" if not tls else "STARTTLS" if port in STARTTLS_PORTS else "TLS"
        auth = {"EmailAuthPassword": "password", "EmailAuthCRAMMD5": "secure", "EmailAuthNTLM": "secure",
                "EmailAuthHTTPMD5": "secure", "EmailAuthNone": "none"}[payload[f"{side}MailServerAuthentication"]]
        servers.append(Server(type_, payload[f"{side}MailServerHostName"], port, security,
                              payload.get(f"{side}MailServerUsername"), auth))
    return servers


def pacc(body, who):
    """Ports are fixed, TLS is from the start, and the user name is the address."""
    document = json.loads(body)
    protocols = document["protocols"]
    demand(document["info"]["provider"]["name"], "no name")
    demand(document["authentication"]["password"] in (True, False), "authentication")
    ports = {"imap": ("imap", 993), "pop3": ("pop3", 995), "submit": ("smtp", 465)}
    servers = [Server(type_, protocols[name]["host"], port, "TLS", who.ascii)
               for name, (type_, port) in ports.items() if name in protocols]
    return Found(servers, {name: protocols[name]["url"] for name in ("caldav", "carddav") if name in protocols})


__all__ = ["Redirected", "Refused", "apple", "delta_chat", "em_client", "fairemail", "json_url", "mobilesync",
           "outlook", "pacc", "thunderbird"]
