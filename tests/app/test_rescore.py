"""`behavior rescore --channels`: recordings of sampled channels, as a lab has them that never had a journal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.commands import behavior
from behavior.scoring.score import read_score
from scoring.test_signals import SHUTTLE_MAP, same, shuttle_session


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A simulated session as channels, with bouncing contacts, brushed beams and noise."""
    table, _ = shuttle_session(2)
    np.save(tmp_path / "box.npy", table)
    (tmp_path / "map.toml").write_text(SHUTTLE_MAP)
    return tmp_path / "box.npy"


def test_a_recording_gives_the_trials_and_counts_of_its_journal(recording: Path) -> None:
    _, truth = shuttle_session(2)
    done = behavior("rescore", recording, "--channels", recording.with_name("map.toml"))
    assert (done.code, done.err.count("ERROR")) == (0, 0)
    place = recording.with_name("box_score")
    assert done.out.rstrip() == f"differs  box.npy; there was no score; written to {place}"
    score = read_score(place)
    counts = ["n_trials", "n_avoidances", "n_escapes", "n_failures", "n_trials_invalid", "n_intertrial_crossings"]
    same(score, truth, counts, ["latency_cs_s", "latency_us_s"])
    assert [row["outcome"] for row in score.rows] == [row["outcome"] for row in truth.rows]
    document = json.loads((place / "score.json").read_text())
    assert {"recording_sha256", "channels_sha256"} <= document.keys()


def test_scored_again_it_is_the_same_and_check_writes_nothing(recording: Path) -> None:
    command = ["rescore", recording, "--channels", recording.with_name("map.toml"), "--out", recording.parent / "new"]
    assert "there was no score" in behavior(*command, "--check").out
    assert not (recording.parent / "new").exists()
    behavior(*command)
    files = {path: path.read_bytes() for path in (recording.parent / "new").rglob("*") if path.is_file()}
    assert len(files) == 3
    again = behavior(*command, "--json")
    assert json.loads(again.out)[0]["differences"] == []
    assert {path: path.read_bytes() for path in files} == files


def test_one_that_cannot_be_read_holds_up_no_other(recording: Path) -> None:
    bad = recording.with_name("torn.npy")
    bad.write_bytes(recording.read_bytes()[:50])
    done = behavior("rescore", bad, recording, "--channels", recording.with_name("map.toml"))
    assert done.code == 1
    first, second = done.out.splitlines()
    assert first.startswith("ERROR    torn.npy: ")
    assert second.startswith("differs  box.npy")
    assert done.err.endswith("1 of 2 could not be scored: torn.npy; see above\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["box.npy", "--channels", "none.toml"], "none.toml: there is no such file"),
        (
            ["box.npy", "--out", "x"],
            "no session and no recording in it; name a folder that holds some (sampled channels",
        ),
        ([".", "--channels", "map.toml"], "this is a folder; with --channels, name recordings"),
        (["box.npy", "box.csv", "--channels", "map.toml"], "its score would go to box_score, as another's"),
        (["box.npy", "--channels", "wrong.toml"], "two channels are both column 0; each must have its own"),
    ],
    ids=["no map", "no map said", "a folder", "one place", "a map that contradicts itself"],
)
def test_what_cannot_be_is_one_sentence_with_code_2(recording: Path, arguments: list[str], sentence: str) -> None:
    (recording.parent / "wrong.toml").write_text(SHUTTLE_MAP.replace("column = 1", "column = 0"))
    done = behavior("rescore", *arguments, cwd=recording.parent)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert sentence in done.err
    assert not recording.with_name("box_score").exists()


def test_a_folder_with_something_else_is_left_alone(recording: Path) -> None:
    place = recording.with_name("box_score")
    place.mkdir()
    (place / "precious").write_text("x")
    done = behavior("rescore", recording, "--channels", recording.with_name("map.toml"))
    assert done.code == 1
    assert "holds no score; name another place with --out" in done.out
    assert [path.name for path in place.iterdir()] == ["precious"]
