"""Finding devices by who they are: every serial port is asked, and port names are never written down."""

from __future__ import annotations

import time
from collections.abc import Iterable

from behavior.devices.handshake import Identity, identify
from behavior.devices.transport import HELD, TransportLost, transport_to
from behavior.model.errors import BehaviorError, Failure


def serial_ports() -> tuple[str, ...]:
    """The ports that the operating system knows."""
    from serial.tools.list_ports import comports

    return tuple(sorted(port.device for port in comports()))


def who_is_there(ports: Iterable[str]) -> dict[str, Identity | str]:
    """Ask each port for its device; the identity, or a sentence that says why there is none."""
    found: dict[str, Identity | str] = {}
    for port in ports:
        transport = transport_to(port)
        try:
            transport.open()
            found[port] = identify(transport, lambda: time.monotonic_ns() // 1000)
        except (BehaviorError, TransportLost) as error:
            found[port] = str(error)
        finally:
            transport.close()
    return found


def ports_of(uids: Iterable[str], ports: Iterable[str]) -> dict[str, str]:
    """The port of each of these devices.

    Parameters
    ----------
    uids : whom to find, 32 hexadecimal digits each
    ports : where to look

    Raises
    ------
    Failure
        One is not there, or two ports answer with one identity; says what was found.
    """
    answers = who_is_there(ports)
    at: dict[str, str] = {}
    for port, who in answers.items():
        if isinstance(who, str):
            continue
        if who.uid in at:
            raise Failure(f"{at[who.uid]} and {port} both answer as device {who.uid}; unplug one of them")
        at[who.uid] = port
    if missing := [uid for uid in uids if uid not in at]:
        if held := [port for port, who in answers.items() if isinstance(who, str) and HELD in who]:
            raise Failure(
                f"device {missing[0]} is not to be found, and {', '.join(held)} is open in another program, such as a "
                "session that runs on this chamber; end that first"
            )
        seen = "; ".join(f"{port}: {_text(who)}" for port, who in answers.items()) or "no port"
        raise Failure(
            f"device {missing[0]} is not there; plug it in and switch it on, or run with --simulate (found: {seen})"
        )
    return {uid: at[uid] for uid in uids}


def _text(who: Identity | str) -> str:
    return who if isinstance(who, str) else f"{who.device_name} {who.uid}"
