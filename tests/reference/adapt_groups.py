"""describe, anova_dunnett: levels and their comparison with the reference (SPEC 3.1, 3.2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from behavior.summary.compare import (
    dunnett,
    minimum_effective_dose,
    residual_normality,
    spread_test,
    trend,
    welch_anova,
    williams_contrasts,
)
from behavior.summary.describe import describe
from behavior.summary.transforms import transformed
from reference.case import Case, Results


def number_or_text(label: str | None) -> float | str:
    """A level as the value of a key: a number where it is one, "none" where there is none."""
    try:
        return "none" if label is None else float(label)
    except ValueError:
        return str(label)


def describe_case(case: Case) -> dict[str, Any]:
    rule = case.spec.get("exclude")
    group, response = case.labels("group"), case.numbers("response")
    out = case.table[rule["column"]] == rule["equals"] if rule else np.zeros(len(response), dtype=bool)
    conf = case.spec.get("conf_level", 0.95)
    sevens, sixes = (
        describe(response, group, **case.levels, excluded=out, conf_level=conf, quantile_type=kind)
        for kind in (case.spec.get("quantile_type", 7), 6)
    )
    results = Results()
    for level, six in zip(sevens, sixes, strict=True):
        results.add(
            f"dose={level.level}/",
            n_allocated=level.n_allocated,
            n=level.n,
            mean=level.mean,
            sd=level.sd,
            sem=level.sem,
            median=level.median,
            q1=level.q1,
            q3=level.q3,
            min=level.min,
            max=level.max,
            ci95_lo=level.ci_lo,
            ci95_hi=level.ci_hi,
            pct_of_vehicle=level.percent_of_vehicle,
            cohens_d_vs_vehicle=level.cohens_d,
            hedges_g_vs_vehicle=level.hedges_g,
            cliffs_delta_vs_vehicle=level.cliffs_delta,
            q1_type6=six.q1,
            q3_type6=six.q3,
        )
    results["n_excluded"] = sum(level.n_excluded for level in sevens)
    results["n_missing"] = sum(level.n_missing for level in sevens)
    return results.values


def dunnett_case(case: Case) -> dict[str, Any]:
    response = transformed(case.numbers("response"), case.spec.get("transform", "identity"))
    data, levels = (response, case.labels("group")), case.levels
    results = Results()
    alternative = case.spec.get("alternative", "two-sided")
    found = dunnett(*data, **levels, conf_level=case.spec.get("conf_level", 0.95), alternative=alternative)
    anova = found.anova
    results.add("anova/", F=anova.f, df1=anova.df1, df2=anova.df2, p=anova.p, mse=anova.mse)
    results.add("anova/", eta2=anova.eta_squared, omega2=anova.omega_squared)
    results["dunnett/critical_value_95"] = found.critical_value
    for c in found.comparisons:
        results.add(f"dunnett/{c.level}-vs-{c.reference}/", diff=c.diff, se=c.se, t=c.t, p_adj=c.p_adjusted)
        results.add(f"dunnett/{c.level}-vs-{c.reference}/", ci95_lo=c.lo, ci95_hi=c.hi, hedges_g=c.hedges_g)
        results[f"dunnett/{c.level}/p"] = c.p_adjusted
    if "med_rules" in case.spec:
        med = minimum_effective_dose(found, case.spec.get("alpha", 0.05))
        results["med_lowest_significant"] = number_or_text(med.lowest_significant)
        results["med_contiguous"] = number_or_text(med.contiguous)
    if "trend" in case.spec:
        t = trend(*data, **levels)
        results.add("trend/", linear_rank_t=t.linear_t, linear_p=t.linear_p)
        results.add("trend/", quadratic_t=t.quadratic_t, quadratic_p=t.quadratic_p)
        if case.wants("williams_mct"):
            williams = williams_contrasts(*data, **levels)
            results.add("williams_mct/", max_abs_t=williams.max_abs_t, min_p=williams.min_p)
    with results.optional():
        welch = welch_anova(*data, **levels)
        results.add("welch/", F=welch.f, df1=welch.df1, df2=welch.df2, p=welch.p)
    with results.optional():
        median, mean = (spread_test(*data, **levels, centre=centre) for centre in ("median", "mean"))
        results.add("brown_forsythe/", F=median.f, p=median.p)
        results.add("levene_mean/", F=mean.f, p=mean.p)
        normality = residual_normality(*data, **levels)
        results.add("shapiro_residuals/", W=normality.w, p=normality.p)
    return results.values


METHODS = {"describe": describe_case, "anova_dunnett": dunnett_case}
