"""The company that a contour keeps: sounds of its own source, which tell that this is no call.

Theory. What begins and ends together, or lies at equal distances in frequency, comes from one source (Bregman 1990,
Auditory Scene Analysis). Two sources of ridges in a shock box can be told by that, where the ridge alone cannot.

* **Along a train of clicks.** A scrambler clicks in even time as long as the current flows, and so long its converter
  whines. Clicks and other noises break the whine into contours that look like calls. So the clicks around a contour are
  followed to both sides as far as they come in even time, and the level at the contour's frequency is looked at between
  them: a line that is there since the first of them, and as long as they last or are known to last, is theirs. A call
  that was there before them, that begins amid them, or ends while they go on, is none of theirs.
* **In a stack of harmonics.** A squeal can be heard: its harmonics are some kilohertz apart. A ridge with three others
  beside it at the same small fraction of its own frequency, all along, with less between them, is one of those. A
  call's own overtones are whole multiples of it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.spectrogram import FrameGrid
from behavior.usv.contour import Contour
from behavior.usv.gate import CLICK_DB, clicks_in
from behavior.usv.ridges import Frames

Array = npt.NDArray[Any]

TRAIN, STACK = "whine along a train of clicks", "in a stack of harmonics"

_AROUND, _LEAST_CLICKS, _SLOWEST, _FASTEST = 120, 6, 40, 4
_EVEN, _EVENLY, _MISSES, _JITTER, _MOST_DROWNED = 0.2, 0.5, 2, 3, 12
_IN_TIME, _NEIGHBOURS, _DRIFT = 0.15, 8, 0.3
_BEYOND, _SLACK, _BROKEN = 5, 2, 0.15
_BESIDE, _QUIET_DB, _LEAST_QUIET = 2, 3.0, 3
_THERE_DB, _AS_LOUD_DB, _LEVEL_BINS = 4.0, 8.0, 4.0
_APART_HZ, _APART_BINS, _STANDS_OUT_DB, _ENOUGH = (1_500.0, 9_000.0), 3.5, 6.0, 3
_SIDES = ((-1, -2, -3), (1, 2, 3), (-1, 1, -2), (-1, 1, 2))
_MOST_FRAMES = 200


def source_of(frames: Frames, contour: Contour, grid: FrameGrid, lowest_bin: int, stop: int) -> str | None:
    """What else than an animal's call a contour belongs to.

    Parameters
    ----------
    frames : the detector's last frames, of which those before `stop` are worked out
    contour : looks like a call
    grid : frames and bins
    lowest_bin : the bin that contours count from
    """
    if is_along_a_train(frames, contour, stop):
        return TRAIN
    return STACK if is_in_a_stack(frames, contour, grid, lowest_bin) else None


def is_along_a_train(frames: Frames, contour: Contour, stop: int) -> bool:
    """Whether a level line at its frequency begins and ends with clicks in even time; as in `source_of`."""
    if contour.loudest_base <= CLICK_DB or np.subtract(*np.percentile(contour.bins, (90, 10))) > _LEVEL_BINS:
        return False
    first = max(0, stop - len(frames.base) + 1)
    base = frames.base[np.arange(first, stop) % len(frames.base)]
    ticks = _train(base, contour.start - first, contour.stop - first)
    if ticks is None:
        return False
    line = _line(frames, contour, base, first, ticks)
    at = np.flatnonzero((ticks[1:] > contour.start - first) & (ticks[:-1] < contour.stop - first))
    here = line[at][np.isfinite(line[at])]
    if not len(here):
        return False
    there = np.where(np.isfinite(line), line >= max(_THERE_DB, here.mean() - _AS_LOUD_DB), np.nan)
    return _lasts_as_long(there[::-1], len(there) - 1 - int(at[-1])) and _lasts_as_long(there, int(at[0]))


def _lasts_as_long(there: Array, at: int) -> bool:
    """Whether a line that is there in slot `at` is so from the train's first slot on, and not before it.

    The first `_BEYOND` slots lie before the train. NaN is what cannot be told.
    """
    if at < _BEYOND - _SLACK:
        return False
    missing = (there[_BEYOND:at] == 0).sum()
    return bool(missing <= max(_SLACK, _BROKEN * (at - _BEYOND)) and not (there[: _BEYOND - _SLACK] == 1).any())


def _train(base: Array, start: int, stop: int) -> npt.NDArray[np.int64] | None:
    """Times of the clicks in even time around [start, stop), with `_BEYOND` more to each side as they would go on."""
    clicks = clicks_in(base)
    near = clicks[(clicks > start - _AROUND) & (clicks < stop + _AROUND)]
    if len(near) < _LEAST_CLICKS:
        return None
    gaps = np.diff(near)
    period = float(np.median(gaps))
    even = gaps[np.abs(gaps - period) <= _EVEN * period + 1]
    if not _FASTEST <= period <= _SLOWEST or len(even) < _EVENLY * len(gaps):
        return None
    period, loud = float(even.mean()), base > CLICK_DB
    middle = _most_even(near, period, start)
    back, on = (_followed(clicks, loud, middle, way * period) for way in (-1, 1))
    if len(back) + len(on) < _LEAST_CLICKS:
        return None
    more = period * np.arange(1, _BEYOND + 1)
    times = np.concatenate(((back or [middle])[-1] - more[::-1], back[::-1], [middle], on, (on or [middle])[-1] + more))
    return np.rint(times).astype(np.int64)


def _most_even(clicks: npt.NDArray[np.int64], period: float, start: int) -> float:
    """Of these clicks one with which most others are in time, the nearest to a contour's start of several."""
    apart = (clicks[:, None] - clicks) / period
    in_time = (np.abs(apart - np.rint(apart)) < _IN_TIME) & (np.abs(apart) < _NEIGHBOURS)
    votes = in_time.sum(axis=1)
    most = clicks[votes == votes.max()]
    return float(most[np.abs(most - start).argmin()])


def _followed(clicks: Array, loud: Array, at: float, step: float) -> list[float]:
    """Where clicks follow each other in even time from one on, to one side, until `_MISSES` more are missing in a row.

    Where something else is loud none is missed.
    """
    found, pending, n_missed = list[float](), list[float](), 0
    while n_missed <= _MISSES and len(pending) < _MOST_DROWNED:
        at += step
        low, high = round(at) - _JITTER, round(at) + _JITTER + 1
        if low < 0 or high > len(loud):
            break
        near = clicks[(clicks >= low) & (clicks < high)]
        if len(near):
            at += _DRIFT * (float(near[np.abs(near - at).argmin()]) - at)
            found += [*pending, at]
            pending, n_missed = [], 0
        else:
            pending.append(at)
            n_missed += not loud[low:high].any()
    return found


def _line(frames: Frames, contour: Contour, base: Array, first: int, ticks: npt.NDArray[np.int64]) -> Array:
    """The level over the floor at the contour's frequency between clicks, dB; NaN where it cannot be told."""
    n_rows, block = len(frames.base), len(frames.base) // len(frames.floor)
    loud = np.convolve(base > _QUIET_DB, np.ones(2 * _BESIDE + 1), "same") > 0
    place = min(max(int(np.median(contour.bins) + 0.5), 1), len(frames.level) - 2)
    out = np.full(len(ticks) - 1, np.nan)
    for k, (low, high) in enumerate(pairwise(ticks)):
        at = np.arange(max(low, 0), min(high, len(base)))
        rows = (at[~loud[at]] + first) % n_rows
        rows = rows[frames.known[rows]]
        if len(rows) >= _LEAST_QUIET:
            bins = np.arange(place - 1, place + 2)
            over = frames.level[bins[:, None], rows] - frames.floor[rows // block][:, bins].T
            out[k] = over.mean(axis=1).max()
    return out


def is_in_a_stack(frames: Frames, contour: Contour, grid: FrameGrid, lowest_bin: int) -> bool:
    """Whether there are ridges beside it at equal distances, a small fraction of its frequency; as in `source_of`."""
    at = np.flatnonzero(contour.there)
    at = at[:: -(-len(at) // _MOST_FRAMES)]
    rows = (contour.start + at) % len(frames.base)
    block = len(frames.base) // len(frames.floor)
    over = frames.level[:, rows] - frames.floor[rows // block].T
    place = contour.bins[at] + lowest_bin
    hz = float(np.median(place)) * grid.bin_hz
    for number in range(int(hz / _APART_HZ[1]) + 1, int(hz / _APART_HZ[0]) + 1):
        if hz / number < _APART_BINS * grid.bin_hz:
            break
        stands_out = {k: _stands_out(over, place, lowest_bin, k, number) for k in (-3, -2, -1, 1, 2, 3)}
        if any(all(stands_out[k] for k in side) for side in _SIDES):
            return True
    return False


def _stands_out(over: Array, place: Array, lowest_bin: int, k: int, number: int) -> bool:
    """Whether there is a ridge at `number + k` times a `number`th of a contour's frequency, and less to both sides."""
    here, below, above = (
        np.rint(place * (1 + (k + off) / number) - lowest_bin).astype(np.int64) for off in (0.0, -0.5, 0.5)
    )
    inside = (below >= 0) & (above < len(over))
    if not inside.all():
        return False
    columns = np.arange(over.shape[1])
    level, beside = over[here, columns].mean(), max(over[below, columns].mean(), over[above, columns].mean())
    return bool(level > _STANDS_OUT_DB and level - beside > _STANDS_OUT_DB)
