"""`behavior demo`: a whole small study on simulated hardware, from sessions to report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[
        Path | None, typer.Option(help="New folder; by default ./behavior-demo, or the next name that is free.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything that chance decides.")] = 2,
) -> None:
    """Simulate a small study with sound, score it, and leave a report. Opens nothing, needs nothing."""
    from behavior.app.simulate import simulate_into
    from behavior.app.summarize import free_name, summarized
    from behavior.config import read
    from behavior.config.shipped import shipped
    from behavior.config.study import Study

    path = shipped("configs", "studies", "first-light.toml")
    folder = out or free_name(Path("behavior-demo"))
    study = read(path, Study)
    typer.echo(f"Simulating the study {study.title!r} in {folder}")
    simulate_into(study, path.read_text(encoding="utf-8"), folder, seed=seed, jobs=min(2, os.cpu_count() or 1))
    typer.echo("Summarizing")
    report = summarized(folder, folder / "summary")
    typer.echo(f"Report: {report.resolve()}")
