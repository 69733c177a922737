"""Induction of learned helplessness: shocks that nothing the rat does will end (Seligman & Maier 1967, Giral 1988).

The groups of the triadic design get the same shocks and differ in who ends them: `escapable` ends its own by crossing,
`yoked` gets those of such a master, to the microsecond that the device can time, and `no shock` gets none.
`inescapable` gets shocks of fixed length.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from behavior.config import Record
from behavior.config.limits import ShockLimits
from behavior.model.events import ShockEnded
from behavior.paradigms.box import Block, ShuttleBox
from behavior.paradigms.parameters import Between, Current, Parameters, Pause, ShockDuration, lowest


class MasterShock(Record):
    """A shock that the master had."""

    onset_s: Annotated[float, Field(ge=0)]
    """From the start of its session, s."""
    duration_s: ShockDuration


class HelplessnessInductionParameters(Parameters):
    """Usual values: 60 shocks of 0.8 mA and 15 s, every 60 s give or take 15 s, gate closed."""

    group: Literal["inescapable", "escapable", "yoked", "no shock"] = "inescapable"
    habituation_s: Pause = 0
    n_shocks: Annotated[int, Field(ge=1, le=500)] = 60
    interval_s: Annotated[float | Between, Field()] = Between(low=45, high=75)
    """From onset to onset, s."""
    shock_ma: Current = 0.8
    shock_s: ShockDuration = 15.0
    """Of an escapable shock the longest, s."""
    crossings_required: Annotated[int, Field(ge=1, le=20)] = 1
    """Escapable: how many crossings end the shock."""
    master_shocks: tuple[MasterShock, ...] = ()
    """Yoked: the master's shocks, read from its journal."""
    limits: ShockLimits = ShockLimits(max_ma=1.0, max_single_s=15.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if lowest(self.interval_s) <= self.shock_s:
            raise ValueError(
                f"interval_s ({lowest(self.interval_s):g}) must be more than shock_s ({self.shock_s:g}): "
                "it is from onset to onset"
            )
        if not self.shock_ma and self.group != "no shock":
            raise ValueError("shock_ma must be more than 0, unless group is 'no shock'")
        if (self.group == "yoked") != bool(self.master_shocks):
            raise ValueError("master_shocks must be given for the group 'yoked', and for no other")
        for before, after in zip(self.master_shocks, self.master_shocks[1:], strict=False):
            if after.onset_s < before.onset_s + before.duration_s:
                raise ValueError(f"master_shocks: the one at {after.onset_s:g} s begins before the last has ended")
        return self


async def helplessness_induction(box: ShuttleBox, p: HelplessnessInductionParameters) -> None:
    """Shocks at irregular intervals behind a closed gate, or one that opens for the master only."""
    if p.group == "yoked":
        await yoked(box, p)
        return
    await box.wait(p.habituation_s)
    for trial in box.trials(p.n_shocks):
        with trial, box.alongside(shock(box, p)):
            await box.wait(box.draw(p.interval_s))


async def shock(box: ShuttleBox, p: HelplessnessInductionParameters) -> None:
    """One shock, as the group has it; only the master's is over when it has crossed."""
    if p.group == "inescapable":
        box.shock(p.shock_ma, p.shock_s)
    elif p.group == "escapable":
        with box.gate_open(), box.shocking(p.shock_ma, at_most_s=p.shock_s):
            await box.crossing(within_s=p.shock_s, n=p.crossings_required)


async def yoked(box: ShuttleBox, p: HelplessnessInductionParameters) -> None:
    """The master's shocks again, when it had them: each by the session's time, so that no lateness adds up."""
    last = p.master_shocks[-1]
    with ExitStack() as shocks:
        for trial, shock in zip(box.trials(len(p.master_shocks)), p.master_shocks, strict=True):
            shocks.enter_context(box.alongside(again(box, p, trial, shock)))
        await box.wait(last.onset_s + last.duration_s)
        if box.shock_is_on:  # the device began a little later than it was asked to
            await box.next(ShockEnded, within_s=1.0)


async def again(box: ShuttleBox, p: HelplessnessInductionParameters, trial: Block, shock: MasterShock) -> None:
    """One shock of the master's."""
    await box.wait(shock.onset_s)
    with trial:
        box.shock(p.shock_ma, shock.duration_s)
        await box.wait(shock.duration_s)
