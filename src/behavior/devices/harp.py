"""A device's bytes made into messages, and back. No I/O, no clock.

Framing, checksums, register formats and payloads are the official packages' (`HarpFramer`, `HarpMessage`,
`Register.format`). By hand, because they lack it:

* **Time in ticks.** A message's time is whole seconds and 32 µs ticks; they give a float of seconds, and may write
  31250 ticks, one too many. Here it is an integer number of microseconds, and 31250 is read as what it means.
* **A way out of a stall.** A length byte that was damaged on the way makes a framer wait for bytes that never come,
  and swallow the messages that do. When nothing has arrived for 50 ms, the bytes that wait are searched for whole
  messages behind the stalled one. They are given up only if there are some: half a message whose other half is late
  is not lost.
* **Speed, where a press waits for its answer.** A message that comes alone and whole and holds one integer, as those of
  levers and beams do, is cut and decoded here, to the same message that the packages make of it (a test holds it so);
  everything else is theirs.
* **Checks before writing.** `format` takes 1.5 as 1, and any value or bit; here a value outside its register's range
  or mask is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harp.protocol import HarpMessage

    from behavior.devices.registers import DeviceMap, Register

TICK_US = 32
TICKS_PER_S = 31_250
STALL_US = 50_000
LONGEST = 257
"""Of a message, in bytes: its kind, its length byte, and as many as that can say."""

Kind: TypeAlias = Literal["read", "write", "event"]
_KINDS: dict[int, Kind] = {1: "read", 2: "write", 3: "event"}
_TIME = struct.Struct("<IH")
_INTEGERS = {name: struct.Struct(f"<IH{code}") for name, code in (("U8", "B"), ("U16", "H"), ("U32", "I"))}
"""Seconds, ticks and value of a message with one integer."""
N_SHORTEST = 13


@dataclass(frozen=True, slots=True)
class Message:
    """What a device said.

    Attributes
    ----------
    kind : reply to a read or write request, or an event
    refused : whether it is an error reply; it has no value then
    name : the register's name in `device.yml`
    value : as the official register class decodes it, or equal to it: an integer, an enumeration, an array or a payload
        of fields
    device_us : when, in µs on the device's own clock; the true time is up to one tick (32 µs) later
    """

    kind: Kind
    refused: bool
    name: str
    value: Any
    device_us: int


class Framing:
    """Cuts one device's bytes into messages."""

    def __init__(self, device_map: DeviceMap) -> None:
        from harp.device.client import HarpFramer
        from harp.protocol import HarpParseError

        self._unreadable = HarpParseError
        self._registers = device_map.by_address
        self._new_framer = HarpFramer
        self._framer = HarpFramer()
        self._waiting = b""
        self._searched = False
        self._fed_us = 0
        self._integers = dict(_integers(self._registers.values()))
        self.n_unusable = 0
        """Whole frames that no register of the device explains."""
        self.n_noise = 0
        """Bytes that belong to no message which could be used."""

    @property
    def amid_message(self) -> bool:
        """Whether bytes came that are no message yet."""
        return bool(self._waiting)

    @property
    def n_bytes_waiting(self) -> int:
        """How many."""
        return len(self._waiting)

    def feed(self, data: bytes, now_us: int) -> list[Message]:
        """The messages that these bytes complete, and those found behind a stalled one."""
        if not self._waiting and (alone := self._alone(data)) is not None:
            self._fed_us = now_us
            return [alone]
        found = self.unstall(now_us) if self._waiting else []
        self._fed_us = now_us
        self._waiting += data
        self._searched = False
        self._framer.feed(data)
        found += self._take()
        self._waiting = self._waiting[-LONGEST:]  # what is older is noise: no message waits for its end so long
        return found

    def unstall(self, now_us: int) -> list[Message]:
        """The messages behind one that has been incomplete for 50 ms. To be called now and then while nothing comes."""
        if not self._waiting or self._searched or now_us - self._fed_us < STALL_US:
            return []
        self._searched = True
        for start in range(1, len(self._waiting)):
            if self._waiting[start] not in (1, 2, 3, 9, 10, 11):
                continue
            framer = self._new_framer()
            framer.feed(self._waiting[start:])
            first = framer.next_frame()
            if first is not None:
                self._framer = framer
                return [*self._message(first), *self._take()]
        return []

    def _alone(self, data: bytes) -> Message | None:
        """The message of bytes that are one whole frame with one integer."""
        n = len(data)
        if n < N_SHORTEST or data[1] != n - 2 or data[0] not in _KINDS or sum(data[:-1]) & 0xFF != data[-1]:
            return None
        known = self._integers.get((data[2], data[4], n))
        if known is None or data[3] != 0xFF:
            return None
        name, layout = known
        seconds, ticks, value = layout.unpack_from(data, 5)
        return Message(_KINDS[data[0]], False, name, value, (seconds * TICKS_PER_S + ticks) * TICK_US)

    def _take(self) -> list[Message]:
        found = []
        while (frame := self._framer.next_frame()) is not None:
            found += self._message(frame)
        return found

    def _message(self, frame: HarpMessage[Any]) -> list[Message]:
        raw = frame.bytes
        noise, _, self._waiting = self._waiting.partition(raw)
        self.n_noise += len(noise)
        register = self._registers.get(raw[2])
        if register is None or not raw[4] & 0x10:
            return self._unusable(raw)
        seconds, ticks = _TIME.unpack_from(raw, 5)
        device_us = (seconds * TICKS_PER_S + ticks) * TICK_US
        if raw[0] & 0x08:
            return [Message(_KINDS[raw[0] & 3], True, register.name, None, device_us)]
        try:
            value = frame.decode(register.codec).payload
        except (
            self._unreadable,
            ValueError,
        ):  # ValueError: a name that is not ASCII, an enumeration without that member
            return self._unusable(raw)
        return [Message(_KINDS[raw[0] & 3], False, register.name, value, device_us)]

    def _unusable(self, raw: bytes) -> list[Message]:
        self.n_unusable += 1
        self.n_noise += len(raw)
        return []


def _integers(registers: Iterable[Register]) -> Iterator[tuple[tuple[int, int, int], tuple[str, struct.Struct]]]:
    """Address, type byte and frame length of messages with one integer, with their register's name and layout."""
    from enum import IntFlag
    from numbers import Integral

    for register in registers:
        layout = _INTEGERS.get(register.type)
        if register.length == 1 and layout is not None:
            value = register.codec.parse(bytes(register.n_bytes))
            if isinstance(value, IntFlag | Integral):
                yield (register.address, 0x10 | register.n_bytes, 5 + layout.size + 1), (register.name, layout)


@lru_cache(maxsize=4096)
def read_frame(register: Register) -> bytes:
    """The request for a register's value."""
    return register.codec.format()


@lru_cache(maxsize=4096)
def write_frame(register: Register, value: int) -> bytes:
    """The request to set a register.

    Raises
    ------
    ValueError
        The register takes no such value.
    """
    if not isinstance(value, int) or not register.allows(value):
        raise ValueError(f"{register.name} takes no {value!r}: it goes from {register.minimum} to {register.maximum}")
    import numpy as np

    return register.codec.format(np.array([value], dtype=register.codec.payload_type.numpy_dtype))
