"""What a rig file says that a chamber can do is what its drivers do once they are connected."""

from __future__ import annotations

from typing import get_args

import pytest

from behavior.config import read
from behavior.config.rig import SHOCKERS, Chamber, Device, Rig
from behavior.config.shipped import shipped
from behavior.devices.abilities import IDLE, REPORTS, Report, reports, takes
from behavior.devices.handshake import DRIVERS
from behavior.model.commands import Command, Deliver, SetCue, SetGate, SetLever, SetRecording, Shock, StopShock
from behavior.model.events import Crossed, HeadEntered, LeverPressed
from behavior.simulate.subject import Absent
from behavior.simulate.world import VirtualApparatus

RIGS = ("simulated", "simulated-shuttle", "simulated-third-party")
CHAMBERS = [chamber for name in RIGS for chamber in read(shipped("configs", "rigs", f"{name}.toml"), Rig).chambers]
COMMANDS: list[Command] = [
    *(SetCue(cue, on=True) for cue in ("light", "tone", "house_light", "cue_light_left", "smell", "gate_open")),
    *(SetLever(lever, out=True) for lever in ("left", "right", "middle")),
    SetGate(open=True), Shock(1, 0.5, 0.5), StopShock(), Deliver(1),
]  # fmt: skip


def chamber(rig: str, name: str) -> Chamber:
    return read(shipped("configs", "rigs", f"{rig}.toml"), Rig).chamber(name)


def test_every_kind_that_has_a_driver_says_what_it_can_do() -> None:
    assert set(IDLE) == set(REPORTS) - set(SHOCKERS) == set(DRIVERS)
    assert set(REPORTS) == set(get_args(Device.model_fields["kind"].annotation))


@pytest.mark.parametrize("box", CHAMBERS, ids=lambda box: str(box.devices[-1].name))
@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_what_is_taken_is_what_the_connected_chamber_takes(box: Chamber, command: Command) -> None:
    assert takes(box, command) == VirtualApparatus(box, box.limits, Absent()).chamber.takes(command)


def test_recording_is_for_a_chamber_with_a_microphone() -> None:
    assert takes(chamber("simulated-shuttle", "A"), SetRecording(on=True))
    assert not takes(chamber("simulated-shuttle", "pair"), SetRecording(on=True))


@pytest.mark.parametrize(("rig", "name", "report", "is_told"), [
    ("simulated-shuttle", "A", (Crossed, None), True),
    ("simulated-shuttle", "A", (Crossed, "left"), True),
    ("simulated-shuttle", "A", (Crossed, "dark"), False),
    ("simulated-shuttle", "step-through", (Crossed, "dark"), True),
    ("simulated-shuttle", "step-through", (Crossed, "right"), False),
    ("simulated-shuttle", "step-down", (Crossed, "grid"), True),
    ("simulated-shuttle", "pair", (Crossed, None), False),
    ("simulated-shuttle", "A", (LeverPressed, "left"), False),
    ("simulated", "A", (LeverPressed, "left"), True),
    ("simulated", "A", (LeverPressed, "middle"), False),
    ("simulated", "A", (HeadEntered, None), True),
    ("simulated", "A", (Crossed, None), False),
])  # fmt: skip
def test_what_is_reported(rig: str, name: str, report: Report, is_told: bool) -> None:
    assert reports(chamber(rig, name), report) == is_told
