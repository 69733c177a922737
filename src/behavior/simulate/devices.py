"""Simulated devices by the name of their kind, and how a program reaches them in memory."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from behavior.devices.dialects import dialect_of
from behavior.devices.transport import MemoryTransport
from behavior.model.errors import BadInput
from behavior.simulate.behavior_board import SimulatedBehaviorBoard
from behavior.simulate.line_shocker import SimulatedLineShocker
from behavior.simulate.operant_chamber import SimulatedOperantChamber
from behavior.simulate.shock_controller import SimulatedShockController
from behavior.simulate.shuttle_box import SimulatedShuttleBox
from behavior.simulate.twin import Faults, Happening, SimulatedDevice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from behavior.config.rig import Chamber
    from behavior.devices.transport import BytePeer

__all__ = [
    "SIMULATED",
    "Faults",
    "Happening",
    "SimulatedBehaviorBoard",
    "SimulatedDevice",
    "SimulatedLineShocker",
    "SimulatedOperantChamber",
    "SimulatedShockController",
    "SimulatedShuttleBox",
    "Twin",
    "in_memory",
    "simulated",
    "twins_of",
]

Twin: TypeAlias = SimulatedDevice | SimulatedLineShocker
"""What a simulated chamber is made of."""

SIMULATED: Mapping[str, type[SimulatedDevice]] = {
    twin.kind: twin
    for twin in (SimulatedShockController, SimulatedOperantChamber, SimulatedShuttleBox, SimulatedBehaviorBoard)
}
"""The twin of each kind of device."""


def simulated(kind: str, uid: str = "", *, faults: Faults | None = None, seed: int = 0) -> SimulatedDevice:
    """A simulated device.

    Parameters
    ----------
    kind : a folder of `hardware/`
    uid : identity in hexadecimal, as a rig names it
    faults : what is wrong with it
    seed : of the chance by which its bytes are spoiled

    Raises
    ------
    BadInput
        There is no twin of that kind.
    """
    if kind not in SIMULATED:
        raise BadInput(f"{kind}: there is no simulated device of this kind; it must be one of {', '.join(SIMULATED)}")
    return SIMULATED[kind](uid, faults=faults, seed=seed)


def twins_of(chamber: Chamber) -> dict[str, Twin]:
    """The twins of all devices of a chamber that have a port, wired as the rig says, by the devices' names."""
    twins: dict[str, Twin] = {}
    for device in chamber.devices:
        if device.kind == "harp_behavior":
            shocker = chamber.timed_by(device)
            wired = shocker.shocker if shocker else None
            twins[device.name] = SimulatedBehaviorBoard(device.uid, board=device.board, shocker=wired)
        elif device.kind == "line_shocker":
            twins[device.name] = SimulatedLineShocker(dialect_of(device), device.shocker.set_ma)
        elif device.has_port:
            twins[device.name] = simulated(device.kind, device.uid)
    for device in chamber.devices:
        twin, timer = twins.get(device.name), twins.get(device.shocker.pulse_timed_by)
        if isinstance(twin, SimulatedLineShocker) and isinstance(timer, SimulatedBehaviorBoard):
            timer.current_ma = partial(getattr, twin, "current_ma")
    return twins


def in_memory(device: BytePeer, clock_us: Callable[[], int]) -> MemoryTransport:
    """A transport to a simulated device in the same process, at the time that `clock_us` tells."""
    return MemoryTransport(device, clock_us, name=f"simulated {getattr(device, 'kind', 'device')}")
