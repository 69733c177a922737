"""binding, timecourse_auc, firing_rate, nca, text_table: the companion assays (SPEC 3.14, 3.15, 3.16, 3.6, 3.18)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from behavior.assays.binding import Radioligand, cheng_prusoff, fit_competition, window
from behavior.assays.directions import lowest_dose, read_direction, shape
from behavior.assays.exposure import emax_effect
from behavior.assays.firing import analyse_neuron, fit_pooled, inhibition_by_dose, mean_ed50
from behavior.assays.kinetics import (
    LambdaZRule,
    Profile,
    analyse_profile,
    clearance,
    geometric_mean,
    molar_ratio,
)
from behavior.assays.microdialysis import BaselineRule, Course, area, course, dose_effects, peak_percent
from behavior.assays.quantity import Quantity, daily_dose, fold, number_list, parse, pki
from behavior.assays.result import Estimate
from behavior.assays.saturation import fit_global, fit_specific, scatchard
from behavior.assays.units import family_of, spelled
from behavior.model.errors import BadInput
from behavior.summary.groups import level_label
from reference.case import Case, Results


def binding_case(case: Case) -> dict[str, Any]:
    return {"competition": _competition, "saturation": _saturation, "cheng_prusoff": _cheng_prusoff}[
        case.spec["assay"]
    ](case)


def _competition(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    compound, bound, dose = case.column("compound"), case.numbers("response"), case.numbers("dose")
    of = {label: bound[(compound == label) & np.isfinite(bound)] for label in set(compound.tolist())}
    seen = window(of[spec["total_label"]], of[spec["nonspecific_label"]])
    results.add(total_mean_dpm=seen.total, nsb_mean_dpm=seen.nonspecific, specific_window_dpm=seen.specific)
    radioligand = Radioligand(spec["ligand_nM"], spec["kd_nM"])
    for name in spec["compounds"]:
        rows = (compound == name) & np.isfinite(bound) & np.isfinite(dose)
        for model in spec["models"]:
            with results.optional():
                fit = fit_competition(
                    dose[rows], bound[rows], radioligand, model=model, conf_level=spec.get("conf_level", 0.95)
                )
                results.add(
                    f"{name}/{model}/",
                    logIC50=fit.log_ic50,
                    logIC50_se=fit.log_ic50_se,
                    IC50_nM=fit.ic50.value,
                    IC50_lo95=fit.ic50_wald.low,
                    IC50_hi95=fit.ic50_wald.high,
                    IC50_profile_lo95=fit.ic50.low,
                    IC50_profile_hi95=fit.ic50.high,
                    Ki_nM=fit.ki.value,
                    Ki_lo95=fit.ki_wald.low,
                    Ki_hi95=fit.ki_wald.high,
                    pKi=fit.pki,
                    top=fit.top,
                    bottom=fit.bottom,
                    hill=fit.hill,
                    hill_se=fit.fit.se.get("hill"),
                )
    return results.values


def _saturation(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    free, total, nonspecific = (case.numbers(name) for name in ("dose", "total", "nonspecific"))
    conf = spec.get("conf_level", 0.95)
    specific = total - nonspecific
    for model in spec["models"]:
        if model == "scatchard":
            line = scatchard(free, specific)
            results.add("scatchard/", slope=line.slope, Kd=line.kd, Bmax=line.bmax, r2=line.r2)
            continue
        with results.optional():
            fit = (
                fit_global(free, total, nonspecific, conf_level=conf)
                if model == "global"
                else fit_specific(free, specific, hill=model == "hill", conf_level=conf)
            )
            for key, wald in (("Bmax", fit.bmax_wald), ("Kd", fit.kd_wald)):
                results.add(f"{model}/{key}", **{"": wald.value, "_lo95": wald.low, "_hi95": wald.high})
            results.add(f"{model}/", Bmax_se=fit.fit.se["bmax"], Kd_se=fit.fit.se["kd"], h=fit.hill)
            results.add(f"{model}/", NS=fit.nonspecific_slope, NS_se=fit.fit.se.get("nonspecific"))
            results.add(f"{model}/", h_se=fit.fit.se.get("hill"))
    return results.values


def _cheng_prusoff(case: Case) -> dict[str, Any]:
    results = Results()
    unit = spelled(case.spec.get("unit") or "nM")
    columns = zip(*(case.numbers(name) for name in ("ic50", "ligand", "kd")), strict=True)
    for row, (ic50, ligand, kd) in enumerate(columns, start=1):
        if not all(math.isfinite(value) for value in (ic50, ligand, kd)):
            continue
        ki = cheng_prusoff(Estimate(float(ic50), None, None), Radioligand(float(ligand), float(kd))).value
        results.add(f"row{row}/", **{f"Ki_{unit}": ki, "pKi": pki(Quantity("", ki, unit=unit))})
    return results.values


def timecourse_case(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    courses: list[tuple[Course, str]] = []
    rule = BaselineRule(to=spec["baseline_time_max"])
    for name, rows in _animals(case, "time"):
        with results.optional():
            one = course(name, case.numbers("time")[rows], case.numbers("response")[rows], rule)
            courses.append((one, case.labels("group")[rows][0]))
    areas = [area(one, since=spec["auc_from"]) for one, _ in courses]
    for (one, _), got in zip(courses, areas, strict=True):
        results[f"subject={one.subject}/auc"] = got
    there = [(got, level) for got, (_, level) in zip(areas, courses, strict=True) if got is not None]
    effects = dose_effects(
        [got for got, _ in there],
        [float(level) for _, level in there],
        vehicle=float(spec["reference"]),
        alpha=spec.get("alpha", 0.05),
    )
    results.add("auc_anova/", F=effects.anova.f, p=effects.anova.p)
    for effect in effects.effects:
        level = level_label(effect.dose)
        results.add(f"dose={level}/", auc_mean=effect.mean, auc_sem=effect.sem)
        mine = [one for one, own in courses if own == level]
        peaks = [peak_percent(one, since=spec["auc_from"]) for one in mine]
        results[f"dose={level}/peak_change_pct_mean"] = float(np.mean([peak for peak in peaks if peak is not None]))
        for time in spec["report_times"]:
            values = np.concatenate([one.percent[one.time == time] for one in mine])
            values = values[np.isfinite(values)]
            if len(values):
                results[f"dose={level}/t={level_label(time)}/pct_mean"] = float(values.mean())
        if effect.p is not None:
            results[f"auc_dunnett/{level}-vs-{spec['reference']}/p"] = effect.p
            if spec.get("report_direction"):
                results[f"direction/dose={level}"] = effect.direction
    return results.values


def _animals(case: Case, order: str) -> Iterator[tuple[str, Any]]:
    """The rows of every animal, in the order of a numeric column."""
    labels, along = case.labels("subject"), case.numbers(order)
    for label in dict.fromkeys(labels.tolist()):
        rows = np.flatnonzero((labels == label) & np.isfinite(along))
        yield label, rows[np.argsort(along[rows], kind="stable")]


def firing_case(case: Case) -> dict[str, Any]:
    spec, results = case.spec, Results()
    neurons = []
    for name, rows in _animals(case, "dose"):
        with results.optional():
            neurons.append(
                analyse_neuron(
                    name,
                    case.numbers("dose")[rows],
                    case.numbers("response")[rows] / spec["count_s"],
                    baseline_dose=float(spec["baseline_dose"]),
                    criterion_percent=spec["criterion_pct"],
                )
            )
    conf = spec.get("conf_level", 0.95)
    results["baseline_hz_mean"] = float(np.mean([neuron.baseline_hz for neuron in neurons]))
    for step in inhibition_by_dose(neurons):
        results.add(f"cum={level_label(step.dose)}/", pct_inhibition_mean=step.mean, pct_inhibition_sem=step.sem)
    mean = mean_ed50(neurons, conf)
    results["n_interpolable"] = mean.n
    if mean.estimate is not None:
        results.add("ed50_", geomean=mean.estimate.value, geo_lo95=mean.estimate.low, geo_hi95=mean.estimate.high)
    with results.optional():
        pooled = fit_pooled(neurons, conf)
        results.add("pooled_LL2/", ED50=pooled.ed50.value, hill=pooled.hill)
        results.add("pooled_LL2/", ED50_lo95=pooled.ed50_wald.low, ED50_hi95=pooled.ed50_wald.high)
    return results.values


def nca_case(case: Case) -> dict[str, Any]:
    spec = case.spec
    given = spec.get("lambda_z", {})
    rule = LambdaZRule(given.get("min_points", 3), given.get("include_cmax", False), given.get("tolerance", 1e-4))
    profiles: dict[tuple[str, str], Profile] = {}
    doses: dict[str, float] = {}
    for subject, rows in _animals(case, "time"):
        for analyte in [None] if spec.get("analyte") is None else dict.fromkeys(case.labels("analyte").tolist()):
            mine = rows if analyte is None else rows[case.labels("analyte")[rows] == analyte]
            if len(mine):
                profiles[subject, analyte or ""] = analyse_profile(
                    case.numbers("time")[mine],
                    case.numbers("response")[mine],
                    route=spec["route"],
                    rule=rule,
                    trapezoids=("lin", "linup_logdown"),
                    subject=subject,
                )
        if spec.get("dose"):
            doses[subject] = float(case.numbers("dose")[rows][0])
    return _nca_ratio(spec, profiles) if spec.get("analyte") else _nca_plain(spec, profiles, doses)


def _nca_plain(
    spec: dict[str, Any], profiles: dict[tuple[str, str], Profile], doses: dict[str, float]
) -> dict[str, Any]:
    results = Results()
    over = "" if spec["route"] == "iv_bolus" else "_f"
    for (subject, _), one in profiles.items():
        key = f"id={subject}/"
        results.add(key, cmax=one.cmax, tmax=one.tmax, c0=one.c0)
        if one.slope is not None:
            results.add(key, lambda_z=one.slope.lambda_z, lambda_z_n=one.slope.n_points, r2adj=one.slope.adjusted_r2)
            results.add(key, half_life=one.slope.half_life.value)
        for trapezoid in spec["trapezoid"]:
            found = one.areas[trapezoid]
            results.add(f"{key}{trapezoid}/", auc_last=found.last, auc_inf_obs=found.infinity)
            if found.fraction_extrapolated is not None:
                results[f"{key}{trapezoid}/pct_extrap_obs"] = 100 * found.fraction_extrapolated
            with results.optional():
                terms = clearance(
                    one,
                    doses.get(subject, math.nan),
                    dose_unit=_suffix(spec["dose"] or ""),
                    concentration_unit=_suffix(spec["response"]),
                    time_unit=_suffix(spec["time"]),
                    route=spec["route"],
                    trapezoid=trapezoid,
                )
                results.add(
                    f"{key}{trapezoid}/",
                    **{f"cl{over}_obs": terms.cl, f"vz{over}_obs": terms.v_z, "vss_obs": terms.v_ss},
                )
    if spec.get("summary"):
        halves = [one.slope.half_life.value for one in profiles.values() if one.slope is not None]
        results["summary/auc_last_lin_mean"] = float(np.mean([one.areas["lin"].last for one in profiles.values()]))
        if halves:
            results.add("summary/half_life_", mean=float(np.mean(halves)), median=float(np.median(halves)))
            results["summary/half_life_geomean"] = geometric_mean(halves).value
    return results.values


def _suffix(column: str) -> str:
    return column.partition("_")[2]


def _nca_ratio(spec: dict[str, Any], profiles: dict[tuple[str, str], Profile]) -> dict[str, Any]:
    results, unit = Results(), _suffix(spec["response"])
    unit = unit if family_of(unit) else "nmol_ml"
    name, trapezoid, id_ = spec["metabolite_key"], spec["trapezoid"][0], spec["subject"]
    per: dict[str, list[float]] = {}

    def add(subject: str, key: str, mean_key: str, value: float | None) -> None:
        if value is not None:
            results[f"{id_}={subject}/{key}"] = value
            per.setdefault(mean_key, []).append(value)

    for subject in dict.fromkeys(subject for subject, _ in profiles):
        parent, metabolite = profiles[subject, spec["parent"]], profiles[subject, spec["metabolite"]]
        ends = [(one.areas[trapezoid].infinity, one.areas[trapezoid].last) for one in (metabolite, parent)]
        for key, mean_key, above, below in (
            (f"auc_ratio_inf_{name}_over_parent", "auc_ratio_inf", ends[0][0], ends[1][0]),
            ("auc_ratio_last", "auc_ratio_last", ends[0][1], ends[1][1]),
        ):
            if above is not None and below is not None:
                ratio = molar_ratio(above, below, unit=unit, molar_mass_metabolite=None, molar_mass_parent=None)
                add(subject, key, mean_key, ratio)
        for key, one in (("half_life_parent_min", parent), (f"half_life_{name}_min", metabolite)):
            add(subject, key, key, one.slope.half_life.value if one.slope else None)
        add(subject, f"cmax_{name}_nmol_ml", f"cmax_{name}_nmol_ml", metabolite.cmax)
        add(subject, "cmax_parent_nmol_ml", "cmax_parent_nmol_ml", parent.cmax)
    for key, values in per.items():
        results[f"mean/{key}"] = float(np.mean(values))
    return results.values


def text_table_case(case: Case) -> dict[str, Any]:
    results = Results()
    for output in case.spec["outputs"]:
        results[output["key"]] = _OPS[output["op"]](case, output)
    return results.values


def _cell(case: Case, place: dict[str, Any]) -> str:
    column = case.table[place["column"]]
    cell = column[place["row"] - 1] if "row" in place else column[_where(case, place)][0]
    return cell if isinstance(cell, str) else level_label(cell)


def _where(case: Case, place: dict[str, Any]) -> Any:
    keep = np.ones(len(next(iter(case.table.values()))), dtype=bool)
    for column, value in place.get("where", {}).items():
        keep &= np.array([level_label(cell) == level_label(value) for cell in case.table[column].tolist()])
    return keep


def _quantity(case: Case, place: dict[str, Any]) -> Quantity:
    found = parse(_cell(case, place))
    unit = place.get("unit", case.spec.get("unit"))
    try:
        return found.into(unit) if unit else found
    except BadInput:
        return found


def _or_missing(value: Any) -> Any:
    return "missing" if value in (None, "") else value


def _ratio(case: Case, output: dict[str, Any]) -> Quantity | None:
    return fold(_quantity(case, output["numerator"]), _quantity(case, output["denominator"]))


def _rate_constant(case: Case, output: dict[str, Any]) -> Any:
    value = _quantity(case, output).value
    return math.log(2) / value if value else "missing"


def _directions(case: Case, output: dict[str, Any]) -> dict[float, Any]:
    keep = _where(case, output)
    doses, words = case.table[output["dose"]][keep], case.table[output["effect"]][keep]
    return {float(dose): read_direction(str(word)) for dose, word in zip(doses, words, strict=True)}


def _number_or_cell(case: Case, output: dict[str, Any], name: str, default: float) -> float:
    given = output.get(name, default)
    if isinstance(given, dict):
        value = _quantity(case, given).value
        return default if value is None else value
    return float(given)


def _percent_effect(case: Case, output: dict[str, Any]) -> float:
    return emax_effect(
        _number_or_cell(case, output, "dose", math.nan),
        ed50=_number_or_cell(case, output, "ed50", math.nan),
        hill=_number_or_cell(case, output, "h", 1.0),
        maximum=_number_or_cell(case, output, "maximum", 100.0),
    )


def _daily(case: Case, output: dict[str, Any], end: int) -> Any:
    found = daily_dose(_cell(case, output))
    return found[end] if found else "missing"


_OPS: dict[str, Callable[[Case, dict[str, Any]], Any]] = {
    "number": lambda case, output: _or_missing(_quantity(case, output).value),
    "qualifier": lambda case, output: _or_missing(parse(_cell(case, output)).qualifier),
    "range_lo": lambda case, output: _or_missing(_quantity(case, output).value),
    "range_hi": lambda case, output: _or_missing(_quantity(case, output).high),
    "pki": lambda case, output: _or_missing(pki(_quantity(case, output))),
    "rate_constant": _rate_constant,
    "fold": lambda case, output: _or_missing(ratio.value if (ratio := _ratio(case, output)) else None),
    "fold_qualifier": lambda case, output: _or_missing(ratio.qualifier if (ratio := _ratio(case, output)) else None),
    "unit": lambda case, output: _cell(case, output),
    "shape": lambda case, output: shape(_directions(case, output)),
    "lowest_dose": lambda case, output: _or_missing(
        lowest_dose(_directions(case, output), read_direction(output["direction"]))
    ),
    "kind": lambda case, output: _or_missing(parse(_cell(case, output)).kind),
    "number_list": lambda case, output: list(number_list(_cell(case, output))),
    "percent_effect": _percent_effect,
    "daily_dose_lo": lambda case, output: _daily(case, output, 0),
    "daily_dose_hi": lambda case, output: _daily(case, output, 1),
}

METHODS = {
    "binding": binding_case,
    "timecourse_auc": timecourse_case,
    "firing_rate": firing_case,
    "nca": nca_case,
    "text_table": text_table_case,
}
