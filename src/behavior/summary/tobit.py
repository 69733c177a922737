"""Latencies as a censored normal variable on a transformed scale: the tobit model.

The transformed latency is normal with one standard deviation around the mean of its level; a censored one is
known only to lie beyond. On the log10 scale a difference of coefficients is a ratio of median latencies.

References
----------
Tobin J (1958). Econometrica 26, 24–36. Olsen RJ (1978). Econometrica 46, 1211–1215 (the parameters in which
the log-likelihood is concave).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats
from behavior.summary.groups import Level
from behavior.summary.multiplicity import adjust_p
from behavior.summary.survival import latencies
from behavior.summary.transforms import Transform, transformed


@dataclass(frozen=True, slots=True)
class TobitComparison:
    """A level against the reference on the transformed scale; `se`, `lo`, `hi` and `p` are those of large
    samples.

    `p_t` takes the spread with n - k instead of n and t(n - k), which a dozen animals need; `p_t_holm` is
    over the levels.
    """

    level: str
    reference: str
    estimate: float
    se: float
    lo: float
    hi: float
    p: float
    p_t: float
    p_t_holm: float


@dataclass(frozen=True)
class TobitFit:
    """The mean of the reference on the transformed scale, the other levels' differences from it, and the
    spread.

    `loglik` is of the transformed values.
    """

    intercept: float
    intercept_se: float
    scale: float
    scale_se: float
    loglik: float
    n: int
    n_censored: int
    comparisons: tuple[TobitComparison, ...]


def tobit(
    time: ArrayLike,
    event: ArrayLike,
    group: Labels,
    *,
    reference: Level,
    levels: Sequence[Level] | None = None,
    transform: Transform = "log10(y)",
    conf_level: float = 0.95,
) -> TobitFit:
    """Fit by maximum likelihood; standard errors from the observed information.

    Parameters
    ----------
    time : latency, at the cut-off where censored, shape (n,)
    event : True where the animal responded, shape (n,)
    group : the level of every row, shape (n,)
    reference, levels : the vehicle and the order of levels
    transform : makes latencies about normal
    conf_level : of the intervals

    Raises
    ------
    BadInput
        Every animal of a level is censored, or latencies do not vary.
    """
    from scipy import stats

    found = latencies(time, event, group, reference=reference, levels=levels)
    for level in found.levels:
        if not found.of(level)[1].any():
            raise BadInput(
                f"every animal of {level} reached the cut-off, so that its mean latency has no estimate; "
                "compare by log-rank, or leave the level out"
            )
    y = transformed(found.time, transform)
    x = np.column_stack([np.ones(len(y)), *(found.label == level for level in found.levels[1:])]).astype(np.float64)
    beta, scale, loglik, covariance = censored_normal(y, found.event, x)
    z = float(stats.norm.ppf((1 + conf_level) / 2))
    se = np.sqrt(np.diag(covariance))
    df = len(y) - x.shape[1]
    if df < 1:
        raise BadInput("every level has one animal, so that nothing is known about the error; add animals")
    z_scores = np.abs(beta[1:]) / se[1:-1]
    ps, ps_t = 2 * stats.norm.sf(z_scores), 2 * stats.t.sf(z_scores * math.sqrt(df / len(y)), df)
    return TobitFit(
        intercept=float(beta[0]),
        intercept_se=float(se[0]),
        scale=scale,
        scale_se=float(se[-1]),
        loglik=loglik,
        n=len(y),
        n_censored=int((~found.event).sum()),
        comparisons=tuple(
            TobitComparison(level, found.levels[0], *map(float, numbers))
            for level, *numbers in zip(
                found.levels[1:],
                beta[1:],
                se[1:-1],
                beta[1:] - z * se[1:-1],
                beta[1:] + z * se[1:-1],
                ps,
                ps_t,
                adjust_p(ps_t, "holm"),
                strict=True,
            )
        ),
    )


def censored_normal(y: Floats, event: ArrayLike, x: Floats) -> tuple[Floats, float, float, Floats]:
    """Normal regression with right censoring.

    Returns
    -------
    tuple
        Coefficients (p,), standard deviation, log-likelihood, covariance of coefficients and standard
        deviation (p + 1, p + 1).
    """
    seen = np.asarray(event, dtype=bool)
    plain, *_ = np.linalg.lstsq(x[seen], y[seen], rcond=None)
    spread = float((y[seen] - x[seen] @ plain).std())
    if spread <= 1e-12 * float(np.abs(y).max(initial=1e-300)):
        raise BadInput("latencies do not vary within levels, so that there is no error to test against")
    olsen = np.append(plain / spread, 1 / spread)
    loglik, gradient, hessian = _olsen(olsen, y, seen, x)
    for _ in range(100):
        step = np.linalg.solve(-hessian, gradient)
        while olsen[-1] + step[-1] <= 0 or _olsen(olsen + step, y, seen, x)[0] < loglik - 1e-9 * abs(loglik):
            step = step / 2
            if np.abs(step).max() < 1e-13:
                break
        olsen = olsen + step
        loglik, gradient, hessian = _olsen(olsen, y, seen, x)
        if np.abs(step).max() < 1e-10 * np.abs(olsen).max():
            break
    delta, gamma = olsen[:-1], float(olsen[-1])
    back = np.zeros((len(olsen), len(olsen)))
    back[:-1, :-1] = np.eye(len(delta)) / gamma
    back[:-1, -1], back[-1, -1] = -delta / gamma**2, -1 / gamma**2
    return delta / gamma, 1 / gamma, loglik, np.asarray(back @ np.linalg.inv(-hessian) @ back.T, dtype=np.float64)


def _olsen(parameters: Floats, y: Floats, seen: NDArray[np.bool_], x: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood, gradient and Hessian in δ = β/σ and γ = 1/σ."""
    from scipy.special import log_ndtr

    delta, gamma = parameters[:-1], float(parameters[-1])
    z = gamma * y - x @ delta
    # The derivative of z by (δ, γ) is (-x, y).
    w = np.column_stack([-x, y])
    zc, wc, wu = z[~seen], w[~seen], w[seen]
    tail = log_ndtr(-zc)
    hazard = np.exp(-(zc**2) / 2 - 0.5 * math.log(2 * math.pi) - tail)
    n_seen = int(seen.sum())
    loglik = n_seen * (math.log(gamma) - 0.5 * math.log(2 * math.pi)) - float(z[seen] @ z[seen]) / 2 + float(tail.sum())
    gradient = -wu.T @ z[seen] - wc.T @ hazard
    gradient[-1] += n_seen / gamma
    hessian = -wu.T @ wu - (wc * (hazard * (hazard - zc))[:, None]).T @ wc
    hessian[-1, -1] -= n_seen / gamma**2
    return loglik, gradient, hessian
