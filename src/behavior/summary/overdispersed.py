"""Likelihood models of events of trials that vary more than chance between animals: beta-binomial and
random-intercept logistic regression.

References
----------
Crowder MJ (1978). Applied Statistics 27, 34–37 (beta-binomial). Breslow NE, Clayton DG (1993). Journal of
the American Statistical Association 88, 9–25 (Laplace's approximation).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.compare import Labels
from behavior.summary.derivatives import Floats, gradient, hessian
from behavior.summary.glm import fit_glm
from behavior.summary.groups import level_labels


@dataclass(frozen=True, slots=True)
class Coefficient:
    """A coefficient on the logit scale, with a normal p."""

    name: str
    coef: float
    se: float
    p: float


@dataclass(frozen=True)
class BetaBinomialFit:
    """A fitted beta-binomial: variance n p (1 - p) (phi + n) / (phi + 1); a large phi is a plain binomial."""

    coefficients: tuple[Coefficient, ...]
    phi: float
    loglik: float


@dataclass(frozen=True)
class LogisticMixedFit:
    """A fitted logistic model with a normal random intercept per animal; errors from the observed information."""

    coefficients: tuple[Coefficient, ...]
    sd: float
    loglik: float
    n: int
    n_clusters: int


def beta_binomial(events: ArrayLike, trials: ArrayLike, design: ArrayLike, names: Sequence[str]) -> BetaBinomialFit:
    """Beta-binomial regression with a logit link, by maximum likelihood.

    Parameters
    ----------
    events, trials : of every animal, shape (n,)
    design : shape (n, p)
    names : of the columns

    Raises
    ------
    BadInput
        Animals do not vary more than chance, or a level in which all trials ended alike.
    """
    from scipy.special import betaln, expit, gammaln

    k, n, x = (np.asarray(v, dtype=np.float64) for v in (events, trials, design))
    start = fit_glm(k, x, "logit", trials=n)
    if start.separated:
        raise BadInput("in one level all trials ended alike, so that its odds have no finite estimate")
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)

    def loss(parameters: Floats) -> float:
        mean, phi = expit(x @ parameters[:-1]), math.exp(min(max(parameters[-1], -30.0), 30.0))
        a, b = np.maximum(mean * phi, 1e-12), np.maximum((1 - mean) * phi, 1e-12)
        return -float((ways + betaln(k + a, n - k + b) - betaln(a, b)).sum())

    spread = max((start.dispersion - 1) / max(float(n.mean()) - 1, 1.0), 1e-3)
    best = _descend(loss, np.append(start.beta, math.log(max(1 / spread - 1, 0.1))))
    if best[-1] > 12:
        raise BadInput("animals do not vary more than chance allows; a binomial model describes them")
    errors = _errors(loss, best)
    return BetaBinomialFit(_named(names, best, errors), math.exp(best[-1]), -loss(best))


def logistic_mixed(
    events: ArrayLike, trials: ArrayLike, design: ArrayLike, cluster: Labels, names: Sequence[str]
) -> LogisticMixedFit:
    """Logistic regression with a normal random intercept per animal, by Laplace's approximation (as R's
    `glmer`).

    Parameters
    ----------
    events, trials : of every row, shape (n,)
    design : shape (n, p)
    cluster : the animal of every row, shape (n,)
    names : of the columns

    Raises
    ------
    BadInput
        A level in which all trials ended alike.
    """
    k, n, x = (np.asarray(v, dtype=np.float64) for v in (events, trials, design))
    _, which = np.unique(level_labels(cluster), return_inverse=True)
    start = fit_glm(k, x, "logit", trials=n)
    if start.separated:
        raise BadInput("in one level all trials ended alike, so that its odds have no finite estimate")
    laplace = _Laplace(k, n, x, which, int(which.max()) + 1)
    ln_sds = (-3.0, -1.0, 0.0, 1.0)
    first = min(ln_sds, key=lambda s: laplace.loss(np.append(start.beta, s)))
    best = _descend(laplace.loss, np.append(start.beta, first))
    errors = _errors(laplace.loss, best)
    sd = math.exp(best[-1]) if best[-1] > -9 else 0.0
    return LogisticMixedFit(_named(names, best, errors), sd, -laplace.loss(best), len(k), laplace.n_clusters)


@dataclass(frozen=True)
class _Laplace:
    k: Floats
    n: Floats
    x: Floats
    which: np.ndarray
    n_clusters: int

    def loss(self, parameters: Floats) -> float:
        """The negative log-likelihood, each animal's intercept integrated out around its mode."""
        from scipy.special import expit, gammaln, log_expit

        sd = math.exp(min(max(parameters[-1], -12.0), 6.0))
        fixed = self.x @ parameters[:-1]
        u: Floats = np.zeros(self.n_clusters)
        for _ in range(100):
            mean = expit(fixed + sd * u[self.which])
            slope = sd * np.bincount(self.which, weights=self.k - self.n * mean) - u
            bend = 1 + sd**2 * np.bincount(self.which, weights=self.n * mean * (1 - mean))
            step = np.clip(slope / bend, -2.0, 2.0)
            u = u + step
            if np.abs(step).max() < 1e-13:
                break
        eta = fixed + sd * u[self.which]
        mean = expit(eta)
        curvature = 1 + sd**2 * np.bincount(self.which, weights=self.n * mean * (1 - mean))
        ways = gammaln(self.n + 1) - gammaln(self.k + 1) - gammaln(self.n - self.k + 1)
        rows = ways + self.k * log_expit(eta) + (self.n - self.k) * log_expit(-eta)
        return -float(rows.sum() - (u**2).sum() / 2 - np.log(curvature).sum() / 2)


def _descend(loss: object, start: Floats) -> Floats:
    """BFGS, then Newton steps with accurate derivatives as long as the loss falls."""
    from scipy.optimize import minimize

    assert callable(loss)
    sizes = np.ones_like(start)
    found = minimize(loss, start, method="BFGS", jac=lambda p: gradient(loss, p, sizes=sizes), options={"gtol": 1e-7})
    best, value = np.asarray(found.x, dtype=np.float64), float(found.fun)
    for _ in range(5):
        curvature = hessian(loss, best, sizes=sizes)
        if np.linalg.eigvalsh(curvature)[0] <= 0:
            break
        moved = best - np.linalg.solve(curvature, gradient(loss, best, sizes=sizes))
        if not loss(moved) < value:
            break
        best, value = moved, loss(moved)
    return best


def _errors(loss: object, best: Floats) -> Floats:
    assert callable(loss)
    p = len(best) - 1
    curvature = hessian(loss, best, sizes=np.ones_like(best))
    if np.linalg.eigvalsh(curvature)[0] <= 0:
        # At a spread of 0 the likelihood is flat in its logarithm; the coefficients' own curvature remains.
        curvature = curvature[:p, :p]
    try:
        variances = np.diag(np.linalg.inv(curvature))[:p]
    except np.linalg.LinAlgError:
        variances = np.full(p, np.nan)
    if not np.all(variances > 0):
        raise BadInput("the data do not determine these coefficients apart from each other; compare fewer groups")
    return np.asarray(np.sqrt(variances), dtype=np.float64)


def _named(names: Sequence[str], best: Floats, errors: Floats) -> tuple[Coefficient, ...]:
    from scipy import stats

    return tuple(
        Coefficient(name, float(b), float(se), 2 * float(stats.norm.sf(abs(b) / se)))
        for name, b, se in zip(names, best[:-1], errors, strict=True)
    )
