"""Call tables as Parquet: the columns of the CSV table, numbers as numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from behavior.formats.calls import CallTable
from behavior.formats.extras import needed
from behavior.formats.format import Format
from behavior.formats.parquet import is_parquet, read_parquet, write_parquet
from behavior.formats.table import as_text, as_value, columns_of, example, place_of, rows_to_write, table_of


def read(path: Path) -> CallTable:
    """Read a table of calls.

    Raises
    ------
    BadInput, BadFile
        It is none, or rows cannot be used.
    """
    columns = read_parquet(path)
    names = list(columns)
    lines = zip(*columns.values(), strict=True)
    rows = [
        (number, {name: as_text(value) for name, value in zip(names, values, strict=True)})
        for number, values in enumerate(lines, start=1)
    ]
    return table_of(path, names, rows)


def write(path: Path, table: CallTable) -> None:
    """Write a table of calls.

    Raises
    ------
    BadInput
        The file is there already.
    """
    pyarrow = needed("pyarrow", "tables", "Parquet")
    rows = rows_to_write(path, table)
    columns: dict[str, Any] = {}
    for name in columns_of(table):
        values = [as_value(row.get(name, "")) for row in rows]
        if any(isinstance(value, str) for value in values) or name in ("file", "call_type"):
            columns[name] = pyarrow.array([row.get(name) or None for row in rows], pyarrow.string())
        else:
            columns[name] = pyarrow.array(values, pyarrow.float64())
    write_parquet(path, columns)


def _is_one(path: Path, head: bytes) -> bool:
    return is_parquet(head) and place_of(list(_names(path))) is not None


def _names(path: Path) -> list[str]:
    from behavior.formats.parquet import column_names

    return column_names(path)


FORMAT = Format("parquet", "call table, Parquet", "calls", (".parquet",), _is_one, read, write, example)
