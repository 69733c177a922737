"""ED50s of outcomes that are not about normal: fractions of trials, counts, censored latencies.

The log-logistic curve of `dose_response` describes what each outcome is about, and the likelihood follows
the outcome:

* `Fractions`: the probability of an event in a trial; binomial, with errors widened by the dispersion
between animals; * `Counts`: the rate; negative binomial with its own dispersion, the exposure as an offset;
* `CutLatencies`: the median latency; log-normal, right-censored at the cut-off.

Intervals are profiles of the likelihood: the doses at which twice the log-likelihood falls by less than
t(df)² times the dispersion. Whether there is an effect is asked without the curve (quasi-binomial F,
negative binomial likelihood ratio, log-rank), and whether it turns on ranks, so that no distribution is
taken for granted where an ED50 is refused. The reasons for a refusal are those of `ed50`.

References
----------
McCullagh P, Nelder JA (1989). Generalized Linear Models, 2nd edition, sections 9.2 and 9.5 (profiles,
quasi-likelihood).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.binary import binomial_groups
from behavior.summary.counts import negative_binomial
from behavior.summary.derivatives import Floats, hessian, jacobian
from behavior.summary.dose_response import log_logistic
from behavior.summary.ed50 import NoEd50, says_nothing
from behavior.summary.fit import Band, Interval, t_quantile
from behavior.summary.survival import kaplan_meier, latencies, log_rank

_LEAST_DOSES = 3
_FARTHEST_FACTOR = 1e6
_STEEPEST = 50.0


@dataclass(frozen=True)
class Fractions:
    """Events of trials, one row an animal; shape (n,)."""

    events: Floats
    trials: Floats
    positive = False

    def row_values(self) -> Floats:
        """One number an animal, for ranks."""
        return self.events / self.trials

    def level_at(self, rows: Floats) -> float:
        """The fraction in some rows."""
        return float(self.events[rows].sum() / self.trials[rows].sum())

    def effect_p(self, dose: Floats) -> float:
        """The quasi-binomial F test of doses."""
        return binomial_groups(self.events, self.trials, dose.tolist(), reference=float(dose.min())).quasi_p

    def loglik(self, mean: Floats, nuisance: ArrayLike) -> Floats:
        """Without its constant; of shape (...) for means of shape (..., n) and nuisance parameters of shape (...)."""
        p = np.clip(mean, 1e-12, 1 - 1e-12)
        return _total(self.events * np.log(p) + (self.trials - self.events) * np.log1p(-p))

    def dispersion(self, mean: Floats, df: int) -> float:
        """Pearson's, but not below 1."""
        p = np.clip(mean, 1e-9, 1 - 1e-9)
        pearson = float(((self.events - self.trials * p) ** 2 / (self.trials * p * (1 - p))).sum())
        return max(pearson / df, 1.0)


@dataclass(frozen=True)
class Counts:
    """Counts with their exposure, one row an animal; shape (n,)."""

    counts: Floats
    exposure: Floats
    positive = True

    def row_values(self) -> Floats:
        """One number an animal, for ranks."""
        return self.counts / self.exposure

    def level_at(self, rows: Floats) -> float:
        """The rate in some rows."""
        return float(self.counts[rows].sum() / self.exposure[rows].sum())

    def effect_p(self, dose: Floats) -> float:
        """The negative binomial likelihood ratio test of doses."""
        first = float(dose.min())
        found = negative_binomial(self.counts, dose.tolist(), reference=first, exposure=self.exposure)
        return found.likelihood_ratio.p

    def loglik(self, mean: Floats, nuisance: ArrayLike) -> Floats:
        """With theta = exp(nuisance); shapes as of fractions."""
        from scipy.special import gammaln, xlogy

        theta, mu = np.exp(np.asarray(nuisance))[..., None], np.maximum(mean * self.exposure, 1e-12)
        y = self.counts
        ways = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1)
        return _total(ways - (y + theta) * np.log1p(mu / theta) + xlogy(y, mu / theta))

    def dispersion(self, mean: Floats, df: int) -> float:
        """1: the negative binomial has its own."""
        return 1.0


@dataclass(frozen=True)
class CutLatencies:
    """Latencies, at the cut-off where `event` is False, one row an animal; shape (n,)."""

    time: Floats
    event: Floats
    positive = True

    def row_values(self) -> Floats:
        """One number an animal, for ranks."""
        return np.where(self.event > 0, self.time, self.time * (1 + 1e-9))

    def level_at(self, rows: Floats) -> float:
        """The Kaplan–Meier median in some rows, or the longest time where it is not reached."""
        here = np.flatnonzero(rows)
        time, event = self.time[here], self.event[here]
        if not event.any():
            return float(time.max())
        pair = latencies(np.append(time, 1.0), np.append(event, 1.0), ["here"] * len(here) + ["-"], reference="here")
        median = kaplan_meier(pair)[0].median
        return float(time.max()) if median is None else median

    def effect_p(self, dose: Floats) -> float:
        """The log-rank test of doses."""
        return log_rank(latencies(self.time, self.event, dose.tolist(), reference=float(dose.min()))).p

    def loglik(self, mean: Floats, nuisance: ArrayLike) -> Floats:
        """With the SD of log latencies exp(nuisance); `mean` is the median latency, shapes as of fractions."""
        from scipy.special import log_ndtr

        ln_sd = np.asarray(nuisance)[..., None]
        z = (np.log(np.maximum(self.time, 1e-9)) - np.log(np.maximum(mean, 1e-9))) / np.exp(ln_sd)
        seen = -(z**2) / 2 - 0.5 * math.log(2 * math.pi) - ln_sd
        return _total(np.where(self.event > 0, seen, log_ndtr(-z)))

    def dispersion(self, mean: Floats, df: int) -> float:
        """1: the standard deviation is estimated."""
        return 1.0


def _total(terms: Floats) -> Floats:
    return np.asarray(terms.sum(axis=-1), dtype=np.float64)


Outcome: TypeAlias = Fractions | Counts | CutLatencies


@dataclass(frozen=True)
class OutcomeEd50:
    """An ED50 with its profile interval. `parameters` are b, c, d, e of the curve, c and d on the outcome's scale."""

    estimate: float
    lo: float
    hi: float
    conf_level: float
    kind: Literal["relative", "absolute"]
    meaning: str
    direction: Literal["decrease", "increase"]
    likelihood: str
    parameters: Mapping[str, float]
    loglik: float
    dispersion: float
    effect_p: float
    n: int
    n_doses: int
    fixed: Mapping[str, float]
    search: _Search
    free: Floats
    model: str = "LL.4"
    remarks: tuple[str, ...] = ()

    def curve(self, dose: ArrayLike) -> Floats:
        """The fitted curve, for figures."""
        p = np.array([self.parameters[name] for name in "bcde"])
        return log_logistic(np.asarray(dose, dtype=np.float64), p)

    def band(self, dose: ArrayLike) -> Band:
        """The fitted curve with a pointwise band, by the delta method on the logarithm or logit of the outcome."""
        at = np.asarray(dose, dtype=np.float64)
        search, free = self.search, self.free
        covariance = np.linalg.pinv(hessian(search.loss, free)) * self.dispersion
        slopes = jacobian(lambda p: search.linked(p, at), free)
        half = t_quantile(self.conf_level, search.df()) * np.sqrt(
            np.maximum(np.einsum("ij,jk,ik->i", slopes, covariance, slopes), 0.0)
        )
        middle = search.linked(free, at)
        lo, mid, hi = (search.unlinked(values) for values in (middle - half, middle, middle + half))
        return Band(at, mid, lo, hi)


_LIKELIHOODS = {
    Fractions: "binomial, errors times the root of the dispersion between animals",
    Counts: "negative binomial",
    CutLatencies: "log-normal latencies, right-censored at the cut-off",
}


def outcome_ed50(
    dose: ArrayLike,
    outcome: Outcome,
    *,
    fixed: Mapping[str, float] | None = None,
    percent_of_vehicle: float | None = None,
    conf_level: float = 0.95,
    alpha: float = 0.05,
) -> OutcomeEd50 | NoEd50:
    """The dose of half the effect, or the reasons why the data do not hold one.

    Parameters
    ----------
    dose : of every animal, shape (n,), 0 for the vehicle
    outcome : `Fractions`, `Counts` or `CutLatencies` of the same animals
    fixed : c or d held at a value on the outcome's scale, such as {"c": 0.0}
    percent_of_vehicle : None for the relative ED50, otherwise the absolute one at this percentage of the
    vehicle's level conf_level : of the profile interval
    alpha : of the tests that decide whether there is an effect, and whether it turns

    Raises
    ------
    BadInput
        Doses and outcome do not match or a dose is negative. What the data cannot answer is not an error.
    """
    x = np.asarray(dose, dtype=np.float64)
    n, doses = len(x), np.unique(x)
    with np.errstate(all="ignore"):
        values = outcome.row_values()
    if len(values) != n:
        raise BadInput(f"{n} doses stand beside {len(values)} outcomes; give one of each per animal")
    if not np.isfinite(values).all():
        raise BadInput("an animal has no value, no trials or no exposure; leave it out")
    if not np.isfinite(x).all() or (x < 0).any():
        raise BadInput("a dose is negative or missing; doses start at 0 for the vehicle")
    if (doses > 0).sum() < _LEAST_DOSES or n <= len(doses):
        n_doses = int((doses > 0).sum())
        what = "1 dose besides the vehicle" if n_doses == 1 else f"{n_doses} doses besides the vehicle"
        few = f"{what} with {n} animals {'is' if n_doses == 1 else 'are'} too few"
        return NoEd50((few + " to see the shape of the effect",), None, n, len(doses))
    reasons, effect_p = _against_effect(x, doses, outcome, alpha)
    if reasons:
        return NoEd50(tuple(reasons), None, n, len(doses))
    search = _Search(x, outcome, dict(fixed or {}), percent_of_vehicle)
    found = search.best()
    reasons = search.reasons(found, doses)
    if reasons:
        return NoEd50(tuple(reasons), None, n, len(doses))
    lo, hi = (search.end(found, sign, conf_level) for sign in (-1, 1))
    useless = says_nothing(Interval(lo, hi), doses)
    if useless is not None:
        return NoEd50((useless,), None, n, len(doses))
    parameters = search.named(found.free)
    return OutcomeEd50(
        estimate=search.dose(found.free),
        lo=lo,
        hi=hi,
        conf_level=conf_level,
        kind="relative" if percent_of_vehicle is None else "absolute",
        meaning=search.meaning(found.free),
        direction="decrease" if parameters["c"] < parameters["d"] else "increase",
        likelihood=_LIKELIHOODS[type(outcome)],
        parameters=parameters,
        loglik=found.loglik,
        dispersion=search.dispersion(found.free),
        effect_p=effect_p,
        n=n,
        n_doses=len(doses),
        fixed=dict(fixed or {}),
        search=search,
        free=found.free,
    )


def _against_effect(x: Floats, doses: Floats, outcome: Outcome, alpha: float) -> tuple[list[str], float]:
    try:
        p = outcome.effect_p(x)
    except BadInput as error:
        return [str(error)], math.nan
    reasons = [f"the doses do not differ (p = {p:.2g})"] if p >= alpha else []
    return reasons + _turn(x, doses, outcome.row_values(), alpha), p


def _turn(x: Floats, doses: Floats, values: Floats, alpha: float) -> list[str]:
    """Conover's t on ranks of all pairs of doses: the largest against the overall direction, if significant."""
    from scipy import stats

    ranks = stats.rankdata(values)
    means, n = np.array([ranks[x == d].mean() for d in doses]), np.array([(x == d).sum() for d in doses])
    df = len(x) - len(doses)
    variance = float(sum(((ranks[x == d] - ranks[x == d].mean()) ** 2).sum() for d in doses)) / df
    if variance <= 0:
        return []
    z = (means[None, :] - means[:, None]) / np.sqrt(variance * (1 / n[None, :] + 1 / n[:, None]))
    z[np.tril_indices(len(doses))] = 0.0
    wrong = -z if z.max() >= -z.min() else z
    i, j = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
    p = float(stats.studentized_range.sf(math.sqrt(2) * wrong[i, j], len(doses), df))
    if p >= alpha:
        return []
    what = "falls" if means[j] < means[i] else "rises"
    return [
        f"the effect is not monotone: the response {what} from {doses[i]:g} to {doses[j]:g} (p = {p:.2g}) against its "
        "overall direction; report directions per dose"
    ]


@dataclass(frozen=True, slots=True)
class _Found:
    free: Floats
    loglik: float


@dataclass(frozen=True)
class _Search:
    """The likelihood over ln b, c and d on a link scale, ln ED, and the outcome's nuisance parameter."""

    x: Floats
    outcome: Outcome
    fixed: Mapping[str, float]
    percent_of_vehicle: float | None
    cells: dict[float, float] = field(init=False)
    ln_x: Floats = field(init=False)

    def __post_init__(self) -> None:
        cells = {float(d): self.outcome.level_at(self.x == d) for d in np.unique(self.x)}
        object.__setattr__(self, "cells", cells)
        with np.errstate(divide="ignore"):
            object.__setattr__(self, "ln_x", np.log(self.x))

    @property
    def n_curve(self) -> int:
        return 4 - len(self.fixed)

    def link(self, level: ArrayLike) -> Floats:
        """The scale on which levels have no bounds: a logarithm or logit."""
        y = np.asarray(level, dtype=np.float64)
        if self.outcome.positive:
            return np.asarray(np.log(np.maximum(y, 1e-4 * max(self.cells.values()))), dtype=np.float64)
        return np.asarray(np.log(np.maximum(y, 1e-3)) - np.log(np.maximum(1 - y, 1e-3)), dtype=np.float64)

    def unlinked(self, value: ArrayLike) -> Floats:
        """The level at a value of that scale."""
        kept = np.clip(value, -700.0, 700.0)
        found = np.exp(kept) if self.outcome.positive else 1 / (1 + np.exp(-kept))
        return np.asarray(found, dtype=np.float64)

    def linked(self, free: Floats, doses: Floats) -> Floats:
        """The curve at doses on the link scale."""
        p = self.named(free)
        return self.link(log_logistic(doses, np.array([p["b"], p["c"], p["d"], p["e"]])))

    def named(self, free: Floats) -> dict[str, float]:
        """b, c, d, e from the free parameters (ln b, links of c and d unless fixed, ln ED, nuisance)."""
        return {name: float(value) for name, value in zip("bcde", self._curves(free), strict=True)}

    def _curves(self, free: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """The same of many sets of free parameters at once: shape (...) each, for free ones of shape (..., k)."""
        place, ends = 1, []
        for name in "cd":
            if name in self.fixed:
                ends.append(np.full(free.shape[:-1], self.fixed[name]))
                continue
            ends.append(self.unlinked(free[..., place]))
            place += 1
        b, (c, d) = np.exp(free[..., 0]), ends
        return b, c, d, np.exp(free[..., place]) / self._steps(b, c, d)

    def _steps(self, b: Floats, c: Floats, d: Floats) -> Floats:
        """The dose that is meant in units of e; NaN where the curve does not reach it."""
        if self.percent_of_vehicle is None:
            return np.ones_like(b)
        share = np.where(d != c, (d - d * self.percent_of_vehicle / 100) / np.where(d != c, d - c, 1.0), np.nan)
        inside = np.where((share > 0) & (share < 1), share, np.nan)
        return np.asarray((1 / (1 - inside) - 1) ** (1 / b), dtype=np.float64)

    def dose(self, free: Floats) -> float:
        """The dose that is meant."""
        return math.exp(free[self.n_curve - 1])

    def mean(self, free: Floats) -> Floats:
        """The curve at every animal's dose; shape (..., n)."""
        from scipy.special import log_expit

        b, c, d, e = (value[..., None] for value in self._curves(free))
        # As `dose_response.log_logistic`, of many curves at once; dose 0 has the logarithm -inf and is at d.
        return np.asarray(c + (d - c) * np.exp(log_expit(-b * (self.ln_x - np.log(e)))), dtype=np.float64)

    def losses(self, free: Floats) -> Floats:
        """Minus the log-likelihoods of many sets of parameters, shape (k, n_free), in one go; shape (k,)."""
        with np.errstate(all="ignore"):
            mean = self.mean(free)
            values = -self.outcome.loglik(mean, free[:, -1])
            # A wall instead of infinity keeps the gradient finite where the target is out of the curve's reach.
            return np.where(np.isfinite(mean).all(axis=-1) & np.isfinite(values), values, 1e10)

    def loss(self, free: Floats) -> float:
        """Minus the log-likelihood."""
        return float(self.losses(free[None, :])[0])

    def slope(self, free: Floats) -> Floats:
        """Central differences; all parameters are logarithms or logits, so that one step suits them."""
        steps = 1e-5 * np.eye(len(free))
        found = self.losses(np.concatenate([free + steps, free - steps]))
        return (found[: len(free)] - found[len(free) :]) / 2e-5

    def starts(self) -> list[Floats]:
        doses = np.array([d for d in self.cells if d > 0])
        first, last = self.cells[min(self.cells)], self.cells[max(self.cells)]
        span = np.exp(np.linspace(math.log(doses.min()), math.log(doses.max()), 5))
        ends = [float(self.link(level)) for name, level in (("c", last), ("d", first)) if name not in self.fixed]
        return [np.array([math.log(b), *ends, math.log(e), 0.0]) for b in (0.8, 1.5, 4.0) for e in span]

    def bounds(self) -> list[tuple[float, float]]:
        logs = [math.log(d) for d in self.cells if d > 0]
        ends: list[tuple[float, float]] = []
        for name in "cd":
            if name not in self.fixed:
                top = math.log(max(self.cells.values())) if self.outcome.positive else 0.0
                ends.append((top - 9.0, top + 3.0) if self.outcome.positive else (-9.0, 9.0))
        return [(math.log(0.05), math.log(_STEEPEST)), *ends, (min(logs) - 12, max(logs) + 12), (-6.0, 9.0)]

    def best(self) -> _Found:
        ranked = sorted(self.starts(), key=self.loss)
        found = max((self.descend(start) for start in ranked[:3]), key=lambda found: found.loglik)
        return self.descend(found.free)

    def descend(self, start: Floats, held: float | None = None) -> _Found:
        """The maximum from one start, with the dose held at a value if given.

        Parameters are kept within wide bounds, beyond which the loss is flat.
        """
        from scipy.optimize import minimize

        lo, hi = (np.array(ends) for ends in zip(*self.bounds(), strict=True))
        place = self.n_curve - 1
        moving = np.array([i for i in range(len(start)) if held is None or i != place])
        whole = np.clip(start, lo, hi)
        if held is not None:
            whole[place] = held

        def spread(part: Floats) -> Floats:
            point = whole.copy()
            point[moving] = np.clip(part, lo[moving], hi[moving])
            return point

        found = minimize(
            lambda part: self.loss(spread(part)),
            whole[moving],
            jac=lambda part: self.slope(spread(part))[moving],
            method="BFGS",
            options={"gtol": 1e-6, "maxiter": 300},
        )
        return _Found(spread(np.asarray(found.x, dtype=np.float64)), -float(found.fun))

    def df(self) -> int:
        return max(len(self.x) - self.n_curve - (0 if isinstance(self.outcome, Fractions) else 1), 1)

    def dispersion(self, free: Floats) -> float:
        return self.outcome.dispersion(self.mean(free), self.df())

    def reasons(self, found: _Found, doses: Floats) -> list[str]:
        p = self.named(found.free)
        dose = self.dose(found.free)
        falls = p["c"] < p["d"]
        target = (p["c"] + p["d"]) / 2 if self.percent_of_vehicle is None else p["d"] * self.percent_of_vehicle / 100
        farthest = min(self.cells.values()) if falls else max(self.cells.values())
        level = (
            "half of the fitted range"
            if self.percent_of_vehicle is None
            else f"{self.percent_of_vehicle:g} % of vehicle"
        )
        if (farthest > target) if falls else (farthest < target):
            return [f"the doses do not reach {level} ({target:.4g}); the farthest is {farthest:.4g}; test higher doses"]
        lowest, highest = float(doses[doses > 0].min()), float(doses.max())
        if not lowest <= dose <= highest:
            tested = f"{lowest:g} to {highest:g}"
            return [f"it would be {dose:.3g}, outside the doses tested ({tested}); test doses around it"]
        if p["b"] > 0.99 * _STEEPEST:
            return ["the effect jumps between two neighbouring doses; the ED50 lies between them, test doses there"]
        return []

    def meaning(self, free: Floats) -> str:
        p = self.named(free)
        what = {Fractions: "fraction", Counts: "rate", CutLatencies: "median latency"}[type(self.outcome)]
        if self.percent_of_vehicle is None:
            return f"relative: {what} midway from {p['d']:.4g} at dose 0 to {p['c']:.4g} at large doses"
        return f"absolute: {what} at {self.percent_of_vehicle:g} % of the fitted vehicle's {p['d']:.4g}"

    def end(self, found: _Found, sign: int, conf_level: float) -> float:
        """Walk outwards until the likelihood has fallen by the limit; 0 or infinite where it does not."""
        from scipy.optimize import brentq

        limit = t_quantile(conf_level, self.df()) ** 2 * self.dispersion(found.free) / 2
        centre = math.log(self.dose(found.free))
        inside, stride, near = centre, 0.1, found.free

        def fall(at: float, start: Floats) -> tuple[float, Floats]:
            held = self.descend(start, held=at)
            return found.loglik - held.loglik - limit, held.free

        while abs(inside - centre) < math.log(_FARTHEST_FACTOR):
            outside = inside + sign * stride
            excess, there = fall(outside, near)
            if excess > 0:
                start = near
                return math.exp(float(brentq(lambda at, s: fall(at, s)[0], inside, outside, args=(start,), xtol=1e-4)))
            inside, near, stride = outside, there, stride * 1.5
        return 0.0 if sign < 0 else math.inf
