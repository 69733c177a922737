"""Units that follow a known dose–response curve: b = 1.5, from 0.8 to 0.1, half way at 2.5."""

from __future__ import annotations

import numpy as np

from behavior.summary.dose_response import log_logistic
from behavior.summary.units import Units
from summary.test_outcome_ed50 import TRUE, counts, cut_latencies, fractions


def curve_units(kind: str) -> Units:
    """Of a share, a count, a latency or a rate."""
    if kind == "share":
        x, shares = fractions(2)
        return _units(x, shares.events, events=shares.events, trials=shares.trials)
    if kind == "count":
        x, found = counts(2)
        return _units(x, found.counts, events=found.counts, exposure=found.exposure)
    if kind == "latency":
        x, times = cut_latencies(2)
        cut = times.event == 0
        return _units(x, np.where(cut, np.nan, times.time), censored=cut, cut_off=200.0)
    x = np.repeat([0.0, 0.3, 1.0, 3.0, 10.0, 30.0], 6)
    return _units(x, 10 * log_logistic(x, TRUE) + np.random.default_rng(1).normal(0, 0.5, len(x)))


def _units(x: np.ndarray, y: np.ndarray, **more: object) -> Units:
    n = len(x)
    settings = {"censored": np.zeros(n, dtype=bool), "cut_off": None, "periods": (1,) * n} | more
    return Units(tuple(f"R{i}" for i in range(n)), x, y, **settings)  # type: ignore[arg-type]
