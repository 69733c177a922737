import numpy as np
import pytest
import scipy.fft
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.fft import LANES, FramePower


def power(samples, size, hop, low, high, window=None):
    n = max(0, (len(samples) - size) // hop + 1)
    out = np.full((high - low, n), np.nan, np.float32)
    FramePower(np.hanning(size) if window is None else window, hop, low, high)(samples, out)
    return out.T


def direct(samples, size, hop, low, high):
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, float), size)[::hop]
    return np.abs(scipy.fft.rfft(frames * np.hanning(size), axis=1)[:, low:high]) ** 2


@pytest.mark.parametrize("size", [64, 128, 256, 512, 1024, 2048, 4096])
def test_every_length_has_the_power_of_scipys_transform(size):
    """A last pass of 2, 4, 8 and 16; an even and an odd number of passes; hops of a quarter and of half."""
    samples = np.random.default_rng(size).normal(0, 1, 40 * size).astype(np.float32)
    for hop in (size // 4, size // 2):
        expected = direct(samples, size, hop, 1, size // 2)
        np.testing.assert_allclose(power(samples, size, hop, 1, size // 2), expected, rtol=1e-3, atol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 3 * LANES), st.integers(0, 127), st.integers(0, 2**32 - 1))
def test_any_number_of_frames_is_whole_to_the_last(n_frames, beyond, seed):
    n = 512 + 128 * (n_frames - 1) + beyond if n_frames else beyond
    samples = np.random.default_rng(seed).integers(-32768, 32768, n).astype(np.int16)
    got = power(samples, 512, 128, 37, 205)
    assert got.shape == (n_frames, 168)
    if n_frames:
        expected = direct(samples, 512, 128, 37, 205)
        np.testing.assert_allclose(got, expected, rtol=1e-3, atol=1e-6 * expected.max())


def test_the_power_of_all_bins_is_that_of_the_samples():
    """Parseval: 2 sum of |X_k|^2 over 0 < k < N/2, without those two bins, is N times the sum of squares."""
    rng = np.random.default_rng(2)
    k = np.arange(1, 256)
    phases = rng.uniform(0, 2 * np.pi, k.size)
    samples = np.cos(2 * np.pi * np.outer(np.arange(512), k) / 512 + phases).sum(axis=1).astype(np.float32)
    total = 2 * power(samples, 512, 128, 1, 256, np.ones(512)).sum()
    assert total == pytest.approx(512 * (samples.astype(float) ** 2).sum(), rel=1e-5)


def test_a_frame_knows_nothing_of_its_neighbours():
    """Numbers of 16 frames are worked out side by side: one that is not a number stays in its own."""
    samples = np.ones(512 + 128 * 40, np.float32)
    samples[0] = np.nan
    got = power(samples, 512, 128, 1, 256)
    assert np.isnan(got[0]).all()
    assert np.isfinite(got[1:]).all()
