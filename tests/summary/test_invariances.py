"""What must not matter to any default test: the order of animals, their names, the unit they are measured in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from behavior.model.measures import MEASURES, Kind
from behavior.summary.against_vehicle import compared
from behavior.summary.units import TrialTimes, Units
from behavior.summary.vehicle_test import Against, Compared
from summary.made import units_of

DOSES = np.repeat([0.0, 1.0, 3.0], 6)
MEASURE: dict[Kind, str] = {
    "rate": "punished_rate_per_min",
    "ratio": "suppression_ratio",
    "duration": "calling_time_s",
    "count": "n_calls",
    "share": "n_failures",
    "latency": "retention_latency_s",
}


def made(kind: Kind) -> Units:
    """Units of a kind with an effect of the dose that is neither sure nor absent."""
    rng, n = np.random.default_rng(7), len(DOSES)
    level = 1 + 0.5 * DOSES
    if kind == "count":
        y = rng.poisson(12 * level * rng.gamma(6, 1 / 6, n)).astype(float)
        return replace(units_of(DOSES, y), events=y, exposure=rng.choice([240.0, 300.0], n))
    if kind == "share":
        k = rng.binomial(30, rng.beta(2 * level, 4, n)).astype(float)
        return replace(units_of(DOSES, k), events=k, trials=np.full(n, 30.0))
    if kind == "latency":
        return units_of(DOSES, np.minimum(300 / level * rng.weibull(1.2, n), 250.0), cut_off=250.0)
    return units_of(DOSES, level / 10 + rng.normal(0, 0.06, n))


def reordered(units: Units, order: np.ndarray) -> Units:
    taken = {
        name: None if (column := getattr(units, name)) is None else column[order]
        for name in ("doses", "responses", "censored", "events", "trials", "exposure")
    }
    by_trial = units.by_trial
    if by_trial is not None:
        place = np.argsort(order)
        by_trial = replace(by_trial, entry=place[by_trial.entry])
    return replace(units, subjects=tuple(units.subjects[i] for i in order), by_trial=by_trial, **taken)


def figures(found: Compared) -> dict[str, tuple[float | None, ...]]:
    assert found.test is not None, found.why_not

    def of(one: Against) -> tuple[float | None, ...]:
        return one.estimate, one.lo, one.hi, one.p, one.p_adjusted

    return {level: of(one) for level, one in found.against.items()}


def same(one: Compared, other: Compared, *, abs_p: float = 1e-9) -> None:
    for level, values in figures(one).items():
        for a, b in zip(values, figures(other)[level], strict=True):
            assert (a is None) == (b is None)
            if a is not None and b is not None:
                assert b == pytest.approx(a, rel=1e-6, abs=abs_p), level


@pytest.mark.parametrize("kind", MEASURE)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_animals_does_not_matter(kind: Kind, seed: int) -> None:
    units, measure = made(kind), MEASURES[MEASURE[kind]]
    order = np.random.default_rng(seed).permutation(len(DOSES))
    same(compared(units, measure), compared(reordered(units, order), measure))


@pytest.mark.parametrize("kind", MEASURE)
def test_names_of_animals_do_not_matter(kind: Kind) -> None:
    units, measure = made(kind), MEASURES[MEASURE[kind]]
    renamed = replace(units, subjects=tuple(f"Z{97 * i % 101}" for i in range(len(DOSES))))
    same(compared(units, measure), compared(renamed, measure))


@pytest.mark.parametrize("kind", ["rate", "ratio", "duration", "latency"])
def test_a_unit_of_measurement_scales_differences_and_leaves_p(kind: Kind) -> None:
    units, measure = made(kind), MEASURES[MEASURE[kind]]
    cut_off = None if units.cut_off is None else 60 * units.cut_off
    seconds = replace(units, responses=60 * units.responses, cut_off=cut_off)
    before, after = figures(compared(units, measure)), figures(compared(seconds, measure))
    for level, (estimate, lo, hi, p, adjusted) in before.items():
        assert after[level][3:] == pytest.approx((p, adjusted), rel=1e-6)
        for scaled, value in zip(after[level][:3], (estimate, lo, hi), strict=True):
            assert scaled is not None and value is not None
            assert scaled == pytest.approx(60 * value, rel=1e-6)


@pytest.mark.parametrize("kind", ["rate", "ratio", "duration"])
def test_a_constant_added_to_all_leaves_differences(kind: Kind) -> None:
    units, measure = made(kind), MEASURES[MEASURE[kind]]
    same(compared(units, measure), compared(replace(units, responses=units.responses + 5), measure))


def test_a_count_in_minutes_has_the_same_rate_ratio_as_in_seconds() -> None:
    units, measure = made("count"), MEASURES["n_calls"]
    assert units.exposure is not None
    same(compared(units, measure), compared(replace(units, exposure=units.exposure / 60), measure))


def test_successes_have_the_inverse_odds_of_failures() -> None:
    units, measure = made("share"), MEASURES["n_failures"]
    assert units.events is not None and units.trials is not None
    rest = units.trials - units.events
    before = figures(compared(units, measure))
    after = figures(compared(replace(units, events=rest, responses=rest), measure))
    for level, (ratio, lo, hi, p, adjusted) in before.items():
        assert ratio and lo and hi
        assert after[level] == pytest.approx((1 / ratio, 1 / hi, 1 / lo, p, adjusted), rel=1e-6)


def test_trials_in_another_order_are_the_same_trials() -> None:
    rng = np.random.default_rng(3)
    time = np.minimum((1 + 0.5 * DOSES)[:, None] * rng.weibull(1.3, (len(DOSES), 10)), 3.0)
    entry, flat = np.repeat(np.arange(len(DOSES)), 10), time.ravel()
    trials = TrialTimes(entry, flat, flat < 3.0, 3.0)
    units, measure = replace(units_of(DOSES, time.mean(axis=1)), by_trial=trials), MEASURES["mean_escape_latency_s"]
    order = rng.permutation(len(flat))
    mixed = replace(trials, entry=entry[order], time=flat[order], event=(flat < 3.0)[order])
    same(compared(units, measure), compared(replace(units, by_trial=mixed), measure))
    same(compared(units, measure), compared(reordered(units, rng.permutation(len(DOSES))), measure))
