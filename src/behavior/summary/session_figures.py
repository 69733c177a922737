"""Figures of single sessions: cumulative records, one for each dose, and the calls of every rat.

A cumulative record goes up by one at every response; a stroke down to the right marks a reinforcer, as the pen of a
recorder would, and a triangle below a shock. The time of punished components is shaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from behavior.model.errors import BadInput
from behavior.study.dataset import natural_order
from behavior.summary.arms import analysed_of
from behavior.summary.drawing import (
    BLUE,
    COLUMN_IN,
    DOSE_INKS,
    DOSE_LINES,
    DOSE_MARKERS,
    FAINT,
    INK,
    ORANGE,
    PAGE_IN,
    PAPER,
    RULE,
    SKY,
    VERMILION,
    new_figure,
    style,
)
from behavior.summary.names import dose_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from behavior.scoring.timeline import Timeline
    from behavior.study.dataset import Dataset
    from behavior.summary.per_dose import ArmSummary, EndpointSummary


_MOST_COLUMNS = 5
_TALLEST_IN, _LEAST_ROW_IN = 8.0, 0.075
"""A raster fits a page; rows too near for their names go without."""
_PIP = [(0.0, 0.0), (0.6, -1.0)]
"""A stroke down to the right, from the pen."""


@dataclass(frozen=True)
class Example:
    """The session that stands for a dose."""

    dose_mg_kg: float
    session: str
    subject: str
    punished: frozenset[str]
    """Names of the components with shock."""
    timeline: Timeline


def typical_sessions(dataset: Dataset, arm: ArmSummary) -> tuple[Example, ...]:
    """For each dose the session whose primary endpoint is nearest to the dose's median, so that nobody picks.

    Of two that are as near the first by name is taken. A session whose journal cannot be read is passed over.
    """
    endpoint = arm.primary
    found = (_typical(dataset, arm, endpoint, row.dose_mg_kg, row.described.median) for row in endpoint.rows)
    return tuple(example for example in found if example is not None)


def _typical(
    dataset: Dataset, arm: ArmSummary, endpoint: EndpointSummary, dose: float, median: float | None
) -> Example | None:
    from behavior.scoring.timeline import timeline_of
    from behavior.session.folder import SessionFolder

    here = analysed_of(dataset, arm.plan)
    here = here[here["dose_mg_kg"] == dose]
    if median is None or not np.isfinite(median) or endpoint.measure.name not in here:
        return None
    far = (here[endpoint.measure.name] - median).abs().round(9)
    for index in here.assign(far=far).dropna(subset=["far"]).sort_values(["far", "session"]).index:
        session, subject = here.loc[index, "session"], here.loc[index, "subject"]
        try:
            reading = SessionFolder(dataset.folder(session)).read()
        except BadInput:
            continue
        return Example(dose, session, subject, _punished(dataset.parameters[session]), timeline_of(reading.items))
    return None


def _punished(parameters: dict[str, Any]) -> frozenset[str]:
    components = parameters.get("components") or ()
    return frozenset(c["name"] for c in components if isinstance(c, dict) and c.get("shock_ma"))


def cumulative_records(examples: Sequence[Example]) -> Figure:
    """Responses over session time, one record a dose, on common axes."""
    with style():
        n_rows = -(-len(examples) // _MOST_COLUMNS)
        n_columns = -(-len(examples) // n_rows)
        figure = new_figure(PAGE_IN, 0.55 + 2.1 * n_rows)
        panels = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
        for axes, example in zip(panels.flat, examples, strict=False):
            _record(axes, example)
        for axes in panels.flat[len(examples) :]:
            axes.set_axis_off()
        top = max(len(example.timeline.presses) for example in examples) or 1
        panels[0, 0].set_ylim(-0.11 * top, 1.04 * top)
        for axes in panels[:, 0]:
            axes.set_ylabel("Cumulative responses")
        for axes in panels.flat[max(len(examples) - n_columns, 0) : len(examples)]:
            axes.tick_params(labelbottom=True)
        figure.supxlabel("Session time (min)", fontsize=8)
        figure.legend(handles=_key(), loc="outside upper center", ncols=4, fontsize=7, handlelength=1.4)
        return figure


def _key() -> list[Any]:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return [
        Line2D([], [], color=INK, lw=0.9, label="responses"),
        Line2D([], [], ls="none", marker=_PIP, ms=7, color=BLUE, mew=0.7, label="reinforcer"),
        Line2D([], [], ls="none", marker="^", ms=3.5, color=VERMILION, mew=0, label="shock"),
        Patch(color=RULE, alpha=0.55, lw=0, label="punished component"),
    ]


def _record(axes: Axes, example: Example) -> None:
    timeline = example.timeline
    for window in timeline.components:
        if window.name in example.punished:
            axes.axvspan(window.begin_us / 60e6, window.end_us / 60e6, color=RULE, alpha=0.55, lw=0, zorder=0)
    at_min = np.array([press.at_us for press in timeline.presses], dtype=np.float64) / 60e6
    end_min = timeline.end_us / 60e6
    x = np.concatenate([[0.0], at_min, [end_min]])
    y = np.concatenate([np.arange(len(at_min) + 1), [len(at_min)]])
    axes.step(x, y, where="post", color=INK, lw=0.9, zorder=3)
    _pips(axes, example, at_min, end_min)
    shocks_min = [shock.onset_us / 60e6 for shock in timeline.shocks]
    axes.plot(
        shocks_min, [0.045] * len(shocks_min), "^", ms=2.8, color=VERMILION, mew=0,
        transform=axes.get_xaxis_transform(), zorder=4,
    )  # fmt: skip
    axes.set_title(dose_text(example.dose_mg_kg))
    axes.annotate(
        example.subject, (1, 1), xycoords="axes fraction", ha="right", va="bottom", fontsize=7, color=FAINT,
        xytext=(0, 4), textcoords="offset points",
    )  # fmt: skip
    axes.set_xlim(0, end_min)


def _pips(axes: Axes, example: Example, at_min: Any, end_min: float) -> None:
    """Strokes of one size in print, whatever the axes' scales."""
    times = np.array([delivery.asked_us for delivery in example.timeline.deliveries], dtype=np.float64) / 60e6
    heights = np.searchsorted(at_min, times, side="right")
    axes.plot(times, heights, ls="none", marker=_PIP, ms=7, color=BLUE, mew=0.7, zorder=2)


def calls_raster(calls: pd.DataFrame, sessions: pd.DataFrame, length_s: float) -> Figure:
    """Every call of every rat as a stroke from onset to offset; rats in rows, doses in blocks.

    Parameters
    ----------
    calls : with columns session, onset_s, offset_s, call_type
    sessions : those analysed, with session, subject, dose_mg_kg; a rat without calls has its row all the same
    length_s : of the recording
    """
    with style():
        figure, axes, places = _blocks(sessions)
        for session, place in places.items():
            _calls_of(axes, calls[calls["session"] == session], place)
        axes.set_xlim(0, length_s)
        axes.set_xlabel("Time in recording (s)")
        if (~_low(calls)).any():
            figure.legend(handles=_call_key(), loc="outside lower center", ncols=2, fontsize=7, handlelength=1.4)
        return figure


def _low(calls: pd.DataFrame) -> pd.Series:
    """Whether a call is one of the 22-kHz band."""
    return calls["call_type"].astype(str).str.startswith("22")


def _call_key() -> list[Any]:
    from matplotlib.patches import Patch

    return [Patch(color=BLUE, lw=0, label="22-kHz call"), Patch(color=ORANGE, lw=0, label="other call")]


def _calls_of(axes: Axes, calls: pd.DataFrame, place: float) -> None:
    low = _low(calls)
    for chosen, colour, half in ((calls[low], BLUE, 0.36), (calls[~low], ORANGE, 0.18)):
        spans = list(zip(chosen["onset_s"], chosen["offset_s"] - chosen["onset_s"], strict=True))
        axes.broken_barh(spans, (place - half, 2 * half), facecolor=colour, lw=0, zorder=2)


def call_rates(bins: pd.DataFrame, sessions: pd.DataFrame) -> Figure:
    """Calling over the session, bin by bin: mean ± SEM of the units at each dose.

    Parameters
    ----------
    bins : with columns session, begin_s, time_s, calling_time_s; a bin where nothing could be heard is left out
    sessions : those analysed, with session, unit or subject, dose_mg_kg
    """
    who = sessions["unit"].fillna(sessions["subject"]) if "unit" in sessions else sessions["subject"]
    of = sessions.assign(who=who).set_index("session")[["dose_mg_kg", "who"]]
    heard = bins[bins["session"].isin(of.index) & (bins["time_s"] > 0)]
    share = (heard["calling_time_s"] / heard["time_s"]).to_numpy(dtype=np.float64)
    rows = of.loc[heard["session"]].assign(at=(heard["begin_s"] + heard["time_s"] / 2).to_numpy(), share=share)
    means = rows.groupby(["dose_mg_kg", "who", "at"], sort=True)["share"].mean().reset_index()
    with style():
        figure = new_figure(COLUMN_IN, 2.75)
        axes = figure.add_subplot()
        for k, (dose, group) in enumerate(means.groupby("dose_mg_kg", sort=True)):
            here = group.groupby("at")["share"].agg(["mean", "sem"])
            axes.errorbar(
                here.index, 100 * here["mean"], yerr=100 * here["sem"].fillna(0), color=DOSE_INKS[k % len(DOSE_INKS)],
                ls=DOSE_LINES[k % len(DOSE_LINES)], marker=DOSE_MARKERS[k % len(DOSE_MARKERS)], ms=4.5, mec=PAPER,
                mew=0.6, capsize=1.8, lw=1.2, label=dose_text(float(dose)), zorder=3 + k,
            )  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.set_xlabel("Time in recording (s)")
        axes.set_ylabel("Time calling (%)")
        figure.legend(loc="outside upper center", ncols=3, fontsize=7, handlelength=2.8, columnspacing=1.4)
        return figure


_OUTCOMES = {"avoidance": (SKY, "avoidance"), "escape": (BLUE, "escape"), "failure": (VERMILION, "failure")}


def trials_raster(trials: pd.DataFrame, sessions: pd.DataFrame) -> Figure:
    """Every trial of every unit as a mark: avoidance, escape or failure; units in rows, doses in blocks.

    Parameters
    ----------
    trials : with columns session, trial, outcome
    sessions : those analysed, with session, subject, dose_mg_kg
    """
    from matplotlib.lines import Line2D

    marks = {"avoidance": "o", "escape": "|", "failure": "X"}
    with style():
        figure, axes, places = _blocks(sessions, extra_in=0.3)
        for session, place in places.items():
            mine = trials[trials["session"] == session]
            for outcome, (colour, _) in _OUTCOMES.items():
                at = mine.loc[mine["outcome"] == outcome, "trial"]
                axes.plot(
                    at, [place] * len(at), marks[outcome], color=colour, ms=4.2, mew=1.1 if outcome == "escape" else 0,
                    ls="none", zorder=2,
                )  # fmt: skip
        last = float(trials.loc[trials["session"].isin(places), "trial"].max())
        axes.set_xlim(0, last + 1)
        axes.set_xlabel("Trial")
        key = [
            Line2D(
                [],
                [],
                ls="none",
                marker=marks[name],
                color=colour,
                ms=5,
                mew=1.2 if name == "escape" else 0,
                label=said,
            )
            for name, (colour, said) in _OUTCOMES.items()
        ]
        figure.legend(handles=key, loc="outside upper center", ncols=3, fontsize=7)
        return figure


def responses_raster(responses: dict[str, list[float]], sessions: pd.DataFrame) -> Figure:
    """Every response of every unit as a stroke; units in rows, doses in blocks.

    Parameters
    ----------
    responses : times in the session by session, s
    sessions : those analysed, with session, subject, dose_mg_kg
    """
    with style():
        figure, axes, places = _blocks(sessions)
        for session, place in places.items():
            at = np.array(responses.get(session, []), dtype=np.float64) / 60
            axes.vlines(at, place - 0.36, place + 0.36, color=BLUE, lw=0.45, zorder=2)
        axes.set_xlim(0, float(sessions["duration_s"].max()) / 60)
        axes.set_xlabel("Session time (min)")
        return figure


def _blocks(sessions: pd.DataFrame, extra_in: float = 0.0) -> tuple[Figure, Axes, dict[str, float]]:
    """A figure with a row for each session, blocks of one dose apart, and the row of each session."""
    order = sessions.iloc[sorted(range(len(sessions)), key=lambda i: natural_order(sessions["subject"].iloc[i]))]
    order = order.sort_values("dose_mg_kg", kind="stable")
    n_doses = order["dose_mg_kg"].nunique()
    row_in = min(0.15, _TALLEST_IN / len(order))
    figure = new_figure(PAGE_IN, 0.75 + extra_in + row_in * len(order) + 0.12 * n_doses)
    axes = figure.add_subplot()
    place, places = 0.0, {}
    for dose, group in order.groupby("dose_mg_kg", sort=True):
        top = place
        for session in group["session"]:
            axes.axhline(place, color=RULE, lw=0.4, zorder=0)
            places[session] = place
            place += 1
        axes.annotate(
            dose_text(float(dose)), (1.0, (top + place - 1) / 2), xycoords=("axes fraction", "data"), va="center",
            ha="left", xytext=(6, 0), textcoords="offset points", fontsize=8, fontweight="bold",
        )  # fmt: skip
        if place < len(order) + n_doses - 1:
            axes.axhline(place - 0.1, color=RULE, lw=0.8)
        place += 0.8
    again = order["subject"].duplicated(keep=False) & order["day"].notna() if "day" in order else order["subject"] == ""
    days = [f", day {int(day)}" if more else "" for day, more in zip(order.get("day", again), again, strict=True)]
    names = [f"{subject}{day}" for subject, day in zip(order["subject"], days, strict=True)]
    if row_in < _LEAST_ROW_IN:
        axes.set_yticks([])
    else:
        axes.set_yticks(list(places.values()), names, fontsize=min(6.5, 60 * row_in))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.set_ylim(place - 1.1, -0.7)
    return figure, axes, places


def presses_of(dataset: Dataset, sessions: pd.DataFrame) -> dict[str, list[float]]:
    """Times of every press, by session, from the tables of responses beside the scores."""
    import pandas as pd

    found: dict[str, list[float]] = {}
    for session in sessions["session"]:
        path = dataset.folder(session) / "responses.csv"
        try:
            table = pd.read_csv(path, usecols=["kind", "onset_s"])
        except (OSError, ValueError):
            continue
        found[session] = table.loc[table["kind"] == "press", "onset_s"].tolist()
    return found
