"""Effect sizes of two groups, with confidence intervals: Hedges' g and Cliff's delta.

A positive value means that the group lies above the reference. Missing values (NaN) are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats
from behavior.summary.groups import as_responses
from behavior.summary.multivariate_t import error_scales


@dataclass(frozen=True, slots=True)
class EffectSize:
    """An effect size and its confidence interval."""

    estimate: float
    lo: float
    hi: float
    conf_level: float


def small_sample_factor(df: float) -> float:
    """Hedges' exact J(m) = Γ(m/2) / (√(m/2) Γ((m-1)/2)), which takes the bias from a standardised difference.

    References
    ----------
    Hedges LV (1981). Journal of Educational Statistics 6, 107–128.
    """
    if df <= 1:
        raise BadInput(f"{df:g} degrees of freedom give no unbiased effect size; add animals")
    return math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)


def cohens_d(values: ArrayLike, reference: ArrayLike) -> float:
    """The difference of means in units of the two groups' pooled SD.

    Raises
    ------
    BadInput
        Too few values, or no variance in either group.
    """
    a, b = _pair(values, reference)
    df = len(a) + len(b) - 2
    squares = float(((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum())
    if df < 1 or squares <= 0 or (np.ptp(a) <= 0 and np.ptp(b) <= 0):
        raise BadInput("an effect size needs two groups that vary; these have no variance or one animal each")
    return float((a.mean() - b.mean()) / math.sqrt(squares / df))


def hedges_g(values: ArrayLike, reference: ArrayLike, conf_level: float = 0.95) -> EffectSize:
    """Hedges' g, Cohen's d without its small-sample bias, with the exact interval from the noncentral t.

    References
    ----------
    Hedges (1981); Cumming G, Finch S (2001). Educational and Psychological Measurement 61, 532–574.
    """
    a, b = _pair(values, reference)
    d, df = cohens_d(a, b), len(a) + len(b) - 2
    size = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    factor = small_sample_factor(df)
    lo, hi = (noncentrality(d * size, df, p) / size * factor for p in ((1 + conf_level) / 2, (1 - conf_level) / 2))
    return EffectSize(d * factor, lo, hi, conf_level)


def noncentral_t_probability(t: float, df: float, delta: float) -> float:
    """P(T <= t) of the noncentral t, by integration over the error's scale."""
    from scipy.special import ndtr

    s, weights = error_scales(df)
    return float(weights @ ndtr(t * s - delta))


def noncentrality(t: float, df: float, p: float) -> float:
    """The noncentrality at which a noncentral t falls below `t` with probability `p`."""
    from scipy.optimize import brentq

    spread = 5 + abs(t)
    lo, hi = t - spread, t + spread
    while noncentral_t_probability(t, df, lo) < p:
        lo -= spread
    while noncentral_t_probability(t, df, hi) > p:
        hi += spread
    return float(brentq(lambda delta: noncentral_t_probability(t, df, delta) - p, lo, hi, xtol=1e-10))


def cliffs_delta(values: ArrayLike, reference: ArrayLike, conf_level: float = 0.95) -> EffectSize:
    """P(value above a reference value) - P(below), with Cliff's asymmetric interval from the unbiased
    variance.

    References
    ----------
    Cliff N (1993). Psychological Bulletin 114, 494–509; Feng D, Cliff N (2004). Journal of Modern Applied
    Statistical Methods 3, 322–332.
    """
    from scipy import stats

    a, b = _pair(values, reference)
    wins = np.sign(a[:, None] - b[None, :])
    delta = float(wins.mean())
    n, m = wins.shape
    if n < 2 or m < 2:
        return EffectSize(delta, -1.0, 1.0, conf_level)
    rows, columns = wins.mean(axis=1) - delta, wins.mean(axis=0) - delta
    inner = float(((wins - delta) ** 2).sum())
    variance = (m**2 * float(rows @ rows) + n**2 * float(columns @ columns) - inner) / (n * m * (n - 1) * (m - 1))
    variance = max(variance, (1 - delta**2) / (n * m - 1))
    z2 = float(stats.norm.ppf((1 + conf_level) / 2)) ** 2
    if abs(delta) == 1:
        lo = (n * min(1.0, m / n) - z2) / (n * min(1.0, m / n) + z2)
        near, far = sorted((delta, math.copysign(max(lo, 0.0), delta)))
        return EffectSize(delta, near, far, conf_level)
    middle = delta - delta**3
    half = math.sqrt(z2 * variance) * math.sqrt((1 - delta**2) ** 2 + z2 * variance)
    under = 1 - delta**2 + z2 * variance
    return EffectSize(delta, max((middle - half) / under, -1.0), min((middle + half) / under, 1.0), conf_level)


def _pair(values: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    a, b = as_responses(values), as_responses(reference)
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if not len(a) or not len(b):
        raise BadInput("an effect size needs values in both groups; one of them is empty")
    return a, b
