"""From a study file to its sessions: who gets which dose, in which chamber, when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from random import Random

from behavior.config.study import Arm, Study
from behavior.model.doses import Treatment

SHUFFLES = 50
"""So many random orders of a block are drawn, and the one that balances doses over chambers best is taken."""
TURNAROUND_MIN = 10
"""Between two sessions of a chamber, to clean it."""
WORKING_DAY = timedelta(hours=8)
"""Sessions that would start later wait for the next day, so that the time of day drifts no further."""


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """One session that is to be run."""

    arm: Arm
    subject: str
    treatment: Treatment
    weight_g: float
    chamber: str
    starts_at: datetime
    seed: int


def plan(
    study: Study, chambers: tuple[str, ...], *, seed: int, session_min: dict[str, float]
) -> tuple[PlannedSession, ...]:
    """All sessions of a study, in the order in which they start.

    Doses are allocated in randomised blocks: each block holds every dose once, so that doses are balanced over time.
    Chambers are dealt in turn, and of several random orders of a block the one is taken that balances doses over
    chambers best, so that neither stands for the other. Each arm begins on a day of its own, at the time of day that
    the study names.

    Parameters
    ----------
    study : the study
    chambers : names of the rig's chambers, which run side by side
    seed : of the allocation, the weights and every session
    session_min : how long a session of each arm lasts, min

    Returns
    -------
    tuple of PlannedSession
        Each animal is in one session; between-subjects.
    """
    numbers = count(1)
    day = study.start
    planned: list[PlannedSession] = []
    for arm in study.arms:
        free_at = day
        sessions = list(_of_arm(study, arm, len(chambers), Random(f"{seed}/{arm.name}"), numbers))
        for first in range(0, len(sessions), len(chambers)):
            if free_at - day > WORKING_DAY:
                day += timedelta(days=1)
                free_at = day
            squad = sessions[first : first + len(chambers)]
            planned += [
                PlannedSession(arm, subject, treatment, weight_g, chamber, free_at, session_seed)
                for chamber, (subject, treatment, weight_g, session_seed) in zip(chambers, squad, strict=False)
            ]
            free_at += timedelta(minutes=session_min[arm.name] + TURNAROUND_MIN)
        day += timedelta(days=1)
    return tuple(planned)


def _of_arm(
    study: Study, arm: Arm, n_chambers: int, random: Random, numbers: Iterator[int]
) -> Iterator[tuple[str, Treatment, float, int]]:
    for dose_mg_kg in _allocated(arm, n_chambers, random):
        treatment = Treatment(
            compound=arm.compound,
            dose_mg_kg=dose_mg_kg,
            vehicle=arm.vehicle,
            route=arm.route,
            pretreatment_min=arm.pretreatment_min,
        )
        weight_g = round(random.gauss(study.animals.weight_g, 0.04 * study.animals.weight_g), 0)
        yield f"R{next(numbers):02d}", treatment, weight_g, random.getrandbits(32)


def _allocated(arm: Arm, n_chambers: int, random: Random) -> list[float]:
    """The doses of an arm in order of its sessions; session k is in chamber k modulo the number of chambers."""
    allocated: list[float] = []
    held: Counter[tuple[float, int]] = Counter()
    for _ in range(arm.n_per_dose):
        orders = [random.sample(arm.doses_mg_kg, len(arm.doses_mg_kg)) for _ in range(SHUFFLES)]
        first = len(allocated)

        def imbalance(order: list[float], first: int = first) -> int:
            return sum(held[dose, (first + place) % n_chambers] for place, dose in enumerate(order))

        best = min(orders, key=imbalance)
        held.update((dose, (first + place) % n_chambers) for place, dose in enumerate(best))
        allocated += best
    return allocated
