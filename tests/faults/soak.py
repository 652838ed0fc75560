#!/usr/bin/python3
"""A long mixed load while the database and the directory come and go: memory and descriptors have to stay flat.

Usage: soak.py [SECONDS] (default 1200). AUTOMXD_BUILD names the build. Ends with a summary and status 0, or with what was
wrong. PostgreSQL is killed and restarted, slapd frozen and thawed, the configuration reloaded, all in turn.
"""

import collections
import http.client
import os
import random
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support.daemon import Daemon, pox_request
from support.databases import postgresql, slapd

DOMAINS = 300
WORKERS = 8
STEP_SECONDS = 5
# A back end's outage may show in answers from its beginning until this long after its end.
GRACE_SECONDS = 8
MEMORY_SLACK_KIB = 12 * 1024


def seed(slapd_port):
    return {"version": 2, "provider": "Soak Inc.",
            "domains": [{"name": f"d{i}.example"} for i in range(DOMAINS)] + [{"name": "ldap.example", "ldapserver_id": 1}],
            "ldapservers": [{"id": 1, "name": "127.0.0.1", "port": slapd_port, "use_ssl": False, "search_base": slapd_base,
                             "search_filter": "(mail={0})", "bind_user": slapd_admin, "bind_password": "secret"}],
            "servers": [{"type": "imap", "name": "imap.example"}, {"type": "smtp", "name": "smtp.example"},
                        {"type": "caldav", "url": "https://dav.example/cal/"}]}


slapd_base, slapd_admin = "dc=example,dc=com", "cn=admin,dc=example,dc=com"
LDIF = "".join(f"dn: uid=u{i},{slapd_base}\nobjectClass: inetOrgPerson\nuid: u{i}\ncn: User {i}\nsn: {i}\n"
               f"mail: u{i}@ldap.example\n\n" for i in range(500))


def requests(rng):
    """(method, path, host, body, statuses without an outage)"""
    number = rng.randrange(DOMAINS)
    domain = f"d{number}.example"
    kind = rng.randrange(10)
    if kind < 4:
        return "GET", f"/mail/config-v1.1.xml?emailaddress=u%40{domain}", "autoconfig." + domain, None, {200}
    if kind == 4:
        return "GET", "/.well-known/autoconfig/mail/config-v1.1.xml", domain, None, {200}
    if kind == 5:
        return "POST", "/Autodiscover/Autodiscover.xml", "autodiscover." + domain, pox_request("u@" + domain), {200}
    if kind == 6:
        return "GET", f"/mobileconfig?emailaddress=u%40{domain}", domain, None, {200}
    if kind == 7:
        return "POST", "/autodiscover/autodiscover.xml", "ldap.example", pox_request(f"u{rng.randrange(600)}@ldap.example"), {200}
    if kind == 8:
        return "GET", f"/mail/config-v1.1.xml?emailaddress=u%40no{rng.randrange(100000)}.example", "x.example", None, {404}
    return "POST", "/autodiscover/autodiscover.xml", domain, b"<broken", {200}


class Load:
    def __init__(self, daemon):
        self.daemon = daemon
        self.stop = threading.Event()
        self.outage_until = 0.0
        self.statuses = collections.Counter()
        self.faults = []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(WORKERS)]

    def work(self, number):
        rng = random.Random(number)
        connection = None
        while not self.stop.is_set():
            method, path, host, body, good = requests(rng)
            try:
                if connection is None or rng.randrange(200) == 0:
                    if connection:
                        connection.close()
                    connection = http.client.HTTPConnection("127.0.0.1", self.daemon.port, timeout=20)
                connection.request(method, path, body=body, headers={"Host": host})
                answer = connection.getresponse()
                answer.read()
                status = answer.status
            except (OSError, http.client.HTTPException) as error:
                connection = None
                status = f"{type(error).__name__}"
            with self.lock:
                self.statuses[status] += 1
                # An unknown domain is not "not served" while nobody can be asked.
                allowed = good | ({503} if time.monotonic() < self.outage_until else set())
                if status not in allowed:
                    self.faults.append(f"{method} {path} of {host}: {status}")

    def outage(self):
        self.outage_until = float("inf")

    def recovered(self):
        self.outage_until = time.monotonic() + GRACE_SECONDS


def usage(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        memory = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    return memory, len(os.listdir(f"/proc/{pid}/fd"))


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 1200
    with postgresql() as database, slapd(ldif=LDIF) as directory:
        settings = {"db_uri": database.uri(), "loglevel": "WARNING", "user_cache_ttl": "2s", "cache_ttl": "2s",
                    "connections": "1024", "rate_limit": "0"}
        with Daemon(settings, seed=seed(directory.port), allow=[r"WARNING|ERROR"]) as daemon:
            load = Load(daemon)
            for thread in load.threads:
                thread.start()
            began = time.monotonic()
            warm = None
            step = 0
            try:
                while time.monotonic() - began < seconds and not load.faults:
                    time.sleep(STEP_SECONDS)
                    step += 1
                    if step % 5 == 1:
                        load.outage()
                        database.kill()
                    elif step % 5 == 2:
                        database.start()
                        load.recovered()
                    elif step % 5 == 3:
                        directory.freeze()
                    elif step % 5 == 4:
                        directory.thaw()
                    else:
                        daemon.signal(signal.SIGHUP)
                    memory, descriptors = usage(daemon.process.pid)
                    if warm is None and time.monotonic() - began > min(seconds / 3, 120):
                        warm = memory, descriptors
                    print(f"{time.monotonic() - began:6.0f} s  {memory} KiB  {descriptors} descriptors  "
                          f"{sum(load.statuses.values())} requests", flush=True)
            finally:
                if directory:
                    directory.thaw()
                load.stop.set()
                for thread in load.threads:
                    thread.join()
            end = usage(daemon.process.pid)
            print(f"answers: {dict(load.statuses)}")
            print(f"memory {warm[0]} -> {end[0]} KiB, descriptors {warm[1]} -> {end[1]}")
            faults = load.faults[:20]
            if end[0] > warm[0] + MEMORY_SLACK_KIB:
                faults.append("memory grew")
            if end[1] > warm[1] + WORKERS + 16:
                faults.append("descriptors grew")
            for fault in faults:
                print("FAULT:", fault)
            return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
