"""Going through a chamber with a person at it: every output, every input, and the current through a dummy load.

Knows no terminal and no clock: it is given a chamber to drive and a person to ask, real or simulated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from behavior.config.calibration import Point
from behavior.devices.abilities import REPORTS, Report, outputs_of
from behavior.devices.calibration import shocker_of
from behavior.devices.dialects import cannot_give, dialect_of
from behavior.model.commands import Command, Deliver, SetCue, SetGate, SetLever, Shock, StopShock
from behavior.model.errors import BadInput, Failure
from behavior.model.events import (
    Crossed,
    Delivered,
    Event,
    Faulted,
    HeadLeft,
    LeverPressed,
    LeverReleased,
    LinkLost,
    ShockEnded,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from behavior.config.rig import Chamber, Device

PULSE_S = 2.0
POINTS_MA = (0.1, 0.2, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0)
PATIENCE_US = 30_000_000
WORDS = {
    "LeverPressed": "press the {} lever",
    "HeadEntered": "put a finger into the tray's beam",
    "Crossed": "block the beams (or press the floor) of the other side, then of the side {} alone",
    "Delivered": "see a pellet fall",
}


class Drives(Protocol):
    """A chamber in time."""

    def now_us(self) -> int:
        """The time."""

    def send(self, command: Command) -> None:
        """Carry out a command."""

    def wait(self, until_us: int) -> list[Event]:
        """What happens next."""


class Person(Protocol):
    """Who stands at the chamber."""

    def tell(self, text: str) -> None:
        """Say something to them."""

    def yes(self, question: str) -> bool:
        """Ask what is answered by yes or no."""

    def answer(self, question: str) -> str:
        """Ask for a line."""


@dataclass(slots=True)
class Findings:
    """What came of it."""

    good: list[str] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)


class Bench:
    """One walk through a chamber.

    Parameters
    ----------
    chamber : as the rig describes it
    drives : its devices, ready
    person : who looks, presses and measures
    """

    def __init__(self, chamber: Chamber, drives: Drives, person: Person) -> None:
        self._chamber, self._drives, self._person = chamber, drives, person
        self.findings = Findings()
        self._n_deliveries = self._n_shocks = 0

    def outputs(self) -> None:
        """Switch each output on, ask whether it is, and off again."""
        for device in self._chamber.devices:
            for command in outputs_of(device):
                if isinstance(command, Deliver):
                    continue  # its pellet is an input too
                self._drives.send(command)
                self._pass(300_000)
                self._note(f"{device.name}: {named(command)}", self._person.yes(f"{named(command)}: is it on?"))
                off = command.off()
                if off is not None:
                    self._drives.send(off)
                    self._pass(300_000)

    def inputs(self) -> None:
        """Have each input made to report, and see that it does."""
        for device in self._chamber.devices:
            for kind, which in REPORTS[device.kind](device):
                if kind not in (LeverReleased, HeadLeft):
                    self._input(device, (kind, which))

    def _input(self, device: Device, report: Report) -> None:
        kind, which = report
        what = WORDS[kind.__name__].format(which)
        if kind is Delivered:
            self._n_deliveries += 1
            self._drives.send(Deliver(self._n_deliveries))
        way = {LeverPressed: SetLever(str(which), out=True), Crossed: SetGate(open=True)}.get(kind)
        if way is not None:
            self._drives.send(way)
        self._person.tell(f"{device.name}: {what} (within 30 s)")
        came = self._until(lambda event: type(event) is kind and which in (None, _which(event)))
        self._note(f"{device.name}: {what}", came is not None)
        if way is not None and (off := way.off()) is not None:
            self._drives.send(off)

    def current(self, load_ohm: float, points_ma: tuple[float, ...] = POINTS_MA) -> None:
        """Pulses through a dummy load, each measured by a meter.

        Raises
        ------
        Failure
            A pulse was not given.
        """
        device = shocker_of(self._chamber)
        if device is None:
            return
        duration_s = self._pulse_s(device)
        points_ma = self._possible(device, points_ma, duration_s)
        self._person.tell(
            f"Take the animal out. Connect the dummy load ({load_ohm:g} ohm) instead of the grid, and a meter to it."
        )
        if not self._person.yes("Is the load connected, and nobody near the bars?"):
            self.findings.bad.append(f"{device.name}: its current was not measured")
            return
        for ma in points_ma:
            ended = self._pulse(device, ma, duration_s)
            measured = self._measured(ma, load_ohm)
            point = Point(asked_ma=ma, measured_ma=measured, reported_ma=ended.delivered_ma)
            self.findings.points.append(point)
            self._note(f"{device.name}: {ma:g} mA gave {measured:g} mA", point.is_good)

    def _pulse_s(self, device: Device) -> float:
        if device.kind == "line_shocker" and not device.shocker.pulse_timed_by:
            limits = dialect_of(device).limits
            return limits.fixed_s or min(PULSE_S, limits.max_single_s)
        return min(PULSE_S, self._chamber.limits.max_single_s)

    def _possible(self, device: Device, points_ma: tuple[float, ...], duration_s: float) -> tuple[float, ...]:
        if device.shocker.set_ma is not None:
            return (device.shocker.set_ma,)
        most_ma = self._chamber.limits.max_ma
        return tuple(ma for ma in points_ma if ma <= most_ma and not cannot_give(device, ma, duration_s))

    def _pulse(self, device: Device, ma: float, duration_s: float) -> ShockEnded:
        self._n_shocks += 1
        self._pass(round(duration_s * 1e6) + 500_000)  # no more than half of any time
        self._person.tell(f"{device.name}: {ma:g} mA for {duration_s:g} s, now")
        self._drives.send(Shock(self._n_shocks, ma, duration_s))
        ended = self._until(lambda event: isinstance(event, ShockEnded))
        if not isinstance(ended, ShockEnded):
            self._drives.send(StopShock())
            raise Failure(
                f"{device.name}: a pulse of {ma:g} mA was not given; see what it lacks, and run the bench again"
            )
        return ended

    def _measured(self, ma: float, load_ohm: float) -> float:
        while True:
            said = self._person.answer(f"What did the meter show at {ma:g} mA? (as in 0.5 mA or 5 V)")
            try:
                return current_of(said, load_ohm)
            except BadInput as error:
                self._person.tell(str(error))

    # ---- time

    def _pass(self, us: int) -> None:
        self._until(lambda event: False, us)

    def _until(self, wanted: Callable[[Event], bool], patience_us: int = PATIENCE_US) -> Event | None:
        """The first such event, or none in time.

        Raises
        ------
        Failure
            A device fails meanwhile.
        """
        until_us = self._drives.now_us() + patience_us
        found = None
        while found is None and self._drives.now_us() < until_us:
            for event in self._drives.wait(until_us):
                if isinstance(event, Faulted) and "jammed" in event.cause:
                    self._person.tell(f"{event.device}: {event.cause}")
                    return None
                if isinstance(event, Faulted | LinkLost):
                    cause = event.cause if isinstance(event, Faulted) else "its link is lost"
                    raise Failure(f"{event.device}: {cause}; mend it and run the bench again")
                found = found or (event if wanted(event) else None)
        return found

    def _note(self, what: str, good: bool) -> None:
        (self.findings.good if good else self.findings.bad).append(what)


def current_of(said: str, load_ohm: float) -> float:
    """What a meter showed, as a current in mA: given as such, or as the voltage over the load.

    Examples
    --------
    >>> current_of("0.49 mA", 10_000), current_of("4.9 V", 10_000), current_of("490 mV", 10_000)
    (0.49, 0.49, 0.049)

    Raises
    ------
    BadInput
        It is neither.
    """
    found = re.fullmatch(r"\s*([0-9]+(?:[.,][0-9]+)?)\s*(mA|uA|µA|V|mV)?\s*", said)
    if found is None:
        raise BadInput(f"{said.strip()!r} is neither a current nor a voltage; type it as in 0.5 mA or 5 V")
    value, unit = float(found[1].replace(",", ".")), found[2] or "mA"
    factor = {"mA": 1.0, "uA": 1e-3, "µA": 1e-3, "V": 1e3 / load_ohm, "mV": 1.0 / load_ohm}[unit]
    return round(value * factor, 6)


def named(command: Command) -> str:
    """An output as a person would call it."""
    match command:
        case SetCue(cue=cue):
            return cue.replace("_", " ")
        case SetLever(lever=lever):
            return f"{lever} lever out"
        case SetGate():
            return "gate open"
    return type(command).__name__


def _which(event: Event) -> str | None:
    return event.side if isinstance(event, Crossed) else getattr(event, "lever", None)
