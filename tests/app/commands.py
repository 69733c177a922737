"""The command line as a person uses it: in another process, with what it prints and its exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

COMMAND = [sys.executable, "-c", "from behavior.app.cli import main; main()"]


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str


def behavior(*arguments: object, cwd: Path | None = None, through: Sequence[str] = (), **environment: str) -> Finished:
    """Run `behavior ARGUMENTS` to its end, `through` another program if there is one."""
    done = subprocess.run(
        [*through, *COMMAND, *map(str, arguments)],
        capture_output=True,
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return Finished(done.returncode, done.stdout.decode(), done.stderr.decode())


def started(
    arguments: Sequence[object], cwd: Path | None = None, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Begin `behavior ARGUMENTS`, to be ended by the test."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=stdin,
        text=True,
        cwd=cwd,
        start_new_session=True,
    )
