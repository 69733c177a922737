"""Training shocks where it is entered; retention waits, and censors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.commands import Command, SetGate, Shock
from behavior.model.doses import Treatment
from behavior.model.errors import BadFile
from behavior.model.events import Crossed, Event, SessionStarted, ShockEnded, ShockStarted, Stopped, TimerFired
from behavior.paradigms.catalogue import find_paradigm
from behavior.scoring.passive_avoidance import Subject, retention_by_group
from behavior.scoring.score import Score, score_items
from behavior.session.assemble import resolve
from paradigms.short import usual

S = 1_000_000


def session(
    crossings: Sequence[tuple[float, str]], *, delivered_ma: float = 0.6, stop_s: float | None = None, **changes: Any
) -> tuple[list[Event | Command], Score]:
    """A session with crossings, in s from the opening of the way."""
    one = usual("passive_avoidance", adaptation_s=30, **changes)
    core, items = one.core(), []
    coming: list[Event] = [Crossed(round((30 + at) * S), side) for at, side in crossings]
    coming += [] if stop_s is None else [Stopped(round((30 + stop_s) * S), "key")]

    def take(event: Event) -> None:
        commands = core.handle(event)
        items.extend([event, *commands])
        for shock in [command for command in commands if isinstance(command, Shock)]:
            end_us = core.now_us + round(shock.duration_s * S)
            coming.append(ShockStarted(core.now_us, shock.number))
            coming.append(ShockEnded(end_us, shock.number, end_us - core.now_us, delivered_ma, "duration"))
        coming.sort(key=lambda event: event.at_us)

    take(SessionStarted(0))
    while core.ended is None:
        take(coming.pop(0) if coming and coming[0].at_us <= core.wake_us else TimerFired(core.wake_us))
    return items, score_items("passive_avoidance", items, one.parameters)


def test_entry_in_training_closes_the_way_and_is_shocked_once() -> None:
    items, score = session([(12.5, "dark")])
    commands = [item for item in items if isinstance(item, SetGate | Shock)]
    assert [command.open if isinstance(command, SetGate) else "shock" for command in commands] == [True, False, "shock"]
    assert score.session["training_latency_s"] == 12.5
    assert score.session["training_latency_censored"] is False
    assert score.session["shock_valid"] is True
    assert score.session["slow_to_train"] is False
    assert score.session["avoided"] is None


def test_a_crossing_into_the_other_side_is_no_entry() -> None:
    _, score = session([(5, "light"), (8, "dark")])
    assert score.session["training_latency_s"] == 8.0


def test_a_dead_grid_in_training_is_said() -> None:
    _, score = session([(5, "dark")], delivered_ma=0.0)
    assert score.session["shock_valid"] is False
    assert score.session["n_shocks_invalid"] == 1


def test_a_slow_subject_is_marked_by_the_rule() -> None:
    assert session([(60.0, "dark")])[1].session["slow_to_train"] is False
    assert session([(60.1, "dark")])[1].session["slow_to_train"] is True
    assert session([])[1].session["slow_to_train"] is True


def test_retention_without_entry_is_capped_and_censored() -> None:
    items, score = session([], stage="retention")
    assert not [item for item in items if isinstance(item, Shock)]
    assert score.session["retention_latency_s"] is None
    assert score.session["retention_latency_capped_s"] == 300.0
    assert score.session["retention_latency_censored"] is True
    assert score.session["window_s"] == 300.0
    assert score.session["avoided"] is True
    assert score.session["time_in_start_s"] == 300.0


def test_retention_with_entry_ends_with_it() -> None:
    _, score = session([(69.3, "dark"), (100, "light")], stage="retention")
    assert score.session["retention_latency_s"] == 69.3
    assert score.session["avoided"] is False
    assert score.session["duration_s"] == pytest.approx(99.3)


def test_retention_to_the_cut_off_counts_entries_and_time() -> None:
    entries = [(50, "dark"), (80, "light"), (100, "dark"), (290, "light")]
    _, score = session(entries, stage="retention", retention_until="cut-off")
    assert score.session["retention_latency_s"] == 50.0
    assert score.session["n_entries"] == 2
    assert score.session["time_in_start_s"] == 50 + 20 + 10


def test_a_test_that_was_cut_is_censored_when_it_was_cut_and_is_no_avoidance() -> None:
    _, score = session([], stage="retention", stop_s=120)
    assert score.session["retention_latency_capped_s"] == 120.0
    assert score.session["retention_latency_censored"] is True
    assert score.session["avoided"] is None
    assert score.session["interrupted"] is True


def test_step_down_is_onto_the_grid() -> None:
    _, score = session([(4, "dark"), (9, "grid")], apparatus="step-down")
    assert score.session["training_latency_s"] == 9.0


@pytest.mark.parametrize(
    ("before", "acts_on"), [("training", "acquisition"), ("retention", "consolidation"), ("test", "retrieval")]
)
def test_what_a_treatment_acts_on_follows_from_what_it_precedes(before: str, acts_on: str) -> None:
    assert session([], stage="retention", treatment_before=before)[1].session["treatment_acts_on"] == acts_on


def test_ipsapirone_makes_simulated_rats_forget() -> None:
    def share(dose_mg_kg: float) -> float:
        one = usual("passive_avoidance", stage="retention")
        treatment = Treatment(compound="ipsapirone", dose_mg_kg=dose_mg_kg)
        scores = [score_items("passive_avoidance", one.journal(s, treatment), one.parameters) for s in range(100)]
        return sum(score.session["avoided"] is True for score in scores) / 100

    assert 0.4 < share(0.0) < 0.75  # 58 % in the table of the simulated rat
    assert share(2.0) < 0.1


latencies = st.one_of(st.none(), st.floats(0, 400))


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.floats(0, 90), latencies, st.booleans()), max_size=20))
def test_every_subject_is_analysed_or_left_out_for_a_reason(given: list[tuple[str, float, float | None, bool]]) -> None:
    groups, counts = retention_by_group([Subject(*one) for one in given], cutoff_s=300, max_train_s=60)
    assert sum(group.n for group in groups.values()) == counts["analysed"]
    left_out = len(given) - counts["analysed"]
    assert max(counts["slow_to_train"], counts["excluded"]) <= left_out <= counts["slow_to_train"] + counts["excluded"]
    for group in groups.values():
        assert 0 <= group.n_censored <= group.n
        assert 0 <= group.mean_latency_capped_s <= 300
        assert (group.fraction_avoiders == 1) == (group.mean_latency_capped_s == 300)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"cutoff_s": 0}, "cutoff_s: must be more than 0"),
        ({"shock_ma": 0}, "a session without shock is stage 'retention'"),
        ({"cutoff_s": 30}, r"max_train_s \(60\) must not be more than cutoff_s \(30\)"),
        ({"treatment_before": "never"}, "treatment_before: must be one of"),
    ],
)
def test_contradictory_parameters_are_refused(given: dict[str, Any], what: str) -> None:
    with pytest.raises(BadFile, match=what):
        resolve(find_paradigm("passive_avoidance"), given, file="avoidance.toml")


def test_a_session_lasts_long_enough_for_the_device_to_end_its_own_shock() -> None:
    with pytest.raises(BadFile, match=r"after_s: must be 0.5 or more"):
        resolve(find_paradigm("passive_avoidance"), {"after_s": 0}, file="p.toml")
