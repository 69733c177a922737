"""dose_response, hormesis, nls: curves by least squares (SPEC 3.10, 3.12, 3.13)."""

from __future__ import annotations

from typing import Any

import numpy as np

from behavior.model.errors import BadInput
from behavior.summary.dose_response import (
    CurvesFit,
    absolute_dose,
    compare_models,
    dose_effect,
    effective_dose,
    effective_dose_profile,
    fit_dose_response,
    fit_dose_responses,
    lack_of_fit,
    relative_potency,
)
from behavior.summary.ed50 import dose_effect_rule
from behavior.summary.expression import curve_from
from behavior.summary.fit import CurveFit, compare_fits, derived, fit_curve, observed_covariance, profile_interval
from behavior.summary.hormesis import falling_ed50, fit_hormesis, peak
from reference.case import Case, Results

FULL_NAMES = {"b": "hill_b", "c": "lower_c", "d": "upper_d", "e": "ed50_e", "g": "asymmetry_g"}


def dose_response_case(case: Case) -> dict[str, Any]:
    results = Results()
    if "report_rule" in case.spec:
        _report_rule(case, results)
    if case.spec.get("curve"):
        _several_curves(case, results)
    else:
        try:
            _one_curve(case, results)
        except BadInput:
            # Flat data hold no curve; what else was asked for stands.
            if "report_rule" not in case.spec:
                raise
    return results.values


def _report_rule(case: Case, results: Results) -> None:
    rule = case.spec["report_rule"]
    effect = dose_effect_rule(
        case.numbers("dose"),
        case.numbers("response"),
        alpha=rule["alpha"],
        min_effect=rule["min_effect"],
        reference=float(case.spec["reference"]),
    )
    results.add("anova/", F=effect.anova.f, p=effect.anova.p)
    results["ed50/reportable"] = bool(effect.holds)


def _one_curve(case: Case, results: Results) -> None:
    spec, x, y = case.spec, case.numbers("dose"), case.numbers("response")
    conf = spec.get("conf_level", 0.95)
    fit = fit_dose_response(x, y, model=spec["model"], fixed=spec.get("fixed", {}))
    prefix = spec["key_prefix"] + "/"
    observed = np.sqrt(np.diag(observed_covariance(fit)))
    for name, se_drc in zip(fit.free, observed, strict=True):
        full = FULL_NAMES[name]
        results.add(prefix, **{full: fit.estimates[name], f"{full}_se": fit.se[name], f"{full}_se_drc": float(se_drc)})
    results.add(prefix, residual_se=fit.residual_se, df_residual=fit.df_residual, loglik=fit.loglik, aic=fit.aic)
    for q in spec.get("ed", []):
        _effective_dose(fit, q, conf, case, results)
    for response in spec.get("ed_absolute") or []:
        dose = absolute_dose(fit, response, conf)
        results.add(f"EDabs{response:g}/", estimate=dose.estimate, se=dose.se)
    with results.optional():
        if spec.get("lack_of_fit"):
            test = lack_of_fit(fit)
            results.add("lack_of_fit/", F=test.f, p=test.p)
    for small in spec.get("compare") or []:
        test = compare_models(x, y, small, spec["model"])
        results.add(f"{small}_vs_{spec['model']}/", F=test.f, p=test.p)
    if spec.get("constant_test"):
        results["dose_effect/F_vs_constant"] = dose_effect(fit).f


def _effective_dose(fit: CurveFit, q: float, conf: float, case: Case, results: Results) -> None:
    dose, prefix = effective_dose(fit, q, conf), f"ED{q:g}/"
    results.add(prefix, estimate=dose.estimate, se=dose.se, delta_lo95=dose.delta.lo, delta_hi95=dose.delta.hi)
    results.add(prefix, log_delta_lo95=dose.log_delta.lo, log_delta_hi95=dose.log_delta.hi)
    as_drc = derived_with(fit, q)
    results.add(prefix, se_drc=as_drc)
    if case.wants(f"{prefix}profile"):
        interval = effective_dose_profile(fit, q, conf)
        results.add(prefix, profile_lo95=interval.lo, profile_hi95=interval.hi)


def derived_with(fit: CurveFit, q: float) -> float:
    """The delta-method error of EDq with the observed Hessian's covariance, as `drc` has it."""
    from dataclasses import replace

    from behavior.summary.dose_response import steps_to

    other = replace(fit, covariance=observed_covariance(fit))
    return derived(other, lambda p: p["e"] * steps_to(q / 100, p["b"], p.get("g", 1.0))).se


def _several_curves(case: Case, results: Results) -> None:
    spec = case.spec
    data = case.numbers("dose"), case.numbers("response"), case.labels("curve")
    fits: dict[str, CurvesFit] = {}
    for wanted in spec["fits"]:
        found = fit_dose_responses(
            *data, shared=wanted["shared"], curves=spec["curves"], model=spec["model"], fixed=spec.get("fixed", {})
        )
        fits[wanted["key"]] = found
        for name in found.fit.free:
            parameter, _, curve = name.partition(":")
            label = wanted["curve_label"].replace("{curve}", curve) if curve else "(Intercept)"
            results[f"{wanted['key']}/{parameter}:{label}"] = found.fit.estimates[name]
            results[f"{wanted['key']}/{parameter}:{label}_se"] = found.fit.se[name]
    comparison = spec.get("compare_fits")
    if comparison:
        test = compare_fits(fits[comparison["small"]].fit, fits[comparison["large"]].fit)
        results.add(comparison["key"] + "/", F=test.f, p=test.p)
    ratio = spec.get("ratio")
    if ratio:
        conf = spec.get("conf_level", 0.95)
        found_ratio = relative_potency(fits[ratio["fit"]], ratio["ed"], ratio["numerator"], ratio["denominator"], conf)
        results.add(ratio["key"] + "/", estimate=found_ratio.estimate, lo95=found_ratio.lo, hi95=found_ratio.hi)


def hormesis_case(case: Case) -> dict[str, Any]:
    x, y = case.numbers("dose"), case.numbers("response")
    results, fits = Results(), {}
    for model in case.spec["models"]:
        log_logistic = model.startswith("LL")
        fit = fit_dose_response(x, y, model=model) if log_logistic else fit_hormesis(x, y, model=model)
        fits[model] = fit
        # No `covariance` is asked for in these cases, and the values are those of `drc`: observed Hessian.
        errors = fit.se.values() if "covariance" in case.spec else np.sqrt(np.diag(observed_covariance(fit)))
        for name, se in zip(fit.free, errors, strict=True):
            results[f"{model}/{name}"] = fit.estimates[name]
            results[f"{model}/{name}_se"] = se
        results.add(f"{model}/", rss=fit.rss, aic=fit.aic)
        if log_logistic:
            results[f"{model}/ED50"] = fit.estimates["e"]
            continue
        with results.optional():
            results[f"{model}/ED50"] = falling_ed50(fit)
        with results.optional():
            top = peak(fit)
            results.add(f"{model}/", dose_of_max=top.dose, max_response=top.response)
    comparison = case.spec.get("compare_fits")
    if comparison:
        test = compare_fits(fits[comparison["small"]], fits[comparison["large"]])
        results.add(comparison["key"] + "/", F=test.f, p=test.p)
    return results.values


def nls_case(case: Case) -> dict[str, Any]:
    spec, x, y = case.spec, case.numbers("x"), case.numbers("response")
    present = np.isfinite(x) & np.isfinite(y)
    curve = curve_from(spec["expression"], spec["parameters"])
    fit = fit_curve(curve, x[present], y[present], spec["starts"], names=spec["parameters"])
    results = Results()
    for name in fit.free:
        results.add(name, **{"": fit.estimates[name], "_sd": fit.se[name], "_se": fit.se[name]})
        if "profile" in (spec.get("ci") or []):
            interval = profile_interval(fit, name, spec.get("conf_level", 0.95))
            results.add(name, _profile_lo95=interval.lo, _profile_hi95=interval.hi)
    results.add(rss=fit.rss, residual_sd=fit.residual_se)
    return results.values


METHODS = {"dose_response": dose_response_case, "hormesis": hormesis_case, "nls": nls_case}
