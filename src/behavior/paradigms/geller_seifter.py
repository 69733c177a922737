"""Geller-Seifter conflict: food alone, and food with shock, under different cues (Geller & Seifter 1960)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import nullcontext
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from behavior.config import Record
from behavior.model.events import LeverPressed
from behavior.paradigms.box import Chamber
from behavior.paradigms.parameters import (
    Current,
    Duration,
    Parameters,
    Pause,
    ScheduleText,
    ShockDuration,
)
from behavior.paradigms.schedules import Schedule

TRAINING, TIME_OUT = "training", "time-out"
"""Names of components that a parameter file may not use."""


class Component(Record):
    """A part of the multiple schedule."""

    name: str
    duration_s: Duration
    schedule: ScheduleText
    """Of food."""
    cue: str | None = None
    """Light or tone that is on; none for an uncued component."""
    shock_ma: Current = 0.0
    """Current of a shock, mA; 0 for an unpunished component."""
    shock_s: ShockDuration = 0.5
    shock_step_ma: Current = 0.0
    """Incremental shock: what each shock of a presentation has more than the one before, mA; from `shock_ma` on."""
    shock_max_ma: Current | None = None
    """Incremental shock: the strongest, mA."""
    time_out_s: Pause = 0.0
    """Punishment by time-out: so long the cue is off and nothing is earned."""
    punishment: ScheduleText = "CRF"
    """Of shock, or of time-out."""

    @property
    def strongest_ma(self) -> float:
        """The strongest shock that it can come to, mA; 0: none."""
        return self.shock_max_ma or 0.0 if self.shock_step_ma else self.shock_ma

    @property
    def punished(self) -> bool:
        """Whether responding has a consequence that is not food."""
        return self.strongest_ma > 0 or self.time_out_s > 0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name in (TRAINING, TIME_OUT):
            raise ValueError(f"name must not be {self.name!r}, which has its own meaning; choose another")
        if self.shock_step_ma and self.shock_max_ma is None:
            raise ValueError("shock_step_ma needs shock_max_ma, the strongest shock; add it")
        if self.shock_max_ma is not None and not self.shock_step_ma:
            raise ValueError("shock_max_ma is for incremental shock; add shock_step_ma, or leave it out")
        if self.shock_max_ma is not None and self.shock_max_ma < self.shock_ma:
            raise ValueError(f"shock_max_ma ({self.shock_max_ma:g}) must not be less than shock_ma ({self.shock_ma:g})")
        if self.time_out_s and self.strongest_ma:
            raise ValueError("a component is punished by shock or by time-out; leave out time_out_s or the shock")
        if self.time_out_s >= self.duration_s:
            raise ValueError(f"time_out_s ({self.time_out_s:g}) must be less than duration_s ({self.duration_s:g})")
        return self


UNPUNISHED = Component(name="unpunished", duration_s=480, schedule="VI 30 s")
PUNISHED = Component(name="punished", duration_s=120, schedule="CRF", cue="tone", shock_ma=0.4, shock_s=0.25)


class GellerSeifterParameters(Parameters):
    """Usual values: uncued VI 30 s for 8 min and cued CRF with 0.4-mA shocks for 2 min, six times in an hour."""

    stage: Literal["training", "test"] = "test"
    lever: Literal["left", "right"] = "left"
    reinforcer: Literal["pellet", "dipper"] = "pellet"
    """What the feeder gives, for the record; how long a dipper stays up is set at the device."""
    components: Annotated[tuple[Component, ...], Field(min_length=1)] = (UNPUNISHED, PUNISHED)
    n_cycles: Annotated[int, Field(ge=1, le=1000)] = 6
    """How often the components follow each other."""
    blackout_s: Pause = 0
    """Between components: no cue and no food, s."""
    training_schedule: ScheduleText = "CRF"
    """Training: the schedule of food, from CRF to the one of the test as the weeks go on."""
    training_s: Duration = 1800
    """Training: the longest session, s."""
    max_reinforcers: Annotated[int, Field(ge=1)] = 100
    """Training: the session ends when so many were earned."""
    drop_out_s: Pause = 0
    """Without a press for so long the session ends; 0: it goes on."""
    drop_out_n_components: Annotated[int, Field(ge=0)] = 0
    """After so many components in a row without a press the session ends; 0: it goes on."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.drop_out_n_components > len(self.components) * self.n_cycles:
            raise ValueError(
                f"drop_out_n_components ({self.drop_out_n_components}) must not be more than the session has "
                f"({len(self.components) * self.n_cycles})"
            )
        by_name: dict[str, bool] = {}
        for component in self.components:
            if component.shock_step_ma and component.strongest_ma > self.limits.max_ma:  # a dry run may not come so far
                raise ValueError(
                    f"components: shock_max_ma ({component.strongest_ma:g}) of {component.name!r} is more than "
                    f"limits.max_ma ({self.limits.max_ma:g}); lower it or raise the limit"
                )
            if by_name.setdefault(component.name, component.punished) != component.punished:
                raise ValueError(
                    f"components: {component.name!r} is punished in one place and unpunished in another; "
                    "give the two different names"
                )
        return self


async def geller_seifter(box: Chamber, p: GellerSeifterParameters) -> None:
    """Multiple schedule of unpunished and punished (food + shock) components."""
    watch = box.alongside(end_at_drop_out(box, p)) if p.drop_out_s else nullcontext()
    with box.lever_out(p.lever), watch:
        if p.stage == "training":
            await training(box, p)
            return
        n_silent = 0
        for number, component in enumerate(p.components * p.n_cycles):
            if number and p.blackout_s:
                await box.wait(p.blackout_s)
            presses: list[LeverPressed] = []
            with box.alongside(note_press(box, presses)) if p.drop_out_n_components else nullcontext():
                await present(box, p, component)
            n_silent = 0 if presses else n_silent + 1
            if p.drop_out_n_components and n_silent >= p.drop_out_n_components:
                box.end_session(f"no press in {n_silent} components")


async def training(box: Chamber, p: GellerSeifterParameters) -> None:
    """Food alone, on one schedule, until enough was earned."""
    with box.component(TRAINING):
        food, n_earned = box.schedule(p.training_schedule), 0
        async for press in box.presses(p.lever, within_s=p.training_s):
            if food.earned(press):
                box.reinforce()
                n_earned += 1
                if n_earned == p.max_reinforcers:
                    return


async def present(box: Chamber, p: GellerSeifterParameters, component: Component) -> None:
    """One component; a time-out suspends it and is part of its time."""
    with box.component(component.name):
        food, punishment = box.schedule(component.schedule), box.schedule(component.punishment)
        presses = box.presses(p.lever, within_s=component.duration_s)
        while await work(box, component, presses, food, punishment):
            with box.component(TIME_OUT):
                await box.wait(component.time_out_s)


async def work(
    box: Chamber, component: Component, presses: AsyncIterator[LeverPressed], food: Schedule, punishment: Schedule
) -> bool:
    """Food and punishment until the component is over, or until a time-out is due (True)."""
    shock_ma, punished = component.shock_ma, component.punished
    with box.cue(component.cue) if component.cue else nullcontext():
        async for press in presses:
            if food.earned(press):
                box.reinforce()
            if not punished or not punishment.earned(press) or box.shock_is_on:
                continue
            if component.time_out_s:
                return True
            if shock_ma:
                box.shock(shock_ma, component.shock_s)
            shock_ma = min(shock_ma + component.shock_step_ma, component.strongest_ma)
    return False


async def note_press(box: Chamber, presses: list[LeverPressed]) -> None:
    """The first press from now, of any lever and in a time-out too: whoever presses has not dropped out."""
    if press := await box.next(LeverPressed):
        presses.append(press)


async def end_at_drop_out(box: Chamber, p: GellerSeifterParameters) -> None:
    """A subject that has stopped to work is taken out."""
    while await box.next(LeverPressed, within_s=p.drop_out_s):
        pass
    box.end_session(f"no press for {p.drop_out_s:g} s")
