"""Making a device ready: whom the rig names, what persists, what is lowered, and what a person must mend."""

from __future__ import annotations

import pytest

from behavior.config.limits import CEILINGS, ShockLimits
from behavior.config.rig import Sides
from behavior.devices.handshake import Identity, activate, connect, identify, limit_registers
from behavior.devices.shock_controller import ShockController
from behavior.devices.transport import MemoryTransport, TransportLost
from behavior.model.commands import Deliver, SetCue, Shock
from behavior.model.errors import BadInput, Failure
from behavior.simulate.devices import Faults, SimulatedDevice, in_memory, simulated

UID = "00000000000000000000000000c0ffee"
COUNTING = ("shock_controller", "operant_chamber")
KINDS = (*COUNTING, "shuttle_box")


class Bedside:
    """One simulated device, a clock that stands still, and the transport between."""

    def __init__(self, kind: str, faults: Faults | None = None) -> None:
        self.now_us = 0
        self.device = simulated(kind, UID, faults=faults)
        self.transport = in_memory(self.device, lambda: self.now_us)
        self.transport.open()

    def connect(self, **given: object) -> tuple[ShockController, Identity]:
        return connect("it", self.device.kind, self.transport, lambda: self.now_us, **given)  # type: ignore[arg-type, return-value]

    def value(self, register: str) -> int:
        return self.device._value(register)


@pytest.mark.parametrize("kind", KINDS)
def test_a_device_is_identified_and_ready(kind: str) -> None:
    bed = Bedside(kind)
    driver, identity = bed.connect(uid=UID.upper())
    assert (driver.name, driver.kind) == ("it", kind)
    assert (identity.kind, identity.uid, identity.firmware, identity.who_am_i) == (kind, UID, "1.0.0", 0)
    assert identity.interface == driver.map.digest.hex()
    assert bed.device.active


@pytest.mark.parametrize("kind", KINDS)
def test_no_watchdog_runs_while_other_devices_are_still_being_connected(kind: str) -> None:
    bed = Bedside(kind)
    driver, _ = bed.connect(active=False)
    bed.now_us = 30_000_000
    bed.device.advance(bed.now_us)
    assert not bed.device.active
    assert bed.value("Fault") == 0
    activate(driver, bed.transport, lambda: bed.now_us)
    assert bed.device.active


@pytest.mark.parametrize("shocked", ["left", "right", "both"])
def test_the_floors_are_joined_when_the_shuttle_box_is_active_and_not_before(shocked: str) -> None:
    bed = Bedside("shuttle_box")
    driver, _ = bed.connect(active=False, sides=Sides(shocked=shocked))
    assert bed.value("OutputState") == 0
    activate(driver, bed.transport, lambda: bed.now_us)
    assert bed.value("OutputState") == {"left": 0x20, "right": 0x40, "both": 0x60}[shocked]


def test_a_shuttle_box_that_does_not_join_its_floors_is_not_driven() -> None:
    bed = Bedside("shuttle_box")
    driver, _ = bed.connect(active=False)
    bed.device._output = lambda state: None  # type: ignore[attr-defined]
    with pytest.raises(Failure, match="OutputState was to be 96 but the device keeps it at 0"):
        activate(driver, bed.transport, lambda: bed.now_us)


@pytest.mark.parametrize("kind", COUNTING)
def test_what_a_session_left_behind_is_gone_in_the_next(kind: str) -> None:
    bed = Bedside(kind)
    first, _ = bed.connect(limits=ShockLimits(max_count=3))
    first.send(Shock(1, 0.5, 0.5) if kind == "shock_controller" else Deliver(1), 0)
    for _ in range(3):
        bed.transport.write(first.take_outgoing())
        first.receive(bed.transport.read(), 0)
    count = "PulseCount" if kind == "shock_controller" else "DeliveryCount"
    assert bed.value(count) == 1
    bed.now_us = 10_000_000
    bed.connect(limits=ShockLimits(max_count=9))
    assert bed.value(count) == 0
    assert bed.value("Fault") == 0
    if kind == "shock_controller":
        assert bed.value("MaxCount") == 9


def test_a_resumed_session_keeps_the_counts_and_limits() -> None:
    bed = Bedside("shock_controller")
    first, _ = bed.connect(limits=ShockLimits(max_count=7))
    first.send(Shock(1, 0.5, 0.5), 0)
    for _ in range(3):
        bed.transport.write(first.take_outgoing())
        first.receive(bed.transport.read(), 0)
    bed.now_us = 60_000_000
    second, _ = bed.connect(limits=ShockLimits(max_count=7), resumed=True, n_issued=1)
    assert (bed.value("PulseCount"), bed.value("MaxCount"), bed.value("Fault")) == (1, 7, 0)
    second.send(Shock(2, 0.5, 0.5), bed.now_us)
    for _ in range(3):
        bed.transport.write(second.take_outgoing())
        assert second.receive(bed.transport.read(), bed.now_us) == [] or bed.value("PulseCount") == 2
    assert bed.value("PulseCount") == 2


def test_the_sessions_limits_are_in_the_device() -> None:
    bed = Bedside("shock_controller")
    bed.connect(limits=ShockLimits(max_ma=0.8, max_single_s=10.0, max_duty=0.25, max_total_s=60.5, max_count=40))
    found = {name: bed.value(f"Max{name}") for name in ("Intensity", "Duration", "Duty", "OnTime", "Count")}
    assert found == {"Intensity": 800, "Duration": 10_000, "Duty": 15_000, "OnTime": 60_500, "Count": 40}


def test_the_ceilings_of_host_and_device_are_the_same() -> None:
    bed = Bedside("shock_controller")
    for register, value in limit_registers(CEILINGS).items():
        assert bed.value(register.replace("Max", "Ceiling")) == value


@pytest.mark.parametrize(("seconds", "milliseconds"), [(0.1, 100), (0.0015, 1), (29.999, 29_999), (8.2, 8_200)])
def test_limits_are_rounded_down(seconds: float, milliseconds: int) -> None:
    assert limit_registers(ShockLimits(max_single_s=seconds))["MaxDuration"] == milliseconds


def test_asking_around_disturbs_nobodys_device() -> None:
    bed = Bedside("shock_controller")
    driver, _ = bed.connect()
    driver.send(Shock(1, 0.5, 20.0), 0)
    for _ in range(3):
        bed.transport.write(driver.take_outgoing())
        driver.receive(bed.transport.read(), 0)
    assert identify(bed.transport, lambda: 0).uid == UID
    assert bed.device.active
    assert bed.value("Trigger") == 1, "the pulse is still on"


def test_another_device_than_the_rig_names() -> None:
    bed = Bedside("shock_controller")
    with pytest.raises(BadInput, match=r"it: the rig names the device 1111.*, but 0000.*c0ffee answers at simulated"):
        bed.connect(uid="11" * 16)
    assert not bed.device.active


def test_a_device_of_another_kind() -> None:
    bed = Bedside("shock_controller")
    with pytest.raises(
        BadInput, match=r"it: the rig says it is a operant_chamber, but what answers .* 'ShockController'"
    ):
        connect("it", "operant_chamber", bed.transport, lambda: 0)


def test_a_kind_without_a_driver() -> None:
    bed = Bedside("shock_controller")
    with pytest.raises(BadInput, match="there is no driver for a toaster"):
        connect("it", "toaster", bed.transport, lambda: 0)


@pytest.mark.parametrize(("firmware", "is_right"), [((1, 0), True), ((1, 7), True), ((2, 0), False), ((0, 9), False)])
def test_firmware_of_another_version(firmware: tuple[int, int], is_right: bool) -> None:
    class Other(type(simulated("shock_controller"))):  # type: ignore[misc]
        def _common(self, name: str) -> int | bytes:
            found: int | bytes = super()._common(name)
            return bytes((1, 13, 0, *firmware)) + found[5:] if isinstance(found, bytes) and name == "Version" else found

    bed = Bedside("shock_controller")
    transport = in_memory(Other(UID), lambda: 0)
    transport.open()
    if is_right:
        connect("it", bed.device.kind, transport, lambda: 0)
    else:
        with pytest.raises(BadInput, match=r"it: its firmware is \d\.\d\.0, but it must be 1\.0 or a later 1\.x"):
            connect("it", bed.device.kind, transport, lambda: 0)


def test_a_harp_device_of_an_older_protocol_is_identified_as_far_as_it_goes() -> None:
    device = simulated("operant_chamber", UID)
    device._registers = {address: one for address, one in device._registers.items() if not 15 <= address <= 19}
    transport = in_memory(device, lambda: 0)
    transport.open()
    found = identify(transport, lambda: 0)
    assert (found.uid, found.firmware, found.device_name) == ("", "1.0.0", "OperantChamber")


def test_an_open_interlock_is_said_before_anything_starts() -> None:
    bed = Bedside("shock_controller", Faults(interlock_open=True))
    with pytest.raises(Failure, match="it: its interlock is open; close the chamber"):
        bed.connect()
    assert not bed.device.active


class Mute:
    """A port with nothing Harp behind it."""

    name, instant = "/dev/ttyX", True

    def __init__(self, says: bytes = b"") -> None:
        self._says = says

    def open(self) -> None: ...

    def close(self) -> None: ...

    def write(self, data: bytes) -> None: ...

    def read(self) -> bytes:
        return self._says


@pytest.mark.parametrize("says", [b"", b"Hello from an Arduino\r\n", b"\0" * 30], ids=["nothing", "text", "zeros"])
def test_what_does_not_answer_as_a_harp_device(says: bytes) -> None:
    with pytest.raises(Failure, match="/dev/ttyX: nothing there answers as a Harp device"):
        identify(Mute(says), lambda: 0)


def test_giving_up_needs_time_to_pass_where_answers_take_time() -> None:
    class Slow(Mute):
        instant = False

    ticking = iter(range(0, 10**9, 20_000))
    with pytest.raises(Failure, match="nothing there answers"):
        identify(Slow(), lambda: next(ticking))


def test_a_plug_pulled_in_the_middle() -> None:
    class Pulled(Mute):
        def read(self) -> bytes:
            raise TransportLost("/dev/ttyX: gone")

    with pytest.raises(Failure, match="/dev/ttyX: gone; check its cable and power"):
        identify(Pulled(), lambda: 0)


class Stuttering(MemoryTransport):
    """Loses every third write."""

    n_written = 0

    def write(self, data: bytes) -> None:
        self.n_written += 1
        if self.n_written % 3:
            super().write(data)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lossy_line_is_asked_again(kind: str) -> None:
    device: SimulatedDevice = simulated(kind, UID)
    transport = Stuttering(device, lambda: 0)
    transport.open()
    driver, identity = connect("it", kind, transport, lambda: 0)
    assert identity.uid == UID
    assert driver.takes(SetCue("tone", on=True)) == (kind != "shock_controller")
