"""Live = replay = resume: inputs in journalled order determine the commands."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from behavior.model.commands import Command, Drawn, EndSession, Shock
from behavior.model.events import (
    Event,
    Faulted,
    HeadEntered,
    LeverPressed,
    LeverReleased,
    LinkLost,
    Resumed,
    SessionStarted,
    ShockEnded,
    Stopped,
    TimerFired,
)
from behavior.session.core import NEVER, SessionCore
from behavior.session.journal import read_lines
from behavior.session.replay import Differs, replay
from session.worlds import SHORT, Lines, core_of, numbered, still_on

EVENTS: list[Callable[[int], Event]] = [
    lambda at: LeverPressed(at, "left"),
    lambda at: LeverPressed(at, "right"),
    lambda at: LeverReleased(at, "left"),
    HeadEntered,
    lambda at: ShockEnded(at, 1, 2_000, 0.8, "duration"),
]
ENDS: list[Callable[[int], Event]] = [
    lambda at: Stopped(at, "key"),
    lambda at: LinkLost(at, "chamber"),
    lambda at: Faulted(at, "shocker", "grid short"),
]

# A step of a hostile world: what comes next, and when, as seen from the core's time or from its next deadline.
tick = st.tuples(st.just("tick"), st.integers(-2_000, 8_000))  # early, on time, late
race = st.tuples(st.sampled_from(EVENTS), st.integers(-2, 2), st.just("deadline"))  # within 2 us of a deadline
soon = st.tuples(st.sampled_from(EVENTS), st.integers(-3_000, 9_000), st.just("now"))  # may arrive late
gap = st.tuples(st.just(lambda at: Resumed(at, 7_000)), st.integers(0, 50_000), st.just("now"))
end = st.tuples(st.sampled_from(ENDS), st.integers(0, 100), st.just("now"))
steps = st.lists(st.one_of(tick, tick, race, race, soon, soon, soon, gap, end), max_size=60)


def run(core: SessionCore, plan: list[tuple], journal: Lines) -> None:
    """Take a plan's steps; the end of a shock is reported before the step after the one that asked for it."""
    unreported: list[Shock] = []

    def take(event: Event) -> None:
        journal.record(event)
        for command in core.handle(event):
            journal.record(command)
            unreported.extend([command] if isinstance(command, Shock) else [])

    take(SessionStarted(0))
    for step in plan:
        while unreported:
            take(ShockEnded(core.now_us, unreported.pop().number, 1_000, 0.8, "duration"))
        wake_us = core.wake_us if core.wake_us < NEVER else core.now_us
        if step[0] == "tick":
            take(TimerFired(max(0, wake_us + step[1])))
        else:
            make, offset_us, base = step
            take(make(max(0, (wake_us if base == "deadline" else core.now_us) + offset_us)))


def state(core: SessionCore) -> tuple:
    return core.now_us, core.wake_us, core.ended, list(core._levels), list(core.guard.shocks), len(core._tasks)


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(SHORT)), seed=st.integers(0, 3), plan=steps)
def test_replay_reproduces_every_command_and_the_state(name: str, seed: int, plan: list[tuple]) -> None:
    core, journal = core_of(name, seed=seed), Lines()
    run(core, plan, journal)
    reading = read_lines(journal.data, b"")
    assert reading.problems == []
    again = core_of(name, seed=seed)
    assert replay(again, zip(reading.lines, reading.items, strict=True)) == []
    assert state(again) == state(core)
    again.close()
    core.close()


@settings(max_examples=60, deadline=None)
@given(name=st.sampled_from(sorted(SHORT)), plan=steps)
def test_a_journal_cut_at_any_line_continues_to_the_same_end(name: str, plan: list[tuple]) -> None:
    core, journal = core_of(name), Lines()
    run(core, plan, journal)
    items = journal.items
    for cut in range(len(items) + 1):
        resumed = core_of(name)
        rebuilt = items[:cut] + replay(resumed, numbered(items[:cut]))
        taken = sum(isinstance(item, Event) for item in items[:cut])
        for event in [item for item in items if isinstance(item, Event)][taken:]:
            rebuilt += [event, *resumed.handle(event)]
        assert rebuilt == items
        assert state(resumed) == state(core)
        resumed.close()
    core.close()


@settings(max_examples=200, deadline=None)
@given(name=st.sampled_from(sorted(SHORT)), plan=steps, at_us=st.integers(0, 5_000))
def test_every_end_leaves_everything_off(name: str, plan: list[tuple], at_us: int) -> None:
    core, journal = core_of(name), Lines()
    run(core, [*plan, (lambda now: Stopped(now, "key"), at_us, "now")], journal)
    items = journal.items
    commands = [item for item in items if isinstance(item, Command)]
    assert still_on(commands) == set()
    assert [c for c in commands if isinstance(c, EndSession)] == [commands[-1]]
    ends = [i for i, item in enumerate(items) if isinstance(item, Stopped | LinkLost | Faulted)]
    assert all(item.calms for item in items[ends[0] :] if isinstance(item, Command))


@pytest.mark.parametrize("name", SHORT)
def test_a_command_that_is_missing_added_or_other_is_named_with_its_line(name: str) -> None:
    core, journal = core_of(name), Lines()
    run(core, [("tick", 0), (EVENTS[0], 1, "now")] * 5, journal)
    core.close()
    items = journal.items
    for at in [at for at, item in enumerate(items) if isinstance(item, Command)]:
        missing = items[:at] + items[at + 1 :] + [TimerFired(10**9)]
        added = items[:at] + [EndSession("forged")] + items[at:]
        other = items[:at] + [EndSession("forged")] + items[at + 1 :]
        for wrong, lines in (
            (missing, f"line ({at + 1}|{at + 2}):"),
            (added, f"line {at + 1}:"),
            (other, f"line {at + 1}:"),
        ):
            fresh = core_of(name)
            with pytest.raises(Differs, match=lines):
                replay(fresh, numbered(wrong))
            fresh.close()


@pytest.mark.parametrize("name", ["geller_seifter", "conditioning"])
def test_an_altered_draw_is_named_with_its_line(name: str) -> None:
    core, journal = core_of(name), Lines()
    run(core, [("tick", 0)] * 9, journal)
    core.close()
    drawn = [at for at, item in enumerate(journal.items) if isinstance(item, Drawn)]
    assert drawn
    for at in drawn:
        mark = journal.items[at]
        assert isinstance(mark, Drawn)
        forged = Drawn(mark.purpose, (*mark.values[:-1], mark.values[-1] + 1e-6))
        fresh = core_of(name)
        with pytest.raises(Differs, match=f"line {at + 1}: .*Drawn"):
            replay(fresh, numbered([*journal.items[:at], forged, *journal.items[at + 1 :]]))
        fresh.close()


def test_another_seed_draws_other_numbers() -> None:
    drawn = set()
    for seed in (1, 2):
        core, journal = core_of("conditioning", seed=seed), Lines()
        run(core, [("tick", 0)] * 19, journal)
        core.close()
        drawn |= {item.values for item in journal.items if isinstance(item, Drawn)}
    assert len(drawn) == 6
