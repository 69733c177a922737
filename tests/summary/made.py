"""Summaries of made-up units, without any session."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from behavior.model.measures import Measure
from behavior.summary.against_vehicle import Effects, compared
from behavior.summary.arms import ArmPlan
from behavior.summary.describe import describe
from behavior.summary.ed50_by_kind import ed50_of
from behavior.summary.legacy import lines_of
from behavior.summary.per_dose import ArmSummary, DoseRow, EndpointSummary, directions_of
from behavior.summary.turning import turn_of
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
    turn = turn_of(units, measure, half, directions_of(found))
    return EndpointSummary(
        measure, False, False, rows, found.test, found.why_not, half, (), units, turn=turn,
        lines=lines_of(units, measure),
    )  # fmt: skip


def units_of(doses: ArrayLike, responses: ArrayLike, *, cut_off: float | None = None) -> Units:
    """One unit a row; responses at or beyond the cut-off are censored."""
    x, y = np.asarray(doses, dtype=float), np.asarray(responses, dtype=float)
    censored = np.zeros(len(x), dtype=bool) if cut_off is None else y >= cut_off
    y = np.where(censored, np.nan, y)
    return Units(tuple(f"R{i}" for i in range(len(x))), x, y, censored, cut_off, (1,) * len(x))


def arm_of(name: str, endpoints: Sequence[EndpointSummary]) -> ArmSummary:
    """An arm with these endpoints."""
    doses = tuple(sorted(set(np.concatenate([e.units.doses for e in endpoints]).tolist())))
    measures = tuple(e.measure for e in endpoints)
    plan = ArmPlan(name, "made_up", "drug", "saline", "i.p.", 30.0, doses, None, measures, "", None)
    return ArmSummary(plan, tuple(endpoints), (), "", "")
