"""Contours: ridge points of consecutive frames, joined where frequency is continuous.

Theory. Each running contour predicts where its next point lies, from its own slope, and takes the nearest free point
within reach; contours are served oldest first. A contour may miss points for a few milliseconds, while its reach grows.
Points that no contour takes begin new ones. So a call that crosses a tone, a click or another call goes on as itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel
from behavior.usv.ridges import Frames

Array = npt.NDArray[Any]

MAX_MISSES = 10
"""A contour ends when it finds no point in this many frames."""

ENDED = np.dtype(
    [("track", "i4"), ("start", "i8"), ("stop", "i8"), ("n_points", "i4"), ("strongest", "f4"), ("sum", "f4")]
)
"""A contour that ended: its number, frames [start, stop), points, strongest and summed ridge (dB)."""

_MAX_RUNNING = 64
_REACH, _REACH_GROWTH, _FURTHEST, _STEEPEST = 3.0, 0.3, 6.0, 3.0

_RUNNING = np.dtype(
    [
        ("track", "i4"),
        ("start", "i8"),
        ("last", "i8"),
        ("n_points", "i4"),
        ("strongest", "f4"),
        ("sum", "f4"),
        ("bin", "f4"),
        ("slope", "f4"),
    ]
)


class ContourTracker:
    """Follows contours from frame to frame.

    Parameters
    ----------
    longest : frames after which a contour ends at any rate
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._running = np.zeros(_MAX_RUNNING, _RUNNING)
        self._counters = np.zeros(2, np.int64)
        self._ended = np.zeros(1024, ENDED)

    @property
    def earliest_running(self) -> int | None:
        """First frame of the oldest contour that still runs."""
        n = self._counters[0]
        return int(self._running["start"][:n].min()) if n else None

    def follow(self, frames: Frames, first: int, stop: int, *, to_the_end: bool = False) -> npt.NDArray[Any]:
        """Go on through frames [first, stop); the contours that ended, in order of their end."""
        out = []
        while first < stop or to_the_end:
            first, n_ended = _follow(
                frames, first, stop, to_the_end, self._longest, self._running, self._counters, self._ended
            )
            out.append(self._ended[:n_ended].copy())
            to_the_end = to_the_end and bool(self._counters[0])
        return np.concatenate(out) if out else self._ended[:0]


@kernel
def _follow(
    frames: Frames, first: int, stop: int, to_the_end: bool, longest: int, running: Any, counters: Any, ended: Any
) -> Any:
    """As `ContourTracker.follow`, until `ended` could be full. `counters`: running contours, contours begun so far."""
    n_ended = 0
    frame = first
    while frame < stop and n_ended < ended.size - 2 * _MAX_RUNNING:
        row = frame % frames.n_peaks.size
        taken = np.zeros(frames.bin.shape[1], np.bool_)
        n_running = counters[0]
        for r in range(n_running):
            _extend(running[r], frames, row, frame, taken)
        kept = 0
        for r in range(n_running):
            contour = running[r]
            if frame - contour.last >= MAX_MISSES or frame - contour.start >= longest:
                _end(contour, ended[n_ended])
                n_ended += 1
            else:
                running[kept] = running[r]
                kept += 1
        counters[0] = kept
        for p in range(frames.n_peaks[row]):
            if not taken[p] and counters[0] < _MAX_RUNNING:
                _begin(running[counters[0]], frames, row, frame, p, counters)
        frame += 1
    if to_the_end and frame == stop:
        for r in range(counters[0]):
            _end(running[r], ended[n_ended])
            n_ended += 1
        counters[0] = 0
    return frame, n_ended


@kernel
def _extend(contour: Any, frames: Frames, row: int, frame: int, taken: Any) -> None:
    ahead = frame - contour.last
    expected = contour.bin + contour.slope * min(ahead, 4)
    nearest, at = min(_REACH + _REACH_GROWTH * (ahead - 1), _FURTHEST), -1
    for p in range(frames.n_peaks[row]):
        distance = abs(frames.bin[row, p] - expected)
        if not taken[p] and distance < nearest:
            nearest, at = distance, p
    if at < 0:
        return
    taken[at] = True
    frames.track[row, at] = contour.track
    step = (frames.bin[row, at] - contour.bin) / ahead
    contour.slope = min(max(np.float32(0.6) * contour.slope + np.float32(0.4) * step, -_STEEPEST), _STEEPEST)
    contour.bin = frames.bin[row, at]
    contour.last = frame
    contour.n_points += 1
    contour.strongest = max(contour.strongest, frames.ridge[row, at])
    contour.sum += frames.ridge[row, at]


@kernel
def _begin(contour: Any, frames: Frames, row: int, frame: int, p: int, counters: Any) -> None:
    counters[0] += 1
    counters[1] += 1
    contour.track = counters[1]
    contour.start = frame
    contour.last = frame
    contour.n_points = 1
    contour.strongest = frames.ridge[row, p]
    contour.sum = frames.ridge[row, p]
    contour.bin = frames.bin[row, p]
    contour.slope = 0.0
    frames.track[row, p] = contour.track


@kernel
def _end(contour: Any, out: Any) -> None:
    out.track = contour.track
    out.start = contour.start
    out.stop = contour.last + 1
    out.n_points = contour.n_points
    out.strongest = contour.strongest
    out.sum = contour.sum


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """A contour that ended: frames [start, stop), and per frame its place and strength (NaN where it has no point).

    bins : fractional bins above the lowest searched, shape (stop - start,)
    ridge : dB over noise and broadband level, shape (stop - start,)
    base : broadband level over the floor, dB
    n_strong : how many strong ridge points the frame had in all
    audible : level below 15 kHz over its floor, dB
    """

    start: int
    stop: int
    strongest: float
    bins: Array
    ridge: Array
    base: Array
    n_strong: npt.NDArray[np.int32]
    audible: Array

    def __len__(self) -> int:
        return self.stop - self.start


def gather(frames: Frames, ended: Any) -> Contour:
    """A contour's points out of the rings."""
    start, stop = int(ended["start"]), int(ended["stop"])
    bins = np.full(stop - start, np.nan, np.float32)
    ridge = bins.copy()
    _gather(frames, start, int(ended["track"]), bins, ridge)
    rows = np.arange(start, stop) % len(frames.base)
    return Contour(
        start,
        stop,
        float(ended["strongest"]),
        bins,
        ridge,
        frames.base[rows],
        frames.n_strong[rows],
        frames.audible[rows],
    )


@kernel
def _gather(frames: Frames, start: int, track: int, bins: Array, ridge: Array) -> None:
    for i in range(bins.size):
        row = (start + i) % frames.base.size
        for p in range(frames.n_peaks[row]):
            if frames.track[row, p] == track:
                bins[i] = frames.bin[row, p]
                ridge[i] = frames.ridge[row, p]
