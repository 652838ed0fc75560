"""Drives the real Thunderbird over Marionette, so that its own code asks automxd and reads the answer."""

import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

START_SECONDS = 60

PREFERENCES = {
    "app.update.enabled": False,
    "app.update.auto": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "toolkit.telemetry.enabled": False,
    "mailnews.start_page.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "extensions.update.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.proxy.type": 1,
    "network.proxy.socks_version": 5,
    "network.proxy.socks_remote_dns": True,
    "network.proxy.no_proxies_on": "",
    "network.proxy.allow_hijacking_localhost": True,
    "marionette.port": 0,
}

# Runs the wizard's own look-up and returns what it would fill in for this person.
FIND_CONFIG = """
const [email, done] = arguments;
(async () => {
  const { FindConfig } = ChromeUtils.importESModule("resource:///modules/accountcreation/FindConfig.sys.mjs");
  const { AccountConfig } = ChromeUtils.importESModule("resource:///modules/accountcreation/AccountConfig.sys.mjs");
  const domain = email.slice(email.lastIndexOf("@") + 1);
  const search = FindConfig.parallelAutoDiscovery(domain, email, new AbortController().signal);
  let step = await search.next();
  while (!step.done) {
    step = await search.next({ acceptRedirect: false });
  }
  const config = step.value;
  if (!config) {
    done({ found: false });
    return;
  }
  AccountConfig.replaceVariables(config, "Jane Doe", email);
  const plain = server => ({ type: server.type, hostname: server.hostname, port: server.port,
    socketType: server.socketType, auth: server.auth, username: server.username });
  done({ found: true, source: config.source, displayName: config.displayName, incoming: plain(config.incoming),
    outgoing: plain(config.outgoing), alternatives: config.incomingAlternatives.map(plain) });
})().catch(error => done({ found: false, error: String(error) + (error.stack || "") }));
"""


class Thunderbird:
    """socks_port: where every connection goes (support.socks). Use it as a context manager."""

    def __init__(self, socks_port):
        self.directory = tempfile.mkdtemp(prefix="automxd-thunderbird-")
        self.profile = os.path.join(self.directory, "profile")
        os.mkdir(self.profile)
        preferences = {**PREFERENCES, "network.proxy.socks": "127.0.0.1", "network.proxy.socks_port": socks_port}
        with open(os.path.join(self.profile, "user.js"), "w", encoding="utf-8") as file:
            for name, value in preferences.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        self.process = None
        self.connection = None
        self.message = 0

    def __enter__(self):
        # Its MX and SRV look-ups go past the proxy: a name server that is not there answers them at once.
        resolv = os.path.join(self.directory, "resolv.conf")
        with open(resolv, "w", encoding="utf-8") as file:
            file.write("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        command = ["thunderbird", "--headless", "--no-remote", "--profile", self.profile, "--marionette",
                   "--remote-allow-system-access"]
        private = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
        command = [*private, "sh", "-c", f'mount --bind {resolv} /etc/resolv.conf && exec "$@"', "sh", *command]
        self.log = os.path.join(self.directory, "log")
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={**os.environ, "HOME": self.directory, "LD_PRELOAD": ""})
        try:
            self._connect()
            self._command("WebDriver:NewSession", {"acceptInsecureCerts": True})
            self._command("WebDriver:SetTimeouts", {"script": 60000})
            self._command("Marionette:SetContext", {"value": "chrome"})
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.connection:
            self.connection.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _output(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()[-3000:]

    def _connect(self):
        end = time.monotonic() + START_SECONDS
        port_file = os.path.join(self.profile, "MarionetteActivePort")
        while time.monotonic() < end:
            assert self.process.poll() is None, f"Thunderbird ended:\n{self._output()}"
            if os.path.exists(port_file) and re.fullmatch(r"\d+", text := open(port_file, encoding="ascii").read().strip()):
                self.connection = socket.create_connection(("127.0.0.1", int(text)), timeout=START_SECONDS)
                self._read()
                return
            time.sleep(0.05)
        raise AssertionError(f"Thunderbird opened no Marionette port:\n{self._output()}")

    def _read(self):
        length = b""
        while not length.endswith(b":"):
            byte = self.connection.recv(1)
            assert byte, f"Thunderbird closed the connection:\n{self._output()}"
            length += byte
        remaining, data = int(length[:-1]), b""
        while len(data) < remaining:
            data += self.connection.recv(remaining - len(data))
        return json.loads(data)

    def _command(self, name, parameters):
        self.message += 1
        message = json.dumps([0, self.message, name, parameters]).encode()
        self.connection.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._read()
        assert error is None, error
        return result

    def script(self, text, *arguments):
        """Runs text in Thunderbird's own context; its last argument is the function that ends it."""
        result = self._command("WebDriver:ExecuteAsyncScript",
                               {"script": text, "args": list(arguments), "sandbox": "system", "newSandbox": True})
        return result["value"]

    def find_config(self, email):
        return self.script(FIND_CONFIG, email)
