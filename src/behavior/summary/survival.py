"""Latencies that a cut-off may censor: Kaplan–Meier curves, log-rank tests and restricted means.

`event` is True where the animal responded and False where the session ended it first; a failure's latency is
its cut-off, censored. The median is the first time at which the curve is at or below 1/2; where it is
exactly 1/2 for a while, the middle of that while (as R's `survfit`; others give its beginning).

References
----------
Kaplan EL, Meier P (1958). Journal of the American Statistical Association 53, 457–481.
Mantel N (1966). Cancer Chemotherapy Reports 50, 163–170. Harrington DP, Fleming TR (1982). Biometrika 69,
553–566.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats
from behavior.summary.fit import ChiSquare
from behavior.summary.groups import Level, as_responses, level_labels, named_levels
from behavior.summary.multiplicity import adjust_p


@dataclass(frozen=True)
class Latencies:
    """Times, whether they ended in the event, and labels; rows without a time are left out. All of shape (n,)."""

    time: Floats
    event: NDArray[np.bool_]
    label: NDArray[np.str_]
    levels: tuple[str, ...]

    def of(self, level: str) -> tuple[Floats, NDArray[np.bool_]]:
        """The times and events of one level."""
        here = self.label == level
        return self.time[here], self.event[here]


def latencies(
    time: ArrayLike, event: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> Latencies:
    """Check and sort out latencies.

    Raises
    ------
    BadInput
        Lengths differ, a time is negative, an event is neither 0 nor 1, a level is empty, or no event was
        seen at all.
    """
    t, flags, labels = as_responses(time), as_responses(event), level_labels(group)
    if not len(t) == len(flags) == len(labels):
        raise BadInput(f"{len(t)} latencies, {len(flags)} events and {len(labels)} levels differ in number")
    names = named_levels(labels, reference=reference, levels=levels)
    present = np.isfinite(t) & np.isfinite(flags) & np.isin(labels, names)
    t, flags, labels = t[present], flags[present], labels[present]
    if (t < 0).any():
        raise BadInput(f"a latency of {t.min():g} is negative; count from the onset of the stimulus")
    if not np.isin(flags, (0, 1)).all():
        raise BadInput(
            "an event is 1 where the animal responded and 0 where the cut-off came first; another value was given"
        )
    for name in names:
        if not (labels == name).any():
            raise BadInput(f"level {name} has no latencies; leave it out")
    if not flags.any():
        raise BadInput("every latency is at the cut-off, so that there is nothing to compare; use a longer cut-off")
    return Latencies(t, flags == 1, labels, names)


@dataclass(frozen=True)
class KaplanMeier:
    """The curve of one level. Arrays have one entry a distinct time at which an event happened.

    `survival` is the value from that time on, `se` Greenwood's standard error. `median` is None where it is
    not reached, and so are the ends of its interval (log-transformed, as R).
    """

    level: str
    n: int
    n_events: int
    times: Floats
    survival: Floats
    se: Floats
    at_risk: Floats
    events: Floats
    median: float | None
    median_lo: float | None
    median_hi: float | None

    def survival_at(self, time: float) -> float:
        """The share that has not responded by `time`; the last value is carried on."""
        passed = int(np.searchsorted(self.times, time, side="right"))
        return float(self.survival[passed - 1]) if passed else 1.0

    def se_at(self, time: float) -> float:
        """Greenwood's standard error of `survival_at`."""
        passed = int(np.searchsorted(self.times, time, side="right"))
        return float(self.se[passed - 1]) if passed else 0.0

    def restricted_mean(self, tau: float) -> float:
        """The mean latency up to `tau`: the area under the curve."""
        return float(self._areas(tau).sum())

    def restricted_mean_se(self, tau: float) -> float:
        """Its standard error: the area beyond each event, weighted as in Greenwood's formula."""
        inside = self.times < tau
        beyond = np.cumsum(self._areas(tau)[::-1])[::-1][1:]
        d, n = self.events[inside], self.at_risk[inside]
        left = np.where(n > d, n - d, np.inf)
        return math.sqrt(float((beyond**2 * d / (n * left)).sum()))

    def _areas(self, tau: float) -> Floats:
        inside = self.times < tau
        edges = np.concatenate([[0.0], self.times[inside], [tau]])
        return np.asarray(np.diff(edges) * np.concatenate([[1.0], self.survival[inside]]), dtype=np.float64)


def kaplan_meier(found: Latencies, conf_level: float = 0.95) -> tuple[KaplanMeier, ...]:
    """The curve of every level, the reference first."""
    return tuple(_curve(level, *found.of(level), conf_level) for level in found.levels)


def _curve(level: str, time: Floats, event: NDArray[np.bool_], conf_level: float) -> KaplanMeier:
    from scipy import stats

    times = np.unique(time[event])
    at_risk = np.array([(time >= t).sum() for t in times], dtype=np.float64)
    events = np.array([(event & (time == t)).sum() for t in times], dtype=np.float64)
    survival = np.asarray(np.cumprod(1 - events / at_risk), dtype=np.float64)
    left = np.where(at_risk > events, at_risk - events, np.inf)
    log_se = np.asarray(np.sqrt(np.cumsum(events / (at_risk * left))), dtype=np.float64)
    z = float(stats.norm.ppf((1 + conf_level) / 2))
    lower, upper = survival * np.exp(-z * log_se), np.minimum(survival * np.exp(z * log_se), 1.0)
    return KaplanMeier(
        level=level,
        n=len(time),
        n_events=int(event.sum()),
        times=times,
        survival=survival,
        se=survival * log_se,
        at_risk=at_risk,
        events=events,
        median=_median(times, survival),
        median_lo=_median(times, np.asarray(lower, dtype=np.float64)),
        median_hi=_median(times, upper),
    )


def _median(times: Floats, survival: Floats) -> float | None:
    tolerance = 1e-9
    below = np.flatnonzero(survival <= 0.5 + tolerance)
    if not len(below):
        return None
    first = int(below[0])
    if abs(survival[first] - 0.5) <= tolerance and first + 1 < len(times):
        return float(times[first] + times[first + 1]) / 2
    return float(times[first])


def log_rank(found: Latencies, rho: float = 0.0) -> ChiSquare:
    """The log-rank test over all levels, with hypergeometric variance; rho = 1 is Peto and Peto's form.

    Parameters
    ----------
    found : the latencies
    rho : the power of the pooled Kaplan–Meier curve, just before each event, that weighs it
    """
    from scipy import stats

    observed_less_expected, variance = log_rank_score(found.time, found.event, _membership(found), rho)
    keep = slice(1, None)
    excess = observed_less_expected[keep]
    chi2 = float(excess @ np.linalg.pinv(variance[keep, keep], hermitian=True) @ excess)
    df = len(found.levels) - 1
    return ChiSquare(chi2, df, float(stats.chi2.sf(chi2, df)))


def _membership(found: Latencies) -> Floats:
    return np.column_stack([found.label == level for level in found.levels]).astype(np.float64)


def log_rank_score(
    time: Floats, event: NDArray[np.bool_], membership: Floats, rho: float = 0.0
) -> tuple[Floats, Floats]:
    """Events observed less expected in every level, shape (k,), and their covariance, shape (k, k)."""
    k = membership.shape[1]
    excess, variance, survival = np.zeros(k), np.zeros((k, k)), 1.0
    for t in np.unique(time[event]):
        at_risk, now = time >= t, event & (time == t)
        n, d = float(at_risk.sum()), float(now.sum())
        shares = membership[at_risk].sum(axis=0) / n
        weight = survival**rho
        excess += weight * (membership[now].sum(axis=0) - d * shares)
        if n > 1:
            variance += weight**2 * d * (n - d) / (n - 1) * (np.diag(shares) - np.outer(shares, shares))
        survival *= 1 - d / n
    return excess, variance


@dataclass(frozen=True, slots=True)
class LogRankComparison:
    """A level against the reference, on these two levels' rows alone."""

    level: str
    reference: str
    chi2: float
    p: float
    p_holm: float


def log_rank_comparisons(found: Latencies, rho: float = 0.0) -> tuple[LogRankComparison, ...]:
    """The log-rank test of every level against the reference, Holm over these."""
    reference, *others = found.levels
    tests = []
    for level in others:
        rows = np.isin(found.label, (reference, level))
        pair = Latencies(found.time[rows], found.event[rows], found.label[rows], (reference, level))
        tests.append(log_rank(pair, rho) if pair.event.any() else ChiSquare(0.0, 1, 1.0))
    holm = adjust_p([test.p for test in tests], "holm")
    return tuple(
        LogRankComparison(level, reference, test.chi2, test.p, float(p))
        for level, test, p in zip(others, tests, holm, strict=True)
    )


@dataclass(frozen=True, slots=True)
class RestrictedMeanComparison:
    """The difference of two restricted means, with Welch's degrees of freedom and t."""

    level: str
    reference: str
    tau: float
    diff: float
    se: float
    df: float
    lo: float
    hi: float
    p: float
    p_holm: float


def restricted_mean_comparisons(
    found: Latencies, tau: float, conf_level: float = 0.95
) -> tuple[RestrictedMeanComparison, ...]:
    """Mean latency up to `tau`, usually the cut-off, of every level against the reference.

    Greenwood's variances divide by n; here they are taken with n - 1 and compared with t, as Welch's test
    does and as it is where nothing is censored before `tau`. With few animals the normal distribution would
    reject twice as often as it says.

    Raises
    ------
    BadInput
        A level with one animal, or two levels without variance.

    References
    ----------
    Royston P, Parmar MKB (2013). BMC Medical Research Methodology 13, 152.
    """
    reference, *others = kaplan_meier(found)
    differences = [_difference(curve, reference, tau, conf_level) for curve in others]
    holm = adjust_p([c.p for c in differences], "holm")
    return tuple(replace(c, p_holm=float(p)) for c, p in zip(differences, holm, strict=True))


def _difference(curve: KaplanMeier, reference: KaplanMeier, tau: float, conf_level: float) -> RestrictedMeanComparison:
    from scipy import stats

    parts = [(_variance(c, tau), c.n - 1) for c in (curve, reference)]
    variance = sum(v for v, _ in parts)
    if variance <= 0:
        raise BadInput(
            f"latencies in {curve.level} and {reference.level} do not vary, so that there is no error to test against"
        )
    df = variance**2 / sum(v**2 / k for v, k in parts)
    diff, se = curve.restricted_mean(tau) - reference.restricted_mean(tau), math.sqrt(variance)
    half, p = float(stats.t.ppf((1 + conf_level) / 2, df)) * se, 2 * float(stats.t.sf(abs(diff) / se, df))
    return RestrictedMeanComparison(curve.level, reference.level, tau, diff, se, df, diff - half, diff + half, p, p)


def _variance(curve: KaplanMeier, tau: float) -> float:
    if curve.n < 2:
        raise BadInput(f"level {curve.level} has one animal, so that nothing is known about its error; add animals")
    return curve.restricted_mean_se(tau) ** 2 * curve.n / (curve.n - 1)
