"""Transformations of a response before its analysis. Results then stand on the transformed scale."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats

Transform: TypeAlias = Literal["identity", "sqrt(y+0.5)", "log10(y)", "ln(y)"]


def transformed(response: ArrayLike, transform: Transform) -> Floats:
    """A response on another scale; what is missing (NaN) stays missing.

    Raises
    ------
    BadInput
        The transformation is unknown, or not defined for one of the responses.
    """
    y = np.asarray(response, dtype=np.float64)
    match transform:
        case "identity":
            return y
        case "sqrt(y+0.5)":
            _above(y, -0.5, transform)
            return np.asarray(np.sqrt(y + 0.5), dtype=np.float64)
        case "log10(y)":
            _above(y, 0, transform)
            return np.asarray(np.log10(y), dtype=np.float64)
        case "ln(y)":
            _above(y, 0, transform)
            return np.asarray(np.log(y), dtype=np.float64)
    raise BadInput(f"the transformation {transform} is not known; choose one of {', '.join(get_args(Transform))}")


def _above(y: Floats, limit: float, transform: str) -> None:
    low = float(np.nanmin(y, initial=np.inf))
    if low < limit or (low == limit and limit == 0):
        raise BadInput(f"{transform} is not defined for the response {low:g}; choose another transformation")
