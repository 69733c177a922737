"""A short version of every way to run every paradigm, for what must hold of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from behavior.config.limits import ShockLimits
from behavior.model.doses import Treatment
from behavior.paradigms.catalogue import Paradigm, find_paradigm
from behavior.paradigms.parameters import Parameters
from behavior.session.assemble import assemble
from behavior.session.core import SessionCore
from behavior.session.journal import Item
from behavior.session.runner import run
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox

VEHICLE = Treatment(dose_mg_kg=0.0, vehicle="saline")

FOOD = {"name": "unpunished", "duration_s": 20, "schedule": "VI 5 s"}
CONFLICT = {
    "name": "punished", "duration_s": 15, "schedule": "FR 2", "cue": "tone", "shock_ma": 0.3, "punishment": "FR 2"
}  # fmt: skip
RISING = {**CONFLICT, "shock_ma": 0.0, "shock_step_ma": 0.1, "shock_max_ma": 0.4, "punishment": "CRF"}
TIME_OUT = {
    "name": "time-out punished", "duration_s": 20, "schedule": "RI 3 s", "punishment": "RI 2 s", "time_out_s": 4,
    "cue": "cue_light_left",
}  # fmt: skip

WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "conflict": ("geller_seifter", {"components": [FOOD, CONFLICT], "n_cycles": 2, "blackout_s": 5}),
    "conflict, incremental": ("geller_seifter", {"components": [FOOD, RISING], "n_cycles": 1}),
    "conflict, time-out": ("geller_seifter", {"components": [FOOD, TIME_OUT], "n_cycles": 1}),
    "conflict, training": ("geller_seifter", {"stage": "training", "max_reinforcers": 7}),
    "conflict, drop-out": ("geller_seifter", {"components": [{**FOOD, "duration_s": 600}], "drop_out_s": 8}),
    "conflict, drop-out by components": (
        "geller_seifter", {"components": [FOOD, CONFLICT], "n_cycles": 2, "drop_out_n_components": 4}
    ),
    "vocalization, conditioning": ("conditioned_usv", {"stage": "conditioning", "n_pairings": 2, "habituation_s": 5}),
    "vocalization, test": ("conditioned_usv", {"habituation_s": 5, "test_s": 90}),
    "vocalization, screening": ("conditioned_usv", {"stage": "screening", "habituation_s": 5, "test_s": 40}),
    "shuttle": ("shuttle_escape", {"n_trials": 8, "habituation_s": 5, "helpless_min_failures": 4}),
    "shuttle, FR2 with gate": (
        "shuttle_escape",
        {
            "n_trials": 8, "n_trials_fr1": 3, "crossings_required": 2, "us_s": 12, "gate": "trial", "habituation_s": 0,
            "iti_s": {"low": 30, "high": 60}, "helpless_min_failures": 4,
        },
    ),
    "shuttle, gate open": ("shuttle_escape", {"n_trials": 4, "gate": "session", "helpless_min_failures": 4}),
    "induction": ("helplessness_induction", {"n_shocks": 4}),
    "induction, master": ("helplessness_induction", {"n_shocks": 6, "group": "escapable", "habituation_s": 20}),
    "induction, yoked": (
        "helplessness_induction",
        {"group": "yoked", "master_shocks": [{"onset_s": 20, "duration_s": 2.5}, {"onset_s": 70, "duration_s": 15}]},
    ),
    "induction, no shock": ("helplessness_induction", {"n_shocks": 4, "group": "no shock"}),
    "passive avoidance, training": ("passive_avoidance", {"cutoff_s": 60}),
    "passive avoidance, retention": ("passive_avoidance", {"stage": "retention"}),
    "passive avoidance, to the cut-off": ("passive_avoidance", {"stage": "retention", "retention_until": "cut-off"}),
    "passive avoidance, step-down": ("passive_avoidance", {"apparatus": "step-down", "cutoff_s": 60}),
    "aggression": ("shock_aggression", {"n_shocks": 8}),
    "aggression, two raters": ("shock_aggression", {"n_shocks": 8, "raters": ["A", "B"]}),
    "shock-induced vocalization, screening": ("shock_induced_usv", {"stage": "screening", "delay_s": 5}),
    "shock-induced vocalization": ("shock_induced_usv", {"day": 8, "interval_s": {"low": 10, "high": 20}}),
}  # fmt: skip
"""By what it is: the paradigm, and its parameters where they are not the usual ones."""


@dataclass(frozen=True)
class Way:
    """One of `WAYS`, ready to run."""

    paradigm: Paradigm
    p: Parameters

    @property
    def parameters(self) -> dict[str, Any]:
        """As in a header."""
        return self.p.model_dump(mode="json")

    def core(self, seed: int = 1, limits: ShockLimits | None = None) -> SessionCore:
        """A fresh core."""
        return assemble(self.paradigm, self.p, seed=seed, **({"limits": limits} if limits else {}))

    def journal(self, seed: int = 1, treatment: Treatment = VEHICLE) -> list[Item]:
        """The journal of a whole simulated session."""
        items: list[Item] = []
        core = self.core(seed)
        animal = animal_for(self.paradigm.name, self.parameters, seed, treatment)
        run(core, IdealBox(animal), lambda item, host_us: items.append(item))
        return items


def way(name: str, **changes: Any) -> Way:
    """A way by its name, with some parameters otherwise."""
    paradigm_name, given = WAYS[name]
    paradigm = find_paradigm(paradigm_name)
    return Way(paradigm, paradigm.parameters.model_validate({**given, **changes}))


def usual(paradigm_name: str, **changes: Any) -> Way:
    """A paradigm with its usual values."""
    paradigm = find_paradigm(paradigm_name)
    return Way(paradigm, paradigm.parameters.model_validate(changes))
