"""A call that a person pointed at, measured: the columns of the call table, from a box in the spectrogram.

The ridge of a frame is the strongest bin between the two frequencies. The columns are those of `features`, by the same
definitions, with two differences: a frame cannot be left out, and the noise floor is the lower fifth of the second
around the box, which is all that is read. The score is 0: nobody weighed evidence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.spectrogram import FrameGrid, StreamingSpectrogram
from behavior.model.calls import Call
from behavior.model.errors import BadInput

AROUND_S = 0.5
LONGEST_S = 60.0
_TONALITY_MARGIN_HZ = 2_000.0
Array = npt.NDArray[Any]


def measure_box(
    samples: Array, sample_rate_hz: int, first_s: float, box: tuple[float, float, float, float], file: str
) -> Call:
    """The call in a box.

    Parameters
    ----------
    samples : int16 or float32, shape (n,): the box and what is around it
    first_s : time of the first of them in the recording
    box : onset and offset (s of the recording), lowest and highest frequency (Hz)
    file : for the `file` column

    Raises
    ------
    BadInput
        The box holds no frame, or no frequency of the recording.
    """
    from behavior.usv.classify import call_type

    onset_s, offset_s, low_hz, high_hz = box
    grid = FrameGrid.at(sample_rate_hz)
    low, high = max(1, round(low_hz / grid.bin_hz)), min(grid.size // 2, round(high_hz / grid.bin_hz) + 1)
    if high <= low:
        raise BadInput(f"the recording holds nothing from {low_hz:.0f} to {high_hz:.0f} Hz; draw the call again")
    power = StreamingSpectrogram(grid, 1, grid.size // 2).push(samples)
    level = 10 * np.log10(np.maximum(np.asarray(power, np.float64), 1e-20))
    frames = first_s + (np.arange(len(level)) * grid.hop + grid.size / 2) / sample_rate_hz
    inside = np.flatnonzero((frames >= onset_s) & (frames < offset_s))
    if not len(inside):
        raise BadInput(f"a call lasts a frame ({grid.frame_s * 1e3:.1f} ms) at least; draw it longer")
    band = level[inside, low - 1 : high - 1]
    ridge = band.argmax(axis=1)
    hz, along = (ridge + low) * grid.bin_hz, band[np.arange(len(ridge)), ridge]
    floor = np.quantile(level[:, low - 1 : high - 1], 0.2, axis=0)
    seconds = frames[inside] - frames[inside[0]]
    return Call(
        file=file,
        onset_s=onset_s,
        offset_s=offset_s,
        duration_s=offset_s - onset_s,
        peak_hz=float(hz[along.argmax()]),
        low_hz=float(hz.min()),
        high_hz=float(hz.max()),
        mean_hz=float(hz.mean()),
        start_hz=float(hz[0]),
        end_hz=float(hz[-1]),
        bandwidth_hz=float(hz.max() - hz.min()),
        slope_hz_per_s=float(np.polyfit(seconds, hz, 1)[0]) if len(hz) > 2 else 0.0,
        sinuosity=_sinuosity(seconds, hz),
        tonality=_tonality(level[inside], hz, grid),
        level_db=float(10 * np.log10(np.mean(10 ** (along / 10)))),
        snr_db=float(np.mean(along - floor[ridge])),
        call_type=call_type(seconds, hz, offset_s - onset_s),
        score=0.0,
    )


def measure_in(
    path: Path, box: tuple[float, float, float, float], *, channel: int | None = None, file: str | None = None
) -> Call:
    """The call in a box of a recording, of which only what is around the box is read.

    Raises
    ------
    BadInput
        The recording cannot be read there, or the box is longer than a minute.
    """
    from behavior.audio.excerpt import excerpt

    if box[1] - box[0] > LONGEST_S:
        raise BadInput(f"a call of {box[1] - box[0]:.0f} s is none; draw it shorter than {LONGEST_S:.0f} s")
    samples, sample_rate_hz, first_s = excerpt(path, box[0] - AROUND_S, box[1] + AROUND_S, channel=channel)
    return measure_box(samples, sample_rate_hz, first_s, box, file or path.name)


def _sinuosity(seconds: Array, hz: Array) -> float:
    ms, khz = 1e3 * seconds, 1e-3 * hz
    straight = np.hypot(ms[-1] - ms[0], khz[-1] - khz[0])
    return float(np.hypot(np.diff(ms), np.diff(khz)).sum() / straight) if straight > 0 else 1.0


def _tonality(level: Array, hz: Array, grid: FrameGrid) -> float:
    low, high = (
        int((hz.min() - _TONALITY_MARGIN_HZ) / grid.bin_hz) - 1,
        int((hz.max() + _TONALITY_MARGIN_HZ) / grid.bin_hz),
    )
    band = level[:, max(0, low) : high + 1]
    return float(np.mean(1 - 10 ** (band.mean(axis=1) / 10) / (10 ** (band / 10)).mean(axis=1)))
