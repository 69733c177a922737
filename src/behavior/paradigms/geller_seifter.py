"""Geller-Seifter conflict: food alone, and food with shock, under different cues (Geller & Seifter 1960)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from behavior.config import Record
from behavior.paradigms.box import Chamber
from behavior.paradigms.parameters import Current, Duration, Parameters, ScheduleText, ShockDuration


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
    punishment: ScheduleText = "CRF"
    """Of shock."""


UNPUNISHED = Component(name="unpunished", duration_s=480, schedule="VI 30 s")
PUNISHED = Component(name="punished", duration_s=120, schedule="CRF", cue="tone", shock_ma=0.4, shock_s=0.25)


class GellerSeifterParameters(Parameters):
    """Usual values: uncued VI 30 s for 8 min and cued CRF with 0.4-mA shocks for 2 min, six times in an hour."""

    lever: Literal["left", "right"] = "left"
    components: Annotated[tuple[Component, ...], Field(min_length=1)] = (UNPUNISHED, PUNISHED)
    n_cycles: Annotated[int, Field(ge=1, le=1000)] = 6
    """How often the components follow each other."""


async def geller_seifter(box: Chamber, p: GellerSeifterParameters) -> None:
    """Multiple schedule of unpunished and punished (food + shock) components."""
    with box.lever_out(p.lever):
        for component in p.components * p.n_cycles:
            with box.component(component.name, cue=component.cue):
                food, punishment = box.schedule(component.schedule), box.schedule(component.punishment)
                async for press in box.presses(p.lever, within_s=component.duration_s):
                    if food.earned(press):
                        box.reinforce()
                    if component.shock_ma and punishment.earned(press) and not box.shock_is_on:
                        box.shock(component.shock_ma, component.shock_s)
