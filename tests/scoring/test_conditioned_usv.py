"""Conditioning by its pairings, the test by its calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.calls import Call
from behavior.paradigms.conditioned_usv import ConditionedUsvParameters, conditioned_usv
from behavior.scoring.score import Score, score_items
from scoring.sessions import S, call, journal, simulated

TEST = ConditionedUsvParameters(habituation_s=120, test_s=300).model_dump(mode="json")


def vocalization_test(
    calls: list[Call] | None, *, end_s: int = 420, by: Any = None, presses: Sequence[e.Event] = (), **changes: Any
) -> Score:
    """A test from 120 s on, whose recording began 0.5 s before."""
    end = by or e.TimerFired(end_s * S)
    return score_items(
        "conditioned_usv",
        journal(
            c.SetRecording(on=True),
            e.RecordingStarted(119_500_000, "audio.flac", 250_000),
            e.TimerFired(120 * S),
            c.BeginComponent("test"),
            c.SetCue("tone", on=True),
            *presses,
            end,
            c.SetCue("tone", on=False),
            c.EndComponent("test"),
            c.SetRecording(on=False),
            c.EndSession("completed" if by is None else "stopped"),
        ),
        {**TEST, **changes},
        calls,
    )


def test_the_window_is_the_component_test_on_the_sessions_clock() -> None:
    score = vocalization_test([call(0.4), call(0.5), call(14.5, 1.5), call(300.0, 2.0), call(300.5)])
    assert score.session["n_calls"] == 3  # the first began before the tone, the last after it
    assert score.session["latency_first_call_s"] == pytest.approx(0.0)
    assert score.session["calling_time_s"] == pytest.approx(1.0 + 1.5 + 0.5)
    assert score.rows_name == "bins"
    assert [row["n_calls"] for row in score.rows] == [2, 0, 0, 0, 1]


def test_a_test_cut_short_has_a_shorter_window() -> None:
    score = vocalization_test([call(14.5)], by=e.Stopped(195 * S, "key"))
    assert score.session["window_s"] == 75.0
    assert score.session["interrupted"] is True
    assert [row["time_s"] for row in score.rows] == [60.0, 15.0]


def test_nobody_searched_is_not_the_same_as_nothing_found() -> None:
    assert vocalization_test(None).session["calling_time_s"] is None
    assert vocalization_test(None).session["latency_first_call_censored"] is None
    assert vocalization_test([]).session["calling_time_s"] == 0.0
    assert vocalization_test([]).session["latency_first_call_censored"] is True


def test_a_session_that_ended_before_the_test_has_no_measures() -> None:
    score = score_items("conditioned_usv", journal(e.Stopped(S, "key"), c.EndSession("stopped by key")), TEST, [])
    assert score.session["calling_time_s"] is None
    assert score.rows == ()


def test_conditioning_counts_the_pairings_and_finds_the_dead_shock() -> None:
    p = ConditionedUsvParameters(stage="conditioning", habituation_s=10, n_pairings=3, iti_s=30)
    items = simulated(conditioned_usv, p)
    score = score_items("conditioned_usv", items, p.model_dump(mode="json"))
    assert score.session["n_pairings_valid"] == score.session["n_pairings"] == 3
    assert score.rows_name == "trials"
    assert [row["cs_s"] for row in score.rows] == [20.0] * 3
    assert [row["shock_onset_s"] for row in score.rows] == [29.0, 79.0, 129.0]
    dead = [
        e.ShockEnded(item.at_us, 2, item.duration_us, 0.0, "grid open")
        if isinstance(item, e.ShockEnded) and item.number == 2
        else item
        for item in items
    ]
    score = score_items("conditioned_usv", dead, p.model_dump(mode="json"))
    assert [row["valid"] for row in score.rows] == [True, False, True]
    assert (score.session["n_pairings_valid"], score.session["n_shocks_invalid"]) == (2, 1)


def test_what_the_apparatus_drowned_is_reported_and_out_of_the_fraction() -> None:
    presses = [e.LeverPressed((130 + i) * S, "left") for i in range(100)]
    score = vocalization_test([call(200.5, 29.5)], presses=presses)
    assert score.session["gated_s"] == pytest.approx(5.0)
    assert [row["gated_s"] for row in score.rows] == pytest.approx([2.5, 2.5, 0, 0, 0])
    assert score.session["fraction_time_calling"] == pytest.approx(29.5 / 295.0)


@pytest.mark.parametrize(
    ("calls", "changes", "flag"),
    [
        ([call(10, 29.9)], {"stage": "screening"}, True),
        ([call(10, 30.0)], {"stage": "screening"}, False),
        ([], {"stage": "screening"}, True),
        ([], {"stage": "screening", "non_caller_below_s": 0}, False),
        (None, {"stage": "screening"}, None),
        ([], {"stage": "screening", "by": e.Stopped(195 * S, "key")}, None),
        ([], {"stage": "test"}, None),
    ],
    ids=["little", "enough", "none", "no criterion", "not searched", "cut short", "silent on the day of the test"],
)
def test_only_a_whole_screening_session_makes_a_non_caller(
    calls: list[Call] | None, changes: dict[str, Any], flag: bool | None
) -> None:
    assert vocalization_test(calls, **changes).session["non_caller"] is flag
