"""A study is laid out balanced, seeded, and within the hours of a working day, by the one allocator that there is."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from statistics import fmean, stdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.config import read_text
from behavior.config.shipped import shipped
from behavior.config.study import Study
from behavior.model.errors import BadFile
from behavior.study.allocate import allocate
from behavior.study.blinding import planned_sessions
from behavior.study.plan import WORKING_DAY, PlanRow
from behavior.study.subjects import Unit, simulated
from study.designs import FIRST_LIGHT as STUDY
from study.designs import MINUTES, open_design

TEXT = shipped("configs", "studies", "first-light.toml").read_text(encoding="utf-8")
SEEDS = st.integers(0, 2**31)


def starts(rows: tuple[PlanRow, ...]) -> list[datetime]:
    return [datetime.fromisoformat(row.starts_at) for row in rows]


@given(SEEDS, st.integers(1, 8))
@settings(max_examples=15)
def test_each_dose_is_dealt_as_often_as_planned_and_each_animal_runs_once(seed: int, n_chambers: int) -> None:
    rows = open_design(seed, chambers=tuple("ABCDEFGH"[:n_chambers]))
    assert len({row.subject for row in rows}) == len(rows) == 50
    for arm in STUDY.arms:
        held = Counter(row.dose_mg_kg for row in rows if row.arm == arm.name)
        assert held == dict.fromkeys(arm.doses_mg_kg, arm.n_per_dose)


def test_a_chamber_never_holds_two_and_days_end() -> None:
    rows = open_design(1)
    for chamber in "AB":
        of_chamber = tuple(row for row in rows if row.chamber == chamber)
        for one, at, other in zip(of_chamber, starts(of_chamber), starts(of_chamber)[1:], strict=False):
            assert other - at >= timedelta(minutes=MINUTES[one.arm])
    assert len({at.date() for at in starts(rows)}) > 1
    for at in starts(rows):
        assert timedelta() <= at - at.replace(hour=9, minute=0, second=0) <= WORKING_DAY


@given(SEEDS, st.integers(2, 4))
@settings(max_examples=15)
def test_no_dose_stands_for_a_chamber(seed: int, n_chambers: int) -> None:
    rows = open_design(seed, chambers=tuple("ABCD"[:n_chambers]))
    held = Counter((row.arm, row.dose_mg_kg, row.chamber) for row in rows)
    for arm in STUDY.arms:
        for dose in arm.doses_mg_kg:
            shares = [held[arm.name, dose, chamber] for chamber in "ABCD"[:n_chambers]]
            assert max(shares) - min(shares) <= 2
            assert max(shares) < arm.n_per_dose


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
    one, other = STUDY.arms[0], STUDY.model_copy(update={"arms": STUDY.arms[:1]})
    plans = [(study, open_design(5, study), simulated(study, 5)) for study in (STUDY, other)]
    together, alone = (
        [
            (s.subject, s.treatment, s.weight_g, s.seed, s.chamber)
            for s in planned_sessions(study, rows, animals, None, seed=5)
            if s.arm == one
        ]
        for study, rows, animals in plans
    )
    assert together == alone
    assert len(alone) == 30


@given(SEEDS, st.integers(1, 4), st.floats(0.5, 400))
@settings(max_examples=15)
def test_the_clock_of_a_plan_goes_on_and_each_day_begins_when_the_study_says(
    seed: int, n_chambers: int, minutes: float
) -> None:
    rows = open_design(seed, chambers=tuple("ABCD"[:n_chambers]), minutes=minutes)
    when = starts(rows)
    assert when == sorted(when)
    assert when[0] == STUDY.start
    first_of_day = {at.date(): at for at in reversed(when)}
    assert {at.timetz() for at in first_of_day.values()} == {STUDY.start.timetz()}
    days = {
        arm.name: {at.date() for row, at in zip(rows, when, strict=True) if row.arm == arm.name} for arm in STUDY.arms
    }
    assert not days["conflict"] & days["vocalization"], "each arm begins on a day of its own"
    assert len({(row.chamber, row.starts_at) for row in rows}) == len(rows)


def test_animals_weigh_as_the_study_says_and_no_two_sessions_share_a_seed() -> None:
    weights = [one.weight_g / STUDY.animals.weight_g for seed in range(40) for one in simulated(STUDY, seed)]
    assert fmean(weights) == pytest.approx(1, abs=4 * 0.04 / len(weights) ** 0.5)
    assert stdev(weights) == pytest.approx(0.04, rel=0.1)
    rows, animals = open_design(3), simulated(STUDY, 3)
    planned = planned_sessions(STUDY, rows, animals, None, seed=3)
    assert len({session.seed for session in planned}) == len(planned) == 50


def test_chance_has_no_favourite_order_of_doses() -> None:
    """The first animal of an arm gets each of its five doses as often: chi-square(4) of 150 plans below its 99.99 %."""
    arm, n = STUDY.arms[0].model_copy(update={"n_per_dose": 2}), 150
    study = STUDY.model_copy(update={"arms": (arm,)})
    units = [Unit(one.subject, (one,)) for one in simulated(study, 1)]
    firsts = Counter(allocate(arm, units, 1, seed)[0].cells[0][1] for seed in range(n))
    expected = n / len(arm.doses_mg_kg)
    assert sum((firsts[dose] - expected) ** 2 / expected for dose in arm.doses_mg_kg) < 23.5
