"""An assay's files: nothing half-written stays, cells and headings read well, JSON and CSV say the same."""

from __future__ import annotations

import csv
import json
import math
import re

import pytest

from behavior.assays import report
from behavior.assays.quantity import shortest
from behavior.assays.report import as_json, read_endpoints, write_report
from behavior.assays.result import Endpoint, Estimate, in_columns, label_of, percent
from behavior.model.errors import BadInput, Failure

TABLE = "neuron,cum_dose_ug_kg,rate_hz\na,0,2\na,10,1.6\na,100,0.4\nb,0,3\nb,10,2.1\nb,100,0.9\n"


@pytest.mark.parametrize("step", ["_write_csv", "_write_text", "save"])
def test_a_disk_that_fills_leaves_nothing_behind_and_the_same_folder_can_be_named_again(
    analysed, tmp_path, monkeypatch, step
):
    def full(*_):
        raise OSError(28, "No space left on device")

    analysis = analysed("firing", TABLE)
    with monkeypatch.context() as broken:
        broken.setattr(report, step, full)
        with pytest.raises(Failure, match=r"out: the report cannot be written \(No space left on device\); free"):
            write_report(analysis, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert write_report(analysis, tmp_path / "out").is_file()


def test_a_figure_that_fails_leaves_nothing_behind_and_its_own_error(analysed, tmp_path, monkeypatch):
    def broken(_):
        raise ZeroDivisionError("in a figure")

    analysis = analysed("firing", TABLE)
    monkeypatch.setattr(report, "svg_of", broken)
    with pytest.raises(ZeroDivisionError, match="in a figure"):
        write_report(analysis, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made(analysed, tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match=r"cannot be made .*name another folder"):
        write_report(analysed("firing", TABLE), tmp_path / "file" / "out")


def test_an_empty_folder_is_filled(analysed, tmp_path):
    (tmp_path / "out").mkdir()
    page = write_report(analysed("firing", TABLE), tmp_path / "out")
    assert {path.name for path in page.parent.iterdir()} == {
        "report.html",
        "endpoints.csv",
        "results.json",
        "tables",
        "figures",
    }


def test_what_a_table_says_cannot_become_part_of_the_page(analysed, tmp_path):
    page = write_report(analysed("firing", TABLE.replace("a,", "<script>alert(1)</script>,")), tmp_path / "out")
    text = page.read_text(encoding="utf-8")
    assert "<script" not in text and "&lt;script&gt;" in text


def test_json_csv_and_the_result_agree_endpoint_by_endpoint(analysed, tmp_path):
    analysis = analysed("firing", TABLE, 'compound = "x"\n')
    folder = write_report(analysis, tmp_path / "out").parent
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert (folder / "results.json").read_text(encoding="utf-8") == as_json(analysis)
    with (folder / "endpoints.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    frame = read_endpoints(folder)
    assert len(lines) == len(results["endpoints"]) == len(frame) == len(analysis.result.endpoints)
    for line, listed, row, own in zip(
        lines, results["endpoints"], frame.to_dict("records"), analysis.result.endpoints, strict=True
    ):
        assert line["endpoint"] == listed["endpoint"] == row["endpoint"] == own.endpoint
        for key in ("value", "low", "high"):
            number = getattr(own, key)
            if number is None:
                assert line[key] == "" and listed[key] is None and math.isnan(row[key])
            else:
                assert float(line[key]) == pytest.approx(number, rel=1e-9)
                assert listed[key] == number and row[key] == pytest.approx(number, rel=1e-9)


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (None, "ki_nM", "–"),
        (math.nan, "ki_nM", "–"),
        (math.inf, "ki_nM", "–"),
        (-0.00123, "difference", "−0.00123"),
        (12_345.6, "auc", "12,346"),
        (0.0312, "p", "0.031"),
        (1e-9, "p_dunnett", "&lt; 0.001"),
        ("mg_kg", "dose_unit", "mg/kg"),
        ("half_life", "measure", "half-life"),
        ("half_life", "note", "half_life"),
        (3, "n", "3"),
    ],
)
def test_cells_of_the_page(value, column, shown):
    assert report._cell(value, column).replace("<", "&lt;") == shown


def test_names_and_limits_of_endpoints_as_shown():
    assert label_of("auc_inf_linup_logdown") == "AUC to infinity (linear up, log down)"
    assert label_of("expected_thing") == "expected thing"
    estimate = Estimate(10.0, 8.0, None)
    assert Endpoint.of_estimate(estimate, assay="a", endpoint="Ki", of="", unit="nM").shown() == "10 [8, open] nM"
    bound = Endpoint("a", "Ki", "target=D2, compound=x", value=4000.0, low=1.0, unit="nM", qualifier=">")
    assert (bound.shown(), bound.of_shown()) == ("> 4000 nM", "D2, x")
    assert Endpoint("a", "shape", "", text="no effect").shown() == "no effect"
    assert Endpoint("a", "area", "", value=-12.5, low=-20.0, high=-3.0, unit="%_x_min").shown() == (
        "−12.5 [−20, −3] % · min"
    )
    assert str(estimate.scaled(0.1)) == f"{shortest(1.0)} [0.8, open]"


@pytest.mark.parametrize(("fraction", "shown"), [(0.95, "95%"), (0.975, "97.5%"), (0.999, "99.9%"), (0.57, "57%")])
def test_a_confidence_level_is_never_rounded(fraction, shown):
    assert percent(fraction) == shown


@pytest.mark.parametrize("name", ["binding", "saturation", "microdialysis", "exposure"])
def test_the_methods_state_the_level_that_was_asked_for(name, analysed):
    from behavior.config.shipped import shipped

    table, settings = (
        shipped("configs", "assays", f"{name}.{end}").read_text(encoding="utf-8") for end in ("csv", "toml")
    )
    lines = [line for line in settings.splitlines() if not line.startswith("conf_level")]
    result = analysed(name, table, "\n".join(["conf_level = 0.975", *lines])).result
    said = " ".join([*result.methods, *(drawing.caption for drawing in result.drawings)])
    assert "97.5%" in said and "95" not in said.replace("1995", "")


def head_cells(page):
    return set(re.findall(r"<th[^>]*>([^<]*)</th>", page))


@pytest.mark.parametrize(
    ("name", "change", "headings"),
    [
        ("binding", ("", ""), {"ki (nM)", "ic50 low (nM)", "n bounds"}),
        ("saturation", ("fmol_mg", "pmol_g_wet_tissue"), {"bmax (pmol/g wet tissue)", "kd (nM)"}),
        ("microdialysis", ("conc_nM", "conc_pg_ul"), {"time (min)", "n missing"}),
        ("firing", ("cum_dose_ug_kg", "cum_dose_nmol_kg"), {"cum dose (nmol/kg)", "ed50 (nmol/kg)", "baseline (hz)"}),
        ("kinetics", ("time_min", "time_s"), {"lambda z times (s)"}),
        ("exposure", ("dose_mg_kg", "dose_umol_kg"), {"dose (µmol/kg)", "concentration (nmol/ml)"}),
    ],
)
def test_headings_carry_the_units_of_the_table_whatever_they_are(report_of, name, change, headings):
    from behavior.config.shipped import shipped

    table, settings = (
        shipped("configs", "assays", f"{name}.{end}").read_text(encoding="utf-8") for end in ("csv", "toml")
    )
    assert change[0] in table
    seen = head_cells(report_of(name, table.replace(*change), settings))
    assert headings <= seen, seen


def test_the_longest_unit_that_fits_ends_a_heading():
    assert report._heading("bmax_fmol_mg", ("mg", "fmol_mg")) == "bmax (fmol/mg)"
    assert report._heading("n_bounds", ("", "nM")) == "n bounds"
    assert report._heading("mg", ("mg",)) == "mg"


@pytest.mark.parametrize("estimate", [Estimate(2.0, 1.0, None), None])
def test_an_estimate_in_columns(estimate):
    row = in_columns(estimate, "kd", "kd_low", "kd_high")
    assert row == {"kd": 2.0, "kd_low": 1.0, "kd_high": None} if estimate else set(row.values()) == {None}
    assert list(row) == ["kd", "kd_low", "kd_high"]
