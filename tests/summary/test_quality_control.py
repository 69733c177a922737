"""Quality control of a blinded study tells whether sessions are sound, and nothing of who got what."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from behavior.model.errors import BadInput
from behavior.study.dataset import read_dataset
from behavior.summary.quality_control import quality_control, write_quality_control
from study.datasets import STUDY, given, write_conflict, write_session
from summary.test_report import Page

RATES = {0.0: [1.111, 2.222], 1.25: [7.777, 8.888]}


@pytest.fixture
def blinded(tmp_path: Path) -> Path:
    for k in range(4):
        coded = given(None, compound=None, vehicle=None, blind_code=f"K{k}")
        write_session(tmp_path / "data", f"R{k}", None, {"punished_rate_per_min": 1.125 + k}, treatment=coded)
    next((tmp_path / "data" / "sub-R3").glob("ses-*/footer.json")).unlink()
    (tmp_path / "data" / "study.toml").write_text(STUDY.format(doses=[0, 1.25], n=2))
    return tmp_path / "data"


def test_sound_sessions_are_counted_and_the_others_named(blinded: Path, tmp_path: Path) -> None:
    dataset = read_dataset(blinded)
    found = quality_control(dataset)
    (part,) = found.parts
    assert (part.paradigm, part.n_run, part.n_subjects, part.n_left_out) == ("geller_seifter", 4, 4, 1)
    assert part.reasons == ("nobody closed it (no footer): 1",)
    assert part.n_by_measure == (("Punished responses (1/min)", 3, 0),)
    page = Page(write_quality_control(dataset, tmp_path / "out").read_text(encoding="utf-8"))
    assert page.misplaced == page.open == []
    assert "3 of 4 sessions can be analysed" in page.text
    assert "nobody closed it" in page.text
    assert "K2" in page.text


def test_a_missing_measure_is_counted(blinded: Path) -> None:
    coded = given(None, compound=None, vehicle=None, blind_code="K9")
    write_session(blinded, "R9", None, {"punished_rate_per_min": None}, treatment=coded)
    assert quality_control(read_dataset(blinded)).parts[0].n_by_measure[0][1:] == (3, 1)


@pytest.mark.parametrize("codes", [True, False], ids=["blinded", "doses in the records all the same"])
def test_nothing_written_tells_a_treatment_or_a_result(tmp_path: Path, blinded: Path, codes: bool) -> None:
    data = blinded if codes else write_conflict(tmp_path / "open", {**RATES, 0.0: [1.111, 2.222, 3.333]}, n=4)
    out = write_quality_control(read_dataset(data), tmp_path / "out").parent
    for path in out.rglob("*"):
        text = path.read_text(encoding="utf-8").split("</style>")[-1]
        for word in ("mg/kg", "1.25", "ipsapirone", "saline", "conflict", "7.777", "1.125", "2.125"):
            assert word not in text, (path.name, word)
    assert not {"dose_mg_kg", "compound", "arm", "vehicle"} & set(pd.read_csv(out / "quality.csv").columns)


def test_warnings_that_speak_of_treatments_wait_and_are_counted(tmp_path: Path) -> None:
    dataset = read_dataset(write_conflict(tmp_path / "open", {0.0: [1.0, 2.0, 3.0], 1.25: [2.0, 3.0]}, n=4))
    found = quality_control(dataset)
    assert found.n_withheld + len(found.warnings) == len(dataset.warnings)
    assert found.n_withheld >= 3, "two doses fall short of the plan, and n differs"


def test_equal_sessions_give_equal_bytes(blinded: Path, tmp_path: Path) -> None:
    pages = [write_quality_control(read_dataset(blinded), tmp_path / name) for name in ("one", "two")]
    assert pages[0].read_bytes() == pages[1].read_bytes()
    with pytest.raises(BadInput, match="holds something already"):
        write_quality_control(read_dataset(blinded), tmp_path / "one")
