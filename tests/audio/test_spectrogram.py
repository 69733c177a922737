import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.spectrogram import FrameGrid, StreamingSpectrogram

RATE = 250_000
GRID = FrameGrid.at(RATE)
SOUND = np.random.default_rng(5).integers(-9999, 9999, 40_000, dtype=np.int16)


def whole(sound, low=6, high=240):
    return StreamingSpectrogram(GRID, low, high).push(sound)


@pytest.mark.parametrize(
    ("rate", "size"), [(192_000, 512), (200_000, 512), (250_000, 512), (300_000, 512), (384_000, 1024), (500_000, 1024)]
)
def test_frames_are_about_two_milliseconds(rate, size):
    assert FrameGrid.at(rate).size == size
    assert 0.0017 <= size / rate <= 0.0027


def test_power_is_that_of_a_direct_transform():
    power = whole(SOUND)
    window = np.hanning(GRID.size + 1)[:-1]
    for frame in (0, 1, 255, 256, len(power) - 1):
        piece = SOUND[frame * GRID.hop :][: GRID.size] / 32768
        direct = np.abs(np.fft.rfft(piece * window * 2 / window.sum())[6:240]) ** 2
        np.testing.assert_allclose(power[frame], direct, rtol=2e-4, atol=1e-9 * direct.max())


def test_a_sine_of_full_scale_has_power_one():
    sine = np.sin(2 * np.pi * 100 * np.arange(GRID.size) / GRID.size).astype(np.float32)
    assert whole(sine)[0, 100 - 6] == pytest.approx(1, rel=1e-5)


def test_integers_and_floats_of_the_same_sound_give_the_same_bits():
    np.testing.assert_array_equal(whole(SOUND), whole((SOUND / np.float32(32768)).astype(np.float32)))


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, len(SOUND)), max_size=8))
def test_any_cutting_gives_the_same_bits(cuts):
    streaming = StreamingSpectrogram(GRID, 6, 240)
    pieces = [streaming.push(block) for block in np.split(SOUND, sorted(cuts))]
    np.testing.assert_array_equal(np.concatenate(pieces), whole(SOUND))


def test_frames_are_counted_as_they_come():
    for n in (0, 511, 512, 639, 640, 10_000):
        assert len(whole(SOUND[:n])) == GRID.frames_in(n)
