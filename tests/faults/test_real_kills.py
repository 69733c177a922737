"""The campaign of real kills in short: one of each that a session must survive, side by side, in real time."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faults.real_kills import HOWS, SESSIONS, VICTIMS, Outcome, Plan, _judge_log, plan_of, report, run

needs_terminals = pytest.mark.skipif(
    not sys.platform.startswith(("linux", "darwin")), reason="needs pseudo-terminals, which Linux and macOS have"
)
SHORT = (
    Plan(1, "engine", "helplessness_induction", 0.5, True, "resume"),
    Plan(2, "engine", "shuttle_escape", 1.0, False, "kill again"),
    Plan(3, "simulated chamber", "shock_induced_usv", 1.5, False, "resume"),
)


@needs_terminals
def test_nothing_is_violated_when_processes_are_killed(tmp_path: Path) -> None:
    with ThreadPoolExecutor(len(SHORT)) as pool:
        outcomes = list(pool.map(lambda plan: run(plan, tmp_path / str(plan.number)), SHORT))
    assert {outcome.plan.number: outcome.violations for outcome in outcomes} == {plan.number: [] for plan in SHORT}
    (first, *_) = outcomes
    assert first.shock_off_s is not None, "it died in a shock"
    assert first.n_known > 0
    assert "3 kills" in report(outcomes, 1.0)


def test_plans_hold_every_victim_and_every_session() -> None:
    plans = [plan_of(1, number) for number in range(200)]
    assert {plan.victim for plan in plans} == set(VICTIMS) == set(HOWS)
    assert {plan.paradigm for plan in plans} == set(SESSIONS)
    assert plans == [plan_of(1, number) for number in range(200)]


@pytest.mark.parametrize(("log", "sentence"), [
    ([(900, {"shock": True})], "a shock is still on"),
    ([(900, {"shock": True}), (2_400, {"shock": False})], "a shock went on for 1.400 s after the kill"),
    ([(1_400, {"shock": True}), (1_500, {"shock": False})], "a shock began when nobody drove it"),
    ([(900, {"output": "tone", "on": True})], "still on after the watchdog's time: tone"),
    ([(900, {"shock": True}), (1_900, {"shock": False})], ""),
    ([(900, {"output": "tone", "on": True}), (1_900, {"output": "tone", "on": False})], ""),
], ids=["on", "too long", "began", "tone", "in time", "tone off"])  # fmt: skip
def test_the_chamber_s_own_log_is_judged(
    log: list[tuple[int, dict[str, object]]], sentence: str, tmp_path: Path
) -> None:
    """Killed at 1,000 ms."""
    file, outcome = tmp_path / "log.jsonl", Outcome(SHORT[0])
    file.write_text("".join(json.dumps({"at_us": 1_000 * at_ms, **told}) + "\n" for at_ms, told in log) + '{"torn')
    _judge_log(outcome, file, 1_000_000)
    assert outcome.violations == ([sentence] if sentence else [])
