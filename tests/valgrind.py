#!/usr/bin/python3
"""Runs the tests with every program of ours under valgrind; the last line is "N passed, N failed".

Usage: valgrind.py [--build DIRECTORY] [PYTEST ARGUMENT...]

Memory that is used after it was freed, never set, or lost is a failure, whether a test noticed it or not. A program takes
twenty times as long there: what is about time or limits of memory and descriptors is left out.
"""

import argparse
import glob
import os
import shutil
import sys

from check import ROOT, Tally, build, python_tests, say, unit_tests

VALGRIND = ["valgrind", "-q", "--error-exitcode=96", "--leak-check=full", "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite", "--num-callers=24",
            # libmariadb waits on stacks of its own: a jump this far is another stack, not a huge frame.
            "--max-stackframe=100000"]
# What the black-box tests start.
PROGRAMS = ["automxd", "automxctl", "tests/unit/test_sql_driver", "tests/unit/test_userdb"]


def wrap(directory):
    """A directory that looks like a build, with scripts that run its programs under valgrind."""
    wrapped = os.path.join(directory, "valgrind")
    shutil.rmtree(wrapped, ignore_errors=True)
    os.makedirs(os.path.join(wrapped, "tests", "unit"))
    os.makedirs(os.path.join(wrapped, "logs"))
    os.chmod(os.path.join(wrapped, "logs"), 0o777)  # for a daemon that changes the user
    os.symlink(os.path.join(directory, "docs"), os.path.join(wrapped, "docs"))
    for program in PROGRAMS:
        script = os.path.join(wrapped, program)
        with open(script, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {" ".join(VALGRIND)} --log-file={wrapped}/logs/%p {directory}/{program} "$@"\n')
        os.chmod(script, 0o755)
    return wrapped


def reports(wrapped, tally):
    """A log is empty unless valgrind has found something."""
    logs = sorted(log for log in glob.glob(os.path.join(wrapped, "logs", "*")) if os.path.getsize(log) > 0)
    for log in logs:
        with open(log, encoding="utf-8", errors="replace") as file:
            print(f"--- {log}\n{file.read()}")
    tally.add(0, [f"valgrind reports in {log}" for log in logs])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-valgrind")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest")
    options = parser.parse_args()
    directory = os.path.abspath(options.build)
    tally = Tally()
    build(directory, "-Dtests=true", "-Dbuildtype=debugoptimized")
    wrapped = wrap(directory)
    os.environ["AUTOMXD_SLOW"] = "10"
    if not options.pytest:
        unit_tests(directory, tally, "valgrind", "--wrapper", " ".join(VALGRIND), "--timeout-multiplier", "20",
                   log="testlog-valgrind.json")
    python_tests(wrapped, tally, options.pytest or ["tests/http", "tests/ctl", "tests/faults"], directory)
    reports(wrapped, tally)
    say("valgrind")
    tally.report()
    sys.exit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
