"""Effects that turn: Brain and Cousens' curve, the test of hormesis, and directions per dose.

    f(x) = c + (d - c + f x) / (1 + exp(b (ln x - ln e)))

BC.5 is the whole curve, BC.4 has c = 0; with f = 0 both are log-logistic. A low dose raises the response by
the slope f, higher ones bring it down: e is *not* the ED50. The curve rises and then falls; for a response
that falls and then rises, fit what `reflected` gives. Where doses act in both directions, directions per
dose say more than any single number.

References
----------
Brain P, Cousens R (1989). Weed Research 29, 93–96.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.summary.compare import DunnettResult
from behavior.summary.derivatives import Floats
from behavior.summary.dose_response import fit_dose_response, log_logistic, observed
from behavior.summary.fit import CurveFit, FTest, compare_fits, fit_curve

HormesisModel: TypeAlias = Literal["BC.4", "BC.5"]
Direction: TypeAlias = Literal["increase", "decrease", "no significant change"]
NAMES = ("b", "c", "d", "e", "f")


def brain_cousens(dose: Floats, parameters: Floats) -> Floats:
    """The curve for parameters (b, c, d, e, f); NaN where b or e is not positive."""
    b, c, d, e, f = parameters
    return np.asarray(c + (d - c + f * dose) * log_logistic(dose, np.array([b, 0.0, 1.0, e])), dtype=np.float64)


def fit_hormesis(
    dose: ArrayLike, response: ArrayLike, *, model: HormesisModel = "BC.4", fixed: Mapping[str, float] | None = None
) -> CurveFit:
    """Fit a Brain–Cousens curve; parameters `b`, `c`, `d`, `e`, `f`.

    Parameters
    ----------
    dose : shape (n,), 0 for the vehicle
    response : shape (n,); rows where it is NaN are left out
    model : "BC.4" (c = 0) or "BC.5"
    fixed : parameters held at a value

    Raises
    ------
    BadInput
        A negative dose, too few doses, or data that do not determine a parameter.
    """
    x, y, _ = observed(dose, response)
    held = {**({"c": 0.0} if model == "BC.4" else {}), **(fixed or {})}
    n_free = len(NAMES) - len(held)
    if len(np.unique(x)) < n_free:
        raise BadInput(
            f"{len(np.unique(x))} doses cannot determine a curve with {n_free} free parameters; test more doses"
        )
    return fit_curve(brain_cousens, x, y, _starts(x, y, held), names=NAMES, fixed=held)


def _starts(x: Floats, y: Floats, fixed: Mapping[str, float]) -> list[list[float]]:
    """The best points of a grid over b and e, with the free ones of c, d, f by linear regression."""
    positive = np.log(x[x > 0])
    candidates = []
    for b in [fixed["b"]] if "b" in fixed else np.array([1.1, 1.3, 1.6, 2.0, 2.7, 4.0, 7.0]):
        for ln_e in np.linspace(positive.min() - 2, positive.max() + 1, 33):
            e = fixed.get("e", math.exp(ln_e))
            share = log_logistic(x, np.array([b, 0.0, 1.0, e]))
            columns = {"c": 1 - share, "d": share, "f": x * share}
            free = [name for name in columns if name not in fixed]
            rest = y - sum(fixed[name] * column for name, column in columns.items() if name in fixed)
            design = np.column_stack([columns[name] for name in free]) if free else np.zeros((len(x), 0))
            found, *_ = np.linalg.lstsq(design, rest, rcond=None)
            left = rest - design @ found
            linear = {**fixed, **dict(zip(free, found.tolist(), strict=True))}
            candidates.append((float(left @ left), [float(b), linear["c"], linear["d"], float(e), linear["f"]]))
    candidates.sort(key=lambda candidate: candidate[0])
    return [start for _, start in candidates[:32:4]]


@dataclass(frozen=True, slots=True)
class Peak:
    """Where a hormetic curve is highest."""

    dose: float
    response: float


def peak(fit: CurveFit) -> Peak:
    """The dose of the largest response and that response.

    Raises
    ------
    BadInput
        The curve has no maximum above dose 0: f is not positive, or b <= 1 and it never turns down.
    """
    from scipy.optimize import brentq

    b, c, d, e, f = (fit.estimates[name] for name in NAMES)
    if f <= 0 or b <= 1:
        raise BadInput("the curve has no peak above dose 0; the data show no hormesis")

    def slope(ln_dose: float) -> float:
        ratio = math.exp(b * (ln_dose - math.log(e)))
        dose = math.exp(ln_dose)
        return f * (1 + ratio) - (d - c + f * dose) * b * ratio / dose

    lo, hi = math.log(e) - 40, math.log(e) + 1
    while slope(hi) > 0:
        hi += 1
    while slope(lo) < 0 and lo > math.log(e) - 700:
        lo -= 40
    if slope(lo) < 0:
        raise BadInput("the curve falls from dose 0 on; the data show no hormesis")
    at = math.exp(float(brentq(slope, lo, hi, xtol=1e-13)))
    return Peak(at, float(brain_cousens(np.array([at]), fit.parameters)[0]))


def falling_ed50(fit: CurveFit) -> float:
    """The dose on the falling side at which the response is half way from the control's (d) to the floor (c).

    Raises
    ------
    BadInput
        The curve does not fall that far.
    """
    from scipy.optimize import brentq

    b, c, d, e, f = (fit.estimates[name] for name in NAMES)

    def above(ln_dose: float) -> float:
        dose = math.exp(ln_dose)
        return (d - c + f * dose) / (1 + math.exp(min(b * (ln_dose - math.log(e)), 700.0))) - (d - c) / 2

    try:
        lo = math.log(peak(fit).dose)
    except BadInput:
        lo = math.log(e) - 40
    hi = max(lo, math.log(e)) + 1
    while above(hi) * (d - c) > 0:
        hi += 1
        if hi > math.log(e) + 100:
            raise BadInput("the curve does not fall to half of the control's response; it has no ED50")
    return math.exp(float(brentq(above, lo, hi, xtol=1e-13)))


def hormesis_test(dose: ArrayLike, response: ArrayLike, *, model: HormesisModel = "BC.4") -> FTest:
    """The F test of f = 0: whether a curve that turns fits better than the log-logistic one with the same floor."""
    small = fit_dose_response(dose, response, model="LL.3" if model == "BC.4" else "LL.4")
    return compare_fits(small, fit_hormesis(dose, response, model=model))


def reflected(dose: ArrayLike, response: ArrayLike) -> Floats:
    """The responses mirrored at the vehicle's mean, which turns a fall and rise into a rise and fall.

    Raises
    ------
    BadInput
        No row has dose 0.
    """
    x, y = np.asarray(dose, dtype=np.float64), np.asarray(response, dtype=np.float64)
    vehicle = y[(x == 0) & np.isfinite(y)]
    if not len(vehicle):
        raise BadInput("no row has dose 0; mirroring needs the vehicle's responses")
    return np.asarray(2 * vehicle.mean() - y, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class DoseDirection:
    """What a dose does to the response, by its adjusted p-value and the sign of the difference."""

    level: str
    direction: Direction
    p_adjusted: float


def directions(result: DunnettResult, alpha: float = 0.05) -> tuple[DoseDirection, ...]:
    """The direction of every dose against the vehicle."""
    return tuple(
        DoseDirection(c.level, direction(c.diff, c.p_adjusted, alpha), c.p_adjusted) for c in result.comparisons
    )


def direction(diff: float, p: float, alpha: float = 0.05) -> Direction:
    """The word for a difference."""
    if p >= alpha:
        return "no significant change"
    return "increase" if diff > 0 else "decrease"
