"""What every device of ours must do, whatever stands behind its port. What `device.yml` says is read from it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from harp.protocol import MessageType
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.devices.registers import device_map
from devices.benches import PAIRS, UID, Examiner, examined, frame_of, raw_frame, type_byte

WATCHDOG_BIT = {"shock_controller": 2, "operant_chamber": 1, "shuttle_box": 1}


@pytest.fixture(params=PAIRS, ids=" on ".join)
def pair(request: pytest.FixtureRequest) -> tuple[str, str]:
    kind, backend = request.param
    return kind, backend


@pytest.fixture
def kind(pair: tuple[str, str]) -> str:
    return pair[0]


@pytest.fixture
def device(pair: tuple[str, str]) -> Examiner:
    return examined(*pair)


def plain_registers(kind: str) -> list[str]:
    """Those that keep what is written, as far as their range says."""
    return {
        "shock_controller": ["Intensity", "Duration", "HostWatchdog", "ArmTimeout"],
        "operant_chamber": ["OutputState", "ToneFrequency", "HostWatchdog"],
        "shuttle_box": ["OutputState", "ToneFrequency", "Debounce", "HostWatchdog"],
    }[kind]


# ---- identity


def test_it_says_who_it_is(device: Examiner, kind: str) -> None:
    assert device.read("WhoAmI") == 0
    assert device.read("DeviceName").to_bytes(25, "little").rstrip(b"\0").decode() == device.map.device_name
    assert device.read("UID").to_bytes(16, "little").hex() == UID
    version = device.read("Version").to_bytes(32, "little")
    assert tuple(version[:2]) == (1, 13)
    assert tuple(version[3:5]) == device.map.firmware
    assert version[12:] == device.map.digest
    assert (device.read("FirmwareVersionHigh"), device.read("FirmwareVersionLow")) == device.map.firmware


def test_a_name_is_an_identity_and_stays(device: Examiner) -> None:
    before = device.read("DeviceName")
    reply = device.write("DeviceName", int.from_bytes(b"another".ljust(25, b"\0"), "little"))
    assert not reply.refused
    assert reply.value == device.read("DeviceName") == before


# ---- registers, as device.yml has them


def test_after_a_reset_every_register_has_its_default(device: Examiner) -> None:
    for name, register in device.map.registers.items():
        if name not in ("Inputs", "PulseEnded"):
            assert device.read(name) == register.default, name


def test_what_is_read_only_cannot_be_written(device: Examiner) -> None:
    for name, register in {**device.map.common, **device.map.registers}.items():
        if not register.writable:
            device.wait(300_000)
            before = device.read(name) if not name.startswith("Timestamp") else None
            assert device.write(name, 1).refused, name
            assert before is None or device.read(name) == before, name


@pytest.mark.parametrize("edge", ["minimum", "maximum"])
def test_the_ends_of_a_range_are_in_force_when_written(device: Examiner, kind: str, edge: str) -> None:
    device.activate()
    for name in plain_registers(kind):
        value = getattr(device.map[name], edge)
        if device.map[name].bits is not None:
            value &= device.map[name].bits
        reply = device.write(name, value)
        assert (reply.refused, reply.value, device.read(name)) == (False, value, value), name


def test_a_value_out_of_range_is_an_error_and_changes_nothing(device: Examiner) -> None:
    n_tried = 0
    for name, register in device.map.registers.items():
        wrong = [value for value in range(-1, 2) if not register.allows(register.minimum + value)]
        values = {register.minimum + step for step in wrong} | {register.maximum + 1}
        if register.bits is not None:
            values |= {1 << place for place in range(8 * register.n_bytes)} - {b for b in values if register.allows(b)}
        for value in sorted(values):
            if register.writable and 0 <= value < 256**register.n_bytes and not register.allows(value):
                before = device.read(name)
                assert device.write(name, value).refused, (name, value)
                assert device.read(name) == before, (name, value)
                n_tried += 1
    assert n_tried > 10


def test_a_request_of_the_wrong_type_or_length_is_an_error(device: Examiner) -> None:
    for name in (*device.map.registers, "OperationControl"):
        register = device.map[name]
        wrong_type = 0x02 if type_byte(register) == 0x01 else 0x01
        for frame in (
            raw_frame(MessageType.Read, register.address, wrong_type),
            raw_frame(MessageType.Read, register.address, type_byte(register) | 0x80),
            raw_frame(MessageType.Write, register.address, wrong_type, b"\0" * (wrong_type & 0x0F)),
            raw_frame(MessageType.Write, register.address, type_byte(register), b""),
            raw_frame(MessageType.Write, register.address, type_byte(register), bytes(register.n_bytes + 1)),
        ):
            (reply,) = device.ask(frame)
            assert reply.refused, (name, frame.hex())
            assert reply.address == register.address


@pytest.mark.parametrize("address", [20, 31, 100, 255])
def test_an_unknown_register_is_an_error(device: Examiner, address: int) -> None:
    for kind in (MessageType.Read, MessageType.Write):
        (reply,) = device.ask(raw_frame(kind, address, 0x01, b"\0" if kind == MessageType.Write else b""))
        assert (reply.kind, reply.refused, reply.address) == (kind, True, address)


def test_what_is_no_request_is_not_answered(device: Examiner) -> None:
    for first in (3, 9, 10, 11):
        assert device.ask(raw_frame(first, 0, 0x02)) == []


# ---- modes


def test_no_mode_but_standby_and_active(device: Examiner) -> None:
    for mode in (2, 3):
        assert device.write("OperationControl", mode).refused
    assert device.read("OperationControl") & 0x03 == 0


def test_it_wakes_in_standby_and_says_nothing_by_itself(device: Examiner, kind: str) -> None:
    device.write("OperationControl", 0x84)
    upset(device, kind)
    assert device.wait(3_000_000) == []


def test_in_active_mode_it_reports(device: Examiner, kind: str) -> None:
    device.activate()
    upset(device, kind)
    assert device.events("Inputs", device.wait(100_000))


def upset(device: Examiner, kind: str) -> None:
    """Change an input."""
    if kind == "shock_controller":
        device.bench.interlock(closed=False)
    elif kind == "operant_chamber":
        device.bench.head(inside=True)
    else:
        device.bench.beam("doorway", broken=True)


@pytest.mark.parametrize(("bit", "register"), [(0x04, "Heartbeat"), (0x80, "TimestampSeconds")])
def test_both_generations_of_heartbeat_once_a_second(device: Examiner, bit: int, register: str) -> None:
    device.wait(123_456)
    device.write("OperationControl", 0x01 | bit)
    beats = device.events(register, device.wait(3_500_000))
    assert 3 <= len(beats) <= 4
    assert {later.ticks - sooner.ticks for sooner, later in pairwise(beats)} == {31_250}
    if register == "Heartbeat":
        assert {beat.value for beat in beats} == {1}
    else:
        assert all(beat.value == beat.ticks // 31_250 for beat in beats)


def test_muted_replies_stay_away_and_events_come(device: Examiner, kind: str) -> None:
    assert device.ask(frame_of(device.map["OperationControl"], 0x11)) == []
    assert device.ask(frame_of(device.map["WhoAmI"])) == []
    upset(device, kind)
    assert device.events("Inputs", device.wait(100_000))
    assert len(device.ask(frame_of(device.map["OperationControl"], 0x00))) == 1


def test_a_dump_is_a_read_of_every_register_in_order(device: Examiner) -> None:
    reply, *dump = device.ask(frame_of(device.map["OperationControl"], 0x08), us=30_000)  # 1 kB at 1 Mbaud
    assert (reply.kind, reply.value & 0x08) == (MessageType.Write, 0)
    assert [one.address for one in dump] == list(device.map.by_address)
    assert {(one.kind, one.refused) for one in dump} == {(MessageType.Read, False)}
    assert all(len(one.payload) == device.map.by_address[one.address].n_bytes for one in dump)


# ---- time


def test_time_runs_in_ticks_and_is_the_time_of_the_registers(device: Examiner) -> None:
    (first,) = device.ask(frame_of(device.map["TimestampSeconds"]))
    device.silence(2_345_678)
    (second,) = device.ask(frame_of(device.map["TimestampSeconds"]))
    assert second.value == second.ticks // 31_250
    assert second.ticks - first.ticks == pytest.approx(2_350_678 / 32, abs=200)
    (fraction,) = device.ask(frame_of(device.map["TimestampMicroseconds"]))
    assert fraction.value == fraction.ticks % 31_250


def test_the_clock_is_set_only_when_unlocked(device: Examiner) -> None:
    assert device.write("TimestampSeconds", 1_000).value < 10
    assert device.write("ClockConfiguration", 0x40).value & 0xC0 == 0x40
    assert device.write("TimestampSeconds", 1_000).value == 1_000
    assert device.write("ClockConfiguration", 0x80).value & 0xC0 == 0x80
    assert device.write("TimestampSeconds", 5).value in (1_000, 1_001)


# ---- a bad line


@pytest.mark.parametrize("noise", [
    b"\0" * 40,
    b"\xff" * 300,
    bytes(range(256)),
    b"\x01\xc8\x00\xff\x02",
    frame_of(device_map("shock_controller")["WhoAmI"])[:4],
], ids=["zeros", "ones", "all bytes", "a length that is too long", "half a request"])  # fmt: skip
def test_after_noise_and_a_pause_it_answers(device: Examiner, noise: bytes) -> None:
    device.ask(noise)
    device.silence(60_000)
    assert device.read("WhoAmI") == 0


def test_a_wrong_checksum_is_no_request(device: Examiner) -> None:
    frame = bytearray(frame_of(device.map["HostWatchdog"], 500))
    frame[-1] ^= 0x10
    assert device.ask(bytes(frame)) == []
    device.silence(60_000)
    assert device.read("HostWatchdog") == device.map["HostWatchdog"].default


def test_several_requests_at_once_are_answered_in_order(device: Examiner) -> None:
    names = ("WhoAmI", "UID", "HostWatchdog", "Tag")
    replies = device.ask(b"".join(frame_of(device.map[name]) for name in names))
    assert [reply.address for reply in replies] == [device.map[name].address for name in names]


def test_a_request_may_come_byte_by_byte(device: Examiner) -> None:
    frame = frame_of(device.map["WhoAmI"])
    for byte in frame[:-1]:
        assert device.ask(bytes((byte,))) == []
    assert len(device.ask(frame[-1:])) == 1


@pytest.mark.parametrize(("kind", "backend"), PAIRS)
def test_whatever_bytes_come_it_recovers(kind: str, backend: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.binary(max_size=80), max_size=6))
    def recovers(chunks: list[bytes]) -> None:
        device = examined(kind, backend)
        for chunk in chunks:
            device.ask(chunk)
        device.silence(60_000)
        device.ask(frame_of(device.map["OperationControl"], 0x00))  # chance may have muted it
        assert device.read("WhoAmI") == 0

    recovers()


# ---- the watchdog


def test_the_watchdog_cannot_be_switched_off(device: Examiner) -> None:
    for value in (0, 99, 2_001, 65_535):
        assert device.write("HostWatchdog", value).refused
    assert device.read("HostWatchdog") == 1_000


def test_silence_rings_the_watchdog_in_active_mode_only(device: Examiner, kind: str) -> None:
    device.silence(5_000_000)
    assert device.read("Fault") == 0
    device.activate()
    device.wait(3_000_000)
    assert device.read("Fault") == 0
    (fault,) = device.events("Fault", device.silence(1_100_000))
    assert fault.value == device.read("Fault") == WATCHDOG_BIT[kind]


@pytest.mark.parametrize("what", ["read", "refused", "unknown"])
def test_any_valid_request_feeds_the_watchdog(device: Examiner, what: str) -> None:
    request = {
        "read": frame_of(device.map["WhoAmI"]),
        "refused": frame_of(device.map["WhoAmI"], 5),
        "unknown": raw_frame(MessageType.Read, 200, 0x01),
    }[what]
    device.activate()
    for _ in range(8):
        device.silence(800_000)
        device.ask(request)
    assert device.read("Fault") == 0


def test_noise_does_not_feed_the_watchdog(device: Examiner, kind: str) -> None:
    device.activate()
    spoiled = frame_of(device.map["WhoAmI"])[:-1] + b"\x55"
    for _ in range(8):
        device.silence(200_000)
        device.ask(spoiled)
    device.silence(60_000)
    assert device.read("Fault") == WATCHDOG_BIT[kind]


def test_a_shorter_watchdog_rings_sooner(device: Examiner, kind: str) -> None:
    device.write("HostWatchdog", 200)
    device.activate()
    assert device.events("Fault", device.silence(150_000)) == []
    assert len(device.events("Fault", device.silence(100_000))) == 1


OUTPUTS = ("OutputSet", "OutputState", "OutputClear")


@pytest.mark.parametrize(("kind", "backend"), [pair for pair in PAIRS if pair[0] != "shock_controller"])
@pytest.mark.parametrize("when", ["at first", "after Active mode", "after a reset"])
def test_in_standby_nothing_turns_on(kind: str, backend: str, when: str) -> None:
    device = examined(kind, backend)
    if when != "at first":
        device.activate()
        device.write("OutputSet", 0x0F)
        device.ask(
            frame_of(
                device.map["OperationControl" if when == "after Active mode" else "ResetDevice"],
                when != "after Active mode",
            )
        )
        device.silence(300_000)
    every = device.map["OutputSet"].bits
    assert every
    for value in (1 << place for place in range(every.bit_length())):
        for name in OUTPUTS:
            reply = device.write(name, value)
            assert (reply.refused, reply.value) == (False, 0), "what only the state forbids is not an error"
    assert_all_off(device)
    device.write("ToneFrequency", 440)
    assert device.read("ToneFrequency") == 440, "what turns nothing on may be set"
    device.activate()
    device.wait(100_000)
    assert_all_off(device)
    assert device.write("OutputSet", 0x0F).value == 0x0F


@pytest.mark.parametrize(("kind", "backend"), [pair for pair in PAIRS if pair[0] != "shock_controller"])
def test_after_the_watchdog_nothing_turns_on_until_the_host_is_heard(kind: str, backend: str) -> None:
    device = examined(kind, backend)
    device.activate()
    device.write("OutputSet", 0x0F)
    device.silence(1_100_000)
    for name in OUTPUTS:
        (reply,) = device.ask(b"\xff\xff" + frame_of(device.map[name], 0x0F))
        assert (reply.refused, reply.value) == (False, 0), "noise does not feed the watchdog"
    assert_all_off(device)
    device.silence(60_000)
    assert device.write("OutputSet", 0x0F).value == 0x0F
    device.silence(1_100_000)
    assert_all_off(device)


def assert_all_off(device: Examiner) -> None:
    assert device.read("OutputState") == 0
    if hasattr(device.bench, "pins"):
        pins = device.bench.pins()
        assert (pins["outputs"], pins["tone_hz"], pins["feeder"]) == (0, 0, 0)


def test_a_fault_is_cleared_by_writing_its_bit(device: Examiner, kind: str) -> None:
    device.activate()
    device.silence(1_100_000)
    assert device.write("Fault", 0).value == WATCHDOG_BIT[kind]
    assert device.write("Fault", WATCHDOG_BIT[kind]).value == 0


# ---- restart


def test_a_reset_sets_all_back(device: Examiner, kind: str) -> None:
    device.activate()
    for name in plain_registers(kind):
        bits = device.map[name].bits
        device.write(name, device.map[name].maximum if bits is None else bits)
    (reply,) = device.ask(frame_of(device.map["ResetDevice"], 0x01))
    assert not reply.refused
    device.silence(3_000_000)
    assert device.read("OperationControl") & 0x03 == 0
    for name in plain_registers(kind):
        assert device.read(name) == device.map[name].default
    assert device.read("ResetDevice") & 0x40
