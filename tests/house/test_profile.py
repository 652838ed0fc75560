"""bench/profile works, on the release build: valgrind runs nothing that has a sanitizer in it."""

import os
import re
import subprocess

from support.daemon import RELEASE_BUILD, ROOT


def test_counts_instructions(tmp_path):
    (tmp_path / "docs").mkdir()
    document = tmp_path / "docs" / "performance.md"
    document.write_text("before\n<!-- bench/profile --write: begin -->\nold\n<!-- bench/profile --write: end -->\nafter\n")
    done = subprocess.run([os.path.join(ROOT, "bench", "profile"), RELEASE_BUILD, "--write", "--to", tmp_path],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "PROFILE_REQUESTS": "20", "BENCH_SECONDS": "0.1"})
    assert done.returncode == 0, done.stdout
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| autoconfig")]
    assert [row[0] for row in rows] == ["autoconfig", "autoconfig, 1,000 domains in SQLite"]
    for _, kernel, total, *parts, cleared in rows:
        assert kernel.endswith(" %")
        instructions = [int(part.split(" (")[0].replace(",", "")) for part in parts]
        assert abs(sum(instructions) - int(total.replace(",", ""))) <= len(parts)
        assert min(instructions[:3]) > 500, "automxd, libmicrohttpd and libc have all worked"
    assert re.search(r"automxd's own functions: \w+ [\d,]+", done.stdout)
