"""The one streaming spectrogram: Hann-windowed power on an absolute grid of frames.

Frame `i` covers the samples [i * hop, i * hop + size) from the first sample of the recording on, whatever blocks they
came in. The window is about 2 ms, as 22- and 50-kHz calls want (USVSEG, Tachibana et al. 2020, PLoS ONE
15:e0228907), the hop a quarter of it. Power is relative to a sine of full scale, whose bin has power 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.fft import SMALLEST, FramePower, Transform
from behavior.audio.read import Samples

Power = npt.NDArray[np.float32]

_WINDOW_S = 0.00205
_INT16_SCALE = 1 / 32768


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """Where frames and bins lie: `size` samples a frame, `hop` from frame to frame, counted from `first_frame`."""

    sample_rate_hz: int
    size: int
    hop: int
    first_frame: int = 0

    @classmethod
    def at(cls, sample_rate_hz: int) -> FrameGrid:
        """The grid for a sample rate: 512 samples from 176 to 353 kHz, 1024 above, up to 706 kHz."""
        size = max(SMALLEST, 1 << round(np.log2(max(1.0, sample_rate_hz * _WINDOW_S))))
        return cls(sample_rate_hz, size, size // 4)

    def from_sample(self, sample: int) -> FrameGrid:
        """The same grid, its frames counted from this sample on, which begins one."""
        if sample % self.hop:
            raise ValueError(f"sample {sample} begins no frame: they are {self.hop} apart")
        return replace(self, first_frame=sample // self.hop)

    @property
    def bin_hz(self) -> float:
        """Width of a frequency bin."""
        return self.sample_rate_hz / self.size

    @property
    def frame_s(self) -> float:
        """Time from frame to frame."""
        return self.hop / self.sample_rate_hz

    def onset_sample(self, frame: int) -> int:
        """First sample that is nearer to this frame's middle than to that of the one before."""
        return (self.first_frame + frame) * self.hop + (self.size - self.hop) // 2

    def onset_s(self, frame: int) -> float:
        """Time of `onset_sample`."""
        return self.onset_sample(frame) / self.sample_rate_hz

    def middle_s(self, frame: int) -> float:
        """Time of the middle of a frame."""
        return ((self.first_frame + frame) * self.hop + self.size / 2) / self.sample_rate_hz

    def frames_in(self, n_samples: int) -> int:
        """How many whole frames these samples hold."""
        return max(0, (n_samples - self.size) // self.hop + 1)


class FramedSound:
    """The last samples of a stream, and the power of the bins [`low_bin`, `high_bin`) of any of its frames.

    Parameters
    ----------
    grid : where the frames lie
    low_bin, high_bin : which bins are wanted

    Attributes
    ----------
    n_frames : frames that are whole so far
    """

    def __init__(self, grid: FrameGrid, low_bin: int, high_bin: int) -> None:
        self.grid, self.low_bin, self.high_bin = grid, low_bin, high_bin
        hann = np.hanning(grid.size + 1)[:-1]
        window = hann * 2 / hann.sum()
        self._of = {
            (kind, step): FramePower(window * scale, step * grid.hop, low_bin, high_bin)
            for kind, scale in ((np.dtype(np.int16), _INT16_SCALE), (np.dtype(np.float32), 1.0))
            for step in (1, 2)
        }
        self._held: Any = np.empty(0, np.int16)
        self._first = self._n = self.n_frames = 0

    @property
    def n_bins(self) -> int:
        """How many bins a frame has."""
        return self.high_bin - self.low_bin

    def push(self, block: Samples) -> None:
        """Take in samples, int16 or float32 in [-1, 1), the same kind every time."""
        if self._held.dtype != block.dtype:
            self._held = self._held.astype(block.dtype)
        if self._n + len(block) > len(self._held):
            grown: Any = np.empty(2 * (self._n + len(block)), block.dtype)
            grown[: self._n] = self._held[: self._n]
            self._held = grown
        self._held[self._n : self._n + len(block)] = block
        self._n += len(block)
        self.n_frames = self.grid.frames_in(self._first + self._n)

    def power(self, first: int, stop: int, step: int = 1) -> Power:
        """Power of the frames `first`, `first + step` ... before `stop`, shape (n_bins, n); `step` is 1 or 2.

        The window takes the scale of integers in; as that is a power of two, they give the same bits as floats do.
        """
        power = np.empty((self.n_bins, max(0, -(-(stop - first) // step))), np.float32)
        self._of[self._held.dtype, step](self._held[first * self.grid.hop - self._first : self._n], power)
        return power

    def held(self, step: int) -> tuple[Samples, int, Transform]:
        """For kernels: the samples, which of the whole the first is, and the transform of every `step`-th frame."""
        return self._held[: self._n], self._first, self._of[self._held.dtype, step].transform

    def forget(self, before: int) -> None:
        """Let go of the samples that no frame from this one on has."""
        n = before * self.grid.hop - self._first
        if n > len(self._held) // 4:
            self._held[: self._n - n] = self._held[n : self._n].copy()
            self._first, self._n = self._first + n, self._n - n


class StreamingSpectrogram:
    """Samples in, power of the bins [`low_bin`, `high_bin`) of every finished frame out.

    Parameters
    ----------
    grid : where the frames lie
    low_bin, high_bin : which bins are wanted
    """

    def __init__(self, grid: FrameGrid, low_bin: int, high_bin: int) -> None:
        self.grid, self.low_bin, self.high_bin = grid, low_bin, high_bin
        self._sound, self._n_frames = FramedSound(grid, low_bin, high_bin), 0

    @property
    def n_bins(self) -> int:
        """How many bins a frame has."""
        return self.high_bin - self.low_bin

    def push(self, block: Samples) -> Power:
        """Power, shape (n_frames, n_bins), of the frames that this block completes; each bin is contiguous."""
        self._sound.push(block)
        first, self._n_frames = self._n_frames, self._sound.n_frames
        power = self._sound.power(first, self._n_frames)
        self._sound.forget(self._n_frames)
        return power.T
