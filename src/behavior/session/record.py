"""One session into its folder: journal while it runs, footer when it is over, whatever it ends with."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from behavior.model.errors import BehaviorError, Failure
from behavior.model.events import Event, SessionStarted
from behavior.model.session import ClockRecord, SessionFooter
from behavior.session.core import SessionCore
from behavior.session.folder import SessionFolder, Totals
from behavior.session.journal import Item, JournalWriter
from behavior.session.resume import Interrupted
from behavior.session.runner import Apparatus, run


def record_session(
    folder: SessionFolder,
    core: SessionCore,
    apparatus: Apparatus,
    *,
    time_of_day: Callable[[], str],
    durable: bool = True,
    watch: Callable[[Item], None] = lambda item: None,
    interrupted: Interrupted | None = None,
    first: Callable[[int], Event] = SessionStarted,
    clocks: Callable[[], dict[str, ClockRecord]] | None = None,
) -> SessionFooter:
    """Run a session, write its journal and its footer.

    Parameters
    ----------
    folder : new, with its header
    core, apparatus : fresh, or of the interrupted session
    time_of_day : tells date and time, ISO 8601
    durable : flush the journal to the disk as it grows
    watch : sees each item after it was written
    interrupted : a session that is gone on with; `core` is then its core
    first : makes the first input, from the time
    clocks : tells at the end how well each device's clock was known

    Raises
    ------
    Failure
        The session could not be carried on. It was ended safely, and its footer says why.
    """
    totals = Totals()
    continues = interrupted.reading if interrupted else None
    owed, before = (interrupted.owed, interrupted.before) if interrupted else ([], [])
    for item in continues.items if continues else []:
        totals.take(item)
        watch(item)
    journal = JournalWriter(folder.journal_path, folder.header_bytes, durable=durable, continues=continues)

    def record(item: Item, host_us: int) -> None:
        journal.record(item, host_us)
        totals.take(item)
        watch(item)

    failure: Exception | None = None
    try:
        with journal:
            run(core, apparatus, record, first=first, owed=owed, before=before)
    except Exception as error:  # noqa: BLE001 — whatever it was, the footer is written first
        failure = error
    reason = str(core.ended) if failure is None else f"failure of the host: {failure}"
    footer = totals.footer(journal, reason=reason, ended_at=time_of_day())
    if clocks is not None:
        footer = replace(footer, clocks=clocks())
    try:
        folder.close(footer, durable=durable)
    except Failure as error:
        failure = failure or error
    if failure is not None:
        sentence = str(failure) if isinstance(failure, BehaviorError) else f"the host failed ({failure!r})"
        raise Failure(f"{folder.path}: the session was ended safely, because {sentence}") from failure
    return footer
