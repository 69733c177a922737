"""Pages that show what was found in a recording: an overview of all of it, then the stretches that hold calls.

An hour of 250-kHz sound has a thousand million samples, a page some thousand columns. So each column shows the
strongest moment of its stretch (a mean would drown a 30-ms call in a column of two seconds), over the noise of its
frequency, and the pages after the overview leave out what holds no call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from behavior.audio.spectrogram import FrameGrid
from behavior.model.calls import Call
from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from behavior.usv.gate import Rejected

ROW_S, ROWS_A_PAGE = 10.0, 6
COLUMNS, BANDS = 1500, 160
ENDINGS = (".pdf", ".png")
_PAGE_IN = (11.7, 8.3)
_DPI = 150
_RANGE_DB = (4.0, 36.0)
_TOP_HZ = 110_000.0
_MARGIN_HZ = 1_500.0
_BLOCK = 1 << 20
_INKS = (("22-kHz", "#d55e00"), ("44-kHz", "#cc79a7"), ("50-kHz", "#0072b2"))
_OTHER, _REJECTED, _INK = "#009e73", "#8a8a8a", "#1c1c1d"

Image = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Found:
    """A recording and what was found in it; `channel` counts from 1."""

    path: Path
    sample_rate_hz: int
    n_samples: int
    calls: Sequence[Call]
    rejected: Sequence[Rejected] = ()
    channel: int | None = None

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return self.n_samples / self.sample_rate_hz

    @property
    def top_hz(self) -> float:
        """The highest frequency that is drawn."""
        highest = max([_TOP_HZ - 5_000, *(call.high_hz for call in self.calls)]) + 5_000
        return min(self.sample_rate_hz / 2, highest)


def save_pages(out: Path, recordings: Sequence[Found], tell: Callable[[str], None] = lambda page: None) -> list[Path]:
    """Draw recordings and save the pages.

    Parameters
    ----------
    out : ends in ``.pdf``, all pages in one file, or ``.png``, a file each: ``x.png``, ``x_page-02.png`` …
    recordings : what to draw
    tell : is told which page is being drawn

    Returns
    -------
    list of paths
        The files that were written.
    """
    from matplotlib import rc_context

    style = {"font.size": 8, "font.family": "DejaVu Sans", "axes.spines.top": False, "axes.spines.right": False}
    written: list[Path] = []
    with rc_context(style):
        try:
            if out.suffix.lower() == ".pdf":
                _save_pdf(out, recordings, tell)
                return [out]
            for number, figure in enumerate(_pages(recordings, tell), start=1):
                path = page_path(out, number)
                figure.savefig(path, dpi=_DPI, metadata={"Software": None})
                written.append(path)
        except OSError as error:
            raise Failure(f"{out}: cannot be written ({error.strerror}); free the disk or name another file") from None
    return written


def page_path(out: Path, number: int) -> Path:
    """What the file of a page is called."""
    return out if number == 1 else out.with_name(f"{out.stem}_page-{number:02d}{out.suffix}")


def check_name(out: Path) -> None:
    """See that pages can be saved under this name.

    Raises
    ------
    BadInput
        It has another ending.
    """
    if out.suffix.lower() not in ENDINGS:
        raise BadInput(f"{out}: figures are written as {' or '.join(ENDINGS)}; give it one of these endings")


def _save_pdf(out: Path, recordings: Sequence[Found], tell: Callable[[str], None]) -> None:
    from matplotlib.backends.backend_pdf import PdfPages

    with PdfPages(out, metadata={"CreationDate": None, "Producer": None, "Creator": "behavior"}) as pdf:
        for figure in _pages(recordings, tell):
            pdf.savefig(figure, dpi=_DPI)


def _pages(recordings: Sequence[Found], tell: Callable[[str], None]) -> Iterator[Figure]:
    for found in recordings:
        tell(f"{found.path.name}: overview")
        yield overview(found)
        firsts = rows_with_calls(found.calls)
        n_pages = -(-len(firsts) // ROWS_A_PAGE)
        for page in range(n_pages):
            tell(f"{found.path.name}: page {page + 1} of {n_pages}")
            rows = firsts[page * ROWS_A_PAGE : (page + 1) * ROWS_A_PAGE]
            yield close_view(found, rows, f"page {page + 1} of {n_pages}")


def rows_with_calls(calls: Sequence[Call]) -> list[float]:
    """Where the rows of the close views begin, s: every stretch of `ROW_S` that holds a part of a call."""
    rows = {k for call in calls for k in range(int(call.onset_s // ROW_S), int(call.offset_s // ROW_S) + 1)}
    return [k * ROW_S for k in sorted(rows)]


def overview(found: Found) -> Figure:
    """All of a recording on a page: its sound, where its calls are, how many a minute, and their kinds."""
    figure = _figure()
    upper, middle, lower = figure.subplots(3, 1, height_ratios=(3.2, 1.6, 1.2), sharex=True)
    unit_s, unit = (60.0, "min") if found.duration_s > 120 else (1.0, "s")
    extent = (0.0, found.duration_s / unit_s, 0.0, found.top_hz / 1e3)
    _draw_image(upper, pooled(found, 0, found.n_samples, clicks=False), extent)
    upper.set_ylabel("kHz")
    upper.set_title(_title(found), loc="left")
    for name, ink, calls in _by_kind(found.calls):
        at = [call.onset_s / unit_s for call in calls]
        middle.vlines(
            at, [c.low_hz / 1e3 for c in calls], [c.high_hz / 1e3 for c in calls], color=ink, linewidth=1.2,
            label=f"{name} ({len(calls)})",
        )  # fmt: skip
        middle.plot(at, [call.mean_hz / 1e3 for call in calls], ".", color=ink, markersize=2.5)
    middle.set_ylabel("calls, kHz")
    middle.set_ylim(0, found.top_hz / 1e3)
    if found.calls:
        middle.legend(loc="upper right", frameon=False, ncols=4)
    _draw_rate(lower, found, unit_s)
    lower.set_xlabel(unit)
    lower.set_xlim(0, found.duration_s / unit_s)
    return figure


def _draw_rate(axes: Axes, found: Found, unit_s: float) -> None:
    """Calls in each minute, or in each tenth of a short recording."""
    bin_s = 60.0 if found.duration_s > 120 else max(found.duration_s / 10, 1e-6)
    edges = np.arange(0, found.duration_s + bin_s, bin_s)
    bottom = np.zeros(len(edges) - 1)
    for _, ink, calls in _by_kind(found.calls):
        n, _ = np.histogram([call.onset_s for call in calls], edges)
        axes.bar(edges[:-1] / unit_s, n, width=bin_s / unit_s, align="edge", bottom=bottom, color=ink, linewidth=0)
        bottom += n
    axes.set_ylabel("calls a minute" if bin_s == 60 else f"calls in {bin_s:.3g} s")
    axes.set_ylim(0, max(1.0, 1.1 * float(bottom.max(initial=0))))
    if not found.calls:
        axes.text(0.5, 0.5, "no call was found", transform=axes.transAxes, ha="center", va="center")


def close_view(found: Found, rows: Sequence[float], page: str) -> Figure:
    """A page of rows of `ROW_S`: the sound, a box around each call, and a bar above it."""
    figure = _figure()
    all_axes = np.atleast_1d(figure.subplots(ROWS_A_PAGE, 1))
    top_khz = found.top_hz / 1e3
    for axes in all_axes[len(rows) :]:
        axes.set_axis_off()
    for axes, from_s in zip(all_axes, rows, strict=False):
        first, stop = round(from_s * found.sample_rate_hz), round((from_s + ROW_S) * found.sample_rate_hz)
        stop = min(stop, found.n_samples)
        to_s = stop / found.sample_rate_hz
        _draw_image(axes, pooled(found, first, stop), (from_s, to_s, 0.0, top_khz))
        _draw_boxes(axes, found.rejected, from_s, to_s, lambda _: _REJECTED)
        _draw_boxes(axes, found.calls, from_s, to_s, lambda call: _ink(call.call_type))
        axes.set_xlim(from_s, from_s + ROW_S)
        axes.set_ylim(0, 1.08 * top_khz)
        axes.set_yticks([k for k in (0, 25, 50, 75, 100, 125) if k <= top_khz])
        axes.set_ylabel("kHz")
    all_axes[0].set_title(f"{_title(found)}   {page}; grey: rejected", loc="left")
    all_axes[min(len(rows), ROWS_A_PAGE) - 1].set_xlabel("s")
    return figure


def _draw_boxes(axes: Axes, marks: Sequence[Any], from_s: float, to_s: float, ink: Callable[[Any], str]) -> None:
    from matplotlib.patches import Rectangle

    top_khz = axes.get_ylim()[1]
    for mark in marks:
        if mark.offset_s < from_s or mark.onset_s > to_s:
            continue
        low, high = (mark.low_hz - _MARGIN_HZ) / 1e3, (mark.high_hz + _MARGIN_HZ) / 1e3
        width, colour = mark.offset_s - mark.onset_s, ink(mark)
        axes.add_patch(Rectangle((mark.onset_s, low), width, high - low, fill=False, edgecolor=colour, linewidth=0.8))
        if colour != _REJECTED:
            axes.add_patch(
                Rectangle((mark.onset_s, 1.02 * top_khz), max(width, 0.02), 0.05 * top_khz, color=colour, linewidth=0)
            )


def _draw_image(axes: Axes, image: Image, extent: tuple[float, float, float, float]) -> None:
    low, high = _RANGE_DB
    axes.imshow(
        image, origin="lower", aspect="auto", extent=extent, cmap="gray_r", vmin=low, vmax=high,
        interpolation="nearest", interpolation_stage="data",
    )  # fmt: skip


def pooled(found: Found, first: int, stop: int, *, clicks: bool = True) -> Image:
    """The sound from sample `first` to `stop`, dB over each frequency's noise, shape (`BANDS`, n): each's greatest.

    The noise of a frequency is the level that a fifth of the columns do not reach. Without `clicks`, what is loud at
    all frequencies at once is taken off, which would fill an overview.
    """
    import soundfile
    from scipy import fft

    grid = FrameGrid.at(found.sample_rate_hz)
    size, hop = grid.size, grid.size // 2
    n_frames = max(1, (stop - first - size) // hop + 1)
    n_columns = min(COLUMNS, n_frames)
    n_bins = int(found.top_hz / grid.bin_hz) + 1
    bands = np.minimum(np.arange(n_bins) * BANDS // n_bins, BANDS - 1)
    borders = np.searchsorted(bands, np.arange(BANDS))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    greatest = np.full((n_columns, BANDS), 1e-17, np.float32)
    held, n_done = np.empty(0, np.float32), 0
    with soundfile.SoundFile(found.path) as file:
        file.seek(min(first, file.frames))
        left = stop - first
        while left > 0:
            block = file.read(min(_BLOCK, left), dtype="float32", always_2d=True)[:, (found.channel or 1) - 1]
            if not len(block):
                break
            left -= len(block)
            held = np.concatenate((held, block))
            n = (len(held) - size) // hop + 1
            if n <= 0:
                continue
            frames = np.lib.stride_tricks.sliding_window_view(held, size)[::hop][:n] * window
            power = np.abs(fft.rfft(frames, axis=1)[:, :n_bins]) ** 2
            banded = np.maximum.reduceat(power, borders, axis=1)
            if not clicks:
                banded /= np.median(banded, axis=1, keepdims=True) + 1e-17
            columns = np.minimum((n_done + np.arange(n)) * n_columns // n_frames, n_columns - 1)
            begins = np.flatnonzero(np.diff(columns, prepend=-1))
            here = columns[begins]
            greatest[here] = np.maximum(greatest[here], np.maximum.reduceat(banded, begins, axis=0))
            held, n_done = held[n * hop :], n_done + n
    level = 10 * np.log10(greatest.T)
    return np.asarray(level - np.quantile(level, 0.2, axis=1, keepdims=True), np.float32)


def _figure() -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=_PAGE_IN, layout="constrained")


def _title(found: Found) -> str:
    n = len(found.calls)
    return f"{found.path.name}   {found.duration_s:.1f} s, {n} call{'' if n == 1 else 's'}"


def _by_kind(calls: Sequence[Call]) -> Iterator[tuple[str, str, list[Call]]]:
    for name, ink in (*_INKS, ("other", _OTHER)):
        some = [call for call in calls if _kind(call.call_type) == name]
        if some:
            yield name, ink, some


def _kind(call_type: str) -> str:
    return next((name for name, _ in _INKS if call_type.startswith(name)), "other")


def _ink(call_type: str) -> str:
    return dict(_INKS).get(_kind(call_type), _OTHER)
