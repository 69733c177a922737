"""From a lever press to the command that answers it, over pseudo-terminals, against a bare echo loop in the same run.

    python tests/bench/latency.py [--presses 2000] [--chambers 8] [--seed 1]

Each chamber is two processes: one plays the device behind its port, one runs the session as `behavior run` does (real
driver, core, journal with flushes to the disk), with a paradigm that answers each press with a light. Times are taken
in the device's process: from just before the event's bytes are written to the port until the command's bytes were read
from it. The echo loop is the least that any program could do: `os.read`, `os.write` of the same bytes. One press at a
time, 5 to 15 ms after the answer to the last; the first 50 are not counted. With several chambers a detector process
searches the sound of a microphone in real time meanwhile, for the echo loops and for the sessions.

Measured on two cores (ms, p50 / p99 / p99.9): one chamber 0.38 / 0.66 / 1.97, its echo loop 0.16 / 0.32 / 1.65; eight
chambers and a detector 0.37 / 1.7 / 3.5, their echo loops 0.13 / 0.44 / 3.3.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from behavior.simulate.operant_chamber import SimulatedOperantChamber
from behavior.simulate.serve import NEVER, DeviceServer

WARM_UP = 50
PAUSE_MS = (5.0, 15.0)
RELEASE_US = 2_000
LIGHT = "house_light"
ECHOED = b"\x03\x0c\x20\xff\x11" + bytes(9)
"""As long as the event of a press."""


class Player:
    """Presses, one after the other, and remembers how long each waited for its answer."""

    def __init__(self, n: int, seed: int) -> None:
        self.left, self.waited_ns = n, list[int]()
        self._random = random.Random(seed)
        self._asked_ns = 0
        self._next_us = NEVER

    def begin(self, now_us: int) -> None:
        """From now on there is somebody to answer."""
        self._next_us = now_us + 500_000

    def due(self, now_us: int) -> bool:
        """Whether a press is due, which is then taken to be made."""
        if now_us < self._next_us or not self.left:
            return False
        self.left -= 1
        self._next_us = NEVER
        return True

    def asked(self) -> None:
        """The press is on its way."""
        self._asked_ns = time.monotonic_ns()

    def answered(self, at_ns: int, now_us: int) -> None:
        """Its answer is there."""
        if self._asked_ns:
            self.waited_ns.append(at_ns - self._asked_ns)
            self._asked_ns = 0
            self._next_us = now_us + round(self._random.uniform(*PAUSE_MS) * 1000)

    @property
    def next_us(self) -> int:
        """When the next press is due."""
        return self._next_us if self.left else NEVER


class TimedChamber(SimulatedOperantChamber):
    """An operant chamber that tells a player when bytes leave and when its light goes on."""

    def __init__(self, player: Player) -> None:
        super().__init__()
        self.player, self.pressed, self._lit = player, False, False

    def take_outgoing(self) -> bytes:
        """As of any device."""
        data = super().take_outgoing()
        if data and self.pressed:
            self.pressed = False
            self.player.asked()
        return data

    def receive(self, data: bytes, now_us: int) -> None:
        """As of any device."""
        at_ns, self._lit = time.monotonic_ns(), False
        super().receive(data, now_us)
        if self._lit:
            self.player.answered(at_ns, now_us)

    def _show(self, name: str, on: bool) -> None:
        super()._show(name, on)
        if on and name == LIGHT:
            self._lit = True
        elif on and name == "lever_left_out":
            self.player.begin(self._now_us)


class Echoed:
    """The device's end of an echo loop."""

    unplugged = False
    next_us = NEVER

    def __init__(self, player: Player) -> None:
        self.player, self.pressed = player, False

    def receive(self, data: bytes, now_us: int) -> None:
        """The echo, or the first byte of whoever listens."""
        at_ns = time.monotonic_ns()
        if data == b"!":
            self.player.begin(now_us)
        else:
            self.player.answered(at_ns, now_us)

    def advance(self, now_us: int) -> None:
        """Nothing is ever due."""

    def take_outgoing(self) -> bytes:
        """The bytes of a press."""
        if not self.pressed:
            return b""
        self.pressed = False
        self.player.asked()
        return ECHOED


def play(there: Connection, what: str, n: int, seed: int) -> None:
    """The device's process."""
    player = Player(n, seed)
    device: Any = Echoed(player) if what == "echo" else TimedChamber(player)
    release_us = NEVER
    start_ns = time.monotonic_ns()

    def animal(now_us: int) -> int:
        nonlocal release_us
        if now_us >= release_us:
            device.release("left", now_us)
            release_us = NEVER
        if player.due(now_us):
            device.pressed = True
            if isinstance(device, TimedChamber):
                device.press("left", now_us)
                release_us = now_us + RELEASE_US
        return min(player.next_us, release_us)

    with DeviceServer(
        {"chamber": device}, animal=animal, clock_us=lambda: (time.monotonic_ns() - start_ns) // 1000
    ) as server:
        there.send(server.ports["chamber"])
        server.run(lambda: there.poll())
    there.send(player.waited_ns)


def echo(port: str, n: int, folder: str) -> None:
    """The host's process of an echo loop."""
    import tty

    fd = os.open(port, os.O_RDWR | os.O_NOCTTY)
    tty.setraw(fd)
    os.write(fd, b"!")
    for _ in range(n):
        os.write(fd, os.read(fd, 64))
    os.close(fd)


def session(port: str, n: int, folder: str) -> None:
    """The host's process of a session."""
    from behavior.devices.chamber import ConnectedChamber
    from behavior.devices.handshake import connect
    from behavior.devices.transport import SerialTransport
    from behavior.model.doses import Treatment
    from behavior.model.session import SessionHeader
    from behavior.session.boxes import SessionChamber
    from behavior.session.core import SessionCore
    from behavior.session.folder import create
    from behavior.session.live import LiveApparatus, monotonic_clock
    from behavior.session.record import record_session

    async def light_at_each_press(box: SessionChamber) -> None:
        with box.lever_out("left"):
            n_pressed = 0
            async for _ in box.presses("left"):
                with box.cue(LIGHT):
                    n_pressed += 1
                if n_pressed == n:
                    return

    clock_us = monotonic_clock(time.monotonic_ns())
    transport = SerialTransport(port)
    transport.open()
    driver, _ = connect("chamber", "operant_chamber", transport, clock_us)
    apparatus = LiveApparatus(ConnectedChamber([(driver, transport)]), clock_us)
    header = SessionHeader(
        software="bench", subject="R1", experimenter="bench", treatment=Treatment(), paradigm="bench", rig="bench",
        paradigm_sha256="", parameters={}, limits={}, seed=1, chamber="A", started_at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    core = SessionCore(light_at_each_press, SessionChamber, seed=1)
    record_session(create(Path(folder), header), core, apparatus, time_of_day=lambda: "2026-01-01T00:00:00+00:00")
    apparatus.close()
    transport.close()


def detect(there: Connection) -> None:
    """The detector's process: one microphone of 250 kHz, in real time, until told to end."""
    from behavior.simulate.acoustics import PlannedCall, Soundscape
    from behavior.usv.detect import Detector
    from behavior.usv.profile import load_profile

    rate_hz, block_s = 250_000, 0.1
    calls = [PlannedCall(1.0 + 2 * i, 1.0) for i in range(5)]
    sound = np.concatenate(list(Soundscape(rate_hz, 10.0, 1, calls).blocks()))
    blocks = np.array_split(sound, round(10.0 / block_s))
    detector = Detector(load_profile("rat"), rate_hz)
    detector.push(blocks[0])
    there.send("ready")
    due_s, n = time.monotonic(), 0
    while not there.poll(max(0.0, due_s - time.monotonic())):
        detector.push(blocks[n % len(blocks)])
        n, due_s = n + 1, due_s + block_s


def measured(what: str, n_chambers: int, n: int, seed: int, place: Path) -> np.ndarray:
    """Waiting times in ms of so many presses in each of so many chambers at once."""
    context = get_context("spawn")
    devices, ours, hosts = [], [], []
    for i in range(n_chambers):
        here, there = context.Pipe()
        devices.append(context.Process(target=play, args=(there, what, n, seed + i), daemon=True))
        devices[-1].start()
        ours.append(here)
    host = echo if what == "echo" else session
    for i, here in enumerate(ours):
        folder = place / f"{what}-{n_chambers}-{i}"
        hosts.append(context.Process(target=host, args=(here.recv(), n, str(folder)), daemon=True))
    for one in hosts:
        one.start()
    for one in hosts:
        one.join()
    waited: list[int] = []
    for here, device in zip(ours, devices, strict=True):
        here.send("end")
        waited += here.recv()[WARM_UP:]
        device.join()
    return np.array(waited) / 1e6


def line(name: str, waited_ms: np.ndarray, bare_ms: np.ndarray | None = None) -> str:
    """p50, p99 and p99.9, and how many times the bare loop's that is."""
    at: Sequence[float] = (50, 99, 99.9)
    found = np.percentile(waited_ms, at)
    times = (
        "" if bare_ms is None else "   " + " ".join(f"{ratio:6.1f}x" for ratio in found / np.percentile(bare_ms, at))
    )
    values = "  ".join(f"p{p:g} {value:7.3f} ms" for p, value in zip(at, found, strict=True))
    return f"{name:34s} {values}  worst {waited_ms.max():7.2f} ms  n {len(waited_ms)}{times}"


def main() -> int:
    """Measure one chamber, then several with a detector."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--presses", type=int, default=2000)
    asked.add_argument("--chambers", type=int, default=8)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory() as place:
        for n_chambers, n in ((1, given.presses), (given.chambers, max(WARM_UP * 2, given.presses // 2))):
            detector, here = None, None
            if n_chambers > 1:
                here, there = get_context("spawn").Pipe()
                detector = get_context("spawn").Process(target=detect, args=(there,), daemon=True)
                detector.start()
                here.recv()
            bare_ms = measured("echo", n_chambers, n, given.seed, Path(place))
            live_ms = measured("session", n_chambers, n, given.seed, Path(place))
            if here is not None and detector is not None:
                here.send("end")
                detector.join()
            label = "one chamber" if n_chambers == 1 else f"{n_chambers} chambers, detector"
            print(line(f"{label}: echo loop", bare_ms))
            print(line(f"{label}: session", live_ms, bare_ms))
    print(f"load {os.getloadavg()[0]:.1f} after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
