"""Directions per dose and the shape they make: an effect that turns with the dose is reported as such, not
averaged away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from behavior.model.errors import BadInput

Direction = Literal["increase", "decrease", "no significant change"]
Shape = Literal[
    "monotone increase",
    "monotone decrease",
    "biphasic (decrease then increase)",
    "biphasic (increase then decrease)",
    "changes direction more than once",
    "no effect",
]
NONE: Direction = "no significant change"


def direction(difference: float, p: float, alpha: float = 0.05) -> Direction:
    """The direction of an effect: that of the difference where p < alpha, else no significant change."""
    if p < alpha and difference != 0:
        return "increase" if difference > 0 else "decrease"
    return NONE


def read_direction(words: str) -> Direction:
    """A printed direction, such as ``Increase`` or ``down``.

    Raises
    ------
    BadInput
        The words are none of a direction.
    """
    text = words.strip().casefold()
    if text.startswith(("no ", "none", "unchanged", "n.s", "ns")):
        return NONE
    if text.startswith(("increas", "up", "ris")):
        return "increase"
    if text.startswith(("decreas", "down", "fall", "reduc")):
        return "decrease"
    raise BadInput(f"{words!r} is no direction; write increase, decrease or no significant change")


def shape(effects: Mapping[float, Direction]) -> Shape:
    """The shape that the directions make over ascending doses; doses without a significant change do not
    count.

    Parameters
    ----------
    effects : direction by dose, one unit of dose only
    """
    seen = [effects[dose] for dose in sorted(effects) if effects[dose] != NONE]
    turns = [what for i, what in enumerate(seen) if i == 0 or what != seen[i - 1]]
    if not turns:
        return "no effect"
    if len(turns) == 1:
        return "monotone increase" if turns[0] == "increase" else "monotone decrease"
    if len(turns) > 2:
        return "changes direction more than once"
    return "biphasic (decrease then increase)" if turns[0] == "decrease" else "biphasic (increase then decrease)"


def lowest_dose(effects: Mapping[float, Direction], wanted: Direction) -> float | None:
    """The lowest dose with the wanted direction, or None."""
    return min((dose for dose, what in effects.items() if what == wanted), default=None)


def regions_differ(shapes: Iterable[Shape]) -> bool:
    """Whether the shapes of several regions are not all the same."""
    return len(set(shapes)) > 1
