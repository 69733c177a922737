"""One-way repeated-measures analysis of variance with corrections for unequal covariances.

Only animals with every treatment can take part; the mixed model in `repeated` keeps the others and is the
default. This stands here because readers expect it.

References
----------
Greenhouse SW, Geisser S (1959). Psychometrika 24, 95–112. Huynh H, Feldt LS (1976). Journal of Educational
Statistics 1, 69–82. Mauchly JW (1940). Annals of Mathematical Statistics 11, 204–209.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats
from behavior.summary.groups import as_responses, check_rows, level_labels


@dataclass(frozen=True, slots=True)
class RepeatedAnova:
    """The F test of treatments within subjects, plain and with Greenhouse and Geisser's ε on both degrees of
    freedom.

    `huynh_feldt_epsilon` is not cut at 1; two subjects do not determine it, and it is Greenhouse and Geisser's.
    `mauchly_w` is None with two treatments or no more subjects than
    treatments.
    """

    f: float
    df1: int
    df2: int
    p: float
    greenhouse_geisser_epsilon: float
    p_greenhouse_geisser: float
    huynh_feldt_epsilon: float
    mauchly_w: float | None
    n_subjects: int


def complete_table(response: ArrayLike, group: Labels, subject: Labels, *, levels: list[str]) -> Floats:
    """The responses as subjects by treatments; rows that are blank and subjects that miss a treatment are
    left out.

    Raises
    ------
    BadInput
        Lengths differ, or a subject had a treatment twice.
    """
    y, labels, who = as_responses(response), level_labels(group), level_labels(subject)
    check_rows(responses=y, levels=labels, subjects=who)
    table = []
    for name in sorted(set(who.tolist()) - {""}):
        cells = [y[(who == name) & (labels == level) & np.isfinite(y)] for level in levels]
        if any(len(cell) > 1 for cell in cells):
            raise BadInput(f"subject {name} has two responses to one treatment; average them, or use the mixed model")
        if all(len(cell) == 1 for cell in cells):
            table.append([float(cell[0]) for cell in cells])
    return np.array(table, dtype=np.float64).reshape(-1, len(levels))


def repeated_anova(table: ArrayLike) -> RepeatedAnova:
    """One-way repeated-measures analysis of variance.

    Parameters
    ----------
    table : shape (subjects, treatments), complete

    Raises
    ------
    BadInput
        Fewer than two subjects or treatments, or no residual variance.
    """
    from scipy import stats

    y = np.asarray(table, dtype=np.float64)
    if y.ndim != 2 or min(y.shape) < 2 or not np.isfinite(y).all():
        raise BadInput("a repeated-measures analysis needs two or more subjects with every treatment")
    n, k = y.shape
    centred = y - y.mean(axis=1, keepdims=True)
    treatment = n * float((centred.mean(axis=0) ** 2).sum())
    error = float(((centred - centred.mean(axis=0)) ** 2).sum())
    df1, df2 = k - 1, (n - 1) * (k - 1)
    if error <= (1e-11 * float(np.abs(y).max())) ** 2:
        raise BadInput("every subject responds alike to the treatments, so that there is no error to test against")
    f = treatment / df1 / (error / df2)
    s = np.cov(centred, rowvar=False)
    gg = float(np.trace(s) ** 2 / (df1 * (s**2).sum()))
    hf = (n * df1 * gg - 2) / (df1 * (n - 1 - df1 * gg)) if n > 2 else gg
    return RepeatedAnova(
        f=f,
        df1=df1,
        df2=df2,
        p=float(stats.f.sf(f, df1, df2)),
        greenhouse_geisser_epsilon=gg,
        p_greenhouse_geisser=float(stats.f.sf(f, df1 * gg, df2 * gg)),
        huynh_feldt_epsilon=hf,
        mauchly_w=_mauchly(s) if k > 2 and n > k - 1 else None,
        n_subjects=n,
    )


def _mauchly(centred_covariance: Floats) -> float:
    """Det / (mean)^(k-1) of the k - 1 eigenvalues that belong to contrasts between treatments."""
    values = np.linalg.eigvalsh(centred_covariance)[1:]
    return float(np.prod(values / values.mean()))
