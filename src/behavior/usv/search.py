"""The search: samples in, contours that ended out, in one piece of compiled code.

Theory. What is done for every frame is little, and most frames hold nothing. So a block of frames goes through all
steps while it lies in the processor's cache, and the interpreter is come back to only when a contour ended or somebody
waits for one; several searches in threads hardly meet. The steps of a block: the levels of every second frame, and
into the noise floor (`floor`); a first look at these; where something was seen, and around, the levels of all frames
into the rings, and their ridges (`ridges`); contours (`contour`).

Rules. All of it is keyed to frames. Nothing is allocated block by block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from behavior.audio.decibel import decibels_16, row_to_decibels
from behavior.audio.fft import Transform, power_of_16
from behavior.audio.jit import kernel, part
from behavior.audio.lanes import LANES, best_slope_of_rows
from behavior.audio.spectrogram import FramedSound
from behavior.usv.contour import ENDED, LONGEST_GAP, ContourTracker, Rules, follow
from behavior.usv.floor import FRAMES_A_ROW, Floor, NoiseFloor, clamp_floor, settle_floor, take_row
from behavior.usv.ridges import (
    HALF,
    MARGIN,
    MAX_PEAKS,
    OUTSIDE_DB,
    PAD,
    Frames,
    Workspace,
    above_broadband,
    empty_frames,
    find_ridges,
    taps,
    workspace,
)

if TYPE_CHECKING:
    from behavior.usv.subtract import Subtraction

Array = npt.NDArray[Any]
Ended = npt.NDArray[Any]

BLOCK = 512
"""Frames that are worked out at a time (0.26 s at 250 kHz): the floor is taken to the end of the block."""
AROUND = 64
"""Frames to each side of a first finding that are looked at closely."""
FIRST = 4 * BLOCK
"""Frames that are waited for before the first are worked out, so that the floor is one."""

EVEN = 2 * LANES
"""Frames in 16 columns of every second frame: where columns begin is a multiple of this."""

_A_TILE = 4 * LANES
_BEFORE = LANES
_COLUMNS = BLOCK // 2
_AHEAD = HALF // 2 + 1
_HALF_A_ROW = FRAMES_A_ROW // 2
_LASTS = 60

_best_of_rows_16 = best_slope_of_rows(taps(range(-HALF, HALF + 1, 2), 2))

NOW = np.dtype(
    [
        (name, "i8")
        for name in ("n_levels", "n_floored", "n_looked", "n_scanned", "n_kept", "n_between", "n_ridged", "n_followed")
    ]
    + [("even_from", "i8"), ("kept_to", "i8"), ("is_active", "i8")]
)
"""How far each step is, in frames; where `Look.even` begins; to where levels are kept as a call may be waited for; and
whether ridges were worked out in the last block."""


class Plan(NamedTuple):
    """What is looked for, and in which bins.

    n_audible, n_skipped : of a frame's bins the first are what can be heard, those from `n_skipped` on the band
    low, high : bins of the band [low, high) in which a ridge may be
    edges : of the bands whose medians are the broadband level
    look_db : what the best mean along a slope exceeds where something is seen
    hold_db : what ridge points exceed
    """

    n_audible: int
    n_skipped: int
    low: int
    high: int
    edges: npt.NDArray[np.int64]
    look_db: float
    hold_db: float


class Look(NamedTuple):
    """What the first look works with: columns are every second frame.

    even : levels from frame `even_from` on, dB, (n_bins, n)
    smooth, base : of 16 columns before the block and the block's own: level over floor and broadband level, smoothed
        over frequency, (n_bins + 2 PAD, n), and the broadband level, (n,)
    power : of 16 frames, all bins, (n_all, 16)
    mean, mean_db : of the frames of a row of the floor, (n_bins + 1,)
    found : best mean along a slope of 16 frames
    """

    even: Array
    smooth: Array
    base: Array
    power: Array
    mean: Array
    mean_db: Array
    found: Array


class Search:
    """Goes through a sound, block by block.

    Parameters
    ----------
    sound : that is pushed elsewhere; it may forget what comes before `needs`
    plan : what is looked for
    n_bins : of the band
    n_rows : length of the rings in frames, whole blocks
    floor : of the band's bins and of what can be heard
    tracker : follows contours

    Attributes
    ----------
    frames : the last frames
    """

    def __init__(
        self, sound: FramedSound, plan: Plan, n_bins: int, n_rows: int, floor: NoiseFloor, tracker: ContourTracker
    ) -> None:
        self.frames = empty_frames(n_rows, n_bins, BLOCK)
        self._sound, self._plan, self._floor, self._tracker = sound, plan, floor, tracker
        self._look, self._work = _look_of(n_bins, sound.n_bins), workspace(n_bins, len(plan.edges) - 1)
        self._ended = np.zeros(FIRST * MAX_PEAKS + BLOCK, ENDED)
        self._now = np.zeros(1, NOW)
        self._now["even_from"] = -EVEN
        self._n_subtracted = 0

    @property
    def n_levels(self) -> int:
        """Frames that were taken in."""
        return int(self._now["n_levels"][0])

    @property
    def n_scanned(self) -> int:
        """Frames that had their first look."""
        return int(self._now["n_scanned"][0])

    @property
    def n_ridged(self) -> int:
        """Frames whose ridges are worked out, or have none; contours are followed to there."""
        return int(self._now["n_ridged"][0])

    @property
    def needs(self) -> int:
        """The first frame whose samples may still be wanted."""
        return max(0, self.n_ridged - MARGIN - 2)

    @property
    def latest_floor(self) -> Array | None:
        """The noise floor of the last block; None before the first is known."""
        n_floored = int(self._now["n_floored"][0])
        return self.frames.floor[(n_floored - 1) % len(self.frames.floor)] if n_floored else None

    def run(self, until: int, *, last: bool = False) -> Ended:
        """Whole blocks up to frame `until`, until contours ended: these; at the `last` what is left, too."""
        return self._run(until, last, take=True, go_on=True)

    def run_without(self, subtraction: Subtraction, until: int, *, last: bool = False) -> Ended:
        """As `run`, one block, with the clicks of known events taken off the levels before anything is looked for."""
        self._run(min(until, self.n_levels + BLOCK), last, take=True, go_on=False)
        if self.n_levels < FIRST and not last:
            return self._ended[:0]
        self._fill(self.n_ridged - MARGIN, self.n_levels, between=False)
        first, self._n_subtracted = self._n_subtracted, self.n_levels
        for kind, low, high in subtraction.spans(first, self.n_levels):
            self._fill(self.n_ridged - MARGIN, self.n_levels, between=True)
            self._subtract(subtraction, kind, low, high)
        return self._run(until, last, take=False, go_on=True)

    def _run(self, until: int, last: bool, *, take: bool, go_on: bool) -> Ended:
        tracker = self._tracker
        n_ended = _search(
            *self._sound.held(2), self._plan, self._look, self._floor.state, self.frames, self._work,
            tracker.rules, tracker.running, tracker.counters, self._ended, self._now, until, last, take, go_on,
        )  # fmt: skip
        return self._ended[:n_ended].copy()

    def _fill(self, first: int, stop: int, *, between: bool) -> None:
        _fill(*self._sound.held(2), self._plan, self._look, self.frames, self._now, first, stop, between)

    def _subtract(self, subtraction: Subtraction, kind: str, low: int, high: int) -> None:
        frames, n_rows = self.frames, len(self.frames.base)
        frames.taken[np.arange(low, high) % n_rows] += subtraction.subtract(frames, BLOCK, kind, low, high)
        frame = np.arange(low + low % 2, high, 2)
        self._look.even[:, (frame - int(self._now["even_from"][0])) // 2] = frames.level[:, frame % n_rows]


def _look_of(n_bins: int, n_all: int) -> Look:
    """Room for a band of `n_bins` of a frame's `n_all` bins."""
    f4 = np.float32
    n_even = (FIRST + BLOCK + 2 * AROUND + 4 * MARGIN + 2 * EVEN) // 2 + _A_TILE
    n_smooth = _BEFORE + _COLUMNS + _A_TILE + 2 * LANES
    return Look(
        even=np.zeros((n_bins, n_even), f4),
        smooth=np.full((n_bins + 2 * PAD, n_smooth), OUTSIDE_DB, f4),
        base=np.zeros(n_smooth, f4),
        power=np.zeros((n_all, LANES), f4),
        mean=np.zeros(n_bins + 1, f4),
        mean_db=np.zeros(n_bins + 1, f4),
        found=np.zeros(LANES, f4),
    )


@kernel
def _search(
    samples: Array,
    first_sample: int,
    transform: Transform,
    plan: Plan,
    look: Look,
    floor: Floor,
    frames: Frames,
    work: Workspace,
    rules: Rules,
    running: Any,
    counters: Any,
    ended: Any,
    now: Any,
    until: int,
    last: bool,
    take: bool,
    go_on: bool,
) -> int:
    """Block by block, until contours ended: how many did.

    Parameters
    ----------
    samples, first_sample : the sound from this sample on; frame `i` begins at sample ``i * transform.hop / 2``
    transform : of every second frame
    until : frames there are
    last : and there will be no more, so what is no whole block is taken too
    take, go_on : take a block in; do the rest. One without the other is for who changes levels between
    """
    at = now[0]
    while at.n_levels + BLOCK <= until or last or not take:
        stop = min(at.n_levels + BLOCK, until)
        if take:
            _take_in(samples, first_sample, transform, plan, look, floor, frames, at, stop)
        if at.n_levels >= FIRST or last:
            if take:
                _set_floor(floor, frames, at)
            if go_on:
                known = at.n_levels if last else at.n_levels - MARGIN
                _look(plan, look, frames, work, at, known, last)
                _look_closely(
                    samples, first_sample, transform, plan, look, frames, work, at, known if last else known - AROUND
                )
                n_ended = 0
                if last or at.is_active or counters[0]:
                    _, n_ended = follow(frames, at.n_followed, at.n_ridged, last, rules, running, counters, ended)
                at.n_followed = at.n_ridged
                if n_ended:
                    return n_ended
        if not take or not go_on or (last and at.n_levels == until):
            return 0
    return 0


@kernel
def _fill(
    samples: Array,
    first_sample: int,
    transform: Transform,
    plan: Plan,
    look: Look,
    frames: Frames,
    now: Any,
    first: int,
    stop: int,
    between: bool,
) -> None:
    """Levels of frames [first, stop) into the rings, of the odd ones only when they are asked for with `between`."""
    if between:
        _fill_between(samples, first_sample, transform, plan, look, frames, now[0], first, stop)
    else:
        _keep(look, frames, now[0], first, stop)


@part
def _take_in(
    samples: Array,
    first_sample: int,
    transform: Transform,
    plan: Plan,
    look: Look,
    floor: Floor,
    frames: Frames,
    now: Any,
    stop: int,
) -> None:
    """Levels of every second frame up to `stop`, and into the floor; what can be heard over its own."""
    first, begin = now.n_levels, (now.n_levels - now.even_from) // 2
    n = (stop - first + 1) // 2
    for column in range(0, n, LANES):
        sound = samples[(first // 2 + column) * transform.hop - first_sample :]
        power_of_16(sound, transform, look.power, 0)
        for k in range(look.even.shape[0]):
            decibels_16(look.power[plan.n_skipped + k], look.even[k][begin + column :])
        audible = look.found
        _mean_of_first(look.power, plan.n_audible, audible)
        for r in range(min(n - column, LANES) // _HALF_A_ROW):
            _mean_of_half_a_row(look.power, plan.n_skipped, audible, r * _HALF_A_ROW, look.mean)
            row_to_decibels(look.mean, look.mean_db)
            take_row(floor, look.mean_db)
        row_to_decibels(audible, audible)
        for i in range(min(n - column, LANES)):
            row = (first + 2 * (column + i)) % frames.base.size
            frames.audible[row] = frames.audible[row + 1] = audible[i]
            frames.known[row] = frames.known[row + 1] = False
            frames.taken[row] = frames.taken[row + 1] = 0.0
    settle_floor(floor)
    for frame in range(first, first + 2 * n):
        frames.audible[frame % frames.base.size] -= floor.db[floor.db.size - 1]
    now.n_levels = stop


@part
def _mean_of_first(power: Array, n: int, out: Array) -> None:
    """Mean of the first `n` rows."""
    for i in range(LANES):
        out[i] = 0.0
    for k in range(n):
        here = power[k]
        for i in range(LANES):
            out[i] += here[i]
    for i in range(LANES):
        out[i] /= np.float32(n)


@part
def _mean_of_half_a_row(power: Array, n_skipped: int, audible: Array, at: int, out: Array) -> None:
    """Mean power of four columns from `at` on, in every bin of the band, and of what can be heard."""
    for k in range(out.size - 1):
        here = power[n_skipped + k][at : at + 4]
        out[k] = np.float32(0.25) * ((here[0] + here[1]) + (here[2] + here[3]))
    here = audible[at : at + 4]
    out[out.size - 1] = np.float32(0.25) * ((here[0] + here[1]) + (here[2] + here[3]))


@part
def _set_floor(floor: Floor, frames: Frames, now: Any) -> None:
    """The floor of now, for the blocks that have none yet."""
    n_blocks = -(-now.n_levels // BLOCK)
    for block in range(now.n_floored, n_blocks):
        clamp_floor(floor, frames.floor[block % frames.floor.shape[0]])
    now.n_floored = n_blocks


@part
def _look(plan: Plan, look: Look, frames: Frames, work: Workspace, now: Any, known: int, last: bool) -> None:
    """Where something may be, by every second frame, up to frame `known`."""
    while now.n_looked < now.n_levels or (last and now.n_scanned < known):
        first = now.n_looked
        n = (min(BLOCK, now.n_levels - first) + 1) // 2
        if first == 0:
            _smooth_columns(plan, look, frames, work, now, -LANES, -LANES, 0)
        _smooth_columns(plan, look, frames, work, now, n, 0, n + (_AHEAD if last else 0))
        stop = min(known, first + BLOCK - (0 if last and first + BLOCK >= now.n_levels else MARGIN))
        _score(plan, look, frames, first, now.n_scanned, stop + stop % 2)
        now.n_scanned = stop + stop % 2
        _remember(look)
        now.n_looked = min(first + BLOCK, now.n_levels)


@part
def _smooth_columns(
    plan: Plan, look: Look, frames: Frames, work: Workspace, now: Any, n_there: int, begin: int, stop: int
) -> None:
    """Columns [begin, stop) of the block at `n_looked` over floor and broadband level; from `n_there` on is nothing."""
    floor, base = frames.floor[now.n_looked // BLOCK % frames.floor.shape[0]], look.base
    at = (now.n_looked - now.even_from) // 2
    for column in range(begin, stop, _A_TILE):
        n = min(max(n_there - column, 0), _A_TILE)
        for k in range(floor.size):
            level, here, below = look.even[k][at + column : at + column + _A_TILE], work.excess[k], floor[k]
            for t in range(_A_TILE):
                here[t] = level[t] - below
            for t in range(n, _A_TILE):
                here[t] = OUTSIDE_DB
        above_broadband(work, plan.edges, look.smooth, _BEFORE + column, _A_TILE)
        for t in range(_A_TILE):
            base[_BEFORE + column + t] = work.base[t]


@part
def _score(plan: Plan, look: Look, frames: Frames, origin: int, first: int, stop: int) -> None:
    """Say in which frames of [first, stop) the best mean along a slope is enough; the block begins at `origin`."""
    width, flat, found, base = look.smooth.shape[1], look.smooth.reshape(-1), look.found, look.base
    n_rows, seen, bases, taken, n_peaks = frames.base.size, frames.seen, frames.base, frames.taken, frames.n_peaks
    for frame in range(first, stop, EVEN):
        column = _BEFORE + (frame - origin) // 2
        place = (PAD + plan.low) * width + column - 1
        _best_of_rows_16(flat, place, width, plan.high - plan.low, found)
        for i in range(min(LANES, (stop - frame) // 2)):
            row = (frame + 2 * i) % n_rows
            seen[row] = found[i] > plan.look_db
            bases[row], bases[row + 1] = base[column + i] + taken[row], base[column + i] + taken[row + 1]
            n_peaks[row] = n_peaks[row + 1] = 0


@part
def _remember(look: Look) -> None:
    """The last columns of the block are those before the next."""
    for t in range(_BEFORE):
        look.base[t] = look.base[_COLUMNS + t]
    for k in range(look.smooth.shape[0]):
        here = look.smooth[k]
        for t in range(_BEFORE):
            here[t] = here[_COLUMNS + t]


@part
def _look_closely(
    samples: Array,
    first_sample: int,
    transform: Transform,
    plan: Plan,
    look: Look,
    frames: Frames,
    work: Workspace,
    now: Any,
    stop: int,
) -> None:
    """Ridges around what was seen, in frames that are not worked out yet, by every frame."""
    first, now.n_ridged = now.n_ridged, max(now.n_ridged, stop)
    now.is_active = 0
    begin = end = -1
    frame = max(first - AROUND, 0) // 2 * 2
    while frame <= now.n_scanned:
        if frame == now.n_scanned or (frames.seen[frame % frames.base.size]):
            if begin >= 0 and (frame == now.n_scanned or frame - end > 2 * AROUND):
                low, high = max(begin - AROUND, first), min(end + AROUND, now.n_ridged)
                if high > low:
                    _keep(look, frames, now, first, min(now.kept_to, low))
                    ahead = min(high + MARGIN, now.n_levels)
                    _fill_between(samples, first_sample, transform, plan, look, frames, now, low - MARGIN, ahead)
                    find_ridges(
                        frames, low, high, now.n_levels, BLOCK, plan.edges, plan.low, plan.high, plan.hold_db, work
                    )
                    now.is_active = 1
                    if end - begin > _LASTS:
                        now.kept_to = end + LONGEST_GAP
                begin = frame
            begin, end = frame if begin < 0 else begin, frame
        frame += 2
    _keep(look, frames, now, first, min(now.kept_to, now.n_ridged))
    _forget_even(look, now, (now.n_ridged - MARGIN) // EVEN * EVEN)


@part
def _fill_between(
    samples: Array,
    first_sample: int,
    transform: Transform,
    plan: Plan,
    look: Look,
    frames: Frames,
    now: Any,
    first: int,
    stop: int,
) -> None:
    """Levels of all frames of [first, stop) into the rings, where they are not yet."""
    first = max(first, now.n_between)
    if stop <= first:
        return
    _keep(look, frames, now, first, stop)
    odd, n_places = first | 1, frames.base.size
    for begin in range(odd, stop, EVEN):
        sound = samples[(begin * transform.hop) // 2 - first_sample :]
        power_of_16(sound, transform, look.power, 0)
        n, place = min(LANES, (stop - begin + 1) // 2), begin % n_places
        before = min(n, (n_places - place + 1) // 2)
        for k in range(frames.level.shape[0]):
            decibels_16(look.power[plan.n_skipped + k], look.found)
            level = frames.level[k]
            for t in range(before):
                level[place + 2 * t] = look.found[t]
            for t in range(before, n):
                level[place + 2 * t - n_places] = look.found[t]
    now.n_between = stop


@part
def _keep(look: Look, frames: Frames, now: Any, first: int, stop: int) -> None:
    """Levels of even frames of [first, stop) into the rings, where they are not yet."""
    first = max(first, now.n_kept, 0)
    if stop > first:
        keep_levels(look.even, now.even_from, frames, first, stop)
        now.n_kept = stop


@part
def keep_levels(even: Array, origin: int, frames: Frames, first: int, stop: int) -> None:
    """Levels of the even frames of [first, stop) into the rings, also for those after them.

    `even` has the levels of even frames from `origin` on, (n_bins, n).
    """
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


@part
def _forget_even(look: Look, now: Any, before: int) -> None:
    """Let go of the levels of every second frame before this one, which begins 16 columns."""
    n = (before - now.even_from) // 2
    if n <= 0:
        return
    n_left = (now.n_levels + 1 - before) // 2
    for k in range(look.even.shape[0]):
        here = look.even[k]
        for t in range(n_left):
            here[t] = here[n + t]
    now.even_from = before
