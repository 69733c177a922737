"""The simulated pair on a grid, and the raters that watch it: after a shock a fight, or none.

The chance of a fight is 0.65 without drug, differs between pairs (0.5 on the logit scale) and falls with the dose (ED50
of ipsapirone 2.2 mg/kg, h = 1.5: table "Simulated rat" of the study's design). A rater misses one fight in twenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, log
from random import Random

from behavior.model.commands import Command
from behavior.model.doses import Treatment
from behavior.model.events import Event, Noted, ShockStarted
from behavior.paradigms.shock_aggression import keyed
from behavior.simulate.agenda import Agenda
from behavior.simulate.drugs import effect
from behavior.simulate.rat import trait_of

CALMING_ED50_MG_KG = {"ipsapirone": 2.2, "buspirone": 3.0, "alnespirone": 1.0}
FIGHTS, MISSES = 0.65, 0.05


class Pair(Agenda):
    """Two rats, both given the same.

    Parameters
    ----------
    seed : of everything that happens
    treatment : of both
    raters : who keys what they see
    individual : seed of what stays the same from session to session; None: drawn from `seed` too
    """

    def __init__(
        self, seed: int, treatment: Treatment, raters: Sequence[str] = ("A",), *, individual: int | None = None
    ) -> None:
        super().__init__()
        self._random, self._raters = Random(f"{seed}/pair"), tuple(raters)
        ed50_mg_kg = CALMING_ED50_MG_KG.get((treatment.compound or "").lower())
        calmed = effect(treatment.dose_mg_kg or 0.0, ed50_mg_kg, 1.5) if ed50_mg_kg else 0.0
        chance = FIGHTS * (1 - calmed)
        logit = log(chance / (1 - chance)) + trait_of(individual, "pair", self._random).gauss(0, 0.5)
        self._chance = 1 / (1 + exp(-logit))

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """A shock: a fight within about a second, or none."""
        random = self._random
        if not isinstance(happening, ShockStarted) or random.random() >= self._chance:
            return
        onset_s, lasts_s = random.uniform(0.2, 1.2), random.lognormvariate(log(0.5), 0.4)
        for rater in self._raters:
            if random.random() >= MISSES:
                begin_us = at_us + round((onset_s + random.uniform(0, 0.2)) * 1e6)
                self.plan(Noted(begin_us, keyed(rater, begins=True)))
                self.plan(Noted(begin_us + round(lasts_s * 1e6), keyed(rater, begins=False)))
