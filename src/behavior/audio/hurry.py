"""Going before others on a busy computer, where the system lets us: for what does little, and whose delay is a loss.

A session goes before a microphone: it needs microseconds and may be late by none, the other has a buffer of seconds.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

MICROPHONE, SESSION = 1, 2
"""Who goes before whom, among those that go before all others."""
RESET_ON_FORK = getattr(os, "SCHED_RESET_ON_FORK", 0)


def hurry(rank: int) -> None:
    """Let this thread go before others for good; threads that it begins, as a sound system's are, take after it."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(rank))
    except (OSError, AttributeError):
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, 0, -15)


@contextlib.contextmanager
def hurried(rank: int = SESSION) -> Iterator[None]:
    """In the block this thread goes before others; threads and processes that are begun in it do not."""
    try:
        before = os.sched_getscheduler(0), os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_RR | RESET_ON_FORK, os.sched_param(rank))
    except (OSError, AttributeError):
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)
