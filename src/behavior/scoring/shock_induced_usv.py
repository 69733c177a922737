"""Shock-induced vocalization: calling in minutes 1 to 6 after the last shock, on each day of treatment.

A session in which a shock was not delivered did not ask the question, and says so (`valid`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from behavior.model.calls import Call
from behavior.scoring.calling import score_test
from behavior.scoring.score import Score
from behavior.scoring.timeline import Timeline


def score(timeline: Timeline, parameters: dict[str, Any], calls: Sequence[Call] | None = None) -> Score:
    """Score a test."""
    scored = score_test(timeline, calls, parameters)
    day = parameters.get("day")
    valid = bool(timeline.shocks) and all(shock.delivered for shock in timeline.shocks)
    return replace(
        scored,
        session={"day": day, "valid": valid, **scored.session},
        rows=tuple({"day": day, **row} for row in scored.rows),
    )
