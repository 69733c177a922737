"""Ultrasound made audible: slowed down, or shifted down as a bat detector does (heterodyne)."""

from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.excerpt import excerpt
from behavior.model.errors import BadInput

LONGEST_S = 30.0
AUDIBLE_HZ = 48_000
FACTORS = (1, 100)
HALF_BAND_HZ = 5_000.0
PEAK = 0.7
MOST_TAPS = 5000
"""Of the low-pass, by twenty: a rate such as 250,001 Hz would want a quarter of a million."""


def audible(
    path: Path,
    begin_s: float,
    end_s: float,
    *,
    factor: float | None = None,
    tuned_hz: float | None = None,
    channel: int | None = None,
) -> bytes:
    """A WAV of a piece of a recording.

    Parameters
    ----------
    factor : so many times slower; pitch falls by as much
    tuned_hz : heterodyne: what lies within 5 kHz of this frequency, shifted down, at its own speed

    Raises
    ------
    BadInput
        The piece is too long or empty, or neither or both ways are asked for.
    """
    import soundfile

    if (factor is None) == (tuned_hz is None):
        raise BadInput("listening is slowed down or shifted; choose one")
    if not 0 < end_s - begin_s <= LONGEST_S:
        raise BadInput(f"up to {LONGEST_S:.0f} s can be listened to at once; zoom in")
    samples, rate, _ = excerpt(path, begin_s, end_s, channel=channel)
    if not len(samples):
        raise BadInput("the recording holds nothing there; choose another piece")
    sound = samples.astype(np.float32) / (32768.0 if samples.dtype == np.int16 else 1.0)
    if factor is not None:
        if not FACTORS[0] <= factor <= FACTORS[1]:
            raise BadInput(f"slowed down by {FACTORS[0]} to {FACTORS[1]} (not {factor:g})")
        heard, rate_out = _resampled(sound, rate / factor), AUDIBLE_HZ
    else:
        assert tuned_hz is not None
        heard, rate_out = heterodyned(sound, rate, tuned_hz), AUDIBLE_HZ
    loudest = float(np.abs(heard).max(initial=0.0))
    stream = io.BytesIO()
    soundfile.write(stream, heard * (PEAK / loudest if loudest else 1.0), rate_out, "PCM_16", format="WAV")
    return stream.getvalue()


def heterodyned(sound: npt.NDArray[Any], sample_rate_hz: int, tuned_hz: float) -> npt.NDArray[Any]:
    """Sound mixed with a tone and low-passed, at 48 kHz.

    Raises
    ------
    BadInput
        The recording holds nothing at this frequency.
    """
    from scipy.signal import butter, sosfilt

    if not 0 < tuned_hz < sample_rate_hz / 2:
        raise BadInput(
            f"the recording holds nothing at {tuned_hz:.0f} Hz; it reaches up to {sample_rate_hz / 2:.0f} Hz"
        )
    mixed = sound * np.cos(2 * np.pi * tuned_hz * np.arange(len(sound)) / sample_rate_hz)
    low = sosfilt(butter(6, HALF_BAND_HZ, fs=sample_rate_hz, output="sos"), mixed)
    return _resampled(low, float(sample_rate_hz))


def _resampled(sound: npt.NDArray[Any], rate_hz: float) -> npt.NDArray[Any]:
    """At 48 kHz, as browsers play it; by a ratio of whole numbers that is at most 0.05 % off."""
    from librosa import resample

    finest = max(1, min(1000, int(MOST_TAPS * rate_hz / AUDIBLE_HZ)))
    ratio = Fraction(AUDIBLE_HZ / rate_hz).limit_denominator(finest)
    rates = {"orig_sr": ratio.denominator, "target_sr": ratio.numerator}
    return np.asarray(resample(sound, **rates, res_type="polyphase"))
