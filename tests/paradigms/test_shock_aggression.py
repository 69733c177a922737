"""Shocks at intervals; fights by the raters' keys."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.commands import Command
from behavior.model.doses import Treatment
from behavior.model.errors import BadFile
from behavior.model.events import Event, Noted, ShockEnded, ShockStarted
from behavior.paradigms.catalogue import find_paradigm
from behavior.paradigms.shock_aggression import keyed
from behavior.scoring.score import score_items
from behavior.scoring.shock_aggression import Fight, fights_of, judge, measures
from behavior.session.assemble import resolve
from paradigms.short import usual, way

S = 1_000_000


def test_shocks_come_at_intervals_from_onset_to_onset() -> None:
    one = usual("shock_aggression", habituation_s=30, n_shocks=5)
    onsets = [item.at_us / S for item in one.journal() if isinstance(item, ShockStarted)]
    assert onsets == [30, 40, 50, 60, 70]


def test_keys_become_fights_rater_by_rater() -> None:
    notes = [
        Noted(5, "the left one is limping"),
        Noted(10, keyed("A", begins=True)),
        Noted(11, keyed("B", begins=True)),
        Noted(20, keyed("A", begins=False)),
        Noted(25, keyed("A", begins=False)),
        Noted(30, keyed("A", begins=True)),
        Noted(40, keyed("B", begins=False)),
    ]
    assert fights_of(notes) == [Fight("A", 10, 20), Fight("B", 11, 40), Fight("A", 30, None)]
    assert fights_of(reversed(notes)) == fights_of(notes)


def test_a_name_with_a_colon_is_a_name() -> None:
    assert fights_of([Noted(1, keyed("Lab: A", begins=True))]) == [Fight("Lab: A", 1)]


@pytest.mark.parametrize(
    ("onset_s", "counts"),
    [(9.999, False), (10.0, True), (11.499, True), (11.5, False), (5.0, False)],
    ids=["before", "at once", "last", "too late", "before the first"],
)
def test_the_window_of_a_shock(onset_s: float, counts: bool) -> None:
    judged = judge([10 * S, 20 * S], [Fight("A", round(onset_s * S))], "A", (0.0, 1.5))
    assert judged.with_fight == [counts, False]
    assert len(judged.outside) == (not counts)


def test_two_fights_after_one_shock_are_one_shock_with_fight() -> None:
    fights = [Fight("A", 10_200_000, 10_700_000), Fight("A", 11 * S, 13 * S), Fight("B", 10_100_000, 19 * S)]
    found = measures([10 * S, 20 * S], judge([10 * S, 20 * S], fights, "A", (0.0, 1.5)))
    assert found["n_shocks_with_fight"] == 1
    assert found["fraction_shocks_with_fight"] == 0.5
    assert found["n_fights_in_window"] == 2
    assert found["fight_time_s"] == 2.5
    assert found["latency_first_fight_s"] == 0.2


def dead(items: list[Event | Command], number: int) -> list[Event | Command]:
    return [
        ShockEnded(item.at_us, number, item.duration_us, 0.0, "grid open")
        if isinstance(item, ShockEnded) and item.number == number
        else item
        for item in items
    ]


def test_a_shock_that_was_not_delivered_is_no_chance_to_fight() -> None:
    one = way("aggression")
    score = score_items("shock_aggression", dead(one.journal(), 3), one.parameters)
    assert [row["valid"] for row in score.rows] == [True, True, False, *[True] * 5]
    assert score.rows[2]["fight_A"] is None
    shares = (score.session["n_shocks_with_fight"], score.session["fraction_shocks_with_fight"])
    assert shares[1] == int(shares[0] or 0) / 7


def test_two_raters_agree_on_most_shocks_and_one_has_nobody_to_agree_with() -> None:
    one = way("aggression, two raters", n_shocks=60)
    session = score_items("shock_aggression", one.journal(), one.parameters).session
    assert 0.8 < float(session["fraction_agreement"] or 0) <= 1.0
    assert 0.5 < float(session["cohens_kappa"] or 0) <= 1.0
    alone = way("aggression")
    assert score_items("shock_aggression", alone.journal(), alone.parameters).session["cohens_kappa"] is None


def test_ipsapirone_calms_the_simulated_pair() -> None:
    def fights(dose_mg_kg: float) -> float:
        one = usual("shock_aggression")
        treatment = Treatment(compound="ipsapirone", dose_mg_kg=dose_mg_kg)
        scores = [score_items("shock_aggression", one.journal(s, treatment), one.parameters) for s in range(40)]
        return sum(int(score.session["n_shocks_with_fight"] or 0) for score in scores) / 40

    assert 32 < fights(0.0) < 42  # 38.5 of 60 in the table, less one in twenty that the rater misses
    assert 14 < fights(2.2) < 24


onsets = st.lists(st.integers(0, 100 * S), max_size=30)


@given(onsets, st.floats(0.1, 9.9))
def test_every_fight_is_in_a_window_or_outside(fights_us: list[int], window_s: float) -> None:
    shocks_us = [at * 10 * S for at in range(1, 9)]
    judged = judge(shocks_us, [Fight("A", at) for at in fights_us], "A", (0.0, window_s))
    assert len(judged.in_window) + len(judged.outside) == len(fights_us)
    assert sum(judged.with_fight) <= len(judged.in_window)
    brute = [any(at <= us < at + round(window_s * 1e6) for us in fights_us) for at in shocks_us]
    assert judged.with_fight == brute


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"interval_s": 0}, "interval_s: must be more than 0"),
        ({"interval_s": 0.5}, r"interval_s \(0.5\) must be more than shock_s \(0.5\)"),
        ({"window_s": 11}, r"window_s \(11\) must not be more than interval_s \(10\)"),
        ({"raters": []}, "raters: must have at least 1"),
        ({"raters": ["A", "A"]}, "different names"),
        ({"raters": ["A", " "]}, "not empty"),
        ({"shock_ma": 0}, "shock_ma must be more than 0"),
    ],
)
def test_contradictory_parameters_are_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(BadFile, match=what):
        resolve(find_paradigm("shock_aggression"), given, file="aggression.toml")
