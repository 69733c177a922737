"""Censored latencies: limits without censoring, worked examples, invariances, and independent software."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.cox import cox_comparisons, fit_cox, score_test, whole_animal_test, whole_animal_tests
from behavior.summary.derivatives import gradient, hessian
from behavior.summary.survival import (
    kaplan_meier,
    latencies,
    log_rank,
    log_rank_comparisons,
    restricted_mean_comparisons,
)
from behavior.summary.tobit import tobit

# Freireich's leukaemia remission times, weeks (Cox 1972, table 1).
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
TIME = TREATED + PLACEBO
EVENT = [1] * 9 + [0] * 12 + [1] * 21
GROUP = ["treated"] * 21 + ["placebo"] * 21


def remission():
    return latencies(TIME, EVENT, GROUP, reference="placebo")


def study(seed=1, n=12, cutoff=30.0, hazards=(0.08, 0.12, 0.3)):
    rng = np.random.default_rng(seed)
    t = np.concatenate([rng.exponential(1 / h, n) for h in hazards])
    return np.minimum(t, cutoff), t <= cutoff, np.repeat([0.0, 1.0, 3.0][: len(hazards)], n)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 20), min_size=3, max_size=20))
def test_without_censoring_the_curve_is_the_share_still_waiting(times):
    found = latencies([*times, 5], [1] * (len(times) + 1), ["a"] * len(times) + ["b"], reference="a")
    curve = kaplan_meier(found)[0]
    for t in range(22):
        assert curve.survival_at(t) == pytest.approx(np.mean(np.array(times) > t))
    assert curve.restricted_mean(50) == pytest.approx(np.mean(times))
    share = curve.survival_at(10)
    assert curve.se_at(10) == pytest.approx(math.sqrt(share * (1 - share) / len(times)))


def test_the_curve_of_a_textbook():
    placebo, treated = kaplan_meier(remission())
    assert treated.survival_at(10) == pytest.approx(0.7529, abs=1e-4)
    assert treated.se_at(10) == pytest.approx(0.0963, abs=1e-4)
    assert treated.median == 23
    assert placebo.median == 8
    assert (treated.n, treated.n_events) == (21, 9)
    assert treated.median_hi is None


def test_a_median_that_is_never_reached_is_none():
    found = latencies([1, 9, 9, 9, 2, 3], [1, 0, 0, 0, 1, 1], ["a"] * 4 + ["b"] * 2, reference="a")
    assert kaplan_meier(found)[0].median is None


def test_a_curve_that_rests_at_one_half_has_its_median_in_the_middle():
    found = latencies([1, 2, 6, 8, 1], [1, 1, 1, 1, 1], ["a"] * 4 + ["b"], reference="a")
    assert kaplan_meier(found)[0].median == 4


def test_the_log_rank_test_of_a_textbook():
    assert log_rank(remission()).chi2 == pytest.approx(16.793, abs=1e-3)
    (pair,) = log_rank_comparisons(remission())
    assert pair.chi2 == pytest.approx(16.793, abs=1e-3)


def test_log_rank_agrees_with_scipy():
    t, e, dose = study(3)
    known = stats.logrank(*(stats.CensoredData.right_censored(t[dose == d], ~e[dose == d]) for d in (0, 3)))
    found = log_rank_comparisons(latencies(t, e, dose, reference=0))
    assert found[-1].chi2 == pytest.approx(known.statistic**2)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_only_the_order_of_times_counts_in_log_rank_and_cox(seed):
    t, e, dose = study(seed)
    one, other = (latencies(times, e, dose, reference=0) for times in (t, np.exp(t / 10)))
    assert log_rank(one).chi2 == pytest.approx(log_rank(other).chi2)
    for a, b in zip(cox_comparisons(one).comparisons, cox_comparisons(other).comparisons, strict=True):
        assert a.coef == pytest.approx(b.coef)
    order = np.random.default_rng(seed).permutation(len(t))
    mixed = latencies(t[order], e[order], dose[order], reference=0)
    assert cox_comparisons(mixed).fit.loglik == pytest.approx(cox_comparisons(one).fit.loglik)


def test_coxs_own_example():
    cox = cox_comparisons(remission())
    (c,) = cox.comparisons
    assert c.coef == pytest.approx(-1.5721, abs=1e-4)
    assert c.se == pytest.approx(0.4124, abs=1e-4)
    assert cox.fit.likelihood_ratio.chi2 == pytest.approx(16.35, abs=0.01)
    assert cox_comparisons(remission(), ties="breslow").comparisons[0].coef == pytest.approx(-1.5092, abs=1e-4)


def test_cox_agrees_with_statsmodels_where_no_times_are_tied():
    from statsmodels.duration.hazard_regression import PHReg

    t, e, dose = study(7)
    x = np.column_stack([dose == 1, dose == 3]).astype(float)
    known = PHReg(t, x, status=e.astype(int), ties="efron").fit()
    fit = fit_cox(t, e, x)
    assert_allclose(fit.beta, known.params, rtol=1e-6)
    assert_allclose(np.sqrt(np.diag(fit.covariance)), known.bse, rtol=1e-5)
    assert fit.loglik == pytest.approx(known.llf)


def test_turning_the_comparison_around_turns_the_ratio_around():
    forth = cox_comparisons(remission()).comparisons[0]
    back = cox_comparisons(latencies(TIME, EVENT, GROUP, reference="treated")).comparisons[0]
    assert forth.hazard_ratio == pytest.approx(1 / back.hazard_ratio)
    assert (forth.lo, forth.hi) == pytest.approx((1 / back.hi, 1 / back.lo))


def test_doubling_every_trial_of_an_animal_does_not_make_it_surer():
    t, e, dose = study(5)
    animal = [f"R{i}" for i in range(len(t))]
    once = cox_comparisons(latencies(t, e, dose, reference=0), cluster=animal, ties="breslow")
    twice = cox_comparisons(
        latencies(np.tile(t, 2), np.tile(e, 2), np.tile(dose, 2), reference=0), cluster=animal * 2, ties="breslow"
    )
    for a, b in zip(once.comparisons, twice.comparisons, strict=True):
        assert b.robust_se == pytest.approx(a.robust_se)
        assert b.se < 0.8 * a.se
    assert twice.fit.n_clusters == len(t)


def test_efrons_score_residuals_follow_their_definition():
    rng = np.random.default_rng(2)
    t, e = rng.integers(1, 6, 20).astype(float), rng.random(20) < 0.8
    x = np.column_stack([rng.normal(size=20), rng.random(20) < 0.5]).astype(float)
    fit = fit_cox(t, e, x, cluster=np.arange(20))
    risk, u = np.exp(x @ fit.beta), np.zeros((20, 2))
    for at in np.unique(t[e]):
        dead, in_risk = e & (t == at), t >= at
        d = dead.sum()
        for k in range(d):
            w = np.where(dead, 1 - k / d, 1.0) * in_risk
            total = (w * risk).sum()
            mean = (w * risk) @ x / total
            u += dead[:, None] / d * (x - mean) - (w * risk)[:, None] / total * (x - mean)
    spread = u @ fit.covariance
    assert_allclose(fit.robust_covariance, spread.T @ spread, rtol=1e-6)


def test_the_score_test_of_two_groups_is_the_log_rank_test_without_ties():
    t, e, dose = study(4, hazards=(0.08, 0.3))
    found = latencies(t, e, dose, reference=0)
    assert score_test(found.time, found.event, dose).chi2 == pytest.approx(log_rank(found).chi2)


def test_a_level_at_the_cutoff_throughout_has_a_hazard_of_zero_and_the_others_keep_theirs():
    t, e, dose = study(6)
    top = dose == 3
    t[top], e[top] = 30.0, False
    cox = cox_comparisons(latencies(t, e, dose, reference=0))
    assert cox.comparisons[1].hazard_ratio == 0
    assert cox.comparisons[1].p is None
    alone = cox_comparisons(latencies(t[~top], e[~top], dose[~top], reference=0))
    assert cox.comparisons[0].coef == pytest.approx(alone.comparisons[0].coef)


def test_a_reference_at_the_cutoff_throughout_has_no_hazard_ratios_but_a_log_rank_test():
    t, e, dose = study(6)
    t[dose == 0], e[dose == 0] = 30.0, False
    found = latencies(t, e, dose, reference=0)
    with pytest.raises(BadInput, match="log-rank or by restricted means"):
        cox_comparisons(found)
    assert log_rank(found).p < 0.01
    assert restricted_mean_comparisons(found, 30)[-1].p_holm < 0.01


def test_restricted_means_differ_by_the_area_between_the_curves():
    (c,) = restricted_mean_comparisons(remission(), 20)
    placebo, treated = kaplan_meier(remission())
    grid = np.linspace(0, 20, 200_001)[:-1] + 5e-5
    area = np.mean([treated.survival_at(t) - placebo.survival_at(t) for t in grid[::50]]) * 20
    assert c.diff == pytest.approx(area, abs=0.01)
    assert c.lo > 0


def test_restricted_means_of_latencies_cut_at_the_cutoff_are_welchs_test_of_the_capped_ones():
    t, e, dose = study(5, n=9, hazards=(0.08, 0.2))
    (c,) = restricted_mean_comparisons(latencies(t, e, dose, reference=0), 30)
    known = stats.ttest_ind(t[dose == 1], t[dose == 0], equal_var=False)
    assert (c.p, c.df) == pytest.approx((known.pvalue, known.df))
    with pytest.raises(BadInput, match="level b has one animal"):
        restricted_mean_comparisons(latencies([1, 2, 3], [1, 1, 1], ["a", "a", "b"], reference="a"), 5)


def test_whole_animals_are_rearranged_with_all_their_trials():
    rng = np.random.default_rng(1)
    pace = np.repeat(rng.lognormal(0, 1, 12), 20)
    animal, group = np.repeat(np.arange(12), 20), np.repeat(["veh", "drug"], 120)
    t = rng.exponential(pace * 8)
    found = latencies(np.minimum(t, 20), t <= 20, group, reference="veh")
    (test,) = whole_animal_tests(found, animal)
    assert test.exact
    assert test.n_arrangements == math.comb(12, 6)
    naive = cox_comparisons(found).comparisons[0].p
    assert test.p > naive
    with pytest.raises(BadInput, match="3 animals stand beside 240"):
        whole_animal_tests(found, animal[:3])


def test_the_log_rank_test_by_permutation_is_near_the_plain_one_with_many_animals():
    t, e, dose = study(8, n=40, hazards=(0.08, 0.1, 0.12))
    found = latencies(t, e, dose, reference=0)
    permuted = whole_animal_test(found, np.arange(len(t)))
    assert permuted.p == pytest.approx(log_rank(found).p, abs=0.03)
    assert permuted == whole_animal_test(found, np.arange(len(t)))


def test_tobit_is_more_careful_with_few_animals():
    for seed in range(4):
        t, e, dose = study(seed, n=6)
        for c in tobit(t, e, dose, reference=0).comparisons:
            assert c.p < c.p_t <= c.p_t_holm


def test_tobit_without_censoring_has_the_p_of_regression():
    t, _, dose = study(1, hazards=(0.1, 0.2))
    (c,) = tobit(t, np.ones(len(t)), dose, reference=0).comparisons
    assert c.p_t == pytest.approx(stats.ttest_ind(np.log(t[dose == 0]), np.log(t[dose == 1])).pvalue)


def test_a_clear_difference_between_animals_is_found():
    animal, group = np.repeat(np.arange(12), 5), np.repeat(["veh", "drug"], 30)
    t = np.where(group == "veh", 18.0, 2.0) + animal * 0.05
    found = latencies(t, t < 18.2, group, reference="veh")
    (test,) = whole_animal_tests(found, animal)
    assert test.diff > 0
    assert test.p == pytest.approx(2 / math.comb(12, 6))


def test_tobit_without_censoring_is_regression():
    t, _, dose = study(1)
    found = tobit(t, np.ones(len(t)), dose, reference=0)
    logs = np.log10(t)
    assert found.intercept == pytest.approx(logs[dose == 0].mean())
    assert found.comparisons[1].estimate == pytest.approx(logs[dose == 3].mean() - logs[dose == 0].mean())
    left = np.concatenate([logs[dose == d] - logs[dose == d].mean() for d in (0, 1, 3)])
    assert found.scale == pytest.approx(left.std())


def test_tobit_is_at_the_top_of_its_likelihood_with_its_curvature():
    t, e, dose = study(2)
    found = tobit(t, e, dose, reference=0)
    y = np.log10(t)

    def loss(p):
        mean = p[0] + p[1] * (dose == 1) + p[2] * (dose == 3)
        return -float(np.where(e, stats.norm.logpdf(y, mean, p[3]), stats.norm.logsf(y, mean, p[3])).sum())

    at = np.array([found.intercept, *(c.estimate for c in found.comparisons), found.scale])
    assert loss(at) == pytest.approx(-found.loglik)
    assert_allclose(gradient(loss, at, sizes=np.ones(4)), 0, atol=1e-6)
    errors = np.sqrt(np.diag(np.linalg.inv(hessian(loss, at, sizes=np.ones(4)))))
    assert_allclose([found.intercept_se, *(c.se for c in found.comparisons), found.scale_se], errors, rtol=1e-4)


def test_tobit_sees_through_the_cutoff():
    rng = np.random.default_rng(3)
    t = 10 ** rng.normal(np.repeat([1.2, 1.6], 400), 0.3)
    found = tobit(np.minimum(t, 40), t <= 40, np.repeat(["a", "b"], 400), reference="a")
    assert found.comparisons[0].estimate == pytest.approx(0.4, abs=0.07)
    assert found.n_censored > 200


@pytest.mark.parametrize(
    ("time", "event", "group", "says"),
    [
        ([1, 2], [1, 1], ["a"], "differ in number"),
        ([1, -2], [1, 1], ["a", "b"], "-2 is negative"),
        ([1, 2], [1, 2], ["a", "b"], "another value"),
        ([9, 9], [0, 0], ["a", "b"], "every latency is at the cut-off"),
        ([9, math.nan], [1, 0], ["a", "b"], "level b has no latencies"),
    ],
)
def test_unusable_latencies_are_refused(time, event, group, says):
    with pytest.raises(BadInput, match=says):
        latencies(time, event, group, reference="a")


def test_a_level_censored_throughout_has_no_tobit_mean():
    with pytest.raises(BadInput, match="every animal of b reached the cut-off"):
        tobit([1, 2, 9, 9], [1, 1, 0, 0], ["a", "a", "b", "b"], reference="a")
    with pytest.raises(BadInput, match="do not vary"):
        tobit([2, 2, 3, 3], [1, 1, 1, 1], ["a", "a", "b", "b"], reference="a")
    with pytest.raises(BadInput, match="only a had any event"):
        cox_comparisons(latencies([1, 2, 9, 9], [1, 1, 0, 0], ["a", "a", "b", "b"], reference="a"))


def test_complete_separation_is_refused_not_reported():
    t = np.concatenate([np.arange(1.0, 7), np.arange(11.0, 17)])
    with pytest.raises(BadInput, match="no finite estimate"):
        fit_cox(t, np.ones(12, dtype=bool), (np.arange(12) < 6).astype(float)[:, None])


def test_animals_that_do_not_match_the_latencies_are_refused():
    found = latencies([3, 5, 8, 9, 12, 20], [1, 1, 1, 1, 0, 1], [0, 0, 0, 1, 1, 1], reference=0)
    with pytest.raises(BadInput, match="5 animals stand beside 6 latencies"):
        cox_comparisons(found, cluster=list("aabbc"))
    with pytest.raises(BadInput, match="7 animals stand beside 6 latencies"):
        whole_animal_tests(found, list("aabbccd"))


def partial_loglik(beta, time, event, x, ties):
    """Efron's and Breslow's likelihoods as their definitions have them, event time by event time."""
    total = 0.0
    for at in np.unique(time[event]):
        dead, risk = event & (time == at), np.exp(beta * x[time >= at]).sum()
        d, own = int(dead.sum()), np.exp(beta * x[dead]).sum()
        total += float((beta * x[dead]).sum())
        total -= sum(math.log(risk - (j / d if ties == "efron" else 0) * own) for j in range(d))
    return total


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_is_at_the_top_of_its_own_definition(ties):
    from scipy.optimize import minimize_scalar

    time = np.array([1, 2, 2, 3, 3, 3, 5, 5, 8, 8, 9, 10.0])
    event = np.array([1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 0], dtype=bool)
    x = np.array([0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0], dtype=float)
    known = minimize_scalar(lambda b: -partial_loglik(b, time, event, x, ties), bracket=(-1, 1), tol=1e-10)
    fit = fit_cox(time, event, x[:, None], ties=ties)
    assert fit.beta[0] == pytest.approx(known.x, abs=1e-6)
    assert fit.loglik == pytest.approx(-known.fun)
    assert fit.loglik_null == pytest.approx(partial_loglik(0.0, time, event, x, ties))
    h = 1e-3
    bend = sum(w * partial_loglik(known.x + s * h, time, event, x, ties) for w, s in ((1, -1), (-2, 0), (1, 1))) / h**2
    assert fit.covariance[0, 0] == pytest.approx(-1 / bend, rel=1e-4)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_time_changes_no_restricted_mean_test(unit):
    time, event = np.array([3, 5, 8, 9, 12, 20, 4, 15.0]), [1, 1, 0, 1, 1, 1, 1, 0]
    plain, other = (
        restricted_mean_comparisons(latencies(time * u, event, [0] * 4 + [1] * 4, reference=0), 15 * u)[0]
        for u in (1.0, unit)
    )
    assert (other.p, other.df) == pytest.approx((plain.p, plain.df))
    assert (other.diff / unit, other.se / unit) == pytest.approx((plain.diff, plain.se))
