"""What the columns of the detector's own tables mean."""

from __future__ import annotations

REJECTED: dict[str, str] = {
    "reason": "why it was taken for no call",
}
"""Of `rejected.csv`."""
