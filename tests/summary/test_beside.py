"""Behavioral endpoints beside those of assays: every number as it came, bounds as bounds, reasons for what is not."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.study.dataset import read_dataset
from behavior.summary.beside import COLUMNS, endpoint_table, rows_of, shown
from behavior.summary.ed50 import NoEd50
from behavior.summary.per_dose import ArmSummary, summarize_arms
from behavior.summary.report import write_report
from study.datasets import given as treatment_of
from study.datasets import write_conflict, write_session

CLEAR = {0.0: [19, 20, 21], 0.3: [18, 19, 20], 1.0: [14, 15, 16], 3.0: [8, 9, 10], 10.0: [3, 4, 5], 30.0: [1, 2, 3]}


def assay(**changes: object) -> pd.DataFrame:
    row = dict.fromkeys(COLUMNS[1:], "") | {"assay": "binding", "endpoint": "Ki", "of": "compound=x, target=5-HT1A"}
    row |= {"value": 10.2, "low": 8.84, "high": 11.7, "unit": "nM", "n": 3, "n_of": "experiments"} | changes
    return pd.DataFrame([row])


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> tuple[ArmSummary, ...]:
    return summarize_arms(read_dataset(write_conflict(tmp_path_factory.mktemp("beside") / "data", CLEAR)))


def test_every_behavioral_endpoint_has_its_ed50_or_every_reason_against_one(arms: tuple[ArmSummary, ...]) -> None:
    table = endpoint_table(arms, {})
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == sum(len(arm.endpoints) for arm in arms)
    for row, endpoint in zip(table.itertuples(), arms[0].endpoints, strict=True):
        found = endpoint.ed50
        assert row.n == found.n
        if not isinstance(found, NoEd50):
            assert (row.value, row.low, row.high, row.unit, row.text) == (
                found.estimate, found.lo, found.hi, "mg_kg", "",
            )  # fmt: skip
        else:
            assert math.isnan(row.value)
            assert all(reason in row.text for reason in found.reasons)
    assert table["value"].notna().sum() >= 1


def test_assays_follow_in_the_order_given_with_every_value_as_it_came(arms: tuple[ArmSummary, ...]) -> None:
    table = endpoint_table(arms, {"second": assay(value=0.1 + 0.2), "first": assay(low=None, n=None)})
    assert list(table["source"][-2:]) == ["second", "first"]
    assert table["value"].iloc[-2] == 0.1 + 0.2
    assert pd.isna(table["low"].iloc[-1]) and pd.isna(table["n"].iloc[-1])
    assert str(table["n"].dtype) == "Int64", "counts stay whole beside those that are missing"


def test_an_assay_without_a_column_is_named_with_it(arms: tuple[ArmSummary, ...]) -> None:
    with pytest.raises(BadInput, match="old: its endpoints lack the column qualifier; make them again"):
        endpoint_table(arms, {"old": assay().drop(columns="qualifier")})


def test_no_arm_and_no_endpoint_is_an_empty_table() -> None:
    assert len(endpoint_table((), {})) == 0
    assert len(endpoint_table((), {"mine": assay()[:0]})) == 0
    assert rows_of(endpoint_table((), {"mine": assay()}))[0]["of"] == "x, 5-HT1A"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"value": 10.177, "low": 8.837, "high": 11.72, "unit": "nM"}, "10.2 [8.84, 11.7] nM"),
        ({"value": 10.177, "low": None, "high": 11.72, "unit": "nM"}, "10.2 [open, 11.7] nM"),
        ({"value": 4000.0, "unit": "nM", "qualifier": "<"}, "< 4000 nM"),
        ({"value": 31.25, "unit": "ug_kg"}, "31.2 ug kg"),
        ({"value": -12.5, "unit": "%"}, "−12.5 %"),
        ({"value": 0.0, "unit": ""}, "0"),
        ({"value": float("nan"), "text": "no significant change"}, "no significant change"),
    ],
)
def test_an_estimate_is_shown_with_what_bounds_it(row: dict[str, object], text: str) -> None:
    empty = {"low": None, "high": None, "unit": "", "qualifier": "", "text": ""}
    assert shown(empty | row, lambda unit: unit.replace("_", " ")) == text


@given(st.floats(1e-6, 1e6), st.sampled_from(["", "<", ">"]))
def test_what_is_shown_is_the_value_to_three_digits(value: float, qualifier: str) -> None:
    text = shown({"value": value, "low": None, "high": None, "unit": "", "qualifier": qualifier, "text": ""})
    assert text.startswith(qualifier)
    assert float(text.removeprefix(qualifier)) == pytest.approx(value, rel=5.1e-3)


def test_the_report_holds_table_and_section_and_the_same_bytes_again(tmp_path: Path) -> None:
    treatment = treatment_of(None, compound=None, blind_code="K7")
    write_session(tmp_path / "data", "R1", None, {"n_calls": 1}, treatment=treatment)
    dataset = read_dataset(tmp_path / "data")
    assays = {"my <assay>": assay(endpoint="half_life")}
    reports = [write_report(dataset, tmp_path / name, assays=assays) for name in ("one", "two")]
    assert reports[0].read_bytes() == reports[1].read_bytes()
    page = reports[0].read_text(encoding="utf-8")
    assert "my &lt;assay&gt;" in page and "half life" in page and "<assay>" not in page
    tables = [report.parent / "tables" / "endpoints.csv" for report in reports]
    assert tables[0].read_bytes() == tables[1].read_bytes()
    back = pd.read_csv(tables[0])
    assert list(back.columns) == list(COLUMNS)
    assert list(back["source"]) == ["my <assay>"], "an arm under codes has no endpoint yet"


def test_a_bad_assay_leaves_no_folder(tmp_path: Path) -> None:
    dataset = read_dataset(write_conflict(tmp_path / "data", {0.0: [1.0, 2.0], 1.0: [2.0, 3.0]}))
    with pytest.raises(BadInput):
        write_report(dataset, tmp_path / "out", assays={"x": pd.DataFrame({"value": [1.0]})})
    assert not (tmp_path / "out").exists()
