"""`behavior simulate`: a whole study in virtual time, into the same folders as a live one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behavior.config.study import Study
    from behavior.study.plan import PlannedSession, PlanRow


def simulate(
    study: Annotated[str, typer.Argument(help="Study file, or the name of a shipped one.")],
    out: Annotated[Path, typer.Option(help="New folder for the dataset.")],
    seed: Annotated[int, typer.Option(help="Of everything that chance decides; equal seeds give equal bytes.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Sessions that run at a time.")] = 1,
) -> None:
    """Simulate a study: every session on simulated devices, with simulated rats."""
    from behavior.config import read
    from behavior.config.shipped import find
    from behavior.config.study import Study

    path = find(study, "configs", "studies")
    described = read(path, Study)
    n_sessions = simulate_into(described, path.read_text(encoding="utf-8"), out, seed=seed, jobs=jobs)
    typer.echo(f"{n_sessions} sessions in {out}")
    typer.echo(f"Next: behavior summarize {out}")


def simulate_into(study: Study, text: str, out: Path, *, seed: int, jobs: int) -> int:
    """Simulate a study into a new folder, beside a copy of its file and the plan; the number of sessions.

    Raises
    ------
    BadInput
        The folder is there already and not empty, or cannot be made; or the study cannot be run.
    """
    from behavior.app.progress import Progress
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find
    from behavior.scoring.finish import finish_session
    from behavior.simulate.study import simulate_study
    from behavior.study.plan import plan_rows

    rig = read(find(study.rig, "configs", "rigs"), Rig)
    if any(arm.paradigm == "conditioned_usv" for arm in study.arms):
        compile_detector()

    def begin(planned: tuple[PlannedSession, ...]) -> None:
        new_folder(out, text, plan_rows(planned, seed=seed))

    sessions = simulate_study(study, rig, out, seed=seed, finish=finish_session, jobs=jobs, begin=begin)
    total = sum(len(arm.doses_mg_kg) * arm.n_per_dose for arm in study.arms)
    with Progress("sessions", total) as progress:
        for folder in sessions:
            progress.step(folder.name)
    return total


def new_folder(out: Path, study: str, rows: Iterable[PlanRow]) -> None:
    """Make the dataset's folder and put the study file and the plan into it.

    Raises
    ------
    BadInput
        Something is there already, or it cannot be made.
    """
    from behavior.study.dataset import STUDY_FILE
    from behavior.study.plan import PLAN_FILE, write_plan

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadInput(f"{out}: is there already and nothing is ever overwritten; name a new folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / STUDY_FILE).write_text(study, encoding="utf-8")
        write_plan(rows, out / PLAN_FILE)
    except OSError as error:
        raise BadInput(f"{out}: cannot be written to ({error.strerror}); name a folder that you may write to") from None


def compile_detector() -> None:
    """Compile the detector once, here, so that processes that are started later find it done."""
    import numpy as np

    from behavior.usv.detect import Detector
    from behavior.usv.profile import load_profile

    detector = Detector(load_profile("rat"), 250_000, file="")
    noise = np.random.default_rng(1).normal(0, 100, 250_000).astype(np.int16)
    detector.push(noise)
    detector.flush()
