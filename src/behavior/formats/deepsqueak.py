"""DeepSqueak exports (Coffey, Marx & Neumaier 2019, Neuropsychopharmacology 44:859): Excel or CSV, one row a call.

Frequencies are kHz. The columns differ a little from version to version (`KHz`, `Slope (KHz / s)`, with or without
`File`); all are read. Calls that a person rejected stay in the table with `Accepted` 0. "Principal Frequency", the
median of the contour, and "Mean Power" mean something of DeepSqueak's own and keep their names.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from behavior.formats.calls import Annotation, CallTable, Place, cells, is_number, read_rows
from behavior.formats.extras import needed
from behavior.formats.format import Format
from behavior.formats.table import as_text, as_value
from behavior.formats.text import head_text, read_bytes, read_text, rows_of, table_text, write_new
from behavior.model.errors import BadFile, BadInput, Problem

COLUMNS = (
    "File", "ID", "Label", "Accepted", "Score", "Begin Time (s)", "End Time (s)", "Call Length (s)",
    "Principal Frequency (kHz)", "Low Freq (kHz)", "High Freq (kHz)", "Delta Freq (kHz)",
    "Frequency Standard Deviation (kHz)", "Slope (kHz/s)", "Sinuosity", "Mean Power (dB/Hz)", "Tonality",
    "Peak Freq (kHz)",
)  # fmt: skip
_KNOWN = {
    "Score": ("score", 0),
    "Call Length (s)": ("duration_s", 0),
    "Delta Freq (kHz)": ("bandwidth_hz", 3),
    "Slope (kHz/s)": ("slope_hz_per_s", 3),
    "Sinuosity": ("sinuosity", 0),
    "Tonality": ("tonality", 0),
    "Peak Freq (kHz)": ("peak_hz", 3),
}
_PLACE = Place("Begin Time (s)", "End Time (s)", "Low Freq (kHz)", "High Freq (kHz)", "Label", "File", 3, _KNOWN)
_WHAT = "a DeepSqueak table"
_TEXT = ("File", "Label")
_ZIP = b"PK\x03\x04"
MOST_BYTES = 100_000_000
"""That a workbook may have unpacked: a million calls."""
MOST_ROWS, MOST_COLUMNS = 1_048_576, 500


def _plain(column: str) -> str:
    return column.replace(" ", "").lower()


_BY_PLAIN = {_plain(column): column for column in COLUMNS}


def read(path: Path) -> CallTable:
    """Read an export, Excel or CSV.

    Raises
    ------
    BadInput, BadFile
        It is none, or rows cannot be used; all at once, each with its line.
    """
    lines = _excel(path) if read_bytes(path).startswith(_ZIP) else _csv(path)
    columns = [_BY_PLAIN.get(_plain(cell), cell.strip()) for cell in lines[0][1]] if lines else []
    if missing := [column for column in (_PLACE.onset, _PLACE.offset) if column not in columns]:
        raise BadInput(f"{path}: is not {_WHAT}: it has no column {missing[0]!r}; export it from DeepSqueak again")
    if twice := sorted({column for column in columns if column and columns.count(column) > 1}):
        raise BadFile(path, [Problem(column, "two columns have this name; rename one") for column in twice])
    rows = [(line, dict(zip(columns, cells_, strict=False))) for line, cells_ in lines[1:]]
    return CallTable(read_rows(path, rows, _PLACE))


def _csv(path: Path) -> list[tuple[int, list[str]]]:
    return rows_of(read_text(path, _WHAT).lstrip("\ufeff"), path)


def _excel(path: Path) -> list[tuple[int, list[str]]]:
    """The first sheet's rows that say something."""
    openpyxl = needed("openpyxl", "tables", "an Excel file")
    data = read_bytes(path)
    _check_size(path, data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles that nobody needs
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            sheet = islice(book.worksheets[0].iter_rows(values_only=True, max_col=MOST_COLUMNS), MOST_ROWS)
            rows = [
                (line, [as_text(cell) for cell in row])
                for line, row in enumerate(sheet, start=1)
                if row.count(None) < len(row)  # a sheet may say that it has millions, and have none
            ]
    except Exception as error:  # noqa: BLE001 — whatever a broken file leads the library into
        what = str(error)[:80] or type(error).__name__
        raise BadInput(f"{path}: is no Excel file that can be read ({what}); export it again") from None
    return [(line, row) for line, row in rows if any(cell.strip() for cell in row)]


def _check_size(path: Path, data: bytes) -> None:
    """See that an archive does not unpack to more than any table has."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            n_bytes = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return  # the reader says what is wrong with it
    if n_bytes > MOST_BYTES:
        raise BadInput(
            f"{path}: unpacks to {n_bytes / 1e6:.0f} MB, more than a table of calls has; check where it comes from"
        )


def write(path: Path, table: CallTable) -> None:
    """Write an export as DeepSqueak names its columns: CSV where the name ends so, and else Excel.

    Raises
    ------
    BadInput
        The file is there already.
    """
    own = {_PLACE.onset, _PLACE.offset, _PLACE.low, _PLACE.high, _PLACE.label, _PLACE.file}
    theirs = [name for name in COLUMNS if name not in own and name not in _KNOWN]
    known = [name for name, _ in _KNOWN.values()]
    extra = dict.fromkeys(name for row in table.rows for name in row.more if name not in (*theirs, *known))
    made = [cells(row, _PLACE, [*known, *theirs, *extra]) for row in table.rows]
    columns = [*COLUMNS, *extra]
    rows = [[row.get(column, "") for column in columns] for row in made]
    data = table_text([columns, *rows]).encode() if path.suffix.lower() == ".csv" else _workbook(path, columns, rows)
    write_new(path, data)


def _workbook(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    openpyxl = needed("openpyxl", "tables", "an Excel file")
    book = openpyxl.Workbook()
    for number, row in enumerate([columns, *rows], start=1):
        for place, (column, text) in enumerate(zip(columns, row, strict=True), start=1):
            value = text if number == 1 else _excel_value(column, text)
            try:
                cell = book.active.cell(number, place, value)
            except openpyxl.utils.exceptions.IllegalCharacterError:
                raise BadInput(
                    f"{path}: row {number - 1}, {column}, holds a sign that Excel cannot; take it out"
                ) from None
            if isinstance(value, str):
                cell.data_type = "s"  # a label that begins with "=" is no formula
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _excel_value(column: str, text: str) -> float | str | None:
    """A number in a column of numbers, so that Excel computes with it; elsewhere only where it is the same text."""
    if column in _TEXT:
        return text or None
    return float(text) if column in COLUMNS and is_number(text) else as_value(text)


def _is_one(path: Path, head: bytes) -> bool:
    if head.startswith(_ZIP):
        return path.suffix.lower() == ".xlsx"
    first = {_plain(cell) for cell in head_text(head).lstrip("\ufeff").split("\n")[0].replace('"', "").split(",")}
    return {_plain(_PLACE.onset), _plain(_PLACE.offset), _plain("Low Freq (kHz)")} <= first


def _example() -> CallTable:
    more = {
        "ID": "1", "Accepted": "1", "score": "0.93", "duration_s": "0.045", "Principal Frequency (kHz)": "61.25",
        "bandwidth_hz": "9431", "Frequency Standard Deviation (kHz)": "2.125", "slope_hz_per_s": "-12345.5",
        "sinuosity": "1.25", "Mean Power (dB/Hz)": "-71.5", "tonality": "0.61", "peak_hz": "72431",
    }  # fmt: skip
    rejected = {**more, "ID": "2", "Accepted": "0"}
    return CallTable(
        (
            Annotation(0.1, 0.145, 55_000.0, 64_431.0, "Flat, or so", "Mouse 1.wav", more),
            Annotation(2.5, 2.531250001, 48_000.5, 61_250.5, "Noise", "Mouse 1.wav", rejected),
        )
    )


FORMAT = Format("deepsqueak", "DeepSqueak export", "calls", (".xlsx", ".csv"), _is_one, read, write, _example)
