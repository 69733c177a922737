"""Call tables of DeepSqueak, USVSEG, CSV and Parquet: as the programs write them, there and back, and what is lost."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings

from behavior.formats import calls_csv, calls_parquet, deepsqueak, usvseg
from behavior.formats.calls import Annotation, CallTable, from_calls, losses, scaled, to_calls
from behavior.formats.catalogue import all_formats, find_format, sniff
from behavior.formats.table import as_text, as_value
from behavior.model.errors import BadFile, BadInput
from behavior.usv.table import read_calls
from formats.examples import call_tables
from scoring.sessions import call

DEEPSQUEAK_2 = (
    "ID,Label,Accepted,Score,Begin Time (s),End Time (s),Call Length (s),Principal Frequency (KHz),Low Freq (KHz),"
    "High Freq (KHz),Delta Freq (KHz),Frequency Standard Deviation (KHz),Slope (KHz / s),Sinuosity,Max Power,Tonality\n"
    "1,USV,1,0.93,0.1,0.145,0.045,61.25,55,64.431,9.431,2.125,-12.3455,1.25,-71.5,0.61\n"
    "2,Noise,0,0.31,2.5,2.53,0.03,61.25,48.0005,61.2505,13.25,2,0,1,-70,0.5\n"
)
"""As version 2 writes it: other capitals, `KHz / s`, `Max Power`, and no file."""

USVSEG = "#,start,end,duration,maxfreq,maxamp,meanfreq,cvfreq\n1,0.1000,0.1450,45.0,72.431,-18.20,61.250,0.1234\n"


def read(tmp_path: Path, module: object, text: str, name: str = "table.csv") -> CallTable:
    path = tmp_path / name
    path.write_text(text)
    assert sniff(path).read.__module__ == module.__name__  # type: ignore[attr-defined]
    found: CallTable = module.read(path)  # type: ignore[attr-defined]
    return found


# -- DeepSqueak -------------------------------------------------------------------------------------------------------


def test_an_older_deepsqueak_table(tmp_path: Path) -> None:
    first, second = read(tmp_path, deepsqueak, DEEPSQUEAK_2).rows
    assert (first.onset_s, first.low_hz, first.high_hz, first.label) == (0.1, 55_000, 64_431, "USV")
    assert (first.more["slope_hz_per_s"], first.more["bandwidth_hz"], first.more["tonality"]) == (
        "-12345.5",
        "9431",
        "0.61",
    )
    assert (first.more["Max Power"], first.more["Principal Frequency (kHz)"]) == ("-71.5", "61.25")
    assert second.low_hz == 48_000.5


def test_a_rejected_call_stays_in_the_table_and_does_not_count(tmp_path: Path) -> None:
    table = read(tmp_path, deepsqueak, DEEPSQUEAK_2)
    assert [row.label for row in table.accepted] == ["USV"]


@pytest.mark.parametrize("name", ["out.xlsx", "out.csv"])
def test_deepsqueak_tables_come_back_from_excel_and_csv(tmp_path: Path, name: str) -> None:
    table = read(tmp_path, deepsqueak, DEEPSQUEAK_2)
    deepsqueak.write(tmp_path / name, table)
    assert deepsqueak.read(tmp_path / name) == table
    assert sniff(tmp_path / name) is deepsqueak.FORMAT


def test_excel_as_other_programs_save_it(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(
        ["ID", "Label", "Accepted", "Begin Time (s)", "End Time (s)", "Low Freq (kHz)", "High Freq (kHz)"]
    )
    book.active.append([1, "a", True, 1, 2.5, 20, 24.5])
    book.active.append([None] * 7)
    book.active.append([2, None, False, 3, 4, None, None])
    book.save(tmp_path / "x.xlsx")
    first, second = deepsqueak.read(tmp_path / "x.xlsx").rows
    assert (first.onset_s, first.offset_s, first.low_hz, first.high_hz) == (1.0, 2.5, 20_000, 24_500)
    assert (second.low_hz, second.label, second.more["Accepted"]) == (None, "", "0")


def test_an_excel_file_of_something_else_names_what_it_lacks(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.append(["rat", "weight"])
    book.save(tmp_path / "x.xlsx")
    with pytest.raises(BadInput, match=r"is not a DeepSqueak table: it has no column 'Begin Time \(s\)'"):
        deepsqueak.read(tmp_path / "x.xlsx")


# -- USVSEG -----------------------------------------------------------------------------------------------------------


def test_a_usvseg_table_in_its_units(tmp_path: Path) -> None:
    (row,) = read(tmp_path, usvseg, USVSEG, "rec_dat.csv").rows
    assert (row.onset_s, row.offset_s, row.low_hz, row.label) == (0.1, 0.145, None, "")
    expected = {"duration_s": "0.045", "peak_hz": "72431", "maxamp": "-18.20", "mean_hz": "61250", "cvfreq": "0.1234"}
    assert row.more == expected


def test_what_usvseg_does_not_know_is_nan_and_read_as_nothing(tmp_path: Path) -> None:
    table = CallTable((Annotation(1.0, 1.5, 20_000, 24_000, "a", "rat.wav"),))
    usvseg.write(tmp_path / "x_dat.csv", table)
    assert (tmp_path / "x_dat.csv").read_text().splitlines()[1] == "1,1,1.5,500,NaN,NaN,NaN,NaN"
    assert losses(table, usvseg.read(tmp_path / "x_dat.csv")) == ("low_hz", "high_hz", "label", "file")


# -- CSV and Parquet --------------------------------------------------------------------------------------------------


def test_the_detector_s_table_and_ours_are_one(tmp_path: Path) -> None:
    calls = [call(0.1, 1 / 3, 22_123.456789), call(7.0, 0.5)]
    calls_csv.write(tmp_path / "calls.csv", from_calls(calls))
    assert read_calls(tmp_path / "calls.csv") == calls
    assert to_calls(calls_csv.read(tmp_path / "calls.csv"), tmp_path) == calls
    calls_parquet.write(tmp_path / "calls.parquet", from_calls(calls))
    assert to_calls(calls_parquet.read(tmp_path / "calls.parquet"), tmp_path) == calls


def test_a_truth_table_with_a_recording_that_is_silent(shared: Path) -> None:
    table = calls_csv.read(shared / "data" / "usv" / "rat_shock_box" / "truth.csv")
    assert {"empty_box.flac", "shock_only.flac"} == set(table.silent)
    assert table.rows


def test_numbers_stand_in_parquet_as_numbers(tmp_path: Path) -> None:
    import pyarrow.parquet

    calls_parquet.write(tmp_path / "x.parquet", from_calls([call(1.0)]))
    kinds = {field.name: str(field.type) for field in pyarrow.parquet.read_schema(tmp_path / "x.parquet")}
    assert (kinds["onset_s"], kinds["snr_db"], kinds["call_type"]) == ("double", "double", "string")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty, so it is no table of calls"),
        ("a,b\n1,2\n", "it has no columns onset_s and offset_s"),
        ("onset_s,offset_s,x,x\n1,2,3,4\n", "x: two columns have this name"),
        ("onset_s,offset_s\n1,\n", "line 2, offset_s: is empty"),
        ("onset_s,offset_s\n2,1\n", "line 2, offset_s: must not be before onset_s"),
        ('onset_s,offset_s\n1,"2', "line 2"),
    ],
)
def test_what_is_no_call_table(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    try:
        calls_csv.read(tmp_path / "x.csv")
    except BadInput as error:
        assert sentence in str(error)
    else:
        assert sentence == "line 2"  # a quote that does not close ends with the file


def test_a_parquet_file_that_is_cut_is_one_sentence(tmp_path: Path) -> None:
    calls_parquet.write(tmp_path / "x.parquet", from_calls([call(1.0)]))
    data = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadInput, match="is no Parquet file"):
        calls_parquet.read(tmp_path / "cut.parquet")


# -- all of them ------------------------------------------------------------------------------------------------------

TABLES = [one.name for one in all_formats() if one.holds == "calls"]


@settings(max_examples=40)
@given(calls=call_tables(more=True))
def test_csv_parquet_and_deepsqueak_hold_all_of_a_table(
    calls: CallTable, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tables")
    for name in ("csv", "parquet", "deepsqueak"):
        one = find_format(name)
        path = folder / f"x{one.extensions[-1]}"
        one.write(path, calls)
        assert losses(calls, one.read(path)) == ()
        path.unlink()


@pytest.mark.parametrize(("first", "second"), list(product(TABLES, TABLES)))
def test_any_table_as_any_other_keeps_its_calls(first: str, second: str, tmp_path: Path) -> None:
    table: CallTable = find_format(first).example()
    path = tmp_path / f"x{find_format(second).extensions[0]}"
    find_format(second).write(path, table)
    back: CallTable = find_format(second).read(path)
    assert [(row.onset_s, row.offset_s) for row in back.rows] == [(row.onset_s, row.offset_s) for row in table.rows]
    lost = set(losses(table, back))
    if first == second:
        assert lost == set()
    assert "onset_s" not in lost
    assert "offset_s" not in lost


def test_a_kilohertz_is_a_thousand_hertz_in_every_digit() -> None:
    assert scaled("72.4310000000001", 3) == "72431.0000000001"
    assert scaled("0.1", 3) == "100"
    assert scaled("n/a", 3) == "n/a"
    for hz in (0.1, 1 / 3, 22_123.456789, 1e-7, 123456789.125):
        assert float(scaled(scaled(repr(hz), -3), 3)) == hz


def test_cells_are_numbers_only_where_the_same_text_comes_back() -> None:
    assert [as_value(text) for text in ("1", "0.1", "1.50", "007", "", "x")] == [1.0, 0.1, "1.50", "007", None, "x"]
    assert [as_text(value) for value in (1.0, 0.1, True, None, float("nan"), "x", 3)] == [
        "1",
        "0.1",
        "1",
        "",
        "",
        "x",
        "3",
    ]


def test_a_second_column_of_a_name_that_every_table_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="a second column low_hz"):
        calls_csv.write(tmp_path / "x.csv", CallTable((Annotation(1, 2, more={"low_hz": "3"}),)))
    with pytest.raises(BadFile, match="Label: two columns have this name"):
        read(tmp_path, deepsqueak, "Label,LABEL,Begin Time (s),End Time (s),Low Freq (kHz)\n1,2,3,4,5\n")


def test_a_label_that_looks_like_a_formula_stays_a_label_and_no_control_sign_goes_to_excel(tmp_path: Path) -> None:
    table = CallTable((Annotation(1.0, 2.0, label="=1+1"),))
    deepsqueak.write(tmp_path / "x.xlsx", table)
    assert deepsqueak.read(tmp_path / "x.xlsx").rows[0].label == "=1+1"
    with pytest.raises(BadInput, match="row 1, Label, holds a sign that Excel cannot"):
        deepsqueak.write(tmp_path / "y.xlsx", CallTable((Annotation(1.0, 2.0, label="a\x01"),)))
    assert not (tmp_path / "y.xlsx").exists()
