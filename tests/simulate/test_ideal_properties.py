"""The ideal box under any orders: time goes on, nothing comes before it happens, and each report has its cause."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from behavior.model.commands import (
    Command,
    Deliver,
    EndSession,
    SetCue,
    SetGate,
    SetLever,
    SetRecording,
    Shock,
    StopShock,
)
from behavior.model.doses import Treatment
from behavior.model.events import Delivered, Event, LeverPressed, RecordingEnded, ShockEnded, ShockStarted
from behavior.session.core import NEVER
from behavior.simulate.agenda import Agenda
from behavior.simulate.ideal import DELIVERY_US, IdealBox
from behavior.simulate.rat import Rat
from behavior.simulate.subject import Vocalized

S = 1_000_000
STATES = st.one_of(
    st.builds(SetCue, st.sampled_from(["tone", "light"]), st.booleans()),
    st.builds(SetLever, st.just("left"), st.booleans()),
    st.builds(SetGate, st.booleans()),
    st.builds(SetRecording, st.booleans()),
    st.just(StopShock()),
)
ORDERS = st.lists(st.tuples(STATES, st.integers(0, 8 * S)), max_size=15)


class Watcher(Agenda):
    """Remembers what it perceived, and does what it is told."""

    def __init__(self, *plan: Event) -> None:
        super().__init__()
        self.seen: list[tuple[int, object]] = []
        for deed in plan:
            self.plan(deed)

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        self.seen.append((at_us, happening))


def until(box: IdealBox, end_us: int) -> list[Event]:
    events: list[Event] = []
    while box.now_us() < end_us:
        before = box.now_us()
        found = box.wait(end_us)
        assert before <= box.now_us() <= end_us
        assert all(before <= event.at_us <= box.now_us() for event in found)
        events += found
    return events


@given(ORDERS, st.integers(0, 2**32), st.integers(0, 100 * S))
def test_time_goes_on_and_events_come_when_they_happen(
    orders: list[tuple[Command, int]], seed: int, start_us: int
) -> None:
    box = IdealBox(Rat(seed, Treatment()), start_us)
    assert box.now_us() == start_us
    now_us, seen_us = start_us, start_us
    for command, gap_us in orders:
        box.send(command)
        now_us += gap_us
        for event in until(box, now_us):
            assert event.at_us >= seen_us
            seen_us = event.at_us
        assert box.now_us() == now_us


@given(st.lists(st.tuples(st.floats(0.01, 3), st.integers(0, 5 * S)), max_size=10))
def test_every_shock_and_pellet_is_reported_once_and_perceived_when_it_is(plan: list[tuple[float, int]]) -> None:
    animal = Watcher()
    box, events, now_us = IdealBox(animal), [], 0
    for number, (duration_s, gap_us) in enumerate(plan, start=1):
        box.send(Deliver(number))
        box.send(Shock(number, 0.5, duration_s))
        now_us += 3 * S + gap_us
        events += until(box, now_us)
    events += until(box, now_us + 5 * S)
    kinds = Counter(type(event) for event in events)
    assert kinds[Delivered] == kinds[ShockStarted] == kinds[ShockEnded] == len(plan)
    reported = [(event.at_us, event) for event in events]
    assert [one for one in animal.seen if isinstance(one[1], Event)] == reported
    for event in events:
        if isinstance(event, ShockEnded):
            assert event.duration_us == round(plan[event.number - 1][0] * 1e6)
            assert (event.delivered_ma, event.cause) == (0.5, "completed")


def test_the_end_of_a_session_is_nothing_that_an_animal_perceives() -> None:
    animal = Watcher()
    box = IdealBox(animal)
    box.send(EndSession("completed"))
    assert animal.seen == []


def test_a_call_is_nothing_that_a_device_reports_and_takes_no_other_deed_with_it() -> None:
    box = IdealBox(Watcher(Vocalized(S, 0.5), LeverPressed(2 * S, "left")))
    assert box.wait(10 * S) == [] and box.now_us() == S
    assert box.wait(10 * S) == [LeverPressed(2 * S, "left")]
    assert box.wait(10 * S) == [] and box.now_us() == 10 * S


def test_what_comes_at_the_same_time_comes_in_the_order_in_which_it_was_asked_for() -> None:
    box = IdealBox(Watcher(LeverPressed(DELIVERY_US, "left")))
    box.send(Deliver(1))
    box.send(Deliver(2))
    assert until(box, S) == [Delivered(DELIVERY_US, 1), Delivered(DELIVERY_US, 2), LeverPressed(DELIVERY_US, "left")]


def test_settling_gives_what_has_come_and_leaves_out_what_has_not() -> None:
    box = IdealBox(Watcher())
    box.send(SetRecording(on=True))
    box.send(Deliver(1))
    until(box, S // 10)
    box.send(SetRecording(on=False))
    assert box.settle() == [RecordingEnded(S // 10, 0, 0)], "the pellet is still on its way"


@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from("ab")), max_size=20))
def test_an_agenda_is_kept_in_order_of_time_then_of_planning(deeds: list[tuple[int, str]]) -> None:
    agenda = Agenda()
    for at_us, lever in deeds:
        agenda.plan(LeverPressed(at_us, lever))
    done: list[Any] = []
    while agenda.next_us < NEVER:
        intended = agenda.intends
        done.append(agenda.act())
        assert done[-1] is intended
    assert done == [LeverPressed(*deed) for deed in sorted(deeds, key=lambda deed: deed[0])]
    assert agenda.intends is None


def test_what_is_forgotten_is_not_done_and_the_rest_is() -> None:
    agenda = Watcher(LeverPressed(3, "a"), Vocalized(1, 0.5), LeverPressed(2, "b"), Vocalized(4, 0.5))
    agenda.forget(LeverPressed)
    assert [agenda.act().at_us for _ in range(2)] == [1, 4]
    assert agenda.next_us == NEVER
