"""The figures of the source documents, each with its qualifier, species and source, shown beside one's own
results.

The documents disagree in places. Nothing is averaged and nothing is dropped: `disagreements` lists what
stands against what.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from behavior.assays.quantity import Quantity
from behavior.assays.units import spelled
from behavior.config import Record, read
from behavior.config.shipped import shipped
from behavior.model.errors import BadInput

_AFFINITY = ("Ki", "Kd")
_FAR = 3.0


class Figure(Record):
    """One published figure."""

    compound: str
    quantity: str
    """What it is: `Ki`, `Kd`, `half_life`, `cmax`, `auc_ratio`, `ed50`, `direction`, `dose` …"""
    target: str = ""
    """Receptor, region, procedure or analyte that it belongs to."""
    value: float | None = None
    high: float | None = None
    """The upper end, where a range was given."""
    unit: str = ""
    qualifier: Literal["", ">", "<", ">=", "<=", "~"] = ""
    words: str = ""
    """Where the source gives words and no number, or words beside it."""
    dose: float | None = None
    dose_unit: str = ""
    route: str = ""
    species: str = "not stated"
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _says_something(self) -> Figure:
        if self.value is None and not self.words:
            raise ValueError("has neither value nor words; give one")
        return self

    @property
    def stated(self) -> Quantity:
        """The figure as a quantity; words alone have no value."""
        unit = spelled(self.unit) if self.unit else None
        text = self.words if self.value is None else f"{self.qualifier} {self.value:g} {self.unit}".strip()
        return Quantity(text, self.value, self.high, self.qualifier, unit, self.quantity)

    @property
    def about(self) -> str:
        """Compound, quantity, target and dose in one phrase."""
        dose = f", {self.dose:g} {self.dose_unit}" if self.dose is not None else ""
        target = f", {self.target}" if self.target else ""
        route = f" {self.route}" if self.route else ""
        return f"{self.compound}, {self.quantity}{target}{dose}{route}"


class Library(Record):
    """All figures of a library file."""

    figures: tuple[Figure, ...]

    def find(
        self,
        *,
        compounds: Iterable[str] | None = None,
        quantities: Iterable[str] | None = None,
        targets: Iterable[str] | None = None,
    ) -> list[Figure]:
        """The figures of any of these compounds, quantities and targets; None takes all. Case does not
        matter.
        """

        def wanted(value: str, among: Iterable[str] | None) -> bool:
            return among is None or value.casefold() in {one.casefold() for one in among}

        return [
            figure
            for figure in self.figures
            if wanted(figure.compound, compounds)
            and wanted(figure.quantity, quantities)
            and wanted(figure.target, targets)
        ]


def read_library(path: Path | None = None) -> Library:
    """Read a library of published figures; the shipped one where no path is given.

    Raises
    ------
    BadInput, BadFile
        The file cannot be used.
    """
    return read(path or shipped("configs", "assays", "compounds.toml"), Library)


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Two figures of one thing that do not say the same, and in what they differ."""

    first: Figure
    second: Figure
    how: str

    def __str__(self) -> str:
        one, other = self.first, self.second
        return (
            f"{one.target or one.quantity}: {one.compound} {one.quantity} {one.stated} ({one.source}) "
            f"against {other.compound} {other.quantity} {other.stated} ({other.source}); {self.how}"
        )


def disagreements(figures: Sequence[Figure]) -> list[Disagreement]:
    """What stands against what: figures of one compound, target and dose, and a Kd beside another compound's
    Ki.
    """
    found, single = [], merged(figures)
    for i, first in enumerate(single):
        for second in single[i + 1 :]:
            how = _difference(first, second) if _same_thing(first, second) else ""
            if how:
                found.append(Disagreement(first, second, how))
    return found


def merged(figures: Sequence[Figure]) -> list[Figure]:
    """Figures that say the same become one with all their sources."""
    by_content: dict[Figure, list[str]] = {}
    for figure in figures:
        by_content.setdefault(figure.model_copy(update={"source": ""}), []).append(figure.source)
    return [
        content.model_copy(update={"source": ", ".join(dict.fromkeys(sources))})
        for content, sources in by_content.items()
    ]


def _same_thing(first: Figure, second: Figure) -> bool:
    both_affinities = first.quantity in _AFFINITY and second.quantity in _AFFINITY
    if both_affinities and first.quantity != second.quantity:
        return first.target.casefold() == second.target.casefold()
    return (
        (first.compound.casefold(), first.target.casefold()) == (second.compound.casefold(), second.target.casefold())
        and first.quantity == second.quantity
        and (first.dose, first.dose_unit, first.route) == (second.dose, second.dose_unit, second.route)
    )


def _difference(first: Figure, second: Figure) -> str:
    if first.quantity != second.quantity:
        return "a Ki is measured by inhibition, a Kd directly: do not rank one against the other"
    a, b = first.stated, second.stated
    if (a.value is None) != (b.value is None):
        return "one gives words where the other gives a number or bound"
    if a.value is None or b.value is None:
        return "" if a.text.casefold() == b.text.casefold() else "they say different words"
    return _numbers_differ(a, b)


def _numbers_differ(a: Quantity, b: Quantity) -> str:
    try:
        b = b.into(a.unit) if b.unit and a.unit else b
    except BadInput:
        return "they are in units of different kinds"
    ends_a, ends_b = ((q.value or 0.0, q.high if q.high is not None else q.value or 0.0) for q in (a, b))
    above = {">", ">="}
    below = {"<", "<="}
    if (a.qualifier in above and b.qualifier in above) or (a.qualifier in below and b.qualifier in below):
        return ""
    if a.qualifier in above or b.qualifier in below:
        return "the bound excludes the other figure" if ends_b[1] < ends_a[0] else ""
    if a.qualifier in below or b.qualifier in above:
        return "the bound excludes the other figure" if ends_b[0] > ends_a[1] else ""
    apart = max(ends_a[0], ends_b[0]) / max(min(ends_a[1], ends_b[1]), 1e-300)
    return f"they differ {apart:.3g}-fold" if apart > _FAR else ""
