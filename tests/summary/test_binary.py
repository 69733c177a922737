"""Events of trials: exact tests, dispersion between animals, estimating equations, likelihoods with random animals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.binary import (
    binomial_groups,
    clopper_pearson,
    cochran_armitage,
    compare_proportions,
    fisher_exact,
    wilson,
)
from behavior.summary.derivatives import gradient
from behavior.summary.gee import gee
from behavior.summary.glm import fit_glm, indicator_design
from behavior.summary.overdispersed import beta_binomial, logistic_mixed


def failures(seed=1, n=10, trials=30, logits=(1.0, 0.2, -1.0), sd=1.0):
    """Failures of rats that differ: events, trials, group."""
    rng = np.random.default_rng(seed)
    group = np.repeat(["veh", "low", "high"][: len(logits)], n)
    p = 1 / (1 + np.exp(-(np.repeat(logits, n) + rng.normal(0, sd, len(group)))))
    return rng.binomial(trials, p).astype(float), np.full(len(group), float(trials)), group


def as_trials(k, n):
    animal = np.repeat(np.arange(len(k)), n.astype(int))
    y = np.concatenate([np.arange(int(b)) < a for a, b in zip(k, n, strict=True)]).astype(float)
    return y, animal


LEVELS = ["veh", "low", "high"]


@given(st.integers(0, 20), st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_exact_and_score_intervals_agree_with_scipy(k, n):
    k = min(k, n)
    known = stats.binomtest(k, n)
    exact, score = known.proportion_ci(method="exact"), known.proportion_ci(method="wilson")
    assert (clopper_pearson(k, n).lo, clopper_pearson(k, n).hi) == pytest.approx((exact.low, exact.high))
    assert (wilson(k, n).lo, wilson(k, n).hi) == pytest.approx((score.low, score.high), abs=1e-12)


def test_fisher_is_the_tea_ladys():
    assert fisher_exact((3, 1), (4, 4)) == pytest.approx(0.4857, abs=1e-4)
    assert fisher_exact((3, 1), (4, 4)) == fisher_exact((1, 3), (4, 4))


def test_proportions_are_compared_with_the_reference_only():
    found = compare_proportions([1, 5, 8, 9], [10] * 4, [0, 1, 2, 4], reference=0)
    assert found[0].fisher_p is None
    plain = [c.fisher_p for c in found[1:]]
    assert plain[-1] == pytest.approx(fisher_exact((9, 1), (10, 10)))
    assert found[-1].fisher_p_holm == pytest.approx(3 * plain[-1])


def test_the_trend_of_proportions_is_a_weighted_regression():
    k, n, x = np.array([1, 2, 5, 8, 9.0]), np.full(5, 10.0), np.array([0, 0.5, 1, 2, 4])
    y, animal = as_trials(k, n)
    r = np.corrcoef(x[animal], y)[0, 1]
    assert cochran_armitage(k, n, x).chi2 == pytest.approx(len(y) * r**2)
    assert cochran_armitage(k, n, 3 * x + 7).chi2 == pytest.approx(cochran_armitage(k, n, x).chi2)
    with pytest.raises(BadInput, match="do not vary"):
        cochran_armitage([0, 0], [5, 5], [0, 1])


def test_a_binomial_model_of_groups_has_their_log_odds():
    k, n, group = failures()
    found = binomial_groups(k, n, group, reference="veh", levels=LEVELS)
    odds = [math.log(k[group == g].sum() / (n - k)[group == g].sum()) for g in LEVELS]
    assert [c.coef for c in found.comparisons] == pytest.approx([odds[1] - odds[0], odds[2] - odds[0]])
    cells = [(k[group == g].sum(), (n - k)[group == g].sum()) for g in LEVELS]
    assert found.comparisons[0].se == pytest.approx(math.sqrt(sum(1 / c for c in (*cells[0], *cells[1]))))


def test_glms_agree_with_statsmodels():
    import statsmodels.api as sm

    k, n, group = failures(3)
    x = indicator_design(group, tuple(LEVELS))
    for link, known_link in (("logit", sm.families.links.Logit()), ("probit", sm.families.links.Probit())):
        known = sm.GLM(np.column_stack([k, n - k]), x, family=sm.families.Binomial(known_link)).fit()
        fit = fit_glm(k, x, link, trials=n)
        assert_allclose(fit.beta, known.params, rtol=1e-7)
        assert_allclose(np.sqrt(np.diag(fit.covariance)), known.bse, rtol=1e-5)
        assert (fit.deviance, fit.pearson_chi2) == pytest.approx((known.deviance, known.pearson_chi2))
        assert fit.loglik == pytest.approx(known.llf)


def test_quasi_errors_grow_with_the_dispersion_between_animals():
    k, n, group = failures(2, sd=1.2)
    found = binomial_groups(k, n, group, reference="veh", levels=LEVELS)
    assert found.dispersion > 2
    c = found.comparisons[1]
    assert c.se_quasi == pytest.approx(c.se * math.sqrt(found.dispersion))
    assert found.quasi_f == pytest.approx(found.lr_chi2 / 2 / found.dispersion)
    assert c.lo < c.odds_ratio < c.hi


def test_a_group_that_never_failed_has_an_infinite_ratio_and_does_not_disturb_the_others():
    k, n, group = failures(4)
    k[group == "high"] = 0
    found = binomial_groups(k, n, group, reference="veh", levels=LEVELS)
    low, high = found.comparisons
    assert (high.coef, high.odds_ratio, high.p_t) == (-math.inf, 0.0, None)
    assert low.p_t is not None
    assert found.quasi_p < 0.01


@pytest.mark.parametrize(
    ("k", "n", "says"),
    [
        ([1, 2, 9, 1], [3, 3, 3, 3], "above its number of trials|not a proportion"),
        ([0, 0, 0, 0], [3, 3, 3, 3], "ended alike"),
        ([3, 3, 3, 3], [3, 3, 3, 3], "ended alike"),
        ([1, 1, 2, 2], [3, 3, 3, 3], "same proportion"),
    ],
)
def test_unusable_proportions_are_refused(k, n, says):
    with pytest.raises(BadInput, match=says):
        binomial_groups(k, n, ["a", "a", "b", "b"], reference="a")


def test_one_animal_a_group_says_nothing_about_the_error():
    with pytest.raises(BadInput, match="one row per coefficient"):
        binomial_groups([1, 2], [3, 3], ["a", "b"], reference="a")


@pytest.mark.parametrize("correlation", ["independence", "exchangeable"])
def test_plain_estimating_equations_agree_with_statsmodels(correlation):
    import statsmodels.api as sm

    k, n, group = failures(5, n=8, trials=10)
    y, animal = as_trials(k, n)
    x = indicator_design(group, tuple(LEVELS))[animal]
    y = np.random.default_rng(0).permuted(y.reshape(-1, 10), axis=1).ravel()
    x = np.column_stack([x, np.tile(np.arange(10) - 4.5, len(k))])
    structure = {"independence": sm.cov_struct.Independence(), "exchangeable": sm.cov_struct.Exchangeable()}[
        correlation
    ]
    known = sm.GEE(y, x, groups=animal, family=sm.families.Binomial(), cov_struct=structure).fit()
    ours = gee(y, x, animal, names=[*LEVELS, "trial"], correlation=correlation, sandwich="plain")
    # The moment estimates of the correlation differ a little in their denominators.
    assert_allclose([t.coef for t in ours.terms], known.params, rtol=5e-3, atol=1e-4)
    assert_allclose([t.robust_se for t in ours.terms], known.bse, rtol=5e-3)


def test_the_bias_reduced_sandwich_is_the_two_sample_welch_test_in_its_simplest_case():
    # CR2 of a difference of two means of clusters of one size is exact: variances with n - 1, Welch's df.
    k, n, group = failures(6, logits=(0.3, -0.4), n=6)
    y, animal = as_trials(k, n)
    x = indicator_design(group, ("veh", "low"))[animal]
    fit = gee(y, x, animal, names=["veh", "low"], correlation="independence")
    share = k / n
    p = [share[group == g].mean() for g in ("veh", "low")]
    spread = [share[group == g].var(ddof=1) / 6 / (q * (1 - q)) ** 2 for g, q in zip(("veh", "low"), p, strict=True)]
    assert fit.term("low").robust_se == pytest.approx(math.sqrt(sum(spread)), rel=1e-6)
    # Satterthwaite under the working model: weights of the two groups' expected variances.
    w = [1 / (q * (1 - q)) for q in p]
    assert fit.term("low").df == pytest.approx((w[0] + w[1]) ** 2 / (w[0] ** 2 / 5 + w[1] ** 2 / 5), rel=1e-6)


def test_the_bias_reduced_test_is_more_careful_than_the_plain_one():
    for seed in range(5):
        k, n, group = failures(seed, n=6)
        y, animal = as_trials(k, n)
        x = indicator_design(group, tuple(LEVELS))[animal]
        plain, reduced = (gee(y, x, animal, names=LEVELS, sandwich=s) for s in ("plain", "bias-reduced"))
        for a, b in zip(plain.terms, reduced.terms, strict=True):
            assert b.robust_se > a.robust_se
            assert b.p > a.p


def test_estimating_equations_refuse_what_they_cannot_carry():
    y, animal = as_trials(np.array([0, 0, 5, 3.0]), np.full(4, 5.0))
    x = indicator_design(np.repeat(["a", "b"], 10), ("a", "b"))
    with pytest.raises(BadInput, match="ended alike"):
        gee(y, x, animal, names=["a", "b"])
    with pytest.raises(BadInput, match="2 animals cannot carry 2"):
        gee(y, x, np.repeat([0, 1], 10), names=["a", "b"])
    with pytest.raises(BadInput, match="0 or 1"):
        gee(y * 2, x, animal, names=["a", "b"])


def test_beta_binomial_is_at_the_top_of_its_likelihood():
    k, n, group = failures(7)
    x = indicator_design(group, tuple(LEVELS))
    found = beta_binomial(k, n, x, LEVELS)

    def loglik(p):
        mean, phi = 1 / (1 + np.exp(-x @ p[:-1])), p[-1]
        return float(stats.betabinom.logpmf(k, n, mean * phi, (1 - mean) * phi).sum())

    at = np.array([*(c.coef for c in found.coefficients), found.phi])
    assert loglik(at) == pytest.approx(found.loglik)
    assert_allclose(gradient(loglik, at), 0, atol=1e-4)


def test_animals_that_do_not_differ_are_binomial():
    k = np.array([15, 16, 14, 15, 15, 16, 14, 15.0])
    with pytest.raises(BadInput, match="more than chance"):
        beta_binomial(k, np.full(8, 30.0), indicator_design(np.repeat(["a", "b"], 4), ("a", "b")), ["a", "b"])


def test_the_random_intercept_model_agrees_with_quadrature():
    k, n, group = failures(8, n=12, trials=60)
    x = indicator_design(group, tuple(LEVELS))
    found = logistic_mixed(k, n, x, np.arange(len(k)), LEVELS)
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    eta = (x @ [c.coef for c in found.coefficients])[:, None] + found.sd * nodes
    rows = stats.binom.pmf(k[:, None], n[:, None], 1 / (1 + np.exp(-eta))) @ weights / math.sqrt(2 * math.pi)
    assert found.loglik == pytest.approx(float(np.log(rows).sum()), abs=0.3)
    assert found.sd == pytest.approx(1.0, abs=0.35)
    naive = fit_glm(k, x, "logit", trials=n)
    assert found.coefficients[1].se > 1.5 * math.sqrt(naive.covariance[1, 1])


def test_rows_of_one_animal_share_its_intercept():
    k, n, group = failures(9, n=8)
    x = indicator_design(group, tuple(LEVELS))
    whole = logistic_mixed(k, n, x, np.arange(len(k)), LEVELS)
    first = np.floor(k / 2)
    halves = logistic_mixed(
        np.append(first, k - first), np.append(n / 2, n / 2), np.vstack([x, x]), np.tile(np.arange(len(k)), 2), LEVELS
    )
    assert halves.sd == pytest.approx(whole.sd, rel=1e-5)
    assert [c.coef for c in halves.coefficients] == pytest.approx([c.coef for c in whole.coefficients], rel=1e-5)
    assert halves.n_clusters == whole.n_clusters == 24
