"""Warnings that a careful reader expects: each is found where it is true, and only there."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from behavior.study.checks import _clock, _hour
from behavior.study.dataset import read_dataset
from study.datasets import given, write_conflict, write_session

RATES = {0.0: [1.0, 2.0, 3.0, 1.5], 1.0: [2.0, 3.0, 4.0, 2.5]}
MEASURES = {"punished_rate_per_min": 1.0}


def warnings_of(path: Path) -> list[str]:
    return list(read_dataset(path).warnings)


def test_a_balanced_study_has_none(tmp_path: Path) -> None:
    assert warnings_of(write_conflict(tmp_path / "data", RATES)) == []


def test_missing_sessions_are_counted_per_dose_against_the_plan(tmp_path: Path) -> None:
    found = warnings_of(write_conflict(tmp_path / "data", RATES, n=5))
    assert [warning.split(";")[0] for warning in found] == [
        "arm conflict: 4 of 5 planned sessions at 0 mg/kg (saline)",
        "arm conflict: 4 of 5 planned sessions at 1 mg/kg",
    ]


def test_more_sessions_than_planned_are_said(tmp_path: Path) -> None:
    found = warnings_of(write_conflict(tmp_path / "data", RATES, n=3))
    assert "arm conflict: 4 sessions at 1 mg/kg, 3 were planned" in found[1]


def test_unequal_n_is_said_with_every_n(tmp_path: Path) -> None:
    found = warnings_of(write_conflict(tmp_path / "data", {0.0: [1.0, 2.0], 1.0: [2.0, 3.0, 4.0]}))
    assert any("0 mg/kg n = 2, 1 mg/kg n = 3" in warning for warning in found)


def loose(tmp_path: Path, subject: str, dose: float, **header: object) -> None:
    write_session(tmp_path, subject, dose, MEASURES, **{"arm": None, "study": None} | header)


def test_animals_with_several_doses_or_sessions_are_named(tmp_path: Path) -> None:
    loose(tmp_path, "R1", 0.0)
    loose(tmp_path, "R1", 1.0)
    loose(tmp_path, "R2", 0.0)
    loose(tmp_path, "R2", 0.0)
    loose(tmp_path, "R3", 1.0)
    found = warnings_of(tmp_path)
    assert any(warning.startswith("R1 had more than one dose") for warning in found)
    assert any(warning.startswith("R2 had more than one session at a dose") for warning in found)


@pytest.mark.parametrize(("last", "warned"), [("14:59", False), ("15:30", True)])
def test_sessions_spread_over_the_day_are_warned_of(tmp_path: Path, last: str, warned: bool) -> None:
    for k, (dose, at) in enumerate([(0.0, "09:00"), (1.0, "09:00"), (0.0, last), (1.0, last)]):
        loose(tmp_path, f"R{k}", dose, started_at=f"2026-03-02T{at}:00+00:00")
    assert any("sessions started from 09:00" in warning for warning in warnings_of(tmp_path)) is warned


def test_time_of_day_that_goes_with_dose_is_warned_of(tmp_path: Path) -> None:
    for k, (dose, at) in enumerate([(0.0, "09:00"), (0.0, "10:00"), (1.0, "12:00"), (1.0, "13:00")]):
        loose(tmp_path, f"R{k}", dose, started_at=f"2026-03-0{k + 1}T{at}:00+00:00")
    (found,) = warnings_of(tmp_path)
    assert found.startswith("time of day goes with dose: on average 0 mg/kg started at 09:30 and 1 mg/kg at 12:30")


def test_the_time_of_day_is_that_of_the_laboratory(tmp_path: Path) -> None:
    for k, (dose, at) in enumerate([(0.0, "09:00:00+01:00"), (1.0, "09:00:00+02:00"), (0.0, "09:10:00+09:00")]):
        loose(tmp_path, f"R{k}", dose, started_at=f"2026-03-02T{at}")
    assert not any("time of day" in warning or "started from" in warning for warning in warnings_of(tmp_path))


def test_a_start_that_is_no_time_is_said(tmp_path: Path) -> None:
    loose(tmp_path, "R1", 0.0, started_at="yesterday")
    loose(tmp_path, "R2", 1.0)
    assert any("no date and time" in warning for warning in warnings_of(tmp_path))


def test_a_dose_that_ran_in_one_chamber_only_is_warned_of(tmp_path: Path) -> None:
    for k, (dose, chamber) in enumerate([(0.0, "A"), (0.0, "A"), (1.0, "A"), (1.0, "B")]):
        loose(tmp_path, f"R{k}", dose, chamber=chamber)
    (found,) = warnings_of(tmp_path)
    assert found.startswith("chamber goes with dose: all 2 sessions at 0 mg/kg ran in A")


def test_one_chamber_for_all_is_no_confounding(tmp_path: Path) -> None:
    for k, dose in enumerate([0.0, 0.0, 1.0, 1.0]):
        loose(tmp_path, f"R{k}", dose, chamber="A")
    assert warnings_of(tmp_path) == []


def test_several_versions_of_the_program_are_said(tmp_path: Path) -> None:
    loose(tmp_path, "R1", 0.0)
    loose(tmp_path, "R2", 1.0, software="behavior 0.2.0")
    assert any("behavior 0.1.0 and behavior 0.2.0" in warning for warning in warnings_of(tmp_path))


def test_blinded_sessions_are_not_counted_as_missing(tmp_path: Path) -> None:
    write_conflict(tmp_path / "data", RATES, n=5)
    for k in range(2):
        coded = given(None, compound=None, vehicle=None, blind_code=f"K{k}")
        write_session(tmp_path / "data", f"B{k}", None, MEASURES, treatment=coded)
    assert not any("planned sessions" in warning for warning in warnings_of(tmp_path / "data"))


@hypothesis.given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))
def test_a_time_of_day_is_said_as_a_clock_shows_it(at: datetime) -> None:
    said = _clock(_hour(at.isoformat()))
    assert abs(datetime.strptime(said, "%H:%M") - at.replace(1900, 1, 1)) <= timedelta(minutes=1)
