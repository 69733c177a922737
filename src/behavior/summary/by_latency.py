"""Latencies against vehicle: those that did not respond in time are censored, and trials of a unit stay together."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.cox import CoxComparisons, cox_comparisons, fit_cox, whole_animal_test, whole_animal_tests
from behavior.summary.derivatives import Floats
from behavior.summary.multiplicity import adjust_p
from behavior.summary.survival import Latencies, latencies, log_rank, restricted_mean_comparisons
from behavior.summary.tobit import tobit
from behavior.summary.units import Units
from behavior.summary.vehicle_test import (
    CONF_LEVEL,
    Against,
    Compared,
    VehicleTest,
    effective_doses,
    in_unit,
    p_text,
)

LOG_RANK = "log-rank by rearrangement"


def sorted_out(units: Units) -> tuple[Latencies, list[str]]:
    """Every latency, of each trial where the sessions hold them, and the unit that it is of."""
    if units.by_trial is not None:
        trials = units.by_trial
        who = [units.subjects[i] for i in trials.entry]
        return latencies(trials.time, trials.event, units.doses[trials.entry], reference=0.0), who
    present = np.flatnonzero(np.isfinite(units.times))
    found = latencies(units.times[present], ~units.censored[present], units.doses[present], reference=0.0)
    return found, [units.subjects[i] for i in present]


def by_log_rank(units: Units, measure: Measure) -> Compared:
    """Log-rank scores compared by rearranging units; the size of the effect is the difference of restricted means."""
    found, who = sorted_out(units)
    clustered = units.by_trial is not None
    overall = whole_animal_test(found, who)
    said = f"Log-rank scores of {found.time.size} {'trials' if clustered else 'latencies'} by rearranging whole "
    said += f"{units.unit}s, p {p_text(overall.p)}"
    if not clustered:
        chi2 = log_rank(found)
        said += f" (χ²({chi2.df:g}) = {chi2.chi2:.2f})"
    sizes = _restricted(units, found)
    against = {}
    for c in whole_animal_tests(found, who):
        estimate, lo, hi = sizes[c.level]
        against[c.level] = Against(estimate, lo, hi, c.p_holm, None, c.p)
    test = VehicleTest(
        name=LOG_RANK, scale=f"Difference of restricted means{in_unit(measure)}", overall=said,
        effective=effective_doses(against), method="log_rank", simultaneous=False,
        figures={} if clustered else {"chi2": log_rank(found).chi2},
    )  # fmt: skip
    return Compared(test, against)


def _restricted(units: Units, found: Latencies) -> dict[str, tuple[float, float | None, float | None]]:
    """Differences of the mean latency up to the cut-off. Of many trials a unit has its own mean, and stands for one."""
    if units.by_trial is not None:
        present = np.isfinite(units.responses)
        seen = np.ones(int(present.sum()), dtype=bool)
        found = latencies(units.responses[present], seen, units.doses[present], reference=0.0)
    until = float(found.time.max()) if units.cut_off is None or units.by_trial is not None else units.cut_off
    try:
        return {c.level: (c.diff, c.lo, c.hi) for c in restricted_mean_comparisons(found, until, CONF_LEVEL)}
    except BadInput:  # one unit, or no variance at a dose: the differences stand alone
        from behavior.summary.survival import kaplan_meier

        vehicle, *others = kaplan_meier(found)
        base = vehicle.restricted_mean(until)
        return {curve.level: (curve.restricted_mean(until) - base, None, None) for curve in others}


def by_cox(units: Units, measure: Measure) -> Compared:
    """Hazard ratios with the jackknife over units as error, t and Holm: Cox's model for few animals with many trials.

    References
    ----------
    Lipsitz SR, Dear KBG, Zhao L (1994). Biometrics 50, 842–846.
    """
    from scipy import stats

    found, who = sorted_out(units)
    fit = cox_comparisons(found)
    errors = _jackknife(found, np.array(who), fit)
    df = len(set(who)) - len(found.levels)
    if df < 1:
        raise BadInput("every dose has one animal, so that nothing is known about the error; add animals")
    half = float(stats.t.ppf((1 + CONF_LEVEL) / 2, df))
    return _hazards(
        fit, errors, half, lambda z: 2 * float(stats.t.sf(z, df)), "Cox", "cox", "by the jackknife over units"
    )


def by_cox_plain(units: Units, measure: Measure) -> Compared:
    """The sandwich over units and normal p-values, as `survival::coxph` with `cluster()` prints them."""
    from scipy import stats

    found, who = sorted_out(units)
    clustered = units.by_trial is not None
    fit = cox_comparisons(found, cluster=who if clustered else None)
    errors = {c.level: c.se if c.robust_se is None else c.robust_se for c in fit.comparisons}
    what = "by the sandwich over units" if clustered else "from the information"
    half = float(stats.norm.ppf((1 + CONF_LEVEL) / 2))
    return _hazards(fit, errors, half, lambda z: 2 * float(stats.norm.sf(z)), "Cox, normal", "cox_plain", what)


def _hazards(
    fit: CoxComparisons,
    errors: dict[str, float],
    half: float,
    p_of: Callable[[float], float],
    name: str,
    method: str,
    what: str,
) -> Compared:
    ps = {
        c.level: p_of(abs(c.coef) / errors[c.level])
        for c in fit.comparisons
        if math.isfinite(c.coef) and 0 < errors[c.level] < math.inf
    }
    holm = dict(zip(ps, adjust_p(list(ps.values()), "holm").tolist(), strict=True))
    against = {}
    for c in fit.comparisons:
        if c.level not in ps:
            against[c.level] = Against(0.0, 0.0, None, None)
            continue
        lo, hi = (math.exp(min(max(c.coef + step * errors[c.level], -700.0), 700.0)) for step in (-half, half))
        against[c.level] = Against(math.exp(c.coef), lo, hi, float(holm[c.level]), None, ps[c.level])
    test = VehicleTest(
        name=name, scale="Hazard ratio", overall=f"Cox regression, errors {what}",
        effective=effective_doses(against), method=method, null=1.0, quickens=True, simultaneous=False,
        figures={f"coef {c.level}": c.coef for c in fit.comparisons if math.isfinite(c.coef)},
    )  # fmt: skip
    return Compared(test, against)


def _jackknife(found: Latencies, who: Floats, whole: CoxComparisons) -> dict[str, float]:
    """The error of every log hazard ratio from leaving one unit out at a time."""
    seen = [c.level for c in whole.comparisons if math.isfinite(c.coef)]
    reference = found.levels[0]
    rows = np.isin(found.label, [reference, *seen])
    time, event, label, who = found.time[rows], found.event[rows], found.label[rows], who[rows]
    x = np.column_stack([label == level for level in seen]).astype(np.float64)
    units = np.unique(who)
    left = []
    for unit in units:
        kept = who != unit
        # A dose whose only responses were this unit's has no hazard without it.
        if any(not (event & kept & (label == level)).any() for level in [reference, *seen]):
            continue
        left.append(fit_cox(time[kept], event[kept], x[kept]).beta)
    if len(left) < len(units):
        raise BadInput("the responses at a dose come from one animal, so that its hazard has no error; "
                       "compare by log-rank")  # fmt: skip
    n = len(left)
    spread = ((np.array(left) - np.mean(left, axis=0)) ** 2).sum(axis=0) * (n - 1) / n
    return dict.fromkeys((c.level for c in whole.comparisons), math.inf) | dict(
        zip(seen, np.sqrt(spread).tolist(), strict=True)
    )


def by_tobit(units: Units, measure: Measure) -> Compared:
    """Normal regression of log latencies, right-censored at the cut-off, with t and Holm."""
    from scipy import stats

    if units.by_trial is not None:
        raise BadInput("trials of one animal are not independent, as a tobit model takes them to be; "
                       "compare by log-rank, which moves whole animals")  # fmt: skip
    present = np.isfinite(units.times)
    if (units.times[present] <= 0).any():
        raise BadInput("a latency of 0 has no logarithm; compare by log-rank")
    found = tobit(units.times[present], ~units.censored[present], units.doses[present], reference=0.0)
    df = found.n - len(found.comparisons) - 1
    half = float(stats.t.ppf((1 + CONF_LEVEL) / 2, df)) * math.sqrt(found.n / df)
    against = {
        c.level: Against(c.estimate, c.estimate - half * c.se, c.estimate + half * c.se, c.p_t_holm, None, c.p_t)
        for c in found.comparisons
    }
    test = VehicleTest(
        name="tobit", scale="Difference of log₁₀ latency",
        overall=f"Log-normal latencies, {found.n_censored} of {found.n} censored, log-likelihood {found.loglik:.2f}",
        effective=effective_doses(against), method="tobit", simultaneous=False,
        figures={"loglik": found.loglik, "scale": found.scale,
                 **{f"coef {c.level}": c.estimate for c in found.comparisons}},
    )  # fmt: skip
    return Compared(test, against)
