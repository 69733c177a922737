"""A device's clock put on the session's clock.

The host asks at `sent_us`, the device stamps its answer `device_us`, the host hears it at `heard_us`. Whatever the link
does, the stamp was made between the two, so that each answer holds the offset between hard bounds:

    sent_us - device_us - one tick  <=  offset  <=  heard_us - device_us

The tightest answers are the most exact. The offset at the start is the middle of the tightest of several; afterwards
a straight line (offset and rate) is fitted to the tightest of every few answers of the last two minutes or so, by least
squares with weights 1 / width², and a line that leaves the bounds of a new answer is moved just inside. Hence the error
is never more than a round trip, usually far less, and does not grow with drift. A clock that is ahead or behind by more
than any drift explains has been set: what was learnt before holds no longer, and the line begins anew, level. All
arithmetic is in integers: equal bytes give equal times.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

TICK_US = 32
N_KNOTS = 32
PER_KNOT, PER_EARLY_KNOT, N_EARLY = 9, 3, 8
"""Answers from which the tightest is taken; fewer at first, so that the rate is soon known."""
MAX_RATE_PPB = 20_000_000
SET_US = 10_000
"""A clock that is 2 % fast is 8 ms ahead after the 400 ms between two answers."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: when it was asked for and heard on the session's clock, and its stamp on the device's."""

    sent_us: int
    heard_us: int
    device_us: int

    @property
    def low_us(self) -> int:
        """The least that the offset can be."""
        return self.sent_us - self.device_us - TICK_US

    @property
    def high_us(self) -> int:
        """The most that the offset can be."""
        return self.heard_us - self.device_us

    @property
    def width_us(self) -> int:
        """How little is known: the round trip and one tick."""
        return self.high_us - self.low_us


@dataclass(frozen=True, slots=True)
class ClockFit:
    """How well a device's clock is known, for the session's header and footer.

    Attributes
    ----------
    offset_us : session time minus device time
    rate_ppb : how much faster the session's clock runs than the device's, in parts per 10^9
    uncertainty_us : half the width of the tightest answer, an upper bound for the offset's error
    residual_us : the largest distance of a fitted answer from the line
    n_answers : answers that were used
    """

    offset_us: int
    rate_ppb: int
    uncertainty_us: int
    residual_us: int
    n_answers: int


class DeviceClock:
    """Turns a device's time stamps into session time.

    Parameters
    ----------
    answers : read-backs from the start of the session; at least one
    """

    def __init__(self, answers: list[Answer]) -> None:
        tightest = min(answers, key=lambda answer: answer.width_us)
        self._tightest_us = tightest.width_us
        self._knots: deque[tuple[int, int, int]] = deque([_knot(tightest)], maxlen=N_KNOTS)
        self._gathered: list[Answer] = []
        self._at_us, self._offset_us, _ = self._knots[0]
        self._rate_ppb = 0
        self._residual_us = 0
        self._n_answers = len(answers)

    def session_us(self, device_us: int) -> int:
        """When something happened that the device stamped `device_us`: the middle of that tick, in session time."""
        return device_us + TICK_US // 2 + self._offset_at(device_us)

    def observe(self, answer: Answer) -> int:
        """Learn from one more answer; gives by how many µs it is ahead of what was believed, 0 if within bounds."""
        self._n_answers += 1
        self._tightest_us = min(self._tightest_us, answer.width_us)
        self._gathered.append(answer)
        if len(self._gathered) == (PER_EARLY_KNOT if len(self._knots) < N_EARLY else PER_KNOT):
            self._knots.append(_knot(min(self._gathered, key=lambda one: one.width_us)))
            self._gathered.clear()
            self._fit()
        believed_us = self._offset_at(answer.device_us)
        beyond_us = believed_us - min(max(believed_us, answer.low_us), answer.high_us)
        self._offset_us -= beyond_us
        if abs(beyond_us) > SET_US:
            self._begin_anew(answer)
        return beyond_us

    def fit(self) -> ClockFit:
        """How well the clock is known by now."""
        return ClockFit(
            self._offset_us,
            self._rate_ppb,
            (self._tightest_us + 1) // 2,
            self._residual_us,
            self._n_answers,
        )

    def _begin_anew(self, answer: Answer) -> None:
        self._knots.clear()
        self._knots.append(_knot(answer))
        self._gathered.clear()
        self._at_us, self._offset_us, _ = self._knots[0]
        self._rate_ppb = 0

    def _offset_at(self, device_us: int) -> int:
        return self._offset_us + (device_us - self._at_us) * self._rate_ppb // 1_000_000_000

    def _fit(self) -> None:
        total = sum(weight for _, _, weight in self._knots)
        self._at_us = sum(at * weight for at, _, weight in self._knots) // total
        self._offset_us = sum(offset * weight for _, offset, weight in self._knots) // total
        spread = sum((at - self._at_us) ** 2 * weight for at, _, weight in self._knots)
        slope = sum((at - self._at_us) * (offset - self._offset_us) * weight for at, offset, weight in self._knots)
        self._rate_ppb = max(-MAX_RATE_PPB, min(MAX_RATE_PPB, slope * 1_000_000_000 // spread)) if spread else 0
        self._residual_us = max(abs(offset - self._offset_at(at)) for at, offset, _ in self._knots)


def _knot(answer: Answer) -> tuple[int, int, int]:
    """Where the line should pass, and with what weight."""
    width_us = max(TICK_US, answer.width_us)
    return answer.device_us, (answer.low_us + answer.high_us) // 2, max(1, 1_000_000_000_000 // width_us**2)
