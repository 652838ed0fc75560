"""Where the bench works: a directory, and everything that it started, which stops when it is left."""

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile

import data
import servers
from support import databases

AUTOCONFIG = "/mail/config-v1.1.xml?emailaddress=user@example.com"
AUTOCONFIG_HOST = "autoconfig.example.com"
DATABASES = {"sqlite": databases.Sqlite, "postgresql": databases.PostgreSQL, "mariadb": databases.MariaDB}
DATABASE_MEMORY_MIB = 512  # what the rows of a million domains fit in


class Place:
    """Everything is started when it is asked for first, and only once. cpus: those for servers and load."""

    def __init__(self, build, cpus):
        self.build = build
        self.cpus = cpus
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="automxd-bench-")
        self.stack.callback(shutil.rmtree, self.directory)
        os.chmod(self.directory, 0o755)  # nginx's workers may be somebody else
        return self

    def __exit__(self, *_):
        self.stack.close()

    def keep(self, server):
        self.stack.callback(server.stop)
        return server

    @functools.cache
    def database(self, dialect):
        server = DATABASES[dialect]() if dialect == "sqlite" else DATABASES[dialect](memory=DATABASE_MEMORY_MIB)
        self.stack.callback(server.close)
        return server.start()

    @functools.cache
    def domains(self, dialect, count):
        return data.make_domains(self, self.database(dialect), count)

    @functools.cache
    def directory_server(self):
        server = data.start_directory()
        self.stack.callback(server.close)
        return server.start()

    @functools.cache
    def people(self):
        return data.make_people(self, self.directory_server())

    @functools.cache
    def automxd(self, db_uri, cpus=None, **settings):
        return self.keep(servers.start_automxd(self.directory, cpus or self.cpus, self.build, db_uri, **settings))

    def sample(self):
        """The one that most rows ask, with one domain."""
        return self.automxd(self.domains("sqlite", 0))

    def signed(self):
        return self.automxd(self.domains("sqlite", 0), **self.certificate())

    @functools.cache
    def document(self):
        _, content_type, document = servers.fetch(self.sample().port, "GET", AUTOCONFIG, AUTOCONFIG_HOST)
        return document, content_type

    @functools.cache
    def nginx(self):
        return self.keep(servers.start_nginx(self.directory, self.cpus, *self.document()))

    @functools.cache
    def bare(self):
        return self.keep(servers.start_bare(self.directory, self.cpus, self.build, *self.document()))

    @functools.cache
    def certificate(self):
        key, certificate = f"{self.directory}/key.pem", f"{self.directory}/certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=autoconfig.example.com", "-days", "90", "-keyout", key, "-out", certificate],
                       check=True, capture_output=True)
        os.chmod(key, 0o600)
        return {"profile_certificate": certificate, "profile_key": key}
