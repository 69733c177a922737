"""The simulated rat that calls after shock: as the caller of `simulate.rat`, but shock and not a tone makes it call."""

from __future__ import annotations

from random import Random

from behavior.model.commands import Command, SetCue
from behavior.model.doses import Treatment
from behavior.model.events import Event, ShockEnded, ShockStarted
from behavior.simulate.rat import Caller, drug_and_dose, trait_of


class ShockCaller:
    """Silent during a shock, and calling after it."""

    def __init__(self, seed: int, treatment: Treatment, *, individual: int | None = None) -> None:
        drug, dose_mg_kg = drug_and_dose(treatment)
        calls = Random(f"{seed}/calls")
        self._caller = Caller(calls, drug.calming(dose_mg_kg), trait_of(individual, "calls", calls))

    @property
    def next_us(self) -> int:
        """When it calls next."""
        return self._caller.next_us

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """The end of a shock is to this rat what the tone is to a conditioned one."""
        if isinstance(happening, ShockStarted | ShockEnded):
            self._caller.perceive(SetCue("tone", on=isinstance(happening, ShockEnded)), at_us)

    def act(self) -> Event:
        """Call."""
        return self._caller.act()
