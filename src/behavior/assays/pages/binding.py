"""The page of a competition assay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from behavior.assays import canvas
from behavior.assays.binding import (
    Affinity,
    MeanAffinity,
    Model,
    Radioligand,
    Window,
    affinity,
    combine,
    competition_curve,
    selectivity,
    window,
)
from behavior.assays.library import Library
from behavior.assays.pages.published import disagreements_of, numbers_beside
from behavior.assays.quantity import Quantity, pki
from behavior.assays.result import AssayResult, Beside, Drawing, Endpoint, ResultTable, Row, in_columns, percent
from behavior.assays.settings import BindingSettings
from behavior.assays.spread import GROWS, METHOD_OF_SPREAD, spread_grows
from behavior.assays.table import Column, Table
from behavior.assays.units import shown
from behavior.model.errors import BadFile, BadInput, Problem

COLUMNS = (
    Column(
        "experiment",
        "which experiment the tube belongs to; each has its own total and nonspecific tubes",
        required=False,
        default="1",
    ),
    Column("target", "receptor or site; needed where there is more than one", required=False, default=""),
    Column("compound", "the cold drug; TOTAL for tubes without one, NSB for tubes with an excess of one"),
    Column(
        "conc",
        "concentration of the cold drug; blank for NSB",
        "number",
        ("nM", "pM", "uM", "mM", "M"),
        blank=True,
        lowest=0,
    ),
    Column("bound", "bound radioligand, total counts of the tube", "number", ("*",), blank=True, lowest=0),
)


@dataclass(frozen=True, slots=True)
class _Tubes:
    """The tubes of one target in one experiment."""

    target: str
    experiment: str
    window: Window
    compounds: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]


def page(table: Table, settings: BindingSettings, library: Library) -> AssayResult:
    """Analyse a competition table.

    Raises
    ------
    BadInput, BadFile
        Tubes or settings are missing, or a window is negative; all experiments' problems at once.
    """
    frame = _prepared(table, settings)
    assays, problems = [], []
    for (target, experiment), rows in frame.groupby(["target", "experiment"], sort=False):
        try:
            assays.append(_tubes(str(target), str(experiment), rows, settings))
        except BadInput as error:
            problems.append(Problem("", str(error)))
    if problems:
        raise BadFile(table.file, problems)
    single, flags = _affinities(assays, settings)
    means = _combined(single)
    endpoints = _endpoints(means)
    ratios = _selectivities(means, settings)
    return AssayResult(
        kind="binding",
        title=settings.title or "Competition binding",
        endpoints=(*endpoints, *ratios),
        tables=(
            ResultTable.of(
                "affinities", "Affinity of each compound at each target, over experiments.", _mean_rows(means)
            ),
            ResultTable.of("selectivity", _selectivity_caption(settings), _ratio_rows(ratios)),
            ResultTable.of("curves", "Every curve. Limits of IC50 and Ki are profile limits.", _curve_rows(single)),
            ResultTable.of("windows", "Total and nonspecific binding of each experiment.", _window_rows(assays)),
        ),
        drawings=(
            Drawing("competition", _curve_caption(settings), lambda: _draw_curves(assays, single)),
            Drawing(
                "affinities",
                f"Ki with {percent(settings.conf_level)} limits; arrows are bounds; open symbols are published "
                "figures (triangles: bounds).",
                lambda: _draw_ki(means, library),
            ),
        ),
        methods=_methods(settings, table),
        flags=(*table.notes, *flags, *_depletion(assays, settings)),
        published=_published(means, library),
        disagreements=disagreements_of(library, {mean.compound for mean in means}, ("Ki", "Kd")),
        settings=settings.model_dump(),
        units=("nM",),
    )


def _prepared(table: Table, settings: BindingSettings) -> Any:
    from behavior.assays.units import factor

    frame = table.frame.copy()
    only = next(iter(settings.targets))
    if (frame["target"] == "").all() and len(settings.targets) == 1:
        frame["target"] = only
    unknown = sorted(set(frame["target"]) - set(settings.targets))
    if unknown:
        name = unknown[0] or "(blank)"
        raise BadInput(
            f"{table.file}: target {name} has no radioligand in the settings; add "
            f"[targets.{unknown[0] or 'NAME'!r}] with ligand_nM and kd_nM"
        )
    frame["conc"] = frame["conc"] * factor(table.units.get("conc", "nM"), "nM")
    return frame


def _tubes(target: str, experiment: str, rows: Any, settings: BindingSettings) -> _Tubes:
    rows = rows[np.isfinite(rows["bound"])]
    where = f"experiment {experiment}, {target}"
    of = {str(name): part for name, part in rows.groupby("compound", sort=False)}
    counts = [
        of[label]["bound"].to_numpy() if label in of else []
        for label in (settings.total_label, settings.nonspecific_label)
    ]
    specific = window(counts[0], counts[1], experiment=where)
    compounds = {}
    for name, part in of.items():
        if name in (settings.total_label, settings.nonspecific_label):
            continue
        if part["conc"].isna().any():
            line = int(part["line"][part["conc"].isna()].iloc[0])
            raise BadInput(
                f"line {line}: {name} has no concentration; fill it in, or name the tube {settings.nonspecific_label}"
            )
        compounds[name] = (part["conc"].to_numpy(dtype=float), part["bound"].to_numpy(dtype=float))
    if not compounds:
        raise BadInput(f"{where}: there is no cold drug in it; add its tubes")
    return _Tubes(target, experiment, specific, compounds)


def _affinities(assays: Sequence[_Tubes], settings: BindingSettings) -> tuple[list[Affinity], list[str]]:
    model: Model = "one_site_hill1" if settings.slope == "one" else "hill_free"
    found, flags = [], []
    for tubes in assays:
        at = settings.targets[tubes.target]
        radioligand = Radioligand(at.ligand_nM, at.kd_nM, at.kd_se_nM, at.ligand_se_nM)
        for compound, (x, y) in tubes.compounds.items():
            try:
                one = affinity(
                    x,
                    y,
                    radioligand,
                    tubes.window,
                    compound=compound,
                    target=tubes.target,
                    experiment=tubes.experiment,
                    model=model,
                    hold_bottom=settings.hold_bottom,
                    conf_level=settings.conf_level,
                    spread=settings.spread,
                )
            except BadInput as error:
                hint = "; hold_bottom in the settings may help" if "concentration" not in str(error) else ""
                flags.append(f"{compound} at {tubes.target}, experiment {tubes.experiment}: {error}{hint}")
                continue
            found.append(one)
            if settings.spread == "constant" and one.fit is not None and spread_grows(one.fit.fit):
                flags.append(f"{_named(one)}: {GROWS}")
            if one.why:
                flags.append(f"{_named(one)}: {one.why}")
            elif one.fit is not None and one.fit.hill != 1 and not 0.6 <= one.fit.hill <= 1.6:
                flags.append(
                    f"{compound} at {one.target}, experiment {one.experiment}: Hill slope "
                    f"{one.fit.hill:.2f}; "
                    "more than one site, or not a competitive inhibitor, in which case Ki does not hold"
                )
    if not found:
        raise BadInput("no compound has an affinity: " + "; ".join(flags))
    return found, flags


def _named(one: Affinity) -> str:
    return f"{one.compound} at {one.target}, experiment {one.experiment}"


def _combined(single: Sequence[Affinity]) -> list[MeanAffinity]:
    groups: dict[tuple[str, str], list[Affinity]] = {}
    for one in single:
        groups.setdefault((one.target, one.compound), []).append(one)
    return [combine(group) for group in groups.values()]


def _endpoints(means: Sequence[MeanAffinity]) -> list[Endpoint]:
    return [
        Endpoint(
            assay="binding",
            endpoint="Ki",
            of=f"compound={mean.compound}, target={mean.target}",
            value=mean.quantity.value,
            low=mean.ki.low if mean.ki else None,
            high=mean.ki.high if mean.ki else None,
            unit="nM",
            qualifier=mean.quantity.qualifier,
            n=mean.n_experiments,
            n_of="experiments",
            method=mean.method,
            text="" if mean.quantity.value is not None else str(mean.quantity),
        )
        for mean in means
    ]


def _selectivities(means: Sequence[MeanAffinity], settings: BindingSettings) -> list[Endpoint]:
    reference = settings.reference_target or next(iter(settings.targets))
    by_compound: dict[str, dict[str, Quantity]] = {}
    for mean in means:
        by_compound.setdefault(mean.compound, {})[mean.target] = mean.quantity
    found = []
    for compound, targets in by_compound.items():
        if reference not in targets:
            continue
        found += [
            Endpoint(
                assay="binding",
                endpoint="selectivity",
                of=f"compound={compound}, Ki {one.target} / Ki {reference}",
                value=one.ratio.value if one.ratio else None,
                qualifier=one.ratio.qualifier if one.ratio else "",
                method="ratio of Ki, qualifier kept",
                text="" if one.ratio else _why_no_ratio(targets[one.target], targets[reference]),
            )
            for one in selectivity(targets, compound, reference)
        ]
    return found


def _why_no_ratio(one: Quantity, reference: Quantity) -> str:
    if one.value is None or reference.value is None:
        return "experiments contradict each other: no ratio"
    return "two bounds in opposite directions: no ratio"


def _mean_rows(means: Sequence[MeanAffinity]) -> list[Row]:
    return [
        {
            "target": mean.target,
            "compound": mean.compound,
            "qualifier": mean.quantity.qualifier,
            **in_columns(mean.ki, "ki_nM", "ki_low_nM", "ki_high_nM"),
            "ki_nM": mean.quantity.value,
            "pki": None if mean.quantity.qualifier else pki(mean.quantity),
            "n_experiments": mean.n_experiments,
            "n_bounds": mean.n_bounds,
            "method": mean.method,
        }
        for mean in means
    ]


def _ratio_rows(ratios: Sequence[Endpoint]) -> list[Row]:
    return [{"of": one.of, "qualifier": one.qualifier, "ratio": one.value, "note": one.text} for one in ratios]


def _curve_rows(single: Sequence[Affinity]) -> list[Row]:
    rows = []
    for one in single:
        row: Row = {
            "target": one.target,
            "compound": one.compound,
            "experiment": one.experiment,
            "qualifier": one.quantity.qualifier,
            "ki_nM": one.quantity.value,
        }
        if one.fit is not None and one.ki is not None:
            fit = one.fit
            row |= in_columns(one.ki, "ki_nM", "ki_low_nM", "ki_high_nM")
            row |= in_columns(fit.ic50, "ic50_nM", "ic50_low_nM", "ic50_high_nM")
            row |= {"log10_ic50_se": fit.log_ic50_se, "hill": fit.hill, "top": fit.top, "bottom": fit.bottom}
            row |= {"n_tubes": fit.fit.n}
        rows.append(row | {"fraction_displaced_at_highest": one.fraction_displaced_at_top, "note": one.why})
    return rows


def _window_rows(assays: Sequence[_Tubes]) -> list[Row]:
    return [
        {
            "target": tubes.target,
            "experiment": tubes.experiment,
            "total": tubes.window.total,
            "nonspecific": tubes.window.nonspecific,
            "specific": tubes.window.specific,
            "n_total": tubes.window.n_total,
            "n_nonspecific": tubes.window.n_nonspecific,
            "fraction_specific": tubes.window.specific / tubes.window.total,
        }
        for tubes in assays
    ]


def _depletion(assays: Sequence[_Tubes], settings: BindingSettings) -> list[str]:
    if settings.added is None:
        return []
    flags = []
    for tubes in assays:
        share = tubes.window.total / settings.added
        if share > 0.1:
            flags.append(
                f"experiment {tubes.experiment}, {tubes.target}: {share:.0%} of the radioligand is bound "
                "(limit 10 %); "
                "its free concentration is then not what was added, and Ki is too high"
            )
    return flags


def _published(means: Sequence[MeanAffinity], library: Library) -> tuple[Beside, ...]:
    rows: list[Beside] = []
    for mean in means:
        figures = library.find(compounds=[mean.compound], quantities=["Ki"], targets=[mean.target])
        rows += numbers_beside(mean.quantity, f"Ki of {mean.compound} at {mean.target}", figures)
    return tuple(dict.fromkeys(rows))


def _methods(settings: BindingSettings, table: Table) -> tuple[str, ...]:
    slope = "a Hill slope of 1" if settings.slope == "one" else "a free Hill slope"
    bottom = "the lower plateau held at the mean nonspecific binding" if settings.hold_bottom else "both plateaus free"
    radioligands = "; ".join(
        f"{name}: {at.radioligand or 'radioligand'} {at.ligand_nM:g} nM, Kd {at.kd_nM:g}"
        + (f" ± {at.kd_se_nM:g}" if at.kd_se_nM else "")
        + f" nM{', ' + at.tissue if at.tissue else ''}"
        for name, at in settings.targets.items()
    )
    return (
        "Competition curves were fitted by least squares to total binding "
        f"({shown(table.units.get('bound', ''))}) of every tube, with {slope} and {bottom}, "
        f"one curve a compound and experiment ({radioligands}).",
        f"Limits of IC50 are {percent(settings.conf_level)} profile limits. Ki = IC50 / (1 + L / Kd) (Cheng and "
        "Prusoff 1973)"
        + (
            ", the error of Kd carried over"
            if any(at.kd_se_nM for at in settings.targets.values())
            else ", Kd taken as known"
        )
        + ". Over experiments the geometric mean is given with a t interval on ln Ki.",
        METHOD_OF_SPREAD[settings.spread],
        "A compound that displaces less than half of the specific binding at its highest concentration has "
        "a bound, not a Ki.",
    )


def _selectivity_caption(settings: BindingSettings) -> str:
    reference = settings.reference_target or next(iter(settings.targets))
    return f"Selectivity: Ki at the other target over Ki at {reference}; a bound gives a bound."


def _curve_caption(settings: BindingSettings) -> str:
    return (
        "Specific binding against the concentration of cold drug: means ± SEM of experiments (of tubes, "
        "where there is one), "
        "and the mean of the fitted curves; dashed thin lines join the points where no curve could be fitted."
    )


def _draw_curves(assays: Sequence[_Tubes], single: Sequence[Affinity]) -> Any:
    targets = list(dict.fromkeys(tubes.target for tubes in assays))
    figure, axes = canvas.panels(len(targets), width=4.2 if len(targets) == 1 else 3.4, height=3.0)
    for axis, target in zip(axes, targets, strict=True):
        mine = [tubes for tubes in assays if tubes.target == target]
        names = list(dict.fromkeys(name for tubes in mine for name in tubes.compounds))
        everywhere = np.concatenate([x for tubes in mine for x, _ in tubes.compounds.values()])
        places = canvas.log_doses(axis, everywhere)
        for index, name in enumerate(names):
            look = canvas.series(index)
            _draw_points(axis, [t for t in mine if name in t.compounds], name, look, places)
            fits = [
                (one, t.window)
                for one in single
                for t in mine
                if one.fit and (one.compound, one.target, one.experiment) == (name, target, t.experiment)
            ]
            if fits:
                grid = np.geomspace(everywhere[everywhere > 0].min(), everywhere.max(), 200)
                curves = [
                    100 * (competition_curve(grid, one.fit.fit.parameters) - w.nonspecific) / w.specific
                    for one, w in fits
                    if one.fit
                ]
                axis.plot(grid, np.mean(curves, axis=0), color=look.colour, ls=look.dash)
        axis.axhline(0, color=canvas.RULE, lw=0.7, zorder=0)
        axis.set(title=target, xlabel="Cold drug (nM)", ylabel="Specific binding (%)", ylim=(-12, 120))
        canvas.legend(axis)
    return figure


def _draw_points(axis: Any, mine: Sequence[_Tubes], name: str, look: canvas.Series, places: dict[float, float]) -> None:
    by_place: dict[float, list[list[float]]] = {}
    for tubes in mine:
        x, y = tubes.compounds[name]
        percent = 100 * (y - tubes.window.nonspecific) / tubes.window.specific
        for place in np.unique(x):
            by_place.setdefault(float(place), []).append(percent[x == place].tolist())
    xs, ys, spreads = [], [], []
    for place, groups in sorted(by_place.items()):
        values = [float(np.mean(group)) for group in groups] if len(mine) > 1 else groups[0]
        xs.append(places[place])
        ys.append(float(np.mean(values)))
        spreads.append(float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0)
    canvas.errorbars(axis, xs, ys, spreads, look, name)
    if max(ys) - min(ys) < 60:
        axis.plot(xs, ys, color=look.colour, ls=(0, (2, 2)), lw=0.7)


def _draw_ki(means: Sequence[MeanAffinity], library: Library) -> Any:
    figure, (axis,) = canvas.panels(1, width=5.2, height=0.9 + 0.32 * len(means))
    labels = []
    for row, mean in enumerate(means):
        look, value = canvas.series(0), mean.quantity.value
        labels.append(f"{mean.compound}, {mean.target}")
        if value is None:
            continue
        if mean.ki is not None:
            low, high = mean.ki.low or value, mean.ki.high or value
            axis.plot([low, high], [row, row], color=look.colour, lw=1.5)
            axis.plot(value, row, "o", color=look.colour)
        else:
            sign = 1 if mean.quantity.qualifier.startswith(">") else -1
            axis.annotate(
                "", (value * 3**sign, row), (value, row), arrowprops={"arrowstyle": "->", "color": look.colour}
            )
            axis.plot(value, row, "|", color=look.colour, ms=9)
            axis.plot(value * 3**sign, row, alpha=0)
        for known in library.find(compounds=[mean.compound], quantities=["Ki"], targets=[mean.target]):
            stated = known.stated
            if stated.value is not None:
                marker = canvas.published_marker(stated.qualifier)
                axis.plot(
                    stated.value, row + 0.28, marker=marker, mfc=canvas.PAPER, mec=canvas.VERMILION, ms=5, ls="none"
                )
    axis.set(yticks=range(len(means)), yticklabels=labels, xlabel="Ki (nM)", ylim=(len(means) - 0.4, -0.6))
    canvas.plain_log(axis, "x")
    axis.grid(axis="x", color=canvas.RULE, lw=0.6)
    return figure
