"""Requests as no client should make them, over every route: nothing brings the daemon down, nothing is answered with 5xx,
no document is broken and nothing comes back that was not escaped."""

import collections
import concurrent.futures
import copy
import json
import os
import plistlib
import random
import re
import urllib.parse

import pytest
from lxml import etree

from support.daemon import ROOT, Daemon, pox_request
from support.wire import answers, exchange

with open(os.path.join(ROOT, "src/http/routes.c"), encoding="utf-8") as file:
    ROUTES = re.findall(r'^    \{"(/[^"]*)"', file.read(), re.MULTILINE)

THREADS = 4
# In every value that might come back, and never as itself in what is markup.
MARK = "<zq a='\"&"
LOCAL = "Zq.local"  # of most addresses, and never in the log

SERVERS = [{"name": "imap.example.net", "port": 993, "type": "imap", "socket_type": "SSL",
            "user_name": "%EMAILADDRESS%", "authentication": "plain"},
           {"name": "smtp.example.net", "port": 465, "type": "smtp", "socket_type": "SSL",
            "user_name": "%EMAILADDRESS%", "authentication": "plain"},
           {"url": "https://dav.example.net/%EMAILDOMAIN%/", "type": "caldav", "user_name": "%EMAILADDRESS%",
            "authentication": "plain"}]
SEED = {"version": 2, "provider": "Mark & <Sons>", "domains": [{"name": "example.com"}, {"name": "*"}],
        "servers": SERVERS}

METHODS = ["GET"] * 30 + ["HEAD"] * 3 + ["POST"] * 10 + [ "PUT", "DELETE", "OPTIONS", "PROPFIND", "TRACE", "CONNECT", "PATCH",
                          "get", "G", "GET\t", "\x00", "M-SEARCH", "A" * 5000]
VERSIONS = ["HTTP/1.1"] * 100 + ["HTTP/1.0", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/9.9", "HTTP/1.1 x",
                                "http/1.1", "HTTX/1.1", "HTTP/", "", "HTTP/11", "HTTP/1.1\x00"]
HOSTS = [b"autoconfig.example.com", b"autodiscover.example.com", b"example.com", b"ua-auto-config.example.com",
         b"localhost", b"127.0.0.1", b"[::1]", b"[::1", b"]", b"", b" ", b":", b":80", b"example.com:", b"example.com:x",
         b"example.com:99999999999999999999", b"a" * 300 + b".com", b".".join([b"a"] * 200), b"..", b".com", b"*",
         b"*.example.com", b"autoconfig.", b"autoconfig.autoconfig.example.com", b"xn--", b"xn--a.com", b"xn--mller-kva.de",
         "m\u00fcller.de".encode(), b"m\xfcller.de", b"exa mple.com", b"exa\x00mple.com", b"example.com\x01", b"a@b.com",
         b"http://example.com", b"example.com/path", b"<zq>.com", b"exam%70le.com", b"1.2.3.4", b"999.999.999.999",
         b"%EMAILDOMAIN%", "\u202eexample.com".encode(), b"_example.com", b"-a.com", b"a-.com", b"example.com,example.org"]
LOCALS = [LOCAL, LOCAL + "+tag", f'"{LOCAL} quoted"', f'"{LOCAL}\\"@"', LOCAL + MARK, f'"{MARK}{LOCAL}', f'"{MARK}"',
          "%EMAILADDRESS%" + LOCAL, LOCAL + "%%41", LOCAL + "\u00fc\U0001f600", LOCAL + "\u202e\ufeff", LOCAL * 8,
          "", ".", LOCAL + ".", "." + LOCAL, LOCAL + "..", LOCAL + " ", LOCAL + "\t", LOCAL + "\r\nX-Zq: 1", LOCAL + "\x00",
          LOCAL * 40, LOCAL + "@" + LOCAL, LOCAL + "\ud800", "*)(uid=*" + LOCAL, "' OR 1=1 --" + LOCAL, "]]>" + LOCAL,
          LOCAL + "\x7f", LOCAL + "\u0085\u2028", LOCAL + "\ufffe\uffff"]
DOMAINS = ["example.com", "EXAMPLE.com.", "other.example", "m\u00fcller.example", "xn--mller-kva.example", "xn--.example",
           "\u0130.example", "example\uff0ecom", "", ".", "..", "a", "[127.0.0.1]", "[IPv6:::1]", "1.2.3.4", "a b.example",
           "a\x00b.example", "a" * 64 + ".example", ".".join(["abc"] * 70), "exa_mple.example", "*", "*.example",
           "<zq>.example", "example.com\r\nX-Zq: 1", "%EMAILDOMAIN%", "\u202e.example", "\ud800.example", "-.example"]
NAMES = ["Zoe", MARK, "\x00", "\r\nX-Zq: 1", "\u202eeoZ", "\ufffe", "\U0010ffff", "A" * 129, "+", "%41", "]]>", "%FF"]


def raw_text(text):
    return text.encode("utf-8", "surrogatepass")


def address(rng):
    local, at = rng.choice(LOCALS), rng.choice(["@"] * 8 + ["", "@@", "%40", "\uff20"])
    if "@" not in at:
        local = local.replace(LOCAL, "nobody")  # what is no address is not secret
    return local + at + rng.choice(DOMAINS)


def query_value(rng, value):
    """Encoded well, badly, twice or not at all."""
    data = raw_text(value)
    way = rng.randrange(6)
    if way < 3:
        return urllib.parse.quote(data, safe="@").encode()
    if way == 3:
        return urllib.parse.quote(urllib.parse.quote(data)).encode()
    if way == 4:
        return b"".join(b"%%%02x" % byte for byte in data)
    return re.sub(rb"[\x00-\x20]", b"", data)


def query(rng):
    parts = []
    for _ in range(rng.choice([0, 1, 1, 1, 2, 3, 10, 300 if rng.random() < 0.05 else 2])):
        name = rng.choice([b"emailaddress", b"emailaddress", b"EmailAddress", b"email%61ddress", b"name", b"Email",
                           b"Protocol", b"domain", b"%00", b"%", b"", b"a" * 100])
        value = query_value(rng, rng.choice([address(rng), address(rng), rng.choice(NAMES), rng.choice(DOMAINS),
                                             "ActiveSync", "AutodiscoverV1"]))
        parts.append(name + rng.choice([b"=", b"=", b"=", b"", b"=="]) + value)
    if rng.random() < 0.1:
        parts.append(rng.choice([b"%", b"%4", b"%zz", b"%00", b"&&&", b"=", b"a=b;c=d", b"emailaddress=%FF%FE@example.com",
                                 b"emailaddress=a@b" + b"." * 3000, b"emailaddress=%c0%80@example.com", b"?", b"#x"]))
    return rng.choice([b"&", b"&", b"&", b"&&", b";"]).join(parts)


def target(rng):
    path = rng.choice(ROUTES).encode()
    way = rng.randrange(20)
    if way == 0:
        path += query_value(rng, "/" + address(rng))
    elif way == 1:
        path = b"".join(b"%%%02X" % byte for byte in path)
    elif way == 2:
        path = path.swapcase() + rng.choice([b"/", b"//", b"/.", b"/..", b"%00", b"%2f", b"%", b"\xff", b"<zq>", b"%3Czq%3E"])
    elif way == 3:
        path = rng.choice([b"//", b"/../../etc/passwd", b"/%2e%2e/", b"*", b"", b"?", b"\\", b"/" * 9000, b"x", b"/\x00",
                           b"/.well-known/", b"%2fmobileconfig", b"/initdb%00", b"/" + b"%41" * 2000])
    elif way < 6:
        path += b"/" + query_value(rng, rng.choice([address(rng), rng.choice(DOMAINS)]))
    elif way == 6:
        path = rng.choice([b"http://", b"HTTPS://", b"ftp://", b"http:", b"http:///", b"//"]) + rng.choice(HOSTS) + path
    elif way == 7:
        path = rng.choice([b"http://u:p@example.com", b"http://example.com?", b"http://[::1", b"javascript:",
                           b"http://autoconfig.example.com", b"http://autoconfig.example.com#"]) + path
    return path + (b"?" + query(rng) if rng.random() < 0.8 else b"")


def pox_body(rng):
    good = pox_request(rng.choice([address(rng), "a@example.com"]).encode("utf-8", "replace").decode(), rng.choice(
        [None, None, "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006", "urn:" + MARK]))
    text = good.decode()
    return rng.choice([
        lambda: good,
        lambda: text.replace("<EMailAddress>", "<EMailAddress><![CDATA[").replace("</EMail", "]]></EMail").encode(),
        lambda: text.replace("<Request>", "<a>" * rng.choice([5, 14, 15, 16, 5000]) + "<Request>").encode(),
        lambda: good * 2,
        lambda: text.replace("<Request>", "<Request><Request>").encode(),
        lambda: text.encode("utf-16"),
        lambda: text.replace("utf-8", "utf-16").encode("utf-16-be"),
        lambda: text.replace("utf-8", rng.choice(["utf-7", "iso-8859-1", "x-zq", "UTF-32", "EBCDIC-CP-US", ""])).encode(),
        lambda: b"\xef\xbb\xbf" + good,
        lambda: b"\xef\xbb\xbf\xef\xbb\xbf" + good,
        lambda: text.replace("?>", '?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>').replace(
            "<EMailAddress>", "<EMailAddress>&b;").encode(),
        lambda: text.replace("?>", "?><!DOCTYPE a [<!ENTITY b 'x'>" + "".join(
            f"<!ENTITY b{i} '&b{i - 1 if i else ''};&b{i - 1 if i else ''};'>" for i in range(40)) + "]>").encode(),
        lambda: text.replace("<EMailAddress>", "<EMailAddress>" + rng.choice(
            ["&amp;", "&lt;zq&gt;", "&#0;", "&#x1F600;", "&#xD800;", "&#x110000;", "&nbsp;", "&", "&;", "&#;", "<!--x-->",
             "<?x y?>", "\x01", "x" * 60000])).encode(),
        lambda: text.replace("<Request>", "<Request " + " ".join(f'a{i}="{i}"' for i in range(3000)) + ">").encode(),
        lambda: text.replace("Request", "x:Request").encode(),
        lambda: text.replace("EMailAddress", "LegacyDN").encode(),
        lambda: b"<" * rng.choice([1, 60000]),
        lambda: b"<?xml" + bytes(rng.randrange(256) for _ in range(200)),
        lambda: b"\x00" * 100,
        lambda: b"x" * rng.choice([65535, 65536, 65537, 200000]),
        lambda: good[:rng.randrange(len(good))],
        lambda: b"",
    ])()


def chunked(rng, body):
    pieces = []
    while body:
        size = rng.randint(1, 2000)
        pieces.append(b"%x%s\r\n" % (min(size, len(body)), rng.choice([b"", b"", b";a=b", b" "])) + body[:size] + b"\r\n")
        body = body[size:]
    return b"".join(pieces) + b"0\r\n" + rng.choice([b"", b"", b"X-Zq: 1\r\n", b"Content-Length: 5\r\n"]) + b"\r\n"


def framing(rng, body):
    """The headers that say how long the body is, and the body: seldom the truth."""
    length = b"Content-Length: %d" % len(body)
    way = rng.randrange(20)
    if way < 9:
        return [length], body
    if way < 12:
        return [b"Transfer-Encoding: chunked"], chunked(rng, body)
    if way == 12:
        return [b"Transfer-Encoding: " + rng.choice([b"chunked, chunked", b"gzip", b"identity", b" chunked", b"\x0bchunked",
                                                    b"gzip, chunked", b"chunked\x00", b"xchunked"])], chunked(rng, body)
    if way == 13:
        return [length, b"Transfer-Encoding: chunked"], chunked(rng, body)
    if way == 14:
        return [b"Transfer-Encoding: chunked"], rng.choice([
            b"ffffffffffffffffffff\r\nx", b"-1\r\n", b"zz\r\n", b"5\r\nab", b"\r\n", b"5 5\r\nabcde\r\n0\r\n\r\n",
            b"1" + b"0" * 5000, b"1;" + b"a" * 60000 + b"\r\nx\r\n0\r\n\r\n", b"5\nabcde\n0\n\n", b"+5\r\nabcde\r\n0\r\n\r\n",
            b"0x5\r\nabcde\r\n0\r\n\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n"])
    if way == 15:
        return [b"Content-Length: " + rng.choice([b"-1", b"+5", b"5, 5", b"0x5", b"", b"abc", b"5 5", b"99999999999999999999",
                                                 b"9223372036854775807", b"18446744073709551616", b"1e3", b"5\x00"])], body
    if way == 16:
        return [length, b"Content-Length: %d" % (len(body) + rng.choice([-1, 0, 1]))], body
    if way == 17:
        return [b"Content-Length: %d" % (len(body) + rng.choice([1, 1000]))], body
    if way == 18:
        return [length, b"Expect: " + rng.choice([b"100-continue", b"200-ok"])], body
    return [], body


def headers(rng):
    lines = [b"Host: " + (rng.choice(HOSTS) if rng.random() < 0.6 else HOSTS[0]) for _ in range(rng.choice([1] * 12 + [0, 2]))]
    if rng.random() < 0.4:
        lines.append(rng.choice([
            b"X-Forwarded-For: " + rng.choice([b"203.0.113.1", b"x", b"," * 1000, b"\x00", b"[::1", b"1.2.3.4:99999", MARK.encode()]),
            b"X-Forwarded-Host: " + rng.choice(HOSTS), b"X-Forwarded-Proto: " + rng.choice([b"http", b"https", b"", b"x" * 999]),
            b"If-None-Match: " + rng.choice([b"*", b'"', b'W/"a"', b'"a", ' * 300]), b"Origin: null",
            b"X-Forwarded-For: 1.2.3.4\r\n" * 100 + b"X-Forwarded-For: 1", b"Cookie: " + b"a=b; " * 500,
            b"Authorization: Basic " + b"x" * 100, b"Range: bytes=0-0,-1", b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
            b"Connection: close", b"Connection: keep-alive, host", b"X: " + b"y" * rng.choice([9000, 17000, 70000, 1 << 20]),
            b"\r\n".join(b"X-%d: y" % number for number in range(rng.choice([50, 3000]))), b"Host : example.org",
            b" folded: x", b"\tfolded", b"no colon", b": empty", b"X-\xff: \xff", b"X: a\rb", b"X: a\x00b", b"X\x00: b", b"X: a\nY: b",
            b"Content-Type: " + rng.choice([b"text/xml; charset=utf-16", b"multipart/form-data; boundary=" + b"x" * 500,
                                            b"application/x-www-form-urlencoded"]),
        ]))
    rng.shuffle(lines)
    return lines


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        at = rng.randrange(len(data) + 1)
        way = rng.randrange(4)
        if way == 0:
            data[at:at + 1] = bytes([rng.randrange(256)])
        elif way == 1:
            data[at:at] = rng.choice([b"\r\n", b"\n", b"\r", b"\x00", b" ", b"%", b"\r\n\r\n", b"\xff", b":"])
        elif way == 2:
            del data[at:at + rng.choice([1, 2, 20])]
        else:
            data[at:at] = data[max(0, at - 30):at]
    return bytes(data)


def request(rng):
    """One request, mostly wrong; returns its method and its bytes."""
    method = rng.choice(METHODS)
    body = pox_body(rng) if method not in ("GET", "HEAD") or rng.random() < 0.05 else None
    lines, sent = framing(rng, body) if body is not None else ([], b"")
    version = rng.choice(VERSIONS)
    line = raw_text(method) + b" " + target(rng) + (b" " + raw_text(version) if version else b"")
    end = rng.choice([b"\r\n"] * 9 + [b"\n"])
    data = end.join([line, *headers(rng), *lines]) + end * 2 + sent
    return method, mutate(rng, data.replace(LOCAL.encode(), b"nobody")) if rng.random() < 0.2 else data


LIBRARY = {400, 413, 414, 431, 500, 505}


def check_document(answer):
    """A body is what its Content-Type says, and holds no markup of ours."""
    body, kind = answer.body, answer.content_type
    assert "x-zq" not in answer.headers
    if not body:
        return
    if not kind:  # the library's own words about what is no HTTP
        assert answer.status in LIBRARY and answer.headers["connection"] == "close" and b"zq" not in body.lower(), answer
        return
    assert answer.headers["x-content-type-options"] == "nosniff", answer
    if kind.endswith("xml"):
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        assert not root.xpath("//*[local-name() = 'zq']")
    elif kind == "application/x-apple-aspen-config":
        plistlib.loads(body)
        assert b"<zq" not in body
    elif kind.endswith("json"):
        json.loads(body)
    elif kind == "text/html":
        assert b"zq" not in body.lower()
    else:
        assert kind == "text/plain", answer
        body.decode()


def check(daemon, method, data):
    received = exchange(daemon.address, data, method)
    statuses = []
    for answer in answers(received, [method]):
        statuses.append(answer.status)
        # HTTP/0.9 and HTTP/2.0 are said to be what they are, and what has no end between two chunks is the library's to
        # refuse; everything else can be answered.
        assert answer.status < 500 or answer.status == 505 or (
            answer.status == 500 and not answer.content_type and b"chunked" in data), (answer, data[:3000])
        check_document(answer)
    return statuses


def run_all(count, work):
    """work(number) for each number; the first failure names it, and the number is the seed to try again with."""
    tally = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for number, statuses in enumerate(pool.map(work, range(count))):
            tally.update(statuses)
    return tally


def test_every_route():
    with Daemon({"initdb": "yes", "idle_timeout": "2s"}, seed=SEED) as daemon:
        # what the requests below would empty
        daemon.write_config({"initdb": "no", "idle_timeout": "2s", "trusted_proxies": "127.0.0.1", "rate_limit": 0, "host_fallback": "yes",
                             "https_redirect": "yes"})
        daemon.signal(1)

        def work(number):
            rng = random.Random(number)
            method, data = request(rng)
            try:
                return check(daemon, method, data)
            except Exception as error:
                raise AssertionError(f"request {number}: {data[:2000]!r}") from error

        tally = run_all(10000, work)
        assert daemon.autoconfig("a@example.com").status == 200
        log = daemon.stderr()
    assert LOCAL not in log
    # The generator reaches what it is for.
    assert tally[200] > 700 and tally[404] > 1000 and tally[400] > 1000 and tally[405] > 500, tally
    assert tally[307] > 20 and min(tally[413], tally[414], tally[431]) > 20, tally
    print(tally)


with open(os.path.join(ROOT, "examples/accounts.json"), encoding="utf-8") as file:
    EXAMPLE = json.load(file)
# What a member may hold and hardly ever does: texts that every document has to escape.
TEXTS = [MARK, "]]>", "<!--", "&amp;&#60;", "%EMAILADDRESS%" * 9, "%EMAILLOCALPART%<&\"'", "%%EMAILADDRESS%%", "%{login}", "\u202e\ufeff\U0001f600",
         "e\u0301\u00fc", "x" * 250, "-", "0", "null", "\\", "\\\"", "$(id)", "\u2028"]
URLS = ["https://dav.example.com/%EMAILADDRESS%?a=<zq>&b='", "https://dav.example.com:8443/a%20b", "http://dav.example.com/",
        "https://%EMAILDOMAIN%/", "https://[2001:db8::1]/", "https://m\u00fcller.example/"]
PLAUSIBLE = {"name": ["imap.%EMAILDOMAIN%", "%EMAILLOCALPART%.example.com", "m\u00fcller.example", "192.0.2.1", "*.sub.example.com", *TEXTS],
             "url": URLS, "auth_url": URLS, "token_url": URLS, "redirect_url": URLS, "issuer": URLS, "port": [1, 65535, 143],
             "prio": [-2 ** 31, 0, 2 ** 31 - 1], "socket_type": ["SSL", "STARTTLS", "plain"],
             "authentication": ["OAuth2", ["NTLM", "GSSAPI"], "none", ["password-encrypted", "OAuth2"]],
             "type": ["imap", "pop3", "smtp", "managesieve"], "language": ["en", "zq", "de-CH"]}
ODD_VALUES = [None, True, False, 0, -1, 1.5, 1e308, 2 ** 31, 2 ** 63 - 1, 10 ** 400, "", " ", MARK, "\x00", "\r\n", "\u202e", "\ufffe",
              "x" * 300, "x" * 70000, "%EMAILADDRESS%" * 50, "%", "%%", "%{a", "%EMAIL", [], {}, [[]], [{}], {"a": 1},
              ["imap"] * 1000, "SSL", "plain", "imap", "*", "*.", "..", "https://", "javascript:alert(1)", "file:///etc/passwd",
              "https://u:p@example.com/", "xn--", "m\u00fcller.de", "-1", "0", "65536", "'; DROP TABLE domain; --"]


def places(value):
    """Every place in a JSON document, as the container and the key."""
    result = []
    todo = [value]
    while todo:
        container = todo.pop()
        for key in list(container) if isinstance(container, dict) else range(len(container)):
            result.append((container, key))
            if isinstance(container[key], (dict, list)):
                todo.append(container[key])
    return result


def json_body(rng):
    seed = copy.deepcopy(rng.choice([SEED, EXAMPLE, EXAMPLE]))
    if rng.random() < 0.6:
        texts = [(container, key) for container, key in places(seed) if isinstance(key, str) and key[0] != "_" and
                 (key in PLAUSIBLE or isinstance(container[key], str))]
        for container, key in rng.sample(texts, rng.choice([1, 2, 3])):
            container[key] = rng.choice(PLAUSIBLE.get(key, TEXTS))
        return json.dumps(seed).encode()
    for _ in range(rng.choice([1, 1, 2, 4])):
        container, key = rng.choice(places(seed))
        way = rng.randrange(4)
        if way == 0 and isinstance(container, dict):
            container[rng.choice(["zq", "", "name", "port", "type", "url", "version", "authentication", "smtp", "\x00"])] = \
                copy.deepcopy(rng.choice(ODD_VALUES))
        elif way == 1 and isinstance(container, dict):
            del container[key]
        else:
            container[key] = copy.deepcopy(rng.choice(ODD_VALUES))
    data = json.dumps(seed, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
    return rng.choice([lambda: data] * 12 + [
        lambda: mutate(rng, data), lambda: mutate(rng, data), lambda: data[:rng.randrange(len(data))], lambda: data + data,
        lambda: b"[" * 100000, lambda: b'{"a":' * 3000, lambda: data.replace(b'"', b'"\\ud800', 1), lambda: b"\xef\xbb\xbf" + data,
        lambda: data.decode("utf-8", "replace").encode("utf-16"), lambda: b"null", lambda: b'"x"', lambda: b"1" * 100000,
        lambda: data.replace(b"{", b'{"version": 3, "version": 2, ', 1), lambda: b" " * (1 << 20) + data])()


QUESTIONS = [
    b"GET /mail/config-v1.1.xml?emailaddress=zoe@%s HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /mobileconfig?emailaddress=zoe@%s HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /autodiscover/autodiscover.json?Email=zoe@%s&Protocol=ActiveSync HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET /.well-known/user-agent-configuration.json HTTP/1.1\r\nHost: ua-auto-config.%s\r\n\r\n",
    b"GET /.well-known/caldav HTTP/1.1\r\nHost: %s\r\n\r\n",
    b"GET /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.%s\r\n\r\n",
]


def test_accounts_of_every_kind():
    """Whatever /initdb takes, every document that is made of it is well-formed."""
    with Daemon({"loglevel": "ERROR", "allow_plain": "yes", "cache_ttl": "0s"}) as daemon:
        def ask(method, data):
            (answer,) = answers(exchange(daemon.address, data, method), [method])
            assert answer.status < 500, answer
            check_document(answer)
            return answer.status

        tally = collections.Counter()
        for number in range(600):
            rng = random.Random(number)
            body = json_body(rng)
            try:
                status = ask("POST", b"POST /initdb/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
                             + body)
                tally[status] += 1
                if status != 200:
                    continue
                for question in QUESTIONS:
                    tally[ask("GET", question % rng.choice([b"example.com", b"a.example.org"])), "document"] += 1
                assert ask("DELETE", b"DELETE /initdb/ HTTP/1.1\r\nHost: localhost\r\n\r\n") == 200
            except Exception as error:
                raise AssertionError(f"seed {number}: {body[:3000]!r}") from error
        assert tally[200] > 100 and tally[400] > 150 and tally[200, "document"] > 300, tally
        print(tally)


KNOWN = {
    "nothing": (b"", []),
    "blank lines": (b"\r\n\r\n", []),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", [400]),
    "1.0 without host": (b"GET / HTTP/1.0\r\n\r\n", [200]),
    "0.9": (b"GET /\r\n\r\n", None),
    "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", [400]),
    "tls": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 500, None),
    "http2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", None),
    "nul": (b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", [400]),
    "long path": (b"GET /" + b"a" * 8200 + b" HTTP/1.1\r\nHost: a\r\n\r\n", [414]),
    "long header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 16400 + b"\r\n\r\n", [431]),
    "huge header": (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n", None),
    "many headers": (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 200000 + b"\r\n", None),
    "many parameters": (b"GET /healthz?" + b"a&" * 4000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", [200]),
    "too many parameters": (b"GET /healthz?" + b"a&" * 7500 + b" HTTP/1.1\r\nHost: a\r\n\r\n", [414]),
    "many cookies": (b"GET / HTTP/1.1\r\nHost: a\r\nCookie: " + b"a;" * 4000 + b"\r\n\r\n", None),
    "long body": (b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n" + b"a" * 65537,
                  [413]),
    "huge body": (b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", [413]),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_ways_to_be_wrong(small_daemon, name):
    data, statuses = KNOWN[name]
    found = [answer.status for answer in answers(exchange(small_daemon.address, data))]
    assert found == statuses or (statuses is None and all(400 <= status < 500 or status == 505 for status in found)), found
    assert small_daemon.get("/healthz").status == 200


@pytest.fixture(scope="module")
def small_daemon():
    with Daemon(seed=SEED) as daemon:
        yield daemon
