"""Conditioned ultrasonic vocalization: a tone that was paired with shock makes a rat call (De Vry et al. 1993)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from behavior.paradigms.box import Box
from behavior.paradigms.parameters import Between, Current, Duration, Parameters, Pause, ShockDuration, positive


class ConditionedUsvParameters(Parameters):
    """Usual values: six pairings of a 20-s tone with a 0.8-mA, 1-s shock; a day later the tone alone, recorded."""

    stage: Literal["conditioning", "screening", "test"] = "test"
    """Screening: a test without drug that finds the subjects that do not call."""
    habituation_s: Duration = 120
    cue: str = "tone"
    n_pairings: Annotated[int, Field(ge=1, le=500)] = 6
    cs_s: Duration = 20
    iti_s: Annotated[float | Between, Field()] = Between(low=60, high=180)
    """Conditioning: from the end of one tone to the start of the next, s."""
    shock_ma: Current = 0.8
    shock_s: ShockDuration = 1.0
    """The shock ends with the tone."""
    test_s: Duration = 300
    """Test: how long the tone is presented and calls are recorded, s."""
    non_caller_below_s: Pause = 30
    """Scoring: with less calling than this in a screening, a subject counts as a non-caller, s."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        positive("iti_s", self.iti_s)
        if self.stage == "screening" and self.non_caller_below_s >= self.test_s:
            raise ValueError(
                f"non_caller_below_s ({self.non_caller_below_s:g}) must be less than test_s ({self.test_s:g})"
            )
        if self.cs_s <= self.shock_s:
            raise ValueError(
                f"cs_s ({self.cs_s:g}) must be more than shock_s ({self.shock_s:g}): the shock ends with the tone"
            )
        return self


async def conditioned_usv(box: Box, p: ConditionedUsvParameters) -> None:
    """Conditioning: tone and shock end together. Test: the tone alone, and the calls are recorded."""
    await box.wait(p.habituation_s)
    if p.stage == "conditioning":
        await pairings(box, p)
    else:
        with box.recording(), box.component("test", cue=p.cue):
            await box.wait(p.test_s)


async def pairings(box: Box, p: ConditionedUsvParameters) -> None:
    """Tone, and at its end the shock."""
    for trial in box.trials(p.n_pairings):
        with trial:
            with box.cue(p.cue):
                await box.wait(p.cs_s - p.shock_s)
                box.shock(p.shock_ma, p.shock_s)
                await box.wait(p.shock_s)
            await box.wait(box.draw(p.iti_s))
