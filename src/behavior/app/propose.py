"""`behavior propose`: the next training stage and the shock that suits each rat, with the reason for every step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from behavior.scoring.course import Course, Visit


def propose(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="A subject's folder, or a dataset.")],
    training: Annotated[
        str, typer.Option(help="TOML file of stages, criteria and titration, or the name of a shipped one.")
    ] = "geller_seifter",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Propose the next session of each subject, from the scores of those it had. Changes no file."""
    from behavior.config import read
    from behavior.config.shipped import find
    from behavior.scoring.course import courses
    from behavior.scoring.progress import TrainingPlan
    from behavior.session.folder import find_sessions

    stages = read(find(training, "configs", "training"), TrainingPlan)
    found = courses(stages, find_sessions(*folders))
    if as_json:
        typer.echo(json.dumps([as_record(one) for one in found], indent=2, ensure_ascii=False))
        return
    for one in found:
        for line in lines_of(one):
            typer.echo(line)


def lines_of(course: Course) -> list[str]:
    """A subject's course, a line a session, and the proposal."""
    stages, shocks = dict(course.stages), dict(course.shocks)
    lines = [f"{course.subject}: {len(course.visits)} sessions"]
    for visit in course.visits:
        found = [step.why for step in (stages.get(visit.session), shocks.get(visit.session)) if step is not None]
        lines.append(f"  {visit.session}  {'; '.join(found) or why_nothing(visit)}")
    stage = course.stage
    lines.append(f"  next stage: {stage.stage.name} (--parameters {stage.stage.parameters}): {stage.why}")
    if course.shock is not None:
        lines.append(f"  next shock: {course.shock.shock_ma:g} mA: {course.shock.why}")
    return lines


def why_nothing(visit: Visit) -> str:
    """Why a session led to nothing."""
    return (
        f"counts for nothing: {visit.left_out}" if visit.left_out else "is of no stage of the training, without shock"
    )


def as_record(course: Course) -> dict[str, Any]:
    """A course for a script."""
    shock = course.shock
    return {
        "subject": course.subject,
        "next_stage": course.stage.stage.name,
        "next_parameters": course.stage.stage.parameters,
        "mastered": course.stage.mastered,
        "why_stage": course.stage.why,
        "next_shock_ma": None if shock is None else shock.shock_ma,
        "target_reached": None if shock is None else shock.reached,
        "why_shock": None if shock is None else shock.why,
        "sessions": [
            {
                "session": visit.session,
                "started_at": visit.started_at,
                "stage": visit.stage,
                "shock_ma": visit.shock_ma,
                "suppression_ratio": visit.suppression_ratio,
                "left_out": visit.left_out,
                **_step(course, visit.session),
            }
            for visit in course.visits
        ],
    }


def _step(course: Course, session: str) -> dict[str, Any]:
    stage, shock = dict(course.stages).get(session), dict(course.shocks).get(session)
    return {
        "proposed_stage": None if stage is None else stage.stage.name,
        "why_stage": None if stage is None else stage.why,
        "proposed_shock_ma": None if shock is None else shock.shock_ma,
        "why_shock": None if shock is None else shock.why,
    }
