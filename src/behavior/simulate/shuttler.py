"""The simulated rat in a two-sided box: it shuttles away from shock, learns to, or has learned that nothing helps.

Its numbers are the table "Simulated rat" of the study's design. A naive rat escapes faster from trial to trial
(Weibull, shape 1.3, scale 2.9 s exp(-0.02 k)) and begins to avoid (0.05 + 0.006 k); a helpless one fails in 72 % of the
trials. After inescapable shock 85 % are helpless; a drug given meanwhile rescues a share R, which falls again at high
doses.
"""

from __future__ import annotations

from math import exp
from random import Random

from behavior.model.commands import Command, SetCue, SetGate
from behavior.model.doses import Treatment
from behavior.model.events import Crossed, Event, ShockEnded, ShockStarted
from behavior.simulate.agenda import Agenda
from behavior.simulate.drugs import effect
from behavior.simulate.rat import trait_of

OTHER = {"left": "right", "right": "left"}
INTERTRIAL_PER_S = 2.2 / 60
LEAST_S = 0.3
"""A body takes that long to go through the doorway; nothing crosses sooner, and nothing turns round sooner."""
RESCUE_MG_KG = {
    "ipsapirone": (0.02, 0.2),
    "alnespirone": (0.5, 5.0),
    "buspirone": (0.4, 4.0),
    "imipramine": (2.0, 80.0),
}
"""By compound the dose of half the rescue, and that at which it is halved again. Others do nothing here."""
FORGETTING_ED50_MG_KG = {"ipsapirone": 0.5, "diazepam": 1.0}
"""By compound the dose that halves the memory of a shock."""


def rescue(treatment: Treatment) -> float:
    """Share of rats that a drug keeps from being helpless."""
    half_mg_kg, falls_mg_kg = RESCUE_MG_KG.get((treatment.compound or "").lower(), (1.0, 1.0))
    if (treatment.compound or "").lower() not in RESCUE_MG_KG or not treatment.dose_mg_kg:
        return 0.0
    return 0.85 * effect(treatment.dose_mg_kg, half_mg_kg, 1.0) / (1 + (treatment.dose_mg_kg / falls_mg_kg) ** 2)


class Shuttler(Agenda):
    """A rat in a shuttle box.

    Parameters
    ----------
    seed : of everything it does
    treatment : what it was given
    shocked_before : whether it had inescapable shocks
    gated : whether the way is closed until a gate opens
    individual : seed of what stays the same from session to session; None: drawn from `seed` too
    """

    def __init__(
        self,
        seed: int,
        treatment: Treatment,
        *,
        shocked_before: bool = True,
        gated: bool = False,
        individual: int | None = None,
    ) -> None:
        super().__init__()
        self._random = random = Random(f"{seed}/shuttler")
        self._side, self._closed, self._trial = "left", gated, 0
        trait = trait_of(individual, "shuttler", random)
        self.helpless = trait.random() < (0.85 * (1 - rescue(treatment)) if shocked_before else 0.05)
        self._slowness = trait.lognormvariate(0, 0.35)
        if not self._closed:
            self._roam(0)

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """A cue, a shock or the gate changes what it is about to do."""
        match happening:
            case SetGate(open=is_open):
                self._closed = not is_open
                self.forget(Crossed)
                if is_open:
                    self._roam(at_us)
            case SetCue(on=True):
                self._trial += 1
                self.forget(Crossed)
                if not self.helpless and self._random.random() < 0.05 + 0.006 * self._trial:
                    self._cross(at_us, self._random.uniform(0.5, 2.9))
            case SetCue(on=False) | ShockEnded():
                self.forget(Crossed)
                self._roam(at_us)
            case ShockStarted():
                self.forget(Crossed)
                self._escape(at_us)

    def act(self) -> Event:
        """Cross."""
        deed = super().act()
        self._side = OTHER[self._side]
        if not self._coming:
            self._roam(deed.at_us)
        return Crossed(deed.at_us, self._side)

    def _escape(self, at_us: int) -> None:
        random = self._random
        if self.helpless:
            if random.random() < 0.72:
                return
            latency_s = random.weibullvariate(7.0, 1.3)
        else:
            latency_s = random.weibullvariate(2.9 * exp(-0.02 * self._trial), 1.3)
        self._cross(at_us, self._slowness * latency_s)
        self._cross(at_us, self._slowness * latency_s + random.uniform(0.8, 2.0))  # and back, if it still must

    def _roam(self, at_us: int) -> None:
        self._cross(at_us, self._random.expovariate(INTERTRIAL_PER_S))

    def _cross(self, from_us: int, after_s: float) -> None:
        if not self._closed:
            self.plan(Crossed(from_us + round(max(LEAST_S, after_s) * 1e6), ""))


class Stepper(Agenda):
    """A rat in a passive avoidance box: goes where it was not shocked, and stays away from where it was.

    Parameters
    ----------
    seed : of everything it does
    treatment : what it was given before the stage that counts
    trained : whether it was shocked here before
    start, entered : names of the sides
    """

    def __init__(
        self, seed: int, treatment: Treatment, *, trained: bool, start: str = "light", entered: str = "dark"
    ) -> None:
        super().__init__()
        self._random = random = Random(f"{seed}/stepper")
        self._sides, self._inside = (start, entered), False
        ed50_mg_kg = FORGETTING_ED50_MG_KG.get((treatment.compound or "").lower())
        forgotten = effect(treatment.dose_mg_kg or 0.0, ed50_mg_kg, 1.6) if ed50_mg_kg else 0.0
        after_shock_s = random.weibullvariate(20 + 500 * (1 - forgotten), 1.1)
        self._latency_s = after_shock_s if trained else random.lognormvariate(2.5, 0.5)

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """The way opens or closes."""
        if isinstance(happening, SetGate):
            self.forget(Crossed)
            if happening.open:
                self.plan(Crossed(at_us + max(1, round(self._latency_s * 1e6)), self._sides[1]))

    def act(self) -> Event:
        """Step through; later back, and in again."""
        deed = super().act()
        self._inside = not self._inside
        after_s = self._random.expovariate(1 / 30)
        self.plan(Crossed(deed.at_us + max(1, round(after_s * 1e6)), self._sides[not self._inside]))
        return deed
