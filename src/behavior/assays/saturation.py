"""Saturation binding: how many sites, and how tightly they bind.

Specific binding is total - nonspecific. Bmax x / (Kd + x) is fitted to the specific binding of every tube,
or, as one fit, Bmax x / (Kd + x) + N x to the totals and N x to the nonspecific tubes ("global"), which needs
no subtraction and uses both errors. The Scatchard line is drawn for the eye only: its axes share their error,
so that its estimates are biased.

Groups (treated against control) are compared with the animal as unit where each animal has its own curve: log
Bmax and log Kd by `compare_animals`. Where tissue was pooled there is one curve per group and only the tubes'
error, which `compare_curves` tests by the extra sum of squares; the report then says that no animals stand
behind it.

References
----------
Scatchard G (1949). The attractions of proteins for small molecules and ions. Ann N Y Acad Sci 51, 660–672.
Motulsky H, Christopoulos A (2004). Fitting Models to Biological Data using Linear and Nonlinear Regression.
Oxford.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.assays.limits import profile_limits, raised, wald_limits
from behavior.assays.quantity import shortest
from behavior.assays.result import Estimate
from behavior.assays.spread import Spread, fit_with_spread
from behavior.model.errors import BadInput
from behavior.summary.fit import (
    CurveFit,
    FTest,
    compare_fits,
    fit_curve,
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SaturationFit:
    """One saturation curve; Bmax in the unit of the response, Kd in that of the concentration.

    `bmax` and `kd` have profile limits, `bmax_wald` and `kd_wald` estimate -/+ t se. `nonspecific_slope` is
    None for fits to specific binding, `hill` is 1 unless it was fitted.
    """

    fit: CurveFit
    bmax: Estimate
    kd: Estimate
    bmax_wald: Estimate
    kd_wald: Estimate
    nonspecific_slope: float | None
    hill: float


def saturation_curve(x: Floats, p: Floats) -> Floats:
    """Specific binding at free concentrations x; parameters Bmax, Kd, Hill."""
    bmax, kd, hill = p
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(
            bmax * x**hill / (kd**hill + x**hill) if kd > 0 else np.full(len(x), np.nan), dtype=np.float64
        )


def _global_curve(x: Floats, p: Floats) -> Floats:
    """Columns of x: free concentration, 1 where the tube is a total."""
    bmax, kd, slope = p
    if kd <= 0:
        return np.full(len(x), np.nan)
    free, is_total = x[:, 0], x[:, 1]
    return np.asarray(is_total * bmax * free / (kd + free) + slope * free, dtype=np.float64)


def fit_specific(
    free: ArrayLike,
    specific: ArrayLike,
    *,
    hill: bool = False,
    conf_level: float = 0.95,
    profile: bool = True,
    spread: Spread = "constant",
) -> SaturationFit:
    """Fit Bmax x / (Kd + x) to specific binding.

    Parameters
    ----------
    free : free radioligand, shape (n,)
    specific : total - nonspecific, shape (n,); single negative values at low concentrations are noise and
        stay in
    hill : fit a slope as well
    profile : compute profile limits (they are those of the Wald interval otherwise)
    spread : whether the tubes' error is ``constant`` or ``grows`` with their binding (see `spread`)

    Raises
    ------
    BadInput
        Fewer than three concentrations, or specific binding that is negative on the whole.
    """
    x, y = _checked(free, specific)
    starts = [(float(y.max()) * up, float(np.median(x)) * at, 1.0) for up in (1.0, 1.5) for at in (0.3, 1.0, 3.0)]
    fixed = {} if hill else {"hill": 1.0}
    names = ("bmax", "kd", "hill")
    fit = fit_with_spread(saturation_curve, x, y, starts, names=names, fixed=fixed, spread=spread)
    return _described(fit, conf_level, profile)


def fit_global(
    free: ArrayLike,
    total: ArrayLike,
    nonspecific: ArrayLike,
    *,
    conf_level: float = 0.95,
    profile: bool = True,
    spread: Spread = "constant",
) -> SaturationFit:
    """Fit totals and nonspecific tubes together, nonspecific binding being proportional to the free
    concentration.

    Parameters
    ----------
    free, total, nonspecific : shape (n,); NaN in `total` or `nonspecific` where that tube is missing; without any
        nonspecific tube its slope comes from the totals alone, and the limits widen
    """
    x, totals = np.asarray(free, dtype=np.float64), np.asarray(total, dtype=np.float64)
    others = np.asarray(nonspecific, dtype=np.float64)
    _checked(x, totals - np.where(np.isfinite(others), others, 0.0))
    both = np.concatenate([np.column_stack([x, np.ones_like(x)]), np.column_stack([x, np.zeros_like(x)])])
    y = np.concatenate([totals, others])
    there = np.isfinite(y)
    seen = np.isfinite(others)
    if seen.any():
        slope = float((others[seen] @ x[seen]) / (x[seen] @ x[seen]))
    else:
        slope = 0.3 * float(totals[np.argmax(x)]) / float(x.max())
    top = float(np.nanmax(totals - slope * x))
    starts = [(top * up, float(np.median(x)) * at, slope) for up in (1.0, 1.5) for at in (0.3, 1.0, 3.0)]
    names = ("bmax", "kd", "nonspecific")
    fit = fit_with_spread(_global_curve, both[there], y[there], starts, names=names, spread=spread)
    return _described(fit, conf_level, profile)


def _checked(free: ArrayLike, specific: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(free, dtype=np.float64), np.asarray(specific, dtype=np.float64)
    there = np.isfinite(x) & np.isfinite(y)
    x, y = x[there], y[there]
    if (x < 0).any():
        raise BadInput(f"a free concentration is negative ({x.min():g}); check the entry")
    different = np.unique(x[x > 0])
    if len(different) < 3:
        raise BadInput(
            f"a saturation curve needs at least three concentrations, here are {len(different)} "
            f"({', '.join(shortest(float(value)) for value in different) or 'none'}); add more"
        )
    if y[x == different[-1]].mean() <= 0 or y.mean() <= 0:
        raise BadInput(
            f"specific binding is negative (mean {y.mean():.4g}); check whether total and nonspecific are exchanged"
        )
    return x, y


def _described(fit: CurveFit, conf_level: float, profile: bool) -> SaturationFit:
    wald = {name: wald_limits(fit, name, conf_level) for name in ("bmax", "kd")}
    limits = {name: profile_limits(fit, name, conf_level, positive=True) for name in wald} if profile else wald
    return SaturationFit(
        fit=fit,
        bmax=limits["bmax"],
        kd=limits["kd"],
        bmax_wald=wald["bmax"],
        kd_wald=wald["kd"],
        nonspecific_slope=fit.estimates.get("nonspecific"),
        hill=fit.estimates.get("hill", 1.0),
    )


@dataclass(frozen=True, slots=True)
class Scatchard:
    """The line of bound/free on bound through the means of each concentration: for the eye, not for
    estimates.
    """

    slope: float
    intercept: float
    kd: float
    bmax: float
    r2: float
    bound: tuple[float, ...]
    bound_over_free: tuple[float, ...]


def scatchard(free: ArrayLike, specific: ArrayLike) -> Scatchard:
    """The Scatchard line by ordinary least squares.

    Raises
    ------
    BadInput
        Fewer than three concentrations, negative binding, or a line without a slope.
    """
    x, y = _checked(free, specific)
    x, y = x[x > 0], y[x > 0]
    places = np.unique(x)
    bound = np.array([y[x == place].mean() for place in places])
    ratio = bound / places
    spread = bound - bound.mean()
    slope = float(spread @ ratio / (spread @ spread)) if np.ptp(bound) > 0 else 0.0
    if slope == 0:
        raise BadInput("bound over free does not change with bound, so that there is no Scatchard line; see the curve")
    intercept = float(ratio.mean() - slope * bound.mean())
    left = ratio - intercept - slope * bound
    r2 = 1 - float(left @ left) / float(((ratio - ratio.mean()) ** 2).sum())
    return Scatchard(slope, intercept, -1 / slope, -intercept / slope, r2, tuple(bound.tolist()), tuple(ratio.tolist()))


@dataclass(frozen=True)
class CurveComparison:
    """Two or more curves of pooled tissue: do they share Bmax, Kd? Ratios are group over reference, with
    profile limits.
    """

    groups: tuple[str, ...]
    same_bmax: FTest
    same_kd: FTest
    bmax_ratio: Mapping[str, Estimate]


def compare_curves(
    free: ArrayLike,
    specific: ArrayLike,
    group: Sequence[str],
    reference: str,
    *,
    conf_level: float = 0.95,
    spread: Spread = "constant",
) -> CurveComparison:
    """Compare saturation curves by the extra sum of squares.

    Parameters
    ----------
    free, specific, group : one tube each, shape (n,)
    reference : the control group
    spread : as in `fit_specific`; both curves of a test have the same

    Raises
    ------
    BadInput
        The reference is not among the groups, or there is only one group.
    """
    x, y, labels = np.asarray(free, float), np.asarray(specific, float), np.asarray(group, dtype=object)
    others = [name for name in dict.fromkeys(group) if name != reference]
    if not others or reference not in labels:
        raise BadInput(
            f"nothing to compare with group {reference!r} (groups: {', '.join(sorted(set(group)))}); name "
            "the control group"
        )
    groups = (reference, *others)
    single = {name: fit_specific(x[labels == name], y[labels == name], profile=False) for name in groups}
    index = np.array([groups.index(name) for name in labels], dtype=np.float64)
    whole = np.column_stack([x, index])
    start = np.log([[single[name].bmax.value for name in groups], [single[name].kd.value for name in groups]])
    steps = np.concatenate([start[:, :1], start[:, 1:] - start[:, :1]], axis=1).ravel().tolist()
    names = [*(f"bmax{i}" for i in range(len(groups))), *(f"kd{i}" for i in range(len(groups)))]
    curve = _StepCurve(len(groups))
    full = fit_with_spread(curve, whole, y, [steps], names=names, spread=spread)
    tests = {}
    for what in ("bmax", "kd"):
        held = {f"{what}{i}": 0.0 for i in range(1, len(groups))}
        tests[what] = compare_fits(fit_curve(full.curve, full.x, full.y, [steps], names=names, fixed=held), full)
    ratios = {}
    for i, name in enumerate(others, start=1):
        ratios[name] = raised(profile_limits(full, f"bmax{i}", conf_level), math.e)
    return CurveComparison(groups, tests["bmax"], tests["kd"], ratios)


@dataclass(frozen=True, slots=True)
class _StepCurve:
    """Curves of several groups, parametrised by the reference's ln Bmax and ln Kd and the steps of the others
    from them.
    """

    n_groups: int

    def __call__(self, x: Floats, p: Floats) -> Floats:
        k = self.n_groups
        at = x[:, 1].astype(int)
        log_bmax = np.concatenate([[p[0]], p[0] + p[1:k]])
        log_kd = np.concatenate([[p[k]], p[k] + p[k + 1 :]])
        with np.errstate(over="ignore", invalid="ignore"):
            return np.asarray(np.exp(log_bmax[at]) * x[:, 0] / (np.exp(log_kd[at]) + x[:, 0]), dtype=np.float64)
