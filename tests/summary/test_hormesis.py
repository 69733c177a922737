"""Curves that turn, and curves that a person writes down."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from behavior.model.errors import BadInput
from behavior.summary.compare import dunnett
from behavior.summary.expression import curve_from
from behavior.summary.hormesis import (
    brain_cousens,
    directions,
    falling_ed50,
    fit_hormesis,
    hormesis_test,
    peak,
    reflected,
)

DOSES = np.repeat([0, 0.1, 0.3, 1, 3, 10, 30, 100.0], 4)


def turning(f=20.0, sd=3.0, seed=1, b=2.0, c=0.0, d=100.0, e=5.0):
    noise = np.random.default_rng(seed).normal(0, sd, len(DOSES))
    return brain_cousens(DOSES, np.array([b, c, d, e, f])) + noise


def test_a_turning_curve_without_noise_is_found_again():
    fit = fit_hormesis(DOSES, turning(sd=0, c=8), model="BC.5")
    assert fit.parameters.tolist() == pytest.approx([2, 8, 100, 5, 20], rel=1e-5)


def test_the_peak_is_higher_than_its_neighbours_and_the_ed50_halves_the_control():
    fit = fit_hormesis(DOSES, turning())
    top = peak(fit)
    near = brain_cousens(top.dose * np.array([0.99, 1, 1.01]), fit.parameters)
    assert near[1] == pytest.approx(top.response)
    assert near.argmax() == 1
    dose = falling_ed50(fit)
    assert dose > top.dose
    assert brain_cousens(np.array([dose]), fit.parameters)[0] == pytest.approx(fit.estimates["d"] / 2)


def test_hormesis_is_found_where_it_is_and_not_where_it_is_not():
    assert hormesis_test(DOSES, turning()).p < 1e-4
    assert hormesis_test(DOSES, turning(f=0.0, sd=5, seed=4)).p > 0.05
    assert hormesis_test(DOSES, turning(c=10), model="BC.5").p < 1e-4


def test_a_fall_and_rise_is_fitted_as_its_mirror_image():
    y = 200 - turning()
    assert_allclose(reflected(DOSES, y), 2 * y[DOSES == 0].mean() - y)
    assert hormesis_test(DOSES, reflected(DOSES, y)).p < 1e-4
    with pytest.raises(BadInput, match="no row has dose 0"):
        reflected(DOSES[4:], y[4:])


def test_a_curve_that_only_falls_has_no_peak():
    fit = fit_hormesis(DOSES, turning(f=-1.0, sd=0.5))
    with pytest.raises(BadInput, match="no hormesis"):
        peak(fit)
    assert falling_ed50(fit) < 5.5


def test_too_few_doses_are_refused():
    with pytest.raises(BadInput, match="3 doses cannot determine a curve with 4"):
        fit_hormesis([0, 0, 1, 1, 3, 3], [1, 2, 3, 4, 5, 6])


def test_directions_per_dose():
    result = dunnett(turning(f=40.0), DOSES, reference=0)
    words = [d.direction for d in directions(result)]
    assert words[0] == "no significant change"
    assert words[3] == "increase"
    assert words[-1] == "decrease"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + b*x", 7.0),
        ("-a**2", -1.0),
        ("exp(log(a + b)) / x", 2.0),
        ("+sqrt(x*2)", 2.0),
        ("(a-b)*(x**-1)", -1.0),
        ("1e2", 100.0),
    ],
)
def test_expressions_mean_what_they_say(text, value):
    assert curve_from(text, ["a", "b"])(np.array([2.0]), np.array([1.0, 3.0])) == pytest.approx([value])


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "a.real",
        "(lambda: 1)()",
        "[x for x in (1,)]",
        "a if b else x",
        "x[0]",
        "c*x",
        "exp(a, b)",
        "exp(a, where=b)",
        "True",
        "'a'",
        "a @ b",
        "a // b",
        "1j",
        "open('f')",
    ],
)
def test_all_that_is_not_arithmetic_is_refused(text):
    with pytest.raises(BadInput, match="is not understood"):
        curve_from(text, ["a", "b"])


@pytest.mark.parametrize("text", ["", "a +", "a = 1", "import os", "a\x00", "(" * 500 + "a" + ")" * 500, "a" * 3000])
def test_what_is_not_an_expression_is_refused(text):
    with pytest.raises(BadInput, match=r"not an expression|at most|not understood"):
        curve_from(text, ["a", "b"])


def test_a_large_power_is_infinite_and_not_a_calculation_without_end():
    assert np.isinf(curve_from("9**9**9", [])(np.array([1.0]), np.array([]))).all()


@settings(max_examples=30, deadline=None)
@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 5))
def test_arithmetic_agrees_with_python(a, b, x):
    text = "a*x**2 - b/(x + 1) + exp(-x)"
    known = a * x**2 - b / (x + 1) + np.exp(-x)
    assert curve_from(text, ["a", "b"])(np.array([x]), np.array([a, b]))[0] == pytest.approx(known)


@pytest.mark.parametrize(
    ("dose", "response", "says"),
    [
        ([-1, 0, 1, 2, 4, 8, 9], [1, 2, 3, 4, 3, 2, 1], "a dose of -1 is negative"),
        ([0, 1, 2, 4, 8, 9], [1, 2, 3, 4, 3, 2, 1], "6 doses stand beside 7 responses"),
        ([0, 0, 1, 1, 2, 2], [1, 2, 3, 4, 3, 2], "3 doses cannot determine a curve with 4"),
    ],
)
def test_doses_that_make_no_curve_are_refused(dose, response, says):
    with pytest.raises(BadInput, match=says):
        fit_hormesis(dose, response)


def test_a_curve_with_all_but_its_shape_held_is_still_fitted():
    x = np.repeat([0.0, 1, 2, 4, 8, 16], 2)
    y = brain_cousens(x, np.array([2.5, 0, 10, 4, 2])) + 0.01 * np.cos(5 * np.arange(12))
    found = fit_hormesis(x, y, fixed={"d": 10, "f": 2})
    assert found.free == ("b", "e")
    assert (found.estimates["b"], found.estimates["e"]) == pytest.approx((2.5, 4), rel=0.01)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_peak_and_ed50_move_with_the_unit_of_the_dose(unit):
    x = np.repeat([0.0, 0.5, 1, 2, 4, 8, 16], 3)
    y = brain_cousens(x, np.array([2.5, 0, 10, 4, 3])) + 0.3 * np.cos(5 * np.arange(21))
    plain, other = fit_hormesis(x, y), fit_hormesis(x * unit, y)
    assert peak(other).dose / unit == pytest.approx(peak(plain).dose, rel=1e-5)
    assert peak(other).response == pytest.approx(peak(plain).response, rel=1e-6)
    assert falling_ed50(other) / unit == pytest.approx(falling_ed50(plain), rel=1e-5)
