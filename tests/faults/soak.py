"""Long runs: what grows, what stays open, what gets slower?

    python tests/faults/soak.py [--hours 24] [--paradigm NAME] [--report report.md]     virtual time, every paradigm
    python tests/faults/soak.py --real [--minutes 60] [--chambers 8] [--table samples.csv]     real time

Exit code 1 if something grew, stayed open, or did not end as it should.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from faults.real_soak import real_soak
from faults.virtual_soak import virtual_soak


def main() -> int:
    """Run it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--hours", type=float, default=24)
    asked.add_argument("--paradigm", action="append", default=[])
    asked.add_argument("--report", type=Path)
    asked.add_argument("--real", action="store_true")
    asked.add_argument("--minutes", type=float, default=60)
    asked.add_argument("--chambers", type=int, default=8)
    asked.add_argument("--table", type=Path)
    given = asked.parse_args()
    if given.real:
        return real_soak(given.minutes, given.chambers, given.table)
    page, grew = virtual_soak(given.hours, given.paradigm)
    if given.report is not None:
        given.report.write_text(page)
    return int(grew)


if __name__ == "__main__":
    sys.exit(main())
