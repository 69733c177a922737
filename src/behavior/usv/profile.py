"""What a detector looks for: read from `configs/detectors/*.toml`, the same for every recording of a kind."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from behavior.config import Record, read
from behavior.config.shipped import find


class DetectorProfile(Record):
    """The parameters of a detector. Levels are dB over the noise of a call's own frequencies."""

    name: str
    """As in the result."""
    low_hz: float = Field(gt=0)
    """Lowest frequency of a call's ridge."""
    high_hz: float = Field(gt=0)
    """Highest frequency of a call's ridge; bounded by 97 % of half the sample rate."""
    confirm_db: float = Field(7.2, gt=0)
    """A contour is a call when its ridge is this strong somewhere."""
    confirm_evidence: float = Field(40.0, gt=0)
    """And when its ridge exceeds `hold_db` by this much, summed over its frames, dB."""
    support_evidence: float = Field(5.0, gt=0)
    """A contour with this much is a part of a call that is near."""
    hold_db: float = Field(4.7, gt=0)
    """A contour lasts while its ridge is this strong: it defines onset and offset."""
    shortest_s: float = Field(0.004, gt=0)
    """Shortest call."""
    longest_s: float = Field(4.0, gt=0)
    """Longest call; what lasts longer is a steady tone."""
    join_s: float = Field(0.010, ge=0)
    """Contours with a gap shorter than this are one call."""
    join_22khz_s: float = Field(0.022, ge=0)
    """The same where both sides lie below `below_22khz_hz`, or each has half of a call's evidence."""
    below_22khz_hz: float = Field(33_000.0, gt=0)
    """Upper bound of 22-kHz calls."""
    floor_s: float = Field(10.0, gt=0)
    """The noise floor is taken from this much sound up to now."""
    floor_quantile: float = Field(0.20, gt=0, lt=1)
    """Share of that time that is taken to be quieter than any call."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.high_hz <= self.low_hz:
            raise ValueError(f"high_hz must be more than low_hz ({self.low_hz:g})")
        if self.confirm_db < self.hold_db:
            raise ValueError(f"confirm_db must not be less than hold_db ({self.hold_db:g})")
        if self.longest_s <= self.shortest_s:
            raise ValueError(f"longest_s must be more than shortest_s ({self.shortest_s:g})")
        return self


def load_profile(name: str) -> DetectorProfile:
    """A shipped profile by name (rat, rat-22khz, rat-50khz, mouse), or a TOML file of one's own.

    Raises
    ------
    BadInput
        There is neither, or the file does not hold what it must.
    """
    return read(Path(find(name, "configs", "detectors")), DetectorProfile)
