"""Levels in dB SPL: what a microphone's calibration file says, applied to a call's level in dB re full scale.

A calibrator's sine gives the level of full scale; the microphone's response, relative to the calibrator's frequency, is
taken off at the call's peak frequency, interpolated over the logarithm of frequency.
"""

from __future__ import annotations

from datetime import date
from math import log
from typing import Annotated, Self

from pydantic import Field, model_validator

from behavior.config.read import Record
from behavior.model.calls import Call

COLUMN = "level_db_spl"
"""Stands after the columns of every call table where a calibration was given."""


class Calibration(Record):
    """A microphone with its gain, as it was calibrated on a day."""

    microphone: Annotated[str, Field(min_length=1)]
    """Which one, with its serial number."""
    gain: str = ""
    """At which setting of its amplifier; another setting needs another calibration."""
    calibrated_on: date
    valid_until: date | None = None
    full_scale_db_spl: Annotated[float, Field(ge=40, le=200)]
    """How loud a sine of full scale is at the microphone, dB re 20 µPa."""
    response_db: tuple[tuple[float, float], ...] = ()
    """Pairs of frequency in Hz and the microphone's response there, dB re that at the calibrator's frequency."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        frequencies = [hz for hz, _ in self.response_db]
        if any(hz <= 0 for hz in frequencies) or frequencies != sorted(set(frequencies)):
            raise ValueError("response_db must go up in frequency, from above 0 Hz")
        if self.valid_until is not None and self.valid_until < self.calibrated_on:
            raise ValueError(f"valid_until must not be before calibrated_on ({self.calibrated_on})")
        return self

    def level_db_spl(self, call: Call) -> float:
        """The call's mean level at the microphone, dB re 20 µPa."""
        return call.level_db + self.full_scale_db_spl - self.response_at(call.peak_hz)

    def response_at(self, hz: float) -> float:
        """The microphone's response, dB; beyond the table it is that at its end."""
        below = [pair for pair in self.response_db if pair[0] <= hz]
        above = [pair for pair in self.response_db if pair[0] > hz]
        if not below or not above:
            return below[-1][1] if below else (above[0][1] if above else 0.0)
        (low_hz, low_db), (high_hz, high_db) = below[-1], above[0]
        return low_db + (high_db - low_db) * log(hz / low_hz) / log(high_hz / low_hz)

    def remarks(self, today: date) -> list[str]:
        """What whoever uses it should know."""
        if self.valid_until is not None and today > self.valid_until:
            return [f"the calibration of {self.microphone} was valid until {self.valid_until}; calibrate it again"]
        return []
