"""Which experimental unit gets which dose, by chance and balanced.

Between subjects: units are ranked by weight and cut into blocks of as many as there are groups and doses; a block holds
each once, so that no dose gets the heavy animals. Within subjects: every unit gets every dose, in the order of a
Williams square. Of `DRAWS` such allocations the one is taken in which doses are balanced best over cages, chambers and
time of day, by the sum of the chi-squares of these tables and the F-like ratio of the weights. Every allocation that
respects the blocks can be drawn, whatever the animals did.

References
----------
Altman DG, Bland JM (1999). How to randomise. BMJ 319, 703–704.
Morgan KL, Rubin DB (2012). Rerandomization to improve covariate balance in experiments. Annals of Statistics 40, 1263.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from random import Random

from behavior.config.study import Arm
from behavior.study.design import williams_orders
from behavior.study.subjects import Unit

DRAWS = 200
Cell = tuple[str, float]
"""Group and dose."""


@dataclass(frozen=True, slots=True)
class Allocated:
    """A unit and what it gets: one cell, or one a period."""

    unit: Unit
    cells: tuple[Cell, ...]
    block: int
    """From 1; within subjects the square."""


def stream(seed: int, purpose: str) -> Random:
    """Chance for one purpose. Nobody who sees what one stream led to can tell the seed or another stream."""
    digest = hmac.new(str(seed).encode(), purpose.encode(), hashlib.sha256).digest()
    return Random(int.from_bytes(digest))


def allocate(arm: Arm, units: Sequence[Unit], n_chambers: int, seed: int) -> tuple[Allocated, ...]:
    """Deal the doses of an arm to its units.

    Parameters
    ----------
    arm : what there is to deal
    units : as many as the arm asks for
    n_chambers : unit k, in the order returned, is run in chamber k modulo this
    seed : equal seeds deal alike

    Returns
    -------
    tuple of Allocated
        In the order in which the units are run on a day; blocks follow each other.
    """
    seen, hidden = stream(seed, f"order/{arm.name}"), stream(seed, f"doses/{arm.name}")
    blocks = _blocks(arm, units, seen)
    order = [unit for block in blocks for unit in block]
    draws = (_draw(arm, blocks, hidden) for _ in range(DRAWS))
    dealt = min(draws, key=lambda cells: imbalance(order, cells, n_chambers))
    numbers = [number for number, block in enumerate(blocks, start=1) for _ in block]
    return tuple(Allocated(unit, cells, block) for unit, cells, block in zip(order, dealt, numbers, strict=True))


def _blocks(arm: Arm, units: Sequence[Unit], random: Random) -> list[list[Unit]]:
    """Units of like weight together; order of and within blocks by chance."""
    shuffled = random.sample(list(units), len(units))
    ranked = sorted(shuffled, key=lambda unit: unit.weight_g)
    size = len(ranked) if arm.design == "within" else len(arm.cells)
    blocks = [ranked[first : first + size] for first in range(0, len(ranked), size)]
    return [random.sample(block, len(block)) for block in random.sample(blocks, len(blocks))]


def _draw(arm: Arm, blocks: Sequence[Sequence[Unit]], random: Random) -> list[tuple[Cell, ...]]:
    if arm.design == "within":
        n = sum(map(len, blocks))
        orders = williams_orders(len(arm.doses_mg_kg), n, random.getrandbits(63))
        return [tuple(("", arm.doses_mg_kg[place]) for place in order) for order in orders]
    return [(cell,) for block in blocks for cell in random.sample(arm.cells, len(block))]


def imbalance(order: Sequence[Unit], dealt: Sequence[tuple[Cell, ...]], n_chambers: int) -> float:
    """How far doses go with cage, chamber, time of day and weight; 0 is perfect balance."""
    n = len(order)
    labels: list[Sequence[Hashable]] = [[place % n_chambers for place in range(n)], [3 * k // n for k in range(n)]]
    if 1 < len({unit.cage for unit in order}) < n:
        labels.append([unit.cage for unit in order])
    weights = [unit.weight_g for unit in order]
    total = 0.0
    for period in range(len(dealt[0])):
        cells = [cells[period] for cells in dealt]
        total += sum(_chi_square(cells, label) for label in labels) + _f_ratio(cells, weights)
    return total


def _chi_square(cells: Sequence[Cell], labels: Sequence[Hashable]) -> float:
    n, rows, columns = len(cells), Counter(cells), Counter(labels)
    held = Counter(zip(cells, labels, strict=True))
    expected = {(cell, label): rows[cell] * columns[label] / n for cell in rows for label in columns}
    return sum((held[place] - e) ** 2 / e for place, e in expected.items())


def _f_ratio(cells: Sequence[Cell], weights: Sequence[float]) -> float:
    """Sum of squares of the weights between cells over the variance of all; 0 where all weigh the same."""
    n = len(weights)
    mean = sum(weights) / n
    variance = sum((weight - mean) ** 2 for weight in weights) / max(1, n - 1)
    if variance <= 0:
        return 0.0
    total = 0.0
    for cell in set(cells):
        own = [weight for weight, one in zip(weights, cells, strict=True) if one == cell]
        total += len(own) * (sum(own) / len(own) - mean) ** 2
    return total / variance
