"""The shock controller's driver: its manual's dialogue, and what it makes of a device that does not keep to it."""

from __future__ import annotations

import pytest

from behavior.devices.shock_controller import ShockController
from behavior.model.commands import Deliver, SetCue, Shock, StopShock
from behavior.model.events import Disturbed, Event, Faulted, ShockEnded, ShockStarted
from devices.dialogue import but_disturbed, dialogue, frame, plain_clock

KIND = "shock_controller"
COMPLETED, STOPPED, OVERRUN = 0, 1, 4


def driver_of(**given: int) -> ShockController:
    driver = ShockController("grid", plain_clock(), 0, **given)
    driver.tick(0)  # the first request that keeps the link alive is not what these tests are about
    driver.take_outgoing()
    return driver


def fired(number: int = 1, ma: float = 0.5, duration_s: float = 0.5, **given: int) -> ShockController:
    """A driver that has armed and triggered a pulse at 1 s and waits for what the device says."""
    driver = driver_of(**given)
    driver.send(Shock(number, ma, duration_s), 1_000_000)
    for name, value in (("Intensity", round(ma * 1_000)), ("Duration", round(duration_s * 1_000))):
        assert driver.receive(frame(KIND, f"write {name}", value, at_us=1_000_000), 1_000_000) == []
    driver.take_outgoing()
    return driver


def causes(events: list[Event]) -> list[str]:
    assert all(isinstance(event, Faulted | Disturbed) for event in events)
    return [event.cause for event in events if isinstance(event, Faulted)]


# ---- the dialogue


def test_the_first_shock_sets_waits_for_both_echoes_arms_and_triggers() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        driver.send(Shock(1, 0.5, 2.0), 1_000_000)
        says.host(("write Intensity", 500), ("write Duration", 2_000))
        assert says.device("write Intensity", 500, at_us=1_000_320) == []
        says.host()
        assert says.device("write Duration", 2_000, at_us=1_000_640) == []
        says.host(("write Arm", 1), ("write Trigger", 1))
        assert says.device("write Arm", 1, at_us=1_001_280) == []
        assert says.device("event PulseStarted", 1, at_us=1_001_600) == [ShockStarted(1_001_600, 1)]
        assert says.device("write Trigger", 1, at_us=1_001_600) == []
        assert says.device("event PulseEnded", 1, 2_000_000, 497, COMPLETED, at_us=3_001_600) == [
            ShockEnded(3_001_600, 1, 2_000_000, 0.497, "completed")
        ]


def test_the_next_alike_shock_is_one_write() -> None:
    driver = fired()
    driver.receive(frame(KIND, "event PulseStarted", 1, at_us=1_000_000), 1_000_000)
    driver.receive(frame(KIND, "event PulseEnded", 1, 500_000, 500, 0, at_us=1_500_000), 1_500_000)
    with dialogue(driver) as says:
        driver.send(Shock(2, 0.5, 0.5), 5_000_000)
        says.host(("write Arm", 2), ("write Trigger", 2))


def test_only_what_differs_is_written() -> None:
    driver = fired()
    driver.receive(frame(KIND, "event PulseEnded", 1, 500_000, 500, 0, at_us=1_500_000), 1_500_000)
    with dialogue(driver) as says:
        driver.send(Shock(2, 0.8, 0.5), 5_000_000)
        says.host(("write Intensity", 800))
        says.device("write Intensity", 800, at_us=5_000_320)
        says.host(("write Arm", 2), ("write Trigger", 2))


@pytest.mark.parametrize(("n_issued", "pulse_count", "number"), [(0, 0, 1), (0, 7, 8), (3, 3, 4), (3, 2, 3)])
def test_the_devices_number_goes_on_from_its_count(n_issued: int, pulse_count: int, number: int) -> None:
    driver = driver_of(n_issued=n_issued, pulse_count=pulse_count)
    with dialogue(driver) as says:
        driver.send(Shock(n_issued + 1, 0.5, 0.5), 0)
        says.host(("write Intensity", 500), ("write Duration", 500))
        says.device("write Intensity", 500, at_us=320)
        says.device("write Duration", 500, at_us=640)
        says.host(("write Arm", number), ("write Trigger", number))
        assert says.device("event PulseStarted", number, at_us=960) == [ShockStarted(960, n_issued + 1)]


def test_stop_is_said_until_it_is_echoed() -> None:
    driver = fired(duration_s=10.0)
    driver.receive(frame(KIND, "event PulseStarted", 1, at_us=1_001_000), 1_001_000)
    with dialogue(driver) as says:
        driver.tick(2_000_000)
        driver.take_outgoing()
        driver.send(StopShock(), 2_000_000)
        says.host(("write Stop", 1))
        for now_us in (2_100_000, 2_200_000):
            assert but_disturbed(driver.tick(now_us)) == []
            assert frame(KIND, "write Stop", 1) in driver.take_outgoing()
        assert says.device("write Stop", 0, at_us=2_200_320) == []
        assert says.device("event PulseEnded", 1, 1_199_000, 500, STOPPED, at_us=2_200_320) == [
            ShockEnded(2_200_320, 1, 1_199_000, 0.5, "stopped")
        ]


def test_a_stopped_pulse_whose_end_is_lost_is_asked_for_soon() -> None:
    driver = fired(duration_s=10.0)
    driver.receive(frame(KIND, "event PulseStarted", 1, at_us=1_001_000), 1_001_000)
    driver.tick(2_000_000)
    driver.send(StopShock(), 2_000_000)
    driver.receive(frame(KIND, "write Stop", 0, at_us=2_000_320), 2_000_320)
    driver.take_outgoing()
    assert driver.next_us <= 2_100_000
    driver.tick(2_100_000)
    assert driver.take_outgoing() == frame(KIND, "read PulseEnded")


def test_stop_drops_a_pulse_that_still_waits_for_its_echoes() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        driver.send(Shock(1, 0.5, 0.5), 0)
        says.host(("write Intensity", 500), ("write Duration", 500))
        driver.send(StopShock(), 100)
        says.host(("write Stop", 1))
        says.device("write Intensity", 500, at_us=320)
        says.device("write Duration", 500, at_us=640)
        says.device("write Stop", 0, at_us=960)


def test_calm_stops_and_leaves_active_mode() -> None:
    assert driver_of().calm() == frame(KIND, "write Stop", 1) + frame(KIND, "write OperationControl", 0)


def test_it_takes_shocks_only() -> None:
    driver = driver_of()
    assert driver.takes(Shock(1, 0.5, 0.5))
    assert driver.takes(StopShock())
    assert not driver.takes(Deliver(1))
    assert not driver.takes(SetCue("tone", on=True))


# ---- a line that loses, doubles and delays


def test_a_lost_start_is_known_by_the_echo_of_trigger() -> None:
    driver = fired()
    with dialogue(driver) as says:
        assert says.device("write Arm", 1, at_us=1_001_000) == []
        assert says.device("write Trigger", 1, at_us=1_001_600) == [ShockStarted(1_001_600, 1)]
        assert says.device("event PulseStarted", 1, at_us=1_001_600, heard_us=1_300_000) == []


def test_a_lost_end_is_asked_for() -> None:
    driver = fired(duration_s=0.5)
    driver.receive(frame(KIND, "event PulseStarted", 1, at_us=1_001_600), 1_001_600)
    driver.tick(1_500_000)
    driver.take_outgoing()
    assert driver.next_us <= 1_001_600 + 505_000 + 100_000
    assert driver.tick(1_606_600) == []
    with dialogue(driver) as says:
        says.host(("read PulseEnded",))
        assert says.device("read PulseEnded", 1, 500_000, 500, COMPLETED, at_us=1_607_008) == [
            ShockEnded(1_501_600, 1, 500_000, 0.5, "completed")
        ]


def test_a_pulse_of_which_only_the_end_is_heard_has_a_start_too() -> None:
    driver = fired()
    events = driver.receive(frame(KIND, "event PulseEnded", 1, 500_000, 500, 0, at_us=1_501_600), 1_501_600)
    assert events == [ShockStarted(1_001_600, 1), ShockEnded(1_501_600, 1, 500_000, 0.5, "completed")]


def test_doubled_messages_are_told_once() -> None:
    driver = fired()
    for message in (("event PulseStarted", 1), ("event PulseEnded", 1, 500_000, 500, 0)):
        first = driver.receive(frame(KIND, *message, at_us=1_600_000), 1_600_000)  # type: ignore[arg-type]
        again = driver.receive(frame(KIND, *message, at_us=1_600_000), 1_600_100)  # type: ignore[arg-type]
        assert (len(first), again) == (1, [])


def test_a_lost_echo_is_asked_for_once_more_and_then_a_fault() -> None:
    driver = driver_of()
    driver.send(Shock(1, 0.5, 0.5), 0)
    driver.take_outgoing()
    assert driver.tick(99_000) == []
    assert driver.take_outgoing() == b""
    assert [type(event) for event in driver.tick(100_000)] == [Disturbed]
    with dialogue(driver) as says:
        says.host(("write Intensity", 500), ("write Duration", 500))
        says.device("write Duration", 500, at_us=100_320)
        assert causes(driver.tick(200_000)) == ["did not take 500 for Intensity"]
        # the pulse is dropped: an echo that comes after all arms nothing
        assert says.device("write Intensity", 500, at_us=200_320) == []


def test_a_late_echo_of_the_value_before_is_passed_over() -> None:
    driver = fired(ma=0.5)
    driver.receive(frame(KIND, "event PulseEnded", 1, 500_000, 500, 0, at_us=1_500_000), 1_500_000)
    with dialogue(driver) as says:
        driver.send(Shock(2, 0.8, 0.5), 5_000_000)
        says.host(("write Intensity", 800))
        assert says.device("write Intensity", 500, at_us=5_000_320) == []
        says.host()
        says.device("write Intensity", 800, at_us=5_000_640)
        says.host(("write Arm", 2), ("write Trigger", 2))


def test_a_device_that_insists_on_the_value_before_gets_no_pulse() -> None:
    driver = fired(ma=0.5)
    driver.receive(frame(KIND, "event PulseEnded", 1, 500_000, 500, 0, at_us=1_500_000), 1_500_000)
    driver.send(Shock(2, 0.8, 0.5), 5_000_000)
    found: list[Event] = []
    for now_us in (5_000_320, 5_100_000, 5_100_320, 5_200_000):
        found += driver.receive(frame(KIND, "write Intensity", 500, at_us=now_us), now_us)
        found += driver.tick(now_us)
    assert causes(found) == ["did not take 800 for Intensity"]
    assert frame(KIND, "write Trigger", 2) not in driver.take_outgoing()


def test_a_wrong_echo_is_a_fault_and_no_pulse_follows() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        driver.send(Shock(1, 0.5, 0.5), 0)
        says.host(("write Intensity", 500), ("write Duration", 500))
        assert causes(says.device("write Intensity", 501, at_us=320)) == ["Intensity was to be 500 but is 501"]
        assert says.device("write Duration", 500, at_us=640) == []


def test_after_a_wrong_echo_nothing_is_taken_to_be_in_force() -> None:
    driver = fired(ma=0.5)
    driver.receive(frame(KIND, "event PulseEnded", 1, 500_000, 500, 0, at_us=1_500_000), 1_500_000)
    driver.send(Shock(2, 0.8, 0.5), 5_000_000)
    driver.receive(frame(KIND, "write Intensity", 801, at_us=5_000_320), 5_000_320)
    driver.take_outgoing()
    with dialogue(driver) as says:
        driver.send(Shock(3, 0.5, 0.5), 9_000_000)
        says.host(("write Intensity", 500))


def test_an_error_reply_is_a_fault_and_no_pulse_follows() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        driver.send(Shock(1, 0.5, 0.5), 0)
        says.host(("write Intensity", 500), ("write Duration", 500))
        refused = says.device("write Intensity", 0, at_us=320, refused=True)
        assert causes(refused) == ["answered a request for Intensity with an error"]
        assert says.device("write Duration", 500, at_us=640) == []


# ---- a device that does otherwise


def test_a_refused_arm_is_a_fault_and_nothing_is_left_armed() -> None:
    driver = fired()
    with dialogue(driver) as says:
        assert causes(says.device("write Arm", 0, at_us=1_001_000)) == ["shock 1 was refused by the device"]
        says.host(("write Stop", 1), ("read PulseEnded",))
        assert says.device("write Trigger", 0, at_us=1_001_000) == []
        assert says.device("write Stop", 0, at_us=1_001_000) == []


def test_a_pulse_that_does_not_start_is_a_fault() -> None:
    driver = fired()
    assert causes(driver.tick(1_100_000)) == ["shock 1 did not start"]
    assert frame(KIND, "write Stop", 1) + frame(KIND, "read PulseEnded") in driver.take_outgoing()


def test_a_pulse_in_doubt_is_still_told_when_it_was_given_after_all() -> None:
    driver = fired()
    driver.tick(1_100_000)
    driver.take_outgoing()
    told = driver.receive(frame(KIND, "read PulseEnded", 1, 99_968, 500, STOPPED, at_us=1_101_600), 1_102_000)
    assert [type(event) for event in told] == [ShockStarted, ShockEnded]


def test_an_end_that_is_never_known_is_a_fault() -> None:
    driver = fired(duration_s=0.5)
    driver.receive(frame(KIND, "event PulseStarted", 1, at_us=1_000_000), 1_000_000)
    found: list[Event] = []
    for now_us in range(1_000_000, 2_500_000, 50_000):
        found += driver.tick(now_us)
        driver.take_outgoing()
    assert "the end of shock 1 is not known" in [event.cause for event in found if isinstance(event, Faulted)]


@pytest.mark.parametrize(("delivered_ua", "is_fault"), [(0, False), (300, False), (549, False), (551, True)])
def test_too_much_current_is_a_fault_and_too_little_is_data(delivered_ua: int, is_fault: bool) -> None:
    driver = fired(ma=0.5)
    driver.receive(frame(KIND, "event PulseStarted", 1, at_us=1_000_000), 1_000_000)
    events = driver.receive(frame(KIND, "event PulseEnded", 1, 500_000, delivered_ua, 0, at_us=1_500_000), 1_500_000)
    assert events[0] == ShockEnded(1_500_000, 1, 500_000, delivered_ua / 1_000, "completed")
    assert len(events) - 1 == is_fault


def test_a_pulse_that_nobody_asked_for_is_a_fault_and_is_stopped() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        found = says.device("event PulseStarted", 1, at_us=1_000_000)
        assert causes(found) == ["opened its gate for pulse 1, which nobody asked for"]
        says.host(("write Stop", 1))
    assert causes(driver.receive(frame(KIND, "read PulseCount", 1, at_us=1_000_000), 1_000_000)) == [
        "gave a pulse that nobody asked for"
    ]


@pytest.mark.parametrize(("bit", "cause"), [
    (0x01, "its interlock opened"),
    (0x02, "its watchdog ended: it did not hear the host"),
    (0x04, "its gate did not close in time"),
    (0x10, "bars of the grid are shorted"),
    (0x20, "a pulse would have passed its limit on duty, time or count"),
], ids=["interlock", "watchdog", "overrun", "short", "limit"])  # fmt: skip
def test_fault_bits_are_told_in_words_and_once(bit: int, cause: str) -> None:
    driver = driver_of()
    found = driver.receive(frame(KIND, "event Fault", bit, at_us=1_000_000), 1_000_100)
    assert found == [Faulted(1_000_000, "grid", cause)]
    assert driver.receive(frame(KIND, "read Fault", bit, at_us=2_000_000), 2_000_100) == []


def test_an_open_grid_is_no_fault() -> None:
    assert driver_of().receive(frame(KIND, "event Fault", 0x08, at_us=1_000_000), 1_000_100) == []


# ---- commands that cannot be


@pytest.mark.parametrize(("ma", "duration_s"), [(3.001, 1.0), (0.0, 1.0), (0.5, 30.001), (0.5, 0.0), (-0.5, 1.0)])
def test_what_the_device_cannot_give_is_a_fault_and_is_not_sent(ma: float, duration_s: float) -> None:
    driver = driver_of()
    driver.send(Shock(1, ma, duration_s), 0)
    assert driver.take_outgoing() == b""
    assert causes(driver.receive(b"", 0)) == [f"cannot give {ma} mA for {duration_s} s"]


def test_a_second_shock_before_the_first_is_over_is_not_sent() -> None:
    driver = fired()
    driver.send(Shock(2, 0.5, 0.5), 1_100_000)
    assert driver.take_outgoing() == b""
    assert causes(driver.receive(b"", 1_100_000)) == ["shock 2 was asked for before shock 1 was over"]


def test_a_number_is_never_asked_for_twice() -> None:
    driver = fired()
    driver.receive(frame(KIND, "event PulseEnded", 1, 500_000, 500, 0, at_us=1_500_000), 1_500_000)
    driver.send(Shock(1, 0.5, 0.5), 5_000_000)
    assert driver.take_outgoing() == b""
    assert causes(driver.receive(b"", 5_000_000)) == ["shock 1 was asked for a second time"]
