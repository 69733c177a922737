"""A simulated person at a simulated chamber, for `behavior bench --simulate`: looks, presses, and reads a meter."""

from __future__ import annotations

from collections.abc import Callable

from behavior.config.rig import Chamber
from behavior.model.commands import Command, SetCue, SetGate, SetLever
from behavior.model.events import Crossed, Event, HeadEntered, HeadLeft, LeverPressed, LeverReleased, ShockEnded
from behavior.session.core import NEVER
from behavior.simulate.world import VirtualApparatus

REACTION_US = 400_000


class SimulatedPerson:
    """Does what a bench asks for, in the simulated chamber itself.

    Parameters
    ----------
    chamber : as the rig describes it
    load_ohm : the dummy load
    say : shows what is said, and what is answered
    """

    def __init__(self, chamber: Chamber, load_ohm: float, say: Callable[[str], None] = lambda text: None) -> None:
        self._load_ohm, self._say = load_ohm, say
        self._deeds: list[Event] = []
        self._seen: dict[str, bool] = {}
        self._ma = 0.0
        boxes = [device for device in chamber.devices if device.kind == "shuttle_box"]
        self._sides = [name for box in boxes for name in box.sides.names.values()]
        self.apparatus = VirtualApparatus(chamber, chamber.limits, self)
        self.apparatus.wait(100_000)

    # ---- what the bench asks

    def tell(self, text: str) -> None:
        """Do what it asks for, half a second later."""
        self._say(text)
        at_us = self.apparatus.now_us() + REACTION_US
        for side in ("left", "right"):
            if f"press the {side} lever" in text:
                self._deeds = [LeverPressed(at_us, side), LeverReleased(at_us + 100_000, side)]
        if "tray" in text:
            self._deeds = [HeadEntered(at_us), HeadLeft(at_us + 100_000)]
        if "block the beams" in text:
            side = text.split("then of the side ")[1].split(" alone")[0]
            other = next(name for name in self._sides if name != side)
            self._deeds = [Crossed(at_us, other), Crossed(at_us + 1_000_000, side)]

    def yes(self, question: str) -> bool:
        """Look."""
        what = question.split(":")[0]
        answer = "load" in what or self._seen.get(what, False)
        self._say(f"{question} {'y' if answer else 'n'}")
        return answer

    def answer(self, question: str) -> str:
        """Read the meter."""
        volts = self._ma * self._load_ohm / 1_000
        self._say(f"{question} {volts:.4f} V")
        return f"{volts:.4f} V"

    # ---- what it does to the chamber

    @property
    def next_us(self) -> int:
        """When its hand moves."""
        return self._deeds[0].at_us if self._deeds else NEVER

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """See and measure."""
        match happening:
            case SetCue(cue=cue, on=on):
                self._seen[cue.replace("_", " ")] = on
            case SetLever(lever=lever, out=out):
                self._seen[f"{lever} lever out"] = out
            case SetGate(open=is_open):
                self._seen["gate open"] = is_open
            case ShockEnded(delivered_ma=ma):
                self._ma = ma or 0.0

    def act(self) -> Event:
        """Move."""
        return self._deeds.pop(0)
