"""Going on after a crash: replay brings the core to where it was; the time that nobody drove it is an event.

Rules.

1.  What the journal holds happened; what it lacks is commanded anew by the replay (*owed*). Owed pulses are journalled
    and not sent: nobody knows whether they went out, they count in full, and nothing is ever given twice.
2.  The gap takes no time from the paradigm: deadlines shift by it, lights and levers are set again, a shock that was
    cut is not repeated. It begins when the engine's loop last came round, which `engine.json` tells to half a second,
    if the journal holds all that it held then; else with the journal's last line.
3.  Another version of the program, or of the paradigm, is said; it goes on only if its replay agrees with the journal.
4.  A recording that was cut ends where its file does, and a new file goes on; what was missed is unheard, not silent.
5.  A gap that is too long, or a journal whose inputs are damaged, cannot be gone on with; such a session can be closed,
    which gives it a footer and changes nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from behavior import __version__
from behavior.model.commands import Command, Deliver, Shock
from behavior.model.errors import BadInput, BehaviorError, Failure
from behavior.model.events import Event, Noted, Resumed
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import core_of
from behavior.session.core import SessionCore
from behavior.session.engine import read_status
from behavior.session.folder import SessionFolder
from behavior.session.journal import Reading, cut_torn_end
from behavior.session.recording import cut_recording, end_of_cut
from behavior.session.replay import replay


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A session that nobody closed, brought to where it was.

    Attributes
    ----------
    folder : of the session
    reading : its journal, whole
    core : in the state at the journal's end
    owed : commands that the journal lacks
    alive_us : until when somebody drove it, session time
    remarks : what whoever goes on with it should know
    """

    folder: SessionFolder
    reading: Reading
    core: SessionCore
    owed: list[Command]
    alive_us: int
    remarks: tuple[str, ...] = ()

    @property
    def n_shocks(self) -> int:
        """How many shocks this session has commanded."""
        return self._count(Shock)

    @property
    def n_deliveries(self) -> int:
        """How many reinforcers this session has commanded."""
        return self._count(Deliver)

    @property
    def before(self) -> list[Event]:
        """What has to be journalled before it goes on or is closed: the end of a recording that was cut, remarks."""
        cut, now_us = cut_recording(self.reading.items), self.core.now_us
        ended = [] if cut is None else [end_of_cut(cut, self.folder.path, self.reading.items)]
        return [*ended, *(Noted(now_us, f"resume: {remark}") for remark in self.remarks)]

    def gap_us(self, now: datetime) -> int:
        """How long nobody drove it, by the computer's time of day; never less than nothing.

        A clock that was set back in between makes the gap too short and never negative.
        """
        since_start_us = round((now - datetime.fromisoformat(self.folder.header.started_at)).total_seconds() * 1e6)
        return max(0, since_start_us - self.alive_us)

    def _count(self, kind: type[Command]) -> int:
        return sum(isinstance(item, kind) for item in (*self.reading.items, *self.owed))


def interrupted(folder: SessionFolder) -> Interrupted:
    """Bring a session that nobody closed to where it was. A torn last line is taken off its journal.

    Raises
    ------
    BadInput
        Somebody closed it, or it never began.
    Failure
        Its journal does not hold; the session can be scored as far as it can be read, and not be gone on with.
    """
    if folder.footer is not None:
        raise BadInput(f"{folder.path}: this session is finished ({folder.footer.reason}); start a new one")
    if folder.header.imported:
        raise BadInput(f"{folder.path}: was imported and not run here; remove the folder and import it again")
    reading = folder.read()
    if reading.problems:
        raise Failure(f"{folder.path}: cannot be gone on with: {'; '.join(reading.problems)}")
    if not reading.items:
        raise BadInput(f"{folder.path}: this session never began; start a new one")
    changed = changes_since(folder)
    try:
        core = core_of(folder.header, own_code=True)
        owed = replay(core, zip(reading.lines, reading.items, strict=True))
    except BehaviorError as error:
        because = f" ({'; '.join(changed)})" if changed else ""
        raise Failure(f"{folder.path}: cannot be gone on with, its replay does not agree{because}: {error}") from None
    cut_torn_end(folder.journal_path)
    remarks = tuple(f"{change}, and the replay agrees" for change in changed)
    return Interrupted(folder, reading, core, owed, _alive_us(folder, reading, core), remarks)


def _alive_us(folder: SessionFolder, reading: Reading, core: SessionCore) -> int:
    """Until when somebody drove it: the journal's last line, or later, as long as nothing happened."""
    status = read_status(folder.path)
    whole = status is not None and 0 <= status.n_lines <= len(reading.items)
    return max(core.now_us, *reading.host_us, status.looked_us if status is not None and whole else 0)


def changes_since(folder: SessionFolder) -> list[str]:
    """What is not as it was when a session began: the version of the program, the source of the paradigm."""
    header, now = folder.header, f"behavior {__version__}"
    changed = [] if header.software == now else [f"begun by {header.software}, and this is {now}"]
    if find_paradigm(header.paradigm_file or header.paradigm, own_code=True).sha256 != header.paradigm_sha256:
        changed.append("the paradigm's source has changed since")
    return changed


def resumed(core: SessionCore, alive_us: int = 0) -> Callable[[int], Event]:
    """Makes the event of the gap since `alive_us`, from the time at which somebody drives the core again."""

    def event(now_us: int) -> Event:
        return Resumed(now_us, max(0, now_us - max(core.now_us, alive_us)))

    return event


class Nobody:
    """An apparatus for closing a session without its devices: nothing is sent, nothing happens.

    Parameters
    ----------
    now_us : the time at which it is closed
    """

    def __init__(self, now_us: int) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        """Always the same."""
        return self._now_us

    def send(self, command: Command) -> None:
        """To nobody."""

    def wait(self, until_us: int) -> list[Event]:
        """For nothing."""
        return []

    def settle(self) -> list[Event]:
        """Nothing is reported."""
        return []
