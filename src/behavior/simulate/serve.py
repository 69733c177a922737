"""Simulated devices behind ports, in real time: pseudo-terminals, or TCP where there are none (Windows).

One loop, one thread: it waits for bytes from a host, for what a device has to do next, or for the animal, whichever
comes first. To be run in a process of its own, so that a busy host cannot hold its devices up (nor they it).

A port stays when the host closes it, and what nobody reads is lost, as on a real one. Pulling a device's plug
(`Faults.unplugged`) takes its port away; when it is plugged in again it has another one, as real ones may.
"""

from __future__ import annotations

import os
import select
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, Self

from behavior.model.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LONGEST_WAIT_US = 100_000
NEVER = 2**63 - 1


def no_animal(now_us: int) -> int:
    """An empty chamber."""
    return NEVER


class Served(Protocol):
    """A simulated device, as a server needs it."""

    def receive(self, data: bytes, now_us: int) -> None: ...  # noqa: D102 (as of `BytePeer`)
    def advance(self, now_us: int) -> None: ...  # noqa: D102
    def take_outgoing(self) -> bytes: ...  # noqa: D102

    @property
    def unplugged(self) -> bool: ...  # noqa: D102
    @property
    def next_us(self) -> int: ...  # noqa: D102


class Wire(Protocol):
    """The device's end of one port."""

    port: str

    def waits_on(self) -> list[int]:
        """The file numbers at which bytes or hosts may arrive."""

    def take(self) -> bytes:
        """What the host has sent."""

    def send(self, data: bytes) -> None:
        """Give bytes to the host; lost if nobody reads."""

    def cut(self) -> None:
        """Take the port away."""


class PtyWire:
    """A pseudo-terminal."""

    def __init__(self) -> None:
        try:
            import tty
        except ImportError:
            raise Failure("simulated serial ports need Linux or macOS; serve the devices over TCP here") from None
        self._device_end, self._host_end = os.openpty()
        tty.setraw(self._host_end)
        os.set_blocking(self._device_end, False)
        # our own hold on the host's end keeps the port alive while no host has it open
        self.port = os.ttyname(self._host_end)

    def waits_on(self) -> list[int]:
        """The device's end."""
        return [self._device_end]

    def take(self) -> bytes:
        """What the host has sent."""
        try:
            return os.read(self._device_end, 4_096)
        except OSError:
            return b""

    def send(self, data: bytes) -> None:
        """Give bytes to the host."""
        try:
            os.write(self._device_end, data)
        except BlockingIOError:  # nobody reads, and the system's buffer is full
            return

    def cut(self) -> None:
        """Close both ends."""
        os.close(self._device_end)
        os.close(self._host_end)


class TcpWire:
    """A TCP port of this machine, for one host at a time; a second one is turned away."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._host: socket.socket | None = None
        self.port = f"socket://127.0.0.1:{self._listener.getsockname()[1]}"

    def waits_on(self) -> list[int]:
        """The listener, and the host if one is there."""
        return [self._listener.fileno(), *([self._host.fileno()] if self._host else [])]

    def take(self) -> bytes:
        """What the host has sent, once one has come."""
        data = b""
        while more := self._from_host():  # to its end: a host that has left must not keep the next one out
            data += more
        try:
            arrived, _ = self._listener.accept()
        except OSError:  # nobody, or somebody who has left already
            return data
        if self._host is not None:
            arrived.close()
            return data
        self._host = arrived
        arrived.setblocking(False)
        with suppress(OSError):  # it may have left meanwhile; the next reading tells
            arrived.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return data + self._from_host()

    def _from_host(self) -> bytes:
        try:
            data = self._host.recv(4_096) if self._host else b""
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data and self._host is not None:
            self._host.close()
            self._host = None
        return data

    def send(self, data: bytes) -> None:
        """Give bytes to the host."""
        try:
            if self._host is not None:
                self._host.send(data)
        except OSError:  # it reads no more, or is gone
            return

    def cut(self) -> None:
        """Close connection and listener."""
        if self._host is not None:
            self._host.close()
        self._listener.close()


class DeviceServer:
    """Simulated devices on ports of their own while the `with` block lasts.

    Parameters
    ----------
    devices : by any names
    animal : is called with the time (µs) when it asked to be and after every happening; does to the devices what it
        will, and gives the time when it wants to be called again
    clock_us : the devices' time; the default counts from now
    wire : what the ports are; `PtyWire` or `TcpWire`

    Attributes
    ----------
    ports : the port of each device that is plugged in, by name
    """

    def __init__(
        self,
        devices: Mapping[str, Served],
        *,
        animal: Callable[[int], int] = no_animal,
        clock_us: Callable[[], int] | None = None,
        wire: Callable[[], Wire] = PtyWire,
    ) -> None:
        start_ns = time.monotonic_ns()
        self._clock_us = clock_us or (lambda: (time.monotonic_ns() - start_ns) // 1_000)
        self._devices = dict(devices)
        self._animal = animal
        self._animal_us = 0
        self._new_wire = wire
        self._wires: dict[str, Wire] = {}

    @property
    def ports(self) -> dict[str, str]:  # noqa: D102 (an attribute to its users)
        return {name: wire.port for name, wire in list(self._wires.items())}  # whoever asks may be another thread

    def __enter__(self) -> Self:
        for name in self._devices:
            self._wires[name] = self._new_wire()
        return self

    def __exit__(self, *error: object) -> None:
        for name in list(self._wires):
            self._wires.pop(name).cut()

    def run(self, stopped: Callable[[], bool]) -> None:
        """Serve until `stopped` says so; it is asked at least every 0.1 s."""
        while not stopped():
            self.step()

    def step(self, *, longest_us: int = LONGEST_WAIT_US) -> None:
        """Wait for the next thing to happen, and let it."""
        due_us = min([self._animal_us, *(device.next_us for device in self._devices.values())])
        wait_us = max(0, min(longest_us, due_us - self._clock_us()))
        waiting = {number: name for name, wire in self._wires.items() for number in wire.waits_on()}
        for name in {waiting[number] for number in _readable(list(waiting), wait_us / 1e6)}:
            self._devices[name].receive(self._wires[name].take(), self._clock_us())
        self._animal_us = self._animal(self._clock_us())
        for name, device in self._devices.items():
            device.advance(self._clock_us())
            self._plug(name, device)
            data = device.take_outgoing()
            if data and name in self._wires:
                self._wires[name].send(data)

    def _plug(self, name: str, device: Served) -> None:
        if device.unplugged and name in self._wires:
            self._wires.pop(name).cut()
        elif not device.unplugged and name not in self._wires:
            self._wires[name] = self._new_wire()


def _readable(numbers: list[int], wait_s: float) -> list[int]:
    """Where something has arrived within this time."""
    if not numbers:  # Windows does not wait for nothing
        time.sleep(wait_s)
        return []
    return select.select(numbers, [], [], wait_s)[0]


def native_wire() -> Wire:
    """A port of the kind that this operating system has: a pseudo-terminal, or TCP."""
    return PtyWire() if hasattr(os, "openpty") else TcpWire()
