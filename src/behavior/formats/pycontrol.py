"""pyControl data files of version 2: tab-separated `time type subtype content`, one row an event, a state, a print.

Times are seconds since the start of the task. Rows of type `info` describe the session. What a state or an event means
is in the task's file, and a decoder profile says it (`profile`, `decode`). The file is kept as it stands, to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from behavior.formats.format import Format
from behavior.formats.text import decode, head_text, read_bytes, write_new
from behavior.model.errors import BadInput

COLUMNS = ("time", "type", "subtype", "content")
TYPES = ("info", "state", "event", "print", "variable", "warning", "error")
_WHAT = "a pyControl data file"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `time` is the text that stands there, in s."""

    time: str
    type: str
    subtype: str
    content: str
    line: int


@dataclass(frozen=True, slots=True)
class PyControlSession:
    """A file, which is one session.

    Attributes
    ----------
    header : its `info` rows, content by subtype
    rows : all others, in order
    problems : what does not fit, each with its line
    text : the file as it stands
    encoding : of its text
    """

    header: Mapping[str, str]
    rows: tuple[Row, ...]
    problems: tuple[str, ...] = ()
    text: str = field(default="", repr=False)
    encoding: str = "utf-8"

    @property
    def program(self) -> str:
        """The task's name."""
        return self.header.get("task_name", "")

    @property
    def name(self) -> str:
        """For a person: subject and begin."""
        return f"subject {self.header.get('subject_id') or '?'}, {self.header.get('start_time') or '?'}"

    @property
    def started(self) -> datetime | None:
        """When it began; None if the file does not say so readably."""
        return _moment(self.header.get("start_time", ""))

    @property
    def ended(self) -> datetime | None:
        """When it ended, likewise."""
        return _moment(self.header.get("end_time", ""))


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def read(path: Path) -> PyControlSession:
    """Read a data file.

    Raises
    ------
    BadInput
        It is none. A damaged one is read as far as it goes, and says what is wrong.
    """
    found = decode(read_bytes(path))
    if found is None:
        raise BadInput(f"{path}: is not text, so it is not {_WHAT}; check that it is the right file")
    text, encoding = found
    lines = text.split("\n")
    if tuple(lines[0].lstrip("\ufeff").rstrip("\r").split("\t")) != COLUMNS:
        old = "; it may be one of version 1 (.txt), which this cannot read" if text.startswith("I ") else ""
        raise BadInput(f"{path}: is not {_WHAT}: its first line is not time, type, subtype, content{old}; check it")
    return parse(text, encoding)


def parse(text: str, encoding: str = "utf-8") -> PyControlSession:
    """A file's text, of which the first line was checked."""
    problems: list[str] = []
    header: dict[str, str] = {}
    rows: list[Row] = []
    for row in _rows(text, problems):
        if row.type == "info":
            header.setdefault(row.subtype, row.content)
        else:
            rows.append(row)
    if lacking := [key for key in ("task_name", "subject_id", "start_time") if not header.get(key)]:
        problems.append(f"its info rows lack {', '.join(lacking)}")
    if header.get("start_time") and _moment(header["start_time"]) is None:
        problems.append(f"start_time must be a date and time (is {header['start_time']!r})")
    if text and not text.endswith("\n") and "end_time" not in header:
        problems.append("the file's last line has no end, so it may have been cut; add a line end if it is whole")
    return PyControlSession(header, tuple(rows), tuple(problems[:20]), text, encoding)


def _rows(text: str, problems: list[str]) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n")[1:], start=2):
        cells = line.rstrip("\r").split("\t", 3)
        if not line.strip():
            continue
        if len(cells) != 4 or cells[1] not in TYPES or not _is_time(cells[0]):
            problems.append(f"line {number}: {line.strip()[:40]!r} is no row of time, type, subtype and content")
            continue
        yield Row(cells[0], cells[1], cells[2], cells[3], number)


def _is_time(text: str) -> bool:
    digits = text.replace(".", "", 1)
    return digits.isascii() and digits.isdigit() and len(digits) <= 15


def write(path: Path, session: PyControlSession) -> None:
    """Write a data file, byte for byte what was read."""
    write_new(path, session.text.encode(session.encoding))


def compose(info: Mapping[str, str], rows: Sequence[tuple[float, str, str, str]]) -> PyControlSession:
    """A data file as pyControl writes it.

    Parameters
    ----------
    info : content of the info rows by subtype; `end_time` goes to the end
    rows : time in s, type, subtype and content
    """
    last_s = rows[-1][0] if rows else 0.0
    lines = ["\t".join(COLUMNS)]
    lines += [f"0\tinfo\t{key}\t{value}" for key, value in info.items() if key != "end_time"]
    lines += [f"{time_s:.3f}\t{kind}\t{subtype}\t{content}" for time_s, kind, subtype, content in rows]
    if "end_time" in info:
        lines.append(f"{last_s:.3f}\tinfo\tend_time\t{info['end_time']}")
    return parse("".join(f"{line}\n" for line in lines))


def _is_one(path: Path, head: bytes) -> bool:
    first = head_text(head).lstrip("\ufeff").split("\n")[0].rstrip("\r")
    return tuple(first.split("\t")) == COLUMNS


def _example() -> PyControlSession:
    info = {
        "experiment_name": "conflict",
        "task_name": "example_conflict",
        "task_file_hash": "1826332911",
        "setup_id": "A",
        "framework_version": "2.0.1",
        "subject_id": "R01",
        "start_time": "2026-03-02T09:00:00.000",
        "end_time": "2026-03-02T10:00:00.500",
    }
    rows = [
        (0.0, "variable", "run_start", '{"shock_ma": 0.4}'),
        (0.0, "state", "", "unpunished"),
        (1.43, "event", "input", "left_lever"),
        (1.43, "event", "user", "pellet"),
        (480.0, "state", "", "punished"),
        (482.5, "event", "input", "left_lever"),
        (482.5, "event", "user", "shock"),
        (500.0, "print", "task", "calm"),
        (3600.0, "state", "", "over"),
    ]
    return compose(info, rows)


FORMAT = Format("pycontrol", "pyControl data file", "control file", (".tsv",), _is_one, read, write, _example)
