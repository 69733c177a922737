"""How far two raters agree on the same events (Cohen 1960, Educ Psychol Meas 20:37)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

from behavior.model.errors import BadInput


def fraction_agreement(first: Sequence[Hashable], second: Sequence[Hashable]) -> float:
    """Share of events that two raters judged alike.

    Raises
    ------
    BadInput
        They did not judge the same number of events, or none.
    """
    if len(first) != len(second) or not first:
        raise BadInput(
            f"two raters must have judged the same events, at least one ({len(first)} and {len(second)} here); "
            "check both lists"
        )
    return sum(a == b for a, b in zip(first, second, strict=True)) / len(first)


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Agreement beyond what chance would give: (observed - expected) / (1 - expected).

    Returns
    -------
    float or None
        1 for raters that agree throughout, 0 for what chance gives; None where both used one and the same category
        throughout, so that chance alone gives full agreement.

    Raises
    ------
    BadInput
        As `fraction_agreement`.

    Examples
    --------
    >>> round(cohens_kappa([1, 1, 0, 0], [1, 0, 0, 0]), 9)
    0.5
    """
    observed = fraction_agreement(first, second)
    n, one, other = len(first), Counter(first), Counter(second)
    by_chance = sum(one[category] * other[category] for category in one) / n**2
    return None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)
