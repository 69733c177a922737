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
