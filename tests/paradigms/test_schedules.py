"""Schedules reinforce as their names say, and tell what chance gave."""

from __future__ import annotations

from random import Random
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.events import LeverPressed
from behavior.paradigms.schedules import Schedule, fleshler_hoffman, parse

S = 1_000_000


def earned_at(schedule: Schedule, times_s: list[float]) -> list[float]:
    return [at for at in times_s if schedule.earned(LeverPressed(round(at * S), "left"))]


def test_ratios() -> None:
    presses = [float(n) for n in range(1, 13)]
    assert earned_at(parse("CRF", Random(1), 0), presses) == presses
    assert earned_at(parse("FR 4", Random(1), 0), presses) == [4, 8, 12]


def test_fixed_interval_reinforces_the_first_press_after_it_and_starts_anew() -> None:
    assert earned_at(parse("FI 10 s", Random(1), 5 * S), [14, 15, 16, 24, 25, 40, 49, 50]) == [15, 25, 40, 50]


@pytest.mark.parametrize(("text", "mean"), [("VI 30 s", 30), ("RI 30 s", 30)])
def test_variable_intervals_have_their_mean(text: str, mean: float) -> None:
    drawn: list[float] = []
    schedule = parse(text, Random(7), 0, drawn.extend)
    for second in range(200_000):
        schedule.earned(LeverPressed(second * S, "left"))
    assert len(drawn) > 5_000
    assert fmean(drawn) == pytest.approx(mean, rel=0.05)


def test_variable_ratio_has_its_mean_and_tells_each_count() -> None:
    drawn: list[float] = []
    schedule = parse("VR 10", Random(7), 0, drawn.extend)
    n = sum(schedule.earned(LeverPressed(k, "left")) for k in range(50_000))
    assert n == len(drawn) - 1
    assert fmean(drawn) == pytest.approx(10, rel=0.05)
    assert set(drawn) == set(range(1, 20))


def test_fleshler_and_hoffman_1962_twelve_intervals_of_vi_30() -> None:
    """Their formula, worked by hand for the shortest and the longest."""
    intervals = fleshler_hoffman(30)
    assert intervals[0] == pytest.approx(30 * (1 + 2.4849066 + 26.3768480 - 29.8188798), abs=1e-5)
    assert intervals[-1] == pytest.approx(30 * (1 + 2.4849066), abs=1e-5)
    assert intervals == sorted(intervals)


@given(st.floats(0.1, 600), st.integers(2, 40))
def test_fleshler_hoffman_means_are_exact(mean_s: float, n: int) -> None:
    intervals = fleshler_hoffman(mean_s, n)
    assert len(intervals) == n
    assert all(interval > 0 for interval in intervals)
    assert fmean(intervals) == pytest.approx(mean_s, abs=1e-6 + 1e-9 * mean_s)


@pytest.mark.parametrize(
    "text", ["", "FR", "FR 0", "FR -1", "FR 2.5", "VI 0 s", "VI 30", "VI x s", "RI 0.5 s", "VR 0", "DRL 10 s"]
)
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ValueError, match="no schedule"):
        parse(text, Random(1), 0)


@given(st.text(max_size=12))
def test_any_text_is_a_schedule_or_a_sentence(text: str) -> None:
    try:
        parse(text, Random(1), 0)
    except ValueError as error:
        assert str(error).startswith("no schedule")


@pytest.mark.parametrize("number", ["inf", "nan", "1e308", "86401", "-1", "0", "1_000_000", "9" * 5000])
@pytest.mark.parametrize("kind", ["FR {}", "VR {}", "FI {} s", "VI {} s", "RI {} s"])
def test_a_schedule_that_would_never_earn_is_none(kind: str, number: str) -> None:
    """An interval without end would keep the session drawing for ever, with the animal in the box."""
    if kind[1] == "R" and number == "86401":
        number = "100001"
    with pytest.raises(ValueError, match="no schedule"):
        parse(kind.format(number), Random(1), 0)
