"""USVSEG result tables (Tachibana et al. 2020, PLoS ONE 15:e0228907): CSV, one row a syllable.

`start` and `end` are s, `duration` ms, `maxfreq` (at the strongest point) and `meanfreq` kHz, `maxamp` dB. A table has
no band, no label and no file.
"""

from __future__ import annotations

from pathlib import Path

from behavior.formats.calls import Annotation, CallTable, Place, cells, digits, read_rows, scaled
from behavior.formats.format import Format
from behavior.formats.text import head_text, read_text, rows_of, table_text, write_new
from behavior.model.errors import BadInput

COLUMNS = ("#", "start", "end", "duration", "maxfreq", "maxamp", "meanfreq", "cvfreq")
_KNOWN = {"duration": ("duration_s", -3), "maxfreq": ("peak_hz", 3), "meanfreq": ("mean_hz", 3)}
_PLACE = Place("start", "end", known=_KNOWN)
_OURS = ("duration_s", "peak_hz", "maxamp", "mean_hz", "cvfreq")


def read(path: Path) -> CallTable:
    """Read a result table.

    Raises
    ------
    BadInput, BadFile
        It is none, or rows cannot be used; all at once, each with its line.
    """
    rows = rows_of(read_text(path, "a USVSEG table").lstrip("\ufeff"), path)
    columns = tuple(column.strip() for column in rows[0][1]) if rows else ()
    if not set(COLUMNS) <= set(columns) or len(set(columns)) != len(columns):
        raise BadInput(f"{path}: is no USVSEG table: its first line is not {','.join(COLUMNS)}; export it again")
    table = []
    for line, row in rows[1:]:
        named = {name: cell.strip() for name, cell in zip(columns, row, strict=False) if name != "#"}
        table.append((line, {name: cell for name, cell in named.items() if cell.lower() != "nan"}))
    return CallTable(read_rows(path, table, _PLACE))


def write(path: Path, table: CallTable) -> None:
    """Write a result table, with all digits; what is not known is NaN, and a duration that is not given is computed.

    Raises
    ------
    BadInput
        The file is there already.
    """
    more = dict.fromkeys([*_OURS, *(name for row in table.rows for name in row.more if name in COLUMNS)])
    lines: list[tuple[str, ...]] = [COLUMNS]
    for number, row in enumerate(table.rows, start=1):
        values = {"#": str(number), **cells(row, _PLACE, list(more))}
        values["duration"] = values["duration"] or scaled(digits(row.duration_s), 3)
        lines.append(tuple(values[column] or "NaN" for column in COLUMNS))
    write_new(path, table_text(lines).encode())


def _is_one(path: Path, head: bytes) -> bool:
    first = head_text(head).lstrip("\ufeff").split("\n")[0].strip()
    return set(COLUMNS) <= {column.strip() for column in first.split(",")}


def _example() -> CallTable:
    more = {"duration_s": "0.0457", "peak_hz": "72431", "maxamp": "-18.2", "mean_hz": "61250", "cvfreq": "0.1234"}
    return CallTable((Annotation(0.1, 0.1457, more=more), Annotation(2.5, 2.6, more={**more, "duration_s": "0.1"})))


FORMAT = Format("usvseg", "USVSEG result table", "calls", ("_dat.csv", ".csv"), _is_one, read, write, _example)
