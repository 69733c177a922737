"""The driver of our shuttle box (`hardware/shuttle_box/device.yml`).

The device tells where something is; this driver decides what a crossing is. An animal is *on* a side when that side is
occupied, the other is not, and nothing is in the doorway. It has crossed when it is on the other side than it was on
last: half a crossing, both sides occupied, a tail across a beam or in the doorway, and a moment in which no beam sees
it are none. Where the animal is first seen is no crossing either.

===================  ===============================================================================
command              bytes
===================  ===============================================================================
``SetCue``           write OutputState: all outputs as they are wanted now
``SetGate``          the same
===================  ===============================================================================

===================  ===============================================================================
from the device      event
===================  ===============================================================================
Inputs               ``Crossed``, when the animal is on the other side
Fault                ``Faulted``
===================  ===============================================================================

The floors that shock reaches are chosen once, by the rig, and stay joined as long as the session lasts. Inputs are also
read every 1.6 s, so that a crossing whose message was damaged is still told, if late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from behavior.config.rig import Sides
from behavior.devices.cues import cue_bits
from behavior.devices.driver import HarpDriver
from behavior.devices.harp import Message, write_frame
from behavior.model.commands import Command, SetCue, SetGate
from behavior.model.events import Crossed

if TYPE_CHECKING:
    from behavior.devices.clock import DeviceClock

FAULT_WORDS = {
    "WATCHDOG": "its watchdog ended: it did not hear the host",
    "GATE_STUCK": "its gate is stuck: it moved and did not reach its end",
}
OTHER = {"left": "right", "right": "left"}


class ShuttleBox(HarpDriver):
    """Drives one shuttle box.

    Parameters
    ----------
    name, clock, now_us : as of every driver
    sides : what the two sides are called, and whether there is a gate between them
    inputs : the inputs that are on now
    """

    kind = "shuttle_box"
    watched = ("OperationControl", "Inputs", "Fault", "WhoAmI")

    def __init__(
        self, name: str, clock: DeviceClock, now_us: int, *, sides: Sides | None = None, inputs: int = 0
    ) -> None:
        super().__init__(name, clock, now_us)
        self._sides = sides or Sides()
        outputs = {bit.name.lower(): int(bit) for bit in self.map.module.Outputs}
        lines = {bit.name.lower(): int(bit) for bit in self.map.module.InputLines}
        self._cues = cue_bits(outputs, self._sides.names)
        self._gate = outputs["gate_open"]
        self._outputs = route(self._sides)
        self._alone = {side: lines[f"side_{side}"] for side in OTHER}
        self._where = sum(self._alone.values()) | lines["doorway"]
        self._side = self._on(inputs)

    @property
    def standing(self) -> dict[str, int]:
        """The floors that are joined to the shock controller."""
        return {"OutputState": route(self._sides)}

    def takes(self, command: Command) -> bool:
        """The cues that this box has, and its gate if it has one."""
        match command:
            case SetCue(cue=cue):
                return cue in self._cues
            case SetGate():
                return self._sides.gate
        return False

    def send(self, command: Command, now_us: int) -> None:
        """Begin to carry out a command."""
        match command:
            case SetCue(cue=cue, on=on) if cue in self._cues:
                self._set(self._cues[cue], on, now_us)
            case SetGate(open=is_open) if self._sides.gate:
                self._set(self._gate, is_open, now_us)

    def calm(self) -> bytes:
        """All outputs off, then Standby."""
        return write_frame(self.map["OutputState"], 0) + write_frame(self.map["OperationControl"], 0)

    def _set(self, bits: int, on: bool, now_us: int) -> None:
        self._outputs = self._outputs | bits if on else self._outputs & ~bits
        self._write("OutputState", self._outputs, now_us)

    def _heard(self, message: Message, at_us: int, now_us: int) -> None:
        match message.name:
            case "Inputs" if message.kind != "write":
                self._seen(self._on(int(message.value)), at_us)
            case "Fault" if message.kind != "write":
                self._faults(message.value, at_us)

    def _on(self, inputs: int) -> str | None:
        """The side that the animal is on, or None while that cannot be said."""
        return next((side for side, alone in self._alone.items() if inputs & self._where == alone), None)

    def _seen(self, side: str | None, at_us: int) -> None:
        if side is None or side == self._side:
            return
        if self._side is not None:
            self._events.append(Crossed(at_us, self._sides.names[side]))
        self._side = side

    def _faults(self, bits: Any, at_us: int) -> None:
        for fault in self.map.module.Faults:
            if fault & bits:
                self._fault(FAULT_WORDS[fault.name], at_us)


def route(sides: Sides) -> int:
    """The outputs that join the shocked floors to the shock controller."""
    from behavior.devices.registers import device_map

    outputs = device_map(ShuttleBox.kind).module.Outputs
    return sum(int(outputs[f"SHOCK_{side.upper()}"]) for side in OTHER if sides.shocked in (side, "both"))
