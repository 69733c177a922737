"""Fits to counts whose spread grows with their size.

Least squares takes every tube as equally exact. Counts are not: pipetting adds an error in proportion. Estimates hardly
suffer, their limits do (with 3 % pipetting error the 95 % limits of Bmax held the truth in 85 % of simulated assays).
With spread ``grows`` the standard deviation is taken as a line a + b μ over the fitted response μ, estimated from the
residuals and not falling below a tenth of its mean, and the curve is fitted again with tubes divided by it, three times
(Carroll and Ruppert's iterated generalized least squares). Estimates and limits then stand on the same model.

References
----------
Carroll RJ, Ruppert D (1988). Transformation and Weighting in Regression. Chapman and Hall, chapter 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from behavior.summary.fit import Curve, CurveFit, fit_curve

Floats = NDArray[np.float64]
Spread = Literal["constant", "grows"]
_ROUNDS = 3
_LEAST_SHARE = 0.1

GROWS = 'the error of the tubes grows with their counts; limits are too narrow, use spread = "grows"'
METHOD_OF_SPREAD = {
    "constant": "Every tube has the same error.",
    "grows": "The tubes' error grows with the response: its standard deviation is a line over the fitted response, "
    "estimated from the residuals, and tubes are weighted by it (iterated generalized least squares).",
}


def fit_with_spread(
    curve: Curve,
    x: Floats,
    y: Floats,
    starts: Sequence[Sequence[float]],
    *,
    names: Sequence[str],
    fixed: Mapping[str, float] | None = None,
    spread: Spread = "constant",
) -> CurveFit:
    """Fit a curve by least squares, or by least squares iteratively weighted with a spread that grows.

    Parameters are those of `summary.fit.fit_curve`. A weighted fit's `y` and `fitted` are divided by the spread.
    """
    fit = fit_curve(curve, x, y, starts, names=names, fixed=fixed)
    if spread == "constant":
        return fit
    fitted = fit.fitted
    for _ in range(_ROUNDS):
        scale = line_of_spread(fitted, y - fitted)
        fit = fit_curve(_Scaled(curve, scale), x, y / scale, [fit.parameters.tolist()], names=names, fixed=fixed)
        fitted = fit.fitted * scale
    return fit


def line_of_spread(fitted: Floats, left: Floats) -> Floats:
    """The spread at each fitted value, as a line through the absolute residuals, relative to its own mean; shape
    (n,).
    """
    size = np.abs(left)
    around = fitted - fitted.mean()
    sxx = float(around @ around)
    slope = max(float(around @ size) / sxx, 0.0) if sxx > 0 else 0.0
    line = size.mean() + slope * around
    mean = float(line.mean())
    return np.maximum(line / mean, _LEAST_SHARE) if mean > 0 else np.ones_like(fitted)


def spread_grows(fit: CurveFit, alpha: float = 0.01) -> bool:
    """Whether the residuals of a plain fit grow with the fitted response (Spearman's rank correlation, one-sided)."""
    from scipy import stats

    if fit.n < 8 or np.ptp(fit.fitted) == 0:
        return False
    found = stats.spearmanr(fit.fitted, np.abs(fit.y - fit.fitted), alternative="greater")
    return bool(found.pvalue < alpha)


@dataclass(frozen=True)
class _Scaled:
    """A curve divided by the spread of each observation."""

    curve: Curve
    scale: Floats

    def __call__(self, x: Floats, p: Floats) -> Floats:
        return np.asarray(self.curve(x, p) / self.scale, dtype=np.float64)
