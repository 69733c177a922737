"""The one streaming spectrogram: Hann-windowed power on an absolute grid of frames.

Frame `i` covers the samples [i * hop, i * hop + size) from the first sample of the recording on, whatever blocks they
came in. The window is about 2 ms, as 22- and 50-kHz calls want (USVSEG, Tachibana et al. 2020, PLoS ONE
15:e0228907), the hop a quarter of it. Power is relative to a sine of full scale, whose bin has power 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.fft import FramePower
from behavior.audio.read import Samples

Power = npt.NDArray[np.float32]

_WINDOW_S = 0.00205
_INT16_SCALE = 1 / 32768


@dataclass(frozen=True, slots=True)
class FrameGrid:
    """Where frames and bins lie: `size` samples a frame, `hop` from frame to frame."""

    sample_rate_hz: int
    size: int
    hop: int

    @classmethod
    def at(cls, sample_rate_hz: int) -> FrameGrid:
        """The grid for a sample rate: 512 samples from 176 to 353 kHz, 1024 above, up to 706 kHz."""
        size = 1 << max(4, round(np.log2(sample_rate_hz * _WINDOW_S)))
        return cls(sample_rate_hz, size, size // 4)

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
        return frame * self.hop + (self.size - self.hop) // 2

    def onset_s(self, frame: int) -> float:
        """Time of `onset_sample`."""
        return self.onset_sample(frame) / self.sample_rate_hz

    def frames_in(self, n_samples: int) -> int:
        """How many whole frames these samples hold."""
        return max(0, (n_samples - self.size) // self.hop + 1)


class StreamingSpectrogram:
    """Samples in, power of the bins [`low_bin`, `high_bin`) of every finished frame out.

    Parameters
    ----------
    grid : where the frames lie
    low_bin, high_bin : which bins are wanted
    """

    def __init__(self, grid: FrameGrid, low_bin: int, high_bin: int) -> None:
        self.grid, self.low_bin, self.high_bin = grid, low_bin, high_bin
        hann = np.hanning(grid.size + 1)[:-1]
        window = hann * 2 / hann.sum()
        self._of_floats = FramePower(window, grid.hop, low_bin, high_bin)
        self._of_integers = FramePower(window * _INT16_SCALE, grid.hop, low_bin, high_bin)
        self._held: Samples = np.empty(0, np.int16)

    @property
    def n_bins(self) -> int:
        """How many bins a frame has."""
        return self.high_bin - self.low_bin

    def push(self, block: Samples) -> Power:
        """Power, shape (n_frames, n_bins), of the frames that this block completes.

        The window takes the scale of integers in; as that is a power of two, they give the same bits as floats do.
        """
        samples: Any = np.concatenate((self._held, block)) if len(self._held) else np.ascontiguousarray(block)
        n_frames = self.grid.frames_in(len(samples))
        power = np.empty((n_frames, self.n_bins), np.float32)
        transform = self._of_integers if samples.dtype == np.int16 else self._of_floats
        transform(samples, power)
        self._held = samples[n_frames * self.grid.hop :].copy()
        return power
