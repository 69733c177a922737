"""The distribution of the largest of several correlated t statistics, without random numbers.

For contrasts with one reference the correlations have product structure, ρ_ij = b_i b_j, and the probability
is a double integral (Dunnett 1955): given the reference's deviate z and the error's scale s, the statistics
are independent. Gauss–Legendre quadrature gives it to about ten digits. For other correlations a
deterministic lattice of Genz and Bretz gives four to five.

References
----------
Dunnett CW (1955). Journal of the American Statistical Association 50, 1096–1121.
Genz A, Bretz F (2009). Computation of Multivariate Normal and t Probabilities. Springer. Sections 2.2 and
4.2.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from behavior.summary.derivatives import Floats

Alternative: TypeAlias = Literal["two-sided", "greater", "less"]

_N_SCALE, _N_DEVIATE, _N_LATTICE = 64, 128, 100_003
_FARTHEST_DEVIATE = 8.5
_LEAST_TAIL = 1e-10
_LEAST_DF = 1.0
_FEW_DF = 8.0
_TIGHT = 0.95


def adjusted_p(t: float, correlation: ArrayLike, df: float, *, two_sided: bool = True) -> float:
    """The single-step p-value of one of several correlated t statistics: 1 - P(none is as extreme).

    Below 1e-10 the difference from 1 loses its digits; there the Bonferroni bound is given, which is then as
    good as exact, and with less than one degree of freedom.

    Parameters
    ----------
    t : the statistic; for a one-sided test positive in the direction of the alternative
    correlation : of the statistics, shape (m, m)
    df : degrees of freedom, infinite for normal statistics
    two_sided : whether |t| counts
    """
    from scipy import stats

    r = np.asarray(correlation, dtype=np.float64)
    t = abs(t) if two_sided else t
    tail = float(stats.t.sf(t, df)) if math.isfinite(df) else float(stats.norm.sf(t))
    bound = len(r) * tail * (2 if two_sided else 1)
    if len(r) == 1 or bound < _LEAST_TAIL or df < _LEAST_DF:
        return min(bound, 1.0)
    return min(max(1 - max_t_probability(t, r, df, two_sided=two_sided), bound / len(r)), bound, 1.0)


def critical_value(conf_level: float, correlation: ArrayLike, df: float, *, two_sided: bool = True) -> float:
    """The value that the largest statistic stays below with probability `conf_level`."""
    from scipy import stats
    from scipy.optimize import brentq

    r = np.asarray(correlation, dtype=np.float64)
    law = stats.t(df) if math.isfinite(df) else stats.norm()
    sides = 2 if two_sided else 1
    lo, hi = (float(law.isf((1 - conf_level) / sides / m)) for m in (1, len(r)))
    if len(r) == 1:
        return lo
    if df < _LEAST_DF:
        return hi

    def excess(q: float) -> float:
        return max_t_probability(q, r, df, two_sided=two_sided) - conf_level

    # One statistic and Bonferroni bracket it, but for the lattice's last digit.
    if excess(lo) >= 0:
        return lo
    return float(brentq(excess, lo, hi, xtol=1e-9)) if excess(hi) > 0 else hi


def max_t_probability(q: float, correlation: ArrayLike, df: float, *, two_sided: bool = True) -> float:
    """P(all |T_i| <= q), or P(all T_i <= q).

    Parameters
    ----------
    q : the limit
    correlation : shape (m, m)
    df : degrees of freedom, infinite for normal statistics
    two_sided : whether |T_i| counts
    """
    r = np.asarray(correlation, dtype=np.float64)
    loadings = product_structure(r)
    if loadings is not None:
        return _by_quadrature(q, loadings, df, two_sided=two_sided)
    return _by_lattice(q, r, df, two_sided=two_sided)


def product_structure(correlation: Floats, tolerance: float = 1e-9) -> Floats | None:
    """The b with ρ_ij = b_i b_j for i ≠ j, or None where there is none; shape (m,)."""
    m = len(correlation)
    if m == 2:
        r = float(correlation[0, 1])
        root = math.sqrt(abs(r))
        return np.array([root, math.copysign(root, r)])
    if m < 3:
        return np.zeros(m)
    off = correlation - np.diag(np.diag(correlation))
    if np.abs(off).max() < tolerance:
        return np.zeros(m)
    if np.abs(off + np.eye(m)).min() < 1e-6:
        return None
    # b_i² = ρ_ij ρ_ik / ρ_jk for any two others j, k.
    squares = np.array([off[i, (i + 1) % m] * off[i, (i + 2) % m] / off[(i + 1) % m, (i + 2) % m] for i in range(m)])
    if (squares <= 0).any() or (squares > 1 + tolerance).any():
        return None
    b = np.sqrt(np.minimum(squares, 1.0)) * np.where(off[0] + np.eye(m)[0] < 0, -1.0, 1.0)
    fits = np.abs(np.outer(b, b) - np.diag(b**2) - off).max() < tolerance
    return b if fits else None


@lru_cache(maxsize=8)
def _legendre(n: int) -> tuple[Floats, Floats]:
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return np.asarray(nodes, dtype=np.float64), np.asarray(weights, dtype=np.float64)


@lru_cache(maxsize=64)
def error_scales(df: float) -> tuple[Floats, Floats]:
    """Nodes and weights to integrate over s = √(χ²_df / df), the estimated error relative to the true one."""
    from scipy import stats

    if not math.isfinite(df):
        return np.ones(1), np.ones(1)
    lo, hi = (math.sqrt(float(f(1e-15, df)) / df) for f in (stats.chi2.ppf, stats.chi2.isf))
    nodes, weights = _legendre(_N_SCALE)
    # With few degrees of freedom most that matters lies near 0; there the nodes are drawn together.
    power = 3 if df < _FEW_DF else 1
    u = (nodes + 1) / 2
    s = lo + (hi - lo) * u**power
    steps = (hi - lo) / 2 * weights * power * u ** (power - 1)
    return s, steps * stats.chi2.pdf(s**2 * df, df) * 2 * s * df


def _by_quadrature(q: float, loadings: Floats, df: float, *, two_sided: bool) -> float:
    from scipy.special import ndtr

    s, s_weights = error_scales(df)
    z, steps = _deviates(q * s, loadings)
    inner = steps * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    limits, times = np.unique(loadings, return_counts=True)
    for b, power in zip(limits, times, strict=True):
        # A level without variance (b = 1) is the reference's deviate itself, up to rounding.
        spread = max(math.sqrt(1 - b**2), 1e-12)
        below = ndtr((b * z + q * s[:, None]) / spread)
        if two_sided:
            below = below - ndtr((b * z - q * s[:, None]) / spread)
        inner = inner * below**power
    return float(s_weights @ inner.sum(axis=1))


def _deviates(limits: Floats, loadings: Floats) -> tuple[Floats, Floats]:
    """Nodes and weights over the reference's deviate, for every limit q s; shape (s, nodes) or (1, nodes).

    Under a loading near 1 the integrand falls steeply at ± q s / b. There the range is cut in three, so that nodes
    crowd at the cuts.
    """
    nodes, weights = _legendre(_N_DEVIATE)
    tightest = float(np.abs(loadings).max(initial=0.0))
    if tightest < _TIGHT:
        return _FARTHEST_DEVIATE * nodes[None, :], _FARTHEST_DEVIATE * weights[None, :]
    cut = np.minimum(np.abs(limits) / tightest, _FARTHEST_DEVIATE)
    far = np.full_like(cut, _FARTHEST_DEVIATE)
    edges = np.stack([-far, -cut, cut, far])
    halves, middles = np.diff(edges, axis=0) / 2, (edges[1:] + edges[:-1]) / 2
    z = np.concatenate(
        [middle[:, None] + half[:, None] * nodes for half, middle in zip(halves, middles, strict=True)], 1
    )
    return z, np.concatenate([half[:, None] * weights for half in halves], axis=1)


@lru_cache(maxsize=16)
def _lattice(dimension: int) -> Floats:
    """A rank-1 lattice in the unit cube from square roots of primes, folded (baker's transform), shape (d, n)."""
    primes = [p for p in range(2, 400) if all(p % k for k in range(2, math.isqrt(p) + 1))][:dimension]
    points = np.outer(np.sqrt(np.array(primes, dtype=np.float64)), np.arange(1, _N_LATTICE + 1))
    return np.asarray(np.abs(2 * (points % 1) - 1), dtype=np.float64)


@lru_cache(maxsize=16)
def _lattice_scales(dimension: int, df: float) -> Floats:
    """The error's scale at every lattice point, from the last coordinate."""
    from scipy import stats

    if not math.isfinite(df):
        return np.ones(_N_LATTICE)
    return np.asarray(np.sqrt(stats.chi2.ppf(_lattice(dimension)[-1], df) / df), dtype=np.float64)


def _by_lattice(q: float, correlation: Floats, df: float, *, two_sided: bool) -> float:
    """Genz's sequential conditioning on lattice points, the error's scale as the last coordinate."""
    from scipy.special import ndtr, ndtri

    m = len(correlation)
    root = _cholesky(correlation)
    points = _lattice(m)
    s = _lattice_scales(m, df)
    product, deviates = np.ones_like(s), np.zeros((m, len(s)))
    for i in range(m):
        shift, spread = root[i, :i] @ deviates[:i], max(root[i, i], 1e-12)
        hi = ndtr((q * s - shift) / spread)
        lo = ndtr((-q * s - shift) / spread) if two_sided else np.zeros_like(hi)
        product *= hi - lo
        if i < m - 1:
            deviates[i] = ndtri(np.clip(lo + points[i] * (hi - lo), 1e-300, 1 - 1e-16))
    return float(product.mean())


def _cholesky(correlation: Floats) -> Floats:
    """The lower root; a singular matrix is met with a ridge far below the lattice's accuracy."""
    return np.asarray(np.linalg.cholesky(correlation + 1e-10 * np.eye(len(correlation))), dtype=np.float64)
