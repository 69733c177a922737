"""A data folder with sessions in whatever state, for the tests of the screens."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from behavior.model.doses import Treatment
from behavior.model.events import SessionStarted
from behavior.session.engine import EngineStatus, status_of, write_status
from behavior.session.folder import SessionFolder, Totals, create
from behavior.session.journal import Item, JournalWriter
from session.recorded import header_of

CODED = Treatment(blind_code="K7QM", vehicle="saline")


def begun(data: Path, items: Iterable[Item] = (SessionStarted(0),), **changes: Any) -> SessionFolder:
    """A session that was begun a moment ago and that nobody has closed."""
    now = {"started_at": datetime.now().astimezone().isoformat(), "treatment": CODED}
    folder = create(data, header_of(**now | changes))
    with JournalWriter(folder.journal_path, folder.header_bytes, durable=False) as journal:
        for place, item in enumerate(items):
            journal.record(item, place)
    return folder


def closed(
    data: Path, items: Iterable[Item] = (SessionStarted(0),), reason: str = "completed", **changes: Any
) -> SessionFolder:
    """A session that has ended."""
    folder = create(data, header_of(**{"treatment": CODED} | changes))
    with JournalWriter(folder.journal_path, folder.header_bytes, durable=False) as journal:
        for item in items:
            journal.record(item, 0)
    folder.close(Totals().footer(journal, reason=reason, ended_at="2026-03-02T09:04:00+00:00"))
    return folder


def shows(
    folder: SessionFolder, *, at_s: float, pid: int | None = None, now_us: int = 0, **heard_us: int
) -> EngineStatus:
    """Let an engine show itself."""
    from msgspec.structs import replace

    status = replace(status_of(now_us, now_us, heard_us, at_s=at_s), pid=os.getpid() if pid is None else pid)
    write_status(folder.path, status)
    return status
