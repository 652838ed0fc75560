"""The bench works: a very short run of a few of its rows. How fast anything is does not matter here."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import types
import xml.etree.ElementTree as ElementTree

import pytest

from support.daemon import BUILD, ROOT

RUN = os.path.join(ROOT, "bench", "run")
# One of each kind; nginx and the bare libmicrohttpd are always there.
KEYS = ["autoconfig", "pox", "signed", "unknown", "sqlite-1000", "postgresql-1000", "mariadb-1000", "cached-1000", "ldap",
        "connections-10", "connections-100", "processors-1"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder into which a run has written its results."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("bench", "docs"):
        (folder / name).mkdir()
    shutil.copy(os.path.join(ROOT, "docs", "performance.md"), folder / "docs")
    done = subprocess.run([RUN, BUILD, "--write", "--to", folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          env={**os.environ, "BENCH_SECONDS": "0.1", "BENCH_ROUNDS": "1", "BENCH_ROWS": "|".join(KEYS)})
    assert done.returncode == 0, done.stdout
    return folder


def results(checkout):
    return json.loads((checkout / "bench" / "results.json").read_text())


def test_measures_each_row(checkout):
    rows = {row["key"]: row for row in results(checkout)["rows"]}
    assert list(rows) == ["nginx", "bare", *KEYS]
    for row in rows.values():
        for number in ("rate", "p50", "p99", "memory", "load"):
            assert len(row[number]) == 1 and row[number][0] > 0, (row["key"], number)
    for key in ("postgresql-1000", "mariadb-1000", "ldap"):
        assert rows[key]["behind"][0] > 0, f"{key} made nobody work"


def test_writes_the_tables_into_the_document(checkout):
    text = (checkout / "docs" / "performance.md").read_text()
    with open(os.path.join(ROOT, "docs", "performance.md"), encoding="utf-8") as file:
        before = file.read()
    assert text.splitlines()[0] == before.splitlines()[0] and text.splitlines()[-1] == before.splitlines()[-1]
    for row in results(checkout)["rows"]:
        title = "1,000 domains, all cached" if row["key"] == "cached-1000" else row["title"]
        assert f"\n| {title} | {row['rate'][0]:,.0f} |" in text


def test_draws_a_bar_for_each_row_and_lines_for_what_grows(checkout):
    picture = ElementTree.parse(checkout / "docs" / "performance.svg").getroot()
    texts = [text.text for text in picture.iter(SVG + "text")]
    bars = [row for row in results(checkout)["rows"] if "main" in row["groups"]]
    assert [text for text in texts if text in {row["title"] for row in bars}] == [row["title"] for row in bars]
    assert len(list(picture.iter(SVG + "polyline"))) == 8, "cached, uncached, connections, processors; rate and cost"
    height, width = float(picture.get("height")), float(picture.get("width"))
    for text in picture.iter(SVG + "text"):
        assert 0 < float(text.get("x")) < width and 0 < float(text.get("y")) < height, text.text


def test_draws_again_from_what_was_kept(checkout):
    names = ["docs/performance.md", "docs/performance.svg"]
    first = [(checkout / name).read_bytes() for name in names]
    subprocess.run([RUN, "--draw", "--write", "--to", checkout], check=True, stdout=subprocess.DEVNULL)
    assert [(checkout / name).read_bytes() for name in names] == first


class Refusing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def test_a_wrong_answer_fails_the_run(monkeypatch):
    monkeypatch.setattr(sys, "path", [os.path.join(ROOT, "bench"), *sys.path])
    import rows

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        row = rows.Row("refused", "refused", None, connections=2)
        row.server = types.SimpleNamespace(port=server.server_port, process=types.SimpleNamespace(pid=os.getpid()))
        row.behind, row.body_file, row.load_cpus = None, None, sorted(os.sched_getaffinity(0))[:1]
        with pytest.raises(SystemExit, match=r"refused: answered 503"):
            row.check()
        with pytest.raises(SystemExit, match=r"refused: (\d+) answers, \1 of them wrong"):
            row.measure(1)
        server.shutdown()
