"""Decibels of many numbers, quickly: the logarithm from the float's own exponent and a cubic for the rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel, part
from behavior.audio.lanes import LANES, decibels_of

Array = npt.NDArray[np.float32]

LOWEST = np.float32(1e-17)
"""Added to every power, so that digital silence has a level: -170 dB."""

decibels_16 = decibels_of(float(LOWEST))


@kernel
def to_decibels(power: Array, out: Array) -> None:
    """10 log10 of each row of `power`, to within 0.001 dB."""
    for i in range(power.shape[0]):
        row_to_decibels(power[i], out[i])


@part
def row_to_decibels(power: Array, out: Array) -> None:
    """10 log10 of each number, to within 0.001 dB."""
    whole = power.size - power.size % LANES
    for k in range(0, whole, LANES):
        decibels_16(power[k:], out[k:])
    if whole < power.size:
        rest, rest_db = np.zeros(LANES, np.float32), np.empty(LANES, np.float32)
        for k in range(whole, power.size):
            rest[k - whole] = power[k]
        decibels_16(rest, rest_db)
        for k in range(whole, power.size):
            out[k] = rest_db[k - whole]
