"""docs/clients.md shows the scoreboard as it is."""

import os
import subprocess

from support.daemon import ROOT


def test_the_scoreboard_in_the_document_is_the_one_that_is_played():
    played = subprocess.run(["/usr/bin/python3", os.path.join(ROOT, "tests/clients/scoreboard.py"), "--markdown"],
                            capture_output=True, text=True, check=True).stdout.strip()
    with open(os.path.join(ROOT, "docs/clients.md"), encoding="utf-8") as file:
        document = file.read()
    shown = document[document.index("| client | asks by |"):].strip()
    assert shown == played, "run tests/clients/scoreboard.py --markdown and put its table at the end of docs/clients.md"
