"""Passive avoidance: the latency to enter where the shock was.

A subject that does not enter by the cut-off has the cut-off as its capped latency, and is censored: beyond, not equal.
Subjects that took too long in training are left out by a rule that stands before the data, and counted. What a
treatment acts on follows from the stage that it precedes: acquisition, consolidation or retrieval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from behavior.config.read import validate
from behavior.model.calls import Call
from behavior.paradigms.passive_avoidance import ENTERED, PassiveAvoidanceParameters
from behavior.scoring.score import Row, Score
from behavior.scoring.timeline import Response, Timeline, Window, seconds

ACTS_ON = {"training": "acquisition", "retention": "consolidation", "test": "retrieval"}


def score(timeline: Timeline, parameters: dict[str, Any], calls: Sequence[Call] | None = None) -> Score:
    """Score a training or a retention test."""
    p = validate(parameters, PassiveAvoidanceParameters, file="header.json")
    rows = tuple(_row(timeline, p, i, trial) for i, trial in enumerate(timeline.trials))
    trained = p.stage == "training"
    row = rows[0] if rows else {}
    latency_s, censored = row.get("latency_capped_s"), row.get("censored")
    return Score(
        {
            "stage": p.stage,
            "treatment_acts_on": ACTS_ON[p.treatment_before],
            f"{p.stage}_latency_s": row.get("latency_s"),
            f"{p.stage}_latency_capped_s": latency_s,
            f"{p.stage}_latency_censored": censored,
            "avoided": None if trained or row.get("interrupted", True) else censored,
            "window_s": row.get("window_s"),
            "slow_to_train": float(latency_s) > p.max_train_s if trained and latency_s is not None else None,
            "shock_valid": row.get("valid") if trained else None,
            "n_entries": row.get("n_entries"),
            "time_in_start_s": row.get("time_in_start_s"),
            "interrupted": row.get("interrupted", True),
        },
        rows,
        "trials",
    )


def _row(timeline: Timeline, p: PassiveAvoidanceParameters, i: int, trial: Window) -> Row:
    places = timeline.placed(timeline.trials, timeline.crossings)
    crossings = [one for place, one in zip(places, timeline.crossings, strict=True) if place == i]
    entries = [one for one in crossings if one.where == ENTERED[p.apparatus]]
    cutoff_us = round(p.cutoff_s * 1e6)
    waited_us = min(cutoff_us, trial.end_us - trial.begin_us)
    entered_us = entries[0].at_us - trial.begin_us if entries else None
    entered = entered_us is not None and entered_us < cutoff_us
    shock = next((shock for shock in timeline.shocks if shock.trial == i), None)
    return {
        "trial": int(trial.name),
        "begin_s": trial.begin_us / 1e6,
        "latency_s": seconds(entered_us) if entered else None,
        "latency_capped_s": seconds(entered_us) if entered else waited_us / 1e6,
        "censored": not entered,
        "window_s": waited_us / 1e6,
        "n_entries": len(entries),
        "time_in_start_s": _in_start_us(trial, crossings, ENTERED[p.apparatus], waited_us) / 1e6,
        "delivered_ma": None if shock is None else shock.delivered_ma,
        "shock_s": None if shock is None else seconds(shock.duration_us),
        "valid": None if shock is None else shock.delivered,
        "interrupted": trial.interrupted,
    }


def _in_start_us(trial: Window, crossings: Sequence[Response], entered: str, waited_us: int) -> int:
    """Time before the cut-off on the side where the trial began."""
    until_us = trial.begin_us + waited_us
    total_us, since_us, away = 0, trial.begin_us, False
    for crossing in crossings:
        at_us = min(crossing.at_us, until_us)
        if crossing.where == entered and not away:
            total_us, away = total_us + at_us - since_us, True
        elif crossing.where != entered and away:
            since_us, away = at_us, False
    return total_us if away else total_us + until_us - since_us


# -- groups -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Retention:
    """The retention of one group. Latencies are capped at the cut-off, s."""

    n: int
    n_censored: int
    median_latency_capped_s: float
    mean_latency_capped_s: float
    mean_difference_s: float
    """Mean of capped retention latency less training latency."""

    @property
    def fraction_avoiders(self) -> float:
        """Share that did not enter before the cut-off."""
        return self.n_censored / self.n


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject's two latencies, s; `retention_s` None: it did not enter."""

    group: str
    training_s: float
    retention_s: float | None
    excluded: bool = False
    """For a reason that has nothing to do with its behavior, such as a fault of the equipment."""


def retention_by_group(
    subjects: Sequence[Subject], *, cutoff_s: float, max_train_s: float
) -> tuple[dict[str, Retention], dict[str, int]]:
    """Retention by group, after the rules of exclusion.

    Parameters
    ----------
    subjects : all of them
    cutoff_s : of the retention test
    max_train_s : who took longer in training is left out

    Returns
    -------
    by group its retention, in order of appearance; and how many were left out, by reason (a subject may have both):
    `slow_to_train`, `excluded`, and how many remain, `analysed`
    """
    kept = [one for one in subjects if not one.excluded and one.training_s <= max_train_s]
    groups = {
        group: _retention([one for one in kept if one.group == group], cutoff_s)
        for group in dict.fromkeys(one.group for one in kept)
    }
    counts = {
        "slow_to_train": sum(one.training_s > max_train_s for one in subjects),
        "excluded": sum(one.excluded for one in subjects),
        "analysed": len(kept),
    }
    return groups, counts


def _retention(subjects: Sequence[Subject], cutoff_s: float) -> Retention:
    capped_s = [cutoff_s if one.retention_s is None else min(one.retention_s, cutoff_s) for one in subjects]
    return Retention(
        n=len(subjects),
        n_censored=sum(one.retention_s is None or one.retention_s >= cutoff_s for one in subjects),
        median_latency_capped_s=median(capped_s),
        mean_latency_capped_s=fmean(capped_s),
        mean_difference_s=fmean(late - one.training_s for late, one in zip(capped_s, subjects, strict=True)),
    )
