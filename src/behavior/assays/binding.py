"""Competition binding: from bound radioligand over cold drug to IC50, Ki and what they allow to be said.

The curve is y = bottom + (top - bottom) / (1 + 10^(h (log10 x - log10 IC50))), by least squares on the
counts; h is 1 or free. A tube without cold drug (x = 0) has y = top. The IC50's limits are those of the
profile, which need not be symmetric and may be open. Ki = IC50 / (1 + L / Kd) after Cheng and Prusoff; where
Kd or L come with their own errors, these widen Ki's limits: distances from ln IC50 to its limits and t times
the errors of ln(1 + L / Kd) are added in quadrature (the MOVER of Zou and Donner).

A compound that does not displace half of the specific binding at its highest concentration has no Ki: it has
a bound, ``> highest concentration / (1 + L / Kd)``. The bound goes through every table and ratio as a bound.

References
----------
Cheng YC, Prusoff WH (1973). Relationship between the inhibition constant (Ki) and the concentration of
inhibitor which causes 50 per cent inhibition (I50) of an enzymatic reaction. Biochem Pharmacol 22, 3099–3108.
Zou GY, Donner A (2008). Construction of confidence limits about effect measures: a general approach. Stat Med
27, 1693–1702.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.assays.kinetics import geometric_mean
from behavior.assays.limits import profile_limits, raised, wald_limits
from behavior.assays.quantity import Quantity, fold, shortest
from behavior.assays.result import Estimate
from behavior.assays.spread import Spread, fit_with_spread
from behavior.model.errors import BadInput
from behavior.summary.fit import CurveFit, t_quantile

Floats = NDArray[np.float64]
Model = Literal["one_site_hill1", "hill_free"]
_REACH = 1000.0
NAMES = ("top", "bottom", "log_ic50", "hill")


@dataclass(frozen=True, slots=True)
class Radioligand:
    """The free radioligand and its affinity, with standard errors where they are known; nM."""

    ligand_nm: float
    kd_nm: float
    kd_se_nm: float = 0.0
    ligand_se_nm: float = 0.0

    def __post_init__(self) -> None:
        if not (self.ligand_nm > 0 and self.kd_nm > 0):
            raise BadInput(
                "Cheng–Prusoff needs the radioligand's concentration and Kd above 0 nM (are "
                f"{self.ligand_nm:g} and {self.kd_nm:g})"
            )

    @property
    def factor(self) -> float:
        """1 + L / Kd."""
        return 1 + self.ligand_nm / self.kd_nm

    @property
    def log_factor_se(self) -> float:
        """Standard error of ln(1 + L / Kd), by the delta method."""
        occupied = (self.ligand_nm / self.kd_nm) / self.factor
        return occupied * math.hypot(self.kd_se_nm / self.kd_nm, self.ligand_se_nm / self.ligand_nm)


@dataclass(frozen=True)
class CompetitionFit:
    """One curve. Concentrations in nM, responses in the unit of the counts.

    `ic50` and `ki` have profile limits; `ic50_wald` and `ki_wald` those of log10 IC50 -/+ t se, as many
    programs print.
    """

    model: Model
    fit: CurveFit
    log_ic50: float
    log_ic50_se: float
    ic50: Estimate
    ic50_wald: Estimate
    ki: Estimate
    ki_wald: Estimate
    pki: float
    top: float
    bottom: float
    hill: float


def competition_curve(x: Floats, p: Floats) -> Floats:
    """Bound radioligand at concentrations x; parameters as in `NAMES`."""
    top, bottom, log_ic50, hill = p
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(bottom + (top - bottom) / (1 + 10 ** (hill * (np.log10(x) - log_ic50))), dtype=np.float64)


def fit_competition(
    concentration_nm: ArrayLike,
    bound: ArrayLike,
    radioligand: Radioligand,
    *,
    model: Model = "one_site_hill1",
    bottom: float | None = None,
    top: float | None = None,
    conf_level: float = 0.95,
    spread: Spread = "constant",
) -> CompetitionFit:
    """Fit one competition curve.

    Parameters
    ----------
    concentration_nm : of cold drug, shape (n,); 0 where there was none
    bound : total bound radioligand, shape (n,)
    radioligand : for Ki
    model : slope held at 1 (``one_site_hill1``) or fitted (``hill_free``)
    top, bottom : plateaus held at a value, such as the mean of total and nonspecific; fitted where None
    conf_level : of the limits
    spread : whether the tubes' error is ``constant`` or ``grows`` with their counts (see `spread`)

    Raises
    ------
    BadInput
        One concentration only, negative concentrations, or data that do not hold the curve.
    """
    x, y = np.asarray(concentration_nm, dtype=np.float64), np.asarray(bound, dtype=np.float64)
    _check_concentrations(x)
    fixed = {name: value for name, value in (("top", top), ("bottom", bottom)) if value is not None}
    if model == "one_site_hill1":
        fixed["hill"] = 1.0
    fit = fit_with_spread(competition_curve, x, y, _starts(x, y, fixed), names=NAMES, fixed=fixed, spread=spread)
    log_ic50, se = fit.estimates["log_ic50"], fit.se["log_ic50"]
    ic50_wald = raised(wald_limits(fit, "log_ic50", conf_level), 10)
    ic50 = _within_reach(raised(profile_limits(fit, "log_ic50", conf_level), 10), x)
    ki, ki_wald = (cheng_prusoff(interval, radioligand) for interval in (ic50, ic50_wald))
    return CompetitionFit(
        model=model,
        fit=fit,
        log_ic50=log_ic50,
        log_ic50_se=se,
        ic50=ic50,
        ic50_wald=ic50_wald,
        ki=ki,
        ki_wald=ki_wald,
        pki=9 - math.log10(ki.value),
        top=fit.estimates["top"],
        bottom=fit.estimates["bottom"],
        hill=fit.estimates["hill"],
    )


def _check_concentrations(x: Floats) -> None:
    if (x < 0).any():
        raise BadInput(f"a concentration is negative ({x.min():g} nM); check the entry")
    different = np.unique(x[x > 0])
    if len(different) < 3:
        only = ", ".join(shortest(float(value)) for value in different) or "none"
        raise BadInput(
            f"a curve needs at least three concentrations above 0, here are {len(different)} ({only} nM); "
            "give the percent displaced at them instead of an IC50"
        )


def _starts(x: Floats, y: Floats, fixed: Mapping[str, float]) -> list[tuple[float, ...]]:
    """From the plateaus seen and each third of the range of concentrations, rising or falling."""
    log = np.log10(x[x > 0])
    high, low = float(y.max()), float(y.min())
    places = np.quantile(log, [0.2, 0.4, 0.6, 0.8])
    return [
        (fixed.get("top", high), fixed.get("bottom", low), float(place), slope)
        for place in places
        for slope in ((1.0,) if "hill" in fixed else (1.0, 0.5))
    ]


def _within_reach(ic50: Estimate, x: Floats) -> Estimate:
    """A limit a thousandfold beyond the concentrations tested says nothing: it is open."""
    least, most = float(x[x > 0].min()) / _REACH, float(x.max()) * _REACH
    low = ic50.low if ic50.low is not None and ic50.low > least else None
    return Estimate(ic50.value, low, ic50.high if ic50.high is not None and ic50.high < most else None, ic50.level)


def cheng_prusoff(ic50_nm: Estimate, radioligand: Radioligand) -> Estimate:
    """Ki = IC50 / (1 + L / Kd) with its limits; errors of Kd and L are carried over where they are given."""
    ki = ic50_nm.value / radioligand.factor
    more = t_quantile(ic50_nm.level, math.inf) * radioligand.log_factor_se

    def limit(end: float | None, sign: int) -> float | None:
        if end is None:
            return None
        away = math.hypot(math.log(end / ic50_nm.value), more)
        return ki * math.exp(sign * away)

    if more == 0:
        return ic50_nm.scaled(1 / radioligand.factor)
    return Estimate(ki, limit(ic50_nm.low, -1), limit(ic50_nm.high, +1), ic50_nm.level)


@dataclass(frozen=True, slots=True)
class Window:
    """The mean counts without cold drug (total) and with an excess of it (nonspecific)."""

    total: float
    nonspecific: float
    n_total: int
    n_nonspecific: int

    @property
    def specific(self) -> float:
        """Total - nonspecific."""
        return self.total - self.nonspecific


def window(total: ArrayLike, nonspecific: ArrayLike, *, experiment: str = "the assay") -> Window:
    """The specific window of an experiment.

    Raises
    ------
    BadInput
        There are no total or no nonspecific tubes, or nonspecific is not below total.
    """
    totals, others = np.asarray(total, dtype=np.float64), np.asarray(nonspecific, dtype=np.float64)
    if not len(totals) or not len(others):
        missing = "total (no cold drug)" if not len(totals) else "nonspecific (excess of cold drug)"
        raise BadInput(f"{experiment}: there are no tubes for {missing}; add them to the table")
    result = Window(float(totals.mean()), float(others.mean()), len(totals), len(others))
    if result.specific <= 0:
        raise BadInput(
            f"{experiment}: specific binding is negative (total {result.total:g}, nonspecific "
            f"{result.nonspecific:g}); "
            "check whether the two are exchanged"
        )
    return result


@dataclass(frozen=True, slots=True)
class Affinity:
    """What an experiment says of one compound at one target: an affinity, or a bound with the reason.

    `quantity` is in nM and carries the qualifier; `fit` is None where it is a bound, and then `why` says why.
    """

    compound: str
    target: str
    experiment: str
    quantity: Quantity
    ki: Estimate | None
    fit: CompetitionFit | None
    why: str
    fraction_displaced_at_top: float


def affinity(
    concentration_nm: ArrayLike,
    bound: ArrayLike,
    radioligand: Radioligand,
    specific: Window,
    *,
    compound: str,
    target: str = "",
    experiment: str = "",
    model: Model = "one_site_hill1",
    hold_bottom: bool = False,
    conf_level: float = 0.95,
    spread: Spread = "constant",
) -> Affinity:
    """The Ki of a compound, or the bound that the data hold.

    Parameters
    ----------
    concentration_nm, bound : one compound in one experiment, shape (n,)
    radioligand, specific : of that experiment
    hold_bottom : hold the lower plateau at the nonspecific mean instead of fitting it
    """
    x, y = np.asarray(concentration_nm, dtype=np.float64), np.asarray(bound, dtype=np.float64)
    _check_concentrations(x)
    positive = x > 0
    highest, lowest = float(x.max()), float(x[positive].min())
    at_top = _displaced(y[x == highest], specific)
    at_bottom = _displaced(y[x == lowest], specific)
    names = (compound, target, experiment)
    if at_top < 0.5:
        return _bound(">", highest, radioligand, names, at_top, _DISPLACED[">"])
    if at_bottom > 0.5:
        return _bound("<", lowest, radioligand, names, at_top, _DISPLACED["<"])
    fit = fit_competition(
        x,
        y,
        radioligand,
        model=model,
        bottom=specific.nonspecific if hold_bottom else None,
        conf_level=conf_level,
        spread=spread,
    )
    if not lowest <= fit.ic50.value <= highest:
        outside = (">", highest) if fit.ic50.value > highest else ("<", lowest)
        return _bound(*outside, radioligand, names, at_top, "the fitted IC50 lies beyond")
    ki = fit.ki
    return Affinity(*names, Quantity(shortest(ki.value), value=ki.value, unit="nM"), ki, fit, "", at_top)


def _displaced(counts: Floats, specific: Window) -> float:
    return (specific.total - float(counts.mean())) / specific.specific


_DISPLACED = {
    ">": "less than half of the specific binding is displaced at",
    "<": "more than half of the specific binding is displaced at",
}


def _bound(
    sign: str, concentration: float, radioligand: Radioligand, names: tuple[str, str, str], at_top: float, reason: str
) -> Affinity:
    edge = "highest" if sign == ">" else "lowest"
    why = f"{reason} the {edge} concentration ({shortest(concentration)} nM)"
    value = concentration / radioligand.factor
    quantity = Quantity(f"{sign} {shortest(value)} nM", value=value, qualifier=sign, unit="nM")
    return Affinity(*names, quantity, None, None, why, at_top)


@dataclass(frozen=True, slots=True)
class MeanAffinity:
    """A compound at a target over all its experiments: the geometric mean with its t interval, or a bound."""

    compound: str
    target: str
    quantity: Quantity
    ki: Estimate | None
    n_experiments: int
    n_bounds: int
    method: str


def combine(affinities: Sequence[Affinity]) -> MeanAffinity:
    """Combine the experiments of one compound at one target.

    The experiment is the unit: with two or more, limits are those of the mean of ln Ki between experiments;
    with one, those of its curve. Where some experiments gave bounds, a mean would ignore them, so that the
    weakest statement stands.
    """
    first = affinities[0]
    kis = [one.ki for one in affinities if one.ki is not None]
    bounds = [one.quantity for one in affinities if one.ki is None]
    if bounds:
        quantity, method = _weakest(bounds, kis)
        return MeanAffinity(first.compound, first.target, quantity, None, len(affinities), len(bounds), method)
    if len(kis) == 1:
        ki, method = kis[0], "one experiment, limits from the profile of its curve"
    else:
        ki = geometric_mean((one.value for one in kis), kis[0].level)
        method = f"geometric mean of {len(kis)} experiments, t interval on ln Ki"
    quantity = Quantity(shortest(ki.value), value=ki.value, unit="nM")
    return MeanAffinity(first.compound, first.target, quantity, ki, len(affinities), 0, method)


def _weakest(bounds: list[Quantity], kis: list[Estimate]) -> tuple[Quantity, str]:
    signs = {bound.qualifier for bound in bounds}
    if len(signs) > 1:
        return Quantity(
            "experiments contradict each other"
        ), "bounds in both directions: look at the single experiments"
    sign = signs.pop()
    ends = [bound.value for bound in bounds if bound.value is not None] + [ki.value for ki in kis]
    value = min(ends) if sign == ">" else max(ends)
    method = f"{len(bounds)} of {len(bounds) + len(kis)} experiments gave a bound"
    return Quantity(f"{sign} {shortest(value)} nM", value=value, qualifier=sign, unit="nM"), method


@dataclass(frozen=True, slots=True)
class Selectivity:
    """How many times weaker a compound binds to one target than to its reference target."""

    compound: str
    reference_target: str
    target: str
    ratio: Quantity | None


def selectivity(affinities: Mapping[str, Quantity], compound: str, reference_target: str) -> list[Selectivity]:
    """Ratios of affinities to that of the reference target, qualifiers kept.

    Parameters
    ----------
    affinities : Ki by target; bounds allowed
    compound : its name
    reference_target : a key of `affinities`

    Raises
    ------
    BadInput
        The compound was not measured at the reference target.
    """
    if reference_target not in affinities:
        raise BadInput(
            f"{compound} has no value at {reference_target}; name another reference target (measured: "
            f"{', '.join(affinities)})"
        )
    reference = affinities[reference_target]
    return [
        Selectivity(compound, reference_target, target, fold(quantity, reference))
        for target, quantity in affinities.items()
        if target != reference_target
    ]
