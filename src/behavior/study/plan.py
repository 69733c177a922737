"""The plan of a study: who is in which session, in which chamber, when, under which dose or code; and it as a file.

A plan file, `plan.csv` beside the sessions, has one row a planned session. Of dose and blind code one is empty; with a
code the seed of the allocation is empty too, for who has it can allocate again.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from behavior.config.study import TEST, Arm
from behavior.model.doses import Treatment
from behavior.model.errors import BadFile, Problem

PLAN_FILE = "plan.csv"
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
    stage: str = TEST
    group: str = ""
    day: int | None = None
    individual: int | None = None
    """Seed of what stays the same in this animal from session to session; None: it has one session."""
    given: Treatment | None = None
    """What it really got, where `treatment` is blind."""


# -- the plan as a file -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One row of a plan file: `subject` is to get this dose, or what is under this code."""

    subject: str
    arm: str
    dose_mg_kg: float | None
    blind_code: str | None
    chamber: str
    starts_at: str
    allocation_seed: int | None
    stage: str = TEST
    group: str = ""
    """As it is prepared or tested, whatever its dose."""
    unit: str = ""
    """The experimental unit; empty where it is the subject."""
    cage: str = ""
    day: int | None = None
    """Of the unit's schedule."""
    period: int | None = None
    """Within subjects."""
    untreated: str = ""
    """`yes` for a session before all treatments; it has neither code nor seed."""


def arm_of_row(row: PlanRow) -> str:
    """A session's arm as it is analysed: group by group, and sessions that only prepare for the test apart."""
    arm = f"{row.arm}.{row.group}" if row.group else row.arm
    return arm if row.stage == TEST else f"{arm}, {row.stage}"


PLAN_COLUMNS = tuple(field.name for field in fields(PlanRow))
"""The columns of a plan file, in order."""
_NEEDED = ("subject", "arm", "dose_mg_kg", "blind_code", "chamber", "starts_at", "allocation_seed")


def write_plan(rows: Iterable[PlanRow], path: Path) -> None:
    """Write a plan file; equal plans give equal bytes, and doses and seeds read back exactly."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PLAN_COLUMNS)
        writer.writerows([getattr(row, name) for name in PLAN_COLUMNS] for row in rows)


def read_plan(path: Path) -> tuple[PlanRow, ...]:
    """The rows of a plan file.

    Raises
    ------
    BadFile
        It is no plan; every problem at once, with its line and column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            missing = [name for name in _NEEDED if name not in (table.fieldnames or ())]
            if missing:
                raise BadFile(path, [Problem(name, "this column is missing; add it") for name in missing])
            problems: list[Problem] = []
            rows = [_row(line, table.line_num, problems) for line in table]
            if not rows:
                problems.append(Problem("", "plans no session; add a row for each, or move it elsewhere"))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(path, [Problem("", f"cannot be read ({error}); restore it, or move it elsewhere")]) from None
    if problems:
        raise BadFile(path, problems)
    return tuple(row for row in rows if row is not None)


def _row(line: dict[Any, Any], number: int, problems: list[Problem]) -> PlanRow | None:
    """A row; None where it has problems, which are added."""
    text = {name: (line.get(name) or "").strip() for name in PLAN_COLUMNS}
    wrong = {name: "is empty; fill it in" for name in ("subject", "arm") if not text[name]}
    if None in line:
        wrong["row"] = "has more cells than there are columns; put text with commas in quotes"
    dose: float | None = None
    if text["dose_mg_kg"]:
        dose = _number(text["dose_mg_kg"])
        if dose is None:
            wrong["dose_mg_kg"] = f"must be a dose of 0 or more (is {text['dose_mg_kg']!r})"
        elif text["blind_code"]:
            wrong["blind_code"] = "stands for the dose; leave one of them empty"
    elif not text["blind_code"]:
        wrong["dose_mg_kg"] = "is empty, and so is blind_code; fill one of them in"
    sealed = bool(text["blind_code"] or text["untreated"]) and not text["allocation_seed"]
    if not sealed and not _is_whole(text["allocation_seed"].removeprefix("-")):
        wrong["allocation_seed"] = f"must be a whole number (is {text['allocation_seed']!r})"
    for name in ("day", "period"):
        if text[name] and not (_is_whole(text[name]) and len(text[name]) <= 5):
            wrong[name] = f"must be a whole number of up to five digits (is {text[name][:20]!r})"
    if wrong:
        problems += [Problem(f"line {number}, {name}", what) for name, what in wrong.items()]
        return None
    return PlanRow(
        subject=text["subject"],
        arm=text["arm"],
        dose_mg_kg=dose,
        blind_code=text["blind_code"] or None,
        chamber=text["chamber"],
        starts_at=text["starts_at"],
        allocation_seed=int(text["allocation_seed"]) if text["allocation_seed"] else None,
        stage=text["stage"] or TEST,
        group=text["group"],
        unit=text["unit"],
        cage=text["cage"],
        day=int(text["day"]) if text["day"] else None,
        period=int(text["period"]) if text["period"] else None,
        untreated=text["untreated"],
    )


def _is_whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 60


def _number(text: str) -> float | None:
    """A finite number of 0 or more, or None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None
