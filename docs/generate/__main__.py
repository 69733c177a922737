"""`python docs/generate`."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])

from generate import main  # noqa: E402 (found where the line before says)

sys.exit(main())
