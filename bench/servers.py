"""The servers that are measured: started on free loopback ports in a directory of their own, watched through /proc."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time

START_SECONDS = 60
SETTLED_SECONDS = 0.005
ASKERS, BATCH = 8, 64


def build_release(root):
    """Makes or refreshes the build that is measured, and returns its directory."""
    build = os.path.join(root, "build-bench")
    if not os.path.exists(f"{build}/build.ninja"):
        subprocess.run(["meson", "setup", build, "-Dbuildtype=release", "-Dbench=true"], cwd=root, check=True,
                       stdout=sys.stderr)
    subprocess.run(["ninja", "-C", build], check=True, stdout=sys.stderr)
    return build


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def write(path, content):
    with open(path, "wb" if isinstance(content, bytes) else "w") as file:
        file.write(content)
    return path


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


def fetch_each(port, path, host, count):
    """Asks for the autoconfig document of each number below count once, by some connections with many requests each."""
    failures = []

    def ask(first):
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
                for begin in range(first, count, BATCH * ASKERS):
                    numbers = range(begin, min(begin + BATCH, count))
                    connection.sendall(b"".join(
                        f"GET {path.replace('@N@', str(number))} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
                        for number in numbers))
                    answers = b""
                    while answers.count(b"</clientConfig>") < len(numbers):
                        chunk = connection.recv(1 << 18)
                        if not chunk:
                            raise OSError("the connection was closed")
                        answers += chunk
        except OSError as error:
            failures.append(error)

    askers = [threading.Thread(target=ask, args=(number * BATCH,)) for number in range(ASKERS)]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    if failures:
        raise SystemExit(f"bench: asking for each of {count} names: {failures[0]}")


def processes(pid):
    """A process and its children."""
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [pid, *map(int, children.read().split())]


def cpu_seconds(pid):
    """What a process and its children took of the processors, to the nanosecond."""
    total = 0
    for each in processes(pid):
        try:
            total += time.clock_gettime(~each << 3 | 2)  # as clock_getcpuclockid(3) makes it
        except OSError:
            pass  # it ended just now
    return total


def kernel_seconds(pid):
    """The part of it in the kernel, to a tick of its clock."""
    total = 0
    for each in processes(pid):
        with open(f"/proc/{each}/stat") as stat:
            total += int(stat.read().rpartition(")")[2].split()[12])
    return total / os.sysconf("SC_CLK_TCK")


def settle(pid):
    """Waits until it does next to nothing: automxd reads every domain once after its start."""
    before = -1
    while (now := cpu_seconds(pid)) - before > SETTLED_SECONDS:
        before = now
        time.sleep(0.3)


class Server:
    """A program that answers HTTP. cpus: the processors that it may use."""

    def __init__(self, command, port, cpus, log):
        self.port = port
        pinned = ["taskset", "-c", ",".join(map(str, cpus)), *command]
        begun = time.monotonic()
        with open(log, "ab") as file:
            self.process = subprocess.Popen(pinned, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=file)
        while True:
            try:
                fetch(port, "GET", "/healthz", "localhost")
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                    with open(log) as file:
                        raise SystemExit(f"bench: does not start: {' '.join(command)}\n{file.read()}") from None
                time.sleep(0.0005)
        self.first_answer = time.monotonic() - begun

    def memory(self, which):
        """VmHWM (peak), VmRSS (now) or RssAnon (now, and shared with nobody) in MiB."""
        total = 0
        for pid in processes(self.process.pid):
            with open(f"/proc/{pid}/status") as status:
                total += next(int(line.split()[1]) for line in status if line.startswith(which + ":"))
        return total / 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def start_nginx(directory, cpus, document, content_type):
    """As a distribution's packages serve static files, with everything on that makes it faster."""
    os.makedirs(f"{directory}/root/mail", exist_ok=True)
    write(f"{directory}/root/mail/config-v1.1.xml", document)
    port = free_port()
    configuration = write(f"{directory}/nginx.conf", f"""
worker_processes {len(cpus)};
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
    log = f"{directory}/nginx.log"
    return Server(["nginx", "-p", directory, "-e", log, "-c", configuration], port, cpus, log)


def start_bare(directory, cpus, build, document, content_type):
    port = free_port()
    path = write(f"{directory}/document", document)
    return Server([f"{build}/bench/bare", str(port), str(len(cpus)), path, content_type], port, cpus,
                  f"{directory}/bare.log")


def configure(directory, port, db_uri, threads, settings):
    """Writes a configuration file of automxd and returns its path. On a busy machine a row is slow, but fails not."""
    lines = [f"{key} = {value}" for key, value in settings.items()]
    return write(f"{directory}/automxd-{port}.conf", "\n".join([
        "[automx2]", "loglevel = WARNING", f"db_uri = {db_uri}", f"listen = 127.0.0.1:{port}",
        f"http_threads = {threads}", "lookup_timeout = 30s", *lines, ""]))


def start_automxd(directory, cpus, build, db_uri, wrap=(), **settings):
    """wrap: the beginning of the command, where another program runs it."""
    port = free_port()
    configuration = configure(directory, port, db_uri, len(cpus), settings)
    return Server([*wrap, f"{build}/automxd", "--config", configuration], port, cpus, f"{directory}/automxd-{port}.log")
