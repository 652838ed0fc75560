"""A start before the database is there: nobody has to start things in order."""

import time

import pytest

from support.daemon import Daemon
from support.databases import mariadb, postgresql

SEED = {"provider": "Example Inc.", "domains": ["example.com"], "servers": [{"type": "imap", "name": "imap.example.com"},
                                                                            {"type": "smtp", "name": "smtp.example.com"}]}
BACK_SECONDS = 20


@pytest.mark.parametrize("kind", [postgresql, mariadb])
def test_start_before_the_database(kind):
    with kind() as server:
        server.create("late")
        settings = {"db_uri": server.uri("late"), "cache_ttl": "200ms"}
        with Daemon(settings, seed=SEED):
            pass
        server.kill()
        with Daemon(settings, allow=[r"ERROR: .*requests get 503", r"WARNING|ERROR"]) as daemon:
            answer = daemon.autoconfig("a@example.com")
            assert answer.status == 503 and int(answer.headers["Retry-After"]) > 0
            assert daemon.get("/readyz").status == 503 and daemon.get("/healthz").status == 200
            assert server.password not in daemon.stderr()
            server.start()
            end = time.monotonic() + BACK_SECONDS
            while daemon.autoconfig("a@example.com").status != 200:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert daemon.get("/readyz").status == 200
