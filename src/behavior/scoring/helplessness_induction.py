"""Induction of helplessness: which shocks were really given, and what the animal did in them.

The master of a triad is scored by its escapes; `master_shocks` reads from its journal what the yoked partner gets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import fmean
from typing import Any

from behavior.config.read import validate
from behavior.model.calls import Call
from behavior.model.commands import Command
from behavior.model.errors import BadInput
from behavior.model.events import Event
from behavior.paradigms.helplessness_induction import HelplessnessInductionParameters, MasterShock
from behavior.scoring.score import Row, Score
from behavior.scoring.timeline import ShockGiven, Timeline, Window, seconds, timeline_of

IN_SHOCK = (
    "shock_onset_s",
    "shock_ma",
    "delivered_ma",
    "shock_s",
    "valid",
    "n_crossings_in_shock",
    "escaped",
    "censored",
)
"""Columns that are empty in a trial without shock."""


def master_shocks(items: Iterable[Event | Command]) -> tuple[MasterShock, ...]:
    """The shocks of a master's journal, for the parameter `master_shocks` of its yoked partner.

    A shock that the master had in full is asked for as the master's was: the device that measured it a tick too long
    would be a tick too long again.

    Raises
    ------
    BadInput
        There is none that was delivered.
    """
    timeline = timeline_of(items)
    found = tuple(
        MasterShock(onset_s=shock.onset_us / 1e6, duration_s=min(shock.duration_us / 1e6, shock.duration_s))
        for shock in timeline.shocks
        if shock.delivered
    )
    if not found:
        raise BadInput(
            "the master's journal holds no shock that was delivered; name the session of an escapable subject"
        )
    return found


def score(timeline: Timeline, parameters: dict[str, Any], calls: Sequence[Call] | None = None) -> Score:
    """Score an induction."""
    p = validate(parameters, HelplessnessInductionParameters, file="header.json")
    shocks = {shock.trial: shock for shock in timeline.shocks}
    crossings_us = [crossing.at_us for crossing in timeline.crossings]
    n_required = p.crossings_required if p.group == "escapable" else None
    rows = tuple(_row(trial, shocks.get(i), crossings_us, n_required) for i, trial in enumerate(timeline.trials))
    return Score({"group": p.group, **_session(timeline, rows)}, rows, "trials")


def _row(trial: Window, shock: ShockGiven | None, crossings_us: list[int], n_required: int | None) -> Row:
    in_shock = dict.fromkeys(IN_SHOCK) if shock is None else _in_shock(trial, shock, crossings_us, n_required)
    return {
        "trial": int(trial.name),
        "begin_s": trial.begin_us / 1e6,
        **in_shock,
        "interrupted": trial.interrupted,
    }


def _in_shock(trial: Window, shock: ShockGiven, crossings_us: list[int], n_required: int | None) -> Row:
    """What `IN_SHOCK` names; `escaped` is None where no response could end the shock, or the trial does not count."""
    n_crossings = sum(shock.onset_us <= at_us <= shock.onset_us + shock.duration_us for at_us in crossings_us)
    counts = n_required is not None and shock.delivered and not trial.interrupted
    escaped = n_crossings >= (n_required or 0) if counts else None
    values = (
        seconds(shock.onset_us),
        shock.ma,
        shock.delivered_ma,
        seconds(shock.duration_us),
        shock.delivered,
        n_crossings,
        escaped,
        None if escaped is None else not escaped,
    )
    return dict(zip(IN_SHOCK, values, strict=True))


def _session(timeline: Timeline, rows: Sequence[Row]) -> Row:
    delivered = [shock for shock in timeline.shocks if shock.delivered]
    intervals_s = [(after.onset_us - before.onset_us) / 1e6 for before, after in pairwise(delivered)]
    tried = [row for row in rows if row["escaped"] is not None]
    n_escapes = sum(row["escaped"] is True for row in tried)
    return {
        "n_trials": len(rows),
        "mean_shock_s": fmean(shock.duration_us / 1e6 for shock in delivered) if delivered else None,
        "mean_interval_s": fmean(intervals_s) if intervals_s else None,
        "min_interval_s": min(intervals_s, default=None),
        "max_interval_s": max(intervals_s, default=None),
        "n_escapes": n_escapes if tried else None,
        "fraction_escaped": n_escapes / len(tried) if tried else None,
        "n_crossings": len(timeline.crossings),
        "n_crossings_in_shock": sum(int(row["n_crossings_in_shock"] or 0) for row in rows),
    }
