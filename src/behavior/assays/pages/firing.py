"""The page of a firing study."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from behavior.assays import canvas
from behavior.assays.firing import (
    MeanED50,
    Neuron,
    PooledCurve,
    analyse_neuron,
    fit_pooled,
    inhibition_by_dose,
    mean_ed50,
    rates_from_spikes,
)
from behavior.assays.library import Library
from behavior.assays.pages.published import disagreements_of, numbers_beside
from behavior.assays.quantity import Quantity, shortest
from behavior.assays.result import AssayResult, Beside, Drawing, Endpoint, ResultTable, Row, Unusable
from behavior.assays.settings import FiringSettings
from behavior.assays.table import Column, Table
from behavior.assays.units import shown
from behavior.model.errors import BadFile, BadInput, Problem

_DOSE_UNITS = ("ug_kg", "mg_kg", "nmol_kg", "nM", "uM", "nA")

COLUMNS = (
    Column("neuron", "one name a neuron"),
    Column("cum_dose", "cumulative dose given before the sample; the baseline's is 0", "number", _DOSE_UNITS, lowest=0),
    Column("spikes", "spikes counted over count_s of the settings", "number", required=False, blank=True, lowest=0),
    Column("rate", "or the firing rate", "number", ("hz",), required=False, blank=True, lowest=0),
)

EVENT_COLUMNS = (
    Column("neuron", "one name a neuron"),
    Column("event", "spike or injection"),
    Column("time", "time of the event in the recording", "number", ("s",), lowest=0),
    Column("cum_dose", "cumulative dose, on injection rows", "number", _DOSE_UNITS, blank=True, lowest=0),
)


def page(table: Table, settings: FiringSettings, library: Library) -> AssayResult:
    """Analyse a table of spike counts, rates, or spike times with injections.

    Raises
    ------
    BadInput, BadFile
        Doses of a neuron do not increase, or no neuron can be used.
    """
    neurons, flags = _neurons(table, settings)
    mean = mean_ed50(neurons, settings.conf_level)
    pooled, why = _pooled(neurons, settings)
    unit = table.units.get("cum_dose", "ug_kg")
    flags += [f"{neuron.name}: no ED50, {neuron.why}" for neuron in neurons if neuron.ed50 is None]
    if mean.n_without and mean.n:
        flags.append(
            f"{mean.n_without} of {len(neurons)} neurons have no ED50 and are not in the mean, which then "
            "speaks for the others only"
        )
    return AssayResult(
        kind="firing",
        title=settings.title or "Firing rate",
        endpoints=tuple(_endpoints(neurons, mean, pooled, why, settings, unit)),
        tables=(
            ResultTable.of(
                "inhibition", "Percent inhibition by cumulative dose, over neurons.", _inhibition_rows(neurons, unit)
            ),
            ResultTable.of(
                "neurons", "Every neuron: baseline, inhibition, interpolated ED50.", _neuron_rows(neurons, unit)
            ),
        ),
        drawings=(
            Drawing(
                "firing",
                "Left: percent inhibition of every neuron (grey), mean ± SEM, and the curve through all "
                "points. Right: interpolated ED50 of every neuron, geometric mean with limits.",
                lambda: _draw(neurons, mean, pooled, unit),
            ),
        ),
        methods=_methods(settings),
        flags=(*table.notes, *flags),
        published=_published(mean, settings, library, unit),
        disagreements=disagreements_of(library, [settings.compound], ("ed50",)),
        settings=settings.model_dump(),
        units=(unit, "hz"),
    )


def _neurons(table: Table, settings: FiringSettings) -> tuple[list[Neuron], list[str]]:
    samples = _from_events(table, settings) if "event" in table.frame else _from_counts(table, settings)
    neurons, flags, problems = [], [], []
    for name, (doses, rates) in samples.items():
        try:
            neurons.append(
                analyse_neuron(
                    name,
                    doses,
                    rates,
                    baseline_dose=settings.baseline_dose,
                    criterion_percent=settings.criterion_percent,
                )
            )
        except Unusable as error:
            flags.append(f"{error} (left out)")
        except BadInput as error:
            problems.append(Problem("", str(error)))
    if problems:
        raise BadFile(table.file, problems)
    if not neurons:
        raise BadInput(f"{table.file}: no neuron can be used: " + "; ".join(flags))
    return neurons, flags


def _from_counts(table: Table, settings: FiringSettings) -> dict[str, tuple[list[float], list[float]]]:
    frame = table.frame
    counted = "spikes" in frame and frame["spikes"].notna().any()
    if not counted and not ("rate" in frame and frame["rate"].notna().any()):
        raise BadInput(f"{table.file}: there is neither a column spikes nor rate_hz with numbers; add one")
    if counted and settings.count_s is None:
        raise BadInput(f"{table.file}: spikes are counted over how many seconds? give count_s in the settings")
    rates = frame["spikes"] / settings.count_s if counted else frame["rate"]
    frame = frame.assign(rate_used=rates)
    return {
        str(name): (part["cum_dose"].tolist(), part["rate_used"].astype(float).tolist())
        for name, part in frame.groupby("neuron", sort=False)
    }


def _from_events(table: Table, settings: FiringSettings) -> dict[str, tuple[list[float], list[float]]]:
    if settings.count_s is None:
        raise BadInput(
            f"{table.file}: over how many seconds after an injection are spikes counted? give count_s in the settings"
        )
    wrong = sorted(set(table.frame["event"]) - {"spike", "injection"})
    if wrong:
        raise BadInput(f"{table.file}: event {wrong[0]!r} is not known; write spike or injection")
    found = {}
    for name, part in table.frame.groupby("neuron", sort=False):
        given = part[part["event"] == "injection"]
        if given["cum_dose"].isna().any():
            raise BadInput(
                f"{table.file}: line {int(given['line'][given['cum_dose'].isna()].iloc[0])}: an injection "
                "without cum_dose; fill it in"
            )
        injections = list(zip(given["time"].tolist(), given["cum_dose"].tolist(), strict=True))
        spikes = part["time"][part["event"] == "spike"].to_numpy(dtype=float)
        try:
            rates = rates_from_spikes(
                spikes, injections, window_s=settings.count_s, delay_s=settings.delay_s, baseline_s=settings.baseline_s
            )
        except BadInput as error:
            raise BadInput(f"{table.file}: {name}: {error}") from None
        found[str(name)] = (list(rates), list(rates.values()))
    return found


def _pooled(neurons: Sequence[Neuron], settings: FiringSettings) -> tuple[PooledCurve | None, str]:
    try:
        return fit_pooled(neurons, settings.conf_level), ""
    except BadInput as error:
        return None, str(error)


def _endpoints(
    neurons: Sequence[Neuron], mean: MeanED50, pooled: PooledCurve | None, why: str, settings: FiringSettings, unit: str
) -> list[Endpoint]:
    of = ", ".join(part for part in (settings.compound, settings.cells) if part)
    found = [
        Endpoint(
            assay="firing",
            endpoint="inhibition",
            of=f"{of}, {shortest(step.dose)} {shown(unit)}".removeprefix(", "),
            value=step.mean,
            unit="%",
            n=step.n,
            n_of="neurons",
            method="mean of neurons" + (f", SEM {step.sem:.3g}" if step.sem is not None else ""),
        )
        for step in inhibition_by_dose(neurons)
    ]
    if mean.estimate is not None:
        found.append(
            Endpoint.of_estimate(
                mean.estimate,
                assay="firing",
                endpoint="ED50",
                of=of,
                unit=unit,
                n=mean.n,
                n_of="neurons",
                method=f"interpolated at {settings.criterion_percent:g} %, geometric mean, t interval on ln",
            )
        )
    else:
        found.append(
            Endpoint(assay="firing", endpoint="ED50", of=of, text="not given: no neuron has one", n=0, n_of="neurons")
        )
    if pooled is not None:
        found.append(
            Endpoint.of_estimate(
                pooled.ed50,
                assay="firing",
                endpoint="ED50, pooled curve",
                of=of,
                unit=unit,
                n=pooled.fit.n,
                n_of="points",
                method=f"one curve through all points, Hill {pooled.hill:.2f}, profile limits",
            )
        )
    else:
        found.append(Endpoint(assay="firing", endpoint="ED50, pooled curve", of=of, text=f"not given: {why}"))
    return found


def _inhibition_rows(neurons: Sequence[Neuron], unit: str) -> list[Row]:
    return [
        {
            f"cum_dose_{unit}": s.dose,
            "n_neurons": s.n,
            "inhibition_percent_mean": s.mean,
            "inhibition_percent_sem": s.sem,
        }
        for s in inhibition_by_dose(neurons)
    ]


def _neuron_rows(neurons: Sequence[Neuron], unit: str) -> list[Row]:
    rows = []
    for neuron in neurons:
        doses = {
            f"inhibition_at_{dose:g}": value
            for dose, value in zip(neuron.doses, neuron.inhibition_percent, strict=True)
        }
        rows.append(
            {"neuron": neuron.name, "baseline_hz": neuron.baseline_hz, f"ed50_{unit}": neuron.ed50, "note": neuron.why}
            | doses
        )
    return rows


def _published(mean: MeanED50, settings: FiringSettings, library: Library, unit: str) -> tuple[Beside, ...]:
    if mean.estimate is None or not settings.compound:
        return ()
    own = Quantity(shortest(mean.estimate.value), mean.estimate.value, unit=unit)
    figures = [
        f for f in library.find(compounds=[settings.compound], quantities=["ed50"]) if f.target.endswith("firing")
    ]
    rows: list[Beside] = []
    for figure in figures:
        rows += numbers_beside(
            own,
            f"ED50 of {settings.compound}: here {settings.cells or 'these cells'}, published {figure.target}",
            [figure],
        )
    return tuple(rows)


def _methods(settings: FiringSettings) -> tuple[str, ...]:
    return (
        "Inhibition is 100 (1 - rate / the neuron's own baseline rate). Each neuron's ED50 was "
        f"interpolated on log dose between the first cumulative dose with at least {settings.criterion_percent:g} % "
        "inhibition and the dose before it; "
        "the geometric mean has a t interval on ln ED50 and the neuron as unit.",
        "The pooled curve, 100 / (1 + (dose / ED50)^h) % of baseline, treats all points as independent; its "
        "limits are narrower than the neurons' spread allows and are given for comparison.",
    )


def _draw(neurons: Sequence[Neuron], mean: MeanED50, pooled: PooledCurve | None, unit: str) -> Any:
    figure, (left, right) = canvas.panels(2, width=3.4, height=2.9)
    doses = sorted({dose for neuron in neurons for dose in neuron.doses})
    places = canvas.log_doses(left, doses)
    for neuron in neurons:
        left.plot([places[d] for d in neuron.doses], neuron.inhibition_percent, color=canvas.RULE, lw=0.8)
    steps = inhibition_by_dose(neurons)
    canvas.errorbars(
        left,
        [places[s.dose] for s in steps],
        [s.mean for s in steps],
        [s.sem for s in steps],
        canvas.series(0),
        "mean ± SEM",
    )
    if pooled is not None:
        positive = [dose for dose in doses if dose > 0]
        grid = np.geomspace(positive[0], positive[-1], 200)
        left.plot(
            grid,
            100 - 100 / (1 + (grid / pooled.ed50.value) ** pooled.hill),
            color=canvas.BLUE,
            label="pooled curve",
        )
    left.axhline(50, color=canvas.RULE, lw=0.7, ls=":")
    left.set(xlabel=f"Cumulative dose ({shown(unit)})", ylabel="Inhibition (%)")
    canvas.legend(left, loc="upper left")
    found = [neuron.ed50 for neuron in neurons if neuron.ed50 is not None]
    jitter = np.linspace(-0.12, 0.12, len(found)) if len(found) > 1 else np.zeros(len(found))
    right.plot(jitter, found, "o", color=canvas.FAINT)
    if mean.estimate is not None:
        low, high = mean.estimate.low or mean.estimate.value, mean.estimate.high or mean.estimate.value
        right.plot([0.3, 0.3], [low, high], color=canvas.INK, lw=1.5)
        right.plot(0.3, mean.estimate.value, "D", color=canvas.INK)
    if found:
        canvas.plain_log(right, "y")
    right.set(
        ylabel=f"ED50 ({shown(unit)})",
        xlim=(-0.4, 0.7),
        xticks=[0, 0.3],
        xticklabels=[f"neurons\n({mean.n} of {len(neurons)})", "mean"],
    )
    return figure
