"""Competition binding: exact curves found again, errors carried over, bounds that stay bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.assays.binding import (
    Affinity,
    Radioligand,
    Window,
    affinity,
    cheng_prusoff,
    combine,
    competition_curve,
    fit_competition,
    selectivity,
    window,
)
from behavior.assays.quantity import Quantity, parse
from behavior.assays.result import Estimate
from behavior.model.errors import BadInput

X = np.repeat([0.1, 1, 3, 10, 30, 100, 1000.0], 3)
LIGAND = Radioligand(1.0, 1.1)
WINDOW = Window(2000, 200, 6, 6)


def counts(ic50=20.0, *, hill=1.0, sd=0.0, seed=1, x=X):
    clean = competition_curve(x, np.array([2000, 200, math.log10(ic50), hill]))
    return clean + np.random.default_rng(seed).normal(0, sd, len(x))


def experiment(ki, name="1", **more):
    return affinity(
        X, counts(ki * LIGAND.factor, sd=20, **more), LIGAND, WINDOW, compound="a", target="t", experiment=name
    )


@settings(max_examples=20, deadline=None)
@given(st.floats(1, 300), st.floats(0.5, 2))
def test_a_curve_without_noise_is_found_again(ic50, hill):
    fit = fit_competition(X, counts(ic50, hill=hill), LIGAND, model="hill_free")
    assert fit.ic50.value == pytest.approx(ic50, rel=1e-5)
    assert fit.hill == pytest.approx(hill, rel=1e-5)
    assert fit.ki.value == pytest.approx(ic50 / LIGAND.factor, rel=1e-5)
    assert fit.pki == pytest.approx(9 - math.log10(fit.ki.value))


def test_a_tube_without_cold_drug_belongs_to_the_upper_plateau():
    x = np.append(X, [0.0, 0.0])
    assert competition_curve(np.array([0.0]), np.array([2000, 200, 1.0, 1.0])) == pytest.approx([2000])
    assert fit_competition(x, counts(x=x), LIGAND).ic50.value == pytest.approx(20, rel=1e-5)


def test_held_plateaus_are_not_fitted():
    fit = fit_competition(X, counts(sd=20), LIGAND, bottom=180.0)
    assert fit.bottom == 180
    assert "bottom" not in fit.fit.free


def test_profile_limits_hold_the_estimate_and_are_near_the_wald_limits():
    fit = fit_competition(X, counts(sd=40), LIGAND)
    assert fit.ic50.low < fit.ic50.value < fit.ic50.high
    assert fit.ic50.low == pytest.approx(fit.ic50_wald.low, rel=0.1)


def test_limits_that_the_data_do_not_hold_are_open():
    x = np.repeat([0.1, 1, 10.0, 30.0], 2)
    fit = fit_competition(x, counts(20, sd=150, seed=1, x=x), LIGAND)
    assert fit.ic50.high is None
    assert "open" in str(fit.ki)


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0.1, 1e4))
def test_cheng_prusoff_on_the_estimate_and_its_limits(ligand, kd, ic50):
    ki = cheng_prusoff(Estimate(ic50, ic50 / 2, ic50 * 3), Radioligand(ligand, kd))
    assert ki.value == pytest.approx(ic50 / (1 + ligand / kd))
    assert ki.low == pytest.approx(ki.value / 2)
    assert ki.high == pytest.approx(ki.value * 3)


def test_the_error_of_kd_widens_the_limits_of_ki():
    exact = cheng_prusoff(Estimate(20, 18, 22), Radioligand(1, 1.1))
    unsure = Radioligand(1, 1.1, kd_se_nm=0.2)
    wide = cheng_prusoff(Estimate(20, 18, 22), unsure)
    assert wide.value == exact.value
    assert wide.low < exact.low and wide.high > exact.high
    # d ln(1 + L/Kd) / d ln Kd = -(L/Kd) / (1 + L/Kd)
    assert unsure.log_factor_se == pytest.approx((1 / 1.1) / (1 + 1 / 1.1) * 0.2 / 1.1)
    step = 1e-6
    slope = (math.log(Radioligand(1, 1.1 + step).factor) - math.log(LIGAND.factor)) / step
    assert unsure.log_factor_se == pytest.approx(abs(slope) * 0.2, rel=1e-4)
    assert cheng_prusoff(Estimate(20, 18, None), unsure).high is None


def test_a_radioligand_of_nothing_is_refused():
    with pytest.raises(BadInput, match="above 0 nM"):
        Radioligand(1, 0)


def test_a_compound_that_does_not_displace_half_has_a_bound():
    one = affinity(X, counts(5000, sd=10), LIGAND, WINDOW, compound="a")
    assert one.ki is None and one.fit is None
    assert one.quantity.qualifier == ">"
    assert one.quantity.value == pytest.approx(1000 / LIGAND.factor)
    assert "less than half" in one.why
    assert one.fraction_displaced_at_top < 0.5


def test_a_compound_that_displaces_half_at_once_has_the_other_bound():
    one = affinity(X, counts(0.01), LIGAND, WINDOW, compound="a")
    assert one.quantity.qualifier == "<"
    assert one.quantity.value == pytest.approx(0.1 / LIGAND.factor)


@pytest.mark.parametrize(
    ("x", "sentence"),
    [
        (np.full(6, 10.0), "at least three concentrations above 0, here are 1 \\(10 nM\\)"),
        (np.array([0, 0, 1, 1, 10, 10.0]), "here are 2"),
        (np.array([-1, 1, 3, 10, 30, 100.0]), "a concentration is negative"),
    ],
    ids=["one concentration", "two and zero", "negative"],
)
def test_concentrations_that_hold_no_curve(x, sentence):
    with pytest.raises(BadInput, match=sentence):
        fit_competition(x, counts(x=np.abs(x)), LIGAND)


def test_the_window_and_what_is_wrong_with_it():
    seen = window([2000, 2200], [150, 170])
    assert seen.specific == 2100 - 160
    with pytest.raises(BadInput, match=r"E1: specific binding is negative .*exchanged"):
        window([150], [2000], experiment="E1")
    with pytest.raises(BadInput, match="no tubes for nonspecific"):
        window([150], [])
    with pytest.raises(BadInput, match="no tubes for total"):
        window([], [150])


def test_several_experiments_have_a_geometric_mean_and_limits_between_them():
    mean = combine([experiment(8, "1"), experiment(12, "2", seed=2), experiment(10, "3", seed=3)])
    assert mean.ki is not None
    assert mean.ki.value == pytest.approx(10, rel=0.1)
    assert mean.ki.low < 8 and mean.ki.high > 12
    assert mean.n_experiments == 3 and "geometric" in mean.method


def test_one_experiment_keeps_the_limits_of_its_curve():
    one = experiment(10)
    assert combine([one]).ki == one.ki


def test_a_bound_among_the_experiments_stays_a_bound():
    bound = affinity(X, counts(5000), LIGAND, WINDOW, compound="a", target="t", experiment="2")
    mean = combine([experiment(10), bound])
    assert mean.ki is None
    assert mean.quantity.qualifier == ">"
    assert mean.quantity.value == pytest.approx(experiment(10).ki.value)
    other = affinity(X, counts(0.01), LIGAND, WINDOW, compound="a", target="t", experiment="3")
    assert combine([bound, other]).quantity.value is None


def test_selectivity_keeps_bounds():
    kis = {"5-HT1A": parse("10 nM"), "D2": parse("> 10,000 nM"), "5-HT3": Quantity("words")}
    d2, words = selectivity(kis, "ipsapirone", "5-HT1A")
    assert str(d2.ratio) == "> 1000"
    assert words.ratio is None
    with pytest.raises(BadInput, match="has no value at SERT"):
        selectivity(kis, "ipsapirone", "SERT")


@pytest.mark.parametrize(
    ("ic50", "ligand", "kd", "ki"),
    [
        (20.0, 1.0, 1.0, 10.0),
        (100.0, 3.0, 1.0, 25.0),
        (100.0, 1e-9, 1.0, 100.0),
        (1.0, 9.0, 1.0, 0.1),
    ],
    ids=["half occupied", "three times Kd", "almost no ligand", "nine times Kd"],
)
def test_cheng_prusoff_by_hand(ic50, ligand, kd, ki):
    assert cheng_prusoff(Estimate(ic50, None, None), Radioligand(ligand, kd)).value == pytest.approx(ki)


def test_the_fit_agrees_with_scipys():
    from scipy.optimize import curve_fit

    y = counts(sd=40, seed=6)
    known, covariance = curve_fit(
        lambda x, top, bottom, log_ic50: bottom + (top - bottom) / (1 + 10 ** (np.log10(x) - log_ic50)),
        X,
        y,
        p0=[2000, 200, 1],
        xtol=1e-14,
        ftol=1e-14,
    )
    fit = fit_competition(X, y, LIGAND)
    assert (fit.top, fit.bottom, fit.log_ic50) == pytest.approx(known, rel=1e-6)
    assert fit.log_ic50_se == pytest.approx(math.sqrt(covariance[2, 2]), rel=1e-4)


@settings(max_examples=15, deadline=None)
@given(st.floats(1e-4, 1e4))
def test_the_unit_of_the_counts_does_not_move_the_affinity(by):
    y = counts(sd=40, seed=6)
    one, other = fit_competition(X, y, LIGAND), fit_competition(X, by * y, LIGAND)
    assert (other.ki.low, other.ki.value, other.ki.high) == pytest.approx((one.ki.low, one.ki.value, one.ki.high), 1e-6)
    assert other.top == pytest.approx(by * one.top, rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_the_order_of_the_tubes_does_not_matter(seed):
    y = counts(sd=40, seed=6)
    order = np.random.default_rng(seed).permutation(len(X))
    shuffled = fit_competition(X[order], y[order], LIGAND)
    assert shuffled.ki.value == pytest.approx(fit_competition(X, y, LIGAND).ki.value, rel=1e-8)


def test_a_curve_whose_middle_lies_beyond_the_concentrations_says_that_and_not_less_than_half():
    x = np.repeat([1.0, 3, 10, 30, 100.0], 4)
    clean = competition_curve(x, np.array([2000, -1800, math.log10(150), 1.0]))
    one = affinity(x, clean + np.random.default_rng(2).normal(0, 10, len(x)), LIGAND, WINDOW, compound="a")
    assert one.fraction_displaced_at_top >= 0.5
    assert one.ki is None and one.quantity.qualifier == ">"
    assert one.why == "the fitted IC50 lies beyond the highest concentration (100 nM)"


@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=5), st.lists(st.floats(0.01, 1e4), min_size=1, max_size=4))
def test_the_statement_over_experiments_is_never_stronger_than_the_weakest(kis, bounds):
    def said(value, sign=""):
        ki = None if sign else Estimate(value, None, None)
        quantity = Quantity("", value, qualifier=sign, unit="nM")
        return Affinity("a", "t", "1", quantity, ki, None, "", 0.5)

    for sign, weakest in ((">", min), ("<", max)):
        mean = combine([said(ki) for ki in kis] + [said(bound, sign) for bound in bounds])
        assert (mean.quantity.qualifier, mean.quantity.value) == (sign, weakest(kis + bounds))
        assert (mean.n_experiments, mean.n_bounds) == (len(kis) + len(bounds), len(bounds))
    exact = combine([said(ki) for ki in kis])
    assert exact.quantity.value == pytest.approx(math.exp(np.mean(np.log(kis))))
    assert min(kis) * (1 - 1e-9) <= exact.quantity.value <= max(kis) * (1 + 1e-9)


@given(st.floats(0.1, 10), st.floats(0.0, 0.5), st.floats(1.01, 5), st.floats(1.01, 5))
def test_an_error_of_kd_never_narrows_the_limits_and_keeps_their_middle(ligand, share, down, up):
    exact = cheng_prusoff(Estimate(20, 20 / down, 20 * up), Radioligand(ligand, 1.0))
    wide = cheng_prusoff(Estimate(20, 20 / down, 20 * up), Radioligand(ligand, 1.0, kd_se_nm=share))
    assert wide.value == pytest.approx(exact.value, rel=1e-12)
    assert wide.low <= exact.low * (1 + 1e-12) and wide.high >= exact.high * (1 - 1e-12)
    # both errors add in quadrature on the logarithm
    more = math.log(wide.high / wide.value) ** 2 - math.log(up) ** 2
    assert more == pytest.approx(math.log(wide.value / wide.low) ** 2 - math.log(down) ** 2, abs=1e-9)
