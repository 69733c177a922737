"""An effect that turns: Brain and Cousens' curve for an endpoint whose doses act in both directions.

It is fitted only where the data call for it: a curve that falls or rises throughout was refused because the effect is
not monotone, or some doses raise the endpoint and others lower it. Rise-then-fall and fall-then-rise are both tried,
the better one is kept, and p is doubled for that choice. No single ED50 describes such an effect; where it turns does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.derivatives import Floats
from behavior.summary.dose_response import log_logistic
from behavior.summary.ed50 import Ed50, NoEd50
from behavior.summary.fit import CurveFit, FTest, f_test
from behavior.summary.hormesis import Peak, brain_cousens, falling_ed50, fit_hormesis, peak, reflected
from behavior.summary.outcome_ed50 import OutcomeEd50
from behavior.summary.units import Units

NOT_MONOTONE = "not monotone"
"""In the reasons for which an ED50 is refused."""
_LEAST_DOSES = 5


@dataclass(frozen=True)
class Turn:
    """A curve that turns, against one that does not.

    Attributes
    ----------
    test : of the curve's extra term; `p` is twice the test's, for two directions were tried
    fit : of the responses, or of their mirror image at `base` where the effect first falls
    peak : where it turns, on the scale of the responses
    back : the dose at which the later effect has gone half of the way from vehicle to its end; None where none does
    """

    test: FTest
    p: float
    fit: CurveFit
    falls_first: bool
    base: float
    peak: Peak
    back: float | None

    def curve(self, dose: ArrayLike) -> Floats:
        """The fitted curve at doses."""
        fitted = brain_cousens(np.asarray(dose, dtype=np.float64), self.fit.parameters)
        return 2 * self.base - fitted if self.falls_first else fitted


def turn_of(
    units: Units, measure: Measure, found: Ed50 | OutcomeEd50 | NoEd50, directions: Sequence[int]
) -> Turn | str | None:
    """The curve that turns; why there is none where data call for one; None where they do not.

    Parameters
    ----------
    units, measure : as tested
    found : its ED50, or the reasons against one
    directions : of the doses that differ from vehicle, 1 or -1
    """
    refused = isinstance(found, NoEd50) and any(NOT_MONOTONE in reason for reason in found.reasons)
    if not refused and len(set(directions)) < 2:
        return None
    if units.repeated or units.censored.any():
        return "a curve that turns is fitted to one response an animal without censoring; read the directions per dose"
    if len(np.unique(units.doses)) < _LEAST_DOSES:
        return f"a curve that turns takes {_LEAST_DOSES} doses, vehicle among them; read the directions per dose"
    base = float(np.nanmean(units.responses[units.doses == 0]))
    curves = [_fitted(units.doses, units.responses, base, falls_first=first) for first in (False, True)]
    fitted = [curve for curve in curves if curve is not None]
    if not fitted:
        return "no curve that turns could be fitted; read the directions per dose"
    return min(fitted, key=lambda turn: turn.fit.rss)


def _fitted(doses: Floats, responses: Floats, base: float, *, falls_first: bool) -> Turn | None:
    y = reflected(doses, responses) if falls_first else responses
    try:
        fit = fit_hormesis(doses, y, model="BC.5")
        test = f_test(best_without_turn(fit.x, fit.y), fit.n - 4, fit.rss, fit.df_residual)
        highest = peak(fit)
    except (BadInput, ArithmeticError, np.linalg.LinAlgError):
        return None
    if not 0 < highest.dose < float(doses.max()):
        return None
    try:
        back: float | None = falling_ed50(fit)
    except (BadInput, ArithmeticError):
        back = None
    if back is not None and back > float(doses.max()):
        back = None
    at = Peak(highest.dose, 2 * base - highest.response if falls_first else highest.response)
    return Turn(test, min(1.0, 2 * test.p), fit, falls_first, base, at, back)


def best_without_turn(doses: Floats, responses: Floats) -> float:
    """The residual sum of squares of the best four-parameter log-logistic curve, also where it has no best parameters.

    On data that turn, the best curve that does not is often a step or a line at the edge of what the model can be: no
    fit settles there, and all the same it is what a turn is to be compared with. Both ends follow by regression from
    steepness and middle, which are searched on a grid and from its best points.
    """
    from scipy.optimize import minimize

    lo, hi = np.log(doses[doses > 0].min()), np.log(doses.max())
    y = responses - responses.mean()

    def left(point: Floats) -> float:
        b, e = np.exp(np.clip(point, (-1.6, lo - 3), (4.0, hi + 3)))
        share = log_logistic(doses, np.array([b, 0.0, 1.0, e]))
        share = share - share.mean()
        size = float(share @ share)
        return float(y @ y) - (float(share @ y) ** 2 / size if size > 1e-12 else 0.0)

    grid = [np.array([b, e]) for b in np.linspace(-1.6, 4.0, 9) for e in np.linspace(lo - 3, hi + 3, 40)]
    starts = sorted(grid, key=left)[:3]
    return min(float(minimize(left, start, method="Nelder-Mead").fun) for start in starts)
