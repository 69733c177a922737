"""The walk through a chamber: every shipped chamber with a simulated person, and chambers with something wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.devices.abilities import REPORTS, outputs_of
from behavior.devices.bench import Bench, Findings, current_of
from behavior.devices.calibration import shocker_of
from behavior.model.errors import BadInput, Failure
from behavior.model.events import HeadLeft, LeverReleased
from behavior.simulate.person import SimulatedPerson
from behavior.simulate.twin import Faults

RIGS = [read(path, Rig) for path in sorted(shipped("configs", "rigs").glob("simulated*.toml"))]
BOXES = [chamber for rig in RIGS for chamber in rig.chambers]
OURS = next(rig for rig in RIGS if rig.name == "simulated").chamber("A")


def walked(box: Chamber, faults: Faults | None = None, **parts: bool) -> Findings:
    person = SimulatedPerson(box, 10_000)
    for twin in person.apparatus.cage.twins.values():
        if faults is not None:
            twin.suffer(faults, person.apparatus.now_us())
    walk = Bench(box, person.apparatus, person)
    if parts.get("ports", True):
        walk.outputs()
        walk.inputs()
    if parts.get("shock", True):
        walk.current(10_000)
    return walk.findings


@pytest.mark.parametrize("box", BOXES, ids=lambda box: f"{box.name}-{box.devices[0].name}")
def test_every_input_and_output_is_gone_through_and_good(box: Chamber) -> None:
    findings = walked(box)
    assert findings.bad == []
    n_outputs = sum(
        len([one for one in outputs_of(device) if type(one).__name__ != "Deliver"]) for device in box.devices
    )
    n_inputs = sum(
        kind not in (LeverReleased, HeadLeft) for device in box.devices for kind, _ in REPORTS[device.kind](device)
    )
    assert len(findings.good) == n_outputs + n_inputs + len(findings.points)
    assert bool(findings.points) == (shocker_of(box) is not None)
    assert max(point.asked_ma for point in findings.points) <= box.limits.max_ma


def test_a_lever_that_is_stuck_and_a_feeder_that_is_jammed_are_found() -> None:
    findings = walked(OURS, Faults(feeder_jam=True, stuck_lever="left"), shock=False)
    assert "operant-A: see a pellet fall" in findings.bad
    assert "operant-A: press the left lever" in findings.bad


def test_a_current_that_is_off_is_found() -> None:
    findings = walked(OURS, Faults(delivered_percent=-20), ports=False)
    assert "shocker-A: 1 mA gave 0.8 mA" in findings.bad
    assert not any(point.is_good for point in findings.points if point.asked_ma >= 0.2)


def test_too_much_current_ends_the_bench() -> None:
    with pytest.raises(Failure, match=r"shocker-A: gave 0.12 mA where 0.1 mA was asked for; mend it and run the bench"):
        walked(OURS, Faults(delivered_percent=20), ports=False)


def test_an_open_interlock_ends_the_bench() -> None:
    with pytest.raises(Failure, match="shocker-A: its interlock opened; mend it and run the bench again"):
        walked(OURS, Faults(interlock_open=True))


def test_nobody_says_that_the_load_is_there_and_nothing_is_given() -> None:
    person = SimulatedPerson(OURS, 10_000)
    person.yes = lambda question: False  # type: ignore[method-assign]
    walk = Bench(OURS, person.apparatus, person)
    walk.current(10_000)
    assert walk.findings.points == []
    assert walk.findings.bad == ["shocker-A: its current was not measured"]


@given(st.floats(0.001, 30), st.sampled_from([10_000.0, 25_000.0]))
def test_a_current_and_its_voltage_are_the_same(ma: float, load_ohm: float) -> None:
    assert current_of(f"{ma:.6f} mA", load_ohm) == pytest.approx(
        current_of(f"{ma * load_ohm / 1e3:.9f} V", load_ohm), abs=2e-6
    )
    assert current_of(f"{ma:.6f}".replace(".", ","), load_ohm) == round(ma, 6)


@pytest.mark.parametrize("said", ["", "much", "5 ohm", "-1 mA", "1 2"])
def test_what_is_no_current_is_asked_again(said: str) -> None:
    with pytest.raises(BadInput, match=r"is neither a current nor a voltage; type it as in 0.5 mA or 5 V"):
        current_of(said, 10_000)
