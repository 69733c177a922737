"""Shares and counts against vehicle by models of how such numbers vary between units."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.counts import negative_binomial
from behavior.summary.derivatives import Floats
from behavior.summary.gee import Sandwich, gee
from behavior.summary.glm import indicator_design
from behavior.summary.groups import level_label, level_labels, ordered_levels
from behavior.summary.likelihood_ratios import RatioComparisons, rate_comparisons, share_comparisons
from behavior.summary.multiplicity import adjust_p
from behavior.summary.multivariate_t import adjusted_p, critical_value
from behavior.summary.overdispersed import beta_binomial
from behavior.summary.units import Units
from behavior.summary.vehicle_test import CONF_LEVEL, Against, Compared, VehicleTest, effective_doses, p_text

ODDS, RATES = "Odds ratio", "Rate ratio"


def by_quasi_binomial(units: Units, measure: Measure) -> Compared:
    """Odds ratios by roots of likelihood ratios over the dispersion between units."""
    k, n = _events(units)
    found = share_comparisons(k, n, units.doses, reference=0.0, conf_level=CONF_LEVEL)
    said = f"Quasi-binomial {_f(found)}, dispersion {found.dispersion:.2f}"
    figures = {"F": found.effect.f, "p": found.effect.p, "dispersion": found.dispersion}
    return _ratios(found, "quasi-binomial", ODDS, said, "quasi_binomial", figures)


def by_negative_binomial(units: Units, measure: Measure) -> Compared:
    """Rate ratios by roots of likelihood ratios, with the time in which was counted as exposure."""
    found = rate_comparisons(_counts(units), units.doses, reference=0.0, exposure=units.exposure, conf_level=CONF_LEVEL)
    said = f"Negative binomial {_f(found)}, variance = mean + {found.dispersion:.3g} mean²"
    figures = {"F": found.effect.f, "p": found.effect.p, "alpha": found.dispersion}
    return _ratios(found, "negative binomial", RATES, said, "negative_binomial", figures)


def _f(found: RatioComparisons) -> str:
    f = found.effect
    return f"F({f.df1:g}, {f.df2:g}) = {f.f:.2f}, p {p_text(f.p)}"


def _ratios(
    found: RatioComparisons, name: str, scale: str, said: str, method: str, figures: dict[str, float]
) -> Compared:
    against = {c.level: Against(c.ratio, c.lo, c.hi, c.p_adjusted, None, c.p) for c in found.comparisons}
    test = VehicleTest(
        name=name, scale=scale, overall=said, effective=effective_doses(against), method=method, null=1.0,
        figures=figures,
    )  # fmt: skip
    return Compared(test, against)


def by_negative_binomial_plain(units: Units, measure: Measure) -> Compared:
    """Maximum likelihood and Wald's normal figures, as `MASS::glm.nb` prints them; Holm over the doses."""
    found = negative_binomial(
        _counts(units), units.doses, reference=0.0, exposure=units.exposure, conf_level=CONF_LEVEL
    )
    ratio = found.likelihood_ratio
    holm = _holm([c.p for c in found.comparisons])
    against = {
        c.level: Against(c.rate_ratio, c.lo, c.hi, p, None, c.p) for c, p in zip(found.comparisons, holm, strict=True)
    }
    test = VehicleTest(
        name="negative binomial, normal", scale=RATES,
        overall=f"Likelihood ratio χ²({ratio.df:g}) = {ratio.chi2:.2f}, p {p_text(ratio.p)}",
        effective=effective_doses(against), method="negative_binomial_plain", null=1.0, simultaneous=False,
        figures={"theta": found.theta, "chi2": ratio.chi2},
    )  # fmt: skip
    return Compared(test, against)


def _holm(ps: Sequence[float | None]) -> list[float | None]:
    """Adjusted over those there are."""
    adjusted = iter(adjust_p([p for p in ps if p is not None], "holm").tolist())
    return [None if p is None else float(next(adjusted)) for p in ps]


def by_gee(units: Units, measure: Measure) -> Compared:
    """Estimating equations over single trials, errors from the units' residuals, bias-reduced, with t."""
    return _by_gee(units, "bias-reduced")


def by_gee_plain(units: Units, measure: Measure) -> Compared:
    """The same with the plain sandwich and normal p-values, as `geepack` prints them."""
    return _by_gee(units, "plain")


def _by_gee(units: Units, sandwich: Sandwich) -> Compared:
    k, n = _events(units)
    labels = level_labels(units.doses.tolist())
    present = np.isfinite(k) & np.isfinite(n) & (n > 0)
    names = ordered_levels(labels[present].tolist(), reference=level_label(0.0))
    rows = np.flatnonzero(present)
    design = _with_periods(
        indicator_design(labels[rows], names), np.array(units.periods)[rows], repeated=units.repeated
    )
    which = np.repeat(np.arange(len(rows)), n[rows].astype(int))
    done = np.concatenate([np.arange(int(n[i])) < k[i] for i in rows]).astype(float)
    columns = [*names, *(f"period {i}" for i in range(design.shape[1] - len(names)))]
    subjects = np.array(units.subjects)[rows][which]
    fit = gee(done, design[which], subjects, names=columns, sandwich=sandwich)
    terms = fit.terms[1 : len(names)]
    covariance = fit.covariance[1 : len(names), 1 : len(names)]
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    against = {}
    for term in terms:
        t, half = term.coef / term.robust_se, critical_value(CONF_LEVEL, correlation, term.df) * term.robust_se
        lo, ratio, hi = (_exp(term.coef + step) for step in (-half, 0.0, half))
        against[term.name] = Against(ratio, lo, hi, adjusted_p(t, correlation, term.df), None, term.p)
    plain = sandwich == "plain"
    test = VehicleTest(
        name="estimating equations, plain" if plain else "estimating equations", scale=ODDS,
        overall=f"Estimating equations over {len(done)} trials of {fit.n_clusters} {units.unit}s, "
        f"working correlation {fit.alpha:.2f}",
        effective=effective_doses(against), method="gee_plain" if plain else "gee", null=1.0,
        figures={"alpha": fit.alpha, **{f"coef {term.name}": term.coef for term in terms}},
    )  # fmt: skip
    return Compared(test, against)


def _with_periods(design: Floats, periods: Floats, *, repeated: bool) -> Floats:
    """The design with a column for each period after the first, where those can be told from the doses."""
    later = [p for p in np.unique(periods) if p > periods.min()]
    if not repeated or not later:
        return design
    wide = np.column_stack([design, *((periods == p).astype(float) for p in later)])
    return wide if np.linalg.matrix_rank(wide) == wide.shape[1] else design


def by_beta_binomial(units: Units, measure: Measure) -> Compared:
    """Maximum likelihood, as `glmmTMB` fits it, with t and Holm over the doses."""
    from scipy import stats

    k, n = _events(units)
    labels = level_labels(units.doses.tolist())
    rows = np.isfinite(k) & np.isfinite(n) & (n > 0)
    names = ordered_levels(labels[rows].tolist(), reference=level_label(0.0))
    fit = beta_binomial(k[rows], n[rows], indicator_design(labels[rows], names), names)
    df = int(rows.sum()) - len(names)
    if df < 1:
        raise BadInput("every dose has one animal, so that nothing is known about the error; add animals")
    terms = fit.coefficients[1:]
    ps = [2 * float(stats.t.sf(abs(c.coef) / c.se, df)) for c in terms]
    quantile = float(stats.t.ppf((1 + CONF_LEVEL) / 2, df))
    against = {
        c.name: Against(_exp(c.coef), _exp(c.coef - quantile * c.se), _exp(c.coef + quantile * c.se), holm, None, p)
        for c, p, holm in zip(terms, ps, _holm(ps), strict=True)
    }
    test = VehicleTest(
        name="beta-binomial", scale=ODDS, overall=f"Beta-binomial, log-likelihood {fit.loglik:.2f}, φ = {fit.phi:.3g}",
        effective=effective_doses(against), method="beta_binomial", null=1.0, simultaneous=False,
        figures={"phi": fit.phi, "loglik": fit.loglik},
    )  # fmt: skip
    return Compared(test, against)


def _counts(units: Units) -> Floats:
    return units.responses if units.events is None else units.events


def _events(units: Units) -> tuple[Floats, Floats]:
    if units.events is None or units.trials is None:
        raise BadInput("the sessions do not hold the number of trials; score them again, or compare by rearrangement")
    return units.events, units.trials


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf
