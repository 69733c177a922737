"""The driver of our operant chamber (`hardware/operant_chamber/device.yml`).

The names of cues and levers are those of the outputs and inputs in `device.yml`, in snake case; `light` is both
cue lights (`devices.cues`).

===================  ===============================================================================
command              bytes
===================  ===============================================================================
``SetCue``           write OutputState: all outputs as they are wanted now
``SetLever``         the same
``Deliver``          write Deliver, with the device's own number of the delivery
===================  ===============================================================================

===================  ===============================================================================
from the device      event
===================  ===============================================================================
Inputs               ``LeverPressed``, ``LeverReleased``, ``HeadEntered``, ``HeadLeft``: one for each bit that changed
Delivered            ``Delivered``
Fault                ``Faulted``
===================  ===============================================================================

Inputs are also read every 0.8 s, so that an edge whose message was damaged is still told, if late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from behavior.devices.cues import cue_bits
from behavior.devices.driver import HarpDriver
from behavior.devices.harp import Message, write_frame
from behavior.model.commands import Command, Deliver, SetCue, SetLever
from behavior.model.events import Delivered, Event, HeadEntered, HeadLeft, LeverPressed, LeverReleased

if TYPE_CHECKING:
    from behavior.devices.clock import DeviceClock

FAULT_WORDS = {
    "WATCHDOG": "its watchdog ended: it did not hear the host",
    "FEEDER_JAM": "its feeder is jammed: it ran and nothing arrived",
}


class OperantChamber(HarpDriver):
    """Drives one operant chamber.

    Parameters
    ----------
    name, clock, now_us : as of every driver
    n_issued : deliveries that this session has commanded already, when it is resumed
    delivery_count : the device's DeliveryCount now
    inputs : the inputs that are on now
    """

    kind = "operant_chamber"
    watched = ("OperationControl", "Inputs", "Fault", "WhoAmI")

    def __init__(
        self,
        name: str,
        clock: DeviceClock,
        now_us: int,
        *,
        n_issued: int = 0,
        delivery_count: int = 0,
        inputs: int = 0,
    ) -> None:
        super().__init__(name, clock, now_us)
        outputs = {bit.name.lower(): int(bit) for bit in self.map.module.Outputs}
        self._levers = {_side(name): bit for name, bit in outputs.items() if name.startswith("lever_")}
        self._cues = cue_bits(outputs)
        self._input_bits = {int(bit): bit.name.lower() for bit in self.map.module.InputLines}
        self._offset = delivery_count - n_issued
        self.n_issued = n_issued
        self._last_arrived = delivery_count
        self._outputs = 0
        self._inputs = inputs

    def takes(self, command: Command) -> bool:
        """Deliveries, and the cues and levers that this chamber has."""
        match command:
            case SetCue(cue=cue):
                return cue in self._cues
            case SetLever(lever=lever):
                return lever in self._levers
        return isinstance(command, Deliver)

    def send(self, command: Command, now_us: int) -> None:
        """Begin to carry out a command."""
        match command:
            case SetCue(cue=cue, on=on) if cue in self._cues:
                self._set(self._cues[cue], on, now_us)
            case SetLever(lever=lever, out=out) if lever in self._levers:
                self._set(self._levers[lever], out, now_us)
            case Deliver(number=number):
                self.n_issued = number
                self._write("Deliver", number + self._offset, now_us)

    def calm(self) -> bytes:
        """All outputs off, then Standby."""
        return write_frame(self.map["OutputState"], 0) + write_frame(self.map["OperationControl"], 0)

    def _set(self, bit: int, on: bool, now_us: int) -> None:
        self._outputs = self._outputs | bit if on else self._outputs & ~bit
        self._write("OutputState", self._outputs, now_us)

    def _heard(self, message: Message, at_us: int, now_us: int) -> None:
        match message.name:
            case "Inputs" if message.kind != "write":
                self._edges(int(message.value), at_us)
            case "Delivered" if message.kind == "event" and message.value > self._last_arrived:
                self._last_arrived = int(message.value)
                self._events.append(Delivered(at_us, self._last_arrived - self._offset))
            case "Fault" if message.kind != "write":
                self._faults(message.value, at_us)

    def _edges(self, inputs: int, at_us: int) -> None:
        changed, self._inputs = self._inputs ^ inputs, inputs
        if changed:
            for bit, name in self._input_bits.items():
                if changed & bit:
                    self._events.extend(_edge(name, bool(inputs & bit), at_us))

    def _faults(self, bits: Any, at_us: int) -> None:
        for fault in self.map.module.Faults:
            if fault & bits:
                self._fault(FAULT_WORDS[fault.name], at_us)


def _edge(name: str, on: bool, at_us: int) -> list[Event]:
    if name.startswith("lever_"):
        return [LeverPressed(at_us, _side(name)) if on else LeverReleased(at_us, _side(name))]
    if name == "head_entry":
        return [HeadEntered(at_us) if on else HeadLeft(at_us)]
    return []


def _side(name: str) -> str:
    return name.removeprefix("lever_").removesuffix("_out")
