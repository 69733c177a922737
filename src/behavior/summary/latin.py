"""The Latin square analysed as such: rows (animals), columns (periods) and treatments as fixed factors.

The mixed model in `repeated` treats animals as random and keeps incomplete ones; with a complete square both
give the same differences and errors. This form is what older papers report.

References
----------
Cochran WG, Cox GM (1957). Experimental Designs, 2nd edition, chapter 4. Wiley.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats
from behavior.summary.fit import FTest, f_test
from behavior.summary.groups import Level, as_responses, check_rows, level_labels, named_levels
from behavior.summary.multivariate_t import adjusted_p, critical_value


@dataclass(frozen=True, slots=True)
class LatinComparison:
    """A treatment against the reference, adjusted for rows and columns; interval and `p_dunnett` are simultaneous."""

    level: str
    reference: str
    diff: float
    se: float
    t: float
    p_dunnett: float
    lo: float
    hi: float


@dataclass(frozen=True)
class LatinSquare:
    """The analysis of variance; every factor is tested given the other two."""

    row: FTest
    column: FTest
    treatment: FTest
    residual_ms: float
    residual_df: int
    comparisons: tuple[LatinComparison, ...]


def latin_square(
    response: ArrayLike,
    row: Labels,
    column: Labels,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    conf_level: float = 0.95,
) -> LatinSquare:
    """Analyse a Latin square, complete or with missing cells.

    Parameters
    ----------
    response : shape (n,), NaN where missing
    row, column, group : animal, period and treatment of every cell, shape (n,)
    reference, levels : the vehicle and the order of treatments
    conf_level : of the simultaneous intervals

    Raises
    ------
    BadInput
        The factors cannot be told apart, or no degrees of freedom or variance are left for the error.
    """
    y, labels = as_responses(response), level_labels(group)
    rows, columns = level_labels(row), level_labels(column)
    check_rows(responses=y, rows=rows, columns=columns, treatments=labels)
    names = named_levels(labels, reference=reference, levels=levels)
    used = np.isfinite(y) & np.isin(labels, names) & (rows != "") & (columns != "")
    y, labels = y[used], labels[used]
    parts = {
        "treatment": np.column_stack([labels == name for name in names[1:]]).astype(np.float64),
        "row": _indicators(rows[used]),
        "column": _indicators(columns[used]),
    }
    full = _Least.of(y, *parts.values())
    if full.rss <= len(y) * (1e-11 * float(np.abs(y).max(initial=0.0))) ** 2:
        raise BadInput("the square leaves no residual variance, so that there is nothing to test against")
    tests = {}
    for name in parts:
        small = _Least.of(y, *(part for other, part in parts.items() if other != name))
        tests[name] = f_test(small.rss, small.df, full.rss, full.df)
    return LatinSquare(
        tests["row"],
        tests["column"],
        tests["treatment"],
        full.rss / full.df,
        full.df,
        _comparisons(full, names, conf_level),
    )


def _indicators(labels: np.ndarray) -> Floats:
    if len(set(labels.tolist())) < 2:
        raise BadInput("a square needs two or more rows and columns; use groups instead")
    return np.column_stack([labels == name for name in sorted(set(labels.tolist()))[1:]]).astype(np.float64)


@dataclass(frozen=True)
class _Least:
    beta: Floats
    inverse: Floats
    rss: float
    df: int

    @classmethod
    def of(cls, y: Floats, *parts: Floats) -> _Least:
        x = np.column_stack([np.ones(len(y)), *parts])
        if len(y) <= x.shape[1] or np.linalg.matrix_rank(x) < x.shape[1]:
            raise BadInput("the cells cannot tell rows, columns and treatments apart and leave an error; add animals")
        beta, *_ = np.linalg.lstsq(x, y, rcond=None)
        left = y - x @ beta
        inverse = np.asarray(np.linalg.inv(x.T @ x), dtype=np.float64)
        return cls(np.asarray(beta, dtype=np.float64), inverse, float(left @ left), len(y) - x.shape[1])


def _comparisons(fit: _Least, names: Sequence[str], conf_level: float) -> tuple[LatinComparison, ...]:
    k = len(names)
    covariance = fit.inverse[1:k, 1:k] * fit.rss / fit.df
    se = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(se, se)
    critical = critical_value(conf_level, correlation, fit.df)
    found = []
    for name, diff, error in zip(names[1:], fit.beta[1:k].tolist(), se.tolist(), strict=True):
        t, half = diff / error, critical * error
        p = adjusted_p(t, correlation, fit.df)
        found.append(LatinComparison(name, names[0], diff, error, t, p, diff - half, diff + half))
    return tuple(found)
