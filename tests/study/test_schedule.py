"""Sessions are laid into chambers and days; a session stands under the last treatment before it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from behavior.model.errors import BadInput
from behavior.study.plan import WORKING_DAY
from study.designs import ARM, CHRONIC, GROUPS, KINDS, PAIRS, WITHIN, designed


def times(rows):
    return [datetime.fromisoformat(row.starts_at) for row in rows]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_chambers", [1, 3])
def test_a_chamber_never_holds_two_and_a_day_ends(kind: str, n_chambers: int) -> None:
    rows = designed(KINDS[kind], chambers=tuple("ABC"[:n_chambers])).rows
    by_chamber = defaultdict(list)
    for row, at in zip(rows, times(rows), strict=True):
        by_chamber[row.chamber].append(at)
    for own in by_chamber.values():
        assert all(b - a >= timedelta(minutes=20) for a, b in pairwise(sorted(own)))
    for at in times(rows):
        begin = at.replace(hour=9, minute=0)
        assert timedelta() <= at - begin <= WORKING_DAY
    busy = Counter((row.subject, row.starts_at) for row in rows)
    assert max(busy.values()) == 1, "nobody is in two sessions at once"


@pytest.mark.parametrize("kind", ["within", "chronic", "groups"])
def test_a_unit_keeps_its_chamber_and_its_time_of_day(kind: str) -> None:
    rows = designed(KINDS[kind]).rows
    for subject in {row.subject for row in rows}:
        own = [row for row in rows if row.subject == subject and row.stage == "test"]
        assert len({row.chamber for row in own}) == 1
        assert len({row.starts_at[11:] for row in own}) == 1


def test_washout_lies_between_the_doses_of_a_crossover() -> None:
    rows = designed(WITHIN).rows
    own = sorted((row for row in rows if row.subject == rows[0].subject), key=lambda row: row.starts_at)
    assert [row.period for row in own] == [1, 2, 3]
    assert [row.day for row in own] == [1, 4, 7]
    assert [b - a for a, b in pairwise(times(own))] == [timedelta(days=3)] * 2


def test_chronic_tests_are_on_their_days_and_cages_get_a_bottle_for_each() -> None:
    made = designed(CHRONIC)
    own = [row for row in made.rows if row.subject == made.rows[0].subject]
    first = times(own)[0].date()
    assert [(at.date() - first).days + 1 for at in times(own)] == [1, 8, 15, 20]
    assert {(one.day, (datetime.fromisoformat(one.until) - datetime.fromisoformat(one.at)).days) for one in
            made.administrations} == {(0, 1), (1, 7), (8, 7), (15, 5)}  # fmt: skip
    assert len(made.administrations) == 9 * 4, "a bottle a cage"
    codes = defaultdict(set)
    for row in made.rows:
        codes[row.blind_code].add((row.unit, row.day))
    assert all(len(places) == 1 for places in codes.values()), "a code is one cage's bottle of one test"


def test_a_session_before_every_treatment_is_untreated_and_no_secret() -> None:
    rows = designed(GROUPS).rows
    induction = [row for row in rows if row.stage == "induction"]
    assert all((row.untreated, row.blind_code, row.dose_mg_kg) == ("yes", None, 0.0) for row in induction)
    assert all(row.blind_code and row.dose_mg_kg is None for row in rows if row.stage == "test")


def test_a_session_stands_under_the_last_treatment_before_it() -> None:
    made = designed(GROUPS)
    under = {one.code: one for one in made.administrations}
    for row in (row for row in made.rows if row.stage == "test"):
        given = under[row.blind_code]
        own = [one.at for one in made.administrations if one.subjects == given.subjects and one.at <= row.starts_at]
        assert given.at == max(own)
        assert row.subject in given.subjects


def test_both_of_a_pair_get_the_same_under_one_code() -> None:
    made = designed(PAIRS)
    assert len(made.rows) == 9
    for row, given in zip(made.rows, made.administrations, strict=True):
        assert row.subject == "+".join(given.subjects)
        assert row.blind_code == given.code
        assert datetime.fromisoformat(row.starts_at) - datetime.fromisoformat(given.at) == timedelta(minutes=30)


def test_cohorts_of_several_days_never_meet() -> None:
    """Too many for one chamber: cohorts follow each other, and no day holds more than it can."""
    arm = ARM.replace("n_per_dose = 4", "n_per_dose = 12\ndays = [1, 2, 4]")
    rows = designed(arm, chambers=("A",)).rows
    by_day = Counter(row.starts_at[:10] for row in rows)
    assert max(by_day.values()) <= 17
    assert len(rows) == 36 * 3
    for row_of in {row.subject for row in rows}:
        days = [at.date() for at in times([row for row in rows if row.subject == row_of])]
        assert [(day - days[0]).days for day in sorted(days)] == [0, 1, 3]


def test_a_day_that_is_too_short_is_said() -> None:
    from behavior.study.blinding import design
    from study.designs import animals_for, study_of

    study = study_of()
    with pytest.raises(BadInput, match="its sessions of one day last 510 min; a day has 480 min"):
        design(study, animals_for(study), {"conflict": ("A",)}, {"conflict": {"test": 500.0}}, seed=2**70)
