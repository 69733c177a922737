"""The driver of a Harp Behavior board (WhoAmI 1216) as an operant chamber, and as what times a shocker's pulses.

What hangs on which line says the rig file (`config.wiring.Board`, `Shocker`).

===================  ===============================================================================
command              bytes
===================  ===============================================================================
``SetCue``           write OutputSet with all lines that are to be on, OutputClear with all others
``SetLever``         the same; nothing for a lever that cannot move
``Deliver``          write OutputSet with the feeder's line, which then gives its pulse; once
a shock's pulse      write its length and OutputPulseEnable; after their echoes (and, where lines set the current,
                     after OutputState has shown them) write OutputSet with the trigger's line; once
``StopShock``        write OutputClear with the trigger's line, again each 100 ms until it is echoed
===================  ===============================================================================

===================  ===============================================================================
from the device      event
===================  ===============================================================================
DigitalInputState    ``LeverPressed`` and the like, one for each line that changed; the gate's and the current's edges
echo of OutputSet    ``ShockStarted``, where no line reads the gate back; ``Delivered``, where no sensor sees pellets
OutputState          after a pulse: that its line is low, hence ``ShockEnded``
===================  ===============================================================================

The board ends each pulse by its own clock, N to N + 1 ms after it began. Length and OutputPulseEnable are written
before every pulse, because a board that lost its power in between would hold the line for ever. OutputState is never
written: that would start a pulse anew. Nothing here is repeated that would shock or feed twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from behavior.config.wiring import Board, Input, Shocker
from behavior.devices.cues import cue_bits
from behavior.devices.driver import NEVER, REPLY_US, HarpDriver
from behavior.devices.harp import Message, write_frame
from behavior.model.commands import Command, Deliver, SetCue, SetLever, Shock
from behavior.model.events import (
    Delivered,
    HeadEntered,
    HeadLeft,
    LeverPressed,
    LeverReleased,
    ShockEnded,
    ShockStarted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behavior.devices.clock import DeviceClock

JAM_US = 1_000_000
FLOWS_ON_US = 500_000
"""So long after a pulse may the line that says that current flows still say so."""
MS_US = 1_000
N_READ_BACKS = 3
LEVEL_REGISTERS = frozenset({"OutputSet", "OutputClear", "PortDIOSet", "PortDIOClear"})


@dataclass(slots=True)
class Pulse:
    """The pulse that is being given."""

    shock: Shock
    data: int | None
    to_show: set[str] = field(default_factory=set)
    """Registers that are still to show the lines that set the current."""
    asked_to_show: bool = False
    fired_us: int | None = None
    started_at_us: int | None = None
    stopped: bool = False
    ask_us: int = NEVER
    n_asked: int = 0
    flowed: list[tuple[int, int]] = field(default_factory=list)

    @property
    def us(self) -> int:
        """How long it is to be."""
        return round(self.shock.duration_s * 1_000) * MS_US


class BehaviorBoard(HarpDriver):
    """Drives one Behavior board.

    Parameters
    ----------
    name, clock, now_us : as of every driver
    board : what hangs on its lines
    shocker : whose pulses it times, if it does
    inputs : the input lines now
    """

    kind = "harp_behavior"
    watched = ("OperationControl", "DigitalInputState", "OutputState", "WhoAmI")
    n_tries = {"OutputClear": 10}  # noqa: RUF012

    def __init__(
        self,
        name: str,
        clock: DeviceClock,
        now_us: int,
        *,
        board: Board | None = None,
        shocker: Shocker | None = None,
        inputs: int = 0,
    ) -> None:
        super().__init__(name, clock, now_us)
        self._board = board or Board()
        self._shocker = shocker or Shocker()
        self._out, self._ports, self._in = (
            line_bits(self.map.module, mask) for mask in ("DigitalOutputs", "PortDigitalIOS", "DigitalInputs")
        )
        named = {cue: self._out[line.lower()] for cue, line in self._board.cues.items()}
        self._cues = {**named, **cue_bits(named)}
        self._levers: dict[str, int] = {
            side: self._out[lever.output.lower()] if lever.output else 0 for side, lever in self._board.levers.items()
        }
        self._pellet = self._out[self._board.pellet.output.lower()] if self._board.pellet else 0
        self._trigger = self._out[self._shocker.trigger.lower()] if self._shocker.trigger else 0
        self._data = [line.lower() for line in self._shocker.data]
        self._data_bits = self._bits_of(self._data, self._out)
        self._managed = sum(named.values()) | sum(self._levers.values()) | self._data_bits
        self._levels = self._rest(self._out)
        self._port_levels = self._rest(self._ports)
        self._inputs = inputs
        self._flows_since_us: int | None = None
        self._flow_told_us = NEVER
        self._pulse: Pulse | None = None
        self._feeding: tuple[int, int] | None = None
        self._waiting: list[int] = []

    # ---- what a chamber calls

    def takes(self, command: Command) -> bool:
        """The cues, levers and feeder that are wired to it. Shocks are asked of the shocker."""
        match command:
            case SetCue(cue=cue):
                return cue in self._cues or (cue == "tone" and self._board.tone is not None)
            case SetLever(lever=lever):
                return lever in self._levers
        return isinstance(command, Deliver) and self._pellet > 0

    def send(self, command: Command, now_us: int) -> None:
        """Begin to carry out a command."""
        match command:
            case SetCue(cue="tone", on=on) if self._board.tone:
                self._sound(self._board.tone.output, on, now_us)
            case SetCue(cue=cue, on=on) if cue in self._cues:
                self._set(self._cues[cue], on, now_us)
            case SetLever(lever=lever, out=out) if self._levers.get(lever):
                self._set(self._levers[lever], out, now_us)
            case Deliver(number=number) if self._pellet:
                self._waiting.append(number)
                self._feed(now_us)

    def calm(self) -> bytes:
        """All lines low, no tone, then Standby, which alone would leave them as they are."""
        clear = self._managed | self._pellet | self._trigger
        low = self._data_bits if self._shocker.data_active == "low" else 0
        frames = write_frame(self.map["OutputClear"], clear & ~low | self._trigger)
        if ports := self._bits_of(self._data, self._ports):
            away = "PortDIOSet" if self._shocker.data_active == "low" else "PortDIOClear"
            frames += write_frame(self.map[away], ports)
        if low:
            frames += write_frame(self.map["OutputSet"], low)
        if self._board.tone:
            frames += write_frame(self.map["PwmStop"], pwm_bit(self._board.tone.output))
        return frames + write_frame(self.map["OperationControl"], 0)

    # ---- what a shocker calls

    def pulse(self, shock: Shock, now_us: int, data: int | None = None) -> None:
        """Give one pulse on the trigger's line, with these lines high that set its current."""
        if self._pulse is not None:
            self._fault(f"shock {shock.number} was asked for before shock {self._pulse.shock.number} was over", now_us)
            return
        self._pulse = Pulse(shock, data)
        if data is not None:
            self._set_data(data, now_us)
            self._pulse.to_show = {"OutputState"} | ({"PortDIOState"} if self._has_port_lines else set())
        self._write(f"Pulse{self._shocker.trigger}", self._pulse.us // MS_US, now_us)
        self._write("OutputPulseEnable", self._trigger | self._pellet, now_us)

    def stop(self, now_us: int) -> None:
        """End the pulse that is on, and whatever else is on that line."""
        pulse = self._pulse
        if pulse is not None and pulse.fired_us is None:
            self._pulse = None
            self._rest_data(now_us)
        elif pulse is not None:
            pulse.stopped = True
        self._write_levels(now_us, clearing=self._trigger)

    # ---- lines

    @property
    def _has_port_lines(self) -> bool:
        return any(line in self._ports for line in self._data)

    def _bits_of(self, lines: Iterable[str], bank: dict[str, int]) -> int:
        return sum(bank.get(line, 0) for line in lines)

    def _rest(self, bank: dict[str, int]) -> int:
        """The lines that are high when nothing is on: those of the current that are active low."""
        return self._bits_of(self._data, bank) if self._shocker.data_active == "low" else 0

    def _set(self, bits: int, on: bool, now_us: int) -> None:
        self._levels = self._levels | bits if on else self._levels & ~bits
        self._write_levels(now_us)

    def _set_data(self, data: int, now_us: int) -> None:
        active = [line for place, line in enumerate(self._data) if data >> place & 1]
        for bank, name in ((self._out, "_levels"), (self._ports, "_port_levels")):
            mine = self._bits_of(self._data, bank)
            high = self._bits_of(active, bank)
            high = mine & ~high if self._shocker.data_active == "low" else high
            setattr(self, name, getattr(self, name) & ~mine | high)
        self._write_levels(now_us)

    def _rest_data(self, now_us: int) -> None:
        if self._data:
            self._set_data(0, now_us)

    def _write_levels(self, now_us: int, *, clearing: int = 0) -> None:
        if self._levels:
            self._write("OutputSet", self._levels, now_us)
        idle = self._trigger if self._pulse is None or self._pulse.stopped else 0
        if off := self._managed & ~self._levels | clearing | idle:
            self._write("OutputClear", off, now_us)
        if self._has_port_lines:
            mine = self._bits_of(self._data, self._ports)
            self._write("PortDIOSet", self._port_levels, now_us)
            self._write("PortDIOClear", mine & ~self._port_levels, now_us)

    def _sound(self, line: str, on: bool, now_us: int) -> None:
        register, other = ("PwmStart", "PwmStop") if on else ("PwmStop", "PwmStart")
        self._wanted.pop(other, None)  # what is asked for last holds
        self._write(register, pwm_bit(line), now_us)

    # ---- what the device says

    def _echoed(self, register: str, value: int, at_us: int, now_us: int) -> None:
        if register == "OutputSet" and value in (self._trigger, self._pellet) and value:
            self._pulse_began(value, at_us, now_us)
            return
        super()._echoed(register, value, at_us, now_us)
        pulse = self._pulse
        if register == "OutputClear" and pulse is not None and pulse.stopped and value & self._trigger:
            self._ended(at_us, "stopped", now_us)

    def _confirmed(self, register: str, now_us: int) -> None:
        self._fire_if_set(now_us)

    def _drop(self, register: str) -> None:
        super()._drop(register)
        if self._pulse is not None and self._pulse.fired_us is None:
            self._pulse = None  # its current or its length is not known: it is not given

    def _heard(self, message: Message, at_us: int, now_us: int) -> None:
        match message.name:
            case "DigitalInputState" if message.kind != "write":
                self._edges(int(message.value), at_us, now_us)
            case "OutputSet" if message.kind == "write":
                self._pulse_began(int(message.value), at_us, now_us)
            case "OutputState" if message.kind == "read":
                self._shown("OutputState", int(message.value), at_us, now_us)
            case "PortDIOState" if message.kind == "read":
                self._shown("PortDIOState", int(message.value), at_us, now_us)

    def _shown(self, register: str, value: int, at_us: int, now_us: int) -> None:
        pulse = self._pulse
        if pulse is not None and pulse.asked_to_show and register in pulse.to_show:
            bank, levels = (self._out, self._levels) if register == "OutputState" else (self._ports, self._port_levels)
            if (value ^ levels) & self._bits_of(self._data, bank):
                self._pulse = None
                self._fault("the lines that set the current are not as they were set", at_us)
                self._rest_data(now_us)
                return
            pulse.to_show.discard(register)
            self._fire_if_set(now_us)
        if register == "OutputState" and self._trigger:
            self._line_is(bool(value & self._trigger), at_us, now_us)

    def _line_is(self, high: bool, at_us: int, now_us: int) -> None:
        """OutputState shows the trigger's line."""
        pulse = self._pulse
        if pulse is None or pulse.fired_us is None:
            if high:
                self._fault("its trigger line is on, and nobody asked for it", at_us)
                self._write_levels(now_us, clearing=self._trigger)
        elif pulse.started_at_us is not None and not high:  # it answers in order: this is of after the pulse began
            at_us = at_us if at_us > pulse.started_at_us else now_us  # its clock began anew
            end_us = pulse.started_at_us + pulse.us
            if at_us >= end_us - MS_US:
                self._ended(min(at_us, end_us), "completed", now_us)
            elif not pulse.stopped:
                self._ended(at_us, "interrupted", now_us)
                self._fault("its gate closed before its time; it may have restarted", at_us)

    # ---- a pulse

    def _fire_if_set(self, now_us: int) -> None:
        pulse = self._pulse
        if pulse is None or pulse.fired_us is not None:
            return
        if self._wanted.keys() & {*LEVEL_REGISTERS, f"Pulse{self._shocker.trigger}", "OutputPulseEnable"}:
            return
        if pulse.to_show:
            if not pulse.asked_to_show:
                pulse.asked_to_show = True
                for register in sorted(pulse.to_show):
                    self._read(register, now_us)
                pulse.ask_us = now_us + REPLY_US
            return
        pulse.fired_us, pulse.ask_us = now_us, now_us + REPLY_US
        self._send_frame("OutputSet", self._trigger)

    def _pulse_began(self, bits: int, at_us: int, now_us: int) -> None:
        if bits == self._pellet and self._feeding is not None:
            self._fed(at_us)
        pulse = self._pulse
        if bits == self._trigger and pulse is not None and pulse.fired_us is not None:
            if self._shocker.gate is None:
                self._started(pulse, at_us)
            elif pulse.started_at_us is None:  # the edge may come before the echo
                pulse.ask_us = now_us + REPLY_US

    def _started(self, pulse: Pulse, at_us: int) -> None:
        if pulse.started_at_us is None:
            pulse.started_at_us = at_us
            pulse.ask_us = at_us + pulse.us + pulse.us // 100 + 2 * MS_US
            self._events.append(ShockStarted(at_us, pulse.shock.number))

    def _ended(self, at_us: int, cause: str, now_us: int) -> None:
        pulse = self._pulse
        if pulse is None:
            return
        if pulse.started_at_us is None:
            self._started(pulse, at_us)
        start_us = pulse.started_at_us or at_us
        flowed_us, duration_us = self._flowed_us(pulse, start_us, at_us), max(0, at_us - start_us)
        delivered_ma = 0.0 if flowed_us == 0 else None
        self._pulse = None
        self._events.append(ShockEnded(at_us, pulse.shock.number, duration_us, delivered_ma, cause, flowed_us))
        self._rest_data(now_us)

    def _flowed_us(self, pulse: Pulse, start_us: int, end_us: int) -> int | None:
        """For how long a line said that current flowed; None where none does. How much flowed nobody knows."""
        if self._shocker.delivered is None or end_us <= start_us:
            return None
        flowed = [*pulse.flowed, *([(self._flows_since_us, end_us)] if self._flows_since_us is not None else [])]
        return sum(max(0, min(until, end_us) - max(since, start_us)) for since, until in flowed)

    def _give_up(self, why: str, now_us: int) -> None:
        pulse = self._pulse
        self._fault(why, now_us)
        if pulse is not None:
            pulse.stopped, pulse.ask_us = True, NEVER
            self._write_levels(now_us, clearing=self._trigger)

    def _restarted(self, now_us: int) -> None:
        if self._pulse is not None and self._pulse.started_at_us is not None:
            self._ended(now_us, "interrupted", now_us)

    # ---- inputs

    def _edges(self, inputs: int, at_us: int, now_us: int) -> None:
        changed, self._inputs = self._inputs ^ inputs, inputs
        for side, lever in self._board.levers.items():
            if changed & self._in[lever.input.lower()]:
                event = LeverPressed if self._is_active(lever) else LeverReleased
                self._events.append(event(at_us, side))
        if (head := self._board.head) and changed & self._in[head.input.lower()]:
            self._events.append(HeadEntered(at_us) if self._is_active(head) else HeadLeft(at_us))
        sensor = self._board.pellet.sensor if self._board.pellet else None
        if sensor and changed & self._in[sensor.input.lower()] and self._is_active(sensor):
            self._arrived(at_us)
        if (delivered := self._shocker.delivered) and changed & self._in[delivered.input.lower()]:
            self._flows(self._is_active(delivered), at_us)
        if (gate := self._shocker.gate) and changed & self._in[gate.input.lower()]:
            self._gate_is(self._is_active(gate), at_us, now_us)

    def _is_active(self, line: Input) -> bool:
        return bool(self._inputs & self._in[line.input.lower()]) is (line.active == "high")

    def _flows(self, flowing: bool, at_us: int) -> None:
        if flowing:
            self._flows_since_us, self._flow_told_us = at_us, at_us
        elif self._flows_since_us is not None:
            if self._pulse is not None:
                self._pulse.flowed.append((self._flows_since_us, at_us))
            self._flows_since_us, self._flow_told_us = None, NEVER

    def _gate_is(self, open_: bool, at_us: int, now_us: int) -> None:
        pulse = self._pulse
        if pulse is None or pulse.fired_us is None:
            if open_:
                self._fault("its gate is open, and nobody asked for it", at_us)
                self._write_levels(now_us, clearing=self._trigger)
        elif open_:
            self._started(pulse, at_us)
        elif pulse.started_at_us is not None:
            early = at_us < pulse.started_at_us + pulse.us - 2 * MS_US
            self._ended(at_us, "stopped" if pulse.stopped else "interrupted" if early else "completed", now_us)
            if early and not pulse.stopped:
                self._fault("its gate closed before its time; it may have restarted", at_us)

    # ---- the feeder

    def _feed(self, now_us: int) -> None:
        if self._feeding is None and self._waiting:
            self._feeding = (self._waiting.pop(0), now_us)
            self._write_pulse_length(now_us)
            self._send_frame("OutputSet", self._pellet)

    def _write_pulse_length(self, now_us: int) -> None:
        """Before every pellet, as before every pulse."""
        assert self._board.pellet is not None
        self._write(f"Pulse{self._board.pellet.output}", self._board.pellet.pulse_ms, now_us)
        self._write("OutputPulseEnable", self._trigger | self._pellet, now_us)

    def _fed(self, at_us: int) -> None:
        """The feeder has run."""
        if self._board.pellet is not None and self._board.pellet.sensor is None:
            self._arrived(at_us)

    def _arrived(self, at_us: int) -> None:
        if self._feeding is not None:
            self._events.append(Delivered(at_us, self._feeding[0]))
            self._feeding = None

    # ---- time-outs

    def _due(self, now_us: int) -> None:
        self._feed(now_us)
        if self._feeding is not None and now_us >= self._feeding[1] + JAM_US:
            self._feeding = None
            seen = self._board.pellet is not None and self._board.pellet.sensor is not None
            what = "is jammed: it ran and nothing arrived" if seen else "did not answer: nobody knows whether it ran"
            self._fault(f"its feeder {what}", now_us)
        if self._flow_told_us < NEVER and self._pulse is None and now_us >= self._flow_told_us + FLOWS_ON_US:
            self._flow_told_us = NEVER
            self._fault("current flows while no pulse is on", now_us)
        elif self._flow_told_us < NEVER and self._pulse is not None:
            self._flow_told_us = now_us
        pulse = self._pulse
        if pulse is None or now_us < pulse.ask_us:
            return
        if pulse.fired_us is None:
            self._pulse = None
            self._fault("the lines that set the current were not read back", now_us)
            self._rest_data(now_us)
        elif pulse.started_at_us is None:
            self._give_up(f"shock {pulse.shock.number} did not start", now_us)
        elif pulse.n_asked < N_READ_BACKS:
            pulse.n_asked += 1
            pulse.ask_us = now_us + REPLY_US
            self._read("OutputState", now_us)
        else:
            self._give_up(f"its gate did not close after shock {pulse.shock.number}", now_us)

    def _due_us(self) -> int:
        times = [self._pulse.ask_us] if self._pulse is not None else []
        times += [self._feeding[1] + JAM_US] if self._feeding is not None else []
        if self._flow_told_us < NEVER:
            times.append(self._flow_told_us + FLOWS_ON_US)
        return min(times, default=NEVER)


def line_bits(module: Any, mask: str) -> dict[str, int]:
    """The bits of a mask by the names of its lines in small letters, as in ``{"doport0": 1}``."""
    return {bit.name.replace("_", "").lower(): int(bit) for bit in getattr(module, mask)}


def pwm_bit(line: str) -> int:
    """The bit of a line in PwmStart and PwmStop."""
    return 1 << int(line.removeprefix("DO"))
