"""Finding devices by who they are: every port is asked, and port names are never written down.

A device that the rig names by its USB serial number is found without a word, and nobody else is asked at its port: what
an unknown box makes of a Harp request, nobody knows. The others are asked who they are, which changes nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from behavior.devices.dialects import dialect_of
from behavior.devices.handshake import Identity, identify
from behavior.devices.line_shocker import identify_line
from behavior.devices.transport import HELD, TransportLost, transport_to
from behavior.model.errors import BadInput, BehaviorError, Failure

if TYPE_CHECKING:
    from behavior.config.rig import Device

PATIENCE_S, AGAIN_S = 3.0, 0.2
MORE_PORTS = "BEHAVIOR_PORTS"
"""Environment variable: further ports, separated by commas, that the operating system does not list."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port, and what the operating system knows of what is plugged in there."""

    name: str
    usb_serial: str = ""
    description: str = ""


def serial_ports() -> tuple[Port, ...]:
    """The ports that the operating system knows, and those that `BEHAVIOR_PORTS` names."""
    from serial.tools.list_ports import comports

    known = [Port(port.device, port.serial_number or "", port.description or "") for port in comports()]
    more = [Port(name.strip()) for name in os.environ.get(MORE_PORTS, "").split(",") if name.strip()]
    return tuple(sorted([*known, *more], key=lambda port: port.name))


def who_is_there(ports: Iterable[Port]) -> dict[str, Identity | str]:
    """Ask each port for its device; the identity, or a sentence that says why there is none."""
    found: dict[str, Identity | str] = {}
    for port in ports:
        transport = transport_to(port.name)
        try:
            transport.open()
            found[port.name] = identify(transport, lambda: time.monotonic_ns() // 1000)
        except (BehaviorError, TransportLost) as error:
            found[port.name] = str(error)
        finally:
            transport.close()
    return found


def ports_of(
    devices: Iterable[Device],
    ports: Iterable[Port],
    answers: Mapping[str, Identity | str] | None = None,
    *,
    patience_s: float = PATIENCE_S,
) -> dict[str, str]:
    """The port of each of these devices, by its name in the rig.

    Parameters
    ----------
    devices : whom to find
    ports : where to look
    answers : who is there, if they were asked already
    patience_s : how long a port is asked again that another program has open: it may only be asking around too

    Raises
    ------
    BadInput
        Two ports answer with one identity, or one is open in another program, or may not be opened.
    Failure
        One is not there; says what was found.
    """
    wanted, ports = list(devices), list(ports)
    serials = {device.usb_serial for device in wanted} - {""}
    if answers is None:
        unknown = [port for port in ports if port.usb_serial not in serials]
        answers = dict(who_is_there(unknown))
        until_s = time.monotonic() + patience_s
        while held := _held_and_wanted(wanted, unknown, answers):
            if time.monotonic() >= until_s:
                break
            time.sleep(AGAIN_S)
            answers |= who_is_there(held)
    _each_once({port: who.uid for port, who in answers.items() if isinstance(who, Identity)})
    found: dict[str, str] = {}
    for device in wanted:
        at = [port.name for port in ports if port.usb_serial == device.usb_serial] if device.usb_serial else []
        at = at or [port for port, who in answers.items() if not device.usb_serial and is_named(device, who)]
        if len(at) > 1:
            raise BadInput(f"{at[0]} and {at[1]} both answer as device {device.identity}; unplug one of them")
        if not at:
            raise _missing(device, ports, answers)
        found[device.name] = at[0]
    return found


def line_answer(device: Device, port: str) -> str:
    """What a line shocker says at its port when it is asked who it is; empty for dialects that cannot be asked.

    Its port is known already, by its USB serial number: nobody else is ever spoken to in a shocker's words. Opening
    the port restarts an Arduino.
    """
    dialect = dialect_of(device)
    if dialect.identify is None:
        return ""
    transport = transport_to(port, baud=dialect.baud)
    try:
        transport.open()
        answers = identify_line(dialect, transport, lambda: time.monotonic_ns() // 1000)
    except (BehaviorError, TransportLost) as error:
        return str(error)
    finally:
        transport.close()
    how = "answers" if answers else "does not answer"
    return f"{how} as a {dialect.name} at {dialect.baud} baud"


def is_named(device: Device, who: Identity | str) -> bool:
    """Whether this is the device that the rig names."""
    if isinstance(who, str) or not (device.uid or device.device_name):
        return False
    return (not device.uid or device.uid == who.uid) and (
        not device.device_name or (device.device_name == who.device_name and device.kind == who.kind)
    )


def _held_and_wanted(wanted: list[Device], ports: list[Port], answers: Mapping[str, Identity | str]) -> list[Port]:
    """The ports that another program has open, as long as a device that may be there is missing."""
    missing = any(
        not device.usb_serial and not any(is_named(device, who) for who in answers.values()) for device in wanted
    )
    return [port for port in ports if missing and isinstance(who := answers[port.name], str) and HELD in who]


def _each_once(uids: Mapping[str, str]) -> None:
    at: dict[str, str] = {}
    for port, uid in uids.items():
        if uid and uid in at:
            raise BadInput(f"{at[uid]} and {port} both answer as device {uid}; unplug one of them")
        at[uid] = port


def _missing(device: Device, ports: list[Port], answers: Mapping[str, Identity | str]) -> BehaviorError:
    """Why a device was not found."""
    held = [port for port, who in answers.items() if isinstance(who, str) and HELD in who]
    if held and not device.usb_serial:
        return BadInput(
            f"device {device.identity} is not to be found, and {', '.join(held)} is open in another program, such as a "
            "session that runs on this chamber; end that first"
        )
    shut = [who for who in answers.values() if isinstance(who, str) and "we may not open it" in who]
    if shut and not device.usb_serial:
        return BadInput(f"device {device.identity} is not to be found; {shut[0]}")
    seen = "; ".join(f"{port.name}: {_text(port, answers.get(port.name))}" for port in ports) or "no port"
    return Failure(
        f"device {device.identity} is not there; plug it in and switch it on, or run with --simulate (found: {seen})"
    )


def _text(port: Port, who: Identity | str | None) -> str:
    if isinstance(who, Identity):
        return f"{who.device_name} {who.uid}".strip()
    return who or f"USB serial number {port.usb_serial}"
