"""The house rules that a program can check: the direction of includes, sizes, heads, formatting, man pages."""

import os
import re
import subprocess

import pytest

from support.daemon import BUILD, ROOT

# A room includes itself and the rooms in its set, nothing else (docs/architecture.md).
ROOMS = {
    "base": set(),
    "sql": {"base"},
    "account": {"base"},
    "store": {"base", "sql", "account"},
    "userdb": {"base", "sql", "account"},
    "resolve": {"base", "account", "store", "userdb"},
    "format": {"base", "account"},
    "http": {"base", "account", "store", "userdb", "resolve", "format"},
    "ctl": {"base", "sql", "account", "store", "userdb", "resolve", "format"},
}


def tracked(*patterns):
    listing = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return listing.stdout.split()


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


SOURCES = tracked("src/*.c", "src/*.h")


def test_there_are_sources():
    assert len(SOURCES) > 40


@pytest.mark.parametrize("path", SOURCES)
def test_includes_only_rooms_to_the_left(path):
    room = path.split("/")[1] if path.count("/") > 1 else None
    for included in re.findall(r'#include "([^"]+)"', read(path)):
        assert os.path.exists(os.path.join(ROOT, "src", included)), f'{path} includes "{included}" without its room'
        if room:
            other = included.split("/")[0]
            assert other == room or other in ROOMS[room], f"{path} in room {room} includes {included}"


@pytest.mark.parametrize("path", SOURCES)
def test_begins_with_its_name_and_licence_and_is_not_too_long(path):
    lines = read(path).splitlines()
    assert lines[0].startswith(f"/* {os.path.basename(path)} - "), lines[0]
    assert "/* SPDX-License-Identifier: MIT */" in lines[:4]
    assert len(lines) <= 600, f"{len(lines)} lines: is it two things?"


def test_formatted():
    files = tracked("src/*.c", "src/*.h", "tests/*.c", "bench/*.c", "docs/*.c")
    result = subprocess.run(["clang-format", "--dry-run", "-Werror", *files], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[:3000] + "\nmake format puts it right"


@pytest.mark.parametrize("page", ["automxd.8", "automxd.conf.5", "automxctl.1"])
def test_man_page_has_no_fault(page):
    written = os.path.join(ROOT, "docs", page)
    path = written if os.path.exists(written) else os.path.join(BUILD, "docs", page)
    result = subprocess.run(["mandoc", "-Tlint", "-Wwarning", path], capture_output=True, text=True)
    assert result.stdout or result.returncode == 0, result.stderr
    faults = [line for line in result.stdout.splitlines() if "referenced manual not found" not in line
              and "Mdocdate" not in line]
    assert not faults, "\n".join(faults)


def test_version_is_the_same_everywhere():
    version = re.search(r"version: '([^']+)'", read("meson.build")).group(1)
    assert f"## {version}" in read("CHANGELOG.md")


def test_package_list_names_no_package_twice_in_a_group():
    rows = [tuple(line.split()) for line in read("packages.txt").splitlines() if line and not line.startswith("#")]
    assert len(rows) == len(set(rows))
    assert {row[0] for row in rows} == {"build", "check", "bench"}
