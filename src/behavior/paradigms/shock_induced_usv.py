"""Shock-induced ultrasonic vocalization: a few shocks, then the calls of minutes 1 to 6 (Sanchez 1993, De Vry 1993)."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from behavior.config.limits import ShockLimits
from behavior.paradigms.box import Box
from behavior.paradigms.parameters import (
    Between,
    Current,
    Duration,
    Parameters,
    Pause,
    ShockDuration,
    lowest,
)


class ShockInducedUsvParameters(Parameters):
    """Usual values: four inescapable shocks of 1.0 mA and 1 s; calling is scored from 1 to 6 min after the last."""

    stage: Literal["screening", "test"] = "test"
    """Screening: a test without drug that finds the subjects that do not call."""
    day: Annotated[int, Field(ge=1)] = 1
    """Day of treatment, where the test is repeated (usually 1, 8, 15 and 20)."""
    habituation_s: Pause = 120
    n_shocks: Annotated[int, Field(ge=1, le=100)] = 4
    interval_s: Annotated[float | Between, Field()] = 20.0
    """From onset to onset, s."""
    shock_ma: Current = 1.0
    shock_s: ShockDuration = 1.0
    delay_s: Pause = 60
    """From the end of the last shock to the start of the test, s."""
    test_s: Duration = 300
    non_caller_below_s: Pause = 30
    """Scoring: with less calling than this in a screening, a subject counts as a non-caller, s."""
    limits: ShockLimits = ShockLimits(max_ma=1.0, max_single_s=10.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if lowest(self.interval_s) <= self.shock_s:
            raise ValueError(
                f"interval_s ({lowest(self.interval_s):g}) must be more than shock_s ({self.shock_s:g}): "
                "it is from onset to onset"
            )
        if self.stage == "screening" and self.non_caller_below_s >= self.test_s:
            raise ValueError(
                f"non_caller_below_s ({self.non_caller_below_s:g}) must be less than test_s ({self.test_s:g})"
            )
        if not self.shock_ma:
            raise ValueError("shock_ma must be more than 0; for a test without shock there is conditioned_usv")
        return self


async def shock_induced_usv(box: Box, p: ShockInducedUsvParameters) -> None:
    """Shocks, a pause, and the test; sound is recorded from the first shock on."""
    await box.wait(p.habituation_s)
    with box.recording():
        for number, trial in enumerate(box.trials(p.n_shocks), start=1):
            with trial:
                box.shock(p.shock_ma, p.shock_s)
                await box.wait(p.shock_s)
            if number < p.n_shocks:
                await box.wait(box.draw(p.interval_s) - p.shock_s)
        await box.wait(p.delay_s)
        with box.component("test"):
            await box.wait(p.test_s)
