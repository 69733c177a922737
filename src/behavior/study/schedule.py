"""When and where each session of an arm takes place, and when each treatment is given.

Rules.

1.  A unit keeps its chamber and its time of day on all its days.
2.  What does not fit into a working day is run by cohorts, whole blocks together, that are shifted by whole days; a
    cohort's days never fall on another's.
3.  Each arm begins on the day after the one before has ended, at the time of day that the study names.
4.  A session stands under the last treatment that was given before it. One before all treatments is untreated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

from behavior.config.study import TEST, Arm
from behavior.model.errors import BadInput
from behavior.study.allocate import Allocated
from behavior.study.plan import TURNAROUND_MIN, WORKING_DAY

Minutes = Mapping[str, float]
"""How long a session lasts, by stage."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A session that is to be run: `subject` is an animal, or a pair's two."""

    allocated: Allocated
    subject: str
    stage: str
    day: int
    """Of the unit's schedule, from 1: not of the calendar."""
    period: int
    """Within subjects, from 1; else 0."""
    chamber: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Giving:
    """A treatment that is to be given to a unit."""

    allocated: Allocated
    subjects: tuple[str, ...]
    day: int
    period: int
    at: datetime
    until: datetime | None = None
    """Of a bottle: when it is taken away."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """An arm's sessions and treatments, each in order of time."""

    visits: tuple[Visit, ...]
    givings: tuple[Giving, ...]


def schedule(
    arm: Arm, allocated: Sequence[Allocated], chambers: Sequence[str], *, first: datetime, minutes: Minutes
) -> Schedule:
    """Lay an arm's sessions into chambers and days.

    Parameters
    ----------
    arm : what is run
    allocated : in the order of the day
    chambers : that run side by side
    first : when the arm's first session starts
    minutes : how long a session of each stage lasts

    Raises
    ------
    BadInput
        A session is longer than a working day.
    """
    days = _days(arm)
    cohorts = _cohorts(arm, allocated, len(chambers), minutes, days)
    shift = _shift(sorted({day for _, day, _ in days}), len(cohorts))
    visits: list[Visit] = []
    givings: list[Giving] = []
    for number, cohort in enumerate(cohorts):
        start = first + timedelta(days=number * shift)
        own = _visits(arm, cohort, chambers, start, minutes, days)
        visits += own
        givings += _givings(arm, cohort, start, own)
    return Schedule(
        tuple(sorted(visits, key=lambda visit: visit.starts_at)), tuple(sorted(givings, key=lambda one: one.at))
    )


def _days(arm: Arm) -> list[tuple[str, int, int]]:
    """Stage, day and period of every session of a unit, in order."""
    before = [(stage.name, day, 0) for stage in arm.stages for day in stage.days]
    if arm.design == "within":
        apart, n = arm.washout_days or 1, len(arm.doses_mg_kg)
        return [*before, *((TEST, arm.days[0] + period * apart, period + 1) for period in range(n))]
    return sorted([*before, *((TEST, day, 0) for day in arm.days)], key=lambda one: one[1])


def _round_min(minutes: float) -> float:
    return ceil(minutes - 1e-6) + TURNAROUND_MIN


def _cohorts(
    arm: Arm, allocated: Sequence[Allocated], n_chambers: int, minutes: Minutes, days: Sequence[tuple[str, int, int]]
) -> list[list[Allocated]]:
    """As many units as a day has room for, cut between blocks if that can be."""
    per_unit = 1 if arm.experimental_unit == "pair" else arm.n_animals
    of_day: dict[int, float] = {}
    for stage, day, _ in days:
        of_day[day] = of_day.get(day, 0.0) + _round_min(minutes[stage])
    rounds = 1 + int((WORKING_DAY.total_seconds() / 60 + TURNAROUND_MIN - max(of_day.values())) // max(of_day.values()))
    if rounds < 1:
        raise BadInput(
            f"arm {arm.name}: its sessions of one day last {max(of_day.values()):.0f} min; a day has 480 min"
        )
    room = max(1, rounds * n_chambers // per_unit)
    size = len(arm.cells) if arm.design == "between" else 1
    whole = room // size * size or room
    return [list(allocated[first : first + whole]) for first in range(0, len(allocated), whole)]


def _shift(days: Sequence[int], n_cohorts: int) -> int:
    """By how many days cohorts follow each other, so that no two share a day."""
    for shift in range(1, max(days) - min(days) + 2):
        used = [day + number * shift for number in range(n_cohorts) for day in days]
        if len(set(used)) == len(used):
            return shift
    return max(days) - min(days) + 1


def _visits(
    arm: Arm,
    cohort: Sequence[Allocated],
    chambers: Sequence[str],
    start: datetime,
    minutes: Minutes,
    days: Sequence[tuple[str, int, int]],
) -> list[Visit]:
    who = [
        (one, name)
        for one in cohort
        for name in (
            [one.unit.name] if arm.experimental_unit == "pair" else [animal.subject for animal in one.unit.animals]
        )
    ]
    rounds = ceil(len(who) / len(chambers))
    visits: list[Visit] = []
    passed: dict[int, float] = {}
    for stage, day, period in days:
        begin = start + timedelta(days=day - 1, minutes=passed.get(day, 0.0))
        for place, (one, subject) in enumerate(who):
            at = begin + timedelta(minutes=place // len(chambers) * _round_min(minutes[stage]))
            visits.append(Visit(one, subject, stage, day, period, chambers[place % len(chambers)], at))
        passed[day] = passed.get(day, 0.0) + rounds * _round_min(minutes[stage])
    return visits


def _givings(arm: Arm, cohort: Sequence[Allocated], start: datetime, visits: Sequence[Visit]) -> list[Giving]:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    givings: list[Giving] = []
    for one in cohort:
        names = tuple(animal.subject for animal in one.unit.animals)
        if arm.water_mg_per_ml:
            ends = [(day, start + timedelta(days=day - 1) + WORKING_DAY) for day in (0, *arm.days)]  # after the tests
            givings += [Giving(one, names, day, 0, at, until) for (day, at), (_, until) in pairwise(ends)]
        elif arm.dosing is not None:
            givings += [
                Giving(one, names, day, 0, midnight + timedelta(days=day - 1, hours=at.hour, minutes=at.minute))
                for day in arm.dosing.days
                for at in arm.dosing.times
            ]
        else:
            mine = [visit for visit in visits if visit.allocated is one and visit.stage == arm.treated_stage]
            before = timedelta(minutes=arm.pretreatment_min)
            givings += [
                Giving(
                    one,
                    names if arm.experimental_unit == "pair" else (v.subject,),
                    v.day,
                    v.period,
                    v.starts_at - before,
                )
                for v in mine
            ]
    return givings
