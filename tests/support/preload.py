"""Libraries of the tests' own that are loaded into the daemon before all others, and the page that each shares with a test."""

import mmap
import os
import struct
import subprocess

from .daemon import ROOT


class Library:
    """name: of a file in tests/faults, without its ending."""

    def __init__(self, name, directory):
        self.name = name
        self.path = os.path.join(directory, name + ".so")
        source = os.path.join(ROOT, "tests/faults", name + ".c")
        subprocess.run(["cc", "-std=gnu17", "-O1", "-shared", "-fPIC", "-o", self.path, source], check=True)


class Page:
    """Some numbers, of a format of the module struct."""

    def __init__(self, directory, form):
        self.path = os.path.join(directory, "page-" + form)
        self.form = struct.Struct("=" + form)
        with open(self.path, "w+b") as file:
            file.write(bytes(mmap.PAGESIZE))
            file.flush()
            self.map = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def write(self, *numbers):
        self.map[:self.form.size] = self.form.pack(*numbers)

    def read(self):
        return self.form.unpack(self.map[:self.form.size])


def environment(pages):
    """What the daemon is started with. pages: of each library. Sanitizers want to be the first ones, but need not be."""
    return {"LD_PRELOAD": ":".join(library.path for library in pages),
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0",
            **{library.name.upper(): page.path for library, page in pages.items()}}
