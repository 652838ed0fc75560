"""Starts real PostgreSQL, MariaDB and OpenLDAP servers in folders of their own, on free loopback ports.

Each is a context manager; several may run side by side. None runs as root: for root's tests they run as the user that the
Debian package made. kill() is SIGKILL, freeze() SIGSTOP for the server and its children, and start() brings it back with
its data on the same port."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

START_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _account(name):
    """Keyword arguments for subprocess that drop root's rights."""
    if os.geteuid() != 0:
        return {}
    for candidate in (name, "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(candidate)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise RuntimeError("there is no user to run a server as")


def _children(pid):
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        with contextlib.suppress(OSError):
            with open(stat, encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
            if int(fields[1]) == pid:
                found.append(int(stat.split("/")[2]))
    return found


def _stopped(pid):
    for stat in glob.glob(f"/proc/{pid}/task/*/stat"):
        with contextlib.suppress(OSError):
            with open(stat, encoding="utf-8", errors="replace") as file:
                if file.read().rpartition(")")[2].split()[0] not in "TtZX":
                    return False
    return True


class Certificates:
    """A CA, another CA that signed nothing, and a certificate for localhost and 127.0.0.1."""

    def __init__(self, directory):
        self.ca, self.other_ca = (os.path.join(directory, name) for name in ("ca.pem", "other-ca.pem"))
        self.certificate, self.key = (os.path.join(directory, name) for name in ("server.pem", "server.key"))
        ca_key = os.path.join(directory, "ca.key")
        request = os.path.join(directory, "server.csr")
        extensions = os.path.join(directory, "server.ext")
        for path, key, name in ((self.ca, ca_key, "Test CA"), (self.other_ca, ca_key + ".other", "Other CA")):
            self._openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                          "-keyout", key, "-out", path)
        self._openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", self.key,
                      "-out", request)
        with open(extensions, "w", encoding="ascii") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2",
                      "-extfile", extensions, "-out", self.certificate)

    @staticmethod
    def _openssl(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True)


class Server:
    """What the three have in common. A subclass sets user and command() and says when it answers()."""

    user = "nobody"

    def __init__(self, tls=False):
        # A unix socket's path has 107 bytes at most.
        self.directory = tempfile.mkdtemp(prefix="automxd-", dir="/tmp")
        self.port = free_port()
        self.process = None
        self.certificates = None
        if tls:
            self.certificates = Certificates(self.directory)
        self.own()

    def own(self):
        """Gives everything to the server's user."""
        account = _account(self.user)
        if account:
            for folder, _, files in os.walk(self.directory):
                for path in [folder] + [os.path.join(folder, name) for name in files]:
                    os.chown(path, account["user"], account["group"])
            # The tests' own programs read certificates and connect to sockets in here.
        os.chmod(self.directory, 0o755)
        if self.certificates:
            os.chmod(self.certificates.key, 0o600)

    def run(self, *command, **options):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.directory,
                              **_account(self.user), **options)
        assert done.returncode == 0, f"{command[0]}: {done.stdout.decode(errors='replace')}"
        return done.stdout.decode()

    def log(self):
        with open(os.path.join(self.directory, "log"), encoding="utf-8", errors="replace") as file:
            return file.read()

    def start(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            with open(os.path.join(self.directory, "log"), "ab") as log:
                self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                cwd=self.directory, **_account(self.user))
            while self.process.poll() is None:
                if self.answers():
                    return self
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.05)
            # After a SIGKILL, the old one's children may hold the memory or the port for a moment.
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def _signal(self, number):
        for pid in [self.process.pid] + _children(self.process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self):
        self._signal(signal.SIGKILL)
        self.process.wait()

    def freeze(self):
        self._signal(signal.SIGSTOP)
        # The signal reaches every thread only after a moment, in which one may still answer.
        for pid in [self.process.pid] + _children(self.process.pid):
            while not _stopped(pid):
                time.sleep(0.01)

    def thaw(self):
        self._signal(signal.SIGCONT)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.thaw()
            self.process.send_signal(self.stop_signal)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    stop_signal = signal.SIGTERM

    def close(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class Sqlite:
    """The database in a file, with what tests need of the other two."""

    dialect = "sqlite"

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="automxd-", dir="/tmp")

    def start(self):
        return self

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def path(self, database):
        return os.path.join(self.directory, database + ".sqlite")

    def create(self, database):
        pass

    def sql(self, script, database):
        with contextlib.closing(sqlite3.connect(self.path(database))) as connection:
            connection.executescript(script)

    def uri(self, database):
        return "sqlite:///" + self.path(database)


class PostgreSQL(Server):
    dialect = "postgresql"
    user = "postgres"
    password = "p@ss/w:o+rd%1"
    stop_signal = signal.SIGINT

    def __init__(self, tls=False, memory=16):
        """memory: MiB for the pages of tables."""
        super().__init__(tls)
        self.memory = memory
        self.programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.data = os.path.join(self.directory, "data")
        password_file = os.path.join(self.directory, "password")
        with open(password_file, "w", encoding="ascii") as file:
            file.write(self.password)
        self.own()
        self.run(f"{self.programs}/initdb", "-D", self.data, "-U", "automxd", "-E", "UTF8", "--locale=C", "--no-sync",
                 "--no-instructions", "--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={password_file}")

    def command(self):
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": self.directory, "fsync": "off",
                    "shared_buffers": f"{self.memory}MB", "max_connections": "40"}
        if self.certificates:
            settings.update(ssl="on", ssl_cert_file=self.certificates.certificate, ssl_key_file=self.certificates.key)
        options = [option for key, value in settings.items() for option in ("-c", f"{key}={value}")]
        return [f"{self.programs}/postgres", "-D", self.data, "-p", str(self.port), *options]

    def answers(self):
        return subprocess.run([f"{self.programs}/pg_isready", "-q", "-h", self.directory, "-p", str(self.port)],
                              stdout=subprocess.DEVNULL).returncode == 0

    def sql(self, script, database="postgres"):
        """Runs a script and returns its unadorned output."""
        return self.run(f"{self.programs}/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.directory,
                        "-p", str(self.port), "-U", "automxd", "-d", database, input=script.encode())

    def create(self, database):
        self.sql(f"CREATE DATABASE {database}")

    def uri(self, database="postgres", options=""):
        return f"postgresql+psycopg2://automxd:p%40ss%2Fw:o+rd%251@127.0.0.1:{self.port}/{database}{options}"

    def socket_uri(self, database="postgres"):
        return f"postgresql://automxd@/{database}?host={self.directory}&port={self.port}"


class MariaDB(Server):
    dialect = "mariadb"
    user = "mysql"
    password = "p@ss/w:o+rd%1"

    def __init__(self, tls=False, memory=16):
        """memory: MiB for the pages of tables."""
        super().__init__(tls)
        self.memory = memory
        self.data = os.path.join(self.directory, "data")
        self.socket = os.path.join(self.directory, "socket")
        self.prepared = False
        # Each server clears the temporary tables away that it finds at its start, those of others too.
        self.temporary = os.path.join(self.directory, "tmp")
        os.mkdir(self.temporary)
        self.own()
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
                 f"--tmpdir={self.temporary}",
                 "--auth-root-authentication-method=normal", "--innodb-log-file-size=8M")

    def command(self):
        options = ["--no-defaults", f"--datadir={self.data}", f"--socket={self.socket}", f"--port={self.port}",
                   f"--tmpdir={self.temporary}",
                   "--bind-address=127.0.0.1", f"--pid-file={self.directory}/pid", f"--innodb-buffer-pool-size={self.memory}M",
                   "--innodb-log-file-size=8M", "--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve",
                   "--character-set-server=utf8mb4"]
        if self.certificates:
            options += [f"--ssl-cert={self.certificates.certificate}", f"--ssl-key={self.certificates.key}"]
        return ["mariadbd" if shutil.which("mariadbd") else "/usr/sbin/mariadbd", *options]

    def answers(self):
        return subprocess.run(["mariadb", "--no-defaults", f"--socket={self.socket}", "-u", "root", "-e", "SELECT 1"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    def start(self):
        super().start()
        if not self.prepared:
            self.prepared = True
            self.sql(f"CREATE USER automxd@'%' IDENTIFIED BY '{self.password}';"
                     "GRANT ALL ON *.* TO automxd@'%'; CREATE DATABASE automxd CHARACTER SET utf8mb4", "")
        return self

    def sql(self, script, database="automxd"):
        return self.run("mariadb", "--no-defaults", f"--socket={self.socket}", "-u", "root", "-N", "-B",
                        "--default-character-set=utf8mb4", *([database] if database else []), input=script.encode())

    def create(self, database):
        self.sql(f"CREATE DATABASE {database} CHARACTER SET utf8mb4", "")

    def uri(self, database="automxd", options=""):
        return f"mysql+pymysql://automxd:p%40ss%2Fw:o+rd%251@127.0.0.1:{self.port}/{database}{options}"

    def socket_uri(self, database="automxd"):
        return f"mariadb://root@localhost/{database}?unix_socket={self.socket}"


class Slapd(Server):
    """ldif: what it holds, below dc=example,dc=com, which exists. cn=admin,dc=example,dc=com has the password "secret"; it
    and everybody may read everything but passwords, unless anonymous is False."""

    user = "openldap"
    base = "dc=example,dc=com"
    admin = "cn=admin,dc=example,dc=com"
    password = "secret"

    def __init__(self, ldif="", tls=False, anonymous=True, settings=""):
        super().__init__(tls)
        self.tls_port = free_port()
        self.config = os.path.join(self.directory, "slapd.conf")
        self.database = os.path.join(self.directory, "data")
        os.mkdir(self.database)
        schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
        tls_lines = ""
        if tls:
            tls_lines = (f"TLSCertificateFile {self.certificates.certificate}\n"
                         f"TLSCertificateKeyFile {self.certificates.key}\n")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"{schemas}pidfile {self.directory}/pid\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n{tls_lines}"
                       f"authz-regexp gidNumber=.*,cn=peercred,cn=external,cn=auth {self.admin}\n"
                       f"{settings}\ndatabase mdb\nmaxsize 104857600\nsuffix {self.base}\nrootdn {self.admin}\n"
                       f"rootpw {self.password}\ndirectory {self.database}\nindex mail,uid,objectClass eq\n"
                       f"dbnosync\naccess to attrs=userPassword by anonymous auth by * none\n"
                       f"access to * by {'*' if anonymous else 'users'} read{'' if anonymous else ' by anonymous auth'}\n")
        path = os.path.join(self.directory, "data.ldif")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"dn: {self.base}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n")
            file.write(ldif)
        self.own()
        self.run("/usr/sbin/slapadd", "-q", "-f", self.config, "-l", path)

    def command(self):
        urls = f"ldap://127.0.0.1:{self.port}/ ldapi://{self.directory.replace('/', '%2F')}%2Fldapi"
        if self.certificates:
            urls += f" ldaps://127.0.0.1:{self.tls_port}/"
        return ["/usr/sbin/slapd", "-f", self.config, "-h", urls, "-d", "0"]

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextlib.contextmanager
def _running(server):
    try:
        yield server.start()
    finally:
        server.close()


def sqlite():
    return _running(Sqlite())


def postgresql(**options):
    return _running(PostgreSQL(**options))


def mariadb(**options):
    return _running(MariaDB(**options))


def slapd(**options):
    return _running(Slapd(**options))
