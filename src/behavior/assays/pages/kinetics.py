"""The page of a kinetics study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from behavior.assays import canvas
from behavior.assays.kinetics import (
    Clearance,
    LambdaZRule,
    Profile,
    Trapezoid,
    analyse_profile,
    clearance,
    geometric_mean,
    handle_below_limit,
    molar_ratio,
)
from behavior.assays.library import Library
from behavior.assays.pages.kinetics_sparse import sparse_page
from behavior.assays.pages.kinetics_words import methods_of, published_of
from behavior.assays.pages.published import disagreements_of
from behavior.assays.quantity import shortest
from behavior.assays.result import AssayResult, Drawing, Endpoint, ResultTable, Row, Unusable, in_columns
from behavior.assays.settings import KineticsSettings
from behavior.assays.table import Column, Table
from behavior.assays.units import shown
from behavior.model.errors import BadFile, BadInput, Problem

COLUMNS = (
    Column("subject", "animal"),
    Column("analyte", "parent or metabolite, as named in the settings", required=False, default=""),
    Column(
        "dose",
        "dose given; needed for clearance",
        "number",
        ("mg_kg", "ug_kg", "umol_kg", "nmol_kg", "mg", "ug", "umol"),
        required=False,
        blank=True,
        lowest=0,
    ),
    Column("time", "time since the dose", "number", ("min", "h", "s"), lowest=0),
    Column(
        "conc",
        "concentration; blank where missing, BLQ or <limit where below quantification",
        "censored",
        ("nmol_ml", "umol_l", "nmol_l", "pmol_ml", "nM", "uM", "ng_ml", "ug_ml", "mg_l", "ug_l"),
        blank=True,
        lowest=0,
    ),
)


@dataclass(frozen=True)
class _One:
    """One animal and analyte."""

    subject: str
    analyte: str
    profile: Profile
    clearance: Clearance | None
    dose: float


def page(table: Table, settings: KineticsSettings, library: Library) -> AssayResult:
    """Analyse a table of concentrations.

    Raises
    ------
    BadInput, BadFile
        Times do not increase, or nothing is above the limit of quantification.
    """
    sparse = settings.design == "sparse" or (settings.design == "auto" and _is_sparse(table))
    if sparse:
        return sparse_page(table, settings, library)
    ones, flags = _profiles(table, settings)
    units = (table.units["conc"], table.units["time"])
    ratios, more = _ratios(ones, settings, units[0])
    flags += _formation_flags(ones, settings, units[1])
    endpoints = [*_endpoints(ones, settings, units), *_ratio_endpoints(ratios, settings)]
    return AssayResult(
        kind="kinetics",
        title=settings.title or "Kinetics",
        endpoints=tuple(endpoints),
        tables=(
            ResultTable.of(
                "summary",
                "Over animals: geometric mean with t interval on the logarithm, arithmetic mean, SD, median.",
                _summary_rows(ones, ratios, settings, units),
            ),
            ResultTable.of(
                "animals",
                "Every animal. The times of the terminal slope are those that the half-life rests on.",
                _animal_rows(ones, units),
            ),
            ResultTable.of("ratios", "Metabolite over parent, in moles.", _ratio_rows(ratios)),
        ),
        drawings=(
            Drawing(
                "profiles",
                "Concentration over time: every animal (grey), geometric mean of positive samples (black), "
                "and each animal's terminal line over the points it was fitted to (blue).",
                lambda: _draw(ones, units),
            ),
        ),
        methods=methods_of(settings),
        flags=(*table.notes, *flags, *more),
        published=published_of(endpoints, settings, library),
        disagreements=disagreements_of(
            library, [settings.parent, *settings.metabolites], ("half_life", "cmax", "auc_ratio")
        ),
        settings=settings.model_dump(),
        units=units,
    )


def _is_sparse(table: Table) -> bool:
    counts = table.frame.groupby(["subject", "analyte"])["time"].nunique()
    return bool(counts.median() < 4)


def _concentrations(part: Any, settings: KineticsSettings) -> np.ndarray[Any, np.dtype[np.float64]]:
    values = part["conc"].to_numpy(dtype=float)
    return handle_below_limit(
        values,
        part["conc_below"].to_numpy(dtype=bool),
        values,
        before=settings.below_before,
        between=settings.below_between,
    )


def _profiles(table: Table, settings: KineticsSettings) -> tuple[list[_One], list[str]]:
    rule = LambdaZRule(settings.min_points, settings.include_cmax, settings.r2_tolerance)
    ones, flags, problems = [], [], []
    for (subject, analyte), part in table.frame.groupby(["subject", "analyte"], sort=False):
        name = f"{subject}, {analyte}" if analyte else str(subject)
        try:
            profile = analyse_profile(
                part["time"].to_numpy(dtype=float),
                _concentrations(part, settings),
                route=settings.route,
                rule=rule,
                subject=name,
            )
        except Unusable as error:
            flags.append(f"{error} (left out)")
            continue
        except BadInput as error:
            problems.append(Problem("", str(error)))
            continue
        one, why = _with_clearance(str(subject), str(analyte), profile, part, table, settings)
        ones.append(one)
        flags += _profile_flags(name, one, settings) + ([f"{name}: {why}"] if why else [])
    if problems:
        raise BadFile(table.file, problems)
    if not ones:
        raise BadInput(
            f"{table.file}: every sample is below the limit of quantification; a more sensitive assay or a "
            "higher dose is needed"
        )
    return ones, _merged(flags)


def _with_clearance(
    subject: str, analyte: str, profile: Profile, part: Any, table: Table, settings: KineticsSettings
) -> tuple[_One, str]:
    if "dose" not in table.units or (analyte and settings.parent and analyte != settings.parent):
        return _One(subject, analyte, profile, None, math.nan), ""
    doses = part["dose"].dropna().unique()
    if len(doses) != 1:
        return _One(
            subject, analyte, profile, None, math.nan
        ), f"no clearance: {'no dose' if not len(doses) else 'several doses'} in its rows"
    try:
        terms = clearance(
            profile,
            float(doses[0]),
            dose_unit=table.units["dose"],
            concentration_unit=table.units["conc"],
            time_unit=table.units["time"],
            route=settings.route,
            molar_mass_g_mol=settings.molar_mass_g_mol.get(analyte or settings.parent),
            trapezoid=settings.main_trapezoid,
        )
    except BadInput as error:
        return _One(subject, analyte, profile, None, float(doses[0])), str(error)
    return _One(subject, analyte, profile, terms, float(doses[0])), ""


def _profile_flags(name: str, one: _One, settings: KineticsSettings) -> list[str]:
    profile = one.profile
    if profile.slope is None:
        return [f"{name}: no half-life, {profile.why_no_slope}"]
    flags = []
    share = profile.areas[settings.main_trapezoid].fraction_extrapolated
    if share is not None and share > settings.large_extrapolation:
        flags.append(
            f"{name}: {share:.0%} of the area to infinity is extrapolated (limit {settings.large_extrapolation:.0%})"
        )
    span = (profile.slope.times[-1] - profile.slope.times[0]) / profile.slope.half_life.value
    if span < 1.5:
        flags.append(
            f"{name}: the terminal slope spans {span:.1f} half-lives; fewer than 1.5 make the half-life uncertain"
        )
    return flags


def _formation_flags(ones: Sequence[_One], settings: KineticsSettings, unit: str) -> list[str]:
    """Metabolites whose decline is slowed by a parent that still feeds them."""
    halves = {
        analyte: float(np.median(values))
        for analyte in _analytes(ones)
        if (values := [one.profile.slope.half_life.value for one in _of(ones, analyte) if one.profile.slope])
    }
    parent = halves.get(settings.parent, 0.0)
    return [
        f"{metabolite}: its half-life may be too long, for {settings.parent} (half-life {shortest(parent)} {unit}) "
        "still "
        "feeds it; "
        "sample longer, or take it as an upper limit"
        for metabolite in settings.metabolites
        if metabolite in halves and parent > halves[metabolite] / 3
    ]


def _merged(flags: Sequence[str]) -> list[str]:
    """Equal complaints of many animals as one."""
    by_reason: dict[str, list[str]] = {}
    for flag in flags:
        name, _, reason = flag.partition(": ")
        by_reason.setdefault(reason, []).append(name)
    return [
        f"{names[0]}: {reason}" if len(names) == 1 else f"{len(names)} animals ({names[0]} …): {reason}"
        for reason, names in by_reason.items()
    ]


def _of(ones: Sequence[_One], analyte: str) -> list[_One]:
    return [one for one in ones if one.analyte == analyte]


def _analytes(ones: Sequence[_One]) -> list[str]:
    return list(dict.fromkeys(one.analyte for one in ones))


def _ratios(
    ones: Sequence[_One], settings: KineticsSettings, unit: str
) -> tuple[dict[str, dict[str, list[tuple[str, float]]]], list[str]]:
    """Ratio by metabolite and kind (``infinity``, ``last``), one an animal."""
    if not settings.parent or not settings.metabolites:
        return {}, []
    found: dict[str, dict[str, list[tuple[str, float]]]] = {}
    flags: list[str] = []
    for metabolite in settings.metabolites:
        pairs = [(m, p) for m in _of(ones, metabolite) for p in _of(ones, settings.parent) if m.subject == p.subject]
        if not pairs:
            flags.append(
                f"no animal has both {metabolite} and {settings.parent}; check the names of parent and "
                "metabolites in the settings"
            )
        for m, p in pairs:
            for kind in ("infinity", "last"):
                above, below = (getattr(x.profile.areas[settings.main_trapezoid], kind) for x in (m, p))
                if not above or not below:
                    continue
                try:
                    ratio = molar_ratio(
                        above,
                        below,
                        unit=unit,
                        molar_mass_metabolite=settings.molar_mass_g_mol.get(metabolite),
                        molar_mass_parent=settings.molar_mass_g_mol.get(settings.parent),
                    )
                except BadInput as error:
                    flags.append(f"{metabolite}: {error}")
                    continue
                found.setdefault(metabolite, {}).setdefault(kind, []).append((m.subject, ratio))
    return found, list(dict.fromkeys(flags))


def _measures(
    ones: Sequence[_One], settings: KineticsSettings, units: tuple[str, str]
) -> list[tuple[str, str, list[float]]]:
    """Every measure of one analyte: name, unit, one value an animal that has it."""
    conc, time = units
    per: dict[tuple[str, str], list[float]] = {}

    def add(name: str, unit: str, value: float | None) -> None:
        if value is not None:
            per.setdefault((name, unit), []).append(value)

    for one in ones:
        profile = one.profile
        add("cmax", conc, profile.cmax)
        add("tmax", time, profile.tmax)
        add("c0", conc, profile.c0)
        if profile.slope is not None:
            add("half_life", time, profile.slope.half_life.value)
            add("lambda_z", f"1_{time}", profile.slope.lambda_z)
            add("mean_residence_time", time, profile.areas[settings.main_trapezoid].mean_residence_time)
        kinds: list[Trapezoid] = ["lin", "linup_logdown"]
        for kind in kinds:
            area = profile.areas[kind]
            add(f"auc_last_{kind}", f"{conc}_x_{time}", area.last)
            add(f"auc_inf_{kind}", f"{conc}_x_{time}", area.infinity)
        add("fraction_extrapolated", "", profile.areas[settings.main_trapezoid].fraction_extrapolated)
        if one.clearance is not None:
            over = "" if settings.route == "iv_bolus" else "_over_f"
            add(f"clearance{over}", one.clearance.unit_cl, one.clearance.cl)
            add(f"v_z{over}", one.clearance.unit_v, one.clearance.v_z)
            add("v_ss", one.clearance.unit_v, one.clearance.v_ss)
    return [(name, unit, values) for (name, unit), values in per.items()]


_MAIN = ("half_life", "cmax", "tmax", "clearance_over_f", "clearance", "v_z", "v_z_over_f", "v_ss")


def _endpoints(ones: Sequence[_One], settings: KineticsSettings, units: tuple[str, str]) -> list[Endpoint]:
    main = (*_MAIN, f"auc_last_{settings.main_trapezoid}", f"auc_inf_{settings.main_trapezoid}")
    return [
        _endpoint(analyte, name, unit, values, settings.conf_level)
        for analyte in _analytes(ones)
        for name, unit, values in _measures(_of(ones, analyte), settings, units)
        if name in main
    ]


def _endpoint(analyte: str, name: str, unit: str, values: Sequence[float], conf_level: float) -> Endpoint:
    what: dict[str, Any] = {"assay": "kinetics", "endpoint": name, "of": f"analyte={analyte}" if analyte else ""}
    what |= {"unit": unit, "n": len(values), "n_of": "animals"}
    if name == "tmax":
        return Endpoint(value=float(np.median(values)), method="median", **what)
    try:
        mean = geometric_mean(values, conf_level)
    except BadInput as error:
        return Endpoint(text=f"not given: {error}", **what)
    return Endpoint.of_estimate(mean, method="geometric mean, t interval on the logarithm", **what)


def _ratio_endpoints(
    ratios: dict[str, dict[str, list[tuple[str, float]]]], settings: KineticsSettings
) -> list[Endpoint]:
    found = []
    for metabolite, kinds in ratios.items():
        for kind, values in kinds.items():
            mean = geometric_mean([value for _, value in values], settings.conf_level)
            found.append(
                Endpoint.of_estimate(
                    mean,
                    assay="kinetics",
                    endpoint=f"auc_ratio_{kind}",
                    of=f"analyte={metabolite}, over {settings.parent}",
                    unit="mol_mol",
                    n=len(values),
                    n_of="animals",
                    method="geometric mean of the animals' molar ratios, t interval on the logarithm",
                )
            )
    return found


def _summary_rows(
    ones: Sequence[_One],
    ratios: dict[str, dict[str, list[tuple[str, float]]]],
    settings: KineticsSettings,
    units: tuple[str, str],
) -> list[Row]:
    listed = [
        (analyte, *measure) for analyte in _analytes(ones) for measure in _measures(_of(ones, analyte), settings, units)
    ]
    listed += [
        (metabolite, f"auc_ratio_{kind}", "mol_mol", [v for _, v in values])
        for metabolite, kinds in ratios.items()
        for kind, values in kinds.items()
    ]
    rows = []
    for analyte, name, unit, values in listed:
        positive = min(values) > 0
        mean = geometric_mean(values, settings.conf_level) if positive else None
        rows.append(
            {
                "analyte": analyte,
                "measure": name,
                "unit": unit,
                "n": len(values),
                **in_columns(mean, "geometric_mean"),
                "mean": float(np.mean(values)),
                "sd": float(np.std(values, ddof=1)) if len(values) > 1 else None,
                "median": float(np.median(values)),
            }
        )
    return rows


def _animal_rows(ones: Sequence[_One], units: tuple[str, str]) -> list[Row]:
    rows = []
    for one in ones:
        profile, slope = one.profile, one.profile.slope
        lin, log = profile.areas["lin"], profile.areas["linup_logdown"]
        rows.append(
            {
                "subject": one.subject,
                "analyte": one.analyte,
                "cmax": profile.cmax,
                "tmax": profile.tmax,
                "lambda_z": slope.lambda_z if slope else None,
                "lambda_z_n": slope.n_points if slope else None,
                f"lambda_z_times_{units[1]}": " ".join(f"{at:g}" for at in slope.times) if slope else "",
                "adjusted_r2": slope.adjusted_r2 if slope else None,
                "half_life": slope.half_life.value if slope else None,
                "half_life_low": slope.half_life.low if slope else None,
                "half_life_high": slope.half_life.high if slope else None,
                "auc_last_lin": lin.last,
                "auc_inf_lin": lin.infinity,
                "auc_last_linup_logdown": log.last,
                "auc_inf_linup_logdown": log.infinity,
                "fraction_extrapolated_lin": lin.fraction_extrapolated,
                "clearance": one.clearance.cl if one.clearance else None,
                "v_z": one.clearance.v_z if one.clearance else None,
                "note": profile.why_no_slope,
            }
        )
    return rows


def _ratio_rows(ratios: dict[str, dict[str, list[tuple[str, float]]]]) -> list[Row]:
    return [
        {"metabolite": metabolite, "area_to": kind, "subject": subject, "ratio_mol_mol": value}
        for metabolite, kinds in ratios.items()
        for kind, values in kinds.items()
        for subject, value in values
    ]


def _draw(ones: Sequence[_One], units: tuple[str, str]) -> Any:
    analytes = _analytes(ones)
    figure, axes = canvas.panels(len(analytes), width=3.6, height=2.9)
    for axis, analyte in zip(axes, analytes, strict=True):
        mine = _of(ones, analyte)
        seen: dict[float, list[float]] = {}
        for one in mine:
            points = [(t, c) for t, c in zip(one.profile.times, one.profile.concentrations, strict=True) if c > 0]
            axis.plot(*zip(*points, strict=True), color=canvas.RULE, lw=0.8, marker=".", ms=3)
            for at, level in points:
                seen.setdefault(at, []).append(level)
            slope = one.profile.slope
            if slope is not None:
                ends = np.array([slope.times[0], slope.times[-1]])
                axis.plot(ends, np.exp(slope.intercept - slope.lambda_z * ends), color=canvas.BLUE, lw=1.0)
        common = sorted((at, levels) for at, levels in seen.items() if len(levels) == len(mine))
        axis.plot(
            [at for at, _ in common],
            [float(np.exp(np.mean(np.log(v)))) for _, v in common],
            "o-",
            color=canvas.INK,
            ms=4,
        )
        axis.set(title=analyte or "concentration", xlabel=f"Time after dose ({shown(units[1])})")
        canvas.plain_log(axis, "y")
    axes[0].set_ylabel(f"Concentration ({shown(units[0])})")
    return figure
