"""A piece of a recording, read where it lies: for pages that jump about in hours of sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from behavior.audio.read import Recording, Samples
from behavior.model.errors import BadInput


def excerpt(path: Path, begin_s: float, end_s: float, *, channel: int | None = None) -> tuple[Samples, int, float]:
    """Samples of one channel between two times.

    Parameters
    ----------
    begin_s, end_s : cut at the recording's begin and end
    channel : from 1, for files of several

    Returns
    -------
    samples : int16 or float32, shape (n,)
    sample_rate_hz : int
    first_s : time of the first sample

    Raises
    ------
    BadInput
        The recording cannot be read, or is not so long.
    """
    with Recording(path, channel=channel) as recording:
        rate = recording.sample_rate_hz
        first = max(0, int(begin_s * rate))
        n = min(recording.n_samples, int(np.ceil(end_s * rate))) - first
        if n <= 0:
            raise BadInput(f"{path}: is {recording.duration_s:.3f} s long; there is nothing from {begin_s:.3f} s on")
        return recording.read_at(first, n), rate, first / rate
