from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.spectrogram import FrameGrid
from behavior.usv.features import measure, ridge_of
from behavior.usv.ridges import empty_frames
from usv.made import BLOCK, contour

GRID = FrameGrid.at(250_000)
LOWEST = 37
N_ROWS, N_BINS = 1024, 200
HZ_A_BIN, FRAME_S = 250_000 / 512, 128 / 250_000


def measured(*contours, level=-60.0, floor=-90.0, at=None):
    """The call that contours are in frames of one level, or of those given in `at`: (frame, bin) -> level."""
    frames = empty_frames(N_ROWS, N_BINS, BLOCK)
    frames.level[:], frames.floor[:] = level, floor
    for (frame, column), value in (at or {}).items():
        frames.level[column, frame % N_ROWS] = value
    return measure(frames, ridge_of(frames, contours, GRID, LOWEST), GRID, LOWEST, "a.wav")


@pytest.mark.parametrize(("start", "stop"), [(0, 8), (100, 101), (1000, 1400)])
def test_onset_and_offset_are_those_of_the_samples(start, stop):
    """Frame i stands for the samples [128 i + 192, 128 (i + 1) + 192): its 128 middle ones."""
    call = measured(contour(start, stop))
    assert call.onset_s * 250_000 == pytest.approx(128 * start + 192, abs=1e-6)
    assert call.offset_s * 250_000 == pytest.approx(128 * stop + 192, abs=1e-6)
    assert call.duration_s * 250_000 == pytest.approx(128 * (stop - start), abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 300), st.floats(20, 60), st.floats(-0.05, 0.4))
def test_a_linear_sweep_has_the_figures_of_its_line(n, first, step):
    bins = first + step * np.arange(n)
    call = measured(contour(10, 10 + n, bins=bins))
    hz = (bins + LOWEST) * HZ_A_BIN
    assert call.slope_hz_per_s == pytest.approx(step * HZ_A_BIN / FRAME_S, rel=1e-6, abs=1e-3)
    assert call.bandwidth_hz == pytest.approx(abs(step) * (n - 1) * HZ_A_BIN, abs=1e-6)
    assert (call.start_hz, call.end_hz) == pytest.approx((hz[0], hz[-1]))
    assert call.mean_hz == pytest.approx((hz[0] + hz[-1]) / 2)
    assert (call.low_hz, call.high_hz) == pytest.approx((min(hz[0], hz[-1]), max(hz[0], hz[-1])))
    assert call.sinuosity == pytest.approx(1.0)


def test_a_tent_is_as_sinuous_as_its_two_sides():
    """40 frames up and 40 down: sides of 20.48 ms and 40 x 0.48828125 = 19.53 kHz; the base 40.96 ms."""
    climb = np.concatenate((np.arange(40), 40 - np.arange(41.0)))
    call = measured(contour(0, 81, bins=30 + climb))
    assert call.sinuosity == pytest.approx(2 * np.hypot(20.48, 19.53125) / 40.96)
    assert call.slope_hz_per_s == pytest.approx(0.0, abs=1e-6)
    assert call.bandwidth_hz == pytest.approx(40 * HZ_A_BIN)


def test_a_sine_wave_of_frequency_has_the_arc_length_of_a_sine():
    """Against the length by fine numeric integration of sqrt(1 + (df/dt)^2)."""
    n, depth_khz, period_ms = 400, 4.0, 51.2
    ms = np.arange(n + 1) * FRAME_S * 1e3
    call = measured(contour(0, n + 1, bins=60 + depth_khz * 1e3 / HZ_A_BIN * np.sin(2 * np.pi * ms / period_ms)))
    fine = np.linspace(0, ms[-1], 100_001)
    slope = depth_khz * 2 * np.pi / period_ms * np.cos(2 * np.pi * fine / period_ms)
    assert call.sinuosity == pytest.approx(np.trapezoid(np.hypot(1, slope), fine) / ms[-1], rel=1e-3)


def test_one_point_has_no_slope_and_no_width():
    call = measured(contour(5, 6))
    assert (call.slope_hz_per_s, call.bandwidth_hz, call.sinuosity) == (0.0, 0.0, 1.0)
    assert call.start_hz == call.end_hz == call.peak_hz == call.mean_hz


def test_levels_are_means_of_power_and_signal_to_noise_of_decibels():
    """Half at -40 dB, half at -60 dB: (1e-4 + 1e-6) / 2 is -42.967 dB; 50 and 30 dB over the floor are 40."""
    at = {(frame, 60): -40.0 for frame in range(10)} | {(frame, 60): -60.0 for frame in range(10, 20)}
    call = measured(contour(0, 20), level=-90.0, at=at)
    assert call.level_db == pytest.approx(10 * np.log10(5.05e-5), abs=1e-4)
    assert call.snr_db == pytest.approx(40.0, abs=1e-4)


def test_the_peak_frequency_is_where_the_call_is_loudest():
    call = measured(contour(0, 30, bins=50.0 + np.arange(30)), at={(17, 67): -30.0})
    assert call.peak_hz == pytest.approx((67 + LOWEST) * HZ_A_BIN)


def test_white_power_has_no_tonality_and_one_line_has_that_of_its_means():
    """2 kHz are 4.096 bins: 55 to 65 are the band. A line 30 dB over ten: GM 10^(3/11), AM (1000 + 10)/11."""
    assert measured(contour(0, 20)).tonality == pytest.approx(0.0, abs=1e-9)
    line = {(frame, 60): -30.0 for frame in range(20)}
    expected = 1 - 10 ** (3 / 11) / (1010 / 11)
    assert measured(contour(0, 20), at=line).tonality == pytest.approx(expected, abs=1e-6)


def test_the_stronger_contour_is_the_call_where_two_overlap():
    weak, strong = contour(0, 100, bins=80.0, ridge=10.0), contour(40, 60, bins=50.0, ridge=30.0)
    call = measured(weak, strong)
    assert call.mean_hz == pytest.approx((0.8 * 80 + 0.2 * 50 + LOWEST) * HZ_A_BIN)
    assert (call.score, call.start_hz, call.low_hz) == (30.0, (80 + LOWEST) * HZ_A_BIN, (50 + LOWEST) * HZ_A_BIN)
    assert measured(strong, weak) == call


def test_frames_without_a_point_count_for_the_time_and_nothing_else():
    ridge = np.full(60, 20.0)
    ridge[20:40] = np.nan
    bins = np.where(np.isnan(ridge), 150.0, 60.0)
    call = measured(contour(0, 60, bins=bins, ridge=ridge))
    assert call.high_hz == pytest.approx((60 + LOWEST) * HZ_A_BIN)
    assert call.duration_s == pytest.approx(60 * FRAME_S)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 5_000), st.floats(-30, 30))
def test_figures_do_not_depend_on_when_or_how_loud(start, gain):
    bins, ridge = 60 + 10 * np.sin(np.arange(100) / 9), 20.0 + np.arange(100) / 10
    here, there = contour(0, 100, bins=bins, ridge=ridge), contour(start, start + 100, bins=bins, ridge=ridge)
    first, later = measured(here), measured(there, level=-60.0 + gain, floor=-90.0 + gain)
    for name in ("mean_hz", "peak_hz", "bandwidth_hz", "slope_hz_per_s", "sinuosity", "tonality", "score"):
        assert getattr(later, name) == pytest.approx(getattr(first, name), rel=1e-5, abs=1e-5), name
    assert later.call_type == first.call_type
    assert later.onset_s - first.onset_s == pytest.approx(start * FRAME_S)
    assert later.level_db - first.level_db == pytest.approx(gain, abs=1e-4)
    assert later.snr_db == pytest.approx(first.snr_db, abs=1e-4)


@pytest.mark.parametrize("bins", [0.0, 0.4, N_BINS - 1.0, N_BINS - 0.6])
def test_calls_at_the_edges_of_the_band_have_figures(bins):
    call = measured(contour(0, 10, bins=bins))
    assert np.isfinite([call.tonality, call.level_db, call.snr_db]).all()
