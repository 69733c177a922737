"""The tables of what line shockers speak, by name or file; how text becomes frames; and what a rig may ask of them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from behavior.config import read
from behavior.config.dialect import Dialect, Frame
from behavior.config.shipped import find
from behavior.devices.shockers import not_a_step, not_set_by_hand
from behavior.devices.transport import BAUD
from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.config.rig import Chamber, Device

MAX_FRAME = 512


def dialect_of(device: Device) -> Dialect:
    """What a line shocker speaks.

    Raises
    ------
    BadInput
        There is no such table, it cannot be used, or the shocker would need what it does not have.
    """
    dialect = read(find(device.shocker.dialect, "configs", "shockers"), Dialect)
    shocker = device.shocker
    if not dialect.ends_its_own_pulse and not shocker.pulse_timed_by:
        raise BadInput(
            f"{device.name}: a {dialect.name} does not end its own pulses, and the computer must not; name the device "
            "of its chamber that does, as pulse_timed_by"
        )
    if dialect.set_current is None and shocker.set_ma is None:
        raise BadInput(f"{device.name}: a {dialect.name} is set by hand; say to how much, as shocker.set_ma")
    if dialect.set_current is not None and shocker.set_ma is not None:
        raise BadInput(f"{device.name}: the current of a {dialect.name} is set by command; leave out shocker.set_ma")
    return dialect


def baud_of(device: Device) -> int:
    """How fast the line of a device runs."""
    return dialect_of(device).baud if device.kind == "line_shocker" else BAUD


def cannot_give(device: Device, ma: float, duration_s: float) -> str:
    """Why a shocker cannot give such a shock, as far as its rig file says; empty if it can."""
    match device.kind:
        case "ttl_shocker":
            return not_set_by_hand(device.shocker, ma)
        case "parallel_shocker":
            return not_a_step(device.shocker, ma)
        case "line_shocker":
            return beyond(dialect_of(device), device, ma, duration_s)
    return ""


def beyond(dialect: Dialect, device: Device, ma: float, duration_s: float) -> str:
    """Why a line shocker cannot give such a shock; empty if it can."""
    limits = dialect.limits
    if dialect.set_current is None:
        why = not_set_by_hand(device.shocker, ma)
    elif ma > limits.max_ma + 1e-9:
        why = f"cannot give {ma:g} mA: it gives {limits.max_ma:g} mA at most"
    elif dialect.codes and code_of(dialect, ma) is None:
        why = f"cannot give {ma:g} mA: it has no code for it"
    elif not dialect.codes and abs(round(ma / limits.step_ma) * limits.step_ma - ma) > 1e-6:
        why = f"cannot give {ma:g} mA: its steps are {limits.step_ma:g} mA"
    else:
        why = ""
    if not why and not device.shocker.pulse_timed_by:
        if limits.fixed_s is not None and abs(duration_s - limits.fixed_s) > 1e-9:
            why = f"cannot give {duration_s:g} s: its pulses are {limits.fixed_s:g} s"
        elif duration_s > limits.max_single_s:
            why = f"cannot give {duration_s:g} s: its pulses are {limits.max_single_s:g} s at most"
    return why


def check_shockers(chamber: Chamber) -> None:
    """See that the line shockers of a chamber can be driven, before anything moves.

    Raises
    ------
    BadInput
        As of `dialect_of`.
    """
    for device in chamber.devices:
        if device.kind == "line_shocker":
            dialect_of(device)


def code_of(dialect: Dialect, ma: float) -> str | None:
    """What a current is called, where only some have names."""
    return next((code for text, code in dialect.codes.items() if abs(float(text) - ma) < 1e-6), None)


def values_of(dialect: Dialect, ma: float, duration_s: float) -> dict[str, float | int | str]:
    """What may stand in a command."""
    step_ma = dialect.limits.step_ma
    return {
        "ma": ma,
        "ma_mid": min(ma + step_ma / 4, dialect.limits.max_ma),
        "ua": round(ma * 1_000),
        "steps": round(ma / step_ma),
        "code": code_of(dialect, ma) or "",
        "ms": round(duration_s * 1_000),
        "s": duration_s,
    }


def framed(frame: Frame, body: str) -> bytes:
    """A message as it goes over the line.

    Examples
    --------
    >>> framed(Frame(start="?*", end="#", checksum="sum8_hex", mark="$"), "A,S")
    b'?*A,S$C0#'
    """
    check = "" if frame.checksum == "none" else f"{frame.mark}{sum(body.encode('ascii')) & 0xFF:02X}"
    return f"{frame.start}{body}{check}{frame.end}".encode("ascii")


class Unframing:
    """Cuts a line's bytes into messages; what is between them, or fails its checksum, is passed over."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._waiting = b""
        self.n_unusable = 0

    def feed(self, data: bytes) -> list[str]:
        """The bodies of the messages that these bytes complete."""
        self._waiting += data
        start, end = self._frame.start.encode("ascii"), self._frame.end.encode("ascii")
        found = []
        while (stop := self._waiting.find(end)) >= 0:
            raw, self._waiting = self._waiting[:stop], self._waiting[stop + len(end) :]
            body = self._body(raw.rpartition(start)[2] if start and start in raw else None if start else raw)
            if body is None:
                self.n_unusable += 1
            elif body:
                found.append(body)
        self._waiting = self._waiting[-MAX_FRAME:]
        return found

    def _body(self, raw: bytes | None) -> str | None:
        if raw is None or not raw.isascii():
            return None
        text = raw.decode("ascii").strip("\r\n")
        if self._frame.checksum == "none":
            return text
        body, digits = text[: -2 - len(self._frame.mark)], text[-2:]
        whole = f"{body}{self._frame.mark}{sum(body.encode('ascii')) & 0xFF:02X}"
        return body if digits and text.upper() == whole.upper() else None


def matches(pattern: str, body: str) -> bool:
    """Whether a message is what was expected, `*` standing for anything."""
    return fnmatchcase(body, re.sub(r"([\[?])", r"[\1]", pattern))
