"""Relative potency: how many times less of one compound does what another does, from arms of one study.

Two arms are compared where they have the paradigm and the primary endpoint in common, and both hold an ED50 of the same
kind and direction. The interval of the ratio comes from the two profile intervals by the method of variance estimates
recovery, on logarithms, so that it is as asymmetric as they are. Where both curves are by least squares an F test says
whether they are parallel (steepness and both ends in common): if not, the ratio holds at half of the effect only.

References
----------
Zou GY, Donner A (2008). Statistics in Medicine 27, 1693–1702.
Finney DJ (1978). Statistical Method in Biological Assay, 3rd edition. Griffin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.dose_response import fit_dose_responses
from behavior.summary.ed50 import Ed50, NoEd50
from behavior.summary.fit import FTest, compare_fits
from behavior.summary.outcome_ed50 import OutcomeEd50
from behavior.summary.per_dose import ArmSummary, EndpointSummary


@dataclass(frozen=True)
class Potency:
    """The potency of an arm's compound relative to that of another: the other's ED50 over its own.

    `why_not` says why there is none; `parallel` is None where it was not tested; `remarks` are for the reader.
    """

    measure: Measure
    arm: ArmSummary
    other: ArmSummary
    ratio: float | None
    lo: float | None
    hi: float | None
    parallel: FTest | None
    why_not: str
    remarks: tuple[str, ...] = ()


def potencies(arms: Sequence[ArmSummary]) -> tuple[Potency, ...]:
    """Every pair of arms with different compounds that can be asked for it, in the order of the study."""
    asked = [arm for arm in arms if arm.endpoints and arm.plan.primary]
    return tuple(
        _potency(one, other)
        for one, other in combinations(asked, 2)
        if one.plan.compound != other.plan.compound
        and (one.plan.paradigm, one.plan.primary) == (other.plan.paradigm, other.plan.primary)
    )


def _potency(arm: ArmSummary, other: ArmSummary) -> Potency:
    mine, others = arm.primary, other.primary

    def refused(why: str) -> Potency:
        return Potency(mine.measure, arm, other, None, None, None, None, why)

    a, b = mine.ed50, others.ed50
    lacking = [one.plan.compound for one, found in ((arm, a), (other, b)) if isinstance(found, NoEd50)]
    if lacking or isinstance(a, NoEd50) or isinstance(b, NoEd50):
        return refused(f"there is no ED50 of {' nor of '.join(lacking)}")
    if (a.kind, a.direction) != (b.kind, b.direction):
        return refused("one effect is an increase and the other a decrease" if a.kind == b.kind else
                       "one ED50 is relative and the other absolute")  # fmt: skip
    ratio, lo, hi = ratio_of(b, a)
    same = sorted(set(mine.units.subjects) & set(others.units.subjects))
    remarks = (
        [f"{len(same)} animals are in both arms, and the interval takes the arms to be independent"] if same else []
    )
    parallel = None if same else _parallel(mine, others)
    return Potency(mine.measure, arm, other, ratio, lo, hi, parallel, "", tuple(remarks))


def ratio_of(over: Ed50 | OutcomeEd50, under: Ed50 | OutcomeEd50) -> tuple[float, float, float]:
    """The ratio of two independent ED50s and its interval, from theirs.

    >>> from types import SimpleNamespace as S
    >>> [round(x, 3) for x in ratio_of(S(estimate=8, lo=4, hi=16), S(estimate=2, lo=1, hi=4))]
    [4.0, 1.501, 10.661]
    """
    a, b = (math.log(found.estimate) for found in (over, under))
    a_lo, a_hi, b_lo, b_hi = (math.log(end) for found in (over, under) for end in (found.lo, found.hi))
    lo = a - b - math.hypot(a - a_lo, b_hi - b)
    hi = a - b + math.hypot(a_hi - a, b - b_lo)
    return math.exp(a - b), math.exp(lo), math.exp(hi)


def _parallel(mine: EndpointSummary, others: EndpointSummary) -> FTest | None:
    """The F test of steepness and both ends in common; None where the curves are not both by least squares."""
    a, b = mine.ed50, others.ed50
    if not (isinstance(a, Ed50) and isinstance(b, Ed50)) or a.within or b.within or a.fixed != b.fixed:
        return None
    units = (mine.units, others.units)
    dose, response = (np.concatenate([getattr(one, name) for one in units]) for name in ("doses", "responses"))
    curve = np.repeat(["one", "other"], [len(one.doses) for one in units])
    try:
        apart = fit_dose_responses(dose, response, curve, fixed=dict(a.fixed))
        together = fit_dose_responses(dose, response, curve, shared=("b", "c", "d"), fixed=dict(a.fixed))
        return compare_fits(together.fit, apart.fit)
    except (BadInput, ArithmeticError, np.linalg.LinAlgError):
        return None
