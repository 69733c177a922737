"""What is wrong with the samples themselves: clipped, silent, or off zero.

Rules. *Clipped*: two or more samples in a row at full scale; a sound that only touches it has one. *Silent*: no sample
differs from another by more than one step of 16 bits, which no microphone manages. *Off zero*: the mean lies further
from zero than a fiftieth of full scale: it costs headroom, and means a broken input. None of these is mended; the
sound is searched as it is.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from behavior.audio.read import Samples

_STEP = 1 / 32768
_OFF_ZERO = 0.02


class Faults:
    """Counts faults as samples come; any cutting of the sound into blocks gives the same sentences."""

    def __init__(self) -> None:
        self._n = self._n_clipped = 0
        self._sum, self._low, self._high = 0.0, np.inf, -np.inf
        self._first_clipped = self._last_clipped = False

    def push(self, block: Samples) -> None:
        """Take in samples, int16 or float32 in [-1, 1)."""
        if not len(block):
            return
        scale = _STEP if block.dtype == np.int16 else 1.0
        if not self._n:
            self._first_clipped = bool(_at_limit(block[:1])[0])
        total, low, high = (scale * one for one in _sum_and_extremes(block))
        self._low, self._high = min(self._low, low), max(self._high, high)
        self._n += len(block)
        self._sum += total
        if high < 1 - _STEP and low > -1:
            self._last_clipped = False
            return
        at_limit = _at_limit(block)
        pairs = at_limit[1:] & at_limit[:-1]
        self._n_clipped += int(np.count_nonzero(pairs)) + int(self._last_clipped and at_limit[0])
        self._last_clipped = bool(at_limit[-1])

    def followed_by(self, other: Faults) -> Faults:
        """The faults of this sound with another behind it."""
        if not self._n:
            return other
        both = Faults()
        both._n, both._sum = self._n + other._n, self._sum + other._sum
        both._low, both._high = min(self._low, other._low), max(self._high, other._high)
        across = bool(other._n) and self._last_clipped and other._first_clipped
        both._n_clipped = self._n_clipped + other._n_clipped + across
        both._first_clipped = self._first_clipped
        both._last_clipped = other._last_clipped if other._n else self._last_clipped
        return both

    @property
    def sentences(self) -> list[str]:
        """What was found wrong so far, and what to do."""
        if not self._n:
            return []
        if self._high - self._low <= _STEP:
            return ["silent: its samples do not differ; check that the microphone was connected and not muted"]
        found, mean = list[str](), self._sum / self._n
        if self._n_clipped:
            found.append(
                f"clipped: {self._n_clipped} of {self._n} samples stay at full scale; levels are too low there and "
                f"harmonics may be false; record with less gain"
            )
        if abs(mean) > _OFF_ZERO:
            found.append(f"off zero by {100 * mean:.1f} % of full scale; check the input for a broken wire or supply")
        return found


def _at_limit(block: Samples) -> npt.NDArray[np.bool_]:
    scale = _STEP if block.dtype == np.int16 else 1.0
    return np.asarray((block <= -1 / scale) | (block >= (1 - _STEP) / scale))


def _sum_and_extremes(block: Samples) -> tuple[float, float, float]:
    """The sum, exact of integers and in double precision of floats, the least and the largest."""
    if block.dtype != np.int16:
        return float(block.sum(dtype=np.float64)), float(block.min()), float(block.max())
    from behavior.audio.extremes import sum_and_extremes

    return sum_and_extremes(block)
