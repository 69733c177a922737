"""ED50s of fractions, counts and cut-off latencies: found where they are, refused where they are not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from behavior.model.errors import BadInput
from behavior.summary.dose_response import log_logistic
from behavior.summary.ed50 import NoEd50
from behavior.summary.outcome_ed50 import Counts, CutLatencies, Fractions, OutcomeEd50, outcome_ed50

DOSES = np.array([0, 0.3, 1, 3, 10, 30.0])
TRUE = np.array([1.5, 0.1, 0.8, 2.5])


def fractions(seed=1, n=8, curve=TRUE, sd=0.6):
    rng = np.random.default_rng(seed)
    x = np.repeat(DOSES, n)
    p = np.clip(log_logistic(x, np.array(curve)), 0.01, 0.99)
    p = 1 / (1 + np.exp(-(np.log(p / (1 - p)) + rng.normal(0, sd, len(x)))))
    return x, Fractions(rng.binomial(30, p).astype(float), np.full(len(x), 30.0))


def counts(seed=1, n=8, curve=TRUE, minutes=10.0):
    rng = np.random.default_rng(seed)
    x = np.repeat(DOSES, n)
    mean = 10 * minutes * log_logistic(x, np.array(curve)) * rng.gamma(6, 1 / 6, len(x))
    return x, Counts(rng.poisson(mean).astype(float), np.full(len(x), minutes))


def cut_latencies(seed=1, n=10, cutoff=200.0):
    rng = np.random.default_rng(seed)
    x = np.repeat(DOSES, n)
    t = 300 * log_logistic(x, TRUE) * rng.lognormal(0, 0.5, len(x))
    return x, CutLatencies(np.minimum(t, cutoff), (t <= cutoff).astype(float))


@pytest.mark.parametrize("study", [fractions, counts, cut_latencies])
def test_intervals_hold_the_truth_and_say_what_they_are(study):
    found = [outcome_ed50(*study(seed)) for seed in (1, 2, 3)]
    given = [f for f in found if isinstance(f, OutcomeEd50)]
    assert len(given) >= 2
    assert sum(f.lo < 2.5 < f.hi for f in given) >= len(given) - 1
    for f in given:
        assert f.lo < f.estimate < f.hi
        assert f.direction == "decrease"
        assert f.meaning.startswith("relative: ")
        half = (f.parameters["c"] + f.parameters["d"]) / 2
        assert f.curve([f.estimate])[0] == pytest.approx(half, rel=1e-6)


def test_animals_that_differ_widen_the_interval_of_a_fraction():
    alike, apart = outcome_ed50(*fractions(2, sd=0.0)), outcome_ed50(*fractions(2, sd=0.8))
    assert isinstance(alike, OutcomeEd50)
    assert isinstance(apart, OutcomeEd50)
    assert alike.dispersion < 1.6 < apart.dispersion
    assert apart.hi / apart.lo > alike.hi / alike.lo


def test_units_of_dose_and_exposure_do_not_matter():
    x, plain = counts(2)
    one = outcome_ed50(x, plain)
    other = outcome_ed50(x * 10, Counts(plain.counts, plain.exposure * 60))
    assert isinstance(one, OutcomeEd50)
    assert isinstance(other, OutcomeEd50)
    assert (other.estimate, other.lo, other.hi) == pytest.approx(
        (10 * one.estimate, 10 * one.lo, 10 * one.hi), rel=0.02
    )


def test_the_maximum_is_not_below_the_likelihood_of_the_truth():
    x, outcome = fractions(3, sd=0.0)
    found = outcome_ed50(x, outcome)
    assert isinstance(found, OutcomeEd50)
    assert found.loglik >= outcome.loglik(log_logistic(x, TRUE), 0.0)


def test_rising_effects_and_absolute_targets_are_welcome():
    found = outcome_ed50(*fractions(1, curve=(1.5, 0.8, 0.1, 2.5), sd=0.3))
    assert isinstance(found, OutcomeEd50)
    assert found.direction == "increase"
    half = outcome_ed50(*counts(2), percent_of_vehicle=50)
    assert isinstance(half, OutcomeEd50)
    assert half.kind == "absolute"
    assert half.curve([half.estimate])[0] == pytest.approx(half.parameters["d"] / 2, rel=1e-6)


def test_a_fixed_floor_is_kept():
    found = outcome_ed50(*fractions(2, curve=(1.5, 0.02, 0.8, 2.5)), fixed={"c": 0.0})
    assert isinstance(found, OutcomeEd50)
    assert found.parameters["c"] == 0.0


def reasons(x, outcome, **more):
    found = outcome_ed50(x, outcome, **more)
    assert isinstance(found, NoEd50)
    return " | ".join(found.reasons)


def test_flat_data_are_refused():
    x, flat = fractions(4, curve=(1.5, 0.3, 0.3, 2.5))
    assert "the doses do not differ" in reasons(x, flat)
    refused = [isinstance(outcome_ed50(*counts(s, curve=(1.5, 0.5, 0.5, 2.5))), NoEd50) for s in range(12)]
    assert sum(refused) >= 10


def test_effects_that_turn_or_stop_short_are_refused():
    x = np.repeat(DOSES, 8)
    rng = np.random.default_rng(1)
    p = np.select([x == 1, x >= 10], [0.9, 0.1], 0.5)
    turning = Fractions(rng.binomial(30, p).astype(float), np.full(len(x), 30.0))
    assert "not monotone" in reasons(x, turning)
    x, short = counts(1, curve=(1.5, 0.6, 0.8, 2.5), minutes=1000.0)
    assert "do not" in reasons(x, short, percent_of_vehicle=50)


def test_animals_at_the_cutoff_throughout_are_refused_not_crashed():
    x = np.repeat(DOSES, 5)
    assert "every latency is at the cut-off" in reasons(x, CutLatencies(np.full(30, 300.0), np.zeros(30)))


def test_a_dose_at_which_all_reach_the_cutoff_takes_part():
    x, outcome = cut_latencies(2, cutoff=120.0)
    assert not outcome.event[x == 0].all()
    found = outcome_ed50(x, outcome)
    assert isinstance(found, OutcomeEd50 | NoEd50)


def test_too_few_doses_and_unmatched_rows_are_refused():
    few = Fractions(np.array([1.0, 2, 3]), np.full(3, 5.0))
    assert "too few" in reasons([0, 1, 2], few)
    with pytest.raises(BadInput, match="2 doses stand beside 3 outcomes"):
        outcome_ed50([0, 1], few)
    with pytest.raises(BadInput, match="negative or missing"):
        outcome_ed50([0, -1, math.nan], few)
