"""The clients of the field: what each asks, in its order and its own encoding, and which answers it takes."""

import hashlib
from dataclasses import dataclass

import autoconfig_readers as autoconfig
import autodiscover_readers as autodiscover
from found import Found, Refused
from web import NoAnswer, component, form, headers_of, raw

THUNDERBIRD = headers_of("""
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.7.0
Accept: */*
Accept-Language: en-US,en;q=0.5
Accept-Encoding: gzip, deflate, br, zstd
""")
OUTLOOK = headers_of("""
User-Agent: Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17726; Pro)
X-MapiHttpCapability: 1
X-ClientCanHandle: Negotiate, ExHttpInfo, ExDbgIdHttp
Content-Type: text/xml
""")
CONFIG = "/mail/config-v1.1.xml"
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
POX = "/autodiscover/autodiscover.xml"
JSON = "/autodiscover/autodiscover.json"
SCHEMAS = "http://schemas.microsoft.com/exchange/autodiscover"


@dataclass(frozen=True)
class Client:
    """users: the user names that it takes over: any; bare (a placeholder and nothing else); literal (or a literal);
    none."""

    name: str
    asks: str  # for the table
    ask: callable  # (web, who, named) -> Found, or None when it finds nothing; named: the request names the address
    incoming: tuple = ("imap", "pop3")
    users: str = "any"
    names: bool = True  # its request names the address
    unnamed: bool = True  # there is such a request without an address
    well_known: bool = True  # finds a domain that has only its own host name
    plain_http: bool = True  # finds a domain without a certificate
    moves: bool = True  # follows an address that moved, or need not
    only_groupware: bool = False
    pacc: bool = False


def ok(answer):
    return 200 <= answer.status < 300


def exactly_200(answer):
    return answer.status == 200


def query(who, named, encode=component, ascii_domain=True):
    address = who.ascii if ascii_domain else who.typed
    return f"?emailaddress={encode(address)}" if named else ""


def four_urls(domain, tail, order=("https a", "https w", "http a", "http w"), well_known_tail=None):
    places = {"a": f"autoconfig.{domain}{CONFIG}{tail}",
              "w": f"{domain}{WELL_KNOWN}{tail if well_known_tail is None else well_known_tail}"}
    return [f"{item.split()[0]}://{places[item.split()[1]]}" for item in order]


# ---- autoconfig ----


def thunderbird(web, who, named):
    """2xx decides the URL, before any parsing; a type it does not know makes the whole step fail."""
    answer = web.first(four_urls(who.domain, query(who, named, form)), ok, headers=THUNDERBIRD)
    if answer is None:
        return None
    if not answer.content_type.startswith(("text/xml", "application/xml", "text/rdf")):
        raise Refused(f"Content-Type {answer.content_type!r}")
    return autoconfig.thunderbird(answer.body, who)


def thunderbird_by_mx(web, who, named):
    """The host is the hoster's, the address the customer's."""
    mx = web.mx.get(who.domain, who.domain)
    answer = web.first([f"https://autoconfig.{mx}{CONFIG}{query(who, named, form)}"], ok, headers=THUNDERBIRD)
    return autoconfig.thunderbird(answer.body, who) if answer else None


def android(web, who, named):
    for url in four_urls(who.domain, ""):
        answer = web.first([url], ok, headers={"User-Agent": "okhttp/4.12.0", "Accept-Encoding": "gzip"})
        if answer:
            return autoconfig.android(answer.body, who)
    return None


def evolution(web, who, named):
    """Never the real local part; a well-formed body ends the search."""
    md5 = hashlib.md5(who.ascii.lower().encode()).hexdigest()
    tail = f"?emailaddress=EVOLUTIONUSER%40{who.domain}&emailmd5={md5}"
    for url in four_urls(who.domain, tail, ("https a", "http a", "https w", "http w")):
        answer = web.first([url], ok, headers={"User-Agent": "Evolution/3.46.4-2+deb12u1 "})
        if answer and answer.body:
            return autoconfig.evolution(answer.body, who)
    return None


def kmail_22(web, who, named):
    """Plain http only; anything that is no error ends the search."""
    urls = four_urls(who.domain.lower(), "", ("http a", "http w"))
    answer = web.first(urls, lambda answer: answer.status < 400, headers={"User-Agent": "Mozilla/5.0 KIO/5.103"})
    return autoconfig.kmail(answer.body, who) if answer else None


def kmail_26(web, who, named):
    urls = four_urls(who.domain.lower(), "", ("https a", "http a", "https w"))
    answer = web.first(urls, exactly_200)
    return autoconfig.kmail(answer.body, who) if answer else None


def geary(web, who, named):
    """Parses whatever the status is: XML in a 404 would be taken for the document."""
    try:
        answer = web.get(f"https://autoconfig.{who.domain}{CONFIG}")
        autoconfig.tree(answer.body)
    except (NoAnswer, Refused):
        return None
    return autoconfig.geary(answer.body, who)


def online_accounts(web, who, named):
    tail = query(who, named, raw, ascii_domain=False)
    urls = [f"https://autoconfig.{who.domain}/.well-known/mail-v1.xml{tail}",
            f"https://autoconfig.{who.domain}{CONFIG}{tail}", f"https://{who.domain}{WELL_KNOWN}",
            f"http://autoconfig.{who.domain}{CONFIG}"]
    answer = web.first(urls, exactly_200, headers={"User-Agent": "gnome-online-accounts/3.54 "})
    return autoconfig.online_accounts(answer.body, who) if answer else None


def fairemail(web, who, named):
    for url in four_urls(who.domain, query(who, named, raw, ascii_domain=False)):
        answer = web.first([url], exactly_200, headers={"User-Agent": "Mozilla/5.0 (Linux; Android 14) wv"})
        if answer:
            return autoconfig.fairemail(answer.body, who)
    return None


def delta_chat(web, who, named):
    """Absolute-form targets, no User-Agent, and no address at .well-known."""
    tail = query(who, named, lambda text: component(text).replace("!", "%21").replace("'", "%27"))
    urls = four_urls(who.domain, tail, ("https a", "https w"), well_known_tail="")
    answer = web.first(urls, ok, absolute_form=True)
    return autoconfig.delta_chat(answer.body, who) if answer else None


def delta_chat_old(web, who, named):
    """1.143 to 2.10 dropped every query."""
    answer = web.first(four_urls(who.domain, "", ("https a", "https w")), ok)
    return autoconfig.delta_chat(answer.body, who) if answer else None


def nextcloud(web, who, named):
    """What is not XML is passed over."""
    answer = web.first(four_urls(who.domain, query(who, named, raw, ascii_domain=False)),
                       lambda answer: answer.status < 400 and answer.body.startswith(b"<?xml"))
    return autoconfig.nextcloud(answer.body, who) if answer else None


def horde(web, who, named):
    urls = four_urls(who.domain, query(who, named), ("http a", "http w"), well_known_tail="")
    answer = web.first(urls, exactly_200)
    return autoconfig.horde(answer.body, who) if answer else None


def mailspring(web, who, named):
    answer = web.first(four_urls(who.domain, "", ("https a", "https w")), ok)
    return autoconfig.mailspring(answer.body, who) if answer else None


def nine(web, who, named):
    """Its own path."""
    answer = web.first([f"https://autoconfig.{who.domain}/v1.1{CONFIG}{query(who, named, raw)}"], exactly_200)
    return autoconfig.android(answer.body, who) if answer else None


# ---- Autodiscover ----


def post(web, urls, who, read, request, headers, good=exactly_200, moves=2):
    """Posts to one URL after the other; follows an address that moved, as the clients do, to its own hosts."""
    for url in urls:
        try:
            answer = web.fetch("POST", url, headers, request(who))
        except NoAnswer:
            continue
        if good(answer):
            try:
                return read(answer.body, who)
            except autodiscover.Redirected as moved:
                if moves == 0:
                    raise Refused("too many redirects") from None
                domain = str(moved).rsplit("@", 1)[1]
                again = [item.replace(who.domain, domain) for item in urls]
                return post(web, again, type(who)(who.local, domain, domain), read, request, headers, good, moves - 1)
    return None


def pox_body(schema="outlook", response="2006a", scheme="http", extra="", escape=True):
    def request(who):
        address = who.ascii
        if escape:
            address = address.replace("&", "&amp;").replace("<", "&lt;")
        base = f"{SCHEMAS}/{schema}".replace("http:", f"{scheme}:")
        return (f'<?xml version="1.0" encoding="utf-8"?>\n'
                f'    <Autodiscover xmlns="{base}/requestschema/2006">\n'
                f'      <Request>\n'
                f'        <EMailAddress>{address}</EMailAddress>{extra}\n'
                f'        <AcceptableResponseSchema>{base}/responseschema/{response}</AcceptableResponseSchema>\n'
                f'      </Request>\n'
                f'    </Autodiscover>').encode()
    return request


def thunderbird_pox(web, who, named):
    urls = [f"https://autodiscover.{who.domain}{POX}", f"https://{who.domain}{POX}",
            f"http://autodiscover.{who.domain}{POX}"]
    headers = {**THUNDERBIRD, "Content-Type": "text/xml; charset=utf-8"}
    return post(web, urls, who, autodiscover.thunderbird, pox_body(escape=False), headers, ok)


def fairemail_pox(web, who, named):
    """No Content-Type of its own: Android says it is a form."""
    def request(who):
        return (f'<?xml version="1.0" encoding="UTF-8" standalone="no"?><Autodiscover xmlns="{SCHEMAS}/outlook/'
                f'requestschema/2006"><Request><EMailAddress>{who.ascii}</EMailAddress><AcceptableResponseSchema>'
                f'{SCHEMAS}/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>').encode()
    urls = [f"https://{who.domain}{POX}", f"https://autodiscover.{who.domain}{POX}"]
    return post(web, urls, who, autodiscover.fairemail, request, {"Content-Type": "application/x-www-form-urlencoded"})


def delta_chat_pox(web, who, named):
    """By GET, without an address."""
    urls = [f"https://{who.domain}{POX}", f"https://autodiscover.{who.domain}{POX}"]
    answer = web.first(urls, ok, absolute_form=True)
    return autodiscover.delta_chat(answer.body, who) if answer else None


def em_client(web, who, named):
    urls = [f"https://{who.domain}{POX}", f"https://autodiscover.{who.domain}{POX}"]
    return post(web, urls, who, autodiscover.em_client, pox_body(), {"Content-Type": "text/xml"})


def outlook(web, who, named):
    urls = [f"https://{who.domain}/AutoDiscover/AutoDiscover.xml",
            f"https://autodiscover.{who.domain}/Autodiscover/Autodiscover.xml"]
    extra = "<LegacyDN>/o=Example/ou=Exchange/cn=Recipients/cn=x</LegacyDN>"
    return post(web, urls, who, autodiscover.outlook, pox_body(extra=extra), {**OUTLOOK, "X-AnchorMailbox": who.ascii})


def outlook_https_schemas(web, who, named):
    """Clients made after today's pages of Microsoft, which show the namespaces with https."""
    urls = [f"https://autodiscover.{who.domain}{POX}", f"https://{who.domain}{POX}"]
    return post(web, urls, who, autodiscover.outlook, pox_body(scheme="https"), {"Content-Type": "text/xml"})


def outlook_json(web, who, named):
    """Two forms of the question, a small v in the protocol; then POX at the URL that it is told."""
    base = f"https://autodiscover.{who.domain}{JSON}"
    urls = [f"{base}?Email={component(who.ascii)}&Protocol=Autodiscoverv1&RedirectCount=1",
            f"{base}/v1.0/{raw(who.ascii)}?Protocol=Autodiscoverv1&RedirectCount=1"]
    told = []
    for url in urls:
        answer = web.first([url], lambda answer: answer.status != 404, headers=OUTLOOK)
        if answer is None:
            return None
        told.append(autodiscover.json_url(answer, "AutodiscoverV1"))
    if told[0] != told[1]:
        raise Refused(f"two forms, two answers: {told}")
    return post(web, [told[0]], who, autodiscover.outlook, pox_body(), OUTLOOK)


def outlook_cloud(web, who, named):
    query_text = f"?Email={component(who.ascii)}&Protocol=ActiveSync&RedirectCount=1"
    answer = web.first([f"https://autodiscover.{who.domain}{JSON}{query_text}"], lambda answer: answer.status != 404,
                       headers={"User-Agent": "OutlookMobileCloudService-Autodetect/1.0.0"})
    found = autodiscover.json_url(answer, "ActiveSync") if answer else None
    return Found([], {"activesync": found}) if found else None


def activesync(web, who, named):
    urls = [f"https://{who.domain}{POX}", f"https://autodiscover.{who.domain}{POX}"]
    return post(web, urls, who, autodiscover.mobilesync, pox_body("mobilesync", "2006"),
                {"Content-Type": "text/xml", "Authorization": "Basic dXNlcjpzZWNyZXQ="})


# ---- documents by link ----


def apple(web, who, named):
    answer = web.first([f"https://autoconfig.{who.domain}/mobileconfig/{query(who, True)}"], exactly_200)
    if answer is None:
        return None
    if answer.content_type != "application/x-apple-aspen-config":
        raise Refused(f"Content-Type {answer.content_type!r}")
    return autodiscover.apple(answer.body, who)


def pacc(web, who, named):
    answer = web.first([f"https://ua-auto-config.{who.domain}/.well-known/user-agent-configuration.json"], exactly_200)
    if answer is None:
        return None
    if not answer.content_type.startswith("application/json"):
        raise Refused(f"Content-Type {answer.content_type!r}")
    return autodiscover.pacc(answer.body, who)


IMAP = ("imap",)
CLIENTS = [
    Client("Thunderbird", "autoconfig, address in the query", thunderbird),
    Client("Thunderbird, host of the MX", "autoconfig of the hoster", thunderbird_by_mx, unnamed=False,
           well_known=False, plain_http=False),
    Client("Thunderbird, Autodiscover", "POX", thunderbird_pox, unnamed=False),
    Client("Thunderbird for Android, K-9", "autoconfig without an address", android, IMAP, names=False),
    Client("Evolution", "autoconfig, EVOLUTIONUSER", evolution, names=False),
    Client("KMail 22.12", "autoconfig by http, without an address", kmail_22, names=False),
    Client("KMail 2026", "autoconfig without an address", kmail_26, names=False),
    Client("Geary", "autoconfig without an address", geary, IMAP, names=False, users="none", well_known=False,
           plain_http=False),
    Client("GNOME Online Accounts", "autoconfig, raw address", online_accounts, IMAP, users="bare"),
    Client("FairEmail", "autoconfig, raw address", fairemail, IMAP, users="literal"),
    Client("FairEmail, Autodiscover", "POX as a form", fairemail_pox, IMAP, users="none", unnamed=False,
           plain_http=False, moves=False),
    Client("Delta Chat", "autoconfig, absolute form", delta_chat, IMAP, plain_http=False),
    Client("Delta Chat before 2.11", "autoconfig, query dropped", delta_chat_old, IMAP, names=False,
           plain_http=False),
    Client("Delta Chat, Autodiscover", "POX by GET", delta_chat_pox, IMAP, names=False, users="none",
           plain_http=False),
    Client("Nextcloud Mail", "autoconfig, raw address", nextcloud, IMAP),
    Client("Horde", "autoconfig by http", horde),
    Client("Mailspring", "autoconfig without an address", mailspring, IMAP, names=False, users="bare",
           plain_http=False),
    Client("Nine", "/v1.1/mail/config-v1.1.xml", nine, IMAP, well_known=False, plain_http=False),
    Client("eM Client", "POX with CalDAV and CardDAV", em_client, unnamed=False, plain_http=False),
    Client("Outlook (classic)", "POX, mixed-case path", outlook, unnamed=False, plain_http=False),
    Client("Outlook (classic), https namespaces", "POX", outlook_https_schemas, unnamed=False, plain_http=False),
    Client("Outlook (classic), JSON", "v2, then POX", outlook_json, unnamed=False, well_known=False,
           plain_http=False),
    Client("Outlook (new, mobile)", "v2 for ActiveSync", outlook_cloud, unnamed=False, well_known=False,
           plain_http=False, only_groupware=True),
    Client("ActiveSync clients", "POX, MobileSync schema", activesync, unnamed=False, plain_http=False,
           only_groupware=True),
    Client("Apple Mail", "profile by link", apple, unnamed=False, well_known=False, plain_http=False),
    Client("PACC readers", "user-agent-configuration.json", pacc, names=False, well_known=False, plain_http=False,
           pacc=True),
]
