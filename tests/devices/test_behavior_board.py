"""The Behavior board's driver: its dialogue frame by frame, and what it makes of a board that does not keep to it."""

from __future__ import annotations

import pytest

from behavior.config.wiring import Board, Input, Lever, Pellet, Shocker, Tone
from behavior.devices.behavior_board import BehaviorBoard
from behavior.devices.handshake import DRIVERS, connect, identify
from behavior.devices.registers import device_map
from behavior.model.commands import Deliver, SetCue, SetGate, SetLever, Shock
from behavior.model.errors import BadInput, Failure
from behavior.model.events import (
    Delivered,
    Event,
    Faulted,
    HeadEntered,
    HeadLeft,
    LeverPressed,
    LeverReleased,
    ShockEnded,
    ShockStarted,
)
from behavior.simulate.behavior_board import LINES, SimulatedBehaviorBoard
from behavior.simulate.devices import Faults, in_memory
from devices.dialogue import Dialogue, but_disturbed, dialogue, frame, plain_clock

KIND = "harp_behavior"
LED, DOPORT0, DO0, SUPPLY = 0x40, 0x01, 0x400, 0x08
BOARD = Board(
    levers={
        "left": Lever(input="DIPort0", output="DOPort0"),
        "right": Lever(input="DIPort1", active="low"),
    },
    head=Input(input="DIPort2"),
    pellet=Pellet(output="SupplyPort0", pulse_ms=45),
    cues={"house_light": "Led0"},
    tone=Tone(output="DO1", hz=2_900),
)
TTL = Shocker(pulse_timed_by="box", trigger="DO0", set_ma=0.4)
LEVELS = LED | DOPORT0
"""The lines that the driver sets and clears."""


def driver_of(shocker: Shocker | None = TTL, board: Board = BOARD, inputs: int = 0) -> BehaviorBoard:
    driver = BehaviorBoard("box", plain_clock(), 0, board=board, shocker=shocker, inputs=inputs)
    driver.tick(0)
    driver.take_outgoing()
    return driver


def fired(shocker: Shocker = TTL, s: float = 0.5) -> BehaviorBoard:
    """A driver whose pulse was triggered at 1 s, and that waits for the echo."""
    driver = driver_of(shocker)
    driver.pulse(Shock(1, 0.4, s), 1_000_000)
    for register, value in (("PulseDO0", round(s * 1_000)), ("OutputPulseEnable", DO0 | SUPPLY)):
        assert driver.receive(frame(KIND, f"write {register}", value, at_us=1_000_000), 1_000_000) == []
    assert driver.take_outgoing().endswith(frame(KIND, "write OutputSet", DO0))
    return driver


def on(shocker: Shocker = TTL, s: float = 0.5) -> BehaviorBoard:
    driver = fired(shocker, s)
    assert driver.receive(frame(KIND, "write OutputSet", DO0, at_us=1_000_000), 1_000_000) == [
        ShockStarted(1_000_000, 1)
    ]
    return driver


def causes(events: list[Event]) -> list[str]:
    return [event.cause for event in events if isinstance(event, Faulted)]


# ---- the dialogue


def test_a_pulse_is_its_length_its_enabling_and_after_their_echoes_its_line() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        driver.pulse(Shock(1, 0.4, 0.5), 1_000_000)
        says.host(("write PulseDO0", 500), ("write OutputPulseEnable", DO0 | SUPPLY))
        assert says.device("write PulseDO0", 500, at_us=1_000_320) == []
        says.host()
        assert says.device("write OutputPulseEnable", DO0 | SUPPLY, at_us=1_000_640) == []
        says.host(("write OutputSet", DO0))
        assert says.device("write OutputSet", DO0, at_us=1_001_280) == [ShockStarted(1_001_280, 1)]
        driver.tick(1_400_000)
        driver.take_outgoing()
        driver.tick(1_508_300)
        says.host(("read OutputState",))
        assert says.device("read OutputState", 0, at_us=1_508_992) == [
            ShockEnded(1_501_280, 1, 500_000, None, "completed")
        ]


def test_every_pulse_is_enabled_again_because_a_board_that_restarted_would_hold_its_line() -> None:
    driver = on()
    driver.receive(frame(KIND, "read OutputState", 0, at_us=1_600_000), 1_600_000)
    driver.take_outgoing()
    with dialogue(driver) as says:
        driver.pulse(Shock(2, 0.4, 0.5), 5_000_000)
        says.host(("write PulseDO0", 500), ("write OutputPulseEnable", DO0 | SUPPLY))


def test_stop_clears_the_line_until_it_is_echoed() -> None:
    driver = on(s=10.0)
    driver.tick(1_600_000)
    driver.take_outgoing()
    with dialogue(driver) as says:
        driver.stop(2_000_000)
        says.host(("write OutputClear", LEVELS | DO0))
        assert but_disturbed(driver.tick(2_100_000)) == []
        assert frame(KIND, "write OutputClear", LEVELS | DO0) in driver.take_outgoing()
        assert says.device("write OutputClear", LEVELS | DO0, at_us=2_100_320) == [
            ShockEnded(2_100_320, 1, 1_100_320, None, "stopped")
        ]


def test_lights_and_levers_are_all_that_is_on_and_all_that_is_off() -> None:
    driver = driver_of()
    with dialogue(driver) as says:
        driver.send(SetCue("house_light", on=True), 0)
        says.host(("write OutputSet", LED), ("write OutputClear", DOPORT0 | DO0))
        says.device("write OutputSet", LED, at_us=320)
        says.device("write OutputClear", DOPORT0 | DO0, at_us=640)
        driver.send(SetLever("left", out=True), 1_000)
        says.host(("write OutputSet", LED | DOPORT0), ("write OutputClear", DO0))
        driver.send(SetLever("right", out=True), 2_000)  # it is always out
        says.host()
        driver.send(SetCue("tone", on=True), 3_000)
        says.host(("write PwmStart", 0b10))
        driver.send(SetCue("tone", on=False), 4_000)
        says.host(("write PwmStop", 0b10))


def test_no_light_touches_the_line_of_a_pulse_that_is_on() -> None:
    driver = on()
    with dialogue(driver) as says:
        driver.send(SetCue("house_light", on=True), 1_100_000)
        says.host(("write OutputSet", LED), ("write OutputClear", DOPORT0))


def test_a_pellet_is_asked_for_once_and_the_next_waits() -> None:
    driver = driver_of()
    enable = ("write OutputPulseEnable", DO0 | SUPPLY)
    with dialogue(driver) as says:
        driver.send(Deliver(1), 0)
        driver.send(Deliver(2), 0)
        says.host(("write PulseSupplyPort0", 45), enable, ("write OutputSet", SUPPLY))
        says.device("write PulseSupplyPort0", 45, at_us=320)
        says.device("write OutputPulseEnable", DO0 | SUPPLY, at_us=640)
        assert says.device("write OutputSet", SUPPLY, at_us=960) == [Delivered(960, 1)]
        driver.tick(1_000)
        says.host(("write PulseSupplyPort0", 45), enable, ("write OutputSet", SUPPLY))


def test_a_sensor_says_when_a_pellet_is_there_and_a_jam_when_none_comes() -> None:
    seen = BOARD.model_copy(update={"pellet": Pellet(sensor=Input(input="DI3"))})
    driver = driver_of(board=seen)
    driver.send(Deliver(1), 0)
    assert driver.receive(frame(KIND, "write OutputSet", SUPPLY, at_us=320), 320) == []
    assert driver.receive(frame(KIND, "event DigitalInputState", 8, at_us=120_000), 120_000) == [Delivered(120_000, 1)]
    driver.send(Deliver(2), 200_000)
    assert "its feeder is jammed: it ran and nothing arrived" in causes(driver.tick(1_200_000))


def test_each_line_that_changed_is_an_event() -> None:
    driver = driver_of(inputs=0b010)  # the right lever is active low
    says = Dialogue(driver)
    assert says.device("event DigitalInputState", 0b011, at_us=320) == [LeverPressed(320, "left")]
    assert says.device("event DigitalInputState", 0b100, at_us=640) == [
        LeverReleased(640, "left"), LeverPressed(640, "right"), HeadEntered(640),
    ]  # fmt: skip
    assert says.device("read DigitalInputState", 0b010, at_us=960) == [LeverReleased(960, "right"), HeadLeft(960)]
    assert says.device("event DigitalInputState", 0b010, at_us=1_280) == []


@pytest.mark.parametrize("command", [Shock(1, 0.4, 0.5), SetGate(open=True), SetCue("smell", on=True)], ids=str)
def test_what_is_not_wired_is_not_taken(command: object) -> None:
    assert not driver_of().takes(command)  # type: ignore[arg-type]


def test_at_the_end_everything_is_off() -> None:
    assert driver_of().calm() == (
        frame(KIND, "write OutputClear", LEVELS | DO0 | SUPPLY)
        + frame(KIND, "write PwmStop", 0b10)
        + frame(KIND, "write OperationControl", 0)
    )


# ---- lines that set the current, and lines that read back

PARALLEL = Shocker(
    pulse_timed_by="box",
    trigger="DO0",
    data=("DOPort1", "DOPort2", "DIO0", "DIO1"),
    delivered=Input(input="DI3", active="low"),
)


def test_lines_are_set_echoed_and_read_before_the_pulse() -> None:
    driver = driver_of(PARALLEL, inputs=8)
    with dialogue(driver) as says:
        driver.pulse(Shock(1, 0.1, 0.5), 1_000_000, 0b0101)
        off = LEVELS | 0x04 | DO0
        said = [
            ("write OutputSet", 0x02), ("write OutputClear", off & ~DO0), ("write PortDIOSet", 1),
            ("write PortDIOClear", 2), ("write PulseDO0", 500), ("write OutputPulseEnable", DO0 | SUPPLY),
        ]  # fmt: skip
        says.host(*said)
        for verb, value in said:
            says.device(verb, value, at_us=1_000_320)
        says.host(("read OutputState",), ("read PortDIOState",))
        says.device("read OutputState", 0x02, at_us=1_000_640)
        says.host()
        says.device("read PortDIOState", 1, at_us=1_000_960)
        says.host(("write OutputSet", DO0))


def test_a_line_that_did_not_take_its_level_is_a_fault_and_no_pulse() -> None:
    driver = driver_of(PARALLEL, inputs=8)
    driver.pulse(Shock(1, 0.1, 0.5), 1_000_000, 0b0001)
    for verb, value in (("OutputSet", 2), ("OutputClear", LEVELS | 4), ("PortDIOSet", 0), ("PortDIOClear", 3),
                        ("PulseDO0", 500), ("OutputPulseEnable", DO0 | SUPPLY)):  # fmt: skip
        driver.receive(frame(KIND, f"write {verb}", value, at_us=1_000_320), 1_000_320)
    driver.take_outgoing()
    events = driver.receive(frame(KIND, "read OutputState", 0x06, at_us=1_000_640), 1_000_640)
    assert causes(events) == ["the lines that set the current are not as they were set"]
    assert frame(KIND, "write OutputSet", DO0) not in driver.take_outgoing()


@pytest.mark.parametrize(
    ("flowed_us", "told_us", "ma"),
    [(None, 0, 0.0), ((0, 500_000), 500_000, None), ((250_000, 600_000), 250_000, None)],
    ids=["never", "throughout", "half of it"],
)
def test_a_line_tells_how_long_current_flowed_and_not_how_much(
    flowed_us: tuple[int, int] | None, told_us: int, ma: float | None
) -> None:
    driver = driver_of(Shocker(pulse_timed_by="box", trigger="DO0", set_ma=0.4, delivered=Input(input="DI3")))
    driver.pulse(Shock(1, 0.4, 0.5), 1_000_000)
    for register, value in (("PulseDO0", 500), ("OutputPulseEnable", DO0 | SUPPLY), ("OutputSet", DO0)):
        driver.receive(frame(KIND, f"write {register}", value, at_us=1_000_000), 1_000_000)
    if flowed_us:
        for level, at_us in ((8, flowed_us[0]), (0, flowed_us[1])):
            if at_us <= 500_000:
                at_us += 1_000_000
                driver.receive(frame(KIND, "event DigitalInputState", level, at_us=at_us), at_us)
    (ended,) = driver.receive(frame(KIND, "read OutputState", 0, at_us=1_510_000), 1_510_000)
    assert isinstance(ended, ShockEnded)
    assert ended.flowed_us == pytest.approx(told_us, abs=32)
    assert ended.delivered_ma == ma


def test_current_that_flows_without_a_pulse_is_a_fault() -> None:
    driver = driver_of(PARALLEL, inputs=8)
    driver.receive(frame(KIND, "event DigitalInputState", 0, at_us=1_000_000), 1_000_000)
    driver.tick(1_499_000)
    assert "current flows while no pulse is on" in causes(driver.tick(1_500_000))


def test_a_gate_that_is_read_back_gives_a_pulse_the_times_of_its_edges() -> None:
    read_back = TTL.model_copy(update={"gate": Input(input="DI3")})
    driver = fired(read_back)
    assert driver.receive(frame(KIND, "write OutputSet", DO0, at_us=1_000_320), 1_000_320) == []
    edges = [
        *driver.receive(frame(KIND, "event DigitalInputState", 8, at_us=1_000_640), 1_000_640),
        *driver.receive(frame(KIND, "event DigitalInputState", 0, at_us=1_501_024), 1_501_024),
    ]
    assert edges == [ShockStarted(1_000_640, 1), ShockEnded(1_501_024, 1, 500_384, None, "completed")]


def test_an_edge_before_the_echo_of_its_command_is_the_same_pulse() -> None:
    driver = fired(TTL.model_copy(update={"gate": Input(input="DI3")}), s=2.0)
    driver.receive(frame(KIND, "event DigitalInputState", 8, at_us=1_000_320), 1_000_320)
    driver.receive(frame(KIND, "write OutputSet", DO0, at_us=1_000_640), 1_000_640)
    assert [cause for now_us in range(1_100_000, 3_000_000, 100_000) for cause in causes(driver.tick(now_us))] == []


def test_a_gate_that_opens_by_itself_is_a_fault_and_is_closed() -> None:
    driver = driver_of(TTL.model_copy(update={"gate": Input(input="DI3")}))
    events = driver.receive(frame(KIND, "event DigitalInputState", 8, at_us=1_000_000), 1_000_000)
    assert causes(events) == ["its gate is open, and nobody asked for it"]
    assert frame(KIND, "write OutputClear", LEVELS | DO0) in driver.take_outgoing()


# ---- a board that does not do as it should


def test_a_pulse_that_is_not_echoed_is_given_up_and_its_line_cleared() -> None:
    driver = fired()
    assert causes(driver.tick(1_100_000)) == ["shock 1 did not start"]
    said = driver.take_outgoing()
    assert frame(KIND, "write OutputClear", LEVELS | DO0) in said
    assert frame(KIND, "write OutputSet", DO0) not in said


def test_a_line_that_stays_high_is_cleared_and_said() -> None:
    driver = on()
    events: list[Event] = []
    for now_us in range(1_510_000, 2_000_000, 50_000):
        events += driver.tick(now_us)
        driver.receive(frame(KIND, "read OutputState", DO0, at_us=now_us), now_us)
    assert "its gate did not close after shock 1" in causes(events)
    assert frame(KIND, "write OutputClear", LEVELS | DO0) in driver.take_outgoing()


def test_a_line_that_falls_before_its_time_ends_the_shock_and_is_a_fault() -> None:
    events = on().receive(frame(KIND, "read OutputState", 0, at_us=1_200_000), 1_200_000)
    assert events[0] == ShockEnded(1_200_000, 1, 200_000, None, "interrupted")
    assert causes(events[1:]) == ["its gate closed before its time; it may have restarted"]


def test_a_line_that_is_high_by_itself_is_a_fault_and_cleared() -> None:
    driver = driver_of()
    assert causes(driver.receive(frame(KIND, "read OutputState", DO0, at_us=400_000), 400_000)) == [
        "its trigger line is on, and nobody asked for it"
    ]
    assert frame(KIND, "write OutputClear", LEVELS | DO0) in driver.take_outgoing()


def test_a_second_pulse_before_the_first_is_over_is_a_fault() -> None:
    driver = on()
    driver.pulse(Shock(2, 0.4, 0.5), 1_100_000)
    assert causes(driver.tick(1_100_000)) == ["shock 2 was asked for before shock 1 was over"]


def test_stop_drops_a_pulse_that_was_not_triggered_yet() -> None:
    driver = driver_of()
    driver.pulse(Shock(1, 0.4, 0.5), 0)
    driver.stop(10)
    for register, value in (("PulseDO0", 500), ("OutputPulseEnable", DO0 | SUPPLY)):
        driver.receive(frame(KIND, f"write {register}", value, at_us=320), 320)
    assert frame(KIND, "write OutputSet", DO0) not in driver.take_outgoing()


# ---- the board and its twin


class Bedside:
    def __init__(self, shocker: Shocker = TTL, board: Board = BOARD, **faults: object) -> None:
        self.now_us = 0
        self.twin = SimulatedBehaviorBoard(board=board, shocker=shocker, faults=Faults(**faults))  # type: ignore[arg-type]
        self.wire = in_memory(self.twin, lambda: self.now_us)
        self.wire.open()
        self.shocker, self.board = shocker, board

    def connect(self, **given: object) -> BehaviorBoard:
        driver, _ = connect(
            "box",
            KIND,
            self.wire,
            lambda: self.now_us,
            board=self.board,
            times=self.shocker,
            **given,  # type: ignore[arg-type]
        )
        assert isinstance(driver, BehaviorBoard)
        return driver

    def run(self, driver: BehaviorBoard, until_us: int) -> list[Event]:
        events: list[Event] = []
        while self.now_us < until_us:
            for _ in range(4):
                self.wire.write(driver.take_outgoing())
                events += driver.receive(self.wire.read(), self.now_us)
                events += driver.tick(self.now_us)
            self.now_us += 500
        return events


def test_a_board_is_known_by_its_number_whatever_it_is_called() -> None:
    bed = Bedside()
    who = identify(bed.wire, lambda: 0)
    assert (who.kind, who.who_am_i, who.uid, who.firmware) == (KIND, 1216, "", "3.0.0")
    assert bed.connect(device_name="Behavior").name == "box"
    with pytest.raises(BadInput, match="the rig names a device called 'Box 7', but 'Behavior' answers"):
        bed.connect(device_name="Box 7")
    assert KIND in DRIVERS


def test_only_the_lines_report_and_nothing_is_on_after_the_handshake() -> None:
    bed = Bedside()
    bed.twin._write_outputs(0, 0x3FFF & ~DO0)
    bed.connect()
    assert bed.twin._state == 0
    assert bed.twin._values["EventEnable"] == 1
    assert bed.twin._values["OutputPulseEnable"] == DO0 | SUPPLY


@pytest.mark.parametrize("duration_s", [0.001, 0.02, 0.5, 1.5])
def test_the_board_ends_its_pulse_n_to_n_and_1_ms_after_it_began(duration_s: float) -> None:
    bed = Bedside()
    driver = bed.connect()
    bed.run(driver, 100_300)
    driver.pulse(Shock(1, 0.4, duration_s), bed.now_us)
    events = bed.run(driver, 2_500_000)
    (told,) = [event for event in events if isinstance(event, ShockEnded)]
    (felt,) = [what for _, what in bed.twin.take_happenings() if isinstance(what, ShockEnded)]
    assert told.duration_us == round(duration_s * 1e6)
    assert told.duration_us <= felt.duration_us <= told.duration_us + 1_000
    assert felt.delivered_ma == 0.4
    assert not any(isinstance(event, Faulted) for event in events)


def test_no_word_from_the_host_and_the_pulse_ends_all_the_same() -> None:
    bed = Bedside()
    driver = bed.connect()
    driver.pulse(Shock(1, 0.4, 2.0), bed.now_us)
    bed.run(driver, 100_000)
    assert bed.twin.gate_open
    bed.twin.advance(2_101_000)
    assert not bed.twin.gate_open


def test_a_board_that_restarts_lets_go_of_its_lines_and_is_found_out() -> None:
    bed = Bedside()
    driver = bed.connect()
    driver.pulse(Shock(1, 0.4, 2.0), bed.now_us)
    bed.run(driver, 1_000_000)
    bed.twin.restart(bed.now_us)
    assert not bed.twin.gate_open
    events = bed.run(driver, 3_500_000)
    assert "is not active any more; it may have restarted" in causes(events)
    assert any(isinstance(event, ShockEnded) and event.cause == "interrupted" for event in events)


@pytest.mark.parametrize(("grid", "percent", "ma"), [("sound", 0, 0.4), ("open", 0, 0.0), ("sound", 10, 0.44)])
def test_the_twin_gives_what_its_grid_lets_through(grid: str, percent: float, ma: float) -> None:
    bed = Bedside(grid=grid, delivered_percent=percent)
    driver = bed.connect()
    driver.pulse(Shock(1, 0.4, 0.5), bed.now_us)
    bed.run(driver, 1_000_000)
    (felt,) = [what for _, what in bed.twin.take_happenings() if isinstance(what, ShockEnded)]
    assert felt.delivered_ma == pytest.approx(ma)


def test_a_mistaken_level_of_the_current_line_is_said_before_the_session() -> None:
    wrong = PARALLEL.model_copy(update={"delivered": Input(input="DI3", active="high")})
    bed = Bedside(PARALLEL)
    bed.shocker = wrong
    with pytest.raises(
        Failure, match=r'DI3 says that current flows though nothing is on.*shocker.delivered: active = "low"'
    ):
        bed.connect()


def test_a_stuck_lever_and_a_jam_are_seen() -> None:
    bed = Bedside(board=BOARD.model_copy(update={"pellet": Pellet(sensor=Input(input="DI3"))}))
    driver = bed.connect()
    bed.run(driver, 10_000)
    bed.twin.suffer(Faults(stuck_lever="left", feeder_jam=True), bed.now_us)
    driver.send(Deliver(1), bed.now_us)
    events = bed.run(driver, 1_200_000)
    assert LeverPressed in map(type, events)
    assert "its feeder is jammed: it ran and nothing arrived" in causes(events)


def test_the_lines_of_rig_and_board_are_the_same() -> None:
    masks = device_map(KIND).module
    assert [int(bit) for bit in masks.DigitalOutputs] == list(LINES)
    assert [bit.name.replace("_", "").lower() for bit in masks.DigitalOutputs] == [
        line.lower() for line in LINES.values()
    ]
    for line in LINES.values():
        assert f"Pulse{line}" in device_map(KIND).registers
