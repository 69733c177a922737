"""Whatever is wrong with bytes is one kind of error, which is a `ValueError`."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.model.decode import Undecodable, convert, decode, tree
from behavior.model.session import SessionHeader

WRONG = {
    "no JSON": b"{",
    "nothing": b"",
    "another shape": b"[1]",
    "no text": b'{"a": "\xff"}',
    "deeper than the stack": b"[" * 100_000,
    "deeper than the stack, in an object": b'{"a":' * 100_000,
    "a number of 5,000 digits": b'{"subject": ' + b"9" * 5000 + b"}",
}


@pytest.mark.parametrize("name", WRONG)
def test_bytes_that_are_none_are_undecodable(name: str) -> None:
    with pytest.raises(Undecodable) as raised:
        decode(WRONG[name], SessionHeader)
    assert 0 < len(str(raised.value)) <= 200


@pytest.mark.parametrize("name", ["no JSON", "nothing", "no text", "deeper than the stack"])
def test_a_tree_of_anything_has_to_be_json(name: str) -> None:
    with pytest.raises(Undecodable):
        tree(WRONG[name])


def test_a_tree_may_hold_what_json_has_no_word_for() -> None:
    found = tree(b'{"a": NaN, "b": -Infinity}')
    assert math.isnan(found["a"]) and found["b"] == -math.inf


def test_a_part_of_a_tree_of_another_shape() -> None:
    assert convert([1, 2], list[int]) == [1, 2]
    with pytest.raises(Undecodable, match="Expected `int`"):
        convert(["x"], list[int])


@given(st.binary(max_size=60))
def test_any_bytes_are_a_value_or_undecodable(data: bytes) -> None:
    for read in (tree, lambda data: decode(data, dict[str, Any])):
        try:
            read(data)
        except Undecodable as error:
            assert str(error)
