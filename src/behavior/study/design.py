"""Orders of treatment for crossover studies: Williams squares, randomised from a seed.

In a Williams square every treatment stands once in every row (subject) and once in every column (period),
and follows every other treatment equally often, so that neither the day nor what an animal had before
favours a dose. An even number of treatments needs one square; an odd number the square and its mirror image,
so twice as many subjects.

References
----------
Williams EJ (1949). Australian Journal of Scientific Research A 2, 149–168.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from random import Random
from typing import TypeVar

from behavior.model.errors import BadInput

T = TypeVar("T")


def williams_rows(n_treatments: int) -> tuple[tuple[int, ...], ...]:
    """The rows of the square of treatments 0 to n - 1; for an odd number followed by those of its mirror
    image.

    Examples
    --------
    >>> williams_rows(4)
    ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))
    """
    if n_treatments < 2:
        raise BadInput(f"{n_treatments} treatments make no order; a crossover study compares two or more")
    zigzag = [(step + 1) // 2 if step % 2 else -(step // 2) for step in range(n_treatments)]
    rows = [tuple((t + shift) % n_treatments for t in zigzag) for shift in range(n_treatments)]
    if n_treatments % 2:
        rows += [row[::-1] for row in rows]
    return tuple(rows)


def williams_orders(
    n_treatments: int, n_subjects: int, seed: int, *, n_periods: int | None = None
) -> tuple[tuple[int, ...], ...]:
    """The order of treatments of every subject: squares with shuffled treatments, dealt to shuffled subjects.

    Parameters
    ----------
    n_treatments : doses, the vehicle included
    n_subjects : animals; with a multiple of `subjects_for_balance` the design is balanced, with another
    number as nearly
        as it can be (the last square is dealt in part)
    seed : equal seeds give equal orders
    n_periods : sessions of each animal, where fewer than treatments

    Returns
    -------
    tuple of tuple of int
        One order per subject, of treatments numbered from 0.

    Raises
    ------
    BadInput
        Fewer than two treatments, no subjects, or more periods than treatments.

    Examples
    --------
    >>> check_orders(williams_orders(4, 8, seed=1), n_treatments=4).balanced
    True
    """
    periods = n_treatments if n_periods is None else n_periods
    if not 1 <= periods <= n_treatments:
        raise BadInput(f"{periods} periods do not suit {n_treatments} treatments; an animal has each at most once")
    if n_subjects < 1:
        raise BadInput(f"{n_subjects} subjects cannot be given an order; name at least one")
    rng = Random(seed)
    rows = williams_rows(n_treatments)
    dealt: list[tuple[int, ...]] = []
    while len(dealt) < n_subjects:
        names = _shuffled(range(n_treatments), rng)
        square = [tuple(names[t] for t in row[:periods]) for row in rows]
        dealt += _shuffled(square, rng)[: n_subjects - len(dealt)]
    return tuple(_shuffled(dealt, rng))


def subjects_for_balance(n_treatments: int) -> int:
    """The least number of subjects, and its multiples, with which a design is balanced."""
    return len(williams_rows(n_treatments))


def _shuffled(items: Sequence[T], rng: Random) -> list[T]:
    """Fisher and Yates, on nothing but `random()`, whose sequence Python promises to keep."""
    left = list(items)
    for i in range(len(left) - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        left[i], left[j] = left[j], left[i]
    return left


@dataclass(frozen=True, slots=True)
class OrderCheck:
    """How well orders are balanced. A count is None where it is not the same throughout."""

    each_treatment_once: bool
    per_treatment_and_period: int | None
    per_ordered_pair: int | None

    @property
    def balanced(self) -> bool:
        """Whether every count is the same throughout."""
        return self.each_treatment_once and None not in (self.per_treatment_and_period, self.per_ordered_pair)


def check_orders(orders: Sequence[Sequence[int]], *, n_treatments: int) -> OrderCheck:
    """Count how often treatments stand in each period, and how often each directly follows each other."""
    cells = Counter((period, t) for order in orders for period, t in enumerate(order))
    pairs = Counter(pair for order in orders for pair in pairwise(order))
    n_periods = max((len(order) for order in orders), default=0)
    return OrderCheck(
        each_treatment_once=all(sorted(order) == list(range(n_treatments)) for order in orders),
        per_treatment_and_period=_same(cells[p, t] for p in range(n_periods) for t in range(n_treatments)),
        per_ordered_pair=_same(pairs[pair] for pair in permutations(range(n_treatments), 2)),
    )


def _same(counts: Iterable[int]) -> int | None:
    found = set(counts)
    return found.pop() if len(found) == 1 else None
