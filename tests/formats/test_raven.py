"""Raven selection tables, as Raven and as other programs write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from behavior.formats import raven
from behavior.formats.calls import Annotation, CallTable, from_calls, to_calls
from behavior.model.errors import BadFile, BadInput
from formats.examples import RAVEN_WHOLE_HERTZ, call_tables
from scoring.sessions import call


def table(tmp_path: Path, text: str, encoding: str = "utf-8") -> CallTable:
    path = tmp_path / "table.txt"
    path.write_bytes(text.encode(encoding))
    return raven.read(path)


def test_whole_hertz_two_views_and_a_label_column_of_ones_own(tmp_path: Path) -> None:
    found = table(tmp_path, RAVEN_WHOLE_HERTZ)
    assert found.label_column == "Rater"
    first, second = found.rows
    assert (first.onset_s, first.offset_s, first.low_hz, first.high_hz, first.label) == (
        0.5,
        0.75,
        21000,
        24000,
        "flat",
    )
    assert first.more == {"Selection": "1", "View": "Spectrogram 1", "Channel": "1", "Delta Time (s)": "0.25"}
    assert (second.low_hz, second.label) == (48_000, "trill")


def test_whole_hertz_stay_whole_when_written(tmp_path: Path) -> None:
    raven.write(tmp_path / "out.txt", table(tmp_path, RAVEN_WHOLE_HERTZ))
    assert "\t21000\t24000\t" in (tmp_path / "out.txt").read_text()
    assert raven.read(tmp_path / "out.txt") == table(tmp_path, RAVEN_WHOLE_HERTZ)


def test_a_table_without_frequencies_has_none(tmp_path: Path) -> None:
    found = table(tmp_path, "Begin Time (s)\tEnd Time (s)\tAnnotation\n1\t2\tsqueak\n")
    assert found.rows == (Annotation(1.0, 2.0, None, None, "squeak"),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["Unix", "Windows", "old Mac"])
def test_any_encoding_and_line_end(tmp_path: Path, encoding: str, end: str) -> None:
    text = f"Begin Time (s)\tEnd Time (s)\tAnnotation{end}1\t2\tGrüße{end}"
    path = tmp_path / "table.txt"
    path.write_bytes(text.encode(encoding))
    assert raven.read(path).rows[0].label == "Grüße"
    assert raven.FORMAT.sniff(path, path.read_bytes())


@pytest.mark.parametrize("column", ["Annotation", "annotation", "Call type", "species", "My own judgement"])
def test_the_label_is_in_any_column(tmp_path: Path, column: str) -> None:
    found = table(tmp_path, f"Begin Time (s)\tEnd Time (s)\tPeak Freq (Hz)\t{column}\n1\t2\t22000\tlong\n")
    assert (found.rows[0].label, found.label_column) == ("long", column)


def test_of_two_columns_with_words_none_is_guessed_and_one_can_be_chosen(tmp_path: Path) -> None:
    found = table(tmp_path, "Begin Time (s)\tEnd Time (s)\tfirst rater\tsecond rater\n1\t2\tflat\ttrill\n")
    assert found.rows[0].label == ""
    chosen = found.labelled_by("second rater")
    assert chosen.rows[0].label == "trill"
    assert chosen.rows[0].more == {"first rater": "flat"}
    with pytest.raises(BadFile, match=r"third rater.*\n.*\n.*the other columns are first rater, second rater"):
        found.labelled_by("third rater")


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    rows = "1\tx\t2\t3\n2\t1\t2,5\t4\n3\t1\t\t\n4\t2\t1\t\n"
    with pytest.raises(BadFile) as raised:
        table(tmp_path, f"Selection\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\n{rows}")
    text = str(raised.value)
    assert "line 2, Begin Time (s): must be a number (is 'x')" in text
    assert "line 3, End Time (s): must be a number (is '2,5'); write a decimal point" in text
    assert "line 4, End Time (s): is empty; fill it in" in text
    assert "line 5, End Time (s): must not be before Begin Time (s) (is 1)" in text


def test_a_table_without_ends_names_the_column(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"End Time \(s\): this column is missing"):
        table(tmp_path, "Selection\tBegin Time (s)\n1\t2\n")


def test_two_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="Annotation: two columns have this name"):
        table(tmp_path, "Begin Time (s)\tEnd Time (s)\tAnnotation\tAnnotation\n1\t2\ta\tb\n")


def test_a_tab_in_a_label_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="row 1 holds a tab or line end"):
        raven.write(tmp_path / "out.txt", CallTable((Annotation(1, 2, label="a\tb"),)))
    assert not (tmp_path / "out.txt").exists()


def test_calls_of_the_detector_come_back_to_the_last_bit(tmp_path: Path) -> None:
    calls = [call(0.1, 1 / 3, 22_123.456789), call(7.0, 0.5)]
    raven.write(tmp_path / "out.txt", from_calls(calls))
    assert to_calls(raven.read(tmp_path / "out.txt"), tmp_path / "out.txt") == calls


def test_a_table_that_lacks_what_calls_have_names_it(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="row 1: has no duration_s, peak_hz"):
        to_calls(table(tmp_path, RAVEN_WHOLE_HERTZ), tmp_path)


@given(calls=call_tables(more=True))
def test_there_and_back(calls: CallTable, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("raven") / "out.txt"
    raven.write(path, calls)
    back = raven.read(path)
    own = ("Selection", "View", "Channel")
    strip = [(r.onset_s, r.offset_s, r.low_hz, r.high_hz, r.label) for r in back.rows]
    assert strip == [(r.onset_s, r.offset_s, r.low_hz, r.high_hz, r.label) for r in calls.rows]
    assert [{k: v for k, v in r.more.items() if k not in own} for r in back.rows] == [r.more for r in calls.rows]
