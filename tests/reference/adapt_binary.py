"""binomial_groups, gee, proportion_trend, and the reserved glmm (SPEC 3.8 and 4)."""

from __future__ import annotations

from typing import Any

import numpy as np

from behavior.summary.binary import binomial_groups, cochran_armitage, compare_proportions
from behavior.summary.gee import gee
from behavior.summary.glm import indicator_design
from behavior.summary.overdispersed import beta_binomial, logistic_mixed
from reference.case import Case, Results

SHORT = {"exchangeable": "exch", "independence": "indep"}


def groups_case(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    k, n, labels = case.numbers("response"), case.numbers("trials"), case.labels("group")
    found = binomial_groups(k, n, labels, **case.levels)
    results.add("binomial/", deviance=found.fit.deviance, pearson_dispersion=found.dispersion, lr_chi2=found.lr_chi2)
    results.add("quasi/", F=found.quasi_f, p=found.quasi_p)
    for level in found.levels:
        prefix = f"group/{level.level}/"
        results.add(prefix, pooled_proportion=level.pooled_proportion, mean_per_subject=level.mean_per_subject)
        results.add(prefix, wilson_lo=level.wilson.lo, wilson_hi=level.wilson.hi)
        results.add(prefix, clopper_lo=level.clopper.lo, clopper_hi=level.clopper.hi)
    for c in found.comparisons:
        against = f"{c.level}-vs-{c.reference}/"
        results.add(f"binomial/{against}", coef=c.coef, se=c.se, odds_ratio=c.odds_ratio)
        results.add(f"quasi/{against}", se=c.se_quasi, p_t=c.p_t)
    rows = np.isfinite(k) & np.isfinite(n) & np.isin(labels, case.level_names)
    data = k[rows], n[rows], labels[rows]
    _estimating_equations(case, *data, results)
    _likelihoods(case, *data, results)
    if spec.get("criterion"):
        _criterion(case, k, labels, results)
    return results.values


def _estimating_equations(case: Case, k: np.ndarray, n: np.ndarray, labels: np.ndarray, results: Results) -> None:
    """Every trial is a row, every animal a cluster."""
    animal = np.repeat(np.arange(len(k)), n.astype(int))
    trial = np.concatenate([np.arange(int(total)) < done for done, total in zip(k, n, strict=True)]).astype(float)
    design = indicator_design(labels, tuple(case.level_names))[animal]
    for correlation in case.spec.get("correlation", []):
        with results.optional():
            fit = gee(trial, design, animal, names=case.level_names, correlation=correlation, sandwich="plain")
            results[f"gee_{correlation}/alpha"] = fit.alpha
            for term in fit.terms[1:]:
                prefix = f"gee_{correlation}/{term.name}-vs-{case.spec['reference']}/"
                results.add(prefix, coef=term.coef, robust_se=term.robust_se)


def _likelihoods(case: Case, k: np.ndarray, n: np.ndarray, labels: np.ndarray, results: Results) -> None:
    names, against = case.level_names, f"-vs-{case.spec['reference']}/"
    design = indicator_design(labels, tuple(names))
    if case.wants("betabinomial/"):
        with results.optional():
            bb = beta_binomial(k, n, design, names)
            results["betabinomial/phi"] = bb.phi
            for c in bb.coefficients[1:]:
                results.add(f"betabinomial/{c.name}{against}", coef=c.coef, se=c.se)
    if case.wants("glmer_laplace/"):
        with results.optional():
            mixed = logistic_mixed(k, n, design, np.arange(len(k)), names)
            results["glmer_laplace/sd_subject"] = mixed.sd
            for c in mixed.coefficients[1:]:
                results.add(f"glmer_laplace/{c.name}{against}", coef=c.coef, se=c.se)


def _criterion(case: Case, k: np.ndarray, labels: np.ndarray, results: Results) -> None:
    rule, present = case.spec["criterion"], np.isfinite(k)
    met = (k[present] >= rule["min"]).astype(float)
    for c in compare_proportions(met, np.ones(len(met)), labels[present], **case.levels):
        results[f"{rule['key']}/{c.level}/n"] = c.events
        if c.fisher_p is not None:
            prefix = f"{rule['key']}/{c.level}-vs-{case.spec['reference']}/"
            results.add(prefix, fisher_p=c.fisher_p, fisher_p_holm=c.fisher_p_holm)


def _terms(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """The design that `terms` spell out, and the rows that are complete."""
    columns = []
    for term in case.spec["terms"]:
        column = np.ones(len(case.numbers("response")))
        if term != "(Intercept)":
            for part in term.split(":"):
                column = column * np.asarray(case.table[part], dtype=float)
        columns.append(column)
    design = np.column_stack(columns)
    return design, np.isfinite(design).all(axis=1) & np.isfinite(case.numbers("response"))


def gee_case(case: Case) -> dict[str, Any]:
    design, rows = _terms(case)
    results = Results()
    data = case.numbers("response")[rows], design[rows], case.labels("cluster")[rows]
    for correlation in case.spec["correlation"]:
        fit = gee(*data, names=case.spec["terms"], correlation=correlation, sandwich="plain")
        for term in fit.terms:
            results[f"{SHORT[correlation]}/coef/{term.name}"] = term.coef
            results[f"{SHORT[correlation]}/robust_se/{term.name}"] = term.robust_se
        if correlation == "exchangeable":
            results["alpha"] = fit.alpha
    return results.values


def glmm_case(case: Case) -> dict[str, Any]:
    design, rows = _terms(case)
    k = case.numbers("response")
    n = case.numbers("trials") if case.spec.get("trials") else np.ones(len(k))
    fit = logistic_mixed(k[rows], n[rows], design[rows], case.labels("cluster")[rows], case.spec["terms"])
    results = Results()
    for c in fit.coefficients:
        results[f"coef/{c.name}"], results[f"se/{c.name}"] = c.coef, c.se
    results[f"sd_{case.spec['cluster']}"], results["loglik"] = fit.sd, fit.loglik
    return results.values


def trend_case(case: Case) -> dict[str, Any]:
    k, n, results = case.numbers("response"), case.numbers("trials"), Results()
    rows = np.isfinite(k) & np.isfinite(n)
    with results.optional():
        test = cochran_armitage(k[rows], n[rows], np.asarray(case.table[case.spec["scores"]], dtype=float)[rows])
        results.add("cochran_armitage/", chi2=test.chi2, p=test.p)
    found = compare_proportions(k, n, case.labels("dose"), **case.levels, conf_level=case.spec.get("conf_level", 0.95))
    for c in found:
        results.add(f"dose={c.level}/", clopper_lo=c.lo, clopper_hi=c.hi)
        results.add(f"fisher/dose={c.level}/", p=c.fisher_p, p_holm=c.fisher_p_holm)
    return results.values


METHODS = {"binomial_groups": groups_case, "gee": gee_case, "glmm": glmm_case, "proportion_trend": trend_case}
