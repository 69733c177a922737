"""Numeric derivatives, accurate enough for standard errors: central differences of fourth order.

The step is the fifth root (sixth, for second derivatives) of the machine epsilon times the size of the
argument, where truncation and rounding are about equal; relative errors are near 1e-12 and 1e-9 for smooth
functions of order one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EPSILON = float(np.finfo(np.float64).eps)
FIRST_STEP = _EPSILON ** (1 / 5)
SECOND_STEP = _EPSILON ** (1 / 6)


def jacobian(
    function: Callable[[Floats], Floats], at: Floats, *, sizes: Floats | None = None, step: float = FIRST_STEP
) -> Floats:
    """The derivatives of a vector function.

    Parameters
    ----------
    function : takes an array of shape (p,), returns one of shape (n,)
    at : where, shape (p,)
    sizes : the size of each argument where it is near 0, shape (p,); 1 where absent
    step : relative step

    Returns
    -------
    Floats
        Shape (n, p).
    """
    at = np.asarray(at, dtype=np.float64)
    floor = np.where(at == 0, 1.0, 0.0) if sizes is None else np.abs(sizes)
    steps = step * np.maximum(np.abs(at), floor)
    columns = [_slope(function, at, i, float(h)) for i, h in enumerate(steps)]
    return np.asarray(np.column_stack(columns), dtype=np.float64)


def gradient(function: Callable[[Floats], float], at: Floats, *, sizes: Floats | None = None) -> Floats:
    """The derivatives of a scalar function, shape (p,)."""
    return jacobian(lambda p: np.atleast_1d(np.float64(function(p))), at, sizes=sizes).ravel()


def hessian(function: Callable[[Floats], float], at: Floats, *, sizes: Floats | None = None) -> Floats:
    """The second derivatives of a scalar function, symmetric, shape (p, p)."""

    def slopes(p: Floats) -> Floats:
        row = jacobian(lambda q: np.atleast_1d(np.float64(function(q))), p, sizes=sizes, step=SECOND_STEP)
        return row.ravel()

    second = jacobian(slopes, at, sizes=sizes, step=SECOND_STEP)
    return np.asarray((second + second.T) / 2, dtype=np.float64)


def _slope(function: Callable[[Floats], Floats], at: Floats, i: int, h: float) -> Floats:
    def moved(by: float) -> Floats:
        point = at.copy()
        point[i] += by
        return np.asarray(function(point), dtype=np.float64)

    with np.errstate(invalid="ignore", over="ignore"):
        rise = 8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))
    return np.asarray(rise / (12 * h), dtype=np.float64)
