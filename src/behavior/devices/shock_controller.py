"""The driver of our shock controller (`hardware/shock_controller/device.yml`).

A `Shock` is intensity, duration, `Arm n`, `Trigger n`, where n is the device's own number of the pulse. What is in
force already is not written again; what differs is written and must be echoed before anything is armed. The device
takes each number once, so nothing that is repeated, on the wire or here, shocks twice. A pulse is never asked for
again.

What is a fault and what is data: a pulse that was refused, that did not start or whose end is not known, a current
more than 10 % above what was asked for, an opened interlock, a watchdog that ended, a gate or grid that failed are
faults. Less current than asked for is data (`ShockEnded.delivered_ma`): an animal that jumps opens the circuit, and the
session goes on.

===================  ===============================================================================
command              bytes
===================  ===============================================================================
``Shock``            (write Intensity, Duration; after their echoes) write Arm, write Trigger
``StopShock``        write Stop, again each 100 ms until it is echoed
===================  ===============================================================================

===================  ===============================================================================
from the device      event
===================  ===============================================================================
PulseStarted         ``ShockStarted``; also when only the echo of Trigger arrives
PulseEnded           ``ShockEnded``; is asked for when it does not come in time
Fault                ``Faulted``, except for OpenGrid
===================  ===============================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from behavior.devices.driver import NEVER, REPLY_US, HarpDriver
from behavior.devices.harp import Message, write_frame
from behavior.model.commands import Command, Shock, StopShock
from behavior.model.events import ShockEnded, ShockStarted

if TYPE_CHECKING:
    from behavior.devices.clock import DeviceClock

FAULT_WORDS = {
    "INTERLOCK": "its interlock opened",
    "WATCHDOG": "its watchdog ended: it did not hear the host",
    "OVERRUN": "its gate did not close in time",
    "GRID_SHORT": "bars of the grid are shorted",
    "LIMIT": "a pulse would have passed its limit on duty, time or count",
}
N_READ_BACKS = 3


@dataclass(slots=True)
class Pulse:
    """The pulse that is being given."""

    number: int
    device_number: int
    ua: int
    duration_ms: int
    fired_us: int | None = None
    started_at_us: int | None = None
    ask_us: int = NEVER
    n_asked: int = 0

    def end_is_late_us(self, from_us: int) -> int:
        """When the end of this pulse should be known, were it to begin at `from_us`; its clock may be 1 % slow."""
        return from_us + self.duration_ms * 1_010 + REPLY_US


class ShockController(HarpDriver):
    """Drives one shock controller.

    Parameters
    ----------
    name, clock, now_us : as of every driver
    n_issued : shocks that this session has commanded already, when it is resumed
    pulse_count : the device's PulseCount now
    times_another : its gate line opens a shocker of another make; it is that shocker which is asked for shocks, and the
        current is not measured here
    """

    kind = "shock_controller"
    watched = ("OperationControl", "Fault", "PulseCount", "WhoAmI")
    n_tries = {"Stop": 10}  # noqa: RUF012

    def __init__(
        self,
        name: str,
        clock: DeviceClock,
        now_us: int,
        *,
        n_issued: int = 0,
        pulse_count: int = 0,
        times_another: bool = False,
    ) -> None:
        super().__init__(name, clock, now_us)
        self._times_another = times_another
        self._offset = pulse_count - n_issued
        self.n_issued = n_issued
        self._last_asked = self._last_ended = pulse_count
        self._pulse: Pulse | None = None

    def takes(self, command: Command) -> bool:
        """Shocks, unless they are asked of the shocker whose pulses it times."""
        return not self._times_another and isinstance(command, Shock | StopShock)

    def send(self, command: Command, now_us: int) -> None:
        """Begin to carry out a command."""
        if isinstance(command, Shock):
            self._shock(command, now_us)
        elif isinstance(command, StopShock):
            self._stop(now_us)

    def calm(self) -> bytes:
        """Stop, then Standby, in which the gate is closed whatever else is true."""
        return write_frame(self.map["Stop"], 1) + write_frame(self.map["OperationControl"], 0)

    # ---- what a shocker calls

    def pulse(self, shock: Shock, now_us: int, data: int | None = None) -> None:
        """Give one pulse on the gate line."""
        self._shock(shock, now_us)

    def stop(self, now_us: int) -> None:
        """End the pulse that is on."""
        self._stop(now_us)

    # ---- commands

    def _shock(self, command: Shock, now_us: int) -> None:
        ua, duration_ms = round(command.ma * 1_000), round(command.duration_s * 1_000)
        possible = ua > 0 and duration_ms > 0
        if not (possible and self.map["Intensity"].allows(ua) and self.map["Duration"].allows(duration_ms)):
            self._fault(f"cannot give {command.ma} mA for {command.duration_s} s", now_us)
            return
        if self._pulse is not None:
            self._fault(f"shock {command.number} was asked for before shock {self._pulse.number} was over", now_us)
            return
        device_number = command.number + self._offset
        if device_number <= self._last_asked:
            self._fault(f"shock {command.number} was asked for a second time", now_us)
            return
        self._last_asked, self.n_issued = device_number, command.number
        self._pulse = Pulse(command.number, device_number, ua, duration_ms)
        for register, value in (("Intensity", ua), ("Duration", duration_ms)):
            if self._in_force.get(register) != value or register in self._wanted:
                self._write(register, value, now_us)
        self._fire_if_set(now_us)

    def _fire_if_set(self, now_us: int) -> None:
        pulse = self._pulse
        if pulse is None or pulse.fired_us is not None or {"Intensity", "Duration"} & self._wanted.keys():
            return
        pulse.fired_us, pulse.ask_us = now_us, now_us + REPLY_US
        self._send_frame("Arm", pulse.device_number)
        self._send_frame("Trigger", pulse.device_number)

    def _stop(self, now_us: int) -> None:
        if self._pulse is not None and self._pulse.fired_us is None:
            self._pulse = None
        if self._pulse is not None:
            self._pulse.ask_us = min(self._pulse.ask_us, now_us + REPLY_US)
        self._write("Stop", 1, now_us, echo=0)

    def _give_up(self, why: str, now_us: int) -> None:
        """The pulse is in doubt: have it off, and ask the device what became of it."""
        pulse = self._pulse
        if pulse is None:
            return
        self._fault(why, now_us)
        pulse.ask_us, pulse.n_asked = NEVER, N_READ_BACKS
        self._write("Stop", 1, now_us, echo=0)
        self._read("PulseEnded", now_us)

    # ---- what the device says

    def _confirmed(self, register: str, now_us: int) -> None:
        if register in ("Intensity", "Duration"):
            self._fire_if_set(now_us)

    def _drop(self, register: str) -> None:
        super()._drop(register)
        if register in ("Intensity", "Duration") and self._pulse is not None and self._pulse.fired_us is None:
            self._pulse = None

    def _heard(self, message: Message, at_us: int, now_us: int) -> None:
        pulse = self._pulse
        match message.name:
            case "Arm" if pulse is not None and pulse.fired_us is not None and message.value == 0:
                self._give_up(f"shock {pulse.number} was refused by the device", now_us)
            case "Trigger" if pulse is not None and message.value == pulse.device_number:
                self._started(pulse, at_us)
            case "PulseStarted" if message.kind == "event":
                self._gate_opened(int(message.value), at_us, now_us)
            case "PulseEnded":
                self._gate_closed(message.value, at_us, message.kind == "event", now_us)
            case "Fault" if message.kind != "write":
                self._faults(message.value, at_us)
            case "PulseCount" if message.value > self._last_asked:
                self._fault("gave a pulse that nobody asked for", at_us)

    def _gate_opened(self, device_number: int, at_us: int, now_us: int) -> None:
        if self._pulse is not None and device_number == self._pulse.device_number:
            self._started(self._pulse, at_us)
        elif device_number > self._last_ended:
            self._fault(f"opened its gate for pulse {device_number}, which nobody asked for", at_us)
            self._write("Stop", 1, now_us, echo=0)

    def _started(self, pulse: Pulse, at_us: int) -> None:
        if pulse.started_at_us is None:
            pulse.started_at_us = at_us
            pulse.ask_us = pulse.end_is_late_us(at_us)
            self._events.append(ShockStarted(at_us, pulse.number))

    def _gate_closed(self, report: Any, at_us: int, as_event: bool, now_us: int) -> None:
        pulse = self._pulse
        if pulse is None or int(report.number) != pulse.device_number:
            return
        duration_us, delivered_ua = int(report.duration), int(report.delivered)
        if pulse.started_at_us is None:
            self._started(pulse, max(0, at_us - duration_us))
        if not as_event and pulse.started_at_us is not None:
            at_us = min(at_us, pulse.started_at_us + duration_us)
        self._pulse, self._last_ended = None, pulse.device_number
        cause = getattr(report.cause, "name", str(report.cause)).lower()
        delivered_ma = None if self._times_another else delivered_ua / 1_000
        self._events.append(ShockEnded(at_us, pulse.number, duration_us, delivered_ma, cause))
        if not self._times_another and delivered_ua * 10 > pulse.ua * 11:
            self._fault(f"gave {delivered_ua / 1_000} mA where {pulse.ua / 1_000} mA was asked for", at_us)

    def _faults(self, bits: Any, at_us: int) -> None:
        for fault in self.map.module.Faults:
            if fault & bits and fault.name in FAULT_WORDS:
                self._fault(FAULT_WORDS[fault.name], at_us)

    # ---- time-outs

    def _due(self, now_us: int) -> None:
        pulse = self._pulse
        if pulse is None or now_us < pulse.ask_us:
            return
        if pulse.started_at_us is None:
            self._give_up(f"shock {pulse.number} did not start", now_us)
        elif pulse.n_asked < N_READ_BACKS:
            pulse.n_asked += 1
            pulse.ask_us = now_us + REPLY_US
            self._read("PulseEnded", now_us)
        else:
            self._give_up(f"the end of shock {pulse.number} is not known", now_us)

    def _due_us(self) -> int:
        return self._pulse.ask_us if self._pulse is not None else NEVER
