"""A box without devices: every command takes effect at once and as asked. For dry runs, and to run many sessions.

The world of whole bytes is `simulate.world`; both run the same core, guard, runner and animal.
"""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

from behavior.model.commands import Command, Deliver, EndSession, SetRecording, Shock, StopShock
from behavior.model.events import Delivered, Event, RecordingEnded, RecordingStarted, ShockEnded, ShockStarted
from behavior.session.core import NEVER
from behavior.session.runner import due_us
from behavior.simulate.subject import Subject, Vocalized

DELIVERY_US = 300_000
"""From a feeder's command to the pellet in the tray."""


class IdealBox:
    """An apparatus in virtual time, for one subject.

    Parameters
    ----------
    subject : the animal
    start_us : the time when it begins
    """

    def __init__(self, subject: Subject, start_us: int = 0) -> None:
        self._subject, self._now_us, self._order = subject, start_us, count()
        self._coming: list[tuple[int, int, Event]] = []
        self._shock: tuple[Shock, int] | None = None

    def now_us(self) -> int:
        """Virtual time."""
        return self._now_us

    def send(self, command: Command) -> None:
        """Take effect at once; what the devices would report comes as events later."""
        now_us = self._now_us
        match command:
            case Shock(number, _, duration_s):
                self._shock, end_us = (command, now_us), now_us + round(duration_s * 1e6)
                self._coming_up(ShockStarted(now_us, number))
                self._coming_up(_ShockOver(end_us, number, "completed"))
            case StopShock() if self._shock:
                self._coming_up(_ShockOver(now_us, self._shock[0].number, "stopped"))
            case Deliver(number):
                self._coming_up(Delivered(now_us + DELIVERY_US, number))
            case SetRecording(on):
                self._coming_up(RecordingStarted(now_us, "", 0) if on else RecordingEnded(now_us, 0, 0))
        if not isinstance(command, EndSession):
            self._subject.perceive(command, now_us)

    def wait(self, until_us: int) -> list[Event]:
        """The next thing that a device reports or the subject does."""
        at_us = due_us(until_us, self._coming[0][0] if self._coming else NEVER, self._subject.next_us)
        self._now_us = at_us
        while self._coming and self._coming[0][0] <= at_us:
            event = self._arrived(heappop(self._coming)[2])
            if event is not None:
                self._subject.perceive(event, at_us)
                return [event]
        if self._subject.next_us <= at_us:
            deed = self._subject.act()
            return [] if isinstance(deed, Vocalized) else [deed]
        return []

    def settle(self) -> list[Event]:
        """The end of a shock that was cut, and of the recording."""
        now_us = self._now_us
        left = [
            self._arrived(event) for at_us, _, event in sorted(self._coming, key=lambda x: x[:2]) if at_us <= now_us
        ]
        return [event for event in left if event is not None]

    def _coming_up(self, event: Event) -> None:
        heappush(self._coming, (event.at_us, next(self._order), event))

    def _arrived(self, event: Event) -> Event | None:
        """The event itself; in the place of a shock's planned or asked end, its report, once."""
        if not isinstance(event, _ShockOver):
            return event
        if self._shock is None or self._shock[0].number != event.number:
            return None
        (shock, began_us), self._shock = self._shock, None
        return ShockEnded(event.at_us, shock.number, event.at_us - began_us, shock.ma, event.cause)


class _ShockOver(Event, frozen=True):
    """Inside only: a shock's planned or asked end has come."""

    number: int
    cause: str
