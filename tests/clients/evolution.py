#!/usr/bin/python3
"""Asks Evolution's own library for the set-up of addresses, inside a network namespace that holds nothing but loopback.

Run as: unshare --net --mount evolution.py ADDRESS... Its own name server, certificate authority, nginx and automxd are
all there is. Prints one JSON object: address -> what Evolution would configure.
"""

import contextlib
import ctypes
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from support import proxies
from support.daemon import Daemon
from support.dns import Dns

LIBRARY = "/usr/lib/evolution/libevolution-mail.so.0"
SEED = {"provider": "Example Inc.", "domains": ["one.example", "two.example"],
        "servers": [{"type": "imap", "name": "imap.example"}, {"type": "smtp", "name": "smtp.example", "port": 587},
                    {"type": "caldav", "url": "https://dav.example/cal/"}]}
# two.example has no autoconfig host: only .well-known on the domain itself.
NAMES = ["autoconfig.one.example", "two.example"]


def bind_over(text, path):
    """Replaces a file for this namespace alone."""
    with tempfile.NamedTemporaryFile("w", delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    subprocess.run(["mount", "--bind", file.name, path], check=True)


class Evolution:
    def __init__(self):
        ctypes.CDLL(LIBRARY, mode=ctypes.RTLD_GLOBAL)
        self.library = ctypes.CDLL(None)
        self.library.e_mail_autoconfig_get_type.restype = ctypes.c_size_t
        self.library.g_initable_new.restype = ctypes.c_void_p

    def find(self, address):
        """{"imap": "user@host:port", ...} as Evolution's own function prints it, or None."""
        error = ctypes.c_void_p()
        # e_mail_autoconfig_new_sync() without its registry of accounts, which would need a desktop session; the look-up
        # itself does not use it.
        autoconfig = self.library.g_initable_new(
            ctypes.c_size_t(self.library.e_mail_autoconfig_get_type()), None, ctypes.byref(error), b"email-address",
            ctypes.c_char_p(address.encode()), None)
        if not autoconfig:
            return None
        with tempfile.TemporaryFile() as file:
            sys.stdout.flush()
            kept = os.dup(1)
            os.dup2(file.fileno(), 1)
            self.library.e_mail_autoconfig_dump_results(ctypes.c_void_p(autoconfig))
            self.library.fflush(None)
            os.dup2(kept, 1)
            os.close(kept)
            file.seek(0)
            lines = file.read().decode().splitlines()[1:]
        return {kind.lower(): rest for kind, rest in (line.split(": ", 1) for line in lines)}


def main():
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    bind_over("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", "/etc/resolv.conf")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        stack.enter_context(Dns(NAMES))
        daemon = stack.enter_context(Daemon({"proxy_count": 1}, seed=SEED))
        proxy = stack.enter_context(proxies.nginx(daemon.port, http_port=80, https_port=443, names=NAMES))
        with open(proxy.certificate, encoding="ascii") as file:
            bind_over(file.read(), "/etc/ssl/certs/ca-certificates.crt")
        os.environ.update(HOME=directory, XDG_CONFIG_HOME=directory, G_MESSAGES_DEBUG="", GIO_USE_PROXY_RESOLVER="dummy")
        evolution = Evolution()
        json.dump({address: evolution.find(address) for address in sys.argv[1:]}, sys.stdout)


if __name__ == "__main__":
    main()
