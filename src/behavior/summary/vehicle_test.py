"""What a comparison of doses with vehicle comes to, whatever its method."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from behavior.model.measures import Measure
from behavior.summary.compare import Anova, MinimumEffectiveDose
from behavior.summary.fit import FTest

ALPHA = 0.05
CONF_LEVEL = 0.95
CLIFF = "Cliff's δ"
"""The scale of comparisons by ranks; its intervals hold one by one."""


@dataclass(frozen=True, slots=True)
class Against:
    """A dose against vehicle. `estimate`, `lo` and `hi` stand on the test's scale; `p` is unadjusted."""

    estimate: float
    lo: float | None
    hi: float | None
    p_adjusted: float | None
    p_welch: float | None = None
    p: float | None = None


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
    effective : the minimum effective dose by both rules
    method : as a study file names it
    null : the estimate where there is no effect, 0 of a difference and 1 of a ratio
    quickens : whether a larger estimate means shorter latencies
    simultaneous : whether the intervals hold together, as the p-values do
    williams : the minimum effective dose by Williams' test, empty where there is none or it was not made
    figures : what another program finds if it fits the same model, by name
    """

    name: str
    scale: str
    overall: str
    anova: Anova | None = None
    spread: FTest | None = None
    effective: MinimumEffectiveDose | None = None
    method: str = ""
    null: float = 0.0
    quickens: bool = False
    simultaneous: bool = True
    williams: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """Every dose against vehicle, by its label. Without a test, `why_not` says why."""

    test: VehicleTest | None = None
    against: dict[str, Against] = field(default_factory=dict)
    why_not: str = ""


def effective_doses(against: Mapping[str, Against]) -> MinimumEffectiveDose:
    """The minimum effective dose by both rules, from adjusted p-values; doses stand in ascending order.

    References
    ----------
    Tamhane AC, Hochberg Y, Dunnett CW (1996). Biometrics 52, 21–37.
    """
    names = list(against)
    significant = [one.p_adjusted is not None and one.p_adjusted < ALPHA for one in against.values()]
    run = len(names)
    while run and significant[run - 1]:
        run -= 1
    lowest = names[significant.index(True)] if any(significant) else None
    return MinimumEffectiveDose(lowest, names[run] if run < len(names) else None, ALPHA)


def in_unit(measure: Measure) -> str:
    """The unit of a difference, in brackets."""
    return f" ({measure.unit})" if measure.unit and measure.kind != "ratio" else ""


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
