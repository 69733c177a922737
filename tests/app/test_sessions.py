"""The commands on recorded sessions: verify, rescore; and simulate, which makes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.commands import behavior
from behavior.scoring.finish import finish_session
from session.recorded import record


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    for subject in ("R1", "R2"):
        finish_session(record(tmp_path / "data", subject=subject))
    return tmp_path / "data"


def journal_of(dataset: Path, subject: str) -> Path:
    return next((dataset / f"sub-{subject}").glob("*/journal.jsonl"))


def test_verify_says_that_all_hold(dataset: Path) -> None:
    done = behavior("verify", dataset)
    assert (done.code, done.err) == (0, "")
    assert [line.split()[0] for line in done.out.splitlines()] == ["holds", "holds"]


def test_verify_goes_on_after_one_that_does_not_hold_and_exits_with_1(dataset: Path) -> None:
    journal = journal_of(dataset, "R1")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:4], lines[4].replace(b"0", b"1", 1), *lines[5:]]))
    done = behavior("verify", dataset, "--json")
    assert done.code == 1
    first, second = json.loads(done.out)
    assert (first["holds"], second["holds"]) == (False, True)
    assert "line 5 is damaged" in first["why"]
    assert done.err.startswith("behavior: 1 of 2 sessions do not hold: sub-R1/")


def test_rescoring_gives_the_same_and_says_what_an_older_score_had(dataset: Path) -> None:
    score = journal_of(dataset, "R2").parent / "score.json"
    document = json.loads(score.read_text())
    document["session"]["n_punished_presses"] += 1
    score.write_text(json.dumps(document))
    done = behavior("rescore", dataset)
    assert done.code == 0
    same, differs = done.out.splitlines()
    assert same.startswith("the same sub-R1")
    assert differs.startswith("differs  sub-R2")
    assert "n_punished_presses" in differs
    assert behavior("rescore", dataset, "--check").out.count("the same") == 2


def test_a_torn_and_a_damaged_journal_are_scored_as_far_as_they_can_be_read(dataset: Path) -> None:
    torn, damaged = journal_of(dataset, "R1"), journal_of(dataset, "R2")
    torn.write_bytes(torn.read_bytes()[:-40])
    lines = damaged.read_bytes().splitlines(keepends=True)
    damaged.write_bytes(b"".join([*lines[:9], b"?" + lines[9][1:], *lines[10:]]))
    done = behavior("rescore", dataset)
    assert done.code == 0
    assert "torn" in done.out.splitlines()[0]
    assert "line 10 is damaged" in done.out.splitlines()[1]


def test_check_writes_nothing(dataset: Path) -> None:
    score = journal_of(dataset, "R1").parent / "score.json"
    score.unlink()
    done = behavior("rescore", score.parent, "--check")
    assert done.code == 0
    assert "there was no score" in done.out
    assert not score.exists()


@pytest.mark.parametrize("command", ["verify", "rescore"])
def test_where_there_is_no_session(tmp_path: Path, command: str) -> None:
    done = behavior(command, tmp_path)
    assert done.code == 2
    assert "no session " in done.err


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("name = \nseed == 2\n[[arms\n", ["3 problems", "line 1", "line 2", "line 3"]),
        ('name = "x"\nbudget = 3\n', ["title: is missing; add it", "budget: is not known here", "arms: is missing"]),
    ],
    ids=["not TOML", "wrong keys"],
)
def test_all_errors_of_a_study_come_at_once(tmp_path: Path, text: str, sentences: list[str]) -> None:
    (tmp_path / "study.toml").write_text(text)
    done = behavior("simulate", tmp_path / "study.toml", "--out", tmp_path / "data")
    assert done.code == 2
    for sentence in sentences:
        assert sentence in done.err
    assert not (tmp_path / "data").exists()


def test_a_folder_that_holds_something_is_never_written_into(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").write_text("x")
    done = behavior("simulate", "first-light", "--out", tmp_path / "data")
    assert done.code == 2
    assert "is there already and nothing is ever overwritten" in done.err
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["precious"]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = behavior("simulate", "sample", "--out", tmp_path / "file" / "data")
    assert done.code == 2
    assert "cannot be written to (Not a directory); name a folder that you may write to" in done.err


def test_an_unknown_study_is_said_with_the_shipped_ones(tmp_path: Path) -> None:
    done = behavior("simulate", "second-light", "--out", tmp_path / "data")
    assert done.code == 2
    assert "(shipped: " in done.err
    assert "first-light, " in done.err


def test_a_negative_dose_in_a_study(tmp_path: Path) -> None:
    from behavior.config.shipped import shipped

    text = shipped("configs", "studies", "first-light.toml").read_text(encoding="utf-8")
    (tmp_path / "study.toml").write_text(text.replace("[0, 1, 2.5, 5, 10]", "[0, -1, 2.5, 5, 10]"))
    done = behavior("simulate", tmp_path / "study.toml", "--out", tmp_path / "data")
    assert done.code == 2
    assert "arms.1.doses_mg_kg.2: must be 0.0 or more (is -1)" in done.err
