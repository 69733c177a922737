"""Orders of treatment: balance, chance and repeatability."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.errors import BadInput
from behavior.study.design import check_orders, subjects_for_balance, williams_orders, williams_rows


@pytest.mark.parametrize("n", range(2, 10))
def test_a_square_is_balanced_in_periods_and_in_what_follows_what(n):
    check = check_orders(williams_rows(n), n_treatments=n)
    assert check.balanced
    assert check.per_treatment_and_period == check.per_ordered_pair == (1 if n % 2 == 0 else 2)


@given(st.integers(2, 7), st.integers(1, 3), st.integers(0, 10_000))
def test_whole_squares_stay_balanced_under_every_seed(n, squares, seed):
    n_subjects = squares * subjects_for_balance(n)
    check = check_orders(williams_orders(n, n_subjects, seed), n_treatments=n)
    assert check.balanced
    assert check.per_treatment_and_period == n_subjects // n


@given(st.integers(2, 6), st.integers(1, 17), st.integers(0, 1000))
def test_any_number_of_subjects_gets_every_treatment_once_and_periods_nearly_even(n, n_subjects, seed):
    orders = williams_orders(n, n_subjects, seed)
    assert len(orders) == n_subjects
    assert all(sorted(order) == list(range(n)) for order in orders)
    for period in range(n):
        counts = Counter(order[period] for order in orders)
        assert max(counts.values()) - min(counts.get(t, 0) for t in range(n)) <= 2


def test_equal_seeds_give_equal_orders_and_others_do_not():
    assert williams_orders(4, 8, seed=7) == williams_orders(4, 8, seed=7)
    assert len({williams_orders(4, 8, seed=s) for s in range(20)}) == 20


def test_the_orders_of_a_seed_never_change():
    assert williams_orders(3, 6, seed=1) == ((0, 2, 1), (1, 2, 0), (0, 1, 2), (2, 0, 1), (2, 1, 0), (1, 0, 2))


def test_every_subject_may_come_first_to_every_treatment():
    firsts = Counter(williams_orders(4, 4, seed=s)[0][0] for s in range(400))
    assert min(firsts.values()) > 60


def test_fewer_periods_than_treatments_cut_the_rows():
    orders = williams_orders(5, 10, seed=3, n_periods=3)
    assert all(len(set(order)) == len(order) == 3 for order in orders)
    check = check_orders(orders, n_treatments=5)
    assert check.per_treatment_and_period == 2
    assert not check.each_treatment_once


def test_a_list_that_repeats_a_dose_is_not_called_balanced():
    check = check_orders([(0, 0, 1), (1, 2, 2)], n_treatments=3)
    assert not check.balanced
    assert check.per_ordered_pair is None


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"n_treatments": 1, "n_subjects": 4}, "compares two or more"),
        ({"n_treatments": 4, "n_subjects": 0}, "name at least one"),
        ({"n_treatments": 3, "n_subjects": 6, "n_periods": 4}, "each at most once"),
    ],
)
def test_designs_that_do_not_exist_are_refused(asked, says):
    with pytest.raises(BadInput, match=says):
        williams_orders(**asked, seed=1)
