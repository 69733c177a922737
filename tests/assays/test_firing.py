"""Firing rates: inhibition, interpolated ED50, the pooled curve, and spike times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.assays.firing import (
    analyse_neuron,
    fit_pooled,
    inhibition_by_dose,
    mean_ed50,
    rates_from_spikes,
)
from behavior.model.errors import BadInput

DOSES = np.array([0, 31.25, 62.5, 125, 250, 500])


def neuron(ed50=110.0, hill=2.0, name="F1", noise=0.0, seed=1):
    rates = 1.5 / (1 + (DOSES / ed50) ** hill) + np.random.default_rng(seed).normal(0, noise, 6)
    return analyse_neuron(name, DOSES, rates)


def test_the_ed50_is_interpolated_on_the_logarithm_of_dose():
    one = analyse_neuron("F1", [0, 10, 100], [2.0, 1.5, 0.5])
    assert one.inhibition_percent == (25, 75)
    assert one.ed50 == pytest.approx(np.sqrt(10 * 100))
    assert one.baseline_hz == 2


@pytest.mark.parametrize(
    ("doses", "rates", "why"),
    [
        ([0, 10, 100], [2, 1.9, 1.5], "50 % inhibition not reached (most: 25 %)"),
        ([0, 10, 100], [2, 0.5, 0.1], "50 % inhibition reached at the first dose already"),
        ([-1, 0, 100], [2, 1.9, 0.1], "the dose before is 0, which has no place on a log axis"),
    ],
    ids=["not reached", "at once", "zero dose before"],
)
def test_neurons_without_an_ed50_say_why(doses, rates, why):
    one = analyse_neuron("F1", doses, rates, baseline_dose=doses[0])
    assert one.ed50 is None and one.why == why


@pytest.mark.parametrize(
    ("doses", "rates", "sentence"),
    [
        ([10, 100], [1, 1], "F1: there is no baseline sample"),
        ([0, 10], [0, 1], "baseline rate is 0 Hz"),
        ([0, 100, 10], [1, 1, 1], "cumulative doses do not increase"),
        ([0, 10, 10], [1, 1, 1], "cumulative doses do not increase"),
        ([0, 10, 0, 100], [1, 1, 1, 1], "cumulative doses do not increase"),
        ([0, 10], [np.nan, 1], "no baseline sample"),
    ],
    ids=["no baseline", "silent", "not increasing", "twice", "back to the baseline", "baseline missing"],
)
def test_neurons_that_cannot_be_used(doses, rates, sentence):
    with pytest.raises(BadInput, match=sentence):
        analyse_neuron("F1", doses, rates)


def test_the_mean_is_geometric_and_counts_those_without():
    weak = analyse_neuron("w", DOSES, np.full(6, 1.0))
    found = mean_ed50([neuron(60), neuron(120), neuron(240), weak])
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(120, rel=0.05)
    assert (found.n, found.n_without) == (3, 1)
    assert mean_ed50([weak]).estimate is None


def test_inhibition_over_neurons():
    steps = inhibition_by_dose([neuron(60), neuron(120)])
    assert [step.dose for step in steps] == DOSES[1:].tolist()
    assert all(step.n == 2 and step.sem is not None for step in steps)
    assert inhibition_by_dose([neuron()])[0].sem is None


@settings(max_examples=15, deadline=None)
@given(st.floats(50, 300), st.floats(0.8, 3))
def test_the_pooled_curve_of_equal_neurons_is_theirs(ed50, hill):
    found = fit_pooled([neuron(ed50, hill), neuron(ed50, hill, "F2")])
    assert (found.ed50.value, found.hill) == pytest.approx((ed50, hill), rel=1e-4)


def test_the_pooled_curve_is_refused_where_it_would_be_invented():
    flat = [analyse_neuron(f"F{i}", DOSES, np.full(6, 1.0)) for i in range(3)]
    with pytest.raises(BadInput, match=r"no dose inhibits by half.*higher doses"):
        fit_pooled(flat)
    with pytest.raises(BadInput, match="at least two doses above 0"):
        fit_pooled([analyse_neuron("F", [0, 10], [1, 0.2])])


def test_rates_around_injections_from_spike_times():
    spikes = np.concatenate([np.arange(0, 100, 0.5), np.arange(100, 200, 1.0), np.arange(200, 300, 4.0)])
    rates = rates_from_spikes(spikes, [(100, 50), (200, 150)], window_s=80, delay_s=10)
    assert rates == pytest.approx({0: 2, 50: 1, 150: 0.25})


def test_the_window_ends_at_the_next_injection():
    spikes = np.arange(0, 40, 1.0)
    assert rates_from_spikes(spikes, [(10, 1), (20, 2)], window_s=10)[1] == 1
    with pytest.raises(BadInput, match="the next injection follows 10 s after"):
        rates_from_spikes(spikes, [(10, 1), (20, 2)], window_s=5, delay_s=10, baseline_s=5)
    with pytest.raises(BadInput, match="no 30 s of baseline"):
        rates_from_spikes(spikes, [(10, 1)], window_s=30)
    with pytest.raises(BadInput, match="must be given and increase"):
        rates_from_spikes(spikes, [(20, 1), (10, 2)], window_s=5)
    with pytest.raises(BadInput, match="must be given"):
        rates_from_spikes(spikes, [], window_s=5)


def test_the_pooled_fit_agrees_with_scipys_and_its_wald_limits_with_the_delta_method():
    from scipy import stats
    from scipy.optimize import curve_fit

    neurons = [neuron(80, 1.5, "F1", 0.05, 1), neuron(140, 2.5, "F2", 0.05, 2), neuron(110, 2.0, "F3", 0.05, 3)]
    x = np.array([d for one in neurons for d in one.doses])
    y = np.array([100 - i for one in neurons for i in one.inhibition_percent])
    known, covariance = curve_fit(lambda x, log_ed50, h: 100 / (1 + (x / np.exp(log_ed50)) ** h), x, y, p0=[4.7, 2])
    half = stats.t.ppf(0.975, len(x) - 2) * np.sqrt(covariance[0, 0])
    found = fit_pooled(neurons)
    assert (found.ed50.value, found.hill) == pytest.approx((np.exp(known[0]), known[1]), rel=1e-4)
    assert (found.ed50_wald.low, found.ed50_wald.high) == pytest.approx(
        (np.exp(known[0] - half), np.exp(known[0] + half)), rel=1e-3
    )
    assert found.ed50.low < found.ed50.value < found.ed50.high


@settings(max_examples=50)
@given(
    st.lists(st.floats(0, 5), min_size=2, max_size=6),
    st.floats(0.1, 5),
    st.floats(0.01, 100),
    st.floats(0.01, 100),
    st.floats(5, 95),
)
def test_units_of_dose_and_rate_only_scale_the_ed50_which_lies_between_its_doses(rates, base, by_dose, by_rate, level):
    doses = np.append(0, 10.0 ** np.arange(len(rates)))
    hz = np.append(base, rates)
    one = analyse_neuron("F", doses, hz, criterion_percent=level)
    other = analyse_neuron("F", doses * by_dose, hz * by_rate, criterion_percent=level)
    assert other.inhibition_percent == pytest.approx(one.inhibition_percent, abs=1e-9)
    assert (one.ed50 is None) == bool(one.why)
    if one.ed50 is not None and other.ed50 is not None:
        assert other.ed50 == pytest.approx(by_dose * one.ed50, rel=1e-6)
        first = next(i for i, x in enumerate(one.inhibition_percent) if x >= level)
        assert one.doses[first - 1] < one.ed50 <= one.doses[first] * (1 + 1e-9)


def test_several_baseline_samples_are_averaged_and_excitation_is_negative_inhibition():
    one = analyse_neuron("F", [0, 0, 0, 10, 100], [1.0, 2.0, 3.0, 4.0, 0.5])
    assert one.baseline_hz == 2 and one.inhibition_percent == (-100, 75)
    assert one.ed50 == pytest.approx(10 ** (1 + 150 / 175))


def test_a_criterion_met_exactly_is_met():
    assert analyse_neuron("F", [0, 10, 100], [2.0, 1.5, 1.0]).ed50 == pytest.approx(100)


def test_a_missing_sample_is_bridged_to_the_dose_before_it():
    one = analyse_neuron("F", [0, 1, 10, 100], [2.0, 1.5, np.nan, 0.5])
    assert one.doses == (1, 100) and one.ed50 == pytest.approx(10)


@settings(max_examples=30)
@given(st.lists(st.floats(0, 300), max_size=200), st.integers(0, 1000))
def test_every_spike_counts_once_whatever_the_order(spikes, seed):
    shuffled = np.random.default_rng(seed).permutation(spikes)
    injections = [(100.0, 50.0), (200.0, 150.0)]
    rates = rates_from_spikes(shuffled, injections, window_s=100)
    counted = sum(rate * 100 for rate in rates.values())
    assert counted == pytest.approx(sum(at < 300 for at in spikes))
    assert rates == rates_from_spikes(spikes, injections, window_s=100)


@pytest.mark.parametrize("doses", [(0, 50), (50, 50), (50, 40), (-1, 5)])
def test_injections_whose_doses_do_not_rise_above_0_are_refused(doses):
    with pytest.raises(BadInput, match="must be above 0 and increase"):
        rates_from_spikes([1.0], [(100, doses[0]), (200, doses[1])], window_s=50)
