"""negative_binomial, quantal (SPEC 3.9, 3.11)."""

from __future__ import annotations

from typing import Any

from behavior.summary.counts import negative_binomial
from behavior.summary.quantal import fit_quantal, litchfield_wilcoxon
from reference.case import Case, Results


def counts_case(case: Case) -> dict[str, Any]:
    exposure = case.numbers("exposure") if case.spec.get("exposure") else None
    found = negative_binomial(
        case.numbers("response"),
        case.labels("group"),
        **case.levels,
        exposure=exposure,
        conf_level=case.spec.get("conf_level", 0.95),
    )
    results = Results()
    results.add("nb/", theta=found.theta, alpha=found.alpha, loglik=found.loglik, lr_chi2=found.likelihood_ratio.chi2)
    results["poisson/dispersion"] = found.poisson_dispersion
    for c in found.comparisons:
        against = f"{c.level}-vs-{c.reference}/"
        results.add(f"nb/{against}", coef=c.coef, se=c.se, rate_ratio=c.rate_ratio)
        results.add(f"nb/{against}", rr_lo95_wald=c.lo, rr_hi95_wald=c.hi)
        results[f"poisson/{against}se"] = c.se_poisson
    return results.values


def quantal_case(case: Case) -> dict[str, Any]:
    data = case.numbers("dose"), case.numbers("response"), case.numbers("trials")
    results = Results()
    for link in case.spec["links"]:
        found, prefix = fit_quantal(*data, link=link, conf_level=case.spec.get("conf_level", 0.95)), f"{link}/"
        results.add(prefix, intercept=found.intercept, slope_log10=found.slope, slope_se=found.slope_se)
        results.add(prefix, log10_ED50=found.log10_ed50, log10_ED50_se=found.log10_ed50_se, fieller_g=found.g)
        results.add(prefix, ED50_delta_lo95=found.delta.lo, ED50_delta_hi95=found.delta.hi)
        if found.fieller is not None:
            results.add(prefix, ED50_fieller_lo95=found.fieller.lo, ED50_fieller_hi95=found.fieller.hi)
        results.add(prefix, deviance=found.fit.deviance, pearson_chi2=found.fit.pearson_chi2)
        if found.heterogeneity is not None:
            results[prefix + "heterogeneity_p"] = found.heterogeneity.p
        for percent in (*case.spec.get("ed", []), 50):
            results[f"{prefix}ED{percent:g}"] = found.effective_dose(percent)
    with results.optional():
        legacy = litchfield_wilcoxon(*data)
        results.add("litchfield_wilcoxon/", ED50=legacy.ed50, lo95=legacy.lo, hi95=legacy.hi, slope_S=legacy.slope)
    return results.values


METHODS = {"negative_binomial": counts_case, "quantal": quantal_case}
