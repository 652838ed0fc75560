"""What SECURITY.md says of how the program is built holds for all that is installed."""

import glob
import os
import re
import subprocess

import pytest
from support.daemon import RELEASE_BUILD

PROGRAMS = ["automxd", "automxctl"]
MODULES = ["postgresql.so", "mariadb.so", "ldap.so", "signer.so"]


def readelf(option, name):
    path = os.path.join(RELEASE_BUILD, name if name in PROGRAMS else os.path.join("modules", name))
    return subprocess.run(["readelf", "-W", option, path], capture_output=True, text=True, check=True).stdout


def test_every_module_is_looked_at():
    assert sorted(map(os.path.basename, glob.glob(os.path.join(RELEASE_BUILD, "modules", "*.so")))) == sorted(MODULES)


@pytest.mark.parametrize("name", PROGRAMS + MODULES)
def test_hardened(name):
    dynamic, segments, symbols = readelf("-d", name), readelf("-l", name), readelf("--dyn-syms", name)
    assert re.search(r"Type:\s+DYN", readelf("-h", name)), "position-independent"
    assert (name in PROGRAMS) == bool(re.search(r"FLAGS_1.*\bPIE\b", dynamic))
    assert "GNU_RELRO" in segments and re.search(r"FLAGS_1.*\bNOW\b", dynamic), "full RELRO"
    assert re.search(r"GNU_STACK\s.*\sRW\s", segments), "no stack that is run"
    assert not re.search(r"\bLOAD\b.*\sRWE\s", segments) and "TEXTREL" not in dynamic
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic, "libraries come from the system's directories"
    assert "__stack_chk_fail" in symbols, "stack protector"
    if name in PROGRAMS:  # a module may call nothing that it could check
        assert re.search(r"__(?!stack)\w+_chk@GLIBC", symbols), "FORTIFY"
