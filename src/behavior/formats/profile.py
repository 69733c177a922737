"""Decoder profiles: what the numbers of a control system's file mean. A person writes one per program, in TOML.

A file of MED-PC does not say what an array is, in which unit its times are, or where it ends; the program does, and
whoever wrote it knows. Nothing here is guessed: what a profile leaves open is a problem that names what to add.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeAlias, get_args

from pydantic import Field, model_validator

from behavior.config.read import Record, read
from behavior.config.shipped import shipped
from behavior.model.errors import BadInput

System: TypeAlias = Literal["medpc", "pycontrol"]
Happening: TypeAlias = Literal[
    "press", "release", "head entry", "head exit", "crossing", "delivery", "shock", "shock on", "shock off", "cue on",
    "cue off", "component", "component begin", "component end", "trial begin", "trial end", "session begin",
    "session end", "note", "ignore",
]  # fmt: skip
"""What an event can be. `component` ends the one before it. `note` is kept in the journal; `ignore` is left out."""
HAPPENINGS: tuple[str, ...] = get_args(Happening)
NAMED = ("press", "release", "crossing", "cue on", "cue off", "component", "component begin", "component end", "note")
UNITS = {"s": Decimal(1), "ms": Decimal("0.001"), "min": Decimal(60)}
TIMED = ("times", "times beside codes", "time.code", "time then code", "code then time")
Encoding: TypeAlias = Literal["times", "times beside codes", "time.code", "time then code", "code then time", "counts"]
CODED = TIMED[1:]


class Meaning(Record):
    """What a code stands for."""

    event: Happening
    name: str = ""
    """Of the lever, side, cue or component; of a note its text."""
    ma: Annotated[float | None, Field(gt=0, le=5)] = None
    """Shock: the current that was set, mA. No file of MED-PC tells what was delivered."""
    shock_s: Annotated[float | None, Field(gt=0, le=60)] = None
    """Shock of which only the begin is recorded: how long the program made it."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.event in NAMED and not self.name:
            raise ValueError(f"a {self.event} needs its name; add it")
        if self.event not in NAMED and self.name:
            raise ValueError(f"a {self.event} has no name; leave it out")
        if (self.event in ("shock", "shock on")) != (self.ma is not None):
            raise ValueError("ma, the current that was set, belongs to shock and shock on, which need it")
        if (self.event == "shock") != (self.shock_s is not None):
            raise ValueError("shock_s belongs to shock, which needs it; where both ends are recorded, use shock on")
        return self


class Clock(Record):
    """In what a time is counted: `unit`, or ticks of `tick_s` seconds. One of the two, and never a guess."""

    unit: Literal["s", "ms", "min"] | None = None
    tick_s: Annotated[float | None, Field(gt=0, le=60)] = None
    """How long a tick of the program is, s: 0.01 for a 10-ms system."""

    @property
    def scale_s(self) -> Decimal:
        """Seconds of one."""
        return UNITS[self.unit] if self.unit else Decimal(repr(self.tick_s))


class Stream(Clock):
    """An array, or two that belong together, and how events are written in it."""

    array: Annotated[str, Field(pattern="^[A-Z]$")]
    encoding: Encoding
    """`times`: each number is when `event` was. `times beside codes`: the codes are in `codes_array`. `time.code`: the
    decimals are the code, `code_digits` of them. `time then code`: time x `factor` + code. `code then time`: code x
    `factor` + time. `counts`: how often `event` was in each bin of `bin_s`."""
    relative: bool = False
    """Each time counts from the event before it, the first one from the begin of the session."""
    codes_array: Annotated[str, Field(pattern="^[A-Z]?$")] = ""
    code_digits: Annotated[int | None, Field(ge=1, le=6)] = None
    factor: Annotated[int | None, Field(ge=10)] = None
    bin_s: Annotated[float | None, Field(gt=0)] = None
    event: Meaning | None = None
    first: Annotated[int, Field(ge=0)] = 0
    """The index of the first event; 1 for programs that leave the cell 0 empty."""
    n_in: Annotated[str, Field(pattern=r"^([A-Z](\(\d+\))?)?$")] = ""
    """A variable that holds how many events there are, as in "G" or "A(3)"."""
    marks: tuple[float, ...] = ()
    """Numbers that the program stores among the times as marks, such as -10.01, and that are no events."""
    padding: Literal["zeros"] | None = None
    """Of an array that was not sealed: the zeros at its end are no events."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        timed = self.encoding in TIMED
        if timed and (self.unit is None) == (self.tick_s is None):
            raise ValueError(
                "is the time in a unit or in ticks? add unit (s, ms or min) or tick_s, how long a tick of the program "
                "is in s; the program's text says so, the file does not"
            )
        rules: tuple[tuple[str, bool, object], ...] = (
            ("codes_array", self.encoding == "times beside codes", self.codes_array or None),
            ("code_digits", self.encoding == "time.code", self.code_digits),
            ("factor", self.encoding in ("time then code", "code then time"), self.factor),
            ("bin_s", self.encoding == "counts", self.bin_s),
            ("event", self.encoding in ("times", "counts"), self.event),
        )
        for name, needed, value in rules:
            if needed and value is None:
                raise ValueError(f"the encoding {self.encoding!r} needs {name}; add it")
            if not needed and value is not None:
                raise ValueError(f"{name} does not belong to the encoding {self.encoding!r}; leave it out")
        if not timed and (self.unit or self.tick_s or self.relative):
            raise ValueError("counts have no times; leave out unit, tick_s and relative")
        return self


class Lasting(Clock):
    """A variable that holds how long the session was."""

    variable: Annotated[str, Field(pattern=r"^[A-Z](\(\d+\))?$")]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.unit is None) == (self.tick_s is None):
            raise ValueError("is it in a unit or in ticks? add unit (s, ms or min) or tick_s")
        return self


class Timetabled(Record):
    """A component that the program presented at fixed times and did not write down."""

    component: str
    begin_s: Annotated[float, Field(ge=0)]
    end_s: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.end_s <= self.begin_s:
            raise ValueError(f"end_s ({self.end_s:g}) must be after begin_s ({self.begin_s:g})")
        return self


DESCRIBED: tuple[str, ...] = (
    "subject", "experimenter", "weight_g", "compound", "dose_mg_kg", "vehicle", "route", "pretreatment_min",
    "precedes", "blind_code", "study", "arm", "day", "chamber",
)  # fmt: skip
"""What of a session's header can be found in a file's own."""


class HeaderField(Record):
    """Where in the file's header something stands: a line, and a pattern with a named group for each thing."""

    field: str
    pattern: str
    """A regular expression, such as `(?P<compound>\\w+): (?P<dose_mg_kg>[\\d.]+) mg/kg`."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            groups = re.compile(self.pattern).groupindex
        except re.error as error:
            raise ValueError(f"pattern is no regular expression ({error}); mend it") from None
        if not groups or (unknown := sorted(set(groups) - set(DESCRIBED))):
            what = "no named group" if not groups else f"a group {unknown[0]!r}"
            raise ValueError(f"pattern has {what}; name its groups from {', '.join(DESCRIBED)}")
        return self


class Described(Record):
    """What is the same for every session of the program."""

    experimenter: str = ""
    study: str | None = None
    arm: str | None = None
    compound: str | None = None
    dose_mg_kg: Annotated[float | None, Field(ge=0)] = None
    vehicle: str | None = None
    route: str | None = None
    pretreatment_min: float | None = None
    precedes: str | None = None


class Profile(Record):
    """A decoder profile."""

    system: System = "medpc"
    programs: Annotated[tuple[str, ...], Field(min_length=1)]
    """Names of the programs that write so (MSN; pyControl: the task)."""
    source: str = ""
    """Where it was read what the numbers mean."""
    paradigm: str = ""
    """By which sessions are scored; without, they get what every session has."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Of the paradigm, where they are not the usual ones."""
    time_zone: str = ""
    """Of the computer, as in "Europe/Berlin"; files do not say it. Empty: not known."""
    lasts: Lasting | None = None
    """How long a session was; without, from Start Time to End Time, in whole seconds."""
    completed_from_s: Annotated[float | None, Field(gt=0)] = None
    """A shorter session did not come to its planned end and is left out of summaries."""
    streams: tuple[Stream, ...] = ()
    codes: dict[str, Meaning] = Field(default_factory=dict)
    """The legend: what each code stands for. pyControl: `event NAME` and `state NAME`."""
    timetable: tuple[Timetabled, ...] = ()
    fields: tuple[HeaderField, ...] = ()
    described: Described = Described()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.system == "medpc") != bool(self.streams):
            raise ValueError(
                "streams say which array holds what: a MED-PC profile needs them, a pyControl one has none"
            )
        coded = self.system == "pycontrol" or any(stream.encoding in CODED for stream in self.streams)
        if coded and not self.codes:
            raise ValueError("codes are written and no legend is given; add [codes]")
        if self.codes and not coded:
            raise ValueError("[codes] is a legend and no stream has codes; leave it out")
        arrays = [stream.array for stream in self.streams]
        if twice := sorted({array for array in arrays if arrays.count(array) > 1}):
            raise ValueError(f"two streams both read array {twice[0]}; one must do")
        return self

    @property
    def legend(self) -> Mapping[str, Meaning]:
        """The legend with numbers in one spelling: "007" and "7" are one code."""
        return {
            str(int(key)) if key.isdecimal() and len(key) < 20 else key: meaning for key, meaning in self.codes.items()
        }


def read_profile(name: str, system: System) -> tuple[Profile, Path]:
    """The profile that a person names, and its file.

    Parameters
    ----------
    name : a TOML file, or the stem of a shipped one
    system : the control system that wrote the data

    Raises
    ------
    BadInput, BadFile
        There is none, it cannot be used, or is for another control system.
    """
    from behavior.config.shipped import find

    path = find(name, "configs", system)
    profile = read(path, Profile)
    if profile.system != system:
        raise BadInput(f"{path}: is a profile for {profile.system}, and the file is of {system}; name another")
    return profile, path


def shipped_profile(program: str, system: System) -> tuple[Profile, Path] | None:
    """The shipped profile of a program, and its file; None if there is none."""
    return profile_in(shipped("configs", system), program)


def profile_in(folder: Path, program: str) -> tuple[Profile, Path] | None:
    """The profile of a program among those in a folder, and its file; None if there is none.

    Raises
    ------
    BadInput, BadFile
        One of them cannot be used, or two are for the program.
    """
    found = [
        (profile, path)
        for path in sorted(folder.glob("*.toml"))
        if program in (profile := read(path, Profile)).programs
    ]
    if len(found) > 1:
        names = " and ".join(path.name for _, path in found)
        raise BadInput(f"{folder}: {names} are both for the program {program!r}; remove one")
    return found[0] if found else None
