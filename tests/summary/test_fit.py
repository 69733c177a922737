"""Curves by least squares against linear regression, known in closed form, and NIST's certified values."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.derivatives import gradient, hessian, jacobian
from behavior.summary.fit import (
    compare_fits,
    confidence_band,
    derived,
    fit_curve,
    observed_covariance,
    profile_interval,
    wald_interval,
)

X = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
Y = np.array([1.1, 2.9, 5.2, 7.1, 8.8, 11.3])


def line(x, p):
    return p[0] + p[1] * x


def decay(x, p):
    return p[0] * np.exp(-p[1] * x)


def fit_line(x=X, y=Y, **more):
    return fit_curve(line, x, y, [[0, 0]], names=("a", "b"), **more)


def test_a_line_agrees_with_linear_regression():
    fit, known = fit_line(), stats.linregress(X, Y)
    assert_allclose([fit.estimates["a"], fit.estimates["b"]], [known.intercept, known.slope], rtol=1e-12)
    assert_allclose([fit.se["a"], fit.se["b"]], [known.intercept_stderr, known.stderr], rtol=1e-9)
    assert fit.df_residual == 4
    assert fit.rss == pytest.approx(fit.residual_se**2 * 4)


def test_loglik_is_that_of_the_normal_density_at_the_maximum():
    fit = fit_line()
    assert fit.loglik == pytest.approx(stats.norm.logpdf(Y, fit.fitted, math.sqrt(fit.rss / fit.n)).sum())
    assert fit.aic == pytest.approx(-2 * fit.loglik + 2 * 3)


def test_for_a_line_profile_and_wald_intervals_are_the_same():
    fit = fit_line()
    profile, wald = profile_interval(fit, "b"), wald_interval(fit, "b")
    assert_allclose([profile.lo, profile.hi], [wald.lo, wald.hi], rtol=1e-7)


def test_for_a_line_observed_and_gauss_newton_covariances_are_the_same():
    fit = fit_line()
    assert_allclose(observed_covariance(fit), fit.covariance, rtol=1e-5)


def test_misra1a_has_the_certified_values():
    x = [77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0]
    y = [10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78]
    starts = [[500, 0.0001], [250, 0.0005]]
    fit = fit_curve(lambda x, p: p[0] * (1 - np.exp(-p[1] * x)), x, y, starts, names=("b1", "b2"))
    assert fit.estimates == pytest.approx({"b1": 2.3894212918e2, "b2": 5.5015643181e-4}, rel=1e-9)
    assert fit.se == pytest.approx({"b1": 2.7070075241, "b2": 7.2668688436e-6}, rel=1e-8)
    assert fit.rss == pytest.approx(1.2455138894e-1, rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(6)), st.floats(0.01, 100), st.floats(0.01, 100))
def test_order_and_units_of_the_observations_do_not_matter(order, x_unit, y_unit):
    y = np.array([10.1, 7.2, 5.4, 3.6, 2.9, 1.8])
    plain = fit_curve(decay, X, y, [[8, 0.2]], names=("top", "rate"))
    rows = list(order)
    other = fit_curve(decay, X[rows] * x_unit, y[rows] * y_unit, [[8 * y_unit, 0.2 / x_unit]], names=("top", "rate"))
    assert other.estimates["rate"] * x_unit == pytest.approx(plain.estimates["rate"], rel=1e-8)
    assert other.se["top"] / y_unit == pytest.approx(plain.se["top"], rel=1e-7)


def test_a_profile_does_not_change_when_a_parameter_is_written_as_its_logarithm():
    y = np.array([10.1, 7.2, 5.4, 3.6, 2.9, 1.8])
    plain = fit_curve(decay, X, y, [[8, 0.2]], names=("top", "rate"))
    logged = fit_curve(lambda x, p: decay(x, [p[0], math.exp(p[1])]), X, y, [[8, -1]], names=("top", "ln_rate"))
    a = profile_interval(plain, "rate", positive=True)
    b = profile_interval(logged, "ln_rate")
    assert_allclose([a.lo, a.hi], np.exp([b.lo, b.hi]), rtol=1e-7)


def test_a_profile_without_an_end_is_infinite():
    # A saturating curve whose doses stay far below saturation: the half dose may be as large as one likes.
    x = np.array([1.0, 2, 3, 4, 5, 6])
    y = x + np.array([0.1, -0.2, 0.15, -0.1, 0.2, -0.18])
    fit = fit_curve(lambda x, p: p[0] * x / (p[1] + x), x, y, [[100, 100]], names=("top", "half"))
    assert profile_interval(fit, "half", positive=True).hi == math.inf


def test_fixed_parameters_keep_their_value_and_have_no_error():
    fit = fit_line(fixed={"a": 1.0})
    assert fit.estimates["a"] == 1.0
    assert fit.free == ("b",)
    assert fit.estimates["b"] == pytest.approx((X @ (Y - 1)) / (X @ X))
    assert "a" not in fit.se


def test_the_f_test_of_a_slope_is_its_t_squared():
    fit, flat = fit_line(), fit_line(fixed={"b": 0.0})
    test = compare_fits(flat, fit)
    assert test.f == pytest.approx((fit.estimates["b"] / fit.se["b"]) ** 2)
    assert (test.df1, test.df2) == (1, 4)
    assert test.p == pytest.approx(stats.linregress(X, Y).pvalue)


def test_derived_quantities_have_delta_errors():
    fit = fit_line()
    at_two = derived(fit, lambda p: p["a"] + 2 * p["b"])
    band = confidence_band(fit, [2.0])
    assert at_two.estimate == pytest.approx(band.fitted[0])
    assert (at_two.lo, at_two.hi) == pytest.approx((band.lo[0], band.hi[0]))
    weights = np.array([1, 2])
    assert at_two.se == pytest.approx(math.sqrt(weights @ fit.covariance @ weights))


def test_the_best_of_several_starts_counts_whatever_their_order():
    x = np.linspace(0, 6, 25)
    y = np.sin(2.0 * x) + 0.01 * np.cos(40 * x)
    starts = [[0.3], [1.9], [5.0]]
    fits = [fit_curve(lambda x, p: np.sin(p[0] * x), x, y, order, names=("w",)) for order in (starts, starts[::-1])]
    assert fits[0].estimates["w"] == pytest.approx(2.0, abs=1e-2)
    assert fits[0].estimates["w"] == pytest.approx(fits[1].estimates["w"], rel=1e-9)


def test_a_curve_through_every_point_is_fitted_but_has_no_interval():
    fit = fit_line(y=2 + 3 * X)
    assert fit.estimates == pytest.approx({"a": 2, "b": 3})
    exact = fit_curve(lambda x, p: p[0] + 0 * x, [1, 2], [4, 4], [[4]], names=("a",))
    with pytest.raises(BadInput, match="every observation"):
        profile_interval(exact, "a")


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("rate", [0.3, 1 / 3, 0.7])
def test_a_curve_exact_but_for_rounding_has_no_interval_whatever_its_unit(scale, rate):
    x = np.linspace(0.1, 5, 23)
    y = scale * np.exp(-rate * x)
    fit = fit_curve(lambda x, p: p[0] * np.exp(-p[1] * x), x, y, [[scale, 0.5]], names=("top", "rate"))
    assert fit.is_exact
    for name in fit.free:
        with pytest.raises(BadInput, match="no interval can be given"):
            profile_interval(fit, name, positive=True)


def test_a_millionth_of_noise_is_enough_for_an_interval():
    x = np.linspace(0.1, 5, 23)
    y = np.exp(-0.3 * x) + 1e-6 * np.cos(50 * x)
    fit = fit_curve(lambda x, p: p[0] * np.exp(-p[1] * x), x, y, [[1.0, 0.5]], names=("top", "rate"))
    assert not fit.is_exact
    ends = profile_interval(fit, "rate")
    assert ends.lo < 0.3 < ends.hi and ends.hi - ends.lo < 1e-5


@pytest.mark.parametrize(
    ("x", "y", "fixed", "says"),
    [
        (X, Y[:-1], {}, "6 doses stand beside 5 responses"),
        (X, np.append(Y[:-1], np.nan), {}, "not a finite number"),
        (X[:2], Y[:2], {}, "cannot determine 2 parameters"),
        (X, Y, {"slope": 1.0}, "slope is not a parameter"),
        (np.ones(6), Y, {}, "do not tell|does not settle|do not determine"),
        (np.zeros(6), Y, {}, "say nothing about b"),
    ],
    ids=["lengths differ", "a missing value", "too few", "an unknown name", "one dose", "only dose 0"],
)
def test_data_that_cannot_be_fitted_are_refused_with_a_reason(x, y, fixed, says):
    with pytest.raises(BadInput, match=says):
        fit_line(x, y, fixed=fixed)


BOXBOD = [1, 2, 3, 5, 7, 10.0], [109, 149, 149, 191, 213, 224.0]


def saturating(x, p):
    return p[0] * (1 - np.exp(-p[1] * x))


def test_a_start_from_which_the_search_gets_lost_does_not_matter_beside_a_good_one():
    fit = fit_curve(saturating, *BOXBOD, [[1, 1], [100, 0.75]], names=("b1", "b2"))
    assert fit.estimates == pytest.approx({"b1": 213.80940889, "b2": 0.54723748542}, rel=1e-9)
    assert fit.se == pytest.approx({"b1": 12.354515176, "b2": 0.10455993237}, rel=1e-7)


def test_a_start_from_which_the_search_gets_lost_is_refused_alone():
    with pytest.raises(BadInput, match=r"does not settle|say nothing"):
        fit_curve(saturating, *BOXBOD, [[1, 1e9]], names=("b1", "b2"))


def test_only_nested_fits_of_the_same_observations_are_compared():
    with pytest.raises(BadInput, match="fewer parameters first"):
        compare_fits(fit_line(), fit_line(fixed={"b": 0.0}))


def test_a_profile_of_a_fixed_parameter_is_refused():
    with pytest.raises(BadInput, match="not estimated"):
        profile_interval(fit_line(fixed={"a": 1.0}), "a")


@given(st.floats(-3, 3), st.floats(0.1, 3))
@settings(max_examples=30, deadline=None)
def test_numeric_derivatives_agree_with_calculus(a, b):
    def f(p):
        return float(np.exp(p[0]) * np.sin(p[1]) + p[1] ** 3)

    at = np.array([a, b])
    size = np.ones(2)
    slopes = [np.exp(a) * np.sin(b), np.exp(a) * np.cos(b) + 3 * b**2]
    bends = [
        [np.exp(a) * np.sin(b), np.exp(a) * np.cos(b)],
        [np.exp(a) * np.cos(b), 6 * b - np.exp(a) * np.sin(b)],
    ]
    assert_allclose(gradient(f, at, sizes=size), slopes, atol=1e-8)
    assert_allclose(hessian(f, at, sizes=size), bends, atol=1e-5)
    assert_allclose(jacobian(lambda p: np.array([f(p), p[0] * p[1]]), at, sizes=size)[1], [b, a], atol=1e-9)


@pytest.mark.parametrize("routine", ["lstsq", "svd"])
def test_linear_algebra_that_does_not_converge_costs_a_step_and_no_crash(monkeypatch, routine):
    """The steps that polish may be left out; a search that cannot step does not settle, and says so."""

    def fails(*_args, **_kwargs):
        raise np.linalg.LinAlgError("SVD did not converge")

    y = np.array([10.1, 7.2, 5.4, 3.6, 2.9, 1.8])
    plain = fit_curve(decay, X, y, [[8, 0.2]], names=("top", "rate"))
    monkeypatch.setattr(np.linalg, routine, fails)
    if routine == "lstsq":
        rough = fit_curve(decay, X, y, [[8, 0.2]], names=("top", "rate"))
        assert rough.estimates == pytest.approx(plain.estimates, rel=1e-5)
    else:
        with pytest.raises(BadInput, match="does not settle"):
            fit_curve(decay, X, y, [[8, 0.2]], names=("top", "rate"))


def test_a_curve_so_steep_that_its_slopes_overflow_is_refused():
    def cliff(x, p):
        return p[0] * 1e290 * (1 + 0 * x)

    with pytest.raises(BadInput):
        fit_curve(cliff, X, Y, [[1e-290]], names=("a",))


NIST = {
    "DanWood": (
        lambda x, p: p[0] * x ** p[1],
        [1.309, 1.471, 1.490, 1.565, 1.611, 1.680],
        [2.138, 3.421, 3.597, 4.340, 4.882, 5.660],
        [[1, 5], [0.7, 4]],
        [7.6886226176e-1, 3.8604055871],
        [1.8281973860e-2, 5.1726610913e-2],
        4.3173084083e-3,
    ),
    "Rat42": (
        lambda x, p: p[0] / (1 + np.exp(p[1] - p[2] * x)),
        [9, 14, 21, 28, 42, 57, 63, 70, 79.0],
        [8.93, 10.80, 18.59, 22.33, 39.35, 56.11, 61.73, 64.62, 67.08],
        [[100, 1, 0.1], [75, 2.5, 0.07]],
        [7.2462237576e1, 2.6180768402, 6.7359200066e-2],
        [1.7340283401, 8.8295217536e-2, 3.4465663377e-3],
        8.0565229338,
    ),
}


@pytest.mark.parametrize("first", [0, 1], ids=["far start", "near start"])
@pytest.mark.parametrize("name", NIST)
def test_certified_values_of_nist_from_either_of_its_starts(name, first):
    curve, x, y, starts, estimates, errors, rss = NIST[name]
    names = tuple(f"b{i + 1}" for i in range(len(estimates)))
    fit = fit_curve(curve, x, y, [starts[first]], names=names)
    assert_allclose(fit.parameters, estimates, rtol=1e-8)
    assert_allclose([fit.se[b] for b in names], errors, rtol=1e-7)
    assert fit.rss == pytest.approx(rss, rel=1e-9)


def test_every_end_of_a_profile_lies_where_the_fit_is_worse_by_the_limit():
    """At an end, fitting the rest with the parameter held there costs just t² residual variances."""
    curve, x, y, starts, *_ = NIST["Rat42"]
    names = ("b1", "b2", "b3")
    fit = fit_curve(curve, x, y, starts, names=names)
    limit = stats.t.ppf(0.975, fit.df_residual) ** 2 * fit.residual_se**2
    for name in names:
        ends = profile_interval(fit, name)
        for end in (ends.lo, ends.hi):
            held = fit_curve(curve, x, y, [list(fit.parameters)], names=names, fixed={name: end})
            assert held.rss - fit.rss == pytest.approx(limit, rel=1e-5)
