"""The systemd unit, judged by systemd's own tools, without a running systemd."""

import os
import re
import shutil
import subprocess

import pytest
from support.daemon import RELEASE_BUILD, ROOT
from support.unit import expand, read_unit

EXPOSURE_MAX = 1.2
# What the service lives by: see the unit.
RELAXED = {"RootDirectory=/RootImage=", "RestrictAddressFamilies=~AF_UNIX", "RestrictAddressFamilies=~AF_(INET|INET6)",
           "PrivateNetwork=", "DeviceAllow=", "IPAddressDeny="}


@pytest.fixture(scope="module")
def unit(tmp_path_factory):
    """Beside its socket unit, and with a program that is there."""
    folder = tmp_path_factory.mktemp("units")
    with open(os.path.join(RELEASE_BUILD, "contrib/automxd.service"), encoding="utf-8") as file:
        text, count = re.subn(r"^ExecStart=.*$", f"ExecStart={RELEASE_BUILD}/automxd", file.read(), flags=re.MULTILINE)
    assert count == 1
    (folder / "automxd.service").write_text(text, encoding="utf-8")
    shutil.copy(os.path.join(ROOT, "contrib/systemd/automxd.socket"), folder)
    return folder / "automxd.service"


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", "--no-pager", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, "LC_ALL": "C.UTF-8"})


def test_nothing_is_wrong_with_the_units(unit):
    done = analyze("verify", "--man=no", unit, unit.with_name("automxd.socket"))
    assert done.returncode == 0 and not done.stdout + done.stderr, done


def test_exposure(unit):
    done = analyze("security", "--offline=true", unit)
    level = re.search(r"Overall exposure level for automxd.service: ([0-9.]+)", done.stdout)
    assert level, done
    exposed = set(re.findall(r"^✗ (\S+)", done.stdout, re.MULTILINE))
    assert exposed <= RELAXED, done.stdout
    assert float(level.group(1)) <= EXPOSURE_MAX, done.stdout


def test_no_call_for_programs_or_privileges_beyond_systemds_own(unit):
    """systemd adds @default to every list, with execve for itself."""
    calls = set().union(*(expand(word) for word in read_unit(unit)["SystemCallFilter"]))
    for group in ("@chown", "@debug", "@keyring", "@module", "@mount", "@privileged", "@resources", "@setuid"):
        assert not calls & expand(group), group
    assert not calls & {"execve", "execveat", "fork", "vfork", "kill", "mkdir", "rename", "symlink", "ptrace"}
