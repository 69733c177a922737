"""The fault campaign in short, and that it would find what it looks for: each rule is broken once, on purpose."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from behavior.devices.driver import HarpDriver
from behavior.model.commands import Command, SetCue, Shock
from behavior.model.events import Faulted, LeverPressed, Resumed
from behavior.session import runner
from behavior.session.folder import SessionFolder
from behavior.session.journal import JournalWriter
from behavior.simulate.devices import SimulatedOperantChamber, SimulatedShockController
from faults.campaign import Outcome, one, report
from faults.engines import Ran, run_plan
from faults.invariants import violations
from faults.noticing import NOTICED
from faults.plans import KINDS, Fault, Plan, S, plan_of

SHORT = range(1, 61)
INDUCTION = "induction"
"""Sessions with a shock of 15 s in each trial, the first after some 60 s."""


@pytest.mark.parametrize("begin", range(SHORT.start, SHORT.stop, 10), ids=lambda begin: f"seeds {begin}-{begin + 9}")
def test_nothing_is_violated_in_sessions_under_random_faults(begin: int) -> None:
    found = [(outcome.seed, outcome.violations) for outcome in map(one, range(begin, begin + 10)) if outcome.violations]
    assert found == []


def test_plans_hold_every_paradigm_and_every_fault_and_are_the_same_again() -> None:
    plans = [plan_of(seed) for seed in range(1, 1001)]
    assert {fault.kind for plan in plans for fault in plan.faults} == set(KINDS)
    assert len({plan.way.paradigm.name for plan in plans}) == 7
    assert plans[:20] == [plan_of(seed) for seed in range(1, 21)]


def test_each_kind_of_fault_has_a_rule_by_which_it_is_noticed() -> None:
    assert set(NOTICED) == set(KINDS)


FOUND = {
    20009: "a message that was spoiled after the session had ended was told by nothing",
    33045: "the same, in answers to what is asked at the end",
    709841: "what a second device found when its last bytes were spoiled: that they were is said",
    602289: "a microphone that was recording was told to record, when a device had come back",
    703289: "a device that was away for good started anew, of which nobody can know",
    32904: "a full disk takes no word of a device that restarted in the second before",
    31125: "a line that tells that current flows was taken for a measurement of how much",
    41618: "a clock that jumps while its device is away is no more than a device that is away",
    41840: "a clock that jumped a little bent the line through its answers, and responses were 6 ms off",
    45221: "an animal in the doorway when a session goes on has crossed, or returned: nobody knows",
    45881: "reports that come late from a line that is asked for nothing are late for nobody",
    101974: "late answers were taken for those to later requests, and a clock for one that had jumped",
    102032: "a microphone that dies as its engine does is told by the gap",
    300755: "what a device finds when its messages are late comes after the end; that it owes answers is said",
    400206: "a component that was cut was not marked if the time of day was set back to before it began",
    42345: "a full disk took no word of the samples that were lost at that moment",
}


@pytest.mark.parametrize("seed", FOUND, ids=FOUND.get)
def test_what_long_campaigns_found_stays_mended(seed: int) -> None:
    assert one(seed).violations == ()


def test_a_full_disk_and_a_clock_that_is_set_are_counted_when_they_come_about(tmp_path: Path) -> None:
    late = 10_000 * S
    for kind, amount in (("disk full", 0.5), ("clock set", 30.0)):
        came = ran_with(tmp_path / kind, INDUCTION, Fault(kind, 40 * S, 90 * S, amount=amount))
        assert [fault.kind for _, fault in came.world.done] == [kind]
        never = ran_with(tmp_path / f"{kind} too late", INDUCTION, Fault(kind, late, late + S, amount=amount))
        assert never.world.done == []
        assert violations(came) == violations(never) == []


def test_the_report_counts_what_was_run() -> None:
    outcome = Outcome(1, "shuttle", "shuttle_escape", "A", ("reboot",), ("reboot",), ("ended",), 3, ("it broke",))
    page = report([outcome, replace(outcome, violations=())], 2.0)
    assert page.startswith("2 sessions in 2 s, 2 faults, 6 shocks felt; 1 sessions with violations")
    assert "| shuttle_escape | 2 | 2 | 0 | 1 |" in page
    assert "| reboot | 2 | 2 | 1 |" in page


# -- what comes of single faults --------------------------------------------------------------------------------------


def ran_with(place: Path, name: str, *faults: Fault, chamber: str = "A", seed: int = 1) -> Ran:
    return run_plan(Plan(seed, name, chamber, faults), place)


def amid_a_shock(place: Path) -> int:
    """When a session of the induction is in its first shock, µs."""
    ran = ran_with(place / "undisturbed", INDUCTION)
    assert violations(ran) == []
    first = ran.world.meter.felt[0]
    return (first.start_us + first.end_us) // 2


def test_an_engine_that_is_killed_in_a_shock_is_gone_on_with_and_nothing_is_given_twice(tmp_path: Path) -> None:
    at_us = amid_a_shock(tmp_path)
    ran = ran_with(tmp_path / "killed", INDUCTION, Fault("engine killed", at_us, at_us, amount=30.0))
    assert violations(ran) == []
    assert [life.how for life in ran.lives] == ["killed", "ended"]
    cut = ran.world.meter.felt[0]
    assert 0 < cut.end_us - ran.deaths_us[0] <= 1_010_000, "the device's own watchdog"
    items = SessionFolder(ran.folder).read().items
    shocks = Counter(item.number for item in items if isinstance(item, Shock))
    assert set(shocks.values()) == {1}
    assert any(isinstance(item, Resumed) for item in items)


def test_a_device_that_is_unplugged_and_back_leaves_a_gap_and_the_session_goes_on(tmp_path: Path) -> None:
    fault = Fault("unplugged", 3 * S, 5 * S, "operant-A")
    ran = ran_with(tmp_path, "vocalization, test", fault)
    assert violations(ran) == []
    kinds = Counter(type(item).__name__ for item in SessionFolder(ran.folder).read().items)
    assert (kinds["LinkLost"], kinds["LinkRestored"]) == (1, 1)
    assert ran.lives[0].how == "ended"


def test_the_meter_reads_what_flows_through_the_animal_and_not_what_is_reported(tmp_path: Path) -> None:
    at_us = amid_a_shock(tmp_path)
    ran = ran_with(tmp_path / "open", INDUCTION, Fault("grid open", at_us, at_us + 100 * S, "shocker-A"))
    assert violations(ran) == []
    first, second, *_ = ran.world.meter.felt
    assert first.mean_ma == pytest.approx(first.gate_ma / 2, rel=0.02)
    assert second.mean_ma == 0.0


# -- broken on purpose ------------------------------------------------------------------------------------------------


def test_a_device_without_a_watchdog_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_us = amid_a_shock(tmp_path)
    monkeypatch.setattr(SimulatedShockController, "_watchdog", lambda self: None)
    ran = ran_with(tmp_path / "killed", INDUCTION, Fault("engine killed", at_us, at_us, amount=30.0))
    assert any("after nobody drove it" in sentence for sentence in violations(ran))


def test_a_current_that_is_not_the_one_asked_for_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_gate = SimulatedShockController._open_gate

    def doubled(self: SimulatedShockController) -> None:
        self._values["Intensity"] *= 2
        open_gate(self)

    monkeypatch.setattr(SimulatedShockController, "_open_gate", doubled)
    found = violations(ran_with(tmp_path, INDUCTION))
    assert any("mA where" in sentence for sentence in found)
    assert any("is the limit" in sentence for sentence in found)


def test_a_journal_that_loses_a_line_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = JournalWriter.record

    def forgetful(self: JournalWriter, item: Any, host_us: int) -> None:
        if not (isinstance(item, LeverPressed) and self.n_lines > 20):
            record(self, item, host_us)

    monkeypatch.setattr(JournalWriter, "record", forgetful)
    found = violations(ran_with(tmp_path, "conflict"))
    assert any("acknowledged" in sentence for sentence in found)
    assert any("is not in the journal" in sentence for sentence in found)


def test_a_wire_that_is_disturbed_without_a_word_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Fault("bytes corrupted", 2 * S, 30 * S, "operant-A", 0.003)
    assert violations(ran_with(tmp_path / "said", "conflict", fault)) == []
    monkeypatch.setattr(HarpDriver, "_tell_disturbance", lambda self, now_us: None)
    monkeypatch.setattr(HarpDriver, "last_words", lambda self, now_us: [])
    found = violations(ran_with(tmp_path / "silent", "conflict", fault))
    assert any(sentence.startswith("unnoticed: bytes corrupted") for sentence in found)


def test_outputs_that_stay_on_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at_us = 5 * S
    monkeypatch.setattr(SimulatedOperantChamber, "_watchdog", lambda self: None)
    ran = ran_with(tmp_path, "conflict", Fault("engine killed", at_us, at_us, amount=3_000.0))
    assert any("still has outputs on" in sentence for sentence in violations(ran))


def test_a_fault_that_is_swallowed_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Fault("reboot", 5 * S, 5 * S, "operant-A")
    said = ran_with(tmp_path / "said", "conflict", fault)
    assert violations(said) == []
    assert any(isinstance(item, Faulted) for item in SessionFolder(said.folder).read().items)
    monkeypatch.setattr(HarpDriver, "_fault", lambda self, cause, at_us: None)
    found = violations(ran_with(tmp_path / "silent", "conflict", fault))
    assert any(sentence.startswith("unnoticed: reboot") for sentence in found)


def test_commands_that_never_reach_the_journal_first_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shock that goes out before its line: a death in between leaves a shock that nobody commanded."""
    at_us = amid_a_shock(tmp_path)
    run = runner.run

    def eager(core: Any, apparatus: Any, record: Any, **named: Any) -> None:
        def later(item: Any, host_us: int) -> None:
            if not isinstance(item, Command) or isinstance(item, SetCue):
                record(item, host_us)

        run(core, apparatus, later, **named)

    monkeypatch.setattr("behavior.session.record.run", eager)
    found = violations(ran_with(tmp_path / "eager", INDUCTION, Fault("engine killed", at_us, at_us, amount=1.0)))
    assert any("nobody commanded" in sentence for sentence in found)
