from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.clock import LOST_US, ArrivalClock, SampleLine, fit_pulses

RATE, BLOCK = 250_000, 4096


def arrivals(seconds: float, true_rate: float, seed: int, began_us: float = 5e6, first: int = 0):
    """Ends of blocks and when they arrive: at once now and then, usually up to 30 ms late."""
    rng = np.random.default_rng(seed)
    ends = first + BLOCK * np.arange(1, round(seconds * true_rate / BLOCK) + 1)
    late_us = np.where(rng.random(len(ends)) < 0.2, rng.uniform(0, 100, len(ends)), rng.uniform(0, 30_000, len(ends)))
    return list(zip(ends.tolist(), (began_us + 1e6 * ends / true_rate + late_us).tolist(), strict=True))


@pytest.mark.parametrize("drift_ppm", [0, 104, -300, 2_000])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_rate_and_the_offset_are_learned_from_arrivals(drift_ppm: float, seed: int) -> None:
    true_rate, clock = RATE * (1 + drift_ppm / 1e6), ArrivalClock(RATE)
    for n, at_us in arrivals(60, true_rate, seed):
        assert clock.observe(n, at_us) is None
    assert clock.line is not None
    assert clock.line.samples_per_s == pytest.approx(true_rate, rel=5e-6)
    for n in (30 * RATE, 60 * RATE):
        assert clock.line.at_us(n) == pytest.approx(5e6 + 1e6 * n / true_rate, abs=250)
    assert clock.jitter_us < 1000


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.floats(0.1, 3.0), st.floats(3.0, 9.0))
def test_sound_that_went_missing_without_a_word_is_noticed_with_its_length(seed, lost_s, after_s) -> None:
    clock = ArrivalClock(RATE)
    before = arrivals(after_s, RATE, seed)
    found = [clock.observe(n, at_us) for n, at_us in before]
    last_n, n_found = before[-1][0], 0.0
    for n, at_us in arrivals(7.0, RATE, seed + 1, began_us=5e6 + 1e6 * lost_s, first=last_n):
        n_found += clock.observe(n + round(n_found * RATE / 1e6), at_us) or 0.0
    assert set(found) == {None}
    assert n_found == pytest.approx(1e6 * lost_s, abs=30_000), "after three seconds the rate is known that well"
    assert lost_s * 1e6 > LOST_US


@given(st.integers(0, 2**32), st.floats(0.0, 2.0))
@settings(max_examples=20)
def test_how_much_is_missing_when_that_is_said_the_next_second_tells(seed, lost_s) -> None:
    clock = ArrivalClock(RATE)
    before = arrivals(8, RATE, seed)
    for n, at_us in before:
        clock.observe(n, at_us)
    clock.suspect()
    after = arrivals(2.0, RATE, seed + 1, began_us=5e6 + 1e6 * lost_s, first=before[-1][0])
    told = [clock.observe(n, at_us) for n, at_us in after]
    (missing_us,) = [one for one in told[:70] if one is not None]
    assert missing_us == pytest.approx(1e6 * lost_s, abs=6_000)


def test_a_computer_that_is_busy_for_some_seconds_loses_nothing_by_that() -> None:
    clock, rng = ArrivalClock(RATE), np.random.default_rng(5)
    late_us = np.repeat(rng.uniform(0, 400_000, 40), 61) * (np.repeat(rng.random(40), 61) < 0.5)
    for k, (n, at_us) in enumerate(arrivals(40, RATE, 1)):
        assert clock.observe(n, at_us + late_us[min(k, len(late_us) - 1)]) is None


def test_a_line_counts_from_any_sample() -> None:
    line = SampleLine(1e6, 250_010.0)
    later = line.from_sample(500_000)
    assert later.at_us(10) == pytest.approx(line.at_us(500_010))
    assert line.sample(line.at_us(123.0)) == pytest.approx(123.0)


@given(
    offset_us=st.floats(-120_000, 120_000), drift_ppm=st.floats(-300, 300), seed=st.integers(0, 2**32),
    n_missing=st.integers(0, 4), n_false=st.integers(0, 10),
)  # fmt: skip
def test_pulses_put_sound_on_the_sessions_clock_whatever_is_missed_or_false(
    offset_us, drift_ppm, seed, n_missing, n_false
) -> None:
    rng = np.random.default_rng(seed)
    known_us = np.cumsum(rng.uniform(2e6, 20e6, 25)) + 1e6
    true = SampleLine(offset_us, RATE * (1 + drift_ppm / 1e6))
    heard = np.round((known_us + rng.normal(0, 20, 25) - true.began_us) * true.samples_per_s / 1e6)
    kept = np.sort(rng.permutation(25)[n_missing:])
    false = rng.uniform(heard[0], heard[-1], n_false)
    fit = fit_pulses(
        [*heard[kept].astype(int), *false.astype(int)], known_us.tolist(), SampleLine(0.0, true.samples_per_s)
    )
    assert fit is not None
    middle = heard[12]
    assert fit.line.at_us(middle) == pytest.approx(true.at_us(middle), abs=40)
    assert fit.line.samples_per_s == pytest.approx(true.samples_per_s, rel=2e-6)
    assert len(fit.residuals_us) + fit.n_left_out == 25
    assert max(map(abs, fit.residuals_us)) < 1_000


def test_one_pulse_gives_the_offset_and_leaves_the_rate() -> None:
    fit = fit_pulses([250_000], [1_060_000.0], SampleLine(0.0, 250_013.0))
    assert fit is not None
    assert fit.line.samples_per_s == pytest.approx(250_013.0)
    assert fit.line.at_us(250_000) == pytest.approx(1_060_000)
    assert (fit.residuals_us, fit.n_left_out) == ((0,), 0)


@pytest.mark.parametrize("samples, times_us", [([], [1e6]), ([5], []), ([250_000], [9e6])])
def test_without_a_pulse_that_both_have_there_is_no_fit(samples, times_us) -> None:
    assert fit_pulses(samples, times_us, SampleLine(0.0, RATE)) is None
