"""The runner itself, on a case made here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reference import run_case
from reference.case import read_case, read_table
from reference.registry import adapters, run

SPEC = {
    "method": "describe",
    "table": "data",
    "response": "presses",
    "group": "dose",
    "reference": "0",
    "levels": ["0", "2.5"],
    "exclude": {"column": "excluded", "equals": 1},
    "quantile_type": 7,
    "conf_level": 0.95,
}


@pytest.fixture
def case(tmp_path: Path) -> Path:
    entries = [{"key": "dose=0/mean"}, {"key": "n_excluded"}]
    (tmp_path / "expected.json").write_text(json.dumps({"spec": SPEC, "expected": entries}))
    (tmp_path / "data.csv").write_text("dose,presses,excluded\n0,4,0\n0,6,0\n2.5,9,0\n2.50,,0\n2.5,100,1\n")
    return tmp_path


def test_a_case_needs_its_specification_data_and_keys_only(case):
    got = run(read_case(case))
    assert got["dose=0/mean"] == 5
    assert got["dose=2.5/mean"] == 9
    assert (got["n_excluded"], got["n_missing"]) == (1, 1)
    assert "dose=2.5/sd" not in got


def test_the_runner_prints_json(case, capsys):
    assert run_case.main([str(case)]) == 0
    assert json.loads(capsys.readouterr().out)["n_excluded"] == 1
    assert run_case.main([]) == 2


def test_the_runner_runs_as_a_script(case):
    script = Path(run_case.__file__)
    done = subprocess.run([sys.executable, str(script), str(case)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["dose=0/n"] == 2


def test_a_method_that_nobody_computes_is_named(case):
    (case / "expected.json").write_text(json.dumps({"spec": {**SPEC, "method": "astrology"}, "expected": []}))
    with pytest.raises(SystemExit, match="no adapter computes the method astrology"):
        run(read_case(case))


def test_every_method_has_one_adapter():
    assert {"describe", "survival", "latin_square", "glmm"} <= set(adapters())


def test_columns_are_numbers_where_they_can_be(tmp_path):
    (tmp_path / "t.csv").write_text('id,n,flag,mixed\nR1,1.50,TRUE,3\nR2,NA,FALSE,"~4"\n\nR3,,,\n')
    table = read_table(tmp_path / "t.csv")
    assert table["id"].tolist() == ["R1", "R2", "R3"]
    assert table["n"][0] == 1.5
    assert table["flag"][:2].tolist() == [1, 0]
    assert table["mixed"].tolist() == ["3", "~4", ""]


def written(folder: Path, spec: dict, rows: list[tuple]) -> Path:
    (folder / "expected.json").write_text(json.dumps({"spec": {"table": "data", **spec}, "expected": []}))
    (folder / "data.csv").write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return folder


def test_the_reserved_latin_square(tmp_path):
    doses = [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    y = [[10.1, 12.3, 15.8], [13.0, 17.1, 11.9], [16.2, 12.8, 15.1]]
    cells = [(f"R{i}", j, doses[i][j], y[i][j]) for i in range(3) for j in range(3)]
    spec = {"method": "latin_square", "response": "y", "row": "rat", "column": "day", "group": "dose", "reference": "0"}
    got = run(read_case(written(tmp_path, {**spec, "levels": ["0", "1", "2"]}, [("rat", "day", "dose", "y"), *cells])))
    assert got["residual/df"] == 2
    assert got["2-vs-0/diff"] == pytest.approx((15.8 + 17.1 + 16.2 - 10.1 - 11.9 - 12.8) / 3)
    assert {"row/F", "col/F", "treatment/F", "treatment/p", "residual/ms", "1-vs-0/p_dunnett"} <= set(got)


def test_the_reserved_random_intercept_model(tmp_path):
    cells = [
        (f"R{r}", x, int((r * 7 + x * 3 + t * 5) % 11 < 3 + 2 * x + r % 3))
        for r in range(8)
        for x in (0, 1)
        for t in range(9)
    ]
    spec = {"method": "glmm", "response": "y", "terms": ["(Intercept)", "x"], "cluster": "rat"}
    got = run(read_case(written(tmp_path, spec, [("rat", "x", "y"), *cells])))
    assert got["coef/x"] > 0
    assert {"se/x", "coef/(Intercept)", "sd_rat", "loglik"} <= set(got)


def test_the_reserved_natural_logarithm(tmp_path):
    cells = [("a", 1.0), ("a", 2.0), ("a", 4.0), ("b", 8.0), ("b", 4.0), ("b", 16.0)]
    spec = {"method": "anova_dunnett", "response": "y", "group": "g", "transform": "ln(y)", "reference": "a"}
    got = run(read_case(written(tmp_path, {**spec, "levels": ["a", "b"]}, [("g", "y"), *cells])))
    assert got["dunnett/b-vs-a/diff"] == pytest.approx(2 * 0.6931471805599453)


def test_a_level_that_lost_its_rows_leaves_the_others_their_values(case):
    spec = {
        "method": "proportion_trend", "table": "data", "response": "k", "trials": "n", "dose": "dose", "scores": "dose",
        "reference": "0", "levels": ["0", "1", "4"], "alternative": "two-sided", "adjust": ["holm"],
    }  # fmt: skip
    (case / "expected.json").write_text(json.dumps({"spec": spec, "expected": []}))
    (case / "data.csv").write_text("dose,k,n\n0,1,10\n1,4,10\n4,,10\n")
    got = run(read_case(case))
    assert "fisher/dose=1/p" in got and "cochran_armitage/p" in got
    assert "fisher/dose=4/p" not in got
