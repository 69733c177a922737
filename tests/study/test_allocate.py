"""Doses are dealt by chance, blocked by weight, balanced over cage, chamber and time, and the same for equal seeds."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.study.allocate import allocate, imbalance, stream
from behavior.study.design import check_orders
from behavior.study.subjects import Animal, Unit, units_of
from study.designs import CHRONIC, GROUPS, KINDS, WITHIN, animals_for, study_of

SEEDS = st.integers(2**64, 2**128)


def dealt(arm: str, seed: int, n_chambers: int = 2):
    study = study_of(arm)
    units = units_of(study, animals_for(study, of_cage=2 if arm == CHRONIC else 4), Random(1))
    return study.arms[0], allocate(study.arms[0], units["conflict"], n_chambers, seed)


@pytest.mark.parametrize("kind", KINDS)
@given(seed=SEEDS)
@settings(max_examples=8)
def test_every_unit_is_dealt_once_and_every_cell_gets_its_number(kind: str, seed: int) -> None:
    arm, allocated = dealt(KINDS[kind], seed)
    assert len({one.unit.name for one in allocated}) == len(allocated) == arm.n_units
    held = Counter(cell for one in allocated for cell in one.cells)
    assert held == dict.fromkeys(arm.cells, arm.n_per_dose)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_a_block_holds_every_cell_once_and_units_of_like_weight(seed: int) -> None:
    arm, allocated = dealt(KINDS["between"], seed)
    blocks: dict[int, list] = {}
    for one in allocated:
        blocks.setdefault(one.block, []).append(one)
    for own in blocks.values():
        assert sorted(one.cells[0] for one in own) == sorted(arm.cells)
    spans = sorted(
        (min(one.unit.weight_g for one in own), max(one.unit.weight_g for one in own)) for own in blocks.values()
    )
    assert all(a[1] <= b[0] for a, b in pairwise(spans)), "no block reaches into another's weights"


def test_within_subjects_the_orders_are_those_of_williams_squares() -> None:
    arm, allocated = dealt(WITHIN, 2**70)
    place = {cell: k for k, cell in enumerate(arm.cells)}
    assert check_orders([[place[cell] for cell in one.cells] for one in allocated], n_treatments=3).balanced


def test_equal_seeds_deal_alike_and_others_do_not() -> None:
    first, again, other = (dealt(KINDS["between"], seed)[1] for seed in (2**70, 2**70, 2**70 + 1))
    assert first == again != other


def test_balance_is_better_than_chance_alone() -> None:
    """Differences of mean weight, and doses held by one cage or chamber, against plain shuffles of the same animals."""
    study = study_of()
    units = units_of(study, animals_for(study), Random(1))["conflict"]
    arm = study.arms[0]
    random = Random(3)
    plain = []
    for _ in range(200):
        order = random.sample(units, len(units))
        plain.append(imbalance(order, [(cell,) for cell in random.sample(list(arm.cells) * 4, 12)], 2))
    ours = [
        imbalance([one.unit for one in allocated], [one.cells for one in allocated], 2)
        for seed in range(8)
        for allocated in [allocate(arm, units, 2, 2**70 + seed)]
    ]
    assert max(ours) < sorted(plain)[20], "the worst of ours is better than the best tenth of plain shuffles"
    for seed in range(8):
        allocated = allocate(arm, units, 2, 2**70 + seed)
        means = [fmean(one.unit.weight_g for one in allocated if one.cells == (cell,)) for cell in arm.cells]
        assert max(means) - min(means) < 16


def test_confounding_counts_and_balance_does_not() -> None:
    units = [Unit(f"R{k}", (Animal(f"R{k}", 280.0, cage="AB"[k % 2]),)) for k in range(8)]
    halves = [(("", float(k // 4)),) for k in range(8)]
    by_chamber = [(("", float(k % 2)),) for k in range(8)]
    balanced = [(("", float(k in (0, 3, 5, 6))),) for k in range(8)]
    assert imbalance(units, balanced, 2) < imbalance(units, halves, 2)
    assert 16 < imbalance(units, by_chamber, 2) < 17, "chamber and cage each give all of their chi-square"


def test_no_animal_is_bound_to_a_dose_whatever_its_weight() -> None:
    """Every unit gets every dose under some seed: what is balanced is not determined."""
    got: dict[str, set[float]] = {}
    for seed in range(25):
        for one in dealt(KINDS["between"], 2**70 + seed)[1]:
            got.setdefault(one.unit.name, set()).add(one.cells[0][1])
    assert all(doses == {0.0, 1.0, 3.0} for doses in got.values())


def test_what_is_seen_of_chance_tells_nothing_of_what_is_hidden() -> None:
    """Streams of one seed share no state, and their own seeds are digests that cannot be turned back."""
    one, other = stream(2**70, "order/conflict"), stream(2**70, "doses/conflict")
    assert one.getstate() != other.getstate()
    assert stream(2**70, "codes").random() == stream(2**70, "codes").random()


def test_cages_stay_whole_and_groups_are_dealt_too() -> None:
    _, allocated = dealt(CHRONIC, 2**70)
    assert all(len(one.unit.animals) == 2 and one.unit.name.startswith("C") for one in allocated)
    _, allocated = dealt(GROUPS, 2**70)
    assert Counter(cell for one in allocated for cell in one.cells) == {
        ("helpless", 0.0): 2, ("helpless", 1.0): 2, ("helpless", 3.0): 2, ("naive", 0.0): 2,
    }  # fmt: skip
