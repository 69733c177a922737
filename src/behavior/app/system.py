"""What differs between operating systems while sessions run; with the seams named in `tests/test_seams.py`, all of it.

* **What asks for the end.** Ctrl-C and SIGTERM everywhere; a terminal that is closed (SIGHUP), unless whoever started
  the program wished it to outlive that (`nohup`); Ctrl-Break on Windows.
* **Processes that stand apart.** A session that another program starts must not hear that one's Ctrl-C, nor end with
  its terminal. POSIX gives it a session of its own, Windows a hidden console of its own.
* **The timer's grain.** Windows wakes programs every 15.6 ms unless it is asked for better.
* **Signs.** Everything that we write is UTF-8, into pipes and files too, where Windows would take a code page of the
  country; a terminal that lacks a sign shows `?`.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

GRAIN_MS = 1
_CREATE_NEW_PROCESS_GROUP, _CREATE_NO_WINDOW = 0x00000200, 0x08000000


def on_windows() -> bool:
    """Whether this is it."""
    return sys.platform == "win32"


def legible(stream: object) -> None:
    """Have an output take every sign: whatever is printed, no session ends by it."""
    if not isinstance(stream, io.TextIOWrapper):
        return
    if not stream.isatty() and "PYTHONIOENCODING" not in os.environ:
        stream.reconfigure(encoding="utf-8", errors="replace")
    else:
        stream.reconfigure(errors="replace")


def asks_for_the_end() -> tuple[signal.Signals, ...]:
    """The signals by which a person, or the system on their behalf, asks for it here."""
    named = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP") if hasattr(signal, name)]
    return tuple(one for one in named if one.name != "SIGHUP" or signal.getsignal(one) != signal.SIG_IGN)


@contextmanager
def ending(stop: Callable[[signal.Signals], object], *, hang_up: bool = True) -> Iterator[None]:
    """In the block, what asks for the end of the program calls `stop` instead.

    Parameters
    ----------
    stop : told which signal it was
    hang_up : whether a terminal that is closed asks, too
    """

    def asked(number: int, frame: object) -> None:
        stop(signal.Signals(number))

    before = {one: signal.signal(one, asked) for one in asks_for_the_end() if hang_up or one.name != "SIGHUP"}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def apart() -> dict[str, Any]:
    """Arguments for `subprocess.Popen` of a process that stands apart."""
    if on_windows():
        return {"creationflags": _CREATE_NEW_PROCESS_GROUP | _CREATE_NO_WINDOW}
    return {"start_new_session": True}


@contextmanager
def fine_timer() -> Iterator[None]:
    """In the block, waits end within about a millisecond of their time."""
    if not on_windows():
        yield
        return
    import ctypes

    multimedia: Any = getattr(ctypes, "windll").winmm  # noqa: B009 — only there
    multimedia.timeBeginPeriod(GRAIN_MS)
    try:
        yield
    finally:
        multimedia.timeEndPeriod(GRAIN_MS)
