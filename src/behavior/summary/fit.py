"""Curves fitted by least squares: estimates, standard errors, intervals and comparisons of nested curves.

The minimum is found by Levenberg–Marquardt steps from every start that the caller gives; the lowest one
counts. A step is taken only where the residual sum of squares (RSS) falls, and the search ends at Bates and
Watts' relative offset: the part of the residuals that a change of parameters could still explain, relative
to the part that none could.

Standard errors are those of NIST, SAS and Prism: s² (J'J)⁻¹ with s² = RSS / (n - p). (R's `drc` takes the
observed Hessian instead, see `observed_covariance`; the two differ by some percent in small samples.) The
Gaussian log-likelihood counts the error variance as a parameter.

References
----------
Bates DM, Watts DG (1988). Nonlinear Regression Analysis and Its Applications. Wiley.
Moré JJ (1978). The Levenberg–Marquardt algorithm: implementation and theory. Lecture Notes in Mathematics
630.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats, gradient, hessian, jacobian

Curve: TypeAlias = Callable[[Floats, Floats], Floats]
"""`curve(x, parameters) -> y`: x of shape (n,) or (n, k), parameters of shape (p,), y of shape (n,)."""

_MAX_STEPS = 1000
_MAX_CRAWLING = 20
_OFFSET = 1e-6
_SETTLED_OFFSET = 1e-3
_EXACT = 1e-11
_ROUNDING = 1e-9
_FELT = 1e-10
_FARTHEST_FACTOR = 1e9
_QUICK_STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


@dataclass(frozen=True)
class CurveFit:
    """A fitted curve.

    `estimates` holds every parameter by name, the fixed ones at their value; `se` and `covariance` (shape
    (p, p), in the order of `free`) hold those that were free. `aic` counts the error variance as a parameter.
    """

    curve: Curve
    x: Floats
    y: Floats
    names: tuple[str, ...]
    fixed: Mapping[str, float]
    estimates: Mapping[str, float]
    se: Mapping[str, float]
    covariance: Floats
    fitted: Floats
    rss: float
    n: int
    df_residual: int
    residual_se: float
    loglik: float
    aic: float
    removed: Floats | None = None

    @property
    def free(self) -> tuple[str, ...]:
        """The names of the parameters that were estimated."""
        return tuple(name for name in self.names if name not in self.fixed)

    @property
    def parameters(self) -> Floats:
        """All parameters in the order of `names`."""
        return np.array([self.estimates[name] for name in self.names])

    @property
    def is_exact(self) -> bool:
        """Whether the curve leaves nothing but rounding: there is then no error to take limits from."""
        return self.residual_se <= _ROUNDING * float(np.abs(self.y).max())


@dataclass(frozen=True, slots=True)
class Interval:
    """From `lo` to `hi`; infinite (or 0, for what is positive) where the data set no limit."""

    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class Derived:
    """A quantity computed from fitted parameters: standard error by the delta method, t interval."""

    estimate: float
    se: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class FTest:
    """An F test."""

    f: float
    df1: float
    df2: float
    p: float


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """A χ² test."""

    chi2: float
    df: int
    p: float


@dataclass(frozen=True)
class Band:
    """A fitted curve at `x` with a pointwise confidence band; all of shape (m,)."""

    x: Floats
    fitted: Floats
    lo: Floats
    hi: Floats


def fit_curve(
    curve: Curve,
    x: ArrayLike,
    y: ArrayLike,
    starts: Sequence[Sequence[float]],
    *,
    names: Sequence[str],
    fixed: Mapping[str, float] | None = None,
    removed: Floats | None = None,
) -> CurveFit:
    """Fit a curve by least squares.

    Parameters
    ----------
    curve : `curve(x, parameters)`; where it is not finite the parameters are taken as impossible
    x : shape (n,) or (n, k)
    y : shape (n,), the responses
    starts : start values in the order of `names`, one sequence a start; the lowest minimum counts
    names : the parameters
    fixed : parameters that are held at a value
    removed : orthonormal columns, shape (n, k), along which responses may differ for reasons of their own,
    such as each
        animal's level (see `animal_levels`); they cost k degrees of freedom

    Raises
    ------
    BadInput
        Too few observations, a value that is not a number, no start from which the search settles, or data
        that do not determine one of the parameters.
    """
    fixed = dict(fixed or {})
    xs, ys = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    _check(xs, ys, names, fixed, 0 if removed is None else removed.shape[1])
    search = _Search(curve, xs, without(ys, removed), tuple(names), fixed, removed)
    best = search.best([search.pick(np.asarray(start, dtype=np.float64)) for start in starts])
    if not best.settled:
        raise BadInput(
            f"the curve ({', '.join(names)}) does not settle on these {len(ys)} observations; "
            "fix a parameter, fit a curve with fewer of them, or give other start values"
        )
    return _described(search, search.polished(best))


def animal_levels(animal: Sequence[object] | NDArray[np.generic]) -> Floats:
    """Orthonormal columns for the differences between animals' own levels, which add up to 0; shape (n,
    animals - 1).

    A curve fitted without them describes the mean animal, and its error is that within animals.
    """
    labels, which = np.unique([str(a) for a in animal], return_inverse=True)
    codes = np.vstack([np.eye(len(labels) - 1), -np.ones((1, len(labels) - 1))])[which]
    return np.asarray(np.linalg.qr(codes)[0], dtype=np.float64)


def without(values: Floats, removed: Floats | None) -> Floats:
    """What is left of values when the directions in `removed` are taken out."""
    return values if removed is None else np.asarray(values - removed @ (removed.T @ values), dtype=np.float64)


def _check(x: Floats, y: Floats, names: Sequence[str], fixed: Mapping[str, float], n_removed: int) -> None:
    unknown = sorted(set(fixed) - set(names))
    if unknown:
        raise BadInput(f"{unknown[0]} is not a parameter of this curve; it has {', '.join(names)}")
    if len(x) != len(y):
        raise BadInput(f"{len(x)} doses stand beside {len(y)} responses; give one of each per observation")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise BadInput("an observation is not a finite number; leave missing rows out before fitting")
    n_free = len(names) - len(fixed)
    if len(y) - n_removed <= n_free:
        raise BadInput(
            f"{len(y)} observations cannot determine {n_free} parameters and their error; "
            "add observations or fix a parameter"
        )


@dataclass(frozen=True, slots=True)
class _Minimum:
    free: Floats
    rss: float
    settled: bool


@dataclass(frozen=True, slots=True)
class _Search:
    """Least squares over the free parameters of a curve."""

    curve: Curve
    x: Floats
    y: Floats
    names: tuple[str, ...]
    fixed: Mapping[str, float]
    removed: Floats | None = None

    def pick(self, parameters: Floats) -> Floats:
        """The free ones of all parameters."""
        return parameters[[i for i, name in enumerate(self.names) if name not in self.fixed]]

    def whole(self, free: Floats) -> Floats:
        """All parameters from the free ones."""
        rest = iter(free)
        return np.array([self.fixed[name] if name in self.fixed else next(rest) for name in self.names])

    def fitted(self, free: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return without(np.asarray(self.curve(self.x, self.whole(free)), dtype=np.float64), self.removed)

    def rss(self, free: Floats) -> float:
        with np.errstate(all="ignore"):
            left = self.y - self.fitted(free)
            rss = float(left @ left)
        return rss if math.isfinite(rss) else math.inf

    def slopes(self, free: Floats) -> Floats:
        """Accurate derivatives, shape (n, p)."""
        sizes = np.array([self._slope(free, i)[1] for i in range(len(free))]) / _QUICK_STEP
        return jacobian(self.fitted, free, sizes=sizes)

    def quick_slopes(self, free: Floats) -> Floats:
        """Derivatives good enough to walk by, shape (n, p)."""
        return np.column_stack([self._slope(free, i)[0] for i in range(len(free))])

    def _slope(self, free: Floats, i: int) -> tuple[Floats, float]:
        """A central difference, and its step: relative to the parameter, but large enough to move the curve."""
        h = max(_QUICK_STEP * abs(float(free[i])), 1e-30)
        felt = _FELT * float(np.abs(self.y).max(initial=0.0))
        while True:
            up, down = free.copy(), free.copy()
            up[i] += h
            down[i] -= h
            rise = self.fitted(up) - self.fitted(down)
            if not np.abs(rise).max(initial=0.0) < felt or h > 1:
                return rise / (2 * h), h
            h *= 100

    def best(self, starts: Sequence[Floats]) -> _Minimum:
        """The lowest minimum; of about equal ones a settled one, and of these the first."""
        minima = [self.descend(start) for start in starts]
        lowest = min(minima, key=lambda m: m.rss)
        settled = [m for m in minima if m.settled and m.rss <= lowest.rss * (1 + 1e-9)]
        return settled[0] if settled else lowest

    def descend(self, start: Floats) -> _Minimum:
        """Levenberg–Marquardt from one start, to the end of what floating point can tell apart."""
        free, rss, damping = start, self.rss(start), 1e-3
        if not math.isfinite(rss) or not len(start):
            return _Minimum(start, rss, settled=math.isfinite(rss))
        sizes = np.zeros_like(start)
        exact = len(self.y) * (_EXACT * float(np.abs(self.y).max(initial=0.0))) ** 2
        offset, crawling = math.inf, 0
        for _ in range(_MAX_STEPS):
            slopes = self.quick_slopes(free)
            if not np.isfinite(slopes).all():
                break
            with np.errstate(over="ignore"):
                sizes = np.maximum(sizes, np.linalg.norm(slopes, axis=0))
            scale = np.where(sizes > 0, sizes, 1.0)
            try:
                u, s, vt = np.linalg.svd(slopes / scale, full_matrices=False)
            except np.linalg.LinAlgError:
                break
            along = np.where(s > 1e-13 * s[0], u.T @ (self.y - self.fitted(free)), 0.0)
            offset = self._offset(along, rss)
            if rss <= exact or offset < _OFFSET:
                return _Minimum(free, rss, settled=True)
            step = self._downhill(free, rss, damping, (vt.T / scale[:, None], s, along))
            if step is None or crawling > _MAX_CRAWLING:
                break
            crawling = crawling + 1 if step[1] > rss * (1 - 1e-7) else 0
            free, rss, damping = step
        return _Minimum(free, rss, settled=offset < _SETTLED_OFFSET)

    def polished(self, minimum: _Minimum) -> _Minimum:
        """A few whole Gauss–Newton steps: below what the RSS can tell, the offset still can."""
        offset = math.inf
        for _ in range(8):
            slopes = self.slopes(minimum.free)
            if not np.isfinite(slopes).all():
                break
            try:
                step, *_ = np.linalg.lstsq(slopes, self.y - self.fitted(minimum.free), rcond=None)
            except np.linalg.LinAlgError:
                break
            along = slopes @ step
            now = float(along @ along)
            if not now < offset or self.rss(minimum.free + step) > minimum.rss * (1 + 1e-12):
                break
            minimum, offset = (
                _Minimum(minimum.free + step, self.rss(minimum.free + step), minimum.settled),
                now,
            )
        return minimum

    def _offset(self, along: Floats, rss: float) -> float:
        explained = float(along @ along)
        left = max(rss - explained, 0.0)
        n_free = max(len(along), 1)
        spare = max(len(self.y) - n_free, 1)
        return math.sqrt(explained / n_free) / math.sqrt(left / spare) if left > 0 else math.inf

    def _downhill(
        self, free: Floats, rss: float, damping: float, local: tuple[Floats, Floats, Floats]
    ) -> tuple[Floats, float, float] | None:
        back, s, along = local
        while damping < 1e15:
            moved = free + back @ (s / (s**2 + damping) * along)
            lower = self.rss(moved)
            if lower < rss:
                return moved, lower, max(damping / 10, 1e-16)
            damping *= 10
        return None


def _described(search: _Search, minimum: _Minimum) -> CurveFit:
    n, n_free = len(search.y), len(minimum.free)
    df = n - n_free - (0 if search.removed is None else search.removed.shape[1])
    s2 = minimum.rss / df
    slopes = search.slopes(minimum.free) if n_free else np.zeros((n, 0))
    free_names = [name for name in search.names if name not in search.fixed]
    covariance = s2 * _inverse_gram(slopes, free_names)
    loglik = -n / 2 * (math.log(2 * math.pi * minimum.rss / n) + 1) if minimum.rss > 0 else math.inf
    return CurveFit(
        curve=search.curve,
        x=search.x,
        y=search.y,
        names=search.names,
        fixed=search.fixed,
        estimates=dict(zip(search.names, map(float, search.whole(minimum.free)), strict=True)),
        se=dict(zip(free_names, map(float, np.sqrt(np.diag(covariance))), strict=True)),
        covariance=covariance,
        fitted=search.fitted(minimum.free),
        rss=minimum.rss,
        n=n,
        df_residual=df,
        residual_se=math.sqrt(s2),
        loglik=loglik,
        aic=-2 * loglik + 2 * (n - df + 1),
        removed=search.removed,
    )


def _inverse_gram(slopes: Floats, names: Sequence[str]) -> Floats:
    """(J'J)⁻¹ through the singular values of J with columns of length 1, so that units do not matter."""
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(slopes, axis=0)
    for name, length in zip(names, lengths, strict=True):
        if not length > 0:
            raise BadInput(f"the data say nothing about {name}; fix it, or fit a curve without it")
    if not np.isfinite(lengths).all():
        raise BadInput("the curve's slopes are not finite where it fits best; fix a parameter, or use another unit")
    _, s, vt = np.linalg.svd(slopes / lengths, full_matrices=False)
    if len(s) and s[-1] < 1e-9 * s[0]:
        loose = names[int(np.argmax(np.abs(vt[-1])))]
        raise BadInput(f"the data do not determine {loose} apart from the others; fix it, or fit a curve without it")
    half = vt.T / s / lengths[:, None]
    return np.asarray(half @ half.T, dtype=np.float64)


def t_quantile(conf_level: float, df: float) -> float:
    """The two-sided Student quantile of a confidence level.

    Raises
    ------
    BadInput
        A level that is not between 0 and 1.
    """
    from scipy import stats

    if not 0 < conf_level < 1:
        raise BadInput(f"a confidence level of {conf_level:g} is not between 0 and 1; 95 % is 0.95")

    return float(stats.t.ppf((1 + conf_level) / 2, df))


def wald_interval(fit: CurveFit, name: str, conf_level: float = 0.95) -> Interval:
    """The estimate -/+ t(df) se."""
    half = t_quantile(conf_level, fit.df_residual) * fit.se[name]
    return Interval(fit.estimates[name] - half, fit.estimates[name] + half)


def derived(fit: CurveFit, quantity: Callable[[Mapping[str, float]], float], conf_level: float = 0.95) -> Derived:
    """A quantity of the parameters, with standard error by the delta method.

    Parameters
    ----------
    fit : the fitted curve
    quantity : from all parameters by name to the quantity
    conf_level : of the interval estimate -/+ t(df) se
    """

    def of_free(free: Floats) -> float:
        return float(quantity({**fit.estimates, **dict(zip(fit.free, map(float, free), strict=True))}))

    at = np.array([fit.estimates[name] for name in fit.free])
    estimate = of_free(at)
    slopes = gradient(of_free, at, sizes=_sizes(fit))
    se = math.sqrt(max(float(slopes @ fit.covariance @ slopes), 0.0))
    half = t_quantile(conf_level, fit.df_residual) * se
    return Derived(estimate, se, estimate - half, estimate + half)


def profile_interval(fit: CurveFit, name: str, conf_level: float = 0.95, *, positive: bool = False) -> Interval:
    """The profile likelihood interval of a parameter.

    The values at which the best RSS of the other parameters stays below RSS (1 + t²/df); it neither assumes
    that the estimate is normal nor changes when the parameter is rescaled or its logarithm is taken.

    Parameters
    ----------
    fit : the fitted curve
    name : a free parameter
    conf_level : of the interval
    positive : search on the log scale, for a parameter above 0

    Raises
    ------
    BadInput
        The parameter was fixed or should be above 0 and is not, or the curve fits without error but for rounding.

    References
    ----------
    Bates and Watts (1988), chapter 6.
    """
    if name not in fit.free:
        raise BadInput(f"{name} was not estimated; a profile interval needs a free parameter of the fit")
    if fit.is_exact:
        raise BadInput("the curve goes through every observation, so that no interval can be given; add observations")
    if positive and fit.estimates[name] <= 0:
        raise BadInput(f"{name} is {fit.estimates[name]:.4g}, not above 0, so that no interval of its logarithm exists")
    walk = _Profile.of(fit, name, conf_level, positive=positive)
    lo, hi = walk.end(-1), walk.end(+1)
    return Interval(lo, hi)


@dataclass(frozen=True, slots=True)
class _Profile:
    """RSS as a function of one parameter, the others at their best."""

    fit: CurveFit
    name: str
    limit: float
    positive: bool

    @classmethod
    def of(cls, fit: CurveFit, name: str, conf_level: float, *, positive: bool) -> _Profile:
        return cls(fit, name, t_quantile(conf_level, fit.df_residual), positive)

    def excess(self, value: float, *starts: Floats) -> tuple[float, Floats]:
        """How far the signed root of the RSS ratio lies above the limit, and where the others then are."""
        fit = self.fit
        search = _Search(fit.curve, fit.x, fit.y, fit.names, {**fit.fixed, self.name: value}, fit.removed)
        minimum = search.best([search.pick(start) for start in starts])
        root = math.sqrt(max(minimum.rss - fit.rss, 0.0)) / fit.residual_se
        return root - self.limit, search.whole(minimum.free)

    def end(self, direction: int) -> float:
        """Walk outwards in growing steps until the limit is passed, then close in."""
        from scipy.optimize import brentq

        centre, spread = self.fit.estimates[self.name], self.fit.se[self.name]
        at = math.log(centre) if self.positive else centre
        stride = min(spread / centre, 1.0) / 2 if self.positive else spread / 2
        inside, near = at, self.fit.parameters
        reach = math.log(_FARTHEST_FACTOR) if self.positive else _FARTHEST_FACTOR * spread
        while abs(inside - at) < reach:
            outside = inside + direction * stride
            excess, there = self.excess(self._value(outside), near, self.fit.parameters)
            if excess > 0:
                crossing = brentq(self._excess_at, inside, outside, args=(near,), xtol=1e-12, rtol=1e-10)
                return self._value(float(crossing))
            inside, near, stride = outside, there, stride * 1.5
        return (0.0 if direction < 0 else math.inf) if self.positive else direction * math.inf

    def _excess_at(self, place: float, near: Floats) -> float:
        return self.excess(self._value(place), near)[0]

    def _value(self, place: float) -> float:
        return math.exp(place) if self.positive else place


def observed_covariance(fit: CurveFit) -> Floats:
    """The covariance from the observed Hessian of the RSS, s² (H/2)⁻¹, as R's `drc` has it."""
    search = _Search(fit.curve, fit.x, fit.y, fit.names, fit.fixed, fit.removed)
    at = np.array([fit.estimates[name] for name in fit.free])
    curvature = hessian(search.rss, at, sizes=_sizes(fit)) / 2
    return np.asarray(fit.residual_se**2 * np.linalg.inv(curvature), dtype=np.float64)


def _sizes(fit: CurveFit) -> Floats:
    return np.array([fit.se[name] for name in fit.free])


def compare_fits(small: CurveFit, large: CurveFit) -> FTest:
    """The F test of a curve against one that contains it, on the same observations.

    Raises
    ------
    BadInput
        The larger curve has no more parameters, or the fits are not of the same observations.
    """
    if small.n != large.n or small.df_residual <= large.df_residual:
        raise BadInput("two curves are compared on the same observations, the one with fewer parameters first")
    return f_test(small.rss, small.df_residual, large.rss, large.df_residual)


def f_test(rss_small: float, df_small: float, rss_large: float, df_large: float) -> FTest:
    """The F test of nested models from their residual sums of squares and degrees of freedom."""
    from scipy import stats

    if rss_large <= 0:
        raise BadInput("the larger model leaves no residual variance to test against; add observations")
    df1 = df_small - df_large
    f = max(rss_small - rss_large, 0.0) / df1 / (rss_large / df_large)
    return FTest(f, df1, df_large, float(stats.f.sf(f, df1, df_large)))


def confidence_band(fit: CurveFit, x: ArrayLike, conf_level: float = 0.95) -> Band:
    """The fitted curve at new x with a pointwise confidence band by the delta method."""
    at = np.asarray(x, dtype=np.float64)
    search = _Search(fit.curve, at, np.zeros(len(at)), fit.names, fit.fixed)
    free = np.array([fit.estimates[name] for name in fit.free])
    middle, slopes = search.fitted(free), search.slopes(free)
    half = t_quantile(conf_level, fit.df_residual) * np.sqrt(np.einsum("ij,jk,ik->i", slopes, fit.covariance, slopes))
    return Band(at, middle, middle - half, middle + half)
