"""Checks a document against the project's own strict schemas; an AssertionError says what is wrong with it.

Each check takes the body's bytes and returns the parsed document.
"""

import json
import os
import plistlib
import re

import jsonschema
from lxml import etree

from . import profile

HERE = os.path.dirname(os.path.abspath(__file__))
UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
PLIST_HEAD = (b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
              b'"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n<plist version="1.0">')
MAIL = ("imap", "pop3", "smtp")
# One IMAP or SMTP server without any of these, and Thunderbird for Android refuses the document.
PASSWORD_OR_OAUTH2 = {"password-cleartext", "password-encrypted", "OAuth2"}


def _grammar(name, _cache={}):
    if name not in _cache:
        _cache[name] = etree.RelaxNG(etree.parse(os.path.join(HERE, name)))
    return _cache[name]


def _parse_xml(body):
    """What no XML client of the field stumbles over: UTF-8 without BOM, nothing before the declaration, no DOCTYPE."""
    assert body.startswith(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), f"begins with {body[:60]!r}"
    assert b"<!DOCTYPE" not in body and b"<![CDATA[" not in body, "DOCTYPE or CDATA"
    assert body.endswith(b">\n"), f"ends with {body[-20:]!r}"
    body.decode("utf-8")
    try:
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError as error:
        raise AssertionError(f"not well-formed: {error}\n{body!r}") from None
    for element in root.iter(etree.Element):
        assert element.prefix is None, f"{element.tag} has a prefix"
    return root


def _check_xml(body, name):
    root = _parse_xml(body)
    grammar = _grammar(name)
    assert grammar.validate(root), f"{name}: {grammar.error_log}\n{body.decode()}"
    return root


def _ports_in_range(root, path):
    for port in root.iterfind(path):
        assert 1 <= int(port.text) <= 65535, f"port {port.text}"


def check_autoconfig(body, last_resort=False):
    """last_resort: the domain has nothing better than a server that spoils the document for some clients."""
    root = _check_xml(body, "autoconfig.rng")
    provider = root.find("emailProvider")
    assert provider.get("id") == provider.findtext("domain"), "the id is not the domain"
    _ports_in_range(root, ".//port")
    servers = provider.findall("incomingServer") + provider.findall("outgoingServer")
    assert servers, "a document without servers ends the search of Evolution, GOA and Delta Chat"
    for server in servers:
        if server.get("type") not in ("imap", "smtp") or last_resort:
            continue
        methods = {element.text for element in server.iterfind("authentication")}
        assert methods & PASSWORD_OR_OAUTH2, f"Thunderbird for Android refuses {server.get('type')} with {methods}"
        assert server.findtext("socketType") != "plain", "Thunderbird for Android refuses plain"
    users = [element.text for server in servers if server.get("type") in MAIL for element in server.iterfind("username")]
    others = [element.text for element in root.iterfind(".//username")]
    assert not users or others[-1] in users, "FairEmail logs in with the last user name of the document"
    return root


def check_pox(body):
    root = _check_xml(body, "autodiscover.rng")
    _ports_in_range(root, ".//{*}Port")
    if root.findtext(".//{*}Action") == "settings":
        types = {element.text for element in root.iterfind(".//{*}Type")}
        assert types & {"IMAP", "POP3", "SMTP"}, f"no mail server among {types}"
    return root


def check_pox_error(body, code):
    root = _check_xml(body, "autodiscover_error.rng")
    assert root.findtext(".//{*}ErrorCode") == str(code), body
    return root


def check_mobilesync(body):
    return _check_xml(body, "mobilesync.rng")


def _unique(pairs):
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"repeated members among {names}"
    return dict(pairs)


def _check_json(body, name):
    value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique)
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        schema = json.load(file)
    try:
        jsonschema.validate(value, schema, cls=jsonschema.Draft7Validator)
    except jsonschema.ValidationError as error:
        raise AssertionError(f"{name}: {error.message} at {list(error.absolute_path)}\n{body!r}") from None
    return value


def check_v2(body):
    return _check_json(body, "autodiscover2.schema.json")


def check_v2_error(body, code=None):
    value = _check_json(body, "autodiscover2_error.schema.json")
    assert code in (None, value["ErrorCode"]), value
    return value


def check_pacc(body):
    value = _check_json(body, "pacc.schema.json")
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert body == canonical, "the digest is of these bytes: they have to be sorted and compact"
    return value


def _check_keys(payload, seen):
    kind = payload.get("PayloadType")
    assert kind in profile.KEYS, f"unknown PayloadType {kind!r}"
    keys = {**profile.COMMON, **profile.KEYS[kind]}
    for name, value in payload.items():
        assert name in keys, f"{kind}: unknown key {name}"
        wanted, _, values = keys[name]
        assert type(value) is wanted, f"{kind}: {name} is {value!r}, not {wanted.__name__}"
        assert values is None or value in values, f"{kind}: {name} is {value!r}"
        assert value not in ("", [], {}), f"{kind}: {name} is empty"
    for name, (_, required, _) in keys.items():
        assert not required or name in payload, f"{kind}: {name} is missing"
    assert UUID.fullmatch(payload["PayloadUUID"]), f"{kind}: {payload['PayloadUUID']!r} is no UUID"
    for value in (payload["PayloadIdentifier"], payload["PayloadUUID"].lower()):
        assert value not in seen, f"{value} is not unique in the profile"
        seen.add(value)


def check_profile(body):
    """An unsigned profile. A signed one is taken out of its signature first."""
    assert body.startswith(PLIST_HEAD), f"begins with {body[:200]!r}"
    for dictionary in etree.fromstring(body, etree.XMLParser(load_dtd=False, no_network=True)).iter("dict"):
        keys = [element.text for element in dictionary.iterchildren("key")]
        assert len(set(keys)) == len(keys), f"repeated keys among {keys}"
    value = plistlib.loads(body)
    seen = set()
    assert value.get("PayloadType") == "Configuration", value.get("PayloadType")
    _check_keys(value, seen)
    for language, text in value.get("ConsentText", {}).items():
        assert re.fullmatch(r"default|[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", language), f"consent in {language!r}"
        assert type(text) is str and text, f"consent {text!r}"
    for payload in value["PayloadContent"]:
        assert type(payload) is dict and payload.get("PayloadType") != "Configuration", payload
        _check_keys(payload, seen)
    return value
