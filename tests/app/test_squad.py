"""Several chambers at once: confirmed one by one, each a process of its own, stopped and noted on its own."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.commands import COMMAND, behavior
from app.test_run import QUICK, wait_for_a_journal
from behavior.config import read_text
from behavior.config.squad import SquadFile
from behavior.model.errors import BadFile
from behavior.model.events import Noted
from behavior.session.folder import find_sessions
from behavior.session.verify import verify

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)

PLAN = """
[[sessions]]
chamber = "A"
subject = "R1"
paradigm = "geller_seifter"
dose_mg_kg = 0
vehicle = "saline"

[[sessions]]
chamber = "B"
subject = "R2"
paradigm = "geller_seifter"
blind_code = "X7"
"""


@pytest.fixture
def squad(tmp_path: Path) -> subprocess.Popen[str]:
    (tmp_path / "plan.toml").write_text(PLAN)
    process = subprocess.Popen(
        [*COMMAND, "run", "simulated", "--squad", "plan.toml", "--simulate"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
    )
    yield process  # type: ignore[misc]
    process.kill()
    process.communicate()


def test_sessions_are_confirmed_noted_and_stopped_one_by_one(squad: subprocess.Popen[str], tmp_path: Path) -> None:
    assert squad.stdin is not None
    squad.stdin.write("R1\nme\n280\n\nR9\nR2\nme\n290\n00:00\n")
    squad.stdin.flush()
    first, second = (wait_for_a_journal(tmp_path / "data" / f"sub-R{n}") for n in (1, 2))
    squad.stdin.write("A wet bedding\nC hello\nB stop\n")
    squad.stdin.flush()
    wait_for_the_footer(second.path)
    assert first.footer is None
    wait_for_a_journal(tmp_path / "data" / "sub-R1", b'"Noted"')
    out, _ = squad.communicate("stop\n", timeout=60)
    assert squad.returncode == 0, out
    assert "That is not R2, whom the plan names for chamber B." in out
    assert "Which chamber? One of A, B" in out
    assert "B: Ended after" in out
    assert [item.text for item in first.read().items if isinstance(item, Noted)] == ["wet bedding"]
    assert first.header.injected_at is None
    assert second.header.injected_at is not None
    assert (first.header.treatment.dose_mg_kg, second.header.treatment.blind_code) == (0, "X7")
    for folder in find_sessions(tmp_path / "data"):
        assert verify(folder).remarks == ()
        assert folder.footer is not None
        assert folder.footer.reason == "stopped by the experimenter (keyboard)"


def test_several_chambers_without_a_plan_ask_for_everything(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)
    command = [
        *COMMAND, "run", "simulated", "--chamber", "A", "--chamber", "B", "--paradigm", "geller_seifter",
        "--parameters", "quick.toml", "--simulate",
    ]  # fmt: skip
    answers = "R1\nK1\nme\n280\n00:00\n" + "\nR1\nR2\nK2\nme\n290\n\n"  # nobody, and one who is elsewhere already
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
    )
    try:
        assert process.stdin is not None
        process.stdin.write(answers)
        process.stdin.flush()
        for n in (1, 2):
            wait_for_the_footer(wait_for_a_journal(tmp_path / "data" / f"sub-R{n}").path)
        out, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 0, out
    assert "A session needs its subject's ID." in out
    assert "R1 is in another chamber already." in out
    found = {folder.header.subject: folder.header for folder in find_sessions(tmp_path / "data")}
    assert {name: (one.chamber, one.treatment.blind_code) for name, one in found.items()} == {
        "R1": ("A", "K1"),
        "R2": ("B", "K2"),
    }


def wait_for_the_footer(folder: Path) -> None:
    """Waits on the file, not on the clock."""
    deadline = time.monotonic() + 60
    while not (folder / "footer.json").exists():
        assert time.monotonic() < deadline, "the session did not end"
        time.sleep(0.01)


def test_a_subject_that_is_not_confirmed_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "quick.toml").write_text(QUICK)
    command = [*COMMAND, "run", "simulated", "--squad", "plan.toml", "--chamber", "B", "--simulate"]
    done = subprocess.run(command, input=b"R1\nR1\nR1\n", capture_output=True, cwd=tmp_path, check=False)
    assert done.returncode == 0
    assert b"Chamber B is left out." in done.stdout
    assert not (tmp_path / "data").exists()


def test_nobody_at_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    done = behavior("run", "simulated", "--squad", "plan.toml", "--simulate", cwd=tmp_path)
    assert done.code == 2
    assert "Nobody is there to answer" in done.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--squad", "plan.toml", "--chamber", "D"], "plan.toml: plans nothing for chamber D; it plans A, B"),
        (["--chamber", "A", "--chamber", "B"], "say --chamber and --paradigm, or start the sessions of a --plan or a"),
        (["--chamber", "A", "--chamber", "A", "--paradigm", "p"], "--chamber A is said twice; each holds one session"),
        (["--chamber", "A", "--chamber", "B", "--paradigm", "p", "--subject", "R1"], "--subject: of one session; with"),
        (["--squad", "nowhere.toml"], "nowhere.toml: there is no such file"),
    ],
)
def test_what_cannot_be_started(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    done = behavior("run", "simulated", *arguments, cwd=tmp_path)
    assert (done.code, sentence in done.err) == (2, True), done.err


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('chamber = "B"', 'chamber = "A"', "sessions: chamber 'A' stands twice"),
        ('subject = "R2"', 'subject = "R1"', "sessions: subject 'R1' stands twice"),
        ("dose_mg_kg = 0", "dose_mg_kg = -1", "must be 0.0 or more (is -1)"),
    ],
)
def test_what_is_wrong_with_a_plan(old: str, new: str, problem: str) -> None:
    with pytest.raises(BadFile) as caught:
        read_text(PLAN.replace(old, new), SquadFile, file="plan.toml")
    assert caught.value.problems[0].what.startswith(problem)


def test_everything_of_a_plan_but_the_subject_becomes_an_option_that_run_knows() -> None:
    from inspect import signature

    from behavior.app.run import run
    from behavior.config.squad import Start

    start = Start(chamber="A", subject="R1", paradigm="p", dose_mg_kg=0, vehicle="saline", day=8, free_feeding_g=310)
    options = start.options()
    assert dict(zip(options[::2], options[1::2], strict=True)) == {
        "--chamber": "A",
        "--paradigm": "p",
        "--dose-mg-kg": "0.0",
        "--vehicle": "saline",
        "--day": "8",
        "--free-feeding-g": "310.0",
    }
    assert set(Start.model_fields) - {"subject"} <= set(signature(run).parameters)
