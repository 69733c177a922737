"""What a terminal shows of a session and of long work, what is typed at it, and that it is left as it was."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from behavior.app import board as board_module
from behavior.app import progress as progress_module
from behavior.app.board import Board
from behavior.app.keyboard import STOP, Keys, _key_by_key, _read, typing
from behavior.app.progress import EVERY_S, Progress
from behavior.model.commands import BeginComponent, BeginTrial, Deliver, Shock
from behavior.model.errors import BadInput
from behavior.model.events import (
    CallHeard,
    Delivered,
    LeverPressed,
    LeverReleased,
    MicrophoneLost,
    MicrophoneRestored,
    ShockEnded,
    ShockStarted,
    SoundLost,
)
from session.recorded import header_of

S = 1_000_000


class Screen(io.StringIO):
    """Standard error that is a terminal, or is not."""

    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    @property
    def shown(self) -> str:
        """What stands on the line now."""
        return self.getvalue().rpartition("\r\033[K")[2]


def watch(monkeypatch: pytest.MonkeyPatch, made: Screen) -> None:
    for module in (board_module, progress_module):
        monkeypatch.setattr(module, "sys", SimpleNamespace(stderr=made))


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made = Screen(terminal=True)
    watch(monkeypatch, made)
    return made


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> Screen:
    made = Screen(terminal=False)
    watch(monkeypatch, made)
    return made


def board() -> Board:
    folder: Any = SimpleNamespace(header=header_of())
    return Board(folder)


# -- the line of a session --------------------------------------------------------------------------------------------


def test_a_session_s_line_counts_what_happened_and_not_what_was_asked_for(screen: Screen) -> None:
    line = board()
    items = [
        BeginComponent("punished"), LeverPressed(1, "left"), LeverReleased(2, "left"), LeverPressed(3, "left"),
        Shock(1, 0.4, 0.25), ShockStarted(4, 1), ShockEnded(5, 1, 250_000, 0.4, "completed"), Deliver(1), Deliver(2),
        Delivered(6, 1),
    ]  # fmt: skip
    for item in items:
        line.take(item)
    line.show(61 * S)
    limit = round(header_of().limits["max_count"])
    assert screen.shown == (f"  1:01  punished  responses 2  deliveries 1  shocks 1/{limit}  (Ctrl-C ends the session)")
    line.take(BeginTrial(7))
    line.show(3600 * S)
    assert screen.shown.startswith(" 60:00  trial 7  responses 2")
    line.clear()
    assert screen.shown == ""


def test_a_session_s_line_counts_calls_once_there_are_some_and_tells_of_lost_sound(screen: Screen) -> None:
    line = board()
    for at_us in (1, 2):
        line.take(CallHeard(at_us, 900_000, 23_000.0, "22-kHz long"))
    line.take(SoundLost(3, 0, "reported by the sound system"))
    line.show(S)
    assert "  calls 2  (Ctrl-C" in screen.shown
    assert "warning" not in screen.getvalue()
    line.take(SoundLost(4, 4_096, "the ring is full"))
    assert "warning: 4096 samples of sound were lost (the ring is full); that time is silent" in screen.getvalue()
    line.take(MicrophoneLost(5, "its stream has ended by itself"))
    assert "\awarning: the microphone is LOST (its stream has ended by itself); nothing is heard" in screen.getvalue()
    line.take(MicrophoneRestored(6))
    assert "warning: the microphone is back" in screen.getvalue()


@given(st.lists(st.integers(0, 400_000), min_size=1, max_size=60))
def test_the_line_is_not_rewritten_more_than_twice_a_second(gaps_us: list[int]) -> None:
    made, now_us = Screen(terminal=True), 0
    with pytest.MonkeyPatch.context() as monkeypatch:
        watch(monkeypatch, made)
        line = board()
        for gap_us in gaps_us:
            line.show(now_us)
            now_us += gap_us
    assert 1 <= made.getvalue().count("\r") <= now_us // 500_000 + 1


def test_where_nobody_watches_nothing_is_written(file: Screen) -> None:
    line = board()
    line.show(S)
    line.clear()
    assert file.getvalue() == ""


# -- the line of long work --------------------------------------------------------------------------------------------


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that a test sets."""
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def test_what_is_left_is_reckoned_from_what_was_done(screen: Screen, clock: list[float]) -> None:
    with Progress("sessions", 4) as progress:
        clock[0] += 10
        progress.step("sub-R01")
        assert screen.shown == "1/4 sessions, about 30 s left  sub-R01"
        clock[0] += 30
        progress.step("sub-R02")
        assert screen.shown == "2/4 sessions, about 40 s left  sub-R02"
    assert screen.shown == "", "the line is left empty"


def test_elsewhere_a_line_comes_now_and_then_and_at_the_end(file: Screen, clock: list[float]) -> None:
    with Progress("sessions", 100) as progress:
        for _ in range(100):
            clock[0] += EVERY_S / 10
            progress.step()
    lines = file.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == [f"{10 * k}/100" for k in range(1, 11)]
    assert lines[-1] == "100/100 sessions, about 0 s left  "
    assert "\r" not in file.getvalue() and "\033" not in file.getvalue()


def test_an_error_within_is_not_swallowed(screen: Screen) -> None:
    with pytest.raises(KeyError), Progress("sessions", 2):
        raise KeyError("x")


# -- what is typed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "notes"),
    [
        (b"wet bedding\nlever sticks\n", ["wet bedding", "lever sticks"]),
        ("größer\nµ\n".encode(), ["größer", "µ"]),
        (b"\xff bad\n", ["\N{REPLACEMENT CHARACTER} bad"]),
        (b"no end", []),
        (b"", []),
    ],
)
def test_what_comes_through_a_pipe_is_noted_byte_by_byte(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, notes: list[str]
) -> None:
    """One byte at a time, so that a letter of two bytes comes in two reads."""
    found: list[str] = []
    left = [sent[k : k + 1] for k in range(len(sent))] + [b""]
    monkeypatch.setattr(os, "read", lambda descriptor, size: left.pop(0))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(encoding="utf-8", fileno=lambda: 0))
    _read(Keys(found.append))
    assert found == notes


@given(st.lists(st.sampled_from(["a", "b"]), max_size=30))
def test_fights_of_each_rater_begin_and_end_by_turns(keys: list[str]) -> None:
    notes: list[str] = []
    typed = Keys(notes.append, ("Anna", "Ben"))
    for key in keys:
        typed.typed(key)
    for key, rater in (("a", "Anna"), ("b", "Ben")):
        mine = [note for note in notes if note.startswith(rater)]
        assert mine == [f"{rater}: fight {'ends' if k % 2 else 'begins'}" for k in range(keys.count(key))]


def test_stop_within_a_line_stops_and_leaves_the_line() -> None:
    notes: list[str] = []
    stops: list[str] = []
    keys = Keys(notes.append, (), stops.append)
    for character in f"half {STOP}a line\n":
        keys.typed(character)
    assert (stops, notes) == (["the experimenter (keyboard)"], ["half a line"])


def test_two_raters_with_one_key_are_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(descriptor: int, size: int) -> bytes:
        raise AssertionError("standard input was read")

    monkeypatch.setattr(os, "read", never)
    with pytest.raises(BadInput, match="a letter of its own"), typing(lambda text: None, ("Anna", "Alex")):
        pass


def test_a_terminal_gives_keys_at_once_and_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    termios = pytest.importorskip("termios")
    master, slave = os.openpty()
    with os.fdopen(slave, "rb", buffering=0) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        before = termios.tcgetattr(slave)
        assert before[3] & termios.ICANON
        with pytest.raises(KeyError), _key_by_key():
            assert not termios.tcgetattr(slave)[3] & termios.ICANON, "not by lines"
            assert termios.tcgetattr(slave)[3] & termios.ISIG, "Ctrl-C is still a signal"
            raise KeyError("whatever ends the session")
        assert termios.tcgetattr(slave) == before
    os.close(master)


def test_a_pipe_is_no_terminal_and_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "typed").write_text("x")
    with (tmp_path / "typed").open() as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        with _key_by_key():
            assert stream.read() == "x"
