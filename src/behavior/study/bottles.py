"""What was drunk, from the weights of the bottles that are on record; the cage is the unit.

Before the study is unblinded nobody knows what was in a bottle, so that only the volume is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from behavior.config.study import Study
from behavior.model.errors import BadInput
from behavior.scoring.drinking_water import Bottle, intake
from behavior.study.records import Fields

if TYPE_CHECKING:
    from behavior.study.blinding import Administration
    from behavior.study.plan import PlanRow

COLUMNS = ("unit", "arm", "blind_code", "day", "until_day", "intake_ml_per_animal_day", "dose_mg_kg_per_day")


def intakes(
    study: Study | None,
    plan: Sequence[PlanRow],
    bottles: Mapping[str, Fields],
    doses: Mapping[str, Administration],
) -> tuple[list[dict[str, Any]], list[str]]:
    """A row for each weighed bottle, and what is wrong with others, each as a sentence.

    Parameters
    ----------
    bottles : on record, by code
    doses : what is under each code; empty while the study is blind

    Returns
    -------
    rows : with the columns `COLUMNS`; intake in ml and dose in mg/kg, of an animal and day
    problems : bottles whose weights cannot be
    """
    arms = {arm.name: arm for arm in study.arms} if study else {}
    tested = {row.blind_code: row for row in plan if row.blind_code}
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for code, fields in bottles.items():
        row, given = tested.get(code), doses.get(code)
        values = [fields.get(name) for name in ("start_g", "end_g", "spill_g", "n_animals", "body_weight_g")]
        if row is None or any(value is None for value in values):
            continue  # the list of missing records tells of it
        start_g, end_g, spill_g, n_animals, body_weight_g = (float(value or 0) for value in values)
        days, strength = 1.0, 0.0
        arm = arms.get(row.arm)
        if arm is not None:
            before = [day for day in (0, *arm.days) if day < (row.day or 0)]
            days = float((row.day or 1) - max(before, default=0))
        if given is not None and arm is not None:
            strength = dict(zip(arm.doses_mg_kg, arm.water_mg_per_ml, strict=True)).get(given.dose_mg_kg, 0.0)
            passed = datetime.fromisoformat(given.until or given.at) - datetime.fromisoformat(given.at)
            days = passed.total_seconds() / 86400 or days
        bottle = Bottle(row.unit or row.subject, row.day or 0, start_g, end_g, spill_g, n_animals, body_weight_g)
        try:
            drunk = intake(bottle, mg_per_ml=strength)
        except BadInput as error:
            problems.append(str(error))
            continue
        rows.append(
            dict(
                zip(
                    COLUMNS,
                    (
                        drunk.unit, row.arm, code, (row.day or 0) - int(days), row.day, drunk.intake_ml / days,
                        drunk.dose_mg_kg / days if given is not None else None,
                    ),
                    strict=True,
                )
            )
        )  # fmt: skip
    return rows, problems
