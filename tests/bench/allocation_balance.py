"""How much better balanced an allocation is than a plain shuffle: `python tests/bench/allocation_balance.py`.

Twenty-four animals of 280 ± 12 g in six cages, four doses, two chambers (the shipped study between-conflict): the
largest difference between doses in mean weight, and the largest number of a dose's six animals that share a cage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from statistics import fmean, quantiles

from behavior.config import read
from behavior.config.shipped import shipped
from behavior.config.study import Study
from behavior.study.allocate import Cell, allocate
from behavior.study.subjects import Unit, read_subjects, units_of

N = 200


def worst(units: Sequence[Unit], cells: Sequence[Cell]) -> tuple[float, int]:
    """Largest difference in mean weight, g; most animals of a dose in one cage."""
    means = [fmean(u.weight_g for u, one in zip(units, cells, strict=True) if one == cell) for cell in set(cells)]
    held = Counter((cell, unit.cage) for unit, cell in zip(units, cells, strict=True))
    return max(means) - min(means), max(held.values())


def main() -> None:
    """Print both."""
    folder = shipped("configs", "studies")
    study = read(folder / "between-conflict.toml", Study)
    arm, animals = study.arms[0], read_subjects(folder / "between-conflict.csv")
    units, random = units_of(study, animals, Random(1))[arm.name], Random(2)
    cells = [cell for cell in arm.cells for _ in range(arm.n_per_dose)]
    shuffled = [worst(units, random.sample(cells, len(cells))) for _ in range(N)]
    dealt = [allocate(arm, units, 2, 2**70 + seed) for seed in range(N)]
    ours = [worst([one.unit for one in some], [one.cells[0] for one in some]) for some in dealt]
    for name, found in (("plain shuffle", shuffled), ("behavior design", ours)):
        weights, cages = [one[0] for one in found], Counter(one[1] for one in found)
        cuts = quantiles(weights, n=20)
        said = ", ".join(f"{n} in {count / N:.0%}" for n, count in sorted(cages.items()))
        print(f"{name}: mean weights differ by {cuts[9]:.1f} g (median), {cuts[18]:.1f} g (95 %); in one cage {said}")


if __name__ == "__main__":
    main()
