from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.usv.contour import ENDED, Contour, ContourTracker, ends_of, gather
from behavior.usv.nearby import Nearby
from behavior.usv.profile import load_profile
from usv.made import contour, frames_with

RAT = load_profile("rat")
FRAME_S = 0.0005
GAP = round(RAT.join_22khz_s / FRAME_S) + 1
CALL, NOISE = 60.0, 12.0
"""Evidence, dB, of what could be a call and of what could be a part of one."""


def frames(n=512):
    """Rings whose every frame has a point of 10 dB at bin 60."""
    rings = frames_with({frame: [(60.0, 10.0)] for frame in range(n)})
    rings.level[60] = 10.0
    return rings


def ended(*spans):
    """Contours [start, stop) with this evidence; track 0, to which the points of `frames` belong."""
    return np.array([(0, start, stop, 10.0, evidence) for start, stop, evidence in spans], ENDED)


def looked_at(given, horizon=10**6, remembers=10**6):
    nearby = Nearby(RAT, FRAME_S, remembers)
    nearby.add(given)
    return [(int(one["start"]), int(one["stop"])) for one in nearby.worth_a_look(frames(), horizon)]


def test_what_could_be_a_call_is_looked_at_and_what_could_not_is_not():
    assert looked_at(ended((10, 40, CALL), (200, 230, NOISE))) == [(10, 40)]


def test_a_faint_contour_is_looked_at_within_reach_of_a_strong_one():
    reach, beyond = (40 + GAP - 1, 80 + GAP, NOISE), (40 + GAP, 80 + GAP, NOISE)
    assert len(looked_at(ended((10, 40, CALL), reach))) == 2
    assert len(looked_at(ended((10, 40, CALL), beyond))) == 1
    assert len(looked_at(ended((200, 240, CALL), (200 - GAP - 20, 200 - GAP + 1, NOISE)))) == 2


def test_a_chain_of_faint_ones_reaches_on():
    chain = [(10, 40, CALL), (60, 80, NOISE), (110, 130, NOISE), (150, 170, NOISE)]
    assert len(looked_at(ended(*chain))) == 4
    assert looked_at(ended(*chain[1:])) == []


def test_a_faint_one_waits_for_what_may_yet_come_and_none_is_given_twice():
    nearby, rings = Nearby(RAT, FRAME_S, 10**6), frames()
    nearby.add(ended((10, 40, NOISE)))
    assert len(nearby.worth_a_look(rings, 40 + GAP)) == 0
    assert nearby.earliest_waiting == 10
    nearby.add(ended((60, 90, CALL)))
    assert len(nearby.worth_a_look(rings, 90)) == 2
    assert len(nearby.worth_a_look(rings, 90)) == 0
    nearby.add(ended((95, 120, NOISE)))
    assert [int(one["start"]) for one in nearby.worth_a_look(rings, 120)] == [95]
    assert len(nearby.worth_a_look(rings, 121 + GAP)) == 0
    assert nearby.earliest_waiting is None


def test_a_faint_one_is_looked_at_before_its_frames_are_overwritten():
    assert looked_at(ended((10, 40, NOISE)), horizon=45, remembers=100) == []
    assert looked_at(ended((10, 40, NOISE)), horizon=45, remembers=30) == [(10, 40)]


@pytest.mark.parametrize(
    ("every", "between_db", "expected"),
    [(1, 0.0, 1), (2, 0.0, 0), (2, 2.9, 0), (2, 3.1, 1)],
    ids=["whole", "scattered", "next to nothing between", "faint between"],
)
def test_scattered_points_are_not_looked_at(every, between_db, expected):
    rings = frames_with({frame: [(60.0, 10.0)] for frame in range(10, 90, every)})
    rings.level[60] = between_db
    rings.level[60, 10:90:every] = 10.0
    nearby = Nearby(RAT, FRAME_S, 10**6)
    nearby.add(ended((10, 90, CALL)))
    assert len(nearby.worth_a_look(rings, 500)) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.just(np.nan), st.floats(4.75, 15, width=32)), min_size=3, max_size=60),
    st.floats(0.5, 20),
)
def test_ends_are_those_of_a_trimmed_contour(ridge, least):
    ridge = np.array([5.0, *ridge, 5.0], np.float32)
    whole = contour(0, len(ridge), ridge=ridge)
    trimmed = whole.trimmed(4.7, least)
    first, last = ends_of(ridge, 4.7, least)
    inner = Contour.between(whole, first, last + 1)
    assert (inner.start, inner.stop) == (trimmed.start, trimmed.stop) or _on_the_edge(ridge, least)


def _on_the_edge(ridge, least):
    """Whether a part has just the least evidence, to rounding."""
    there = np.flatnonzero(np.isfinite(ridge))
    parts = np.split(there, np.flatnonzero(np.diff(there) > 4) + 1)
    return any(abs(float((ridge[part] - np.float32(4.7)).sum()) - least) < 1e-3 for part in parts)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 60), st.sampled_from([CALL, NOISE])), max_size=12))
def test_chains_are_those_of_their_definition(spans):
    """Whatever the order: all that hangs together with a strong one by gaps shorter than the longest."""
    given = [(start, start + length, evidence) for start, length, evidence in spans]
    reached, chains = -(10**9), []
    for one in sorted(given):
        chains = [*chains[:-1], [*chains[-1], one]] if one[0] - reached < GAP else [*chains, [one]]
        reached = max(reached, one[1])
    expected = sorted((a, b) for chain in chains if any(e == CALL for *_, e in chain) for a, b, _ in chain)
    assert sorted(looked_at(ended(*given))) == expected


def test_a_faint_one_in_the_skirt_of_something_louder_is_not_looked_at():
    """Its points are ridges of 10 dB, but its own frequency is no louder than the floor."""
    rings = frames()
    rings.level[60, 100:] = 0.0
    nearby = Nearby(RAT, FRAME_S, 10**6)
    nearby.add(ended((10, 90, CALL), (100, 120, NOISE)))
    assert [int(one["start"]) for one in nearby.worth_a_look(rings, 500)] == [10]


def test_the_tracker_tells_the_evidence_that_the_contour_has():
    rings = frames_with({frame: [(60.0, 8.0 + 0.1 * frame)] for frame in range(10, 40)})
    tracker = ContourTracker(1000, level_below=0.0, hold_db=4.7, least=5.0, patient_from=40.0)
    (one,) = tracker.follow(rings, 0, 60, to_the_end=True)
    assert one["evidence"] == pytest.approx(gather(rings, one).evidence(4.7), rel=1e-5)
