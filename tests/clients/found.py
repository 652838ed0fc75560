"""What a client has found: servers as it would set them up."""

from dataclasses import dataclass, field


class Refused(Exception):
    """The client got an answer and cannot use it."""


@dataclass(frozen=True)
class Server:
    type: str  # imap, pop3, smtp
    host: str
    port: int
    security: str = None  # TLS, STARTTLS, plain; None: the client tries
    user: str = None  # None: the client does not take it from the document
    auth: str = None  # password, secure, oauth2, none; None: the client tries

    def place(self):
        return (self.type, self.host, self.port)


@dataclass
class Found:
    servers: list  # in the order in which the client prefers them
    dav: dict = field(default_factory=dict)  # caldav, carddav, activesync: URL

    def incoming(self):
        return [server for server in self.servers if server.type in ("imap", "pop3")]

    def outgoing(self):
        return [server for server in self.servers if server.type == "smtp"]
