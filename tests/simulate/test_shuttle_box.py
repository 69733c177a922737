"""The simulated shuttle box from the animal's side, and the body that moves in it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.config.rig import Sides
from behavior.model.commands import Command, SetCue, SetGate
from behavior.model.events import Crossed, Event
from behavior.simulate.agenda import Agenda
from behavior.simulate.body import Body
from behavior.simulate.devices import Faults, SimulatedShuttleBox
from behavior.simulate.shuttle_box import BODY_US, CLEAR_US, GATE_US
from devices.benches import frame_of

LEFT, RIGHT, DOORWAY, OPENED, CLOSED = (1 << place for place in range(5))
CUES, GATE = 0x06, 0x10
S = 1_000_000


def tell(device: SimulatedShuttleBox, now_us: int, **values: int) -> None:
    """Write registers."""
    for name, value in values.items():
        device.receive(frame_of(device.map[name], value), now_us)


def box_on(**given: object) -> SimulatedShuttleBox:
    """An active box with an open gate and an animal on the left; a host that never falls silent is not needed."""
    device = SimulatedShuttleBox(**given)  # type: ignore[arg-type]
    device.put("left", 0)
    tell(device, 0, OperationControl=1, HostWatchdog=2_000, OutputState=GATE)
    device.advance(500_000)
    device.take_happenings()
    return device


def seen(device: SimulatedShuttleBox, now_us: int) -> int:
    """Where the animal is seen, the gate aside."""
    device.advance(now_us)
    return device._value("Inputs") & (LEFT | RIGHT | DOORWAY)


def test_what_an_animal_sees_comes_in_the_words_of_the_session() -> None:
    device = SimulatedShuttleBox()
    tell(device, 0, OperationControl=1, OutputState=CUES | GATE | 0x69)
    tell(device, 500_000, OutputState=0x02)
    assert device.take_happenings() == [
        (0, SetCue("light", on=True)),
        (0, SetCue("house_light", on=True)),
        (0, SetCue("tone", on=True)),
        (0, SetGate(open=True)),
        (500_000, SetCue("house_light", on=False)),
        (500_000, SetCue("cue_light_right", on=False)),
        (500_000, SetCue("tone", on=False)),
        (500_000, SetGate(open=False)),
    ]


def test_a_crossing_takes_a_body() -> None:
    device = box_on()
    assert device.cross("right", S)
    assert seen(device, S + 50_000) == LEFT | RIGHT | DOORWAY
    assert seen(device, S + BODY_US) == LEFT | RIGHT | DOORWAY
    assert seen(device, S + BODY_US + 20_000) == RIGHT
    assert not device.cross("right", 2 * S), "it is there"


def test_half_a_crossing_ends_where_it_began() -> None:
    device = box_on()
    assert device.set_off(S)
    assert device.across
    device.turn_back(S + 200_000)
    assert seen(device, 2 * S) == LEFT
    assert not device.across


def test_a_closed_gate_holds_it_back_and_a_box_without_one_does_not() -> None:
    device = box_on()
    tell(device, S, OutputState=0)
    assert not device.set_off(S + GATE_US)
    assert not device.arrive("right", S + GATE_US)
    device.has_gate = False
    assert device.arrive("right", S + 2 * GATE_US)


def test_the_gate_waits_for_an_animal_that_is_halfway_and_closes_behind_it() -> None:
    device = box_on()
    device.set_off(S)
    tell(device, S, OutputState=0)
    device.advance(S + 900_000)
    assert device._value("Inputs") & OPENED
    assert device.arrive("right", S + 900_000)
    device.advance(S + 900_000 + CLEAR_US + GATE_US + 20_000)
    assert device._value("Inputs") == RIGHT | CLOSED


def test_an_empty_box_sets_nothing_off() -> None:
    device = box_on()
    device.put("", S)
    assert seen(device, 2 * S) == 0
    assert not device.set_off(2 * S)


def test_a_gate_that_is_freed_goes_where_it_should() -> None:
    device = SimulatedShuttleBox(faults=Faults(gate_sticks=True))
    tell(device, 0, OperationControl=1, HostWatchdog=2_000, OutputState=GATE)
    device.advance(1_500_000)
    assert device._value("Fault") == 2
    device.suffer(Faults(), 1_500_000)
    device.advance(1_900_000)
    assert device._value("Inputs") == OPENED


def test_a_restart_leaves_the_animal_where_it_is() -> None:
    device = box_on()
    device.arrive("right", S)
    device.restart(2 * S)
    assert seen(device, 3 * S) == RIGHT
    assert device._value("Inputs") & CLOSED


# ---- the body


class Scripted(Agenda):
    """Crosses when it planned to; a cue makes it think better of it."""

    def __init__(self, *at_us: int) -> None:
        super().__init__()
        for place, when_us in enumerate(at_us):
            self.plan(Crossed(when_us, "right" if place % 2 == 0 else "left"))

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        self.forget(Crossed)


class Moved:
    """A body in a box without a gate, moved as a cage does; what the box has shown, each time that it changed."""

    def __init__(self, subject: Scripted) -> None:
        self.twin = box_on()
        self.subject = subject
        self.body = Body(self.twin, Sides(gate=False), subject)
        self.shown: list[tuple[int, int]] = []

    def run(self, until_us: int) -> None:
        while (now_us := min(self.subject.next_us, self.body.next_us, self.twin.next_us, until_us)) < until_us:
            self.twin.take_outgoing()
            self._at(now_us)
            if self.subject.next_us == now_us:
                self.body.arrive(self.subject.act())
                self._at(now_us)
        self._at(until_us)

    def _at(self, now_us: int) -> None:
        self.twin.advance(now_us)
        self.body.follow(now_us)
        if not self.shown or self.shown[-1][1] != seen(self.twin, now_us):
            self.shown.append((now_us, seen(self.twin, now_us)))


def test_it_sets_off_a_body_before_it_arrives() -> None:
    moved = Moved(Scripted(5 * S))
    moved.run(8 * S)
    assert moved.shown == [
        (moved.shown[0][0], LEFT),
        (5 * S - BODY_US + 20_000, LEFT | RIGHT | DOORWAY),
        (5 * S + 20_000, RIGHT),
    ]


def test_it_turns_back_when_it_thinks_better_of_it() -> None:
    moved = Moved(Scripted(5 * S))
    moved.run(5 * S - 100_000)
    assert moved.twin.across
    moved.subject.perceive(SetCue("tone", on=True), 5 * S - 100_000)
    moved.run(5 * S - 100_000)
    moved.run(8 * S)
    assert [bits for _, bits in moved.shown] == [LEFT, LEFT | RIGHT | DOORWAY, LEFT]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(60_000, 5 * S), min_size=1, max_size=12))
def test_each_crossing_is_seen_however_soon_it_is_followed_by_another(gaps_us: list[int]) -> None:
    times = [S + sum(gaps_us[: place + 1]) for place in range(len(gaps_us))]
    moved = Moved(Scripted(*times))
    moved.run(times[-1] + S)
    alone = [(at_us, bits) for at_us, bits in moved.shown if bits in (LEFT, RIGHT)]
    assert [bits for _, bits in alone] == [LEFT, *([RIGHT, LEFT] * 6)[: len(times)]]
    assert [at_us - 20_000 for at_us, _ in alone[1:]] == times
