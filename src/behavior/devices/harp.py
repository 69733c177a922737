"""A device's bytes made into messages, and back. No I/O, no clock.

Framing, checksums, register formats and payloads are the official packages' (`HarpFramer`, `HarpMessage`,
`Register.format`). By hand, because they lack it:

* **Time in ticks.** A message's time is whole seconds and 32 µs ticks; they give a float of seconds, and may write
  31250 ticks, one too many. Here it is an integer number of microseconds, and 31250 is read as what it means.
* **A way out of a stall.** A length byte that was damaged on the way makes a framer wait for bytes that never come,
  and swallow the messages that do. When nothing has arrived for 50 ms, the bytes that wait are searched for whole
  messages behind the stalled one. They are given up only if there are some: half a message whose other half is late
  is not lost.
* **Checks before writing.** `format` takes 1.5 as 1, and any value or bit; here a value outside its register's range
  or mask is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from harp.protocol import HarpMessage

    from behavior.devices.registers import DeviceMap, Register

TICK_US = 32
TICKS_PER_S = 31_250
STALL_US = 50_000

Kind: TypeAlias = Literal["read", "write", "event"]
_KINDS: dict[int, Kind] = {1: "read", 2: "write", 3: "event"}
_TIME = struct.Struct("<IH")


@dataclass(frozen=True, slots=True)
class Message:
    """What a device said.

    Attributes
    ----------
    kind : reply to a read or write request, or an event
    refused : whether it is an error reply; it has no value then
    name : the register's name in `device.yml`
    value : as the official register class decodes it: an integer, an enumeration, an array or a payload of fields
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
        self._fed_us = 0
        self.n_unusable = 0
        """Whole frames that no register of the device explains."""

    def feed(self, data: bytes, now_us: int) -> list[Message]:
        """The messages that these bytes complete, and those found behind a stalled one."""
        found = self.unstall(now_us) if self._waiting else []
        self._fed_us = now_us
        self._waiting += data
        self._framer.feed(data)
        return found + self._take()

    def unstall(self, now_us: int) -> list[Message]:
        """The messages behind one that has been incomplete for 50 ms. To be called now and then while nothing comes."""
        if not self._waiting or now_us - self._fed_us < STALL_US:
            return []
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

    def _take(self) -> list[Message]:
        found = []
        while (frame := self._framer.next_frame()) is not None:
            found += self._message(frame)
        return found

    def _message(self, frame: HarpMessage[Any]) -> list[Message]:
        raw = frame.bytes
        _, _, self._waiting = self._waiting.partition(raw)
        register = self._registers.get(raw[2])
        if register is None or not raw[4] & 0x10:
            self.n_unusable += 1
            return []
        seconds, ticks = _TIME.unpack_from(raw, 5)
        device_us = (seconds * TICKS_PER_S + ticks) * TICK_US
        if raw[0] & 0x08:
            return [Message(_KINDS[raw[0] & 3], True, register.name, None, device_us)]
        try:
            value = frame.decode(register.codec).payload
        except self._unreadable:
            self.n_unusable += 1
            return []
        return [Message(_KINDS[raw[0] & 3], False, register.name, value, device_us)]


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
