from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.spectrogram import FramedSound, FrameGrid
from behavior.usv import search
from behavior.usv.contour import ContourTracker
from behavior.usv.floor import FRAMES_A_ROW, NoiseFloor
from behavior.usv.ridges import empty_frames, group_edges
from behavior.usv.search import AROUND, BLOCK, EVEN, FIRST, Plan, Search

GRID = FrameGrid.at(250_000)
AUDIBLE, LOWEST, HIGHEST, N_ROWS = 6, 37, 157, 16 * BLOCK
N_BINS = HIGHEST - LOWEST
HOLD_DB = 4.7


def searching(samples, *, look_db=7.2):
    """A search of this sound, and the sound."""
    sound = FramedSound(GRID, AUDIBLE, HIGHEST)
    sound.push(samples)
    edges = group_edges(N_BINS, GRID.bin_hz)
    plan = Plan(25, LOWEST - AUDIBLE, 0, N_BINS, edges, look_db, HOLD_DB)
    tracker = ContourTracker(6_000, level_below=30.0, hold_db=HOLD_DB, least=5.0, patient_from=40.0)
    return Search(sound, plan, N_BINS, N_ROWS, NoiseFloor(N_BINS + 1, 1220, 0.2), tracker), sound


def noise(n_frames, seed=1):
    samples = np.random.default_rng(seed).normal(0, 100, (n_frames - 1) * GRID.hop + GRID.size)
    return samples.astype(np.int16)


def with_tone(samples, hz, first, stop, amplitude=400.0):
    """A tone in frames [first, stop)."""
    at = np.arange(first * GRID.hop, stop * GRID.hop)
    sounding = samples.astype(float)
    sounding[at] += amplitude * np.sin(2 * np.pi * hz * at / GRID.sample_rate_hz)
    return sounding.astype(np.int16)


def all_of(found, until):
    """The contours of a whole search."""
    ended = []
    while found.n_levels + BLOCK <= until:
        ended.append(found.run(until))
    return np.concatenate((*ended, found.run(until, last=True)))


def test_a_tone_is_seen_and_its_levels_are_those_of_the_spectrum_and_elsewhere_none_are_kept():
    n, hz = 3 * FIRST, 40_000.0
    samples = with_tone(noise(n), hz, 3_000, 3_200)
    found, sound = searching(samples)
    ended = all_of(found, n)
    longest = ended[np.argmax(ended["evidence"])]
    assert longest["start"] == pytest.approx(3_000 - 3, abs=3)
    assert longest["stop"] == pytest.approx(3_200 - 1, abs=3)
    frames = found.frames
    assert frames.known[3_000 - AROUND : 3_200 + AROUND - 8].all()
    assert frames.known[:n].mean() < 0.3
    expected = 10 * np.log10(sound.power(3_010, 3_190)[LOWEST - AUDIBLE :])
    np.testing.assert_allclose(frames.level[:, 3_010:3_190], expected, atol=0.002)


def test_a_first_look_sees_every_second_frame_of_a_tone_and_hardly_any_of_noise():
    n = 2 * FIRST
    found, _ = searching(with_tone(noise(n), 40_000.0, 3_000, 3_200))
    all_of(found, n)
    assert found.frames.seen[3_004:3_190:2].all()
    assert found.frames.seen[: 3_000 - 8].mean() < 0.01


def test_the_floor_is_that_of_rows_of_four_of_every_eight_even_frames():
    n = FIRST
    found, sound = searching(noise(n))
    found.run(n)
    power = sound.power(0, n, 2)
    rows = power.reshape(len(power), -1, FRAMES_A_ROW // 2)[:, :, :4].mean(axis=2).T
    audible = rows[:, :25].mean(axis=1, keepdims=True)
    floor = NoiseFloor(N_BINS + 1, 1220, 0.2)
    floor.push((10 * np.log10(np.concatenate((rows[:, LOWEST - AUDIBLE :], audible), axis=1))).astype(np.float32))
    np.testing.assert_allclose(found.latest_floor, floor.clamped(), atol=0.02)


def test_nothing_is_looked_at_before_there_is_a_floor():
    found, _ = searching(noise(FIRST - 1))
    assert len(found.run(FIRST - 1)) == 0
    assert found.latest_floor is None
    assert found.n_ridged == 0
    found.run(FIRST - 1, last=True)
    assert found.n_ridged == FIRST - 1


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 3 * BLOCK), st.integers(0, 2**16))
def test_a_sound_of_any_length_is_searched_to_its_last_frame(n, seed):
    found, _ = searching(noise(n, seed))
    all_of(found, n)
    assert (found.n_levels, found.n_ridged) == (n, n)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**16))
def test_block_by_block_and_all_at_once_are_the_same(seed):
    n = FIRST + 5 * BLOCK + 77
    samples = with_tone(noise(n, seed), 30_000.0, FIRST + 100, FIRST + 300)
    at_once, _ = searching(samples)
    step_by_step, _ = searching(samples)
    ended = []
    while step_by_step.n_levels + BLOCK <= n:
        ended.append(step_by_step.run(step_by_step.n_levels + BLOCK))
    ended.append(step_by_step.run(n, last=True))
    np.testing.assert_array_equal(np.concatenate(ended), all_of(at_once, n))
    for here, there in zip(step_by_step.frames, at_once.frames, strict=True):
        np.testing.assert_array_equal(here, there)


def test_what_is_needed_still_suffices():
    """Samples before `needs` can be forgotten after every run."""
    n = FIRST + 8 * BLOCK
    samples = with_tone(noise(n), 30_000.0, FIRST + 100, FIRST + 900)
    whole, _ = searching(samples)
    forgetful, sound = searching(samples)
    ended = []
    while forgetful.n_levels + BLOCK <= n:
        ended.append(forgetful.run(forgetful.n_levels + BLOCK))
        sound.forget(forgetful.needs)
    ended.append(forgetful.run(n, last=True))
    assert sound.held(2)[1] > 0
    np.testing.assert_array_equal(np.concatenate(ended), all_of(whole, n))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700), st.integers(0, 90))
def test_levels_of_even_frames_are_kept_for_the_frames_after_them_too(first, n):
    """The rings may wrap within them; no other place is touched."""
    n_rows = 256
    rings, origin = empty_frames(n_rows, 3, 64), first // EVEN * EVEN
    rings.known[:], rings.level[:] = False, -1.0
    even = np.tile(origin + 2 * np.arange(100.0, dtype=np.float32), (3, 1))
    search.keep_levels(even, origin, rings, first, first + n)
    frames = np.arange(first, first + n)
    assert rings.known.sum() == n
    assert rings.known[frames % n_rows].all()
    begun = frames[frames >= first + first % 2]  # an odd first frame is given its own level later
    expected = np.full(n_rows, -1.0)
    expected[begun % n_rows] = begun // 2 * 2
    np.testing.assert_array_equal(rings.level, np.tile(expected, (3, 1)))
