"""A subject's course: its sessions in order, what each one led to, and what is proposed for the next.

Rules.

1.  A session belongs to the stage whose parameters it was run with; limits aside, which are the guard's.
2.  The shock is titrated over the sessions that punish by shock; the current is the strongest that their parameters
    allow, because a rat that does not press has not met it.
3.  A session under a drug, or under a code that may be one, is no baseline and counts for neither. So do sessions that
    cannot be scored; each is listed with its reason.
4.  Scores are made from the journals, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from behavior.config.shipped import find
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput, BehaviorError
from behavior.paradigms.catalogue import find_paradigm
from behavior.scoring.progress import Proposal, Step, TrainingPlan, propose, titrate
from behavior.scoring.rescore import rescore
from behavior.scoring.score import Row
from behavior.session.assemble import read_parameters, resolve
from behavior.session.folder import SessionFolder

Stages = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Visit:
    """One session of a course.

    Attributes
    ----------
    session : subject and session, as in the folder's path
    started_at : ISO 8601
    stage : of the plan; None: it is of none
    shock_ma : the strongest that it punishes with; None: it does not
    row : its score; empty if it counts for nothing
    left_out : why it counts for nothing; empty if it counts
    """

    session: str
    started_at: str
    stage: str | None = None
    shock_ma: float | None = None
    row: Row | None = None
    left_out: str = ""

    @property
    def suppression_ratio(self) -> float | None:
        """Of a session that was completed."""
        ratio = (self.row or {}).get("suppression_ratio")
        return float(ratio) if isinstance(ratio, int | float) and (self.row or {}).get("completed") else None


@dataclass(frozen=True, slots=True)
class Course:
    """What a subject's sessions led to.

    Attributes
    ----------
    visits : every session of the plan's paradigm, oldest first
    stages : after each visit that is of a stage, what was proposed
    shocks : after each visit that punishes, what was proposed
    stage, shock : for the next session; `shock` is None without a titration, and until the last stage is mastered
    """

    subject: str
    visits: tuple[Visit, ...]
    stages: tuple[tuple[str, Proposal], ...]
    shocks: tuple[tuple[str, Step], ...]
    stage: Proposal
    shock: Step | None


def stages_of(plan: TrainingPlan) -> Stages:
    """The resolved parameters of each stage, by its name.

    Raises
    ------
    BadInput
        A parameter file cannot be used, or two stages cannot be told apart.
    """
    paradigm = find_paradigm(plan.paradigm)
    stages: dict[str, dict[str, Any]] = {}
    for stage in plan.stages:
        file = find(stage.parameters, "configs", "paradigms")
        parameters = _comparable(read_parameters(paradigm, file).model_dump(mode="json"))
        if twin := next((name for name, others in stages.items() if others == parameters), None):
            raise BadInput(f"{file}: stages {twin!r} and {stage.name!r} have the same parameters; tell them apart")
        stages[stage.name] = parameters
    return stages


def courses(plan: TrainingPlan, folders: Iterable[SessionFolder]) -> list[Course]:
    """The course of each subject.

    Parameters
    ----------
    plan : stages and titration
    folders : sessions, of any subjects and paradigms; those of other paradigms are no part of it

    Raises
    ------
    BadInput
        None is of the plan's paradigm, or the plan cannot be used.
    """
    stages = stages_of(plan)
    ours = [folder for folder in folders if folder.header.paradigm == plan.paradigm]
    if not ours:
        raise BadInput(f"no session of {plan.paradigm} is here; name the training file of what was run with --training")
    subjects = list(dict.fromkeys(folder.header.subject for folder in ours))
    return [
        course(plan, stages, subject, [one for one in ours if one.header.subject == subject]) for subject in subjects
    ]


def course(plan: TrainingPlan, stages: Stages, subject: str, folders: Sequence[SessionFolder]) -> Course:
    """One subject's course; each step follows from the sessions before it alone."""
    in_order = sorted(folders, key=lambda one: (_moment(one), one.name))
    visits = tuple(visit(stages, folder) for folder in in_order)
    trained = [one for one in visits if one.stage is not None and not one.left_out]
    history = [(str(one.stage), one.row or {}) for one in trained]
    shocked = [one for one in visits if one.shock_ma is not None and not one.left_out]
    doses = [(float(one.shock_ma or 0), one.suppression_ratio) for one in shocked]
    rule, stage = plan.titration, propose(plan, history)
    return Course(
        subject,
        visits,
        tuple((one.session, propose(plan, history[:i])) for i, one in enumerate(trained, start=1)),
        tuple((one.session, titrate(rule, doses[:i])) for i, one in enumerate(shocked, start=1)) if rule else (),
        stage,
        titrate(rule, doses) if rule and (doses or stage.mastered) else None,
    )


def visit(stages: Stages, folder: SessionFolder) -> Visit:
    """What one session was and came to."""
    header = folder.header
    one = Visit(folder.name, header.started_at)
    if why := drugged(header.treatment):
        return Visit(folder.name, header.started_at, left_out=why)
    try:
        parameters = resolve(find_paradigm(header.paradigm), header.parameters, file=folder.path / "header.json")
        row = rescore(folder).session
    except BehaviorError as error:
        return Visit(folder.name, header.started_at, left_out=f"cannot be scored: {error}")
    mine = _comparable(parameters.model_dump(mode="json"))
    stage = next((name for name, others in stages.items() if others == mine), None)
    return Visit(one.session, one.started_at, stage, shock_of(header.paradigm, header.parameters), row)


def drugged(treatment: Treatment) -> str:
    """Why a session is no baseline; empty if it is one."""
    if treatment.blind_code:
        return f"treated under the code {treatment.blind_code}, which may be a drug"
    if treatment.dose_mg_kg:
        return f"{treatment.dose_mg_kg:g} mg/kg {treatment.compound or 'of something'} is no baseline"
    return ""


def shock_of(paradigm: str, parameters: dict[str, Any]) -> float | None:
    """The strongest current that a conflict session punishes with, mA; None where it does not."""
    from behavior.scoring.geller_seifter import components_of

    if paradigm != "geller_seifter" or parameters.get("stage") == "training":
        return None
    components = components_of(parameters.get("components", ()))
    return max((one.strongest_ma for one in components if one.strongest_ma), default=None)


def _comparable(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != "limits"}


def _moment(folder: SessionFolder) -> float:
    try:
        return datetime.fromisoformat(folder.header.started_at).timestamp()
    except ValueError:
        raise BadInput(
            f"{folder.path / 'header.json'}: started_at is no time ({folder.header.started_at!r}); mend it"
        ) from None
