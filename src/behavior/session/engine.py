"""What a running engine shows of itself, `engine.json`, and what it is asked to do; both on a thread of its own.

The session's own thread takes no part: a slow disk delays what is shown, never a command. `engine.json` is written
anew twice a second while the engine runs and removed when it ends; one that is not written any more, and no footer,
say that the engine died or hangs (`looked_us` tells which: when its own loop last came round).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from behavior.model.decode import Undecodable, decode
from behavior.session import requests

STATUS_FILE = "engine.json"
WRITTEN_EVERY_S = 0.5
LOOKS_EVERY_S = 0.02


class EngineStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What `engine.json` holds. Times in µs are the session's."""

    pid: int
    host: str
    """Name of the computer, because a data folder may be shared."""
    written_at: float
    """Seconds since 1970, by that computer."""
    now_us: int
    looked_us: int
    """When the session's loop last came round."""
    heard_us: dict[str, int]
    """When each device was last heard of."""
    n_lines: int = -1
    """How many lines the journal had then, or a few more; -1: nobody counts."""


def status_of(now_us: int, looked_us: int, heard_us: dict[str, int], *, at_s: float, n_lines: int = -1) -> EngineStatus:
    """The status of this process."""
    return EngineStatus(
        pid=os.getpid(),
        host=socket.gethostname(),
        written_at=at_s,
        now_us=now_us,
        looked_us=looked_us,
        heard_us=dict(heard_us),
        n_lines=n_lines,
    )


def write_status(folder: Path, status: EngineStatus) -> None:
    """Replace `engine.json`; a disk that does not take it is not this engine's concern."""
    partial = folder / f".{STATUS_FILE}.partial"
    try:
        partial.write_bytes(msgspec.json.encode(status) + b"\n")
        partial.replace(folder / STATUS_FILE)
    except OSError:
        return


def read_status(folder: Path) -> EngineStatus | None:
    """What `engine.json` says; None if there is none that can be read."""
    try:
        return decode((folder / STATUS_FILE).read_bytes(), EngineStatus)
    except (OSError, Undecodable):
        return None


@contextmanager
def attended(
    folder: Path, status: Callable[[], EngineStatus], stop: Callable[[str], None], note: Callable[[str], None]
) -> Iterator[None]:
    """In the block the engine shows how it is, and listens to requests.

    Parameters
    ----------
    folder : of the session
    status : asked for now and then, on another thread
    stop, note : what requests do; safe to call from any thread
    """
    over = threading.Event()

    def attend() -> None:
        due_s = 0.0
        while not over.wait(LOOKS_EVERY_S):
            heed(requests.take(folder), stop, note)
            if time.monotonic() >= due_s:
                write_status(folder, status())
                due_s = time.monotonic() + WRITTEN_EVERY_S

    requests.sweep(folder)
    write_status(folder, status())
    thread = threading.Thread(target=attend, name="screens", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=1.0)  # a disk that hangs does not hold up the session's end
        with suppress(OSError):
            (folder / STATUS_FILE).unlink()
        requests.sweep(folder)


def heed(asked: list[requests.Request], stop: Callable[[str], None], note: Callable[[str], None]) -> None:
    """Do what was asked, in order."""
    for request in asked:
        if isinstance(request, requests.StopRequest):
            stop(request.by)
        elif text := request.text.strip():
            note(text)
