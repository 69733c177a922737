"""The ways that are taken on Windows, taken here: without what only POSIX has, with stand-ins for what only it has."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from pathlib import Path, PureWindowsPath
from types import ModuleType

import pytest

from app.commands import behavior
from behavior.app import keyboard
from behavior.devices import transport
from behavior.devices.transport import SerialTransport
from behavior.model.errors import Failure
from behavior.model.session import SessionHeader
from behavior.scoring.finish import finish_session
from behavior.session.folder import SessionFolder, create
from behavior.simulate import serve
from behavior.simulate.devices import SimulatedShockController
from behavior.simulate.serve import TcpWire
from behavior.study.audit import AUDIT_FILE, append, read_audit
from paradigms.short import VEHICLE
from simulate.test_serve import served
from study.designs import ARM, HEAD

ROOT = Path(__file__).resolve().parents[1]
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{k}" for port in ("COM", "LPT") for k in range(1, 10))}


class Locks(ModuleType):
    """Stands for `msvcrt`: one byte range of a file, for one at a time; what is locked nobody else may read."""

    LK_LOCK, LK_UNLCK = 1, 0

    def __init__(self) -> None:
        super().__init__("msvcrt")
        self.said: list[tuple[int, int]] = []

    def locking(self, fd: int, mode: int, n_bytes: int) -> None:
        self.said.append((mode, os.lseek(fd, 0, os.SEEK_CUR)))
        assert n_bytes == 1


def test_the_audit_log_is_locked_beyond_its_end_and_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = Locks()
    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", locks)
    for number in range(2):
        append(tmp_path, "noted", f"thing {number}", who="A")
    modes, places = zip(*locks.said, strict=True)
    assert modes == (1, 0, 1, 0)
    assert len(set(places)) == 1
    assert places[0] > 1000 * (tmp_path / AUDIT_FILE).stat().st_size, "a locked byte could not be read by others"
    monkeypatch.undo()
    log = read_audit(tmp_path)
    assert [entry.about for entry in log.entries] == ["thing 0", "thing 1"]


def test_keys_come_by_lines_where_there_is_no_termios(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "termios", None)
    monkeypatch.setattr(sys, "stdin", io.StringIO("x\n"))
    with keyboard._key_by_key():
        assert sys.stdin.read() == "x\n"


def test_simulated_devices_are_behind_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "openpty", raising=False)
    wire = serve.native_wire()
    try:
        assert isinstance(wire, TcpWire)
        assert wire.port.startswith("socket://127.0.0.1:")
    finally:
        wire.cut()


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal to stand for a COM port")
def test_a_port_that_cannot_be_waited_for_is_read_by_what_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "POSIX", False)
    ours, theirs = os.openpty()
    port = SerialTransport(os.ttyname(theirs))
    port.open()
    try:
        assert port.fileno() is None, "a thread has to read"
        os.write(ours, b"abc")
        got = b""
        while len(got) < 3:
            got += port.read()
        assert got == b"abc"
        assert port.read() == b""
    finally:
        port.close()
        os.close(ours)
        os.close(theirs)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal to stand for a COM port")
def test_a_device_answers_over_a_port_that_a_thread_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    from behavior.devices.discovery import Port, who_is_there
    from behavior.devices.handshake import Identity

    monkeypatch.setattr(transport, "POSIX", False)
    with served({"shock_controller": SimulatedShockController(uid="f" * 32)}) as ports:
        (port,) = ports.values()
        answer = who_is_there([Port(port)])[port]
    assert isinstance(answer, Identity), answer
    assert answer.uid == "f" * 32


def test_a_score_that_is_open_in_another_program_is_a_sentence_and_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows replaces no file that somebody has open, as a spreadsheet has."""
    folder = tmp_path / "session"
    shutil.copytree(next((ROOT / "sample_data" / "study").glob("sub-R01/ses-*")), folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def refused(self: Path, target: Path) -> None:
        raise PermissionError(errno.EACCES, "The process cannot access the file because it is being used", str(target))

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(Failure, match="close it in other programs, or free the disk, and rescore"):
        finish_session(SessionFolder(folder))
    assert {name: (folder / name).read_bytes() for name in before} == before


@pytest.mark.parametrize("subject", ["CON", "nul", "COM1", "R1.", "R:1", 'R"1', "R1 ", "R/1"])
def test_the_folder_of_any_subject_is_a_name_on_windows(tmp_path: Path, subject: str) -> None:
    header = SessionHeader(
        software="behavior", subject=subject, experimenter="A", treatment=VEHICLE, paradigm="geller_seifter",
        paradigm_sha256="", parameters={}, limits={}, seed=1, rig="r", chamber="A",
        started_at="2026-03-02T09:00:00+01:00",
    )  # fmt: skip
    folder = create(tmp_path, header)
    parts = folder.path.relative_to(tmp_path).parts
    for part in (*parts, *(path.name for path in folder.path.iterdir())):
        assert PureWindowsPath(part).name == part
        assert not set(part) & set('<>:"/\\|?*')
        assert not part.endswith((".", " "))
        assert part.partition(".")[0].upper() not in RESERVED
    assert len(parts) == 2


def test_no_file_of_the_package_has_a_name_that_windows_cannot_have() -> None:
    names = [
        path
        for part in ("src", "configs", "hardware", "docs", "tests", "sample_data")
        for path in (ROOT / part).rglob("*")
    ]
    wrong = [p.name for p in names if p.stem.split(".")[0].upper() in RESERVED or set(p.name) & set('<>:"\\|?*')]
    assert wrong == []
    relative = [str(path.relative_to(ROOT)) for path in names if "__pycache__" not in path.parts]
    assert len({one.lower() for one in relative}) == len(relative), "two names that differ in case alone are one there"


QUICK = """
n_cycles = 1
[[components]]
name = "punished"
duration_s = 3
schedule = "CRF"
cue = "house_light"
shock_ma = 0.4
shock_s = 0.1
"""


def like_windows(*arguments: object, cwd: Path) -> str:
    """What a command says where only what Windows has is there; it must end well."""
    path = os.pathsep.join([str(ROOT / "tests" / "like_windows"), os.environ.get("PYTHONPATH", str(ROOT / "src"))])
    done = behavior(*arguments, cwd=cwd, PYTHONPATH=path, BEHAVIOR_PASSPHRASE="correct horse battery", USERNAME="AB")
    assert done.code == 0, (arguments, done.out, done.err)
    return done.out


def test_a_python_is_like_windows(tmp_path: Path) -> None:
    code = "import os, sys; print(hasattr(os, 'openpty'), 'msvcrt' in sys.modules)\nimport fcntl"
    path = str(ROOT / "tests" / "like_windows")
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, "import of fcntl halted" in done.stderr) == ("False True\n", True)


def test_a_live_session_runs_where_only_what_windows_has_is_there(tmp_path: Path) -> None:
    """Simulated devices behind TCP in a process of their own, keys by lines, the audit log locked as there."""
    (tmp_path / "quick.toml").write_text(QUICK, encoding="utf-8")
    said = like_windows(
        "run", "simulated", "--chamber", "A", "--paradigm", "geller_seifter", "--parameters", "quick.toml",
        "--subject", "R1", "--experimenter", "me", "--weight-g", 280, "--dose-mg-kg", 0, "--vehicle", "saline",
        "--simulate", cwd=tmp_path,
    )  # fmt: skip
    assert "completed" in said
    assert "holds" in like_windows("verify", "data", cwd=tmp_path)
    like_windows("rescore", "data", "--check", cwd=tmp_path)


def test_a_study_is_designed_simulated_and_unblinded_where_only_what_windows_has_is_there(tmp_path: Path) -> None:
    small = ARM.replace("[0, 1, 3]", "[0, 3]").replace(
        "n_per_dose = 4", "n_per_dose = 2\nparameters = { n_cycles = 1 }"
    )
    (tmp_path / "study.toml").write_text(HEAD + small, encoding="utf-8")
    like_windows("design", "study.toml", "--out", "data", cwd=tmp_path)
    like_windows("simulate", "data", "--jobs", 2, cwd=tmp_path)
    assert "4 codes have their doses" in like_windows("unblind", "data", "--reason", "all scored", cwd=tmp_path)
    like_windows("summarize", "data", cwd=tmp_path)
    assert (tmp_path / "data" / "summary" / "report.html").is_file()
    assert "holds  audit log of data" in like_windows("verify", "data", cwd=tmp_path)
