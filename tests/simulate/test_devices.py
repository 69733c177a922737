"""What only simulated devices have: faults on demand, an animal's side, a clock of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest

from behavior.devices.registers import device_map
from behavior.model.commands import SetCue, SetLever
from behavior.model.errors import BadInput
from behavior.model.events import Delivered, ShockEnded, ShockStarted
from behavior.simulate.devices import Faults, SimulatedOperantChamber, SimulatedShockController, simulated
from devices.benches import frame_of

KINDS = ("shock_controller", "operant_chamber", "shuttle_box")


def tell(device: SimulatedShockController | SimulatedOperantChamber, now_us: int, **values: int) -> None:
    """Write registers."""
    for name, value in values.items():
        device.receive(frame_of(device.map[name], value), now_us)


def shocking(ms: int = 500, faults: Faults | None = None) -> SimulatedShockController:
    """A controller whose first pulse begins at 1 s."""
    device = SimulatedShockController(faults=faults)
    tell(device, 1_000_000, OperationControl=1, HostWatchdog=2_000, Intensity=500, Duration=ms, Arm=1, Trigger=1)
    return device


def chamber_on(**given: object) -> SimulatedOperantChamber:
    """An active chamber with the left lever out."""
    device = SimulatedOperantChamber(**given)  # type: ignore[arg-type]
    tell(device, 0, OperationControl=1, HostWatchdog=2_000, OutputState=0x10)
    device.take_happenings()
    device.take_outgoing()
    return device


# ---- the animal's side


def test_what_an_animal_feels_comes_in_the_words_of_the_session() -> None:
    device = shocking()
    device.advance(3_000_000)
    assert device.take_happenings() == [
        (1_000_000, ShockStarted(1_000_000, 1)),
        (1_500_000, ShockEnded(1_500_000, 1, 500_000, 0.5, "completed")),
    ]
    assert device.take_happenings() == []


def test_what_an_animal_sees_comes_in_the_words_of_the_session() -> None:
    device = SimulatedOperantChamber()
    tell(device, 0, OperationControl=1, OutputState=0x1B)
    tell(device, 500_000, OutputClear=0x0A, Deliver=1)
    device.advance(700_000)
    assert device.take_happenings() == [
        (0, SetCue("house_light", on=True)),
        (0, SetCue("cue_light_left", on=True)),
        (0, SetCue("tone", on=True)),
        (0, SetLever("left", out=True)),
        (500_000, SetCue("cue_light_left", on=False)),
        (500_000, SetCue("tone", on=False)),
        (650_000, Delivered(650_000, 1)),
    ]


def test_a_lever_that_is_in_cannot_be_pressed() -> None:
    device = chamber_on()
    assert device.lever_out("left")
    assert not device.lever_out("right")
    assert device.press("left", 1_000)
    assert not device.press("left", 2_000), "it is down already"
    assert not device.press("right", 3_000)
    assert device.take_outgoing() != b""
    device.release("right", 4_000)
    assert device.take_outgoing() == b"", "nothing changed"


def test_next_us_is_when_something_happens() -> None:
    device = shocking(ms=500)
    device.take_outgoing()
    times = []
    while len(times) < 3:
        times.append(device.next_us)
        device.advance(device.next_us)
        device.take_outgoing()
    assert times == [1_010_000, 1_500_000, 2_998_000], "the sense, the end, the watchdog, which is early"


def test_an_idle_device_never_wants_to_be_woken() -> None:
    for kind in KINDS:
        assert simulated(kind).next_us == 2**63 - 1


# ---- faults


def test_a_stuck_lever_is_a_press_without_release() -> None:
    device = chamber_on()
    device.suffer(Faults(stuck_lever="left"), 1_000)
    assert device._value("Inputs") == 1
    device.press("left", 2_000)
    device.release("left", 3_000)
    assert device._value("Inputs") == 1
    device.suffer(Faults(), 4_000)
    assert device._value("Inputs") == 0


def test_a_jammed_feeder_gives_nothing_and_mended_it_goes_on() -> None:
    device = chamber_on(faults=Faults(feeder_jam=True))
    tell(device, 0, Deliver=1)
    device.advance(1_900_000)
    assert device.take_happenings() == []
    device.suffer(Faults(), 1_900_000)
    tell(device, 1_900_000, Deliver=2)
    device.advance(2_100_000)
    assert device.take_happenings() == [(2_050_000, Delivered(2_050_000, 2))]


@pytest.mark.parametrize(("grid", "percent", "ma"), [("sound", 0, 0.5), ("sound", -20, 0.4), ("open", 0, 0.0)])
def test_the_grid_decides_what_is_delivered(grid: Literal["sound", "open"], percent: float, ma: float) -> None:
    device = shocking(faults=Faults(grid=grid, delivered_percent=percent))
    device.advance(2_000_000)
    ((_, _), (_, ended)) = device.take_happenings()
    assert isinstance(ended, ShockEnded)
    assert ended.delivered_ma == pytest.approx(ma)


def test_an_animal_that_leaves_the_bars_for_a_while_gets_that_much_less() -> None:
    device = shocking(ms=1_000)
    device.suffer(Faults(grid="open"), 1_300_000)
    device.suffer(Faults(), 1_700_000)
    device.advance(2_500_000)
    ended = device.take_happenings()[-1][1]
    assert isinstance(ended, ShockEnded)
    assert ended.delivered_ma == pytest.approx(0.5 * 0.6, abs=1e-3)


def test_an_unplugged_device_hears_and_says_nothing_and_its_watchdog_rings() -> None:
    device = shocking(ms=20_000)
    device.suffer(replace(device.faults, unplugged=True), 1_100_000)
    tell(device, 2_000_000, Stop=1)
    assert device.gate_open
    device.advance(4_000_000)
    assert not device.gate_open
    assert device.take_outgoing() == b""
    assert device._report[3] == 3


@pytest.mark.parametrize("what", ["lost", "corrupted", "duplicated"])
def test_bytes_are_spoiled_by_the_seed(what: str) -> None:
    def said(seed: int, fraction: float) -> bytes:
        device = SimulatedShockController(faults=Faults(**{what: fraction}), seed=seed)
        for place in range(50):
            device.receive(frame_of(device.map["UID"]), place * 100_000)
        return device.take_outgoing()

    clean = said(1, 0.0)
    assert said(1, 0.02) == said(1, 0.02) != said(2, 0.02)
    assert said(1, 0.02) != clean
    if what == "lost":
        assert said(1, 1.0) == b""


def test_late_bytes_come_late_with_the_time_of_when_they_were_said() -> None:
    device = SimulatedShockController(faults=Faults(late_us=30_000))
    device.receive(frame_of(device.map["WhoAmI"]), 1_000_000)
    assert device.take_outgoing() == b""
    assert device.next_us == 1_030_000
    device.advance(1_029_999)
    assert device.take_outgoing() == b""
    device.advance(1_030_000)
    said = device.take_outgoing()
    assert int.from_bytes(said[5:9], "little") == 1
    assert int.from_bytes(said[9:11], "little") == 0


@pytest.mark.parametrize("drift_ppm", [-5_000, 40, 5_000])
def test_a_clock_that_drifts_times_its_own_pulses(drift_ppm: float) -> None:
    device = shocking(ms=10_000, faults=Faults(clock_drift_ppm=drift_ppm, clock_offset_us=123_456_789))
    for now_us in range(1_000_000, 12_000_000, 500_000):
        device.receive(frame_of(device.map["WhoAmI"]), now_us)
    (start_us, _), (end_us, ended) = device.take_happenings()
    assert isinstance(ended, ShockEnded)
    assert ended.duration_us == 10_000_000, "by its own clock"
    assert end_us - start_us == pytest.approx(10_000_000 / (1 + drift_ppm * 1e-6), abs=2)


def test_a_restart_begins_anew_and_the_clock_too() -> None:
    device = shocking(ms=20_000)
    device.take_outgoing()
    device.restart(2_000_000)
    assert not (device.active or device.gate_open)
    device.receive(frame_of(device.map["PulseCount"]), 2_000_000)
    said = device.take_outgoing()
    assert said[-21:][:1] != b"", "the report of the pulse that the restart ended is not lost"
    reply = said[-16:]
    assert int.from_bytes(reply[5:9], "little") == 0, "its time"
    assert int.from_bytes(reply[11:15], "little") == 0, "its count"


# ---- identity


def test_devices_are_told_apart_by_uid() -> None:
    device = simulated("shock_controller", "c0ffee")
    assert device._common("UID") == bytes(13) + b"\xc0\xff\xee"


def test_a_kind_without_a_twin() -> None:
    with pytest.raises(BadInput, match="toaster: there is no simulated device of this kind; it must be one of shock"):
        simulated("toaster")


def test_twins_and_drivers_do_not_know_one_another() -> None:
    from pathlib import Path

    import behavior.devices.driver
    import behavior.simulate.twin

    devices, simulate = Path(behavior.devices.driver.__file__).parent, Path(behavior.simulate.twin.__file__).parent
    for driver in devices.glob("*.py"):
        assert "behavior.simulate" not in driver.read_text(), driver
    for twin in ("twin", "shock_controller", "operant_chamber", "shuttle_box"):
        imported = [line for line in (simulate / f"{twin}.py").read_text().splitlines() if "behavior.devices" in line]
        assert all("behavior.devices.registers" in line for line in imported), twin


def test_equal_sessions_give_equal_bytes() -> None:
    def said() -> bytes:
        device = shocking(faults=Faults(clock_drift_ppm=30.0))
        device.advance(5_000_000)
        return device.take_outgoing()

    assert said() == said()
    assert device_map("shock_controller").digest == device_map("shock_controller").digest
