"""Conversations between our drivers and the reference firmware, recorded byte for byte in virtual time.

    PYTHONPATH=src:tests python -m devices.vectors      # records tests/devices/vectors/*.jsonl anew

One line each: `us` (session time) and what happened then: a `command` of the session, a movement of a `hand`, bytes of
the `host`, bytes of the `device`, an `event` that the driver made of them. The first line names the kind of device. The
twin has to answer the host's bytes as the firmware did; the driver has to say and to make of the device's bytes what it
did here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from behavior.config.rig import Sides
from behavior.devices.chamber import ConnectedChamber
from behavior.devices.handshake import connect
from behavior.devices.transport import MemoryTransport
from behavior.model.commands import Command, Deliver, SetCue, SetGate, SetLever, Shock, StopShock
from behavior.model.events import Event
from devices.benches import Bench
from devices.firmware import LibraryBench

FOLDER = Path(__file__).parent / "vectors"


@dataclass(frozen=True)
class Hand:
    """A movement at the box's terminals: a method of a bench, and what it is called with."""

    name: str
    args: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)

    def move(self, bench: Bench) -> None:
        getattr(bench, self.name)(*self.args, **self.named)


@dataclass(frozen=True)
class Scenario:
    """A kind of device, and what is done to it at which millisecond after it is ready."""

    kind: str
    steps: tuple[tuple[int, Command | Hand], ...]
    length_ms: int


def beam(line: str, *, broken: bool) -> Hand:
    return Hand("beam", (line,), {"broken": broken})


SCENARIOS = {
    "a pulse of a quarter second": Scenario("shock_controller", ((100, Shock(1, 0.5, 0.25)),), 900),
    "a pulse that is stopped": Scenario("shock_controller", ((50, Shock(1, 1.0, 5.0)), (1_500, StopShock())), 2_000),
    "two pulses of different length": Scenario(
        "shock_controller", ((10, Shock(1, 0.2, 0.5)), (2_000, Shock(2, 0.8, 0.02))), 3_000
    ),
    "the interlock opens in mid pulse": Scenario(
        "shock_controller", ((10, Shock(1, 0.4, 5.0)), (700, Hand("interlock", named={"closed": False}))), 1_500
    ),
    "nobody on the bars": Scenario("shock_controller", ((0, Hand("grid", ("open",))), (10, Shock(1, 0.4, 0.2))), 900),
    "shorted bars": Scenario("shock_controller", ((0, Hand("grid", ("short",))), (10, Shock(1, 0.4, 0.2))), 900),
    "a gate that sticks": Scenario("shock_controller", ((0, Hand("stick_gate")), (10, Shock(1, 0.4, 0.2))), 900),
    "a generator that gives a fifth more": Scenario(
        "shock_controller", ((0, Hand("deviate", (20.0,))), (10, Shock(1, 0.4, 0.2))), 900
    ),
    "a lever is pressed and fed": Scenario(
        "operant_chamber",
        (
            (10, SetLever("left", out=True)),
            (15, SetCue("house_light", on=True)),
            (300, Hand("lever", ("left",), {"pressed": True})),
            (340, Deliver(1)),
            (420, Hand("lever", ("left",), {"pressed": False})),
            (900, Hand("head", named={"inside": True})),
            (1_400, Hand("head", named={"inside": False})),
            (1_500, SetLever("left", out=False)),
        ),
        2_500,
    ),
    "a feeder that jams": Scenario("operant_chamber", ((5, Hand("jam")), (10, Deliver(1))), 1_500),
    "a crossing through the gate": Scenario(
        "shuttle_box",
        (
            (10, SetCue("light", on=True)),
            (20, beam("side_left", broken=True)),
            (200, SetGate(open=True)),
            (700, beam("doorway", broken=True)),
            (760, beam("side_right", broken=True)),
            (900, beam("side_left", broken=False)),
            (980, beam("doorway", broken=False)),
            (1_400, SetGate(open=False)),
        ),
        2_200,
    ),
    "a gate that waits for a tail": Scenario(
        "shuttle_box",
        (
            (10, beam("side_left", broken=True)),
            (20, SetGate(open=True)),
            (400, beam("doorway", broken=True)),
            (500, SetGate(open=False)),
            (1_700, beam("doorway", broken=False)),
        ),
        2_600,
    ),
}


class Recorded:
    """A device on a bench as the peer of a transport; what passes is noted."""

    unplugged = False

    def __init__(self, bench: LibraryBench) -> None:
        self._bench = bench
        self.lines: list[dict[str, Any]] = []

    def note(self, now_us: int, what: str, content: Any) -> None:
        self.lines.append({"us": now_us, what: content})

    def receive(self, data: bytes, now_us: int) -> None:
        self.advance(now_us)
        self.note(now_us, "host", data.hex())
        self._bench.say(data)

    def advance(self, now_us: int) -> None:
        self._bench.pass_time(now_us - self._bench.library.native_now_us())

    def take_outgoing(self) -> bytes:
        data = self._bench.hear()
        if data:
            self.note(self._bench.library.native_now_us(), "device", data.hex())
        return data

    @property
    def next_us(self) -> int:
        return int(self._bench.library.native_next_us())


class Stage:
    """A driver and the peer of its transport, in virtual time."""

    def __init__(self, kind: str, peer: Any) -> None:
        self.now_us = 0
        self.peer = peer
        transport = MemoryTransport(peer, lambda: self.now_us, name=kind)
        transport.open()
        driver, _ = connect("it", kind, transport, lambda: self.now_us, sides=Sides(gate=True))
        self.chamber = ConnectedChamber([(driver, transport)])

    def until(self, end_us: int) -> Iterator[Event]:
        """Let time pass, as a runner in virtual time does."""
        yield from self.chamber.poll(self.now_us)
        while True:
            due_us = min(self.chamber.next_us, self.peer.next_us)
            self.now_us = max(self.now_us, min(due_us, end_us))
            self.peer.advance(self.now_us)
            yield from self.chamber.poll(self.now_us)
            if due_us > end_us:
                return


def record(scenario: Scenario) -> list[dict[str, Any]]:
    """The conversation of a scenario with the firmware of now."""
    bench = LibraryBench(scenario.kind)
    peer = Recorded(bench)
    peer.note(0, "kind", scenario.kind)
    stage = Stage(scenario.kind, peer)
    for at_ms, step in (*scenario.steps, (scenario.length_ms, None)):
        for event in stage.until(at_ms * 1_000):
            peer.note(stage.now_us, "event", _plain(event))
        if isinstance(step, Hand):
            peer.note(stage.now_us, "hand", [step.name, list(step.args), step.named])
            step.move(bench)
        elif step is not None:
            peer.note(stage.now_us, "command", _plain(step))
            assert stage.chamber.send(step, stage.now_us)
    return peer.lines


def _plain(struct: Event | Command) -> dict[str, Any]:
    told = {name: value for name, value in msgspec.structs.asdict(struct).items() if name != "flowed_us"}  # type: ignore[arg-type]
    return {"is": type(struct).__name__, **told}  # a line that tells of current is none of our devices'


def path_of(name: str) -> Path:
    return FOLDER / f"{name.replace(' ', '-')}.jsonl"


def written(name: str) -> list[dict[str, Any]]:
    """The conversation as it was recorded."""
    return [msgspec.json.decode(line) for line in path_of(name).read_text(encoding="utf-8").splitlines()]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, scenario in SCENARIOS.items():
        lines = record(scenario)
        path_of(name).write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        print(f"{name}: {len(lines)} lines")


if __name__ == "__main__":
    main()
