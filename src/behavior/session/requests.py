"""What is asked of a session that runs from outside of it, by a screen or a script: its end, a note.

A request is a file in the session's `requests/`; whoever asks needs no connection to the engine and may die. The
engine takes it, removes it, and journals what follows, as if it had been typed at its own keyboard: the line in the
journal, and nothing before, says that it was heard. What is no request is removed and does nothing.
"""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path
from typing import TypeAlias

import msgspec

from behavior.model.decode import WRONG
from behavior.model.errors import BadInput, Failure
from behavior.session.folder import SessionFolder

FOLDER = "requests"
MAX_BYTES = 16 * 1024


class StopRequest(msgspec.Struct, frozen=True, tag_field="kind", tag="stop"):
    """End the session."""

    by: str


class NoteRequest(msgspec.Struct, frozen=True, tag_field="kind", tag="note"):
    """Write something into the journal."""

    text: str


Request: TypeAlias = StopRequest | NoteRequest
_decode = msgspec.json.Decoder(StopRequest | NoteRequest).decode


def ask(folder: SessionFolder, request: Request) -> None:
    """Put a request before the engine of a session.

    Raises
    ------
    BadInput
        The session is over, or this is too long.
    Failure
        The folder cannot be written to; the session's own keyboard, and the device's switch, still end it.
    """
    if (folder.path / "footer.json").exists():
        raise BadInput(f"{folder.name}: this session is over; nothing can be asked of it")
    data = msgspec.json.encode(request)
    if len(data) > MAX_BYTES:
        raise BadInput(f"{folder.name}: a note may have {MAX_BYTES} bytes; shorten it")
    name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    place = folder.path / FOLDER
    try:
        place.mkdir(exist_ok=True)
        (place / f".{name}").write_bytes(data)
        (place / f".{name}").rename(place / f"{name}.json")  # whole at once: the engine may look at any moment
    except OSError as error:
        raise Failure(
            f"{folder.path}: the request cannot be written ({error.strerror}); end the session with Ctrl-C in its "
            "terminal, or switch the shocker off"
        ) from None


def take(folder: Path) -> list[Request]:
    """The requests that wait, oldest first; they are removed.

    A file that cannot be removed is taken once: it is emptied, or else left where it cannot be read either.
    """
    try:
        with os.scandir(folder / FOLDER) as entries:
            names = sorted(entry.name for entry in entries if entry.name.endswith(".json"))
    except OSError:
        return []
    return [request for name in names if (request := _take(folder / FOLDER / name)) is not None]


def _take(path: Path) -> Request | None:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        path.unlink()
        request: Request = _decode(data)
    except (OSError, *WRONG):
        return None
    return request


def sweep(folder: Path) -> None:
    """Remove what was asked of an engine that is gone, and the place itself: nobody listens any more, or not yet."""
    take(folder)
    try:
        (folder / FOLDER).rmdir()
    except OSError:  # there is none, or something else is in it
        return
