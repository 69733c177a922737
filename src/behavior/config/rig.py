"""Rig files: which chambers a rig has, and which devices each of them. Devices are named by identity, never by port."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from behavior.config.limits import CEILINGS, ShockLimits
from behavior.config.read import Record
from behavior.config.wiring import Board, Shocker, shocker_problem, timing_problem
from behavior.model.errors import BadInput

_RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}


def _for_files(name: str) -> str:
    if name.endswith(".") or name.split(".")[0].upper() in _RESERVED:
        raise ValueError(f"{name!r} cannot be part of a file's name on Windows; choose another")
    return name


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=60), AfterValidator(_for_files)]
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


SHOCKERS = ("ttl_shocker", "parallel_shocker", "line_shocker")
"""Of other makes: they set a current, and their gate is opened by what times their pulses."""
WITHOUT_PORT = ("ttl_shocker", "parallel_shocker")
"""Wired to another device's lines."""


class Device(Record):
    """One device of a chamber. What has a port is found by who it is, by all of `uid`, `usb_serial` and `device_name`
    that are given.
    """

    name: Name
    kind: Literal[
        "shock_controller",
        "operant_chamber",
        "shuttle_box",
        "harp_behavior",
        "ttl_shocker",
        "parallel_shocker",
        "line_shocker",
    ]
    uid: Annotated[str, Field(pattern=r"^([0-9a-f]{32})?$")] = ""
    """The device's unique identity, 32 hexadecimal digits, as `register UID` reads."""
    usb_serial: str = ""
    """The serial number of its USB interface, as `behavior devices` lists it."""
    device_name: str = ""
    """The name that a Harp device was given."""
    sides: Sides = Sides()
    """Of a shuttle box."""
    board: Board = Board()
    """Of a Harp Behavior board."""
    shocker: Shocker = Shocker()
    """Of a shocker of another make."""

    @property
    def has_port(self) -> bool:
        """Whether it is reached through a port of its own."""
        return self.kind not in WITHOUT_PORT

    @property
    def identity(self) -> str:
        """How the rig names it, in words."""
        given = {"": self.uid, "USB serial number ": self.usb_serial, "name ": self.device_name}
        return ", ".join(f"{what}{value}" for what, value in given.items() if value)

    @model_validator(mode="after")
    def _what_is_of_its_kind(self) -> Self:
        for key, kinds in (("sides", ("shuttle_box",)), ("board", ("harp_behavior",)), ("shocker", SHOCKERS)):
            if self.kind not in kinds and key in self.model_fields_set:
                raise ValueError(
                    f"{key} are of a {' or '.join(kinds)}, and {self.name!r} is of kind {self.kind}; leave them out"
                    if key == "sides"
                    else f"{key} is of a {' or '.join(kinds)}, and {self.name!r} is of kind {self.kind}; leave it out"
                )
        if self.has_port and not self.identity:
            raise ValueError(
                f"nothing says which device {self.name!r} is; add uid, usb_serial or device_name, as "
                "`behavior devices` lists them"
            )
        if self.kind in SHOCKERS and (problem := shocker_problem(self.kind, self.shocker)):
            raise ValueError(f"{self.name}: {problem}")
        return self


class Sync(Record):
    """What puts the sound on the session's clock more exactly than the computer's clock does: pulses in both."""

    carried_by: Literal["lowest_bit", "channel", "clicks"]
    """A digital input in the samples' lowest bit, a line wired to a channel of its own, or clicks that are heard."""
    follows: Literal["shock", "lever", "feeder", "cue"]
    """What it tells: each beginning of a shock, press of a lever, delivery, or cue."""
    channel: Annotated[int, Field(ge=1, le=32)] | None = None
    """Which channel carries it; by default the sound's, and for a line of its own the second."""


class Microphone(Record):
    """What records the chamber's sound."""

    device: Annotated[str, Field(min_length=1)] | None = None
    """Its name as `behavior audio-check` lists it, or a part that no other has; simulated chambers need none."""
    sample_rate_hz: Annotated[int, Field(ge=96_000, le=1_000_000)] = 250_000
    channels: Annotated[int, Field(ge=1, le=32)] = 1
    """How many channels are recorded."""
    channel: Annotated[int, Field(ge=1, le=32)] = 1
    """Which of them is this chamber's sound."""
    sync: Sync | None = None
    profile: str = "rat"
    """What the live detector looks for: a shipped profile, or a TOML file."""
    onsets: bool = False
    """Whether the session hears within some hundredths of a second that a call seems to have begun (`OnsetHeard`)."""

    @field_validator("device")
    @classmethod
    def _is_no_number(cls, device: str | None) -> str | None:
        if device is not None and device.strip().isdigit():
            raise ValueError(
                f"{device!r} is a number, which changes with what is plugged in; name the microphone as "
                "`behavior audio-check` lists it"
            )
        return device

    @model_validator(mode="after")
    def _channels_are_there(self) -> Self:
        carried = self.sync_channel if self.sync else 1
        if max(self.channel, carried) > self.channels:
            raise ValueError(f"channel {max(self.channel, carried)} is needed, and {self.channels} are recorded")
        if self.sync and self.sync.carried_by == "channel" and carried == self.channel:
            raise ValueError(f"channel {carried} cannot be both sound and a line")
        return self

    @property
    def sync_channel(self) -> int:
        """Which channel carries the pulses."""
        sync = self.sync
        if sync is None or sync.channel is None:
            return 2 if sync is not None and sync.carried_by == "channel" else self.channel
        return sync.channel


class Chamber(Record):
    """A box for one experimental unit, and what is wired to it."""

    name: Name
    devices: Annotated[tuple[Device, ...], Field(min_length=1)]
    microphone: Microphone | None = None
    limits: ShockLimits = CEILINGS
    """This chamber's own limits on shock; they can only be lower than the device's."""

    @model_validator(mode="after")
    def _one_of_a_kind(self) -> Self:
        kinds: list[str] = [device.kind for device in self.devices]
        _unique(self, "device", [device.name for device in self.devices], kinds)
        for device in self.devices:
            if device.shocker.pulse_timed_by and (problem := timing_problem(device.shocker, self.devices)):
                raise ValueError(f"{device.name}: {problem}")
        shockers = [device.name for device in self.devices if self.gives_shocks(device)]
        if len(shockers) > 1:
            raise ValueError(f"both {shockers[0]!r} and {shockers[1]!r} would give the shocks; leave one out")
        return self

    def gives_shocks(self, device: Device) -> bool:
        """Whether shocks are asked of this device; not of a controller that only times another's pulses."""
        return device.kind in SHOCKERS or (device.kind == "shock_controller" and self.timed_by(device) is None)

    def timed_by(self, device: Device) -> Device | None:
        """The shocker whose pulses this device times."""
        return next((one for one in self.devices if one.shocker.pulse_timed_by == device.name), None)


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
        devices = [device for chamber in self.chambers for device in chamber.devices]
        uids, usb = ([getattr(one, key) for one in devices if getattr(one, key)] for key in ("uid", "usb_serial"))
        return _unique(self, "chamber", [chamber.name for chamber in self.chambers], uids, usb)


R = TypeVar("R", bound=Record)


def _unique(record: R, what: str, *lists: list[str]) -> R:
    for names in lists:
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two {what}s are both {twice[0]!r}; each must be one of its kind")
    return record
