"""A call that a person pointed at is measured as what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.audio.excerpt import excerpt
from behavior.model.errors import BadInput
from behavior.usv.by_hand import measure_box, measure_in

RATE = 250_000


def sweep(start_hz: float, end_hz: float, duration_s: float = 0.1, at_s: float = 0.5, noise: float = 30) -> np.ndarray:
    """A sweep in noise, int16; quiet half a second before and behind."""
    n = round((duration_s + 2 * at_s) * RATE)
    sound = np.random.default_rng(1).normal(0, noise, n)
    t = np.arange(round(duration_s * RATE)) / RATE
    phase = 2 * np.pi * (start_hz * t + (end_hz - start_hz) * t**2 / (2 * duration_s))
    first = round(at_s * RATE)
    sound[first : first + len(t)] += 6000 * np.sin(phase)
    return sound.astype(np.int16)


@settings(max_examples=25, deadline=None)
@given(st.integers(20, 90), st.integers(-10, 10))
def test_frequencies_and_slope_are_those_of_the_sweep(start_khz: int, rise_khz: int) -> None:
    start_hz, end_hz = 1e3 * start_khz, 1e3 * (start_khz + rise_khz)
    low, high = min(start_hz, end_hz) - 2000, max(start_hz, end_hz) + 2000
    call = measure_box(sweep(start_hz, end_hz), RATE, 10.0, (10.5, 10.6, low, high), "a.wav")
    assert call.start_hz == pytest.approx(start_hz, abs=700)
    assert call.end_hz == pytest.approx(end_hz, abs=700)
    assert call.mean_hz == pytest.approx((start_hz + end_hz) / 2, abs=500)
    assert call.slope_hz_per_s == pytest.approx((end_hz - start_hz) / 0.1, abs=9000)
    assert call.bandwidth_hz == call.high_hz - call.low_hz
    assert (call.onset_s, call.offset_s, call.file) == (10.5, 10.6, "a.wav")
    assert call.duration_s == pytest.approx(0.1)
    assert call.tonality > 0.9
    assert call.snr_db > 20
    assert call.level_db == pytest.approx(20 * np.log10(6000 / 32768), abs=1.5)


def test_a_box_of_nothing_but_noise_is_no_tone() -> None:
    call = measure_box(sweep(50e3, 50e3), RATE, 0.0, (0.1, 0.3, 30e3, 40e3), "a.wav")
    assert call.tonality < 0.6
    assert call.snr_db < 20


@pytest.mark.parametrize(("box", "sentence"), [
    ((0.5, 0.5001, 20e3, 40e3), r"a call lasts a frame \(0\.5 ms\) at least; draw it longer"),
    ((0.5, 0.6, 200e3, 210e3), "the recording holds nothing from 200000 to 210000 Hz"),
    ((0.0, 61.0, 20e3, 40e3), "a call of 61 s is none; draw it shorter than 60 s"),
    ((500.0, 501.0, 20e3, 40e3), r"is 1\.100 s long; there is nothing from 499\.500 s on"),
])  # fmt: skip
def test_boxes_that_hold_no_call(tmp_path: Path, box: tuple[float, float, float, float], sentence: str) -> None:
    soundfile.write(tmp_path / "a.wav", sweep(50e3, 50e3), RATE, subtype="PCM_16")
    with pytest.raises(BadInput, match=sentence):
        measure_in(tmp_path / "a.wav", box)


@pytest.mark.parametrize(("name", "subtype"), [("a.wav", "PCM_16"), ("a.flac", "PCM_16"), ("b.wav", "FLOAT")])
def test_an_excerpt_is_what_stands_there(tmp_path: Path, name: str, subtype: str) -> None:
    sound = sweep(40e3, 60e3)
    soundfile.write(tmp_path / name, sound / 32768 if subtype == "FLOAT" else sound, RATE, subtype=subtype)
    samples, rate, first_s = excerpt(tmp_path / name, 0.5, 0.6)
    assert (rate, first_s) == (RATE, 0.5)
    whole = sound[125_000:150_000]
    np.testing.assert_allclose(samples, whole if samples.dtype == np.int16 else whole / 32768, atol=1e-9)
    early, _, zero_s = excerpt(tmp_path / name, -5.0, 0.001)
    assert (len(early), zero_s) == (250, 0.0)
    late, _, _ = excerpt(tmp_path / name, 1.0, 99.0)
    assert len(late) == len(sound) - 250_000


def test_of_several_channels_the_one_that_is_meant(tmp_path: Path) -> None:
    two = np.stack([sweep(30e3, 30e3), sweep(60e3, 60e3)], axis=1)
    soundfile.write(tmp_path / "two.wav", two, RATE, subtype="PCM_16")
    for channel, hz in ((1, 30e3), (2, 60e3)):
        call = measure_in(tmp_path / "two.wav", (0.5, 0.6, 20e3, 90e3), channel=channel)
        assert call.peak_hz == pytest.approx(hz, abs=500)
    with pytest.raises(BadInput, match="has 2 channels"):
        measure_in(tmp_path / "two.wav", (0.5, 0.6, 20e3, 90e3))
