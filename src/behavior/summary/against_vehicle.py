"""Every dose of an endpoint against vehicle, by the test that suits the kind of outcome.

The method is fixed before the data are seen. Where it depends on the data, it depends on all doses together and never
on which dose an animal had, so that the test keeps its error rate under the null hypothesis.

========  =============================================================================================
rate      Dunnett's comparisons with vehicle; Welch's beside them
ratio     as rates
count     Dunnett's comparisons of √(y + 0.5), which has nearly the same variance whatever the mean
duration  as rates; with more than a tenth of the animals at zero, Kruskal–Wallis and Dunn
latency   none on means, for an animal that did not respond is censored
========  =============================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.compare import (
    Anova,
    DunnettResult,
    MinimumEffectiveDose,
    dunnett,
    minimum_effective_dose,
    spread_test,
    welch_dunnett,
)
from behavior.summary.derivatives import Floats
from behavior.summary.effect_size import EffectSize, cliffs_delta, hedges_g
from behavior.summary.fit import FTest
from behavior.summary.groups import Groups, split
from behavior.summary.ranks import kruskal_dunn
from behavior.summary.transforms import transformed

ALPHA = 0.05
CLIFF = "Cliff's δ"
"""The scale of comparisons by ranks; its intervals hold one by one."""
CONF_LEVEL = 0.95
MANY_ZEROS = 0.1
"""The share of animals at zero beyond which a duration is compared by ranks."""


@dataclass(frozen=True, slots=True)
class Against:
    """A dose against vehicle. `estimate`, `lo` and `hi` stand on the test's scale; p and interval are simultaneous."""

    estimate: float
    lo: float | None
    hi: float | None
    p_adjusted: float
    p_welch: float | None


@dataclass(frozen=True, slots=True)
class Test:
    """How the doses of an endpoint were compared with vehicle.

    Attributes
    ----------
    name : of the comparisons
    scale : what the estimates are, as on an axis
    overall : the test over all doses, as a sentence
    anova : behind it, where it is an analysis of variance
    spread : Brown and Forsythe's test of equal variances
    effective : the minimum effective dose
    """

    name: str
    scale: str
    overall: str
    anova: Anova | None
    spread: FTest | None
    effective: MinimumEffectiveDose | None


@dataclass(frozen=True)
class Compared:
    """Every dose against vehicle, by its label. Without a test, `why_not` says why."""

    test: Test | None = None
    against: dict[str, Against] = field(default_factory=dict)
    why_not: str = ""


def compared(doses: Floats, responses: Floats, measure: Measure, repeated: Sequence[str] = ()) -> Compared:
    """Compare every dose with vehicle.

    Parameters
    ----------
    doses : shape (n,), 0 for vehicle; one entry an animal
    responses : shape (n,), NaN where missing or censored
    measure : what the responses are
    repeated : animals that had more than one dose
    """
    if repeated:
        return Compared(
            why_not=f"{len(repeated)} animals had more than one dose; a test of independent groups would take each "
            "for several animals, and it needs a model of repeated measures"
        )
    if measure.kind == "latency":
        return Compared(why_not="latencies are cut off by the end of the test, and a comparison of means would mislead")
    try:
        if measure.kind == "duration" and share_of_zeros(responses) > MANY_ZEROS:
            return _by_ranks(doses, responses)
        if measure.kind == "count":
            return _by_means(doses, responses, transformed(responses, "sqrt(y+0.5)"), "Difference of √(y + 0.5)")
        return _by_means(doses, responses, responses, f"Difference from vehicle{_unit(measure)}")
    except BadInput as error:
        return Compared(why_not=str(error))


def _unit(measure: Measure) -> str:
    return f" ({measure.label.rpartition('(')[2]}" if measure.label.endswith(")") and measure.kind != "ratio" else ""


def share_of_zeros(responses: Floats) -> float:
    """The share of the animals with a value that are at zero."""
    present = responses[np.isfinite(responses)]
    return float((present == 0).mean()) if len(present) else 0.0


def _by_means(doses: Floats, raw: Floats, responses: Floats, scale: str) -> Compared:
    result = dunnett(responses, doses, reference=0.0, conf_level=CONF_LEVEL)
    welch = _welch(doses, responses)
    try:
        spread = spread_test(responses, doses, reference=0.0)
    except BadInput:
        spread = None
    test = Test(
        name="Dunnett" if raw is responses else "Dunnett on √(y + 0.5)",
        scale=scale,
        overall=_anova_sentence(result),
        anova=result.anova,
        spread=spread,
        effective=minimum_effective_dose(result, ALPHA),
    )
    against = {c.level: Against(c.diff, c.lo, c.hi, c.p_adjusted, welch.get(c.level)) for c in result.comparisons}
    return Compared(test, against)


def _welch(doses: Floats, responses: Floats) -> dict[str, float]:
    """p-values without the assumption of equal variances; none where a dose has no variance at all."""
    try:
        if (split(responses, doses, reference=0.0, at_least=2).variances <= 0).any():
            return {}
        return {c.level: c.p_adjusted for c in welch_dunnett(responses, doses, reference=0.0).comparisons}
    except BadInput:
        return {}


def _anova_sentence(result: DunnettResult) -> str:
    a = result.anova
    return f"F({a.df1}, {a.df2}) = {a.f:.2f}, p {p_text(a.p)}, ω² = {max(a.omega_squared, 0):.2f}"


def p_text(p: float) -> str:
    """A p-value after its letter.

    >>> p_text(0.0312), p_text(0.00004), p_text(0.62)
    ('= 0.031', '< 0.001', '= 0.62')
    """
    if p < 0.001:
        return "< 0.001"
    if p > 0.99:
        return "> 0.99"
    return f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"


@dataclass(frozen=True, slots=True)
class Effects:
    """Effect sizes of a dose, whatever was tested; None where the data do not determine them."""

    hedges_g: EffectSize | None
    cliffs_delta: EffectSize | None


def effects(responses: Floats, vehicle: Floats, *, censored: bool) -> Effects:
    """Hedges' g and Cliff's δ of a dose.

    Parameters
    ----------
    responses, vehicle : shape (n,) and (m,), without missing ones; infinite where censored
    censored : whether some are, so that only their order is known and there is no g
    """
    try:
        return Effects(None if censored else hedges_g(responses, vehicle), cliffs_delta(responses, vehicle))
    except BadInput:
        return Effects(None, cliffs_delta(responses, vehicle) if len(responses) and len(vehicle) else None)


def _by_ranks(doses: Floats, responses: Floats) -> Compared:
    """Kruskal–Wallis, Dunn's comparisons with Holm's adjustment, and Cliff's δ with its own (pointwise) interval."""
    result = kruskal_dunn(responses, doses, reference=0.0)
    groups = split(responses, doses, reference=0.0)
    sizes = {level: cliffs_delta(values, groups.values[0]) for level, values in zip(*_levels(groups), strict=True)}
    against = {
        c.level: Against(sizes[c.level].estimate, sizes[c.level].lo, sizes[c.level].hi, c.p_holm, None)
        for c in result.comparisons
    }
    overall = f"Kruskal–Wallis H({result.df}) = {result.h:.2f}, p {p_text(result.p)}, ε² = {result.epsilon_squared:.2f}"
    return Compared(Test("Dunn", CLIFF, overall, None, None, None), against)


def _levels(groups: Groups) -> tuple[tuple[str, ...], tuple[Floats, ...]]:
    return groups.levels[1:], groups.values[1:]
