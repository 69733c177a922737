"""MED-PC files: every layout, nothing lost, and what is wrong named by its line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.formats import medpc
from behavior.formats.medpc import MedPCFile, compose, parse
from behavior.model.errors import BadInput

HEADER = {
    "Start Date": "03/02/26",
    "End Date": "03/02/26",
    "Subject": "R01",
    "Experiment": "conflict",
    "Group": "1",
    "Box": "1",
    "Start Time": "09:00:00",
    "End Time": "10:00:00",
    "MSN": "PROGRAM",
}
TIMES = [0.0, 1.5, -10.01, 12345.678, 0.0, 0.0, 7.0]


def written(tmp_path: Path, data: bytes) -> MedPCFile:
    path = tmp_path / "file.txt"
    path.write_bytes(data)
    return medpc.read(path)


def test_the_real_files_are_read_and_come_back_byte_for_byte(shared: Path, tmp_path: Path) -> None:
    n_sessions = 0
    for path in sorted((shared / "data" / "medpc").glob("*.txt")):
        if "not_medpc" in path.name:
            continue
        file = medpc.read(path)
        medpc.write(tmp_path / path.name, file)
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
        assert [session.problems for session in file.sessions] == [()] * len(file.sessions)
        n_sessions += len(file.sessions)
    assert n_sessions == 9


def test_every_number_and_word_of_the_real_files_is_in_what_was_read(shared: Path) -> None:
    for path in sorted((shared / "data" / "medpc").glob("*.txt")):
        if "not_medpc" in path.name:
            continue
        file = medpc.read(path)
        left = file.text.split()
        found = file.preamble.split()
        for session in file.sessions:
            for key, value in session.header.items():
                found += [*f"{key}:".split(), *value.split()]
            for variable in session.variables.values():
                found += [f"{variable.name}:", *variable.texts]
        rows = [word for word in left if word.removesuffix(":").isdigit() and word.endswith(":")]
        assert sorted(left) == sorted([*found, *rows])


def test_a_file_of_another_box_says_what_it_is(shared: Path) -> None:
    path = next((shared / "data" / "medpc").glob("*not_medpc*"))
    with pytest.raises(BadInput, match=r"is not a MED-PC data file: it has no line `Start Date:`, .*`code: time`"):
        medpc.read(path)


@pytest.mark.parametrize("columns", [1, 3, 5, 8])
@pytest.mark.parametrize("decimals", [0, 1, 3])
@pytest.mark.parametrize("end", ["as written", "\r\n", "\n", "\r"])
def test_any_diskformat_and_line_ends(columns: int, decimals: int, end: str) -> None:
    made = compose("x", [(HEADER, {"D": TIMES, "L": -3.0}), (HEADER, {"D": TIMES})], columns=columns, decimals=decimals)
    text = made.text if end == "as written" else made.text.replace("\r\r\n", "\n").replace("\r\n", "\n")
    text = text if end == "as written" else text.replace("\n", end)
    file = parse(text)
    assert file.text == text
    assert [session.problems for session in file.sessions] == [(), ()]
    for session in file.sessions:
        assert session.variables["D"].texts == tuple(f"{number:.{decimals}f}" for number in TIMES)
    scalar = file.sessions[0].variables["L"]
    assert (scalar.texts, scalar.is_array) == ((f"{-3.0:.{decimals}f}",), False)


def test_both_forms_of_the_year_an_end_on_the_next_day_and_hours_padded_with_a_space() -> None:
    late = {**HEADER, "Start Time": " 9:44:48", "Start Date": "12/31/1999", "End Date": "01/01/2000"}
    (session,) = compose("x", [(late, {"A": 1.0})]).sessions
    assert session.started == datetime(1999, 12, 31, 9, 44, 48)
    assert session.ended == datetime(2000, 1, 1, 10, 0, 0)
    assert medpc.moment("01/31/14", "11:16:48") == datetime(2014, 1, 31, 11, 16, 48)


def test_a_header_value_keeps_its_colons_and_slashes() -> None:
    group = "6/ Sex: Male/ Genotype: TetO1B/ Dox: P60"
    (session,) = compose("x", [({**HEADER, "Group": group, "Subject": "0"}, {"A": 1.0})]).sessions
    assert (session.header["Group"], session.header["Subject"]) == (group, "0")


def test_remarks_anywhere_are_kept_and_are_no_data() -> None:
    text = compose("x", [(HEADER, {"D": [1.0, 2.0, 3.0]})], columns=2, remarks=["before"]).text
    text = text.replace("     2:", "\\between rows: 5\r\n     2:")
    (session,) = parse(text).sessions
    assert session.remarks == ("before", "between rows: 5")
    assert session.variables["D"].texts == ("1.000", "2.000", "3.000")
    assert session.problems == ()


def test_numbers_that_fill_their_columns_and_touch_are_told_apart() -> None:
    numbers = [123456789.125, 987654321.5, -987654321.25]
    text = compose("x", [(HEADER, {"C": [1.0], "D": numbers})]).text
    squeezed = text.replace("123456789.125 987654321.500", "123456789.125987654321.500")
    assert squeezed != text
    (session,) = parse(squeezed).sessions
    assert (session.variables["D"].texts, session.problems) == (
        ("123456789.125", "987654321.500", "-987654321.250"),
        (),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16-le", "utf-16-be"])
def test_names_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    text = compose("x", [({**HEADER, "Group": "Jürgen"}, {"A": 1.0})]).text
    text = "\ufeff" + text if encoding.startswith("utf-16") else text
    file = written(tmp_path, text.encode(encoding))
    assert file.sessions[0].header["Group"] == "Jürgen"
    assert medpc.FORMAT.sniff(tmp_path / "file.txt", text.encode(encoding))
    medpc.write(tmp_path / "again.txt", file)
    assert (tmp_path / "again.txt").read_bytes() == text.encode(encoding)


def test_files_that_were_joined_are_several_sessions() -> None:
    one = compose("first", [(HEADER, {"D": [1.0, 2.0]})]).text
    file = parse(one + compose("second", [(HEADER, {"D": [3.0]})]).text)
    assert [session.variables["D"].texts for session in file.sessions] == [("1.000", "2.000"), ("3.000",)]
    assert [session.problems for session in file.sessions] == [(), ()]
    assert file.sessions[1].text.lstrip().startswith("File: second")
    assert file.sessions[0].text in one


def test_lines_that_a_lab_added_to_the_header_are_kept() -> None:
    text = compose("x", [(HEADER, {"A": 1.0})]).text.replace("Box: 1", "Box: 1\r\nWeight (g): 300: fasted")
    (session,) = parse(text).sessions
    assert (session.header["Weight (g)"], session.problems) == ("300: fasted", ())


def test_an_end_that_was_not_written_is_no_damage() -> None:
    text = compose("x", [(HEADER, {"A": 1.0})]).text.replace("End Date: 03/02/26\r\nSubject", "Subject")
    (session,) = parse(text).sessions
    assert (session.ended, session.problems) == (None, ())


def test_numbers_that_are_none_are_kept_as_they_stand() -> None:
    text = compose("x", [(HEADER, {"A": [1.0, 2.0]})]).text.replace("2.000", "1.#INF")
    (session,) = parse(text).sessions
    assert (session.variables["A"].texts, session.problems) == (("1.000", "1.#INF"), ())


def test_a_file_that_holds_every_byte_comes_back(tmp_path: Path) -> None:
    every = bytes(byte for byte in range(1, 256) if byte not in b"\r\n")
    data = compose("x", [(HEADER, {"A": 1.0})]).text.encode() + b"\\" + every + b"\r\n"
    file = written(tmp_path, data)
    medpc.write(tmp_path / "again.txt", file)
    assert (tmp_path / "again.txt").read_bytes() == data


WHOLE = compose("x", [(HEADER, {"D": TIMES, "E": TIMES, "G": 7.0})], columns=3).text


def test_a_file_cut_anywhere_is_read_as_far_as_it_goes_or_refused(tmp_path: Path) -> None:
    for at in range(len(WHOLE)):
        try:
            file = written(tmp_path, WHOLE[:at].encode())
        except BadInput as error:
            assert "is not a MED-PC data file" in str(error)
            continue
        assert file.text == WHOLE[:at]


def test_no_cut_within_a_line_goes_unnoticed(tmp_path: Path) -> None:
    begin = WHOLE.index("Start Date") + len("Start Date: 0")
    silent = [
        at
        for at in range(begin, len(WHOLE) - 2)
        if not parse(WHOLE[:at]).sessions[0].problems and WHOLE[at - 1] not in "\r\n"
    ]
    assert silent == []


def test_an_edited_file_cut_in_a_number_is_noticed() -> None:
    edited = WHOLE.replace("\r\r\n", "\n").replace("\r\n", "\n").rstrip("\n")
    assert parse(edited).sessions[0].problems == ()
    cut = edited[: edited.rindex("12345.678") + 7]
    cut = cut[: cut.rindex("\n")] + "\n     3:    12345.678        0.000        0.0"
    assert any("was cut" in problem for problem in parse(cut).sessions[0].problems)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("MSN: PROGRAM\r\n", "", "the header lacks MSN"),
        ("     3:", "     4:", "a row of D begins at 4 where 3 was to come"),
        ("12345.678", "12,345.678", "'12,345.678' is no number"),
        ("E:\r\n", "D:\r\n", "D stands there twice"),
        ("D:\r\n", "", "a row of numbers stands outside of every array"),
        ("D:\r\n", "D:\r\nhello\r\n", "'hello' is no line of a data file"),
        ("03/02/26\r\nEnd", "31/02/26\r\nEnd", "must be month/day/year"),
        ("Subject: R01\r\n", "Subject: R01\r\nSubject: R02\r\n", "Subject stands in the header twice"),
    ],
)
def test_what_does_not_fit_is_named(old: str, new: str, sentence: str) -> None:
    assert old in WHOLE
    (session,) = parse(WHOLE.replace(old, new, 1)).sessions
    assert any(sentence in problem for problem in session.problems)


def test_a_line_end_in_a_header_cannot_be_written() -> None:
    with pytest.raises(BadInput, match="cannot hold a line end"):
        compose("x", [({**HEADER, "Group": "a\nb"}, {})])
    with pytest.raises(BadInput, match="'AB' is no variable"):
        compose("x", [(HEADER, {"AB": 1.0})])


numbers = st.lists(st.integers(-(10**7), 10**7).map(lambda n: n / 1000), max_size=12)


@given(
    arrays=st.dictionaries(st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), st.one_of(numbers, st.integers(-999, 999))),
    columns=st.integers(1, 7),
    twice=st.booleans(),
)
def test_any_variables_come_back(arrays: dict[str, list[float] | int], columns: int, twice: bool) -> None:
    file = compose("x", [(HEADER, arrays)] * (2 if twice else 1), columns=columns)
    for session in file.sessions:
        assert set(session.variables) == set(arrays)
        for letter, value in arrays.items():
            expected = [value] if isinstance(value, int) else value
            assert [float(text) for text in session.variables[letter].texts] == expected
    assert parse(file.text) == file


def test_the_end_mark_of_an_old_computer_is_no_damage() -> None:
    file = parse(WHOLE + "\x1a")
    assert [session.problems for session in file.sessions] == [()]
    assert file.text == WHOLE + "\x1a"
