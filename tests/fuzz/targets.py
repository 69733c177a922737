"""All targets, room by room."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

from fuzz.target import Target

ROOMS = ("config", "devices", "formats", "screens", "sessions", "sound", "studies")


def targets_of(room: str, place: Path) -> list[Target]:
    """The targets of a room, whose files lie under `place`."""
    made: Callable[[Path], Iterator[Target]] = importlib.import_module(f"fuzz.of_{room}").targets
    return list(made(place / room))
