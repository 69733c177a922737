"""What is worth a look: contours that could be a call, and those near enough to be a part of one.

Theory. Noise gives several contours a second, a loud call dozens of faint ones in its skirts and echoes, next to none
of which has the evidence of a call. One that has not matters only where it may be joined with one that has. So contours
wait as bare numbers, in chains with gaps no longer than calls are joined over; a chain in which none is strong enough
is forgotten once nothing to come can reach it. Of the others those that are no more than scattered points, and faint
ones that the gate would turn away, are sorted out by compiled code; what is left is looked at one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel, part
from behavior.usv.contour import ENDED, FAINT_DB, LEAD, ends_of, points_of
from behavior.usv.gate import BORROWED_DB, CLICK_DB, MANY, SPARSE
from behavior.usv.profile import DetectorProfile
from behavior.usv.ridges import Frames

Array = npt.NDArray[Any]
Ended = npt.NDArray[Any]

_ROUNDING = 0.999


class Nearby:
    """Holds contours that ended until it is known whether they matter.

    Parameters
    ----------
    profile : what a call and a part of one have
    frame_s : from frame to frame
    remembers : frames after which a contour is looked at in any case, as its frames are about to be overwritten
    """

    def __init__(self, profile: DetectorProfile, frame_s: float, remembers: int) -> None:
        self._gap = round(max(profile.join_s, profile.join_22khz_s) / frame_s) + 1
        self._strongest_db, self._evidence = _ROUNDING * profile.confirm_db, _ROUNDING * profile.confirm_evidence
        self._hold_db, self._support = profile.hold_db, _ROUNDING * profile.support_evidence
        self._remembers = remembers
        self._held, self._given = np.empty(0, ENDED), np.empty(0, np.bool_)

    def __len__(self) -> int:
        return len(self._held)

    def add(self, ended: Ended) -> None:
        """Take in contours that ended, in order of their end."""
        if len(ended):
            held = np.empty(len(self._held) + len(ended), ENDED)
            held[: len(self._held)], held[len(self._held) :] = self._held, ended
            self._held, self._given = held, np.append(self._given, np.zeros(len(ended), np.bool_))

    @property
    def earliest_waiting(self) -> int | None:
        """First frame of what waits."""
        return int(self._held["start"].min()) if len(self._held) else None

    def worth_a_look(self, frames: Frames, horizon: int) -> Ended:
        """Those that matter and were not given yet, in order of their end; contours to come begin at `horizon`."""
        due = self._due(horizon)
        if not len(due):
            return due
        worth = np.zeros(len(due), np.bool_)
        _sort_out(frames, due, self._could_be_calls(due), self._hold_db, self._support, worth)
        return due[worth]

    def _could_be_calls(self, ended: Ended) -> npt.NDArray[np.bool_]:
        return np.asarray((ended["strongest"] >= self._strongest_db) & (ended["evidence"] >= self._evidence))

    def _due(self, horizon: int) -> Ended:
        held = self._held
        if not len(held):
            return held
        due, keep = np.zeros((2, len(held)), np.bool_)
        could_be = self._could_be_calls(held)
        _choose(held, could_be, self._given, self._gap, horizon, horizon - self._remembers, due, keep)
        out = held[due]
        self._held, self._given = held[keep], (self._given | due)[keep]
        return out


@kernel
def _choose(held: Any, could_be: Any, given: Any, gap: int, horizon: int, oldest: int, due: Any, keep: Any) -> None:
    """Which are due, as their chain holds what could be a call, and which to keep, as it can still grow."""
    order = np.arange(held.size)
    for i in range(1, order.size):  # they come nearly in order
        j = i
        while j and held[order[j - 1]].start > held[i].start:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i
    first = 0
    while first < order.size:
        reached, stop, matters = held[order[first]].stop, first + 1, could_be[order[first]]
        while stop < order.size and held[order[stop]].start - reached < gap:
            reached = max(reached, held[order[stop]].stop)
            matters = matters or could_be[order[stop]]
            stop += 1
        for i in order[first:stop]:
            due[i] = (matters or held[i].start < oldest) and not given[i]
            keep[i] = reached + gap >= horizon
        first = stop


@kernel
def _sort_out(frames: Frames, ended: Any, could_be_calls: Any, hold_db: float, support: float, worth: Any) -> None:
    """Say of each contour whether it may be more than scattered points, or a faint one that the gate turns away."""
    block = frames.base.size // frames.floor.shape[0]
    for i in range(ended.size):
        start, stop = ended[i].start, ended[i].stop
        if _is_clicked(frames, start, stop):
            worth[i] = True
            continue
        seen = np.empty((4, stop - start), np.float32)
        bins, ridge, excess, rivals = seen[0], seen[1], seen[2], seen[3]
        points_of(frames, start, ended[i].track, block, bins, ridge, excess, rivals)
        first, last = ends_of(ridge, hold_db, 0.5 * support)
        n, evidence, borrowed, n_rivals, faint = 0, 0.0, 0.0, 0.0, 0.0
        for k in range(first, last + 1):
            if not np.isnan(ridge[k]):
                n += 1
                evidence += ridge[k] - hold_db
                borrowed += ridge[k] - excess[k]
                n_rivals += rivals[k]
            else:
                faint += excess[k] - FAINT_DB
        worth[i] = evidence >= support and (n >= SPARSE * (last + 1 - first) or faint > 0)
        if not could_be_calls[i]:
            worth[i] = worth[i] and borrowed <= BORROWED_DB * n and n_rivals <= MANY * n


@part
def _is_clicked(frames: Frames, start: int, stop: int) -> bool:
    loudest = np.float32(0)
    for frame in range(max(start - LEAD, 0), stop):
        loudest = max(loudest, frames.base[frame % frames.base.size])
    return bool(loudest > CLICK_DB)
