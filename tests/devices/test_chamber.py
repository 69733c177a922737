"""All devices of a chamber behind one door, in virtual time and with reader threads."""

from __future__ import annotations

import threading
from dataclasses import replace
from queue import Empty, SimpleQueue

import pytest

from behavior.devices.chamber import ConnectedChamber
from behavior.devices.driver import Driver
from behavior.devices.handshake import connect
from behavior.devices.operant_chamber import OperantChamber
from behavior.devices.transport import MemoryTransport, TransportLost
from behavior.model.commands import Command, Deliver, EndSession, SetCue, SetGate, SetLever, Shock, StopShock
from behavior.model.errors import Failure
from behavior.model.events import Delivered, Event, LeverPressed, LinkLost, LinkRestored, ShockEnded, ShockStarted
from behavior.simulate.devices import SimulatedOperantChamber, SimulatedShockController, in_memory
from devices.dialogue import but_disturbed, frame, plain_clock


class World:
    """A chamber with both devices, in virtual time."""

    def __init__(self) -> None:
        self.now_us = 0
        self.grid, self.box = SimulatedShockController("01"), SimulatedOperantChamber("02")
        self.transports: dict[str, MemoryTransport] = {}
        devices = []
        for name, device in (("grid", self.grid), ("box", self.box)):
            transport = in_memory(device, lambda: self.now_us)
            transport.open()
            self.transports[name] = transport
            devices.append((connect(name, device.kind, transport, lambda: self.now_us)[0], transport))
        self.chamber = ConnectedChamber(devices)

    def send(self, *commands: Command) -> None:
        for command in commands:
            assert self.chamber.send(command, self.now_us), command

    def until(self, end_us: int) -> list[Event]:
        """Let time pass, as a runner in virtual time does."""
        events = self.chamber.poll(self.now_us)
        while True:
            due_us = min(self.chamber.next_us, self.grid.next_us, self.box.next_us)
            self.now_us = max(self.now_us, min(due_us, end_us))
            for device in (self.grid, self.box):
                device.advance(self.now_us)  # one that is unplugged lives on, and nobody reads it
            events += self.chamber.poll(self.now_us)
            if due_us > end_us:
                return events


def test_each_command_finds_its_device() -> None:
    world = World()
    world.send(SetLever("left", out=True), SetCue("tone", on=True), Deliver(1), Shock(1, 0.4, 0.25))
    events = world.until(1_000_000)
    assert [type(event) for event in events] == [ShockStarted, Delivered, ShockEnded]
    assert events[-1] == ShockEnded(events[-1].at_us, 1, 250_000, 0.4, "completed")
    assert events[-1].at_us - events[0].at_us == pytest.approx(250_000, abs=32)
    assert [happening for _, happening in world.box.take_happenings()][:2] == [
        SetLever("left", out=True),
        SetCue("tone", on=True),
    ]


def test_the_animals_press_comes_with_its_own_time() -> None:
    world = World()
    world.send(SetLever("left", out=True))
    world.until(1_234_567)
    assert world.box.press("left", world.now_us)
    (event,) = world.until(1_300_000)
    assert isinstance(event, LeverPressed)
    assert event.at_us == pytest.approx(1_234_567, abs=33)


# ---- a device that comes back


class Inbox:
    """What threads put, to be taken by the test."""

    def __init__(self) -> None:
        self.items: SimpleQueue[tuple[str, bytes, int]] = SimpleQueue()

    def put(self, item: tuple[str, bytes, int], /) -> None:
        self.items.put(item)


def followed(world: World, found: list[bool]) -> tuple[ConnectedChamber, Inbox, list[str]]:
    """A chamber whose box can be found again when the list says so."""
    asked: list[str] = []

    def relink(name: str, before: Driver) -> tuple[Driver, MemoryTransport]:
        asked.append(name)
        if not found or not found.pop(0):
            raise Failure("not there")
        world.box.suffer(replace(world.box.faults, unplugged=False, lost=0.0), world.now_us)
        transport = in_memory(world.box, lambda: world.now_us)
        transport.open()
        assert isinstance(before, OperantChamber)
        given = {"resumed": True, "n_issued": before.n_issued}
        return connect(name, "operant_chamber", transport, lambda: world.now_us, **given)[0], transport  # type: ignore[arg-type]

    devices = [(device.driver, device.transport) for device in world.chamber._devices.values()]
    chamber, inbox = ConnectedChamber(devices, relink, patience_s=0.5), Inbox()
    chamber._queue = inbox  # as start_readers does, without threads that read a memory
    return chamber, inbox, asked


def test_a_device_that_is_unplugged_is_looked_for_and_taken_back() -> None:
    world = World()
    chamber, inbox, asked = followed(world, [False, True])
    chamber.send(Deliver(1), 0)
    chamber.poll(0)
    world.now_us = 1_000_000
    world.box.suffer(replace(world.box.faults, unplugged=True), world.now_us)
    assert LinkLost(1_000_000, "box", followed=True) in chamber.poll(world.now_us)
    assert not any(isinstance(event, LinkLost) for event in chamber.poll(world.now_us)), "it is said once"
    name, data, _ = inbox.items.get(timeout=60)
    assert (name, data, asked) == ("box", b"", ["box", "box"])
    world.now_us = 2_000_000
    assert chamber.receive(name, data, world.now_us) == [LinkRestored(2_000_000, "box")]
    chamber.send(SetLever("left", out=True), world.now_us)
    chamber.send(Deliver(2), world.now_us)
    chamber.poll(world.now_us)
    assert world.box.lever_out("left")
    assert world.box._value("DeliveryCount") == 2, "it goes on counting where it was"
    chamber.close()


def test_a_device_that_does_not_come_back_is_given_up() -> None:
    world = World()
    chamber, inbox, asked = followed(world, [])
    world.box.suffer(replace(world.box.faults, unplugged=True), 0)
    assert LinkLost(0, "box", followed=True) in chamber.poll(0)
    name, data, _ = inbox.items.get(timeout=60)
    assert chamber.receive(name, data, 9) == [LinkLost(9, "box")]
    assert len(asked) >= 2
    chamber.close()


def test_a_driver_that_hears_nothing_more_has_its_device_looked_for() -> None:
    world = World()
    chamber, inbox, _ = followed(world, [True])
    world.box.suffer(replace(world.box.faults, lost=1.0), 0)
    events: list[Event] = []
    while not any(isinstance(event, LinkLost) for event in events):
        world.now_us += 100_000
        events += chamber.poll(world.now_us)
        assert world.now_us < 10_000_000
    assert LinkLost(world.now_us, "box", followed=True) in events
    name, data, _ = inbox.items.get(timeout=60)
    assert chamber.receive(name, data, world.now_us) == [LinkRestored(world.now_us, "box")]
    chamber.close()


def test_a_chamber_that_closes_stops_looking() -> None:
    world = World()
    chamber, _, _ = followed(world, [])
    world.box.suffer(replace(world.box.faults, unplugged=True), 0)
    chamber.poll(0)
    chamber.close()
    assert not any(thread.name == "look for box" for thread in threading.enumerate())


def test_a_device_that_was_found_as_the_chamber_closes_is_calmed_and_let_go_of() -> None:
    world = World()
    chamber, inbox, _ = followed(world, [True])
    world.box.suffer(replace(world.box.faults, unplugged=True), 0)
    chamber.poll(0)
    inbox.items.get(timeout=60)
    assert world.box.active, "found and made ready, and nobody has taken it yet"
    back = chamber._devices["box"].back
    assert back is not None
    chamber.close()
    assert not world.box.active
    with pytest.raises(TransportLost):
        back[1].read()


@pytest.mark.parametrize("command", [SetCue("smell", on=True), SetGate(open=True), EndSession("over")], ids=str)
def test_what_no_device_takes_is_said_so(command: Command) -> None:
    world = World()
    assert not world.chamber.takes(command)
    assert not world.chamber.send(command, 0)


def test_a_lost_device_is_told_once_and_the_other_goes_on() -> None:
    world = World()
    world.send(SetLever("left", out=True))
    world.until(2_000_000)
    world.grid.suffer(replace(world.grid.faults, unplugged=True), world.now_us)
    events = world.until(20_000_000)
    assert events == [LinkLost(events[0].at_us, "grid")]
    world.box.press("left", world.now_us)
    assert [type(event) for event in world.until(21_000_000)] == [LeverPressed]
    world.send(StopShock())


def test_silence_on_the_line_is_a_lost_link_too() -> None:
    world = World()
    world.until(2_000_000)
    world.grid.suffer(replace(world.grid.faults, lost=1.0), world.now_us)
    assert but_disturbed(world.until(20_000_000)) == [LinkLost(3_600_000, "grid")]


def test_closing_leaves_everything_off() -> None:
    world = World()
    world.send(SetLever("left", out=True), SetCue("house_light", on=True), Shock(1, 0.4, 20.0))
    world.until(1_000_000)
    assert world.grid.gate_open
    world.chamber.close()
    assert not (world.grid.gate_open or world.box.lever_out("left"))
    assert not (world.grid.active or world.box.active)


def test_closing_with_one_device_gone_calms_the_other() -> None:
    world = World()
    world.send(SetCue("house_light", on=True), Shock(1, 0.4, 20.0))
    world.until(1_000_000)
    world.box.suffer(replace(world.box.faults, unplugged=True), world.now_us)
    world.chamber.close()
    assert not world.grid.gate_open
    world.box.advance(5_000_000)
    assert world.box._value("OutputState") == 0, "by its own watchdog"


def test_clocks_are_known_for_the_footer() -> None:
    world = World()
    world.until(60_000_000)
    fits = world.chamber.clock_fits()
    assert set(fits) == {"grid", "box"}
    assert all(abs(fit.offset_us) <= 32 and fit.uncertainty_us <= 16 and fit.n_answers > 100 for fit in fits.values())


class Wire:
    """A transport whose reader waits, as at a real port; the test says what arrives."""

    name, instant = "wire", False

    def __init__(self) -> None:
        self.arriving: SimpleQueue[bytes | None] = SimpleQueue()
        self.written = b""
        self.is_open = True

    def open(self) -> None: ...

    def close(self) -> None:
        self.is_open = False

    def write(self, data: bytes) -> None:
        self.written += data

    def fileno(self) -> None: ...

    def read(self) -> bytes:
        try:
            data = self.arriving.get(timeout=0.02)
        except Empty:
            return b""
        if data is None:
            raise TransportLost("wire: cut")
        return data


def test_readers_put_bytes_with_their_time_into_the_queue_and_end_with_the_chamber() -> None:
    wire, queue = Wire(), SimpleQueue[tuple[str, bytes, int]]()
    chamber = ConnectedChamber([(OperantChamber("box", plain_clock(), 0), wire)])
    chamber.start_readers(queue, lambda: 1_234)
    pressed = frame("operant_chamber", "event Inputs", 1, at_us=960)
    for part in (pressed[:5], pressed[5:]):
        wire.arriving.put(part)
    events = [chamber.receive(*queue.get(timeout=60)) for _ in range(2)]
    assert events == [[], [LeverPressed(960, "left")]]
    n_threads = threading.active_count()
    chamber.close()
    assert threading.active_count() == n_threads - 1
    assert not wire.is_open
    assert wire.written.endswith(frame("operant_chamber", "write OperationControl", 0))


def test_a_reader_whose_port_fails_says_so_with_no_bytes() -> None:
    wire, queue = Wire(), SimpleQueue[tuple[str, bytes, int]]()
    chamber = ConnectedChamber([(OperantChamber("box", plain_clock(), 0), wire)])
    chamber.start_readers(queue, lambda: 7)
    wire.arriving.put(None)
    assert queue.get(timeout=60) == ("box", b"", 7)
    assert chamber.receive("box", b"", 7) == [LinkLost(7, "box")]
    assert chamber.receive("box", b"", 8) == []
    assert chamber.tick(60_000_000) == [], "it is lost already"
    chamber.close()


def test_the_runner_in_real_time_ticks_and_writes() -> None:
    wire = Wire()
    chamber = ConnectedChamber([(OperantChamber("box", plain_clock(), 0), wire)])
    assert chamber.next_us == 0
    assert chamber.tick(0) == []
    assert wire.written == frame("operant_chamber", "read OperationControl")
    assert chamber.next_us == 400_000
