"""One's own results beside the figures of the source documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from behavior.assays.library import Figure, Library, beside, disagreements, merged
from behavior.assays.quantity import Quantity
from behavior.assays.result import Beside


def numbers_beside(own: Quantity, what: str, figures: Sequence[Figure]) -> list[Beside]:
    """A number or bound beside published ones; the relation is own over published."""
    rows = []
    for comparison in beside(own, merged(figures)):
        stated, published = comparison.figure.stated, str(comparison.figure.stated)
        relation = "not comparable"
        if comparison.ratio is not None:
            relation = f"own / published {comparison.ratio}"
        elif stated.value is not None and stated.high is not None and own.value is not None:
            inside = stated.value <= own.value <= stated.high
            relation = "within the range" if inside else "outside the range"
        elif own.qualifier and stated.qualifier:
            relation = "two bounds: neither confirms nor contradicts"
        rows.append(Beside(what, str(own), published, relation, comparison.figure.species, comparison.figure.source))
    return rows


def words_beside(own: str, what: str, figures: Sequence[Figure]) -> list[Beside]:
    """A direction in words beside published ones."""
    rows = []
    for figure in figures:
        agrees = figure.words.casefold().startswith(own.casefold())
        rows.append(Beside(what, own, figure.words, "agrees" if agrees else "differs", figure.species, figure.source))
    return rows


def disagreements_of(library: Library, compounds: Iterable[str], quantities: Iterable[str]) -> tuple[str, ...]:
    """What the library itself does not agree on about these compounds, each as a sentence, none twice."""
    names = list(compounds)
    found = disagreements(library.find(quantities=quantities))
    about = [one for one in found if {one.first.compound, one.second.compound} & set(names)]
    return tuple(dict.fromkeys(str(one) for one in about))
