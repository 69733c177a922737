"""A person at a terminal: what they type when a command asks, and what they do when it has begun.

Commands that are attended (sessions, benches, screens) run in a process of their own on a pseudo-terminal, as a person
has them. A deed is done when what it waits for has appeared on the screen; nothing waits on the clock but for the limit
after which a command counts as stuck.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

COMMAND = (sys.executable, "-c", "from behavior.app.cli import main; main()")
STUCK_S = 120.0

Deed = Callable[["Person", "re.Match[str]"], None]


@dataclass
class Person:
    """Runs a command and answers it.

    Parameters
    ----------
    here : the folder they are in
    deeds : what they do when a regular expression appears on the screen; a text is typed, with Enter
    environment : beyond that of the tests

    Attributes
    ----------
    screen : all that was shown
    """

    here: Path
    deeds: Mapping[str, str | Deed]
    environment: Mapping[str, str] = field(default_factory=dict)
    screen: str = ""
    _seen: int = 0
    _keyboard: int = -1
    _process: subprocess.Popen[bytes] | None = None

    def run(self, words: list[str]) -> int:
        """Run a command to its end; its exit code."""
        ours, theirs = pty.openpty()
        self._keyboard = ours
        environment = os.environ | dict(self.environment) | {"COLUMNS": "200", "TERM": "dumb"}
        self._process = subprocess.Popen(
            [*COMMAND, *words[1:]], cwd=self.here, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        try:
            self._watch(time.monotonic() + STUCK_S)
            return self._process.wait(STUCK_S)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            os.close(ours)

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._keyboard, f"{text}\n".encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """What a power cut does to the program."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)

    def _watch(self, until_s: float) -> None:
        while time.monotonic() < until_s:
            if not select.select([self._keyboard], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self._keyboard, 65_536)
            except OSError:  # nobody has the terminal any more
                return
            if not data:
                return
            self.screen += data.decode("utf-8", "replace").replace("\r\n", "\n")
            while self._answer():
                pass
        raise AssertionError(f"it is stuck:\n{self.screen[-2000:]}")

    def _answer(self) -> bool:
        found = [(match.start(), match.end(), match, deed) for question, deed in self.deeds.items()
                 if (match := re.search(question, self.screen[self._seen :]))]  # fmt: skip
        if not found:
            return False
        _, end, match, deed = min(found, key=lambda one: one[:2])
        self._seen += end
        if callable(deed):
            deed(self, match)
        else:
            self.type(deed)
        return True
