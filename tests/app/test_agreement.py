"""`behavior agreement`: human annotations as truth, between raters, and every sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.commands import behavior
from behavior.app.cli import app
from behavior.model.errors import BadInput
from formats.examples import RAVEN_WHOLE_HERTZ

AUDACITY = "0.502\t0.755\tflat\n1.5\t1.6\tflat\n2.0\t2.1\tflat\n"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    (tmp_path / "truth.txt").write_text(RAVEN_WHOLE_HERTZ)
    (tmp_path / "second.txt").write_text(AUDACITY)
    (tmp_path / "two.csv").write_text("file,onset_s,offset_s\na.wav,1,2\nb.wav,1,2\n")
    (tmp_path / "one.csv").write_text("file,onset_s,offset_s\na.wav,1,2\nquiet.wav,,\n")
    return tmp_path


def test_an_audacity_track_beside_a_raven_table(tables: Path) -> None:
    done = behavior("agreement", "truth.txt", "second.txt", cwd=tables)
    assert done.code == 0, done.err
    assert "1 recording: 2 true, 3 found" in done.out
    assert "overlap at all                     0.667    1.000    0.800   2 paired" in done.out
    assert "onset error +1.0 ms in the middle" in done.out
    assert "labels of 2 pairs: 50 % alike, kappa 0.000" in done.out


def test_as_json_with_tolerances_and_by_recording(tables: Path) -> None:
    done = behavior(
        "agreement", "truth.txt", "second.txt", "--tolerance-ms", "1", "--overlap", "1", "--by-recording", "--json",
        cwd=tables,
    )  # fmt: skip
    result = json.loads(done.out)
    assert (result["all"]["onset"]["n_paired"], result["all"]["iou"]["n_paired"]) == (1, 1)
    assert result["all"]["onset_error_ms"]["median"] == 0.0
    assert len(result) == 2


def test_a_recording_without_calls_is_known_to_be_one(tables: Path) -> None:
    done = behavior("agreement", "one.csv", "two.csv", cwd=tables)
    assert done.code == 2
    assert "two.csv: has calls in b, which one.csv does not know" in done.err
    known = behavior("agreement", "one.csv", "two.csv", "--recording", "b.wav", cwd=tables)
    assert "3 recordings: 1 true, 2 found" in known.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["truth.txt", "two.csv"], "truth.txt: does not name its recording, and the other table has 2"),
        (["nowhere.csv", "two.csv"], "nowhere.csv: there is no such file"),
        (["truth.txt", "truth.txt", "--label-column", "Mood"], "has no Mood"),
    ],
)
def test_what_cannot_be_compared(
    tables: Path, arguments: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tables)
    done = CliRunner().invoke(app, ["agreement", *arguments])
    assert isinstance(done.exception, BadInput)
    assert sentence in str(done.exception)
