"""What can be had of a call beyond its columns, on request: its contour, and what that and the spectrum tell.

Rules. The contour is the one that the detector followed: a point for each frame in which the call's ridge holds, at
the middle of the frame. Nothing is looked for again in the sound.

* **Jump**: 5 kHz or more from one point to the next, as for the call types (`classify`).
* **Spectral entropy**: Shannon's, of the power in the detector's whole band, over the logarithm of the number of bins,
  mean over frames: 0 for a pure tone, 1 for white noise.
* **Harmonics**: how many whole multiples of the contour within the band stand out of what lies 3 to 6 kHz beside them:
  by 3 dB, and by four times what noise does. Overtones above the band are not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.spectrogram import FrameGrid
from behavior.model.calls import Call
from behavior.usv.classify import jumps
from behavior.usv.features import Ridge
from behavior.usv.ridges import Frames

Array = npt.NDArray[Any]

DETAIL_COLUMNS = ("spectral_entropy", "n_jumps", "largest_jump_hz", "n_harmonics")
"""What `--columns full` appends to a call table."""
CONTOUR_COLUMNS = ("file", "call", "time_s", "hz", "level_db")

_BESIDE_HZ = (3_000.0, 6_000.0)
_STANDS_OUT_DB, _OF_NOISE, _NOISE_DB, _FRAMES_A_LOOK = 3.0, 4.0, 4.0, 2
_NEAR = 1


@dataclass(frozen=True, slots=True, eq=False)
class Detail:
    """A call's contour and what it tells.

    Attributes
    ----------
    time_s, hz, level_db : of the contour's points, shape (n,): seconds of the recording, Hz, dB re full scale
    spectral_entropy : from 0, a pure tone, to 1, white noise
    n_jumps : how many jumps of frequency
    largest_jump_hz : the largest of them, negative when it goes down; 0 without any
    n_harmonics : overtones that are there
    """

    time_s: Array
    hz: Array
    level_db: Array
    spectral_entropy: float
    n_jumps: int
    largest_jump_hz: float
    n_harmonics: int

    @property
    def columns(self) -> tuple[float, int, float, int]:
        """In order of `DETAIL_COLUMNS`."""
        return self.spectral_entropy, self.n_jumps, self.largest_jump_hz, self.n_harmonics

    def rows(self, call: Call, number: int) -> Iterator[tuple[Any, ...]]:
        """In order of `CONTOUR_COLUMNS`; calls are numbered from 1 in their recording."""
        for time_s, hz, level_db in zip(self.time_s, self.hz, self.level_db, strict=True):
            yield call.file, number, round(float(time_s), 6), round(float(hz), 1), round(float(level_db), 2)


def detail_of(frames: Frames, ridge: Ridge, grid: FrameGrid, lowest_bin: int) -> Detail:
    """The details of the call whose ridge this is, while its frames are still in the rings.

    Parameters
    ----------
    frames : the detector's last frames
    ridge : the call's strongest point in each frame that has one
    grid : frames and bins
    lowest_bin : the bin that ridges count from
    """
    at = jumps(ridge.hz)
    sizes = np.diff(ridge.hz)[at]
    return Detail(
        time_s=np.array([grid.middle_s(frame) for frame in ridge.frames]),
        hz=ridge.hz,
        level_db=ridge.level,
        spectral_entropy=_entropy(frames, ridge),
        n_jumps=len(at),
        largest_jump_hz=float(sizes[np.abs(sizes).argmax()]) if len(at) else 0.0,
        n_harmonics=_n_harmonics(frames, ridge, grid, lowest_bin),
    )


def _entropy(frames: Frames, ridge: Ridge) -> float:
    level = frames.level[:, ridge.rows].astype(np.float64)
    power = 10 ** ((level - level.max(axis=0)) / 10)
    share = power / power.sum(axis=0)
    return float(np.mean(-(share * np.log(np.maximum(share, 1e-30))).sum(axis=0)) / np.log(len(level)))


def _n_harmonics(frames: Frames, ridge: Ridge, grid: FrameGrid, lowest_bin: int) -> int:
    near, far = (round(hz / grid.bin_hz) for hz in _BESIDE_HZ)
    n, multiple = 0, 2
    while (inside := _inside(multiple * ridge.hz / grid.bin_hz - lowest_bin, len(frames.level), near)).any():
        place = np.rint(multiple * ridge.hz[inside] / grid.bin_hz).astype(np.int64) - lowest_bin
        rows, count = ridge.rows[inside], int(inside.sum())
        here = _excess(frames, rows, place, np.arange(-_NEAR, _NEAR + 1))
        sides = np.concatenate((np.arange(-far, -near + 1), np.arange(near, far + 1)))
        beside = _excess(frames, rows, place, sides)
        least = max(_STANDS_OUT_DB, _OF_NOISE * _NOISE_DB / np.sqrt(max(1.0, count / _FRAMES_A_LOOK)))
        n += here - beside >= least
        multiple += 1
    return n


def _inside(bins: Array, n_bins: int, margin: int) -> npt.NDArray[np.bool_]:
    return np.asarray((bins >= _NEAR) & (bins < n_bins - margin))


def _excess(frames: Frames, rows: npt.NDArray[np.int64], place: npt.NDArray[np.int64], around: Array) -> float:
    """Mean over frames of the level over the floor, dB, mean power of the bins around a place in each."""
    bins = np.clip(place[None, :] + around[:, None], 0, len(frames.level) - 1)
    block = len(frames.base) // len(frames.floor)
    over = frames.level[bins, rows] - frames.floor[rows // block, bins]
    return float(np.mean(10 * np.log10(np.mean(10 ** (over.astype(np.float64) / 10), axis=0))))
