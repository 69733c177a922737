"""Effect sizes against exact figures, scipy's noncentral t, and counting."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.effect_size import (
    cliffs_delta,
    cohens_d,
    hedges_g,
    noncentral_t_probability,
    noncentrality,
    small_sample_factor,
)

VALUES = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=7)


def test_cohens_d_of_numbers_that_work_out_by_hand():
    # Means 4 and 2; squares 2 + 2 over 4 degrees of freedom: SD 1.
    assert cohens_d([3, 4, 5], [1, 2, 3]) == pytest.approx(2.0)
    assert cohens_d([1, 2, 3], [3, 4, 5]) == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("df", "value"), [(2, 1 / math.sqrt(math.pi)), (3, math.sqrt(math.pi / 6)), (4, math.sqrt(2 / math.pi))]
)
def test_the_small_sample_factor_has_a_closed_form_for_few_animals(df, value):
    """Γ(df/2) / (√(df/2) Γ((df-1)/2)); Γ(1/2) = √π. With df = 2: 1/√π = 0.5642, the head of Hedges' (1981) table."""
    assert small_sample_factor(df) == pytest.approx(value)


@pytest.mark.parametrize("df", [10, 100, 1e4])
def test_the_small_sample_factor_takes_the_bias_away(df):
    """E d = δ / J: the mean of a noncentral t with noncentrality 1 is 1 / J."""
    assert small_sample_factor(df) * stats.nct.mean(df, 1.0) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("df", [0, 1])
def test_one_degree_of_freedom_has_no_unbiased_effect(df):
    with pytest.raises(BadInput, match="add animals"):
        small_sample_factor(df)


@pytest.mark.parametrize("df", [2, 5, 18, 100])
@pytest.mark.parametrize("delta", [-2.0, 0.0, 0.7, 4.0])
def test_the_noncentral_t_agrees_with_scipy_and_is_inverted(df, delta):
    for t in (-3.0, 0.0, 1.5, 6.0):
        p = noncentral_t_probability(t, df, delta)
        assert p == pytest.approx(stats.nct.cdf(t, df, delta), abs=1e-7)
        if 1e-4 < p < 1 - 1e-4:
            assert noncentrality(t, df, p) == pytest.approx(delta, abs=1e-4)


@pytest.mark.parametrize("shift", [0.0, 1.0, 5.0, 60.0])
def test_the_interval_of_g_is_that_of_the_noncentrality(shift):
    a, b = np.array([1.0, 2, 4, 5, 7]) + shift, np.array([0.0, 1, 3, 3])
    found, t = hedges_g(a, b), stats.ttest_ind(a, b).statistic
    scale, factor = math.sqrt(20 / 9), small_sample_factor(7)
    for end, p in ((found.lo, 0.975), (found.hi, 0.025)):
        assert noncentral_t_probability(t, 7, end / factor * scale) == pytest.approx(p, abs=1e-6)
    assert found.estimate == pytest.approx(factor * t / scale)
    assert found.lo < found.estimate < found.hi


@settings(max_examples=40, deadline=None)
@given(VALUES, VALUES)
def test_cliffs_delta_counts_pairs_and_its_interval_holds_it(a, b):
    found = cliffs_delta(a, b)
    pairs = [(x > y) - (x < y) for x in a for y in b]
    assert found.estimate == pytest.approx(sum(pairs) / len(pairs))
    assert -1 <= found.lo <= found.estimate <= found.hi <= 1
    mirrored = cliffs_delta(b, a)
    assert (-mirrored.hi, -mirrored.lo) == pytest.approx((found.lo, found.hi))


@settings(max_examples=25, deadline=None)
@given(VALUES, VALUES)
def test_only_the_order_of_values_counts_for_cliffs_delta(a, b):
    plain, bent = cliffs_delta(a, b), cliffs_delta(np.exp(a), np.exp(b))
    assert (plain.estimate, plain.lo, plain.hi) == (bent.estimate, bent.lo, bent.hi)


def test_groups_that_do_not_overlap_have_a_limit_on_one_side_only():
    """Feng and Cliff (2004): (n - z²) / (n + z²) with the smaller n."""
    found, z2 = cliffs_delta(range(10, 20), range(12 - 10)), stats.norm.isf(0.025) ** 2
    assert (found.estimate, found.hi) == (1, 1)
    assert found.lo == pytest.approx(max((2 - z2) / (2 + z2), 0))
    large = cliffs_delta(range(10, 20), range(9))
    assert large.lo == pytest.approx((9 - z2) / (9 + z2))


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-30, 1e30), st.sampled_from([0.0, 3.0, -7.0]))
def test_units_and_origins_do_not_matter(unit, origin):
    a, b = np.array([1.0, 2, 4, 5]), np.array([0.0, 1, 3])
    plain, other = hedges_g(a, b), hedges_g((a + origin) * unit, (b + origin) * unit)
    assert (other.estimate, other.lo, other.hi) == pytest.approx((plain.estimate, plain.lo, plain.hi), rel=1e-6)


@pytest.mark.parametrize("flat", [0.1, 0.7, 1 / 3, 1e8 + 0.1])
def test_equal_values_have_no_effect_size_whatever_their_mean_rounds_to(flat):
    with pytest.raises(BadInput, match="no variance"):
        cohens_d([flat] * 3, [5.0] * 3)
    assert cohens_d([flat] * 3, [1.0, 2.0, 3.0]) == pytest.approx((flat - 2) / math.sqrt(0.5))


def test_missing_values_are_left_out():
    assert hedges_g([3, 4, math.nan, 5], [1, 2, 3]) == hedges_g([3, 4, 5], [1, 2, 3])
    assert cliffs_delta([3, 4, 5], [1, None, 2, 3]) == cliffs_delta([3, 4, 5], [1, 2, 3])


@pytest.mark.parametrize("effect", [cohens_d, hedges_g, cliffs_delta])
def test_an_empty_group_has_no_effect_size(effect):
    for a, b in (([], [1.0, 2.0]), ([1.0, 2.0], []), ([math.nan], [1.0, 2.0])):
        with pytest.raises(BadInput, match="one of them is empty"):
            effect(a, b)
    with pytest.raises(BadInput, match="infinite"):
        effect([1.0, math.inf], [1.0, 2.0])


def test_one_animal_on_a_side_leaves_cliffs_delta_open():
    found = cliffs_delta([3.0], [1.0, 2.0, 4.0])
    assert (found.estimate, found.lo, found.hi) == (pytest.approx(1 / 3), -1.0, 1.0)
