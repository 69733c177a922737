"""A live session through the whole stack: other processes, pseudo-terminals, real bytes, a real clock."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from app.commands import behavior, started
from behavior.model.commands import Command, EndSession, SetCue, SetLever, Shock, StopShock
from behavior.model.events import LeverPressed, Noted, RecordingStarted, Resumed, ShockEnded, ShockStarted, Stopped
from behavior.session.engine import read_status
from behavior.session.folder import SessionFolder, find_sessions
from behavior.session.requests import NoteRequest, StopRequest, ask
from behavior.session.verify import verify

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)

WHO = ["--subject", "R1", "--experimenter", "me", "--weight-g", 280]
WHAT = ["--dose-mg-kg", 10, "--compound", "ipsapirone", "--vehicle", "saline"]
QUICK = """
n_cycles = 1
[[components]]
name = "punished"
duration_s = 4
schedule = "CRF"
cue = "house_light"
shock_ma = 0.4
shock_s = 0.1
"""


def arguments(out: Path, *more: object) -> list[object]:
    where = [] if "--chamber" in more else ["--chamber", "A"]
    return ["run", "simulated", *where, "--paradigm", "geller_seifter", "--out", out, "--seed", 3, *more]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> SessionFolder:
    """A session of 4 s in which the rat presses at its unpunished rate (no tone), and is shocked."""
    out = tmp_path_factory.mktemp("live")
    (out / "quick.toml").write_text(QUICK)
    done = behavior(*arguments(out / "data", *WHO, *WHAT, "--simulate", "--parameters", out / "quick.toml"))
    assert done.code == 0, done.err
    assert "Ended after" in done.out
    return next(iter(find_sessions(out / "data")))


def test_a_live_session_runs_to_its_end_and_holds(session: SessionFolder) -> None:
    footer = session.footer
    assert footer is not None
    assert footer.reason == "completed"
    assert footer.duration_s >= 4.0
    assert verify(session).remarks == ()
    assert session.header.simulated
    assert {device.uid[-3:] for device in session.header.devices} == {"a01", "a02"}


def test_what_was_commanded_came_true_by_the_devices_own_clocks(session: SessionFolder) -> None:
    items = session.read().items
    shocks = [item for item in items if isinstance(item, Shock)]
    ended = [item for item in items if isinstance(item, ShockEnded)]
    began = [item for item in items if isinstance(item, ShockStarted)]
    assert len(shocks) == len(began) == len(ended)
    for shock, report in zip(shocks, ended, strict=True):
        assert report.delivered_ma == pytest.approx(shock.ma, rel=0.01)
        if report.cause == "completed":
            assert report.duration_us >= shock.duration_s * 1e6 - 64
    times = [item.at_us for item in items if isinstance(item, LeverPressed)]
    assert times == sorted(times)
    commands = [item for item in items if isinstance(item, Command)]
    assert isinstance(commands[-1], EndSession)
    assert SetCue("house_light", on=False) in commands
    assert SetLever("left", out=False) in commands


def test_its_live_score_is_its_rescore(session: SessionFolder) -> None:
    before = {path.name: path.read_bytes() for path in session.path.iterdir()}
    done = behavior("rescore", session.path, "--json")
    assert done.code == 0
    assert json.loads(done.out)[0]["differences"] == []
    after = {path.name: path.read_bytes() for path in session.path.iterdir() if path.name != "rescored.json"}
    assert after == before, "but for the record of what was worked out"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_key_ends_it_safely_with_a_footer(tmp_path: Path, number: signal.Signals) -> None:
    process = started(arguments(tmp_path / "data", *WHO, *WHAT, "--simulate"))
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Session: ")
        folder = wait_for_a_journal(tmp_path / "data")
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "stopped by the experimenter" in out
    footer = folder.footer
    assert footer is not None
    assert footer.reason == f"stopped by the experimenter ({number.name})"
    assert verify(folder).n_owed == 0
    assert SetLever("left", out=False) in folder.read().items


def test_a_person_at_a_terminal_is_asked_for_everything_and_nothing_is_preselected(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    options = ["--precedes", "test", "--day", 8, "--pretreatment-min", 600]
    process = started(arguments(tmp_path / "data", *options, "--simulate"), stdin=theirs)
    try:
        os.write(ours, b"X7\n00:00\nR5\nme\n281.5\n")
        folder = wait_for_a_journal(tmp_path / "data")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 0, err
    for question in ("Blind code", "Treated at", "Subject", "Experimenter", "Weight g"):
        assert f"{question}" in out
        assert f"{question} [" not in out
    header = folder.header
    assert (header.subject, header.experimenter, header.weight_g, header.day) == ("R5", "me", 281.5, 8)
    assert (header.treatment.blind_code, header.treatment.precedes) == ("X7", "test")
    assert header.injected_at is not None
    assert header.remarks == () or "min after treatment, where 600 min were planned" in header.remarks[0]


def test_what_is_typed_during_a_session_is_a_note_in_its_journal(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    process = started(arguments(tmp_path / "data", *WHO, *WHAT, "--simulate"), stdin=theirs)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        folder = wait_for_a_journal(tmp_path / "data")
        os.write(ours, "näher an der Wand\n".encode())
        wait_for_a_journal(tmp_path / "data", b'"Noted"')
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    finally:
        process.kill()
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 0
    assert [item.text for item in folder.read().items if isinstance(item, Noted)] == ["näher an der Wand"]
    assert verify(folder).remarks == ()


def test_what_a_screen_asks_is_heard_and_journalled_and_the_engine_shows_itself_meanwhile(tmp_path: Path) -> None:
    process = started(arguments(tmp_path / "data", *WHO, *WHAT, "--simulate"))
    try:
        folder = wait_for_a_journal(tmp_path / "data")
        status = read_status(folder.path)
        assert status is not None and status.pid == process.pid
        ask(folder, NoteRequest("wet bedding"))
        wait_for_a_journal(tmp_path / "data", b'"Noted"')
        ask(folder, StopRequest("the experimenter (board)"))
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert set(status.heard_us) <= {"shocker-A", "operant-A"}
    items = folder.read().items
    assert [item.text for item in items if isinstance(item, Noted)] == ["wet bedding"]
    asked = next(i for i, item in enumerate(items) if isinstance(item, Stopped))
    assert StopShock() in items[asked:]
    assert folder.footer is not None
    assert folder.footer.reason == "stopped by the experimenter (board)"
    assert verify(folder).remarks == ()
    assert not (folder.path / "engine.json").exists() and not (folder.path / "requests").exists()


def test_a_killed_session_is_readable_and_holds_up_to_there(tmp_path: Path) -> None:
    process = started(arguments(tmp_path / "data", *WHO, *WHAT, "--simulate"))
    try:
        assert process.stdout is not None
        process.stdout.readline()
        folder = wait_for_a_journal(tmp_path / "data")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    found = verify(folder)
    assert "nobody closed this session" in found.remarks[0]
    assert found.n_lines > 0
    other = behavior("resume", folder.path, "--confirm", "R2")
    assert (other.code, "'R2' is not the subject of this session" in other.err) == (2, True)
    assert folder.footer is None
    done = behavior("resume", folder.path, "--confirm", "R1", "--close")
    assert done.code == 1
    assert "resume: closed by hand" in done.out
    assert verify(folder).remarks == ()
    again = behavior("resume", folder.path, "--confirm", "R1")
    assert (again.code, "this session is finished" in again.err) == (2, True)


def test_a_killed_session_goes_on_from_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)
    process = started(arguments(tmp_path / "data", *WHO, *WHAT, "--simulate", "--parameters", tmp_path / "quick.toml"))
    try:
        assert process.stdout is not None
        process.stdout.readline()
        folder = wait_for_a_journal(tmp_path / "data")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    before = folder.read().items
    done = behavior("resume", folder.path, "--confirm", "R1")
    assert done.code == 0, done.err
    items = folder.read().items
    assert items[: len(before)] == before
    assert sum(isinstance(item, Resumed) for item in items) == 1
    assert verify(folder).remarks == ()
    footer = folder.footer
    assert footer is not None
    assert footer.reason == "completed"


def test_a_session_killed_amid_its_recording_goes_on_with_another_file(tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text("habituation_s = 0.2\ntest_s = 3\n")
    what = [*WHAT, "--chamber", "A", "--paradigm", "conditioned_usv", "--parameters", tmp_path / "quick.toml"]
    process = started(arguments(tmp_path / "data", *WHO, *what, "--simulate"))
    try:
        assert process.stdout is not None
        process.stdout.readline()
        folder = wait_for_a_journal(tmp_path / "data", b"RecordingStarted")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    done = behavior("resume", folder.path, "--confirm", "R1")
    assert done.code == 0, done.err
    assert "audio_part-02.wav" in {path.name for path in folder.sound_paths}
    files = [item.file for item in folder.read().items if isinstance(item, RecordingStarted)]
    assert files == ["audio.wav", "audio_part-02.wav"]
    assert verify(folder).remarks == ()
    score = json.loads((folder.path / "score.json").read_text())["session"]
    assert score["n_resumed"] == 1
    assert score["unheard_s"] > 0


def wait_for_a_journal(data: Path, line: bytes = b"BeginComponent") -> SessionFolder:
    """The session's folder, once such a line stands in its journal; waits on the file, not on the clock."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for header in data.rglob("header.json"):
            journal = header.parent / "journal.jsonl"
            if journal.exists() and line in journal.read_bytes():
                return SessionFolder(header.parent)
        time.sleep(0.01)
    raise AssertionError("no journal was begun")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (["--chamber", "C"], "rig simulated has no chamber 'C'; choose one of A, B"),
        (["--paradigm", "tickling"], "tickling: there is no paradigm of this name; choose one of "),
        (["--dose-mg-kg", -1], "--dose-mg-kg: a dose must be 0 (vehicle) or more (is -1)"),
        (["--weight-g", 0], "--weight-g: must be more than 0 (is 0)"),
        (["--blind-code", "X7"], "--blind-code stands for compound and dose; give one or the other"),
        (["--parameters", "nowhere.toml"], "nowhere.toml: there is no such file, and no shipped one of this name"),
        (["--pretreatment-min", -5], "--pretreatment-min: must be 0 or more (is -5)"),
    ],
    ids=["chamber", "paradigm", "dose", "weight", "code and dose", "parameters", "pretreatment"],
)
def test_what_cannot_be_run_is_one_sentence_and_leaves_nothing(tmp_path: Path, change: list, sentence: str) -> None:
    done = behavior(*arguments(tmp_path / "data", *WHO, *WHAT, "--simulate", *change))
    assert done.code == 2
    assert done.err.startswith("behavior: ")
    assert sentence in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_a_shock_above_the_limit_is_refused_in_the_dry_run_before_anything_moves(tmp_path: Path) -> None:
    """The paradigm's own limits would allow it; the chamber's do not."""
    (tmp_path / "strong.toml").write_text("limits = { max_ma = 2.0 }" + QUICK.replace("0.4", "1.5"))
    done = behavior(*arguments(tmp_path / "data", *WHO, *WHAT, "--simulate", "--parameters", tmp_path / "strong.toml"))
    assert done.code == 2
    assert "strong.toml: refused by the guard: a shock of 1.5 mA, where 1 mA is the limit" in done.err
    assert not (tmp_path / "data").exists()


def test_a_paradigm_that_records_is_refused_on_a_real_chamber_and_not_run_unheard(tmp_path: Path) -> None:
    real = ["run", "simulated", "--chamber", "A", "--paradigm", "conditioned_usv", "--out", tmp_path / "data"]
    done = behavior(*real, *WHO, *WHAT)
    assert done.code == 2
    assert "chamber A has nothing that takes SetRecording" in done.err
    assert not (tmp_path / "data").exists()


def test_three_errors_of_a_parameter_file_come_at_once(tmp_path: Path) -> None:
    wrong = QUICK.replace("duration_s = 4", "duration_s = 0").replace("CRF", "often").replace("0.1", "99")
    (tmp_path / "wrong.toml").write_text(wrong)
    done = behavior(*arguments(tmp_path / "data", *WHO, *WHAT, "--simulate", "--parameters", tmp_path / "wrong.toml"))
    assert done.code == 2
    assert "3 problems" in done.err
    for key in ("components.1.duration_s", "components.1.schedule", "components.1.shock_s"):
        assert key in done.err


def test_a_real_chamber_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    done = behavior(*arguments(tmp_path / "data", *WHO, *WHAT))
    assert done.code == 1
    assert "device 5eed0000000000000000000000000a01 is not there; plug it in and switch it on" in done.err
    assert not (tmp_path / "data").exists()
