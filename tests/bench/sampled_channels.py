"""Sampled channels of simulated shuttle sessions, with bounce, noise and tail flicks, against their journals.

    python tests/bench/sampled_channels.py [--n 60]

Prints how many sessions have the same trials, outcomes and counts without their journal. Exit code 1 if one has not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from behavior.config.read import read_text
from behavior.scoring.signals import SignalMap, score_signals
from scoring.test_signals import SHUTTLE_MAP, same, shuttle_session

COUNTS = [
    "n_trials", "n_avoidances", "n_escapes", "n_failures", "n_trials_invalid", "n_intertrial_crossings",
    "n_habituation_crossings",
]  # fmt: skip


def main() -> int:
    """Compare them all, and say which differ."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--n", type=int, default=60)
    n, differing = asked.parse_args().n, []
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "box.npy"
        for seed in range(n):
            table, truth = shuttle_session(seed)
            np.save(path, table)
            try:
                same(score_signals(path, read_text(SHUTTLE_MAP, SignalMap)), truth, COUNTS, ["latency_cs_s"])
            except AssertionError as error:
                differing.append(f"seed {seed}: {error}")
    print(f"{n - len(differing)} of {n} sessions are the same without their journal")
    print("\n".join(differing))
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main())
