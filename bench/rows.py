"""The rows that are measured: which server, what it is asked, and how."""

import json
import os
import re
import resource
import subprocess
from dataclasses import dataclass, field

import data
import servers
from place import AUTOCONFIG, AUTOCONFIG_HOST

CONNECTIONS = 64
CONNECTION_COUNTS = [10, 100, 1000, 10_000]
CONNECTIONS_PER_SECOND = 2000  # with 10,000 of them the load takes five seconds more
SIZES = [1000, 100_000, 1_000_000]
SPARE_DESCRIPTORS = 100
FOREVER = "1h"
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mariadb": "MariaDB"}

PROFILE = "/mobileconfig?emailaddress=user@example.com&name=User"
POX = """<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">
  <Request>
    <EMailAddress>user@example.com</EMailAddress>
    <AcceptableResponseSchema>http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a</AcceptableResponseSchema>
  </Request>
</Autodiscover>
"""


@dataclass
class Row:
    """start(place) gives the server. groups are the tables and lines it belongs to, x is its number in them."""

    key: str
    title: str
    start: callable
    path: str = AUTOCONFIG
    host: str = AUTOCONFIG_HOST
    body: str = None
    count: int = 0  # of the names that are asked for at random
    warm: bool = False  # each name was asked for before
    status: int = 200
    back_end: callable = None  # gives the database or directory behind the server
    groups: tuple = ("main",)
    x: int = 0
    connections: int = CONNECTIONS
    cpus: list = None  # of the load; None: the place's
    measured: list = field(default_factory=list)

    def prepare(self, place):
        self.server = self.start(place)
        self.behind = self.back_end(place) if self.back_end else None
        self.load_cpus = self.cpus or place.cpus
        self.body_file = servers.write(f"{place.directory}/{self.key}.body", self.body) if self.body else None
        self.check()
        for _ in range(2 if self.warm else 0):  # a document is kept from the second time on
            servers.fetch_each(self.server.port, self.path, self.host, self.count)

    def check(self):
        status, _, content = servers.fetch(self.server.port, "POST" if self.body else "GET",
                                           self.path.replace("@N@", "7"), self.host, self.body)
        if status != self.status:
            raise SystemExit(f"bench: {self.title}: answered {status} and not {self.status}: {content[:200]!r}")

    def cpu_seconds(self):
        load = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (servers.cpu_seconds(self.server.process.pid),
                servers.cpu_seconds(self.behind.process.pid) if self.behind else 0,
                load.ru_utime + load.ru_stime)

    def measure(self, seconds):
        """Whole seconds, because wrk counts in them; longer where making the connections takes a part of it."""
        duration = max(1, round(seconds)) + self.connections // CONNECTIONS_PER_SECOND
        before = self.cpu_seconds()
        output = subprocess.run(
            ["taskset", "-c", ",".join(map(str, self.load_cpus)),
             "wrk", "-t", str(len(self.load_cpus)), "-c", str(self.connections), "-d", f"{duration}s", "--timeout", "20s",
             "-s", f"{os.path.dirname(__file__)}/wrk.lua", f"http://127.0.0.1:{self.server.port}", "--",
             "POST" if self.body else "GET", self.path, self.host, self.body_file or "-", str(self.count)],
            check=True, capture_output=True, text=True).stdout
        spent = [after - start for start, after in zip(before, self.cpu_seconds())]
        result = json.loads(next(line[7:] for line in output.splitlines() if line.startswith("RESULT ")))
        wrong = result["requests"] - result["status"] if self.status >= 400 else result["status"]
        if wrong or result["broken"] or not result["requests"]:
            raise SystemExit(f"bench: {self.title}: {result['requests']} answers, {wrong} of them wrong, "
                             f"{result['broken']} broken connections")
        cpu, behind, load = (each / result["requests"] * 1e6 for each in spent)
        return {"rate": result["requests"] / result["seconds"], "cpu": cpu, "behind": behind, "load": load,
                "p50": result["p50"] / 1000, "p99": result["p99"] / 1000, "memory": self.server.memory("VmHWM")}

    def result(self):
        """What is kept of it: a list over the rounds for each number."""
        return {"key": self.key, "title": self.title, "groups": list(self.groups), "x": self.x,
                "has_back_end": bool(self.behind), "random": bool(self.count),
                "looked_up": bool(self.count) and not self.warm,
                **{name: [round(each[name], 3) for each in self.measured] for name in self.measured[0]}}


def format_rows():
    return [
        Row("nginx", "nginx, the same bytes as a static file", lambda place: place.nginx()),
        Row("bare", "libmicrohttpd, the same bytes", lambda place: place.bare()),
        Row("autoconfig", "autoconfig", lambda place: place.sample(), groups=("main", "cached"), x=1),
        Row("pox", "Autodiscover POX", lambda place: place.sample(), "/autodiscover/autodiscover.xml",
            "autodiscover.example.com", POX),
        Row("profile", "Apple profile", lambda place: place.sample(), PROFILE),
        Row("signed", "Apple profile, signed (P-256)", lambda place: place.signed(), PROFILE),
        Row("pacc", "PACC", lambda place: place.sample(), "/.well-known/user-agent-configuration.json",
            "ua-auto-config.example.com"),
        Row("unknown", "autoconfig, domain not served", lambda place: place.sample(),
            "/mail/config-v1.1.xml?emailaddress=user@unknown.example", status=404),
    ]


def domain_rows():
    """Uncached: the cache holds a fiftieth of the domains, which for a million of them is its default of 20,000."""
    def uncached(dialect, count):
        return Row(f"{dialect}-{count}", f"autoconfig, {count:,} domains in {DATABASES[dialect]}",
                   lambda place: place.automxd(place.domains(dialect, count), cache_entries=count // 50),
                   data.DOMAIN, count=count, back_end=None if dialect == "sqlite" else lambda p: p.database(dialect),
                   groups=("main", "uncached") if dialect == "sqlite" else ("main",), x=count)

    def cached(count):
        return Row(f"cached-{count}", f"autoconfig, {count:,} domains, all cached",
                   lambda place: place.automxd(place.domains("sqlite", count), cache_ttl=FOREVER,
                                               cache_entries=2 * count),
                   data.DOMAIN, count=count, warm=True, groups=("cached",), x=count)

    return [uncached(dialect, count) for dialect in DATABASES for count in SIZES] + [cached(count) for count in SIZES]


def person_rows():
    def people(key, title, warm, **settings):
        return Row(key, title, lambda place: place.automxd(place.people(), **settings), data.PERSON,
                   "autoconfig.people.example", count=data.PERSONS, warm=warm,
                   back_end=lambda place: place.directory_server())

    return [
        people("ldap", f"autoconfig, {data.PERSONS:,} persons in LDAP", False, cache_entries=data.PERSONS // 50),
        people("ldap-cached", f"autoconfig, {data.PERSONS:,} persons, all cached", True, user_cache_ttl=FOREVER,
               cache_ttl=FOREVER),
    ]


def connection_rows():
    """Each has a server of its own, so that its memory is that of its connections."""
    descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - SPARE_DESCRIPTORS
    return [Row(f"connections-{count}", f"{count:,} connections",
                lambda place, count=count: place.automxd(place.domains("sqlite", 0), connections=count + SPARE_DESCRIPTORS),
                groups=("connections",), x=count, connections=count)
            for count in CONNECTION_COUNTS if count <= descriptors]


def processor_rows(cpus):
    """The load runs on the same processors as the server, so that one row is the other with more of everything."""
    counts = [count for count in (1, 2, 4, 8, 16, 32) if count <= len(cpus)]
    rows = [Row(f"processors-{count}", f"{count} thread{'s' * (count > 1)} and the load on {count} "
                                       f"processor{'s' * (count > 1)}",
                lambda place, count=count: place.automxd(place.domains("sqlite", 0), tuple(cpus[:count])),
                groups=("processors",), x=count, cpus=cpus[:count]) for count in counts]
    if len(cpus) > 1:
        rows.append(Row("processors-own", "1 thread on a processor of its own, the load on another",
                        lambda place: place.automxd(place.domains("sqlite", 0), (cpus[0],)),
                        groups=("processor-alone",), x=1, cpus=[cpus[1]]))
    return rows


def all_rows(cpus, pattern):
    """Those whose key matches, beside the two that others are compared with."""
    rows = format_rows() + domain_rows() + person_rows() + connection_rows() + processor_rows(cpus)
    return rows[:2] + [row for row in rows[2:] if re.fullmatch(pattern, row.key)]
