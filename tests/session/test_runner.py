"""The runner carries out what the core commands, in order, and calms the box whatever fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from behavior.model.commands import Command, EndSession, SetCue, Shock, StopShock
from behavior.model.doses import Treatment
from behavior.model.errors import BadInput, Failure
from behavior.model.events import Event, LeverPressed, ShockEnded, TimerFired
from behavior.paradigms.catalogue import find_paradigm
from behavior.session.assemble import assemble, dry_run, resolve
from behavior.session.assemble import core_of as core_of_header
from behavior.session.folder import create
from behavior.session.journal import Item
from behavior.session.record import record_session
from behavior.session.runner import NothingWillHappen, run
from behavior.simulate.ideal import IdealBox
from behavior.simulate.rat import Rat
from behavior.simulate.subject import Absent
from session.recorded import header_of
from session.worlds import S, core_of, still_on


class Watched(IdealBox):
    """An ideal box that remembers what it was sent, and fails when asked to."""

    def __init__(self, subject: object, fail_at: int | None = None) -> None:
        super().__init__(subject)  # type: ignore[arg-type]
        self.sent: list[Command] = []
        self._fail_at = fail_at

    def send(self, command: Command) -> None:
        self.sent.append(command)
        if len(self.sent) == self._fail_at:
            raise OSError("the cable")
        super().send(command)


async def shocks(box: object) -> None:
    for trial in box.trials(3):  # type: ignore[attr-defined]
        with trial, box.cue("tone"):  # type: ignore[attr-defined]
            await box.wait(10)  # type: ignore[attr-defined]
            with box.shocking(0.5, at_most_s=5):  # type: ignore[attr-defined]
                await box.wait(2)  # type: ignore[attr-defined]
            await box.wait(30)  # type: ignore[attr-defined]


def test_commands_follow_the_input_that_they_follow_from() -> None:
    items: list[Item] = []
    box = Watched(Absent())
    run(core_of(shocks), box, lambda item, host_us: items.append(item))
    assert box.sent == [item for item in items if isinstance(item, Command)]
    first_shock = next(at for at, item in enumerate(items) if isinstance(item, Shock))
    assert items[first_shock - 1] == TimerFired(10 * S)
    assert [item.cause for item in items if isinstance(item, ShockEnded)] == ["stopped"] * 3
    assert [item.duration_us for item in items if isinstance(item, ShockEnded)] == [2 * S] * 3


def test_the_input_is_journalled_before_its_commands_are_sent() -> None:
    order: list[str] = []

    class Box(Watched):
        def send(self, command: Command) -> None:
            order.append(f"send {type(command).__name__}")
            super().send(command)

    run(core_of(shocks), Box(Absent()), lambda item, host_us: order.append(f"write {type(item).__name__}"))
    for at, entry in enumerate(order):
        if entry.startswith("send"):
            assert order[at - 1] == entry.replace("send", "write")


@pytest.mark.parametrize("at", range(1, 21))
def test_a_link_that_fails_at_any_command_leaves_everything_off(at: int) -> None:
    box = Watched(Absent(), fail_at=at)
    with pytest.raises(OSError, match="the cable"):
        run(core_of(shocks), box, lambda item, host_us: None)
    assert still_on(box.sent) == set()
    assert StopShock() in box.sent[at - 1 :]


@pytest.mark.parametrize("at", range(1, 37))
def test_a_journal_that_fails_at_any_line_leaves_everything_off(at: int) -> None:
    box, items = Watched(Absent()), []

    def record(item: Item, host_us: int) -> None:
        items.append(item)
        if len(items) == at:
            raise OSError("the disk")

    with pytest.raises(OSError, match="the disk"):
        run(core_of(shocks), box, record)
    assert still_on(box.sent) == set()
    assert box.sent[-1] == StopShock() or box.sent[-1].off() is None


def test_a_key_in_the_middle_of_everything_leaves_everything_off() -> None:
    box = Watched(Absent())

    def record(item: Item, host_us: int) -> None:
        if isinstance(item, Shock):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(core_of(shocks), box, record)
    assert still_on(box.sent) == set()
    assert SetCue("tone", on=False) in box.sent


def test_waiting_for_nobody_for_ever_is_an_error_and_not_a_hang() -> None:
    async def forever(box: object) -> None:
        await box.next(LeverPressed)  # type: ignore[attr-defined]

    with pytest.raises(NothingWillHappen):
        run(core_of(forever), IdealBox(Absent()), lambda item, host_us: None)


def test_equal_seeds_give_equal_sessions_and_others_do_not() -> None:
    def session(seed: int) -> list[Item]:
        paradigm = find_paradigm("geller_seifter")
        core = assemble(paradigm, resolve(paradigm, {"n_cycles": 1}, file="x"), seed=seed)
        items: list[Item] = []
        run(core, IdealBox(Rat(seed, Treatment())), lambda item, host_us: items.append(item))
        return items

    assert session(1) == session(1) != session(2)


def test_a_failure_is_passed_on_after_the_footer_is_written(tmp_path: Path) -> None:
    folder = create(tmp_path, header_of())
    box = Watched(Rat(1, Treatment()), fail_at=9)
    with pytest.raises(Failure, match=r"ended safely, because the host failed \(OSError\('the cable'\)\)"):
        record_session(folder, core_of_header(folder.header), box, time_of_day=lambda: "later")
    footer = folder.footer
    assert footer is not None
    assert footer.reason == "failure of the host: the cable"
    assert still_on(box.sent) == set()
    assert footer.n_lines == len(folder.read().items)


def test_late_reports_stand_in_the_journal_after_the_end(tmp_path: Path) -> None:
    async def ends_in_a_shock(box: object) -> None:
        box.shock(0.5, 5)  # type: ignore[attr-defined]
        await box.wait(1)  # type: ignore[attr-defined]

    items: list[Item] = []
    run(core_of(ends_in_a_shock), IdealBox(Absent()), lambda item, host_us: items.append(item))
    end = next(at for at, item in enumerate(items) if isinstance(item, EndSession))
    assert [item for item in items[end + 1 :] if isinstance(item, Event)] == [ShockEnded(S, 1, S, 0.5, "stopped")]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shock_ma": 1.5}, r"p.toml: refused by the guard: a shock of 1.5 mA, where 1 mA is the limit, \d"),
        ({"shock_s": 12.0}, r"a shock of 12 s, where 10 s is the limit"),
    ],
)
def test_a_dry_run_refuses_what_the_guard_would(changes: dict, sentence: str) -> None:
    paradigm = find_paradigm("geller_seifter")
    component = {"name": "punished", "duration_s": 600, "schedule": "CRF", "shock_ma": 0.4} | changes
    core = assemble(paradigm, resolve(paradigm, {"components": [component]}, file="p.toml"), seed=1)
    with pytest.raises(BadInput, match=sentence):
        dry_run(core, IdealBox(Rat(1, Treatment())), what="p.toml")


def test_a_dry_run_says_what_a_paradigm_fails_with() -> None:
    async def fails(box: object) -> None:
        raise ZeroDivisionError("no")

    with pytest.raises(BadInput, match=r"the paradigm fails after 0.0 min \(ZeroDivisionError\('no'\)\)"):
        dry_run(core_of(fails), IdealBox(Absent()), what="x")
