"""The soak in short: some minutes of virtual time, so that the command for a day stays one that works."""

from __future__ import annotations

import pytest

from behavior.config.limits import ShockLimits
from behavior.simulate.animals import animal_for
from behavior.simulate.world import VirtualApparatus
from faults import virtual_soak
from faults.plans import chamber_of
from faults.virtual_soak import _one_long_session, waiting
from paradigms.short import VEHICLE, usual


def test_one_long_session_of_a_lab_s_own_file_runs_is_verified_and_leaves_nothing_waiting() -> None:
    cells = [cell.strip() for cell in _one_long_session(hours=0.1).strip("|").split("|")]
    assert cells[0] == "one session of everything_at_once"
    assert float(cells[2]) == pytest.approx(0.1, abs=0.06)
    assert cells[-1] == "0"


def test_a_page_of_the_soak_names_what_grew(monkeypatch: pytest.MonkeyPatch) -> None:
    held = iter(range(1_000_000, 9_000_000, 10_000))
    monkeypatch.setattr(virtual_soak.sys, "getallocatedblocks", lambda: next(held))
    monkeypatch.setattr(virtual_soak, "_session", lambda one, seed: (3_600_000_000, 0))
    page, grew = virtual_soak.virtual_soak(5, ["passive_avoidance"])
    assert grew
    assert "| passive_avoidance | 5 | 5.0 |" in page


def test_what_nobody_took_is_counted() -> None:
    one = usual("geller_seifter")
    animal = animal_for("geller_seifter", one.parameters, 1, VEHICLE)
    apparatus = VirtualApparatus(chamber_of("conflict", "A"), ShockLimits(), animal)
    apparatus.wait(2_000_000)
    assert sum(waiting(apparatus).values()) == 0
    driver = apparatus.chamber._devices["operant-A"].driver
    driver.look_around(apparatus.now_us())  # type: ignore[attr-defined]
    assert waiting(apparatus)["requests without an answer"] == 4
    assert waiting(apparatus)["bytes to devices"] > 0
