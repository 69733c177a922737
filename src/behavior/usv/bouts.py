"""Measures of calling in a window: how long, how many, how soon, in which bouts.

A 22-kHz call has its peak from 18 to 32 kHz, lasts 0.3 s or longer (rounded to the millisecond) and begins in the
window; what reaches beyond the window's end is cut off. Calls of that band that are shorter, and calls above it (50
kHz), are counted apart. Classes of rat calls: eLife 2023, 12:RP88810.

A **bout** is calls that follow each other with no more than `bout_gap_s` from one's end to the next one's onset; a
single call is a bout of one. The gap is a choice: ours is 2 s, which parts runs of 22-kHz
calls from the next; van der Poel and Miczek 1991 (Behaviour 119:127-142) read it off the log-survivor plot of their
animals' intervals, which is the way to another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, fsum
from statistics import median
from typing import Protocol, TypeAlias

Value: TypeAlias = bool | int | float | str | None
Row: TypeAlias = dict[str, Value]

BAND_HZ = (18_000.0, 32_000.0)
MIN_DURATION_S = 0.3
BOUT_GAP_S = 2.0
BIN_S = 60.0


Span: TypeAlias = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Heard:
    """A call as far as scoring needs it. Times in s on one clock with the window."""

    onset_s: float
    offset_s: float
    peak_hz: float


@dataclass(frozen=True, slots=True)
class Criteria:
    """What counts as a 22-kHz call, and what separates bouts."""

    band_hz: tuple[float, float] = BAND_HZ
    min_duration_s: float = MIN_DURATION_S
    bout_gap_s: float = BOUT_GAP_S
    bin_s: float = BIN_S

    def in_band(self, call: Heard) -> bool:
        """By the peak frequency."""
        return self.band_hz[0] <= call.peak_hz <= self.band_hz[1]

    def long(self, call: Heard) -> bool:
        """Long enough, to the millisecond."""
        return round(call.offset_s - call.onset_s, 3) >= self.min_duration_s


USUAL = Criteria()


class Sounding(Protocol):
    """What begins and ends."""

    @property
    def onset_s(self) -> float:
        """When it begins, s."""

    @property
    def offset_s(self) -> float:
        """When it ends, s."""


@dataclass(frozen=True, slots=True)
class Bout:
    """Calls that follow each other closely. Times on the calls' clock."""

    begin_s: float
    end_s: float
    n_calls: int
    calling_time_s: float

    @property
    def duration_s(self) -> float:
        """From the first onset to the last offset."""
        return self.end_s - self.begin_s


def intercall_s(calls: Sequence[Sounding]) -> list[float]:
    """From each call's end to the next one's onset, s, of calls in order; below 0 where two animals overlap."""
    return [after.onset_s - before.offset_s for before, after in pairwise(calls)]


def bouts(calls: Sequence[Sounding], gap_s: float = BOUT_GAP_S) -> list[Bout]:
    """The bouts of calls that are in order of their onsets, as the module's rule has it.

    Parameters
    ----------
    calls : any kind, one animal or several
    gap_s : longest interval within a bout, from one call's end to the next one's onset
    """
    found, members = list[Bout](), list[Sounding]()
    for call in calls:
        if members and call.onset_s - members[-1].offset_s > gap_s:
            found.append(_bout(members))
            members = []
        members.append(call)
    return [*found, _bout(members)] if members else found


def _bout(members: Sequence[Sounding]) -> Bout:
    end_s = max(call.offset_s for call in members)
    time_s = fsum(call.offset_s - call.onset_s for call in members)
    return Bout(members[0].onset_s, end_s, len(members), time_s)


def calling(
    calls: Sequence[Heard],
    window_s: tuple[float, float],
    criteria: Criteria = USUAL,
    lost_s: float = 0.0,
    gated_s: Sequence[Span] = (),
) -> Row:
    """Measures of a window.

    Parameters
    ----------
    calls : on one clock with the window
    window_s : its begin and end
    criteria : what counts
    lost_s : time of the window in which nothing could be heard; taken out of the denominator
    gated_s : spans of the window, apart from each other, in which the apparatus sounded; neither they nor the calling
        in them is in the fraction of time

    Returns
    -------
    Row
        Times from the window's begin, s. `latency_first_call_s` is None without a call, and then
        `latency_first_call_censored` says so: it is beyond the window, not missing.
    """
    begin_s, end_s = window_s
    inside = [call for call in calls if begin_s <= call.onset_s < end_s]
    counted = qualifying(calls, window_s, criteria)
    durations_s = [call.offset_s - call.onset_s for call in counted]
    intervals_s = intercall_s(counted)
    total_s, all_gated_s = fsum(durations_s), fsum(to_s - from_s for from_s, to_s in gated_s)
    through_s = fsum(_inside_s(counted, from_s, to_s) for from_s, to_s in gated_s)
    heard_s = end_s - begin_s - lost_s - all_gated_s
    return {
        "window_s": end_s - begin_s,
        "unheard_s": lost_s,
        "gated_s": all_gated_s,
        "calling_time_s": total_s,
        "fraction_time_calling": (total_s - through_s) / heard_s if heard_s > 0 else None,
        "n_calls": len(counted),
        "mean_call_duration_s": total_s / len(counted) if counted else None,
        "median_call_duration_s": median(durations_s) if durations_s else None,
        "latency_first_call_s": counted[0].onset_s - begin_s if counted else None,
        "latency_first_call_censored": not counted,
        "mean_intercall_interval_s": fsum(intervals_s) / len(intervals_s) if intervals_s else None,
        "n_bouts": len(bouts(counted, criteria.bout_gap_s)),
        "mean_peak_hz": fsum(call.peak_hz for call in counted) / len(counted) if counted else None,
        "n_short_calls": sum(criteria.in_band(call) and not criteria.long(call) for call in inside),
        "n_50khz_calls": sum(call.peak_hz > criteria.band_hz[1] for call in inside),
    }


def unmeasured(
    window_s: tuple[float, float] | None = None, lost_s: float | None = None, gated_s: Sequence[Span] | None = None
) -> Row:
    """The same columns where nobody searched for calls, or there was no window."""
    return {
        **dict.fromkeys(calling((), (0.0, 1.0))),
        "window_s": None if window_s is None else window_s[1] - window_s[0],
        "unheard_s": lost_s,
        "gated_s": None if gated_s is None else fsum(to_s - from_s for from_s, to_s in gated_s),
    }


def qualifying(calls: Iterable[Heard], window_s: tuple[float, float], criteria: Criteria = USUAL) -> list[Heard]:
    """The 22-kHz calls that begin in the window, cut at its end, in order of onset."""
    begin_s, end_s = window_s
    return [
        Heard(call.onset_s, min(call.offset_s, end_s), call.peak_hz)
        for call in sorted(calls, key=lambda call: call.onset_s)
        if begin_s <= call.onset_s < end_s and criteria.in_band(call) and criteria.long(call)
    ]


def bins(
    calls: Sequence[Heard] | None,
    window_s: tuple[float, float],
    criteria: Criteria = USUAL,
    gated_s: Sequence[Span] = (),
) -> tuple[Row, ...]:
    """Calling in each bin of the window; a call across a border is split, and counts where it begins.

    Without calls (None: nobody searched for them) the measures are None.
    """
    begin_s, end_s = window_s
    counted = None if calls is None else qualifying(calls, window_s, criteria)
    rows: list[Row] = []
    for i in range(max(1, ceil(round((end_s - begin_s) / criteria.bin_s, 9)))):
        from_s, to_s = begin_s + i * criteria.bin_s, min(begin_s + (i + 1) * criteria.bin_s, end_s)
        rows.append(
            {
                "bin": i + 1,
                "begin_s": from_s - begin_s,
                "time_s": to_s - from_s,
                "gated_s": fsum(max(0.0, min(end, to_s) - max(begin, from_s)) for begin, end in gated_s),
                "calling_time_s": None if counted is None else _inside_s(counted, from_s, to_s),
                "n_calls": None if counted is None else sum(from_s <= call.onset_s < to_s for call in counted),
            }
        )
    return tuple(rows)


def _inside_s(calls: Iterable[Heard], from_s: float, to_s: float) -> float:
    return fsum(max(0.0, min(call.offset_s, to_s) - max(call.onset_s, from_s)) for call in calls)
