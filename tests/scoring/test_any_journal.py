"""Whatever a journal holds, in whatever order, it is scored, and the score can be written and read again."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.measures import MEASURES
from behavior.paradigms.catalogue import our_paradigms
from behavior.paradigms.shock_aggression import keyed
from behavior.scoring.score import Score, score_items
from paradigms.short import WAYS, way
from scoring.sessions import call

times = st.one_of(st.integers(0, 20), st.integers(0, 60_000_000))
numbers = st.integers(1, 4)
names = st.sampled_from(["unpunished", "punished", "test", "time-out", "training", "other"])
currents = st.sampled_from([0.0, 0.3, 0.4, 0.8, 2.0])

items = st.one_of(
    st.builds(e.TimerFired, times),
    st.builds(e.LeverPressed, times, st.sampled_from(["left", "right"])),
    st.builds(e.LeverReleased, times, st.sampled_from(["left", "right"])),
    st.builds(e.Crossed, times, st.sampled_from(["left", "right", "dark", "light", "grid"])),
    st.builds(e.HeadEntered, times),
    st.builds(e.Delivered, times, numbers),
    st.builds(e.ShockStarted, times, numbers),
    st.builds(e.ShockEnded, times, numbers, st.integers(0, 10_000_000), currents, st.just("duration")),
    st.builds(e.Noted, times, st.sampled_from([keyed("A", begins=True), keyed("A", begins=False), "a note"])),
    st.builds(e.Resumed, times, st.integers(0, 1_000_000)),
    st.builds(e.Stopped, times, st.just("key")),
    st.builds(e.RecordingStarted, times, st.just("audio.flac"), st.sampled_from([0, 250_000])),
    st.builds(e.RecordingEnded, times, st.integers(0, 10_000_000), st.integers(0, 1000)),
    st.builds(e.SoundLost, times, st.integers(0, 1000), st.just("by the clock")),
    st.builds(e.SoundAligned, times, st.just("audio.flac"), times, st.floats(1e5, 1e6), st.just("clicks"), st.just(())),
    st.builds(e.CallHeard, times, numbers, st.floats(1e4, 1e5), st.just("22-kHz")),
    st.builds(e.OnsetHeard, times, numbers, st.floats(1e4, 1e5)),
    st.builds(e.OnsetWithdrawn, times, numbers),
    st.builds(e.MicrophoneLost, times, st.just("unplugged")),
    st.builds(e.MicrophoneRestored, times),
    st.builds(c.BeginComponent, names),
    st.builds(c.EndComponent, names),
    st.builds(c.BeginTrial, numbers),
    st.builds(c.EndTrial, numbers),
    st.builds(c.SetCue, st.sampled_from(["tone", "light"]), st.booleans()),
    st.builds(c.Shock, numbers, currents, st.floats(0.1, 10)),
    st.builds(c.Deliver, numbers),
    st.builds(c.Refuse, st.just("Shock"), st.just("too much")),
    st.builds(c.EndSession, st.sampled_from(["completed", "stopped by key"])),
)
journals = st.lists(items, max_size=40)


def assert_sound(score: Score) -> None:
    """Finite, writable, tables rectangular, counts not negative, shares from 0 to 1."""
    for row in (score.session, *score.rows, *score.responses):
        json.dumps(row, allow_nan=False)
        for name, value in row.items():
            assert value is None or isinstance(value, bool | int | float | str), name
            if name.startswith("n_") and value is not None:
                assert int(value) >= 0, name
            if name.startswith("fraction_") and name != "fraction_suppressed" and value is not None:
                assert 0 <= float(value) <= 1 + 1e-9 or math.isclose(float(value), 1), name
    assert len({tuple(row) for row in score.rows}) <= 1
    assert len({tuple(row) for row in score.responses}) <= 1


@settings(max_examples=250, deadline=None)
@given(st.sampled_from(sorted(WAYS)), journals)
def test_it_is_scored(name: str, journal: list[e.Event | c.Command]) -> None:
    one = way(name)
    n_responses = sum(isinstance(item, e.LeverPressed | e.Crossed | e.HeadEntered) for item in journal)
    score = score_items(one.paradigm.name, journal, one.parameters)
    assert_sound(score)
    assert len(score.responses) == n_responses
    assert score_items(one.paradigm.name, journal, one.parameters) == score
    assert_sound(score_items("own", journal, {}))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(["vocalization, test", "shock-induced vocalization"]), journals, st.data())
def test_it_is_scored_with_calls(name: str, journal: list[e.Event | c.Command], data: st.DataObject) -> None:
    one, whole = way(name), [e.RecordingStarted(0, "audio.flac", 250_000), *journal]
    spans = data.draw(
        st.lists(st.tuples(st.floats(0, 100), st.floats(0.001, 5), st.floats(10_000, 90_000)), max_size=8)
    )
    score = score_items(one.paradigm.name, whole, one.parameters, [call(*span) for span in spans])
    session = score.session
    assert float(session["calling_time_s"] or 0) >= 0
    assert int(session["n_calls"] or 0) <= len(spans)
    if session["calling_time_s"] is not None:
        assert session["latency_first_call_censored"] is (session["n_calls"] == 0)


def test_every_measure_is_a_column_of_some_score() -> None:
    columns: set[str] = set()
    for name in WAYS:
        one = way(name)
        columns |= set(score_items(one.paradigm.name, one.journal(), one.parameters, []).session)
    assert set(MEASURES) <= columns


@pytest.mark.parametrize("name", our_paradigms())
def test_an_empty_journal_has_a_score(name: str) -> None:
    one = next(way(way_name) for way_name, (paradigm, _) in WAYS.items() if paradigm == name)
    score = score_items(name, [], one.parameters)
    assert_sound(score)
    assert score.rows == ()
    assert score.session["completed"] is False
