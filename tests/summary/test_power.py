"""Numbers of animals against the examples in R's own documentation, statsmodels, and what power means."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.power import (
    anova_n,
    anova_power,
    log_rank_events,
    proportions_n,
    t_test_n,
    t_test_power,
    within_anova_n,
    within_anova_power,
)


def test_t_test_examples_of_rs_manual():
    """`power.t.test(n = 20, delta = 1)`: 0.8689528; `power.t.test(power = .90, delta = 1)`: n = 22.02110."""
    assert t_test_power(1, 1, 20) == pytest.approx(0.8689528, abs=1e-7)
    assert t_test_n(1, 1, power=0.9) == pytest.approx(22.02110, abs=1e-5)


def test_proportion_example_of_rs_manual():
    """`power.prop.test(p1 = .50, p2 = .75, power = .90)`: n = 76.7."""
    assert proportions_n(0.5, 0.75, power=0.9) == pytest.approx(76.7, abs=0.05)


def test_anova_example_of_rs_manual():
    """`power.anova.test(groups = 4, between.var = 1, within.var = 3, power = .80)`: n = 11.92613."""
    means = np.array([-1.0, -1.0, 1.0, 1.0])
    means *= math.sqrt(1 / means.var(ddof=1))
    assert anova_n(means, math.sqrt(3), power=0.8) == pytest.approx(11.92613, abs=1e-4)
    assert anova_power(means, math.sqrt(3), 5) == pytest.approx(0.3535594, abs=1e-6)


@pytest.mark.parametrize("effect", [0.3, 0.8, 1.7])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_two_groups_agree_with_statsmodels(effect, power):
    from statsmodels.stats.power import FTestAnovaPower, TTestIndPower

    # statsmodels counts rejections on the wrong side when asked for "two-sided"; "larger" at α / 2 does not.
    known = TTestIndPower().solve_power(effect, power=power, alpha=0.025, alternative="larger")
    assert t_test_n(effect, 1, power) == pytest.approx(known, rel=1e-6)
    both = FTestAnovaPower().solve_power(effect / 2, power=power, alpha=0.05, k_groups=2)
    assert 2 * anova_n([0, effect], 1, power) == pytest.approx(both, rel=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.2, 3), st.floats(0.01, 100), st.floats(0.3, 0.99), st.floats(0.001, 0.2))
def test_the_number_found_has_the_power_asked_for_and_no_unit(delta, sd, power, alpha):
    n = t_test_n(delta * sd, sd, power, alpha)
    assert n == pytest.approx(t_test_n(-delta, 1, power, alpha), rel=1e-6)
    if n > 2:
        assert t_test_power(delta * sd, sd, n, alpha) == pytest.approx(power, abs=1e-6)


def test_without_an_effect_the_power_is_the_level():
    assert anova_power([3, 3, 3], 2, 7, alpha=0.03) == pytest.approx(0.03)
    assert t_test_power(0, 2, 7, alpha=0.03) == pytest.approx(0.015)


def test_the_promised_power_is_that_of_the_test_it_speaks_of():
    rng = np.random.default_rng(8)
    a, b = rng.normal(0, 1, (4000, 12)), rng.normal(1.2, 1, (4000, 12))
    rejected = np.mean(stats.ttest_ind(a, b, axis=1).pvalue < 0.05)
    assert rejected == pytest.approx(t_test_power(1.2, 1, 12), abs=4 * math.sqrt(0.25 / 4000))


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: t_test_power(1, 0, 10), "sd is 0 and must be above 0"),
        (lambda: t_test_power(1, 1, 1), "1 animals per group leave no error"),
        (lambda: anova_power([0, 1], 1, 0), "0 animals per group leave no error"),
        (lambda: anova_power([0, 1], 1, 5, alpha=0), "a level of 0 is no probability"),
        (lambda: anova_power([0, 1], math.nan, 5), "sd is nan"),
        (lambda: proportions_n(0.2, 0.5, power=1.5), "a power of 1.5 cannot be planned for"),
        (lambda: proportions_n(0.2, 0.5, alpha=2), "a level of 2 is no probability"),
        (lambda: proportions_n(0.2, 0.2), "cannot be told apart"),
        (lambda: proportions_n(-0.1, 0.2), "cannot be told apart"),
        (lambda: t_test_n(1, 1, power=0.04), "choose one between 0.05 and 1"),
        (lambda: anova_n([0, 1e-4], 1), "so small that ten million animals"),
        (lambda: anova_n([2], 1), "all expected means are equal"),
    ],
)
def test_plans_that_make_no_sense_are_refused(ask, says):
    with pytest.raises(BadInput, match=says):
        ask()


@pytest.mark.parametrize("effect", [50.0, 1e4])
def test_an_enormous_effect_needs_the_fewest_animals_that_have_an_error(effect):
    assert 1 < t_test_n(effect, 1) <= 2
    assert 1 < anova_n([0, effect], 1) <= 2


@pytest.mark.parametrize("correlation", [-0.3, 0.0, 0.6])
def test_two_levels_within_animals_are_a_paired_t_test(correlation):
    n, sd, delta = 9, 2.0, 1.7
    error = sd * math.sqrt(2 * (1 - correlation))
    df, noncentrality = n - 1, delta / error * math.sqrt(n)
    critical = stats.t.isf(0.025, df)
    paired = stats.nct.sf(critical, df, noncentrality) + stats.nct.cdf(-critical, df, noncentrality)
    assert within_anova_power([0, delta], sd, correlation, n) == pytest.approx(paired, abs=1e-9)


def test_correlation_spares_animals_and_their_number_has_the_power():
    means = [10.0, 9.0, 7.0, 6.5]
    needed = [within_anova_n(means, 3.0, r, power=0.9) for r in (0.0, 0.4, 0.8)]
    assert needed == sorted(needed, reverse=True)
    assert within_anova_power(means, 3.0, 0.4, needed[1]) == pytest.approx(0.9)
    rng = np.random.default_rng(1)
    n, r = math.ceil(needed[1]), 0.4
    rats = rng.normal(0, 3 * math.sqrt(r), (4000, n, 1)) + rng.normal(means, 3 * math.sqrt(1 - r), (4000, n, 4))
    of_level, of_rat = rats.mean(axis=1, keepdims=True), rats.mean(axis=2, keepdims=True)
    left = rats - of_level - of_rat + rats.mean(axis=(1, 2), keepdims=True)
    f = n * of_level[:, 0].var(axis=1, ddof=1) / ((left**2).sum(axis=(1, 2)) / (3 * (n - 1)))
    share = (f > stats.f.isf(0.05, 3, 3 * (n - 1))).mean()
    assert share == pytest.approx(within_anova_power(means, 3.0, 0.4, n), abs=0.02)


def test_events_of_a_log_rank_test_are_schoenfelds():
    """4 (1.960 + 0.842)² / (ln 2)² events tell a hazard ratio of 2, or of one half, with a power of 0.8."""
    assert log_rank_events(2.0) == pytest.approx(65.34, abs=0.01)
    assert log_rank_events(0.5) == pytest.approx(log_rank_events(2.0))
    assert log_rank_events(2.0, power=0.9) > log_rank_events(2.0)


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        (lambda: within_anova_n([1, 1, 1], 1, 0.5), "all expected means are equal"),
        (lambda: within_anova_power([1, 2], 1, 1.0, 8), "a correlation of 1 cannot be"),
        (lambda: within_anova_power([1, 2, 3], 1, -0.6, 8), "a correlation of -0.6 cannot be of 3 levels"),
        (lambda: log_rank_events(1.0), "a hazard ratio of 1 cannot be planned for"),
        (lambda: log_rank_events(0.0), "a hazard ratio of 0 cannot be planned for"),
        (lambda: log_rank_events(2.0, power=0.01), "a power of 0.01 cannot be planned for"),
    ],
)
def test_what_cannot_be_planned_for_is_said(ask, sentence):
    with pytest.raises(BadInput, match=sentence):
        ask()
