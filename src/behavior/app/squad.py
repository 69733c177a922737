"""Several chambers at once: each session is a process of its own, started when its subject is confirmed.

The supervisor only passes on: what a session prints, with its chamber's name before it, and what is typed:

    A the bedding is wet      a note to the session in chamber A
    A stop                    ends that session
    stop                      ends all; so does Ctrl-C

If the supervisor dies the sessions go on; if a session dies the others do.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import typer

from behavior.app.keyboard import STOP
from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.config.squad import Start

ENTRY = [sys.executable, "-c", "from behavior.app.cli import main; main()"]
TRIES = 3
LOOK_UP_S = 0.2


def supervise(rig: str, plan: Path, chambers: Sequence[str], common: Sequence[str]) -> None:
    """Start the planned sessions, each as its subject is confirmed, and see them to their ends.

    Parameters
    ----------
    rig : as given
    plan : file of the plan
    chambers : those to start; none: all of the plan
    common : options of `behavior run` that hold for all

    Raises
    ------
    BadInput
        The plan cannot be used.
    Failure
        A session did not end as it should have.
    """
    squad = Squad()
    with squad.stoppable():
        for start in chosen(plan, chambers):
            if (asked := squad.confirmed(start)) is not None:
                squad.begin(start, [*ENTRY, "run", rig, *start.options(), *asked, *common])
        squad.see_to_the_end()
    if bad := [chamber for chamber, session in squad.sessions.items() if session.process.returncode]:
        raise Failure(f"the sessions in {', '.join(bad)} did not end as they should have; see above")


def chosen(plan: Path, chambers: Sequence[str]) -> list[Start]:
    """The sessions of a plan in these chambers; all without any."""
    from behavior.config import read
    from behavior.config.squad import SquadPlan

    sessions = {start.chamber: start for start in read(plan, SquadPlan).sessions}
    if unknown := [chamber for chamber in chambers if chamber not in sessions]:
        raise BadInput(f"{plan}: plans nothing for chamber {unknown[0]}; it plans {', '.join(sessions)}")
    return [sessions[chamber] for chamber in chambers or sessions]


class Session:
    """A session's process: what it prints goes to the terminal, what is sent goes to its keyboard."""

    def __init__(self, chamber: str, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        self._chamber = chamber
        self._printer = threading.Thread(target=self._print, name=f"print {chamber}", daemon=True)
        self._printer.start()

    def send(self, text: str) -> None:
        """Type something to the session; nothing if it is over."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(text.encode())
            self.process.stdin.flush()
        except OSError:  # it has ended
            return

    def over(self) -> bool:
        """Whether it has ended and everything it printed was shown."""
        if self.process.poll() is None:
            return False
        self._printer.join()
        return True

    def _print(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            typer.echo(f"{self._chamber}: {line.decode(errors='replace').rstrip()}")


class Squad:
    """The sessions that were started, and what is typed."""

    def __init__(self) -> None:
        self.sessions: dict[str, Session] = {}
        self._typed: SimpleQueue[str | None] = SimpleQueue()
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    def confirmed(self, start: Start) -> list[str] | None:
        """Ask for the subject's ID, and then what is asked at every start; None after three misses."""
        for _ in range(TRIES):
            if self._answer(f"Chamber {start.chamber}: subject, scanned or typed") == start.subject:
                return [
                    *("--subject", start.subject),
                    *("--experimenter", self._answer("Experimenter")),
                    *("--weight-g", self._answer("Weight g")),
                ]
            typer.echo(f"That is not {start.subject}, whom the plan names for chamber {start.chamber}.")
        typer.echo(f"Chamber {start.chamber} is left out.")
        return None

    def begin(self, start: Start, command: Sequence[str]) -> None:
        """Start a session."""
        self.sessions[start.chamber] = Session(start.chamber, command)

    def see_to_the_end(self) -> None:
        """Pass on what is typed until all sessions have ended."""
        while not all(session.over() for session in self.sessions.values()):
            try:
                self._pass_on(self._typed.get(timeout=LOOK_UP_S))
            except Empty:
                continue

    @contextmanager
    def stoppable(self) -> Iterator[None]:
        """In the block a request to end the program ends all sessions."""
        before = {number: signal.signal(number, self._stop_all) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass_on(self, line: str | None) -> None:
        chamber, _, text = (line or "").strip().partition(" ")
        if chamber == "stop" and not text:
            self._stop_all()
        elif chamber in self.sessions and text:
            self.sessions[chamber].send(STOP if text == "stop" else f" {text}\n")
        elif chamber:
            typer.echo(f"Which chamber? One of {', '.join(self.sessions)}, then a note or `stop`.")

    def _stop_all(self, *signalled: object) -> None:
        for session in self.sessions.values():
            session.send(STOP)

    def _answer(self, question: str) -> str:
        typer.echo(f"{question}: ", nl=False)
        answer = self._typed.get()
        if answer is None:
            raise BadInput(f"{question}? Nobody is there to answer; start the squad from a terminal")
        return answer.strip()

    def _read(self) -> None:
        for line in sys.stdin:
            self._typed.put(line)
        self._typed.put(None)
