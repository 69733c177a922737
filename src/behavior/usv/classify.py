"""Call types, by stated rules.

The first that holds, along a call's contour:

* **22-kHz long / short**: mean below 32 kHz, and 0.3 s or longer, or shorter (Brudzynski 2021, Brain Sci. 11:605).
* **44-kHz long**: 0.15 s or longer within 5 kHz: long, level calls above 32 kHz of rats under stress (Olszynski et al.
  2023, eLife 12:RP88810).
* **50-kHz trill**: three or more turns of 2 kHz or more, no more than 20 ms apart on average.
* **50-kHz step**: a jump of 5 kHz or more from one point to the next.
* **50-kHz flat**: within 5 kHz. **50-kHz FM**: all others.

The last four follow Wright et al. 2010, Psychopharmacology 211:1-13, who tell fourteen; the numbers are ours, chosen
for contours of half a millisecond.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_BELOW_22KHZ, _LONG_22KHZ_S, _LONG_44KHZ_S = 32_000.0, 0.3, 0.15
_FLAT_HZ, _JUMP_HZ, _TURN_HZ, _TURN_S = 5_000.0, 5_000.0, 2_000.0, 0.020
_N_TURNS = 3


def call_type(seconds: Array, hz: Array, duration_s: float) -> str:
    """The type of a call.

    Parameters
    ----------
    seconds, hz : time and frequency of the contour's points, shape (n,)
    duration_s : from onset to offset
    """
    if hz.mean() < _BELOW_22KHZ:
        return "22-kHz long" if duration_s >= _LONG_22KHZ_S else "22-kHz short"
    flat = np.subtract(*np.percentile(hz, (95, 5))) < _FLAT_HZ
    if flat and duration_s >= _LONG_44KHZ_S:
        return "44-kHz long"
    turns = turning_points(hz)
    if len(turns) >= _N_TURNS and np.diff(seconds[turns]).mean() <= _TURN_S:
        return "50-kHz trill"
    if len(jumps(hz)):
        return "50-kHz step"
    return "50-kHz flat" if flat else "50-kHz FM"


def jumps(hz: Array) -> npt.NDArray[np.intp]:
    """After which points the frequency jumps: by `_JUMP_HZ` or more from one to the next."""
    return np.flatnonzero(np.abs(np.diff(hz)) >= _JUMP_HZ)


def turning_points(hz: Array) -> list[int]:
    """Where the frequency turns, each turn `_TURN_HZ` or more from the one before and after."""
    turns, extreme, rising = list[int](), 0, 0
    for i in range(1, len(hz)):
        step = hz[i] - hz[extreme]
        if rising * step > 0 or (rising == 0 and abs(step) >= _TURN_HZ):
            rising, extreme = (1 if step > 0 else -1), i
        elif rising and abs(step) >= _TURN_HZ:
            turns.append(extreme)
            rising, extreme = -rising, i
    return turns
