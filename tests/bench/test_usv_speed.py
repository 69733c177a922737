"""The detector's CPU time against a bare framed transform of the same samples: a ratio, never a time.

`usv_cost.py` measures it on ten minutes, with memory and start-up; 1.2 there. Here calls are denser: 2.4.
"""

from __future__ import annotations

import time

import numpy as np
import scipy.fft

from behavior.simulate.acoustics import PlannedCall, Soundscape
from behavior.usv.detect import Detector
from behavior.usv.profile import load_profile

RATE, SIZE, HOP = 250_000, 512, 128
MOST = 3.0
CALLS = [PlannedCall(2.0 + 3 * i, 0.8) for i in range(6)]


def cpu_s(work) -> float:
    """The least of three."""
    times = []
    for _ in range(3):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def test_detection_costs_no_more_than_a_few_bare_transforms():
    blocks = list(Soundscape(RATE, 20.0, 1, CALLS).blocks())
    window = np.hanning(SIZE + 1)[:-1].astype(np.float32)

    def transform():
        for block in blocks:
            frames = np.lib.stride_tricks.sliding_window_view(block, SIZE)[::HOP]
            for start in range(0, len(frames), 256):
                scipy.fft.rfft(frames[start : start + 256] * window, axis=1)

    def detect():
        detector = Detector(load_profile("rat"), RATE)
        for block in blocks:
            detector.push(block)
        detector.flush()

    detect()
    assert cpu_s(detect) < MOST * cpu_s(transform)
