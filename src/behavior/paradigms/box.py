"""What a paradigm may say. The session's core stands behind these words; a paradigm knows nothing else of it.

Time passes only at `await` and `async for`: `await box.wait(…)`, `await box.next(…)`, `async for press in
box.presses(…)`. Commands and `with` blocks take no time, so that leaving a block is never interrupted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractContextManager
from typing import Any, NoReturn, Protocol, TypeVar

from behavior.model.events import Crossed, Event, LeverPressed
from behavior.paradigms.parameters import Between
from behavior.paradigms.schedules import Schedule

E = TypeVar("E", bound=Event)
Block = AbstractContextManager[None]


class Box(Protocol):
    """The words that every paradigm has."""

    async def wait(self, seconds: float) -> None:
        """Let time pass. What happens meanwhile is journalled all the same."""

    async def next(self, *kinds: type[E], within_s: float | None = None, **where: object) -> E | None:
        """The next event of these kinds, or None at the deadline; `where` picks by field, as in `lever="left"`."""

    def every(self, *kinds: type[E], within_s: float | None = None, **where: object) -> AsyncIterator[E]:
        """Each event of these kinds until the deadline, which is set once, at the start."""

    def cue(self, name: str) -> Block:
        """A light or tone that is on in the block."""

    def recording(self) -> Block:
        """The chamber's sound is recorded in the block."""

    def shock(self, ma: float, duration_s: float) -> None:
        """One shock, timed and ended by the device."""

    @property
    def shock_is_on(self) -> bool:
        """By the device's report, or until the asked duration is over."""

    def shocking(self, ma: float, *, at_most_s: float) -> Block:
        """Shock until the block is left; the device ends it at the latest."""

    def trials(self, n: int) -> Iterator[Block]:
        """`for trial in box.trials(30): … with trial:`; trials are numbered from 1."""

    def component(self, name: str, *, cue: str | None = None) -> Block:
        """A named part of a multiple schedule, with its cue."""

    def alongside(self, watch: Coroutine[object, Any, None]) -> Block:
        """A second task for as long as the block lasts. Tasks see an event in order of their start."""

    def draw(self, value: float | Between) -> float:
        """A number as it is, or one drawn from a range."""

    def schedule(self, text: str) -> Schedule:
        """A schedule of reinforcement that begins now: "FR 10", "VI 30 s" (see `schedules`)."""

    def end_session(self, reason: str) -> NoReturn:
        """End the session here."""


class Chamber(Box, Protocol):
    """Operant chamber: levers, cues, feeder, grid."""

    def presses(self, lever: str, *, within_s: float | None = None) -> AsyncIterator[LeverPressed]:
        """Each press of a lever until the deadline."""

    def lever_out(self, lever: str) -> Block:
        """The lever is out in the block."""

    def reinforce(self) -> None:
        """One reinforcer."""


class ShuttleBox(Box, Protocol):
    """Two sides with a way between them that may have a gate, cues, grid."""

    async def crossing(self, *, within_s: float | None = None, n: int = 1, side: str | None = None) -> Crossed | None:
        """The `n`-th crossing from now, or None at the deadline; `side` counts crossings into that side only."""

    def gate_open(self) -> Block:
        """The gate is open in the block; otherwise it is closed."""
