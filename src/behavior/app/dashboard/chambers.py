"""Which chambers there are, and how the session in each of them stands: read again and again from what is on disk.

A session without a footer runs, if its engine shows itself (`engine.json` is written anew twice a second); it has died,
if the engine's process is gone; it is silent, if nothing was written for `SILENT_S`, as when the computer hangs or the
disk does. One that no engine ever showed itself for is only starting, or was never closed.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec

from behavior.app.dashboard.watch import Watch
from behavior.model.errors import BadInput
from behavior.session import requests
from behavior.session.engine import EngineStatus, read_status
from behavior.session.folder import SessionFolder
from behavior.session.tail import JournalTail

SILENT_S = 1.5
GONE_S = 3600.0
"""After so long a silence another process has the engine's number, if one has it."""
UNHEEDED_S = 1.0
"""A request that waits so long is not going to be heard."""
STARTING_S = 20.0
SHOWN_H = 24.0
"""A session is on the board for so long after its start, or while it runs."""
DEEPEST = 5
"""So many folders deep sessions are looked for."""
LOOKS_FOR_SESSIONS_EVERY_S = 0.5
TREATMENT_EVERY_S = 10.0
RUNNING, STARTING, SILENT, DIED, ENDED, UNCLOSED = "running", "starting", "silent", "died", "ended", "unclosed"
LIVE = (RUNNING, STARTING, SILENT, DIED)
BUSY = (RUNNING, STARTING, SILENT)
"""A chamber in which nothing else can be started."""


class DeviceSeen(msgspec.Struct):
    """A device of the chamber: how long it has been silent, s."""

    name: str
    silent_s: float | None
    lost: bool


class Card(msgspec.Struct, kw_only=True):
    """What the board shows of a chamber. Times in s; `session` is None for one that stands empty."""

    key: str
    chamber: str
    rig: str = ""
    session: str | None = None
    state: str = "empty"
    subject: str = ""
    treatment: str = ""
    paradigm: str = ""
    simulated: bool = False
    started_at: str = ""
    t_s: int = 0
    last_us: int = 0
    where: str = ""
    last: str = ""
    on: list[str] = []
    rates: list[tuple[str, float | None, int]] = []
    recent_per_min: float | None = None
    tally: dict[str, int] = {}
    fraction_escapes: float | None = None
    n_responses: int = 0
    n_arrived: int = 0
    n_shocks: int = 0
    allowed: int = 0
    shock_on_ma: float | None = None
    devices: list[DeviceSeen] = []
    recording: bool = False
    sound: str | None = None
    sound_at_us: int = 0
    n_dropped: int | None = None
    n_calls: int | None = None
    n_notes: int = 0
    free_gb: float | None = None
    alerts: list[str] = []
    reason: str = ""
    stoppable: bool = False


@dataclass
class Followed:
    """A session on the board."""

    folder: SessionFolder
    watch: Watch
    tail: JournalTail
    status: EngineStatus | None = None
    status_changed_s: float | None = None
    footer_reason: str | None = None
    finished: bool = False
    treatment: str = ""
    treatment_s: float = float("-inf")
    asked_s: float | None = None


class Chambers:
    """The chambers of a data folder and of a rig.

    Parameters
    ----------
    data : folder of the sessions
    rig : name of a rig and its chambers, which are shown even when they stand empty
    shown : turns a session's header into what may be shown of its treatment
    clock_s : a monotonic clock
    now_s : seconds since 1970

    Attributes
    ----------
    cards : each chamber's card as JSON, by its key, in order
    of_sessions : the same, by their sessions' addresses
    lock : held while what was read changes a `Watch`, never while a disk is waited for
    """

    def __init__(
        self,
        data: Path,
        rig: tuple[str, tuple[str, ...]] | None = None,
        *,
        shown: Callable[[SessionFolder], str],
        clock_s: Callable[[], float] = time.monotonic,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self.data, self.rig = data, rig
        self._shown, self._clock_s, self._now_s = shown, clock_s, now_s
        self._followed: dict[Path, Followed] = {}
        self._ignored: set[Path] = set()
        self._folders: dict[Path, tuple[int, list[Path]]] = {}
        self._looked_s = float("-inf")
        self._free: tuple[float, float | None] = (float("-inf"), None)
        self.cards: dict[str, bytes] = {}
        self.of_sessions: dict[str, bytes] = {}
        self.lock = threading.Lock()

    def look(self) -> bool:
        """Read what is new; whether any card changed."""
        now_s = self._clock_s()
        if now_s - self._looked_s >= LOOKS_FOR_SESSIONS_EVERY_S:
            self._looked_s = now_s
            self._find()
        for one in self._followed.values():
            self._follow(one, now_s)
        cards = list(self._cards(now_s))
        fresh = {card.key: msgspec.json.encode(card) for card in cards}
        changed = fresh != self.cards
        self.cards = fresh
        self.of_sessions = {card.session: fresh[card.key] for card in cards if card.session is not None}
        return changed

    def followed(self, path: Path) -> Followed:
        """A session of the board.

        Raises
        ------
        BadInput
            It is not on it.
        """
        for one in list(self._followed.values()):
            if one.folder.path.resolve() == path:
                return one
        raise BadInput("this session is not on the board any more; look for it on the study page")

    def live(self, chamber: str | None = None, states: tuple[str, ...] = LIVE) -> list[Followed]:
        """The sessions that run, in this chamber or in all."""
        now_s = self._clock_s()
        return [
            one
            for one in list(self._followed.values())
            if chamber in (None, one.folder.header.chamber) and self._state(one, now_s) in states
        ]

    def check_listens(self, one: Followed) -> None:
        """Check that a session has an engine that can be asked.

        Raises
        ------
        BadInput
            It has none any more.
        """
        state = self._state(one, self._clock_s())
        if state in (DIED, UNCLOSED):
            header = one.folder.header
            raise BadInput(
                f"chamber {header.chamber}: the engine of {header.subject}'s session is gone, and with it what drove "
                f"the devices; look into the box, then `behavior resume {one.folder.path}`"
            )

    # -- finding ----------------------------------------------------------------------------------------------------

    def _find(self) -> None:
        for path in self._sessions(self.data, DEEPEST):
            if path in self._followed or path in self._ignored:
                continue
            try:
                folder = SessionFolder(path)
                began_s = datetime.fromisoformat(folder.header.started_at).timestamp()
            except (BadInput, ValueError):
                continue  # a header that is being written, or none of this version: the study page says so
            if self._now_s() - began_s > SHOWN_H * 3600 and read_status(path) is None:
                self._ignored.add(path)
                continue
            self._followed[path] = Followed(folder, Watch(folder.header), JournalTail(folder.journal_path))

    def _sessions(self, folder: Path, depth: int) -> Iterator[Path]:
        """Folders with a header, those of folders that have not changed from memory."""
        try:
            changed = folder.stat().st_mtime_ns
            known = self._folders.get(folder)
            if known is None or known[0] != changed:
                known = (changed, self._inside(folder))
                self._folders[folder] = known
        except OSError:
            self._folders.pop(folder, None)
            return
        for path in known[1]:
            if path.name.startswith("ses-"):
                if (path / "header.json").exists():
                    yield path
            elif depth:
                yield from self._sessions(path, depth - 1)

    @staticmethod
    def _inside(folder: Path) -> list[Path]:
        with os.scandir(folder) as entries:
            return sorted(
                Path(entry.path)
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            )

    # -- following --------------------------------------------------------------------------------------------------

    def _follow(self, one: Followed, now_s: float) -> None:
        if one.finished:
            return
        if one.footer_reason is None:
            with suppress(BadInput):  # half written
                footer = one.folder.footer
                one.footer_reason = None if footer is None else footer.reason
        new = one.tail.read()
        with self.lock:
            for item, host_us in new:
                one.watch.take(item, host_us)
        one.finished = one.footer_reason is not None and not new  # the footer comes after the journal's last line
        if one.tail.cut:
            one.watch, one.tail = Watch(one.folder.header), JournalTail(one.folder.journal_path)
        status = read_status(one.folder.path)
        if status is not None and status != one.status:
            first = one.status is None and status.host == socket.gethostname()
            age_s = max(0.0, self._now_s() - status.written_at) if first else 0.0
            one.status, one.status_changed_s = status, now_s - age_s
        one.asked_s = self._asked(one, now_s)

    @staticmethod
    def _asked(one: Followed, now_s: float) -> float | None:
        """Since when a request waits."""
        try:
            waits = any(path.suffix == ".json" for path in (one.folder.path / requests.FOLDER).iterdir())
        except OSError:
            waits = False
        return (one.asked_s or now_s) if waits else None

    def _state(self, one: Followed, now_s: float) -> str:
        if one.footer_reason is not None:
            return ENDED
        if one.status is None or one.status_changed_s is None:
            began_s = one.folder.path.joinpath("header.json").stat().st_mtime
            return STARTING if self._now_s() - began_s < STARTING_S else UNCLOSED
        if not is_alive(one.status):
            return DIED
        silent_s = now_s - one.status_changed_s
        return RUNNING if silent_s <= SILENT_S else SILENT if silent_s <= GONE_S else DIED

    # -- cards ------------------------------------------------------------------------------------------------------

    def _cards(self, now_s: float) -> Iterator[Card]:
        cards: dict[tuple[str, str], list[tuple[Followed, str]]] = {}
        for chamber in self.rig[1] if self.rig else ():
            cards[self.rig[0] if self.rig else "", chamber] = []
        for one in self._followed.values():
            with suppress(OSError):  # the folder is gone
                header = one.folder.header
                cards.setdefault((header.rig, header.chamber), []).append((one, self._state(one, now_s)))
        for (rig, chamber), sessions in sorted(cards.items(), key=lambda item: item[0]):
            alive = [pair for pair in sessions if pair[1] in LIVE]
            latest = sorted(sessions, key=lambda pair: pair[0].folder.header.started_at)[-1:]
            for place, (one, state) in enumerate(alive or latest):
                yield self._card(one, state, now_s, key=f"{rig}/{chamber}" + (f"#{place + 1}" if place else ""))
            self._let_go(sessions, alive or latest)
            if not sessions:
                yield Card(key=f"{rig}/{chamber}", chamber=chamber, rig=rig, free_gb=self._free_gb(now_s))

    def _let_go(self, sessions: list[tuple[Followed, str]], shown: list[tuple[Followed, str]]) -> None:
        """Forget the sessions that are over and that another one has taken the place of."""
        kept = [one for one, _ in shown]
        for one, state in sessions:
            if one not in kept and state == ENDED:
                self._ignored.add(one.folder.path)
                del self._followed[one.folder.path]

    def _card(self, one: Followed, state: str, now_s: float, *, key: str) -> Card:
        watch, header = one.watch, one.folder.header
        now_us = self._now_us(one, state, now_s)
        part = watch.open_parts[-1] if watch.open_parts else None
        where = part or ""
        if watch.trial is not None:
            where = f"trial {watch.trial}" + (f" of {watch.n_trials}" if watch.n_trials else "")
        return Card(
            key=key,
            chamber=header.chamber,
            rig=header.rig,
            session=one.folder.path.relative_to(self.data).as_posix(),
            state=state,
            subject=header.subject,
            treatment=self._treatment(one, now_s),
            paradigm=header.paradigm,
            simulated=header.simulated,
            started_at=header.started_at,
            t_s=now_us // 1_000_000,
            last_us=watch.host_us,
            where=where,
            last=watch.last,
            on=sorted(watch.cues),
            rates=[(p.name, _rounded(p.rate_per_min(now_us)), p.n_responses) for p in watch.parts.values()],
            recent_per_min=_rounded(watch.recent_per_min(now_us)),
            tally=dict(watch.tally),
            fraction_escapes=watch.fraction_escapes(),
            n_responses=watch.n_responses,
            n_arrived=watch.n_arrived,
            n_shocks=watch.n_shocks,
            allowed=watch.allowed,
            shock_on_ma=watch.shock_on_ma if state in LIVE else None,
            devices=self._devices(one, state),
            recording=watch.recording and state == RUNNING,
            sound=_sound(one),
            sound_at_us=watch.sound[-1].at_us if watch.sound else 0,
            n_dropped=watch.n_dropped if watch.sound else None,
            n_calls=len(watch.calls) if watch.sound else None,
            n_notes=len(watch.notes),
            free_gb=self._free_gb(now_s),
            alerts=[*self._engine_alerts(one, state, now_s), *watch.alerts[-3:]],
            reason=one.footer_reason or "",
            stoppable=state in (RUNNING, SILENT, STARTING) and not watch.stopping,
        )

    def _treatment(self, one: Followed, now_s: float) -> str:
        """As far as it may be known; looked up every few seconds, because a study may be unblinded meanwhile."""
        if now_s - one.treatment_s > TREATMENT_EVERY_S:
            one.treatment, one.treatment_s = self._shown(one.folder), now_s
        return one.treatment

    def _now_us(self, one: Followed, state: str, now_s: float) -> int:
        """Session time: of a session that runs it goes on between two lines of the journal."""
        if state != RUNNING or one.status is None or one.status_changed_s is None:
            return one.watch.now_us
        return max(one.watch.now_us, one.status.now_us + round(1e6 * (now_s - one.status_changed_s)))

    def _devices(self, one: Followed, state: str) -> list[DeviceSeen]:
        status = one.status
        if status is None:
            return []
        devices = [device for device in one.folder.header.devices if device.kind != "microphone"]  # says what it lost
        heard = {device.name: status.heard_us.get(device.name) for device in devices}
        return [
            DeviceSeen(
                name,
                None if at_us is None else round((status.now_us - at_us) / 1e6, 1),
                name in one.watch.lost or state == DIED,
            )
            for name, at_us in heard.items()
        ]

    @staticmethod
    def _engine_alerts(one: Followed, state: str, now_s: float) -> Iterator[str]:
        name = one.folder.path
        if state == DIED:
            yield (
                "the engine died; the devices' watchdogs have switched everything off; look into the box, then "
                f"`behavior resume {name}`"
            )
        if state == SILENT and one.status_changed_s is not None:
            yield f"no sign of the engine for {now_s - one.status_changed_s:.0f} s; look at its computer"
        if state == UNCLOSED:
            yield f"nobody closed this session: `behavior resume {name}`"
        if one.asked_s is not None and state != ENDED and now_s - one.asked_s > UNHEEDED_S:
            yield "the engine does not react to what was asked; switch the shocker off at the device"
        if one.status is not None and state == RUNNING and one.status.now_us - one.status.looked_us > 2_000_000:
            yield "the session's loop hangs; switch the shocker off at the device"
        if one.tail.n_damaged:
            yield f"{one.tail.n_damaged} lines of the journal are damaged"

    def _free_gb(self, now_s: float) -> float | None:
        """Free space on the disk of the data, looked up every five seconds."""
        if now_s - self._free[0] > 5:
            try:
                self._free = (now_s, round(shutil.disk_usage(self.data).free / 1e9, 1))
            except OSError:
                self._free = (now_s, None)
        return self._free[1]


def is_alive(status: EngineStatus) -> bool:
    """Whether the engine's process is there; one on another computer, or on Windows, is judged by its silence alone."""
    if status.host != socket.gethostname() or sys.platform == "win32":  # where signal 0 is no question but Ctrl-C
        return True
    try:
        os.kill(status.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return not _is_zombie(status.pid)


def _is_zombie(pid: int) -> bool:
    """A process that has died and that nobody has looked after yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] == b"Z"
    except OSError:
        return False


def _sound(one: Followed) -> str | None:
    """The file that is being recorded, once it is there; simulated sound is written when the session is over."""
    if not one.watch.sound or not (one.folder.path / one.watch.sound[-1].file).exists():
        return None
    return one.watch.sound[-1].file


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
