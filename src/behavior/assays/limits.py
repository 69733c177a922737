"""Profile limits of a fitted parameter, open where the data set none."""

from __future__ import annotations

import math

from behavior.assays.result import Estimate
from behavior.summary.fit import CurveFit, profile_interval, wald_interval


def profile_limits(fit: CurveFit, name: str, conf_level: float, *, positive: bool = False) -> Estimate:
    """A parameter with its profile limits; the estimate itself where the fit is exact.

    Parameters
    ----------
    fit : the curve
    name : a free parameter
    positive : search on the logarithm
    """
    value = fit.estimates[name]
    if fit.is_exact:
        return Estimate(value, value, value, conf_level)
    ends = profile_interval(fit, name, conf_level, positive=positive)
    low = ends.lo if math.isfinite(ends.lo) and not (positive and ends.lo <= 0) else None
    return Estimate(value, low, ends.hi if math.isfinite(ends.hi) else None, conf_level)


def wald_limits(fit: CurveFit, name: str, conf_level: float) -> Estimate:
    """A parameter with the limits estimate -/+ t se, as many programs print them."""
    ends = wald_interval(fit, name, conf_level)
    return Estimate(fit.estimates[name], ends.lo, ends.hi, conf_level)


def raised(estimate: Estimate, base: float) -> Estimate:
    """An estimate on a log scale back on its own; limits that overflow are open."""

    def power(end: float) -> float:
        return math.exp(end) if base == math.e else base**end

    low, high = (
        None if end is None or abs(end) * math.log10(base) > 300 else power(end)
        for end in (estimate.low, estimate.high)
    )
    return Estimate(power(estimate.value), low, high, estimate.level)
