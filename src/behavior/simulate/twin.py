"""What every simulated Harp device does: the same bytes as the real one, at a time that is passed in.

A twin knows nothing of drivers and drivers nothing of it; both read the same `device.yml`, and the frames of both are
the official packages'. By hand: the time stamp of what it sends (they take a float of seconds, and may round it to
31250 ticks) and the error bit of a refused request (they can read it but not write it).

Rules, the same for every device (protocol 1.13; they are what the conformance suite asks of firmware too):

1. One reply to each request, of the same type and register, stamped, with the value that is in force afterwards. An
   error reply to an unknown register, a wrong payload type or length, a write to what is read-only, a value out of
   range or a bit that the mask does not name; never to what only the device's state forbids.
2. Events in Active mode only. Both generations of heartbeat: register 18 (bit 2 of OperationControl), 8 (bit 7).
3. Half a request is dropped when nothing follows for 50 ms.
4. Any valid request feeds the watchdog, unless it follows noise without a pause of 50 ms. In Active mode, all is off
   when none came for HostWatchdog; and in Standby, and after a reset.
5. Nothing is turned on while no watchdog runs: not in Standby, and not after it ended until a request feeds it again.

Inside, time is the twin's own: microseconds since it was switched on, running fast or slow by `clock_drift_ppm`.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from behavior.devices.registers import Register, device_map
from behavior.model.commands import Command
from behavior.model.events import Event
from behavior.simulate.bad_line import BadLine

if TYPE_CHECKING:
    from harp.protocol import HarpMessage

READ, WRITE, EVENT, ERROR = 1, 2, 3, 8
TICK_US, TICKS_PER_S = 32, 31_250
STALL_US = 50_000
WATCHDOG_EARLY_US = 2_000
"""By HostWatchdog all is off, as in the firmware."""
MOST_UNREAD = 600
NEVER = 2**63 - 1
PROTOCOL = (1, 13, 0)
CORE_ID = b"SIM"

Happening: TypeAlias = tuple[int, Event | Command]
"""When (session time), and what an animal in the chamber perceives, or a person sees."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with a simulated device. All is well by default.

    Attributes
    ----------
    lost, corrupted, duplicated : of the bytes each way, the fraction that this happens to
    late_us : how much later than due its bytes arrive at the host
    unplugged : nothing passes; it lives on
    clock_drift_ppm, clock_offset_us : how much faster its clock runs, and what it shows when it is switched on
    interlock_open : the chamber is open
    grid : the bars are sound, open (nobody on them) or shorted
    delivered_percent : by how much the current differs from what was asked for
    gate_sticks : the gate does not close by itself
    stuck_lever : this lever's switch stays closed
    feeder_jam : the feeder runs and nothing arrives
    """

    lost: float = 0.0
    corrupted: float = 0.0
    duplicated: float = 0.0
    late_us: int = 0
    unplugged: bool = False
    clock_drift_ppm: float = 0.0
    clock_offset_us: int = 0
    interlock_open: bool = False
    grid: Literal["sound", "open", "short"] = "sound"
    delivered_percent: float = 0.0
    gate_sticks: bool = False
    stuck_lever: str = ""
    feeder_jam: bool = False

    @property
    def spoils_bytes(self) -> bool:
        """Whether bytes may arrive otherwise than they were sent."""
        return self.lost > 0 or self.corrupted > 0 or self.duplicated > 0


class SimulatedDevice(ABC):
    """The part that all simulated Harp devices share.

    Parameters
    ----------
    uid : identity in hexadecimal, at most 16 bytes
    faults : what is wrong with it from the start
    seed : of the chance by which bytes are spoiled
    """

    kind: ClassVar[str]
    knows_common: ClassVar[int] = 20
    """How many of the common registers it has: 16 before protocol 1.13."""

    def __init__(self, uid: str = "", *, faults: Faults | None = None, seed: int = 0) -> None:
        from harp.device.client import HarpFramer

        self.map = device_map(self.kind)
        self.faults = faults or Faults()
        self._new_framer = HarpFramer
        self._registers = {
            address: register
            for address, register in self.map.by_address.items()
            if address >= 32 or address < self.knows_common
        }
        self._uid = bytes.fromhex(uid).rjust(16, b"\0")
        self._line = BadLine(seed)
        self._framer = HarpFramer()
        self._unread = b""
        self._heard_us = 0
        self._outgoing: list[tuple[int, bytes]] = []
        self._happenings: list[Happening] = []
        self._due: dict[str, tuple[int, Callable[[], None]]] = {}
        self._since_us, self._since_own_us = 0, self.faults.clock_offset_us
        self._now_us = self._since_own_us
        self._shows_us = 0
        self._clock_locked = True
        self._control = 0x60
        self._initialise()

    # ---- the wire

    def receive(self, data: bytes, now_us: int) -> None:
        """Take bytes from the host."""
        self.advance(now_us)
        if self.faults.unplugged:
            return
        if now_us - self._heard_us >= STALL_US:
            self._framer, self._unread = self._new_framer(), b""
        self._heard_us = now_us
        arrived = self._line.spoiled(data, self.faults)
        self._unread += arrived
        self._framer.feed(arrived)
        while (frame := self._framer.next_frame()) is not None:
            noise, _, self._unread = self._unread.partition(frame.bytes)
            self._request(frame, feeds=not noise)
        self._unread = self._unread[-MOST_UNREAD:]

    def take_outgoing(self) -> bytes:
        """Give the bytes that have left the device by now."""
        if not self._outgoing:
            return b""
        data = b"".join(data for due_us, data in self._outgoing if due_us <= self._now_us)
        self._outgoing = [one for one in self._outgoing if one[0] > self._now_us]
        return self._line.spoiled(data, self.faults)

    @property
    def unplugged(self) -> bool:
        """Whether somebody pulled the plug."""
        return self.faults.unplugged

    # ---- time

    def advance(self, now_us: int) -> None:
        """Do all that is due by `now_us` (session time), each thing at its own time."""
        until_us = self._own_us(now_us)
        while self._due:
            name = min(self._due, key=lambda one: self._due[one][0])
            at_us, act = self._due[name]
            if at_us > until_us:
                break
            del self._due[name]
            self._now_us = max(self._now_us, at_us)
            act()
        self._now_us = max(self._now_us, until_us)

    @property
    def next_us(self) -> int:
        """When `advance` or `take_outgoing` has something to do (session time)."""
        soonest_us = min((at_us for at_us, _ in self._due.values()), default=NEVER)
        if self._outgoing:
            soonest_us = min(soonest_us, self._outgoing[0][0])
        return self._session_us(soonest_us) if soonest_us < NEVER else NEVER

    def _own_us(self, session_us: int) -> int:
        passed_us = session_us - self._since_us
        return self._since_own_us + passed_us + round(passed_us * self.faults.clock_drift_ppm) // 1_000_000

    def _session_us(self, own_us: int) -> int:
        """The first time of the session at which the own clock has come so far."""
        passed_us = own_us - self._since_own_us
        guess_us = self._since_us + int(passed_us / (1 + self.faults.clock_drift_ppm * 1e-6))
        while self._own_us(guess_us) < own_us:
            guess_us += 1
        return guess_us

    def _at(self, name: str, own_us: int, act: Callable[[], None]) -> None:
        self._due[name] = (own_us, act)

    def _never(self, name: str) -> None:
        self._due.pop(name, None)

    # ---- the world

    def suffer(self, faults: Faults, now_us: int) -> None:
        """From now on this is wrong with it."""
        self.advance(now_us)
        before, self.faults = self.faults, faults
        if faults.clock_drift_ppm != before.clock_drift_ppm:
            self._since_us, self._since_own_us = now_us, self._now_us
        if faults.unplugged:
            self._outgoing.clear()
        self._suffered(before)

    def jump(self, us: int, now_us: int) -> None:
        """Let the clock that it shows jump, forward or back."""
        self.advance(now_us)
        self._shows_us += us

    def take_happenings(self) -> list[Happening]:
        """What an animal in the chamber perceived since the last call, in order, at session times."""
        happened, self._happenings = self._happenings, []
        return happened

    def _happens(self, make: Callable[[int], Event | Command]) -> None:
        at_us = self._session_us(self._now_us)
        self._happenings.append((at_us, make(at_us)))

    # ---- what a kind of device adds

    def _suffered(self, before: Faults) -> None:  # noqa: B027 — a kind may have nothing to add
        """Something else is wrong now."""

    @abstractmethod
    def _off(self, why: str) -> None:
        """Turn everything off."""

    def _restarted(self) -> None:  # noqa: B027 — as above
        """Set what the kind keeps beside its registers, after a reset."""

    def _written(self, register: Register, value: int) -> None:
        """A value that its register allows was written; what comes into force is the state's matter."""
        self._values[register.name] = value

    def _value(self, name: str) -> int:
        """The value of a register of the kind's own."""
        return self._values[name]

    # ---- requests

    def _request(self, frame: HarpMessage[Any], *, feeds: bool) -> None:
        raw = frame.bytes
        if raw[0] not in (READ, WRITE):
            return
        if feeds:
            self._feed_watchdog()
        address, type_ = raw[2], raw[4] & ~0x10
        register = self._registers.get(address)
        if register is None:
            self._say(raw[0] | ERROR, _untyped(address), b"\0")
            return
        if type_ != _type_byte(register):
            self._reply(raw[0] | ERROR, register)
        elif raw[0] == READ:
            self._reply(READ, register)
        else:
            self._write(register, bytes(frame.payload_bytes))

    def _write(self, register: Register, payload: bytes) -> None:
        value = int.from_bytes(payload, "little")
        good = (
            register.writable and len(payload) == register.n_bytes and (register.length > 1 or register.allows(value))
        )
        if good and register.address < 32:
            good = self._write_common(register.name, value)
        elif good:
            self._written(register, value)
        self._reply(WRITE if good else WRITE | ERROR, register)
        if good and register.name == "ResetDevice" and value & 0x03:
            self._reset()
        elif good and register.name == "OperationControl" and value & 0x08:
            self._dump()

    def _write_common(self, name: str, value: int) -> bool:
        match name:
            case "OperationControl":
                if value & 0x03 > 1:
                    return False
                self._set_mode(value & ~0x08)
            case "TimestampSeconds" if not self._clock_locked:
                self._shows_us = value * 1_000_000 - self._now_us // 1_000_000 * 1_000_000
            case "ClockConfiguration" if value & 0xC0 in (0x40, 0x80):
                self._clock_locked = bool(value & 0x80)
            case "TimestampOffset" | "ResetDevice" | "DeviceName" | "TimestampSeconds" | "ClockConfiguration":
                pass  # nothing to keep, or not now: the value in force answers
        return True

    def _set_mode(self, control: int) -> None:
        was_active, self._control = self.active, control
        if was_active and not self.active:
            self._off("standby")
            self._never("watchdog")
        elif self.active and not was_active:
            self._feed_watchdog()
        second_us = self._now_us + 1_000_000 - (self._now_us + self._shows_us) % 1_000_000
        if self.active and control & 0x84:
            if "heartbeat" not in self._due:
                self._at("heartbeat", second_us, self._heartbeat)
        else:
            self._never("heartbeat")

    def _heartbeat(self) -> None:
        if self._control & 0x04:
            self._event("Heartbeat")
        if self._control & 0x80:
            self._event("TimestampSeconds")
        self._at("heartbeat", self._now_us + 1_000_000, self._heartbeat)

    def _dump(self) -> None:
        for register in self._registers.values():
            self._reply(READ, register)

    def _feed_watchdog(self) -> None:
        if self.active and "HostWatchdog" in self.map.registers:
            self._at("watchdog", self._now_us + self._value("HostWatchdog") * 1_000 - WATCHDOG_EARLY_US, self._watchdog)

    def _watchdog(self) -> None:
        self._off("watchdog")
        self._set_fault("WATCHDOG")

    def _set_fault(self, name: str) -> None:
        """Set a bit of Fault and report it, if it is new."""
        bit = int(self.map.module.Faults[name])
        if not self._values["Fault"] & bit:
            self._values["Fault"] |= bit
            self._event("Fault")

    @property
    def active(self) -> bool:
        """Whether it is in Active mode."""
        return self._control & 0x03 == 1

    @property
    def watched(self) -> bool:
        """Whether it is in Active mode and its watchdog runs; only then may anything be turned on."""
        return self.active and "watchdog" in self._due

    def restart(self, now_us: int) -> None:
        """Switch it off and on again."""
        self.advance(now_us)
        self._reset()

    def _reset(self) -> None:
        self._off("standby")
        ran_us = self._now_us
        self._since_us, self._since_own_us = self._session_us(ran_us), self.faults.clock_offset_us
        self._now_us, self._shows_us = self._since_own_us, 0
        self._outgoing = [(due_us - ran_us + self._now_us, data) for due_us, data in self._outgoing]
        self._initialise()

    def _initialise(self) -> None:
        """Registers as after switching on."""
        self._control = 0x60
        self._clock_locked = True
        self._due.clear()
        self._values = {register.name: register.default for register in self.map.registers.values()}
        self._restarted()

    # ---- what it says

    def _event(self, name: str) -> None:
        if self.active:
            register = self.map[name]
            self._say(EVENT, register, self._payload(register))

    def _reply(self, kind: int, register: Register) -> None:
        self._say(kind, register, self._payload(register))

    def _say(self, kind: int, register: Register, payload: bytes) -> None:
        muted = kind & 3 != EVENT and self._control & 0x10
        if muted or self.faults.unplugged:
            return
        ticks = max(0, self._now_us + self._shows_us) // TICK_US
        self._outgoing.append((self._now_us + self.faults.late_us, _stamped(_frame(kind, register, payload), ticks)))

    def _payload(self, register: Register) -> bytes:
        if register.address >= 32:
            value = self._value(register.name)
            return value.to_bytes(register.n_bytes, "little")
        found = self._common(register.name)
        return found if isinstance(found, bytes) else found.to_bytes(register.n_bytes, "little")

    def _common(self, name: str) -> int | bytes:
        shown_us = max(0, self._now_us + self._shows_us)
        major, minor = self.map.firmware
        match name:
            case "TimestampSeconds":
                return shown_us // 1_000_000
            case "TimestampMicroseconds":
                return shown_us % 1_000_000 // TICK_US
            case "OperationControl":
                return self._control
            case "ResetDevice":
                return 0x40
            case "WhoAmI":
                return self.map.module.WHO_AM_I
            case "DeviceName":
                return self.map.device_name.encode().ljust(25, b"\0")
            case "UID":
                return self._uid
            case "Tag":
                return bytes(8)
            case "Heartbeat":
                return int(self.active)
            case "Version":
                return bytes((*PROTOCOL, major, minor, 0, 1, 0, 0)) + CORE_ID + self.map.digest
            case "FirmwareVersionHigh":
                return major
            case "FirmwareVersionLow":
                return minor
            case "CoreVersionHigh" | "HardwareVersionHigh":
                return 1
            case "CoreVersionLow":
                return PROTOCOL[1]
            case "ClockConfiguration":
                return 0x80 if self._clock_locked else 0x40
        return 0


@cache
def _type_byte(register: Register) -> int:
    return register.codec.format()[4]


@lru_cache(maxsize=256)
def _untyped(address: int) -> Register:
    from harp.protocol import RegisterU8

    one_off: Any = RegisterU8
    return Register("", address, "U8", 1, False, False, 0, 255, 0, None, one_off(address))


@lru_cache(maxsize=8192)
def _frame(kind: int, register: Register, payload: bytes) -> bytes:
    """A frame without its time; the official packages cannot say that it is an error."""
    from harp.protocol import HarpMessage, MessageType

    frame = bytearray(HarpMessage(MessageType(kind & 3), register.address, register.codec.payload_type, payload).bytes)
    frame[0] = kind
    return bytes(frame)


_HEAD = struct.Struct("<5BIH")


def _stamped(frame: bytes, ticks: int) -> bytes:
    """The frame with a time in ticks of 32 µs, whose fraction is never more than 31249."""
    seconds, fraction = divmod(ticks, TICKS_PER_S)
    stamped = _HEAD.pack(frame[0], frame[1] + 6, frame[2], frame[3], frame[4] | 0x10, seconds, fraction) + frame[5:-1]
    return stamped + bytes((sum(stamped) & 0xFF,))
