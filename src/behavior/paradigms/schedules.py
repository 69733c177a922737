"""Schedules of reinforcement and punishment (Ferster & Skinner 1957), asked press by press: `schedule.earned(press)`.

    CRF          every response
    FR 10        every 10th response
    VR 10        a varying number of responses, 10 on average (uniform from 1 to 19)
    FI 60 s      the first response after 60 s
    VI 30 s      the first response after a varying interval (Fleshler & Hoffman 1962, 12 intervals in random order)
    RI 30 s      the first response after a random interval: set up in each second with probability 1/30

What chance gives is told to `drawn`, so that the journal shows every number on which a session depended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import log
from random import Random
from typing import Protocol

from behavior.model.events import LeverPressed

Tell = Callable[[list[float]], None]
FLESHLER_HOFFMAN_INTERVALS = 12
MOST_RESPONSES, LONGEST_S = 100_000, 86_400.0
"""Of a schedule: no session comes near, and chance would draw for ever at an interval without end."""


class Schedule(Protocol):
    """Decides which responses are followed by the consequence."""

    def earned(self, press: LeverPressed) -> bool:
        """Whether this response is; to be asked of every response, once, in order."""


def parse(text: str, random: Random, now_us: int, drawn: Tell = lambda values: None) -> Schedule:
    """A schedule that begins at `now_us`, from its usual abbreviation.

    Parameters
    ----------
    text : "CRF", "FR 10", "VR 10", "FI 60 s", "VI 30 s" or "RI 30 s"
    random : where chance comes from
    now_us : session time at which the first interval begins, µs
    drawn : told the numbers that chance gave

    Raises
    ------
    ValueError
        The text is none of these, or its number is not more than 0, or larger than any session needs.
    """
    match text.split():
        case ["CRF"]:
            return Ratio(iter(lambda: 1, 0))
        case ["FR", n] if (count := _whole(n)) > 0:
            return Ratio(iter(lambda: count, 0))
        case ["VR", n] if (count := _whole(n)) > 0:
            return Ratio(_variable_ratio(count, random, drawn))
        case ["FI", seconds, "s"] if (interval := _seconds(seconds)) > 0:
            return Interval(iter(lambda: interval, 0), now_us)
        case ["VI", seconds, "s"] if (interval := _seconds(seconds)) > 0:
            return Interval(_variable_interval(interval, random, drawn), now_us)
        case ["RI", seconds, "s"] if (interval := _seconds(seconds)) >= 1:
            return Interval(_random_interval(interval, random, drawn), now_us)
    raise ValueError(
        f"no schedule {text!r}: write CRF, FR 10, VR 10, FI 60 s, VI 30 s or RI 30 s, with a number above 0, up to "
        f"{MOST_RESPONSES} responses or {LONGEST_S:.0f} s"
    )


class Ratio:
    """The n-th response earns."""

    def __init__(self, counts: Iterator[int]) -> None:
        self._counts = counts
        self._left = next(counts)

    def earned(self, press: LeverPressed) -> bool:
        """Count this response."""
        self._left -= 1
        if self._left:
            return False
        self._left = next(self._counts)
        return True


class Interval:
    """The first response after the interval earns, and begins the next interval."""

    def __init__(self, intervals_s: Iterator[float], now_us: int) -> None:
        self._intervals_s = intervals_s
        self._due_us = now_us + round(next(intervals_s) * 1e6)

    def earned(self, press: LeverPressed) -> bool:
        """Compare this response's time with the interval's end."""
        if press.at_us < self._due_us:
            return False
        self._due_us = press.at_us + round(next(self._intervals_s) * 1e6)
        return True


def fleshler_hoffman(mean_s: float, n: int = FLESHLER_HOFFMAN_INTERVALS) -> list[float]:
    """Intervals with a constant chance of reinforcement in time, shortest first.

    Fleshler & Hoffman 1962, J Exp Anal Behav 5:529.

    Parameters
    ----------
    mean_s : mean of the intervals, s
    n : how many

    Returns
    -------
    list of float
        `n` intervals in s, ascending, with mean `mean_s`. Rounded to the microsecond, so that platforms whose `log`
        differs in the last bit agree.
    """

    def term(k: int) -> float:
        return (n - k) * log(n - k) if k < n else 0.0

    return [round(mean_s * (1 + log(n) + term(k) - term(k - 1)), 6) for k in range(1, n + 1)]


def _variable_interval(mean_s: float, random: Random, drawn: Tell) -> Iterator[float]:
    while True:
        intervals = fleshler_hoffman(mean_s)
        random.shuffle(intervals)
        drawn(intervals)
        yield from intervals


def _random_interval(mean_s: float, random: Random, drawn: Tell) -> Iterator[float]:
    while True:
        interval_s = 1.0
        while random.random() >= 1 / mean_s:
            interval_s += 1.0
        drawn([interval_s])
        yield interval_s


def _variable_ratio(mean: int, random: Random, drawn: Tell) -> Iterator[int]:
    while True:
        count = random.randint(1, 2 * mean - 1)
        drawn([float(count)])
        yield count


def _whole(text: str) -> int:
    count = int(text) if text.isdecimal() and len(text) < 10 else 0
    return count if count <= MOST_RESPONSES else 0


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if seconds <= LONGEST_S else 0.0
