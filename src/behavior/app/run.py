"""`behavior run`: one live session, on real devices or on simulated ones."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from behavior.app.squad import in_chambers, one_each, starts_of, supervise
from behavior.app.system import ending, fine_timer
from behavior.model.errors import BadInput, Failure

if TYPE_CHECKING:
    from behavior.app.connect import Link
    from behavior.app.prepare import Protocol
    from behavior.config.rig import Chamber
    from behavior.devices.clock import ClockFit
    from behavior.model.session import SessionFooter
    from behavior.session.folder import SessionFolder
    from behavior.session.journal import Item
    from behavior.session.live import LiveApparatus
    from behavior.session.resume import Interrupted
    from behavior.simulate.faults import Mishap


def run(
    rig: Annotated[str, typer.Argument(help="Rig file, or the name of a shipped one.")],
    chamber: Annotated[list[str] | None, typer.Option(help="Chamber of the rig; may be said again.")] = None,
    paradigm: Annotated[
        str | None, typer.Option(help="Name of a paradigm, or a Python file with one of yours.")
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="A study's plan.csv: starts the next squad of the day, a process a chamber.")
    ] = None,
    squad: Annotated[Path | None, typer.Option(help="A file that names who goes where: starts these together.")] = None,
    date: Annotated[str | None, typer.Option(help="With --plan: the day, as in 2026-03-02; today by default.")] = None,
    at: Annotated[str | None, typer.Option(help="With --plan: the squad of this time, as in 09:40.")] = None,
    parameters: Annotated[
        str | None, typer.Option(help="TOML file of the paradigm's parameters, or the name of a shipped preset.")
    ] = None,
    master: Annotated[
        Path | None, typer.Option(help="The master's session: this subject is yoked and gets exactly its shocks.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Who is in the box; asked for.")] = None,
    experimenter: Annotated[str | None, typer.Option(help="Who is responsible; asked for.")] = None,
    weight_g: Annotated[str | None, typer.Option(help="The subject's weight today, g; asked for.")] = None,
    free_feeding_g: Annotated[str | None, typer.Option(help="Its weight before food was restricted, g.")] = None,
    underweight_allowed_by: Annotated[
        str | None, typer.Option(help="Who takes it on them to run it below 80 % of that.")
    ] = None,
    blind_code: Annotated[str | None, typer.Option(help="Code of the administration, if the dose is blind.")] = None,
    compound: Annotated[str | None, typer.Option(help="What was given.")] = None,
    dose_mg_kg: Annotated[float | None, typer.Option(help="How much, mg/kg; 0 for the vehicle alone.")] = None,
    vehicle: Annotated[str | None, typer.Option(help="In what.")] = None,
    route: Annotated[str | None, typer.Option(help="How, as in i.p.")] = None,
    pretreatment_min: Annotated[float | None, typer.Option(help="Planned minutes from treatment to start.")] = None,
    precedes: Annotated[str | None, typer.Option(help="The stage it was given before, as in training or test.")] = None,
    injected_at: Annotated[str | None, typer.Option(help="When it was treated, as in 14:05.")] = None,
    day: Annotated[int | None, typer.Option(min=1, help="Day of the study.")] = None,
    study: Annotated[str | None, typer.Option(help="Name of the study.")] = None,
    arm: Annotated[str | None, typer.Option(help="Arm of the study.")] = None,
    deviation: Annotated[
        str | None, typer.Option(help="Why it is not as the dataset's plan has it; stands in the session's header.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Dataset folder; the session gets a new folder in it. With --plan the plan's, else ./data."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of all that is drawn; by default a new one.")] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="Run on a simulated chamber with a rat in it.")] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="With --simulate: what goes wrong, as in stuck_lever=left@30+5 or a TOML file; again for more."
        ),
    ] = None,
) -> None:
    """Run one session, live. Ctrl-C ends it safely; what is typed meanwhile is a note."""
    out = out or (Path("data") if plan is None else plan.parent)
    if fault and (plan is not None or squad is not None):
        raise BadInput("--fault: of one session; start that one by itself, with --chamber")
    if plan is not None or squad is not None:
        common = ["--out", str(out), *(["--simulate"] if simulate else [])]
        supervise(rig, starts_of(plan, squad, chamber or (), date=date, at=at, dataset=out), common)
        return
    if not chamber or paradigm is None:
        raise BadInput("say --chamber and --paradigm, or start the sessions of a --plan or a --squad")
    if len(chamber) > 1:
        of_one = {
            "--subject": subject, "--experimenter": experimenter, "--weight-g": weight_g, "--blind-code": blind_code,
            "--injected-at": injected_at, "--free-feeding-g": free_feeding_g, "--master": master, "--seed": seed,
            "--underweight-allowed-by": underweight_allowed_by, "--fault": fault or None, "--deviation": deviation,
        }  # fmt: skip
        one_each(of_one)
        starts = in_chambers(
            chamber, paradigm=paradigm, parameters=parameters, compound=compound, dose_mg_kg=dose_mg_kg,
            vehicle=vehicle, route=route, pretreatment_min=pretreatment_min, precedes=precedes, day=day, study=study,
            arm=arm,
        )  # fmt: skip
        supervise(rig, starts, ["--out", str(out), *(["--simulate"] if simulate else [])])
        return
    from behavior.app.asking import ask_for_treatment
    from behavior.app.connect import connected
    from behavior.app.prepare import as_planned, attend, calibrated, prepare, treatment_of, without_drug
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find

    rig_file = find(rig, "configs", "rigs")
    box = read(rig_file, Rig).chamber(chamber[0])
    if not simulate and box.microphone is not None and box.microphone.device is None:
        box = box.model_copy(update={"microphone": None})  # what records is refused, and not run unheard
    seed = time.time_ns() % 2**32 if seed is None else seed
    mishaps = planned_mishaps(fault or (), box, simulated=simulate)
    protocol = prepare(paradigm, parameters, box, seed, master)
    calibrate = partial(calibrated, box=box, rig=rig_file, simulated=simulate)
    blind_code, injected_at = ask_for_treatment(blind_code, dose_mg_kg, injected_at)
    treatment = treatment_of(blind_code, compound, dose_mg_kg, vehicle, route, pretreatment_min, precedes)
    without_drug(protocol.parameters, treatment)
    who = attend(
        {"subject": subject, "experimenter": experimenter, "weight-g": weight_g},
        treatment,
        free_feeding_g=free_feeding_g,
        underweight_allowed_by=underweight_allowed_by,
        injected_at=injected_at,
    )
    planned = as_planned(out, who.subject, box.name, paradigm, treatment, day, deviation)
    told = (f"faults were asked for: {', '.join(map(str, mishaps))}",) if mishaps else ()
    who = replace(who, remarks=(*who.remarks, *planned, *protocol.remarks, *told))
    for remark in who.remarks:
        typer.echo(f"warning: {remark}", err=True)
    with connected(box, protocol, treatment, seed, simulated=simulate, calibrate=calibrate, mishaps=mishaps) as link:
        for remark in (new := link.protocol.remarks[len(protocol.remarks) :]):
            typer.echo(f"warning: {remark}", err=True)
        who, protocol = replace(who, remarks=(*who.remarks, *new)), link.protocol
        where = {"rig": rig, "chamber": box.name, "study": study, "arm": arm, "day": day, "simulated": simulate}
        header = {**asdict(who), **where, "treatment": treatment}
        folder = begin(out, header, protocol, link, seed)
        typer.echo(f"Session: {folder.path}")
        footer = live(folder, link, raters=getattr(protocol.parameters, "raters", ()))
    conclude(folder, footer)


def planned_mishaps(fault: Sequence[str], box: Chamber, *, simulated: bool) -> tuple[Mishap, ...]:
    """What is to go wrong with a simulated chamber.

    Raises
    ------
    BadInput
        The chamber is real, or something of it cannot be.
    """
    if not fault:
        return ()
    if not simulated:
        raise BadInput("--fault is of simulated devices; add --simulate")
    from behavior.simulate.faults import mishaps_of

    return mishaps_of(fault, box)


def begin(out: Path, header: dict[str, Any], protocol: Protocol, link: Link, seed: int) -> SessionFolder:
    """Make the session's folder, with all that is known before it starts."""
    from msgspec import UNSET

    from behavior import __version__
    from behavior.model.session import DeviceIdentity, SessionHeader
    from behavior.session.folder import create

    clocks = link.chamber.clock_fits()
    record = protocol.calibration
    devices = tuple(
        DeviceIdentity(
            name=name,
            kind=found.kind,
            uid=found.uid,
            firmware=found.firmware,
            clock_uncertainty_us=clocks[name].uncertainty_us if name in clocks else None,
            usb_serial=link.usb_serials.get(name, UNSET),
            calibration=record.model_dump(mode="json") if record and record.device == name else UNSET,
        )
        for name, found in link.identities.items()
    )
    if link.microphone is not None:
        devices += (DeviceIdentity(name="microphone", kind="microphone", uid=link.microphone.identity, firmware=""),)
    return create(
        out,
        SessionHeader(
            software=f"behavior {__version__}",
            paradigm=protocol.paradigm.name,
            paradigm_file=protocol.name if protocol.name.endswith(".py") else None,
            paradigm_sha256=protocol.paradigm.sha256,
            parameters=protocol.parameters.model_dump(mode="json"),
            limits=protocol.limits.model_dump(),
            seed=seed,
            devices=devices,
            started_at=datetime.now().astimezone().isoformat(),
            **header,
        ),
    )


def live(
    folder: SessionFolder, link: Link, interrupted: Interrupted | None = None, raters: Sequence[str] = ()
) -> SessionFooter:
    """Run the session to its end, with a line that says how it stands; Ctrl-C and the like ask for the end."""
    from behavior.app.board import Board
    from behavior.app.keyboard import typing
    from behavior.audio.hurry import hurried
    from behavior.model.events import SessionStarted
    from behavior.model.session import ClockRecord
    from behavior.session.assemble import core_of
    from behavior.session.engine import EngineStatus, attended, status_of
    from behavior.session.live import LiveApparatus
    from behavior.session.record import record_session
    from behavior.session.resume import resumed

    core = interrupted.core if interrupted else core_of(folder.header, own_code=True)
    start_us = interrupted.alive_us + interrupted.gap_us(datetime.now().astimezone()) if interrupted else 0
    board = Board(folder)
    link.activate()
    microphone = link.microphone
    apparatus = LiveApparatus(link.chamber, link.clock_us, microphone, watch=board.show, start_us=start_us)

    if link.world is not None:
        link.world.began(apparatus.zero_us)
    if microphone is not None:
        microphone.attend(folder.path, apparatus.zero_us)

    n_lines = 0

    def watch(item: Item) -> None:
        nonlocal n_lines
        n_lines += 1
        board.take(item)
        if microphone is not None:
            microphone.witness(item)

    def status() -> EngineStatus:
        looked_us = apparatus.looked_us  # before the lines are counted: none of them is later than what it says
        return status_of(apparatus.now_us(), looked_us, apparatus.heard_us, at_s=time.time(), n_lines=n_lines)

    def in_session(fit: ClockFit) -> dict[str, int]:
        return {**asdict(fit), "offset_us": fit.offset_us - apparatus.zero_us}

    with (
        closing(apparatus),
        stoppable(apparatus),
        typing(apparatus.note, raters, apparatus.stop),
        attended(folder.path, status, apparatus.stop, apparatus.note),
        link.world.observed(apparatus.note) if link.world else nullcontext(),
        hurried(),
    ):
        footer = record_session(
            folder,
            core,
            apparatus,
            time_of_day=lambda: datetime.now().astimezone().isoformat(),
            watch=watch,
            interrupted=interrupted,
            first=resumed(core, interrupted.alive_us) if interrupted else SessionStarted,
            clocks=lambda: {name: ClockRecord(**in_session(fit)) for name, fit in link.chamber.clock_fits().items()},
        )
    board.clear()
    if link.world is not None and microphone is not None:
        try:
            microphone.write_truth(link.world.sounds(since_us=apparatus.zero_us))
        except Failure as error:  # the session is over and on record: it is scored all the same
            typer.echo(f"warning: what the simulated rat truly called is not written: {error}", err=True)
    return footer


@contextmanager
def stoppable(apparatus: LiveApparatus) -> Iterator[None]:
    """In the block, a request to end the program ends the session first."""
    with ending(lambda number: apparatus.stop(f"the experimenter ({number.name})")), fine_timer():
        yield


def conclude(folder: SessionFolder, footer: SessionFooter) -> None:
    """Score the session and say what came of it.

    Raises
    ------
    Failure
        The session did not end as it should have; the score is written all the same.
    """
    from behavior.scoring.finish import finish_session

    try:
        score = finish_session(folder)
    finally:
        on_record(folder)
    typer.echo(f"Ended after {footer.duration_s:.1f} s: {footer.reason}")
    for name, value in score.session.items():
        typer.echo(f"  {name} = {value}")
    if not footer.reason.startswith(("completed", "stopped by the experimenter")):
        raise Failure(f"{folder.path}: the session ended early ({footer.reason}); it is recorded up to there")


def on_record(folder: SessionFolder) -> None:
    """Put the session into its dataset's audit log; what fails there is said and takes nothing with it."""
    from behavior.study.audit import find_log
    from behavior.study.evidence import register

    try:
        register(find_log(folder.path) or folder.path.parents[1], folder, who=folder.header.experimenter)
    except (Failure, OSError) as error:
        typer.echo(f"warning: {folder.path} is not on record: {error}", err=True)
