"""Microdialysis: each animal against its own baseline, doses against vehicle.

1. Baseline is the mean of an animal's samples that end at or before `to` (and not before `since`); blanks are
   skipped. An animal without one is left out, and named. A baseline with too few samples, a large coefficient
   of variation or a drift is flagged; it is left out only if the settings say so.
2. Samples are percent of that mean. The area is the trapezoid of percent - 100 from (0, 0) over every sample
   after time 0 to the stated time; a missing sample is bridged by a straight line; an animal whose samples
   end before the stated time has no area. The value at a stated time between two samples is interpolated.
3. Doses are compared with vehicle by Dunnett's test on the areas, one number an animal. The course over time
   has a mixed model (dose × time, random intercept per animal, REML), which keeps animals with missing
   samples.
4. Each dose has a direction (increase, decrease, no significant change), each region a shape; doses of
   different units (mg/kg, mM in the perfusate) are never put on one axis.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.assays.directions import Direction, direction
from behavior.assays.result import Estimate, Unusable
from behavior.model.errors import BadInput
from behavior.summary.compare import Anova, dunnett
from behavior.summary.groups import level_label

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BaselineRule:
    """Which samples are baseline, and when a baseline is called unstable; times in the unit of the data."""

    to: float = 0.0
    since: float = -math.inf
    least_samples: int = 3
    unstable_cv: float = 0.15
    unstable_drift: float = 0.25

    def __str__(self) -> str:
        since = f" from {self.since:g}" if math.isfinite(self.since) else ""
        return f"mean of the samples{since} up to time {self.to:g}, at least {self.least_samples}"


@dataclass(frozen=True, slots=True)
class Baseline:
    """An animal's baseline; `drift` is the fitted change from its first to its last sample over the mean."""

    mean: float
    n: int
    cv: float | None
    drift: float | None
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """One animal's samples; NaN is missing. `percent` is of the baseline mean."""

    subject: str
    time: Floats
    percent: Floats
    baseline: Baseline


def course(subject: str, time: ArrayLike, level: ArrayLike, rule: BaselineRule | None = None) -> Course:
    """Turn one animal's samples into percent of its baseline.

    Parameters
    ----------
    subject : for messages
    time : of each sample, shape (n,), increasing; the injection is at 0
    level : concentration or amount, shape (n,); NaN is missing
    rule : of the baseline

    Raises
    ------
    BadInput
        Times do not increase.
    Unusable
        There is no baseline sample, or the baseline is not above 0.
    """
    rule = rule or BaselineRule()
    times, levels = np.asarray(time, dtype=np.float64), np.asarray(level, dtype=np.float64)
    if (np.diff(times) <= 0).any():
        at = int(np.argmax(np.diff(times) <= 0))
        raise BadInput(
            f"{subject}: time {times[at + 1]:g} follows {times[at]:g}; times must increase within an animal, "
            "sort its rows or mend the entry"
        )
    base = baseline(subject, times, levels, rule)
    return Course(subject, times, 100 * levels / base.mean, base)


def baseline(subject: str, time: Floats, level: Floats, rule: BaselineRule) -> Baseline:
    """The baseline of one animal, with what is unsteady about it."""
    inside = (time <= rule.to) & (time >= rule.since) & np.isfinite(level)
    times, levels = time[inside], level[inside]
    if not len(levels):
        raise Unusable(
            f"{subject}: no baseline sample (time at or before {rule.to:g}); without one there is no "
            "percent of baseline"
        )
    mean = float(levels.mean())
    if mean <= 0:
        raise Unusable(f"{subject}: the baseline is {mean:g}; percent of it cannot be told")
    flags = []
    if len(levels) < rule.least_samples:
        flags.append(f"{subject}: baseline of {len(levels)} samples, {rule.least_samples} are asked for")
    if len(levels) < 2:
        return Baseline(mean, len(levels), None, None, tuple(flags))
    cv = float(levels.std(ddof=1)) / mean
    spread = times - times.mean()
    drift = float(spread @ levels / (spread @ spread)) * float(times[-1] - times[0]) / mean
    if cv > rule.unstable_cv:
        flags.append(f"{subject}: unstable baseline, coefficient of variation {cv:.0%} (limit {rule.unstable_cv:.0%})")
    if len(levels) > 2 and abs(drift) > rule.unstable_drift:
        flags.append(f"{subject}: baseline drifts by {drift:+.0%} (limit {rule.unstable_drift:.0%})")
    return Baseline(mean, len(levels), cv, drift, tuple(flags))


def area(one: Course, *, since: float = 0.0, until: float | None = None) -> float | None:
    """The area of percent - 100 over time, from (`since`, 0).

    Parameters
    ----------
    since : where the area starts, at 100 %
    until : where it ends; the last sample where None

    Returns
    -------
    float or None
        In percent times the unit of time; None if the samples end before `until`, or there is none after
        `since`.
    """
    later = (one.time > since) & np.isfinite(one.percent)
    times = np.concatenate([[since], one.time[later]])
    above = np.concatenate([[0.0], one.percent[later] - 100])
    if len(times) < 2 or (until is not None and times[-1] < until):
        return None
    if until is not None:
        end = float(np.interp(until, times, above))
        keep = times < until
        times, above = np.append(times[keep], until), np.append(above[keep], end)
    return float(np.trapezoid(above, times))


def peak_percent(one: Course, *, since: float = 0.0) -> float | None:
    """The percent of baseline of the sample after `since` that is farthest from 100; the first of equals."""
    later = one.percent[(one.time > since) & np.isfinite(one.percent)]
    return float(later[np.argmax(np.abs(later - 100))]) if len(later) else None


@dataclass(frozen=True, slots=True)
class DoseEffect:
    """A dose against vehicle: difference of mean areas with simultaneous limits, adjusted p and direction."""

    dose: float
    n: int
    mean: float
    sem: float | None
    difference: Estimate | None
    p: float | None
    direction: Direction | None


@dataclass(frozen=True, slots=True)
class DoseEffects:
    """All doses of one region; the vehicle's own row has no difference."""

    anova: Anova
    effects: tuple[DoseEffect, ...]

    @property
    def directions(self) -> dict[float, Direction]:
        """Direction by dose, without the vehicle."""
        return {effect.dose: effect.direction for effect in self.effects if effect.direction is not None}


def dose_effects(
    areas: Sequence[float],
    doses: Sequence[float],
    *,
    vehicle: float = 0.0,
    alpha: float = 0.05,
    conf_level: float = 0.95,
) -> DoseEffects:
    """Compare doses with vehicle by Dunnett's test on one area an animal.

    Parameters
    ----------
    areas, doses : one animal each, shape (n,)
    vehicle : the dose that is compared with

    Raises
    ------
    BadInput
        There is no vehicle group, or there are too few animals for an error.
    """
    values, given = np.asarray(areas, dtype=np.float64), np.asarray(doses, dtype=np.float64)
    if not (given == vehicle).any():
        known = ", ".join(level_label(dose) for dose in sorted(set(doses)))
        raise BadInput(f"no animal has the vehicle's dose {vehicle:g} (doses: {known}); name it in vehicle_dose")
    result = dunnett(values, given, reference=vehicle, conf_level=conf_level)
    by_level = {one.level: one for one in result.comparisons}
    effects = []
    for dose in sorted(set(given.tolist())):
        own = values[given == dose]
        one = by_level.get(level_label(dose))
        effects.append(
            DoseEffect(
                dose=dose,
                n=len(own),
                mean=float(own.mean()),
                sem=float(own.std(ddof=1)) / math.sqrt(len(own)) if len(own) > 1 else None,
                difference=Estimate(one.diff, one.lo, one.hi, conf_level) if one else None,
                p=one.p_adjusted if one else None,
                direction=direction(one.diff, one.p_adjusted, alpha) if one else None,
            )
        )
    return DoseEffects(result.anova, tuple(effects))
