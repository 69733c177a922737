"""A channel's changes: sample-exact, however noisy, however cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.scoring.edges import Change, Edges

DEBOUNCE = 10


def changes(samples: np.ndarray, *, cuts: list[int] | None = None, **options: object) -> list[tuple[int, bool]]:
    edges = Edges(0.5, **{"hysteresis": 0.4, "debounce": DEBOUNCE, **options})  # type: ignore[arg-type]
    found: list[Change] = []
    for block in np.split(samples, sorted(cuts or [])):
        found += edges.feed(block)
    return [(change.sample, change.on) for change in found]


def levels(*runs: tuple[int, float]) -> np.ndarray:
    return np.concatenate([np.full(n, value, dtype=float) for n, value in runs])


def test_a_clean_pulse_is_on_and_off_at_its_samples() -> None:
    assert changes(levels((100, 0), (50, 1), (30, 0))) == [(100, True), (150, False)]


def test_a_state_must_last_for_the_debounce_time() -> None:
    assert changes(levels((100, 0), (DEBOUNCE - 1, 1), (100, 0))) == []
    assert changes(levels((100, 0), (DEBOUNCE, 1), (100, 0))) == [(100, True), (100 + DEBOUNCE, False)]
    assert changes(levels((20, 0), (1, 1), (20, 0)), debounce=0) == [(20, True), (21, False)]


def test_a_bouncing_contact_is_one_press_from_its_first_touch() -> None:
    bounce = [(2, 1), (3, 0), (4, 1), (1, 0)]
    samples = levels((100, 0), *bounce, (200, 1), *[(n, 1 - value) for n, value in bounce], (100, 0))
    assert changes(samples) == [(100, True), (310, False)]


def test_within_the_band_nothing_changes() -> None:
    assert changes(levels((50, 0), (50, 0.69), (50, 1), (50, 0.31), (50, 0))) == [(100, True), (200, False)]


def test_a_slow_slope_with_noise_is_one_change() -> None:
    random = np.random.default_rng(1)
    slope = np.concatenate([np.zeros(500), np.linspace(0, 1, 2000), np.ones(500)])
    assert [on for _, on in changes(slope + random.normal(0, 0.05, slope.size))] == [True]


def test_active_low_is_the_mirror() -> None:
    samples = levels((100, 0), (50, 1), (30, 0))
    assert changes(-samples + 1, active_low=True) == changes(samples)


def test_what_is_no_number_changes_nothing() -> None:
    samples = levels((100, 0), (50, 1), (30, 0))
    samples[110:120] = np.nan
    assert changes(samples) == [(100, True), (150, False)]


def test_the_area_is_the_sum_of_what_came_before() -> None:
    edges = Edges(0.5, debounce=3)
    found = [
        change
        for block in np.split(levels((10, 0.25), (8, 2.0), (10, 0.0)), [4, 13, 15])
        for change in edges.feed(block)
    ]
    assert [(change.sample, change.area) for change in found] == [(10, 2.5), (18, 18.5)]


def test_integers_of_any_kind_are_samples() -> None:
    for kind in (np.int16, np.uint8, np.int32, np.float32):
        samples = (levels((50, 0), (50, 1), (50, 0)) * 100).astype(kind)
        assert [c.sample for c in Edges(50, debounce=5).feed(samples)] == [50, 100]
        assert [c.sample for c in Edges(50, debounce=5, active_low=True).feed(samples)] == [0, 50, 100]


runs = st.lists(st.tuples(st.integers(1, 40), st.sampled_from([0.0, 0.2, 0.5, 0.8, 1.0])), min_size=1, max_size=25)


@settings(max_examples=150, deadline=None)
@given(runs, st.lists(st.integers(0, 600), max_size=12), st.integers(0, 20))
def test_cut_into_any_blocks_the_changes_are_the_same(
    given: list[tuple[int, float]], cuts: list[int], debounce: int
) -> None:
    samples = levels(*given)
    inside = [cut for cut in cuts if cut < samples.size]
    assert changes(samples, cuts=inside, debounce=debounce) == changes(samples, debounce=debounce)


@settings(max_examples=100, deadline=None)
@given(runs, st.integers(0, 20))
def test_changes_alternate_and_none_comes_before_what_was_settled(
    given: list[tuple[int, float]], debounce: int
) -> None:
    edges, found = Edges(0.5, hysteresis=0.4, debounce=debounce), list[Change]()
    settled = 0
    for n, value in given:
        new = edges.feed(np.full(n, value))
        assert all(change.sample >= settled for change in new)
        assert edges.settled >= settled
        settled = edges.settled
        found += new
    assert [change.on for change in found] == [i % 2 == 0 for i in range(len(found))]
    assert [change.sample for change in found] == sorted({change.sample for change in found})


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(60, 300), st.integers(60, 300)), min_size=1, max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_bounce_and_noise_move_no_change_by_a_sample(pulses: list[tuple[int, int]], seed: int) -> None:
    random, samples, truth, at = np.random.default_rng(seed), [], [], 0
    for off, on in pulses:
        for n, value in ((off, 0.0), (on, 1.0)):
            run = np.full(n, value)
            if samples:
                bounce = random.integers(0, 2, size=DEBOUNCE // 2).astype(float)
                bounce[0] = value  # the first touch is where the truth is
                run[: bounce.size] = bounce
                truth.append((at, value == 1.0))
            samples.append(run)
            at += n
    noisy = np.concatenate(samples)
    noisy += np.clip(random.normal(0, 0.08, noisy.size), -0.25, 0.25)
    for spike in random.integers(20, at - 20, size=3):  # no longer than a sample, away from the edges
        if all(abs(int(spike) - edge) > 2 * DEBOUNCE for edge, _ in truth):
            noisy[spike] = 1 - round(noisy[spike])
    assert changes(noisy) == truth


@pytest.mark.parametrize("options", [{"hysteresis": -1}, {"debounce": -1}])
def test_negative_widths_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be 0 or more"):
        Edges(0.5, **options)  # type: ignore[arg-type]
