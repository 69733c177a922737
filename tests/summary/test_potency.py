"""Relative potency from two arms: the ratio and its interval, and why it is not given."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.measures import MEASURES
from behavior.summary.ed50 import Ed50
from behavior.summary.per_dose import ArmSummary
from behavior.summary.potency import Potency, potencies, ratio_of
from behavior.summary.wording import potency_sentence
from summary.made import arm_of, endpoint_of, units_of

RATE = MEASURES["unpunished_rate_per_min"]
DOSES = np.repeat([0.0, 0.3, 1.0, 3.0, 10.0, 30.0], 6)


def arm(compound: str, e: float, *, b: float = 1.5, bottom: float = 2.0, seed: int = 0, prefix: str = "") -> ArmSummary:
    """An arm of a compound whose rate falls from 20 with this ED50."""
    y = bottom + (20 - bottom) / (1 + (DOSES / e) ** b) + np.random.default_rng(seed).normal(0, 1, len(DOSES))
    units = units_of(DOSES, y)
    units = replace(units, subjects=tuple(f"{prefix or compound}-{name}" for name in units.subjects))
    endpoint = replace(endpoint_of(units, RATE), is_primary=True)
    made = arm_of(compound, [endpoint])
    return replace(made, plan=replace(made.plan, compound=compound, primary=RATE.name))


def ed50(estimate: float, lo: float, hi: float) -> Any:
    return SimpleNamespace(estimate=estimate, lo=lo, hi=hi)


def only(*arms: ArmSummary) -> Potency:
    (found,) = potencies(arms)
    return found


def test_a_compound_with_a_third_of_the_ed50_is_three_times_as_potent() -> None:
    found = only(arm("strong", 1.0), arm("weak", 3.0, seed=1))
    assert found.ratio is not None and found.lo is not None and found.hi is not None
    assert found.lo < 3 < found.hi
    assert found.hi / found.lo < 4
    assert found.parallel is not None and found.parallel.df1 == 3 and found.parallel.p > 0.05
    said = potency_sentence(found)
    assert said.startswith("Strong is ") and " times as potent as weak [" in said
    assert "Nothing speaks against parallel curves (F(3, 64) = " in said


def test_the_other_way_round_is_the_inverse() -> None:
    one, other = arm("strong", 1.0), arm("weak", 3.0, seed=1)
    found, back = only(one, other), only(other, one)
    assert found.ratio and found.lo and found.hi
    assert (back.ratio, back.lo, back.hi) == pytest.approx((1 / found.ratio, 1 / found.hi, 1 / found.lo))


def test_curves_that_are_not_parallel_are_told() -> None:
    found = only(arm("strong", 1.0, bottom=12.0), arm("weak", 3.0, seed=1))
    assert found.parallel is not None and found.parallel.p < 0.001
    assert "The curves are not parallel (F(3, 64) = " in potency_sentence(found)


def test_an_arm_without_ed50_gives_no_potency() -> None:
    flat = arm("flat", 1.0, bottom=20.0)
    assert not isinstance(flat.primary.ed50, Ed50)
    found = only(arm("strong", 1.0), flat)
    assert found.ratio is None
    assert potency_sentence(found) == "The potency of strong relative to flat is not given: there is no ED50 of flat."


def test_opposite_effects_give_no_potency() -> None:
    found = only(arm("down", 1.0), arm("up", 3.0, bottom=40.0, seed=1))
    assert "one effect is an increase and the other a decrease" in potency_sentence(found)


def test_animals_in_both_arms_are_told() -> None:
    found = only(arm("strong", 1.0, prefix="R"), arm("weak", 3.0, seed=1, prefix="R"))
    assert found.parallel is None
    assert "36 animals are in both arms" in potency_sentence(found)


def test_only_arms_with_the_same_question_are_compared() -> None:
    one, other = arm("strong", 1.0), arm("weak", 3.0, seed=1)
    assert potencies([one, replace(other, plan=replace(other.plan, paradigm="another"))]) == ()
    assert potencies([one, replace(other, plan=replace(other.plan, primary=""))]) == ()
    assert potencies([one, replace(other, plan=replace(other.plan, compound="strong"))]) == ()
    assert len(potencies([one, other, arm("third", 2.0, seed=3)])) == 3


SIZES = st.floats(1.01, 20)


@given(st.floats(0.01, 100), st.floats(0.01, 100), SIZES, SIZES, st.floats(1e-3, 1e3))
def test_a_ratio_lies_in_its_interval_and_knows_no_unit(
    a: float, b: float, up: float, down: float, unit: float
) -> None:
    one, other = ed50(a, a / down, a * up), ed50(b, b / up, b * down)
    ratio, lo, hi = ratio_of(one, other)
    assert lo < ratio < hi
    scaled = ratio_of(*(ed50(x.estimate * unit, x.lo * unit, x.hi * unit) for x in (one, other)))
    assert scaled == pytest.approx((ratio, lo, hi))


def test_symmetric_intervals_add_like_independent_errors() -> None:
    """On logarithms ±0.3 and ±0.4 make ±0.5."""
    ratio, lo, hi = ratio_of(ed50(5.0, 5 * np.exp(-0.3), 5 * np.exp(0.3)), ed50(2.0, 2 * np.exp(-0.4), 2 * np.exp(0.4)))
    assert (ratio, lo, hi) == pytest.approx((2.5, 2.5 * np.exp(-0.5), 2.5 * np.exp(0.5)))
