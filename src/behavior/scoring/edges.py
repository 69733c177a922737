"""From a sampled channel to the moments at which it went on and off: threshold with hysteresis, then debounce.

A contact that closes bounces, a beam is brushed by a tail, a line picks up noise. So a channel is on or off only once
it has stayed so for the debounce time; when it went on is then the first sample of the chatter that led there, which is
when the contact first closed. Chatter that falls back is no change at all. A state shorter than the debounce time is
not seen.

Sample-exact and streaming: however a recording is cut into blocks, the changes come at the same samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.floating[Any]] | NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """The channel goes on or off at a sample. `area` is the sum of all samples before it."""

    sample: int
    on: bool
    area: float = 0.0


class Edges:
    """One channel.

    Parameters
    ----------
    threshold : between off and on, in the unit of the samples
    hysteresis : full width of the band around it in which the state stays what it was
    active_low : on is below the threshold
    debounce : for so many samples a state must last; 0 or 1: every crossing of the band counts

    Raises
    ------
    ValueError
        A width or a time is negative.
    """

    def __init__(
        self, threshold: float, *, hysteresis: float = 0.0, active_low: bool = False, debounce: int = 0
    ) -> None:
        if hysteresis < 0 or debounce < 0:
            raise ValueError("hysteresis and debounce must be 0 or more")
        self._sign = -1.0 if active_low else 1.0
        self._low = self._sign * threshold - hysteresis / 2
        self._high = self._sign * threshold + hysteresis / 2
        self._debounce = debounce
        self._n, self._area = 0, 0.0
        self._raw = False  # after hysteresis
        self._state = False  # after debounce
        self._chatter: tuple[int, float] | None = None  # where it left its state, not knowing yet whether for good
        self._flipped = 0  # the last change of the raw state

    @property
    def settled(self) -> int:
        """No change before this sample is still to come."""
        return self._n if self._chatter is None else self._chatter[0]

    def feed(self, samples: Signal) -> list[Change]:
        """Take the next samples, shape (n,); the changes that are certain now, in order."""
        changes: list[Change] = []
        flips = self._flips(samples)
        areas = self._areas(samples, flips)
        for flip, area in zip(flips.tolist(), areas.tolist(), strict=True):
            self._settle(self._n + flip, changes)
            if self._chatter is None:
                self._chatter = (self._n + flip, area)
            self._raw, self._flipped = not self._raw, self._n + flip
        self._n += len(samples)
        self._settle(self._n, changes)
        return changes

    def _settle(self, now: int, changes: list[Change]) -> None:
        """The raw state has been what it is until `now`; if that is long enough, it is the state."""
        if self._chatter is None or now - self._flipped < self._debounce:
            return
        if self._raw != self._state:
            self._state = self._raw
            changes.append(Change(self._chatter[0], self._state, self._chatter[1]))
        self._chatter = None

    def _flips(self, samples: Signal) -> NDArray[np.intp]:
        """Where the raw state changes: it does outside the band only, and not at what is no number."""
        values = samples * self._sign
        decided = np.flatnonzero((values > self._high) | (values < self._low))
        states = values[decided] > self._high
        before = np.concatenate(([self._raw], states[:-1]))
        flips: NDArray[np.intp] = decided[states != before]
        return flips

    def _areas(self, samples: Signal, flips: NDArray[np.intp]) -> NDArray[np.float64]:
        """The sum of all samples of the recording before each flip."""
        ends = np.append(flips, len(samples))
        starts = np.concatenate(([0], flips))
        parts = [float(np.nansum(samples[a:b], dtype=np.float64)) for a, b in zip(starts, ends, strict=True)]
        areas = self._area + np.cumsum(parts)
        self._area = float(areas[-1])
        return areas[:-1]
