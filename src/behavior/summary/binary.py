"""Events of trials: failures of thirty shocks, animals that meet a criterion.

The trials of one animal are not independent. A binomial model takes them to be, and is here because the
others are measured by it: the quasi-binomial widens its errors by the dispersion between animals,
generalised estimating equations (`gee`) by the animals' own residuals, and whole animals may be rearranged
(`ranks.permutation_test` of their proportions).

References
----------
Clopper CJ, Pearson ES (1934). Biometrika 26, 404–413. Wilson EB (1927). Journal of the American Statistical
Association 22, 209–212. Armitage P (1955). Biometrics 11, 375–386.
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
from behavior.summary.fit import ChiSquare, Interval
from behavior.summary.glm import GlmFit, fit_glm, indicator_design
from behavior.summary.groups import Level, as_responses, check_rows, level_labels, named_levels
from behavior.summary.multiplicity import adjust_p

_LARGEST_EXPONENT = 700.0


def clopper_pearson(events: float, trials: float, conf_level: float = 0.95) -> Interval:
    """The exact interval of a proportion; 0 below where nothing happened, 1 above where everything did."""
    from scipy import stats

    _check_proportion(events, trials)
    tail = (1 - conf_level) / 2
    lo = 0.0 if events == 0 else float(stats.beta.ppf(tail, events, trials - events + 1))
    hi = 1.0 if events == trials else float(stats.beta.isf(tail, events + 1, trials - events))
    return Interval(lo, hi)


def wilson(events: float, trials: float, conf_level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion."""
    from scipy import stats

    _check_proportion(events, trials)
    z2, p = float(stats.norm.ppf((1 + conf_level) / 2)) ** 2, events / trials
    centre = (p + z2 / (2 * trials)) / (1 + z2 / trials)
    half = math.sqrt(z2 * (p * (1 - p) / trials + z2 / (4 * trials**2))) / (1 + z2 / trials)
    return Interval(0.0 if events == 0 else centre - half, 1.0 if events == trials else centre + half)


def _check_proportion(events: float, trials: float) -> None:
    if not 0 <= events <= trials or trials <= 0:
        raise BadInput(f"{events:g} events of {trials:g} trials is not a proportion; check the columns")


def fisher_exact(events: tuple[int, int], trials: tuple[int, int]) -> float:
    """Fisher's exact test of two proportions, two-sided by the probabilities of tables."""
    from scipy import stats

    for k, n in zip(events, trials, strict=True):
        _check_proportion(k, n)
    table = [[k, n - k] for k, n in zip(events, trials, strict=True)]
    return float(stats.fisher_exact(table)[1])


@dataclass(frozen=True, slots=True)
class ProportionComparison:
    """A level's proportion with its exact interval, and Fisher's test against the reference, which itself has None."""

    level: str
    events: int
    trials: int
    proportion: float
    lo: float
    hi: float
    fisher_p: float | None
    fisher_p_holm: float | None


def compare_proportions(
    events: ArrayLike,
    trials: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    conf_level: float = 0.95,
) -> tuple[ProportionComparison, ...]:
    """Proportions of animals in every level, each animal one trial; Fisher's test against the reference,
    Holm.

    Parameters
    ----------
    events : animals that met the criterion, shape (n,); rows of one level are added up
    trials : animals, shape (n,)
    group : the level of every row, shape (n,)
    """
    labels = level_labels(group)
    names = named_levels(labels, reference=reference, levels=levels)
    k, n = as_responses(events), as_responses(trials)
    check_rows(counts=k, totals=n, levels=labels)
    present = np.isfinite(k) & np.isfinite(n)
    sums = {name: _totals(k, n, present & (labels == name), name) for name in names}
    base = sums[names[0]]
    ps = [fisher_exact((sums[name][0], base[0]), (sums[name][1], base[1])) for name in names[1:]]
    holm = [None, *adjust_p(ps, "holm").tolist()]
    found = []
    for name, p, p_holm in zip(names, [None, *ps], holm, strict=True):
        a, b = sums[name]
        interval = clopper_pearson(a, b, conf_level)
        found.append(ProportionComparison(name, a, b, a / b, interval.lo, interval.hi, p, p_holm))
    return tuple(found)


def _totals(k: Floats, n: Floats, rows: NDArray[np.bool_], name: str) -> tuple[int, int]:
    if not rows.any():
        raise BadInput(f"level {name} has no animals; leave it out")
    events, trials = float(k[rows].sum()), float(n[rows].sum())
    if not (events.is_integer() and trials.is_integer()):
        raise BadInput(f"{events:g} of {trials:g} animals in {name} are not whole animals; give counts, not fractions")
    return int(events), int(trials)


def cochran_armitage(events: ArrayLike, trials: ArrayLike, scores: ArrayLike) -> ChiSquare:
    """The trend of proportions over scores, usually the doses; no continuity correction.

    Raises
    ------
    BadInput
        Lengths differ, more animals responded than were tested, all or none responded, or all scores are equal.
    """
    from scipy import stats

    k, n, x = (np.asarray(v, dtype=np.float64) for v in (events, trials, scores))
    check_rows(counts=k, totals=n, scores=x)
    for a, b in zip(k.tolist(), n.tolist(), strict=True):
        _check_proportion(a, b)
    if not np.isfinite(x).all():
        raise BadInput("a score is missing; leave rows without a dose out")
    p = float(k.sum() / n.sum())
    centred = x - float(n @ x / n.sum())
    spread = p * (1 - p) * float(n @ centred**2)
    if spread <= 0:
        raise BadInput("proportions or doses do not vary, so that there is no trend to test")
    chi2 = float(k @ centred) ** 2 / spread
    return ChiSquare(chi2, 1, float(stats.chi2.sf(chi2, 1)))


@dataclass(frozen=True, slots=True)
class OddsComparison:
    """A level against the reference on the logit scale.

    `se` is binomial; `se_quasi`, with the interval of the odds ratio and `p_t`, knows the dispersion between
    rows. A level in which all or no trials were events has an infinite coefficient and no p.
    """

    level: str
    reference: str
    coef: float
    se: float
    odds_ratio: float
    se_quasi: float
    lo: float
    hi: float
    p_t: float | None
    p_t_holm: float | None


@dataclass(frozen=True, slots=True)
class LevelProportion:
    """What a level's rows add up to. Intervals take trials as independent, which within animals they are not."""

    level: str
    n_subjects: int
    pooled_proportion: float
    mean_per_subject: float
    wilson: Interval
    clopper: Interval


@dataclass(frozen=True)
class BinomialGroups:
    """Binomial and quasi-binomial models of groups."""

    fit: GlmFit
    lr_chi2: float
    df1: int
    dispersion: float
    quasi_f: float
    quasi_p: float
    levels: tuple[LevelProportion, ...]
    comparisons: tuple[OddsComparison, ...]


def binomial_groups(
    events: ArrayLike,
    trials: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    conf_level: float = 0.95,
) -> BinomialGroups:
    """Events of trials per animal, compared between groups with the dispersion between animals taken into
    account.

    Parameters
    ----------
    events, trials : of every animal, shape (n,)
    group : the group of every animal, shape (n,)
    reference, levels : the reference group and the order of groups
    conf_level : of the quasi-binomial intervals of odds ratios

    Raises
    ------
    BadInput
        A group is empty, all trials ended alike, or there is one animal per group.

    References
    ----------
    McCullagh and Nelder (1989), section 4.5.
    """
    from scipy import stats

    labels = level_labels(group)
    names = named_levels(labels, reference=reference, levels=levels)
    k, n = as_responses(events), as_responses(trials)
    check_rows(counts=k, totals=n, levels=labels)
    rows = np.isfinite(k) & np.isfinite(n) & np.isin(labels, names)
    k, n, labels = k[rows], n[rows], labels[rows]
    described = tuple(_proportion(name, k[labels == name], n[labels == name], conf_level) for name in names)
    if k.sum() in (0, n.sum()):
        raise BadInput("all trials ended alike, so that there is nothing to compare")
    fit = fit_glm(k, indicator_design(labels, names), "logit", trials=n)
    null = fit_glm(k, np.ones((len(k), 1)), "logit", trials=n)
    dispersion, df1 = fit.dispersion, len(names) - 1
    lr = max(2 * (fit.loglik - null.loglik), 0.0)
    if dispersion < 1e-12:
        raise BadInput("all animals of a group have the same proportion, so that there is no error to test against")
    f = lr / df1 / dispersion
    return BinomialGroups(
        fit=fit,
        lr_chi2=lr,
        df1=df1,
        dispersion=dispersion,
        quasi_f=f,
        quasi_p=float(stats.f.sf(f, df1, fit.df_residual)),
        levels=described,
        comparisons=_odds(fit, names, described, dispersion, conf_level),
    )


def _proportion(name: str, k: Floats, n: Floats, conf_level: float) -> LevelProportion:
    if not len(k):
        raise BadInput(f"level {name} has no rows; leave it out")
    a, b = float(k.sum()), float(n.sum())
    _check_proportion(a, b)
    return LevelProportion(
        name, len(k), a / b, float(k.mean()), wilson(a, b, conf_level), clopper_pearson(a, b, conf_level)
    )


def _exp(x: float) -> float:
    return math.exp(x) if x < _LARGEST_EXPONENT else math.inf


def _odds(
    fit: GlmFit, names: Sequence[str], described: Sequence[LevelProportion], dispersion: float, conf_level: float
) -> tuple[OddsComparison, ...]:
    from scipy import stats

    root, half = math.sqrt(dispersion), float(stats.t.ppf((1 + conf_level) / 2, fit.df_residual))
    edge = [level.pooled_proportion in (0.0, 1.0) for level in described]
    found: list[tuple[float, float, float | None]] = []
    for i in range(1, len(names)):
        coef, se = float(fit.beta[i]), math.sqrt(fit.covariance[i, i])
        if edge[0] or edge[i]:
            step = described[i].pooled_proportion - described[0].pooled_proportion
            found.append((math.copysign(math.inf, step) if step else 0.0, math.inf, None))
        else:
            found.append((coef, se, 2 * float(stats.t.sf(abs(coef) / (se * root), fit.df_residual))))
    holm = iter(adjust_p([p for *_, p in found if p is not None], "holm").tolist())
    return tuple(
        OddsComparison(
            level=name,
            reference=names[0],
            coef=coef,
            se=se,
            odds_ratio=_exp(coef),
            se_quasi=se * root,
            lo=_exp(coef - half * se * root) if p is not None else 0.0,
            hi=_exp(coef + half * se * root) if p is not None else math.inf,
            p_t=p,
            p_t_holm=next(holm) if p is not None else None,
        )
        for name, (coef, se, p) in zip(names[1:], found, strict=True)
    )
