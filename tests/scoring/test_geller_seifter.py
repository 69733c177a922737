"""Conflict sessions by hand, simulated, and cut short."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model import commands as c
from behavior.model import events as e
from behavior.paradigms.geller_seifter import Component, GellerSeifterParameters, geller_seifter
from behavior.scoring.score import Score, score_items
from scoring.sessions import S, journal, simulated

P: dict[str, Any] = {
    "lever": "left",
    "components": [
        {"name": "calm", "duration_s": 60, "schedule": "VI 30 s"},
        {"name": "conflict", "duration_s": 30, "schedule": "CRF", "shock_ma": 0.4, "shock_s": 0.5},
    ],
}


def scored(*items: Any, parameters: dict[str, Any] = P) -> Score:
    return score_items("geller_seifter", journal(*items), parameters)


def press(at_s: float, lever: str = "left") -> e.LeverPressed:
    return e.LeverPressed(round(at_s * S), lever)


def punished(at_s: float, number: int, delivered_ma: float = 0.4) -> list[Any]:
    """A press that is fed and shocked."""
    at_us = round(at_s * S)
    return [
        press(at_s),
        c.Deliver(number),
        c.Shock(number, 0.4, 0.5),
        e.ShockStarted(at_us, number),
        e.Delivered(at_us + 300_000, number),
        e.ShockEnded(at_us + 500_000, number, 500_000, delivered_ma, "duration"),
    ]


SESSION = [
    c.BeginComponent("calm"),
    *[press(at) for at in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)],
    press(11, "right"),
    c.Deliver(1),
    e.Delivered(12 * S, 1),
    e.TimerFired(60 * S),
    c.EndComponent("calm"),
    press(61),
    e.TimerFired(70 * S),
    c.BeginComponent("conflict"),
    *punished(75, 2),
    *punished(80, 3, delivered_ma=0.0),
    e.TimerFired(100 * S),
    c.EndComponent("conflict"),
    c.EndSession("completed"),
]


def test_a_session_worked_out_by_hand() -> None:
    score = scored(*SESSION)
    expected = {
        "n_unpunished_presses": 10,
        "n_punished_presses": 2,
        "n_timeout_presses": 1,
        "n_other_lever_presses": 1,
        "unpunished_rate_per_min": 10.0,
        "punished_rate_per_min": 4.0,
        "suppression_ratio": 4 / 14,
        "conflict_ratio": 0.4,
        "fraction_suppressed": 0.6,
        "n_pellets_unpunished": 1,
        "n_pellets_punished": 2,
        "n_shocks_commanded": 2,
        "n_shocks_delivered": 1,
        "n_shocks_invalid": 1,
        "shock_s": 0.5,
        "n_components_interrupted": 0,
        "duration_s": 100.0,
        "completed": True,
    }
    assert {name: score.session[name] for name in expected} == expected
    calm, conflict = score.rows
    assert (calm["component"], calm["punished"], calm["n_presses"], calm["time_s"]) == ("calm", False, 10, 60.0)
    assert (conflict["punished"], conflict["n_shocks_delivered"], conflict["n_shocks_invalid"]) == (True, 1, 1)
    assert [row["component"] for row in score.responses].count(None) == 1


def test_a_component_is_punished_by_its_current_and_not_by_its_name() -> None:
    renamed = {**P, "components": [P["components"][0], {**P["components"][1], "shock_ma": 0.0}]}
    score = scored(*SESSION, parameters=renamed)
    assert score.session["n_punished_presses"] == 0
    assert score.session["n_unpunished_presses"] == 12
    assert score.session["punished_rate_per_min"] is None
    assert score.session["suppression_ratio"] is None


def test_a_session_cut_short_has_rates_over_the_time_that_was() -> None:
    score = scored(
        c.BeginComponent("calm"),
        press(5),
        press(10),
        e.Stopped(20 * S, "key"),
        c.EndComponent("calm"),
        c.StopShock(),
        c.EndSession("stopped by key"),
    )
    assert score.session["unpunished_rate_per_min"] == 6.0
    assert score.session["punished_rate_per_min"] is None
    assert score.session["conflict_ratio"] is None
    assert score.session["completed"] is False
    assert score.session["n_components_interrupted"] == 1
    assert score.rows[0]["interrupted"] is True


def test_a_rat_that_never_presses_has_rates_of_zero_and_no_ratio() -> None:
    score = scored(
        c.BeginComponent("calm"),
        e.TimerFired(60 * S),
        c.EndComponent("calm"),
        c.BeginComponent("conflict"),
        e.TimerFired(90 * S),
        c.EndComponent("conflict"),
    )
    assert score.session["punished_rate_per_min"] == 0.0
    assert score.session["unpunished_rate_per_min"] == 0.0
    assert score.session["suppression_ratio"] is None
    assert score.session["conflict_ratio"] is None


def test_a_pellet_that_the_feeder_did_not_give_is_none() -> None:
    score = scored(c.BeginComponent("calm"), press(1), c.Deliver(1), e.TimerFired(60 * S), c.EndComponent("calm"))
    assert score.session["n_pellets_unpunished"] == 0
    assert score.session["n_deliveries_failed"] == 1


def test_a_resumed_session_says_so_in_every_table() -> None:
    score = scored(
        c.BeginComponent("calm"), press(1), e.Resumed(30 * S, 10 * S), e.TimerFired(70 * S), c.EndComponent("calm")
    )
    assert score.session["n_resumed"] == 1
    assert score.session["gap_s"] == 10.0
    assert score.rows[0]["resumed"] is True
    assert score.rows[0]["time_s"] == 60.0
    assert score.responses[0]["resumed"] is True


SHORT = GellerSeifterParameters(
    components=(
        Component(name="unpunished", duration_s=60, schedule="VI 5 s"),
        Component(name="punished", duration_s=30, schedule="CRF", cue="tone", shock_ma=0.3, shock_s=0.25),
    ),
    n_cycles=3,
)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_nothing_is_counted_twice_or_lost(seed: int) -> None:
    items = simulated(geller_seifter, SHORT, seed=seed)
    score = score_items("geller_seifter", items, SHORT.model_dump(mode="json"))
    session = score.session
    n_presses = sum(isinstance(item, e.LeverPressed) for item in items)
    n_pellets = sum(isinstance(item, e.Delivered) for item in items)
    n_shocks = sum(isinstance(item, e.ShockEnded) for item in items)
    assert n_presses == len(score.responses)
    assert n_presses == sum(
        int(session[f"n_{which}_presses"] or 0) for which in ("punished", "unpunished", "timeout", "other_lever")
    )
    assert sum(int(row["n_pellets"] or 0) for row in score.rows) == n_pellets == session["n_deliveries"]
    assert sum(int(row["n_shocks_delivered"] or 0) for row in score.rows) == n_shocks == session["n_shocks_delivered"]
    assert all(row["n_shocks_delivered"] == 0 for row in score.rows if not row["punished"])
    assert sum(float(row["time_s"] or 0) for row in score.rows) == pytest.approx(session["duration_s"])
    assert [row["cycle"] for row in score.rows] == [1, 1, 2, 2, 3, 3]
