"""Ranks, permutations, adjusted p-values and numbers of animals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.multiplicity import adjust_p
from behavior.summary.power import anova_n, anova_power, proportions_n, t_test_n, t_test_power
from behavior.summary.ranks import (
    friedman,
    kruskal_dunn,
    mann_whitney,
    permutation_anova,
    permutation_profiles,
    permutation_test,
)

FAILURES = [24, 28, 19, 30, 27, 30, 10, 12, 22, 8, 15, 6, 5, 9, 3, 4, 7, 12]
GROUP = ["veh"] * 6 + ["low"] * 6 + ["high"] * 6
ps = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def parts(y=FAILURES):
    return [np.array(y[i : i + 6], dtype=float) for i in (0, 6, 12)]


def test_kruskal_agrees_with_scipy_and_dunn_with_two_groups_is_its_root():
    found = kruskal_dunn(FAILURES, GROUP, reference="veh")
    known = stats.kruskal(*parts())
    assert (found.h, found.p) == pytest.approx((known.statistic, known.pvalue))
    two = kruskal_dunn(FAILURES[:12], GROUP[:12], reference="veh")
    assert two.comparisons[0].z ** 2 == pytest.approx(two.h)
    assert two.comparisons[0].p == pytest.approx(two.p)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=18, max_size=18).filter(lambda y: len(set(y)) > 1))
def test_only_the_order_of_responses_counts(y):
    one = kruskal_dunn(y, GROUP, reference="veh")
    other = kruskal_dunn([math.exp(v / 10) for v in y], GROUP, reference="veh")
    back = kruskal_dunn([-v for v in y], GROUP, reference="veh")
    assert one.h == pytest.approx(other.h)
    assert [c.z for c in one.comparisons] == pytest.approx([-c.z for c in back.comparisons])


def test_holm_is_over_the_comparisons_with_the_reference_only():
    found = kruskal_dunn(FAILURES, GROUP, reference="veh")
    plain = sorted(c.p for c in found.comparisons)
    assert sorted(c.p_holm for c in found.comparisons) == pytest.approx([2 * plain[0], max(2 * plain[0], plain[1])])


def test_equal_responses_have_no_ranks():
    with pytest.raises(BadInput, match="all responses are equal"):
        kruskal_dunn([3] * 6, ["a"] * 3 + ["b"] * 3, reference="a")


def test_mann_whitney_counts_pairs():
    low = mann_whitney(FAILURES, GROUP, reference="veh", levels=["veh", "low"])[0]
    veh, dose, _ = parts()
    assert low.u == (dose[:, None] > veh).sum() + 0.5 * (dose[:, None] == veh).sum()
    tied = mann_whitney([1, 1, 1, 1], ["a", "a", "b", "b"], reference="a")[0]
    assert tied.p == 1


def test_friedman_agrees_with_scipy_and_ignores_what_all_treatments_of_a_subject_share():
    table = np.array([[3, 5, 9.0], [1, 4, 2], [8, 8, 10], [2, 6, 7], [4, 3, 9]])
    known = stats.friedmanchisquare(*table.T)
    found = friedman(table)
    assert (found.chi2, found.p) == pytest.approx((known.statistic, known.pvalue))
    assert friedman(table + np.arange(5)[:, None] * 100).chi2 == pytest.approx(found.chi2)


@pytest.mark.parametrize("table", [[[1, 2, 3]], [[1, math.nan], [2, 3]], [[1], [2]]])
def test_an_incomplete_table_is_refused(table):
    with pytest.raises(BadInput, match="complete table"):
        friedman(table)


def test_subjects_without_differences_are_refused():
    with pytest.raises(BadInput, match="every subject's responses are equal"):
        friedman([[2, 2], [5, 5]])


def test_exact_permutation_agrees_with_scipy():
    found = permutation_test(FAILURES, GROUP, reference="veh", levels=["veh", "low", "high"])
    veh, low, _ = parts()
    known = stats.permutation_test(
        (low, veh), lambda a, b: abs(a.mean() - b.mean()), alternative="greater", n_resamples=1e6
    )
    assert found[0].exact
    assert found[0].n_arrangements == math.comb(12, 6)
    assert found[0].p == pytest.approx(known.pvalue)


def test_a_sampled_permutation_repeats_and_is_near_the_exact_one():
    rng = np.random.default_rng(3)
    y = np.concatenate([rng.normal(0, 1, 12), rng.normal(0.9, 1, 12)])
    group = np.repeat(["veh", "drug"], 12)
    one = permutation_test(y, group, reference="veh")[0]
    order = rng.permutation(24)
    again = permutation_test(y[order], group[order], reference="veh")[0]
    assert not one.exact
    assert one.p == again.p
    assert one.p == pytest.approx(stats.ttest_ind(y[:12], y[12:]).pvalue, abs=0.01)


def test_rearrangement_among_all_levels_is_near_the_analysis_of_variance():
    rng = np.random.default_rng(5)
    y, group = rng.normal(np.repeat([0, 0.6, 1.0], 9), 1), np.repeat(["a", "b", "c"], 9)
    found = permutation_anova(y, group, reference="a")
    assert found.p == pytest.approx(stats.f_oneway(y[:9], y[9:18], y[18:]).pvalue, abs=0.01)
    assert permutation_anova(y[::-1], group[::-1], reference="a") == found
    with pytest.raises(BadInput, match="all responses are equal"):
        permutation_anova([1, 1, 1], ["a", "b", "b"], reference="a")


def test_a_permutation_p_is_never_zero():
    y = np.concatenate([np.arange(12.0), 1000 + np.arange(12)])
    assert permutation_test(y, ["a"] * 12 + ["b"] * 12, reference="a")[0].p > 0


@given(ps)
@settings(max_examples=50, deadline=None)
def test_adjusted_p_values_keep_their_order_and_never_shrink(p):
    for method in ("bonferroni", "sidak", "holm", "hochberg", "hommel", "BH", "BY", "none"):
        adjusted = adjust_p(p, method)
        assert (adjusted >= np.array(p) - 1e-12).all()
        assert (adjusted <= 1).all()
        order = np.argsort(p, kind="stable")
        assert (np.diff(adjusted[order]) >= -1e-12).all()


@given(ps)
@settings(max_examples=50, deadline=None)
def test_procedures_are_ordered_by_their_power(p):
    bonferroni, holm, hochberg, hommel, bh = (
        adjust_p(p, m) for m in ("bonferroni", "holm", "hochberg", "hommel", "BH")
    )
    for weaker, stronger in ((bonferroni, holm), (holm, hochberg), (hochberg, hommel), (hommel, bh)):
        assert (stronger <= weaker + 1e-12).all()


def test_bh_agrees_with_scipy():
    p = [0.01, 0.02, 0.5, 0.04, 0.9]
    assert_allclose(adjust_p(p, "BH"), stats.false_discovery_control(p))
    assert_allclose(adjust_p(p, "BY"), stats.false_discovery_control(p, method="by"))


def test_nonsense_p_values_are_refused():
    with pytest.raises(BadInput, match="between 0 and 1"):
        adjust_p([0.5, 1.2])
    with pytest.raises(BadInput, match="choose one of"):
        adjust_p([0.5], "tukey")


def test_numbers_of_animals_give_the_power_they_promise():
    n = t_test_n(12, 10, 0.8)
    assert t_test_power(12, 10, n) == pytest.approx(0.8)
    assert n == pytest.approx(11.94, abs=0.01)
    means = [100, 95, 90, 80]
    assert anova_power(means, 10, anova_n(means, 10, 0.9)) == pytest.approx(0.9)


def test_two_groups_need_the_same_number_by_both_formulas():
    assert anova_n([0, 8], 10, 0.8) == pytest.approx(t_test_n(8, 10, 0.8), rel=1e-3)


def test_more_power_or_less_effect_needs_more_animals():
    assert t_test_n(8, 10, 0.9) > t_test_n(8, 10, 0.8) > t_test_n(12, 10, 0.8)
    assert proportions_n(0.7, 0.4) > proportions_n(0.7, 0.25)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda: anova_n([5, 5], 10), "all expected means are equal"),
        (lambda: t_test_n(0, 10), "difference is 0"),
        (lambda: t_test_n(5, 10, power=1.0), "cannot be planned"),
        (lambda: t_test_n(5, 0), "sd is 0"),
        (lambda: t_test_n(1e-6, 10), "ten million"),
        (lambda: proportions_n(0.5, 0.5), "cannot be told apart"),
    ],
)
def test_questions_without_an_answer_are_refused(ask, says):
    with pytest.raises(BadInput, match=says):
        ask()


@pytest.mark.parametrize("unit", [1e-30, 1e-13, 1.0, 1e13])
@pytest.mark.parametrize("n", [4, 12])
def test_a_rearrangement_counts_the_same_in_every_unit(unit, n):
    y = np.concatenate([np.arange(n), np.arange(n) + n / 2 + 0.25])
    group = [0] * n + [1] * n
    plain, other = permutation_test(y, group, reference=0)[0], permutation_test(y * unit, group, reference=0)[0]
    assert (other.p, other.exact) == (plain.p, plain.exact)
    assert permutation_anova(y * unit, group, reference=0).p == permutation_anova(y, group, reference=0).p


def test_two_groups_that_do_not_overlap_have_the_smallest_p_there_is():
    """Two of C(8, 4) = 70 arrangements are as extreme: the one seen and its mirror image."""
    found = permutation_test([1, 2, 3, 4, 9, 10, 11, 12], [0] * 4 + [1] * 4, reference=0)[0]
    assert (found.p, found.n_arrangements, found.diff) == (pytest.approx(2 / 70), 70, 8)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=8, max_size=8), st.permutations(range(4)))
def test_the_order_of_animals_within_a_group_does_not_matter(y, order):
    rows = [*order, *range(4, 8)]
    group = [0] * 4 + [1] * 4
    one, other = (permutation_test(np.array(y)[list(r)], group, reference=0)[0] for r in (range(8), rows))
    assert (one.p, one.diff) == (other.p, other.diff)


def profiles(shift: float, seed: int = 0, n: int = 8) -> tuple[np.ndarray, list[str]]:
    """Two groups of n on four days; the second drifts from the first by `shift` a day."""
    rng = np.random.default_rng(seed)
    groups = ["a"] * n + ["b"] * n
    drift = np.outer(np.array(groups) == "b", np.arange(4)) * shift
    return rng.normal(0, 1, (2 * n, 4)) + drift, groups


def test_profiles_that_part_over_days_are_found_and_others_are_not() -> None:
    assert permutation_profiles(*profiles(1.0)).p < 0.001
    assert permutation_profiles(*profiles(0.0)).p > 0.05


@given(st.permutations(range(16)), st.floats(-100, 100), st.floats(0.01, 100))
@settings(max_examples=3, deadline=None)
def test_profiles_in_another_order_or_unit_give_the_same_p(order: list[int], shift: float, factor: float) -> None:
    values, groups = profiles(0.4, seed=2)
    p = permutation_profiles(values, groups).p
    assert permutation_profiles(values[order], [groups[i] for i in order]).p == p
    assert permutation_profiles(factor * values + shift, groups).p == pytest.approx(p, abs=2e-4)


@pytest.mark.parametrize(("values", "groups"), [(np.ones((4, 2)), list("aabb")), (np.eye(4), list("aaaa"))])
def test_profiles_alike_or_of_one_group_are_refused(values: np.ndarray, groups: list[str]) -> None:
    with pytest.raises(BadInput, match="nothing to compare"):
        permutation_profiles(values, groups)
