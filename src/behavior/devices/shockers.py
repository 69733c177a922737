"""Shockers of other makes: they set a current, and something that can end a pulse by its own clock opens their gate.

`TtlShocker` has a gate and a knob; `ParallelShocker` sets its current by lines (HSCK100A and its kind); `LineShocker`
(in `line_shocker`) speaks on a serial line. None of them is ever switched on and off by the computer: a `Timer` is
asked for a pulse of a length, and the timer is a device. What our own controller has compiled in, `Ceilings` hold here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Protocol

from behavior.devices.driver import NEVER
from behavior.model.commands import Command, Shock, StopShock
from behavior.model.events import Event, Faulted

if TYPE_CHECKING:
    from behavior.config.wiring import Shocker
    from behavior.devices.ceilings import Ceilings

SAME_MA = 1e-6


class Timer(Protocol):
    """A driver whose device begins and ends pulses by its own clock, and reports them."""

    def pulse(self, shock: Shock, now_us: int, data: int | None = None) -> None:
        """Give one pulse; `data` are the lines that set its current, for timers that have such lines."""

    def stop(self, now_us: int) -> None:
        """End the pulse that is on."""


class GatedShocker(ABC):
    """What all shockers share whose gate another device opens. Has no port of its own.

    Parameters
    ----------
    name : what the rig calls it
    timer : the driver of the device that times its pulses
    shocker : as the rig describes it
    ceilings : what is refused here, whoever asks
    """

    def __init__(self, name: str, timer: Timer, shocker: Shocker, ceilings: Ceilings) -> None:
        self.name = name
        self._timer, self._shocker, self._ceilings = timer, shocker, ceilings
        self._events: list[Event] = []

    def takes(self, command: Command) -> bool:
        """Shocks."""
        return isinstance(command, Shock | StopShock)

    def send(self, command: Command, now_us: int) -> None:
        """Begin to carry out a command."""
        if isinstance(command, StopShock):
            self._timer.stop(now_us)
        elif isinstance(command, Shock):
            if why := self.impossible(command) or self._ceilings.refusal(command, now_us):
                self._events.append(Faulted(now_us, self.name, why))
            else:
                self._give(command, now_us)

    def retime(self, old: object, new: object) -> None:
        """The driver that times its pulses was lost and found again."""
        if self._timer is old:
            self._timer = new  # type: ignore[assignment]

    @abstractmethod
    def impossible(self, shock: Shock) -> str:
        """Why it cannot give such a shock; empty if it can."""

    def _give(self, shock: Shock, now_us: int) -> None:
        self._timer.pulse(shock, now_us)

    def receive(self, data: bytes, now_us: int) -> list[Event]:
        """Nothing comes."""
        return self.tick(now_us)

    def tick(self, now_us: int) -> list[Event]:
        """What was wrong with a command."""
        events, self._events = self._events, []
        return events

    @property
    def next_us(self) -> int:
        """When `tick` is due."""
        return 0 if self._events else NEVER

    def take_outgoing(self) -> bytes:
        """Nothing is said."""
        return b""

    def calm(self) -> bytes:
        """Its timer ends the pulse."""
        return b""


class TtlShocker(GatedShocker):
    """A gate, and a current that a person sets by hand. Its shocks are believed, and marked as not verified."""

    def impossible(self, shock: Shock) -> str:
        """Only the current that was set by hand is given."""
        return not_set_by_hand(self._shocker, shock.ma)


class ParallelShocker(GatedShocker):
    """A current set by parallel lines of the device that times its pulses: HSCK100A and its kind."""

    def impossible(self, shock: Shock) -> str:
        """Only whole steps are given, up to what its lines can say."""
        return not_a_step(self._shocker, shock.ma)

    def _give(self, shock: Shock, now_us: int) -> None:
        self._timer.pulse(shock, now_us, steps_of(self._shocker, shock.ma))


def steps_of(shocker: Shocker, ma: float) -> int:
    """A current in steps."""
    return round(ma / shocker.step_ma)


def not_set_by_hand(shocker: Shocker, ma: float) -> str:
    """Why a current cannot be given by a shocker that is set by hand; empty if it can."""
    if shocker.set_ma is None:
        return "nobody says what current was set by hand"
    if abs(ma - shocker.set_ma) > SAME_MA:
        return f"cannot give {ma:g} mA: it is set by hand to {shocker.set_ma:g} mA"
    return ""


def not_a_step(shocker: Shocker, ma: float) -> str:
    """Why a current cannot be given by lines; empty if it can."""
    steps, most = steps_of(shocker, ma), (1 << len(shocker.data)) - 1
    if abs(steps * shocker.step_ma - ma) > SAME_MA:
        return f"cannot give {ma:g} mA: its steps are {shocker.step_ma:g} mA"
    if not 0 < steps <= most:
        return f"cannot give {ma:g} mA: it goes from {shocker.step_ma:g} to {most * shocker.step_ma:g} mA"
    return ""
