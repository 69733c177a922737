"""What the server of worker processes imports: all that searching and scoring need, with the kernels loaded.

Each process that is forked from it has this for nothing, and on a new machine kernels are compiled once, not by each.
"""

from __future__ import annotations

import numpy as np

from behavior.scoring import workers as workers
from behavior.usv.detect import Detector
from behavior.usv.profile import load_profile

_RATE_HZ, _CALL_HZ = 250_000, 55_000.0


def search_once() -> int:
    """Search two seconds of noise with one call in it, so that every kernel is used; how many calls were found."""
    samples = np.random.default_rng(1).normal(0, 30, 2 * _RATE_HZ)
    call = slice(_RATE_HZ, _RATE_HZ + _RATE_HZ // 20)
    samples[call] += 3000 * np.sin(2 * np.pi * _CALL_HZ / _RATE_HZ * np.arange(_RATE_HZ // 20))
    detector = Detector(load_profile("rat"), _RATE_HZ)
    return len(detector.push(samples.astype(np.int16)) + detector.flush())


search_once()
