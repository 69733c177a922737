"""p-values adjusted for the number of tests.

Holm (or Dunnett, see `compare`) within an endpoint, BH for screens; what makes a family is declared, not
found.

References
----------
Wright SP (1992). Biometrics 48, 1005–1013. Benjamini Y, Yekutieli D (2001). Annals of Statistics 29,
1165–1188.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats

Adjustment: TypeAlias = Literal["bonferroni", "sidak", "holm", "hochberg", "hommel", "BH", "BY", "none"]


def adjust_p(p: ArrayLike, method: Adjustment = "holm") -> Floats:
    """Adjusted p-values, in the order given.

    Parameters
    ----------
    p : shape (m,)
    method : "holm" (step-down), "hochberg" and "hommel" (step-up, independent tests), "bonferroni", "sidak",
    "BH" and
        "BY" (false discovery rate), or "none"

    Raises
    ------
    BadInput
        A value outside 0 to 1, or an unknown method.
    """
    values = np.asarray(p, dtype=np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise BadInput("p-values lie between 0 and 1; leave missing ones out before adjusting")
    if method not in get_args(Adjustment):
        raise BadInput(f"the adjustment {method} is not known; choose one of {', '.join(get_args(Adjustment))}")
    m = len(values)
    match method:
        case "none":
            return values.copy()
        case "bonferroni":
            return np.asarray(np.minimum(values * m, 1), dtype=np.float64)
        case "sidak":
            return np.asarray(-np.expm1(m * np.log1p(-np.minimum(values, 1 - 1e-16))), dtype=np.float64)
        case "holm":
            order = np.argsort(values, kind="stable")
            steps = np.maximum.accumulate(values[order] * np.arange(m, 0, -1))
        case "hommel":
            return _hommel(values)
        case _:
            order = np.argsort(-values, kind="stable")
            steps = np.minimum.accumulate(values[order] * _step_up_factors(m, method))
    adjusted = np.empty(m)
    adjusted[order] = np.minimum(steps, 1)
    return adjusted


def _step_up_factors(m: int, method: str) -> Floats:
    rank = np.arange(m, 0, -1, dtype=np.float64)
    if method == "hochberg":
        return m + 1 - rank
    harmonic = float((1 / np.arange(1, m + 1)).sum()) if method == "BY" else 1.0
    return m * harmonic / rank


def _hommel(values: Floats) -> Floats:
    """Hommel's procedure, by Wright's algorithm."""
    m = len(values)
    if m < 2:
        return values.copy()
    order = np.argsort(values, kind="stable")
    p = values[order]
    ranks = np.arange(1, m + 1)
    q = np.full(m, float((m * p / ranks).min()))
    adjusted = q.copy()
    for k in range(m - 1, 1, -1):
        first, last = np.arange(m - k + 1), np.arange(m - k + 1, m)
        least = float((k * p[last] / np.arange(2, k + 1)).min())
        q[first] = np.minimum(k * p[first], least)
        q[last] = q[m - k]
        adjusted = np.maximum(adjusted, q)
    result = np.empty(m)
    result[order] = np.maximum(adjusted, p)
    return result
