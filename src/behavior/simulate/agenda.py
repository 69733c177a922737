"""What a simulated animal is going to do, and when: the base of animals that plan several things ahead."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count

from behavior.model.events import Event
from behavior.session.core import NEVER


class Agenda:
    """Deeds in order of time; those of one time in the order in which they were planned."""

    def __init__(self) -> None:
        self._coming: list[tuple[int, int, Event]] = []
        self._order = count()

    @property
    def next_us(self) -> int:
        """When the next deed is due."""
        return self._coming[0][0] if self._coming else NEVER

    @property
    def intends(self) -> Event | None:
        """The next deed, so that a body that takes time can set off for it."""
        return self._coming[0][2] if self._coming else None

    def plan(self, deed: Event) -> None:
        """Do this at its time."""
        heappush(self._coming, (deed.at_us, next(self._order), deed))

    def forget(self, *kinds: type[Event]) -> None:
        """Do none of these kinds that are planned."""
        self._coming = [entry for entry in self._coming if not isinstance(entry[2], kinds)]
        heapify(self._coming)

    def act(self) -> Event:
        """Do what is due."""
        return heappop(self._coming)[2]
