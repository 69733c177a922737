"""`behavior summarize`: sessions in, tidy tables, per-dose statistics, figures and one page out.

Nothing that is there is overwritten: without `--out` the summary goes to `DATASET/summary`, or to the next free name.
"""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from behavior.study.dataset import Dataset


def summarize(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A folder with sessions, and study.toml if any.")],
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder for the summary; DATASET/summary where absent.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Summarize sessions per dose: tables, statistics, figures and report.html."""
    from behavior.study.dataset import read_dataset
    from behavior.summary.report import write_report

    found = read_dataset(dataset)
    report = write_report(found, out or free_name(dataset / "summary"))
    if as_json:
        typer.echo(json.dumps(_as_json(found, report), indent=1, ensure_ascii=False, allow_nan=False))
        return
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    n_out = len(found.sessions) - len(found.analysed)
    left_out = f", {n_out} left out" if n_out else ""
    typer.echo(f"{len(found.analysed)} sessions summarized{left_out}", err=True)
    typer.echo(str(report))


def summarized(dataset: Path, out: Path) -> Path:
    """Summarize a dataset into a new folder; the path of its report."""
    from behavior.study.dataset import read_dataset
    from behavior.summary.report import write_report

    return write_report(read_dataset(dataset), out)


def free_name(folder: Path) -> Path:
    """The folder itself if it is not there yet, or the first of `folder-2`, `folder-3`, … that is not."""
    if not folder.exists():
        return folder
    return next(path for n in count(2) if not (path := folder.with_name(f"{folder.name}-{n}")).exists())


def _as_json(dataset: Dataset, report: Path) -> dict[str, Any]:
    """The report's path and the per-dose table, with null for what is missing."""
    import pandas as pd

    table = report.parent / "tables" / "per_dose.csv"
    rows = pd.read_csv(table).astype(object) if table.is_file() else pd.DataFrame()
    return {
        "report": str(report),
        "n_sessions": len(dataset.sessions),
        "n_analysed": len(dataset.analysed),
        "blinded": dataset.blinded,
        "warnings": list(dataset.warnings),
        "per_dose": rows.where(rows.notna(), None).to_dict("records"),
    }
