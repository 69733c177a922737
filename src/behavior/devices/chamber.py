"""All devices of one chamber behind one door: commands in, events out.

Two ways to be driven. **Virtual time** and other instant transports: `poll(now_us)` reads, ticks and writes until
nothing more is to be said at this time. **Real time**: the runner waits for `ports` and calls `read` for those that
have bytes; ports that the system cannot wait for get a thread each (`start_readers`) that does nothing but put
`(device, bytes, host_us)` where the runner waits, who hands it to `receive`. It calls `tick` when `next_us` says so.
Only the runner's thread writes.

A transport that fails, or a device that does not answer, is a `LinkLost`; the other devices go on. Where somebody can
`relink` it, a thread looks for it for some seconds, more and more rarely, wherever it is plugged in by then, and makes
it ready: `LinkRestored`, or in the end a second `LinkLost`. `close` leaves everything off, as far as it can
still be reached; the devices' own watchdogs do it otherwise.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from msgspec.structs import replace

from behavior.devices.driver import NEVER, Driver, HarpDriver
from behavior.devices.transport import Transport, TransportLost
from behavior.model.errors import BehaviorError
from behavior.model.events import Event, LinkLost, LinkRestored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from behavior.devices.clock import ClockFit
    from behavior.model.commands import Command

N_ROUNDS = 100
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0
PATIENCE_S = 15.0
"""How long a device that was lost is looked for."""


@dataclass(slots=True)
class Connected:
    """One device with its driver and its transport."""

    driver: Driver
    transport: Transport
    lost: bool = False
    back: tuple[Driver, Transport] | None = None
    """What a thread has found and made ready, to be taken into use."""
    given_up: bool = False


class Relink(Protocol):
    """Finds a device again."""

    def __call__(self, name: str, before: Driver, /) -> tuple[Driver, Transport]:
        """The device of this name, ready."""


@runtime_checkable
class Gated(Protocol):
    """A driver whose pulses another one times."""

    def retime(self, old: object, new: object) -> None:
        """The driver that times its pulses is another one now."""


class Reads(Protocol):
    """A queue that reader threads put what they read into."""

    def put(self, item: tuple[str, bytes, int], /) -> None:
        """Take one reading: device, bytes (none: the transport failed), the host's time."""


class ConnectedChamber:
    """Several devices driven as one.

    Parameters
    ----------
    devices : driver and open transport of each; names must differ
    relink : finds a lost device again and makes it ready, given its name and its driver until then; blocks, and raises
        a `BehaviorError` or `TransportLost` if it is not there
    patience_s : how long a lost device is looked for
    """

    def __init__(
        self,
        devices: Iterable[tuple[Driver, Transport]],
        relink: Relink | None = None,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._devices = {driver.name: Connected(driver, transport) for driver, transport in devices}
        self._gated = any(isinstance(device.driver, Gated) for device in self._devices.values())
        self._events: list[Event] = []
        self._readers: list[threading.Thread] = []
        self._closing = threading.Event()
        self._relink, self._patience_s = relink, patience_s
        self._queue: Reads | None = None
        self._clock_us: Callable[[], int] = lambda: 0

    def takes(self, command: Command) -> bool:
        """Whether one of the devices carries out this command."""
        return any(device.driver.takes(command) for device in self._devices.values())

    def send(self, command: Command, now_us: int) -> bool:
        """Give a command to the device that takes it, and its bytes to the wire; whether there is one."""
        for device in self._devices.values():
            if device.driver.takes(command):
                device.driver.send(command, now_us)
                self._flush_with(device, now_us)
                return True
        return False

    def look_around(self, now_us: int) -> None:
        """Ask every device that can be asked how it is, as when a session ends: what went wrong last is told too."""
        for device in self._devices.values():
            if isinstance(device.driver, HarpDriver) and not device.lost:
                device.driver.look_around(now_us)
                self._flush_with(device, now_us)

    def last_words(self, now_us: int) -> list[Event]:
        """What went wrong on the wires and is not said yet; after `look_around`, at the very end."""
        drivers = [device.driver for device in self._devices.values() if not device.lost]
        return [event for one in drivers if isinstance(one, HarpDriver) for event in one.last_words(now_us)]

    def poll(self, now_us: int) -> list[Event]:
        """All that is to be heard, due and said at this time. For transports that do not make one wait."""
        for _ in range(N_ROUNDS):
            n_busy = sum(self._poll_one(device, now_us) for device in self._devices.values())
            if not (n_busy and self._gated):
                break
        return self._take_events()

    def receive(self, name: str, data: bytes, host_us: int) -> list[Event]:
        """What bytes that a reader put into the queue mean; no bytes say that the transport failed."""
        device = self._devices[name]
        if data and not device.lost:
            self._events += device.driver.receive(data, host_us)
            self._flush_with(device, host_us)
        elif device.back is not None:
            self._take_back(device, host_us)
        elif device.given_up:
            self._events.append(LinkLost(host_us, name))
        elif not data:
            self._lose(device, host_us)
        return self._take_events()

    @property
    def ports(self) -> dict[int, str]:
        """The devices whose ports can be waited for, by file number."""
        found = {device.transport.fileno(): name for name, device in self._devices.items() if not device.lost}
        return {port: name for port, name in found.items() if port is not None}

    def read(self, name: str) -> bytes | None:
        """The bytes that are at a device's port; none if it failed, None if there was nothing."""
        try:
            return self._devices[name].transport.read() or None
        except TransportLost:
            return b""

    def tick(self, now_us: int) -> list[Event]:
        """What is due at this time."""
        for device in self._devices.values():
            if not device.lost:
                self._events += device.driver.tick(now_us)
                self._flush_with(device, now_us)
        return self._take_events()

    @property
    def next_us(self) -> int:
        """When `poll` or `tick` is due, whatever arrives before."""
        return min((device.driver.next_us for device in self._devices.values() if not device.lost), default=NEVER)

    def start_readers(self, queue: Reads, clock_us: Callable[[], int]) -> None:
        """Let a thread for each port that cannot be waited for put what it reads, with the host's time of reading.

        For transports that wait when they read; instant ones are polled.
        """
        self._queue, self._clock_us = queue, clock_us
        for name, device in self._devices.items():
            self._start_reader(name, device.transport, queue, clock_us)

    def clock_fits(self) -> dict[str, ClockFit]:
        """How well each device's clock is known, for the session's footer."""
        clocks = {name: getattr(device.driver, "clock", None) for name, device in self._devices.items()}
        return {name: clock.fit() for name, clock in clocks.items() if clock is not None}

    def close(self) -> None:
        """Turn everything off, as far as it can be reached, and let go of the ports."""
        self._closing.set()
        for device in self._devices.values():
            try:
                device.transport.write(device.driver.calm())
            except TransportLost:  # its watchdog turns it off
                continue
        for reader in self._readers:
            reader.join()
        self._readers.clear()
        for device in self._devices.values():
            if device.back is not None:  # found when nobody wanted it any more
                with suppress(TransportLost):
                    device.back[1].write(device.back[0].calm())
                device.back[1].close()
            device.transport.close()

    def _poll_one(self, device: Connected, now_us: int) -> bool:
        """All that one device has to say; whether it said or was told anything."""
        if device.lost:
            self._read(device, now_us)
            return False
        for round_ in range(N_ROUNDS):
            data = self._read(device, now_us)
            if data:
                self._events += device.driver.receive(data, now_us)
            self._events += device.driver.tick(now_us)
            if not self._flush(device, now_us) and not data:
                return round_ > 0
        return False

    def _start_reader(self, name: str, transport: Transport, queue: Reads, clock_us: Callable[[], int]) -> None:
        if transport.instant or transport.fileno() is not None:
            return
        self._start_thread(f"read {name}", self._read_on, name, transport, queue, clock_us)

    def _start_thread(self, name: str, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, name=name, daemon=True)
        self._readers.append(thread)
        thread.start()

    def _look_for(self, device: Connected, queue: Reads) -> None:
        """In a thread of its own."""
        name = device.driver.name
        for wait_s in self._looks(device):
            if self._closing.wait(wait_s):
                break
        device.given_up = device.back is None
        queue.put((name, b"", self._clock_us()))

    def _looks(self, device: Connected) -> Iterator[float]:
        """Look, wait twice as long, look again; how long to wait before each look, s."""
        wait_s, waited_s = FIRST_WAIT_S, 0.0
        while self._relink is not None and waited_s < self._patience_s and device.back is None:
            yield wait_s
            waited_s += wait_s
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
            with suppress(BehaviorError, TransportLost):
                device.back = self._relink(device.driver.name, device.driver)

    def _take_back(self, device: Connected, now_us: int) -> None:
        """What was found is the device from now on."""
        old, queue = device.driver, self._queue
        if device.back is None or queue is None:
            return
        (device.driver, device.transport), device.back, device.lost = device.back, None, False
        for other in self._devices.values():
            if isinstance(other.driver, Gated):
                other.driver.retime(old, device.driver)
        self._start_reader(device.driver.name, device.transport, queue, self._clock_us)
        self._events.append(LinkRestored(now_us, device.driver.name))

    def _read_on(
        self,
        name: str,
        transport: Transport,
        queue: Reads,
        clock_us: Callable[[], int],
    ) -> None:
        while not self._closing.is_set():
            try:
                data = transport.read()
            except TransportLost:
                queue.put((name, b"", clock_us()))
                return
            if data:
                queue.put((name, data, clock_us()))

    def _read(self, device: Connected, now_us: int) -> bytes:
        try:
            data = device.transport.read()
        except TransportLost:
            self._lose(device, now_us)
            return b""
        return b"" if device.lost else data  # what a device says that was given up is taken, and heard by nobody

    def _flush_with(self, device: Connected, now_us: int) -> None:
        """What a device was given to say; and, where a shocker asks another device for its pulses, that one too."""
        for one in self._devices.values() if self._gated else (device,):
            self._flush(one, now_us)

    def _flush(self, device: Connected, now_us: int) -> bool:
        data = device.driver.take_outgoing()
        if not data or device.lost:
            return False
        try:
            device.transport.write(data)
        except TransportLost:
            self._lose(device, now_us)
        return True

    def _lose(self, device: Connected, now_us: int) -> None:
        if not device.lost:
            self._events.append(self._follow(device, LinkLost(now_us, device.driver.name)))

    def _follow(self, device: Connected, lost: LinkLost) -> LinkLost:
        """Have it looked for, if anybody can."""
        device.lost = True
        if self._relink is None or self._queue is None or self._closing.is_set():
            return lost
        device.transport.close()
        self._start_thread(f"look for {lost.device}", self._look_for, device, self._queue)
        return replace(lost, followed=True)

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        for place, event in enumerate(events):  # a driver says that its device does not answer
            if isinstance(event, LinkLost) and not self._devices[event.device].lost:
                events[place] = self._follow(self._devices[event.device], event)
        return events
