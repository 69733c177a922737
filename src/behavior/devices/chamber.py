"""All devices of one chamber behind one door: commands in, events out.

Two ways to be driven. **Virtual time** and other instant transports: `poll(now_us)` reads, ticks and writes until
nothing more is to be said at this time. **Real time**: the runner waits for `ports` and calls `read` for those that
have bytes; ports that the system cannot wait for get a thread each (`start_readers`) that does nothing but put
`(device, bytes, host_us)` where the runner waits, who hands it to `receive`. It calls `tick` when `next_us` says so.
Only the runner's thread writes.

A transport that fails is a `LinkLost`, once; the other devices go on. `close` leaves everything off, as far as it can
still be reached; the devices' own watchdogs do it otherwise.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from behavior.devices.driver import NEVER, Driver
from behavior.devices.transport import NoTransport, Transport, TransportLost
from behavior.model.events import Event, LinkLost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from behavior.devices.clock import ClockFit
    from behavior.model.commands import Command

N_ROUNDS = 100


@dataclass(slots=True)
class Connected:
    """One device with its driver and its transport."""

    driver: Driver
    transport: Transport
    lost: bool = False


class Reads(Protocol):
    """A queue that reader threads put what they read into."""

    def put(self, item: tuple[str, bytes, int], /) -> None:
        """Take one reading: device, bytes (none: the transport failed), the host's time."""


class ConnectedChamber:
    """Several devices driven as one.

    Parameters
    ----------
    devices : driver and open transport of each; names must differ
    """

    def __init__(self, devices: Iterable[tuple[Driver, Transport]]) -> None:
        self._devices = {driver.name: Connected(driver, transport) for driver, transport in devices}
        self._events: list[Event] = []
        self._readers: list[threading.Thread] = []
        self._closing = threading.Event()

    def takes(self, command: Command) -> bool:
        """Whether one of the devices carries out this command."""
        return any(device.driver.takes(command) for device in self._devices.values())

    def send(self, command: Command, now_us: int) -> bool:
        """Give a command to the device that takes it, and its bytes to the wire; whether there is one."""
        for device in self._devices.values():
            if device.driver.takes(command):
                device.driver.send(command, now_us)
                self._flush_all(now_us)
                return True
        return False

    def poll(self, now_us: int) -> list[Event]:
        """All that is to be heard, due and said at this time. For transports that do not make one wait."""
        for _ in range(N_ROUNDS):
            n_busy = sum(self._poll_one(device, now_us) for device in self._devices.values())
            if not n_busy:
                break
        return self._take_events()

    def receive(self, name: str, data: bytes, host_us: int) -> list[Event]:
        """What bytes that a reader put into the queue mean; no bytes say that the transport failed."""
        device = self._devices[name]
        if data:
            self._events += device.driver.receive(data, host_us)
            self._flush_all(host_us)
        else:
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
        self._flush_all(now_us)
        return self._take_events()

    @property
    def next_us(self) -> int:
        """When `poll` or `tick` is due, whatever arrives before."""
        return min((device.driver.next_us for device in self._devices.values() if not device.lost), default=NEVER)

    def start_readers(self, queue: Reads, clock_us: Callable[[], int]) -> None:
        """Let a thread for each port that cannot be waited for put what it reads, with the host's time of reading.

        For transports that wait when they read; instant ones are polled.
        """
        for name, device in self._devices.items():
            if isinstance(device.transport, NoTransport) or device.transport.fileno() is not None:
                continue
            reader = threading.Thread(
                target=self._read_on,
                args=(name, device.transport, queue, clock_us),
                name=f"read {name}",
                daemon=True,
            )
            self._readers.append(reader)
            reader.start()

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
            device.transport.close()

    def _poll_one(self, device: Connected, now_us: int) -> bool:
        """All that one device has to say; whether it said or was told anything."""
        for round_ in range(0 if device.lost else N_ROUNDS):
            data = self._read(device, now_us)
            if data:
                self._events += device.driver.receive(data, now_us)
            self._events += device.driver.tick(now_us)
            if not self._flush(device, now_us) and not data:
                return round_ > 0
        return False

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
            return b"" if device.lost else device.transport.read()
        except TransportLost:
            self._lose(device, now_us)
            return b""

    def _flush_all(self, now_us: int) -> None:
        """A shocker may have given its timer something to say."""
        for device in self._devices.values():
            self._flush(device, now_us)

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
            device.lost = True
            self._events.append(LinkLost(now_us, device.driver.name))

    def _take_events(self) -> list[Event]:
        events, self._events = self._events, []
        return events
