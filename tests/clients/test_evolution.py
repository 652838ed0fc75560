"""Evolution's own library (libevolution) against automxd, with a name server, an authority and a network of the test's."""

import json
import os
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = {"imap": "imap.example:993", "smtp": "smtp.example:587"}


@pytest.fixture(scope="module")
def found():
    addresses = ["jane+news@one.example", "Jane.Doe@two.example", "joe@three.example"]
    private = ["unshare", "--net", "--mount"]
    if os.geteuid() != 0:
        private += ["--user", "--map-root-user"]
    # The daemon's leaks are judged by its own process; this one has Evolution's libraries in it.
    result = subprocess.run([*private, "/usr/bin/python3", os.path.join(HERE, "evolution.py"), *addresses],
                            capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-4000:]
    return json.loads(result.stdout)


@pytest.mark.parametrize("address", ["jane+news@one.example", "Jane.Doe@two.example"])
@pytest.mark.parametrize("kind", EXPECTED)
def test_servers_ports_and_user(found, address, kind):
    assert found[address], found
    assert found[address][kind] == f"{address}@{EXPECTED[kind]}"


def test_no_pop3_where_there_is_none(found):
    assert "pop3" not in found["jane+news@one.example"]


def test_unknown_domain(found):
    assert not found["joe@three.example"]
