from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from behavior.usv import ridges
from behavior.usv.ridges import HALF, MARGIN, MAX_PEAKS, empty_frames, find_ridges, group_edges, workspace

N_ROWS, N_BINS, BLOCK, HZ_A_BIN = 256, 120, 64, 500.0
EDGES = group_edges(N_BINS, HZ_A_BIN)
WORK = workspace(N_BINS, len(EDGES) - 1)
BISECTION_DB = 64 / 2**8


def points(level, floor=0.0, frames=(100, 101), hold_db=4.4, low=0, high=N_BINS, n_rows=N_ROWS):
    """The ridge points [(bin, dB)] of frames [first, stop) of rings of these levels."""
    rings = empty_frames(n_rows, N_BINS, BLOCK)
    rings.level[:], rings.floor[:] = level.T, floor
    find_ridges(rings, *frames, n_rows - MARGIN, BLOCK, EDGES, low, high, hold_db, WORK)
    rows = [frame % n_rows for frame in range(*frames)]
    n = rings.n_peaks
    found = [list(map(tuple, np.stack((rings.bin[r], rings.ridge[r]), axis=1)[: n[r]].tolist())) for r in rows]
    return found, rings


def with_line(place=60, db=20.0, slope=0, around=100, n=20):
    level = np.zeros((N_ROWS, N_BINS), np.float32)
    for i in range(-n, n + 1):
        if 0 <= place + slope * i < N_BINS:
            level[around + i, place + slope * i] = db
    return level


def test_a_line_of_one_bin_has_half_its_excess():
    """[1 2 1]/4 leaves 10 of 20 dB; a mean over seven equal frames changes nothing; the base of a line is 0."""
    (((place, strength),),), rings = points(with_line())
    assert place == pytest.approx(60.0, abs=1e-4)
    assert strength == pytest.approx(10.0, abs=BISECTION_DB)
    assert rings.base[100] == pytest.approx(0.0, abs=BISECTION_DB)


@pytest.mark.parametrize("slope", [-1, 1])
def test_a_sweep_is_as_strong_as_a_level_line(slope):
    (((_, strength), *_),), _ = points(with_line(slope=slope))
    assert strength == pytest.approx(10.0, abs=BISECTION_DB)


def test_the_steepest_slope_counts_no_further_than_four_bins():
    """At slope 2 the frames three away are sought at 4 bins, not at 6, where the line is: 5 of 7 frames hold it."""
    (((_, strength), *_),), _ = points(with_line(slope=2))
    assert strength == pytest.approx(10.0 * 5 / 7, abs=2 * BISECTION_DB)


def test_a_click_in_every_bin_is_no_ridge():
    level = np.zeros((N_ROWS, N_BINS), np.float32)
    level[100] = 25.0
    found, rings = points(level, frames=(95, 106))
    assert not any(found)
    assert rings.base[100] == pytest.approx(25.0, abs=BISECTION_DB)
    assert np.abs(rings.base[[95, 105]]).max() < BISECTION_DB


def test_a_line_under_a_click_keeps_its_strength():
    level = with_line()
    level[97:104] += 15.0
    (((place, strength),),), _ = points(level)
    assert (place, strength) == (pytest.approx(60, abs=1e-3), pytest.approx(10.0, abs=BISECTION_DB))


def test_a_steady_tone_that_the_floor_knows_is_no_ridge():
    floor = np.zeros(N_BINS, np.float32)
    floor[60] = 20.0
    assert points(with_line(), floor)[0] == [[]]


@pytest.mark.parametrize(("left", "right", "expected"), [(10, 10, 60.0), (20, 0, 59.5), (0, 20, 60.5)])
def test_a_point_between_bins_is_placed_by_a_parabola(left, right, expected):
    """Two equal neighbours: the middle between them."""
    level = with_line()
    level[:, 59] = np.where(level[:, 60] > 0, left, 0)
    level[:, 61] = np.where(level[:, 60] > 0, right, 0)
    place, _ = points(level)[0][0][0]
    assert place == pytest.approx(expected, abs=1e-3)


def test_a_component_so_strong_that_it_splatters_is_no_click():
    """All bins are up by 20 dB and one by 60: an overloaded microphone, where the base stays 0 for the gate."""
    level = with_line(db=60.0)
    level[97:104] += 20.0
    assert points(level)[1].base[100] == 0.0


@pytest.mark.parametrize(
    ("place", "db", "kept"),
    [(69.9, 11.9, False), (70.1, 11.9, True), (69.9, 12.1, True), (50.1, 5.0, False), (61.0, 39.0, True)],
)
def test_side_lobes_of_a_much_stronger_neighbour_are_left_out(place, db, kept):
    """Ten bins and 28 dB: a Hann window's side lobes fall from -31 dB on."""
    bins, strength = np.array([60.0, place, 100.0], np.float32), np.array([40.0, db, 4.5], np.float32)
    n = ridges._without_sidelobes(bins, strength, 3)
    assert bins[:n].tolist() == pytest.approx([60.0, *([place] if kept else []), 100.0])


def test_only_points_within_the_search_count_and_the_strongest_are_kept():
    level = sum(with_line(place=5 + 9 * k, db=12.0 + k) for k in range(12))
    everything = points(level)[0][0]
    assert len(everything) == MAX_PEAKS
    assert [round(place) for place, _ in everything] == [5 + 9 * k for k in range(11, 1, -1)]
    assert [round(p) for p, _ in points(level, low=50, high=80)[0][0]] == [77, 68, 59, 50]


def test_before_the_first_frame_and_after_the_last_there_is_nothing():
    level = np.zeros((N_ROWS, N_BINS), np.float32)
    level[:, 60] = 20.0
    strengths = [[db for _, db in frame] for frame in points(level, frames=(0, 5))[0]]
    assert all(len(frame) == 1 for frame in strengths)
    assert strengths[0][0] < strengths[2][0] < strengths[4][0] == pytest.approx(10.0, abs=BISECTION_DB)


noise = arrays(np.float32, (MARGIN * 2 + 1, N_BINS), elements=st.floats(-6, 30, width=16))


@settings(max_examples=30, deadline=None)
@given(noise, st.integers(-20, 20))
def test_loudness_changes_nothing(levels, gain):
    level = np.zeros((N_ROWS, N_BINS), np.float32)
    level[100 - MARGIN : 101 + MARGIN] = levels
    here, there = points(level)[0][0], points(level + gain, float(gain))[0][0]
    np.testing.assert_allclose(np.reshape(there, (-1, 2)), np.reshape(here, (-1, 2)), atol=2e-3)


@settings(max_examples=30, deadline=None)
@given(noise, st.integers(0, 5))
def test_a_higher_hold_keeps_a_part_of_the_points(levels, more):
    level = np.zeros((N_ROWS, N_BINS), np.float32)
    level[100 - MARGIN : 101 + MARGIN] = levels
    fewer, many = points(level, hold_db=4.0 + more)[0][0], points(level, hold_db=4.0)[0][0]
    assert set(fewer) <= set(many) or len(many) == MAX_PEAKS
    assert all(db > 4.0 + more for _, db in fewer)
    assert [db for _, db in many] == sorted((db for _, db in many), reverse=True)


@settings(max_examples=20, deadline=None)
@given(noise, st.lists(st.integers(90, 110), max_size=4))
def test_any_cutting_gives_the_same_points(levels, cuts):
    level = np.zeros((N_ROWS, N_BINS), np.float32)
    level[100 - MARGIN : 101 + MARGIN] = levels
    whole = points(level, frames=(90, 110))[0]
    parts = [points(level, frames=pair)[0] for pair in pairwise([90, *sorted(cuts), 110]) if pair[0] < pair[1]]
    assert [frame for part in parts for frame in part] == whole


def test_the_rings_may_wrap_within_a_search():
    level = np.roll(with_line(), N_ROWS - 100, axis=0)
    rings = empty_frames(N_ROWS, N_BINS, BLOCK)
    rings.level[:] = level.T
    find_ridges(rings, N_ROWS - 3, N_ROWS + 4, N_ROWS + 50, BLOCK, EDGES, 0, N_BINS, 4.4, WORK)
    rows = [(N_ROWS - 3 + i) % N_ROWS for i in range(7)]
    np.testing.assert_allclose(rings.ridge[rows, 0], 10.0, atol=BISECTION_DB)


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, st.tuples(st.integers(1, 12), st.integers(1, 20)), elements=st.integers(-9, 9).map(float)))
def test_each_column_is_sorted(values):
    ordered = values.copy()
    ridges._sort_columns(ordered, ordered.shape[1])
    np.testing.assert_array_equal(ordered, np.sort(values, axis=0))


@settings(max_examples=40, deadline=None)
@given(arrays(np.float32, st.tuples(st.just(N_BINS), st.just(48)), elements=st.floats(-10, 60, width=16)))
def test_medians_are_those_of_sorting_to_an_eighth_of_a_decibel(excess):
    """A band of an even number of bins goes without its last."""
    out = np.empty((len(EDGES) - 1, 48), np.float32)
    ridges._medians(excess, EDGES, out, 48)
    for g, (low, high) in enumerate(pairwise(EDGES)):
        n = high - low - (high - low + 1) % 2
        middle = np.sort(excess[low : low + n], axis=0)[n // 2]
        np.testing.assert_allclose(out[g], np.maximum(middle, -2.5), atol=BISECTION_DB / 2 + 1e-3)


@given(st.integers(10, 2000), st.floats(100, 2000))
def test_bands_of_about_twelve_kilohertz_share_the_bins_out(n_bins, bin_hz):
    edges = group_edges(n_bins, bin_hz)
    assert (edges[0], edges[-1]) == (0, n_bins)
    assert (np.diff(edges) > 0).all()
    widths = np.diff(edges) * bin_hz
    assert len(edges) == 3 or widths.min() > 12_000 - 2 * bin_hz


def test_a_margin_covers_what_a_frame_depends_on():
    assert MARGIN >= HALF
    level = with_line(n=40)
    far = level.copy()
    far[: 100 - MARGIN], far[101 + MARGIN :] = 30.0, 30.0
    assert points(far)[0] == points(level)[0]


def test_what_was_taken_off_a_known_click_is_given_back_to_the_base():
    level = np.zeros((N_ROWS, N_BINS), np.float32)
    rings = empty_frames(N_ROWS, N_BINS, BLOCK)
    rings.level[:], rings.taken[100] = level.T, 25.0
    find_ridges(rings, 95, 106, N_ROWS - MARGIN, BLOCK, EDGES, 0, N_BINS, 4.4, WORK)
    assert rings.base[100] == pytest.approx(25.0, abs=BISECTION_DB)
    assert np.abs(rings.base[[99, 101]]).max() < BISECTION_DB


def test_many_frames_are_worked_out_as_those_of_a_few():
    """More than fit the room at a time."""
    level = np.random.default_rng(7).normal(0, 9, (1024, N_BINS)).astype(np.float32)
    whole = points(level, frames=(20, 1000), n_rows=1024)[0]
    parts = [points(level, frames=(at, min(at + 7, 1000)), n_rows=1024)[0] for at in range(20, 1000, 7)]
    assert [frame for part in parts for frame in part] == whole
    assert sum(map(len, whole)) > 100


@settings(max_examples=30, deadline=None)
@given(
    arrays(
        np.float32, st.tuples(st.just(N_BINS), st.sampled_from([64, 80, 144])), elements=st.floats(-10, 60, width=16)
    )
)
def test_medians_of_many_columns_at_a_time_are_those_of_few(excess):
    many, few = np.empty((2, len(EDGES) - 1, excess.shape[1]), np.float32)
    ridges._medians(excess, EDGES, many, excess.shape[1])
    for t in range(0, excess.shape[1], 16):
        part = np.empty((len(EDGES) - 1, 16), np.float32)
        ridges._medians(np.ascontiguousarray(excess[:, t : t + 16]), EDGES, part, 16)
        few[:, t : t + 16] = part
    np.testing.assert_array_equal(many, few)


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (30, 32), elements=st.integers(-3, 12).map(float)), st.integers(0, 3), st.integers(20, 30))
def test_maxima_are_those_that_looking_bin_by_bin_finds(best, low, high):
    """Above the hold, no less than the bin below and more than the one above; the strongest, strongest first."""
    n_peaks, (bins, ridge) = np.zeros(32, np.int32), np.zeros((2, 32, MAX_PEAKS), np.float32)
    ridges._maxima(best, 32, low, high, 4.4, n_peaks, bins, ridge)
    for t, column in enumerate(best.T):
        inside = range(max(low, 1), min(high, 29))
        found = [k for k in inside if column[k] > 4.4 and column[k - 1] <= column[k] > column[k + 1]]
        strongest = sorted((float(column[k]) for k in found), reverse=True)[:MAX_PEAKS]
        assert ridge[t, : n_peaks[t]].tolist() == strongest
        assert {round(float(place)) for place in bins[t, : n_peaks[t]]} <= {k + d for k in found for d in (-1, 0, 1)}
