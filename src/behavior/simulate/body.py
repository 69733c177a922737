"""The body of a simulated animal in a shuttle box: it sets off before it has arrived, and may turn back halfway.

An animal's deed `Crossed` says when it is wholly on the other side. Its front is there up to `BODY_US` before, as soon
as it has decided, but not before half of the time since it came here is over. When it thinks better of it meanwhile,
that was half a crossing, which a box must not report.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from behavior.config.rig import Sides
from behavior.model.events import Crossed, Event
from behavior.session.core import NEVER
from behavior.simulate.shuttle_box import BODY_US
from behavior.simulate.subject import Subject


@runtime_checkable
class Way(Protocol):
    """A box with two sides, from the animal's side."""

    has_gate: bool

    @property
    def across(self) -> bool: ...  # noqa: D102 (as of `SimulatedShuttleBox`)
    def put(self, side: str, now_us: int) -> None: ...  # noqa: D102
    def set_off(self, now_us: int) -> bool: ...  # noqa: D102
    def turn_back(self, now_us: int) -> None: ...  # noqa: D102
    def arrive(self, side: str, now_us: int) -> bool: ...  # noqa: D102


class Body:
    """Moves in a shuttle box as an animal intends; it begins on the left.

    Parameters
    ----------
    twin : the shuttle box
    sides : what its two sides are called
    subject : the animal; one that does not say what it intends arrives without setting off
    """

    def __init__(self, twin: Way, sides: Sides, subject: Subject) -> None:
        self._twin, self._subject = twin, subject
        self._side_of = {name: side for side, name in sides.names.items()}
        self._tried_us, self._here_us = -1, 0
        twin.has_gate = sides.gate
        twin.put("left", 0)

    @property
    def next_us(self) -> int:
        """When it sets off, unless the animal changes its mind."""
        return NEVER if self._arrival_us == self._tried_us else self._sets_off_us

    def follow(self, now_us: int) -> None:
        """Set off if it is time to, and turn back if nothing is intended any more."""
        if self._sets_off_us > now_us:
            if self._twin.across:
                self._twin.turn_back(now_us)
            self._tried_us = -1
        elif self._arrival_us != self._tried_us:
            self._tried_us = self._arrival_us
            self._twin.set_off(now_us)

    def arrive(self, deed: Event) -> None:
        """Be wholly where the deed says."""
        if isinstance(deed, Crossed) and deed.side in self._side_of:
            self._twin.arrive(self._side_of[deed.side], deed.at_us)
            self._tried_us, self._here_us = -1, deed.at_us

    @property
    def _sets_off_us(self) -> int:
        arrival_us = self._arrival_us
        return arrival_us if arrival_us == NEVER else max(arrival_us - BODY_US, (self._here_us + arrival_us) // 2)

    @property
    def _arrival_us(self) -> int:
        intends = getattr(self._subject, "intends", None)
        return self._subject.next_us if isinstance(intends, Crossed) else NEVER
