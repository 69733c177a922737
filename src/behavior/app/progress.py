"""A line that tells how far long work is: rewritten on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

EVERY_S = 5.0


class Progress:
    """Counts to `total` on standard error.

    Parameters
    ----------
    what : is counted, as in "sessions"
    total : how many there are
    """

    def __init__(self, what: str, total: int) -> None:
        self._what, self._total, self._done = what, total, 0
        self._start = self._said = time.monotonic()
        self._rewrites = sys.stderr.isatty()

    def step(self, name: str = "") -> None:
        """One more is done."""
        self._done += 1
        now = time.monotonic()
        left_s = (now - self._start) / self._done * (self._total - self._done)
        line = f"{self._done}/{self._total} {self._what}, about {left_s:.0f} s left  {name}"
        if self._rewrites:
            sys.stderr.write(f"\r\033[K{line}")
        elif now - self._said >= EVERY_S or self._done == self._total:
            self._said = now
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._rewrites:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
