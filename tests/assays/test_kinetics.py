"""Non-compartmental kinetics against closed forms, and what must not change when units do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.assays.kinetics import (
    LambdaZRule,
    analyse_profile,
    clearance,
    geometric_mean,
    handle_below_limit,
    molar_ratio,
    sparse_area,
    trapezoid_steps,
)
from behavior.model.errors import BadInput

TIMES = np.array([0.25, 0.5, 1, 2, 4, 6, 8, 12.0])


def bolus(c0=10.0, rate=0.3, times=TIMES):
    return times, c0 * np.exp(-rate * times)


@settings(max_examples=30)
@given(st.floats(0.5, 100), st.floats(0.05, 1.5))
def test_an_exponential_has_the_area_half_life_and_c0_of_its_formula(c0, rate):
    profile = analyse_profile(*bolus(c0, rate), route="iv_bolus")
    assert profile.c0 == pytest.approx(c0)
    assert profile.slope is not None
    assert profile.slope.half_life.value == pytest.approx(math.log(2) / rate)
    assert profile.areas["linup_logdown"].infinity == pytest.approx(c0 / rate)
    assert profile.areas["linup_logdown"].fraction_extrapolated == pytest.approx(math.exp(-rate * 12))
    assert profile.areas["linup_logdown"].mean_residence_time == pytest.approx(1 / rate)
    assert profile.areas["lin"].infinity > c0 / rate


def test_cmax_of_a_bolus_is_observed_not_extrapolated():
    profile = analyse_profile(*bolus(), route="iv_bolus")
    assert profile.cmax == pytest.approx(10 * math.exp(-0.075))
    assert profile.tmax == 0.25
    assert profile.n_samples == 8


def test_a_bolus_sample_at_time_0_is_taken_and_a_predose_zero_is_not():
    times, levels = bolus()
    observed = analyse_profile([0, *times], [9.0, *levels], route="iv_bolus")
    assert observed.c0 == 9.0
    predose = analyse_profile([0, *times], [0, *levels], route="iv_bolus")
    assert predose.c0 == pytest.approx(10)


def test_a_bolus_that_rises_at_first_takes_its_first_sample_as_c0():
    assert analyse_profile([0.1, 0.2, 1, 2, 3], [5, 6, 3, 2, 1.0], route="iv_bolus").c0 == 5


@settings(max_examples=30)
@given(st.floats(1e-3, 1e3), st.floats(1e-2, 1e2), st.integers(0, 1000))
def test_units_of_time_and_concentration_only_scale_the_results(by_level, by_time, seed):
    rng = np.random.default_rng(seed)
    times = np.array([0, 10, 20, 40, 60, 120, 240, 360.0])
    levels = (np.exp(-times / 150) - np.exp(-times / 12)) * np.exp(rng.normal(0, 0.05, 8))
    levels[0] = 0
    one, other = analyse_profile(times, levels), analyse_profile(times * by_time, levels * by_level)
    assert one.slope is not None and other.slope is not None
    assert other.slope.n_points == one.slope.n_points
    assert other.slope.half_life.value == pytest.approx(one.slope.half_life.value * by_time)
    for kind in ("lin", "linup_logdown"):
        assert other.areas[kind].last == pytest.approx(one.areas[kind].last * by_time * by_level)
        assert other.areas[kind].fraction_extrapolated == pytest.approx(one.areas[kind].fraction_extrapolated)


def test_the_slope_takes_the_most_points_within_the_tolerance():
    times = np.arange(0, 9.0)
    levels = np.array([0, 50, 45, 20, 10, 5, 2.5, 1.25, 0.625])
    slope = analyse_profile(times, levels).slope
    assert slope is not None
    assert slope.times == (3, 4, 5, 6, 7, 8)
    loose = analyse_profile(times, levels, rule=LambdaZRule(tolerance=1.0)).slope
    assert loose is not None and loose.n_points == 7
    with_top = analyse_profile(times, levels, rule=LambdaZRule(tolerance=1.0, include_cmax=True)).slope
    assert with_top is not None and with_top.n_points == 8


def test_what_keeps_a_half_life_from_being_given_is_said():
    short = analyse_profile([0, 1, 2, 3], [0, 1, 5, 4])
    assert short.slope is None and short.why_no_slope == "1 quantifiable samples after tmax, 3 are needed"
    rising = analyse_profile([0, 1, 2, 3, 4, 5], [0, 9, 1, 2, 3, 4])
    assert rising.slope is None and "does not fall" in rising.why_no_slope
    assert rising.areas["lin"].infinity is None and rising.areas["lin"].mean_residence_time is None


def test_zeros_after_the_last_positive_sample_are_not_used():
    levels = [0, 8, 4, 2, 1, 0, 0]
    with_zeros = analyse_profile(range(7), levels)
    without = analyse_profile(range(5), levels[:5])
    assert with_zeros.areas == without.areas and with_zeros.slope == without.slope


@pytest.mark.parametrize(
    ("times", "levels", "sentence"),
    [
        ([0, 2, 1], [1, 1, 1], "K01: time 1 follows 2; times must increase"),
        ([0, 1, 1], [1, 1, 1], "time 1 follows 1"),
        ([0, 1, 2], [1, -1, 1], "a concentration is negative"),
        ([0, 1, 2], [0, 0, 0], "no sample is above the limit"),
        ([0, 1], [math.nan, math.nan], "no sample is above the limit"),
    ],
    ids=["times fall", "times equal", "negative", "all zero", "all missing"],
)
def test_profiles_that_cannot_be_used(times, levels, sentence):
    with pytest.raises(BadInput, match=sentence):
        analyse_profile(times, levels, subject="K01")


def test_below_the_limit_by_rule():
    levels = [math.nan, 0.05, 3, 0.05, 2, math.nan, 0.05]
    below = [True, True, False, True, False, True, True]
    default = handle_below_limit(levels, below, levels)
    assert default.tolist()[:3] == [0, 0, 3]
    assert np.isnan(default[[3, 5, 6]]).all()
    halves = handle_below_limit(
        levels, [False, True, False, True, False, False, True], levels, before="half", between="half"
    )
    assert halves[1] == halves[3] == 0.025 and math.isnan(halves[6])
    with pytest.raises(BadInput, match="not BLQ"):
        handle_below_limit(levels, below, levels, before="half")


def test_logarithmic_trapezoids_only_where_the_concentration_falls():
    steps = trapezoid_steps(np.array([0.0, 1, 2, 3]), np.array([0.0, 4, 2, 0]), "linup_logdown")
    assert steps == pytest.approx([2, 2 / math.log(2), 1])


def test_bailers_error_by_hand():
    subject = [f"r{i}" for i in range(6)]
    found = sparse_area(subject, [1, 1, 2, 2, 4, 4], [2, 4, 5, 7, 1, 3])
    assert found.means == (3, 6, 2)
    assert found.area.value == pytest.approx(0.5 * 3 + 1.5 * 6 + 1.0 * 2)
    assert found.se == pytest.approx(math.sqrt((0.25 + 2.25 + 1.0) * 2 / 2))
    assert found.df == pytest.approx(3.5**2 / (0.25**2 + 2.25**2 + 1))


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(3, 8))
def test_if_every_animal_gives_every_sample_the_error_is_that_of_the_animals_areas(seed, n):
    rng = np.random.default_rng(seed)
    times = np.array([1.0, 2, 4, 8])
    levels = np.exp(rng.normal(0, 0.4, (n, 1)) + rng.normal(0, 0.2, (n, 4)))
    subject = [f"r{i}" for i in range(n) for _ in times]
    found = sparse_area(subject, np.tile(times, n), levels.ravel())
    areas = np.trapezoid(levels, times, axis=1)
    assert found.area.value == pytest.approx(areas.mean())
    assert found.se == pytest.approx(areas.std(ddof=1) / math.sqrt(n))


def test_sparse_designs_that_hold_no_error():
    with pytest.raises(BadInput, match="only one animal was sampled at time 2"):
        sparse_area(["a", "b", "c"], [1, 1, 2], [1, 2, 3])
    with pytest.raises(BadInput, match="all of one time"):
        sparse_area(["a", "b"], [1, 1], [1, 2])
    with pytest.raises(BadInput, match="a: two samples at time 1"):
        sparse_area(["a", "a"], [1, 1], [1, 2])


def test_clearance_in_one_kind_of_unit_and_over_a_molar_mass():
    profile = analyse_profile(*bolus(10, 0.3), route="iv_bolus")
    given = {"time_unit": "h", "route": "iv_bolus", "trapezoid": "linup_logdown"}
    plain = clearance(profile, 5, dose_unit="mg_kg", concentration_unit="mg_l", **given)
    assert plain.cl == pytest.approx(5 / (10 / 0.3) * 1000)
    assert plain.v_z == pytest.approx(plain.cl / 0.3)
    assert (plain.unit_cl, plain.unit_v) == ("ml_h_kg", "ml_kg")
    assert plain.v_ss == pytest.approx(plain.cl / 0.3)
    molar = clearance(profile, 5, dose_unit="mg_kg", concentration_unit="uM", molar_mass_g_mol=400, **given)
    assert molar.cl == pytest.approx(5e-3 / 400 / (10 / 0.3 * 1e-6 / 1000))
    assert clearance(profile, 5, dose_unit="umol_kg", concentration_unit="nmol_ml", **given).cl == pytest.approx(
        5000 / (10 / 0.3)
    )


def test_clearance_is_refused_with_the_reason():
    profile = analyse_profile(*bolus(), route="iv_bolus")
    with pytest.raises(BadInput, match="give molar_mass_g_mol"):
        clearance(profile, 5, dose_unit="mg_kg", concentration_unit="nmol_ml", time_unit="h")
    with pytest.raises(BadInput, match="fmol/mg"):
        clearance(profile, 5, dose_unit="mg_kg", concentration_unit="fmol_mg", time_unit="h")
    flat = analyse_profile([0, 1, 2], [0, 1, 1])
    with pytest.raises(BadInput, match="no clearance without an area to infinity"):
        clearance(flat, 5, dose_unit="mg_kg", concentration_unit="mg_l", time_unit="h")


def test_the_metabolite_ratio_counts_molecules():
    assert molar_ratio(5, 10, unit="nmol_ml", molar_mass_metabolite=None, molar_mass_parent=None) == 0.5
    assert molar_ratio(5, 10, unit="ng_ml", molar_mass_metabolite=100, molar_mass_parent=400) == pytest.approx(2)
    with pytest.raises(BadInput, match="counts molecules"):
        molar_ratio(5, 10, unit="ng_ml", molar_mass_metabolite=100, molar_mass_parent=None)


def test_the_geometric_mean_and_its_limits():
    mean = geometric_mean([1, 10, 100])
    assert mean.value == pytest.approx(10)
    assert mean.low is not None and mean.high is not None
    assert mean.low * mean.high == pytest.approx(100)
    assert geometric_mean([4]).low is None
    with pytest.raises(BadInput):
        geometric_mean([])


@settings(max_examples=40)
@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=12), st.integers(0, 1000))
def test_areas_by_both_rules_lie_between_the_steps_and_log_is_never_above_linear(levels, seed):
    times = np.cumsum(np.random.default_rng(seed).uniform(0.1, 5, len(levels)))
    y = np.array(levels)
    linear, log = (trapezoid_steps(times, y, kind) for kind in ("lin", "linup_logdown"))
    widths = np.diff(times)
    low, high = np.minimum(y[:-1], y[1:]) * widths, np.maximum(y[:-1], y[1:]) * widths
    for steps in (linear, log):
        assert (steps >= low * (1 - 1e-9)).all() and (steps <= high * (1 + 1e-9)).all()
    assert (log <= linear * (1 + 1e-9)).all()
    assert linear.sum() == pytest.approx(np.trapezoid(y, times))


def test_the_terminal_regression_agrees_with_scipys():
    from scipy import stats

    rng = np.random.default_rng(4)
    times, levels = bolus(times=np.array([0.5, 1, 2, 4, 6, 8, 12, 16.0]))
    levels = levels * np.exp(rng.normal(0, 0.1, 8))
    slope = analyse_profile(times, levels, rule=LambdaZRule(tolerance=10.0, include_cmax=True)).slope
    assert slope is not None
    used = np.isin(times, slope.times)
    known = stats.linregress(times[used], np.log(levels[used]))
    assert (slope.lambda_z, slope.se, slope.intercept) == pytest.approx((-known.slope, known.stderr, known.intercept))
    n = used.sum()
    assert slope.adjusted_r2 == pytest.approx(1 - (1 - known.rvalue**2) * (n - 1) / (n - 2))
    half = stats.t.ppf(0.975, n - 2) * known.stderr
    assert slope.half_life.low == pytest.approx(math.log(2) / (-known.slope + half))
    assert slope.half_life.high == pytest.approx(math.log(2) / (-known.slope - half))


def test_a_slope_that_may_be_flat_has_an_open_half_life():
    profile = analyse_profile([0, 1, 2, 3, 4], [0, 10, 3, 5, 2.5])
    assert profile.slope is not None
    assert profile.slope.half_life.low is not None and profile.slope.half_life.high is None


@settings(max_examples=30)
@given(st.floats(0.1, 10), st.floats(0.1, 10))
def test_areas_add_up_where_profiles_do(by, other):
    """Superposition holds for the linear trapezoid, and clearance does not change with the dose."""
    times = np.array([0, 0.5, 1, 2, 4, 8, 12.0])
    one, two = np.exp(-0.3 * times) * times, np.exp(-0.3 * times) * times**2
    areas = [analyse_profile(times, y).areas["lin"].last for y in (by * one, other * two, by * one + other * two)]
    assert areas[2] == pytest.approx(areas[0] + areas[1])
    units = {"dose_unit": "mg_kg", "concentration_unit": "mg_l", "time_unit": "h"}
    first, second = (clearance(analyse_profile(times, d * np.exp(-0.3 * times)), 5 * d, **units).cl for d in (1.0, by))
    assert second == pytest.approx(first)


@pytest.mark.parametrize("dose", [0.0, -1.0, math.nan])
def test_a_dose_of_nothing_has_no_clearance(dose):
    with pytest.raises(BadInput, match="no clearance from a dose of"):
        clearance(analyse_profile(*bolus()), dose, dose_unit="mg_kg", concentration_unit="mg_l", time_unit="h")


@pytest.mark.parametrize(
    ("dose", "dose_unit", "concentration_unit", "mass"),
    [
        (5.0, "mg_kg", "mg_l", None),
        (5000.0, "ug_kg", "ug_ml", None),
        (5.0, "mg_kg", "ng_ml", None),
        (12.5, "umol_kg", "umol_l", None),
        (12.5, "umol_kg", "nM", None),
        (12_500.0, "nmol_kg", "nmol_ml", None),
        (5.0, "mg_kg", "uM", 400.0),
        (12.5, "umol_kg", "mg_l", 400.0),
    ],
)
def test_one_clearance_in_all_units(dose, dose_unit, concentration_unit, mass):
    """5 mg/kg of 400 g/mol is 12.5 µmol/kg; 10 mg/l is 25 µM; CL = 5 / (10 / 0.3) l/h/kg = 150 ml/h/kg."""
    level = {"mg_l": 10, "ug_ml": 10, "ng_ml": 10_000, "umol_l": 25, "nM": 25_000, "nmol_ml": 25, "uM": 25}
    profile = analyse_profile(*bolus(level[concentration_unit], 0.3), route="iv_bolus")
    found = clearance(
        profile,
        dose,
        dose_unit=dose_unit,
        concentration_unit=concentration_unit,
        time_unit="h",
        route="iv_bolus",
        molar_mass_g_mol=mass,
        trapezoid="linup_logdown",
    )
    assert (found.cl, found.v_z, found.v_ss) == pytest.approx((150, 500, 500))


@pytest.mark.parametrize("values", [[1.0, 0.0], [-1.0]])
def test_nothing_at_or_below_0_has_a_geometric_mean(values):
    with pytest.raises(BadInput, match="needs values above 0"):
        geometric_mean(values)


@settings(max_examples=30)
@given(st.integers(0, 10_000))
def test_a_sparse_area_does_not_depend_on_the_order_or_the_names_of_the_animals(seed):
    rng = np.random.default_rng(seed)
    time = np.repeat([1.0, 2, 4, 8], 3)
    levels = np.exp(rng.normal(2, 0.5, 12))
    plain = sparse_area([str(i % 3) for i in range(12)], time, levels)
    order = rng.permutation(12)
    other = sparse_area([f"rat {'abc'[i % 3]}" for i in order], time[order], levels[order])
    assert (other.area.value, other.se, other.df) == pytest.approx((plain.area.value, plain.se, plain.df))
    assert other.means == pytest.approx(plain.means)


def test_limits_beyond_all_numbers_are_open():
    wide = geometric_mean([1e-29, 1e29])
    assert wide.value == pytest.approx(1) and (wide.low, wide.high) == (None, None)
