"""What is said of a computer, and of computers that are worse than this one."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from behavior.app.selftest import machine
from behavior.app.selftest.finding import percentiles
from behavior.audio import check, jit, portaudio
from behavior.config import shipped
from behavior.devices import discovery
from behavior.devices.discovery import Port
from behavior.model.errors import BadInput, Failure


def test_percentiles_are_of_the_values_in_order() -> None:
    assert percentiles(list(range(101)), "ms") == {"p50_ms": 50, "p99_ms": 99, "worst_ms": 100}


def test_this_machine_is_named_by_what_it_is_and_not_whose() -> None:
    found = machine.this_machine()
    assert found.figures["n_cores"] >= 1
    assert f"Python {found.figures['python']}" in found.says[0]


def test_the_packages_that_are_needed_here_are_here() -> None:
    found = machine.dependencies()
    assert found.state == "good", found.says
    assert {"numpy", "harp-device", "cryptography", "typer"} <= found.figures.keys()
    assert "hypothesis" not in found.figures, "what only the tests need is no business of a lab"


@pytest.mark.parametrize(
    ("stated", "state", "says"),
    [
        (["numpy>=99"], "WRONG", "numpy is "),
        (["no-such-package-as-this"], "WRONG", "no-such-package-as-this is not installed"),
        (["no-such-package-as-this; extra == 'audio'"], "good", "(only for behavior[audio])"),
        (["numpy>=99; extra == 'tables'"], "good", "and must be >=99; install behavior again (only for"),
        (["no-such-package-as-this; extra == 'test'"], "good", "0 packages are there"),
    ],
)
def test_packages_that_are_missing_or_of_another_version(stated: list[str], state: str, says: str) -> None:
    found = machine.dependencies(stated)
    assert found.state == state
    assert any(says in line for line in found.says), found.says


def test_a_package_that_cannot_be_loaded_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(machine.IMPORTED_AS, "numpy", "behavior.no_such_module")
    found = machine.dependencies(["numpy"])
    assert found.state == "WRONG"
    assert "cannot be loaded (ModuleNotFoundError" in found.says[0]


def test_a_port_that_may_not_be_opened_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    port = tmp_path / "ttyS0"
    port.touch()
    monkeypatch.setattr(discovery, "serial_ports", lambda: (Port(str(port), "", "a port"),))
    assert machine.ports().state == "good"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert machine.ports().state == ("note" if os.name == "posix" else "good")
    monkeypatch.setattr(discovery, "serial_ports", tuple)
    assert machine.ports().says == ("no serial port",)


def ticking(steps_ms: list[float]) -> tuple[Any, Any]:
    """A clock that only sleeping moves, by these steps in turn, and the sleep."""
    now, steps = [0], iter(steps_ms)

    def sleep(seconds: float) -> None:
        now[0] += round(1e6 * next(steps))

    return lambda: now[0], sleep


def test_a_prompt_clock_is_good_a_late_one_a_note_and_a_backward_one_wrong() -> None:
    good = machine.timing(*ticking([1.1] * 50), n=50)
    assert good.state == "good"
    assert good.figures["sleep_late"]["p50_ms"] == 0.1
    late = machine.timing(*ticking([1.1] * 25 + [40.0] * 25), n=50)
    assert late.state == "note"
    assert "comes late by as much" in late.says[-1]
    assert machine.timing(*ticking([1.0] * 49 + [-3.0]), n=50).state == "WRONG"


def test_a_disk_that_takes_lines_is_good_and_nothing_is_left_on_it(tmp_path: Path) -> None:
    found = machine.disk(tmp_path, n=5)
    assert found.state in ("good", "note")
    assert found.figures["flush"].keys() == {"p50_ms", "p99_ms", "worst_ms"}
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_or_not_there_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "name another folder with --data" in machine.disk(tmp_path / "none").says[0]

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    found = machine.disk(tmp_path)
    assert (found.state, "No space left on device" in found.says[0]) == ("WRONG", True)


def test_a_slow_disk_and_a_nearly_full_one_are_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SLOW_FLUSH_MS", -1.0)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1e9))
    found = machine.disk(tmp_path, n=3)
    assert found.state == "note"
    assert "flushing is slow" in found.says[1] and "little space" in found.says[2]


def test_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.loopback().state == "good"

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(socket, "create_server", refused)
    assert machine.loopback().state == "note"


def test_what_is_shipped_can_be_read_and_what_is_gone_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = machine.shipped_files()
    assert found.state == "good"
    assert min(found.figures.values()) >= 3
    (tmp_path / "configs" / "rigs").mkdir(parents=True)
    (tmp_path / "configs" / "rigs" / "broken.toml").write_text("name = 3")
    monkeypatch.setattr(shipped, "shipped", lambda *parts: tmp_path.joinpath(*parts))
    broken = machine.shipped_files()
    assert broken.state == "WRONG"
    assert broken.says[0].endswith("install behavior again")


def test_where_compiled_code_is_kept_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = machine.compiled()
    assert found.state in ("good", "note")
    assert found.figures["n_loaded"] + found.figures["n_compiled"] > 0
    monkeypatch.setattr(jit, "kept", lambda: jit.Kept(tmp_path, False, 0, 8))
    assert "NUMBA_CACHE_DIR" in machine.compiled().says[1]


def test_without_sound_it_is_said_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for error in (BadInput(portaudio.NOT_INSTALLED), OSError("PortAudio library not found")):

        def fails(error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(portaudio, "sound_devices", fails)
        found = machine.sound()
        assert found.state == "note"
        assert found.says[0].startswith("no live sound: ")


def test_the_rates_of_the_first_microphones_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [portaudio.SoundDevice(f"mic {k}", "ALSA", 1, 250_000) for k in range(3)]
    monkeypatch.setattr(portaudio, "sound_devices", lambda: devices)
    heard = check.Check(250_000, 500_000, 249_990.5, 3.0, 0, -60.0, 100_000.0, "noise", ())
    monkeypatch.setattr(check, "listen", lambda source, seconds: heard)
    found = machine.sound()
    assert found.state == "good"
    assert found.says[1] == "mic 0, ALSA: 249990 ± 3 Hz of 250000, 0 losses"
    assert ["rate_hz" in row for row in found.figures["devices"]] == [True, True, False]
    assert all("rate_hz" not in row for row in machine.sound(listens=False).figures["devices"])

    def mute(source: object, seconds: float) -> None:
        raise Failure("mic 0: nothing has come from it for 5 s; look at its cable")

    monkeypatch.setattr(check, "listen", mute)
    assert machine.sound().state == "note"
