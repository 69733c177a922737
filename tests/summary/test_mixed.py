"""Mixed models with a random intercept: where they equal an analysis of variance, and where only they apply."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from behavior.model.errors import BadInput
from behavior.summary.compare import one_way_anova
from behavior.summary.derivatives import gradient, hessian
from behavior.summary.mixed import contrast, f_contrast, fit_mixed, kenward_roger, satterthwaite_df
from behavior.summary.repeated import group_by_time, within_subject
from behavior.summary.sphericity import complete_table, repeated_anova

DOSES = ["0", "1", "3", "10"]


def crossover(seed=1, n=8, effect=(0, 2, 6, 9), rat_sd=6.0, sd=4.0):
    """Long columns: response, dose, subject, period; every rat has every dose."""
    rng = np.random.default_rng(seed)
    rows = []
    for rat in range(n):
        level = rng.normal(30, rat_sd)
        for i, dose in enumerate(DOSES):
            rows.append((level + effect[i] + rng.normal(0, sd), dose, f"R{rat}", (i + rat) % 4 + 1))
    y, dose, rat, period = zip(*rows, strict=True)
    return np.array(y), list(dose), list(rat), list(period)


def table(y, dose, rat):
    return complete_table(y, dose, rat, levels=DOSES)


def by_likelihood(y, x, subject):
    """The restricted deviance written out with whole matrices."""
    who = (np.array(subject)[:, None] == np.array(subject)[None, :]).astype(float)

    def deviance(variances):
        v = variances[0] * who + variances[1] * np.eye(len(y))
        inverse = np.linalg.inv(v)
        information = x.T @ inverse @ x
        beta = np.linalg.solve(information, x.T @ inverse @ y)
        left = y - x @ beta
        dets = np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
        return (dets + left @ inverse @ left + (len(y) - x.shape[1]) * math.log(2 * math.pi)) / 2

    return deviance


def design(dose):
    return np.column_stack([np.ones(len(dose)), *(np.array(dose) == d for d in DOSES[1:])]).astype(float)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_a_balanced_study_is_its_analysis_of_variance(seed):
    y, dose, rat, _ = crossover(seed)
    found = within_subject(y, dose, rat, reference="0", levels=DOSES)
    assume(not found.fit.at_boundary)
    anova = repeated_anova(table(y, dose, rat))
    assert found.treatment.f == pytest.approx(anova.f, rel=1e-7)
    assert (found.treatment.df1, found.treatment.df2) == pytest.approx((3, 21), rel=1e-6)
    cells = table(y, dose, rat)
    between = 4 * cells.mean(axis=1).var(ddof=1)
    assert found.fit.var_subject == pytest.approx((between - found.fit.var_residual) / 4, rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_an_unbalanced_fit_is_at_the_top_of_the_likelihood_with_its_curvature(seed):
    y, dose, rat, _ = crossover(seed)
    keep = np.random.default_rng(seed).random(len(y)) > 0.25
    x, who = design(dose)[keep], np.array(rat)[keep]
    fit = fit_mixed(y[keep], x, who)
    deviance = by_likelihood(y[keep], x, who)
    at = np.array([fit.var_subject, fit.var_residual])
    assert deviance(at) == pytest.approx(-fit.reml_loglik)
    assert_allclose(gradient(deviance, at), 0, atol=1e-6)
    assert_allclose(np.linalg.inv(hessian(deviance, at)), fit.variance_covariance, rtol=1e-5)


def test_satterthwaite_follows_from_the_derivative_of_the_contrasts_variance():
    y, dose, rat, _ = crossover(3)
    keep = np.arange(len(y)) % 5 != 2
    x, who = design(dose)[keep], np.array(rat)[keep]
    fit = fit_mixed(y[keep], x, who)
    same = (who[:, None] == who[None, :]).astype(float)
    row = np.array([0, 0, 0, 1.0])

    def variance(v):
        inverse = np.linalg.inv(v[0] * same + v[1] * np.eye(len(who)))
        return float(row @ np.linalg.inv(x.T @ inverse @ x) @ row)

    at = np.array([fit.var_subject, fit.var_residual])
    g = gradient(variance, at)
    assert satterthwaite_df(fit, row) == pytest.approx(
        2 * variance(at) ** 2 / (g @ fit.variance_covariance @ g), rel=1e-6
    )


def test_var_components_agree_with_statsmodels():
    from statsmodels.regression.mixed_linear_model import MixedLM

    y, dose, rat, _ = crossover(2)
    keep = np.arange(len(y)) % 7 != 3
    x, who = design(dose)[keep], np.array(rat)[keep]
    known = MixedLM(y[keep], x, groups=who).fit(reml=True, method="bfgs", gtol=1e-9)
    fit = fit_mixed(y[keep], x, who)
    assert fit.var_residual == pytest.approx(known.scale, rel=1e-4)
    assert fit.var_subject == pytest.approx(float(np.asarray(known.cov_re)[0, 0]), rel=1e-3)
    assert_allclose(fit.beta, known.fe_params, rtol=1e-4)


def test_kenward_roger_equals_satterthwaite_where_the_study_is_balanced():
    y, dose, rat, _ = crossover(5)
    fit = fit_mixed(y, design(dose), rat)
    row = [0, 1, 0, -1]
    plain, kr = contrast(fit, row), kenward_roger(fit, row)
    assert (kr.se, kr.df) == pytest.approx((plain.se, plain.df), rel=1e-6)


def test_kenward_roger_is_more_careful_where_it_is_not():
    y, dose, rat, _ = crossover(6, n=6)
    keep = np.arange(len(y)) % 4 != 1
    fit = fit_mixed(y[keep], design(np.array(dose)[keep])[:, [0, 2, 3]], np.array(rat)[keep])
    assert kenward_roger(fit, [0, 1, 0]).se >= contrast(fit, [0, 1, 0]).se * (1 - 1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-1000, 1000))
def test_order_unit_and_origin_do_not_matter(seed, scale, shift):
    y, dose, rat, period = crossover(seed)
    order = np.random.default_rng(seed).permutation(len(y))
    one = within_subject(y, dose, rat, reference="0", levels=DOSES, period=period)
    other = within_subject(
        y[order] * scale + shift,
        np.array(dose)[order],
        np.array(rat)[order],
        reference="0",
        levels=DOSES,
        period=np.array(period)[order],
    )
    for a, b in zip(one.comparisons, other.comparisons, strict=True):
        assert b.estimate == pytest.approx(a.estimate * scale, rel=1e-5, abs=1e-6 * scale)
        assert (b.df, b.p_dunnett) == pytest.approx((a.df, a.p_dunnett), rel=1e-4, abs=1e-6)


def test_an_animal_that_misses_a_session_keeps_its_others():
    y, dose, rat, period = crossover(1)
    y[5] = math.nan
    found = within_subject(y, dose, rat, reference="0", levels=DOSES, period=period)
    assert (found.n, found.n_subjects, found.missing) == (31, 8, 1)
    assert found.period is not None
    assert repeated_anova(table(y, dose, rat)).n_subjects == 7


def test_where_animals_do_not_differ_the_variance_is_zero_and_the_test_is_the_plain_one():
    rng = np.random.default_rng(0)
    for _seed in range(50):
        y, dose, rat, _ = crossover(rng.integers(1_000_000), rat_sd=0.0)
        found = within_subject(y, dose, rat, reference="0", levels=DOSES)
        if found.fit.at_boundary:
            break
    assert found.fit.at_boundary
    plain = one_way_anova(y, dose, reference="0", levels=DOSES)
    assert (found.treatment.f, found.treatment.df2) == pytest.approx((plain.f, plain.df2), rel=1e-6)


def test_dunnett_lies_between_plain_and_bonferroni_and_matches_its_interval():
    for seed in range(6):
        y, dose, rat, period = crossover(seed, effect=(0, 1, 3, 5))
        for c in within_subject(y, dose, rat, reference="0", levels=DOSES, period=period).comparisons:
            assert c.p <= c.p_dunnett <= min(1, 3 * c.p) + 1e-12
            assert (c.lo > 0 or c.hi < 0) == (c.p_dunnett < 0.05)


def test_period_effects_are_taken_out():
    y, dose, rat, period = crossover(4, sd=1.0)
    drift = y + 20 * np.array(period)
    one = within_subject(y, dose, rat, reference="0", levels=DOSES, period=period)
    other = within_subject(drift, dose, rat, reference="0", levels=DOSES, period=period)
    assert [c.estimate for c in other.comparisons] == pytest.approx([c.estimate for c in one.comparisons], rel=1e-5)
    assert other.period.p < 1e-10


def chronic(seed=1, n=6, effect=8.0):
    rng = np.random.default_rng(seed)
    rows = []
    for g, group in enumerate(("water", "drug")):
        for i in range(n):
            level = rng.normal(50, 8)
            rows += [
                (level - g * effect * k + rng.normal(0, 3), group, day, f"{group}{i}")
                for k, day in enumerate((1, 8, 15))
            ]
    y, group, day, rat = zip(*rows, strict=True)
    return np.array(y), list(group), list(day), list(rat)


def test_groups_over_time_balanced_is_the_split_plot_analysis():
    y, group, day, rat = chronic()
    found = group_by_time(y, group, day, rat, reference="water")
    cells = np.array(y).reshape(2, 6, 3)
    rats = cells.mean(axis=2)
    between = 3 * rats.var(axis=1, ddof=1).mean()
    assert found.group.f == pytest.approx(18 * rats.mean(axis=1).var(ddof=1) / between, rel=1e-6)
    assert (found.group.df2, found.time.df2, found.interaction.df1) == pytest.approx((10, 20, 2), rel=1e-5)
    assert found.interaction.p < 0.01


def test_simple_effects_are_differences_of_cell_means():
    y, group, day, rat = chronic()
    found = group_by_time(y, group, day, rat, reference="water")
    cells = np.array(y).reshape(2, 6, 3).mean(axis=1)
    assert [c.at for c in found.comparisons] == ["1", "8", "15"]
    assert [c.estimate for c in found.comparisons] == pytest.approx(list(cells[1] - cells[0]))
    first, *_, last = found.comparisons
    assert last.p_holm < 0.01 < first.p_holm


def test_coding_does_not_change_what_is_compared():
    y, group, day, rat = chronic(2)
    y[4] = math.nan
    one = group_by_time(y, group, day, rat, reference="water")
    other = group_by_time(y, group, day, rat, reference="drug")
    for a, b in zip(one.comparisons, other.comparisons, strict=True):
        assert a.estimate == pytest.approx(-b.estimate)
        assert a.df == pytest.approx(b.df, rel=1e-5)
    assert one.group.f == pytest.approx(other.group.f, rel=1e-6)


def test_sphericity_corrections_are_one_where_covariances_are_alike():
    n = 4000
    rng = np.random.default_rng(0)
    found = repeated_anova(rng.normal(0, 1, (n, 1)) + rng.normal(0, 1, (n, 4)))
    assert found.greenhouse_geisser_epsilon == pytest.approx(1, abs=0.01)
    assert found.mauchly_w == pytest.approx(1, abs=0.02)
    two = repeated_anova(rng.normal(0, 1, (6, 2)))
    assert two.greenhouse_geisser_epsilon == pytest.approx(1)
    assert two.mauchly_w is None


def test_with_two_treatments_the_repeated_analysis_is_the_paired_t_test():
    a, b = np.array([3.0, 5, 4, 8, 6]), np.array([4.0, 7, 4, 11, 9])
    known = stats.ttest_rel(a, b)
    found = repeated_anova(np.column_stack([a, b]))
    assert (found.f, found.p) == pytest.approx((known.statistic**2, known.pvalue))


def test_an_f_test_of_one_contrast_is_its_t_squared():
    y, dose, rat, _ = crossover(7)
    fit = fit_mixed(y, design(dose), rat)
    f, t = f_contrast(fit, [[0, 0, 1, 0]]), contrast(fit, [0, 0, 1, 0])
    assert (f.f, f.df2, f.p) == pytest.approx((t.t**2, t.df, t.p))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda y, d, s, p: (y, d, [str(i) for i in range(len(y))], p), "one row"),
        (lambda y, d, s, p: (y * 0 + 3, d, s, p), "no residual variance"),
        (lambda y, d, s, p: (y, d, s, d), "cannot tell all effects apart"),
        (lambda y, d, s, p: (np.where(np.array(d) == "3", math.nan, y), d, s, p), "level 3 has no responses"),
        (lambda y, d, s, p: (y, d[:-1], s, p), "differ in number"),
    ],
    ids=["a row each", "no variance", "dose and period always together", "an empty dose", "lengths"],
)
def test_unusable_studies_are_refused(change, says):
    y, dose, rat, period = change(*crossover(1))
    with pytest.raises(BadInput, match=says):
        within_subject(y, dose, rat, reference="0", levels=DOSES, period=period)


def test_unusable_courses_are_refused():
    y, group, day, rat = chronic()
    with pytest.raises(BadInput, match="no responses on day 8"):
        group_by_time(
            np.where((np.array(group) == "drug") & (np.array(day) == 8), math.nan, y),
            group,
            day,
            rat,
            reference="water",
        )
    with pytest.raises(BadInput, match="needs a second one"):
        group_by_time(y, group, [1] * len(y), rat, reference="water")
    with pytest.raises(BadInput, match="two responses to one treatment"):
        complete_table([1, 2], ["0", "0"], ["R", "R"], levels=["0", "1"])
    with pytest.raises(BadInput, match="two or more subjects"):
        repeated_anova([[1, 2, 3]])
    with pytest.raises(BadInput, match="responds alike"):
        repeated_anova([[1, 2], [2, 3], [3, 4]])


@pytest.mark.parametrize("unit", [1e-100, 1e60])
def test_a_crossover_in_a_unit_whose_squares_vanish_or_overflow_is_refused(unit):
    animal, dose, period = np.repeat(range(4), 2), [1, 0, 0, 1, 1, 0, 0, 1], [1, 2] * 4
    y = np.array([2, 1, 1, 2, 2.5, 0, 2, 0]) * unit
    with pytest.raises(BadInput, match="use another unit"):
        within_subject(y, dose, animal, reference=0, period=period)
    with pytest.raises(BadInput, match="use another unit"):
        fit_mixed(y, np.ones((8, 1)), animal)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 1.0, 2.0, 2.0 + 1e-6, 1e-8, 30.0, math.nan]), min_size=8, max_size=8),
    st.lists(st.booleans(), min_size=4, max_size=4),
    st.sampled_from([1e-39, 1e-8, 1.0, 1e37]),
)
def test_the_smallest_crossover_gives_numbers_or_a_sentence(y, orders, unit):
    dose = np.concatenate([[order, not order] for order in orders]).astype(float)
    try:
        found = within_subject(np.array(y) * unit, dose, np.repeat(range(4), 2), reference=0, period=[1, 2] * 4)
    except BadInput as error:
        assert len(str(error)) > 20
        return
    for c in found.comparisons:
        assert c.lo <= c.estimate <= c.hi
        assert 0 <= c.p <= 1
        assert c.se_kenward_roger >= c.se * (1 - 1e-9)
        assert c.df_kenward_roger > 0


def test_grizzle_style_crossover_is_the_paired_t_test_of_half_differences():
    """Two periods, two sequences (Senn, Cross-over Trials in Clinical Research, section 3.6): the treatment effect is
    half the difference between the sequences' mean period differences, with their pooled variance."""
    first, second = np.array([6.0, 9, 4, 8]), np.array([3.0, 5, 6, 2])  # vehicle first, then drug first
    drug_minus_vehicle = np.array([2.5, 1.0, 3.0, 0.5]), np.array([4.0, 1.5, 2.0, 3.5])
    y, dose, animal, period = [], [], [], []
    for sequence, (base, gain) in enumerate(zip((first, second), drug_minus_vehicle, strict=True)):
        for i, (b, g) in enumerate(zip(base, gain, strict=True)):
            y += [b, b + g] if sequence == 0 else [b + g, b]
            dose += [0, 1] if sequence == 0 else [1, 0]
            animal += [f"{sequence}-{i}"] * 2
            period += [1, 2]
    found = within_subject(y, dose, animal, reference=0, period=period).comparisons[0]
    a, b = drug_minus_vehicle
    pooled = ((a.var(ddof=1) + b.var(ddof=1)) / 2) ** 0.5
    assert found.estimate == pytest.approx((a.mean() + b.mean()) / 2)
    assert found.se == pytest.approx(pooled * math.sqrt(1 / 4 + 1 / 4) / 2)
    assert found.df == pytest.approx(6)
