"""Groups, cages, days and records: what was planned is what is compared, and what is missing is told."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from behavior.study.dataset import read_dataset
from behavior.study.plan import PLAN_FILE, PlanRow, write_plan
from behavior.summary import wording
from behavior.summary.per_dose import ArmSummary, summarize_arms
from behavior.summary.records_text import arrive, flow
from behavior.summary.report import write_report
from study.datasets import STUDY, write_conflict, write_session
from summary.test_report import Page

SHUTTLE = """
[[arms]]
name = "escape"
paradigm = "shuttle_escape"
compound = "ipsapirone"
vehicle = "saline"
route = "i.p."
pretreatment_min = 30
doses_mg_kg = [0, 1]
n_per_dose = 3
endpoints = ["n_failures", "mean_escape_latency_s", "n_intertrial_crossings"]
primary = "n_failures"
motor_control = "n_intertrial_crossings"
"""
GROUPS = 'groups = [{ name = "helpless" }, { name = "not-shocked", doses_mg_kg = [0] }]\n'


def row(subject: str, dose: float, **more: object) -> PlanRow:
    return PlanRow(subject, "escape", dose, None, "A", "2026-03-02T09:00:00+00:00", 7, **more)  # type: ignore[arg-type]


def write_escape(path: Path, animals: list[tuple[str, float, list[int], dict[str, object]]], more: str = "") -> Path:
    """Sessions of 30 trials with these failures, one a day; and the plan."""
    path.mkdir()
    (path / "study.toml").write_text(STUDY.split("[[arms]]")[0].format() + SHUTTLE + more)
    rows = []
    for k, (subject, dose, failures, planned) in enumerate(animals):
        for day, n in enumerate(failures, start=1):
            measures = {
                "n_trials": 30, "n_trials_invalid": 0, "n_failures": n, "mean_escape_latency_s": 1.5 + n / 20,
                "n_intertrial_crossings": 3 + (k + day) % 4,
            }  # fmt: skip
            folder = write_session(
                path, subject, dose, measures, arm="escape", paradigm="shuttle_escape", parameters={},
                day=day if len(failures) > 1 else None, started_at=f"2026-03-{day:02d}T09:00:00+00:00",
            )  # fmt: skip
            lines = [f"{t},{'failure' if t <= n else 'escape'},{3.0 if t <= n else 1.0 + 0.05 * t},{t <= n}"
                     for t in range(1, 31)]  # fmt: skip
            text = "\n".join(["trial,outcome,latency_us_s,censored", *lines])
            (folder.path / "trials.csv").write_text(text + "\n")
            rows.append(row(subject, dose, day=day if len(failures) > 1 else None, **planned))
    write_plan(rows, path / PLAN_FILE)
    return path


def only_arm(path: Path) -> ArmSummary:
    (arm,) = summarize_arms(read_dataset(path))
    return arm


def helpless(path: Path) -> Path:
    animals = [(f"H{i}", 0.0, [24 + i], {"group": "helpless"}) for i in range(3)]
    animals += [(f"D{i}", 1.0, [10 + 2 * i], {"group": "helpless"}) for i in range(3)]
    animals += [(f"N{i}", 0.0, [3 + i], {"group": "not-shocked"}) for i in range(3)]
    return write_escape(path, animals, GROUPS)


def test_a_dose_is_compared_with_the_vehicle_of_its_own_group(tmp_path: Path) -> None:
    arm = only_arm(helpless(tmp_path / "data"))
    vehicle, drug = arm.primary.rows
    assert (vehicle.n, vehicle.described.mean) == (3, 25.0), "animals that were not shocked are not among them"
    assert drug.against is not None
    odds = (36 / 54) / (75 / 15)
    assert drug.against.estimate == pytest.approx(odds)


def test_other_groups_stand_beside_under_vehicle(tmp_path: Path) -> None:
    path = helpless(tmp_path / "data")
    dataset = read_dataset(path)
    assert dataset.warnings == ()
    first, second = only_arm(path).primary.controls
    assert (first.group, first.n, first.described.mean, first.against) == ("helpless", 3, 25.0, None)
    assert (second.group, second.n, second.described.mean) == ("not-shocked", 3, 4.0)
    assert second.against is not None and second.against.p_adjusted is not None
    assert second.against.estimate == pytest.approx((12 / 78) / (75 / 15))
    assert second.against.p_adjusted < 0.001
    page = Page(write_report(dataset, tmp_path / "out").read_text(encoding="utf-8"))
    cells = next(cells for cells in page.cells if cells[0] == "not-shocked")
    assert cells[1] == "3" and cells[2].startswith("4.0")
    assert "beside not-shocked under vehicle" in page.text
    assert "Groups under vehicle: not-shocked (n = 3) differs from helpless (n = 3), odds ratio 0.03 [" in page.text
    assert "Comparisons of helpless with not-shocked under vehicle are a family of their own" in page.text
    table = pd.read_csv(tmp_path / "out" / "tables" / "groups.csv")
    assert set(table["endpoint"]) == {"n_failures", "mean_escape_latency_s", "n_intertrial_crossings"}
    of_primary = table[table["primary"]].set_index("group")
    assert of_primary["n"].to_dict() == {"helpless": 3, "not-shocked": 3}
    assert of_primary.loc["not-shocked", "difference"] == pytest.approx((12 / 78) / (75 / 15))
    assert np.isnan(of_primary.loc["helpless", "difference"])
    assert page.misplaced == page.open == []


def test_the_contrast_of_groups_leaves_the_comparisons_of_doses_as_they_are(tmp_path: Path) -> None:
    with_others = only_arm(helpless(tmp_path / "with"))
    animals = [(f"H{i}", 0.0, [24 + i], {"group": "helpless"}) for i in range(3)]
    animals += [(f"D{i}", 1.0, [10 + 2 * i], {"group": "helpless"}) for i in range(3)]
    alone = only_arm(write_escape(tmp_path / "alone", animals, GROUPS))
    for one, other in zip(with_others.endpoints, alone.endpoints, strict=True):
        assert [row.against for row in one.rows] == [row.against for row in other.rows]
    assert alone.primary.control_test is None
    assert wording.control_sentence(alone.primary) == ""


def test_groups_that_do_not_differ_are_told_with_their_interval(tmp_path: Path) -> None:
    animals = [(f"H{i}", 0.0, [12 + 5 * i], {"group": "helpless"}) for i in range(3)]
    animals += [(f"D{i}", 1.0, [10 + 2 * i], {"group": "helpless"}) for i in range(3)]
    animals += [(f"N{i}", 0.0, [11 + 5 * i], {"group": "not-shocked"}) for i in range(3)]
    said = wording.control_sentence(only_arm(write_escape(tmp_path / "data", animals, GROUPS)).primary)
    assert re.fullmatch(
        r"Groups under vehicle: not-shocked \(n = 3\) was not shown to differ from helpless \(n = 3\), odds ratio "
        r"0\.87 \[0\.\d\d, \d+\.\d\d\], quasi-binomial p = 0\.\d+\.",
        said,
    ), said


def test_the_cage_is_the_unit_where_the_study_says_so(tmp_path: Path) -> None:
    animals = [
        (f"R{cage}{i}", dose, [n + i], {"unit": f"C{cage}", "cage": f"C{cage}"})
        for cage, (dose, n) in enumerate([(0.0, 20), (0.0, 22), (0.0, 19), (1.0, 9), (1.0, 12), (1.0, 8)])
        for i in range(2)
    ]
    more = 'experimental_unit = "cage"\nanimals_per_unit = 2\n'
    arm = only_arm(write_escape(tmp_path / "data", animals, more))
    vehicle, drug = arm.primary.rows
    assert (vehicle.n, drug.n, vehicle.n_run) == (3, 3, 6)
    assert vehicle.described.mean == pytest.approx(np.mean([20.5, 22.5, 19.5]))
    units = arm.primary.units
    assert units.unit == "cage" and sorted(set(units.subjects)) == [f"C{i}" for i in range(6)]
    assert units.trials is not None and set(units.trials) == {60.0}
    dataset = read_dataset(tmp_path / "data")
    assert flow(dataset, arm)[0].n_planned == 6
    assert "the experimental unit is the cage" in arrive(dataset, [arm])[0].said


def test_a_cage_of_two_doses_is_no_unit_and_nothing_is_tested(tmp_path: Path) -> None:
    animals = [(f"R{i}", float(i % 2), [10 + i], {"unit": f"C{i // 2}", "cage": f"C{i // 2}"}) for i in range(6)]
    arm = only_arm(write_escape(tmp_path / "data", animals, 'experimental_unit = "cage"\nanimals_per_unit = 2\n'))
    assert arm.primary.test is None
    assert arm.primary.no_test == "cage C0, C1, C2 holds animals of several doses, and a cage is treated as one"
    lost = [(f"R{i}", float(i % 2), [10 + i], {}) for i in range(6)]
    arm = only_arm(write_escape(tmp_path / "other", lost, 'experimental_unit = "cage"\nanimals_per_unit = 1\n'))
    assert "the cage of R0, R1, R2, R3 is not in the records" in arm.primary.no_test


def test_animals_followed_over_days_are_compared_over_them_and_on_each(tmp_path: Path) -> None:
    animals = [(f"R{i}", 0.0 if i < 4 else 1.0, [20 + i % 3, 19 + i, 18, 17 + i % 2], {}) for i in range(8)]
    animals = [(s, d, f if d == 0 else [n - 12 for n in f], p) for s, d, f, p in animals]
    path = write_escape(tmp_path / "data", animals, "days = [1, 2, 3, 4]\n")
    next((path / "sub-R2").glob("ses-*03T*/footer.json")).unlink()
    arm = only_arm(path)
    endpoint = arm.primary
    assert endpoint.test is not None and endpoint.course is not None
    assert endpoint.test.name == "Dunnett over days"
    assert endpoint.course.days == (1, 2, 3, 4)
    assert [row.n for row in endpoint.course.rows] == [4, 4, 4, 4, 3, 4, 4, 4], "a missing session costs that session"
    against = endpoint.rows[1].against
    assert against is not None and against.p_adjusted is not None
    assert against.estimate == pytest.approx(-12 / 30 + 2 / 30, abs=0.1)
    assert against.p_adjusted < 0.01
    assert all(row.against.p_adjusted < 0.05 for row in endpoint.course.rows if row.against and row.dose_mg_kg)
    latency = arm.endpoints[1]
    assert latency.test is not None and latency.course is not None
    assert latency.test.method == "log_rank" and "trials" in latency.test.overall
    assert latency.course.averaged is None and "group × day p = 0.72" in latency.course.overall
    out = write_report(read_dataset(path), tmp_path / "out").parent
    figures = {path.stem for path in (out / "figures").glob("*.svg")}
    assert {"escape-n_failures-days", "escape-mean_escape_latency_s-days", "escape-trials"} <= figures
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert "group, day and their interaction" in page.text


@pytest.mark.parametrize("failures", [[30] * 6, [0] * 6, [12] * 6], ids=["all at the cut-off", "none", "no variance"])
def test_a_study_without_variance_is_reported_with_reasons(tmp_path: Path, failures: list[int]) -> None:
    animals = [(f"R{i}", float(i % 2), [n], {}) for i, n in enumerate(failures)]
    path = write_escape(tmp_path / "data", animals)
    page = Page(write_report(read_dataset(path), tmp_path / "out").read_text(encoding="utf-8"))
    assert page.misplaced == page.open == []
    said = {30: "all trials ended alike", 0: "all trials ended alike"}.get(failures[0])
    if said:
        assert f"Escape failures: not tested, because {said}" in page.text
    assert "(To be exact: 1 dose besides the vehicle is too few" in page.text
    assert not re.search(r"\b(nan|inf)\b", page.text)


def test_one_animal_a_dose_is_described_and_not_tested(tmp_path: Path) -> None:
    path = write_escape(tmp_path / "data", [("R1", 0.0, [20], {}), ("R2", 1.0, [10], {})])
    arm = only_arm(path)
    assert [row.n for row in arm.primary.rows] == [1, 1]
    for endpoint in arm.endpoints:
        assert endpoint.test is None or all(
            row.against is None or row.against.p_adjusted is None or row.against.p_adjusted > 0.3
            for row in endpoint.rows
        )
    assert "nothing is known about the error" in arm.primary.no_test
    assert write_report(read_dataset(path), tmp_path / "out").is_file()


def test_arrive_items_hold_what_the_records_do_and_name_the_rest(tmp_path: Path) -> None:
    path = write_conflict(tmp_path / "data", {0.0: [1.0, 2.0, 3.0], 1.0: [2.0, 3.0, 4.0]})
    dataset = read_dataset(path)
    items = {item.item.split(" ", 1)[1]: item for item in arrive(dataset, summarize_arms(dataset))}
    assert len(items) == 10
    assert items["Sample size"].said == (
        "conflict: 3 animals a dose planned, 3 and 3 analysed on the primary endpoint"
    )  # fmt: skip
    assert items["Randomisation"].missing == "the method and seed of allocation"
    assert items["Blinding"].missing == "who knew the allocation at which stage"
    assert "Secondary: conflict: unpunished responses and shocks delivered" in items["Outcome measures"].said
    assert items["Experimental animals"].missing == "age, source, housing, health and light phase"
    (path / "study.toml").write_text(
        'exclusion_rules = [{ name = "ill", says = "weight falls by 20 %" }]\n' + (path / "study.toml").read_text()
    )
    dataset = read_dataset(path)
    told = next(item for item in arrive(dataset, summarize_arms(dataset)) if item.item.startswith("3"))
    assert "a priori: ill (weight falls by 20 %)" in told.said and told.missing == ""


def test_every_figure_of_numbers_in_the_per_dose_json_is_a_number_or_missing(tmp_path: Path) -> None:
    import pandas as pd

    path = helpless(tmp_path / "data")
    out = write_report(read_dataset(path), tmp_path / "out").parent
    table = pd.read_csv(out / "tables" / "per_dose.csv")
    assert set(table["unit"]) == {"animal"}
    assert table["method"].isin(["quasi_binomial", "log_rank", "permutation"]).all()
    assert not json.dumps(table["p"].dropna().tolist()).count("NaN")
    assert all(0 <= p <= 1 for p in table["p"].dropna())
    assert math.isfinite(table["difference"].dropna().iloc[0])
