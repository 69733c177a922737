"""Repeated-measures analysis of variance against statsmodels, and the limits of its corrections."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.summary.sphericity import complete_table, repeated_anova

TABLE = np.array([[8, 7, 6, 4], [9, 8, 7, 5], [6, 6, 4, 4], [5, 4, 3.5, 1], [8, 9, 5, 3], [7, 5, 5.5, 2]])


def test_the_f_test_agrees_with_statsmodels():
    import pandas as pd
    from statsmodels.stats.anova import AnovaRM

    rows = [(i, j, v) for i, row in enumerate(TABLE) for j, v in enumerate(row)]
    known = AnovaRM(pd.DataFrame(rows, columns=["rat", "dose", "y"]), "y", "rat", ["dose"]).fit().anova_table.iloc[0]
    found = repeated_anova(TABLE)
    assert (found.f, found.p) == pytest.approx((known["F Value"], known["Pr > F"]))
    assert (found.df1, found.df2) == (known["Num DF"], known["Den DF"])


def test_epsilon_and_w_follow_from_orthonormal_contrasts():
    """Box: ε = tr(S)² / ((k - 1) tr(S²)), Mauchly: W = det(S) / (tr(S) / (k - 1))^(k-1), S of Helmert contrasts."""
    k = TABLE.shape[1]
    helmert = np.array([[1] * j + [-j] + [0] * (k - j - 1) for j in range(1, k)], dtype=float)
    helmert /= np.linalg.norm(helmert, axis=1, keepdims=True)
    s = np.cov(TABLE @ helmert.T, rowvar=False)
    found = repeated_anova(TABLE)
    assert found.greenhouse_geisser_epsilon == pytest.approx(np.trace(s) ** 2 / ((k - 1) * np.trace(s @ s)))
    assert found.mauchly_w == pytest.approx(np.linalg.det(s) / (np.trace(s) / (k - 1)) ** (k - 1))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 7), st.integers(2, 5), st.floats(-50, 50))
def test_epsilon_keeps_its_bounds_and_levels_of_animals_do_not_matter(seed, n, k, level):
    table = np.random.default_rng(seed).normal(size=(n, k))
    found = repeated_anova(table)
    assert 1 / (k - 1) - 1e-12 <= found.greenhouse_geisser_epsilon <= 1 + 1e-12
    assert found.huynh_feldt_epsilon >= found.greenhouse_geisser_epsilon - 1e-9
    if found.mauchly_w is not None:
        assert -1e-12 <= found.mauchly_w <= 1 + 1e-12
    moved = repeated_anova(table + level * np.arange(n)[:, None])
    assert (moved.f, moved.p_greenhouse_geisser) == pytest.approx((found.f, found.p_greenhouse_geisser), rel=1e-6)


def test_animals_that_miss_a_treatment_are_left_out():
    y = [1, 2, 3, 4, 5, 6, math.nan, 8]
    table = complete_table(y, [0, 1] * 4, np.repeat(list("abcd"), 2), levels=["0", "1"])
    assert table.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert complete_table(y, [0, 1] * 4, np.repeat(list("abcd"), 2), levels=["0", "7"]).shape == (0, 2)


def test_an_animal_with_two_responses_to_a_treatment_is_refused():
    with pytest.raises(BadInput, match="subject a has two responses to one treatment"):
        complete_table([1, 2, 3], [0, 0, 1], ["a"] * 3, levels=["0", "1"])


@pytest.mark.parametrize("table", [np.ones((1, 3)), np.ones((4, 1)), np.ones(4), [[1, math.nan], [2, 3]]])
def test_incomplete_tables_are_refused(table):
    with pytest.raises(BadInput, match="two or more subjects with every treatment"):
        repeated_anova(table)


@pytest.mark.parametrize("unit", [1e-6, 0.1, 1e6])
def test_animals_that_all_respond_alike_leave_no_error(unit):
    with pytest.raises(BadInput, match="no error to test against"):
        repeated_anova((np.arange(4)[:, None] + np.array([0.1, 0.7, 0.4])) * unit)


@pytest.mark.parametrize("table", [[[1, 2], [2, 5]], [[1, 2, 3], [2, 5, 3]], [[1, 2, 3, 9], [2, 5, 3, 1]]])
def test_two_subjects_have_one_covariance_direction_only(table):
    found = repeated_anova(table)
    assert found.greenhouse_geisser_epsilon == pytest.approx(1 / found.df1)
    assert found.huynh_feldt_epsilon == found.greenhouse_geisser_epsilon
    assert found.mauchly_w is None
