"""Recordings, block by block.

Rules: memory does not grow with the file. Samples of 16 bits or fewer come as int16, exactly as they stand; all others
as float32 in [-1, 1). What a file holds is read even when its end is missing, and said in `warnings`. A sample that is
not a number is read as silence, and said. A file that cannot be used at all is a `BadInput`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from behavior.model.errors import BadInput

Samples = npt.NDArray[np.int16] | npt.NDArray[np.float32]

_INT16_EXACT = ("PCM_16", "PCM_S8", "PCM_U8")
_NAMES = {np.dtype(kind): np.dtype(kind).name for kind in (np.int16, np.float32)}
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 10_000_000
_UNKNOWN_SIZE = (0, 0xFFFFFFFF)


class Recording:
    """One channel of a sound file, read forwards. Use as a context manager.

    Parameters
    ----------
    path : WAV, RF64, W64, FLAC or whatever else libsndfile knows
    channel : from 1; a file of several channels needs it said
    sample_rate_hz : overrides a header that is wrong, as when ultrasound was slowed down for listening

    Attributes
    ----------
    sample_rate_hz : int
    n_samples : samples per channel, as the file says; what is really there can be less
    warnings : sentences about what was found wrong and how it was met; complete once all blocks are read

    Raises
    ------
    BadInput
        There is no such file, it is a folder, it is not sound, holds no samples, lacks the channel, or states a sample
        rate that cannot be true.
    """

    def __init__(self, path: Path, *, channel: int | None = None, sample_rate_hz: int | None = None) -> None:
        self.path, self.warnings = Path(path), list[str]()
        _check_path(self.path)
        self._sound = _open(self.path)
        try:
            self.n_samples = int(self._sound.frames)
            self.sample_rate_hz = int(self._sound.samplerate) if sample_rate_hz is None else sample_rate_hz
            self.n_channels = int(self._sound.channels)
            self._channel = self._choose(channel)
            self._check()
        except BadInput:
            self._sound.close()
            raise
        self.dtype = np.dtype(np.int16 if self._sound.subtype in _INT16_EXACT else np.float32)
        missing = _missing_samples(self.path)
        if missing:
            self.warnings.append(self._truncated(self.n_samples + missing))

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._sound.close()

    @property
    def duration_s(self) -> float:
        """Length in seconds, as the file says."""
        return self.n_samples / self.sample_rate_hz

    def blocks(self, n: int = 1 << 17) -> Iterator[Samples]:
        """The channel's samples in blocks of `n`; the last is shorter. Each is valid until the next is asked for."""
        buffer = np.empty((n, self.n_channels), self.dtype)
        n_read = n_not_numbers = 0
        while True:
            block = self._read(buffer)
            if not len(block):
                break
            n_read += len(block)
            samples = np.ascontiguousarray(block[:, self._channel])
            if self.dtype == np.float32:
                n_not_numbers += _silence_what_is_not_a_number(samples)
            yield samples
        if n_not_numbers:
            self._check_numbers(n_not_numbers, n_read)
        if n_read < self.n_samples and not any("cut short" in warning for warning in self.warnings):
            self.warnings.append(self._truncated(self.n_samples, n_read))
        self.n_samples = n_read

    def read_at(self, first: int, n: int) -> Samples:
        """So many samples of the channel from this one on, fewer at the end; `blocks` goes on behind them."""
        import soundfile

        try:
            self._sound.seek(first)
        except (soundfile.LibsndfileError, RuntimeError):
            raise BadInput(f"{self.path}: cannot be read from sample {first} on; it was cut or changed") from None
        samples = np.ascontiguousarray(self._read(np.empty((n, self.n_channels), self.dtype))[:, self._channel])
        if self.dtype == np.float32:
            _silence_what_is_not_a_number(samples)
        return samples

    def _read(self, buffer: npt.NDArray[Any]) -> npt.NDArray[Any]:
        import soundfile

        try:
            return np.asarray(self._sound.read(out=buffer, dtype=_NAMES[self.dtype], always_2d=True))
        except soundfile.LibsndfileError:  # a compressed file that ends, or is damaged, amid a frame
            return buffer[:0]

    def _choose(self, channel: int | None) -> int:
        if channel is None and self.n_channels > 1:
            raise BadInput(
                f"{self.path}: has {self.n_channels} channels; say which one with --channel 1 to {self.n_channels}"
            )
        if channel is not None and not 1 <= channel <= self.n_channels:
            raise BadInput(f"{self.path}: has no channel {channel}; choose from 1 to {self.n_channels}")
        return (channel or 1) - 1

    def _check(self) -> None:
        if self.n_samples == 0:
            raise BadInput(
                f"{self.path}: holds no samples; if it is being recorded, wait for its end, else leave it out"
            )
        if not LOWEST_RATE_HZ <= self.sample_rate_hz <= HIGHEST_RATE_HZ:
            raise BadInput(
                f"{self.path}: {self.sample_rate_hz} samples a second, as stated, cannot be true; "
                f"give the true rate with --sample-rate"
            )

    def _check_numbers(self, n_not_numbers: int, n_read: int) -> None:
        if n_not_numbers == n_read:
            raise BadInput(
                f"{self.path}: none of its {n_read} samples is a number; export it again from what recorded it"
            )
        self.warnings.append(f"{n_not_numbers} of {n_read} samples are not numbers and were read as silence")

    def _truncated(self, n_stated: int, n_there: int | None = None) -> str:
        there = self.n_samples if n_there is None else n_there
        return (
            f"cut short or still being written: the header states {n_stated / self.sample_rate_hz:.3f} s, "
            f"{there / self.sample_rate_hz:.3f} s are there and were read"
        )


def _check_path(path: Path) -> None:
    if path.is_dir():
        raise BadInput(f"{path}: this is a folder; name the recordings in it")
    if not path.exists():
        raise BadInput(f"{path}: there is no such file; check the name, or the folder you are in")
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise BadInput(f"{path}: is empty (0 bytes); leave it out, or copy it again from where it was recorded")
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check its permissions") from None


def _open(path: Path) -> Any:
    import soundfile

    try:
        return soundfile.SoundFile(path)
    except soundfile.LibsndfileError as error:
        why = str(error.error_string).rstrip(".")
        raise BadInput(f"{path}: is not a sound file that can be read ({why}); give WAV, RF64, W64 or FLAC") from None


def _silence_what_is_not_a_number(samples: npt.NDArray[Any]) -> int:
    bad = ~np.isfinite(samples)
    samples[bad] = 0.0
    return int(np.count_nonzero(bad))


def _missing_samples(path: Path) -> int:
    """How many samples per channel a WAV's header states beyond the end of the file.

    libsndfile quietly takes what is there; a person needs to know that the end of a session is missing.
    """
    with path.open("rb") as file:
        if file.read(4) != b"RIFF":
            return 0
        file.seek(12)
        return _missing_in_chunks(file, path.stat().st_size)


def _missing_in_chunks(file: BinaryIO, n_bytes: int) -> int:
    bytes_per_frame = 0
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        at = file.tell()
        if name == b"fmt " and size >= 16:
            bytes_per_frame = struct.unpack("<12xH2x", file.read(16))[0]
        if name == b"data":
            beyond = at + size - n_bytes
            return beyond // bytes_per_frame if bytes_per_frame and beyond > 0 and size not in _UNKNOWN_SIZE else 0
        file.seek(at + size + size % 2)
    return 0
