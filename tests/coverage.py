#!/usr/bin/python3
"""Runs every test with counters in the code and shows how much of src they reach, by room and file.

Usage: coverage.py [--build DIRECTORY] [PYTEST ARGUMENT...]

The lines themselves are in DIRECTORY/coverage/index.html. Ends with status 1 when a test fails or when less than FLOOR
per cent of the lines are reached. A daemon that is killed, that ends itself at once, or that is in a sandbox, leaves no
counts behind.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

from check import ROOT, Tally, build, python_tests, say, unit_tests

FLOOR = 94


def count(directory):
    """Sums the counters up: the report in HTML, and for each file its lines, branches and how many of them were reached."""
    report = os.path.join(directory, "coverage")
    os.makedirs(report, exist_ok=True)
    summary = os.path.join(report, "summary.json")
    # Another build's gcov, or a source that changed since, would count wrongly: no error is ignored.
    subprocess.run(["gcovr", "--root", ROOT, "--object-directory", directory, "--filter", f"{ROOT}/src/",
                    "--exclude-unreachable-branches", "--html-details", os.path.join(report, "index.html"),
                    "--json-summary", summary, directory], cwd=directory, check=True)
    with open(summary, encoding="utf-8") as file:
        return json.load(file)["files"]


def row(name, files):
    """One line of the table; returns the percentage of lines."""
    lines, reached, branches, taken = (sum(file[key] for file in files) for key in
                                       ("line_total", "line_covered", "branch_total", "branch_covered"))
    part = 100 * reached / max(lines, 1)
    print(f"{name:40} {lines:6} {lines - reached:6} {part:7.1f} {100 * taken / max(branches, 1):8.1f}")
    return part


def table(files):
    print(f"{'':40} {'lines':>6} {'missed':>6} {'lines %':>7} {'branches %':>8}")
    rooms = {}
    for file in files:
        rooms.setdefault(os.path.dirname(file["filename"]), []).append(file)
    for room, members in sorted(rooms.items()):
        for file in sorted(members, key=lambda file: file["filename"]):
            row(file["filename"], [file])
        if room != "src":
            row(room, members)
        print()
    return row("src", files)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build-coverage")
    parser.add_argument("pytest", nargs="*", help="arguments for pytest")
    options = parser.parse_args()
    directory = os.path.abspath(options.build)
    tally = Tally()
    # Atomic: the threads of a daemon share its counters. The files take what several programs add.
    build(directory, "-Dtests=true", "-Db_coverage=true", "-Dbuildtype=debug", "-Dc_args=-fprofile-update=atomic")
    for old in pathlib.Path(directory).rglob("*.gcda"):
        old.unlink()
    # Tests start daemons as another user, too, who is to leave counts here.
    os.umask(0)
    for folder in pathlib.Path(directory).rglob("*.p"):
        folder.chmod(0o777)
    unit_tests(directory, tally, "coverage")
    python_tests(directory, tally, options.pytest, directory)
    say("coverage")
    part = table(count(directory))
    tally.add(int(part >= FLOOR), [] if part >= FLOOR else [f"{part:.1f} % of the lines are reached; {FLOOR} are wanted"])
    tally.report()
    sys.exit(1 if tally.failures else 0)


if __name__ == "__main__":
    main()
