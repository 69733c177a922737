"""Warnings that need to know how a study was designed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from behavior.config import read
from behavior.config.study import Study
from behavior.study.dataset import read_dataset
from behavior.study.unblind import unblind
from study.datasets import given, write_session
from study.designs import ARM, CHRONIC, GROUPS, KINDS, PAIRS, PASSPHRASE, WITHIN, run_all, write_designed

MEASURES = {"punished_rate_per_min": 1.0}
BASELINE = WITHIN.replace(
    "washout_days = 3",
    'washout_days = 3\ndays = [4]\nstages = [{ name = "baseline", paradigm = "geller_seifter", days = [1, 2, 3] }]',
)


def finished(folder: Path, arm: str, **run: Any) -> Path:
    write_designed(folder, arm)
    run_all(folder, **run)
    unblind(folder, PASSPHRASE, read(folder / "study.toml", Study), who="me", reason="")
    return folder


def warnings_of(folder: Path) -> list[str]:
    return list(read_dataset(folder).warnings)


@pytest.mark.parametrize("kind", KINDS)
def test_a_study_that_ran_as_it_was_designed_is_not_warned_of(tmp_path: Path, kind: str) -> None:
    """Sessions a few hours apart are the one thing that many animals in two chambers cannot help."""
    found = [one for one in warnings_of(finished(tmp_path / "data", KINDS[kind])) if "sessions started from" not in one]
    assert found == []


def test_sessions_of_the_plan_that_are_missing_are_told_while_it_is_blind(tmp_path: Path) -> None:
    folder = write_designed(tmp_path / "data", GROUPS)
    rows = run_all(folder)
    gone = next(row for row in rows if row.stage == "induction")
    session = next(
        path.parent for path in folder.rglob("header.json") if gone.subject in str(path) and "induction" in str(path)
    )
    for path in session.iterdir():
        path.unlink()
    (warning,) = [one for one in warnings_of(folder) if "are missing" in one]
    assert warning.startswith(f"1 of {len(rows)} sessions of plan.csv are missing ({gone.subject} (induction))")


def unstable(row: Any) -> dict[str, float]:
    if row.stage == "baseline" and row.subject == "W02":
        return {"punished_rate_per_min": 1.0, "unpunished_rate_per_min": 10.0 * row.day}
    return {"punished_rate_per_min": 1.0, "unpunished_rate_per_min": 20.0 + row.day}


def test_a_baseline_that_is_not_stable_is_told_by_its_animal(tmp_path: Path) -> None:
    (warning,) = [
        one for one in warnings_of(finished(tmp_path / "data", BASELINE, measured=unstable)) if "stable" in one
    ]
    assert warning.startswith("arm conflict: the baseline of W02 is not stable (unpunished_rate_per_min of the last 3")


def loose(folder: Path, subject: str, dose: float, **header: object) -> None:
    write_session(folder, subject, dose, MEASURES, **{"arm": None, "study": None} | header)


def test_an_order_that_goes_with_the_dose_is_warned_of(tmp_path: Path) -> None:
    for subject in ("R1", "R2"):
        loose(tmp_path, subject, 0.0, started_at="2026-03-02T09:00:00+00:00")
        loose(tmp_path, subject, 1.0, started_at="2026-03-05T09:00:00+00:00")
    found = [one for one in warnings_of(tmp_path) if one.startswith("order goes with dose")]
    assert [one.split(";")[0] for one in found] == [
        "order goes with dose: 0 mg/kg was session 1 of every animal",
        "order goes with dose: 1 mg/kg was session 2 of every animal",
    ]


def test_an_order_that_is_crossed_over_is_not(tmp_path: Path) -> None:
    for subject, days in (("R1", "25"), ("R2", "52")):
        for dose, day in zip((0.0, 1.0), days, strict=True):
            loose(tmp_path, subject, dose, started_at=f"2026-03-0{day}T09:00:00+00:00")
    assert not any("order goes with dose" in one for one in warnings_of(tmp_path))


def test_one_animal_at_a_dose_is_said(tmp_path: Path) -> None:
    for subject, dose in (("R1", 0.0), ("R2", 0.0), ("R3", 1.0)):
        loose(tmp_path, subject, dose)
    assert any(
        one.startswith("1 mg/kg stands on one experimental unit, which has no spread") for one in warnings_of(tmp_path)
    )


def test_a_subject_in_two_groups_of_a_study_between_subjects_is_said(tmp_path: Path) -> None:
    from study.datasets import STUDY

    (tmp_path / "study.toml").write_text(STUDY.format(doses=[0.0, 1.0], n=2))
    for subject, dose in (("R1", 0.0), ("R2", 0.0), ("R1", 1.0), ("R3", 1.0)):
        write_session(tmp_path, subject, dose, MEASURES, treatment=given(dose))
    assert any(
        "R1 stand in more than one group, and the study is between subjects" in one for one in warnings_of(tmp_path)
    )


def test_doses_of_one_cage_are_warned_of_unless_the_cage_is_the_unit(tmp_path: Path) -> None:
    folder = finished(tmp_path / "data", CHRONIC)
    assert not any("cage goes with dose" in one for one in warnings_of(folder))
    open_plan = write_designed(tmp_path / "open", ARM.replace("n_per_dose = 4", "n_per_dose = 2"), blind=False)
    plan = (open_plan / "plan.csv").read_text().splitlines()
    columns = plan[0].split(",")
    rows = [dict(zip(columns, line.split(","), strict=True)) for line in plan[1:]]
    for row in rows:
        row["cage"] = f"of {row['dose_mg_kg']}"
    (open_plan / "plan.csv").write_text("\n".join([plan[0], *(",".join(row.values()) for row in rows)]) + "\n")
    run_all(open_plan)
    found = [one for one in warnings_of(open_plan) if "cage goes with dose" in one]
    assert len(found) == 3
    assert "all animals at 0 mg/kg live in of 0.0" in found[0]


def test_a_pair_is_one_unit_and_so_is_a_cage(tmp_path: Path) -> None:
    pairs = read_dataset(finished(tmp_path / "pairs", PAIRS)).sessions
    assert pairs["unit"].nunique() == len(pairs) == 9
    cages = read_dataset(finished(tmp_path / "cages", CHRONIC)).sessions
    assert (cages["unit"].nunique(), cages["subject"].nunique(), len(cages)) == (9, 18, 72)
    assert cages.groupby("unit")["dose_mg_kg"].nunique().eq(1).all(), "a cage drinks one thing"
