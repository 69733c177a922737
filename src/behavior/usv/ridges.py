"""Ridges: where, in each frame, a narrow component stands out of everything else.

Theory. A call is narrow in frequency and continuous in time; clicks, scratching and shocks are neither. So each frame
is measured in dB over the noise floor of its frequencies (steady tones vanish), then over its own broadband level, the
median of every 12 kHz (clicks vanish; a median is not pulled by a strong ridge, as a cepstral lifter is), then smoothed
[1 2 1]/4 over frequency and averaged over seven frames along slopes of -2 to 2 bins a frame (fluctuations of noise
shrink, a sweep does not). Local maxima over frequency are the ridge's points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import inlined, kernel

Array = npt.NDArray[Any]

HALF = 3
"""The average along a slope goes over this many frames to each side."""
MARGIN = 2 * HALF + 2
"""Frames that a frame's ridges depend on, to each side."""
MAX_PEAKS = 10
"""Points kept of a frame, strongest first."""

_SIDELOBE_DB, _SIDELOBE_BINS = 28.0, 10.0
_SPLATTER_DB = 32.0
_GROUP_HZ = 12_000.0
_LOWEST_BASE_DB, _LOWEST_EXCESS_DB, _OUTSIDE_DB = -2.5, -6.0, -3.0
_LANES, _WIDEST_DB, _HALVINGS = 16, 64.0, 8
_STEEPEST = 2
_PAD = _STEEPEST * HALF + 1


class Frames(NamedTuple):
    """The last frames of a stream as rings of R rows; frame `i` lies in row ``i % R``.

    level : dB re full scale, (R, n_bins)
    floor : the noise floor in force, (R // block, n_bins)
    base : broadband level over the floor, dB, median over the bands, (R,); 0 where a component is so much
        stronger that this is its splatter, as in an overloaded recording
    audible : level below 15 kHz over its floor, dB, (R,)
    n_peaks : how many ridge points a frame has, (R,)
    bin, ridge : place (fractional bins) and strength (dB) of the points, (R, MAX_PEAKS)
    track : the contour that a point belongs to, (R, MAX_PEAKS)
    """

    level: Array
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
        level=np.zeros((n_rows, n_bins), f4),
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


@kernel
def find_ridges(
    frames: Frames, first: int, stop: int, end: int, block: int, edges: Any, low: int, high: int, hold_db: float
) -> None:
    """Work out the ridge points of frames [first, stop), which depend on `MARGIN` frames more to each side.

    Before frame 0 and from frame `end` on there is nothing. Only local maxima in bins [low, high) count.
    """
    n_rows, n_bins = frames.level.shape
    n = stop - first + 2 * MARGIN
    excess = np.full((n, n_bins + 2 * _PAD), np.float32(_OUTSIDE_DB), np.float32)
    smooth, bases = excess.copy(), np.empty((n, edges.size - 1), np.float32)
    best = np.empty(n_bins, np.float32)
    for i in range(n):
        frame = first - MARGIN + i
        if 0 <= frame < end:
            _over_floor(frames.level[frame % n_rows], frames.floor[(frame % n_rows) // block], excess[i, _PAD:-_PAD])
    _medians(excess[:, _PAD : _PAD + n_bins], edges, bases)
    for i in range(n):
        _subtract_base(excess[i, _PAD:-_PAD], edges, bases[i])
        _smooth(excess[i], smooth[i], n_bins)
    for i in range(MARGIN, n - MARGIN):
        row = (first - MARGIN + i) % n_rows
        frames.base[row] = _middle(bases[i]) if excess[i].max() < _SPLATTER_DB else np.float32(0)
        _along_slopes(smooth, i, best)
        _keep_maxima(best, low, high, hold_db, frames, row)


@inlined
def _over_floor(level: Array, floor: Array, out: Array) -> None:
    for k in range(level.size):
        out[k] = level[k] - floor[k]


@kernel
def _middle(values: Array) -> float:
    """The median of a few numbers."""
    for candidate in values:
        below = same = 0
        for value in values:
            below += value < candidate
            same += value == candidate
        if below <= values.size // 2 < below + same:
            return float(candidate)
    return 0.0


@kernel
def _medians(excess: Array, edges: Any, out: Array) -> None:
    """The median of every band in every frame, no less than `_LOWEST_BASE_DB`; `out` has shape (n_frames, n_bands).

    By halving the interval that it lies in, in 16 frames at a time: counting suits the vector unit, sorting does not.
    """
    columns = np.zeros((excess.shape[1], _LANES), np.float32)
    low, high, guess = np.empty(_LANES, np.float32), np.empty(_LANES, np.float32), np.empty(_LANES, np.float32)
    below = np.empty(_LANES, np.float32)
    for first in range(0, excess.shape[0], _LANES):
        n = min(_LANES, excess.shape[0] - first)
        for lane in range(n):
            for k in range(excess.shape[1]):
                columns[k, lane] = excess[first + lane, k]
        for g in range(edges.size - 1):
            half = np.float32((edges[g + 1] - edges[g]) // 2)
            low[:], high[:] = np.float32(_LOWEST_BASE_DB), np.float32(_LOWEST_BASE_DB + _WIDEST_DB)
            for _ in range(_HALVINGS):
                for lane in range(_LANES):
                    guess[lane], below[lane] = np.float32(0.5) * (low[lane] + high[lane]), np.float32(0)
                for k in range(edges[g], edges[g + 1]):
                    column = columns[k]
                    for lane in range(_LANES):
                        below[lane] += np.float32(1) if column[lane] < guess[lane] else np.float32(0)
                for lane in range(_LANES):
                    above = below[lane] > half
                    high[lane] = guess[lane] if above else high[lane]
                    low[lane] = low[lane] if above else guess[lane]
            for lane in range(n):
                out[first + lane, g] = np.float32(0.5) * (low[lane] + high[lane])


@kernel
def _subtract_base(excess: Array, edges: Any, bases: Array) -> None:
    """Take the broadband level off a frame, in place: straight lines between the middles of the bands."""
    n = bases.size
    for g in range(-1, n):
        left, right = max(g, 0), min(g + 1, n - 1)
        start = 0 if g < 0 else (edges[g] + edges[g + 1]) // 2
        stop = edges[n] if g == n - 1 else (edges[right] + edges[right + 1]) // 2
        step = (bases[right] - bases[left]) / np.float32(max(stop - start, 1))
        part, base = excess[start:stop], bases[left]
        for k in range(part.size):
            part[k] = max(part[k] - (base + step * np.float32(np.int32(k))), np.float32(_LOWEST_EXCESS_DB))


@kernel
def _smooth(excess: Array, out: Array, n_bins: int) -> None:
    left, middle, right = excess[_PAD - 1 :], excess[_PAD:], excess[_PAD + 1 :]
    target = out[_PAD : _PAD + n_bins]
    for k in range(n_bins):
        target[k] = np.float32(0.25) * (left[k] + np.float32(2) * middle[k] + right[k])
    target[0], target[n_bins - 1] = middle[0], middle[n_bins - 1]


@kernel
def _along_slopes(smooth: Array, i: int, best: Array) -> None:
    """The best mean over 2 HALF + 1 frames around frame `i`, over all slopes, per bin."""
    n = best.size
    total = np.empty(n, np.float32)
    best[:] = np.float32(-1e9)
    for slope in range(-_STEEPEST, _STEEPEST + 1):
        total[:] = smooth[i, _PAD : _PAD + n]
        for offset in range(1, HALF + 1):
            shift = min(max(slope * offset, -4), 4)
            after = smooth[i + offset, _PAD + shift : _PAD + shift + n]
            before = smooth[i - offset, _PAD - shift : _PAD - shift + n]
            for k in range(n):
                total[k] += after[k] + before[k]
        for k in range(n):
            best[k] = max(best[k], total[k])
    for k in range(n):
        best[k] /= np.float32(2 * HALF + 1)


@kernel
def _keep_maxima(best: Array, low: int, high: int, hold_db: float, frames: Frames, row: int) -> None:
    """The strongest local maxima into the rings, strongest first, between bins by a parabola."""
    bins, ridge = frames.bin[row], frames.ridge[row]
    n = 0
    for k in range(max(low, 1), min(high, best.size - 1)):
        here = best[k]
        if here <= hold_db or here < best[k - 1] or here <= best[k + 1]:
            continue
        if n == MAX_PEAKS and here <= ridge[n - 1]:
            continue
        j = min(n, MAX_PEAKS - 1)
        while j > 0 and ridge[j - 1] < here:
            ridge[j], bins[j] = ridge[j - 1], bins[j - 1]
            j -= 1
        curve = best[k - 1] - 2 * here + best[k + 1]
        ridge[j] = here
        bins[j] = k + (0.5 * (best[k - 1] - best[k + 1]) / curve if curve < 0 else 0.0)
        n = min(n + 1, MAX_PEAKS)
    frames.n_peaks[row] = _without_sidelobes(bins, ridge, n)


@kernel
def _without_sidelobes(bins: Array, ridge: Array, n: int) -> int:
    """Leave out points that are no more than the window's sidelobes, or the echo's, of a much stronger neighbour."""
    kept = 0
    for p in range(n):
        beside = False
        for strong in range(kept):
            near = abs(bins[p] - bins[strong]) < _SIDELOBE_BINS
            beside = beside or (near and ridge[p] < ridge[strong] - _SIDELOBE_DB)
        if not beside:
            bins[kept], ridge[kept] = bins[p], ridge[p]
            kept += 1
    return kept
