"""How each client reads clientConfig: its rules, not ours (docs/clients.md). Refused where the client refuses."""

import re

from lxml import etree

from found import Found, Refused, Server

LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
HOST = re.compile(rf"{LABEL}(\.{LABEL})*|[0-9a-fA-F:]*:[0-9a-fA-F:.]*")
PLACEHOLDER = re.compile(r"%[A-Z0-9]+%")
SOCKET = {"SSL": "TLS", "STARTTLS": "STARTTLS", "plain": "plain"}


def tree(body):
    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise Refused(f"not XML: {error}") from None


def fill(text, who, words=("EMAILADDRESS", "EMAILLOCALPART", "EMAILDOMAIN")):
    values = {"EMAILADDRESS": who.typed, "EMAILLOCALPART": who.local, "EMAILDOMAIN": who.typed_domain}
    for word in words:
        text = text.replace(f"%{word}%", values[word])
    return text


def demand(condition, reason):
    if not condition:
        raise Refused(reason)


def provider_of(body):
    root = tree(body)
    demand(root.tag == "clientConfig", f"the root is {root.tag}")
    provider = root.find("emailProvider")
    demand(provider is not None, "no emailProvider")
    return provider


def is_port(text, first=1, last=65535):
    return text is not None and re.fullmatch(r"[0-9]+", text) is not None and first <= int(text) <= last


# ---- Thunderbird ----


def _thunderbird_value(element):
    """JXON: no element is undefined, an empty one is true, and what looks like a number is one."""
    if element is None:
        return "undefined"
    text = (element.text or "").strip()
    if text == "":
        return "true"
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?(e[0-9]+)?", text):
        return str(int(float(text))) if float(text).is_integer() else str(float(text))
    return text


def _thunderbird_server(element, type_, outgoing, who):
    host = (element.findtext("hostname") or "").strip().lower()
    demand(HOST.fullmatch(fill(host, who)) and "_" not in host, f"hostname {host!r}")
    port = (element.findtext("port") or "").strip()
    demand(is_port(port), f"port {port!r}")
    sockets = [child.text for child in element.iterfind("socketType") if not child.attrib and child.text in SOCKET]
    demand(sockets, "no socketType")
    words = {"password-cleartext": "password", "plain": "password", "password-encrypted": "secure", "secure": "secure",
             "GSSAPI": "gssapi", "NTLM": "ntlm"}
    if outgoing:
        words.update({"none": "none", "client-IP-address": "none", "smtp-after-pop": "none"})
    # OAuth2 counts only for hosts in Thunderbird's own table.
    methods = [words[child.text] for child in element.iterfind("authentication") if child.text in words]
    demand(methods, "no usable authentication")
    user = fill(_thunderbird_value(element.find("username")), who)
    return Server(type_, fill(host, who), int(port), SOCKET[sockets[0]], user, methods[0])


def thunderbird(body, who):
    provider = provider_of(body)
    demand(HOST.fullmatch(provider.get("id", "")), "id is no host name")
    domains = [element.text or "" for element in provider.iterfind("domain")]
    demand(any(HOST.fullmatch(name) or PLACEHOLDER.fullmatch(name) for name in domains), "no legal domain")
    servers = []
    for element in provider:
        type_ = element.get("type")
        outgoing = element.tag == "outgoingServer"
        if (element.tag == "incomingServer" and type_ in ("imap", "pop3")) or (outgoing and type_ == "smtp"):
            try:
                servers.append(_thunderbird_server(element, type_, outgoing, who))
            except Refused:
                continue  # this server alone
    demand(any(server.type != "smtp" for server in servers), "no good incoming server")
    demand(any(server.type == "smtp" for server in servers), "no good outgoing server")
    return Found(servers)


def android(body, who):
    """One fault in one IMAP or SMTP server refuses everything."""
    body.decode("utf-8")
    provider = provider_of(body)
    demand(HOST.fullmatch(provider.get("id", "")), "id is no host name")
    demand(any(HOST.fullmatch(fill(element.text or "", who)) for element in provider.iterfind("domain")), "no domain")
    servers = []
    for element in provider:
        type_ = element.get("type")
        if (element.tag, type_) not in (("incomingServer", "imap"), ("outgoingServer", "smtp")):
            continue
        for child in element:
            demand(len(child) == 0, f"elements inside {child.tag}")
        host = fill(element.findtext("hostname") or "", who)
        demand(HOST.fullmatch(host), f"hostname {host!r}")
        demand(is_port(element.findtext("port"), 0), "port")
        demand(element.findtext("socketType") in ("SSL", "STARTTLS"), f"socketType {element.findtext('socketType')}")
        words = {"password-cleartext": "password", "password-encrypted": "secure", "OAuth2": "oauth2"}
        methods = [words[child.text] for child in element.iterfind("authentication") if child.text in words]
        demand(methods, "no usable authentication")
        methods = [method for method in methods if method != "oauth2"]  # unknown hosts
        demand(methods, "OAuth2 only, for a host that the app does not know")
        demand(element.findtext("username"), "no username")
        servers.append(Server(type_, host, int(element.findtext("port")), SOCKET[element.findtext("socketType")],
                              fill(element.findtext("username"), who), methods[0]))
    first = {}
    for server in servers:
        first.setdefault(server.type, server)
    demand(set(first) == {"imap", "smtp"}, f"only {sorted(first)}")
    return Found([first["imap"], first["smtp"]])


# ---- GNOME and KDE ----


def evolution(body, who):
    demand(not body.startswith(b"\xef\xbb\xbf"), "BOM")
    root = tree(body.replace(b"EVOLUTIONUSER", who.local.encode()))
    last = {}
    for element in root.iter("incomingServer", "outgoingServer"):
        demand(set(element.attrib) <= {"type"}, f"attributes {dict(element.attrib)}")
        type_ = element.get("type")
        if type_ not in ("imap", "pop3", "smtp"):
            continue
        words = {"password-cleartext": "password", "plain": "password", "password-encrypted": "secure"}
        methods = [words[child.text] for child in element.iterfind("authentication") if child.text in words]
        last[type_] = Server(type_, fill(element.findtext("hostname", ""), who), int(element.findtext("port", "0")),
                             SOCKET.get(element.findtext("socketType")), fill(element.findtext("username", ""), who),
                             methods[0] if methods else None)
    return Found([last[type_] for type_ in ("imap", "pop3", "smtp") if type_ in last])


def kmail(body, who):
    provider = provider_of(body)
    servers = []
    for element in provider:
        if (element.tag, element.get("type")) not in (("incomingServer", "imap"), ("incomingServer", "pop3"),
                                                      ("outgoingServer", "smtp")):
            continue
        if not is_port(element.findtext("port")):
            continue
        words = {"password-cleartext": "password", "plain": "password", "password-encrypted": "secure",
                 "secure": "secure", "NTLM": "ntlm", "GSSAPI": "gssapi", "client-ip-based": "none", "none": "none",
                 "OAuth2": "oauth2"}
        methods = [words[child.text] for child in element.iterfind("authentication") if child.text in words]
        servers.append(Server(element.get("type"), fill(element.findtext("hostname", ""), who),
                              int(element.findtext("port")), SOCKET.get(element.findtext("socketType"), "TLS"),
                              fill(element.findtext("username", ""), who), methods[0] if methods else None))
    return Found(servers)


def geary(body, who):
    """Looks at the first server of each direction, and at no user name."""
    provider = provider_of(body)
    servers = []
    for tag, type_ in (("incomingServer", "imap"), ("outgoingServer", "smtp")):
        element = provider.find(tag)
        demand(element is not None and element.get("type") == type_, f"the first {tag} is not {type_}")
        servers.append(Server(type_, element.findtext("hostname"), int(element.findtext("port")),
                              SOCKET.get(element.findtext("socketType"), "plain")))
    return Found(servers)


def online_accounts(body, who):
    root = tree(body)
    demand(root.tag == "clientConfig", f"the root is {root.tag}")
    servers = {}
    for element in root.iter("incomingServer", "outgoingServer"):
        type_ = element.get("type")
        if type_ not in ("imap", "smtp") or type_ in servers or not is_port(element.findtext("port"), 1, 65534):
            continue
        placeholders = {"%emailaddress%": who.typed, "%emaillocalpart%": who.local, "%emaildomain%": who.typed_domain}
        security = {"ssl": "TLS", "starttls": "STARTTLS", "plain": "plain"}.get(element.findtext("socketType").lower())
        servers[type_] = Server(type_, element.findtext("hostname"), int(element.findtext("port")), security,
                                placeholders.get(element.findtext("username", "").lower()))
    return Found(list(servers.values()))


# ---- others ----


def fairemail(body, who):
    """The first server of each direction, whatever its type; the last user name of the whole document."""
    root = tree(body)
    servers = []
    for tag, type_ in (("incomingServer", "imap"), ("outgoingServer", "smtp")):
        element = root.find(f".//{tag}")
        demand(element is not None and element.get("type") == type_, f"the first {tag} is not {type_}")
        demand(element.findtext("hostname") and element.findtext("port"), f"{tag} without host or port")
        socket_type, port = element.findtext("socketType"), int(element.findtext("port"))
        starttls = socket_type == "STARTTLS" or (socket_type != "SSL" and port in (143, 587))
        servers.append((type_, element.findtext("hostname"), port, "STARTTLS" if starttls else "TLS"))
    user = [element.text for element in root.iter("username")][-1]
    user = {"%EMAILADDRESS%": who.typed, "%EMAILLOCALPART%": who.local}.get(user, user)
    return Found([Server(*server, user=user) for server in servers])


def delta_chat(body, who):
    root = tree(body)
    servers = []
    for element in root.iter("incomingServer", "outgoingServer"):
        type_ = (element.get("type") or "").lower()
        texts = [(element.findtext(name) or "").strip() for name in ("hostname", "port", "username")]
        if type_ not in ("imap", "smtp") or not all(texts):
            continue
        security = {"ssl": "TLS", "starttls": "STARTTLS", "plain": "plain"}
        servers.append(Server(type_, fill(texts[0], who), int(texts[1]),
                              security.get(element.findtext("socketType", "").strip().lower()), fill(texts[2], who)))
    return Found(servers)


def nextcloud(body, who):
    provider = tree(body).find("emailProvider")
    demand(provider is not None, "no emailProvider")
    servers = []
    for tag, type_ in (("incomingServer", "imap"), ("outgoingServer", "smtp")):
        element = provider.find(f"{tag}[@type='{type_}']")
        demand(element is not None, f"no {type_}")
        user = element.findtext("username")
        # It fills in the display name for %EMAILLOCALPART%: nothing that a server could mend.
        user = None if "%EMAILLOCALPART%" in user else fill(user, who)
        security = {"ssl": "TLS", "starttls": "STARTTLS", "tls": "STARTTLS"}
        servers.append(Server(type_, element.findtext("hostname"), int(element.findtext("port")),
                              security.get(element.findtext("socketType").lower(), "plain"), user))
    return Found(servers)


def horde(body, who):
    provider = provider_of(body)
    servers = []
    for element in provider.iter("incomingServer", "outgoingServer"):
        if element.get("type") in ("imap", "pop3", "smtp"):
            tls = element.findtext("socketType", "").upper() == "SSL"
            servers.append(Server(element.get("type"), element.findtext("hostname"), int(element.findtext("port")),
                                  "TLS" if tls else None,
                                  fill(element.findtext("username"), who, ("EMAILADDRESS", "EMAILLOCALPART"))))
    return Found(servers)


def mailspring(body, who):
    root = tree(body)
    provider = root.find(f"emailProvider[@id='{who.domain}']")
    if provider is None:
        provider = provider_of(body)
    servers = []
    for tag, type_ in (("incomingServer", "imap"), ("outgoingServer", "smtp")):
        element = provider.find(f"{tag}[@type='{type_}']")
        demand(element is not None, f"no {type_}")
        for child in element:
            demand(not child.attrib, f"{child.tag} has attributes and is an object then")
        user = who.local if element.findtext("username") == "%EMAILLOCALPART%" else who.typed
        servers.append(Server(type_, element.findtext("hostname"), int(element.findtext("port")),
                              SOCKET.get(element.findtext("socketType"), "STARTTLS"), user))
    return Found(servers)
