"""The boxes that the pages speak of, as twins behind ports of this computer: to a command they are real."""

from __future__ import annotations

import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from behavior.config.calibration import Calibration, Point
from behavior.devices.calibration import FOLDER, write_calibration
from behavior.devices.discovery import MORE_PORTS
from behavior.simulate.devices import SimulatedOperantChamber, SimulatedShockController
from behavior.simulate.serve import DeviceServer, native_wire
from docs.pages import DOCS, blocks

RIG = "room-2.toml"
STEP_US = 150_000


def room_2() -> str:
    """The rig file of the page on connecting a chamber."""
    page = DOCS / "how-to" / "connect-a-chamber.md"
    (text,) = (one.text for one in blocks(page) if one.file == RIG)
    return text


def uids() -> dict[str, str]:
    """The identity of each kind of device in it."""
    (chamber,) = tomllib.loads(room_2())["chambers"]
    return {device["kind"]: device["uid"] for device in chamber["devices"]}


class Hand:
    """Works levers and tray of a chamber, one after the other, again and again."""

    def __init__(self, box: SimulatedOperantChamber) -> None:
        self._box, self._next_us, self._place = box, 0, 0
        self._deeds = (
            lambda now_us: box.press("left", now_us), lambda now_us: box.release("left", now_us),
            lambda now_us: box.press("right", now_us), lambda now_us: box.release("right", now_us),
            box.enter_head, box.leave_head,
        )  # fmt: skip

    def __call__(self, now_us: int) -> int:
        if now_us >= self._next_us:
            self._deeds[self._place](now_us)
            self._place = (self._place + 1) % len(self._deeds)
            self._next_us = now_us + STEP_US
        return self._next_us


@contextmanager
def connected() -> Iterator[dict[str, str]]:
    """While the block lasts the boxes are there; the environment in which a command finds them."""
    box = SimulatedOperantChamber(uids()["operant_chamber"])
    stopped = threading.Event()
    devices = {"shocker": SimulatedShockController(uids()["shock_controller"]), "box": box}
    with DeviceServer(devices, animal=Hand(box), wire=native_wire) as server:
        thread = threading.Thread(target=server.run, args=(stopped.is_set,), name="boxes")
        thread.start()
        try:
            yield {MORE_PORTS: ",".join(server.ports.values())}
        finally:
            stopped.set()
            thread.join()


def calibrated() -> None:
    """Lay the record of a bench beside the rig file, in the folder that we are in."""
    from pathlib import Path

    today = datetime.now(UTC).astimezone().date()
    points = tuple(Point(asked_ma=ma, measured_ma=ma) for ma in (0.1, 0.5, 1.0))
    record = Calibration(
        device="shocker-A", kind="shock_controller", identity=uids()["shock_controller"], done_on=today,
        expires_on=today + timedelta(days=90), done_by="AB", meter="M", load_ohm=10_000, points=points,
    )  # fmt: skip
    write_calibration(record, Path(FOLDER))
