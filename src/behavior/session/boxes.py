"""The boxes of `paradigms.box`, made from a session core: each word of a paradigm becomes waits and commands."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from itertools import count
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from behavior.model.commands import (
    BeginComponent,
    BeginTrial,
    Command,
    Deliver,
    Drawn,
    EndComponent,
    EndTrial,
    SetCue,
    SetGate,
    SetLever,
    SetRecording,
    Shock,
    StopShock,
)
from behavior.model.events import Crossed, Event, LeverPressed
from behavior.paradigms.box import Box, Chamber, ShuttleBox
from behavior.paradigms.parameters import Between
from behavior.paradigms.schedules import Schedule, parse
from behavior.session.core import Events, SessionCore, Wait

E = TypeVar("E", bound=Event)
W = TypeVar("W", bound=Wait)


class Block:
    """`with block:` issues commands on entry and their counterparts, last first, however the block is left.

    What was begun is ended even if a later command of the entry is refused.
    """

    def __init__(self, core: SessionCore, *pairs: tuple[Command, Command]) -> None:
        self._core, self._pairs = core, pairs

    def __enter__(self) -> None:
        for begin, _ in self._pairs:
            self._core.issue(begin)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for _, end in reversed(self._pairs):
            self._core.issue(end)


class SessionBox:
    """The words that every paradigm has. See `paradigms.box.Box`."""

    def __init__(self, core: SessionCore) -> None:
        self._core = core
        self._random = core.stream("draws")
        # Numbered, not timed: a late tick changes no draw.
        self._schedules, self._shocks, self._deliveries = count(1), count(1), count(1)

    # -- waiting ----------------------------------------------------------------------------------------------------

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        await Wait((), self._core.deadline_us(seconds))

    async def next(self, *kinds: type[E], within_s: float | None = None, **where: object) -> E | None:
        """The next event of these kinds, or None at the deadline."""
        event: E | None = await self._waiting(Wait, kinds, within_s, where)
        return event

    def every(self, *kinds: type[Event], within_s: float | None = None, **where: object) -> Events:
        """Each event of these kinds until the deadline, which is set once, at the start."""
        return self._waiting(Events, kinds, within_s, where)

    # -- commanding -------------------------------------------------------------------------------------------------

    def cue(self, name: str) -> Block:
        """A light or tone that is on in the block."""
        return Block(self._core, (SetCue(name, on=True), SetCue(name, on=False)))

    def recording(self) -> Block:
        """The chamber's sound is recorded in the block."""
        return Block(self._core, (SetRecording(on=True), SetRecording(on=False)))

    def shock(self, ma: float, duration_s: float) -> None:
        """One shock, timed and ended by the device. Takes no time here."""
        self._core.issue(Shock(next(self._shocks), ma, duration_s))

    @property
    def shock_is_on(self) -> bool:
        """By the device's report, or until the asked duration is over."""
        return self._core.guard.shock_is_on(self._core.now_us)

    def shocking(self, ma: float, *, at_most_s: float) -> Block:
        """Shock until the block is left; the device ends it at the latest."""
        return Block(self._core, (Shock(next(self._shocks), ma, at_most_s), StopShock()))

    # -- structure --------------------------------------------------------------------------------------------------

    def trials(self, n: int) -> Iterator[Block]:
        """Blocks that mark trials, numbered from 1."""
        return (Block(self._core, (BeginTrial(number), EndTrial(number))) for number in range(1, n + 1))

    def component(self, name: str, *, cue: str | None = None) -> Block:
        """A named part of a multiple schedule with its cue."""
        cued = ((SetCue(cue, on=True), SetCue(cue, on=False)),) if cue else ()
        return Block(self._core, (BeginComponent(name), EndComponent(name)), *cued)

    def alongside(self, watch: Coroutine[object, Any, None]) -> AbstractContextManager[None]:
        """A second task for as long as the block lasts."""
        return self._core.alongside(watch)

    def end_session(self, reason: str) -> NoReturn:
        """End the session here."""
        self._core.finish(reason)

    # -- chance -----------------------------------------------------------------------------------------------------

    def draw(self, value: float | Between) -> float:
        """A number as it is, or one drawn from a range."""
        if not isinstance(value, Between):
            return value
        number = value.draw(self._random)
        self._core.issue(Drawn("draw", (number,)))
        return number

    def schedule(self, text: str) -> Schedule:
        """A schedule of reinforcement that begins now."""
        name = f"schedule {next(self._schedules)}"

        def on_record(values: list[float]) -> None:
            self._core.issue(Drawn(name, tuple(values)))

        return parse(text, self._core.stream(name), self._core.now_us, on_record)

    def _waiting(
        self, form: type[W], kinds: tuple[type[Event], ...], within_s: float | None, where: dict[str, Any]
    ) -> W:
        for kind in kinds:
            if unknown := where.keys() - set(kind.__struct_fields__):
                raise TypeError(f"{kind.__name__} has no {', '.join(sorted(unknown))}")
        return form(kinds, self._core.deadline_us(within_s), condition(where))


def condition(where: dict[str, object]) -> Callable[[Event], bool] | None:
    """Whether an event has these fields' values. One field, the usual case, is quick."""
    if not where:
        return None
    (field, value), *others = where.items()
    if not others:
        return lambda event: getattr(event, field) == value
    return lambda event: all(getattr(event, field) == value for field, value in where.items())


class SessionChamber(SessionBox):
    """Operant chamber: levers, cues, feeder, grid. See `paradigms.box.Chamber`."""

    def presses(self, lever: str, *, within_s: float | None = None) -> Events:
        """Each press of a lever until the deadline."""
        return self.every(LeverPressed, lever=lever, within_s=within_s)

    def lever_out(self, lever: str) -> Block:
        """The lever is out in the block."""
        return Block(self._core, (SetLever(lever, out=True), SetLever(lever, out=False)))

    def reinforce(self) -> None:
        """One reinforcer."""
        self._core.issue(Deliver(next(self._deliveries)))


class SessionShuttleBox(SessionBox):
    """Two sides, a gate, grid. See `paradigms.box.ShuttleBox`."""

    async def crossing(self, *, within_s: float | None = None, n: int = 1, side: str | None = None) -> Crossed | None:
        """The `n`-th crossing from now, or None at the deadline."""
        wait = self._waiting(Wait, (Crossed,), within_s, {} if side is None else {"side": side})
        crossed: Crossed | None = None
        for _ in range(n):
            crossed = await wait
            if crossed is None:
                break
        return crossed

    def gate_open(self) -> Block:
        """The gate is open in the block."""
        return Block(self._core, (SetGate(open=True), SetGate(open=False)))


BOXES: dict[type, type[SessionBox]] = {Box: SessionBox, Chamber: SessionChamber, ShuttleBox: SessionShuttleBox}
"""The box that stands behind each protocol of `paradigms.box`."""
