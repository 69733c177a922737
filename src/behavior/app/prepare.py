"""Before a live session: what is going to be run, on whom, and that it stays within the limits. Nothing moves yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from behavior.app.asking import Asked, ask, injection_time, readable, remark_on_pretreatment, remark_on_weight, weight
from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from behavior.config.calibration import Calibration
    from behavior.config.limits import ShockLimits
    from behavior.config.rig import Chamber, Device
    from behavior.model.doses import Treatment
    from behavior.paradigms.catalogue import Paradigm
    from behavior.paradigms.parameters import Parameters
    from behavior.session.journal import Item


UNWATCHED_S = 2.0
"""A pulse that may go on for so long without a watchdog is worth no word: ours would last as long."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is going to be run: dry-run already."""

    name: str
    paradigm: Paradigm
    parameters: Parameters
    limits: ShockLimits
    remarks: tuple[str, ...] = ()
    records: bool = False
    """Whether sound is recorded."""
    currents_ma: frozenset[float] = frozenset()
    """Of the shocks that the dry runs gave."""
    calibration: Calibration | None = None
    """Of the chamber's shocker."""


def prepare(paradigm: str, parameters: str | None, box: Chamber, seed: int, master: Path | None = None) -> Protocol:
    """Find the paradigm, read its parameters, and dry-run it within this chamber's limits.

    Parameters
    ----------
    paradigm, parameters : names or files
    box : the rig's chamber
    seed : of the session
    master : folder of the session whose shocks, and all other parameters, a yoked subject gets

    Raises
    ------
    BadInput
        Something cannot be used, the chamber lacks what the session needs, or the guard would refuse a shock; nothing
        has moved yet.
    """
    from behavior.config.shipped import find
    from behavior.paradigms.catalogue import find_paradigm
    from behavior.session.assemble import read_parameters

    found = find_paradigm(paradigm, own_code=True)
    file = find(parameters, "configs", "paradigms") if parameters else None
    resolved, remarks = (read_parameters(found, file), ()) if master is None else yoked(found, file, master)
    records, currents_ma = rehearsed(found, resolved, box, seed, what=str(file or paradigm))
    limits = box.limits.lowered_to(resolved.limits)
    return Protocol(paradigm, found, resolved, limits, remarks, records, currents_ma)


def calibrated(protocol: Protocol, box: Chamber, rig: Path, *, simulated: bool, today: date | None = None) -> Protocol:
    """The protocol with the calibration record of the chamber's shocker, without which nothing may be armed.

    A session that gives no shocks runs without one too; then its limits allow no shock at all.

    Parameters
    ----------
    protocol : dry-run
    box, rig : the chamber, and the rig's file, beside which the records are
    simulated : a simulated shocker gives what it is asked for
    today : the date

    Raises
    ------
    BadInput
        The session would give shocks, and there is no record that holds for them today.
    """
    from behavior.devices.calibration import (
        FOLDER,
        calibration_of,
        not_covered,
        shocker_of,
        simulated_calibration,
    )

    today = today or datetime.now().astimezone().date()
    shocker = shocker_of(box)
    if shocker is None:
        return protocol
    protocol = replace(protocol, remarks=(*protocol.remarks, *unwatched(box, shocker, protocol)))
    if simulated:
        return replace(protocol, calibration=simulated_calibration(box, shocker, today))
    try:
        record = calibration_of(box, shocker, rig.parent / FOLDER, today)
    except BadInput as error:
        if protocol.currents_ma:
            raise
        unarmed = protocol.limits.lowered_to(type(protocol.limits)(max_count=0))
        return replace(protocol, limits=unarmed, remarks=(*protocol.remarks, f"no shock can be given: {error}"))
    if why := not_covered(record, protocol.currents_ma):
        raise BadInput(why)
    return replace(protocol, calibration=record)


def unwatched(box: Chamber, shocker: Device, protocol: Protocol) -> tuple[str, ...]:
    """What is to be said of a shocker whose timer does not notice that the computer has died."""
    timer = next((device for device in box.devices if device.name == shocker.shocker.pulse_timed_by), None)
    longest_s = protocol.limits.max_single_s
    if timer is None or timer.kind != "harp_behavior" or not protocol.currents_ma or longest_s <= UNWATCHED_S:
        return ()
    return (
        f"{timer.name} ends each pulse itself but has no watchdog: were this computer to die in a shock, it would run "
        f"to its end, here up to {longest_s:g} s; lower max_single_s of chamber {box.name} to what is needed",
    )


def rehearsed(
    paradigm: Paradigm, parameters: Parameters, box: Chamber, seed: int, *, what: str
) -> tuple[bool, frozenset[float]]:
    """Dry-run a session three times; whether it records sound, and the currents of its shocks, mA.

    Raises
    ------
    BadInput
        The guard would refuse a shock, the paradigm fails, or the chamber lacks something.
    """
    from behavior.model.commands import SetRecording, Shock
    from behavior.model.doses import Treatment
    from behavior.session.needs import rehearse
    from behavior.simulate.animals import animal_for
    from behavior.simulate.ideal import IdealBox

    seen: set[Item] = set()
    for one in range(seed, seed + 3):
        animal = animal_for(paradigm.name, parameters.model_dump(mode="json"), one, Treatment())
        rehearse(paradigm, parameters, box, IdealBox(animal), seed=one, what=what, watch=seen.add)
    records = any(isinstance(item, SetRecording) for item in seen)
    return records, frozenset(item.ma for item in seen if isinstance(item, Shock))


def yoked(paradigm: Paradigm, file: Path | None, master: Path) -> tuple[Parameters, tuple[str, ...]]:
    """Parameters of the yoked partner of a master, and what the header says of that.

    Raises
    ------
    BadInput
        There is no such master, or something else was asked for too.
    """
    from behavior.scoring.yoke import PARADIGM, yoke_remark, yoked_parameters
    from behavior.session.assemble import resolve
    from behavior.session.folder import SessionFolder

    if paradigm.name != PARADIGM:
        raise BadInput(f"--master is for the paradigm {PARADIGM}, and this is {paradigm.name}; leave it out")
    if file is not None:
        raise BadInput("--master brings all parameters of the master's session; leave out --parameters")
    folder = SessionFolder(master)
    return resolve(paradigm, yoked_parameters(folder), file=folder.path), (yoke_remark(folder),)


def without_drug(parameters: Parameters, treatment: Treatment) -> None:
    """Check that a screening, which says who does not call by itself, is not run under a drug.

    Raises
    ------
    BadInput
        It would be, or may be.
    """
    from behavior.scoring.course import drugged

    if getattr(parameters, "stage", None) == "screening" and (why := drugged(treatment)):
        raise BadInput(f"a screening is drug-free, and {why}; give the vehicle alone, or run the stage 'test'")


def treatment_of(
    blind_code: str | None,
    compound: str | None,
    dose_mg_kg: float | None,
    vehicle: str | None,
    route: str | None,
    pretreatment_min: float | None,
    precedes: str | None = None,
) -> Treatment:
    """What the animal was given: a blind code, or a dose of something in something.

    Raises
    ------
    BadInput
        It is neither, or both, or impossible.
    """
    from behavior.model.doses import Treatment

    readable({"blind-code": blind_code, "compound": compound, "vehicle": vehicle, "route": route, "precedes": precedes})
    if blind_code and (compound or dose_mg_kg is not None):
        raise BadInput("--blind-code stands for compound and dose; give one or the other")
    if not blind_code:
        if dose_mg_kg is None or not vehicle or (dose_mg_kg > 0 and not compound):
            raise BadInput("say what was given: --blind-code, or --dose-mg-kg with --vehicle (and --compound above 0)")
        if not 0 <= dose_mg_kg < float("inf"):
            raise BadInput(f"--dose-mg-kg: a dose must be 0 (vehicle) or more (is {dose_mg_kg:g})")
    if pretreatment_min is not None and not 0 <= pretreatment_min < float("inf"):
        raise BadInput(f"--pretreatment-min: must be 0 or more (is {pretreatment_min:g})")
    return Treatment(
        compound=compound,
        dose_mg_kg=dose_mg_kg,
        vehicle=vehicle,
        route=route,
        pretreatment_min=pretreatment_min,
        precedes=precedes,
        blind_code=blind_code,
    )


def as_planned(
    dataset: Path,
    subject: str,
    chamber: str,
    paradigm: str,
    treatment: Treatment,
    day: int | None,
    reason: str | None,
) -> tuple[str, ...]:
    """What the header says of a session that is not as the plan of its dataset has it.

    Raises
    ------
    BadInput
        It differs, and nobody says why.
    """
    import sys

    import typer

    from behavior.config.squad import Start
    from behavior.study.deviations import deviations

    start = Start.model_construct(
        chamber=chamber, subject=subject, paradigm=paradigm, blind_code=treatment.blind_code,
        dose_mg_kg=treatment.dose_mg_kg, day=day,
    )  # fmt: skip
    if not (differs := deviations(dataset, start)):
        return ()
    found = f"not as the plan in {dataset}: {'; '.join(differs)}"
    if not reason and sys.stdin.isatty():
        typer.echo(found, err=True)
        reason = str(typer.prompt("Look again. If it is meant so, why")).strip()
    if not reason:
        raise BadInput(f"{found}; look at animal and syringe again, or say why with --deviation")
    readable({"deviation": reason})
    return (f"{found}; because {reason}",)


def attend(
    answers: dict[str, str | float | None],
    treatment: Treatment,
    *,
    free_feeding_g: str | None,
    underweight_allowed_by: str | None,
    injected_at: str | None,
) -> Asked:
    """Ask for what was not said of the subject, and check it.

    Raises
    ------
    BadInput
        Something is missing, impossible, or not allowed.
    """
    now = datetime.now().astimezone()
    said = ask(answers)
    weight_g = weight("weight-g", said["weight-g"])
    free_g = weight("free-feeding-g", free_feeding_g) if free_feeding_g else None
    injected = injection_time(injected_at, now)
    remarks = remark_on_weight(weight_g, free_g, underweight_allowed_by)
    remarks += remark_on_pretreatment(treatment.pretreatment_min, injected, now)
    when = injected.isoformat() if injected else None
    return Asked(said["subject"], said["experimenter"], weight_g, free_g, when, remarks)
