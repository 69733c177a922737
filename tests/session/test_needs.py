"""What a chamber lacks is said before a session, whatever paradigm asks for it."""

from __future__ import annotations

from typing import Any

import pytest

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.model.events import HeadEntered, LeverPressed
from behavior.paradigms.box import Box
from behavior.paradigms.catalogue import Paradigm, find_paradigm
from behavior.paradigms.parameters import Parameters
from behavior.session.assemble import resolve
from behavior.session.needs import rehearse
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from behavior.simulate.subject import Absent
from paradigms.short import WAYS, way

SHUTTLE = {"n_trials": 4, "helpless_min_failures": 2, "habituation_s": 5}
GATED = {**SHUTTLE, "gate": "trial"}
RETENTION = {"stage": "retention"}


def chamber(rig: str, name: str) -> Chamber:
    return read(shipped("configs", "rigs", f"{rig}.toml"), Rig).chamber(name)


def try_it(rig: str, name: str, paradigm: str, given: dict[str, Any], seed: int = 1) -> None:
    found = find_paradigm(paradigm)
    parameters = resolve(found, given, file="test")
    animal = animal_for(paradigm, parameters.model_dump(mode="json"), seed, Treatment())
    rehearse(found, parameters, chamber(rig, name), IdealBox(animal), seed=seed, what="p.toml")


@pytest.mark.parametrize(("rig", "name", "paradigm", "given", "lacks"), [
    ("simulated", "A", "shuttle_escape", SHUTTLE, "nothing that reports Crossed;"),
    ("simulated", "A", "shuttle_escape", GATED, "nothing that takes SetGate, or reports Crossed;"),
    ("simulated-shuttle", "A", "shuttle_escape", GATED, "nothing that takes SetGate;"),
    ("simulated-shuttle", "A", "shuttle_escape", {**SHUTTLE, "cs": "smell"}, "nothing that takes SetCue 'smell';"),
    ("simulated-shuttle", "B", "passive_avoidance", RETENTION, "nothing that reports Crossed 'dark';"),
    ("simulated-shuttle", "step-down", "passive_avoidance", RETENTION, "nothing that reports Crossed 'dark';"),
    ("simulated-shuttle", "step-through", "shock_induced_usv", {}, "nothing that takes SetRecording;"),
    ("simulated-shuttle", "A", "geller_seifter", {"n_cycles": 1},
     "nothing that takes Deliver or SetLever 'left', or reports LeverPressed 'left';"),
], ids=lambda value: value if isinstance(value, str) and "_" not in value else "")  # fmt: skip
def test_what_is_not_there_is_said(rig: str, name: str, paradigm: str, given: dict[str, Any], lacks: str) -> None:
    with pytest.raises(BadInput) as caught:
        try_it(rig, name, paradigm, given)
    assert str(caught.value) == f"p.toml: chamber {name} has {lacks} use another chamber or rig"


@pytest.mark.parametrize("seed", range(5))
def test_a_side_is_missed_whether_the_simulated_animal_goes_there_or_not(seed: int) -> None:
    """A shocked rat seldom enters within the cut-off; what is waited for counts."""
    with pytest.raises(BadInput, match="reports Crossed 'dark'"):
        try_it("simulated-shuttle", "B", "passive_avoidance", {**RETENTION, "cutoff_s": 2}, seed)


def test_a_gate_that_nothing_opens_is_said() -> None:
    with pytest.raises(BadInput, match=r"the gate of chamber B is closed, and nothing opens it"):
        try_it("simulated-shuttle", "B", "shuttle_escape", SHUTTLE)


def test_a_closed_gate_suits_a_paradigm_that_waits_for_no_crossing() -> None:
    try_it("simulated-shuttle", "B", "helplessness_induction", {"n_shocks": 2})


@pytest.mark.parametrize("name", WAYS)
def test_every_way_of_every_paradigm_finds_all_in_the_chamber_that_is_for_it(name: str) -> None:
    from simulate.test_worlds_of_all_paradigms import chamber_of

    one, box = way(name), chamber_of(way(name))
    animal = animal_for(one.paradigm.name, one.parameters, 1, Treatment())
    core = rehearse(one.paradigm, one.p, box, IdealBox(animal), seed=1, what=name)
    assert core.ended is not None


class Nothing(Parameters):
    """No parameters."""


async def lab(box: Box, p: Nothing) -> None:
    """A lab's own: waits for deeds in every way there is."""
    with box.cue("lamp"):
        await box.next(HeadEntered, within_s=1)
        async for _ in box.every(LeverPressed, lever="third", within_s=1):
            pass
        await box.wait(1)


def test_a_labs_own_paradigm_is_looked_at_too() -> None:
    own = Paradigm("lab", lab, Box, Nothing, "")
    with pytest.raises(BadInput) as caught:
        rehearse(own, Nothing(), chamber("simulated-shuttle", "A"), IdealBox(Absent()), seed=1, what="lab.py")
    lacks = "takes SetCue 'lamp', or reports HeadEntered or LeverPressed 'third'"
    assert str(caught.value) == f"lab.py: chamber A has nothing that {lacks}; use another chamber or rig"


def test_a_refusal_by_the_guard_and_a_failure_are_said_first() -> None:
    async def fails(box: Box, p: Nothing) -> None:
        with box.cue("lamp"):
            raise ValueError("oh")

    own = Paradigm("fails", fails, Box, Nothing, "")
    with pytest.raises(BadInput, match="the paradigm fails"):
        rehearse(own, Nothing(), chamber("simulated", "A"), IdealBox(Absent()), seed=1, what="lab.py")
