"""Getting to know a device and making it ready: who it is, what limits it has, how its clock runs.

In order: who are you (reads only, so that asking around disturbs nobody's device); is that whom the rig names; leave
Active mode, so that nothing old speaks; reset, so that counts and limits begin anew (never when a session is resumed:
then the counts are what is wanted); clear what was wrong before, and see that nothing persists; lower the limits and
read them back; read the clock several times; Active; what stays on as long as the session lasts, for devices turn
nothing on while their watchdog does not run.

Every request here waits for its own answer and may be repeated without harm. What a person must mend is a `Failure`
that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor
from typing import TYPE_CHECKING, Any

from behavior.config.limits import ShockLimits
from behavior.config.rig import Sides
from behavior.config.wiring import Board, Input, Shocker
from behavior.devices.behavior_board import BehaviorBoard, line_bits
from behavior.devices.clock import Answer, DeviceClock
from behavior.devices.driver import HarpDriver
from behavior.devices.harp import Framing, Message, read_frame, write_frame
from behavior.devices.operant_chamber import OperantChamber
from behavior.devices.registers import DeviceMap, common_registers, device_map
from behavior.devices.shock_controller import FAULT_WORDS, ShockController
from behavior.devices.shuttle_box import ShuttleBox
from behavior.devices.transport import TransportLost
from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from behavior.devices.transport import Transport

ANSWER_US = 200_000
N_TRIES = 5
REBOOT_TRIES = 20
N_CLOCK_READS = 9
STANDBY, ACTIVE_QUIET = 0x60, 0x61
"""Operation modes with the lamps on and without heartbeats: our own requests show that the device lives."""
RESET_TO_DEFAULTS = 0x01


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device is, for the rig and the session's header.

    Attributes
    ----------
    kind : a folder of `hardware/`, or "" if this package has no driver for it
    device_name, who_am_i, uid : as the device answers them; `uid` in hexadecimal, empty where a device has none
    firmware, hardware : versions, as in "1.0.0"
    interface : SHA-1 of the `device.yml` that its firmware was built from
    """

    kind: str
    device_name: str
    who_am_i: int
    uid: str
    firmware: str
    hardware: str
    interface: str


class Dialogue:
    """Asks one thing at a time over an open transport and waits for its answer.

    Parameters
    ----------
    transport : open
    clock_us : session time; used to measure, and to give up after 0.2 s without an answer
    registers : the registers of the device; those that all Harp devices share when it is not known yet
    """

    def __init__(self, transport: Transport, clock_us: Callable[[], int], registers: DeviceMap) -> None:
        self._transport = transport
        self._clock_us = clock_us
        self.map = registers
        self._framing = Framing(registers)
        self.last_answer = Answer(0, 0, 0)

    def read(self, register: str) -> Any:
        """The value of a register.

        Raises
        ------
        Failure
            The device does not answer, or answers with an error.
        """
        return self._ask("read", register, read_frame(self.map[register]))

    def read_if_there(self, register: str) -> bytes:
        """The bytes of a register that devices of older protocols lack; empty then."""
        value = self._ask("read", register, read_frame(self.map[register]), may_refuse=True)
        return b"" if value is None else bytes(value)

    def write(self, register: str, value: int) -> None:
        """Set a register and see that the value is in force.

        Raises
        ------
        Failure
            It does not answer, answers with an error, or another value is in force.
        """
        found = self._ask("write", register, write_frame(self.map[register], value))
        if _as_int(found) != value:
            raise Failure(
                f"{self._transport.name}: {register} was to be {value} but the device keeps it at "
                f"{_as_int(found)}; switch the device off and on and try again"
            )

    def reset(self) -> None:
        """Restart the device with the values of the factory, and wait until it answers again."""
        self._ask("write", "ResetDevice", write_frame(self.map["ResetDevice"], RESET_TO_DEFAULTS), may_refuse=True)
        self._ask("read", "WhoAmI", read_frame(self.map["WhoAmI"]), n_tries=REBOOT_TRIES)

    def read_clock(self) -> Answer:
        """One read-back of the device's clock."""
        self.read("TimestampSeconds")
        return self.last_answer

    def _ask(
        self,
        kind: str,
        register: str,
        frame: bytes,
        *,
        n_tries: int = N_TRIES,
        may_refuse: bool = False,
    ) -> Any:
        try:
            for _ in range(n_tries):
                self._hear()  # answers to what was asked before are not ours
                sent_us = self._clock_us()
                self._transport.write(frame)
                message = self._await(kind, register, sent_us)
                if message is not None:
                    return self._value(message, sent_us, may_refuse)
        except TransportLost as lost:
            raise Failure(f"{lost}; check its cable and power") from None
        raise Failure(
            f"{self._transport.name}: nothing there answers as a Harp device; check the cable, the power and "
            "that this is the device's port"
        )

    def _await(self, kind: str, register: str, sent_us: int) -> Message | None:
        while True:
            for message in self._hear():
                if message.kind == kind and message.name == register:
                    return message
            if self._transport.instant or self._clock_us() - sent_us >= ANSWER_US:
                return None

    def _hear(self) -> list[Message]:
        data = self._transport.read()
        now_us = self._clock_us()
        return self._framing.feed(data, now_us) if data else self._framing.unstall(now_us)

    def _value(self, message: Message, sent_us: int, may_refuse: bool) -> Any:
        if message.refused and not may_refuse:
            raise Failure(
                f"{self._transport.name}: the device answers a request for {message.name} with an error; "
                "its firmware is not the one that this version knows"
            )
        self.last_answer = Answer(sent_us, self._clock_us(), message.device_us)
        return message.value


def identify(transport: Transport, clock_us: Callable[[], int]) -> Identity:
    """Ask a device who it is, and change nothing. Needs no `device.yml`; any Harp device answers.

    Raises
    ------
    Failure
        Nothing answers as a Harp device.
    """
    ask = Dialogue(transport, clock_us, _any_device())
    who_am_i, device_name = int(ask.read("WhoAmI")), str(ask.read("DeviceName"))
    uid, version = ask.read_if_there("UID"), ask.read_if_there("Version").ljust(32, b"\0")
    kind = next((kind for kind in DRIVERS if _is_a(kind, who_am_i, device_name)), "")
    if not any(version):  # a core older than protocol 1.13
        parts = ("FirmwareVersionHigh", "FirmwareVersionLow", "HardwareVersionHigh", "HardwareVersionLow")
        high, low, *hardware = (int(ask.read(part)) for part in parts)
        version = bytes((*version[:3], high, low, 0, *hardware, 0, *version[9:]))
    return Identity(
        kind,
        device_name,
        who_am_i,
        uid.hex(),
        _dotted(version[3:6]),
        _dotted(version[6:9]),
        version[12:32].hex(),
    )


def _is_a(kind: str, who_am_i: int, device_name: str) -> bool:
    """Registered devices by their number, because a lab may have named them; ours, which have none, by their name."""
    known = device_map(kind)
    return who_am_i == known.module.WHO_AM_I if who_am_i else known.device_name == device_name


def connect(
    name: str,
    kind: str,
    transport: Transport,
    clock_us: Callable[[], int],
    *,
    uid: str = "",
    device_name: str = "",
    limits: ShockLimits | None = None,
    n_issued: int = 0,
    resumed: bool = False,
    sides: Sides | None = None,
    board: Board | None = None,
    times: Shocker | None = None,
    active: bool = True,
) -> tuple[HarpDriver, Identity]:
    """Make a device ready over an open transport.

    Parameters
    ----------
    name : what the rig calls it
    kind : what the rig says it is
    transport : open
    clock_us : session time
    uid, device_name : whom the rig names, the former in hexadecimal; empty takes any
    limits : of this session, for a shock controller
    n_issued : shocks or deliveries that this session commanded already
    resumed : keep the device's counts and limits instead of resetting it
    sides : of a shuttle box
    board : what hangs on a Behavior board
    times : the shocker of another make whose pulses the device times
    active : put it into Active mode, in which its watchdog wants to hear of the host from now on; else `activate` later

    Returns
    -------
    driver, identity
        The driver, and who the device is.

    Raises
    ------
    BadInput
        It is another device than the rig names, or its firmware another version.
    Failure
        It does not answer, or something is wrong with it that a person must mend.
    """
    identity = identify(transport, clock_us)
    _check_identity(name, kind, (uid, device_name), identity, transport.name)
    ask = Dialogue(transport, clock_us, device_map(kind))
    ask.write("OperationControl", STANDBY)
    if not resumed:
        ask.reset()
    if "Fault" in ask.map.registers:
        _clear_faults(name, ask)
    driver = DRIVERS[kind](name, ask, clock_us, Order(limits, n_issued, sides or Sides(), board or Board(), times))
    if active:
        activate(driver, transport, clock_us)
    return driver, identity


def activate(driver: HarpDriver, transport: Transport, clock_us: Callable[[], int]) -> None:
    """Put a device that is ready into Active mode, and turn on what stays on: from now on it reports, and is watched.

    Raises
    ------
    Failure
        It does not answer, stays in Standby, or does not turn on what it must.
    """
    ask = Dialogue(transport, clock_us, driver.map)
    ask.write("OperationControl", ACTIVE_QUIET)
    for register, value in driver.standing.items():
        ask.write(register, value)


@dataclass(frozen=True, slots=True)
class Order:
    """What a session asks of its devices; each kind takes what concerns it. As of `connect`."""

    limits: ShockLimits | None
    n_issued: int
    sides: Sides
    board: Board
    times: Shocker | None


def limit_registers(limits: ShockLimits) -> dict[str, int]:
    """A session's limits as the values of a shock controller's registers, rounded down."""
    seconds = {
        "MaxDuration": limits.max_single_s,
        "MaxDuty": limits.max_duty * limits.duty_window_s,
        "MaxOnTime": limits.max_total_s,
    }
    return {
        "MaxIntensity": floor(limits.max_ma * 1_000 + 1e-6),
        **{register: floor(value_s * 1_000 + 1e-6) for register, value_s in seconds.items()},
        "MaxCount": limits.max_count,
    }


def _shock_controller(
    name: str,
    ask: Dialogue,
    clock_us: Callable[[], int],
    order: Order,
) -> HarpDriver:
    if not _as_int(ask.read("Inputs")) & 1:
        raise Failure(f"{name}: its interlock is open; close the chamber, switch the grid on and start again")
    if order.limits is not None:
        for register, value in limit_registers(order.limits).items():
            ceiling = int(ask.read(register.replace("Max", "Ceiling")))
            ask.write(register, min(value, ceiling))
    count = int(ask.read("PulseCount"))
    clock, times = _read_clock(ask), order.times is not None
    return ShockController(name, clock, clock_us(), n_issued=order.n_issued, pulse_count=count, times_another=times)


def _operant_chamber(
    name: str,
    ask: Dialogue,
    clock_us: Callable[[], int],
    order: Order,
) -> HarpDriver:
    ask.write("OutputState", 0)
    count, inputs = int(ask.read("DeliveryCount")), _as_int(ask.read("Inputs"))
    clock = _read_clock(ask)
    return OperantChamber(name, clock, clock_us(), n_issued=order.n_issued, delivery_count=count, inputs=inputs)


def _shuttle_box(name: str, ask: Dialogue, clock_us: Callable[[], int], order: Order) -> HarpDriver:
    ask.write("OutputState", 0)
    inputs = _as_int(ask.read("Inputs"))
    return ShuttleBox(name, _read_clock(ask), clock_us(), sides=order.sides, inputs=inputs)


def _behavior_board(name: str, ask: Dialogue, clock_us: Callable[[], int], order: Order) -> HarpDriver:
    board, shocker = order.board, order.times or Shocker()
    out, ports = (line_bits(ask.map.module, mask) for mask in ("DigitalOutputs", "PortDigitalIOS"))
    data = [line.lower() for line in shocker.data]
    high = data if shocker.data_active == "low" else []
    ask.write("OutputClear", sum(out.values()))
    if high:
        ask.write("OutputSet", sum(out.get(line, 0) for line in high))
    ask.write("PortDIODirection", sum(ports.get(line, 0) for line in data))
    ask.write("PortDIOClear", sum(ports.values()))
    ask.write("PortDIOSet", sum(ports.get(line, 0) for line in high))
    ask.write("PwmStop", sum(int(bit) for bit in ask.map.module.PwmOutputs))
    pulses = [line for line in (shocker.trigger, board.pellet.output if board.pellet else None) if line]
    ask.write("OutputPulseEnable", sum(out[line.lower()] for line in pulses))
    if board.pellet:
        ask.write(f"Pulse{board.pellet.output}", board.pellet.pulse_ms)
    if board.tone:
        ask.write(f"PwmFrequency{board.tone.output}", board.tone.hz)
    ask.write("EventEnable", int(ask.map.module.Events["PORT_DI"]))
    ask.write("PokeInputFilter", board.input_filter_ms)
    inputs = _as_int(ask.read("DigitalInputState"))
    _check_at_rest(name, ask, inputs, shocker)
    return BehaviorBoard(name, _read_clock(ask), clock_us(), board=board, shocker=shocker, inputs=inputs)


def _check_at_rest(name: str, ask: Dialogue, inputs: int, shocker: Shocker) -> None:
    """While nothing is on, no gate is open and no current flows; else a line is mistaken, or its level."""
    bits = line_bits(ask.map.module, "DigitalInputs")
    says: list[tuple[Input | None, str, str]] = [
        (shocker.gate, "gate", "the gate is open"),
        (shocker.delivered, "delivered", "current flows"),
    ]
    for line, key, what in says:
        if line is not None and bool(inputs & bits[line.input.lower()]) is (line.active == "high"):
            other = "low" if line.active == "high" else "high"
            raise Failure(
                f"{name}: {line.input} says that {what} though nothing is on; check the wiring, or whether its active "
                f'level is the other one (shocker.{key}: active = "{other}")'
            )


DRIVERS: Mapping[str, Callable[[str, Dialogue, Callable[[], int], Order], HarpDriver]] = {
    "shock_controller": _shock_controller,
    "operant_chamber": _operant_chamber,
    "shuttle_box": _shuttle_box,
    "harp_behavior": _behavior_board,
}
"""How each kind of device is made ready, and its driver."""


def _read_clock(ask: Dialogue) -> DeviceClock:
    return DeviceClock([ask.read_clock() for _ in range(N_CLOCK_READS)])


def _clear_faults(name: str, ask: Dialogue) -> None:
    every_bit = ask.map["Fault"].bits or 0
    left = _as_int(ask._ask("write", "Fault", write_frame(ask.map["Fault"], every_bit)))
    if left:
        faults = [fault.name or "" for fault in ask.map.module.Faults if fault & left]
        words = ", ".join(FAULT_WORDS.get(fault, fault.lower()) for fault in faults)
        raise Failure(f"{name}: {words}, and still so; mend it and start again")


def _check_identity(name: str, kind: str, named: tuple[str, str], found: Identity, port: str) -> None:
    uid, device_name = named
    if kind not in DRIVERS:
        raise BadInput(f"{name}: there is no driver for a {kind}; it must be one of {', '.join(DRIVERS)}")
    if found.kind != kind:
        raise BadInput(
            f"{name}: the rig says it is a {kind}, but what answers at {port} is "
            f"{found.device_name or 'without a name'!r}; check the cables or the rig file"
        )
    if uid and uid.lower() != found.uid:
        raise BadInput(
            f"{name}: the rig names the device {uid.lower()}, but {found.uid} answers at {port}; "
            "check the cables or the rig file"
        )
    if device_name and device_name != found.device_name:
        raise BadInput(
            f"{name}: the rig names a device called {device_name!r}, but {found.device_name!r} answers at {port}; "
            "check the cables or the rig file"
        )
    known, version = device_map(kind).firmware, tuple(int(part) for part in found.firmware.split("."))
    if version[0] != known[0] or version[1] < known[1]:
        raise BadInput(
            f"{name}: its firmware is {found.firmware}, but it must be {known[0]}.{known[1]} or a later "
            f"{known[0]}.x; load the firmware of this version into it"
        )


def _any_device() -> DeviceMap:
    from harp.device.schema import DeviceModule

    return DeviceMap("", "", (0, 0), b"", {}, common_registers(), DeviceModule("AnyDevice"))


def _as_int(value: Any) -> int:
    fields = getattr(value, "payload_array", None)
    return int(value) if fields is None else int.from_bytes(fields.tobytes(), "little")


def _dotted(version: bytes) -> str:
    return ".".join(str(part) for part in version)
