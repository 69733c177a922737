"""`behavior assay`: a companion assay's plain table in, results, figures and one page out.

Nothing that is there is overwritten: without `--out` the report goes beside the table, to `STEM-report`, or to the next
free name. `--template` writes a table and its settings to fill in.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from behavior.model.errors import BadInput

if TYPE_CHECKING:
    from behavior.assays.kinds import Analysis


class AssayKind(StrEnum):
    """The kinds, as on the command line."""

    BINDING = "binding"
    SATURATION = "saturation"
    MICRODIALYSIS = "microdialysis"
    FIRING = "firing"
    KINETICS = "kinetics"
    EXPOSURE = "exposure"


def assay(
    kind: Annotated[AssayKind, typer.Argument(help="Which assay.", show_default=False)],
    table: Annotated[Path | None, typer.Argument(help="Its table, CSV.", show_default=False)] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="A new folder for the report; beside the table where absent.", show_default=False),
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="Settings, TOML; the file beside the table with its name where absent.")
    ] = None,
    published: Annotated[
        Path | None, typer.Option(help="Published figures, TOML; the shipped ones where absent.")
    ] = None,
    template: Annotated[
        bool, typer.Option("--template", help="Write a table and settings to fill in, and stop.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Analyse a companion assay: binding, saturation, microdialysis, firing, kinetics, exposure."""
    if template:
        if table is not None:
            raise BadInput(f"--template writes a new table and reads none; leave {table} out, or leave out --template")
        for path in write_template(kind.value, out or Path()):
            typer.echo(str(path))
        return
    if table is None:
        raise BadInput(f"which table? name it, or `behavior assay {kind.value} --template` writes one to fill in")

    from behavior.app.summarize import free_name
    from behavior.assays.kinds import analyse
    from behavior.assays.report import as_json as results_as_json
    from behavior.assays.report import write_report

    analysis = analyse(kind.value, table, settings=settings, library=published)
    report = write_report(analysis, out or free_name(table.with_name(f"{table.stem}-report")))
    if as_json:
        typer.echo(results_as_json(analysis), nl=False)
        return
    _say(analysis)
    typer.echo(str(report))


def _say(analysis: Analysis) -> None:
    for flag in analysis.result.flags:
        typer.echo(f"warning: {flag}", err=True)
    for one in analysis.result.endpoints:
        name = ", ".join(part for part in (one.label, one.of_shown()) if part)
        typer.echo(f"{name}: {one.shown()}", err=True)


def write_template(kind: str, folder: Path) -> list[Path]:
    """Write an example table and its settings.

    Parameters
    ----------
    kind : a kind of assay
    folder : made if it is not there

    Raises
    ------
    BadInput
        A file of that name is there already, or the folder cannot be written to.
    """
    from behavior.config.shipped import shipped

    targets = [folder / f"{kind}.csv", folder / f"{kind}.toml"]
    for target in targets:
        if target.exists():
            raise BadInput(f"{target}: is there already and is not overwritten; name another folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for target in targets:
            target.write_bytes(shipped("configs", "assays", target.name).read_bytes())
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written to ({error.strerror}); name another folder with --out") from None
    return targets
