"""What every driver of a Harp device does. No I/O, no clock, no thread: bytes and time in, bytes and events out.

Rules:

1. **A value counts as set when the device has echoed it.** An echo that does not come within 100 ms is asked for once
   more (what is written this way may be written twice without harm); then, or if the device insists on another value,
   the driver reports a fault. An echo that repeats what was in force before is late or doubled, and is passed over.
2. **The link is watched both ways.** Every 400 ms the driver reads one of four registers in turn, so that each answer
   tells which request it belongs to (Harp has no sequence numbers; of several for one register the oldest is answered
   first, and what is older than 1.5 s is no longer waited for). When three in a row and 1.5 s have gone unanswered
   the link is lost; a host that was itself held up has asked less, and loses nothing. The same requests feed the
   device's own watchdog, keep its clock in step, and bring what a damaged event was to bring.
3. **Times are the device's own**, put on session time; never later than when the host heard of them, never going back.
4. **A fault is reported once**, in words, and the driver goes on listening: what the device does is always told.
5. **A wire that is disturbed is said** (`Disturbed`), at once and then at most each second: bytes that make no sense,
   requests without an answer, requests that were repeated. After damaged bytes all that is watched is asked for,
   because an event may have been among them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from behavior.devices.clock import Answer, DeviceClock
from behavior.devices.harp import Framing, Message, read_frame, write_frame
from behavior.devices.registers import device_map
from behavior.model.events import Disturbed, Event, Faulted, LinkLost

if TYPE_CHECKING:
    from behavior.model.commands import Command

KEEP_ALIVE_US = 400_000
LOST_US = 1_500_000
REPLY_US = 100_000
JUMP_US = 100_000
DISTURBED_US = 1_000_000
NEVER = 2**63 - 1
ACTIVE = 1


class Driver(Protocol):
    """What a chamber needs of a driver, whatever its device speaks."""

    name: str

    def takes(self, command: Command) -> bool:
        """Whether this command is for this device."""

    def send(self, command: Command, now_us: int) -> None:
        """Begin to carry out a command."""

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        """What these bytes from the device mean."""

    def tick(self, now_us: int) -> list[Event]:
        """What is due: requests that keep the link alive, time-outs."""

    @property
    def next_us(self) -> int:
        """When `tick` is due."""

    def take_outgoing(self) -> bytes:
        """The bytes that are to go to the device now."""

    def calm(self) -> bytes:
        """The bytes that leave the device with everything off."""


@dataclass(slots=True)
class Wanted:
    """A value on its way into a register."""

    value: int
    echo: int
    stale: set[int]
    sent_us: int
    n_tries: int = 1


class HarpDriver(ABC):
    """The part that all drivers of Harp devices share.

    Parameters
    ----------
    name : what the rig calls the device; events carry it
    clock : the device's clock, set by a few read-backs
    now_us : session time
    """

    kind: ClassVar[str]
    watched: ClassVar[tuple[str, str, str, str]]
    """The four registers that are read in turn."""
    n_tries: ClassVar[dict[str, int]] = {}

    def __init__(self, name: str, clock: DeviceClock, now_us: int) -> None:
        self.name = name
        self.clock = clock
        self.map = device_map(self.kind)
        self._framing = Framing(self.map)
        self._outgoing = bytearray()
        self._events: list[Event] = []
        self._wanted: dict[str, Wanted] = {}
        self._in_force: dict[str, int] = {}
        self._told: set[str] = set()
        self._last_at_us = 0
        self._asked: dict[str, deque[int]] = {}
        self._n_asked = 0
        self._n_unanswered = 0
        self._answered_us = now_us
        self._ask_us = now_us
        self._lost = False
        self._n_repeated = self._n_noise_told = 0
        self._quiet_us, self._tell_us = now_us, now_us
        self._cues: dict[str, int] = {}

    @property
    def cues(self) -> tuple[str, ...]:
        """The names of its lights and tones."""
        return tuple(self._cues)

    @property
    def standing(self) -> dict[str, int]:
        """Registers that are set as soon as the device is Active, and stay so as long as the session lasts."""
        return {}

    # ---- what a chamber calls

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        """What these bytes from the device mean."""
        for message in self._framing.feed(data, now_us):
            self._message(message, now_us)
        self._tell_disturbance(now_us)
        return self._take_events()

    def tick(self, now_us: int) -> list[Event]:
        """What is due: keep-alive requests, time-outs, messages behind a stalled one."""
        for message in self._framing.unstall(now_us):
            self._message(message, now_us)
        self._look_after_link(now_us)
        for register, wanted in list(self._wanted.items()):
            if now_us - wanted.sent_us >= REPLY_US:
                self._try_again(register, wanted, now_us)
        self._due(now_us)
        self._tell_disturbance(now_us)
        return self._take_events()

    def look_around(self, now_us: int) -> None:
        """Ask for all that is watched at once, as when a session ends: is it still as it should be?"""
        for register in self.watched:
            self._read(register, now_us)

    def last_words(self, now_us: int) -> list[Event]:
        """What is still untold when nobody will listen any more: bytes without an end, requests without an answer."""
        n_bytes = self._framing.n_bytes_waiting + self._framing.n_noise - self._n_noise_told
        n_requests = self._n_repeated + self._n_open(now_us, since_us=REPLY_US)
        if self._lost or not (n_bytes or n_requests):
            return []
        return [Disturbed(now_us, self.name, now_us - self._quiet_us, n_bytes, n_requests)]

    @property
    def next_us(self) -> int:
        """When `tick` is due."""
        return min([self._ask_us, self._due_us(), *(one.sent_us + REPLY_US for one in self._wanted.values())])

    def take_outgoing(self) -> bytes:
        """The bytes that are to go to the device now."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    # ---- what a kind of device adds

    @abstractmethod
    def takes(self, command: Command) -> bool:
        """Whether this command is for this device."""

    @abstractmethod
    def send(self, command: Command, now_us: int) -> None:
        """Begin to carry out a command."""

    @abstractmethod
    def calm(self) -> bytes:
        """The bytes that leave the device with everything off."""

    @abstractmethod
    def _heard(self, message: Message, at_us: int, now_us: int) -> None:
        """An event, a keep-alive answer or the echo of a register that `_write` did not set."""

    def _confirmed(self, register: str, now_us: int) -> None:  # noqa: B027 (a hook that not every kind needs)
        """The device has echoed what was written."""

    def _restarted(self, now_us: int) -> None:  # noqa: B027 (a hook that not every kind needs)
        """The device seems to have restarted: what it was doing is over."""

    def _due(self, now_us: int) -> None:  # noqa: B027 (a hook that not every kind needs)
        """Time-outs of the kind's own."""

    def _due_us(self) -> int:
        """When `_due` is due."""
        return NEVER

    # ---- words for them

    def _read(self, register: str, now_us: int) -> None:
        asked = self._asked.setdefault(register, deque())
        while asked and now_us - asked[0] > LOST_US:
            asked.popleft()
        asked.append(now_us)
        self._outgoing += read_frame(self.map[register])

    def _n_open(self, now_us: int, *, since_us: int = 0) -> int:
        """How many requests wait for their answers, for so long at least; what is older than a lost link does not."""
        ages_us = [now_us - sent_us for asked in self._asked.values() for sent_us in asked]
        return sum(since_us <= age_us <= LOST_US for age_us in ages_us)

    def _send_frame(self, register: str, value: int) -> None:
        self._outgoing += write_frame(self.map[register], value)

    def _write(self, register: str, value: int, now_us: int, *, echo: int | None = None) -> None:
        """Set a register and see to it that the device echoes it."""
        before = self._wanted.get(register)
        stale = before.stale | {before.echo} if before else {self._in_force.get(register, -1)}
        self._wanted[register] = Wanted(value, value if echo is None else echo, stale, now_us)
        self._send_frame(register, value)

    def _fault(self, cause: str, at_us: int) -> None:
        if cause not in self._told:
            self._told.add(cause)
            self._events.append(Faulted(at_us, self.name, cause))

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events

    # ---- the rules

    def _message(self, message: Message, now_us: int) -> None:
        if message.kind == "read":
            self._answered(message, now_us)
        at_us = max(self._last_at_us, min(now_us, self.clock.session_us(message.device_us)))
        n_told = len(self._events)
        if message.refused:
            self._drop(message.name)
            self._fault(f"answered a request for {message.name} with an error", at_us)
        elif message.kind == "write" and message.name in self._wanted:
            self._echoed(message.name, int(message.value), at_us, now_us)
        else:
            self._heard(message, at_us, now_us)
        if len(self._events) > n_told:  # answers come at once, debounced inputs with the time of their edge
            self._last_at_us = at_us

    def _echoed(self, register: str, value: int, at_us: int, now_us: int) -> None:
        wanted = self._wanted[register]
        if value == wanted.echo:
            del self._wanted[register]
            self._in_force[register] = value
            self._confirmed(register, now_us)
        elif value not in wanted.stale:
            self._drop(register)
            self._fault(f"{register} was to be {wanted.echo} but is {value}", at_us)

    def _tell_disturbance(self, now_us: int) -> None:
        """Say what went wrong on the wire since the last time, at most each second."""
        n_bytes = self._framing.n_noise - self._n_noise_told
        if not n_bytes and not self._n_repeated:
            if not (self._framing.amid_message or self._wanted or self._n_open(now_us)):
                self._quiet_us = now_us
            return
        if now_us < self._tell_us:
            return
        if n_bytes:
            self.look_around(now_us)
        self._events.append(Disturbed(now_us, self.name, now_us - self._quiet_us, n_bytes, self._n_repeated))
        self._n_noise_told, self._n_repeated = self._framing.n_noise, 0
        self._quiet_us, self._tell_us = now_us, now_us + DISTURBED_US

    def _drop(self, register: str) -> None:
        """A register is in an unknown state: its device did not do as it was told."""
        self._wanted.pop(register, None)
        self._in_force.pop(register, None)

    def _try_again(self, register: str, wanted: Wanted, now_us: int) -> None:
        if wanted.n_tries < self.n_tries.get(register, 2):
            wanted.n_tries += 1
            wanted.sent_us = now_us
            self._n_repeated += 1
            self._send_frame(register, wanted.value)
        else:
            self._drop(register)
            self._fault(f"did not take {wanted.value} for {register}", now_us)

    def _look_after_link(self, now_us: int) -> None:
        if now_us < self._ask_us:
            return
        if not self._lost and self._n_unanswered >= 3 and now_us - self._answered_us >= LOST_US:
            self._lost = True
            self._events.append(LinkLost(now_us, self.name))
        on_time = now_us - self._ask_us < KEEP_ALIVE_US  # a host that was held up has not heard what is there
        self._n_repeated += on_time and self._n_unanswered > 0 and not self._lost
        register = self.watched[self._n_asked % len(self.watched)]
        self._n_asked += 1
        self._n_unanswered += 1
        self._ask_us = now_us + KEEP_ALIVE_US
        self._read(register, now_us)

    def _answered(self, message: Message, now_us: int) -> None:
        asked = self._asked.get(message.name)
        sent_us = asked.popleft() if asked else None
        if sent_us is None or message.refused:
            return
        self._n_unanswered, self._answered_us = 0, now_us
        beyond_us = self.clock.observe(Answer(sent_us, now_us, message.device_us))
        if abs(beyond_us) > JUMP_US:
            self._fault(f"its clock jumped by {beyond_us / 1e6:+.3f} s; it may have restarted", now_us)
            self._restarted(now_us)
        if message.name == "OperationControl" and _mode(message.value) != ACTIVE:
            self._fault("is not active any more; it may have restarted", now_us)
            self._restarted(now_us)


def _mode(operation_control: Any) -> int:
    return int(operation_control.operation_mode)
