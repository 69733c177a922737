"""survival, tobit: censored latencies (SPEC 3.7)."""

from __future__ import annotations

from typing import Any

import numpy as np

from behavior.summary.cox import cox_comparisons, score_test
from behavior.summary.groups import level_label
from behavior.summary.survival import Latencies, kaplan_meier, latencies, log_rank, log_rank_comparisons
from behavior.summary.tobit import tobit
from reference.case import Case, Results


def survival_case(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    found = latencies(case.numbers("time"), case.numbers("event"), case.labels("group"), **case.levels)
    _curves(case, found, results)
    overall = log_rank(found)
    results.add("logrank/", chi2=overall.chi2, df=overall.df, p=overall.p)
    results["peto_peto_rho1/chi2"] = log_rank(found, rho=1).chi2
    if len(found.levels) > 2:
        for c in log_rank_comparisons(found):
            results.add(f"logrank/{c.level}-vs-{c.reference}/", chi2=c.chi2, p=c.p, p_holm=c.p_holm)
    with results.optional():
        _hazards(case, found, results)
    if case.wants("trend_score"):
        with results.optional():
            dose = np.array([float(label) for label in found.label])
            results["trend_score/chi2"] = score_test(found.time, found.event, dose, spec.get("ties", "efron")).chi2
    return results.values


def _curves(case: Case, found: Latencies, results: Results) -> None:
    tau = case.spec.get("rmst_tau")
    for curve in kaplan_meier(found, case.spec.get("conf_level", 0.95)):
        prefix = f"km/{curve.level}/"
        results.add(prefix, n=curve.n, events=curve.n_events)
        results[prefix + "median"] = "not reached" if curve.median is None else curve.median
        results.add(prefix, median_lo95=curve.median_lo, median_hi95=curve.median_hi)
        for time in case.spec.get("at_times") or []:
            results[f"{prefix}S({level_label(time)})"] = curve.survival_at(time)
            results[f"{prefix}S({level_label(time)})_greenwood_se"] = curve.se_at(time)
        if tau is not None:
            results[f"{prefix}rmst_{level_label(tau)}"] = curve.restricted_mean(tau)
            results[f"{prefix}rmst_{level_label(tau)}_se"] = curve.restricted_mean_se(tau)


def _hazards(case: Case, found: Latencies, results: Results) -> None:
    spec = case.spec
    cluster = case.labels("cluster")[_used(case)] if spec.get("cluster") else None
    cox = cox_comparisons(found, cluster=cluster, ties=spec.get("ties", "efron"))
    results.add("cox/", loglik=cox.fit.loglik, lr_chi2=cox.fit.likelihood_ratio.chi2)
    for c in cox.comparisons:
        prefix = f"cox/{c.level}-vs-{c.reference}/"
        results.add(prefix, coef=c.coef, hr=c.hazard_ratio, se=c.se, robust_se=c.robust_se)
        results.add(prefix, hr_lo95=c.lo, hr_hi95=c.hi, p_wald=c.p)
    for c in cox_comparisons(found, ties="breslow").comparisons:
        results.add(f"cox_breslow/{c.level}-vs-{c.reference}/", coef=c.coef, hr=c.hazard_ratio, se=c.se)


def _used(case: Case) -> np.ndarray:
    """The rows that `latencies` keeps."""
    time, event = case.numbers("time"), case.numbers("event")
    return np.isfinite(time) & np.isfinite(event) & np.isin(case.labels("group"), case.level_names)


def tobit_case(case: Case) -> dict[str, Any]:
    found = tobit(
        case.numbers("time"),
        case.numbers("event"),
        case.labels("group"),
        **case.levels,
        transform=case.spec.get("transform", "identity"),
    )
    results, scale = Results(), case.spec.get("transform", "identity").partition("(")[0]
    results["coef/(Intercept)"], results["se/(Intercept)"] = found.intercept, found.intercept_se
    for c in found.comparisons:
        results[f"coef/dose={c.level}"], results[f"se/dose={c.level}"] = c.estimate, c.se
    results[f"scale_{scale}"] = results["scale"] = found.scale
    results["loglik"] = found.loglik
    return results.values


METHODS = {"survival": survival_case, "tobit": tobit_case}
