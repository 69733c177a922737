"""Non-compartmental kinetics: exposure, its decline, and what of it was extrapolated.

Rules, all of them printed in the report:

1. Samples up to the last quantifiable one count ("last" below). Below quantification before the first
   quantifiable sample is 0, between two of them missing, after the last one left out; `handle_below_limit`
   can be told otherwise.
2. The terminal slope is the regression of ln concentration on time over the last n points, n at least three,
   after tmax (at tmax too with `include_cmax`). Of all n, that with the best adjusted R² is taken; of those
   within 1e-4 of it, the largest. The points used are part of the result, for they decide the half-life.
3. AUC by the linear trapezoid, or linear up and logarithmic down. To infinity by C_last / λz, with the
   extrapolated share.
4. An intravenous bolus has its concentration at time 0 from the log-linear line through the first two
   samples.
5. Sparse designs (a rat gives one or few samples) give one mean profile; the AUC's error is Bailer's, with
   Holder's covariances for rats sampled more than once and Satterthwaite's degrees of freedom.

References
----------
Gabrielsson J, Weiner D (2012). Non-compartmental analysis. Methods Mol Biol 929, 377–389.
Bailer AJ (1988). Testing for the equality of area under the curves when using destructive measurement
techniques.
J Pharmacokinet Biopharm 16, 303–309.
Nedelman JR, Jia X (1998). An extension of Satterthwaite's approximation applied to pharmacokinetics.
J Biopharm Stat 8, 317–328.
Holder DJ (2001). Comments on Nedelman and Jia's extension of Satterthwaite's approximation. J Biopharm Stat
11, 75–79.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.assays.limits import raised
from behavior.assays.result import Estimate, Unusable
from behavior.assays.units import family_of, shown
from behavior.model.errors import BadInput
from behavior.summary.fit import t_quantile

Floats = NDArray[np.float64]
Route = Literal["extravascular", "iv_bolus"]
Trapezoid = Literal["lin", "linup_logdown"]
_EQUAL = 1 - 1e-4
"""Nearer concentrations have the linear step: it differs by less than 1e-9, and the logarithm would lose its digits."""


@dataclass(frozen=True, slots=True)
class LambdaZRule:
    """How the points of the terminal slope are chosen (rule 2)."""

    min_points: int = 3
    include_cmax: bool = False
    tolerance: float = 1e-4


@dataclass(frozen=True, slots=True)
class TerminalSlope:
    """The terminal log-linear phase. Times in the unit of the data; `half_life` has a t interval from the
    regression.
    """

    lambda_z: float
    se: float
    intercept: float
    n_points: int
    times: tuple[float, ...]
    adjusted_r2: float
    half_life: Estimate


@dataclass(frozen=True, slots=True)
class Area:
    """An area under one profile; all but `last` is None without a terminal slope.

    `mean_residence_time` is the area of time × concentration over the area, both to infinity and by the same
    trapezoid.
    """

    last: float
    infinity: float | None
    fraction_extrapolated: float | None
    mean_residence_time: float | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One animal's (or one mean) kinetics; `why_no_slope` says what kept the terminal slope from being
    given.
    """

    cmax: float
    tmax: float
    t_last: float
    c_last: float
    c0: float | None
    slope: TerminalSlope | None
    why_no_slope: str
    areas: Mapping[Trapezoid, Area]
    n_samples: int
    times: tuple[float, ...]
    concentrations: tuple[float, ...]


def analyse_profile(
    time: ArrayLike,
    concentration: ArrayLike,
    *,
    route: Route = "extravascular",
    rule: LambdaZRule | None = None,
    trapezoids: Sequence[Trapezoid] = ("lin", "linup_logdown"),
    subject: str = "the animal",
) -> Profile:
    """Analyse one concentration-time profile.

    Parameters
    ----------
    time : since the dose, shape (n,); increasing
    concentration : shape (n,); NaN is missing
    route : ``extravascular`` or ``iv_bolus``
    rule : of the terminal slope
    trapezoids : ``lin``, ``linup_logdown`` or both
    subject : for messages

    Raises
    ------
    BadInput
        Times do not increase, or a concentration is negative.
    Unusable
        Nothing is above the limit of quantification.
    """
    times, levels = _usable(time, concentration, subject)
    c0 = None
    n_samples = len(times)
    if route == "iv_bolus":
        times, levels, c0 = with_initial(times, levels)
    first = len(times) - n_samples if c0 is not None and len(times) > n_samples else 0
    top = first + int(np.argmax(levels[first:]))
    slope, why = _terminal(times, levels, top, rule or LambdaZRule())
    return Profile(
        cmax=float(levels[top]),
        tmax=float(times[top]),
        t_last=float(times[-1]),
        c_last=float(levels[-1]),
        c0=c0,
        slope=slope,
        why_no_slope=why,
        areas={kind: _area(times, levels, kind, slope) for kind in trapezoids},
        n_samples=n_samples,
        times=tuple(times.tolist()),
        concentrations=tuple(levels.tolist()),
    )


def _usable(time: ArrayLike, concentration: ArrayLike, subject: str) -> tuple[Floats, Floats]:
    """The samples up to the last positive one, missing ones left out."""
    times, levels = np.asarray(time, dtype=np.float64), np.asarray(concentration, dtype=np.float64)
    there = np.isfinite(times) & np.isfinite(levels)
    times, levels = times[there], levels[there]
    steps = np.diff(times)
    if (steps <= 0).any():
        at = int(np.argmax(steps <= 0))
        raise BadInput(
            f"{subject}: time {times[at + 1]:g} follows {times[at]:g}; times must increase within an animal, "
            "sort its rows or mend the entry"
        )
    if (levels < 0).any():
        raise BadInput(f"{subject}: a concentration is negative ({levels.min():g}); check the entry")
    if not (levels > 0).any():
        raise Unusable(
            f"{subject}: no sample is above the limit of quantification, so nothing can be said but that; "
            "leave the animal out, or give concentrations"
        )
    last = int(np.flatnonzero(levels > 0)[-1])
    return times[: last + 1], levels[: last + 1]


def with_initial(times: Floats, levels: Floats) -> tuple[Floats, Floats, float]:
    """A bolus profile with its concentration at time 0: observed, or back-extrapolated from the first two
    samples.
    """
    if times[0] == 0 and levels[0] == 0 and len(times) > 1:
        times, levels = times[1:], levels[1:]
    if times[0] == 0:
        return times, levels, float(levels[0])
    c0 = float(levels[0])
    if len(times) > 1 and 0 < levels[1] < levels[0]:
        fall = math.log(levels[0] / levels[1]) / (times[1] - times[0])
        c0 = float(levels[0] * math.exp(fall * times[0]))
    return np.concatenate([[0.0], times]), np.concatenate([[c0], levels]), c0


def _terminal(times: Floats, levels: Floats, top: int, rule: LambdaZRule) -> tuple[TerminalSlope | None, str]:
    start = top if rule.include_cmax else top + 1
    after = np.arange(start, len(times))
    after = after[levels[after] > 0]
    least = max(rule.min_points, 3)
    if len(after) < least:
        return None, f"{len(after)} quantifiable samples after tmax, {least} are needed"
    found = [_regress(times[after[-n:]], levels[after[-n:]]) for n in range(least, len(after) + 1)]
    best = max(slope.adjusted_r2 for slope in found)
    chosen = [slope for slope in found if slope.adjusted_r2 >= best - rule.tolerance][-1]
    if chosen.lambda_z <= 0:
        return None, "the concentration does not fall over the last samples"
    return chosen, ""


def _regress(times: Floats, levels: Floats, conf_level: float = 0.95) -> TerminalSlope:
    n = len(times)
    log = np.log(levels)
    spread = times - times.mean()
    sxx, syy = float(spread @ spread), float(((log - log.mean()) ** 2).sum())
    slope = float(spread @ log) / sxx
    intercept = float(log.mean() - slope * times.mean())
    residual = max(syy - slope**2 * sxx, 0.0)
    r2 = 1 - residual / syy if syy > 0 else 0.0
    se = math.sqrt(residual / (n - 2) / sxx)
    half = t_quantile(conf_level, n - 2) * se
    rate = -slope
    half_life = Estimate(
        math.log(2) / rate if rate else math.inf,
        math.log(2) / (rate + half) if rate + half > 0 else None,
        math.log(2) / (rate - half) if rate - half > 0 else None,
        conf_level,
    )
    adjusted = 1 - (1 - r2) * (n - 1) / (n - 2)
    return TerminalSlope(rate, se, intercept, n, tuple(times.tolist()), adjusted, half_life)


def trapezoid_steps(times: Floats, levels: Floats, kind: Trapezoid) -> Floats:
    """The area between each two neighbouring samples, shape (n - 1,)."""
    widths, left, right = np.diff(times), levels[:-1], levels[1:]
    linear = widths * (left + right) / 2
    if kind == "lin":
        return np.asarray(linear, dtype=np.float64)
    falling = (right < left * _EQUAL) & (right > 0)
    ratio = np.where(falling, left / np.where(falling, right, 1.0), math.e)
    return np.where(falling, widths * (left - right) / np.log(ratio), linear)


def _area(times: Floats, levels: Floats, kind: Trapezoid, slope: TerminalSlope | None) -> Area:
    last = float(trapezoid_steps(times, levels, kind).sum())
    if slope is None:
        return Area(last, None, None, None)
    tail = float(levels[-1]) / slope.lambda_z
    moment = float(_moment_steps(times, levels, kind).sum()) + tail * (float(times[-1]) + 1 / slope.lambda_z)
    return Area(last, last + tail, tail / (last + tail), moment / (last + tail))


def _moment_steps(times: Floats, levels: Floats, kind: Trapezoid) -> Floats:
    """The area of time × concentration between each two neighbouring samples, shape (n - 1,)."""
    product = times * levels
    widths, left, right = np.diff(times), levels[:-1], levels[1:]
    linear = widths * (product[:-1] + product[1:]) / 2
    if kind == "lin":
        return np.asarray(linear, dtype=np.float64)
    falling = (right < left * _EQUAL) & (right > 0)
    rate = np.log(np.where(falling, left / np.where(falling, right, 1.0), math.e)) / widths
    return np.where(falling, (product[:-1] - product[1:]) / rate + (left - right) / rate**2, linear)


BelowRule = Literal["zero", "missing", "half"]


def handle_below_limit(
    concentration: ArrayLike,
    below: ArrayLike,
    limit: ArrayLike,
    *,
    before: BelowRule = "zero",
    between: BelowRule = "missing",
) -> Floats:
    """Replace the samples below quantification of one profile, in order of time (rule 1).

    Parameters
    ----------
    concentration : shape (n,)
    below : which are below the limit, shape (n,)
    limit : the limit of each such sample, NaN where it is not known; shape (n,)
    before, between : what stands for them before the first quantifiable sample and between two of them:
        ``zero``, ``missing`` or ``half`` the limit; after the last one they are always missing

    Raises
    ------
    BadInput
        Half the limit is asked for and the limit is not known.
    """
    levels, under = np.array(concentration, dtype=np.float64), np.asarray(below, dtype=bool)
    limits = np.asarray(limit, dtype=np.float64)
    seen = np.flatnonzero(~under & np.isfinite(levels) & (levels > 0))
    for at in np.flatnonzero(under):
        rule = "missing" if not len(seen) or at > seen[-1] else before if at < seen[0] else between
        if rule == "half" and not math.isfinite(limits[at]):
            raise BadInput(
                "half the limit of quantification was asked for; write such cells as <limit, like <0.05, not BLQ"
            )
        levels[at] = {"zero": 0.0, "missing": math.nan, "half": limits[at] / 2}[rule]
    return levels


@dataclass(frozen=True, slots=True)
class SparseArea:
    """The AUC of a mean profile to `t_last`, with Bailer's standard error, Satterthwaite's df and a t
    interval.
    """

    area: Estimate
    se: float
    df: float
    times: tuple[float, ...]
    means: tuple[float, ...]
    n_by_time: tuple[int, ...]


def sparse_area(
    subject: Sequence[str], time: ArrayLike, concentration: ArrayLike, *, conf_level: float = 0.95
) -> SparseArea:
    """The linear AUC of a sparse design: each animal gives one or some of the samples (rule 5).

    Parameters
    ----------
    subject, time, concentration : one sample each, shape (n,); NaN is missing

    Raises
    ------
    BadInput
        Fewer than two times, or a time with one animal (its variance is unknown).
    """
    table = _by_animal(subject, time, concentration)
    times = sorted({at for samples in table.values() for at in samples})
    if len(times) < 2:
        raise BadInput("the samples are all of one time; an area needs two times at least")
    columns = [{name: samples[at] for name, samples in table.items() if at in samples} for at in times]
    for at, column in zip(times, columns, strict=True):
        if len(column) < 2:
            raise BadInput(
                f"only one animal was sampled at time {at:g}; two at each time are needed for the error of the area"
            )
    means = np.array([np.mean(list(column.values())) for column in columns])
    edges = np.array(times)
    weights = np.concatenate([[edges[1] - edges[0]], edges[2:] - edges[:-2], [edges[-1] - edges[-2]]]) / 2
    counts = [len(column) for column in columns]
    pieces = np.array(
        [w**2 * np.var(list(column.values()), ddof=1) / len(column) for w, column in zip(weights, columns, strict=True)]
    )
    variance = float(pieces.sum()) + _shared_variance(columns, weights)
    own = sum(piece**2 / (n - 1) for piece, n in zip(pieces, counts, strict=True))
    df = max(1.0, variance**2 / own) if own > 0 else float(sum(counts) - len(counts))
    se = math.sqrt(max(variance, 0.0))
    area = float(weights @ means)
    half = t_quantile(conf_level, df) * se
    return SparseArea(
        Estimate(area, area - half, area + half, conf_level),
        se,
        df,
        tuple(times),
        tuple(means.tolist()),
        tuple(counts),
    )


def _by_animal(subject: Sequence[str], time: ArrayLike, concentration: ArrayLike) -> dict[str, dict[float, float]]:
    table: dict[str, dict[float, float]] = {}
    for name, at, level in zip(subject, np.asarray(time, float), np.asarray(concentration, float), strict=True):
        if math.isfinite(level) and math.isfinite(at):
            if at in table.setdefault(name, {}):
                raise BadInput(f"{name}: two samples at time {at:g}; give their mean, or mend the entry")
            table[name][float(at)] = float(level)
    return table


def _shared_variance(columns: list[dict[str, float]], weights: Floats) -> float:
    """What animals sampled at two times add to the variance of the area (Holder 2001)."""
    total = 0.0
    for i, first in enumerate(columns):
        for j in range(i + 1, len(columns)):
            both = sorted(first.keys() & columns[j].keys())
            if len(both) < 2:
                continue
            pairs = np.array([[first[name], columns[j][name]] for name in both])
            covariance = float(np.cov(pairs.T, ddof=1)[0, 1])
            total += 2 * weights[i] * weights[j] * len(both) * covariance / (len(first) * len(columns[j]))
    return total


def geometric_mean(values: Iterable[float], conf_level: float = 0.95) -> Estimate:
    """The geometric mean of positive numbers with its t interval on the log scale; the limits are None for
    one number, or beyond all numbers.
    """
    numbers = np.array(list(values), dtype=np.float64)
    if not len(numbers):
        raise BadInput("no value is left to average")
    if not (numbers > 0).all():
        raise BadInput(f"a geometric mean needs values above 0 (one is {numbers.min():g})")
    logs = np.log(numbers)
    middle = float(logs.mean())
    if len(logs) < 2:
        return Estimate(math.exp(middle), None, None, conf_level)
    half = t_quantile(conf_level, len(logs) - 1) * float(logs.std(ddof=1)) / math.sqrt(len(logs))
    return raised(Estimate(middle, middle - half, middle + half, conf_level), math.e)


@dataclass(frozen=True, slots=True)
class Clearance:
    """Clearance and terminal volume; over the bioavailable fraction F unless the route is intravenous.

    `unit_cl` and `unit_v` are such as ``ml_min_kg`` and ``ml_kg``; `v_ss` only for an intravenous bolus.
    """

    cl: float
    v_z: float
    v_ss: float | None
    unit_cl: str
    unit_v: str


def clearance(
    profile: Profile,
    dose: float,
    *,
    dose_unit: str,
    concentration_unit: str,
    time_unit: str,
    route: Route = "extravascular",
    molar_mass_g_mol: float | None = None,
    trapezoid: Trapezoid = "lin",
) -> Clearance:
    """Dose over AUC to infinity, in ml.

    Raises
    ------
    BadInput
        There is no AUC to infinity, the dose is not above 0, or dose and concentration cannot be brought to one
        kind of unit.
    """
    if not dose > 0:
        raise BadInput(f"no clearance from a dose of {dose:g}")
    area, residence = profile.areas[trapezoid].infinity, profile.areas[trapezoid].mean_residence_time
    if area is None or profile.slope is None:
        raise BadInput(f"no clearance without an area to infinity ({profile.why_no_slope})")
    per_ml = _amount_per_ml(concentration_unit, dose_unit, molar_mass_g_mol)
    if not 0 < (amount := area * per_ml) < math.inf or not dose / amount < math.inf:
        raise BadInput(f"no clearance from a dose of {dose:g} and an area of {area:g}; check units and molar mass")
    cl = dose / amount
    by_weight = "_kg" if dose_unit.endswith("_kg") else ""
    return Clearance(
        cl=cl,
        v_z=cl / profile.slope.lambda_z,
        v_ss=cl * residence if route == "iv_bolus" and residence is not None else None,
        unit_cl=f"ml_{time_unit}{by_weight}",
        unit_v=f"ml{by_weight}",
    )


_GRAMS = {"mg": 1e-3, "ug": 1e-6, "ng": 1e-9, "g": 1.0}
_MOLES = {"nmol": 1e-9, "umol": 1e-6, "mmol": 1e-3, "pmol": 1e-12}
_ML = {"ml": 1.0, "l": 1000.0}
_AS_AMOUNT = {"pM": "pmol_l", "nM": "nmol_l", "uM": "umol_l", "mM": "mmol_l"}


def _amount_per_ml(concentration_unit: str, dose_unit: str, molar_mass: float | None) -> float:
    """What one unit of concentration is, in units of dose per ml."""
    amount, _, volume = _AS_AMOUNT.get(concentration_unit, concentration_unit).partition("_")
    given = dose_unit.removesuffix("_kg")
    if volume not in _ML or not ({amount, given} <= _GRAMS.keys() | _MOLES.keys()):
        raise BadInput(
            f"no clearance from a dose in {shown(dose_unit)} and a concentration in {shown(concentration_unit)}"
        )
    base = _GRAMS.get(amount, _MOLES.get(amount, math.nan)) / _ML[volume]
    dose_base = _GRAMS.get(given, _MOLES.get(given, math.nan))
    if (amount in _GRAMS) != (given in _GRAMS):
        if molar_mass is None:
            raise BadInput(
                f"the dose is in {shown(dose_unit)} and the concentration in {shown(concentration_unit)}; "
                "give molar_mass_g_mol of the compound for a clearance"
            )
        base *= molar_mass if amount in _MOLES else 1 / molar_mass
    return base / dose_base


def molar_ratio(
    metabolite: float,
    parent: float,
    *,
    unit: str,
    molar_mass_metabolite: float | None,
    molar_mass_parent: float | None,
) -> float:
    """Metabolite over parent, in moles.

    Parameters
    ----------
    metabolite, parent : areas (or concentrations), both in `unit`
    unit : of the concentration
    molar_mass_metabolite, molar_mass_parent : g/mol; needed where `unit` is a mass

    Raises
    ------
    BadInput
        The concentrations are masses and a molar mass is missing: a ratio of masses is not a ratio of
        molecules.
    """
    if family_of(unit) == "molar concentration":
        return metabolite / parent
    if molar_mass_metabolite is None or molar_mass_parent is None:
        raise BadInput(
            f"a metabolite/parent ratio counts molecules, and the concentrations are in {shown(unit)}; "
            "give molar_mass_g_mol of both"
        )
    return (metabolite / molar_mass_metabolite) / (parent / molar_mass_parent)
