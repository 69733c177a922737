"""Line shockers: both public dialects, byte for byte, and what becomes of answers that do not come or are others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config import read_text
from behavior.config.dialect import Dialect, Frame
from behavior.config.rig import Device
from behavior.config.wiring import Shocker
from behavior.devices.ceilings import Ceilings
from behavior.devices.dialects import Unframing, beyond, dialect_of, framed, matches
from behavior.devices.line_shocker import LineShocker, connect_line
from behavior.devices.shockers import Timer
from behavior.model.commands import Shock, StopShock
from behavior.model.errors import BadInput, Failure
from behavior.model.events import Event, Faulted, LinkLost, ShockEnded, ShockStarted
from behavior.simulate.devices import in_memory
from behavior.simulate.line_shocker import SimulatedLineShocker
from behavior.simulate.twin import Faults
from devices.test_shockers import Pulses

HSCK = Device(
    name="it",
    kind="line_shocker",
    usb_serial="U",
    shocker=Shocker(dialect="hsck100a-arduino", pulse_timed_by="box", trigger="DO0"),
)
SGC = Device(name="it", kind="line_shocker", usb_serial="U", shocker=Shocker(dialect="sgc", set_ma=0.5))
STATE = "<D:{},1,1,1,-1,-1,0,>\r\n"
"""What the Arduino tells every 50 ms; a data pin that is low is set."""


def pins(ma: float) -> bytes:
    steps = round(ma / 0.02)
    return STATE.format(",".join("0" if steps >> place & 1 else "1" for place in range(8))).encode()


def driver_of(device: Device, timer: Timer | None = None) -> LineShocker:
    dialect = dialect_of(device)
    return LineShocker(device, dialect, Ceilings(max_ma=dialect.limits.max_ma), timer, 0)


@contextmanager
def hsck(now_us: int = 1_000_000) -> Iterator[tuple[LineShocker, Pulses]]:
    """A driver whose device is alive; at the end nothing may be left unsaid but what keeps it alive."""
    timer = Pulses()
    driver = driver_of(HSCK, timer)
    assert driver.receive(pins(0), now_us) == []
    assert driver.take_outgoing() == b"<K:>"
    yield driver, timer
    assert driver.take_outgoing().replace(b"<K:>", b"") == b""


def faults(events: list[Event]) -> list[str]:
    assert all(isinstance(event, Faulted) for event in events), events
    return [event.cause for event in events if isinstance(event, Faulted)]


# ---- the printed vectors

VECTORS = {"W": b"?*W$57#", "R": b"?*R$52#", "A,S": b"?*A,S$C0#", "L,20": b"?*L,20$DA#", "D,1": b"?*D,1$A1#"}


@pytest.mark.parametrize(("body", "bytes_"), [*VECTORS.items(), ("C,+", b"?*C,+$9A#")])
def test_the_checksums_are_the_printed_ones(body: str, bytes_: bytes) -> None:
    frame = dialect_of(SGC).frame
    assert framed(frame, body) == bytes_
    assert Unframing(frame).feed(bytes_) == [body]


def test_what_opens_and_what_ends_an_sgc_is_its_manual() -> None:
    twin = SimulatedLineShocker(dialect_of(SGC), 0.5)
    said = bytearray()
    wire = in_memory(twin, lambda: 0)
    wire.open()
    write = wire.write
    wire.write = lambda data: (said.extend(data), write(data))[1]  # type: ignore[method-assign]
    driver, identity = connect_line(SGC, dialect_of(SGC), wire, lambda: 0, ceilings=Ceilings(), timer=None)
    assert bytes(said) == b"?*R$52#?*W$57#?*L,20$DA#?*D,1$A1#?*C,+$9A#"
    assert driver.calm() == b"?*R$52#"
    assert identity.device_name == "sgc"
    assert twin.unknown == []


# ---- the dialogues


def test_an_sgc_gives_its_own_pulse_and_nobody_verifies_it() -> None:
    driver = driver_of(SGC)
    driver.send(Shock(1, 0.5, 0.0002), 1_000_000)
    assert driver.take_outgoing() == b"?*A,S$C0#"
    assert driver.tick(1_000_000) == [ShockStarted(1_000_000, 1)]
    assert driver.next_us == 1_000_200
    assert driver.tick(1_000_200) == [ShockEnded(1_000_200, 1, 200, None, "assumed")]
    driver.send(StopShock(), 2_000_000)
    assert driver.take_outgoing() == b"?*R$52#"
    assert driver.tick(2_000_000) == []


def test_a_current_is_set_answered_and_reported_before_the_pulse() -> None:
    with hsck() as (driver, timer):
        driver.send(Shock(1, 0.58, 0.5), 1_000_000)
        assert driver.take_outgoing() == b"<C:0.585>"
        assert driver.receive(pins(0), 1_010_000) == []
        assert driver.receive(b"<S:Current set to 0.58mA>\r\n", 1_020_000) == []
        assert timer.given == [], "the pins that were reported before are the old ones"
        assert driver.receive(pins(0.58), 1_050_000) == []
        assert timer.given == [(Shock(1, 0.58, 0.5), None)]


def test_a_current_that_it_reports_already_is_not_waited_for() -> None:
    with hsck() as (driver, timer):
        driver.receive(pins(0.4), 1_040_000)
        driver.send(Shock(1, 0.4, 0.5), 1_050_000)
        assert driver.take_outgoing() == b"<C:0.405>"
        driver.receive(b"<S:Current set to 0.41mA>", 1_055_000)
        assert len(timer.given) == 1


def test_another_current_than_was_set_is_a_fault_and_no_pulse() -> None:
    with hsck() as (driver, timer):
        driver.send(Shock(1, 0.58, 0.5), 1_000_000)
        driver.take_outgoing()
        driver.receive(b"<S:Current set to 0.58mA>", 1_020_000)
        driver.receive(pins(0.56), 1_050_000)
        assert faults(driver.receive(pins(0.56), 1_600_000)) == ["was set to 0.58 mA and reports 0.56 mA"]
        assert timer.given == []
        driver.receive(pins(0.58), 1_650_000)
        assert timer.given == [], "a shock that was given up is not given late"
        driver.take_outgoing()


def test_a_refusal_is_a_fault_and_no_pulse() -> None:
    with hsck() as (driver, timer):
        driver.send(Shock(1, 0.4, 0.5), 1_000_000)
        driver.take_outgoing()
        assert faults(driver.receive(b"<E:Current must be 0.0-1.0mA>", 1_010_000)) == [
            "refused what it was told ('E:Current must be 0.0-1.0mA')"
        ]
        assert timer.given == []


def test_what_sets_something_is_said_once_more_and_then_given_up() -> None:
    with hsck() as (driver, timer):
        driver.send(Shock(1, 0.4, 0.5), 1_000_000)
        assert driver.take_outgoing() == b"<C:0.405>"
        driver.receive(pins(0), 1_500_000)
        assert driver.take_outgoing() == b"<K:><C:0.405>"
        assert faults(driver.receive(pins(0), 2_000_000)) == ["did not answer to 'C:0.405'"]
        assert timer.given == []


def test_stop_drops_what_waits_and_stops_the_timer() -> None:
    with hsck() as (driver, timer):
        driver.send(Shock(1, 0.4, 0.5), 1_000_000)
        driver.take_outgoing()
        driver.send(StopShock(), 1_010_000)
        driver.receive(b"<S:Current set to 0.41mA>" + pins(0.4), 1_020_000)
        assert (timer.given, timer.n_stopped) == ([], 1)


def test_a_second_shock_before_the_first_is_a_fault() -> None:
    with hsck() as (driver, _):
        driver.send(Shock(1, 0.4, 0.5), 1_000_000)
        driver.send(Shock(2, 0.4, 0.5), 1_010_000)
        assert faults(driver.tick(1_010_000)) == ["shock 2 was asked for before shock 1 was over"]
        driver.take_outgoing()


@pytest.mark.parametrize(("ma", "why"), [
    (1.2, "cannot give 1.2 mA: it gives 1 mA at most"),
    (0.41, "cannot give 0.41 mA: its steps are 0.02 mA"),
])  # fmt: skip
def test_a_current_that_it_cannot_give(ma: float, why: str) -> None:
    with hsck() as (driver, timer):
        driver.send(Shock(1, ma, 0.5), 1_000_000)
        assert faults(driver.tick(1_000_000)) == [why]
        assert timer.given == []


def test_the_ceilings_hold_here_too() -> None:
    driver = LineShocker(HSCK, dialect_of(HSCK), Ceilings(max_ma=0.2), Pulses(), 0)
    driver.send(Shock(1, 0.4, 0.5), 0)
    assert faults(driver.tick(0)) == ["cannot give 0.4 mA"]


def test_a_shocker_that_reports_no_more_is_lost() -> None:
    with hsck() as (driver, _):
        assert driver.tick(2_400_000) == []
        assert driver.tick(2_500_000) == [LinkLost(2_500_000, "it")]
        assert driver.tick(9_000_000) == []
        driver.take_outgoing()


def test_the_keep_alive_comes_in_time() -> None:
    driver = driver_of(HSCK, Pulses())
    driver.receive(pins(0), 0)
    said = 0
    for now_us in range(0, 1_000_000, 50_000):
        driver.receive(pins(0), now_us)
        said += driver.take_outgoing().count(b"<K:>")
    assert said == 4
    assert driver.calm() == b"<X:><C:0>"


# ---- a table of one's own

TOY = """
name = "toy"
source = "here"
baud = 9600
frame = { end = "\\r\\n" }
limits = { max_ma = 2.0, step_ma = 0.1, max_single_s = 5.0 }
set_current = { send = "I {ua}", reply = "I {ua} OK" }
set_duration = { send = "T {ms}", reply = "T {ms} OK" }
pulse = { send = "GO", reply = "ON" }
stop = { send = "X", reply = "OFF" }
errors = ["ERR*"]
"""


def toy() -> tuple[LineShocker, Dialect]:
    device = Device(name="it", kind="line_shocker", usb_serial="U", shocker=Shocker(dialect="toy"))
    dialect = read_text(TOY, Dialect)
    return LineShocker(device, dialect, Ceilings(), None, 0), dialect


def test_a_shocker_that_does_it_all_says_one_thing_at_a_time() -> None:
    driver, _ = toy()
    driver.send(Shock(1, 0.5, 0.25), 0)
    assert driver.take_outgoing() == b"I 500\r\n"
    driver.receive(b"I 500 OK\r\n", 1_000)
    assert driver.take_outgoing() == b"T 250\r\n"
    driver.receive(b"T 250 OK\r\n", 2_000)
    assert driver.take_outgoing() == b"GO\r\n"
    assert driver.receive(b"ON\r\n", 3_000) == [ShockStarted(3_000, 1)]
    driver.send(StopShock(), 103_000)
    assert driver.take_outgoing() == b"X\r\n"
    assert driver.tick(103_000) == [ShockEnded(103_000, 1, 100_000, None, "stopped")]
    driver.receive(b"OFF\r\n", 104_000)
    assert driver.tick(9_000_000) == []


def test_a_pulse_is_never_asked_for_again() -> None:
    driver, _ = toy()
    driver.send(Shock(1, 0.5, 0.25), 0)
    driver.receive(b"I 500 OK\r\n", 1_000)
    driver.receive(b"T 250 OK\r\n", 2_000)
    assert driver.take_outgoing().endswith(b"GO\r\n")
    assert faults(driver.tick(502_000)) == ["did not answer to 'GO'"]
    assert driver.take_outgoing() == b""


def test_an_answer_with_another_value_is_none() -> None:
    driver, _ = toy()
    driver.send(Shock(1, 0.5, 0.25), 0)
    driver.take_outgoing()
    driver.receive(b"I 400 OK\r\n", 1_000)
    assert driver.take_outgoing() == b""


@pytest.mark.parametrize(("ma", "s", "why"), [
    (0.5, 6.0, "cannot give 6 s: its pulses are 5 s at most"),
    (2.5, 1.0, "cannot give 2.5 mA: it gives 2 mA at most"),
])  # fmt: skip
def test_what_a_table_allows(ma: float, s: float, why: str) -> None:
    driver, dialect = toy()
    assert beyond(dialect, driver._device, ma, s) == why


def test_codes_are_the_only_currents() -> None:
    text = TOY.replace('send = "I {ua}", reply = "I {ua} OK"', 'send = "{code}"') + 'codes = { "0.5" = "A,5" }\n'
    dialect, (driver, _) = read_text(text, Dialect), toy()
    assert beyond(dialect, driver._device, 0.5, 1.0) == ""
    assert beyond(dialect, driver._device, 0.6, 1.0) == "cannot give 0.6 mA: it has no code for it"


# ---- what a rig may ask


@pytest.mark.parametrize(("shocker", "sentence"), [
    ({"dialect": "hsck100a-arduino"}, "does not end its own pulses, and the computer must not; name the device"),
    ({"dialect": "sgc"}, "a sgc is set by hand; say to how much, as shocker.set_ma"),
    ({"dialect": "hsck100a-arduino", "pulse_timed_by": "b", "set_ma": 0.4}, "is set by command; leave out shocker.set"),
    ({"dialect": "klingon"}, "klingon: there is no such file, and no shipped one of this name"),
])  # fmt: skip
def test_what_a_rig_may_not_ask_of_a_dialect(shocker: dict[str, object], sentence: str) -> None:
    device = Device(name="it", kind="line_shocker", usb_serial="U", shocker=Shocker(**shocker))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=sentence):
        dialect_of(device)


def test_nothing_that_answers_is_said_with_its_port() -> None:
    dialect = dialect_of(HSCK)
    twin = SimulatedLineShocker(dialect, faults=Faults(lost=1.0))
    wire = in_memory(twin, lambda: 0)
    wire.open()
    with pytest.raises(Failure, match="nothing at simulated line_shocker answers as a hsck100a-arduino at 115200 baud"):
        connect_line(HSCK, dialect, wire, lambda: 0, ceilings=Ceilings(), timer=Pulses())


# ---- framing

BODIES = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="<>#$?*"), min_size=1)
FRAMES = st.sampled_from([Frame(start="<", end=">"), dialect_of(SGC).frame, Frame(end="\r\n")])


@given(FRAMES, st.lists(BODIES, max_size=5), st.integers(1, 7))
def test_messages_come_out_as_they_went_in_whatever_the_cuts(frame: Frame, bodies: list[str], cut: int) -> None:
    data = b"".join(framed(frame, body) for body in bodies)
    unframing = Unframing(frame)
    assert [one for at in range(0, len(data), cut) for one in unframing.feed(data[at : at + cut])] == bodies


@given(FRAMES, st.binary(max_size=600), BODIES)
def test_any_bytes_are_survived_and_what_follows_is_heard(frame: Frame, noise: bytes, body: str) -> None:
    unframing = Unframing(frame)
    unframing.feed(noise + frame.end.encode())
    assert unframing.feed(framed(frame, body)) == [body]


@given(BODIES, st.integers(2, 9), st.integers(1, 127))
def test_a_spoiled_byte_spoils_its_message(body: str, place: int, change: int) -> None:
    frame = dialect_of(SGC).frame
    data = bytearray(framed(frame, body))
    place = 2 + place % len(body)
    data[place] ^= change
    if data[place] not in b"#?*$" and data[place] < 128:
        assert Unframing(frame).feed(bytes(data)) == []


@pytest.mark.parametrize(("pattern", "body", "fits"), [
    ("S:Current set to *mA", "S:Current set to 0.58mA", True),
    ("S:Current set to *mA", "E:Current", False),
    ("a[1]?", "a[1]?", True),
    ("a[1]", "a1", False),
])  # fmt: skip
def test_a_star_stands_for_anything_and_nothing_else_does(pattern: str, body: str, fits: bool) -> None:
    assert matches(pattern, body) is fits
