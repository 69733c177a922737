from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.spectrogram import FrameGrid
from behavior.usv.join import Joiner
from behavior.usv.profile import load_profile
from usv.made import contour

GRID = FrameGrid.at(250_000)
LOWEST_BIN = 37
PROFILE = load_profile("rat")
GAP = round(PROFILE.join_s / GRID.frame_s)
GAP_22KHZ = round(PROFILE.join_22khz_s / GRID.frame_s)
LONGEST = round(PROFILE.longest_s / GRID.frame_s) + 1
LOW_BIN = 24_000 / GRID.bin_hz - LOWEST_BIN


def joined(contours, **changes):
    """What is one call, as (start, stop) of each contour, when all contours come before anything is asked."""
    joiner = Joiner(PROFILE.model_copy(update=changes), GRID, LOWEST_BIN)
    for one in contours:
        joiner.add(one)
    return [[(part.start, part.stop) for part in call] for call in joiner.settled(None)]


def faint(start, stop, **options):
    """Too weak to be sure of."""
    return contour(start, stop, ridge=5.0, **options)


intervals = st.lists(
    st.tuples(st.integers(0, 600), st.integers(1, 120)).map(lambda pair: (pair[0], pair[0] + pair[1])),
    max_size=14, unique=True,
)  # fmt: skip


def test_the_gaps_are_those_of_the_profile_in_frames():
    """10 ms are 19.5 frames of 0.512 ms, 22 ms 43.0."""
    assert (GAP, GAP_22KHZ) == (20, 43)


@pytest.mark.parametrize(
    ("gap", "bins", "n_calls"),
    [(19, 60.0, 1), (42, 60.0, 1), (43, 60.0, 2), (42, LOW_BIN, 1), (43, LOW_BIN, 2), (-5, 60.0, 1), (0, 60.0, 1)],
)
def test_a_gap_shorter_than_that_of_the_profile_is_bridged(gap, bins, n_calls):
    assert len(joined([contour(0, 50, bins=bins), contour(50 + gap, 120, bins=bins)])) == n_calls


SURE = PROFILE.hold_db + 0.5 * PROFILE.confirm_evidence / 4


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
@pytest.mark.parametrize(
    ("strong", "weak", "n_calls"),
    [(SURE + 0.01, SURE + 0.01, 1), (SURE + 0.01, SURE - 0.01, 2), (SURE + 0.01, PROFILE.confirm_db - 0.01, 2)],
    ids=["both sure", "too little evidence", "never strong"],
)
def test_above_33_khz_the_longer_gap_needs_half_of_a_calls_evidence_on_both_sides(order, strong, weak, n_calls):
    one, other = (contour(0, 4 if level > PROFILE.confirm_db else 10, ridge=level) for level in (strong, weak))
    first, then = ((one, other)[k] for k in order)
    later = contour(first.stop + 30, first.stop + 30 + len(then), ridge=then.strongest)
    assert len(joined([first, later])) == n_calls


@pytest.mark.parametrize("order", [(LOW_BIN, 60.0), (60.0, LOW_BIN)])
def test_of_what_is_not_sure_the_longer_gap_needs_both_sides_below(order):
    assert len(joined([faint(0, 50, bins=order[0]), faint(80, 120, bins=order[1])])) == 2


def test_the_side_of_a_gap_is_the_contour_that_ends_last():
    """A low contour is over when the high one still runs: what the gap follows is the high one."""
    low, high, after = faint(0, 20, bins=LOW_BIN), faint(5, 50, bins=60.0), faint(75, 99, bins=LOW_BIN)
    assert len(joined([low, high, after])) == 2
    assert len(joined([faint(0, 50, bins=LOW_BIN), faint(5, 20, bins=60.0), after])) == 1


def chained(spans):
    """Single linkage by hand: spans in order, each with the one before when the gap is short enough."""
    calls = []
    for span in sorted(spans):
        if calls and span[0] - max(stop for _, stop in calls[-1]) < GAP:
            calls[-1].append(span)
        else:
            calls.append([span])
    return calls


@settings(max_examples=150, deadline=None)
@given(intervals)
def test_equal_contours_are_joined_by_single_linkage(spans):
    assert joined([faint(*span) for span in spans]) == chained(spans)


@settings(max_examples=150, deadline=None)
@given(intervals, st.data())
def test_what_is_settled_early_is_what_would_be_settled_at_the_end(spans, data):
    """Contours come by their end; the horizon is the earliest start of what has not come."""
    coming = sorted(spans, key=lambda span: span[1])
    joiner, calls = Joiner(PROFILE, GRID, LOWEST_BIN), []
    for n, span in enumerate(coming):
        joiner.add(faint(*span))
        if data.draw(st.booleans()):
            horizon = min([start for start, _ in coming[n + 1 :]], default=10_000)
            calls += joiner.settled(min(horizon, span[1]))
    calls += joiner.settled(None)
    assert [[(part.start, part.stop) for part in call] for call in calls] == chained(spans)


def test_nothing_is_settled_that_a_coming_contour_could_join():
    joiner = Joiner(PROFILE, GRID, LOWEST_BIN)
    joiner.add(contour(0, 50))
    assert joiner.settled(50 + GAP_22KHZ) == []
    assert len(joiner.settled(50 + GAP_22KHZ + 1)) == 1
    assert joiner.settled(None) == []


@pytest.mark.parametrize("echo_first", [False, True])
def test_what_is_far_weaker_is_an_echo_and_no_part(echo_first):
    loud, faint = contour(0, 50, ridge=40.0), contour(45, 90, ridge=14.0)
    spans = [(0, 50)]
    if echo_first:
        loud, faint, spans = contour(10, 50, ridge=40.0), contour(0, 20, ridge=14.0), [(10, 50)]
    assert joined([loud, faint]) == [spans]
    assert len(joined([contour(0, 50, ridge=40.0), contour(45, 90, ridge=16.0)])[0]) == 2


def test_no_call_grows_beyond_the_longest():
    """Each contour is a permitted call; together they would be one of 10 000 frames."""
    spans = [(k * 2_000, k * 2_000 + 2_100) for k in range(5)]
    calls = joined([contour(*span) for span in spans])
    assert LONGEST == 7_813
    assert calls == [spans[:3], spans[3:]]


@settings(max_examples=60, deadline=None)
@given(intervals, st.integers(0, 30))
def test_a_longer_gap_never_gives_more_calls(spans, ms):
    contours = [contour(*span) for span in spans]
    fewer, more = (len(joined(contours, join_s=s / 1e3, join_22khz_s=0.0)) for s in (ms + 5, ms))
    assert fewer <= more


def test_medians_of_an_interpolated_contour_decide_which_gap():
    """Half of a call below 33 kHz: the median says high."""
    below = PROFILE.below_22khz_hz / GRID.bin_hz - LOWEST_BIN
    bins = np.linspace(below - 5, below + 8, 50)
    assert len(joined([faint(0, 50, bins=bins), faint(80, 120, bins=LOW_BIN)])) == 2
