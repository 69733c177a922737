"""`behavior simulate`: a whole study in virtual time, into the same folders as a live one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from behavior.config.study import Study
    from behavior.session.folder import SessionFolder
    from behavior.study.plan import PlanRow


def simulate(
    study: Annotated[
        str, typer.Argument(help="Study file, or the name of a shipped one; or a folder that `behavior design` made.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="New folder for the dataset; a designed one gets its sessions itself.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything that chance decides; equal seeds give equal bytes.")] = 1,
    jobs: Annotated[int, typer.Option(min=1, help="Sessions that run at a time.")] = 1,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="A blind design: holds the passphrase, for a rat feels what it really got.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="A blind design: who opens its key, for the audit log.")] = None,
) -> None:
    """Simulate a study: every session on simulated devices, with simulated rats."""
    from behavior.config import read
    from behavior.config.shipped import find
    from behavior.config.study import Study

    if Path(study).is_dir():
        if out is not None:
            raise BadInput(f"--out: the sessions of a designed study go into {study}; leave it out")
        n_sessions = simulate_designed(Path(study), seed=seed, jobs=jobs, passphrase_file=passphrase_file, by=by)
        typer.echo(f"{n_sessions} sessions in {study}")
        typer.echo(f"Next: behavior summarize {study}")
        return
    if out is None:
        raise BadInput("say --out: a new folder for the dataset")
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
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find
    from behavior.scoring.finish import finish_session
    from behavior.simulate.study import open_plan, simulate_sessions

    rig = read(find(study.rig, "configs", "rigs"), Rig)
    rows, planned = open_plan(study, rig, seed=seed)
    if records_sound(study):
        compile_detector()
    new_folder(out, text, rows)
    sessions = simulate_sessions(study, rig, out, planned, finish=finish_session, jobs=jobs)
    return taken(sessions, len(planned), out)


def simulate_designed(dataset: Path, *, seed: int, jobs: int, passphrase_file: Path | None, by: str | None) -> int:
    """Simulate the sessions of a designed study into its own folder; the number of sessions.

    Raises
    ------
    BadInput
        It has sessions already, or its key cannot be opened.
    """
    from behavior.app.passphrase import passphrase, who_is_it
    from behavior.app.records import designed_study
    from behavior.config import read
    from behavior.config.rig import Rig
    from behavior.config.shipped import find
    from behavior.scoring.finish import finish_session
    from behavior.simulate.study import simulate_sessions
    from behavior.study.blinding import planned_sessions
    from behavior.study.plan import PLAN_FILE, read_plan
    from behavior.study.subjects import SUBJECTS_FILE, read_subjects
    from behavior.study.unblind import opened

    study = designed_study(dataset)
    if next(dataset.rglob("header.json"), None) is not None:
        raise BadInput(f"{dataset}: has sessions already and nothing is ever overwritten; design the study anew")
    rig, rows = read(find(study.rig, "configs", "rigs"), Rig), read_plan(dataset / PLAN_FILE)
    key = None
    if study.key is not None:
        key = opened(dataset, passphrase(passphrase_file), study, who=who_is_it(by), reason="simulation")
    planned = planned_sessions(study, rows, read_subjects(dataset / SUBJECTS_FILE), key, seed=seed)
    if records_sound(study):
        compile_detector()
    sessions = simulate_sessions(study, rig, dataset, planned, finish=finish_session, jobs=jobs)
    return taken(sessions, len(planned), dataset)


def taken(sessions: Iterable[SessionFolder], total: int, dataset: Path) -> int:
    """See simulated sessions to their ends, each on record in the audit log at the time of its own clock."""
    from behavior.app.progress import Progress
    from behavior.study.evidence import register

    with Progress("sessions", total) as progress:
        for folder in sessions:
            footer = folder.footer
            register(dataset, folder, who="simulation", at=footer.ended_at if footer else None)
            progress.step(folder.name)
    return total


def records_sound(study: Study) -> bool:
    """Whether some session of a study records sound, in which calls are searched."""
    return any(
        "usv" in arm.paradigm_at(stage) for arm in study.arms for stage in (*(s.name for s in arm.stages), "test")
    )


def new_folder(out: Path, study: str, rows: Iterable[PlanRow]) -> None:
    """Make the dataset's folder and put the study file and the plan into it.

    Raises
    ------
    BadInput
        Something is there already, or it cannot be made.
    """
    from behavior.study.dataset import STUDY_FILE
    from behavior.study.designed import new_folder as made
    from behavior.study.plan import PLAN_FILE, write_plan

    made(out)
    try:
        (out / STUDY_FILE).write_text(study, encoding="utf-8", newline="\n")
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
