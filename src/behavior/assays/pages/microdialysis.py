"""The page of a microdialysis study."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from behavior.assays import canvas
from behavior.assays.directions import NONE, Shape, lowest_dose, regions_differ, shape
from behavior.assays.library import Library
from behavior.assays.microdialysis import (
    BaselineRule,
    Course,
    DoseEffects,
    area,
    course,
    dose_effects,
    peak_percent,
)
from behavior.assays.pages.published import disagreements_of, words_beside
from behavior.assays.quantity import shortest
from behavior.assays.result import (
    AssayResult,
    Beside,
    Drawing,
    Endpoint,
    ResultTable,
    Row,
    Unusable,
    in_columns,
    percent,
)
from behavior.assays.settings import MicrodialysisSettings
from behavior.assays.table import Column, Table
from behavior.assays.units import factor, shown, spelled
from behavior.model.errors import BadFile, BadInput, Problem
from behavior.summary.vehicle_test import p_text

_Terms = tuple[tuple[str, float, float, float, float], ...]

COLUMNS = (
    Column("region", "where the probe was", required=False, default="region"),
    Column("analyte", "such as serotonin or dopamine", required=False, default=""),
    Column("subject", "animal"),
    Column(
        "dose",
        "dose, or concentration in the perfusate; the vehicle's is 0",
        "number",
        ("mg_kg", "ug_kg", "mM", "uM", "nM"),
        lowest=0,
        keep_units=True,
    ),
    Column("time", "end of the sample; the injection is at 0", "number", ("min", "h", "s")),
    Column(
        "conc",
        "concentration or amount in the sample; blank where it was lost, <limit or BLQ where below the limit",
        "censored",
        ("*",),
        blank=True,
        lowest=0,
    ),
)


@dataclass(frozen=True)
class _Panel:
    """One region, analyte and unit of dose: what may stand on one axis."""

    name: str
    region: str
    analyte: str
    dose_unit: str
    courses: tuple[tuple[Course, float], ...]
    areas: tuple[float | None, ...]
    effects: DoseEffects | None
    why_not: str
    mixed: _Terms

    @property
    def shape(self) -> Shape | None:
        return shape(self.effects.directions) if self.effects else None


def page(table: Table, settings: MicrodialysisSettings, library: Library) -> AssayResult:
    """Analyse a table of dialysate samples.

    Raises
    ------
    BadInput, BadFile
        Samples cannot be ordered, or no animal has a baseline.
    """
    panels, flags = _panels(table, settings)
    return AssayResult(
        kind="microdialysis",
        title=settings.title or "Microdialysis",
        endpoints=tuple(endpoint for one in panels for endpoint in _endpoints(one, settings)),
        tables=(
            ResultTable.of(
                "doses",
                f"Area of percent of baseline over time {_until(settings)}, doses against vehicle (Dunnett).",
                _dose_rows(panels),
            ),
            ResultTable.of(
                "mixed_model", "Dose × time, mixed model on the samples after injection.", _mixed_rows(panels)
            ),
            ResultTable.of("animals", "Every animal: baseline, area, largest change.", _animal_rows(panels)),
            ResultTable.of(
                "percent_of_baseline", "Means of each dose and time, percent of baseline.", _course_rows(panels)
            ),
        ),
        drawings=(
            Drawing(
                "courses",
                "Percent of each animal's mean baseline, means ± SEM; the vertical line is the injection.",
                lambda: _draw_courses(panels),
            ),
            Drawing(
                "areas",
                "Area over baseline of every animal (points), mean (bar) and the limits of vehicle mean + "
                "difference (Dunnett, simultaneous); ▲ up, ▼ down.",
                lambda: _draw_areas(panels),
            ),
        ),
        methods=_methods(settings),
        flags=(*table.notes, *flags, *_shape_flags(panels)),
        published=_published(panels, settings, library),
        disagreements=disagreements_of(library, [settings.compound], {f"{one.analyte}_direction" for one in panels}),
        settings=settings.model_dump(),
        units=("min",),
    )


def _until(settings: MicrodialysisSettings) -> str:
    return f"from 0 to {settings.auc_to_min:g} min" if settings.auc_to_min is not None else "from 0 to the last sample"


def _panels(table: Table, settings: MicrodialysisSettings) -> tuple[list[_Panel], list[str]]:
    frame = table.frame.copy()
    frame["time"] = frame["time"] * factor(table.units.get("time", "min"), "min")
    frame["level"] = _levels(frame, settings)
    panels, flags, problems = [], [], []
    frame["unit"] = frame.get("dose_unit", table.units.get("dose", "mg_kg"))
    for (region, analyte, unit), rows in frame.groupby(["region", "analyte", "unit"], sort=False):
        try:
            panel, more = _panel(str(region), str(analyte), str(unit), rows, settings)
        except BadInput as error:
            problems += [Problem("", part) for part in str(error).split("\n") if part]
            continue
        panels.append(panel)
        flags += more
    panels = _with_units_in_names(panels)
    if problems:
        raise BadFile(table.file, problems)
    return panels, flags


def _with_units_in_names(panels: list[_Panel]) -> list[_Panel]:
    """The unit of dose is part of a panel's name only where a region has doses of several units."""
    times = Counter(one.name for one in panels)
    return [replace(one, name=f"{one.name} ({shown(one.dose_unit)})") if times[one.name] > 1 else one for one in panels]


def _levels(frame: Any, settings: MicrodialysisSettings) -> Any:
    levels = frame["conc"].to_numpy(dtype=float).copy()
    below = frame["conc_below"].to_numpy(dtype=bool)
    if settings.below_limit == "half" and np.isnan(levels[below]).any():
        raise BadInput("half the limit was asked for samples below it; write such cells as <limit, like <0.5, not BLQ")
    levels[below] = {"missing": np.nan, "zero": 0.0, "half": levels[below] / 2}[settings.below_limit]
    return levels


def _panel(
    region: str, analyte: str, unit: str, rows: Any, settings: MicrodialysisSettings
) -> tuple[_Panel, list[str]]:
    rule = BaselineRule(
        to=settings.baseline_to_min,
        since=-math.inf if settings.baseline_from_min is None else settings.baseline_from_min,
        least_samples=settings.least_baseline_samples,
        unstable_cv=settings.unstable_cv,
        unstable_drift=settings.unstable_drift,
    )
    name = ", ".join(part for part in (region, analyte) if part)
    flags: list[str] = []
    wrong: list[str] = []
    courses: list[tuple[Course, float]] = []
    for subject, part in rows.groupby("subject", sort=False):
        doses = part["dose"].unique()
        if len(doses) > 1:
            wrong.append(
                f"{name}, {subject}: two doses ({', '.join(shortest(d) for d in doses)}); one animal has "
                "one dose in a region, or give each test its own subject name"
            )
            continue
        try:
            one = course(str(subject), part["time"].to_numpy(dtype=float), part["level"].to_numpy(dtype=float), rule)
        except Unusable as error:
            flags.append(f"{name}, {error} (left out)")
            continue
        except BadInput as error:
            wrong.append(f"{name}, {error}")
            continue
        flags += [f"{name}, {flag}" for flag in one.baseline.flags]
        if one.baseline.flags and settings.leave_out_unstable:
            flags.append(f"{name}, {subject}: left out for its baseline, as the settings ask")
            continue
        courses.append((one, float(doses[0])))
    if wrong:
        raise BadInput("\n".join(wrong))
    if not courses:
        raise BadInput(
            f"{name}: no animal has a usable baseline; check baseline_to_min and the sign of the times before injection"
        )
    areas = tuple(area(one, until=settings.auc_to_min) for one, _ in courses)
    flags += [
        f"{name}, {one.subject}: no area, its samples end before {settings.auc_to_min or 0:g} min"
        for (one, _), got in zip(courses, areas, strict=True)
        if got is None
    ]
    effects, why = _effects(courses, areas, settings)
    mixed, mixed_flag = _mixed(courses, settings)
    flags += [f"{name}: {mixed_flag}"] if mixed_flag else []
    return _Panel(name, region, analyte, unit, tuple(courses), areas, effects, why, mixed), flags


def _effects(
    courses: Sequence[tuple[Course, float]], areas: Sequence[float | None], settings: MicrodialysisSettings
) -> tuple[DoseEffects | None, str]:
    there = [(got, dose) for got, (_, dose) in zip(areas, courses, strict=True) if got is not None]
    try:
        return (
            dose_effects(
                [got for got, _ in there],
                [dose for _, dose in there],
                vehicle=settings.vehicle_dose,
                alpha=settings.alpha,
                conf_level=settings.conf_level,
            ),
            "",
        )
    except BadInput as error:
        return None, str(error)


def _mixed(courses: Sequence[tuple[Course, float]], settings: MicrodialysisSettings) -> tuple[_Terms, str]:
    """F tests of the mixed model over the samples after injection, and why there are none."""
    from behavior.summary.repeated import group_by_time

    rows = [
        (percent, dose, at, one.subject)
        for one, dose in courses
        for at, percent in zip(one.time.tolist(), one.percent.tolist(), strict=True)
        if at > 0 and (settings.auc_to_min is None or at <= settings.auc_to_min)
    ]
    if len({at for _, _, at, _ in rows}) < 2:
        return (), "no mixed model over time (fewer than two samples after the injection)"
    percents, doses, times, subjects = zip(*rows, strict=True)
    try:
        found = group_by_time(percents, doses, times, subjects, reference=settings.vehicle_dose)
    except BadInput as error:
        return (), f"no mixed model over time ({error})"
    tests = (("dose", found.group), ("time", found.time), ("dose × time", found.interaction))
    return tuple((term, test.f, test.df1, test.df2, test.p) for term, test in tests), ""


def _endpoints(one: _Panel, settings: MicrodialysisSettings) -> list[Endpoint]:
    where = f"region={one.region}" + (f", analyte={one.analyte}" if one.analyte else "")
    if one.effects is None:
        return [Endpoint(assay="microdialysis", endpoint="direction", of=where, text=f"not given: {one.why_not}")]
    found = []
    for effect in one.effects.effects:
        if effect.difference is None or effect.direction is None or effect.p is None:
            continue
        dose = f"{shortest(effect.dose)} {shown(one.dose_unit)}"
        found.append(
            Endpoint.of_estimate(
                effect.difference,
                assay="microdialysis",
                endpoint="area_against_vehicle",
                of=f"{where}, dose={dose}",
                unit="%_x_min",
                n=effect.n,
                n_of="animals",
                method=f"Dunnett, simultaneous limits, p {p_text(effect.p)}",
                text=effect.direction,
            )
        )
    found.append(
        Endpoint(
            assay="microdialysis",
            endpoint="shape",
            of=f"{where}, doses in {shown(one.dose_unit)}",
            text=one.shape or "",
            method="directions over ascending doses",
        )
    )
    return found


def _shape_flags(panels: Sequence[_Panel]) -> list[str]:
    flags = []
    shapes: dict[tuple[str, str], dict[str, Shape]] = {}
    for one in panels:
        if one.shape is None or one.effects is None:
            flags.append(f"{one.name}: doses not compared ({one.why_not})")
            continue
        shapes.setdefault((one.analyte, one.dose_unit), {})[one.region] = one.shape
        if one.shape.startswith(("biphasic", "changes")):
            directions = one.effects.directions
            ends = "; ".join(
                f"{what} from {shortest(dose)} {shown(one.dose_unit)}"
                for what in ("decrease", "increase")
                if (dose := lowest_dose(directions, what)) is not None
            )
            flags.append(f"{one.name}: {one.shape} ({ends}); no single ED50 describes it")
    for (_, unit), by_region in shapes.items():
        if len(by_region) > 1 and regions_differ(by_region.values()):
            listed = "; ".join(f"{region}: {what}" for region, what in by_region.items())
            flags.append(f"regions differ over doses in {shown(unit)}: {listed}")
    return flags


def _dose_rows(panels: Sequence[_Panel]) -> list[Row]:
    return [
        {
            "region": one.region,
            "analyte": one.analyte,
            "dose": effect.dose,
            "dose_unit": one.dose_unit,
            "n": effect.n,
            "auc_mean": effect.mean,
            "auc_sem": effect.sem,
            **in_columns(effect.difference, "difference"),
            "p_dunnett": effect.p,
            "direction": effect.direction or "vehicle",
        }
        for one in panels
        for effect in (one.effects.effects if one.effects else ())
    ]


def _mixed_rows(panels: Sequence[_Panel]) -> list[Row]:
    return [
        {
            "region": one.region,
            "analyte": one.analyte,
            "dose_unit": one.dose_unit,
            "term": term,
            "F": f,
            "df1": df1,
            "df2": df2,
            "p": p,
        }
        for one in panels
        for term, f, df1, df2, p in one.mixed
    ]


def _animal_rows(panels: Sequence[_Panel]) -> list[Row]:
    return [
        {
            "region": one.region,
            "analyte": one.analyte,
            "subject": own.subject,
            "dose": dose,
            "dose_unit": one.dose_unit,
            "baseline_mean": own.baseline.mean,
            "n_baseline": own.baseline.n,
            "baseline_cv": own.baseline.cv,
            "baseline_drift": own.baseline.drift,
            "n_missing": int(np.isnan(own.percent).sum()),
            "auc": got,
            "peak_percent": peak_percent(own),
        }
        for one in panels
        for (own, dose), got in zip(one.courses, one.areas, strict=True)
    ]


def _at_times(one: _Panel, dose: float) -> list[tuple[float, list[float]]]:
    seen: dict[float, list[float]] = {}
    for own, given in one.courses:
        if given == dose:
            for at, percent in zip(own.time.tolist(), own.percent.tolist(), strict=True):
                if math.isfinite(percent):
                    seen.setdefault(at, []).append(percent)
    return sorted(seen.items())


def _sem(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else None


def _doses(one: _Panel) -> list[float]:
    return sorted({dose for _, dose in one.courses})


def _course_rows(panels: Sequence[_Panel]) -> list[Row]:
    return [
        {
            "region": one.region,
            "analyte": one.analyte,
            "dose": dose,
            "dose_unit": one.dose_unit,
            "time_min": at,
            "n": len(values),
            "percent_mean": float(np.mean(values)),
            "percent_sem": _sem(values),
        }
        for one in panels
        for dose in _doses(one)
        for at, values in _at_times(one, dose)
    ]


def _published(panels: Sequence[_Panel], settings: MicrodialysisSettings, library: Library) -> tuple[Beside, ...]:
    rows: list[Beside] = []
    for one in panels:
        if one.effects is None:
            continue
        target = one.region.removesuffix(" (local)")
        known = library.find(
            compounds=[settings.compound], quantities=[f"{one.analyte or 'dopamine'}_direction"], targets=[target]
        )
        for effect in one.effects.effects:
            same = [
                f
                for f in known
                if f.dose is not None and math.isclose(f.dose, effect.dose) and spelled(f.dose_unit) == one.dose_unit
            ]
            if effect.direction is not None:
                rows += words_beside(
                    effect.direction, f"{one.name}, {shortest(effect.dose)} {shown(one.dose_unit)}", same
                )
    return tuple(rows)


def _methods(settings: MicrodialysisSettings) -> tuple[str, ...]:
    rule = BaselineRule(
        settings.baseline_to_min,
        -math.inf if settings.baseline_from_min is None else settings.baseline_from_min,
        settings.least_baseline_samples,
    )
    return (
        f"Every sample is percent of the animal's own baseline ({rule} min); a baseline with a coefficient "
        f"of variation above {settings.unstable_cv:.0%} "
        f"or a drift above {settings.unstable_drift:.0%} is "
        f"flagged{' and left out' if settings.leave_out_unstable else ', and kept'}. Blank samples are missing; below "
        f"the limit of detection counts as {settings.below_limit}.",
        f"The area of percent - 100 was taken by the trapezoid {_until(settings)}, missing samples bridged "
        "linearly. Doses were compared with vehicle on one area an animal by Dunnett's test "
        f"(two-sided, simultaneous {percent(settings.conf_level)} limits); a direction is given where p < "
        f"{settings.alpha:g}.",
        "The course over time was tested by a mixed model (dose × time, random intercept of the animal, "
        "REML, Satterthwaite degrees of freedom), which keeps animals with missing samples.",
    )


def _draw_courses(panels: Sequence[_Panel]) -> Any:
    figure, axes = canvas.panels(len(panels), width=4.4 if len(panels) == 1 else 3.2, height=2.9)
    for axis, one in zip(axes, panels, strict=True):
        axis.axhline(100, color=canvas.RULE, lw=0.7, zorder=0)
        for index, dose in enumerate(_doses(one)):
            look = canvas.series(index)
            points = _at_times(one, dose)
            xs, ys = [at for at, _ in points], [float(np.mean(values)) for _, values in points]
            canvas.errorbars(
                axis, xs, ys, [_sem(values) for _, values in points], look, f"{shortest(dose)} {shown(one.dose_unit)}"
            )
            axis.plot(xs, ys, color=look.colour, ls=look.dash, lw=1.0)
        axis.set(title=one.name, xlabel="Time after injection (min)")
        share = 0.12 * -(-len(_doses(one)) // 2)
        canvas.headroom(axis, share)
        axis.axvline(0, ymax=1 / (1 + share) - 0.02, color=canvas.FAINT, lw=0.7, zorder=0)
        canvas.legend(axis, loc="upper left", fontsize=7, ncols=2, handlelength=1.2, columnspacing=0.8)
    axes[0].set_ylabel("% of baseline")
    return figure


def _draw_areas(panels: Sequence[_Panel]) -> Any:
    figure, axes = canvas.panels(len(panels), width=4.4 if len(panels) == 1 else 3.2, height=2.9)
    for axis, one in zip(axes, panels, strict=True):
        axis.axhline(0, color=canvas.RULE, lw=0.7, zorder=0)
        places = canvas.log_doses(axis, _doses(one))
        for (_, dose), got in zip(one.courses, one.areas, strict=True):
            if got is not None:
                axis.plot(places[dose], got, "o", color=canvas.FAINT, ms=3, zorder=1)
        for effect in one.effects.effects if one.effects else ():
            at, up = places[effect.dose], effect.direction not in (None, NONE)
            axis.plot(at, effect.mean, marker="_", color=canvas.INK, ms=14, mew=1.6, zorder=3)
            if (
                effect.difference is not None
                and effect.difference.low is not None
                and effect.difference.high is not None
            ):
                vehicle = effect.mean - effect.difference.value
                axis.plot(
                    [at, at],
                    [vehicle + effect.difference.low, vehicle + effect.difference.high],
                    color=canvas.BLUE,
                    lw=1.5,
                    zorder=2,
                )
            if up:
                rising = effect.direction == "increase"
                axis.annotate(
                    "▲" if rising else "▼",
                    (at, 1.0),
                    xycoords=("data", "axes fraction"),
                    ha="center",
                    va="top",
                    fontsize=8,
                    color=canvas.VERMILION,
                )
        axis.set(title=one.name, xlabel=f"Dose ({shown(one.dose_unit)})")
        axis.margins(y=0.18)
    axes[0].set_ylabel("Area over baseline (% · min)")
    return figure
