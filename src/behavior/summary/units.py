"""What is analysed: one entry an experimental unit and dose, with the trials of each where there are many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from behavior.summary.derivatives import Floats


@dataclass(frozen=True)
class TrialTimes:
    """Latencies of single trials. All of shape (n,); `entry` is the place in `Units` of the unit that a trial is of."""

    entry: NDArray[np.int_]
    time: Floats
    event: NDArray[np.bool_]
    cut_off: float


@dataclass(frozen=True)
class Units:
    """What is analysed, one entry a unit and dose. Arrays have shape (n,).

    A response is NaN where it is missing, and where it is censored: longer than `cut_off`. `periods` holds the place of
    a dose among those that the unit had, from 1. `events` of `trials` stand behind a share, `exposure` (s) behind a
    count, `by_trial` behind a mean latency; None where the sessions do not hold them.
    """

    subjects: tuple[str, ...]
    doses: Floats
    responses: Floats
    censored: NDArray[np.bool_]
    cut_off: float | None
    periods: tuple[int, ...]
    events: Floats | None = None
    trials: Floats | None = None
    exposure: Floats | None = None
    by_trial: TrialTimes | None = None
    unit: str = "animal"

    @property
    def repeated(self) -> bool:
        """Whether a unit had several doses."""
        return len(set(self.subjects)) < len(self.subjects)

    @property
    def share_of_zeros(self) -> float:
        """The share of the responses that are 0."""
        present = self.responses[np.isfinite(self.responses)]
        return float((present == 0).mean()) if len(present) else 0.0

    @property
    def mean(self) -> float:
        """The mean of all responses, whatever the dose; NaN without any."""
        present = self.responses[np.isfinite(self.responses)]
        return float(present.mean()) if len(present) else float("nan")

    @property
    def equally_long(self) -> bool:
        """Whether all units were counted for as long, to a hundredth."""
        seen = np.array([]) if self.exposure is None else self.exposure[np.isfinite(self.exposure)]
        return not len(seen) or bool(seen.max() <= 1.01 * seen.min())

    @property
    def times(self) -> Floats:
        """Latencies with the cut-off in place of censored ones; NaN where missing."""
        return np.where(self.censored, np.nan if self.cut_off is None else self.cut_off, self.responses)
