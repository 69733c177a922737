"""Before a live session: what is going to be run, on whom, and that it stays within the limits. Nothing moves yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from behavior.app.asking import Asked, ask, injection_time, remark_on_pretreatment, remark_on_weight, weight
from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.config.limits import ShockLimits
    from behavior.config.rig import Chamber
    from behavior.model.doses import Treatment
    from behavior.paradigms.catalogue import Paradigm
    from behavior.paradigms.parameters import Parameters


@dataclass(frozen=True, slots=True)
class Protocol:
    """What is going to be run: dry-run already."""

    name: str
    paradigm: Paradigm
    parameters: Parameters
    limits: ShockLimits


def prepare(paradigm: str, parameters: str | None, box: Chamber, seed: int) -> Protocol:
    """Find the paradigm, read its parameters, and dry-run it within this chamber's limits.

    Raises
    ------
    BadInput
        Something cannot be used, or the guard would refuse a shock; nothing has moved yet.
    """
    from behavior.config.shipped import find
    from behavior.model.doses import Treatment
    from behavior.paradigms.catalogue import find_paradigm
    from behavior.session.assemble import assemble, dry_run, read_parameters
    from behavior.simulate.ideal import IdealBox
    from behavior.simulate.rat import Rat

    found = find_paradigm(paradigm)
    file = find(parameters, "configs", "paradigms") if parameters else None
    resolved = read_parameters(found, file)
    for rehearsal in range(3):
        core = assemble(found, resolved, seed=seed + rehearsal, limits=box.limits)
        dry_run(core, IdealBox(Rat(seed + rehearsal, Treatment())), what=str(file or paradigm))
    return Protocol(paradigm, found, resolved, box.limits.lowered_to(resolved.limits))


def treatment_of(
    blind_code: str | None,
    compound: str | None,
    dose_mg_kg: float | None,
    vehicle: str | None,
    route: str | None,
    pretreatment_min: float | None,
) -> Treatment:
    """What the animal was given: a blind code, or a dose of something in something.

    Raises
    ------
    BadInput
        It is neither, or both, or impossible.
    """
    from behavior.model.doses import Treatment

    if blind_code and (compound or dose_mg_kg is not None):
        raise BadInput("--blind-code stands for compound and dose; give one or the other")
    if not blind_code:
        if dose_mg_kg is None or not vehicle or (dose_mg_kg > 0 and not compound):
            raise BadInput("say what was given: --blind-code, or --dose-mg-kg with --vehicle (and --compound above 0)")
        if not 0 <= dose_mg_kg < float("inf"):
            raise BadInput(f"--dose-mg-kg: a dose must be 0 (vehicle) or more (is {dose_mg_kg:g})")
    if pretreatment_min is not None and not pretreatment_min >= 0:
        raise BadInput(f"--pretreatment-min: must be 0 or more (is {pretreatment_min:g})")
    return Treatment(
        compound=compound,
        dose_mg_kg=dose_mg_kg,
        vehicle=vehicle,
        route=route,
        pretreatment_min=pretreatment_min,
        blind_code=blind_code,
    )


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
