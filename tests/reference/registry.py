"""Which adapter computes which method. An adapter is a module `adapt_<family>.py` here, with a dictionary `METHODS`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from reference.case import Case

Adapter = Callable[[Case], dict[str, Any]]


@cache
def adapters() -> dict[str, Adapter]:
    """The adapters by the method they compute."""
    found: dict[str, Adapter] = {}
    for path in sorted(Path(__file__).parent.glob("adapt_*.py")):
        methods = importlib.import_module(f"reference.{path.stem}").METHODS
        twice = sorted(set(methods) & set(found))
        assert not twice, f"{path.name}: {', '.join(twice)} has an adapter already"
        found.update(methods)
    return found


def run(case: Case) -> dict[str, Any]:
    """Every value of a case by its key."""
    method = case.spec["method"]
    if method not in adapters():
        raise SystemExit(f"no adapter computes the method {method}; there are {', '.join(sorted(adapters()))}")
    return adapters()[method](case)
