"""Foot-shock-induced aggression: which shocks brought about a fight.

A fight belongs to a shock if it begins in `[onset, onset + window_s)`; a shock that was not delivered counts for
nothing. Fights before the first shock, or long after one, are not shock-induced and are counted apart. The measures are
those of the first rater; with a second, agreement shock by shock. The unit is the pair.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from behavior.config.read import validate
from behavior.model.calls import Call
from behavior.model.events import Noted
from behavior.paradigms.shock_aggression import BEGINS, ENDS, ShockAggressionParameters
from behavior.scoring.agreement import cohens_kappa, fraction_agreement
from behavior.scoring.score import Row, Score
from behavior.scoring.timeline import ShockGiven, Timeline, ratio


@dataclass(frozen=True, slots=True)
class Fight:
    """A fight as a rater saw it; `end_us` None: only its begin was keyed."""

    rater: str
    onset_us: int
    end_us: int | None = None

    @property
    def duration_us(self) -> int:
        """How long it lasted; 0 where only its begin is known."""
        return 0 if self.end_us is None else self.end_us - self.onset_us


@dataclass(frozen=True, slots=True)
class Judged:
    """What one rater saw. `per_shock` holds the first fight of each shock, or None."""

    per_shock: tuple[Fight | None, ...]
    in_window: tuple[Fight, ...]
    outside: tuple[Fight, ...]

    @property
    def with_fight(self) -> list[bool]:
        """Whether each shock had a fight."""
        return [fight is not None for fight in self.per_shock]


def score(timeline: Timeline, parameters: dict[str, Any], calls: Sequence[Call] | None = None) -> Score:
    """Score a pair's session."""
    p = validate(parameters, ShockAggressionParameters, file="header.json")
    delivered = [shock for shock in timeline.shocks if shock.delivered]
    shocks_us = [shock.onset_us for shock in delivered]
    fights = fights_of(timeline.notes)
    judged = {rater: judge(shocks_us, fights, rater, (0.0, p.window_s)) for rater in p.raters}
    places = {shock.number: i for i, shock in enumerate(delivered)}
    rows = tuple(_row(shock, places.get(shock.number), judged) for shock in timeline.shocks)
    first, *others = judged.values()
    return Score({**measures(shocks_us, first), **_agreement(first, others)}, rows, "trials")


def fights_of(notes: Iterable[Noted]) -> list[Fight]:
    """The fights that raters keyed; a begin without an end is a fight without duration."""
    fights: list[Fight] = []
    open_at: dict[str, int] = {}
    for note in sorted(notes, key=lambda note: note.at_us):
        rater, _, what = note.text.rpartition(": ")
        if what == BEGINS:
            open_at[rater] = len(fights)
            fights.append(Fight(rater, note.at_us))
        elif what == ENDS and rater in open_at:
            i = open_at.pop(rater)
            fights[i] = Fight(rater, fights[i].onset_us, note.at_us)
    return fights


def judge(shocks_us: Sequence[int], fights: Iterable[Fight], rater: str, window_s: tuple[float, float]) -> Judged:
    """Assign one rater's fights to shocks.

    Parameters
    ----------
    shocks_us : onsets, ascending
    fights : of all raters
    window_s : a fight belongs to the last shock with `shock + window_s[0] <= onset < shock + window_s[1]`
    """
    begin_us, end_us = (round(value * 1e6) for value in window_s)
    per_shock: list[Fight | None] = [None] * len(shocks_us)
    in_window: list[Fight] = []
    outside: list[Fight] = []
    for fight in sorted((one for one in fights if one.rater == rater), key=lambda one: one.onset_us):
        i = bisect_right(shocks_us, fight.onset_us - begin_us) - 1
        if i < 0 or fight.onset_us - shocks_us[i] >= end_us:
            outside.append(fight)
            continue
        in_window.append(fight)
        per_shock[i] = per_shock[i] or fight
    return Judged(tuple(per_shock), tuple(in_window), tuple(outside))


def measures(shocks_us: Sequence[int], judged: Judged) -> Row:
    """What one rater's fights come to."""
    n_with_fight = sum(judged.with_fight)
    latencies_us = [
        fight.onset_us - shock_us for fight, shock_us in zip(judged.per_shock, shocks_us, strict=True) if fight
    ]
    first = judged.in_window[0] if judged.in_window else None
    return {
        "n_shocks_with_fight": n_with_fight,
        "fraction_shocks_with_fight": ratio(n_with_fight, len(shocks_us)),
        "n_fights_in_window": len(judged.in_window),
        "n_fights_outside_window": len(judged.outside),
        "latency_first_fight_s": (first.onset_us - shocks_us[0]) / 1e6 if first else None,
        "latency_first_fight_censored": first is None,
        "mean_fight_latency_s": sum(latencies_us) / len(latencies_us) / 1e6 if latencies_us else None,
        "fight_time_s": sum(fight.duration_us for fight in judged.in_window) / 1e6,
    }


def _agreement(first: Judged, others: Sequence[Judged]) -> Row:
    if not others or not first.per_shock:
        return {"n_shocks_with_fight_second_rater": None, "fraction_agreement": None, "cohens_kappa": None}
    (second,) = others
    return {
        "n_shocks_with_fight_second_rater": sum(second.with_fight),
        "fraction_agreement": fraction_agreement(first.with_fight, second.with_fight),
        "cohens_kappa": cohens_kappa(first.with_fight, second.with_fight),
    }


def _row(shock: ShockGiven, place: int | None, judged: dict[str, Judged]) -> Row:
    row: Row = {
        "trial": shock.number,
        "shock_onset_s": shock.onset_us / 1e6,
        "delivered_ma": shock.delivered_ma,
        "valid": shock.delivered,
    }
    for rater, seen in judged.items():
        fight = None if place is None else seen.per_shock[place]
        row[f"fight_{rater}"] = None if place is None else fight is not None
        row[f"latency_{rater}_s"] = None if fight is None else (fight.onset_us - shock.onset_us) / 1e6
    return row
