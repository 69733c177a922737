"""Finding, judging and writing calibration records. No shock is armed on a real device without one that holds."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from behavior.config import read
from behavior.config.calibration import VALID_DAYS, Calibration, Point
from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behavior.config.rig import Chamber, Device

FOLDER = "calibration"
"""Beside the rig file."""
MOST_OVER = 1.0 + 1e-9


def shocker_of(chamber: Chamber) -> Device | None:
    """The device of a chamber that shocks are asked of."""
    return next((device for device in chamber.devices if chamber.gives_shocks(device)), None)


def identity_of(chamber: Chamber, device: Device) -> str:
    """Whom a record is of: the shocker, and what times its pulses."""
    timer = next((one for one in chamber.devices if one.name == device.shocker.pulse_timed_by), None)
    parts = [device.identity or device.name, *([timer.identity] if timer else [])]
    return " on ".join(parts)


def calibration_of(chamber: Chamber, device: Device, folder: Path, today: date) -> Calibration:
    """The newest record of a device, if it holds today.

    Parameters
    ----------
    chamber, device : whose
    folder : where records are
    today : the date

    Raises
    ------
    BadInput
        There is none, it is of another box, or it has expired.
    BadFile
        A record cannot be read, or says that the current was off.
    """
    again = "measure it on a dummy load with `behavior bench`"
    records = [read(path, Calibration) for path in sorted(folder.glob(f"{device.name}-*.toml"))]
    mine = [record for record in records if record.identity == identity_of(chamber, device) and not record.simulated]
    if not mine:
        others = " (there is one of another box that bore this name)" if records else ""
        raise BadInput(f"{device.name}: no calibration record in {folder}{others}; {again}")
    newest = max(mine, key=lambda record: record.done_on)
    if newest.done_on > today:
        raise BadInput(
            f"{device.name}: its calibration is of {newest.done_on}, which is to come; set the clock, or {again}"
        )
    if newest.expires_on <= today:
        raise BadInput(f"{device.name}: its calibration expired on {newest.expires_on}; {again}")
    return newest


def not_covered(calibration: Calibration, currents_ma: Iterable[float]) -> str:
    """Why a record does not hold for these currents; empty if it does."""
    highest_ma = max(currents_ma, default=0.0)
    if highest_ma > calibration.max_ma * MOST_OVER:
        return (
            f"{calibration.device}: it was calibrated up to {calibration.max_ma:g} mA, and {highest_ma:g} mA is asked "
            "for; measure that too with `behavior bench`, or lower the shock"
        )
    return ""


def simulated_calibration(chamber: Chamber, device: Device, today: date) -> Calibration:
    """What a simulated device has: every current is what was asked for."""
    return Calibration(
        device=device.name,
        kind=device.kind,
        identity=identity_of(chamber, device),
        done_on=today,
        expires_on=today + timedelta(days=VALID_DAYS),
        done_by="nobody",
        meter="none: simulated",
        load_ohm=10_000,
        points=tuple(Point(asked_ma=ma, measured_ma=ma) for ma in (0.1, 1.0, 3.0)),
        simulated=True,
    )


def write_calibration(record: Calibration, folder: Path) -> Path:
    """Write a record into a new file.

    Raises
    ------
    Failure
        It cannot be written.
    """
    stem = f"{record.device}-{record.done_on.isoformat()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1_000):
            path = folder / (f"{stem}.toml" if number == 1 else f"{stem}-{number}.toml")
            try:
                with path.open("x", encoding="utf-8") as file:
                    file.write(as_toml(record))
                return path
            except FileExistsError:
                continue
    except OSError as error:
        raise Failure(f"{folder}: cannot be written to ({error.strerror}); choose another folder with --out") from None
    raise Failure(f"{folder}: a thousand records of {record.device} on one day; clear them away")


def as_toml(record: Calibration) -> str:
    """A record as its file has it."""
    plain = record.model_dump(mode="json", exclude={"points"}, exclude_defaults=True)
    dates = {"done_on", "expires_on"}
    lines = [
        f"{key} = {value if key in dates else json.dumps(value, ensure_ascii=False)}" for key, value in plain.items()
    ]
    for point in record.points:
        lines += ["", "[[points]]"]
        lines += [f"{key} = {value}" for key, value in point.model_dump(exclude_none=True).items()]
    return "\n".join(lines) + "\n"
