"""What a cage drank, and the dose that it came to once the study is unblinded."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.config import read
from behavior.config.study import Study
from behavior.study.dataset import read_dataset, write_tables
from behavior.study.dosing import codes_of
from behavior.study.records import record_sheet
from behavior.study.unblind import unblind
from study.designs import CHRONIC, PASSPHRASE, designed, run_all, write_designed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = write_designed(tmp_path / "data", CHRONIC)
    run_all(data)
    return data


def weigh(folder: Path, code: str, start: float, end: float, spill: float = 0.0) -> None:
    sheet = folder.parent / "bottles.csv"
    sheet.write_text(f"blind_code,start_g,end_g,spill_g,n_animals,body_weight_g\n{code},{start},{end},{spill},2,280\n")
    record_sheet(folder, sheet, blind=True, codes=codes_of(folder), who="AB")


def test_intake_is_told_while_blind_and_the_dose_after(folder: Path, tmp_path: Path) -> None:
    """0.3 mg/ml from day 1 to 8: 430 g less 10 g spilt, by two rats of 280 g in 7 days: 30 ml and 32.1 mg/kg a day."""
    given = next(one for one in designed(CHRONIC).administrations if one.dose_mg_kg == 3.0 and one.day == 1)
    weigh(folder, given.code, 500, 70, 10)
    (row,) = read_dataset(folder).intake.to_dict("records")
    assert (row["unit"], row["day"], row["until_day"]) == (given.unit, 1, 8)
    assert row["intake_ml_per_animal_day"] == pytest.approx(30.0)
    assert row["dose_mg_kg_per_day"] is None
    unblind(folder, PASSPHRASE, read(folder / "study.toml", Study), who="me", reason="")
    found = read_dataset(folder)
    (row,) = found.intake.to_dict("records")
    assert row["dose_mg_kg_per_day"] == pytest.approx(30.0 * 0.3 / 0.28)
    assert "intake.csv" in [path.name for path in write_tables(found, tmp_path / "tables")]


def test_the_vehicle_is_a_dose_of_0(folder: Path) -> None:
    given = next(one for one in designed(CHRONIC).administrations if one.dose_mg_kg == 0.0)
    weigh(folder, given.code, 300, 240)
    unblind(folder, PASSPHRASE, read(folder / "study.toml", Study), who="me", reason="")
    assert read_dataset(folder).intake["dose_mg_kg_per_day"].tolist() == [0.0]


def test_weights_that_cannot_be_are_a_warning(folder: Path) -> None:
    weigh(folder, codes_of(folder)[0], 300, 290, 20)
    found = read_dataset(folder)
    assert len(found.intake) == 0
    assert any("g drunk by 2 animals of 280 g cannot be; check the weights" in warning for warning in found.warnings)


def test_without_bottles_there_is_no_table(folder: Path, tmp_path: Path) -> None:
    found = read_dataset(folder)
    assert len(found.intake) == 0
    assert "intake.csv" not in [path.name for path in write_tables(found, tmp_path / "tables")]
