"""A conversation between a driver and its device's manual, byte for byte. What is left over is an error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from harp.protocol import MessageType

from behavior.devices.clock import Answer, DeviceClock
from behavior.devices.driver import HarpDriver
from behavior.devices.registers import device_map
from behavior.model.events import Disturbed, Event

KINDS = {"read": MessageType.Read, "write": MessageType.Write, "event": MessageType.Event}


def plain_clock() -> DeviceClock:
    """A device that was switched on when the session began."""
    return DeviceClock([Answer(0, 0, 0)])


def frame(kind: str, says: str, *values: int, at_us: int | None = None, refused: bool = False) -> bytes:
    """A frame as the official package writes it; `says` is "write Arm" and the like, `at_us` its stamp."""
    verb, _, name = says.partition(" ")
    register = device_map(kind)[name]
    time = None if at_us is None else at_us / 1e6
    if not values:
        return register.codec.format(message_type=KINDS[verb], timestamp=time)
    payload = np.array(values, dtype=register.codec.payload_type.numpy_dtype)
    made = bytearray(register.codec.format(payload, message_type=KINDS[verb], timestamp=time))
    if refused:
        made[0] |= 0x08
        made[-1] = sum(made[:-1]) & 0xFF
    return bytes(made)


def but_disturbed(events: list[Event]) -> list[Event]:
    """What was told beside disturbances of the wire."""
    return [event for event in events if not isinstance(event, Disturbed)]


class Dialogue:
    """Both sides of the wire of one driver."""

    def __init__(self, driver: HarpDriver) -> None:
        self._driver = driver

    def host(self, *says: tuple[object, ...]) -> None:
        """The driver has said exactly this since the last time: ("write Arm", 1), ("read PulseCount",)."""
        expected = b"".join(frame(self._driver.kind, str(one[0]), *one[1:]) for one in says)  # type: ignore[arg-type]
        said = self._driver.take_outgoing()
        assert said.hex(" ") == expected.hex(" ")

    def device(
        self, says: str, *values: int, at_us: int, heard_us: int | None = None, refused: bool = False
    ) -> list[Event]:
        """The device says this at `at_us` of its clock; the events that the driver makes of it."""
        data = frame(self._driver.kind, says, *values, at_us=at_us, refused=refused)
        return self._driver.receive(data, at_us if heard_us is None else heard_us)


@contextmanager
def dialogue(driver: HarpDriver) -> Iterator[Dialogue]:
    """A conversation; at its end nothing may be left unsaid."""
    yield Dialogue(driver)
    assert driver.take_outgoing() == b""
