"""What a shuttle box must do, whatever stands behind its port."""

from __future__ import annotations

import pytest

from devices.benches import BACKENDS, Examiner, frame_of

KIND = "shuttle_box"
LEFT, RIGHT, DOORWAY, OPENED, CLOSED = (1 << place for place in range(5))
HOUSE_LIGHT, TONE, GATE, TO_LEFT, TO_RIGHT = 0x01, 0x08, 0x10, 0x20, 0x40
WATCHDOG, STUCK = 1, 2
LINES = {"side_left": LEFT, "side_right": RIGHT, "doorway": DOORWAY}


@pytest.fixture(params=BACKENDS)
def device(request: pytest.FixtureRequest) -> Examiner:
    device = Examiner(BACKENDS[request.param](KIND), KIND)
    device.activate()
    return device


def told(device: Examiner, us: int = 200_000) -> list[int]:
    """The inputs that are reported in this time."""
    return [event.value for event in device.events("Inputs", device.wait(us))]


def test_outputs_are_set_cleared_and_written(device: Examiner) -> None:
    assert device.write("OutputSet", HOUSE_LIGHT | TO_LEFT).value == HOUSE_LIGHT | TO_LEFT
    assert device.write("OutputSet", TO_RIGHT).value == HOUSE_LIGHT | TO_LEFT | TO_RIGHT
    assert device.write("OutputClear", TO_LEFT | TONE).value == HOUSE_LIGHT | TO_RIGHT
    assert device.write("OutputState", TONE).value == TONE
    assert [device.read(name) for name in ("OutputSet", "OutputClear", "OutputState")] == [TONE] * 3


@pytest.mark.parametrize("line", LINES)
def test_each_line_is_reported_on_and_off(device: Examiner, line: str) -> None:
    for broken in (True, False):
        device.bench.beam(line, broken=broken)
        assert told(device) == [LINES[line] * broken | CLOSED]
        assert device.read("Inputs") == LINES[line] * broken | CLOSED


def test_lines_that_change_together_are_one_event(device: Examiner) -> None:
    for line in LINES:
        device.bench.beam(line, broken=True)
    assert told(device) == [LEFT | RIGHT | DOORWAY | CLOSED]


@pytest.mark.parametrize("line", LINES)
def test_what_does_not_stand_for_the_debounce_is_not_reported(device: Examiner, line: str) -> None:
    device.write("Debounce", 30)
    for _ in range(20):
        device.bench.beam(line, broken=True)
        device.bench.pass_time(25_000)
        device.bench.beam(line, broken=False)
        device.bench.pass_time(5_000)
    assert told(device) == []


def test_a_contact_that_bounces_is_one_edge_at_the_time_from_which_it_stood(device: Examiner) -> None:
    device.wait(300_000)
    (reply,) = device.ask(frame_of(device.map["WhoAmI"]))
    before = reply.ticks
    for _ in range(8):
        device.bench.beam("side_left", broken=True)
        device.bench.pass_time(2_000)
        device.bench.beam("side_left", broken=False)
        device.bench.pass_time(2_000)
    device.bench.beam("side_left", broken=True)
    (event,) = device.events("Inputs", device.wait(200_000))
    assert event.value == LEFT | CLOSED
    assert event.ticks - before == pytest.approx((8 * 4_000 + 5_000) / 32, abs=160)


@pytest.mark.parametrize("ms", [1, 100])
def test_the_debounce_is_in_force(device: Examiner, ms: int) -> None:
    device.write("Debounce", ms)
    device.bench.beam("doorway", broken=True)
    assert told(device, ms * 1_000 - 500) == []
    assert told(device, 1_000) == [DOORWAY | CLOSED]


# ---- the gate


def test_the_gate_goes_up_and_down_and_says_when_it_is_there(device: Examiner) -> None:
    assert device.read("Inputs") == CLOSED
    device.write("OutputSet", GATE)
    assert told(device, 900_000) == [0, OPENED]
    device.write("OutputClear", GATE)
    assert told(device, 900_000) == [0, CLOSED]
    assert device.read("Fault") == 0


def test_the_gate_waits_for_whoever_is_in_the_doorway(device: Examiner) -> None:
    device.write("OutputSet", GATE)
    device.wait(900_000)
    device.bench.beam("doorway", broken=True)
    device.write("OutputClear", GATE)
    assert told(device, 5_000_000) == [OPENED | DOORWAY]
    device.bench.beam("doorway", broken=False)
    assert told(device, 1_200_000) == [OPENED, 0, CLOSED]
    assert device.read("Fault") == 0


def test_the_gate_goes_up_again_for_whoever_comes_under_it(device: Examiner) -> None:
    device.write("OutputSet", GATE)
    device.wait(900_000)
    device.write("OutputClear", GATE)  # falls for 100 ms; the answer takes 5 of them
    device.silence(40_000)
    device.bench.beam("doorway", broken=True)
    assert told(device, 1_000_000)[-1] == OPENED | DOORWAY
    device.bench.beam("doorway", broken=False)
    assert told(device, 1_000_000)[-1] == CLOSED
    assert device.read("Fault") == 0


def test_a_gate_that_waits_opens_again_when_it_is_asked_to(device: Examiner) -> None:
    device.write("OutputSet", GATE)
    device.wait(900_000)
    device.bench.beam("doorway", broken=True)
    device.write("OutputClear", GATE)
    device.wait(900_000)
    device.write("OutputSet", GATE)
    device.bench.beam("doorway", broken=False)
    assert told(device, 3_000_000) == [OPENED]


@pytest.mark.parametrize("is_open", [False, True])
def test_a_gate_that_does_not_come_to_its_end_is_a_fault(device: Examiner, is_open: bool) -> None:
    if is_open:
        device.write("OutputSet", GATE)
        device.wait(900_000)
    device.bench.stick_gate()
    device.write("OutputState", 0 if is_open else GATE)
    heard = device.wait(900_000)
    assert device.events("Fault", heard) == []
    assert [event.value for event in device.events("Fault", device.wait(400_000))] == [STUCK]


@pytest.mark.parametrize("how", ["standby", "silence", "reset"])
def test_all_is_off_and_closed_without_a_host(device: Examiner, how: str) -> None:
    device.write("OutputState", HOUSE_LIGHT | TONE | GATE | TO_LEFT | TO_RIGHT)
    device.wait(900_000)
    assert device.read("Inputs") == OPENED
    if how == "standby":
        device.write("OperationControl", 0)
    elif how == "reset":
        device.write("ResetDevice", 1)
    device.silence(2_500_000)
    assert device.read("OutputState") == 0
    assert device.read("Inputs") == CLOSED


@pytest.mark.parametrize("how", ["silence", "reset"])
def test_without_a_host_the_gate_still_waits_for_whoever_is_below_it(device: Examiner, how: str) -> None:
    device.write("OutputState", GATE)
    device.wait(900_000)
    device.bench.beam("doorway", broken=True)
    if how == "reset":
        device.write("ResetDevice", 1)
    device.silence(2_500_000)
    assert device.read("Inputs") == OPENED | DOORWAY
    device.bench.beam("doorway", broken=False)
    device.silence(1_000_000)
    assert device.read("Inputs") == CLOSED
