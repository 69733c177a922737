"""What can be said of any paradigm, such as a lab's own: its components or trials, and what happened in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from behavior.model.calls import Call
from behavior.scoring.score import Row, RowsName, Score
from behavior.scoring.timeline import Timeline, rate_per_min


def score(timeline: Timeline, parameters: dict[str, Any], calls: Sequence[Call] | None = None) -> Score:
    """Counts of every kind of response, in the session and in each of its parts."""
    rows_name: RowsName = "components" if timeline.components else "trials"
    windows = timeline.components or timeline.trials
    presses, crossings = timeline.presses, timeline.crossings
    n_presses = Counter(timeline.placed(windows, presses))
    n_crossings = Counter(timeline.placed(windows, crossings))
    place = "component" if timeline.components else "trial"
    n_deliveries = Counter(getattr(one, place) for one in timeline.deliveries if one.arrived_us is not None)
    n_shocks = Counter(getattr(one, place) for one in timeline.shocks if one.delivered)
    rows: tuple[Row, ...] = tuple(
        {
            place: window.name if timeline.components else int(window.name),
            **({"cycle": window.number} if timeline.components else {}),
            "begin_s": window.begin_us / 1e6,
            "time_s": window.time_us / 1e6,
            "n_presses": n_presses[i],
            "rate_per_min": rate_per_min(n_presses[i], window.time_us),
            "n_crossings": n_crossings[i],
            "n_deliveries": n_deliveries[i],
            "n_shocks_delivered": n_shocks[i],
            "interrupted": window.interrupted,
            "disturbed_s": window.disturbed_us / 1e6,
        }
        for i, window in enumerate(windows)
    )
    session: Row = {
        "n_presses": len(presses),
        "rate_per_min": rate_per_min(len(presses), timeline.end_us),
        "n_crossings": len(crossings),
        "n_head_entries": sum(one.kind == "head entry" for one in timeline.responses),
        "n_components": len(timeline.components),
        "n_trials": len(timeline.trials),
        "n_calls": None if calls is None else len(calls),
    }
    return Score(session, rows, rows_name)
