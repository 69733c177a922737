r"""MED-PC annotated data files (Med Associates), read without a word of interpretation and without losing a byte.

A file names nothing: arrays A to Z, no units, no meaning; that is in the program, and a decoder profile says it
(`profile`, `decode`). This module knows the layout only:

    File: C:\MED-PC\DATA\!2014-01-31_11h16m.Subject 818          once
    Start Date: 01/31/14                                         every session: header up to MSN, years of 2 or 4 digits
    MSN: Go-no-go
    \ a remark                                                   anywhere
    L:       3.000                                               scalars
    W:                                                           arrays: rows of a first index and any number of values
         0:     218500116     218500113

Rules. A session begins at each `Start Date:`, whatever line ends surround it (`\r\r\n` in files as they were written,
plain ones in files that an editor saved). A header value is all that follows the first colon. Numbers are kept as the
digits that stand there. Whatever does not fit is a problem that names its line; nothing is dropped or repaired. Text is
UTF-8 or Windows-1252. `write` gives the bytes back that were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from behavior.formats.format import Format
from behavior.formats.text import decode, head_text, read_bytes, write_new
from behavior.model.errors import BadInput

NEEDED = ("Start Date", "Subject", "Start Time", "MSN")
"""Lines without which a session cannot be placed. The last of all is MSN, so that a header that was cut lacks it."""
HEADER = ("Start Date", "End Date", "Subject", "Experiment", "Group", "Box", "Start Time", "End Time", "MSN")
"""The header's lines, in the order in which MED-PC writes them."""
SEAL = "-987.987"
"""What a program stores to mark an array's end."""
_WHAT = "a MED-PC data file"
_LINE = re.compile(r"([^\r\n]*)(\r*\n|\r+|$)")
_HEAD = re.compile(r"([^:\\]{2,60}):(.*)")
_VARIABLE = re.compile(r"([A-Z]):(.*)")
_ROW = re.compile(r"\s*(\d{1,9}):(.*)")
_NUMBER = re.compile(r"[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|1\.#[A-Z0-9]+|nan|inf)", re.IGNORECASE)
_RAW_END = "\r\r\n"
_DOS_END = "\x1a"
"""Ends the files of old computers."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A scalar or an array, as it stands in the file.

    Attributes
    ----------
    name : a letter
    texts : its numbers, digit by digit
    is_array : rows below its letter; otherwise one number beside it
    line : where it begins, from 1
    """

    name: str
    texts: tuple[str, ...]
    is_array: bool
    line: int


@dataclass(frozen=True, slots=True)
class MedPCSession:
    """One box once.

    Attributes
    ----------
    line : where it begins in the file, from 1
    header : its lines up to `MSN:`, by key
    variables : scalars and arrays by letter, in order of the file
    remarks : comment lines, without their backslash
    problems : what does not fit, each with its line
    text : the session as it stands in the file, line ends included
    """

    line: int
    header: Mapping[str, str]
    variables: Mapping[str, Variable]
    remarks: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    text: str = field(default="", repr=False)

    @property
    def program(self) -> str:
        """The name of the program that wrote it (MSN)."""
        return self.header.get("MSN", "")

    @property
    def name(self) -> str:
        """For a person: subject and begin."""
        begin = f"{self.header.get('Start Date', '?')} {self.header.get('Start Time', '?')}"
        return f"subject {self.header.get('Subject') or '?'}, {begin}"

    @property
    def started(self) -> datetime | None:
        """When it began, on the clock of that computer; None if the file does not say so readably."""
        return moment(self.header.get("Start Date", ""), self.header.get("Start Time", ""))

    @property
    def ended(self) -> datetime | None:
        """When it ended, likewise."""
        return moment(self.header.get("End Date", ""), self.header.get("End Time", ""))


@dataclass(frozen=True, slots=True)
class MedPCFile:
    """A file, nothing left out.

    Attributes
    ----------
    preamble : what stands before the first session
    sessions : in order
    encoding : of its text
    """

    preamble: str
    sessions: tuple[MedPCSession, ...]
    encoding: str = "utf-8"

    @property
    def text(self) -> str:
        """All of it."""
        return self.preamble + "".join(session.text for session in self.sessions)


def moment(date: str, time: str) -> datetime | None:
    """A header's date and time: month/day/year with 2 or 4 digits of year, hours without a leading zero.

    >>> moment("01/31/14", " 9:44:48"), moment("01/31/2014", "23:59:59")
    (datetime.datetime(2014, 1, 31, 9, 44, 48), datetime.datetime(2014, 1, 31, 23, 59, 59))
    """
    for year in ("%y", "%Y"):
        try:
            return datetime.strptime(f"{date.strip()} {time.strip()}", f"%m/%d/{year} %H:%M:%S")
        except ValueError:
            continue
    return None


def read(path: Path) -> MedPCFile:
    """Read a data file.

    Raises
    ------
    BadInput
        It is none. A damaged one is read as far as it goes, and its sessions say what is wrong.
    """
    found = decode(read_bytes(path))
    if found is None:
        raise BadInput(f"{path}: is not text, so it is not {_WHAT}; check that it is the right file")
    text, encoding = found
    file = parse(text, encoding)
    if not file.sessions:
        raise BadInput(f"{path}: is not {_WHAT}: {_what_instead(text)}; check that it is the right file")
    return file


def _what_instead(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    pairs = sum(re.fullmatch(r"\d+: *\d+", line) is not None for line in lines)
    if lines and pairs > len(lines) / 2:
        return "it has no line `Start Date:`, and holds lines of `code: time` as a DNAMIC or Arduino box writes them"
    if re.search(r"^\s*(Start Date|MSN)\b", text, re.MULTILINE):
        return "its sessions do not begin with a line `Start Date:`; was it cut, or saved without annotation"
    return "it has no line `Start Date:`"


def write(path: Path, file: MedPCFile) -> None:
    """Write a data file, byte for byte what was read."""
    write_new(path, file.text.encode(file.encoding))


# -- layout -----------------------------------------------------------------------------------------------------------


def parse(text: str, encoding: str = "utf-8") -> MedPCFile:
    """A file's text as sessions; none if it is no data file."""
    lines = [(body, end) for body, end in _LINE.findall(text) if body or end]
    starts = [i for i, (body, _) in enumerate(lines) if body.lstrip("\ufeff ").startswith("Start Date:")]
    whole = ["".join(line) for line in lines]
    untouched = any(end == _RAW_END for _, end in lines)
    sessions = []
    for first, after in pairwise([*starts, len(lines)]):
        begin = first
        first_of_all = first == starts[0]  # before it, `File:` is the whole file's
        while begin and _is_between(lines[begin - 1][0], joined=not first_of_all):  # the lines before it are its own
            begin -= 1
        end = after
        while after < len(lines) and _is_between(lines[end - 1][0], joined=True):
            end -= 1
        torn = after == len(lines) and bool(lines[-1][0].rstrip(_DOS_END)) and not lines[-1][1]
        reader = _Session(first + 1)
        reader.take(body for body, _ in lines[first:end])
        if torn:
            reader.end_of_file(untouched=untouched)
        sessions.append(reader.session("".join(whole[begin:end])))
    preamble = text if not sessions else text[: len(text) - sum(len(session.text) for session in sessions)]
    return MedPCFile(preamble, tuple(sessions), encoding)


def _is_between(body: str, *, joined: bool) -> bool:
    """Whether a line stands between sessions: empty, or the name of a file that was joined to another."""
    return not body.rstrip(_DOS_END).strip() or (joined and body.lstrip("\ufeff ").startswith("File:"))


class _Session:
    """The state of reading one session."""

    def __init__(self, line: int) -> None:
        self._first = self._line = line
        self._header: dict[str, str] = {}
        self._names: dict[str, tuple[int, bool]] = {}
        self._texts: dict[str, list[str]] = {}
        self._array: str | None = None
        self._remarks: list[str] = []
        self._problems: list[str] = []
        self._rows: list[tuple[int, int]] = []  # of each row its length in characters and in numbers
        self._decimals: set[int] = set()

    def take(self, bodies: Iterator[str]) -> None:
        for line, whole in enumerate(bodies, start=self._first):
            self._line, body = line, whole.lstrip("\ufeff").rstrip(_DOS_END)
            if not body.strip():
                continue
            if body.lstrip().startswith("File:"):
                self._array = None  # files that were joined have this line before each part
            elif body.lstrip().startswith("\\"):
                self._remarks.append(body.lstrip()[1:])
            elif (match := _VARIABLE.fullmatch(body)) and "MSN" in self._header:
                self._variable(match[1], match[2])
            elif match := _ROW.fullmatch(body):
                self._row(int(match[1]), match[2], len(body.rstrip()))
            elif (match := _HEAD.fullmatch(body.strip())) and not self._names:
                self._head(match[1], match[2])
            else:
                self._wrong(f"{body.strip()[:40]!r} is no line of a data file")

    def _head(self, key: str, value: str) -> None:
        if key in self._header:
            self._wrong(f"{key} stands in the header twice")
        self._header.setdefault(key, value.strip())

    def _variable(self, name: str, rest: str) -> None:
        if name in self._names:
            self._wrong(f"{name} stands there twice")
            self._array = None
            return
        self._names[name] = (self._line, not rest.strip())
        self._texts[name] = self._numbers(rest)
        self._array = name if not rest.strip() else None
        if len(self._texts[name]) > 1:
            self._wrong(f"{name} has {len(self._texts[name])} numbers beside its letter, where one is to be")

    def _row(self, index: int, rest: str, length: int) -> None:
        if self._array is None:
            self._wrong("a row of numbers stands outside of every array")
            return
        texts = self._texts[self._array]
        if index != len(texts):
            self._wrong(f"a row of {self._array} begins at {index} where {len(texts)} was to come")
        numbers = self._numbers(rest)
        if not numbers:
            self._wrong(f"a row of {self._array} has no numbers")
        self._rows.append((length, len(numbers)))
        texts += numbers

    def _numbers(self, rest: str) -> list[str]:
        found: list[str] = []
        for token in rest.split():
            for part in [token] if _NUMBER.fullmatch(token) else self._apart(token):
                if not _NUMBER.fullmatch(part):
                    self._wrong(f"{part[:40]!r} is no number")
                    continue
                self._decimals.add(len(part.partition(".")[2]))
                found.append(part)
        return found

    def _apart(self, token: str) -> list[str]:
        """Numbers that fill their columns stand side by side without a space; the decimals tell where each ends."""
        if len(self._decimals) == 1 and (decimals := max(self._decimals)):
            parts = re.findall(rf"[-+]?\d+\.\d{{{decimals}}}", token)
            if "".join(parts) == token:
                return parts
        return [token]

    def end_of_file(self, *, untouched: bool) -> None:
        """The file's last line has no end: was it cut?"""
        length, n = self._rows[-1] if self._rows and self._array else (0, 0)
        if any(other > length and m == n for other, m in self._rows[:-1]):
            self._wrong("the file ends in the middle of a number; it was cut")
        elif untouched:
            self._wrong("the file's last line has no end, so it may have been cut; add a line end if it is whole")

    def _wrong(self, what: str) -> None:
        self._problems.append(f"line {self._line}: {what}")

    def session(self, text: str) -> MedPCSession:
        """What was read, checked as a whole."""
        problems = self._problems[:20]
        if missing := [key for key in NEEDED if key not in self._header]:
            problems.append(f"from line {self._first} on: the header lacks {', '.join(missing)}")
        elif not self._names:
            problems.append(f"from line {self._first} on: there is no variable in it; was the file cut?")
        for date, time in (("Start Date", "Start Time"), ("End Date", "End Time")):
            if date in self._header and time in self._header and moment(self._header[date], self._header[time]) is None:
                shown = f"{self._header[date]} {self._header[time]}"
                problems.append(f"from line {self._first} on: {date} and {time} must be month/day/year (is {shown!r})")
        variables = {
            name: Variable(name, tuple(self._texts[name]), is_array, line)
            for name, (line, is_array) in self._names.items()
        }
        return MedPCSession(self._first, self._header, variables, tuple(self._remarks), tuple(problems), text)


# -- making one -------------------------------------------------------------------------------------------------------


def compose(
    name: str,
    sessions: Sequence[tuple[Mapping[str, str], Mapping[str, float | Sequence[float]]]],
    *,
    decimals: int = 3,
    columns: int = 5,
    width: int = 12,
    remarks: Sequence[str] = (),
) -> MedPCFile:
    r"""A data file as MED-PC writes it, CRLF and `\r\r\n` included.

    Parameters
    ----------
    name : stands in the line `File:`
    sessions : of each its header, and its scalars and arrays by letter
    decimals, columns, width : as DISKFORMAT and DISKCOLUMNS set them
    remarks : comment lines below each header

    Raises
    ------
    BadInput
        A text holds a line end, or a letter is none.
    """
    parts = [f"File: {name}\r\n\n"]
    for header, variables in sessions:
        if any("\n" in text or "\r" in text for text in (name, *header.values(), *remarks)):
            raise BadInput(f"{name}: {_WHAT} cannot hold a line end in its header; take it out")
        if wrong := [letter for letter in variables if not re.fullmatch("[A-Z]", letter)]:
            raise BadInput(f"{name}: {wrong[0]!r} is no variable of MED-PC; use one letter, A to Z")
        parts.append(_RAW_END)
        parts += [f"{key}: {header.get(key, '')}\r\n" for key in HEADER]
        parts += [f"\\{remark}\r\n" for remark in remarks]
        ordered = sorted(variables.items(), key=lambda one: (not isinstance(one[1], int | float), one[0]))
        for letter, value in ordered:
            if isinstance(value, int | float):
                parts.append(f"{letter}:{value:{width}.{decimals}f}\r\n")
                continue
            parts.append(f"{letter}:\r\n")
            for first in range(0, len(value), columns):
                row = "".join(f" {number:{width}.{decimals}f}" for number in value[first : first + columns])
                parts.append(f"{first:6d}:{row}\r\n")
    return parse("".join(parts))


def _is_one(path: Path, head: bytes) -> bool:
    return re.search(r"^Start Date:", head_text(head).lstrip("\ufeff"), re.MULTILINE) is not None


def _example() -> MedPCFile:
    header = {
        "Start Date": "03/02/26",
        "End Date": "03/02/26",
        "Subject": "R01",
        "Experiment": "conflict",
        "Group": "ipsapirone: 5 mg/kg i.p./ male",
        "Box": "1",
        "Start Time": " 9:00:00",
        "End Time": "10:00:01",
        "MSN": "EXAMPLE_CONFLICT",
    }
    times, codes = [0.0, 143.0, 287.0, 1000.0, -10.01], [1.0, 2.0, 2.0, 3.0, 100.0]
    second = {**header, "Subject": "R02", "Box": "2", "End Date": "03/03/2026", "Start Date": "03/02/2026"}
    return compose(
        "C:\\MED-PC\\DATA\\!2026-03-02",
        [(header, {"D": times, "E": codes, "G": 5.0}), (second, {"D": times, "E": codes, "G": 5.0})],
        columns=3,
        remarks=(" second box was noisy",),
    )


FORMAT = Format("medpc", "MED-PC annotated data file", "control file", (".txt", ".mpc"), _is_one, read, write, _example)
