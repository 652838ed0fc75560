#!/usr/bin/python3
"""Builds with the sanitizers and runs every test; the last line is "N passed, N failed".

A test that was skipped counts as failed when CI is set: there, everything that a test needs has to be present.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CI = bool(os.environ.get("CI"))
# A sanitizer's report ends the program, so that no test can overlook it; leaks are checked at each exit.
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:strict_string_checks=1:detect_stack_use_after_return=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=98",
    "LSAN_OPTIONS": f"suppressions={ROOT}/tests/support/lsan.supp:print_suppressions=0",
    "TSAN_OPTIONS": f"halt_on_error=1:exitcode=97:atexit_sleep_ms=0:second_deadlock_stack=1:suppressions={ROOT}/tests/support/tsan.supp",
}


TSAN_OPTIONS = ["-Dtests=true", "-Db_sanitize=thread", "-Dbuildtype=debugoptimized", "-Db_lundef=false"]


class Tally:
    def __init__(self):
        self.passed = 0
        self.failures = []

    def add(self, passed, failures):
        self.passed += passed
        self.failures += failures

    def report(self):
        for failure in self.failures:
            print(f"FAILED: {failure}")
        print(f"{self.passed} passed, {len(self.failures)} failed", flush=True)


def say(text):
    print(f"\n=== {text}", flush=True)


def run(command, env=None):
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}).returncode


def build(directory, *options, targets=(), env=None):
    """Configures once and compiles; any failure ends the whole check."""
    say(f"building {os.path.relpath(directory, ROOT)}")
    if not os.path.exists(os.path.join(directory, "build.ninja")):
        if run(["meson", "setup", directory, *options], env) != 0:
            sys.exit("0 passed, 1 failed")
    if run(["ninja", "-C", directory, *targets], env) != 0:
        sys.exit("0 passed, 1 failed")


def unit_tests(directory, tally, label, *arguments, log="testlog.json"):
    say(f"unit tests ({label})")
    run(["meson", "test", "-C", directory, "--print-errorlogs", "--num-processes", "2", *arguments], SANITIZER_ENV)
    passed, failures = 0, []
    with open(os.path.join(directory, "meson-logs", log), encoding="utf-8") as results:
        for line in results:
            result = json.loads(line)
            if result["result"] == "OK" or (result["result"] == "SKIP" and not CI):
                passed += 1
            else:
                failures.append(f"unit test {result['name']} ({label}): {result['result']}")
    tally.add(passed, failures)


# What is asked again of a daemon under ThreadSanitizer: all that talks to one.
THREADED = ["tests/http", "tests/faults", "tests/ctl", "tests/clients"]


def python_tests(directory, tally, arguments, release):
    say(f"black-box tests of {os.path.relpath(directory, ROOT)}")
    report = os.path.join(directory, "pytest.xml")
    if os.path.exists(report):
        os.unlink(report)
    workers = ["-n", "3", "--dist", "loadfile"]
    run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=10", f"--junit-xml={report}",
         *workers, *(arguments or ["tests"])],
        {**SANITIZER_ENV, "AUTOMXD_BUILD": directory, "AUTOMXD_RELEASE_BUILD": release,
         "PYTHONDONTWRITEBYTECODE": "1"})
    if not os.path.exists(report):
        tally.add(0, ["pytest wrote no report"])
        return
    passed, failures = 0, []
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {child.tag for child in case}
        if "failure" in kinds or "error" in kinds:
            failures.append(name)
        elif "skipped" in kinds:
            if CI:
                failures.append(f"{name} (skipped)")
        else:
            passed += 1
    if passed + len(failures) == 0:
        failures.append("pytest ran no test")
    tally.add(passed, failures)


def fuzz_target(directory, name, seconds, scratch):
    """Runs one target over its corpus and what an earlier run has found, and then lets it search."""
    corpus = os.path.join(ROOT, "tests", "fuzz", "corpus", name)
    os.makedirs(scratch, exist_ok=True)
    command = [os.path.join(directory, "tests", "fuzz", f"fuzz_{name}"), f"-max_total_time={seconds}", "-timeout=60",
               "-rss_limit_mb=2048", "-max_len=70000", "-reload=0", "-print_final_stats=1", "-verbosity=1",
               f"-artifact_prefix={scratch}-crash-"]
    dictionary = os.path.join(ROOT, "tests", "fuzz", f"fuzz_{name}.dict")
    if os.path.exists(dictionary):
        command.append("-dict=" + dictionary)
    return subprocess.run(command + [scratch, corpus], cwd=directory, env={**os.environ, **SANITIZER_ENV},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")


def fuzz(directory, tally, seconds, keep):
    """Each target runs over its corpus and then searches for a while; a crash, a leak or an answer that cannot be right
    is a failure. keep: begin with what the last run has found."""
    say(f"fuzzing, {seconds} s a target")
    programs = os.listdir(os.path.join(directory, "tests", "fuzz"))
    targets = sorted(name.removeprefix("fuzz_") for name in programs if name.startswith("fuzz_") and "." not in name)
    scratch = {name: os.path.join(directory, "corpus-" + name) for name in targets}
    for path in scratch.values():
        if not keep:
            shutil.rmtree(path, ignore_errors=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(lambda name: fuzz_target(directory, name, seconds, scratch[name]), targets)
        for name, result in zip(targets, results):
            runs = re.findall(r"number_of_executed_units: *(\d+)", result.stdout)
            edges = re.findall(r" cov: (\d+)", result.stdout)
            print(f"{name}: {runs[-1] if runs else '?'} executions, {edges[-1] if edges else '?'} edges", flush=True)
            if result.returncode == 0:
                tally.add(1, [])
            else:
                print("\n".join(result.stdout.splitlines()[-60:]))
                tally.add(0, [f"fuzz_{name}: see the report above; its input is at {scratch[name]}-crash-*"])


def analyze(directory, tally):
    """What compilers and cppcheck find in src without running it: quiet, or it has failed."""
    say("static analysis")
    # gcc 12 loses sight of memory that hangs on an element of an array; LeakSanitizer and valgrind look at the real thing.
    setups = {"gcc": ["--werror", "-Dc_args=-fanalyzer -Wno-analyzer-malloc-leak"], "clang": []}
    for compiler, options in setups.items():
        if not os.path.exists(os.path.join(directory + "-" + compiler, "build.ninja")):
            run(["meson", "setup", directory + "-" + compiler, *options], {"CC": compiler})
    sources = os.path.join(ROOT, "src")
    commands = {
        "gcc -fanalyzer": ["ninja", "-C", directory + "-gcc"],
        "clang-tidy": ["run-clang-tidy", "-quiet", "-p", directory + "-clang", sources + "/"],
        # It reads no library's header, and a loop that hides in a macro of jansson is none that it could guess.
        "cppcheck": ["cppcheck", "--quiet", "--error-exitcode=1", "--enable=warning,performance,portability",
                     "--inline-suppr", "--std=c11", "-I", sources,
                     "-Djson_object_foreach(object, key, value)=while (next(object, &key, &value))",
                     *(f"-DHAVE_{part}=1" for part in ("SQLITE", "POSTGRESQL", "MARIADB", "LDAP")), sources],
    }
    for name, command in commands.items():
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        print(f"{name}: {'quiet' if done.returncode == 0 else 'see below'}", flush=True)
        if done.returncode != 0:
            print(done.stdout)
        tally.add(int(done.returncode == 0), [] if done.returncode == 0 else [f"{name} has found something"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-check")
    parser.add_argument("--only", choices=["analyze", "unit", "python", "fuzz", "tsan"], action="append")
    parser.add_argument("--fuzz-seconds", type=int, default=5)
    parser.add_argument("pytest", nargs="*", help="arguments for pytest")
    options = parser.parse_args()
    parts = options.only or ["analyze", "unit", "tsan", "fuzz", "python"]
    base = os.path.abspath(options.build)
    strict = ["--werror"] if CI else []
    tally = Tally()
    start = time.monotonic()

    if "analyze" in parts:
        analyze(base + "-analyze", tally)
    if "unit" in parts or "python" in parts:
        build(base, "-Dtests=true", "-Db_sanitize=address,undefined", "-Dbuildtype=debugoptimized", "-Db_lundef=false",
              *strict)
    if "unit" in parts:
        unit_tests(base, tally, "address and undefined behaviour")
    if "tsan" in parts:
        build(base + "-tsan", *TSAN_OPTIONS)
        unit_tests(base + "-tsan", tally, "threads")
    if "fuzz" in parts:
        build(base + "-fuzz", "-Dfuzz=true", "-Dbuildtype=debugoptimized", env={"CC": "clang"})
        fuzz(base + "-fuzz", tally, options.fuzz_seconds, keep=parts == ["fuzz"])
    if "python" in parts:
        # What is installed, and what memory limits can be tried on.
        build(base + "-release", "--prefix=/usr/local", *strict)
        python_tests(base, tally, options.pytest, base + "-release")
        if not options.pytest:
            build(base + "-tsan", *TSAN_OPTIONS)
            python_tests(base + "-tsan", tally, THREADED, base + "-release")

    print(f"took {time.monotonic() - start:.0f} s")
    tally.report()
    sys.exit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
