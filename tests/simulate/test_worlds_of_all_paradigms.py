"""Every paradigm over whole bytes: the session that the ideal box tells, scored the same, and safe whatever fails."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.model.commands import Command, EndSession, Shock
from behavior.model.events import Crossed, Event, Faulted, LinkLost, Noted, ShockEnded
from behavior.model.session import SessionHeader
from behavior.scoring.rescore import differences, rescore
from behavior.scoring.score import read_score, score_items, write_score
from behavior.session.core import SessionCore
from behavior.session.folder import create
from behavior.session.journal import Item
from behavior.session.record import record_session
from behavior.session.replay import replay
from behavior.session.runner import Apparatus, run
from behavior.simulate.animals import animal_for
from behavior.simulate.ideal import IdealBox
from behavior.simulate.sound import SimulatedMicrophone
from behavior.simulate.world import VirtualApparatus
from paradigms.short import VEHICLE, WAYS, Way, way
from session.worlds import numbered, still_on

S = 1_000_000
SEEDS = (1, 2)
DEBOUNCE_US = 25_000
"""How much later than in the ideal box a crossing may stop a shock, and so what follows from it."""

every_way = pytest.mark.parametrize("name", WAYS)


@cache
def rig(name: str) -> Rig:
    return read(shipped("configs", "rigs", f"{name}.toml"), Rig)


def chamber_of(one: Way) -> Chamber:
    """Where a way of a paradigm is run."""
    if one.paradigm.name in ("geller_seifter", "conditioned_usv"):
        return rig("simulated").chamber("A")
    names = {"passive_avoidance": str(one.parameters.get("apparatus")), "shock_aggression": "pair"}
    gated = one.parameters.get("gate", "none") != "none" or one.parameters.get("group") == "escapable"
    return rig("simulated-shuttle").chamber(names.get(one.paradigm.name, "B" if gated else "A"))


def core_of(one: Way, seed: int) -> SessionCore:
    return one.core(seed, chamber_of(one).limits)


def wire_of(one: Way, seed: int) -> VirtualApparatus:
    chamber = chamber_of(one)
    microphone = SimulatedMicrophone(chamber.microphone.sample_rate_hz) if chamber.microphone else None
    animal = animal_for(one.paradigm.name, one.parameters, seed, VEHICLE)
    return VirtualApparatus(chamber, chamber.limits.lowered_to(one.p.limits), animal, microphone)


def journal(one: Way, seed: int, apparatus: Apparatus) -> list[Item]:
    items: list[Item] = []
    run(core_of(one, seed), apparatus, lambda item, host_us: items.append(item))
    return items


@cache
def ideal(name: str, seed: int) -> list[Item]:
    one = way(name)
    return journal(one, seed, IdealBox(animal_for(one.paradigm.name, one.parameters, seed, VEHICLE)))


@cache
def wire(name: str, seed: int) -> list[Item]:
    return journal(way(name), seed, wire_of(way(name), seed))


def commands(items: list[Item]) -> list[Command]:
    return [item for item in items if isinstance(item, Command)]


@every_way
@pytest.mark.parametrize("seed", SEEDS)
def test_whole_bytes_and_the_ideal_box_give_the_same_commands(name: str, seed: int) -> None:
    assert commands(wire(name, seed)) == commands(ideal(name, seed))
    assert not any(isinstance(item, Faulted | LinkLost) for item in wire(name, seed))


@every_way
@pytest.mark.parametrize("seed", SEEDS)
def test_the_animal_crosses_when_it_crosses_in_the_ideal_box(name: str, seed: int) -> None:
    there, here = ([item for item in items(name, seed) if isinstance(item, Crossed)] for items in (ideal, wire))
    assert [item.side for item in there] == [item.side for item in here]
    assert all(abs(one.at_us - other.at_us) <= DEBOUNCE_US for one, other in zip(there, here, strict=True))
    assert all(one.side != other.side for one, other in pairwise(here))


def test_some_ways_have_crossings_and_some_have_notes() -> None:
    """What the walk above compares is there."""
    kinds = {name: {type(item) for item in wire(name, 1)} for name in WAYS}
    assert {name.split(",")[0] for name in WAYS if Crossed in kinds[name]} >= {"shuttle", "induction"}
    assert Crossed in kinds["passive avoidance, training"] & kinds["passive avoidance, step-down"]
    assert {name for name in WAYS if Noted in kinds[name]} == {"aggression", "aggression, two raters"}


@every_way
def test_every_shock_is_given_as_asked(name: str) -> None:
    items = wire(name, 1)
    asked = [item for item in items if isinstance(item, Shock)]
    given = [item for item in items if isinstance(item, ShockEnded)]
    assert [shock.number for shock in asked] == [shock.number for shock in given]
    for shock, report in zip(asked, given, strict=True):
        assert report.delivered_ma == pytest.approx(shock.ma, rel=0.01)
        assert report.duration_us <= shock.duration_s * S + 64
        assert report.cause == "stopped" or report.duration_us == pytest.approx(shock.duration_s * S, abs=64)


@every_way
def test_it_is_the_same_again_and_in_a_replay(name: str) -> None:
    items = wire(name, 2)
    assert journal(way(name), 2, wire_of(way(name), 2)) == items
    last = next(place for place, item in enumerate(items) if isinstance(item, EndSession))
    core = core_of(way(name), 2)
    assert replay(core, numbered(items[: last + 1])) == []
    assert core.ended == items[last].reason


@every_way
def test_it_is_scored_as_in_the_ideal_box(name: str) -> None:
    one = way(name)
    there, here = (score_items(one.paradigm.name, items(name, 1), one.parameters) for items in (ideal, wire))
    assert there.session.keys() == here.session.keys()
    for key, value in there.session.items():
        if isinstance(value, float):
            assert here.session[key] == pytest.approx(value, abs=0.2, rel=0.02), key
        elif key.startswith(("n_deliveries", "n_pellets")):
            assert abs(here.session[key] - value) <= 1, "the pellet that was on its way at the end arrives here"
        else:
            assert here.session[key] == value, key
    assert [row.get("outcome") for row in there.rows] == [row.get("outcome") for row in here.rows]


@every_way
def test_from_its_folder_it_is_rescored_to_the_last_bit(name: str, tmp_path: Path) -> None:
    one, chamber = way(name), chamber_of(way(name))
    header = SessionHeader(
        software="behavior", subject="R01", experimenter="A. Tester", treatment=VEHICLE, paradigm=one.paradigm.name,
        paradigm_sha256=one.paradigm.sha256, parameters=one.parameters, limits=chamber.limits.model_dump(), seed=1,
        rig="test", chamber=chamber.name, started_at="2026-11-20T10:15:00+01:00",
    )  # fmt: skip
    folder = create(tmp_path, header)
    record_session(folder, core_of(one, 1), wire_of(one, 1), time_of_day=lambda: "2026-11-20T11:15:00+01:00")
    assert folder.read().items == wire(name, 1)
    live = score_items(one.paradigm.name, wire(name, 1), one.parameters)
    write_score(folder.path, live)
    assert differences(read_score(folder.path), rescore(folder)) == []


@pytest.mark.parametrize(("name", "place"), [
    (name, place) for name in WAYS for place in range(len(chamber_of(way(name)).devices))
])  # fmt: skip
def test_a_device_that_goes_away_ends_the_session_with_nothing_on(name: str, place: int) -> None:
    """Halfway through it is unplugged; the session says so and ends, and every device is calm by itself."""
    one = way(name)
    half_us = max(item.at_us for item in ideal(name, 1) if isinstance(item, Event)) // 2
    apparatus = wire_of(one, 1)
    lost, twin = list(apparatus.cage.twins.items())[place]
    advance = apparatus.cage.advance

    def advance_unplugged(now_us: int) -> None:
        if now_us >= half_us and not twin.unplugged:
            twin.suffer(replace(twin.faults, unplugged=True), now_us)
        advance(now_us)

    apparatus.cage.advance = advance_unplugged  # type: ignore[method-assign]
    items = journal(one, 1, apparatus)
    end = next(item for item in items if isinstance(item, EndSession))
    assert end.reason.startswith((f"link to {lost} lost", f"fault of {lost}"))
    assert still_on(items) == set()
    for other in apparatus.cage.twins.values():
        other.advance(apparatus.now_us() + 10 * S)
        assert other.map.kind == "shock_controller" or other._value("OutputState") & 0x1F == 0
    shocked = [item for item in items if isinstance(item, ShockEnded)]
    assert all(report.duration_us <= one.p.limits.max_single_s * S + 64 for report in shocked)


def test_a_gate_that_sticks_ends_the_session() -> None:
    one = way("shuttle, FR2 with gate")
    apparatus = wire_of(one, 1)
    apparatus.cage.twins["shuttle-B"].suffer(replace(apparatus.cage.twins["shuttle-B"].faults, gate_sticks=True), 0)
    items = journal(one, 1, apparatus)
    assert EndSession("fault of shuttle-B: its gate is stuck: it moved and did not reach its end") in items
    assert not any(isinstance(item, Crossed) for item in items)
