"""One place at which a session waits: for bytes at its ports, and for what other threads have to say.

Ports that the system can wait for (`Transport.fileno`) are waited for directly, without a thread between the wire and
the session; the others have a thread that reads and puts. `put` is safe in any thread and in a signal handler.
"""

from __future__ import annotations

import select
import socket
from collections import deque
from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """What was put, in order, and a wait that ends at the first of it."""

    def __init__(self) -> None:
        self._items: deque[T] = deque()
        self._bell, self._rope = socket.socketpair()
        self._bell.setblocking(False)
        self._rope.setblocking(False)

    def put(self, item: T) -> None:
        """Add one, and wake whoever waits."""
        self._items.append(item)
        try:
            self._rope.send(b"\0")
        except (BlockingIOError, OSError):  # it rings already, or nobody waits any more
            return

    def take(self) -> list[T]:
        """All that was put until now."""
        taken: list[T] = []
        while self._items:
            taken.append(self._items.popleft())
        return taken

    def wait(self, ports: Iterable[int], timeout_s: float) -> list[int]:
        """Wait until something was put or bytes are at a port, but no longer than this.

        Parameters
        ----------
        ports : file numbers to wait for
        timeout_s : the longest wait; not below 0

        Returns
        -------
        list of int
            Those of `ports` that have bytes, or have failed.
        """
        if self._items:
            timeout_s = 0.0
        bell = self._bell.fileno()
        ready, _, _ = select.select([bell, *ports], [], [], max(0.0, timeout_s))
        if bell in ready:
            ready.remove(bell)
            self._hush()
        return ready

    def close(self) -> None:
        """Let go of what it rings with."""
        self._bell.close()
        self._rope.close()

    def _hush(self) -> None:
        try:
            while self._bell.recv(4096):
                continue
        except BlockingIOError:
            return
