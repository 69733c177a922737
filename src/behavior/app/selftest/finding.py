"""What each part of the self-test found: good, worth knowing, or wrong; a sentence or more, and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["good", "note", "WRONG"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one part.

    Attributes
    ----------
    part : what was looked at
    state : "WRONG" if something that the package promises does not hold here
    says : sentences for a person
    figures : what was measured, units in the names
    """

    part: str
    state: State
    says: tuple[str, ...]
    figures: dict[str, Any] = field(default_factory=dict)


def percentiles(values: Sequence[float], unit: str, digits: int = 3) -> dict[str, float]:
    """Median, 99th percentile and worst of at least two values, as figures."""
    ordered = sorted(values)
    last = len(ordered) - 1
    picked = {"p50": ordered[round(0.5 * last)], "p99": ordered[round(0.99 * last)], "worst": ordered[last]}
    return {f"{name}_{unit}": round(value, digits) for name, value in picked.items()}
