"""Contours: ridge points of consecutive frames, joined where frequency is continuous.

Theory. Each running contour predicts where its next point lies, from its own slope, and takes the nearest free point
within reach; contours are served oldest first. A contour may miss points for a few milliseconds, while its reach grows.
For 22-kHz contours, which are long and level, a frame hardly counts as missed when a broadband noise drowns it, and not
at all when the average since its last point, of 16 ms at least, is louder than the floor, as in a dip or where the call
adds to a steady tone. Its next point lies near, the further the longer it was not seen: no larynx leaps as noise does.
Points that no contour takes begin new ones. So a call that crosses a tone, a click or another call goes on as itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel, part
from behavior.usv.ridges import Frames

Array = npt.NDArray[Any]

MAX_MISSES = 10
"""A contour ends when it finds no point in this many frames."""
LONGEST_GAP = 400
"""And when it finds none in so many of which each hardly counts."""

ENDED = np.dtype([("track", "i4"), ("start", "i8"), ("stop", "i8"), ("strongest", "f4"), ("evidence", "f4")])
"""A contour that ended: its number, frames [start, stop), strongest ridge and evidence (dB)."""

_MAX_RUNNING = 64
_REACH, _REACH_GROWTH, _STEEPEST = 3.0, 0.3, 3.0
_LEVEL_REACH, _LEVEL_GROWTH = 1.5, 0.1
_FORESIGHT = 4
_DROWNED_DB, _DROWNED_COUNTS = 6.0, 0.06
FAINT_DB = 3.0
"""On average over the floor where a contour has no point, and still is faintly there."""
_FAINT_FRAMES = 32

_RUNNING = np.dtype(
    [
        ("track", "i4"),
        ("start", "i8"),
        ("last", "i8"),
        ("missed", "f4"),
        ("n_points", "i4"),
        ("strongest", "f4"),
        ("evidence", "f4"),
        ("bin", "f4"),
        ("slope", "f4"),
    ]
)


class Rules(NamedTuple):
    """What a tracker goes by; as the parameters of `ContourTracker`."""

    longest: int
    level_below: float
    hold_db: float
    least: float
    patient_from: float


class ContourTracker:
    """Follows contours from frame to frame.

    Parameters
    ----------
    longest : frames after which a contour ends at any rate
    level_below : bins below which contours are long and level
    hold_db : what ridge points exceed; the sum of the excess is a contour's evidence
    least : contours with less evidence are left out
    patient_from : evidence from which a level contour is waited for

    Attributes
    ----------
    rules, running, counters : of `follow`
    """

    def __init__(self, longest: int, *, level_below: float, hold_db: float, least: float, patient_from: float) -> None:
        self.rules = Rules(longest, level_below, hold_db, least, patient_from)
        self.running = np.zeros(_MAX_RUNNING, _RUNNING)
        self.counters = np.zeros(2, np.int64)
        self._ended = np.zeros(1024, ENDED)

    @property
    def earliest_running(self) -> int | None:
        """First frame of the oldest contour that still runs."""
        n = self.counters[0]
        return int(self.running["start"][:n].min()) if n else None

    def follow(self, frames: Frames, first: int, stop: int, *, to_the_end: bool = False) -> npt.NDArray[Any]:
        """Go on through frames [first, stop); the contours that ended, in order of their end."""
        out = []
        while first < stop or to_the_end:
            first, n_ended = follow(
                frames,
                first,
                stop,
                to_the_end,
                self.rules,
                self.running,
                self.counters,
                self._ended,
            )
            out.append(self._ended[:n_ended].copy())
            to_the_end = to_the_end and bool(self.counters[0])
        return np.concatenate(out) if out else self._ended[:0]


@kernel
def follow(
    frames: Frames,
    first: int,
    stop: int,
    to_the_end: bool,
    rules: Rules,
    running: Any,
    counters: Any,
    ended: Any,
) -> Any:
    """As `ContourTracker.follow`, until `ended` could be full. `counters`: running contours, contours begun so far."""
    n_ended = 0
    frame = first
    # a part that is given all of the rings counts references to each of them, at every call
    n_peaks, bins, ridge, track, n_rows = frames.n_peaks, frames.bin, frames.ridge, frames.track, frames.base.size
    taken = np.zeros(bins.shape[1], np.bool_)
    while frame < stop and n_ended < ended.size - 2 * _MAX_RUNNING:
        row = frame % n_rows
        if counters[0] == 0 and n_peaks[row] == 0:
            frame += 1
            continue
        for p in range(taken.size):
            taken[p] = False
        n_running = counters[0]
        for r in range(n_running):
            contour = running[r]
            if not _extend(contour, n_peaks[row], bins, ridge, track, row, frame, taken, rules):
                level = contour.bin < rules.level_below and contour.evidence >= rules.patient_from
                waits = level and frame - contour.last > _FORESIGHT
                contour.missed += _missed(frames, frame, contour.bin, frame - contour.last) if waits else 1.0
        kept = 0
        for r in range(n_running):
            contour = running[r]
            silent = contour.missed >= MAX_MISSES or frame - contour.last >= LONGEST_GAP
            if silent or frame - contour.start >= rules.longest:
                n_ended += _end(contour, ended[n_ended], rules)
            else:
                if kept < r:
                    running[kept] = running[r]
                kept += 1
        counters[0] = kept
        for p in range(n_peaks[row]):
            if not taken[p] and counters[0] < _MAX_RUNNING:
                counters[0] += 1
                counters[1] += 1
                track[row, p] = counters[1]
                _begin(running[counters[0] - 1], counters[1], frame, bins[row, p], ridge[row, p], rules)
        frame += 1
    if to_the_end and frame == stop:
        for r in range(counters[0]):
            n_ended += _end(running[r], ended[n_ended], rules)
        counters[0] = 0
    return frame, n_ended


@part
def _extend(
    contour: Any, n: int, bins: Array, ridge: Array, track: Array, row: int, frame: int, taken: Any, rules: Rules
) -> bool:
    """Let a contour take the nearest free one of the frame's `n` points that is within its reach; whether it did."""
    ahead = frame - contour.last
    waits = contour.bin < rules.level_below and ahead > _FORESIGHT
    expected = contour.bin + (0.0 if waits else contour.slope * min(ahead, _FORESIGHT))
    level = contour.bin < rules.level_below and contour.evidence >= rules.patient_from
    nearest, at = _reach(level, ahead), -1
    for p in range(n):
        distance = abs(bins[row, p] - expected)
        if not taken[p] and distance < nearest:
            nearest, at = distance, p
    if at < 0:
        return False
    taken[at] = True
    track[row, at] = contour.track
    step = (bins[row, at] - contour.bin) / ahead
    contour.slope = min(max(np.float32(0.6) * contour.slope + np.float32(0.4) * step, -_STEEPEST), _STEEPEST)
    contour.bin = bins[row, at]
    contour.last = frame
    contour.missed = 0
    contour.n_points += 1
    contour.strongest = max(contour.strongest, ridge[row, at])
    contour.evidence += ridge[row, at] - rules.hold_db
    return True


@part
def _reach(level: bool, ahead: int) -> float:
    """How far from where it is expected a contour's next point may lie, bins."""
    if level:
        return min(_LEVEL_REACH + _LEVEL_GROWTH * (ahead - 1), _REACH)
    return _REACH + (_REACH_GROWTH * (ahead - 1) if ahead <= MAX_MISSES else 0.0)


@part
def _missed(frames: Frames, frame: int, place: float, ahead: int) -> float:
    """What a missing point, `ahead` frames after the last, counts for a level contour.

    Little when drowned, nothing when faint but there.
    """
    n_rows = frames.base.size
    block = n_rows // frames.floor.shape[0]
    if frames.base[frame % n_rows] > _DROWNED_DB:
        return _DROWNED_COUNTS
    here = min(max(int(place + 0.5), 1), frames.level.shape[0] - 2)
    below, beside, above = np.float32(0), np.float32(0), np.float32(0)
    row = frame % n_rows
    n = max(ahead, _FAINT_FRAMES)
    for _ in range(n):
        if frames.known[row]:
            floor = frames.floor[row // block]
            below += frames.level[here - 1, row] - floor[here - 1]
            beside += frames.level[here, row] - floor[here]
            above += frames.level[here + 1, row] - floor[here + 1]
        row = row - 1 if row else n_rows - 1
    return 0.0 if max(below, beside, above) > FAINT_DB * n else 1.0


@part
def _begin(contour: Any, track: int, frame: int, place: float, ridge: float, rules: Rules) -> None:
    contour.track = track
    contour.start = frame
    contour.last = frame
    contour.missed = 0
    contour.n_points = 1
    contour.strongest = ridge
    contour.evidence = ridge - rules.hold_db
    contour.bin = place
    contour.slope = 0.0


@part
def _end(contour: Any, out: Any, rules: Rules) -> int:
    """Note a contour that ended, if it has the evidence; how many were noted."""
    if contour.evidence < rules.least:
        return 0
    out.track = contour.track
    out.start = contour.start
    out.stop = contour.last + 1
    out.strongest = contour.strongest
    out.evidence = contour.evidence
    return 1


class Sums(NamedTuple):
    """Over a contour's points.

    n_points : how many there are
    ridge : their strength, dB
    borrowed : their strength over their level over the noise floor, dB
    rivals : other points as strong in their frames
    """

    n_points: int
    ridge: float
    borrowed: float
    rivals: float


@dataclass(frozen=True, eq=False)
class Contour:
    """A contour that ended: frames [start, stop), and what was there frame by frame.

    Arrays have shape (stop - start,), but for the last two.

    bins : place, in bins above the lowest, straight lines where a point is missing
    ridge : strength over noise and broadband level, dB; NaN where a point is missing
    excess : level over the noise floor at `bins`, dB; 0 where nothing was seen around
    rivals : how many other points of the frame come within 10 dB
    audible, base : level below 15 kHz, and broadband level, over their floors, dB, from `LEAD` frames before
        the start on
    """

    start: int
    stop: int
    strongest: float
    bins: Array
    ridge: Array
    excess: Array
    rivals: Array
    audible: Array
    base: Array

    def __len__(self) -> int:
        return self.stop - self.start

    @cached_property
    def there(self) -> npt.NDArray[np.bool_]:
        """In which frames there is a point."""
        return np.isfinite(self.ridge)

    @cached_property
    def points(self) -> Array:
        """The ridge where there is one, dB."""
        return self.ridge[self.there]

    @cached_property
    def sums(self) -> Sums:
        """What the rules ask of all its points."""
        return Sums(*_sums_of(self.ridge, self.excess, self.rivals))

    @cached_property
    def loudest_base(self) -> float:
        """The highest broadband level, dB."""
        return float(self.base.max())

    @cached_property
    def middle_bin(self) -> float:
        """The median place."""
        return float(np.median(self.bins))

    def evidence(self, hold_db: float) -> float:
        """How much the ridge exceeds the hold threshold, summed over frames, dB."""
        return self.sums.ridge - hold_db * self.sums.n_points

    def cut(self, places: Sequence[int]) -> list[Contour]:
        """The parts between these places, counted from the start."""
        if not places:
            return [self]
        edges = [0, *places, len(self)]
        return [self.between(low, high) for low, high in pairwise(edges) if high > low]

    def trimmed(self, hold_db: float, least: float) -> Contour:
        """Without noise that joined it: beginnings and ends set apart by a hole, with less evidence than `least`."""
        if self.sums.n_points in (0, len(self)):
            return self
        first, last = _ends_of(self.ridge, hold_db, least)
        return self if (first, last) == (0, len(self) - 1) else self.between(first, last + 1)

    def stretches(self, longest_hole: int) -> list[Contour]:
        """The parts between holes of more than so many frames: each is as strong as its own points."""
        if self.sums.n_points in (0, len(self)):
            return [self]
        there = np.flatnonzero(self.there)
        ends = np.flatnonzero(np.diff(there) > longest_hole + 1)
        return self.cut([int(there[end + 1]) for end in ends])

    def between(self, low: int, high: int) -> Contour:
        """The frames [low, high), counted from the start."""
        ridge = self.ridge[low:high]
        lead = slice(low, high + LEAD)
        return Contour(
            self.start + low,
            self.start + high,
            _highest(ridge),
            self.bins[low:high],
            ridge,
            self.excess[low:high],
            self.rivals[low:high],
            self.audible[lead],
            self.base[lead],
        )


LEAD = 44
"""Frames before its start that a contour remembers the broadband level of."""

HOLE = 4
"""Frames without a point that set a beginning or an end apart."""
_RIVAL_DB = 10.0


def gather(frames: Frames, ended: Any) -> Contour:
    """A contour's points out of the rings."""
    start, stop = int(ended["start"]), int(ended["stop"])
    bins, ridge, excess, rivals = np.empty((4, stop - start), np.float32)
    audible, base = np.empty((2, LEAD + stop - start), np.float32)
    _gather(frames, start, int(ended["track"]), bins, ridge, excess, rivals, audible, base)
    return Contour(start, stop, float(ended["strongest"]), bins, ridge, excess, rivals, audible, base)


@kernel
def _gather(
    frames: Frames,
    start: int,
    track: int,
    bins: Array,
    ridge: Array,
    excess: Array,
    rivals: Array,
    audible: Array,
    base: Array,
) -> None:
    points_of(frames, start, track, frames.base.size // frames.floor.shape[0], bins, ridge, excess, rivals)
    for i in range(base.size):
        frame = start - LEAD + i
        audible[i] = frames.audible[frame % frames.base.size] if frame >= 0 else 0.0
        base[i] = frames.base[frame % frames.base.size] if frame >= 0 else 0.0


@kernel
def _sums_of(ridge: Array, excess: Array, rivals: Array) -> Any:
    n, total, beyond, n_rivals = 0, 0.0, 0.0, 0.0
    for i in range(ridge.size):
        if not np.isnan(ridge[i]):
            n += 1
            total += ridge[i]
            beyond += ridge[i] - excess[i]
            n_rivals += rivals[i]
    return n, total, beyond, n_rivals


@kernel
def _highest(ridge: Array) -> float:
    """The highest of the points; 0 of none."""
    highest, n = -np.inf, 0
    for i in range(ridge.size):
        if not np.isnan(ridge[i]):
            highest = max(highest, ridge[i])
            n += 1
    return highest if n else 0.0


@kernel
def _ends_of(ridge: Array, hold_db: float, least: float) -> Any:
    return ends_of(ridge, hold_db, least)


@part
def ends_of(ridge: Array, hold_db: float, least: float) -> Any:
    """The first and last point of what is left of a contour when it is trimmed (`Contour.trimmed`)."""
    first, last = -1, 0
    begin, before, evidence = 0, -1, 0.0
    for i in range(ridge.size + 1):
        there = i < ridge.size and not np.isnan(ridge[i])
        if before >= 0 and (i == ridge.size or (there and i - before > HOLE)):
            if evidence >= least:
                first, last = begin if first < 0 else first, before
            begin, evidence = i, 0.0
        if there:
            begin = i if before < 0 else begin
            evidence += ridge[i] - hold_db
            before = i
    return (first, last) if first >= 0 else (0, ridge.size - 1)


@part
def points_of(
    frames: Frames, start: int, track: int, block: int, bins: Array, ridge: Array, excess: Array, rivals: Array
) -> None:
    """What is there frame by frame, as in `Contour`."""
    last = -1
    for i in range(bins.size):
        row = (start + i) % frames.base.size
        ridge[i], rivals[i] = np.nan, np.nan
        for p in range(frames.n_peaks[row]):
            if frames.track[row, p] != track:
                continue
            bins[i], ridge[i] = frames.bin[row, p], frames.ridge[row, p]
            for j in range(last + 1, i):
                bins[j] = bins[last] + (bins[i] - bins[last]) * (j - last) / (i - last)
            last = i
            near = 0
            for q in range(frames.n_peaks[row]):
                near += q != p and frames.ridge[row, q] > ridge[i] - _RIVAL_DB
            rivals[i] = near
    for i in range(bins.size):
        row, column = (start + i) % frames.base.size, int(bins[i] + 0.5)
        column = min(max(column, 0), frames.level.shape[0] - 1)
        excess[i] = frames.level[column, row] - frames.floor[row // block, column] if frames.known[row] else 0.0
