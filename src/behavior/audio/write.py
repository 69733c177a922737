"""Recordings, written so that a kill at any moment leaves a readable file.

A WAV's header states how much follows. The sizes are brought up to date after every block, samples first: whatever
moment a process dies at, the header names no more than what is there, and at most the last block is beyond it. Room
for the 64-bit header of EBU Tech 3306 (RF64) is kept from the start as a `JUNK` chunk, so that a session may grow past
4 GiB (2.4 h at 250 kHz) without being rewritten.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from behavior.model.errors import BadInput, Failure

Int16 = npt.NDArray[np.int16]

HEADER_BYTES = 80
"""Samples of a WAV that is written here begin after so many bytes."""
_LARGEST_RIFF = 0xFFFFFFFF


class _Sink(Protocol):
    def write(self, samples: Int16) -> None: ...
    def close(self) -> None: ...


class RecordingWriter:
    """Writes int16 samples to a new sound file. Use as a context manager, or close it.

    Parameters
    ----------
    path : ends in ``.wav`` or ``.flac``; FLAC is half the size, but its length is unknown until it is closed
    sample_rate_hz : samples a second
    channels : samples of one instant; blocks of several channels have shape (n, channels)

    Raises
    ------
    BadInput
        The file is there already (nothing is ever overwritten), or has another ending.
    Failure
        It cannot be made or written.
    """

    def __init__(self, path: Path, sample_rate_hz: int, channels: int = 1) -> None:
        self.path, self.sample_rate_hz, self.channels = Path(path), sample_rate_hz, channels
        self.n_samples = 0
        self._sink = self._open()

    def _open(self) -> _Sink:
        kinds: dict[str, type[_WavSink] | type[_FlacSink]] = {".wav": _WavSink, ".flac": _FlacSink}
        kind = kinds.get(self.path.suffix.lower())
        if kind is None:
            raise BadInput(f"{self.path}: sound is written as .wav or .flac; give it one of these endings")
        try:
            return kind(self.path, self.sample_rate_hz, self.channels)
        except FileExistsError:
            raise BadInput(f"{self.path}: is there already and is never overwritten; choose another name") from None
        except OSError as error:
            raise Failure(
                f"{self.path}: cannot be made ({error.strerror}); check the folder and its permissions"
            ) from None

    def write(self, samples: Int16) -> None:
        """Append samples of shape (n,) or (n, channels)."""
        if samples.dtype != np.int16:
            raise TypeError(f"int16 samples are written, not {samples.dtype}")
        if samples.size != len(samples) * self.channels:
            raise ValueError(f"a block of shape {samples.shape} does not hold {self.channels} channels")
        try:
            self._sink.write(samples)
        except OSError as error:
            raise Failure(f"{self.path}: cannot be written ({error.strerror}); free space on the disk") from None
        self.n_samples += len(samples)

    def close(self) -> None:
        """Bring the header up to date and close the file. Does nothing the second time."""
        self._sink.close()

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _WavSink:
    def __init__(self, path: Path, sample_rate_hz: int, channels: int) -> None:
        self._rate, self._channels, self._n_bytes = sample_rate_hz, channels, 0
        self._bytes_per_s = 2 * channels * sample_rate_hz
        self._file = path.open("xb", buffering=0)
        self._file.write(self._header())

    def write(self, samples: Int16) -> None:
        data = memoryview(samples.astype("<i2", copy=False).tobytes())
        while data:
            n = self._file.write(data)
            self._n_bytes += n
            data = data[n:]
        self._state()

    def close(self) -> None:
        if not self._file.closed:
            self._state()
            self._file.close()

    def _state(self) -> None:
        """One write of 80 bytes within a page: a kill leaves the old sizes or the new ones."""
        self._file.seek(0)
        self._file.write(self._header())
        self._file.seek(0, os.SEEK_END)

    def _header(self) -> bytes:
        riff_bytes, frame_bytes = self._n_bytes + HEADER_BYTES - 8, 2 * self._channels
        big = riff_bytes > _LARGEST_RIFF
        sizes = struct.pack("<QQQI", riff_bytes, self._n_bytes, self._n_bytes // frame_bytes, 0) if big else bytes(28)
        return struct.pack(
            "<4sI4s 4sI28s 4sIHHIIHH 4sI",
            b"RF64" if big else b"RIFF", _LARGEST_RIFF if big else riff_bytes, b"WAVE",
            b"ds64" if big else b"JUNK", 28, sizes,
            b"fmt ", 16, 1, self._channels, self._rate, self._bytes_per_s, frame_bytes, 16,
            b"data", _LARGEST_RIFF if big else self._n_bytes,
        )  # fmt: skip


class _FlacSink:
    def __init__(self, path: Path, sample_rate_hz: int, channels: int) -> None:
        import soundfile

        path.open("xb").close()
        self._sound: Any = soundfile.SoundFile(
            path, "w", samplerate=sample_rate_hz, channels=channels, format="FLAC", subtype="PCM_16"
        )

    def write(self, samples: Int16) -> None:
        self._sound.write(samples)

    def close(self) -> None:
        if not self._sound.closed:
            self._sound.close()
