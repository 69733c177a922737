"""What raters wrote down from the video, as if they had keyed it during the session.

`fights.csv` in a session's folder has the columns `rater, onset_s, offset_s`, in seconds of the session; an empty
offset is a fight of which only the begin is known.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

from behavior.model.errors import BadFile, BadInput, Problem
from behavior.model.events import Noted
from behavior.paradigms.shock_aggression import keyed

FIGHTS = "fights.csv"
LONGEST_S = 604_800
"""A week: nobody watches longer, and what is beyond is a slip."""
COLUMNS = ("rater", "onset_s", "offset_s")


def read_fights(path: Path) -> list[Noted]:
    """Read a table of fights.

    Returns
    -------
    list of Noted
        The keys that would have been pressed, in order of time.

    Raises
    ------
    BadInput
        It cannot be read.
    BadFile
        Columns are missing, or values cannot be; all problems at once, each with its line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            table = csv.DictReader(stream)
            columns, rows = table.fieldnames or (), [(table.line_num, row) for row in table]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path}: cannot be read as a CSV table ({error}); save it as CSV in UTF-8") from None
    if missing := [column for column in COLUMNS if column not in columns]:
        raise BadFile(path, [Problem(column, "this column is missing; add it") for column in missing])
    if problems := [problem for line, row in rows for problem in _problems(line, row)]:
        raise BadFile(path, problems)
    return sorted((key for _, row in rows for key in _keys(row)), key=lambda note: note.at_us)


def _problems(line: int, row: dict[str, str]) -> Iterator[Problem]:
    if not (row["rater"] or "").strip():
        yield Problem(f"line {line}, rater", "is empty; name who saw this fight")
    try:
        onset_s, offset_s = (float(row[column] or "nan") for column in COLUMNS[1:])
    except ValueError:
        yield Problem(f"line {line}", "onset_s and offset_s must be numbers, in s of the session")
        return
    if not 0 <= onset_s <= LONGEST_S:
        yield Problem(f"line {line}, onset_s", f"must be from 0 to {LONGEST_S} (is {row['onset_s']!r})")
    elif row["offset_s"] and not onset_s <= offset_s <= LONGEST_S:
        yield Problem(f"line {line}, offset_s", f"must be from onset_s to {LONGEST_S} (is {offset_s:g})")


def _keys(row: dict[str, str]) -> Iterable[Noted]:
    rater = row["rater"].strip()
    yield Noted(round(float(row["onset_s"]) * 1e6), keyed(rater, begins=True))
    if row["offset_s"]:
        yield Noted(round(float(row["offset_s"]) * 1e6), keyed(rater, begins=False))
