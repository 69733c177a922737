"""Calibration records: what a shocker gave through a dummy load, when, by whom, and until when that is believed."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from behavior.config.read import Record

VALID_DAYS = 90
TOLERANCE, MARGIN_MA = 0.05, 0.01
"""What is measured may differ by so much of what was asked for, and so much more."""


class Point(Record):
    """One measurement through the dummy load."""

    asked_ma: Annotated[float, Field(gt=0, le=3.0)]
    measured_ma: Annotated[float, Field(ge=0)]
    """By the meter."""
    reported_ma: Annotated[float, Field(ge=0)] | None = None
    """By the device itself, if it measures."""

    @property
    def is_good(self) -> bool:
        """Whether meter and device agree with what was asked for."""
        most_ma = TOLERANCE * self.asked_ma + MARGIN_MA + 1e-9
        found = [self.measured_ma, *([self.reported_ma] if self.reported_ma is not None else [])]
        return all(abs(ma - self.asked_ma) <= most_ma for ma in found)


class Calibration(Record):
    """What `behavior bench` writes, beside the rig file."""

    device: str
    """Its name in the rig."""
    kind: str
    identity: str
    """Whom the rig names, so that a record is never taken for another box's."""
    done_on: date
    expires_on: date
    done_by: Annotated[str, Field(min_length=1)]
    meter: Annotated[str, Field(min_length=1)]
    """Make, serial number, and when it was calibrated itself."""
    load_ohm: Annotated[float, Field(gt=0)]
    points: Annotated[tuple[Point, ...], Field(min_length=1)]
    simulated: bool = False

    @property
    def max_ma(self) -> float:
        """The highest current that was measured."""
        return max(point.asked_ma for point in self.points)

    @model_validator(mode="after")
    def _good(self) -> Self:
        if self.expires_on <= self.done_on:
            raise ValueError("expires_on must be after done_on")
        if bad := [point for point in self.points if not point.is_good]:
            asked = ", ".join(f"{point.asked_ma:g} mA gave {point.measured_ma:g} mA" for point in bad)
            raise ValueError(f"{asked}: more than {TOLERANCE:.0%} + {MARGIN_MA:g} mA off; mend it and measure again")
        return self
