"""Figures of an arm: every animal and the mean at each dose, the difference from vehicle, punished beside unpunished.

Doses stand on a logarithmic axis; vehicle, which has no logarithm, stands to the left of a break. A curve is drawn only
where there is an ED50; elsewhere means are joined, for a curve would claim more than the data hold.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from behavior.summary.against_vehicle import ALPHA, CLIFF, p_text
from behavior.summary.drawing import (
    BLUE,
    COLUMN_IN,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    RULE,
    SKY,
    VERMILION,
    break_mark,
    new_figure,
    style,
    swarm,
)
from behavior.summary.ed50 import Ed50
from behavior.summary.fit import confidence_band
from behavior.summary.survival import kaplan_meier, latencies
from behavior.summary.wording import significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from behavior.summary.per_dose import ArmSummary, DoseRow, EndpointSummary

_HEIGHT_IN = 2.75


@dataclass(frozen=True)
class DoseAxis:
    """Where doses stand: log10 for doses, vehicle `gap` to the left of the lowest, or alone."""

    doses: tuple[float, ...]

    @property
    def positive(self) -> list[float]:
        """The doses above 0."""
        return [dose for dose in self.doses if dose > 0]

    @property
    def step(self) -> float:
        """The smallest distance of two doses."""
        logs = [math.log10(dose) for dose in self.positive]
        return min((b - a for a, b in pairwise(logs)), default=0.5)

    @property
    def gap(self) -> float:
        """From vehicle to the lowest dose."""
        logs = [math.log10(dose) for dose in self.positive] or [0.0]
        return max(1.1 * self.step, 0.18 * (logs[-1] - logs[0]), 0.3)

    def at(self, dose: float) -> float:
        """The place of a dose."""
        return math.log10(dose) if dose > 0 else math.log10((self.positive or [1.0])[0]) - self.gap

    def limits(self) -> tuple[float, float]:
        """From left of vehicle to right of the highest dose."""
        return self.at(self.doses[0]) - 0.75 * self.gap, self.at(self.doses[-1]) + 0.45 * self.gap

    def label(self, axes: Axes, n: Sequence[int] | None = None) -> None:
        """Ticks, the break, and n below each dose."""
        axes.set_xlim(*self.limits())
        names = [f"{dose:g}" if dose > 0 else "vehicle" for dose in self.doses]
        if n is not None:
            names = [f"{name}\n{'' if i else 'n = '}{n[i]}" for i, name in enumerate(names)]
        axes.set_xticks([self.at(dose) for dose in self.doses], names)
        axes.set_xlabel("Dose (mg/kg)")
        if self.doses[0] == 0 and self.positive:
            break_mark(axes, self.at(0) + 0.5 * self.gap)


def colour_of(measure: str) -> str:
    """Punished responding has a colour of its own in every figure."""
    return VERMILION if measure.startswith("punished") or measure == "n_shocks_delivered" else BLUE


def marker_of(measure: str) -> str:
    """And a marker."""
    return "o" if measure.startswith("punished") else "s" if measure.startswith("unpunished") else "D"


def dose_response(endpoint: EndpointSummary) -> Figure:
    """Every animal, mean ± SEM at each dose, and the fitted curve with its band where there is an ED50.

    Of latencies medians and quartiles are drawn, which censored ones do not shorten.
    """
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        rows = [row for row in endpoint.rows if row.n]
        where = DoseAxis(tuple(row.dose_mg_kg for row in rows))
        colour, marker = colour_of(endpoint.measure.name), marker_of(endpoint.measure.name)
        axes.set_ylim(*_range(endpoint))
        axes.set_xlim(*where.limits())
        _animals(axes, endpoint, where, colour)
        if endpoint.measure.kind == "latency":
            _medians(axes, rows, where, colour, endpoint.units.cut_off)
        else:
            _line(axes, endpoint, where, colour)
            _means(axes, [row for row in rows if row.described.n], where, colour, marker)
        where.label(axes, [row.n for row in rows])
        axes.set_ylabel(endpoint.measure.label)
        return figure


def _line(axes: Axes, endpoint: EndpointSummary, where: DoseAxis, colour: str) -> None:
    if isinstance(endpoint.ed50, Ed50):
        _curve(axes, endpoint.ed50, where, colour)
        return
    rows = [row for row in endpoint.rows if row.dose_mg_kg > 0 and row.described.n]
    x, y = [where.at(row.dose_mg_kg) for row in rows], [row.described.mean or 0.0 for row in rows]
    axes.plot(x, y, color=colour, lw=1.0, zorder=3)


def _medians(axes: Axes, rows: Sequence[DoseRow], where: DoseAxis, colour: str, cut_off: float | None) -> None:
    left, right = where.limits()
    half, top = 0.025 * (right - left), cut_off or axes.get_ylim()[1]
    for row in rows:
        d, x = row.described, where.at(row.dose_mg_kg)
        ink = FAINT if row.dose_mg_kg == 0 else colour
        if d.q1 is not None and d.q3 is not None and math.isfinite(d.q1):
            axes.plot([x, x], [d.q1, min(d.q3, top)], color=INK, lw=1.2, zorder=4)
        if d.median is not None and math.isfinite(d.median):
            axes.plot([x - half, x + half], [d.median, d.median], color=ink, lw=2.6, zorder=5)
    if cut_off is not None:
        axes.axhline(cut_off, color=RULE, lw=0.9, zorder=1)
        axes.set_title("△ no response before the test ended", fontsize=7, fontweight="normal", color=FAINT)


def _range(endpoint: EndpointSummary) -> tuple[float, float]:
    """From 0, or below if need be, to above the highest."""
    values = endpoint.units.responses[np.isfinite(endpoint.units.responses)]
    lo, hi = min(float(values.min(initial=0.0)), 0.0), float(values.max(initial=endpoint.units.cut_off or 0.0))
    room = 0.06 * ((hi - lo) or 1.0)
    return lo - room * (0.5 if lo == 0 else 1), hi + 2 * room


def _animals(axes: Axes, endpoint: EndpointSummary, where: DoseAxis, colour: str) -> None:
    """One open circle an animal, left of the mean; a triangle at the top for one that did not respond in time."""
    lo, hi = axes.get_ylim()
    left, right = where.limits()
    unit = right - left
    values = np.where(endpoint.units.censored, endpoint.units.cut_off or hi, endpoint.units.responses)
    for subject in dict.fromkeys(endpoint.units.subjects):
        mine = [i for i, name in enumerate(endpoint.units.subjects) if name == subject and np.isfinite(values[i])]
        if len(mine) > 1:
            lined = [where.at(float(endpoint.units.doses[i])) - 0.03 * unit for i in mine]
            axes.plot(lined, values[mine], color=RULE, lw=0.6, zorder=1)
    for dose in where.doses:
        here = (endpoint.units.doses == dose) & np.isfinite(values)
        columns = np.array(swarm(values[here].tolist(), 0.034 * (hi - lo), 1.0))
        width = min(0.018 * unit, 0.6 * where.step / max(-columns.min(initial=0.0), 1.0))
        places = where.at(dose) - 0.03 * unit + columns * width
        for marker, chosen in (("o", ~endpoint.units.censored[here]), ("^", endpoint.units.censored[here])):
            axes.plot(
                places[chosen], values[here][chosen], marker, ms=3.6, mfc="none", color=FAINT if dose == 0 else colour,
                mew=0.7, alpha=0.8, zorder=2,
            )  # fmt: skip


def _means(axes: Axes, rows: Sequence[DoseRow], where: DoseAxis, colour: str, marker: str) -> None:
    for row in rows:
        axes.errorbar(
            where.at(row.dose_mg_kg),
            row.described.mean or 0.0,
            yerr=row.described.sem or 0.0,
            fmt=marker,
            ms=6.5 if marker != "D" else 5.8,
            color=FAINT if row.dose_mg_kg == 0 else colour,
            mec=PAPER,
            mew=0.8,
            ecolor=INK,
            elinewidth=1.2,
            capsize=2.5,
            capthick=1.2,
            zorder=5,
        )


def _curve(axes: Axes, found: Ed50, where: DoseAxis, colour: str) -> None:
    """The curve with its band, and the ED50 with its interval on the curve's own half-way line."""
    first, last = where.at(where.positive[0]), where.at(where.positive[-1])
    x = 10 ** np.linspace(first - 0.25 * where.gap, last + 0.2 * where.gap, 200)
    band = confidence_band(found.fit, x, found.conf_level)
    axes.fill_between(np.log10(x), band.lo, band.hi, color=colour, alpha=0.14, lw=0, zorder=1)
    axes.plot(np.log10(x), band.fitted, color=colour, zorder=3)
    floor = axes.get_ylim()[0]
    at, half = math.log10(found.estimate), float(confidence_band(found.fit, [found.estimate]).fitted[0])
    axes.plot([at, at], [floor, half], color=INK, lw=0.8, ls=(0, (3, 2)), zorder=3)
    height = floor + 0.04 * (axes.get_ylim()[1] - floor)
    right = where.limits()[1]
    ends = [min(max(math.log10(end), where.at(0) + 0.55 * where.gap), right) for end in (found.lo, found.hi)]
    axes.plot(ends, [height, height], color=INK, lw=2.2, solid_capstyle="round", zorder=4)
    axes.plot(at, height, "v", color=INK, ms=5, zorder=5)
    estimate, lo, hi = (significant(value, 2) for value in (found.estimate, found.lo, found.hi))
    axes.set_title(f"ED50 {estimate} mg/kg [{lo}, {hi}]", fontsize=7.5, fontweight="normal")


def estimation(endpoint: EndpointSummary) -> Figure:
    """The difference of every dose from vehicle, on the test's scale, with confidence intervals and adjusted p."""
    test = endpoint.test
    assert test is not None
    rows = [row for row in endpoint.rows if row.against is not None]
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        colour, marker = colour_of(endpoint.measure.name), marker_of(endpoint.measure.name)
        axes.axhline(0, color=FAINT, lw=0.9, zorder=1)
        for place, row in enumerate(rows):
            against = row.against
            assert against is not None
            if against.lo is not None and against.hi is not None:
                axes.plot([place, place], [against.lo, against.hi], color=INK, lw=1.4, zorder=3)
            axes.plot(place, against.estimate, marker, color=colour, mec=PAPER, mew=0.8, ms=7.5, zorder=4)
            axes.annotate(
                p_text(against.p_adjusted).removeprefix("= "),
                (place, 1.0),
                xycoords=("data", "axes fraction"),
                ha="center",
                va="bottom",
                fontsize=7,
                fontweight="bold" if against.p_adjusted < ALPHA else "normal",
            )
        axes.annotate("p", (0, 1.0), xycoords="axes fraction", ha="left", va="bottom", fontsize=7, fontstyle="italic",
                      xytext=(2, 0), textcoords="offset points")  # fmt: skip
        axes.set_xlim(-0.6, len(rows) - 0.4)
        axes.set_xticks(range(len(rows)), [f"{row.dose_mg_kg:g}\nn = {row.n}" for row in rows])
        axes.set_xlabel(f"Dose (mg/kg), against vehicle (n = {endpoint.vehicle.n})")
        axes.set_ylabel(test.scale)
        axes.margins(y=0.12)
        if test.scale == CLIFF:
            axes.set_ylim(-1.08, 1.08)
        return figure


_LINES = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1.2, 1.2)), (0, (7, 2, 1, 2, 1, 2)), "-")
_INKS = (FAINT, SKY, BLUE, GREEN, ORANGE, VERMILION)


def still_waiting(endpoint: EndpointSummary) -> Figure:
    """Kaplan–Meier curves: the share of animals at each dose that has not responded yet; ticks are censored ones."""
    units = endpoint.units
    times = np.where(units.censored, np.nan if units.cut_off is None else units.cut_off, units.responses)
    present = np.isfinite(times)
    curves = kaplan_meier(latencies(times[present], ~units.censored[present], units.doses[present], reference=0.0))
    end = float(times[present].max())
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        for k, curve in enumerate(curves):
            x = np.concatenate([[0.0], curve.times, [end]])
            y = np.concatenate([[1.0], curve.survival, [curve.survival_at(end)]])
            name = "vehicle" if k == 0 else f"{curve.level} mg/kg"
            ink, line = _INKS[k % len(_INKS)], _LINES[k % len(_LINES)]
            axes.step(x, y, where="post", color=ink, ls=line, lw=1.5, label=name, zorder=3 + k)
            if curve.n > curve.n_events:
                axes.plot(end, curve.survival_at(end), "|", color=ink, ms=8, mew=1.2, clip_on=False, zorder=3 + k)
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel(endpoint.measure.label)
        axes.set_ylabel("Share that has not responded")
        figure.legend(
            loc="outside upper center", ncols=min(len(curves), 3), fontsize=7, handlelength=2.8, columnspacing=1.4
        )
        return figure


def side_by_side(arm: ArmSummary, names: Sequence[str]) -> Figure:
    """Several rates as percent of vehicle, mean ± SEM, on one dose axis: what is changed, and what is left alone."""
    chosen = [endpoint for name in names for endpoint in arm.endpoints if endpoint.measure.name == name]
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        where = DoseAxis(tuple(row.dose_mg_kg for row in chosen[0].rows if row.described.n))
        axes.axhline(100, color=RULE, lw=0.9, zorder=1)
        left, right = where.limits()
        for k, endpoint in enumerate(chosen):
            shift = (k - (len(chosen) - 1) / 2) * 0.018 * (right - left)
            _percent(axes, endpoint, where, shift)
        axes.set_ylim(bottom=0)
        where.label(axes)
        axes.set_ylabel("Percent of vehicle")
        axes.legend(loc="upper left", handlelength=1.6, borderaxespad=0.1, fontsize=7.5)
        return figure


def _percent(axes: Axes, endpoint: EndpointSummary, where: DoseAxis, shift: float) -> None:
    base = endpoint.vehicle.described.mean
    rows = [row for row in endpoint.rows if row.described.mean is not None]
    assert base
    x = [where.at(row.dose_mg_kg) + shift for row in rows]
    y = [100 * (row.described.mean or 0.0) / base for row in rows]
    error = [100 * (row.described.sem or 0.0) / base for row in rows]
    colour, marker = colour_of(endpoint.measure.name), marker_of(endpoint.measure.name)
    axes.plot(x[1:], y[1:], color=colour, lw=1.2, zorder=2)
    axes.errorbar(
        x, y, yerr=error, fmt=marker, color=colour, mec=PAPER, mew=0.8, ms=6.5, ecolor=colour, elinewidth=1.1,
        capsize=2.2, zorder=3, label=endpoint.measure.label.split(" (")[0],
    )  # fmt: skip
