"""The per-dose summary of an arm: what each dose did, whether it differs from vehicle, and its ED50.

Rules.

1.  **The unit is what was treated**: an animal, a pair or a cage. Sessions of a unit at a dose are put together first.
2.  **The method follows the kind of outcome** (see `against_vehicle`), unless a person names another.
3.  **One family per endpoint.** All comparisons of an endpoint with vehicle are adjusted together. One endpoint is
    primary; the others are secondary and are not adjusted for being many.
4.  **A censored latency is not a missing one**: quartiles count it as longer than all others, and means, which cannot,
    are marked.
5.  **No figure without its n**, and nothing left out without its reason.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from behavior.model.measures import MEASURES, Measure
from behavior.study.dataset import natural_order
from behavior.summary.against_vehicle import Effects, compared, effects
from behavior.summary.arms import ArmPlan, Choices, plans_of, sessions_of, sessions_of_arm
from behavior.summary.course import Course, course_of
from behavior.summary.derivatives import Floats
from behavior.summary.describe import LevelDescription, describe
from behavior.summary.ed50 import Ed50, NoEd50
from behavior.summary.ed50_by_kind import ed50_of
from behavior.summary.groups import level_label
from behavior.summary.legacy import Lines, lines_of
from behavior.summary.names import dose_text, listed, plain
from behavior.summary.outcome_ed50 import OutcomeEd50
from behavior.summary.turning import Turn, turn_of
from behavior.summary.units import TrialTimes, Units
from behavior.summary.vehicle_test import ALPHA, CONF_LEVEL, Against, Compared, VehicleTest

if TYPE_CHECKING:
    import pandas as pd

    from behavior.study.dataset import Dataset


@dataclass(frozen=True, slots=True)
class DoseRow:
    """One dose. Of `n_run` sessions `n_left_out` are not analysed; `n_censored` animals did not respond in time."""

    dose_mg_kg: float
    n_planned: int | None
    n_run: int
    n_left_out: int
    n_censored: int
    described: LevelDescription
    against: Against | None
    effects: Effects

    @property
    def n(self) -> int:
        """Animals analysed, those that did not respond in time among them."""
        return self.described.n + self.n_censored


@dataclass(frozen=True, slots=True)
class ControlRow:
    """Another group of the arm under vehicle, such as animals that were not shocked, against this one's vehicle."""

    group: str
    n: int
    described: LevelDescription
    against: Against | None


@dataclass(frozen=True)
class EndpointSummary:
    """One endpoint of an arm. `no_test` says why there is no test."""

    measure: Measure
    is_primary: bool
    is_motor_control: bool
    rows: tuple[DoseRow, ...]
    test: VehicleTest | None
    no_test: str
    ed50: Ed50 | OutcomeEd50 | NoEd50
    notes: tuple[str, ...]
    units: Units
    course: Course | None = None
    """The endpoint day by day, where animals were followed at their dose."""
    turn: Turn | str | None = None
    """The curve that turns, or why there is none, where the data call for one."""
    lines: Lines | None = None
    """Lines through shares of animals, as old papers have them, where animals responded or did not."""
    controls: tuple[ControlRow, ...] = ()
    control_test: VehicleTest | None = None
    """Of these groups against each other, apart from the comparisons of doses."""
    no_control_test: str = ""
    """Why there is none, where there are such groups."""

    @property
    def vehicle(self) -> DoseRow:
        """The vehicle's row."""
        return self.rows[0]


@dataclass(frozen=True)
class ArmSummary:
    """All endpoints of an arm, the primary first."""

    plan: ArmPlan
    endpoints: tuple[EndpointSummary, ...]
    left_out: tuple[tuple[str, str], ...]
    """Session and reason."""
    multiplicity: str
    unmade: str
    """Why there is no summary; empty where there is one."""

    @property
    def primary(self) -> EndpointSummary:
        """The endpoint on which the arm is judged; the first where none was named."""
        return next((endpoint for endpoint in self.endpoints if endpoint.is_primary), self.endpoints[0])

    @property
    def motor_control(self) -> EndpointSummary | None:
        """What tells a sedated animal from a calm one."""
        return next((endpoint for endpoint in self.endpoints if endpoint.is_motor_control), None)


def summarize_arms(dataset: Dataset, choices: Choices | None = None) -> tuple[ArmSummary, ...]:
    """Every arm of a dataset, in the order of the study file.

    Parameters
    ----------
    dataset : from `study.dataset.read_dataset`
    choices : methods and percentages that a person chose over those of the study file
    """
    chosen = choices or Choices()
    return tuple(summarize_arm(dataset, chosen.over(plan)) for plan in plans_of(dataset))


def summarize_arm(dataset: Dataset, plan: ArmPlan) -> ArmSummary:
    """Per-dose summaries of an arm's endpoints.

    A blinded arm has none: until it is unblinded its doses are not known here.
    """
    sessions = sessions_of(dataset, plan)
    left_out = sessions[sessions["left_out"] != ""]
    reasons = tuple(zip(left_out["session"], left_out["left_out"], strict=True))
    unmade = _unmade(sessions, plan)
    trials = dataset.rows.get("trials")
    endpoints = () if unmade else tuple(_endpoint(sessions, trials, plan, measure) for measure in plan.endpoints)
    if plan.controls and endpoints:
        everyone = sessions_of_arm(dataset, plan)
        endpoints = tuple(_with_controls(endpoint, everyone, trials, plan) for endpoint in endpoints)
    return ArmSummary(plan, endpoints, reasons, _multiplicity(plan), unmade)


def _unmade(sessions: pd.DataFrame, plan: ArmPlan) -> str:
    analysed = sessions[sessions["left_out"] == ""]
    if not len(sessions):
        return "none of its sessions is in the dataset"
    if analysed["dose_mg_kg"].isna().any():
        return (
            "its sessions carry blind codes and no doses, so that only their quality can be checked; "
            "a per-dose summary is made after `behavior unblind`"
        )
    if not len(analysed):
        return "none of its sessions can be analysed; the reasons are listed"
    if not (analysed["dose_mg_kg"] == 0).any():
        return "no session with the vehicle (dose_mg_kg = 0) can be analysed, and every dose is compared with it"
    if not plan.endpoints:
        return "its sessions have no measure that this version knows"
    return ""


def _multiplicity(plan: ArmPlan) -> str:
    family = "All comparisons of an endpoint with vehicle are one family, adjusted together."
    if plan.controls:
        family += (
            f" Comparisons of {plan.group} with {listed(plan.controls)} under vehicle are a family of their own: they "
            "ask whether the preparation worked, and not what the drug does."
        )
    if not plan.primary:
        return f"{family} No endpoint was named as primary: without a study file, all of them explore."
    others = len(plan.endpoints) - 1
    label = MEASURES[plan.primary].label
    if others < 1:
        return f"{family} The primary endpoint is {plain(label)}."
    rest = "The other endpoint is" if others == 1 else f"The other {others} endpoints are"
    return (
        f"{family} The primary endpoint is {plain(label)}. {rest} secondary: p-values are not adjusted for the number "
        "of endpoints."
    )


# -- one endpoint -----------------------------------------------------------------------------------------------------


def vehicle_test(sessions: pd.DataFrame, trials: pd.DataFrame | None, plan: ArmPlan, measure: Measure) -> Compared:
    """How the doses of an endpoint compare with vehicle: what `summarize_arm` finds, and nothing else of it.

    Parameters
    ----------
    sessions : of the arm, as in a dataset's session table
    trials : the table of trials, if there is one
    """
    named, astray = _of_units(sessions, plan.unit)
    if astray:
        return Compared(why_not=astray)
    table = _units(named, measure)
    units = _as_units(table, measure, plan.unit, _trial_times(named, trials, table, measure))
    method, course = plan.methods.get(measure.name, ""), course_of(named, measure, plan.unit)
    if course is not None and course.averaged is not None and not method:
        return course.averaged
    return compared(units, measure, method)


def _endpoint(sessions: pd.DataFrame, trials: pd.DataFrame | None, plan: ArmPlan, measure: Measure) -> EndpointSummary:
    named, astray = _of_units(sessions, plan.unit)
    table = _units(named, measure)
    units = _as_units(table, measure, plan.unit, _trial_times(named, trials, table, measure))
    method = plan.methods.get(measure.name, "")
    found = Compared(why_not=astray) if astray else compared(units, measure, method)
    course = None if astray else course_of(named, measure, plan.unit)
    if course is not None and course.averaged is not None and not method:
        found = course.averaged
    half = ed50_of(
        units, measure, percent_of_vehicle=plan.percent_of_vehicle.get(measure.name),
        asymptotes=plan.asymptotes.get(measure.name),
    )  # fmt: skip
    rows = _rows(sessions, plan, table, found.against)
    return EndpointSummary(
        measure=measure,
        is_primary=measure.name == plan.primary,
        is_motor_control=measure.name == plan.motor_control,
        rows=rows,
        test=found.test,
        no_test=found.why_not,
        ed50=NoEd50((astray,), None, len(table), table["dose_mg_kg"].nunique()) if astray else half,
        notes=_notes(table, measure, plan.unit),
        units=units,
        course=course,
        turn=None if astray else turn_of(units, measure, half, directions_of(found)),
        lines=None if astray else lines_of(units, measure),
    )


def directions_of(found: Compared) -> list[int]:
    """Of the doses that differ from vehicle: 1 where the endpoint is higher, -1 where it is lower."""
    if found.test is None:
        return []
    sign = -1 if found.test.quickens else 1
    return [
        sign if against.estimate > found.test.null else -sign
        for against in found.against.values()
        if against.p_adjusted is not None and against.p_adjusted < ALPHA
    ]


def _with_controls(
    endpoint: EndpointSummary, sessions: pd.DataFrame, trials: pd.DataFrame | None, plan: ArmPlan
) -> EndpointSummary:
    """The endpoint with the other groups of the arm under vehicle, compared by the same method as doses are."""
    groups = (plan.group, *plan.controls)
    here = sessions[(sessions["dose_mg_kg"] == 0) & sessions["group"].isin(groups)]
    # Groups stand where doses do: the first, which got the drug in others of its animals, is the reference.
    coded = here.assign(dose_mg_kg=here["group"].map({name: float(i) for i, name in enumerate(groups)}))
    named, astray = _of_units(coded, plan.unit)
    if astray or not (named["left_out"] == "").any():
        return replace(endpoint, no_control_test=astray or "no session of theirs can be analysed")
    table = _units(named, endpoint.measure)
    units = _as_units(table, endpoint.measure, plan.unit, _trial_times(named, trials, table, endpoint.measure))
    found = compared(units, endpoint.measure, plan.methods.get(endpoint.measure.name, ""))
    described = {row.level: row for row in _described(table)}
    rows = tuple(
        ControlRow(
            name, int((table["dose_mg_kg"] == i).sum()), described[level_label(float(i))],
            found.against.get(level_label(float(i))),
        )
        for i, name in enumerate(groups)
        if level_label(float(i)) in described
    )  # fmt: skip
    return replace(endpoint, controls=rows, control_test=found.test, no_control_test=found.why_not)


def _of_units(sessions: pd.DataFrame, unit: str) -> tuple[pd.DataFrame, str]:
    """The sessions with their experimental unit in `unit`, and why units cannot be told apart; empty where they can.

    The plan names units; without one an animal is its own, a session of a pair is the pair's, and a cage has its name.
    """
    whose = sessions["unit"].fillna(sessions["subject"]) if "unit" in sessions else sessions["subject"]
    if unit == "cage":
        cages = sessions["cage"] if "cage" in sessions else whose.where(False)
        whose = whose.where(whose != sessions["subject"], cages)
        analysed = (sessions["left_out"] == "") & whose.isna()
        if analysed.any():
            some = ", ".join(sorted(set(sessions.loc[analysed, "subject"]), key=natural_order)[:4])
            why = f"the cage is the experimental unit, and the cage of {some} is not in the records; add it to the plan"
            return sessions.assign(unit=whose.fillna(sessions["subject"])), why
    named = sessions.assign(unit=whose)
    analysed_rows = named[named["left_out"] == ""]
    if unit != "animal":
        doses = analysed_rows.groupby(["unit", "day"], dropna=False)["dose_mg_kg"].nunique()
        mixed = sorted({str(name) for (name, _), n in doses.items() if n > 1}, key=natural_order)
        if mixed:
            return (
                named,
                f"{unit} {', '.join(mixed[:4])} holds animals of several doses, and a {unit} is treated as one",
            )
    return named, ""


def _units(sessions: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """One row a unit and dose; `period` is the place of the dose among those that the unit had.

    A latency is censored where its score says so. Of a unit with several sessions at a dose the mean is taken, and
    nothing where one of them is missing or censored; events, trials and exposures add up.
    """
    analysed = sessions[sessions["left_out"] == ""]
    nothing = analysed["dose_mg_kg"] * float("nan")
    flag = f"{measure.name.removesuffix('_s')}_censored"
    censored = analysed[flag].eq(True) if measure.kind == "latency" and flag in analysed else nothing.notna()
    response = analysed.get(measure.name, nothing)
    of = analysed.get(measure.of, nothing) if measure.of else nothing
    events = analysed.get(measure.events, nothing) if measure.events else response
    units = (
        analysed.assign(
            response=response,
            censored=censored,
            cut_off=analysed.get("window_s", nothing).fillna(analysed["duration_s"]).where(censored),
            events=events,
            trials=of - (analysed[measure.less].fillna(0) if measure.less in analysed else 0),
            exposure=analysed.get(measure.exposure, nothing) if measure.exposure else nothing,
            subject=analysed["unit"],
        )
        .groupby(["dose_mg_kg", "subject"], sort=True, as_index=False)
        .agg(
            response=("response", _mean_of_all), censored=("censored", "any"), cut_off=("cut_off", "max"),
            events=("events", _sum_of_all), trials=("trials", _sum_of_all), exposure=("exposure", _sum_of_all),
            started_at=("started_at", "min"),
        )
    )  # fmt: skip
    return units.assign(period=units.groupby("subject")["started_at"].rank(method="first").astype(int))


def _as_units(table: pd.DataFrame, measure: Measure, unit: str, by_trial: TrialTimes | None) -> Units:
    def numbers(name: str) -> Floats | None:
        values = table[name].to_numpy(dtype=np.float64)
        return values if len(values) and np.isfinite(values).any() else None

    return Units(
        subjects=tuple(table["subject"]),
        doses=table["dose_mg_kg"].to_numpy(dtype=np.float64),
        responses=table["response"].to_numpy(dtype=np.float64),
        censored=table["censored"].to_numpy(dtype=bool),
        cut_off=float(table["cut_off"].max()) if table["cut_off"].notna().any() else None,
        periods=tuple(table["period"]),
        events=numbers("events") if measure.kind in ("share", "count") else None,
        trials=numbers("trials") if measure.kind == "share" else None,
        exposure=numbers("exposure") if measure.kind == "count" else None,
        by_trial=by_trial,
        unit=unit,
    )


def _trial_times(
    sessions: pd.DataFrame, trials: pd.DataFrame | None, units: pd.DataFrame, measure: Measure
) -> TrialTimes | None:
    """Latencies of single trials, where the measure is their mean and the sessions hold them."""
    if trials is None or not measure.trial or measure.trial not in trials or "censored" not in trials:
        return None
    analysed = sessions[sessions["left_out"] == ""].set_index("session")[["dose_mg_kg", "unit"]]
    mine = trials[trials["session"].isin(analysed.index)].dropna(subset=[measure.trial, "censored"])
    if not len(mine):
        return None
    place = {(dose, who): i for i, (dose, who) in enumerate(zip(units["dose_mg_kg"], units["subject"], strict=True))}
    of = analysed.loc[mine["session"]]
    entry = np.array([place[dose, who] for dose, who in zip(of["dose_mg_kg"], of["unit"], strict=True)], dtype=np.int_)
    time = mine[measure.trial].to_numpy(dtype=np.float64)
    event = ~mine["censored"].astype(bool).to_numpy()
    return TrialTimes(entry, time, event, float(time[~event].max() if (~event).any() else time.max()))


def _sum_of_all(values: pd.Series) -> float:
    return float(values.astype("float64").sum(skipna=False))


def _mean_of_all(values: pd.Series) -> float:
    return float(values.mean(skipna=False))


def _notes(units: pd.DataFrame, measure: Measure, unit: str) -> tuple[str, ...]:
    notes = []
    censored = units[units["censored"]]
    if len(censored):
        notes.append(
            f"{len(censored)} of {len(units)} {unit}s did not respond before the test ended: {_who(censored)}. "
            "Their latencies are censored: medians and quartiles count them as longer than all others; "
            "means leave them out and are too short."
        )
    missing = units[units["response"].isna() & ~units["censored"]]
    if len(missing):
        notes.append(
            f"{len(missing)} of {len(units)} {unit}s have no value, their sessions do not define it: {_who(missing)}."
        )
    return tuple(notes)


def _who(units: pd.DataFrame) -> str:
    order = sorted(units.itertuples(), key=lambda unit: (unit.dose_mg_kg, natural_order(unit.subject)))
    return ", ".join(f"{unit.subject} ({dose_text(unit.dose_mg_kg)})" for unit in order)


def _rows(
    sessions: pd.DataFrame, plan: ArmPlan, units: pd.DataFrame, against: dict[str, Against]
) -> tuple[DoseRow, ...]:
    described = {row.level: row for row in _described(units)}
    rows = []
    for dose in plan.doses_mg_kg:
        label = level_label(dose)
        here, run = units[units["dose_mg_kg"] == dose], sessions[sessions["dose_mg_kg"] == dose]
        nobody = LevelDescription(label, 0, 0, 0, 0, *[None] * 14)
        rows.append(
            DoseRow(
                dose_mg_kg=dose,
                n_planned=plan.n_per_dose,
                n_run=len(run),
                n_left_out=int((run["left_out"] != "").sum()),
                n_censored=int(here["censored"].sum()),
                described=described.get(label, nobody),
                against=against.get(label),
                effects=_effects(units, dose),
            )
        )
    return tuple(rows)


def _effects(units: pd.DataFrame, dose: float) -> Effects:
    counted = units[units["response"].notna() | units["censored"]]
    beyond = counted["response"].max() + 1 if counted["response"].notna().any() else 1.0  # only the order counts
    ordered = counted["response"].fillna(beyond)
    here, vehicle = (ordered[counted["dose_mg_kg"] == level].to_numpy(dtype=np.float64) for level in (dose, 0.0))
    if dose == 0 or units["subject"].duplicated().any():
        return Effects(None, None)
    return effects(here, vehicle, censored=bool(counted["censored"].any()))


def _described(units: pd.DataFrame) -> tuple[LevelDescription, ...]:
    """Every dose; quartiles of latencies with the censored ones above all others."""
    doses, responses = units["dose_mg_kg"].to_numpy(dtype=np.float64), units["response"].to_numpy(dtype=np.float64)
    if len(np.unique(doses)) < 2:  # `describe` compares: vehicle alone is described beside itself
        levels = describe(np.tile(responses, 2), np.repeat(["0", "again"], len(doses)), reference="0")[:1]
    else:
        levels = describe(responses, doses, reference=0.0, conf_level=CONF_LEVEL)
    labels = units["dose_mg_kg"].map(level_label)
    out = []
    for level in levels:
        here = units[labels == level.level]
        n_censored = int(here["censored"].sum())
        if n_censored:
            counted = here.loc[here["response"].notna() | here["censored"], "response"].to_numpy(dtype=np.float64)
            q1, median, q3 = censored_quartiles(counted)
            level = replace(level, n_missing=level.n_missing - n_censored, q1=q1, median=median, q3=q3)
        out.append(level)
    return tuple(out)


def censored_quartiles(latencies: Floats) -> tuple[float, float, float]:
    """Quartiles (type 7) where NaN is a latency longer than any seen; infinite where they fall among those.

    >>> censored_quartiles(np.array([3.0, float("nan"), 5.0, 9.0, float("nan")]))
    (5.0, 9.0, inf)
    """
    filled = np.sort(np.where(np.isnan(latencies), np.inf, latencies))
    quartiles = []
    for p in (0.25, 0.5, 0.75):
        place = p * (len(filled) - 1)
        below, above = filled[math.floor(place)], filled[math.ceil(place)]
        share = place - math.floor(place)
        quartiles.append(float(below if share == 0 else above if np.isinf(above) else below + share * (above - below)))
    return quartiles[0], quartiles[1], quartiles[2]


# -- as a table -------------------------------------------------------------------------------------------------------


def per_dose_table(arms: Sequence[ArmSummary]) -> pd.DataFrame:
    """Every arm, endpoint and dose as one tidy table: one row each, the motor control beside every endpoint."""
    import pandas as pd

    records = []
    for arm in arms:
        motor = {row.dose_mg_kg: row.described for row in arm.motor_control.rows} if arm.motor_control else {}
        for endpoint in arm.endpoints:
            records += [_record(arm, endpoint, row, motor.get(row.dose_mg_kg)) for row in endpoint.rows]
    return pd.DataFrame(records)


def groups_table(arms: Sequence[ArmSummary]) -> pd.DataFrame:
    """The groups of each arm under vehicle, against the one that got the drug: one row an endpoint and group."""
    import pandas as pd

    records = [
        {
            "arm": arm.plan.name,
            "endpoint": endpoint.measure.name,
            "primary": endpoint.is_primary,
            "group": row.group,
            "reference": endpoint.controls[0].group,
            "n": row.n,
            "mean": row.described.mean,
            "sem": row.described.sem,
            "median": row.described.median,
            "method": endpoint.control_test.method if endpoint.control_test else None,
            "scale": endpoint.control_test.scale if endpoint.control_test else None,
            "difference": row.against.estimate if row.against else None,
            "difference_lo": row.against.lo if row.against else None,
            "difference_hi": row.against.hi if row.against else None,
            "p": row.against.p if row.against else None,
            "p_adjusted": row.against.p_adjusted if row.against else None,
        }
        for arm in arms
        for endpoint in arm.endpoints
        for row in endpoint.controls
    ]
    return pd.DataFrame(records)


def _record(arm: ArmSummary, endpoint: EndpointSummary, row: DoseRow, motor: LevelDescription | None) -> dict[str, Any]:
    d, a = row.described, row.against
    g, delta = row.effects.hedges_g, row.effects.cliffs_delta
    return {
        "arm": arm.plan.name,
        "compound": arm.plan.compound,
        "endpoint": endpoint.measure.name,
        "primary": endpoint.is_primary,
        "dose_mg_kg": row.dose_mg_kg,
        "n_planned": row.n_planned,
        "n_run": row.n_run,
        "n_left_out": row.n_left_out,
        "n_missing": d.n_missing,
        "n_censored": row.n_censored,
        "n": d.n,
        "mean": d.mean,
        "sem": d.sem,
        "sd": d.sd,
        "ci_lo": d.ci_lo,
        "ci_hi": d.ci_hi,
        "median": d.median,
        "q1": d.q1,
        "q3": d.q3,
        "min": d.min,
        "max": d.max,
        "fraction_of_vehicle": None if d.percent_of_vehicle is None else d.percent_of_vehicle / 100,
        "unit": endpoint.units.unit,
        "method": endpoint.test.method if endpoint.test else None,
        "test": endpoint.test.name if endpoint.test else None,
        "scale": endpoint.test.scale if endpoint.test else None,
        "difference": a.estimate if a else None,
        "difference_lo": a.lo if a else None,
        "difference_hi": a.hi if a else None,
        "p": a.p if a else None,
        "p_adjusted": a.p_adjusted if a else None,
        "p_welch": a.p_welch if a else None,
        "hedges_g": g.estimate if g else None,
        "hedges_g_lo": g.lo if g else None,
        "hedges_g_hi": g.hi if g else None,
        "cliffs_delta": delta.estimate if delta else None,
        "cliffs_delta_lo": delta.lo if delta else None,
        "cliffs_delta_hi": delta.hi if delta else None,
        "motor_control": arm.plan.motor_control,
        "motor_control_mean": motor.mean if motor else None,
        "motor_control_sem": motor.sem if motor else None,
        "motor_control_fraction_of_vehicle": (
            motor.percent_of_vehicle / 100 if motor and motor.percent_of_vehicle is not None else None
        ),
    }
