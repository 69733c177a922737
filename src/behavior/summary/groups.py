"""Responses sorted into the levels of a factor, the reference first.

A level is known by its label: a number in its shortest decimal form (`0`, `0.125`, `31.25`), text as it
stands. Labels are ordered with the reference first, then numbers ascending, then text by code point; where
the factor is a dose this is the rank order that trend contrasts use. Rows without a response or a level are
left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence, Sized
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats

Level: TypeAlias = str | float
"""How a caller may name a level: by its label or as the number itself."""

_FARTHEST_UNIT = 1e40


@dataclass(frozen=True)
class Groups:
    """The responses of every level, the reference first. `values[i]` belongs to `levels[i]`, in the order of rows."""

    levels: tuple[str, ...]
    values: tuple[Floats, ...]

    @property
    def reference(self) -> str:
        """The label of the reference level."""
        return self.levels[0]

    @property
    def n(self) -> Floats:
        """Responses in each level, shape (k,)."""
        return np.array([len(values) for values in self.values], dtype=np.float64)

    @property
    def means(self) -> Floats:
        """Shape (k,)."""
        return np.array([values.mean() for values in self.values])

    @property
    def variances(self) -> Floats:
        """With n - 1; exactly 0 where all responses are equal, NaN for a level with one response. Shape (k,)."""
        return np.array([_variance(values) if len(values) > 1 else math.nan for values in self.values])

    @property
    def pooled(self) -> Floats:
        """All responses, level after level."""
        return np.concatenate(self.values)


def _variance(values: Floats) -> float:
    # The mean of equal numbers may differ from them in the last digit, and their variance then from 0.
    return float(values.var(ddof=1)) if np.ptp(values) > 0 else 0.0


def level_label(level: object) -> str:
    """The label of a level: a number in its shortest decimal form, text as it stands, "" for nothing.

    Examples
    --------
    >>> level_label(2.50), level_label(1), level_label("helpless+veh"), level_label(float("nan"))
    ('2.5', '1', 'helpless+veh', '')
    """
    if level is None:
        return ""
    if isinstance(level, str):
        return level.strip()
    number = float(level)  # type: ignore[arg-type]
    return "" if math.isnan(number) else np.format_float_positional(number + 0.0, trim="-")


def level_labels(group: Iterable[object]) -> NDArray[np.str_]:
    """The label of every row."""
    return np.array([level_label(level) for level in group], dtype=np.str_)


def ordered_levels(labels: Iterable[str], *, reference: Level) -> tuple[str, ...]:
    """The distinct labels, the reference first, then numbers ascending, then text by code point.

    Raises
    ------
    BadInput
        The reference is not among them.
    """
    first = level_label(reference)
    found = sorted(set(labels) - {""}, key=_rank)
    if first not in found:
        raise BadInput(f"no row has the reference level {first}; the levels are {', '.join(found) or 'absent'}")
    return (first, *(label for label in found if label != first))


def _rank(label: str) -> tuple[bool, float, str]:
    try:
        return False, float(label), label
    except ValueError:
        return True, 0.0, label


def as_responses(response: ArrayLike) -> Floats:
    """Responses as floats of shape (n,), NaN where missing.

    Raises
    ------
    BadInput
        A response is infinite or is not a number, or all are so large or small that their products overflow.
    """
    try:
        values = np.array([math.nan if v is None else v for v in np.asarray(response, dtype=object)], dtype=np.float64)
    except (TypeError, ValueError):
        raise BadInput("a response is not a number; leave missing ones blank") from None
    if np.isinf(values).any():
        raise BadInput("a response is infinite; mark it as missing, or as censored where the analysis knows that")
    check_unit(values)
    return values


def check_rows(**columns: Sized) -> None:
    """Refuse columns that are not of the same rows.

    Raises
    ------
    BadInput
        Lengths differ.
    """
    if len({len(column) for column in columns.values()}) > 1:
        counts = ", ".join(f"{len(column)} {name}" for name, column in columns.items())
        raise BadInput(f"{counts} differ in number; give one of each per row")


def check_unit(values: Floats) -> None:
    """Refuse values whose squares' products would overflow, or vanish.

    Raises
    ------
    BadInput
        The largest is beyond 1e40, or above 0 and below 1e-40.
    """
    largest = float(np.nanmax(np.abs(values), initial=0.0))
    if largest > _FARTHEST_UNIT or 0 < largest < 1 / _FARTHEST_UNIT:
        raise BadInput(f"the largest response is {largest:.3g}, beyond what can be computed with; use another unit")


def split(
    response: ArrayLike,
    group: Sequence[object] | NDArray[np.generic],
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    at_least: int = 1,
) -> Groups:
    """Sort responses into levels.

    Parameters
    ----------
    response : shape (n,), NaN where missing
    group : the level of every row, shape (n,)
    reference : the level that the others are compared with
    levels : the levels to analyse and their order; all of them where absent
    at_least : responses that every level must have

    Raises
    ------
    BadInput
        Lengths differ, a level has too few responses, there is no second level.
    """
    values, labels = as_responses(response), level_labels(group)
    if len(values) != len(labels):
        raise BadInput(f"{len(values)} responses stand beside {len(labels)} levels; give one of each per row")
    names = named_levels(labels, reference=reference, levels=levels)
    present = np.isfinite(values)
    parts = tuple(values[(labels == name) & present] for name in names)
    for name, part in zip(names, parts, strict=True):
        if len(part) < at_least:
            raise BadInput(
                f"level {name} has {len(part)} responses and needs {at_least}; leave the level out or add some"
            )
    return Groups(names, parts)


def named_levels(labels: NDArray[np.str_], *, reference: Level, levels: Sequence[Level] | None) -> tuple[str, ...]:
    """The levels to analyse, the reference first: those named, or all that occur."""
    if levels is None:
        names = ordered_levels(labels.tolist(), reference=reference)
    else:
        first = level_label(reference)
        given = [level_label(level) for level in levels]
        if first not in given:
            raise BadInput(f"the reference level {first} is not among the levels {', '.join(given)}; add it")
        names = (first, *(name for name in given if name != first))
    if len(names) < 2:
        raise BadInput(f"all rows have the level {names[0]}; a comparison needs a second one")
    return names
