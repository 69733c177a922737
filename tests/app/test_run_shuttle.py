"""A live session in a shuttle box, through other processes, pseudo-terminals and real bytes; and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.commands import behavior
from behavior.model.commands import Command, SetCue, SetGate
from behavior.model.events import Crossed, ShockEnded
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.verify import verify

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)
WHO = ["--subject", "R1", "--experimenter", "me", "--weight-g", 280, "--dose-mg-kg", 0, "--vehicle", "saline"]
QUICK = """
habituation_s = 0.5
n_trials = 2
iti_s = 0.5
cs_s = 0.5
us_s = 1.5
gate = "session"
helpless_min_failures = 2
"""


def run(folder: Path, chamber: str, text: str, rig: str = "simulated-shuttle") -> tuple[int, str]:
    (folder / "p.toml").write_text(text)
    done = behavior(
        "run", rig, "--chamber", chamber, "--paradigm", "shuttle_escape", "--parameters", folder / "p.toml",
        "--out", folder / "data", "--seed", 14, "--simulate", *WHO,
    )  # fmt: skip
    return done.code, done.err


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """Two trials, in the gated box."""
    folder = tmp_path_factory.mktemp("live")
    code, said = run(folder, "B", QUICK)
    assert code == 0, said
    return next(iter(find_sessions(folder / "data")))


def test_a_shuttle_session_runs_live_to_its_end_and_holds(session: SessionFolder) -> None:
    assert session.footer is not None
    assert session.footer.reason == "completed"
    assert verify(session).remarks == ()
    assert {device.kind for device in session.header.devices} == {"shock_controller", "shuttle_box"}
    assert differences(read_score(session.path), rescore(session)) == []


def test_the_rat_was_warned_and_shocked_and_ran(session: SessionFolder) -> None:
    items = session.read().items
    commands = [item for item in items if isinstance(item, Command)]
    assert (commands.count(SetCue("light", on=True)), commands.count(SetCue("light", on=False))) == (2, 2)
    assert commands.count(SetGate(open=True)) == commands.count(SetGate(open=False)) == 1
    (crossed,) = [item for item in items if isinstance(item, Crossed)]
    first, _ = [item for item in items if isinstance(item, ShockEnded)]
    assert crossed.side == "right"
    assert first.cause == "stopped"
    assert first.at_us > crossed.at_us, "its crossing ended the shock"


@pytest.mark.parametrize(("rig", "chamber", "sentence"), [
    ("simulated-shuttle", "A", "chamber A has nothing that takes SetGate; use another chamber or rig"),
    ("simulated", "A", "chamber A has nothing that takes SetGate, or reports Crossed; use another chamber or rig"),
])  # fmt: skip
def test_a_chamber_that_cannot_is_refused_before_anything_moves(
    tmp_path: Path, rig: str, chamber: str, sentence: str
) -> None:
    code, said = run(tmp_path, chamber, QUICK, rig)
    assert (code, said.count("\n")) == (2, 1)
    assert sentence in said
    assert not (tmp_path / "data").exists()
