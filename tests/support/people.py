"""The program that asks directories and databases who people are, without a daemon around it."""

import os
import subprocess
import time

from support.daemon import BUILD

PROGRAM = os.path.join(BUILD, "tests", "unit", "test_userdb")
# Answers under a sanitizer on a busy machine; what is measured against it is the deadline of a second.
SLACK_MS = 700


class People:
    """Threads that ask who people are, as the daemon's workers do. fields: those of a row of ldapserver, or user_query and
    user_db_uri. Asking gives (status, milliseconds, login, name, error)."""

    def __init__(self, **fields):
        # Otherwise the sanitizer keeps freed memory, which would look like growth.
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=0:thread_local_quarantine_size_kb=0"
        self.process = subprocess.Popen([PROGRAM] + [f"{key}={value}" for key, value in fields.items()],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        bufsize=1, env={**os.environ, "ASAN_OPTIONS": sanitizer})

    def ask(self, local, threads=1, timeout=1000):
        self.process.stdin.write(f"{local}\t{timeout}\t{threads}\n")
        answers = []
        for _ in range(threads):
            status, elapsed, text = self.process.stdout.readline().rstrip("\n").split(" ", 2)
            assert int(elapsed) < timeout + SLACK_MS, f"{status} after {elapsed} ms: {text}"
            answers.append((status, int(elapsed), *text.split("|", 2)))
        return answers if threads > 1 else answers[0]

    def finds(self, local="jane.doe+x", login="u123", **options):
        answer = self.ask(local, **options)
        assert answer[0] == "ok" and answer[2] == login, answer
        return answer

    def fails(self, local="jane.doe+x", **options):
        status, _, login, _, error = self.ask(local, **options)
        assert status == "backend" and not login and error
        return error

    def recovers(self):
        """Within the longest back-off."""
        for _ in range(60):
            if self.ask("jane.doe+x")[0] == "ok":
                return
            time.sleep(0.1)
        raise AssertionError("no recovery within 6 s")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(next(line for line in file if line.startswith("VmRSS:")).split()[1])

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.stderr = self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()
        assert self.process.wait(30) == 0, self.stderr

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if not self.process.stdin.closed:
            self.close()
