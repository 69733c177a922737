"""What a refused ED50 means to whoever planned the study, and what to do; before the exact reasons, never instead.

A refusal is recognised by the words of its reasons; a test walks all of them, so that none goes without.
"""

from __future__ import annotations

from collections.abc import Sequence

MEANINGS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("too few to see the shape",),
        "half of an effect can only be placed between doses, and there are too few of them; test three or more besides "
        "vehicle",
    ),
    (
        ("one animal", "any variance", "all alike"),
        "nothing here tells an effect from chance; test more animals at each dose",
    ),
    (
        ("jumps between",),
        "the whole effect comes between two neighbouring doses, and its half too; doses between them would say where",
    ),
    (
        ("differ between doses", "doses do not differ", "no dose changes", "hardly changes", "does not change"),
        "no effect of the drug was shown, so that there is none to take half of; the interval of the dose farthest "
        "from vehicle says what is not excluded; test higher doses or more animals",
    ),
    (
        ("not monotone",),
        "the effect turns with dose, so that more than one dose has half of it; report what each dose does",
    ),
    (
        ("do not reach", "outside the doses tested"),
        "the doses do not span half of the effect; test doses further up or down, as the figure shows",
    ),
    (
        ("cannot be fitted", "does not settle", "say nothing about", "do not determine", "cannot determine"),
        "the doses do not show both where the effect begins and where it levels off, so that its half cannot be "
        "placed; test lower and higher doses, or hold an end of the curve that is known (`asymptotes` in the study "
        "file)",
    ),
    (
        ("confidence interval", "no interval", "between 16 and 84"),
        "half of the effect lies among doses that are too far apart, or animals that differ too much, to say at which; "
        "test more doses there, or more animals",
    ),
)
"""Words of a reason, and what it means; the first that fits is said."""
OTHERWISE = "the data do not hold one"


def in_words(reasons: Sequence[str]) -> str:
    """What a refusal means and what to do, for a reader who fits no curves.

    Examples
    --------
    >>> in_words(["the effect is not monotone: the response falls from 3 to 10 (p = 0.01)"])
    'the effect turns with dose, so that more than one dose has half of it; report what each dose does'
    """
    said = " ".join(reasons)
    return next((means for words, means in MEANINGS if any(word in said for word in words)), OTHERWISE)
