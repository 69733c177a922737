"""A few shocks, and the calls of the minutes after."""

from __future__ import annotations

from typing import Any

import pytest

from behavior.model.calls import Call
from behavior.model.commands import EndComponent, SetRecording
from behavior.model.doses import Treatment
from behavior.model.errors import BadFile
from behavior.model.events import Event, RecordingStarted, ShockEnded, ShockStarted
from behavior.paradigms.catalogue import find_paradigm
from behavior.scoring.score import score_items
from behavior.session.assemble import resolve
from behavior.session.runner import run
from behavior.simulate.ideal import IdealBox
from behavior.simulate.shock_caller import ShockCaller
from behavior.simulate.subject import Vocalized
from paradigms.short import usual
from scoring.sessions import call

S = 1_000_000


class Overheard(ShockCaller):
    """A caller that somebody listens to."""

    def __init__(self, seed: int, treatment: Treatment) -> None:
        super().__init__(seed, treatment)
        self.calls: list[Vocalized] = []

    def act(self) -> Event:
        deed = super().act()
        assert isinstance(deed, Vocalized)
        self.calls.append(deed)
        return deed


def session(seed: int, dose_mg_kg: float = 0.0, **changes: Any) -> tuple[Any, list[Any], list[Call]]:
    one = usual("shock_induced_usv", **changes)
    rat, items = Overheard(seed, Treatment(compound="ipsapirone", dose_mg_kg=dose_mg_kg)), list[Any]()
    run(one.core(seed), IdealBox(rat), lambda item, host_us: items.append(item))
    began_us = next(item.at_us for item in items if isinstance(item, RecordingStarted))
    calls = [call((x.at_us - began_us) / 1e6, x.duration_s) for x in rat.calls]
    return score_items("shock_induced_usv", items, one.parameters, calls), items, calls


def test_the_test_is_from_one_to_six_minutes_after_the_last_shock() -> None:
    score, items, _ = session(1, day=15)
    last_us = max(item.at_us for item in items if isinstance(item, ShockEnded))
    onsets = [item.at_us / S for item in items if isinstance(item, ShockStarted)]
    assert onsets == [120, 140, 160, 180]
    assert score.session["window_s"] == 300.0
    assert score.session["duration_s"] == last_us / S + 60 + 300
    assert score.session["day"] == 15
    assert [row["day"] for row in score.rows] == [15] * 5


def test_the_sound_of_shocks_and_test_is_recorded() -> None:
    _, items, _ = session(1)
    on, off = (i for i, item in enumerate(items) if isinstance(item, SetRecording))
    assert on < next(i for i, item in enumerate(items) if isinstance(item, ShockStarted))
    assert off > next(i for i, item in enumerate(items) if isinstance(item, EndComponent))


def test_only_calls_of_the_test_count_and_all_of_them() -> None:
    score, items, calls = session(3)
    began_us = next(item.at_us for item in items if isinstance(item, RecordingStarted))
    end_s = float(score.session["duration_s"] or 0)
    onsets = [began_us / S + one.onset_s for one in calls]
    inside = [one for one, at in zip(calls, onsets, strict=True) if end_s - 300 <= at < end_s]
    assert 0 < len(inside) < len(calls)
    assert score.session["n_calls"] == sum(round(one.duration_s, 3) >= 0.3 for one in inside)


def test_ipsapirone_silences_the_simulated_rat() -> None:
    def calling(dose_mg_kg: float) -> float:
        return sum(float(session(seed, dose_mg_kg)[0].session["calling_time_s"]) for seed in range(20)) / 20

    assert calling(10.0) < calling(0.0) / 3


def test_a_shock_that_was_not_delivered_makes_the_session_invalid() -> None:
    one = usual("shock_induced_usv")
    items = [item for item in one.journal() if not (isinstance(item, ShockEnded) and item.number == 2)]
    assert score_items("shock_induced_usv", items, one.parameters, []).session["valid"] is False
    assert score_items("shock_induced_usv", one.journal(), one.parameters, []).session["valid"] is True


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"test_s": 0}, "test_s: must be more than 0"),
        ({"interval_s": 1}, r"interval_s \(1\) must be more than shock_s \(1\)"),
        ({"shock_ma": 0}, "there is conditioned_usv"),
        ({"day": 0}, "day: must be 1 or more"),
    ],
)
def test_contradictory_parameters_are_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(BadFile, match=what):
        resolve(find_paradigm("shock_induced_usv"), given, file="usv.toml")
