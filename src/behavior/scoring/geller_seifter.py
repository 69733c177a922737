"""Geller-Seifter conflict: responding with food alone, and with food and shock.

A component is punished by its parameters (a shock, or a time-out), not by its name. Rates are over component time as
it was, also in a session cut short; presses outside of every component, or in a time-out, are in no rate. With P and
U the punished and the unpunished rate, the suppression ratio is P/(P+U) (0.5: no suppression), the conflict ratio P/U.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from behavior.config.read import Record, validate
from behavior.model.calls import Call
from behavior.paradigms.geller_seifter import TRAINING, Component
from behavior.scoring.score import Row, Score
from behavior.scoring.timeline import Timeline, Window, rate_per_min, ratio

Punished = dict[str, bool]


class _Plan(Record):
    """Of the parameters, what scoring needs."""

    components: tuple[Component, ...]


def score(timeline: Timeline, parameters: dict[str, Any], calls: Sequence[Call] | None = None) -> Score:
    """Score a conflict session."""
    return conflict(timeline, punished_components(parameters), lever=parameters.get("lever"))


def punished_components(parameters: dict[str, Any]) -> Punished:
    """Which components punish, by name."""
    return {TRAINING: False, **{one.name: one.punished for one in components_of(parameters["components"])}}


def components_of(given: object) -> tuple[Component, ...]:
    """Components as a header has them.

    Raises
    ------
    BadFile
        They are none.
    """
    return validate({"components": given}, _Plan, file="header.json").components


def conflict(timeline: Timeline, punished: Punished, *, lever: str | None = None) -> Score:
    """Presses, rates, reinforcers and shocks by component.

    Parameters
    ----------
    timeline : of the session
    punished : whether a component is, by its name; other components count as neither
    lever : whose presses count; None: all
    """
    presses = [press for press in timeline.presses if lever is None or press.where == lever]
    places = timeline.placed(timeline.components, presses)
    rows = component_rows(timeline, punished, Counter(places))
    n_timeout = len(presses) - sum(_total(rows, "n_presses", kind) for kind in (True, False))
    n_elsewhere = len(timeline.presses) - len(presses)
    return Score(_session(timeline, rows, n_timeout, n_elsewhere), rows, "components")


def component_rows(timeline: Timeline, punished: Punished, n_presses: Counter[int | None]) -> tuple[Row, ...]:
    """One row for each time that a component was presented."""
    arrived = Counter(one.component for one in timeline.deliveries if one.arrived_us is not None)
    delivered = Counter(one.component for one in timeline.shocks if one.delivered)
    invalid = Counter(one.component for one in timeline.shocks if not one.delivered)
    return tuple(
        {
            "component": window.name,
            "punished": punished.get(window.name),
            "cycle": window.number,
            "begin_s": window.begin_us / 1e6,
            "time_s": window.time_us / 1e6,
            "n_presses": n_presses[i],
            "rate_per_min": rate_per_min(n_presses[i], window.time_us),
            "n_pellets": arrived[i],
            "n_shocks_delivered": delivered[i],
            "n_shocks_invalid": invalid[i],
            "interrupted": window.interrupted,
            "disturbed_s": window.disturbed_us / 1e6,
        }
        for i, window in enumerate(timeline.components)
    )


def _session(timeline: Timeline, rows: tuple[Row, ...], n_timeout: int, n_elsewhere: int) -> Row:
    parts = list(zip(timeline.components, rows, strict=True))
    n_punished, n_unpunished = (_total(rows, "n_presses", kind) for kind in (True, False))
    p = rate_per_min(n_punished, _time_us(window for window, row in parts if row["punished"] is True))
    u = rate_per_min(n_unpunished, _time_us(window for window, row in parts if row["punished"] is False))
    conflict_ratio = ratio(p, u)
    return {
        "n_punished_presses": n_punished,
        "n_unpunished_presses": n_unpunished,
        "n_timeout_presses": n_timeout,
        "n_other_lever_presses": n_elsewhere,
        "punished_rate_per_min": p,
        "unpunished_rate_per_min": u,
        "suppression_ratio": None if p is None or u is None else ratio(p, p + u),
        "conflict_ratio": conflict_ratio,
        "fraction_suppressed": None if conflict_ratio is None else 1 - conflict_ratio,
        "strongest_shock_ma": max((shock.ma for shock in timeline.shocks if shock.delivered), default=None),
        "n_pellets_punished": _total(rows, "n_pellets", True),
        "n_pellets_unpunished": _total(rows, "n_pellets", False),
        "n_components": len(rows),
        "n_components_interrupted": sum(window.interrupted for window in timeline.components),
    }


def _total(rows: tuple[Row, ...], column: str, punished: bool) -> int:
    return sum(int(row[column] or 0) for row in rows if row["punished"] is punished)


def _time_us(windows: Iterable[Window]) -> int:
    return sum(window.time_us for window in windows)
