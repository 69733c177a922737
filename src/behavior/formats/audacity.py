r"""Audacity label tracks: `onset TAB offset TAB label`, and below it `\ TAB low TAB high` where a band was marked.

Audacity writes -1 for the end of a band that was not marked. A label track holds times, band and label, no file and no
measurements.
"""

from __future__ import annotations

import re
from pathlib import Path

from behavior.formats.calls import Annotation, CallTable, digits, number
from behavior.formats.format import Format
from behavior.formats.text import head_text, read_text, write_new
from behavior.model.errors import BadFile, BadInput, Problem

_WHAT = "an Audacity label track"
_LABEL = re.compile(r"-?\d+(?:\.\d*)?(?:e-?\d+)?\t-?\d+(?:\.\d*)?(?:e-?\d+)?(?:\t|$)", re.IGNORECASE)
_LINE_END = re.compile(r"\r*\n|\r")
_UNMARKED = -1.0


def read(path: Path) -> CallTable:
    """Read a label track.

    Raises
    ------
    BadInput, BadFile
        It is none, or lines cannot be used; all at once, each with its number.
    """
    lines = _LINE_END.split(read_text(path, _WHAT).lstrip("\ufeff"))
    if any(lines) and not any(_LABEL.match(line) for line in lines):
        raise BadInput(f"{path}: is not {_WHAT}: no line has an onset, a tab and an offset; export the labels again")
    rows: list[Annotation] = []
    problems: list[Problem] = []
    for number_of, line in enumerate(lines, start=1):
        try:
            if line.startswith("\\\t"):
                rows[-1:] = [_with_band(rows, line)]
            elif line.strip():
                rows.append(_label(line))
        except ValueError as error:
            problems.append(Problem(f"line {number_of}", str(error)))
    if problems:
        raise BadFile(path, problems[:20])
    return CallTable(tuple(rows))


def _label(line: str) -> Annotation:
    parts = line.split("\t", 2)
    onset_s, offset_s = (number(part) for part in (*parts, "")[:2])
    if onset_s is None or offset_s is None:
        raise ValueError("must be onset, tab, offset, tab, label")
    if offset_s < onset_s:
        raise ValueError(f"the offset ({offset_s:g}) must not be before the onset ({onset_s:g})")
    return Annotation(onset_s, offset_s, label=parts[2] if len(parts) > 2 else "")


def _with_band(rows: list[Annotation], line: str) -> Annotation:
    if not rows:
        raise ValueError("a band stands before the first label")
    low_hz, high_hz = (_marked(part) for part in (*line.split("\t"), "", "")[1:3])
    return Annotation(rows[-1].onset_s, rows[-1].offset_s, low_hz, high_hz, rows[-1].label)


def _marked(text: str) -> float | None:
    hz = number(text)
    return None if hz == _UNMARKED else hz


def write(path: Path, table: CallTable) -> None:
    """Write a label track that Audacity imports, with all digits.

    Raises
    ------
    BadInput
        The file is there already, or a label holds a line end, which a track cannot.
    """
    lines: list[str] = []
    for i, row in enumerate(table.rows, start=1):
        if _LINE_END.search(row.label):
            raise BadInput(f"{path}: the label of row {i} holds a line end, which {_WHAT} cannot; take it out")
        lines.append(f"{digits(row.onset_s)}\t{digits(row.offset_s)}\t{row.label}")
        if row.low_hz is not None or row.high_hz is not None:
            low_hz, high_hz = (digits(_UNMARKED if hz is None else hz) for hz in (row.low_hz, row.high_hz))
            lines.append(f"\\\t{low_hz}\t{high_hz}")
    write_new(path, "".join(f"{line}\n" for line in lines).encode())


def _is_one(path: Path, head: bytes) -> bool:
    first = head_text(head).lstrip("\ufeff").split("\n")[0].rstrip("\r")
    return _LABEL.match(first) is not None and first.count("\t") <= 2


def _example() -> CallTable:
    return CallTable(
        (
            Annotation(1.25, 1.873, 21_000.0, 24_500.5, "22 kHz"),
            Annotation(2.5, 2.531250001, None, 61_250.0, "FM"),
            Annotation(3.0, 3.0),
        )
    )


FORMAT = Format("audacity", "Audacity label track", "calls", (".labels.txt", ".txt"), _is_one, read, write, _example)
