"""The Latin square with fixed factors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from behavior.model.errors import BadInput
from behavior.study.design import williams_orders
from behavior.summary.latin import latin_square
from behavior.summary.repeated import within_subject


def square(seed=1, n=8):
    rng = np.random.default_rng(seed)
    rat = rng.normal(0, 5, n)
    cells = [
        (30 + rat[i] + 2 * period + 4 * dose + rng.normal(0, 2), f"R{i}", period, str(dose))
        for i, order in enumerate(williams_orders(4, n, seed))
        for period, dose in enumerate(order)
    ]
    y, row, column, group = zip(*cells, strict=True)
    return np.array(y), list(row), list(column), list(group)


def test_a_complete_square_agrees_with_the_mixed_model():
    y, row, column, group = square()
    fixed = latin_square(y, row, column, group, reference="0")
    mixed = within_subject(y, group, row, reference="0", period=column)
    assert fixed.treatment.f == pytest.approx(mixed.treatment.f, rel=1e-6)
    assert fixed.column.f == pytest.approx(mixed.period.f, rel=1e-6)
    assert (fixed.residual_ms, fixed.residual_df) == pytest.approx(
        (mixed.fit.var_residual, 32 - 1 - 7 - 3 - 3), rel=1e-6
    )
    for a, b in zip(fixed.comparisons, mixed.comparisons, strict=True):
        assert (a.diff, a.se, a.p_dunnett) == pytest.approx((b.estimate, b.se, b.p_dunnett), rel=1e-5, abs=1e-9)


def test_sums_of_squares_of_a_complete_square_add_up():
    y, row, column, group = square(3)
    found = latin_square(y, row, column, group, reference="0")
    parts = sum(t.f * t.df1 for t in (found.row, found.column, found.treatment)) * found.residual_ms
    assert parts + found.residual_ms * found.residual_df == pytest.approx(((y - y.mean()) ** 2).sum())


def test_a_missing_cell_costs_one_degree_of_freedom():
    y, row, column, group = square(2)
    y[5] = math.nan
    assert latin_square(y, row, column, group, reference="0").residual_df == 17


def test_intervals_leave_zero_out_exactly_when_p_is_small():
    for seed in range(5):
        for c in latin_square(*square(seed, n=4), reference="0").comparisons:
            assert (c.lo > 0 or c.hi < 0) == (c.p_dunnett < 0.05)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda y, r, c, g: (y, r, g, g), "cannot tell rows, columns and treatments apart"),
        (lambda y, r, c, g: (y * 0 + 1, r, c, g), "no residual variance"),
        (lambda y, r, c, g: (y, r[:-1], c, g), "differ in number"),
    ],
)
def test_unusable_squares_are_refused(change, says):
    with pytest.raises(BadInput, match=says):
        latin_square(*change(*square()), reference="0")
