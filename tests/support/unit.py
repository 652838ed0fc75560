"""Runs a program under the system calls of a systemd unit, and without capabilities: what systemd does with
SystemCallFilter=, MemoryDenyWriteExecute=, RestrictAddressFamilies=, RestrictNamespaces=, UMask= and an
empty CapabilityBoundingSet=. What the unit would refuse ends the program instead, so that no test can overlook it.

    /usr/bin/python3 unit.py UNIT PROGRAM ARGUMENT...
"""

import ctypes
import errno
import os
import socket
import subprocess
import sys

KILL_PROCESS, ALLOW = 0x80000000, 0x7FFF0000
MASKED_EQUAL = 7
PR_CAPBSET_DROP, CAPABILITIES = 24, 64
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
NAMESPACES = 0x7E020000


def refuse(number):
    return 0x00050000 | number


class Compare(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("first", ctypes.c_uint64),
                ("second", ctypes.c_uint64)]


def read_unit(path):
    """Setting: its words, those of repeated lines one after the other, as systemd takes them."""
    found = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if "=" in line and not line.startswith(("#", ";")):
                key, _, value = line.partition("=")
                found.setdefault(key.strip(), []).extend(value.split())
    return found


def expand(name):
    """The system calls of a group, those of groups in it too."""
    if not name.startswith("@"):
        return {name}
    listing = subprocess.run(["systemd-analyze", "--no-pager", "syscall-filter", name], capture_output=True, text=True,
                             check=True).stdout.splitlines()[1:]
    words = [line.strip() for line in listing if line.strip() and not line.strip().startswith("#")]
    return set().union(*(expand(word) for word in words))


class Filter:
    def __init__(self, default):
        self.library = ctypes.CDLL("libseccomp.so.2")
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.filter = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action, name, *compare):
        number = self.library.seccomp_syscall_resolve_name(name.encode())
        if number >= 0:
            array = (Compare * max(1, len(compare)))(*compare)
            done = self.library.seccomp_rule_add_array(self.filter, ctypes.c_uint32(action), number, len(compare), array)
            assert done == 0, (name, done)

    def load(self):
        assert self.library.seccomp_load(self.filter) == 0


def drop_capabilities():
    """Those of the program that is started; for all but root there are none."""
    library = ctypes.CDLL(None)
    for capability in range(CAPABILITIES):
        library.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def restrict(unit):
    assert unit["CapabilityBoundingSet"] == []
    drop_capabilities()
    os.umask(int(unit["UMask"][0], 8))
    names = set().union(*(expand(word) for word in ["@default", *unit["SystemCallFilter"]]))
    assert not any(name.startswith("~") for name in names)
    families = [int(getattr(socket, word)) for word in unit["RestrictAddressFamilies"]]
    memory = [("mmap", PROT_WRITE | PROT_EXEC), ("mprotect", PROT_EXEC), ("pkey_mprotect", PROT_EXEC),
              ("shmat", SHM_EXEC)] if unit["MemoryDenyWriteExecute"] == ["yes"] else []
    rest = Filter(ALLOW)
    for name, bits in memory:
        rest.add(KILL_PROCESS, name, Compare(2, MASKED_EQUAL, bits, bits))
    # As systemd does: these have fall-backs.
    for family in set(range(64)) - set(families):
        rest.add(refuse(errno.EAFNOSUPPORT), "socket", Compare(0, MASKED_EQUAL, 0xFFFFFFFF, family))
    if unit["RestrictNamespaces"] == ["yes"]:
        rest.add(refuse(errno.ENOSYS), "clone3")
        for bit in (1 << place for place in range(32) if NAMESPACES & 1 << place):
            rest.add(KILL_PROCESS, "clone", Compare(0, MASKED_EQUAL, bit, bit))
    calls = Filter(KILL_PROCESS)
    for name in names:
        calls.add(ALLOW, name)
    if os.geteuid() == 0:
        calls.add(ALLOW, "fchown")  # SQLite's, for root alone, which no service of this unit is
    rest.load()
    calls.load()


if __name__ == "__main__":
    restrict(read_unit(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])
