"""Simulated devices behind real ports, serial and TCP, with the official client as a judge.

All clocks here, the devices' and the host's, run at a fifth of their speed, so that a busy machine rings no watchdog.
"""

from __future__ import annotations

import select
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from queue import SimpleQueue
from time import monotonic_ns

import pytest
from harp.device import core
from harp.device.client import Device, DeviceError
from harp.protocol import HarpMessage, MessageType

from behavior.devices.chamber import ConnectedChamber
from behavior.devices.handshake import connect, identify
from behavior.devices.registers import device_map
from behavior.devices.transport import TransportLost, transport_to
from behavior.model.commands import Command, Deliver, SetLever, Shock, StopShock
from behavior.model.errors import Failure
from behavior.model.events import Delivered, Event, Faulted, LeverPressed, LinkLost, ShockEnded, ShockStarted
from behavior.simulate.devices import (
    Faults,
    SimulatedBehaviorBoard,
    SimulatedDevice,
    SimulatedOperantChamber,
    SimulatedShockController,
)
from behavior.simulate.serve import NEVER, DeviceServer, PtyWire, TcpWire, Wire

pytest.importorskip("tty", reason="pseudo-terminals need Linux or macOS")

PATIENCE_S = 60


def clock_us() -> int:
    return monotonic_ns() // 5_000


@contextmanager
def served(
    devices: dict[str, SimulatedDevice],
    animal: Callable[[int], int] | None = None,
    wire: Callable[[], Wire] = PtyWire,
) -> Iterator[dict[str, str]]:
    """The devices' ports, while a thread serves them."""
    stopped = threading.Event()
    with DeviceServer(devices, **({"animal": animal} if animal else {}), clock_us=clock_us, wire=wire) as server:
        thread = threading.Thread(target=server.run, args=(stopped.is_set,))
        thread.start()
        try:
            yield server.ports
        finally:
            stopped.set()
            thread.join()


class Live:
    """A chamber on real ports, driven as the runner does."""

    def __init__(self, ports: dict[str, str], devices: dict[str, SimulatedDevice]) -> None:
        with ExitStack() as stack:
            made = []
            for name, port in ports.items():
                transport = transport_to(port)
                transport.open()
                stack.callback(transport.close)
                made.append((connect(name, devices[name].kind, transport, clock_us)[0], transport))
            self.chamber = ConnectedChamber(made)
            stack.pop_all()

    def close(self) -> None:
        self.chamber.close()

    def send(self, *commands: Command) -> None:
        for command in commands:
            assert self.chamber.send(command, clock_us())

    def until(self, last: type[Event], *, patience_s: float = PATIENCE_S) -> list[Event]:
        """The events up to the first of this kind. Bytes drive it: the links' own requests keep them coming."""
        events, give_up_us = list[Event](), clock_us() + patience_s * 1_000_000
        while not any(isinstance(event, last) for event in events):
            assert clock_us() < give_up_us, f"no {last.__name__} among {events}"
            assert not any(isinstance(event, Faulted) for event in events), events
            ports = self.chamber.ports
            for port in select.select(list(ports), [], [], 0.01)[0]:
                if (data := self.chamber.read(ports[port])) is not None:
                    events += self.chamber.receive(ports[port], data, clock_us())
            if clock_us() >= self.chamber.next_us:
                events += self.chamber.tick(clock_us())
        return events


WIRES = pytest.mark.parametrize("wire", [PtyWire, TcpWire], ids=["pty", "tcp"])


@WIRES
def test_a_shock_and_a_press_through_real_ports(wire: Callable[[], Wire]) -> None:
    grid, box = SimulatedShockController("01"), SimulatedOperantChamber("02")
    devices: dict[str, SimulatedDevice] = {"grid": grid, "box": box}

    def animal(now_us: int) -> int:
        """Presses as soon as the lever is out."""
        if box.lever_out("left"):
            box.press("left", now_us)
        return NEVER

    with served(devices, animal, wire) as ports, closing(Live(ports, devices)) as live:
        live.send(SetLever("left", out=True))
        assert LeverPressed in map(type, live.until(LeverPressed))
        live.send(Shock(1, 0.4, 0.05), Deliver(1))
        events = live.until(Delivered)
        if not any(isinstance(event, ShockEnded) for event in events):
            events += live.until(ShockEnded)
        assert ShockStarted in map(type, events)
        (ended,) = [event for event in events if isinstance(event, ShockEnded)]
        assert (ended.duration_us, ended.delivered_ma, ended.cause) == (50_000, 0.4, "completed")
        live.send(Shock(2, 0.4, 20.0))
        live.until(ShockStarted)
        live.send(StopShock())
        (stopped,) = [event for event in live.until(ShockEnded) if isinstance(event, ShockEnded)]
        assert stopped.cause == "stopped"
        live.close()
        assert identify_again(ports["grid"]) == f"{1:032x}", "the port is free again, and the device is there"
    assert not (grid.active or grid.gate_open or box.lever_out("left"))


def identify_again(port: str) -> str:
    with closing(transport_to(port)) as transport:
        transport.open()
        return identify(transport, clock_us).uid


@WIRES
def test_a_pulled_plug_takes_the_port_away_and_another_comes(wire: Callable[[], Wire]) -> None:
    device = SimulatedOperantChamber("02")
    pull = threading.Event()

    def hand(now_us: int) -> int:
        if pull.is_set() is not device.faults.unplugged:
            device.suffer(Faults(unplugged=pull.is_set()), now_us)
        return now_us + 10_000

    stopped = threading.Event()
    with DeviceServer({"box": device}, animal=hand, clock_us=clock_us, wire=wire) as server:
        thread = threading.Thread(target=server.run, args=(stopped.is_set,))
        thread.start()
        try:
            with closing(Live(server.ports, {"box": device})) as live:
                pull.set()
                assert live.until(LinkLost)[-1] == LinkLost(pytest.approx(clock_us(), abs=1e9), "box")  # type: ignore[arg-type]
            assert server.ports == {}
            pull.clear()
            while not server.ports:
                threading.Event().wait(0.001)
            assert identify_again(server.ports["box"]) == f"{2:032x}"
        finally:
            stopped.set()
            thread.join()


def test_a_second_host_is_turned_away() -> None:
    with (
        served({"it": SimulatedShockController("01")}, wire=TcpWire) as ports,
        closing(transport_to(ports["it"])) as first,
        closing(transport_to(ports["it"])) as second,
    ):
        first.open()
        identify(first, clock_us)
        second.open()
        with pytest.raises(TransportLost, match=r"closed the connection|reset"):
            for _ in range(1_000):
                second.read()


# ---- the official client as the judge


class Official:
    """The four methods that the official client asks of a transport, over ours."""

    def __init__(self, port: str) -> None:
        self._transport = transport_to(port)

    def open(self) -> None:
        self._transport.open()

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def read(self) -> bytes:
        return self._transport.read()

    def close(self) -> None:
        self._transport.close()


@pytest.mark.parametrize("twin", [SimulatedShockController, SimulatedOperantChamber], ids=lambda twin: str(twin.kind))
def test_the_official_client_reads_and_writes_every_register(twin: type[SimulatedDevice]) -> None:
    found = device_map(twin.kind)
    with served({"it": twin("0a")}) as ports, Device(Official(ports["it"]), found.module) as device:
        assert device.read(core.DeviceName).payload == found.device_name
        assert device.read(core.WhoAmI).payload == 0
        for name, register in found.registers.items():
            reply = device.read(register.codec)
            assert reply.has_timestamp, name
            if register.writable and register.length == 1 and register.bits is None:
                assert int(device.write(register.codec, register.default).payload) == register.default, name
            elif not register.writable:
                with pytest.raises(DeviceError):
                    device._request(register.address, MessageType.Write, _writing(register.codec))
        with pytest.raises(DeviceError):
            device.write(found["HostWatchdog"].codec, 0)


def test_the_official_client_knows_the_behavior_board_by_its_number_and_reads_it() -> None:
    found = device_map("harp_behavior")
    with served({"it": SimulatedBehaviorBoard()}) as ports, Device(Official(ports["it"]), found.module) as device:
        assert device.read(core.WhoAmI).payload == found.module.WHO_AM_I == 1216
        for name, register in found.registers.items():
            assert device.read(register.codec).has_timestamp, name
        outputs = found.module.DigitalOutputs
        device.write(found["OutputSet"].codec, outputs.LED0)
        assert device.read(found["OutputState"].codec).payload == outputs.LED0


def _writing(codec: object) -> bytes:
    import numpy as np

    payload = np.zeros(1, dtype=codec.payload_class.payload_dtype)  # type: ignore[attr-defined]
    return bytes(codec.format(payload))  # type: ignore[attr-defined]


def test_the_official_client_gives_a_shock_and_hears_of_it() -> None:
    grid = device_map("shock_controller").module
    with served({"it": SimulatedShockController("0a")}) as ports, Device(Official(ports["it"]), grid) as device:
        told: SimpleQueue[HarpMessage[object]] = SimpleQueue()
        for register in (grid.PulseStarted, grid.PulseEnded):
            device.subscribe(register, told.put)
        active = core.OperationControlPayload(operation_mode=core.OperationMode.ACTIVE)
        device.write(core.OperationControl, active)
        for register, value in ((grid.Intensity, 600), (grid.Duration, 20), (grid.Arm, 1), (grid.Trigger, 1)):
            device.write(register, value)
        started, ended = told.get(timeout=PATIENCE_S), told.get(timeout=PATIENCE_S)
        assert started.payload == 1
        report = ended.payload
        assert (report.number, report.duration, report.delivered) == (1, 20_000, 600)  # type: ignore[attr-defined]
        assert report.cause == grid.EndCauses.COMPLETED  # type: ignore[attr-defined]
        assert started.timestamp is not None
        assert ended.timestamp is not None
        assert ended.timestamp - started.timestamp == pytest.approx(0.020, abs=64e-6)
        assert device.read(grid.PulseCount).payload == 1


def test_where_there_are_no_pseudo_terminals_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tty", None)
    with pytest.raises(Failure, match="simulated serial ports need Linux or macOS"):
        PtyWire()


def test_what_nobody_reads_is_lost_and_holds_nothing_up() -> None:
    device = SimulatedShockController()
    with DeviceServer({"it": device}, clock_us=lambda: 0) as server:
        for _ in range(400):
            device.receive(b"\x02\x05\x0a\xff\x01\x08\x19", 0)  # a dump: some 1,000 bytes each
            server.step(longest_us=0)
        assert device.take_outgoing() == b""
