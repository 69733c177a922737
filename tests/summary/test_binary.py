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


@pytest.mark.parametrize("conf", [0.5, 0.9, 0.95, 0.999])
def test_score_intervals_stay_within_zero_and_one_and_turn_around_with_the_events(conf):
    for n in (1, 2, 5, 13, 14, 30, 1000):
        for k in {0, 1, n // 2, n - 1, n}:
            here, mirrored = wilson(k, n, conf), wilson(n - k, n, conf)
            assert 0 <= here.lo <= k / n <= here.hi <= 1
            assert (1 - mirrored.hi, 1 - mirrored.lo) == pytest.approx((here.lo, here.hi), abs=1e-12)
            # Wilson (1927): the ends are the proportions of which k lies just z standard errors away.
            for end in {here.lo, here.hi} - {0.0, 1.0}:
                z = abs(k / n - end) / np.sqrt(end * (1 - end) / n)
                assert z == pytest.approx(stats.norm.ppf((1 + conf) / 2), rel=1e-6)


@pytest.mark.parametrize(
    ("k", "n", "x", "says"),
    [
        ([1, 2], [5, 5, 5], [0, 1, 2], "2 counts, 3 totals, 3 scores differ"),
        ([7, 2, 1], [5, 5, 5], [0, 1, 2], "7 events of 5 trials is not a proportion"),
        ([1, np.nan, 2], [5, 5, 5], [0, 1, 2], "nan events of 5 trials"),
        ([1, 2, 3], [5, 0, 5], [0, 1, 2], "2 events of 0 trials"),
        ([1, 2, 3], [5, 5, 5], [0, 1, np.nan], "a score is missing"),
        ([1, 2, 3], [5, 5, 5], [3, 3, 3], "do not vary"),
        ([5, 5, 5], [5, 5, 5], [0, 1, 2], "do not vary"),
    ],
)
def test_a_trend_without_proportions_or_scores_is_refused(k, n, x, says):
    with pytest.raises(BadInput, match=says):
        cochran_armitage(k, n, x)


@pytest.mark.parametrize("sandwich", ["plain", "bias-reduced"])
@pytest.mark.parametrize("correlation", ["independence", "exchangeable"])
def test_animals_that_all_answer_alike_leave_no_error_for_estimating_equations(sandwich, correlation):
    x = np.column_stack([np.ones(12), np.repeat([0, 1], 6)])
    with pytest.raises(BadInput, match="all animals of a level have the same proportion"):
        gee([0, 1] * 6, x, np.repeat(range(6), 2), names=("a", "b"), sandwich=sandwich, correlation=correlation)


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(24)), st.sampled_from(["plain", "bias-reduced"]))
def test_neither_the_order_of_trials_nor_the_names_of_animals_matter_to_estimating_equations(order, sandwich):
    y = np.array([0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1], dtype=float)
    x, animal = np.column_stack([np.ones(24), np.repeat([0, 1], 12)]), np.repeat(range(8), 3)
    names = np.array([f"rat {7 * a % 8}" for a in animal])
    rows = list(order)
    plain = gee(y, x, animal, names=("a", "b"), sandwich=sandwich)
    other = gee(y[rows], x[rows], names[rows], names=("a", "b"), sandwich=sandwich)
    assert other.alpha == pytest.approx(plain.alpha, abs=1e-9)
    for one, two in zip(plain.terms, other.terms, strict=True):
        assert (one.coef, one.robust_se, one.df) == pytest.approx((two.coef, two.robust_se, two.df), rel=1e-7)


def test_with_one_trial_an_animal_the_plain_sandwich_is_whites():
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(60), rng.normal(size=60)])
    y = (rng.random(60) < 0.3 + 0.4 * (x[:, 1] > 0)).astype(float)
    found = gee(y, x, np.arange(60), names=("a", "b"), sandwich="plain", correlation="independence")
    mean = 1 / (1 + np.exp(-x @ [t.coef for t in found.terms]))
    bread = np.linalg.inv((x * (mean * (1 - mean))[:, None]).T @ x)
    meat = (x * (y - mean)[:, None] ** 2).T @ x
    np.testing.assert_allclose(found.covariance, bread @ meat @ bread, rtol=1e-8)


# Bliss (1935): beetles after five hours of carbon disulphide, as in Dobson and Barnett, An Introduction to
# Generalized Linear Models, table 7.2 and its fits (table 7.3).
BEETLES = (
    [1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839],
    [6, 13, 18, 28, 52, 53, 61, 60],
    [59, 60, 62, 56, 63, 59, 62, 60],
)


@pytest.mark.parametrize(
    ("link", "beta", "deviance"), [("logit", (-60.72, 34.27), 11.23), ("probit", (-34.94, 19.73), 10.12)]
)
def test_the_beetles_of_the_textbook(link, beta, deviance):
    dose, killed, n = (np.array(v) for v in BEETLES)
    fit = fit_glm(killed, np.column_stack([np.ones(8), dose]), link, trials=n)
    assert fit.beta == pytest.approx(beta, abs=0.006)
    assert fit.deviance == pytest.approx(deviance, abs=0.006)
    assert fit.df_residual == 6


def test_the_poisson_example_of_rs_manual():
    """Dobson (1990), p. 93, `example(glm)`: residual deviance 5.1291 on 4 degrees of freedom."""
    counts = [18, 17, 15, 20, 10, 20, 25, 13, 12]
    outcome, treatment = np.arange(9) % 3, np.arange(9) // 3
    x = np.column_stack([np.ones(9), outcome == 1, outcome == 2, treatment == 1, treatment == 2]).astype(float)
    fit = fit_glm(counts, x, "poisson")
    assert fit.beta == pytest.approx([3.0445, -0.4543, -0.2930, 0, 0], abs=5e-5)
    assert np.sqrt(np.diag(fit.covariance)) == pytest.approx([0.1709, 0.2022, 0.1927, 0.2000, 0.2000], abs=5e-5)
    assert (fit.deviance, fit.df_residual) == (pytest.approx(5.1291, abs=5e-5), 4)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.5])
def test_counts_with_exposure_agree_with_statsmodels(alpha):
    import statsmodels.api as sm

    rng = np.random.default_rng(6)
    x = np.column_stack([np.ones(40), rng.normal(size=(40, 2))])
    exposure = rng.uniform(0.5, 3, 40)
    y = rng.poisson(exposure * np.exp(1 + 0.5 * x[:, 1]) * rng.gamma(2, 0.5, 40))
    family = sm.families.NegativeBinomial(alpha=alpha) if alpha else sm.families.Poisson()
    known = sm.GLM(y, x, family=family, exposure=exposure).fit(tol=1e-12)
    fit = fit_glm(y, x, "negative_binomial" if alpha else "poisson", offset=np.log(exposure), alpha=alpha)
    np.testing.assert_allclose(fit.beta, known.params, rtol=1e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance)), known.bse, rtol=1e-5)
    assert fit.loglik == pytest.approx(known.llf, rel=1e-9)
    assert fit.deviance == pytest.approx(known.deviance, rel=1e-8)
    assert fit.dispersion == pytest.approx(known.pearson_chi2 / 37, rel=1e-7)


@pytest.mark.parametrize(
    ("y", "x", "family", "n", "says"),
    [
        ([1, 2], np.ones((3, 1)), "poisson", None, "differ in number"),
        ([1, -2], np.ones((2, 1)), "poisson", None, "a count is negative or missing"),
        ([1, np.nan], np.ones((2, 1)), "poisson", None, "a count is negative or missing"),
        ([3, 1], np.ones((2, 1)), "logit", [2, 2], "above its number of trials"),
        ([0, 0], np.ones((2, 1)), "probit", [2, 0], "above its number of trials, or there were no trials"),
        ([1, 2, 3], np.ones((3, 2)), "poisson", None, "cannot be told apart"),
    ],
)
def test_models_that_cannot_be_fitted_are_refused(y, x, family, n, says):
    with pytest.raises(BadInput, match=says):
        fit_glm(y, x, family, trials=n)
