"""Starts the real nginx and the real Apache in front of a daemon, with the configurations of contrib/."""

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time

from support.daemon import ROOT, Response, free_port

START_SECONDS = 20


def certificate(directory, *names):
    """A self-signed certificate for the names; returns the paths of certificate and key."""
    cert, key = os.path.join(directory, "cert.pem"), os.path.join(directory, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={names[0]}",
                    "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names), "-keyout", key, "-out",
                    cert], check=True, capture_output=True)
    return cert, key


def wait_for_port(port, process, log):
    """Waits until the server accepts connections; it has no other sign of being ready."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended:\n{read(log)}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError(f"no server on port {port}:\n{read(log)}")


def read(path):
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read()
    return ""


class Proxy:
    """http_port and https_port on loopback lead to the daemon."""

    def __init__(self, http_port, https_port, certificate):
        self.http_port = http_port
        self.https_port = https_port
        self.certificate = certificate

    def request(self, method, path, host, secure=False, headers=None, body=None):
        import http.client

        port = self.https_port if secure else self.http_port
        if secure:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            connection.request(method, path, body=body, headers={"Host": host, **(headers or {})})
            answer = connection.getresponse()
            return Response(answer.status, answer.reason, answer.headers, answer.read())
        finally:
            connection.close()


def listen_on(text, http_port, https_port):
    """Puts the test's ports where the shipped configuration has 80 and 443."""
    text = re.sub(r"\b80;", f"{http_port};", text)
    return re.sub(r"\b443 ssl;", f"{https_port} ssl;", text)


@contextlib.contextmanager
def nginx(daemon_port, http_port=None, https_port=None, names=("autoconfig.example.com", "autodiscover.example.com")):
    """names: of the hosts in the certificate; for those that are mail domains themselves the whole site leads here."""
    directory = tempfile.mkdtemp(prefix="automxd-nginx-")
    try:
        http_port, https_port = http_port or free_port(), https_port or free_port()
        cert, key = certificate(directory, *names)
        with open(os.path.join(ROOT, "contrib/nginx/automxd.conf"), encoding="utf-8") as file:
            site = listen_on(file.read(), http_port, https_port)
        site = site.replace("/etc/ssl/certs/automxd.pem", cert).replace("/etc/ssl/private/automxd.key", key)
        site = site.replace("127.0.0.1:4243", f"127.0.0.1:{daemon_port}")
        site = site.replace("listen [::]:", "listen [::1]:").replace("listen 4", "listen 127.0.0.1:4")
        shutil.copy(os.path.join(ROOT, "contrib/nginx/automxd-proxy.conf"), directory)
        site = site.replace("include automxd-proxy.conf", f"include {directory}/automxd-proxy.conf")
        config, log = os.path.join(directory, "nginx.conf"), os.path.join(directory, "error.log")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"""worker_processes 1;
daemon off;
pid {directory}/pid;
error_log {log} warn;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
{site}
}}
""")
        os.chmod(directory, 0o755)
        process = subprocess.Popen(["nginx", "-p", directory, "-c", config], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for_port(http_port, process, log)
            yield Proxy(http_port, https_port, cert)
        finally:
            process.terminate()
            process.wait(10)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def apache(daemon_port):
    directory = tempfile.mkdtemp(prefix="automxd-apache-")
    try:
        http_port, https_port = free_port(), free_port()
        cert, key = certificate(directory, "autoconfig.example.com", "autodiscover.example.com")
        with open(os.path.join(ROOT, "contrib/apache/automxd.conf"), encoding="utf-8") as file:
            site = file.read()
        site = site.replace("/etc/ssl/certs/automxd.pem", cert).replace("/etc/ssl/private/automxd.key", key)
        site = site.replace("127.0.0.1:4243", f"127.0.0.1:{daemon_port}")
        site = site.replace("*:80>", f"127.0.0.1:{http_port}>").replace("*:443>", f"127.0.0.1:{https_port}>")
        modules = "mpm_event authz_core authn_core macro proxy proxy_http headers ssl socache_shmcb unixd".split()
        config, log = os.path.join(directory, "apache.conf"), os.path.join(directory, "error.log")
        load = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules
                         if os.path.exists(f"/usr/lib/apache2/modules/mod_{name}.so"))
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"""ServerRoot {directory}
ServerName localhost
PidFile {directory}/pid
ErrorLog {log}
DefaultRuntimeDir {directory}
{load}
User www-data
Group www-data
Listen 127.0.0.1:{http_port}
Listen 127.0.0.1:{https_port}
{site}
""")
        os.chmod(directory, 0o755)
        process = subprocess.Popen(["/usr/sbin/apache2", "-D", "FOREGROUND", "-f", config], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=open(log, "ab"))
        try:
            wait_for_port(http_port, process, log)
            yield Proxy(http_port, https_port, cert)
        finally:
            process.terminate()
            process.wait(20)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
