"""Exposure beside effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


def test_means_limits_and_exponents_agree_with_scipys():
    from scipy import stats

    conc, effect = np.array([3.0, 5, 4, 9]), np.array([10.0, 14, 9, 13])
    (row,) = by_dose([1] * 4, conc, effect, conf_level=0.9)
    logs, plain = (stats.t.interval(0.9, 3, x.mean(), stats.sem(x)) for x in (np.log(conc), effect))
    assert (row.concentration.low, row.concentration.high) == pytest.approx(tuple(np.exp(logs)))
    assert (row.effect.low, row.effect.high) == pytest.approx(plain)
    dose = np.array([1.0, 1, 3, 10])
    known = stats.linregress(np.log(dose), np.log(conc))
    slope = proportionality(dose, conc)
    assert slope.value == pytest.approx(known.slope)
    assert slope.high - slope.value == pytest.approx(stats.t.ppf(0.975, 2) * known.stderr)


def test_one_animal_has_a_value_and_no_limits():
    (row,) = by_dose([1], [4.0], [7.0])
    for estimate, value in ((row.concentration, 4.0), (row.effect, 7.0)):
        assert (estimate.value, estimate.low, estimate.high) == (pytest.approx(value), None, None)


def test_vehicle_animals_may_have_a_measured_zero_and_other_animals_may_not():
    vehicle, one = by_dose([0, 0, 1], [0.0, 0.0, 2.0], [1, 2, 3])
    assert vehicle.concentration is None and vehicle.n_concentration == 2
    assert one.concentration is not None
    with pytest.raises(BadInput, match="dose 0: a concentration is not above 0"):
        by_dose([0], [-1.0], [1])


@settings(max_examples=30)
@given(st.permutations(range(8)))
def test_the_order_of_the_animals_does_not_matter(order):
    dose = np.array([0, 0, 1, 1, 1, 3, 3, 3.0])
    conc = np.array([NAN, NAN, 2, 3, 4, 8, 9, 11.0])
    effect = np.array([9, 8, 7, 6, NAN, 3, 2, 1.0])
    at = np.array(order)
    for mine, shuffled in zip(by_dose(dose, conc, effect), by_dose(dose[at], conc[at], effect[at]), strict=True):
        assert (mine.dose, mine.n_effect, mine.n_concentration) == (
            shuffled.dose,
            shuffled.n_effect,
            shuffled.n_concentration,
        )
        assert shuffled.effect.value == pytest.approx(mine.effect.value)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(0.3, 4))
def test_the_sigmoid_curve_is_half_at_its_ed50_rises_and_stays_below_its_maximum(dose, ed50, hill):
    effect = emax_effect(dose, ed50=ed50, hill=hill, maximum=80)
    assert 0 <= effect <= 80
    assert emax_effect(ed50, ed50=ed50, hill=hill, maximum=80) == pytest.approx(40)
    assert effect <= emax_effect(2 * dose, ed50=ed50, hill=hill, maximum=80)
    # dose and ED50 in another unit
    assert emax_effect(dose * 7, ed50=ed50 * 7, hill=hill, maximum=80) == pytest.approx(effect)
