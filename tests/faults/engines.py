"""One planned session from its start to its last engine's end: run, killed, gone on with or closed, as people would."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from behavior.app.resume import MAX_GAP_S, closed, why_not
from behavior.model.errors import BadInput, BehaviorError, Failure
from behavior.model.session import SessionHeader
from behavior.session.assemble import core_of
from behavior.session.core import NEVER
from behavior.session.folder import SessionFolder, create
from behavior.session.journal import Item
from behavior.session.record import record_session
from behavior.session.resume import Interrupted, interrupted, resumed
from faults.plans import Plan
from faults.world import Disk, Engine, Killed, OnDisk, World
from paradigms.short import VEHICLE

S = 1_000_000
STARTED = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
AFTERWARDS_US = 5 * S
MOST_LIVES = 4


@dataclass(frozen=True, slots=True)
class Life:
    """One engine's: session time is world time minus `zero_us`."""

    zero_us: int
    begin_us: int
    end_us: int
    how: str
    acknowledged: tuple[Item, ...]


@dataclass(slots=True)
class Ran:
    """What became of a planned session.

    Attributes
    ----------
    lives : of its engines, in order
    said : what people were told, in order
    before_cut : the journal's items before every file was cut by a power cut; None without one
    """

    plan: Plan
    world: World
    folder: Path
    lives: list[Life] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    before_cut: list[Item] | None = None

    @property
    def deaths_us(self) -> list[int]:
        """When an engine died, world time."""
        return [life.end_us for life in self.lives if life.how == "killed"]


def run_plan(plan: Plan, place: Path) -> Ran:
    """Run it. What the campaign itself fails with is passed on."""
    world, random = World(plan), Random(f"engines {plan.seed}")
    header = SessionHeader(
        software=_software(), subject="R01", experimenter="A. Tester", treatment=VEHICLE,
        paradigm=plan.way.paradigm.name, paradigm_sha256=plan.way.paradigm.sha256, parameters=plan.way.parameters,
        limits=world.limits.model_dump(), seed=plan.seed, rig="test", chamber=plan.chamber,
        started_at=STARTED.isoformat(), simulated=True,
    )  # fmt: skip
    folder = create(place, header)
    ran = Ran(plan, world, folder.path)
    killed = plan.of_kind("engine killed", "power cut")
    full = next(iter(plan.of_kind("disk full")), None)
    begun: Interrupted | None = None
    for number in range(MOST_LIVES):
        death = killed[number] if number < len(killed) else None
        dies_us = NEVER if death is None else max(death.at_us, world.now_us)
        amid_writing = death is not None and death.until_us > death.at_us
        world.disk = Disk(world, dies_us, full, random, amid_writing=amid_writing) if number == 0 or death else None
        if number > 0:
            full = None  # somebody has made room
            begun = _taken_up(ran, folder)
            if begun is None:
                break
        how = _lived(ran, folder, begun)
        if how != "killed":
            break
        world.done.append((world.now_us, death))  # type: ignore[arg-type]
        world.advance(world.now_us + round((death.amount if death and death.kind == "engine killed" else 2.0) * S))
        if death is not None and death.kind == "power cut":
            with suppress(BehaviorError):
                ran.before_cut = folder.read().items
            _cut_all(folder.path, random)
            try:
                folder = SessionFolder(folder.path)
            except BadInput as error:
                ran.said.append(str(error))
                break
    world.disk = None
    world.advance(world.now_us + AFTERWARDS_US)
    world.meter.read(world.now_us)
    _closed_in_the_end(ran, folder)
    return ran


def _lived(ran: Ran, folder: SessionFolder, begun: Interrupted | None) -> str:
    """One engine's life; how it ended."""
    world = ran.world
    acknowledged: list[Item] = []
    core = begun.core if begun else core_of(folder.header)
    sound = folder.path if ran.plan.way.paradigm.name.endswith("usv") else None
    try:
        engine = Engine(
            world, world.limits, sound, resumed=begun is not None,
            start_us=lambda: begun.alive_us + begun.gap_us(_time_of_day(world)) if begun else 0,
            n_shocks=begun.n_shocks if begun else 0, n_deliveries=begun.n_deliveries if begun else 0,
            part=folder.next_sound_part if begun else 1,
        )  # fmt: skip
    except BehaviorError as error:  # as `behavior run` and `resume` say it, before anything is driven
        ran.said.append(str(error))
        return "refused"
    how, begin_us = "ended", world.now_us
    try:
        with OnDisk(world):
            record_session(
                folder, core, engine, time_of_day=lambda: _time_of_day(world).isoformat(), watch=acknowledged.append,
                interrupted=begun, **({"first": resumed(core, begun.alive_us)} if begun else {}),
            )  # fmt: skip
        engine.let_go()
    except Killed:
        how = "killed"
        engine.die()
    except Failure as error:
        how = "failed"
        ran.said.append(str(error))
        engine.let_go()
    ran.lives.append(Life(engine.zero_us, begin_us, world.now_us, how, tuple(acknowledged)))
    return how


def _taken_up(ran: Ran, folder: SessionFolder) -> Interrupted | None:
    """As `behavior resume`: the session to go on with, or None if it was closed or cannot be gone on with."""
    try:
        session = interrupted(folder)
        if why := why_not(session, session.gap_us(_time_of_day(ran.world)) / 1e6, MAX_GAP_S):
            ran.said.append(f"It is closed and not gone on with: {why}")
            closed(session, why)
            return None
    except BehaviorError as error:
        ran.said.append(str(error))
        return None
    return session


def _closed_in_the_end(ran: Ran, folder: SessionFolder) -> None:
    """`behavior resume --close`, where nobody closed it."""
    try:
        folder = SessionFolder(folder.path)
        if folder.footer is None:
            closed(interrupted(folder), "closed by hand")
    except BehaviorError as error:
        ran.said.append(str(error))


def _time_of_day(world: World) -> datetime:
    set_s = sum(one.amount for one in world.plan.of_kind("clock set") if one.at_us <= world.now_us)
    return STARTED + timedelta(microseconds=world.now_us, seconds=set_s)


def _cut_all(folder: Path, random: Random) -> None:
    """Truncate every file at a random byte; some are whole."""
    for path in sorted(folder.iterdir()):
        size = path.stat().st_size
        if random.random() < (0.3 if path.name == "header.json" else 0.9):
            with path.open("r+b") as file:
                file.truncate(random.randrange(size + 1))


def _software() -> str:
    from behavior import __version__

    return f"behavior {__version__}"
