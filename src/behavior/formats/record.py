"""A whole session as one value: what its folder holds that cannot be made again, and the calls found in its sound.

`session_of` and `write_session` are the way to and from a session's folder, so that every format of sessions needs to
know nothing of folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from behavior.config.read import read
from behavior.config.study import Animals, Study
from behavior.model.calls import Call
from behavior.model.errors import BadInput
from behavior.model.session import SessionHeader
from behavior.scoring.rescore import CALLS
from behavior.scoring.timeline import Timeline, timeline_of
from behavior.session.folder import SessionFolder, Totals, create
from behavior.session.journal import Item, JournalWriter


@dataclass(frozen=True)
class SessionRecord:
    """A session.

    Attributes
    ----------
    header : who, what, how much, on what
    items : events and commands, in the journal's order
    host_us : when the host wrote each; empty where that is not known
    ended_at : date and time of its end, ISO 8601; empty if nobody closed it
    calls : found in its sound; None if nobody searched it
    sound, animals : its recordings, and what the study says of its animals; left out of comparisons, because they stay
        where they are
    """

    header: SessionHeader
    items: tuple[Item, ...]
    host_us: tuple[int, ...] = ()
    ended_at: str = ""
    calls: tuple[Call, ...] | None = None
    sound: tuple[Path, ...] = field(default=(), compare=False)
    animals: Animals | None = field(default=None, compare=False)

    @property
    def timeline(self) -> Timeline:
        """What happened when."""
        return timeline_of(self.items)

    @property
    def name(self) -> str:
        """For a person: subject and begin."""
        return f"{self.header.subject}, {self.header.started_at}"


def session_of(folder: SessionFolder) -> SessionRecord:
    """A session's folder as a record.

    Raises
    ------
    BadInput
        Its journal is damaged: nothing is exported that is not whole.
    """
    reading = folder.read()
    if reading.problems:
        raise BadInput(
            f"{folder.path}: its journal is damaged ({reading.problems[0]}); nothing is exported that is not whole; "
            "`behavior verify` says more"
        )
    footer, calls = folder.footer, None
    if (folder.path / CALLS).exists():
        from behavior.usv.table import read_calls

        calls = tuple(read_calls(folder.path / CALLS))
    return SessionRecord(
        folder.header,
        tuple(reading.items),
        tuple(reading.host_us),
        footer.ended_at if footer else "",
        calls,
        tuple(folder.sound_paths),
        _animals(folder.path),
    )


def _animals(folder: Path) -> Animals | None:
    """What the study says whose dataset the session is in, if there is one."""
    path = folder.resolve().parent.parent / "study.toml"
    return read(path, Study).animals if path.is_file() else None


def write_session(dataset: Path, record: SessionRecord, beside: Sequence[tuple[str, bytes]] = ()) -> SessionFolder:
    """A record as a new session's folder in a dataset.

    Parameters
    ----------
    dataset : folder of the study, made if need be
    record : the session
    beside : names and contents of further files in the folder, written before the footer

    Raises
    ------
    BadInput
        The place cannot be written to.
    """
    folder = create(dataset, record.header, durable=False)
    totals, reason = Totals(), "exported before its end"
    times = record.host_us or tuple(_times_us(record.items))
    with JournalWriter(folder.journal_path, folder.header_bytes, durable=False) as journal:
        for item, host_us in zip(record.items, times, strict=True):
            journal.record(item, host_us)
            totals.take(item)
    if record.calls is not None:
        from behavior.usv.table import write_calls

        write_calls(folder.path / CALLS, record.calls)
    for name, content in beside:
        (folder.path / name).write_bytes(content)
    reason = record.timeline.ended or reason
    if record.ended_at:
        folder.close(totals.footer(journal, reason=reason, ended_at=record.ended_at), durable=False)
    return folder


def _times_us(items: Sequence[Item]) -> list[int]:
    """The core's time at each item, for a journal of which nobody knows when the host wrote it."""
    now_us, times = 0, []
    for item in items:
        now_us = max(now_us, getattr(item, "at_us", now_us))
        times.append(now_us)
    return times
