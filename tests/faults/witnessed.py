"""A `behavior` that tells an outsider, by a byte on a file descriptor, of each line that its journal acknowledged."""

from __future__ import annotations

WITNESSED = """
import os, sys
from behavior.session.journal import JournalWriter
recorded = JournalWriter.record
def record(self, item, host_us):
    recorded(self, item, host_us)
    os.write({fd}, b"\\n")
JournalWriter.record = record
from behavior.app.cli import main
main()
"""
