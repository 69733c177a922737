"""The ring between whoever delivers sound and whoever writes it: some seconds of it, so that a slow disk costs nothing.

Rules. Putting never waits. What does not fit is lost, counted, and given out as silence of its length at its place,
so that the number of a sample is its time whatever was lost.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from behavior.audio.source import Int16


class Ring:
    """Samples on their way from one thread to another.

    Parameters
    ----------
    n_samples : how many instants it holds
    channels : samples of one instant

    Attributes
    ----------
    n_lost : instants that did not fit, so far
    """

    def __init__(self, n_samples: int, channels: int = 1) -> None:
        self._samples = np.zeros((n_samples, channels), np.int16)
        self._lock = threading.Lock()
        self._n_put = self._n_taken = self.n_lost = 0
        self._silences: deque[tuple[int, int]] = deque()
        self._held_at: int | None = None

    def put(self, block: Int16) -> int:
        """Append a block of shape (n, channels); how many of its instants, its last ones, did not fit."""
        with self._lock:
            size = len(self._samples)
            n = min(len(block), size - (self._n_put - self._n_taken))
            at = self._n_put % size
            first = min(n, size - at)
            self._samples[at : at + first] = block[:first]
            self._samples[: n - first] = block[first:n]
            self._n_put += n
            n_lost = len(block) - n
            if n_lost:
                self._lose(n_lost)
            return n_lost

    def skip(self, n: int) -> None:
        """Note that `n` instants were lost on the way here."""
        with self._lock:
            self._lose(n)

    def hold(self) -> None:
        """Note that something was lost just here, nobody knows how much: what follows waits for `settle`."""
        with self._lock:
            if self._held_at is None:
                self._held_at = self._n_put

    def settle(self, n: int) -> None:
        """It was `n` instants."""
        with self._lock:
            if self._held_at is None:
                return
            at, self._held_at = self._held_at, None
            if n:
                self.n_lost += n
                place = sum(mark <= at for mark, _ in self._silences)
                self._silences.insert(place, (at, n))

    def take(self) -> list[tuple[int, Int16]]:
        """All that is there, in order: (0, samples), or (n, nothing) for `n` instants that were lost."""
        with self._lock:
            size, pieces = len(self._samples), list[tuple[int, Int16]]()
            end = self._n_put if self._held_at is None else self._held_at
            marks = [mark for mark in self._silences if mark[0] < end or self._held_at is None]
            for until, n_silent in (*marks, (end, 0)):
                if until > self._n_taken:
                    index = np.arange(self._n_taken, until) % size
                    pieces.append((0, self._samples[index]))
                    self._n_taken = until
                if n_silent:
                    pieces.append((n_silent, self._samples[:0]))
            for _ in marks:
                self._silences.popleft()
            return pieces

    def _lose(self, n: int) -> None:
        self.n_lost += n
        if self._silences and self._silences[-1][0] == self._n_put:
            n += self._silences.pop()[1]
        self._silences.append((self._n_put, n))
