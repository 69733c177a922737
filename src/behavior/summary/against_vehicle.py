"""Every dose of an endpoint against vehicle, by the test that suits the kind of outcome.

The method is fixed before the data are seen. Where it depends on the data, it depends on all doses together and never
on which dose an animal had, so that the test keeps its error rate under the null hypothesis.

========  =============================================================================================
rate      Dunnett's comparisons with vehicle; Welch's beside them
ratio     as rates
count     Dunnett's comparisons of √(y + 0.5), which has nearly the same variance whatever the mean
duration  as rates; with more than a tenth of the animals at zero, Kruskal–Wallis and Dunn
latency   log-rank scores compared by rearranging animals; one that did not respond is censored
========  =============================================================================================

Where animals had several doses, rates, ratios, counts and durations are compared within animals by a mixed model.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
from behavior.summary.cox import whole_animal_tests
from behavior.summary.derivatives import Floats
from behavior.summary.effect_size import EffectSize, cliffs_delta, hedges_g
from behavior.summary.fit import FTest
from behavior.summary.groups import Groups, split
from behavior.summary.ranks import kruskal_dunn
from behavior.summary.repeated import within_subject
from behavior.summary.survival import latencies, log_rank, restricted_mean_comparisons
from behavior.summary.transforms import transformed

ALPHA = 0.05
MIXED = "Dunnett within animals"
LOG_RANK = "log-rank by rearrangement"
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
class VehicleTest:
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

    test: VehicleTest | None = None
    against: dict[str, Against] = field(default_factory=dict)
    why_not: str = ""


@dataclass(frozen=True)
class Units:
    """What is analysed, one entry an animal and dose. Arrays have shape (n,).

    A response is NaN where it is missing, and where it is censored: longer than `cut_off`. `periods` holds the place of
    a dose among those that the animal had, from 1.
    """

    subjects: tuple[str, ...]
    doses: Floats
    responses: Floats
    censored: NDArray[np.bool_]
    cut_off: float | None
    periods: tuple[int, ...]

    @property
    def repeated(self) -> bool:
        """Whether an animal had several doses."""
        return len(set(self.subjects)) < len(self.subjects)

    @property
    def share_of_zeros(self) -> float:
        """The share of the responses that are 0."""
        present = self.responses[np.isfinite(self.responses)]
        return float((present == 0).mean()) if len(present) else 0.0


def compared(units: Units, measure: Measure) -> Compared:
    """Compare every dose with vehicle, by the test that suits the measure and the design."""
    many_zeros = measure.kind == "duration" and units.share_of_zeros > MANY_ZEROS
    try:
        if measure.kind == "latency":
            return _by_latency(units, measure)
        if units.repeated:
            return _within_animals(units, measure, many_zeros=many_zeros)
        return _by_ranks(units) if many_zeros else _by_means(units, measure)
    except BadInput as error:
        return Compared(why_not=str(error))
    except (ArithmeticError, np.linalg.LinAlgError) as error:  # one endpoint may not take the report with it
        return Compared(why_not=f"the data are too few or too much alike for this test ({error})")


def _scaled(responses: Floats, measure: Measure) -> tuple[Floats, str]:
    """The responses as they are compared, and what a difference of them is."""
    if measure.kind == "count":
        return transformed(responses, "sqrt(y+0.5)"), "Difference of √(y + 0.5)"
    return responses, f"Difference from vehicle{_unit(measure)}"


def _unit(measure: Measure) -> str:
    return f" ({measure.label.rpartition('(')[2]}" if measure.label.endswith(")") and measure.kind != "ratio" else ""


def _within_animals(units: Units, measure: Measure, *, many_zeros: bool) -> Compared:
    """A linear mixed model with the animal as random intercept, and the period where the data tell it from the dose."""
    if many_zeros:
        raise BadInput(
            f"{100 * units.share_of_zeros:.0f} % of the responses are at zero, where a model of means within animals "
            "misleads; the means describe"
        )
    scaled, scale = _scaled(units.responses, measure)
    try:
        found = within_subject(
            scaled, units.doses, units.subjects, reference=0.0, period=units.periods, conf_level=CONF_LEVEL
        )
    except BadInput:  # a period that is always the same dose
        found = within_subject(scaled, units.doses, units.subjects, reference=0.0, conf_level=CONF_LEVEL)
    f, timed = found.treatment, "with" if found.period is not None else "without"
    overall = (
        f"Within {found.n_subjects} animals, {timed} period: F({f.df1:g}, {f.df2:.1f}) = {f.f:.2f}, p {p_text(f.p)}"
    )
    against = {
        c.level: Against(c.estimate, c.lo, c.hi, c.p_holm if c.p_dunnett is None else c.p_dunnett, None)
        for c in found.comparisons
    }
    name = MIXED if measure.kind != "count" else f"{MIXED} on √(y + 0.5)"
    return Compared(VehicleTest(name, scale, overall, None, None, None), against)


def _by_latency(units: Units, measure: Measure) -> Compared:
    """Log-rank scores compared by rearranging animals; the size of the effect is the difference of restricted means."""
    if units.repeated:
        raise BadInput("animals had several doses, and censored latencies are compared between animals only")
    times = np.where(units.censored, np.nan if units.cut_off is None else units.cut_off, units.responses)
    present = np.isfinite(times)
    found = latencies(times[present], ~units.censored[present], units.doses[present], reference=0.0)
    until = float(found.time.max()) if units.cut_off is None else units.cut_off
    overall = log_rank(found)
    sizes = {c.level: c for c in restricted_mean_comparisons(found, until, CONF_LEVEL)}
    animals = np.array(units.subjects)[present]
    against = {
        c.level: Against(sizes[c.level].diff, sizes[c.level].lo, sizes[c.level].hi, c.p_holm, None)
        for c in whole_animal_tests(found, animals)
    }
    said = f"Log-rank χ²({overall.df:g}) = {overall.chi2:.2f}, p {p_text(overall.p)}"
    scale = f"Difference of restricted means{_unit(measure)}"
    return Compared(VehicleTest(LOG_RANK, scale, said, None, None, None), against)


def _by_means(units: Units, measure: Measure) -> Compared:
    doses = units.doses
    responses, scale = _scaled(units.responses, measure)
    result = dunnett(responses, doses, reference=0.0, conf_level=CONF_LEVEL)
    welch = _welch(doses, responses)
    test = VehicleTest(
        name="Dunnett" if measure.kind != "count" else "Dunnett on √(y + 0.5)",
        scale=scale,
        overall=_anova_sentence(result),
        anova=result.anova,
        spread=_spread(doses, responses),
        effective=minimum_effective_dose(result, ALPHA),
    )
    against = {c.level: Against(c.diff, c.lo, c.hi, c.p_adjusted, welch.get(c.level)) for c in result.comparisons}
    return Compared(test, against)


def _spread(doses: Floats, responses: Floats) -> FTest | None:
    try:
        return spread_test(responses, doses, reference=0.0)
    except BadInput:
        return None


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
    responses, vehicle : shape (n,) and (m,), without missing ones; where censored, a value above all others
    censored : whether some are, so that only their order is known and there is no g
    """
    try:
        return Effects(None if censored else hedges_g(responses, vehicle), cliffs_delta(responses, vehicle))
    except BadInput:
        return Effects(None, cliffs_delta(responses, vehicle) if len(responses) and len(vehicle) else None)


def _by_ranks(units: Units) -> Compared:
    """Kruskal–Wallis, Dunn's comparisons with Holm's adjustment, and Cliff's δ with its own (pointwise) interval."""
    doses, responses = units.doses, units.responses
    result = kruskal_dunn(responses, doses, reference=0.0)
    groups = split(responses, doses, reference=0.0)
    sizes = {level: cliffs_delta(values, groups.values[0]) for level, values in zip(*_levels(groups), strict=True)}
    against = {
        c.level: Against(sizes[c.level].estimate, sizes[c.level].lo, sizes[c.level].hi, c.p_holm, None)
        for c in result.comparisons
    }
    overall = f"Kruskal–Wallis H({result.df}) = {result.h:.2f}, p {p_text(result.p)}, ε² = {result.epsilon_squared:.2f}"
    return Compared(VehicleTest("Dunn", CLIFF, overall, None, _spread(doses, responses), None), against)


def _levels(groups: Groups) -> tuple[tuple[str, ...], tuple[Floats, ...]]:
    return groups.levels[1:], groups.values[1:]
