"""How other people's devices are wired: what hangs on a Harp Behavior board, and what opens a shocker's gate.

A board's outputs rest low when it is reset or unplugged. What is wired to them must be off then: a shocker whose
trigger is active low gets an inverting open-collector driver (`hardware/parallel_shocker/wiring.md`), never the line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from behavior.config.read import Record

OutputLine: TypeAlias = Literal[
    "DOPort0", "DOPort1", "DOPort2", "SupplyPort0", "SupplyPort1", "SupplyPort2",
    "Led0", "Led1", "Rgb0", "Rgb1", "DO0", "DO1", "DO2", "DO3",
]  # fmt: skip
PwmLine: TypeAlias = Literal["DO0", "DO1", "DO2", "DO3"]
PortLine: TypeAlias = Literal["DIO0", "DIO1", "DIO2"]
InputLine: TypeAlias = Literal["DIPort0", "DIPort1", "DIPort2", "DI3"]
Side: TypeAlias = Literal["left", "right"]


class Input(Record):
    """A line that something is read from."""

    input: InputLine
    active: Literal["high", "low"] = "high"
    """The level at which it says yes: pressed, broken, flowing."""


class Lever(Input):
    """A lever's switch, and what puts the lever out."""

    output: OutputLine | None = None
    """High puts the lever out. A lever without it is always out."""


class Pellet(Record):
    """A feeder on a line that gives pulses."""

    output: OutputLine = "SupplyPort0"
    pulse_ms: Annotated[int, Field(ge=1, le=5_000)] = 45
    sensor: Input | None = None
    """Sees the pellet arrive. Without it a delivery is believed."""


class Tone(Record):
    """A tone as a square wave on a line."""

    output: PwmLine
    hz: Annotated[int, Field(ge=100, le=20_000)] = 2_900


class Board(Record):
    """What hangs on a Harp Behavior board."""

    levers: dict[Side, Lever] = Field(default_factory=dict)
    head: Input | None = None
    """The beam of the food tray."""
    pellet: Pellet | None = None
    cues: dict[Annotated[str, Field(pattern=r"^[a-z][a-z_0-9]*$")], OutputLine] = Field(default_factory=dict)
    """By name, as in `house_light` or `cue_light_left`."""
    tone: Tone | None = None
    input_filter_ms: Annotated[int, Field(ge=0, le=100)] = 5
    """How long an edge of a port's input deafens it to further ones."""

    def lines(self) -> list[str]:
        """Every line that is used, as often as it is."""
        inputs = [one.input for one in (*self.levers.values(), self.head) if one]
        outputs = [one.output for one in (*self.levers.values(), self.pellet, self.tone) if one and one.output]
        sensor = [self.pellet.sensor.input] if self.pellet and self.pellet.sensor else []
        return [*inputs, *outputs, *sensor, *self.cues.values()]

    @model_validator(mode="after")
    def _each_line_once(self) -> Self:
        if twice := used_twice(self.lines()):
            raise ValueError(f"line {twice} is used twice; give each thing a line of its own")
        return self


class Shocker(Record):
    """A shocker of another make: what sets its current, and what opens and ends its gate."""

    pulse_timed_by: str = ""
    """The device of this chamber that begins and ends each pulse by its own clock. A computer may not: when it dies,
    the shock would stay on."""
    trigger: OutputLine | None = None
    """The board's line that opens the gate while it is high."""
    gate: Input | None = None
    """A line that reads the gate back, as the trigger's own wire: pulses then have the times of their edges."""
    set_ma: Annotated[float, Field(gt=0, le=3.0)] | None = None
    """The current that a person has set by hand. Recorded as not verified."""
    data: Annotated[tuple[OutputLine | PortLine, ...], Field(max_length=8)] = ()
    """Lines that set the current in parallel, least significant first."""
    data_active: Literal["high", "low"] = "high"
    """The level at which a data line adds its current. With inverting drivers: high."""
    step_ma: Annotated[float, Field(gt=0, le=1.0)] = 0.02
    """What the least significant data line adds."""
    delivered: Input | None = None
    """A line that says that current really flows."""
    dialect: str = ""
    """What a line shocker speaks: a TOML file, or the name of a shipped one."""

    def lines(self) -> list[str]:
        """Every line of the board that is used, as often as it is."""
        inputs = {one.input for one in (self.gate, self.delivered) if one}
        return [*([self.trigger] if self.trigger else []), *self.data, *inputs]


NEEDS: dict[str, dict[str, str]] = {
    "ttl_shocker": {
        "pulse_timed_by": "it cannot end its own pulse; name the device of this chamber that times it",
        "set_ma": "say what current was set by hand",
    },
    "parallel_shocker": {
        "pulse_timed_by": "it cannot end its own pulse; name the device of this chamber that times it",
        "data": "name the lines that set its current, least significant first",
    },
    "line_shocker": {"dialect": "say what it speaks: a TOML file, or the name of a shipped one"},
}
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "ttl_shocker": ("data", "dialect"),
    "parallel_shocker": ("set_ma", "dialect"),
    "line_shocker": ("data",),
}
"""By kind what of `Shocker` is not of it."""


def shocker_problem(kind: str, shocker: Shocker) -> str:
    """What is wrong with how a shocker of this kind is described; empty if nothing is."""
    for key, what in NEEDS[kind].items():
        if not getattr(shocker, key):
            return f"shocker.{key} is missing: {what}"
    for key in FORBIDDEN[kind]:
        if getattr(shocker, key):
            return f"shocker.{key} is not of a {kind}; leave it out"
    return ""


def timing_problem(shocker: Shocker, devices: Iterable[Any]) -> str:
    """What is wrong with who times a shocker's pulses, among the devices of its chamber; empty if nothing is."""
    known = {device.name: device for device in devices}
    timer = known.get(shocker.pulse_timed_by)
    if timer is None:
        return (
            f"pulse_timed_by names {shocker.pulse_timed_by!r}, which is no device of this chamber; a pulse is ended "
            "by a device, never by the computer: name a harp_behavior or a shock_controller"
        )
    if timer.kind not in ("harp_behavior", "shock_controller"):
        return f"pulse_timed_by names {timer.name!r}, a {timer.kind}, which cannot time pulses"
    if timer.kind == "shock_controller" and shocker.lines():
        return f"lines are of a harp_behavior, and {timer.name!r} is a shock_controller, which has its own gate line"
    if timer.kind == "harp_behavior":
        if shocker.trigger is None:
            return f"shocker.trigger is missing: name the line of {timer.name!r} that opens its gate"
        if twice := used_twice([*timer.board.lines(), *shocker.lines()]):
            return f"line {twice} of {timer.name!r} is used twice; give each thing a line of its own"
    return ""


def used_twice(lines: Iterable[str]) -> str:
    """A line that stands there more than once, or nothing."""
    return next((line for line, n in Counter(lines).items() if n > 1), "")
