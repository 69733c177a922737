"""What a call has beyond its columns: contours as they were followed, jumps, entropy, harmonics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.spectrogram import FrameGrid
from behavior.simulate.acoustics import PlannedCall, Soundscape
from behavior.usv.detail import CONTOUR_COLUMNS, DETAIL_COLUMNS, detail_of
from behavior.usv.detect import Detector
from behavior.usv.features import ridge_of
from behavior.usv.profile import load_profile
from behavior.usv.ridges import empty_frames
from usv.made import BLOCK, contour

GRID, LOWEST, N_ROWS, N_BINS = FrameGrid.at(250_000), 37, 1024, 200
HZ_A_BIN = 250_000 / 512


def detail(bins, *, level=None, seed=None):
    """Of a contour in frames of one level, of noise, or of those given: (n_bins, n_frames) dB."""
    bins = np.asarray(bins, float)
    frames = empty_frames(N_ROWS, N_BINS, BLOCK)
    frames.floor[:] = -90.0
    frames.level[:] = -88.0 if seed is None else noise(seed)
    if level is not None:
        frames.level[:, : level.shape[1]] = level
    ridge = ridge_of(frames, [contour(0, len(bins), bins=bins)], GRID, LOWEST)
    return detail_of(frames, ridge, GRID, LOWEST)


def noise(seed):
    """Levels of white noise, dB: single frames of it are exponential in power."""
    return -88 + 10 * np.log10(np.random.default_rng(seed).exponential(size=(N_BINS, N_ROWS)))


def test_the_contour_has_the_middles_of_frames_and_the_levels_there():
    level = np.full((N_BINS, 40), -90.0)
    level[60] = np.linspace(-50, -30, 40)
    made = detail(np.full(40, 60.0), level=level)
    np.testing.assert_allclose(made.time_s * 250_000, 256 + 128 * np.arange(40))
    np.testing.assert_allclose(made.hz, (60 + LOWEST) * HZ_A_BIN)
    np.testing.assert_allclose(made.level_db, level[60], atol=1e-4)
    assert len(made.columns) == len(DETAIL_COLUMNS)


@pytest.mark.parametrize(
    ("bins", "n", "largest_khz"),
    [
        (np.full(30, 60.0), 0, 0.0),
        (np.r_[np.full(10, 60.0), np.full(10, 80.0)], 1, 20 * HZ_A_BIN / 1e3),
        (np.r_[np.full(10, 80.0), np.full(10, 60.0), np.full(10, 71.0)], 2, -20 * HZ_A_BIN / 1e3),
        (60 + np.arange(60.0), 0, 0.0),
        (np.r_[np.full(10, 60.0), np.full(10, 70.2)], 0, 0.0),
    ],
    ids=["level", "a step up", "down and up", "a sweep of 30 kHz", "4.98 kHz are none"],
)
def test_jumps_are_counted_and_the_largest_has_its_direction(bins, n, largest_khz):
    made = detail(bins)
    assert made.n_jumps == n
    assert made.largest_jump_hz == pytest.approx(1e3 * largest_khz)


def test_a_pure_tone_has_no_entropy_white_power_all_and_two_equal_lines_that_of_two():
    line = np.full((N_BINS, 20), -200.0)
    line[60] = -30
    assert detail(np.full(20, 60.0), level=line).spectral_entropy == pytest.approx(0.0, abs=1e-9)
    assert detail(np.full(20, 60.0)).spectral_entropy == pytest.approx(1.0)
    line[90] = -30
    assert detail(np.full(20, 60.0), level=line).spectral_entropy == pytest.approx(np.log(2) / np.log(N_BINS))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.integers(8, 400), st.floats(2, 60))
def test_noise_has_no_harmonics(seed, n, place):
    assert detail(np.full(n, place), seed=seed).n_harmonics == 0


@pytest.mark.parametrize("which", [(), (2,), (2, 3), (3,)])
def test_harmonics_that_are_there_are_counted(which):
    """22 kHz is bin 8 above bin 37; 44 and 66 kHz lie at 53 and 98, beyond 115 kHz there is nothing."""
    for seed in range(5):
        level = noise(seed)[:, :300]
        level[8] = -50
        for multiple in which:
            level[multiple * (8 + LOWEST) - LOWEST] = -80
        assert detail(np.full(300, 8.0), level=level).n_harmonics == len(which)


def test_the_detector_hands_out_what_it_followed_for_every_call_whatever_the_blocks():
    calls = [PlannedCall(0.5, 0.6), PlannedCall(1.4, 0.05, "50-kHz"), PlannedCall(1.8, 0.8, level_db=-20)]
    sound = np.concatenate(list(Soundscape(250_000, 3.0, 3, calls).blocks()))
    given_out = []
    for size in (len(sound), 7_001):
        detector = Detector(load_profile("rat"), 250_000, file="a.wav", detailed=True)
        found = [c for i in range(0, len(sound), size) for c in detector.push(sound[i : i + size])]
        found += detector.flush()
        assert len(found) == len(detector.details) == 3
        given_out.append([row for n, c in enumerate(found) for row in detector.details[n].rows(c, n + 1)])
    assert given_out[0] == given_out[1]
    assert len(given_out[0][0]) == len(CONTOUR_COLUMNS)
    for call, one in zip(found, detector.details, strict=True):
        assert call.onset_s <= one.time_s[0] <= one.time_s[-1] <= call.offset_s
        assert one.hz.mean() == pytest.approx(call.mean_hz)
        assert 10 * np.log10(np.mean(10 ** (one.level_db / 10))) == pytest.approx(call.level_db)
        assert 0 < one.spectral_entropy < 0.6
    assert detector.details[2].n_harmonics >= 1, "simulated 22-kHz calls have a second harmonic of 5 %"


def test_without_being_asked_nothing_is_kept():
    sound = np.concatenate(list(Soundscape(250_000, 2.0, 3, [PlannedCall(0.5, 0.6)]).blocks()))
    detector = Detector(load_profile("rat"), 250_000)
    assert len(detector.push(sound) + detector.flush()) == 1
    assert detector.details == []
