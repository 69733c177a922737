"""Summaries of made-up units, without any session."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from behavior.model.measures import Measure
from behavior.summary.against_vehicle import Effects, compared
from behavior.summary.arms import ArmPlan
from behavior.summary.describe import describe
from behavior.summary.ed50_by_kind import ed50_of
from behavior.summary.per_dose import ArmSummary, DoseRow, EndpointSummary
from behavior.summary.units import Units


def endpoint_of(units: Units, measure: Measure, method: str = "", percent: float | None = None) -> EndpointSummary:
    """An endpoint of these units."""
    found = compared(units, measure, method)
    described = {level.level: level for level in describe(units.times, units.doses, reference=0.0)}
    rows = tuple(
        DoseRow(
            dose, None, int((units.doses == dose).sum()), 0, int(units.censored[units.doses == dose].sum()),
            described[f"{dose:g}"], found.against.get(f"{dose:g}"), Effects(None, None),
        )
        for dose in sorted(set(units.doses.tolist()))
    )  # fmt: skip
    half = ed50_of(units, measure, percent_of_vehicle=percent)
    return EndpointSummary(measure, False, False, rows, found.test, found.why_not, half, (), units)


def arm_of(name: str, endpoints: Sequence[EndpointSummary]) -> ArmSummary:
    """An arm with these endpoints."""
    doses = tuple(sorted(set(np.concatenate([e.units.doses for e in endpoints]).tolist())))
    measures = tuple(e.measure for e in endpoints)
    plan = ArmPlan(name, "made_up", "drug", "saline", "i.p.", 30.0, doses, None, measures, "", None)
    return ArmSummary(plan, tuple(endpoints), (), "", "")
