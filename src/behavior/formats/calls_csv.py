"""Call tables as CSV: those of `behavior detect`, truth tables, and whatever has onsets and offsets in s."""

from __future__ import annotations

from pathlib import Path

from behavior.formats.calls import CallTable
from behavior.formats.format import Format
from behavior.formats.table import columns_of, example, place_of, rows_to_write, table_of
from behavior.formats.text import head_text, read_text, rows_of, table_text, write_new
from behavior.model.errors import BadInput


def read(path: Path) -> CallTable:
    """Read a table of calls.

    Raises
    ------
    BadInput, BadFile
        It is none, or rows cannot be used; all at once, each with its line.
    """
    rows = rows_of(read_text(path, "a table of calls").lstrip("\ufeff"), path)
    if not rows:
        raise BadInput(f"{path}: is empty, so it is no table of calls; even one without calls has a header line")
    columns = [column.strip() for column in rows[0][1]]
    return table_of(path, columns, [(line, dict(zip(columns, row, strict=False))) for line, row in rows[1:]])


def write(path: Path, table: CallTable) -> None:
    """Write a table of calls; numbers with all their digits.

    Raises
    ------
    BadInput
        The file is there already.
    """
    columns = columns_of(table)
    rows = [[row.get(column, "") for column in columns] for row in rows_to_write(path, table)]
    write_new(path, table_text([columns, *rows]).encode())


def _is_one(path: Path, head: bytes) -> bool:
    first = head_text(head).lstrip("\ufeff").split("\n")[0].strip()
    return place_of([column.strip().strip('"') for column in first.split(",")]) is not None


FORMAT = Format("csv", "call table, CSV", "calls", (".csv",), _is_one, read, write, example)
