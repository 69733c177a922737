"""What the conformance suite needs of a device under test, and the devices that it is run against.

A bench stands for one device, just switched on, and for the hands at its terminals. Who builds another firmware joins
by one more class and one more name in `BACKENDS` or `SHOCK_BACKENDS`; the suite stays as it is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from harp.device.client import HarpFramer
from harp.protocol import HarpMessage, MessageType

from behavior.devices.registers import DeviceMap, Register, device_map
from behavior.simulate.devices import Faults, SimulatedOperantChamber, SimulatedShuttleBox, simulated
from devices.firmware import UID, LibraryBench, MegaBench, PortBench, SimavrBench

ROUND_TRIP_US = 5_000


class Bench(Protocol):
    """A device under test."""

    def say(self, data: bytes) -> None:
        """Send bytes to it."""

    def pass_time(self, us: int) -> None:
        """Let this much time pass for it."""

    def hear(self) -> bytes:
        """What it has sent since the last call."""

    def interlock(self, *, closed: bool) -> None: ...
    def grid(self, state: Literal["sound", "open", "short"]) -> None: ...
    def deviate(self, percent: float) -> None: ...
    def stick_gate(self) -> None: ...
    def lever(self, side: str, *, pressed: bool) -> None: ...
    def head(self, *, inside: bool) -> None: ...
    def jam(self) -> None: ...
    def beam(self, line: str, *, broken: bool) -> None: ...


class TwinBench:
    """The simulated device in this process, in virtual time."""

    def __init__(self, kind: str) -> None:
        self.device = simulated(kind, UID)
        self.now_us = 0

    def say(self, data: bytes) -> None:
        self.device.receive(data, self.now_us)

    def pass_time(self, us: int) -> None:
        self.now_us += us
        self.device.advance(self.now_us)

    def hear(self) -> bytes:
        return self.device.take_outgoing()

    def interlock(self, *, closed: bool) -> None:
        self._suffer(interlock_open=not closed)

    def grid(self, state: Literal["sound", "open", "short"]) -> None:
        self._suffer(grid=state)

    def deviate(self, percent: float) -> None:
        self._suffer(delivered_percent=percent)

    def stick_gate(self) -> None:
        self._suffer(gate_sticks=True)

    def lever(self, side: str, *, pressed: bool) -> None:
        if pressed:
            self._chamber.press(side, self.now_us)
        else:
            self._chamber.release(side, self.now_us)

    def head(self, *, inside: bool) -> None:
        if inside:
            self._chamber.enter_head(self.now_us)
        else:
            self._chamber.leave_head(self.now_us)

    def jam(self) -> None:
        self._suffer(feeder_jam=True)

    def beam(self, line: str, *, broken: bool) -> None:
        assert isinstance(self.device, SimulatedShuttleBox)
        self.device.touch(line, self.now_us, on=broken)

    @property
    def _chamber(self) -> SimulatedOperantChamber:
        assert isinstance(self.device, SimulatedOperantChamber)
        return self.device

    def _suffer(self, **faults: Any) -> None:
        self.device.suffer(replace(self.device.faults or Faults(), **faults), self.now_us)


BACKENDS = {"twin": TwinBench, "library": LibraryBench, "port": PortBench, "simavr": SimavrBench}
"""Every kind of device behind each of them."""
SHOCK_BACKENDS = {**BACKENDS, "simavr, larger processor": MegaBench}
"""The shock controller runs on two processors; the chambers on the larger one only."""
KINDS = ("shock_controller", "operant_chamber", "shuttle_box")
PAIRS = [(kind, name) for kind in KINDS for name in (SHOCK_BACKENDS if kind == KINDS[0] else BACKENDS)]
"""Each kind of device of ours, on everything that it runs on."""


def examined(kind: str, backend: str) -> Examiner:
    """One of `PAIRS`, just switched on."""
    return Examiner(SHOCK_BACKENDS[backend](kind), kind)


@dataclass(frozen=True)
class Heard:
    """One message of a device, read by the official package alone."""

    kind: MessageType
    refused: bool
    address: int
    payload: bytes
    ticks: int

    @property
    def value(self) -> int:
        return int.from_bytes(self.payload, "little")


class Examiner:
    """A host that knows the protocol, the register map and nothing else."""

    def __init__(self, bench: Bench, kind: str) -> None:
        self.bench = bench
        self.map: DeviceMap = device_map(kind)
        self._framer = HarpFramer()
        self.heard: list[Heard] = []

    def listen(self) -> list[Heard]:
        """Everything that has arrived since the last call."""
        self._framer.feed(self.bench.hear())
        messages, self.heard = self.heard + [_heard(frame) for frame in self._framer], []
        return messages

    def wait(self, us: int, *, every_us: int = 300_000) -> list[Heard]:
        """Let time pass while feeding the watchdog; the events of that time."""
        heard = self.listen()
        while us > 0:
            step_us = min(us, every_us)
            self.bench.say(frame_of(self.map["WhoAmI"]))
            self.bench.pass_time(step_us)
            us -= step_us
            heard += self.listen()
        return [message for message in heard if message.kind == MessageType.Event]

    def silence(self, us: int) -> list[Heard]:
        """Let time pass without a word; the events of that time."""
        self.bench.pass_time(us)
        return [message for message in self.listen() if message.kind == MessageType.Event]

    def ask(self, frame: bytes, us: int = ROUND_TRIP_US) -> list[Heard]:
        """Send one frame; the replies within `us`, while events are kept for later."""
        kept = self.listen()
        self.bench.say(frame)
        self.bench.pass_time(us)
        heard = self.listen()
        self.heard = kept + [message for message in heard if message.kind == MessageType.Event]
        return [message for message in heard if message.kind != MessageType.Event]

    def read(self, name: str) -> int:
        """The value of a register."""
        (reply,) = self.ask(frame_of(self.map[name]))
        assert (reply.kind, reply.refused) == (MessageType.Read, False), name
        assert len(reply.payload) == self.map[name].n_bytes, name
        return reply.value

    def write(self, name: str, value: int) -> Heard:
        """Write a register; the reply."""
        (reply,) = self.ask(frame_of(self.map[name], value))
        assert (reply.kind, reply.address) == (MessageType.Write, self.map[name].address)
        return reply

    def activate(self) -> None:
        """Into Active mode, without heartbeats."""
        assert self.write("OperationControl", 0x01).value & 0x03 == 1

    def events(self, name: str, among: list[Heard] | None = None) -> list[Heard]:
        """The events of one register."""
        heard = self.listen() if among is None else among
        return [one for one in heard if one.kind == MessageType.Event and one.address == self.map[name].address]


def frame_of(register: Register, value: int | None = None) -> bytes:
    """A read request, or a write request with any value that fits the type, allowed or not."""
    payload = b"" if value is None else value.to_bytes(register.n_bytes, "little")
    kind = MessageType.Read if value is None else MessageType.Write
    return raw_frame(kind, register.address, type_byte(register), payload)


def raw_frame(kind: int, address: int, payload_type: int, payload: bytes = b"") -> bytes:
    """Any frame, with a right checksum."""
    frame = bytes((int(kind), 4 + len(payload), address, 0xFF, payload_type)) + payload
    return frame + bytes((sum(frame) & 0xFF,))


def type_byte(register: Register) -> int:
    """The payload type as the protocol writes it."""
    return {"U8": 0x01, "U16": 0x02, "U32": 0x04}[register.type]


def _heard(frame: HarpMessage[Any]) -> Heard:
    assert frame.has_timestamp, "every message of a device bears its time"
    seconds, ticks = struct.unpack_from("<IH", frame.bytes, 5)
    assert ticks < 31_250, "a tick more than there are in a second"
    return Heard(
        frame.message_type, frame.has_error, frame.address, bytes(frame.payload_bytes), seconds * 31_250 + ticks
    )
