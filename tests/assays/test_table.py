"""Tables: every problem at once, with its line; units by row converted, mixed units refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.assays.table import Column, header_of, read_rows, read_table
from behavior.model.errors import BadFile, BadInput

COLUMNS = (
    Column("subject", "animal"),
    Column("region", "where", required=False, default="cortex"),
    Column("dose", "dose", "number", ("mg_kg", "mM"), lowest=0, keep_units=True),
    Column("conc", "concentration", "censored", ("nM", "uM"), blank=True, lowest=0),
)


def read(text):
    return read_rows(text, COLUMNS, file="t.csv")


def problems_of(text):
    with pytest.raises(BadFile) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_good_table_and_its_units():
    table = read("subject,dose_mg_kg,conc_nM\na,1,10\nb,3,\n")
    assert table.units == {"dose": "mg_kg", "conc": "nM"}
    assert table.frame["conc"].tolist()[0] == 10 and math.isnan(table.frame["conc"].tolist()[1])
    assert table.frame["region"].tolist() == ["cortex", "cortex"]
    assert table.frame["line"].tolist() == [2, 3]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_and_a_byte_order_mark(tmp_path, separator):
    path = tmp_path / "t.csv"
    path.write_text("subject,dose_mg_kg,conc_nM\na,1,10\n".replace(",", separator), encoding="utf-8-sig")
    table = read_table(path, COLUMNS)
    assert table.frame["subject"].tolist() == ["a"]
    assert header_of(path) == ["subject", "dose_mg_kg", "conc_nM"]
    assert len(table.digest) == 64


def test_all_wrong_cells_come_at_once_with_line_and_remedy():
    assert problems_of("subject,dose_mg_kg,conc_nM\na,-1,10\n,1,ten\nb,1,5 µM\n") == [
        "line 3: subject is blank: animal",
        "line 2: dose (mg/kg) is negative (-1); check the entry",
        "line 3: conc (nM) is 'ten', not a number; leave a missing value blank",
        "line 4: conc (nM) has its own unit ('5 µM'); convert it, or name the column conc and give units in conc_unit",
    ]


def test_missing_columns_say_what_they_hold():
    assert problems_of("subject\na\n") == [
        "line 1: column dose_mg_kg or dose_mM is missing: dose",
        "line 1: column conc_nM or conc_uM is missing: concentration",
    ]


def test_below_the_limit_is_kept_apart_from_missing():
    frame = read("subject,dose_mg_kg,conc_nM\na,0,BLQ\nb,0,<0.5\nc,0,\nd,0,2\n").frame
    assert frame["conc_below"].tolist() == [True, True, False, False]
    assert frame["conc"].tolist()[1] == 0.5
    assert math.isnan(frame["conc"].tolist()[0])


def test_a_bound_other_than_a_limit_cannot_be_fitted():
    assert problems_of("subject,dose_mg_kg,conc_nM\na,0,> 5\n") == [
        "line 2: conc (nM) is a bound ('> 5'), which cannot be fitted; leave the cell blank"
    ]


def test_a_decimal_comma_is_pointed_at():
    assert problems_of("subject;dose_mg_kg;conc_nM\na;0,5;1\n") == [
        "line 2: dose (mg/kg) is '0,5'; write a decimal point, and no commas between thousands"
    ]


def test_units_by_row_are_turned_into_the_first_and_said_so():
    table = read("subject,dose_mg_kg,conc,conc_unit\na,0,1,nM\nb,0,2,uM\n")
    assert table.frame["conc"].tolist() == pytest.approx([1, 2000])
    assert table.units["conc"] == "nM"
    assert table.notes == ("conc: rows in nM, µM were all turned into nM",)


def test_units_of_two_kinds_are_refused():
    (problem,) = problems_of("subject,dose_mg_kg,conc,conc_unit\na,0,1,nM\nb,0,2,ng/ml\n")
    assert problem == "line 3: conc_unit 'ng/ml' cannot be turned into nM; use one kind of unit (one of nM, µM)"


def test_doses_of_several_kinds_are_kept_apart():
    table = read("subject,dose,dose_unit,conc_nM\na,1,mg/kg,1\nb,1,mM,1\n")
    assert table.frame["dose_unit"].tolist() == ["mg_kg", "mM"]
    assert "dose" not in table.units


def test_a_quantity_without_unit_is_refused():
    assert problems_of("subject,dose,conc_nM\na,1,1\n") == [
        "line 1: column dose has no unit; name it dose_mg_kg or dose_mM, or add a column dose_unit"
    ]


def test_one_quantity_in_two_columns_is_refused():
    assert problems_of("subject,dose_mg_kg,conc_nM,conc_uM\na,1,1,0.001\n") == [
        "line 1: columns conc_nM and conc_uM are the same quantity twice; keep the one the assay was done in"
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty; its first line must name the columns"),
        ("subject,dose_mg_kg,conc_nM\n", "a header and no rows"),
    ],
    ids=["nothing", "header only"],
)
def test_a_table_without_rows(text, sentence):
    with pytest.raises(BadInput, match=sentence):
        read(text)


def test_a_file_that_is_not_there_or_not_text(tmp_path):
    with pytest.raises(BadInput, match=r"no such file.*--template"):
        read_table(tmp_path / "none.csv", COLUMNS)
    with pytest.raises(BadInput, match="cannot be read"):
        read_table(tmp_path, COLUMNS)
    (tmp_path / "bad.csv").write_bytes(b"subject\n\xff\xfe\n")
    with pytest.raises(BadInput, match="byte 8 is not UTF-8"):
        read_table(tmp_path / "bad.csv", COLUMNS)


def test_a_stray_comma_and_a_doubled_column():
    assert "has 4 cells for 3 columns" in problems_of("subject,dose_mg_kg,conc_nM\na,1,1,9\n")[0]
    assert "column subject stands 2 times" in problems_of("subject,subject,dose_mg_kg,conc_nM\na,a,1,1\n")[0]


@given(st.text(max_size=200))
def test_any_text_gives_a_table_or_a_sentence(text):
    try:
        read(text)
    except BadInput as error:
        assert str(error)


@given(st.lists(st.text(alphabet="a1,.<>-µM BLQ", max_size=6), min_size=1, max_size=5))
def test_any_cells_give_a_table_or_a_sentence(cells):
    body = "".join(f'a,1,"{cell}"\n' for cell in cells)
    try:
        frame = read("subject,dose_mg_kg,conc_nM\n" + body).frame
    except BadFile as error:
        assert all(problem.key.startswith("line ") for problem in error.problems)
    else:
        assert (frame["conc"].isna() | (frame["conc"] >= 0)).all()


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_endings_do_not_matter(tmp_path, ending):
    path = tmp_path / "t.csv"
    path.write_bytes("subject,dose_mg_kg,conc_nM\na,1,10\nb,3,20\n".replace("\n", ending).encode())
    assert header_of(path) == ["subject", "dose_mg_kg", "conc_nM"]
    table = read_table(path, COLUMNS)
    assert table.frame["line"].tolist() == [2, 3] and table.frame["conc"].tolist() == [10, 20]


def test_blank_lines_are_passed_over_and_lines_keep_their_numbers():
    table = read("subject,dose_mg_kg,conc_nM\n\na,1,10\n,,\nb,3,20\n")
    assert table.frame["line"].tolist() == [3, 5]


def test_short_rows_are_blank_at_their_end():
    assert math.isnan(read("subject,dose_mg_kg,conc_nM\na,1\n").frame["conc"][0])
    assert problems_of("subject,conc_nM,dose_mg_kg\na,1\n") == ["line 2: dose (mg/kg) is blank: dose"]


@pytest.mark.parametrize(
    "cell",
    ["1_000", "1e400", "1e300", "-1e40", "1e-300", "inf", "-inf", "NaN5", "0x10", "1 2", "--1", "1,5", "10 %", "½"],
)
def test_what_is_no_plain_number_is_never_read_as_one(cell):
    (problem,) = problems_of(f'subject,dose_mg_kg,conc_nM\na,1,"{cell}"\n')
    assert problem.startswith("line 2: conc (nM) ")


@pytest.mark.parametrize(
    ("cell", "value"), [("1e-3", 0.001), (" 5 ", 5.0), ("+2", 2.0), (".5", 0.5), ("5.", 5.0), ("0", 0.0)]
)
def test_plain_numbers_as_programs_write_them(cell, value):
    assert read(f'subject,dose_mg_kg,conc_nM\na,1,"{cell}"\n').frame["conc"].tolist() == [value]


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "nan", ".", "-", "None?"])
def test_ways_to_say_missing(cell):
    text = f"subject,dose_mg_kg,conc_nM\na,1,{cell}\n"
    if cell == "None?":
        assert "not a number" in problems_of(text)[0]
    else:
        frame = read(text).frame
        assert math.isnan(frame["conc"][0]) and not frame["conc_below"][0]


@pytest.mark.parametrize(
    ("cell", "limit"),
    [("BLQ", None), ("<LOQ", None), ("< lloq", None), ("n.d.", None), ("<0.05", 0.05), ("< 1e-3", 1e-3)],
)
def test_ways_to_say_below_the_limit(cell, limit):
    frame = read(f"subject,dose_mg_kg,conc_nM\na,1,{cell}\n").frame
    assert frame["conc_below"].tolist() == [True]
    assert frame["conc"][0] == limit if limit else math.isnan(frame["conc"][0])


def test_limits_are_converted_with_their_rows():
    frame = read("subject,dose_mg_kg,conc,conc_unit\na,0,1,nM\nb,0,<0.002,uM\n").frame
    assert frame["conc"].tolist() == pytest.approx([1, 2]) and frame["conc_below"].tolist() == [False, True]


def test_a_value_without_its_unit_is_refused_and_a_blank_row_without_one_is_not():
    (problem,) = problems_of("subject,dose_mg_kg,conc,conc_unit\na,0,1,nM\nb,0,2,\n")
    assert problem.startswith("line 3: conc_unit '' cannot be turned into nM")
    assert math.isnan(read("subject,dose_mg_kg,conc,conc_unit\na,0,1,nM\nb,0,,\n").frame["conc"][1])
    assert "conc_unit is blank" in problems_of("subject,dose_mg_kg,conc,conc_unit\na,0,,\n")[0]


def test_an_unknown_kind_of_dose_is_refused():
    (problem,) = problems_of("subject,dose,dose_unit,conc_nM\na,1,mg/kg,1\nb,1,drops,1\n")
    assert problem == "line 3: dose_unit is 'drops'; write one of mg/kg, mM"


def test_no_more_than_twenty_problems_are_listed():
    assert len(problems_of("subject,dose_mg_kg,conc_nM\n" + "a,x,y\n" * 50)) == 20


def test_columns_that_nobody_asked_for_are_left_alone():
    table = read("note,subject,dose_mg_kg,conc_nM,conc_ml_weird\nhello,a,1,10,?\n")
    assert list(table.frame.columns) == ["line", "subject", "region", "dose", "conc", "conc_below"]


MEASURED = st.one_of(st.just(0.0), st.floats(1e-29, 1e29))


@given(
    st.lists(st.tuples(MEASURED, st.one_of(st.none(), MEASURED)), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t"]),
)
def test_numbers_that_are_written_are_the_numbers_that_are_read(rows, separator):
    text = "subject,dose_mg_kg,conc_nM\n".replace(",", separator)
    text += "".join(separator.join(["a", repr(dose), "" if c is None else repr(c)]) + "\n" for dose, c in rows)
    frame = read(text).frame
    assert frame["dose"].tolist() == [dose for dose, _ in rows]
    assert [None if math.isnan(c) else c for c in frame["conc"]] == [c for _, c in rows]
