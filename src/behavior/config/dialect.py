"""What a shocker on a serial line speaks, as a table: framing, commands, checksum, replies, limits.

Text in commands and replies may hold these values, written as in `{ma:.2f}`:

==============  ===================================================================
`{ma}`          the current, mA
`{ma_mid}`      the same and a quarter of a step, for firmware that cuts off
`{ua}`          the current, µA
`{steps}`       the current in steps of `limits.step_ma`
`{code}`        the current as `codes` has it
`{ms}`, `{s}`   the pulse's duration
==============  ===================================================================
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from behavior.config.read import Record

VALUES = {"ma": 0.5, "ma_mid": 0.505, "ua": 500, "steps": 25, "code": "A", "ms": 500, "s": 0.5}
"""The names that a text may hold, with what they might be."""


class Frame(Record):
    """How a message begins and ends, and how it is checked."""

    start: str = ""
    end: Annotated[str, Field(min_length=1)] = "\n"
    checksum: Literal["none", "sum8_hex"] = "none"
    """`sum8_hex`: two hexadecimal digits of the sum of the body's bytes, before `end`."""
    mark: str = ""
    """Stands between body and checksum."""

    @model_validator(mode="after")
    def _plain(self) -> Self:
        if not all(part.isascii() for part in (self.start, self.end, self.mark)):
            raise ValueError("start, end and mark must be ASCII")
        return self


class Command(Record):
    """One thing to say, and what the answer is."""

    send: str
    reply: str = ""
    """What the device answers, `*` standing for anything; empty if it answers nothing."""
    wait_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How long it takes, before anything else is said."""

    @model_validator(mode="after")
    def _known_values(self) -> Self:
        for text in (self.send, self.reply):
            try:
                fields = [(name, how or "") for _, name, how, _ in Formatter().parse(text) if name is not None]
                unknown = {name for name, _ in fields} - VALUES.keys()
                if any(re.search(r"\d{3}|{", how) for _, how in fields):
                    raise ValueError("more than 99 characters wide")
                if not unknown:
                    text.format_map(VALUES)
            except ValueError as error:
                raise ValueError(f"{text!r} cannot be filled in ({error})") from None
            if unknown:
                raise ValueError(f"{{{min(unknown)}}} is no value; it must be one of {', '.join(VALUES)}")
        return self


class Report(Record):
    """What the device tells unasked, with the current that it is set to.

    The groups of `pattern` may be called `bits` (a digit for each bit of the current, least significant first, other
    characters are passed over), `ua` or `ma`.
    """

    pattern: str
    bits_active: Literal["0", "1"] = "1"

    @model_validator(mode="after")
    def _is_a_pattern(self) -> Self:
        try:
            groups = re.compile(self.pattern).groupindex
        except re.error as error:
            raise ValueError(f"{self.pattern!r} is no regular expression ({error})") from None
        if not groups.keys() & {"bits", "ua", "ma"}:
            raise ValueError(f"{self.pattern!r} has no group called bits, ua or ma")
        return self


class Limits(Record):
    """What the shocker itself can do."""

    max_ma: Annotated[float, Field(gt=0, le=10.0)]
    step_ma: Annotated[float, Field(gt=0, le=1.0)] = 0.01
    max_single_s: Annotated[float, Field(gt=0, le=30.0)] = 30.0
    fixed_s: Annotated[float, Field(gt=0, le=30.0)] | None = None
    """The only duration that it gives."""


class KeepAlive(Record):
    """What it must hear now and then."""

    send: str
    every_s: Annotated[float, Field(ge=0.05, le=10)]


class Dialect(Record):
    """All that a driver and a simulated device need to know of a shocker on a line."""

    name: str
    source: str
    """Where it is documented."""
    baud: Annotated[int, Field(ge=300, le=4_000_000)]
    frame: Frame
    start_s: Annotated[float, Field(ge=0, le=10)] = 0.0
    """How long it takes to start up when its port is opened."""
    limits: Limits
    setup: tuple[Command, ...] = ()
    """What is said once, in order."""
    identify: Command | None = None
    set_current: Command | None = None
    """Without it, the current is set by hand (`set_ma` in the rig file)."""
    set_duration: Command | None = None
    pulse: Command | None = None
    """Gives one pulse that the shocker ends by itself. Without it, `pulse_timed_by` is required."""
    stop: Command | None = None
    off: tuple[Command, ...] = ()
    """What leaves it off at the end."""
    report: Report | None = None
    keep_alive: KeepAlive | None = None
    passed_over: tuple[str, ...] = ()
    """What it tells that means nothing here, `*` standing for anything."""
    errors: tuple[str, ...] = ()
    """What it answers when it refuses, `*` standing for anything."""
    codes: dict[str, str] = Field(default_factory=dict)
    """Codes of currents, by the current in mA, for shockers that take only these."""

    @property
    def ends_its_own_pulse(self) -> bool:
        """Whether it may be driven without another device that times its pulses."""
        return self.pulse is not None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.pulse and not (self.set_duration or self.limits.fixed_s):
            raise ValueError("a pulse needs set_duration, or limits.fixed_s; else nobody knows how long it is")
        if self.set_current and "{code" in self.set_current.send and not self.codes:
            raise ValueError("set_current sends {code}, and there are no codes; add the table that came with it")
        for text in self.codes:
            if not re.fullmatch(r"\d+(\.\d+)?", text):
                raise ValueError(f"codes: {text!r} is no current in mA")
        return self
