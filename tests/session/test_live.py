"""The live apparatus with a chamber that the test plays: one queue, session time from zero, an end from anywhere.

A real clock runs here, and nothing is asserted about it.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from behavior.app.run import stoppable
from behavior.devices.inbox import Inbox
from behavior.model.commands import Command, SetRecording, Shock, StopShock
from behavior.model.events import (
    Event,
    Faulted,
    LeverPressed,
    Noted,
    RecordingEnded,
    RecordingStarted,
    ShockEnded,
    Stopped,
    TimerFired,
)
from behavior.session.core import NEVER
from behavior.session.live import LiveApparatus, monotonic_clock
from behavior.session.replay import replay
from behavior.session.runner import run
from session.test_replay import state
from session.worlds import SHORT, Lines, core_of, numbered, still_on

LINK_ZERO_US = 5_000_000
"""The devices were connected this long before the session."""


class PlayedChamber:
    """Stands for connected devices: events come in by name of what they are, as late as the test likes."""

    next_us = NEVER
    ports: dict[int, str] = {}

    def look_around(self, now_us: int) -> None:
        """All is well."""

    def last_words(self, now_us: int) -> list[Event]:
        return []

    def __init__(self, clock_us: Callable[[], int]) -> None:
        self.sent: list[tuple[Command, int]] = []
        self.closed = False
        self._clock_us = clock_us
        self._events: list[Event] = []
        self.queue: Inbox[Any]

    def start_readers(self, queue: Inbox[Any], clock_us: Callable[[], int]) -> None:
        self.queue = queue

    def play(self, event: Event) -> None:
        self._events.append(event)
        self.queue.put(("device", b"%d" % (len(self._events) - 1), self._clock_us()))

    def receive(self, name: str, data: bytes, host_us: int) -> list[Event]:
        return [self._events[int(data)]]

    def send(self, command: Command, now_us: int) -> bool:
        self.sent.append((command, now_us))
        if isinstance(command, Shock):
            end_us = now_us + round(command.duration_s * 1e6)
            threading.Timer(
                command.duration_s, lambda: self.play(ShockEnded(end_us, command.number, 0, command.ma, "completed"))
            ).start()
        return True

    def tick(self, now_us: int) -> list[Event]:
        return []

    def close(self) -> None:
        self.closed = True


OPEN: list[LiveApparatus] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def connected(recorder: object = None) -> tuple[PlayedChamber, LiveApparatus]:
    clock_us = monotonic_clock(time.monotonic_ns() - LINK_ZERO_US * 1000)
    chamber = PlayedChamber(clock_us)
    OPEN.append(LiveApparatus(chamber, clock_us, recorder))  # type: ignore[arg-type]
    return chamber, OPEN[-1]


@pytest.mark.parametrize("name", sorted(SHORT))
@pytest.mark.parametrize("seed", range(2))
def test_a_live_session_replays_exactly_from_any_line(name: str, seed: int) -> None:
    chamber, apparatus = connected()
    journal, done = Lines(), threading.Event()

    def animal() -> None:
        random = Random(seed + 100)
        while not done.is_set():
            time.sleep(random.expovariate(800))
            at_us = apparatus.now_us() + LINK_ZERO_US - random.randrange(1500)  # up to 1.5 ms on the way
            chamber.play(LeverPressed(at_us, "left"))

    thread = threading.Thread(target=animal)
    thread.start()
    core = core_of(name, seed=seed)
    try:
        run(core, apparatus, journal.record)
    finally:
        done.set()
        thread.join()
    items = journal.items
    assert still_on(items) == set()
    assert any(isinstance(item, TimerFired) for item in items)
    events = [item for item in items if isinstance(item, Event)]
    for cut in range(len(items) + 1):
        again = core_of(name, seed=seed)
        rebuilt = items[:cut] + replay(again, numbered(items[:cut]))
        for event in events[sum(isinstance(item, Event) for item in items[:cut]) :]:
            rebuilt += [event, *again.handle(event)]
        assert rebuilt == items
        assert state(again) == state(core)


def test_session_time_begins_at_zero_and_what_was_before_it_is_no_event() -> None:
    chamber, apparatus = connected()
    chamber.play(LeverPressed(LINK_ZERO_US - 10_000_000, "left"))
    chamber.play(LeverPressed(apparatus.zero_us + 250, "left"))
    assert apparatus.wait(NEVER) == [LeverPressed(250, "left")]
    assert 0 <= apparatus.now_us() < LINK_ZERO_US


def test_a_fault_from_before_the_session_is_an_event_of_it() -> None:
    chamber, apparatus = connected()
    chamber.play(Faulted(LINK_ZERO_US - 2_000_000, "shocker", "its watchdog ended"))
    assert apparatus.wait(NEVER) == [Faulted(0, "shocker", "its watchdog ended")]


def test_commands_reach_the_chamber_on_its_own_clock() -> None:
    chamber, apparatus = connected()
    apparatus.send(StopShock())
    ((command, at_us),) = chamber.sent
    assert command == StopShock()
    assert at_us >= apparatus.zero_us


def test_a_stop_and_a_note_come_from_anywhere() -> None:
    _, apparatus = connected()
    thread = threading.Thread(target=lambda: (apparatus.note("wet bedding"), apparatus.stop("a button")))
    thread.start()
    thread.join()
    noted, stopped = apparatus.wait(NEVER)
    assert isinstance(noted, Noted)
    assert noted.text == "wet bedding"
    assert isinstance(stopped, Stopped)
    assert stopped.by == "a button"


def test_a_signal_becomes_a_stop_and_the_handlers_are_given_back() -> None:
    _, apparatus = connected()
    before = signal.getsignal(signal.SIGTERM)
    with stoppable(apparatus):
        signal.raise_signal(signal.SIGTERM)
        (event,) = apparatus.wait(NEVER)
    assert isinstance(event, Stopped)
    assert event.by == "the experimenter (SIGTERM)"
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_recording_is_the_recorders_and_its_events_come_back() -> None:
    class Recorder:
        busy = False

        def heard(self) -> list[Event]:
            return []

        def start(self, at_us: int) -> RecordingStarted:
            return RecordingStarted(at_us, "audio.wav", 250_000)

        def stop(self, at_us: int) -> RecordingEnded:
            return RecordingEnded(at_us, 7, 0)

    chamber, apparatus = connected(Recorder())
    apparatus.send(SetRecording(on=True))
    apparatus.send(SetRecording(on=False))
    assert [type(event) for event in apparatus.wait(NEVER)] == [RecordingStarted, RecordingEnded]
    assert chamber.sent == []


def test_closing_closes_the_chamber() -> None:
    chamber, apparatus = connected()
    apparatus.close()
    assert chamber.closed
