"""What stands on the page only where the data call for it: potency, a turn, legacy lines, what was drunk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from behavior.study.dataset import read_dataset
from behavior.summary.drinking import intake_rows
from behavior.summary.hormesis import brain_cousens
from behavior.summary.per_dose import summarize_arms
from behavior.summary.report import write_report
from study.datasets import STUDY, given, write_session
from summary.test_report import Page

DOSES = [0.0, 0.3, 1.0, 3.0, 10.0, 30.0]
N = 5
ARM = """
[[arms]]
name = "{name}"
paradigm = "{paradigm}"
compound = "{compound}"
vehicle = "saline"
route = "i.p."
pretreatment_min = 30
doses_mg_kg = [0, 0.3, 1, 3, 10, 30]
n_per_dose = 5
endpoints = ["{measure}"]
primary = "{measure}"
"""
CALLING, LATENCY = "calling_time_s", "retention_latency_s"


def write_study(path: Path, *, only: str = "") -> Path:
    """Two compounds on calling, a third that first raises it, and one on step-through latency; or one of these."""
    rng, grid = np.random.default_rng(4), np.repeat(DOSES, N)
    falls = {
        "strong": 5 + 135 / (1 + (grid / 1.2) ** 1.6),
        "weak": 5 + 135 / (1 + (grid / 4.0) ** 1.6),
        "turning": brain_cousens(grid, np.array([4.0, 5.0, 80.0, 6.0, 40.0])),
    }
    falls = {name: level for name, level in falls.items() if only in ("", name)}
    path.mkdir()
    arms = [ARM.format(name=name, paradigm="conditioned_usv", compound=name, measure=CALLING) for name in falls]
    if not only:
        arms.append(ARM.format(name="avoidance", paradigm="passive_avoidance", compound="old", measure=LATENCY))
    (path / "study.toml").write_text(STUDY.split("[[arms]]")[0].format() + "".join(arms))
    for name, level in falls.items():
        for k, (dose, mean) in enumerate(zip(grid, level, strict=True)):
            measures = {CALLING: float(max(mean + rng.normal(0, 8), 0.0))}
            write_session(
                path, f"{name[:1].upper()}{k:02d}", float(dose), measures, arm=name, paradigm="conditioned_usv",
                parameters={"test_s": 300.0}, treatment=given(float(dose), compound=name),
            )  # fmt: skip
    for k, dose in enumerate([] if only else grid):
        entered = k % N < round(N * dose / (dose + 2))
        latency = {LATENCY: 40.0 + 10 * (k % N) if entered else None, "retention_latency_censored": not entered}
        write_session(
            path, f"P{k:02d}", float(dose), {**latency, "window_s": 300.0}, arm="avoidance",
            paradigm="passive_avoidance", parameters={}, treatment=given(float(dose), compound="old"),
        )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("sections")
    return write_report(read_dataset(write_study(place / "data")), place / "out").parent


@pytest.fixture(scope="module")
def page(out: Path) -> Page:
    return Page((out / "report.html").read_text(encoding="utf-8"))


def test_two_compounds_of_one_study_have_a_relative_potency_and_its_figure(page: Page, out: Path) -> None:
    assert "Relative potency" in page.text
    assert "Strong is " in page.text and " times as potent as weak [" in page.text
    assert "Nothing speaks against parallel curves (F(3, " in page.text
    assert (out / "figures" / "potency-strong-weak.svg").is_file()
    assert "The potency of strong relative to turning is not given: there is no ED50 of turning." in page.text
    assert "Zou and Donner 2008" in page.text


def test_an_effect_that_turns_is_told_with_its_directions_and_curve(page: Page, out: Path) -> None:
    assert "A curve that turns (Brain–Cousens, BC.5, least squares) describes the data better" in page.text
    assert "Directions per dose: raised at " in page.text
    assert "the curve that turns (Brain–Cousens)" in page.text
    assert (out / "figures" / "turning-calling_time_s-dose-response.svg").is_file()


def test_legacy_lines_stand_under_latencies(page: Page) -> None:
    assert "As older papers have it, by the share of animals that responded before the cut-off (0/5 under" in page.text
    assert "Litchfield–Wilcoxon ED50" in page.text
    assert page.misplaced == page.open == []


def test_no_end_of_a_curve_of_calling_time_is_below_0(out: Path) -> None:
    models = pd.read_csv(out / "tables" / "models.csv")
    ends = models[models["quantity"].isin(["curve c", "curve d"])]
    assert len(ends) and (ends["value"] >= 0).all()


def test_what_was_drunk_stands_beside_what_was_planned(tmp_path: Path) -> None:
    dataset = read_dataset(write_study(tmp_path / "data", only="strong"))
    unit, columns = (
        dataset.sessions.set_index("subject")["dose_mg_kg"],
        ["unit", "arm", "blind_code", "day", "until_day"],
    )
    rows = [
        (subject, "strong", f"C{k}", day, day + 7, 30.0 + k, (30.0 + k) * dose / 30)
        for k, (subject, dose) in enumerate(unit[unit.index.str.startswith("S")].items())
        for day in (0, 7)
    ]
    drunk = pd.DataFrame(rows, columns=[*columns, "intake_ml_per_animal_day", "dose_mg_kg_per_day"])
    dataset = replace(dataset, intake=drunk)
    plans = [arm.plan for arm in summarize_arms(dataset) if arm.plan.name == "strong"]
    found = intake_rows(dataset, plans[0])
    assert [(row.dose_mg_kg, row.first_day, row.n) for row in found] == [(d, day, N) for day in (0, 7) for d in DOSES]
    highest = found[5]
    assert (highest.ml, highest.mg_kg) == pytest.approx((57.0, 57.0))
    assert highest.ml_sem == pytest.approx(np.std(np.arange(5), ddof=1) / 5**0.5)
    assert intake_rows(dataset, replace(plans[0], arm="weak", name="weak")) == ()
    assert intake_rows(replace(dataset, intake=drunk.assign(dose_mg_kg_per_day=np.nan)), plans[0]) == ()
    out = write_report(dataset, tmp_path / "out").parent
    told = Page((out / "report.html").read_text(encoding="utf-8"))
    assert "Really taken in" in told.text
    assert ["30 mg/kg", "0 to 7", "5", "57.0 ± 0.7", "57.00 ± 0.71"] in told.cells
    assert (out / "figures" / "strong-intake.svg").is_file()
