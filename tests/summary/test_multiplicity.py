"""Adjusted p-values against what they mean: the closed test of every intersection, gone through one by one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from behavior.model.errors import BadInput
from behavior.summary.multiplicity import adjust_p

METHODS = ["bonferroni", "sidak", "holm", "hochberg", "hommel", "BH", "BY", "none"]
PS = st.lists(st.floats(0, 1), min_size=1, max_size=6)


def closed(p, intersection):
    """The largest p of all intersection hypotheses that hold a given one."""
    m = len(p)
    subsets = [s for k in range(1, m + 1) for s in combinations(range(m), k)]
    tests = {s: min(intersection(np.sort(np.array(p)[list(s)])), 1.0) for s in subsets}
    return [max(value for s, value in tests.items() if i in s) for i in range(m)]


def simes(p):
    return float((len(p) * p / np.arange(1, len(p) + 1)).min())


@settings(max_examples=40, deadline=None)
@given(PS)
def test_holm_is_the_closed_bonferroni_test(p):
    assert_allclose(adjust_p(p, "holm"), closed(p, lambda s: len(s) * s[0]), rtol=1e-12)


@settings(max_examples=40, deadline=None)
@given(PS)
def test_hommel_is_the_closed_simes_test(p):
    assert_allclose(adjust_p(p, "hommel"), closed(p, simes), rtol=1e-12, atol=1e-300)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 0.9), min_size=1, max_size=12))
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("bonferroni", "bonferroni"), ("sidak", "sidak"), ("holm", "holm"), ("hochberg", "simes-hochberg"),
        ("hommel", "hommel"), ("BH", "fdr_bh"), ("BY", "fdr_by"),
    ],
)  # fmt: skip
def test_all_agree_with_statsmodels(ours, theirs, p):
    from statsmodels.stats.multitest import multipletests

    assert_allclose(adjust_p(p, ours), multipletests(p, method=theirs)[1], rtol=1e-9, atol=1e-15)


def test_benjamini_and_hochbergs_own_example():
    """Benjamini and Hochberg (1995), section 3.2: of 15 p-values the first four are rejected at 5 % FDR, three by
    Bonferroni and by Hochberg."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
         0.7590, 1.0]  # fmt: skip
    assert int((adjust_p(p, "BH") <= 0.05).sum()) == 4
    assert int((adjust_p(p, "bonferroni") <= 0.05).sum()) == 3
    assert int((adjust_p(p, "hochberg") <= 0.05).sum()) == 3


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15, deadline=None)
@given(p=PS, data=st.data())
def test_the_order_of_tests_does_not_matter_and_ties_stay_ties(method, p, data):
    order = data.draw(st.permutations(range(len(p))))
    adjusted = adjust_p(p, method)
    assert_allclose(adjust_p([p[i] for i in order], method), adjusted[list(order)])
    for i, j in combinations(range(len(p)), 2):
        if p[i] == p[j]:
            assert adjusted[i] == adjusted[j]


@pytest.mark.parametrize("method", METHODS)
def test_one_test_or_none_needs_no_adjustment(method):
    assert adjust_p([0.03], method) == pytest.approx([0.03])
    assert len(adjust_p([], method)) == 0


@pytest.mark.parametrize("method", METHODS)
def test_the_given_values_are_left_as_they_were(method):
    p = np.array([0.5, 0.01, 0.2])
    adjust_p(p, method)[0] = 7.0
    assert p.tolist() == [0.5, 0.01, 0.2]


@pytest.mark.parametrize("p", [[np.nan], [-0.1], [0.5, 1.1]])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(BadInput, match="between 0 and 1"):
        adjust_p(p)


def test_an_unknown_method_is_refused_with_those_that_are_known():
    with pytest.raises(BadInput, match="tukey is not known; choose one of bonferroni, sidak, holm"):
        adjust_p([0.5], "tukey")
