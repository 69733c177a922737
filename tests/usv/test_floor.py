from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from behavior.usv.floor import NoiseFloor

levels = st.floats(-140, -20, width=32)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 60), st.just(3)), elements=levels), st.integers(1, 40))
def test_the_floor_is_the_quantile_of_the_last_rows(rows, window):
    floor = NoiseFloor(3, window, 0.2)
    floor.push(rows)
    last = np.sort(rows[-window:], axis=0)
    nearest = last[round(0.2 * (len(last) - 1) - 1e-9)]
    below, above = last[int(0.2 * (len(last) - 1))], last[min(int(0.2 * (len(last) - 1)) + 1, len(last) - 1)]
    assert (floor.db >= below - 0.51).all()
    assert (floor.db <= above + 0.51).all()
    assert nearest.shape == floor.db.shape


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 300), max_size=6))
def test_any_cutting_gives_the_same_floor(cuts):
    rows = np.random.default_rng(1).normal(-100, 6, (300, 5)).astype(np.float32)
    whole, parts = NoiseFloor(5, 100, 0.2), NoiseFloor(5, 100, 0.2)
    whole.push(rows)
    for part in np.split(rows, sorted(cuts)):
        parts.push(part)
    np.testing.assert_array_equal(whole.db, parts.db)


def test_bouts_that_fill_three_fifths_of_the_time_do_not_lift_it():
    """A median would stand 40 dB higher."""
    rng = np.random.default_rng(2)
    noise = rng.normal(-110, 2, (2440, 1)).astype(np.float32)
    calling = (np.arange(2440) % 400 < 240)[:, np.newaxis]
    quiet, bout = NoiseFloor(1, 2440, 0.2), NoiseFloor(1, 2440, 0.2)
    quiet.push(noise)
    bout.push(np.where(calling, np.float32(-70), noise))
    assert bout.db[0] == pytest.approx(quiet.db[0], abs=2.0)


def test_a_band_without_noise_is_held_up():
    floor = NoiseFloor(11, 50, 0.2)
    floor.push(np.full((50, 11), -100, np.float32) - np.float32(60) * (np.arange(11) == 9))
    assert floor.clamped()[9] == pytest.approx(floor.clamped()[0] - 10, abs=0.3)


@settings(max_examples=30, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(2, 40)), elements=levels))
def test_what_holds_a_band_up_is_the_median_of_its_frequencies_however_they_changed(rows):
    """Without what can be heard, which comes last."""
    floor = NoiseFloor(rows.shape[1], 3, 0.2)
    for row in rows:
        floor.push(row[np.newaxis])
        band = floor.db[:-1]
        np.testing.assert_array_equal(floor.clamped(), np.maximum(band, np.sort(band)[len(band) // 2] - np.float32(10)))


@settings(max_examples=30, deadline=None)
@given(st.integers(-40, 40), st.integers(1, 120))
def test_louder_by_whole_cells_is_a_floor_that_is_higher_by_as_much(cells, n):
    rows = (np.random.default_rng(n).normal(-90, 8, (n, 4)) // 0.5 * 0.5 + 0.25).astype(np.float32)
    here, there = NoiseFloor(4, 60, 0.2), NoiseFloor(4, 60, 0.2)
    here.push(rows)
    there.push(rows + np.float32(0.5 * cells))
    np.testing.assert_allclose(there.db - here.db, 0.5 * cells, atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(40)))
def test_the_order_within_the_window_does_not_matter(order):
    rows = np.random.default_rng(3).normal(-90, 8, (40, 4)).astype(np.float32)
    here, there = NoiseFloor(4, 40, 0.2), NoiseFloor(4, 40, 0.2)
    here.push(rows)
    there.push(rows[order])
    np.testing.assert_array_equal(there.db, here.db)


def test_what_left_the_window_is_forgotten():
    rows = np.random.default_rng(5).normal(-90, 8, (50, 4)).astype(np.float32)
    fresh, old = NoiseFloor(4, 50, 0.2), NoiseFloor(4, 50, 0.2)
    fresh.push(rows)
    old.push(np.full((500, 4), -20, np.float32))
    old.push(rows)
    np.testing.assert_array_equal(old.db, fresh.db)


@pytest.mark.parametrize("level", [-400.0, -170.0, 0.0, 60.0])
def test_levels_beyond_the_cells_are_held_at_their_ends(level):
    floor = NoiseFloor(2, 10, 0.2)
    floor.push(np.full((10, 2), level, np.float32))
    np.testing.assert_allclose(floor.db, np.clip(level, -170, -10), atol=0.51)


@pytest.mark.parametrize("n", [1, 2, 7, 50])
def test_a_higher_quantile_is_a_higher_floor(n):
    rows = np.random.default_rng(n).normal(-90, 8, (n, 6)).astype(np.float32)
    floors = [NoiseFloor(6, 50, quantile) for quantile in (0.05, 0.2, 0.5, 0.9)]
    for floor in floors:
        floor.push(rows)
    for low, high in pairwise(floors):
        assert (low.db <= high.db).all()


def test_frequencies_know_nothing_of_each_other():
    rows = np.random.default_rng(8).normal(-90, 8, (90, 3)).astype(np.float32)
    together = NoiseFloor(3, 50, 0.2)
    together.push(rows)
    for k in range(3):
        alone = NoiseFloor(1, 50, 0.2)
        alone.push(rows[:, k : k + 1])
        assert alone.db[0] == together.db[k]
