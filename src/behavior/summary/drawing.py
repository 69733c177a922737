"""How all figures look, and how they are saved: one type, few inks, the same bytes for the same data.

Colours are those of Okabe and Ito (2008), which people with any colour vision tell apart; what differs in colour also
differs in marker, so that a figure survives a photocopier. Widths are a column (90 mm) or a page (180 mm) of a journal.

Text is drawn as shapes, so that a figure looks the same everywhere. Where a figure stands in a page, the page's style
sheet has its own value for each colour named here, lighter ones on a dark ground.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, FAINT, RULE, PAPER = "#1c1c1d", "#6a6a6b", "#d3d3d4", "#fffffe"
BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"

DOSE_LINES = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1.2, 1.2)), (0, (7, 2, 1, 2, 1, 2)), "-")
DOSE_INKS = (FAINT, SKY, BLUE, GREEN, ORANGE, VERMILION)
DOSE_MARKERS = ("o", "s", "D", "^", "v", "P")
"""How doses that share axes are told apart, vehicle first: by colour, by line and by marker."""

COLUMN_IN, PAGE_IN = 3.54, 7.09

_PAGE_COLOURS = {
    INK: "ink", FAINT: "faint", RULE: "rule", PAPER: "paper", BLUE: "blue", VERMILION: "vermilion", GREEN: "green",
    PURPLE: "purple", ORANGE: "orange", SKY: "sky",
}  # fmt: skip
"""What a colour is called in the style sheet of a page."""

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.labelsize": 8,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.facecolor": "none",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "figure.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.solid_capstyle": "butt",
    "svg.fonttype": "path",
    "svg.hashsalt": "behavior",
    "path.simplify": False,
    "axes.unicode_minus": True,
}


@contextmanager
def style() -> Iterator[None]:
    """All that is drawn in this block looks as the house wants, whatever the machine's own settings are."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(width_in: float, height_in: float) -> Figure:
    """An empty figure that knows no screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def svg_of(figure: Figure) -> str:
    """A figure as an SVG document. Its layout is settled from then on, so that other formats are alike."""
    buffer = io.StringIO()
    with style():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        figure.set_layout_engine("none")
    return buffer.getvalue()


def save(svg: str, figure: Figure, stem: Path) -> None:
    """Write a figure as `stem.svg` and `stem.png` (300 dots per inch)."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    (stem.parent / f"{stem.name}.svg").write_text(svg, encoding="utf-8", newline="\n")
    with style():
        figure.savefig(stem.parent / f"{stem.name}.png", format="png", dpi=300, metadata={"Software": None})


def inline(svg: str, name: str, label: str) -> str:
    """An SVG document as an element of a page: its own ids, the page's colours, a label for those who cannot see it.

    Parameters
    ----------
    svg : from `svg_of`
    name : unique in the page; letters, digits and hyphens
    label : what the figure shows, in words
    """
    from html import escape

    body = svg[svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    for colour, name_in_page in _PAGE_COLOURS.items():
        body = body.replace(colour, f"var(--{name_in_page})")
    width_pt = float(re.search(r'viewBox="0 0 ([0-9.]+)', body)[1])  # type: ignore[index]
    opening = re.match(r"<svg[^>]*>", body)
    assert opening is not None
    view = re.search(r'viewBox="[^"]*"', opening[0])
    assert view is not None
    head = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg" {view[0]} role="img" '
        f'aria-label="{escape(label)}" style="max-width:{width_pt * 4 / 3:.0f}px">'
    )
    return head + body[opening.end() :].strip()


def swarm(values: Sequence[float], height: float, width: float) -> list[float]:
    """Where to draw equal or near values beside each other: offsets to the left, the same for the same values.

    Parameters
    ----------
    values : shape (n,)
    height : values closer than this would touch
    width : between neighbours

    >>> swarm([1.0, 1.2, 5.0, 1.0], height=0.5, width=2.0)
    [0.0, -4.0, 0.0, -2.0]
    """
    placed: list[tuple[float, int]] = []
    offsets = [0.0] * len(values)
    for i in sorted(range(len(values)), key=lambda i: (values[i], i)):
        taken = {column for value, column in placed if abs(value - values[i]) < height}
        column = next(column for column in range(len(values)) if column not in taken)
        placed.append((values[i], column))
        offsets[i] = 0.0 - column * width
    return offsets


def break_mark(axes: Axes, x: float) -> None:
    """Two strokes across the horizontal axis where it leaves something out."""
    transform = axes.get_xaxis_transform()
    lo, hi = axes.get_xlim()
    half = (hi - lo) * 0.008
    axes.plot([x - 2 * half, x + 2 * half], [0, 0], transform=transform, color=PAPER, lw=2.5, clip_on=False, zorder=9)
    for at in (x - 2 * half, x + 2 * half):
        axes.plot(
            [at - half, at + half], [-0.02, 0.02], transform=transform, color=INK, lw=0.8, clip_on=False, zorder=10
        )
