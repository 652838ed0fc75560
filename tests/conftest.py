"""Puts the tests' own folders on Python's path."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in (HERE, os.path.join(HERE, "clients")):
    if folder not in sys.path:
        sys.path.insert(0, folder)
