"""Counts that vary more than chance: negative binomial regression of groups, with exposure, as rate ratios.

NB2: variance = mean + alpha mean², theta = 1 / alpha, log link, maximum likelihood. Where counts do not vary
more than chance, alpha is 0 and the model is Poisson's.

References
----------
Lawless JF (1987). Canadian Journal of Statistics 15, 209–225. Venables WN, Ripley BD (2002). Modern Applied
Statistics with S, section 7.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats
from behavior.summary.fit import ChiSquare, FTest
from behavior.summary.glm import GlmFit, fit_glm, indicator_design
from behavior.summary.groups import Level, as_responses, check_rows, level_labels, named_levels
from behavior.summary.multiplicity import adjust_p

_LN_THETAS = np.linspace(-6.0, 14.0, 41)


@dataclass(frozen=True, slots=True)
class RateComparison:
    """A level's rate relative to the reference's. `lo`, `hi` and `p` are Wald's, normal; `p_t` uses
    t(residual df).

    A level without any event has a rate ratio of 0 and no p.
    """

    level: str
    reference: str
    coef: float
    se: float
    rate_ratio: float
    lo: float
    hi: float
    p: float | None
    p_t: float | None
    p_t_holm: float | None
    se_poisson: float


@dataclass(frozen=True)
class NegativeBinomialGroups:
    """Counts of groups. `theta` is infinite where alpha is 0.

    `likelihood_ratio_f` refers the mean of the likelihood ratio χ² to F with the residual degrees of
    freedom; with a dozen animals χ² itself rejects too often.
    """

    alpha: float
    theta: float
    loglik: float
    likelihood_ratio: ChiSquare
    likelihood_ratio_f: FTest
    poisson_dispersion: float
    fit: GlmFit
    n: int
    comparisons: tuple[RateComparison, ...]


def negative_binomial(
    counts: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    exposure: ArrayLike | None = None,
    conf_level: float = 0.95,
) -> NegativeBinomialGroups:
    """Compare counts between groups.

    Parameters
    ----------
    counts : of every animal, shape (n,)
    group : the group of every animal, shape (n,)
    reference, levels : the reference group and the order of groups
    exposure : how long or how often each animal was counted, shape (n,)
    conf_level : of the intervals of rate ratios

    Raises
    ------
    BadInput
        Counts or exposures that are not, no event in the reference group, or no more animals than groups.
    """
    labels = level_labels(group)
    names = named_levels(labels, reference=reference, levels=levels)
    y = as_responses(counts)
    time = np.ones(len(y)) if exposure is None else as_responses(exposure)
    check_rows(counts=y, exposures=time, levels=labels)
    rows = np.isfinite(y) & np.isfinite(time) & np.isin(labels, names)
    y, time, labels = y[rows], time[rows], labels[rows]
    _check(y, time, labels, names)
    offset = np.log(time)
    x = indicator_design(labels, names)
    poisson = fit_glm(y, x, "poisson", offset=offset)
    alpha, fit = fit_dispersion(y, x, offset)
    _, null = fit_dispersion(y, np.ones((len(y), 1)), offset)
    ratio = _likelihood_ratio(fit.loglik, null.loglik, len(names) - 1)
    return NegativeBinomialGroups(
        alpha=alpha,
        theta=1 / alpha if alpha > 0 else math.inf,
        loglik=fit.loglik,
        likelihood_ratio=ratio,
        likelihood_ratio_f=_as_f(ratio, fit.df_residual),
        poisson_dispersion=poisson.dispersion,
        fit=fit,
        n=len(y),
        comparisons=_rates(fit, poisson, y, labels, names, conf_level),
    )


def _check(y: Floats, time: Floats, labels: NDArray[np.str_], names: Sequence[str]) -> None:
    if (y < 0).any():
        raise BadInput(f"a count of {y.min():g} is negative; check the column")
    if (time <= 0).any():
        raise BadInput(f"an exposure of {time.min():g} is not above 0; leave animals that were not observed out")
    for name in names:
        if not (labels == name).any():
            raise BadInput(f"level {name} has no counts; leave it out")
    if not y[labels == names[0]].any():
        raise BadInput(f"nothing was counted in {names[0]}, so that rates have nothing to be compared with; "
                       "compare by rearrangement or on ranks")  # fmt: skip
    if len(y) <= len(names):
        raise BadInput("there is one animal per group, so that nothing is known about the error; add animals")


def _likelihood_ratio(full: float, null: float, df: int) -> ChiSquare:
    from scipy import stats

    chi2 = max(2 * (full - null), 0.0)
    return ChiSquare(chi2, df, float(stats.chi2.sf(chi2, df)))


def _as_f(ratio: ChiSquare, df: int) -> FTest:
    from scipy import stats

    f = ratio.chi2 / ratio.df
    return FTest(f, ratio.df, df, float(stats.f.sf(f, ratio.df, df)))


def fit_dispersion(y: Floats, x: Floats, offset: Floats) -> tuple[float, GlmFit]:
    """The maximum likelihood alpha, and the model at it: the root of the profile slope by theta."""
    from scipy.optimize import brentq

    def at(ln_theta: float) -> GlmFit:
        return fit_glm(y, x, "negative_binomial", offset=offset, alpha=math.exp(-ln_theta))

    def slope(ln_theta: float) -> float:
        return _theta_slope(math.exp(ln_theta), y, at(ln_theta).mean)

    logliks = np.array([at(float(t)).loglik for t in _LN_THETAS])
    i = int(np.argmax(logliks))
    poisson = fit_glm(y, x, "poisson", offset=offset)
    lo, hi = float(_LN_THETAS[max(i - 1, 0)]), float(_LN_THETAS[min(i + 1, len(_LN_THETAS) - 1)])
    if poisson.loglik >= logliks[i] - 1e-9 or not slope(lo) > 0 > slope(hi):
        return 0.0, poisson
    best = float(brentq(slope, lo, hi, xtol=1e-12, rtol=1e-12))
    return math.exp(-best), at(best)


def _theta_slope(theta: float, y: Floats, mean: Floats) -> float:
    """The derivative of the log-likelihood by theta at the given means."""
    from scipy.special import digamma

    parts = digamma(y + theta) - digamma(theta) - np.log1p(mean / theta) + 1 - (y + theta) / (mean + theta)
    return float(parts.sum())


def _rates(
    fit: GlmFit, poisson: GlmFit, y: Floats, labels: NDArray[np.str_], names: Sequence[str], conf_level: float
) -> tuple[RateComparison, ...]:
    from scipy import stats

    z = float(stats.norm.ppf((1 + conf_level) / 2))
    empty = [not y[labels == name].any() for name in names]
    ts = [None if empty[i] else abs(fit.beta[i]) / math.sqrt(fit.covariance[i, i]) for i in range(1, len(names))]
    ps = [None if t is None else 2 * float(stats.t.sf(t, fit.df_residual)) for t in ts]
    holm = iter(adjust_p([p for p in ps if p is not None], "holm").tolist())
    found = []
    for i, (name, t, p_t) in enumerate(zip(names[1:], ts, ps, strict=True), 1):
        coef, se, se_poisson = float(fit.beta[i]), math.sqrt(fit.covariance[i, i]), math.sqrt(poisson.covariance[i, i])
        if t is None:
            found.append(RateComparison(
                name, names[0], -math.inf, math.inf, 0.0, 0.0, math.inf, None, None, None, math.inf
            ))  # fmt: skip
            continue
        lo, hi = (float(np.exp(np.clip(coef + sign * z * se, -700, 700))) for sign in (-1, 1))
        p = 2 * float(stats.norm.sf(t))
        found.append(RateComparison(name, names[0], coef, se, math.exp(coef), lo, hi, p, p_t, next(holm), se_poisson))
    return tuple(found)
