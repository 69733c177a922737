"""Vocalizations as annotations: what every call table has (times, a band, a label), and whatever else it says.

`more` holds all other columns as text, digit by digit as the file has them, under our names where they mean the same
(`peak_hz`, `tonality` …) and under the file's own where they do not. So a table that goes through here keeps its
columns, and what a format cannot hold can be said.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from behavior.model.calls import CALL_COLUMNS, Call
from behavior.model.errors import BadFile, Problem

_OURS = ("file", "onset_s", "offset_s", "low_hz", "high_hz", "call_type")
_MORE = tuple(column for column in CALL_COLUMNS if column not in _OURS)
MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Annotation:
    """One marked stretch of a recording.

    `low_hz` and `high_hz` are None where nobody marked a band, `file` is empty where the table does not name it.
    """

    onset_s: float
    offset_s: float
    low_hz: float | None = None
    high_hz: float | None = None
    label: str = ""
    file: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def duration_s(self) -> float:
        """From onset to offset."""
        return self.offset_s - self.onset_s


@dataclass(frozen=True, slots=True)
class CallTable:
    """Annotations, in the order of the file.

    Attributes
    ----------
    rows : the annotations
    label_column : how the file calls the column with the label, empty where the format has but one name for it
    silent : recordings that the table names and that have no call
    """

    rows: tuple[Annotation, ...]
    label_column: str = ""
    silent: tuple[str, ...] = ()

    @property
    def accepted(self) -> tuple[Annotation, ...]:
        """Without what a person rejected, as DeepSqueak notes it."""
        return tuple(row for row in self.rows if row.more.get("Accepted", "1").lower() not in ("0", "false", "no"))

    def labelled_by(self, column: str) -> CallTable:
        """The same table with the label from one of its other columns.

        Raises
        ------
        BadFile
            A row does not have it.
        """
        rows = enumerate(self.rows, start=1)
        problems = [Problem(f"row {i}", f"has no {column}") for i, row in rows if column not in row.more]
        if problems:
            known = ", ".join(sorted({name for row in self.rows for name in row.more})) or "none"
            raise BadFile(f"label column {column}", [*problems[:1], Problem("", f"the other columns are {known}")])
        return CallTable(tuple(_relabelled(row, column) for row in self.rows), column, self.silent)


def _relabelled(row: Annotation, column: str) -> Annotation:
    more = {name: text for name, text in row.more.items() if name != column}
    return Annotation(row.onset_s, row.offset_s, row.low_hz, row.high_hz, row.more[column], row.file, more)


def from_calls(calls: Iterable[Call]) -> CallTable:
    """Calls as annotations, nothing lost."""
    return CallTable(
        tuple(
            Annotation(
                call.onset_s,
                call.offset_s,
                call.low_hz,
                call.high_hz,
                call.call_type,
                call.file,
                {name: digits(getattr(call, name)) for name in _MORE},
            )
            for call in calls
        )
    )


def to_calls(table: CallTable, path: Path) -> list[Call]:
    """Annotations as calls.

    Raises
    ------
    BadFile
        Rows lack what every call has; all at once.
    """
    problems: list[Problem] = []
    calls: list[Call] = []
    for number, row in enumerate(table.rows, start=1):
        lacking = [name for name in _MORE if not is_number(row.more.get(name, ""))]
        lacking += [name for name in ("low_hz", "high_hz") if getattr(row, name) is None]
        if lacking:
            problems.append(Problem(f"row {number}", f"has no {', '.join(lacking)}"))
            continue
        values = {name: float(row.more[name]) for name in _MORE} | {
            "onset_s": row.onset_s,
            "offset_s": row.offset_s,
            "low_hz": row.low_hz or 0.0,
            "high_hz": row.high_hz or 0.0,
        }
        calls.append(Call(file=row.file, call_type=row.label, **values))
    if problems:
        raise BadFile(path, problems[:MOST_PROBLEMS])
    return calls


def losses(before: CallTable, after: CallTable) -> tuple[str, ...]:
    """What of a table did not come back from a file: names of columns, and whether rows did not.

    A label's column may have another name afterwards.
    """
    lost: dict[str, None] = {}
    if len(before.rows) != len(after.rows):
        lost[f"{len(before.rows) - len(after.rows)} rows"] = None
    for one, other in zip(before.rows, after.rows, strict=False):
        now = _everything(other)
        for name, value in _everything(one).items():
            if value not in (None, "") and not _same(value, now.get(name)):
                lost[name] = None
    if before.silent != after.silent:
        lost["recordings without calls"] = None
    return tuple(lost)


def _same(one: object, other: object) -> bool:
    """Equal; of numbers, to 12 digits: a spreadsheet has 15, and kHz and Hz round differently."""
    if one == other:
        return True
    try:
        return math.isclose(float(str(one)), float(str(other)), rel_tol=1e-12)
    except ValueError:
        return False


def _everything(row: Annotation) -> dict[str, object]:
    return {
        "onset_s": row.onset_s,
        "offset_s": row.offset_s,
        "low_hz": row.low_hz,
        "high_hz": row.high_hz,
        "label": row.label,
        "file": row.file,
        **row.more,
    }


# -- numbers as text --------------------------------------------------------------------------------------------------


def digits(value: float) -> str:
    """A number with as many digits as it has and no more: whole hertz stay whole.

    >>> digits(23000.0), digits(0.1), digits(1e-7)
    ('23000', '0.1', '1e-07')
    """
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text


def scaled(text: str, powers: int) -> str:
    """A number's text, `powers` tens larger, exact in every digit; what is no number stays as it is.

    >>> scaled("72.431", 3), scaled("72431", -3), scaled("", 3)
    ('72431', '72.431', '')
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or abs(number.adjusted()) > 330:
        return text
    return f"{number.scaleb(powers).normalize():f}"


def is_number(text: str) -> bool:
    """Whether a cell holds a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def number(text: str | None) -> float | None:
    """A cell's finite number; None where it is empty or says that there is none.

    Raises
    ------
    ValueError
        It holds something else; the text says what to do.
    """
    stripped = (text or "").strip()
    if stripped.lower() in ("", "nan", "na", "n/a", "-", "none"):
        return None
    try:
        value = float(stripped)
    except ValueError:
        hint = "; write a decimal point" if "," in stripped else ""
        raise ValueError(f"must be a number (is {stripped[:40]!r}){hint}") from None
    if not math.isfinite(value):
        raise ValueError(f"must be finite (is {stripped!r})")
    return value


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parts of an annotation stand in a table of another program.

    `onset`, `offset`, `low`, `high`, `label` and `file` are its columns; `hz_powers` what makes its frequencies Hz;
    `known` are other columns by our names, with the tens that make them our unit.
    """

    onset: str
    offset: str
    low: str = ""
    high: str = ""
    label: str = ""
    file: str = ""
    hz_powers: int = 0
    known: Mapping[str, tuple[str, int]] = field(default_factory=dict)


def read_rows(path: Path, rows: Iterable[tuple[int, Mapping[str, str]]], place: Place) -> tuple[Annotation, ...]:
    """Rows of a table as annotations.

    Parameters
    ----------
    path : names the file in errors
    rows : number of the line, and cells by column
    place : what the columns are

    Raises
    ------
    BadFile
        Cells that must be numbers are not, or an offset is before its onset; all at once, each with its line.
    """
    problems: list[Problem] = []
    made: list[Annotation] = []
    for line, row in rows:
        one = _annotation(line, row, place, problems)
        if one is not None:
            made.append(one)
        if len(problems) >= MOST_PROBLEMS:
            break
    if problems:
        raise BadFile(path, problems)
    return tuple(made)


def _annotation(line: int, row: Mapping[str, str], place: Place, problems: list[Problem]) -> Annotation | None:
    values: dict[str, float | None] = {}
    before = len(problems)
    for name, powers in (
        (place.onset, 0),
        (place.offset, 0),
        (place.low, place.hz_powers),
        (place.high, place.hz_powers),
    ):
        try:
            values[name] = number(scaled(row[name].strip(), powers) if powers and name in row else row.get(name))
        except ValueError as error:
            problems.append(Problem(f"line {line}, {name}", str(error)))
    onset_s, offset_s = values.get(place.onset), values.get(place.offset)
    if len(problems) > before:
        return None
    if onset_s is None or offset_s is None:
        problems.append(
            Problem(f"line {line}, {place.onset if onset_s is None else place.offset}", "is empty; fill it in")
        )
        return None
    if offset_s < onset_s:
        problems.append(Problem(f"line {line}, {place.offset}", f"must not be before {place.onset} (is {offset_s:g})"))
        return None
    taken = {place.onset, place.offset, place.low, place.high, place.label, place.file}
    more = {}
    for column, text in row.items():
        if column not in taken and text != "":
            ours, powers = place.known.get(column, (column, 0))
            more[ours] = scaled(text, powers) if powers else text
    low_hz, high_hz = values.get(place.low), values.get(place.high)
    return Annotation(onset_s, offset_s, low_hz, high_hz, row.get(place.label, ""), row.get(place.file, ""), more)


def cells(row: Annotation, place: Place, more: Sequence[str]) -> dict[str, str]:
    """An annotation as a row of a table of another program.

    Parameters
    ----------
    row : to write
    place : where its parts go
    more : which columns of `row.more`, by our names, the table has
    """
    theirs = {ours: (column, powers) for column, (ours, powers) in place.known.items()}
    made = {place.onset: digits(row.onset_s), place.offset: digits(row.offset_s)}
    for column, value in ((place.low, row.low_hz), (place.high, row.high_hz)):
        made[column] = "" if value is None else scaled(digits(value), -place.hz_powers)
    made |= {place.label: row.label, place.file: row.file}
    for ours in more:
        column, powers = theirs.get(ours, (ours, 0))
        made[column] = scaled(row.more.get(ours, ""), -powers) if powers else row.more.get(ours, "")
    made.pop("", None)
    return made
