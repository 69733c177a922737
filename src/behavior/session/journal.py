r"""The journal: one JSON object a line, appended before the effect it explains, so that any tool reads it.

    {"kind":"LeverPressed","at_us":4711000,"lever":"left","host_us":4711350,"seq":12,"after":"77f1c3d0","crc":"9f86d081"}

`host_us` is when the host wrote it, on the session's clock. `seq` numbers the lines from 0. `crc` is the CRC-32 of
the bytes before `,"crc"`; `after` is the `crc` of the line before, and in the first line the CRC-32 of `header.json`.

What that shows. Damage: the line's own `crc` does not fit. A line that was changed and given a new `crc`: the next
line still remembers the old one (for the last line, the footer does). Lost, repeated or moved lines: `seq`. Each
names its line, and all other lines can still be read. A last line without its end is what a power cut leaves; it is
dropped and said. None of this stops a forger who rewrites every line after the change: the footer's SHA-256, and
whoever keeps a copy of it, does.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from errno import ENOSPC
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from zlib import crc32

import msgspec

from behavior.model.commands import AnyCommand, Command
from behavior.model.decode import WRONG
from behavior.model.errors import BadInput, Failure
from behavior.model.events import AnyEvent, Event

Item = Event | Command

_encode = msgspec.json.Encoder().encode
_LATEST_US = 2**62
"""What computes with times need not know numbers beyond 64 bits."""
_decode = msgspec.json.Decoder(AnyEvent | AnyCommand).decode
_CRC = len(b',"crc":"00000000"}\n')
_AFTER = len(b',"after":"00000000"')


def line_of(item: Item, seq: int, after: int, host_us: int) -> tuple[bytes, int]:
    """A journal line and its CRC, which the next line must carry as `after`."""
    body = b'%b,"host_us":%d,"seq":%d,"after":"%08x"' % (_encode(item)[:-1], host_us, seq, after)
    crc = crc32(body)
    return b'%b,"crc":"%08x"}\n' % (body, crc), crc


def _decoded(line: bytes) -> Item:
    item: Item = _decode(line)
    if not -_LATEST_US < getattr(item, "at_us", 0) < _LATEST_US:
        raise ValueError("a time beyond all clocks")
    return item


def item_of(line: bytes) -> tuple[Item, int]:
    """A whole line's item, and when the host wrote it.

    Raises
    ------
    ValueError, msgspec.MsgspecError
        It is no line of a journal, or of a version that is not known here.
    """
    at = line.rindex(b',"host_us":') + 11
    item = _decoded(line)
    return item, int(line[at : line.index(b",", at)])


def cut_torn_end(path: Path) -> bytes:
    """Take a torn last line off a journal, so that it can be continued; the bytes, which are no line."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if torn := data[whole:]:
        with path.open("r+b") as file:
            file.truncate(whole)
    return torn


class Record(Protocol):
    """Where a runner writes what happens, before it trusts the effect."""

    def __call__(self, item: Item, host_us: int) -> None: ...


class JournalWriter:
    """Appends lines to a new file. Never opens one that exists, so nothing is ever overwritten.

    A line is with the operating system when `record` returns, so that it outlives a killed process. It is on the
    disk, and outlives a power cut, after the flush that a thread begins at once for what must not be lost (`urgent`)
    and each second for the rest; nothing waits for it.

    Parameters
    ----------
    path : of the file to make
    header : the bytes of the session's header, which the first line is chained to
    durable : whether to flush to the disk; without, lines are also gathered, as suits a simulation
    continues : the journal of an interrupted session, read whole and without its torn end, to append to
    """

    urgent = frozenset({"Shock", "ShockEnded", "EndTrial", "EndComponent", "EndSession"})

    def __init__(self, path: Path, header: bytes, *, durable: bool = True, continues: Reading | None = None) -> None:
        self.path, self._seq, self._after = path, 0, crc32(header)
        if continues is not None and continues.items:
            self._seq, self._after = len(continues.items), continues.last_crc
        try:
            self._file = path.open("xb" if continues is None else "ab", buffering=0 if durable else 1 << 16)
        except FileExistsError:
            raise BadInput(
                f"{path}: a journal is there already and is never overwritten; choose another folder"
            ) from None
        self._flush = _Flusher(self._file.fileno()) if durable else None

    @property
    def n_lines(self) -> int:
        """How many lines were written."""
        return self._seq

    @property
    def last_crc(self) -> int:
        """The CRC of the last line."""
        return self._after

    def record(self, item: Item, host_us: int) -> None:
        """Append one line.

        Raises
        ------
        Failure
            The disk did not take it; the session must end.
        """
        line, crc = line_of(item, self._seq, self._after, host_us)
        try:
            if self._flush is not None and self._flush.failed is not None:
                raise self._flush.failed
            if self._file.write(line) != len(line):
                raise OSError(ENOSPC, "No space left on device")
        except OSError as error:
            raise self._unwritable(error) from error
        self._seq, self._after = self._seq + 1, crc
        if self._flush is not None and type(item).__name__ in self.urgent:
            self._flush.now()

    def close(self) -> None:
        """Flush and close. Safe to call again.

        Raises
        ------
        Failure
            The disk did not take what was left.
        """
        if self._flush is not None:
            self._flush.stop()
        try:
            self._file.close()
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> Failure:
        return Failure(f"{self.path}: the journal cannot be written ({error.strerror}); free the disk")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Flusher:
    """Flushes a file to the disk on a thread of its own: when asked, and each second."""

    def __init__(self, fd: int) -> None:
        self._fd, self._asked, self._stopped = fd, threading.Event(), False
        self.failed: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="journal flush", daemon=True)
        self._thread.start()

    def now(self) -> None:
        self._asked.set()

    def stop(self) -> None:
        if not self._stopped:
            self._stopped = True
            self._asked.set()
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped:
            self._asked.wait(timeout=1.0)
            self._asked.clear()
            try:
                os.fsync(self._fd)
            except OSError as error:
                self.failed = error
                return


@dataclass(frozen=True, slots=True)
class Reading:
    """What a journal holds.

    Attributes
    ----------
    items : all that could be read, in order
    lines : the number, from 1, of each item's line
    host_us : when the host wrote each item
    problems : what is wrong, each naming its line; a torn last line is not among them
    torn : whether the file ends in the middle of a line, which was dropped
    last_crc : of the last whole line
    """

    items: list[Item] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    host_us: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    torn: bool = False
    last_crc: int = 0


def read_journal(path: Path, header: bytes) -> Reading:
    """Read a journal, whatever state it is in.

    Raises
    ------
    BadInput
        There is no such file.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: there is no journal here; name a session's folder") from None
    return read_lines(data, header)


def read_lines(data: bytes, header: bytes) -> Reading:
    """Like `read_journal`, from the file's bytes."""
    whole, _, rest = data.rpartition(b"\n")
    items: list[Item] = []
    numbers: list[int] = []
    hosts: list[int] = []
    problems: list[str] = []
    before, remembered = "header.json", b"%08x" % crc32(header)
    expected = 0
    for number, line in enumerate(whole.split(b"\n") if whole else [], start=1):
        body, tail = line[: -_CRC + 1], line[-_CRC + 1 :]
        crc = b"%08x" % crc32(body)
        if tail != b',"crc":"%b"}' % crc:
            problems.append(f"line {number} is damaged: its checksum does not fit")
            before, remembered, expected = "", b"", expected + 1
            continue
        if remembered and body[-9:-1] != remembered:
            problems.append(f"{before} was changed after it was written: the next line remembers another checksum")
        try:
            at = body.rindex(b',"host_us":', 0, -_AFTER)
            host_us, _, seq_text = body[at + 11 : -_AFTER].partition(b',"seq":')
            host, seq = int(host_us), int(seq_text)
            item = _decoded(line)
        except WRONG:
            problems.append(f"line {number} is none that this version knows; use the version named in header.json")
        else:
            if seq != expected:
                problems.append(f"line {number} is out of place: it was written as line {seq + 1}")
            expected = seq
            items.append(item)
            numbers.append(number)
            hosts.append(host)
        before, remembered, expected = f"line {number}", crc, expected + 1
    return Reading(items, numbers, hosts, problems, torn=bool(rest), last_crc=int(remembered or b"0", 16))
