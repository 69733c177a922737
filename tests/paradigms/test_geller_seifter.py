"""The conflict session's consequences, press by press, and parameters that contradict each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from behavior.model.commands import BeginComponent, Command, Deliver, EndComponent, EndSession, SetCue, Shock
from behavior.model.errors import BadFile
from behavior.model.events import Event, LeverPressed, SessionStarted, ShockEnded, TimerFired
from behavior.paradigms.catalogue import find_paradigm
from behavior.scoring.score import score_items
from behavior.session.assemble import resolve
from paradigms.short import Way, usual, way

S = 1_000_000
FOOD = {"name": "food", "duration_s": 60, "schedule": "CRF"}
CONFLICT = {**FOOD, "name": "conflict", "cue": "tone", "shock_ma": 0.2, "shock_s": 0.5}


def driven(one: Way, *presses_s: float, until_s: float = 200) -> list[Event | Command]:
    """A session with presses at these times; ticks come when they are due, shocks end when they should."""
    core, items = one.core(), []
    coming: list[Event] = [LeverPressed(round(at * S), "left") for at in presses_s]

    def take(event: Event) -> None:
        commands = core.handle(event)
        items.extend([event, *commands])
        for command in commands:
            if isinstance(command, Shock):
                coming.append(ShockEnded(event.at_us + S // 2, command.number, S // 2, command.ma, "duration"))
                coming.sort(key=lambda event: event.at_us)

    take(SessionStarted(0))
    while core.ended is None and core.now_us < until_s * S:
        if coming and coming[0].at_us < core.wake_us:
            take(coming.pop(0))
        else:
            take(TimerFired(min(core.wake_us, until_s * S)))
    core.close()
    return items


def issued(items: Iterable[Event | Command], kind: type[Any]) -> list[Any]:
    return [item for item in items if isinstance(item, kind)]


def test_every_press_of_a_punished_component_feeds_and_shocks() -> None:
    items = driven(usual("geller_seifter", components=[FOOD, CONFLICT], n_cycles=1), 1, 2, 61, 62)
    assert len(issued(items, Deliver)) == 4
    assert [shock.ma for shock in issued(items, Shock)] == [0.2, 0.2]


def test_punishment_on_a_ratio_shocks_each_nth_press() -> None:
    tenth = {**CONFLICT, "punishment": "FR 3"}
    items = driven(usual("geller_seifter", components=[tenth], n_cycles=1), *range(1, 8))
    assert len(issued(items, Shock)) == 2


def test_a_press_during_a_shock_is_fed_and_not_shocked_again() -> None:
    items = driven(usual("geller_seifter", components=[CONFLICT], n_cycles=1), 1, 1.2, 2)
    assert len(issued(items, Deliver)) == 3
    assert len(issued(items, Shock)) == 2


def test_incremental_shock_rises_from_nothing_to_its_ceiling_in_each_presentation() -> None:
    rising = {**CONFLICT, "duration_s": 10, "shock_ma": 0.0, "shock_step_ma": 0.1, "shock_max_ma": 0.25}
    items = driven(usual("geller_seifter", components=[rising], n_cycles=2), 1, 2, 3, 4, 5, 11, 12)
    assert [shock.ma for shock in issued(items, Shock)] == pytest.approx([0.1, 0.2, 0.25, 0.25, 0.1])


def test_a_time_out_suspends_the_component_and_is_part_of_its_time() -> None:
    out = {**FOOD, "cue": "tone", "punishment": "FR 2", "time_out_s": 10}
    one = usual("geller_seifter", components=[out], n_cycles=1)
    items = driven(one, 1, 2, 5, 20, 70)
    assert len(issued(items, Deliver)) == 3  # the press at 5 s, in the time-out, earns nothing
    assert [(cue.on) for cue in issued(items, SetCue)] == [True, False, True, False]
    score = score_items("geller_seifter", items, one.parameters)
    assert score.session["n_punished_presses"] == 3
    assert score.session["n_timeout_presses"] == 1
    assert score.session["punished_rate_per_min"] == pytest.approx(3 / 50 * 60)
    assert score.session["duration_s"] == 60.0
    assert [(row["component"], row["punished"]) for row in score.rows] == [("food", True), ("time-out", None)]


def test_between_components_there_is_a_blackout_whose_presses_are_time_out_presses() -> None:
    one = usual("geller_seifter", components=[FOOD, CONFLICT], n_cycles=1, blackout_s=30)
    items = driven(one, 10, 70, 80, 100)
    assert len(issued(items, Deliver)) == 2
    score = score_items("geller_seifter", items, one.parameters)
    assert (score.session["n_unpunished_presses"], score.session["n_punished_presses"]) == (1, 1)
    assert score.session["n_timeout_presses"] == 2
    assert score.session["duration_s"] == 150.0


def test_training_ends_when_enough_was_earned_or_time_is_over() -> None:
    one = usual("geller_seifter", stage="training", max_reinforcers=3, training_s=60)
    items = driven(one, 1, 2, 3, 4)
    assert len(issued(items, Deliver)) == 3
    assert issued(items, EndSession) == [EndSession("completed")]
    score = score_items("geller_seifter", items, one.parameters)
    assert score.session["n_unpunished_presses"] == 3
    assert score.session["duration_s"] == 3.0
    slow = score_items("geller_seifter", driven(one, 1), one.parameters)
    assert slow.session["duration_s"] == 60.0
    assert slow.session["unpunished_rate_per_min"] == 1.0


def test_a_subject_that_stopped_working_is_taken_out() -> None:
    one = usual("geller_seifter", components=[FOOD], n_cycles=1, drop_out_s=20)
    items = driven(one, 5, 10)
    assert issued(items, EndSession) == [EndSession("no press for 20 s")]
    assert score_items("geller_seifter", items, one.parameters).session["duration_s"] == 30.0


def test_so_many_components_in_a_row_without_a_press_end_the_session() -> None:
    one = usual("geller_seifter", components=[FOOD, CONFLICT], n_cycles=4, drop_out_n_components=2)
    items = driven(one, 5, 130, until_s=500)
    assert issued(items, EndSession) == [EndSession("no press in 2 components")]
    assert score_items("geller_seifter", items, one.parameters).session["duration_s"] == 300.0
    assert len(issued(items, BeginComponent)) == len(issued(items, EndComponent)) == 5


def test_a_press_in_every_second_component_is_no_drop_out_and_without_a_number_none_is() -> None:
    one = usual("geller_seifter", components=[FOOD, CONFLICT], n_cycles=2, drop_out_n_components=2)
    assert issued(driven(one, 5, 130, until_s=500), EndSession) == [EndSession("completed")]
    silent = usual("geller_seifter", components=[FOOD, CONFLICT], n_cycles=2)
    assert issued(driven(silent, until_s=500), EndSession) == [EndSession("completed")]


def test_a_press_in_a_time_out_is_a_press() -> None:
    out = {**FOOD, "cue": "tone", "punishment": "CRF", "time_out_s": 30}
    one = usual("geller_seifter", components=[out], n_cycles=2, drop_out_n_components=2)
    items = driven(one, 59, 65, until_s=500)
    assert issued(items, EndSession) == [EndSession("completed")]


def test_components_follow_each_other_in_cycles() -> None:
    items = driven(way("conflict"))
    assert [mark.name for mark in issued(items, BeginComponent)] == ["unpunished", "punished"] * 2
    assert [mark.name for mark in issued(items, EndComponent)] == ["unpunished", "punished"] * 2


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"components": []}, "components: must have at least 1"),
        ({"components": [{**FOOD, "duration_s": 0}]}, r"components\.1\.duration_s: must be more than 0"),
        ({"components": [{**FOOD, "schedule": "VI 0 s"}]}, r"components\.1\.schedule: no schedule 'VI 0 s'"),
        ({"components": [{**FOOD, "punishment": "FR 0"}]}, r"components\.1\.punishment: no schedule 'FR 0'"),
        ({"components": [{**FOOD, "shock_step_ma": 0.1}]}, "needs shock_max_ma"),
        ({"components": [{**FOOD, "shock_max_ma": 0.1}]}, "add shock_step_ma"),
        (
            {"components": [{**FOOD, "shock_ma": 0.5, "shock_step_ma": 0.1, "shock_max_ma": 0.4}]},
            r"shock_max_ma \(0.4\) must not be less than shock_ma \(0.5\)",
        ),
        ({"components": [{**FOOD, "shock_step_ma": 0.1, "shock_max_ma": 2.0}]}, r"more than limits\.max_ma"),
        ({"components": [{**CONFLICT, "time_out_s": 5}]}, "by shock or by time-out"),
        ({"components": [{**FOOD, "time_out_s": 60}]}, r"time_out_s \(60\) must be less than duration_s \(60\)"),
        ({"components": [{**FOOD, "name": "time-out"}]}, "must not be 'time-out'"),
        ({"components": [FOOD, {**CONFLICT, "name": "food"}]}, "'food' is punished in one place and unpunished"),
        ({"drop_out_n_components": 13}, r"drop_out_n_components \(13\) must not be more than the session has \(12\)"),
        ({"blackout_s": -1}, "blackout_s: must be 0"),
        ({"lever": "middle"}, "lever: must be one of"),
        ({"training_schedule": "VI x s"}, "training_schedule: no schedule"),
    ],
)
def test_contradictory_parameters_are_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(BadFile, match=what):
        resolve(find_paradigm("geller_seifter"), given, file="conflict.toml")


def test_the_usual_values_have_not_changed() -> None:
    p = usual("geller_seifter").p
    assert (p.n_cycles, p.blackout_s, p.drop_out_s, p.stage) == (6, 0, 0, "test")  # type: ignore[attr-defined]
    assert p.drop_out_n_components == 0  # type: ignore[attr-defined]
