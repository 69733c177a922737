"""Plain tables in: a documented column set, checked cell by cell, every problem at once with its line.

A column that holds a measured quantity carries its unit in its name (``conc_nM``, ``time_min``), or stands
plain (``conc``) beside a column with the unit of each row (``conc_unit``), which is then converted to the
first row's unit. A cell with a unit of its own is refused: a table in mixed units, read silently, is wrong by
thousands.
"""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from behavior.assays.quantity import parse
from behavior.assays.units import factor, family_of, shown, spelled
from behavior.model.errors import BadFile, BadInput, Problem

BELOW_LIMIT = ("blq", "bql", "bloq", "lloq", "<lloq", "<loq", "nd", "n.d.", "<lod")
"""Cells that say "below the limit of quantification" without giving the limit."""

_SMALLEST, _LARGEST = 1e-30, 1e30
_MISSING = ("", "na", "nan", "n/a", ".", "-")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an assay's table.

    Parameters
    ----------
    name : its name, without unit
    what : one sentence for the person who fills it in
    kind : ``text``; ``number``; ``censored``, a number or a value below the limit of quantification (``BLQ``,
        ``<0.05``)
    units : units that may follow the name; ``*`` for any
    required : whether the table must have it
    blank : whether its cells may be blank
    lowest : no number may be below
    default : the value of an optional column that is not there
    keep_units : rows may have units of different kinds, which are not converted: the frame then has
        ``<name>_unit``
    """

    name: str
    what: str
    kind: Literal["text", "number", "censored"] = "text"
    units: tuple[str, ...] = ()
    required: bool = True
    blank: bool = False
    lowest: float = -math.inf
    default: str | float | None = None
    keep_units: bool = False

    @property
    def spelling(self) -> str:
        """How the column is written in a header."""
        if not self.units:
            return self.name
        return " or ".join(f"{self.name}_{unit}" for unit in self.units).replace("_*", "_<unit>")


@dataclass(frozen=True, slots=True)
class Table:
    """A checked table.

    Parameters
    ----------
    frame : pandas DataFrame with the plain column names, `line` (in the file) first; censored columns have a
        boolean companion ``<name>_below`` and hold the limit, or NaN where none is given
    units : unit of each column that has one
    file : name for messages
    digest : SHA-256 of the file's bytes
    notes : what reading it changed or left out
    """

    frame: Any
    units: Mapping[str, str]
    file: str
    digest: str
    notes: tuple[str, ...] = ()


@dataclass
class _Reading:
    file: str
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def wrong(self, line: int, what: str) -> None:
        self.problems.append(Problem(f"line {line}", what))


def read_table(path: Path, columns: Sequence[Column]) -> Table:
    """Read a comma-, semicolon- or tab-separated table.

    Parameters
    ----------
    path : the file; UTF-8
    columns : what it may hold

    Raises
    ------
    BadInput
        The file cannot be read or has no rows.
    BadFile
        Columns are missing or cells cannot be used; all of them at once (the first 20 lines in full).
    """
    data, text = _text_of(path)
    return read_rows(text, columns, file=str(path), digest=hashlib.sha256(data).hexdigest())


def header_of(path: Path) -> list[str]:
    """The column names of a table."""
    _, text = _text_of(path)
    return [name.strip() for name in next(iter(_rows_of(text.partition("\n")[0], str(path))), [])]


def _text_of(path: Path) -> tuple[bytes, str]:
    try:
        data = path.read_bytes()
        return data, data.decode("utf-8-sig")
    except FileNotFoundError:
        raise BadInput(
            f"{path}: there is no such file; `behavior assay KIND --template` writes one to fill in"
        ) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start} is not UTF-8; save the table as UTF-8 CSV") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); name a CSV file") from None


def read_rows(text: str, columns: Sequence[Column], *, file: str = "table", digest: str = "") -> Table:
    """Like `read_table`, from text."""
    import pandas as pd

    rows = _rows_of(text, file)
    if not rows or not any(cell.strip() for cell in rows[0]):
        raise BadInput(f"{file}: the table is empty; its first line must name the columns")
    reading = _Reading(file)
    header = [name.strip() for name in rows[0]]
    body = [(line, cells) for line, cells in enumerate(rows[1:], start=2) if any(cell.strip() for cell in cells)]
    for line, cells in body:
        if len(cells) > len(header):
            reading.wrong(line, f"has {len(cells)} cells for {len(header)} columns; look for a stray comma")
    if not body:
        raise BadInput(f"{file}: the table has a header and no rows; fill it in")
    found = _match(header, columns, reading)
    if reading.problems:
        raise BadFile(file, reading.problems[:20])
    raw = {name: [(line, _cell(cells, at)) for line, cells in body] for name, (at, _) in found.items()}
    frame = pd.DataFrame({"line": [line for line, _ in body]})
    units: dict[str, str] = {}
    for column in columns:
        if column.name not in found:
            frame[column.name] = column.default
            continue
        column_cells = raw[column.name]
        unit = found[column.name][1]
        scale = None
        if column.units and unit is None and column.keep_units:
            frame[f"{column.name}_unit"] = _kept_units(column, raw[f"{column.name}_unit"], reading)
        elif column.units and unit is None:
            unit, scale = _units_by_row(column, column_cells, raw[f"{column.name}_unit"], reading)
        if unit:
            units[column.name] = unit
        _fill(frame, column, column_cells, unit, scale, reading)
    if reading.problems:
        raise BadFile(file, reading.problems[:20])
    return Table(frame, units, file, digest, tuple(reading.notes))


def _rows_of(text: str, file: str) -> list[list[str]]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return list(csv.reader(io.StringIO(lines), delimiter=_delimiter(lines)))
    except csv.Error as error:
        raise BadInput(f"{file}: is not a table ({error}); save it as CSV") from None


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max((",", ";", "\t"), key=first.count)


def _cell(cells: list[str], at: int) -> str:
    return cells[at].strip() if at < len(cells) else ""


def _match(header: list[str], columns: Sequence[Column], reading: _Reading) -> dict[str, tuple[int, str | None]]:
    """Where each column is, and its unit if that stands in the header."""
    for name, times in Counter(name for name in header if name).items():
        if times > 1:
            reading.wrong(1, f"column {name} stands {times} times; leave one")
    found: dict[str, tuple[int, str | None]] = {}
    plain = {column.name for column in columns}
    for column in columns:
        hits = [(at, unit) for at, name in enumerate(header) for unit in _unit_of(name, column, plain)]
        if len(hits) > 1:
            names = " and ".join(header[at] for at, _ in hits)
            reading.wrong(1, f"columns {names} are the same quantity twice; keep the one the assay was done in")
        elif hits:
            found[column.name] = hits[0]
            if column.units and hits[0][1] is None:
                _find_unit_column(header, column, found, reading)
        elif column.required:
            reading.wrong(1, f"column {column.spelling} is missing: {column.what}")
    return found


def _find_unit_column(
    header: list[str], column: Column, found: dict[str, tuple[int, str | None]], reading: _Reading
) -> None:
    name = f"{column.name}_unit"
    if name in header:
        found[name] = (header.index(name), None)
    else:
        reading.wrong(1, f"column {column.name} has no unit; name it {column.spelling}, or add a column {name}")


def _unit_of(name: str, column: Column, plain: set[str]) -> Iterable[str | None]:
    if name == column.name:
        return (None,)
    if not column.units or not name.startswith(f"{column.name}_") or name in plain:
        return ()
    unit = name.removeprefix(f"{column.name}_")
    if unit == "unit":
        return ()
    if column.units == ("*",):
        return (spelled(unit),)
    return (spelled(unit),) if spelled(unit) in column.units else ()


def _units_by_row(
    column: Column, cells: list[tuple[int, str]], unit_cells: list[tuple[int, str]], reading: _Reading
) -> tuple[str | None, list[float] | None]:
    """The unit of the first row, and each row's factor to it."""
    rows = [spelled(text) if text else "" for _, text in unit_cells]
    first = next((unit for unit in rows if unit), None)
    if first is None:
        reading.wrong(unit_cells[0][0], f"{column.name}_unit is blank; write the unit of each row")
        return None, None
    factors = []
    for (line, unit_text), unit, (_, cell) in zip(unit_cells, rows, cells, strict=True):
        known = column.units == ("*",) or unit in column.units
        if not unit and not cell:
            factors.append(1.0)
            continue
        try:
            if not known:
                raise BadInput("")
            factors.append(factor(unit, first))
        except BadInput:
            allowed = ", ".join(shown(known_unit) for known_unit in column.units if known_unit != "*")
            others = f" (one of {allowed})" if allowed else ""
            reading.wrong(
                line,
                f"{column.name}_unit {unit_text!r} cannot be turned into {shown(first)}; use one kind of unit{others}",
            )
            factors.append(math.nan)
    if len(set(rows) - {""}) > 1:
        reading.notes.append(
            f"{column.name}: rows in {', '.join(sorted(shown(u) for u in set(rows) - {''}))} were all "
            f"turned into {shown(first)}"
        )
    return first, factors


def _kept_units(column: Column, unit_cells: list[tuple[int, str]], reading: _Reading) -> list[str]:
    for line, text in unit_cells:
        if column.units != ("*",) and spelled(text) not in column.units:
            allowed = ", ".join(shown(unit) for unit in column.units)
            reading.wrong(line, f"{column.name}_unit is {text!r}; write one of {allowed}")
    return [spelled(text) for _, text in unit_cells]


def _fill(
    frame: Any,
    column: Column,
    cells: list[tuple[int, str]],
    unit: str | None,
    scale: list[float] | None,
    reading: _Reading,
) -> None:
    if column.kind == "text":
        for line, cell in cells:
            if not cell and not column.blank:
                reading.wrong(line, f"{column.name} is blank: {column.what}")
        frame[column.name] = [cell for _, cell in cells]
        return
    values, below = [], []
    for at, (line, cell) in enumerate(cells):
        value, under = _number(cell, line, column, unit, reading)
        values.append(value * (scale[at] if scale else 1.0))
        below.append(under)
    frame[column.name] = values
    if column.kind == "censored":
        frame[f"{column.name}_below"] = below


def _number(cell: str, line: int, column: Column, unit: str | None, reading: _Reading) -> tuple[float, bool]:
    where = column.name if unit is None else f"{column.name} ({shown(unit)})"
    if cell.lower() in _MISSING:
        if not column.blank:
            reading.wrong(line, f"{where} is blank: {column.what}")
        return math.nan, False
    if column.kind == "censored" and cell.lower().replace(" ", "") in BELOW_LIMIT:
        return math.nan, True
    try:
        value = float(cell.replace("_", "?"))
    except ValueError:
        return _not_plain(cell, line, column, where, reading)
    if not math.isfinite(value):
        reading.wrong(line, f"{where} is {cell}; leave a missing value blank")
    elif value and not _SMALLEST < abs(value) < _LARGEST:
        reading.wrong(line, f"{where} is {cell}, which nothing measures; check the entry")
    elif value < column.lowest:
        least = "negative" if column.lowest == 0 else f"below {column.lowest:g}"
        reading.wrong(line, f"{where} is {least} ({cell}); check the entry")
    return value, False


def _not_plain(cell: str, line: int, column: Column, where: str, reading: _Reading) -> tuple[float, bool]:
    quantity = parse(cell)
    if quantity.value is not None and quantity.qualifier == "<" and column.kind == "censored" and quantity.unit is None:
        return quantity.value, True
    if quantity.unit and (family_of(quantity.unit) or quantity.unit.isalpha()) and quantity.value is not None:
        what = (
            f"has its own unit ({cell!r}); convert it, or name the column {column.name} and give units in "
            f"{column.name}_unit"
        )
    elif cell.count(",") == 1 and cell.replace(",", "").lstrip("-").isdigit():
        what = f"is {cell!r}; write a decimal point, and no commas between thousands"
    elif quantity.qualifier:
        what = f"is a bound ({cell!r}), which cannot be fitted; leave the cell blank"
    else:
        what = f"is {cell!r}, not a number; leave a missing value blank"
    reading.wrong(line, f"{where} {what}")
    return math.nan, False
