"""db_echo = yes logs each SQL statement, whatever the level, and never a value."""

import pytest

from support.daemon import Daemon

SEED = {"provider": "Example Inc.", "domains": ["example.com"], "servers": [{"type": "imap", "name": "imap.example.com"}]}


@pytest.mark.parametrize("level", ["WARNING", "INFO"])
def test_statements_without_values(level):
    with Daemon({"db_echo": "yes", "loglevel": level}, seed=SEED) as daemon:
        assert daemon.autoconfig("secretive@example.com").status == 200
        lines = [line for line in daemon.stderr().splitlines() if " sql: " in line]
        assert any("SELECT" in line and "FROM domain" in line for line in lines)
        assert any("INSERT INTO provider" in line for line in lines)
        assert not any("secretive" in line or "imap.example.com" in line for line in lines)


def test_none_without_it():
    with Daemon({"loglevel": "DEBUG"}, seed=SEED) as daemon:
        assert daemon.autoconfig("a@example.com").status == 200
        assert " sql: " not in daemon.stderr()
