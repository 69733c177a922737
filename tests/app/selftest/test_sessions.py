"""Simulated sessions with faults: what the self-test says of them, and that it notices each thing it looks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from behavior.app.selftest import sessions
from behavior.app.selftest.sessions import SHOCK_MA, TROUBLES, Meter, Trouble, run_troubled, simulated_sessions
from behavior.model.events import ShockEnded, ShockStarted
from behavior.simulate.subject import Absent


def test_every_trouble_is_met_safely_and_said() -> None:
    found = simulated_sessions()
    assert found.state == "good", found.says
    rows = found.figures["sessions"]
    assert [row["trouble"] for row in rows] == [trouble.what for trouble in TROUBLES]
    assert sum(row["n_shocks"] for row in rows) > 10
    ended = {row["trouble"]: row["ended"] for row in rows}
    assert ended["nothing is wrong"] == "completed"
    assert ended["the shocker is unplugged"] == "link to shocker-A lost"
    assert len(set(ended.values())) >= 6, "the troubles end differently"


def test_the_same_again() -> None:
    one = TROUBLES[3:5]
    assert simulated_sessions(one) == simulated_sessions(one)


@pytest.mark.parametrize(
    ("trouble", "problem"),
    [
        (Trouble("nothing, but it has to be said"), "the record does not say so"),
        (
            replace(TROUBLES[5], is_said=False),
            "nothing keeps the session from its end, and it ended with: link to shocker-A lost",
        ),
    ],
    ids=["unsaid", "said though nothing may be"],
)
def test_a_record_that_says_too_little_or_too_much_is_noticed(tmp_path: Path, trouble: Trouble, problem: str) -> None:
    assert run_troubled(trouble, tmp_path / "data", 1).problems == (problem,)
    finding = simulated_sessions([trouble])
    assert finding.state == "WRONG"
    assert problem in finding.says[0]


def test_the_meter_notices_what_the_record_does_not_say() -> None:
    meter = Meter(Absent())
    meter.perceive(ShockStarted(0, 1), 0)
    assert list(sessions.unsafe(meter, TROUBLES[0])) == ["a shock was still on after the end"]
    meter.perceive(ShockEnded(11_000_000, 1, 11_000_000, 1.2 * SHOCK_MA, "completed"), 11_000_000)
    assert list(sessions.unsafe(meter, TROUBLES[0])) == [
        "shock 1 lasted 11.000 s",
        "shock 1 had 0.960 mA, and 0.8 mA were asked for",
    ]


def test_a_record_whose_changes_go_unnoticed_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sessions, "verify", lambda folder: None)
    found = run_troubled(TROUBLES[0], tmp_path / "data", 1)
    assert found.problems == ("an altered digit of the journal was not noticed",)


def test_a_score_that_is_another_on_rescoring_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sessions, "differences", lambda old, new: ["n_shocks is 3 and was 4"])
    found = run_troubled(TROUBLES[0], tmp_path / "data", 1)
    assert found.problems == ("its score differs: n_shocks is 3 and was 4",)
