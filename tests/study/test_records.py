"""What people write down is the sum of its entries in the log; what is missing is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from behavior.config import read
from behavior.config.study import Study
from behavior.model.errors import BadFile, BadInput
from behavior.study.audit import read_audit
from behavior.study.dataset import read_dataset
from behavior.study.dosing import codes_of
from behavior.study.plan import read_plan
from behavior.study.records import Records, missing_records, read_sheet, record_sheet, records_of
from study.designs import CHRONIC, designed, run_all, write_designed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_designed(tmp_path / "data")


def put(folder: Path, text: str, reason: str = "", blind: bool = True) -> int:
    sheet = folder.parent / "sheet.csv"
    sheet.write_text(text)
    return record_sheet(folder, sheet, blind=blind, codes=codes_of(folder), who="AB", reason=reason)


def code_of(folder: Path) -> str:
    return codes_of(folder)[0]


def test_records_are_the_sum_of_their_entries(folder: Path) -> None:
    code = code_of(folder)
    assert put(folder, f"blind_code,given_at,given_by\n{code},09:05,AB\n") == 2
    assert put(folder, f"blind_code,given_volume_ml,given_by\n{code},0.5,AB\n") == 1
    assert put(folder, f"blind_code,given_at\n{code},09:15\n", reason="misread") == 1
    kept = records_of(read_audit(folder)).administrations
    assert kept[code] == {"given_at": "09:15", "given_by": "AB", "given_volume_ml": "0.5"}
    assert read_audit(folder).entries[-1].old == {"given_at": "09:05"}


def test_an_empty_cell_takes_nothing_back(folder: Path) -> None:
    code = code_of(folder)
    put(folder, f"blind_code,given_at,given_by\n{code},09:05,AB\n")
    assert put(folder, f"blind_code,given_at,given_by\n{code},,AB\n") == 0


def test_preparations_animals_and_bottles_are_told_by_their_columns(folder: Path) -> None:
    text = "preparation,compound,batch,vehicle,prepared_at,expires_at,prepared_by\n"
    assert put(folder, f"{text}P1,ipsapirone,L7,saline,2026-03-02T07:30,2026-03-02T19:30,CD\n") == 6
    assert put(folder, "subject,habituated_on,handled_days,surgery_on\nW01,2026-02-20,5,2026-02-01\n") == 3
    code = code_of(folder)
    assert put(folder, f"blind_code,start_g,end_g,spill_g\n{code},300,270,0\n") == 3
    found = records_of(read_audit(folder))
    assert found.preparations["P1"]["batch"] == "L7"
    assert found.animals["W01"]["handled_days"] == "5"
    assert found.bottles[code]["end_g"] == "270"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name,when\nx,y\n", "has none of the columns preparation, blind_code or subject"),
        ("blind_code,dose\n{code},5\n", "dose: has no unit"),
        ("blind_code,dose_mg_kg\n{code},5\n", "dose_mg_kg: would tell which dose is under a code"),
        ("blind_code,given_at\nZZZZ,09:00\n", "line 2, blind_code: ZZZZ is no code of this study"),
        ("blind_code,given_at\n,09:00\n", "line 2, blind_code: is empty"),
        ("blind_code,given_at\n{code},09:00\n{code},09:01\n", "line 3, blind_code: {code} stands twice"),
        ("blind_code,given_at\n{code},nine\n", "given_at: must be a date or time"),
        ("blind_code,given_volume_ml\n{code},0.5 0.6\n", "given_volume_ml: must be one number"),
        ("blind_code,given_volume_ml\n{code},-1\n", "given_volume_ml: must be one number"),
        ("subject,weight_g\nW01,280/285\n", "weight_g: must be one number of 0 or more (is '280/285')"),
        (
            "blind_code,volume_ml,given_volume_ml\n{code},0.5,0.9\n",
            "deviation: is empty, and 0.9 ml were given",
        ),
        ("blind_code,start_g,end_g\n{code},270,300\n", "end_g: is more than start_g"),
        ("blind_code\n", "holds no row"),
    ],
)
def test_what_is_wrong_with_a_sheet_is_said_and_nothing_is_kept(folder: Path, text: str, problem: str) -> None:
    code, before = code_of(folder), len(read_audit(folder).entries)
    with pytest.raises(BadFile) as caught:
        put(folder, text.replace("{code}", code))
    assert problem.replace("{code}", code) in str(caught.value)
    assert len(read_audit(folder).entries) == before


def test_a_dose_may_stand_in_a_sheet_once_it_is_known(folder: Path) -> None:
    assert put(folder, f"blind_code,dose_mg_kg\n{code_of(folder)},5\n", blind=False) == 1


def test_a_deviation_explains_another_volume(folder: Path) -> None:
    assert put(folder, f"blind_code,volume_ml,given_volume_ml,deviation\n{code_of(folder)},0.5,0.9,leaked\n") == 3


def test_a_sheet_that_is_not_there_is_a_sentence(folder: Path) -> None:
    with pytest.raises(BadInput, match="there is no such file"):
        read_sheet(folder / "nowhere.csv", blind=True)


def test_what_is_missing_is_told_with_how_many_and_whom(folder: Path) -> None:
    run_all(folder)
    missing = read_dataset(folder).missing_records
    assert "animals: habituated_on is missing for 12 of 12 (W01" not in missing
    assert any(said.startswith("animals: habituated_on is missing for 12 of 12") for said in missing)
    assert any(said.startswith("preparations: none is recorded (compound, batch") for said in missing)
    assert any(said.startswith("administrations: given_at is missing for 12 of 12") for said in missing)
    assert not any("surgery_on" in said for said in missing), "nobody here was operated on"
    code = code_of(folder)
    put(folder, f"blind_code,given_at,given_by,given_volume_ml\n{code},09:05,AB,0.5\n")
    put(folder, "subject,habituated_on,handled_days,surgery_on\nW01,2026-02-20,5,2026-02-01\n")
    missing = read_dataset(folder).missing_records
    assert any(said.startswith("administrations: given_at is missing for 11 of 12") for said in missing)
    assert any(said.startswith("animals: surgery_on is missing for 11 of 12") for said in missing)


def test_bottles_are_asked_for_where_animals_drink(tmp_path: Path) -> None:
    folder = write_designed(tmp_path / "water", CHRONIC)
    study, plan = read(folder / "study.toml", Study), read_plan(folder / "plan.csv")
    missing = missing_records(study, plan, Records())
    assert any(said.startswith("bottles: start_g is missing for 36 of 36") for said in missing)
    assert not any(said.startswith("administrations") for said in missing)


def test_nothing_is_missing_where_nothing_was_planned() -> None:
    assert missing_records(None, (), Records()) == []


def test_what_the_table_of_animals_said_at_the_design_is_on_record(folder: Path) -> None:
    kept = records_of(read_audit(folder)).animals
    assert set(kept) == {name for one in designed().administrations for name in one.subjects}
    assert kept["W01"] == {"cage": "C1"}


def test_the_time_of_treatment_that_was_asked_at_the_start_counts_and_a_sheet_goes_before_it(folder: Path) -> None:
    rows = run_all(folder)
    for header, at in zip(sorted(folder.rglob("header.json")), ("09:01", "09:02"), strict=False):
        known = json.loads(header.read_text()) | {"injected_at": f"2026-03-02T{at}:00+00:00"}
        header.write_text(json.dumps(known))
    missing = read_dataset(folder).missing_records
    assert any(said.startswith("administrations: given_at is missing for 10 of 12") for said in missing)
    code = next(row.blind_code for row in rows if row.subject == "W01")
    put(folder, f"blind_code,subject,given_at\n{code},W01,09:03\n")
    assert read_dataset(folder).records.administrations[f"{code}/W01"]["given_at"] == "09:03"
