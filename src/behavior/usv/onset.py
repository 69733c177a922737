"""The provisional onset: a call seems to have begun, said within 50 ms, long before it can be known.

Theory. The detector works in blocks of a quarter of a second, because a noise floor, a click and an echo are told by
what follows. Who wants to act on a call's beginning cannot wait for that. So, where it is asked for, each 32 frames (16
ms at 250 kHz) get a light look of their own: every second frame, levels over the floor that was in force at the last
block's end and over the frame's broadband level, averaged over four of them. A run of strongest bins that lie within
reach of each other, each as strong as the first look wants it, is a provisional onset once it lasts 8 ms and has the
evidence that a call needs. After a click it must last 25 ms, because what is struck rings.

Rules. All of it is keyed to frames, so that any cutting of the sound into blocks says the same. What is said is a
guess: the detector takes it back (`Withdrawn`) when the time has come and no call holds it, or confirms it by the call.
A call that is shorter or fainter than that has no provisional onset. Calls themselves are not changed by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.spectrogram import FramedSound, FrameGrid
from behavior.model.calls import Call
from behavior.usv.profile import DetectorProfile

Array = npt.NDArray[Any]

SUB_BLOCK = 32
"""Frames that are looked at at a time."""

_AVERAGED, _LOOK_DB = 4, 2.5
_RUN_S, _STRUCK_RUN_S, _STRUCK_S = 0.008, 0.025, 0.012
_CLICK_DB, _REACH, _MISSES = 6.0, 5.0, 2
_EARLY_S, _LATE_S = 0.025, 0.010
_LOWEST_BASE_DB = -2.5


@dataclass(frozen=True, slots=True)
class Onset:
    """A call seems to have begun.

    Attributes
    ----------
    number : from 1
    onset_s, hz : when, seconds of the recording, and at which frequency
    said_s : the end of the sound that was needed to say so, seconds of the recording
    """

    number: int
    onset_s: float
    hz: float
    said_s: float


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The provisional onset of this number was none: no call was found there."""

    number: int
    onset_s: float


class OnsetWatch:
    """Looks for beginnings ahead of the detector.

    Parameters
    ----------
    profile : what to look for
    grid : frames and bins
    edges : of the bands whose medians are the broadband level, in bins above the lowest
    search : the bins [low, high) in which a call may be
    lowest_bin : the bin that bins count from
    """

    def __init__(
        self,
        profile: DetectorProfile,
        grid: FrameGrid,
        edges: npt.NDArray[np.int64],
        search: tuple[int, int],
        lowest_bin: int,
    ) -> None:
        self._grid, self._edges, self._lowest_bin = grid, [int(edge) for edge in edges], lowest_bin
        self._low, self._high = search
        self._least_db, self._hold_db = profile.hold_db + _LOOK_DB, profile.hold_db
        self._evidence = profile.confirm_evidence / 2  # every second frame is looked at
        self._apart, self._apart_22khz = (round(s / grid.frame_s) for s in (profile.join_s, profile.join_22khz_s))
        self._below_bin = profile.below_22khz_hz / grid.bin_hz - lowest_bin
        self._run_frames, self._struck_frames, self._after_click = (
            round(s / grid.frame_s) for s in (_RUN_S, _STRUCK_RUN_S, _STRUCK_S)
        )
        self._middles = [(low + high) / 2 for low, high in zip(self._edges, self._edges[1:], strict=False)]
        self._held = np.zeros((self._edges[-1], _AVERAGED - 1), np.float32)
        self._run: _Run | None = None
        self._clicked = self._over = -(1 << 40)
        self.n_looked, self._n_said = 0, 0
        self._open = list[tuple[Onset, int]]()
        self._told = list[Onset | Withdrawn]()

    def take(self) -> list[Onset | Withdrawn]:
        """What there is to say since."""
        told, self._told = self._told, []
        return told

    def look(self, sound: FramedSound, n_skipped: int, floor: Array) -> None:
        """The next `SUB_BLOCK` frames, by every second of them.

        Parameters
        ----------
        sound : with these frames
        n_skipped : bins of `sound` below the band
        floor : the noise floor of the band's bins, dB
        """
        first = self.n_looked
        power = sound.power(first, first + SUB_BLOCK, 2)[n_skipped : n_skipped + len(floor)]
        excess = 10 * np.log10(power + np.float32(1e-20)) - floor[:, None]
        bases = self._bases(excess)
        excess -= self._between(bases)
        excess[1:-1] = 0.25 * (excess[:-2] + excess[2:]) + 0.5 * excess[1:-1]
        held = np.concatenate((self._held, excess), axis=1)
        self._held = held[:, -(_AVERAGED - 1) :].copy()
        looks = np.stack([held[self._low : self._high, k : k + excess.shape[1]] for k in range(_AVERAGED)])
        mean = looks.mean(axis=0)
        bins, broadband = mean.argmax(axis=0), np.median(bases, axis=0)
        for k, at in enumerate(bins):
            # the average ends with this frame: what it shows began `_AVERAGED` looks ago at the most
            self._step(first + 2 * k, self._low + int(at), float(mean[at, k]), float(broadband[k]))
        self.n_looked = first + SUB_BLOCK

    def settle(self, calls: Sequence[Call], settled_s: float) -> None:
        """What was found by now: before `settled_s` nothing more will be."""
        still = list[tuple[Onset, int]]()
        for onset, frame in self._open:
            if any(call.onset_s - _EARLY_S <= onset.onset_s <= call.offset_s + _LATE_S for call in calls):
                continue
            if onset.onset_s + _EARLY_S < settled_s:
                self._told.append(Withdrawn(onset.number, onset.onset_s))
            else:
                still.append((onset, frame))
        self._open = still

    def _bases(self, excess: Array) -> Array:
        pairs = zip(self._edges, self._edges[1:], strict=False)
        medians = [np.median(excess[low:high], axis=0) for low, high in pairs]
        return np.asarray(np.maximum(np.stack(medians), _LOWEST_BASE_DB))

    def _between(self, bases: Array) -> Array:
        """The broadband level of each bin: straight lines between the middles of the bands."""
        place = np.interp(np.arange(self._edges[-1]), self._middles, np.arange(len(bases)))
        left = np.minimum(place.astype(np.int64), len(bases) - 2)
        share = (place - left).astype(np.float32)[:, None]
        return np.asarray((1 - share) * bases[left] + share * bases[left + 1], np.float32)

    def _step(self, frame: int, place: int, level_db: float, base_db: float) -> None:
        if base_db > _CLICK_DB:
            self._clicked = frame
        run = self._run
        if run is not None and level_db > self._least_db and abs(place - run.place) <= _REACH * (1 + run.missed):
            run.place, run.missed, run.n = place, 0, run.n + 1
            run.evidence += level_db - self._hold_db
            run.last = frame
        elif run is not None and run.missed < _MISSES:
            run.missed += 1
        else:
            if run is not None and run.said:
                self._over = run.last
            self._run = run = None
        if run is None and level_db > self._least_db:
            began = frame - 2 * (_AVERAGED - 1)
            struck = began - self._clicked <= self._after_click
            goes_on = began - self._over < (self._apart_22khz if place < self._below_bin else self._apart)
            self._run = _Run(began, frame, place, level_db - self._hold_db, struck, said=goes_on)
        if run is not None and not run.said and self._is_enough(run):
            run.said = True
            self._say(run, frame)

    def _is_enough(self, run: _Run) -> bool:
        struck = run.struck or run.first - self._clicked <= self._after_click
        lasts = run.last - run.first >= (self._struck_frames if struck else self._run_frames)
        return lasts and run.evidence >= self._evidence

    def _say(self, run: _Run, frame: int) -> None:
        self._n_said += 1
        # the first average that stands out holds the call by half or more
        onset_s = self._grid.onset_s(run.first + _AVERAGED // 2)
        hz = (run.place + self._lowest_bin) * self._grid.bin_hz
        stop = (self.n_looked + SUB_BLOCK - 1 + self._grid.first_frame) * self._grid.hop + self._grid.size
        onset = Onset(self._n_said, onset_s, hz, stop / self._grid.sample_rate_hz)
        self._open.append((onset, frame))
        self._told.append(onset)


@dataclass(slots=True)
class _Run:
    """Strongest bins within reach of each other; `said`: nothing more is to be said of it."""

    first: int
    last: int
    place: int
    evidence: float
    struck: bool
    said: bool
    missed: int = 0
    n: int = 1
