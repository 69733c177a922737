"""The shuttle box's driver: its manual's dialogue, and what is a crossing and what is none."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.config.rig import Sides
from behavior.devices.chamber import ConnectedChamber
from behavior.devices.handshake import connect
from behavior.devices.shuttle_box import ShuttleBox
from behavior.model.commands import Command, Deliver, SetCue, SetGate, SetLever, Shock
from behavior.model.events import Crossed, Disturbed, Event, Faulted
from behavior.simulate.devices import Faults, SimulatedShuttleBox, in_memory
from devices.dialogue import dialogue, frame, plain_clock

KIND = "shuttle_box"
LEFT, RIGHT, DOORWAY, OPENED, CLOSED = (1 << place for place in range(5))
HOUSE_LIGHT, CUE_LEFT, CUE_RIGHT, TONE, GATE, TO_LEFT, TO_RIGHT = (1 << place for place in range(7))
BOTH = TO_LEFT | TO_RIGHT
STEP_THROUGH = Sides(left="light", right="dark", gate=True, shocked="right")


def driver_of(sides: Sides | None = None, inputs: int = LEFT) -> ShuttleBox:
    driver = ShuttleBox("box", plain_clock(), 0, sides=sides or Sides(gate=True), inputs=inputs)
    driver.tick(0)
    driver.take_outgoing()
    return driver


# ---- commands


@pytest.mark.parametrize(("command", "state"), [
    (SetCue("house_light", on=True), HOUSE_LIGHT),
    (SetCue("cue_light_left", on=True), CUE_LEFT),
    (SetCue("cue_light_right", on=True), CUE_RIGHT),
    (SetCue("light", on=True), CUE_LEFT | CUE_RIGHT),
    (SetCue("tone", on=True), TONE),
    (SetGate(open=True), GATE),
], ids=str)  # fmt: skip
def test_each_word_of_a_paradigm_is_an_output_beside_the_routes(command: SetCue | SetGate, state: int) -> None:
    driver = driver_of()
    assert driver.takes(command)
    with dialogue(driver) as says:
        driver.send(command, 0)
        says.host(("write OutputState", state | BOTH))
        assert says.device("write OutputState", state | BOTH, at_us=320) == []
        off = command.off()
        assert off is not None
        driver.send(off, 1_000)
        says.host(("write OutputState", BOTH))
        assert says.device("write OutputState", BOTH, at_us=1_024) == []


@pytest.mark.parametrize(("sides", "state"), [
    (Sides(), CUE_LEFT | CUE_RIGHT | BOTH),
    (STEP_THROUGH, CUE_LEFT | TO_RIGHT),
    (Sides(left="dark", right="light", shocked="left"), CUE_RIGHT | TO_LEFT),
], ids=["two-way", "light on the left", "light on the right"])  # fmt: skip
def test_the_light_is_that_of_the_side_called_light_and_only_shocked_floors_are_joined(
    sides: Sides, state: int
) -> None:
    driver = driver_of(sides)
    driver.send(SetCue("light", on=True), 0)
    assert driver.take_outgoing() == frame(KIND, "write OutputState", state)


@pytest.mark.parametrize(
    "command",
    [
        SetCue("smell", on=True),
        SetCue("gate_open", on=True),
        SetLever("left", out=True),
        Shock(1, 0.5, 0.5),
        Deliver(1),
    ],
    ids=str,
)
def test_what_it_does_not_have_it_does_not_take(command: Command) -> None:
    driver = driver_of()
    assert not driver.takes(command)
    driver.send(command, 0)
    assert driver.take_outgoing() == b""


def test_a_box_without_a_gate_takes_no_command_for_one() -> None:
    driver = driver_of(Sides(gate=False))
    assert not driver.takes(SetGate(open=True))
    driver.send(SetGate(open=True), 0)
    assert driver.take_outgoing() == b""


def test_a_write_that_is_not_taken_is_a_fault() -> None:
    driver = driver_of()
    driver.send(SetGate(open=True), 0)
    driver.take_outgoing()
    assert [type(event) for event in driver.tick(100_000)] == [Disturbed]
    assert driver.take_outgoing() == frame(KIND, "write OutputState", GATE | BOTH)
    assert driver.tick(200_000) == [Faulted(200_000, "box", f"did not take {GATE | BOTH} for OutputState")]


def test_calm_turns_all_off_and_leaves_active_mode() -> None:
    assert driver_of().calm() == frame(KIND, "write OutputState", 0) + frame(KIND, "write OperationControl", 0)


@pytest.mark.parametrize(("bit", "cause"), [
    (1, "its watchdog ended: it did not hear the host"),
    (2, "its gate is stuck: it moved and did not reach its end"),
], ids=["watchdog", "gate"])  # fmt: skip
def test_fault_bits_are_told_in_words_and_once(bit: int, cause: str) -> None:
    driver = driver_of()
    assert driver.receive(frame(KIND, "event Fault", bit, at_us=320), 400) == [Faulted(320, "box", cause)]
    assert driver.receive(frame(KIND, "read Fault", bit, at_us=640), 700) == []


# ---- crossings


def crossings(driver: ShuttleBox, inputs: Iterable[int], kind: str = "event") -> list[Event]:
    """What the driver makes of these inputs, one a tenth of a second."""
    return [
        event
        for at_us, bits in enumerate(inputs, start=1)
        for event in driver.receive(frame(KIND, f"{kind} Inputs", bits, at_us=at_us * 96_000), at_us * 96_000 + 700)
    ]


WHOLE = [LEFT | RIGHT | DOORWAY, RIGHT | DOORWAY, RIGHT]


def test_a_crossing_is_told_once_when_it_is_whole() -> None:
    there, again, back = WHOLE, [RIGHT, RIGHT | CLOSED, RIGHT | OPENED], [LEFT | RIGHT | DOORWAY, LEFT]
    assert crossings(driver_of(), there + again + back) == [Crossed(3 * 96_000, "right"), Crossed(8 * 96_000, "left")]


@pytest.mark.parametrize("inputs", [
    [LEFT | RIGHT | DOORWAY, LEFT | DOORWAY, LEFT],
    [LEFT | RIGHT, LEFT, LEFT | RIGHT, LEFT],
    [LEFT | RIGHT | DOORWAY, RIGHT | DOORWAY, LEFT | RIGHT | DOORWAY, LEFT],
    [RIGHT | DOORWAY, 0, RIGHT | DOORWAY],
    [0, DOORWAY, LEFT],
    [LEFT | DOORWAY, LEFT, LEFT | DOORWAY],
    [LEFT | CLOSED, LEFT | OPENED],
], ids=[
    "halfway and back", "both sides", "its tail still in the doorway, and back", "the doorway never clear",
    "nobody seen", "a nose in the doorway", "the gate",
])  # fmt: skip
def test_what_is_no_crossing(inputs: list[int]) -> None:
    assert crossings(driver_of(), inputs) == []


def test_tail_breaks_after_a_crossing_are_none_back() -> None:
    tail = [RIGHT | LEFT, RIGHT, RIGHT | DOORWAY, RIGHT, RIGHT | LEFT | DOORWAY, RIGHT]
    assert crossings(driver_of(), [*WHOLE, *tail]) == [Crossed(3 * 96_000, "right")]


def test_an_answer_that_came_while_an_input_was_debounced_does_not_put_the_crossing_off() -> None:
    driver = driver_of()
    assert driver.receive(frame(KIND, "read WhoAmI", 0, at_us=1_008_000), 1_008_500) == []
    assert driver.receive(frame(KIND, "event Inputs", RIGHT, at_us=992_000), 1_012_500) == [Crossed(992_000, "right")]
    late = driver.receive(frame(KIND, "event Inputs", LEFT, at_us=960_000), 1_020_000)
    assert late == [Crossed(992_000, "left")], "what is told never goes back"


def test_sides_bear_the_names_of_the_rig() -> None:
    driver = driver_of(STEP_THROUGH)
    assert crossings(driver, [RIGHT, LEFT]) == [Crossed(96_000, "dark"), Crossed(192_000, "light")]


@pytest.mark.parametrize("inputs", [0, CLOSED, LEFT | RIGHT, DOORWAY])
def test_where_the_animal_is_first_seen_is_no_crossing(inputs: int) -> None:
    assert crossings(driver_of(inputs=inputs), [RIGHT, LEFT]) == [Crossed(192_000, "left")]


def test_a_crossing_whose_message_was_lost_is_told_by_the_next_reading() -> None:
    driver = driver_of()
    assert crossings(driver, [RIGHT], "read") == [Crossed(96_000, "right")]
    assert crossings(driver, [RIGHT], "read") == []


@given(st.lists(st.integers(0, 31), max_size=60))
def test_whatever_the_inputs_crossings_take_turns_and_end_where_the_animal_was_last_alone(inputs: list[int]) -> None:
    driver = driver_of()
    sides = [event.side for event in crossings(driver, inputs) if isinstance(event, Crossed)]
    assert all(one != other for one, other in pairwise(["left", *sides]))
    alone = [bits & 7 for bits in inputs if bits & 7 in (LEFT, RIGHT)]
    assert (sides[-1:] or ["left"]) == [{LEFT: "left", RIGHT: "right"}[alone[-1]] if alone else "left"]


# ---- over the wire


class Wire:
    """A driver and its twin with an animal on the left, and the time."""

    def __init__(self, sides: Sides | None = None, faults: Faults | None = None, seed: int = 0) -> None:
        self.now_us = 0
        self.device = SimulatedShuttleBox("01", seed=seed)
        self.device.has_gate = (sides or Sides()).gate
        self.device.put("left", 0)
        self.now_us = 100_000
        transport = in_memory(self.device, lambda: self.now_us)
        transport.open()
        driver, _ = connect("box", KIND, transport, lambda: self.now_us, sides=sides)
        self.chamber = ConnectedChamber([(driver, transport)])
        self.told = self.chamber.poll(self.now_us)
        self.device.suffer(faults or Faults(), self.now_us)

    def run(self, until_us: int) -> None:
        while self.now_us < until_us:
            self.now_us = max(self.now_us, min(self.chamber.next_us, self.device.next_us, until_us))
            self.device.advance(self.now_us)  # though the host may have given it up
            self.told += self.chamber.poll(self.now_us)


def test_ready_its_outputs_are_the_routes_alone() -> None:
    assert Wire(STEP_THROUGH).device._value("OutputState") == TO_RIGHT
    assert Wire().device._value("OutputState") == BOTH


@pytest.mark.parametrize("body_us", [30_000, 300_000, 2_000_000])
def test_a_crossing_bears_the_time_of_the_device(body_us: int) -> None:
    wire = Wire()
    wire.run(1_000_000)
    assert wire.device.cross("right", 1_000_000, body_us)
    wire.run(5_000_000)
    (crossed,) = wire.told
    assert isinstance(crossed, Crossed)
    assert crossed.side == "right"
    assert crossed.at_us == pytest.approx(1_000_000 + body_us, abs=100)


def test_a_closed_gate_lets_nobody_through_and_an_open_one_does() -> None:
    wire = Wire(STEP_THROUGH)
    assert not wire.device.cross("right", wire.now_us)
    wire.chamber.send(SetGate(open=True), wire.now_us)
    wire.run(1_000_000)
    assert wire.device.cross("right", wire.now_us)
    wire.run(2_000_000)
    assert [type(event) for event in wire.told] == [Crossed]
    wire.chamber.send(SetGate(open=False), wire.now_us)
    wire.run(3_000_000)
    assert not wire.device.cross("left", wire.now_us)


def test_a_gate_that_sticks_is_told() -> None:
    wire = Wire(STEP_THROUGH, Faults(gate_sticks=True))
    wire.chamber.send(SetGate(open=True), wire.now_us)
    wire.run(3_000_000)
    assert [event.cause for event in wire.told if isinstance(event, Faulted)] == [
        "its gate is stuck: it moved and did not reach its end"
    ]


BAD_LINES = st.builds(
    Faults,
    lost=st.sampled_from([0.0, 0.01, 0.05]), corrupted=st.sampled_from([0.0, 0.01, 0.05]),
    duplicated=st.sampled_from([0.0, 0.05]), late_us=st.integers(0, 90_000),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["cross", "half", "tail", "bounce"]), st.integers(1, 400)), max_size=12),
    BAD_LINES, st.integers(0, 2**32),
)  # fmt: skip
def test_on_any_line_the_crossings_told_are_those_made(deeds: list[tuple[str, int]], line: Faults, seed: int) -> None:
    """One that is damaged on the way is told within 1.6 s; the animal stays that long. Else the driver complains."""
    wire = Wire(faults=line, seed=seed)
    side, made = "left", []
    for number, (deed, ms) in enumerate(deeds, start=1):
        start_us = number * 10_000_000
        wire.run(start_us)
        if deed == "cross":
            side = {"left": "right", "right": "left"}[side]
            made.append(side)
            wire.device.cross(side, start_us, ms * 1_000)
        elif deed == "half":
            wire.device.set_off(start_us)
            wire.run(start_us + ms * 1_000)
            wire.device.turn_back(wire.now_us)
        else:
            across = f"side_{'right' if side == 'left' else 'left'}"
            for bounce in range(5 if deed == "bounce" else 1):
                wire.device.touch(across, wire.now_us, on=True)
                wire.run(wire.now_us + ms * (10 if deed == "bounce" else 1_000))
                wire.device.touch(across, wire.now_us, on=False)
                wire.run(start_us + (bounce + 1) * ms * 1_000)
    wire.run((len(deeds) + 1) * 10_000_000)
    told = [event.side for event in wire.told if isinstance(event, Crossed)]
    if all(isinstance(event, Crossed) for event in wire.told):
        assert told == made
    else:
        assert line.spoils_bytes, "nothing is complained of on a good line"
        assert all(one != other for one, other in pairwise(["left", *told]))
