"""Rig files: which chambers a rig has, and which devices each of them. Devices are named by identity, never by port."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, model_validator

from behavior.config.limits import CEILINGS, ShockLimits
from behavior.config.read import Record
from behavior.model.errors import BadInput

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
"""A short name: letters, digits, `_`, `.` and `-`."""


class Sides(Record):
    """The two sides of a shuttle box, as paradigms call them, and what is between and below them."""

    left: Name = "left"
    right: Name = "right"
    gate: bool = False
    """Whether a gate is fitted; it is closed unless a paradigm opens it."""
    shocked: Literal["left", "right", "both"] = "both"
    """Which floors are joined to the shock controller."""

    @property
    def names(self) -> dict[str, str]:
        """What "left" and "right" are called."""
        return {"left": self.left, "right": self.right}

    @model_validator(mode="after")
    def _two_names(self) -> Self:
        if self.left == self.right:
            raise ValueError(f"both sides are called {self.left!r}; give each a name of its own")
        return self


class Device(Record):
    """One device of a chamber."""

    name: Name
    kind: Literal["shock_controller", "operant_chamber", "shuttle_box"]
    uid: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    """The device's unique identity, 32 hexadecimal digits, as `register UID` reads."""
    sides: Sides = Sides()
    """Of a shuttle box."""

    @model_validator(mode="after")
    def _sides_of_a_shuttle_box(self) -> Self:
        if self.kind != "shuttle_box" and "sides" in self.model_fields_set:
            raise ValueError(f"sides are of a shuttle_box, and {self.name!r} is of kind {self.kind}; leave them out")
        return self


class Microphone(Record):
    """What records the chamber's sound."""

    sample_rate_hz: Annotated[int, Field(ge=96_000, le=1_000_000)] = 250_000


class Chamber(Record):
    """A box for one experimental unit, and what is wired to it."""

    name: Name
    devices: Annotated[tuple[Device, ...], Field(min_length=1)]
    microphone: Microphone | None = None
    limits: ShockLimits = CEILINGS
    """This chamber's own limits on shock; they can only be lower than the device's."""

    @model_validator(mode="after")
    def _one_of_a_kind(self) -> Self:
        return _unique(
            self, "device", [device.name for device in self.devices], [device.kind for device in self.devices]
        )


class Rig(Record):
    """Chambers that one computer runs."""

    name: Name
    chambers: Annotated[tuple[Chamber, ...], Field(min_length=1)]

    def chamber(self, name: str) -> Chamber:
        """The chamber of this name.

        Raises
        ------
        BadInput
            The rig has none.
        """
        for chamber in self.chambers:
            if chamber.name == name:
                return chamber
        known = ", ".join(chamber.name for chamber in self.chambers)
        raise BadInput(f"rig {self.name} has no chamber {name!r}; choose one of {known}")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        uids = [device.uid for chamber in self.chambers for device in chamber.devices]
        return _unique(self, "chamber", [chamber.name for chamber in self.chambers], uids)


R = TypeVar("R", bound=Record)


def _unique(record: R, what: str, *lists: list[str]) -> R:
    for names in lists:
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two {what}s are both {twice[0]!r}; each must be one of its kind")
    return record
