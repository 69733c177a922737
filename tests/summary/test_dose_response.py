"""Log-logistic curves, the doses read from them, and when no ED50 may be given."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from behavior.model.errors import BadInput
from behavior.summary.dose_response import (
    absolute_dose,
    absolute_dose_profile,
    compare_models,
    dose_effect,
    effective_dose,
    effective_dose_profile,
    fit_dose_response,
    fit_dose_responses,
    lack_of_fit,
    log_logistic,
    relative_potency,
)
from behavior.summary.ed50 import Ed50, NoEd50, dose_effect_rule, ed50
from behavior.summary.fit import compare_fits

DOSES = np.array([0, 0.3, 1, 3, 10, 30.0])


def curve(b=1.5, c=10.0, d=100.0, e=2.5, *, n=6, sd=8.0, seed=1, doses=DOSES):
    x = np.repeat(doses, n)
    noise = np.random.default_rng(seed).normal(0, sd, len(x))
    return x, log_logistic(x, np.array([b, c, d, e])) + noise


@settings(max_examples=20, deadline=None)
@given(st.floats(0.6, 4), st.floats(-20, 20), st.floats(60, 200), st.floats(0.5, 10))
def test_a_curve_without_noise_is_found_again(b, c, d, e):
    x, y = curve(b, c, d, e, sd=0, n=2)
    fit = fit_dose_response(x, y)
    assert [fit.estimates[name] for name in "bcde"] == pytest.approx([b, c, d, e], rel=1e-5, abs=1e-4)


@settings(max_examples=10, deadline=None)
@given(st.floats(0.01, 100), st.floats(0.01, 100), st.integers(0, 50))
def test_the_ed50_moves_with_the_unit_of_the_dose_and_not_with_that_of_the_response(x_unit, y_unit, seed):
    x, y = curve(seed=seed)
    one, other = fit_dose_response(x, y), fit_dose_response(x * x_unit, y * y_unit)
    assert effective_dose(other, 50).estimate == pytest.approx(effective_dose(one, 50).estimate * x_unit, rel=1e-6)
    a, b = effective_dose_profile(one, 50), effective_dose_profile(other, 50)
    assert (b.lo, b.hi) == pytest.approx((a.lo * x_unit, a.hi * x_unit), rel=1e-5)


def test_rising_and_falling_effects_mirror_each_other():
    x, y = curve()
    falling, rising = fit_dose_response(x, y), fit_dose_response(x, 200 - y)
    assert rising.estimates["e"] == pytest.approx(falling.estimates["e"], rel=1e-7)
    assert rising.estimates["c"] == pytest.approx(200 - falling.estimates["c"], rel=1e-6)
    assert rising.estimates["b"] == pytest.approx(falling.estimates["b"], rel=1e-6)


def test_ed50_is_e_and_ed10_and_ed90_lie_evenly_around_it_on_the_log_scale():
    fit = fit_dose_response(*curve())
    low, mid, high = (effective_dose(fit, q) for q in (10, 50, 90))
    assert mid.estimate == pytest.approx(fit.estimates["e"])
    assert mid.se == pytest.approx(fit.se["e"])
    assert math.log(high.estimate / mid.estimate) == pytest.approx(math.log(mid.estimate / low.estimate))
    assert low.log_delta.lo > 0


def test_profile_of_another_ed_brackets_it_and_equals_that_of_e_at_50():
    fit = fit_dose_response(*curve())
    for q in (10, 50, 90):
        interval = effective_dose_profile(fit, q)
        assert interval.lo < effective_dose(fit, q).estimate < interval.hi


def test_absolute_and_relative_doses_agree_where_they_mean_the_same():
    fit = fit_dose_response(*curve(c=0), fixed={"c": 0.0})
    relative, absolute = effective_dose(fit, 50), absolute_dose(fit, fit.estimates["d"] / 2)
    assert absolute.estimate == pytest.approx(relative.estimate)
    a, b = effective_dose_profile(fit, 50), absolute_dose_profile(fit, 0.5)
    assert (a.lo, a.hi) == pytest.approx((b.lo, b.hi), rel=1e-6)


def test_a_response_beyond_the_curve_has_no_dose():
    fit = fit_dose_response(*curve(c=60))
    with pytest.raises(BadInput, match="never equals 20"):
        absolute_dose(fit, 20)
    with pytest.raises(BadInput, match="never reaches 20 %"):
        absolute_dose_profile(fit, 0.2)


def test_five_parameters_with_g_of_one_are_four():
    x, y = curve()
    four, five = fit_dose_response(x, y), fit_dose_response(x, y, model="LL.5", fixed={"g": 1.0})
    assert five.rss == pytest.approx(four.rss)
    x = np.repeat(np.geomspace(0.1, 300, 12), 2)
    skewed = fit_dose_response(x, log_logistic(x, np.array([1.5, 10, 100, 8, 0.4])), model="LL.5")
    assert skewed.parameters.tolist() == pytest.approx([1.5, 10, 100, 8, 0.4], rel=1e-4)
    half = effective_dose(skewed, 50).estimate
    assert log_logistic(np.array([half]), skewed.parameters)[0] == pytest.approx(55)


def test_three_parameters_are_four_with_a_floor_of_zero():
    x, y = curve()
    assert_allclose(fit_dose_response(x, y, model="LL.3").fitted, fit_dose_response(x, y, fixed={"c": 0.0}).fitted)
    test = compare_models(x, y, "LL.3", "LL.4")
    assert test.df1 == 1


def test_lack_of_fit_compares_with_one_mean_per_dose():
    x, y = curve()
    fit = fit_dose_response(x, y)
    pure = sum(((y[x == d] - y[x == d].mean()) ** 2).sum() for d in DOSES)
    test = lack_of_fit(fit)
    assert (test.df1, test.df2) == (2, 30)
    assert test.f == pytest.approx((fit.rss - pure) / 2 / (pure / 30))
    assert dose_effect(fit).p < 1e-9


def test_lack_of_fit_without_replicates_is_refused():
    x, y = curve(n=1, sd=1)
    with pytest.raises(BadInput, match="repeated doses"):
        lack_of_fit(fit_dose_response(x, y))


def two_compounds(factor=4.0):
    x, y = curve(seed=2)
    x2, y2 = curve(e=2.5 / factor, seed=3)
    return np.append(x, x2), np.append(y, y2), ["weak"] * len(x) + ["strong"] * len(x2)


def test_curves_fitted_together_without_anything_in_common_are_the_single_fits():
    x, y, compound = two_compounds()
    both = fit_dose_responses(x, y, compound)
    weak = fit_dose_response(*curve(seed=2))
    assert both.of("weak", both.fit.estimates) == pytest.approx(dict(weak.estimates), rel=1e-6)


def test_relative_potency_is_the_ratio_of_doses_whichever_way_it_is_turned():
    x, y, compound = two_compounds()
    shared = fit_dose_responses(x, y, compound, shared=("b", "c", "d"))
    one, other = (relative_potency(shared, 50, *pair) for pair in (("weak", "strong"), ("strong", "weak")))
    assert one.lo < 4 < one.hi
    assert one.estimate == pytest.approx(1 / other.estimate)
    assert compare_fits(shared.fit, fit_dose_responses(x, y, compound).fit).df1 == 3


def test_fixed_parameters_hold_for_every_curve():
    x, y, compound = two_compounds()
    both = fit_dose_responses(x, y, compound, fixed={"c": 10.0, "d": 100.0}, shared=("b",))
    assert both.fit.names == ("b", "e:strong", "e:weak")
    assert relative_potency(both, 50, "weak", "strong").estimate == pytest.approx(4, rel=0.4)


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        ([0, 1, -1], [1, 2, 3], "-1 is negative"),
        ([0, 1], [1], "2 doses stand beside 1 responses"),
        ([0, 0, 1, 1, 3, 3], [1, 2, 3, 4, 5, 6], "3 doses cannot determine a curve with 4"),
        ([0] * 6, range(6), "1 doses cannot determine"),
    ],
)
def test_unusable_doses_are_refused(x, y, says):
    with pytest.raises(BadInput, match=says):
        fit_dose_response(x, list(y))


def test_a_clear_effect_has_an_ed50_that_says_what_it_means():
    found = ed50(*curve())
    assert isinstance(found, Ed50)
    assert found.lo < 2.5 < found.hi
    assert (found.kind, found.direction, found.n, found.n_doses) == ("relative", "decrease", 36, 6)
    assert "half way from" in found.meaning
    absolute = ed50(*curve(), percent_of_vehicle=50)
    assert isinstance(absolute, Ed50)
    assert absolute.estimate > found.estimate
    assert absolute.meaning.startswith("absolute: 50 %")


def test_punished_responding_that_rises_has_an_ed50_too():
    x, y = curve(c=100, d=20, e=3)
    found = ed50(x, y)
    assert isinstance(found, Ed50)
    assert found.direction == "increase"
    doubled = ed50(x, y, percent_of_vehicle=200)
    assert isinstance(doubled, Ed50)
    assert doubled.estimate < found.estimate


def reasons(*args, **more):
    found = ed50(*args, **more)
    assert isinstance(found, NoEd50)
    return " | ".join(found.reasons)


def test_flat_data_never_hold_an_ed50():
    given_out = 0
    for seed in range(60):
        x, y = curve(c=100, d=100, seed=seed, sd=20)
        given_out += isinstance(ed50(x, y), Ed50)
    # The ANOVA alone lets 5 % through; the other rules may only lower that.
    assert given_out <= 4


def test_flat_data_say_that_doses_do_not_differ():
    assert "do not differ between doses" in reasons(*curve(c=100, d=100, seed=3))


def test_an_effect_that_stops_short_of_half_has_no_absolute_ed50():
    x, y = curve(c=70, sd=3)
    assert "do not reach 50 % of vehicle" in reasons(x, y, percent_of_vehicle=50)
    assert "no dose changes the response by 50 %" in reasons(x, y, min_effect=0.5)


def test_an_effect_that_has_only_begun_has_no_ed50():
    x, y = curve(e=200, b=1, c=0, sd=4)
    assert any(word in reasons(x, y) for word in ("do not reach half", "outside the doses", "no upper", "not settle"))


def test_an_effect_that_turns_has_no_ed50():
    x = np.repeat(DOSES, 6)
    y = 100 + 60 * (x == 1) - 80 * (x >= 10) + np.random.default_rng(1).normal(0, 5, len(x))
    assert "not monotone: the response rises from 0.3 to 1" in reasons(x, y)


def test_an_ed50_below_every_dose_is_refused():
    x, y = curve(e=0.01, sd=3)
    assert any(word in reasons(x, y) for word in ("outside the doses", "no lower", "not settle", "do not tell"))


def test_too_few_doses_or_animals_are_refused():
    x, y = curve(doses=np.array([0, 1.0, 10]))
    assert "2 doses besides the vehicle are too few" in reasons(x, y)
    x, y = curve(n=1)
    assert "one animal" in reasons(x, y)
    assert "no level has any variance" in reasons(np.repeat(DOSES, 3), np.repeat([5.0, 4, 3, 2, 1, 0], 3))


def test_a_curve_that_misses_the_means_is_remarked_on():
    x = np.repeat(np.array([0, 0.3, 1, 3, 10, 30.0]), 8)
    y = np.select([x < 1, x < 10, x < 30], [100.0, 62, 60], 0.0) + np.random.default_rng(0).normal(0, 3, len(x))
    found = ed50(x, y)
    assert isinstance(found, NoEd50) or any("lack of fit" in remark for remark in found.remarks)


def test_the_rule_of_an_effect_needs_both_significance_and_size():
    x, y = curve(c=70, sd=3)
    assert dose_effect_rule(x, y, min_effect=0.2).holds
    assert not dose_effect_rule(x, y, min_effect=0.5).holds
    assert not dose_effect_rule(*curve(c=100, d=100, seed=3)).holds


def test_the_order_of_rows_does_not_change_the_ed50():
    x, y = curve(seed=4)
    order = np.random.default_rng(0).permutation(len(x))
    one, other = ed50(x, y), ed50(x[order], y[order])
    assert isinstance(one, Ed50)
    assert isinstance(other, Ed50)
    assert (one.estimate, one.lo, one.hi) == pytest.approx((other.estimate, other.lo, other.hi), rel=1e-7)


def test_the_profile_interval_covers_the_truth_about_as_often_as_said():
    inside, n = 0, 60
    for seed in range(n):
        found = ed50(*curve(seed=seed, sd=12))
        inside += isinstance(found, Ed50) and found.lo < 2.5 < found.hi
    # 95 % of 60 less three standard errors.
    assert inside >= 52


def crossover_rats(seed=1, n=8, rat_sd=30.0):
    """Every rat has every dose; rats differ in their level."""
    x = np.tile(DOSES, n)
    rng = np.random.default_rng(seed)
    rat = np.repeat(np.arange(n), len(DOSES))
    y = log_logistic(x, np.array([1.5, 10, 100, 2.5])) + rng.normal(0, 6, len(x))
    return x, y, rat, rng.normal(0, rat_sd, n)[rat]


def test_levels_of_animals_are_taken_out_and_cost_their_degrees_of_freedom():
    x, y, rat, levels = crossover_rats()
    plain, shifted = (fit_dose_response(x, v, animal=rat) for v in (y, y + levels - levels.mean()))
    assert shifted.parameters == pytest.approx(plain.parameters, rel=1e-6)
    assert shifted.df_residual == 48 - 4 - 7
    assert shifted.se["e"] == pytest.approx(plain.se["e"], rel=1e-5)


def test_where_animals_do_not_differ_taking_their_levels_out_changes_little():
    x, y, rat, _ = crossover_rats()
    alike = y - np.array([y[rat == r].mean() for r in range(8)])[rat] + y.mean()
    within, between = fit_dose_response(x, alike, animal=rat), fit_dose_response(x, alike)
    assert within.parameters == pytest.approx(between.parameters, rel=1e-6)
    assert within.rss == pytest.approx(between.rss)


def test_lack_of_fit_within_animals_is_against_dose_means_within_animals():
    x, y, rat, levels = crossover_rats()
    test = lack_of_fit(fit_dose_response(x, y + levels, animal=rat))
    assert (test.df1, test.df2) == (2, 35)
    cells = (y + levels).reshape(8, 6)
    pure = (cells - cells.mean(axis=1, keepdims=True) - cells.mean(axis=0) + cells.mean()) ** 2
    fit = fit_dose_response(x, y + levels, animal=rat)
    assert test.f == pytest.approx((fit.rss - pure.sum()) / 2 / (pure.sum() / 35))


def test_animals_that_differ_much_still_give_an_ed50_within_animals():
    x, y, rat, levels = crossover_rats(rat_sd=60.0)
    within = ed50(x, y + levels, animal=rat)
    assert isinstance(within, Ed50)
    assert within.lo < 2.5 < within.hi
    pooled = ed50(x, y + levels)
    assert isinstance(pooled, NoEd50) or pooled.hi / pooled.lo > 2 * within.hi / within.lo


def test_a_missed_session_does_not_lose_the_animal():
    x, y, rat, levels = crossover_rats(seed=3)
    y = y + levels
    y[[4, 17]] = math.nan
    found = ed50(x, y, animal=rat)
    assert isinstance(found, Ed50)
    assert found.n == 46
    assert found.fit.df_residual == 46 - 4 - 7


def test_animals_must_match_the_rows():
    x, y, rat, _ = crossover_rats()
    with pytest.raises(BadInput, match="47 animals stand beside 48 doses"):
        ed50(x, y, animal=rat[:-1])
    with pytest.raises(BadInput, match="47 animals stand beside 48 doses"):
        fit_dose_response(x, y, animal=rat[:-1])
