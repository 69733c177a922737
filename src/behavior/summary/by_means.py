"""Doses against vehicle by means, by ranks and by rearrangement, between groups and within units."""

from __future__ import annotations

from itertools import product

import numpy as np

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.compare import (
    Comparison,
    DunnettResult,
    dunnett,
    spread_test,
    welch_anova,
    welch_dunnett,
    williams_dose,
)
from behavior.summary.derivatives import Floats
from behavior.summary.effect_size import cliffs_delta
from behavior.summary.fit import FTest
from behavior.summary.groups import Groups, level_label, split
from behavior.summary.multiplicity import adjust_p
from behavior.summary.ranks import kruskal_dunn, permutation_anova, permutation_test
from behavior.summary.repeated import within_subject
from behavior.summary.transforms import transformed
from behavior.summary.units import Units
from behavior.summary.vehicle_test import (
    ALPHA,
    CLIFF,
    CONF_LEVEL,
    Against,
    Compared,
    VehicleTest,
    effective_doses,
    in_unit,
    p_text,
)

_MOST_SIGNS = 14
_SAMPLED = 20_000
_SEED = 20_260_302
ROOT = "√(y + 0.5)"


def by_dunnett(units: Units, measure: Measure) -> Compared:
    """One-way analysis of variance and Dunnett's comparisons, Welch's p beside them."""
    return _dunnett(units, units.responses, f"Difference from vehicle{in_unit(measure)}", "Dunnett", "dunnett")


def by_roots(units: Units, measure: Measure) -> Compared:
    """The same of √(y + 0.5), which has nearly the same variance whatever the mean of a count."""
    roots = transformed(units.responses, "sqrt(y+0.5)")
    return _dunnett(units, roots, f"Difference of {ROOT}", f"Dunnett on {ROOT}", "dunnett_sqrt")


def _dunnett(units: Units, responses: Floats, scale: str, name: str, method: str) -> Compared:
    doses = units.doses
    result = dunnett(responses, doses, reference=0.0, conf_level=CONF_LEVEL)
    welch = _welch(doses, responses)
    against = {
        c.level: Against(c.diff, c.lo, c.hi, c.p_adjusted, welch.get(c.level), _p(c)) for c in result.comparisons
    }
    test = VehicleTest(
        name=name, scale=scale, overall=_anova_sentence(result), anova=result.anova, spread=_spread(doses, responses),
        effective=effective_doses(against), method=method,
        williams=williams_dose(responses, doses, reference=0.0, alpha=ALPHA) or "",
        figures={"F": result.anova.f, "p": result.anova.p},
    )  # fmt: skip
    return Compared(test, against)


def by_welch(units: Units, measure: Measure) -> Compared:
    """Welch's analysis of variance and comparisons that do not take variances to be equal."""
    result = welch_dunnett(units.responses, units.doses, reference=0.0, conf_level=CONF_LEVEL)
    overall = welch_anova(units.responses, units.doses, reference=0.0)
    against = {c.level: Against(c.diff, c.lo, c.hi, c.p_adjusted, None, _p(c)) for c in result.comparisons}
    said = f"Welch F({overall.df1:g}, {overall.df2:.1f}) = {overall.f:.2f}, p {p_text(overall.p)}"
    test = VehicleTest(
        name="Dunnett without equal variances", scale=f"Difference from vehicle{in_unit(measure)}", overall=said,
        spread=_spread(units.doses, units.responses), effective=effective_doses(against), method="welch",
        figures={"F": overall.f, "p": overall.p},
    )  # fmt: skip
    return Compared(test, against)


def by_ranks(units: Units, measure: Measure) -> Compared:
    """Kruskal–Wallis, Dunn's comparisons with Holm's adjustment, and Cliff's δ with its own (pointwise) interval."""
    doses, responses = units.doses, _ordered(units)
    result = kruskal_dunn(responses, doses, reference=0.0)
    groups = split(responses, doses, reference=0.0)
    sizes = {level: cliffs_delta(values, groups.values[0]) for level, values in zip(*_levels(groups), strict=True)}
    against = {
        c.level: Against(sizes[c.level].estimate, sizes[c.level].lo, sizes[c.level].hi, c.p_holm, None, c.p)
        for c in result.comparisons
    }
    overall = f"Kruskal–Wallis H({result.df}) = {result.h:.2f}, p {p_text(result.p)}, ε² = {result.epsilon_squared:.2f}"
    test = VehicleTest(
        name="Dunn", scale=CLIFF, overall=overall, spread=_spread(doses, units.responses),
        effective=effective_doses(against), method="dunn", simultaneous=False,
        figures={"H": result.h, "p": result.p},
    )  # fmt: skip
    return Compared(test, against)


def _ordered(units: Units) -> Floats:
    """The responses with censored ones above all others, of which only the order counts."""
    seen = units.responses[np.isfinite(units.responses)]
    beyond = float(seen.max(initial=0.0)) + 1
    return np.where(units.censored, beyond, units.responses)


def _levels(groups: Groups) -> tuple[tuple[str, ...], tuple[Floats, ...]]:
    return groups.levels[1:], groups.values[1:]


def by_permutation(units: Units, measure: Measure) -> Compared:
    """Differences of means by rearranging units between a dose and vehicle, with Holm's adjustment."""
    responses, doses = units.responses, units.doses
    overall = permutation_anova(responses, doses, reference=0.0)
    welch = {c.level: c for c in _welch_intervals(doses, responses)}
    against = {}
    for c in permutation_test(responses, doses, reference=0.0):
        interval = welch.get(c.level)
        lo, hi = (interval.lo, interval.hi) if interval is not None else (None, None)
        against[c.level] = Against(c.diff, lo, hi, c.p_holm, None, c.p)
    test = VehicleTest(
        name="rearrangement", scale=f"Difference from vehicle{in_unit(measure)}",
        overall=f"Analysis of variance by rearrangement, η² = {overall.eta_squared:.2f}, p {p_text(overall.p)}",
        spread=_spread(doses, responses), effective=effective_doses(against), method="permutation",
        figures={"eta_squared": overall.eta_squared, "p": overall.p},
    )  # fmt: skip
    return Compared(test, against)


def within_by_mixed_model(units: Units, measure: Measure) -> Compared:
    """A linear mixed model with the unit as random intercept, and the period where the data tell it from the dose."""
    if measure.kind == "count":
        scaled, scale = transformed(units.responses, "sqrt(y+0.5)"), f"Difference of {ROOT}"
    else:
        scaled, scale = units.responses, f"Difference from vehicle{in_unit(measure)}"
    try:
        found = within_subject(
            scaled, units.doses, units.subjects, reference=0.0, period=units.periods, conf_level=CONF_LEVEL
        )
    except BadInput:  # a period that is always the same dose
        found = within_subject(scaled, units.doses, units.subjects, reference=0.0, conf_level=CONF_LEVEL)
    f, timed = found.treatment, "with" if found.period is not None else "without"
    against = {
        c.level: Against(c.estimate, c.lo, c.hi, c.p_holm if c.p_dunnett is None else c.p_dunnett, None, c.p)
        for c in found.comparisons
    }
    name = MIXED if measure.kind != "count" else f"{MIXED} on {ROOT}"
    overall = (
        f"Within {found.n_subjects} {units.unit}s, {timed} period: F({f.df1:g}, {f.df2:.1f}) = {f.f:.2f}, "
        f"p {p_text(f.p)}"
    )
    figures = {"F": f.f, "df2": f.df2, "p": f.p, "period": float(found.period is not None)}
    test = VehicleTest(
        name=name, scale=scale, overall=overall, effective=effective_doses(against), method="mixed", figures=figures
    )
    return Compared(test, against)


MIXED = "Dunnett within animals"


def within_by_permutation(units: Units, measure: Measure) -> Compared:
    """Each dose against vehicle by exchanging the two within units; nothing is taken for granted of a distribution.

    Of latencies the units' ranks are exchanged, those that did not respond in time last.
    """
    ranked = measure.kind == "latency"
    values = _ranked(units) if ranked else units.responses
    found = {}
    for dose in sorted(set(units.doses.tolist()) - {0.0}):
        found[level_label(dose)] = _signs(_differences(units, values, dose), dose)
    holm = adjust_p([p for _, p, _ in found.values()], "holm")
    sizes = {dose: _paired_sign(_differences(units, _ordered(units), float(dose))) for dose in found}
    against = {
        level: Against(sizes[level] if ranked else mean, None, None, float(adjusted), None, p)
        for (level, (mean, p, _)), adjusted in zip(found.items(), holm, strict=True)
    }
    n = max(pairs for *_, pairs in found.values())
    test = VehicleTest(
        name="rearrangement within animals",
        scale="Share longer less share shorter" if ranked else f"Difference from vehicle{in_unit(measure)}",
        overall=f"Each dose with vehicle in up to {n} {units.unit}s that had both",
        effective=effective_doses(against), method="permutation_within", simultaneous=False,
    )  # fmt: skip
    return Compared(test, against)


def _ranked(units: Units) -> Floats:
    from scipy import stats

    ordered = _ordered(units)
    return np.asarray(stats.rankdata(ordered, nan_policy="omit"), dtype=np.float64)


def _differences(units: Units, values: Floats, dose: float) -> Floats:
    """The dose less the vehicle, of every unit that had both."""
    vehicle = {s: v for s, d, v in zip(units.subjects, units.doses, values, strict=True) if d == 0}
    pairs = [
        v - vehicle[s]
        for s, d, v in zip(units.subjects, units.doses, values, strict=True)
        if d == dose and s in vehicle
    ]
    found = np.array(pairs, dtype=np.float64)
    return found[np.isfinite(found)]


def _paired_sign(differences: Floats) -> float:
    return float(np.sign(differences).mean()) if len(differences) else 0.0


def _signs(differences: Floats, dose: float) -> tuple[float, float, int]:
    """The mean difference, its two-sided p over all signs (a fixed sample of them above 2^14), and their number."""
    n = len(differences)
    if n < 2:
        raise BadInput(f"{n} units had both vehicle and {dose:g} mg/kg, and a comparison within units takes two")
    if n <= _MOST_SIGNS:
        signs = np.array(list(product((-1.0, 1.0), repeat=n)))
    else:
        signs = np.random.Generator(np.random.PCG64(_SEED)).choice((-1.0, 1.0), size=(_SAMPLED, n))
    sums = np.abs(signs @ np.sort(np.abs(differences)))
    extreme = int((sums >= abs(differences.sum()) - 1e-12 * float(np.abs(differences).sum())).sum())
    p = extreme / len(signs) if n <= _MOST_SIGNS else (extreme + 1) / (len(signs) + 1)
    return float(differences.mean()), p, n


def _spread(doses: Floats, responses: Floats) -> FTest | None:
    try:
        return spread_test(responses, doses, reference=0.0)
    except BadInput:
        return None


def _p(c: Comparison) -> float:
    from scipy import stats

    return 2 * float(stats.t.sf(abs(c.t), c.df))


def _welch_intervals(doses: Floats, responses: Floats) -> tuple[Comparison, ...]:
    try:
        if (split(responses, doses, reference=0.0, at_least=2).variances <= 0).any():
            return ()
        return welch_dunnett(responses, doses, reference=0.0, conf_level=CONF_LEVEL).comparisons
    except BadInput:
        return ()


def _welch(doses: Floats, responses: Floats) -> dict[str, float]:
    """p-values without the assumption of equal variances; none where a dose has no variance at all."""
    return {c.level: c.p_adjusted for c in _welch_intervals(doses, responses)}


def _anova_sentence(result: DunnettResult) -> str:
    a = result.anova
    return f"F({a.df1}, {a.df2}) = {a.f:.2f}, p {p_text(a.p)}, ω² = {max(a.omega_squared, 0):.2f}"
