"""Weighted fits: the spread is found, exact fits stay exact, limits hold the truth more often where it grows."""

from __future__ import annotations

import numpy as np
import pytest

from behavior.assays.saturation import fit_specific
from behavior.assays.spread import fit_with_spread, line_of_spread, spread_grows
from behavior.summary.fit import fit_curve

X = np.repeat([0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 10.0], 4)
CLEAN = 220 * X / (1.1 + X)


def line(x, p):
    return p[0] + p[1] * x


def test_the_spread_is_a_line_over_the_fitted_values():
    fitted = np.array([10.0, 10, 100, 100])
    assert line_of_spread(fitted, np.array([1.0, -1, 10, -10])) == pytest.approx(np.array([1, 1, 10, 10]) / 5.5)


def test_spread_that_falls_counts_as_constant_and_none_is_far_below_the_mean():
    fitted = np.array([10.0, 10, 100, 100])
    assert line_of_spread(fitted, np.array([10.0, 10, 1, 1])).tolist() == [1, 1, 1, 1]
    steep = line_of_spread(np.arange(10.0), np.append(np.zeros(9), 1.0))
    assert steep.min() == pytest.approx(0.1)
    assert line_of_spread(fitted, np.zeros(4)).tolist() == [1, 1, 1, 1]


def test_a_constant_spread_is_the_plain_fit():
    y = 2 + 3 * X + np.random.default_rng(1).normal(0, 1, len(X))
    plain, same = (fit(line, X, y, [[1.0, 1.0]], names=("a", "b")) for fit in (fit_curve, fit_with_spread))
    assert same.estimates == plain.estimates and same.se == plain.se


def test_weights_are_those_of_weighted_least_squares():
    rng = np.random.default_rng(3)
    y = 2 + 3 * X + rng.normal(0, 0.2 + 0.3 * X)
    fit = fit_with_spread(line, X, y, [[1.0, 1.0]], names=("a", "b"), spread="grows")
    w = (fit.y / y) ** 2
    design = np.column_stack([np.ones_like(X), X])
    expected = np.linalg.solve(design.T @ (design * w[:, None]), design.T @ (w * y))
    assert [fit.estimates["a"], fit.estimates["b"]] == pytest.approx(expected, rel=1e-6)


def test_a_curve_without_noise_is_found_again():
    fit = fit_specific(X, CLEAN, spread="grows")
    assert (fit.bmax.value, fit.kd.value) == pytest.approx((220, 1.1), rel=1e-6)


def test_growing_spread_is_noticed_and_constant_spread_is_not():
    rng = np.random.default_rng(5)
    grows = sum(
        spread_grows(fit_specific(X, CLEAN * rng.normal(1, 0.06, len(X)), profile=False).fit) for _ in range(20)
    )
    constant = sum(
        spread_grows(fit_specific(X, CLEAN + rng.normal(0, 4, len(X)), profile=False).fit) for _ in range(20)
    )
    assert grows >= 15 and constant <= 2


def test_limits_of_bmax_hold_the_truth_more_often():
    rng = np.random.default_rng(11)
    held = {"constant": 0, "grows": 0}
    for _ in range(100):
        y = CLEAN * rng.normal(1, 0.06, len(X)) + rng.normal(0, 0.5, len(X))
        for spread in held:
            wald = fit_specific(X, y, spread=spread, profile=False).bmax
            held[spread] += wald.low <= 220 <= wald.high
    assert held["grows"] >= 88 > held["constant"] + 1


def test_the_weighted_fit_does_not_depend_on_the_units():
    rng = np.random.default_rng(9)
    y = CLEAN * rng.normal(1, 0.06, len(X))
    one, other = fit_specific(X, y, spread="grows"), fit_specific(X, 1e6 * y, spread="grows")
    assert other.bmax.value / 1e6 == pytest.approx(one.bmax.value, rel=1e-7)
    assert (other.kd.low, other.kd.value, other.kd.high) == pytest.approx((one.kd.low, one.kd.value, one.kd.high), 1e-5)


def test_the_spread_is_relative_and_the_same_in_every_order():
    rng = np.random.default_rng(9)
    fitted, left = rng.uniform(10, 100, 30), rng.normal(0, 5, 30)
    line = line_of_spread(fitted, left)
    order = rng.permutation(30)
    assert line_of_spread(fitted[order], left[order]) == pytest.approx(line[order])
    assert line_of_spread(fitted, 1000 * left) == pytest.approx(line)
    assert line_of_spread(fitted, -left) == pytest.approx(line)
    assert (line >= 0.1).all()


def test_few_tubes_or_a_flat_curve_never_say_that_the_spread_grows():
    few = fit_curve(line, X[:7], 2 + X[:7] ** 2, [[1.0, 1.0]], names=("a", "b"))
    flat = fit_curve(lambda x, p: p[0] + 0 * x, X, np.arange(len(X), dtype=float), [[1.0]], names=("a",))
    assert not spread_grows(few) and not spread_grows(flat)


def test_with_all_tubes_at_one_level_the_spread_is_constant():
    assert line_of_spread(np.full(5, 7.0), np.array([1.0, 2, 3, 4, 5])).tolist() == [1.0] * 5
