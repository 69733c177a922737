"""Foot-shock-induced aggression: two rats on a grid, shocks at intervals, fights (Ulrich & Azrin 1962).

Nobody in the paradigm waits for a fight: raters key them while the session runs, or write them down from its video, and
the scorer finds them by their times. The experimental unit is the pair.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from behavior.config.limits import ShockLimits
from behavior.paradigms.box import Box
from behavior.paradigms.parameters import Current, Duration, Parameters, Pause, ShockDuration

BEGINS, ENDS = "fight begins", "fight ends"


def keyed(rater: str, *, begins: bool) -> str:
    """The note that stands in the journal for a rater's key.

    >>> keyed("A", begins=True)
    'A: fight begins'
    """
    return f"{rater}: {BEGINS if begins else ENDS}"


class ShockAggressionParameters(Parameters):
    """Usual values: 60 shocks of 2.0 mA and 0.5 s, one every 10 s."""

    habituation_s: Pause = 60
    n_shocks: Annotated[int, Field(ge=1, le=500)] = 60
    interval_s: Duration = 10.0
    """From onset to onset, s."""
    shock_ma: Current = 2.0
    shock_s: ShockDuration = 0.5
    raters: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)] = ("A",)
    """Who keys fights; the first is the one that the measures are of."""
    window_s: Annotated[float, Field(gt=0)] = 1.5
    """Scoring: a fight that begins within this time from a shock's onset was brought about by it, s."""
    limits: ShockLimits = ShockLimits(max_ma=2.5, max_single_s=1.0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.interval_s <= self.shock_s:
            raise ValueError(
                f"interval_s ({self.interval_s:g}) must be more than shock_s ({self.shock_s:g}): "
                "it is from onset to onset"
            )
        if self.window_s > self.interval_s:
            raise ValueError(
                f"window_s ({self.window_s:g}) must not be more than interval_s ({self.interval_s:g}): "
                "a fight belongs to one shock"
            )
        if len(set(self.raters)) < len(self.raters) or not all(rater.strip() for rater in self.raters):
            raise ValueError("raters must have different names that are not empty")
        if not self.shock_ma:
            raise ValueError("shock_ma must be more than 0")
        return self


async def shock_aggression(box: Box, p: ShockAggressionParameters) -> None:
    """Shocks at intervals."""
    await box.wait(p.habituation_s)
    for trial in box.trials(p.n_shocks):
        with trial:
            box.shock(p.shock_ma, p.shock_s)
            await box.wait(p.interval_s)
