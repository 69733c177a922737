"""Whether a microphone delivers what it says: its true rate, what is lost, and whether ultrasound is in it at all.

Rules. The rate is measured against the computer's clock, from the earliest arrivals of each half second (`clock`), with
its uncertainty. Sound that was resampled from a lower rate passes that test: nothing is left of it above half the lower
rate but the rounding to 16 bits, which is white and a twelfth of a step squared, and is looked for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from behavior.audio.capture import host_us
from behavior.audio.faults import Faults
from behavior.audio.pulses import lowest_bit
from behavior.audio.source import Int16, Source, as_frames
from behavior.model.errors import Failure

_WINDOW_US = 500_000
_START_US = 500_000
_FRAME = 4096
_OVER_ROUNDING_DB = 8.0
_OF_NYQUIST = 0.8
_WRONG_RATE = 0.002
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Check:
    """What was found of a microphone.

    Attributes
    ----------
    rate_hz, uncertainty_hz : samples a second by the computer's clock
    n_overflows : how often the sound system said that something was lost
    level_db : of all samples, dB re full scale
    highest_hz : up to where there is more than rounding; 0 in silence
    line : what the lowest bit carries: "noise", "constant" or "changes", as of a digital line
    problems : what is wrong, in sentences
    """

    stated_hz: int
    n_samples: int
    rate_hz: float
    uncertainty_hz: float
    n_overflows: int
    level_db: float
    highest_hz: float
    line: str
    problems: tuple[str, ...]


def listen(
    source: Source,
    seconds: float,
    *,
    clock_us: Callable[[], int] = host_us,
    wait: Callable[[float], None] = time.sleep,
    keep: Callable[[Int16], None] = lambda block: None,
) -> Check:
    """Record for a while, and look at what came.

    Parameters
    ----------
    source : not yet open; it is closed afterwards
    seconds : for how long, from its first block
    clock_us, wait : the computer's clock
    keep : takes each block, shape (n, channels)

    Raises
    ------
    BehaviorError
        It cannot be opened, or delivers nothing.
    """
    arrived: list[tuple[int, bool, Int16]] = []
    opened_us = clock_us()
    source.open(lambda block, lost: arrived.append((clock_us(), lost, as_frames(block, source.channels))))
    try:
        while not arrived or clock_us() - arrived[0][0] < (seconds + _START_US / 1e6) * 1e6:
            wait(0.02)
            if why := source.trouble():
                raise Failure(f"{source.name}: {why}")
            since_us = clock_us() - (arrived[-1][0] if arrived else opened_us)
            if since_us > _PATIENCE_S * 1e6:
                raise Failure(f"{source.name}: nothing has come from it for {_PATIENCE_S:g} s; look at its cable")
    finally:
        source.close()
    for _, _, block in arrived:
        keep(block)
    return judge(source.sample_rate_hz, arrived)


def judge(stated_hz: int, arrived: list[tuple[int, bool, Int16]]) -> Check:
    """What blocks say of the microphone that they came from.

    Parameters
    ----------
    stated_hz : samples a second that were asked for
    arrived : for each block when it came, whether something was said to be lost before it, and its samples
    """
    sound = np.concatenate([block[:, 0] for _, _, block in arrived])
    ends = np.cumsum([len(block) for _, _, block in arrived])
    rate_hz, uncertainty_hz = _rate(ends, np.array([at_us for at_us, _, _ in arrived], np.float64), stated_hz)
    n_overflows = sum(lost for _, lost, _ in arrived[1:])
    faults = Faults()
    faults.push(sound)
    highest = highest_hz(sound, stated_hz)
    return Check(
        stated_hz=stated_hz,
        n_samples=len(sound),
        rate_hz=rate_hz,
        uncertainty_hz=uncertainty_hz,
        n_overflows=n_overflows,
        level_db=float(10 * np.log10(max(float(np.mean((sound / 32768.0) ** 2)), 1e-12))),
        highest_hz=highest,
        line=_line(sound),
        problems=(*_problems(stated_hz, rate_hz, uncertainty_hz, n_overflows, highest), *faults.sentences),
    )


def _rate(ends: npt.NDArray[Any], at_us: npt.NDArray[np.float64], stated_hz: int) -> tuple[float, float]:
    """Samples a second and how uncertain that is, from the earliest arrival of each window; the first are left out."""
    above_us = at_us - 1e6 * ends / stated_hz
    window = ((at_us - at_us[0] - _START_US) // _WINDOW_US).astype(int)
    earliest = [np.flatnonzero(window == k)[above_us[window == k].argmin()] for k in sorted({*window[window >= 0]})]
    if len(earliest) < 4:
        return float(stated_hz), float(stated_hz)
    n, y = ends[earliest].astype(np.float64), above_us[earliest]
    i, k = np.triu_indices(len(n), 1)
    slope = float(
        np.median((y[k] - y[i]) / (n[k] - n[i]))
    )  # Theil and Sen: a second in which all came late is no drift
    rest = y - np.median(y - slope * n) - slope * n
    spread_us = max(50.0, 1.4826 * float(np.median(np.abs(rest))))
    error = 1.25 * spread_us / float(np.sqrt(((n - n.mean()) ** 2).sum()))
    rate_hz = 1e6 / (1e6 / stated_hz + slope)
    return rate_hz, error * rate_hz**2 / 1e6


def highest_hz(sound: Int16, sample_rate_hz: int) -> float:
    """Up to which frequency a sound holds more than the rounding to 16 bits; 0 if it holds no more than that."""
    n_frames = len(sound) // _FRAME
    if not n_frames:
        return 0.0
    window = np.hanning(_FRAME)
    power = np.zeros(_FRAME // 2 + 1)
    for frame in sound[: n_frames * _FRAME].reshape(n_frames, _FRAME):
        power += np.abs(np.fft.rfft((frame - frame.mean()) * window)) ** 2
    rounding = n_frames * (window**2).sum() / 12
    bands = power[1:].reshape(64, -1).mean(axis=1)
    louder = np.flatnonzero(10 * np.log10(np.maximum(bands, 1e-12) / rounding) > _OVER_ROUNDING_DB)
    return float((louder[-1] + 1) / 64 * sample_rate_hz / 2) if len(louder) else 0.0


def _line(sound: Int16) -> str:
    bits = lowest_bit(sound)
    changes = np.count_nonzero(np.diff(bits))
    if not changes:
        return "constant"
    return "noise" if changes > 0.05 * len(bits) else "changes"


def _problems(
    stated_hz: int, rate_hz: float, uncertainty_hz: float, n_overflows: int, highest: float
) -> tuple[str, ...]:
    problems = []
    if abs(rate_hz / stated_hz - 1) > _WRONG_RATE + 3 * uncertainty_hz / stated_hz:
        problems.append(
            f"it delivers {rate_hz:.0f} samples a second and states {stated_hz}: times and frequencies would be wrong "
            f"by {100 * (rate_hz / stated_hz - 1):+.2f} %; set the rate that it truly has"
        )
    if n_overflows:
        problems.append(
            f"samples were lost {n_overflows} time{'s' if n_overflows > 1 else ''}; close other programs, and use a "
            "USB port of its own"
        )
    if 0 < highest < _OF_NYQUIST * stated_hz / 2:
        problems.append(
            f"above {highest / 1000:.0f} kHz there is nothing but rounding: something resamples it, from about "
            f"{2 * highest / 1000:.0f} kHz, or its gain is too low; name the device itself, in exclusive mode"
        )
    return tuple(problems)
