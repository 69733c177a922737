"""Groups, their descriptions, transformations and effect sizes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.describe import describe, quantile
from behavior.summary.effect_size import cliffs_delta, cohens_d, hedges_g, noncentrality, small_sample_factor
from behavior.summary.groups import level_label, ordered_levels, split
from behavior.summary.transforms import transformed

NAN = math.nan
values = st.lists(st.floats(-1e3, 1e3).map(lambda v: round(v, 3)), min_size=3, max_size=12)


def test_each_step_of_the_count_is_kept():
    vehicle, dose = describe(
        [1, 2, NAN, 4, 10, NAN], [0, 0, 0, 0, 2.5, 2.5], reference=0, excluded=[False, True, False, False, False, True]
    )
    assert (vehicle.n_allocated, vehicle.n_excluded, vehicle.n_missing, vehicle.n) == (4, 1, 1, 2)
    assert (dose.level, dose.n_allocated, dose.n_excluded, dose.n_missing, dose.n) == ("2.5", 2, 1, 0, 1)
    assert vehicle.mean == 2.5
    assert dose.percent_of_vehicle == pytest.approx(400)


def test_what_one_response_does_not_determine_is_absent_not_zero():
    _, dose = describe([1, 2, 9], ["veh", "veh", "drug"], reference="veh")
    assert dose.mean == dose.median == dose.min == 9
    assert dose.sd is dose.sem is dose.ci_lo is dose.ci_hi is None


def test_a_level_without_responses_is_described_by_its_counts():
    _, dose = describe([1, 2, NAN], ["veh", "veh", "drug"], reference="veh")
    assert dose.n_allocated == 1
    assert dose.n == 0
    assert dose.mean is dose.median is dose.cliffs_delta is None


def test_the_interval_of_the_mean_is_students():
    y = [3.1, 4.7, 5.0, 6.2, 2.8]
    (level, _) = describe([*y, 1, 2], ["a"] * 5 + ["b"] * 2, reference="a")
    assert (level.ci_lo, level.ci_hi) == pytest.approx(stats.ttest_1samp(y, 0).confidence_interval())
    assert level.sem == pytest.approx(stats.sem(y))


def test_quartiles_of_both_types():
    y = np.arange(1.0, 11)
    assert quantile(y, 0.25, 7) == pytest.approx(3.25)
    assert quantile(y, 0.25, 6) == pytest.approx(2.75)


def test_percent_of_a_vehicle_of_zero_is_absent():
    _, dose = describe([0, 0, 5], [0, 0, 1], reference=0)
    assert dose.percent_of_vehicle is None


@settings(max_examples=25, deadline=None)
@given(values, values, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(a, b, random):
    rows = [(v, "veh") for v in a] + [(v, "drug") for v in b]
    shuffled = random.sample(rows, len(rows))
    one, other = (
        describe([v for v, _ in r], [g for _, g in r], reference="veh", levels=["veh", "drug"])
        for r in (rows, shuffled)
    )
    for level, same in zip(one, other, strict=True):
        assert level.n == same.n
        assert level.median == same.median
        assert level.mean == pytest.approx(same.mean, abs=1e-9)


@pytest.mark.parametrize(
    ("level", "label"),
    [
        (1.0, "1"),
        (0.125, "0.125"),
        (31.250, "31.25"),
        (1e-5, "0.00001"),
        ("ipsa 0.3", "ipsa 0.3"),
        (None, ""),
        (-0.0, "0"),
    ],
)
def test_labels_are_shortest_decimals_or_the_text(level, label):
    assert level_label(level) == label
    assert level_label(np.float64(level) if isinstance(level, float) else level) == label


def test_the_reference_comes_first_then_numbers_then_text():
    assert ordered_levels(["10", "2.5", "b", "a", "0"], reference=2.5) == ("2.5", "0", "10", "a", "b")


@pytest.mark.parametrize(
    ("response", "group", "more", "says"),
    [
        ([1, 2], ["a"], {}, "2 responses stand beside 1 levels"),
        ([1, 2], ["a", "a"], {}, "needs a second one"),
        ([1, 2], ["b", "c"], {}, "no row has the reference level a"),
        ([1, math.inf], ["a", "b"], {}, "infinite"),
        ([1, "x"], ["a", "b"], {}, "not a number"),
        ([1, 2, 3], ["a", "b", "b"], {"at_least": 2}, "level a has 1 responses and needs 2"),
        ([1, 2], ["a", "b"], {"levels": ["b", "c"]}, "not among the levels"),
        ([1, NAN], ["a", "b"], {}, "level b has 0 responses"),
    ],
)
def test_unusable_groups_are_refused_with_a_reason(response, group, more, says):
    with pytest.raises(BadInput, match=says):
        split(response, group, reference="a", **more)


def test_named_levels_select_and_order():
    groups = split([1, 2, 3, 4], ["x", "a", "b", "c"], reference="a", levels=["a", "c", "b"])
    assert groups.levels == ("a", "c", "b")
    assert groups.means.tolist() == [2, 4, 3]


@pytest.mark.parametrize("name", ["sqrt(y+0.5)", "log10(y)", "ln(y)"])
def test_transformations_keep_what_is_missing_and_refuse_what_is_not_defined(name):
    y = transformed([1.0, NAN, 4.0], name)
    assert np.isnan(y).tolist() == [False, True, False]
    assert y[0] < y[2]
    with pytest.raises(BadInput, match="not defined"):
        transformed([1.0, -2.0], name)


def test_an_unknown_transformation_is_refused():
    with pytest.raises(BadInput, match="choose one of"):
        transformed([1.0], "cube")


def test_the_small_sample_factor_is_near_its_approximation():
    for df in (5, 10, 40):
        assert small_sample_factor(df) == pytest.approx(1 - 3 / (4 * df - 1), abs=2e-3)


def test_hedges_interval_holds_zero_exactly_when_the_t_test_does_not_reject():
    rng = np.random.default_rng(3)
    for shift in np.linspace(0, 2, 9):
        a, b = rng.normal(shift, 1, 8), rng.normal(0, 1, 8)
        g = hedges_g(a, b)
        assert (g.lo < 0 < g.hi) == (stats.ttest_ind(a, b).pvalue > 0.05)
        assert g.lo < g.estimate < g.hi


def test_noncentrality_inverts_the_noncentral_t():
    assert stats.nct.cdf(1.7, 9, noncentrality(1.7, 9, 0.025)) == pytest.approx(0.025)


@settings(max_examples=25, deadline=None)
@given(values, values)
def test_cliffs_delta_is_odd_and_agrees_with_mann_whitney(a, b):
    forth, back = cliffs_delta(a, b), cliffs_delta(b, a)
    u = stats.mannwhitneyu(a, b).statistic
    assert forth.estimate == pytest.approx(2 * u / (len(a) * len(b)) - 1)
    assert (forth.estimate, forth.lo, forth.hi) == pytest.approx((-back.estimate, -back.hi, -back.lo))
    assert -1 <= forth.lo <= forth.estimate <= forth.hi <= 1


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 50), st.floats(-100, 100))
def test_effect_sizes_do_not_depend_on_the_unit(scale, shift):
    a, b = np.array([5.0, 7, 9, 6]), np.array([3.0, 4, 6, 2])
    assert cohens_d(a * scale + shift, b * scale + shift) == pytest.approx(cohens_d(a, b))


def test_effects_without_variance_are_refused():
    with pytest.raises(BadInput, match="no variance"):
        cohens_d([2, 2], [3, 3])
    with pytest.raises(BadInput, match="empty"):
        cliffs_delta([], [1])
