"""An endpoint day by day, where units were followed at one dose: group × day, and every dose on each day.

Rates, ratios, durations, shares (as fractions of their trials) and counts (as √(y + 0.5)) have a linear mixed model
with group, day and their interaction, so that a missing session costs that session and no more. Its contrasts averaged
over the days are what the doses are judged by; the simple effects on each day are adjusted together (Holm). Latencies
have log-rank scores within each day: groups are compared day by day, over days and in how they change from day to day
by rearranging whole units with all their days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from behavior.model.errors import BadInput
from behavior.model.measures import Measure
from behavior.summary.by_means import ROOT
from behavior.summary.cox import animal_scores, whole_animal_tests
from behavior.summary.derivatives import Floats
from behavior.summary.groups import level_label
from behavior.summary.multiplicity import adjust_p
from behavior.summary.ranks import permutation_profiles
from behavior.summary.repeated import GroupByTime, RepeatedComparison, averaged_over_time, group_by_time
from behavior.summary.survival import latencies
from behavior.summary.transforms import transformed
from behavior.summary.vehicle_test import (
    CONF_LEVEL,
    Against,
    Compared,
    VehicleTest,
    effective_doses,
    in_unit,
    p_text,
)

if TYPE_CHECKING:
    import pandas as pd

OVER_DAYS = "Dunnett over days"


@dataclass(frozen=True, slots=True)
class DayRow:
    """A dose on a day. `against` is pointwise with p over all days and doses together (Holm); None for the vehicle."""

    day: int
    dose_mg_kg: float
    n: int
    mean: float | None
    sem: float | None
    against: Against | None


@dataclass(frozen=True)
class Course:
    """An endpoint over days.

    Attributes
    ----------
    days : ascending
    rows : every day and dose
    overall : the tests of group, day and their interaction, as a sentence
    scale : what differences are
    averaged : every dose against vehicle over all days; None where there is no such model
    why_not : why nothing was tested; empty where it was
    analysed : what the model had, one row a unit and day: subject, day, dose_mg_kg, response
    """

    days: tuple[int, ...]
    rows: tuple[DayRow, ...]
    overall: str
    scale: str
    averaged: Compared | None
    why_not: str = ""
    analysed: pd.DataFrame | None = None


def course_of(sessions: pd.DataFrame, measure: Measure, unit: str) -> Course | None:
    """The course of an endpoint; None unless units were seen on several days, each at one dose.

    Parameters
    ----------
    sessions : of an arm, with the experimental unit in `unit`
    measure : the endpoint
    unit : what a unit is called
    """
    analysed = sessions[(sessions["left_out"] == "") & sessions["day"].notna()]
    if measure.name not in analysed or analysed["day"].nunique() < 2:
        return None
    per_unit = analysed.groupby("unit")
    if (per_unit["dose_mg_kg"].nunique() > 1).any() or not (per_unit["day"].nunique() > 1).any():
        return None
    table = _one_a_day(analysed, measure)
    days = tuple(sorted({int(day) for day in table["day"]}))
    try:
        return (
            _latency_course(table, measure, days) if measure.kind == "latency" else _course(table, measure, days, unit)
        )
    except BadInput as error:
        return Course(days, _described(table, days, {}), "", "", None, str(error))
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        why = f"the data are too few or too much alike for this test ({error})"
        return Course(days, _described(table, days, {}), "", "", None, why)


def _one_a_day(analysed: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    flag = f"{measure.name.removesuffix('_s')}_censored"
    response = analysed[measure.name].astype("float64")
    if measure.kind == "share" and measure.name.startswith("n_") and measure.of in analysed:
        lost = analysed[measure.less].fillna(0) if measure.less in analysed else 0
        response = response / (analysed[measure.of] - lost)
    censored = analysed[flag].eq(True) if flag in analysed else response != response
    lasted = analysed["duration_s"]
    rows = analysed.assign(
        response=response,
        shown=analysed[measure.name].astype("float64"),
        censored=censored,
        cut_off=analysed["window_s"].fillna(lasted) if "window_s" in analysed else lasted,
    )
    grouped = rows.groupby(["day", "dose_mg_kg", "unit"], sort=True, as_index=False)
    return grouped.agg(
        response=("response", "mean"), shown=("shown", "mean"), censored=("censored", "any"), cut_off=("cut_off", "max")
    )


def _course(table: pd.DataFrame, measure: Measure, days: tuple[int, ...], unit: str) -> Course:
    responses, scale = table["response"].to_numpy(dtype=np.float64), f"Difference from vehicle{in_unit(measure)}"
    if measure.kind == "count":
        responses, scale = transformed(responses, "sqrt(y+0.5)"), f"Difference of {ROOT}"
    if measure.kind == "share":
        scale = "Difference of fraction"
    found = group_by_time(
        responses, table["dose_mg_kg"].tolist(), table["day"].astype(int).tolist(), table["unit"].tolist(),
        reference=0.0, conf_level=CONF_LEVEL,
    )  # fmt: skip
    by_day = {(c.at, c.level): Against(c.estimate, c.lo, c.hi, c.p_holm, None, c.p) for c in found.comparisons}
    overall = _overall(found, unit)
    figures = {
        "F group": found.group.f, "F day": found.time.f, "F group:day": found.interaction.f,
        "p group": found.group.p, "p day": found.time.p, "p group:day": found.interaction.p,
    }  # fmt: skip
    averages = averaged_over_time(found, CONF_LEVEL)
    averaged = _averaged(averages, scale, overall, figures)
    had = table.assign(response=responses, subject=table["unit"], day=table["day"].astype(int))
    had = had[["subject", "day", "dose_mg_kg", "response"]]
    return Course(days, _described(table, days, by_day), overall, scale, averaged, analysed=had)


def _overall(found: GroupByTime, unit: str) -> str:
    parts = (("group", found.group), ("day", found.time), ("group × day", found.interaction))
    said = "; ".join(f"{name} F({f.df1:g}, {f.df2:.1f}) = {f.f:.2f}, p {p_text(f.p)}" for name, f in parts)
    return f"Mixed model of {found.n} sessions of {found.n_subjects} {unit}s: {said}"


def _averaged(
    averages: tuple[RepeatedComparison, ...], scale: str, overall: str, figures: Mapping[str, float]
) -> Compared:
    against = {
        c.level: Against(c.estimate, c.lo, c.hi, c.p_holm if c.p_dunnett is None else c.p_dunnett, None, c.p)
        for c in averages
    }
    test = VehicleTest(
        name=OVER_DAYS, scale=f"{scale}, mean of days", overall=overall, effective=effective_doses(against),
        method="group_by_day", figures=figures,
    )  # fmt: skip
    return Compared(test, against)


def _latency_course(table: pd.DataFrame, measure: Measure, days: tuple[int, ...]) -> Course:
    tests: dict[tuple[str, str], tuple[float, float]] = {}
    scores: dict[int, dict[str, float]] = {}
    for day in days:
        here = table[table["day"] == day]
        time = here["cut_off"].where(here["censored"], here["response"]).to_numpy(dtype=np.float64)
        present = np.isfinite(time)
        found = latencies(
            time[present], ~here["censored"].to_numpy()[present], here["dose_mg_kg"].to_numpy()[present].tolist(),
            reference=0.0,
        )  # fmt: skip
        names, sums, _ = animal_scores(found, here["unit"].to_numpy()[present].tolist(), found.levels)
        scores[day] = dict(zip(names.tolist(), sums.tolist(), strict=True))
        medians = {level: float(np.median(found.of(level)[0])) for level in found.levels}
        for c in whole_animal_tests(found, here["unit"].to_numpy()[present].tolist()):
            tests[str(day), c.level] = (medians[c.level] - medians[c.reference], c.p)
    holm = adjust_p([p for _, p in tests.values()], "holm")
    by_day = {
        place: Against(size, None, None, float(adjusted), None, p)
        for (place, (size, p)), adjusted in zip(tests.items(), holm, strict=True)
    }
    said = f"{_over_days(table, days, scores)}on each day p over all days and doses together (Holm)"
    return Course(days, _described(table, days, by_day), said, f"Difference of medians{in_unit(measure)}", None)


def _over_days(table: pd.DataFrame, days: tuple[int, ...], scores: Mapping[int, Mapping[str, float]]) -> str:
    """Group over days and group × day, by rearranging whole units with the scores of all their days."""
    doses = table.groupby("unit")["dose_mg_kg"].first()
    whole = [unit for unit in doses.index if all(str(unit) in scores[day] for day in days)]
    profiles = np.array([[scores[day][str(unit)] for day in days] for unit in whole])
    groups = [doses[unit] for unit in whole]
    start = "Log-rank scores compared by rearranging whole units"
    try:
        means = profiles.mean(axis=1, keepdims=True)
        group, interaction = permutation_profiles(means, groups), permutation_profiles(profiles - means, groups)
    except (BadInput, IndexError, ValueError):
        return f"{start}; group × day cannot be tested, for no two groups have units seen on every day; "
    seen = f"the {len(whole)} of {len(doses)}" if len(whole) < len(doses) else f"all {len(doses)}"
    return (
        f"{start}, of {seen} seen on every day: group over days p {p_text(group.p)}, group × day p "
        f"{p_text(interaction.p)} (each unit's scores less their mean); "
    )


def _described(
    table: pd.DataFrame, days: tuple[int, ...], by_day: Mapping[tuple[str, str], Against]
) -> tuple[DayRow, ...]:
    rows = []
    for day in days:
        for dose in sorted(set(table["dose_mg_kg"])):
            here: Floats = table.loc[(table["day"] == day) & (table["dose_mg_kg"] == dose), "shown"].to_numpy()
            here = here[np.isfinite(here)]
            n = len(here)
            rows.append(
                DayRow(
                    day, float(dose), n, float(here.mean()) if n else None,
                    float(here.std(ddof=1) / np.sqrt(n)) if n > 1 else None, by_day.get((str(day), level_label(dose))),
                )
            )  # fmt: skip
    return tuple(rows)
