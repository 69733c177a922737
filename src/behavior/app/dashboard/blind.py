"""What may be shown of a treatment. The one place that turns one into text.

A study is blind while its plan or a session of it holds a code, or a key lies sealed, and its audit log does not say
that it was unblinded. As long as it is, no dose, compound or arm is shown of any of its sessions, coded or not: a dose
shown for some tells of the others. A folder that was never blind shows doses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from behavior.model.doses import Treatment
from behavior.model.errors import BehaviorError
from behavior.session.folder import SessionFolder

HIDDEN_COLUMNS = ("compound", "dose_mg_kg", "arm", "group", "vehicle")
"""What a blind page leaves out of tables."""
OPENED_KEY, SEALED_KEY = "key.json", "key.sealed"
_CODE = re.compile(rb'"blind_code":\s*"')


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
        keys = (study / name for name in (SEALED_KEY, OPENED_KEY))
        was_blind = any(key.exists() for key in keys) or _coded_plan(study) or _coded_sessions(study)
        return was_blind and not _is_unblinded(study)

    def shown(self, session: SessionFolder) -> str:
        """The treatment of a session, as far as it may be known."""
        treatment, blind = session.header.treatment, self.holds(session.path)
        if not treatment.blind_code:
            return "blind" if blind else dose_text(treatment)
        code = f"code {treatment.blind_code}"
        return code if blind else f"{code}{self._under(treatment.blind_code, session.path)}"

    def _under(self, code: str, folder: Path) -> str:
        """What was under a code of an unblinded study."""
        from behavior.study.audit import read_audit
        from behavior.study.unblind import opened_key

        study = self._study(folder)
        try:
            key = opened_key(study, read_audit(study))
        except BehaviorError:
            return ""
        one = key.by_code().get(code) if key else None
        if one is None:
            return ""
        return f": {dose_text(Treatment(compound=one.compound, dose_mg_kg=one.dose_mg_kg, vehicle=one.vehicle))}"

    def _study(self, folder: Path) -> Path:
        root = self.data.resolve()
        for place in (folder.resolve(), *folder.resolve().parents):
            if place == root or any((place / name).exists() for name in ("plan.csv", SEALED_KEY, OPENED_KEY)):
                return place
        return root


def _is_unblinded(study: Path) -> bool:
    """By the audit log; a key that only lies there does not unblind anything."""
    from behavior.study.audit import read_audit

    try:
        return read_audit(study).unblinded is not None
    except BehaviorError:
        return False


def dose_text(treatment: Treatment) -> str:
    """A treatment that is no secret."""
    if treatment.dose_mg_kg is None:
        return treatment.vehicle or ""
    if treatment.dose_mg_kg == 0:
        return f"vehicle ({treatment.vehicle})" if treatment.vehicle else "vehicle"
    return f"{treatment.compound or 'compound'} {treatment.dose_mg_kg:g} mg/kg"


def _coded_sessions(study: Path) -> bool:
    for header in study.rglob("header.json"):
        try:
            if _CODE.search(header.read_bytes()):
                return True
        except OSError:
            continue
    return False


def _coded_plan(study: Path) -> bool:
    from behavior.study.plan import PLAN_FILE, read_plan

    if not (study / PLAN_FILE).exists():
        return False
    try:
        return any(row.blind_code for row in read_plan(study / PLAN_FILE))
    except BehaviorError:
        return True  # nobody knows: then nothing is shown
