"""The gate: what looks like a call and is none, by its shape and by the session's own events.

What is rejected is kept with its reason; nothing is dropped silently.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel
from behavior.audio.spectrogram import FrameGrid
from behavior.model.errors import BadFile, BadInput, Problem
from behavior.usv.contour import FAINT_DB, LEAD, Contour
from behavior.usv.profile import DetectorProfile

Array = npt.NDArray[Any]
Frames = npt.NDArray[np.intp]

FORGOTTEN_S = 60.0
"""What is told as it happens is forgotten so long after its end: no call is as long."""

CLICK_DB, _RISE, _EARLIER, _AT_ONCE = 6.0, 4, 10, 6
_CORE_DB, _ALL_DB, _RINGS_MS, _DIES_DB_PER_MS = 15.0, 40.0, 16.0, 1.2
_STEADY_HZ, _FADES_MS, _DIES_DB, _HEARD_DB = 600.0, 150.0, 4.0, 10.0
_ANEW_DB, _TEXTURE_DB = 8.0, 5.0
_BEFORE_S, _AFTER_S, _MOSTLY = 0.005, 0.015, 0.6
_WHOLE, _SURE = 0.9, 200.0
MANY, SPARSE, _PATCHY = 4.0, 0.6, 0.4
_PURE_S, _PURE_HZ = 1.0, 40.0
BORROWED_DB = 6.0
_WHINES_S, _TRAIN_GAP, _HEARD_FRAMES = 0.1, 40, 12
_RESUMES_S, _RESUMES_BINS, _MOST_TONES = 0.1, 1.5, 64
_MANY_RIDGES = "one of many ridges"
_OVERTONE_SHARE, _OVERTONE_BINS = 0.8, 0.5


@dataclass(frozen=True, slots=True)
class KnownEvent:
    """Something that made a sound, at a time that the session's journal knows. Seconds of the recording."""

    kind: str
    start_s: float
    stop_s: float


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was taken for no call, and why."""

    file: str
    onset_s: float
    offset_s: float
    low_hz: float
    high_hz: float
    score: float
    reason: str

    @classmethod
    def of(cls, contours: Sequence[Contour], reason: str, grid: FrameGrid, lowest_bin: int, file: str) -> Rejected:
        """From the contours that it consists of."""
        start, stop = min(c.start for c in contours), max(c.stop for c in contours)
        return cls(
            file=file,
            onset_s=grid.onset_s(start),
            offset_s=grid.onset_s(stop),
            low_hz=(min(float(c.bins.min()) for c in contours) + lowest_bin) * grid.bin_hz,
            high_hz=(max(float(c.bins.max()) for c in contours) + lowest_bin) * grid.bin_hz,
            score=max(c.strongest for c in contours),
            reason=reason,
        )


def known_with(events: Sequence[KnownEvent], event: KnownEvent) -> list[KnownEvent]:
    """Events by their starts with another, in place of the one of its kind and start; without those long past."""
    recent = [
        one
        for one in events
        if one.stop_s > event.start_s - FORGOTTEN_S and (one.kind, one.start_s) != (event.kind, event.start_s)
    ]
    insort(recent, event, key=lambda one: one.start_s)
    return recent


class Gate:
    """Says why a contour or a segment is no call: None when it may be one, an empty string when it is plain noise."""

    def __init__(
        self, profile: DetectorProfile, grid: FrameGrid, events: Sequence[KnownEvent] = (), *, lowest_bin: int = 0
    ) -> None:
        self._profile, self._grid, self._events = profile, grid, sorted(events, key=lambda event: event.start_s)
        self._longest_event_s = max((event.stop_s - event.start_s for event in events), default=0.0) + _AFTER_S
        self._tones = deque[tuple[int, float]](maxlen=_MOST_TONES)
        self._lowest_bin, self._long_and_none = lowest_bin, deque[Contour](maxlen=_MOST_TONES)
        self._rules: tuple[tuple[str, Callable[[Contour], bool]], ...] = (
            ("ringing after a click", self._is_struck),
            ("skirt of a stronger sound", _is_borrowed),
            ("whine along a train of clicks", self._is_whine),
            ("texture of broadband noise", self._is_texture),
            (_MANY_RIDGES, _is_one_of_many),
        )

    def know(self, event: KnownEvent) -> None:
        """Another event, or the true end of one."""
        self._events = known_with(self._events, event)
        self._longest_event_s = max(self._longest_event_s, event.stop_s - event.start_s + _AFTER_S)

    def of_contour(self, contour: Contour) -> str | None:
        """Rules that look at one contour, the first that holds."""
        reason = self._reason(contour)
        if reason and reason != _MANY_RIDGES:
            self.is_none(contour)
        return reason

    def is_none(self, contour: Contour) -> None:
        """Remember what was taken for no call: if it is long, overtones of it are none either."""
        if len(contour) * self._grid.frame_s >= _WHINES_S:
            self._long_and_none.append(contour)

    def _reason(self, contour: Contour) -> str | None:
        if self.evidence([contour]) < self._profile.support_evidence or _coverage(contour) < SPARSE:
            return ""
        if self._is_tone(contour):
            self._tones.append((contour.stop, float(contour.bins[-1])))
            return "steady tone"
        during = self._during(contour)
        if during:
            return during
        return next((reason for reason, holds in self._rules if holds(contour)), None)

    def _is_tone(self, contour: Contour) -> bool:
        """It lasts longer than any call, keeps its pitch as no larynx does, or goes on where a tone was cut."""
        seconds = len(contour) * self._grid.frame_s
        if seconds > self._profile.longest_s - 2 * self._grid.frame_s:
            return True
        if seconds > _PURE_S and np.subtract(*np.percentile(contour.bins, (95, 5))) * self._grid.bin_hz < _PURE_HZ:
            return True
        return any(
            abs(contour.start - stop) * self._grid.frame_s < _RESUMES_S and abs(contour.bins[0] - place) < _RESUMES_BINS
            for stop, place in self._tones
        )

    def _during(self, contour: Contour) -> str | None:
        """The reason when it lies in a known event and begins or ends with it, or is mostly within and brief or weak.

        What lasts longer than a click rings, strongly and without a break, is left to the other rules.
        """
        ms = len(contour) * self._grid.frame_s * 1e3
        whole = contour.sums.n_points > _WHOLE * len(contour) and self.evidence([contour]) > _SURE
        short = ms < _RINGS_MS or (ms <= _FADES_MS and not whole)
        start_s, stop_s = (
            self._grid.onset_sample(f) / self._grid.sample_rate_hz for f in (contour.start, contour.stop)
        )
        last = bisect_right(self._events, stop_s, key=lambda event: event.start_s)
        for event in self._events[:last][::-1]:
            if event.stop_s + self._longest_event_s < start_s:
                break
            shared_s = min(stop_s, event.stop_s + _AFTER_S) - max(start_s, event.start_s - _BEFORE_S)
            at_edge = min(abs(start_s - event.start_s), abs(stop_s - event.stop_s)) < _AFTER_S
            within = start_s > event.start_s - _AFTER_S and stop_s < event.stop_s + _AFTER_S
            lasting = not whole or ms > 1e3 * _WHINES_S
            if (at_edge and within and lasting) or (short and shared_s > _MOSTLY * (stop_s - start_s)):
                return f"during {event.kind}"
        return None

    def _is_struck(self, contour: Contour) -> bool:
        """Something was hit: it begins with a click, or a sound that can be heard, and is short or only dies away."""
        if contour.loudest_base <= CLICK_DB and contour.audible.max() - contour.audible.min() <= _HEARD_DB:
            return False
        lasts = contour.sums.n_points * 1e3 * self._grid.frame_s > _FADES_MS
        core = np.flatnonzero(contour.ridge > contour.strongest - (_ALL_DB if lasts else _CORE_DB))
        ms_a_frame, begin = 1e3 * self._grid.frame_s, LEAD + core[0]
        clicks = clicks_in(contour.base)
        knocked = bool(np.any((clicks >= begin - _EARLIER) & (clicks <= begin + _AT_ONCE)))
        if not knocked and not _heard_from(contour, begin):
            return False
        if len(core) * ms_a_frame < _RINGS_MS:
            return True
        falls = np.diff(contour.excess)[core[:-1]]
        if len(falls) and np.median(falls) < -_DIES_DB_PER_MS * ms_a_frame:
            return True
        if lasts:
            return False
        quarter = max(2, len(core) // 4)
        fall = contour.excess[core[:quarter]].max() - contour.excess[core[-quarter:]].mean()
        steady = np.subtract(*np.percentile(contour.bins[core], (95, 5))) * self._grid.bin_hz < _STEADY_HZ
        return bool(steady and fall > _DIES_DB)

    def _is_whine(self, contour: Contour) -> bool:
        """It sounds as long as clicks come one soon after the other: the converter of a scrambled shock."""
        if len(contour) * self._grid.frame_s < _WHINES_S or contour.loudest_base <= CLICK_DB:
            return False
        clicks = clicks_in(contour.base) - LEAD
        if not len(clicks) or not -_AT_ONCE <= clicks[0] <= _EARLIER:
            return False
        return bool(np.diff(clicks, append=len(contour)).max() < _TRAIN_GAP)

    def _is_texture(self, contour: Contour) -> bool:
        if contour.loudest_base <= CLICK_DB:
            return False
        loud = np.percentile(contour.base[LEAD:], 75) > CLICK_DB
        patchy = contour.sums.n_points < _PATCHY * len(contour)
        return bool(loud and (patchy or contour.strongest < self._profile.confirm_db + _TEXTURE_DB))

    def is_overtone(self, contour: Contour) -> bool:
        """Whether it runs along at a multiple of the frequency of something long that was taken for no call.

        Converters and lamps are no sines. Of a squeal's many ridges none counts: one fits any frequency by chance.
        """
        for other in self._long_and_none:
            first, stop = max(contour.start, other.start), min(contour.stop, other.stop)
            if stop - first < _OVERTONE_SHARE * len(contour):
                continue
            high, low = (one.bins[first - one.start : stop - one.start] + self._lowest_bin for one in (contour, other))
            multiple = round(float(np.median(high / low)))
            near = np.abs(high - multiple * low) <= _OVERTONE_BINS * (multiple + 1)
            if multiple > 1 and near.mean() > _OVERTONE_SHARE:
                return True
        return False

    def evidence(self, contours: Sequence[Contour]) -> float:
        """How much their ridges exceed the hold threshold, summed over frames, dB.

        Noise has the same fluctuations from frame to frame at any sample rate, so frames are what counts.
        """
        return sum(contour.evidence(self._profile.hold_db) for contour in contours)

    def of_call(self, contours: Sequence[Contour]) -> str | None:
        """Rules that look at all that would be one call."""
        start, stop = min(c.start for c in contours), max(c.stop for c in contours)
        if (stop - start) * self._grid.frame_s < self._profile.shortest_s:
            return ""
        if max(c.strongest for c in contours) < self._profile.confirm_db:
            return ""
        if max(self.evidence([c]) for c in contours) < self._profile.confirm_evidence:
            return ""
        return None

    def could_be_call(self, contour: Contour) -> bool:
        """Whether a contour alone has a call's strength: what has not is no event that was rejected, but noise."""
        profile = self._profile
        return contour.strongest >= profile.confirm_db and self.evidence([contour]) >= profile.confirm_evidence


def clicks_in(base: Array) -> Frames:
    """Frames, counted as in `base`, in which the broadband level rises by `CLICK_DB` within `_RISE` frames."""
    clicks = np.empty(base.size, np.int64)
    return clicks[: _clicks_in(base, clicks)]


@kernel
def _clicks_in(base: Array, clicks: Array) -> int:
    n, before = 0, False
    for i in range(base.size):
        rise = base[i] - base[i - _RISE] if i >= _RISE else base[i]
        above = base[i] > CLICK_DB and rise > CLICK_DB
        if above and not before:
            clicks[n] = i
            n += 1
        before = above
    return n


def set_off_anew(contour: Contour) -> list[int]:
    """Places where a click makes the contour louder than it was: what follows is another sound."""
    if contour.loudest_base <= CLICK_DB:
        return []
    clicks = clicks_in(contour.base) - LEAD
    return [at for at in clicks.tolist() if _louder_from(contour.excess, at) > _ANEW_DB]


@kernel
def _louder_from(excess: Array, at: int) -> float:
    """How much louder it is after a click, leaving out what the click is in, than before it; 0 near an end."""
    if at < 4 or at >= excess.size - 6:
        return 0.0
    after, before = 0.0, 0.0
    for k in range(at + 2, at + 6):
        after += excess[k]
    for k in range(at - 4, at - 1):
        before += excess[k]
    return after / 4 - before / 3


def _coverage(contour: Contour) -> float:
    """Share of the frames that are not drowned in which the contour has a point, or is faintly there on the whole."""
    n = contour.sums.n_points
    if n == len(contour):
        return 1.0
    lost = ~contour.there & (contour.base[LEAD:] <= CLICK_DB)
    n_lost = int(lost.sum())
    if n_lost and contour.excess[lost].mean() > FAINT_DB:
        return 1.0
    return n / max(1, n + n_lost)


def _is_borrowed(contour: Contour) -> bool:
    """It stands out only because it lies beside something louder."""
    return contour.sums.borrowed > BORROWED_DB * contour.sums.n_points


def _is_one_of_many(contour: Contour) -> bool:
    return contour.sums.rivals > MANY * contour.sums.n_points


def _heard_from(contour: Contour, begin: int) -> bool:
    """Whether a sound below 15 kHz begins at this frame, counted as in `audible`."""
    return _rise_at(contour.audible, begin) > _HEARD_DB


@kernel
def _rise_at(audible: Array, begin: int) -> float:
    """How far the loudest frame around this one exceeds the mean of those before."""
    first, stop = max(0, begin - _HEARD_FRAMES), max(1, begin - _AT_ONCE)
    before, loudest = 0.0, -np.inf
    for k in range(first, stop):
        before += audible[k]
    for k in range(max(0, begin - _RISE), min(begin + _HEARD_FRAMES, audible.size)):
        loudest = max(loudest, audible[k])
    return loudest - before / (stop - first)


def read_events(path: Path) -> list[KnownEvent]:
    """Events from a CSV table with columns kind, start_s, stop_s (seconds of the recording).

    Raises
    ------
    BadInput
        It cannot be read, or is not text.
    BadFile
        A column is missing or a time is none; all problems at once.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return _events_in(csv.DictReader(stream), path)
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; check the name, or the folder you are in") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: is not a CSV table of events ({error}); save it as CSV in UTF-8") from None


def _events_in(rows: csv.DictReader[str], path: Path) -> list[KnownEvent]:
    events, problems = list[KnownEvent](), list[Problem]()
    missing = {"kind", "start_s", "stop_s"} - set(rows.fieldnames or ())
    if missing:
        raise BadFile(path, [Problem(column, "this column is missing; add it") for column in sorted(missing)])
    for row in rows:
        try:
            event = KnownEvent(row["kind"], _finite(row["start_s"]), _finite(row["stop_s"]))
        except (TypeError, ValueError):
            problems.append(Problem(f"line {rows.line_num}", "start_s and stop_s must be numbers"))
            continue
        if event.stop_s < event.start_s:
            problems.append(Problem(f"line {rows.line_num}", f"stops before it starts ({event.start_s:g} s)"))
        events.append(event)
    if problems:
        raise BadFile(path, problems)
    return sorted(events, key=lambda event: event.start_s)


def _finite(text: str) -> float:
    """A number, neither NaN nor infinite."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value
