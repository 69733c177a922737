"""The sum, the least and the largest of integer samples, in one pass."""

from __future__ import annotations

from typing import Any

from behavior.audio.jit import kernel


@kernel
def sum_and_extremes(samples: Any) -> tuple[int, int, int]:
    """The exact sum, the least and the largest of one or more integers."""
    total, low, high = 0, samples[0], samples[0]
    for i in range(samples.size):
        total += samples[i]
        low, high = min(low, samples[i]), max(high, samples[i])
    return total, low, high
