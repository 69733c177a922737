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
    Measure("mean_call_duration_s", "Mean 22-kHz call (s)", "duration"),
    Measure("fraction_time_calling", "Share of time calling at 22 kHz", "ratio"),
    Measure("n_bouts", "Bouts of 22-kHz calls", "count"),
    Measure("n_50khz_calls", "50-kHz calls", "count"),
    Measure("conflict_ratio", "Punished / unpunished rate", "ratio"),
    Measure("n_pellets_punished", "Reinforcers, punished", "count"),
    Measure("n_pellets_unpunished", "Reinforcers, unpunished", "count"),
    Measure("n_timeout_presses", "Presses in time-outs", "count"),
    Measure("n_failures", "Escape failures", "count"),
    Measure("n_escapes", "Escapes", "count"),
    Measure("n_avoidances", "Avoidances", "count"),
    Measure("fraction_failures", "Share of trials failed", "ratio"),
    Measure("mean_escape_latency_s", "Escape latency, failures at cut-off (s)", "latency"),
    Measure("median_escape_latency_s", "Median escape latency, failures at cut-off (s)", "latency"),
    Measure("mean_latency_s", "Latency from CS, failures at cut-off (s)", "latency"),
    Measure("n_intertrial_crossings", "Intertrial crossings", "count"),
    Measure("training_latency_s", "Latency to enter, training (s)", "latency"),
    Measure("retention_latency_s", "Latency to enter, retention (s)", "latency"),
    Measure("n_entries", "Entries", "count"),
    Measure("n_shocks_with_fight", "Shocks with a fight", "count"),
    Measure("fraction_shocks_with_fight", "Share of shocks with a fight", "ratio"),
    Measure("latency_first_fight_s", "Latency to the first fight (s)", "latency"),
    Measure("fight_time_s", "Fighting after shock (s)", "duration"),
)

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
"""Every measure by name."""
