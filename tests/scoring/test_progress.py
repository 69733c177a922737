"""Stages are left when their criterion is met, and shock is titrated to its target."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config.read import read_text
from behavior.model.errors import BadFile
from behavior.scoring.progress import Criterion, Titration, TrainingPlan, judge, propose, stable, titrate

PLAN = read_text(
    """
paradigm = "geller_seifter"

[[stages]]
name = "crf"
parameters = "geller_seifter-training-1"
criterion = { measure = "n_unpunished_presses", at_least = 100 }

[[stages]]
name = "vi 30"
parameters = "geller_seifter-training-3"
criterion = { measure = "unpunished_rate_per_min", n_sessions = 5, within = 0.2, at_least = 5 }
""",
    TrainingPlan,
)


def crf(n: int) -> tuple[str, dict[str, Any]]:
    return "crf", {"n_unpunished_presses": n, "completed": True}


def vi(rate: float | None, *, completed: bool = True) -> tuple[str, dict[str, Any]]:
    return "vi 30", {"unpunished_rate_per_min": rate, "completed": completed}


@pytest.mark.parametrize(
    ("history", "stage", "why"),
    [
        ([], "crf", "starts with crf"),
        ([crf(40)], "crf", "stays in crf: n_unpunished_presses 40, where 100 or more is asked for"),
        ([crf(40), crf(100)], "vi 30", "goes on to vi 30: n_unpunished_presses 100"),
        ([crf(100), vi(10)], "vi 30", "1 of 5 sessions"),
        ([crf(100), *[vi(10)] * 4, vi(30)], "vi 30", "not within 20% of their mean"),
        ([crf(100), *[vi(10)] * 4, vi(None)], "vi 30", "a session without unpunished_rate_per_min"),
        ([crf(100), *[vi(10)] * 4, vi(10, completed=False)], "vi 30", "not completed"),
        ([crf(100), *[vi(1)] * 5], "vi 30", "where 5 or more is asked for"),
        ([*[vi(10)] * 4, crf(100), vi(10)], "vi 30", "1 of 5 sessions"),
        ([("test", {})], "crf", "starts with crf"),
    ],
)
def test_the_next_stage(history: list[tuple[str, dict[str, Any]]], stage: str, why: str) -> None:
    proposal = propose(PLAN, history)
    assert proposal.stage.name == stage
    assert why in proposal.why
    assert proposal.mastered is False


def test_the_last_stage_is_mastered_and_kept() -> None:
    proposal = propose(PLAN, [crf(100), vi(30), *[vi(rate) for rate in (10, 11, 9, 10, 12)]])
    assert proposal.stage.name == "vi 30"
    assert proposal.mastered is True


@given(st.lists(st.floats(0.1, 1000), min_size=1, max_size=8), st.floats(0.1, 100), st.floats(0.01, 0.9))
def test_stability_does_not_depend_on_the_unit(values: list[float], unit: float, within: float) -> None:
    spread = max(abs(value - sum(values) / len(values)) for value in values) / (sum(values) / len(values))
    if abs(spread - within) > 1e-9:
        assert stable([value * unit for value in values], within) == stable(values, within) == (spread <= within)


def test_a_ceiling_is_a_criterion_too() -> None:
    falling = Criterion(measure="punished_rate_per_min", at_most=2.0, n_sessions=2)
    assert judge(falling, [{"punished_rate_per_min": rate, "completed": True} for rate in (5, 2, 1)])[0]
    assert not judge(falling, [{"punished_rate_per_min": rate, "completed": True} for rate in (5, 2.1, 1)])[0]


def rat(ma: float, threshold_ma: float) -> float:
    """Suppression ratio of a rat that shock suppresses steadily."""
    return 0.5 / (1 + (ma / threshold_ma) ** 3)


@given(st.floats(0.08, 0.35))
def test_titration_reaches_its_target_and_stays_there(threshold_ma: float) -> None:
    titration = Titration(step_ma=0.02, tolerance=0.06)
    history: list[tuple[float, float | None]] = []
    for _ in range(60):
        step = titrate(titration, history)
        assert titration.min_ma <= step.shock_ma <= titration.max_ma
        assert not history or abs(step.shock_ma - history[-1][0]) <= titration.step_ma + 1e-9
        history.append((step.shock_ma, rat(step.shock_ma, threshold_ma)))
    assert titrate(titration, history).reached
    assert abs(float(history[-1][1] or 0) - 0.1) <= 0.06


@pytest.mark.parametrize(
    ("history", "shock_ma", "why"),
    [
        ([], 0.2, "starts at 0.2 mA"),
        ([(0.2, 0.4)], 0.25, "up from 0.2 to 0.25 mA: suppression ratio 0.4"),
        ([(0.2, 0.01)], 0.15, "down from 0.2 to 0.15 mA"),
        ([(0.2, 0.12)], 0.2, "stays at 0.2 mA: suppression ratio 0.12, target 0.1"),
        ([(0.2, None)], 0.2, "0 of 1 sessions with a ratio"),
        ([(0.8, 0.4)], 0.8, "the highest that the titration allows"),
        ([(0.05, 0.01)], 0.05, "the lowest that the titration allows"),
        ([(0.78, 0.4)], 0.8, "up from 0.78 to 0.8 mA"),
    ],
)
def test_each_step_says_why(history: list[tuple[float, float | None]], shock_ma: float, why: str) -> None:
    step = titrate(Titration(), history)
    assert step.shock_ma == shock_ma
    assert why in step.why


def test_a_current_is_kept_for_as_many_sessions_as_it_is_to_be_judged_by() -> None:
    titration = Titration(n_sessions=3)
    assert titrate(titration, [(0.3, 0.01), (0.2, 0.4), (0.2, 0.4)]).shock_ma == 0.2
    assert titrate(titration, [(0.2, 0.05), (0.2, 0.4), (0.2, None), (0.2, 0.4), (0.2, 0.01)]).shock_ma == 0.25


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('measure = "x"', "nothing to reach"),
        ('measure = "x"\nat_least = 3\nat_most = 2', r"at_least \(3\) must not be more than at_most \(2\)"),
        ('measure = "x"\nwithin = 0.2', "one session is always stable"),
    ],
)
def test_a_criterion_must_ask_for_something_that_can_be(text: str, what: str) -> None:
    with pytest.raises(BadFile, match=what):
        read_text(text, Criterion)


def test_plans_and_titrations_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(BadFile, match="in this order"):
        read_text("start_ma = 1.0", Titration)
    stage = '[[stages]]\nname = "a"\nparameters = "p"\ncriterion = { measure = "x", at_least = 1 }\n'
    with pytest.raises(BadFile, match="two stages are both 'a'"):
        read_text(f'paradigm = "geller_seifter"\n{stage}{stage}', TrainingPlan)
