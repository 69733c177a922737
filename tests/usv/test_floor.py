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
    floor = NoiseFloor(10, 50, 0.2)
    floor.push(np.full((50, 10), -100, np.float32) - np.float32(60) * (np.arange(10) == 9))
    assert floor.clamped(10)[9] == pytest.approx(floor.clamped(10)[0] - 10, abs=0.3)
