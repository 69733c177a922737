"""Calls reviewed by a person: every edit is a line, and the detector's output is never overwritten.

Theory. A review is a fold. It begins with what the detector found and what it rejected; each edit takes entries away
and puts others in their place, and holds both, so that undoing is the same edit turned round. Each rater has a journal
of their own, whose lines remember the checksum of the line before; its first line remembers the digests of the tables
that the review began with. What a rater decided becomes `reviewed.csv` only when somebody says so; scores use it from
then on, and say whose it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal
from zlib import crc32

import msgspec

from behavior import __version__
from behavior.model.calls import Call
from behavior.model.decode import Undecodable, decode
from behavior.model.errors import BadInput, Failure
from behavior.usv.gate import Rejected

REVIEWED, REVIEWED_BY, REVIEWS = "reviewed.csv", "reviewed.json", "review"
Action = Literal["accept", "reject", "add", "move", "split", "join", "retype", "undo"]
Measure = Callable[[float, float, float, float], Call]
"""Measures what lies between an onset and an offset (s) and between two frequencies (Hz)."""
_RATER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,29}")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a recording, and whether it is a call.

    Attributes
    ----------
    id : c1 … the detector's calls, r1 … what it rejected, both in order of its tables; e1 … what an edit made
    is_call : whether it counts
    by : who decided that: "detector", or the rater
    reason : why the detector rejected it
    call : measured; None for what was rejected and not looked at since
    """

    id: str
    onset_s: float
    offset_s: float
    low_hz: float
    high_hz: float
    call_type: str
    score: float
    is_call: bool
    by: str = "detector"
    reason: str = ""
    call: Call | None = None


class Edit(msgspec.Struct, frozen=True, kw_only=True):
    """One line: these entries were, those are instead."""

    seq: int
    at: str
    who: str
    action: Action
    old: tuple[Entry, ...]
    new: tuple[Entry, ...]
    after: str


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: what the review began with."""

    recording: str
    who: str
    software: str
    calls_sha256: str
    rejected_sha256: str


@dataclass
class Review:
    """A rater's review of one recording.

    Parameters
    ----------
    path : of its journal
    entries : by id, in order of onset when shown
    """

    path: Path
    who: str
    recording: str
    entries: dict[str, Entry]
    edits: list[Edit] = field(default_factory=list)
    _head: bytes = b""
    _after: int = 0
    _n_bytes: int = 0

    @property
    def seq(self) -> int:
        """How many edits there are."""
        return len(self.edits)

    @property
    def is_stale(self) -> bool:
        """Whether another program has written into the journal since."""
        return (self.path.stat().st_size if self.path.exists() else 0) != self._n_bytes

    @property
    def calls(self) -> list[Call]:
        """What counts as a call, in order of onset."""
        counted = [one for one in self.entries.values() if one.is_call and one.call is not None]
        return [one.call for one in sorted(counted, key=lambda one: one.onset_s) if one.call is not None]

    def edit(self, action: Action, old: Sequence[Entry], new: Sequence[Entry], at: str) -> Edit:
        """Put an edit on record, and carry it out.

        Raises
        ------
        Failure
            The journal cannot be written; nothing was changed.
        """
        edit = Edit(seq=self.seq + 1, at=at, who=self.who, action=action, old=tuple(old), new=tuple(new),
                    after=f"{self._after:08x}")  # fmt: skip
        if self.is_stale:
            raise BadInput(f"{self.path.name} was edited elsewhere meanwhile; reload the page, nothing is lost")
        line = msgspec.json.encode(edit) + b"\n"
        written = line if self._n_bytes else self._head + line
        _append(self.path, written)
        self._n_bytes += len(written)
        self._take(edit, line)
        return edit

    def _take(self, edit: Edit, line: bytes) -> None:
        for entry in edit.old:
            del self.entries[entry.id]
        for entry in edit.new:
            self.entries[entry.id] = entry
        self.edits.append(edit)
        self._after = crc32(line)

    # -- what a person does -------------------------------------------------------------------------------------------

    def decide(self, which: str, *, is_call: bool, at: str, measure: Measure) -> Edit:
        """Accept or reject an entry."""
        old = self._entry(which)
        call = old.call or (measured(old, measure) if is_call else None)
        new = msgspec.structs.replace(old, is_call=is_call, by=self.who, call=call)
        return self.edit("accept" if is_call else "reject", [old], [new], at)

    def add(self, onset_s: float, offset_s: float, low_hz: float, high_hz: float, *, at: str, measure: Measure) -> Edit:
        """A call that the detector missed."""
        return self.edit("add", [], [self._made(1, measure(*_box(onset_s, offset_s, low_hz, high_hz)))], at)

    def move(self, which: str, onset_s: float, offset_s: float, *, at: str, measure: Measure) -> Edit:
        """Other edges."""
        old = self._entry(which)
        call = measure(*_box(onset_s, offset_s, *_band(old)))
        return self.edit("move", [old], [_of(call, old.id, self.who)], at)

    def split(self, which: str, at_s: float, *, at: str, measure: Measure) -> Edit:
        """Two calls instead of one."""
        old = self._entry(which)
        if not old.onset_s < at_s < old.offset_s:
            raise BadInput(
                f"{at_s:.3f} s lies outside the call ({old.onset_s:.3f} to {old.offset_s:.3f} s); point into it"
            )
        halves = ((old.onset_s, at_s), (at_s, old.offset_s))
        made = [self._made(n, measure(*_box(*half, *_band(old)))) for n, half in enumerate(halves, start=1)]
        return self.edit("split", [old], made, at)

    def join(self, ids: Sequence[str], *, at: str, measure: Measure) -> Edit:
        """One call instead of several."""
        old = [self._entry(one) for one in ids]
        if len({one.id for one in old}) < 2:
            raise BadInput("joining needs two calls; choose another one with it")
        low = min(_band(one)[0] for one in old)
        high = max(_band(one)[1] for one in old)
        box = _box(min(one.onset_s for one in old), max(one.offset_s for one in old), low, high)
        return self.edit("join", old, [self._made(1, measure(*box))], at)

    def retype(self, which: str, call_type: str, *, at: str, measure: Measure) -> Edit:
        """Another call type."""
        old = self._entry(which)
        if not call_type.strip():
            raise BadInput("a call type needs a name")
        call = replace(old.call or measured(old, measure), call_type=call_type.strip())
        new = msgspec.structs.replace(old, call_type=call.call_type, is_call=True, by=self.who, call=call)
        return self.edit("retype", [old], [new], at)

    def undo(self, at: str) -> Edit:
        """Take back the last edit that was not taken back."""
        done: list[Edit] = []
        for edit in self.edits:
            if edit.action == "undo":
                done.pop()
            else:
                done.append(edit)
        if not done:
            raise BadInput("there is nothing to undo")
        return self.edit("undo", done[-1].new, done[-1].old, at)

    def _entry(self, which: str) -> Entry:
        if which not in self.entries:
            raise BadInput(f"there is no call {which} any more; reload the page")
        return self.entries[which]

    def _made(self, n: int, call: Call) -> Entry:
        return _of(call, f"e{self.seq + 1}.{n}", self.who)


def measured(entry: Entry, measure: Measure) -> Call:
    """The call that an entry is, if it is one."""
    call = measure(*_box(entry.onset_s, entry.offset_s, *_band(entry)))
    return replace(call, call_type=entry.call_type) if entry.call_type else call


def _box(onset_s: float, offset_s: float, low_hz: float, high_hz: float) -> tuple[float, float, float, float]:
    if not (0 <= onset_s < offset_s < float("inf") and 0 <= low_hz < high_hz < float("inf")):
        raise BadInput("a call ends after it begins, and has some width; draw it again")
    return onset_s, offset_s, low_hz, high_hz


def _band(entry: Entry) -> tuple[float, float]:
    """Where its ridge is looked for: what it spans, and 2 kHz to each side."""
    return max(0.0, entry.low_hz - 2000.0), entry.high_hz + 2000.0


def _of(call: Call, name: str, who: str) -> Entry:
    return Entry(
        id=name, onset_s=call.onset_s, offset_s=call.offset_s, low_hz=call.low_hz, high_hz=call.high_hz,
        call_type=call.call_type, score=call.score, is_call=True, by=who, call=call,
    )  # fmt: skip


# -- files ------------------------------------------------------------------------------------------------------------


def rater_named(name: str) -> str:
    """A rater's name as files can carry it.

    Raises
    ------
    BadInput
        They cannot.
    """
    if not _RATER.fullmatch(name):
        raise BadInput("a rater's name has up to 30 letters, digits, - and _ (such as MK); choose one")
    return name


def begin_or_go_on(place: Path, recording: str, who: str, calls: Path, rejected: Path) -> Review:
    """A rater's review, as it stands.

    Parameters
    ----------
    place : folder of the reviews
    recording : name of the sound file; entries of others in the tables are left out
    calls, rejected : tables of the detector

    Raises
    ------
    BadInput
        The review began with other tables, is another recording's, or its journal is damaged.
    """
    path = place / f"{recording}.{rater_named(who)}.jsonl"
    review = Review(path, who, recording, _found(recording, calls, rejected))
    began = Beginning(
        recording=recording, who=who, software=f"behavior {__version__}",
        calls_sha256=_sha256(calls), rejected_sha256=_sha256(rejected),
    )  # fmt: skip
    review._head = msgspec.json.encode(began) + b"\n"
    review._after = crc32(review._head)
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    if lines and not lines[-1].endswith(b"\n"):
        _cut(path, len(lines[-1]))  # torn by a power cut; it was never acknowledged
        lines.pop()
    if lines:
        _go_on(review, lines, began)
    elif path.exists():
        path.unlink()
    review._n_bytes = sum(map(len, lines))
    return review


def _go_on(review: Review, lines: list[bytes], now: Beginning) -> None:
    path = review.path
    try:
        began = decode(lines[0], Beginning)
    except Undecodable:
        raise BadInput(f"{path}: does not begin as a review does; move it away, and begin anew") from None
    if (began.calls_sha256, began.rejected_sha256) != (now.calls_sha256, now.rejected_sha256):
        raise BadInput(
            f"{path}: the review began with other tables of calls than stand there now; restore these, or move the "
            f"review away and begin anew"
        )
    review._after = crc32(lines[0])
    for number, line in enumerate(lines[1:], start=2):
        try:
            edit = decode(line, Edit)
            if edit.after != f"{review._after:08x}":
                raise ValueError("it is not the line that was written there")
            review._take(edit, line)
        except (ValueError, KeyError) as error:
            raise BadInput(f"{path}: line {number} is damaged ({error}); restore it from a copy") from None


def _append(path: Path, line: bytes) -> None:
    import os

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as stream:
            if stream.write(line) != len(line):
                raise OSError(28, "No space left on device")
            os.fsync(stream.fileno())
    except OSError as error:
        raise Failure(f"{path}: the edit cannot be written ({error.strerror}); free the disk") from None


def _cut(path: Path, n_bytes: int) -> None:
    with path.open("r+b") as stream:
        stream.truncate(path.stat().st_size - n_bytes)


def _found(recording: str, calls: Path, rejected: Path) -> dict[str, Entry]:
    from behavior.usv.table import read_calls

    entries = {
        f"c{n}": msgspec.structs.replace(_of(call, f"c{n}", "detector"))
        for n, call in enumerate((call for call in read_calls(calls) if call.file == recording), start=1)
    }
    events = [event for event in _read_rejected(rejected) if event.file == recording]
    for n, event in enumerate(events, start=1):
        entries[f"r{n}"] = Entry(
            id=f"r{n}", onset_s=event.onset_s, offset_s=event.offset_s, low_hz=event.low_hz, high_hz=event.high_hz,
            call_type="", score=event.score, is_call=False, reason=event.reason,
        )  # fmt: skip
    return entries


def _read_rejected(path: Path) -> Iterable[Rejected]:
    import csv

    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as stream:
        try:
            return [
                Rejected(
                    file=row["file"], onset_s=float(row["onset_s"]), offset_s=float(row["offset_s"]),
                    low_hz=float(row["low_hz"]), high_hz=float(row["high_hz"]), score=float(row["score"]),
                    reason=row["reason"],
                )
                for row in csv.DictReader(stream)
            ]  # fmt: skip
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            raise BadInput(f"{path}: is not a table of rejected events ({error}); search the recording again") from None


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


# -- what scores use --------------------------------------------------------------------------------------------------


def use(folder: Path, reviews: Sequence[Review], at: str) -> None:
    """Let scores use what a rater decided: `reviewed.csv`, and `reviewed.json` that says whose it is.

    Parameters
    ----------
    folder : of the session, or of the recording's review
    reviews : of one rater, one for each recording of the session

    Raises
    ------
    BadInput
        They are of several raters.
    Failure
        The disk did not take it.
    """
    from behavior.usv.table import write_calls

    if len({review.who for review in reviews}) != 1:
        raise BadInput("scores use the calls of one rater; choose whose")
    said = {
        "by": reviews[0].who,
        "at": at,
        "n_edits": sum(review.seq for review in reviews),
        "journals": {review.path.name: _sha256(review.path) for review in reviews},
        "software": f"behavior {__version__}",
    }
    try:
        partial = folder / f".{REVIEWED}.partial"
        write_calls(partial, [call for review in reviews for call in review.calls])
        partial.replace(folder / REVIEWED)
        (folder / REVIEWED_BY).write_bytes(msgspec.json.format(msgspec.json.encode(said), indent=1) + b"\n")
    except OSError as error:
        raise Failure(f"{folder}: the reviewed calls cannot be written ({error.strerror}); free the disk") from None


def reviewed(folder: Path) -> tuple[list[Call], str] | None:
    """The calls that a person decided on, and who it was; None if nobody has.

    Raises
    ------
    BadInput
        The table cannot be read.
    """
    from behavior.usv.table import read_calls

    if not (folder / REVIEWED).exists():
        return None
    try:
        by = str(decode((folder / REVIEWED_BY).read_bytes(), dict[str, object])["by"])
    except (OSError, Undecodable, KeyError):
        raise BadInput(f"{folder / REVIEWED_BY}: does not say whose {REVIEWED} is; choose the review again") from None
    return read_calls(folder / REVIEWED), by


def as_row(entry: Entry) -> dict[str, object]:
    """An entry as a page takes it."""
    row = {name: getattr(entry, name) for name in entry.__struct_fields__ if name != "call"}
    return row | ({"peak_hz": entry.call.peak_hz, "columns": asdict(entry.call)} if entry.call else {"peak_hz": None})
