"""What a simulated animal is to the world around it, real bytes or none."""

from __future__ import annotations

from typing import Protocol

from behavior.model.commands import Command
from behavior.model.events import Event
from behavior.session.core import NEVER


class Vocalized(Event, frozen=True):
    """The animal begins to call. No device reports this: it is for the microphone of the simulated world to hear."""

    duration_s: float


class Subject(Protocol):
    """A process in time: it does something at `next_us`, unless what it perceives before changes its mind.

    It perceives what happens in the box in the words of the session: a cue or lever as the command that set it, a
    shock or a pellet as the event that reports it. It acts in those words too: `LeverPressed` is a press.
    """

    @property
    def next_us(self) -> int:
        """When it does something, if nothing happens before."""

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """Something happened in the box."""

    def act(self) -> Event:
        """Do what is due at `next_us`, and decide when to act next."""


class Absent:
    """Nobody in the box: for tests of it."""

    next_us = NEVER

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """Nothing."""

    def act(self) -> Event:
        """Never asked for."""
        raise LookupError("nobody is in the box")
