"""A numeric case: a specification, its tables, and the keys that are asked for. Nothing else of the folder
is read.

A column is numeric where every cell that is not blank is a number (TRUE and FALSE are 1 and 0); a blank
number is NaN, a blank text "".
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from behavior.model.errors import BadInput
from behavior.summary.groups import level_labels

Column = NDArray[Any]
Table = dict[str, Column]


@dataclass(frozen=True)
class Case:
    """What an adapter may know."""

    category: str
    spec: dict[str, Any]
    tables: dict[str, Table]
    keys: frozenset[str]

    @property
    def table(self) -> Table:
        """The main table."""
        return self.tables[self.spec["table"]]

    def column(self, name: str) -> Column:
        """The column that a field of the specification names."""
        return self.table[self.spec[name]]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """The same, as floats."""
        return np.asarray(self.column(name), dtype=np.float64)

    def labels(self, name: str) -> NDArray[np.str_]:
        """The same, as level labels."""
        return level_labels(self.column(name).tolist())

    def wants(self, text: str) -> bool:
        """Whether a key that holds this text is asked for."""
        return any(text in key for key in self.keys)

    @property
    def levels(self) -> dict[str, Any]:
        """The reference and the levels as keyword arguments; levels that lost all their rows are left out."""
        return {"reference": self.spec["reference"], "levels": self.level_names}

    @property
    def level_names(self) -> list[str]:
        """The levels that have a row with a response, in their order, and the reference."""
        names, column = list(self.spec["levels"]), self.spec.get("group") or self.spec.get("dose")
        measured = self.spec.get("response") or self.spec.get("time")
        if column not in self.table or measured not in self.table or self.table[measured].dtype.kind != "f":
            return names
        present = level_labels(self.table[column][np.isfinite(self.table[measured])].tolist())
        return [name for name in names if name in present or name == self.spec["reference"]]

    @property
    def comparisons(self) -> list[str]:
        """The levels other than the reference."""
        return [level for level in self.level_names if level != self.spec["reference"]]


@dataclass
class Results:
    """Values by key."""

    values: dict[str, Any] = field(default_factory=dict)

    def add(self, prefix: str = "", **values: Any) -> None:
        """Put values under keys that begin with a prefix; absent and infinite ones are left out."""
        for key, value in values.items():
            self[prefix + key] = value

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, np.generic):
            value = value.item()
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return
        self.values[key] = value

    @contextmanager
    def optional(self) -> Iterator[None]:
        """What these data may not hold: the keys within are left out if so, the others stay."""
        with suppress(BadInput):
            yield


def read_case(folder: Path) -> Case:
    """Read the specification, the requested keys and the tables of a case."""
    given = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    spec = given["spec"]
    tables = {path.stem: read_table(path) for path in sorted(folder.glob("*.csv"))}
    return Case(given.get("category", ""), spec, tables, frozenset(entry["key"] for entry in given["expected"]))


def read_table(path: Path) -> Table:
    """A CSV file as columns."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    rows = [row for row in rows if row]
    return {name: _column([row[i] for row in rows]) for i, name in enumerate(header)}


def _column(cells: list[str]) -> Column:
    cells = [cell.strip() for cell in cells]
    cells = ["" if cell == "NA" else cell for cell in cells]
    if set(cells) <= {"TRUE", "FALSE", ""}:
        cells = [{"TRUE": "1", "FALSE": "0"}.get(cell, "") for cell in cells]
    try:
        return np.array([float(cell) if cell else math.nan for cell in cells])
    except ValueError:
        return np.array(cells, dtype=np.str_)
