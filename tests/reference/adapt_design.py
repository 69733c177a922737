"""design: orders of treatment (SPEC 3.18)."""

from __future__ import annotations

from typing import Any

from behavior.study.design import check_orders, williams_orders
from reference.case import Case, Results

SEED, OTHER_SEED = 20_261_120, 20_261_121


def design_case(case: Case) -> dict[str, Any]:
    spec = case.spec

    def orders(seed: int) -> tuple[tuple[int, ...], ...]:
        return williams_orders(spec["n_treatments"], spec["n_subjects"], seed, n_periods=spec["n_periods"])

    drawn = orders(SEED)
    check, results = check_orders(drawn, n_treatments=spec["n_treatments"]), Results()
    results["each_subject_each_dose_once"] = check.each_treatment_once
    results["count_per_dose_per_period"] = check.per_treatment_and_period
    results["count_per_ordered_pair_first_order_carryover"] = check.per_ordered_pair
    results["same_seed_same_sequence"] = orders(SEED) == drawn
    results["different_seed_different_assignment"] = orders(OTHER_SEED) != drawn
    return results.values


METHODS = {"design": design_case}
