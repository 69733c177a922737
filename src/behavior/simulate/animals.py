"""Which simulated animal suits which paradigm."""

from __future__ import annotations

from typing import Any

from behavior.model.doses import Treatment
from behavior.paradigms.passive_avoidance import ENTERED
from behavior.simulate.pair import Pair
from behavior.simulate.rat import Rat
from behavior.simulate.shock_caller import ShockCaller
from behavior.simulate.shuttler import Shuttler, Stepper
from behavior.simulate.subject import Subject

STARTS = {"step-through": "light", "step-down": "platform"}
"""The side where the animal is put, by apparatus."""


def animal_for(
    paradigm: str,
    parameters: dict[str, Any],
    seed: int,
    treatment: Treatment,
    *,
    individual: int | None = None,
    shocked_before: bool = True,
) -> Subject:
    """The animal that takes part in a session.

    Parameters
    ----------
    paradigm : its name; a lab's own gets the rat that presses and calls
    parameters : resolved, as in the session's header
    seed : of everything that the animal does
    treatment : what it was really given
    individual : seed of what stays the same in this animal from session to session; None: this is its only one
    shocked_before : whether it had inescapable shocks before a test of escape
    """
    match paradigm:
        case "shuttle_escape":
            gated = parameters["gate"] != "none"
            return Shuttler(seed, treatment, shocked_before=shocked_before, gated=gated, individual=individual)
        case "helplessness_induction":
            return Shuttler(seed, treatment, shocked_before=False, gated=True)
        case "passive_avoidance":
            start, entered = STARTS[parameters["apparatus"]], ENTERED[parameters["apparatus"]]
            return Stepper(seed, treatment, trained=parameters["stage"] == "retention", start=start, entered=entered)
        case "shock_aggression":
            return Pair(seed, treatment, parameters["raters"], individual=individual)
        case "shock_induced_usv":
            return ShockCaller(seed, treatment, individual=individual)
    return Rat(seed, treatment, individual=individual)
