"""What can be wrong with the devices of a rig: one sentence that says what to do, and exit code 2."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from app.commands import Finished, behavior
from behavior.config import read
from behavior.config.rig import Rig
from behavior.devices.calibration import FOLDER, simulated_calibration, write_calibration
from behavior.devices.transport import SerialTransport
from behavior.simulate.devices import SimulatedDevice, SimulatedOperantChamber, SimulatedShockController
from simulate.test_serve import served

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)
GRID, BOX = "00000000000000000000000000000a01", "00000000000000000000000000000a02"
RIG = f"""
name = "ours"
[[chambers]]
name = "A"
limits = {{ max_ma = 1.0 }}
devices = [
    {{ name = "grid", kind = "shock_controller", uid = "{GRID}" }},
    {{ name = "box", kind = "operant_chamber", uid = "{BOX}" }},
]
"""
WHO = ["--subject", "R1", "--experimenter", "me", "--weight-g", 280, "--dose-mg-kg", 0, "--vehicle", "saline"]
CONFLICT = """
n_cycles = 1
components = [{ name = "punished", duration_s = 300, schedule = "CRF", cue = "tone", shock_ma = 0.4, shock_s = 0.1 }]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A rig of two devices, with a calibration record that holds."""
    (tmp_path / "rig.toml").write_text(RIG)
    (tmp_path / "p.toml").write_text(CONFLICT)
    calibrate(tmp_path)
    return tmp_path


def calibrate(folder: Path, days_ago: int = 0) -> None:
    chamber = read(folder / "rig.toml", Rig).chambers[0]
    record = simulated_calibration(chamber, chamber.devices[0], date.today() - timedelta(days=days_ago))
    write_calibration(record.model_copy(update={"simulated": False, "done_by": "me", "meter": "one"}), folder / FOLDER)


@contextmanager
def plugged_in(*devices: SimulatedDevice) -> Iterator[list[str]]:
    with served({str(place): device for place, device in enumerate(devices)}) as ports:
        yield list(ports.values())


def run(folder: Path, ports: list[str], through: Sequence[str] = ()) -> Finished:
    done = behavior(
        "run", folder / "rig.toml", "--chamber", "A", "--paradigm", "geller_seifter", "--parameters", folder / "p.toml",
        "--out", folder / "data", *WHO, through=through, BEHAVIOR_PORTS=",".join(ports),
    )  # fmt: skip
    assert not (folder / "data").exists(), "nothing was begun"
    return done


def says(done: Finished, sentence: str) -> None:
    assert sentence in done.err
    assert (done.code, done.err.count("\n")) == (2, 1), done.err


def test_a_wrong_device_on_the_port(folder: Path) -> None:
    with plugged_in(SimulatedOperantChamber(GRID), SimulatedOperantChamber(BOX)) as ports:
        done = run(folder, ports)
    says(done, f"grid: the rig says it is a shock_controller, but what answers at {ports[0]} is 'OperantChamber'")


def test_two_devices_of_one_identity(folder: Path) -> None:
    with plugged_in(
        SimulatedShockController(GRID), SimulatedOperantChamber(BOX), SimulatedOperantChamber(BOX)
    ) as ports:
        done = run(folder, ports)
    says(done, f"both answer as device {BOX}; unplug one of them")


def test_firmware_of_another_version(folder: Path) -> None:
    old = SimulatedShockController(GRID)
    old.map = replace(old.map, firmware=(0, 9))
    with plugged_in(old, SimulatedOperantChamber(BOX)) as ports:
        done = run(folder, ports)
    says(
        done,
        "grid: its firmware is 0.9.0, but it must be 1.0 or a later 1.x; load the firmware of this version",
    )


def test_a_port_that_is_open_in_another_program(folder: Path) -> None:
    with plugged_in(SimulatedShockController(GRID), SimulatedOperantChamber(BOX)) as ports:
        ours = SerialTransport(ports[0])
        ours.open()
        try:
            done = run(folder, ports)
        finally:
            ours.close()
    says(
        done,
        f"device {GRID} is not to be found, and {ports[0]} is open in another program, such as a",
    )


SUPERUSER = os.name == "posix" and os.geteuid() == 0
WITHOUT_SUPER_POWERS = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search") if SUPERUSER else ()


@pytest.mark.skipif(
    os.name != "posix" or (SUPERUSER and shutil.which("setpriv") is None),
    reason="needs file permissions; a superuser also needs setpriv: apt install util-linux",
)
def test_a_port_that_we_may_not_open(folder: Path) -> None:
    with plugged_in(SimulatedShockController(GRID), SimulatedOperantChamber(BOX)) as ports:
        Path(ports[0]).chmod(0)
        done = run(folder, ports, through=WITHOUT_SUPER_POWERS)
    says(done, f"device {GRID} is not to be found; {ports[0]}: we may not open it; close what else uses it")


def test_an_expired_calibration(folder: Path) -> None:
    for path in (folder / FOLDER).iterdir():
        path.unlink()
    calibrate(folder, days_ago=91)
    with plugged_in(SimulatedShockController(GRID), SimulatedOperantChamber(BOX)) as ports:
        done = run(folder, ports)
    expired = date.today() - timedelta(days=1)
    says(done, f"grid: its calibration expired on {expired}; measure it on a dummy load with `behavior bench`")
