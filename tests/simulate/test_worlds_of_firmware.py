"""Every paradigm on the reference firmware, the simulated rat's hands at its terminals: the session that twins give."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from behavior.model.doses import Treatment
from behavior.model.events import Crossed, Delivered, Event, Faulted, LeverPressed, LinkLost, ShockEnded
from behavior.scoring.score import score_items
from behavior.session.journal import Item
from behavior.simulate.animals import animal_for
from behavior.simulate.sound import SimulatedMicrophone
from behavior.simulate.world import VirtualApparatus
from devices.inhabited import in_memory_devices
from paradigms.short import VEHICLE, Way, usual, way
from simulate.test_worlds_of_all_paradigms import chamber_of, commands, every_way, journal, wire

LATE_US = 25_000
"""By when an input is told that must stand for its debouncing; the twins' levers do not bounce."""


@cache
def firmware(name: str) -> list[Item]:
    """A session in virtual time on the C core, each of the chamber's devices a library of its own."""
    return session_of(way(name), in_memory_devices(chamber_of(way(name))))


def session_of(one: Way, devices: dict[str, Any] | None, treatment: Treatment = VEHICLE) -> list[Item]:
    box = chamber_of(one)
    animal = animal_for(one.paradigm.name, one.parameters, 1, treatment)
    microphone = SimulatedMicrophone(box.microphone.sample_rate_hz) if box.microphone else None
    limits = box.limits.lowered_to(one.p.limits)
    return journal(one, 1, VirtualApparatus(box, limits, animal, microphone, devices=devices))


def events(items: list[Item], kind: type[Event]) -> list[Event]:
    return [item for item in items if isinstance(item, kind)]


@every_way
def test_the_firmware_is_told_what_the_twins_are_told(name: str) -> None:
    assert commands(firmware(name)) == commands(wire(name, 1))
    assert not any(isinstance(item, Faulted | LinkLost) for item in firmware(name))


@every_way
@pytest.mark.parametrize("kind", [LeverPressed, Crossed])
def test_the_same_responses_come_from_its_terminals(name: str, kind: type[Event]) -> None:
    here, there = events(firmware(name), kind), events(wire(name, 1), kind)
    assert len(here) == len(there)
    assert all(abs(one.at_us - other.at_us) <= LATE_US for one, other in zip(here, there, strict=True))


@every_way
def test_the_same_shocks_go_through_its_gate(name: str) -> None:
    here, there = (
        [item for item in items if isinstance(item, ShockEnded)] for items in (firmware(name), wire(name, 1))
    )
    assert [(one.number, one.cause) for one in here] == [(one.number, one.cause) for one in there]
    for one, other in zip(here, there, strict=True):
        assert one.duration_us == pytest.approx(other.duration_us, abs=64 if one.cause == "completed" else LATE_US)
        assert one.delivered_ma == pytest.approx(other.delivered_ma, rel=0.02)


@every_way
def test_it_is_scored_as_on_the_twins(name: str) -> None:
    one = way(name)
    here, there = (score_items(one.paradigm.name, items, one.parameters) for items in (firmware(name), wire(name, 1)))
    assert here.session.keys() == there.session.keys()
    for key, value in there.session.items():
        if isinstance(value, float):
            assert here.session[key] == pytest.approx(value, abs=0.1, rel=0.01), key
        elif key.startswith(("n_deliveries", "n_pellets")):
            assert abs(here.session[key] - value) <= 1, "a pellet may be on its way at the end"
        else:
            assert here.session[key] == value, key
    assert [row.get("outcome") for row in here.rows] == [row.get("outcome") for row in there.rows]


def test_a_whole_conflict_session_has_the_same_presses_pellets_and_shocks() -> None:
    one = usual("geller_seifter", n_cycles=1)
    drug = Treatment(compound="ipsapirone", dose_mg_kg=10.0, vehicle="saline")
    here, there = (session_of(one, devices, drug) for devices in (in_memory_devices(chamber_of(one)), None))
    assert commands(here) == commands(there)
    for kind, least in ((LeverPressed, 30), (Delivered, 4), (ShockEnded, 1)):
        found = events(here, kind)
        assert len(found) == len(events(there, kind)) >= least, kind


def test_an_escape_ends_the_shock_at_the_firmwares_gate() -> None:
    escape = firmware("shuttle")
    assert {item.cause for item in escape if isinstance(item, ShockEnded)} == {"stopped", "completed"}
    assert len(events(escape, Crossed)) > 2
