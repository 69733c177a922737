"""`device.yml` made into data: what it says, and what is wrong with one that cannot be used."""

from __future__ import annotations

import hashlib

import pytest
from harp.device.core import REGISTER_MAP
from harp.device.schema import parse_device_schema

from behavior.config.shipped import shipped
from behavior.devices.registers import common_registers, device_map, read_device_map
from behavior.model.errors import BadFile, BadInput

KINDS = ("shock_controller", "operant_chamber", "shuttle_box")

GOOD = """\
device: Lamp
whoAmI: 0
firmwareVersion: "2.1"
hardwareTargets: "1.0"
registers:
  Light: {address: 32, type: U16, access: Write, minValue: 3, maxValue: 900, defaultValue: 5}
  Lamps: {address: 33, type: U8, access: Event, maskType: LampBits}
  Report: {address: 34, type: U32, length: 3, access: [Write, Event]}
bitMasks:
  LampBits: {bits: {Red: 0x1, Green: 0x4}}
"""


def test_a_register_is_what_its_entry_says() -> None:
    lamp = read_device_map("lamp", GOOD.encode())
    light, lamps, report = (lamp[name] for name in ("Light", "Lamps", "Report"))
    assert (light.address, light.type, light.writable, light.reports, light.n_bytes) == (32, "U16", True, False, 2)
    assert (light.minimum, light.maximum, light.default, light.bits) == (3, 900, 5, None)
    assert [light.allows(value) for value in (2, 3, 900, 901)] == [False, True, True, False]
    assert (lamps.writable, lamps.reports, lamps.bits) == (False, True, 0b101)
    assert [lamps.allows(value) for value in (0, 5, 2, 7)] == [True, True, False, False]
    assert (report.writable, report.reports, report.n_bytes) == (True, True, 12)
    assert (lamp.device_name, lamp.firmware, lamp.digest) == ("Lamp", (2, 1), hashlib.sha1(GOOD.encode()).digest())


@pytest.mark.parametrize(("change", "problems"), [
    (("address: 33", "address: 32"), ["Lamps: has the address 32 of Light; give it one of its own"]),
    (("address: 33", "address: 12"), ["Lamps: address 12 belongs to Harp; begin at 32"]),
    (('"2.1"', '"two"'), ['firmwareVersion: is missing; write it as in "1.0"']),
    (('firmwareVersion: "2.1"\n', ""), ['firmwareVersion: is missing; write it as in "1.0"']),
    (("address: 34", "address: 32"), ["Report: has the address 32 of Light; give it one of its own"]),
], ids=["overlap", "Harp's own", "version", "no version", "overlap of the last"])  # fmt: skip
def test_what_a_device_description_may_not_do(change: tuple[str, str], problems: list[str]) -> None:
    with pytest.raises(BadFile) as caught:
        read_device_map("lamp", GOOD.replace(*change).encode(), file="lamp.yml")
    assert [str(problem) for problem in caught.value.problems] == problems


@pytest.mark.parametrize("text", [
    "", "registers: 3", "registers: {A: {address: 32}}", "a: [", "\t", GOOD.replace("U16", "U24"),
    GOOD.replace("address: 33", "address: 333"), GOOD.replace("maskType: LampBits", "maskType: None"),
])  # fmt: skip
def test_what_is_no_device_description(text: str) -> None:
    with pytest.raises(BadFile, match="is not a Harp device description"):
        read_device_map("lamp", text.encode(), file="lamp.yml")


def test_a_kind_that_is_not_known() -> None:
    with pytest.raises(
        BadInput, match=r"toaster: there is no such kind of device; it must be one of .*shock_controller"
    ):
        device_map("toaster")


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_descriptions_are_whole(kind: str) -> None:
    found = device_map(kind)
    schema = parse_device_schema(shipped("hardware", kind, "device.yml").read_bytes())
    assert found.digest == hashlib.sha1(shipped("hardware", kind, "device.yml").read_bytes()).digest()
    assert sorted(register.address for register in found.registers.values()) == list(
        range(32, 32 + len(found.registers))
    )
    for name, register in found.registers.items():
        assert schema.registers[name].description, f"{name} says what it is for"
        assert register.allows(register.default), name
        assert register.codec.payload_class.payload_dtype.itemsize == register.n_bytes, name
    for name in ("HostWatchdog", "Fault", "Inputs"):
        assert name in found.registers, "every device of ours has these"


@pytest.mark.parametrize("kind", KINDS)
def test_the_watchdog_is_mandatory(kind: str) -> None:
    watchdog = device_map(kind)["HostWatchdog"]
    assert (watchdog.minimum, watchdog.maximum, watchdog.default) == (100, 2_000, 1_000)


def test_common_registers_are_the_official_ones_and_the_five_they_lack() -> None:
    ours = {register.address: register for register in common_registers().values()}
    assert list(ours) == list(range(20))
    for address, codec in REGISTER_MAP.items():
        assert ours[address].codec is codec
    assert [(ours[address].name, ours[address].n_bytes) for address in range(15, 20)] == [
        ("TimestampOffset", 1), ("UID", 16), ("Tag", 8), ("Heartbeat", 2), ("Version", 32),
    ]  # fmt: skip
