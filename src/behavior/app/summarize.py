"""`behavior summarize`: sessions in, tidy tables, per-dose statistics, figures and one page out.

Nothing that is there is overwritten: without `--out` the summary goes to `DATASET/summary`, or to the next free name.
"""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from behavior.model.errors import BadInput
from behavior.model.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from behavior.study.dataset import Dataset


def summarize(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A folder with sessions, and study.toml if any.")],
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder for the summary; DATASET/summary where absent.", show_default=False),
    ] = None,
    assay: Annotated[
        list[Path] | None,
        typer.Option(help="Report folder of a finished `behavior assay`, to stand beside; may be repeated."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEASURE=METHOD", help="Compare a measure otherwise than its kind asks for; may be repeated."
        ),
    ] = None,
    absolute_ed50: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MEASURE=PERCENT",
            help="Give the ED50 at which a measure is at this percentage of vehicle; may be repeated.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Summarize sessions per dose: tables, statistics, figures and report.html."""
    from behavior.assays.units import shown
    from behavior.study.dataset import read_dataset
    from behavior.summary.arms import Choices
    from behavior.summary.quality_control import quality_control, write_quality_control
    from behavior.summary.report import write_report

    choices = Choices(methods_of(method or []), percentages_of(absolute_ed50 or []))
    found, assays = read_dataset(dataset), endpoints_of(assay or [])
    folder = out or free_name(dataset / "summary")
    if found.blinded:
        report = write_quality_control(found, folder)
    else:
        report = write_report(found, folder, assays=assays, unit_text=shown, choices=choices)
    if as_json:
        typer.echo(json.dumps(_as_json(found, report), indent=1, ensure_ascii=False, allow_nan=False))
        return
    for warning in quality_control(found).warnings if found.blinded else found.warnings:
        typer.echo(f"warning: {warning}", err=True)
    n_out = len(found.sessions) - len(found.analysed)
    left_out = f", {n_out} left out" if n_out else ""
    done = "checked, for the study is blinded" if found.blinded else "summarized"
    typer.echo(f"{len(found.analysed)} sessions {done}{left_out}", err=True)
    typer.echo(str(report))


def summarized(dataset: Path, out: Path) -> Path:
    """Summarize a dataset into a new folder; the path of its report."""
    from behavior.study.dataset import read_dataset
    from behavior.summary.report import write_report

    return write_report(read_dataset(dataset), out)


def endpoints_of(assays: Sequence[Path]) -> dict[str, pd.DataFrame]:
    """The endpoints of finished assays, by the names of their folders.

    Raises
    ------
    BadInput
        A folder holds no finished assay, or two have one name.
    """
    from behavior.assays.report import read_endpoints

    found: dict[str, pd.DataFrame] = {}
    for folder in assays:
        name = folder.resolve().name
        if name in found:
            raise BadInput(f"--assay: two folders are called {name}; rename one, for the report tells them by name")
        found[name] = read_endpoints(folder)
    return found


def methods_of(given: Sequence[str]) -> dict[str, str]:
    """Methods by measure, from `MEASURE=METHOD`.

    Raises
    ------
    BadInput
        It is written otherwise, or names a measure or a method that there is not.
    """
    found = {}
    for name, method in (_parts("--method", text, "n_failures=gee") for text in given):
        if method not in MEASURES[name].methods:
            suited = ", ".join(MEASURES[name].methods)
            raise BadInput(f"--method {name}={method}: {name} cannot be compared so; choose one of {suited}")
        found[name] = method
    return found


def percentages_of(given: Sequence[str]) -> dict[str, float]:
    """Percentages of vehicle by measure, from `MEASURE=PERCENT`.

    Raises
    ------
    BadInput
        It is written otherwise, names a measure that there is not, or no percentage above 0.
    """
    found = {}
    for name, text in (_parts("--absolute-ed50", text, "calling_time_s=50") for text in given):
        try:
            percent = float(text)
        except ValueError:
            percent = 0.0
        if not 0 < percent < 10_000:
            raise BadInput(f"--absolute-ed50 {name}={text}: is no percentage of vehicle; write such as {name}=50")
        found[name] = percent
    return found


def _parts(option: str, text: str, example: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise BadInput(f"{option} {text}: has no =; write such as {option} {example}")
    if name not in MEASURES:
        raise BadInput(f"{option} {text}: {name!r} is no measure; choose one of {', '.join(MEASURES)}")
    return name, value


def free_name(folder: Path) -> Path:
    """The folder itself if it is not there yet, or the first of `folder-2`, `folder-3`, … that is not."""
    if not folder.exists():
        return folder
    return next(path for n in count(2) if not (path := folder.with_name(f"{folder.name}-{n}")).exists())


def _as_json(dataset: Dataset, report: Path) -> dict[str, Any]:
    """The report's path, the per-dose table, and the endpoints beside assays; null for what is missing."""
    from behavior.summary.quality_control import quality_control

    tables = report.parent / "tables"
    beside = tables / "endpoints.csv"
    return {
        "report": str(report),
        "n_sessions": len(dataset.sessions),
        "n_analysed": len(dataset.analysed),
        "blinded": dataset.blinded,
        "warnings": list(quality_control(dataset).warnings if dataset.blinded else dataset.warnings),
        "per_dose": _rows_of(tables / "per_dose.csv"),
        **({"endpoints": _rows_of(beside)} if beside.is_file() else {}),
    }


def _rows_of(table: Path) -> list[dict[Any, Any]]:
    import pandas as pd

    rows = pd.read_csv(table).astype(object) if table.is_file() else pd.DataFrame()
    return list(rows.where(rows.notna(), None).to_dict("records"))
