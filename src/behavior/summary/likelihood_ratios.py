"""Odds and rates against the vehicle's, by roots of likelihood ratios: also where one of them is 0 or without limit.

A level's statistic is the signed root of twice the fall of the log-likelihood when its odds (or rate) are set to the
vehicle's, divided by the dispersion between animals; it is referred to t with the residual degrees of freedom, and all
levels together to the multivariate t of comparisons with one reference. The interval holds the ratios that the data do
not contradict, which may reach 0 or infinity: where no trial failed at a dose, and where all did. Wald's statistic,
which such a dose has none of and which falls again as an effect grows (Hauck and Donner), is not used.

The dispersion is Pearson's for shares. Counts are negative binomial with a common dispersion, held at its estimate.

References
----------
McCullagh P, Nelder JA (1989). Generalized Linear Models, 2nd edition, sections 4.5 and 9.2.
Hauck WW, Donner A (1977). Journal of the American Statistical Association 72, 851–853.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.counts import fit_dispersion
from behavior.summary.derivatives import Floats
from behavior.summary.fit import FTest
from behavior.summary.glm import fit_glm, indicator_design
from behavior.summary.groups import Level, as_responses, check_rows, level_labels, named_levels
from behavior.summary.multivariate_t import adjusted_p, critical_value

_FARTHEST = 40.0
"""Of a log ratio; beyond it an interval has no end."""


@dataclass(frozen=True, slots=True)
class RatioComparison:
    """A level's odds or rate relative to the reference's. `p` is unadjusted; `lo`, `hi`, `p_adjusted` simultaneous."""

    level: str
    reference: str
    ratio: float
    lo: float
    hi: float
    t: float
    p: float
    p_adjusted: float


@dataclass(frozen=True)
class RatioComparisons:
    """All levels at once (`effect`, an F test), each against the reference, and the dispersion between animals.

    `dispersion` is Pearson's for shares, at least 1; of counts it is alpha, variance = mean + alpha mean².
    """

    effect: FTest
    comparisons: tuple[RatioComparison, ...]
    dispersion: float
    df: int
    n: int


def share_comparisons(
    events: ArrayLike,
    trials: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    conf_level: float = 0.95,
) -> RatioComparisons:
    """Odds ratios of events of trials, with the quasi-binomial dispersion between animals.

    A dispersion below 1 is taken as 1: that animals are more alike than chance allows is no reason to be surer.

    Parameters
    ----------
    events, trials : of every animal, shape (n,)
    group : the group of every animal, shape (n,)
    reference, levels : the reference group and the order of groups
    conf_level : of the simultaneous intervals

    Raises
    ------
    BadInput
        A level is empty, all trials ended alike, or there is one animal a level.
    """
    labels = level_labels(group)
    names = named_levels(labels, reference=reference, levels=levels)
    k, n = as_responses(events), as_responses(trials)
    check_rows(counts=k, totals=n, levels=labels)
    rows = np.isfinite(k) & np.isfinite(n) & (n > 0) & np.isin(labels, names)
    k, n, labels = k[rows], n[rows], labels[rows]
    df = _residual_df(labels, names)
    if k.sum() in (0, n.sum()):
        raise BadInput("all trials ended alike, so that there is nothing to compare")
    fit = fit_glm(k, indicator_design(labels, names), "logit", trials=n)
    null = fit_glm(k, np.ones((len(k), 1)), "logit", trials=n)
    dispersion = max(_pearson(k, n, labels, names) / df, 1.0)
    sums = [(float(k[labels == name].sum()), float(n[labels == name].sum())) for name in names]
    families = [_Shares(*sums[0], *one, dispersion) for one in sums[1:]]
    return RatioComparisons(
        effect=_f_test(2 * (fit.loglik - null.loglik) / dispersion, len(names) - 1, df),
        comparisons=_compared([f.fall for f in families], [f.log_ratio for f in families], names,
                              np.array([total for _, total in sums]), df, conf_level),
        dispersion=dispersion, df=df, n=len(k),
    )  # fmt: skip


def rate_comparisons(
    counts: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    exposure: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> RatioComparisons:
    """Rate ratios of counts, negative binomial with the exposure as offset.

    The dispersion is the one at which Pearson's X² is its degrees of freedom: that of the likelihood is too small in
    small samples, and the tests would reject too often.

    Parameters
    ----------
    counts, exposure : of every animal, shape (n,)
    group : the group of every animal, shape (n,)
    reference, levels : the reference group and the order of groups
    conf_level : of the simultaneous intervals

    Raises
    ------
    BadInput
        A level is empty, nothing was counted at all, or there is one animal a level.
    """
    labels = level_labels(group)
    names = named_levels(labels, reference=reference, levels=levels)
    y = as_responses(counts)
    time = np.ones(len(y)) if exposure is None else as_responses(exposure)
    check_rows(counts=y, exposures=time, levels=labels)
    rows = np.isfinite(y) & np.isfinite(time) & (time > 0) & np.isin(labels, names)
    y, time, labels = y[rows], time[rows], labels[rows]
    df = _residual_df(labels, names)
    if (y < 0).any():
        raise BadInput(f"a count of {y.min():g} is negative; check the column")
    if not y.any():
        raise BadInput("nothing was counted in any animal, so that there is nothing to compare")
    alpha = moment_dispersion(y, time, labels, names, df)
    offset = np.log(time)
    fit = fit_glm(y, indicator_design(labels, names), "negative_binomial", offset=offset, alpha=alpha)
    null = fit_glm(y, np.ones((len(y), 1)), "negative_binomial", offset=offset, alpha=alpha)
    parts = [(y[labels == name], time[labels == name]) for name in names]
    families = [_Rates(*parts[0], *one, alpha) for one in parts[1:]]
    mean = float(y.sum() / time.sum())
    weights = np.array([float((t * mean / (1 + alpha * t * mean)).sum()) for _, t in parts])
    return RatioComparisons(
        effect=_f_test(2 * (fit.loglik - null.loglik), len(names) - 1, df),
        comparisons=_compared([f.fall for f in families], [f.log_ratio for f in families], names, weights, df,
                              conf_level),
        dispersion=alpha, df=df, n=len(y),
    )  # fmt: skip


def _residual_df(labels: NDArray[np.str_], names: Sequence[str]) -> int:
    for name in names:
        if not (labels == name).any():
            raise BadInput(f"level {name} has no rows; leave it out")
    df = len(labels) - len(names)
    if df < 1:
        raise BadInput("every level has one animal, so that nothing is known about the error; add animals")
    return df


def _pearson(k: Floats, n: Floats, labels: NDArray[np.str_], names: Sequence[str]) -> float:
    total = 0.0
    for name in names:
        here = labels == name
        p = k[here].sum() / n[here].sum()
        if 0 < p < 1:
            total += float(((k[here] - n[here] * p) ** 2 / (n[here] * p * (1 - p))).sum())
    return total


def moment_dispersion(y: Floats, time: Floats, labels: NDArray[np.str_], names: tuple[str, ...], df: int) -> float:
    """The alpha at which Pearson's X² equals its degrees of freedom; 0 where counts vary no more than chance.

    References
    ----------
    Breslow NE (1984). Applied Statistics 33, 38–44.
    """
    from scipy.optimize import brentq

    x, offset = indicator_design(labels, names), np.log(time)

    def excess(alpha: float) -> float:
        return fit_glm(y, x, "negative_binomial", offset=offset, alpha=alpha).pearson_chi2 - df

    if excess(0.0) <= 0:
        return 0.0
    top = max(2 * fit_dispersion(y, x, offset)[0], 1.0)
    while excess(top) > 0:
        top *= 4
        if top > 1e6:
            raise BadInput("counts vary without limit within levels; compare by rearrangement or on ranks")
    return float(brentq(excess, 0.0, top, xtol=1e-10, rtol=1e-10))


def _f_test(chi2: float, df1: int, df2: int) -> FTest:
    from scipy import stats

    f = max(chi2, 0.0) / df1
    return FTest(f, df1, df2, float(stats.f.sf(f, df1, df2)))


@dataclass(frozen=True, slots=True)
class _Shares:
    """Two binomial levels: k0 of n0, k1 of n1."""

    k0: float
    n0: float
    k1: float
    n1: float
    dispersion: float

    @property
    def log_ratio(self) -> float:
        return _log_odds(self.k1, self.n1) - _log_odds(self.k0, self.n0) if self._apart else 0.0

    @property
    def _apart(self) -> bool:
        return self.k0 / self.n0 != self.k1 / self.n1

    def fall(self, log_ratio: float) -> float:
        from scipy.optimize import brentq
        from scipy.special import expit, log_expit, xlogy

        def score(eta: float) -> float:
            return float(self.k0 + self.k1 - self.n0 * expit(eta) - self.n1 * expit(eta + log_ratio))

        k, n = np.array([self.k0, self.k1]), np.array([self.n0, self.n1])
        best = float((xlogy(k, k / n) + xlogy(n - k, 1 - k / n)).sum())
        if k.sum() in (0, n.sum()):
            return 0.0
        eta = brentq(score, -_FARTHEST - 2 * abs(log_ratio), _FARTHEST + 2 * abs(log_ratio), xtol=1e-12)
        etas = np.array([eta, eta + log_ratio])
        held = float((k * log_expit(etas) + (n - k) * log_expit(-etas)).sum())
        return max(2 * (best - held) / self.dispersion, 0.0)


def _log_odds(k: float, n: float) -> float:
    return math.log(k / (n - k)) if 0 < k < n else math.copysign(math.inf, k - n / 2)


@dataclass(frozen=True, slots=True)
class _Rates:
    """Two levels of counts with their exposures."""

    y0: Floats
    t0: Floats
    y1: Floats
    t1: Floats
    alpha: float

    @property
    def log_ratio(self) -> float:
        logs = [self._log_rate(y, t) for y, t in ((self.y0, self.t0), (self.y1, self.t1))]
        return 0.0 if logs[0] == logs[1] else logs[1] - logs[0]

    def _log_rate(self, y: Floats, t: Floats) -> float:
        if not y.any():
            return -math.inf
        return self._solve(y, t)

    def _solve(self, y: Floats, t: Floats) -> float:
        from scipy.optimize import brentq

        middle = math.log(float(y.sum() / t.sum()))

        def score(eta: float) -> float:
            mean = t * math.exp(eta)
            return float(((y - mean) / (1 + self.alpha * mean)).sum())

        wide = 1.0
        while not score(middle - wide) > 0 > score(middle + wide):
            wide *= 2
        return float(brentq(score, middle - wide, middle + wide, xtol=1e-12))

    def _loglik(self, y: Floats, mean: Floats) -> float:
        from scipy.special import xlogy

        if self.alpha == 0:
            return float((xlogy(y, mean) - mean).sum())
        return float((xlogy(y, mean / (1 + self.alpha * mean)) - np.log1p(self.alpha * mean) / self.alpha).sum())

    def fall(self, log_ratio: float) -> float:
        if not (self.y0.any() or self.y1.any()):
            return 0.0
        y, t = np.concatenate([self.y0, self.y1]), np.concatenate([self.t0, self.t1 * math.exp(log_ratio)])
        held = self._loglik(y, t * math.exp(self._solve(y, t)))
        best = sum(
            self._loglik(y, t * math.exp(self._log_rate(y, t))) for y, t in ((self.y0, self.t0), (self.y1, self.t1))
        )
        return max(2 * (best - held), 0.0)


def _compared(
    falls: Sequence[Callable[[float], float]],
    log_ratios: Sequence[float],
    names: Sequence[str],
    weights: Floats,
    df: int,
    conf_level: float,
) -> tuple[RatioComparison, ...]:
    """Every level; `weights` are the levels' information under no effect, from which the correlations follow."""
    from scipy import stats

    loadings = np.sqrt(weights[1:] / (weights[1:] + weights[0]))
    correlation = np.outer(loadings, loadings)
    np.fill_diagonal(correlation, 1.0)
    critical = critical_value(conf_level, correlation, df)
    found = []
    for name, fall, log_ratio in zip(names[1:], falls, log_ratios, strict=True):
        t = math.copysign(math.sqrt(fall(0.0)), log_ratio)
        lo, hi = (_end(fall, log_ratio, sign, critical**2) for sign in (-1, 1))
        p = 2 * float(stats.t.sf(abs(t), df))
        ratio = _exp(log_ratio)
        found.append(RatioComparison(name, names[0], ratio, lo, hi, t, p, adjusted_p(t, correlation, df)))
    return tuple(found)


def _end(fall: Callable[[float], float], log_ratio: float, sign: int, limit: float) -> float:
    """Where the fall reaches the limit: 0 or infinite where it does not."""
    from scipy.optimize import brentq

    if log_ratio == sign * math.inf:
        return _exp(log_ratio)
    # From an infinite ratio the walk comes back from far away, otherwise outwards from the estimate.
    inside = log_ratio if math.isfinite(log_ratio) else -sign * _FARTHEST
    outside, stride = inside, 0.5
    while fall(outside) < limit:
        inside, outside, stride = outside, outside + sign * stride, stride * 1.5
        if abs(outside) > 2 * _FARTHEST:
            return _exp(sign * math.inf)
    return _exp(float(brentq(lambda at: fall(at) - limit, inside, outside, xtol=1e-9)))


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf
