"""The simulated world: the same session over whole bytes as in the ideal box, and byte for byte again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.model.commands import Command, EndSession, Shock
from behavior.model.doses import Treatment
from behavior.model.events import (
    Delivered,
    Faulted,
    LeverPressed,
    LinkLost,
    RecordingEnded,
    RecordingStarted,
    ShockEnded,
)
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import assemble, resolve
from behavior.session.core import SessionCore
from behavior.session.journal import Item
from behavior.session.runner import run
from behavior.simulate.acoustics import Artefact, PlannedCall
from behavior.simulate.ideal import IdealBox
from behavior.simulate.rat import Rat
from behavior.simulate.sound import SimulatedMicrophone
from behavior.simulate.twin import Faults
from behavior.simulate.world import VirtualApparatus

S = 1_000_000


@pytest.fixture(scope="module")
def chamber() -> Chamber:
    return read(shipped("configs", "rigs", "simulated.toml"), Rig).chambers[0]


def core_of(chamber: Chamber, paradigm: str = "geller_seifter", seed: int = 1, **parameters: object) -> SessionCore:
    found = find_paradigm(paradigm)
    return assemble(found, resolve(found, parameters or {"n_cycles": 1}, file="test"), seed=seed, limits=chamber.limits)


def apparatus_of(
    chamber: Chamber, seed: int = 1, dose_mg_kg: float = 10.0, microphone: bool = False
) -> VirtualApparatus:
    rat = Rat(seed, Treatment(compound="ipsapirone", dose_mg_kg=dose_mg_kg))
    recorder = SimulatedMicrophone(250_000) if microphone else None
    return VirtualApparatus(chamber, chamber.limits, rat, recorder)


def items_of(core: SessionCore, apparatus: VirtualApparatus | IdealBox) -> list[Item]:
    items: list[Item] = []
    run(core, apparatus, lambda item, host_us: items.append(item))
    return items


@pytest.mark.parametrize("seed", range(4))
def test_whole_bytes_and_the_ideal_box_tell_the_same_session(chamber: Chamber, seed: int) -> None:
    rat = Rat(seed, Treatment(compound="ipsapirone", dose_mg_kg=10.0))
    ideal = items_of(core_of(chamber, seed=seed), IdealBox(rat))
    bytes_ = items_of(core_of(chamber, seed=seed), apparatus_of(chamber, seed))
    presses = [[item.at_us for item in items if isinstance(item, LeverPressed)] for items in (ideal, bytes_)]
    assert len(presses[0]) == len(presses[1]) > 20
    assert max(abs(one - other) for one, other in zip(*presses, strict=True)) < 10_000
    commands = [[item for item in items if isinstance(item, Command)] for items in (ideal, bytes_)]
    assert commands[0] == commands[1]


def test_every_shock_is_given_as_asked_and_every_pellet_arrives(chamber: Chamber) -> None:
    items = items_of(core_of(chamber), apparatus_of(chamber))
    asked = [item for item in items if isinstance(item, Shock)]
    given = [item for item in items if isinstance(item, ShockEnded)]
    assert [shock.number for shock in asked] == [shock.number for shock in given]
    assert asked
    for shock, report in zip(asked, given, strict=True):
        assert report.delivered_ma == pytest.approx(shock.ma, rel=0.01)
        assert report.duration_us == pytest.approx(shock.duration_s * S, abs=64)
        assert report.cause == "completed"
    kinds = Counter(type(item).__name__ for item in items)
    assert kinds["Deliver"] == kinds["Delivered"] > 0
    assert kinds["LinkLost"] == kinds["Faulted"] == 0


def test_the_same_seed_gives_the_same_items(chamber: Chamber) -> None:
    first, second = (items_of(core_of(chamber), apparatus_of(chamber)) for _ in range(2))
    assert first == second


def test_a_recording_lasts_as_long_as_the_test_and_holds_the_calls(chamber: Chamber, tmp_path: Path) -> None:
    apparatus = apparatus_of(chamber, dose_mg_kg=0, microphone=True)
    core = core_of(chamber, "conditioned_usv", habituation_s=1, test_s=20)
    items = items_of(core, apparatus)
    started = next(item for item in items if isinstance(item, RecordingStarted))
    ended = next(item for item in items if isinstance(item, RecordingEnded))
    assert (started.at_us, started.sample_rate_hz) == (S, 250_000)
    assert ended.n_samples == 20 * 250_000
    assert [sound.hz for sound in apparatus.cage.sounds if isinstance(sound, Artefact)]
    calls = [sound for sound in apparatus.cage.sounds if isinstance(sound, PlannedCall)]
    assert all(1 <= call.onset_s <= 21 for call in calls)


FAULTS: dict[str, Callable[[Faults], Faults]] = {
    "unplugged": lambda faults: replace(faults, unplugged=True),
    "interlock open": lambda faults: replace(faults, interlock_open=True),
    "bytes lost": lambda faults: replace(faults, lost=0.2),
    "bytes corrupted": lambda faults: replace(faults, corrupted=0.2),
    "grid shorted": lambda faults: replace(faults, grid="short"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_shocker_that_fails_ends_the_session_with_nothing_on(chamber: Chamber, fault: str) -> None:
    """From the tenth response on something is wrong; the session says so and ends, and no shock is on."""
    apparatus = apparatus_of(chamber)
    shocker = apparatus.cage.twins["shocker-A"]
    items: list[Item] = []
    n_presses = 0

    def record(item: Item, host_us: int) -> None:
        nonlocal n_presses
        items.append(item)
        n_presses += isinstance(item, LeverPressed)
        if n_presses == 10 and isinstance(item, LeverPressed):
            shocker.suffer(FAULTS[fault](shocker.faults), apparatus.now_us())

    run(core_of(chamber), apparatus, record)
    end = next(item for item in items if isinstance(item, EndSession))
    assert any(isinstance(item, Faulted | LinkLost) for item in items)
    assert "shocker-A" in end.reason
    shocker.advance(apparatus.now_us() + 10 * S)
    on = [happening for _, happening in shocker.take_happenings()]
    assert not any(type(happening).__name__ == "ShockStarted" for happening in on)


def test_a_jam_is_on_record_and_food_stops(chamber: Chamber) -> None:
    apparatus = apparatus_of(chamber)
    apparatus.cage.twins["operant-A"].suffer(Faults(feeder_jam=True), 0)
    items = items_of(core_of(chamber), apparatus)
    assert not any(isinstance(item, Delivered) for item in items)
    assert any(isinstance(item, Faulted) and item.device == "operant-A" for item in items)
