"""A vocalization and the columns of a call table."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Call:
    """One ultrasonic vocalization.

    Times are seconds from the first sample of the recording; the call lies in [`onset_s`, `offset_s`).
    `level_db` is dB re full scale, `snr_db` dB over the noise floor of the call's own frequencies.
    `tonality` is 1 - geometric / arithmetic mean of the power spectrum within the call's band (0 noise, 1 pure tone).
    `score` is the detector's evidence, comparable within a profile only.
    """

    file: str
    onset_s: float
    offset_s: float
    duration_s: float
    peak_hz: float
    low_hz: float
    high_hz: float
    mean_hz: float
    start_hz: float
    end_hz: float
    bandwidth_hz: float
    slope_hz_per_s: float
    sinuosity: float
    tonality: float
    level_db: float
    snr_db: float
    call_type: str
    score: float


CALL_COLUMNS = tuple(field.name for field in fields(Call))
"""The columns of every call table, in order."""
