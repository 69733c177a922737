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
from behavior.summary.drawing import BLUE, FAINT, INK, ORANGE, PAGE_IN, RULE, VERMILION, new_figure, style
from behavior.summary.names import dose_text

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from behavior.scoring.timeline import Timeline
    from behavior.study.dataset import Dataset
    from behavior.summary.per_dose import ArmSummary, EndpointSummary


_MOST_COLUMNS = 5
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

    sessions = dataset.analysed
    here = sessions[(sessions["arm"].fillna(arm.plan.name) == arm.plan.name) & (sessions["dose_mg_kg"] == dose)]
    here = here[here["paradigm"] == arm.plan.paradigm]
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
        order = sessions.iloc[sorted(range(len(sessions)), key=lambda i: natural_order(sessions["subject"].iloc[i]))]
        order = order.sort_values("dose_mg_kg", kind="stable")
        figure = new_figure(PAGE_IN, 0.75 + 0.15 * len(order) + 0.12 * order["dose_mg_kg"].nunique())
        axes = figure.add_subplot()
        place = 0.0
        ticks: list[float] = []
        for dose, group in order.groupby("dose_mg_kg", sort=True):
            top = place
            for session in group["session"]:
                _calls_of(axes, calls[calls["session"] == session], place)
                ticks.append(place)
                place += 1
            axes.annotate(
                dose_text(float(dose)), (1.0, (top + place - 1) / 2), xycoords=("axes fraction", "data"), va="center",
                ha="left", xytext=(6, 0), textcoords="offset points", fontsize=8, fontweight="bold",
            )  # fmt: skip
            if place < len(order) + order["dose_mg_kg"].nunique() - 1:
                axes.axhline(place - 0.1, color=RULE, lw=0.8)
            place += 0.8
        axes.set_yticks(ticks, list(order["subject"]), fontsize=6.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylim(place - 1.1, -0.7)
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
    axes.axhline(place, color=RULE, lw=0.4, zorder=0)
    low = _low(calls)
    for chosen, colour, half in ((calls[low], BLUE, 0.36), (calls[~low], ORANGE, 0.18)):
        spans = list(zip(chosen["onset_s"], chosen["offset_s"] - chosen["onset_s"], strict=True))
        axes.broken_barh(spans, (place - half, 2 * half), facecolor=colour, lw=0, zorder=2)
