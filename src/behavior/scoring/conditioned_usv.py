"""Conditioned ultrasonic vocalization: calling while the tone that meant shock is on (De Vry et al. 1993).

The test, and the screening before any drug, are scored from the calls of their recording; the primary measure is the
total 22-kHz calling time. The
conditioning is scored from its pairings: a trial without the measured current is invalid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from behavior.model.calls import Call
from behavior.scoring.calling import score_test
from behavior.scoring.score import Row, Score
from behavior.scoring.timeline import Timeline, Window, seconds


def score(timeline: Timeline, parameters: dict[str, Any], calls: Sequence[Call] | None = None) -> Score:
    """Score a conditioning or a test."""
    return pairings(timeline) if parameters.get("stage") == "conditioning" else score_test(timeline, calls, parameters)


def pairings(timeline: Timeline) -> Score:
    """One row for each pairing of tone and shock."""
    rows = tuple(_pairing(timeline, i, window) for i, window in enumerate(timeline.trials))
    return Score(
        {"n_pairings": len(rows), "n_pairings_valid": sum(row["valid"] is True for row in rows)}, rows, "trials"
    )


def _pairing(timeline: Timeline, i: int, trial: Window) -> Row:
    shock = next((shock for shock in timeline.shocks if shock.trial == i), None)
    cue = next((cue for cue in timeline.cues if trial.begin_us <= cue.begin_us < trial.end_us), None)
    return {
        "trial": int(trial.name),
        "begin_s": trial.begin_us / 1e6,
        "cs_s": None if cue is None else cue.time_us / 1e6,
        "shock_onset_s": None if shock is None else seconds(shock.onset_us),
        "shock_ma": None if shock is None else shock.ma,
        "delivered_ma": None if shock is None else shock.delivered_ma,
        "shock_s": None if shock is None else seconds(shock.duration_us),
        "valid": shock is not None and shock.delivered,
        "interrupted": trial.interrupted,
    }
