"""Simulated sessions with faults: each must be safe, say what was wrong, verify, and be rescored to the last bit.

Rules. The devices are the simulated twins, driven by the drivers that serve real boxes, byte by byte in virtual time. A
meter of its own stands between the world and the animal, so that what is said of the shock does not come from the
session's record. A fault is noticed if the journal holds a fault or a lost link, or the session's end says it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from behavior import __version__
from behavior.app.selftest.finding import Finding
from behavior.config import read
from behavior.config.rig import Rig
from behavior.config.shipped import shipped
from behavior.model.commands import Command
from behavior.model.doses import Treatment
from behavior.model.errors import BehaviorError
from behavior.model.events import Event, Faulted, LinkLost, ShockEnded, ShockStarted
from behavior.model.session import SessionHeader
from behavior.paradigms.catalogue import find_paradigm
from behavior.scoring.finish import finish_session
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score
from behavior.session.assemble import core_of, resolve
from behavior.session.folder import SessionFolder, create
from behavior.session.record import record_session
from behavior.session.verify import verify
from behavior.simulate.animals import animal_for
from behavior.simulate.devices import Faults
from behavior.simulate.subject import Subject
from behavior.simulate.world import VirtualApparatus

STARTED_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
VEHICLE = Treatment(dose_mg_kg=0.0, vehicle="saline")
MAX_MA, MAX_SINGLE_S, SHOCK_MA = 1.0, 10.0, 0.8
AFTER_US = 10_000_000
"""How long after the end the gates are looked at once more: the watchdog has 2 s."""

FOOD = {"name": "unpunished", "duration_s": 60, "schedule": "VI 5 s"}
PARAMETERS: dict[str, dict[str, Any]] = {
    "geller_seifter": {"components": [FOOD], "n_cycles": 2},
    "shuttle_escape": {"n_trials": 8, "habituation_s": 5, "us_s": 10, "shock_ma": SHOCK_MA, "helpless_min_failures": 4},
}
PLACES = {"geller_seifter": ("simulated.toml", "A"), "shuttle_escape": ("simulated-shuttle.toml", "A")}
"""Which rig and chamber; in the shuttle box shocks are certain, in the operant chamber food is."""

SOUND = Faults()


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with one device of the box, and from when.

    Attributes
    ----------
    what : in words
    device : of the rig's chamber A
    faults : of its twin
    at_s : since when, of the session's time
    is_said : whether the record has to say so, or may not; None: it may, or the session runs on
    """

    what: str
    device: str = "shocker-A"
    faults: Faults = SOUND
    at_s: float = 0.0
    is_said: bool | None = True


TROUBLES = (
    Trouble("nothing is wrong", is_said=False),
    Trouble("the box's clock runs 200 ppm fast", "operant-A", Faults(clock_drift_ppm=200), is_said=False),
    Trouble("the box answers 20 ms late", "shuttle-A", Faults(late_us=20_000), is_said=False),
    Trouble("every 500th byte of the shocker's line is lost", "shocker-A", Faults(lost=0.002), 20, is_said=None),
    Trouble("every 500th byte of the box's line is spoiled", "operant-A", Faults(corrupted=0.002), 20, is_said=None),
    Trouble("the shocker is unplugged", "shocker-A", Faults(unplugged=True), 75),
    Trouble("the box is unplugged", "operant-A", Faults(unplugged=True), 75),
    Trouble("the chamber is opened", "shocker-A", Faults(interlock_open=True), 75),
    Trouble("the bars are shorted", "shocker-A", Faults(grid="short"), 60),
    Trouble("the shocker gives 30 % more than was asked for", "shocker-A", Faults(delivered_percent=30), 60),
    Trouble("the feeder is jammed", "operant-A", Faults(feeder_jam=True), 20),
)


class Meter:
    """Stands between the world and the animal: measures shocks by itself and lets everything pass.

    Attributes
    ----------
    given : each shock that ended
    n_begun : how many began
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.given: list[ShockEnded] = []
        self.n_begun = 0

    @property
    def next_us(self) -> int:
        """When the animal does something."""
        return self._subject.next_us

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """Measure, and pass on."""
        if isinstance(happening, ShockStarted):
            self.n_begun += 1
        elif isinstance(happening, ShockEnded):
            self.given.append(happening)
        self._subject.perceive(happening, at_us)

    def act(self) -> Event:
        """What the animal does."""
        return self._subject.act()


class TroubledApparatus(VirtualApparatus):
    """A chamber in virtual time in which something goes wrong.

    Parameters
    ----------
    trouble : what, and when
    """

    trouble: Trouble

    def wait(self, until_us: int) -> list[Event]:
        """As ever, until the trouble begins."""
        twin, begins_us = self.cage.twins[self.trouble.device], round(self.trouble.at_s * 1e6)
        if twin.faults != self.trouble.faults:
            if self.now_us() >= begins_us:
                twin.suffer(self.trouble.faults, self.now_us())
            else:
                until_us = min(until_us, begins_us)
        return super().wait(until_us)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one session.

    Attributes
    ----------
    ended : the reason that its record gives
    n_shocks : by the meter
    n_lines : of its journal
    problems : what does not hold, in sentences; empty if all does
    """

    ended: str
    n_shocks: int
    n_lines: int
    problems: tuple[str, ...] = ()


def simulated_sessions(troubles: Iterable[Trouble] = TROUBLES) -> Finding:
    """Run a session for each trouble and look whether all of it holds."""
    says: list[str] = []
    problems: list[str] = []
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="behavior-selftest-") as scratch:
        for seed, trouble in enumerate(troubles, start=1):
            outcome = run_troubled(trouble, Path(scratch) / str(seed), seed)
            rows.append({"trouble": trouble.what, "ended": outcome.ended, "n_shocks": outcome.n_shocks,
                         "n_lines": outcome.n_lines, "problems": list(outcome.problems)})  # fmt: skip
            says.append(f"{trouble.what}: {'; '.join(outcome.problems) or outcome.ended}")
            problems += outcome.problems
    if problems:
        return Finding("simulated sessions", "WRONG", tuple(says), {"sessions": rows})
    total = sum(row["n_shocks"] for row in rows)
    says = [
        f"{len(rows)} sessions, {total} shocks: safe, verified, rescored to the last bit; every fault on record",
        *says,
    ]
    return Finding("simulated sessions", "good", tuple(says), {"sessions": rows})


def run_troubled(trouble: Trouble, dataset: Path, seed: int) -> Outcome:
    """One session, and what does not hold of it."""
    paradigm = find_paradigm("geller_seifter" if trouble.device == "operant-A" else "shuttle_escape")
    rig, place = PLACES[paradigm.name]
    chamber = read(shipped("configs", "rigs", rig), Rig).chamber(place)
    limits = chamber.limits.model_copy(update={"max_ma": MAX_MA, "max_single_s": MAX_SINGLE_S})
    parameters = resolve(paradigm, PARAMETERS[paradigm.name], file="selftest").model_dump(mode="json")
    header = SessionHeader(
        software=f"behavior {__version__}", subject="selftest", experimenter="selftest", treatment=VEHICLE,
        paradigm=paradigm.name, paradigm_sha256=paradigm.sha256, parameters=parameters, limits=limits.model_dump(),
        seed=seed, rig="simulated", chamber=chamber.name, started_at=STARTED_AT.isoformat(), simulated=True,
    )  # fmt: skip
    meter = Meter(animal_for(paradigm.name, parameters, seed, VEHICLE))
    apparatus = TroubledApparatus(chamber, limits, meter)
    apparatus.trouble = trouble
    dataset.mkdir()
    folder = create(dataset, header)

    def time_of_day() -> str:
        return (STARTED_AT + timedelta(microseconds=apparatus.now_us())).isoformat()

    problems: list[str] = []
    try:
        record_session(folder, core_of(folder.header), apparatus, time_of_day=time_of_day, durable=False)
        finish_session(folder)
    except BehaviorError as error:
        problems.append(str(error))
    apparatus.cage.advance(apparatus.now_us() + AFTER_US)
    problems += [*unsafe(meter, trouble), *unrecorded(folder, trouble), *unsound(folder)]
    footer = folder.footer
    return Outcome(footer.reason if footer else "", meter.n_begun, len(folder.read().items), tuple(problems))


def unsafe(meter: Meter, trouble: Trouble) -> Iterator[str]:
    """What the meter says against the shocks."""
    if meter.n_begun > len(meter.given):
        yield "a shock was still on after the end"
    for shock in meter.given:
        if shock.duration_us > MAX_SINGLE_S * 1e6 + 64:
            yield f"shock {shock.number} lasted {shock.duration_us / 1e6:.3f} s"
        if (shock.delivered_ma or 0) > SHOCK_MA * (1.01 + trouble.faults.delivered_percent / 100):
            yield f"shock {shock.number} had {shock.delivered_ma:.3f} mA, and {SHOCK_MA} mA were asked for"


def unrecorded(folder: SessionFolder, trouble: Trouble) -> Iterator[str]:
    """Whether a trouble that had to be said was not, or the session ended though none was."""
    footer = folder.footer
    if footer is None:
        yield "there is no footer"
        return
    said = any(isinstance(item, Faulted | LinkLost) for item in folder.read().items)
    said = said or footer.reason.startswith(("fault of", "link to"))
    if trouble.is_said and not said:
        yield "the record does not say so"
    if trouble.is_said is False and (said or footer.reason != "completed"):
        yield f"nothing keeps the session from its end, and it ended with: {footer.reason}"


def unsound(folder: SessionFolder) -> Iterator[str]:
    """Whether the record does not verify, is scored otherwise, or hides that it was altered."""
    try:
        verify(folder)
        if found := differences(read_score(folder.path), rescore(folder)):
            yield f"its score differs: {found[0]}"
    except BehaviorError as error:
        yield str(error)
        return
    data = folder.journal_path.read_bytes()
    place = data.index(b'"at_us":', len(data) // 2) + 8
    folder.journal_path.write_bytes(
        data[:place] + (b"1" if data[place : place + 1] != b"1" else b"2") + data[place + 1 :]
    )
    try:
        verify(folder)
        yield "an altered digit of the journal was not noticed"
    except BehaviorError:
        folder.journal_path.write_bytes(data)
