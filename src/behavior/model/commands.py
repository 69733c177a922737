"""What to do, in the imperative. Frozen data; nothing here acts.

A command that begins something which must not outlive the session knows the command that ends it (`off`).
Durations that a person chose are seconds, as they wrote them.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec


class Command(msgspec.Struct, frozen=True, gc=False, tag_field="kind", tag=True):
    """An output of the core."""

    def off(self) -> Command | None:
        """The command that undoes this one, for what must not outlive the session."""
        return None

    @property
    def calms(self) -> bool:
        """Whether this may still be issued while the session is ending."""
        return self.off() is None


class SetCue(Command, frozen=True):
    """Turn a light or a tone on or off."""

    cue: str
    on: bool

    def off(self) -> Command | None:
        return SetCue(self.cue, on=False) if self.on else None


class SetLever(Command, frozen=True):
    """Put a lever out or draw it in."""

    lever: str
    out: bool

    def off(self) -> Command | None:
        return SetLever(self.lever, out=False) if self.out else None


class SetGate(Command, frozen=True):
    """Open or close the way between the two sides of a box."""

    open: bool

    def off(self) -> Command | None:
        return SetGate(open=False) if self.open else None


class SetRecording(Command, frozen=True):
    """Record the chamber's sound, or stop."""

    on: bool

    def off(self) -> Command | None:
        return SetRecording(on=False) if self.on else None


class Shock(Command, frozen=True):
    """One pulse, timed and ended by the device whatever the host does afterwards. Numbered from 1 in a session."""

    number: int
    ma: float
    duration_s: float

    def off(self) -> Command | None:
        return StopShock()


class StopShock(Command, frozen=True):
    """End the pulse that is on, if one is."""


class Deliver(Command, frozen=True):
    """One reinforcer. Numbered from 1 in a session."""

    number: int

    @property
    def calms(self) -> bool:
        return False


class BeginComponent(Command, frozen=True):
    """A mark: a part of a multiple schedule begins."""

    name: str


class EndComponent(Command, frozen=True):
    """A mark: that part is over."""

    name: str


class BeginTrial(Command, frozen=True):
    """A mark: a trial begins. Numbered from 1."""

    trial: int


class EndTrial(Command, frozen=True):
    """A mark: that trial is over."""

    trial: int


class Drawn(Command, frozen=True):
    """A mark: what chance gave for a purpose, so that a journal shows every number that the session depended on."""

    purpose: str
    values: tuple[float, ...]


class Refuse(Command, frozen=True):
    """A mark: the guard held a command back."""

    command: str
    why: str


class EndSession(Command, frozen=True):
    """The last command of every session."""

    reason: str


AnyCommand: TypeAlias = (
    SetCue
    | SetLever
    | SetGate
    | SetRecording
    | Shock
    | StopShock
    | Deliver
    | BeginComponent
    | EndComponent
    | BeginTrial
    | EndTrial
    | Drawn
    | Refuse
    | EndSession
)
"""What a core may give out. The marks (`Begin…`, `End…`, `Drawn`, `Refuse`) move nothing."""
