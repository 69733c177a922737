"""Yes-or-no trials of the same animals: generalised estimating equations with a logit link.

The mean follows a logistic model; trials of one animal share a working correlation, which need not be true.
Errors come from the animals' residuals (the sandwich), plain as in `geepack`, or *bias-reduced* (CR2): each
animal's residuals are divided by the root of what the fit took from them, and Satterthwaite's degrees of
freedom belong to each contrast. With a dozen animals the plain sandwich rejects a true null hypothesis too
often; the bias-reduced one is the default.

References
----------
Liang KY, Zeger SL (1986). Biometrika 73, 13–22. Bell RM, McCaffrey DF (2002). Survey Methodology 28,
169–181. Kauermann G, Carroll RJ (2001). Journal of the American Statistical Association 96, 1387–1396.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats
from behavior.summary.glm import fit_glm
from behavior.summary.groups import check_rows, level_labels

Correlation: TypeAlias = Literal["independence", "exchangeable"]
Sandwich: TypeAlias = Literal["plain", "bias-reduced"]


@dataclass(frozen=True, slots=True)
class GeeTerm:
    """A coefficient. `df` is infinite, and p normal, for the plain sandwich."""

    name: str
    coef: float
    robust_se: float
    df: float
    p: float


@dataclass(frozen=True)
class GeeFit:
    """A fitted model; `alpha` is the working correlation, 0 for independence."""

    terms: tuple[GeeTerm, ...]
    covariance: Floats
    correlation: Correlation
    sandwich: Sandwich
    alpha: float
    n: int
    n_clusters: int

    def term(self, name: str) -> GeeTerm:
        """The term of a name."""
        return next(term for term in self.terms if term.name == name)


def gee(
    response: ArrayLike,
    design: ArrayLike,
    cluster: Labels,
    *,
    names: Sequence[str],
    correlation: Correlation = "exchangeable",
    sandwich: Sandwich = "bias-reduced",
) -> GeeFit:
    """Fit a logistic model to trials within animals.

    Parameters
    ----------
    response : 0 or 1 of every trial, shape (n,)
    design : shape (n, p)
    cluster : the animal of every trial, shape (n,)
    names : of the columns, p
    correlation : the working correlation of an animal's trials
    sandwich : "bias-reduced" with t, or "plain" with z

    Raises
    ------
    BadInput
        Responses other than 0 and 1, no more animals than coefficients, a level in which all trials ended alike, or
        animals that do not differ.
    """
    y, x = np.asarray(response, dtype=np.float64), np.asarray(design, dtype=np.float64)
    if not np.isin(y, (0, 1)).all():
        raise BadInput("a trial's response is 0 or 1; another value was given")
    check_rows(trials=y, designs=x, animals=level_labels(cluster))
    _, which = np.unique(level_labels(cluster), return_inverse=True)
    n_clusters = int(which.max()) + 1
    if n_clusters <= x.shape[1]:
        raise BadInput(f"{n_clusters} animals cannot carry {x.shape[1]} coefficients and their errors; add animals")
    start = fit_glm(y, x, "logit")
    if start.separated:
        raise BadInput("in one level all trials ended alike, so that its odds have no finite estimate; compare by "
                       "rearranging whole animals")  # fmt: skip
    beta, alpha = _solve(start.beta, y, x, which, correlation)
    work = _Working.of(beta, y, x, which, alpha)
    covariance, dfs = work.plain() if sandwich == "plain" else work.bias_reduced()
    if (np.diag(covariance) <= 1e-24 * np.diag(np.linalg.inv(work.bread))).any():
        raise BadInput("all animals of a level have the same proportion, so that there is no error to test against; "
                       "compare by rearranging whole animals")  # fmt: skip
    return GeeFit(
        terms=tuple(_term(*part) for part in zip(names, beta, np.sqrt(np.diag(covariance)), dfs, strict=True)),
        covariance=covariance,
        correlation=correlation,
        sandwich=sandwich,
        alpha=alpha,
        n=len(y),
        n_clusters=n_clusters,
    )


def _term(name: str, coef: float, se: float, df: float) -> GeeTerm:
    from scipy import stats

    z = abs(float(coef) / float(se))
    p = 2 * float(stats.t.sf(z, df)) if math.isfinite(df) else 2 * float(stats.norm.sf(z))
    return GeeTerm(name, float(coef), float(se), float(df), p)


def _solve(beta: Floats, y: Floats, x: Floats, which: np.ndarray, correlation: Correlation) -> tuple[Floats, float]:
    """Alternate between the working correlation and the coefficients until neither moves."""
    alpha = 0.0
    for _ in range(200):
        if correlation == "exchangeable":
            alpha = _moment_correlation(*_Working.of(beta, y, x, which, 0.0).pearson(), which)
        work = _Working.of(beta, y, x, which, alpha)
        step = np.linalg.solve(work.bread, work.score)
        beta = beta + step
        if np.abs(step).max() < 1e-10 * (1 + np.abs(beta).max()):
            break
    return np.asarray(beta, dtype=np.float64), alpha


def _moment_correlation(pearson: Floats, scale: float, which: np.ndarray) -> float:
    """The mean product of two trials' Pearson residuals, over all pairs within animals, relative to their variance."""
    sizes = np.bincount(which)
    pairs = float((sizes * (sizes - 1)).sum())
    if pairs == 0:
        return 0.0
    products = float((np.bincount(which, weights=pearson) ** 2).sum() - pearson @ pearson)
    lowest = -1 / (sizes.max() - 1)
    return float(np.clip(products / pairs / scale, 0.999 * lowest, 0.999))


@dataclass(frozen=True)
class _Working:
    """Rows scaled so that their working covariance is the identity: z = R^(-1/2) A^(1/2) x, and e likewise."""

    z: Floats
    e: Floats
    raw: Floats
    which: np.ndarray
    bread: Floats
    score: Floats

    @classmethod
    def of(cls, beta: Floats, y: Floats, x: Floats, which: np.ndarray, alpha: float) -> _Working:
        from scipy.special import expit

        mean = expit(x @ beta)
        root = np.sqrt(np.maximum(mean * (1 - mean), 1e-300))
        e = (y - mean) / root
        z = _decorrelated(x * root[:, None], which, alpha)
        straight = _decorrelated(e[:, None], which, alpha)[:, 0]
        return cls(z, straight, e, which, z.T @ z, z.T @ straight)

    def pearson(self) -> tuple[Floats, float]:
        return self.raw, float(self.raw @ self.raw) / len(self.raw)

    def plain(self) -> tuple[Floats, Floats]:
        bread = np.linalg.inv(self.bread)
        sums = np.zeros((int(self.which.max()) + 1, self.z.shape[1]))
        np.add.at(sums, self.which, self.z * self.e[:, None])
        return np.asarray(bread @ (sums.T @ sums) @ bread, dtype=np.float64), np.full(len(bread), math.inf)

    def bias_reduced(self) -> tuple[Floats, Floats]:
        """CR2: residuals of an animal times (I - H)^(-1/2), and Satterthwaite's df of every coefficient."""
        bread = np.linalg.inv(self.bread)
        half = np.linalg.cholesky(bread)
        n_clusters, p = int(self.which.max()) + 1, self.z.shape[1]
        sums, u, squares = np.zeros((n_clusters, p)), np.zeros((n_clusters, p, p)), np.zeros((n_clusters, p))
        for i in range(n_clusters):
            rows = self.z[self.which == i]
            vectors, leverage, _ = np.linalg.svd(rows @ half, full_matrices=False)
            shrink = np.maximum(1 - leverage**2, 1e-10)
            # (I - H)^(-1/2) leaves what is orthogonal to the animal's rows alone.
            adjusted = rows + vectors @ ((shrink**-0.5 - 1)[:, None] * (vectors.T @ rows))
            q = adjusted @ bread
            sums[i] = q.T @ self.e[self.which == i]
            u[i], squares[i] = rows.T @ q, (q**2).sum(axis=0)
        dfs = np.empty(p)
        for j in range(p):
            m = np.diag(squares[:, j]) - u[:, :, j] @ bread @ u[:, :, j].T
            dfs[j] = np.trace(m) ** 2 / float((m**2).sum())
        return np.asarray(sums.T @ sums, dtype=np.float64), dfs


def _decorrelated(columns: Floats, which: np.ndarray, alpha: float) -> Floats:
    """R^(-1/2) times each animal's rows, for an exchangeable R with correlation alpha."""
    if alpha == 0:
        return columns
    sizes = np.bincount(which).astype(np.float64)
    means = np.column_stack([np.bincount(which, weights=c) for c in columns.T]) / sizes[:, None]
    within, between = 1 / math.sqrt(1 - alpha), 1 / np.sqrt(1 + (sizes - 1) * alpha)
    return np.asarray(within * columns + ((between - within)[:, None] * means)[which], dtype=np.float64)
