"""Start, listening, reload and stop of the daemon, as service managers and administrators do it."""

import json
import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time

import pytest
from support.daemon import AUTOMXD, Daemon, free_port, request
from support.documents import Site, eventually

SEED = {"provider": "Example Inc.", "domains": ["example.com"],
        "servers": [{"type": "imap", "name": "imap.example.com"}, {"type": "smtp", "name": "smtp.example.com"}]}
CONFIG = "/mail/config-v1.1.xml"
HOST = "autoconfig.example.com"
ACCOUNTS = {"version": 3, "providers": [{"name": "Example Inc."}], "domains": [
    {"name": "example.com", "servers": [{"type": "imap", "name": "imap.example.com"},
                                        {"type": "smtp", "name": "smtp.example.com", "port": 465}]}]}


def run(*args, env=None, text=None, **options):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AUTOMX2")}
    environment.update(env or {})
    return subprocess.run([AUTOMXD, *args], capture_output=True, text=True, timeout=30, env=environment, **options)


def test_as_many_descriptors_as_the_service_may_have():
    """The usual soft limit is for programs that use select()."""
    with Daemon(seed=ACCOUNTS, wrap=["prlimit", "--nofile=256:4096"], allow=["connections can be open at once"]) as daemon:
        with open(f"/proc/{daemon.process.pid}/limits", encoding="ascii") as file:
            limits = re.search(r"^Max open files +(\d+) +(\d+)", file.read(), re.M)
        assert limits.groups() == ("4096", "4096")


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_check_config_prints_each_log_level(tmp_path, level):
    path = tmp_path / "a.conf"
    path.write_text(f"[automx2]\nloglevel = {level.lower()}\n")
    done = run("--config", str(path), "--check-config")
    assert re.search(f"^loglevel = {level}$", done.stdout, re.M), done


# Options

def test_version_and_help():
    assert re.fullmatch(r"automxd \d+\.\d+\.\d+\n", run("--version").stdout)
    done = run("--help")
    assert done.returncode == 0 and not done.stderr
    for option in ("--config", "--host", "--port", "--check-config", "--version", "--help"):
        assert option in done.stdout


@pytest.mark.parametrize("args", [["--wrong"], ["--port"], ["--port", "http"], ["--port", "65536"], ["--port", "-1"],
                                  ["more"], ["--config"]])
def test_wrong_usage_is_2(args):
    done = run(*args)
    assert done.returncode == 2 and done.stderr and not done.stdout
    assert "--help" in done.stderr


def test_wrong_configuration_is_2_with_the_place(tmp_path):
    for text, said in {"[automx2]\ndburi = sqlite:///:memory:\n": r"a\.conf:2: .*db_uri",
                       "[automx2]\nlisten = 127.0.0.1\n": "no port",
                       "[automx2]\ntrusted_proxies = 10.0.0.0/33\n": "10.0.0.0/33",
                       "[other]\n": "automx2"}.items():
        path = tmp_path / "a.conf"
        path.write_text(text)
        done = run("--config", str(path))
        assert done.returncode == 2, done
        assert re.search(said, done.stderr) and done.stderr.count("\n") == 1, done.stderr
    assert run("--config", str(tmp_path / "missing")).returncode == 2
    assert run(env={"AUTOMX2_CONF": str(tmp_path / "missing")}).returncode == 2


def test_check_config_hides_secrets_and_starts_nothing(tmp_path):
    path = tmp_path / "a.conf"
    path.write_text(f"[automx2]\ndb_uri = sqlite:///{tmp_path}/db.sqlite\n")
    with Daemon(seed=SEED) as daemon:
        done = run("--config", daemon.config_path, "--check-config")
        assert done.returncode == 0 and f"db_uri = sqlite:///{daemon.database}" in done.stdout
        assert "0 faults" in done.stdout
    path.write_text("[automx2]\ndb_uri = postgresql://me:hunter2@127.0.0.1:1/x\n")
    done = run("--config", str(path), "--check-config")
    assert done.returncode == 1 and "me:" in done.stdout and "hunter2" not in done.stdout + done.stderr


def test_no_configuration_is_one_warning_and_a_database_in_memory():
    with Daemon(allow=["no configuration file was found"]) as daemon:
        daemon.stop()
        process = subprocess.Popen([AUTOMXD, "--port", str(daemon.port)], stderr=subprocess.PIPE, text=True,
                                   env={"HOME": daemon.directory, "PATH": os.environ["PATH"]}, cwd=daemon.directory)
        try:
            assert eventually(lambda: reachable(daemon.address))
            assert daemon.get("/initdb/").status == 200
            assert daemon.autoconfig("a@example.com").status == 200
            assert daemon.autoconfig("a@unknown.test").status == 404
        finally:
            process.terminate()
            stderr = process.communicate(timeout=10)[1]
        assert process.returncode == 0
        assert stderr.count("no configuration file was found") == 1


def reachable(address):
    try:
        return request(address, "GET", "/healthz").status == 200
    except OSError:
        return False


# Listening

class Listening(Daemon):
    """A daemon that listens where its configuration says."""

    def __init__(self, listen, **options):
        super().__init__({"listen": listen}, listening=True, **options)


def test_several_addresses_and_a_unix_socket(tmp_path):
    one, two = free_port(), free_port("::1")
    path = str(tmp_path / "automxd.sock")
    with Listening(f"127.0.0.1:{one},\n  [::1]:{two}, unix:{path}"):
        for address in (("127.0.0.1", one), ("::1", two), path):
            assert request(address, "GET", "/healthz").status == 200
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
        assert request(path, "GET", "/initdb/", host="localhost").status == 200, "a unix socket's peer is local"
        assert request(path, "GET", CONFIG, host=HOST).status == 200
    assert not os.path.exists(path), "removed at the end"


def test_a_socket_left_behind_is_replaced_and_a_living_one_is_not(tmp_path):
    path = str(tmp_path / "automxd.sock")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(path)
    dead.close()
    with Listening(f"unix:{path}") as daemon:
        assert request(path, "GET", "/healthz").status == 200
        second = run("--config", daemon.config_path)
        assert second.returncode == 1 and "in use" in second.stderr and path in second.stderr
        assert request(path, "GET", "/healthz").status == 200


def test_a_port_in_use_is_told():
    with Daemon() as daemon:
        done = run("--config", daemon.config_path, "--port", str(daemon.port))
        assert done.returncode == 1 and f"127.0.0.1:{daemon.port}" in done.stderr and "in use" in done.stderr


def test_host_and_port_override_the_configuration():
    port = free_port("::1")
    with Daemon({"listen": "127.0.0.1:1"}, args=[f"--port={port}", "--host", "::1"]):
        assert request(("::1", port), "GET", "/healthz").status == 200


LAUNCHER = """
import os, sys
for number, fd in enumerate(map(int, sys.argv[1].split(","))):
    os.dup2(fd, 100 + number)
for number in range(sys.argv[1].count(",") + 1):
    os.dup2(100 + number, 3 + number)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(sys.argv[1].count(",") + 1)
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_socket_activation(tmp_path):
    path = str(tmp_path / "activated.sock")
    with socket.create_server(("127.0.0.1", 0)) as inet, socket.socket(socket.AF_UNIX) as local:
        local.bind(path)
        local.listen()
        with Daemon() as daemon:
            daemon.stop()
            process = subprocess.Popen([sys.executable, "-c", LAUNCHER, f"{inet.fileno()},{local.fileno()}", AUTOMXD,
                                        "--config", daemon.config_path, "--port", str(daemon.port)],
                                       pass_fds=[inet.fileno(), local.fileno()], stderr=subprocess.PIPE, text=True)
            try:
                assert request(inet.getsockname(), "GET", "/healthz").status == 200
                assert request(path, "GET", "/healthz").status == 200
                assert not reachable(daemon.address), "the passed sockets are all"
            finally:
                process.terminate()
                process.communicate(timeout=10)
            assert process.returncode == 0
    assert os.path.exists(path), "the service manager's file is left alone"


def test_ready_means_that_connections_are_taken():
    with Daemon() as daemon:
        # The harness asked nothing before READY=1 came; no second try here.
        assert daemon.get("/healthz").status == 200
        assert daemon.get("/readyz").text == "ready\n"


def test_first_answer_is_quick():
    """The bound is 50 ms with release flags; sanitizers and a busy machine get their share."""
    with Daemon(seed=SEED) as daemon:
        daemon.stop()
        best = 10.0
        for _ in range(5):
            began = time.monotonic()
            with subprocess.Popen([AUTOMXD, "--config", daemon.config_path, "--port", str(daemon.port)],
                                  stderr=subprocess.DEVNULL) as process:
                while not reachable(daemon.address):
                    time.sleep(0.001)
                best = min(best, time.monotonic() - began)
                process.terminate()
        assert best < 0.5, best


def states(daemon, last, seconds=10):
    """What was said to the service manager since the start, up to and with a state."""
    said = []
    end = time.monotonic() + seconds
    while time.monotonic() < end and not any(last in state for state in said):
        try:
            said.append(daemon.notify.recv(4096).decode())
        except TimeoutError:
            pass
    return said


# Reload

def test_sighup_takes_a_new_configuration():
    with Daemon({"cache_ttl": "1h"}, seed=SEED) as daemon:
        assert daemon.autoconfig("a@example.com").status == 200
        assert daemon.get("/initdb/").status == 200
        daemon.write_config({"initdb": "off"})
        daemon.signal(signal.SIGHUP)
        said = states(daemon, "READY=1")
        assert said[0].startswith("RELOADING=1\nMONOTONIC_USEC=") and said[-1] == "READY=1"
        assert daemon.get("/initdb/").status == 403
        assert daemon.autoconfig("a@example.com").status == 200


def test_sighup_keeps_the_old_configuration_when_the_new_one_is_wrong():
    with Daemon(seed=SEED, allow=["ERROR: the old configuration stays"]) as daemon:
        for text in ("[automx2]\nwrong = 1\n", "[automx2]\ndb_uri = oracle://x\n", "[automx2]\ntrusted_proxies = x\n"):
            daemon.write_config(text)
            daemon.signal(signal.SIGHUP)
            assert states(daemon, "READY=1")[-1] == "READY=1"
            assert daemon.autoconfig("a@example.com").status == 200
        assert daemon.stderr().count("the old configuration stays") == 3


def test_sighup_tells_what_needs_a_restart():
    with Daemon({"connections": "100"}, allow=["'connections' has changed"]) as daemon:
        daemon.write_config({"connections": "200"})
        daemon.signal(signal.SIGHUP)
        assert eventually(lambda: "'connections' has changed" in daemon.stderr())


def test_sighup_under_load_loses_no_request():
    with Daemon(seed=SEED) as daemon:
        descriptors = f"/proc/{daemon.process.pid}/fd"
        before = len(os.listdir(descriptors))
        for _ in range(10):
            daemon.signal(signal.SIGHUP)
            for _ in range(20):
                assert daemon.autoconfig("a@example.com").status == 200
            states(daemon, "READY=1")
        assert eventually(lambda: len(os.listdir(descriptors)) <= before + 8), os.listdir(descriptors)
        assert "ERROR" not in daemon.stderr()


# Stop

@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_exit_0_and_told(number):
    with Daemon(seed=SEED) as daemon:
        idle = socket.create_connection(daemon.address)
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200")
        began = time.monotonic()
        daemon.signal(number)
        assert daemon.process.wait(10) == 0
        assert time.monotonic() - began < 2, "an idle connection holds nothing up"
        assert idle.recv(4096) == b""
        assert "STOPPING=1" in states(daemon, "STOPPING=1")
        idle.close()


def lock(database):
    """Holds the database so that nobody can read it."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def test_a_lookup_that_waits_is_answered_before_the_end():
    with Daemon({"lookup_timeout": "1s"}, seed=SEED, allow=["locked", "WARNING", "ERROR"]) as daemon:
        lock_holder = lock(daemon.database)
        waiting = socket.create_connection(daemon.address, timeout=10)
        waiting.sendall(b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n")
        time.sleep(0.3)
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        answer = b""
        while part := waiting.recv(65536):
            answer += part
        assert answer.startswith(b"HTTP/1.1 503") and b"\r\nConnection: close\r\n" in answer, answer
        assert daemon.process.wait(10) == 0 and time.monotonic() - began < 5.5
        lock_holder.close()
        waiting.close()


def test_a_successor_keeps_its_socket_while_the_old_daemon_ends(tmp_path):
    path = str(tmp_path / "automxd.sock")
    with Listening(f"unix:{path}") as old:
        slow = socket.socket(socket.AF_UNIX)
        slow.connect(path)
        slow.sendall(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        time.sleep(0.3)
        old.signal(signal.SIGTERM)
        assert eventually(lambda: not reachable(path))
        with Listening(f"unix:{path}"):
            assert old.process.poll() is None, "the old one still waits for its client"
            assert old.process.wait(10) == 0
            assert request(path, "GET", "/healthz").status == 200
        slow.close()


def test_a_slow_client_does_not_hold_the_stop_up():
    with Daemon() as daemon:
        slow = socket.create_connection(daemon.address)
        slow.sendall(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        assert eventually(lambda: reachable(daemon.address))
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.process.wait(10) == 0 and time.monotonic() - began < 5.5
        slow.close()


def test_a_lookup_without_an_end_is_cut_off():
    allow = ["locked", "WARNING", "ERROR", "took too long"]
    # The sanitizer's own end shall neither complain of the threads that are cut off nor wait for them.
    threads = {"TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + " report_thread_leaks=0 atexit_sleep_ms=0"}
    with Daemon({"lookup_timeout": "30s"}, seed=SEED, allow=allow, env=threads) as daemon:
        lock_holder = lock(daemon.database)
        waiting = socket.create_connection(daemon.address, timeout=10)
        waiting.sendall(b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n")
        time.sleep(0.3)
        began = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.process.wait(10) == 0 and time.monotonic() - began < 5.5
        lock_holder.close()
        waiting.close()


@pytest.mark.parametrize("reload", [False, True])
def test_a_database_that_hangs_at_start_or_reload_does_not_hold_the_stop_up(tmp_path, reload):
    """One that takes the connection and says nothing, while the main thread waits for it."""
    threads = {"TSAN_OPTIONS": os.environ.get("TSAN_OPTIONS", "") + " report_thread_leaks=0 atexit_sleep_ms=0"}
    with (socket.create_server(("127.0.0.1", 0)) as mute,
          Daemon(seed=SEED, allow=["took too long"], env=threads) as daemon):
        hanging = {"db_uri": f"postgresql://a:b@127.0.0.1:{mute.getsockname()[1]}/c", "lookup_timeout": "30s"}
        mute.settimeout(10)
        daemon.write_config(hanging)
        if reload:
            process = daemon.process
            daemon.signal(signal.SIGHUP)
        else:
            daemon.stop()
            process = subprocess.Popen([AUTOMXD, "--config", daemon.config_path, "--port", str(daemon.port)],
                                       stderr=subprocess.DEVNULL, env={**os.environ, **threads})
        with mute.accept()[0]:
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0 and time.monotonic() - began < 5.5


def test_a_closed_reader_does_not_end_the_daemon():
    with Daemon(seed=SEED) as daemon:
        for _ in range(20):
            with socket.create_connection(daemon.address) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.sendall(b"GET /mail/config-v1.1.xml HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n" * 20)
        assert daemon.get("/healthz").status == 200


# Readiness

def test_ready_is_503_with_a_reason_while_the_database_is_locked():
    config = {"lookup_timeout": "500ms", "proxy_count": "1"}
    with Daemon(config, seed=SEED, allow=["WARNING", "ERROR"]) as daemon:
        lock_holder = lock(daemon.database)
        answer = daemon.get("/readyz")
        assert answer.status == 503 and answer.headers["Retry-After"] and len(answer.text) > 20
        # The reason may name hosts and files: for whoever could use /initdb/, too.
        for strange in ({"headers": {"X-Forwarded-For": "203.0.113.7"}}, {"host": "autoconfig.example.com"},
                        {"headers": {"Sec-Fetch-Site": "cross-site"}}):
            outside = daemon.get("/readyz", **strange)
            assert outside.status == 503 and outside.text == "The database cannot be asked.\n", strange
        assert daemon.get("/healthz").status == 200, "the process itself is well"
        lock_holder.close()
        assert eventually(lambda: daemon.get("/readyz").status, 200) == 200


def test_bodies_that_wait_do_not_keep_others_from_being_answered():
    with Site(json.dumps(ACCOUNTS), {"http_threads": "1"}) as site:
        slow = []
        for _ in range(50):
            connection = socket.create_connection(site.address)
            connection.sendall(b"POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: a\r\n"
                               b"Content-Length: 100\r\n\r\na")
            slow.append(connection)
        assert site.autoconfig("a@example.com", timeout=5).status == 200
        for connection in slow:
            connection.close()


def test_an_idle_connection_is_closed():
    with Daemon({"idle_timeout": "1s"}) as daemon:
        with socket.create_connection(daemon.address, timeout=10) as idle:
            idle.sendall(b"GET /healthz HTTP/1.1\r\n")
            began = time.monotonic()
            while idle.recv(4096):
                pass
            assert 0.5 < time.monotonic() - began < 6
