"""What an operant chamber must do, whatever stands behind its port."""

from __future__ import annotations

import pytest

from devices.benches import BACKENDS, Examiner, frame_of

KIND = "operant_chamber"
LEVER_LEFT, LEVER_RIGHT, HEAD, SENSOR = 1, 2, 4, 8
HOUSE_LIGHT, TONE, LEFT_OUT, RIGHT_OUT = 0x01, 0x08, 0x10, 0x20
WATCHDOG, JAM = 1, 2


@pytest.fixture(params=BACKENDS)
def device(request: pytest.FixtureRequest) -> Examiner:
    device = Examiner(BACKENDS[request.param](KIND), KIND)
    device.activate()
    return device


def test_outputs_are_set_cleared_and_written(device: Examiner) -> None:
    assert device.write("OutputSet", HOUSE_LIGHT | TONE).value == HOUSE_LIGHT | TONE
    assert device.write("OutputSet", LEFT_OUT).value == HOUSE_LIGHT | TONE | LEFT_OUT
    assert device.write("OutputClear", TONE | RIGHT_OUT).value == HOUSE_LIGHT | LEFT_OUT
    assert device.write("OutputState", TONE).value == TONE
    assert [device.read(name) for name in ("OutputSet", "OutputClear", "OutputState")] == [TONE] * 3


@pytest.mark.parametrize(("side", "out", "bit"), [("left", LEFT_OUT, LEVER_LEFT), ("right", RIGHT_OUT, LEVER_RIGHT)])
def test_a_lever_that_is_out_reports_press_and_release(device: Examiner, side: str, out: int, bit: int) -> None:
    device.write("OutputSet", out)
    device.bench.lever(side, pressed=True)
    assert [event.value for event in device.events("Inputs", device.wait(50_000))] == [bit]
    assert device.read("Inputs") == bit
    device.bench.lever(side, pressed=False)
    assert [event.value for event in device.events("Inputs", device.wait(50_000))] == [0]


def test_a_lever_drawn_in_comes_free(device: Examiner) -> None:
    device.write("OutputSet", LEFT_OUT)
    device.bench.lever("left", pressed=True)
    device.wait(50_000)
    device.write("OutputClear", LEFT_OUT)
    assert [event.value for event in device.events("Inputs", device.wait(50_000))] == [0]


def test_the_head_in_the_tray_is_reported(device: Examiner) -> None:
    for inside in (True, False):
        device.bench.head(inside=inside)
        assert [event.value for event in device.events("Inputs", device.wait(50_000))] == [HEAD if inside else 0]


def test_events_bear_the_time_of_the_edge(device: Examiner) -> None:
    device.write("OutputSet", LEFT_OUT)
    device.bench.lever("left", pressed=True)
    device.wait(700_000)
    device.bench.lever("left", pressed=False)
    (at_once,) = device.ask(frame_of(device.map["WhoAmI"]))
    (released,) = device.events("Inputs", device.wait(20_000))
    assert released.ticks == pytest.approx(at_once.ticks, abs=1_000 / 32)


@pytest.mark.parametrize("number", [0, 2, 2**32 - 1])
def test_only_the_next_delivery_runs_the_feeder(device: Examiner, number: int) -> None:
    reply = device.write("Deliver", number)
    assert (reply.refused, reply.value) == (False, 0)
    assert device.wait(2_000_000) == []


def test_a_repeated_delivery_feeds_once(device: Examiner) -> None:
    for _ in range(3):
        assert device.write("Deliver", 1).value == 1
    assert [event.value for event in device.events("Delivered", device.wait(2_000_000))] == [1]
    assert device.write("Deliver", 1).value == 1
    assert device.events("Delivered", device.wait(2_000_000)) == []


@pytest.mark.parametrize("how", ["standby", "silence"])
def test_nobody_is_fed_while_no_watchdog_runs(device: Examiner, how: str) -> None:
    if how == "standby":
        device.write("OperationControl", 0)
        reply = device.write("Deliver", 1)
    else:
        device.silence(1_100_000)
        (reply,) = device.ask(b"\xff\xff" + frame_of(device.map["Deliver"], 1))
    assert (reply.refused, reply.value) == (False, 0)
    device.silence(300_000)
    device.activate()
    device.wait(1_000_000)
    assert (device.read("DeliveryCount"), device.read("Delivered")) == (0, 0)
    assert device.write("Deliver", 1).value == 1


def test_deliveries_follow_one_another(device: Examiner) -> None:
    for number in (1, 2, 3):
        assert device.write("Deliver", number).value == number
    heard = device.wait(3_000_000)
    assert [event.value for event in device.events("Delivered", heard)] == [1, 2, 3]
    assert {event.value for event in device.events("Inputs", heard)} == {SENSOR, 0}
    assert (device.read("DeliveryCount"), device.read("Delivered")) == (3, 3)


def test_a_jam_is_told_and_drops_what_waits(device: Examiner) -> None:
    device.bench.jam()
    device.write("Deliver", 1)
    device.write("Deliver", 2)
    heard = device.wait(3_000_000)
    assert device.events("Delivered", heard) == []
    assert [event.value for event in device.events("Fault", heard)] == [JAM]
    assert (device.read("DeliveryCount"), device.read("Delivered")) == (2, 0)


@pytest.mark.parametrize("how", ["standby", "silence", "reset"])
def test_all_is_off_without_a_host(device: Examiner, how: str) -> None:
    device.write("OutputState", HOUSE_LIGHT | TONE | LEFT_OUT | RIGHT_OUT)
    device.write("Deliver", 1)
    device.write("Deliver", 2)
    if how == "standby":
        device.write("OperationControl", 0)
    elif how == "reset":
        device.write("ResetDevice", 1)
    device.silence(1_500_000)
    assert device.read("OutputState") == 0
    device.activate()
    count = device.read("Delivered")
    device.wait(1_000_000)
    assert device.read("Delivered") == count, "the feeder stands still"
