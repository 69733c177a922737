"""Allocation is balanced, seeded, and keeps to the hours of a working day."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config import read, read_text
from behavior.config.shipped import shipped
from behavior.config.study import Study
from behavior.model.errors import BadFile
from behavior.study.plan import WORKING_DAY, plan

TEXT = shipped("configs", "studies", "first-light.toml").read_text(encoding="utf-8")
STUDY = read(shipped("configs", "studies", "first-light.toml"), Study)
MINUTES = {"conflict": 30.0, "vocalization": 1.5}


@given(st.integers(0, 2**31), st.integers(1, 8))
def test_each_block_holds_each_dose_once_and_each_animal_runs_once(seed: int, n_chambers: int) -> None:
    chambers = tuple("ABCDEFGH"[:n_chambers])
    planned = plan(STUDY, chambers, seed=seed, session_min=MINUTES)
    assert len({session.subject for session in planned}) == len(planned) == 50
    for arm in STUDY.arms:
        doses = [session.treatment.dose_mg_kg for session in planned if session.arm == arm]
        blocks = [doses[first : first + len(arm.doses_mg_kg)] for first in range(0, len(doses), len(arm.doses_mg_kg))]
        assert all(sorted(block) == sorted(arm.doses_mg_kg) for block in blocks)


def test_a_chamber_never_holds_two_and_days_end() -> None:
    planned = plan(STUDY, ("A", "B"), seed=1, session_min=MINUTES)
    for chamber in "AB":
        of_chamber = [session for session in planned if session.chamber == chamber]
        for one, other in pairwise(of_chamber):
            assert other.starts_at - one.starts_at >= timedelta(minutes=MINUTES[one.arm.name])
    by_day = {(session.starts_at.date()) for session in planned}
    assert len(by_day) > 1
    for session in planned:
        assert timedelta() <= session.starts_at - session.starts_at.replace(hour=9, minute=0, second=0) <= WORKING_DAY


@given(st.integers(0, 2**31), st.integers(2, 4))
def test_no_dose_stands_for_a_chamber(seed: int, n_chambers: int) -> None:
    planned = plan(STUDY, tuple("ABCD"[:n_chambers]), seed=seed, session_min=MINUTES)
    held = Counter((session.arm.name, session.treatment.dose_mg_kg, session.chamber) for session in planned)
    for arm in STUDY.arms:
        for dose in arm.doses_mg_kg:
            shares = [held[arm.name, dose, chamber] for chamber in "ABCD"[:n_chambers]]
            assert max(shares) - min(shares) <= 2
            assert max(shares) < arm.n_per_dose


def test_equal_seeds_plan_alike_and_others_do_not() -> None:
    plans = [plan(STUDY, ("A", "B"), seed=seed, session_min=MINUTES) for seed in (1, 1, 2)]
    assert plans[0] == plans[1] != plans[2]
    assert Counter(len(one) for one in plans) == {50: 3}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("[0, 1, 2.5, 5, 10]", "[0, -1, 3]", "arms.1.doses_mg_kg.2: must be 0.0 or more (is -1)"),
        ("[0, 1, 2.5, 5, 10]", "[1, 3, 10]", "arms.1: doses_mg_kg must hold 0, the vehicle; add it"),
        ("[0, 1, 2.5, 5, 10]", "[0, 1, 1]", "arms.1: doses_mg_kg holds a dose twice; name each once"),
        ("n_per_dose = 6", "n_per_dose = 1", "arms.1.n_per_dose: must be 2 or more (is 1)"),
        (
            'primary = "calling_time_s"',
            'primary = "suppression_ratio"',
            "arms.2: endpoints must hold 'suppression_ratio'",
        ),
        ('primary = "calling_time_s"', 'primary = "joy"', "arms.2.primary: 'joy' is no measure; choose one of"),
        ('name = "vocalization"', 'name = "conflict"', "two arms are both 'conflict'"),
        ("+00:00", "", "start: input should have timezone info"),
    ],
)
def test_what_is_wrong_with_a_study_is_said_with_its_key(old: str, new: str, problem: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_text(TEXT.replace(old, new, 1), Study, file="study.toml")
    assert str(caught.value.problems[0]).startswith(problem)
    assert len(caught.value.problems) == 1


def test_an_arm_is_allocated_the_same_whatever_stands_beside_it() -> None:
    """Sessions of one arm are drawn from the seed and the arm's name alone, so that an arm can be added to a study."""
    alone = STUDY.model_copy(update={"arms": STUDY.arms[1:]})
    together = [s for s in plan(STUDY, ("A", "B"), seed=5, session_min=MINUTES) if s.arm == STUDY.arms[1]]
    by_itself = plan(alone, ("A", "B"), seed=5, session_min=MINUTES)
    assert [(s.treatment, s.weight_g, s.seed, s.chamber) for s in together] == [
        (s.treatment, s.weight_g, s.seed, s.chamber) for s in by_itself
    ]


@given(st.integers(0, 2**31), st.integers(1, 4), st.floats(0.5, 600))
def test_the_clock_of_a_plan_goes_on_and_each_day_begins_when_the_study_says(
    seed: int, n_chambers: int, minutes: float
) -> None:
    planned = plan(STUDY, tuple("ABCD"[:n_chambers]), seed=seed, session_min=dict.fromkeys(MINUTES, minutes))
    starts = [session.starts_at for session in planned]
    assert starts == sorted(starts)
    assert starts[0] == STUDY.start
    first_of_day = {at.date(): at for at in reversed(starts)}
    assert {at.timetz() for at in first_of_day.values()} == {STUDY.start.timetz()}
    days = {arm.name: {s.starts_at.date() for s in planned if s.arm == arm} for arm in STUDY.arms}
    assert not days["conflict"] & days["vocalization"], "each arm begins on a day of its own"
    assert len({(session.chamber, session.starts_at) for session in planned}) == len(planned)


def test_animals_weigh_as_the_study_says_and_no_two_sessions_share_a_seed() -> None:
    planned = [s for seed in range(40) for s in plan(STUDY, ("A",), seed=seed, session_min=MINUTES)]
    weights = [session.weight_g / STUDY.animals.weight_g for session in planned]
    assert fmean(weights) == pytest.approx(1, abs=4 * 0.04 / len(weights) ** 0.5)
    assert stdev(weights) == pytest.approx(0.04, rel=0.1)
    assert len({session.seed for session in planned}) == len(planned)


def test_chance_has_no_favourite_order_of_doses() -> None:
    """The first animal of an arm gets each of its five doses as often: chi-square(4) of 600 plans below its 99.99 %."""
    n = 600
    firsts = Counter(plan(STUDY, ("A",), seed=seed, session_min=MINUTES)[0].treatment.dose_mg_kg for seed in range(n))
    expected = n / len(STUDY.arms[0].doses_mg_kg)
    assert sum((firsts[dose] - expected) ** 2 / expected for dose in STUDY.arms[0].doses_mg_kg) < 23.5
