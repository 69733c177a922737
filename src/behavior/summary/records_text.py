"""What the records say was done: the facts of a methods section, the flow of animals, the ARRIVE items.

Nothing is guessed. What the records do not hold is said to be missing, so that somebody can add it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from behavior.study.plan import PLAN_FILE
from behavior.summary.arms import analysed_of, sessions_of
from behavior.summary.names import dose_text, listed, plain
from behavior.summary.per_dose import ArmSummary
from behavior.summary.wording import DASH, number, parameter_lines

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
    every = [dataset.parameters[session] for session in analysed_of(dataset, arm.plan)["session"]]
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
        planned = None if plan.n_per_dose is None else plan.n_per_dose * plan.n_sessions * len(plan.doses_mg_kg)
        return [_flow_row("all, under codes", planned, sessions)]
    rows = [
        _flow_row(
            dose_text(dose),
            plan.n_per_dose and plan.n_per_dose * plan.n_sessions,
            sessions[sessions["dose_mg_kg"] == dose],
        )
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
    return [
        _design(arms),
        _sample_size(dataset, arms),
        _exclusion(dataset),
        _randomisation(dataset),
        _blinding(dataset),
        _outcomes(arms),
        ArriveItem("7 Statistical methods", "See Methods, which tells what ran on each endpoint.", ""),
        _animals(dataset),
        _procedures(dataset),
        ArriveItem("10 Results", "Per dose with n, spread, effect size and interval.", ""),
    ]


def _design(arms: Sequence[ArmSummary]) -> ArriveItem:
    said = []
    for arm in arms:
        plan = arm.plan
        within = any(endpoint.units.repeated for endpoint in arm.endpoints)
        controls = f", beside {listed(list(plan.controls))} under vehicle" if plan.controls else ""
        said.append(
            f"{plan.name}: {len(plan.doses_mg_kg)} {'doses within' if within else 'groups of'} {plan.unit}s, "
            f"{treatment_of(arm)}{controls}; the experimental unit is the {plan.unit}"
        )
    return ArriveItem("1 Study design", f"{'; '.join(said)}.", "")


def _sample_size(dataset: Dataset, arms: Sequence[ArmSummary]) -> ArriveItem:
    name = "2 Sample size"
    said = [
        f"{arm.plan.name}: {arm.plan.n_per_dose} {arm.plan.unit}s a dose planned, "
        f"{listed([str(row.n) for row in arm.primary.rows])} analysed on the primary endpoint"
        for arm in arms
        if arm.plan.n_per_dose is not None and arm.endpoints
    ]
    decided = [str(entry.reason or entry.new) for entry in dataset.audit.of("sample size")]
    said += decided
    lacks = "" if decided else "how the number was decided (`behavior power` answers it before a study)"
    return ArriveItem(name, "; ".join(said) or f"{len(dataset.sessions)} sessions", lacks)


def _exclusion(dataset: Dataset) -> ArriveItem:
    sessions, study = dataset.sessions, dataset.study
    n_out = int((sessions["left_out"] != "").sum())
    said = [f"{n_out} of {len(sessions)} sessions left out; the flow of each arm says which and why"]
    if study is not None and study.exclusion_rules:
        said.append(f"a priori: {'; '.join(f'{rule.name} ({rule.says})' for rule in study.exclusion_rules)}")
    said += [f"{one.about} {one} (by {one.who}, {one.at[:10]})" for one in dataset.exclusions]
    lacks = "" if study is not None and study.exclusion_rules else "criteria for animals, fixed before the data"
    return ArriveItem("3 Inclusion and exclusion", f"{'. '.join(said)}.", lacks)


def _randomisation(dataset: Dataset) -> ArriveItem:
    """What a plan file tells of the allocation."""
    name = "4 Randomisation"
    if not dataset.plan:
        return ArriveItem(name, "", "the method and seed of allocation")
    known = {row.allocation_seed for row in dataset.plan if row.allocation_seed is not None}
    how = f"Doses were allocated by chance in blocks, balanced over weight, cage, chamber and time ({PLAN_FILE})"
    if not known:
        return ArriveItem(name, f"{how}; the seed is sealed with the doses.", "")
    seeds = listed([str(seed) for seed in sorted(known)])
    return ArriveItem(name, f"{how}, drawn with seed {seeds}.", "")


def _blinding(dataset: Dataset) -> ArriveItem:
    name, opened = "5 Blinding", dataset.audit.unblinded
    coded = dataset.sessions["blind_code"].notna()
    if not coded.any():
        return ArriveItem(name, "Sessions carry their doses.", "who knew the allocation at which stage")
    whose = "All sessions were" if coded.all() else f"{int(coded.sum())} of {len(coded)} sessions were"
    said = [f"{whose} run and scored under blind codes"]
    if opened is not None:
        n = len(dataset.changes_after_unblinding)
        after = f"{n} change{'s' if n != 1 else ''} of records or scores since" if n else "nothing was changed since"
        said.append(f"scores and exclusions were locked before the key was opened on {opened.at[:10]} by {opened.who}")
        said.append(after)
    return ArriveItem(name, f"{'; '.join(said)}.", "" if coded.all() else "who knew the doses of the others")


def _outcomes(arms: Sequence[ArmSummary]) -> ArriveItem:
    named = [arm for arm in arms if arm.endpoints and arm.plan.primary]
    primary = "; ".join(f"{arm.plan.name}: {plain(arm.primary.measure.label)}" for arm in named)
    rest = "; ".join(
        f"{arm.plan.name}: {listed([plain(e.measure.label) for e in arm.endpoints if not e.is_primary])}"
        for arm in arms
        if len(arm.endpoints) > 1
    )
    also = f" Secondary: {rest}." if rest else ""
    return ArriveItem(
        "6 Outcome measures",
        f"Primary: {primary or DASH}.{also}",
        "" if primary else "which outcome the study is judged on",
    )


_OF_ANIMALS = {
    "date_of_birth": "age", "supplier": "source", "housing": "housing", "health": "health", "light_phase": "light phase"
}  # fmt: skip


def _animals(dataset: Dataset) -> ArriveItem:
    study, weights = dataset.study, _weights(dataset.sessions)
    fields = {name for record in dataset.records.animals.values() for name, value in record.items() if value}
    told = []
    for name in (name for name in _OF_ANIMALS if name in fields):
        values = sorted({record[name] for record in dataset.records.animals.values() if record.get(name)})
        told.append(f"{_OF_ANIMALS[name]}: {listed(values) if len(values) < 4 else f'{values[0]} to {values[-1]}'}")
    who = f"{study.animals.sex} {study.animals.strain} {study.animals.species}s, " if study else ""
    lacks = listed([word for name, word in _OF_ANIMALS.items() if name not in fields])
    return ArriveItem("8 Experimental animals", "; ".join([f"{who}{weights}", *told]), lacks)


def _procedures(dataset: Dataset) -> ArriveItem:
    said = ["Paradigms and parameters as run stand with each arm"]
    records = dataset.records
    if records.preparations:
        batches = sorted({r["batch"] for r in records.preparations.values() if r.get("batch")})
        said.append(f"{len(records.preparations)} preparations{f' (batches {listed(batches)})' if batches else ''}")
    if records.administrations:
        odd = sum(bool(record.get("deviation")) for record in records.administrations.values())
        said.append(f"{len(records.administrations)} administrations on record, {odd} with a deviation")
    n = len(dataset.missing_records)
    lacks = f"{n} kinds of records are missing; see Records" if n else ""
    return ArriveItem("9 Experimental procedures", f"{'. '.join(said)}.", lacks)
