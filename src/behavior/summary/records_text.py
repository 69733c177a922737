"""What the records say was done: the facts of a methods section, the flow of animals, the ARRIVE items.

Nothing is guessed. What the records do not hold is said to be missing, so that somebody can add it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from behavior.study.plan import PLAN_FILE
from behavior.summary.arms import sessions_of
from behavior.summary.names import dose_text, plain
from behavior.summary.per_dose import ArmSummary
from behavior.summary.wording import DASH, listed, number, parameter_lines

if TYPE_CHECKING:
    import pandas as pd

    from behavior.study.dataset import Dataset

NOT_RECORDED = "not in the records"


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One dose, or all of them under codes: planned, run, left out with the reasons and how often, analysed."""

    name: str
    n_planned: int | None
    n_run: int
    n_analysed: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArriveItem:
    """An item of the ARRIVE 2.0 Essential 10 (Percie du Sert et al. 2020) and what the records say of it."""

    item: str
    said: str
    missing: str


def what_was_done(dataset: Dataset) -> list[tuple[str, str]]:
    """The study's facts as pairs of a word and what the records say."""
    sessions, study = dataset.sessions, dataset.study
    starts = sorted(sessions["started_at"])
    facts: list[tuple[str, str]] = []
    if study is not None:
        animals = study.animals
        facts += [("Study", study.name), ("Animals", f"{animals.sex} {animals.strain} {animals.species}s")]
    facts += [
        ("Subjects and sessions", f"{sessions['subject'].nunique()} subjects, {len(sessions)} sessions"),
        ("Weight at the session", _weights(sessions)),
        ("Experimenter", listed(sorted(set(sessions["experimenter"])))),
        ("Dates", _span(starts)),
        ("Time of day of the start", _times(starts)),
        ("Rig and chambers", _places(sessions)),
        ("Run by", listed(sorted(set(sessions["software"])))),
    ]
    return facts


def _weights(sessions: pd.DataFrame) -> str:
    weights = sessions["weight_g"].dropna()
    if not len(weights):
        return NOT_RECORDED
    spread = f" ± {number(float(weights.std()), 0)} (SD)" if len(weights) > 1 else ""
    return (
        f"{number(float(weights.mean()), 0)}{spread} g, {number(float(weights.min()), 0)} to "
        f"{number(float(weights.max()), 0)}, n = {len(weights)}"
    )


def _span(starts: Sequence[str]) -> str:
    first, last = starts[0][:10], starts[-1][:10]
    return first if first == last else f"{first} to {last}"


def _times(starts: Sequence[str]) -> str:
    times = sorted(start[11:16] for start in starts)
    return times[0] if times[0] == times[-1] else f"{times[0]} to {times[-1]}"


def _places(sessions: pd.DataFrame) -> str:
    rigs = [f"{rig}: {listed(sorted(set(group['chamber'])))}" for rig, group in sessions.groupby("rig", sort=True)]
    return "; ".join(rigs)


def treatment_of(arm: ArmSummary) -> str:
    """What the animals of an arm were given."""
    plan = arm.plan
    doses = ", ".join(f"{dose:g}" for dose in plan.doses_mg_kg if dose > 0)
    how = f", {plan.route}" if plan.route else ""
    when = f", {plan.pretreatment_min:g} min before the session" if plan.pretreatment_min is not None else ""
    return f"{plan.compound} {doses} mg/kg or {plan.vehicle}{how}{when}"


def parameters_of(dataset: Dataset, arm: ArmSummary) -> list[str]:
    """The paradigm's parameters, as the headers of the sessions hold them; what differs between them is said."""
    here = dataset.analysed[dataset.analysed["arm"].fillna(arm.plan.name) == arm.plan.name]
    every = [dataset.parameters[session] for session in here[here["paradigm"] == arm.plan.paradigm]["session"]]
    if not every:
        return []
    common: dict[str, Any] = {}
    differing = []
    for key in every[0]:
        if all(parameters.get(key) == every[0][key] for parameters in every):
            common[key] = every[0][key]
        else:
            differing.append(key)
    return [*parameter_lines(common), *(f"{key}: differs between sessions" for key in differing)]


def flow(dataset: Dataset, arm: ArmSummary) -> list[FlowRow]:
    """Planned, run, left out and analysed, dose by dose; one row for all sessions whose dose is not known."""
    sessions, plan = sessions_of(dataset, arm.plan), arm.plan
    if (sessions["dose_mg_kg"].isna() & sessions["blind_code"].notna()).any():
        planned = None if plan.n_per_dose is None else plan.n_per_dose * len(plan.doses_mg_kg)
        return [_flow_row("all, under codes", planned, sessions)]
    rows = [
        _flow_row(dose_text(dose), plan.n_per_dose, sessions[sessions["dose_mg_kg"] == dose])
        for dose in plan.doses_mg_kg
    ]
    others = sessions[~sessions["dose_mg_kg"].isin(plan.doses_mg_kg)]
    return [*rows, _flow_row("no dose of the plan", 0, others)] if len(others) else rows


def _flow_row(name: str, n_planned: int | None, here: pd.DataFrame) -> FlowRow:
    out = here[here["left_out"] != ""]
    counts = out["left_out"].value_counts(sort=False)
    reasons = tuple(f"{reason}: {n}" for reason, n in sorted(counts.items()))
    return FlowRow(name, n_planned, len(here), len(here) - len(out), reasons)


def arrive(dataset: Dataset, arms: Sequence[ArmSummary]) -> list[ArriveItem]:
    """The ten essential items, each with what the records hold and what a person still has to add."""
    study, sessions = dataset.study, dataset.sessions
    groups = "; ".join(f"{arm.plan.name}: {len(arm.plan.doses_mg_kg)} groups, {treatment_of(arm)}" for arm in arms)
    planned = [arm for arm in arms if arm.plan.n_per_dose is not None]
    sizes = "; ".join(f"{arm.plan.name}: {arm.plan.n_per_dose} a dose planned" for arm in planned)
    n_out = int((sessions["left_out"] != "").sum())
    named = [arm for arm in arms if arm.endpoints and arm.plan.primary]
    primary = "; ".join(f"{arm.plan.name}: {plain(arm.primary.measure.label)}" for arm in named)
    animals = study.animals if study else None
    return [
        ArriveItem("1 Study design", f"{groups}. Experimental unit: the animal.", ""),
        ArriveItem("2 Sample size", sizes or f"{len(sessions)} sessions", "how the number was decided"),
        ArriveItem(
            "3 Inclusion and exclusion",
            f"{n_out} of {len(sessions)} sessions left out, by rules fixed before the data; see the flow below.",
            "",
        ),
        _randomisation(dataset),
        ArriveItem(
            "5 Blinding",
            "Sessions were run under blind codes." if dataset.blinded else "Sessions carry their doses.",
            "" if dataset.blinded else "who knew the allocation at which stage",
        ),
        ArriveItem(
            "6 Outcome measures",
            f"Primary: {primary or DASH}.",
            "" if primary else "which outcome the study is judged on",
        ),
        ArriveItem("7 Statistical methods", "See Methods.", ""),
        ArriveItem(
            "8 Experimental animals",
            f"{animals.sex} {animals.strain} {animals.species}s, {_weights(sessions)}"
            if animals
            else _weights(sessions),
            "age, source, health and housing",
        ),
        ArriveItem("9 Experimental procedures", "Paradigms and parameters as run stand with each arm.", ""),
        ArriveItem("10 Results", "Per dose with n, spread, effect size and interval.", ""),
    ]


def _randomisation(dataset: Dataset) -> ArriveItem:
    """What a plan file tells of the allocation."""
    name = "4 Randomisation"
    if not dataset.plan:
        return ArriveItem(name, "", "the method and seed of allocation")
    known = {row.allocation_seed for row in dataset.plan if row.allocation_seed is not None}
    if not known:
        return ArriveItem(name, f"Allocated as {PLAN_FILE} says, by chance whose seed is sealed with the doses.", "")
    seeds = listed([str(seed) for seed in sorted(known)])
    return ArriveItem(name, f"Allocated as {PLAN_FILE} says, drawn with seed {seeds}.", "the method of allocation")
