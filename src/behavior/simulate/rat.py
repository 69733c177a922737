"""The simulated rat: presses for food, less where it is shocked, and calls when the tone that meant shock is on.

Its numbers are the table "Simulated rat" of the study's design (vehicle: 20 unpunished and 1.6 punished presses a
minute, between rats as a negative binomial with k = 6; 146 s of calling in a 300-s test); drugs act through
`simulate.drugs`. Everything follows from the seed.
"""

from __future__ import annotations

from math import log
from random import Random

from behavior.model.commands import Command, SetCue, SetLever
from behavior.model.doses import Treatment
from behavior.model.events import Event, LeverPressed, LeverReleased
from behavior.session.core import NEVER
from behavior.simulate.drugs import DRUGS, Drug, find_drug
from behavior.simulate.subject import Vocalized

UNPUNISHED_PER_MIN, PUNISHED_PER_MIN, BETWEEN_RATS_K = 20.0, 1.6, 6.0
HOLD_S = 0.08
"""How long a lever is held down."""


class Rat:
    """One rat in one session, after its injection.

    Parameters
    ----------
    seed : of everything it does
    treatment : what it was given; blind codes mean nothing to a rat, so the true dose
    individual : seed of what stays the same from session to session; None: drawn from `seed` too
    """

    def __init__(self, seed: int, treatment: Treatment, *, individual: int | None = None) -> None:
        random = Random(f"{seed}/rat")
        drug, dose_mg_kg = drug_and_dose(treatment)
        self._presser = Presser(random, drug, dose_mg_kg, trait_of(individual, "rat", random))
        calls = Random(f"{seed}/calls")
        self._caller = Caller(calls, drug.calming(dose_mg_kg), trait_of(individual, "calls", calls))

    @property
    def next_us(self) -> int:
        """When it does something next, unless something happens before."""
        return min(self._presser.next_us, self._caller.next_us)

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """Something happened in the box."""
        self._presser.perceive(happening, at_us)
        self._caller.perceive(happening, at_us)

    def act(self) -> Event:
        """Press, release or call."""
        return (self._presser if self._presser.next_us <= self._caller.next_us else self._caller).act()


def trait_of(individual: int | None, what: str, session: Random) -> Random:
    """Where an animal's traits are drawn from: its own chance, or that of its only session."""
    return session if individual is None else Random(f"{individual}/{what}")


def drug_and_dose(treatment: Treatment) -> tuple[Drug, float]:
    """What acts in the animal; vehicle is any drug at dose 0."""
    dose_mg_kg = treatment.dose_mg_kg or 0.0
    if dose_mg_kg == 0:
        return DRUGS["ipsapirone"], 0.0
    return find_drug(treatment.compound or ""), dose_mg_kg


class Presser:
    """Presses the lever that is out as a Poisson process, whose rate the tone lowers."""

    def __init__(self, random: Random, drug: Drug, dose_mg_kg: float, trait: Random) -> None:
        self._random, self.next_us = random, NEVER
        self._per_s = {
            False: UNPUNISHED_PER_MIN / 60 * _between_rats(trait) * drug.unpunished(dose_mg_kg),
            True: PUNISHED_PER_MIN / 60 * _between_rats(trait) * drug.punished(dose_mg_kg),
        }
        self._lever: str | None = None
        self._held: str | None = None
        self._tone = False

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """A lever or a tone changes the rate; without memory, so the wait begins anew."""
        if isinstance(happening, SetLever):
            if happening.out:
                self._lever = happening.lever
            elif happening.lever == self._lever:
                self._lever = None
        elif isinstance(happening, SetCue) and happening.cue == "tone":
            self._tone = happening.on
        else:
            return
        if self._held is None:
            self._wait(at_us)

    def act(self) -> Event:
        """Press, or let go."""
        at_us = self.next_us
        if self._held is not None:
            lever, self._held = self._held, None
            self._wait(at_us)
            return LeverReleased(at_us, lever)
        self._held = self._lever or ""
        self.next_us = at_us + round(HOLD_S * 1e6)
        return LeverPressed(at_us, self._held)

    def _wait(self, from_us: int) -> None:
        gap_s = self._random.expovariate(self._per_s[self._tone])
        self.next_us = NEVER if self._lever is None else from_us + round(gap_s * 1e6)


def _between_rats(trait: Random) -> float:
    return trait.gammavariate(BETWEEN_RATS_K, 1 / BETWEEN_RATS_K)


class Caller:
    """Calls at 22 kHz while the tone is on: after a latency, in bouts, with pauses between them.

    Calls last 1.05 s (median), follow each other in a bout after 0.18 s, about 4.5 to a bout; a drug makes the rat
    silent, or its latency longer, its bouts shorter and its pauses longer.
    """

    def __init__(self, random: Random, calming: float, trait: Random) -> None:
        self._random, self.next_us = random, NEVER
        self._left = max(1 - calming, 0.02)
        self._silent = trait.random() < 0.85 * calming**3
        self._latency_s = random.lognormvariate(log(15), 0.6) * (1 + 2 * calming)
        self._pausing = trait.lognormvariate(0, 0.65)
        self._calls_left = 0

    def perceive(self, happening: Event | Command, at_us: int) -> None:
        """The tone begins or ends."""
        if isinstance(happening, SetCue) and happening.cue == "tone" and not self._silent:
            self.next_us = at_us + round(self._latency_s * 1e6) if happening.on else NEVER

    def act(self) -> Event:
        """One call, and the gap or pause after it."""
        random, at_us = self._random, self.next_us
        if not self._calls_left:
            self._calls_left = self._bout()
        self._calls_left -= 1
        duration_s = min(3.5, max(0.3, random.lognormvariate(log(1.05), 0.35)))
        gap_s = random.lognormvariate(log(0.18), 0.5)
        if not self._calls_left:
            gap_s += 0.8 + random.expovariate(self._left / (2.8 * self._pausing))
        self.next_us = at_us + round((duration_s + gap_s) * 1e6)
        return Vocalized(at_us, round(duration_s, 6))

    def _bout(self) -> int:
        mean, calls = 1 + 3.5 * self._left, 1
        while self._random.random() >= 1 / mean:
            calls += 1
        return calls
