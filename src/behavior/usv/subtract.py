"""Subtraction: what a known event's clicks sound like, taken off before anything is looked for.

Theory. A scrambler, a lever or a feeder makes the same sound again and again, and the session's journal knows when.
So within known events the frames are lined up by the time since the last click, and the median level of each
frequency at each such time, over the clicks of that kind in the last seven seconds, is their template. Its power,
doubled, is subtracted (Boll 1979, IEEE Trans. ASSP 27:113-120). What is as loud at all times since a click, a whine
or a call, is not theirs and stays: only what the template has over its own quietest time is taken off. A median
over many clicks does not hold a call. The template is that of the clicks up to the end of the block, so live and
offline are the same, and a recording that is searched in parts has the same templates as the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.spectrogram import FrameGrid
from behavior.usv.gate import KnownEvent, clicks_in, known_with
from behavior.usv.ridges import Frames

Array = npt.NDArray[Any]

_LASTS_S, _MOST_CLICKS, _LEAST_CLICKS = 0.012, 128, 8
_TWICE_DB, _LOCKED_DB, _AFTER_S = 3.0, 3.0, 0.015
_REMEMBERS_S, _NEVER = 7.0, -(1 << 62)


class Subtraction:
    """Templates of the clicks of each kind of event.

    Parameters
    ----------
    events : times in seconds of the stream
    grid : frames
    n_bins : frequencies
    """

    def __init__(self, events: Sequence[KnownEvent], grid: FrameGrid, n_bins: int) -> None:
        self._grid, self._known = grid, sorted(events, key=lambda event: event.start_s)
        self._events = [self._frames_of(event) for event in self._known]
        self._n_since, self._n_bins = round(_LASTS_S / grid.frame_s), n_bins
        self._heard = dict[str, Array]()
        self._when = dict[str, npt.NDArray[np.int64]]()
        self._n_heard = dict[str, npt.NDArray[np.int64]]()
        self._remembers = round(_REMEMBERS_S / grid.frame_s)

    def __bool__(self) -> bool:
        return bool(self._events)

    def know(self, event: KnownEvent) -> None:
        """Another event, or the true end of one."""
        self._known = known_with(self._known, event)
        self._events = [self._frames_of(one) for one in self._known]

    def _frames_of(self, event: KnownEvent) -> tuple[str, int, int]:
        grid = self._grid
        begin = int(event.start_s / grid.frame_s) - grid.size // grid.hop - grid.first_frame
        return event.kind, begin, int((event.stop_s + _AFTER_S) / grid.frame_s) + 1 - grid.first_frame

    def spans(self, first: int, stop: int) -> Iterator[tuple[str, int, int]]:
        """The parts of frames [first, stop) that lie in known events, with their kind."""
        for kind, begin, end in self._events:
            if max(begin, first) < min(end, stop):
                yield kind, max(begin, first), min(end, stop)

    def subtract(self, frames: Frames, block: int, kind: str, first: int, stop: int) -> Array:
        """Take the clicks of one span off the levels of frames [first, stop), in place; no less than the floor is left.

        How much broadband level that took, dB, shape (stop - first,): the clicks are still known to have been there.
        """
        taken = np.zeros(stop - first, np.float32)
        rows = np.arange(first, stop) % len(frames.base)
        level, floor = frames.level[:, rows], frames.floor[rows // block].T
        broadband = np.median(level - floor, axis=0)
        clicks = clicks_in(broadband)
        if not len(clicks):
            return taken
        last = np.searchsorted(clicks, np.arange(stop - first), side="right") - 1
        since = np.where(last >= 0, np.arange(stop - first) - clicks[last], -1)
        known = np.flatnonzero((since >= 0) & (since < self._n_since))
        self._hear(kind, level[:, known], since[known], first + known)
        template = self._template(kind, first - self._remembers)
        if template is not None:
            left = _taken_off(level[:, known], template[:, since[known]], floor[:, known])
            frames.level[:, rows[known]] = left
            taken[known] = broadband[known] - np.median(left - floor[:, known], axis=0)
        return taken

    def _hear(self, kind: str, level: Array, since: Array, when: Array) -> None:
        if kind not in self._heard:
            self._heard[kind] = np.empty((self._n_since, _MOST_CLICKS, self._n_bins), np.float32)
            self._when[kind] = np.full((self._n_since, _MOST_CLICKS), _NEVER, np.int64)
            self._n_heard[kind] = np.zeros(self._n_since, np.int64)
        heard, n = self._heard[kind], self._n_heard[kind]
        for column, at, frame in zip(level.T, since, when, strict=True):
            heard[at, n[at] % _MOST_CLICKS], self._when[kind][at, n[at] % _MOST_CLICKS] = column, frame
            n[at] += 1

    def _template(self, kind: str, since: int) -> Array | None:
        """Levels by bin and time since a click, dB, of clicks from a frame on; minus infinity where not theirs."""
        heard, late = self._heard[kind], self._when[kind] >= since
        enough = np.flatnonzero(late.sum(axis=1) >= _LEAST_CLICKS)
        if not len(enough):
            return None
        template = np.full((self._n_bins, self._n_since), -np.inf, np.float32)
        for at in enough:
            template[:, at] = np.median(heard[at, late[at]], axis=0)
        quietest = np.where(np.isfinite(template), template, np.inf).min(axis=1, keepdims=True)
        return np.where(template > quietest + _LOCKED_DB, template, np.float32(-np.inf))


def _taken_off(level: Array, template: Array, floor: Array) -> Array:
    """Levels without twice the template's power, and no lower than the floor."""
    share = 10 ** ((template + _TWICE_DB - level) / 10)
    left = level + 10 * np.log10(np.maximum(1 - share, np.float32(1e-6)))
    return np.asarray(np.where(np.isfinite(template), np.maximum(left, np.minimum(floor, level)), level), np.float32)
