"""The clock that samples are, put on the computer's clock and on the session's.

Theory. Sample `n` was taken at `began + n / rate`. A block is there some time after its last sample was taken: never
before, often late, and now and then almost at once. So the line through the samples' times lies below all arrivals and
touches the earliest of them. The earliest arrival of each second is a knot; the rate is the least-squares line through
the knots of the last minutes, the offset the highest line of that rate below all of them (as in the delay filters of
RFC 5905, 10). What the sound card itself delays is not seen in this way; pulses that stand in the sound and in the
session's journal see it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

KNOT_US = 1_000_000
N_KNOTS = 300
LOST_US, N_LATE, ALIKE_US = 60_000.0, 3, 15_000.0
"""When everything of three seconds comes later than this, and equally late, something before them is missing. A
computer that is too busy is late as well, and differently from second to second."""
_ENOUGH_KNOTS = 4
_NEAR_US = 150_000
_OUTLIERS = 4.0
_LEAST_SPREAD_US = 200.0


@dataclass(frozen=True, slots=True)
class SampleLine:
    """When samples were taken: sample 0 at `began_us`, and `samples_per_s` from then on."""

    began_us: float
    samples_per_s: float

    def at_us(self, sample: float) -> float:
        """When a sample was taken."""
        return self.began_us + 1e6 * sample / self.samples_per_s

    def sample(self, at_us: float) -> float:
        """Which sample was taken then."""
        return (at_us - self.began_us) * self.samples_per_s / 1e6

    def from_sample(self, sample: int) -> SampleLine:
        """The same, counted from another sample."""
        return SampleLine(self.at_us(sample), self.samples_per_s)


class ArrivalClock:
    """Learns when samples are taken from when blocks arrive.

    Parameters
    ----------
    sample_rate_hz : as stated; believed until there are arrivals of some seconds

    Attributes
    ----------
    line : when samples were taken; None until something arrived
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._knots: deque[tuple[int, float]] = deque(maxlen=N_KNOTS)
        self._earliest: tuple[int, float] | None = None
        self._knot_ends_us = 0.0
        self._suspected = False
        self._late_us: deque[float] = deque(maxlen=N_LATE)
        self.line: SampleLine | None = None

    def late_us(self, n_samples: int, at_us: float) -> float:
        """How late a block arrives that ends with sample `n_samples` - 1; less than 0 if it is earlier than any."""
        return 0.0 if self.line is None else at_us - self.line.at_us(n_samples)

    def observe(self, n_samples: int, at_us: float) -> float | None:
        """Take note of an arrival.

        Returns
        -------
        float or None
            How much sound is missing before it, µs, in two cases: `suspect` was called and a second has told, or all
            arrivals of some seconds were later than ever before. None otherwise.
        """
        late_us, missing_us = self.late_us(n_samples, at_us), None
        if self._earliest is not None and at_us >= self._knot_ends_us:
            missing_us = self._close_knot(self._earliest)
            self._earliest = None
            if missing_us:
                return missing_us
        here = (n_samples, at_us - 1e6 * n_samples / self._rate)
        if self._earliest is None:
            self._earliest, self._knot_ends_us = here, at_us + KNOT_US
            if not self._suspected:
                self._fit()
        elif here[1] < self._earliest[1]:
            self._earliest = here
            if late_us < 0:
                self._fit()
        return missing_us

    def suspect(self) -> None:
        """Something is missing, and nobody knows how much: the arrivals of the next second will tell."""
        self._suspected, self._earliest = True, None

    def _close_knot(self, knot: tuple[int, float]) -> float | None:
        """What the earliest arrival of a second says: another knot of the line, or that something is missing."""
        above_us = self._above(knot)
        if self._suspected:
            self._suspected = False
            self._late_us.clear()
            return max(0.0, above_us - self.jitter_us)
        if above_us <= LOST_US:
            self._knots.append(knot)
            self._late_us.clear()
            return None
        self._late_us.append(above_us)
        if len(self._late_us) < N_LATE or max(self._late_us) - min(self._late_us) > ALIKE_US:
            return None
        missing_us = min(self._late_us)
        self._late_us.clear()
        return missing_us

    @property
    def jitter_us(self) -> float:
        """How far the knots lie from the line, median: the line's offset may be off by so much, or more."""
        return float(np.median([self._above(knot) for knot in self._knots])) if self._knots else 0.0

    def _above(self, knot: tuple[int, float]) -> float:
        n_samples, above_us = knot
        return self.late_us(n_samples, above_us + 1e6 * n_samples / self._rate)

    def _fit(self) -> None:
        knots = np.array([*self._knots, *([self._earliest] if self._earliest else [])], np.float64)
        samples, above_us = knots[:, 0], knots[:, 1]
        slope = 0.0
        if len(self._knots) >= _ENOUGH_KNOTS:
            at, above = samples[: len(self._knots)], above_us[: len(self._knots)]
            centred = at - at.mean()
            slope = float((centred * (above - above.mean())).sum() / (centred**2).sum())
        self.line = SampleLine(float((above_us - slope * samples).min()), 1e6 / (1e6 / self._rate + slope))


@dataclass(frozen=True, slots=True)
class PulseFit:
    """A line through pulses that are both in the sound and in the session.

    Attributes
    ----------
    line : when samples were taken, session time
    residuals_us : of the pulses that were used, in order of time: session's time minus the line's
    n_left_out : pulses of the session that were not found, or not believed
    """

    line: SampleLine
    residuals_us: tuple[int, ...]
    n_left_out: int


def fit_pulses(
    samples: Sequence[int], times_us: Sequence[float], about: SampleLine, near_us: float = _NEAR_US
) -> PulseFit | None:
    """Put sound on the session's clock by pulses.

    Parameters
    ----------
    samples : where pulses begin in the sound
    times_us : when pulses began by the session, by which it is a clock; there may be more of either
    about : roughly when samples were taken
    near_us : how wrong `about` may be

    Returns
    -------
    PulseFit or None
        None without a pulse that both have. One or two pulses, or such as follow each other within 10 s, give the
        offset alone; the rate is then that of `about`.
    """
    heard = np.sort(np.asarray(samples, np.float64))
    known = np.sort(np.asarray(times_us, np.float64))
    if not len(heard) or not len(known):
        return None
    shift_us = _common_shift(about.began_us + 1e6 * heard / about.samples_per_s, known, near_us)
    if shift_us is None:
        return None
    line = SampleLine(about.began_us + shift_us, about.samples_per_s)
    pairs = _paired(heard, known, line, near_us / 10)
    for _ in range(3):
        line = _through(pairs, about.samples_per_s)
        residuals = pairs[:, 1] - (line.began_us + 1e6 * pairs[:, 0] / line.samples_per_s)
        spread = max(_LEAST_SPREAD_US, 1.4826 * float(np.median(np.abs(residuals))))
        pairs = pairs[np.abs(residuals) <= _OUTLIERS * spread]
    line = _through(pairs, about.samples_per_s)
    residuals = pairs[:, 1] - (line.began_us + 1e6 * pairs[:, 0] / line.samples_per_s)
    return PulseFit(line, tuple(round(one) for one in residuals), len(known) - len(pairs))


def _common_shift(heard_us: np.ndarray, known_us: np.ndarray, near_us: float) -> float | None:
    """The shift within `near_us` that brings most pulses together, and of those the smallest spread: as a rhythm does.

    All differences vote; the densest place of 2 ms wins, the smaller shift where two are equal.
    """
    differences = np.concatenate([known_us[np.abs(known_us - at) <= near_us] - at for at in heard_us])
    if not len(differences):
        return None
    differences.sort()
    votes = np.searchsorted(differences, differences + 2_000.0, "right") - np.arange(len(differences))
    best = np.flatnonzero(votes == votes.max())
    first = best[np.argmin(np.abs(differences[best]))]
    return float(np.median(differences[first : first + votes[first]]))


def _paired(heard: np.ndarray, known: np.ndarray, line: SampleLine, within_us: float) -> np.ndarray:
    """(sample, session's time) of pulses that are each other's nearest."""
    heard_us = line.began_us + 1e6 * heard / line.samples_per_s
    distance = np.abs(heard_us[:, np.newaxis] - known[np.newaxis, :])
    of_heard, of_known = distance.argmin(axis=1), distance.argmin(axis=0)
    rows = np.arange(len(heard))
    mutual = (of_known[of_heard] == rows) & (distance[rows, of_heard] <= within_us)
    return np.stack([heard[mutual], known[of_heard[mutual]]], axis=1)


def _through(pairs: np.ndarray, samples_per_s: float) -> SampleLine:
    """Least squares; where the pulses cannot tell the rate, it stays."""
    samples, times_us = pairs[:, 0], pairs[:, 1]
    if len(pairs) > 2 and np.ptp(times_us) >= 10e6:
        centred = samples - samples.mean()
        per_sample_us = float((centred * (times_us - times_us.mean())).sum() / (centred**2).sum())
    else:
        per_sample_us = 1e6 / samples_per_s
    return SampleLine(float(times_us.mean() - per_sample_us * samples.mean()), 1e6 / per_sample_us)
