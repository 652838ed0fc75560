"""Evolution's own library (libevolution) against automxd, with a name server, an authority and a network of the test's."""

import json
import os
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = {
    "imap": {"host": "imap.example", "port": 993, "security": "ssl-on-alternate-port"},
    "smtp": {"host": "smtp.example", "port": 587, "security": "starttls-on-standard-port"},
}


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
def test_servers_ports_security_and_user(found, address, kind):
    assert found[address], found
    assert found[address][kind] == {**EXPECTED[kind], "user": address}


def test_no_pop3_where_there_is_none(found):
    assert found["jane+news@one.example"]["pop3"] is None


def test_unknown_domain(found):
    assert found["joe@three.example"] is None or not any(found["joe@three.example"].values())
