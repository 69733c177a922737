"""Bytes into values: whatever is wrong with them is one kind of error.

Rules. What was written by a machine and may be damaged is decoded here. Libraries have several errors for what is
no JSON, is nested deeper than their stack, or is JSON of another shape; who decodes by hand forgets one.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
WRONG = (msgspec.MsgspecError, ValueError, RecursionError, OverflowError)
"""All that a decoder raises for bytes that it does not like; for loops over many lines."""
_LONGEST = 200


class Undecodable(ValueError):
    """Bytes that are no such value; its text is a few words of what is wrong."""


def decode(data: bytes | str, kind: type[T]) -> T:
    """JSON as a value of a type.

    Raises
    ------
    Undecodable
        It is none.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except WRONG as error:
        raise _undecodable(error) from None


def tree(data: bytes | str) -> Any:
    """Any JSON, also with NaN and Infinity, which other programs write.

    Raises
    ------
    Undecodable
        It is none.
    """
    try:
        return json.loads(data)
    except WRONG as error:
        raise _undecodable(error) from None


def convert(plain: Any, kind: type[T]) -> T:
    """A part of a tree as a value of a type.

    Raises
    ------
    Undecodable
        It is none.
    """
    try:
        return msgspec.convert(plain, kind)
    except WRONG as error:
        raise _undecodable(error) from None


def _undecodable(error: Exception) -> Undecodable:
    return Undecodable(str(error)[:_LONGEST] or type(error).__name__)
