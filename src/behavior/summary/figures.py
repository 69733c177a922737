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

from behavior.summary.by_latency import sorted_out
from behavior.summary.drawing import (
    BLUE,
    COLUMN_IN,
    DOSE_INKS,
    DOSE_LINES,
    DOSE_MARKERS,
    FAINT,
    INK,
    PAPER,
    RULE,
    VERMILION,
    break_mark,
    new_figure,
    style,
    swarm,
)
from behavior.summary.ed50 import NoEd50
from behavior.summary.ed50_by_kind import band_in_units
from behavior.summary.survival import kaplan_meier
from behavior.summary.turning import Turn
from behavior.summary.vehicle_test import ALPHA, CLIFF, Against, p_text
from behavior.summary.wording import differs, significant

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from behavior.summary.drinking import IntakeRow
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
        if shows_medians(endpoint):
            if not isinstance(endpoint.ed50, NoEd50):
                _curve(axes, endpoint, where, colour)
            _medians(axes, rows, where, colour, endpoint.units.cut_off)
        else:
            _line(axes, endpoint, where, colour)
            _means(axes, [row for row in rows if row.described.n], where, colour, marker)
        where.label(axes, [row.n for row in rows])
        axes.set_ylabel(endpoint.measure.label)
        return figure


def shows_medians(endpoint: EndpointSummary) -> bool:
    """Whether an endpoint is drawn as medians, which censored latencies do not shorten; means of trials are not cut."""
    return endpoint.measure.kind == "latency" and endpoint.units.by_trial is None


def _line(axes: Axes, endpoint: EndpointSummary, where: DoseAxis, colour: str) -> None:
    if not isinstance(endpoint.ed50, NoEd50):
        _curve(axes, endpoint, where, colour)
        return
    if isinstance(endpoint.turn, Turn) and endpoint.turn.p < ALPHA:
        _turning(axes, endpoint.turn, where, colour)
        return
    rows = [row for row in endpoint.rows if row.dose_mg_kg > 0 and row.described.n]
    x, y = [where.at(row.dose_mg_kg) for row in rows], [row.described.mean or 0.0 for row in rows]
    axes.plot(x, y, color=colour, lw=1.0, zorder=3)


def _turning(axes: Axes, turn: Turn, where: DoseAxis, colour: str) -> None:
    """The curve that turns, dashed, between the lowest and the highest dose."""
    first, last = where.at(where.positive[0]), where.at(where.positive[-1])
    x = 10 ** np.linspace(first - 0.25 * where.gap, last, 200)
    axes.plot(np.log10(x), turn.curve(x), color=colour, ls=(0, (5, 2)), zorder=3)
    axes.set_title("an effect that turns (Brain–Cousens)", fontsize=7.5, fontweight="normal")


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


def _curve(axes: Axes, endpoint: EndpointSummary, where: DoseAxis, colour: str) -> None:
    """The curve with its band, and the ED50 with its interval on the curve's own half-way line."""
    found = endpoint.ed50
    assert not isinstance(found, NoEd50)
    first, last = where.at(where.positive[0]), where.at(where.positive[-1])
    x = 10 ** np.linspace(first - 0.25 * where.gap, last + 0.2 * where.gap, 200)
    band = band_in_units(found, endpoint.units, endpoint.measure, x)
    top = axes.get_ylim()[1]
    if np.isfinite(band.lo).all() and np.isfinite(band.hi).all():
        axes.fill_between(np.log10(x), band.lo, np.minimum(band.hi, 2 * top), color=colour, alpha=0.14, lw=0, zorder=1)
    axes.plot(np.log10(x), band.fitted, color=colour, zorder=3)
    half_way = band_in_units(found, endpoint.units, endpoint.measure, [found.estimate])
    at, half, floor = math.log10(found.estimate), float(half_way.fitted[0]), axes.get_ylim()[0]
    axes.plot([at, at], [floor, half], color=INK, lw=0.8, ls=(0, (3, 2)), zorder=3)
    height = floor + 0.04 * (axes.get_ylim()[1] - floor)
    right = where.limits()[1]
    ends = [min(max(math.log10(end), where.at(0) + 0.55 * where.gap), right) for end in (found.lo, found.hi)]
    axes.plot(ends, [height, height], color=INK, lw=2.2, solid_capstyle="round", zorder=4)
    axes.plot(at, height, "v", color=INK, ms=5, zorder=5)
    estimate, lo, hi = (significant(value, 2) for value in (found.estimate, found.lo, found.hi))
    title = f"{found.kind} ED50 {estimate} mg/kg [{lo}, {hi}]"
    axes.set_title(title, fontsize=7.5, fontweight="normal")


def estimation(endpoint: EndpointSummary) -> Figure:
    """Every dose against vehicle on the test's scale, with confidence intervals and adjusted p; ratios by logarithm.

    An end that the data do not give (a ratio of 0, or without limit) is an arrow at the edge.
    """
    test = endpoint.test
    assert test is not None
    rows = [row for row in endpoint.rows if row.against is not None]
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        colour, marker = colour_of(endpoint.measure.name), marker_of(endpoint.measure.name)
        axes.axhline(test.null, color=FAINT, lw=0.9, zorder=1)
        if test.null == 1:
            axes.set_yscale("log")
        axes.set_ylim(*_reach(endpoint, rows))
        for place, row in enumerate(rows):
            assert row.against is not None
            _estimate(axes, place, row.against, colour, marker)
        axes.annotate("p", (0, 1.0), xycoords="axes fraction", ha="left", va="bottom", fontsize=7, fontstyle="italic",
                      xytext=(2, 0), textcoords="offset points")  # fmt: skip
        axes.set_xlim(-0.6, len(rows) - 0.4)
        axes.set_xticks(range(len(rows)), [f"{row.dose_mg_kg:g}\nn = {row.n}" for row in rows])
        axes.set_xlabel(f"Dose (mg/kg), against vehicle (n = {endpoint.vehicle.n})")
        axes.set_ylabel(test.scale)
        if test.null == 1:
            _plain_logs(axes)
        return figure


def _reach(endpoint: EndpointSummary, rows: Sequence[DoseRow]) -> tuple[float, float]:
    """Limits that hold every estimate and interval that has an end."""
    test = endpoint.test
    assert test is not None
    if test.scale == CLIFF:
        return -1.08, 1.08
    ends = [x for row in rows if row.against for x in (row.against.estimate, row.against.lo, row.against.hi)]
    if test.null == 1:
        logs = [math.log10(x) for x in ends if x is not None and 0 < x < math.inf] or [0.0]
        lo, hi = min(*logs, -0.3), max(*logs, 0.3)
        room = 0.12 * (hi - lo)
        return float(10 ** (lo - room)), float(10 ** (hi + room))
    found = [x for x in ends if x is not None and math.isfinite(x)] or [0.0]
    lo, hi = min(*found, 0.0), max(*found, 0.0)
    room = 0.12 * ((hi - lo) or 1.0)
    return lo - room, hi + room


def _estimate(axes: Axes, place: int, against: Against, colour: str, marker: str) -> None:
    bottom, top = axes.get_ylim()
    if against.lo is not None and against.hi is not None:
        lo, hi = max(against.lo, bottom), min(against.hi, top)
        axes.plot([place, place], [lo, hi], color=INK, lw=1.4, zorder=3)
        for end, seen, arrow in ((against.lo, bottom, "v"), (against.hi, top, "^")):
            if not bottom <= end <= top:
                axes.plot(place, seen, arrow, color=INK, ms=4, zorder=3, clip_on=False)
    inside = min(max(against.estimate, bottom), top)
    axes.plot(
        place, inside, marker, color=colour, mec=PAPER, mew=0.8, ms=7.5, zorder=4, clip_on=inside == against.estimate
    )
    said = "–" if against.p_adjusted is None else p_text(against.p_adjusted).removeprefix("= ")
    axes.annotate(
        said, (place, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=7,
        xytext=(0, 2), textcoords="offset points", fontweight="bold" if differs(against) else "normal",
    )  # fmt: skip


def _plain_logs(axes: Axes) -> None:
    """Ratios as people write them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    bottom, top = axes.get_ylim()
    wide = math.log10(top / bottom) > 2.2
    axes.yaxis.set_major_locator(LogLocator(base=10, subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def over_days(endpoint: EndpointSummary) -> Figure:
    """Mean ± SEM of every dose on each day, days in their true distance; a star where a dose differs on its day."""
    course = endpoint.course
    assert course is not None
    doses = sorted({row.dose_mg_kg for row in course.rows})
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        step = 0.012 * (course.days[-1] - course.days[0])
        for k, dose in enumerate(doses):
            rows = [row for row in course.rows if row.dose_mg_kg == dose and row.mean is not None]
            ink, line = DOSE_INKS[k % len(DOSE_INKS)], DOSE_LINES[k % len(DOSE_LINES)]
            x = [row.day + (k - (len(doses) - 1) / 2) * step for row in rows]
            axes.errorbar(
                x, [row.mean or 0.0 for row in rows], yerr=[row.sem or 0.0 for row in rows], color=ink, ls=line,
                marker=DOSE_MARKERS[k % len(DOSE_MARKERS)], ms=5, mec=PAPER, mew=0.6, capsize=2, lw=1.2, zorder=3 + k,
                label="vehicle" if dose == 0 else f"{dose:g} mg/kg",
            )  # fmt: skip
            for at, row in zip(x, rows, strict=True):
                if differs(row.against):
                    axes.annotate(
                        "*", (at, (row.mean or 0.0) + (row.sem or 0.0)), ha="center", va="bottom", fontsize=9, color=ink
                    )
        axes.set_xticks(course.days, [str(day) for day in course.days])
        axes.set_xlabel("Day")
        axes.set_ylabel(endpoint.measure.label)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        figure.legend(
            loc="outside upper center", ncols=min(len(doses), 3), fontsize=7, handlelength=2.8, columnspacing=1.4
        )
        return figure


def still_waiting(endpoint: EndpointSummary) -> Figure:
    """Kaplan–Meier curves: the share at each dose that has not responded yet, of animals or of their trials.

    Ticks are censored ones.
    """
    found, _ = sorted_out(endpoint.units)
    curves, end = kaplan_meier(found), float(found.time.max())
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        for k, curve in enumerate(curves):
            x = np.concatenate([[0.0], curve.times, [end]])
            y = np.concatenate([[1.0], curve.survival, [curve.survival_at(end)]])
            name = "vehicle" if k == 0 else f"{curve.level} mg/kg"
            ink, line = DOSE_INKS[k % len(DOSE_INKS)], DOSE_LINES[k % len(DOSE_LINES)]
            axes.step(x, y, where="post", color=ink, ls=line, lw=1.5, label=name, zorder=3 + k)
            if curve.n > curve.n_events:
                axes.plot(end, curve.survival_at(end), "|", color=ink, ms=8, mew=1.2, clip_on=False, zorder=3 + k)
        axes.set_xlim(0, end)
        axes.set_ylim(0, 1.02)
        axes.set_xlabel(endpoint.measure.label)
        of = "trials" if endpoint.units.by_trial is not None else f"{endpoint.units.unit}s"
        axes.set_ylabel(f"Share of {of} without response")
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


def two_curves(arm: ArmSummary, other: ArmSummary) -> Figure:
    """The primary endpoint of two arms on one dose axis: means, fitted curves, and both ED50s with their intervals."""
    pair = (arm.primary, other.primary)
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        doses = sorted({row.dose_mg_kg for endpoint in pair for row in endpoint.rows if row.described.n})
        where = DoseAxis(tuple(doses))
        left, right = where.limits()
        looks = ((BLUE, "o", "-"), (VERMILION, "s", (0, (5, 2))))
        for k, (one, endpoint, (colour, marker, line)) in enumerate(zip((arm, other), pair, looks, strict=True)):
            found = endpoint.ed50
            assert not isinstance(found, NoEd50)
            mine = [where.at(row.dose_mg_kg) for row in endpoint.rows if row.dose_mg_kg > 0]
            x = 10 ** np.linspace(min(mine) - 0.25 * where.gap, max(mine) + 0.2 * where.gap, 200)
            axes.plot(
                np.log10(x), band_in_units(found, endpoint.units, endpoint.measure, x).fitted, color=colour, ls=line
            )
            rows = [row for row in endpoint.rows if row.described.n]
            shift = (k - 0.5) * 0.018 * (right - left)
            axes.errorbar(
                [where.at(row.dose_mg_kg) + shift for row in rows], [row.described.mean or 0.0 for row in rows],
                yerr=[row.described.sem or 0.0 for row in rows], fmt=marker, color=colour, mec=PAPER, mew=0.8, ms=6,
                capsize=2.2, elinewidth=1.1, zorder=3, label=one.plan.compound,
            )  # fmt: skip
            height = 0.03 + 0.045 * k
            ends = [min(max(math.log10(end), left), right) for end in (found.lo, found.hi)]
            axes.plot(ends, [height] * 2, color=colour, lw=2.2, transform=axes.get_xaxis_transform(), zorder=4)
            axes.plot(math.log10(found.estimate), height, marker, color=colour, mec=PAPER, ms=5,
                      transform=axes.get_xaxis_transform(), zorder=5)  # fmt: skip
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        where.label(axes)
        axes.set_ylabel(pair[0].measure.label)
        figure.legend(loc="outside upper center", ncols=2, fontsize=7.5)
        return figure


def intake_over_days(rows: Sequence[IntakeRow]) -> Figure:
    """The dose that was drunk of every bottle, mean ± SEM of cages, beside the planned dose."""
    with style():
        figure = new_figure(COLUMN_IN, _HEIGHT_IN)
        axes = figure.add_subplot()
        planned = sorted({row.dose_mg_kg for row in rows if row.dose_mg_kg > 0})
        for k, dose in enumerate(planned, start=1):
            mine = [row for row in rows if row.dose_mg_kg == dose]
            ink, line = DOSE_INKS[k % len(DOSE_INKS)], DOSE_LINES[k % len(DOSE_LINES)]
            axes.axhline(dose, color=ink, lw=0.8, ls=(0, (2, 2)), zorder=1)
            axes.errorbar(
                [(row.first_day + row.last_day) / 2 for row in mine], [row.mg_kg for row in mine],
                yerr=[row.mg_kg_sem or 0.0 for row in mine], color=ink, ls=line,
                marker=DOSE_MARKERS[k % len(DOSE_MARKERS)], ms=5, mec=PAPER, mew=0.6, capsize=2, lw=1.2, zorder=3,
                label=f"{dose:g}",
            )  # fmt: skip
        axes.set_xlabel("Day (middle of a bottle's days)")
        axes.set_ylabel("Drunk (mg/kg a day)")
        axes.set_ylim(bottom=0)
        figure.legend(loc="outside upper center", ncols=5, fontsize=7, title="Planned (mg/kg a day)", title_fontsize=7)
        return figure
