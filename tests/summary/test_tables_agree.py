"""One set of numbers: units, Prism tables, the per-dose table and the report's words tell the same animals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from behavior.study.dataset import Dataset, read_dataset
from behavior.summary.arms import plans_of, sessions_of
from behavior.summary.exchange import prism_table, units_table
from behavior.summary.per_dose import ArmSummary, per_dose_table, summarize_arms
from behavior.summary.records_text import arrive, flow
from study.datasets import given as treatment
from study.datasets import write_session, write_vocalization

MEASURES = ("punished_rate_per_min", "unpunished_rate_per_min", "n_pellets_punished")
SESSIONS = st.lists(
    st.tuples(
        st.sampled_from(["R1", "R2", "R3", "R10"]),
        st.sampled_from([0.0, 0.3, 3.0]),
        st.none() | st.just(0.0) | st.floats(0.01, 50),
        st.sampled_from(["completed", "completed", "completed", "stopped by test"]),
    ),
    min_size=1,
    max_size=9,
)


def loose(folder: Path, sessions: list[tuple[str, float, float | None, str]]) -> Dataset:
    for subject, dose, rate, reason in sessions:
        measures = dict.fromkeys(MEASURES, rate)
        write_session(
            folder,
            subject,
            dose,
            measures,
            arm=None,
            study=None,
            reason=reason,
            treatment=treatment(dose),
            presses_s=(),
        )
    return read_dataset(folder)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sessions=SESSIONS)
def test_every_table_tells_the_same_animals(
    tmp_path_factory: pytest.TempPathFactory, sessions: list[tuple[str, float, float | None, str]]
) -> None:
    dataset = loose(tmp_path_factory.mktemp("tables"), sessions)
    arms = summarize_arms(dataset)
    for arm in arms:
        assert_flow_adds_up(dataset, arm)
    if not any(arm.endpoints for arm in arms):
        assert all(arm.unmade for arm in arms)
        return
    units, table = units_table(arms), per_dose_table(arms)
    for arm in arms:
        for endpoint in arm.endpoints:
            here = units[(units["arm"] == arm.plan.name) & (units["endpoint"] == endpoint.measure.name)]
            prism = prism_table(endpoint)
            for row in endpoint.rows:
                animals = here[here["dose_mg_kg"] == row.dose_mg_kg]["response"].dropna()
                told = table[(table["endpoint"] == endpoint.measure.name) & (table["dose_mg_kg"] == row.dose_mg_kg)]
                assert row.n == len(animals) == told["n"].item()
                if len(animals):
                    assert told["mean"].item() == pytest.approx(animals.mean(), abs=1e-12)
                    column = prism["vehicle" if row.dose_mg_kg == 0 else f"{row.dose_mg_kg:g} mg/kg"].dropna()
                    np.testing.assert_array_equal(np.sort(column), np.sort(animals))
                if len(animals) > 1:
                    assert told["sd"].item() == pytest.approx(animals.std(ddof=1), abs=1e-9)


def assert_flow_adds_up(dataset: Dataset, arm: ArmSummary) -> None:
    rows = flow(dataset, arm)
    sessions = sessions_of(dataset, arm.plan)
    assert sum(row.n_run for row in rows) == len(sessions)
    assert sum(row.n_analysed for row in rows) == int((sessions["left_out"] == "").sum())
    for row in rows:
        assert sum(int(reason.rpartition(": ")[2]) for reason in row.reasons) == row.n_run - row.n_analysed


@settings(max_examples=5, deadline=None)
@given(order=st.permutations(range(8)))
def test_the_order_in_which_sessions_were_run_changes_no_number(
    tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    rates = [1.0, 2.0, 3.5, 2.5, 6.0, 7.0, 5.5, 9.0]
    folders = []
    for places in (list(range(8)), order):
        folder = tmp_path_factory.mktemp("order")
        for place in places:
            dose = 0.0 if place < 4 else 3.0
            write_session(
                folder, f"R{place}", dose, {"punished_rate_per_min": rates[place]}, arm=None, study=None, presses_s=()
            )
        folders.append(per_dose_table(summarize_arms(read_dataset(folder))))
    pd.testing.assert_frame_equal(*folders)


def test_a_censored_latency_is_an_animal_in_every_table(tmp_path: Path) -> None:
    (arm,) = summarize_arms(read_dataset(write_vocalization(tmp_path / "data", {0.0: [9.0, 4.0], 1.0: [2.0, 0.0]})))
    latency = arm.endpoints[2]
    units = units_table((arm,)).query("endpoint == 'latency_first_call_s'")
    assert [row.n for row in latency.rows] == [2, 2]
    assert int(units["censored"].sum()) == 1
    prism = prism_table(latency)
    assert prism[["vehicle", "1 mg/kg"]].sum().tolist() == [2, 1]
    assert prism["latency_first_call_s"].max() == 60.0, "the one that did not call stands at the end of its test"


# -- arms without a study file ----------------------------------------------------------------------------------------


def test_vehicle_sessions_serve_every_compound_beside_them_and_each_arm_its_own(tmp_path: Path) -> None:
    for number, (compound, dose) in enumerate(
        [("ipsapirone", 0.0), (None, 0.0), ("ipsapirone", 3.0), ("buspirone", 1.0), ("buspirone", 3.0)]
    ):
        write_session(
            tmp_path, f"R{number}", dose, {"punished_rate_per_min": float(number)}, arm=None, study=None,
            treatment=treatment(dose, compound=compound),
        )  # fmt: skip
    dataset = read_dataset(tmp_path)
    plans = {plan.compound: plan for plan in plans_of(dataset)}
    assert {name: plan.doses_mg_kg for name, plan in plans.items()} == {
        "buspirone": (0.0, 1.0, 3.0),
        "ipsapirone": (0.0, 3.0),
    }
    assert {name: len(sessions_of(dataset, plan)) for name, plan in plans.items()} == {"buspirone": 4, "ipsapirone": 3}
    assert all(plan.primary == "" and plan.n_per_dose is None for plan in plans.values())


def test_what_differs_between_sessions_is_not_told_as_the_arm_s(tmp_path: Path) -> None:
    for number, route in enumerate(("i.p.", "s.c.", "i.p.")):
        write_session(
            tmp_path, f"R{number}", float(number), {"punished_rate_per_min": float(number)}, arm=None, study=None,
            treatment=treatment(float(number), route=route, pretreatment_min=30.0),
        )  # fmt: skip
    (plan,) = plans_of(read_dataset(tmp_path))
    assert (plan.route, plan.pretreatment_min, plan.vehicle) == ("", 30.0, "saline")


def test_the_arrive_items_are_the_essential_ten_in_order_and_each_says_something(tmp_path: Path) -> None:
    """Percie du Sert et al. 2020, PLoS Biology 18: e3000410, table 1."""
    dataset = loose(tmp_path, [("R1", 0.0, 1.0, "completed"), ("R2", 3.0, 2.0, "completed")])
    items = arrive(dataset, summarize_arms(dataset))
    assert [item.item for item in items] == [
        "1 Study design", "2 Sample size", "3 Inclusion and exclusion", "4 Randomisation", "5 Blinding",
        "6 Outcome measures", "7 Statistical methods", "8 Experimental animals", "9 Experimental procedures",
        "10 Results",
    ]  # fmt: skip
    assert all(item.said or item.missing for item in items)
