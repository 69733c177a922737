"""`behavior propose`: what to run next, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.commands import behavior
from scoring.test_course import FIRST, PLAN, SECOND, conflict, session


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "first.toml").write_text('stage = "training"\ntraining_s = 120\nmax_reinforcers = 5\n')
    (tmp_path / "second.toml").write_text('stage = "training"\ntraining_s = 120\ntraining_schedule = "VI 5 s"\n')
    (tmp_path / "training.toml").write_text(PLAN.format(place=tmp_path))
    for day, parameters in enumerate((FIRST, SECOND, conflict(0.3)), start=1):
        session(tmp_path / "data", day, parameters)
    return tmp_path


def test_it_prints_every_step_and_the_proposal(place: Path) -> None:
    done = behavior("propose", place / "data" / "sub-R1", "--training", place / "training.toml")
    assert (done.code, done.err) == (0, "")
    title, first, second, shocked, stage, shock = done.out.splitlines()
    assert title == "R1: 3 sessions"
    assert "goes on to second: n_pellets_unpunished" in first
    assert "stays in second: 1 of 2 sessions that the criterion asks for" in second
    assert "suppression ratio" in shocked
    assert stage.startswith(f"  next stage: second (--parameters {place}/second.toml): stays in second")
    assert shock.startswith("  next shock: 0.")


def test_as_json_it_holds_the_same_and_nothing_is_written(place: Path) -> None:
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    done = behavior("propose", place / "data", "--training", place / "training.toml", "--json")
    (course,) = json.loads(done.out)
    assert course["next_stage"] == "second"
    assert [one["stage"] for one in course["sessions"]] == ["first", "second", None]
    assert [one["shock_ma"] for one in course["sessions"]] == [None, None, 0.3]
    assert course["sessions"][2]["proposed_shock_ma"] == course["next_shock_ma"]
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


def test_a_plan_that_is_not_there_is_said_with_the_shipped_ones(place: Path) -> None:
    done = behavior("propose", place / "data", "--training", "nowhere")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "shipped: geller_seifter" in done.err


def test_where_there_is_no_session(tmp_path: Path) -> None:
    done = behavior("propose", tmp_path)
    assert done.code == 2
    assert "no session in it" in done.err
