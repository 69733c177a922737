"""What people write down beside the sessions: animals, preparations, administrations, bottles. Kept in the audit log.

A record is the sum of its entries in the log, so that every value has its author and time, and a value that was changed
stands there with the one before and the reason. Nothing else holds records: there is no table to edit unseen.

===============  ==============  ====================================================================
table            key             fields that a careful reader asks for
===============  ==============  ====================================================================
animals          subject         habituated_on, handled_days; if anywhere, surgery_on and probe_verified
preparations     preparation     compound, batch, vehicle, prepared_at, expires_at, prepared_by
administrations  blind_code      given_volume_ml, given_at, given_by
bottles          blind_code      start_g, end_g, spill_g, n_animals, body_weight_g
===============  ==============  ====================================================================
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path

from behavior.config.study import Study
from behavior.model.errors import BadFile, BadInput, Problem
from behavior.model.session import SessionHeader
from behavior.study.audit import AuditLog, append_all, read_audit
from behavior.study.plan import PlanRow

KEYS = {"preparations": "preparation", "bottles": "blind_code", "administrations": "blind_code", "animals": "subject"}
WANTED = {
    "animals": ("habituated_on", "handled_days"),
    "preparations": ("compound", "batch", "vehicle", "prepared_at", "expires_at", "prepared_by"),
    "administrations": ("given_volume_ml", "given_at", "given_by"),
    "bottles": ("start_g", "end_g", "spill_g", "n_animals", "body_weight_g"),
}
IF_ANYWHERE = ("surgery_on", "anesthesia", "probe_verified")
NUMBERS = (
    "given_volume_ml", "volume_ml", "weight_g", "start_g", "end_g", "spill_g", "n_animals", "body_weight_g",
    "handled_days",
)  # fmt: skip
TIMES = ("given_at", "prepared_at", "expires_at", "habituated_on", "surgery_on")
TELLING = ("dose_mg_kg", "salt_mg_per_ml", "salt_mg", "concentration_mg_per_ml")
"""Columns that would tell the dose under a code."""
RECORD = "record "
"""An entry's action: this and the table."""
Fields = dict[str, str]


@dataclass(frozen=True)
class Records:
    """Records by table and key, each a mapping of fields; numbers are text, as they were written."""

    animals: dict[str, Fields] = field(default_factory=dict)
    preparations: dict[str, Fields] = field(default_factory=dict)
    administrations: dict[str, Fields] = field(default_factory=dict)
    bottles: dict[str, Fields] = field(default_factory=dict)


def records_of(log: AuditLog) -> Records:
    """The records as they stand, from the entries of a log."""
    found = Records()
    for entry in log.entries:
        table = entry.action.removeprefix(RECORD)
        if entry.action.startswith(RECORD) and table in KEYS:
            if not isinstance(fields := entry.new or {}, dict):
                raise BadInput(f"{log.path}: entry {entry.seq} records {table} without fields; restore it from a copy")
            getattr(found, table).setdefault(entry.about, {}).update(fields)
    return found


def with_times(records: Records, headers: Iterable[SessionHeader]) -> Records:
    """The records with the times of treatment that were asked for at the start of sessions, where no sheet has one."""
    for header in headers:
        code = header.treatment.blind_code
        if code is None or header.injected_at is None:
            continue
        own = [key for key in records.administrations if key.split("/")[0] == code] or [code]
        for key in own:
            records.administrations.setdefault(key, {}).setdefault("given_at", header.injected_at)
    return records


def record_sheet(dataset: Path, sheet: Path, *, blind: bool, codes: Iterable[str], who: str, reason: str = "") -> int:
    """Put a sheet that was filled in on record; how many values are new or were changed.

    Parameters
    ----------
    sheet : CSV with the key of one of the tables, and any other columns
    blind : whether doses are still hidden, so that no column may tell one
    codes : those of the study; none: any
    who : answers for it
    reason : why values that stand are changed

    Raises
    ------
    BadFile
        The sheet cannot be used; every problem at once.
    BadInput
        It changes values and no reason is given.
    """
    table, rows = read_sheet(sheet, blind=blind, codes=frozenset(codes))
    standing: dict[str, Fields] = getattr(records_of(read_audit(dataset).trusted()), table)
    happenings: list[tuple[str, str, object, object]] = []
    for key, fields in rows.items():
        was = standing.get(key, {})
        new = {name: value for name, value in fields.items() if value and was.get(name) != value}
        old = {name: was[name] for name in new if name in was}
        if old and not reason.strip():
            name = next(iter(old))
            raise BadInput(
                f"{sheet}: {key}: {name} is {old[name]!r} on record and {new[name]!r} here; say why: --reason"
            )
        if new:
            happenings.append((f"{RECORD}{table}", key, old or None, new))
    append_all(dataset, happenings, who=who, reason=reason.strip())
    return sum(len(new) for *_, new in happenings if isinstance(new, dict))


def read_sheet(sheet: Path, *, blind: bool, codes: frozenset[str] = frozenset()) -> tuple[str, dict[str, Fields]]:
    """Which table a sheet belongs to, and its rows by key."""
    try:
        with sheet.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = [(name or "").strip() for name in reader.fieldnames or ()]
            lines = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise BadInput(f"{sheet}: there is no such file; check the name") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadFile(sheet, [Problem("", f"cannot be read ({error}); save it as CSV in UTF-8")]) from None
    table = _table(columns)
    if table is None:
        raise BadFile(sheet, [Problem("", "has none of the columns preparation, blind_code or subject; add the one")])
    problems = [
        Problem("dose", "has no unit; leave it out, the key holds the doses") for name in columns if name == "dose"
    ]
    if blind:
        problems += [
            Problem(name, "would tell which dose is under a code; leave this column out until the study is unblinded")
            for name in TELLING
            if name in columns
        ]
    rows: dict[str, Fields] = {}
    for number, line in lines:
        fields = {(k or "").strip(): v.strip() for k, v in line.items() if isinstance(v, str)}
        key = _key(table, fields)
        problems += [Problem(f"line {number}, {name}", what) for name, what in _wrong(table, key, fields, rows, codes)]
        rows[key] = {name: value for name, value in fields.items() if name != KEYS[table]}
    if not lines:
        problems.append(Problem("", "holds no row; fill it in"))
    if problems:
        raise BadFile(sheet, problems)
    return table, rows


def _table(columns: Sequence[str]) -> str | None:
    if "start_g" in columns and "blind_code" in columns:
        return "bottles"
    return next((table for table in ("preparations", "administrations", "animals") if KEYS[table] in columns), None)


def _key(table: str, fields: Fields) -> str:
    """A pair's two animals stand under one code, each with a row of its own."""
    key = fields.get(KEYS[table], "")
    return f"{key}/{fields['subject']}" if table == "administrations" and key and fields.get("subject") else key


def _wrong(
    table: str, key: str, fields: Fields, rows: Mapping[str, Fields], codes: frozenset[str]
) -> Iterator[tuple[str, str]]:
    if not key:
        yield KEYS[table], "is empty; fill it in"
    elif key in rows:
        yield KEYS[table], f"{key} stands twice; keep one row"
    elif table in ("administrations", "bottles") and codes and key.split("/")[0] not in codes:
        yield KEYS[table], f"{key.split('/')[0]} is no code of this study; check it"
    for name in NUMBERS:
        if fields.get(name) and not _is_number(fields[name]):
            yield name, f"must be one number of 0 or more (is {fields[name]!r})"
    for name in TIMES:
        if fields.get(name) and not _is_time(fields[name]):
            yield name, f"must be a date or time, as in 2026-03-02, 14:05 or 2026-03-02T14:05 (is {fields[name]!r})"
    begin, end = fields.get("start_g", ""), fields.get("end_g", "")
    if table == "bottles" and _is_number(begin) and _is_number(end) and float(end) > float(begin):
        yield "end_g", f"is more than start_g ({end} and {begin}); check the weights"
    planned, given = fields.get("volume_ml", ""), fields.get("given_volume_ml", "")
    both = _is_number(planned) and _is_number(given) and not fields.get("deviation")
    if both and abs(float(given) - float(planned)) > 0.1 * float(planned) + 0.005:
        yield "deviation", f"is empty, and {given} ml were given where {planned} ml were due; say why"


def _is_number(text: str) -> bool:
    try:
        return 0 <= float(text) < math.inf
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    for read in (datetime.fromisoformat, time.fromisoformat):
        try:
            read(text)
            return True
        except ValueError:
            continue
    return False


# -- what is missing --------------------------------------------------------------------------------------------------


def missing_records(study: Study | None, plan: Sequence[PlanRow], records: Records) -> list[str]:
    """What the records of a study do not hold, each as a sentence; none without a study or a plan."""
    if study is None or not plan:
        return []
    missing: list[str] = []
    subjects = list(dict.fromkeys(name for row in plan for name in row.subject.split("+")))
    everywhere = {name for fields in records.animals.values() for name in fields}
    wanted = [*WANTED["animals"], *(name for name in IF_ANYWHERE if name in everywhere)]
    missing += _lacking("animals", {subject: records.animals.get(subject, {}) for subject in subjects}, wanted)
    if not records.preparations:
        missing.append(f"preparations: none is recorded ({', '.join(WANTED['preparations'])})")
    missing += _lacking("preparations", records.preparations, WANTED["preparations"])
    codes = dict.fromkeys(row.blind_code for row in plan if row.blind_code)
    water = {arm.name for arm in study.arms if arm.water_mg_per_ml}
    bottled = {row.blind_code for row in plan if row.arm in water}
    unrecorded = [code for code in codes if code not in bottled and not _recorded(code, records.administrations)]
    given = records.administrations | {code: {} for code in unrecorded}
    missing += _lacking("administrations", given, WANTED["administrations"])
    bottles = records.bottles | {code: {} for code in codes if code in bottled and code not in records.bottles}
    missing += _lacking("bottles", bottles, WANTED["bottles"])
    if not codes and not records.administrations:
        missing.append(f"administrations: none is recorded ({', '.join(WANTED['administrations'])})")
    return missing


def _recorded(code: str, administrations: Mapping[str, Fields]) -> bool:
    return any(key.split("/")[0] == code for key in administrations)


def _lacking(table: str, rows: Mapping[str, Fields], wanted: Iterable[str]) -> Iterator[str]:
    for name in wanted:
        without = [key for key, fields in rows.items() if not fields.get(name)]
        if without:
            some = ", ".join(without[:4]) + (f" and {len(without) - 4} more" if len(without) > 4 else "")
            yield f"{table}: {name} is missing for {len(without)} of {len(rows)} ({some})"
