"""A session as Harp registers: a folder for each device, as Bonsai and the Harp packages for Python read them.

    PATH/session.json                           the session's header, its end, and what the sides are called
    PATH/OperantChamber.harp/device.yml         the device's registers
    PATH/OperantChamber.harp/OperantChamber_32.bin      every message of register 32, one after another
    PATH/ShockController.harp/…, PATH/ShuttleBox.harp/…

Held is what a register holds: levers, head entries, crossings, deliveries, shocks with their measured current, and the
outputs that were set. Components, trials, draws and notes are in no register. Time is the session's, in Harp's ticks of
32 us. A file is as long as its messages; checksums are written, and read again here (the packages do not).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from behavior.config.shipped import shipped
from behavior.devices.cues import cue_bits
from behavior.devices.harp import TICK_US, TICKS_PER_S
from behavior.devices.registers import Register, device_map
from behavior.formats.format import Format
from behavior.formats.own import example_session
from behavior.formats.record import SessionRecord
from behavior.formats.rows import about, record_of_about
from behavior.formats.text import read_bytes, read_text, write_new
from behavior.model import commands as c
from behavior.model import events as e
from behavior.model.decode import convert, tree
from behavior.model.errors import BadInput
from behavior.session.journal import Item

_WRITE, _EVENT, _SELF, _TIMED = 2, 3, 0xFF, 0x10
_SIZES = {"U8": 1, "U16": 2, "U32": 4}
_BOXES = ("operant_chamber", "shuttle_box")
_ABOUT = "session.json"
_ORDER = ("Inputs", "Delivered", "PulseStarted", "PulseEnded", "OutputState", "Deliver", "Intensity", "Duration",
          "Trigger", "Stop")  # fmt: skip
"""At one instant: what was reported, then what was commanded, because commands answer reports."""


@dataclass(frozen=True, slots=True)
class _Message:
    at_us: int
    device: str
    register: str
    values: tuple[int, ...]

    @property
    def key(self) -> tuple[int, int]:
        return self.at_us, _ORDER.index(self.register)


# -- writing ----------------------------------------------------------------------------------------------------------


def write(path: Path, record: SessionRecord) -> None:
    """Write a session into a new folder.

    Raises
    ------
    BadInput
        The folder is there already.
    """
    if path.exists():
        raise BadInput(f"{path}: is there already and is not overwritten; choose another name")
    coder = _Coder(record.items)
    files: dict[tuple[str, str], bytearray] = {}
    for message in coder.messages():
        files.setdefault((message.device, message.register), bytearray()).extend(_frame(message))
    path.mkdir(parents=True)
    timeline = record.timeline
    end = {"reason": timeline.ended, "end_us": timeline.end_us, "sides": coder.sides}
    plain = {**about(replace(record, calls=None)), "end": end}
    write_new(path / _ABOUT, (json.dumps(plain, indent=1, allow_nan=False) + "\n").encode())
    for device in dict.fromkeys(device for device, _ in files):
        place = _folder(path, device)
        place.mkdir()
        write_new(place / "device.yml", shipped("hardware", device, "device.yml").read_bytes())
    for (device, register), data in files.items():
        address = device_map(device)[register].address
        write_new(_folder(path, device) / f"{device_map(device).device_name}_{address}.bin", bytes(data))


def _folder(path: Path, device: str) -> Path:
    return path / f"{device_map(device).device_name}.harp"


def _frame(message: _Message) -> bytes:
    """A message as it goes over the wire, with its time."""
    register = device_map(message.device)[message.register]
    size = _SIZES[register.type]
    kind = _EVENT if register.reports and message.register not in ("OutputState",) else _WRITE
    payload = b"".join(value.to_bytes(size, "little") for value in message.values)
    s, us = divmod(message.at_us, 1_000_000)
    time = struct.pack("<IH", s, min(round(us / TICK_US), TICKS_PER_S - 1))
    body = bytes((kind, 10 + len(payload), register.address, _SELF, size | _TIMED)) + time + payload
    return body + bytes((sum(body) & 0xFF,))


class _Coder:
    """What a journal's items are in registers."""

    def __init__(self, items: Sequence[Item]) -> None:
        self._items = items
        self._inputs = dict.fromkeys(_BOXES, 0)
        self._outputs = dict.fromkeys(_BOXES, 0)
        found = sorted({item.side for item in items if isinstance(item, e.Crossed)})
        usual = set(found) <= {"left", "right"}
        self.sides = {"left": "left", "right": "right"} if usual else dict(zip(("left", "right"), found, strict=False))
        self._box = "shuttle_box" if found or any(isinstance(item, c.SetGate) for item in items) else "operant_chamber"

    def messages(self) -> Iterator[_Message]:
        """In the order of the items."""
        now_us = 0
        for item in self._items:
            now_us = max(now_us, getattr(item, "at_us", now_us))
            yield from self._of(item, getattr(item, "at_us", now_us))

    def _of(self, item: Item, at_us: int) -> Iterator[_Message]:
        chamber, shocker = "operant_chamber", "shock_controller"
        match item:
            case e.LeverPressed() | e.LeverReleased():
                yield from self._input(chamber, f"LEVER_{item.lever.upper()}", isinstance(item, e.LeverPressed), at_us)
            case e.HeadEntered() | e.HeadLeft():
                yield from self._input(chamber, "HEAD_ENTRY", isinstance(item, e.HeadEntered), at_us)
            case e.Crossed():
                yield from self._crossed(item.side, at_us)
            case e.Delivered():
                yield _Message(at_us, chamber, "Delivered", (item.number,))
            case e.ShockStarted():
                yield _Message(at_us, shocker, "PulseStarted", (item.number,))
            case e.ShockEnded():
                cause = _causes().get(item.cause)
                if item.delivered_ma is not None and cause is not None:
                    values = (item.number, item.duration_us, round(item.delivered_ma * 1000), cause)
                    yield _Message(at_us, shocker, "PulseEnded", values)
            case c.SetCue():
                cues = cue_bits({name.lower(): bit for name, bit in _bits(self._box, "Outputs").items()})
                yield from self._output(self._box, cues.get(item.cue), item.on, at_us)
            case c.SetLever():
                bit = _bits(chamber, "Outputs").get(f"LEVER_{item.lever.upper()}_OUT")
                yield from self._output(chamber, bit, item.out, at_us)
            case c.SetGate():
                gate = _bits("shuttle_box", "Outputs")["GATE_OPEN"]
                yield from self._output("shuttle_box", gate, item.open, at_us)
            case c.Deliver():
                yield _Message(at_us, chamber, "Deliver", (item.number,))
            case c.Shock():
                yield _Message(at_us, shocker, "Intensity", (round(item.ma * 1000),))
                yield _Message(at_us, shocker, "Duration", (round(item.duration_s * 1000),))
                yield _Message(at_us, shocker, "Trigger", (item.number,))
            case c.StopShock():
                yield _Message(at_us, shocker, "Stop", (1,))

    def _input(self, device: str, name: str, on: bool, at_us: int) -> Iterator[_Message]:
        bit = _bits(device, "InputLines").get(name)
        if bit is not None:
            self._inputs[device] = self._inputs[device] | bit if on else self._inputs[device] & ~bit
            yield _Message(at_us, device, "Inputs", (self._inputs[device],))

    def _crossed(self, side: str, at_us: int) -> Iterator[_Message]:
        """The animal is on this side alone."""
        bits = _bits("shuttle_box", "InputLines")
        for place, name in self.sides.items():
            if name == side:
                yield _Message(at_us, "shuttle_box", "Inputs", (bits[f"SIDE_{place.upper()}"],))

    def _output(self, device: str, bit: int | None, on: bool, at_us: int) -> Iterator[_Message]:
        if bit is not None:
            self._outputs[device] = self._outputs[device] | bit if on else self._outputs[device] & ~bit
            yield _Message(at_us, device, "OutputState", (self._outputs[device],))


@cache
def _bits(device: str, mask: str) -> Mapping[str, int]:
    return {bit.name: int(bit) for bit in getattr(device_map(device).module, mask)}


@cache
def _causes() -> Mapping[str, int]:
    return {cause.name.lower(): int(cause) for cause in device_map("shock_controller").module.EndCauses}


# -- reading ----------------------------------------------------------------------------------------------------------


def read(path: Path) -> SessionRecord:
    """Read a folder that was written here: what its registers hold, as events and commands.

    Raises
    ------
    BadInput
        It is none, or a file is damaged; the sentence names it and the message.
    """
    if not path.exists():
        raise BadInput(f"{path}: there is no such folder; check the name, or the folder you are in")
    if not _is_one(path, b""):
        raise BadInput(
            f"{path}: is no folder of Harp registers: {_ABOUT} and NAME.harp folders are not in it; name another"
        )
    text = read_text(path / _ABOUT, "a session's header")
    record = record_of_about(path / _ABOUT, text, (), ())
    try:
        end = convert(tree(text)["end"], dict[str, Any])
        reason, end_us, sides = end["reason"], int(end["end_us"]), {str(a): str(b) for a, b in end["sides"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        raise BadInput(f"{path / _ABOUT}: does not say how the session ended; restore it") from None
    messages: list[_Message] = []
    for device in (*_BOXES, "shock_controller"):
        for name in _ORDER:
            if (register := device_map(device).registers.get(name)) is not None:
                file = _folder(path, device) / f"{device_map(device).device_name}_{register.address}.bin"
                messages += _messages(file, device, register) if file.is_file() else ()
    items = _Decoder(sides).items(sorted(messages, key=lambda one: one.key), end_us, reason)
    return replace(record, items=tuple(items))


def _messages(file: Path, device: str, register: Register) -> Iterator[_Message]:
    data, size = read_bytes(file), _SIZES[register.type]
    at = 0
    while at < len(data):
        length = 2 + (data[at + 1] if at + 1 < len(data) else 0)
        frame = data[at : at + length]
        whole = len(frame) == length >= 12 + register.n_bytes and sum(frame[:-1]) & 0xFF == frame[-1]
        if not whole or frame[2] != register.address or frame[4] != size | _TIMED:
            raise BadInput(f"{file}: the message at byte {at} is damaged; restore the file")
        s, ticks = struct.unpack_from("<IH", frame, 5)
        payload = frame[11:-1]
        values = tuple(int.from_bytes(payload[i : i + size], "little") for i in range(0, len(payload), size))
        yield _Message(s * 1_000_000 + ticks * TICK_US, device, register.name, values)
        at += length


class _Decoder:
    """Registers as items."""

    def __init__(self, sides: Mapping[str, str]) -> None:
        self._sides = sides
        self._bits_on: dict[tuple[str, str], int] = {}
        self._ma = self._duration_s = 0.0

    def items(self, messages: Sequence[_Message], end_us: int, reason: str | None) -> Iterator[Item]:
        """In order of time; ticks between them where a command came later than the report before it."""
        yield e.SessionStarted(0)
        now_us = 0
        for message in messages:
            for item in self._of(message):
                if isinstance(item, c.Command) and message.at_us > now_us:
                    yield e.TimerFired(message.at_us)
                now_us = max(now_us, message.at_us)
                yield item
        if reason is not None:
            if end_us > now_us:
                yield e.TimerFired(end_us)
            yield c.EndSession(reason)

    def _of(self, one: _Message) -> Iterator[Item]:
        value = one.values[0]
        match one.register:
            case "Inputs" | "OutputState":
                mask = "InputLines" if one.register == "Inputs" else "Outputs"
                before, self._bits_on[one.device, mask] = self._bits_on.get((one.device, mask), 0), value
                for name, bit in _bits(one.device, mask).items():
                    if (before ^ value) & bit:
                        yield from self._line(name, bool(value & bit), one.at_us)
            case "Delivered":
                yield e.Delivered(one.at_us, value)
            case "Deliver":
                yield c.Deliver(value)
            case "PulseStarted":
                yield e.ShockStarted(one.at_us, value)
            case "PulseEnded":
                cause = {number: name for name, number in _causes().items()}.get(one.values[3], str(one.values[3]))
                yield e.ShockEnded(one.at_us, value, one.values[1], one.values[2] / 1000, cause)
            case "Intensity":
                self._ma = value / 1000
            case "Duration":
                self._duration_s = value / 1000
            case "Trigger":
                yield c.Shock(value, self._ma, self._duration_s)
            case "Stop":
                yield c.StopShock()

    def _line(self, name: str, on: bool, at_us: int) -> Iterator[Item]:
        if name == "HEAD_ENTRY":
            yield e.HeadEntered(at_us) if on else e.HeadLeft(at_us)
        elif name == "GATE_OPEN":
            yield c.SetGate(on)
        elif name.startswith("LEVER_") and name.endswith("_OUT"):
            yield c.SetLever(name.removeprefix("LEVER_").removesuffix("_OUT").lower(), on)
        elif name.startswith("LEVER_"):
            lever = name.removeprefix("LEVER_").lower()
            yield e.LeverPressed(at_us, lever) if on else e.LeverReleased(at_us, lever)
        elif name.startswith("SIDE_"):
            side = name.removeprefix("SIDE_").lower()
            if on:
                yield e.Crossed(at_us, self._sides.get(side, side))
        elif name == "TONE" or "LIGHT" in name:
            yield c.SetCue(name.lower(), on)


def _is_one(path: Path, head: bytes) -> bool:
    return path.is_dir() and (path / _ABOUT).is_file() and any(path.glob("*.harp/device.yml"))


def _example() -> SessionRecord:
    s = 1_000_000
    items = (
        e.SessionStarted(0), c.SetLever("left", True), e.LeverPressed(2 * s + 32, "left"), c.Deliver(1),
        e.LeverReleased(2 * s + 160_000, "left"), e.Delivered(2 * s + 400_000, 1), e.HeadEntered(3 * s),
        e.HeadLeft(4 * s), e.TimerFired(8 * s), c.SetCue("tone", True), e.LeverPressed(9 * s, "left"),
        c.Shock(1, 0.4, 0.25), e.ShockStarted(9 * s + 64, 1),
        e.ShockEnded(9 * s + 250_080, 1, 250_016, 0.398, "completed"),
        e.LeverReleased(10 * s, "left"), c.StopShock(), e.TimerFired(13 * s), c.SetCue("tone", False),
        c.SetLever("left", False), c.EndSession("completed"),
    )  # fmt: skip
    return replace(example_session(), items=items, host_us=(), calls=None)


FORMAT = Format("harp", "folder of Harp registers", "session", ("/",), _is_one, read, write, _example)
