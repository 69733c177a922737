"""The apparatus of a live session: a chamber's devices on real ports, and the computer's monotonic clock.

One thread runs the session and waits for the ports itself: a thread between the wire and the core would cost more time
than all that they do. Whoever asks for the end, types a note, or reads a port that cannot be waited for only puts into
one inbox, which is safe in a signal handler too; so nothing ever interrupts `handle`.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec.structs import replace

from behavior.devices.chamber import ConnectedChamber
from behavior.devices.inbox import Inbox
from behavior.model.commands import Command, SetRecording
from behavior.model.events import Event, Faulted, LinkLost, Noted, Stopped
from behavior.session.recording import Recorder

SETTLE_US = 300_000
SETTLE_SOUND_US = 5_000_000
LONGEST_WAIT_US = 100_000
"""The loop looks up at least this often."""


def monotonic_clock(start_ns: int) -> Callable[[], int]:
    """A clock that began at `start_ns` of `time.monotonic_ns`: µs, untouched when somebody sets the computer's time."""
    return lambda: (time.monotonic_ns() - start_ns) // 1000


class LiveApparatus:
    """A chamber's devices in real time. When this is made, session time is `start_us`.

    Parameters
    ----------
    chamber : connected devices, handshake done
    clock_us : the clock that they were connected by; any zero
    recorder : for paradigms that record
    watch : called after every happening and now and then, with the time; must be quick, may fail, changes nothing
    start_us : 0, or for a session that is resumed how long it is since its start

    Attributes
    ----------
    heard_us : when each device was last heard of, whatever it said; session time
    looked_us : when `wait` last came round; session time
    """

    def __init__(
        self,
        chamber: ConnectedChamber,
        clock_us: Callable[[], int],
        recorder: Recorder | None = None,
        watch: Callable[[int], None] = lambda now_us: None,
        start_us: int = 0,
    ) -> None:
        self._chamber, self._clock_us, self._recorder, self._watch = chamber, clock_us, recorder, watch
        self._start_us, self.zero_us = start_us, clock_us() - start_us
        self._inbox: Inbox[tuple[str, bytes, int] | Event] = Inbox()
        self._recorded: list[Event] = []
        self.heard_us: dict[str, int] = {}
        self.looked_us = start_us
        chamber.start_readers(self._inbox, clock_us)

    def now_us(self) -> int:
        """Session time."""
        return self._clock_us() - self.zero_us

    def stop(self, by: str) -> None:
        """Ask for the end; may be called from anywhere, a signal handler included."""
        self._inbox.put(Stopped(self.now_us(), by))

    def note(self, text: str) -> None:
        """Write something into the journal."""
        self._inbox.put(Noted(self.now_us(), text))

    def send(self, command: Command) -> None:
        """Carry out a command."""
        if isinstance(command, SetRecording) and self._recorder is not None:
            now_us = self.now_us()
            event = self._recorder.start(now_us) if command.on else self._recorder.stop(now_us)
            self._recorded += [] if event is None else [event]
        else:
            self._chamber.send(command, self._clock_us())

    def wait(self, until_us: int) -> list[Event]:
        """What came; at the latest after a tenth of a second."""
        events, self._recorded = self._recorded, []
        events += [] if self._recorder is None else self._recorder.heard()
        now_us, due_us = self.now_us(), min(until_us, self._chamber.next_us - self.zero_us)
        ports = self._chamber.ports
        for port in self._inbox.wait(ports, 0.0 if events else min(due_us - now_us, LONGEST_WAIT_US) / 1e6):
            if (data := self._chamber.read(ports[port])) is not None:
                events += self._meaning((ports[port], data, self._clock_us()))
        for happening in self._inbox.take():
            events += self._meaning(happening)
        if (link_us := self._clock_us()) >= self._chamber.next_us:
            events += self._in_session(self._chamber.tick(link_us))
        self.looked_us = self.now_us()
        self._watch(self.looked_us)
        return events

    def settle(self) -> list[Event]:
        """What the devices still report within 0.3 s, and what is still to come of a recording that was stopped."""
        events, until_us = [], self.now_us() + SETTLE_US
        last_us = until_us + SETTLE_SOUND_US
        self._chamber.look_around(self._clock_us())
        while self.now_us() < until_us or (self._recording_settles() and self.now_us() < last_us):
            events += self.wait(last_us)
        events += self.wait(self.now_us())  # of a computer that was held up: what has come is read before it is missed
        return events + self._in_session(self._chamber.last_words(self._clock_us()))

    def _recording_settles(self) -> bool:
        return self._recorder is not None and self._recorder.busy

    def close(self) -> None:
        """Leave everything off and let go of the ports."""
        self._chamber.close()
        self._inbox.close()

    def _meaning(self, happening: tuple[str, bytes, int] | Event) -> list[Event]:
        if isinstance(happening, Event):
            return [happening]
        name, data, host_us = happening
        if data:
            self.heard_us[name] = host_us - self.zero_us
        return self._in_session(self._chamber.receive(name, data, host_us))

    def _in_session(self, events: list[Event]) -> list[Event]:
        """What devices report, on the session's clock.

        What an animal did before the session is no event of it. What is wrong with a device is, since whenever.
        """
        placed = [replace(event, at_us=event.at_us - self.zero_us) for event in events]
        return [
            event if event.at_us >= self._start_us else replace(event, at_us=self._start_us)
            for event in placed
            if event.at_us >= self._start_us or isinstance(event, Faulted | LinkLost)
        ]
