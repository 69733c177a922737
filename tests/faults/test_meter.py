"""The rules by which the animal's meter is read."""

from __future__ import annotations

import pytest

from behavior.config.limits import ShockLimits
from faults.meter import Felt, S, beyond

LIMITS = ShockLimits(max_ma=1.0, max_single_s=5.0, max_total_s=60.0, max_count=20, max_duty=0.2, min_interval_s=2.0)


def felt(*spans: tuple[float, float], ma: float = 0.8) -> list[Felt]:
    return [Felt(round(start_s * S), ma, round(end_s * S)) for start_s, end_s in spans]


def test_pulses_at_the_limits_pass_none() -> None:
    assert beyond(felt((0, 5), (20, 25), (60, 65), ma=1.0), LIMITS) == []


@pytest.mark.parametrize(("pulses", "sentence"), [
    (felt((0, 1), ma=1.001), "was set to 1.001 mA"),
    (felt((0, 5.02)), "lasted 5.020 s"),
    (felt(*((70 * k, 70 * k + 5) for k in range(13))), "65.0 s of shock, 60 s is the limit"),
    (felt(*((10 * k, 10 * k + 0.5) for k in range(21))), "21 pulses"),
    (felt((0, 5), (10, 15), (20, 22.1)), "12.10 s of shock within 60 s"),
    (felt((0, 1), (2.9, 3.5)), "pulses 1.900 s apart"),
    (felt((0, 3), (2, 4)), "two pulses at once"),
], ids=["current", "one pulse", "in all", "count", "duty", "interval", "at once"])  # fmt: skip
def test_each_limit_that_is_passed_is_a_sentence(pulses: list[Felt], sentence: str) -> None:
    assert any(sentence in found for found in beyond(pulses, LIMITS)), beyond(pulses, LIMITS)


def test_a_slow_device_may_take_as_much_longer_as_its_clock_is_off() -> None:
    pulses = felt((0, 5.02))
    assert beyond(pulses, LIMITS)
    assert beyond(pulses, LIMITS, fast=1.002) == []
