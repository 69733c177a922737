"""A session as one CSV table, a row an event or command, with a JSON file of the same name beside it for the header."""

from __future__ import annotations

import json
from pathlib import Path

from behavior.formats.format import Format
from behavior.formats.own import example_session
from behavior.formats.record import SessionRecord
from behavior.formats.rows import COLUMNS, about, items_of_rows, record_of_about, rows_of_record
from behavior.formats.text import head_text, read_text, rows_of, table_text, write_new
from behavior.model.errors import BadInput

_WHAT = "a session's table of events"


def read(path: Path) -> SessionRecord:
    """Read a table and the header beside it.

    Raises
    ------
    BadInput, BadFile
        It is none, or the header is missing; all problems at once, each with its line.
    """
    rows = rows_of(read_text(path, _WHAT).lstrip("\ufeff"), path)
    if not rows or tuple(rows[0][1]) != COLUMNS:
        raise BadInput(f"{path}: is not {_WHAT}: its first line is not that of one; export the session again")
    items, hosts = items_of_rows(path, [(line, dict(zip(COLUMNS, row, strict=False))) for line, row in rows[1:]])
    beside = path.with_suffix(".json")
    return record_of_about(beside, read_text(beside, "a session's header"), items, hosts)


def write(path: Path, record: SessionRecord) -> None:
    """Write a table and the header beside it.

    Raises
    ------
    BadInput
        One of the two files is there already.
    """
    beside = path.with_suffix(".json")
    if beside.exists():
        raise BadInput(f"{beside}: is there already and is not overwritten; choose another name")
    rows = [[row.get(column, "") for column in COLUMNS] for row in rows_of_record(record)]
    write_new(path, table_text([COLUMNS, *rows]).encode())
    write_new(beside, (json.dumps(about(record), indent=1, allow_nan=False) + "\n").encode())


def _is_one(path: Path, head: bytes) -> bool:
    return head_text(head).startswith(",".join(COLUMNS[:3]))


FORMAT = Format(
    "events-csv", "events of a session, CSV", "session", ("_events.csv", ".csv"), _is_one, read, write, example_session
)
