"""A session as one Parquet table, a row an event or command, with the header in the file's metadata."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from behavior.formats.extras import needed
from behavior.formats.format import Format
from behavior.formats.own import example_session
from behavior.formats.parquet import column_names, is_parquet, read_metadata, read_parquet, write_parquet
from behavior.formats.record import SessionRecord
from behavior.formats.rows import COLUMNS, about, items_of_rows, record_of_about, rows_of_record, seconds_text
from behavior.formats.table import as_text
from behavior.model.errors import BadInput

_KEY = "behavior-session"
_WHOLE = ("number", "gap_us", "duration_us", "sample_rate_hz", "n_samples", "n_dropped", "trial", "host_us")
_TIME = "at_us"


def read(path: Path) -> SessionRecord:
    """Read a table.

    Raises
    ------
    BadInput, BadFile
        It is none, or holds what no session does.
    """
    columns = read_parquet(path)
    if {_TIME, "kind"} - set(columns):
        raise BadInput(f"{path}: is no session's table of events: it has no columns at_us and kind; export it again")
    names = list(columns)
    rows = []
    for line, values in enumerate(zip(*columns.values(), strict=True), start=1):
        row = {name: as_text(value) for name, value in zip(names, values, strict=True)}
        at_us = row.pop(_TIME)
        rows.append((line, row | {"onset": seconds_text(int(at_us)) if at_us.lstrip("-").isdigit() else at_us}))
    items, hosts = items_of_rows(path, rows)
    return record_of_about(path, read_metadata(path).get(_KEY, "{}"), items, hosts)


def write(path: Path, record: SessionRecord) -> None:
    """Write a table; times and counts as whole numbers, all else as text.

    Raises
    ------
    BadInput
        The file is there already.
    """
    pyarrow = needed("pyarrow", "tables", "Parquet")
    rows = rows_of_record(record)
    columns: dict[str, Any] = {
        _TIME: pyarrow.array([int(row["onset"].replace(".", "")) for row in rows], pyarrow.int64())
    }
    for name in COLUMNS[1:]:
        texts = [row.get(name) or None for row in rows]
        if name in _WHOLE:
            columns[name] = pyarrow.array([None if text is None else int(text) for text in texts], pyarrow.int64())
        else:
            columns[name] = pyarrow.array(texts, pyarrow.string())
    write_parquet(path, columns, {_KEY: json.dumps(about(record), allow_nan=False)})


def _is_one(path: Path, head: bytes) -> bool:
    return is_parquet(head) and {_TIME, "kind"} <= set(column_names(path))


FORMAT = Format(
    "events-parquet",
    "events of a session, Parquet",
    "session",
    ("_events.parquet", ".parquet"),
    _is_one,
    read,
    write,
    example_session,
)
