"""Memory that runs out at every point of a request: the answer is right or 503 or the connection ends, never a crash, and
the next request is served."""

import mmap
import os
import struct
import subprocess
import time

import pytest

from support.daemon import AUTOMXD, ROOT, Daemon, pox_request
from support.wire import answers, exchange

RELEASE = os.environ.get("AUTOMXD_RELEASE_BUILD")
PROGRAM = os.path.join(RELEASE, "automxd") if RELEASE else AUTOMXD
SEED = {"version": 2, "provider": "Example", "domains": [{"name": "example.com"}],
        "servers": [{"name": "imap.example.com", "port": 993, "type": "imap", "socket_type": "SSL",
                     "user_name": "%EMAILADDRESS%", "authentication": "plain"},
                    {"name": "smtp.example.com", "port": 465, "type": "smtp", "socket_type": "SSL"},
                    {"url": "https://dav.example.com/", "type": "caldav"}]}
POX = pox_request("a@example.com")


def get(path, host):
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-For: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()


REQUESTS = {
    "autoconfig": get("/mail/config-v1.1.xml?emailaddress=a@example.com", "autoconfig.example.com"),
    "host": get("/mail/config-v1.1.xml", "autoconfig.example.com"),
    "unknown": get("/mail/config-v1.1.xml?emailaddress=a@m%C3%BCller.example", "autoconfig.example.com"),
    "profile": get("/mobileconfig?emailaddress=a@example.com&name=Zoe", "autoconfig.example.com"),
    "pox": b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\nConnection: close\r\n"
           b"Content-Length: %d\r\n\r\n" % len(POX) + POX,
    "v2": get("/autodiscover/autodiscover.json?Email=a@example.com&Protocol=ActiveSync", "autodiscover.example.com"),
    "pacc": get("/.well-known/user-agent-configuration.json", "ua-auto-config.example.com"),
    "caldav": get("/.well-known/caldav", "example.com"),
    "page": get("/", "a"),
    "ready": get("/readyz", "a"),
}
NORMAL = {"unknown": 404, "v2": 400, "caldav": 307}  # the rest is 200


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    built = tmp_path_factory.mktemp("alloc") / "alloc_fail.so"
    subprocess.run(["cc", "-std=gnu17", "-O1", "-shared", "-fPIC", "-o", built,
                    os.path.join(ROOT, "tests/faults/alloc_fail.c")], check=True)
    with open(PROGRAM, "rb") as file:
        if b"__asan_init" in file.read():
            pytest.skip("needs a build without sanitizers: AUTOMXD_RELEASE_BUILD")
    return str(built)


class Order:
    """The shared page: which allocations fail, and how many there were."""

    def __init__(self, path):
        with open(path, "w+b") as file:
            file.write(bytes(4096))
            file.flush()
            self.map = mmap.mmap(file.fileno(), 4096)

    def give(self, first, last):
        self.map[:12] = struct.pack("=III", 0, last, 0)
        self.map[:4] = struct.pack("=I", first)

    @property
    def count(self):
        return struct.unpack("=I", self.map[8:12])[0]


@pytest.mark.parametrize("from_there_on", [False, True], ids=["one", "all"])
@pytest.mark.parametrize("cached", [True, False], ids=["cached", "asked"])
def test_every_allocation_of_a_request(library, tmp_path, cached, from_there_on):
    path = str(tmp_path / "order")
    order = Order(path)
    config = {"loglevel": "INFO", "cache_ttl": "1h" if cached else "0s", "lookup_timeout": "2s"}
    with Daemon(config, seed=SEED, program=PROGRAM, env={"LD_PRELOAD": library, "ALLOC_FAIL": path}, allow=["."]) as daemon:
        tried = 0
        for name, data in REQUESTS.items():
            eventually(daemon, data, NORMAL.get(name, 200), order)
            normal = eventually(daemon, data, NORMAL.get(name, 200), order)
            points = order.count
            assert points > 5, name
            for point in range(1, points + 1):
                order.give(point, 2 ** 32 - 1 if from_there_on else point)
                found = answers(exchange(daemon.address, data))
                order.give(0, 0)
                tried += 1
                assert daemon.process.poll() is None, (name, point, daemon.stderr()[-2000:])
                for answer in found:
                    # a look-up that failed for want of memory has no answer; a document is whole or not there
                    assert answer.status == 503 or (answer.status == normal.status and answer.body == normal.body), \
                        (name, point, answer, normal)
                served = eventually(daemon, data, normal.status, order)
                assert served.body == normal.body, (name, point)
        print(tried, "points")
        assert tried > 100


def eventually(daemon, data, status, order):
    """What failed is not asked again at once, so this may take a moment. order counts the last request alone."""
    end = time.monotonic() + 10
    while True:
        order.give(0, 0)
        found = answers(exchange(daemon.address, data))
        if found and found[0].status == status:
            return found[0]
        assert time.monotonic() < end, (found, daemon.stderr()[-2000:])
        time.sleep(0.01)
