"""Tests on ranks: Kruskal–Wallis with Dunn's comparisons against the reference, Mann–Whitney, Friedman,
permutation.

p-values are two-sided, and adjusted over the comparisons with the reference only.

References
----------
Kruskal WH, Wallis WA (1952). Journal of the American Statistical Association 47, 583–621.
Dunn OJ (1964). Technometrics 6, 241–252.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.groups import Groups, Level, level_labels, split
from behavior.summary.multiplicity import adjust_p

_MOST_EXACT = 20_000
_SEED = 1_234_567


@dataclass(frozen=True, slots=True)
class DunnComparison:
    """A level against the reference on the ranks of all levels."""

    level: str
    reference: str
    n: int
    n_reference: int
    mean_rank_diff: float
    z: float
    p: float
    p_holm: float
    p_bonferroni: float


@dataclass(frozen=True)
class KruskalResult:
    """Kruskal and Wallis' H, corrected for ties, and Dunn's comparisons."""

    h: float
    df: int
    p: float
    epsilon_squared: float
    n: int
    comparisons: tuple[DunnComparison, ...]


def kruskal_dunn(
    response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> KruskalResult:
    """Kruskal–Wallis, and Dunn's test of every level against the reference.

    Raises
    ------
    BadInput
        All responses are equal, or a level has none.
    """
    from scipy import stats

    groups = split(response, group, reference=reference, levels=levels)
    pooled, n = groups.pooled, groups.n
    total = len(pooled)
    ranks = stats.rankdata(pooled)
    if np.ptp(pooled) <= 0:
        raise BadInput("all responses are equal, so that their ranks say nothing; describe the levels instead")
    _, times = np.unique(pooled, return_counts=True)
    ties = float((times.astype(float) ** 3 - times).sum())
    ends = np.cumsum(n).astype(int)
    means = np.array([ranks[end - int(k) : end].mean() for end, k in zip(ends, n, strict=True)])
    raw = 12 / (total * (total + 1)) * float(n @ (means - (total + 1) / 2) ** 2)
    h = raw / (1 - ties / (total**3 - total))
    variance = total * (total + 1) / 12 - ties / (12 * (total - 1))
    z = (means[1:] - means[0]) / np.sqrt(variance * (1 / n[1:] + 1 / n[0]))
    p = 2 * stats.norm.sf(np.abs(z))
    holm, bonferroni = adjust_p(p, "holm"), adjust_p(p, "bonferroni")
    comparisons = tuple(
        DunnComparison(
            level=level,
            reference=groups.reference,
            n=int(n[i + 1]),
            n_reference=int(n[0]),
            mean_rank_diff=float(means[i + 1] - means[0]),
            z=float(z[i]),
            p=float(p[i]),
            p_holm=float(holm[i]),
            p_bonferroni=float(bonferroni[i]),
        )
        for i, level in enumerate(groups.levels[1:])
    )
    df = len(n) - 1
    return KruskalResult(h, df, float(stats.chi2.sf(h, df)), h / (total - 1), total, comparisons)


@dataclass(frozen=True, slots=True)
class MannWhitney:
    """Mann and Whitney's U of a level over the reference, as R's W; p with continuity and tie correction."""

    level: str
    reference: str
    u: float
    p: float


def mann_whitney(
    response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> tuple[MannWhitney, ...]:
    """Mann–Whitney of every level against the reference, by the normal approximation.

    References
    ----------
    Mann HB, Whitney DR (1947). Annals of Mathematical Statistics 18, 50–60.
    """
    from scipy import stats

    groups = split(response, group, reference=reference, levels=levels)
    found = []
    for level, values in zip(groups.levels[1:], groups.values[1:], strict=True):
        u, p = stats.mannwhitneyu(values, groups.values[0], method="asymptotic", use_continuity=True)
        found.append(MannWhitney(level, groups.reference, float(u), 1.0 if math.isnan(p) else float(min(p, 1.0))))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Friedman:
    """Friedman's χ² over treatments within subjects, corrected for ties."""

    chi2: float
    df: int
    p: float
    n_subjects: int


def friedman(table: ArrayLike) -> Friedman:
    """Friedman's test.

    Parameters
    ----------
    table : shape (subjects, treatments), complete

    Raises
    ------
    BadInput
        A cell is missing, fewer than two subjects or treatments, or every row is tied throughout.

    References
    ----------
    Friedman M (1937). Journal of the American Statistical Association 32, 675–701.
    """
    from scipy import stats

    cells = np.asarray(table, dtype=np.float64)
    if cells.ndim != 2 or min(cells.shape) < 2 or not np.isfinite(cells).all():
        raise BadInput("Friedman's test needs a complete table of two or more subjects and treatments")
    n, k = cells.shape
    ranks = stats.rankdata(cells, axis=1)
    spread = float(((ranks - (k + 1) / 2) ** 2).sum())
    if spread <= 0:
        raise BadInput("every subject's responses are equal, so that their ranks say nothing")
    sums = ranks.sum(axis=0) - n * (k + 1) / 2
    chi2 = (k - 1) * float(sums @ sums) / spread
    return Friedman(chi2, k - 1, float(stats.chi2.sf(chi2, k - 1)), n)


@dataclass(frozen=True, slots=True)
class PermutationComparison:
    """A level against the reference by rearranging animals between the two."""

    level: str
    reference: str
    n: int
    n_reference: int
    diff: float
    p: float
    p_holm: float
    exact: bool
    n_arrangements: int


def permutation_test(
    response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> tuple[PermutationComparison, ...]:
    """Every level against the reference by a two-sided permutation test of the difference of means.

    All arrangements are gone through where there are at most 20,000; above that, a sample of as many from a
    fixed seed, so that equal data give equal results. Nothing is assumed about the distribution: durations
    with many zeros may be compared.

    References
    ----------
    Phipson B, Smyth GK (2010). Statistical Applications in Genetics and Molecular Biology 9, article 39.
    """
    groups = split(response, group, reference=reference, levels=levels)
    found = [_rearranged(groups, i) for i in range(1, len(groups.levels))]
    holm = adjust_p([p for p, *_ in found], "holm")
    return tuple(
        PermutationComparison(
            level=level,
            reference=groups.reference,
            n=len(values),
            n_reference=len(groups.values[0]),
            diff=float(values.mean() - groups.values[0].mean()),
            p=p,
            p_holm=float(adjusted),
            exact=exact,
            n_arrangements=n,
        )
        for level, values, (p, exact, n), adjusted in zip(
            groups.levels[1:], groups.values[1:], found, holm, strict=True
        )
    )


@dataclass(frozen=True, slots=True)
class PermutationAnova:
    """Whether levels differ in mean, by rearranging animals among all of them. `eta_squared` is the statistic."""

    eta_squared: float
    p: float
    n: int
    n_arrangements: int


def permutation_anova(
    response: ArrayLike, group: Labels, *, reference: Level, levels: Sequence[Level] | None = None
) -> PermutationAnova:
    """A one-way analysis of variance whose p comes from 20,000 rearrangements of a fixed seed.

    Raises
    ------
    BadInput
        All responses are equal, or a level has none.
    """
    groups = split(response, group, reference=reference, levels=levels)
    pooled, n = np.concatenate([np.sort(v) for v in groups.values]), groups.n
    total = float(((pooled - pooled.mean()) ** 2).sum())
    if np.ptp(pooled) <= 0:
        raise BadInput("all responses are equal, so that there is nothing to compare; describe the levels instead")
    ends = np.cumsum(n).astype(int)
    mixed = (pooled - pooled.mean())[_shuffled(len(pooled))]
    sums = np.diff(np.cumsum(mixed, axis=1)[:, ends - 1], axis=1, prepend=0.0)
    between = (sums**2 / n).sum(axis=1)
    observed = float((n * (groups.means - pooled.mean()) ** 2).sum())
    extreme = int((between >= observed * (1 - 1e-12)).sum())
    return PermutationAnova(observed / total, (extreme + 1) / (_MOST_EXACT + 1), len(pooled), _MOST_EXACT)


def permutation_profiles(profiles: ArrayLike, group: Labels) -> PermutationAnova:
    """Whether profiles of several values differ between groups: rearranging whole profiles between animals.

    The statistic is the sum of squares between groups, over all values; p comes from 20,000 rearrangements of a fixed
    seed.

    Parameters
    ----------
    profiles : shape (animals, values), without missing ones
    group : of every animal

    Raises
    ------
    BadInput
        There is one group only, or nothing varies.
    """
    values, labels = np.asarray(profiles, dtype=np.float64), level_labels(group)
    names = sorted(set(labels.tolist()))
    centred = values - values.mean(axis=0)
    total = float((centred**2).sum())
    if len(names) < 2 or total <= 1e-12 * max(float((values**2).sum()), 1e-300):
        raise BadInput("all profiles are alike or of one group, so that there is nothing to compare")
    member = np.array([labels == name for name in names], dtype=np.float64)
    weights = member / np.sqrt(member.sum(axis=1, keepdims=True))
    # In one order whatever that of the rows, so that the fixed sample of rearrangements gives one p.
    order = np.lexsort((*centred.T[::-1], labels))
    centred, weights = centred[order], weights[:, order]
    observed, extreme = float(((weights @ centred) ** 2).sum()), 0
    for rows in np.array_split(_shuffled(len(values)), 20):
        between = np.square(np.einsum("gn,knv->kgv", weights, centred[rows])).sum(axis=(1, 2))
        extreme += int((between >= observed * (1 - 1e-12)).sum())
    return PermutationAnova(observed / total, (extreme + 1) / (_MOST_EXACT + 1), len(values), _MOST_EXACT)


@lru_cache(maxsize=8)
def _shuffled(n: int) -> NDArray[np.int_]:
    """The fixed sample of orders of n rows, shape (20,000, n)."""
    rng = np.random.Generator(np.random.PCG64(_SEED))
    return rng.permuted(np.tile(np.arange(n), (_MOST_EXACT, 1)), axis=1)


@lru_cache(maxsize=8)
def _chosen(total: int, n: int) -> NDArray[np.int_]:
    """Every choice of n of the rows."""
    return np.array(list(combinations(range(total), n)))


def _rearranged(groups: Groups, i: int) -> tuple[float, bool, int]:
    a, b = groups.values[i], groups.values[0]
    # Order within a group must not matter to a sampled test.
    pooled = np.concatenate([np.sort(a), np.sort(b)])
    n, total = len(a), len(pooled)
    n_all = math.comb(total, n)
    exact = n_all <= _MOST_EXACT
    chosen = _chosen(total, n) if exact else _shuffled(total)[:, :n]
    sums = pooled[chosen].sum(axis=1)
    centre = n * pooled.mean()
    observed = abs(float(a.sum()) - centre)
    slack = 1e-12 * float(np.abs(pooled).sum())
    extreme = int((np.abs(sums - centre) >= observed - slack).sum())
    return (extreme / n_all, True, n_all) if exact else ((extreme + 1) / (_MOST_EXACT + 1), False, _MOST_EXACT)
