"""An assay's files, laid out like those of a behavioral summary, with the same styles and figures.

    OUT/report.html              styles and figures inside; no network, no script
    OUT/endpoints.csv            one line an endpoint: what is placed beside the behavioral ones
    OUT/results.json             endpoints, warnings, methods, settings and provenance
    OUT/tables/*.csv             every table of the page
    OUT/figures/*.svg, *.png     every figure of the page

Equal inputs give equal bytes: no date, no path, no machine in any of them. Nothing is overwritten, and a report that
cannot be finished is taken away whole.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from behavior.assays.kinds import Analysis
from behavior.assays.quantity import shortest
from behavior.assays.result import ResultTable, label_of
from behavior.assays.units import shown
from behavior.model.errors import BadInput, Failure
from behavior.summary.drawing import COLUMN_IN, inline, save, style, svg_of
from behavior.summary.vehicle_test import p_text

REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure on the page. `wide` ones take the whole width."""

    number: int
    svg: str
    caption: str
    wide: bool


def write_report(analysis: Analysis, out: Path) -> Path:
    """Write all of an analysis into a folder.

    Parameters
    ----------
    analysis : from `kinds.analyse`
    out : a folder that is not there yet, or is empty

    Returns
    -------
    Path
        Of `report.html`.

    Raises
    ------
    BadInput
        The folder holds something already, or cannot be made.
    Failure
        A file cannot be written.
    """
    _make(out)
    try:
        for table in analysis.result.tables:
            if len(table.frame):
                _write_csv(table, out / "tables" / f"{table.name}.csv")
        _write_csv(_endpoint_table(analysis), out / "endpoints.csv")
        _write_text(out / "results.json", as_json(analysis))
        _write_text(out / REPORT, _page(analysis, _draw(analysis, out / "figures")))
    except BaseException as error:
        shutil.rmtree(out, ignore_errors=True)
        if isinstance(error, OSError):
            raise Failure(
                f"{out}: the report cannot be written ({error.strerror}); free the disk and run again"
            ) from None
        raise
    return out / REPORT


def _make(out: Path) -> None:
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise BadInput(f"{out}: is there already and is not overwritten; name another folder with --out")
    try:
        (out / "tables").mkdir(parents=True)
    except OSError as error:
        raise BadInput(f"{out}: cannot be made ({error.strerror}); name another folder with --out") from None


def _draw(analysis: Analysis, figures: Path) -> list[Drawn]:
    drawn = []
    for number, drawing in enumerate(analysis.result.drawings, start=1):
        with style():
            figure = drawing.draw()
        svg = svg_of(figure)
        save(svg, figure, figures / drawing.name)
        wide = figure.get_figwidth() > COLUMN_IN * 1.6
        drawn.append(Drawn(number, inline(svg, drawing.name, drawing.caption), drawing.caption, wide))
    return drawn


def as_json(analysis: Analysis) -> str:
    """Endpoints, warnings, methods, settings and provenance as JSON."""
    result = analysis.result
    content = {
        "assay": result.kind,
        "title": result.title,
        "endpoints": result.endpoint_rows(),
        "warnings": result.flags,
        "methods": result.methods,
        "published": [asdict(one) for one in result.published],
        "disagreements": result.disagreements,
        "settings": result.settings,
        "provenance": dict(provenance(analysis)),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def provenance(analysis: Analysis) -> list[tuple[str, str]]:
    """What made the result: table with digest, settings, library, software."""
    from behavior.summary.wording import software_versions

    versions = ", ".join(f"{name} {version}" for name, version in software_versions().items())
    return [
        ("table", Path(analysis.table.file).name),
        ("table_sha256", analysis.table.digest),
        ("n_rows", str(len(analysis.table.frame))),
        ("settings", analysis.settings_file),
        ("published_figures", analysis.library_file),
        ("software", versions),
    ]


def read_endpoints(folder: Path) -> Any:
    """The endpoints of a finished assay as a pandas DataFrame, for a table beside the behavioral endpoints.

    Raises
    ------
    BadInput
        The folder holds no finished assay.
    """
    import pandas as pd

    path = folder / "endpoints.csv"
    if not path.is_file():
        raise BadInput(f"{folder}: holds no endpoints.csv; run `behavior assay KIND TABLE --out {folder}` first")
    words = ("assay", "endpoint", "of", "unit", "qualifier", "n_of", "method", "text")
    frame = pd.read_csv(path, dtype=dict.fromkeys(words, str), keep_default_na=False, na_values={"n": [""]})
    numbers = ["value", "low", "high"]
    frame[numbers] = frame[numbers].apply(pd.to_numeric)
    return frame


def _endpoint_table(analysis: Analysis) -> ResultTable:
    import pandas as pd

    frame = pd.DataFrame(analysis.result.endpoint_rows())
    return ResultTable("endpoints", "", frame.astype({"n": "Int64"}))


def _write_csv(table: ResultTable, path: Path) -> None:
    table.frame.to_csv(path, index=False, float_format="%.10g", lineterminator="\n", encoding="utf-8")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _page(analysis: Analysis, drawn: list[Drawn]) -> str:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    summary = PackageLoader("behavior.summary", "pages")
    pages = Environment(
        loader=ChoiceLoader([PackageLoader("behavior.assays", "templates"), summary]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    result = analysis.result
    return pages.get_template("assay.html").render(
        styles=summary.get_source(pages, "report.css")[0],
        result=result,
        drawn=drawn,
        tables=[_shown_table(table, result.units) for table in result.tables if len(table.frame)],
        provenance=provenance(analysis),
        settings=_listed(result.settings),
    )


def _shown_table(table: ResultTable, units: Sequence[str]) -> dict[str, Any]:
    names = [str(name) for name in table.frame.columns]
    rows = [
        [_cell(value, name) for value, name in zip(row, names, strict=True)]
        for row in table.frame.itertuples(index=False, name=None)
    ]
    numeric = [table.frame[name].dtype.kind in "fiu" for name in table.frame.columns]
    empty = [all(row[at] in ("–", "") for row in rows) for at in range(len(names))]
    kept = [at for at in range(len(names)) if not empty[at]]
    return {
        "caption": table.caption,
        "file": f"tables/{table.name}.csv",
        "columns": [(_heading(names[at], units), numeric[at]) for at in kept],
        "rows": [[(row[at], numeric[at]) for at in kept] for row in rows],
    }


def _heading(name: str, units: Sequence[str]) -> str:
    for unit in sorted(units, key=len, reverse=True):
        if unit and name.endswith(f"_{unit}"):
            return f"{name.removesuffix(f'_{unit}').replace('_', ' ')} ({shown(unit)})"
    return name.replace("_", " ")


def _cell(value: object, column: str) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, str):
        return shown(value) if column.endswith("unit") else label_of(value) if column == "measure" else value
    if column.startswith("p_") or column == "p":
        return p_text(float(value)).removeprefix("= ")  # type: ignore[arg-type]
    if isinstance(value, int | float) or hasattr(value, "dtype"):
        number = float(value)  # type: ignore[arg-type]
        return shortest(number).replace("-", "−") if math.isfinite(number) else "–"
    return str(value)


def _listed(settings: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Settings as lines; those that are empty are left out."""
    rows: list[tuple[str, str]] = []
    for key, value in settings.items():
        if isinstance(value, dict):
            rows += _listed(value, f"{prefix}{key}.")
        elif value not in (None, "", ()):
            rows.append(
                (f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value))
            )
    return rows
