"""Parquet files as columns of plain values."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from behavior.formats.extras import needed
from behavior.formats.text import read_bytes, write_new
from behavior.model.errors import BadInput

MARK = b"PAR1"


def is_parquet(head: bytes) -> bool:
    """Whether a file begins as Parquet."""
    return head.startswith(MARK)


def column_names(path: Path) -> list[str]:
    """The columns of a file; none if it cannot be read."""
    try:
        parquet = needed("pyarrow.parquet", "tables", "Parquet")
        return list(parquet.read_schema(path).names)
    except Exception:  # noqa: BLE001 — whatever a broken file leads the library into, it is not one
        return []


MOST_CELLS = 20_000_000
"""Of a table: a million events."""


def read_parquet(path: Path) -> dict[str, list[Any]]:
    """Columns by name.

    Raises
    ------
    BadInput
        It is no Parquet file.
    """
    data = read_bytes(path)
    parquet = needed("pyarrow.parquet", "tables", "Parquet")
    try:
        about = parquet.read_metadata(io.BytesIO(data))
        if (n_cells := about.num_rows * about.num_columns) > MOST_CELLS:
            raise ValueError(f"it says that it has {n_cells} cells")  # a few bytes can say so and fill the memory
        columns: dict[str, list[Any]] = parquet.read_table(io.BytesIO(data)).to_pydict()
    except Exception as error:  # noqa: BLE001 — whatever a broken file leads the library into
        raise BadInput(f"{path}: is no Parquet file ({str(error)[:80]}); check that it is the right file") from None
    return columns


def write_parquet(path: Path, columns: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> None:
    """Write columns, and texts about the file, to a new file."""
    pyarrow, parquet = (needed(name, "tables", "Parquet") for name in ("pyarrow", "pyarrow.parquet"))
    table = pyarrow.table(dict(columns))
    if metadata:
        table = table.replace_schema_metadata(dict(metadata))
    stream = io.BytesIO()
    parquet.write_table(table, stream)
    write_new(path, stream.getvalue())


def read_metadata(path: Path) -> dict[str, str]:
    """The texts about a file that can be read as Parquet."""
    parquet = needed("pyarrow.parquet", "tables", "Parquet")
    found = parquet.read_schema(io.BytesIO(read_bytes(path))).metadata or {}
    return {key.decode("utf-8", "replace"): value.decode("utf-8", "replace") for key, value in found.items()}
