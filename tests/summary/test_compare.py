"""Groups against the vehicle: known tables, limits and invariances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.compare import (
    dunnett,
    minimum_effective_dose,
    one_way_anova,
    residual_normality,
    spread_test,
    trend,
    welch_anova,
    welch_dunnett,
    williams_contrasts,
)
from behavior.summary.multivariate_t import (
    _by_lattice,
    _by_quadrature,
    adjusted_p,
    critical_value,
    max_t_probability,
    product_structure,
)

BLOOD = [7.40, 8.50, 7.20, 8.24, 9.84, 8.32, 9.76, 8.80, 7.68, 9.36, 12.80, 9.68, 12.16, 9.20, 10.55]
GROUP = ["control"] * 6 + ["a"] * 4 + ["b"] * 5


def equal(m, r=0.5):
    return np.full((m, m), r) + (1 - r) * np.eye(m)


def study(seed, n=8, shifts=(0, 0, 1, 2)):
    rng = np.random.default_rng(seed)
    y = np.concatenate([rng.normal(10 + s, 1 + 0.2 * i, n) for i, s in enumerate(shifts)])
    return y, np.repeat([0.0, 1.0, 2.5, 10.0][: len(shifts)], n)


@pytest.mark.parametrize(("m", "df", "value"), [(2, 10, 2.57), (3, 20, 2.54), (4, 30, 2.58), (9, 15, 3.04)])
def test_critical_values_are_those_of_dunnetts_table(m, df, value):
    assert critical_value(0.95, equal(m), df) == pytest.approx(value, abs=0.006)


def test_one_sided_critical_values_are_those_of_dunnetts_table():
    assert critical_value(0.95, equal(3), 20, two_sided=False) == pytest.approx(2.19, abs=0.006)


@pytest.mark.parametrize("df", [3, 12, 40, math.inf])
@pytest.mark.parametrize("m", [2, 4, 7])
def test_the_critical_value_lies_between_t_and_bonferroni(m, df):
    law = stats.t(df) if math.isfinite(df) else stats.norm()
    value = critical_value(0.95, equal(m), df)
    assert law.isf(0.025) < value < law.isf(0.025 / m)


def test_without_correlation_and_error_the_probability_is_a_product():
    assert max_t_probability(2.0, np.eye(4), math.inf) == pytest.approx((2 * stats.norm.cdf(2) - 1) ** 4, rel=1e-10)


@pytest.mark.parametrize("df", [1, 1.5, 2, 3, 5, 7.9, 8, 12, 50, 400])
def test_a_single_statistic_has_students_distribution_far_into_the_tails(df):
    for q in (0.5, 2.0, 5.0, 20.0, 60.0):
        known = 1 - 2 * stats.t.sf(q, df)
        assert _by_quadrature(q, np.zeros(1), df, two_sided=True) == pytest.approx(known, abs=2e-7)


def test_lattice_and_quadrature_agree():
    for df in (4, 18, math.inf):
        for q in (1.0, 2.5):
            for sides in (True, False):
                exact = max_t_probability(q, equal(4), df, two_sided=sides)
                assert _by_lattice(q, equal(4), df, two_sided=sides) == pytest.approx(exact, abs=5e-5)


def test_a_correlation_without_product_structure_still_has_a_probability():
    r = np.array([[1, 0.9, 0.1], [0.9, 1, 0.5], [0.1, 0.5, 1]])
    assert product_structure(r) is None
    known = stats.multivariate_t(shape=r, df=9, seed=1).cdf([2.0] * 3, lower_limit=[-2.0] * 3, maxpts=10**6)
    assert max_t_probability(2.0, r, 9) == pytest.approx(known, abs=2e-4)


def test_product_structure_is_found_with_its_signs():
    b = np.array([0.8, -0.5, 0.3, 0.6])
    r = np.outer(b, b)
    np.fill_diagonal(r, 1)
    found = product_structure(r)
    assert found is not None
    assert_allclose(np.outer(found, found) - np.diag(found**2), r - np.eye(4), atol=1e-12)


@given(st.floats(0, 60), st.integers(2, 6))
@settings(max_examples=30, deadline=None)
def test_an_adjusted_p_lies_between_the_plain_and_the_bonferroni_one(t, m):
    plain = 2 * stats.t.sf(t, 14)
    assert plain * (1 - 1e-9) <= adjusted_p(t, equal(m), 14) <= min(1, m * plain * (1 + 1e-9))


def test_dunnetts_own_example():
    result = dunnett(BLOOD, GROUP, reference="control", levels=["control", "a", "b"])
    assert result.anova.mse == pytest.approx(1.3805, abs=5e-4)
    a, b = result.comparisons
    assert (a.diff, b.diff) == pytest.approx((0.65, 2.628), abs=1e-3)
    assert a.p_adjusted == pytest.approx(0.6201020, abs=1e-6)
    assert b.p_adjusted == pytest.approx(0.0058254, abs=1e-6)
    assert (b.lo > 0, a.lo < 0) == (True, True)


def test_dunnett_agrees_with_scipys_simulation():
    y, dose = study(5)
    ours = dunnett(y, dose, reference=0)
    parts = [y[dose == d] for d in (1, 2.5, 10)]
    known = stats.dunnett(*parts, control=y[dose == 0], rng=np.random.default_rng(1))
    assert_allclose([c.t for c in ours.comparisons], known.statistic)
    assert_allclose([c.p_adjusted for c in ours.comparisons], known.pvalue, atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50))
def test_unit_and_origin_do_not_change_the_tests(seed, scale, shift):
    y, dose = study(seed)
    one, other = dunnett(y, dose, reference=0), dunnett(y * scale + shift, dose, reference=0)
    for a, b in zip(one.comparisons, other.comparisons, strict=True):
        assert (a.p_adjusted, a.diff * scale, a.lo * scale) == pytest.approx(
            (b.p_adjusted, b.diff, b.lo), rel=1e-6, abs=1e-9
        )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000))
def test_an_interval_leaves_zero_out_exactly_when_p_is_below_its_level(seed):
    y, dose = study(seed)
    for result in (dunnett(y, dose, reference=0), welch_dunnett(y, dose, reference=0)):
        for c in result.comparisons:
            assert (c.lo > 0 or c.hi < 0) == (c.p_adjusted < 0.05)


def test_one_sided_tests_look_one_way():
    y, dose = study(2, shifts=(0, 0, 0, 3))
    up = dunnett(y, dose, reference=0, alternative="greater").comparisons[-1]
    down = dunnett(y, dose, reference=0, alternative="less").comparisons[-1]
    both = dunnett(y, dose, reference=0).comparisons[-1]
    assert up.p_adjusted < both.p_adjusted < down.p_adjusted
    assert up.hi == math.inf
    assert down.lo == -math.inf


def test_with_one_dose_dunnett_is_the_t_test_and_its_welch_form_is_welchs():
    y, dose = study(4, shifts=(0, 1))
    parts = y[dose == 1], y[dose == 0]
    assert dunnett(y, dose, reference=0).comparisons[0].p_adjusted == pytest.approx(stats.ttest_ind(*parts).pvalue)
    welch = stats.ttest_ind(*parts, equal_var=False)
    c = welch_dunnett(y, dose, reference=0).comparisons[0]
    assert (c.p_adjusted, c.df) == pytest.approx((welch.pvalue, welch.df))
    assert welch_anova(y, dose, reference=0).p == pytest.approx(welch.pvalue)


def test_anova_and_its_assumptions_agree_with_scipy():
    y, dose = study(6)
    parts = [y[dose == d] for d in np.unique(dose)]
    anova = one_way_anova(y, dose, reference=0)
    known = stats.f_oneway(*parts)
    assert (anova.f, anova.p) == pytest.approx((known.statistic, known.pvalue))
    assert welch_anova(y, dose, reference=0).p == pytest.approx(stats.f_oneway(*parts, equal_var=False).pvalue)
    for centre in ("median", "mean"):
        assert spread_test(y, dose, reference=0, centre=centre).p == pytest.approx(
            stats.levene(*parts, center=centre).pvalue
        )
    w = stats.shapiro(np.concatenate([p - p.mean() for p in parts])).statistic
    assert residual_normality(y, dose, reference=0).w == pytest.approx(w)


def test_trend_of_a_straight_rise_is_linear_and_positive():
    y, dose = study(8, shifts=(0, 1, 2, 3))
    found = trend(y, dose, reference=0)
    assert found.linear_t > 4
    assert found.linear_p < found.quadratic_p
    assert trend(-y, dose, reference=0).linear_t == pytest.approx(-found.linear_t)


def test_a_trend_over_two_levels_has_no_curvature():
    y, dose = study(8, shifts=(0, 1))
    found = trend(y, dose, reference=0)
    assert found.quadratic_t is None
    assert found.linear_t == pytest.approx(stats.ttest_ind(y[dose == 1], y[dose == 0]).statistic)


def test_williams_contrasts_pool_the_top_doses():
    y, dose = study(9)
    found = williams_contrasts(y, dose, reference=0)
    top = dunnett(y, dose, reference=0).comparisons[-1]
    assert found.ts[0] == pytest.approx(top.t)
    assert found.max_abs_t == max(map(abs, found.ts))
    assert found.min_p == min(found.ps_adjusted)


@pytest.mark.parametrize(
    ("shifts", "lowest", "contiguous"),
    [((0, 9, 0, 9), "1", "10"), ((0, 0, 9, 9), "2.5", "2.5"), ((0, 0, 9, 0), "2.5", None), ((0, 0, 0, 0), None, None)],
    ids=["a gap", "a threshold", "only the middle", "nothing"],
)
def test_minimum_effective_dose_by_both_rules(shifts, lowest, contiguous):
    y, dose = study(11, shifts=shifts)
    found = minimum_effective_dose(dunnett(y, dose, reference=0))
    assert (found.lowest_significant, found.contiguous) == (lowest, contiguous)


def test_groups_without_variance_or_replicates_are_refused():
    with pytest.raises(BadInput, match="one animal"):
        dunnett([1, 2, 3], [0, 1, 2], reference=0)
    with pytest.raises(BadInput, match="no level has any variance"):
        dunnett([0.1, 0.1, 0.1, 5, 5], [0, 0, 0, 1, 1], reference=0)
    with pytest.raises(BadInput, match="level 1 has no variance"):
        welch_anova([1, 2, 5, 5], [0, 0, 1, 1], reference=0)
    with pytest.raises(BadInput, match="level 1 and the reference have no variance"):
        welch_dunnett([1, 1, 5, 5, 2, 3], [0, 0, 1, 1, 2, 2], reference=0)


def test_one_level_without_variance_does_not_stop_dunnett():
    result = dunnett([1, 2, 3, 5, 5, 5], [0, 0, 0, 1, 1, 1], reference=0)
    assert result.comparisons[0].p_adjusted < 0.05


def test_the_null_is_rejected_about_as_often_as_said():
    rng = np.random.default_rng(20)
    groups = np.repeat([0, 1, 2], [6, 8, 12])
    limit = dunnett(rng.normal(size=26), groups, reference=0).critical_value
    ts = [max(abs(c.t) for c in dunnett(rng.normal(size=26), groups, reference=0).comparisons) for _ in range(300)]
    # 300 draws of 5 %: 3.3 standard errors either side.
    assert 0.01 < np.mean(np.array(ts) > limit) < 0.095


def independent_given_z(q, loadings, two_sided):
    """P(all |T_i| <= q) for normal statistics: Gauss–Legendre over many short panels that meet at the steps."""
    steps = [s * q / b for b in loadings if b > 0 for s in (-1, 1) if q / b < 9]
    edges = np.unique(
        np.concatenate([np.linspace(-9, 9, 400), *(step + np.linspace(-0.02, 0.02, 200) for step in steps)])
    )
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half, middle = np.diff(edges) / 2, (edges[1:] + edges[:-1]) / 2
    z = middle[:, None] + half[:, None] * nodes
    value = stats.norm.pdf(z)
    for b in loadings:
        spread = math.sqrt(1 - b**2)
        below = stats.norm.cdf((b * z + q) / spread)
        value *= below - stats.norm.cdf((b * z - q) / spread) if two_sided else below
    return float((half[:, None] * weights * value).sum())


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("q", [0.5, 2.3, 4.0])
@pytest.mark.parametrize("loadings", [[0.5, 0.9], [0.5, 0.96], [0.3, 0.999], [0.96, 0.98, 0.99]])
def test_levels_that_follow_the_reference_closely_are_integrated_as_well_as_others(loadings, q, two_sided):
    known = independent_given_z(q, loadings, two_sided)
    assert _by_quadrature(q, np.array(loadings), math.inf, two_sided=two_sided) == pytest.approx(known, abs=1e-8)


@pytest.mark.parametrize("df", [1, 2, 5, 30, math.inf])
@pytest.mark.parametrize("m", [2, 3, 5])
def test_statistics_that_are_all_the_same_one_need_no_adjustment(m, df):
    law = stats.t(df) if math.isfinite(df) else stats.norm()
    for t in (0.3, 1.7, 4.0):
        assert adjusted_p(t, np.ones((m, m)), df) == pytest.approx(2 * law.sf(t), rel=1e-5, abs=2e-7)
        assert adjusted_p(t, np.ones((m, m)), df, two_sided=False) == pytest.approx(law.sf(t), rel=1e-5, abs=2e-7)
    assert critical_value(0.95, np.ones((m, m)), df) == pytest.approx(law.isf(0.025), rel=1e-5)


def test_doses_without_variance_compare_with_a_vehicle_that_has_some():
    y, dose = [1.5, 1.5, 2.0] + [1.5] * 6, np.repeat([0, 1, 2], 3)
    one, two = welch_dunnett(y, dose, reference=0).comparisons
    # All error is the vehicle's, so that both comparisons are one and the same t test on two degrees of freedom.
    known = stats.ttest_1samp(y[:3], 1.5)
    assert (one.t, one.df, one.p_adjusted) == pytest.approx((-known.statistic, 2, known.pvalue))
    assert two.p_adjusted == pytest.approx(one.p_adjusted)
    assert (one.lo, one.hi) == pytest.approx(tuple(1.5 - np.array(known.confidence_interval(0.95))[::-1]))


@pytest.mark.parametrize("flat", [0.1, 0.7, 1e-8, 1e8 + 0.1])
def test_equal_responses_have_no_variance_whatever_their_mean_rounds_to(flat):
    y, dose = [flat] * 3 + [1.0, 2.0, 3.0], [0] * 3 + [1] * 3
    with pytest.raises(BadInput, match="level 0 has no variance"):
        welch_anova(y, dose, reference=0)
    with pytest.raises(BadInput, match="level 1 and the reference have no variance"):
        welch_dunnett([flat] * 6 + [1, 2, 3], np.repeat([0, 1, 2], 3), reference=0)
    both = dunnett([flat] * 6 + [1, 2, 3], np.repeat([0, 1, 2], 3), reference=0)
    assert both.comparisons[0].hedges_g is None


def test_pairs_that_lie_equally_far_from_their_middle_have_no_spread_to_compare():
    with pytest.raises(BadInput, match="no level has any variance"):
        spread_test([1000.1, 1000.3, 1000.7, 1001.9], [0, 0, 1, 1], reference=0)


def test_levels_of_equal_responses_have_no_residuals_to_judge():
    with pytest.raises(BadInput, match="say nothing about normality"):
        residual_normality([0.1] * 3 + [0.7] * 3, [0] * 3 + [1] * 3, reference=0)


@pytest.mark.parametrize("unit", [1e-200, 1e-41, 1e41, 1e200])
def test_units_in_which_squares_overflow_are_refused(unit):
    with pytest.raises(BadInput, match="use another unit"):
        dunnett(np.array([1.0, 2, 3, 4, 5, 7]) * unit, [0, 0, 0, 1, 1, 1], reference=0)


@pytest.mark.parametrize("unit", [1e-39, 1e39])
def test_extreme_units_within_that_change_no_p(unit):
    y, dose = study(3)
    one, other = welch_dunnett(y, dose, reference=0), welch_dunnett(y * unit / 20, dose, reference=0)
    assert_allclose([c.p_adjusted for c in other.comparisons], [c.p_adjusted for c in one.comparisons], rtol=1e-9)
