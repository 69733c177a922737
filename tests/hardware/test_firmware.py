"""What is the firmware's own: pins, second switch, the current's converter, clocks that wrap, images and their size.

What every device must do is in tests/devices/test_conformance*.py.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.benches import Examiner
from devices.firmware import FIRMWARE, LibraryBench, MegaBench, PortBench, SimavrBench, built
from devices.test_conformance_shock import OVERRUN, arm, give, pulse, ready, report_of

BENCHES = {"library": LibraryBench, "port": PortBench, "simavr": SimavrBench}
RUNNERS = {"port": PortBench, "simavr": SimavrBench, "simavr, larger processor": MegaBench}
HOUSE_LIGHT, TONE, LEFT_OUT, TO_LEFT, TO_RIGHT = 0x01, 0x08, 0x10, 0x20, 0x40


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def made(bench: str, kind: str) -> Examiner:
    return Examiner(BENCHES[bench](kind), kind)


def pins(device: Examiner) -> dict[str, int]:
    return device.bench.pins()  # type: ignore[attr-defined, no-any-return]


# ---- the gate's pin


@pytest.mark.parametrize("ms", [1, 20, 32, 33, 98, 500, 15_000])
@pytest.mark.parametrize("runner", RUNNERS)
def test_the_pin_is_high_as_long_as_was_asked_for_and_as_reported(runner: str, ms: int) -> None:
    bench = RUNNERS[runner]("shock_controller")
    device = Examiner(bench, "shock_controller")
    ready(device, ms=ms)
    bench.watch_gate()
    report = pulse(device, 1, ms)
    (rose, rise_us), (fell, fall_us) = bench.edges
    assert (rose, fell) == (True, False)
    assert fall_us - rise_us == pytest.approx(ms * 1_000, abs=2)
    assert report.duration_us == pytest.approx(fall_us - rise_us, abs=2)


@pytest.mark.parametrize("how", ["Stop", "OperationControl", "ResetDevice"])
def test_the_pin_falls_at_once_when_it_is_told_to(bench: str, how: str) -> None:
    device = made(bench, "shock_controller")
    ready(device, ms=20_000)
    give(device, 1)
    assert pins(device)["gate"] == 1
    device.write(how, 1 if how != "OperationControl" else 0)
    assert pins(device)["gate"] == 0
    assert pins(device)["gate_open_us"] < 50_000


# ---- the second switch and the converter


def test_current_and_second_switch_are_off_unless_they_are_needed(bench: str) -> None:
    device = made(bench, "shock_controller")
    off, idle = {"second_switch": 0, "current_ua": 0, "gate": 0}, {"second_switch": 1, "current_ua": 0, "gate": 0}
    seen = {}
    for moment, act in {
        "switched on": lambda: None,
        "active": lambda: ready(device, ua=700, ms=100),
        "armed": lambda: arm(device, 1),
        "on": lambda: give(device, 1),
        "over": lambda: device.wait(150_000),
        "expired": lambda: (arm(device, 2), device.wait(600_000)),
        "disarmed": lambda: (arm(device, 2), arm(device, 0)),
        "standby": lambda: device.write("OperationControl", 0),
    }.items():
        act()
        seen[moment] = {name: pins(device)[name] for name in off}
    assert seen == {
        "switched on": off,
        "active": idle,
        "armed": {"second_switch": 1, "current_ua": 700, "gate": 0},
        "on": {"second_switch": 1, "current_ua": 700, "gate": 1},
        "over": idle,
        "expired": idle,
        "disarmed": idle,
        "standby": off,
    }


@pytest.mark.parametrize("ua", [1, 100, 999, 3_000])
def test_the_converter_is_set_to_what_was_asked_for(ua: int) -> None:
    device = made("simavr", "shock_controller")
    ready(device, ua=ua)
    arm(device, 1)
    assert pins(device)["current_ua"] == pytest.approx(ua, abs=1)


def test_a_converter_that_does_not_answer_arms_nothing(bench: str) -> None:
    device = made(bench, "shock_controller")
    ready(device)
    device.bench.hand("converter 0")  # type: ignore[attr-defined]
    assert arm(device, 1) == 0
    device.bench.hand("converter 1")  # type: ignore[attr-defined]
    assert arm(device, 1) == 1


def test_a_gate_that_leaks_is_found_before_the_trigger(bench: str) -> None:
    device = made(bench, "shock_controller")
    ready(device)
    device.bench.hand("leaks 1")  # type: ignore[attr-defined]
    assert arm(device, 1) == 1
    assert device.read("Fault") == OVERRUN
    assert device.write("Trigger", 1).value == 0
    assert (pins(device)["second_switch"], pins(device)["n_pulses"]) == (0, 0)


def test_after_an_overrun_the_second_switch_is_open(bench: str) -> None:
    device = made(bench, "shock_controller")
    ready(device, ms=20)
    device.bench.stick_gate()
    give(device, 1)
    device.wait(100_000)
    assert device.read("Fault") == OVERRUN
    assert (pins(device)["second_switch"], pins(device)["current_ua"]) == (0, 0)


def test_a_program_that_hangs_in_mid_pulse_is_reset_and_all_is_off() -> None:
    bench = SimavrBench("shock_controller")
    device = Examiner(bench, "shock_controller")
    ready(device, ms=20_000)
    give(device, 1)
    device.wait(100_000)
    was_open_us = bench.pins()["gate_open_us"]
    bench.watch_gate()
    bench.hand("hang")
    bench.pass_time(400_000)
    ((level, _),) = bench.edges
    assert not level
    assert was_open_us < bench.pins()["gate_open_us"] < 400_000
    assert (bench.pins()["second_switch"], bench.pins()["current_ua"]) == (0, 0)
    device.listen()
    assert device.read("OperationControl") & 0x03 == 0
    assert device.read("PulseCount") == 0


def test_the_lamp_shows_current_not_the_wish(bench: str) -> None:
    device = made(bench, "shock_controller")
    ready(device, ms=300)
    give(device, 1)
    device.wait(50_000)
    assert pins(device)["lamp"] == 1
    device.bench.grid("open")
    device.wait(50_000)
    assert (pins(device)["lamp"], pins(device)["gate"]) == (0, 1)
    device.wait(300_000)
    assert pins(device)["lamp"] == 0


# ---- limits and clocks


def open_us(pulses: list[tuple[int, int]], until_us: int) -> int:
    """How long the gate was open within the minute that ends then."""
    return sum(max(0, end - max(start, until_us - 60_000_000)) for start, end in pulses)


@given(st.lists(st.tuples(st.integers(5, 900), st.integers(0, 1_200)), min_size=30, max_size=110), st.integers(1, 25))
@settings(max_examples=25)
def test_the_limit_on_duty_is_never_passed_and_exact_for_48_pulses_a_minute(
    train: list[tuple[int, int]], limit_s: int
) -> None:
    bench = LibraryBench("shock_controller")
    device = Examiner(bench, "shock_controller")
    device.write("MaxDuty", limit_s * 1_000)
    device.activate()
    device.write("Intensity", 100)
    past, number = list[tuple[int, int]](), 0
    for ms, pause_ms in train:
        device.wait(pause_ms * 1_000 + 1)
        device.write("Duration", ms)
        now_us = bench.library.native_now_us()
        within_limit = open_us(past, now_us + ms * 1_000) + ms * 1_000 <= limit_s * 1_000_000
        n_recent = sum(end > now_us - 60_000_000 for _, end in past)
        if arm(device, number + 1):
            assert within_limit
            number += 1
            from_us = bench.library.native_now_us()
            assert device.write("Trigger", number).value == number
            device.wait(ms * 1_000 + 20_000)
            past.append((from_us, from_us + ms * 1_000))
        else:
            assert not within_limit or n_recent >= 48


def test_its_clock_wraps_after_71_minutes_and_nobody_sees_it() -> None:
    bench = LibraryBench("shock_controller")
    device = Examiner(bench, "shock_controller")
    device.write("HostWatchdog", 2_000)
    device.write("ClockConfiguration", 0x40)
    ready(device, ua=300, ms=2_000)
    wrap_us = 2**32
    device.wait(wrap_us - 1_000_000 - bench.library.native_now_us(), every_us=1_900_000)
    give(device, 1)
    heard = device.wait(2_100_000)
    started, ended = device.events("PulseStarted", heard), device.events("PulseEnded", heard)
    assert report_of(ended[0]).duration_us == 2_000_000
    assert (ended[0].ticks - started[0].ticks) * 32 == pytest.approx(2_000_000, abs=64)
    assert started[0].ticks * 32 == pytest.approx(wrap_us - 1_000_000, abs=10_000)
    device.write("MaxDuty", 3_000)
    assert arm(device, 2) == 0, "the pulse before the wrap counts"
    device.wait(61_000_000)
    assert arm(device, 2) == 2


def test_an_hour_of_events_loses_none_and_does_not_drift() -> None:
    bench = LibraryBench("operant_chamber")
    device = Examiner(bench, "operant_chamber")
    device.activate()
    seen, first = 0, None
    for step in range(3_600 * 20 // 8):
        device.bench.head(inside=step % 2 == 0)
        heard = device.events("Inputs", device.wait(400_000))
        seen += len(heard)
        first = first if first is not None else heard[0].ticks
        assert heard[0].ticks - first == step * 400_000 // 32
    assert seen == 9_000


# ---- the chambers' terminals


def test_outputs_are_pins_and_go_with_the_host(bench: str) -> None:
    device = made(bench, "operant_chamber")
    device.activate()
    device.write("OutputState", HOUSE_LIGHT | LEFT_OUT | TONE)
    device.wait(50_000)
    assert pins(device)["outputs"] & ~TONE == HOUSE_LIGHT | LEFT_OUT
    assert pins(device)["tone_hz"] == pytest.approx(2_900, rel=0.005)
    device.silence(1_100_000)
    assert pins(device)["outputs"] == 0
    assert pins(device)["tone_hz"] == 0


@pytest.mark.parametrize("hz", [100, 440, 2_900, 20_000])
def test_the_tone_has_the_frequency_that_was_set(bench: str, hz: int) -> None:
    device = made(bench, "operant_chamber")
    device.activate()
    device.write("ToneFrequency", hz)
    device.write("OutputSet", TONE)
    device.wait(100_000)
    assert pins(device)["tone_hz"] == pytest.approx(hz, rel=0.01)
    device.write("OutputClear", TONE)
    device.wait(50_000)
    assert pins(device)["tone_hz"] == 0


def test_the_feeder_rests_between_deliveries_and_one_pellet_is_one(bench: str) -> None:
    device = made(bench, "operant_chamber")
    device.activate()
    device.write("Deliver", 1)
    device.write("Deliver", 2)
    first, second = device.events("Delivered", device.wait(1_500_000))
    assert (second.ticks - first.ticks) * 32 > 200_000
    assert pins(device)["feeder"] == 0


def test_relays_do_not_switch_while_a_pulse_is_on(bench: str) -> None:
    device = made(bench, "shuttle_box")
    device.activate()
    device.write("OutputSet", TO_LEFT)
    device.bench.hand("pulse 1")  # type: ignore[attr-defined]
    device.wait(10_000)
    assert device.write("OutputState", TO_RIGHT | HOUSE_LIGHT).value == TO_RIGHT | HOUSE_LIGHT
    assert pins(device)["outputs"] == TO_LEFT | HOUSE_LIGHT
    device.wait(29_000_000)
    assert pins(device)["outputs"] == TO_LEFT | HOUSE_LIGHT
    device.bench.hand("pulse 0")  # type: ignore[attr-defined]
    device.wait(10_000)
    assert pins(device)["outputs"] == TO_RIGHT | HOUSE_LIGHT


def test_a_line_that_says_pulse_for_longer_than_any_is_not_believed() -> None:
    device = made("library", "shuttle_box")
    device.activate()
    device.write("OutputSet", TO_LEFT)
    device.bench.hand("pulse 1")  # type: ignore[attr-defined]
    device.write("OutputState", 0)
    device.wait(30_500_000)
    assert pins(device)["outputs"] == TO_LEFT
    device.wait(600_000)
    assert pins(device)["outputs"] == 0


# ---- what is built


def test_the_images_keep_to_their_budget() -> None:
    built("avr")
    said = subprocess.run(["make", "-s", "-C", FIRMWARE, "size"], capture_output=True, text=True, check=True).stdout
    sizes = re.findall(r"flash (\d+) of (\d+), RAM (\d+) of (\d+)", said)
    assert len(sizes) == 4
    assert all(int(flash) <= int(most) and int(ram) <= int(top) for flash, most, ram, top in sizes)


def test_an_image_over_the_budget_is_refused() -> None:
    built("avr")
    done = subprocess.run(
        ["make", "-s", "-C", FIRMWARE, "size", "FLASH_BUDGET=5000"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "over the budget" in done.stdout


@pytest.mark.parametrize("name", ["CEILING_INTENSITY", "MAX_DURATION", "CEILING_DUTY", "MAX_ON_TIME", "CEILING_COUNT"])
def test_a_ceiling_cannot_be_raised_in_the_register_file_alone(tmp_path: Path, name: str) -> None:
    built("native")
    found = (FIRMWARE / "registers" / "shock_controller" / "registers.h").read_text(encoding="utf-8")
    raised = re.sub(rf"(#define DEFAULT_{name} )(\d+)", lambda one: f"{one[1]}{int(one[2]) + 1}", found)
    assert raised != found
    (tmp_path / "registers.h").write_text(raised, encoding="utf-8")
    command = ["gcc", "-fsyntax-only", f"-I{tmp_path}", "-Icore", "-Ihal", "core/shock_controller.c"]
    done = subprocess.run(command, cwd=FIRMWARE, capture_output=True, text=True, check=False)
    assert "device.yml raises a ceiling" in done.stderr


def test_no_dynamic_memory_and_no_clock_in_the_core() -> None:
    for path in (*FIRMWARE.glob("core/*.c"), *FIRMWARE.glob("hal/avr*.c")):
        code = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(malloc|calloc|realloc|free|alloca|time|clock)\s*\(", code), path


def test_the_identity_is_that_of_the_image_where_the_eeprom_is_blank(tmp_path: Path) -> None:
    built("avr"), built("simavr")
    uid = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
    image = tmp_path / "operant_chamber-atmega2560.elf"
    subprocess.run(["make", "-s", "-C", FIRMWARE, f"BUILD={tmp_path}", f"UID={uid}", image], check=True)

    class Named(SimavrBench):
        def command(self, kind: str) -> list[object]:
            return [*super().command(kind)[:2], image]

    for given_, shown in (("", uid), ("00ff" * 8, "00ff" * 8)):
        device = Examiner(Named("operant_chamber", uid=given_), "operant_chamber")
        assert device.read("UID").to_bytes(16, "little").hex() == shown


def test_flashing_names_processor_port_and_image() -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make; on Debian: apt-get install make")
    said = subprocess.run(
        ["make", "-n", "-C", FIRMWARE, "flash", "DEVICE=shuttle_box", "PORT=/dev/ttyACM0"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "avrdude -p atmega2560 -c wiring -P /dev/ttyACM0 -D -U flash:w:build/shuttle_box-atmega2560.elf:e" in said
