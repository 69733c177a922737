"""A start that is not as planned is noticed, whatever of it: who, where, what, under which code or dose."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.config.squad import Start
from behavior.study.deviations import deviations
from behavior.study.plan import PLAN_FILE, PlanRow, read_plan
from behavior.study.squads import start_of
from study.designs import run_all, write_designed


def rows(data: Path) -> list[PlanRow]:
    return list(read_plan(data / PLAN_FILE))


def as_planned(data: Path, row: PlanRow) -> Start:
    from behavior.app.records import designed_study

    return start_of(row, designed_study(data), data)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_designed(tmp_path / "data")


def test_what_is_planned_differs_in_nothing(data: Path) -> None:
    assert [row for row in rows(data) if deviations(data, as_planned(data, row))] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"subject": "R99"}, "subject R99 is not in it; it has W"),
        ({"chamber": "Z"}, "it has chamber "),
        ({"paradigm": "shuttle_escape"}, "it has paradigm geller_seifter for "),
        ({"blind_code": "NONE"}, "NONE is not the code that it has for "),
        ({"blind_code": None, "dose_mg_kg": 1.0}, "under a code, and no code was given"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_thing_that_differs_is_said(data: Path, change: dict[str, object], says: str) -> None:
    row = rows(data)[0]
    (said,) = deviations(data, as_planned(data, row).model_copy(update=change))
    assert says in said
    assert row.blind_code is not None
    assert row.blind_code not in said, "a code is read from the syringe"


def test_the_code_of_another_animal_is_noticed(data: Path) -> None:
    one, other = rows(data)[:2]
    (said,) = deviations(data, as_planned(data, one).model_copy(update={"blind_code": other.blind_code}))
    assert said == f"{other.blind_code} is not the code that it has for {one.subject}"


def test_an_open_plan_names_its_dose(tmp_path: Path) -> None:
    data = write_designed(tmp_path / "open", blind=False)
    row = next(row for row in rows(data) if row.dose_mg_kg == 3)
    start = as_planned(data, row)
    assert deviations(data, start) == ()
    (said,) = deviations(data, start.model_copy(update={"dose_mg_kg": 1.0}))
    assert said == f"it has 3 mg/kg for {start.subject}, not 1"
    assert deviations(data, start.model_copy(update={"blind_code": "K7", "dose_mg_kg": None})) == (
        f"it has no code for {start.subject}",
    )


def test_what_was_run_is_not_run_again_unseen(data: Path) -> None:
    run_all(data)
    row = rows(data)[0]
    assert deviations(data, as_planned(data, row)) == (f"every session that it has for {row.subject} was run",)


def test_without_a_plan_there_is_nothing_to_differ_from(tmp_path: Path) -> None:
    assert deviations(tmp_path, Start(chamber="A", subject="R1", paradigm="geller_seifter")) == ()
