"""A driver and its device with a bad line between: what is lost is told, and never is there a pulse too many."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.devices.chamber import ConnectedChamber
from behavior.devices.handshake import connect
from behavior.model.commands import Shock
from behavior.model.events import Event, Faulted, LinkLost, ShockEnded, ShockStarted
from behavior.simulate.devices import Faults, SimulatedShockController, in_memory

N_SHOCKS = 6
EVERY_US = 3_000_000


def session(faults: Faults, *, seed: int) -> tuple[list[Event], list[Event]]:
    """Ask for shocks of two kinds in turn until the first complaint; what the host was told, and what was done."""
    device, now_us = SimulatedShockController("01", seed=seed), 0
    transport = in_memory(device, lambda: now_us)
    transport.open()
    driver, _ = connect("grid", device.kind, transport, lambda: now_us)
    chamber = ConnectedChamber([(driver, transport)])
    told = chamber.poll(0)
    device.suffer(replace(faults), 0)
    for number in range(1, N_SHOCKS + 3):
        while now_us < number * EVERY_US:
            now_us = max(now_us, min(chamber.next_us, device.next_us, number * EVERY_US))
            device.advance(now_us)  # a device that the host has given up lives on
            told += chamber.poll(now_us)
        if number <= N_SHOCKS and not complaints(told):
            chamber.send(wanted(number), now_us)
    return told, [one for _, one in device.take_happenings() if isinstance(one, ShockStarted | ShockEnded)]


def wanted(number: int) -> Shock:
    return Shock(number, 0.5 if number % 3 else 0.8, 0.4 if number % 2 else 0.7)


def complaints(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, Faulted | LinkLost)]


def check(told: list[Event], done: list[Event]) -> None:
    """What must hold on any line."""
    given_ = [event.number for event in done if isinstance(event, ShockStarted)]
    assert given_ == sorted(set(given_)), "no number twice, none out of turn"
    for event in done:
        if isinstance(event, ShockEnded):
            command = wanted(event.number)
            assert event.delivered_ma == pytest.approx(command.ma), "never another intensity"
            assert event.duration_us <= command.duration_s * 1e6, "never longer"
    heard = [event.number for event in told if isinstance(event, ShockStarted)]
    ended = [event.number for event in told if isinstance(event, ShockEnded)]
    assert set(heard) <= set(given_), "nothing is told that was not"
    assert (heard, ended) == (sorted(set(heard)), sorted(set(ended)))
    if not complaints(told):
        assert heard == ended == given_ == list(range(1, N_SHOCKS + 1)), "silence means that all is well"


def test_a_good_line_tells_everything() -> None:
    told, done = session(Faults(), seed=0)
    check(told, done)
    assert complaints(told) == []
    assert [(event.number, event.duration_us) for event in told if isinstance(event, ShockEnded)] == [
        (number, round(wanted(number).duration_s * 1e6)) for number in range(1, N_SHOCKS + 1)
    ]


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(["lost", "corrupted", "duplicated"]), st.sampled_from([0.002, 0.01, 0.05, 0.3]),
    st.integers(0, 2**32),
)  # fmt: skip
def test_spoiled_bytes_give_no_wrong_and_no_second_pulse(what: str, fraction: float, seed: int) -> None:
    check(*session(Faults(**{what: fraction}), seed=seed))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 0.05), st.floats(0, 0.05), st.floats(0, 0.05), st.integers(0, 400_000), st.integers(0, 2**32),
)  # fmt: skip
def test_all_at_once(lost: float, corrupted: float, duplicated: float, late_us: int, seed: int) -> None:
    check(*session(Faults(lost=lost, corrupted=corrupted, duplicated=duplicated, late_us=late_us), seed=seed))


@pytest.mark.parametrize("late_us", [1_000, 50_000, 99_000])
def test_answers_that_are_late_but_in_time_are_no_fault(late_us: int) -> None:
    told, done = session(Faults(late_us=late_us), seed=1)
    check(told, done)
    assert complaints(told) == []


@pytest.mark.parametrize("late_us", [150_000, 350_000, 3_000_000])
def test_answers_that_are_too_late_are_told(late_us: int) -> None:
    told, done = session(Faults(late_us=late_us), seed=1)
    check(told, done)
    assert complaints(told)


@pytest.mark.parametrize(("faults", "cause"), [
    (Faults(interlock_open=True), "its interlock opened"),
    (Faults(grid="short"), "bars of the grid are shorted"),
    (Faults(gate_sticks=True), "its gate did not close in time"),
    (Faults(delivered_percent=25.0), "gave 0.625 mA where 0.5 mA was asked for"),
], ids=["interlock", "short", "overrun", "too much"])  # fmt: skip
def test_what_goes_wrong_at_the_grid_is_told(faults: Faults, cause: str) -> None:
    told, _ = session(faults, seed=0)
    assert cause in [event.cause for event in complaints(told) if isinstance(event, Faulted)]


def test_an_animal_that_jumps_gets_less_and_the_session_goes_on() -> None:
    told, _ = session(Faults(grid="open"), seed=0)
    assert complaints(told) == []
    assert {event.delivered_ma for event in told if isinstance(event, ShockEnded)} == {0.0}


def test_a_restart_in_mid_session_is_told() -> None:
    device, now_us = SimulatedShockController("01"), 0
    transport = in_memory(device, lambda: now_us)
    transport.open()
    chamber = ConnectedChamber([(connect("grid", device.kind, transport, lambda: now_us)[0], transport)])
    told: list[Event] = []
    for now_us in range(0, 20_000_000, 100_000):
        told += chamber.poll(now_us)
        if now_us == 10_000_000:
            device.restart(now_us)
    assert {type(event) for event in told} == {Faulted}
    assert any("jumped" in event.cause for event in told if isinstance(event, Faulted))
    assert any("not active" in event.cause for event in told if isinstance(event, Faulted))
