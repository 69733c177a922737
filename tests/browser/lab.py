"""A lab that runs: simulated sessions whose journals grow as the journals of real ones do, and the screens before them.

What a session was in virtual time is written again line by line when its time has come, by the writer that engines use,
with the engine's own `engine.json` and requests. So eight chambers cost what eight journals cost.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from app.commands import COMMAND
from behavior.model.commands import Command, EndSession, StopShock
from behavior.model.doses import Treatment
from behavior.model.events import Event, Noted, Stopped
from behavior.model.session import DeviceIdentity
from behavior.session.engine import EngineStatus, attended, status_of
from behavior.session.folder import SessionFolder, Totals, create
from behavior.session.journal import Item, JournalWriter
from paradigms.short import usual
from session.recorded import header_of

S = 1_000_000


class Playing:
    """A session that is played.

    Parameters
    ----------
    data : dataset folder
    items : of the whole session
    at_s : how far it is when it begins to play
    ends : whether it ends with its last item; else it goes on in silence
    """

    def __init__(self, data: Path, items: Sequence[Item], at_s: float = 0.0, **header: Any) -> None:
        chamber = header.get("chamber", "A")
        devices = tuple(
            DeviceIdentity(name=f"{name}-{chamber}", kind=kind, uid=f"{place:032x}", firmware="1.0.0")
            for place, (name, kind) in enumerate((("shocker", "shock_controller"), ("box", "operant_chamber")))
        )
        began = datetime.now().astimezone() - timedelta(seconds=at_s)
        values = {"started_at": began.isoformat(timespec="seconds"), "devices": devices, "rig": "lab"} | header
        self.folder: SessionFolder = create(data, header_of(**values))
        self._items, self._next = list(items), 0
        self._zero_s = time.monotonic() - at_s
        self.zero_epoch_s = time.time() - at_s
        self._asked: list[Event] = []
        self.silent, self._over = threading.Event(), threading.Event()
        self.totals = Totals()
        self._journal = JournalWriter(self.folder.journal_path, self.folder.header_bytes)
        self._write(self.now_us())
        self._thread = threading.Thread(target=self._play, name=f"play {chamber}", daemon=True)
        self._thread.start()

    def now_us(self) -> int:
        """Session time."""
        return round((time.monotonic() - self._zero_s) * S)

    def status(self) -> EngineStatus:
        """As of an engine whose devices answer every 0.4 s."""
        now_us = self.now_us()
        heard = {device.name: now_us - 200_000 for device in self.folder.header.devices}
        return status_of(now_us, now_us, heard, at_s=time.time())

    def stop(self, by: str) -> None:
        self._asked.append(Stopped(self.now_us(), by))

    def note(self, text: str) -> None:
        self._asked.append(Noted(self.now_us(), text))

    def end(self) -> None:
        """End it without a word, as when its folder is not looked at any more."""
        self._over.set()
        self._thread.join()

    def _write(self, until_us: int) -> None:
        now_us = 0
        while self._next < len(self._items):
            item = self._items[self._next]
            now_us = max(now_us, item.at_us if isinstance(item, Event) else 0)
            if isinstance(item, Event) and item.at_us > until_us:
                return
            self._record(item, item.at_us if isinstance(item, Event) else max(now_us, self._last_us))
            self._next += 1

    _last_us = 0

    def _record(self, item: Item, host_us: int) -> None:
        self._last_us = host_us
        self._journal.record(item, host_us)
        self.totals.take(item)

    def _play(self) -> None:
        with attended(self.folder.path, self.status, self.stop, self.note):
            while not self._over.wait(0.01):
                self._write(self.now_us())
                for event in self._take():
                    self._record(event, self.now_us())
                    if isinstance(event, Stopped):
                        self._close(f"stopped by {event.by}")
                        return
            self._journal.close()

    def _take(self) -> list[Event]:
        asked, self._asked = self._asked, []
        return asked

    def _close(self, reason: str) -> None:
        ending: tuple[Command, ...] = (StopShock(), EndSession(reason))
        for command in ending:
            self._record(command, self.now_us())
        self._journal.close()
        self.folder.close(self.totals.footer(self._journal, reason=reason, ended_at=datetime.now().isoformat()))


SQUAD: tuple[tuple[str, str, str, str, float, dict[str, Any]], ...] = (
    ("A", "R01", "K7QM", "geller_seifter", 1520.0, {}),
    ("B", "R02", "WX3D", "geller_seifter", 610.0, {}),
    ("C", "R03", "P9AL", "shuttle_escape", 870.0, {}),
    ("D", "R04", "T4HE", "shuttle_escape", 1215.0, {}),
    ("E", "R05", "VB6N", "helplessness_induction", 1710.0, {"group": "escapable", "habituation_s": 60}),
    ("F", "R06", "3JRC", "passive_avoidance", 31.0, {}),
    ("G", "R07", "YE8F", "shock_aggression", 240.0, {}),
    ("H", "R08", "4DGU", "geller_seifter", 2210.0, {"stage": "training"}),
)
"""Chamber, subject, code, paradigm, how far it is in s, parameters."""


@contextmanager
def squad(data: Path, only: str = "ABCDEFGH") -> Iterator[dict[str, Playing]]:
    """Chambers with a simulated session each, under codes."""
    with ExitStack() as stack:
        playing = {}
        for seed, (chamber, subject, code, paradigm, at_s, parameters) in enumerate(SQUAD, start=3):
            if chamber not in only:
                continue
            way = usual(paradigm, **parameters)
            playing[chamber] = Playing(
                data,
                way.journal(seed),
                at_s,
                chamber=chamber,
                subject=subject,
                paradigm=paradigm,
                parameters=way.parameters,
                treatment=Treatment(blind_code=code, vehicle="saline", route="i.p.", pretreatment_min=30),
                simulated=True,
            )
            stack.callback(playing[chamber].end)
        yield playing


@contextmanager
def recording(data: Path, duration_s: float = 12.0) -> Iterator[Playing]:
    """A chamber that records: some seconds of sound are there, with the calls that the engine has heard in it."""
    from behavior.audio.write import RecordingWriter
    from behavior.model.commands import BeginComponent, SetCue
    from behavior.model.events import CallHeard, RecordingStarted, SessionStarted
    from behavior.simulate.acoustics import PlannedCall, Soundscape

    scape = Soundscape(
        250_000, duration_s, 1, [PlannedCall(2.6, 0.9), PlannedCall(4.3, 1.2), PlannedCall(8.1, 0.8)], []
    )
    blocks = list(scape.blocks())
    marks: list[Item] = [RecordingStarted(0, "audio.wav", 250_000), BeginComponent("test"), SetCue("tone", on=True)]
    heard = [
        CallHeard(
            round(one.onset_s * S), round((one.offset_s - one.onset_s) * S), (one.low_hz + one.high_hz) / 2, "22-kHz"
        )
        for one in scape.truth
    ]
    way = usual("conditioned_usv")
    playing = Playing(
        data, [SessionStarted(0), *marks, *heard], duration_s, chamber="A", subject="R09", simulated=True,
        paradigm="conditioned_usv", parameters=way.parameters, treatment=Treatment(blind_code="HM4T", vehicle="saline"),
    )  # fmt: skip
    with RecordingWriter(playing.folder.path / "audio.wav", 250_000) as file:
        for block in blocks:
            file.write(block)
        yield playing
    playing.end()


def weeks(data: Path) -> None:
    """A blind study: two weeks of training, then the first tests under codes; some are still to come."""
    from behavior.scoring.finish import finish_session
    from behavior.session.core import SessionCore
    from behavior.session.record import record_session
    from behavior.simulate.animals import animal_for
    from behavior.simulate.ideal import IdealBox
    from behavior.study.plan import PlanRow, write_plan

    today = datetime.now().astimezone().replace(hour=9, minute=0, second=0, microsecond=0)
    rows = []
    schedules = ["CRF", "CRF", "FR 2", "FR 3", "VI 10 s", "VI 10 s", "VI 20 s", "VI 30 s", "VI 30 s", "VI 30 s"]
    for rat, chamber in enumerate("ABCD", start=1):
        for day in range(13):
            starts = today + timedelta(days=day - 11 + 2 * (day >= 5) - 2, minutes=40 * (rat % 2))
            coded = day >= 10
            code = f"{'KWPT'[rat - 1]}{'7XQ'[day - 10]}{'MDAE'[rat - 1]}{'39R'[day - 10]}" if coded else None
            dose = None if coded else 0.0
            starts_at = starts.isoformat()
            rows.append(PlanRow(f"R{rat:02d}", "conflict", dose, code, chamber, starts_at, 0))
            if starts > today:
                continue
            training = {"stage": "training", "training_schedule": schedules[day % 10], "training_s": 600}
            parameters: dict[str, Any] = {"n_cycles": 1} if coded else training
            way, seed = usual("geller_seifter", **parameters), 100 * rat + day
            treatment = Treatment(dose_mg_kg=dose, vehicle="saline", blind_code=code)
            header = header_of(
                paradigm="geller_seifter", parameters=way.parameters, subject=f"R{rat:02d}", chamber=chamber, rig="lab",
                started_at=starts.isoformat(), treatment=treatment, seed=seed, simulated=True,
            )  # fmt: skip
            folder = create(data, header)
            core: SessionCore = way.core(seed)
            animal = animal_for("geller_seifter", way.parameters, seed, Treatment(dose_mg_kg=0.0, vehicle="saline"))
            record_session(folder, core, IdealBox(animal), time_of_day=starts.isoformat, durable=False)
            finish_session(folder)
    write_plan(rows, data / "plan.csv")


class Screens:
    """`behavior dashboard` in a process of its own; without a token unless one is asked for."""

    def __init__(self, data: Path, *options: str) -> None:
        token = () if {"--token", "--lab-network"} & {*options} else ("--no-token",)
        self._command = [*COMMAND, "dashboard", str(data), *options, *token]
        self.process: subprocess.Popen[str]
        self.address = self.begin(0)

    def begin(self, port: int | None = None) -> str:
        """Start it; its address."""
        port = int(self.address.rsplit(":", 1)[1].split("/")[0]) if port is None else port
        self.process = subprocess.Popen(
            [*self._command, "--port", str(port)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "Screens of" in line:
                return line.split()[-1].rstrip("/") if "token" not in line else line.split()[-1]
        raise AssertionError("".join(said))

    def kill(self) -> None:
        """Die without a chance to say anything."""
        self.process.kill()
        self.process.communicate()

    def end(self) -> int:
        """Ctrl-C, again where it came before anybody listened and this shell had it ignored."""
        for _ in range(60):
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.communicate(timeout=1)
            except subprocess.TimeoutExpired:
                continue
            return self.process.returncode
        raise AssertionError("Ctrl-C does not end it")


@contextmanager
def screens(data: Path, *options: str) -> Iterator[Screens]:
    """The screens of a data folder."""
    one = Screens(data, *options)
    try:
        yield one
    finally:
        one.kill()
