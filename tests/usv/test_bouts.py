"""Bouts, intervals and the summary of a recording; what counts in a session is tested with `scoring.calling`."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.calls import Call
from behavior.usv.bouts import BOUT_GAP_S, Heard, bouts, intercall_s
from behavior.usv.summary import BOUT_COLUMNS, summary_of

FIGURES = dict.fromkeys(
    ("low_hz", "high_hz", "mean_hz", "start_hz", "end_hz", "bandwidth_hz", "slope_hz_per_s", "sinuosity",
     "tonality", "level_db", "snr_db", "score"), 0.0,
)  # fmt: skip


def call(onset_s: float, duration_s: float, peak_hz: float = 23_000.0, kind: str = "22-kHz long") -> Call:
    return Call(
        file="a.wav", onset_s=onset_s, offset_s=onset_s + duration_s, duration_s=duration_s, peak_hz=peak_hz,
        call_type=kind, **FIGURES,
    )  # fmt: skip


def test_a_gap_of_just_the_criterion_is_within_a_bout_and_a_longer_one_is_not() -> None:
    calls = [Heard(0.0, 1.0, 23e3), Heard(3.0, 4.0, 23e3), Heard(6.001, 6.5, 23e3)]
    first, second = bouts(calls)
    assert BOUT_GAP_S == 2.0
    assert (first.begin_s, first.end_s, first.n_calls, first.calling_time_s) == (0.0, 4.0, 2, 2.0)
    assert (second.n_calls, second.duration_s) == (1, pytest.approx(0.499))
    assert len(bouts(calls, 0.3)) == 3
    assert bouts([]) == []
    assert intercall_s(calls) == pytest.approx([2.0, 2.001])


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(1, 3_000)), max_size=30), st.integers(0, 5_000))
def test_bouts_hold_every_call_once_and_lie_apart(spans: list[tuple[int, int]], gap_ms: int) -> None:
    calls = [Heard(onset / 1e3, (onset + length) / 1e3, 5e4) for onset, length in sorted(spans)]
    found = bouts(calls, gap_ms / 1e3)
    assert sum(bout.n_calls for bout in found) == len(calls)
    assert sum(bout.calling_time_s for bout in found) == pytest.approx(sum(c.offset_s - c.onset_s for c in calls))
    for bout in found:
        assert bout.begin_s < bout.end_s
    more = bouts(calls, gap_ms / 1e3 + 1)
    assert len(more) <= len(found)


def test_a_summary_tells_all_calls_and_22_khz_calls_apart() -> None:
    calls = [
        call(70.0, 0.04, 55e3, "50-kHz flat"),
        call(10.0, 1.0),
        call(11.5, 0.5),
        call(69.5, 0.1, 23e3, "22-kHz short"),
    ]
    made = summary_of("a.wav", calls, 120.0, non_caller_below_s=1.0)
    row = made.whole
    assert (row["n_calls"], row["n_bouts"], row["calls_per_min"], row["latency_first_call_s"]) == (4, 2, 2.0, 10.0)
    assert row["calling_time_s"] == pytest.approx(1.64)
    assert row["mean_bout_s"] == pytest.approx((2.0 + 0.54) / 2)
    assert row["median_intercall_interval_s"] == pytest.approx(0.5)
    assert (row["usv22_n_calls"], row["usv22_n_bouts"], row["usv22_n_short_calls"], row["usv22_n_50khz_calls"]) == (
        2,
        1,
        1,
        1,
    )
    assert row["types"] == "22-kHz long 2; 22-kHz short 1; 50-kHz flat 1"
    assert not row["non_caller"]
    assert [minute["n_calls"] for minute in made.minutes] == [2, 0]
    assert [tuple(bout) for bout in made.bouts] == [BOUT_COLUMNS] * 2
    assert [(bout["bout"], bout["n_calls"]) for bout in made.bouts] == [(1, 2), (2, 2)]
    assert made == summary_of("a.wav", calls[::-1], 120.0, non_caller_below_s=1.0)
    assert summary_of("a.wav", calls, 120.0).whole["non_caller"], "1.5 s of 22-kHz calling are less than 30 s"
    assert "in 2 bouts, the first after 10.00 s" in made.sentence


def test_silence_has_a_summary_too() -> None:
    made = summary_of("a.wav", [], 61.0)
    assert (made.whole["n_calls"], made.whole["n_bouts"], made.whole["latency_first_call_s"]) == (0, 0, None)
    assert made.whole["non_caller"] is True
    assert (len(made.minutes), made.bouts) == (2, ())
    assert made.sentence == "no call; a non-caller, if it was given no drug"
    short = summary_of("a.wav", [], 29.9)
    assert short.whole["non_caller"] is None, "shorter than the criterion"
    assert short.sentence == "no call"


def test_the_bout_gap_can_be_chosen() -> None:
    calls = [call(0.0, 0.5), call(1.0, 0.5), replace(call(3.0, 0.5))]
    assert [summary_of("a.wav", calls, 9.0, bout_gap_s=gap).whole["usv22_n_bouts"] for gap in (0.3, 0.6, 2.0)] == [
        3,
        2,
        1,
    ]
