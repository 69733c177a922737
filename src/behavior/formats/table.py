"""Call tables of our own columns, whatever file they stand in: CSV or Parquet.

Columns are those of `behavior detect`, as far as there are values, then all others. Other people's tables are read too:
`start_s` and `stop_s` (or `end_s`) for onset and offset, `label` for `call_type`. A row with a file and no times says
that the recording was looked at and has no call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from behavior.formats.calls import Annotation, CallTable, Place, cells, digits, is_number, read_rows
from behavior.model.calls import CALL_COLUMNS
from behavior.model.errors import BadFile, BadInput, Problem

ONSETS, OFFSETS, LABELS = ("onset_s", "start_s"), ("offset_s", "stop_s", "end_s"), ("call_type", "label")


def place_of(columns: Sequence[str]) -> Place | None:
    """What the columns of a table are; None if it has no onsets and offsets."""
    onset, offset, label = (
        next((name for name in names if name in columns), "") for names in (ONSETS, OFFSETS, LABELS)
    )
    return Place(onset, offset, "low_hz", "high_hz", label, "file") if onset and offset else None


def table_of(path: Path, columns: Sequence[str], rows: Sequence[tuple[int, Mapping[str, str]]]) -> CallTable:
    """Rows of a file as a call table.

    Parameters
    ----------
    path : names the file in errors
    columns : its columns
    rows : number of the line, and cells by column

    Raises
    ------
    BadInput, BadFile
        It is no table of calls, or rows cannot be used.
    """
    place = place_of(columns)
    if place is None:
        raise BadInput(f"{path}: is no table of calls: it has no columns onset_s and offset_s; rename its columns")
    if twice := sorted({column for column in columns if columns.count(column) > 1}):
        raise BadFile(path, [Problem(column, "two columns have this name; rename one") for column in twice])
    silent = [row["file"] for _, row in rows if _is_silent(row, place)]
    calls = read_rows(path, [(line, row) for line, row in rows if not _is_silent(row, place)], place)
    return CallTable(calls, "", tuple(silent))


def _is_silent(row: Mapping[str, str], place: Place) -> bool:
    return bool(row.get("file")) and not row.get(place.onset) and not row.get(place.offset)


def columns_of(table: CallTable) -> tuple[str, ...]:
    """The columns that a table needs, ours first; all of ours if it has none of its own."""
    more = dict.fromkeys(name for row in table.rows for name in row.more)
    if not table.rows and not table.silent:
        return CALL_COLUMNS
    always = ("file", "onset_s", "offset_s", "low_hz", "high_hz", "call_type")
    ours = [name for name in CALL_COLUMNS if name in always or name in more]
    return (*ours, *(name for name in more if name not in ours))


def rows_to_write(path: Path, table: CallTable) -> list[dict[str, str]]:
    """The rows of a table, cells as text.

    Raises
    ------
    BadInput
        A column would have the name of one that every table has.
    """
    place = Place("onset_s", "offset_s", "low_hz", "high_hz", "call_type", "file")
    own = ("onset_s", "offset_s", "low_hz", "high_hz", "call_type", "file")
    more = [name for name in columns_of(table) if name not in own]
    if taken := sorted({name for row in table.rows for name in row.more if name in own}):
        raise BadInput(f"{path}: the table has a second column {taken[0]}; rename it")
    rows = [cells(row, place, more) for row in table.rows]
    return rows + [{"file": name} for name in table.silent]


def as_value(text: str) -> float | str | None:
    """A cell as a number where that gives the same text back."""
    if not text:
        return None
    return float(text) if is_number(text) and text == digits(float(text)) else text


def as_text(value: object) -> str:
    """The text of a cell, numbers with all their digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, int | float):
        return "" if value != value else digits(value)
    return str(value)


def example() -> CallTable:
    """Two calls and a recording without one."""
    more = {"peak_hz": "22500.125", "score": "7.25", "rater": "ann, or so"}
    return CallTable(
        (
            Annotation(1.25, 1.873, 21_000.0, 24_500.0, "22 kHz", "rat.wav", more),
            Annotation(2.5, 2.531250001, None, 61_250.5, "", "rat.wav", {"peak_hz": "51000"}),
        ),
        "",
        ("empty.wav",),
    )
