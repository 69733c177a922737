"""What a paradigm's TOML file may hold: the types that several paradigms share."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from behavior.config import Record
from behavior.config.limits import ShockLimits
from behavior.paradigms.schedules import parse

USUAL = ShockLimits(max_ma=1.0, max_single_s=10.0)
"""Limits of a paradigm that declares none: no more than 1 mA and 10 s a shock."""


class Between(Record):
    """A number drawn evenly between two bounds: `{ low = 45, high = 75 }`."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Between:
        if self.low > self.high:
            raise ValueError(f"low ({self.low:g}) must not be more than high ({self.high:g})")
        return self

    def draw(self, random: Random) -> float:
        """One number."""
        return random.uniform(self.low, self.high)


def _readable(text: str) -> str:
    parse(text, Random(0), 0)
    return text


ScheduleText = Annotated[str, AfterValidator(_readable)]
"""A schedule of reinforcement in its usual abbreviation."""
Duration = Annotated[float, Field(gt=0, le=86_400)]
"""A time that must pass, s."""
Pause = Annotated[float, Field(ge=0, le=86_400)]
"""A time that may be left out, s."""
Current = Annotated[float, Field(ge=0, le=3.0)]
"""A shock current, mA; 0 is no shock."""
ShockDuration = Annotated[float, Field(gt=0, le=30.0)]
"""A shock duration, s."""


class Parameters(Record):
    """Base of every paradigm's parameters."""

    limits: ShockLimits = USUAL
    """What the guard refuses beyond, whatever the other parameters say."""


def lowest(value: float | Between) -> float:
    """The least that can be drawn."""
    return value.low if isinstance(value, Between) else value


def positive(name: str, value: float | Between) -> None:
    """Check that time passes, whatever is drawn.

    Raises
    ------
    ValueError
        It may be 0 or less.
    """
    if lowest(value) <= 0:
        raise ValueError(f"{name} must be more than 0 (is {lowest(value):g})")
