"""Mishaps on demand: how they are asked for, what is refused, and that they happen to the devices when they are due."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.config import read
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.model.errors import BadFile, BadInput
from behavior.simulate.devices import SimulatedShockController, twins_of
from behavior.simulate.faults import NEVER, SORTS, Mishap, Mishaps, mishaps_of
from behavior.simulate.twin import Faults, SimulatedDevice
from devices.benches import frame_of

S = 1_000_000
VALUES: dict[str, Any] = {
    "lost": 0.25, "corrupted": 0.5, "duplicated": 1.0, "late": 0.5, "clock_jump": -2.0, "clock_drift": 500.0,
    "grid": "open", "delivered": -20.0, "stuck_lever": "right",
}  # fmt: skip


def chamber(rig: str = "simulated", name: str = "A") -> Chamber:
    return read(shipped("configs", "rigs", f"{rig}.toml"), Rig).chamber(name)


CHAMBERS = [chamber(), chamber("simulated-shuttle", "B"), chamber("simulated-third-party", "parallel"),
            chamber("simulated-third-party", "line"), chamber("simulated-third-party", "sgc")]  # fmt: skip


def text_of(kind: str) -> str:
    return f"{kind}={VALUES[kind]}" if kind in VALUES else kind


@pytest.mark.parametrize("kind", SORTS)
def test_every_kind_can_be_asked_for_and_is_told_as_it_was_asked(kind: str) -> None:
    box = chamber()
    (one,) = mishaps_of([f"{text_of(kind)}@1.5"], box)
    assert (one.kind, one.value, one.at_s, one.for_s) == (kind, VALUES.get(kind), 1.5, None)
    assert mishaps_of([str(one)], box) == (one,)


@given(st.sampled_from(sorted(SORTS)), st.floats(0, 1e5), st.none() | st.floats(0.001, 1e5))
def test_what_is_told_of_a_mishap_asks_for_it_again(kind: str, at_s: float, for_s: float | None) -> None:
    at_s, lasts = float(f"{at_s:g}"), None if for_s is None or SORTS[kind].changes is None else float(f"{for_s:g}")
    one = Mishap(kind=kind, value=VALUES.get(kind), at_s=at_s, for_s=lasts)
    assert mishaps_of([str(one)], chamber()) == (one,)


@pytest.mark.parametrize(("text", "says"), [
    ("nonsense@1", "there is no fault 'nonsense'; it must be one of lost, corrupted"),
    ("stuck_lever=up@2", "stuck_lever must be left or right (is 'up')"),
    ("stuck_lever@2", "stuck_lever must be left or right (is None)"),
    ("lost=2@1", "lost must be a number from 0 to 1 (is '2')"),
    ("lost@1", "lost must be a number from 0 to 1 (is None)"),
    ("delivered=much@1", "delivered must be a number from -100 to 1000 (is 'much')"),
    ("lost=nan@1", "lost must be a number from 0 to 1 (is 'nan')"),
    ("unplugged=3@1", "unplugged takes no value; leave out '3'"),
    ("reboot@2+3", "reboot happens once; leave out how long it lasts"),
    ("grid=open@x", "when it begins must be a number of seconds, 0 or more"),
    ("grid=open@-1", "when it begins must be a number of seconds, 0 or more"),
    ("grid=open@1+0", "how long it lasts must be a number of seconds, above 0"),
    ("grid=open@inf", "when it begins must be a number of seconds, 0 or more"),
    ("unplugged@1:nobody", "'nobody' is no device of chamber A that can have this: shocker-A, operant-A"),
    ("gate_sticks@1:operant-A", "'operant-A' is no device of chamber A that can have this: shocker-A"),
    ("foo", "must be KIND[=VALUE]@SECONDS[+SECONDS][:DEVICE]"),
    ("", "must be KIND[=VALUE]@SECONDS[+SECONDS][:DEVICE]"),
])  # fmt: skip
def test_what_cannot_be_is_a_sentence(text: str, says: str) -> None:
    with pytest.raises(BadFile) as caught:
        mishaps_of([text], chamber())
    assert says in str(caught.value)
    assert caught.value.exit_code == 2


def test_all_that_is_wrong_comes_at_once() -> None:
    with pytest.raises(BadFile) as caught:
        mishaps_of(["nonsense@1", "unplugged@2", "lost=2@1", "reboot@1+1"], chamber())
    assert len(caught.value.problems) == 3


def test_a_shuttle_box_has_no_lever_to_stick() -> None:
    with pytest.raises(BadFile, match="nothing in chamber B can have this, only a device of the kind operant_chamber"):
        mishaps_of(["stuck_lever=left@1"], chamber("simulated-shuttle", "B"))


def test_a_file_holds_several_and_its_errors_say_where(tmp_path: Path) -> None:
    file = tmp_path / "rough.toml"
    file.write_text('[[faults]]\nkind = "lost"\nvalue = 0.02\nat_s = 3\n\n[[faults]]\nkind = "reboot"\nat_s = 1\n')
    assert [str(one) for one in mishaps_of([str(file), "feeder_jam@2"], chamber())] == [
        "reboot@1", "feeder_jam@2", "lost=0.02@3",
    ]  # fmt: skip
    file.write_text('[[faults]]\nkind = "lost"\nvalue = 7\nat_s = 3\n')
    with pytest.raises(BadFile, match=r"rough\.toml: faults\.0"):
        mishaps_of([str(file)], chamber())
    file.write_text('[[faults]]\nkind = "lost"\nwhen = 3\n')
    with pytest.raises(BadFile, match="when"):
        mishaps_of([str(file)], chamber())
    with pytest.raises(BadInput, match="there is no such file"):
        mishaps_of([str(tmp_path / "none.toml")], chamber())


# ---- they happen


@pytest.mark.parametrize("box", CHAMBERS, ids=lambda box: box.name)
@pytest.mark.parametrize("kind", [kind for kind, sort in SORTS.items() if sort.changes])
def test_each_begins_and_ends_when_it_is_due(kind: str, box: Chamber) -> None:
    sort = SORTS[kind]
    fits = {one.name for one in box.devices if one.has_port and one.kind in (sort.of or (one.kind,))}
    if not fits:
        with pytest.raises(BadFile):
            mishaps_of([f"{text_of(kind)}@2+3"], box)
        return
    twins = twins_of(box)
    mishaps = Mishaps(mishaps_of([f"{text_of(kind)}@2+3"], box), box)
    assert sort.changes is not None
    spoiled = replace(Faults(), **sort.changes(VALUES.get(kind)))
    mishaps.advance(twins, 100 * S)
    assert all(twin.faults == Faults() for twin in twins.values()), "nobody knows yet when the session began"
    assert mishaps.next_us == NEVER
    mishaps.zero_us = 100 * S
    for now_us, expected in ((102 * S - 1, Faults()), (102 * S, spoiled), (105 * S - 1, spoiled), (105 * S, Faults())):
        mishaps.advance(twins, now_us)
        assert {name: twin.faults for name, twin in twins.items()} == {
            name: expected if name in fits else Faults() for name in twins
        }
    assert mishaps.next_us == NEVER


def test_it_happens_to_the_device_that_was_named() -> None:
    box = chamber()
    twins = twins_of(box)
    mishaps = Mishaps(mishaps_of(["unplugged@1:operant-A"], box), box)
    mishaps.zero_us = 0
    mishaps.advance(twins, S)
    assert {name: twin.unplugged for name, twin in twins.items()} == {"shocker-A": False, "operant-A": True}


def test_several_last_beside_each_other() -> None:
    box = chamber()
    twins = twins_of(box)
    mishaps = Mishaps(mishaps_of(["feeder_jam@1+5", "stuck_lever=left@2+1"], box), box)
    mishaps.zero_us = 0
    told = []
    for second in range(1, 8):
        mishaps.advance(twins, second * S)
        told.append((twins["operant-A"].faults.feeder_jam, twins["operant-A"].faults.stuck_lever))
    assert told == [(True, ""), (True, "left"), (True, ""), (True, ""), (True, ""), (False, ""), (False, "")]


def test_a_reboot_switches_off_and_on() -> None:
    box = chamber()
    twins = twins_of(box)
    shocker = twins["shocker-A"]
    assert isinstance(shocker, SimulatedShockController)
    shocker.receive(frame_of(shocker.map["OperationControl"], 1), 0)
    mishaps = Mishaps(mishaps_of(["reboot@0.5"], box), box)
    mishaps.zero_us = 0
    assert shocker.active
    mishaps.advance(twins, S // 2)
    assert not shocker.active


# ---- clocks


def shown_us(device: SimulatedDevice, now_us: int) -> int:
    device.advance(now_us)
    return device._now_us + device._shows_us


@given(st.integers(-3_600 * S, 3_600 * S))
def test_a_clock_jumps_by_what_was_asked_for_and_goes_on(us: int) -> None:
    device = SimulatedShockController()
    device.jump(us, 10 * S)
    assert shown_us(device, 10 * S) == 10 * S + us
    assert shown_us(device, 11 * S) == 11 * S + us


@given(st.floats(-1e5, 1e5), st.integers(1, 1_000 * S), st.integers(0, 1_000 * S))
def test_a_drift_begins_without_a_jump(ppm: float, begins_us: int, later_us: int) -> None:
    device = SimulatedShockController()
    device.suffer(Faults(clock_drift_ppm=ppm), begins_us)
    assert shown_us(device, begins_us) == begins_us
    assert shown_us(device, begins_us + later_us) == pytest.approx(begins_us + later_us * (1 + ppm * 1e-6), abs=2)
    ended_us = begins_us + later_us
    before_us = shown_us(device, ended_us)
    device.suffer(Faults(), ended_us)
    assert shown_us(device, ended_us + S) == before_us + S
