"""Reads a WAV while it is being written, as far as it has come: what searches live sound needs no share of the capture.

How far the samples reach, the file's size says.
"""

from __future__ import annotations

import struct
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from behavior.audio.write import HEADER_BYTES

_MOST = 1 << 18


class GrowingRecording:
    """A file that `RecordingWriter` is writing.

    Parameters
    ----------
    path : of a WAV
    channel : from 1
    """

    def __init__(self, path: Path, channel: int = 1) -> None:
        self._file = path.open("rb")
        header = self._file.read(HEADER_BYTES)
        self.channels, self.sample_rate_hz = struct.unpack_from("<HI", header, 58)
        self._channel, self._rest = channel - 1, b""
        self.n_samples = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def read(self) -> npt.NDArray[np.int16]:
        """The channel's samples that have come since; a second's worth or so at a time, none if there are none yet."""
        frame_bytes = 2 * self.channels
        data = self._rest + self._file.read(_MOST * frame_bytes - len(self._rest))
        whole = len(data) - len(data) % frame_bytes
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], "<i2").reshape(-1, self.channels)[:, self._channel]
        self.n_samples += len(samples)
        return np.ascontiguousarray(samples, np.int16)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
