"""The squads of a study's plan: which of its sessions start together, and which were run already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from behavior.config.squad import Start
from behavior.config.study import Study
from behavior.model.errors import BadInput
from behavior.session.folder import find_sessions
from behavior.study.blinding import session_treatment
from behavior.study.dataset import Known
from behavior.study.designed import parameters_file
from behavior.study.plan import PlanRow


def start_of(row: PlanRow, study: Study, dataset: Path) -> Start:
    """A planned session as it is started: under its code, or its dose where the plan is open.

    Raises
    ------
    BadInput
        The study has no such arm.
    """
    arm = next((arm for arm in study.arms if arm.name == row.arm), None)
    if arm is None:
        raise BadInput(f"the plan has the arm {row.arm}, which is not in study.toml; restore one of them")
    given, parameters = session_treatment(row, arm), dataset / parameters_file(arm.name, row.stage, row.group)
    return Start(
        chamber=row.chamber,
        subject=row.subject,
        paradigm=arm.paradigm_at(row.stage),
        parameters=str(parameters) if parameters.is_file() else None,
        blind_code=given.blind_code,
        compound=given.compound,
        dose_mg_kg=given.dose_mg_kg,
        vehicle=given.vehicle,
        route=given.route,
        pretreatment_min=given.pretreatment_min,
        precedes=given.precedes,
        day=row.day,
        study=study.name,
        arm=arm.name,
    )


def already_run(dataset: Path, study: Study, rows: Sequence[PlanRow]) -> set[PlanRow]:
    """Rows of a plan of which a session is in the dataset, whatever became of it."""
    if next(dataset.rglob("header.json"), None) is None:
        return set()
    known = Known(study, study, tuple(rows), None, {})
    return {row for folder in find_sessions(dataset) if (row := known.row(folder.header)) is not None}
