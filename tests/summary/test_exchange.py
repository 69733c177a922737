"""Tables for other programs hold exactly what was analysed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from behavior.study.dataset import read_dataset
from behavior.summary.exchange import prism_table, units_table, write_exchange
from behavior.summary.per_dose import summarize_arms
from study.datasets import given, write_conflict, write_session, write_vocalization

RATES = {0.0: [1.0, 2.0, 3.0], 1.0: [2.0, 3.0], 3.0: [5.0, 6.0, 7.0]}
TIMES = {0.0: [20.0, 15.0], 1.0: [10.0, 0.0, 0.0]}


def test_units_are_the_animals_as_the_tests_saw_them(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", RATES)
    write_session(path, "R01", 0.0, {"punished_rate_per_min": 2.0}, started_at="2026-03-09T09:00:00+00:00")
    table = units_table(summarize_arms(read_dataset(path)))
    assert len(table) == 3 * 8
    mine = table[(table["endpoint"] == "punished_rate_per_min") & (table["subject"] == "R01")]
    assert mine["response"].tolist() == [1.5]  # the mean of two sessions
    assert not table["censored"].any()


def test_a_column_table_has_one_column_a_dose(tmp_path: Path) -> None:
    (arm,) = summarize_arms(read_dataset(write_conflict(tmp_path / "data", RATES)))
    table = prism_table(arm.primary)
    assert list(table.columns) == ["vehicle", "1 mg/kg", "3 mg/kg"]
    assert [table[name].dropna().tolist() for name in table] == list(RATES.values())
    assert len(table) == 3


def test_a_survival_table_has_times_with_ones_and_zeros(tmp_path: Path) -> None:
    (arm,) = summarize_arms(read_dataset(write_vocalization(tmp_path / "data", TIMES)))
    table = prism_table(arm.endpoints[2])
    assert list(table.columns) == ["latency_first_call_s", "vehicle", "1 mg/kg"]
    assert table["latency_first_call_s"].tolist() == [60 / 21, 60 / 16, 60 / 11, 60.0, 60.0]
    assert table["vehicle"].dropna().tolist() == [1, 1]
    assert table["1 mg/kg"].dropna().tolist() == [1, 0, 0]
    assert (table[["vehicle", "1 mg/kg"]].notna().sum(axis=1) == 1).all()


def test_files_read_back_as_they_were(tmp_path: Path) -> None:
    arms = summarize_arms(read_dataset(write_conflict(tmp_path / "data", RATES)))
    (tmp_path / "tables").mkdir()
    write_exchange(arms, tmp_path / "tables")
    back = pd.read_csv(tmp_path / "tables" / "units.csv")
    np.testing.assert_array_equal(back["response"], units_table(arms)["response"])
    assert sorted(path.name for path in (tmp_path / "tables" / "prism").iterdir()) == [
        "conflict-n_shocks_delivered.csv",
        "conflict-punished_rate_per_min.csv",
        "conflict-unpunished_rate_per_min.csv",
    ]
    text = (tmp_path / "tables" / "prism" / "conflict-punished_rate_per_min.csv").read_text()
    assert text == "vehicle,1 mg/kg,3 mg/kg\n1.0,2.0,5.0\n2.0,3.0,6.0\n3.0,,7.0\n"


def test_where_nothing_was_analysed_nothing_is_written(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", {0.0: [1.0], 1.0: [2.0]}, n=2)
    for footer in path.rglob("footer.json"):
        footer.unlink()
    write_exchange(summarize_arms(read_dataset(path)), tmp_path)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["data"]


def test_a_compound_with_a_slash_in_its_name_has_its_files_too(tmp_path: Path) -> None:
    """Loose sessions name their arm after paradigm and compound; two such arms keep to their own files."""
    number = 0
    for compound in ("8-OH/DPAT", "8-OH-DPAT"):
        for dose, rate in ((0.0, 1.0), (0.0, 2.0), (1.0, 3.0), (1.0, 5.0)):
            number += 1
            write_session(
                tmp_path / "data", f"R{number}", dose, {"punished_rate_per_min": rate}, arm=None, study=None,
                treatment=given(dose, compound=compound),
            )  # fmt: skip
    arms = summarize_arms(read_dataset(tmp_path / "data"))
    assert len(arms) == 2
    write_exchange(arms, tmp_path)
    assert sorted(path.name for path in (tmp_path / "prism").iterdir()) == [
        "geller-seifter-8-oh-dpat-2-punished_rate_per_min.csv",
        "geller-seifter-8-oh-dpat-punished_rate_per_min.csv",
    ]
