"""Known calls in simulated sound: the detector has to find each of them, live and again, and none in an empty box."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import zip_longest

from behavior.app.selftest.finding import Finding
from behavior.model.calls import Call
from behavior.simulate.acoustics import PlannedCall, Soundscape, TrueCall
from behavior.usv.detect import Detector
from behavior.usv.profile import load_profile

RATE_HZ, DURATION_S, SEED = 250_000, 6.0, 1
PLANNED = (PlannedCall(0.6, 0.9), PlannedCall(2.1, 1.1), PlannedCall(4.2, 0.8))
TOLERANCE_S = 0.02
LIVE_BLOCK, FILE_BLOCK = 4_000, 65_536


def detection() -> Finding:
    """Search six seconds with three 22-kHz calls, in blocks of a microphone and of a file, and as many without any."""
    began = time.perf_counter()
    truth = Soundscape(RATE_HZ, DURATION_S, SEED, PLANNED).truth
    live, whole, none = searched(PLANNED, LIVE_BLOCK), searched(PLANNED, FILE_BLOCK), searched((), FILE_BLOCK)
    took_s = time.perf_counter() - began
    problems = [*missed(truth, live)]
    if live != whole:
        problems.append("the size of the blocks changes what is found")
    if none:
        problems.append(f"{len(none)} calls were found in an empty box")
    figures = {"n_true": len(truth), "n_found": len(live), "n_in_empty_box": len(none), "took_s": round(took_s, 2)}
    line = f"{len(live)} of {len(truth)} simulated calls found, block by block as at once; {len(none)} in an empty box"
    return Finding("calls", "WRONG" if problems else "good", (line, *problems), figures)


def searched(planned: Sequence[PlannedCall], n: int) -> list[Call]:
    """The calls that are found in simulated sound, fed in blocks of `n` samples."""
    detector = Detector(load_profile("rat"), RATE_HZ, file="selftest")
    found: list[Call] = []
    for block in Soundscape(RATE_HZ, DURATION_S, SEED, planned).blocks(n):
        found += detector.push(block)
    return [*found, *detector.flush()]


def missed(truth: Sequence[TrueCall], found: Sequence[Call]) -> list[str]:
    """What is wrong with the times of calls, in sentences."""
    problems = []
    for number, (true, call) in enumerate(zip_longest(truth, found), start=1):
        if true is None or call is None:
            problems.append(f"call {number} is {'one too many' if true is None else 'missing'}")
        elif abs(true.onset_s - call.onset_s) > TOLERANCE_S or abs(true.offset_s - call.offset_s) > TOLERANCE_S:
            problems.append(f"call {number} is at {call.onset_s:.3f} s, and truly at {true.onset_s:.3f} s")
    return problems
