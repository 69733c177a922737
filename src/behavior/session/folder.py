"""A session's folder: header, journal, footer, sound, and what is derived from them.

    DATASET/sub-R01/ses-20261120T101500_task-geller-seifter/
        header.json     who, what, how much, on what, from which seed          written once, before the first event
        journal.jsonl   everything that happened and was commanded              appended
        footer.json     when and why it ended, totals, digest of the journal    written once, at the end
        audio.flac      the chamber's sound, if the paradigm records it; audio_part-02.flac after a resume
        truth.csv       which calls are in the sound; simulated sessions only
        calls.csv, components.csv, score.json                                   derived: can be made again at any time

Nothing here is ever overwritten but what is derived.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from errno import ENOSPC
from os import strerror
from pathlib import Path

import msgspec

from behavior.model.decode import Undecodable, decode
from behavior.model.errors import BadInput, Failure
from behavior.model.events import Crossed, Delivered, Event, LeverPressed, RecordingStarted, ShockEnded
from behavior.model.session import SESSION_FORMAT, SessionFooter, SessionHeader
from behavior.session.journal import Item, JournalWriter, Reading, read_journal
from behavior.session.recording import part_of


class SessionFolder:
    """A session's folder that exists.

    Parameters
    ----------
    path : of the folder

    Raises
    ------
    BadInput
        There is no session in it, or its header cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.header_bytes = (path / "header.json").read_bytes()
        except OSError:
            raise BadInput(f"{path}: no session here (no header.json); name a session's folder") from None
        try:
            self.header = decode(self.header_bytes, SessionHeader)
        except Undecodable as error:
            raise BadInput(f"{path / 'header.json'}: not a session's header ({error})") from None
        if self.header.format != SESSION_FORMAT:
            raise BadInput(
                f"{path / 'header.json'}: written as {self.header.format}, this version reads {SESSION_FORMAT}; "
                f"use {self.header.software}"
            )

    @property
    def name(self) -> str:
        """Subject, session and task, as in the folder's path."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def journal_path(self) -> Path:
        """The journal."""
        return self.path / "journal.jsonl"

    @property
    def sound_paths(self) -> list[Path]:
        """Its recordings, in order: none, one, or one more for each resume amid a recording."""
        return sorted((path for path in self.path.iterdir() if part_of(path.name)), key=lambda path: part_of(path.name))

    @property
    def next_sound_part(self) -> int:
        """Which part of the sound whoever records next has to write."""
        named = [item.file for item in self.read().items if isinstance(item, RecordingStarted)]
        return 1 + max((part_of(name) for name in (*named, *(path.name for path in self.sound_paths))), default=0)

    def read(self) -> Reading:
        """The journal, as far as it can be read."""
        return read_journal(self.journal_path, self.header_bytes)

    @property
    def footer(self) -> SessionFooter | None:
        """The footer, or None if nobody closed the session.

        Raises
        ------
        BadInput
            There is a file of that name which is none.
        """
        path = self.path / "footer.json"
        if not path.exists():
            return None
        try:
            return decode(path.read_bytes(), SessionFooter)
        except Undecodable as error:
            raise BadInput(f"{path}: not a session's footer ({error})") from None

    def close(self, footer: SessionFooter, *, durable: bool = True) -> None:
        """Write the footer, after the journal was closed."""
        _write_new(self.path / "footer.json", msgspec.json.format(msgspec.json.encode(footer)), durable=durable)


def create(dataset: Path, header: SessionHeader, *, durable: bool = True) -> SessionFolder:
    """Make the folder of a new session and write its header; both are on the disk when this returns.

    Without its header a journal cannot be replayed, so a power cut in the first seconds must not take it.

    Parameters
    ----------
    dataset : folder of all sessions
    header : of the new one
    durable : wait for the disk; a simulation does not

    Raises
    ------
    BadInput
        The place cannot be written to.
    """
    label = re.sub(r"[^0-9A-Za-z]", "", header.started_at[:19])  # no name of a header leads out of the dataset
    subject = re.sub(r"[^0-9A-Za-z]+", "", header.subject)
    task = re.sub(r"[^0-9A-Za-z-]+", "", header.paradigm.replace("_", "-"))
    stem = f"ses-{label}_task-{task}"
    for run in range(1, 1000):
        path = dataset / f"sub-{subject}" / (stem if run == 1 else f"{stem}_run-{run:02d}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            if path.is_dir():
                continue
            raise BadInput(f"{path}: a file is in the way of the session's folder; choose another folder") from None
        except NotADirectoryError:
            raise BadInput(f"{dataset}: this is a file; name a folder for the data") from None
        except OSError as error:
            raise BadInput(f"{dataset}: cannot be written to ({error.strerror}); choose another folder") from None
        _write_new(path / "header.json", msgspec.json.format(msgspec.json.encode(header)), durable=durable)
        for place in (path.parent, dataset) if durable else ():
            _flush_folder(place)
        return SessionFolder(path)
    raise BadInput(f"{dataset}: a thousand sessions of {header.subject} at {header.started_at}; check the clock")


class Totals:
    """What the footer counts, gathered while the session runs."""

    def __init__(self) -> None:
        self._last_us = self._shock_us = 0
        self._n_shocks = self._n_deliveries = self._n_responses = 0

    def take(self, item: Item) -> None:
        """Count one item of the journal."""
        if isinstance(item, Event):
            self._last_us = max(self._last_us, item.at_us)
        match item:
            case ShockEnded():
                self._n_shocks += 1
                self._shock_us += item.duration_us
            case Delivered():
                self._n_deliveries += 1
            case LeverPressed() | Crossed():
                self._n_responses += 1

    def footer(self, journal: JournalWriter, *, reason: str, ended_at: str) -> SessionFooter:
        """The footer of a session whose journal is closed."""
        return SessionFooter(
            ended_at=ended_at,
            reason=reason,
            duration_s=self._last_us / 1e6,
            n_lines=journal.n_lines,
            last_crc=f"{journal.last_crc:08x}",
            journal_sha256=hashlib.sha256(journal.path.read_bytes()).hexdigest(),
            n_shocks=self._n_shocks,
            shock_s=self._shock_us / 1e6,
            n_deliveries=self._n_deliveries,
            n_responses=self._n_responses,
        )


def find_sessions(*places: Path) -> Iterator[SessionFolder]:
    """Every session in these folders, at any depth, in order of their paths.

    Raises
    ------
    BadInput
        A place is no folder, or holds no session.
    """
    for place in places:
        if not place.is_dir():
            raise BadInput(f"{place}: there is no such folder; name a session's folder or one that holds some")
        headers = sorted(place.rglob("header.json"))
        if not headers:
            raise BadInput(f"{place}: no session in it (no header.json); name a folder that `behavior` wrote")
        for header in headers:
            yield SessionFolder(header.parent)


def _write_new(path: Path, data: bytes, *, durable: bool) -> None:
    try:
        with path.open("xb", buffering=0) as file:
            try:
                if file.write(data + b"\n") <= len(data):
                    raise OSError(ENOSPC, strerror(ENOSPC))
                if durable:
                    os.fsync(file.fileno())
                    _flush_folder(path.parent)
            except OSError:
                path.unlink()  # half a file would be taken for one
                raise
    except FileExistsError:
        raise BadInput(f"{path}: is there already and is never overwritten; choose another folder") from None
    except OSError as error:
        raise Failure(f"{path}: cannot be written ({error.strerror}); free the disk or choose another folder") from None


def _flush_folder(path: Path) -> None:
    """See to it that what was made in a folder is found there after a power cut; Windows has no such call."""
    if os.name != "posix":
        return
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
