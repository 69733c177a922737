"""Tables of calls and of what was rejected, as CSV.

Numbers are written with as many digits as they have, so that reading gives the same calls back, to the last bit, and
equal calls give equal bytes.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, TextIO

from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.errors import BadFile, BadInput, Problem
from behavior.usv.gate import Rejected

REJECTED_COLUMNS = tuple(field.name for field in fields(Rejected))
"""The columns of a table of rejected events, in order."""

_TEXT_COLUMNS = frozenset({"file", "call_type"})
_MOST_PROBLEMS = 20


class TableWriter:
    """Writes rows under a header that is written at once, so that a table without calls is a table.

    Parameters
    ----------
    stream : open for text, with ``newline=""``
    columns : `CALL_COLUMNS` or `REJECTED_COLUMNS`
    """

    def __init__(self, stream: TextIO, columns: tuple[str, ...] = CALL_COLUMNS) -> None:
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(columns)

    def write(self, entries: Iterable[Call] | Iterable[Rejected]) -> None:
        """Append rows."""
        self._rows.writerows(astuple(entry) for entry in entries)


def write_calls(path: Path, calls: Iterable[Call]) -> None:
    """Write a call table, over one that is there."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        TableWriter(stream).write(calls)


def read_calls(path: Path) -> list[Call]:
    """Read a call table.

    Raises
    ------
    BadInput
        There is no such file, or it is not text.
    BadFile
        Columns are missing or hold something else than numbers; all problems at once, each with its line.
    """
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = csv.DictReader(stream)
            missing = [column for column in CALL_COLUMNS if column not in (rows.fieldnames or ())]
            if missing:
                raise BadFile(path, [Problem(column, "this column is missing; add it") for column in missing])
            return _parsed(path, rows)
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no such file; check the name, or the folder you are in") from None
    except (UnicodeDecodeError, IsADirectoryError, csv.Error):
        raise BadInput(f"{path}: is not a CSV table of calls; give the file that `behavior detect` wrote") from None


def _parsed(path: Path, rows: csv.DictReader[str]) -> list[Call]:
    calls, problems = list[Call](), list[Problem]()
    for row in rows:
        values: dict[str, Any] = {}
        for column in CALL_COLUMNS:
            text = row[column]
            try:
                values[column] = (text or "") if column in _TEXT_COLUMNS else float(text or "")
            except ValueError:
                problems.append(Problem(f"line {rows.line_num}, {column}", f"must be a number (is {text!r})"))
        if len(values) == len(CALL_COLUMNS):
            calls.append(Call(**values))
        if len(problems) >= _MOST_PROBLEMS:
            break
    if problems:
        raise BadFile(path, problems)
    return calls
