"""Limits hold, whatever is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config.limits import ShockLimits
from behavior.model.commands import SetCue, Shock, StopShock
from behavior.session.guard import GRACE_US, Guard

LIMITS = ShockLimits(max_ma=1, max_single_s=5, max_total_s=12, max_count=4, min_interval_s=1, max_duty=0.1)
S = 1_000_000


@pytest.mark.parametrize(
    ("past", "shock", "now_s", "why"),
    [
        ([], Shock(1, 1.1, 1), 0, "a shock of 1.1 mA"),
        ([], Shock(1, 0, 1), 0, "a shock of 0 mA"),
        ([], Shock(1, -0.5, 1), 0, "a shock of -0.5 mA"),
        ([], Shock(1, float("nan"), 1), 0, "a shock of nan mA"),
        ([], Shock(1, 0.5, 6), 0, "a shock of 6 s"),
        ([], Shock(1, 0.5, float("inf")), 0, "a shock of inf s"),
        ([], Shock(1, 0.5, float("nan")), 0, "a shock of nan s"),
        ([(0, 2)], Shock(2, 0.5, 1), 1, "a shock while one is on"),
        ([(0, 2)], Shock(2, 0.5, 1), 2.5, "a shock sooner than 1 s"),
        ([(0, 1), (100, 101), (200, 201), (300, 301)], Shock(5, 0.5, 1), 400, "more than 4 shocks"),
        ([(0, 5), (100, 105)], Shock(3, 0.5, 3), 200, "more than 12 s of shock in all"),
        ([(0, 3)], Shock(2, 0.5, 4), 50, "shock for more than 10% of 60 s"),
        ([(0, 3)], Shock(2, 0.5, 4), 70, None),
        ([], Shock(1, 1.0, 5), 0, None),
        ([], SetCue("tone", on=True), 0, None),
    ],
)
def test_rules(past: list, shock: Shock, now_s: float, why: str | None) -> None:
    guard = Guard(LIMITS, [(start * S, end * S) for start, end in past])
    found = guard.refusal(shock, round(now_s * S))
    assert found is None if why is None else found is not None and found.startswith(why)


def test_a_shock_is_on_until_its_end_is_reported_or_the_grace_is_over() -> None:
    guard = Guard()
    guard.issued(Shock(1, 0.5, 1), 0)
    assert guard.shock_is_on(S + GRACE_US - 1)
    assert not guard.shock_is_on(S + GRACE_US)
    guard.shock_ended(S + 100)
    assert not guard.shock_is_on(S + 101)


def test_a_stopped_shock_counts_with_its_true_duration() -> None:
    guard = Guard(LIMITS)
    for number in range(1, 4):
        start_us = number * 100 * S
        assert guard.refusal(Shock(number, 0.5, 5), start_us) is None
        guard.issued(Shock(number, 0.5, 5), start_us)
        guard.issued(StopShock(), start_us + S)
        guard.shock_ended(start_us + S)
    assert guard.refusal(Shock(4, 0.5, 5), 1000 * S) is None


def test_the_device_holds_every_ceiling_by_default() -> None:
    guard = Guard()
    assert guard.refusal(Shock(1, 3.0, 30.0), 0) is None
    assert guard.refusal(Shock(1, 3.01, 1.0), 0)
    assert guard.refusal(Shock(1, 1.0, 30.1), 0)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 2), st.floats(0, 7), st.booleans()), max_size=30))
def test_whatever_is_asked_what_goes_out_is_within_the_limits(asked: list) -> None:
    guard, now_us, out = Guard(LIMITS), 0, []
    for gap_s, ma, duration_s, stop in asked:
        now_us += round(gap_s * S)
        if guard.refusal(shock := Shock(len(out) + 1, ma, duration_s), now_us) is None:
            guard.issued(shock, now_us)
            out.append(shock)
        if stop:
            now_us += S
            guard.issued(StopShock(), now_us)
            guard.shock_ended(now_us)
    assert len(out) <= 4
    assert all(0 < shock.ma <= 1 and 0 < shock.duration_s <= 5 for shock in out)
    assert sum(end - start for start, end in guard.shocks) <= 12 * S
    assert all(later[0] - earlier[1] >= S for earlier, later in zip(guard.shocks, guard.shocks[1:], strict=False))
    for _, end in guard.shocks:
        within = sum(max(0, min(stop, end) - max(start, end - 60 * S)) for start, stop in guard.shocks)
        assert within <= 6 * S + 1


def test_limits_only_go_down() -> None:
    lower = ShockLimits().lowered_to(ShockLimits(max_ma=0.5, min_interval_s=2)).lowered_to(ShockLimits(max_ma=2.0))
    assert (lower.max_ma, lower.min_interval_s, lower.max_count) == (0.5, 2, 500)


@pytest.mark.parametrize(
    "above", [{"max_ma": 3.1}, {"max_single_s": 31}, {"max_duty": 0.6}, {"max_count": 501}, {"max_total_s": 1201}]
)
def test_a_limit_above_the_device_ceiling_cannot_be_written_down(above: dict) -> None:
    with pytest.raises(ValueError, match="less than or equal"):
        ShockLimits(**above)
