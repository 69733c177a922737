"""The ideal box reports each shock once, with its own end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from behavior.model.commands import Deliver, SetRecording, Shock, StopShock
from behavior.model.events import Delivered, Event, RecordingEnded, RecordingStarted, ShockEnded, ShockStarted
from behavior.simulate.ideal import DELIVERY_US, IdealBox
from behavior.simulate.subject import Absent

S = 1_000_000


def until(box: IdealBox, end_us: int) -> list[Event]:
    events: list[Event] = []
    while box.now_us() < end_us:
        events += box.wait(end_us)
    return events + box.wait(end_us)


def test_a_stopped_shock_ends_once_and_its_planned_end_does_not_end_the_next() -> None:
    box = IdealBox(Absent())
    box.send(Shock(1, 0.5, 10))
    until(box, 2 * S)
    box.send(StopShock())
    assert ShockEnded(2 * S, 1, 2 * S, 0.5, "stopped") in until(box, 5 * S)
    box.send(Shock(2, 0.4, 8))
    assert until(box, 20 * S) == [ShockStarted(5 * S, 2), ShockEnded(13 * S, 2, 8 * S, 0.4, "completed")]


def test_a_stop_without_a_shock_is_nothing() -> None:
    box = IdealBox(Absent())
    box.send(StopShock())
    assert until(box, S) == []


def test_pellets_arrive_and_recordings_are_marked() -> None:
    box = IdealBox(Absent())
    box.send(Deliver(1))
    box.send(SetRecording(on=True))
    assert until(box, S) == [RecordingStarted(0, "", 0), Delivered(DELIVERY_US, 1)]
    box.send(SetRecording(on=False))
    assert box.settle() == [RecordingEnded(S, 0, 0)]


@given(st.lists(st.tuples(st.floats(0.001, 5), st.floats(0.001, 8)), max_size=20))
def test_every_shock_is_reported_once(plan: list[tuple[float, float]]) -> None:
    box, events, now_us = IdealBox(Absent()), [], 0
    for number, (duration_s, stop_after_s) in enumerate(plan, start=1):
        box.send(Shock(number, 0.5, duration_s))
        now_us += round(stop_after_s * S)
        events += until(box, now_us)
        box.send(StopShock())
        events += box.settle()
        now_us += S
        events += until(box, now_us)
    ends = [event for event in events if isinstance(event, ShockEnded)]
    assert [event.number for event in ends] == list(range(1, len(plan) + 1))
    for event, (duration_s, stop_after_s) in zip(ends, plan, strict=True):
        assert event.duration_us == round(min(round(duration_s * 1e6), round(stop_after_s * S)))
