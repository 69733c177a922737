"""Which calls count, and how much of each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.errors import BadInput
from behavior.scoring.calling import (
    gated,
    on_session_clock,
    score_test,
    unheard_s,
)
from behavior.scoring.finish import known_events
from behavior.scoring.timeline import timeline_of
from behavior.usv.bouts import Criteria, Heard, bins, calling, unmeasured
from scoring.sessions import S, call, journal

WINDOW = (0.0, 300.0)

heard = st.builds(
    lambda onset, duration, peak: Heard(onset / 1000, (onset + duration) / 1000, peak * 1000.0),
    st.integers(-5_000, 310_000),
    st.integers(1, 4_000),
    st.integers(15, 80),
)
lists = st.lists(heard, max_size=25)


def one(onset_s: float, offset_s: float, peak_hz: float = 23_000.0) -> list[Heard]:
    return [Heard(onset_s, offset_s, peak_hz)]


@pytest.mark.parametrize(
    ("call", "counts"),
    [
        (one(0.0, 1.0), True),
        (one(299.999, 301.0), True),
        (one(300.0, 301.0), False),
        (one(-0.001, 1.0), False),
        (one(1.0, 1.3), True),
        (one(1.0, 1.2996), True),  # 0.300 to the millisecond
        (one(1.0, 1.299), False),
        (one(1.0, 2.0, 18_000.0), True),
        (one(1.0, 2.0, 32_000.0), True),
        (one(1.0, 2.0, 32_001.0), False),
        (one(1.0, 2.0, 17_999.0), False),
    ],
    ids=["at 0", "last ms", "at end", "before", "0.3 s", "rounds up", "0.299 s", "18 kHz", "32 kHz", "above", "below"],
)
def test_the_borders_of_what_counts(call: list[Heard], counts: bool) -> None:
    assert calling(call, WINDOW)["n_calls"] == counts


def test_a_call_is_cut_at_the_end_of_the_window_but_judged_whole() -> None:
    measures = calling(one(299.9, 301.0), WINDOW)
    assert measures["n_calls"] == 1
    assert measures["calling_time_s"] == pytest.approx(0.1)


def test_silence_is_a_latency_beyond_the_window_and_not_a_missing_one() -> None:
    measures = calling([], WINDOW)
    assert measures["latency_first_call_s"] is None
    assert measures["latency_first_call_censored"] is True
    assert measures["calling_time_s"] == 0.0
    assert measures["n_calls"] == 0
    assert measures["n_bouts"] == 0
    assert measures["mean_call_duration_s"] is None
    loud = calling(one(14.0, 15.0), WINDOW)
    assert loud["latency_first_call_s"] == 14.0
    assert loud["latency_first_call_censored"] is False


def test_bouts_are_parted_by_more_than_two_seconds() -> None:
    calls = [*one(10, 11), *one(13.0, 14), *one(16.1, 17), *one(16.2, 18)]
    measures = calling(calls, WINDOW)
    assert measures["n_bouts"] == 2
    assert measures["mean_intercall_interval_s"] == pytest.approx((2.0 + 2.1 - 0.8) / 3)
    assert calling(calls, WINDOW, Criteria(bout_gap_s=3.0))["n_bouts"] == 1


def test_what_could_not_be_heard_is_out_of_the_denominator() -> None:
    assert calling(one(1, 31), WINDOW, lost_s=150.0)["fraction_time_calling"] == 0.2
    assert calling(one(1, 31), WINDOW, lost_s=300.0)["fraction_time_calling"] is None


def test_gated_time_is_out_of_the_fraction_with_the_calling_in_it() -> None:
    measures = calling(one(100, 130), WINDOW, gated_s=[(0.0, 90.0), (120.0, 180.0)])
    assert measures["gated_s"] == 150.0
    assert measures["calling_time_s"] == 30.0  # a total is what was found
    assert measures["fraction_time_calling"] == 20.0 / 150.0
    assert calling(one(100, 130), WINDOW, lost_s=200.0, gated_s=[(0.0, 100.0)])["fraction_time_calling"] is None


@given(
    st.lists(st.integers(0, 3000), min_size=2, max_size=30, unique=True).map(sorted),
    st.lists(st.integers(0, 3000), min_size=2, max_size=20, unique=True).map(sorted),
)
def test_a_fraction_of_time_is_one_whatever_is_gated(called: list[int], lost: list[int]) -> None:
    calls = [Heard(a / 10, b / 10, 23_000.0) for a, b in zip(called[::2], called[1::2], strict=False)]
    spans = [(a / 10, b / 10) for a, b in zip(lost[::2], lost[1::2], strict=False)]
    measures = calling(calls, WINDOW, gated_s=spans)
    fraction = measures["fraction_time_calling"]
    assert fraction is None or -1e-9 <= float(fraction) <= 1 + 1e-9
    rows = bins(calls, WINDOW, gated_s=spans)
    assert sum(float(row["gated_s"] or 0) for row in rows) == pytest.approx(measures["gated_s"])


def test_the_apparatus_is_gated_where_it_was_recorded() -> None:
    pressed = e.LeverPressed(5 * S, "left")
    items = [*RECORDED[:1], c.BeginComponent("test"), pressed]
    recorded = journal(c.BeginComponent("test"), pressed, e.LeverPressed(125 * S, "left"), e.TimerFired(140 * S))
    timeline = timeline_of([*items[:1], e.RecordingStarted(120 * S, "a.flac", 250_000), *recorded[1:]])
    assert gated(timeline, timeline.components[0]) == [(125.0, 125.05)]
    unrecorded = timeline_of(recorded)
    assert len(gated(unrecorded, unrecorded.components[0])) == 2


def test_short_and_high_calls_are_counted_apart() -> None:
    measures = calling([*one(1, 1.1), *one(2, 2.05, 55_000.0), *one(3, 4), *one(5, 5.2, 12_000.0)], WINDOW)
    assert (measures["n_calls"], measures["n_short_calls"], measures["n_50khz_calls"]) == (1, 1, 1)


@given(st.lists(heard, max_size=25, unique_by=lambda call: call.onset_s))
def test_the_order_of_calls_does_not_matter(calls: list[Heard]) -> None:
    assert calling(calls, WINDOW) == calling(calls[::-1], WINDOW)


@given(lists, st.sampled_from([7.0, 60.0, 100.0, 1000.0]))
def test_the_bins_sum_to_the_whole(calls: list[Heard], bin_s: float) -> None:
    criteria = Criteria(bin_s=bin_s)
    rows, measures = bins(calls, WINDOW, criteria), calling(calls, WINDOW, criteria)
    assert sum(float(row["calling_time_s"] or 0) for row in rows) == pytest.approx(measures["calling_time_s"])
    assert sum(int(row["n_calls"] or 0) for row in rows) == measures["n_calls"]
    assert sum(float(row["time_s"] or 0) for row in rows) == pytest.approx(300.0)
    assert all(0 < float(row["time_s"] or 0) <= bin_s for row in rows)


@given(lists, st.integers(0, 50))
def test_shifting_calls_and_window_together_changes_no_count(calls: list[Heard], shift_s: int) -> None:
    moved = [Heard(x.onset_s + shift_s, x.offset_s + shift_s, x.peak_hz) for x in calls]
    a, b = calling(calls, WINDOW), calling(moved, (shift_s, 300.0 + shift_s))
    for column in ("n_calls", "n_short_calls", "n_50khz_calls"):
        assert a[column] == b[column]
    assert a["calling_time_s"] == pytest.approx(b["calling_time_s"], abs=1e-6)


def test_unsearched_sound_has_the_same_columns_and_no_values() -> None:
    empty = unmeasured(WINDOW, 0.0)
    assert empty.keys() == calling([], WINDOW).keys()
    assert {name for name, value in empty.items() if value is not None} == {"window_s", "unheard_s"}
    assert [row["n_calls"] for row in bins(None, WINDOW)] == [None] * 5


RECORDED = journal(e.RecordingStarted(120 * S, "audio.flac", 250_000), e.RecordingEnded(130 * S, 2_500_000, 250_000))


def test_calls_are_put_on_the_sessions_clock_by_the_recordings_first_sample() -> None:
    (placed,) = on_session_clock(timeline_of(RECORDED), [call(1.5)])
    assert (placed.onset_s, placed.offset_s) == (121.5, 122.5)


ALIGNED = journal(
    e.RecordingStarted(120 * S, "audio.wav", 250_000, 2),
    e.RecordingEnded(220 * S, 25_000_000, 0),
    e.SoundAligned(221 * S, "audio.wav", 119_950_000, 250_000 * 1.001, "clicks", (3, -3)),
)


def test_calls_are_put_where_pulses_in_the_sound_say() -> None:
    """The sound was 50 ms later than the computer's clock had it, and its clock is fast by a thousandth."""
    (placed,) = on_session_clock(timeline_of(ALIGNED), [call(100.1, file="audio.wav")])
    assert placed.onset_s == pytest.approx(119.95 + 100.1 / 1.001)
    assert placed.offset_s - placed.onset_s == pytest.approx(1 / 1.001)
    (recording,) = timeline_of(ALIGNED).recordings
    assert recording.channel == 2
    assert recording.recording_s(1e6 * recording.session_s(33.0)) == pytest.approx(33.0)


def test_what_is_known_to_have_sounded_is_put_in_the_recording_by_the_same_clock() -> None:
    items = [*journal(*ALIGNED), e.LeverPressed(130 * S, "left")]
    (lever,) = known_events(items, "audio.wav")
    assert lever.start_s == pytest.approx((130 - 119.95) * 1.001)


def test_of_several_recordings_the_calls_file_says_which() -> None:
    timeline = timeline_of(
        journal(e.RecordingStarted(S, "a.flac", 250_000), e.RecordingStarted(50 * S, "b.flac", 250_000))
    )
    placed = on_session_clock(timeline, [call(1, file="x/b.flac"), call(1, file="a.flac")])
    assert [one.onset_s for one in placed] == [51.0, 2.0]
    with pytest.raises(BadInput, match=r"other\.flac.*a\.flac, b\.flac"):
        on_session_clock(timeline, [call(1, file="other.flac")])


def test_calls_without_a_recording_are_refused() -> None:
    with pytest.raises(BadInput, match="no recording"):
        on_session_clock(timeline_of(journal()), [call(1)])
    assert on_session_clock(timeline_of(journal()), []) == []


def test_what_was_not_recorded_or_dropped_was_not_heard() -> None:
    timeline = timeline_of([*RECORDED[:1], c.BeginComponent("test"), *RECORDED[1:], e.TimerFired(140 * S)])
    assert unheard_s(timeline, timeline.components[0]) == 140 - 10 + 1  # begun at 0, recorded for 10 s, 1 s dropped
    silent = timeline_of(journal(c.BeginComponent("test"), e.TimerFired(10 * S)))
    assert unheard_s(silent, silent.components[0]) == 0.0


def test_a_recording_that_was_cut_and_gone_on_with_is_unheard_in_between() -> None:
    items = journal(
        c.BeginComponent("test"),
        e.RecordingStarted(0, "audio.flac", 1000),
        e.RecordingEnded(20 * S, 20_000, 0),
        e.Resumed(50 * S, 25 * S),
        e.RecordingStarted(50 * S, "audio_part-02.flac", 1000),
        e.RecordingEnded(100 * S, 50_000, 0),
        c.EndComponent("test"),
    )
    calls = [call(18.0), call(1.0, file="audio_part-02.flac")]
    score = score_test(timeline_of(items), calls).session
    assert score["unheard_s"] == 30.0
    assert score["calling_time_s"] == 2.0
    assert score["fraction_time_calling"] == 2.0 / 70.0
    assert score["latency_first_call_s"] == 18.0


@pytest.mark.parametrize(("n_samples", "unheard_s"), [(0, 100.0), (None, 0.0), (50_000, 50.0)])
def test_a_recording_of_nothing_heard_nothing(n_samples: int | None, unheard_s: float) -> None:
    ended = [] if n_samples is None else [e.RecordingEnded(100 * S, n_samples, 0)]
    items = journal(
        e.RecordingStarted(0, "audio.flac", 1000), c.BeginComponent("test"), e.TimerFired(100 * S), *ended,
        c.EndComponent("test"),
    )  # fmt: skip
    assert score_test(timeline_of(items), []).session["unheard_s"] == unheard_s
