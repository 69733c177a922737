"""What was recorded from the C firmware is what it still says, what the twin says, and what the driver understands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from behavior.model import commands
from devices.benches import Examiner, Heard, TwinBench
from devices.vectors import SCENARIOS, Hand, Stage, _plain, path_of, record, written

TICK = 1


def named(words: list[Any]) -> Hand:
    return Hand(words[0], tuple(words[1]), words[2])


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_firmware_still_says_so(name: str) -> None:
    now = msgspec.json.decode(msgspec.json.encode(record(SCENARIOS[name])))
    assert now == written(name), "if the firmware is right: PYTHONPATH=src:tests python -m devices.vectors"


def test_nothing_is_recorded_that_no_scenario_makes() -> None:
    assert sorted(path_of("x").parent.glob("*")) == sorted(path_of(name) for name in SCENARIOS)


# ---- the twin


def messages(device: Examiner, data: bytes) -> list[Heard]:
    device.bench.hear = lambda: data  # type: ignore[method-assign]
    return device.listen()


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_twin_answers_as_the_firmware_did(name: str) -> None:
    lines = written(name)
    kind = lines[0]["kind"]
    bench = TwinBench(kind)
    said = b""
    for line in lines[1:]:
        bench.pass_time(line["us"] - bench.now_us)
        said += bench.hear()
        if "host" in line:
            bench.say(bytes.fromhex(line["host"]))
        elif "hand" in line:
            named(line["hand"]).move(bench)
    said += bench.hear()
    firmware = messages(
        Examiner(TwinBench(kind), kind), b"".join(bytes.fromhex(one.get("device", "")) for one in lines)
    )
    twin = messages(Examiner(TwinBench(kind), kind), said)
    assert [comparable(one) for one in in_order(twin)] == [comparable(one) for one in in_order(firmware)]
    for ours, theirs in zip(in_order(twin), in_order(firmware), strict=True):
        assert abs(ours.ticks - theirs.ticks) <= TICK, (ours, theirs)


def in_order(heard: list[Heard]) -> list[Heard]:
    """By when it happened: the firmware tells a debounced input, and a pulse's end, later than it was."""
    return sorted(heard, key=lambda one: (one.ticks // 32, one.address, one.kind))


def comparable(one: Heard) -> tuple[Any, ...]:
    if one.address in (8, 9, 19):  # time, and the version, which names the core that answers
        return one.kind, one.refused, one.address
    return one.kind, one.refused, one.address, one.payload


# ---- the driver


@dataclass
class Playback:
    """A device that is only a recording: it says what it said, and wants to hear what it heard."""

    lines: list[dict[str, Any]]
    now_us: int = 0
    unplugged: bool = False

    def receive(self, data: bytes, now_us: int) -> None:
        line = self.lines.pop(0)
        assert (line["us"], line.get("host")) == (now_us, data.hex())

    def advance(self, now_us: int) -> None:
        self.now_us = now_us

    def take_outgoing(self) -> bytes:
        if self.lines and "device" in self.lines[0] and self.lines[0]["us"] <= self.now_us:
            return bytes.fromhex(self.lines.pop(0)["device"])
        return b""

    @property
    def next_us(self) -> int:
        return int(self.lines[0]["us"]) if self.lines and "device" in self.lines[0] else 2**62


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_driver_says_and_understands_what_it_did(name: str) -> None:
    lines = written(name)
    wire = [line for line in lines if "host" in line or "device" in line]
    events = [line["event"] for line in lines if "event" in line]
    stage = Stage(lines[0]["kind"], Playback(wire))
    made = []
    for line in [*[line for line in lines if "command" in line], {"us": lines[-1]["us"]}]:
        made += [_plain(event) for event in stage.until(line["us"])]
        if "command" in line:
            fields = dict(line["command"])
            command = getattr(commands, fields.pop("is"))(**fields)
            assert stage.chamber.send(command, stage.now_us)
    assert made == events
    assert not wire, "the driver kept silent where it had spoken"
