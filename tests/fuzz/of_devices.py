"""What devices send: Harp frames into the framing and the drivers, lines of other shockers, and the ring of sound."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from behavior.audio.ring import Ring
from behavior.devices.ceilings import Ceilings
from behavior.devices.dialects import Unframing, dialect_of
from behavior.devices.handshake import connect
from behavior.devices.harp import Framing
from behavior.devices.line_shocker import LineShocker
from behavior.devices.registers import device_map
from behavior.model.commands import Shock
from behavior.simulate.devices import in_memory, simulated
from devices.test_line_shocker import HSCK, SGC, STATE
from devices.test_shockers import Pulses
from fuzz.target import Target, of_bytes

KINDS = ("shock_controller", "operant_chamber", "shuttle_box")


def targets(place: Path) -> Iterator[Target]:
    for kind in KINDS:
        yield of_bytes(f"harp/{kind}", [conversation(kind)], _framed(kind), cost=1)
        yield of_bytes(f"driver/{kind}", [conversation(kind)], _driven(kind), cost=2)
    for name, device in (("hsck100a-arduino", HSCK), ("sgc", SGC)):
        seeds = [STATE.format("0,1,0,1,1,1,1,1").encode() * 3, b"?*A,S$C0#?*W$57#OK\r\n"]
        yield of_bytes(f"line/{name}", seeds, _spoken(device), cost=1)
    yield of_bytes("audio/ring", [bytes(range(64)), b"\x00\x10\x01\x05\x02\x03\x03\x00\x04\x07" * 4], ring)


@cache
def conversation(kind: str) -> bytes:
    """All that a device says while a host gets to know it."""
    device, said, now_us = simulated(kind, "01" * 16), bytearray(), 0
    transport = in_memory(device, lambda: now_us)
    transport.open()
    read_as_it_is = transport.read

    def read(*given: Any) -> bytes:
        data = read_as_it_is(*given)
        said.extend(data)
        return data

    transport.read = read  # type: ignore[method-assign]
    connect("it", kind, transport, lambda: now_us)
    return bytes(said)


def pieces(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Bytes as they may come: in pieces of 1 to 64, with pauses, both told by the bytes themselves."""
    at, now_us = 0, 0
    while at < len(data):
        n = 1 + data[at] % 64
        now_us += (data[at] >> 6) * 30_000
        yield data[at : at + n], now_us
        at += n


def _framed(kind: str) -> Callable[[bytes], object]:
    def feed(data: bytes) -> None:
        framing = Framing(device_map(kind))
        for piece, now_us in pieces(data):
            framing.feed(piece, now_us)
        framing.unstall(10**9)
        assert len(framing._waiting) <= 300, "what waits for its end is never more than the longest message"

    return feed


def _driven(kind: str) -> Callable[[bytes], object]:
    def feed(data: bytes) -> None:
        device, now = simulated(kind, "01" * 16), 0
        transport = in_memory(device, lambda: now)
        transport.open()
        driver, _ = connect("it", kind, transport, lambda: now)
        driver.take_outgoing()
        for number, (piece, now_us) in enumerate(pieces(data), start=1):
            if number == 3 and driver.takes(Shock(1, 0.4, 0.5)):
                driver.send(Shock(1, 0.4, 0.5), now_us)
            driver.receive(piece, now_us)
            driver.take_outgoing()
        driver.tick(10**9)

    return feed


def _spoken(device: Any) -> Callable[[bytes], object]:
    dialect = dialect_of(device)

    def feed(data: bytes) -> None:
        unframing = Unframing(dialect.frame)
        driver = LineShocker(device, dialect, Ceilings(max_ma=dialect.limits.max_ma), Pulses(), 0)
        for number, (piece, now_us) in enumerate(pieces(data), start=1):
            unframing.feed(piece)
            if number == 2:
                driver.send(Shock(1, 0.4, 0.5), now_us)
            driver.receive(piece, now_us)
            driver.take_outgoing()
        driver.tick(10**9)

    return feed


def ring(data: bytes) -> None:
    """Any order of putting, losing and taking gives each sample once, in its place, and silence for what was lost."""
    one, n_put = Ring(16), 0
    truth: list[int] = []
    fits = 16
    for way, n in zip(data[::2], data[1::2], strict=False):
        if way % 3 == 0:
            block = np.arange(n_put + 1, n_put + 1 + n % 24, dtype=np.int16)[:, None]
            n_lost = one.put(block)
            kept = len(block) - n_lost
            assert n_lost == max(0, len(block) - fits)
            truth += [*block[:kept, 0].tolist(), *[0] * n_lost]
            n_put, fits = (n_put + len(block)) % 30_000, fits - kept
        elif way % 3 == 1:
            one.skip(n % 24)
            truth += [0] * (n % 24)
        else:
            taken = list[int]()
            for n_silent, samples in one.take():
                taken += [0] * n_silent if n_silent else samples[:, 0].tolist()
            assert taken == truth
            truth, fits = [], 16
