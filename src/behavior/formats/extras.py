"""What a format needs that not every installation has: one sentence says which extra to install."""

from __future__ import annotations

import importlib
from types import ModuleType

from behavior.model.errors import BadInput


def needed(module: str, extra: str, what: str) -> ModuleType:
    """A module of an extra.

    Raises
    ------
    BadInput
        The extra is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError:
        raise BadInput(f"{what} needs {module}, which is not installed; run pip install 'behavior[{extra}]'") from None
