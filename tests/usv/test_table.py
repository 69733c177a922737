import dataclasses
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.errors import BadFile, BadInput
from behavior.usv.table import TableWriter, read_calls, write_calls

TEXT = ("file", "call_type")
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)
numbers = st.floats(allow_nan=False)
calls = st.builds(Call, **{f.name: words if f.name in TEXT else numbers for f in dataclasses.fields(Call)})


@settings(max_examples=50, deadline=None)
@given(st.lists(calls, max_size=4))
def test_what_is_written_is_read_back_to_the_last_bit(tmp_path_factory, calls):
    path = tmp_path_factory.mktemp("table") / "calls.csv"
    write_calls(path, calls)
    assert read_calls(path) == calls


def test_a_table_without_calls_is_its_header():
    stream = io.StringIO()
    TableWriter(stream)
    assert stream.getvalue() == ",".join(CALL_COLUMNS) + "\n"


def test_missing_columns_come_all_at_once(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text("file,onset_s\na.wav,1\n")
    with pytest.raises(BadFile) as error:
        read_calls(path)
    assert {problem.key for problem in error.value.problems} == set(CALL_COLUMNS) - {"file", "onset_s"}


def test_what_is_no_number_is_said_with_its_line_and_column(tmp_path):
    path = tmp_path / "calls.csv"
    good = ["a.wav", *["1"] * 15, "50-kHz FM", "1"]
    bad = ["a.wav", "soon", *["1"] * 14, "50-kHz FM", "much"]
    path.write_text("\n".join(map(",".join, ([*CALL_COLUMNS], good, bad))) + "\n")
    with pytest.raises(BadFile) as error:
        read_calls(path)
    assert [problem.key for problem in error.value.problems] == ["line 3, onset_s", "line 3, score"]


def test_a_short_row_is_a_problem_and_no_crash(tmp_path):
    path = tmp_path / "calls.csv"
    path.write_text(",".join(CALL_COLUMNS) + "\na.wav,1\n")
    with pytest.raises(BadFile, match="line 2"):
        read_calls(path)


def test_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        read_calls(tmp_path / "none.csv")
    (tmp_path / "a.wav").write_bytes(bytes(range(256)))
    with pytest.raises(BadInput, match="not a CSV table"):
        read_calls(tmp_path / "a.wav")
