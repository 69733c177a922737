"""Groups against the vehicle: analysis of variance, Dunnett's test, Welch's alternatives, trends and the
minimum effective dose.

`diff` is always the level minus the reference, on the scale of the response as given. p-values of `dunnett`
are adjusted over the comparisons with the reference, and so are the intervals: both come from the
distribution of the largest of the correlated t statistics, computed by quadrature.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats
from behavior.summary.effect_size import cohens_d, small_sample_factor
from behavior.summary.fit import FTest
from behavior.summary.groups import Groups, Level, split
from behavior.summary.multivariate_t import Alternative, adjusted_p, critical_value

Labels = Sequence[object] | NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Anova:
    """A one-way analysis of variance. `mse` is the pooled variance within levels, on `df2`."""

    f: float
    df1: int
    df2: int
    p: float
    mse: float
    eta_squared: float
    omega_squared: float
    n: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A level against the reference; `p_adjusted`, `lo` and `hi` hold over all comparisons together.

    `hedges_g` is standardised by the SD of these two levels alone; None where they have no variance.
    """

    level: str
    reference: str
    n: int
    n_reference: int
    diff: float
    se: float
    t: float
    df: float
    p_adjusted: float
    lo: float
    hi: float
    hedges_g: float | None


@dataclass(frozen=True)
class DunnettResult:
    """Every level against the reference, in the order of levels. `critical_value` belongs to `conf_level`."""

    anova: Anova
    critical_value: float
    conf_level: float
    alternative: Alternative
    comparisons: tuple[Comparison, ...]


def one_way_anova(
    response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> Anova:
    """One-way analysis of variance with the effect sizes η² and ω².

    Raises
    ------
    BadInput
        One animal in every level, or no variance within levels.
    """
    return _anova(split(response, group, reference=reference, levels=levels))


def dunnett(
    response: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    conf_level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> DunnettResult:
    """Dunnett's many-to-one comparisons with the pooled variance, single step.

    Parameters
    ----------
    response : shape (n,), NaN where missing
    group : the level of every row, shape (n,)
    reference : the vehicle's level
    levels : the levels to compare, all that occur where absent
    conf_level : of the simultaneous intervals
    alternative : "greater" tests whether levels lie above the reference

    Raises
    ------
    BadInput
        One animal in every level, or no variance within levels.

    References
    ----------
    Dunnett CW (1955). Journal of the American Statistical Association 50, 1096–1121.
    """
    groups = split(response, group, reference=reference, levels=levels)
    anova = _anova(groups)
    n = groups.n
    b = np.sqrt(n[1:] / (n[1:] + n[0]))
    se = np.sqrt(anova.mse * (1 / n[1:] + 1 / n[0]))
    return _many_to_one(groups, anova, se, np.full(len(se), float(anova.df2)), b, conf_level, alternative)


def welch_dunnett(
    response: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    conf_level: float = 0.95,
    alternative: Alternative = "two-sided",
) -> DunnettResult:
    """Many-to-one comparisons without the assumption of equal variances.

    Welch's statistics, each with its own Satterthwaite degrees of freedom, against a multivariate t with
    those degrees of freedom and the correlations that the level's own variances imply.

    Raises
    ------
    BadInput
        A level with one animal, or without variance in it and in the reference.

    References
    ----------
    Hasler M, Hothorn LA (2008). Biometrical Journal 50, 793–800.
    """
    groups = split(response, group, reference=reference, levels=levels, at_least=2)
    anova = _anova(groups)
    shares = groups.variances / groups.n
    squares = shares[1:] + shares[0]
    if (squares <= 0).any():
        raise BadInput(f"level {groups.levels[1 + int(np.argmin(squares))]} and the reference have no variance; "
                       "use a test that does not need one, such as Kruskal–Wallis")  # fmt: skip
    df = squares**2 / (shares[1:] ** 2 / (groups.n[1:] - 1) + shares[0] ** 2 / (groups.n[0] - 1))
    b = np.sqrt(shares[0] / squares)
    return _many_to_one(groups, anova, np.sqrt(squares), df, b, conf_level, alternative)


def _many_to_one(
    groups: Groups,
    anova: Anova,
    se: Floats,
    df: Floats,
    b: Floats,
    conf_level: float,
    alternative: Alternative,
) -> DunnettResult:
    correlation = np.outer(b, b)
    np.fill_diagonal(correlation, 1.0)
    two_sided, sign = alternative == "two-sided", -1.0 if alternative == "less" else 1.0
    means, n = groups.means, groups.n
    criticals = {d: critical_value(conf_level, correlation, d, two_sided=two_sided) for d in set(df.tolist())}
    comparisons = []
    for i, level in enumerate(groups.levels[1:], 1):
        diff, error, nu = float(means[i] - means[0]), float(se[i - 1]), float(df[i - 1])
        t, half = diff / error, criticals[nu] * error
        comparisons.append(
            Comparison(
                level=level,
                reference=groups.reference,
                n=int(n[i]),
                n_reference=int(n[0]),
                diff=diff,
                se=error,
                t=t,
                df=nu,
                p_adjusted=adjusted_p(sign * t, correlation, nu, two_sided=two_sided),
                lo=-math.inf if alternative == "less" else diff - half,
                hi=math.inf if alternative == "greater" else diff + half,
                hedges_g=_standardised(groups.values[i], groups.values[0]),
            )
        )
    return DunnettResult(anova, max(criticals.values()), conf_level, alternative, tuple(comparisons))


def _standardised(values: Floats, reference: Floats) -> float | None:
    try:
        return cohens_d(values, reference) * small_sample_factor(len(values) + len(reference) - 2)
    except BadInput:
        return None


def _anova(groups: Groups, largest: float | None = None) -> Anova:
    """`largest` is the size of the numbers whose rounding the variance must exceed; that of the responses if absent."""
    from scipy import stats

    n, means = groups.n, groups.means
    within = float(sum(((v - v.mean()) ** 2).sum() for v in groups.values))
    between = float((n * (means - groups.pooled.mean()) ** 2).sum())
    df1, df2 = len(n) - 1, int(n.sum()) - len(n)
    if df2 < 1:
        raise BadInput("every level has one animal, so that nothing is known about the error; add animals")
    largest = float(np.abs(groups.pooled).max()) if largest is None else largest
    if within <= (1e-14 * largest) ** 2 * n.sum():
        raise BadInput(
            "no level has any variance, so that there is nothing to test against; describe the levels instead"
        )
    mse = within / df2
    f = between / df1 / mse
    omega = (between - df1 * mse) / (between + within + mse)
    return Anova(f, df1, df2, float(stats.f.sf(f, df1, df2)), mse, between / (between + within), omega, int(n.sum()))


def welch_anova(
    response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> FTest:
    """Welch's analysis of variance for unequal variances.

    Raises
    ------
    BadInput
        A level with one animal or without variance.

    References
    ----------
    Welch BL (1951). Biometrika 38, 330–336.
    """
    from scipy import stats

    groups = split(response, group, reference=reference, levels=levels, at_least=2)
    variances = groups.variances
    if (variances <= 0).any():
        flat = groups.levels[int(np.argmin(variances))]
        raise BadInput(f"level {flat} has no variance; Welch's test needs some in every level, use Kruskal–Wallis")
    weights = groups.n / variances
    k, total = len(weights), weights.sum()
    centre = (weights @ groups.means) / total
    spill = (((1 - weights / total) ** 2) / (groups.n - 1)).sum()
    f = (weights @ (groups.means - centre) ** 2) / (k - 1) / (1 + 2 * (k - 2) / (k**2 - 1) * spill)
    df2 = (k**2 - 1) / (3 * spill)
    return FTest(float(f), k - 1, float(df2), float(stats.f.sf(f, k - 1, df2)))


def spread_test(
    response: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    centre: str = "median",
) -> FTest:
    """Whether levels differ in spread: Brown and Forsythe's test (centre "median") or Levene's ("mean").

    References
    ----------
    Levene H (1960). In Contributions to Probability and Statistics, 278–292.
    Brown MB, Forsythe AB (1974). Journal of the American Statistical Association 69, 364–367.
    """
    groups = split(response, group, reference=reference, levels=levels)
    middle = np.median if centre == "median" else np.mean
    spreads = tuple(np.asarray(np.abs(v - middle(v)), dtype=np.float64) for v in groups.values)
    anova = _anova(Groups(groups.levels, spreads), largest=float(np.abs(groups.pooled).max()))
    return FTest(anova.f, anova.df1, anova.df2, anova.p)


@dataclass(frozen=True, slots=True)
class Normality:
    """Shapiro and Wilk's W of the residuals from the level means."""

    w: float
    p: float


def residual_normality(
    response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> Normality:
    """Shapiro and Wilk's test of the residuals.

    References
    ----------
    Royston P (1995). Applied Statistics 44, 547–551 (AS R94).
    """
    from scipy import stats

    groups = split(response, group, reference=reference, levels=levels)
    residuals = np.concatenate([v - v.mean() for v in groups.values])
    if len(residuals) < 3 or np.ptp(residuals) <= 1e-14 * np.abs(groups.pooled).max():
        raise BadInput("fewer than three residuals, or none that differ, say nothing about normality")
    w, p = stats.shapiro(residuals)
    return Normality(float(w), float(p))


@dataclass(frozen=True, slots=True)
class MinimumEffectiveDose:
    """The lowest dose that differs from the vehicle, by two rules; None where there is none.

    `contiguous` asks that every higher dose differs too. Where the two are not the same, a low dose differed
    and a higher one did not: say so, and look for a biphasic effect.
    """

    lowest_significant: str | None
    contiguous: str | None
    alpha: float


def minimum_effective_dose(result: DunnettResult, alpha: float = 0.05) -> MinimumEffectiveDose:
    """The minimum effective dose from Dunnett's p-values; levels must stand in the order of dose.

    References
    ----------
    Tamhane AC, Hochberg Y, Dunnett CW (1996). Biometrics 52, 21–37.
    """
    significant = [c.p_adjusted < alpha for c in result.comparisons]
    names = [c.level for c in result.comparisons]
    lowest = names[significant.index(True)] if any(significant) else None
    run = len(names)
    while run and significant[run - 1]:
        run -= 1
    return MinimumEffectiveDose(lowest, names[run] if run < len(names) else None, alpha)


@dataclass(frozen=True, slots=True)
class Trend:
    """Polynomial contrasts over the rank of the levels; a positive linear t means that the response rises with dose."""

    linear_t: float
    linear_p: float
    quadratic_t: float | None
    quadratic_p: float | None
    df: int


def trend(response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None) -> Trend:
    """Linear and quadratic trend over equally spaced ranks of the levels, with the pooled variance.

    The quadratic contrast is None with two levels.
    """
    from scipy import stats

    groups = split(response, group, reference=reference, levels=levels)
    anova = _anova(groups)
    k = len(groups.levels)
    rank = np.arange(k, dtype=np.float64)
    # QR of the powers of the rank: orthogonal polynomials, signed so that the top dose counts positively.
    basis = np.linalg.qr(np.vander(rank - rank.mean(), min(k, 3), increasing=True))[0]
    ts: list[float | None] = []
    for column in basis.T[1:]:
        weights = column * np.sign(column[-1])
        ts.append(float(weights @ groups.means / math.sqrt(anova.mse * float((weights**2 / groups.n).sum()))))
    ps = [2 * float(stats.t.sf(abs(t), anova.df2)) if t is not None else None for t in ts]
    linear_t, linear_p = ts[0], ps[0]
    assert linear_t is not None and linear_p is not None
    return Trend(linear_t, linear_p, *((ts[1], ps[1]) if k > 2 else (None, None)), df=anova.df2)


@dataclass(frozen=True, slots=True)
class TrendContrasts:
    """Williams-type contrasts: the t of each, top dose first, the largest of them and its adjusted p."""

    ts: tuple[float, ...]
    ps_adjusted: tuple[float, ...]
    max_abs_t: float
    min_p: float
    df: int


def williams_contrasts(
    response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> TrendContrasts:
    """Williams' test as a multiple contrast test: the vehicle against the weighted mean of the top 1, 2, …
    doses.

    References
    ----------
    Williams DA (1971). Biometrics 27, 103–117.
    Bretz F (2006). Computational Statistics & Data Analysis 50, 1735–1748.
    """
    groups = split(response, group, reference=reference, levels=levels)
    anova = _anova(groups)
    return _williams(groups, len(groups.levels), anova)


def _williams(groups: Groups, k: int, anova: Anova) -> TrendContrasts:
    """Of the first k levels, with the variance and degrees of freedom of all."""
    n, means = groups.n[:k], groups.means[:k]
    contrasts = np.zeros((k - 1, k))
    contrasts[:, 0] = -1
    for i in range(k - 1):
        top = slice(k - 1 - i, k)
        contrasts[i, top] = n[top] / n[top].sum()
    covariance = (contrasts / n) @ contrasts.T
    scale = np.sqrt(np.diag(covariance))
    ts = contrasts @ means / (scale * math.sqrt(anova.mse))
    correlation = covariance / np.outer(scale, scale)
    ps = tuple(adjusted_p(float(t), correlation, anova.df2) for t in ts)
    return TrendContrasts(tuple(map(float, ts)), ps, float(np.abs(ts).max()), min(ps), anova.df2)


def williams_dose(
    response: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    alpha: float = 0.05,
) -> str | None:
    """The minimum effective dose by Williams' step-down: doses are left out from the top as long as the rest differ.

    It is the lowest dose up to which the contrasts of all doses from the vehicle upwards are still significant in the
    direction of the top dose; None where the whole is not. It takes the effect to be monotone.

    References
    ----------
    Williams DA (1971). Biometrics 27, 103–117.
    """
    groups = split(response, group, reference=reference, levels=levels)
    anova = _anova(groups)
    lowest, direction = None, 0.0
    for k in range(len(groups.levels), 1, -1):
        found = _williams(groups, k, anova)
        strongest = found.ts[int(np.argmax(np.abs(found.ts)))]
        if found.min_p >= alpha or (direction and strongest * direction < 0):
            break
        lowest, direction = groups.levels[k - 1], direction or strongest
    return lowest
