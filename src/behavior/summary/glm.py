"""Generalised linear models by iteratively reweighted least squares: binomial (logit, probit), Poisson,
negative binomial.

Standard errors come from the expected information X'WX. Where a level has nothing but successes or failures
(or no counts), its coefficient has no finite estimate; the fit then stops at a linear predictor of ±30 and
says so in `separated`.

References
----------
McCullagh P, Nelder JA (1989). Generalized Linear Models, 2nd edition. Chapman & Hall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats

Family: TypeAlias = Literal["logit", "probit", "poisson", "negative_binomial"]

_FARTHEST = 30.0
_MAX_STEPS = 200


@dataclass(frozen=True)
class GlmFit:
    """A fitted model. `mean` is the expected count of every row, shape (n,); `covariance` has shape (p, p)."""

    beta: Floats
    covariance: Floats
    mean: Floats
    loglik: float
    deviance: float
    pearson_chi2: float
    df_residual: int
    separated: bool

    @property
    def dispersion(self) -> float:
        """Pearson's X² over its degrees of freedom: 1 where the family's variance is right."""
        if self.df_residual < 1:
            raise BadInput("there is one row per coefficient, so that overdispersion cannot be judged; add animals")
        return self.pearson_chi2 / self.df_residual


@dataclass(frozen=True, slots=True)
class _Kind:
    family: Family
    trials: Floats
    alpha: float

    def mean(self, eta: Floats) -> Floats:
        from scipy.special import expit, ndtr

        if self.family == "logit":
            return np.asarray(self.trials * expit(eta), dtype=np.float64)
        if self.family == "probit":
            return np.asarray(self.trials * ndtr(eta), dtype=np.float64)
        return np.asarray(np.exp(eta), dtype=np.float64)

    def slope(self, eta: Floats, mean: Floats) -> Floats:
        """D mean / d eta."""
        if self.family == "logit":
            return np.asarray(mean * (1 - mean / self.trials), dtype=np.float64)
        if self.family == "probit":
            return np.asarray(self.trials * np.exp(-(eta**2) / 2) / math.sqrt(2 * math.pi), dtype=np.float64)
        return mean

    def variance(self, mean: Floats) -> Floats:
        if self.family in ("logit", "probit"):
            return np.maximum(mean * (1 - mean / self.trials), 1e-300)
        return mean + self.alpha * mean**2

    def loglik(self, y: Floats, eta: Floats) -> float:
        from scipy.special import gammaln, log_expit, log_ndtr, xlogy

        if self.family in ("logit", "probit"):
            log_p = log_expit if self.family == "logit" else log_ndtr
            n = self.trials
            ways = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
            return float((ways + y * log_p(eta) + (n - y) * log_p(-eta)).sum())
        mean = np.exp(eta)
        if self.alpha == 0:
            return float((y * eta - mean - gammaln(y + 1)).sum())
        theta = 1 / self.alpha
        ways = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1)
        return float((ways - (y + theta) * np.log1p(mean / theta) + xlogy(y, mean / theta)).sum())

    def saturated(self, y: Floats) -> float:
        """The log-likelihood when every row has its own mean."""
        from scipy.special import gammaln, xlogy

        if self.family in ("logit", "probit"):
            n = self.trials
            ways = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
            return float((ways + xlogy(y, y / n) + xlogy(n - y, 1 - y / n)).sum())
        if self.alpha == 0:
            return float((xlogy(y, y) - y - gammaln(y + 1)).sum())
        theta = 1 / self.alpha
        ways = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1)
        return float((ways - (y + theta) * np.log1p(y / theta) + xlogy(y, y / theta)).sum())


def fit_glm(
    counts: ArrayLike,
    design: ArrayLike,
    family: Family,
    *,
    trials: ArrayLike | None = None,
    offset: ArrayLike | None = None,
    alpha: float = 0.0,
) -> GlmFit:
    """Fit by maximum likelihood.

    Parameters
    ----------
    counts : events of every row, shape (n,)
    design : shape (n, p)
    family : "logit" or "probit" for events of `trials`, "poisson" or "negative_binomial" for counts with a
    log link trials : out of how many, shape (n,); 1 where absent
    offset : added to the linear predictor, such as the log of the exposure
    alpha : of the negative binomial, variance = mean + alpha mean²

    Raises
    ------
    BadInput
        Counts that are negative or above their trials, or columns that cannot be told apart.
    """
    y, x = np.asarray(counts, dtype=np.float64), np.asarray(design, dtype=np.float64)
    n = np.ones_like(y) if trials is None else np.asarray(trials, dtype=np.float64)
    fixed = np.zeros_like(y) if offset is None else np.asarray(offset, dtype=np.float64)
    _check(y, n, x, family)
    kind = _Kind(family, n, alpha if family == "negative_binomial" else 0.0)
    beta, information = _climb(kind, y, x, fixed)
    eta = np.clip(x @ beta + fixed, fixed - _FARTHEST, fixed + _FARTHEST)
    mean = kind.mean(eta)
    loglik = kind.loglik(y, eta)
    return GlmFit(
        beta=beta,
        covariance=np.asarray(np.linalg.inv(information), dtype=np.float64),
        mean=mean,
        loglik=loglik,
        deviance=max(2 * (kind.saturated(y) - loglik), 0.0),
        pearson_chi2=float(((y - mean) ** 2 / kind.variance(mean)).sum()),
        df_residual=len(y) - x.shape[1],
        separated=bool((np.abs(x @ beta) > 15).any()),
    )


def _check(y: Floats, n: Floats, x: Floats, family: Family) -> None:
    if not len(y) == len(n) == len(x):
        raise BadInput(f"{len(y)} counts, {len(n)} trials and {len(x)} rows of the design differ in number")
    if not (np.isfinite(y).all() and np.isfinite(x).all()) or (y < 0).any():
        raise BadInput("a count is negative or missing; leave rows without one out")
    if family in ("logit", "probit") and ((n <= 0).any() or (y > n).any()):
        raise BadInput("a count of events is above its number of trials, or there were no trials; check the columns")
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise BadInput("the columns of the design cannot be told apart; leave a level or a term out")


def _climb(kind: _Kind, y: Floats, x: Floats, fixed: Floats) -> tuple[Floats, Floats]:
    """Fisher scoring, with steps halved until the likelihood rises."""
    beta = _start(kind, y, x, fixed)
    loglik = kind.loglik(y, x @ beta + fixed)
    information = np.eye(x.shape[1])
    for _ in range(_MAX_STEPS):
        eta = x @ beta + fixed
        mean = kind.mean(eta)
        slope, variance = kind.slope(eta, mean), kind.variance(mean)
        information = (x * (slope**2 / variance)[:, None]).T @ x
        gradient = x.T @ (slope / variance * (y - mean))
        step = np.linalg.lstsq(information, gradient, rcond=None)[0]
        size, higher = 1.0, -math.inf
        while size > 1e-6:
            moved = beta + size * step
            if np.abs(x @ moved).max() <= _FARTHEST:
                higher = kind.loglik(y, x @ moved + fixed)
                if higher >= loglik - 1e-11 * abs(loglik):
                    break
            size /= 2
        if size <= 1e-6:
            break
        beta, gain = beta + size * step, higher - loglik
        loglik = higher
        if abs(gain) < 1e-13 * (abs(loglik) + 0.1) and np.abs(size * step).max() < 1e-8 * (1 + np.abs(beta).max()):
            break
    return beta, information


def _start(kind: _Kind, y: Floats, x: Floats, fixed: Floats) -> Floats:
    """Least squares on responses moved away from the ends of their range."""
    from scipy.special import logit, ndtri

    if kind.family in ("logit", "probit"):
        share = (y + 0.5) / (kind.trials + 1)
        target = logit(share) if kind.family == "logit" else ndtri(share)
    else:
        target = np.log(y + 0.5)
    return np.asarray(np.linalg.lstsq(x, target - fixed, rcond=None)[0], dtype=np.float64)


def indicator_design(labels: ArrayLike, levels: tuple[str, ...]) -> Floats:
    """A column of ones, and one for each level after the first; shape (n, k)."""
    which = np.asarray(labels)
    return np.column_stack([np.ones(len(which)), *(which == level for level in levels[1:])]).astype(np.float64)
