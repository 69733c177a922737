"""A linear mixed model with one random intercept, by REML, with the small-sample inference that few animals
need.

    y = X β + u_subject + e,   u ~ N(0, σ²_subject),   e ~ N(0, σ²_residual)

Every subject's rows are rotated into its mean, with variance λ = σ²_residual + n σ²_subject, and its
deviations from the mean, with variance σ²_residual. Then all covariances are diagonal, and the likelihood,
its derivatives and the approximations of degrees of freedom are sums over subjects: no matrix is larger than
the number of coefficients.

Satterthwaite: a contrast's variance V is treated as a scaled χ² whose degrees of freedom are 2 V² / Var(V),
with Var(V) from the observed information of the two variances. Where REML puts the subjects' variance at 0,
only the residual variance is uncertain and the degrees of freedom are n - p.

References
----------
Kuznetsova A, Brockhoff PB, Christensen RHB (2017). lmerTest. Journal of Statistical Software 82 (13).
Fai AHT, Cornelius PL (1996). Journal of Statistical Computation and Simulation 54, 363–378.
Kenward MG, Roger JH (1997). Biometrics 53, 983–997.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats
from behavior.summary.fit import FTest
from behavior.summary.groups import check_unit, level_labels

_LN_RATIOS = np.linspace(math.log(1e-7), math.log(1e7), 141)
_LEAST_PIVOT = 1e-9


@dataclass(frozen=True, slots=True)
class Contrast:
    """A linear combination of coefficients, its error and Satterthwaite's degrees of freedom; p is not adjusted."""

    estimate: float
    se: float
    df: float
    t: float
    p: float


@dataclass(frozen=True)
class MixedFit:
    """A fitted model. `beta` has shape (p,), `covariance` (p, p), in the order of the design's columns.

    `slopes` holds the derivatives of `covariance` by the two variances, and `variance_covariance` the
    covariance of the variances' estimates (subject, residual).
    """

    beta: Floats
    covariance: Floats
    var_subject: float
    var_residual: float
    reml_loglik: float
    n: int
    n_subjects: int
    slopes: tuple[Floats, Floats]
    variance_covariance: Floats
    kenward_roger_covariance: Floats
    expected_variance_covariance: Floats

    @property
    def at_boundary(self) -> bool:
        """Whether the subjects' variance was estimated as 0."""
        return self.var_subject == 0


def fit_mixed(response: ArrayLike, design: ArrayLike, subject: Sequence[object] | NDArray[np.generic]) -> MixedFit:
    """Fit by restricted maximum likelihood.

    Parameters
    ----------
    response : shape (n,), finite
    design : shape (n, p), of full column rank
    subject : whose row it is, shape (n,)

    Raises
    ------
    BadInput
        Coefficients that the rows cannot tell apart, one row per subject, no residual variance, or responses in a
        unit that overflows.
    """
    y, x = np.asarray(response, dtype=np.float64), np.asarray(design, dtype=np.float64)
    check_unit(y)
    _check_rank(x)
    rows = _Rotated.of(y, x, level_labels(subject))
    n, p = x.shape
    if rows.n_within < 1:
        raise BadInput("every subject has one row, so that subjects and error cannot be told apart; use groups instead")
    if n <= p:
        raise BadInput(f"{n} rows cannot determine {p} coefficients and their error; add sessions")
    if rows.within_rss() <= n * (1e-7 * float(np.abs(y).max(initial=0.0))) ** 2:
        raise BadInput(
            "the model leaves no residual variance within subjects, so that there is nothing to test against"
        )
    ratio = _best_ratio(rows)
    residual = rows.at(ratio)[2] / (n - p)
    return _described(rows, ratio * residual, residual)


def _check_rank(x: Floats) -> None:
    lengths = np.linalg.norm(x, axis=0)
    singular = np.linalg.svd(x / np.where(lengths > 0, lengths, 1.0), compute_uv=False)
    if (lengths == 0).any() or singular[-1] < _LEAST_PIVOT * singular[0]:
        raise BadInput(
            "the rows cannot tell all effects apart: a combination of levels is empty, or two factors always change "
            "together; leave a level or a factor out"
        )


@dataclass(frozen=True)
class _Rotated:
    """Between rows (one a subject, √n times its mean) and cross-products of the deviations within subjects."""

    sizes: Floats
    z: Floats
    v: Floats
    xx: Floats
    xy: Floats
    yy: float
    n: int

    @classmethod
    def of(cls, y: Floats, x: Floats, subject: NDArray[np.str_]) -> _Rotated:
        _, which = np.unique(subject, return_inverse=True)
        sizes = np.bincount(which).astype(np.float64)
        means_x = np.column_stack([np.bincount(which, weights=column) for column in x.T]) / sizes[:, None]
        means_y = np.bincount(which, weights=y) / sizes
        dx, dy = x - means_x[which], y - means_y[which]
        root = np.sqrt(sizes)
        return cls(sizes, means_x * root[:, None], means_y * root, dx.T @ dx, dx.T @ dy, float(dy @ dy), len(y))

    @property
    def n_within(self) -> int:
        return self.n - len(self.sizes)

    @property
    def p(self) -> int:
        return int(self.xx.shape[0])

    def at(self, ratio: float) -> tuple[Floats, Floats, float, Floats]:
        """Information, coefficients, residual sum of squares and between residuals, for σ²_residual = 1."""
        weights = 1 / (1 + self.sizes * ratio)
        information = self.xx + (self.z * weights[:, None]).T @ self.z
        beta = np.asarray(np.linalg.solve(information, self.xy + self.z.T @ (weights * self.v)), dtype=np.float64)
        between = self.v - self.z @ beta
        within = max(self.yy - 2 * float(beta @ self.xy) + float(beta @ self.xx @ beta), 0.0)
        return information, beta, within + float(weights @ between**2), between

    def within_rss(self) -> float:
        """What is left of the deviations within subjects when the coefficients follow them alone."""
        beta, *_ = np.linalg.lstsq(self.xx, self.xy, rcond=None)
        return self.yy - float(beta @ self.xy)

    def deviance(self, ratio: float) -> float:
        information, _, rss, _ = self.at(ratio)
        df = self.n - self.p
        return float(df * math.log(max(rss, 1e-300)) + np.log1p(self.sizes * ratio).sum() + _log_det(information))

    def deviance_slope(self, ratio: float) -> float:
        information, _, rss, between = self.at(ratio)
        weights = 1 / (1 + self.sizes * ratio)
        fall = self.sizes * weights**2
        trace = float(np.trace(np.linalg.solve(information, (self.z * fall[:, None]).T @ self.z)))
        return float((self.sizes * weights).sum() - trace - (self.n - self.p) / rss * float(fall @ between**2))


def _log_det(matrix: Floats) -> float:
    return float(np.linalg.slogdet(matrix)[1])


def _best_ratio(rows: _Rotated) -> float:
    """σ²_subject / σ²_residual of the lowest restricted deviance: a grid, then the root of the slope."""
    from scipy.optimize import brentq

    deviances = np.array([rows.deviance(math.exp(r)) for r in _LN_RATIOS])
    i = int(np.argmin(deviances))
    if rows.deviance(0.0) <= deviances[i] and (i == 0 or rows.deviance_slope(0.0) >= 0):
        return 0.0
    lo, hi = float(_LN_RATIOS[max(i - 1, 0)]), float(_LN_RATIOS[min(i + 1, len(_LN_RATIOS) - 1)])
    if rows.deviance_slope(math.exp(lo)) * rows.deviance_slope(math.exp(hi)) > 0:
        return math.exp(float(_LN_RATIOS[i]))
    return math.exp(float(brentq(lambda r: rows.deviance_slope(math.exp(r)), lo, hi, xtol=1e-14, rtol=1e-14)))


def _described(rows: _Rotated, var_subject: float, var_residual: float) -> MixedFit:
    ratio = var_subject / var_residual
    _, beta, rss, between = rows.at(ratio)
    spread = var_residual + rows.sizes * var_subject
    parts = _Derivatives.of(rows, beta, between, spread, var_residual)
    observed, expected = parts.information(rows, rss - float((between**2 / (1 + rows.sizes * ratio)).sum()))
    of_variances, of_expected = (_invert(m, boundary=var_subject == 0) for m in (observed, expected))
    deviance = (rows.n - rows.p) * math.log(2 * math.pi) + float(np.log(spread).sum()) + rss / var_residual
    deviance += rows.n_within * math.log(var_residual) - _log_det(parts.covariance)
    return MixedFit(
        beta=beta,
        covariance=parts.covariance,
        var_subject=var_subject,
        var_residual=var_residual,
        reml_loglik=-deviance / 2,
        n=rows.n,
        n_subjects=len(rows.sizes),
        slopes=(
            parts.covariance @ parts.middle[0] @ parts.covariance,
            parts.covariance @ parts.middle[1] @ parts.covariance,
        ),
        variance_covariance=of_variances,
        kenward_roger_covariance=_kenward_roger(parts, of_expected),
        expected_variance_covariance=of_expected,
    )


@dataclass(frozen=True)
class _Derivatives:
    """X'V⁻¹V_iV⁻¹X (`middle`), X'V⁻¹V_iV⁻¹V_jV⁻¹X (`inner`) and X'V⁻¹V_i u (`pull`), with V_i = ∂V/∂σ²_i and
    u = V⁻¹ r.

    i is 0 for the subjects' variance and 1 for the residual one. Each is a sum over the between rows, to
    which the deviations within subjects add where only the residual variance is concerned.
    """

    covariance: Floats
    spread: Floats
    var_residual: float
    slope: tuple[Floats, Floats]
    u: Floats
    middle: tuple[Floats, Floats]
    inner: tuple[tuple[Floats, Floats], tuple[Floats, Floats]]
    pull: tuple[Floats, Floats]

    @classmethod
    def of(cls, rows: _Rotated, beta: Floats, between: Floats, spread: Floats, e: float) -> _Derivatives:
        slope, u = (rows.sizes, np.ones_like(rows.sizes)), between / spread

        def across(weights: Floats) -> Floats:
            return np.asarray((rows.z * weights[:, None]).T @ rows.z, dtype=np.float64)

        mixed = across(slope[0] / spread**3)
        return cls(
            covariance=np.asarray(np.linalg.inv(rows.xx / e + across(1 / spread)), dtype=np.float64),
            spread=spread,
            var_residual=e,
            slope=slope,
            u=u,
            middle=(across(slope[0] / spread**2), across(1 / spread**2) + rows.xx / e**2),
            inner=((across(slope[0] ** 2 / spread**3), mixed), (mixed, across(1 / spread**3) + rows.xx / e**3)),
            pull=(
                rows.z.T @ (slope[0] * u / spread),
                rows.z.T @ (u / spread) + (rows.xy - rows.xx @ beta) / e**2,
            ),
        )

    def information(self, rows: _Rotated, within_rss: float) -> tuple[Floats, Floats]:
        """The observed and the expected information of the two variances in the restricted likelihood."""
        observed, expected = np.zeros((2, 2)), np.zeros((2, 2))
        for i, gi in enumerate(self.slope):
            for j, gj in enumerate(self.slope):
                within = float(i == j == 1)
                trace = float((gi * gj / self.spread**2).sum()) + within * rows.n_within / self.var_residual**2
                trace -= 2 * float(np.trace(self.covariance @ self.inner[i][j]))
                trace += float(np.trace(self.covariance @ self.middle[i] @ self.covariance @ self.middle[j]))
                squares = float((gi * gj * self.u**2 / self.spread).sum())
                squares += within * within_rss / self.var_residual**3
                squares -= float(self.pull[i] @ self.covariance @ self.pull[j])
                expected[i, j], observed[i, j] = trace / 2, squares - trace / 2
        return observed, expected


def _invert(information: Floats, *, boundary: bool) -> Floats:
    """The covariance of the two variances; at the boundary only the residual one is uncertain."""
    if boundary or np.linalg.eigvalsh(information)[0] <= 0:
        return np.array([[0.0, 0.0], [0.0, 1 / information[1, 1]]])
    return np.asarray(np.linalg.inv(information), dtype=np.float64)


def _kenward_roger(parts: _Derivatives, weights: Floats) -> Floats:
    """The coefficients' covariance, corrected for the variances being estimated (Kenward and Roger 1997)."""
    covariance = parts.covariance
    spill = np.zeros_like(covariance)
    for i in range(2):
        for j in range(2):
            spill += weights[i, j] * (parts.inner[i][j] - parts.middle[i] @ covariance @ parts.middle[j])
    return np.asarray(covariance + 2 * covariance @ spill @ covariance, dtype=np.float64)


def contrast(fit: MixedFit, weights: ArrayLike) -> Contrast:
    """A linear combination of the coefficients, with Satterthwaite's degrees of freedom.

    Parameters
    ----------
    fit : the model
    weights : shape (p,)
    """
    from scipy import stats

    row = np.asarray(weights, dtype=np.float64)
    estimate, se, df = float(row @ fit.beta), math.sqrt(float(row @ fit.covariance @ row)), satterthwaite_df(fit, row)
    t = estimate / se
    return Contrast(estimate, se, df, t, 2 * float(stats.t.sf(abs(t), df)))


def satterthwaite_df(fit: MixedFit, weights: ArrayLike) -> float:
    """The degrees of freedom of a contrast: 2 V² / Var(V)."""
    row = np.asarray(weights, dtype=np.float64)
    slopes = np.array([row @ slope @ row for slope in fit.slopes])
    uncertainty = float(slopes @ fit.variance_covariance @ slopes)
    return 2 * float(row @ fit.covariance @ row) ** 2 / uncertainty


def kenward_roger(fit: MixedFit, weights: ArrayLike) -> Contrast:
    """A linear combination with Kenward and Roger's error and degrees of freedom."""
    from scipy import stats

    row = np.asarray(weights, dtype=np.float64)
    plain = float(row @ fit.covariance @ row)
    shares = np.array([row @ slope @ row for slope in fit.slopes]) / plain
    a = float(shares @ fit.expected_variance_covariance @ shares)
    # For one row Kenward and Roger's A1 and A2 are both `a`, and their degrees of freedom come down to this.
    df = 2 / a
    se = math.sqrt(max(float(row @ fit.kenward_roger_covariance @ row), plain))
    estimate = float(row @ fit.beta)
    return Contrast(estimate, se, df, estimate / se, 2 * float(stats.t.sf(abs(estimate / se), df)))


def f_contrast(fit: MixedFit, rows: ArrayLike) -> FTest:
    """The F test that several contrasts are 0, with Fai and Cornelius' denominator degrees of freedom.

    Parameters
    ----------
    fit : the model
    rows : shape (q, p), of full row rank
    """
    from scipy import stats

    contrasts = np.atleast_2d(np.asarray(rows, dtype=np.float64))
    q = len(contrasts)
    values, vectors = np.linalg.eigh(contrasts @ fit.covariance @ contrasts.T)
    independent = vectors.T @ contrasts
    f = float(((independent @ fit.beta) ** 2 / values).sum()) / q
    dfs = np.array([satterthwaite_df(fit, row) for row in independent])
    df2 = _joint_df(dfs)
    return FTest(f, q, df2, float(stats.f.sf(f, q, df2)))


def _joint_df(dfs: Floats) -> float:
    q = len(dfs)
    if q == 1 or np.ptp(dfs) < 1e-8:
        return float(dfs.mean())
    large = dfs[dfs > 2]
    excess = float((large / (large - 2)).sum())
    return 2 * excess / (excess - q) if excess > q else 2.0


def correlation_of(fit: MixedFit, rows: ArrayLike) -> Floats:
    """The correlation of several contrasts' estimates, shape (q, q)."""
    contrasts = np.asarray(rows, dtype=np.float64)
    covariance = contrasts @ fit.covariance @ contrasts.T
    scale = np.sqrt(np.diag(covariance))
    return np.asarray(covariance / np.outer(scale, scale), dtype=np.float64)
