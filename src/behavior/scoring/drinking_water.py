"""Dosing in the drinking water: what was drunk, from the weights of bottles, and the dose that it came to.

The bottle is the cage's, so the cage is the experimental unit of intake, however many animals drink from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from behavior.model.errors import BadInput


@dataclass(frozen=True, slots=True)
class Bottle:
    """A cage's bottle on one day. Weights in g; `body_weight_g` is the mean of the cage's animals."""

    unit: str
    day: float
    start_g: float
    end_g: float
    spill_g: float
    n_animals: float
    body_weight_g: float


@dataclass(frozen=True, slots=True)
class Intake:
    """What the animals of a cage drank on one day, each."""

    unit: str
    day: float
    intake_ml: float
    dose_mg_kg: float


@dataclass(frozen=True, slots=True)
class Dosing:
    """All cages and days together. `sd_of_unit_means_mg_kg` is None with fewer than two units."""

    n_units: int
    mean_intake_ml: float
    mean_dose_mg_kg: float
    sd_of_unit_means_mg_kg: float | None


def intake(bottle: Bottle, *, mg_per_ml: float, g_per_ml: float = 1.0) -> Intake:
    """Intake and dose per animal.

    Parameters
    ----------
    mg_per_ml : concentration of the drug
    g_per_ml : density of the solution

    Raises
    ------
    BadInput
        The weights cannot be: more after than before, no animal, no weight.
    """
    drunk_g = bottle.start_g - bottle.end_g - bottle.spill_g
    if drunk_g < 0 or bottle.n_animals <= 0 or bottle.body_weight_g <= 0 or g_per_ml <= 0:
        raise BadInput(
            f"bottle of {bottle.unit} on day {bottle.day:g}: {drunk_g:g} g drunk by {bottle.n_animals:g} animals of "
            f"{bottle.body_weight_g:g} g cannot be; check the weights"
        )
    intake_ml = drunk_g / g_per_ml / bottle.n_animals
    return Intake(bottle.unit, bottle.day, intake_ml, intake_ml * mg_per_ml / (bottle.body_weight_g / 1000))


def dosing(intakes: Sequence[Intake]) -> Dosing:
    """Mean intake and dose, and how much the units differ.

    Raises
    ------
    BadInput
        There is no intake.
    """
    if not intakes:
        raise BadInput("no bottle was weighed on these days; check the table")
    by_unit: dict[str, list[float]] = {}
    for one in intakes:
        by_unit.setdefault(one.unit, []).append(one.dose_mg_kg)
    means = [fmean(doses) for doses in by_unit.values()]
    return Dosing(
        n_units=len(by_unit),
        mean_intake_ml=fmean(one.intake_ml for one in intakes),
        mean_dose_mg_kg=fmean(one.dose_mg_kg for one in intakes),
        sd_of_unit_means_mg_kg=stdev(means) if len(means) > 1 else None,
    )
