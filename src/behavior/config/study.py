"""Study files: which compounds and doses, in which paradigm, on how many animals, and what is measured."""

from __future__ import annotations

from datetime import time
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from behavior.config.read import Record
from behavior.config.rig import Name
from behavior.model.measures import MEASURES


def _known(name: str) -> str:
    if name not in MEASURES:
        raise ValueError(f"{name!r} is no measure; choose one of {', '.join(MEASURES)}")
    return name


MeasureName = Annotated[str, AfterValidator(_known)]


class Animals(Record):
    """The animals, as a methods section tells."""

    species: str = "rat"
    strain: str
    sex: str
    weight_g: Annotated[float, Field(gt=0)]
    """Mean weight at the start."""
    age_weeks: Annotated[float | None, Field(gt=0, le=300)] = None
    """Mean age at the start; archives such as DANDI ask for it."""


TEST = "test"
"""The stage by which doses are compared; an arm's own stages prepare for it."""
Day = Annotated[int, Field(ge=1, le=10_000)]
Dose = Annotated[float, Field(ge=0)]


class Stage(Record):
    """Sessions that prepare the animals for the test: baseline, training, induction."""

    name: Name
    paradigm: str
    parameters: dict[str, Any] = Field(default={})
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = (1,)


class Group(Record):
    """Animals that are prepared or tested otherwise than the rest, whatever their dose: helpless, not shocked."""

    name: Name
    doses_mg_kg: tuple[Dose, ...] = ()
    """Those of the arm that this group is given; all where absent."""
    parameters: dict[str, dict[str, Any]] = Field(default={})
    """By stage, where they are not those of the arm."""


class Dosing(Record):
    """Administrations that do not each belong to a session: chronic gavage or injection."""

    days: Annotated[tuple[Day, ...], Field(min_length=1)]
    times: Annotated[tuple[time, ...], Field(min_length=1)]


class Rule(Record):
    """A rule of exclusion that is fixed before the data: a priori."""

    name: Name
    says: str


class Arm(Record):
    """One paradigm with one compound: its doses, its groups, what is measured."""

    name: Name
    paradigm: str
    parameters: dict[str, Any] = Field(default={})
    """Of the paradigm, where they are not the usual ones."""
    compound: str
    vehicle: str
    route: str
    pretreatment_min: Annotated[float, Field(ge=0, le=28 * 24 * 60)]
    precedes: str | None = None
    """The stage that the treatment is given before, such as training or retention."""
    doses_mg_kg: Annotated[tuple[Dose, ...], Field(min_length=2)]
    """Vehicle is dose 0 and must be among them."""
    n_per_dose: Annotated[int, Field(ge=2, le=1000)]
    """Experimental units at each dose, of each group; within subjects all units, for each gets every dose."""
    design: Literal["between", "within"] = "between"
    """Whether a unit gets one dose, or every dose in the order of a Williams square."""
    washout_days: Annotated[int | None, Field(ge=1, le=1000)] = None
    """Within subjects: days from one administration to the next."""
    days: Annotated[tuple[Day, ...], Field(min_length=1)] = (1,)
    """Of the tests, from the arm's first day; within subjects the day of the first."""
    animals_per_unit: Annotated[int | None, Field(ge=1, le=20)] = None
    """Animals of a cage; a pair has two."""
    chambers: tuple[Name, ...] = ()
    """Those of the rig that are used; all where absent."""
    stages: tuple[Stage, ...] = ()
    groups: tuple[Group, ...] = ()
    dosing: Dosing | None = None
    volume_ml_kg: Annotated[float | None, Field(gt=0)] = None
    """Of the solution, the same for every dose."""
    salt_factor: Annotated[float, Field(ge=1)] = 1.0
    """Weight of what is weighed in (salt) for a weight of 1 of what the dose is stated in (base)."""
    water_mg_per_ml: tuple[Dose, ...] = ()
    """In the drinking water: concentrations, in the order of the doses."""
    endpoints: Annotated[tuple[MeasureName, ...], Field(min_length=1)]
    """What is reported, in order."""
    primary: MeasureName
    """The endpoint on which the study is judged."""
    motor_control: MeasureName | None = None
    """What tells a sedated animal from a calm one; stands beside every endpoint."""
    experimental_unit: Literal["animal", "pair", "cage"] = "animal"
    """What a dose is allocated to, and what n counts."""
    methods: dict[MeasureName, str] = Field(default={})
    """How a measure is compared with vehicle, where not as usual."""
    percent_of_vehicle: dict[MeasureName, Annotated[float, Field(gt=0, le=10_000)]] = Field(default={})
    """Of a measure whose ED50 is to be absolute: the percentage of the vehicle's response that it means."""
    asymptotes: dict[MeasureName, dict[Literal["at_vehicle", "at_large_doses"], float]] = Field(default={})
    """Ends of a measure's dose-response curve that are known and held, such as { at_large_doses = 0 }."""

    @model_validator(mode="before")
    @classmethod
    def _has_units(cls, given: Any) -> Any:
        bare = [key for key in ("dose", "doses") if isinstance(given, dict) and key in given]
        if bare:
            raise ValueError(f"{bare[0]} has no unit; write doses_mg_kg = [0, …], in mg per kg of body weight")
        return given

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if 0 not in self.doses_mg_kg:
            raise ValueError("doses_mg_kg must hold 0, the vehicle; add it")
        if len(set(self.doses_mg_kg)) < len(self.doses_mg_kg):
            raise ValueError("doses_mg_kg holds a dose twice; name each once")
        missing = [name for name in (self.primary, self.motor_control) if name and name not in self.endpoints]
        if missing:
            raise ValueError(f"endpoints must hold {missing[0]!r}, which is named as primary or motor_control; add it")
        for name, method in self.methods.items():
            if method not in MEASURES[name].methods:
                suited = ", ".join(MEASURES[name].methods)
                raise ValueError(f"methods: {name} cannot be compared by {method!r}; choose one of {suited}")
        return self

    @model_validator(mode="after")
    def _designed(self) -> Self:
        for why in (*self._wrong_design(), *self._wrong_groups()):
            raise ValueError(why)
        return self

    def _wrong_design(self) -> tuple[str, ...]:
        within, days = self.design == "within", [day for stage in self.stages for day in stage.days]
        cases = (
            (within and self.washout_days is None, "washout_days is missing; say how many days lie between two doses"),
            (not within and self.washout_days is not None, "washout_days is for design = 'within'; leave it out"),
            (within and len(self.days) > 1, "days must hold one day within subjects, that of the first test"),
            (within and bool(self.groups or self.dosing), "groups and dosing do not go with design = 'within'"),
            (within and self.experimental_unit == "cage", "a cage cannot be crossed over; choose design = 'between'"),
            (any(a >= b for a, b in pairwise(self.days)), "days must rise, and hold each day once"),
            (
                max(days, default=0) > self.days[0],
                "stages must lie before the first test; change their days, or `days`",
            ),
            (
                self.experimental_unit == "cage" and self.animals_per_unit is None,
                "animals_per_unit is missing; say how many a cage has",
            ),
            (
                self.experimental_unit != "cage" and self.animals_per_unit not in (None, self.n_animals),
                f"animals_per_unit must be {self.n_animals} for {self.experimental_unit!r}; leave it out",
            ),
            (
                bool(self.water_mg_per_ml) and len(self.water_mg_per_ml) != len(self.doses_mg_kg),
                "water_mg_per_ml must hold one concentration for each of doses_mg_kg, in their order",
            ),
            (
                any((c == 0) != (d == 0) for c, d in zip(self.water_mg_per_ml, self.doses_mg_kg, strict=False)),
                "water_mg_per_ml must be 0 for the vehicle, and for nothing else",
            ),
            (
                bool(self.water_mg_per_ml) and (self.dosing is not None or self.experimental_unit != "cage"),
                "a bottle is the cage's: water_mg_per_ml goes with experimental_unit = 'cage', and not with dosing",
            ),
        )
        return tuple(sentence for wrong, sentence in cases if wrong)

    def _wrong_groups(self) -> tuple[str, ...]:
        stages = [stage.name for stage in self.stages]
        names = [group.name for group in self.groups]
        given = {dose for group in self.groups for dose in (group.doses_mg_kg or self.doses_mg_kg)}
        keys = {key for group in self.groups for key in group.parameters} - {TEST, *stages}
        cases = (
            (len({TEST, *stages}) <= len(stages), "stages must differ in name, and none may be called 'test'"),
            (len(set(names)) < len(names), "groups must differ in name"),
            (bool(given - set(self.doses_mg_kg)), "doses_mg_kg of a group must be among those of the arm"),
            (
                bool(self.groups) and bool(set(self.doses_mg_kg) - given),
                "doses_mg_kg holds a dose that no group is given",
            ),
            (bool(keys), f"groups: parameters of {', '.join(sorted(keys))} are of no stage; stages are test {stages}"),
        )
        return tuple(sentence for wrong, sentence in cases if wrong)

    @property
    def n_animals(self) -> int:
        """Animals of an experimental unit."""
        return {"animal": 1, "pair": 2, "cage": self.animals_per_unit or 1}[self.experimental_unit]

    @property
    def cells(self) -> tuple[tuple[str, float], ...]:
        """Group and dose of what is compared; a group is empty where the arm has none."""
        if not self.groups:
            return tuple(("", dose) for dose in self.doses_mg_kg)
        return tuple(
            (g.name, dose)
            for g in self.groups
            for dose in self.doses_mg_kg
            if dose in g.doses_mg_kg or not g.doses_mg_kg
        )

    @property
    def n_units(self) -> int:
        """Experimental units in all."""
        return self.n_per_dose if self.design == "within" else self.n_per_dose * len(self.cells)

    @property
    def treated_stage(self) -> str:
        """The stage that a treatment is given before."""
        return self.precedes if self.precedes in {stage.name for stage in self.stages} else TEST

    def paradigm_at(self, stage: str) -> str:
        """Which paradigm a stage runs."""
        return next((one.paradigm for one in self.stages if one.name == stage), self.paradigm)

    def parameters_at(self, stage: str, group: str = "") -> dict[str, Any]:
        """The parameters of a stage's sessions, for animals of a group."""
        common = next((one.parameters for one in self.stages if one.name == stage), self.parameters)
        own = next((one.parameters.get(stage, {}) for one in self.groups if one.name == group), {})
        return {**common, **own}


class KeyDigest(Record):
    """What a designed study remembers of its sealed key and its plan. Written by `behavior design`."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    plan_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Study(Record):
    """A study."""

    name: Name
    title: str
    experimenter: str
    start: AwareDatetime
    """When the first session starts, with time zone."""
    rig: str
    """Rig file, or name of a shipped one."""
    animals: Animals
    subjects: str | None = None
    """Table of the animals (CSV), beside this file."""
    blind: bool = True
    """Whether `behavior design` gives codes for doses and seals them."""
    exclusion_rules: tuple[Rule, ...] = ()
    arms: Annotated[tuple[Arm, ...], Field(min_length=1)]
    key: KeyDigest | None = None

    def by_group(self) -> Study:
        """The study as it is analysed: each group of an arm is an arm of its own, `escape.helpless`.

        Animals that were prepared otherwise are never pooled, whatever dose they have in common.
        """
        arms = [
            arm.model_copy(
                update={
                    "name": f"{arm.name}.{group.name}",
                    "groups": (),
                    "doses_mg_kg": doses,
                    "parameters": arm.parameters_at(TEST, group.name),
                }
            )
            if group is not None
            else arm
            for arm in self.arms
            for group in (arm.groups or (None,))
            for doses in [tuple(dose for one, dose in arm.cells if group is not None and one == group.name)]
        ]
        return self.model_copy(update={"arms": tuple(arms)})

    @model_validator(mode="after")
    def _arms_differ(self) -> Self:
        names = [arm.name for arm in self.arms]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two arms are both {twice[0]!r}; give each its own name")
        return self
