"""The page of exposure beside effect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from behavior.assays import canvas
from behavior.assays.exposure import DoseRow, association, by_dose, proportionality
from behavior.assays.library import Library
from behavior.assays.pages.published import disagreements_of
from behavior.assays.quantity import shortest
from behavior.assays.result import AssayResult, Beside, Drawing, Endpoint, ResultTable, Row, in_columns, percent
from behavior.assays.settings import ExposureSettings
from behavior.assays.table import Column, Table
from behavior.assays.units import factor, family_of, shown
from behavior.model.errors import BadInput
from behavior.summary.vehicle_test import p_text

COLUMNS = (
    Column("subject", "animal; concentration and effect may come from the same or from other animals"),
    Column("dose", "dose given; the vehicle's is 0", "number", ("mg_kg", "ug_kg", "umol_kg"), lowest=0),
    Column(
        "conc",
        "concentration at the time of the test; blank where not measured, BLQ or <limit below quantification",
        "censored",
        ("*",),
        required=False,
        blank=True,
        lowest=0,
    ),
    Column("effect", "the endpoint; blank where not measured", "number", required=False, blank=True),
)


def page(table: Table, settings: ExposureSettings, library: Library) -> AssayResult:
    """Place dose, concentration and effect side by side.

    Raises
    ------
    BadInput
        A dose has neither, or the affinity cannot be brought to the unit of the concentrations.
    """
    frame = table.frame
    conc_unit, dose_unit = table.units.get("conc", ""), table.units["dose"]
    nothing = np.full(len(frame), np.nan)
    conc = frame["conc"].to_numpy(dtype=float) if conc_unit else nothing
    below = frame["conc_below"].to_numpy(dtype=bool) if conc_unit else np.zeros(len(frame), bool)
    effect = frame["effect"].to_numpy(dtype=float) if frame["effect"].notna().any() else nothing
    dose = frame["dose"].to_numpy(dtype=float)
    rows = by_dose(
        dose,
        conc,
        effect,
        below_limit=below,
        ki=_ki(settings, conc_unit),
        fraction_unbound=settings.fraction_unbound,
        conf_level=settings.conf_level,
    )
    quantified = np.where(below, np.nan, conc)
    endpoints, flags = _endpoints(rows, settings, (dose_unit, conc_unit)), _flags(rows, settings)
    more, flag = _relations(dose, quantified, effect, settings)
    return AssayResult(
        kind="exposure",
        title=settings.title or "Exposure beside effect",
        endpoints=(*endpoints, *more),
        tables=(
            ResultTable.of(
                "doses",
                "Dose, concentration (geometric mean) and effect (mean), each with its own n and limits.",
                _rows(rows, (dose_unit, conc_unit)),
            ),
        ),
        drawings=(
            Drawing(
                "exposure",
                "Concentration and effect over dose with limits, and effect over concentration of the "
                "animals that have both.",
                lambda: _draw(rows, dose, quantified, effect, settings, (dose_unit, conc_unit)),
            ),
        ),
        methods=(
            f"Concentrations are geometric means, effects arithmetic means, with {percent(settings.conf_level)} "
            "t intervals. Dose proportionality is the exponent of the power model; "
            "effect and concentration are related by Spearman's rank correlation over animals that have "
            "both, vehicle animals left out.",
            *(
                (
                    "Expected occupancy is C_u / (C_u + Ki) from the mean concentration, a prediction and "
                    "not a measurement.",
                )
                if settings.ki_nM
                else ()
            ),
        ),
        flags=(*table.notes, *flags, *flag),
        published=_published(settings, library),
        disagreements=disagreements_of(library, [settings.compound], ("ed50",)),
        settings=settings.model_dump(),
        units=(dose_unit, conc_unit),
    )


def _ki(settings: ExposureSettings, unit: str) -> float | None:
    if settings.ki_nM is None:
        return None
    if settings.fraction_unbound is None:
        raise BadInput(
            "ki_nM without fraction_unbound: occupancy rests on the unbound concentration, give both or neither"
        )
    if family_of(unit) != "molar concentration":
        raise BadInput(
            f"ki_nM is molar and the concentrations are in {shown(unit) or 'nothing'}; give conc in a molar "
            "unit such as conc_nmol_ml"
        )
    return settings.ki_nM * factor("nM", unit)


def _endpoints(rows: Sequence[DoseRow], settings: ExposureSettings, units: tuple[str, str]) -> list[Endpoint]:
    found = []
    for row in rows:
        of = f"dose={shortest(row.dose)} {shown(units[0])}"
        if row.concentration is not None:
            found.append(
                Endpoint.of_estimate(
                    row.concentration,
                    assay="exposure",
                    endpoint="concentration",
                    of=of,
                    unit=units[1],
                    n=row.n_concentration,
                    n_of="animals",
                    method="geometric mean",
                )
            )
        elif row.n_below_limit:
            found.append(
                Endpoint(
                    assay="exposure",
                    endpoint="concentration",
                    of=of,
                    n=row.n_concentration,
                    n_of="animals",
                    text=f"{row.n_below_limit} of {row.n_concentration} below quantification",
                )
            )
        if row.effect is not None:
            found.append(
                Endpoint.of_estimate(
                    row.effect,
                    assay="exposure",
                    endpoint=settings.effect,
                    of=of,
                    n=row.n_effect,
                    n_of="animals",
                    method="mean",
                )
            )
        if row.occupancy is not None:
            found.append(
                Endpoint(
                    assay="exposure",
                    endpoint="expected occupancy",
                    of=of,
                    value=row.occupancy,
                    method="C_u / (C_u + Ki)",
                )
            )
    return found


def _flags(rows: Sequence[DoseRow], settings: ExposureSettings) -> list[str]:
    flags = [
        f"dose {shortest(row.dose)}: {row.n_below_limit} of {row.n_concentration} concentrations are below "
        "quantification, so that no geometric mean is given"
        for row in rows
        if row.n_below_limit
    ]
    if all(row.dose != settings.vehicle_dose for row in rows):
        flags.append(f"there is no vehicle group (dose {settings.vehicle_dose:g}) to read the effect against")
    return flags


def _relations(dose: Any, conc: Any, effect: Any, settings: ExposureSettings) -> tuple[list[Endpoint], list[str]]:
    found: list[Endpoint] = []
    flags: list[str] = []
    if np.isfinite(conc).any():
        try:
            slope = proportionality(dose, conc, settings.conf_level)
            found.append(
                Endpoint.of_estimate(
                    slope,
                    assay="exposure",
                    endpoint="dose proportionality exponent",
                    of="concentration over dose",
                    method="power model, 1 is proportional",
                )
            )
            if slope.low is not None and slope.high is not None and not slope.low <= 1 <= slope.high:
                flags.append(f"exposure is not proportional to dose: exponent {slope}")
        except BadInput as error:
            flags.append(str(error))
    given = dose > settings.vehicle_dose
    relation = association(conc[given].tolist(), effect[given].tolist())
    if relation is not None:
        found.append(
            Endpoint(
                assay="exposure",
                endpoint="rank correlation of effect with concentration",
                of="animals given the compound",
                value=relation.rho,
                n=relation.n,
                n_of="animals",
                method=f"Spearman, p {p_text(relation.p)}",
            )
        )
    return found, flags


def _rows(rows: Sequence[DoseRow], units: tuple[str, str]) -> list[Row]:
    level = f"concentration_{units[1]}" if units[1] else "concentration"
    return [
        {
            f"dose_{units[0]}": row.dose,
            "n_concentration": row.n_concentration,
            "n_below_limit": row.n_below_limit,
            **in_columns(row.concentration, level, "concentration_low", "concentration_high"),
            "n_effect": row.n_effect,
            **in_columns(row.effect, "effect", "effect_low", "effect_high"),
            "expected_occupancy": row.occupancy,
        }
        for row in rows
    ]


def _published(settings: ExposureSettings, library: Library) -> tuple[Beside, ...]:
    figures = library.find(compounds=[settings.compound], quantities=["ed50", "dose", "daily_dose"])
    return tuple(
        Beside(
            figure.about,
            "",
            f"{figure.stated}" + (f" ({figure.words})" if figure.words and figure.value is not None else ""),
            "for orientation",
            figure.species,
            figure.source,
        )
        for figure in figures
    )


def _draw(
    rows: Sequence[DoseRow], dose: Any, conc: Any, effect: Any, settings: ExposureSettings, units: tuple[str, str]
) -> Any:
    figure, axes = canvas.panels(3, width=2.7, height=2.7)
    for axis, what, label in (
        (axes[0], "concentration", f"Concentration ({shown(units[1])})"),
        (axes[1], "effect", settings.effect),
    ):
        raw = conc if what == "concentration" else effect
        measured = np.isfinite(raw)
        places = canvas.log_doses(axis, dose[measured])
        for row in rows:
            estimate = getattr(row, what)
            if estimate is None:
                continue
            at = places[row.dose]
            axis.plot(
                [at, at],
                [
                    estimate.low if estimate.low is not None else estimate.value,
                    estimate.high if estimate.high is not None else estimate.value,
                ],
                color=canvas.INK,
                lw=1.2,
            )
            axis.plot(at, estimate.value, "o", color=canvas.INK)
        axis.plot([places[d] for d in dose[measured]], raw[measured], ".", color=canvas.FAINT, ms=3, zorder=0)
        axis.set(xlabel=f"Dose ({shown(units[0])})", ylabel=label)
    if np.nanmax(np.append(conc, 0.0)) > 0:
        canvas.plain_log(axes[0], "y")
    for index, one in enumerate(sorted(set(dose.tolist()))):
        look, here = canvas.series(index), (dose == one) & (conc > 0) & np.isfinite(effect)
        if here.any():
            axes[2].plot(conc[here], effect[here], look.marker, color=look.colour, ms=4, ls="none", label=shortest(one))
    if axes[2].get_legend_handles_labels()[1]:
        canvas.plain_log(axes[2], "x")
        canvas.legend(axes[2], title=f"Dose ({shown(units[0])})", title_fontsize=7)
    axes[2].set(xlabel=f"Concentration ({shown(units[1])})", ylabel=settings.effect)
    return figure
