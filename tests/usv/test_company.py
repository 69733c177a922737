from __future__ import annotations

import numpy as np
import pytest

from behavior.audio.spectrogram import FrameGrid
from behavior.simulate.acoustics import Artefact, PlannedCall, Soundscape
from behavior.usv.company import STACK, TRAIN, is_in_a_stack, source_of
from behavior.usv.contour import LEAD, Contour
from behavior.usv.detect import Detector
from behavior.usv.profile import load_profile
from behavior.usv.ridges import empty_frames

GRID = FrameGrid.at(250_000)
BLOCK, N_ROWS, N_BINS, LOWEST_BIN, PERIOD, PLACE = 64, 4096, 120, 37, 17, 20
FIRST, STOP, KNOWN = 1000, 1000 + 40 * PERIOD, 2400


def clicking(line=(FIRST, STOP), *, clicks=None, line_db=20.0, seed=1):
    """Noise; clicks of four frames every 17, and a line at bin 20 in these frames."""
    frames = empty_frames(N_ROWS, N_BINS, BLOCK)
    frames.level[:] = np.random.default_rng(seed).normal(0, 2, frames.level.shape)
    for click in range(FIRST, STOP, PERIOD) if clicks is None else clicks:
        frames.base[click : click + 4] = 20.0
        frames.level[:, click : click + 4] += 20.0
    frames.level[PLACE, line[0] : line[1]] = line_db
    return frames


def contour(frames, start, stop, bins=float(PLACE)):
    n = stop - start
    places = np.broadcast_to(np.asarray(bins, float), n).copy()
    ridge, before = np.full(n, 15.0), np.arange(start - LEAD, stop)
    return Contour(start, stop, 15.0, places, ridge, ridge, np.zeros(n), np.zeros(n + LEAD), frames.base[before])


def source(frames, start, stop, known=KNOWN, bins=float(PLACE)):
    return source_of(frames, contour(frames, start, stop, bins), GRID, LOWEST_BIN, known)


@pytest.mark.parametrize(
    ("start", "stop"), [(FIRST, STOP), (FIRST + 100, FIRST + 160), (STOP - 80, STOP)], ids=["whole", "amid", "the end"]
)
def test_any_part_of_a_line_that_is_there_as_long_as_clicks_are_in_even_time_is_theirs(start, stop):
    assert source(clicking(), start, stop) == TRAIN


@pytest.mark.parametrize(
    "line",
    [(FIRST - 150, STOP), (FIRST, STOP + 150), (FIRST + 200, STOP), (FIRST, STOP - 200), (FIRST + 200, FIRST + 400)],
    ids=["there before", "outlasts them", "begins amid", "ends amid", "amid"],
)
def test_a_call_that_keeps_other_time_than_the_clicks_is_none_of_theirs(line):
    assert source(clicking(line), *line) is None


def test_as_long_as_the_clicks_go_on_so_must_the_line_as_far_as_is_known():
    assert source(clicking(), FIRST, FIRST + 300, known=FIRST + 360) == TRAIN
    assert source(clicking((FIRST, FIRST + 300)), FIRST, FIRST + 300, known=FIRST + 500) is None


def test_clicks_in_no_even_time_are_no_train():
    rng = np.random.default_rng(3)
    frames = clicking(clicks=np.sort(rng.choice(np.arange(FIRST, STOP, 7), 30, replace=False)))
    assert source(frames, FIRST, STOP) is None
    assert source(clicking(clicks=range(FIRST, FIRST + 4 * PERIOD, PERIOD)), FIRST, FIRST + 60) is None, "too few"


def test_a_single_other_click_and_a_stretch_of_noise_do_not_hide_a_train():
    frames = clicking()
    for low, high in ((FIRST + 41, FIRST + 45), (FIRST + 300, FIRST + 380)):
        frames.base[low:high] = 25.0
    assert source(frames, FIRST, FIRST + 290) == TRAIN


def test_what_moves_in_frequency_is_no_whine():
    assert source(clicking(), FIRST, STOP, bins=np.linspace(PLACE - 5, PLACE + 5, STOP - FIRST)) is None


def stacked(numbers, apart_bins=6.0, *, n=100, glide=0.05):
    """Frames with these harmonics of a sound that glides, in 60 to 160."""
    frames = empty_frames(512, N_BINS, BLOCK)
    frames.level[:] = np.random.default_rng(2).normal(0, 2, frames.level.shape)
    spacing = apart_bins * (1 + glide * np.sin(np.pi * np.arange(n) / n))
    for number in numbers:
        for i, place in enumerate(number * spacing - LOWEST_BIN):
            near = np.arange(N_BINS) - place
            frames.level[:, 60 + i] = np.maximum(frames.level[:, 60 + i], 30 - 8 * near**2)
    return frames, spacing


@pytest.mark.parametrize(
    ("numbers", "ours", "is_one"),
    [
        (range(7, 14), 10, True), (range(7, 12), 11, True), (range(8, 14), 8, True), ((9, 10, 11), 10, False),
        ((10,), 10, False), ((10, 20), 10, False), ((8, 10, 12), 10, False),
    ],
    ids=["amid", "the highest", "the lowest in the band", "three ridges", "alone", "with its overtone", "odd missing"],
)  # fmt: skip
def test_a_ridge_among_others_at_equal_distances_is_of_a_stack(numbers, ours, is_one):
    frames, spacing = stacked(numbers)
    sound = contour(frames, 60, 160, bins=ours * spacing - LOWEST_BIN)
    assert is_in_a_stack(frames, sound, GRID, LOWEST_BIN) is is_one


def test_squeals_are_no_calls_and_a_call_beside_them_is_one():
    squeals = [Artefact("squeal", at, 0.3) for at in (1.5, 3.0, 4.5)]
    calls = [PlannedCall(2.2, 0.5), PlannedCall(4.0, 0.04, "50-kHz")]
    for seed in (1, 2):
        detector = Detector(load_profile("rat"), 250_000)
        samples = np.concatenate(list(Soundscape(250_000, 6.0, seed, calls, squeals).blocks()))
        found = detector.push(samples) + detector.flush()
        assert [round(call.onset_s, 1) for call in found] == [2.2, 4.0]
        assert {one.reason for one in detector.rejected} & {STACK, "one of many ridges"}
