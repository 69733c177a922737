"""Limits of estimates: those of the linear model where the curve is a line, open where the data set none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.assays.limits import profile_limits, raised, wald_limits
from behavior.assays.result import Estimate
from behavior.assays.saturation import saturation_curve
from behavior.model.errors import BadInput
from behavior.summary.fit import fit_curve

X = np.array([1.0, 2, 3, 5, 8, 13])
Y = np.array([2.2, 3.9, 6.3, 9.7, 16.4, 25.8])


def line(x, p):
    return p[0] + p[1] * x


def fitted(y, x=X):
    return fit_curve(line, x, y, [[0.0, 1.0]], names=("a", "b"))


@pytest.mark.parametrize("conf_level", [0.8, 0.95, 0.999])
@pytest.mark.parametrize("limits", [profile_limits, wald_limits])
def test_for_a_line_both_are_the_limits_of_linear_regression(limits, conf_level):
    from scipy import stats

    known = stats.linregress(X, Y)
    half = stats.t.ppf((1 + conf_level) / 2, len(X) - 2) * known.stderr
    found = limits(fitted(Y), "b", conf_level)
    assert (found.low, found.value, found.high) == pytest.approx((known.slope - half, known.slope, known.slope + half))
    assert found.level == conf_level


def test_an_exact_curve_has_its_estimate_for_limits():
    found = profile_limits(fitted(2 + X / 3), "b", 0.95, positive=True)
    assert found.low == found.value == found.high == pytest.approx(1 / 3)


def test_limits_at_zero_or_infinity_are_open():
    x = np.repeat([1.0, 2, 4], 3)
    y = np.array([9.6, 9.9, 9.8, 9.8, 10.1, 10.0, 10.1, 9.9, 10.05])
    fit = fit_curve(saturation_curve, x, y, [[10.0, 0.05, 1.0]], names=("bmax", "kd", "hill"), fixed={"hill": 1.0})
    kd = profile_limits(fit, "kd", 0.999, positive=True)
    assert kd.low is None and kd.high is not None and kd.value < kd.high < 1


def test_what_is_not_above_0_has_no_limits_on_its_logarithm():
    with pytest.raises(BadInput, match=r"b is -.*not above 0"):
        profile_limits(fitted(-2 * Y), "b", 0.95, positive=True)


@given(st.floats(-200, 200), st.floats(0, 50), st.sampled_from([10.0, math.e]))
def test_limits_on_a_logarithm_stay_about_their_estimate(middle, half, base):
    back = raised(Estimate(middle, middle - half, middle + half), base)
    assert back.low <= back.value <= back.high
    assert math.sqrt(back.low) * math.sqrt(back.high) == pytest.approx(back.value, rel=1e-9)


@pytest.mark.parametrize(("low", "high"), [(None, 1.0), (-1.0, None), (-400.0, 1.0), (0.0, 400.0)])
def test_limits_that_are_open_or_beyond_all_numbers_stay_open(low, high):
    back = raised(Estimate(0.5, low, high), 10)
    assert (back.low is None) == (low is None or low < -300)
    assert (back.high is None) == (high is None or high > 300)
