"""Measures of calling in a window: how long, how many, how soon, in which bouts.

A 22-kHz call has its peak from 18 to 32 kHz, lasts 0.3 s or longer (rounded to the millisecond) and begins in the
window; what reaches beyond the window's end is cut off. Calls of that band that are shorter, and calls above it (50
kHz), are counted apart. Shares of time leave out what could not be heard: what is on no recording (`unheard_s`), and
what the gate takes for sounds of the apparatus (`gated_s`); calling in that time is in the totals and not in the share.
A subject that hardly calls in a drug-free screening session is a non-caller. That is said there, ahead of any drug; a
test has no such flag, because silence on the day of the test is an effect.
Classes of rat calls: eLife 2023, 12:RP88810; bouts as calls no more than `bout_gap_s` apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, fsum
from statistics import median
from typing import Any, TypeAlias

from behavior.model.calls import Call
from behavior.model.errors import BadInput
from behavior.scoring.artefacts import covered
from behavior.scoring.score import Row, Score
from behavior.scoring.timeline import Recording, Timeline, Window, ratio

TEST, SCREENING = "test", "screening"
"""The component in which calling is measured, and the stage that looks for subjects that do not."""
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


def on_session_clock(timeline: Timeline, calls: Iterable[Call]) -> list[Heard]:
    """Calls in seconds since the session's start. Their recording's first sample says where they belong.

    Raises
    ------
    BadInput
        There are calls and no recording, or several and no telling which.
    """
    calls = list(calls)
    if not calls:
        return []
    if not timeline.recordings:
        raise BadInput(
            "calls: the session's journal knows no recording that they were found in; give those of this session"
        )
    of = _recording_of(timeline.recordings)
    return [Heard(of(call).session_s(call.onset_s), of(call).session_s(call.offset_s), call.peak_hz) for call in calls]


def _recording_of(recordings: Sequence[Recording]) -> Callable[[Call], Recording]:
    if len(recordings) == 1:
        return lambda call: recordings[0]
    by_name = {_base(recording.file): recording for recording in recordings}

    def its_recording(call: Call) -> Recording:
        try:
            return by_name[_base(call.file)]
        except KeyError:
            names = ", ".join(sorted(by_name))
            raise BadInput(
                f"{call.file}: calls of a recording that the session does not know; it has {names}"
            ) from None

    return its_recording


def _base(file: str) -> str:
    return file.replace("\\", "/").rpartition("/")[2]


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
    intervals_s = [after.onset_s - before.offset_s for before, after in pairwise(counted)]
    total_s, all_gated_s = fsum(durations_s), fsum(to_s - from_s for from_s, to_s in gated_s)
    through_s = fsum(_inside_s(counted, from_s, to_s) for from_s, to_s in gated_s)
    heard_s = end_s - begin_s - lost_s - all_gated_s
    return {
        "window_s": end_s - begin_s,
        "unheard_s": lost_s,
        "gated_s": all_gated_s,
        "calling_time_s": total_s,
        "fraction_time_calling": ratio(total_s - through_s, heard_s) if heard_s > 0 else None,
        "n_calls": len(counted),
        "mean_call_duration_s": ratio(total_s, len(counted)),
        "median_call_duration_s": median(durations_s) if durations_s else None,
        "latency_first_call_s": counted[0].onset_s - begin_s if counted else None,
        "latency_first_call_censored": not counted,
        "mean_intercall_interval_s": fsum(intervals_s) / len(intervals_s) if intervals_s else None,
        "n_bouts": 1 + sum(gap_s > criteria.bout_gap_s for gap_s in intervals_s) if counted else 0,
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


def unheard_s(timeline: Timeline, window: Window) -> float:
    """Time of a window that is on no recording, or in samples that were lost."""
    if not timeline.recordings:
        return window.gap_us / 1e6
    heard_us = 0.0
    for recording, (from_us, to_us) in zip(timeline.recordings, recorded(timeline, window), strict=True):
        heard_us += max(0.0, to_us - from_us)
        if recording.n_dropped and recording.sample_rate_hz:
            heard_us -= 1e6 * recording.n_dropped / recording.sample_rate_hz
    return max(0.0, (window.end_us - window.begin_us - heard_us) / 1e6)


def recorded(timeline: Timeline, window: Window) -> list[tuple[float, float]]:
    """From and until when each recording holds the window, µs; none of it where the end is not after the begin."""
    spans = []
    for recording in timeline.recordings:
        end_us = float(window.end_us)
        if recording.n_samples is not None and recording.sample_rate_hz:
            end_us = min(end_us, 1e6 * recording.session_s(recording.n_samples / recording.sample_rate_hz))
        spans.append((float(max(window.begin_us, recording.began_us)), end_us))
    return spans


def gated(timeline: Timeline, window: Window) -> list[Span]:
    """When in what was recorded of a window the apparatus itself sounded, s; what was not recorded is lost anyway."""
    spans = recorded(timeline, window) or [(float(window.begin_us), float(window.end_us))]
    return [
        (from_us / 1e6, to_us / 1e6)
        for begin_us, end_us in spans
        for from_us, to_us in covered(timeline, round(begin_us), round(end_us))
    ]


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


def score_test(timeline: Timeline, calls: Sequence[Call] | None, parameters: dict[str, Any] | None = None) -> Score:
    """Calling in the component `test` of a session, and in each of its minutes.

    Parameters
    ----------
    calls : in seconds of their recordings; None: nobody searched for any
    parameters : of the paradigm; `stage` "screening" says that non-callers are looked for
    """
    window = next((window for window in timeline.components if window.name == TEST), None)
    if window is None:  # the session ended before
        return Score({**unmeasured(), "interrupted": True, "non_caller": None}, (), "bins")
    window_s, lost_s = (window.begin_us / 1e6, window.end_us / 1e6), unheard_s(timeline, window)
    gated_s = gated(timeline, window)
    heard = None if calls is None else on_session_clock(timeline, calls)
    if heard is None:
        measures = unmeasured(window_s, lost_s, gated_s)
    else:
        measures = calling(heard, window_s, lost_s=lost_s, gated_s=gated_s)
    measures |= {"interrupted": window.interrupted, "non_caller": non_caller(measures, window, parameters or {})}
    return Score(measures, bins(heard, window_s, gated_s=gated_s), "bins")


def non_caller(measures: Row, window: Window, parameters: dict[str, Any]) -> bool | None:
    """Whether a drug-free screening found a subject that hardly calls; None where nothing can be said of that."""
    time_s = measures["calling_time_s"]
    if parameters.get("stage") != SCREENING or window.interrupted or not isinstance(time_s, int | float):
        return None
    below_s = parameters["non_caller_below_s"]
    if not isinstance(below_s, int | float):
        raise BadInput(
            f"header.json: the parameter non_caller_below_s is {below_s!r}, and has to be a number of seconds"
        )
    return time_s < below_s
