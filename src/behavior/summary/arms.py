"""What there is to summarize: a study's arms as planned, or as the sessions themselves show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from behavior.config.study import TEST, Arm
from behavior.model.measures import MEASURES, Measure

if TYPE_CHECKING:
    import pandas as pd

    from behavior.study.dataset import Dataset


MOTOR_CONTROLS = ("unpunished_rate_per_min", "n_intertrial_crossings", "n_entries")
"""What tells a sedated animal from a calm one where no study file names it; the first that was measured."""


@dataclass(frozen=True, slots=True)
class ArmPlan:
    """What is summarized in an arm, as the study file or, without one, the sessions say.

    Only a study file names a `primary` endpoint; it is empty for loose sessions.
    """

    name: str
    paradigm: str
    compound: str
    vehicle: str
    route: str
    pretreatment_min: float | None
    doses_mg_kg: tuple[float, ...]
    n_per_dose: int | None
    endpoints: tuple[Measure, ...]
    primary: str
    motor_control: str | None
    unit: str = "animal"
    """What n counts: an animal, a pair or a cage."""
    arm: str = ""
    """Of the study, where `name` says more."""
    group: str = ""
    """Whose animals these are, where an arm has several groups."""
    controls: tuple[str, ...] = ()
    """Other groups of the arm, which are compared with this one under vehicle."""
    n_sessions: int = 1
    """Planned of each unit at a dose."""
    methods: Mapping[str, str] = field(default_factory=dict)
    percent_of_vehicle: Mapping[str, float] = field(default_factory=dict)
    asymptotes: Mapping[str, Mapping[Literal["at_vehicle", "at_large_doses"], float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chose at the command, over the study file: methods and percentages of vehicle by measure."""

    methods: Mapping[str, str] = field(default_factory=dict)
    percent_of_vehicle: Mapping[str, float] = field(default_factory=dict)

    def over(self, plan: ArmPlan) -> ArmPlan:
        """A plan with these choices for the endpoints that it has."""
        names = {measure.name for measure in plan.endpoints}
        methods = {name: method for name, method in self.methods.items() if name in names}
        percent = {name: at for name, at in self.percent_of_vehicle.items() if name in names}
        return replace(
            plan,
            methods={**plan.methods, **methods},
            percent_of_vehicle={**plan.percent_of_vehicle, **percent},
        )


def plans_of(dataset: Dataset) -> tuple[ArmPlan, ...]:
    """The arms as planned; without a study file, as the sessions show them, with every measure that varies."""
    if dataset.study is not None:
        return tuple(plan for arm in dataset.study.arms for plan in _of_study(arm, dataset.study.arms))
    return tuple(_found_plan(key, group) for key, group in _found_arms(dataset.sessions))


def _of_study(arm: Arm, arms: Sequence[Arm]) -> tuple[ArmPlan, ...]:
    """The plan of an arm; none for a group under vehicle alone, which stands beside those of its arm with a drug."""
    own = _prefix(arm.name)
    siblings = [other for other in arms if own and other is not arm and _prefix(other.name) == own]
    if max(arm.doses_mg_kg) == 0 and any(max(other.doses_mg_kg) > 0 for other in siblings):
        return ()
    whole = ArmPlan(
        name=arm.name,
        paradigm=arm.paradigm,
        compound=arm.compound,
        vehicle=arm.vehicle,
        route=arm.route,
        pretreatment_min=arm.pretreatment_min,
        doses_mg_kg=tuple(sorted(arm.doses_mg_kg)),
        n_per_dose=arm.n_per_dose,
        endpoints=_primary_first([MEASURES[name] for name in arm.endpoints], arm.primary),
        primary=arm.primary,
        motor_control=arm.motor_control,
        unit=arm.experimental_unit,
        arm=arm.name,
        group=arm.name.rpartition(".")[2] if siblings else "",
        controls=tuple(other.name.rpartition(".")[2] for other in siblings if 0 in other.doses_mg_kg),
        n_sessions=len(arm.days) * (arm.n_animals if arm.experimental_unit == "cage" else 1),
        methods=arm.methods,
        percent_of_vehicle=arm.percent_of_vehicle,
        asymptotes={name: dict(ends) for name, ends in arm.asymptotes.items()},
    )
    return (whole,)


def _prefix(name: str) -> str:
    """The arm that a group belongs to, as in `escape.helpless`; empty for an arm without groups."""
    return name.rpartition(".")[0]


def _primary_first(endpoints: list[Measure], primary: str) -> tuple[Measure, ...]:
    return tuple(sorted(endpoints, key=lambda measure: measure.name != primary))


def _found_arms(sessions: pd.DataFrame) -> list[tuple[tuple[str, str, str], pd.DataFrame]]:
    """Sessions of one arm (where named), paradigm and compound; the vehicle's go with every compound beside them."""
    analysed = sessions[sessions["left_out"] == ""]
    keys = ["arm", "paradigm"]
    found: list[tuple[tuple[str, str, str], pd.DataFrame]] = []
    for (arm, paradigm), group in analysed.assign(arm=analysed["arm"].fillna("")).groupby(keys, sort=True):
        compounds = sorted(set(group.loc[group["dose_mg_kg"] > 0, "compound"].dropna())) or [""]
        for compound in compounds:
            mine = (group["compound"] == compound) | (group["dose_mg_kg"] == 0)
            found.append(((str(arm), str(paradigm), str(compound)), group[mine]))
    return found


def _found_plan(key: tuple[str, str, str], group: pd.DataFrame) -> ArmPlan:
    arm, paradigm, compound = key
    endpoints = [measure for name, measure in MEASURES.items() if name in group and group[name].nunique() > 1]

    def only(column: str) -> Any:
        values = list(dict.fromkeys(group[column].dropna()))
        return values[0] if len(values) == 1 else None

    return ArmPlan(
        name=arm or " ".join(part for part in (paradigm.replace("_", " "), compound) if part),
        paradigm=paradigm,
        compound=compound or "no compound",
        vehicle=only("vehicle") or "vehicle",
        route=only("route") or "",
        pretreatment_min=only("pretreatment_min"),
        doses_mg_kg=tuple(sorted(set(group["dose_mg_kg"].dropna()))),
        n_per_dose=None,
        endpoints=tuple(endpoints),
        primary="",
        motor_control=next((name for name in MOTOR_CONTROLS if MEASURES[name] in endpoints), None),
    )


def sessions_of(dataset: Dataset, plan: ArmPlan) -> pd.DataFrame:
    """The sessions of an arm, those left out too."""
    here = sessions_of_arm(dataset, plan)
    return here[here["arm"].eq(plan.arm)] if plan.group else here


def sessions_of_arm(dataset: Dataset, plan: ArmPlan) -> pd.DataFrame:
    """The sessions of all groups of an arm, without those that only prepare for the test."""
    sessions, name = dataset.sessions, plan.arm or plan.name
    if dataset.study is not None:
        tests = sessions["stage"].isna() | sessions["stage"].isin(["", TEST])
        groups = [f"{_prefix(name)}.{group}" for group in plan.controls]
        return sessions[sessions["arm"].isin([name, *groups]) & tests]
    if (sessions["arm"] == name).any():
        return sessions[sessions["arm"] == name]
    same = sessions["compound"].eq(plan.compound) | sessions["dose_mg_kg"].eq(0) | sessions["dose_mg_kg"].isna()
    return sessions[sessions["paradigm"].eq(plan.paradigm) & sessions["arm"].isna() & same]


def analysed_of(dataset: Dataset, plan: ArmPlan) -> pd.DataFrame:
    """The sessions of an arm that are analysed."""
    sessions = sessions_of(dataset, plan)
    return sessions[sessions["left_out"] == ""]
