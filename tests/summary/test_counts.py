"""Counts and quantal responses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.counts import negative_binomial
from behavior.summary.derivatives import gradient
from behavior.summary.quantal import fit_quantal, litchfield_wilcoxon

# Finney (1971), rotenone and chrysanthemum aphids: dose, affected, tested.
ROTENONE = ([10.2, 7.7, 5.1, 3.8, 2.6, 0], [44, 42, 24, 16, 6, 0], [50, 49, 46, 48, 50, 49])


def calls(seed=1, means=(40, 25, 10), n=10, theta=3.0):
    rng = np.random.default_rng(seed)
    mu = np.repeat(means, n).astype(float)
    return rng.poisson(mu * rng.gamma(theta, 1 / theta, len(mu))).astype(float), np.repeat([0.0, 1.0, 3.0], n)


def test_rates_are_those_of_the_groups_means():
    y, dose = calls()
    found = negative_binomial(y, dose, reference=0)
    means = [y[dose == d].mean() for d in (0, 1, 3)]
    assert [c.rate_ratio for c in found.comparisons] == pytest.approx([means[1] / means[0], means[2] / means[0]])
    for c in found.comparisons:
        assert c.lo < c.rate_ratio < c.hi
        assert c.p < c.p_t
        assert c.se > 1.5 * c.se_poisson
    assert found.poisson_dispersion > 2
    assert found.likelihood_ratio.p < found.likelihood_ratio_f.p < 0.05


def test_the_dispersion_is_at_the_top_of_the_likelihood():
    y, dose = calls(2)
    found = negative_binomial(y, dose, reference=0)
    mean = np.array([y[dose == d].mean() for d in dose])

    def loglik(theta):
        return float(stats.nbinom.logpmf(y, theta[0], theta[0] / (theta[0] + mean)).sum())

    assert loglik([found.theta]) == pytest.approx(found.loglik)
    assert_allclose(gradient(loglik, np.array([found.theta])), 0, atol=1e-6)
    assert found.alpha == pytest.approx(1 / found.theta)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 500), st.floats(0.1, 60))
def test_the_unit_of_the_exposure_does_not_matter(seed, unit):
    y, dose = calls(seed)
    minutes = np.random.default_rng(seed).uniform(5, 15, len(y))
    one = negative_binomial(y, dose, reference=0, exposure=minutes)
    other = negative_binomial(y, dose, reference=0, exposure=minutes * unit)
    assert other.theta == pytest.approx(one.theta, rel=1e-5)
    assert [c.coef for c in other.comparisons] == pytest.approx([c.coef for c in one.comparisons], rel=1e-5)


def test_twice_the_time_with_twice_the_calls_is_the_same_rate():
    y, dose = calls(3)
    doubled = np.where(dose == 3, 2.0, 1.0)
    found = negative_binomial(y * doubled, dose, reference=0, exposure=doubled)
    plain = negative_binomial(y, dose, reference=0)
    assert found.comparisons[1].rate_ratio == pytest.approx(plain.comparisons[1].rate_ratio, rel=0.05)


def test_counts_that_vary_no_more_than_chance_are_poissons():
    y = np.array([9, 10, 11, 10, 5, 6, 5, 4.0])
    found = negative_binomial(y, ["a"] * 4 + ["b"] * 4, reference="a")
    assert (found.alpha, found.theta) == (0.0, math.inf)
    (c,) = found.comparisons
    assert c.se == pytest.approx(c.se_poisson) == pytest.approx(math.sqrt(1 / 40 + 1 / 20))


def test_a_silent_group_has_a_rate_of_zero_and_leaves_the_others_alone():
    y, dose = calls(4)
    y[dose == 3] = 0
    found = negative_binomial(y, dose, reference=0)
    one, three = found.comparisons
    assert (three.rate_ratio, three.p) == (0.0, None)
    alone = negative_binomial(y[dose < 3], dose[dose < 3], reference=0)
    assert one.se == pytest.approx(alone.comparisons[0].se, rel=1e-3)
    assert found.likelihood_ratio.p < 1e-6


@pytest.mark.parametrize(
    ("y", "group", "exposure", "says"),
    [
        ([1, -1, 2], ["a", "a", "b"], None, "-1 is negative"),
        ([1, 1, 2], ["a", "a", "b"], [1, 0, 1], "exposure of 0"),
        ([0, 0, 2], ["a", "a", "b"], None, "nothing was counted in a"),
        ([1, 2], ["a", "b"], None, "one animal per group"),
        ([1, math.nan, 2], ["a", "b", "a"], None, "level b has no counts"),
    ],
)
def test_unusable_counts_are_refused(y, group, exposure, says):
    with pytest.raises(BadInput, match=says):
        negative_binomial(y, group, reference="a", exposure=exposure)


def test_finneys_rotenone():
    found = fit_quantal(*ROTENONE)
    assert found.slope == pytest.approx(4.213, abs=0.01)
    assert found.log10_ed50 == pytest.approx(0.6862, abs=1e-3)
    assert found.fieller.lo < found.ed50 < found.fieller.hi
    assert found.heterogeneity.p > 0.5
    assert found.effective_dose(50) == pytest.approx(found.ed50)


@settings(max_examples=15, deadline=None)
@given(st.floats(0.01, 100))
def test_an_ed50_moves_with_the_unit_of_the_dose(unit):
    x, k, n = (np.array(v, dtype=float) for v in ROTENONE)
    for link in ("probit", "logit"):
        one, other = fit_quantal(x, k, n, link=link), fit_quantal(x * unit, k, n, link=link)
        assert other.ed50 == pytest.approx(one.ed50 * unit)
        assert (other.fieller.lo, other.delta.hi) == pytest.approx((one.fieller.lo * unit, one.delta.hi * unit))
        assert other.slope == pytest.approx(one.slope)


def test_one_row_per_animal_is_the_same_as_one_row_per_dose():
    x, k, n = (np.array(v) for v in ROTENONE)
    rows = np.repeat(x, n)
    events = np.concatenate([np.arange(b) < a for a, b in zip(k, n, strict=True)])
    one, other = fit_quantal(x, k, n), fit_quantal(rows, events, np.ones(len(rows)))
    assert (other.ed50, other.slope_se) == pytest.approx((one.ed50, one.slope_se))


def test_fieller_holds_the_doses_that_a_test_would_not_reject():
    found = fit_quantal(*ROTENONE)
    a, b, v = found.intercept, found.slope, found.fit.covariance
    for end in (found.fieller.lo, found.fieller.hi):
        x = math.log10(end)
        z = (a + b * x) / math.sqrt(v[0, 0] + 2 * x * v[0, 1] + x**2 * v[1, 1])
        assert abs(z) == pytest.approx(1.959964, abs=1e-5)


def test_a_slope_that_is_not_significant_has_no_fieller_interval():
    found = fit_quantal([1, 2, 4, 8], [3, 2, 4, 3], [6, 6, 6, 6])
    assert found.g > 1
    assert found.fieller is None


def test_responses_and_non_responses_mirror_each_other():
    x, k, n = (np.array(v[:-1]) for v in ROTENONE)
    one, other = fit_quantal(x, k, n), fit_quantal(x, n - k, n)
    assert other.ed50 == pytest.approx(one.ed50)
    assert other.slope == pytest.approx(-one.slope)


@pytest.mark.parametrize(
    ("x", "k", "n", "says"),
    [
        ([1, 2, 4], [0, 0, 5], [5, 5, 5], "no finite slope"),
        ([1, 2, 4], [0, 0, 0], [5, 5, 5], "all animals or none"),
        ([0, 2], [0, 3], [5, 5], "fewer than two doses"),
        ([1, 2], [0, 7], [5, 5], "more animals responded"),
        ([1, 2], [0], [5, 5], "differ in number"),
    ],
)
def test_unusable_quantal_data_are_refused(x, k, n, says):
    with pytest.raises(BadInput, match=says):
        fit_quantal(x, k, n)


def test_litchfield_and_wilcoxon_lie_near_the_probit_line():
    legacy, probit = litchfield_wilcoxon(*ROTENONE), fit_quantal(*ROTENONE)
    assert legacy.ed50 == pytest.approx(probit.ed50, rel=0.02)
    assert legacy.slope == pytest.approx(10 ** (1 / probit.slope), rel=0.03)
    assert legacy.n_middle == 143
    assert not legacy.heterogeneous


def test_heterogeneous_data_have_a_wider_interval():
    x, n = [1, 2, 4, 8, 16, 32], [40] * 6
    smooth = litchfield_wilcoxon(x, [4, 9, 16, 24, 31, 36], n)
    rough = litchfield_wilcoxon(x, [12, 3, 26, 12, 38, 30], n)
    assert rough.heterogeneous
    assert rough.hi / rough.ed50 > 1.5 * smooth.hi / smooth.ed50


def test_doses_far_from_the_middle_are_refused_and_extremes_are_left_out():
    many = litchfield_wilcoxon([0.01, 0.02, 0.03, 1, 2, 4, 8], [0, 0, 0, 3, 5, 8, 10], [10] * 7)
    few = litchfield_wilcoxon([0.02, 0.03, 1, 2, 4, 8], [0, 0, 3, 5, 8, 10], [10] * 6)
    assert many == few


@pytest.mark.parametrize("percent", [-5, 0, 100, 120, float("nan")])
def test_no_dose_affects_none_or_all(percent):
    fit = fit_quantal([1, 2, 4, 8], [1, 5, 7, 9], [10] * 4)
    with pytest.raises(BadInput, match="choose a percentage between 0 and 100"):
        fit.effective_dose(percent)


@pytest.mark.parametrize("link", ["probit", "logit"])
def test_effective_doses_rise_with_the_percentage_and_are_symmetric_on_the_log_scale(link):
    fit = fit_quantal([1, 2, 4, 8], [1, 5, 7, 9], [10] * 4, link=link)
    doses = [fit.effective_dose(p) for p in (1, 10, 50, 90, 99)]
    assert doses == sorted(doses)
    assert doses[2] == pytest.approx(fit.ed50)
    assert doses[1] * doses[3] == pytest.approx(fit.ed50**2)
    assert doses[0] * doses[4] == pytest.approx(fit.ed50**2)


def test_a_line_so_flat_that_doses_overflow_gives_no_crash():
    flat = [1, 10, 100, 1000], [50, 50, 50, 51], [100] * 4
    assert fit_quantal(*flat).effective_dose(99.999) > 1e100
    assert fit_quantal(*flat, link="logit").effective_dose(0.001) < 1e-100
    with pytest.raises(BadInput, match="hardly changes with dose"):
        litchfield_wilcoxon(*flat)


def test_litchfield_and_wilcoxon_count_those_that_stop_responding_as_well():
    doses, k, n = np.array([1, 2, 4, 8, 16.0]), np.array([1, 3, 5, 8, 9]), np.full(5, 10)
    rising, falling = litchfield_wilcoxon(doses, k, n), litchfield_wilcoxon(doses, n - k, n)
    assert rising.slope > 1
    assert (falling.ed50, falling.lo, falling.hi, falling.slope) == pytest.approx(
        (rising.ed50, rising.lo, rising.hi, rising.slope), rel=1e-5
    )


@pytest.mark.parametrize("link", ["probit", "logit"])
def test_a_quantal_line_agrees_with_statsmodels(link):
    import statsmodels.api as sm

    dose, k, n = np.array([0.5, 1, 2, 4, 8.0]), np.array([1, 4, 6, 9, 12]), np.array([12, 12, 11, 12, 13])
    x = sm.add_constant(np.log10(dose))
    family = sm.families.Binomial(getattr(sm.families.links, link.capitalize())())
    known = sm.GLM(np.column_stack([k, n - k]), x, family=family).fit(tol=1e-12)
    fit = fit_quantal(dose, k, n, link=link)
    assert (fit.intercept, fit.slope) == pytest.approx(tuple(known.params), rel=1e-7)
    assert fit.slope_se == pytest.approx(known.bse[1], rel=1e-6)
    assert fit.heterogeneity is not None
    assert (fit.heterogeneity.chi2, fit.heterogeneity.df) == pytest.approx((known.pearson_chi2, 3), rel=1e-6)
    # Fieller's ends are the log doses at which (a + b x)² = z² Var(a + b x).
    assert fit.fieller is not None
    for end in (fit.fieller.lo, fit.fieller.hi):
        at = np.array([1, np.log10(end)])
        assert (at @ known.params) ** 2 == pytest.approx(1.959963985**2 * at @ known.cov_params() @ at, rel=1e-5)
