"""Shuttle escape and avoidance, by the times of crossings.

Avoidance: a crossing ended the CS, and no shock came. Escape: it lies in [shock onset, + `us_s`). Failure: none does,
and the latency is the cut-off, and censored. A shocked trial without the measured current is invalid
and in no count or mean; so is one that the session's end or a gap cut. With several crossings required the last of them
counts. Crossings outside of trials are intertrial crossings, those before the first trial apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from behavior.config.read import validate
from behavior.model.calls import Call
from behavior.paradigms.shuttle_escape import ShuttleEscapeParameters
from behavior.scoring.score import Row, Score
from behavior.scoring.timeline import ShockGiven, Timeline, Window, seconds

AVOIDANCE, ESCAPE, FAILURE, INVALID = "avoidance", "escape", "failure", "invalid"


@dataclass(frozen=True, slots=True)
class Rules:
    """By what a session is scored. Times in s; `n_fr1` trials at the start need one crossing."""

    cs_s: float
    us_s: float
    n_required: int = 1
    n_fr1: int = 0
    block_size: int = 5
    helpless_min_failures: int = 15

    def required(self, trial: int) -> int:
        """Crossings that trial number `trial` asks for."""
        return 1 if trial <= self.n_fr1 else self.n_required


def score(timeline: Timeline, parameters: dict[str, Any], calls: Sequence[Call] | None = None) -> Score:
    """Score a shuttle session."""
    p = validate(parameters, ShuttleEscapeParameters, file="header.json")
    rules = Rules(p.cs_s, p.us_s, p.crossings_required, p.n_trials_fr1, p.block_size, p.helpless_min_failures)
    return shuttle(timeline, rules)


def shuttle(timeline: Timeline, rules: Rules) -> Score:
    """Outcomes and latencies of the trials of a session.

    Parameters
    ----------
    timeline : with trials, each from the onset of its CS, shocks and crossings
    rules : how long CS and shock last at most, and what is required
    """
    shocks = {shock.trial: shock for shock in reversed(timeline.shocks)}  # of several in a trial the first
    places = timeline.placed(timeline.trials, timeline.crossings)
    crossings_us: dict[int | None, list[int]] = {}
    for place, crossing in zip(places, timeline.crossings, strict=True):
        crossings_us.setdefault(place, []).append(crossing.at_us)
    rows = tuple(
        trial_row(trial, shocks.get(i), crossings_us.get(i, []), rules) for i, trial in enumerate(timeline.trials)
    )
    return Score(
        {**_session(timeline, rows, rules), **_elsewhere(timeline, crossings_us.get(None, []))}, rows, "trials"
    )


def trial_row(trial: Window, shock: ShockGiven | None, crossings_us: list[int], rules: Rules) -> Row:
    """One trial.

    Parameters
    ----------
    shock : its shock, None if none was commanded
    crossings_us : the crossings within it
    """
    number = int(trial.name)
    from_us, us_us = trial.begin_us if shock is None else shock.onset_us, round(rules.us_s * 1e6)
    hits_us = [at_us for at_us in crossings_us if shock is None or from_us <= at_us < from_us + us_us]
    n_required = rules.required(number)
    response_us = hits_us[n_required - 1] if len(hits_us) >= n_required else None
    outcome = _outcome(trial, shock, response_us)
    return {
        "trial": number,
        "block": (number - 1) // rules.block_size + 1,
        "begin_s": trial.begin_us / 1e6,
        "outcome": outcome,
        "latency_cs_s": _latency_s(outcome, response_us, trial.begin_us, rules.cs_s + rules.us_s),
        "latency_us_s": None if shock is None else _latency_s(outcome, response_us, from_us, rules.us_s),
        "censored": None if outcome == INVALID else outcome == FAILURE,
        "n_crossings": len(crossings_us),
        "shock_onset_s": None if shock is None else seconds(shock.onset_us),
        "shock_ma": None if shock is None else shock.ma,
        "delivered_ma": None if shock is None else shock.delivered_ma,
        "shock_s": None if shock is None else seconds(shock.duration_us),
        "interrupted": trial.interrupted,
    }


def _outcome(trial: Window, shock: ShockGiven | None, response_us: int | None) -> str:
    if trial.interrupted or (shock is not None and not shock.delivered):
        return INVALID
    if shock is None:
        return INVALID if response_us is None else AVOIDANCE
    return FAILURE if response_us is None else ESCAPE


def _latency_s(outcome: str, response_us: int | None, from_us: int, cutoff_s: float) -> float | None:
    if outcome == INVALID:
        return None
    return cutoff_s if response_us is None else (response_us - from_us) / 1e6


def _session(timeline: Timeline, rows: Sequence[Row], rules: Rules) -> Row:
    n = {outcome: _count(rows, outcome) for outcome in (AVOIDANCE, ESCAPE, FAILURE, INVALID)}
    n_valid = len(rows) - n[INVALID]
    at_cutoff_s = _values(rows, "latency_us_s", (ESCAPE, FAILURE))
    return {
        "n_trials": len(rows),
        "n_avoidances": n[AVOIDANCE],
        "n_escapes": n[ESCAPE],
        "n_failures": n[FAILURE],
        "n_trials_invalid": n[INVALID],
        "fraction_failures": n[FAILURE] / n_valid if n_valid else None,
        "mean_escape_latency_s": _mean(at_cutoff_s),
        "median_escape_latency_s": median(at_cutoff_s) if at_cutoff_s else None,
        "mean_escape_latency_successes_s": _mean(_values(rows, "latency_us_s", (ESCAPE,))),
        "mean_latency_s": _mean(_values(rows, "latency_cs_s", (AVOIDANCE, ESCAPE, FAILURE))),
        "n_latencies_censored": n[FAILURE],
        "helpless": _helpless(timeline, n, rules),
        **{
            f"n_failures_block_{block}": _count([row for row in rows if row["block"] == block], FAILURE)
            for block in sorted({int(row["block"] or 0) for row in rows})
        },
    }


def _helpless(timeline: Timeline, n: dict[str, int], rules: Rules) -> bool | None:
    """None where a session that was cut, or had invalid trials, cannot tell."""
    if n[FAILURE] >= rules.helpless_min_failures:
        return True
    return False if timeline.completed and n[FAILURE] + n[INVALID] < rules.helpless_min_failures else None


def _elsewhere(timeline: Timeline, crossings_us: list[int]) -> Row:
    first_us = timeline.trials[0].begin_us if timeline.trials else timeline.end_us
    n_before = sum(at_us < first_us for at_us in crossings_us)
    return {"n_intertrial_crossings": len(crossings_us) - n_before, "n_habituation_crossings": n_before}


def _count(rows: Sequence[Row], outcome: str) -> int:
    return sum(row["outcome"] == outcome for row in rows)


def _values(rows: Sequence[Row], column: str, outcomes: tuple[str, ...]) -> list[float]:
    return [float(row[column] or 0.0) for row in rows if row["outcome"] in outcomes]


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None
