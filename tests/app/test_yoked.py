"""The yoked partner of a master, run live: the master's shocks again, by the device that gives them."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.commands import behavior
from app.test_run import WHAT, WHO, pytestmark
from behavior.model.events import ShockEnded
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify
from scoring.test_yoke import session

__all__ = ["pytestmark"]
QUICK = {"group": "escapable", "n_shocks": 3, "interval_s": 1.5, "shock_s": 1.0}


@pytest.fixture
def master(tmp_path: Path) -> SessionFolder:
    return session(tmp_path / "masters", parameters=QUICK, subject="M1")


def run(tmp_path: Path, *more: object):
    where = ["run", "simulated", "--chamber", "A", "--out", tmp_path / "data", "--seed", 3, "--simulate"]
    return behavior(*where, *WHO, *WHAT, *more)


def test_a_yoked_subject_gets_the_masters_shocks_and_the_header_says_whose(
    master: SessionFolder, tmp_path: Path
) -> None:
    done = run(tmp_path, "--paradigm", "helplessness_induction", "--master", master.path)
    assert done.code == 0, done.err
    (folder,) = find_sessions(tmp_path / "data")
    ours, theirs = ([item for item in one.read().items if isinstance(item, ShockEnded)] for one in (folder, master))
    assert len(ours) == len(theirs) == 3
    for mine, its in zip(ours, theirs, strict=True):
        assert mine.duration_us == pytest.approx(its.duration_us, abs=1_000)  # devices time whole milliseconds
        assert mine.delivered_ma == pytest.approx(0.8, rel=0.01)
    asked_s = [shock["onset_s"] for shock in folder.header.parameters["master_shocks"]]
    assert asked_s == [(item.at_us - item.duration_us) / 1e6 for item in theirs]
    assert folder.header.remarks == (f"yoked to M1, session {master.name}",)
    assert verify(folder).remarks == ()


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--paradigm", "geller_seifter"], "--master is for the paradigm helplessness_induction"),
        (
            ["--paradigm", "helplessness_induction", "--parameters", "helplessness_induction-master"],
            "--master brings all parameters of the master's session; leave out --parameters",
        ),
    ],
    ids=["another paradigm", "parameters too"],
)
def test_what_contradicts_a_master_is_one_sentence(
    master: SessionFolder, tmp_path: Path, more: list[str], sentence: str
) -> None:
    done = run(tmp_path, *more, "--master", master.path)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert sentence in done.err
    assert not (tmp_path / "data").exists()


def test_a_master_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    done = run(tmp_path, "--paradigm", "helplessness_induction", "--master", tmp_path / "nobody")
    assert done.code == 2
    assert "no session here (no header.json); name a session's folder" in done.err
