"""The servers that are measured: started on free loopback ports in a directory of their own, watched through /proc."""

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fetch(port, method, path, host, body=None, content_type="text/xml"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Host": host}
    if body is not None:
        headers["Content-Type"] = content_type
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, answer.headers.get("Content-Type"), content


class Server:
    """A process and its children."""

    def __init__(self, name, command, port, environment=None, log=None):
        self.name = name
        self.port = port
        begun = time.monotonic()
        self.process = subprocess.Popen(
            command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=open(log, "ab") if log else subprocess.DEVNULL)
        while True:
            try:
                fetch(port, "GET", "/healthz", "localhost")
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                    raise SystemExit(f"bench: {name} does not start; see {log or 'its command'}: {command}")
                time.sleep(0.0005)
        self.first_answer = time.monotonic() - begun

    def processes(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            return [self.process.pid, *map(int, children.read().split())]

    def cpu_seconds(self):
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def settle(self):
        """Waits until it does nothing: automxd reads every domain once after its start."""
        before = None
        while before != (before := self.cpu_seconds()):
            time.sleep(0.3)

    def memory(self, which):
        """VmHWM (peak), VmRSS (now) or RssAnon (now, and shared with nobody) in MiB."""
        total = 0
        for pid in self.processes():
            with open(f"/proc/{pid}/status") as status:
                total += next(int(line.split()[1]) for line in status if line.startswith(which + ":"))
        return total / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)


def write(path, content):
    with open(path, "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)
    return path


def start_nginx(directory, document, content_type):
    """As a distribution's packages serve static files, with everything on that makes it faster."""
    os.makedirs(f"{directory}/root/mail", exist_ok=True)
    write(f"{directory}/root/mail/config-v1.1.xml", document)
    port = free_port()
    configuration = write(f"{directory}/nginx.conf", f"""
worker_processes 2;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    open_file_cache max=100;
    types {{ }}
    default_type "{content_type}";
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{ listen 127.0.0.1:{port}; root {directory}/root; }}
}}
""")
    return Server("nginx", ["nginx", "-p", directory, "-e", f"{directory}/nginx.log", "-c", configuration], port,
                  log=f"{directory}/nginx.log")


def start_bare(directory, build, document, content_type):
    port = free_port()
    path = write(f"{directory}/document", document)
    return Server("bare", [f"{build}/bench/bare", str(port), "2", path, content_type], port)


def start_automxd(directory, build, name, extra=""):
    """On an SQLite file NAME.sqlite, which is made when it is not there."""
    port = free_port()
    configuration = write(f"{directory}/{name}.conf", f"""[automx2]
loglevel = WARNING
db_uri = sqlite:///{directory}/{name}.sqlite
listen = 127.0.0.1:{port}
http_threads = 2
{extra}""")
    return Server(name, [f"{build}/automxd", "--config", configuration], port, log=f"{directory}/{name}.log")


ACCOUNTS = {
    "provider": "Example Inc.",
    "domains": ["example.com"],
    "servers": [
        {"type": "imap", "name": "imap.example.com", "port": 993},
        {"type": "smtp", "name": "smtp.example.com", "port": 465},
    ],
}


def make_accounts(directory, build, name, domains):
    """A database with example.com, and so many domains more that share its servers."""
    server = start_automxd(directory, build, name)
    status, _, text = fetch(server.port, "POST", "/initdb/", "127.0.0.1", json.dumps(ACCOUNTS), "application/json")
    server.stop()
    if status != 200:
        raise SystemExit(f"bench: initdb: {status} {text!r}")
    with sqlite3.connect(f"{directory}/{name}.sqlite") as database:
        database.execute(
            """WITH RECURSIVE number(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < ?)
               INSERT INTO domain (id, name, provider_id)
               SELECT 1000 + n, 'd' || n || '.example',
                      (SELECT provider_id FROM domain WHERE name = 'example.com') FROM number""", (domains,))
        database.execute(
            """INSERT INTO server_domain (server_id, domain_id)
               SELECT link.server_id, domain.id FROM domain, server_domain AS link
               WHERE domain.id >= 1000 AND link.domain_id = (SELECT id FROM domain WHERE name = 'example.com')""")
    database.close()
