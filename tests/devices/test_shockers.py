"""Shockers that another device gates: which shocks they take, and the ceilings that stand in for the device's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config.limits import CEILINGS, ShockLimits
from behavior.config.wiring import Shocker
from behavior.devices.ceilings import Ceilings
from behavior.devices.shockers import GatedShocker, ParallelShocker, TtlShocker, not_a_step, steps_of
from behavior.devices.transport import NoTransport
from behavior.model.commands import Deliver, SetCue, Shock, StopShock
from behavior.model.events import Faulted

BY_HAND = Shocker(pulse_timed_by="box", trigger="DO0", set_ma=0.4)
LINES = Shocker(
    pulse_timed_by="box",
    trigger="DO0",
    data=("DOPort0", "DOPort1", "DOPort2", "DO1", "DO2", "DIO0", "DIO1", "DIO2"),
)


class Pulses:
    """A timer that remembers what it was asked for."""

    def __init__(self) -> None:
        self.given: list[tuple[Shock, int | None]] = []
        self.n_stopped = 0

    def pulse(self, shock: Shock, now_us: int, data: int | None = None) -> None:
        self.given.append((shock, data))

    def stop(self, now_us: int) -> None:
        self.n_stopped += 1


def shocker_of(shocker: Shocker, **limits: float) -> tuple[GatedShocker, Pulses]:
    kind, timer = (ParallelShocker if shocker.data else TtlShocker), Pulses()
    return kind("it", timer, shocker, Ceilings(ShockLimits(**limits))), timer  # type: ignore[arg-type]


def fault(shocker: GatedShocker) -> str:
    assert shocker.next_us == 0
    (event,) = shocker.tick(5)
    assert isinstance(event, Faulted)
    assert shocker.tick(5) == []
    return event.cause


def test_a_shock_is_a_pulse_of_its_timer() -> None:
    shocker, timer = shocker_of(BY_HAND)
    shocker.send(Shock(1, 0.4, 0.5), 0)
    shocker.send(StopShock(), 1)
    assert (timer.given, timer.n_stopped) == ([(Shock(1, 0.4, 0.5), None)], 1)
    assert (shocker.take_outgoing(), shocker.calm(), shocker.receive(b"x", 2)) == (b"", b"", [])
    assert shocker.takes(Shock(1, 0.4, 0.5)) and shocker.takes(StopShock())
    assert not (shocker.takes(Deliver(1)) or shocker.takes(SetCue("tone", on=True)))


@pytest.mark.parametrize(("shocker", "ma", "why"), [
    (BY_HAND, 0.5, "cannot give 0.5 mA: it is set by hand to 0.4 mA"),
    (LINES, 0.45, "cannot give 0.45 mA: its steps are 0.02 mA"),
    (LINES, 5.12, "cannot give 5.12 mA: it goes from 0.02 to 5.1 mA"),
    (LINES, 3.5, "cannot give 3.5 mA"),
])  # fmt: skip
def test_a_current_that_it_cannot_give_is_a_fault_and_no_pulse(shocker: Shocker, ma: float, why: str) -> None:
    gated, timer = shocker_of(shocker)
    gated.send(Shock(1, ma, 0.5), 0)
    assert timer.given == []
    assert fault(gated) == why


@given(st.integers(1, 150))
def test_every_step_is_its_lines(steps: int) -> None:
    gated, timer = shocker_of(LINES)
    gated.send(Shock(1, steps * 0.02, 0.5), 0)
    assert [data for _, data in timer.given] == [steps]
    assert not_a_step(LINES, steps * 0.02) == ""
    assert steps_of(LINES, steps * 0.02) == steps


def test_the_lines_of_an_hsck100a_say_up_to_5_1_ma() -> None:
    assert not_a_step(LINES, 5.10) == ""
    assert steps_of(LINES, 0.02 + 0.08 + 0.64) == 0b00100101


# ---- ceilings


@pytest.mark.parametrize(("limits", "shocks", "why"), [
    ({"max_ma": 0.8}, [(0.9, 0.5, 0)], "cannot give 0.9 mA"),
    ({"max_single_s": 1.0}, [(0.4, 1.5, 0)], "cannot give 1.5 s"),
    ({"max_count": 1}, [(0.4, 0.5, 0), (0.4, 0.5, 60)], "would give more than 1 shocks"),
    ({"max_total_s": 1.0}, [(0.4, 0.6, 0), (0.4, 0.6, 60)], "would give more than 1 s of shock"),
    ({"max_duty": 0.1}, [(0.4, 4.0, 0), (0.4, 4.0, 30)], "would give shock for more than 10% of a minute"),
    ({}, [(3.1, 0.5, 0)], "cannot give 3.1 mA"),
    ({}, [(0.4, 31.0, 0)], "cannot give 31 s"),
    ({}, [(0.0, 0.5, 0)], "cannot give 0 mA"),
    ({}, [(0.4, 0.0, 0)], "cannot give 0 s"),
])  # fmt: skip
def test_each_ceiling_refuses_by_itself(
    limits: dict[str, float], shocks: list[tuple[float, float, int]], why: str
) -> None:
    ceilings = Ceilings(ShockLimits(**limits))  # type: ignore[arg-type]
    *before, last = [(Shock(n, ma, s), at_s * 1_000_000) for n, (ma, s, at_s) in enumerate(shocks, 1)]
    assert [ceilings.refusal(*one) for one in before] == [""] * len(before)
    assert ceilings.refusal(*last) == why


def test_what_a_shocker_cannot_do_is_refused_below_the_sessions_limits() -> None:
    assert Ceilings(max_ma=1.0).refusal(Shock(1, 1.2, 0.5), 0) == "cannot give 1.2 mA"
    assert Ceilings(max_single_s=0.0002).refusal(Shock(1, 0.5, 0.5), 0) == "cannot give 0.5 s"


def test_a_number_is_given_once_and_a_resumed_session_goes_on() -> None:
    ceilings = Ceilings(n_before=3)
    assert ceilings.refusal(Shock(3, 0.4, 0.5), 0) == "shock 3 was asked for a second time"
    assert ceilings.refusal(Shock(4, 0.4, 0.5), 0) == ""
    assert ceilings.refusal(Shock(4, 0.4, 0.5), 9_000_000) == "shock 4 was asked for a second time"


@given(st.lists(st.tuples(st.floats(0.01, 30.0), st.integers(0, 40_000_000)), max_size=60))
def test_what_passes_is_never_more_than_the_ceilings(asked: list[tuple[float, int]]) -> None:
    ceilings, now_us, given_s = Ceilings(), 0, list[tuple[float, float]]()
    for number, (duration_s, wait_us) in enumerate(asked, 1):
        now_us += wait_us
        if ceilings.refusal(Shock(number, 0.4, duration_s), now_us) == "":
            given_s.append((now_us / 1e6, duration_s))
    for start_s, duration_s in given_s:
        end_s = start_s + duration_s
        inside = sum(
            max(0.0, min(since + s, end_s) - max(since, end_s - 60)) for since, s in given_s if since <= start_s
        )
        assert inside <= CEILINGS.max_duty * 60 + 1e-6
    assert sum(s for _, s in given_s) <= CEILINGS.max_total_s + 1e-6


def test_a_device_without_a_port_says_and_hears_nothing() -> None:
    wire = NoTransport()
    wire.open()
    wire.write(b"x")
    assert wire.read() == b""
    wire.close()
