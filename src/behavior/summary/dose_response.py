"""Log-logistic dose–response curves, one or several, and the doses read from them.

    f(x) = c + (d - c) / (1 + exp(b (ln x - ln e)))^g,   f(0) = d

`d` is the response at dose 0 and `c` at an infinite dose, whichever is larger; `b` > 0 is the steepness
(Hill) and `e`, for g = 1, the dose half way from d to c. LL.4 has g = 1, LL.3 also c = 0, LL.5 a free g.
Dose 0 takes part in the fit.

EDq is *relative*: the dose q percent of the way from d to c. An *absolute* dose is where f equals a given
response. Start values come from a grid over b and e, on which c and d follow by linear regression, so that
the global minimum is not left to luck.

References
----------
Ritz C, Baty F, Streibig JC, Gerhard D (2015). Dose-response analysis using R. PLoS ONE 10, e0146021.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from behavior.model.errors import BadInput
from behavior.summary.derivatives import Floats
from behavior.summary.fit import (
    Curve,
    CurveFit,
    Derived,
    FTest,
    Interval,
    animal_levels,
    compare_fits,
    derived,
    f_test,
    fit_curve,
    profile_interval,
    t_quantile,
    without,
)
from behavior.summary.groups import check_rows, level_labels

Model: TypeAlias = Literal["LL.3", "LL.4", "LL.5"]
NAMES = ("b", "c", "d", "e", "g")

_STEEPNESSES = np.array([0.3, 0.5, 0.8, 1.2, 1.8, 2.7, 4.0, 6.0, 10.0])
_N_MIDDLES, _N_STARTS = 33, 4
_LARGEST_EXPONENT = 300.0


def log_logistic(dose: Floats, parameters: Floats) -> Floats:
    """The curve, for parameters (b, c, d, e) or (b, c, d, e, g); NaN where b, e or g is not positive."""
    from scipy.special import log_expit

    b, c, d, e, *rest = parameters
    g = rest[0] if rest else 1.0
    if not (b > 0 and e > 0 and g > 0):
        return np.full(len(dose), np.nan)
    with np.errstate(divide="ignore"):
        steps = b * (np.log(dose) - math.log(e))
    return np.asarray(c + (d - c) * np.exp(g * log_expit(-steps)), dtype=np.float64)


def fit_dose_response(
    dose: ArrayLike,
    response: ArrayLike,
    *,
    model: Model = "LL.4",
    fixed: Mapping[str, float] | None = None,
    animal: Sequence[object] | NDArray[np.generic] | None = None,
) -> CurveFit:
    """Fit one log-logistic curve; parameters `b`, `c`, `d`, `e` (and `g`).

    Parameters
    ----------
    dose : shape (n,), 0 for the vehicle, any unit
    response : shape (n,); rows where it is NaN are left out
    model : "LL.3" (c = 0), "LL.4" or "LL.5"
    fixed : parameters held at a value, such as {"c": 0, "d": 100}
    animal : the animal of every row, where animals had several doses; their own levels are then taken out,
    and errors
        and degrees of freedom are those within animals

    Raises
    ------
    BadInput
        A negative dose, too few doses, or data that do not determine a parameter.
    """
    if model not in get_args(Model):
        raise BadInput(f"the curve {model} is not known; choose one of {', '.join(get_args(Model))}")
    x, y, who = observed(dose, response, animal)
    names = NAMES[:4] if model != "LL.5" else NAMES
    held = {**({"c": 0.0} if model == "LL.3" else {}), **(fixed or {})}
    _enough_doses(x, len(names) - len(held))
    removed = animal_levels(who) if who is not None else None
    starts = [[*start, 1.0][: len(names)] for start in _starts(x, without(y, removed), held)]
    return fit_curve(log_logistic, x, y, starts, names=names, fixed=held, removed=removed)


def observed(
    dose: ArrayLike, response: ArrayLike, animal: Sequence[object] | NDArray[np.generic] | None = None
) -> tuple[Floats, Floats, NDArray[np.str_] | None]:
    """The rows that have a dose and a response, and the animal of each where animals are given.

    Raises
    ------
    BadInput
        Lengths differ or a dose is negative.
    """
    x, y = np.asarray(dose, dtype=np.float64), np.asarray(response, dtype=np.float64)
    if len(x) != len(y):
        raise BadInput(f"{len(x)} doses stand beside {len(y)} responses; give one of each per row")
    present = np.isfinite(x) & np.isfinite(y)
    who = level_labels(animal) if animal is not None else None
    if who is not None and len(who) != len(x):
        raise BadInput(f"{len(who)} animals stand beside {len(x)} doses; give one of each per row")
    x, y = x[present], y[present]
    if len(x) and x.min() < 0:
        raise BadInput(f"a dose of {x.min():g} is negative; doses start at 0 for the vehicle")
    return x, y, who[present] if who is not None else None


def _enough_doses(x: Floats, n_free: int) -> None:
    n_doses = len(np.unique(x))
    if n_doses < max(n_free, 2):
        raise BadInput(
            f"{n_doses} doses cannot determine a curve with {n_free} free parameters; "
            "test more doses or hold parameters fixed"
        )


def _starts(x: Floats, y: Floats, fixed: Mapping[str, float]) -> list[list[float]]:
    """The best points of a grid over b and e, with c and d by linear regression where they are free."""
    positive = x[x > 0]
    if not len(positive):
        raise BadInput("every dose is 0, so that there is no curve; add doses")
    lo, hi = math.log(positive.min()), math.log(positive.max())
    margin = max(hi - lo, 1.0) / 2
    middles = np.exp(np.linspace(lo - margin, hi + margin, _N_MIDDLES))
    candidates = []
    for b in [fixed["b"]] if "b" in fixed else _STEEPNESSES:
        for e in [fixed["e"]] if "e" in fixed else middles:
            share = log_logistic(x, np.array([b, 0.0, 1.0, e]))
            c, d = _asymptotes(share, y, fixed)
            left = y - c - (d - c) * share
            candidates.append((float(left @ left), [float(b), c, d, float(e)]))
    candidates.sort(key=lambda candidate: candidate[0])
    return [start for _, start in candidates[: 8 * _N_STARTS : 8]]


def _asymptotes(share: Floats, y: Floats, fixed: Mapping[str, float]) -> tuple[float, float]:
    """The c and d that fit best, where y = c + (d - c) share."""
    c, d = fixed.get("c"), fixed.get("d")
    if c is not None and d is not None:
        return c, d
    if c is not None:
        return c, c + _through_origin(share, y - c)
    if d is not None:
        return d + _through_origin(1 - share, y - d), d
    spread = share - share.mean()
    size = float(spread @ spread)
    slope = float(spread @ (y - y.mean())) / size if size > 1e-12 else 0.0
    low = float(y.mean()) - slope * float(share.mean())
    return low, low + slope


def _through_origin(x: Floats, y: Floats) -> float:
    size = float(x @ x)
    return float(x @ y) / size if size > 1e-12 else 0.0


@dataclass(frozen=True)
class CurvesFit:
    """Several curves fitted together: a parameter is named `b:<curve>` where each curve has its own, `b` if shared."""

    fit: CurveFit
    curves: tuple[str, ...]
    shared: tuple[str, ...]
    fixed: Mapping[str, float]

    def name(self, parameter: str, curve: str) -> str:
        """What a parameter of a curve is called in the fit."""
        return parameter if parameter in self.shared else f"{parameter}:{curve}"

    def of(self, curve: str, estimates: Mapping[str, float]) -> dict[str, float]:
        """The parameters b, c, d, e of one curve."""
        return {p: self.fixed[p] if p in self.fixed else estimates[self.name(p, curve)] for p in NAMES[:4]}


def fit_dose_responses(
    dose: ArrayLike,
    response: ArrayLike,
    curve: Sequence[object] | NDArray[np.generic],
    *,
    shared: Sequence[str] = (),
    curves: Sequence[str] | None = None,
    model: Model = "LL.4",
    fixed: Mapping[str, float] | None = None,
) -> CurvesFit:
    """Fit one curve for each compound, with parameters in common and one residual variance.

    Parameters
    ----------
    dose, response, curve : shape (n,), `curve` the label of the compound
    shared : the parameters among b, c, d, e that all curves have in common
    curves : the labels to fit and their order; all that occur where absent
    model : "LL.3" or "LL.4"
    fixed : parameters held at a value in every curve

    Raises
    ------
    BadInput
        As `fit_dose_response`, for any of the curves.
    """
    x, y, labels = np.asarray(dose, dtype=np.float64), np.asarray(response, dtype=np.float64), level_labels(curve)
    check_rows(doses=x, responses=y, curves=labels)
    names = tuple(curves) if curves is not None else tuple(sorted(set(labels.tolist())))
    rows = np.isfinite(x) & np.isfinite(y) & np.isin(labels, names)
    x, y, labels = x[rows], y[rows], labels[rows]
    held = {**({"c": 0.0} if model == "LL.3" else {}), **(fixed or {})}
    free = [p for p in NAMES[:4] if p not in held]
    alone = {name: fit_dose_response(x[labels == name], y[labels == name], model=model, fixed=fixed) for name in names}
    slots = [p if p in shared else f"{p}:{name}" for p in free for name in (names[:1] if p in shared else names)]

    def start(slot: str) -> float:
        parameter, _, owner = slot.partition(":")
        return float(np.mean([alone[name].estimates[parameter] for name in names if owner in ("", name)]))

    which = np.array([names.index(label) for label in labels], dtype=np.float64)

    def together(at: Floats, parameters: Floats) -> Floats:
        given = dict(zip(slots, parameters, strict=True))
        y_hat = np.empty(len(at))
        for i, name in enumerate(names):
            own = [held[p] if p in held else given[p if p in shared else f"{p}:{name}"] for p in NAMES[:4]]
            mine = at[:, 1] == i
            y_hat[mine] = log_logistic(at[mine, 0], np.array(own))
        return y_hat

    fit = fit_curve(together, np.column_stack([x, which]), y, [[start(slot) for slot in slots]], names=slots)
    return CurvesFit(fit, names, tuple(shared), held)


def steps_to(share: float, b: float, g: float = 1.0) -> float:
    """The dose at which a curve has gone `share` of the way from d to c, in units of e."""
    if not 0 < share < 1:
        return math.nan
    return float(((1 - share) ** (-1 / g) - 1) ** (1 / b))


@dataclass(frozen=True, slots=True)
class EffectiveDose:
    """A dose read from a curve: its delta interval, and that of its logarithm."""

    estimate: float
    se: float
    delta: Interval
    log_delta: Interval


def effective_dose(fit: CurveFit, percent: float, conf_level: float = 0.95) -> EffectiveDose:
    """The relative EDq: the dose `percent` of the way from the response at dose 0 to that at an infinite dose.

    Raises
    ------
    BadInput
        A percentage that is not between 0 and 100.
    """
    if not 0 < percent < 100:
        raise BadInput(f"no dose has {percent:g} % of the effect; choose a percentage between 0 and 100")
    share = percent / 100

    def dose(p: Mapping[str, float]) -> float:
        return p["e"] * steps_to(share, p["b"], p.get("g", 1.0))

    return _effective(derived(fit, dose, conf_level), fit.df_residual, conf_level)


def absolute_dose(fit: CurveFit, response: float, conf_level: float = 0.95) -> EffectiveDose:
    """The dose at which the curve equals `response`.

    Raises
    ------
    BadInput
        The curve does not reach it.
    """

    def dose(p: Mapping[str, float]) -> float:
        return p["e"] * steps_to((p["d"] - response) / (p["d"] - p["c"]), p["b"], p.get("g", 1.0))

    if not math.isfinite(dose(fit.estimates)):
        lo, hi = sorted((fit.estimates["c"], fit.estimates["d"]))
        raise BadInput(f"the curve runs between {lo:.4g} and {hi:.4g} and never equals {response:g}")
    return _effective(derived(fit, dose, conf_level), fit.df_residual, conf_level)


def _effective(found: Derived, df: float, conf_level: float) -> EffectiveDose:
    factor = math.exp(min(t_quantile(conf_level, df) * found.se / found.estimate, _LARGEST_EXPONENT))
    return EffectiveDose(
        found.estimate,
        found.se,
        Interval(found.lo, found.hi),
        Interval(found.estimate / factor, found.estimate * factor),
    )


def effective_dose_profile(fit: CurveFit, percent: float, conf_level: float = 0.95) -> Interval:
    """The profile likelihood interval of a relative EDq; an end that the data do not set is 0 or infinite."""
    names = tuple("ED" if name == "e" else name for name in fit.names)

    def curve(x: Floats, parameters: Floats) -> Floats:
        p = np.array(parameters)
        with np.errstate(all="ignore"):
            p[3] = (
                p[3] / steps_to(percent / 100, float(p[0]), float(p[4]) if len(p) > 4 else 1.0) if p[0] > 0 else np.nan
            )
        return log_logistic(x, p)

    return _profile(fit, curve, names, effective_dose(fit, percent).estimate, conf_level)


def absolute_dose_profile(fit: CurveFit, fraction_of_d: float, conf_level: float = 0.95) -> Interval:
    """The profile likelihood interval of the dose at which the curve is at a fraction of its value at dose 0."""
    names = tuple("ED" if name == "e" else name for name in fit.names)

    def share(c: float, d: float) -> float:
        return (d - fraction_of_d * d) / (d - c) if d != c else math.nan

    def curve(x: Floats, parameters: Floats) -> Floats:
        p = np.array(parameters)
        with np.errstate(all="ignore"):
            g = float(p[4]) if len(p) > 4 else 1.0
            p[3] = p[3] / steps_to(share(float(p[1]), float(p[2])), float(p[0]), g) if p[0] > 0 else np.nan
        return log_logistic(x, p)

    at = fit.estimates
    dose = at["e"] * steps_to(share(at["c"], at["d"]), at["b"], at.get("g", 1.0))
    if not math.isfinite(dose):
        raise BadInput(f"the curve never reaches {100 * fraction_of_d:g} % of its value at dose 0")
    return _profile(fit, curve, names, dose, conf_level)


def _profile(fit: CurveFit, curve: Curve, names: Sequence[str], dose: float, conf_level: float) -> Interval:
    start = [dose if name == "ED" else fit.estimates[name] for name in names]
    again = fit_curve(curve, fit.x, fit.y, [start], names=names, fixed=fit.fixed, removed=fit.removed)
    return profile_interval(again, "ED", conf_level, positive=True)


def relative_potency(
    curves: CurvesFit, percent: float, numerator: str, denominator: str, conf_level: float = 0.95
) -> Derived:
    """The ratio of two compounds' EDq, with its delta interval."""

    def ratio(p: Mapping[str, float]) -> float:
        two = [curves.of(name, p) for name in (numerator, denominator)]
        doses = [q["e"] * steps_to(percent / 100, q["b"]) for q in two]
        return doses[0] / doses[1]

    return derived(curves.fit, ratio, conf_level)


def lack_of_fit(fit: CurveFit) -> FTest:
    """Whether one mean per dose describes the data better than the curve does.

    Raises
    ------
    BadInput
        No dose has two responses, or there are no more doses than parameters.
    """
    _, cell = np.unique(fit.x, axis=0, return_inverse=True)
    means = without(np.eye(int(cell.max()) + 1)[cell.ravel()], fit.removed)
    beta, _, rank, _ = np.linalg.lstsq(means, fit.y, rcond=None)
    pure = float(((fit.y - means @ beta) ** 2).sum())
    df_pure = fit.n - int(rank) - (0 if fit.removed is None else fit.removed.shape[1])
    if df_pure < 1 or fit.df_residual <= df_pure:
        raise BadInput("a test of fit needs repeated doses, and more doses than the curve has parameters")
    return f_test(fit.rss, fit.df_residual, pure, df_pure)


def dose_effect(fit: CurveFit) -> FTest:
    """The F test of a curve against one mean for all doses."""
    one = without(np.ones(fit.n), fit.removed)
    mean = float(one @ fit.y) / float(one @ one)
    df = fit.df_residual + len(fit.free) - 1
    return f_test(float(((fit.y - mean * one) ** 2).sum()), df, fit.rss, fit.df_residual)


def compare_models(dose: ArrayLike, response: ArrayLike, small: Model, large: Model) -> FTest:
    """The F test of a smaller log-logistic model in a larger one."""
    return compare_fits(fit_dose_response(dose, response, model=small), fit_dose_response(dose, response, model=large))
