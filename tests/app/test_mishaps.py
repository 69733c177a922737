"""What goes wrong around a live session: a disk that is full, another version of the program, a port that is held."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from app.commands import COMMAND, behavior
from app.test_run import QUICK, WHAT, WHO, arguments, pytestmark
from behavior.config.rig import Device
from behavior.devices.discovery import Port, ports_of
from behavior.devices.transport import SerialTransport
from behavior.model.errors import BadInput, Failure
from behavior.model.events import LeverPressed
from behavior.session.folder import find_sessions
from behavior.session.verify import verify
from behavior.simulate.devices import SimulatedShockController
from session.test_resume import headed
from simulate.test_serve import served

__all__ = ["pytestmark"]
DEVICE = Device(name="it", kind="shock_controller", uid="f" * 32)
resource = pytest.importorskip("resource", reason="file size limits need Linux or macOS")


def test_a_disk_that_fills_up_ends_the_session_and_says_so(tmp_path: Path) -> None:
    """No file of the session may grow beyond this: the header and the footer are smaller, the journal is not."""
    many = QUICK.replace("n_cycles = 1", "n_cycles = 500").replace("duration_s = 4", "duration_s = 0.2")  # many lines
    (tmp_path / "quick.toml").write_text(many)
    command = arguments(tmp_path / "data", *WHO, *WHAT, "--simulate", "--parameters", tmp_path / "quick.toml")
    done = subprocess.run(
        [*COMMAND, *map(str, command)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (3_500, 3_500)),
        check=False,
    )
    assert done.returncode == 1
    assert "the session was ended safely, because" in done.stderr
    assert "journal.jsonl: the journal cannot be written (No space left on device); free the disk" in done.stderr
    assert done.stderr.count("\n") == 1
    (folder,) = find_sessions(tmp_path / "data")
    assert folder.footer is not None
    assert folder.footer.reason.startswith("failure of the host: ")
    assert verify(folder).remarks == ("the last line is torn, as a power cut leaves it, and was left out",)
    assert folder.journal_path.stat().st_size == 3_500


def test_a_session_of_another_version_is_gone_on_with_only_if_its_replay_agrees(tmp_path: Path) -> None:
    from session.recorded import record

    folder = record(tmp_path)
    (folder.path / "footer.json").unlink()
    lines = folder.journal_path.read_bytes().splitlines(keepends=True)
    folder.journal_path.write_bytes(b"".join(lines[: len(lines) // 2]))
    older = headed(folder, software="behavior 0.0.1")
    done = behavior("resume", older.path, "--confirm", "R1", "--close")
    assert "warning: begun by behavior 0.0.1, and this is behavior " in done.err
    assert verify(older).remarks == ()
    (older.path / "footer.json").unlink()
    before = headed(older, seed=older.header.seed + 1).journal_path.read_bytes()
    done = behavior("resume", older.path, "--confirm", "R1", "--close")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "its replay does not agree (begun by behavior 0.0.1, and this is behavior " in done.err
    assert older.journal_path.read_bytes() == before
    assert any(isinstance(item, LeverPressed) for item in older.read().items)


def test_a_chamber_on_which_a_session_runs_is_a_sentence_of_its_own() -> None:
    device = SimulatedShockController()
    with served({"shock_controller": device}) as ports:
        (port,) = ports.values()
        ours = SerialTransport(port)
        ours.open()
        try:
            with pytest.raises(
                BadInput, match=r"is not to be found, and .* is open in another program, such as a session"
            ):
                ports_of([DEVICE], [Port(port)], patience_s=0)
        finally:
            ours.close()
        with pytest.raises(Failure, match="is not there; plug it in"):
            ports_of([DEVICE], [Port(port)], patience_s=0)
