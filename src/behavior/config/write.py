"""Values as TOML, for files that are written for people and read back by `config.read`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from behavior.model.errors import BadInput


def toml(values: Mapping[str, Any]) -> str:
    """A table as TOML, a key a line; None is left out.

    >>> print(toml({"n": 2, "iti_s": {"low": 1.5, "high": 3}, "cs": ["tone"], "none": None}), end="")
    n = 2
    iti_s = { low = 1.5, high = 3 }
    cs = ["tone"]

    Raises
    ------
    BadInput
        Something in it has no place in TOML.
    """
    return "".join(f"{_key(name)} = {_value(value)}\n" for name, value in values.items() if value is not None)


def _key(name: str) -> str:
    return name if name.replace("_", "").replace("-", "").isalnum() and name.isascii() else _text(name)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return _text(value)
        case Mapping():
            inside = ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items() if one is not None)
            return f"{{ {inside} }}" if inside else "{}"
        case list() | tuple():
            return f"[{', '.join(_value(one) for one in value)}]"
    raise BadInput(f"{value!r} cannot be written as TOML; use numbers, text, lists and tables")
