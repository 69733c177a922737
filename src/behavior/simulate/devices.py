"""Simulated devices by the name of their kind, and how a program reaches them in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behavior.devices.transport import MemoryTransport
from behavior.model.errors import BadInput
from behavior.simulate.operant_chamber import SimulatedOperantChamber
from behavior.simulate.shock_controller import SimulatedShockController
from behavior.simulate.shuttle_box import SimulatedShuttleBox
from behavior.simulate.twin import Faults, Happening, SimulatedDevice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "SIMULATED",
    "Faults",
    "Happening",
    "SimulatedDevice",
    "SimulatedOperantChamber",
    "SimulatedShockController",
    "SimulatedShuttleBox",
    "in_memory",
    "simulated",
]

SIMULATED: Mapping[str, type[SimulatedDevice]] = {
    twin.kind: twin for twin in (SimulatedShockController, SimulatedOperantChamber, SimulatedShuttleBox)
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


def in_memory(device: SimulatedDevice, clock_us: Callable[[], int]) -> MemoryTransport:
    """A transport to a simulated device in the same process, at the time that `clock_us` tells."""
    return MemoryTransport(device, clock_us, name=f"simulated {device.kind}")
