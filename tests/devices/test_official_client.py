"""The official `harp` client as an independent judge of every device: it knows neither our drivers nor our framing.

Its threads run in real time, the device's clock only when it has been asked for something: nothing here depends on how
fast the machine is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue

import numpy as np
import pytest
from harp.device import core
from harp.device.client import Device, DeviceError
from harp.protocol import HarpMessage, MessageType

from behavior.devices.registers import device_map
from devices.benches import BACKENDS, UID, Bench

KINDS = ("shock_controller", "operant_chamber", "shuttle_box")
PATIENCE_S = 60
ANSWER_US = 10_000


class Wire:
    """The four methods that the official client asks of a transport, over a bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._changed = threading.Condition()
        self._to_pass_us = 0

    def open(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        with self._changed:
            self._bench.say(data)
            self._to_pass_us += ANSWER_US
            self._changed.notify_all()

    def let_pass(self, us: int) -> None:
        """Let time pass for the device, as the client reads on."""
        with self._changed:
            self._to_pass_us += us
            self._changed.notify_all()

    def read(self) -> bytes:
        with self._changed:
            if not self._to_pass_us:
                self._changed.wait(0.02)
            step_us = min(self._to_pass_us, 1_000)
            self._to_pass_us -= step_us
            self._bench.pass_time(step_us)
            return self._bench.hear()

    def close(self) -> None:
        pass


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shocker(backend: str) -> Iterator[tuple[Wire, Device]]:
    wire = Wire(BACKENDS[backend]("shock_controller"))
    with Device(wire, device_map("shock_controller").module) as device:
        yield wire, device


def as_payload(codec: object) -> bytes:
    payload = np.zeros(1, dtype=codec.payload_class.payload_dtype)  # type: ignore[attr-defined]
    return bytes(codec.format(payload))  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", KINDS)
def test_it_reads_and_writes_every_register(backend: str, kind: str) -> None:
    found = device_map(kind)
    with Device(Wire(BACKENDS[backend](kind)), found.module) as device:
        assert device.read(core.WhoAmI).payload == 0
        assert device.read(core.DeviceName).payload == found.device_name
        assert bytes(device.read(found.common["UID"].codec).payload).hex() == UID
        for name, register in found.registers.items():
            reply = device.read(register.codec)
            assert reply.has_timestamp, name
            if register.writable and register.length == 1 and register.bits is None:
                assert int(device.write(register.codec, register.default).payload) == register.default, name
            elif not register.writable:
                with pytest.raises(DeviceError):
                    device._request(register.address, MessageType.Write, as_payload(register.codec))
        with pytest.raises(DeviceError):
            device.write(found["HostWatchdog"].codec, 0)


def test_it_gives_a_shock_and_hears_of_it(shocker: tuple[Wire, Device]) -> None:
    wire, device = shocker
    grid = device_map("shock_controller").module
    told: SimpleQueue[HarpMessage[object]] = SimpleQueue()
    for register in (grid.PulseStarted, grid.PulseEnded):
        device.subscribe(register, told.put)
    device.write(core.OperationControl, core.OperationControlPayload(operation_mode=core.OperationMode.ACTIVE))
    for register, value in ((grid.Intensity, 600), (grid.Duration, 20), (grid.Arm, 1), (grid.Trigger, 1)):
        assert device.write(register, value).payload == value
    wire.let_pass(60_000)
    started, ended = told.get(timeout=PATIENCE_S), told.get(timeout=PATIENCE_S)
    assert started.payload == 1
    report = ended.payload
    assert (report.number, report.cause) == (1, grid.EndCauses.COMPLETED)  # type: ignore[attr-defined]
    assert report.duration == pytest.approx(20_000, abs=52)  # type: ignore[attr-defined]
    assert report.delivered == pytest.approx(600, rel=0.02)  # type: ignore[attr-defined]
    assert started.timestamp is not None
    assert ended.timestamp is not None
    assert ended.timestamp - started.timestamp == pytest.approx(0.020, abs=100e-6)
    assert device.read(grid.PulseCount).payload == 1


def test_what_the_state_forbids_is_a_value_and_what_the_range_forbids_an_error(shocker: tuple[Wire, Device]) -> None:
    _, device = shocker
    grid = device_map("shock_controller").module
    assert device.write(grid.Arm, 1).payload == 0
    assert device.write(grid.Trigger, 1).payload == 0
    with pytest.raises(DeviceError):
        device.write(grid.Intensity, 3_001)
    assert device.read(grid.Intensity).payload == 0
