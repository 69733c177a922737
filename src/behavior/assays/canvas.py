"""What the assays' figures have in common beyond the house style of `behavior.summary.drawing`.

Every series has its own colour, marker and dash, so that grey print holds them apart. A dose of 0 has no place on a log
axis: `log_doses` puts it left of the others behind a break and labels it 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.assays.quantity import shortest
from behavior.summary.drawing import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    PURPLE,
    RULE,
    SKY,
    VERMILION,
    new_figure,
)

__all__ = [
    "BLUE",
    "FAINT",
    "GREEN",
    "INK",
    "PAPER",
    "RULE",
    "VERMILION",
    "Series",
    "errorbars",
    "headroom",
    "legend",
    "log_doses",
    "panels",
    "plain_log",
    "published_marker",
    "series",
]

Floats = NDArray[np.float64]

_COLOURS = (INK, BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, FAINT)
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1)), (0, (8, 2)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)))
_PUBLISHED = {">": ">", ">=": ">", "<": "<", "<=": "<"}


@dataclass(frozen=True, slots=True)
class Series:
    """The look of one series."""

    colour: str
    marker: str
    dash: Any


def series(index: int) -> Series:
    """The look of the series with this index."""
    return Series(_COLOURS[index % 8], _MARKERS[index % 8], _DASHES[index % 8])


def published_marker(qualifier: str) -> str:
    """The marker of a published figure: a diamond, or a triangle that points where a bound does."""
    return _PUBLISHED.get(qualifier, "D")


def panels(
    n: int, *, width: float = 3.1, height: float = 2.6, most_columns: int = 3, sharey: bool = False
) -> tuple[Any, list[Any]]:
    """A figure with `n` panels in rows of at most `most_columns`; inches per panel. The panels are returned in
    order.
    """
    columns = min(n, most_columns)
    rows = -(-n // columns)
    figure = new_figure(width * columns, height * rows)
    axes = np.atleast_1d(np.asarray(figure.subplots(rows, columns, sharey=sharey), dtype=object)).ravel().tolist()
    for spare in axes[n:]:
        spare.set_visible(False)
    return figure, axes[:n]


def log_doses(axis: Any, doses: ArrayLike) -> dict[float, float]:
    """Make x a log axis for these doses; returns where each dose stands, 0 included.

    Parameters
    ----------
    axis : matplotlib axes
    doses : all that will be drawn
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter

    different = np.unique(np.asarray(doses, dtype=np.float64))
    positive = different[different > 0]
    places = {float(dose): float(dose) for dose in positive}
    axis.set_xscale("log")
    if not len(positive):
        return places | {0.0: 1.0}
    if len(positive) < len(different):
        places[0.0] = _place_of_zero(axis, positive)
    back = {place: dose for dose, place in places.items()}
    if len(places) > 7:
        _label_decades(axis, float(positive[0]), float(positive[-1]), places.get(0.0))
        return places
    axis.xaxis.set_major_locator(FixedLocator(sorted(back)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda place, _: shortest(_nearest(back, place))))
    axis.minorticks_off()
    return places


def _label_decades(axis: Any, low: float, high: float, zero: float | None) -> None:
    """Plain numbers at the decades of many doses, and 0 at the place of 0."""
    from matplotlib.ticker import FixedLocator, FuncFormatter

    plain_log(axis, "x", (low, high))
    if zero is None:
        return
    decades = [at for at in axis.xaxis.get_major_locator().tick_values(low, high) if low * 0.999 <= at <= high * 1.001]
    axis.xaxis.set_major_locator(FixedLocator([zero, *decades]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda at, _: "0" if at < low * 0.999 else shortest(at)))
    axis.minorticks_off()


def _place_of_zero(axis: Any, positive: Floats) -> float:
    steps = np.diff(np.log10(positive))
    step = max(min(float(steps.min(initial=0.75)), 0.75), 0.4)
    broken = float(positive[0] / 10 ** (step / 2))
    gap = {"facecolor": PAPER, "edgecolor": "none", "pad": 0.6}
    axis.text(broken, 0, "//", transform=axis.get_xaxis_transform(), ha="center", va="center", fontsize=8, bbox=gap)
    return float(positive[0] / 10**step)


def _nearest(back: dict[float, float], place: float) -> float:
    return back[min(back, key=lambda known: abs(np.log10(known) - np.log10(place)))] if place > 0 else 0.0


def plain_log(axis: Any, which: str, ends: tuple[float, float] | None = None) -> None:
    """Make an axis logarithmic with plain numbers at its ticks: 0.1, 1, 10, and 2 and 5 on short ones.

    Parameters
    ----------
    axis : matplotlib axes
    which : ``x`` or ``y``
    ends : lowest and highest value to come; those drawn already where None
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    (axis.set_xscale if which == "x" else axis.set_yscale)("log")
    low, high = ends or (axis.get_xlim() if which == "x" else axis.get_ylim())
    line = axis.xaxis if which == "x" else axis.yaxis
    decades = np.log10(high / low) if low > 0 else 3.0
    subs = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0) if decades < 0.8 else (1.0, 2.0, 5.0) if decades < 2.2 else (1.0,)
    line.set_major_locator(LogLocator(subs=subs))
    line.set_major_formatter(FuncFormatter(lambda value, _: shortest(value)))
    line.set_minor_formatter(NullFormatter())


def headroom(axis: Any, share: float) -> None:
    """Free a share of the height above the data, for a legend."""
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + share * (high - low))


def errorbars(
    axis: Any, x: Sequence[float], y: Sequence[float], spread: Sequence[float | None], look: Series, label: str = ""
) -> None:
    """Points with symmetric error bars and no line."""
    bars = [0.0 if one is None else one for one in spread]
    axis.errorbar(
        x, y, yerr=bars, fmt=look.marker, color=look.colour, capsize=2, elinewidth=0.9, ms=4.2, label=label or None
    )


def legend(axis: Any, **more: Any) -> None:
    """A legend, if there is anything to name."""
    if axis.get_legend_handles_labels()[1]:
        axis.legend(**{"fontsize": 7, "handlelength": 1.4, **more})
