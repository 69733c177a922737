"""Several chambers at once: each session is a process of its own, started when its subject is confirmed.

The supervisor only passes on: what a session prints, with its chamber's name before it, and what is typed:

    A the bedding is wet      a note to the session in chamber A
    A stop                    ends that session
    stop                      ends all; so does Ctrl-C

If the supervisor dies the sessions go on; if a session dies the others do.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import typer

from behavior.app.keyboard import STOP
from behavior.app.system import apart, ending
from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.config.squad import Start

ENTRY = [sys.executable, "-P", "-c", "from behavior.app.cli import main; main()"]
TRIES = 3
LOOK_UP_S = 0.2


def supervise(rig: str, starts: Sequence[Start], common: Sequence[str]) -> None:
    """Start the sessions of a squad, each as its subject is confirmed, and see them to their ends.

    Parameters
    ----------
    rig : as given
    starts : from `starts_of`
    common : options of `behavior run` that hold for all

    Raises
    ------
    Failure
        A session did not end as it should have.
    """
    squad = Squad()
    with squad.stoppable():
        for start in starts:
            if (asked := squad.confirmed(start)) is not None:
                squad.begin(start, [*ENTRY, "run", rig, *start.options(), *asked, *common])
        squad.see_to_the_end()
    if bad := [chamber for chamber, session in squad.sessions.items() if session.process.returncode]:
        raise Failure(f"the sessions in {', '.join(bad)} did not end as they should have; see above")


def starts_of(
    plan: Path | None, squad: Path | None, chambers: Sequence[str], *, date: str | None, at: str | None, dataset: Path
) -> list[Start]:
    """The sessions of a squad in these chambers; all without any.

    Parameters
    ----------
    plan : of a study; its squads are the sessions of one start
    squad : file of a squad, where there is no plan
    date, at : of the plan's squad; today, and the first that was not run

    Raises
    ------
    BadInput
        Neither can be used, or nothing is planned then.
    """
    from behavior.config import read
    from behavior.config.squad import SquadFile

    if plan is not None and squad is not None:
        raise BadInput("--plan and --squad: say one of them")
    if plan is None and (date or at):
        raise BadInput("--date and --at choose a squad of a --plan; leave them out")
    if squad is not None:
        starts, file = list(read(squad, SquadFile).sessions), squad
    else:
        assert plan is not None
        if plan.suffix == ".toml":
            raise BadInput(f"{plan}: is a squad file, which --squad takes; --plan takes a study's plan.csv")
        starts, file = next_squad(plan, dataset, date, at), plan
    sessions = {start.chamber: start for start in starts}
    if unknown := [chamber for chamber in chambers if chamber not in sessions]:
        raise BadInput(f"{file}: plans nothing for chamber {unknown[0]}; it plans {', '.join(sessions)}")
    return [sessions[chamber] for chamber in chambers or sessions]


def in_chambers(chambers: Sequence[str], **common: Any) -> list[Start]:
    """A start for each chamber, of one paradigm; who goes where is asked.

    Raises
    ------
    BadInput
        A chamber is named twice.
    """
    from behavior.config.squad import Start

    if twice := sorted({chamber for chamber in chambers if chambers.count(chamber) > 1}):
        raise BadInput(f"--chamber {twice[0]} is said twice; each holds one session")
    return [Start(chamber=chamber, subject="", **common) for chamber in chambers]


def one_each(given: Mapping[str, object]) -> None:
    """Refuse options that belong to one session, where several are started.

    Raises
    ------
    BadInput
        Some were given; names them.
    """
    if said := [option for option, value in given.items() if value is not None]:
        raise BadInput(f"{', '.join(said)}: of one session; with several chambers leave it out, each is asked")


def next_squad(plan: Path, dataset: Path, date: str | None, at: str | None) -> list[Start]:
    """The sessions of a plan that start together, on a day and at a time, and were not run yet.

    Raises
    ------
    BadInput
        Nothing is planned then, or all of it was run.
    """
    from behavior.app.records import designed_study
    from behavior.study.plan import read_plan
    from behavior.study.squads import already_run, start_of

    study, rows = designed_study(plan.parent), read_plan(plan)
    day = date or datetime.now().date().isoformat()
    of_day = [row for row in rows if row.starts_at[:10] == day]
    if not of_day:
        days = sorted({row.starts_at[:10] for row in rows})
        later = next((one for one in days if one > day), days[-1])
        raise BadInput(f"{plan}: plans nothing on {day}; it has days from {days[0]} to {days[-1]}, as --date {later}")
    times = sorted({row.starts_at for row in of_day})
    if at is not None and at not in {time[11:16] for time in times}:
        raise BadInput(f"{plan}: plans nothing at {at} on {day}; it has {', '.join(time[11:16] for time in times)}")
    run = already_run(dataset, study, rows)
    for time in times:
        squad = [row for row in of_day if row.starts_at == time and row not in run]
        if squad and at in (None, time[11:16]):
            return [start_of(row, study, plan.parent) for row in squad]
    raise BadInput(f"{plan}: every session of {day}{f' at {at}' if at else ''} was run; name another day or time")


class Session:
    """A session's process: what it prints goes to the terminal, what is sent goes to its keyboard."""

    def __init__(self, chamber: str, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **apart()
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
        self._subjects: set[str] = set()
        self._typed: SimpleQueue[str | None] = SimpleQueue()
        threading.Thread(target=self._read, name="keyboard", daemon=True).start()

    def confirmed(self, start: Start) -> list[str] | None:
        """Ask for the subject's ID, and then what is asked at every start; None after three misses."""
        for _ in range(TRIES):
            subject = self._answer(f"Chamber {start.chamber}: subject, scanned or typed")
            if why := self._wrong(subject, start):
                typer.echo(why)
                continue
            self._subjects.add(subject)
            code = [] if start.is_treated else ["--blind-code", self._answer("Blind code")]
            return [
                *("--subject", subject),
                *code,
                *("--experimenter", self._answer("Experimenter")),
                *("--weight-g", self._answer("Weight g")),
                *self._treated_at(),
            ]
        typer.echo(f"Chamber {start.chamber} is left out.")
        return None

    def _wrong(self, subject: str, start: Start) -> str:
        """Why this cannot be the subject of a start; empty if it can."""
        if start.subject and subject != start.subject:
            return f"That is not {start.subject}, whom the plan names for chamber {start.chamber}."
        if not subject:
            return "A session needs its subject's ID."
        return f"{subject} is in another chamber already." if subject in self._subjects else ""

    def _treated_at(self) -> list[str]:
        answer = self._answer("Treated at, as in 14:05 (Enter: not treated today)")
        return ["--injected-at", answer] if answer else []

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
        with ending(self._stop_all, hang_up=False):  # the sessions stand apart, and outlive this terminal
            yield

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
