"""Mishaps on demand: what goes wrong with a simulated chamber, when, and for how long.

Each is a line of text, `KIND[=VALUE]@SECONDS[+SECONDS][:DEVICE]`, or a table of a TOML file with the same parts:

    stuck_lever=left@30+5          from 30 s into the session, for 5 s
    unplugged@12.5+2:operant-A     one device; without a name, every one that it can happen to
    [[faults]]
    kind = "lost"
    value = 0.02
    at_s = 0

Times count from the session's start. A mishap without a duration lasts to the end; `reboot` and `clock_jump` happen
once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Field, ValidationError

from behavior.config.read import Record, read
from behavior.model.errors import BadFile, Problem
from behavior.simulate.devices import Twin
from behavior.simulate.twin import Faults, SimulatedDevice

if TYPE_CHECKING:
    from behavior.config.rig import Chamber

NEVER = 2**63 - 1
Value: TypeAlias = float | str | None
WITH_LEVERS = ("operant_chamber", "harp_behavior")
GIVES_CURRENT = ("shock_controller", "harp_behavior", "line_shocker")


@dataclass(frozen=True, slots=True)
class Sort:
    """One kind of mishap.

    Attributes
    ----------
    what : in words
    value : what it takes: the range of a number, the words to choose from, or None
    of : the kinds of devices that it can happen to; empty for all
    changes : what of `Faults` is otherwise meanwhile, given the value; None for what happens once
    """

    what: str
    value: tuple[float, float] | tuple[str, ...] | None = None
    of: tuple[str, ...] = ()
    changes: Callable[[Any], dict[str, Any]] | None = None


OURS = ("shock_controller", "operant_chamber", "shuttle_box", "harp_behavior")
SORTS: Mapping[str, Sort] = {
    "lost": Sort("this fraction of bytes is lost", (0.0, 1.0), changes=lambda x: {"lost": x}),
    "corrupted": Sort("this fraction of bytes is corrupted", (0.0, 1.0), changes=lambda x: {"corrupted": x}),
    "duplicated": Sort("this fraction of bytes comes twice", (0.0, 1.0), changes=lambda x: {"duplicated": x}),
    "late": Sort("its bytes come so many seconds late", (0.0, 60.0), changes=lambda x: {"late_us": round(x * 1e6)}),
    "unplugged": Sort("its cable is out; when it is back it has another port", changes=lambda x: {"unplugged": True}),
    "reboot": Sort("it is switched off and on"),
    "clock_jump": Sort("its clock jumps by so many seconds", (-3_600.0, 3_600.0), OURS),
    "clock_drift": Sort("its clock runs faster by so many ppm", (-100_000.0, 100_000.0), OURS,
                        lambda x: {"clock_drift_ppm": x}),
    "interlock_open": Sort("the chamber is open", None, ("shock_controller",), lambda x: {"interlock_open": True}),
    "grid": Sort("nobody is on the bars, or they are shorted", ("open", "short"), GIVES_CURRENT,
                 lambda x: {"grid": x}),
    "delivered": Sort("its current is off by so many per cent", (-100.0, 1_000.0), GIVES_CURRENT,
                      lambda x: {"delivered_percent": x}),
    "gate_sticks": Sort("its gate does not move", None, ("shock_controller", "shuttle_box", "harp_behavior"),
                        lambda x: {"gate_sticks": True}),
    "stuck_lever": Sort("this lever's switch stays closed", ("left", "right"), WITH_LEVERS,
                        lambda x: {"stuck_lever": x}),
    "feeder_jam": Sort("the feeder runs and nothing arrives", None, WITH_LEVERS, lambda x: {"feeder_jam": True}),
}  # fmt: skip
"""Every kind of mishap, by name."""


class Mishap(Record):
    """Something goes wrong."""

    kind: str
    """One of `SORTS`."""
    value: float | str | None = None
    """What it takes, as in `0.02` or `"left"`."""
    at_s: Annotated[float, Field(ge=0)]
    """When it begins, s into the session."""
    for_s: Annotated[float, Field(gt=0)] | None = None
    """How long it lasts; to the end if it is not said."""
    device: str = ""
    """Its name in the rig; every device that it can happen to if it is not said."""

    def __str__(self) -> str:
        value = "" if self.value is None else f"={self.value:g}" if isinstance(self.value, float) else f"={self.value}"
        lasts = "" if self.for_s is None else f"+{self.for_s:g}"
        return f"{self.kind}{value}@{self.at_s:g}{lasts}" + (f":{self.device}" if self.device else "")


class MishapFile(Record):
    """A file of mishaps."""

    faults: Annotated[tuple[Mishap, ...], Field(min_length=1)]


SPEC = re.compile(r"(?P<kind>\w+)(=(?P<value>[^@]*))?@(?P<at_s>[^+:]*)(\+(?P<for_s>[^:]*))?(:(?P<device>.*))?")


def mishaps_of(asked: Iterable[str], chamber: Chamber) -> tuple[Mishap, ...]:
    """What is asked for, by text or by TOML files, if it can happen in this chamber.

    Raises
    ------
    BadInput
        A file cannot be read.
    BadFile
        Something is wrong with one or more of them; all problems at once.
    """
    found: list[Mishap] = []
    problems: list[Problem] = []
    for text in asked:
        if text.endswith(".toml"):
            some = [(f"{text}: faults.{place}", one) for place, one in enumerate(read(Path(text), MishapFile).faults)]
        else:
            one, why = _parsed(text)
            problems += [Problem(text, why)] if why else []
            some = [(text, one)] if one else []
        for key, one in some:
            problems += [Problem(key, why) for why in _problems(one, chamber)]
            found.append(_plain(one))
    if problems:
        raise BadFile("--fault", problems)
    return tuple(sorted(found, key=lambda one: one.at_s))


def _parsed(text: str) -> tuple[Mishap | None, str]:
    parts = SPEC.fullmatch(text)
    if parts is None:
        return None, (
            "must be KIND[=VALUE]@SECONDS[+SECONDS][:DEVICE], as in stuck_lever=left@30+5, or a file that ends in .toml"
        )
    given: dict[str, Any] = {name: part for name, part in parts.groupdict().items() if part is not None}
    try:
        return Mishap.model_validate(given), ""
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        said = {"at_s": "when it begins", "for_s": "how long it lasts"}.get(key, key)
        return None, f"{said} must be a number of seconds, {'0 or more' if key == 'at_s' else 'above 0'}"


def _plain(one: Mishap) -> Mishap:
    """With its value as a number, where it takes one."""
    sort = SORTS.get(one.kind)
    number = _number(one.value)
    wants_number = sort is not None and sort.value is not None and not isinstance(sort.value[0], str)
    return one.model_copy(update={"value": number}) if wants_number and number is not None else one


def _number(value: Value) -> float | None:
    try:
        return float(value) if value is not None else None
    except ValueError:
        return None


def _problems(one: Mishap, chamber: Chamber) -> list[str]:
    sort = SORTS.get(one.kind)
    if sort is None:
        return [f"there is no fault {one.kind!r}; it must be one of {', '.join(SORTS)}"]
    problems = [] if (why := _value_problem(one, sort)) is None else [why]
    if sort.changes is None and one.for_s is not None:
        problems.append(f"{one.kind} happens once; leave out how long it lasts")
    fits = [device.name for device in chamber.devices if device.has_port and device.kind in (sort.of or (device.kind,))]
    if not fits:
        problems.append(
            f"nothing in chamber {chamber.name} can have this, only a device of the kind {' or '.join(sort.of)}"
        )
    elif one.device and one.device not in fits:
        problems.append(f"{one.device!r} is no device of chamber {chamber.name} that can have this: {', '.join(fits)}")
    return problems


def _value_problem(one: Mishap, sort: Sort) -> str | None:
    if sort.value is None:
        return None if one.value is None else f"{one.kind} takes no value; leave out {one.value!r}"
    least, *rest = sort.value
    if isinstance(least, str):
        words = (least, *map(str, rest))
        return None if one.value in words else f"{one.kind} must be {' or '.join(words)} (is {one.value!r})"
    most = float(rest[0])
    number = _number(one.value)
    good = number is not None and least <= number <= most
    return None if good else f"{one.kind} must be a number from {least:g} to {most:g} (is {one.value!r})"


@dataclass(slots=True)
class _Due:
    at_us: int
    happens: Callable[[Twin, int], None]
    devices: tuple[str, ...]


class Mishaps:
    """Has mishaps happen to twins as time passes.

    Parameters
    ----------
    planned : checked
    chamber : whose devices they are
    """

    def __init__(self, planned: Sequence[Mishap], chamber: Chamber) -> None:
        self._coming: list[_Due] = []
        for one in planned:
            sort = SORTS[one.kind]
            kinds = {device.name: device.kind for device in chamber.devices if device.has_port}
            fits = tuple(name for name, kind in kinds.items() if kind in (sort.of or (kind,)))
            devices = (one.device,) if one.device else fits
            self._coming.append(_Due(round(one.at_s * 1e6), _beginning(one, sort), devices))
            if one.for_s is not None and sort.changes is not None:
                changes = sort.changes(one.value)
                before = {name: getattr(Faults(), name) for name in changes}
                self._coming.append(_Due(round((one.at_s + one.for_s) * 1e6), _changing(before), devices))
        self._coming.sort(key=lambda due: due.at_us)
        self.zero_us: int | None = None if self._coming else 0
        """When the session began, by the twins' time; nothing happens before that is known."""

    @property
    def next_us(self) -> int:
        """When something goes wrong, or right again, by the twins' time."""
        return NEVER if self.zero_us is None or not self._coming else self.zero_us + self._coming[0].at_us

    def advance(self, twins: Mapping[str, Twin], now_us: int) -> None:
        """Have happen what is due."""
        while self.next_us <= now_us:
            due = self._coming.pop(0)
            for name in due.devices:
                due.happens(twins[name], now_us)


def _beginning(one: Mishap, sort: Sort) -> Callable[[Twin, int], None]:
    if sort.changes is not None:
        return _changing(sort.changes(one.value))
    if one.kind == "reboot":
        return lambda twin, now_us: twin.restart(now_us)
    jump_us = round(float(one.value or 0) * 1e6)
    return lambda twin, now_us: twin.jump(jump_us, now_us) if isinstance(twin, SimulatedDevice) else None


def _changing(changes: dict[str, Any]) -> Callable[[Twin, int], None]:
    return lambda twin, now_us: twin.suffer(replace(twin.faults, **changes), now_us)
