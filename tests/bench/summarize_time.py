"""How long `behavior summarize` takes: `python tests/bench/summarize_time.py [N]` (200 sessions where absent).

Prints seconds of this process for reading the dataset, for the statistics, and for the whole report with its figures.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from time import process_time

import numpy as np

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from behavior.study.dataset import read_dataset
from behavior.summary.per_dose import summarize_arms
from behavior.summary.report import write_report
from study.datasets import write_conflict

MEANS = {0.0: 2.0, 1.0: 3.0, 2.5: 5.0, 5.0: 8.0, 10.0: 9.0}


def main() -> None:
    """Make a dataset, summarize it, print."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as place:
        each = n // len(MEANS)
        rates = {dose: np.round(rng.gamma(6, mean / 6, each), 3).tolist() for dose, mean in MEANS.items()}
        path = write_conflict(Path(place) / "data", rates)
        begin = process_time()
        dataset = read_dataset(path)
        read = process_time()
        summarize_arms(dataset)
        compared = process_time()
        write_report(dataset, Path(place) / "out")
        end = process_time()
    print(
        f"{each * len(MEANS)} sessions, 3 endpoints: read {read - begin:.1f} s, statistics {compared - read:.1f} s, "
        f"report with statistics, tables and figures {end - compared:.1f} s"
    )


if __name__ == "__main__":
    main()
