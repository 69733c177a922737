"""Two-way escape and avoidance in a shuttle box, the test for learned helplessness (Giral et al. 1988)."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from behavior.config.limits import ShockLimits
from behavior.paradigms.box import Block, ShuttleBox
from behavior.paradigms.parameters import (
    Between,
    Current,
    Duration,
    Parameters,
    Pause,
    ShockDuration,
    positive,
)


class ShuttleEscapeParameters(Parameters):
    """Usual values: 30 trials of a 3-s light, then 0.8 mA for at most 3 s, every 30 s; one crossing ends either."""

    habituation_s: Pause = 300
    n_trials: Annotated[int, Field(ge=1, le=500)] = 30
    iti_s: Annotated[float | Between, Field()] = 24.0
    """From the end of one trial to the start of the next, s."""
    cs: str = "light"
    cs_s: Duration = 3.0
    """Warning before the shock, s."""
    shock_ma: Current = 0.8
    us_s: ShockDuration = 3.0
    """Cut-off: the longest a shock lasts, s."""
    crossings_required: Annotated[int, Field(ge=1, le=20)] = 1
    """How many crossings avoid or end the shock."""
    n_trials_fr1: Annotated[int, Field(ge=0)] = 0
    """In so many trials at the start one crossing is enough."""
    gate: Literal["none", "session", "trial"] = "none"
    """Whether the box has a gate, and when it is open."""
    block_size: Annotated[int, Field(ge=1)] = 5
    """Scoring: trials of a block."""
    helpless_min_failures: Annotated[int, Field(ge=1)] = 15
    """Scoring: with so many failures a subject counts as helpless."""

    @model_validator(mode="before")
    @classmethod
    def _limits_follow_the_cut_off(cls, given: Any) -> Any:
        if isinstance(given, dict) and "limits" not in given:
            us_s = given.get("us_s", 3.0)
            if isinstance(us_s, int | float) and 0 < us_s <= 30:
                return {**given, "limits": ShockLimits(max_ma=1.0, max_single_s=us_s)}
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        positive("iti_s", self.iti_s)
        if not self.shock_ma:
            raise ValueError("shock_ma must be more than 0: without shock there is nothing to escape from")
        if self.n_trials_fr1 > self.n_trials:
            raise ValueError(f"n_trials_fr1 ({self.n_trials_fr1}) must not be more than n_trials ({self.n_trials})")
        if self.helpless_min_failures > self.n_trials:
            raise ValueError(
                f"helpless_min_failures ({self.helpless_min_failures}) must not be more than n_trials ({self.n_trials})"
            )
        return self


async def shuttle_escape(box: ShuttleBox, p: ShuttleEscapeParameters) -> None:
    """Signalled two-way escape/avoidance: CS, then shock until crossing or cut-off."""
    with gate(box, p, "session"):
        await box.wait(p.habituation_s)
        for number, trial in enumerate(box.trials(p.n_trials), start=1):
            required = 1 if number <= p.n_trials_fr1 else p.crossings_required
            await box.wait(box.draw(p.iti_s))
            with trial, gate(box, p, "trial"), box.cue(p.cs):
                if await box.crossing(within_s=p.cs_s, n=required):
                    continue  # avoidance
                with box.shocking(p.shock_ma, at_most_s=p.us_s):
                    await box.crossing(within_s=p.us_s, n=required)  # escape, or failure at cut-off


def gate(box: ShuttleBox, p: ShuttleEscapeParameters, when: str) -> Block:
    """The gate is open in the block, if that is when it opens."""
    return box.gate_open() if p.gate == when else nullcontext()
