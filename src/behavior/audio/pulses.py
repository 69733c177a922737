"""Pulses in the sound: a digital line in the lowest bit, a second channel, or clicks of the chamber.

Rules. Every finder is fed blocks of any size and says at which samples something began or ended, counted from the
first sample that it was given; cutting the sound otherwise changes nothing. The lowest bit is read before anything
else is done to the samples (Avisoft's UltraSoundGate and others write their digital input there). A level counts once
it has stayed for `STEADY_S`, so that the lowest bit of a microphone without a line, which is noise, gives no edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from behavior.audio.source import Int16

STEADY_S = 0.0005
"""A level of a digital line counts when it lasts as long as this."""
_HIGH, _LOW = 0.4, 0.2
_CLICK_WINDOW_S, _REFRACTORY_S, _FLOOR_S = 0.00025, 0.050, 0.100
_CLICK_TIMES = 6.0
_PER_FLOOR = 40
_RISE, _RISE_WINDOWS = 16.0, 5

Bits = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Edge:
    """Something begins (`on`) or ends at a sample."""

    sample: int
    on: bool


class PulseFinder(Protocol):
    """Finds pulses in blocks of shape (n, channels)."""

    def push(self, block: Int16) -> list[Edge]:
        """The edges that are certain now."""

    def skip(self, n: int) -> None:
        """So many samples were lost; nothing begins or ends by that."""


def lowest_bit(samples: Int16) -> Bits:
    """The digital line that samples carry, as 0 and 1."""
    return (samples & 1).astype(np.uint8)


class LowestBit:
    """A digital line in the lowest bit of a channel.

    Parameters
    ----------
    sample_rate_hz : samples a second
    channel : from 1
    """

    def __init__(self, sample_rate_hz: int, channel: int = 1) -> None:
        self._steady, self._channel = Steady(round(STEADY_S * sample_rate_hz)), channel - 1

    def push(self, block: Int16) -> list[Edge]:
        """The edges that are certain now."""
        return self._steady.push(lowest_bit(block[:, self._channel]))

    def skip(self, n: int) -> None:
        """So many samples were lost; nothing begins or ends by that."""
        self._steady.skip(n)


class SecondChannel:
    """A line wired to a channel of its own: on above 40 % of full scale, off again below 20 %.

    Parameters
    ----------
    sample_rate_hz : samples a second
    channel : from 1
    """

    def __init__(self, sample_rate_hz: int, channel: int = 2) -> None:
        self._steady, self._channel, self._on = Steady(round(STEADY_S * sample_rate_hz)), channel - 1, np.uint8(0)

    def push(self, block: Int16) -> list[Edge]:
        """The edges that are certain now."""
        level = block[:, self._channel] / 32768
        said = np.where(level > _HIGH, 1, np.where(level < _LOW, 0, -1))
        last = np.maximum.accumulate(np.where(said >= 0, np.arange(len(said)), -1))
        bits = np.where(last >= 0, said[np.maximum(last, 0)], self._on).astype(np.uint8)
        if len(bits):
            self._on = bits[-1]
        return self._steady.push(bits)

    def skip(self, n: int) -> None:
        """So many samples were lost; nothing begins or ends by that."""
        self._steady.skip(n)


class Steady:
    """Edges of bits between levels that last.

    Parameters
    ----------
    n_steady : for how many samples a level has to last to count
    """

    def __init__(self, n_steady: int) -> None:
        self._n_steady = max(1, n_steady)
        self._level: int | None = None
        self._run_bit, self._run_start, self._n = -1, 0, 0

    def push(self, bits: Bits) -> list[Edge]:
        """The edges that are certain now; where a level begins, not where it began to count."""
        if not len(bits):
            return []
        starts = np.flatnonzero(np.diff(bits, prepend=np.uint8(1 - bits[0])))
        if bits[0] == self._run_bit:
            starts = starts[1:]
        begins, values = starts + self._n, bits[starts]
        if self._run_bit >= 0:
            begins = np.concatenate(([self._run_start], begins))
            values = np.concatenate((np.array([self._run_bit], np.uint8), values))
        self._n += len(bits)
        lasts = np.diff(begins, append=self._n) >= self._n_steady
        edges = []
        for start, bit in zip(begins[lasts].tolist(), values[lasts].tolist(), strict=True):
            if bit != self._level:
                if self._level is not None:
                    edges.append(Edge(start, bool(bit)))
                self._level = bit
        self._run_start, self._run_bit = int(begins[-1]), int(values[-1])
        return edges

    def skip(self, n: int) -> None:
        """The level is what it was before, until another lasts."""
        self._n += n
        self._run_bit = -1


class Clicks:
    """Where the chamber clicks: the first sample of a sound that rises out of its surroundings within a millisecond.

    The sound is differenced, which leaves what is broadband, and its power in windows of a quarter of a millisecond is
    compared with the median of the 100 ms before, taken anew every 10 ms, and with the millisecond before: calls rise
    more slowly.

    Parameters
    ----------
    sample_rate_hz : samples a second
    channel : from 1
    """

    def __init__(self, sample_rate_hz: int, channel: int = 1) -> None:
        self._channel, self._size = channel - 1, max(8, round(_CLICK_WINDOW_S * sample_rate_hz))
        self._n_floor, self._n_refractory = round(_FLOOR_S / _CLICK_WINDOW_S), round(_REFRACTORY_S / _CLICK_WINDOW_S)
        self._held = np.empty(0, np.int16)
        self._powers = np.zeros(self._n_floor)
        self._floor = np.inf
        self._n_windows, self._deaf_until = 0, 0

    def push(self, block: Int16) -> list[Edge]:
        """The clicks that begin in what is known now."""
        held = np.concatenate((self._held, block[:, self._channel]))
        n_windows = (len(held) - 1) // self._size
        if n_windows <= 0:
            self._held = held
            return []
        rough = np.diff(held[: n_windows * self._size + 1].astype(np.float64)).reshape(n_windows, self._size)
        self._held = held[n_windows * self._size :].copy()
        edges, powers = [], np.mean(rough**2, axis=1).tolist()
        for row, power in zip(rough, powers, strict=True):
            if self._n_windows % _PER_FLOOR == 0 and self._n_windows >= self._n_floor:
                self._floor = max(1.0, float(np.median(self._powers)))
            risen = power > _CLICK_TIMES**2 * self._floor and power > _RISE * self._before(_RISE_WINDOWS)
            if risen and self._n_windows >= self._deaf_until:
                loud = np.flatnonzero(np.abs(row) > _CLICK_TIMES * self._floor**0.5)
                edges.append(Edge(self._n_windows * self._size + int(loud[0] if len(loud) else 0) + 1, on=True))
                self._deaf_until = self._n_windows + self._n_refractory
            self._powers[self._n_windows % self._n_floor] = power
            self._n_windows += 1
        return edges

    def _before(self, n: int) -> float:
        """The greatest power of `n` windows, but for the last, in which a click may have begun."""
        at = np.arange(self._n_windows - n, self._n_windows - 1) % self._n_floor
        return float(self._powers[at].max())

    def skip(self, n: int) -> None:
        """So many samples were lost; the sound that comes back is no click."""
        for first in range(0, n, self._size * self._n_floor):
            self._deaf_until = self._n_windows + 3 * self._n_floor
            self.push(np.zeros((min(self._size * self._n_floor, n - first), self._channel + 1), np.int16))
        self._deaf_until = self._n_windows + 2 * self._n_floor
