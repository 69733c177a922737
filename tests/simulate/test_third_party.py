"""Other people's devices in whole sessions: every chamber of the shipped rig, the same contract for each."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.config import read
from behavior.config.limits import ShockLimits
from behavior.config.rig import SHOCKERS, Chamber, Rig
from behavior.config.shipped import shipped
from behavior.model.commands import Command, Shock
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput
from behavior.model.events import Event, Faulted, LeverPressed, LinkLost, ShockEnded, ShockStarted
from behavior.paradigms.catalogue import find_paradigm
from behavior.paradigms.parameters import Parameters
from behavior.session.assemble import assemble, resolve
from behavior.session.needs import rehearse
from behavior.session.runner import run
from behavior.simulate.animals import animal_for
from behavior.simulate.devices import SimulatedBehaviorBoard, SimulatedLineShocker
from behavior.simulate.ideal import IdealBox
from behavior.simulate.subject import Absent, Subject
from behavior.simulate.twin import Faults
from behavior.simulate.world import VirtualApparatus

RIG = read(shipped("configs", "rigs", "simulated-third-party.toml"), Rig)
BOXES = pytest.mark.parametrize("box", RIG.chambers, ids=lambda box: str(box.name))
PARADIGM = find_paradigm("geller_seifter")


def shock_of(box: Chamber) -> tuple[float, float]:
    return {"sgc": (0.4, 0.0002), "parallel": (0.44, 0.25), "line": (0.58, 0.25)}.get(box.name, (0.4, 0.25))


def parameters(ma: float, s: float, duration_s: float = 20.0) -> Parameters:
    component = {"name": "punished", "duration_s": duration_s, "schedule": "CRF", "cue": "house_light"}
    return resolve(
        PARADIGM, {"n_cycles": 1, "components": [{**component, "shock_ma": ma, "shock_s": s}]}, file="x.toml"
    )


def rat(chosen: Parameters, seed: int = 3) -> Subject:
    return animal_for(PARADIGM.name, chosen.model_dump(mode="json"), seed, Treatment())


def session(box: Chamber, faults: Faults | None = None, seed: int = 3) -> tuple[list[object], VirtualApparatus, str]:
    """A session in virtual time with a rat that does not mind; what was journalled, and why it ended."""
    chosen = parameters(*shock_of(box))
    animal = rat(chosen, seed)
    core = assemble(PARADIGM, chosen, seed=seed, limits=box.limits)
    apparatus = VirtualApparatus(box, core.guard.limits, animal)
    for twin in apparatus.cage.twins.values():
        if faults is not None:
            twin.suffer(faults, 0)
    items: list[object] = []
    run(core, apparatus, lambda item, host_us: items.append(item))
    return items, apparatus, str(core.ended)


@BOXES
def test_a_session_runs_to_its_end_and_every_shock_is_reported(box: Chamber) -> None:
    items, _, why = session(box)
    assert why == "completed", [item for item in items if isinstance(item, Faulted | LinkLost)]
    shocks = [item for item in items if isinstance(item, Shock)]
    began, ended = ([item for item in items if isinstance(item, kind)] for kind in (ShockStarted, ShockEnded))
    assert 0 < len(shocks) == len(began) == len(ended)
    assert [one.number for one in ended] == list(range(1, len(shocks) + 1))  # type: ignore[attr-defined]
    assert any(isinstance(item, LeverPressed) for item in items)
    ma, duration_s = shock_of(box)
    for report in ended:
        assert isinstance(report, ShockEnded)
        assert report.duration_us == pytest.approx(duration_s * 1e6, abs=1_100)
    assert {one.delivered_ma for one in ended} == {None}, "what nothing measures is not called measured"  # type: ignore[attr-defined]
    assert all((one.flowed_us or 0) > 0.9 * one.duration_us for one in ended) is (box.name == "parallel")  # type: ignore[attr-defined]
    assert ma > 0


@BOXES
def test_what_the_animal_feels_is_what_was_asked_for(box: Chamber) -> None:
    felt: list[ShockEnded] = []
    chosen = parameters(*shock_of(box))
    animal = rat(chosen)
    perceive = animal.perceive

    def watched(happening: Event | Command, at_us: int) -> None:
        if isinstance(happening, ShockEnded):
            felt.append(happening)
        perceive(happening, at_us)

    animal.perceive = watched  # type: ignore[method-assign]
    core = assemble(PARADIGM, chosen, seed=3, limits=box.limits)
    run(core, VirtualApparatus(box, core.guard.limits, animal), lambda item, host_us: None)
    ma, duration_s = shock_of(box)
    assert felt
    for one in felt:
        assert one.delivered_ma == pytest.approx(ma, abs=1e-6)
        assert duration_s * 1e6 <= one.duration_us <= duration_s * 1e6 + 1_000


@BOXES
def test_two_sessions_of_one_seed_are_alike(box: Chamber) -> None:
    assert session(box)[0] == session(box)[0]


@BOXES
def test_after_the_end_nothing_is_on(box: Chamber) -> None:
    _, apparatus, _ = session(box)
    apparatus.chamber.close()
    for twin in apparatus.cage.twins.values():
        twin.advance(apparatus.now_us() + 1_000_000)
        assert not getattr(twin, "gate_open", False)
        if isinstance(twin, SimulatedBehaviorBoard):
            assert twin._state & ~twin._bit("DigitalOutputs", None) == 0
        if isinstance(twin, SimulatedLineShocker) and twin.dialect.set_current:
            assert twin.current_ma == 0


@BOXES
def test_a_host_that_dies_in_a_shock_leaves_it_to_a_device_to_end_it(box: Chamber) -> None:
    """No word and no tick from the driver any more: the pulse is over when its time is, or sooner."""
    ma, duration_s = shock_of(box)
    longest_s = min(5.0, box.limits.max_single_s) if box.name != "sgc" else duration_s
    chosen = parameters(ma, longest_s)
    apparatus = VirtualApparatus(
        box, box.limits, animal_for(PARADIGM.name, chosen.model_dump(mode="json"), 3, Treatment())
    )
    apparatus.wait(200_000)
    apparatus.send(Shock(1, ma, longest_s))
    began: list[Event] = []
    while not any(isinstance(event, ShockStarted) for event in began):
        began += apparatus.wait(apparatus.now_us() + 10_000)
    at_us = next(event.at_us for event in began if isinstance(event, ShockStarted))
    dead_us = at_us + round(longest_s * 1e6) + 2_000
    for twin in apparatus.cage.twins.values():
        twin.advance(dead_us)
        assert not getattr(twin, "gate_open", False)


@BOXES
@settings(max_examples=20)
@given(moment=st.floats(0, 1), way=st.sampled_from(["silent", "raving", "unplugged"]), seed=st.integers(0, 2**16))
def test_whatever_the_host_does_from_any_moment_of_a_shock_the_gate_closes_in_time(
    box: Chamber, moment: float, way: str, seed: int
) -> None:
    ma, duration_s = shock_of(box)
    duration_s = duration_s if box.name == "sgc" else 2.0
    apparatus = VirtualApparatus(box, box.limits, Absent())
    apparatus.wait(200_000)
    apparatus.send(Shock(1, ma, duration_s))
    events: list[Event] = []
    while not any(isinstance(event, ShockStarted) for event in events):
        events += apparatus.wait(apparatus.now_us() + 1_000)
    at_us = next(event.at_us for event in events if isinstance(event, ShockStarted))
    until_us = at_us + round(moment * duration_s * 1e6)
    while apparatus.now_us() < until_us:
        apparatus.wait(until_us)
    noise, now_us, end_us = Random(seed), apparatus.now_us(), at_us + round(duration_s * 1e6) + 2_000
    while now_us < end_us:
        for twin in apparatus.cage.twins.values():
            if way == "raving":
                twin.receive(noise.randbytes(64), now_us)
            elif way == "unplugged":
                twin.suffer(Faults(unplugged=True), now_us)
        now_us += 20_000
    for twin in apparatus.cage.twins.values():
        twin.advance(end_us)
        assert not getattr(twin, "gate_open", False)


@BOXES
@pytest.mark.parametrize(
    "fault", [Faults(unplugged=True), Faults(lost=0.3), Faults(corrupted=0.2)], ids=["unplugged", "lost", "corrupted"]
)
def test_a_bad_or_cut_line_ends_in_a_safe_session_or_a_whole_one(box: Chamber, fault: Faults) -> None:
    chosen = parameters(*shock_of(box))
    core = assemble(PARADIGM, chosen, seed=3, limits=box.limits)
    apparatus = VirtualApparatus(box, core.guard.limits, rat(chosen))
    struck = False

    def record(item: object, host_us: int) -> None:
        nonlocal struck
        if isinstance(item, ShockStarted) and not struck:
            struck = True
            for twin in apparatus.cage.twins.values():
                twin.suffer(replace(fault), apparatus.now_us())

    run(core, apparatus, record)
    assert core.ended is not None
    end_us = apparatus.now_us() + 40_000_000
    for twin in apparatus.cage.twins.values():
        twin.advance(end_us)
        assert not getattr(twin, "gate_open", False)


def test_a_grid_with_nobody_on_it_is_data_where_something_tells_of_current() -> None:
    items, _, why = session(RIG.chamber("parallel"), Faults(grid="open"))
    assert why == "completed"
    assert {item.delivered_ma for item in items if isinstance(item, ShockEnded)} == {0.0}


@pytest.mark.parametrize(("name", "ma", "s", "sentence"), [
    ("ttl", 0.5, 0.25, "shocker-T cannot give 0.5 mA: it is set by hand to 0.4 mA; change the parameter"),
    ("parallel", 0.45, 0.25, "shocker-P cannot give 0.45 mA: its steps are 0.02 mA"),
    ("line", 0.57, 0.25, "shocker-L cannot give 0.57 mA: its steps are 0.02 mA"),
    ("sgc", 0.4, 0.001, "shocker-S cannot give 0.001 s: its pulses are 0.0002 s"),
])  # fmt: skip
def test_a_shock_that_it_cannot_give_is_refused_before_anything_moves(
    name: str, ma: float, s: float, sentence: str
) -> None:
    box, chosen = RIG.chamber(name), parameters(ma, s)
    animal = IdealBox(rat(chosen))
    with pytest.raises(BadInput, match=sentence):
        rehearse(PARADIGM, chosen, box, animal, seed=3, what="q.toml")


def test_every_kind_of_device_stands_in_a_shipped_rig() -> None:
    rigs = [read(path, Rig) for path in shipped("configs", "rigs").glob("simulated*.toml")]
    kinds = {device.kind for rig in rigs for chamber in rig.chambers for device in chamber.devices}
    assert kinds >= {*SHOCKERS, "harp_behavior", "shock_controller", "operant_chamber", "shuttle_box"}


def test_limits_of_the_session_hold_in_the_driver_too() -> None:
    box = RIG.chamber("ttl")
    apparatus = VirtualApparatus(
        box,
        ShockLimits(max_ma=0.3),
        animal_for(PARADIGM.name, parameters(0.4, 0.25).model_dump(mode="json"), 3, Treatment()),
    )
    apparatus.send(Shock(1, 0.4, 0.25))
    (fault,) = apparatus.wait(100_000)
    assert fault == Faulted(0, "shocker-T", "cannot give 0.4 mA")
