"""The simulated twin of our shock controller: its rules of arming, its limits, its gate and its grid."""

from __future__ import annotations

from collections import deque

from behavior.devices.registers import Register
from behavior.model.events import ShockEnded, ShockStarted
from behavior.simulate.twin import Faults, SimulatedDevice

DUTY_WINDOW_US = 60_000_000
OVERRUN_US = 10_000
SENSE_US = 10_000
BLOCKING = ("INTERLOCK", "WATCHDOG", "OVERRUN", "GRID_SHORT")
CLEARED_BY_ARMING = ("OPEN_GRID", "LIMIT")
LIMITS = ("MaxIntensity", "MaxDuration", "MaxDuty", "MaxOnTime", "MaxCount")


class SimulatedShockController(SimulatedDevice):
    """A shock controller with a chamber's grid behind it."""

    kind = "shock_controller"

    # ---- state beside the registers

    def _restarted(self) -> None:
        self._on_since_us: int | None = None
        self._started_as = (0, 0)
        self._past: deque[tuple[int, int]] = deque()
        self._on_time_us = 0
        self._report = (0, 0, 0, 0)
        self._charge_ua_us, self._charged_to_us = 0, 0

    @property
    def gate_open(self) -> bool:
        """Whether current may flow."""
        return self._on_since_us is not None

    def _value(self, name: str) -> int:
        match name:
            case "Inputs":
                return int(not self.faults.interlock_open)
            case "Trigger":
                return self._values["PulseCount"] if self.gate_open else 0
            case "PulseStarted":
                return self._values["PulseCount"]
            case "PulseEnded":
                return sum(part << 32 * place for place, part in enumerate(self._report))
            case "OnTime":
                return -(-self._on_time_us // 1_000)
        return self._values[name]

    # ---- requests

    def _written(self, register: Register, value: int) -> None:
        name, free = register.name, not self.gate_open and not self._values["Arm"]
        match name:
            case "Intensity" | "Duration":
                if free and value <= self._values[f"Max{name}"]:
                    self._values[name] = value
            case "Arm":
                self._arm(value)
            case "Trigger":
                if value and value == self._values["Arm"]:
                    self._open_gate()
            case "Stop":
                self._off("stopped")
            case "Fault":
                self._values["Fault"] &= ~value
                if self.active and self.faults.interlock_open:
                    self._values["Fault"] |= self._bit("INTERLOCK")
            case _ if name in LIMITS:
                if not self.gate_open and value <= self._values[name]:
                    self._lower(name, value)
            case _:
                self._values[name] = value

    def _lower(self, limit: str, value: int) -> None:
        self._disarm()
        self._values[limit] = value
        for name in ("Intensity", "Duration"):
            if self._values[name] > self._values[f"Max{name}"]:
                self._values[name] = 0

    def _arm(self, number: int) -> None:
        self._disarm()
        values, blocking = self._values, sum(self._bit(fault) for fault in BLOCKING)
        sound = not self.faults.interlock_open and not values["Fault"] & blocking
        ready = self.watched and not self.gate_open and sound
        if not (ready and number == values["PulseCount"] + 1 and values["Intensity"] and values["Duration"]):
            return
        if self._would_pass_a_limit():
            self._set_fault("LIMIT")
            return
        values["Fault"] &= ~sum(self._bit(fault) for fault in CLEARED_BY_ARMING)
        values["Arm"] = number
        self._at("arm expires", self._now_us + values["ArmTimeout"] * 1_000, self._disarm)

    def _disarm(self) -> None:
        self._values["Arm"] = 0
        self._never("arm expires")

    def _would_pass_a_limit(self) -> bool:
        duration_us, values = self._values["Duration"] * 1_000, self._values
        window_from_us = self._now_us + duration_us - DUTY_WINDOW_US
        while self._past and self._past[0][1] <= window_from_us:
            self._past.popleft()
        recent_us = sum(end - max(start, window_from_us) for start, end in self._past)
        return (
            values["PulseCount"] >= values["MaxCount"]
            or self._on_time_us + duration_us > values["MaxOnTime"] * 1_000
            or recent_us + duration_us > values["MaxDuty"] * 1_000
        )

    # ---- the gate

    def _open_gate(self) -> None:
        self._disarm()
        values = self._values
        values["PulseCount"] += 1
        self._on_since_us = self._charged_to_us = self._now_us
        self._charge_ua_us = 0
        self._started_as = values["Intensity"], values["Duration"]
        self._event("PulseStarted")
        self._happens(lambda at_us: ShockStarted(at_us, values["PulseCount"]))
        self._at("pulse ends", self._now_us + values["Duration"] * 1_000, self._pulse_ends)
        self._at("sense", self._now_us + SENSE_US, self._sense)

    def _pulse_ends(self) -> None:
        if self.faults.gate_sticks:
            self._at("pulse ends", self._now_us + OVERRUN_US, self._overrun)
        else:
            self._close_gate("completed")

    def _overrun(self) -> None:
        self._close_gate("overrun")
        self._set_fault("OVERRUN")

    def _sense(self) -> None:
        if self.faults.grid == "short":
            self._close_gate("grid_short")
            self._set_fault("GRID_SHORT")
        elif self.faults.grid == "open":
            self._set_fault("OPEN_GRID")

    def _off(self, why: str) -> None:
        self._disarm()
        if self.gate_open and self.faults.gate_sticks:
            self._at("pulse ends", self._now_us + OVERRUN_US, self._overrun)
        elif self.gate_open:
            self._close_gate(why)

    def _close_gate(self, why: str) -> None:
        started_us = self._on_since_us
        if started_us is None:
            return
        self._integrate(self.faults)
        self._on_since_us = None
        self._never("pulse ends")
        self._never("sense")
        open_us = self._now_us - started_us
        self._past.append((started_us, self._now_us))
        self._on_time_us += open_us
        mean_ua = round(self._charge_ua_us / open_us) if open_us else 0
        number = self._values["PulseCount"]
        self._report = (number, open_us, mean_ua, int(self.map.module.EndCauses[why.upper()]))
        self._event("PulseEnded")
        self._happens(lambda at_us: ShockEnded(at_us, number, open_us, mean_ua / 1_000, why))

    def _integrate(self, grid: Faults) -> None:
        """Add up the charge since the last change of the grid, for the mean current."""
        if self.gate_open:
            ua = 0 if grid.grid == "open" else self._started_as[0] * (1 + grid.delivered_percent / 100)
            self._charge_ua_us += round(ua * (self._now_us - self._charged_to_us))
            self._charged_to_us = self._now_us

    # ---- the world

    def _suffered(self, before: Faults) -> None:
        self._integrate(before)
        if self.gate_open and self.faults.grid != before.grid:
            self._at("sense", self._now_us + SENSE_US, self._sense)
        if self.faults.interlock_open != before.interlock_open:
            self._event("Inputs")
            if self.faults.interlock_open:
                self._off("interlock")
                if self.active:
                    self._set_fault("INTERLOCK")

    def _set_mode(self, control: int) -> None:
        super()._set_mode(control)
        if self.active and self.faults.interlock_open:
            self._set_fault("INTERLOCK")

    def _bit(self, fault: str) -> int:
        return int(self.map.module.Faults[fault])
