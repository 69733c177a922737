from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.spectrogram import FrameGrid
from behavior.usv.gate import KnownEvent
from behavior.usv.ridges import empty_frames
from behavior.usv.subtract import Subtraction

GRID = FrameGrid.at(250_000)
BLOCK, N_ROWS, N_BINS, PERIOD = 512, 4096, 100, 17
FIRST, STOP = 100, 100 + 40 * PERIOD
EVENT = KnownEvent("shock", 0.05, 0.05 + 40 * PERIOD * GRID.frame_s)


def clicking(ring_bins=(30, 31), ring_db=30.0, seed=1):
    """A click every 17 frames: 20 dB in every bin, dying within 8 frames, and a ringing that goes on in some."""
    frames = empty_frames(N_ROWS, N_BINS, BLOCK)
    frames.level[:] = np.random.default_rng(seed).normal(0, 0.5, frames.level.shape)
    for click in range(FIRST, STOP, PERIOD):
        for k in range(12):
            frames.level[:, click + k] += max(0.0, 20 - 2.5 * k)
            frames.level[list(ring_bins), click + k] += max(0.0, ring_db - 2.5 * k)
    return frames


def subtracted(frames, events=(EVENT,), stop=STOP):
    subtraction = Subtraction(events, GRID, N_BINS)
    taken = [subtraction.subtract(frames, BLOCK, *span) for span in subtraction.spans(FIRST, stop)]
    return np.concatenate(taken) if taken else np.empty(0)


def test_what_every_click_has_is_taken_off_and_remembered():
    frames, before = clicking(), clicking()
    taken = subtracted(frames)
    inside = slice(FIRST + 20 * PERIOD, STOP)
    assert before.level[30, inside].max() > 45
    assert frames.level[30, inside].max() < 15
    assert taken.max() == pytest.approx(20, abs=2)


def test_a_call_between_and_under_the_clicks_stays():
    frames, alone = clicking(), slice(FIRST + 25 * PERIOD, FIRST + 28 * PERIOD)
    frames.level[60, alone] = 50.0
    subtracted(frames)
    assert frames.level[60, alone].min() > 45


def test_a_tone_through_the_whole_event_is_no_click_and_stays():
    frames = clicking()
    frames.level[70, FIRST:STOP] = 40.0
    subtracted(frames)
    assert np.median(frames.level[70, FIRST:STOP]) == pytest.approx(40.0, abs=0.1)


def test_outside_known_events_nothing_changes():
    frames, before = clicking(), clicking()
    assert len(subtracted(frames, [KnownEvent("lever", 3.0, 3.1)])) == 0
    np.testing.assert_array_equal(frames.level, before.level)
    assert not Subtraction([], GRID, N_BINS)


def test_fewer_than_eight_clicks_are_no_template():
    frames, before = clicking(), clicking()
    taken = subtracted(frames, stop=FIRST + 5 * PERIOD)
    np.testing.assert_array_equal(frames.level, before.level)
    assert not taken.any()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(-30, 60))
def test_nothing_is_made_louder_and_nothing_goes_below_the_floor(seed, ring_db):
    frames, before = clicking(ring_db=ring_db, seed=seed), clicking(ring_db=ring_db, seed=seed)
    subtracted(frames)
    assert (frames.level <= before.level + 1e-4).all()
    assert (frames.level >= np.minimum(before.level, 0.0) - 1e-4).all()
