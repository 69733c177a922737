"""Microdialysis: each animal against its own baseline, doses against vehicle, shapes over doses."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.assays.directions import (
    direction,
    lowest_dose,
    read_direction,
    regions_differ,
    shape,
)
from behavior.assays.microdialysis import BaselineRule, area, course, dose_effects, peak_percent
from behavior.model.errors import BadInput

TIMES = np.array([-40, -20, 0, 20, 40, 60.0])


def animal(*levels, rule=None):
    return course("M1", TIMES, levels, rule)


def test_samples_are_percent_of_the_own_baseline():
    one = animal(1, 2, 3, 4, 1, 2)
    assert one.percent.tolist() == [50, 100, 150, 200, 50, 100]
    assert one.baseline.mean == 2 and one.baseline.n == 3


@given(st.floats(0.01, 1000))
def test_the_unit_of_the_samples_does_not_matter(by):
    levels = np.array([1, 2, 3, 4, 1, 2.0])
    assert area(animal(*(levels * by))) == pytest.approx(area(animal(*levels)))


def test_the_area_starts_at_100_percent_at_the_injection():
    assert area(animal(1, 1, 1, 2, 2, 2)) == pytest.approx(0.5 * 20 * 100 + 40 * 100)
    assert area(animal(1, 1, 1, 1, 1, 1)) == 0


def test_a_missing_sample_is_bridged_and_a_missing_end_is_not():
    assert area(animal(1, 1, 1, 2, math.nan, 2)) == area(animal(1, 1, 1, 2, 2, 2))
    assert area(animal(1, 1, 1, 2, 2, math.nan)) == pytest.approx(0.5 * 20 * 100 + 20 * 100)
    assert area(animal(1, 1, 1, 2, 2, math.nan), until=60) is None
    assert area(animal(1, 1, 1, math.nan, math.nan, math.nan)) is None


def test_the_area_to_a_time_between_samples_is_interpolated():
    assert area(animal(1, 1, 1, 2, 2, 2), until=30) == pytest.approx(0.5 * 20 * 100 + 10 * 100)
    assert area(animal(1, 1, 1, 2, 2, 2), until=60) == area(animal(1, 1, 1, 2, 2, 2))


def test_the_peak_is_the_sample_farthest_from_100_either_way():
    assert peak_percent(animal(1, 1, 1, 1.2, 0.4, 1.5)) == pytest.approx(40)
    assert peak_percent(animal(1, 1, 1, math.nan, math.nan, math.nan)) is None


def test_blank_baseline_samples_are_skipped():
    assert animal(math.nan, 1, 3, 2, 2, 2).baseline.mean == 2


@pytest.mark.parametrize(
    ("levels", "flag"),
    [
        ((1, 1.5, 1, 1, 1, 1), "unstable baseline, coefficient of variation 25%"),
        ((0.8, 1.0, 1.2, 1, 1, 1), "baseline drifts by +40%"),
        ((math.nan, 1.0, 1.0, 1, 1, 1), "baseline of 2 samples, 3 are asked for"),
    ],
    ids=["variable", "drifting", "few samples"],
)
def test_unsteady_baselines_are_flagged(levels, flag):
    flags = animal(*levels).baseline.flags
    assert any(flag in one for one in flags), flags


def test_a_steady_baseline_has_no_flag():
    assert animal(1, 1.05, 0.98, 1, 1, 1).baseline.flags == ()
    assert animal(1, 1.5, 1, 1, 1, 1, rule=BaselineRule(unstable_cv=0.5, unstable_drift=1)).baseline.flags == ()


@pytest.mark.parametrize(
    ("times", "levels", "sentence"),
    [
        ([20, 40], [1, 1], "M1: no baseline sample"),
        ([-20, 0, 20], [math.nan, math.nan, 1], "no baseline sample"),
        ([-20, 0, 20], [0, 0, 1], "the baseline is 0"),
        ([0, -20, 20], [1, 1, 1], "time -20 follows 0; times must increase"),
    ],
    ids=["none", "all blank", "zero", "not increasing"],
)
def test_animals_that_cannot_be_used(times, levels, sentence):
    with pytest.raises(BadInput, match=sentence):
        course("M1", times, levels)


def test_doses_against_vehicle():
    rng = np.random.default_rng(2)
    doses = np.repeat([0, 0.1, 0.3, 3], 8)
    areas = rng.normal(0, 300, 32) + np.select([doses == 0.1, doses == 3], [-1500, 2500], 0)
    found = dose_effects(areas.tolist(), doses.tolist())
    assert found.directions == {0.1: "decrease", 0.3: "no significant change", 3: "increase"}
    assert shape(found.directions) == "biphasic (decrease then increase)"
    vehicle, low = found.effects[0], found.effects[1]
    assert vehicle.difference is None and vehicle.direction is None
    assert low.difference.low < low.mean - vehicle.mean < low.difference.high


def test_doses_without_a_vehicle_group():
    with pytest.raises(BadInput, match=r"no animal has the vehicle's dose 0 .doses: 1, 3.; name it"):
        dose_effects([1, 2, 3, 4], [1, 1, 3, 3])


@pytest.mark.parametrize(
    ("effects", "wanted"),
    [
        ({0.1: "no significant change"}, "no effect"),
        ({0.1: "increase", 1: "no significant change", 3: "increase"}, "monotone increase"),
        ({3: "decrease", 1: "no significant change"}, "monotone decrease"),
        ({3: "increase", 0.1: "decrease"}, "biphasic (decrease then increase)"),
        ({0.1: "increase", 3: "decrease"}, "biphasic (increase then decrease)"),
        ({0.1: "increase", 1: "decrease", 3: "increase"}, "changes direction more than once"),
    ],
)
def test_shapes_over_ascending_doses(effects, wanted):
    assert shape(effects) == wanted


def test_directions_in_words_and_numbers():
    assert direction(1, 0.049) == "increase"
    assert direction(-1, 0.049) == "decrease"
    assert direction(-1, 0.05) == "no significant change"
    assert read_direction("No significant change") == "no significant change"
    assert read_direction("Reduced") == "decrease"
    assert read_direction("up") == "increase"
    with pytest.raises(BadInput, match="'sideways' is no direction"):
        read_direction("sideways")
    assert lowest_dose({0.1: "increase", 3: "increase"}, "increase") == 0.1
    assert lowest_dose({0.1: "increase"}, "decrease") is None
    assert regions_differ(["no effect", "monotone increase"])


@settings(max_examples=50)
@given(st.lists(st.floats(0.1, 10), min_size=6, max_size=6), st.floats(0.1, 100))
def test_an_area_is_additive_over_time_and_scales_with_its_unit(levels, by):
    one = animal(*levels)
    whole, first = area(one), area(one, until=30)
    rest = np.trapezoid(
        [np.interp(30, TIMES, one.percent) - 100, *(one.percent[TIMES > 30] - 100)], [30, *TIMES[TIMES > 30]]
    )
    if first is not None and one.percent[2] == pytest.approx(100):
        assert whole == pytest.approx(first + rest)
    scaled = course("M1", TIMES * by, levels)
    assert area(scaled) == pytest.approx(by * whole, abs=1e-6 * by)


def test_an_area_by_hand():
    """Baseline 2; percents 100 at 0, then 150, 50, 100 at 20, 40, 60: +500, 0 and -500."""
    one = animal(2, 2, 2, 3, 1, 2)
    assert area(one) == pytest.approx(20 * 25 + 20 * 0 - 20 * 25)
    assert area(one, until=40) == pytest.approx(500)
    assert area(one, until=30) == pytest.approx(500 + 10 * 25)
    assert area(one, since=20) == pytest.approx(-20 * 25 - 20 * 25)


def test_the_drift_is_the_fitted_change_over_the_mean():
    from scipy import stats

    times, levels = np.array([-60, -40, -20, 0.0]), np.array([1.0, 1.3, 1.1, 1.6])
    found = course("M1", times, levels).baseline
    slope = stats.linregress(times, levels).slope
    assert found.drift == pytest.approx(slope * 60 / levels.mean())
    assert found.cv == pytest.approx(levels.std(ddof=1) / levels.mean())


@pytest.mark.parametrize(
    ("rule", "mean"),
    [
        (BaselineRule(), 2.0),
        (BaselineRule(since=-20), 2.5),
        (BaselineRule(to=-20), 1.5),
        (BaselineRule(to=20), 2.5),
        (BaselineRule(to=-40), 1.0),
    ],
)
def test_which_samples_are_baseline(rule, mean):
    one = animal(1, 2, 3, 4, 1, 2, rule=rule)
    assert one.baseline.mean == pytest.approx(mean)
    assert one.percent[0] == pytest.approx(100 / mean)


def test_a_single_baseline_sample_has_no_spread_and_is_flagged_for_its_number():
    found = animal(1, 2, 3, 4, 1, 2, rule=BaselineRule(to=-40)).baseline
    assert (found.cv, found.drift) == (None, None)
    assert found.flags == ("M1: baseline of 1 samples, 3 are asked for",)


def test_a_rule_is_said_in_words():
    assert str(BaselineRule()) == "mean of the samples up to time 0, at least 3"
    assert str(BaselineRule(to=-10, since=-60, least_samples=2)) == (
        "mean of the samples from -60 up to time -10, at least 2"
    )


@given(
    st.dictionaries(
        st.floats(0.01, 100), st.sampled_from(["increase", "decrease", "no significant change"]), max_size=6
    )
)
def test_a_shape_does_not_depend_on_the_order_and_turns_with_the_directions(effects):
    turned = {"increase": "decrease", "decrease": "increase"}
    mirrored = {dose: turned.get(what, what) for dose, what in effects.items()}
    found = shape(effects)
    assert shape(dict(reversed(list(effects.items())))) == found
    swapped = found.replace("increase", "#").replace("decrease", "increase").replace("#", "decrease")
    assert shape(mirrored) == swapped
    for wanted in ("increase", "decrease"):
        lowest = lowest_dose(effects, wanted)
        assert (lowest is None) == (wanted not in effects.values())
        assert lowest is None or (
            effects[lowest] == wanted and all(effects[d] != wanted for d in effects if d < lowest)
        )


@given(st.floats(-10, 10), st.floats(0, 1), st.floats(0.001, 0.2))
def test_a_direction_needs_a_p_below_alpha_and_follows_the_sign(difference, p, alpha):
    found = direction(difference, p, alpha)
    assert (found == "no significant change") == (p >= alpha or difference == 0)
    if found != "no significant change":
        assert (found == "increase") == (difference > 0)


def test_the_level_of_the_limits_and_alpha_are_those_that_were_asked_for():
    rng = np.random.default_rng(2)
    doses = np.repeat([0, 1.0], 6).tolist()
    areas = (rng.normal(0, 300, 12) + 400 * np.array(doses)).tolist()
    wide, narrow = (dose_effects(areas, doses, conf_level=level).effects[1].difference for level in (0.99, 0.8))
    assert wide.low < narrow.low < narrow.high < wide.high and wide.value == narrow.value
    p = dose_effects(areas, doses).effects[1].p
    assert dose_effects(areas, doses, alpha=p * 1.01).directions == {1.0: "increase"}
    assert dose_effects(areas, doses, alpha=p * 0.99).directions == {1.0: "no significant change"}
    assert not regions_differ(["no effect", "no effect"])
