"""Ridges: where, in each frame, a narrow component stands out of everything else.

Theory. A call is narrow in frequency and continuous in time; clicks, scratching and shocks are neither. So each frame
is measured in dB over the noise floor of its frequencies (steady tones vanish), then over its own broadband level, the
median of every 12 kHz (clicks vanish; a median is not pulled by a strong ridge, as a cepstral lifter is), then smoothed
[1 2 1]/4 over frequency and averaged over seven frames along slopes of -2 to 2 bins a frame (fluctuations of noise
shrink, a sweep does not). Local maxima over frequency are the ridge's points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel, part
from behavior.audio.lanes import LANES, best_slope, median_of

Array = npt.NDArray[Any]

HALF = 3
"""The average along a slope goes over this many frames to each side."""
MARGIN = 2 * HALF + 2
"""Frames that a frame's ridges depend on, to each side."""
MAX_PEAKS = 10
"""Points kept of a frame, strongest first."""

_SIDELOBE_DB, _SIDELOBE_BINS = 28.0, 10.0
_SPLATTER_DB = 32.0
_RANGE_DB = 40.0
_GROUP_HZ = 12_000.0
_LOWEST_BASE_DB, _LOWEST_EXCESS_DB = -2.5, -6.0
OUTSIDE_DB = np.float32(-3.0)
"""What there is before and after a sound, and beyond the band, over the floor."""
_WIDEST_DB, _HALVINGS = 64.0, 8
_STEEPEST = 2
_FURTHEST = 4
PAD = _FURTHEST
"""Rows of nothing below and above the band."""
_WIDTH = 19 * LANES
_PIECE = _WIDTH - LANES - 2 * MARGIN


def taps(offsets: Sequence[int], spacing: int) -> list[list[tuple[int, int]]]:
    """For each slope, how many bins up and how many places on to look, these frames away, `spacing` frames a place."""
    slopes = range(-_STEEPEST, _STEEPEST + 1)
    places = [(offset - min(offsets)) // spacing for offset in offsets]
    return [
        [
            (min(max(slope * offset, -_FURTHEST), _FURTHEST), place)
            for offset, place in zip(offsets, places, strict=True)
        ]
        for slope in slopes
    ]


_best_16 = best_slope(taps(range(-HALF, HALF + 1), 1))
_median_16, _median_64 = (median_of(_LOWEST_BASE_DB, _WIDEST_DB, _HALVINGS, n) for n in (1, 4))


class Frames(NamedTuple):
    """The last frames of a stream as rings of R places; frame `i` lies at ``i % R``.

    level : dB re full scale, (n_bins, R); only where `known`
    known : whether the level is there: it is worked out around what was seen at a first look, (R,)
    floor : the noise floor in force, (R // block, n_bins)
    base : broadband level over the floor, dB, median over the bands, (R,); 0 where a component is so much
        stronger that this is its splatter, as in an overloaded recording
    audible : level below 15 kHz over its floor, dB, (R,)
    taken : broadband level that was taken off as clicks that are known, dB, (R,); `base` has it still
    seen : whether a first look saw something, (R,); of every second frame
    n_peaks : how many ridge points a frame has, (R,)
    bin, ridge : place (fractional bins) and strength (dB) of the points, (R, MAX_PEAKS)
    track : the contour that a point belongs to, (R, MAX_PEAKS)
    """

    level: Array
    known: npt.NDArray[np.bool_]
    floor: Array
    base: Array
    audible: Array
    taken: Array
    seen: npt.NDArray[np.bool_]
    n_peaks: npt.NDArray[np.int32]
    bin: Array
    ridge: Array
    track: npt.NDArray[np.int32]


def empty_frames(n_rows: int, n_bins: int, block: int) -> Frames:
    """Rings that hold nothing yet."""
    f4, i4 = np.float32, np.int32
    return Frames(
        level=np.zeros((n_bins, n_rows), f4),
        known=np.ones(n_rows, np.bool_),
        floor=np.zeros((n_rows // block, n_bins), f4),
        base=np.zeros(n_rows, f4),
        audible=np.zeros(n_rows, f4),
        taken=np.zeros(n_rows, f4),
        seen=np.zeros(n_rows, np.bool_),
        n_peaks=np.zeros(n_rows, i4),
        bin=np.zeros((n_rows, MAX_PEAKS), f4),
        ridge=np.zeros((n_rows, MAX_PEAKS), f4),
        track=np.zeros((n_rows, MAX_PEAKS), i4),
    )


def group_edges(n_bins: int, bin_hz: float) -> npt.NDArray[np.int64]:
    """Edges of the bands whose medians are the broadband level."""
    n_groups = max(2, int(n_bins * bin_hz // _GROUP_HZ))
    return np.linspace(0, n_bins, n_groups + 1).astype(np.int64)


class Workspace(NamedTuple):
    """Room for what is worked out of some frames; of no use afterwards.

    excess : level over the floor, and over the broadband level, (n_bins, n)
    smooth : that, smoothed over frequency, with `PAD` bins of nothing at both ends, (n_bins + 2 PAD, n)
    bases : level of the broadband bands, (n_bands, n)
    loudest : of all bins, (n,)
    base : the broadband level, the middle of its bands; none where a component splatters, (n,)
    n_peaks, bin, ridge : points, as of `Frames`, (n,) and (n, MAX_PEAKS)
    """

    excess: Array
    smooth: Array
    bases: Array
    loudest: Array
    base: Array
    n_peaks: npt.NDArray[np.int32]
    bin: Array
    ridge: Array


def workspace(n_bins: int, n_bands: int) -> Workspace:
    """Room for the frames that are worked out at a time."""
    f4 = np.float32
    return Workspace(
        excess=np.zeros((n_bins, _WIDTH), f4),
        smooth=np.full((n_bins + 2 * PAD, _WIDTH), OUTSIDE_DB, f4),
        bases=np.zeros((n_bands, _WIDTH), f4),
        loudest=np.zeros(_WIDTH, f4),
        base=np.zeros(_WIDTH, f4),
        n_peaks=np.zeros(_WIDTH, np.int32),
        bin=np.zeros((_WIDTH, MAX_PEAKS), f4),
        ridge=np.zeros((_WIDTH, MAX_PEAKS), f4),
    )


@kernel
def find_ridges(
    frames: Frames,
    first: int,
    stop: int,
    end: int,
    block: int,
    edges: Any,
    low: int,
    high: int,
    hold_db: float,
    work: Workspace,
) -> None:
    """Work out the ridge points of frames [first, stop), which depend on `MARGIN` frames more to each side.

    Before frame 0 and from frame `end` on there is nothing. Only local maxima in bins [low, high) count.
    """
    n_bins = frames.level.shape[0]
    for begin in range(first, stop, _PIECE):
        n = min(stop - begin, _PIECE) + 2 * MARGIN
        width = -(-n // LANES) * LANES + LANES
        origin = begin - MARGIN
        _over_floor(frames, origin, max(origin, 0), min(origin + n, end), block, work.excess, width)
        above_broadband(work, edges, work.smooth, 0, width)
        _along_slopes(work.smooth, max(low - 1, 0), min(high + 1, n_bins), work.excess, width - LANES)
        _maxima(work.excess, width - LANES, low, high, hold_db, work.n_peaks, work.bin, work.ridge)
        _note(work, frames, begin, n - 2 * MARGIN)


@part
def _note(work: Workspace, frames: Frames, first: int, n: int) -> None:
    """What was worked out of frames from `first` on, into the rings."""
    n_rows, taken, base, n_peaks = frames.base.size, frames.taken, frames.base, frames.n_peaks
    bins, ridge, found, found_bins, found_ridge = frames.bin, frames.ridge, work.n_peaks, work.bin, work.ridge
    for i in range(n):
        row, at = (first + i) % n_rows, i + MARGIN - HALF
        base[row] = work.base[i + MARGIN] + taken[row]
        n_peaks[row] = _without_sidelobes(found_bins[at], found_ridge[at], found[at]) if found[at] else 0
        for p in range(n_peaks[row]):
            bins[row, p], ridge[row, p] = found_bins[at, p], found_ridge[at, p]


@part
def above_broadband(work: Workspace, edges: Any, out: Array, at: int, width: int) -> None:
    """`excess` without its broadband level, smoothed over frequency, into columns from `at` on of `out`."""
    _medians(work.excess, edges, work.bases, width)
    for t in range(width):
        work.loudest[t] = 0.0
    _subtract_base(work.excess, edges, work.bases, work.loudest, width)
    _smooth(work.excess, out, at, width)
    _sort_columns(work.bases, width)
    middle, loudest, base = work.bases[work.bases.shape[0] // 2], work.loudest, work.base
    for t in range(width):
        base[t] = middle[t] if loudest[t] < _SPLATTER_DB else np.float32(0)


@part
def _over_floor(frames: Frames, origin: int, first: int, stop: int, block: int, out: Array, width: int) -> None:
    """Levels of frames [first, stop) over the floor, in place ``frame - origin`` of each bin's row; else nothing."""
    for k in range(out.shape[0]):
        nothing = out[k]
        for t in range(width):
            nothing[t] = OUTSIDE_DB
    n_rows = frames.level.shape[1]
    frame = first
    while frame < stop:
        row = frame % n_rows
        n = min(stop - frame, block - row % block)
        floor = frames.floor[row // block]
        for k in range(out.shape[0]):
            level, here, below = frames.level[k][row : row + n], out[k][frame - origin : frame - origin + n], floor[k]
            for t in range(n):
                here[t] = level[t] - below
        frame += n


@part
def _medians(excess: Array, edges: Any, out: Array, width: int) -> None:
    """The median of every band in every frame, no less than `_LOWEST_BASE_DB`; `out` has shape (n_bands, n_frames).

    A band of an even number of bins goes without its last, as the upper of two middle ones would be higher on average.
    """
    step, flat = excess.shape[1], excess.reshape(-1)
    for g in range(edges.size - 1):
        n = edges[g + 1] - edges[g]
        n -= (n + 1) % 2
        if width < 4 * LANES:
            for t in range(0, width, LANES):
                _median_16(flat[edges[g] * step + t :], step, n, out[g][t:])
        for i in range(-(-width // (4 * LANES)) if width >= 4 * LANES else 0):
            t = min(4 * LANES * i, width - 4 * LANES)
            _median_64(flat[edges[g] * step + t :], step, n, out[g][t:])


@part
def _sort_columns(values: Array, width: int) -> None:
    """Each column in order, by exchanging neighbours."""
    n = values.shape[0]
    for turn in range(n):
        for g in range(turn % 2, n - 1, 2):
            lower, upper = values[g], values[g + 1]
            for t in range(width):
                less, more = min(lower[t], upper[t]), max(lower[t], upper[t])
                lower[t], upper[t] = less, more


@part
def _subtract_base(excess: Array, edges: Any, bases: Array, loudest: Array, width: int) -> None:
    """Take the broadband level off, in place: straight lines between the middles of the bands. And the loudest bin."""
    n, limit = bases.shape[0], np.float32(_LOWEST_EXCESS_DB)
    for g in range(-1, n):
        left, right = max(g, 0), min(g + 1, n - 1)
        start = 0 if g < 0 else (edges[g] + edges[g + 1]) // 2
        stop = edges[n] if g == n - 1 else (edges[right] + edges[right + 1]) // 2
        base, next_base = bases[left], bases[right]
        for k in range(start, stop):
            here, part = excess[k], np.float32(k - start) / np.float32(max(stop - start, 1))
            for t in range(width):
                over = max(here[t] - (base[t] + part * (next_base[t] - base[t])), limit)
                here[t] = over
                loudest[t] = max(loudest[t], over)


@part
def _smooth(excess: Array, out: Array, at: int, width: int) -> None:
    """[1 2 1]/4 over frequency; the edges as they are."""
    n = excess.shape[0]
    for edge in (0, n - 1):
        here, target = excess[edge], out[PAD + edge][at : at + width]
        for t in range(width):
            target[t] = here[t]
    for k in range(1, n - 1):
        left, middle, right, target = excess[k - 1], excess[k], excess[k + 1], out[PAD + k][at : at + width]
        for t in range(width):
            target[t] = np.float32(0.25) * (left[t] + right[t]) + np.float32(0.5) * middle[t]


@part
def _along_slopes(smooth: Array, low: int, high: int, best: Array, width: int) -> None:
    """The best mean over 2 HALF + 1 frames around each frame, over all slopes, of bins [low, high).

    `best` has the frames from HALF on.
    """
    step, flat = smooth.shape[1], smooth.reshape(-1)
    for k in range(low, high):
        for t in range(0, width, LANES):
            _best_16(flat, (PAD + k) * step + t, step, best[k][t:])


@part
def _maxima(
    best: Array, width: int, low: int, high: int, hold_db: float, n_peaks: Any, bins: Array, ridge: Array
) -> None:
    """The strongest local maxima of each frame, strongest first, between bins by a parabola; how many there are."""
    for t in range(width):
        n_peaks[t] = 0
    for k in range(max(low, 1), min(high, best.shape[0] - 1)):
        below, here, above = best[k - 1], best[k], best[k + 1]
        for begin in range(0, width, LANES):
            highest = here[begin]
            for t in range(begin + 1, begin + LANES):
                highest = max(highest, here[t])
            if highest <= hold_db:
                continue
            for t in range(begin, begin + LANES):
                if here[t] > hold_db and here[t] >= below[t] and here[t] > above[t]:
                    n_peaks[t] = _put(k, below[t], here[t], above[t], n_peaks[t], bins[t], ridge[t])


@part
def _put(k: int, below: float, here: float, above: float, n: int, bins: Array, ridge: Array) -> int:
    """A local maximum at bin `k` to its place among the `n` strongest; how many there are now."""
    if n == MAX_PEAKS and here <= ridge[n - 1]:
        return n
    j = min(n, MAX_PEAKS - 1)
    while j > 0 and ridge[j - 1] < here:
        ridge[j], bins[j] = ridge[j - 1], bins[j - 1]
        j -= 1
    curve = below - 2 * here + above
    ridge[j] = here
    bins[j] = k + (0.5 * (below - above) / curve if curve < 0 else 0.0)
    return min(n + 1, MAX_PEAKS)


@part
def _without_sidelobes(bins: Array, ridge: Array, n: int) -> int:
    """Leave out points that are no more than the window's sidelobes, or the echo's, of a much stronger neighbour."""
    kept = 0
    for p in range(n):
        beside = False
        for strong in range(kept):
            near = abs(bins[p] - bins[strong]) < _SIDELOBE_BINS
            beside = beside or (near and ridge[p] < ridge[strong] - _SIDELOBE_DB) or ridge[p] < ridge[0] - _RANGE_DB
        if not beside:
            bins[kept], ridge[kept] = bins[p], ridge[p]
            kept += 1
    return kept
