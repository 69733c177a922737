"""Spectrogram tiles of a recording of any length: worked out when they are looked at, in constant memory.

A tile is `WIDTH` columns by `HEIGHT` rows, frequency upwards from 0 to half the sample rate. At level 0 a column is one
frame, at level n it stands for 2^n frames, of which the loudest of up to `MOST_FRAMES` is shown, evenly spread: a far
view is read in pieces and not through, so that hours open at once. Brightness is dB over the quiet of the recording
itself, taken from pieces of it when it is opened.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.read import Recording
from behavior.audio.spectrogram import FrameGrid
from behavior.model.errors import BadInput

WIDTH, HEIGHT = 512, 256
MOST_FRAMES = 4
HIGHEST_LEVEL = 20
RANGE_DB = 45.0
CACHED = 400
_LOOKS = 24
Levels = npt.NDArray[np.float32]


class Tiles:
    """The tiles of one channel of a recording.

    Parameters
    ----------
    path : of the recording
    channel : from 1

    Raises
    ------
    BadInput
        The recording cannot be used.
    """

    def __init__(self, path: Path, channel: int | None = None) -> None:
        self.path = path
        with Recording(path, channel=channel) as recording:
            self.n_samples, self.sample_rate_hz = recording.n_samples, recording.sample_rate_hz
            self.channel, self.n_channels = channel, recording.n_channels
        self.grid = FrameGrid.at(self.sample_rate_hz)
        self._was = self._status()
        self._cached: OrderedDict[tuple[int, int], bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._quiet_db = self._quiet()

    @property
    def duration_s(self) -> float:
        """Length of the recording."""
        return self.n_samples / self.sample_rate_hz

    @property
    def column_s(self) -> float:
        """Time of a column at level 0."""
        return self.grid.frame_s

    @property
    def top_hz(self) -> float:
        """Frequency at the upper edge."""
        return self.sample_rate_hz / 2

    def png(self, level: int, index: int) -> bytes:
        """A tile.

        Raises
        ------
        BadInput
            There is no such tile, or the recording is not what it was when it was opened.
        """
        if not (0 <= level <= HIGHEST_LEVEL and 0 <= index * WIDTH << level < self.n_samples // self.grid.hop + 1):
            raise BadInput(f"there is no tile {index} at level {level}")
        key = level, index
        with self._lock:
            if key in self._cached:
                self._cached.move_to_end(key)
                return self._cached[key]
        self.check()
        made = _drawn(self._levels(level, index) - self._quiet_db)
        with self._lock:
            self._cached[key] = made
            while len(self._cached) > CACHED:
                self._cached.popitem(last=False)
        return made

    def check(self) -> None:
        """Whether the recording is still what was opened.

        Raises
        ------
        BadInput
            It was moved, cut or changed.
        """
        if self._status() != self._was:
            raise BadInput(
                f"{self.path.name}: was moved or changed since it was opened; put it back and reload the page"
            )

    def _status(self) -> tuple[int, int] | None:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_size, status.st_mtime_ns

    def _levels(self, level: int, index: int) -> Levels:
        """Levels, dB re full scale, shape (HEIGHT, WIDTH); columns behind the end are as quiet as can be."""
        stride, n_looked = 1 << level, min(MOST_FRAMES, 1 << level)
        first = index * WIDTH * stride
        frames = first + np.arange(WIDTH)[:, None] * stride + np.arange(n_looked)[None, :] * (stride // n_looked)
        starts = frames.ravel() * self.grid.hop
        there = starts + self.grid.size <= self.n_samples
        power = np.full((len(starts), self.grid.size // 2), 1e-20, np.float32)
        if there.any():
            power[there] = self._power(starts[there])
        loudest = power.reshape(WIDTH, n_looked, -1).max(axis=1)
        rows = loudest.reshape(WIDTH, HEIGHT, -1).max(axis=2) if loudest.shape[1] % HEIGHT == 0 else _fitted(loudest)
        return np.asarray(10 * np.log10(rows.T), np.float32)

    def _power(self, starts: npt.NDArray[np.int64]) -> Levels:
        """Power of the frames that begin at these samples, without the zeroth bin."""
        from scipy.fft import rfft

        size = self.grid.size
        with Recording(self.path, channel=self.channel) as recording:
            if starts[-1] + size - starts[0] <= 4 * len(starts) * size:
                n = int(starts[-1] + size - starts[0])
                samples = _padded(recording.read_at(int(starts[0]), n), size)
                framed = np.lib.stride_tricks.sliding_window_view(samples, size)[
                    np.minimum(starts - starts[0], len(samples) - size)
                ]
            else:
                framed = np.stack([_padded(recording.read_at(int(start), size), size) for start in starts])
        window, scale = _hann(size), 1 / 32768 if framed.dtype == np.int16 else 1.0
        spectrum = rfft(framed * (window * np.float32(scale)), axis=1)[:, 1:]
        return np.asarray(np.maximum(np.abs(spectrum) ** 2, 1e-20), np.float32)

    def _quiet(self) -> npt.NDArray[np.float32]:
        """The lower third of levels of each row, over pieces of the whole recording: what is drawn dark."""
        last = max(0, self.n_samples - self.grid.size)
        starts = np.unique(np.linspace(0, last, _LOOKS).astype(np.int64))
        if self.n_samples < self.grid.size:
            return np.zeros((HEIGHT, 1), np.float32)
        power = np.stack([self._power(np.array([start]))[0] for start in starts])
        rows = power.reshape(len(starts), HEIGHT, -1).max(axis=2) if power.shape[1] % HEIGHT == 0 else _fitted(power)
        return np.asarray(10 * np.log10(np.quantile(rows, 0.33, axis=0)), np.float32)[:, None]


def _fitted(power: Levels) -> Levels:
    """Bins as `HEIGHT` rows, where they are fewer or do not divide."""
    n_bins = power.shape[1]
    return power[:, np.arange(HEIGHT) * n_bins // HEIGHT]


def _padded(samples: Any, size: int) -> Any:
    return samples if len(samples) >= size else np.pad(samples, (0, size - len(samples)))


@cache
def _hann(size: int) -> Levels:
    window = np.hanning(size + 1)[:-1]
    return np.asarray(window * 2 / window.sum(), np.float32)


@cache
def _palette() -> bytes:
    """Magma, as it is told apart in grey and by any eyes."""
    from matplotlib import colormaps

    return bytes((colormaps["magma"](np.arange(256))[:, :3] * 255).astype(np.uint8).tobytes())


def _drawn(over_quiet_db: Levels) -> bytes:
    from PIL import Image

    shade = np.clip(over_quiet_db * (255 / RANGE_DB), 0, 255).astype(np.uint8)
    image = Image.fromarray(np.ascontiguousarray(shade[::-1]), "P")
    image.putpalette(_palette())
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
