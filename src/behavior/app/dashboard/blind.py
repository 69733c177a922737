"""What may be shown of a treatment. The one place that turns one into text.

A data folder is blind while some session or planned session in it has a code and the study's key has not been opened.
As long as it is, no dose, compound or arm is shown of any of its sessions, coded or not: a dose shown for some tells of
the others. A folder that was never blind shows doses.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from behavior.model.doses import Treatment
from behavior.model.errors import BehaviorError
from behavior.session.folder import SessionFolder

HIDDEN_COLUMNS = ("compound", "dose_mg_kg", "arm", "group", "vehicle")
"""What a blind page leaves out of tables."""
OPENED_KEY, SEALED_KEY = "key.json", "key.sealed"


@dataclass(frozen=True)
class Blindness:
    """Whether a data folder's treatments may be known.

    Parameters
    ----------
    data : the folder that is shown
    """

    data: Path

    def holds(self, folder: Path) -> bool:
        """Whether what lies in this folder is blind: by the plan of the study that it belongs to, and its key."""
        study = self._study(folder)
        if (study / OPENED_KEY).exists():
            return False
        return (study / SEALED_KEY).exists() or _coded_plan(study)

    def shown(self, session: SessionFolder) -> str:
        """The treatment of a session, as far as it may be known."""
        treatment = session.header.treatment
        if treatment.blind_code:
            return f"code {treatment.blind_code}"
        return "blind" if self.holds(session.path) else dose_text(treatment)

    def _study(self, folder: Path) -> Path:
        root = self.data.resolve()
        for place in (folder.resolve(), *folder.resolve().parents):
            if place == root or any((place / name).exists() for name in ("plan.csv", SEALED_KEY, OPENED_KEY)):
                return place
        return root


def dose_text(treatment: Treatment) -> str:
    """A treatment that is no secret."""
    if treatment.dose_mg_kg is None:
        return treatment.vehicle or ""
    if treatment.dose_mg_kg == 0:
        return f"vehicle ({treatment.vehicle})" if treatment.vehicle else "vehicle"
    return f"{treatment.compound or 'compound'} {treatment.dose_mg_kg:g} mg/kg"


def _coded_plan(study: Path) -> bool:
    from behavior.study.plan import PLAN_FILE, read_plan

    if not (study / PLAN_FILE).exists():
        return False
    try:
        return any(row.blind_code for row in read_plan(study / PLAN_FILE))
    except BehaviorError:
        return True  # nobody knows: then nothing is shown
