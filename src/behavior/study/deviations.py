"""What of a session that is about to start is not as its dataset's plan has it; asked before anything moves.

The planned session is the one of the subject that agrees best, of those that were not run. A code is never told: it is
read from the syringe, not from a screen.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from behavior.config import read
from behavior.config.squad import Start
from behavior.config.study import Study
from behavior.study.dataset import STUDY_FILE
from behavior.study.plan import PLAN_FILE, PlanRow, read_plan
from behavior.study.squads import already_run, start_of

MANY = 12


def deviations(dataset: Path, start: Start) -> tuple[str, ...]:
    """Each difference from the plan as a clause; empty where there is none, or no plan.

    Parameters
    ----------
    dataset : folder with `plan.csv` and `study.toml`; without either there is nothing to differ from
    start : what was asked for; what it leaves open is not compared

    Raises
    ------
    BadInput
        The plan or the study file cannot be used.
    """
    if not (dataset / PLAN_FILE).is_file() or not (dataset / STUDY_FILE).is_file():
        return ()
    study, rows = read(dataset / STUDY_FILE, Study), read_plan(dataset / PLAN_FILE)
    mine = [row for row in rows if row.subject == start.subject]
    if not mine:
        names = sorted({row.subject for row in rows})
        shown = ", ".join(names[:MANY]) + (", …" if len(names) > MANY else "")
        return (f"subject {start.subject} is not in it; it has {shown}",)
    run = already_run(dataset, study, rows)
    waiting = [row for row in mine if row not in run]
    if not waiting:
        return (f"every session that it has for {start.subject} was run",)
    return min((tuple(_differences(row, start, study, dataset)) for row in waiting), key=len)


def _differences(row: PlanRow, start: Start, study: Study, dataset: Path) -> Iterator[str]:
    """What a start has otherwise than a row."""
    meant = start_of(row, study, dataset)
    who = start.subject
    for name in ("chamber", "paradigm", "day"):
        asked, planned = getattr(start, name), getattr(meant, name)
        if asked is not None and planned is not None and asked != planned:
            yield f"it has {name} {planned} for {who}, not {asked}"
    if meant.blind_code is not None:
        if start.blind_code is None:
            yield f"it has {who} under a code, and no code was given"
        elif start.blind_code != meant.blind_code:
            yield f"{start.blind_code} is not the code that it has for {who}"
    elif start.blind_code is not None:
        yield f"it has no code for {who}"
    elif meant.dose_mg_kg is not None and start.dose_mg_kg not in (None, meant.dose_mg_kg):
        yield f"it has {meant.dose_mg_kg:g} mg/kg for {who}, not {start.dose_mg_kg:g}"
