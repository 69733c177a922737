"""The outcome measures: one name, one label and one unit each, from the score's column to the report's axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["rate", "count", "duration", "latency", "ratio", "share"]

METHODS: dict[Kind, tuple[str, ...]] = {
    "rate": ("dunnett", "welch", "permutation", "dunn", "mixed", "permutation_within"),
    "ratio": ("dunnett", "welch", "permutation", "dunn", "mixed", "permutation_within"),
    "duration": ("dunnett", "welch", "permutation", "dunn", "mixed", "permutation_within"),
    "count": (
        "negative_binomial", "negative_binomial_plain", "dunnett_sqrt", "permutation", "dunn", "mixed",
        "permutation_within",
    ),
    "share": (
        "quasi_binomial", "gee", "gee_plain", "beta_binomial", "permutation", "dunn", "mixed", "permutation_within",
    ),
    "latency": ("log_rank", "cox", "cox_plain", "tobit", "dunn", "permutation_within"),
}  # fmt: skip
"""How each kind may be compared with vehicle, the usual way first; what they are stands in `summary.methods`."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured in a session.

    Parameters
    ----------
    name : column of the score table, with its unit as suffix
    label : as on an axis, unit included
    kind : decides the statistics that suit it by default
    events : column of the number of events, of a share; where absent the measure itself is that number
    of, less : columns of the number of trials of a share, and of those among them that do not count
    exposure : column of the time in which a count was counted, s
    trial : column of the same latency in the table of trials, where a session has many
    """

    name: str
    label: str
    kind: Kind
    events: str = ""
    of: str = ""
    less: str = ""
    exposure: str = ""
    trial: str = ""

    @property
    def unit(self) -> str:
        """The unit as on an axis; empty for a pure number.

        >>> MEASURES["calling_time_s"].unit, MEASURES["n_calls"].unit
        ('s', '')
        """
        _, _, rest = self.label.rpartition(" (")
        return rest.removesuffix(")") if rest.endswith(")") and rest != self.label else ""

    @property
    def methods(self) -> tuple[str, ...]:
        """How it may be compared with vehicle, the usual way first."""
        return METHODS[self.kind]


_ALL = (
    Measure("punished_rate_per_min", "Punished responses (1/min)", "rate"),
    Measure("unpunished_rate_per_min", "Unpunished responses (1/min)", "rate"),
    Measure("suppression_ratio", "Suppression ratio P/(P+U)", "ratio"),
    Measure("n_shocks_delivered", "Shocks delivered", "count", exposure="duration_s"),
    Measure("calling_time_s", "22-kHz calling time (s)", "duration"),
    Measure("n_calls", "22-kHz calls", "count", exposure="window_s"),
    Measure("latency_first_call_s", "Latency to first 22-kHz call (s)", "latency"),
    Measure("mean_call_duration_s", "Mean 22-kHz call (s)", "duration"),
    Measure("fraction_time_calling", "Share of time calling at 22 kHz", "ratio"),
    Measure("n_bouts", "Bouts of 22-kHz calls", "count", exposure="window_s"),
    Measure("n_50khz_calls", "50-kHz calls", "count", exposure="window_s"),
    Measure("conflict_ratio", "Punished / unpunished rate", "ratio"),
    Measure("n_pellets_punished", "Reinforcers, punished", "count", exposure="duration_s"),
    Measure("n_pellets_unpunished", "Reinforcers, unpunished", "count", exposure="duration_s"),
    Measure("n_timeout_presses", "Presses in time-outs", "count", exposure="duration_s"),
    Measure("n_failures", "Escape failures", "share", of="n_trials", less="n_trials_invalid"),
    Measure("n_escapes", "Escapes", "share", of="n_trials", less="n_trials_invalid"),
    Measure("n_avoidances", "Avoidances", "share", of="n_trials", less="n_trials_invalid"),
    Measure(
        "fraction_failures", "Share of trials failed", "share",
        events="n_failures", of="n_trials", less="n_trials_invalid",
    ),
    Measure("mean_escape_latency_s", "Escape latency, failures at cut-off (s)", "latency", trial="latency_us_s"),
    Measure("median_escape_latency_s", "Median escape latency, failures at cut-off (s)", "latency"),
    Measure("mean_latency_s", "Latency from CS, failures at cut-off (s)", "latency", trial="latency_cs_s"),
    Measure("n_intertrial_crossings", "Intertrial crossings", "count", exposure="duration_s"),
    Measure("training_latency_s", "Latency to enter, training (s)", "latency"),
    Measure("retention_latency_s", "Latency to enter, retention (s)", "latency"),
    Measure("n_entries", "Entries", "count", exposure="window_s"),
    Measure("n_shocks_with_fight", "Shocks with a fight", "share", of="n_shocks_delivered"),
    Measure(
        "fraction_shocks_with_fight", "Share of shocks with a fight", "share",
        events="n_shocks_with_fight", of="n_shocks_delivered",
    ),
    Measure("latency_first_fight_s", "Latency to the first fight (s)", "latency"),
    Measure("fight_time_s", "Fighting after shock (s)", "duration"),
)  # fmt: skip

MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}
"""Every measure by name."""
