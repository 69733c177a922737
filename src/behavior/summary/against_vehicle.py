"""Every dose of an endpoint against vehicle, by the method that suits the kind of outcome or that a person named.

The usual method is fixed before the data are seen. Where it depends on the data, it depends on all doses together and
never on which dose an animal had, so that the test keeps its error rate under the null hypothesis.

========  ====================================================================  ===============================
kind      groups                                                                several doses an animal
========  ====================================================================  ===============================
rate      Dunnett; Welch's p beside it                                          mixed model
ratio     as rates                                                              mixed model
duration  as rates; with more than a tenth at zero, Kruskal–Wallis and Dunn     mixed model; exchanges
count     negative binomial with exposure, roots of likelihood ratios; with     mixed model of √(y + 0.5)
          fewer than five a unit and equally long, rearrangement of units
share     quasi-binomial, roots of likelihood ratios                            estimating equations (CR2, t)
latency   log-rank scores, whole animals with all their trials rearranged       exchanges of ranks
========  ====================================================================  ===============================
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.derivatives import Floats
from behavior.summary.effect_size import EffectSize, cliffs_delta, hedges_g
from behavior.summary.methods import BETWEEN, METHODS, WITHIN
from behavior.summary.units import Units
from behavior.summary.vehicle_test import Compared

MANY_ZEROS = 0.1
"""The share of animals at zero beyond which a duration is compared by ranks."""

FEW_A_UNIT = 5.0
"""The mean count below which counts are compared by rearrangement: negative binomial tests reject a little too often
there (`tests/bench/null_studies.py`)."""


def usual_method(units: Units, measure: Measure) -> str:
    """The method that suits the measure and the design, whichever dose an animal had."""
    many_zeros = measure.kind == "duration" and units.share_of_zeros > MANY_ZEROS
    counted = measure.kind == "share" and units.trials is not None
    if units.repeated:
        if measure.kind == "latency" or many_zeros:
            return "permutation_within"
        return "gee" if counted else "mixed"
    if many_zeros:
        return "dunn"
    few = measure.kind == "count" and units.mean < FEW_A_UNIT and units.equally_long
    if few or (measure.kind == "share" and not counted):
        return "permutation"
    return measure.methods[0]


def compared(units: Units, measure: Measure, method: str = "") -> Compared:
    """Compare every dose with vehicle.

    Parameters
    ----------
    units : what is analysed
    measure : the endpoint
    method : a name of `methods.METHODS`; the usual one where empty. Where the usual one is estimating equations and
        all trials at a dose ended alike, doses are exchanged within units instead, and the test says so; a method that
        a person named is never replaced.
    """
    chosen = method or usual_method(units, measure)
    found = _by(chosen, units, measure)
    if method or found.test is not None or chosen != "gee":
        return found
    other = _by("permutation_within", units, measure)
    if other.test is None:
        return found
    return replace(other, test=replace(other.test, overall=f"{other.test.overall}. Not as usual: {found.why_not}"))


def _by(name: str, units: Units, measure: Measure) -> Compared:
    try:
        if name not in METHODS:
            raise BadInput(f"{name!r} is no method; choose one of {', '.join(METHODS)}")
        found = METHODS[name]
        if units.repeated and found.design == BETWEEN:
            raise BadInput(
                f"{units.unit}s had several doses, and {name} takes groups to be independent; "
                "compare by mixed or permutation_within"
            )
        if not units.repeated and found.design == WITHIN:
            raise BadInput(f"no {units.unit} had two doses, and {name} compares within {units.unit}s")
        return found.run(units, measure)
    except BadInput as error:
        return Compared(why_not=str(error))
    except (ArithmeticError, np.linalg.LinAlgError) as error:  # one endpoint may not take the report with it
        return Compared(why_not=f"the data are too few or too much alike for this test ({error})")


@dataclass(frozen=True, slots=True)
class Effects:
    """Effect sizes of a dose, whatever was tested; None where the data do not determine them."""

    hedges_g: EffectSize | None
    cliffs_delta: EffectSize | None


def effects(responses: Floats, vehicle: Floats, *, censored: bool) -> Effects:
    """Hedges' g and Cliff's δ of a dose.

    Parameters
    ----------
    responses, vehicle : shape (n,) and (m,), without missing ones; where censored, a value above all others
    censored : whether some are, so that only their order is known and there is no g
    """
    try:
        return Effects(None if censored else hedges_g(responses, vehicle), cliffs_delta(responses, vehicle))
    except BadInput:
        return Effects(None, cliffs_delta(responses, vehicle) if len(responses) and len(vehicle) else None)
