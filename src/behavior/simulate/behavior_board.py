"""The simulated twin of a Harp Behavior board, with what a rig wires to it: levers, feeder, lights, a shocker.

Its rules are those of the board's firmware (`hardware/harp_behavior/device.yml`): pulses of N to N + 1 ms on a grid of
1 ms, outputs that outlive Standby, no watchdog, and answers that repeat what was written. The animal works it by the
same words as our own chamber; the current that flows while the trigger's line is on is asked of the shocker.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import get_args

from behavior.config.wiring import Board, Input, OutputLine, Shocker
from behavior.devices.registers import Register
from behavior.model.commands import SetCue, SetLever
from behavior.model.events import Delivered, ShockEnded, ShockStarted
from behavior.simulate.twin import Faults, SimulatedDevice

LINES = {1 << place: line for place, line in enumerate(get_args(OutputLine))}
"""The outputs in the order of their bits."""
FEEDER_US, AT_SENSOR_US = 120_000, 20_000
TICK_US, PHASE_US = 1_000, 500
SENSE_US, LEAST_SENSE_US = 10_000, 80_000
"""The line that says that current flows: when it comes, and how long it stays at least."""


class SimulatedBehaviorBoard(SimulatedDevice):
    """A Behavior board with a chamber around it.

    Parameters
    ----------
    uid : nothing; the board has none
    faults, seed : as of every twin
    board, shocker : what hangs on its lines
    """

    kind = "harp_behavior"
    knows_common = 16

    def __init__(
        self,
        uid: str = "",
        *,
        faults: Faults | None = None,
        seed: int = 0,
        board: Board | None = None,
        shocker: Shocker | None = None,
    ) -> None:
        self.board, self.shocker = board or Board(), shocker or Shocker()
        self.current_ma: Callable[[], float] = self._set_by_hand_or_lines
        super().__init__(uid, faults=faults, seed=seed)

    # ---- state beside the registers

    def _initialise(self) -> None:
        self._held: set[str] = set()
        self._head_in = self._at_sensor = False
        self._state = self._ports = self._sounding = 0
        self._on_since_us: int | None = None
        self._flowing = False
        self._n_pulses = self._n_pellets = 0
        self._flowed_us, self._charge_ma_us, self._charged_to_us = 0, 0.0, 0
        self._shows_flow = False
        super()._initialise()

    def _set_mode(self, control: int) -> None:
        was_active = self.active
        super()._set_mode(control)
        if self.active and not was_active:
            for side, lever in self.board.levers.items():
                if lever.output is None:  # it was out all the time, and now a session may begin
                    self._happens(lambda _, side=side: SetLever(side, True))  # type: ignore[misc]

    def _off(self, why: str) -> None:
        """Standby leaves outputs as they are; a reset clears them in `_initialise`, where nothing is told."""

    def _reset(self) -> None:
        self._write_outputs(self._state, 0)
        super()._reset()

    @property
    def gate_open(self) -> bool:
        """Whether current may flow."""
        return self._on_since_us is not None

    def _value(self, name: str) -> int:
        match name:
            case "DigitalInputState":
                return self._inputs()
            case "OutputState":
                return self._state
            case "PortDIOState":
                return self._ports
        return self._values[name]

    def _inputs(self) -> int:
        lines = {lever.input: side in self._held | {self.faults.stuck_lever} for side, lever in self._levers()}
        said: list[tuple[Input | None, bool]] = [
            *((lever, lines[lever.input]) for _, lever in self._levers()),
            (self.board.head, self._head_in),
            (self.board.pellet.sensor if self.board.pellet else None, self._at_sensor),
            (self.shocker.gate, self.gate_open),
            (self.shocker.delivered, self._shows_flow),
        ]
        bits = 0
        for line, says in said:
            if line is not None and says is (line.active == "high"):
                bits |= self._bit("DigitalInputs", line.input)
        return bits

    def _levers(self) -> list[tuple[str, Input]]:
        return [(str(side), lever) for side, lever in self.board.levers.items()]

    def _bit(self, mask: str, line: str | None) -> int:
        if line is None:
            return 0
        names = {bit.name.replace("_", "").lower(): int(bit) for bit in getattr(self.map.module, mask)}
        return names.get(line.lower(), 0)

    # ---- requests

    def _written(self, register: Register, value: int) -> None:
        match register.name:
            case "OutputSet":
                self._write_outputs(0, value)
            case "OutputClear":
                self._write_outputs(value, 0)
            case "OutputState":
                self._write_outputs(~value & 0x3FFF, value)
            case "PortDIOSet":
                self._ports |= value & self._values["PortDIODirection"]
            case "PortDIOClear":
                self._ports &= ~value
            case "PwmStart" | "PwmStop":
                self._sound(value, on=register.name == "PwmStart")
        self._values[register.name] = value

    def _write_outputs(self, low: int, high: int) -> None:
        self._change(self._state & ~low | high)
        for bit, line in LINES.items():
            if high & bit & self._values["OutputPulseEnable"]:
                ticks = (self._now_us - PHASE_US) // TICK_US + 1 + self._values[f"Pulse{line}"]
                self._at(f"pulse {line}", ticks * TICK_US + PHASE_US, partial(self._pulse_over, bit))

    def _pulse_over(self, bit: int) -> None:
        if not (self.faults.gate_sticks and bit == self._bit("DigitalOutputs", self.shocker.trigger)):
            self._change(self._state & ~bit)

    def _change(self, state: int) -> None:
        changed, self._state = self._state ^ state, state
        for cue, line in self.board.cues.items():
            bit = self._bit("DigitalOutputs", line)
            if changed & bit:
                self._happens(lambda _, cue=cue, on=bool(state & bit): SetCue(cue, on))  # type: ignore[misc]
        for side, lever in self.board.levers.items():
            bit = self._bit("DigitalOutputs", lever.output)
            if changed & bit:
                self._lever_moves(side, bool(state & bit))
        if self.board.pellet and changed & state & self._bit("DigitalOutputs", self.board.pellet.output):
            self._feed()
        if changed & self._bit("DigitalOutputs", self.shocker.trigger):
            self._gate(bool(state & self._bit("DigitalOutputs", self.shocker.trigger)))

    def _lever_moves(self, side: str, out: bool) -> None:
        self._happens(lambda _: SetLever(side, out))
        if not out and side in self._held:
            self._edge(lambda: self._held.discard(side))

    def _sound(self, bits: int, *, on: bool) -> None:
        tone = self.board.tone
        was, self._sounding = self._sounding, self._sounding | bits if on else self._sounding & ~bits
        if tone and (was ^ self._sounding) & 1 << int(tone.output.removeprefix("DO")):
            self._happens(lambda _: SetCue("tone", on))

    # ---- the feeder

    def _feed(self) -> None:
        if not self.faults.feeder_jam:
            self._at("feeder", self._now_us + FEEDER_US, self._arrives)

    def _arrives(self) -> None:
        self._n_pellets += 1
        number = self._n_pellets
        self._happens(lambda at_us: Delivered(at_us, number))
        self._edge(lambda: setattr(self, "_at_sensor", True))
        self._at("sensor", self._now_us + AT_SENSOR_US, lambda: self._edge(lambda: setattr(self, "_at_sensor", False)))

    # ---- the gate

    def _set_by_hand_or_lines(self) -> float:
        if not self.shocker.data:
            return self.shocker.set_ma or 0.0
        steps = 0
        for place, line in enumerate(self.shocker.data):
            high = self._state & self._bit("DigitalOutputs", line) or self._ports & self._bit("PortDigitalIOS", line)
            steps += (bool(high) is (self.shocker.data_active == "high")) << place
        return steps * self.shocker.step_ma

    def _gate(self, open_: bool) -> None:
        if open_:
            self._n_pulses += 1
            self._edge(lambda: setattr(self, "_on_since_us", self._now_us))
            self._charged_to_us, self._charge_ma_us = self._now_us, 0.0
            number = self._n_pulses
            self._happens(lambda at_us: ShockStarted(at_us, number))
            self._at("sense", self._now_us + SENSE_US, self._sense)
        elif self._on_since_us is not None:
            self._integrate(self.faults)
            us, charge, number = self._now_us - self._on_since_us, self._charge_ma_us, self._n_pulses
            self._never("sense")
            self._edge(lambda: setattr(self, "_on_since_us", None))
            mean_ma = charge / us if us else 0.0
            self._happens(lambda at_us: ShockEnded(at_us, number, us, mean_ma, "completed"))
            if self._shows_flow:
                self._at("flow ends", max(self._now_us, self._flows_since_us + LEAST_SENSE_US), self._flow_ends)

    def _integrate(self, faults: Faults) -> None:
        if self.gate_open:
            sound = faults.grid == "sound"
            ma = self.current_ma() * (1 + faults.delivered_percent / 100) if sound else 0.0
            self._charge_ma_us += ma * (self._now_us - self._charged_to_us)
            self._charged_to_us = self._now_us

    def _sense(self) -> None:
        if self.gate_open and self.faults.grid != "open" and self.current_ma() > 0:
            self._flows_since_us = self._now_us
            self._edge(lambda: setattr(self, "_shows_flow", True))

    def _flow_ends(self) -> None:
        if not self.gate_open:
            self._edge(lambda: setattr(self, "_shows_flow", False))

    # ---- the world

    def press(self, lever: str, now_us: int) -> bool:
        """Press a lever; whether it was out and its switch closed."""
        self.advance(now_us)
        if lever not in self.board.levers or not self.lever_out(lever) or lever in self._held:
            return False
        self._edge(lambda: self._held.add(lever))
        return True

    def release(self, lever: str, now_us: int) -> None:
        """Let go of a lever."""
        self.advance(now_us)
        self._edge(lambda: self._held.discard(lever))

    def enter_head(self, now_us: int) -> None:
        """Put the head into the food tray."""
        self.advance(now_us)
        self._edge(lambda: setattr(self, "_head_in", True))

    def leave_head(self, now_us: int) -> None:
        """Take the head out of the food tray."""
        self.advance(now_us)
        self._edge(lambda: setattr(self, "_head_in", False))

    def lever_out(self, lever: str) -> bool:
        """Whether the animal can reach a lever."""
        output = next((one.output for side, one in self.board.levers.items() if side == lever), None)
        return output is None or bool(self._state & self._bit("DigitalOutputs", output))

    def _suffered(self, before: Faults) -> None:
        now, self.faults = self.faults, before
        self._integrate(before)
        told = self._inputs()
        self.faults = now
        if now.grid == "open" and self._shows_flow:
            self._shows_flow = False
        elif self.gate_open and now.grid != before.grid:
            self._at("sense", self._now_us + SENSE_US, self._sense)
        if self._inputs() != told:
            self._tell()

    def _edge(self, act: Callable[[], object]) -> None:
        before = self._inputs()
        act()
        if self._inputs() != before:
            self._tell()

    def _tell(self) -> None:
        if self._values["EventEnable"] & int(self.map.module.Events["PORT_DI"]):
            self._event("DigitalInputState")
