"""Raven selection tables (Cornell Lab of Ornithology): tab-separated text, one row a selection and view.

Any program's variant is read: whole hertz, columns that Raven does not have, no frequencies at all, and the label in
whichever column it is. A selection that stands once as waveform and once as spectrogram is one annotation, the one
with a band. Times count from the begin of the sound, across files if several were opened as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from behavior.formats.calls import Annotation, CallTable, Place, cells, read_rows
from behavior.formats.format import Format
from behavior.formats.text import head_text, read_text, rows_of, write_new
from behavior.model.errors import BadFile, BadInput, Problem

_BEGIN, _END, _LOW, _HIGH = "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"
_FILES = ("Begin File", "File", "Begin Path")
_SELECTION, _VIEW, _CHANNEL = "Selection", "View", "Channel"
_LABELS = (
    "annotation",
    "label",
    "call_type",
    "call type",
    "type",
    "name",
    "class",
    "species",
    "tag",
    "comments",
    "notes",
)
_MEASURES = ("(s)", "(hz)", "(db)", "(khz)", "time", "freq", "power", "energy", "duration", "count", "path", "score")
"""A column whose name holds one of these is a measurement, and no label."""
_WHAT = "a Raven selection table"


def read(path: Path) -> CallTable:
    """Read a selection table.

    Raises
    ------
    BadInput, BadFile
        It is none, or rows cannot be used; all at once, each with its line.
    """
    rows = rows_of(read_text(path, _WHAT).lstrip("\ufeff"), path, delimiter="\t", quoted=False)
    columns = [column.strip() for column in rows[0][1]] if rows else []
    if missing := [column for column in (_BEGIN, _END) if column not in columns]:
        if len(missing) == 2:
            raise BadInput(f"{path}: is not {_WHAT}: its first line has no {_BEGIN!r}; export it from Raven as a table")
        raise BadFile(path, [Problem(missing[0], "this column is missing; export the table with it")])
    if twice := sorted({column for column in columns if column and columns.count(column) > 1}):
        raise BadFile(path, [Problem(column, "two columns have this name; rename one") for column in twice])
    label = _label_column(columns, [row for _, row in rows[1:]])
    file = next((column for column in _FILES if column in columns), "")
    table = [(line, dict(zip(columns, row, strict=False))) for line, row in rows[1:]]
    place = Place(_BEGIN, _END, _LOW, _HIGH, label, file)
    return CallTable(read_rows(path, _one_view_each(table), place), label)


def _label_column(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A column with a usual name, or the only one of the lab's own that holds words."""
    by_name = {column.lower(): column for column in reversed(columns)}
    for name in _LABELS:
        if name in by_name:
            return by_name[name]
    known = {_SELECTION, _VIEW, _CHANNEL, _BEGIN, _END, _LOW, _HIGH, *_FILES}
    others = [
        i
        for i, column in enumerate(columns)
        if column and column not in known and not any(word in column.lower() for word in _MEASURES)
    ]
    wordy = [i for i in others if any(i < len(row) and row[i].strip(" .0123456789-+") for row in rows)]
    return columns[wordy[0]] if len(wordy) == 1 else ""


def _one_view_each(rows: Sequence[tuple[int, Mapping[str, str]]]) -> list[tuple[int, Mapping[str, str]]]:
    """Of rows that are one selection in several views, the spectrogram's."""
    best: dict[object, tuple[int, Mapping[str, str]]] = {}
    for line, row in rows:
        if not row.get(_SELECTION) or not row.get(_VIEW):
            best[line] = (line, row)
            continue
        key = tuple(row.get(column) for column in (_SELECTION, _CHANNEL, _BEGIN, _END))
        if key not in best or (row[_VIEW].startswith("Spectrogram") and not best[key][1][_VIEW].startswith("Spec")):
            best[key] = (line, row)
    return list(best.values())


def write(path: Path, table: CallTable) -> None:
    """Write a selection table that Raven opens; times and hertz with all their digits.

    Raises
    ------
    BadInput
        The file is there already, or a text holds a tab or a line end, which such a table cannot.
    """
    own = (_SELECTION, _VIEW, _CHANNEL)
    more = [name for name in dict.fromkeys(name for row in table.rows for name in row.more) if name not in own]
    place = Place(_BEGIN, _END, _LOW, _HIGH, table.label_column or "Annotation", "Begin File")
    columns = (*own, _BEGIN, _END, _LOW, _HIGH, place.file, place.label, *more)
    lines = ["\t".join(columns)]
    for i, row in enumerate(table.rows, start=1):
        usual = {_SELECTION: str(i), _VIEW: "Spectrogram 1", _CHANNEL: "1"}
        values = {**{name: row.more.get(name, text) for name, text in usual.items()}, **cells(row, place, more)}
        lines.append("\t".join(_plain(path, i, values[column]) for column in columns))
    write_new(path, ("\n".join(lines) + "\n").encode())


def _plain(path: Path, row: int, text: str) -> str:
    if any(sign in text for sign in "\t\r\n"):
        raise BadInput(f"{path}: row {row} holds a tab or line end ({text[:40]!r}), which {_WHAT} cannot; take it out")
    return text


def _is_one(path: Path, head: bytes) -> bool:
    first = head_text(head).lstrip("\ufeff").split("\n")[0]
    return "\t" in first and _BEGIN in first and _END in first


def _example() -> CallTable:
    own = {_SELECTION: "1", _VIEW: "Spectrogram 1", _CHANNEL: "1"}
    return CallTable(
        (
            Annotation(1.25, 1.873, 21_000.0, 24_500.0, "22 kHz", "rat.wav", {**own, "score": "7.25"}),
            Annotation(2.5, 2.531250001, 48_000.0, 61_250.5, "FM, trill", "rat.wav", {**own, _SELECTION: "2"}),
            Annotation(3.0, 3.0, None, None, "", "rat.wav", {**own, _SELECTION: "3", _VIEW: "Waveform 1"}),
        ),
        "Annotation",
    )


FORMAT = Format("raven", "Raven selection table", "calls", (".selections.txt", ".txt"), _is_one, read, write, _example)
