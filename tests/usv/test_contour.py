from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.usv.contour import HOLE, LEAD, MAX_MISSES, ContourTracker, gather
from usv.made import contour, frames_with

HOLD_DB, LEAST = 4.0, 5.0
LOW = 20.0
"""Bins below which contours are level."""


def tracker(longest=10_000, least=LEAST, patient_from=40.0) -> ContourTracker:
    return ContourTracker(longest, level_below=LOW, hold_db=HOLD_DB, least=least, patient_from=patient_from)


def followed(frames, stop, **options):
    """(start, stop) and bins of all contours of frames [0, stop), by their start."""
    ended = tracker(**options).follow(frames, 0, stop, to_the_end=True)
    found = [((int(e["start"]), int(e["stop"])), gather(frames, e)) for e in ended]
    return sorted(found, key=lambda entry: (*entry[0], entry[1].bins[0]))


def spans(frames, stop, **options):
    return [span for span, _ in followed(frames, stop, **options)]


def line(first, n, place, slope=0.0, ridge=20.0):
    return {first + i: [(place + slope * i, ridge)] for i in range(n)}


def both(*points):
    return {
        frame: [p for one in points for p in one.get(frame, [])] for frame in sorted({f for one in points for f in one})
    }


@pytest.mark.parametrize("slope", [-2.5, -1.0, 0.0, 0.3, 2.0, 2.9])
def test_a_straight_line_is_one_contour_with_its_own_frames(slope):
    frames = frames_with(line(50, 18, 60.0, slope))
    (((start, stop), found),) = followed(frames, 200)
    assert (start, stop) == (50, 68)
    np.testing.assert_allclose(found.bins, 60 + slope * np.arange(18), atol=1e-4)
    assert found.strongest == 20.0
    assert found.evidence(HOLD_DB) == pytest.approx(18 * 16.0)


def test_a_jump_beyond_reach_begins_another_contour():
    near, far = both(line(0, 20, 60.0), line(20, 20, 62.5)), both(line(0, 20, 60.0), line(20, 20, 70.0))
    assert spans(frames_with(near), 100) == [(0, 40)]
    assert spans(frames_with(far), 100) == [(0, 20), (20, 40)]


def test_two_lines_that_cross_go_on_as_themselves():
    up, down = line(0, 60, 50.0, 0.5), line(0, 60, 80.0, -0.5, 18.0)
    (_, first), (_, second) = sorted(followed(frames_with(both(up, down)), 100), key=lambda e: e[1].bins[0])
    assert first.bins[-1] == pytest.approx(79.5, abs=1.1)
    assert second.bins[-1] == pytest.approx(50.5, abs=1.1)


@pytest.mark.parametrize(("missing", "n"), [(1, 1), (5, 1), (MAX_MISSES - 1, 1), (MAX_MISSES, 2), (15, 2)])
def test_a_hole_is_bridged_as_long_as_misses_are_allowed(missing, n):
    frames = frames_with(both(line(0, 30, 60.0), line(30 + missing, 30, 60.0)))
    found = spans(frames, 200)
    assert len(found) == n
    assert (found[0][0], found[-1][1]) == (0, 60 + missing)


def test_a_hole_holds_a_straight_line_and_no_ridge():
    frames = frames_with(both(line(0, 11, 60.0, 0.5), line(15, 10, 67.5, 0.5)))
    ((_, found),) = followed(frames, 100)
    np.testing.assert_allclose(found.bins, 60 + 0.5 * np.arange(25), atol=1e-4)
    assert np.flatnonzero(np.isnan(found.ridge)).tolist() == [11, 12, 13, 14]


def test_a_faint_level_contour_is_waited_for_and_a_high_one_is_not():
    """In the hole there is no ridge, yet the level stays 10 dB over the floor."""

    def with_hole(place):
        frames = frames_with(both(line(40, 60, place), line(130, 60, place)))
        frames.level[int(place)] = 10.0
        return spans(frames, 400)

    assert with_hole(10.0) == [(40, 190)]
    assert with_hole(60.0) == [(40, 100), (130, 190)]


def test_what_is_faint_on_the_whole_since_its_last_point_is_waited_for_through_a_dip():
    frames = frames_with(both(line(40, 60, 10.0), line(200, 60, 10.0)))
    frames.level[10] = 6.0
    frames.level[10, 150:170] = 0.0
    assert spans(frames, 400) == [(40, 260)]
    frames.level[10, 100:200] = 1.0
    assert len(spans(frames, 400)) == 2


@pytest.mark.parametrize(("place", "led_astray"), [(10.0, False), (60.0, True)])
def test_a_point_of_noise_beside_a_level_contour_does_not_lead_it_astray(place, led_astray):
    """It is 2.5 bins off, three frames after the last; in a sweep that is where the next may be."""
    frames = frames_with(both(line(0, 60, place), {61: [(place + 2.5, 5.0)]}, line(64, 60, place)))
    ours = max(followed(frames, 200), key=lambda entry: len(entry[1]))[1]
    assert (np.nanmax(ours.bins) > place + 2) is np.bool_(led_astray)


def test_drowned_frames_hardly_count():
    frames = frames_with(both(line(40, 60, 10.0), line(180, 60, 10.0)))
    assert spans(frames, 400) == [(40, 100), (180, 240)]
    frames.base[100:180] = 20.0
    assert spans(frames, 400) == [(40, 240)]


def test_a_contour_ends_at_the_longest_and_what_follows_is_another():
    found = spans(frames_with(line(0, 250, 60.0)), 300, longest=100)
    assert [stop - start for start, stop in found[:2]] == [101, 101]
    assert found[0][1] == found[1][0]


@pytest.mark.parametrize(("n", "there"), [(2, False), (3, True)])
def test_less_evidence_than_the_least_leaves_it_out(n, there):
    """Points of 6 dB over a hold of 4: two dB each, five wanted."""
    assert bool(spans(frames_with(line(0, n, 60.0, ridge=6.0)), 100)) is there


def test_as_many_contours_run_side_by_side_as_a_frame_has_points():
    points = {i: [(float(10 * k), 20.0) for k in range(1, 11)] for i in range(30)}
    assert len(spans(frames_with(points), 60)) == 10


def test_rivals_are_the_points_within_ten_decibels():
    frames = frames_with({i: [(60.0, 20.0), (80.0, 10.5), (100.0, 9.5)] for i in range(20)})
    found = {round(c.bins[0]): c for _, c in followed(frames, 60)}
    assert [found[place].rivals[0] for place in (60, 80, 100)] == [1, 2, 2]


def test_the_excess_is_read_at_the_contours_own_place():
    frames = frames_with(line(0, 20, 60.4))
    frames.level[60], frames.floor[:, 60] = -50.0, -80.0
    ((_, found),) = followed(frames, 60)
    np.testing.assert_allclose(found.excess, 30.0)


def test_what_led_up_to_a_contour_is_remembered_and_before_the_sound_there_was_nothing():
    frames = frames_with(line(100, 20, 60.0))
    frames.base[:], frames.audible[:] = np.arange(512), -np.arange(512.0)
    ((_, found),) = followed(frames, 200)
    np.testing.assert_array_equal(found.base, np.arange(100 - LEAD, 120))
    np.testing.assert_array_equal(found.audible, -np.arange(100.0 - LEAD, 120))
    early = frames_with(line(2, 20, 60.0))
    early.base[:] = 7.0
    ((_, found),) = followed(early, 200)
    assert found.base.tolist() == [0.0] * (LEAD - 2) + [7.0] * 22


def test_the_earliest_that_runs_is_known():
    frames, following = frames_with(both(line(10, 90, 60.0), line(30, 20, 90.0))), tracker()
    assert following.earliest_running is None
    following.follow(frames, 0, 40)
    assert following.earliest_running == 10
    following.follow(frames, 40, 100, to_the_end=True)
    assert following.earliest_running is None


places, strengths = st.integers(5, 110).map(float), st.integers(5, 30).map(float)
of_a_frame = st.lists(st.tuples(places, strengths), min_size=1, max_size=4, unique_by=lambda point: point[0])
random_points = st.dictionaries(st.integers(0, 120), of_a_frame, min_size=1)


@settings(max_examples=60, deadline=None)
@given(random_points, st.lists(st.integers(0, 121), max_size=6))
def test_any_cutting_gives_the_same_contours(points, cuts):
    whole = tracker().follow(frames_with(points), 0, 121, to_the_end=True)
    frames, following, parts = frames_with(points), tracker(), []
    edges = [0, *sorted(cuts), 121]
    for first, stop in pairwise(edges):
        parts.append(following.follow(frames, first, stop))
    parts.append(following.follow(frames, 121, 121, to_the_end=True))
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@settings(max_examples=60, deadline=None)
@given(random_points)
def test_every_point_belongs_to_one_contour_at_most_and_none_is_invented(points):
    frames = frames_with(points)
    seen = set()
    for (start, _), found in followed(frames, 121, least=-1e9):
        for i in np.flatnonzero(~np.isnan(found.ridge)):
            point = (start + int(i), float(found.bins[i]), float(found.ridge[i]))
            assert point not in seen
            seen.add(point)
    assert seen == {(frame, *point) for frame, here in points.items() for point in here}


@settings(max_examples=40, deadline=None)
@given(random_points, st.integers(1, 1000))
def test_contours_do_not_depend_on_when(points, later):
    moved = {frame + later: here for frame, here in points.items()}
    here = tracker().follow(frames_with(points), 0, 121, to_the_end=True)
    there = tracker().follow(frames_with(moved), later, 121 + later, to_the_end=True)
    np.testing.assert_array_equal(there["start"] - later, here["start"])
    np.testing.assert_array_equal(there["stop"] - later, here["stop"])
    np.testing.assert_array_equal(there["strongest"], here["strongest"])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.integers(0, n), max_size=5))))
def test_the_parts_of_a_cut_are_the_whole(case):
    n, places = case
    whole = contour(100, 100 + n, bins=np.arange(n), ridge=5.0 + np.arange(n) % 7)
    parts = whole.cut(sorted(places))
    assert [part.start for part in parts[1:]] == [part.stop for part in parts[:-1]]
    np.testing.assert_array_equal(np.concatenate([part.bins for part in parts]), whole.bins)
    assert sum(part.evidence(HOLD_DB) for part in parts) == pytest.approx(whole.evidence(HOLD_DB), rel=1e-5)
    assert max(part.strongest for part in parts) == whole.strongest
    assert all(len(part.base) == len(part) + LEAD for part in parts)


def test_a_part_without_a_point_is_no_stronger_than_nothing():
    hollow = contour(0, 30, ridge=np.where(np.arange(30) < 10, 20.0, np.nan))
    assert [part.strongest for part in hollow.cut([15])] == [20.0, 0.0]
    assert hollow.evidence(HOLD_DB) == pytest.approx(160.0)


def test_trimming_takes_weak_ends_off_and_leaves_a_weak_whole():
    ridge = np.full(60, np.nan)
    ridge[:3], ridge[20:40], ridge[57:] = 4.5, 20.0, 4.5
    assert (lambda c: (c.start, c.stop))(contour(0, 60, ridge=ridge).trimmed(HOLD_DB, 5.0)) == (20, 40)
    assert len(contour(0, 60, ridge=ridge).trimmed(HOLD_DB, 1.0)) == 60
    assert len(contour(0, 60, ridge=np.where(np.arange(60) % 20 == 0, 4.5, np.nan)).trimmed(HOLD_DB, 5.0)) == 60


ridges_with_holes = st.lists(st.one_of(st.just(np.nan), st.integers(1, 30).map(float)), min_size=1, max_size=60)


def of_ridge(ridge):
    return contour(10, 10 + len(ridge), ridge=np.array(ridge), excess=np.arange(float(len(ridge))))


@settings(max_examples=200, deadline=None)
@given(ridges_with_holes, st.integers(0, 8).map(float), st.integers(0, 60).map(float))
def test_trimming_is_that_of_its_rule_spelled_out(ridge, hold_db, least):
    """Runs of points with no hole of more than `HOLE` frames; from the first to the last run of enough evidence."""
    whole = of_ridge(ridge)
    there = [i for i, db in enumerate(ridge) if not np.isnan(db)]
    runs: list[list[int]] = []
    for i in there:
        runs = [*runs[:-1], [*runs[-1], i]] if runs and i - runs[-1][-1] <= HOLE else [*runs, [i]]
    strong = [run for run in runs if sum(ridge[i] - hold_db for i in run) >= least]
    trims = strong and len(there) < len(ridge)
    expected = (10 + strong[0][0], 10 + strong[-1][-1] + 1) if trims else (10, 10 + len(ridge))
    trimmed = whole.trimmed(hold_db, least)
    assert (trimmed.start, trimmed.stop) == expected


@settings(max_examples=100, deadline=None)
@given(ridges_with_holes, st.integers(0, 8).map(float))
def test_sums_are_those_of_the_points_alone(ridge, hold_db):
    whole = of_ridge(ridge)
    points = whole.ridge[whole.there]
    assert whole.sums.n_points == len(points)
    assert whole.evidence(hold_db) == pytest.approx((points - hold_db).sum())
    assert whole.sums.borrowed == pytest.approx((points - whole.excess[whole.there]).sum())
    assert whole.between(0, len(whole)).strongest == (points.max() if len(points) else 0.0)
