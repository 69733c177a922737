"""The script that refits every model in R: whole, safe with odd names, and right where R is at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from behavior.model.measures import MEASURES
from behavior.summary.course import course_of
from behavior.summary.ed50 import NoEd50
from behavior.summary.exchange import write_exchange
from behavior.summary.methods import METHODS
from behavior.summary.per_dose import ArmSummary
from behavior.summary.r_script import script, write_r
from summary.made import arm_of, endpoint_of
from summary.test_against_vehicle import COUNT, LATENCY, OF_KIND, SHARE, clustered, example, units_of
from summary.units_of_curves import curve_units

DAYS = "days"


def followed() -> ArmSummary:
    """Groups followed over three days, with a session missing."""
    rng = np.random.default_rng(5)
    rows = [
        (f"R{g}{i}", dose, day, 100 - 10 * dose + rng.normal(0, 4) + 6 * (i % 3))
        for g, dose in enumerate((0.0, 1.0, 3.0))
        for i in range(5)
        for day in (1, 8, 15)
    ]
    sessions = pd.DataFrame(rows[1:], columns=["unit", "dose_mg_kg", "day", "calling_time_s"])
    sessions = sessions.assign(left_out="", duration_s=300.0)
    course = course_of(sessions, MEASURES["calling_time_s"], "animal")
    assert course is not None and course.averaged is not None
    means = sessions.groupby(["dose_mg_kg", "unit"])["calling_time_s"].mean().to_numpy()
    units = units_of("rate", doses=np.repeat([0.0, 1.0, 3.0], 5))
    endpoint = endpoint_of(type(units)(units.subjects, units.doses, means, units.censored, None, units.periods),
                           MEASURES["calling_time_s"])  # fmt: skip
    return arm_of(DAYS, [replace(endpoint, course=course, test=course.averaged.test)])


@cache
def every_model() -> list[ArmSummary]:
    """Each method on data that it suits, and each kind of curve."""
    arms = [arm_of(name, [endpoint_of(*_example(name), name)]) for name in METHODS]
    arms.append(arm_of("trials", [endpoint_of(clustered(4, effect=0.25, n=4), MEASURES["mean_escape_latency_s"])]))
    arms.append(
        arm_of("trials cox", [endpoint_of(clustered(4, effect=0.25, n=4), MEASURES["mean_latency_s"], "cox_plain")])
    )
    for kind, measure in (("share", SHARE), ("count", COUNT), ("latency", LATENCY), ("rate", OF_KIND["rate"])):
        arms.append(arm_of(f"curve {kind}", [endpoint_of(curve_units(kind), measure)]))
    arms.append(arm_of("curve absolute", [endpoint_of(curve_units("rate"), OF_KIND["rate"], percent=50.0)]))
    return [*arms, followed()]


def _example(name: str):
    units, kind = example(name)
    return units, OF_KIND[kind]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    (out / "tables").mkdir()
    write_exchange(every_model(), out / "tables")
    write_r(every_model(), out)
    return out


def test_every_method_and_curve_has_its_call(written: Path) -> None:
    text = (written / "analysis.R").read_text(encoding="utf-8")
    head, calls = (
        text.split("refit <- function")[0],
        re.findall(r'^refit\("([^"]+)", "[^"]+", (\w+)', text, re.MULTILINE),
    )
    called = {function for _, function in calls}
    assert set(METHODS) | {"ed50", "group_by_day"} <= called
    for function in called:
        assert re.search(rf"^{function} <- function", head, re.MULTILINE), function
    curves = [arm for arm, function in calls if function == "ed50"]
    assert {"curve share", "curve count", "curve latency", "curve rate", "curve absolute"} <= set(curves)


def test_the_models_table_holds_what_the_report_says(written: Path) -> None:
    table = pd.read_csv(written / "tables" / "models.csv")
    arm = next(arm for arm in every_model() if arm.plan.name == "curve share")
    found = arm.endpoints[0].ed50
    assert not isinstance(found, NoEd50)
    here = table[table["arm"] == "curve share"].set_index("quantity")["value"]
    assert here["ED50"] == pytest.approx(found.estimate)
    assert here["p 10"] == pytest.approx(arm.endpoints[0].rows[4].against.p)


def test_names_are_strings_of_r_whatever_is_in_them() -> None:
    units = units_of("rate")
    text = script([arm_of('8-OH "DPAT"\\ µ', [endpoint_of(units, OF_KIND["rate"])])])
    assert 'refit("8-OH \\"DPAT\\"\\\\ µ", "punished_rate_per_min", dunnett)' in text


def test_equal_data_give_equal_bytes(tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place / "tables").mkdir(parents=True)
        trials = arm_of("trials", [endpoint_of(clustered(4, n=4), MEASURES["mean_escape_latency_s"])])
        write_r([followed(), trials], tmp_path / place)
    for name in ("analysis.R", "tables/models.csv", "tables/unit_trials.csv", "tables/unit_days.csv"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_r_finds_the_same_figures(written: Path) -> None:
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("needs R: on Debian, `apt-get install r-base-core r-cran-survival r-cran-mass`")
    done = subprocess.run(
        [rscript, "--vanilla", "analysis.R"], cwd=written, capture_output=True, text=True, check=False
    )
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.endswith("FALSE")] == []
    wrong = [line for line in lines if line.startswith("not refitted:") and "needs the package" not in line]
    assert wrong == []
    assert re.fullmatch(r"(\d+) of \1 figures agree", lines[-1])
    assert done.returncode == 0, done.stderr
    compared = int(lines[-1].split()[0])
    assert compared > 40
