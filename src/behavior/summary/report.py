"""The report of a dataset: one page that needs nothing else, and its tables and figures as files.

    OUT/report.html              styles and figures inside; no network, no script; light, dark and print
    OUT/tables/*.csv             sessions, parts of sessions, per dose, units analysed; for Prism in prism/;
                                 groups under vehicle in groups.csv; with companion assays endpoints.csv,
                                 behavioral ones and theirs
    OUT/figures/*.svg, *.png     every figure of the page
    OUT/analysis.R               refits each model from the tables, and compares

The same dataset, program and libraries give the same bytes: nothing here asks for the time, the machine or chance.
Fractions are percent here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from behavior.model.errors import Failure
from behavior.summary import wording
from behavior.summary.arms import Choices, analysed_of
from behavior.summary.beside import endpoint_table, rows_of
from behavior.summary.drawing import inline, save, svg_of
from behavior.summary.drinking import intake_rows
from behavior.summary.ed50 import NoEd50
from behavior.summary.exchange import write_exchange
from behavior.summary.figures import (
    dose_response,
    estimation,
    intake_over_days,
    over_days,
    shows_medians,
    side_by_side,
    still_waiting,
    two_curves,
)
from behavior.summary.names import plain, slugs_of
from behavior.summary.per_dose import ArmSummary, EndpointSummary, groups_table, per_dose_table, summarize_arms
from behavior.summary.potency import Potency, potencies
from behavior.summary.quality_control import make_folder
from behavior.summary.r_script import write_r
from behavior.summary.records_text import arrive, flow, parameters_of, treatment_of, what_was_done
from behavior.summary.session_figures import (
    call_rates,
    calls_raster,
    cumulative_records,
    presses_of,
    responses_raster,
    trials_raster,
    typical_sessions,
)
from behavior.summary.turning import Turn
from behavior.summary.vehicle_test import ALPHA, CLIFF, VehicleTest
from behavior.summary.writing import pages

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from behavior.study.dataset import Dataset

REPORT = "report.html"
_CONTRASTED = ("punished_rate_per_min", "unpunished_rate_per_min")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure on the page. `wide` ones take the whole width."""

    number: int
    file: str
    svg: str
    caption: str
    wide: bool


def write_report(
    dataset: Dataset,
    out: Path,
    *,
    assays: Mapping[str, pd.DataFrame] | None = None,
    unit_text: Callable[[str], str] = str,
    choices: Choices | None = None,
) -> Path:
    """Summarize a dataset into a folder.

    Parameters
    ----------
    dataset : from `study.dataset.read_dataset`
    out : a folder that is not there yet, or is empty
    assays : endpoints of finished companion assays by name, to stand beside the behavioral ones
    unit_text : how a unit's name in them, such as `ug_kg`, is shown
    choices : methods and percentages that a person chose over those of the study file

    Returns
    -------
    Path
        Of `report.html`.

    Raises
    ------
    BadInput
        The folder holds something already, or cannot be made; or an assay's endpoints lack a column.
    """
    from behavior.study.dataset import write_tables

    arms = summarize_arms(dataset, choices)
    beside = endpoint_table(arms, assays) if assays else None
    make_folder(out)
    try:
        write_tables(dataset, out / "tables")
        table = per_dose_table(arms)
        if len(table):
            table.to_csv(out / "tables" / "per_dose.csv", index=False, lineterminator="\n", encoding="utf-8")
        beside_vehicle = groups_table(arms)
        if len(beside_vehicle):
            beside_vehicle.to_csv(out / "tables" / "groups.csv", index=False, lineterminator="\n", encoding="utf-8")
        write_exchange(arms, out / "tables")
        write_r(arms, out)
        if beside is not None:
            beside.to_csv(out / "tables" / "endpoints.csv", index=False, lineterminator="\n", encoding="utf-8")
        page = _page(dataset, arms, out / "figures", [] if beside is None else rows_of(beside, unit_text))
        (out / REPORT).write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Failure(f"{out}: the report cannot be written ({error.strerror}); free the disk and run again") from None
    return out / REPORT


def _page(dataset: Dataset, arms: tuple[ArmSummary, ...], figures: Path, beside: list[dict[str, str]]) -> str:
    environment, styles = pages()
    numbers, slugs = iter(range(1, 10_000)), slugs_of([arm.plan.name for arm in arms])
    parts = [_part(dataset, arm, slug, figures, numbers) for arm, slug in zip(arms, slugs, strict=True)]
    compared = potencies(arms)
    return environment.get_template("report.html").render(
        styles=styles,
        dataset=dataset,
        title=dataset.study.title if dataset.study else f"Sessions in {dataset.path.name}",
        simulated=bool(dataset.sessions["simulated"].any()),
        parts=parts,
        potencies=[_potency(one, figures, numbers) for one in compared],
        beside=beside,
        done=what_was_done(dataset),
        arrive=arrive(dataset, arms),
        methods=wording.methods_paragraph(arms, compared),
        versions=wording.software_versions(),
        sessions=_session_rows(dataset),
        study_sha256=_study_digest(dataset),
    )


def _part(dataset: Dataset, arm: ArmSummary, slug: str, figures: Path, numbers: Iterator[int]) -> dict[str, Any]:
    """What the page says of an arm."""
    found = _all(dataset, arm, slug)
    drawn = [_drawn(stem, figure, caption, wide, figures, numbers) for stem, figure, caption, wide in found]
    by_endpoint = {
        endpoint.measure.name: [one for one in drawn if one.file.startswith(f"{slug}-{endpoint.measure.name}-")]
        for endpoint in arm.endpoints
    }
    belonging = {one.file for some in by_endpoint.values() for one in some}
    return {
        "arm": arm,
        "slug": slug,
        "treatment": treatment_of(arm),
        "parameters": parameters_of(dataset, arm),
        "flow": flow(dataset, arm),
        "intake": intake_rows(dataset, arm.plan),
        "endpoints": [_endpoint(arm, endpoint, by_endpoint[endpoint.measure.name]) for endpoint in arm.endpoints],
        "figures": [one for one in drawn if one.file not in belonging],
    }


def _potency(potency: Potency, figures: Path, numbers: Iterator[int]) -> dict[str, Any]:
    """What the page says of two compounds."""
    said: dict[str, Any] = {"sentence": wording.potency_sentence(potency), "figure": None}
    if potency.ratio is not None:
        first, second = slugs_of([potency.arm.plan.name, potency.other.plan.name])
        caption = (
            f"{potency.measure.label}: {potency.arm.plan.compound} and {potency.other.plan.compound}, mean ± SEM and "
            "the fitted curves, with each ED50 and its interval on the axis."
        )
        stem = f"potency-{first}-{second}"
        said["figure"] = _drawn(stem, two_curves(potency.arm, potency.other), caption, False, figures, numbers)
    return said


def _endpoint(arm: ArmSummary, endpoint: EndpointSummary, figures: list[Drawn]) -> dict[str, Any]:
    motor = arm.motor_control
    beside = {row.dose_mg_kg: row for row in motor.rows} if motor and motor is not endpoint else {}
    sentences = [
        f"{endpoint.test.overall}." if endpoint.test and endpoint.test.overall else "",
        wording.spread_sentence(endpoint),
        wording.welch_sentence(endpoint),
        wording.effective_sentence(endpoint),
        "" if motor else "No motor control stands beside it, for none was named.",
    ]
    return {
        "summary": endpoint,
        "decimals": wording.decimals_of(endpoint),
        "result": wording.result_sentence(arm, endpoint),
        "ed50": wording.ed50_sentence(endpoint),
        "lines": wording.lines_sentence(endpoint),
        "turn": wording.turn_sentence(endpoint),
        "groups": wording.control_sentence(endpoint),
        "sentences": [sentence for sentence in sentences if sentence],
        "scale_decimals": wording.decimals_of_scale(endpoint),
        "size": _effect_size(endpoint),
        "motor": motor if beside else None,
        "motor_rows": beside,
        "motor_decimals": wording.decimals_of(motor) if motor else 0,
        "figures": figures,
    }


def _effect_size(endpoint: EndpointSummary) -> str:
    """Which effect size stands in the table, beside the test's own estimate."""
    if endpoint.test is not None:
        return "" if endpoint.test.scale == CLIFF or endpoint.units.repeated else _size(endpoint)
    return _size(endpoint)


def _size(endpoint: EndpointSummary) -> str:
    return "Hedges’ g" if any(row.effects.hedges_g for row in endpoint.rows) else "Cliff’s δ"


# -- figures ----------------------------------------------------------------------------------------------------------


def _drawn(stem: str, figure: Figure, caption: str, wide: bool, figures: Path, numbers: Iterator[int]) -> Drawn:
    svg = svg_of(figure)
    save(svg, figure, figures / stem)
    number = next(numbers)
    return Drawn(number, stem, inline(svg, f"figure-{number}", caption), caption, wide)


def _all(dataset: Dataset, arm: ArmSummary, slug: str) -> Iterator[tuple[str, Figure, str, bool]]:
    """Every figure of an arm: file, figure, caption, whether it is wide."""
    for endpoint in arm.endpoints:
        yield from _of_endpoint(slug, arm, endpoint)
    names = {endpoint.measure.name for endpoint in arm.endpoints if (endpoint.vehicle.described.mean or 0) > 0}
    if names.issuperset(_CONTRASTED):
        yield (
            f"{slug}-punished-and-unpunished",
            side_by_side(arm, _CONTRASTED),
            "Punished beside unpunished responding, percent of the vehicle mean ± SEM. A change of the punished rate "
            "alone is not sedation; a fall of both may be.",
            False,
        )
    drunk = intake_rows(dataset, arm.plan)
    if len({row.last_day for row in drunk}) > 1:
        yield (
            f"{slug}-intake", intake_over_days(drunk),
            "The dose that was really drunk, mean ± SEM of cages over the days of each bottle; broken lines are the "
            "planned doses.", False,
        )  # fmt: skip
    yield from _of_sessions(dataset, arm, slug)


def _of_endpoint(slug: str, arm: ArmSummary, endpoint: EndpointSummary) -> Iterator[tuple[str, Figure, str, bool]]:
    stem, label = f"{slug}-{endpoint.measure.name}", endpoint.measure.label
    if not any(row.n for row in endpoint.rows):
        return
    if shows_medians(endpoint):
        what = "median and quartiles; triangles on the line did not respond before the test ended"
        if not isinstance(endpoint.ed50, NoEd50):
            what += "; the fitted median with its 95 % band; the ED50 with its interval on the axis"
    elif not isinstance(endpoint.ed50, NoEd50):
        what = "mean ± SEM; the fitted curve with its 95 % band; the ED50 with its interval on the axis"
    elif isinstance(endpoint.turn, Turn) and endpoint.turn.p < ALPHA:
        what = "mean ± SEM; the curve that turns (Brain–Cousens)"
    else:
        what = "mean ± SEM, joined; no curve is drawn, for the data hold no ED50"
    each = (
        "One open symbol an animal" if endpoint.units.unit == "animal" else f"One open symbol a {endpoint.units.unit}"
    )
    yield (
        f"{stem}-dose-response", dose_response(endpoint),
        f"{label} by dose of {arm.plan.compound}. {each}; {what}.", False,
    )  # fmt: skip
    yield from _waiting(stem, endpoint)
    if endpoint.course is not None:
        yield (
            f"{stem}-days", over_days(endpoint),
            f"{label} over days, mean ± SEM at each dose. A star: differs from vehicle on that day (Holm over days and "
            "doses).", False,
        )  # fmt: skip
    if endpoint.test is not None:
        yield (
            f"{stem}-difference", estimation(endpoint),
            f"{label}: {_what_differs(endpoint.test)}; adjusted p above ({endpoint.test.name}).", False,
        )  # fmt: skip


def _waiting(stem: str, endpoint: EndpointSummary) -> Iterator[tuple[str, Figure, str, bool]]:
    if len(set(endpoint.units.doses)) < 2:
        return
    if endpoint.measure.kind != "latency" or not endpoint.units.times.size or not _some_responded(endpoint):
        return
    of = "trials" if endpoint.units.by_trial is not None else f"{endpoint.units.unit}s"
    yield (
        f"{stem}-kaplan-meier", still_waiting(endpoint),
        f"{endpoint.measure.label}: Kaplan–Meier curves of {of}. A tick marks {of} without response.", False,
    )  # fmt: skip


def _some_responded(endpoint: EndpointSummary) -> bool:
    by_trial = endpoint.units.by_trial
    return bool(by_trial.event.any()) if by_trial is not None else bool(np.isfinite(endpoint.units.responses).any())


def _what_differs(test: VehicleTest) -> str:
    if test.scale == CLIFF:
        return "Cliff's δ against vehicle (1: every animal above, −1: every animal below) with 95 % intervals"
    hold = "simultaneous 95 % intervals" if test.simultaneous else "95 % intervals that hold one by one"
    if test.null == 1:
        return f"{test.scale.lower()} to vehicle with {hold}; 1 is no effect; an arrow is an end beyond the figure"
    return f"{test.scale[:1].lower()}{test.scale[1:]}, with {hold}"


def _of_sessions(dataset: Dataset, arm: ArmSummary, slug: str) -> Iterator[tuple[str, Figure, str, bool]]:
    if not arm.endpoints:
        return
    examples = typical_sessions(dataset, arm)
    if any(example.timeline.presses for example in examples):
        yield (
            f"{slug}-cumulative-records",
            cumulative_records(examples),
            "Cumulative records of one session at each dose, the one nearest to its dose's median of "
            f"{plain(arm.primary.measure.label)}.",
            True,
        )
    here = analysed_of(dataset, arm.plan)
    here = here[here["dose_mg_kg"].notna()]
    yield from _rasters(dataset, here, slug)
    calls = dataset.rows.get("calls")
    if calls is not None and calls["session"].isin(here["session"]).any():
        mine = calls[calls["session"].isin(here["session"])]
        length_s = max([float(mine["offset_s"].max()), *here.get("window_s", here["dose_mg_kg"] * 0).dropna()])
        yield (
            f"{slug}-calls",
            calls_raster(mine, here, length_s),
            "Every call of every rat, from onset to offset. A line without marks is a rat that did not call.",
            True,
        )


# -- provenance -------------------------------------------------------------------------------------------------------


def _session_rows(dataset: Dataset) -> list[dict[str, Any]]:
    import pandas as pd

    columns = [
        "session", "subject", "arm", "dose_mg_kg", "blind_code", "chamber", "duration_s", "n_responses", "n_deliveries",
        "n_shocks", "left_out", "journal_sha256", "score_sha256",
    ]  # fmt: skip
    rows = dataset.sessions[columns].astype(object).where(dataset.sessions[columns].notna(), None)
    return [
        {str(key): None if value is pd.NA else value for key, value in row.items()} for row in rows.to_dict("records")
    ]


def _study_digest(dataset: Dataset) -> str | None:
    import hashlib

    from behavior.study.dataset import STUDY_FILE

    path = dataset.path / STUDY_FILE
    return hashlib.sha256(path.read_bytes()).hexdigest() if dataset.study is not None else None


def _rasters(dataset: Dataset, here: pd.DataFrame, slug: str) -> Iterator[tuple[str, Figure, str, bool]]:
    """All responses or trials of every session, and calling over time."""
    presses = presses_of(dataset, here)
    if any(presses.values()):
        yield (
            f"{slug}-responses", responses_raster(presses, here),
            "Every press of every session, a stroke each. A line without marks is an animal that did not press.", True,
        )  # fmt: skip
    trials = dataset.rows.get("trials")
    if trials is not None and "outcome" in trials and trials["session"].isin(here["session"]).any():
        yield (
            f"{slug}-trials", trials_raster(trials, here),
            "Every trial of every session: avoidance, escape or failure. A trial without a mark was not valid.", True,
        )  # fmt: skip
    bins = dataset.rows.get("bins")
    if bins is not None and {"begin_s", "time_s", "calling_time_s"} <= set(bins):
        mine = bins[bins["session"].isin(here["session"])].dropna(subset=["calling_time_s"])
        if len(mine) and mine.groupby("session").size().max() > 1:
            yield (
                f"{slug}-call-rate", call_rates(mine, here),
                "Time calling over the recording, percent of each bin, mean ± SEM of each dose.", False,
            )  # fmt: skip
