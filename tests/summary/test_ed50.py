"""When an ED50 is given, and the reason when it is not: data made so that one rule each is broken."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.summary.ed50 import REACH, Ed50, NoEd50, dose_effect_rule, ed50, says_nothing
from behavior.summary.fit import Interval

DOSES = np.array([0.0, 1, 3, 10, 30])
NOISE = np.array([-0.9, -0.5, -0.1, 0.2, 0.5, 0.8])


def animals(means, noise=NOISE, doses=DOSES):
    """Responses around given means, the same scatter at every dose."""
    return np.repeat(doses[: len(means)], len(noise)), (np.asarray(means, dtype=float)[:, None] + noise).ravel()


def falling(ed=5.0, b=2.0, top=10.0, floor=2.0):
    return [floor + (top - floor) / (1 + (x / ed) ** b) for x in DOSES]


def reasons(*args, **more):
    found = ed50(*args, **more)
    assert isinstance(found, NoEd50)
    return found.reasons


def test_the_dose_of_half_the_effect_is_found_within_its_interval():
    found = ed50(*animals(falling(ed=5.0)))
    assert isinstance(found, Ed50)
    assert found.lo < 5.0 < found.hi
    assert found.estimate == pytest.approx(5.0, rel=0.01)
    assert (found.direction, found.kind, found.n, found.n_doses) == ("decrease", "relative", 30, 5)


@settings(max_examples=12, deadline=None)
@given(st.sampled_from([1e-9, 1e-3, 1e6]), st.sampled_from([1e-6, 1.0, 1e9]), st.sampled_from([-100.0, 0.0, 7.0]))
def test_units_of_dose_and_response_carry_through(dose_unit, unit, shift):
    x, y = animals(falling())
    plain, other = ed50(x, y), ed50(x * dose_unit, (y + shift) * unit)
    assert isinstance(plain, Ed50)
    assert isinstance(other, Ed50)
    assert [other.estimate, other.lo, other.hi] == pytest.approx(
        np.array([plain.estimate, plain.lo, plain.hi]) * dose_unit, rel=1e-4
    )
    assert other.effect.p == pytest.approx(plain.effect.p, rel=1e-5)


def test_an_effect_upside_down_has_the_same_ed50():
    x, y = animals(falling())
    down, up = ed50(x, y), ed50(x, 20 - y)
    assert isinstance(down, Ed50)
    assert isinstance(up, Ed50)
    assert (up.estimate, up.lo, up.hi) == pytest.approx((down.estimate, down.lo, down.hi), rel=1e-6)
    assert (down.direction, up.direction) == ("decrease", "increase")


@settings(max_examples=8, deadline=None)
@given(st.permutations(range(30)))
def test_the_order_of_animals_does_not_matter(order):
    x, y = animals(falling())
    rows = list(order)
    one, other = ed50(x, y), ed50(x[rows], y[rows])
    assert isinstance(one, Ed50)
    assert isinstance(other, Ed50)
    assert (one.estimate, one.lo, one.hi) == pytest.approx((other.estimate, other.lo, other.hi), rel=1e-6)


def test_half_of_vehicle_and_half_of_the_range_are_told_apart():
    x, y = animals(falling(top=10, floor=2, ed=5, b=2))
    relative, absolute = ed50(x, y), ed50(x, y, percent_of_vehicle=50)
    assert isinstance(relative, Ed50)
    assert isinstance(absolute, Ed50)
    # 2 + 8 / (1 + (x / 5)²) = 5 at x = 5 √(5/3), and = 6 at x = 5.
    assert absolute.estimate == pytest.approx(5 * math.sqrt(5 / 3), rel=0.01)
    assert relative.estimate == pytest.approx(5, rel=0.01)
    assert relative.meaning.startswith("relative: half way from 10")
    assert absolute.meaning.startswith("absolute: 50 % of the fitted vehicle response of 10")


def test_an_interval_narrows_with_its_level():
    x, y = animals(falling())
    wide, narrow = ed50(x, y, conf_level=0.99), ed50(x, y, conf_level=0.8)
    assert isinstance(wide, Ed50)
    assert isinstance(narrow, Ed50)
    assert wide.lo < narrow.lo < narrow.estimate < narrow.hi < wide.hi


@pytest.mark.parametrize(
    ("means", "more", "says"),
    [
        ([10, 10, 10, 10, 10], {}, "do not differ between doses"),
        ([10, 13, 16, 12, 8], {}, "not monotone: the response rises from 0 to 3"),
        ([10, 6, 3, 7, 10.5], {}, "not monotone: the response"),
        ([10, 9.9, 9.5, 8.4, 6.0], {"fixed": {"c": 0}}, "do not reach half of the fitted range"),
        ([10, 9.6, 8.8, 7.5, 6.5], {"percent_of_vehicle": 20}, "do not reach 20 % of vehicle"),
        ([10, 9, 8, 7, 6.8], {"min_effect": 0.9}, "no dose changes the response by 90 %"),
        ([10, 3, 2.6, 2.5, 2.5], {}, "outside the doses tested|interval has no lower limit|times beyond"),
    ],
    ids=["flat", "rise and fall", "fall and rise", "too low", "far from 20 %", "too small", "all at the lowest"],
)
def test_each_rule_that_is_broken_is_the_reason(means, more, says):
    found = reasons(*animals(means), **more)
    assert len(found) == 1 or "no dose changes" in found[-1]
    assert any(re.search(says, reason) for reason in found)


@pytest.mark.parametrize("shape", [[10, 13, 16, 12, 8], [10, 16, 17, 10, 4], [10, 9, 5, 6, 12], [5, 14, 5, 14, 5]])
@pytest.mark.parametrize("spread", [0.3, 3.0, 5.0])
def test_a_response_that_turns_is_never_told_to_try_other_start_values(shape, spread):
    for reason in reasons(*animals(shape, NOISE * spread)):
        assert "start values" not in reason
        assert "cannot be fitted" not in reason


def test_a_turn_too_uncertain_to_be_proven_is_still_the_reason_where_no_curve_fits():
    found = reasons(*animals([10, 12, 14.5, 12.5, 10.5], NOISE * 3.2))
    assert found == (found[0],)
    assert "not monotone: the response" in found[0]
    assert "so that LL.4 does not fit" in found[0] or "p = " in found[0]


def test_too_few_doses_and_single_animals_are_both_named():
    few = reasons([0, 1, 3], [1.0, 2.0, 3.0])
    assert len(few) == 2
    assert few[0].startswith("2 doses besides the vehicle are too few")
    assert "every dose has one animal" in few[1]


def test_no_variance_is_a_reason_and_not_an_error():
    assert "variance" in reasons(*animals([10, 8, 6, 4, 2], np.zeros(3)))[0]


@pytest.mark.parametrize(
    ("args", "more", "says"),
    [
        (([0, 1, 2], [1.0, 2]), {}, "3 doses stand beside 2 responses"),
        (([0, -1, 2], [1.0, 2, 3]), {}, "a dose of -1 is negative"),
        (([0, 1, 2], [1.0, 2, 3]), {"animal": ["a"]}, "1 animals stand beside 3 doses"),
    ],
)
def test_rows_that_do_not_match_are_refused(args, more, says):
    with pytest.raises(BadInput, match=says):
        ed50(*args, **more)


def test_missing_responses_are_left_out():
    x, y = animals(falling())
    plain = ed50(x, y)
    more = ed50(np.append(x, [1, np.nan]), np.append(y, [np.nan, 3.0]))
    assert isinstance(plain, Ed50)
    assert isinstance(more, Ed50)
    assert (more.n, more.estimate) == (30, pytest.approx(plain.estimate))


def test_levels_of_animals_are_taken_out_of_the_error():
    x, y = animals(falling())
    who = np.tile(np.arange(6), 5)
    level = 30.0 * who
    y = y + level + 0.3 * np.cos(7 * np.arange(30))
    without, within = ed50(x, y), ed50(x, y, animal=who)
    assert isinstance(without, NoEd50)
    assert isinstance(within, Ed50)
    assert within.estimate == pytest.approx(5.0, rel=0.1)
    assert within.fit.df_residual == 30 - 4 - 5


# -- how far an interval may run --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lo", "hi", "says"),
    [
        (0.5, 20.0, None),
        (1 / REACH, 30 * REACH, None),
        (0.099, 20.0, r"0\.099 to 20, runs more than 10 times beyond the doses tested, 1 to 30"),
        (0.5, 301.0, "runs more than 10 times beyond"),
        (0.5, 2.65e10, r"2\.6e\+10|2\.7e\+10"),
        (0.0, 20.0, "no lower limit"),
        (0.5, math.inf, "no upper limit"),
        (0.0, math.inf, "no lower and no upper limit"),
    ],
)
def test_an_interval_may_run_ten_times_beyond_the_doses_and_no_farther(lo, hi, says):
    found = says_nothing(Interval(lo, hi), DOSES)
    if says is None:
        assert found is None
    else:
        assert re.search(says, found)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0, 20), min_size=5, max_size=5),
    st.floats(0.5, 6),
    st.sampled_from(["LL.3", "LL.4"]),
)
def test_whatever_the_means_an_ed50_lies_within_the_doses_and_its_interval_near_them(means, spread, model):
    found = ed50(*animals(means, NOISE[::2] * spread), model=model)
    if isinstance(found, NoEd50):
        assert found.reasons
        assert all(len(reason) > 20 and "\n" not in reason for reason in found.reasons)
    else:
        assert 1 <= found.estimate <= 30
        assert 1 / REACH <= found.lo <= found.estimate <= found.hi <= 30 * REACH


# -- the rule alone ---------------------------------------------------------------------------------------------------


def test_the_rule_asks_for_significance_and_size():
    x, y = animals([10, 9, 8, 7, 6])
    rule = dose_effect_rule(x, y, min_effect=0.3)
    assert rule.holds
    assert rule.largest_change == pytest.approx(0.4)
    assert not dose_effect_rule(x, y, min_effect=0.41).holds
    assert not dose_effect_rule(*animals([10, 10, 10, 10, 10.1])).holds


def test_a_vehicle_of_zero_makes_any_change_infinitely_large():
    x, y = animals([0, 1, 2, 3, 4], NOISE - NOISE.mean())
    y[:6] = [-1, 1, -2, 2, -3, 3]
    assert dose_effect_rule(x, y, min_effect=1e9).largest_change == math.inf
