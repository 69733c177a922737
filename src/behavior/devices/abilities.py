"""What a chamber's devices can do, by what its rig file says: which commands they take, and which events they report.

Asked before a session, when nothing is connected yet. What a device takes its own driver says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from behavior.config.rig import SHOCKERS, Chamber, Device
from behavior.devices.behavior_board import BehaviorBoard
from behavior.devices.clock import Answer, DeviceClock
from behavior.devices.driver import Driver, HarpDriver
from behavior.devices.operant_chamber import OperantChamber
from behavior.devices.shock_controller import ShockController
from behavior.devices.shuttle_box import ShuttleBox
from behavior.model.commands import Command, Deliver, SetCue, SetGate, SetLever, SetRecording, Shock, StopShock
from behavior.model.events import Crossed, Delivered, Event, HeadEntered, HeadLeft, LeverPressed, LeverReleased

Report: TypeAlias = tuple[type[Event], str | None]
"""A kind of event, and the lever or side that it is of."""


def idle(device: Device) -> Driver:
    """The driver of a device that nobody has connected."""
    return IDLE[device.kind](device, DeviceClock([Answer(0, 0, 0)]))


def _takes(chamber: Chamber, device: Device, command: Command) -> bool:
    if isinstance(command, Shock | StopShock):
        return chamber.gives_shocks(device)
    return device.kind not in SHOCKERS and idle(device).takes(command)


def takes(chamber: Chamber, command: Command) -> bool:
    """Whether something in the chamber carries out this command."""
    if isinstance(command, SetRecording):
        return chamber.microphone is not None
    return any(_takes(chamber, device, command) for device in chamber.devices)


def outputs_of(device: Device) -> list[Command]:
    """A command for each thing that a device switches on."""
    if device.kind in SHOCKERS or device.kind == "shock_controller":
        return []
    driver = idle(device)
    names = [*driver.cues, "tone"] if isinstance(driver, HarpDriver) else []
    wanted: list[Command] = [SetCue(cue, on=True) for cue in dict.fromkeys(names) if cue != "light"]
    wanted += [SetLever(lever, out=True) for lever in ("left", "right")]
    return [command for command in (*wanted, SetGate(open=True), Deliver(1)) if driver.takes(command)]


def reports(chamber: Chamber, wanted: Report) -> bool:
    """Whether something in the chamber tells of such events; None as lever or side asks for any."""
    kind, which = wanted
    told = [report for device in chamber.devices for report in REPORTS[device.kind](device)]
    return any(kind is one and which in (None, of) for one, of in told)


def _lever_box(device: Device) -> list[Report]:
    levers: list[Report] = [(kind, lever) for kind in (LeverPressed, LeverReleased) for lever in ("left", "right")]
    return [*levers, (HeadEntered, None), (HeadLeft, None), (Delivered, None)]


def _board(device: Device) -> list[Report]:
    board = device.board
    levers: list[Report] = [(kind, lever) for kind in (LeverPressed, LeverReleased) for lever in board.levers]
    head: list[Report] = [(HeadEntered, None), (HeadLeft, None)] if board.head else []
    return [*levers, *head, *([(Delivered, None)] if board.pellet else [])]


IDLE: Mapping[str, Callable[[Device, DeviceClock], Driver]] = {
    "shock_controller": lambda device, clock: ShockController(device.name, clock, 0),
    "operant_chamber": lambda device, clock: OperantChamber(device.name, clock, 0),
    "shuttle_box": lambda device, clock: ShuttleBox(device.name, clock, 0, sides=device.sides),
    "harp_behavior": lambda device, clock: BehaviorBoard(device.name, clock, 0, board=device.board),
}
"""By kind of device its driver, for what it takes."""
REPORTS: Mapping[str, Callable[[Device], list[Report]]] = {
    "shock_controller": lambda device: [],
    "operant_chamber": _lever_box,
    "shuttle_box": lambda device: [(Crossed, side) for side in device.sides.names.values()],
    "harp_behavior": _board,
    **{kind: lambda device: [] for kind in SHOCKERS},
}
"""By kind of device what it reports that an animal does."""
