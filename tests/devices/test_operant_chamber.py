"""The operant chamber's driver: its manual's dialogue."""

from __future__ import annotations

import pytest

from behavior.devices.operant_chamber import OperantChamber
from behavior.model.commands import Deliver, SetCue, SetLever, Shock
from behavior.model.events import (
    Delivered,
    Disturbed,
    Event,
    Faulted,
    HeadEntered,
    HeadLeft,
    LeverPressed,
    LeverReleased,
)
from devices.dialogue import dialogue, frame, plain_clock

KIND = "operant_chamber"
HOUSE_LIGHT, CUE_LEFT, CUE_RIGHT, TONE, LEFT_OUT, RIGHT_OUT = (1 << place for place in range(6))


def driver_of(**given: int) -> OperantChamber:
    driver = OperantChamber("box", plain_clock(), 0, **given)
    driver.tick(0)
    driver.take_outgoing()
    return driver


@pytest.mark.parametrize(("command", "state"), [
    (SetCue("house_light", on=True), HOUSE_LIGHT),
    (SetCue("cue_light_left", on=True), CUE_LEFT),
    (SetCue("cue_light_right", on=True), CUE_RIGHT),
    (SetCue("tone", on=True), TONE),
    (SetLever("left", out=True), LEFT_OUT),
    (SetLever("right", out=True), RIGHT_OUT),
], ids=str)  # fmt: skip
def test_each_word_of_a_paradigm_is_one_output(command: SetCue | SetLever, state: int) -> None:
    driver = driver_of()
    assert driver.takes(command)
    with dialogue(driver) as says:
        driver.send(command, 0)
        says.host(("write OutputState", state))
        assert says.device("write OutputState", state, at_us=320) == []
        off = command.off()
        assert off is not None
        driver.send(off, 1_000)
        says.host(("write OutputState", 0))
        assert says.device("write OutputState", 0, at_us=1_024) == []


def test_outputs_add_up_without_waiting_for_echoes() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        driver.send(SetCue("tone", on=True), 0)
        driver.send(SetLever("left", out=True), 0)
        driver.send(SetCue("tone", on=False), 0)
        says.host(("write OutputState", TONE), ("write OutputState", TONE | LEFT_OUT), ("write OutputState", LEFT_OUT))
        for state in (TONE, TONE | LEFT_OUT, LEFT_OUT):
            assert says.device("write OutputState", state, at_us=320) == []
    assert driver.next_us == 400_000, "all is echoed, nothing more is waited for"


@pytest.mark.parametrize(
    "command", [SetCue("smell", on=True), SetLever("middle", out=True), Shock(1, 0.5, 0.5)], ids=str
)
def test_what_it_does_not_have_it_does_not_take(command: SetCue | SetLever | Shock) -> None:
    driver = driver_of()
    assert not driver.takes(command)
    driver.send(command, 0)
    assert driver.take_outgoing() == b""


def test_each_changed_bit_is_an_event_with_the_devices_time() -> None:
    driver = driver_of()
    with dialogue(driver) as says:

        def told(bits: int, at_us: int) -> list[Event]:
            return says.device("event Inputs", bits, at_us=at_us, heard_us=at_us + 700)

        assert told(0b001, 1_000_000) == [LeverPressed(1_000_000, "left")]
        assert told(0b011, 1_100_000) == [LeverPressed(1_100_000, "right")]
        assert told(0b110, 1_200_000) == [LeverReleased(1_200_000, "left"), HeadEntered(1_200_000)]
        assert told(0b110, 1_300_000) == []
        assert told(0b1110, 1_400_000) == [], "the feeder's sensor speaks through Delivered"
        assert told(0b0000, 1_500_000) == [LeverReleased(1_500_000, "right"), HeadLeft(1_500_000)]


def test_an_edge_that_was_lost_is_told_by_the_next_reading() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        assert says.device("read Inputs", 0b001, at_us=1_000_000) == [LeverPressed(1_000_000, "left")]
        assert says.device("read Inputs", 0b001, at_us=1_800_000) == []


def test_inputs_that_are_on_at_the_start_are_no_presses() -> None:
    driver = driver_of(inputs=0b001)
    assert driver.receive(frame(KIND, "event Inputs", 0b000, at_us=320), 320) == [LeverReleased(320, "left")]


@pytest.mark.parametrize(("n_issued", "delivery_count", "number"), [(0, 0, 1), (0, 9, 10), (4, 4, 5)])
def test_deliveries_bear_the_devices_number_there_and_the_sessions_here(
    n_issued: int, delivery_count: int, number: int
) -> None:
    driver = driver_of(n_issued=n_issued, delivery_count=delivery_count)
    with dialogue(driver) as says:
        driver.send(Deliver(n_issued + 1), 0)
        says.host(("write Deliver", number))
        assert says.device("write Deliver", number, at_us=320) == []
        assert says.device("event Delivered", number, at_us=160_000) == [Delivered(160_000, n_issued + 1)]
        assert says.device("event Delivered", number, at_us=160_000) == []


def test_several_deliveries_at_once() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        for number in (1, 2, 3):
            driver.send(Deliver(number), 0)
        says.host(("write Deliver", 1), ("write Deliver", 2), ("write Deliver", 3))
        for number in (1, 2, 3):
            assert says.device("write Deliver", number, at_us=320) == []


def test_a_delivery_that_is_not_taken_is_a_fault() -> None:
    driver = driver_of(delivery_count=3)
    driver.send(Deliver(1), 0)
    driver.take_outgoing()
    assert driver.receive(frame(KIND, "write Deliver", 3, at_us=320), 400) == [
        Faulted(320, "box", "Deliver was to be 4 but is 3")
    ]


def test_a_lost_write_is_repeated_with_what_is_wanted_by_then() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        driver.send(SetCue("tone", on=True), 0)
        driver.send(SetCue("house_light", on=True), 50_000)
        driver.take_outgoing()
        assert [type(event) for event in driver.tick(150_000)] == [Disturbed]
        says.host(("write OutputState", TONE | HOUSE_LIGHT))
        assert driver.tick(250_000) == [Faulted(250_000, "box", f"did not take {TONE | HOUSE_LIGHT} for OutputState")]


@pytest.mark.parametrize(("bit", "cause"), [
    (1, "its watchdog ended: it did not hear the host"),
    (2, "its feeder is jammed: it ran and nothing arrived"),
], ids=["watchdog", "jam"])  # fmt: skip
def test_fault_bits_are_told_in_words_and_once(bit: int, cause: str) -> None:
    driver = driver_of()
    assert driver.receive(frame(KIND, "event Fault", bit, at_us=320), 400) == [Faulted(320, "box", cause)]
    assert driver.receive(frame(KIND, "read Fault", bit, at_us=640), 700) == []


def test_calm_turns_all_off_and_leaves_active_mode() -> None:
    assert driver_of().calm() == frame(KIND, "write OutputState", 0) + frame(KIND, "write OperationControl", 0)
