"""Exposure beside effect."""

from __future__ import annotations

import numpy as np
import pytest

from behavior.assays.exposure import association, by_dose, emax_effect, proportionality
from behavior.model.errors import BadInput

NAN = np.nan


def test_each_dose_has_its_own_numbers():
    rows = by_dose([0, 0, 1, 1, 1], [NAN, NAN, 1, 100, NAN], [10, 12, 5, NAN, 7])
    assert [row.n_effect for row in rows] == [2, 2]
    assert [row.n_concentration for row in rows] == [0, 2]
    assert rows[0].concentration is None
    assert rows[1].concentration is not None and rows[1].concentration.value == pytest.approx(10)
    assert rows[1].effect is not None and rows[1].effect.value == 6


def test_a_dose_with_concentrations_below_the_limit_has_no_geometric_mean():
    (row,) = by_dose([1, 1], [0.5, NAN], [1, 2], below_limit=[False, True])
    assert row.concentration is None and row.n_below_limit == 1 and row.n_concentration == 2


def test_expected_occupancy():
    (row,) = by_dose([1], [100.0], [1], ki=10, fraction_unbound=0.1)
    assert row.occupancy == pytest.approx(0.5)
    assert by_dose([1], [100.0], [1])[0].occupancy is None


def test_doses_that_cannot_be_used():
    with pytest.raises(BadInput, match="dose 1 has neither"):
        by_dose([0, 1], [NAN, NAN], [1, NAN])
    with pytest.raises(BadInput, match="write BLQ"):
        by_dose([1], [0.0], [1])


def test_dose_proportionality():
    dose = np.repeat([0.3, 1, 3, 10], 3)
    exact = proportionality(dose, 0.2 * dose**1.4)
    assert exact.value == pytest.approx(1.4)
    assert exact.low == pytest.approx(1.4) and exact.high == pytest.approx(1.4)
    with pytest.raises(BadInput, match="two doses above 0"):
        proportionality([0, 1, 1, 1], [0, 1, 2, 3])


def test_association_of_animals_that_have_both():
    found = association([1, 2, 3, 4, NAN], [9, 7, 5, 3, 1])
    assert found is not None and (found.rho, found.n) == (pytest.approx(-1), 4)
    assert association([1, 2, 3], [1, 2, 3]) is None
    assert association([1, 1, 1, 1], [1, 2, 3, 4]) is None


def test_the_sigmoid_curve():
    assert emax_effect(2.2, ed50=2.2, hill=1.5) == pytest.approx(50)
    assert emax_effect(0, ed50=2.2) == 0
