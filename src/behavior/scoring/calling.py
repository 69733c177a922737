"""Measures of calling in a session: how long, how many, how soon, in which bouts.

What counts as a 22-kHz call and as a bout, and the measures, stand in `usv.bouts`; here they are taken of a session.
Shares of time leave out what could not be heard: what is on no recording (`unheard_s`), and what the gate takes for
sounds of the apparatus (`gated_s`); calling in that time is in the totals and not in the share.
A subject that hardly calls in a drug-free screening session is a non-caller. That is said there, ahead of any drug; a
test has no such flag, because silence on the day of the test is an effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from behavior.model.calls import Call
from behavior.model.errors import BadInput
from behavior.scoring.artefacts import covered
from behavior.scoring.score import Row, Score
from behavior.scoring.timeline import Recording, Timeline, Window
from behavior.usv.bouts import Heard, Span, bins, calling, unmeasured

TEST, SCREENING = "test", "screening"
"""The component in which calling is measured, and the stage that looks for subjects that do not."""


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
