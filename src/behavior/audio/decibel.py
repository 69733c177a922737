"""Decibels of many numbers, quickly: the logarithm from the float's own exponent and a cubic for the rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from behavior.audio.jit import kernel

Array = npt.NDArray[np.float32]

LOWEST = np.float32(1e-17)
"""Added to every power, so that digital silence has a level: -170 dB."""


@kernel
def to_decibels(power: Array, out: Array) -> None:
    """10 log10 of each row of `power`, to within 0.001 dB.

    With power = 2^e m and 1 <= m < 2, log2(m) is taken as (m - 1)(1 + (m - 2) q(m)), exact at both ends, q a least
    squares parabola on Chebyshev nodes.
    """
    n = power.shape[1]
    raised = np.empty(n, np.float32)
    mantissa_bits = np.empty(n, np.int32)
    for i in range(power.shape[0]):
        row, target = power[i], out[i]
        for k in range(n):
            raised[k] = row[k] + LOWEST
        bits = raised.view(np.int32)
        for k in range(n):
            mantissa_bits[k] = (bits[k] & np.int32(0x7FFFFF)) | np.int32(0x3F800000)
        mantissa = mantissa_bits.view(np.float32)
        for k in range(n):
            m = mantissa[k]
            q = np.float32(-0.7686545) + m * (np.float32(0.41089151) - m * np.float32(0.08325865))
            exponent = np.float32((bits[k] >> 23) - np.int32(127))
            log2 = exponent + (m - np.float32(1)) * (np.float32(1) + (m - np.float32(2)) * q)
            target[k] = np.float32(3.010299957) * log2
