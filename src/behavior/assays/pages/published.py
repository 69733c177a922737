"""One's own results beside the figures of the source documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from behavior.assays.directions import Direction, read_direction
from behavior.assays.library import Figure, Library, disagreements, merged
from behavior.assays.quantity import Quantity, fold
from behavior.assays.result import Beside
from behavior.model.errors import BadInput


def numbers_beside(own: Quantity, what: str, figures: Sequence[Figure]) -> list[Beside]:
    """A number or bound beside published ones; the relation is own over published."""
    return [
        Beside(what, str(own), str(figure.stated), _relation(own, figure.stated), figure.species, figure.source)
        for figure in merged(figures)
    ]


def _relation(own: Quantity, stated: Quantity) -> str:
    if own.value is None or stated.value is None:
        return "not comparable"
    try:
        own = own.into(stated.unit) if own.unit and stated.unit else own
    except BadInput:
        return "not comparable: units of different kinds"
    if stated.high is not None:
        return _against_range(own.qualifier, own.value or 0.0, stated.value, stated.high)
    ratio = fold(own, stated)
    if ratio is not None:
        return f"own / published {ratio}"
    return "two bounds: neither confirms nor contradicts" if own.qualifier and stated.qualifier else "not comparable"


def _against_range(qualifier: str, value: float, low: float, high: float) -> str:
    if (qualifier.startswith(">") and value < high) or (qualifier.startswith("<") and value > low):
        return "a bound that does not exclude the range"
    inside = not qualifier.startswith((">", "<")) and low <= value <= high
    return "within the range" if inside else "outside the range"


def words_beside(own: Direction, what: str, figures: Sequence[Figure]) -> list[Beside]:
    """A direction in words beside published ones."""
    rows = []
    for figure in figures:
        try:
            relation = "agrees" if read_direction(figure.words) == own else "differs"
        except BadInput:
            relation = "not comparable"
        rows.append(Beside(what, own, figure.words, relation, figure.species, figure.source))
    return rows


def disagreements_of(library: Library, compounds: Iterable[str], quantities: Iterable[str]) -> tuple[str, ...]:
    """What the library itself does not agree on about these compounds, each as a sentence, none twice."""
    names = list(compounds)
    found = disagreements(library.find(quantities=quantities))
    about = [one for one in found if {one.first.compound, one.second.compound} & set(names)]
    return tuple(dict.fromkeys(str(one) for one in about))
