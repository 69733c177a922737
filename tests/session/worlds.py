"""Words that the tests of sessions share: short paradigms, hostile worlds, and what to ask of a list of commands."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from behavior.config.limits import ShockLimits
from behavior.model.commands import Command, EndSession
from behavior.model.events import Event, LeverPressed
from behavior.paradigms.conditioned_usv import ConditionedUsvParameters, conditioned_usv
from behavior.paradigms.geller_seifter import Component, GellerSeifterParameters, geller_seifter
from behavior.paradigms.parameters import Between
from behavior.session.boxes import SessionChamber
from behavior.session.core import SessionCore
from behavior.session.guard import Guard
from behavior.session.journal import Item, line_of

S = 1_000_000
LIMITS = ShockLimits(max_ma=1.0, max_single_s=10.0)


async def suppression(box: Any, p: Any) -> None:
    """Food throughout, now and then a tone that ends with a shock, and an eye on drop-out: three tasks."""
    with box.lever_out("left"), box.alongside(feed(box)), box.alongside(end_at_drop_out(box)):
        for trial in box.trials(3):
            await box.wait(box.draw(Between(low=0.02, high=0.04)))
            with trial, box.cue("tone"):
                await box.wait(0.02)
                box.shock(0.5, 0.002)


async def feed(box: Any) -> None:
    schedule = box.schedule("VI 0.01 s")
    async for press in box.presses("left"):
        if schedule.earned(press):
            box.reinforce()


async def end_at_drop_out(box: Any) -> None:
    while await box.next(LeverPressed, within_s=0.06):
        pass
    box.end_session("no press for 0.06 s")


async def escape(box: Any, p: Any) -> None:
    """A tone, then shock until a press or the cut-off."""
    for trial in box.trials(4):
        await box.wait(box.draw(Between(low=0.01, high=0.03)))
        with trial, box.cue("light"):
            if await box.next(LeverPressed, within_s=0.01):
                continue
            with box.shocking(0.8, at_most_s=0.01):
                await box.next(LeverPressed, within_s=0.01, lever="left")


SHORT: dict[str, tuple[Any, Any]] = {
    "geller_seifter": (
        geller_seifter,
        GellerSeifterParameters(
            components=(
                Component(name="unpunished", duration_s=0.05, schedule="VI 0.01 s"),
                Component(
                    name="punished",
                    duration_s=0.03,
                    schedule="VR 2",
                    cue="tone",
                    shock_ma=0.4,
                    shock_s=0.002,
                    punishment="FR 2",
                ),
            ),
            n_cycles=2,
        ),
    ),
    "conditioning": (
        conditioned_usv,
        ConditionedUsvParameters(
            stage="conditioning",
            habituation_s=0.01,
            n_pairings=3,
            cs_s=0.02,
            iti_s=Between(low=0.01, high=0.03),
            shock_s=0.005,
        ),
    ),
    "vocalization test": (conditioned_usv, ConditionedUsvParameters(habituation_s=0.01, test_s=0.05)),
    "suppression": (suppression, None),
    "escape": (escape, None),
}
"""Paradigms of both kinds, ours and of these tests, whose durations are milliseconds."""


def core_of(paradigm: Any, p: Any = None, *, seed: int = 1, limits: ShockLimits = LIMITS) -> SessionCore:
    """A fresh core, of a name in `SHORT` or of a function."""
    if isinstance(paradigm, str):
        function, p = SHORT[paradigm]
        return SessionCore(lambda box: function(box, p), SessionChamber, seed=seed, guard=Guard(limits))
    run: Callable[[Any], Any] = paradigm if p is None else lambda box: paradigm(box, p)
    return SessionCore(run, SessionChamber, seed=seed, guard=Guard(limits))


class Lines:
    """A journal in memory."""

    def __init__(self, header: bytes = b"") -> None:
        from zlib import crc32

        self.lines: list[bytes] = []
        self.items: list[Item] = []
        self._after = crc32(header)

    def record(self, item: Item, host_us: int = 0) -> None:
        line, self._after = line_of(item, len(self.lines), self._after, host_us)
        self.lines.append(line)
        self.items.append(item)

    @property
    def data(self) -> bytes:
        return b"".join(self.lines)


def numbered(items: Iterable[Item]) -> list[tuple[int, Item]]:
    return list(enumerate(items, start=1))


def still_on(commands: Iterable[Item]) -> set[Command]:
    """What a list of commands leaves on, by the command that would end it."""
    on: set[Command] = set()
    for command in commands:
        if isinstance(command, Command):
            on.discard(command)
            if off := command.off():
                on.add(off)
    return on


def drive(core: SessionCore, *events: Event) -> list[Command]:
    return [command for event in events for command in core.handle(event)]


def assert_ended_safely(core: SessionCore, commands: list[Command], reason: str) -> None:
    assert core.ended is not None
    assert core.ended.startswith(reason)
    assert [c for c in commands if isinstance(c, EndSession)] == [commands[-1]]
    assert still_on(commands) == set()
