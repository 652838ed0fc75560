"""Starts the real daemon on a free loopback port and talks real HTTP with it."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import urllib.parse

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("AUTOMXD_BUILD", os.path.join(ROOT, "build-check")))
# Without sanitizers, as it is installed.
RELEASE_BUILD = os.path.abspath(os.environ.get("AUTOMXD_RELEASE_BUILD", BUILD + "-release"))
AUTOMXD = os.path.join(BUILD, "automxd")
AUTOMXCTL = os.path.join(BUILD, "automxctl")

# A log line that a healthy daemon may write at any time; a new database gets its tables from the tests' /initdb.
# A build that counts coverage says so when its sandbox keeps it from writing the counts.
QUIET = re.compile(r"^\S+ automxd ((INFO|DEBUG): |WARNING: the database has no tables yet: GET /initdb/)"
                   r"|^profiling:\S+\.gcda:")
# How many times as long everything may take: under valgrind (tests/valgrind.py).
SLOW = int(os.environ.get("AUTOMXD_SLOW", "1"))
READY_SECONDS = 20 * SLOW
STOP_SECONDS = 10 * SLOW
ANSWER_SECONDS = 20 * SLOW


def free_port(host="127.0.0.1"):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return probe.getsockname()[1]


class Response:
    def __init__(self, status, reason, headers, body):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    @property
    def text(self):
        return self.body.decode("utf-8")

    @property
    def content_type(self):
        return self.headers.get("Content-Type")

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.content_type} {self.body[:200]!r}>"


def request(address, method, path, host="127.0.0.1", headers=None, body=None, timeout=ANSWER_SECONDS):
    """address: (ip, port) or the path of a unix socket. path goes out as it is given, nothing is encoded."""
    if isinstance(address, str):
        connection = http.client.HTTPConnection("localhost", timeout=timeout)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(timeout)
        connection.sock.connect(address)
    else:
        connection = http.client.HTTPConnection(*address, timeout=timeout)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        if host is not None:
            connection.putheader("Host", host)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            if isinstance(body, str):
                body = body.encode()
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return Response(answer.status, answer.reason, answer.headers, answer.read())
    finally:
        connection.close()


class Daemon:
    """A running automxd. Use it as a context manager: leaving it sends SIGTERM and demands exit status 0 and a stderr
    without a line that was not expected.

    config: a dict of settings for section [automx2] (db_uri is a file of its own unless given), or the text of a file.
    seed: a dict that is POSTed to /initdb/; sql: a script run on the SQLite file before the start.
    allow: regular expressions of stderr lines above INFO that this test expects.
    listening: the configuration says where, instead of a free port.
    """

    def __init__(self, config=None, seed=None, sql=None, allow=(), args=(), env=None, program=AUTOMXD, wrap=(),
                 listening=False):
        self.directory = tempfile.mkdtemp(prefix="automxd-test-")
        self.allow = [re.compile(pattern) for pattern in allow]
        self.args = list(args)
        self.env = dict(env or {})
        self.program = program
        self.wrap = list(wrap)
        self.seed = seed
        self.listening = listening
        self.process = None
        self.notify = None
        self.port = None
        self.database = os.path.join(self.directory, "db.sqlite")
        if sql is not None:
            run_sql(self.database, sql)
        self.config_path = os.path.join(self.directory, "automxd.conf")
        self.write_config(config)

    def write_config(self, config):
        if not isinstance(config, str):
            settings = {"loglevel": "INFO", "db_uri": f"sqlite:///{self.database}"}
            if SLOW > 1:
                settings["lookup_timeout"] = "25s"
            settings.update(config or {})
            lines = [f"{key} = {str(value).replace('%', '%%')}" for key, value in settings.items() if value is not None]
            config = "[automx2]\n" + "\n".join(lines) + "\n"
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(config)

    def start(self):
        for attempt in range(5):
            self.port = free_port()
            if self._start_once():
                break
            assert attempt < 4 and "in use" in self.stderr(), f"automxd did not start:\n{self.stderr()}"
        if self.seed is not None:
            answer = self.post("/initdb/", json.dumps(self.seed))
            assert answer.status == 200, answer
        return self

    def _start_once(self):
        notify_path = os.path.join(self.directory, "notify")
        if os.path.exists(notify_path):
            os.unlink(notify_path)
        self._close_notify()
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)  # to the end: the daemon says that it stops, too
        self.notify.bind(notify_path)
        os.chmod(notify_path, 0o666)  # for a wrap that changes the user
        self.notify.settimeout(0.1)
        env = {key: value for key, value in os.environ.items() if not key.startswith("AUTOMX2")}
        env.update(NOTIFY_SOCKET=notify_path, HOME=self.directory)
        env.update(self.env)
        command = self.wrap + [self.program, "--config", self.config_path]
        if not self.listening and not any(arg.startswith("--port") for arg in self.args):
            command += ["--port", str(self.port)]
        self.stderr_path = os.path.join(self.directory, "stderr")
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(command + self.args, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr,
                                            env=env, cwd=self.directory)
        for _ in range(READY_SECONDS * 10):
            try:
                if b"READY=1" in self.notify.recv(4096):
                    return True
            except socket.timeout:
                pass
            if self.process.poll() is not None:
                return False
        raise AssertionError(f"automxd was not ready in {READY_SECONDS} s:\n{self.stderr()}")

    def _close_notify(self):
        if self.notify is not None:
            self.notify.close()
            self.notify = None

    def stderr(self):
        with open(self.stderr_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, check=True):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "killed: did not stop"
        self.process = None
        self._close_notify()
        if check:
            assert status == 0, f"automxd ended with {status}:\n{self.stderr()}"
            unexpected = self.unexpected_lines()
            assert not unexpected, "unexpected on stderr:\n" + "\n".join(unexpected)

    def unexpected_lines(self):
        lines = self.stderr().splitlines()
        return [line for line in lines
                if not QUIET.match(line) and not any(pattern.search(line) for pattern in self.allow)]

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop(check=False)
            self.close()
            raise

    def __exit__(self, kind, value, traceback):
        try:
            self.stop(check=kind is None)
        finally:
            self.close()

    @property
    def address(self):
        return ("127.0.0.1", self.port)

    def request(self, method, path, host="127.0.0.1", headers=None, body=None, timeout=ANSWER_SECONDS):
        return request(self.address, method, path, host, headers, body, timeout)

    def get(self, path, host="127.0.0.1", **options):
        return self.request("GET", path, host, **options)

    def post(self, path, body, host="127.0.0.1", **options):
        return self.request("POST", path, host, body=body, **options)

    def autoconfig(self, address=None, host=None, **options):
        """What Thunderbird asks; host is made from the address unless it is given."""
        query = "" if address is None else "?emailaddress=" + urllib.parse.quote(address, safe="")
        return self.get("/mail/config-v1.1.xml" + query, host or "autoconfig." + address.rsplit("@", 1)[1], **options)

    def pox(self, address, host="autodiscover.example.com", schema=None, **options):
        return self.post("/autodiscover/autodiscover.xml", pox_request(address, schema), host, **options)

    def raw(self, data, timeout=20):
        """Sends bytes as they are and returns everything until the daemon closes or the answer is complete."""
        with socket.create_connection(self.address, timeout=timeout) as connection:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            chunks = []
            while chunk := connection.recv(65536):
                chunks.append(chunk)
            return b"".join(chunks)


def pox_request(address, schema=None):
    schema = schema or "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
    family = "mobilesync" if "mobilesync" in schema else "outlook"
    escaped = address.replace("&", "&amp;").replace("<", "&lt;")
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/{family}/requestschema/2006">
  <Request>
    <EMailAddress>{escaped}</EMailAddress>
    <AcceptableResponseSchema>{schema}</AcceptableResponseSchema>
  </Request>
</Autodiscover>
""".encode()


def run_sql(database, script):
    """Runs a script in the sqlite3 shell's own dialect-free way: one file, one script, one transaction."""
    import sqlite3

    with sqlite3.connect(database) as connection:
        connection.executescript(script)
    connection.close()
