"""Study files: which compounds and doses, in which paradigm, on how many animals, and what is measured."""

from __future__ import annotations

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


class Arm(Record):
    """One paradigm with one compound: its doses, its groups, what is measured."""

    name: Name
    paradigm: str
    parameters: dict[str, Any] = Field(default={})
    """Of the paradigm, where they are not the usual ones."""
    compound: str
    vehicle: str
    route: str
    pretreatment_min: Annotated[float, Field(ge=0)]
    precedes: str | None = None
    """The stage that the treatment is given before, such as training or retention."""
    doses_mg_kg: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=2)]
    """Vehicle is dose 0 and must be among them."""
    n_per_dose: Annotated[int, Field(ge=2, le=1000)]
    endpoints: Annotated[tuple[MeasureName, ...], Field(min_length=1)]
    """What is reported, in order."""
    primary: MeasureName
    """The endpoint on which the study is judged."""
    motor_control: MeasureName | None = None
    """What tells a sedated animal from a calm one; stands beside every endpoint."""
    experimental_unit: Literal["animal", "pair", "cage"] = "animal"
    """What the treatment was given to, and what n counts."""
    methods: dict[MeasureName, str] = Field(default={})
    """How a measure is compared with vehicle, where not as usual."""
    percent_of_vehicle: dict[MeasureName, Annotated[float, Field(gt=0, le=10_000)]] = Field(default={})
    """Of a measure whose ED50 is to be absolute: the percentage of the vehicle's response that it means."""
    asymptotes: dict[MeasureName, dict[Literal["at_vehicle", "at_large_doses"], float]] = Field(default={})
    """Ends of a measure's dose-response curve that are known and held, such as { at_large_doses = 0 }."""

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
    arms: Annotated[tuple[Arm, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _arms_differ(self) -> Self:
        names = [arm.name for arm in self.arms]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two arms are both {twice[0]!r}; give each its own name")
        return self
