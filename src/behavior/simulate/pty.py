"""Simulated devices behind pseudo-terminals, in real time: to the host they are serial ports.

One loop, one thread: it waits for bytes from a host, for what a device has to do next, or for the animal, whichever
comes first. To be run in a process of its own, so that a busy host cannot hold its devices up (nor they it).

A port stays when the host closes it, and what nobody reads is lost, as on a real one. Pulling a device's plug
(`Faults.unplugged`) takes its port away for good.
"""

from __future__ import annotations

import os
import select
import time
from typing import TYPE_CHECKING, Self

from behavior.model.errors import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from behavior.simulate.twin import SimulatedDevice

LONGEST_WAIT_US = 100_000
NEVER = 2**63 - 1


def no_animal(now_us: int) -> int:
    """An empty chamber."""
    return NEVER


class PtyServer:
    """Simulated devices on ports of their own while the `with` block lasts.

    Parameters
    ----------
    devices : by any names
    animal : is called with the time (µs) when it asked to be and after every happening; does to the devices what it
        will, and gives the time when it wants to be called again
    clock_us : the devices' time; the default counts from now

    Attributes
    ----------
    ports : the port of each device, by name
    """

    def __init__(
        self,
        devices: Mapping[str, SimulatedDevice],
        *,
        animal: Callable[[int], int] = no_animal,
        clock_us: Callable[[], int] | None = None,
    ) -> None:
        start_ns = time.monotonic_ns()
        self._clock_us = clock_us or (lambda: (time.monotonic_ns() - start_ns) // 1_000)
        self._devices = dict(devices)
        self._animal = animal
        self._animal_us = 0
        self._ends: dict[str, tuple[int, int]] = {}
        self.ports: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            import tty
        except ImportError:
            raise Failure("simulated serial ports need Linux or macOS; run the session in virtual time here") from None
        for name in self._devices:
            device_end, host_end = os.openpty()
            tty.setraw(host_end)
            os.set_blocking(device_end, False)
            # our own hold on the host's end keeps the port alive while no host has it open
            self._ends[name] = device_end, host_end
            self.ports[name] = os.ttyname(host_end)
        return self

    def __exit__(self, *error: object) -> None:
        for name in list(self._ends):
            self._unplug(name)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Serve until `stopped` says so; it is asked at least every 0.1 s."""
        while not stopped():
            self.step()

    def step(self, *, longest_us: int = LONGEST_WAIT_US) -> None:
        """Wait for the next thing to happen, and let it."""
        due_us = min([self._animal_us, *(device.next_us for device in self._devices.values())])
        wait_us = max(0, min(longest_us, due_us - self._clock_us()))
        waiting = {device_end: name for name, (device_end, _) in self._ends.items()}
        readable, _, _ = select.select(list(waiting), [], [], wait_us / 1e6)
        for device_end in readable:
            self._devices[waiting[device_end]].receive(_read(device_end), self._clock_us())
        self._animal_us = self._animal(self._clock_us())
        for name, device in self._devices.items():
            device.advance(self._clock_us())
            self._send(name, device.take_outgoing())
            if device.unplugged:
                self._unplug(name)

    def _send(self, name: str, data: bytes) -> None:
        if data and name in self._ends:
            try:
                os.write(self._ends[name][0], data)
            except BlockingIOError:  # nobody reads, and the system's buffer is full
                return

    def _unplug(self, name: str) -> None:
        for end in self._ends.pop(name, ()):
            os.close(end)


def _read(device_end: int) -> bytes:
    try:
        return os.read(device_end, 4_096)
    except OSError:
        return b""
