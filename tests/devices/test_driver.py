"""What all drivers share: the link, the clock and late or useless messages."""

from __future__ import annotations

import pytest

from behavior.devices.clock import Answer, DeviceClock
from behavior.devices.driver import HarpDriver
from behavior.devices.operant_chamber import OperantChamber
from behavior.devices.shock_controller import ShockController
from behavior.devices.shuttle_box import ShuttleBox
from behavior.model.events import Disturbed, Event, Faulted, LinkLost
from devices.dialogue import but_disturbed, frame, plain_clock

ACTIVE = 0x61


@pytest.fixture(params=[ShockController, OperantChamber, ShuttleBox], ids=lambda driver: str(driver.kind))
def driver(request: pytest.FixtureRequest) -> HarpDriver:
    made = request.param("it", plain_clock(), 0)
    assert isinstance(made, HarpDriver)
    return made


def answer(driver: HarpDriver, register: str, at_us: int, heard_us: int, value: int | None = None) -> list[Event]:
    value = (ACTIVE if register == "OperationControl" else 0) if value is None else value
    return driver.receive(frame(driver.kind, f"read {register}", value, at_us=at_us), heard_us)


def asked(driver: HarpDriver) -> str:
    """The register that was asked for since the last time; "" if none."""
    said = driver.take_outgoing()
    return next((name for name in driver.watched if said == frame(driver.kind, f"read {name}")), "")


def live(driver: HarpDriver, from_us: int, to_us: int, *, late_us: int = 320, drift_ppm: int = 0) -> list[Event]:
    """Tick when it wants to, and answer each request; the events."""
    events: list[Event] = []
    while driver.next_us <= to_us:
        now_us = max(from_us, driver.next_us)
        events += driver.tick(now_us)
        if register := asked(driver):
            stamp_us = (now_us + late_us // 2) * (1_000_000 + drift_ppm) // 1_000_000 // 32 * 32
            events += answer(driver, register, stamp_us, now_us + late_us)
    return events


def test_it_asks_for_four_registers_in_turn(driver: HarpDriver) -> None:
    found = []
    for now_us in range(0, 4_000_000, 400_000):
        assert driver.next_us == now_us
        driver.tick(now_us)
        found.append(asked(driver))
        driver.tick(now_us + 1)
        assert asked(driver) == ""
        answer(driver, found[-1], now_us, now_us + 320)
    assert found == [driver.watched[place % 4] for place in range(10)]
    assert len(set(driver.watched)) == 4


def test_a_link_that_answers_is_not_lost(driver: HarpDriver) -> None:
    assert live(driver, 0, 60_000_000) == []


def test_silence_is_a_lost_link_once(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    events = []
    while driver.next_us < 20_000_000:
        events += driver.tick(driver.next_us)
    assert events[0] == Disturbed(10_800_000, "it", lasted_us=799_680, n_bytes=0, n_requests=1)
    assert but_disturbed(events) == [LinkLost(11_600_000, "it")]


def test_two_lost_answers_are_no_lost_link(driver: HarpDriver) -> None:
    events = []
    for place in range(40):
        now_us = driver.next_us
        events += driver.tick(now_us)
        register = asked(driver)
        if place % 3 == 2:
            events += answer(driver, register, now_us, now_us + 320)
    assert but_disturbed(events) == []
    assert sum(event.n_requests for event in events if isinstance(event, Disturbed)) == pytest.approx(26, abs=1)


def test_a_device_that_talks_but_does_not_answer_is_lost(driver: HarpDriver) -> None:
    events = []
    while driver.next_us < 5_000_000:
        now_us = driver.next_us
        events += driver.tick(now_us)
        events += driver.receive(frame(driver.kind, "event Heartbeat", 1, at_us=now_us), now_us)
    assert [type(event) for event in but_disturbed(events)] == [LinkLost]


def test_a_host_that_was_held_up_loses_nothing(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    driver.tick(driver.next_us)
    register = asked(driver)
    held_up_us = 14_000_000
    assert driver.tick(held_up_us) == []
    waiting = asked(driver)
    assert answer(driver, register, 10_400_000, held_up_us) == []
    assert answer(driver, waiting, held_up_us, held_up_us + 320) == []
    assert live(driver, held_up_us, 20_000_000) == []


def test_a_device_that_is_not_active_is_a_fault(driver: HarpDriver) -> None:
    driver.tick(0)
    events = answer(driver, "OperationControl", 0, 320, value=0x60)
    assert events == [Faulted(320, "it", "is not active any more; it may have restarted")]


def test_a_clock_that_jumps_is_a_fault(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    driver.tick(10_400_000)
    (event,) = answer(driver, asked(driver), 320, 10_400_640)
    assert isinstance(event, Faulted)
    assert "its clock jumped by -10.400 s" in event.cause


@pytest.mark.parametrize("drift_ppm", [-5_000, -100, 0, 40, 5_000])
def test_times_follow_a_clock_that_drifts(driver: HarpDriver, drift_ppm: int) -> None:
    assert live(driver, 0, 600_000_000, drift_ppm=drift_ppm) == []
    device_us = 600_100_000 * (1_000_000 + drift_ppm) // 1_000_000 // 32 * 32
    (event,) = driver.receive(frame(driver.kind, "event Fault", 2, at_us=device_us), 600_200_000)
    assert event.at_us == pytest.approx(600_100_000, abs=250 + abs(drift_ppm) // 100)


def test_no_event_is_later_than_it_was_heard_or_earlier_than_the_last(driver: HarpDriver) -> None:
    first = driver.receive(frame(driver.kind, "event Fault", 1, at_us=2_000_000), 1_000_000)
    second = driver.receive(frame(driver.kind, "event Fault", 3, at_us=320_000), 1_500_000)
    assert [event.at_us for event in first + second] == [1_000_000, 1_000_000]


@pytest.mark.parametrize("noise", [b"", b"\0" * 50, bytes(range(256)), b"\x03\x05"])
def test_useless_bytes_are_passed_over(driver: HarpDriver, noise: bytes) -> None:
    assert driver.receive(noise, 1_000) == []
    events = driver.receive(frame(driver.kind, "event Fault", 2, at_us=64_000), 64_100)
    events += driver.tick(200_000)
    assert [type(event) for event in but_disturbed(events)] == [Faulted]
    assert sum(event.n_bytes for event in events if isinstance(event, Disturbed)) == len(noise)


def test_an_answer_that_comes_after_the_next_request_is_told_apart(driver: HarpDriver) -> None:
    paired: list[Answer] = []

    class Recorder(DeviceClock):
        def observe(self, answer: Answer) -> int:
            paired.append(answer)
            return super().observe(answer)

    driver.clock = Recorder([Answer(0, 0, 0)])
    waiting = ""
    for now_us in range(0, 8_000_000, 400_000):
        driver.tick(now_us)
        if waiting:
            assert but_disturbed(answer(driver, waiting, now_us - 400_000, now_us + 100)) == []
        waiting = asked(driver)
    assert len(paired) == 19
    assert all(one.sent_us == one.device_us and one.heard_us == one.sent_us + 400_100 for one in paired)


def test_a_late_answer_is_not_taken_for_that_to_a_later_request(driver: HarpDriver) -> None:
    """Each register is asked for in between too, as after damaged bytes: the oldest request is answered first."""
    live(driver, 0, 10_000_000)
    late_us, due, events = 390_000, list[tuple[int, str, int]](), list[Event]()
    for now_us in range(10_000_000, 20_000_000, 10_000):
        for at_us, register, sent_us in [one for one in due if one[0] <= now_us]:
            events += answer(driver, register, sent_us, at_us)
        due = [one for one in due if one[0] > now_us]
        events += driver.tick(now_us)
        if now_us % 1_300_000 == 0:
            driver.look_around(now_us)
        said = driver.take_outgoing()
        due += [
            (now_us + late_us, name, now_us)
            for name in driver.watched
            for _ in range(said.count(frame(driver.kind, f"read {name}")))
        ]
    assert not any(isinstance(event, Faulted) for event in events), events


def test_an_answer_that_never_comes_leaves_the_clock_as_exact_as_it_was(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    driver.look_around(10_050_000)  # nobody answers
    driver.take_outgoing()
    live(driver, 10_400_000, 30_000_000)
    assert driver.clock.fit().uncertainty_us <= 200
    assert all(len(asked) <= 1 for asked in driver._asked.values())


def test_after_damaged_bytes_all_that_is_watched_is_asked_for(driver: HarpDriver) -> None:
    """An event may have been among them; said at once, and then at most each second."""
    live(driver, 0, 10_000_000)
    told: list[Event] = []
    for now_us in (10_100_000, 10_150_000, 10_200_000):
        driver.receive(b"\x55\xaa", now_us)
        told += driver.receive(frame(driver.kind, "event Heartbeat", 1, at_us=now_us), now_us + 320)
    assert told == [Disturbed(10_100_320, "it", lasted_us=100_000, n_bytes=2, n_requests=0)]
    assert driver.take_outgoing() == b"".join(frame(driver.kind, f"read {name}") for name in driver.watched)
    (later,) = driver.tick(11_200_000)
    assert later == Disturbed(11_200_000, "it", lasted_us=1_099_680, n_bytes=4, n_requests=0)


def test_a_request_that_is_repeated_is_said(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    driver._write("OperationControl", ACTIVE, 10_050_000)
    (told,) = driver.tick(10_150_000)
    assert told == Disturbed(10_150_000, "it", lasted_us=149_680, n_bytes=0, n_requests=1)


# -- the last words of a session ------------------------------------------------------------------------------------


def test_when_everything_was_answered_there_are_no_last_words(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    driver.look_around(10_050_000)
    driver.take_outgoing()
    for register in driver.watched:
        answer(driver, register, 10_050_080, 10_050_320)
    assert driver.last_words(10_350_000) == []


def test_what_was_asked_at_the_end_and_never_answered_is_said(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    driver.look_around(10_050_000)
    for register in driver.watched[:-1]:
        answer(driver, register, 10_050_080, 10_050_320)
    (told,) = driver.last_words(10_350_000)
    assert isinstance(told, Disturbed)
    assert (told.n_bytes, told.n_requests) == (0, 1)
    assert told.at_us - told.lasted_us <= 10_050_000, "since the last moment at which nothing was open"


def test_a_message_whose_end_never_came_is_said_at_the_end(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    driver.receive(frame(driver.kind, "event Heartbeat", 1, at_us=10_100_000)[:7], 10_100_320)
    (told,) = driver.last_words(10_140_000)
    assert told == Disturbed(10_140_000, "it", lasted_us=10_140_000 - 10_000_320, n_bytes=7, n_requests=0)


def test_a_request_that_has_only_just_gone_out_is_not_missed(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    driver.tick(10_400_000)
    assert driver.last_words(10_401_000) == []


def test_of_a_device_that_was_lost_everything_is_said_already(driver: HarpDriver) -> None:
    live(driver, 0, 10_000_000)
    while driver.next_us < 13_000_000:
        driver.tick(driver.next_us)
    assert driver.last_words(13_000_000) == []
