"""Libraries of the tests' own that are loaded into the daemon before all others, and the page that they share with a test."""

import mmap
import os
import struct
import subprocess

from .daemon import ROOT


def build(source, directory):
    """The path of the library that is made of a file of tests/faults."""
    library = os.path.join(directory, source.removesuffix(".c") + ".so")
    subprocess.run(["cc", "-std=gnu17", "-O1", "-shared", "-fPIC", "-o", library, os.path.join(ROOT, "tests/faults", source)],
                   check=True)
    return library


def environment(library, page):
    """What the daemon is started with. Sanitizers want to be first, but need not be."""
    asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {"LD_PRELOAD": library, "SHARED_PAGE": page.path, "ASAN_OPTIONS": asan}


class Page:
    """Some numbers, of a format of the module struct."""

    def __init__(self, directory, form):
        self.path = os.path.join(directory, "page")
        self.form = struct.Struct("=" + form)
        with open(self.path, "w+b") as file:
            file.write(bytes(mmap.PAGESIZE))
            file.flush()
            self.map = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def write(self, *numbers):
        self.map[:self.form.size] = self.form.pack(*numbers)

    def read(self):
        return self.form.unpack(self.map[:self.form.size])
