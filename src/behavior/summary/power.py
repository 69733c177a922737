"""How many animals: formulas for analyses of variance between and within animals, the t test, two proportions and the
log-rank test.

Numbers are real-valued; round up. What these formulas take for granted (normal responses, equal spread, proportional
hazards) stands with each; other designs are to be simulated.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput

_MOST_ANIMALS = 1e7


def anova_power(means: ArrayLike, sd: float, n_per_group: float, alpha: float = 0.05) -> float:
    """The power of a one-way analysis of variance: noncentral F with noncentrality n Σ(μ - μ̄)² / sd².

    References
    ----------
    Cohen J (1988). Statistical Power Analysis for the Behavioral Sciences, chapter 8.
    """
    from scipy import stats

    mu = np.asarray(means, dtype=np.float64)
    _check(sd, n_per_group, alpha)
    df1, df2 = len(mu) - 1, len(mu) * (n_per_group - 1)
    effect = n_per_group * float(((mu - mu.mean()) ** 2).sum()) / sd**2
    if effect == 0:
        return alpha
    return float(stats.ncf.sf(stats.f.isf(alpha, df1, df2), df1, df2, effect))


def anova_n(means: ArrayLike, sd: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Animals per group for a one-way analysis of variance.

    Raises
    ------
    BadInput
        Equal means, for which no number is enough.
    """
    mu = _differing(means, "groups")
    return _least_n(lambda n: anova_power(mu, sd, n, alpha), power, alpha)


def within_anova_power(means: ArrayLike, sd: float, correlation: float, n: float, alpha: float = 0.05) -> float:
    """The power of an analysis of variance of animals that each have every level, with equal correlations (no ε).

    Parameters
    ----------
    means : of the levels
    sd : of animals at one level
    correlation : of an animal's responses at two levels
    n : animals

    References
    ----------
    Winer BJ, Brown DR, Michels KM (1991). Statistical Principles in Experimental Design, 3rd edition, chapter 4.
    """
    from scipy import stats

    mu = np.asarray(means, dtype=np.float64)
    _check(sd, n, alpha)
    if not -1 / max(len(mu) - 1, 1) < correlation < 1:
        raise BadInput(f"a correlation of {correlation:g} cannot be of {len(mu)} levels; give one below 1")
    df1, df2 = len(mu) - 1, (len(mu) - 1) * (n - 1)
    effect = n * float(((mu - mu.mean()) ** 2).sum()) / (sd**2 * (1 - correlation))
    if effect == 0:
        return alpha
    return float(stats.ncf.sf(stats.f.isf(alpha, df1, df2), df1, df2, effect))


def within_anova_n(means: ArrayLike, sd: float, correlation: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Animals for an analysis of variance within animals.

    Raises
    ------
    BadInput
        Equal means, for which no number is enough.
    """
    mu = _differing(means, "levels")
    return _least_n(lambda n: within_anova_power(mu, sd, correlation, n, alpha), power, alpha)


def _differing(means: ArrayLike, what: str) -> NDArray[np.float64]:
    mu = np.asarray(means, dtype=np.float64)
    if len(mu) < 2 or np.ptp(mu) <= 0:
        raise BadInput(f"all expected means are equal; say by how much the {what} should differ")
    return mu


def log_rank_events(hazard_ratio: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Responses in both of two equal groups together that a log-rank test takes, under proportional hazards.

    Raises
    ------
    BadInput
        A hazard ratio of 1, or none.

    References
    ----------
    Schoenfeld D (1981). Biometrika 68, 316–319.
    """
    from scipy import stats

    if not (hazard_ratio > 0 and math.isfinite(hazard_ratio)) or hazard_ratio == 1:
        raise BadInput(f"a hazard ratio of {hazard_ratio:g} cannot be planned for; give one above 0 that is not 1")
    _check_aim(power, alpha)
    reach = float(stats.norm.isf(alpha / 2) + stats.norm.isf(1 - power))
    return 4 * reach**2 / math.log(hazard_ratio) ** 2


def t_test_power(delta: float, sd: float, n_per_group: float, alpha: float = 0.05) -> float:
    """The power of a two-sided t test of two groups; rejections on the wrong side are not counted."""
    from scipy import stats

    _check(sd, n_per_group, alpha)
    df = 2 * n_per_group - 2
    critical, noncentrality = stats.t.isf(alpha / 2, df), math.sqrt(n_per_group / 2) * abs(delta) / sd
    return float(stats.nct.sf(critical, df, noncentrality))


def t_test_n(delta: float, sd: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Animals per group for a two-sided t test.

    Raises
    ------
    BadInput
        A difference of 0, for which no number is enough.
    """
    if delta == 0:
        raise BadInput("the expected difference is 0; say by how much the groups should differ")
    return _least_n(lambda n: t_test_power(delta, sd, n, alpha), power, alpha)


def proportions_n(p1: float, p2: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """Animals per group to tell two proportions apart: normal approximation, no continuity correction.

    References
    ----------
    Fleiss JL, Levin B, Paik MC (2003). Statistical Methods for Rates and Proportions, chapter 4 (R
    `power.prop.test`).
    """
    from scipy import stats

    if p1 == p2 or not (0 <= p1 <= 1 and 0 <= p2 <= 1):
        raise BadInput(f"proportions of {p1:g} and {p2:g} cannot be told apart; give two that differ, between 0 and 1")
    _check_aim(power, alpha)
    pooled = (p1 + p2) / 2
    critical, reserve = stats.norm.isf(alpha / 2), stats.norm.isf(1 - power)
    spread = critical * math.sqrt(2 * pooled * (1 - pooled)) + reserve * math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    return float((spread / (p1 - p2)) ** 2)


def _least_n(power_at: Callable[[float], float], power: float, alpha: float) -> float:
    from scipy.optimize import brentq

    _check_aim(power, alpha)
    lo = 1.5
    while power_at(lo) > power and lo > 1.0001:
        lo = 1 + (lo - 1) / 4
    if power_at(lo) > power:
        return 2.0
    hi = 4.0
    while power_at(hi) < power:
        hi *= 2
        if hi > _MOST_ANIMALS:
            raise BadInput("the expected difference is so small that ten million animals would not show it")
    return float(brentq(lambda n: power_at(n) - power, lo, hi, xtol=1e-10))


def _check_level(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise BadInput(f"a level of {alpha:g} is no probability of error; choose one between 0 and 1, such as 0.05")


def _check_aim(power: float, alpha: float) -> None:
    _check_level(alpha)
    if not alpha < power < 1:
        raise BadInput(f"a power of {power:g} cannot be planned for; choose one between {alpha:g} and 1, such as 0.8")


def _check(sd: float, n_per_group: float, alpha: float) -> None:
    _check_level(alpha)
    if not sd > 0:
        raise BadInput(f"sd is {sd:g} and must be above 0")
    if not n_per_group > 1:
        raise BadInput(f"{n_per_group:g} animals per group leave no error to test against; take two or more")
