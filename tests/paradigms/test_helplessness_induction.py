"""Who ends the shocks, and that the yoked partner gets what its master got."""

from __future__ import annotations

from typing import Any

import pytest

from behavior.model.commands import Command, SetGate, Shock, StopShock
from behavior.model.errors import BadFile, BadInput
from behavior.model.events import Crossed, Event, SessionStarted, ShockEnded, TimerFired
from behavior.paradigms.catalogue import find_paradigm
from behavior.scoring.helplessness_induction import master_shocks
from behavior.scoring.score import Score, score_items
from behavior.session.assemble import resolve
from paradigms.short import usual, way


def scored(name: str, **changes: Any) -> tuple[list[Event | Command], Score]:
    one = way(name, **changes)
    items = one.journal(seed=7)
    return items, score_items("helplessness_induction", items, one.parameters)


def test_inescapable_shocks_have_their_length_and_their_intervals_whatever_the_rat_does() -> None:
    items, score = scored("induction", n_shocks=20)
    assert score.session["n_shocks_delivered"] == 20
    assert [row["shock_s"] for row in score.rows] == [15.0] * 20
    assert float(score.session["min_interval_s"] or 0) >= 45.0
    assert float(score.session["max_interval_s"] or 0) <= 75.0
    assert score.session["n_escapes"] is None
    assert not [item for item in items if isinstance(item, SetGate | Crossed)]


def test_the_masters_shock_is_over_when_it_has_crossed_and_the_interval_runs_from_onset_to_onset() -> None:
    _, score = scored("induction, master", n_shocks=20, interval_s=60.0)
    assert {row["escaped"] for row in score.rows} == {True, False} or score.session["fraction_escaped"] == 1.0
    for row in score.rows:
        assert row["censored"] is not row["escaped"]
        assert (float(row["shock_s"] or 0) < 15.0) is row["escaped"]
    onsets = [float(row["shock_onset_s"] or 0) for row in score.rows]
    assert onsets == pytest.approx([20 + 60 * i for i in range(20)])
    assert score.session["n_escapes"] == sum(row["escaped"] is True for row in score.rows)


def test_the_yoked_partner_gets_its_masters_shocks_when_the_master_had_them() -> None:
    items, master = scored("induction, master")
    shocks = master_shocks(items)
    partner = way("induction, yoked", master_shocks=[shock.model_dump() for shock in shocks])
    score = score_items("helplessness_induction", partner.journal(seed=9), partner.parameters)
    for column in ("shock_onset_s", "shock_s"):
        got, had = ([row[column] for row in one.rows] for one in (score, master))
        assert got == pytest.approx(had)
    assert score.session["shock_s"] == pytest.approx(master.session["shock_s"])
    assert all(row["escaped"] is None for row in score.rows)


def test_on_a_late_host_and_a_slow_device_no_lateness_adds_up_and_the_last_shock_is_not_cut() -> None:
    """Each tick comes 4 ms late, each pulse begins 7 ms after it was asked for."""
    s, given = 1_000_000, [(3 * i + 1.0, 1.0) for i in range(40)]
    shocks = [{"onset_s": onset_s, "duration_s": duration_s} for onset_s, duration_s in given]
    core = way("induction, yoked", master_shocks=shocks).core()
    asked_us, ends, stopped = [], [], []
    commands = core.handle(SessionStarted(0))
    while core.ended is None:
        for command in commands:
            if isinstance(command, Shock):
                asked_us.append(core.now_us)
                ends.append(ShockEnded(core.now_us + 7_000 + s, command.number, s, command.ma, "completed"))
            elif isinstance(command, StopShock):
                stopped.append(len(ends))
        if ends and ends[0].at_us <= core.wake_us + 4_000:
            commands = core.handle(ends.pop(0))
        else:
            commands = core.handle(TimerFired(core.wake_us + 4_000))
    assert core.ended == "completed"
    assert [at_us - round(onset_s * s) for at_us, (onset_s, _) in zip(asked_us, given, strict=True)] == [4_000] * 40
    assert ends == []
    assert stopped == []


def test_a_shock_that_the_master_did_not_get_is_not_passed_on() -> None:
    items, _ = scored("induction, master")
    dead = [
        ShockEnded(item.at_us, item.number, item.duration_us, 0.0, "grid open")
        if isinstance(item, ShockEnded) and item.number == 1
        else item
        for item in items
    ]
    assert len(master_shocks(dead)) == len(master_shocks(items)) - 1
    with pytest.raises(BadInput, match="no shock that was delivered"):
        master_shocks([item for item in items if not isinstance(item, ShockEnded)])


def test_the_unshocked_group_spends_the_same_time_and_gets_nothing() -> None:
    items, score = scored("induction, no shock")
    assert not [item for item in items if isinstance(item, Shock)]
    assert score.session["n_trials"] == 4
    assert score.session["n_shocks_commanded"] == 0
    assert [row["shock_s"] for row in score.rows] == [None] * 4
    assert [row["begin_s"] for row in score.rows] == [row["begin_s"] for row in scored("induction")[1].rows]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"n_shocks": 0}, "n_shocks: must be 1 or more"),
        ({"interval_s": 15}, r"interval_s \(15\) must be more than shock_s \(15\)"),
        ({"interval_s": {"low": 10, "high": 75}}, r"interval_s \(10\) must be more than shock_s \(15\)"),
        ({"shock_ma": 0}, "unless group is 'no shock'"),
        ({"group": "yoked"}, "master_shocks must be given"),
        ({"master_shocks": [{"onset_s": 1, "duration_s": 2}]}, "and for no other"),
        (
            {
                "group": "yoked",
                "master_shocks": [{"onset_s": 1, "duration_s": 5}, {"onset_s": 4, "duration_s": 5}],
            },
            "the one at 4 s begins before the last has ended",
        ),
    ],
)
def test_contradictory_parameters_are_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(BadFile, match=what):
        resolve(find_paradigm("helplessness_induction"), given, file="induction.toml")


def test_the_usual_induction_is_15_minutes_of_shock_in_an_hour() -> None:
    one = usual("helplessness_induction")
    score = score_items("helplessness_induction", one.journal(), one.parameters)
    assert score.session["shock_s"] == 900.0
    assert 3300 < float(score.session["duration_s"] or 0) < 3900
