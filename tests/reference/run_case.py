"""`python tests/reference/run_case.py CASE_DIR` prints {key: value} for a numeric case, as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from reference.case import read_case
from reference.registry import run


def main(arguments: list[str]) -> int:
    """Run the case in a folder."""
    if len(arguments) != 1:
        print("usage: run_case.py CASE_DIR", file=sys.stderr)
        return 2
    print(json.dumps(run(read_case(Path(arguments[0]))), indent=1, allow_nan=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
