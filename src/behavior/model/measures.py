"""The outcome measures: one name, one label and one unit each, from the score's column to the report's axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["rate", "count", "duration", "latency", "ratio"]


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured in a session.

    Parameters
    ----------
    name : column of the score table, with its unit as suffix
    label : as on an axis, unit included
    kind : decides the statistics that suit it by default
    """

    name: str
    label: str
    kind: Kind


_ALL = (
    Measure("punished_rate_per_min", "Punished responses (1/min)", "rate"),
    Measure("unpunished_rate_per_min", "Unpunished responses (1/min)", "rate"),
    Measure("suppression_ratio", "Suppression ratio P/(P+U)", "ratio"),
    Measure("n_shocks_delivered", "Shocks delivered", "count"),
    Measure("calling_time_s", "22-kHz calling time (s)", "duration"),
    Measure("n_calls", "22-kHz calls", "count"),
    Measure("latency_first_call_s", "Latency to first 22-kHz call (s)", "latency"),
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
"""Every measure by name."""
