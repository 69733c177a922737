"""Audacity label tracks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given

from behavior.formats import audacity
from behavior.formats.calls import Annotation, CallTable, losses
from behavior.model.errors import BadFile, BadInput
from formats.examples import call_tables


def track(tmp_path: Path, text: str) -> CallTable:
    path = tmp_path / "labels.txt"
    path.write_bytes(text.encode())
    return audacity.read(path)


def test_labels_with_and_without_a_band(tmp_path: Path) -> None:
    found = track(tmp_path, "0.500000\t0.750000\tflat call\n\\\t21000.0\t24000.0\n1.0\t1.0\tpoint\n")
    assert found.rows == (
        Annotation(0.5, 0.75, 21_000, 24_000, "flat call"),
        Annotation(1.0, 1.0, None, None, "point"),
    )


def test_a_band_that_was_marked_on_one_side_only(tmp_path: Path) -> None:
    found = track(tmp_path, "0.5\t0.75\t\n\\\t21000\t-1.000000\n")
    assert (found.rows[0].low_hz, found.rows[0].high_hz) == (21_000, None)


def test_tabs_in_a_label_stay(tmp_path: Path) -> None:
    assert track(tmp_path, "1\t2\ta\tb\n").rows[0].label == "a\tb"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\\\t1\t2\n1\t2\tx\n", "line 1: a band stands before the first label"),
        ("1\t2\tx\n3\n", "line 2: must be onset, tab, offset, tab, label"),
        ("1\t2\tx\n3\t2\ty\n", r"line 2: the offset \(2\) must not be before the onset \(3\)"),
        ("1\t2\tx\n1,5\t2\ty\n", "line 2: must be a number .*write a decimal point"),
        ("1\t2\tx\n1\tinf\ty\n", "line 2: must be finite"),
    ],
)
def test_lines_that_cannot_be_used(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadFile, match=sentence):
        track(tmp_path, text)


def test_a_line_end_in_a_label_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="the label of row 1 holds a line end"):
        audacity.write(tmp_path / "out.txt", CallTable((Annotation(1, 2, label="a\nb"),)))
    assert not (tmp_path / "out.txt").exists()


@given(calls=call_tables())
def test_there_and_back(calls: CallTable, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("audacity") / "out.txt"
    audacity.write(path, calls)
    assert audacity.read(path) == calls


def test_what_a_track_cannot_hold_is_named(tmp_path: Path) -> None:
    before = CallTable((Annotation(1, 2, 3, 4, "a", "rat.wav", {"score": "7"}),))
    audacity.write(tmp_path / "out.txt", before)
    assert losses(before, audacity.read(tmp_path / "out.txt")) == ("file", "score")
