"""However a session ends, what is on goes off, in the right order, once; and nothing else is issued any more."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from behavior.model.commands import Deliver, EndTrial, Refuse, SetCue, SetLever, SetRecording, StopShock
from behavior.model.events import (
    Event,
    Faulted,
    LeverPressed,
    LinkLost,
    LinkRestored,
    Resumed,
    SessionStarted,
    ShockEnded,
    Stopped,
    TimerFired,
)
from behavior.session.boxes import SessionChamber
from session.worlds import assert_ended_safely, core_of, drive

START, LATER = SessionStarted(0), TimerFired(1_000_000)


async def deep(box: SessionChamber) -> None:
    """Everything on at once, and waiting."""
    with box.lever_out("left"):
        for trial in box.trials(2):
            with trial, box.cue("light"), box.cue("tone"), box.shocking(0.5, at_most_s=5):
                await box.wait(1)
            await box.wait(1)


UNWOUND = [StopShock(), SetCue("tone", on=False), SetCue("light", on=False), EndTrial(1), SetLever("left", out=False)]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (Stopped(5, "key"), "stopped by key"),
        (LinkLost(5, "chamber"), "link to chamber lost"),
        (Faulted(5, "shocker", "open grid"), "fault of shocker: open grid"),
    ],
    ids=["stop", "link lost", "fault"],
)
def test_blocks_are_left_inside_out_when_the_session_is_ended_from_outside(end: Event, reason: str) -> None:
    core = core_of(deep)
    commands = drive(core, START, end)
    assert_ended_safely(core, commands, reason)
    assert commands[-7:-2] == UNWOUND
    assert drive(core, LATER, Stopped(9, "again")) == []


# ---- a link that is followed

ON = [SetLever("left", out=True), SetCue("light", on=True), SetCue("tone", on=True)]


async def at_rest(box: SessionChamber) -> None:
    """Things on, and a shock that is asked for much later."""
    with box.lever_out("left"), box.cue("light"), box.cue("tone"):
        await box.wait(1)
        box.shock(0.5, 0.1)
        await box.wait(1)


def test_a_link_that_is_looked_for_does_not_end_a_session_and_what_comes_back_is_set_again() -> None:
    core = core_of(at_rest)
    assert drive(core, START) == ON
    assert drive(core, LinkLost(5, "box", followed=True)) == []
    assert drive(core, LinkRestored(9, "box")) == ON
    assert core.ended is None
    commands = drive(core, TimerFired(1_000_000))
    assert [type(command).__name__ for command in commands] == ["Shock"]
    core.close()


async def heard(box: SessionChamber) -> None:
    with box.recording(), box.cue("light"):
        await box.wait(2)


def test_a_recording_goes_on_while_a_device_is_away_and_is_begun_again_only_after_a_gap() -> None:
    """A microphone that records fails when it is told to record."""
    core, recorded = core_of(heard), [SetRecording(on=True), SetCue("light", on=True)]
    assert drive(core, START) == recorded
    assert drive(core, LinkLost(5, "box", followed=True), LinkRestored(9, "box")) == [SetCue("light", on=True)]
    assert drive(core, Resumed(100, 50)) == recorded
    assert SetRecording(on=False) in drive(core, TimerFired(3_000_000))
    core.close()


def test_no_shock_is_given_while_a_device_is_away() -> None:
    core = core_of(at_rest)
    drive(core, START, LinkLost(5, "box", followed=True))
    commands = drive(core, TimerFired(1_000_000))
    assert "Shock" not in {type(command).__name__ for command in commands}
    assert core.ended == "link to box lost"
    assert StopShock() in commands


def test_a_link_that_is_lost_in_a_shock_ends_the_session_even_if_it_is_looked_for() -> None:
    core = core_of(deep)
    commands = drive(core, START, LinkLost(5, "box", followed=True))
    assert_ended_safely(core, commands, "link to box lost")


def test_a_link_that_was_not_found_again_ends_the_session() -> None:
    core = core_of(at_rest)
    drive(core, START, LinkLost(5, "box", followed=True), LinkLost(9, "box"))
    assert core.ended == "link to box lost"


async def too_strong(box: SessionChamber) -> None:
    with box.cue("light"):
        await box.wait(1)
        box.shock(1.5, 1)
        raise AssertionError("not reached")


async def too_strong_and_deaf(box: SessionChamber) -> None:
    with box.cue("light"):
        try:
            box.shock(1.5, 1)
        except BaseException:
            await box.wait(1)
        box.reinforce()


async def fails(box: SessionChamber) -> None:
    with box.cue("light"), box.shocking(0.5, at_most_s=5):
        await box.wait(1)
        raise ZeroDivisionError


async def returns_with_a_lever_left_out(box: SessionChamber) -> None:
    box.lever_out("left").__enter__()


async def waits_on_the_way_out(box: SessionChamber) -> None:
    try:
        with box.cue("light"):
            await box.wait(9)
    finally:
        await box.wait(1)
        box.reinforce()


async def swallows_everything_for_ever(box: SessionChamber) -> None:
    with box.cue("light"):
        while True:
            try:
                await box.wait(9)
            except BaseException:
                pass


async def shocks_on_the_way_out(box: SessionChamber) -> None:
    try:
        await box.wait(9)
    finally:
        box.shock(0.5, 1)


async def fails_on_the_way_out(box: SessionChamber) -> None:
    with box.cue("light"):
        try:
            await box.wait(9)
        finally:
            raise KeyError("clean-up")


async def awaits_asyncio(box: SessionChamber) -> None:
    with box.cue("light"):
        await asyncio.sleep(0)


async def never_advances(box: SessionChamber) -> None:
    with box.cue("light"):
        while True:
            await box.wait(0)


@asynccontextmanager
async def house(box: SessionChamber) -> AsyncIterator[None]:
    """As a lab might write it: works, and its wait on the way out is cut short by an end."""
    with box.cue("house"):
        try:
            yield
        finally:
            await box.wait(1)


async def own_async_context(box: SessionChamber) -> None:
    async with house(box):
        await box.wait(9)


async def spells(box: SessionChamber) -> AsyncIterator[int]:
    with box.cue("spell"):
        for number in range(3):
            await box.wait(0.1)
            yield number


async def own_async_generator(box: SessionChamber) -> None:
    async for _ in spells(box):
        await box.wait(9)


async def child(box: SessionChamber, act: Callable[[SessionChamber], object]) -> None:
    with box.cue("child"):
        await box.wait(0.5)
        act(box)


def with_child(act: Callable[[SessionChamber], object]) -> Callable:
    async def parent(box: SessionChamber) -> None:
        with box.cue("light"), box.alongside(child(box, act)):
            await box.wait(9)

    return parent


async def child_fails_at_once(box: SessionChamber) -> None:
    async def bad() -> None:
        raise ZeroDivisionError

    with box.cue("light"), box.alongside(bad()):
        await box.wait(9)


STOP = Stopped(2_000_000, "key")


@pytest.mark.parametrize(
    ("paradigm", "events", "reason"),
    [
        (deep, [TimerFired(second * 1_000_000) for second in range(1, 5)], "completed"),
        (too_strong, [LATER], "refused by the guard: a shock of 1.5 mA"),
        (too_strong_and_deaf, [], "refused by the guard: a shock of 1.5 mA"),
        (fails, [LATER], "paradigm failed: ZeroDivisionError"),
        (returns_with_a_lever_left_out, [], "completed"),
        (waits_on_the_way_out, [STOP], "stopped"),
        (swallows_everything_for_ever, [STOP], "stopped"),
        (shocks_on_the_way_out, [STOP], "stopped"),
        (fails_on_the_way_out, [STOP], "stopped"),
        (awaits_asyncio, [], "paradigm failed: TypeError"),
        (never_advances, [LATER], "paradigm failed: it waits"),
        (own_async_context, [STOP], "stopped"),
        (own_async_generator, [LATER, STOP], "stopped"),
        (with_child(lambda box: box.shock(1.5, 1)), [LATER], "refused by the guard"),
        (with_child(lambda box: box.end_session("dropped out")), [LATER], "dropped out"),
        (with_child(lambda box: 1 / 0), [LATER], "paradigm failed: ZeroDivisionError"),
        (with_child(lambda box: None), [LATER, STOP], "stopped"),
        (with_child(lambda box: None), [Stopped(1, "key")], "stopped"),
        (child_fails_at_once, [], "paradigm failed: ZeroDivisionError"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_everything_is_off_at_the_end(paradigm: Callable, events: list[Event], reason: str) -> None:
    core = core_of(paradigm)
    commands = drive(core, START, *events)
    assert_ended_safely(core, commands, reason)
    if events and events[-1] is STOP:
        assert all(command.calms for command in commands[len(drive(core_of(paradigm), START, *events[:-1])) :])
    del core
    gc.collect()


def test_a_refusal_is_on_record_and_the_command_is_not_issued() -> None:
    core = core_of(too_strong)
    commands = drive(core, START, LATER)
    assert commands[1] == Refuse("Shock", "a shock of 1.5 mA, where 1 mA is the limit")
    assert commands[2:4] == [SetCue("light", on=False), StopShock()]


def test_a_gap_takes_no_time_from_the_paradigm_and_levels_are_set_again() -> None:
    core = core_of(deep)
    began = drive(core, START)
    assert core.wake_us == 1_000_000
    again = drive(core, TimerFired(400_000), Resumed(60_400_000, gap_us=60_000_000))
    assert core.wake_us == 61_000_000
    assert again == [c for c in began if isinstance(c, (SetLever, SetCue))]  # and no new shock
    assert drive(core, ShockEnded(60_400_001, 1, 2_000, 0.5, "watchdog"), TimerFired(60_999_999)) == []


def test_the_block_of_a_second_task_closes_it() -> None:
    async def parent(box: SessionChamber) -> None:
        with box.alongside(child(box, lambda box: box.reinforce())):
            await box.wait(0.2)
        await box.wait(5)

    core = core_of(parent)
    assert drive(core, START, TimerFired(200_000)) == [SetCue("child", on=True), SetCue("child", on=False)]
    assert drive(core, TimerFired(600_000)) == []


def test_waiting_on_the_way_out_does_not_keep_the_outer_blocks() -> None:
    async def paradigm(box: SessionChamber) -> None:
        for trial in box.trials(1):
            with trial:
                await waits_on_the_way_out(box)

    commands = drive(core_of(paradigm), START, STOP)
    assert EndTrial(1) in commands


def test_a_second_task_begins_with_the_next_event() -> None:
    async def one_press(box: SessionChamber) -> None:
        await box.next(LeverPressed)
        box.reinforce()

    async def parent(box: SessionChamber) -> None:
        await box.next(LeverPressed)
        with box.alongside(one_press(box)):
            await box.wait(9)

    core = core_of(parent)
    assert drive(core, START, LeverPressed(1, "left")) == []
    assert drive(core, LeverPressed(2, "left")) == [Deliver(1)]


def test_blocks_of_two_tasks_are_left_inside_out() -> None:
    async def parent(box: SessionChamber) -> None:
        with box.cue("outer"), box.alongside(child(box, box_does_nothing)), box.cue("inner"):
            await box.wait(9)

    commands = drive(core_of(parent), START, STOP)
    assert commands[3:6] == [SetCue(name, on=False) for name in ("inner", "child", "outer")]


def box_does_nothing(box: SessionChamber) -> None: ...


def test_except_exception_does_not_swallow_the_end() -> None:
    swallowed = []

    async def careless(box: SessionChamber) -> None:
        while True:
            try:
                await box.wait(9)
            except Exception as error:
                swallowed.append(error)

    assert_ended_safely(core := core_of(careless), drive(core, START, STOP), "stopped")
    assert swallowed == []
