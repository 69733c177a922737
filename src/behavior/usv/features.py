"""What a call is like: the columns of the call table, from its contours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.spectrogram import FrameGrid
from behavior.model.calls import Call
from behavior.usv.classify import call_type
from behavior.usv.contour import Contour
from behavior.usv.ridges import Frames

Array = npt.NDArray[Any]

_TONALITY_MARGIN_HZ = 2_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A call's strongest point in each frame that has one.

    Attributes
    ----------
    start, stop : the call's frames are [start, stop)
    frames, rows : in which there is a point, and their places in the rings, shape (n,)
    hz, level, floor : frequency; level there and noise floor there, dB re full scale, shape (n,)
    strongest : of all its contours, dB
    """

    start: int
    stop: int
    frames: Array
    rows: Array
    hz: Array
    level: Array
    floor: Array
    strongest: float


def ridge_of(frames: Frames, contours: Sequence[Contour], grid: FrameGrid, lowest_bin: int) -> Ridge:
    """The ridge of the call that these contours are, while its frames are still in the rings."""
    start, stop = min(c.start for c in contours), max(c.stop for c in contours)
    bins = _main_ridge(contours, start, stop)
    there = np.flatnonzero(~np.isnan(bins))
    rows = (start + there) % len(frames.base)
    columns = np.clip(np.rint(bins[there]).astype(np.int64), 0, frames.level.shape[0] - 1)
    return Ridge(
        start,
        stop,
        start + there,
        rows,
        (bins[there] + lowest_bin) * grid.bin_hz,
        frames.level[columns, rows].astype(np.float64),
        frames.floor[rows // (len(frames.base) // len(frames.floor)), columns],
        max(c.strongest for c in contours),
    )


def measure(frames: Frames, ridge: Ridge, grid: FrameGrid, lowest_bin: int, file: str) -> Call:
    """The call that a ridge is, in order of `model.calls.CALL_COLUMNS`.

    Frequencies are taken along the ridge, levels where it runs.
    """
    level, hz = ridge.level, ridge.hz
    onset_s, offset_s = grid.onset_s(ridge.start), grid.onset_s(ridge.stop)
    seconds = (ridge.frames - ridge.start) * grid.frame_s
    low_hz, high_hz, mean_hz = float(hz.min()), float(hz.max()), float(hz.mean())
    duration_s = offset_s - onset_s
    return Call(
        file=file,
        onset_s=onset_s,
        offset_s=offset_s,
        duration_s=duration_s,
        peak_hz=float(hz[level.argmax()]),
        low_hz=low_hz,
        high_hz=high_hz,
        mean_hz=mean_hz,
        start_hz=float(hz[0]),
        end_hz=float(hz[-1]),
        bandwidth_hz=high_hz - low_hz,
        slope_hz_per_s=_slope(seconds, hz),
        sinuosity=_sinuosity(seconds, hz),
        tonality=_tonality(frames, ridge.rows, (low_hz, high_hz), grid, lowest_bin),
        level_db=float(10 * np.log10(np.mean(10 ** (level / 10)))),
        snr_db=float(np.mean(level - ridge.floor)),
        call_type=call_type(seconds, hz, duration_s),
        score=ridge.strongest,
    )


def _main_ridge(contours: Sequence[Contour], start: int, stop: int) -> Array:
    """Fractional bin of the strongest point of each frame; NaN where there is none."""
    bins, strongest = np.full(stop - start, np.nan), np.full(stop - start, -np.inf)
    for c in contours:
        at = slice(c.start - start, c.stop - start)
        better = np.nan_to_num(c.ridge, nan=-np.inf) > strongest[at]
        bins[at][better], strongest[at][better] = c.bins[better], c.ridge[better]
    return bins


def _slope(seconds: Array, hz: Array) -> float:
    """Least squares, Hz/s."""
    if len(seconds) < 2:
        return 0.0
    centred = seconds - seconds.mean()
    return float((centred * (hz - hz.mean())).sum() / (centred**2).sum())


def _sinuosity(seconds: Array, hz: Array) -> float:
    """Length of the contour over the straight line between its ends, in the plane of ms and kHz."""
    ms, khz = 1e3 * seconds, 1e-3 * hz
    length = np.hypot(np.diff(ms), np.diff(khz)).sum()
    straight = np.hypot(ms[-1] - ms[0], khz[-1] - khz[0])
    return float(length / straight) if straight > 0 else 1.0


def _tonality(
    frames: Frames, rows: npt.NDArray[np.int64], band_hz: tuple[float, float], grid: FrameGrid, lowest_bin: int
) -> float:
    """1 - geometric / arithmetic mean of the power in the call's band and 2 kHz around, mean over frames."""
    low, high = (
        (hz + sign * _TONALITY_MARGIN_HZ) / grid.bin_hz - lowest_bin for hz, sign in zip(band_hz, (-1, 1), strict=True)
    )
    level = frames.level[max(0, int(low)) : int(high) + 2, rows]
    nepers = np.float32(np.log(10) / 10) * level
    loudest = nepers.max(axis=0)
    nepers -= loudest
    return float(np.mean(1 - np.exp(nepers.mean(axis=0)) / np.exp(nepers).mean(axis=0), dtype=np.float64))
