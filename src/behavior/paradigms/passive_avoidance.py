"""Passive avoidance: a rat that was shocked where it went by itself stays away (step-through, step-down).

A drug before the training may change acquisition, one after it consolidation, one before the retention test retrieval;
every session of a subject says which is meant.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from behavior.config.limits import ShockLimits
from behavior.paradigms.box import ShuttleBox
from behavior.paradigms.parameters import Current, Duration, Parameters, Pause, ShockDuration

ENTERED = {"step-through": "dark", "step-down": "grid"}
"""The side that is entered, by apparatus."""


class PassiveAvoidanceParameters(Parameters):
    """Usual values: half a minute in the light, then the way is open for 300 s; 0.6 mA for 3 s on full entry."""

    stage: Literal["training", "retention"] = "training"
    apparatus: Literal["step-through", "step-down"] = "step-through"
    treatment_before: Literal["training", "retention", "test"] = "training"
    """What the treatment precedes: training (acquisition), retention interval (consolidation) or test (retrieval)."""
    adaptation_s: Pause = 30
    cutoff_s: Duration = 300
    """The longest that is waited for entry, s."""
    shock_ma: Current = 0.6
    shock_s: ShockDuration = 3.0
    after_s: Annotated[float, Field(ge=0.5, le=86_400)] = 10
    """Training: left in the box after the shock, s; at least so long that the device itself ends the shock."""
    retention_until: Literal["entry", "cut-off"] = "entry"
    """Retention: whether the test ends with the first entry, or goes on to count entries and time."""
    max_train_s: Annotated[float, Field(gt=0)] = 60
    """Scoring: a subject that took longer in training is left out, by a rule that stands before the data."""
    limits: ShockLimits = ShockLimits(max_ma=1.0, max_single_s=5.0, max_count=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.stage == "training" and not self.shock_ma:
            raise ValueError("shock_ma must be more than 0 in training; a session without shock is stage 'retention'")
        if self.stage == "training" and self.max_train_s > self.cutoff_s:
            raise ValueError(f"max_train_s ({self.max_train_s:g}) must not be more than cutoff_s ({self.cutoff_s:g})")
        return self


async def passive_avoidance(box: ShuttleBox, p: PassiveAvoidanceParameters) -> None:
    """The way is opened; on full entry in training it is closed and the shock comes."""
    await box.wait(p.adaptation_s)
    for trial in box.trials(1):
        with trial:
            if p.stage == "training":
                await training(box, p)
            else:
                await retention(box, p)


async def training(box: ShuttleBox, p: PassiveAvoidanceParameters) -> None:
    """The gate opens from the light; entry closes it and is shocked."""
    with box.cue("light"), box.gate_open():
        entered = await box.crossing(side=ENTERED[p.apparatus], within_s=p.cutoff_s)
    if entered:
        box.shock(p.shock_ma, p.shock_s)
        await box.wait(p.shock_s + p.after_s)


async def retention(box: ShuttleBox, p: PassiveAvoidanceParameters) -> None:
    """The same without shock, until the entry or to the cut-off."""
    with box.cue("light"), box.gate_open():
        if p.retention_until == "entry":
            await box.crossing(side=ENTERED[p.apparatus], within_s=p.cutoff_s)
        else:
            await box.wait(p.cutoff_s)
