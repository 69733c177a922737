"""Time stamps decide scoring, order decides control, and what was lost stays lost."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model import commands as c
from behavior.model import events as e
from behavior.scoring import geller_seifter
from behavior.scoring.calling import unheard_s
from behavior.scoring.score import facts
from behavior.scoring.timeline import Response, Timeline, Window, locate, rate_per_min, ratio, seconds, timeline_of
from scoring.sessions import S, journal


def test_a_response_belongs_to_the_component_of_its_own_time_not_of_its_line() -> None:
    timeline = timeline_of(
        journal(
            c.BeginComponent("a"),
            e.TimerFired(10 * S),
            c.EndComponent("a"),
            c.BeginComponent("b"),
            e.LeverPressed(9_999_999, "left"),  # journalled in b, pressed in a
            e.LeverPressed(10 * S, "left"),  # the first instant of b
            e.TimerFired(20 * S),
            c.EndComponent("b"),
            e.LeverPressed(20 * S, "left"),  # no more in b
            e.TimerFired(21 * S),
            c.EndSession("completed"),
        )
    )
    assert timeline.placed(timeline.components, timeline.presses) == [0, 1, None]
    assert [(w.begin_us, w.end_us) for w in timeline.components] == [(0, 10 * S), (10 * S, 20 * S)]
    assert timeline.end_us == 21 * S
    assert timeline.completed


def test_a_command_has_the_latest_time_seen_even_after_an_input_that_came_late() -> None:
    timeline = timeline_of(
        journal(e.TimerFired(5 * S), e.LeverPressed(3 * S, "left"), c.BeginTrial(1), e.TimerFired(6 * S), c.EndTrial(1))
    )
    assert timeline.trials == (Window("1", 1, 5 * S, 6 * S),)


def test_a_shock_belongs_to_the_component_that_commanded_it_even_at_its_last_instant() -> None:
    timeline = timeline_of(
        journal(
            c.BeginComponent("punished"),
            e.LeverPressed(10 * S, "left"),
            c.Shock(1, 0.4, 0.5),
            c.Deliver(1),
            e.TimerFired(10 * S),
            c.EndComponent("punished"),
            c.BeginComponent("unpunished"),
            e.ShockStarted(10 * S + 40, 1),
            e.Delivered(10 * S + 300_000, 1),
            e.ShockEnded(10 * S + 500_040, 1, 500_000, 0.41, "duration"),
        )
    )
    assert [shock.component for shock in timeline.shocks] == [0]
    assert [(one.component, one.arrived_us) for one in timeline.deliveries] == [(0, 10 * S + 300_000)]
    (shock,) = timeline.shocks
    assert shock.delivered
    assert shock.onset_us == 10 * S + 40


def test_only_a_measured_current_within_a_tenth_is_a_delivered_shock() -> None:
    for delivered_ma, valid in ((0.8, True), (0.88, True), (0.72, True), (0.881, False), (0.719, False), (0.0, False)):
        shock, ended = c.Shock(1, 0.8, 1.0), e.ShockEnded(S, 1, S, delivered_ma, "duration")
        (given,) = timeline_of(journal(shock, ended)).shocks
        assert given.delivered is valid, delivered_ma
    (unreported,) = timeline_of(journal(c.Shock(1, 0.8, 1.0))).shocks
    assert not unreported.delivered
    (empty,) = timeline_of(journal(c.Shock(1, 0.8, 1.0), e.ShockEnded(0, 1, 0, 0.8, "stopped"))).shocks
    assert not empty.delivered


def test_presses_have_onset_and_offset_by_lever_and_one_that_never_ends_has_none() -> None:
    timeline = timeline_of(
        journal(
            e.LeverPressed(1, "left"),
            e.LeverPressed(2, "right"),
            e.LeverReleased(3, "left"),
            e.HeadEntered(4),
            e.HeadLeft(5),
            e.LeverReleased(6, "left"),  # a release without a press says nothing
            e.Crossed(7, "right"),
        )
    )
    assert timeline.responses == (
        Response("press", "left", 1, 3),
        Response("press", "right", 2, None),
        Response("head entry", "tray", 4, 5),
        Response("crossing", "right", 7, None),
    )
    assert len(timeline.presses) == 2
    assert len(timeline.crossings) == 1


def test_a_gap_is_not_time_and_what_it_touches_is_marked() -> None:
    timeline = timeline_of(
        journal(
            c.BeginTrial(1),
            e.TimerFired(10 * S),
            c.EndTrial(1),
            c.BeginTrial(2),
            e.LeverPressed(14 * S, "left"),
            e.Resumed(20 * S, 8 * S),
            e.TimerFired(30 * S),
            c.EndTrial(2),
            c.EndSession("completed"),
        )
    )
    first, second = timeline.trials
    assert (first.gap_us, first.interrupted, first.time_us) == (0, False, 10 * S)
    assert (second.gap_us, second.interrupted, second.time_us) == (8 * S, True, 12 * S)
    assert timeline.placed(timeline.trials, timeline.presses) == [
        None
    ]  # its time does not count, so it does not either


def test_a_window_that_the_sessions_end_cut_is_marked_and_one_that_ended_by_itself_is_not() -> None:
    whole = [c.BeginTrial(1), e.TimerFired(S), c.EndTrial(1)]
    for end in (e.Stopped(2 * S, "key"), e.LinkLost(2 * S, "chamber"), e.Faulted(2 * S, "shocker", "grid short")):
        cut = timeline_of(journal(*whole, c.BeginTrial(2), end, c.EndTrial(2), c.StopShock(), c.EndSession("stopped")))
        assert [trial.interrupted for trial in cut.trials] == [False, True]
        assert not cut.completed
    torn = timeline_of(journal(*whole, c.BeginTrial(2), e.TimerFired(3 * S)))
    assert [(trial.end_us, trial.interrupted) for trial in torn.trials] == [(S, False), (3 * S, True)]
    refused = timeline_of(journal(c.BeginTrial(1), e.TimerFired(S), c.Refuse("Shock", "3 mA"), c.EndTrial(1)))
    assert refused.trials[0].interrupted
    failed = timeline_of(
        journal(*whole, c.BeginTrial(2), e.TimerFired(2 * S), c.EndTrial(2), c.EndSession("paradigm failed: KeyError"))
    )
    assert [trial.interrupted for trial in failed.trials] == [False, True]


def test_a_device_that_was_away_is_a_gap_and_its_trial_counts_as_interrupted() -> None:
    timeline = timeline_of(
        journal(
            c.BeginTrial(1),
            e.TimerFired(10 * S),
            c.EndTrial(1),
            c.BeginTrial(2),
            e.LinkLost(12 * S, "box", followed=True),
            e.LinkRestored(15 * S, "box"),
            e.TimerFired(20 * S),
            c.EndTrial(2),
            c.BeginTrial(3),
            e.TimerFired(30 * S),
            c.EndTrial(3),
            c.EndSession("completed"),
        )
    )
    assert [(trial.interrupted, trial.gap_us) for trial in timeline.trials] == [(False, 0), (True, 3 * S), (False, 0)]
    assert timeline.gaps == ((12 * S, 15 * S),)
    assert timeline.completed


def test_a_trial_in_which_the_wire_was_disturbed_counts_as_interrupted_and_says_why() -> None:
    """A response may have been among the damaged bytes; what was seen counts, and so does the time."""
    timeline = timeline_of(
        journal(
            c.BeginTrial(1),
            e.TimerFired(10 * S),
            c.EndTrial(1),
            e.TimerFired(11 * S),
            c.BeginTrial(2),
            e.LeverPressed(12 * S, "left"),
            e.Disturbed(13 * S, "box", 100_000, 14, 0),
            e.TimerFired(20 * S),
            c.EndTrial(2),
            c.BeginTrial(3),
            e.TimerFired(30 * S),
            c.EndTrial(3),
            c.EndSession("completed"),
        )
    )
    assert [(trial.interrupted, trial.time_us) for trial in timeline.trials] == [
        (False, 10 * S), (True, 9 * S), (False, 10 * S)
    ]  # fmt: skip
    assert timeline.placed(timeline.trials, timeline.presses) == [1]
    (problem,) = timeline.problems
    assert problem.startswith("the wire to box was disturbed from 12.9 to 13 s: 14 bytes made no sense")


def test_a_disturbance_that_is_told_after_a_trial_marks_the_trial_in_which_it_was() -> None:
    timeline = timeline_of(
        journal(
            c.BeginTrial(1), e.TimerFired(10 * S), c.EndTrial(1), c.BeginTrial(2), e.TimerFired(11 * S),
            e.Disturbed(11 * S, "box", 1_100_000, 14, 0), e.TimerFired(20 * S), c.EndTrial(2), c.BeginTrial(3),
            e.TimerFired(30 * S), c.EndTrial(3), c.EndSession("completed"),
        )
    )  # fmt: skip
    assert [trial.interrupted for trial in timeline.trials] == [True, True, False]


def conflict_with(*disturbances: e.Disturbed, minutes: int = 15) -> Timeline:
    end_us = minutes * 60 * S
    events = [e.LeverPressed(at_us, "left") for at_us in range(7 * S, end_us, 30 * S)]
    inputs = sorted([*events, *disturbances, e.TimerFired(end_us)], key=lambda one: one.at_us)
    return timeline_of(
        journal(c.BeginComponent("punished"), *inputs, c.EndComponent("punished"), c.EndSession("completed"))
    )


def test_a_component_stays_usable_with_its_damaged_seconds_told() -> None:
    timeline = conflict_with(e.Disturbed(100 * S, "box", 350_000, 9, 0))
    (component,) = timeline.components
    assert not component.interrupted
    assert component.disturbed_us == 750_000, "since the last good message until the inputs were read again"
    assert timeline.disturbed == ((99_650_000, 100_400_000),)
    assert component.time_us == 900 * S
    score = geller_seifter.conflict(timeline, {"punished": True})
    assert [(row["interrupted"], row["disturbed_s"], row["n_presses"]) for row in score.rows] == [(False, 0.75, 30)]
    assert facts(timeline)["disturbed_s"] == 0.75


@given(st.lists(st.tuples(st.integers(1, 899), st.integers(0, 60)), max_size=12))
def test_a_component_is_interrupted_if_more_than_a_twentieth_of_it_was_disturbed(told: list[tuple[int, int]]) -> None:
    """By two devices at once too: time is not counted twice."""
    timeline = conflict_with(
        *(e.Disturbed(at * S, "ab"[i % 2], lasted * S, 1, 0) for i, (at, lasted) in enumerate(told))
    )
    (component,) = timeline.components
    tenths = {tenth for at, lasted in told for tenth in range(max(0, 10 * (at - lasted)), min(9_000, 10 * at + 4))}
    assert component.disturbed_us == len(tenths) * S // 10
    assert component.interrupted is (len(tenths) > 450)
    assert not told or timeline.problems


def test_two_presses_in_a_disturbed_second_are_counted_where_they_were_seen() -> None:
    timeline = conflict_with(e.Disturbed(8 * S, "box", 2 * S, 9, 0), minutes=1)
    assert timeline.placed(timeline.components, timeline.presses) == [0, 0]


def test_current_through_shorted_bars_is_no_delivered_shock() -> None:
    """It is as strong as asked for, and goes past the animal."""
    timeline = timeline_of(
        journal(
            c.Shock(1, 0.6, 2.0), e.ShockStarted(S, 1), e.ShockEnded(1_010_000, 1, 10_000, 0.6, "grid_short"),
            c.Shock(2, 0.6, 2.0), e.ShockStarted(9 * S, 2), e.ShockEnded(11 * S, 2, 2 * S, 0.6, "completed"),
        )
    )  # fmt: skip
    assert [shock.delivered for shock in timeline.shocks] == [False, True]


def test_a_device_that_never_came_back_leaves_a_gap_to_the_end() -> None:
    """A press that would have been punished ends the session meanwhile: that is no sign of the end by itself."""
    timeline = timeline_of(
        journal(
            c.BeginComponent("punished"), e.LinkLost(5 * S, "shocker", followed=True), e.LeverPressed(8 * S, "left"),
            c.EndComponent("punished"), c.EndSession("link to shocker lost"),
        )
    )  # fmt: skip
    assert timeline.gaps == ((5 * S, 8 * S),)
    assert [(window.interrupted, window.time_us) for window in timeline.components] == [(True, 5 * S)]


def test_a_trial_that_was_cut_is_marked_even_if_the_clock_was_set_back_and_the_gap_seems_empty() -> None:
    timeline = timeline_of(
        journal(
            c.BeginTrial(1), e.TimerFired(5 * S), c.EndTrial(1), c.BeginTrial(2), e.TimerFired(7 * S),
            e.Resumed(7 * S, 0), e.TimerFired(9 * S), c.EndTrial(2), c.EndSession("completed"),
        )
    )  # fmt: skip
    assert [trial.interrupted for trial in timeline.trials] == [False, True]


def test_a_component_is_marked_even_if_the_time_was_set_back_to_when_it_began() -> None:
    timeline = timeline_of(
        journal(
            e.TimerFired(5 * S), c.BeginComponent("test"), e.RecordingEnded(59 * S, 10, 0), e.Resumed(5 * S, 0),
            e.TimerFired(95 * S), c.EndComponent("test"), c.BeginComponent("after"), e.TimerFired(99 * S),
            c.EndComponent("after"), c.EndSession("completed"),
        )
    )  # fmt: skip
    assert [window.interrupted for window in timeline.components] == [True, False]


def test_two_devices_that_are_away_at_once_leave_one_gap() -> None:
    """As when a hub is unplugged: the time that nobody saw is not taken off twice."""
    timeline = timeline_of(
        journal(
            c.BeginTrial(1), e.LinkLost(5 * S, "shocker", followed=True), e.LinkLost(5_100_000, "box", followed=True),
            e.LinkRestored(8 * S, "box"), e.LinkRestored(9 * S, "shocker"), e.TimerFired(10 * S), c.EndTrial(1),
            c.EndSession("completed"),
        )
    )  # fmt: skip
    assert timeline.gaps == ((5 * S, 9 * S),)
    assert [trial.time_us for trial in timeline.trials] == [6 * S]


def test_a_device_that_was_away_when_the_engine_died_is_there_again_when_the_session_goes_on() -> None:
    timeline = timeline_of(
        journal(
            c.BeginTrial(1), e.LinkLost(5 * S, "box", followed=True), e.TimerFired(7 * S), e.Resumed(30 * S, 23 * S),
            e.TimerFired(40 * S), c.EndTrial(1), c.BeginTrial(2), e.TimerFired(50 * S), c.EndTrial(2),
            c.EndSession("completed"),
        )
    )  # fmt: skip
    assert timeline.gaps == ((5 * S, 30 * S),)
    assert [(trial.time_us, trial.interrupted) for trial in timeline.trials] == [(15 * S, True), (10 * S, False)]


def test_a_lever_that_stays_down_for_a_minute_is_said() -> None:
    brief = (e.LeverPressed(S, "left"), e.LeverReleased(2 * S, "left"))
    end = (e.LeverPressed(5 * S, "left"), e.TimerFired(70 * S), c.EndSession("completed"))
    assert not timeline_of(journal(*end)).problems, "an import that has no releases"
    stuck = timeline_of(journal(*brief, *end))
    (problem,) = stuck.problems
    assert problem.startswith("the lever left was down for 65 s from 5 s: its switch may be stuck")
    held = timeline_of(
        journal(e.LeverPressed(5 * S, "left"), e.LeverReleased(9 * S, "left"), e.TimerFired(70 * S), c.EndSession("x"))
    )
    assert held.problems == ()


def test_the_response_that_ended_a_trial_lies_in_it_and_that_which_began_one_does_not() -> None:
    timeline = timeline_of(
        journal(
            c.BeginTrial(1),
            e.Crossed(5, "right"),
            c.EndTrial(1),
            c.BeginTrial(2),
            e.TimerFired(9),
            c.EndTrial(2),
            e.Crossed(9, "left"),  # after the tick that ended it
        )
    )
    assert timeline.placed(timeline.trials, timeline.crossings) == [0, None]
    assert [trial.time_us for trial in timeline.trials] == [5, 4]


def test_a_late_response_that_ends_a_trial_lies_where_its_time_stamp_says() -> None:
    timeline = timeline_of(
        journal(c.BeginTrial(1), e.TimerFired(7), e.Crossed(5, "right"), c.EndTrial(1), e.Crossed(7, "left"))
    )
    assert timeline.placed(timeline.trials, timeline.crossings) == [0, None]


def test_what_lies_in_an_inner_component_is_not_the_outer_ones() -> None:
    timeline = timeline_of(
        journal(
            c.BeginComponent("outer"),
            e.LeverPressed(10, "left"),
            c.BeginComponent("inner"),
            e.LeverPressed(15, "left"),
            e.Resumed(20, 4),
            e.TimerFired(30),
            c.EndComponent("inner"),
            e.LeverPressed(40, "left"),
            e.TimerFired(50),
            c.EndComponent("outer"),
        )
    )
    outer, inner = timeline.components
    assert timeline.placed(timeline.components, timeline.presses) == [0, 1, 0]
    assert (inner.time_us, outer.time_us) == (20 - 4, 50 - 20)


def test_cues_are_windows_and_setting_one_again_after_a_gap_begins_no_second() -> None:
    timeline = timeline_of(
        journal(
            c.SetCue("tone", on=True),
            e.Resumed(5 * S, S),
            c.SetCue("tone", on=True),
            e.TimerFired(9 * S),
            c.SetCue("tone", on=False),
            c.SetCue("tone", on=False),
        )
    )
    assert [(cue.name, cue.begin_us, cue.end_us) for cue in timeline.cues] == [("tone", 0, 9 * S)]
    assert timeline.problems == ()


def test_marks_that_do_not_fit_are_said_and_the_rest_is_read() -> None:
    timeline = timeline_of(
        journal(e.TimerFired(S), c.EndTrial(3), c.BeginTrial(4), e.ShockEnded(2 * S, 9, 1, 0.8, "duration"))
    )
    assert timeline.problems == (
        "trial 3 ends at 1 s and never began",
        "shock 9 ended at 2 s and was never commanded",
    )
    assert [trial.name for trial in timeline.trials] == ["4"]


def test_a_recording_knows_its_first_sample_and_what_was_lost() -> None:
    (recording,) = timeline_of(
        journal(e.RecordingStarted(3 * S, "audio.flac", 250_000), e.RecordingEnded(9 * S, 1_500_000, 25))
    ).recordings
    assert (recording.began_us, recording.n_samples, recording.n_dropped) == (3 * S, 1_500_000, 25)


def test_what_there_is_no_sound_of_is_a_problem_of_the_score_and_time_that_was_not_heard() -> None:
    items = journal(
        c.BeginComponent("test"),
        e.RecordingStarted(0, "audio.wav", 250_000),
        e.MicrophoneLost(10 * S, "unplugged"),
        e.RecordingEnded(10 * S, 2_500_000, 0),
        e.MicrophoneRestored(25 * S),
        e.RecordingStarted(25 * S, "audio_part-02.wav", 250_000),
        e.MicrophoneLost(40 * S, "unplugged"),
        e.RecordingEnded(40 * S, 3_750_000, 0),
        e.TimerFired(60 * S),
        c.EndComponent("test"),
    )
    timeline = timeline_of(items)
    assert timeline.problems == (
        "no sound from 10.0 s to 25.0 s: the microphone was lost (unplugged)",
        "no sound from 40.0 s on: the microphone was lost (unplugged)",
    )
    assert unheard_s(timeline, timeline.components[0]) == 35.0
    assert not timeline.components[0].interrupted


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 12)), max_size=8), st.integers(-1, 45))
def test_location_is_the_last_begun_window_that_holds_the_time(spans: list[tuple[int, int]], at: int) -> None:
    windows = [Window("w", 1, begin, begin + length) for begin, length in sorted(spans)]
    holding = [i for i, window in enumerate(windows) if window.begin_us <= at < window.end_us]
    assert locate(windows)(at) == (holding[-1] if holding else None)


@given(st.lists(st.integers(0, 60), max_size=30), st.randoms(use_true_random=False))
def test_the_order_of_the_lines_of_responses_does_not_change_where_they_belong(
    times: list[int], shuffle: random.Random
) -> None:
    marks = [c.BeginComponent("a"), e.TimerFired(20), c.EndComponent("a"), e.TimerFired(70)]
    presses = [e.LeverPressed(at, "left") for at in times]
    later = list(presses)
    shuffle.shuffle(later)
    a, b = (timeline_of(journal(*marks, *some)) for some in (presses, later))
    assert a.placed(a.components, a.presses) == b.placed(b.components, b.presses)
    assert sum(place == 0 for place in a.placed(a.components, a.presses)) == sum(at < 20 for at in times)


def test_quotients_that_are_not_defined_are_missing() -> None:
    assert rate_per_min(3, 90 * S) == 2.0
    assert rate_per_min(3, 0) is None
    assert ratio(1.0, 4.0) == 0.25
    assert ratio(1.0, 0.0) is None
    assert ratio(None, 4.0) is None
    assert ratio(1.0, None) is None
    assert seconds(None) is None
    assert seconds(1) == 1e-6


def test_a_pulse_of_a_device_that_cannot_measure_is_believed_and_marked() -> None:
    told = e.ShockEnded(2 * S, 1, S, None, "completed")
    timeline = timeline_of(journal(e.TimerFired(S), c.Shock(1, 0.8, 1.0), e.ShockStarted(S, 1), told))
    (given,) = timeline.shocks
    assert given.delivered
    assert not given.verified
    assert not timeline.shock_verified
    untold = timeline_of(journal(e.TimerFired(S), c.Shock(1, 0.8, 1.0)))
    assert not untold.shocks[0].delivered  # no end was reported: that is no matter of measuring
    assert untold.shock_verified
    no_pulse = e.ShockEnded(2 * S, 1, 0, None, "refused")
    assert not timeline_of(journal(c.Shock(1, 0.8, 1.0), no_pulse)).shocks[0].delivered


@pytest.mark.parametrize(("flowed_us", "counts"), [(S, True), (905_000, True), (895_000, False), (0, False)])
def test_where_a_line_tells_that_current_flowed_it_has_to_for_nearly_all_of_the_pulse(
    flowed_us: int, counts: bool
) -> None:
    told = e.ShockEnded(2 * S, 1, S, None, "completed", flowed_us)
    (given,) = timeline_of(journal(e.TimerFired(S), c.Shock(1, 0.8, 1.0), e.ShockStarted(S, 1), told)).shocks
    assert (given.delivered, given.verified) == (counts, False)
