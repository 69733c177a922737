"""What a shock controller must do, whatever stands behind its port: when the gate opens, and that it closes."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass

import pytest
from harp.device.client import HarpFramer
from harp.protocol import MessageType
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.devices.registers import device_map
from devices.benches import SHOCK_BACKENDS, Examiner, Heard, frame_of

KIND = "shock_controller"
INTERLOCK, WATCHDOG, OVERRUN, OPEN_GRID, GRID_SHORT, LIMIT = (1 << place for place in range(6))
COMPLETED, STOPPED, BY_INTERLOCK, BY_WATCHDOG, BY_OVERRUN, BY_SHORT, BY_STANDBY = range(7)


@pytest.fixture(params=SHOCK_BACKENDS)
def device(request: pytest.FixtureRequest) -> Examiner:
    return Examiner(SHOCK_BACKENDS[request.param](KIND), KIND)


@dataclass(frozen=True)
class Report:
    """What PulseEnded says."""

    number: int
    duration_us: int
    delivered_ua: int
    cause: int


def report_of(message: Heard) -> Report:
    return Report(*struct.unpack("<4I", message.payload))


def ready(device: Examiner, *, ua: int = 500, ms: int = 500) -> None:
    """Active, with a pulse set."""
    device.activate()
    assert device.write("Intensity", ua).value == ua
    assert device.write("Duration", ms).value == ms


def arm(device: Examiner, number: int) -> int:
    reply = device.write("Arm", number)
    assert not reply.refused, "what only the state forbids is not an error"
    return reply.value


def trigger(device: Examiner, number: int) -> int:
    reply = device.write("Trigger", number)
    assert not reply.refused, "what only the state forbids is not an error"
    return reply.value


def give(device: Examiner, number: int) -> None:
    assert (arm(device, number), trigger(device, number)) == (number, number)


def pulse(device: Examiner, number: int, ms: int) -> Report:
    """A whole pulse; what was reported of it."""
    give(device, number)
    heard = device.wait(ms * 1_000 + 50_000)
    (ended,) = device.events("PulseEnded", heard)
    return report_of(ended)


# ---- the pulse


@pytest.mark.parametrize("ms", [1, 20, 500, 15_000])
def test_a_pulse_lasts_as_long_as_it_was_set_to(device: Examiner, ms: int) -> None:
    ready(device, ms=ms)
    give(device, 1)
    heard = device.wait(ms * 1_000 + 50_000)
    (started,), (ended,) = device.events("PulseStarted", heard), device.events("PulseEnded", heard)
    assert started.value == 1
    report = report_of(ended)
    assert (report.number, report.cause) == (1, COMPLETED)
    assert report.duration_us == pytest.approx(ms * 1_000, abs=50 + ms * 0.1)
    assert (ended.ticks - started.ticks) * 32 == pytest.approx(report.duration_us, abs=64)
    assert report.delivered_ua == pytest.approx(500, rel=0.05)


def test_counts_and_times_add_up(device: Examiner) -> None:
    ready(device, ms=200)
    for number in (1, 2, 3):
        assert pulse(device, number, 200).number == number
    assert (device.read("PulseCount"), device.read("PulseStarted")) == (3, 3)
    assert device.read("OnTime") == pytest.approx(600, abs=2)
    assert device.read("PulseEnded") & 0xFFFFFFFF == 3


def test_stop_ends_the_pulse_at_once_and_disarms(device: Examiner) -> None:
    ready(device, ms=10_000)
    give(device, 1)
    device.wait(100_000)
    assert device.write("Stop", 1).value == 0
    (ended,) = device.events("PulseEnded")
    assert report_of(ended).cause == STOPPED
    assert report_of(ended).duration_us < 200_000
    assert arm(device, 2) == 2
    device.write("Stop", 0)
    assert trigger(device, 2) == 0


def test_nothing_of_the_pulse_changes_while_it_is_armed_or_on(device: Examiner) -> None:
    ready(device, ua=500, ms=500)
    arm(device, 1)
    for number in (0, 1):
        for name, value in (("Intensity", 900), ("Duration", 5_000)):
            reply = device.write(name, value)
            assert (reply.refused, reply.value) == (False, 500), number
        trigger(device, 1)
    (ended,) = device.events("PulseEnded", device.wait(600_000))
    assert report_of(ended).duration_us == pytest.approx(500_000, abs=100)


# ---- arming


def test_nothing_is_armed_while_no_watchdog_runs(device: Examiner) -> None:
    ready(device)
    device.silence(1_100_000)
    noise = b"\xff\xff"
    (reply,) = device.ask(noise + frame_of(device.map["Fault"], WATCHDOG))
    assert reply.value == 0
    for name in ("Arm", "Trigger"):
        (reply,) = device.ask(noise + frame_of(device.map[name], 1))
        assert (reply.refused, reply.value) == (False, 0), "noise does not feed the watchdog"
    device.silence(60_000)
    give(device, 1)


@pytest.mark.parametrize("number", [0, 2, 3, 2**31, 2**32 - 1])
def test_only_the_next_number_can_be_armed(device: Examiner, number: int) -> None:
    ready(device)
    assert arm(device, number) == 0
    assert trigger(device, number) == 0
    assert trigger(device, 1) == 0
    assert device.wait(1_000_000) == []


@pytest.mark.parametrize("number", [0, 2, 2**32 - 1])
def test_only_the_armed_number_can_be_triggered(device: Examiner, number: int) -> None:
    ready(device)
    assert arm(device, 1) == 1
    assert trigger(device, number) == 0
    assert device.read("PulseCount") == 0


def test_repeated_and_stale_numbers_do_nothing(device: Examiner) -> None:
    ready(device, ms=100)
    pulse(device, 1, 100)
    for request in ("Trigger", "Arm", "Trigger"):
        assert device.write(request, 1).value == 0
    assert device.wait(1_000_000) == []
    assert device.read("PulseCount") == 1


def test_a_doubled_trigger_is_one_pulse(device: Examiner) -> None:
    ready(device, ms=100)
    arm_, trigger_ = frame_of(device.map["Arm"], 1), frame_of(device.map["Trigger"], 1)
    device.ask(arm_ + trigger_ + arm_ + trigger_ + trigger_)
    assert len(device.events("PulseStarted", device.wait(1_000_000))) == 1
    assert device.read("PulseCount") == 1


def test_an_arm_expires(device: Examiner) -> None:
    ready(device)
    device.write("ArmTimeout", 50)
    assert arm(device, 1) == 1
    device.wait(60_000)
    assert device.read("Arm") == 0
    assert trigger(device, 1) == 0


def test_a_wrong_number_disarms(device: Examiner) -> None:
    ready(device)
    assert arm(device, 1) == 1
    assert arm(device, 7) == 0
    assert trigger(device, 1) == 0


@pytest.mark.parametrize("lacking", ["Intensity", "Duration"])
def test_nothing_is_armed_without_intensity_and_duration(device: Examiner, lacking: str) -> None:
    ready(device)
    device.write(lacking, 0)
    assert arm(device, 1) == 0


def test_nothing_is_armed_in_standby(device: Examiner) -> None:
    device.write("Intensity", 500)
    device.write("Duration", 500)
    assert arm(device, 1) == 0


def test_nothing_is_armed_while_a_pulse_is_on(device: Examiner) -> None:
    ready(device)
    give(device, 1)
    assert arm(device, 2) == 0


# ---- what closes the gate


def test_leaving_active_mode_closes_the_gate_and_disarms(device: Examiner) -> None:
    ready(device, ms=5_000)
    give(device, 1)
    device.write("OperationControl", 0)
    assert device.read("Trigger") == 0
    ended = device.read("PulseEnded").to_bytes(16, "little")
    assert struct.unpack("<4I", ended)[3] == BY_STANDBY
    device.activate()
    assert arm(device, 2) == 2
    device.write("OperationControl", 0)
    device.activate()
    assert trigger(device, 2) == 0


def test_the_interlock_ends_a_pulse_and_stays_in_mind(device: Examiner) -> None:
    ready(device, ms=5_000)
    give(device, 1)
    device.wait(100_000)
    device.bench.interlock(closed=False)
    heard = device.wait(20_000)
    assert device.events("Inputs", heard)[-1].value == 0
    assert report_of(device.events("PulseEnded", heard)[0]).cause == BY_INTERLOCK
    assert device.events("Fault", heard)[0].value == INTERLOCK
    assert device.write("Fault", INTERLOCK).value == INTERLOCK, "not while it is open"
    assert arm(device, 2) == 0
    device.bench.interlock(closed=True)
    device.wait(20_000)
    assert arm(device, 2) == 0, "not before somebody has seen it"
    assert device.write("Fault", INTERLOCK).value == 0
    assert arm(device, 2) == 2


def test_the_interlock_disarms(device: Examiner) -> None:
    ready(device)
    arm(device, 1)
    device.bench.interlock(closed=False)
    device.wait(20_000)
    device.bench.interlock(closed=True)
    device.write("Fault", INTERLOCK)
    assert trigger(device, 1) == 0


def test_an_interlock_that_is_open_from_the_start_is_a_fault_in_active_mode(device: Examiner) -> None:
    device.bench.interlock(closed=False)
    device.wait(20_000)
    assert device.read("Fault") == 0
    device.activate()
    assert device.read("Fault") == INTERLOCK


def test_a_silent_host_ends_the_pulse(device: Examiner) -> None:
    ready(device, ms=20_000)
    give(device, 1)
    (ended,) = device.events("PulseEnded", device.silence(3_000_000))
    report = report_of(ended)
    assert report.cause == BY_WATCHDOG
    assert 990_000 < report.duration_us <= 1_000_000, "off by then, not from then on"
    assert arm(device, 2) == 0
    device.write("Fault", WATCHDOG)
    assert arm(device, 2) == 2


CORRUPT = frame_of(device_map(KIND)["PulseCount"])[:-1] + b"\x68"
FLOODS = {
    "corrupt frames": CORRUPT * 143,
    "noise": random.Random(1).randbytes(1_000),
    "long frames of nothing": (b"\x02\xfe" + bytes(98)) * 10,
    "beginnings of frames": b"\x02\xff" * 500,
}


@pytest.mark.parametrize("what", FLOODS)
def test_bytes_without_end_do_not_pass_for_a_host(device: Examiner, what: str) -> None:
    ready(device, ms=20_000)
    give(device, 1)
    heard = []
    for _ in range(110):  # as fast as the line can carry them
        device.bench.say(FLOODS[what])
        heard += device.silence(10_000)
    report = report_of(device.events("PulseEnded", heard)[0])
    assert report.cause == BY_WATCHDOG
    assert 990_000 < report.duration_us <= 1_000_000, "off by then, not from then on"


def test_a_gate_that_sticks_is_closed_by_the_second_switch(device: Examiner) -> None:
    ready(device, ms=100)
    device.bench.stick_gate()
    give(device, 1)
    heard = device.wait(300_000)
    report = report_of(device.events("PulseEnded", heard)[0])
    assert report.cause == BY_OVERRUN
    assert 100_000 < report.duration_us <= 120_000
    assert device.events("Fault", heard)[0].value == OVERRUN
    assert arm(device, 2) == 0


def test_a_gate_that_sticks_is_told_from_one_that_was_stopped(device: Examiner) -> None:
    ready(device, ms=5_000)
    device.bench.stick_gate()
    give(device, 1)
    device.write("Stop", 1)
    heard = device.wait(100_000)
    report = report_of(device.events("PulseEnded", heard)[0])
    assert report.cause == BY_OVERRUN
    assert 10_000 < report.duration_us < 30_000
    assert device.events("Fault", heard)[0].value == OVERRUN
    assert arm(device, 2) == 0


def test_shorted_bars_end_the_pulse(device: Examiner) -> None:
    ready(device)
    device.bench.grid("short")
    give(device, 1)
    heard = device.wait(600_000)
    report = report_of(device.events("PulseEnded", heard)[0])
    assert report.cause == BY_SHORT
    assert report.duration_us < 50_000
    assert device.events("Fault", heard)[0].value == GRID_SHORT
    assert arm(device, 2) == 0


def test_an_open_grid_is_told_and_ends_nothing(device: Examiner) -> None:
    ready(device)
    device.bench.grid("open")
    give(device, 1)
    heard = device.wait(600_000)
    report = report_of(device.events("PulseEnded", heard)[0])
    assert (report.cause, report.delivered_ua) == (COMPLETED, 0)
    assert device.events("Fault", heard)[0].value == OPEN_GRID
    device.bench.grid("sound")
    assert arm(device, 2) == 2
    assert device.read("Fault") == 0


def test_a_jump_in_mid_pulse_halves_the_mean_current(device: Examiner) -> None:
    ready(device)
    give(device, 1)
    device.wait(250_000)
    device.bench.grid("open")
    (ended,) = device.events("PulseEnded", device.wait(400_000))
    assert report_of(ended).delivered_ua == pytest.approx(250, rel=0.1)


@pytest.mark.parametrize("percent", [-30, 12])
def test_the_delivered_current_is_measured_not_assumed(device: Examiner, percent: float) -> None:
    ready(device)
    device.bench.deviate(percent)
    assert pulse(device, 1, 500).delivered_ua == pytest.approx(500 * (1 + percent / 100), rel=0.02)


# ---- limits


def test_the_ceilings_are_those_of_the_design(device: Examiner) -> None:
    ceilings = {name: device.read(f"Ceiling{name}") for name in ("Intensity", "Duration", "Duty", "OnTime", "Count")}
    assert ceilings == {"Intensity": 3_000, "Duration": 30_000, "Duty": 30_000, "OnTime": 1_200_000, "Count": 500}
    assert {name: device.read(f"Max{name}") for name in ceilings} == ceilings


@pytest.mark.parametrize("name", ["Intensity", "Duration", "Duty", "OnTime", "Count"])
def test_limits_only_go_down_until_a_reset(device: Examiner, name: str) -> None:
    ceiling = device.read(f"Ceiling{name}")
    assert device.write(f"Max{name}", ceiling + 1).refused
    for value, in_force in ((ceiling - 5, ceiling - 5), (ceiling, ceiling - 5), (10, 10), (11, 10)):
        reply = device.write(f"Max{name}", value)
        assert (reply.refused, reply.value) == (False, in_force)
    device.write("ResetDevice", 0x01)
    device.silence(3_000_000)
    assert device.read(f"Max{name}") == ceiling


@pytest.mark.parametrize("name", ["Intensity", "Duration"])
def test_a_lowered_limit_holds_for_what_is_set_before_and_after(device: Examiner, name: str) -> None:
    device.write(name, 400)
    device.write(f"Max{name}", 300)
    assert device.read(name) == 0
    reply = device.write(name, 301)
    assert (reply.refused, reply.value) == (False, 0)
    assert device.write(name, 300).value == 300


def refused_by_limit(device: Examiner, number: int) -> bool:
    return arm(device, number) == 0 and device.read("Fault") == LIMIT


def test_the_count_is_limited(device: Examiner) -> None:
    device.write("MaxCount", 2)
    ready(device, ms=10)
    for number in (1, 2):
        pulse(device, number, 10)
    assert refused_by_limit(device, 3)


def test_the_time_of_all_pulses_is_limited(device: Examiner) -> None:
    device.write("MaxOnTime", 250)
    ready(device, ms=100)
    for number in (1, 2):
        pulse(device, number, 100)
    assert refused_by_limit(device, 3)
    device.write("Duration", 50)
    assert arm(device, 3) == 3


def test_the_time_within_a_minute_is_limited(device: Examiner) -> None:
    device.write("MaxDuty", 1_000)
    ready(device, ms=400)
    for number in (1, 2):
        pulse(device, number, 400)
    assert refused_by_limit(device, 3)
    device.wait(57_000_000)
    assert arm(device, 3) == 0
    device.wait(4_500_000)
    assert arm(device, 3) == 3
    assert device.read("Fault") == 0


# ---- whatever the bytes


def gate_openings(frames: bytes) -> int:
    """How often a gate may open, by what the official framer makes of the bytes: Arm n and then Trigger n, in turn."""
    framer = HarpFramer()
    framer.feed(frames)
    armed, count = 0, 0
    for frame in framer:
        value = int.from_bytes(bytes(frame.payload_bytes), "little")
        if frame.bytes[0] == MessageType.Write and frame.bytes[4] & ~0x10 == 0x04 and len(frame.payload_bytes) == 4:
            if frame.address == 35:
                armed = value if value == count + 1 else 0
            elif frame.address == 36 and armed and value == armed:
                armed, count = 0, count + 1
    return count


SMALL = st.integers(0, 4)


@pytest.mark.parametrize("backend", SHOCK_BACKENDS)
def test_the_gate_opens_only_for_an_exact_arm_and_trigger(backend: str) -> None:
    ask = Examiner(SHOCK_BACKENDS[backend](KIND), KIND).map

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from(["Arm", "Trigger", "Stop", "Intensity", "PulseCount"]), SMALL), max_size=30),
        st.lists(st.tuples(st.integers(0, 400), st.integers(1, 255)), max_size=4),
    )
    def holds(requests: list[tuple[str, int]], flips: list[tuple[int, int]]) -> None:
        device = Examiner(SHOCK_BACKENDS[backend](KIND), KIND)
        ready(device, ms=1)
        sent = b"".join(frame_of(ask[name], None if name == "PulseCount" else value) for name, value in requests)
        spoiled = bytearray(sent)
        for place, flip in flips:
            if place < len(spoiled):
                spoiled[place] ^= flip
        device.ask(bytes(spoiled))
        heard = device.wait(200_000)
        assert len(device.events("PulseStarted", heard)) <= gate_openings(bytes(spoiled))
        device.ask(frame_of(ask["OperationControl"], 0x01))  # chance may have muted it
        assert device.read("PulseCount") <= gate_openings(bytes(spoiled))

    holds()


@pytest.mark.parametrize("backend", SHOCK_BACKENDS)
def test_it_opens_as_often_as_it_may_when_nothing_is_spoiled(backend: str) -> None:
    @settings(max_examples=60, deadline=None)
    @given(st.lists(st.tuples(st.sampled_from(["Arm", "Trigger"]), SMALL), max_size=30))
    def holds(requests: list[tuple[str, int]]) -> None:
        device = Examiner(SHOCK_BACKENDS[backend](KIND), KIND)
        ready(device, ms=1)
        sent = b""
        for name, value in requests:  # one by one, so that each pulse is over when the next is asked for
            sent += frame_of(device.map[name], value)
            device.ask(frame_of(device.map[name], value))
        assert device.read("PulseCount") == gate_openings(sent)

    holds()
