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

from behavior.audio.decibel import row_to_decibels
from behavior.audio.jit import kernel, part
from behavior.audio.lanes import LANES, best_slope, best_slope_of_rows, median_of

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
_LOWEST_BASE_DB, _LOWEST_EXCESS_DB, _OUTSIDE_DB = -2.5, -6.0, -3.0
_WIDEST_DB, _HALVINGS = 64.0, 8
_STEEPEST = 2
_A_ROW = 4
_FURTHEST = 4
_PAD = _FURTHEST


def _taps(offsets: Sequence[int], spacing: int) -> list[list[tuple[int, int]]]:
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


_best_16 = best_slope(_taps(range(-HALF, HALF + 1), 1))
_best_of_rows_16 = best_slope_of_rows(_taps(range(-HALF, HALF + 1, 2), 2))
_median_16, _median_64 = (median_of(_LOWEST_BASE_DB, _WIDEST_DB, _HALVINGS, n) for n in (1, 4))


class Frames(NamedTuple):
    """The last frames of a stream as rings of R places; frame `i` lies at ``i % R``.

    level : dB re full scale, (n_bins, R); only where `known`
    known : whether the level is there: it is worked out around what was seen at a first look, (R,)
    floor : the noise floor in force, (R // block, n_bins)
    base : broadband level over the floor, dB, median over the bands, (R,); 0 where a component is so much
        stronger that this is its splatter, as in an overloaded recording
    audible : level below 15 kHz over its floor, dB, (R,)
    n_peaks : how many ridge points a frame has, (R,)
    bin, ridge : place (fractional bins) and strength (dB) of the points, (R, MAX_PEAKS)
    track : the contour that a point belongs to, (R, MAX_PEAKS)
    """

    level: Array
    known: npt.NDArray[np.bool_]
    floor: Array
    base: Array
    audible: Array
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
        n_peaks=np.zeros(n_rows, i4),
        bin=np.zeros((n_rows, MAX_PEAKS), f4),
        ridge=np.zeros((n_rows, MAX_PEAKS), f4),
        track=np.zeros((n_rows, MAX_PEAKS), i4),
    )


def group_edges(n_bins: int, bin_hz: float) -> npt.NDArray[np.int64]:
    """Edges of the bands whose medians are the broadband level."""
    n_groups = max(2, int(n_bins * bin_hz // _GROUP_HZ))
    return np.linspace(0, n_bins, n_groups + 1).astype(np.int64)


EVEN = 2 * LANES
"""Frames in 16 columns of every second frame: where columns begin is a multiple of this."""


@kernel
def take_levels(
    power: Array, n_audible: int, n_skipped: int, frames: Frames, first: int, even: Array, rows_db: Array
) -> None:
    """Power of every second frame from place `first` on, (all bins, n), as levels of the band in `even`, (n_bins, n).

    The first `n_audible` bins are what can be heard, those from `n_skipped` on the band. `rows_db` is given the levels
    of the mean power of 4 of every 8 columns, what can be heard last.
    """
    n_rows, n_bins = rows_db.shape[0], rows_db.shape[1] - 1
    n = power.shape[1]
    audible, audible_db = np.zeros(n, np.float32), np.empty(n, np.float32)
    mean, mean_db = np.empty(n_rows, np.float32), np.empty(n_rows, np.float32)
    for k in range(n_audible):
        here = power[k]
        for t in range(n):
            audible[t] += here[t]
    for t in range(n):
        audible[t] /= np.float32(n_audible)
    for k in range(n_bins + 1):
        here = power[n_skipped + k] if k < n_bins else audible
        row_to_decibels(here, even[k] if k < n_bins else audible_db)
        for r in range(n_rows):
            at = here[r * 2 * _A_ROW : r * 2 * _A_ROW + _A_ROW]
            mean[r] = np.float32(0.25) * ((at[0] + at[1]) + (at[2] + at[3]))
        row_to_decibels(mean, mean_db)
        for r in range(n_rows):
            rows_db[r, k] = mean_db[r]
    for t in range(n):
        row = first + 2 * t
        frames.known[row] = frames.known[row + 1] = False
        frames.audible[row] = frames.audible[row + 1] = audible_db[t]


@kernel
def keep_levels(even: Array, origin: int, frames: Frames, first: int, stop: int) -> None:
    """Levels of the even frames of [first, stop) into the rings, also for those after them; `even` is as in `scan`."""
    n_places = frames.base.size
    for frame in range(first, stop):
        frames.known[frame % n_places] = True
    begin = first + first % 2
    place, column = begin % n_places, (begin - origin) // 2
    n = max(stop - begin, 0) // 2
    before = min(n, (n_places - place) // 2)
    for k in range(frames.level.shape[0]):
        level, here = frames.level[k], even[k]
        for t in range(before):
            level[place + 2 * t] = level[place + 2 * t + 1] = here[column + t]
        for t in range(before, n):
            level[place + 2 * t - n_places] = level[place + 2 * t + 1 - n_places] = here[column + t]
        if stop > begin + 2 * n:
            level[(stop - 1) % n_places] = here[column + n]


@kernel
def take_levels_between(power: Array, n_skipped: int, frames: Frames, first: int) -> None:
    """Power of frames from `first` on, every second, as their levels."""
    n_places, n = frames.base.size, power.shape[1]
    decibels, place = np.empty(n, np.float32), first % n_places
    before = min(n, (n_places - place + 1) // 2)
    for k in range(frames.level.shape[0]):
        row_to_decibels(power[n_skipped + k], decibels)
        level = frames.level[k]
        for t in range(before):
            level[place + 2 * t] = decibels[t]
        for t in range(before, n):
            level[place + 2 * t - n_places] = decibels[t]


@kernel
def scan(
    even: Array,
    origin: int,
    frames: Frames,
    first: int,
    stop: int,
    end: int,
    block: int,
    edges: Any,
    low: int,
    high: int,
    score: Array,
) -> None:
    """A first look at frames [first, stop), both even, by every second frame.

    `even` has the levels of even frames from `origin` on, (n_bins, n). `score`, shape ((stop - first) / 2,), is the
    best mean along a slope in bins [low, high), around the odd frames; `base` is set.
    """
    n_groups, begin = edges.size - 1, (first - MARGIN) // EVEN * EVEN
    n, at = (stop + MARGIN - begin) // 2, (first - begin) // 2
    width = _width(n)
    excess, smooth = _outside(frames.level.shape[0], width), _outside(frames.level.shape[0] + 2 * _PAD, width)
    bases, loudest = np.empty((n_groups, width), np.float32), np.zeros(width, np.float32)
    found = np.empty(width, np.float32)
    _even_over_floor(even[:, (begin - origin) // 2 :], frames.floor, begin, min(stop + MARGIN, end), block, excess)
    _medians(excess, edges, bases)
    _subtract_base(excess, edges, bases, loudest)
    _smooth(excess, smooth)
    flat = smooth.reshape(-1)
    for t in range(0, width - LANES, LANES):
        _best_of_rows_16(flat, (_PAD + low) * width + t, width, high - low, found[t:])
    _sort_columns(bases)
    for i in range(score.size):
        score[i] = found[i + at - 1]
        row = (first + 2 * i) % frames.base.size
        base = bases[n_groups // 2, i + at] if loudest[i + at] < _SPLATTER_DB else np.float32(0)
        frames.base[row] = frames.base[row + 1] = base
        frames.n_peaks[row] = frames.n_peaks[row + 1] = 0


@kernel
def find_ridges(
    frames: Frames, first: int, stop: int, end: int, block: int, edges: Any, low: int, high: int, hold_db: float
) -> None:
    """Work out the ridge points of frames [first, stop), which depend on `MARGIN` frames more to each side.

    Before frame 0 and from frame `end` on there is nothing. Only local maxima in bins [low, high) count.
    """
    n_bins, n_groups = frames.level.shape[0], edges.size - 1
    n = stop - first + 2 * MARGIN
    width = _width(n)
    excess, smooth = _outside(n_bins, width), _outside(n_bins + 2 * _PAD, width)
    bases = np.empty((n_groups, width), np.float32)
    loudest, strongest = np.zeros(width, np.float32), np.zeros(width, np.float32)
    _over_floor(frames, first - MARGIN, max(first - MARGIN, 0), min(stop + MARGIN, end), block, excess)
    _medians(excess, edges, bases)
    _subtract_base(excess, edges, bases, loudest)
    _smooth(excess, smooth)
    _along_slopes(smooth, max(low - 1, 0), min(high + 1, n_bins), excess)
    _strongest(excess, low, high, strongest)
    _sort_columns(bases)
    bins, ridge = np.empty(MAX_PEAKS, np.float32), np.empty(MAX_PEAKS, np.float32)
    for i in range(MARGIN, n - MARGIN):
        row = (first - MARGIN + i) % frames.base.size
        frames.base[row] = bases[n_groups // 2, i] if loudest[i] < _SPLATTER_DB else np.float32(0)
        frames.n_peaks[row] = 0
        if strongest[i - HALF] > hold_db:
            n_found = _maxima(excess, i - HALF, low, high, hold_db, bins, ridge)
            n_found = _without_sidelobes(bins, ridge, n_found)
            frames.n_peaks[row] = n_found
            for p in range(n_found):
                frames.bin[row, p], frames.ridge[row, p] = bins[p], ridge[p]


@part
def _outside(n_bins: int, width: int) -> Array:
    """What there is before and after a sound, and beyond the band."""
    out = np.empty((n_bins, width), np.float32)
    flat = out.reshape(-1)
    for i in range(flat.size):
        flat[i] = np.float32(_OUTSIDE_DB)
    return out


@part
def _width(n: int) -> int:
    """Length of a row for `n` frames: 16 to spare, and an odd number of 16s, so that rows share no place in a cache."""
    lines = -(-n // LANES) + 1
    return (lines + 1 - lines % 2) * LANES


@part
def _over_floor(frames: Frames, origin: int, first: int, stop: int, block: int, out: Array) -> None:
    """Levels of frames [first, stop) over the floor, in place ``frame - origin`` of each bin's row."""
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
def _even_over_floor(even: Array, floors: Array, origin: int, stop: int, block: int, out: Array) -> None:
    """Levels of the even frames of [origin, stop) over the floor; before frame 0 there is nothing."""
    frame = max(origin, 0)
    while frame < stop:
        n, at = (min(stop - frame, block - frame % block) + 1) // 2, (frame - origin) // 2
        floor = floors[frame // block % floors.shape[0]]
        for k in range(out.shape[0]):
            level, here, below = even[k][at : at + n], out[k][at : at + n], floor[k]
            for t in range(n):
                here[t] = level[t] - below
        frame += 2 * n


@part
def _medians(excess: Array, edges: Any, out: Array) -> None:
    """The median of every band in every frame, no less than `_LOWEST_BASE_DB`; `out` has shape (n_bands, n_frames).

    A band of an even number of bins goes without its last, as the upper of two middle ones would be higher on average.
    """
    width = excess.shape[1]
    flat = excess.reshape(-1)
    for g in range(edges.size - 1):
        n = edges[g + 1] - edges[g]
        n -= (n + 1) % 2
        if width < 4 * LANES:
            for t in range(0, width, LANES):
                _median_16(flat[edges[g] * width + t :], width, n, out[g][t:])
        for i in range(-(-width // (4 * LANES)) if width >= 4 * LANES else 0):
            t = min(4 * LANES * i, width - 4 * LANES)
            _median_64(flat[edges[g] * width + t :], width, n, out[g][t:])


@part
def _sort_columns(values: Array) -> None:
    """Each column in order, by exchanging neighbours."""
    n = values.shape[0]
    for turn in range(n):
        for g in range(turn % 2, n - 1, 2):
            lower, upper = values[g], values[g + 1]
            for t in range(lower.size):
                less, more = min(lower[t], upper[t]), max(lower[t], upper[t])
                lower[t], upper[t] = less, more


@part
def _subtract_base(excess: Array, edges: Any, bases: Array, loudest: Array) -> None:
    """Take the broadband level off, in place: straight lines between the middles of the bands. And the loudest bin."""
    n, limit = bases.shape[0], np.float32(_LOWEST_EXCESS_DB)
    for g in range(-1, n):
        left, right = max(g, 0), min(g + 1, n - 1)
        start = 0 if g < 0 else (edges[g] + edges[g + 1]) // 2
        stop = edges[n] if g == n - 1 else (edges[right] + edges[right + 1]) // 2
        base, next_base = bases[left], bases[right]
        for k in range(start, stop):
            here, part = excess[k], np.float32(k - start) / np.float32(max(stop - start, 1))
            for t in range(here.size):
                over = max(here[t] - (base[t] + part * (next_base[t] - base[t])), limit)
                here[t] = over
                loudest[t] = max(loudest[t], over)


@part
def _smooth(excess: Array, out: Array) -> None:
    """[1 2 1]/4 over frequency; the edges as they are."""
    n = excess.shape[0]
    for edge in (0, n - 1):
        here, target = excess[edge], out[_PAD + edge]
        for t in range(target.size):
            target[t] = here[t]
    for k in range(1, n - 1):
        left, middle, right, target = excess[k - 1], excess[k], excess[k + 1], out[_PAD + k]
        for t in range(target.size):
            target[t] = np.float32(0.25) * (left[t] + right[t]) + np.float32(0.5) * middle[t]


@part
def _along_slopes(smooth: Array, low: int, high: int, best: Array) -> None:
    """The best mean over 2 HALF + 1 frames around each frame, over all slopes, of bins [low, high).

    `best` has the frames from HALF on; the last 16 are not worked out.
    """
    width = smooth.shape[1]
    flat = smooth.reshape(-1)
    for k in range(low, high):
        for t in range(0, width - LANES, LANES):
            _best_16(flat, (_PAD + k) * width + t, width, best[k][t:])


@part
def _strongest(best: Array, low: int, high: int, out: Array) -> None:
    for k in range(low, high):
        here = best[k]
        for t in range(out.size):
            out[t] = max(out[t], here[t])


@part
def _maxima(best: Array, i: int, low: int, high: int, hold_db: float, bins: Array, ridge: Array) -> int:
    """The strongest local maxima of frame `i`, strongest first, between bins by a parabola; how many there are."""
    n = 0
    for k in range(max(low, 1), min(high, best.shape[0] - 1)):
        here = best[k, i]
        if here <= hold_db or here < best[k - 1, i] or here <= best[k + 1, i]:
            continue
        if n == MAX_PEAKS and here <= ridge[n - 1]:
            continue
        j = min(n, MAX_PEAKS - 1)
        while j > 0 and ridge[j - 1] < here:
            ridge[j], bins[j] = ridge[j - 1], bins[j - 1]
            j -= 1
        curve = best[k - 1, i] - 2 * here + best[k + 1, i]
        ridge[j] = here
        bins[j] = k + (0.5 * (best[k - 1, i] - best[k + 1, i]) / curve if curve < 0 else 0.0)
        n = min(n + 1, MAX_PEAKS)
    return n


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
