"""A dataset's audit log: what was done to its records, by whom, when, and why. `audit.jsonl`, one entry a line.

Rules.

1.  **Entries are appended, never changed.** Each holds the digest of the one before and its own, so that an entry that
    was edited, left out or put elsewhere is named by its line.
2.  A chain shows that nothing *within* it was changed. That nobody wrote all of it anew, or cut its end, only a digest
    shows that was put on record elsewhere: `head` stands in every report, and `verify` can be told one.
3.  A change names the value before and the value after, and a reason.
4.  What is appended after the unblinding is labelled so, by the log itself.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec

from behavior import __version__
from behavior.model.decode import Undecodable, decode
from behavior.model.errors import BadInput, Failure

T = TypeVar("T")
AUDIT_FILE = "audit.jsonl"
NOTHING_BEFORE = "0" * 64
UNBLINDED = "unblinded"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log."""

    seq: int
    """From 1."""
    at: str
    """ISO 8601 with time zone."""
    who: str
    action: str
    about: str
    """File, session, subject or code."""
    old: Any = None
    new: Any = None
    reason: str = ""
    after_unblinding: bool = False
    software: str
    previous: str
    digest: str = ""

    def told(self, name: str, kind: type[T]) -> T:
        """One of the values that the entry is about.

        Raises
        ------
        BadInput
            It does not hold it: another program wrote the entry.
        """
        value = self.new.get(name) if isinstance(self.new, dict) else None
        if not isinstance(value, kind):
            raise BadInput(f"{AUDIT_FILE}, line {self.seq}: {self.action!r} without {name}; restore it from a copy")
        return value


@dataclass(frozen=True)
class AuditLog:
    """The log as it was read. `problems` says what does not hold, each with its line."""

    path: Path
    entries: tuple[Entry, ...]
    problems: tuple[str, ...]

    @property
    def head(self) -> str:
        """Digest of the last entry, which stands for all of them."""
        return self.entries[-1].digest if self.entries else NOTHING_BEFORE

    @property
    def unblinded(self) -> Entry | None:
        """The entry with which the study was unblinded, if it was."""
        return next(self.of(UNBLINDED), None)

    def of(self, *actions: str) -> Iterator[Entry]:
        """Entries with one of these actions, in order."""
        return (entry for entry in self.entries if entry.action in actions)

    def trusted(self) -> AuditLog:
        """The log itself, if it holds.

        Raises
        ------
        Failure
            It does not; each problem with its line.
        """
        if self.problems:
            raise Failure(f"{self.path} does not hold: {'; '.join(self.problems)}; restore it from a copy")
        return self


def read_audit(dataset: Path) -> AuditLog:
    """The log of a dataset; without entries where there is none.

    Raises
    ------
    BadInput
        It cannot be read at all.
    """
    path = dataset / AUDIT_FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    return _checked(path, data)


def _checked(path: Path, data: bytes) -> AuditLog:
    entries: list[Entry] = []
    problems: list[str] = []
    previous, lines = NOTHING_BEFORE, data.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            entry = decode(line, Entry)
        except Undecodable:
            problems.append(f"line {number} is no entry")
            continue
        if entry.digest != _digest(entry) or msgspec.json.encode(entry) != line:
            problems.append(f"line {number} was changed")
        elif entry.previous != previous or entry.seq != number:
            problems.append(f"line {number} does not follow the line before")
        previous = entry.digest
        entries.append(entry)
    if lines[-1]:
        problems.append(f"line {len(lines)} is torn")
    return AuditLog(path, tuple(entries), tuple(problems))


def _digest(entry: Entry) -> str:
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(entry, digest=""))).hexdigest()


def append(
    dataset: Path,
    action: str,
    about: str,
    *,
    who: str,
    at: str | None = None,
    old: object = None,
    new: object = None,
    reason: str = "",
) -> Entry:
    """Append an entry to the log of a dataset, and see it on the disk.

    Parameters
    ----------
    dataset : the folder; it exists
    action, about : what was done, to what
    who : did it
    at : when, ISO 8601; now where absent
    old, new : values before and after, as JSON can hold them
    reason : why

    Raises
    ------
    Failure
        The log does not hold, so that nothing can be put after it; or the disk did not take the entry.
    """
    (entry,) = append_all(dataset, [(action, about, old, new)], who=who, at=at, reason=reason)
    return entry


def append_all(
    dataset: Path,
    happenings: Sequence[tuple[str, str, object, object]],
    *,
    who: str,
    at: str | None = None,
    reason: str = "",
) -> list[Entry]:
    """Append several entries at once, each of action, about, old and new; as `append`."""
    path, when = dataset / AUDIT_FILE, at or datetime.now().astimezone().isoformat(timespec="seconds")
    made: list[Entry] = []
    try:
        with path.open("a+b") as file, _locked(file):
            file.seek(0)
            log = _checked(path, file.read()).trusted()
            previous, after = log.head, log.unblinded is not None
            for number, (action, about, old, new) in enumerate(happenings, start=len(log.entries) + 1):
                bare = Entry(
                    seq=number, at=when, who=who, action=action, about=about, old=old, new=new, reason=reason,
                    after_unblinding=after, software=f"behavior {__version__}", previous=previous,
                )  # fmt: skip
                entry = msgspec.structs.replace(bare, digest=_digest(bare))
                previous, after = entry.digest, after or action == UNBLINDED
                made.append(entry)
            file.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in made))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Failure(f"{path}: cannot be written to ({error.strerror}); free the disk or mend permissions") from None
    return made


_LOCKED_AT = 1 << 30
"""Beyond the end: on Windows nobody else could read what is locked."""


@contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    """In the block nobody else appends."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        file.seek(_LOCKED_AT)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)  # type: ignore[attr-defined, unused-ignore]
        try:
            yield
        finally:
            file.seek(_LOCKED_AT)
            msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def find_log(place: Path) -> Path | None:
    """The dataset that a folder belongs to: the nearest one, itself or above, that has a log."""
    here = place.resolve()
    return next((folder for folder in (here, *here.parents) if (folder / AUDIT_FILE).is_file()), None)
