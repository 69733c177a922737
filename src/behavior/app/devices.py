"""`behavior devices`: what is plugged in, who it is, and what of a rig is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from behavior.config.rig import Rig
    from behavior.devices.discovery import Port
    from behavior.devices.handshake import Identity


def devices(
    rig: Annotated[str | None, typer.Argument(help="Rig file: says which of its devices are where.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """List the ports and identify what is there. Asks only who they are; changes nothing."""
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find
    from behavior.devices.discovery import serial_ports, who_is_there

    file = find(rig, "configs", "rigs") if rig else None
    plan = read(file, Rig) if file else None
    ports = serial_ports()
    named = {one.usb_serial for chamber in plan.chambers for one in chamber.devices} - {""} if plan else set()
    answers = who_is_there(port for port in ports if port.usb_serial not in named)
    there = [row_of(port, answers.get(port.name)) for port in ports]
    rows = {"ports": there, **({"rig": rig_rows(plan, file, ports, answers)} if plan and file else {})}
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    for row in there:
        typer.echo(text_of(row))
    if not there:
        typer.echo("no port; plug a device in, and switch it on")
    for row in rows.get("rig", []):
        where = ", ".join(filter(None, [row["port"] or "is not there", row["says"]]))
        typer.echo(f"{row['chamber']}  {row['device']} ({row['kind']}): {where}" + (f"; {row['calibration']}"
                   if row["calibration"] else ""))  # fmt: skip


def row_of(port: Port, who: Identity | str | None) -> dict[str, Any]:
    """All that is known of one port."""
    from dataclasses import asdict

    from behavior.devices.handshake import Identity

    identity = asdict(who) if isinstance(who, Identity) else None
    problem = who if isinstance(who, str) else None
    return {"port": port.name, "usb_serial": port.usb_serial, "description": port.description,
            "identity": identity, "problem": problem}  # fmt: skip


def text_of(row: dict[str, Any]) -> str:
    """A port as a line for a person, with the words that a rig file wants."""
    who = row["identity"]
    usb = f"usb_serial = {row['usb_serial']!r}" if row["usb_serial"] else ""
    if who is None:
        return "  ".join(filter(None, [row["port"], row["description"], usb, row["problem"] or "not asked"]))
    kind = who["kind"] or "no driver for it here"
    uid = f'uid = "{who["uid"]}"' if who["uid"] else ""
    name = f'device_name = "{who["device_name"]}"'
    firmware = f"firmware {who['firmware']}"
    return "  ".join(filter(None, [row["port"], kind, uid, usb, name, f"WhoAmI {who['who_am_i']}", firmware]))


def rig_rows(rig: Rig, file: Path, ports: tuple[Port, ...], answers: dict[str, Identity | str]) -> list[dict[str, Any]]:
    """Where each device of a rig is, and how its calibration stands."""
    from datetime import datetime

    from behavior.devices.calibration import FOLDER, calibration_of, shocker_of
    from behavior.devices.discovery import line_answer, ports_of
    from behavior.model.errors import BehaviorError

    rows = []
    today = datetime.now().astimezone().date()
    for chamber in rig.chambers:
        for device in chamber.devices:
            try:
                port = ports_of([device], ports, answers)[device.name] if device.has_port else "on another's lines"
            except BehaviorError:
                port = None
            state = None
            if device == shocker_of(chamber):
                try:
                    state = (
                        f"calibrated until {calibration_of(chamber, device, file.parent / FOLDER, today).expires_on}"
                    )
                except BehaviorError as error:
                    state = str(error)
            answers_as = line_answer(device, port) if port and device.kind == "line_shocker" else ""
            rows.append({"chamber": chamber.name, "device": device.name, "kind": device.kind, "port": port,
                         "says": answers_as or None, "calibration": state})  # fmt: skip
    return rows
