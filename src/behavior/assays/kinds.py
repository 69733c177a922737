"""The kinds of assay: for each its columns, settings, template files and page. A new assay is one entry here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from behavior.assays.library import Library, read_library
from behavior.assays.pages import binding, exposure, firing, kinetics, microdialysis, saturation
from behavior.assays.result import AssayResult
from behavior.assays.settings import (
    BindingSettings,
    Common,
    ExposureSettings,
    FiringSettings,
    KineticsSettings,
    MicrodialysisSettings,
    SaturationSettings,
)
from behavior.assays.table import Column, Table, header_of, read_table
from behavior.config import read
from behavior.model.errors import BadFile, BadInput


@dataclass(frozen=True)
class Kind:
    """One kind of assay.

    Parameters
    ----------
    name : as on the command line, and the stem of its template files in `configs/assays`
    what : one line
    layouts : column sets of its table; the first one whose `mark` column is in the header is taken, else the last
    settings : record of its settings file
    page : from table, settings and library to the result
    """

    name: str
    what: str
    layouts: tuple[tuple[str, tuple[Column, ...]], ...]
    settings: type[Common]
    page: Callable[[Table, Any, Library], AssayResult]

    def columns_for(self, header: list[str]) -> tuple[Column, ...]:
        """The column set that fits a header."""
        return next((columns for mark, columns in self.layouts if mark in header), self.layouts[-1][1])


_ALL = (
    Kind(
        "binding", "competition curves: IC50, Ki, selectivity", (("", binding.COLUMNS),), BindingSettings, binding.page
    ),
    Kind(
        "saturation",
        "saturation curves: Bmax, Kd, groups compared",
        (("", saturation.COLUMNS),),
        SaturationSettings,
        saturation.page,
    ),
    Kind(
        "microdialysis",
        "percent of baseline, area, direction per dose",
        (("", microdialysis.COLUMNS),),
        MicrodialysisSettings,
        microdialysis.page,
    ),
    Kind(
        "firing",
        "percent inhibition by cumulative dose, ED50 per neuron",
        (("event", firing.EVENT_COLUMNS), ("", firing.COLUMNS)),
        FiringSettings,
        firing.page,
    ),
    Kind(
        "kinetics",
        "Cmax, tmax, half-life, areas, clearance, metabolite ratio",
        (("", kinetics.COLUMNS),),
        KineticsSettings,
        kinetics.page,
    ),
    Kind(
        "exposure",
        "dose, concentration and effect of one study side by side",
        (("", exposure.COLUMNS),),
        ExposureSettings,
        exposure.page,
    ),
)

KINDS: dict[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind by name."""


@dataclass(frozen=True)
class Analysis:
    """A finished analysis with what it was made from, for the report's provenance."""

    result: AssayResult
    table: Table
    settings_file: str
    library_file: str


def kind_named(name: str) -> Kind:
    """The kind of this name.

    Raises
    ------
    BadInput
        There is none.
    """
    if name not in KINDS:
        raise BadInput(f"{name}: there is no such assay; name one of {', '.join(KINDS)}")
    return KINDS[name]


def analyse(name: str, table: Path, *, settings: Path | None = None, library: Path | None = None) -> Analysis:
    """Analyse an assay's table.

    Parameters
    ----------
    name : a key of `KINDS`
    table : CSV file
    settings : TOML file; where None, the one beside the table with the table's stem, else the defaults
    library : TOML file of published figures; the shipped one where None

    Raises
    ------
    BadInput, BadFile
        Table or settings cannot be used.
    """
    kind = kind_named(name)
    read_in = read_table(table, kind.columns_for(header_of(table)))
    beside = table.with_suffix(".toml")
    chosen = settings or (beside if beside.is_file() else None)
    record = read(chosen, kind.settings) if chosen else _defaults(kind, beside)
    known = read_library(library)
    try:
        result = kind.page(read_in, record, known)
    except BadFile:
        raise
    except BadInput as error:
        raise BadInput(f"{table}: {str(error).removeprefix(f'{table}: ')}") from None
    return Analysis(result, read_in, str(chosen.name) if chosen else "defaults", library.name if library else "shipped")


def _defaults(kind: Kind, beside: Path) -> Common:
    needed = [name for name, field in kind.settings.model_fields.items() if field.is_required()]
    if needed:
        raise BadInput(
            f"{kind.name} needs settings ({', '.join(needed)}); write them to {beside} or name a file with --settings "
            f"(`behavior assay {kind.name} --template` writes one to fill in)"
        )
    return kind.settings()
