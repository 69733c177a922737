"""A call's contour, for whoever wants to draw or classify it: time, frequency and level, a millisecond or less apart.

The strongest frequency within the call's band and 2 kHz around, of Hann windows as long as the detector's, between bins
by the parabola through three of them. Levels are dB re a sine of full scale.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.spectrogram import FrameGrid
from behavior.model.calls import Call

COLUMNS = ("file", "call", "time_s", "hz", "level_db")
MARGIN_HZ = 2_000.0
Float = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Trace:
    """A call's contour: three arrays of shape (n,). Times are seconds of the recording, of the frames' middles."""

    time_s: Float
    hz: Float
    level_db: Float

    def rows(self, file: str, number: int) -> Iterator[tuple[Any, ...]]:
        """In order of `COLUMNS`; calls are numbered from 1 in their recording."""
        for time_s, hz, level_db in zip(self.time_s, self.hz, self.level_db, strict=True):
            yield file, number, round(float(time_s), 6), round(float(hz), 1), round(float(level_db), 2)


def trace(sound: npt.NDArray[Any], first: int, call: Call, sample_rate_hz: int) -> Trace:
    """The contour of a call.

    Parameters
    ----------
    sound : samples around it, shape (n,), in [-1, 1)
    first : which sample of the recording the first of them is
    call : whose onset, offset and band are looked at
    sample_rate_hz : of the recording
    """
    grid = FrameGrid.at(sample_rate_hz)
    window = np.hanning(grid.size + 1)[:-1]
    middles = np.arange(call.onset_s * sample_rate_hz, call.offset_s * sample_rate_hz, grid.hop)
    starts = np.rint(middles - grid.size / 2 - first).astype(np.int64)
    inside = (starts >= 0) & (starts + grid.size <= len(sound))
    starts = starts[inside]
    if not len(starts):
        return Trace(*(np.empty(0) for _ in range(3)))
    frames = np.stack([sound[start : start + grid.size] for start in starts]) * (window * 2 / window.sum())
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    low = max(1, int((call.low_hz - MARGIN_HZ) / grid.bin_hz))
    high = min(power.shape[1] - 2, int((call.high_hz + MARGIN_HZ) / grid.bin_hz) + 1)
    peak = power[:, low : high + 1].argmax(axis=1) + low
    rows = np.arange(len(peak))
    before, here, after = (10 * np.log10(power[rows, peak + k] + 1e-17) for k in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0)
    hz = (peak + np.clip(shift, -0.5, 0.5)) * grid.bin_hz
    return Trace((starts + first + grid.size / 2) / sample_rate_hz, hz, here - 0.25 * (before - after) * shift)


def traces(path: Path, calls: Iterable[Call], sample_rate_hz: int, channel: int | None = None) -> Iterator[Trace]:
    """The contours of a recording's calls, in their order; each reads no more than its own stretch of the file.

    Parameters
    ----------
    path : of the recording
    calls : found in it
    sample_rate_hz : its true rate
    channel : from 1
    """
    import soundfile

    margin = FrameGrid.at(sample_rate_hz).size
    with soundfile.SoundFile(path) as file:
        for call in calls:
            first = max(0, round(call.onset_s * sample_rate_hz) - margin)
            stop = min(file.frames, round(call.offset_s * sample_rate_hz) + margin)
            file.seek(first)
            sound = file.read(stop - first, dtype="float64", always_2d=True)[:, (channel or 1) - 1]
            yield trace(sound, first, call, sample_rate_hz)
