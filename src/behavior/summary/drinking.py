"""What was really taken in where the drug is in the drinking water: per planned dose and bottle, the cage as unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from behavior.summary.arms import ArmPlan, sessions_of_arm

if TYPE_CHECKING:
    from behavior.study.dataset import Dataset


@dataclass(frozen=True, slots=True)
class IntakeRow:
    """Cages of a planned dose over the days of a bottle; means and SEM over cages, of an animal and day."""

    dose_mg_kg: float
    first_day: int
    last_day: int
    n: int
    ml: float
    ml_sem: float | None
    mg_kg: float
    mg_kg_sem: float | None


def intake_rows(dataset: Dataset, plan: ArmPlan) -> tuple[IntakeRow, ...]:
    """Intake of an arm by planned dose and bottle, in the order of days; none before doses are known.

    Parameters
    ----------
    dataset : with its table of intake
    plan : of the arm
    """
    drunk = dataset.intake
    if not len(drunk) or drunk["dose_mg_kg_per_day"].isna().any():
        return ()
    sessions = sessions_of_arm(dataset, plan)
    given = sessions.dropna(subset=["dose_mg_kg"]).groupby("unit")["dose_mg_kg"].first()
    mine = drunk[drunk["unit"].isin(given.index)]
    mine = mine.assign(planned=mine["unit"].map(given))
    rows = []
    for (first, last, dose), here in mine.groupby(["day", "until_day", "planned"], sort=True):
        ml, mg_kg = (
            here[name].to_numpy(dtype=np.float64) for name in ("intake_ml_per_animal_day", "dose_mg_kg_per_day")
        )
        n = len(here)
        rows.append(IntakeRow(float(dose), int(first), int(last), n, float(ml.mean()), _sem(ml), float(mg_kg.mean()),
                              _sem(mg_kg)))  # fmt: skip
    return tuple(rows)


def _sem(values: np.ndarray) -> float | None:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
