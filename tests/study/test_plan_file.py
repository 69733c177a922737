"""The plan as a file: read back as it was written, every fault in it at once, and sessions held against it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadFile
from behavior.study.dataset import read_dataset
from behavior.study.plan import PLAN_FILE, PlanRow, read_plan, write_plan
from behavior.summary.per_dose import summarize_arms
from behavior.summary.records_text import arrive
from study.datasets import given as treatment_of
from study.datasets import write_conflict, write_session
from study.designs import open_design

HEAD = "subject,arm,dose_mg_kg,blind_code,chamber,starts_at,allocation_seed"
RATES = {0.0: [1.0, 2.0], 1.0: [3.0, 4.0]}
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)


def row(subject: str, dose: float | None = 0.0, code: str | None = None, arm: str = "conflict", seed: int = 7):
    return PlanRow(subject, arm, dose, code, "A", "2026-03-02T09:00:00+00:00", seed)


AS_RUN = [row("R01"), row("R02"), row("R03", 1.0), row("R04", 1.0)]


@given(
    st.lists(
        st.builds(PlanRow, WORDS, WORDS, st.floats(0, 1e9), st.none(), WORDS, WORDS, st.integers(-(2**63), 2**63))
        | st.builds(PlanRow, WORDS, WORDS, st.none(), WORDS, WORDS, WORDS, st.integers(0, 9)),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=60)
def test_a_plan_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, rows: list[PlanRow]) -> None:
    path = tmp_path_factory.mktemp("plan") / PLAN_FILE
    write_plan(rows, path)
    assert read_plan(path) == tuple(rows)


def test_a_study_becomes_one_row_a_session_with_the_seed_that_makes_it_again(tmp_path: Path) -> None:
    made = open_design(11)
    write_plan(made, tmp_path / PLAN_FILE)
    rows = read_plan(tmp_path / PLAN_FILE)
    assert len(rows) == 50
    assert rows[0].allocation_seed == 11
    assert rows == open_design(rows[0].allocation_seed) != open_design(12)


def test_spreadsheets_may_have_saved_it(tmp_path: Path) -> None:
    """With a byte order mark, Windows line ends, another order of columns, one more, and spaces."""
    path = tmp_path / PLAN_FILE
    text = (
        "remark,allocation_seed,starts_at,chamber,blind_code,dose_mg_kg,arm,subject\r\nx,7,, A ,, 2.50 ,conflict,R1\r\n"
    )
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert read_plan(path) == (PlanRow("R1", "conflict", 2.5, None, "A", "", 7),)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (",conflict,0,,A,,1", "line 2, subject: is empty"),
        ("R1,,0,,A,,1", "line 2, arm: is empty"),
        ("R1,conflict,much,,A,,1", "line 2, dose_mg_kg: must be a dose of 0 or more (is 'much')"),
        ("R1,conflict,-1,,A,,1", "line 2, dose_mg_kg: must be a dose of 0 or more (is '-1')"),
        ("R1,conflict,nan,,A,,1", "line 2, dose_mg_kg: must be a dose of 0 or more (is 'nan')"),
        ("R1,conflict,inf,,A,,1", "line 2, dose_mg_kg: must be a dose of 0 or more (is 'inf')"),
        ("R1,conflict,1,K7,A,,1", "line 2, blind_code: stands for the dose; leave one of them empty"),
        ("R1,conflict,,,A,,1", "line 2, dose_mg_kg: is empty, and so is blind_code"),
        ("R1,conflict,0,,A,,1.5", "line 2, allocation_seed: must be a whole number (is '1.5')"),
        ("R1,conflict,0,,A,,²", "line 2, allocation_seed: must be a whole number (is '²')"),
        ("R1,conflict,0,,A,,1,2", "line 2, row: has more cells than there are columns"),
        ("R1,conflict,0", "line 2, allocation_seed: must be a whole number (is '')"),
    ],
)
def test_a_row_that_plans_nothing_is_told_with_line_and_column(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / PLAN_FILE).write_text(f"{HEAD}\n{line}\n", encoding="utf-8")
    with pytest.raises(BadFile) as caught:
        read_plan(tmp_path / PLAN_FILE)
    assert [str(one)[: len(problem)] for one in caught.value.problems] == [problem]


def test_all_problems_of_a_plan_come_at_once(tmp_path: Path) -> None:
    path = tmp_path / PLAN_FILE
    path.write_text(f"{HEAD}\n,conflict,x,,A,,1\nR2,conflict,0,,A,,1\nR3,,0,,A,,one\n")
    with pytest.raises(BadFile) as caught:
        read_plan(path)
    assert [one.key for one in caught.value.problems] == [
        "line 2, subject", "line 2, dose_mg_kg", "line 4, arm", "line 4, allocation_seed",
    ]  # fmt: skip
    path.write_text("subject,arm\nR1,conflict\n")
    with pytest.raises(BadFile, match="5 problems") as caught:
        read_plan(path)
    assert {one.what for one in caught.value.problems} == {"this column is missing; add it"}


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe\x00s", b'subject,arm\n"R1', HEAD.encode()],
    ids=["empty", "not UTF-8", "torn", "only a head"],
)
def test_what_is_no_plan_is_refused_and_not_passed_over(tmp_path: Path, content: bytes) -> None:
    dataset = write_conflict(tmp_path / "data", RATES)
    (dataset / PLAN_FILE).write_bytes(content)
    with pytest.raises(BadFile, match=PLAN_FILE):
        read_dataset(dataset)


# -- sessions against the plan ----------------------------------------------------------------------------------------


def warned(dataset: Path, rows: Sequence[PlanRow]) -> list[str]:
    write_plan(rows, dataset / PLAN_FILE)
    found = read_dataset(dataset)
    assert found.plan == tuple(rows)
    return [warning for warning in found.warnings if PLAN_FILE in warning]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_conflict(tmp_path / "data", RATES)


def test_sessions_as_planned_are_not_warned_of(dataset: Path) -> None:
    assert warned(dataset, AS_RUN) == []
    assert read_dataset(dataset).warnings == ()


def test_an_unknown_subject_is_named_with_its_session(dataset: Path) -> None:
    (warning,) = warned(dataset, AS_RUN[1:])
    assert warning.startswith("sub-R01/ses-")
    assert "subject R01 is not in plan.csv; correct the records, or say in plan.csv what was changed" in warning


def test_a_dose_that_is_not_the_planned_one_is_told_with_both(dataset: Path) -> None:
    (warning,) = warned(dataset, [row("R01", 0.3), *AS_RUN[1:]])
    assert "R01 got 0 mg/kg, and plan.csv has 0.3 mg/kg" in warning
    assert len(read_dataset(dataset).analysed) == 4, "a check warns, and changes nothing"


def test_one_subject_may_be_planned_at_several_doses(dataset: Path) -> None:
    (missing,) = warned(dataset, [*AS_RUN, row("R01", 1.0)])
    assert missing.startswith("1 of 5 sessions of plan.csv are missing (R01)")
    warning, _ = warned(dataset, [*AS_RUN[1:], row("R01", 1.0), row("R01", 3.0)])
    assert "plan.csv has 1 or 3 mg/kg" in warning


def test_a_subject_in_another_arm_is_told(dataset: Path) -> None:
    (warning,) = warned(dataset, [row("R01", arm="vocalization"), *AS_RUN[1:]])
    assert "plan.csv has subject R01 in arm vocalization, not in conflict" in warning


def test_a_session_that_is_left_out_is_held_against_the_plan_too(dataset: Path) -> None:
    next((dataset / "sub-R01").glob("ses-*/score.json")).unlink()
    assert len(warned(dataset, AS_RUN[1:])) == 1


def test_codes_are_compared_with_codes_and_never_with_doses(tmp_path: Path) -> None:
    for subject, code in (("R1", "K7"), ("R2", "M3")):
        treatment = treatment_of(None, compound=None, vehicle=None, blind_code=code)
        write_session(tmp_path, subject, None, {"punished_rate_per_min": 1.0}, treatment=treatment)
    assert warned(tmp_path, [row("R1", None, "K7"), row("R2", 3.0)]) == []
    (warning,) = warned(tmp_path, [row("R1", None, "K8"), row("R2", None, "M3")])
    assert "R1 stands under code K7, and plan.csv has K8" in warning


def test_a_plan_under_codes_says_nothing_of_the_doses_that_were_given(dataset: Path) -> None:
    assert warned(dataset, [row(one.subject, None, "K7") for one in AS_RUN]) == []


def test_a_dose_that_a_file_wrote_otherwise_is_the_same_dose(dataset: Path) -> None:
    write_plan(AS_RUN, dataset / PLAN_FILE)
    text = (
        (dataset / PLAN_FILE).read_text().replace("conflict,0.0", "conflict,0").replace("conflict,1.0", "conflict,1e0")
    )
    (dataset / PLAN_FILE).write_text(text)
    assert read_dataset(dataset).warnings == ()


def test_the_seed_of_the_allocation_is_told_among_the_arrive_items(dataset: Path) -> None:
    write_plan(AS_RUN, dataset / PLAN_FILE)
    found = read_dataset(dataset)
    item = next(one for one in arrive(found, summarize_arms(found)) if one.item == "4 Randomisation")
    assert item.said.endswith("(plan.csv), drawn with seed 7.")
    assert item.missing == ""


def test_a_plan_changes_no_table(dataset: Path) -> None:
    """But for what only the plan knows: the stage of a session."""
    before = read_dataset(dataset).sessions.drop(columns="stage")
    write_plan(AS_RUN[:1], dataset / PLAN_FILE)
    after = read_dataset(dataset).sessions
    assert json.loads(after.drop(columns="stage").to_json()) == json.loads(before.to_json())
    assert after["stage"].dropna().tolist() == ["test"]
