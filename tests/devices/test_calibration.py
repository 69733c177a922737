"""Calibration records: found, judged, written; and that nothing is armed without one that holds."""

from __future__ import annotations

from dataclasses import fields
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.app.prepare import Protocol, calibrated
from behavior.config import read, read_text
from behavior.config.calibration import Calibration, Point
from behavior.config.limits import ShockLimits
from behavior.config.rig import Chamber, Rig
from behavior.config.shipped import shipped
from behavior.devices.calibration import (
    FOLDER,
    as_toml,
    calibration_of,
    identity_of,
    not_covered,
    shocker_of,
    simulated_calibration,
    write_calibration,
)
from behavior.model.errors import BadFile, BadInput, Failure
from behavior.paradigms.catalogue import find_paradigm
from behavior.paradigms.parameters import Parameters

TODAY = date(2026, 11, 20)
RIG = read(shipped("configs", "rigs", "simulated.toml"), Rig)
BOX = RIG.chamber("A")
GRID = BOX.devices[0]


def record(**changes: object) -> Calibration:
    plain = simulated_calibration(BOX, GRID, TODAY).model_dump() | {"simulated": False, "done_by": "me", "meter": "M 1"}
    return Calibration(**(plain | changes))  # type: ignore[arg-type]


def kept(folder: Path, **changes: object) -> Path:
    return write_calibration(record(**changes), folder)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    one = record(done_by='Ä "B"', points=(Point(asked_ma=0.5, measured_ma=0.49, reported_ma=0.5),))
    path = write_calibration(one, tmp_path)
    assert path.name == "shocker-A-2026-11-20.toml"
    assert read(path, Calibration) == one
    assert write_calibration(one, tmp_path).name == "shocker-A-2026-11-20-2.toml", "nothing is overwritten"


@given(st.floats(0.05, 3.0), st.floats(-0.2, 0.2))
def test_a_point_is_good_within_5_percent_and_10_microamperes(asked: float, off: float) -> None:
    measured = max(0.0, asked * (1 + off))
    point = Point(asked_ma=asked, measured_ma=measured)
    assert point.is_good == (abs(measured - asked) <= 0.05 * asked + 0.01 + 1e-9)
    assert not Point(asked_ma=asked, measured_ma=asked, reported_ma=asked * 1.2 + 0.02).is_good


def test_the_newest_record_counts(tmp_path: Path) -> None:
    kept(tmp_path, done_on=date(2026, 6, 1), expires_on=date(2027, 6, 1), meter="old")
    kept(tmp_path, done_on=date(2026, 11, 1))
    assert calibration_of(BOX, GRID, tmp_path, TODAY).meter == "M 1"


@pytest.mark.parametrize(
    ("changes", "today", "sentence"),
    [
        (
            {},
            TODAY + timedelta(days=90),
            "shocker-A: its calibration expired on 2027-02-18; measure it on a dummy load",
        ),
        (
            {},
            TODAY - timedelta(days=1),
            "its calibration is of 2026-11-20, which is to come; set the clock, or measure",
        ),
        ({"identity": "another"}, TODAY, r"no calibration record in .* \(there is one of another box that bore this"),
        ({"simulated": True}, TODAY, "no calibration record in"),
    ],
    ids=["expired", "of tomorrow", "another box", "simulated"],
)
def test_a_record_that_does_not_hold(tmp_path: Path, changes: dict[str, object], today: date, sentence: str) -> None:
    kept(tmp_path, **changes)
    with pytest.raises(BadInput, match=sentence):
        calibration_of(BOX, GRID, tmp_path, today)


def test_no_record_at_all(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"shocker-A: no calibration record in .*; measure it on a dummy load with `behavior"
    ):
        calibration_of(BOX, GRID, tmp_path / "nowhere", TODAY)


@pytest.mark.parametrize(("old", "new", "problem"), [
    ("measured_ma = 1.0", "measured_ma = 1.2", r"1 mA gave 1.2 mA: more than 5% \+ 0.01 mA off; mend it and measure"),
    ("expires_on = 2027", "expires_on = 2025", "expires_on must be after done_on"),
    ('done_by = "me"', 'done_by = ""', "done_by"),
    ("load_ohm = 10000.0", "load_ohm = 0", "load_ohm: must be more than 0"),
])  # fmt: skip
def test_what_is_wrong_with_a_record_is_said(tmp_path: Path, old: str, new: str, problem: str) -> None:
    text = as_toml(record())
    assert old in text
    with pytest.raises(BadFile, match=problem):
        read_text(text.replace(old, new), Calibration, file="x.toml")


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match=r"cannot be written to .*choose another folder with --out"):
        kept(tmp_path / "file")


def test_a_current_above_all_that_was_measured() -> None:
    one = record(points=(Point(asked_ma=0.5, measured_ma=0.5),))
    assert not_covered(one, [0.3, 0.5]) == not_covered(one, []) == ""
    assert "it was calibrated up to 0.5 mA, and 0.8 mA is asked for" in not_covered(one, [0.8])


def test_a_gated_shockers_record_is_of_it_and_its_timer() -> None:
    box = read(shipped("configs", "rigs", "simulated-third-party.toml"), Rig).chamber("gated")
    shocker = shocker_of(box)
    assert shocker is not None and shocker.name == "shocker-G"
    assert identity_of(box, shocker) == "shocker-G on 5eed0000000000000000000000002b01"


# ---- before a session


def protocol(*currents_ma: float) -> Protocol:
    paradigm = find_paradigm("geller_seifter")
    return Protocol("p", paradigm, Parameters(), ShockLimits(), currents_ma=frozenset(currents_ma))


def rig_in(folder: Path) -> Path:
    return folder / "rig.toml"


def test_a_session_with_shocks_is_not_begun_without_a_record(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no calibration record"):
        calibrated(protocol(0.4), BOX, rig_in(tmp_path), simulated=False, today=TODAY)


def test_a_session_without_shocks_runs_and_none_can_be_given(tmp_path: Path) -> None:
    without = calibrated(protocol(), BOX, rig_in(tmp_path), simulated=False, today=TODAY)
    assert without.limits.max_count == 0
    assert without.calibration is None
    assert without.remarks[0].startswith("no shock can be given: shocker-A: no calibration record")


def test_a_record_that_holds_goes_with_the_session(tmp_path: Path) -> None:
    kept(tmp_path / FOLDER)
    with_one = calibrated(protocol(0.4), BOX, rig_in(tmp_path), simulated=False, today=TODAY)
    assert with_one.calibration == record()
    assert with_one.limits == ShockLimits()


def test_a_shock_beyond_the_record_is_refused(tmp_path: Path) -> None:
    kept(tmp_path / FOLDER, points=(Point(asked_ma=0.3, measured_ma=0.3),))
    with pytest.raises(BadInput, match=r"calibrated up to 0.3 mA, and 0.4 mA is asked for"):
        calibrated(protocol(0.4), BOX, rig_in(tmp_path), simulated=False, today=TODAY)


def test_a_simulated_shocker_has_a_simulated_record(tmp_path: Path) -> None:
    found = calibrated(protocol(0.4), BOX, rig_in(tmp_path), simulated=True, today=TODAY).calibration
    assert found is not None and found.simulated


def test_a_timer_without_a_watchdog_is_remarked_on_unless_its_pulses_are_short(tmp_path: Path) -> None:
    box = read(shipped("configs", "rigs", "simulated-third-party.toml"), Rig).chamber("ttl")
    said = calibrated(protocol(0.4), box, rig_in(tmp_path), simulated=True, today=TODAY).remarks
    assert said[0].startswith("box-T ends each pulse itself but has no watchdog: were this computer to die in a shock")
    short = Protocol(**{**vars_of(protocol(0.4)), "limits": ShockLimits(max_single_s=2.0)})
    assert calibrated(short, box, rig_in(tmp_path), simulated=True, today=TODAY).remarks == ()
    assert calibrated(protocol(0.4), BOX, rig_in(tmp_path), simulated=True, today=TODAY).remarks == ()


def vars_of(one: Protocol) -> dict[str, Any]:
    return {field.name: getattr(one, field.name) for field in fields(one)}


def test_a_chamber_without_a_shocker_needs_none(tmp_path: Path) -> None:
    box = Chamber(name="bare", devices=(BOX.devices[1],))
    assert calibrated(protocol(), box, rig_in(tmp_path), simulated=False).calibration is None
