"""Saturation binding: exact curves found again, Scatchard only for the eye, groups compared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.assays.saturation import compare_curves, fit_global, fit_specific, scatchard
from behavior.model.errors import BadInput

X = np.repeat([0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 10], 3)


def specific(bmax=220.0, kd=1.1, sd=0.0, seed=1, x=X):
    return bmax * x / (kd + x) + np.random.default_rng(seed).normal(0, sd, len(x))


@settings(max_examples=20, deadline=None)
@given(st.floats(1, 1000), st.floats(0.2, 8), st.floats(0.5, 20))
def test_curves_without_noise_are_found_again_by_both_fits(bmax, kd, slope):
    y = specific(bmax, kd)
    one, both = fit_specific(X, y), fit_global(X, y + slope * X, slope * X)
    for fit in (one, both):
        assert fit.bmax.value == pytest.approx(bmax, rel=1e-5)
        assert fit.kd.value == pytest.approx(kd, rel=1e-5)
    assert both.nonspecific_slope == pytest.approx(slope, rel=1e-5)
    line = scatchard(X, y)
    assert (line.bmax, line.kd, line.r2) == pytest.approx((bmax, kd, 1.0), rel=1e-6)


def test_single_negative_values_are_noise_and_stay():
    y = specific(sd=6, seed=3)
    y[0] = -2.0
    assert fit_specific(X, y).fit.n == len(X)


def test_a_missing_nonspecific_tube_leaves_its_total_in_the_global_fit():
    y = specific(sd=3)
    other = 6 * X.copy()
    other[[2, 5]] = np.nan
    fit = fit_global(X, y + 6 * X, other)
    assert fit.fit.n == 2 * len(X) - 2
    assert fit.bmax.value == pytest.approx(220, rel=0.05)


def test_without_nonspecific_tubes_their_slope_comes_from_the_totals():
    fit = fit_global(X, specific() + 6 * X, np.full(len(X), np.nan))
    assert (fit.bmax.value, fit.kd.value, fit.nonspecific_slope) == pytest.approx((220, 1.1, 6), rel=1e-4)
    noisy = specific(sd=3) + 6 * X
    with_tubes, without = fit_global(X, noisy, 6 * X), fit_global(X, noisy, np.full(len(X), np.nan))
    assert without.bmax.high - without.bmax.low > 2 * (with_tubes.bmax.high - with_tubes.bmax.low)


def test_a_slope_can_be_fitted():
    y = 220 * X**1.5 / (1.1**1.5 + X**1.5)
    fit = fit_specific(X, y, hill=True)
    assert (fit.hill, fit.bmax.value) == pytest.approx((1.5, 220), rel=1e-5)


def test_limits_are_open_where_nothing_saturates():
    x = np.repeat([0.01, 0.02, 0.04], 3)
    fit = fit_specific(x, specific(kd=50.0, bmax=1000, sd=0.02, x=x))
    assert fit.kd.high is None or fit.kd.high > 100 * x.max()


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (X, -specific(), "specific binding is negative .*exchanged"),
        (np.full(6, 2.0), np.full(6, 100.0), "at least three concentrations, here are 1 \\(2\\)"),
        (-X, specific(), "a free concentration is negative"),
    ],
    ids=["exchanged", "one concentration", "negative concentration"],
)
def test_tables_that_hold_no_curve(x, y, sentence):
    with pytest.raises(BadInput, match=sentence):
        fit_specific(x, y)


def test_groups_of_pooled_tissue_by_extra_sum_of_squares():
    y = np.concatenate([specific(220, sd=4, seed=1), specific(150, sd=4, seed=2)])
    found = compare_curves(np.tile(X, 2), y, ["control"] * len(X) + ["treated"] * len(X), "control")
    assert found.same_bmax.p < 1e-6 < 0.01 < found.same_kd.p
    ratio = found.bmax_ratio["treated"]
    assert ratio.low < 150 / 220 < ratio.high
    assert found.same_bmax.df1 == 1


def test_equal_groups_do_not_differ_more_often_than_alpha():
    hits = 0
    labels = ["control"] * len(X) + ["treated"] * len(X)
    for seed in range(60):
        y = np.concatenate([specific(sd=5, seed=2 * seed), specific(sd=5, seed=2 * seed + 1)])
        hits += compare_curves(np.tile(X, 2), y, labels, "control").same_bmax.p < 0.05
    assert hits <= 8


def test_a_comparison_needs_a_control():
    with pytest.raises(BadInput, match="name the control group"):
        compare_curves(X, specific(), ["treated"] * len(X), "control")


def test_the_scatchard_line_is_the_regression_of_the_means():
    from scipy import stats

    y = specific(sd=4, seed=8)
    means = np.array([y[x == X].mean() for x in np.unique(X)])
    known = stats.linregress(means, means / np.unique(X))
    line = scatchard(X, y)
    assert (line.slope, line.intercept, line.r2) == pytest.approx((known.slope, known.intercept, known.rvalue**2))
    assert (line.kd, line.bmax) == pytest.approx((-1 / known.slope, -known.intercept / known.slope))


@pytest.mark.parametrize("y", [10 * X, np.full(len(X), 100.0)], ids=["never saturates", "flat"])
def test_a_scatchard_line_without_slope_is_refused_or_upright(y):
    try:
        line = scatchard(X, y)
    except BadInput as error:
        assert "no Scatchard line" in str(error)
    else:
        assert abs(line.kd) > 1e6


def test_the_fit_agrees_with_scipys():
    from scipy.optimize import curve_fit

    y = specific(sd=5, seed=4)
    known, covariance = curve_fit(lambda x, bmax, kd: bmax * x / (kd + x), X, y, p0=[200, 1], xtol=1e-14, ftol=1e-14)
    fit = fit_specific(X, y)
    assert (fit.bmax.value, fit.kd.value) == pytest.approx(known, rel=1e-6)
    assert (fit.fit.se["bmax"], fit.fit.se["kd"]) == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_units_of_binding_and_concentration_only_scale_the_estimates(by_bound, by_free):
    y = specific(sd=5, seed=4)
    one, other = fit_specific(X, y), fit_specific(by_free * X, by_bound * y)
    for mine, scaled, by in ((one.bmax, other.bmax, by_bound), (one.kd, other.kd, by_free)):
        assert (scaled.low / by, scaled.value / by, scaled.high / by) == pytest.approx(
            (mine.low, mine.value, mine.high), rel=1e-5
        )


def test_a_curve_compared_with_itself_gives_a_ratio_of_1_and_three_groups_two_ratios():
    y = specific(sd=4, seed=1)
    labels = [name for name in ("c", "a", "b") for _ in X]
    found = compare_curves(np.tile(X, 3), np.concatenate([y, y, y / 2]), labels, "c")
    assert found.groups == ("c", "a", "b")
    assert found.bmax_ratio["a"].value == pytest.approx(1, abs=1e-6)
    assert found.bmax_ratio["b"].value == pytest.approx(0.5, rel=1e-6)
    assert found.same_bmax.df1 == found.same_kd.df1 == 2
    assert found.same_kd.p == pytest.approx(1, abs=1e-6)
