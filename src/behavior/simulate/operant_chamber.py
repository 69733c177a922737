"""The simulated twin of our operant chamber: levers, a food tray, lights, a tone and a feeder.

The animal works it by `press`, `release`, `enter_head` and `leave_head`; `take_happenings` gives what it perceives.
A lever that is in cannot be pressed, and one that is drawn in while pressed comes free.
"""

from __future__ import annotations

from collections.abc import Callable

from behavior.devices.registers import Register
from behavior.model.commands import SetCue, SetLever
from behavior.model.events import Delivered
from behavior.simulate.twin import Faults, SimulatedDevice

FEEDER_US = 150_000
SENSOR_US = 20_000
JAM_US = 1_000_000


class SimulatedOperantChamber(SimulatedDevice):
    """An operant chamber for one animal."""

    kind = "operant_chamber"

    def _restarted(self) -> None:
        self._held: set[str] = set()
        self._head_in = False
        self._at_sensor = False
        self._waiting = 0

    def _value(self, name: str) -> int:
        match name:
            case "Inputs":
                return self._inputs()
            case "OutputSet" | "OutputClear":
                return self._values["OutputState"]
            case "Deliver":
                return self._values["DeliveryCount"]
        return self._values[name]

    def _inputs(self) -> int:
        bits = self.map.module.InputLines
        on = {f"LEVER_{lever.upper()}" for lever in (*self._held, self.faults.stuck_lever) if lever}
        on |= {"HEAD_ENTRY"} if self._head_in else set()
        on |= {"FEEDER_SENSOR"} if self._at_sensor else set()
        return sum(int(bits[name]) for name in on)

    # ---- requests

    def _written(self, register: Register, value: int) -> None:
        state = self._values["OutputState"]
        match register.name:
            case "OutputSet" | "OutputClear" | "OutputState" if not self.watched:
                pass  # what is in force answers
            case "OutputSet":
                self._output(state | value)
            case "OutputClear":
                self._output(state & ~value)
            case "OutputState":
                self._output(value)
            case "Deliver":
                self._deliver(value)
            case "Fault":
                self._values["Fault"] &= ~value
            case name:
                self._values[name] = value

    def _output(self, state: int) -> None:
        changed, self._values["OutputState"] = self._values["OutputState"] ^ state, state
        if changed:
            for bit in self.map.module.Outputs:
                if changed & bit:
                    self._show((bit.name or "").lower(), bool(state & bit))

    def _show(self, name: str, on: bool) -> None:
        if name.startswith("lever_"):
            lever = name.removeprefix("lever_").removesuffix("_out")
            self._happens(lambda _: SetLever(lever, on))
            if not on and lever in self._held:
                self._held.discard(lever)
                self._event("Inputs")
        else:
            self._happens(lambda _: SetCue(name, on))

    def _off(self, why: str) -> None:
        self._output(0)
        self._waiting = 0
        self._never("feeder")

    # ---- the feeder

    def _deliver(self, number: int) -> None:
        if not self.watched or number != self._values["DeliveryCount"] + 1:
            return
        self._values["DeliveryCount"] = number
        self._waiting += 1
        if self._waiting == 1:
            self._run_feeder()

    def _run_feeder(self) -> None:
        if self.faults.feeder_jam:
            self._at("feeder", self._now_us + JAM_US, self._jam)
        else:
            self._at("feeder", self._now_us + FEEDER_US, self._arrives)

    def _arrives(self) -> None:
        number = self._values["DeliveryCount"] - self._waiting + 1
        self._waiting -= 1
        self._values["Delivered"] = number
        self._at_sensor = True
        self._event("Inputs")
        self._event("Delivered")
        self._happens(lambda at_us: Delivered(at_us, number))
        self._at("sensor", self._now_us + SENSOR_US, self._passed)
        if self._waiting:
            self._run_feeder()

    def _passed(self) -> None:
        self._at_sensor = False
        self._event("Inputs")

    def _jam(self) -> None:
        self._waiting = 0
        self._set_fault("FEEDER_JAM")

    # ---- the world

    def press(self, lever: str, now_us: int) -> bool:
        """Press a lever; whether it was out and its switch closed."""
        self.advance(now_us)
        if not self.lever_out(lever) or lever in self._held:
            return False
        self._change(lambda: self._held.add(lever))
        return True

    def release(self, lever: str, now_us: int) -> None:
        """Let go of a lever."""
        self.advance(now_us)
        self._change(lambda: self._held.discard(lever))

    def enter_head(self, now_us: int) -> None:
        """Put the head into the food tray."""
        self.advance(now_us)
        self._change(lambda: setattr(self, "_head_in", True))

    def leave_head(self, now_us: int) -> None:
        """Take the head out of the food tray."""
        self.advance(now_us)
        self._change(lambda: setattr(self, "_head_in", False))

    def lever_out(self, lever: str) -> bool:
        """Whether the animal can reach a lever."""
        return bool(self._values["OutputState"] & int(self.map.module.Outputs[f"LEVER_{lever.upper()}_OUT"]))

    def _suffered(self, before: Faults) -> None:
        if self.faults.stuck_lever != before.stuck_lever:
            self._event("Inputs")

    def _change(self, act: Callable[[], object]) -> None:
        before = self._inputs()
        act()
        if self._inputs() != before:
            self._event("Inputs")
