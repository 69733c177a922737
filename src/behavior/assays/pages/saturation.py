"""The page of a saturation assay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from behavior.assays import canvas
from behavior.assays.kinetics import geometric_mean
from behavior.assays.library import Figure, Library
from behavior.assays.pages.published import disagreements_of
from behavior.assays.result import (
    AssayResult,
    Beside,
    Drawing,
    Endpoint,
    Estimate,
    ResultTable,
    Row,
    in_columns,
    percent,
)
from behavior.assays.saturation import (
    CurveComparison,
    SaturationFit,
    Scatchard,
    compare_curves,
    fit_global,
    fit_specific,
    saturation_curve,
    scatchard,
)
from behavior.assays.settings import SaturationSettings
from behavior.assays.spread import GROWS, METHOD_OF_SPREAD, spread_grows
from behavior.assays.table import Column, Table
from behavior.assays.units import shown
from behavior.model.errors import BadInput
from behavior.summary.vehicle_test import p_text

Floats = NDArray[np.float64]

COLUMNS = (
    Column("region", "brain region or tissue", required=False, default="tissue"),
    Column("group", "treatment group", required=False, default="control"),
    Column(
        "subject", "animal; blank, or no such column, where tissue was pooled", required=False, blank=True, default=""
    ),
    Column("free", "free radioligand", "number", ("nM", "pM", "uM"), lowest=0),
    Column("total", "total binding", "number", ("*",), blank=True),
    Column(
        "nonspecific",
        "binding with an excess of cold drug (10 µM serotonin)",
        "number",
        ("*",),
        required=False,
        blank=True,
    ),
)


@dataclass(frozen=True)
class _Curve:
    """One animal's curve, or that of a group's pooled tissue (`subject` blank)."""

    region: str
    group: str
    subject: str
    free: Floats
    specific: Floats
    fit: SaturationFit
    line: Scatchard


@dataclass(frozen=True, slots=True)
class _Versus:
    """A group against the control in one region, in one parameter."""

    region: str
    group: str
    what: str
    ratio: Estimate | None
    p: float
    n: int
    method: str


def page(table: Table, settings: SaturationSettings, library: Library) -> AssayResult:
    """Analyse a saturation table.

    Raises
    ------
    BadInput
        No curve could be fitted.
    """
    curves, flags = _curves(table, settings)
    means = _means(curves, settings)
    versus, more = _compared(curves, settings)
    units = (table.units.get("total", ""), table.units.get("free", "nM"))
    return AssayResult(
        kind="saturation",
        title=settings.title or "Saturation binding",
        endpoints=(*_endpoints(means, units), *_versus_endpoints(versus)),
        tables=(
            ResultTable.of("groups", "Bmax and Kd of each group and region.", _mean_rows(means, units)),
            ResultTable.of("comparisons", "Groups against control: ratio to control.", _versus_rows(versus)),
            ResultTable.of("curves", "Every curve; the Scatchard columns are for the eye only.", _curve_rows(curves)),
        ),
        drawings=(
            Drawing(
                "saturation",
                "Specific binding (means ± SEM over animals, or over tubes) and fitted curves.",
                lambda: _draw(curves, settings, units),
            ),
            Drawing(
                "scatchard",
                "Scatchard plot, drawn but not used for any estimate; lines are those of the fitted curves.",
                lambda: _draw_scatchard(curves, units),
            ),
        ),
        methods=_methods(settings),
        flags=(*table.notes, *flags, *more),
        published=_published(versus, settings, library),
        disagreements=disagreements_of(library, [settings.compound], ("receptor_density",)),
        settings=settings.model_dump(),
        units=units,
    )


def _curves(table: Table, settings: SaturationSettings) -> tuple[list[_Curve], list[str]]:
    curves, flags = [], []
    for (region, group, subject), rows in table.frame.groupby(["region", "group", "subject"], sort=False):
        name = ", ".join(str(part) for part in (region, group, subject) if part)
        free, total, other = (rows[column].to_numpy(dtype=float) for column in ("free", "total", "nonspecific"))
        try:
            specific, fit = _fitted(free, total, other, settings)
            there = np.isfinite(specific)
            free, specific = free[there], specific[there]
            curve = _Curve(str(region), str(group), str(subject), free, specific, fit, scatchard(free, specific))
        except BadInput as error:
            flags.append(f"{name}: no curve ({error})")
            continue
        n_negative = int((specific < 0).sum())
        if n_negative:
            flags.append(
                f"{name}: {n_negative} of {len(free)} tubes have negative specific binding; they are kept, as noise "
                "about 0"
            )
        curves.append(curve)
        if settings.spread == "constant" and spread_grows(fit.fit):
            flags.append(f"{name}: {GROWS}")
        highest = float(np.nanmax(free))
        if fit.kd.value > highest or fit.kd.high is None:
            flags.append(
                f"{name}: the highest concentration ({highest:g}) does not saturate (Kd {fit.kd}); Bmax is extrapolated"
            )
    if not curves:
        raise BadInput(f"{table.file}: no curve could be fitted: " + "; ".join(flags))
    return curves, flags


def _fitted(free: Floats, total: Floats, other: Floats, settings: SaturationSettings) -> tuple[Floats, SaturationFit]:
    """Specific binding of every tube, and the curve."""
    more: dict[str, Any] = {"conf_level": settings.conf_level, "spread": settings.spread}
    if settings.nonspecific == "measured":
        if not np.isfinite(other).any():
            raise BadInput('no tube has nonspecific binding; fill it in, or set nonspecific = "fitted"')
        return total - other, fit_specific(free, total - other, **more)
    fit = fit_global(free, total, other, **more)
    return total - (fit.nonspecific_slope or 0.0) * free, fit


@dataclass(frozen=True, slots=True)
class _Mean:
    region: str
    group: str
    bmax: Estimate
    kd: Estimate
    n: int
    n_of: str
    method: str


def _means(curves: Sequence[_Curve], settings: SaturationSettings) -> list[_Mean]:
    found = []
    for region, group in dict.fromkeys((curve.region, curve.group) for curve in curves):
        mine = [curve for curve in curves if (curve.region, curve.group) == (region, group)]
        if len(mine) == 1:
            fit, pooled = mine[0].fit, not mine[0].subject
            of = "tubes of pooled tissue" if pooled else "tubes of one animal"
            found.append(_Mean(region, group, fit.bmax, fit.kd, fit.fit.n, of, "profile limits of the curve"))
            continue
        bmax, kd = (
            geometric_mean((value for value in values), settings.conf_level)
            for values in ([c.fit.bmax.value for c in mine], [c.fit.kd.value for c in mine])
        )
        found.append(_Mean(region, group, bmax, kd, len(mine), "animals", "geometric mean, t interval between animals"))
    return found


def _compared(curves: Sequence[_Curve], settings: SaturationSettings) -> tuple[list[_Versus], list[str]]:
    versus: list[_Versus] = []
    flags: list[str] = []
    for region in dict.fromkeys(curve.region for curve in curves):
        mine = [curve for curve in curves if curve.region == region]
        groups = {curve.group for curve in mine}
        if len(groups) < 2:
            continue
        if settings.control not in groups:
            raise BadInput(
                f"{region}: group {settings.control!r} is not among {', '.join(sorted(groups))}; name the "
                "control group as control in the settings"
            )
        try:
            if all(curve.subject for curve in mine):
                versus += _by_animal(region, mine, settings)
            else:
                versus += _by_curve(region, mine, settings)
                flags.append(
                    f"{region}: tissue was pooled, so that the tests see tubes and not animals; they do not "
                    "speak for a population"
                )
        except BadInput as error:
            flags.append(f"{region}: groups not compared ({error})")
    return versus, flags


def _by_animal(region: str, mine: Sequence[_Curve], settings: SaturationSettings) -> list[_Versus]:
    from behavior.summary.compare import dunnett

    found = []
    for what in ("Bmax", "Kd"):
        values = [np.log(curve.fit.bmax.value if what == "Bmax" else curve.fit.kd.value) for curve in mine]
        result = dunnett(
            values, [curve.group for curve in mine], reference=settings.control, conf_level=settings.conf_level
        )
        for one in result.comparisons:
            low, middle, high = (float(np.exp(x)) for x in (one.lo, one.diff, one.hi))
            ratio = Estimate(middle, low, high, settings.conf_level)
            found.append(
                _Versus(region, one.level, what, ratio, one.p_adjusted, one.n, "Dunnett on the logarithm, animals")
            )
    return found


def _by_curve(region: str, mine: Sequence[_Curve], settings: SaturationSettings) -> list[_Versus]:
    free = np.concatenate([curve.free for curve in mine])
    specific = np.concatenate([curve.specific for curve in mine])
    labels = [curve.group for curve in mine for _ in curve.free]
    result: CurveComparison = compare_curves(
        free, specific, labels, settings.control, conf_level=settings.conf_level, spread=settings.spread
    )
    found = []
    for group in result.groups[1:]:
        n = sum(label == group for label in labels)
        found.append(
            _Versus(
                region,
                group,
                "Bmax",
                result.bmax_ratio[group],
                result.same_bmax.p,
                n,
                "extra sum of squares, tubes of pooled tissue",
            )
        )
        found.append(
            _Versus(region, group, "Kd", None, result.same_kd.p, n, "extra sum of squares, tubes of pooled tissue")
        )
    return found


def _endpoints(means: Sequence[_Mean], units: tuple[str, str]) -> list[Endpoint]:
    return [
        Endpoint.of_estimate(
            estimate,
            assay="saturation",
            endpoint=what,
            of=f"region={mean.region}, group={mean.group}",
            unit=unit,
            n=mean.n,
            n_of=mean.n_of,
            method=mean.method,
        )
        for mean in means
        for what, estimate, unit in (("Bmax", mean.bmax, units[0]), ("Kd", mean.kd, units[1]))
    ]


def _versus_endpoints(versus: Sequence[_Versus]) -> list[Endpoint]:
    return [
        Endpoint(
            assay="saturation",
            endpoint=f"{one.what} ratio to control",
            of=f"region={one.region}, group={one.group}",
            **in_columns(one.ratio, "value"),
            n=one.n,
            n_of="animals" if "animals" in one.method else "tubes",
            method=f"{one.method}, p {p_text(one.p)}",
            text="" if one.ratio else f"p {p_text(one.p)}",
        )
        for one in versus
    ]


def _mean_rows(means: Sequence[_Mean], units: tuple[str, str]) -> list[Row]:
    return [
        {
            "region": mean.region,
            "group": mean.group,
            **in_columns(mean.bmax, f"bmax_{units[0]}", "bmax_low", "bmax_high"),
            **in_columns(mean.kd, f"kd_{units[1]}", "kd_low", "kd_high"),
            "n": mean.n,
            "n_of": mean.n_of,
            "method": mean.method,
        }
        for mean in means
    ]


def _versus_rows(versus: Sequence[_Versus]) -> list[Row]:
    return [
        {
            "region": one.region,
            "group": one.group,
            "parameter": one.what,
            **in_columns(one.ratio, "ratio_to_control"),
            "p": one.p,
            "n": one.n,
            "method": one.method,
        }
        for one in versus
    ]


def _curve_rows(curves: Sequence[_Curve]) -> list[Row]:
    return [
        {
            "region": curve.region,
            "group": curve.group,
            "subject": curve.subject,
            **in_columns(curve.fit.bmax, "bmax", "bmax_low", "bmax_high"),
            **in_columns(curve.fit.kd, "kd", "kd_low", "kd_high"),
            "n_tubes": curve.fit.fit.n,
            "scatchard_bmax": curve.line.bmax,
            "scatchard_kd": curve.line.kd,
        }
        for curve in curves
    ]


def _published(versus: Sequence[_Versus], settings: SaturationSettings, library: Library) -> tuple[Beside, ...]:
    known = library.find(compounds=[settings.compound], quantities=["receptor_density"])
    rows = []
    for one in versus:
        if one.what != "Bmax" or one.ratio is None:
            continue
        seen = one.p < 1 - settings.conf_level
        own = ("reduced" if one.ratio.value < 1 else "increased") if seen else "no significant change"
        for figure in _of_region(known, one, settings):
            said = "unchanged" if figure.words.startswith("unchanged") else figure.words.partition(" ")[0]
            relation = "agrees" if said == own else "differs" if seen else "as far as the limits go"
            if not seen and said != "unchanged":
                relation = "not seen here"
            what = f"Bmax in {one.region}, {one.group} against control"
            shown_dose = f"{figure.dose:g} {figure.dose_unit}: " if figure.dose is not None else ""
            rows.append(
                Beside(
                    what,
                    f"{own} (ratio {one.ratio})",
                    shown_dose + figure.words,
                    relation,
                    figure.species,
                    figure.source,
                )
            )
    return tuple(dict.fromkeys(rows))


def _of_region(known: Sequence[Figure], one: _Versus, settings: SaturationSettings) -> list[Figure]:
    """The figures of the same region and target; of the same dose, where the group's name tells it."""
    found = []
    for figure in known:
        region, _, target = figure.target.partition(", ")
        if region.casefold() == one.region.casefold() and settings.target in ("", target):
            found.append(figure)
    same = [f for f in found if f.dose is not None and one.group.startswith(f"{f.dose:g} {f.dose_unit}")]
    return same or found


def _methods(settings: SaturationSettings) -> tuple[str, ...]:
    fitted = (
        "Specific binding is total minus measured nonspecific binding of each tube; Bmax x / (Kd + x) was "
        "fitted to it by least squares."
        if settings.nonspecific == "measured"
        else "Totals, Bmax x / (Kd + x) + N x, and nonspecific tubes, N x, were fitted together by least squares."
    )
    return (
        fitted + f" Limits of single curves are {percent(settings.conf_level)} profile limits.",
        METHOD_OF_SPREAD[settings.spread],
        "Where animals have their own curves the animal is the unit: geometric means, and Dunnett's test "
        "against control on the logarithms. "
        "The Scatchard plot is for the eye: no estimate comes from it.",
    )


def _draw(curves: Sequence[_Curve], settings: SaturationSettings, units: tuple[str, str]) -> Any:
    regions = list(dict.fromkeys(curve.region for curve in curves))
    groups = _groups(curves, settings)
    figure, axes = canvas.panels(len(regions), width=4.2 if len(regions) == 1 else 2.9)
    for axis, region in zip(axes, regions, strict=True):
        for index, group in enumerate(groups):
            mine = [curve for curve in curves if (curve.region, curve.group) == (region, group)]
            if not mine:
                continue
            look = canvas.series(index)
            xs = np.unique(np.concatenate([curve.free for curve in mine]))
            if len(mine) > 1:
                per = [[c.specific[c.free == x].mean() for c in mine if (c.free == x).any()] for x in xs]
            else:
                per = [mine[0].specific[mine[0].free == x].tolist() for x in xs]
            spread = [float(np.std(v, ddof=1) / np.sqrt(len(v))) if len(v) > 1 else None for v in per]
            canvas.errorbars(axis, xs.tolist(), [float(np.mean(v)) for v in per], spread, look, group)
            grid = np.linspace(0, xs.max(), 150)
            lines = [saturation_curve(grid, np.array([c.fit.bmax.value, c.fit.kd.value, c.fit.hill])) for c in mine]
            axis.plot(grid, np.mean(lines, axis=0), color=look.colour, ls=look.dash)
        axis.set(title=region, xlabel=f"Free radioligand ({shown(units[1])})", ylim=(0, None), xlim=(0, None))
    axes[0].set_ylabel(f"Specific binding ({shown(units[0])})")
    canvas.legend(axes[0], loc="lower right")
    return figure


def _draw_scatchard(curves: Sequence[_Curve], units: tuple[str, str]) -> Any:
    regions = list(dict.fromkeys(curve.region for curve in curves))
    groups = list(dict.fromkeys(curve.group for curve in curves))
    figure, axes = canvas.panels(len(regions), width=4.2 if len(regions) == 1 else 2.9)
    for axis, region in zip(axes, regions, strict=True):
        for index, group in enumerate(groups):
            mine = [curve for curve in curves if (curve.region, curve.group) == (region, group)]
            look = canvas.series(index)
            for at, curve in enumerate(mine):
                axis.plot(
                    curve.line.bound,
                    curve.line.bound_over_free,
                    look.marker,
                    color=look.colour,
                    ms=3,
                    alpha=0.6,
                    label=group if at == 0 else None,
                )
            if mine:
                bmax, kd = (
                    float(np.exp(np.mean(np.log([getattr(c.fit, p).value for c in mine])))) for p in ("bmax", "kd")
                )
                axis.plot([0, bmax], [bmax / kd, 0], color=look.colour, ls=look.dash)
        axis.set(title=region, xlabel=f"Bound ({shown(units[0])})", xlim=(0, None), ylim=(0, None))
    axes[0].set_ylabel(f"Bound / free ({shown(units[0])} per {shown(units[1])})")
    canvas.legend(axes[0])
    return figure


def _groups(curves: Sequence[_Curve], settings: SaturationSettings) -> list[str]:
    groups = list(dict.fromkeys(curve.group for curve in curves))
    return sorted(groups, key=lambda group: group != settings.control)
