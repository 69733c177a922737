"""What the columns of a summary's tables mean."""

from __future__ import annotations

PER_DOSE: dict[str, str] = {
    "primary": "whether it was declared as the primary endpoint",
    "n_planned": "units in the plan",
    "n_run": "units that were tested",
    "n_left_out": "units that were left out",
    "n_missing": "units without this measure",
    "n_censored": "units whose latency is the cut-off",
    "mean": "arithmetic mean",
    "sem": "standard error of the mean",
    "sd": "standard deviation",
    "ci_lo": "lower 95 % limit of the mean",
    "ci_hi": "upper 95 % limit of the mean",
    "median": "median; of latencies by Kaplan and Meier",
    "q1": "lower quartile",
    "q3": "upper quartile",
    "min": "smallest",
    "max": "largest",
    "fraction_of_vehicle": "mean over that of vehicle",
    "test": "name of the comparison with vehicle",
    "scale": "what the difference is in",
    "difference": "from vehicle",
    "difference_lo": "lower simultaneous 95 % limit",
    "difference_hi": "upper simultaneous 95 % limit",
    "p": "of this comparison alone",
    "p_adjusted": "adjusted for all comparisons with vehicle",
    "p_welch": "adjusted, by Welch–Dunnett",
    "hedges_g": "standardized difference",
    "hedges_g_lo": "lower 95 % limit",
    "hedges_g_hi": "upper 95 % limit",
    "cliffs_delta": "chance that a unit exceeds one under vehicle, minus the reverse",
    "cliffs_delta_lo": "lower 95 % limit",
    "cliffs_delta_hi": "upper 95 % limit",
    "motor_control": "measure that tells a general loss of activity",
    "motor_control_mean": "its mean at this dose",
    "motor_control_sem": "its standard error",
    "motor_control_fraction_of_vehicle": "its mean over that of vehicle",
}
"""Of `per_dose.csv`."""


UNITS: dict[str, str] = {
    "response": "the value that was analysed",
    "cut_off": "of a latency, s",
    "events": "of a share: how many",
    "trials": "of a share: of how many",
    "exposure_s": "of a count: in how long, s",
}
"""Of `units.csv`."""


MODELS: dict[str, str] = {
    "quantity": "which figure of the model",
    "value": "its value",
}
"""Of `models.csv`."""


ENDPOINTS: dict[str, str] = {
    "source": "folder of the assay's report, or `behavior`",
    "assay": "kind of assay",
    "of": "compound, target, dose …, that it is of",
    "value": "the number; missing where there is none",
    "low": "lower 95 % limit",
    "high": "upper 95 % limit",
    "unit": "of the number",
    "qualifier": "`>` or `<` where it is a bound, `~` where it is about",
    "n_of": "what `n` counts",
    "text": "as printed where there is no number",
}
"""Of `endpoints.csv`."""
