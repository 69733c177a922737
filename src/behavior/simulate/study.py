"""A whole study in virtual time: the same core, drivers, bytes, folders and scores as live ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

from behavior import __version__
from behavior.config.rig import Chamber, Rig
from behavior.config.study import TEST, Arm, Study
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.model.session import DeviceIdentity, SessionHeader
from behavior.paradigms.catalogue import Paradigm, find_paradigm
from behavior.paradigms.parameters import Parameters
from behavior.session.assemble import core_of, resolve
from behavior.session.folder import SessionFolder, create
from behavior.session.needs import rehearse as run_dry
from behavior.session.record import record_session
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from behavior.simulate.sound import SimulatedMicrophone
from behavior.simulate.world import VirtualApparatus
from behavior.study.blinding import Design, design, planned_sessions, stages_of
from behavior.study.plan import PlannedSession, PlanRow
from behavior.study.subjects import Animal, simulated

Finish = Callable[[SessionFolder], object]


def simulate_study(
    study: Study, rig: Rig, dataset: Path, *, seed: int, finish: Finish, jobs: int = 1
) -> Iterator[SessionFolder]:
    """Run every session of a study.

    Parameters
    ----------
    study, rig : what to run, on what; the doses are open, whatever the study says
    dataset : folder for the sessions
    seed : of the allocation, the animals and every draw; equal seeds give equal bytes
    finish : scores a session that is over; must be picklable if `jobs` > 1
    jobs : sessions that run at a time, each in a process of its own

    Yields
    ------
    SessionFolder
        Each session, in the order of the plan, as soon as it and those before it are done.

    Raises
    ------
    BadInput
        An arm's parameters cannot be used, or its dry run is refused; before anything is written.
    """
    _, planned = open_plan(study, rig, seed=seed)
    yield from simulate_sessions(study, rig, dataset, planned, finish=finish, jobs=jobs)


def open_plan(study: Study, rig: Rig, *, seed: int) -> tuple[tuple[PlanRow, ...], tuple[PlannedSession, ...]]:
    """A study's plan with its doses in it, on simulated animals, as rows and as sessions.

    Raises
    ------
    BadInput
        As `simulate_study`.
    """
    openly, animals = study.model_copy(update={"blind": False}), simulated(study, seed)
    rows = laid_out(openly, rig, animals, seed=seed).rows
    return rows, planned_sessions(openly, rows, animals, None, seed=seed)


def laid_out(study: Study, rig: Rig, animals: Sequence[Animal], *, seed: int) -> Design:
    """Dry-run every stage of every arm, then design the study: the one way to doses, chambers and days.

    Raises
    ------
    BadInput
        As `simulate_study`, or animals, doses and days do not come out.
    """
    for arm in study.arms:
        _no_yoked(arm)
    minutes = {
        arm.name: {stage: rehearse(arm, rig, seed=1, stage=stage) for stage in stages_of(arm)} for arm in study.arms
    }
    chambers = {arm.name: chambers_of(arm, rig) for arm in study.arms}
    return design(study, animals, chambers, minutes, seed=seed)


def _no_yoked(arm: Arm) -> None:
    """Refuse groups whose shocks are those of sessions that nobody has run yet."""
    asked = [(group.name, stage) for group in arm.groups for stage in stages_of(arm)]
    for group, stage in asked:
        if arm.parameters_at(stage, group).get("group") == "yoked":
            raise BadInput(
                f"arm {arm.name}, group {group}: a yoked rat gets its master's shocks, and there are none yet; say "
                f'{stage} = {{ group = "inescapable" }}, so that the group is allocated and has its days, and start '
                "each of its sessions with `behavior run --master FOLDER` of its master"
            )


def simulate_sessions(
    study: Study, rig: Rig, dataset: Path, planned: Sequence[PlannedSession], *, finish: Finish, jobs: int = 1
) -> Iterator[SessionFolder]:
    """Run planned sessions, as `simulate_study` does; what a blind one's animal really got, `given` says."""
    work = [(study.name, session, rig, dataset, finish) for session in planned]
    if jobs <= 1:
        yield from map(_simulate, work)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(_simulate, work)


def rehearse(arm: Arm, rig: Rig, *, seed: int, stage: str = TEST) -> float:
    """Dry-run a stage of an arm on a rat that was given vehicle, and on one that was given the highest dose.

    Returns
    -------
    float
        How long a session lasts, min; of several groups the longest.
    """
    longest_us = 0
    for group in [one.name for one in arm.groups] or [""]:
        paradigm, parameters = paradigm_of(arm, stage, group)
        asked = parameters.model_dump(mode="json")
        for dose_mg_kg in (0.0, max(arm.doses_mg_kg)):
            for name in chambers_of(arm, rig):
                treatment = Treatment(compound=arm.compound, dose_mg_kg=dose_mg_kg)
                animal = animal_for(paradigm.name, asked, seed, treatment)
                what = f"{_said(arm, stage, group)} in chamber {name}"
                core = run_dry(paradigm, parameters, rig.chamber(name), IdealBox(animal), seed=seed, what=what)
                longest_us = max(longest_us, core.now_us)
    return longest_us / 60e6


def chambers_of(arm: Arm, rig: Rig) -> tuple[str, ...]:
    """The chambers that an arm uses: those that it names, or all of the rig.

    Raises
    ------
    BadInput
        The rig has no chamber of such a name.
    """
    return tuple(rig.chamber(name).name for name in arm.chambers) or tuple(chamber.name for chamber in rig.chambers)


def paradigm_of(arm: Arm, stage: str = TEST, group: str = "") -> tuple[Paradigm, Parameters]:
    """What a stage of an arm runs, with all its parameters."""
    paradigm = find_paradigm(arm.paradigm_at(stage), own_code=True)
    file = f"parameters of {_said(arm, stage, group)}"
    return paradigm, resolve(paradigm, arm.parameters_at(stage, group), file=file)


def _said(arm: Arm, stage: str, group: str) -> str:
    parts = [
        f"arm {arm.name!r}",
        *([f"stage {stage!r}"] if stage != TEST else []),
        *([f"group {group!r}"] * bool(group)),
    ]
    return ", ".join(parts)


def shocked_before(arm: Arm, group: str) -> bool:
    """Whether an animal had inescapable shocks before the test; without an induction in the study it had."""
    induced = [stage.name for stage in arm.stages if stage.paradigm == "helplessness_induction"]
    return not induced or any(arm.parameters_at(stage, group).get("group") != "no shock" for stage in induced)


def _simulate(work: tuple[str, PlannedSession, Rig, Path, Finish]) -> SessionFolder:
    study, planned, rig, dataset, finish = work
    chamber = rig.chamber(planned.chamber)
    arm, stage = planned.arm, planned.stage
    paradigm, parameters = paradigm_of(arm, stage, planned.group)
    limits = chamber.limits.lowered_to(parameters.limits)
    microphone = SimulatedMicrophone(chamber.microphone.sample_rate_hz) if chamber.microphone else None
    asked = parameters.model_dump(mode="json")
    animal = animal_for(
        paradigm.name, asked, planned.seed, planned.given or planned.treatment,
        individual=planned.individual, shocked_before=shocked_before(arm, planned.group),
    )  # fmt: skip
    apparatus = VirtualApparatus(chamber, limits, animal, microphone)
    header = SessionHeader(
        software=f"behavior {__version__}",
        subject=planned.subject,
        experimenter="simulation",
        weight_g=planned.weight_g,
        treatment=planned.treatment,
        study=study,
        arm=arm.name,
        day=planned.day,
        paradigm=paradigm.name,
        paradigm_file=arm.paradigm_at(stage) if arm.paradigm_at(stage).endswith(".py") else None,
        paradigm_sha256=paradigm.sha256,
        parameters=asked,
        limits=limits.model_dump(),
        seed=planned.seed,
        rig=rig.name,
        chamber=chamber.name,
        devices=devices_of(chamber, apparatus),
        started_at=planned.starts_at.isoformat(),
        simulated=True,
    )
    folder = create(dataset, header, durable=False)
    core = core_of(folder.header, own_code=True)

    def time_of_day() -> str:
        return (planned.starts_at + timedelta(microseconds=apparatus.now_us())).isoformat()

    record_session(folder, core, apparatus, time_of_day=time_of_day, durable=False)
    if microphone is not None:
        microphone.write(folder.path, apparatus.cage.sounds, planned.seed)
    finish(folder)
    return folder


def devices_of(chamber: Chamber, apparatus: VirtualApparatus) -> tuple[DeviceIdentity, ...]:
    """Who the devices said they are, for the header."""
    return tuple(
        DeviceIdentity(name=device.name, kind=device.kind, uid=identity.uid, firmware=identity.firmware)
        for device in chamber.devices
        for identity in [apparatus.identities[device.name]]
    )
