"""Trials end by crossing or cut-off; what a session is scored by are the times."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.doses import Treatment
from behavior.model.errors import BadFile
from behavior.paradigms.catalogue import find_paradigm
from behavior.scoring.score import Score, score_items
from behavior.session.assemble import resolve
from paradigms.short import Way, usual, way

S = 1_000_000


def session(one: Way, crossings_s: list[float], *, delivered: float = 1.0) -> list[e.Event | c.Command]:
    """A session in which the animal crosses at these times, in s from the first CS."""
    core, items, coming = one.core(), [], list[e.Event]()
    first_us = round((one.parameters["habituation_s"] + one.parameters["iti_s"]) * S)
    coming += [e.Crossed(first_us + round(at * S), "x") for at in crossings_s]
    on: list[tuple[c.Shock, int]] = []

    def take(event: e.Event) -> None:
        commands = core.handle(event)
        items.extend([event, *commands])
        for command in commands:
            if isinstance(command, c.Shock):
                on.append((command, core.now_us))
                coming.append(e.ShockStarted(core.now_us, command.number))
                end_us = core.now_us + round(command.duration_s * S)
                coming.append(e.ShockEnded(end_us, command.number, 0, command.ma * delivered, "duration"))
            elif isinstance(command, c.StopShock) and on:
                for event_ in [x for x in coming if isinstance(x, e.ShockEnded) and x.number == on[-1][0].number]:
                    coming.remove(event_)
                    coming.append(e.ShockEnded(core.now_us, event_.number, 0, event_.delivered_ma, "stopped"))
        coming.sort(key=lambda event: event.at_us)

    take(e.SessionStarted(0))
    while core.ended is None or coming:
        if coming and coming[0].at_us <= core.wake_us:
            event = coming.pop(0)
            if isinstance(event, e.ShockEnded):
                shock, began_us = on.pop()
                lasted_us = event.at_us - began_us
                event = e.ShockEnded(event.at_us, shock.number, lasted_us, event.delivered_ma, event.cause)
            take(event)
        else:
            take(e.TimerFired(core.wake_us))
    return items


def scored(crossings_s: list[float], *, delivered: float = 1.0, **changes: Any) -> Score:
    one = usual("shuttle_escape", **{"n_trials": 1, "habituation_s": 10, "helpless_min_failures": 1, **changes})
    return score_items("shuttle_escape", session(one, crossings_s, delivered=delivered), one.parameters)


@pytest.mark.parametrize(
    ("crossing_s", "outcome", "latency_cs_s", "latency_us_s", "shock_s"),
    [
        (0.001, "avoidance", 0.001, None, None),
        (2.999999, "avoidance", 2.999999, None, None),
        (3.5, "escape", 3.5, 0.5, 0.5),
        (5.999999, "escape", 5.999999, 2.999999, 2.999999),
        (6.2, "failure", 6.0, 3.0, 3.0),
        (None, "failure", 6.0, 3.0, 3.0),
    ],
    ids=["at once", "last chance", "escape", "last escape", "too late", "never"],
)
def test_the_outcome_of_a_trial(
    crossing_s: float | None, outcome: str, latency_cs_s: float, latency_us_s: float | None, shock_s: float | None
) -> None:
    score = scored([] if crossing_s is None else [crossing_s])
    (row,) = score.rows
    assert row["outcome"] == outcome
    assert row["latency_cs_s"] == pytest.approx(latency_cs_s)
    assert row["latency_us_s"] == (None if latency_us_s is None else pytest.approx(latency_us_s))
    assert row["shock_s"] == (None if shock_s is None else pytest.approx(shock_s))
    assert row["censored"] is (outcome == "failure")
    assert score.session["helpless"] is (outcome == "failure")


def test_a_crossing_in_no_trial_is_an_intertrial_crossing_and_one_before_the_first_is_apart() -> None:
    score = scored([-5, -1, 3.5, 4.0, 12, 31.0], n_trials=2)
    assert [row["outcome"] for row in score.rows] == ["escape", "escape"]
    assert score.session["n_habituation_crossings"] == 2
    assert score.session["n_intertrial_crossings"] == 2
    inside = [row for row in score.responses if row["trial"] is not None]
    assert [(row["trial"], row["onset_s"]) for row in inside] == [(1, 37.5), (2, 65.0)]


def test_a_dead_grid_makes_a_trial_invalid_and_never_a_failure() -> None:
    score = scored([], delivered=0.0, n_trials=2)
    assert [row["outcome"] for row in score.rows] == ["invalid", "invalid"]
    assert score.session["n_failures"] == 0
    assert score.session["n_trials_invalid"] == 2
    assert score.session["fraction_failures"] is None
    assert score.session["mean_escape_latency_s"] is None
    assert score.session["helpless"] is None
    assert scored([], delivered=0.85).session["n_trials_invalid"] == 1
    assert scored([], delivered=0.95).session["n_trials_invalid"] == 0


def test_two_crossings_may_be_required_after_the_first_trials() -> None:
    score = scored([3.5, 28, 29, 57, 62], n_trials=3, crossings_required=2, n_trials_fr1=1)
    first, second, third = score.rows
    assert (first["outcome"], first["latency_us_s"]) == ("escape", 0.5)
    assert second["outcome"] == "avoidance"  # there and back while the CS was on
    assert third["outcome"] == "failure"
    assert third["n_crossings"] == 1
    assert score.session["n_intertrial_crossings"] == 1


def test_the_gate_opens_when_it_is_said_to() -> None:
    def gates(when: str) -> list[Any]:
        one = usual("shuttle_escape", n_trials=2, habituation_s=0, helpless_min_failures=1, gate=when)
        kinds = (c.SetGate, c.BeginTrial, c.EndTrial)
        marks = [item for item in session(one, []) if isinstance(item, kinds)]
        return [item.open if isinstance(item, c.SetGate) else type(item).__name__[0] for item in marks]

    assert gates("none") == ["B", "E", "B", "E"]
    assert gates("session") == [True, "B", "E", "B", "E", False]
    assert gates("trial") == ["B", True, False, "E", "B", True, False, "E"]


def test_failures_are_counted_in_blocks() -> None:
    score = scored([3.1, 33.1], n_trials=5, block_size=2)
    assert [row["block"] for row in score.rows] == [1, 1, 2, 2, 3]
    assert [score.session[f"n_failures_block_{block}"] for block in (1, 2, 3)] == [1, 2, 1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-20, 200), max_size=25), st.integers(1, 3))
def test_every_trial_has_one_outcome_and_every_crossing_one_place(crossings_s: list[float], required: int) -> None:
    score = scored(crossings_s, n_trials=6, crossings_required=required, us_s=5.0)
    session_ = score.session
    kinds = ("n_avoidances", "n_escapes", "n_failures", "n_trials_invalid")
    assert sum(int(session_[kind] or 0) for kind in kinds) == session_["n_trials"] == 6
    assert session_["n_trials_invalid"] == 0
    within = sum(int(row["n_crossings"] or 0) for row in score.rows)
    outside = int(session_["n_intertrial_crossings"] or 0) + int(session_["n_habituation_crossings"] or 0)
    assert within + outside == len(crossings_s) == len(score.responses)
    assert all(0 <= float(row["latency_cs_s"] or 0) <= 8 for row in score.rows)
    assert all(0 <= float(row["latency_us_s"] or 0) <= 5 for row in score.rows)


def test_a_helpless_rat_fails_more_and_ipsapirone_rescues_it() -> None:
    def failures(dose_mg_kg: float) -> float:
        treatment = Treatment(compound="ipsapirone", dose_mg_kg=dose_mg_kg)
        one = way("shuttle", n_trials=30, helpless_min_failures=15)
        total = 0
        for seed in range(60):
            score = score_items("shuttle_escape", one.journal(seed, treatment), one.parameters)
            total += int(score.session["n_failures"] or 0)
        return total / 60

    assert failures(0.0) > 16  # of 30; naive rats of the table 7.5, helpless ones 24.5
    assert failures(0.06) < failures(0.0) - 3


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"n_trials": 0}, "n_trials: must be 1 or more"),
        ({"cs_s": 0}, "cs_s: must be more than 0"),
        ({"us_s": 31}, "us_s: must be 30.0 or less"),
        ({"iti_s": 0}, "iti_s must be more than 0"),
        ({"iti_s": {"low": 9, "high": 5}}, r"low \(9\) must not be more than high \(5\)"),
        ({"shock_ma": 0}, "nothing to escape from"),
        ({"n_trials_fr1": 40}, r"n_trials_fr1 \(40\) must not be more than n_trials \(30\)"),
        ({"helpless_min_failures": 31}, r"helpless_min_failures \(31\)"),
        ({"gate": "ajar"}, "gate: must be one of"),
    ],
)
def test_contradictory_parameters_are_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(BadFile, match=what):
        resolve(find_paradigm("shuttle_escape"), given, file="shuttle.toml")


def test_the_limit_of_a_shock_follows_the_cut_off_unless_it_is_given() -> None:
    assert usual("shuttle_escape").p.limits.max_single_s == 3.0
    assert usual("shuttle_escape", us_s=20).p.limits.max_single_s == 20.0
    assert usual("shuttle_escape", us_s=20, limits={"max_single_s": 25}).p.limits.max_single_s == 25.0
