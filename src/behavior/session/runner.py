"""The runner: brings time and an apparatus to a core. One loop for the live box, the simulated box and virtual time.

For every input it does the same four things in the same order: journal it, let the core handle it, journal the
commands, carry them out. Inputs that wait come before a tick. The apparatus alone knows which clock is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from behavior.model.commands import Command, Deliver, Shock, StopShock
from behavior.model.events import Event, SessionStarted, TimerFired
from behavior.session.core import NEVER, SessionCore
from behavior.session.journal import Record


class Apparatus(Protocol):
    """What a session runs on: devices and a clock, real or virtual. Times are µs since the session's start."""

    def now_us(self) -> int:
        """The time."""

    def send(self, command: Command) -> None:
        """Carry out a command; marks are ignored. Never calls back."""

    def wait(self, until_us: int) -> list[Event]:
        """What happens next: returns at the first happening, at `until_us` at the latest, and sooner if it likes."""

    def settle(self) -> list[Event]:
        """After the last command: what the devices still have to report, such as the end of a pulse that was cut."""


class NothingWillHappen(RuntimeError):
    """A paradigm waits without a deadline in a world where nothing is going to happen."""


def run(
    core: SessionCore,
    apparatus: Apparatus,
    record: Record,
    *,
    first: Callable[[int], Event] = SessionStarted,
    owed: Iterable[Command] = (),
    before: Iterable[Event] = (),
) -> None:
    """Run a session to its end.

    Whatever fails on the way (journal, link, this very loop, a key), the apparatus is calmed before the failure is
    passed on.

    Parameters
    ----------
    core : a fresh core, or one brought to its state by replay
    apparatus : devices and clock
    record : the journal
    first : makes the first input, from the time
    owed : commands that a replay found missing at the journal's end. They are journalled and carried out before the
        first input, but for pulses: nobody knows whether those went out, and nothing is given twice
    before : inputs that are known when a session is gone on with, and come before the first
    """
    on: dict[Command, None] = {}  # what was sent and must not outlive the session, by the command that ends it

    def carry_out(command: Command) -> None:
        if off := command.off():
            on[off] = None
        apparatus.send(command)
        on.pop(command, None)

    def take(event: Event) -> None:
        record(event, apparatus.now_us())
        for command in core.handle(event):
            record(command, apparatus.now_us())
            carry_out(command)

    try:
        for command in owed:
            record(command, apparatus.now_us())
            if not isinstance(command, Shock | Deliver):
                carry_out(command)
        for event in before:
            take(event)
        take(first(apparatus.now_us()))
        while core.ended is None:
            for event in apparatus.wait(core.wake_us):
                take(event)
            now_us = apparatus.now_us()
            if now_us >= core.wake_us and core.ended is None:
                take(TimerFired(now_us))
        for event in apparatus.settle():
            record(event, apparatus.now_us())
    except BaseException:
        core.close()
        calm(apparatus, on)
        raise


def calm(apparatus: Apparatus, on: Iterable[Command]) -> None:
    """Turn off what may be on, without core and journal. Each is tried, whatever became of the one before."""
    for off in (StopShock(), *on):
        try:
            apparatus.send(off)
        except Exception:  # noqa: BLE001 — the device's own watchdog is next
            continue


def due_us(*times_us: int) -> int:
    """The earliest of several times.

    Raises
    ------
    NothingWillHappen
        All of them are beyond any session.
    """
    earliest = min(times_us)
    if earliest >= NEVER:
        raise NothingWillHappen("the paradigm waits without a deadline, and nothing is going to happen")
    return earliest
