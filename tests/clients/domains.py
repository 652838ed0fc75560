"""Domains of every kind that a hoster has, and what a person at each must end up with."""

import dataclasses
from dataclasses import dataclass, field

from found import Server
from web import Who


def tls(host, type_="imap", port=None, prio=10, **members):
    return {"type": type_, "name": host, "port": port or {"imap": 993, "pop3": 995, "smtp": 465}[type_],
            "socket_type": "SSL", "prio": prio, **members}


def starttls(host, type_="smtp", prio=10, **members):
    return {"type": type_, "name": host, "port": {"imap": 143, "pop3": 110, "smtp": 587}[type_],
            "socket_type": "STARTTLS", "prio": prio, **members}


@dataclass
class Kind:
    """typed: the domain as people write it; servers: what may be set up, best first; user: the login's template."""

    name: str
    typed: str
    servers: list
    user: str = "%EMAILADDRESS%"
    auths: tuple = ("password",)
    dav: dict = field(default_factory=dict)
    hosts: str = "all"  # all, own (only the domain's own name leads to us), http (no certificate), mx (the hoster's)
    moves_to: str = None
    served: bool = True
    login: str = None  # of everybody, from a look-up that needs the address
    world: str = "listed"  # the daemon that serves it

    @property
    def domain(self):
        return self.typed.lower().encode("idna").decode()

    def who(self, form):
        return Who(FORMS[form], self.typed, self.domain)

    def reach(self, scheme, host):
        """Whether a host leads to automxd. Hosts of other domains of this list do, too: a move ends there."""
        if host.lower().endswith(self.domain):
            if self.hosts == "own":
                return host.lower() == self.domain
            if self.hosts == "http":
                return scheme == "http"
            return self.hosts != "mx"
        return host in ("autoconfig." + HOSTER, "autodiscover." + HOSTER) if self.hosts == "mx" else True


FORMS = {
    "plain": "jane",
    "plus": "jane+news",
    "dotted": "jane.q.doe",
    "quoted": '"jane @home"',
    "international": "jörg",
    "none": "jane",
}
HOSTER = "hoster.example"

IMAP = Server("imap", "imap.hoster.example", 993, "TLS")
SMTP = Server("smtp", "smtp.hoster.example", 587, "STARTTLS")
POP3 = Server("pop3", "pop.hoster.example", 995, "TLS")
SUBMISSIONS = Server("smtp", "smtp.hoster.example", 465, "TLS")


def of_domain(domain, *servers):
    """The same servers under the domain's own name."""
    return [dataclasses.replace(server, host=server.host.replace(HOSTER, domain)) for server in servers]


KINDS = [
    Kind("exact name", "exact.example", [IMAP, SMTP]),
    Kind("capital letters", "EXACT.Example", [IMAP, SMTP]),
    Kind("TLS from the start everywhere", "tls.example", [IMAP, SUBMISSIONS]),
    Kind("STARTTLS everywhere", "starttls.example", [Server("imap", "imap.hoster.example", 143, "STARTTLS"), SMTP]),
    Kind("login is the local part", "local.example", [IMAP, SMTP], user="%EMAILLOCALPART%"),
    Kind("login around the local part", "around.example", [IMAP, SMTP], user="%EMAILLOCALPART%.mail"),
    Kind("login with the domain in front", "front.example", [IMAP, SMTP], user="%EMAILDOMAIN%+%EMAILLOCALPART%"),
    Kind("one row, the provider's servers", "onerow.example", [IMAP, SMTP]),
    Kind("own server beside the provider's", "own.example", [IMAP, Server("smtp", "out.own.example", 465, "TLS")]),
    Kind("alias of another", "alias.example", [IMAP, SMTP]),
    Kind("wildcard, hosts with the domain", "dept.wild.example", of_domain("dept.wild.example", IMAP, SMTP)),
    Kind("wildcard, two levels down", "a.b.wild.example", of_domain("a.b.wild.example", IMAP, SMTP)),
    Kind("international, hosts with the domain", "münchen.example",
         of_domain("xn--mnchen-3ya.example", IMAP, SMTP)),
    Kind("several servers of a type", "many.example",
         [Server("imap", "a.hoster.example", 993, "TLS"), Server("imap", "b.hoster.example", 143, "STARTTLS"),
          Server("smtp", "a.hoster.example", 465, "TLS"), SMTP]),
    Kind("IMAP and POP3", "both.example", [IMAP, POP3, SMTP]),
    Kind("POP3 alone", "pop.example", [POP3, SMTP]),
    Kind("POP3 switched off", "nopop.example", [IMAP, SMTP]),
    Kind("other ports", "ports.example", [Server("imap", "imap.hoster.example", 9993, "TLS"),
                                          Server("smtp", "smtp.hoster.example", 4465, "TLS")]),
    Kind("an NTLM server first", "ntlm.example", [Server("imap", "ntlm.hoster.example", 993, "TLS"), IMAP, SMTP],
         auths=("password", "secure")),
    Kind("OAuth2 and a password", "oauth.example", [IMAP, SMTP], auths=("oauth2", "password")),
    Kind("an unencrypted server first", "unencrypted.example", [IMAP, SMTP]),
    Kind("groupware beside mail", "group.example", [IMAP, SMTP],
         dav={"caldav": "https://dav.hoster.example/cal/", "carddav": "https://dav.hoster.example/card/",
              "activesync": "https://eas.hoster.example/Microsoft-Server-ActiveSync"}),
    Kind("moved to another domain", "moved.example", [IMAP, SMTP], moves_to="exact.example"),
    Kind("only its own host name", "ownhost.example", [IMAP, SMTP], hosts="own"),
    Kind("no certificate", "nocert.example", [IMAP, SMTP], hosts="http"),
    Kind("known by its MX alone", "customer.example", [IMAP, SMTP], hosts="mx"),
    Kind("rule for every domain", "anything.test", of_domain("anything.test", IMAP, SMTP), world="any"),
    Kind("a login of its own for everybody", "lookup.example", [IMAP, SMTP], login="u7", world="lookup"),
    Kind("a look-up that finds the address", "same.example", [IMAP, SMTP], world="lookup"),
    Kind("not served", "unknown.test", [], served=False),
]

ACCOUNTS = {
    "version": 3,
    "servers": [
        {"id": "imap", **tls("imap.hoster.example")},
        {"id": "pop3", **tls("pop.hoster.example", "pop3")},
        {"id": "smtp", **starttls("smtp.hoster.example")},
        {"id": "smtps", **tls("smtp.hoster.example", "smtp")},
    ],
    "providers": [
        {"name": "Hoster & Töchter", "short_name": "Hoster", "servers": ["imap", "pop3", "smtp"],
         "domains": [
             {"name": "both.example"},
             {"name": "nopop.example", "types_off": ["pop3"]},
         ]},
        {"name": "Mail without POP3", "servers": ["imap", "smtp"],
         "domains": [
             "exact.example", "onerow.example", "ownhost.example", "nocert.example", "customer.example", HOSTER,
             {"name": "alias.example", "alias_of": "exact.example"},
             {"name": "own.example", "servers": [tls("out.own.example", "smtp")]},
             {"name": "moved.example", "moved_to": "exact.example"},
             {"name": "tls.example", "servers": ["smtps"]},
             {"name": "starttls.example", "servers": [starttls("imap.hoster.example", "imap")]},
             {"name": "ports.example", "servers": [tls("imap.hoster.example", port=9993),
                                                   tls("smtp.hoster.example", "smtp", 4465)]},
             {"name": "ntlm.example", "servers": [tls("ntlm.hoster.example", prio=1, authentication="NTLM"),
                                                  tls("imap.hoster.example", prio=5)]},
             {"name": "unencrypted.example", "servers": [
                 {"type": "imap", "name": "old.hoster.example", "port": 143, "socket_type": "plain", "prio": 1},
                 tls("imap.hoster.example", prio=5)]},
             {"name": "many.example", "servers": [
                 starttls("b.hoster.example", "imap", prio=20), tls("a.hoster.example", prio=10),
                 starttls("smtp.hoster.example", prio=7), tls("a.hoster.example", "smtp", prio=5)]},
         ]},
        {"name": "Mail by POP3", "servers": ["pop3", "smtp"], "domains": ["pop.example"]},
        {"name": "Local parts", "domains": ["local.example"],
         "servers": [tls("imap.hoster.example", user_name="%EMAILLOCALPART%"),
                     starttls("smtp.hoster.example", user_name="%EMAILLOCALPART%")]},
        {"name": "Around", "domains": ["around.example"],
         "servers": [tls("imap.hoster.example", user_name="%EMAILLOCALPART%.mail"),
                     starttls("smtp.hoster.example", user_name="%EMAILLOCALPART%.mail")]},
        {"name": "Front", "domains": ["front.example"],
         "servers": [tls("imap.hoster.example", user_name="%EMAILDOMAIN%+%EMAILLOCALPART%"),
                     starttls("smtp.hoster.example", user_name="%EMAILDOMAIN%+%EMAILLOCALPART%")]},
        {"name": "Own names", "domains": ["*.wild.example", "münchen.example"],
         "servers": [tls("imap.%EMAILDOMAIN%"), starttls("smtp.%EMAILDOMAIN%")]},
        {"name": "Tokens", "domains": ["oauth.example"],
         "oauth2": {"issuer": "https://login.hoster.example/", "scope": "mail", "client_id": "public",
                    "auth_url": "https://login.hoster.example/auth", "token_url": "https://login.hoster.example/token"},
         "servers": [tls("imap.hoster.example", authentication=["OAuth2", "password-cleartext"]),
                     starttls("smtp.hoster.example", authentication=["OAuth2", "password-cleartext"])]},
        {"name": "Groupware", "domains": ["group.example"],
         "links": [{"kind": "webmail", "url": "https://webmail.hoster.example/"},
                   {"kind": "documentation", "url": "https://help.hoster.example/", "language": "en", "text": "Help"}],
         "servers": ["imap", "smtp",
                     {"type": "caldav", "url": "https://dav.hoster.example/cal/"},
                     {"type": "carddav", "url": "https://dav.hoster.example/card/"},
                     {"type": "webdav", "url": "https://dav.hoster.example/files/"},
                     {"type": "jmap", "url": "https://jmap.hoster.example/.well-known/jmap"},
                     {"type": "ews", "url": "https://ews.hoster.example/EWS/Exchange.asmx"},
                     {"type": "activesync", "url": "https://eas.hoster.example/Microsoft-Server-ActiveSync"},
                     {"type": "managesieve", "name": "sieve.hoster.example"}]},
    ],
}

# A domain that nobody listed, at a provider of "*": a daemon of its own, since it serves everything.
ANY_ACCOUNTS = {
    "version": 3,
    "providers": [{"name": "Everybody", "domains": ["*"],
                   "servers": [tls("imap.%EMAILDOMAIN%"), starttls("smtp.%EMAILDOMAIN%")]}],
}
# Logins from a look-up. Evolution asks for a person who does not exist, and gets the general answer.
LOOKUP_ACCOUNTS = {
    "version": 3,
    "providers": [{"name": "Directory", "domains": ["lookup.example", "same.example"],
                   "servers": [tls("imap.hoster.example"), starttls("smtp.hoster.example")]}],
}
LOOKUP_QUERY = ("SELECT CASE :domain WHEN 'same.example' THEN :address ELSE 'u7' END AS login, 'Jane Doe' AS name "
                "WHERE :local <> 'EVOLUTIONUSER'")

WORLDS = {
    "listed": (ACCOUNTS, {"allow_plain": "yes"}),
    "any": (ANY_ACCOUNTS, {}),
    "lookup": (LOOKUP_ACCOUNTS, {"user_query": LOOKUP_QUERY, "user_db_uri": "sqlite:///{directory}/people.sqlite"}),
}
